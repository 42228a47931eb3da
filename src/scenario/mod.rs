//! Scenarios: figures as they become known, and what a rule must send when.
//!
//! A scenario is played through the same replay as a backtest. How its file is written is known to the
//! config; here is what it means.

mod compare;
mod junit;
mod notation;
mod play;
mod series;
mod stage;
mod write;

use chrono::NaiveDate;
use chrono_tz::Tz;

use crate::alert::Kind;
use crate::base::clock::Timestamp;
use crate::period::{Period, Span};
use crate::rule::{Rule, Severity};
use crate::series::{Finite, Release, Status};

pub use junit::{Case, junit};
pub use notation::{Calendar, NotationError, read_figures};
pub use play::{Outcome, play};
pub use series::{Part, Written, split};
pub use stage::{Past, Series, Stage};
pub use write::write;

/// One scenario, ready to be played.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it shows, in words.
    pub name: String,
    /// The rule that is put to the test.
    pub rule: Rule,
    /// What its alerts are about, and what was known of that when.
    pub pasts: Vec<Past>,
    /// What must be sent, in order for each alert, and nothing else.
    pub expect: Vec<Expect>,
    /// How alerts must stand.
    pub stands: Vec<Stand>,
}

/// The vintages of one span, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What it covers.
    pub span: Span,
    /// The vintages.
    pub vintages: Vec<Said>,
}

/// One vintage: the figure, the publisher's mark, and since when it is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Said {
    /// The figure.
    pub value: Option<Finite>,
    /// The mark.
    pub status: Status,
    /// Since when.
    pub at: Timestamp,
}

/// One message that must be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Expect {
    /// The alert that it is about, by its position.
    pub alert: usize,
    /// The day, by the publisher's calendar.
    pub on: Option<NaiveDate>,
    /// The period that it is about.
    pub period: Option<Period>,
    /// What kind of transition it tells.
    pub transition: Kind,
    /// How bad it is.
    pub severity: Option<Severity>,
    /// Its title; `…` stands for anything.
    pub title: Option<String>,
    /// Values of its evidence, by measure as written.
    pub values: Vec<(String, Rounded)>,
}

/// How an alert must stand at the end of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stand {
    /// The alert, by its position.
    pub alert: usize,
    /// The day, by the publisher's calendar.
    pub on: NaiveDate,
    /// Whether it fires.
    pub firing: Option<bool>,
    /// Why it is held as it was; `…` stands for anything.
    pub held: Option<String>,
}

/// When figures that do not say so become known.
pub fn known(span: Span, release: Option<&Release>, zone: Tz) -> Timestamp {
    let day_after = || span.last().next().first_day();
    release.and_then(|release| release.due(span.last())).unwrap_or_else(|| Timestamp::start_of_day(day_after(), zone))
}

/// A number as it was written: a value agrees with it that rounds to its digits.
#[derive(Clone, Debug, PartialEq)]
pub struct Rounded {
    text: String,
    value: f64,
    half_step: f64,
}

impl Rounded {
    /// Reads `2`, `420.5`, `-28.7%`.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.trim().replace('−', "-").replace('_', "");
        let (digits, scale) = match plain.strip_suffix('%') {
            Some(digits) => (digits.trim_end(), 0.01),
            None => (plain.as_str(), 1.0),
        };
        let value = digits.parse::<f64>().ok().filter(|value| value.is_finite())? * scale;
        let mantissa = digits.split(['e', 'E']).next().unwrap_or(digits);
        let exponent = digits.split(['e', 'E']).nth(1).map_or(Some(0), |exponent| exponent.parse::<i32>().ok())?;
        let decimals = mantissa.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        let step = 10_f64.powi(exponent.saturating_sub(i32::try_from(decimals).ok()?));
        Some(Self { text: text.trim().to_owned(), value, half_step: step * scale / 2.0 })
    }

    /// Whether a value rounds to it.
    pub fn agrees(&self, value: f64) -> bool {
        (value - self.value).abs() <= self.half_step * (1.0 + 1e-9)
    }
}

impl std::fmt::Display for Rounded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_agrees_that_rounds_to_the_digits_written() {
        let check = |text: &str, value: f64, expected: bool| {
            assert_eq!(Rounded::parse(text).unwrap().agrees(value), expected, "{value} as {text}");
        };
        check("-28.7%", -0.28729, true);
        check("−28.7 %", -0.28729, true);
        check("-28.7%", -0.2881, false);
        check("2", 2.0, true);
        check("2", 3.0, false);
        check("420.5", 420.54, true);
        check("420.5", 420.6, false);
        check("1.2e3", 1249.0, true);
        check("1.2e3", 1251.0, false);
        for text in ["", "many", "nan", "inf", "%", "1e999"] {
            assert_eq!(Rounded::parse(text), None, "{text}");
        }
    }
}
