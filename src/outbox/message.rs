//! The message of one transition, said once, in words and figures; every channel renders this.
//!
//! It is made once, frozen with the delivery, and says no more than its evidence does.

use std::collections::BTreeMap;

use super::Brief;
use crate::alert::Kind;
use crate::base::clock::Timestamp;
use crate::chart::Chart;
use crate::rule::Severity;
use crate::series::Provenance;

/// All that a receiver may show of one transition. Text fields hold plain text from feeds and the
/// config: each channel escapes them for its own markup.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Message {
    /// Which alert.
    pub alert: AlertRef,
    /// What kind of change.
    pub kind: Kind,
    /// The alert's transition number, from 1.
    pub number: u32,
    /// How bad it is.
    pub severity: Severity,
    /// The period judged, such as `2025-09`.
    pub period: Option<String>,
    /// When the transition was found.
    pub at: Timestamp,
    /// One line: what, where, how much, since when.
    pub title: String,
    /// A sentence or two more.
    pub summary: String,
    /// The rule's gates with their values.
    pub gates: Vec<GateLine>,
    /// The last periods, oldest first.
    pub table: Vec<TableRow>,
    /// For `corrected` and `resolved`: what was said before.
    pub said: Option<Said>,
    /// For `corrected`: the figures that were revised.
    pub revisions: Vec<RevisionLine>,
    /// What would clear it, or what cleared it.
    pub clears: Option<String>,
    /// Where the figures came from.
    pub sources: Vec<Provenance>,
    /// The rule as written.
    pub rule_text: String,
    /// SHA-256 of the rule's meaning, in hex.
    pub rule_hash: String,
    /// `supplywatch 0.1.0`.
    pub program: String,
    /// The figures behind it, for machines.
    pub evidence: Evidence,
    /// The items that it is about, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<ItemLine>,
    /// How many more there are.
    #[serde(default)]
    pub items_left_out: usize,
    /// What ties it to other messages of the alert, where that is not the episode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// The figures as a picture, for receivers that show one.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "readable")]
    #[schema(value_type = Option<Object>)]
    pub chart: Option<Chart>,
    /// Where a page shows the alert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What a template made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
    /// What else it tells: the messages that were gathered into it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Brief>,
}

/// What a template says in the place of a message's own words.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Told {
    /// In the place of the title; one line.
    pub title: Option<String>,
    /// In the place of all that stands between the title and the rule; lines of plain text.
    pub body: Option<String>,
    /// Why the template said nothing.
    pub note: Option<String>,
}

/// A chart as it was kept. One that another version wrote in its own way is left out: the message says the same.
fn readable<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Chart>, D::Error> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Kept {
        Readable(Box<Chart>),
        Other(serde::de::IgnoredAny),
    }
    let kept: Kept = serde::Deserialize::deserialize(deserializer)?;
    Ok(match kept {
        Kept::Readable(chart) => Some(*chart),
        Kept::Other(serde::de::IgnoredAny) => None,
    })
}

impl Message {
    /// The message as its template has it told; `None` where there is no template.
    pub fn retold(&self) -> Option<Self> {
        let told = self.told.as_ref()?;
        let title = told.title.clone().unwrap_or_else(|| self.title.clone());
        let summary = match (&told.body, &told.note) {
            (Some(body), _) => body.lines().map(str::trim).collect::<Vec<_>>().join(" "),
            (None, Some(note)) => format!("{} ({note})", self.summary).trim().to_owned(),
            (None, None) => self.summary.clone(),
        };
        let whole = Self { title, summary, ..self.clone() };
        Some(match &told.body {
            None => whole,
            Some(_) => Self {
                gates: Vec::new(),
                table: Vec::new(),
                said: None,
                revisions: Vec::new(),
                clears: None,
                sources: Vec::new(),
                items: Vec::new(),
                items_left_out: 0,
                ..whole
            },
        })
    }

    /// What ties it to other messages of its alert: the episode, or what its items follow.
    pub fn thread(&self) -> String {
        let AlertRef { id, episode, .. } = &self.alert;
        self.thread.as_deref().map_or_else(|| format!("{id}.{episode}"), |thread| format!("{id}.{thread}"))
    }
}

