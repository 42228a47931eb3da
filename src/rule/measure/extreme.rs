//! `drawdown(n)`, `runup(n)`: how far a figure lies below the highest, or above the lowest, of the last n.

use super::super::evaluate::Scope;
use super::super::evidence::Value;
use super::super::headline::Telling;
use super::change::relative;
use super::window::{alone, of_window};
use super::{Call, Gives, Measure, Measured, Parameter, Takes};
use crate::series::Point;

const BACK: &[Parameter] = &[Parameter { name: "n", takes: Takes::Back, optional: false }];

/// f(t)/max − 1 over the last n periods, t included: never above zero.
pub const DRAWDOWN: Measure = Measure {
    name: "drawdown",
    parameters: BACK,
    signature: "`drawdown(n)`",
    gives: Gives::Ratio,
    walks: false,
    read: |scope, call| against(scope, call, |a, b| if b.value > a.value { b } else { a }),
    words: |telling| told(telling, "below", "high"),
};

/// f(t)/min − 1 over the last n periods, t included: never below zero.
pub const RUNUP: Measure = Measure {
    name: "runup",
    parameters: BACK,
    signature: "`runup(n)`",
    gives: Gives::Ratio,
    walks: false,
    read: |scope, call| against(scope, call, |a, b| if b.value < a.value { b } else { a }),
    words: |telling| told(telling, "above", "low"),
};

/// The figure now against one of the window; of equal ones, the earliest is the base.
fn against(scope: &Scope<'_>, call: &Call<'_>, choose: fn(Point, Point) -> Point) -> Measured {
    of_window(alone(scope.window(call.back(0))), scope, |points| {
        let base = points.iter().copied().reduce(choose);
        let ratio = points.last().zip(base).map(|(now, base)| relative(scope, now.value, base.value, base.span.last()));
        // A window without gaps has a figure, and its last is the present one.
        ratio.unwrap_or(Value::Unknown(Vec::new()))
    })
}

fn told(telling: &Telling<'_>, side: &str, extreme: &str) -> Option<String> {
    let Value::Ratio(ratio) = *telling.value else { return None };
    let extreme = format!("its {} {extreme}", telling.reach_adjective(telling.call.back(0)));
    Some(match telling.amount(ratio) {
        _ if ratio.is_infinite() => format!("stood above {extreme} of zero"),
        None => format!("stood at {extreme}"),
        Some(amount) => format!("stood {amount} {side} {extreme}"),
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{MAGNETS, check, history, read_with, used};
    use crate::series::Quantity;

    /// By hand: 420.5/619 = 0.67932, 420.5/353 = 1.19122, 656/420.5 = 1.56005.
    #[test]
    fn below_the_high_and_above_the_low() {
        let magnets = history("t", MAGNETS);
        check(
            &magnets,
            "
            drawdown(5)  @ 2025-09 = −32.1 %
            drawdown(5)  @ 2025-10 = 0 %
            drawdown(1)  @ 2025-09 = 0 %
            drawdown(3mo) @ 2025-09 = −32.1 %
            runup(4)     @ 2025-09 = +19.1 %
            runup(2)     @ 2025-10 = +56 %
            runup(2)     @ 2025-09 = 0 %
            drawdown(6)  @ 2025-09 = unknown (waiting for 2025-04)
        ",
        );
        assert_eq!(used(&magnets, "drawdown(3)", "2025-09"), "2025-07 2025-08 2025-09");
        let least = Quantity::parse("100 t").unwrap();
        assert_eq!(
            read_with(&magnets, "runup(5)", "2025-09", Some(&least)).value.to_string(),
            "unknown (the base at 2025-05, 46.4 t, is below min_base 100 t)"
        );
    }

    #[test]
    fn extremes_that_are_no_base() {
        check(
            &history("t", "2025-01=0 2025-02=0 2025-03=5 2025-04=-5 2025-05=-9 2025-06=1e-300 2025-07=1e300"),
            "
            drawdown(2) @ 2025-02 = unknown (zero over zero at 2025-01)
            runup(3)    @ 2025-03 = +∞ %
            drawdown(3) @ 2025-04 = −200 %
            drawdown(2) @ 2025-05 = unknown (the base at 2025-04 is below zero)
            runup(2)    @ 2025-05 = unknown (the base at 2025-05 is below zero)
            runup(2)    @ 2025-07 = unknown (the figures are too large to calculate with)
        ",
        );
        check(
            &history("t", "2025-01/2025-02=30 2025-03=20"),
            "
            drawdown(3) @ 2025-03 = unknown (2025-02 was published only as part of 2025-01/2025-02 (combined period))
        ",
        );
    }
}
