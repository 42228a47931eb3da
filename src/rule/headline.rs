//! What a gate that holds says of its series, in the words of a title.
//!
//! Only what the evidence holds is said, in the past tense, so that one form suits `price` and
//! `exports`. What has no words gets none: whoever writes the title falls back on the rule's text.

use super::evidence::{Gate, Reading, Value};
use super::measure::Call;
use super::parse::parse;
use super::syntax::{Node, NodeKind, Operator};
use crate::period::{Frequency, LengthUnit};
use crate::series::number::ordinal;
use crate::series::{Back, Notation, Quantity};

/// A comparison that holds, told from its measure's side.
pub struct Telling<'a> {
    /// The measure's arguments.
    pub call: Call<'a>,
    /// The measure's value.
    pub value: &'a Value,
    /// How it compares with the bound.
    pub operator: Operator,
    /// The bound in words: `400 t`.
    pub bound: String,
    /// The series' frequency.
    pub frequency: Frequency,
    /// How figures are written.
    pub notation: &'a Notation,
}

/// In words, what follows the subject in a title: `fell for a 2nd month`, `rose 11.1 % in 3 months`.
///
/// Through `and` and `or` the first comparison is told that holds and has words. Bounds stay in the unit that the
/// rule has them in.
pub fn headline(gate: &Gate, frequency: Frequency, notation: &Notation) -> Option<String> {
    let root = parse(&gate.text).ok()?;
    Teller { frequency, notation }.told(&root, &gate.reading)
}

/// What all parts of a gate are told with.
#[derive(Clone, Copy)]
struct Teller<'a> {
    frequency: Frequency,
    notation: &'a Notation,
}

impl Teller<'_> {
    fn told(self, node: &Node, reading: &Reading) -> Option<String> {
        if reading.value != Value::Truth(true) {
            return None;
        }
        if let NodeKind::Measure(..) = &node.kind {
            return self.side(Operator::Equal, node, reading, String::new());
        }
        let NodeKind::Binary(operator, left, right) = &node.kind else { return None };
        if operator.is_comparison() {
            return self.comparison(*operator, left, right, &reading.parts);
        }
        let sides = [left, right].into_iter().zip(&reading.parts);
        sides.into_iter().find_map(|(side, part)| self.told(side, part))
    }

    fn comparison(self, operator: Operator, left: &Node, right: &Node, parts: &[Reading]) -> Option<String> {
        if left.is_literal() {
            return self.side(operator.mirrored(), right, parts.last()?, self.bound(left, None));
        }
        self.side(operator, left, parts.first()?, self.bound(right, parts.get(1)))
    }

    fn side(self, operator: Operator, node: &Node, reading: &Reading, bound: String) -> Option<String> {
        let (Self { frequency, notation }, value) = (self, &reading.value);
        match &node.kind {
            NodeKind::Measure(measure, arguments) => {
                let call = Call::new(arguments);
                (measure.words)(&Telling { call, value, operator, bound, frequency, notation })
            }
            NodeKind::Binary(Operator::Divide, above, below) => {
                let (Value::Ratio(ratio), NodeKind::Measure(measure, _)) = (value, &above.kind) else { return None };
                (measure.name == "value").then(|| format!("stood at {} of `{below}`", notation.percent_plain(*ratio)))
            }
            _ => None,
        }
    }

    /// The bound in words: a literal for people, anything else as the rule has it, with its value.
    fn bound(self, node: &Node, reading: Option<&Reading>) -> String {
        let literal = match &node.kind {
            NodeKind::Number(value) => Some(self.notation.number(*value)),
            NodeKind::Percent(percent) => Some(self.notation.percent_of(*percent)),
            NodeKind::Quantity(value, unit) => {
                Some(self.notation.as_written(&Quantity { value: *value, unit: Some(unit.clone()) }))
            }
            _ => None,
        };
        match (literal, reading.map(|reading| reading.words(self.notation))) {
            (Some(literal), _) => literal,
            (None, Some(value)) => format!("`{node}` ({value})"),
            (None, None) => format!("`{node}`"),
        }
    }
}

