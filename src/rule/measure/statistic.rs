//! `median(n)`, `stddev(n)`, and the statistics that other measures are made of.
//!
//! Everything here is about given figures; which figures those are is each measure's business.

use super::super::evidence::{Reason, Value};
use super::super::headline::Telling;
use super::window::{alone, of_window};
use super::{Call, Gives, Measure, Measured, Parameter, Takes};
use crate::rule::evaluate::Scope;

/// The middle of the last n figures; of an even number of them, the mean of the middle two.
pub const MEDIAN: Measure = Measure {
    name: "median",
    parameters: &[Parameter { name: "n", takes: Takes::Back, optional: false }],
    signature: "`median(n)`",
    gives: Gives::Quantity,
    walks: false,
    read: |scope, call| over(scope, call, |figures| Ok(median(figures))),
    words: |telling| told(telling, "had a median of"),
};

/// The standard deviation of the last n figures as a sample (divisor n − 1).
pub const STDDEV: Measure = Measure {
    name: "stddev",
    parameters: &[Parameter { name: "n", takes: Takes::Sample, optional: false }],
    signature: "`stddev(n)`",
    gives: Gives::Quantity,
    walks: false,
    read: |scope, call| over(scope, call, deviation),
    words: |telling| told(telling, "had a standard deviation of"),
};

fn over(scope: &Scope<'_>, call: &Call<'_>, value: impl Fn(&[f64]) -> Result<f64, Reason>) -> Measured {
    of_window(alone(scope.window(call.back(0))), scope, |points| {
        let figures: Vec<f64> = points.iter().map(|point| point.value).collect();
        value(&figures).map_or_else(|reason| Value::Unknown(vec![reason]), |value| scope.quantity(value))
    })
}

fn told(telling: &Telling<'_>, verb: &str) -> Option<String> {
    let figure = telling.figure()?;
    Some(format!("{verb} {figure} over {}", telling.reach(telling.call.back(0))))
}

/// The arithmetic mean; each part by itself, so that figures near the limit of f64 have one though they
/// have no sum.
pub fn mean(figures: &[f64]) -> f64 {
    let count = figures.len() as f64;
    figures.iter().map(|figure| figure / count).sum()
}

/// The median; of an even number of figures, the mean of the middle two.
pub fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.as_slice() {
        [] => f64::NAN,
        sorted if sorted.len() % 2 == 1 => sorted[middle],
        sorted => sorted[middle - 1] / 2.0 + sorted[middle] / 2.0,
    }
}

/// The standard deviation of a sample, in two passes and by the largest deviation, so that neither tiny
/// nor huge figures lose it: √(Σ(x − mean)²/(n − 1)).
pub fn deviation(figures: &[f64]) -> Result<f64, Reason> {
    if figures.len() < 2 {
        return Err(Reason::TooFew);
    }
    let mean = mean(figures);
    let largest = figures.iter().map(|figure| (figure - mean).abs()).fold(0.0, f64::max);
    // Equal figures differ from their mean by its own noise alone.
    if figures.iter().all(|figure| figure.to_bits() == figures[0].to_bits()) || largest == 0.0 {
        return Ok(0.0);
    }
    let squares: f64 = figures.iter().map(|figure| ((figure - mean) / largest).powi(2)).sum();
    let deviation = largest * (squares / (figures.len() as f64 - 1.0)).sqrt();
    if deviation.is_finite() { Ok(deviation) } else { Err(Reason::Overflow) }
}

/// The median of the distances from the median (MAD).
pub fn median_deviation(figures: &[f64]) -> f64 {
    let middle = median(figures);
    let distances: Vec<f64> = figures.iter().map(|figure| (figure - middle).abs()).collect();
    median(&distances)
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{MAGNETS, check, history, used};
    use super::*;

    /// Python 3.13, `statistics.median` and `statistics.stdev` of 46.4, 353, 619, 590, 420.5, 656.
    #[test]
    fn middles_and_spreads_of_months() {
        let magnets = history("t", MAGNETS);
        check(
            &magnets,
            "
            median(3)  @ 2025-09 = 590 t
            median(4)  @ 2025-09 = 505.25 t
            median(6)  @ 2025-10 = 505.25 t
            median(1)  @ 2025-10 = 656 t
            median(7)  @ 2025-10 = unknown (waiting for 2025-04)
            stddev(3)  @ 2025-09 = 107.217 t
            stddev(6)  @ 2025-10 = 229.665 t
            stddev(6)  @ 2025-09 = unknown (waiting for 2025-04)
        ",
        );
        assert_eq!(used(&magnets, "stddev(3)", "2025-09"), "2025-07 2025-08 2025-09");
    }

    #[test]
    fn spreads_that_are_none_or_too_large() {
        check(
            &history(
                "t",
                "2025-01=0.1 2025-02=0.1 2025-03=0.1 2025-04=1.7e308 2025-05=-1.7e308 2025-06=1e200 2025-07=3e200",
            ),
            "
            stddev(3) @ 2025-03 = 0 t
            stddev(2) @ 2025-05 = unknown (the figures are too large to calculate with)
            stddev(2) > 1.414e200 t @ 2025-07 = holds
            stddev(2) < 1.415e200 t @ 2025-07 = holds
            median(2) @ 2025-05 = 0 t
        ",
        );
        check(
            &history("t", "2024-12=5 2025-01/2025-02=30 2025-03=20"),
            "
            stddev(3) @ 2025-03 = unknown (2025-02 was published only as part of 2025-01/2025-02 (combined period))
            median(3) @ 2025-03 = unknown (2025-02 was published only as part of 2025-01/2025-02 (combined period))
        ",
        );
        check(
            &history("t", "2025-08-15=5"),
            "
            stddev(3d) @ 2025-08-15 = unknown (there are too few figures to tell a spread)
        ",
        );
    }

    /// By hand: the median of 1, 1, 2, 2, 4, 6, 9 is 2; of the distances 1, 1, 0, 0, 2, 4, 7 it is 1.
    #[test]
    fn the_median_of_the_distances() {
        assert!((median_deviation(&[1.0, 1.0, 2.0, 2.0, 4.0, 6.0, 9.0]) - 1.0).abs() < 1e-15);
        assert!(deviation(&[1.0]).is_err());
        assert!(median(&[]).is_nan());
    }
}
