//! What a revision does to the past: the periods on which a rule's verdict is another than it was.
//!
//! Two views of one history are held against each other. Whose alert it concerns, and who is told, is not
//! its business.

use std::collections::BTreeSet;
use std::fmt;

use super::judge::{Judgement, judge};
use super::{Rule, Verdict};
use crate::base::limits::PERIODS_REJUDGED_MAX;
use crate::base::text::counted;
use crate::period::Period;
use crate::series::View;

/// The past periods on which a rule changed its verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejudged {
    /// How many there are: one at least.
    pub periods: usize,
    /// The first of them.
    pub first: Period,
    /// The last of them.
    pub last: Period,
    /// Whether older periods were left out, so that there may be more.
    pub at_least: bool,
}

impl Rejudged {
    /// Those of two histories together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let first = std::cmp::min_by_key(self.first, other.first, |period| period.first_day());
        let last = std::cmp::max_by_key(self.last, other.last, |period| period.last_day());
        Self { periods: self.periods + other.periods, first, last, at_least: self.at_least || other.at_least }
    }
}

impl fmt::Display for Rejudged {
    /// `3 past periods, from March 2024 to June 2025`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (self.first.in_words(), self.last.in_words());
        let least = if self.at_least { "at least " } else { "" };
        write!(f, "{least}{}", counted(self.periods, "past period"))?;
        if self.first == self.last { write!(f, ", {first}") } else { write!(f, ", from {first} to {last}") }
    }
}

/// Judges the periods of a history from one on until before another as they were seen before and as they are
/// seen now; `None` where the rule says the same of all of them.
///
/// Of a long past only the latest periods are judged. A rule that the clock moves says something else of every
/// period as time goes by, whether or not anything was revised, and is not asked.
pub fn rejudged(rule: &Rule, before: &View<'_>, now: &View<'_>, from: Period, until: Period) -> Option<Rejudged> {
    if rule.uses_time() || from >= until {
        return None;
    }
    let periods: BTreeSet<Period> = now.history().spans().map(|span| span.last()).collect();
    let past = || periods.range(from..until).rev();
    let says = |view: &View<'_>, period: Period| said(&judge(rule, view, period));
    let changed = |period: &&Period| says(before, **period) != says(now, **period);
    let changed: Vec<Period> = past().take(PERIODS_REJUDGED_MAX).filter(changed).copied().collect();
    let (last, first) = (*changed.first()?, *changed.last()?);
    Some(Rejudged { periods: changed.len(), first, last, at_least: past().nth(PERIODS_REJUDGED_MAX).is_some() })
}

/// What a judgement says, without the figures: each severity by itself.
fn said(judgement: &Judgement) -> Vec<&'static str> {
    judgement.levels.iter().map(|level| Verdict::name(&level.when)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::period;
    use super::super::{Expr, Level, Severity};
    use super::*;
    use crate::base::clock::Timestamp;
    use crate::period::{Frequency, Span};
    use crate::series::{AsOf, Finite, History, Labels, PullId, Status, Unit, Vintage};

    fn rule(when: &str) -> Rule {
        Rule { when: vec![Expr::parse(when).unwrap()], ..Rule::default() }
    }

    /// A history of two pulls: `2025-08=590`, and `2025-08=x` for a withdrawal.
    fn history(pulls: [&str; 2]) -> History {
        let mut history = History::new(Labels::default(), Frequency::Month, Unit::parse("t").ok());
        for (pull, figures) in (1..).map(PullId).zip(pulls) {
            for figure in figures.split_whitespace() {
                let (span, value) = figure.split_once('=').unwrap();
                let value = value.parse().ok().and_then(Finite::new);
                let vintage =
                    Vintage { value, status: Status::Final, recorded_at: Timestamp::from_millis(pull.0), pull };
                history.record(Span::parse(span).unwrap(), vintage);
            }
        }
        history
    }

    #[track_caller]
    fn check(rule: &Rule, pulls: [&str; 2], from: &str, expected: &str) {
        let history = history(pulls);
        let view = |pull| history.view(AsOf::Pull(PullId(pull)));
        let found = rejudged(rule, &view(1), &view(2), period(from), period("2025-06"));
        let told = found.map_or_else(
            || "-".to_owned(),
            |Rejudged { periods, first, last, at_least }| format!("{periods} {first} {last} {at_least}"),
        );
        assert_eq!(told, expected);
    }

    const FIGURES: &str = "2025-01=500 2025-02=400 2025-03=300 2025-04=400 2025-05=500 2025-06=600";

    #[test]
    fn past_periods_whose_verdict_changed_are_counted() {
        let low = rule("value < 350 t");
        check(&low, [FIGURES, "2025-03=360"], "2025-03", "1 2025-03 2025-03 false");
        check(&low, [FIGURES, "2025-03=340"], "2025-03", "-");
        check(&low, [FIGURES, "2025-02=300 2025-03=400 2025-05=1"], "2025-02", "3 2025-02 2025-05 false");
        check(&low, [FIGURES, "2025-02=300 2025-03=400"], "2025-03", "1 2025-03 2025-03 false");
        check(&low, [FIGURES, "2025-06=1"], "2025-01", "-");
        check(&low, [FIGURES, "2025-03=x"], "2025-01", "1 2025-03 2025-03 false");
        // One figure, the verdicts of the months after it.
        check(&rule("declines >= 2"), [FIGURES, "2025-02=550"], "2025-02", "2 2025-02 2025-03 false");
        check(&rule("rises >= 2"), [FIGURES, "2025-03=450"], "2025-03", "1 2025-05 2025-05 false");
    }

    #[test]
    fn they_are_told_in_words() {
        let told = |periods, first, at_least| {
            Rejudged { periods, first: period(first), last: period("2025-06"), at_least }.to_string()
        };
        assert_eq!(told(1, "2025-06", false), "1 past period, June 2025");
        assert_eq!(told(3, "2024-03", true), "at least 3 past periods, from March 2024 to June 2025");
    }

    #[test]
    fn each_severity_counts_by_itself() {
        let worse =
            Level { severity: Severity::Critical, when: vec![Expr::parse("value < 200 t").unwrap()], clear: None };
        let two = Rule { severity: Severity::Warning, worse: Some(worse), ..rule("value < 350 t") };
        check(&two, [FIGURES, "2025-03=150"], "2025-01", "1 2025-03 2025-03 false");
        check(&two, [FIGURES, "2025-03=250"], "2025-01", "-");
    }

    #[test]
    fn a_rule_of_time_says_nothing_of_the_past() {
        check(&rule("value < 350 t or age > 2mo"), [FIGURES, "2025-03=360"], "2025-01", "-");
    }

    #[test]
    fn of_a_long_past_the_latest_periods_are_judged() {
        let end = period("2025-06");
        let count = i32::try_from(PERIODS_REJUDGED_MAX).unwrap();
        let all = |value: u32, from: i32| -> String {
            (from..=0).map(|back| format!("{}={value} ", end.offset(back))).collect()
        };
        let (first, last) = (end.offset(-count), end.previous());
        for (from, at_least) in [(-count, false), (-count - 1, true)] {
            let pulls = [all(300, from), all(400, from)];
            let expected = format!("{count} {first} {last} {at_least}");
            check(&rule("value < 350 t"), [&pulls[0], &pulls[1]], "1990-01", &expected);
        }
    }
}
