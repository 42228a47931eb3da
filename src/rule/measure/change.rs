//! `change`, `diff`, `yoy`, `change_since`: a figure against an earlier one.

use super::super::evaluate::Scope;
use super::super::evidence::{Reason, Value};
use super::{Call, Gives, Measure, Measured, Parameter, Takes};
use crate::period::{Length, LengthUnit};
use crate::series::{Back, Gap, Point};

const BACK: &[Parameter] = &[Parameter { name: "n", takes: Takes::Back, optional: true }];

/// f(t)/f(t − n) − 1.
pub const CHANGE: Measure =
    Measure { name: "change", parameters: BACK, signature: "change(n=1)", gives: Gives::Ratio, read: change };

/// f(t) − f(t − n).
pub const DIFF: Measure =
    Measure { name: "diff", parameters: BACK, signature: "diff(n=1)", gives: Gives::Quantity, read: diff };

/// The change over one year.
pub const YOY: Measure = Measure { name: "yoy", parameters: &[], signature: "yoy", gives: Gives::Ratio, read: yoy };

/// f(t)/f(PERIOD) − 1.
pub const CHANGE_SINCE: Measure = Measure {
    name: "change_since",
    parameters: &[Parameter { name: "period", takes: Takes::Period, optional: false }],
    signature: "change_since(PERIOD)",
    gives: Gives::Ratio,
    read: change_since,
};

fn change(scope: &Scope<'_>, call: &Call<'_>) -> Measured {
    ratio(scope, scope.back(scope.argument_back(call, 0)))
}

fn yoy(scope: &Scope<'_>, _call: &Call<'_>) -> Measured {
    ratio(scope, scope.back(Back::Length(Length { count: 1, unit: LengthUnit::Year })))
}

fn change_since(scope: &Scope<'_>, call: &Call<'_>) -> Measured {
    let base = match scope.argument_period(call, 0) {
        Some(period) => scope.view.point(period),
        // The check has refused a call without a period.
        None => Err(Gap::Missing(scope.period)),
    };
    ratio(scope, base)
}

fn diff(scope: &Scope<'_>, call: &Call<'_>) -> Measured {
    match both(scope, scope.back(scope.argument_back(call, 0))) {
        Ok((now, base)) => Measured::new(scope.quantity(now.value - base.value), vec![base, now]),
        Err(measured) => measured,
    }
}

/// The ratio of the figure now to a base, less one.
pub fn ratio(scope: &Scope<'_>, base: Result<Point, Gap>) -> Measured {
    match both(scope, base) {
        Ok((now, base)) => Measured::new(relative(scope, now, base), vec![base, now]),
        Err(measured) => measured,
    }
}

/// `now/base − 1`. From zero to something is +∞; a base below zero, or zero over zero, says nothing; nor
/// does a base below the rule's `min_base`.
fn relative(scope: &Scope<'_>, now: Point, base: Point) -> Value {
    let period = base.span.last();
    if let Some(reason) = scope.below_min_base(base) {
        return Value::Unknown(vec![reason]);
    }
    if base.value < 0.0 || (base.value == 0.0 && now.value < 0.0) {
        return Value::Unknown(vec![Reason::NegativeBase(period)]);
    }
    if base.value == 0.0 && now.value == 0.0 {
        return Value::Unknown(vec![Reason::ZeroOverZero(period)]);
    }
    Value::Ratio(now.value / base.value - 1.0)
}

fn both(scope: &Scope<'_>, base: Result<Point, Gap>) -> Result<(Point, Point), Measured> {
    let now = scope.view.point(scope.period);
    let reasons: Vec<Reason> = [base, now].into_iter().filter_map(Result::err).map(Reason::Gap).collect();
    match (now, base) {
        (Ok(now), Ok(base)) => Ok((now, base)),
        (now, base) => {
            let known = [base, now].into_iter().filter_map(Result::ok).collect();
            Err(Measured::new(Value::Unknown(reasons), known))
        }
    }
}
