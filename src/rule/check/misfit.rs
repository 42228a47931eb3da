//! What to say where types or units do not fit, and what to write instead.

use super::super::expr::{ExprError, Subject};
use super::super::syntax::{Node, NodeKind, Operator, plain, unit_word};
use super::Type;
use crate::base::text::shorten;
use crate::series::{Dimension, Unit};

/// A part of an expression for a message: long ones are cut.
fn told(node: &Node) -> String {
    format!("`{}`", shorten(&node.to_string(), 60))
}

/// The number that a literal writes, whatever stands behind it.
fn written(node: &Node) -> Option<f64> {
    match &node.kind {
        NodeKind::Number(value) | NodeKind::Percent(value) | NodeKind::Quantity(value, _) => Some(*value),
        NodeKind::Negate(inner) => written(inner).map(|value| -value),
        _ => None,
    }
}

/// A value where a condition is needed.
pub fn no_condition(node: &Node, found: Type, unit: Option<&Unit>) -> ExprError {
    let message = format!("{} is {}, not a condition", told(node), found.noun());
    let error = ExprError::new(node.span.clone(), message, "expected a condition");
    if node.is_literal() {
        return error.with_help("a condition compares a measure, such as `declines >= 2`");
    }
    let bound = match (found, unit) {
        (Type::Ratio, _) => "> 10%".to_owned(),
        (Type::Figure, Some(unit)) => format!("> 100 {}", unit_word(unit)),
        (Type::Figure, None) => "> 100".to_owned(),
        (Type::Score, _) => "< -2".to_owned(),
        (Type::Time, _) => "> 45d".to_owned(),
        (Type::Count | Type::Number | Type::Truth, _) => ">= 2".to_owned(),
    };
    error.with_help(format!("compare it: {} {bound}", node_text(node)))
}

/// A condition where a value is needed.
pub fn no_value(node: &Node) -> ExprError {
    let message = format!("{} is a condition, not a value", told(node));
    ExprError::new(node.span.clone(), message, "expected a value")
        .with_help("conditions are joined by `and`, `or` and `not`; `streak(COND)` counts the periods that meet one")
}

/// A time or a period outside a measure's brackets.
pub fn stray_time(node: &Node) -> ExprError {
    let (what, example) = match node.kind {
        NodeKind::Period(_) => ("a period", "change_since"),
        _ => ("a time", "change"),
    };
    let message = format!("{what} is no value");
    ExprError::new(node.span.clone(), message, "expected a measure or a number")
        .with_help(format!("{what} stands as an argument, such as `{example}({})`", node_text(node)))
}

/// A label where a value is needed.
pub fn stray_label(node: &Node) -> ExprError {
    ExprError::new(node.span.clone(), format!("{} is no value", told(node)), "expected a measure or a number")
        .with_help("a label stands as an argument, such as `hhi(partner)` or `share(partner='CN')`")
}

/// A quantity against a series without a unit.
pub fn series_without_unit(node: &Node, value: f64) -> ExprError {
    ExprError::new(node.span.clone(), format!("the series has no unit, {} has one", told(node)), "has a unit")
        .with_help(format!("write `{}`, or give the feed a `unit`", plain(value)))
}

/// A unit that the series' unit does not convert to.
pub fn inconvertible(node: &Node, value: f64, unit: &Unit, own: &Unit) -> ExprError {
    let message = format!("{} does not convert to {}, the series' unit", unit_word(unit), unit_word(own));
    let label = format!("{}, but the series is {}", measured(unit.dimension()), measured(own.dimension()));
    let help = if unit.dimension() == Dimension::Percent {
        format!("a ratio is written with its sign: `{}%`", plain(value))
    } else {
        format!("write an amount in the series' unit, such as `{} {}`", plain(value), unit_word(own))
    };
    ExprError::new(node.span.clone(), message, label).with_help(help)
}

fn measured(dimension: Dimension) -> String {
    match dimension {
        Dimension::Mass => "a mass".to_owned(),
        Dimension::Money(currency) => format!("money in {}", currency.code()),
        Dimension::Price(currency) => format!("a price in {} per mass", currency.code()),
        Dimension::Rate(above, below) => format!("a rate in {} per {}", above.code(), below.code()),
        Dimension::Count => "a number of items".to_owned(),
        Dimension::Index => "an index".to_owned(),
        Dimension::Percent => "a percentage".to_owned(),
    }
}

/// Two values that do not compare; the first is the one that is easily written otherwise.
pub fn incomparable(odd: (&Node, Type), other: (&Node, Type), subject: &Subject) -> ExprError {
    let message = if odd.1 == Type::Number || other.1 == Type::Number {
        format!("{} is {}, {} {}", told(other.0), other.1.noun(), told(odd.0), odd.1.noun())
    } else {
        format!("{} does not compare with {}", odd.1.noun(), other.1.noun())
    };
    instead(odd, other, subject, ExprError::new(odd.0.span.clone(), message, odd.1.noun()))
}

/// Two values that have no sum and no difference.
pub fn no_sum(node: &Node, odd: (&Node, Type), other: (&Node, Type), subject: &Subject) -> ExprError {
    let message = format!("{} and {} have no sum: {}", other.1.noun(), odd.1.noun(), told(node));
    let error = ExprError::new(odd.0.span.clone(), message, odd.1.noun());
    if other.1 == Type::Figure && odd.1 == Type::Ratio {
        let less = matches!(node.kind, NodeKind::Binary(Operator::Subtract, ..));
        let share = written(odd.0).unwrap_or(20.0);
        let scaled = if less { 100.0 - share } else { 100.0 + share };
        return error.with_help(format!("to add a share, multiply: `{} * {}%`", node_text(other.0), plain(scaled)));
    }
    instead(odd, other, subject, error)
}

