//! Whether a measure's arguments are those that it takes.

use super::super::expr::ExprError;
use super::super::measure::{Measure, Parameter, RANK_MAX, Takes, year_of};
use super::super::search::{NAMES, has_words};
use super::super::syntax::{Argument, Node, NodeKind, Operator, plain};
use super::{Check, Type};
use crate::base::limits::{LOOK_BACK_MAX, YEARS_MAX};
use crate::base::text::{counted, list, nearest, printable, shorten};
use crate::period::{Frequency, Length, LengthUnit, Period};

impl Check<'_> {
    /// Checks a measure's arguments; the type of its first where that is any expression.
    pub(super) fn arguments(&mut self, node: &Node, measure: &Measure, arguments: &[Argument]) -> Option<Type> {
        let mut first = Some(Type::Figure);
        let errors = self.errors.len();
        let mut given = vec![false; measure.parameters.len()];
        for argument in arguments {
            let Some((slot, parameter)) = argument.slot.and_then(|slot| Some((slot, measure.parameters.get(slot)?)))
            else {
                self.errors.push(no_parameter(measure, argument));
                continue;
            };
            if std::mem::replace(&mut given[slot], true) {
                self.errors.push(given_twice(measure, parameter, argument));
            }
            if parameter.takes == Takes::Any {
                first = self.type_of(&argument.node);
            } else {
                self.argument(measure, parameter, &argument.node);
            }
        }
        let missing = measure.parameters.iter().zip(given).filter(|(parameter, given)| !parameter.optional && !given);
        let missing: Vec<ExprError> = missing.map(|(parameter, _)| self.missing(node, measure, parameter)).collect();
        self.errors.extend(missing);
        first.filter(|_| self.errors.len() == errors)
    }

    fn argument(&mut self, measure: &Measure, parameter: &Parameter, node: &Node) {
        let refused = match (parameter.takes, &node.kind) {
            (Takes::Condition, _) => {
                self.condition(node);
                None
            }
            (Takes::Search, _) => no_search(node),
            (Takes::Any, _) | (Takes::Label, NodeKind::Label(_)) | (Takes::Pick, NodeKind::Pick(..)) => None,
            (Takes::Pick, NodeKind::Label(label)) => {
                let error = self.expected(measure, parameter, node);
                // What stands in quotes is surely the value.
                let quoted = node.span.len() > label.len();
                let (name, label) = (measure.name, printable(label));
                Some(error.with_help(match quoted {
                    true => format!("of which label? write `{name}(LABEL='{label}')`, such as `{name}(partner='CN')`"),
                    false => format!("which one? write `{name}({label}='VALUE')`"),
                }))
            }
            (Takes::Rank, NodeKind::Number(n)) if n.fract() == 0.0 && (1.0..=RANK_MAX.into()).contains(n) => None,
            (Takes::Back, NodeKind::Number(n)) => no_period_count(node, *n),
            (Takes::Back, NodeKind::Length(length)) => self.no_length(node, *length),
            (Takes::Sample, NodeKind::Number(n)) => {
                no_period_count(node, *n).or_else(|| self.no_sample(node, measure, parameter, *n < 2.0))
            }
            (Takes::Sample, NodeKind::Length(length)) => {
                let one = length.periods(self.subject.frequency) == Some(1);
                self.no_length(node, *length).or_else(|| self.no_sample(node, measure, parameter, one))
            }
            (Takes::Years, NodeKind::Number(n)) => no_years(node, *n),
            (Takes::Years, NodeKind::Length(length)) if length.unit == LengthUnit::Year => {
                no_years(node, length.count.into())
            }
            (Takes::Period, NodeKind::Period(period)) => self.other_frequency(node, *period),
            (Takes::Period, NodeKind::Number(number)) => match year_of(*number) {
                Some(year) => self.other_frequency(node, year),
                None => Some(self.expected(measure, parameter, node)),
            },
            (Takes::Tolerance, NodeKind::Percent(_)) => None,
            (Takes::Tolerance, NodeKind::Number(number)) => {
                let error = self.expected(measure, parameter, node);
                Some(error.with_help(format!("a ratio: write `{}%`", plain(*number))))
            }
            (
                Takes::Back
                | Takes::Sample
                | Takes::Years
                | Takes::Period
                | Takes::Tolerance
                | Takes::Label
                | Takes::Pick
                | Takes::Rank,
                _,
            ) => Some(self.expected(measure, parameter, node)),
        };
        self.errors.extend(refused);
    }

    fn expected(&self, measure: &Measure, parameter: &Parameter, node: &Node) -> ExprError {
        let expects = self.expects(parameter);
        let message = format!("`{}` of `{}` is {expects}", parameter.name, measure.name);
        let help = match &node.kind {
            NodeKind::Period(period) if matches!(parameter.takes, Takes::Back | Takes::Sample) => {
                format!("for the change since a period, write `change_since({period})`")
            }
            NodeKind::Negate(inner) if matches!(parameter.takes, Takes::Back | Takes::Sample) => {
                format!("it counts back by itself: write `{inner}`")
            }
            _ => format!("it is written {}", measure.signature),
        };
        ExprError::new(node.span.clone(), message, format!("expected {expects}")).with_help(help)
    }

    /// Why one figure is no sample.
    fn no_sample(&self, node: &Node, measure: &Measure, parameter: &Parameter, one: bool) -> Option<ExprError> {
        one.then(|| {
            let message = format!("`{}` is made of two figures at least", measure.name);
            let error = ExprError::new(node.span.clone(), message, "expected 2 or more");
            error.with_help(format!("write more, such as `{}({})`", measure.name, self.example(parameter)))
        })
    }

    /// What a parameter takes, for messages.
    fn expects(&self, parameter: &Parameter) -> String {
        let frequency = self.subject.frequency;
        match parameter.takes {
            Takes::Period => format!("a {frequency} such as `{}`", self.example(parameter)),
            Takes::Back | Takes::Sample => format!("a whole number of {frequency}s, or a time such as `1y`"),
            Takes::Years => "a whole number of years such as `5`".to_owned(),
            Takes::Tolerance => format!("a ratio such as `{}`", self.example(parameter)),
            Takes::Condition => format!("a condition such as `{}`", self.example(parameter)),
            Takes::Any => "a value or a condition".to_owned(),
            Takes::Label => "the name of a label, such as `partner`".to_owned(),
            Takes::Pick => "a label with a value, such as `partner='CN'`".to_owned(),
            Takes::Rank => format!("a whole number from 1 to {RANK_MAX}"),
            Takes::Search => "texts in quotes, joined by `and`, `or` and `not`".to_owned(),
        }
    }

    fn example(&self, parameter: &Parameter) -> String {
        match parameter.takes {
            Takes::Back | Takes::Sample => "12".to_owned(),
            Takes::Years => "5".to_owned(),
            Takes::Period => {
                Period::day(2025, 8, 18).map_or_else(String::new, |day| self.of_the_series(day).to_string())
            }
            Takes::Tolerance => "5%".to_owned(),
            Takes::Condition => "change < 0%".to_owned(),
            Takes::Any => "value".to_owned(),
            Takes::Label => "partner".to_owned(),
            Takes::Pick => "partner='CN'".to_owned(),
            Takes::Rank => "1".to_owned(),
            Takes::Search => "\"rare earth\"".to_owned(),
        }
    }

    /// The period of the series' frequency at the beginning of another.
    fn of_the_series(&self, period: Period) -> Period {
        Period::containing(period.first_day(), self.subject.frequency)
    }

    fn missing(&self, node: &Node, measure: &Measure, parameter: &Parameter) -> ExprError {
        let message = format!("`{}` needs `{}`: {}", measure.name, parameter.name, self.expects(parameter));
        ExprError::new(node.span.clone(), message, "needs an argument").with_help(format!(
            "write `{}({})`",
            measure.name,
            self.example(parameter)
        ))
    }

    /// Why a time is no look-back in the series' calendar.
    fn no_length(&self, node: &Node, length: Length) -> Option<ExprError> {
        let frequency = self.subject.frequency;
        let of_weeks = frequency == Frequency::Week && matches!(length.unit, LengthUnit::Month | LengthUnit::Year);
        let whole = frequency == Frequency::Day || of_weeks || length.periods(frequency).is_some();
        if length.count == 0 {
            let error = ExprError::new(node.span.clone(), "a look-back is longer than nothing", "no time at all");
            return Some(error.with_help(lengths_of(frequency)));
        }
        if !whole {
            let message = format!("{} is no whole number of {frequency}s", length.in_words());
            let error = ExprError::new(node.span.clone(), message, format!("the series is by {frequency}"));
            return Some(error.with_help(lengths_of(frequency)));
        }
        let periods = approximate_days(length) / days_in(frequency);
        (periods > LOOK_BACK_MAX.into()).then(|| too_far(node))
    }

    fn other_frequency(&self, node: &Node, period: Period) -> Option<ExprError> {
        let (found, expected) = (period.frequency(), self.subject.frequency);
        let instead = self.of_the_series(period);
        (found != expected).then(|| {
            let message = format!("`{period}` is a {found}, but the series is by {expected}");
            ExprError::new(node.span.clone(), message, format!("expected a {expected}"))
                .with_help(format!("write a {expected} such as `{instead}`"))
        })
    }
}

