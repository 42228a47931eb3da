//! What a judgement was made of, as values to show: gates, parts of the expression, figures, items.

use std::collections::BTreeMap;

use super::nearness::Nearness;
use crate::base::clock::Timestamp;
use crate::base::text::counted;
use crate::period::{Period, Span};
use crate::rule::{Gate, Reading, Severity, Verdict};
use crate::series::number::number;
use crate::series::{Finite, History, Item, Notation, Point, PullId, Status, Unit, Vintage};

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Ruling {
    /// It holds.
    Holds,
    /// It does not.
    Fails,
    /// It cannot be said.
    Unknown,
}

impl Ruling {
    /// Of a verdict with its reasons.
    pub const fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Holds => Self::Holds,
            Verdict::Fails => Self::Fails,
            Verdict::Unknown(_) => Self::Unknown,
        }
    }

    /// The word: `holds`, `fails`, `unknown`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fails => "fails",
            Self::Unknown => "unknown",
        }
    }
}

/// One gate of a rule, judged at one period.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedGate {
    /// Of which severity, where the rule has a `warning` and a `critical`.
    pub severity: Option<Severity>,
    /// The gate as written.
    pub text: String,
    /// Whether it holds.
    pub verdict: Ruling,
    /// How it came to that.
    pub reading: ExplainedPart,
    /// How near it is to changing, where it is one of several; of a single one, the severity says it.
    pub nearness: Option<Nearness>,
}

impl ExplainedGate {
    /// A gate that was judged by a history.
    pub fn new(gate: &Gate, history: &History, nearness: Option<Nearness>) -> Self {
        let (text, verdict) = (gate.text.clone(), Ruling::of(&gate.verdict));
        Self { severity: gate.severity, text, verdict, reading: ExplainedPart::new(&gate.reading, history), nearness }
    }
}

/// One part of an expression, its value, the figures that it read itself, and its own parts.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedPart {
    /// The part: `declines`, `change(1mo)`, `declines >= 2`.
    pub text: String,
    /// Its value in words: `−28.7 %`, `420.5 t`, `holds`, `unknown (waiting for 2025-08)`.
    pub value: String,
    /// The figures that it read, oldest first.
    pub figures: Vec<ExplainedFigure>,
    /// The items that it found.
    pub items: Vec<ExplainedItem>,
    /// Its operands and arguments that have values, in the order of the text.
    #[schema(no_recursion)]
    pub parts: Vec<ExplainedPart>,
}

impl ExplainedPart {
    fn new(reading: &Reading, history: &History) -> Self {
        Self {
            text: reading.text.clone(),
            value: reading.words(&Notation::default()),
            figures: reading.points.iter().map(|point| ExplainedFigure::new(point, history)).collect(),
            items: reading.items.iter().map(|known| ExplainedItem::new(&known.item)).collect(),
            parts: reading.parts.iter().map(|part| Self::new(part, history)).collect(),
        }
    }
}

/// A figure as it was read, with what it was before.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedFigure {
    /// The period, such as `2025-09`; `2025-01/2025-02` where one figure covers several.
    pub period: Span,
    /// The figure, in the series' unit.
    pub value: f64,
    /// The publisher's mark.
    pub status: Status,
    /// When this vintage became known.
    pub recorded_at: Timestamp,
    /// The number of the pull that brought it.
    pub pull: PullId,
    /// What was known of the period before, oldest first.
    pub earlier: Vec<EarlierFigure>,
}

/// A vintage that another one superseded.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EarlierFigure {
    /// The figure; nothing where it was withdrawn.
    pub value: Option<f64>,
    /// The publisher's mark.
    pub status: Status,
    /// When it became known.
    pub recorded_at: Timestamp,
    /// Until when it stood.
    pub until: Timestamp,
}

impl EarlierFigure {
    /// Of the vintages of a period, oldest first, all but the last.
    pub fn of(vintages: &[&Vintage]) -> Vec<Self> {
        let superseded = |pair: &[&Vintage]| match pair {
            [old, new] => Some(Self {
                value: old.value.map(Finite::get),
                status: old.status,
                recorded_at: old.recorded_at,
                until: new.recorded_at,
            }),
            _ => None,
        };
        vintages.windows(2).filter_map(superseded).collect()
    }
}

impl ExplainedFigure {
    /// A figure of a history.
    pub fn new(point: &Point, history: &History) -> Self {
        let Point { span, value, status, recorded_at, pull } = *point;
        let is_it = |vintage: &Vintage| vintage.pull == pull && vintage.recorded_at == recorded_at;
        let until_it: Vec<&Vintage> =
            history.vintages(span).iter().filter(|vintage| vintage.pull < pull || is_it(vintage)).collect();
        Self { period: span, value, status, recorded_at, pull, earlier: EarlierFigure::of(&until_it) }
    }

    /// `2025-09 420.5 t (final, known since 2025-10-20T01:00:00Z, 1 vintage before it)`.
    pub fn in_words(&self, unit: Option<&Unit>) -> String {
        let Self { period, status, recorded_at, earlier, .. } = self;
        let unit = unit.map(|unit| format!(" {unit}")).unwrap_or_default();
        let revised = match earlier.len() {
            0 => String::new(),
            count => format!(", {} before it", counted(count, "vintage")),
        };
        format!("{period} {}{unit} ({status}, known since {recorded_at}{revised})", number(self.value))
    }
}

/// An item that a rule found.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedItem {
    /// The publisher's own name for it.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Where it is to be read.
    pub url: Option<String>,
    /// The day on which it was published, such as `2026-09-24`.
    pub published: Period,
    /// The day from which it has effect.
    pub effective: Option<Period>,
    /// The day on which what it suspends or allows for a time ends.
    pub ends: Option<Period>,
    /// The item that it corrects: its id, or its title.
    pub corrects: Option<String>,
    /// All of that in one line.
    pub in_words: String,
    /// What else its publisher says of it, by name.
    pub tags: BTreeMap<String, String>,
}

impl ExplainedItem {
    fn new(item: &Item) -> Self {
        Self {
            id: item.id.clone(),
            title: item.title.clone(),
            url: item.url.clone(),
            published: item.day,
            effective: item.effective,
            ends: item.ends,
            corrects: item.corrects.clone(),
            in_words: item.in_words(),
            tags: item.tags.iter().cloned().collect(),
        }
    }
}
