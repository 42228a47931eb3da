//! Alerts as they are shown: where each stands, what keeps its messages back, how it came there; and that somebody
//! knows of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::deliveries::{DeliveriesWanted, DeliveryShown, deliveries};
use super::matching::Test;
use super::{Inspection, Page, Quiet, Unanswered};
use crate::alert::{Acknowledgement, Alert, Cause, Hush, Hushed, Kind, State, Transition, kind};
use crate::base::clock::Timestamp;
use crate::base::text::{printable, remark, shorten};
use crate::outbox::{GateLine, Message};
use crate::period::Period;
use crate::rule::Severity;
use crate::series::Labels;
use crate::store::{AlertPlace, AlertQuery, Store, StoreError};

/// Deliveries that are told with their alert, at most: the newest.
const DELIVERIES_MAX: usize = 1000;

/// An alert: Alertmanager's fields, what Prometheus says beside them, and what only this program knows.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Alert)]
pub struct AlertShown {
    /// The alert's id, the same for as long as its rule and its series have their names.
    pub fingerprint: String,
    /// The labels of its series, with `alertname` (the rule) and, while it fires, `severity`.
    pub labels: BTreeMap<String, String>,
    /// What is said of it in words.
    pub annotations: Annotations,
    /// When the episode began to be told; `null` where it does not fire.
    pub starts_at: Option<Timestamp>,
    /// When the last episode ended; `null` while it fires, and where it never did.
    pub ends_at: Option<Timestamp>,
    /// When its last message was made; `null` where there is none.
    pub updated_at: Option<Timestamp>,
    /// The same as `startsAt`, by Prometheus's name for it.
    pub active_at: Option<Timestamp>,
    /// Whether its messages are kept back.
    pub status: AlertStatus,
    /// Who was told that it began.
    pub receivers: Vec<ReceiverName>,
    /// The page that shows it, where the config says at which address pages are found.
    #[serde(rename = "generatorURL")]
    pub generator_url: Option<String>,
    /// The first measure of its rule at the last message, as a number in a string; `null` where that is unknown.
    pub value: Option<String>,
    /// The rule; of a data alert the name in its place, such as `feed:failing`.
    pub rule: String,
    /// `market`: of a rule. `data`: of the program's own work.
    pub kind: AlertKind,
    /// The labels of its series alone.
    pub series: Labels,
    /// Whether it fires.
    pub state: AlertState,
    /// How bad it is; `null` where it does not fire.
    pub severity: Option<Severity>,
    /// Why its state is held as it was, while the rule's verdict is unknown.
    pub held: Option<String>,
    /// The number of its latest episode; 0 before the first.
    pub episode: u32,
    /// The number of its last transition; 0 before the first.
    pub number: u32,
    /// The period at which the episode began, such as `2025-09`.
    #[schema(value_type = Option<String>)]
    pub since: Option<Period>,
    /// The latest period that was judged, where it fires or is held.
    #[schema(value_type = Option<String>)]
    pub period: Option<Period>,
    /// The title of the message that opened the episode.
    pub title: Option<String>,
    /// The rule's gates with their values, as the last message has them.
    pub gates: Vec<GateLine>,
    /// What keeps its messages back now.
    pub suppressed: Vec<Hush>,
    /// The same in sentences.
    pub kept_back: Vec<String>,
    /// Who knows of the episode.
    pub acknowledgement: Option<Known>,
}

/// What is said of an alert in words, under the names that rules of Prometheus use.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Annotations {
    /// The title of its last message; empty before the first.
    pub summary: String,
    /// A sentence or two more; may be empty.
    pub description: String,
}

/// Whether messages of an alert are kept back.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertStatus {
    /// In one word.
    pub state: AlertStatusState,
    /// The silences that do it, by their ids.
    pub silenced_by: Vec<String>,
    /// The alerts that do it, by their fingerprints.
    pub inhibited_by: Vec<String>,
}

/// Alertmanager's words for whether an alert is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlertStatusState {
    /// It fires, and is told.
    Active,
    /// It fires, and is not told.
    Suppressed,
    /// It does not fire.
    Unprocessed,
}

/// Whether an alert fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    /// It does.
    Firing,
    /// It does not.
    Ok,
}

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlertKind {
    /// Of a rule.
    Market,
    /// Of the program's own work.
    Data,
}

/// A receiver, in Alertmanager's form.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct ReceiverName {
    /// Its name in the config.
    pub name: String,
}

/// That somebody knows of an episode: that it goes on is not told again.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = Acknowledgement)]
pub struct Known {
    /// The alert's fingerprint.
    pub alert: String,
    /// Its rule.
    pub rule: String,
    /// The labels of its series.
    pub series: Labels,
    /// The episode.
    pub episode: u32,
    /// When it was said.
    pub at: Timestamp,
    /// What was said.
    pub comment: String,
    /// Who said it; may be empty.
    pub author: String,
}

