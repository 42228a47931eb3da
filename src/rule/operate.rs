//! What operators do with values: Kleene's logic, comparisons (lower bounds included), arithmetic.
//!
//! Nothing here reads figures. What the check has let through has a value, unless the figures forbid it.

use std::cmp::Ordering;

use super::evidence::{Reason, Value};
use super::syntax::Operator;
use crate::series::Unit;

/// Two numbers that differ by less than this, relative to the larger, are the same: the rest is the
/// noise of binary fractions. Published figures have far fewer digits.
pub const NOISE: f64 = 1e-12;

/// `not`: unknown stays unknown.
pub fn not(value: Value) -> Value {
    match value {
        Value::Truth(truth) => Value::Truth(!truth),
        other => undecided(other),
    }
}

/// `and`: one side that fails settles it, whatever the other is.
pub fn and(left: Value, right: Value) -> Value {
    match (left, right) {
        (Value::Truth(false), _) | (_, Value::Truth(false)) => Value::Truth(false),
        (Value::Truth(true), Value::Truth(true)) => Value::Truth(true),
        (left, right) => unknown_of(left, right),
    }
}

/// `or`: one side that holds settles it, whatever the other is.
pub fn or(left: Value, right: Value) -> Value {
    match (left, right) {
        (Value::Truth(true), _) | (_, Value::Truth(true)) => Value::Truth(true),
        (Value::Truth(false), Value::Truth(false)) => Value::Truth(false),
        (left, right) => unknown_of(left, right),
    }
}

/// `-x`.
pub fn negate(value: Value) -> Value {
    match value {
        Value::Ratio(ratio) => Value::Ratio(-ratio),
        Value::Quantity(figure, unit) => Value::Quantity(-figure, unit),
        Value::Count(count) => Value::Count(-count),
        other => undecided(other),
    }
}

/// A comparison. A lower bound settles what it can.
pub fn compare(operator: Operator, left: Value, right: Value) -> Value {
    match (left, right) {
        (Value::AtLeast(bound, reasons), Value::Count(count)) => bounded(operator, bound, count, reasons),
        (Value::Count(count), Value::AtLeast(bound, reasons)) => bounded(operator.mirrored(), bound, count, reasons),
        (left, right) => {
            let ordering = match (&left, &right) {
                (Value::Quantity(a, unit), Value::Quantity(b, other)) if unit == other => Some(order(*a, *b, 0.0)),
                // Figures without a unit are numbers.
                (Value::Quantity(a, None), Value::Count(b)) | (Value::Count(a), Value::Quantity(b, None)) => {
                    Some(order(*a, *b, 0.0))
                }
                (Value::Ratio(a), Value::Ratio(b)) | (Value::Count(a), Value::Count(b)) => Some(order(*a, *b, 1.0)),
                _ => None,
            };
            ordering.map_or_else(|| unknown_of(left, right), |ordering| Value::Truth(says(operator, ordering)))
        }
    }
}

/// Whether a ratio is above another by more than noise: exactly 10 % is not above 10 %.
pub fn exceeds(ratio: f64, bound: f64) -> bool {
    order(ratio, bound, 1.0) == Ordering::Greater
}

/// Whether a figure is below another by more than noise.
pub fn is_below(figure: f64, bound: f64) -> bool {
    order(figure, bound, 0.0) == Ordering::Less
}

/// The order of two numbers, noise aside. `scale` is the size of what they were calculated from, where
/// that is more than their own: a ratio near zero is a difference of two numbers near one.
fn order(a: f64, b: f64, scale: f64) -> Ordering {
    let near = a.is_finite() && b.is_finite() && (a - b).abs() <= NOISE * a.abs().max(b.abs()).max(scale);
    if near { Ordering::Equal } else { a.partial_cmp(&b).unwrap_or(Ordering::Equal) }
}

const fn says(operator: Operator, ordering: Ordering) -> bool {
    match operator {
        Operator::Greater => ordering.is_gt(),
        Operator::GreaterEqual => ordering.is_ge(),
        Operator::Less => ordering.is_lt(),
        Operator::LessEqual => ordering.is_le(),
        Operator::Equal => ordering.is_eq(),
        Operator::NotEqual => ordering.is_ne(),
        // No comparison; the parser makes none of these.
        Operator::Or | Operator::And | Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide => {
            false
        }
    }
}

/// A count of which only a lower bound is known, against a number.
fn bounded(operator: Operator, bound: f64, count: f64, reasons: Vec<Reason>) -> Value {
    let ordering = order(bound, count, 1.0);
    let settled = match operator {
        Operator::Greater => ordering.is_gt().then_some(true),
        Operator::GreaterEqual => ordering.is_ge().then_some(true),
        Operator::Less => ordering.is_ge().then_some(false),
        Operator::LessEqual | Operator::Equal => ordering.is_gt().then_some(false),
        Operator::NotEqual => ordering.is_gt().then_some(true),
        Operator::Or | Operator::And | Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide => {
            None
        }
    };
    settled.map_or_else(|| undecided(Value::AtLeast(bound, reasons)), Value::Truth)
}

