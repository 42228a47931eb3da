//! The measures of the language: one small file each (or each family), and the table that lists them.
//!
//! A new measure is a file here and a line in [`MEASURES`]; parser, check and evaluation follow.

mod change;
mod look_back;
mod streak;
mod window;

use super::evaluate::Scope;
use super::evidence::{Reading, Value};
use super::syntax::{Argument, Node};
use crate::series::Point;

/// Every measure, in the order of the documentation.
pub static MEASURES: &[Measure] = &[
    look_back::VALUE,
    look_back::LAG,
    change::CHANGE,
    change::DIFF,
    change::YOY,
    change::CHANGE_SINCE,
    streak::STREAK,
    streak::DECLINES,
    streak::RISES,
    window::MEAN,
    window::MIN,
    window::MAX,
    window::SUM,
];

/// One measure.
#[derive(Debug)]
pub struct Measure {
    /// Its name.
    pub name: &'static str,
    /// Its parameters, in order.
    pub parameters: &'static [Parameter],
    /// How it is written, for messages: `change(n=1)`.
    pub signature: &'static str,
    /// What kind of value it gives.
    pub gives: Gives,
    /// Its value with what it read.
    pub read: fn(&Scope<'_>, &Call<'_>) -> Measured,
}

/// What kind of value a measure gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// A figure in the series' unit.
    Quantity,
    /// A ratio.
    Ratio,
    /// A number of periods.
    Count,
    /// What its first argument gives (`lag(EXPR, n)`); a figure in the series' unit where that is no expression.
    Argument,
}

/// One parameter.
#[derive(Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// Whether it may be left out.
    pub optional: bool,
}

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// A whole number of periods, or a time.
    Back,
    /// A period literal.
    Period,
    /// A ratio such as `5%`.
    Tolerance,
    /// A condition.
    Condition,
    /// Any value.
    Value,
}

impl Parameter {
    /// How a message names what is expected.
    pub const fn expects(&self) -> &'static str {
        match self.takes {
            Takes::Back => "a whole number of periods or a time such as 3mo",
            Takes::Period => "a period such as 2025-08",
            Takes::Tolerance => "a ratio such as 5%",
            Takes::Condition => "a condition such as change < 0%",
            Takes::Value => "a value",
        }
    }
}

/// A measure's arguments by parameter, as the check has found them good.
pub struct Call<'a> {
    arguments: Vec<Option<&'a Node>>,
}

impl<'a> Call<'a> {
    /// Puts arguments to parameters: by name, else by position. `lag(n)` leaves its first out.
    pub fn new(measure: &Measure, arguments: &'a [Argument]) -> Self {
        let mut slots: Vec<Option<&'a Node>> = vec![None; measure.parameters.len()];
        let skip = usize::from(measure.gives == Gives::Argument && arguments.len() < measure.parameters.len());
        for (position, argument) in arguments.iter().enumerate() {
            let named = argument.name.as_deref();
            let slot = match named {
                Some(name) => measure.parameters.iter().position(|parameter| parameter.name == name),
                None => Some(position + skip),
            };
            if let Some(slot) = slot.and_then(|slot| slots.get_mut(slot)) {
                *slot = Some(&argument.node);
            }
        }
        Self { arguments: slots }
    }

    /// The argument of a parameter, by position.
    pub fn argument(&self, index: usize) -> Option<&'a Node> {
        self.arguments.get(index).copied().flatten()
    }
}

/// A measure's value, the figures that it read, and the parts that it evaluated.
pub struct Measured {
    /// The value.
    pub value: Value,
    /// The figures, oldest first.
    pub points: Vec<Point>,
    /// What else was evaluated on the way.
    pub parts: Vec<Reading>,
}

impl Measured {
    /// A value with the figures that it was made of.
    pub fn new(value: Value, mut points: Vec<Point>) -> Self {
        points.sort_by_key(|point| point.span);
        points.dedup_by_key(|point| point.span);
        Self { value, points, parts: Vec::new() }
    }
}
