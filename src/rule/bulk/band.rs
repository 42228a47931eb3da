//! The numbers that a comparison takes for one bound, noise aside.
//!
//! The evaluator calls two numbers equal where they differ by no more than the noise of binary fractions.
//! Around a bound that is known beforehand these numbers are an interval, so a whole column can be
//! compared with its two ends, exactly as the evaluator would, without calculating the noise each time.

use super::super::operate::{exceeds, is_below};

/// From the least to the largest number that equals a bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// The least.
    pub low: f64,
    /// The largest.
    pub high: f64,
}

/// Whether two numbers differ by no more than noise.
type Same = fn(f64, f64) -> bool;

impl Band {
    /// Around a bound for ratios and counts.
    pub fn of_ratio(bound: f64) -> Self {
        Self::around(bound, |a, b| !exceeds(a, b) && !exceeds(b, a))
    }

    /// Around a bound for figures.
    pub fn of_figure(bound: f64) -> Self {
        Self::around(bound, |a, b| !is_below(a, b) && !is_below(b, a))
    }

    /// The difference to the bound grows faster than the noise that is allowed, and rounding keeps both in
    /// order: so the equal numbers have no hole, and their ends are found by halving.
    fn around(bound: f64, same: Same) -> Self {
        let at = place(bound);
        let low = outermost(at, place(f64::MIN), |place| same(number(place), bound));
        let high = outermost(at, place(f64::MAX), |place| same(number(place), bound));
        Self { low: number(low), high: number(high) }
    }
}

/// The place furthest from `near` towards `far` that still holds; `near` does.
fn outermost(near: i64, far: i64, holds: impl Fn(i64) -> bool) -> i64 {
    if holds(far) {
        return far;
    }
    let (mut inside, mut outside) = (near, far);
    while inside.abs_diff(outside) > 1 {
        let middle = i64::midpoint(inside, outside);
        if holds(middle) { inside = middle } else { outside = middle }
    }
    inside
}

/// The place of a number among all numbers: neighbours are one apart, and both zeros share one.
fn place(number: f64) -> i64 {
    let magnitude = (number.to_bits() & (u64::MAX >> 1)).cast_signed();
    if number.is_sign_negative() { -magnitude } else { magnitude }
}

fn number(place: i64) -> f64 {
    let magnitude = f64::from_bits(place.unsigned_abs());
    if place < 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_band_is_as_wide_as_the_noise() {
        let band = Band::of_ratio(-0.2);
        assert!(band.low < -0.2 && -0.2 < band.high);
        assert!((band.high - band.low - 2e-12).abs() < 1e-15, "{band:?}");
        assert_eq!(Band::of_figure(0.0), Band { low: 0.0, high: 0.0 });
        let wide = Band::of_figure(1e300);
        assert!(wide.low < 1e300 && wide.high > 1e300 && wide.high.is_finite());
    }

    fn any_bound() -> impl Strategy<Value = f64> {
        prop_oneof![
            -10.0..10.0_f64,
            any::<f64>().prop_filter("a bound is finite", |bound| bound.is_finite()),
            prop::sample::select(vec![0.0, -0.0, 1.0, -0.2, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324]),
        ]
    }

    proptest! {
        /// Near a bound and far from it, comparing with the band says what the evaluator's comparison says.
        #[test]
        fn a_band_says_what_the_comparison_says(bound in any_bound(), step in -40_000_i64..40_000, other in any_bound(), near in any::<bool>()) {
            let ratio = Band::of_ratio(bound);
            let beside = |end: f64| number(place(end).saturating_add(step).clamp(place(f64::MIN), place(f64::MAX)));
            for x in if near { vec![beside(bound), beside(ratio.low), beside(ratio.high)] } else { vec![other, f64::INFINITY] } {
                prop_assert_eq!(x > ratio.high, exceeds(x, bound));
                prop_assert_eq!(x < ratio.low, exceeds(bound, x));
                let figure = Band::of_figure(bound);
                prop_assert_eq!(x < figure.low, is_below(x, bound));
                prop_assert_eq!(x > figure.high, is_below(bound, x));
            }
        }
    }
}