/// `+ - * /`. A lower bound stays one where the operation keeps its direction.
pub fn calculate(operator: Operator, left: Value, right: Value) -> Value {
    use Operator::{Add, Divide, Multiply, Subtract};
    match (operator, left, right) {
        (Add, Value::AtLeast(a, mut reasons), Value::AtLeast(b, others)) => {
            reasons.extend(others);
            Value::AtLeast(a + b, Reason::joined(reasons))
        }
        (Add, Value::AtLeast(a, reasons), Value::Count(b)) | (Add, Value::Count(b), Value::AtLeast(a, reasons)) => {
            Value::AtLeast(a + b, reasons)
        }
        (Subtract, Value::AtLeast(a, reasons), Value::Count(b)) => Value::AtLeast(a - b, reasons),
        (Multiply, Value::AtLeast(a, reasons), Value::Count(b))
        | (Multiply, Value::Count(b), Value::AtLeast(a, reasons))
            if b >= 0.0 =>
        {
            Value::AtLeast(a * b, reasons)
        }
        (Divide, Value::AtLeast(a, reasons), Value::Count(b)) if b > 0.0 => Value::AtLeast(a / b, reasons),
        (operator, left, right) => match (Number::of(&left), Number::of(&right)) {
            (Some(a), Some(b)) => a.with(operator, &b).unwrap_or_else(|| unknown_of(left, right)),
            _ => unknown_of(left, right),
        },
    }
}

/// A value as a number of a kind.
struct Number {
    amount: f64,
    kind: Kind,
}

#[derive(PartialEq)]
enum Kind {
    Count,
    Ratio,
    Figure(Option<Unit>),
}

impl Number {
    fn of(value: &Value) -> Option<Self> {
        let (amount, kind) = match value {
            Value::Count(amount) => (*amount, Kind::Count),
            Value::Ratio(amount) => (*amount, Kind::Ratio),
            Value::Quantity(amount, unit) => (*amount, Kind::Figure(unit.clone())),
            Value::AtLeast(..) | Value::Truth(_) | Value::Unknown(_) => return None,
        };
        Some(Self { amount, kind })
    }

    /// The result; `None` where the two kinds do not go together.
    fn with(&self, operator: Operator, other: &Self) -> Option<Value> {
        let kind = self.kind_with(operator, other)?;
        if operator == Operator::Divide && other.amount == 0.0 {
            return Some(Value::Unknown(vec![Reason::DivisionByZero]));
        }
        let amount = match operator {
            Operator::Add => self.amount + other.amount,
            Operator::Subtract => self.amount - other.amount,
            Operator::Multiply => self.amount * other.amount,
            Operator::Divide => self.amount / other.amount,
            _ => return None,
        };
        let endless = self.amount.is_infinite() || other.amount.is_infinite();
        if amount.is_nan() || (amount.is_infinite() && !endless) {
            return Some(Value::Unknown(vec![Reason::Overflow]));
        }
        Some(match kind {
            Kind::Count => Value::Count(amount),
            Kind::Ratio => Value::Ratio(amount),
            Kind::Figure(unit) => Value::Quantity(amount, unit),
        })
    }

    fn kind_with(&self, operator: Operator, other: &Self) -> Option<Kind> {
        use Kind::{Count, Figure, Ratio};
        let sum = matches!(operator, Operator::Add | Operator::Subtract);
        let divided = operator == Operator::Divide;
        Some(match (&self.kind, &other.kind) {
            (Count, Count) => Count,
            (Ratio, Ratio) => Ratio,
            (Ratio, Count) | (Count, Ratio) if !sum => Ratio,
            (Figure(unit), Count | Ratio) if !sum => Figure(unit.clone()),
            (Count | Ratio, Figure(unit)) if operator == Operator::Multiply => Figure(unit.clone()),
            (Figure(unit), Figure(same)) if sum && unit == same => Figure(unit.clone()),
            (Figure(unit), Figure(same)) if divided && unit == same => Ratio,
            // Figures without a unit are numbers.
            (Figure(None), Count) | (Count, Figure(None)) if sum => Figure(None),
            _ => return None,
        })
    }
}

/// The reasons of two values of which one at least cannot be decided.
fn unknown_of(left: Value, right: Value) -> Value {
    let misfit = misfit(&left, &right);
    let reasons: Vec<Reason> = [left, right].into_iter().flat_map(reasons_of).collect();
    Value::Unknown(if reasons.is_empty() { vec![Reason::Unit(misfit)] } else { Reason::joined(reasons) })
}

/// What the check would have said, had it known the unit.
fn misfit(left: &Value, right: &Value) -> String {
    match (left, right) {
        (Value::Quantity(_, Some(unit)), Value::Count(_)) | (Value::Count(_), Value::Quantity(_, Some(unit))) => {
            format!("the series is in {unit}: a bare number does not go with it")
        }
        (Value::Quantity(_, None), _) | (_, Value::Quantity(_, None)) => {
            "the series has no unit: the expression does not fit it".to_owned()
        }
        _ => "the parts of the expression do not fit together".to_owned(),
    }
}

/// One value that cannot be decided.
fn undecided(value: Value) -> Value {
    unknown_of(value, Value::Truth(true))
}

fn reasons_of(value: Value) -> Vec<Reason> {
    match value {
        Value::Unknown(reasons) => reasons,
        Value::AtLeast(_, reasons) if reasons.is_empty() => vec![Reason::LowerBound],
        Value::AtLeast(_, reasons) => reasons,
        Value::Ratio(_) | Value::Quantity(..) | Value::Count(_) | Value::Truth(_) => Vec::new(),
    }
}
