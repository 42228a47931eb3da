//! `robust_zscore(n)`, `seasonal_zscore(years)`: how far a figure lies from what was usual, in deviations.
//!
//! As with `zscore`, the present figure takes no part in what it is held against.

use super::super::evaluate::Scope;
use super::super::evidence::{Reason, Value};
use super::super::operate::NOISE;
use super::statistic::{deviation, mean, median, median_deviation};
use super::window::alone;
use super::{Call, Gives, Measure, Measured, Parameter, Takes};
use crate::period::{Length, LengthUnit};
use crate::series::{Back, Gap, Point, Window};

/// (f(t) − median)/(1.4826 · MAD), both over the n periods before t, which one outlier among them does
/// not move. 1.4826 makes the median absolute deviation an estimate of the standard deviation of a normal
/// distribution (B. Iglewicz, D. C. Hoaglin, How to Detect and Handle Outliers, ASQC Quality Press 1993,
/// whose modified z-score writes it as 0.6745 = 1/1.4826).
pub const ROBUST_ZSCORE: Measure = Measure {
    name: "robust_zscore",
    parameters: &[Parameter { name: "n", takes: Takes::Sample, optional: false }],
    signature: "`robust_zscore(n)`",
    gives: Gives::Score,
    walks: false,
    read: robust,
    words: |telling| {
        let middle = format!("its {} median", telling.reach_adjective(telling.call.back(0)));
        telling.score("robust standard deviations", &middle)
    },
};

/// (f(t) − mean)/sd over the same calendar period of the years before, so that a season is no alarm.
pub const SEASONAL_ZSCORE: Measure = Measure {
    name: "seasonal_zscore",
    parameters: &[Parameter { name: "years", takes: Takes::Years, optional: false }],
    signature: "`seasonal_zscore(years)`",
    gives: Gives::Score,
    walks: false,
    read: seasonal,
    words: |telling| {
        let middle = format!("its {}-year mean for the {}", telling.call.years(0), telling.period_word());
        telling.score("standard deviations", &middle)
    },
};

/// Factor from the median absolute deviation to the standard deviation of a normal distribution:
/// 1/Φ⁻¹(3/4), to the digits that are usual.
const NORMAL: f64 = 1.4826;

fn robust(scope: &Scope<'_>, call: &Call<'_>) -> Measured {
    let before = scope.period_back(Back::Periods(1)).map(|period| scope.at(period).window(call.back(0)));
    let Window { points, gaps } = alone(before.unwrap_or_else(Window::of_gap));
    held_against(scope, points, gaps, robust_score)
}

/// A figure against the median and the MAD of those before it.
pub fn robust_score(now: f64, before: &[f64]) -> Result<f64, Reason> {
    if before.len() < 2 {
        return Err(Reason::TooFew);
    }
    let middle = median(before);
    scored(now - middle, NORMAL * median_deviation(before), middle)
}

fn seasonal(scope: &Scope<'_>, call: &Call<'_>) -> Measured {
    let (mut points, mut gaps) = (Vec::new(), Vec::new());
    for count in (1..=call.years(0)).rev() {
        match scope.back(Back::Length(Length { count, unit: LengthUnit::Year })) {
            Ok(point) => points.push(point),
            Err(gap) => gaps.push(gap),
        }
    }
    held_against(scope, points, gaps, seasonal_score)
}

/// A figure against the mean and the deviation of those of earlier years.
pub fn seasonal_score(now: f64, before: &[f64]) -> Result<f64, Reason> {
    let (spread, middle) = (deviation(before)?, mean(before));
    scored(now - middle, spread, middle)
}

/// The figure now against others; unknown where one of them is.
fn held_against(
    scope: &Scope<'_>,
    mut points: Vec<Point>,
    gaps: Vec<Gap>,
    score: fn(f64, &[f64]) -> Result<f64, Reason>,
) -> Measured {
    let now = scope.now();
    let value = match now {
        Ok(now) if gaps.is_empty() => {
            let figures: Vec<f64> = points.iter().map(|point| point.value).collect();
            score(now.value, &figures).map_or_else(|reason| Value::Unknown(vec![reason]), Value::Count)
        }
        _ => Value::Unknown(Reason::joined(gaps.into_iter().chain(now.err()).map(Reason::Gap))),
    };
    points.extend(now);
    Measured::new(value, points)
}

