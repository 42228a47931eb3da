//! `mean`, `min`, `max`, `sum`: over the last n periods, the present one included.
//!
//! A figure that covers several periods together takes part in a sum over all of them, and in nothing
//! that needs each period's own.

use super::super::evaluate::Scope;
use super::super::evidence::{Reason, Value};
use super::super::headline::Telling;
use super::{Call, Gives, Measure, Measured, Parameter, Takes};
use crate::series::{Gap, Point, Window};

const BACK: &[Parameter] = &[Parameter { name: "n", takes: Takes::Back, optional: false }];

/// The arithmetic mean.
pub const MEAN: Measure = Measure {
    name: "mean",
    parameters: BACK,
    signature: "`mean(n)`",
    gives: Gives::Quantity,
    walks: false,
    // Each part by itself, so that figures near the limit of f64 have a mean though they have no sum.
    read: |scope, call| over(scope, call, |points| points.iter().map(|point| point.value / points.len() as f64).sum()),
    words: |telling| told(telling, "averaged"),
};

/// The least.
pub const MIN: Measure = Measure {
    name: "min",
    parameters: BACK,
    signature: "`min(n)`",
    gives: Gives::Quantity,
    walks: false,
    read: |scope, call| over(scope, call, |points| values(points).fold(f64::INFINITY, f64::min)),
    words: |telling| told(telling, "had a low of"),
};

/// The largest.
pub const MAX: Measure = Measure {
    name: "max",
    parameters: BACK,
    signature: "`max(n)`",
    gives: Gives::Quantity,
    walks: false,
    read: |scope, call| over(scope, call, |points| values(points).fold(f64::NEG_INFINITY, f64::max)),
    words: |telling| told(telling, "had a high of"),
};

/// The sum.
pub const SUM: Measure = Measure {
    name: "sum",
    parameters: BACK,
    signature: "`sum(n)`",
    gives: Gives::Quantity,
    walks: false,
    read: |scope, call| of(scope, scope.window(call.back(0)), |points| values(points).sum()),
    words: |telling| told(telling, "came to"),
};

fn values(points: &[Point]) -> impl Iterator<Item = f64> {
    points.iter().map(|point| point.value)
}

/// A value of figures of which each must be one period's own.
fn over(scope: &Scope<'_>, call: &Call<'_>, value: impl Fn(&[Point]) -> f64) -> Measured {
    let mut window = scope.window(call.back(0));
    let combined = window.points.iter().filter(|point| !point.span.is_single());
    window.gaps.extend(combined.map(|point| Gap::Combined(point.span.last(), point.span)));
    of(scope, window, value)
}

fn of(scope: &Scope<'_>, window: Window, value: impl Fn(&[Point]) -> f64) -> Measured {
    let Window { points, gaps } = window;
    let value = match (gaps.is_empty(), points.is_empty()) {
        (true, false) => scope.quantity(value(&points)),
        (true, true) => Value::Unknown(vec![Reason::Gap(Gap::Missing(scope.period))]),
        (false, _) => Value::Unknown(Reason::joined(gaps.into_iter().map(Reason::Gap))),
    };
    Measured::new(value, points)
}

fn told(telling: &Telling<'_>, verb: &str) -> Option<String> {
    let figure = telling.figure()?;
    Some(format!("{verb} {figure} over {}", telling.reach(telling.call.back(0))))
}
