//! `streak(COND)`, `declines`, `rises`: for how many periods in a row.
//!
//! A streak that ends at a period that cannot be judged is a lower bound, not a number.

use super::super::evaluate::{Scope, exceeds};
use super::super::evidence::{Reason, Value};
use super::change::ratio;
use super::{Call, Gives, Measure, Measured, Parameter, Takes};
use crate::series::{Back, Point};

const TOLERANCE: &[Parameter] = &[Parameter { name: "tol", takes: Takes::Tolerance, optional: true }];

/// How many periods in a row, ending at t, a condition held.
pub const STREAK: Measure = Measure {
    name: "streak",
    parameters: &[Parameter { name: "cond", takes: Takes::Condition, optional: false }],
    signature: "streak(COND)",
    gives: Gives::Count,
    read: streak,
};

/// How many periods in a row the figure fell by more than a tolerance.
pub const DECLINES: Measure =
    Measure { name: "declines", parameters: TOLERANCE, signature: "declines(tol=0%)", gives: Gives::Count, read: declines };

/// How many periods in a row the figure rose by more than a tolerance.
pub const RISES: Measure =
    Measure { name: "rises", parameters: TOLERANCE, signature: "rises(tol=0%)", gives: Gives::Count, read: rises };

/// What one period adds to a streak.
enum Step {
    Goes,
    Ends,
    Unknown(Vec<Reason>),
}

fn streak(scope: &Scope<'_>, call: &Call<'_>) -> Measured {
    let Some(condition) = call.argument(0) else {
        return Measured::new(Value::Count(0.0), Vec::new());
    };
    walk(scope, |scope| {
        let reading = scope.read(condition);
        let points = reading.all_points();
        let step = match reading.value {
            Value::Truth(true) => Step::Goes,
            Value::Unknown(reasons) => Step::Unknown(reasons),
            Value::Truth(false)
            | Value::Ratio(_)
            | Value::Quantity(..)
            | Value::Count(_)
            | Value::AtLeast(..) => Step::Ends,
        };
        (step, points)
    })
}

fn declines(scope: &Scope<'_>, call: &Call<'_>) -> Measured {
    let tolerance = scope.argument_ratio(call, 0);
    walk(scope, |scope| moved(scope, |change| exceeds(-change, tolerance)))
}

fn rises(scope: &Scope<'_>, call: &Call<'_>) -> Measured {
    let tolerance = scope.argument_ratio(call, 0);
    walk(scope, |scope| moved(scope, |change| exceeds(change, tolerance)))
}

/// Whether the change over one period counts.
fn moved(scope: &Scope<'_>, counts: impl Fn(f64) -> bool) -> (Step, Vec<Point>) {
    let Measured { value, points, .. } = ratio(scope, scope.back(Back::Periods(1)));
    let step = match value {
        Value::Ratio(change) if counts(change) => Step::Goes,
        Value::Unknown(reasons) => Step::Unknown(reasons),
        Value::Ratio(_) | Value::Quantity(..) | Value::Count(_) | Value::AtLeast(..) | Value::Truth(_) => Step::Ends,
    };
    (step, points)
}

/// Walks back from the scope's period while `judge` says that the streak goes on. The figures are those
/// of the streak and of the period that ended it.
fn walk(scope: &Scope<'_>, judge: impl Fn(&Scope<'_>) -> (Step, Vec<Point>)) -> Measured {
    let (mut count, mut points, mut at) = (0.0, Vec::new(), scope.period);
    loop {
        let (step, used) = judge(&scope.at(at));
        match step {
            Step::Goes => points.extend(used),
            Step::Ends => {
                // What ended it is worth showing only where nothing else is.
                if points.is_empty() {
                    points.extend(used);
                }
                return Measured::new(Value::Count(count), points);
            }
            Step::Unknown(reasons) => {
                points.extend(used);
                return Measured::new(Value::AtLeast(count, reasons), points);
            }
        }
        count += 1.0;
        match scope.view.previous(at) {
            Ok(point) => at = point.span.last(),
            Err(gap) => return Measured::new(Value::AtLeast(count, vec![Reason::Gap(gap)]), points),
        }
    }
}
