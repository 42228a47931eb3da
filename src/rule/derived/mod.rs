//! Derived series: figures calculated from the figures of other series, by a formula.
//!
//! They are not stored: whoever needs one calculates it from the histories of its inputs, vintage by
//! vintage, so that a rule sees it as it would have been calculated then. Which series an input means is
//! told by its selector; several that match are added up.

mod check;
mod dimension;
mod formula;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeSet;

use self::check::check;
use self::dimension::from_base;
use self::formula::{Function, Part, PartKind};
use self::value::{Reading, months_until};
use super::expr::ExprError;
use crate::base::limits::MAX_GAP_DAYS;
use crate::period::{Frequency, Period, Span};
use crate::series::derive::{Made, Misfit, Recipe, derive};
use crate::series::{History, Labels, Selector, Unit, View};

pub use self::check::{Facts, Target};

/// A series, or one for each value of some labels, that is calculated from others.
#[derive(Clone, Debug)]
pub struct Derived {
    /// Its name, which its series have as the label `feed`.
    pub name: String,
    /// The labels that all its series have, `feed` among them.
    pub labels: Labels,
    /// The labels that it has a series for each value of.
    pub by: Vec<String>,
    /// What it is calculated from.
    pub inputs: Vec<Input>,
    /// How.
    pub formula: Formula,
    /// The frequency.
    pub frequency: Frequency,
    /// The unit; `None` for plain numbers.
    pub unit: Option<Unit>,
    /// How many days may lie between neighbours of a daily series; the inputs' where it is not told.
    pub max_gap_days: Option<i64>,
}

/// What a formula calls by a name.
#[derive(Clone, Debug)]
pub struct Input {
    /// The name.
    pub name: String,
    /// The series that it means.
    pub selector: Selector,
    /// The labels that it has a series for each value of, among those of the derived series; an input
    /// without any is the same for all.
    pub by: Vec<String>,
}

/// A formula that was read.
#[derive(Clone, Debug)]
pub struct Formula {
    text: String,
    root: Part,
}

impl Formula {
    /// Reads a formula over inputs of these names.
    pub fn parse(text: &str, inputs: &[&str]) -> Result<Self, ExprError> {
        let root = formula::read(text, inputs)?;
        Ok(Self { text: text.split_whitespace().collect::<Vec<_>>().join(" "), root })
    }

    /// As written, on one line.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All that is wrong with it for such inputs.
    pub fn check(&self, inputs: &[Facts], target: Target<'_>) -> Vec<ExprError> {
        check(&self.root, inputs, target)
    }

    /// The inputs that it names.
    pub fn used(&self) -> BTreeSet<usize> {
        uses(&self.root).into_iter().map(|(_, input)| input).collect()
    }
}

/// The inputs in a part, each with the function that reads it.
fn uses(part: &Part) -> Vec<(Option<Function>, usize)> {
    match &part.kind {
        PartKind::Number(_) | PartKind::Quantity(..) => Vec::new(),
        PartKind::Input(input) => vec![(None, *input)],
        PartKind::Call(function, input) => vec![(Some(*function), *input)],
        PartKind::Negate(inner) => uses(inner),
        PartKind::Binary(_, left, right) => uses(left).into_iter().chain(uses(right)).collect(),
    }
}

impl Derived {
    /// The series of some labels, from the history of each input.
    pub fn history(&self, labels: Labels, inputs: &[&History]) -> Result<History, Misfit> {
        self.fits(inputs)?;
        let theirs = inputs.iter().map(|input| input.max_gap_days()).max().unwrap_or(MAX_GAP_DAYS);
        let max_gap_days = self.max_gap_days.unwrap_or(theirs);
        let empty = History::new(labels, self.frequency, self.unit.clone()).with_max_gap(max_gap_days);
        let behind = i32::try_from(theirs).unwrap_or(i32::MAX);
        let recipe = Recipe {
            spans: self.spans(inputs),
            reach: &|span| self.reach(span, behind),
            make: &|views, span| self.figure(views, span),
        };
        Ok(derive(empty, inputs, &recipe))
    }

    /// The units may only be known from the figures.
    fn fits(&self, inputs: &[&History]) -> Result<(), Misfit> {
        let facts = |(input, history): (&Input, &&History)| Facts {
            name: input.name.clone(),
            frequency: history.frequency(),
            unit: Some(history.unit().cloned()),
        };
        let facts: Vec<Facts> = self.inputs.iter().zip(inputs).map(facts).collect();
        let target = Target { frequency: self.frequency, unit: self.unit.as_ref() };
        match self.formula.check(&facts, target).into_iter().next() {
            Some(error) => Err(Misfit::Formula { name: self.name.clone(), reason: error.message }),
            None => Ok(()),
        }
    }

    /// The spans that may have a figure: those of inputs that are read as they are, else the periods that the
    /// shorter ones make.
    fn spans(&self, inputs: &[&History]) -> BTreeSet<Span> {
        let (mut as_they_are, mut made) = (BTreeSet::new(), BTreeSet::new());
        for (function, input) in uses(&self.formula.root) {
            let Some(history) = inputs.get(input) else { continue };
            match function {
                None => as_they_are.extend(history.spans()),
                Some(Function::Monthly) => as_they_are.extend(history.spans().flat_map(months_until)),
                Some(_) if history.frequency() == self.frequency => made.extend(history.spans()),
                Some(_) => made.extend(history.spans().map(|span| Span::from(self.containing(span.last())))),
            }
        }
        if as_they_are.is_empty() { made } else { as_they_are }
    }

    fn containing(&self, period: Period) -> Period {
        Period::containing(period.first_day(), self.frequency)
    }

    /// The periods whose figures may depend on an input's figure for a span: its own, the next (`monthly`,
    /// `last`), and the one before, which is only over when a later figure is known.
    fn reach(&self, span: Span, behind: i32) -> (Period, Period) {
        let (first, last) = (self.containing(span.first()), self.containing(span.last()));
        match (span.last().frequency(), self.frequency) {
            (Frequency::Day, Frequency::Day) => (first, last.offset(behind)),
            (Frequency::Day, _) => (self.containing(span.first().offset(-behind)), last.next()),
            _ => (first, last.next()),
        }
    }

    fn figure(&self, views: &[View<'_>], span: Span) -> Option<Made> {
        let mut reading = Reading::new(views, span);
        let value = from_base(reading.of(&self.formula.root)?, self.unit.as_ref());
        Some(Made { value, points: reading.points })
    }
}
