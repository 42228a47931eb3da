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
    of(scope, alone(scope.window(call.back(0))), value)
}

fn of(scope: &Scope<'_>, window: Window, value: impl Fn(&[Point]) -> f64) -> Measured {
    of_window(window, scope, |points| scope.quantity(value(points)))
}

/// The window for what needs each period's own figure: a combined one is a gap.
pub fn alone(mut window: Window) -> Window {
    let combined = window.points.iter().filter(|point| !point.span.is_single());
    window.gaps.extend(combined.map(|point| Gap::Combined(point.span.last(), point.span)));
    window
}

/// A value of a window's figures; unknown where one of its periods is.
pub fn of_window(window: Window, scope: &Scope<'_>, value: impl Fn(&[Point]) -> Value) -> Measured {
    let Window { points, gaps } = window;
    let value = match (gaps.is_empty(), points.is_empty()) {
        (true, false) => value(&points),
        (true, true) => Value::Unknown(vec![Reason::Gap(Gap::Missing(scope.period))]),
        (false, _) => Value::Unknown(Reason::joined(gaps.into_iter().map(Reason::Gap))),
    };
    Measured::new(value, points)
}

fn told(telling: &Telling<'_>, verb: &str) -> Option<String> {
    let figure = telling.figure()?;
    Some(format!("{verb} {figure} over {}", telling.reach(telling.call.back(0))))
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{MAGNETS, check, history, used};

    /// By hand: 619 + 590 + 420.5 = 1629.5, a third of it 543.1666….
    #[test]
    fn the_last_months() {
        let magnets = history("t", MAGNETS);
        check(
            &magnets,
            "
            mean(3)    @ 2025-09 = 543.167 t
            mean(1)    @ 2025-09 = 420.5 t
            mean(n=3)  @ 2025-09 = 543.167 t
            mean(3mo)  @ 2025-09 = 543.167 t
            min(3)     @ 2025-09 = 420.5 t
            min(5)     @ 2025-09 = 46.4 t
            max(3)     @ 2025-09 = 619 t
            max(2)     @ 2025-09 = 590 t
            sum(3)     @ 2025-09 = 1629.5 t
            sum(5)     @ 2025-09 = 2028.9 t
            sum(6)     @ 2025-09 = unknown (waiting for 2025-04)
            mean(7)    @ 2025-10 = unknown (waiting for 2025-04)
            sum(1y)    @ 2025-09 = unknown (waiting for 2024-10; waiting for 2024-11; waiting for 2024-12; waiting for 2025-01; waiting for 2025-02; waiting for 2025-03; waiting for 2025-04)
            sum(40000) @ 2025-09 = unknown (waiting for -1308-06; waiting for -1308-07; waiting for -1308-08; waiting for -1308-09; waiting for -1308-10; waiting for -1308-11; waiting for -1308-12; waiting for -1307-01; and 39986 more)
            max(3)     @ 2025-11 = unknown (waiting for 2025-11)
        ",
        );
        assert_eq!(used(&magnets, "mean(3)", "2025-09"), "2025-07 2025-08 2025-09");
    }

    #[test]
    fn combined_figures_take_part_in_sums_alone() {
        let chinese = history("t", "2024-12=5 2025-01/2025-02=30 2025-03=20");
        check(
            &chinese,
            "
            sum(3)  @ 2025-03 = 50 t
            sum(4)  @ 2025-03 = 55 t
            sum(2)  @ 2025-03 = unknown (2025-02 was published only as part of 2025-01/2025-02 (combined period))
            mean(3) @ 2025-03 = unknown (2025-02 was published only as part of 2025-01/2025-02 (combined period))
            min(3)  @ 2025-03 = unknown (2025-02 was published only as part of 2025-01/2025-02 (combined period))
            max(3)  @ 2025-03 = unknown (2025-02 was published only as part of 2025-01/2025-02 (combined period))
        ",
        );
    }

    #[test]
    fn the_last_trading_days() {
        let prices = history("CNY/t", "2025-08-14=4 2025-08-15=5 2025-08-18=9");
        check(
            &prices,
            "
            mean(3)  @ 2025-08-18 = 6 CNY/t
            mean(2)  @ 2025-08-18 = 7 CNY/t
            mean(1w) @ 2025-08-18 = 6 CNY/t
            mean(3d) @ 2025-08-18 = 9 CNY/t
            mean(4)  @ 2025-08-18 = unknown (there is no figure on 2025-08-13 or in the 7 days before it)
        ",
        );
    }

    #[test]
    fn figures_near_the_limit() {
        check(
            &history("t", "2025-01=1.7e308 2025-02=1.7e308"),
            "
            mean(2) @ 2025-02 = 1.7e308 t
            max(2)  @ 2025-02 = 1.7e308 t
            sum(2)  @ 2025-02 = unknown (the figures are too large to calculate with)
        ",
        );
    }
}
