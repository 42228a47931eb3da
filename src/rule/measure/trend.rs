//! `slope(n)`, `volatility(n)`: how steadily, and how wildly, a figure moves.

use super::super::evaluate::Scope;
use super::super::evidence::{Reason, Value};
use super::super::headline::Telling;
use super::statistic::{deviation, mean};
use super::window::{alone, of_window};
use super::{Call, Gives, Measure, Measured, Parameter, Takes};
use crate::series::Gap;

const SAMPLE: &[Parameter] = &[Parameter { name: "n", takes: Takes::Sample, optional: false }];

/// The slope of the straight line that fits the last n figures best by least squares, for each period,
/// against their mean: Σ(i − ī)(xᵢ − x̄)/Σ(i − ī)²/x̄ (A.-M. Legendre, Nouvelles méthodes pour la
/// détermination des orbites des comètes, 1805, for the squares). A mean that is not above zero is no base.
pub const SLOPE: Measure = Measure {
    name: "slope",
    parameters: SAMPLE,
    signature: "`slope(n)`",
    gives: Gives::Ratio,
    walks: false,
    read: |scope, call| {
        of_window(alone(scope.window(call.back(0))), scope, |points| {
            let figures: Vec<f64> = points.iter().map(|point| point.value).collect();
            told_of(slope(&figures))
        })
    },
    words: trended,
};

/// The standard deviation, as a sample's, of the last n changes ln(f(i)/f(i − 1)): the historical
/// volatility of one period, not annualised (J. C. Hull, Options, Futures, and Other Derivatives, the
/// chapter on estimating volatility from historical data).
pub const VOLATILITY: Measure = Measure {
    name: "volatility",
    parameters: SAMPLE,
    signature: "`volatility(n)`",
    gives: Gives::Share,
    walks: false,
    read: varied,
    words: |telling| {
        let Value::Ratio(ratio) = *telling.value else { return None };
        let reach = telling.reach(telling.call.back(0));
        Some(format!("had a volatility of {} over {reach}", telling.percent(ratio)))
    },
};

/// A ratio, or why there is none.
fn told_of(ratio: Result<f64, Reason>) -> Value {
    ratio.map_or_else(|reason| Value::Unknown(vec![reason]), Value::Ratio)
}

/// The slope of the line through some neighbouring figures, against their mean.
pub fn slope(figures: &[f64]) -> Result<f64, Reason> {
    if figures.len() < 2 {
        return Err(Reason::TooFew);
    }
    let base = mean(figures);
    if base <= 0.0 {
        return Err(Reason::MeanNotPositive);
    }
    let middle = (figures.len() as f64 - 1.0) / 2.0;
    let (mut rise, mut run) = (0.0, 0.0);
    for (index, figure) in figures.iter().enumerate() {
        let offset = index as f64 - middle;
        rise += offset * (figure / base - 1.0);
        run += offset * offset;
    }
    let slope = rise / run;
    if slope.is_finite() { Ok(slope) } else { Err(Reason::Overflow) }
}

fn trended(telling: &Telling<'_>) -> Option<String> {
    let Value::Ratio(ratio) = *telling.value else { return None };
    let reach = telling.reach(telling.call.back(0));
    let Some(amount) = telling.amount(ratio) else { return Some(format!("had no trend over {reach}")) };
    let verb = if ratio < 0.0 { "fell" } else { "rose" };
    Some(format!("{verb} by a trend of {amount} a {} over {reach}", telling.period_word()))
}

fn varied(scope: &Scope<'_>, call: &Call<'_>) -> Measured {
    let mut window = alone(scope.window(call.back(0)));
    // n changes need the figure before the window as well.
    let before = window.points.first().map(|first| scope.view.previous(first.span.last()));
    match before {
        Some(Ok(point)) => window.points.insert(0, point),
        Some(Err(gap)) if window.gaps.is_empty() => window.gaps.push(gap),
        Some(Err(Gap::Missing(_) | Gap::Withdrawn(_) | Gap::Combined(..) | Gap::NoneWithin { .. })) | None => {}
    }
    of_window(window, scope, |points| {
        let figures: Vec<f64> = points.iter().map(|point| point.value).collect();
        told_of(volatility(&figures, |index| Reason::NoLogarithm(points[index].span.last())))
    })
}

/// The deviation of the changes of logarithms from each of some neighbouring figures to the next. `wrong`
/// says which figure has no logarithm.
pub fn volatility(figures: &[f64], wrong: impl FnOnce(usize) -> Reason) -> Result<f64, Reason> {
    if let Some(index) = figures.iter().position(|figure| *figure <= 0.0) {
        return Err(wrong(index));
    }
    // The difference of two logarithms, not the logarithm of a ratio, which may overflow.
    let changes: Vec<f64> = figures.windows(2).map(|pair| pair[1].ln() - pair[0].ln()).collect();
    deviation(&changes)
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{MAGNETS, check, history, used};

    /// Python 3.13, `statistics.linear_regression(range(n), x).slope / statistics.mean(x)`: of 619, 590,
    /// 420.5 −0.18272…; of 46.4, 353, 619, 590, 420.5, 656 0.20569….
    #[test]
    fn slopes_of_months() {
        check(
            &history("t", MAGNETS),
            "
            slope(3) @ 2025-09 = −18.3 %
            slope(6) @ 2025-10 = +20.6 %
            slope(2) @ 2025-09 = −33.5 %
            slope(6) @ 2025-09 = unknown (waiting for 2025-04)
        ",
        );
        check(
            &history("t", "2025-01=5 2025-02=-5 2025-03=-7 2025-04=1e308 2025-05=1.5e308"),
            "
            slope(2) @ 2025-02 = unknown (the mean of the figures is not above zero)
            slope(2) @ 2025-03 = unknown (the mean of the figures is not above zero)
            slope(2) @ 2025-05 = +40 %
        ",
        );
        check(&history("t", "2025-01=5 2025-02=5 2025-03=5"), "slope(3) @ 2025-03 = 0 %");
    }

    /// Python 3.13, `statistics.stdev(log(b / a) for a, b in pairwise(x))`: of 353, 619, 590, 420.5
    /// 0.45947…; of 46.4, 353, 619, 590, 420.5, 656 0.91439….
    #[test]
    fn volatilities_of_months() {
        let magnets = history("t", MAGNETS);
        check(
            &magnets,
            "
            volatility(3) @ 2025-09 = 45.9 %
            volatility(5) @ 2025-10 = 91.4 %
            volatility(6) @ 2025-10 = unknown (waiting for 2025-04)
            volatility(5) @ 2025-09 = unknown (waiting for 2025-04)
        ",
        );
        assert_eq!(used(&magnets, "volatility(2)", "2025-09"), "2025-07 2025-08 2025-09");
        check(
            &history("t", "2025-01=5 2025-02=5 2025-03=5 2025-04=0 2025-05=4 2025-06=1e-300 2025-07=1e300"),
            "
            volatility(2) @ 2025-03 = 0 %
            volatility(2) @ 2025-04 = unknown (the figure at 2025-04 is not above zero and so has no logarithm)
            volatility(2) @ 2025-05 = unknown (the figure at 2025-04 is not above zero and so has no logarithm)
            volatility(2) @ 2025-07 = 146 633.6 %
        ",
        );
        check(
            &history("CNY/t", "2025-08-13=4 2025-08-14=5 2025-08-15=4 2025-08-18=5"),
            "
            volatility(3)  @ 2025-08-18 = 25.8 %
            volatility(3d) @ 2025-08-18 = unknown (there are too few figures to tell a spread)
        ",
        );
    }
}
