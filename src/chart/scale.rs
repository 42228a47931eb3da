//! The axis of values: from where to where, and which round figures are marked.
//!
//! It holds for any finite figures, also for those whose difference is no finite number.

use crate::series::Notation;

/// Figures beyond these are brought nearer to one before anything is calculated with them.
const HUGE: f64 = 1e290;
const TINY: f64 = 1e-290;
/// Against its largest figure a shorter axis would repeat its labels, which have six digits.
const SHORTEST: f64 = 1e-4;
/// A line that lies outside the figures is shown as long as the axis grows by no more than this factor.
const STRETCH: f64 = 2.5;
/// What an axis of long figures counts in.
const COUNTS: [(f64, &str); 2] = [(1e9, "billion"), (1e6, "million")];

/// An axis of values.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
    ticks: Vec<f64>,
    count: f64,
}

impl Scale {
    /// An axis with about so many ticks for all figures, and for those lines that lie near enough.
    pub fn new(figures: &[f64], lines: &[f64], wanted: usize) -> Self {
        let shown = if figures.is_empty() { lines } else { figures };
        let largest = shown.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        let unit = match largest {
            _ if largest > HUGE => HUGE,
            _ if largest < TINY && largest > 0.0 => TINY,
            _ => 1.0,
        };
        let scaled = |values: &[f64]| values.iter().map(|value| value / unit).collect::<Vec<f64>>();
        let (low, high) = bounds(&scaled(shown), &scaled(lines));
        let step = round_step((high - low) / wanted.max(1) as f64);
        let (first, last) = ((low / step).floor(), (high / step).ceil());
        let tick = |n: f64| n * step * unit;
        let ticks = (0..=(last - first).clamp(0.0, 100.0) as usize).map(|n| tick(first + n as f64));
        let mut ticks: Vec<f64> = ticks.filter(|tick| tick.is_finite()).collect();
        ticks.dedup();
        let ends = [tick(first), tick(last)].map(|end| end.clamp(f64::MIN, f64::MAX));
        let size = ends[0].abs().max(ends[1].abs());
        let count = COUNTS.iter().map(|(count, _)| *count).find(|count| (*count..1e15).contains(&size));
        Self { low: ends[0], high: ends[1], ticks, count: count.unwrap_or(1.0) }
    }

    /// Where a figure lies: 0 at the lower end, 1 at the upper end, less or more outside.
    pub fn share(&self, value: f64) -> f64 {
        // Halved first: the distance of two figures near the limits of f64 is no finite number.
        let share = (value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0);
        if share.is_finite() { share } else { 0.5 }
    }

    /// The marked figures, from the lowest.
    pub fn ticks(&self) -> &[f64] {
        &self.ticks
    }

    /// A figure as the axis writes it, counted in what [`Scale::counts_in`] says.
    pub fn label(&self, value: f64, notation: &Notation) -> String {
        notation.number(value / self.count)
    }

    /// `million` or `billion`, where the figures are long.
    pub fn counts_in(&self) -> Option<&'static str> {
        COUNTS.iter().find(|(count, _)| count.to_bits() == self.count.to_bits()).map(|(_, name)| *name)
    }
}

/// The lowest and the highest that the axis has to show; never the same.
fn bounds(shown: &[f64], lines: &[f64]) -> (f64, f64) {
    let hull = |(low, high): (f64, f64), value: &f64| (low.min(*value), high.max(*value));
    let (low, high) = shown.iter().fold((f64::INFINITY, f64::NEG_INFINITY), hull);
    if low > high || (low == 0.0 && high == 0.0) {
        return (0.0, 1.0);
    }
    let own = long_enough(from_zero(low, high));
    let near = |value: &&f64| {
        let (low, high) = hull(own, value);
        high - low <= STRETCH * (own.1 - own.0)
    };
    lines.iter().filter(near).fold(own, hull)
}

/// Amounts are seen against nothing, as long as that leaves them a third of the height.
fn from_zero(low: f64, high: f64) -> (f64, f64) {
    if low >= 0.0 && (low / 2.0 <= high / 3.0 || low == high) {
        (0.0, high)
    } else if high <= 0.0 && (high / 2.0 >= low / 3.0 || low == high) {
        (low, 0.0)
    } else {
        (low, high)
    }
}

fn long_enough((low, high): (f64, f64)) -> (f64, f64) {
    let lacking = SHORTEST * low.abs().max(high.abs()) - (high - low);
    if lacking > 0.0 { (low - lacking / 2.0, high + lacking / 2.0) } else { (low, high) }
}

/// One, two, two and a half or five times a power of ten, at least so large.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 2.5, 5.0].into_iter().map(|factor| factor * power).find(|step| *step >= least).unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(figures: &[f64], lines: &[f64], expected: &str) {
        let scale = Scale::new(figures, lines, 4);
        let ticks: Vec<String> = scale.ticks().iter().map(|tick| scale.label(*tick, &Notation::default())).collect();
        let count = scale.counts_in().map(|count| format!(" {count}")).unwrap_or_default();
        assert_eq!(format!("{}{count}", ticks.join(", ")), expected, "{figures:?} {lines:?}");
    }

    #[test]
    fn ticks_are_round_and_hold_every_figure() {
        check(&[46.4, 619.0], &[], "0, 200, 400, 600, 800");
        check(&[516.5, 560.0], &[], "500, 520, 540, 560");
        check(&[-28.7, 11.0], &[], "−30, −20, −10, 0, 10, 20");
        check(&[-5.0, -4.0], &[], "−5, −4.75, −4.5, −4.25, −4");
        check(&[-5.0, -1.0], &[], "−6, −4, −2, 0");
        check(&[516_500_000.0, 1_200_000.0], &[], "0, 200, 400, 600 million");
        check(&[3.2e12], &[], "0, 1000, 2000, 3000, 4000 billion");
        check(&[1.5e18], &[], "0, 5e17, 1e18, 1.5e18");
    }

    #[test]
    fn figures_that_make_no_axis_have_one() {
        check(&[], &[], "0, 0.25, 0.5, 0.75, 1");
        check(&[0.0, 0.0], &[], "0, 0.25, 0.5, 0.75, 1");
        check(&[420.5], &[], "0, 200, 400, 600");
        check(&[-3.0], &[], "−3, −2, −1, 0");
        check(&[], &[400.0], "0, 100, 200, 300, 400");
        check(&[f64::MAX, f64::MIN], &[], "−1e308, 0, 1e308");
        check(&[5e-324], &[], "0, 5e−324");
        check(&[123_456.1, 123_456.2], &[], "123 445, 123 450, 123 455, 123 460, 123 465");
    }

    #[test]
    fn a_line_that_lies_far_off_does_not_squeeze_the_figures() {
        check(&[500.0, 550.0], &[480.0], "480, 500, 520, 540, 560");
        check(&[500.0, 550.0], &[100.0], "500, 520, 540, 560");
        let scale = Scale::new(&[500.0, 550.0], &[100.0], 4);
        assert!(scale.share(100.0) < 0.0 && scale.share(500.0) == 0.0);
    }

    proptest! {
        #[test]
        fn every_figure_lies_on_its_axis(
            figures in proptest::collection::vec(proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL, 1..6),
            lines in proptest::collection::vec(proptest::num::f64::NORMAL, 0..3),
        ) {
            let scale = Scale::new(&figures, &lines, 5);
            for value in figures {
                prop_assert!((-1e-6..=1.0 + 1e-6).contains(&scale.share(value)), "{value} on {scale:?}");
            }
            prop_assert!(scale.ticks().len() <= 101 && scale.ticks().is_sorted());
        }
    }
}
