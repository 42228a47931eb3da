//! `streak(COND)`, `declines`, `rises`: for how many periods in a row.
//!
//! A streak that ends at a period that cannot be judged is a lower bound, not a number.

use super::super::evaluate::Scope;
use super::super::evidence::{Reason, Value};
use super::super::headline::Telling;
use super::super::operate::exceeds;
use super::change::ratio;
use super::{Call, Gives, Measure, Measured, Parameter, Takes};
use crate::base::limits::STREAK_MAX;
use crate::series::number::percent_plain;
use crate::series::{Back, Point};

const TOLERANCE: &[Parameter] = &[Parameter { name: "tol", takes: Takes::Tolerance, optional: true }];

/// How many periods in a row, ending at t, a condition held.
pub const STREAK: Measure = Measure {
    name: "streak",
    parameters: &[Parameter { name: "cond", takes: Takes::Condition, optional: false }],
    signature: "`streak(COND)`",
    gives: Gives::Count,
    walks: true,
    read: streak,
    words: |telling| telling.streak(&format!("met `{}`", telling.call.argument(0)?)),
};

/// How many periods in a row the figure fell by more than a tolerance.
pub const DECLINES: Measure = Measure {
    name: "declines",
    parameters: TOLERANCE,
    signature: "`declines(tol=0%)`",
    gives: Gives::Count,
    walks: true,
    read: |scope, call| moves(scope, call, |change, tolerance| exceeds(-change, tolerance)),
    words: |telling| telling.streak(&verb("fell", telling)),
};

/// How many periods in a row the figure rose by more than a tolerance.
pub const RISES: Measure = Measure {
    name: "rises",
    parameters: TOLERANCE,
    signature: "`rises(tol=0%)`",
    gives: Gives::Count,
    walks: true,
    read: |scope, call| moves(scope, call, exceeds),
    words: |telling| telling.streak(&verb("rose", telling)),
};

fn verb(verb: &str, telling: &Telling<'_>) -> String {
    let tolerance = telling.call.ratio(0);
    if tolerance == 0.0 { verb.to_owned() } else { format!("{verb} by more than {}", percent_plain(tolerance)) }
}

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
            Value::Truth(false) | Value::Ratio(_) | Value::Quantity(..) | Value::Count(_) | Value::AtLeast(..) => {
                Step::Ends
            }
        };
        (step, points)
    })
}

/// A streak of changes over one period that count.
fn moves(scope: &Scope<'_>, call: &Call<'_>, counts: impl Fn(f64, f64) -> bool) -> Measured {
    let tolerance = call.ratio(0);
    walk(scope, |scope| {
        let Measured { value, points, .. } = ratio(scope, scope.back(Back::Periods(1)));
        let step = match value {
            Value::Ratio(change) if counts(change, tolerance) => Step::Goes,
            Value::Unknown(reasons) => Step::Unknown(reasons),
            Value::Ratio(_) | Value::Quantity(..) | Value::Count(_) | Value::AtLeast(..) | Value::Truth(_) => {
                Step::Ends
            }
        };
        (step, points)
    })
}

/// Walks back from the scope's period while `judge` says that the streak goes on. The figures are those
/// of the streak, or of the period that ended it at once.
fn walk(scope: &Scope<'_>, judge: impl Fn(&Scope<'_>) -> (Step, Vec<Point>)) -> Measured {
    let (mut points, mut at) = (Vec::new(), scope.period);
    for count in 0..STREAK_MAX {
        let (step, used) = judge(&scope.at(at));
        match step {
            Step::Goes => points.extend(used),
            Step::Ends => {
                // What ended it is worth showing only where nothing else is.
                if points.is_empty() {
                    points.extend(used);
                }
                return Measured::new(Value::Count(count.into()), points);
            }
            Step::Unknown(reasons) => {
                points.extend(used);
                return Measured::new(Value::AtLeast(count.into(), reasons), points);
            }
        }
        match scope.view.previous(at) {
            Ok(point) => at = point.span.last(),
            Err(gap) => {
                return Measured::new(Value::AtLeast((count + 1).into(), vec![Reason::Gap(gap)]), points);
            }
        }
    }
    Measured::new(Value::AtLeast(STREAK_MAX.into(), Vec::new()), points)
}