impl Telling<'_> {
    /// `rose 11.1 % in 3 months`, with what follows the percentage.
    pub fn moved(&self, since: &str) -> Option<String> {
        let Value::Ratio(ratio) = *self.value else { return None };
        Some(match self.amount(ratio) {
            _ if ratio.is_infinite() => format!("rose from zero {since}"),
            _ if ratio <= -1.0 => format!("fell to zero {since}"),
            None => format!("did not move {since}"),
            Some(amount) => format!("{} {amount} {since}", if ratio > 0.0 { "rose" } else { "fell" }),
        })
    }

    /// How large a ratio is, without its sign: `28.7 %`; `None` where that is nothing.
    pub fn amount(&self, ratio: f64) -> Option<String> {
        let amount = self.percent(ratio.abs());
        (amount != self.percent(0.0)).then_some(amount)
    }

    /// `70 %`.
    pub fn percent(&self, ratio: f64) -> String {
        self.notation.percent_plain(ratio)
    }

    /// `fell for a 2nd month`: a streak that is long enough for the rule.
    pub fn streak(&self, verb: &str) -> Option<String> {
        let unit = unit(self.frequency);
        if matches!(self.operator, Operator::Less | Operator::LessEqual) {
            return None;
        }
        match *self.value {
            Value::Count(count) if count >= 2.0 => Some(format!("{verb} for {} {unit}", nth(count as u64))),
            Value::Count(1.0) => Some(verb.to_owned()),
            Value::AtLeast(count, _) if count >= 2.0 => {
                Some(format!("{verb} for at least {} {unit}s", self.notation.number(count)))
            }
            Value::AtLeast(1.0, _) => Some(format!("{verb} for at least a {unit}")),
            _ => None,
        }
    }

    /// The measure's figure with its unit: `380 t`.
    pub fn figure(&self) -> Option<String> {
        matches!(self.value, Value::Quantity(..)).then(|| self.value.words(self.notation))
    }

    /// How far an argument reaches: `3 months`, `a year`, `5 trading days`.
    pub fn reach(&self, back: Back) -> String {
        let (count, unit) = self.counted(back);
        if count == 1 { format!("a {unit}") } else { format!("{count} {unit}s") }
    }

    /// The same after `the last`: `3 months`, `year`.
    pub fn reach_plain(&self, back: Back) -> String {
        let (count, unit) = self.counted(back);
        if count == 1 { unit.to_owned() } else { format!("{count} {unit}s") }
    }

    /// The same before a noun: `24-month`, `1-year`.
    pub fn reach_adjective(&self, back: Back) -> String {
        let (count, unit) = self.counted(back);
        format!("{count}-{}", unit.replace(' ', "-"))
    }

    fn counted(&self, back: Back) -> (u32, &'static str) {
        match back {
            Back::Periods(n) => (n, unit(self.frequency)),
            Back::Length(length) => match length.unit {
                LengthUnit::Day => (length.count, "day"),
                LengthUnit::Week => (length.count, "week"),
                LengthUnit::Month => (length.count, "month"),
                LengthUnit::Year => (length.count, "year"),
            },
        }
    }

    /// What one period is called: `month`, `trading day`.
    pub const fn period_word(&self) -> &'static str {
        unit(self.frequency)
    }

    /// `stood 2.3 standard deviations below its 24-month mean`.
    pub fn score(&self, deviations: &str, middle: &str) -> Option<String> {
        let Value::Count(score) = *self.value else { return None };
        let rounded = (score.abs() * 10.0).round() / 10.0;
        let side = if score < 0.0 { "below" } else { "above" };
        Some(if rounded == 0.0 {
            format!("stood at {middle}")
        } else {
            format!("stood {} {deviations} {side} {middle}", self.notation.number(rounded))
        })
    }
}

/// What one period is called; the periods of a daily series are those with a figure.
const fn unit(frequency: Frequency) -> &'static str {
    match frequency {
        Frequency::Day => "trading day",
        Frequency::Week => "week",
        Frequency::Month => "month",
        Frequency::Quarter => "quarter",
        Frequency::Year => "year",
    }
}

/// `a 2nd`, `an 8th`.
fn nth(n: u64) -> String {
    let vowel = matches!(n, 11 | 18) || n.to_string().starts_with('8');
    format!("{} {}", if vowel { "an" } else { "a" }, ordinal(n))
}

#[cfg(test)]
mod tests {
    use super::super::evidence::Verdict;
    use super::super::testing::{MAGNETS, history, read_with};
    use super::*;
    use crate::series::History;

