//! Whether an expression fits its series: types, units, arguments, periods. It finds all that is wrong.
//!
//! Every figure is in the series' unit, and every threshold converts to it; so a quantity needs no unit
//! of its own here.

mod argument;
mod group;
mod misfit;

pub use group::{Grouping, check_group};

use super::expr::{ExprError, Subject};
use super::measure::{Gives, Measure};
use super::syntax::{Argument, Node, NodeKind, Operator};
use crate::series::Unit;

/// All that is wrong with a condition, in the order of the text.
pub fn check(root: &Node, subject: &Subject) -> Vec<ExprError> {
    let mut check = Check { subject, errors: Vec::new() };
    check.condition(root);
    check.errors.sort_by_key(|error| (error.span.start, error.span.end));
    check.errors
}

/// What kind of value a part has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    /// Told with a percent sign.
    Ratio,
    /// A figure in the series' unit.
    Figure,
    /// A number of periods.
    Count,
    /// A number of standard deviations.
    Score,
    /// A time.
    Time,
    /// A number that the rule itself writes.
    Number,
    /// A condition.
    Truth,
}

impl Type {
    /// With its article, for messages.
    const fn noun(self) -> &'static str {
        match self {
            Self::Ratio => "a ratio",
            Self::Figure => "a figure",
            Self::Count => "a count",
            Self::Score => "a number of deviations",
            Self::Time => "a time",
            Self::Number => "a bare number",
            Self::Truth => "a condition",
        }
    }
}

struct Check<'a> {
    subject: &'a Subject,
    errors: Vec<ExprError>,
}

