//! How far a condition is from changing: the figure at which it would, the others as they are.
//!
//! A condition is taken as a function of one figure. What it says is tried outwards from that figure, and
//! where it says something else, the place of the change is closed in on, so the answer holds for any
//! expression, not only for those that can be turned around by hand; each answer is one that was tried on
//! both sides. A condition that flips back within one stride of the search may have such a place missed.

use super::evaluate::Scope;
use super::evidence::Value;
use super::expr::Expr;
use super::operate::{NOISE, and};
use super::{OnGap, Rule};
use crate::period::{Frequency, Period, Span};
use crate::series::{Quantity, View};

/// On which side of a figure a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// For smaller figures.
    Below,
    /// For larger figures.
    Above,
}

impl Side {
    /// The word: `below`, `above`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Below => "below",
            Self::Above => "above",
        }
    }
}

/// Where a condition changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// The figure, in the series' unit.
    pub value: f64,
    /// Where the condition holds.
    pub holds: Side,
}

/// Where some gates, all together, change as one period's figure does.
#[derive(Clone, Debug, PartialEq)]
pub struct Distance {
    /// The period.
    pub period: Period,
    /// Its figure; `None` where it is not published yet.
    pub now: Option<f64>,
    /// The nearest change below the figure and the nearest above it.
    pub thresholds: Vec<Threshold>,
}

/// How many strides the search makes in each direction, eight to a factor of ten.
const STRIDES: i32 = 96;
/// Halvings of an interval: from a stride to the last bit of a number.
const HALVINGS: usize = 200;
/// Against the size of the figures, what is finer is noise.
const FINEST: f64 = 1e-15;

/// Where the gates change as the judged period's figure does; `None` where the figure is not known, where
/// nothing can be said at it, or where it changes nothing.
pub fn distance(rule: &Rule, gates: &[Expr], view: &View<'_>, period: Period) -> Option<Distance> {
    let view = rule.seen(*view);
    let now = view.point(period).ok()?.value;
    let question = Question { gates, view, period, min_base: rule.min_base.as_ref() };
    let thresholds = question.thresholds(now);
    (!thresholds.is_empty()).then_some(Distance { period, now: Some(now), thresholds })
}

/// The same of the next period's figure, which is not published yet: streaks grow by one period at a time.
/// A daily series does not know its next trading day.
pub fn next_distance(rule: &Rule, gates: &[Expr], view: &View<'_>, period: Period) -> Option<Distance> {
    let view = rule.seen(*view);
    let now = view.point(period).ok()?.value;
    let next = period.next();
    if period.frequency() == Frequency::Day || rule.on_gap == OnGap::Bridge || view.point(next).is_ok() {
        return None;
    }
    let question = Question { gates, view, period: next, min_base: rule.min_base.as_ref() };
    let thresholds = question.thresholds(now);
    (!thresholds.is_empty()).then_some(Distance { period: next, now: None, thresholds })
}

/// The condition as a function of one figure.
struct Question<'a> {
    gates: &'a [Expr],
    view: View<'a>,
    period: Period,
    min_base: Option<&'a Quantity>,
}

