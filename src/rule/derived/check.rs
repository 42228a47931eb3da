//! Whether a formula fits its inputs: their calendars, and what comes out of their units.

use std::ops::Range;

use super::super::expr::ExprError;
use super::super::syntax::Operator;
use super::dimension::Powers;
use super::formula::{Function, Part, PartKind};
use crate::period::Frequency;
use crate::series::Unit;

/// What is known of an input.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Its name.
    pub name: String,
    /// Its frequency.
    pub frequency: Frequency,
    /// Its unit; `None` while it is only known from the figures.
    pub unit: Option<Option<Unit>>,
}

/// What a formula must come to.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Of the derived series.
    pub frequency: Frequency,
    /// Of the derived series.
    pub unit: Option<&'a Unit>,
}

/// What is wrong with a formula, first things first.
pub fn check(formula: &Part, inputs: &[Facts], target: Target<'_>) -> Vec<ExprError> {
    let mut check = Check { inputs, target, errors: Vec::new() };
    let powers = check.powers(formula);
    let declared = Powers::of(target.unit);
    if let Some(found) = powers.filter(|found| check.errors.is_empty() && *found != declared) {
        let told = target.unit.map_or_else(|| "it has no `unit`".to_owned(), |unit| format!("its `unit` is {unit}"));
        let message = format!("the formula gives {found}, but {told}");
        let help = match (target.unit, found.is_plain()) {
            (Some(_), true) => "a plain number has no unit: take `unit` away, or write \"percent\"".to_owned(),
            (None, _) => format!("declare what it is in: a `unit` of {found}"),
            (Some(_), false) => format!("multiply or divide by what is missing, or declare a unit of {found}"),
        };
        let label = format!("expected {declared}");
        check.errors.push(ExprError::new(formula.span.clone(), message, label).with_help(help));
    }
    check.errors
}

struct Check<'a> {
    inputs: &'a [Facts],
    target: Target<'a>,
    errors: Vec<ExprError>,
}

impl Check<'_> {
    fn refuse(&mut self, error: ExprError) -> Option<Powers> {
        self.errors.push(error);
        None
    }

    /// What a part measures; `None` where something in it is refused or not known yet.
    fn powers(&mut self, part: &Part) -> Option<Powers> {
        match &part.kind {
            PartKind::Number(_) => Some(Powers::default()),
            PartKind::Quantity(_, unit) => Some(Powers::of(Some(unit))),
            PartKind::Input(input) => self.input(&part.span, *input),
            PartKind::Call(function, input) => self.call(&part.span, *function, *input),
            PartKind::Negate(inner) => self.powers(inner),
            PartKind::Binary(operator, left, right) => {
                let (a, b) = (self.powers(left), self.powers(right));
                self.operation(part, *operator, a?, b?)
            }
        }
    }

    fn operation(&mut self, part: &Part, operator: Operator, a: Powers, b: Powers) -> Option<Powers> {
        match operator {
            Operator::Multiply => Some(a.times(&b)),
            Operator::Divide => Some(a.over(&b)),
            _ if a == b => Some(a),
            _ => {
                let message = format!("{a} and {b} have no sum");
                let error = ExprError::new(part.span.clone(), message, "does not add up");
                self.refuse(error.with_help(match a.is_plain() || b.is_plain() {
                    true => "a bare number has no unit: write one behind it, such as `5 t`",
                    false => "only figures of one kind add up: multiply or divide one of them first",
                }))
            }
        }
    }

    fn unit(&self, input: usize) -> Option<Powers> {
        self.inputs.get(input)?.unit.as_ref().map(|unit| Powers::of(unit.as_ref()))
    }

    fn input(&mut self, span: &Range<usize>, input: usize) -> Option<Powers> {
        let facts = self.inputs.get(input)?;
        if facts.frequency == self.target.frequency {
            return self.unit(input);
        }
        let error = self.other_frequency(span, facts);
        let error = match nests(facts.frequency, self.target.frequency) {
            true => error.with_help(format!(
                "say what a {} is made of: `mean({1})`, `last({1})` or `sum({1})`",
                self.target.frequency, facts.name
            )),
            false => error.with_help(longer(facts.frequency, self.target.frequency)),
        };
        self.refuse(error)
    }

    fn other_frequency(&self, span: &Range<usize>, facts: &Facts) -> ExprError {
        let (found, by) = (facts.frequency, self.target.frequency);
        let message = format!("`{}` is by {found}, the series by {by}", facts.name);
        ExprError::new(span.clone(), message, format!("by {found}"))
    }

    fn call(&mut self, span: &Range<usize>, function: Function, input: usize) -> Option<Powers> {
        let facts = self.inputs.get(input)?;
        let (from, to) = (facts.frequency, self.target.frequency);
        let fits = match function {
            Function::Monthly => (from, to) == (Frequency::Month, Frequency::Month),
            Function::Last => nests(from, to) || (from, to) == (Frequency::Day, Frequency::Day),
            Function::Mean | Function::Sum | Function::Min | Function::Max => nests(from, to),
        };
        if fits {
            return self.unit(input);
        }
        if function == Function::Monthly || from != to {
            let error = self.other_frequency(span, facts);
            let help = if function == Function::Monthly {
                "`monthly` makes months of a month's year-to-date figures".to_owned()
            } else {
                longer(from, to)
            };
            return self.refuse(error.with_help(help));
        }
        let message = format!("`{}` is by {from} as the series is", facts.name);
        let error = ExprError::new(span.clone(), message, "nothing to make longer");
        self.refuse(error.with_help(format!("write `{}`", facts.name)))
    }
}

/// What to write where periods of one frequency do not make those of the other.
fn longer(found: Frequency, target: Frequency) -> String {
    let why = if found < target {
        format!("{found}s do not lie wholly within {target}s")
    } else {
        format!("a {found}'s figure says nothing of its {target}s")
    };
    format!("{why}: write frequency = \"{}\"", found.name())
}

/// Whether periods of one frequency lie wholly within those of another. Weeks do not within months.
pub fn nests(shorter: Frequency, longer: Frequency) -> bool {
    shorter < longer && shorter != Frequency::Week
}
