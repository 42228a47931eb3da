//! Rules: what counts as alarming in one history, as an expression that explains itself.
//!
//! A rule judges; what follows from a verdict (firing, resolving, telling someone) is the alerts' business.

mod evidence;

use std::fmt;

pub use evidence::{Gate, Reading, Reason, Value, Verdict};

use crate::period::{Frequency, Length, Period};
use crate::series::{Quantity, Selector, Unit, View};

/// How bad it is when a rule holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Look at it soon.
    Warning,
    /// Act.
    Critical,
}

impl Severity {
    /// Every severity, mildest first.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    /// The word: `info`, `warning`, `critical`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether an alert that goes on firing is told again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Renotify {
    /// At every newer period.
    #[default]
    EachPeriod,
    /// Never until it ends.
    Never,
    /// At a newer period, once so much time has passed since the last message.
    After(Length),
}

/// One rule, ready to judge.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name in the config.
    pub name: String,
    /// The series that it is about.
    pub selector: Selector,
    /// The gates of `when`: all must hold.
    pub when: Vec<Expr>,
    /// What ends a firing alert; without it, an alert ends when `when` fails.
    pub clear: Option<Expr>,
    /// How bad it is.
    pub severity: Severity,
    /// Below this base a ratio says nothing.
    pub min_base: Option<Quantity>,
    /// The receivers that are told.
    pub notify: Vec<String>,
    /// Whether an alert that goes on is told again.
    pub renotify: Renotify,
    /// What the figures are, in words, where the rule or its feed says so: `rare-earth magnet exports`.
    pub title: Option<String>,
    /// SHA-256 over all that changes its meaning (series, when, clear, min_base), in hex.
    pub hash: String,
}

impl Rule {
    /// The rule as a reader should see it: `declines >= 2`, gates joined by `and`.
    pub fn text(&self) -> String {
        self.when.iter().map(Expr::text).collect::<Vec<_>>().join(" and ")
    }
}

/// An expression that was read.
#[derive(Clone, Debug)]
pub struct Expr {
    text: String,
}

/// What is wrong with an expression, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExprError {
    /// The place in the expression's text, in bytes.
    pub span: std::ops::Range<usize>,
    /// What is wrong, in one line.
    pub message: String,
    /// What stands under the underlining: what was expected or found.
    pub label: String,
    /// What to write instead, where that can be said.
    pub help: Option<String>,
}

/// What an expression is checked against: the kind of series that its rule selects.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The series' frequency.
    pub frequency: Frequency,
    /// The series' unit; `None` while it is only known from the figures themselves.
    pub unit: Option<Option<Unit>>,
}

/// What a rule says of one period.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The period.
    pub period: Period,
    /// Whether `when` holds: all gates.
    pub verdict: Verdict,
    /// The gates.
    pub gates: Vec<Gate>,
    /// What `clear` says, where the rule has one.
    pub clear: Option<Gate>,
}

impl Expr {
    /// Reads an expression that must be a condition.
    pub fn parse(_text: &str) -> Result<Self, ExprError> {
        todo!()
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Checks measures, types, units and periods against the series; all that is wrong.
    pub fn check(&self, _subject: &Subject) -> Vec<ExprError> {
        todo!()
    }
}

/// Judges one period of a history as a view shows it.
pub fn judge(_rule: &Rule, _view: &View<'_>, _period: Period) -> Judgement {
    todo!()
}

/// In words.
pub fn headline(_gate: &Gate, _frequency: Frequency) -> Option<String> {
    todo!()
}
