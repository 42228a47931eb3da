//! `percentile(n)`: where a figure stands among the last n.

use super::super::evidence::Value;
use super::super::headline::Telling;
use super::window::{alone, of_window};
use super::{Gives, Measure, Parameter, Takes};

/// The share of the last n figures, t included, that are at or below f(t): the highest is at 100 %, the
/// lowest of n different ones at 1/n.
pub const PERCENTILE: Measure = Measure {
    name: "percentile",
    parameters: &[Parameter { name: "n", takes: Takes::Sample, optional: false }],
    signature: "`percentile(n)`",
    gives: Gives::Share,
    walks: false,
    read: |scope, call| {
        of_window(alone(scope.window(call.back(0))), scope, |points| {
            let figures: Vec<f64> = points.iter().map(|point| point.value).collect();
            Value::Ratio(share_at_or_below(&figures))
        })
    },
    words: told,
};

/// The share of some figures that are at or below the last of them.
pub fn share_at_or_below(figures: &[f64]) -> f64 {
    let now = figures.last().copied().unwrap_or(f64::NAN);
    let below = figures.iter().filter(|figure| **figure <= now).count();
    below as f64 / figures.len() as f64
}

fn told(telling: &Telling<'_>) -> Option<String> {
    let Value::Ratio(share) = *telling.value else { return None };
    Some(format!(
        "stood at or above {} of the last {}",
        telling.percent(share),
        telling.reach_plain(telling.call.back(0))
    ))
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{MAGNETS, check, history};

    /// By hand: of 46.4, 353, 619, 590, 420.5 three are at or below 420.5.
    #[test]
    fn the_share_at_or_below() {
        check(
            &history("t", MAGNETS),
            "
            percentile(5)  @ 2025-09 = 60 %
            percentile(4)  @ 2025-08 = 75 %
            percentile(6)  @ 2025-10 = 100 %
            percentile(2)  @ 2025-09 = 50 %
            percentile(6)  @ 2025-09 = unknown (waiting for 2025-04)
        ",
        );
        check(
            &history("t", "2025-01=5 2025-02=5 2025-03=5 2025-04=-1"),
            "
            percentile(3) @ 2025-03 = 100 %
            percentile(4) @ 2025-04 = 25 %
        ",
        );
        check(
            &history("t", "2025-01/2025-02=30 2025-03=20"),
            "
            percentile(3) @ 2025-03 = unknown (2025-02 was published only as part of 2025-01/2025-02 (combined period))
        ",
        );
    }
}