    #[track_caller]
    fn check(history: &History, at: &str, text: &str, expected: &str) {
        let reading = read_with(history, text, at, None);
        let gate = Gate { severity: None, text: text.to_owned(), verdict: Verdict::Holds, reading };
        assert_eq!(
            headline(&gate, history.frequency(), &Notation::default()).as_deref().unwrap_or("-"),
            expected,
            "{text}"
        );
    }

    #[test]
    fn streaks() {
        let magnets = history("t", MAGNETS);
        check(&magnets, "2025-09", "declines >= 2", "fell for a 2nd month");
        check(&magnets, "2025-09", "2 <= declines", "fell for a 2nd month");
        check(&magnets, "2025-09", "declines(4%) >= 1", "fell by more than 4 % for a 2nd month");
        check(&magnets, "2025-08", "declines >= 1", "fell");
        check(&magnets, "2025-07", "rises >= 2", "rose for at least 2 months");
        check(&magnets, "2025-06", "rises >= 1", "rose for at least a month");
        check(&magnets, "2025-09", "declines < 3", "-");
        check(&magnets, "2025-09", "declines >= 3", "-");
        check(&magnets, "2025-10", "declines == 0", "-");
        check(&magnets, "2025-09", "streak(change < 0%) >= 2", "met `change < 0%` for a 2nd month");
        let falling = "2025-W10=20 2025-W11=19 2025-W12=18 2025-W13=17 2025-W14=16 2025-W15=15 2025-W16=14 2025-W17=13 2025-W18=12";
        check(&history("t", &format!("2025-W09=1 {falling}")), "2025-W18", "declines > 2", "fell for an 8th week");
        let days = history("t", "2025-08-13=1 2025-08-14=3 2025-08-15=2 2025-08-18=1");
        check(&days, "2025-08-18", "declines >= 2", "fell for a 2nd trading day");
    }

    #[test]
    fn changes() {
        let magnets = history("t", MAGNETS);
        check(&magnets, "2025-09", "change < -20%", "fell 28.7 % in a month");
        check(&magnets, "2025-09", "-20% > change(1mo)", "fell 28.7 % in a month");
        check(&magnets, "2025-07", "change(2) > 10%", "rose 1234.1 % in 2 months");
        check(&magnets, "2025-09", "yoy < -25%", "fell 29.4 % in a year");
        check(&magnets, "2025-10", "change_since(2025-07) > 5%", "rose 6 % since July 2025");
        check(&magnets, "2025-09", "diff < -100 t", "fell by 169.5 t in a month");
        check(&magnets, "2025-10", "diff(3mo) > 10 t", "rose by 37 t in 3 months");
        let prices = history("CNY/t", "2025-07-16=504000 2025-10-15=555000 2025-10-16=560000");
        check(&prices, "2025-10-16", "change(3mo) > 10%", "rose 11.1 % in 3 months");
        check(&prices, "2025-10-16", "change > 0%", "rose 0.9 % in a trading day");
        check(&prices, "2025-10-16", "change_since(2025-07-16) > 10%", "rose 11.1 % since 16 July 2025");
        let zeros = history("t", "2025-07=0 2025-08=5 2025-09=5 2025-10=0");
        check(&zeros, "2025-08", "change > 10%", "rose from zero in a month");
        check(&zeros, "2025-09", "change < 10%", "did not move in a month");
        check(&zeros, "2025-09", "diff < 10 t", "did not move in a month");
        check(&zeros, "2025-10", "change < -10%", "fell to zero in a month");
        check(&history("t", "2024=10 2025=5"), "2025", "change < -10%", "fell 50 % in a year");
        check(&history("t", "2025-Q1=10 2025-Q2=5"), "2025-Q2", "change < -10%", "fell 50 % in a quarter");
    }