impl Question<'_> {
    /// What the condition says if the figure were another.
    fn says(&self, figure: f64) -> Option<bool> {
        let view = self.view.supposing(Span::from(self.period), figure);
        let scope = Scope::new(view, self.period, self.min_base);
        let truth = |gate: &Expr| scope.read(gate.root()).value;
        match self.gates.iter().map(truth).fold(Value::Truth(true), and) {
            Value::Truth(truth) => Some(truth),
            _ => None,
        }
    }

    /// The nearest change on either side of a figure.
    fn thresholds(&self, from: f64) -> Vec<Threshold> {
        let Some(said) = self.says(from) else { return Vec::new() };
        let below = self.strides(from, -1.0);
        let above = self.strides(from, 1.0);
        [below, above].into_iter().filter_map(|tried| self.change(from, said, tried)).collect()
    }

    /// Figures to try in one direction, nearest first: by factors of ten, and those that are known, where
    /// an expression has its corners. A series that is never negative stays so.
    fn strides(&self, from: f64, direction: f64) -> Vec<f64> {
        let known: Vec<f64> = self.view.points().map(|point| point.value).collect();
        let size = self.size(from);
        let stride = |n: i32| from + direction * size * 10_f64.powf(f64::from(n - STRIDES / 2) / 8.0);
        let mut tried: Vec<f64> = (0..STRIDES).map(stride).chain(known.iter().copied()).chain([0.0]).collect();
        let least = if known.iter().all(|value| *value >= 0.0) && from >= 0.0 { 0.0 } else { f64::NEG_INFINITY };
        tried.retain(|figure| figure.is_finite() && *figure >= least && (figure - from) * direction > 0.0);
        tried.sort_by(|a, b| (a - from).abs().total_cmp(&(b - from).abs()));
        tried.dedup();
        tried
    }

    /// The first change on the way.
    fn change(&self, from: f64, said: bool, tried: Vec<f64>) -> Option<Threshold> {
        let mut same = from;
        for figure in tried {
            match self.says(figure) {
                Some(says) if says != said => match self.closed_in(same, figure, said) {
                    Some(threshold) => return Some(threshold),
                    // A single figure at which it says something else (`==`) parts nothing.
                    None => same = figure,
                },
                Some(_) => same = figure,
                // A figure of which nothing can be said ends the search: what lies behind it is no step away.
                None => return None,
            }
        }
        None
    }

    /// Halves the stretch between a figure that says the same and one that does not.
    fn closed_in(&self, mut same: f64, mut other: f64, said: bool) -> Option<Threshold> {
        let size = self.size(same);
        for _ in 0..HALVINGS {
            let middle = same / 2.0 + other / 2.0;
            if middle == same || middle == other || (same - other).abs() <= FINEST * size {
                break;
            }
            if self.says(middle)? == said { same = middle } else { other = middle }
        }
        let holds = if (other < same) == said { Side::Above } else { Side::Below };
        let threshold = Threshold { value: rounded(same, other, size), holds };
        self.is_sound(&threshold, size).then_some(threshold)
    }

    /// Whether the condition holds just on the side that is named, and not just on the other.
    fn is_sound(&self, threshold: &Threshold, size: f64) -> bool {
        let off = 1e-9 * threshold.value.abs() + 2.0 * NOISE * size;
        // At several distances: two equal figures (`==`) agree in a hair's breadth, which is no threshold.
        [off, 4.0 * off, 16.0 * off].into_iter().all(|off| {
            let (below, above) = (self.says(threshold.value - off), self.says(threshold.value + off));
            match threshold.holds {
                Side::Below => (below, above) == (Some(true), Some(false)),
                Side::Above => (below, above) == (Some(false), Some(true)),
            }
        })
    }

    /// The size of the figures.
    fn size(&self, figure: f64) -> f64 {
        let known = self.view.points().map(|point| point.value.abs());
        let size = known.chain([figure.abs()]).fold(0.0, f64::max);
        if size > 0.0 { size } else { 1.0 }
    }
}