/// Two values that have no product or no quotient.
pub fn no_product(node: &Node, operator: Operator, left: (&Node, Type), right: (&Node, Type)) -> ExprError {
    let (what, by) = if operator == Operator::Divide { ("divided", "by") } else { ("multiplied", "with") };
    let message = format!("{} is not {what} {by} {}: {}", left.1.noun(), right.1.noun(), told(node));
    ExprError::new(node.span.clone(), message, "has no meaning").with_help(
        "figures, ratios and times are multiplied and divided by numbers, figures by ratios too; a figure by a figure \
             gives a ratio",
    )
}

/// What to write for `odd`, so that it goes with `other`.
fn instead(odd: (&Node, Type), other: (&Node, Type), subject: &Subject, error: ExprError) -> ExprError {
    let number = written(odd.0);
    match (other.1, odd.1, number) {
        (Type::Ratio, Type::Number, number) => {
            let ratio = number.map_or_else(|| "10%".to_owned(), |number| as_percentage(number, other.0));
            ExprError { label: format!("a ratio: write {ratio}"), ..error }
                .with_help(format!("{} is a ratio: write `{ratio}`", told(other.0)))
        }
        (Type::Ratio, _, Some(_)) => error.with_help("a ratio goes with a percentage, such as `10%`"),
        (Type::Figure, Type::Number, number) => in_series_unit(number, subject, error),
        (Type::Figure, Type::Ratio, number) => share_of(number, other.0, subject, error),
        (Type::Count, Type::Ratio, Some(number)) if is_measure(other.0, "hhi") => {
            error.with_help(format!("{} is a number from 0 to 1: write `{}`", told(other.0), plain(number / 100.0)))
        }
        (Type::Count | Type::Score | Type::Number, Type::Ratio | Type::Figure, Some(number)) => {
            error.with_help(format!("{} is {}: write `{}`", told(other.0), other.1.noun(), plain(number)))
        }
        (Type::Time, _, number) => {
            let time = number.filter(|number| number.fract() == 0.0 && *number > 0.0).unwrap_or(45.0);
            error.with_help(format!("{} is a time: write `{}d`", told(other.0), plain(time)))
        }
        (found, ..) => {
            error.with_help(format!("{} is {}: it goes with {}", told(other.0), found.noun(), goes_with(found)))
        }
    }
}

/// What a value of some type is compared with, or added to.
const fn goes_with(found: Type) -> &'static str {
    match found {
        Type::Ratio => "a percentage, such as `10%`, or another ratio",
        Type::Figure => "an amount in the series' unit, or another figure such as `mean(12)`",
        Type::Count | Type::Number => "a number, such as `2`",
        Type::Score => "a number, such as `-2`",
        Type::Time => "a time, such as `45d`",
        Type::Truth => "conditions, by `and` and `or`",
    }
}

fn is_measure(node: &Node, name: &str) -> bool {
    matches!(&node.kind, NodeKind::Measure(measure, _) if measure.name == name)
}

/// A bare number as the percentage that was meant: of a measure `-25` means −25 %, of a quotient `0.8`
/// means 80 %.
fn as_percentage(number: f64, ratio: &Node) -> String {
    let quotient = matches!(ratio.kind, NodeKind::Binary(..));
    let fraction = quotient || (number.abs() < 1.0 && number != 0.0);
    // Ten decimals are enough for what a person writes, and too few for the noise of the product.
    let percent = if fraction { (number * 1e12).round() / 1e10 } else { number };
    format!("{}%", plain(percent))
}

/// A bare number in the series' unit, and in a larger one where that is short.
fn in_series_unit(number: Option<f64>, subject: &Subject, error: ExprError) -> ExprError {
    let Some(Some(unit)) = &subject.unit else { return error };
    let Some(number) = number else {
        return error
            .with_help(format!("the series is in {0}: write numbers with it, such as `100 {0}`", unit_word(unit)));
    };
    let own = format!("`{} {}`", plain(number), unit_word(unit));
    let tonnes = Unit::parse("t").ok().filter(|tonnes| tonnes != unit);
    let short = |tonnes: &Unit| {
        unit.convert(number, tonnes).filter(|converted| number.abs() >= 1000.0 && (converted * 10.0).fract() == 0.0)
    };
    let larger = tonnes.and_then(|tonnes| short(&tonnes)).map(|number| format!("`{} t`, or ", plain(number)));
    error.with_help(format!("the series is in {}: write {}{own}", unit_word(unit), larger.unwrap_or_default()))
}

/// A percentage against a figure: the change was meant, or a figure in percent.
fn share_of(number: Option<f64>, figure: &Node, subject: &Subject, error: ExprError) -> ExprError {
    let percent = number.map_or_else(|| "5".to_owned(), plain);
    let unit = subject.unit.as_ref().and_then(Option::as_ref);
    if unit.is_some_and(|unit| unit.dimension() == Dimension::Percent) {
        return error.with_help(format!("the series is in percent: write `{percent} percent`"));
    }
    let help = match &figure.kind {
        NodeKind::Measure(measure, _) if measure.name == "value" => {
            format!("for the change over one period, compare `change` with `{percent}%`")
        }
        NodeKind::Measure(measure, _) if measure.name == "diff" => {
            "`change` gives the difference as a ratio".to_owned()
        }
        _ => format!("for a share of it, multiply: `{} * {percent}%`", node_text(figure)),
    };
    error.with_help(help)
}

/// A part as it may be written inside another.
fn node_text(node: &Node) -> String {
    let text = node.to_string();
    match node.kind {
        NodeKind::Binary(Operator::Add | Operator::Subtract | Operator::And | Operator::Or, ..) | NodeKind::Not(_) => {
            format!("({text})")
        }
        _ => text,
    }
}