    #[test]
    fn levels_and_windows() {
        let magnets = history("kg", "2025-07=619000 2025-08=590000 2025-09=420500");
        check(&magnets, "2025-09", "value < 500 t", "stood below 500 t");
        check(&magnets, "2025-09", "500000 kg >= value", "stood at or below 500 000 kg");
        check(&magnets, "2025-09", "value > 400 t", "stood above 400 t");
        check(&magnets, "2025-09", "value >= 400 t", "stood at or above 400 t");
        check(&magnets, "2025-09", "value == 420.5 t", "stood at 420.5 t");
        check(&magnets, "2025-09", "value != 400 t", "did not stand at 400 t");
        check(&magnets, "2025-09", "value < mean(2)", "stood below `mean(2)` (505 250 kg)");
        check(&magnets, "2025-09", "value / mean(2) < 90%", "stood at 83.2 % of `mean(2)`");
        check(&magnets, "2025-09", "mean(3) < 600 t", "averaged 543 167 kg over 3 months");
        check(&magnets, "2025-09", "min(2) < 500 t", "had a low of 420 500 kg over 2 months");
        check(&magnets, "2025-09", "max(3mo) > 500 t", "had a high of 619 000 kg over 3 months");
        check(&magnets, "2025-09", "sum(3) > 500 t", "came to 1 629 500 kg over 3 months");
        check(&history("", "2025-09=3"), "2025-09", "value > 2.5", "stood above 2.5");
    }

    /// The values are those of the measures' own tests.
    #[test]
    fn statistics_and_years() {
        let magnets = history("t", MAGNETS);
        check(&magnets, "2025-09", "drawdown(5) < -30%", "stood 32.1 % below its 5-month high");
        check(&magnets, "2025-10", "drawdown(5) > -30%", "stood at its 5-month high");
        check(&magnets, "2025-10", "runup(2) > 50%", "stood 56 % above its 2-month low");
        check(&history("t", "2025-07=0 2025-08=5"), "2025-08", "runup(2) > 50%", "stood above its 2-month low of zero");
        check(&magnets, "2025-09", "median(3) > 500 t", "had a median of 590 t over 3 months");
        check(&magnets, "2025-09", "stddev(3) > 100 t", "had a standard deviation of 107.217 t over 3 months");
        check(&magnets, "2025-09", "zscore(4) < 2", "stood 0.1 standard deviations above its 4-month mean");
        check(&magnets, "2025-09", "zscore(2) < -2", "stood 9 standard deviations below its 2-month mean");
        check(
            &magnets,
            "2025-09",
            "robust_zscore(2) < -2",
            "stood 8.6 robust standard deviations below its 2-month median",
        );
        check(&magnets, "2025-09", "percentile(5) < 70%", "stood at or above 60 % of the last 5 months");
        check(&magnets, "2025-09", "slope(3) < -10%", "fell by a trend of 18.3 % a month over 3 months");
        check(&magnets, "2025-10", "slope(3mo) > -1000%", "rose by a trend of 5.9 % a month over 3 months");
        check(&magnets, "2025-09", "volatility(3) > 10%", "had a volatility of 45.9 % over 3 months");
        let years = history("t", "2023-01=4 2024-01=6 2025-01=2");
        check(
            &years,
            "2025-01",
            "seasonal_zscore(2) < -2",
            "stood 2.1 standard deviations below its 2-year mean for the month",
        );
        check(&years, "2025-01", "ytd < 3 t", "came to 2 t in the year so far");
        check(&years, "2025-01", "ytd_yoy < 0%", "fell 66.7 % in the year so far, against the year before");
        check(&years, "2025-01", "revision == 0%", "-");
        let days = history("CNY/t", "2025-08-14=4 2025-08-15=5 2025-08-18=3");
        check(&days, "2025-08-18", "drawdown(3) < -10%", "stood 40 % below its 3-trading-day high");
        check(&days, "2025-08-18", "percentile(1w) < 50%", "stood at or above 33.3 % of the last week");
        check(&history("", "2025-01=5 2025-02=5"), "2025-02", "slope(2) == 0%", "had no trend over 2 months");
    }

    #[test]
    fn through_and_or_the_first_comparison_that_holds_is_told() {
        let magnets = history("t", MAGNETS);
        check(&magnets, "2025-09", "rises >= 1 or declines >= 2", "fell for a 2nd month");
        check(&magnets, "2025-09", "value < 500 t and declines >= 2", "stood below 500 t");
        check(&magnets, "2025-09", "declines < 9 and (yoy > 0% or yoy < -5%)", "fell 29.4 % in a year");
        check(&magnets, "2025-09", "not (declines < 2) and change < 0%", "fell 28.7 % in a month");
        check(&magnets, "2025-09", "not (declines < 2)", "-");
        check(&magnets, "2025-09", "lag(change, 1) < 0%", "-");
        check(&magnets, "2025-09", "declines >= 2 and rises >= 1", "-");
        check(&magnets, "2025-09", "1 < 2", "-");
    }
}