/// The roundest number on the way from one figure to its near neighbour.
fn rounded(a: f64, b: f64, size: f64) -> f64 {
    let (low, high) = (a.min(b), a.max(b));
    let noise = 1e-11 * low.abs().max(high.abs()) + NOISE * size;
    let near = |value: &f64| (low - noise..=high + noise).contains(value);
    let told = |digits: usize| format!("{:.digits$e}", a / 2.0 + b / 2.0).parse().ok();
    std::iter::once(0.0).chain((0..=15).filter_map(told)).find(near).unwrap_or(b)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{MAGNETS, conditions, history, period};
    use super::*;
    use crate::series::{AsOf, History};

    fn rule(when: &str) -> Rule {
        Rule { when: vec![Expr::parse(when).unwrap()], ..Rule::default() }
    }

    fn told(distance: Option<Distance>) -> String {
        let Some(distance) = distance else { return "-".to_owned() };
        let told =
            distance.thresholds.iter().map(|threshold| format!("{} {}", threshold.holds.name(), threshold.value));
        told.collect::<Vec<_>>().join(", ")
    }

    #[track_caller]
    fn check(history: &History, at: &str, when: &str, expected: &str) {
        let rule = rule(when);
        let view = history.view(AsOf::Latest);
        assert_eq!(told(distance(&rule, &rule.when, &view, period(at))), expected, "{when}");
    }

    /// By hand, of September 2025 with 619 t in July, 590 t in August, and 596 t the year before.
    #[test]
    fn the_figure_at_which_a_condition_changes() {
        let magnets = history("t", MAGNETS);
        check(&magnets, "2025-09", "value < 400 t", "below 400");
        check(&magnets, "2025-09", "value > 400 t", "above 400");
        check(&magnets, "2025-09", "change < -30%", "below 413");
        check(&magnets, "2025-09", "change < -20%", "below 472");
        check(&magnets, "2025-09", "change(2) > 10%", "above 680.9");
        check(&magnets, "2025-09", "yoy < -25%", "below 447");
        check(&magnets, "2025-09", "change_since(2025-07) < -50%", "below 309.5");
        check(&magnets, "2025-09", "diff < -200 t", "below 390");
        check(&magnets, "2025-09", "declines >= 2", "below 590");
        check(&magnets, "2025-09", "declines(10%) >= 1", "below 531");
        check(&magnets, "2025-09", "rises >= 1", "above 590");
        check(&magnets, "2025-09", "mean(3) < 500 t", "below 291");
        check(&magnets, "2025-09", "sum(3) > 2000 t", "above 791");
        check(&magnets, "2025-09", "min(3) < 400 t", "below 400");
        check(&magnets, "2025-09", "max(3) > 700 t", "above 700");
        check(&magnets, "2025-09", "drawdown(3) < -50%", "below 309.5");
        check(&magnets, "2025-09", "value / mean(3) < 60%", "below 302.25");
        check(&magnets, "2025-09", "streak(value < 600 t) >= 2", "below 600");
        check(&magnets, "2025-09", "value > 400 t and value < 500 t", "above 400, below 500");
        check(&magnets, "2025-09", "value > 500 t and value < 600 t", "above 500");
        check(&magnets, "2025-09", "value < 300 t or value > 600 t", "below 300, above 600");
        check(&magnets, "2025-09", "not value < 400 t", "above 400");
        check(&magnets, "2025-09", "value > 0 t", "above 0");
        check(&magnets, "2025-09", "change > -100%", "above 0");
        check(&history("kg", "2025-09=420500"), "2025-09", "value < 400 t", "below 400000");
        check(&history("t", "2025-08=-4 2025-09=-2"), "2025-09", "value < -3 t", "below -3");
        check(&history("t", "2025-08=0 2025-09=0"), "2025-09", "value > 3 t", "above 3");
    }

    #[test]
    fn what_no_figure_of_the_period_changes_has_no_threshold() {
        let magnets = history("t", MAGNETS);
        check(&magnets, "2025-09", "declines >= 3", "-");
        check(&magnets, "2025-09", "lag(1) > 1 t", "-");
        check(&magnets, "2025-09", "value < -1 t", "-");
        check(&magnets, "2025-09", "value == lag(1)", "-");
        check(&magnets, "2025-09", "value != lag(1)", "-");
        check(&magnets, "2025-05", "change > 0%", "-");
        check(&magnets, "2025-04", "value > 1 t", "-");
    }

    #[test]
    fn the_next_figure_settles_a_streak() {
        let magnets = history("t", MAGNETS);
        let next = |when: &str, at: &str| {
            let rule = rule(when);
            told(next_distance(&rule, &rule.when, &magnets.view(AsOf::Latest), period(at)))
        };
        assert_eq!(next("declines >= 1", "2025-10"), "below 656");
        assert_eq!(next("rises >= 2", "2025-10"), "above 656");
        assert_eq!(next("declines >= 2", "2025-10"), "-");
        assert_eq!(next("declines >= 3", "2025-09"), "-");
    }

    proptest! {
        /// Just on the side that it names the condition holds, just on the other it does not.
        #[test]
        fn a_threshold_parts_what_holds_from_what_does_not(
            text in conditions(),
            figures in prop::collection::vec(1_u32..2000, 18),
        ) {
            // Where two figures must be equal, a hair's breadth decides, and the test's is another.
            let text = text.replace("==", ">=").replace("!=", "<");
            let start = period("2024-01");
            let figures: Vec<String> =
                figures.iter().enumerate().map(|(n, value)| format!("{}={value}", start.offset(n as i32))).collect();
            let history = history("t", &figures.join(" "));
            let (rule, at) = (rule(&text), period("2025-06"));
            let view = history.view(AsOf::Latest);
            let question = Question { gates: &rule.when, view, period: at, min_base: None };
            for threshold in distance(&rule, &rule.when, &view, at).map(|found| found.thresholds).unwrap_or_default() {
                let off = threshold.value.abs() * 1e-9 + 1e-8;
                let (below, above) = (question.says(threshold.value - off), question.says(threshold.value + off));
                let (holds, fails) = match threshold.holds {
                    Side::Below => (below, above),
                    Side::Above => (above, below),
                };
                prop_assert_eq!((holds, fails), (Some(true), Some(false)), "{} at {:?}", text, threshold);
            }
        }
    }
}
