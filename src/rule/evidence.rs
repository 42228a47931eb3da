//! What a judgement was made of: every value in the expression and the figures behind it.

use std::fmt;

use super::Severity;
use super::measure::MEASURES;
use crate::base::limits::REASONS_KEPT;
use crate::period::Period;
use crate::series::{Gap, KnownItem, Notation, Point, Quantity, Unit};

/// Whether a condition holds at a period.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It holds.
    Holds,
    /// It does not.
    Fails,
    /// It cannot be said, and why: one reason at least, each once.
    Unknown(Vec<Reason>),
}

impl Verdict {
    /// The word: `holds`, `fails`, `unknown`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fails => "fails",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// Why a value is unknown.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// A period has no figure of its own.
    Gap(Gap),
    /// A ratio to a base below zero, or of a negative figure to zero.
    NegativeBase(Period),
    /// Zero over zero.
    ZeroOverZero(Period),
    /// A part of a total is below zero, so that shares of it say nothing: which, and when.
    NegativePart(String, Period),
    /// The base is below the rule's `min_base`.
    BelowMinBase {
        /// The period of the base.
        period: Period,
        /// The base.
        base: Quantity,
        /// The rule's `min_base`.
        min_base: Quantity,
    },
    /// The series' unit does not fit the expression (found only when figures arrive).
    Unit(String),
    /// A lower bound that does not settle the comparison: the streak may be longer.
    LowerBound,
    /// The figures that another is held against do not vary.
    NoSpread,
    /// Fewer than two figures have no spread.
    TooFew,
    /// A mean that is no base for a share of it.
    MeanNotPositive,
    /// A figure that is not above zero has no logarithm.
    NoLogarithm(Period),
    /// The feed does not say when its figures are due.
    NoRelease,
    /// Nobody said what time it is.
    NoClock,
    /// A division by zero.
    DivisionByZero,
    /// The result is no finite number.
    Overflow,
    /// So many reasons beside those that are kept.
    Others(usize),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gap(Gap::Missing(period)) => write!(f, "waiting for {period}"),
            Self::Gap(Gap::Withdrawn(period)) => write!(f, "waiting for {period}, whose figure was withdrawn"),
            Self::Gap(gap) => gap.fmt(f),
            Self::NegativeBase(period) => write!(f, "the base at {period} is below zero"),
            Self::ZeroOverZero(period) => write!(f, "zero over zero at {period}"),
            Self::NegativePart(part, period) => write!(f, "the figure of {part} at {period} is below zero"),
            Self::BelowMinBase { .. } => f.write_str(&self.words(&Notation::default())),
            Self::Unit(reason) => f.write_str(reason),
            Self::LowerBound => f.write_str("the streak may be longer than what is known"),
            Self::NoSpread => f.write_str("the figures before it vary too little to tell a deviation"),
            Self::TooFew => f.write_str("there are too few figures to tell a spread"),
            Self::MeanNotPositive => f.write_str("the mean of the figures is not above zero"),
            Self::NoLogarithm(period) => {
                write!(f, "the figure at {period} is not above zero and so has no logarithm")
            }
            Self::NoRelease => f.write_str("the feed has no `release` calendar"),
            Self::NoClock => f.write_str("the time is not known here"),
            Self::DivisionByZero => f.write_str("a division by zero"),
            Self::Overflow => f.write_str("the figures are too large to calculate with"),
            Self::Others(count) => write!(f, "and {count} more"),
        }
    }
}

impl Reason {
    /// It in words, for a reader.
    pub fn words(&self, notation: &Notation) -> String {
        match self {
            Self::BelowMinBase { period, base, min_base } => {
                let base = notation.quantity(base.value, base.unit.as_ref());
                format!("the base at {period}, {base}, is below min_base {}", notation.as_written(min_base))
            }
            other => other.to_string(),
        }
    }

    /// Reasons in their order, each once, and no more of them than people read.
    pub fn joined(reasons: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let (mut kept, mut others) = (Vec::new(), 0);
        for reason in reasons {
            match reason {
                Self::Others(count) => others += count,
                reason if kept.contains(&reason) => {}
                reason if kept.len() < REASONS_KEPT => kept.push(reason),
                _ => others += 1,
            }
        }
        kept.extend((others > 0).then_some(Self::Others(others)));
        kept
    }
}

/// The value of one part of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A ratio: 0.1 is 10 %.
    Ratio(f64),
    /// A figure in a unit; `None` for a series without one.
    Quantity(f64, Option<Unit>),
    /// A number of something.
    Count(f64),
    /// A number of which at least so much is certain, and why no more is.
    AtLeast(f64, Vec<Reason>),
    /// A time in days.
    Time(f64),
    /// A condition.
    Truth(bool),
    /// Not to be said, and why.
    Unknown(Vec<Reason>),
}

