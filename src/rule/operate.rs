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
        Value::Time(days) => Value::Time(-days),
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
                (Value::Ratio(a), Value::Ratio(b))
                | (Value::Count(a), Value::Count(b))
                | (Value::Time(a), Value::Time(b)) => Some(order(*a, *b, 1.0)),
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
            at_least(a + b, Reason::joined(reasons))
        }
        (Add, Value::AtLeast(a, reasons), Value::Count(b)) | (Add, Value::Count(b), Value::AtLeast(a, reasons)) => {
            at_least(a + b, reasons)
        }
        (Subtract, Value::AtLeast(a, reasons), Value::Count(b)) => at_least(a - b, reasons),
        (Multiply, Value::AtLeast(a, reasons), Value::Count(b))
        | (Multiply, Value::Count(b), Value::AtLeast(a, reasons))
            if b >= 0.0 =>
        {
            at_least(a * b, reasons)
        }
        (Divide, Value::AtLeast(a, reasons), Value::Count(b)) if b > 0.0 => at_least(a / b, reasons),
        (operator, left, right) => match (Number::of(&left), Number::of(&right)) {
            (Some(a), Some(b)) => a.with(operator, &b).unwrap_or_else(|| unknown_of(left, right)),
            _ => unknown_of(left, right),
        },
    }
}

/// A lower bound, as long as it is a number.
fn at_least(bound: f64, reasons: Vec<Reason>) -> Value {
    if bound.is_finite() { Value::AtLeast(bound, reasons) } else { Value::Unknown(vec![Reason::Overflow]) }
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
    Time,
    Figure(Option<Unit>),
}