/// A distance in deviations. What does not vary, but for the noise of its middle, has none.
fn scored(distance: f64, spread: f64, middle: f64) -> Result<f64, Reason> {
    if spread <= NOISE * middle.abs() {
        return Err(Reason::NoSpread);
    }
    let score = distance / spread;
    if spread.is_finite() && score.is_finite() { Ok(score) } else { Err(Reason::Overflow) }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{check, history, used};

    /// Python 3.13: `s = [50, 52, 48, 51, 49, 200]; m = statistics.median(s)`, and
    /// `(40 - m) / (1.4826 * statistics.median(abs(x - m) for x in s))` is −4.7215…: the 200 moves it little.
    #[test]
    fn an_outlier_before_hides_nothing() {
        let figures =
            history("t", "2025-01=50 2025-02=52 2025-03=48 2025-04=51 2025-05=49 2025-06=200 2025-07=40 2025-09=3");
        check(
            &figures,
            "
            robust_zscore(6) @ 2025-07 = −4.72144
            robust_zscore(5) @ 2025-06 = 101.174
            robust_zscore(7) @ 2025-07 = unknown (waiting for 2024-12)
            robust_zscore(2) @ 2025-09 = unknown (waiting for 2025-08)
            robust_zscore(6) < -3.5 @ 2025-07 = holds
        ",
        );
        assert_eq!(used(&figures, "robust_zscore(3)", "2025-04"), "2025-01 2025-02 2025-03 2025-04");
    }

    /// Python 3.13: `s = [100, 110, 120, 90]`, `(60 - statistics.mean(s)) / statistics.stdev(s)` = −3.48568….
    #[test]
    fn a_season_is_held_against_itself() {
        let magnets = history("t", "2021-02=90 2022-02=120 2023-02=110 2024-02=100 2025-01=500 2025-02=60");
        check(
            &magnets,
            "
            seasonal_zscore(4)  @ 2025-02 = −3.48569
            seasonal_zscore(4y) @ 2025-02 = −3.48569
            seasonal_zscore(5)  @ 2025-02 = unknown (waiting for 2020-02)
            seasonal_zscore(2)  @ 2025-01 = unknown (waiting for 2023-01; waiting for 2024-01)
        ",
        );
        assert_eq!(used(&magnets, "seasonal_zscore(2)", "2025-02"), "2023-02 2024-02 2025-02");
        check(
            &history("t", "2023-Q1=4 2024-Q1=6 2025-Q1=9"),
            "
            seasonal_zscore(2) @ 2025-Q1 = 2.82843
        ",
        );
    }

    #[test]
    fn without_spread_there_is_no_score() {
        check(
            &history("t", "2023-01=5 2024-01=5 2025-01=9 2025-02=5 2025-03=5 2025-04=5 2025-05=8 2025-06=1"),
            "
            robust_zscore(4)   @ 2025-06 = unknown (the figures before it vary too little to tell a deviation)
            robust_zscore(4)   @ 2025-05 = unknown (the figures before it vary too little to tell a deviation)
            seasonal_zscore(2) @ 2025-01 = unknown (the figures before it vary too little to tell a deviation)
        ",
        );
        check(
            &history("t", "2025-01=-1.7e308 2025-02=1.7e308 2025-03=5"),
            "
            robust_zscore(2) @ 2025-03 = unknown (the figures are too large to calculate with)
        ",
        );
    }

    #[test]
    fn combined_months_have_no_score() {
        check(
            &history("t", "2024-12=5 2025-01/2025-02=30 2025-03=20"),
            "
            robust_zscore(2) @ 2025-03 = unknown (2025-02 was published only as part of 2025-01/2025-02 (combined period))
            seasonal_zscore(2) @ 2025-02 = unknown (waiting for 2023-02; waiting for 2024-02; 2025-02 was published only as part of 2025-01/2025-02 (combined period))
        ",
        );
    }
}