impl From<Acknowledgement> for Known {
    fn from(known: Acknowledgement) -> Self {
        let Acknowledgement { rule, labels, episode, at, note, author } = known;
        let alert = crate::alert::alert_id(&rule, &labels);
        Self { alert, rule, series: labels, episode, at, comment: note, author }
    }
}

/// A piece of the list of alerts.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Alerts {
    /// The alerts: the gravest first, of equal ones the youngest.
    pub alerts: Vec<AlertShown>,
    /// What `nextToken` has to be for the next piece, where there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_token: Option<String>,
}

/// How one alert came to where it is.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = AlertStory)]
pub struct Story {
    /// Where it is.
    pub alert: AlertShown,
    /// Every transition, oldest first.
    pub transitions: Vec<TransitionShown>,
    /// Its deliveries, newest first; of very many, the newest.
    pub deliveries: Vec<DeliveryShown>,
}

/// One change of an alert, with what was said.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = Transition)]
pub struct TransitionShown {
    /// Counts an alert's transitions from 1.
    pub number: u32,
    /// The episode that it belongs to, from 1.
    pub episode: u32,
    /// When it was found.
    pub at: Timestamp,
    /// What kind of change.
    pub transition: Kind,
    /// How bad it is, or was.
    pub severity: Severity,
    /// What brought it about.
    pub cause: Cause,
    /// The period that was judged; `null` where none was.
    #[schema(value_type = Option<String>)]
    pub period: Option<Period>,
    /// The message as it was made, in the names that it is kept by.
    pub message: Message,
    /// What kept it back, and from whom.
    pub suppressed: Option<Hushed>,
}

/// Which alerts are asked for.
#[derive(Default)]
pub struct AlertsWanted {
    /// Where they stand; without it, those that fire or are held.
    pub standing: Option<Standing>,
    /// How bad they are.
    pub severity: Option<Severity>,
    /// Of which rule.
    pub rule: Option<String>,
    /// Of which kind.
    pub kind: Option<AlertKind>,
    /// What must hold of their labels.
    pub tests: Arc<[Test]>,
}

/// Where alerts stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// They fire.
    Firing,
    /// They wait for a figure, firing or not.
    Held,
    /// They do not fire.
    Ok,
    /// Anywhere.
    All,
}

impl AlertsWanted {
    /// The lists that come one after the other: of what fires or does not, and is held or is not.
    const fn lists(&self) -> &'static [(Option<bool>, Option<bool>)] {
        match self.standing {
            None => &[(Some(true), None), (Some(false), Some(true))],
            Some(Standing::Firing) => &[(Some(true), None)],
            Some(Standing::Held) => &[(None, Some(true))],
            Some(Standing::Ok) => &[(Some(false), None)],
            Some(Standing::All) => &[(None, None)],
        }
    }

    fn query(&self, (firing, held): (Option<bool>, Option<bool>)) -> AlertQuery {
        let tests = self.tests.clone();
        let holds = move |alert: &Alert| {
            let labels = known_labels(alert);
            tests.iter().all(|test| test.holds(&labels))
        };
        AlertQuery {
            firing,
            held,
            data: self.kind.map(|kind| kind == AlertKind::Data),
            rule: self.rule.clone(),
            severity: self.severity,
            only: if self.tests.is_empty() { None } else { Some(Arc::new(holds)) },
            ..AlertQuery::default()
        }
    }
}

impl AlertKind {
    fn of(alert: &Alert) -> Self {
        if alert.is_data() { Self::Data } else { Self::Market }
    }
}

/// The alerts that are asked for.
pub async fn alerts(asked: Inspection<'_>, wanted: &AlertsWanted, page: &Page) -> Result<Alerts, Unanswered> {
    let read = |token: &String| AlertPlace::parse(token).ok_or_else(|| not_a_token(token));
    let from = page.after.as_ref().map(read).transpose()?;
    let (alerts, next) = find(asked.store, wanted, page.limit, from).await?;
    let newest = asked.store.newest(alerts.iter().map(|alert| (alert.rule.as_str(), &alert.labels))).await?;
    let quiet = Quiet::read(asked.setup, asked.store, asked.now).await?;
    let shown = alerts
        .into_iter()
        .zip(&newest)
        .map(|(alert, newest)| show(asked, &quiet, alert, newest.as_ref().map(|(_, message)| message)));
    Ok(Alerts { alerts: shown.collect(), next_token: next.map(|next| next.to_string()) })
}

