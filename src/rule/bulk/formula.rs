//! Measures without loops of their own: each series' figures are gathered and given to the very function
//! that the evaluator calls, so that there is one formula of each.

use super::super::evidence::Reason;
use super::super::measure::{deviation, median, robust_score, seasonal_score, share_at_or_below, slope, volatility};

/// What some figures of one series come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Formula {
    /// `median`
    Median,
    /// `stddev`
    Deviation,
    /// `robust_zscore`: the last figure against those before.
    Robust,
    /// `seasonal_zscore`: the same.
    Seasonal,
    /// `percentile`: the last figure among all of them.
    Percentile,
    /// `slope`
    Slope,
    /// `volatility`: from the figure before the window on.
    Volatility,
}

impl Formula {
    /// The value; `None` where there is none.
    pub fn of(self, figures: &[f64]) -> Option<f64> {
        let against = |score: fn(f64, &[f64]) -> Result<f64, Reason>| {
            let (now, before) = figures.split_last()?;
            score(*now, before).ok()
        };
        match self {
            Self::Median => Some(median(figures)),
            Self::Deviation => deviation(figures).ok(),
            Self::Robust => against(robust_score),
            Self::Seasonal => against(seasonal_score),
            Self::Percentile => Some(share_at_or_below(figures)),
            Self::Slope => slope(figures).ok(),
            // Which figure has no logarithm is not asked here.
            Self::Volatility => volatility(figures, |_| Reason::TooFew).ok(),
        }
    }
}