impl Number {
    fn of(value: &Value) -> Option<Self> {
        let (amount, kind) = match value {
            Value::Count(amount) => (*amount, Kind::Count),
            Value::Ratio(amount) => (*amount, Kind::Ratio),
            Value::Time(days) => (*days, Kind::Time),
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
            Kind::Time => Value::Time(amount),
            Kind::Figure(unit) => Value::Quantity(amount, unit),
        })
    }

    fn kind_with(&self, operator: Operator, other: &Self) -> Option<Kind> {
        use Kind::{Count, Figure, Ratio, Time};
        let sum = matches!(operator, Operator::Add | Operator::Subtract);
        let divided = operator == Operator::Divide;
        Some(match (&self.kind, &other.kind) {
            (Count, Count) => Count,
            (Ratio, Ratio) => Ratio,
            (Time, Time) if sum => Time,
            (Time, Count) if !sum => Time,
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
        Value::Ratio(_) | Value::Quantity(..) | Value::Count(_) | Value::Time(_) | Value::Truth(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unit(text: &str) -> Option<Unit> {
        Unit::parse(text).ok()
    }

    /// `5` a count, `5%` a ratio, `5t` a figure, `5.` a figure without unit, `5+` a lower bound, `T`, `F`, `?`.
    fn value(text: &str) -> Value {
        let number = |text: &str| text.parse::<f64>().unwrap();
        match text {
            "T" => Value::Truth(true),
            "F" => Value::Truth(false),
            "?" => Value::Unknown(vec![Reason::LowerBound]),
            _ if text.ends_with('%') => Value::Ratio(number(text.trim_end_matches('%')) / 100.0),
            _ if text.ends_with('t') => Value::Quantity(number(text.trim_end_matches('t')), unit("t")),
            _ if text.ends_with('.') => Value::Quantity(number(text.trim_end_matches('.')), None),
            _ if text.ends_with('+') => Value::AtLeast(number(text.trim_end_matches('+')), Vec::new()),
            _ => Value::Count(number(text)),
        }
    }

    fn letter(value: &Value) -> &'static str {
        match value {
            Value::Truth(true) => "T",
            Value::Truth(false) => "F",
            Value::Unknown(_) => "?",
            _ => "value",
        }
    }

    #[test]
    fn kleenes_tables() {
        let table = "
            T T T T
            T F F T
            T ? ? T
            F T F T
            F F F F
            F ? F ?
            ? T ? T
            ? F F ?
            ? ? ? ?
        ";
        for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.split(' ').collect();
            let (a, b) = (value(words[0]), value(words[1]));
            assert_eq!(letter(&and(a.clone(), b.clone())), words[2], "and: {line}");
            assert_eq!(letter(&or(a, b)), words[3], "or: {line}");
        }
        assert_eq!(["T", "F", "?"].map(|word| letter(&not(value(word)))), ["F", "T", "?"]);
    }

    /// Each line: a value, another, then what `>`, `>=`, `<`, `<=`, `==` and `!=` say.
    #[test]
    fn comparisons() {
        let table = "
            2      1      T T F F F T
            1      2      F F T T F T
            2      2      F T F T T F
            10%    10%    F T F T T F
            11%    10%    T T F F F T
            400t   400t   F T F T T F
            399t   400t   F F T T F T
            5.     4      T T F F F T
            4      5.     F F T T F T
            inf%   1000%  T T F F F T
            inf%   inf%   F T F T T F
            3+     2      T T F F F T
            2+     2      ? T F ? ? ?
            1+     2      ? ? ? ? ? ?
            2      3+     F F T T F T
            2      2+     F ? ? T ? ?
            2      1+     ? ? ? ? ? ?
            2+     2+     ? ? ? ? ? ?
            ?      2      ? ? ? ? ? ?
            5t     5      ? ? ? ? ? ?
            5t     5%     ? ? ? ? ? ?
        ";
        use Operator::{Equal, Greater, GreaterEqual, Less, LessEqual, NotEqual};
        for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let told = [Greater, GreaterEqual, Less, LessEqual, Equal, NotEqual]
                .map(|operator| letter(&compare(operator, value(words[0]), value(words[1]))).to_owned());
            assert_eq!(told.join(" "), words[2..].join(" "), "{line}");
        }
    }

    #[test]
    fn noise_is_no_difference() {
        assert!(!exceeds(110.0 / 100.0 - 1.0, 0.1));
        assert!(!exceeds(1e-14, 0.0));
        assert!(exceeds(0.1001, 0.1));
        assert!(exceeds(f64::INFINITY, 1e300));
        assert!(!exceeds(f64::INFINITY, f64::INFINITY));
        let figure = |value| Value::Quantity(value, unit("t"));
        assert_eq!(compare(Operator::Greater, figure(0.1 + 0.2), figure(0.3)), Value::Truth(false));
        assert_eq!(compare(Operator::Greater, figure(2e-15), figure(1e-15)), Value::Truth(true));
        assert!(is_below(0.99, 1.0) && !is_below(0.1 + 0.2, 0.3));
    }

    #[test]
    fn arithmetic() {
        let table = "
            2 + 3 = 5
            2 - 3 = −1
            2 * 3 = 6
            3 / 2 = 1.5
            10% + 5% = +15 %
            10% * 3 = +30 %
            3 * 10% = +30 %
            50% / 2 = +25 %
            1 / 50% = +200 %
            10% / 5% = +200 %
            400t + 20t = 420 t
            400t - 20t = 380 t
            400t * 2 = 800 t
            2 * 400t = 800 t
            400t * 80% = 320 t
            80% * 400t = 320 t
            400t / 2 = 200 t
            400t / 80% = 500 t
            400t / 500t = +80 %
            400. + 2 = 402
            2 + 400. = 402
            400. / 500. = +80 %
            2+ + 1 = at least 3
            1 + 2+ = at least 3
            2+ + 1+ = at least 3
            2+ - 1 = at least 1
            2+ * 3 = at least 6
            3 * 2+ = at least 6
            2+ / 2 = at least 1
            inf% + 5% = +∞ %
            2 / 0 = unknown (a division by zero)
            5t / 0t = unknown (a division by zero)
            inf% - inf% = unknown (the figures are too large to calculate with)
            1e308 * 10 = unknown (the figures are too large to calculate with)
            ? + 1 = unknown (the streak may be longer than what is known)
            1 - 2+ = unknown (the streak may be longer than what is known)
            2+ / 0 = unknown (the streak may be longer than what is known)
            2+ * -1 = unknown (the streak may be longer than what is known)
            400t + 2 = unknown (the series is in t: a bare number does not go with it)
            400. + 5% = unknown (the series has no unit: the expression does not fit it)
            10% + 1 = unknown (the parts of the expression do not fit together)
            T + 1 = unknown (the parts of the expression do not fit together)
        ";
        for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.splitn(5, ' ').collect();
            let operator = match words[1] {
                "+" => Operator::Add,
                "-" => Operator::Subtract,
                "*" => Operator::Multiply,
                _ => Operator::Divide,
            };
            assert_eq!(calculate(operator, value(words[0]), value(words[2])).to_string(), words[4], "{line}");
        }
        assert_eq!(negate(value("400t")).to_string(), "−400 t");
        assert_eq!(negate(value("10%")).to_string(), "−10 %");
        assert_eq!(letter(&negate(value("2+"))), "?");
        assert_eq!(letter(&not(value("2"))), "?");
    }

    fn truths() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Truth(true)),
            Just(Value::Truth(false)),
            (0_usize..3).prop_map(|n| Value::Unknown(vec![Reason::Others(n + 1)])),
        ]
    }

    proptest! {
        #[test]
        fn kleenes_laws(a in truths(), b in truths(), c in truths()) {
            let same = |x: Value, y: Value| prop_assert_eq_letters(&x, &y);
            same(and(a.clone(), b.clone()), and(b.clone(), a.clone()))?;
            same(or(a.clone(), b.clone()), or(b.clone(), a.clone()))?;
            same(and(and(a.clone(), b.clone()), c.clone()), and(a.clone(), and(b.clone(), c.clone())))?;
            same(or(or(a.clone(), b.clone()), c.clone()), or(a.clone(), or(b.clone(), c.clone())))?;
            same(and(a.clone(), or(b.clone(), c.clone())), or(and(a.clone(), b.clone()), and(a.clone(), c.clone())))?;
            same(not(and(a.clone(), b.clone())), or(not(a.clone()), not(b.clone())))?;
            same(not(not(a.clone())), a.clone())?;
            same(and(a.clone(), a.clone()), a.clone())?;
        }

        /// A lower bound says only what every number from it on says.
        #[test]
        fn a_bound_says_what_all_above_it_say(bound in 0_u32..6, limit in 0_u32..6) {
            use Operator::{Equal, Greater, GreaterEqual, Less, LessEqual, NotEqual};
            for operator in [Greater, GreaterEqual, Less, LessEqual, Equal, NotEqual] {
                let (bound, limit) = (f64::from(bound), f64::from(limit));
                let above: Vec<Value> =
                    (0..8).map(|n| compare(operator, Value::Count(bound + f64::from(n)), Value::Count(limit))).collect();
                let agreed = above.iter().all(|value| *value == above[0]).then(|| above[0].clone());
                let said = compare(operator, Value::AtLeast(bound, Vec::new()), Value::Count(limit));
                prop_assert_eq!(agreed.as_ref().map_or("?", letter), letter(&said), "{:?}", operator);
            }
        }
    }

    fn prop_assert_eq_letters(x: &Value, y: &Value) -> Result<(), TestCaseError> {
        prop_assert_eq!(letter(x), letter(y));
        Ok(())
    }
}