/// So many alerts behind a place, and the place behind which there are more.
async fn find(
    store: &Store,
    wanted: &AlertsWanted,
    limit: usize,
    from: Option<AlertPlace>,
) -> Result<(Vec<Alert>, Option<AlertPlace>), StoreError> {
    /// Before all that do not fire.
    const FIRED_NO_MORE: (i64, i64) = (0, i64::MAX);
    let mut found = Vec::new();
    // A place among those that do not fire has all that do behind it.
    let is_past = |(firing, _): &&(Option<bool>, Option<bool>)| {
        *firing == Some(true) && from.as_ref().is_some_and(|from| from.gravity == 0)
    };
    for list in wanted.lists().iter().filter(|list| !is_past(list)) {
        let left = limit.saturating_sub(found.len());
        let part =
            store.find_alerts(AlertQuery { from: from.clone(), limit: left.max(1), ..wanted.query(*list) }).await?;
        if left == 0 && !part.items.is_empty() {
            let (gravity, since) = FIRED_NO_MORE;
            return Ok((found, Some(AlertPlace { gravity, since, id: String::new() })));
        }
        found.extend(part.items);
        if part.next.is_some() {
            return Ok((found, part.next));
        }
    }
    Ok((found, None))
}

/// How the alert came to where it is whose id begins so.
pub async fn alert(asked: Inspection<'_>, id: &str) -> Result<Story, Unanswered> {
    let alert = one(asked.store.alerts_by_id(id).await?, "alert", id)?;
    let transitions = asked.store.transitions(&alert.rule, &alert.labels).await?;
    let mut hushed = asked.store.hushed(&alert.rule, &alert.labels).await?;
    let quiet = Quiet::read(asked.setup, asked.store, asked.now).await?;
    let of_alert = DeliveriesWanted { alert: Some(alert.id()), ..DeliveriesWanted::default() };
    let told = deliveries(asked, &of_alert, &Page { limit: DELIVERIES_MAX, after: None }).await?;
    let shown = show(asked, &quiet, alert, transitions.last().map(|(_, message)| message));
    let step = |(step, message): (Transition, Message)| TransitionShown {
        number: step.number,
        episode: step.episode,
        at: step.at,
        transition: step.kind,
        severity: step.severity,
        cause: step.cause,
        period: step.period,
        message,
        suppressed: hushed.remove(&step.number),
    };
    let transitions = transitions.into_iter().map(step).collect();
    Ok(Story { alert: shown, transitions, deliveries: told.deliveries })
}

/// What somebody says who knows of an alert.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Remark {
    /// What is done about it: a line.
    #[schema(min_length = 1, max_length = 500, pattern = "^[!-~]([ -~]*[!-~])?$", example = "asked the mill")]
    pub comment: String,
    /// Who knows: a line; may be left out.
    #[serde(default)]
    #[schema(max_length = 500, pattern = "^([!-~]([ -~]*[!-~])?)?$", example = "ada")]
    pub author: String,
}

/// Notes that somebody knows of the firing alert whose id begins so.
pub async fn acknowledge(asked: Inspection<'_>, id: &str, said: &Remark) -> Result<Known, Unanswered> {
    let (comment, author) = (line("comment", &said.comment)?, optional_line("author", &said.author)?);
    let beginning = id.to_owned();
    let only = Arc::new(move |alert: &Alert| alert.id().starts_with(&beginning));
    let query = AlertQuery { firing: Some(true), only: Some(only), limit: 2, ..AlertQuery::default() };
    let alert = one(asked.store.find_alerts(query).await?.items, "firing alert", id)?;
    let known = Acknowledgement {
        rule: alert.rule,
        labels: alert.labels,
        episode: alert.episode,
        at: asked.now,
        note: comment,
        author,
    };
    if !asked.store.acknowledge(known.clone()).await? {
        let id = crate::alert::alert_id(&known.rule, &known.labels);
        return Err(Unanswered::Unknown(format!("alert {id} no longer fires")));
    }
    Ok(known.into())
}

/// A text that has to be a line.
pub(super) fn line(what: &str, text: &str) -> Result<String, Unanswered> {
    let wrong = || format!("`{what}` is no line of text of {} characters at most", crate::base::text::REMARK_CHARS_MAX);
    remark(text).map(ToOwned::to_owned).ok_or_else(|| Unanswered::Invalid(wrong()))
}

/// A text that has to be a line, or nothing.
pub(super) fn optional_line(what: &str, text: &str) -> Result<String, Unanswered> {
    if text.is_empty() { Ok(String::new()) } else { line(what, text) }
}

/// The one thing whose id begins so, of those that were found.
pub(super) fn one<T>(mut found: Vec<T>, what: &str, id: &str) -> Result<T, Unanswered> {
    let begins = |how_many: &str| format!("{how_many} an id that begins with {}", printable(id));
    match found.len() {
        0 => Err(Unanswered::Unknown(begins(&format!("no {what} has")))),
        1 => Ok(found.remove(0)),
        _ => Err(Unanswered::Invalid(begins(&format!("more than one {what} has")))),
    }
}