/// Why a part is nothing to look for in an item.
fn no_search(node: &Node) -> Option<ExprError> {
    let error = |message: String, label: &str, help: String| {
        Some(ExprError::new(node.span.clone(), message, label).with_help(help))
    };
    match &node.kind {
        NodeKind::Text(text) if has_words(text) => None,
        NodeKind::Pick(name, text) if NAMES.contains(&name.as_str()) && has_words(text) => None,
        NodeKind::Text(_) | NodeKind::Pick(..) if !is_unknown(node) => error(
            "there is no word to look for".to_owned(),
            "nothing to find",
            "write a word, such as `\"gallium\"`".to_owned(),
        ),
        NodeKind::Pick(name, _) => {
            let near = nearest(name, NAMES).map(|near| format!("did you mean `{near}`?"));
            let help = near.unwrap_or_else(|| format!("beside its text an item is searched by {}", list(NAMES)));
            error(format!("items have no `{}`", shorten(&printable(name), 40)), "unknown", help)
        }
        NodeKind::Not(inner) => no_search(inner),
        NodeKind::Binary(Operator::And | Operator::Or, left, right) => no_search(left).or_else(|| no_search(right)),
        _ => {
            let help = "write texts in quotes, such as `\"rare earth\" or \"gallium\"`".to_owned();
            error(
                format!("`{}` is no text to look for", shorten(&node.to_string(), 40)),
                "expected a text in quotes",
                help,
            )
        }
    }
}

