//! `zscore(n)`: how far a figure lies from those before it, in their own standard deviations.
//!
//! The present figure takes no part in the mean and deviation that it is held against, so an outlier does
//! not hide itself. The deviation is the sample's (divisor n − 1).

use super::super::evaluate::{Scope, finite};
use super::super::evidence::{Reason, Value};
use super::super::operate::NOISE;
use super::{Call, Gives, Measure, Measured, Parameter, Takes};
use crate::series::{Back, Gap, Point, Window};

/// (f(t) − mean)/sd, both over the n periods before t.
pub const ZSCORE: Measure = Measure {
    name: "zscore",
    parameters: &[Parameter { name: "n", takes: Takes::Sample, optional: false }],
    signature: "`zscore(n)`",
    gives: Gives::Score,
    walks: false,
    read: zscore,
    words: |telling| {
        let middle = format!("its {} mean", telling.reach_adjective(telling.call.back(0)));
        telling.score("standard deviations", &middle)
    },
};

fn zscore(scope: &Scope<'_>, call: &Call<'_>) -> Measured {
    let before = scope.period_back(Back::Periods(1)).map(|period| scope.at(period).window(call.back(0)));
    let Window { mut points, mut gaps } = before.unwrap_or_else(|gap| Window { points: Vec::new(), gaps: vec![gap] });
    let combined = points.iter().filter(|point| !point.span.is_single());
    gaps.extend(combined.map(|point| Gap::Combined(point.span.last(), point.span)));
    let now = scope.now();
    let value = match now {
        Ok(now) if gaps.is_empty() => deviation(now.value, &points),
        _ => Value::Unknown(Reason::joined(gaps.into_iter().chain(now.err()).map(Reason::Gap))),
    };
    points.extend(now);
    Measured::new(value, points)
}

fn deviation(now: f64, before: &[Point]) -> Value {
    let count = before.len() as f64;
    let mean = before.iter().map(|point| point.value).sum::<f64>() / count;
    let squares: f64 = before.iter().map(|point| (point.value - mean) * (point.value - mean)).sum();
    let spread = (squares / (count - 1.0)).sqrt();
    // One figure has no spread, nor have equal ones but for the noise of their mean.
    if before.len() < 2 || spread <= NOISE * mean.abs() {
        return Value::Unknown(vec![Reason::NoSpread]);
    }
    if !spread.is_finite() {
        return Value::Unknown(vec![Reason::Overflow]);
    }
    finite((now - mean) / spread, Value::Count)
}

#[cfg(test)]
mod tests {
    use crate::base::clock::Timestamp;
    use crate::period::{Frequency, Period};
    use crate::rule::evaluate::Scope;
    use crate::rule::{Expr, Reason, Value};
    use crate::series::{AsOf, Finite, History, Labels, PullId, Status, Vintage};

    /// `zscore(n)` at the last of some neighbouring months; `None` is a month without a figure.
    fn zscore(n: u32, figures: &[Option<f64>]) -> Value {
        let mut history = History::new(Labels::default(), Frequency::Month, None);
        let first = Period::parse("2025-01").unwrap();
        for (offset, figure) in (0..).zip(figures) {
            let Some(value) = figure.and_then(Finite::new) else { continue };
            let at = Timestamp::from_millis(0);
            let vintage = Vintage { value, status: Status::Final, recorded_at: at, pull: PullId(1) };
            history.record(first.offset(offset).into(), vintage);
        }
        let expr = Expr::parse(&format!("zscore({n}) < 0")).unwrap();
        let last = first.offset(i32::try_from(figures.len()).unwrap() - 1);
        let reading = Scope::new(history.view(AsOf::Latest), last, None).read(expr.root());
        reading.parts[0].value.clone()
    }

    #[test]
    fn a_figure_is_held_against_those_before_it() {
        // By hand: the mean of 2, 4, 4, 4, 5, 5, 7, 9 is 5, the squares come to 32, and √(32/7) is 2.13809.
        let figures = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0, 1.0].map(Some);
        let Value::Count(score) = zscore(8, &figures) else { panic!("{:?}", zscore(8, &figures)) };
        assert!((score - -4.0 / (32.0_f64 / 7.0).sqrt()).abs() < 1e-12, "{score}");
        // The last two alone: 8 ± √2.
        let Value::Count(score) = zscore(2, &figures) else { panic!() };
        assert!((score - -7.0 / 2.0_f64.sqrt()).abs() < 1e-12, "{score}");
    }

    #[test]
    fn without_spread_or_figures_it_is_unknown() {
        assert_eq!(zscore(3, &[0.1, 0.1, 0.1, 5.0].map(Some)), Value::Unknown(vec![Reason::NoSpread]));
        assert_eq!(zscore(1, &[1.0, 5.0].map(Some)), Value::Unknown(vec![Reason::NoSpread]));
        assert!(matches!(zscore(3, &[Some(1.0), None, Some(3.0), Some(5.0)]), Value::Unknown(_)));
        assert!(matches!(zscore(2, &[Some(1.0), Some(2.0), None]), Value::Unknown(_)));
        assert_eq!(zscore(2, &[-f64::MAX, f64::MAX, 5.0].map(Some)), Value::Unknown(vec![Reason::Overflow]));
    }
}
