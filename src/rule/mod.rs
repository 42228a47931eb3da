//! Rules: what counts as alarming in one history, as an expression that explains itself.
//!
//! A rule judges; what follows from a verdict (firing, resolving, telling someone) is the alerts' business.

pub mod bulk;
mod check;
mod evaluate;
mod evidence;
mod expr;
mod headline;
mod judge;
mod measure;
mod operate;
mod parse;
mod syntax;
mod token;

use std::fmt;

pub use evidence::{Gate, Reading, Reason, Value, Verdict};
pub use expr::{Expr, ExprError, Subject};
pub use headline::headline;
pub use judge::{Judgement, judge};

use crate::period::Length;
use crate::series::{Quantity, Selector};

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