/// Whether it asks for what no item has.
fn is_unknown(node: &Node) -> bool {
    matches!(&node.kind, NodeKind::Pick(name, _) if !NAMES.contains(&name.as_str()))
}

/// Why a number is no look-back.
fn no_period_count(node: &Node, n: f64) -> Option<ExprError> {
    if n.fract() != 0.0 {
        let message = format!("{} is no whole number of periods", plain(n));
        let error = ExprError::new(node.span.clone(), message, "expected a whole number");
        return Some(error.with_help(format!(
            "write `{}` or `{}`",
            plain(n.floor().max(1.0)),
            plain(n.ceil().max(2.0))
        )));
    }
    if n < 1.0 {
        let error = ExprError::new(node.span.clone(), "a look-back is at least one period", "expected 1 or more");
        return Some(error.with_help("write `1` for one period; the figure itself is `value`"));
    }
    (n > LOOK_BACK_MAX.into()).then(|| too_far(node))
}

const SEASONS: &str = "write a number of years, such as `5`";

/// Why a number is no number of years to hold a season against.
fn no_years(node: &Node, years: f64) -> Option<ExprError> {
    if years.fract() != 0.0 {
        let message = format!("{} is no whole number of years", plain(years));
        let error = ExprError::new(node.span.clone(), message, "expected a whole number");
        return Some(error.with_help(SEASONS));
    }
    (!(2.0..=f64::from(YEARS_MAX)).contains(&years)).then(|| {
        let message = format!("a season is held against 2 years at least, and {YEARS_MAX} at most");
        ExprError::new(node.span.clone(), message, format!("expected 2 to {YEARS_MAX} years")).with_help(SEASONS)
    })
}

fn too_far(node: &Node) -> ExprError {
    let message = format!("a look-back is at most {LOOK_BACK_MAX} periods");
    ExprError::new(node.span.clone(), message, "too far back").with_help(format!("write `{LOOK_BACK_MAX}` or less"))
}

/// An argument that the measure has no parameter for.
fn no_parameter(measure: &Measure, argument: &Argument) -> ExprError {
    let names = || measure.parameters.iter().map(|parameter| parameter.name);
    let span = argument.span.clone();
    let error = match &argument.name {
        Some(name) => {
            let message = format!("`{}` has no argument `{}`", measure.name, shorten(&printable(name), 40));
            let near = nearest(name, names()).map(|near| format!("did you mean `{near}`?"));
            let known = (!measure.parameters.is_empty()).then(|| format!("it has {}", list(names())));
            let error = ExprError::new(span, message, "unknown");
            match near.or(known) {
                Some(help) => return error.with_help(help),
                None => error,
            }
        }
        None => {
            let at_most = match measure.parameters.len() {
                0 => "no argument".to_owned(),
                count => format!("at most {}", counted(count, "argument")),
            };
            ExprError::new(span, format!("`{}` takes {at_most}", measure.name), "one too many")
        }
    };
    error.with_help(format!("it is written {}", measure.signature))
}

fn given_twice(measure: &Measure, parameter: &Parameter, argument: &Argument) -> ExprError {
    let message = format!("`{}` of `{}` is given twice", parameter.name, measure.name);
    ExprError::new(argument.span.clone(), message, "once more")
        .with_help(format!("take one away; it is written {}", measure.signature))
}

/// The times that are whole periods of a frequency.
const fn lengths_of(frequency: Frequency) -> &'static str {
    match frequency {
        Frequency::Day => "write days, weeks, months or years, such as `30d` or `1mo`",
        Frequency::Week => "write weeks, months or years, such as `4w`, or a number of periods",
        Frequency::Month => "write months or years, such as `3mo`, or a number of periods",
        Frequency::Quarter => "write years or three months each, such as `6mo`, or a number of periods",
        Frequency::Year => "write years, such as `2y`, or a number of periods",
    }
}

/// Days in a length, near enough for a limit.
fn approximate_days(length: Length) -> u64 {
    let days = match length.unit {
        LengthUnit::Day => 1,
        LengthUnit::Week => 7,
        LengthUnit::Month => 30,
        LengthUnit::Year => 365,
    };
    u64::from(length.count) * days
}

const fn days_in(frequency: Frequency) -> u64 {
    match frequency {
        Frequency::Day => 1,
        Frequency::Week => 7,
        Frequency::Month => 30,
        Frequency::Quarter => 91,
        Frequency::Year => 365,
    }
}
