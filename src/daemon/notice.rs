//! What a release did to the past, rule by rule: one notice for each, however many series it revised.
//!
//! A notice moves no alert and is no message: it goes to the log and to whoever ran a round by hand.

use std::collections::BTreeMap;

use super::Assessed;
use crate::rule::Rejudged;

/// A rule's past periods that have another verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The rule.
    pub rule: String,
    /// On how many series or groups it has.
    pub series: usize,
    /// The periods of all of them, each series counted by itself.
    pub rejudged: Rejudged,
}

/// The notices of what was assessed, in the order of the rules' names.
pub fn notices(assessed: &[Assessed]) -> Vec<Notice> {
    let mut notices: BTreeMap<&str, Notice> = BTreeMap::new();
    for Assessed { rule, rejudged, .. } in assessed {
        let Some(rejudged) = *rejudged else { continue };
        let first = || Notice { rule: rule.clone(), series: 0, rejudged: Rejudged { periods: 0, ..rejudged } };
        let notice = notices.entry(rule).or_insert_with(first);
        notice.series += 1;
        notice.rejudged = notice.rejudged.plus(rejudged);
    }
    notices.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::period::Period;
    use crate::series::Labels;

    fn assessed(rule: &str, rejudged: Option<(usize, &str, &str, bool)>) -> Assessed {
        let period = |text| Period::parse(text).unwrap();
        Assessed {
            rule: rule.to_owned(),
            labels: Labels::default(),
            period: None,
            verdict: "fails",
            reason: None,
            transition: None,
            receivers: Vec::new(),
            gates: Vec::new(),
            kept_quiet: 0,
            rejudged: rejudged.map(|(periods, first, last, at_least)| Rejudged {
                periods,
                first: period(first),
                last: period(last),
                at_least,
            }),
        }
    }

    #[test]
    fn each_rule_has_one_notice() {
        let told: Vec<String> = notices(&[
            assessed("low", Some((1, "2025-03", "2025-03", false))),
            assessed("falling", Some((2, "2024-02", "2024-04", false))),
            assessed("low", None),
            assessed("quiet", None),
            assessed("low", Some((240, "2024-01", "2025-02", true))),
        ])
        .iter()
        .map(|notice| format!("{} of {}: {}", notice.rule, notice.series, notice.rejudged))
        .collect();
        let expected = [
            "falling of 1: 2 past periods, from February 2024 to April 2024",
            "low of 2: at least 241 past periods, from January 2024 to March 2025",
        ];
        assert_eq!(told, expected);
    }
}
