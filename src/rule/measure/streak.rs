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
    if tolerance == 0.0 { verb.to_owned() } else { format!("{verb} by more than {}", telling.percent(tolerance)) }
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
            Value::Truth(false)
            | Value::Ratio(_)
            | Value::Quantity(..)
            | Value::Count(_)
            | Value::Time(_)
            | Value::AtLeast(..) => Step::Ends,
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
            Value::Ratio(_)
            | Value::Quantity(..)
            | Value::Count(_)
            | Value::Time(_)
            | Value::AtLeast(..)
            | Value::Truth(_) => Step::Ends,
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

#[cfg(test)]
mod tests {
    use super::super::super::testing::{MAGNETS, check, history, read_with, used};
    use crate::series::Quantity;

    #[test]
    fn declines_and_rises_in_a_row() {
        let magnets = history("t", MAGNETS);
        check(
            &magnets,
            "
            declines       @ 2025-09 = 2
            declines       @ 2025-08 = 1
            declines       @ 2025-07 = 0
            declines       @ 2025-10 = 0
            declines(5%)   @ 2025-09 = 1
            declines(tol=5%) @ 2025-08 = 0
            declines(4.6%) @ 2025-09 = 2
            rises          @ 2025-10 = 1
            rises          @ 2025-07 = at least 2
            rises(100%)    @ 2025-07 = 0
            rises(100%)    @ 2025-06 = at least 1
            rises          @ 2025-05 = at least 0
            rises          @ 2025-03 = at least 0
        ",
        );
        assert_eq!(used(&magnets, "declines", "2025-09"), "2025-07 2025-08 2025-09");
        assert_eq!(used(&magnets, "declines", "2025-07"), "2025-06 2025-07");
    }

    #[test]
    fn exactly_the_tolerance_is_no_more_than_it() {
        check(
            &history("t", "2025-01=100 2025-02=110 2025-03=99 2025-04=99 2025-05=98.9"),
            "
            rises(10%)    @ 2025-02 = 0
            rises(9.99%)  @ 2025-02 = at least 1
            declines(10%) @ 2025-03 = 0
            declines      @ 2025-04 = 0
            declines      @ 2025-05 = 1
        ",
        );
    }

    #[test]
    fn periods_that_meet_a_condition_in_a_row() {
        check(
            &history("t", MAGNETS),
            "
            streak(value > 400 t)                 @ 2025-10 = 4
            streak(value > 600 t)                 @ 2025-10 = 1
            streak(value > 700 t)                 @ 2025-10 = 0
            streak(value > 10 t)                  @ 2025-10 = at least 6
            streak(change < 0%)                   @ 2025-09 = 2
            streak(value > 400 t and change < 0%) @ 2025-09 = 2
            streak(declines >= 1)                 @ 2025-09 = 2
            streak(yoy < 0%)                      @ 2025-09 = at least 1
        ",
        );
    }

    #[test]
    fn a_streak_that_cannot_be_followed_is_a_lower_bound() {
        let gap = history("t", "2025-01=900 2025-02=800 2025-03=700 2025-05=600 2025-06=500 2025-07=400");
        check(
            &gap,
            "
            declines      @ 2025-07 = at least 2
            declines >= 2 @ 2025-07 = holds
            declines >= 3 @ 2025-07 = unknown (waiting for 2025-04)
            declines < 2  @ 2025-07 = fails
            declines < 4  @ 2025-07 = unknown (waiting for 2025-04)
        ",
        );
        let chinese = history("t", "2024-12=900 2025-01/2025-02=1500 2025-03=700 2025-04=600");
        check(
            &chinese,
            "
            declines      @ 2025-04 = at least 1
            declines == 1 @ 2025-04 = unknown (2025-02 was published only as part of 2025-01/2025-02 (combined period))
        ",
        );
        let small = Quantity::parse("750 t").unwrap();
        assert_eq!(read_with(&gap, "declines", "2025-03", Some(&small)).value.to_string(), "at least 2");
        assert_eq!(read_with(&gap, "declines", "2025-07", Some(&small)).value.to_string(), "at least 0");
    }

    #[test]
    fn a_daily_streak_counts_figures_until_a_hole() {
        let prices = history("CNY/t", "2025-08-01=9 2025-08-13=8 2025-08-14=7 2025-08-15=6 2025-08-18=5");
        check(
            &prices,
            "
            declines      @ 2025-08-18 = at least 3
            declines >= 4 @ 2025-08-18 = unknown (there is no figure on 2025-08-12 or in the 7 days before it)
        ",
        );
    }

    #[test]
    fn a_streak_is_counted_up_to_a_limit() {
        let figures: Vec<String> =
            (0..1100).map(|n| format!("{:04}-{:02}={}", 1900 + n / 12, n % 12 + 1, 5000 - n)).collect();
        let long = history("t", &figures.join(" "));
        check(
            &long,
            "
            declines         @ 1991-08 = at least 1000
            declines >= 1000 @ 1991-08 = holds
            declines > 1000  @ 1991-08 = unknown (the streak may be longer than what is known)
        ",
        );
    }
}