/// That a token did not come with a piece of this list.
pub(super) fn not_a_token(token: &str) -> Unanswered {
    Unanswered::Invalid(format!("`{}` is no `nextToken` of this list", printable(&shorten(token, 60))))
}

fn severity(alert: &Alert) -> Option<Severity> {
    match &alert.state {
        State::Ok => None,
        State::Firing(firing) => Some(firing.severity),
    }
}

/// The labels by which alerts are told from each other, as in Prometheus.
fn labels(alert: &Alert) -> BTreeMap<String, String> {
    let own = [("alertname", Some(alert.rule.as_str())), ("severity", severity(alert).map(Severity::name))];
    let own = own.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
    let mut labels: BTreeMap<String, String> = own.collect();
    for (name, value) in alert.labels.iter() {
        let mut name = name.to_owned();
        while matches!(name.as_str(), "alertname" | "severity") || labels.contains_key(&name) {
            name.push('_');
        }
        labels.insert(name, value.to_owned());
    }
    labels
}

/// The same, and what else patterns may name.
fn known_labels(alert: &Alert) -> BTreeMap<String, String> {
    let mut labels = labels(alert);
    labels.insert("rule".to_owned(), alert.rule.clone());
    labels.insert("kind".to_owned(), kind(&alert.rule).to_owned());
    labels
}

/// An alert as it is shown, with what its last message says.
pub(super) fn show(asked: Inspection<'_>, quiet: &Quiet<'_>, alert: Alert, last: Option<&Message>) -> AlertShown {
    let suppressed = quiet.of(&alert);
    let firing = match &alert.state {
        State::Ok => None,
        State::Firing(firing) => Some(firing),
    };
    let title =
        |message: &Message| Annotations { summary: message.title.clone(), description: message.summary.clone() };
    let value = last.and_then(|message| message.evidence.measures.first()?.value);
    let id = alert.id();
    AlertShown {
        labels: labels(&alert),
        annotations: last.map(title).unwrap_or_default(),
        starts_at: firing.map(|firing| firing.said_at),
        ends_at: last.filter(|message| message.closes() && firing.is_none()).map(|message| message.at),
        updated_at: last.map(|message| message.at),
        active_at: firing.map(|firing| firing.said_at),
        status: status(firing.is_some(), &suppressed),
        receivers: firing
            .iter()
            .flat_map(|firing| &firing.receivers)
            .map(|name| ReceiverName { name: name.clone() })
            .collect(),
        generator_url: asked.setup.page_url.as_ref().map(|page| format!("{page}/alerts/{id}")),
        value: value.map(|value| value.to_string()),
        kind: AlertKind::of(&alert),
        state: if firing.is_some() { AlertState::Firing } else { AlertState::Ok },
        severity: firing.map(|firing| firing.severity),
        since: firing.map(|firing| firing.since),
        title: firing.map(|firing| firing.said.clone()),
        gates: last.map(|message| message.gates.clone()).unwrap_or_default(),
        kept_back: suppressed.iter().map(kept_back).collect(),
        acknowledgement: quiet.known(&alert).cloned().map(Known::from),
        suppressed,
        period: alert.assessed.filter(|_| !alert.is_quiet()),
        held: alert.held,
        episode: alert.episode,
        number: alert.number,
        rule: alert.rule,
        series: alert.labels,
        fingerprint: id,
    }
}

fn status(fires: bool, suppressed: &[Hush]) -> AlertStatus {
    let silence = |hush: &Hush| match hush {
        Hush::Silence { id, .. } => Some(id.to_string()),
        Hush::Alert { .. } | Hush::Acknowledgement { .. } => None,
    };
    let alert = |hush: &Hush| match hush {
        Hush::Alert { id, .. } => Some(id.clone()),
        Hush::Silence { .. } | Hush::Acknowledgement { .. } => None,
    };
    let silenced_by: Vec<String> = suppressed.iter().filter_map(silence).collect();
    let inhibited_by: Vec<String> = suppressed.iter().filter_map(alert).collect();
    let state = match (fires, silenced_by.is_empty() && inhibited_by.is_empty()) {
        (false, _) => AlertStatusState::Unprocessed,
        (true, true) => AlertStatusState::Active,
        (true, false) => AlertStatusState::Suppressed,
    };
    AlertStatus { state, silenced_by, inhibited_by }
}

/// That something keeps messages back, in a sentence.
fn kept_back(hush: &Hush) -> String {
    match hush {
        Hush::Acknowledgement { .. } => format!("that it goes on is kept back by {hush}"),
        Hush::Silence { .. } | Hush::Alert { .. } => format!("messages are kept back by {hush}"),
    }
}
