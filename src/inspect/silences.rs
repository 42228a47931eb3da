//! Silences as they are shown, and the two things that may be done to them: one is added, one is ended.

use std::collections::BTreeMap;

use super::alerts::{line, not_a_token, optional_line};
use super::matching::Matching;
use super::{Inspection, Page, Unanswered};
use crate::alert::{Matcher, Silence, Topic};
use crate::base::clock::Timestamp;

/// A silence: Alertmanager's fields, and its patterns as the program has them.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Silence)]
pub struct SilenceShown {
    /// Its number, as a text.
    #[serde(with = "as_text")]
    #[schema(value_type = String, example = "1")]
    pub id: i64,
    /// Which alerts it means: those of which all of these hold.
    pub matchers: Vec<Matching>,
    /// The same in patterns by label: exact values, globs, `!` for all but one.
    #[serde(rename = "match")]
    #[schema(value_type = BTreeMap<String, Vec<String>>)]
    pub matcher: Matcher,
    /// When it begins.
    pub starts_at: Timestamp,
    /// When it is over.
    pub ends_at: Timestamp,
    /// When it last became what it is: its beginning, or its end where that has come.
    pub updated_at: Timestamp,
    /// Who says so; may be empty.
    pub created_by: String,
    /// Why.
    pub comment: String,
    /// Whether it holds.
    pub status: SilenceStatus,
}

/// Whether a silence holds.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct SilenceStatus {
    /// In one word.
    pub state: SilenceState,
}

/// Whether a silence holds, in Alertmanager's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SilenceState {
    /// It is to come.
    Pending,
    /// It holds.
    Active,
    /// It is over.
    Expired,
}

mod as_text {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(number: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl SilenceState {
    /// The word: `active`, `pending`, `expired`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Expired => "expired",
        }
    }
}

impl SilenceShown {
    /// A silence as it is at a time.
    pub fn new(silence: Silence, now: Timestamp) -> Self {
        let Silence { id, matcher, since, until, comment, author } = silence;
        let state = match (now < since, now < until) {
            (_, false) => SilenceState::Expired,
            (true, true) => SilenceState::Pending,
            (false, true) => SilenceState::Active,
        };
        Self {
            id,
            matchers: Matching::all_of(&matcher),
            matcher,
            starts_at: since,
            ends_at: until,
            updated_at: if state == SilenceState::Expired { until } else { since },
            created_by: author,
            comment,
            status: SilenceStatus { state },
        }
    }
}

/// A piece of the list of silences.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Silences {
    /// The silences, oldest first.
    pub silences: Vec<SilenceShown>,
    /// What `nextToken` has to be for the next piece, where there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_token: Option<String>,
}

/// The silences, of one state or of all.
pub async fn silences(asked: Inspection<'_>, state: Option<SilenceState>, page: &Page) -> Result<Silences, Unanswered> {
    let read = |token: &String| token.parse::<i64>().map_err(|_| not_a_token(token));
    let after = page.after.as_ref().map(read).transpose()?;
    let silences =
        asked.store.silences().await?.into_iter().filter(|silence| after.is_none_or(|after| silence.id > after));
    let shown = silences.map(|silence| SilenceShown::new(silence, asked.now));
    let wanted = shown.filter(|silence| state.is_none_or(|state| silence.status.state == state));
    let (silences, next_token) =
        Page { after: None, ..*page }.of(wanted.collect(), |silence| silence.id.to_string())?;
    Ok(Silences { silences, next_token })
}

/// The silence of a number.
pub async fn silence(asked: Inspection<'_>, id: i64) -> Result<SilenceShown, Unanswered> {
    let found = asked.store.silences().await?.into_iter().find(|silence| silence.id == id);
    found.map(|silence| SilenceShown::new(silence, asked.now)).ok_or_else(|| unknown(id))
}

fn unknown(id: i64) -> Unanswered {
    Unanswered::Unknown(format!("there is no silence {id}"))
}

/// A silence that is to be.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewSilence {
    /// Which alerts it means, as Alertmanager says it; of regular expressions, what a glob can say. This or `match`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matchers: Vec<Matching>,
    /// The same in patterns by label, or `rule`, `severity`, `kind`: exact values, globs, `!` for all but one.
    #[serde(rename = "match", default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(example = json!({"partner": ["US"]}))]
    pub patterns: BTreeMap<String, Vec<String>>,
    /// When it begins; now, where it is left out or past.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Timestamp>,
    /// When it is over.
    pub ends_at: Timestamp,
    /// Who says so: a line; may be left out.
    #[serde(default)]
    #[schema(max_length = 500, pattern = "^([!-~]([ -~]*[!-~])?)?$", example = "ada")]
    pub created_by: String,
    /// Why: a line.
    #[schema(min_length = 1, max_length = 500, pattern = "^[!-~]([ -~]*[!-~])?$", example = "a fair")]
    pub comment: String,
}

/// A silence that was added.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct SilenceAdded {
    /// Its number, as Alertmanager gives it.
    #[serde(rename = "silenceID")]
    pub silence_id: String,
    /// The silence.
    pub silence: SilenceShown,
    /// How many alerts fire that it means.
    pub firing: usize,
}

/// Adds a silence.
pub async fn add_silence(asked: Inspection<'_>, wish: NewSilence) -> Result<SilenceAdded, Unanswered> {
    let (comment, author) = (line("comment", &wish.comment)?, optional_line("createdBy", &wish.created_by)?);
    let matcher = match (wish.matchers.is_empty(), wish.patterns.is_empty()) {
        (false, true) => Matching::matcher(&wish.matchers),
        (true, false) => Matcher::try_from(wish.patterns),
        (true, true) => Err("say which alerts are meant: in `matchers`, or in `match`".to_owned()),
        (false, false) => Err("`matchers` and `match` say the same: give one of them".to_owned()),
    };
    let matcher = matcher.map_err(Unanswered::Invalid)?;
    let since = wish.starts_at.unwrap_or(asked.now).max(asked.now);
    if wish.ends_at <= asked.now {
        return Err(Unanswered::Invalid(format!("{} is over", wish.ends_at)));
    }
    if wish.ends_at <= since {
        return Err(Unanswered::Invalid("it would end before it begins".to_owned()));
    }
    let silence = Silence { id: 0, matcher, since, until: wish.ends_at, comment, author };
    let added = asked.store.add_silence(silence).await?;
    let firing = asked.store.firing().await?;
    let meant =
        |alert: &&crate::alert::Alert| Topic::of_firing(alert).is_some_and(|topic| added.matcher.matches(&topic));
    let firing = firing.iter().filter(meant).count();
    Ok(SilenceAdded { silence_id: added.id.to_string(), silence: SilenceShown::new(added, asked.now), firing })
}

/// Ends the silence of a number now, if it is not over.
pub async fn expire_silence(asked: Inspection<'_>, id: i64) -> Result<SilenceShown, Unanswered> {
    let ended = asked.store.expire_silence(id, asked.now).await?;
    ended.map(|silence| SilenceShown::new(silence, asked.now)).ok_or_else(|| unknown(id))
}
