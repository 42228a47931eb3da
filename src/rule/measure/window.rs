//! `mean`, `min`, `max`, `sum`: over the last n periods, the present one included.
//!
//! A figure that covers several periods together takes part in a sum over all of them, and in nothing
//! that needs each period's own.

use super::super::evaluate::Scope;
use super::super::evidence::{Reason, Value};
use super::{Call, Gives, Measure, Measured, Parameter, Takes};
use crate::series::{Gap, Point, Window};

const BACK: &[Parameter] = &[Parameter { name: "n", takes: Takes::Back, optional: false }];

/// The arithmetic mean.
pub const MEAN: Measure =
    Measure { name: "mean", parameters: BACK, signature: "mean(n)", gives: Gives::Quantity, read: mean };
/// The least.
pub const MIN: Measure =
    Measure { name: "min", parameters: BACK, signature: "min(n)", gives: Gives::Quantity, read: min };
/// The largest.
pub const MAX: Measure =
    Measure { name: "max", parameters: BACK, signature: "max(n)", gives: Gives::Quantity, read: max };
/// The sum.
pub const SUM: Measure =
    Measure { name: "sum", parameters: BACK, signature: "sum(n)", gives: Gives::Quantity, read: sum };

fn mean(scope: &Scope<'_>, call: &Call<'_>) -> Measured {
    over(scope, call, Whole::EachPeriod, |points| total(points) / points.len() as f64)
}

fn sum(scope: &Scope<'_>, call: &Call<'_>) -> Measured {
    over(scope, call, Whole::CombinedToo, total)
}

fn min(scope: &Scope<'_>, call: &Call<'_>) -> Measured {
    over(scope, call, Whole::EachPeriod, |points| points.iter().map(|point| point.value).fold(f64::INFINITY, f64::min))
}

fn max(scope: &Scope<'_>, call: &Call<'_>) -> Measured {
    over(scope, call, Whole::EachPeriod, |points| points.iter().map(|point| point.value).fold(f64::NEG_INFINITY, f64::max))
}

fn total(points: &[Point]) -> f64 {
    points.iter().map(|point| point.value).sum()
}

/// Whether combined figures may take part.
#[derive(PartialEq)]
enum Whole {
    EachPeriod,
    CombinedToo,
}

fn over(scope: &Scope<'_>, call: &Call<'_>, whole: Whole, value: impl Fn(&[Point]) -> f64) -> Measured {
    let Window { points, mut gaps } = scope.view.window(scope.period, scope.argument_back(call, 0));
    if whole == Whole::EachPeriod {
        let combined = points.iter().filter(|point| !point.span.is_single());
        gaps.extend(combined.map(|point| Gap::Combined(point.span.last(), point.span)));
    }
    if !gaps.is_empty() || points.is_empty() {
        return Measured::new(Value::Unknown(gaps.into_iter().map(Reason::Gap).collect()), points);
    }
    let value = value(&points);
    // Figures near the limits of f64 can add up to what is no figure.
    let value = if value.is_finite() { scope.quantity(value) } else { Value::Unknown(vec![Reason::Overflow]) };
    Measured::new(value, points)
}
