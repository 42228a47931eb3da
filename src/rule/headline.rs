//! What a gate that holds says of its series, in the words of a title.
//!
//! Only what the evidence holds is said, in the past tense, so that one form suits `price` and
//! `exports`. What has no words gets none: whoever writes the title falls back on the rule's text.

use super::evidence::{Gate, Reading, Value};
use super::measure::Call;
use super::parse::parse;
use super::syntax::{Node, NodeKind, Operator, plain};
use crate::period::{Frequency, LengthUnit};
use crate::series::number::{number, ordinal, percent_plain};
use crate::series::{Back, Quantity};

/// A comparison that holds, told from its measure's side.
pub struct Telling<'a> {
    /// The measure's arguments.
    pub call: Call<'a>,
    /// The measure's value.
    pub value: &'a Value,
    /// How it compares with the bound.
    pub operator: Operator,
    /// The bound in words: `400 t`.
    pub bound: String,
    /// The series' frequency.
    pub frequency: Frequency,
}

/// In words, what follows the subject in a title: `fell for a 2nd month`, `rose 11.1 % in 3 months`.
///
/// Through `and` and `or` the first comparison is told that holds and has words.
pub fn headline(gate: &Gate, frequency: Frequency) -> Option<String> {
    let root = parse(&gate.text).ok()?;
    told(&root, &gate.reading, frequency)
}

fn told(node: &Node, reading: &Reading, frequency: Frequency) -> Option<String> {
    let NodeKind::Binary(operator, left, right) = &node.kind else { return None };
    if reading.value != Value::Truth(true) {
        return None;
    }
    if operator.is_comparison() {
        return comparison(*operator, left, right, &reading.parts, frequency);
    }
    let sides = [left, right].into_iter().zip(&reading.parts);
    sides.into_iter().find_map(|(side, part)| told(side, part, frequency))
}

fn comparison(
    operator: Operator,
    left: &Node,
    right: &Node,
    parts: &[Reading],
    frequency: Frequency,
) -> Option<String> {
    if left.is_literal() {
        let reading = parts.last()?;
        return side(operator.mirrored(), right, reading, bound(left, None), frequency);
    }
    side(operator, left, parts.first()?, bound(right, parts.get(1)), frequency)
}

fn side(operator: Operator, node: &Node, reading: &Reading, bound: String, frequency: Frequency) -> Option<String> {
    let value = &reading.value;
    match &node.kind {
        NodeKind::Measure(measure, arguments) => {
            let call = Call::new(arguments);
            (measure.words)(&Telling { call, value, operator, bound, frequency })
        }
        NodeKind::Binary(Operator::Divide, above, below) => {
            let (Value::Ratio(ratio), NodeKind::Measure(measure, _)) = (value, &above.kind) else { return None };
            (measure.name == "value").then(|| format!("stood at {} of `{below}`", percent_plain(*ratio)))
        }
        _ => None,
    }
}

/// The bound in words: a literal for people, anything else as the rule has it, with its value.
fn bound(node: &Node, reading: Option<&Reading>) -> String {
    let literal = match &node.kind {
        NodeKind::Number(value) => Some(number(*value)),
        NodeKind::Percent(percent) => Some(format!("{} %", plain(*percent))),
        NodeKind::Quantity(value, unit) => Some(Quantity { value: *value, unit: Some(unit.clone()) }.to_string()),
        _ => None,
    };
    match (literal, reading.map(|reading| &reading.value)) {
        (Some(literal), _) => literal,
        (None, Some(value)) => format!("`{node}` ({value})"),
        (None, None) => format!("`{node}`"),
    }
}

impl Telling<'_> {
    /// `rose 11.1 % in 3 months`, with what follows the percentage.
    pub fn moved(&self, since: &str) -> Option<String> {
        let Value::Ratio(ratio) = *self.value else { return None };
        let amount = percent_plain(ratio.abs());
        Some(if ratio.is_infinite() {
            format!("rose from zero {since}")
        } else if ratio <= -1.0 {
            format!("fell to zero {since}")
        } else if amount == "0 %" {
            format!("did not move {since}")
        } else {
            format!("{} {amount} {since}", if ratio > 0.0 { "rose" } else { "fell" })
        })
    }

    /// `fell for a 2nd month`: a streak that is long enough for the rule.
    pub fn streak(&self, verb: &str) -> Option<String> {
        let unit = unit(self.frequency);
        if matches!(self.operator, Operator::Less | Operator::LessEqual) {
            return None;
        }
        match *self.value {
            Value::Count(count) if count >= 2.0 => Some(format!("{verb} for {} {unit}", nth(count as u64))),
            Value::Count(1.0) => Some(verb.to_owned()),
            Value::AtLeast(count, _) if count >= 2.0 => Some(format!("{verb} for at least {} {unit}s", number(count))),
            Value::AtLeast(1.0, _) => Some(format!("{verb} for at least a {unit}")),
            _ => None,
        }
    }

    /// The measure's figure with its unit: `380 t`.
    pub fn figure(&self) -> Option<String> {
        matches!(self.value, Value::Quantity(..)).then(|| self.value.to_string())
    }

    /// How far an argument reaches: `3 months`, `a year`, `5 trading days`.
    pub fn reach(&self, back: Back) -> String {
        let (count, unit) = match back {
            Back::Periods(n) => (n, unit(self.frequency)),
            Back::Length(length) => match length.unit {
                LengthUnit::Day => (length.count, "day"),
                LengthUnit::Week => (length.count, "week"),
                LengthUnit::Month => (length.count, "month"),
                LengthUnit::Year => (length.count, "year"),
            },
        };
        if count == 1 { format!("a {unit}") } else { format!("{count} {unit}s") }
    }
}

/// What one period is called; the periods of a daily series are those with a figure.
const fn unit(frequency: Frequency) -> &'static str {
    match frequency {
        Frequency::Day => "trading day",
        Frequency::Week => "week",
        Frequency::Month => "month",
        Frequency::Quarter => "quarter",
        Frequency::Year => "year",
    }
}

/// `a 2nd`, `an 8th`.
fn nth(n: u64) -> String {
    let vowel = matches!(n, 11 | 18) || n.to_string().starts_with('8');
    format!("{} {}", if vowel { "an" } else { "a" }, ordinal(n))
}