impl<'a> Check<'a> {
    /// The series' unit, where it is known to have one.
    fn unit(&self) -> Option<&'a Unit> {
        self.subject.unit.as_ref().and_then(Option::as_ref)
    }

    /// Whether a bare number may be one of the series' figures.
    fn takes_bare_numbers(&self) -> bool {
        self.unit().is_none()
    }

    fn refuse(&mut self, error: ExprError) -> Option<Type> {
        self.errors.push(error);
        None
    }

    /// A part that must be a condition.
    fn condition(&mut self, node: &Node) {
        match self.type_of(node) {
            None | Some(Type::Truth) => {}
            Some(found) => self.errors.push(misfit::no_condition(node, found, self.unit())),
        }
    }

    /// A part that must be a value; `None` where something is already refused.
    fn value(&mut self, node: &Node) -> Option<Type> {
        match self.type_of(node)? {
            Type::Truth => self.refuse(misfit::no_value(node)),
            found => Some(found),
        }
    }

    /// A part's type; `None` where something in it is refused, so that it fits anywhere else.
    fn type_of(&mut self, node: &Node) -> Option<Type> {
        match &node.kind {
            NodeKind::Number(_) => Some(Type::Number),
            NodeKind::Percent(_) => Some(Type::Ratio),
            NodeKind::Quantity(value, unit) => self.quantity(node, *value, unit),
            NodeKind::Length(_) => Some(Type::Time),
            NodeKind::Period(_) => self.refuse(misfit::stray_time(node)),
            NodeKind::Label(_) | NodeKind::Text(_) | NodeKind::Pick(..) => self.refuse(misfit::stray_label(node)),
            NodeKind::Measure(measure, arguments) => self.measure(node, measure, arguments),
            NodeKind::Not(inner) => {
                self.condition(inner);
                Some(Type::Truth)
            }
            NodeKind::Negate(inner) => self.value(inner),
            NodeKind::Binary(Operator::And | Operator::Or, left, right) => {
                self.condition(left);
                self.condition(right);
                Some(Type::Truth)
            }
            NodeKind::Binary(operator, left, right) => {
                let types = (self.value(left), self.value(right));
                if operator.is_comparison() {
                    self.comparison((left, types.0), (right, types.1));
                    return Some(Type::Truth);
                }
                self.arithmetic(node, *operator, (left, types.0?), (right, types.1?))
            }
        }
    }

    /// A threshold, which must convert to the series' unit.
    fn quantity(&mut self, node: &Node, value: f64, unit: &Unit) -> Option<Type> {
        let refused = match &self.subject.unit {
            None => return Some(Type::Figure),
            Some(None) => misfit::series_without_unit(node, value),
            Some(Some(own)) => match unit.convert(value, own) {
                Some(converted) if converted.is_finite() => return Some(Type::Figure),
                Some(_) => ExprError::new(node.span.clone(), format!("`{node}` is too large in {own}"), "too large")
                    .with_help("write a smaller amount: no figure is so large"),
                None => misfit::inconvertible(node, value, unit, own),
            },
        };
        self.refuse(refused)
    }

    fn measure(&mut self, node: &Node, measure: &'static Measure, arguments: &[Argument]) -> Option<Type> {
        let first = self.arguments(node, measure, arguments);
        match measure.gives {
            Gives::Quantity => Some(Type::Figure),
            Gives::Ratio | Gives::Share => Some(Type::Ratio),
            Gives::Count => Some(Type::Count),
            Gives::Score => Some(Type::Score),
            Gives::Time => Some(Type::Time),
            Gives::Truth => Some(Type::Truth),
            Gives::Argument => first,
        }
    }

    fn comparison(&mut self, left: (&Node, Option<Type>), right: (&Node, Option<Type>)) {
        let ((left, Some(a)), (right, Some(b))) = (left, right) else { return };
        if self.comparable(a, b) {
            return;
        }
        if let Some(time) = [left, right].into_iter().find(|node| matches!(node.kind, NodeKind::Length(_))) {
            self.errors.push(misfit::stray_time(time));
            return;
        }
        // The literal is what is easily written otherwise.
        let left_is_odd = a == Type::Number || (left.is_literal() && !right.is_literal());
        let error = if left_is_odd && b != Type::Number {
            misfit::incomparable((left, a), (right, b), self.subject)
        } else {
            misfit::incomparable((right, b), (left, a), self.subject)
        };
        self.errors.push(error);
    }

    fn comparable(&self, a: Type, b: Type) -> bool {
        use Type::{Count, Figure, Number, Score};
        match (a, b) {
            (Figure, Number) | (Number, Figure) => self.takes_bare_numbers(),
            (Count | Score, Number) | (Number, Count | Score) => true,
            (a, b) => a == b,
        }
    }

    fn arithmetic(
        &mut self,
        node: &Node,
        operator: Operator,
        left: (&Node, Type),
        right: (&Node, Type),
    ) -> Option<Type> {
        use Operator::{Add, Divide, Multiply, Subtract};
        use Type::{Count, Figure, Number, Ratio, Score, Time};
        let sum = matches!(operator, Add | Subtract);
        let times = [left, right].into_iter().filter(|(_, found)| *found == Time).count();
        if let (1, Some((time, _))) =
            (times, [left, right].into_iter().find(|(node, _)| matches!(node.kind, NodeKind::Length(_))))
        {
            return self.refuse(misfit::stray_time(time));
        }
        match (left.1, right.1) {
            (Number, Number) => Some(Number),
            (Count, Count | Number) | (Number, Count) => Some(Count),
            (Score, Score | Number) | (Number, Score) => Some(Score),
            (Ratio, Ratio) => Some(Ratio),
            (Time, Time) if sum => Some(Time),
            (Time, Number | Count) if !sum => Some(Time),
            (Figure, Figure) if sum => Some(Figure),
            (Figure, Figure) if operator == Divide => Some(Ratio),
            (Figure, Number) | (Number, Figure) if sum && self.takes_bare_numbers() => Some(Figure),
            (Ratio, Number | Count) | (Number | Count, Ratio) if !sum => Some(Ratio),
            (Figure, Number | Count | Ratio) if !sum => Some(Figure),
            (Number | Count | Ratio, Figure) if operator == Multiply => Some(Figure),
            _ if sum => {
                let (odd, other) = if left.1 == Number { (left, right) } else { (right, left) };
                self.refuse(misfit::no_sum(node, odd, other, self.subject))
            }
            _ => self.refuse(misfit::no_product(node, operator, left, right)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::expr::Expr;
    use super::super::testing::{conditions, shown, subject, trees};
    use super::*;
    use crate::period::Frequency;

    fn errors(text: &str, subject: &Subject) -> Vec<ExprError> {
        Expr::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).check(subject)
    }

    #[test]
    fn what_fits() {
        let fits = |subject: &Subject, texts: &[&str]| {
            for text in texts {
                assert_eq!(errors(text, subject), [], "{text}");
            }
        };
        fits(
            &subject(Frequency::Month, "kg"),
            &[
                "declines >= 2",
                "declines(5%) >= 2 or rises(tol=5%) > 1",
                "value < 400 t and not yoy > 10%",
                "value / mean(12) < 80%",
                "value < mean(1y) * 80%",
                "value - lag(1) > 5 t",
                "diff > -5 t",
                "lag(yoy, 2) < -5% and lag(declines >= 2, 1)",
                "streak(value < 400 t) >= 3",
                "change(1y) + 5% < yoy * 2",
                "change_since(2025-08) > 10%",
                "(declines + rises) / 2 >= 1",
                "400 t > value",
                "lag(n=3, expr=value) > lag(2)",
                "zscore(24) < -2 and robust_zscore(2y) > zscore(24) / 2",
                "seasonal_zscore(5) < -2 or seasonal_zscore(5y) > 2",
                "drawdown(12) < -50% and runup(1y) < 10%",
                "median(12) > 3 t and stddev(12) / mean(12) > 20%",
                "percentile(24) < 5% or slope(6) < -2% or volatility(12) > 30%",
                "ytd < 3000 t and ytd_yoy < -10% and revision > 5%",
                "overdue",
                "not overdue and age > 45d",
                "age - 30d > 2w and age * 2 >= 1mo",
                "45d < age",
            ],
        );
        fits(&subject(Frequency::Day, "CNY/t"), &["change(30d) > 10%", "value > 500 CNY/kg", "mean(2w) > 1 CNY/t"]);
        fits(&subject(Frequency::Week, "MUSD"), &["change(4w) > 10%", "change(1mo) > 0%", "mean(14d) > 500 USD"]);
        fits(&subject(Frequency::Quarter, "percent"), &["change(6mo) > 10%", "value > 5 percent"]);
        fits(
            &subject(Frequency::Year, ""),
            &["change_since(2024) > 10%", "value > 5", "value + 2 > lag(1)", "mean(24mo) > 1"],
        );
        let unknown = Subject { frequency: Frequency::Month, unit: None };
        fits(&unknown, &["value > 5", "value > 5 t", "value > 5 USD", "value + 5 > lag(1)"]);
    }

    /// What a message says of each misfit, in a monthly series in kg.
    #[test]
    #[expect(clippy::too_many_lines, reason = "a table, not a procedure")]
    fn what_does_not_fit_a_series_in_kg() {
        let texts = [
            "yoy < -25",
            "yoy < -0.25",
            "0 < change",
            "value / mean(12) < 0.8",
            "1.5 > value / mean(12)",
            "value < 400000",
            "400 > value",
            "value < 2 * 300",
            "value > 5%",
            "mean(3) > 5%",
            "diff > 5%",
            "value < 400 USD",
            "value < 400 USD/kg",
            "value < 1e308 kt",
            "declines >= 2%",
            "declines >= 2 t",
            "declines > yoy",
            "value > declines",
            "change > 5 t",
            "declines",
            "value",
            "yoy - 5%",
            "10%",
            "not declines",
            "declines and yoy < -25",
            "(yoy < 0%) + 2 > 3",
            "(yoy < 0%) > 2",
            "-(yoy < 0%) > 2",
            "value > 3mo",
            "2025-08 > value",
            "value + 5% > 3 t",
            "value + 5 > 3 t",
            "yoy + 5 > 3%",
            "yoy + value > 3%",
            "value * lag(1) > 5 t",
            "yoy / value > 2%",
            "2 / value > 2",
            "change(1.5) > 0%",
            "change(0) > 0%",
            "change(-1) > 0%",
            "change(99999) > 0%",
            "change(9999y) > 0%",
            "change(0d) > 0%",
            "change(30d) > 0%",
            "change(2025-08) > 0%",
            "change(5%) > 0%",
            "change(1, 2) > 0%",
            "change(m=1) > 0%",
            "change(1, n=2) > 0%",
            "yoy(1) > 0%",
            "yoy(years=1) > 0%",
            "declines(tolerance=5%) > 1",
            "declines(5) > 1",
            "declines(change) > 1",
            "mean > 5 t",
            "change_since > 5%",
            "change_since(2025) > 5%",
            "change_since(2025-08-15) > 5%",
            "change_since(3mo) > 5%",
            "streak > 5",
            "streak(yoy) > 5",
            "streak(yoy < -5) > 5",
            "lag(yoy) > 5%",
            "lag(yoy, 2, 3) > 5%",
            "lag(yoy, 2) > 5 t",
            "yoy < -25 percent",
            "declines > zscore(3)",
            "streak(declines >= 2, 3) > 1",
            "mean(value, 12) > 5 t",
            "drawdown(12) > 5 t",
            "volatility(1) > 5%",
            "top_share(3, partner) > 5%",
            "share('CN') > 5%",
            "hhi(5) > 0.5",
        ];
        let kg = subject(Frequency::Month, "kg");
        let all = |text: &&str| {
            let errors = errors(text, &kg);
            assert!(!errors.is_empty() && errors.iter().all(|error| error.help.is_some()), "{text}: {errors:?}");
            errors.iter().map(|error| shown(text, error)).collect::<Vec<_>>().join("\n")
        };
        insta::assert_snapshot!(texts.iter().map(all).collect::<Vec<_>>().join("\n\n"), @"
        yoy < -25
              ^^^ a ratio: write -25%
          `yoy` is a ratio, `-25` a bare number
          help: `yoy` is a ratio: write `-25%`

        yoy < -0.25
              ^^^^^ a ratio: write -25%
          `yoy` is a ratio, `-0.25` a bare number
          help: `yoy` is a ratio: write `-25%`

        0 < change
        ^ a ratio: write 0%
          `change` is a ratio, `0` a bare number
          help: `change` is a ratio: write `0%`

        value / mean(12) < 0.8
                           ^^^ a ratio: write 80%
          `value / mean(12)` is a ratio, `0.8` a bare number
          help: `value / mean(12)` is a ratio: write `80%`

        1.5 > value / mean(12)
        ^^^ a ratio: write 150%
          `value / mean(12)` is a ratio, `1.5` a bare number
          help: `value / mean(12)` is a ratio: write `150%`

        value < 400000
                ^^^^^^ a bare number
          `value` is a figure, `400000` a bare number
          help: the series is in kg: write `400 t`, or `400000 kg`

        400 > value
        ^^^ a bare number
          `value` is a figure, `400` a bare number
          help: the series is in kg: write `400 kg`

        value < 2 * 300
                ^^^^^^^ a bare number
          `value` is a figure, `2 * 300` a bare number
          help: the series is in kg: write numbers with it, such as `100 kg`

        value > 5%
                ^^ a ratio
          a ratio does not compare with a figure
          help: for the change over one period, compare `change` with `5%`

        mean(3) > 5%
                  ^^ a ratio
          a ratio does not compare with a figure
          help: for a share of it, multiply: `mean(3) * 5%`

        diff > 5%
               ^^ a ratio
          a ratio does not compare with a figure
          help: `change` gives the difference as a ratio

        value < 400 USD
                ^^^^^^^ money in USD, but the series is a mass
          USD does not convert to kg, the series' unit
          help: write an amount in the series' unit, such as `400 kg`

        value < 400 USD/kg
                ^^^^^^^^^^ a price in USD per mass, but the series is a mass
          USD/kg does not convert to kg, the series' unit
          help: write an amount in the series' unit, such as `400 kg`

        value < 1e308 kt
                ^^^^^^^^ too large
          `1e308 kt` is too large in kg
          help: write a smaller amount: no figure is so large

        declines >= 2%
                    ^^ a ratio
          a ratio does not compare with a count
          help: `declines` is a count: write `2`

        declines >= 2 t
                    ^^^ a figure
          a figure does not compare with a count
          help: `declines` is a count: write `2`

        declines > yoy
                   ^^^ a ratio
          a ratio does not compare with a count
          help: `declines` is a count: it goes with a number, such as `2`

        value > declines
                ^^^^^^^^ a count
          a count does not compare with a figure
          help: `value` is a figure: it goes with an amount in the series' unit, or another figure such as `mean(12)`

        change > 5 t
                 ^^^ a figure
          a figure does not compare with a ratio
          help: a ratio goes with a percentage, such as `10%`

        declines
        ^^^^^^^^ expected a condition
          `declines` is a count, not a condition
          help: compare it: declines >= 2

        value
        ^^^^^ expected a condition
          `value` is a figure, not a condition
          help: compare it: value > 100 kg

        yoy - 5%
        ^^^^^^^^ expected a condition
          `yoy - 5%` is a ratio, not a condition
          help: compare it: (yoy - 5%) > 10%

        10%
        ^^^ expected a condition
          `10%` is a ratio, not a condition
          help: a condition compares a measure, such as `declines >= 2`

        not declines
            ^^^^^^^^ expected a condition
          `declines` is a count, not a condition
          help: compare it: declines >= 2

        declines and yoy < -25
        ^^^^^^^^ expected a condition
          `declines` is a count, not a condition
          help: compare it: declines >= 2
        declines and yoy < -25
                           ^^^ a ratio: write -25%
          `yoy` is a ratio, `-25` a bare number
          help: `yoy` is a ratio: write `-25%`

        (yoy < 0%) + 2 > 3
        ^^^^^^^^^^ expected a value
          `yoy < 0%` is a condition, not a value
          help: conditions are joined by `and`, `or` and `not`; `streak(COND)` counts the periods that meet one

        (yoy < 0%) > 2
        ^^^^^^^^^^ expected a value
          `yoy < 0%` is a condition, not a value
          help: conditions are joined by `and`, `or` and `not`; `streak(COND)` counts the periods that meet one

        -(yoy < 0%) > 2
         ^^^^^^^^^^ expected a value
          `yoy < 0%` is a condition, not a value
          help: conditions are joined by `and`, `or` and `not`; `streak(COND)` counts the periods that meet one

        value > 3mo
                ^^^ expected a measure or a number
          a time is no value
          help: a time stands as an argument, such as `change(3mo)`

        2025-08 > value
        ^^^^^^^ expected a measure or a number
          a period is no value
          help: a period stands as an argument, such as `change_since(2025-08)`

        value + 5% > 3 t
                ^^ a ratio
          a figure and a ratio have no sum: `value + 5%`
          help: to add a share, multiply: `value * 105%`

        value + 5 > 3 t
                ^ a bare number
          a figure and a bare number have no sum: `value + 5`
          help: the series is in kg: write `5 kg`

        yoy + 5 > 3%
              ^ a ratio: write 5%
          a ratio and a bare number have no sum: `yoy + 5`
          help: `yoy` is a ratio: write `5%`

        yoy + value > 3%
              ^^^^^ a figure
          a ratio and a figure have no sum: `yoy + value`
          help: `yoy` is a ratio: it goes with a percentage, such as `10%`, or another ratio

        value * lag(1) > 5 t
        ^^^^^^^^^^^^^^ has no meaning
          a figure is not multiplied with a figure: `value * lag(1)`
          help: figures, ratios and times are multiplied and divided by numbers, figures by ratios too; a figure by a figure gives a ratio

        yoy / value > 2%
        ^^^^^^^^^^^ has no meaning
          a ratio is not divided by a figure: `yoy / value`
          help: figures, ratios and times are multiplied and divided by numbers, figures by ratios too; a figure by a figure gives a ratio

        2 / value > 2
        ^^^^^^^^^ has no meaning
          a bare number is not divided by a figure: `2 / value`
          help: figures, ratios and times are multiplied and divided by numbers, figures by ratios too; a figure by a figure gives a ratio

        change(1.5) > 0%
               ^^^ expected a whole number
          1.5 is no whole number of periods
          help: write `1` or `2`

        change(0) > 0%
               ^ expected 1 or more
          a look-back is at least one period
          help: write `1` for one period; the figure itself is `value`

        change(-1) > 0%
               ^^ expected a whole number of months, or a time such as `1y`
          `n` of `change` is a whole number of months, or a time such as `1y`
          help: it counts back by itself: write `1`

        change(99999) > 0%
               ^^^^^ too far back
          a look-back is at most 40000 periods
          help: write `40000` or less

        change(9999y) > 0%
               ^^^^^ too far back
          a look-back is at most 40000 periods
          help: write `40000` or less

        change(0d) > 0%
               ^^ no time at all
          a look-back is longer than nothing
          help: write months or years, such as `3mo`, or a number of periods

        change(30d) > 0%
               ^^^ the series is by month
          30 days is no whole number of months
          help: write months or years, such as `3mo`, or a number of periods

        change(2025-08) > 0%
               ^^^^^^^ expected a whole number of months, or a time such as `1y`
          `n` of `change` is a whole number of months, or a time such as `1y`
          help: for the change since a period, write `change_since(2025-08)`

        change(5%) > 0%
               ^^ expected a whole number of months, or a time such as `1y`
          `n` of `change` is a whole number of months, or a time such as `1y`
          help: it is written `change(n=1)`

        change(1, 2) > 0%
                  ^ one too many
          `change` takes at most 1 argument
          help: it is written `change(n=1)`

        change(m=1) > 0%
               ^^^ unknown
          `change` has no argument `m`
          help: it has `n`

        change(1, n=2) > 0%
                  ^^^ once more
          `n` of `change` is given twice
          help: take one away; it is written `change(n=1)`

        yoy(1) > 0%
            ^ one too many
          `yoy` takes no argument
          help: it is written `yoy`

        yoy(years=1) > 0%
            ^^^^^^^ unknown
          `yoy` has no argument `years`
          help: it is written `yoy`

        declines(tolerance=5%) > 1
                 ^^^^^^^^^^^^ unknown
          `declines` has no argument `tolerance`
          help: did you mean `tol`?

        declines(5) > 1
                 ^ expected a ratio such as `5%`
          `tol` of `declines` is a ratio such as `5%`
          help: a ratio: write `5%`

        declines(change) > 1
                 ^^^^^^ expected a ratio such as `5%`
          `tol` of `declines` is a ratio such as `5%`
          help: it is written `declines(tol=0%)`

        mean > 5 t
        ^^^^ needs an argument
          `mean` needs `n`: a whole number of months, or a time such as `1y`
          help: write `mean(12)`

        change_since > 5%
        ^^^^^^^^^^^^ needs an argument
          `change_since` needs `period`: a month such as `2025-08`
          help: write `change_since(2025-08)`

        change_since(2025) > 5%
                     ^^^^ expected a month
          `2025` is a year, but the series is by month
          help: write a month such as `2025-01`

        change_since(2025-08-15) > 5%
                     ^^^^^^^^^^ expected a month
          `2025-08-15` is a day, but the series is by month
          help: write a month such as `2025-08`

        change_since(3mo) > 5%
                     ^^^ expected a month such as `2025-08`
          `period` of `change_since` is a month such as `2025-08`
          help: it is written `change_since(PERIOD)`

        streak > 5
        ^^^^^^ needs an argument
          `streak` needs `cond`: a condition such as `change < 0%`
          help: write `streak(change < 0%)`

        streak(yoy) > 5
               ^^^ expected a condition
          `yoy` is a ratio, not a condition
          help: compare it: yoy > 10%

        streak(yoy < -5) > 5
                     ^^ a ratio: write -5%
          `yoy` is a ratio, `-5` a bare number
          help: `yoy` is a ratio: write `-5%`

        lag(yoy) > 5%
            ^^^ expected a whole number of months, or a time such as `1y`
          `n` of `lag` is a whole number of months, or a time such as `1y`
          help: it is written `lag(n=1)` or `lag(EXPR, n)`

        lag(yoy, 2, 3) > 5%
                    ^ one too many
          `lag` takes at most 2 arguments
          help: it is written `lag(n=1)` or `lag(EXPR, n)`

        lag(yoy, 2) > 5 t
                      ^^^ a figure
          a figure does not compare with a ratio
          help: a ratio goes with a percentage, such as `10%`

        yoy < -25 percent
               ^^^^^^^^^^ a percentage, but the series is a mass
          percent does not convert to kg, the series' unit
          help: a ratio is written with its sign: `25%`

        declines > zscore(3)
                   ^^^^^^^^^ a number of deviations
          a number of deviations does not compare with a count
          help: `declines` is a count: it goes with a number, such as `2`

        streak(declines >= 2, 3) > 1
                              ^ one too many
          `streak` takes at most 1 argument
          help: it is written `streak(COND)`

        mean(value, 12) > 5 t
             ^^^^^ expected a whole number of months, or a time such as `1y`
          `n` of `mean` is a whole number of months, or a time such as `1y`
          help: it is written `mean(n)`
        mean(value, 12) > 5 t
                    ^^ one too many
          `mean` takes at most 1 argument
          help: it is written `mean(n)`

        drawdown(12) > 5 t
                       ^^^ a figure
          a figure does not compare with a ratio
          help: a ratio goes with a percentage, such as `10%`

        volatility(1) > 5%
                   ^ expected 2 or more
          `volatility` is made of two figures at least
          help: write more, such as `volatility(12)`

        top_share(3, partner) > 5%
                  ^ expected the name of a label, such as `partner`
          `label` of `top_share` is the name of a label, such as `partner`
          help: it is written `top_share(label, k=1)`
        top_share(3, partner) > 5%
                     ^^^^^^^ expected a whole number from 1 to 1000
          `k` of `top_share` is a whole number from 1 to 1000
          help: it is written `top_share(label, k=1)`

        share('CN') > 5%
              ^^^^ expected a label with a value, such as `partner='CN'`
          `label` of `share` is a label with a value, such as `partner='CN'`
          help: of which label? write `share(LABEL='CN')`, such as `share(partner='CN')`

        hhi(5) > 0.5
            ^ expected the name of a label, such as `partner`
          `label` of `hhi` is the name of a label, such as `partner`
          help: it is written `hhi(label)`
        ");
    }

    /// What a message says of each misfit of scores, samples, years and times, in a monthly series in t.
    #[test]
    #[expect(clippy::too_many_lines, reason = "a table, not a procedure")]
    fn what_does_not_fit_scores_and_times() {
        let texts = [
            "zscore(24) < -2%",
            "zscore(24) < -2 t",
            "zscore(24)",
            "zscore < -2",
            "zscore(1) < -2",
            "stddev(1mo) > 3 t",
            "zscore(24) > declines",
            "value * zscore(3) > 5%",
            "seasonal_zscore(1) < -2",
            "seasonal_zscore(2.5) < -2",
            "seasonal_zscore(24mo) < -2",
            "seasonal_zscore(1000) < -2",
            "percentile(24) < 5",
            "ytd < 5%",
            "ytd(2) > 5 t",
            "age > 45",
            "age > 45%",
            "age > 45 t",
            "age",
            "age * 2d > 3d",
            "age + 5 > 3d",
            "45d",
            "yoy > 3mo",
            "value + 3mo > 5 t",
            "overdue > 2",
            "overdue + 2 > 3",
            "overdue(3d)",
            "drawdow(3) < 0%",
        ];
        let t = subject(Frequency::Month, "t");
        let all = |text: &&str| {
            let errors = Expr::parse(text).map_or_else(|error| vec![error], |expr| expr.check(&t));
            assert!(!errors.is_empty() && errors.iter().all(|error| error.help.is_some()), "{text}: {errors:?}");
            errors.iter().map(|error| shown(text, error)).collect::<Vec<_>>().join("\n")
        };
        insta::assert_snapshot!(texts.iter().map(all).collect::<Vec<_>>().join("\n\n"), @"
        zscore(24) < -2%
                     ^^^ a ratio
          a ratio does not compare with a number of deviations
          help: `zscore(24)` is a number of deviations: write `-2`

        zscore(24) < -2 t
                     ^^^^ a figure
          a figure does not compare with a number of deviations
          help: `zscore(24)` is a number of deviations: write `-2`

        zscore(24)
        ^^^^^^^^^^ expected a condition
          `zscore(24)` is a number of deviations, not a condition
          help: compare it: zscore(24) < -2

        zscore < -2
        ^^^^^^ needs an argument
          `zscore` needs `n`: a whole number of months, or a time such as `1y`
          help: write `zscore(12)`

        zscore(1) < -2
               ^ expected 2 or more
          `zscore` is made of two figures at least
          help: write more, such as `zscore(12)`

        stddev(1mo) > 3 t
               ^^^ expected 2 or more
          `stddev` is made of two figures at least
          help: write more, such as `stddev(12)`

        zscore(24) > declines
                     ^^^^^^^^ a count
          a count does not compare with a number of deviations
          help: `zscore(24)` is a number of deviations: it goes with a number, such as `-2`

        value * zscore(3) > 5%
        ^^^^^^^^^^^^^^^^^ has no meaning
          a figure is not multiplied with a number of deviations: `value * zscore(3)`
          help: figures, ratios and times are multiplied and divided by numbers, figures by ratios too; a figure by a figure gives a ratio

        seasonal_zscore(1) < -2
                        ^ expected 2 to 100 years
          a season is held against 2 years at least, and 100 at most
          help: write a number of years, such as `5`

        seasonal_zscore(2.5) < -2
                        ^^^ expected a whole number
          2.5 is no whole number of years
          help: write a number of years, such as `5`

        seasonal_zscore(24mo) < -2
                        ^^^^ expected a whole number of years such as `5`
          `years` of `seasonal_zscore` is a whole number of years such as `5`
          help: it is written `seasonal_zscore(years)`

        seasonal_zscore(1000) < -2
                        ^^^^ expected 2 to 100 years
          a season is held against 2 years at least, and 100 at most
          help: write a number of years, such as `5`

        percentile(24) < 5
                         ^ a ratio: write 5%
          `percentile(24)` is a ratio, `5` a bare number
          help: `percentile(24)` is a ratio: write `5%`

        ytd < 5%
              ^^ a ratio
          a ratio does not compare with a figure
          help: for a share of it, multiply: `ytd * 5%`

        ytd(2) > 5 t
            ^ one too many
          `ytd` takes no argument
          help: it is written `ytd`

        age > 45
              ^^ a bare number
          `age` is a time, `45` a bare number
          help: `age` is a time: write `45d`

        age > 45%
              ^^^ a ratio
          a ratio does not compare with a time
          help: `age` is a time: write `45d`

        age > 45 t
              ^^^^ a figure
          a figure does not compare with a time
          help: `age` is a time: write `45d`

        age
        ^^^ expected a condition
          `age` is a time, not a condition
          help: compare it: age > 45d

        age * 2d > 3d
        ^^^^^^^^ has no meaning
          a time is not multiplied with a time: `age * 2d`
          help: figures, ratios and times are multiplied and divided by numbers, figures by ratios too; a figure by a figure gives a ratio

        age + 5 > 3d
              ^ a bare number
          a time and a bare number have no sum: `age + 5`
          help: `age` is a time: write `5d`

        45d
        ^^^ expected a condition
          `45d` is a time, not a condition
          help: a condition compares a measure, such as `declines >= 2`

        yoy > 3mo
              ^^^ expected a measure or a number
          a time is no value
          help: a time stands as an argument, such as `change(3mo)`

        value + 3mo > 5 t
                ^^^ expected a measure or a number
          a time is no value
          help: a time stands as an argument, such as `change(3mo)`

        overdue > 2
        ^^^^^^^ expected a value
          `overdue` is a condition, not a value
          help: conditions are joined by `and`, `or` and `not`; `streak(COND)` counts the periods that meet one

        overdue + 2 > 3
        ^^^^^^^ expected a value
          `overdue` is a condition, not a value
          help: conditions are joined by `and`, `or` and `not`; `streak(COND)` counts the periods that meet one

        overdue(3d)
                ^^ one too many
          `overdue` takes no argument
          help: it is written `overdue`

        drawdow(3) < 0%
        ^^^^^^^ unknown
          there is no measure `drawdow`
          help: did you mean `drawdown`?
        ");
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table, not a procedure")]
    fn what_does_not_fit_other_series() {
        let told = |subject: &Subject, text: &str| {
            errors(text, subject).iter().map(|error| shown(text, error)).collect::<Vec<_>>().join("\n")
        };
        let told = [
            told(&subject(Frequency::Month, ""), "value < 400 t"),
            told(&subject(Frequency::Month, ""), "value < 5%"),
            told(&subject(Frequency::Month, ""), "declines < value"),
            told(&subject(Frequency::Month, "t"), "value < 1000"),
            told(&subject(Frequency::Month, "percent"), "value > 5%"),
            told(&subject(Frequency::Month, "index"), "value > 120"),
            told(&subject(Frequency::Month, "USD"), "value > 1 EUR"),
            told(&subject(Frequency::Day, "CNY/t"), "change_since(2025-08) > 10%"),
            told(&subject(Frequency::Week, "t"), "change(10d) > 10%"),
            told(&subject(Frequency::Quarter, "t"), "change(1mo) > 10%"),
            told(&subject(Frequency::Year, "t"), "change(6mo) > 10% or change_since(999) > 1%"),
            told(&Subject { frequency: Frequency::Month, unit: None }, "value > 5% and yoy > 2"),
        ];
        insta::assert_snapshot!(told.join("\n\n"), @"
        value < 400 t
                ^^^^^ has a unit
          the series has no unit, `400 t` has one
          help: write `400`, or give the feed a `unit`

        value < 5%
                ^^ a ratio
          a ratio does not compare with a figure
          help: for the change over one period, compare `change` with `5%`

        declines < value
                   ^^^^^ a figure
          a figure does not compare with a count
          help: `declines` is a count: it goes with a number, such as `2`

        value < 1000
                ^^^^ a bare number
          `value` is a figure, `1000` a bare number
          help: the series is in t: write `1000 t`

        value > 5%
                ^^ a ratio
          a ratio does not compare with a figure
          help: the series is in percent: write `5 percent`

        value > 120
                ^^^ a bare number
          `value` is a figure, `120` a bare number
          help: the series is in index: write `120 index`

        value > 1 EUR
                ^^^^^ money in EUR, but the series is money in USD
          EUR does not convert to USD, the series' unit
          help: write an amount in the series' unit, such as `1 USD`

        change_since(2025-08) > 10%
                     ^^^^^^^ expected a day
          `2025-08` is a month, but the series is by day
          help: write a day such as `2025-08-01`

        change(10d) > 10%
               ^^^ the series is by week
          10 days is no whole number of weeks
          help: write weeks, months or years, such as `4w`, or a number of periods

        change(1mo) > 10%
               ^^^ the series is by quarter
          1 month is no whole number of quarters
          help: write years or three months each, such as `6mo`, or a number of periods

        change(6mo) > 10% or change_since(999) > 1%
               ^^^ the series is by year
          6 months is no whole number of years
          help: write years, such as `2y`, or a number of periods
        change(6mo) > 10% or change_since(999) > 1%
                                          ^^^ expected a year such as `2025`
          `period` of `change_since` is a year such as `2025`
          help: it is written `change_since(PERIOD)`

        value > 5% and yoy > 2
                ^^ a ratio
          a ratio does not compare with a figure
          help: for the change over one period, compare `change` with `5%`
        value > 5% and yoy > 2
                             ^ a ratio: write 2%
          `yoy` is a ratio, `2` a bare number
          help: `yoy` is a ratio: write `2%`
        ");
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once_in_the_order_of_the_text() {
        let text = "declines and yoy < -25 or value < 400 and mean > 5% and change(0) > lag(1, 2, 3)";
        let found: Vec<String> = errors(text, &subject(Frequency::Month, "t"))
            .into_iter()
            .map(|error| text[error.span].to_owned())
            .collect();
        assert_eq!(found, ["declines", "-25", "400", "mean", "5%", "0", "3"]);
    }

    proptest! {
        #[test]
        fn checking_any_tree_ends_with_places_in_its_text(tree in trees()) {
            let text = tree.to_string();
            let expr = Expr::parse(&text).expect("its own text");
            for unit in ["", "kg", "CNY/t", "percent"] {
                for frequency in Frequency::ALL {
                    for error in expr.check(&subject(frequency, unit)) {
                        prop_assert!(text.get(error.span.clone()).is_some_and(|place| !place.is_empty()), "{text}: {error:?}");
                    }
                }
            }
        }

        #[test]
        fn conditions_that_fit_are_let_through(text in conditions()) {
            prop_assert_eq!(errors(&text, &subject(Frequency::Month, "t")), []);
        }
    }
}
