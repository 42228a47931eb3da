//! An alert as it is shown, in the fields that other programs know and in those of this one.

use std::collections::BTreeMap;

use crate::alert::{Acknowledgement, Alert, Cause, Hush, Hushed, Kind, State, kind};
use crate::base::clock::Timestamp;
use crate::inspect::deliveries::DeliveryShown;
use crate::inspect::{Inspection, Quiet};
use crate::outbox::{GateLine, Message};
use crate::period::Period;
use crate::rule::Severity;
use crate::series::Labels;

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

impl AlertKind {
    fn of(alert: &Alert) -> Self {
        if alert.is_data() { Self::Data } else { Self::Market }
    }
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
pub(super) fn known_labels(alert: &Alert) -> BTreeMap<String, String> {
    let mut labels = labels(alert);
    labels.insert("rule".to_owned(), alert.rule.clone());
    labels.insert("kind".to_owned(), kind(&alert.rule).to_owned());
    labels
}

/// An alert as it is shown, with what its last message says.
pub(in crate::inspect) fn show(
    asked: Inspection<'_>,
    quiet: &Quiet<'_>,
    alert: Alert,
    last: Option<&Message>,
) -> AlertShown {
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
