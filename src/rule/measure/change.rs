//! `change`, `diff`, `yoy`, `change_since`: a figure against an earlier one.

use super::super::evaluate::{Scope, finite};
use super::super::evidence::{Reason, Value};
use super::super::headline::Telling;
use super::{Call, Gives, Measure, Measured, Parameter, Takes};
use crate::period::{Frequency, Length, LengthUnit, Period, Span};
use crate::series::{Back, Gap, Point, Window};

const BACK: &[Parameter] = &[Parameter { name: "n", takes: Takes::Back, optional: true }];
const YEAR: Length = Length { count: 1, unit: LengthUnit::Year };

/// f(t)/f(t − n) − 1.
pub const CHANGE: Measure = Measure {
    name: "change",
    parameters: BACK,
    signature: "`change(n=1)`",
    gives: Gives::Ratio,
    walks: false,
    read: |scope, call| change(scope, call.back(0)),
    words: |telling| telling.moved(&format!("in {}", telling.reach(telling.call.back(0)))),
};

/// f(t) − f(t − n).
pub const DIFF: Measure = Measure {
    name: "diff",
    parameters: BACK,
    signature: "`diff(n=1)`",
    gives: Gives::Quantity,
    walks: false,
    read: diff,
    words: moved_by,
};

/// The change over one year.
pub const YOY: Measure = Measure {
    name: "yoy",
    parameters: &[],
    signature: "`yoy`",
    gives: Gives::Ratio,
    walks: false,
    read: |scope, _| change(scope, Back::Length(YEAR)),
    words: |telling| telling.moved("in a year"),
};

/// f(t)/f(PERIOD) − 1.
pub const CHANGE_SINCE: Measure = Measure {
    name: "change_since",
    parameters: &[Parameter { name: "period", takes: Takes::Period, optional: false }],
    signature: "`change_since(PERIOD)`",
    gives: Gives::Ratio,
    walks: false,
    read: change_since,
    words: |telling| telling.moved(&format!("since {}", telling.call.period(0)?.in_words())),
};

fn change(scope: &Scope<'_>, back: Back) -> Measured {
    match (scope.now(), back) {
        // Whole years reach from a combined figure to what was published for the same periods then.
        (Err(Gap::Combined(_, span)), Back::Length(length))
            if length.unit == LengthUnit::Year && span.last() == scope.period =>
        {
            combined_change(scope, span, length)
        }
        _ => ratio(scope, scope.back(back)),
    }
}

fn combined_change(scope: &Scope<'_>, span: Span, years: Length) -> Measured {
    let now = scope.view.exactly(span).ok_or(Gap::Missing(span.last()));
    let (first, last) = (years.back(span.first()), years.back(span.last()));
    let Window { mut points, gaps } = match (first, last) {
        (Some(first), Some(last)) => scope.view.between(first, last),
        _ => Window { points: Vec::new(), gaps: vec![Gap::Missing(span.first())] },
    };
    let base: f64 = points.iter().map(|point| point.value).sum();
    let value = match (now, last) {
        (Ok(now), Some(last)) if gaps.is_empty() => relative(scope, now.value, base, last),
        _ => Value::Unknown(Reason::joined(gaps.into_iter().chain(now.err()).map(Reason::Gap))),
    };
    points.extend(now);
    Measured::new(value, points)
}

fn change_since(scope: &Scope<'_>, call: &Call<'_>) -> Measured {
    let base = match call.period(0) {
        // A day without trading takes the last figure before it, as a look-back does.
        Some(day) if day.frequency() == Frequency::Day => {
            scope.view.back(day, Back::Length(Length { count: 0, unit: LengthUnit::Day }))
        }
        Some(period) => scope.view.point(period),
        // The check refuses a call without a period.
        None => Err(Gap::Missing(scope.period)),
    };
    ratio(scope, base)
}

fn diff(scope: &Scope<'_>, call: &Call<'_>) -> Measured {
    match both(scope, scope.back(call.back(0))) {
        Ok((now, base)) => Measured::new(scope.quantity(now.value - base.value), vec![base, now]),
        Err(measured) => measured,
    }
}

fn moved_by(telling: &Telling<'_>) -> Option<String> {
    let Value::Quantity(value, unit) = telling.value else { return None };
    let amount = Value::Quantity(value.abs(), unit.clone());
    let reach = telling.reach(telling.call.back(0));
    let verb = if *value < 0.0 { "fell" } else { "rose" };
    Some(if *value == 0.0 { format!("did not move in {reach}") } else { format!("{verb} by {amount} in {reach}") })
}

/// The ratio of the figure now to a base, less one.
pub fn ratio(scope: &Scope<'_>, base: Result<Point, Gap>) -> Measured {
    match both(scope, base) {
        Ok((now, base)) => Measured::new(relative(scope, now.value, base.value, base.span.last()), vec![base, now]),
        Err(measured) => measured,
    }
}

/// `now/base − 1`. From zero to something is +∞; a base below zero, or zero over zero, says nothing; nor
/// does a base below the rule's `min_base`.
fn relative(scope: &Scope<'_>, now: f64, base: f64, period: Period) -> Value {
    if base < 0.0 || (base == 0.0 && now < 0.0) {
        return Value::Unknown(vec![Reason::NegativeBase(period)]);
    }
    if let Some(reason) = scope.below_min_base(period, base) {
        return Value::Unknown(vec![reason]);
    }
    match (base == 0.0, now == 0.0) {
        (true, true) => Value::Unknown(vec![Reason::ZeroOverZero(period)]),
        (true, false) => Value::Ratio(f64::INFINITY),
        (false, _) => finite(now / base - 1.0, Value::Ratio),
    }
}

/// The figure now and its base, or what is known of them.
fn both(scope: &Scope<'_>, base: Result<Point, Gap>) -> Result<(Point, Point), Measured> {
    match (scope.now(), base) {
        (Ok(now), Ok(base)) => Ok((now, base)),
        (now, base) => {
            let reasons = [base, now].into_iter().filter_map(Result::err).map(Reason::Gap);
            let known = [base, now].into_iter().filter_map(Result::ok).collect();
            Err(Measured::new(Value::Unknown(Reason::joined(reasons)), known))
        }
    }
}