/// Which alert a message is about.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct AlertRef {
    /// Stable short name of the alert.
    pub id: String,
    /// The rule.
    pub rule: String,
    /// The series' labels.
    pub labels: BTreeMap<String, String>,
    /// The episode, from 1.
    pub episode: u32,
}

/// One published item.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct ItemLine {
    /// The publisher's name for it.
    pub id: String,
    /// The day on which it was published: `2026-09-24`.
    pub published: String,
    /// The same in words: `24 September 2026`.
    pub published_on: String,
    /// Its title.
    pub title: String,
    /// Where it is to be read.
    pub url: Option<String>,
    /// What it says in short; may be empty.
    pub summary: String,
    /// What else its publisher says of it: `Rule, Industry and Security Bureau`.
    pub about: String,
    /// The item that it corrects, in words.
    pub corrects: Option<String>,
    /// The day from which it has effect.
    pub effective: Option<String>,
    /// The same in words.
    pub effective_on: Option<String>,
    /// The day on which what it suspends or allows ends.
    pub ends: Option<String>,
    /// The same in words.
    pub ends_on: Option<String>,
}

/// One gate with its value.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct GateLine {
    /// Of which severity, where the rule has a `warning` and a `critical`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// The gate as written: `declines >= 2`.
    pub text: String,
    /// `holds`, `fails` or `unknown`.
    pub verdict: String,
    /// Its measures with their values in words: `declines = 2`.
    pub value: String,
}

/// One period of the table.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct TableRow {
    /// The period: `2025-09`.
    pub period: String,
    /// The figure in words: `420.5 t`; `—` where it is missing.
    pub value: String,
    /// The change on the row above in words: `−28.7 %`.
    pub change: Option<String>,
    /// The publisher's mark, where it is not `final`.
    pub status: Option<String>,
    /// When this vintage became known.
    pub known_since: Option<Timestamp>,
    /// The day of that, by the publisher's calendar: `2025-10-20`.
    pub known_on: Option<String>,
    /// What else is to be said of it: `was 420.5 t until 20 November 2025`.
    pub note: Option<String>,
}

/// What an earlier message of the same episode said.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Said {
    /// When.
    pub at: Timestamp,
    /// The day of that, by the publisher's calendar: `20 October 2025`.
    pub on: String,
    /// Its title.
    pub title: String,
}

/// A figure that was revised.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct RevisionLine {
    /// The period: `2025-09`.
    pub period: String,
    /// The figure before, in words.
    pub old: String,
    /// The figure now, in words.
    pub new: String,
    /// When the new figure became known.
    pub known_since: Timestamp,
    /// The day of that, by the publisher's calendar: `2025-11-20`.
    pub known_on: String,
}

/// The figures behind a message.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Evidence {
    /// The series' unit, where it has one.
    pub unit: Option<String>,
    /// Every measure of the rule with its value.
    pub measures: Vec<MeasureLine>,
    /// Every figure that they used, oldest first.
    pub points: Vec<PointLine>,
}

/// One measure with its value.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct MeasureLine {
    /// As written: `declines`, `change(3mo)`.
    pub text: String,
    /// Its value: a ratio as a fraction (0.1 is 10 %), a quantity in the series' unit; `None` while unknown or infinite.
    pub value: Option<f64>,
    /// The value in words: `+11.1 %`.
    pub words: String,
    /// Of a measure of a group: what its members come to, largest first, the smaller ones together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartLine>,
}

/// A part of a group's total.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct PartLine {
    /// What tells it from the others: `China`, or `3 more`.
    pub name: String,
    /// What it comes to, in the group's unit.
    pub value: f64,
    /// The same in words: `350 t`.
    pub words: String,
}

/// One figure.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct PointLine {
    /// The period, or `first/last` for a combined one.
    pub period: String,
    /// The figure in the series' unit.
    pub value: f64,
    /// The publisher's mark.
    pub status: String,
    /// When this vintage became known.
    pub recorded_at: Timestamp,
    /// Which of the message's sources brought it, by position.
    pub source: Option<usize>,
}
