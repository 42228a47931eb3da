//! What releases did to the past, rule by rule: one notice for each, however many series were revised.
//!
//! A notice moves no alert and is no message: it goes to the log and to whoever ran a round by hand.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use tracing::info;

use crate::alert::Alert;
use crate::assess::{Sight, rejudged};
use crate::rule::Rejudged;

/// A notice for each rule that says something else of its past.
#[derive(Debug, Default)]
pub struct Notices(BTreeMap<String, Notice>);

/// The past periods of a rule that have another verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// On how many series or groups there are any.
    pub series: usize,
    /// The periods of all of them, each series counted by itself.
    pub rejudged: Rejudged,
}

impl Notices {
    /// Takes down what a look at a history comes to for an alert's past, if anything.
    pub fn note(&mut self, sight: Sight<'_>, alert: &Alert) {
        if let Some(rejudged) = rejudged(sight, alert) {
            self.add(&sight.rule.name, Notice { series: 1, rejudged });
        }
    }

    /// Both together.
    pub fn extend(&mut self, other: Self) {
        other.0.iter().for_each(|(rule, notice)| self.add(rule, *notice));
    }

    fn add(&mut self, rule: &str, more: Notice) {
        match self.0.entry(rule.to_owned()) {
            Entry::Vacant(place) => {
                place.insert(more);
            }
            Entry::Occupied(place) => {
                let notice = place.into_mut();
                notice.series += more.series;
                notice.rejudged = notice.rejudged.plus(more.rejudged);
            }
        }
    }

    /// Keeps those of one rule alone.
    pub fn only(&mut self, rule: &str) {
        self.0.retain(|name, _| name == rule);
    }

    /// Each rule with its notice, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Notice)> {
        self.0.iter().map(|(rule, notice)| (rule.as_str(), notice))
    }

    /// Says them in the log.
    pub fn log(&self) {
        for (rule, Notice { series, rejudged }) in self.iter() {
            info!(
                rule,
                series,
                periods = rejudged.periods,
                first = %rejudged.first,
                last = %rejudged.last,
                at_least = rejudged.at_least,
                "a revision changed the verdict on past periods"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::period::Period;

    fn notice(periods: usize, first: &str, last: &str, at_least: bool) -> Notice {
        let period = |text| Period::parse(text).unwrap();
        Notice { series: 1, rejudged: Rejudged { periods, first: period(first), last: period(last), at_least } }
    }

    #[test]
    fn each_rule_has_one_notice() {
        let (mut notices, mut more) = (Notices::default(), Notices::default());
        notices.add("low", notice(1, "2025-03", "2025-03", false));
        more.add("falling", notice(2, "2024-02", "2024-04", false));
        more.add("low", notice(240, "2024-01", "2025-02", true));
        notices.extend(more);
        let told = |(rule, notice): (&str, &Notice)| format!("{rule} of {}: {}", notice.series, notice.rejudged);
        let expected = [
            "falling of 1: 2 past periods, from February 2024 to April 2024",
            "low of 2: at least 241 past periods, from January 2024 to March 2025",
        ];
        assert_eq!(notices.iter().map(told).collect::<Vec<_>>(), expected);
        notices.only("low");
        assert_eq!(notices.iter().count(), 1);
    }
}