impl Value {
    /// It in words, for a reader.
    pub fn words(&self, notation: &Notation) -> String {
        match self {
            Self::Ratio(ratio) => notation.percent(*ratio),
            Self::Quantity(value, unit) => notation.quantity(*value, unit.as_ref()),
            Self::Count(value) => notation.number(*value),
            Self::AtLeast(value, _) => format!("at least {}", notation.number(*value)),
            Self::Time(days) if days.floor() == 1.0 => "1 day".to_owned(),
            Self::Time(days) => format!("{} days", notation.number(days.floor())),
            Self::Truth(true) => "holds".to_owned(),
            Self::Truth(false) => "fails".to_owned(),
            Self::Unknown(reasons) => {
                let reasons: Vec<String> = reasons.iter().map(|reason| reason.words(notation)).collect();
                format!("unknown ({})", reasons.join("; "))
            }
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words(&Notation::default()))
    }
}

/// One part of an expression with its value, the figures that it used, and its own parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The part in its canonical form: `declines`, `change(1mo)`, `declines >= 2`.
    pub text: String,
    /// Whether it is a measure of the series rather than an operator or a literal.
    pub measure: bool,
    /// Whether it tells a change: a ratio that does is told with a plus sign, a share is not.
    pub is_change: bool,
    /// Its value.
    pub value: Value,
    /// The items that it found itself (not those of its parts).
    pub items: Vec<KnownItem>,
    /// The figures that it read itself (not those of its parts), oldest first.
    pub points: Vec<Point>,
    /// Its operands and arguments that have values, in the order of the text; a literal is told only
    /// where its value is another than its text (`400 t` against a series in kg).
    pub parts: Vec<Reading>,
}

impl Reading {
    /// A part that a measure tells of itself, in words of its own.
    pub const fn told(text: String, value: Value, points: Vec<Point>) -> Self {
        Self { text, measure: false, is_change: false, value, points, parts: Vec::new(), items: Vec::new() }
    }

    /// Its value in words, for a reader.
    pub fn words(&self, notation: &Notation) -> String {
        match self.value {
            Value::Ratio(ratio) if !self.is_change && ratio.is_finite() => notation.percent_plain(ratio),
            _ => self.value.words(notation),
        }
    }

    /// Every figure read in this part and below, each once, oldest first.
    pub fn all_points(&self) -> Vec<Point> {
        let mut points = self.points.clone();
        for part in &self.parts {
            points.extend(part.all_points());
        }
        points.sort_by_key(|point| point.span);
        points.dedup_by_key(|point| point.span);
        points
    }

    /// Every item found in this part and below that is told as holding, each once, in the order of the text.
    pub fn all_items(&self) -> Vec<&KnownItem> {
        let mut items: Vec<&KnownItem> = self.items.iter().collect();
        let holding = self.parts.iter().filter(|part| part.value != Value::Truth(false));
        for known in holding.flat_map(Self::all_items) {
            if !items.iter().any(|other| other.item.id == known.item.id) {
                items.push(known);
            }
        }
        items
    }

    /// Of a measure of a group: what its members come to, largest first, the smaller ones together.
    pub fn members(&self) -> &[Self] {
        let name = self.text.split('(').next().unwrap_or_default();
        let of_group = self.measure && MEASURES.iter().any(|measure| measure.name == name && measure.is_of_groups());
        if of_group { &self.parts } else { &[] }
    }

    /// Measures in this part and below that are unknown because their base is below `min_base`.
    pub fn kept_quiet(&self) -> usize {
        let quiet = match &self.value {
            Value::Unknown(reasons) | Value::AtLeast(_, reasons) => {
                reasons.iter().any(|reason| matches!(reason, Reason::BelowMinBase { .. }))
            }
            _ => false,
        };
        if self.measure { usize::from(quiet) } else { self.parts.iter().map(Self::kept_quiet).sum() }
    }

    /// The measures in this part and below (`declines`, `change(1mo)`, `value`), in the order of the
    /// text. What a measure reads within itself is its own business.
    pub fn measures(&self) -> Vec<&Self> {
        if self.measure { vec![self] } else { self.parts.iter().flat_map(Self::measures).collect() }
    }
}

/// One gate of a rule, judged at one period.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// Of which severity, where the rule has a `warning` and a `critical`.
    pub severity: Option<Severity>,
    /// The gate as written.
    pub text: String,
    /// Whether it holds.
    pub verdict: Verdict,
    /// How it came to that.
    pub reading: Reading,
}

impl Gate {
    /// Its measures with their values, in words for a reader: `declines = 2`.
    pub fn values(&self, notation: &Notation) -> String {
        let measures = self.reading.measures();
        let told: Vec<String> =
            measures.iter().map(|reading| format!("{} = {}", reading.text, reading.words(notation))).collect();
        told.join(", ")
    }
}
