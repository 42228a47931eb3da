//! Silences: which hold, which are over, and that one begins or ends.

use std::collections::BTreeMap;
use std::time::Duration;

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::{Chrome, show};
use crate::inspect::silences::{self, NewSilence, SilenceShown, SilenceState};
use crate::inspect::{Inspection, Page, Unanswered, alerts};
use crate::web::Site;
use crate::web::guard::Visit;
use crate::web::problem::Problem;

/// Silences that are over and are shown, at most.
const EXPIRED_SHOWN: usize = 50;
/// For how long a silence may be asked, as forms say it (days).
const LASTINGS: [(&str, u64, &str); 5] = [
    ("1d", 1, "a day"),
    ("7d", 7, "a week"),
    ("31d", 31, "a month"),
    ("92d", 92, "three months"),
    ("365d", 365, "a year"),
];

#[derive(Template)]
#[template(path = "silences.html", config = "src/web/askama.toml")]
struct SilencesPage {
    chrome: Chrome,
    open: Vec<SilenceShown>,
    expired: Vec<SilenceShown>,
}

impl SilencesPage {
    const fn lastings(&self) -> [(&'static str, u64, &'static str); 5] {
        LASTINGS
    }
}

/// The list.
pub async fn list(State(site): State<Site>, chrome: Chrome) -> Result<Response, Problem> {
    let setup = site.setup();
    let all = silences::silences(site.inspection(&setup), None, &Page::ALL).await?.silences;
    let is_over = |silence: &SilenceShown| silence.status.state == SilenceState::Expired;
    let (mut expired, open): (Vec<_>, Vec<_>) = all.into_iter().partition(is_over);
    expired.sort_by_key(|silence| std::cmp::Reverse(silence.ends_at));
    expired.truncate(EXPIRED_SHOWN);
    show(&SilencesPage { chrome, open, expired })
}

/// What the form says: which alert, or patterns of labels.
#[derive(Deserialize)]
pub struct Wish {
    #[serde(default)]
    alert: String,
    #[serde(default, rename = "match")]
    patterns: String,
    lasting: String,
    comment: String,
    #[serde(default)]
    author: String,
}

/// Adds one.
pub async fn add(State(site): State<Site>, visit: Visit, Form(wish): Form<Wish>) -> Result<Response, Problem> {
    let setup = site.setup();
    let asked = site.change(&setup);
    let days = LASTINGS.into_iter().find(|(name, ..)| *name == wish.lasting).map(|(_, days, _)| days);
    let days = days.ok_or_else(|| Problem::invalid("say for how long the silence is to hold"))?;
    let patterns = match wish.alert.is_empty() {
        true => parse(&wish.patterns).map_err(Problem::invalid)?,
        false => of_alert(asked, &wish.alert).await?,
    };
    silences::add_silence(
        asked,
        NewSilence {
            matchers: Vec::new(),
            patterns,
            starts_at: None,
            ends_at: asked.now.plus(Duration::from_secs(days * 24 * 3600)),
            created_by: visit.who.unwrap_or(wish.author),
            comment: wish.comment,
        },
    )
    .await?;
    Ok(Redirect::to("/silences?done=silenced").into_response())
}

/// What means one alert and no other.
async fn of_alert(asked: Inspection<'_>, id: &str) -> Result<BTreeMap<String, Vec<String>>, Unanswered> {
    let alert = alerts::alert(asked, id).await?.alert;
    let labels = alert.series.iter().map(|(name, value)| (name.to_owned(), vec![value.to_owned()]));
    Ok(labels.chain([("rule".to_owned(), vec![alert.rule.clone()])]).collect())
}

/// `partner=US hs=8505*`: a pattern for each label; several for one are one of them.
fn parse(text: &str) -> Result<BTreeMap<String, Vec<String>>, String> {
    let mut patterns: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for part in text.split_whitespace() {
        let (name, pattern) = part
            .split_once('=')
            .filter(|(name, pattern)| !name.is_empty() && !pattern.is_empty())
            .ok_or_else(|| "write patterns as LABEL=PATTERN, such as partner=US hs=8505*".to_owned())?;
        patterns.entry(name.to_owned()).or_default().push(pattern.to_owned());
    }
    Ok(patterns)
}

/// Ends one.
pub async fn expire(State(site): State<Site>, Path(id): Path<i64>) -> Result<Response, Problem> {
    let setup = site.setup();
    silences::expire_silence(site.change(&setup), id).await?;
    Ok(Redirect::to("/silences?done=expired").into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_read() {
        let read = parse(" partner=US  hs=8505*  partner=DE ").unwrap();
        assert_eq!(read["partner"], ["US", "DE"]);
        assert_eq!(read["hs"], ["8505*"]);
        assert_eq!(parse("note=a=b").unwrap()["note"], ["a=b"]);
        for bad in ["US", "=US", "partner="] {
            assert!(parse(bad).unwrap_err().contains("LABEL=PATTERN"), "{bad}");
        }
    }
}
