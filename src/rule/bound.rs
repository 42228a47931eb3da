//! Where a rule changes, period by period, as the lines of a chart.
//!
//! How they are drawn is not known here.

use super::expr::Expr;
use super::solve::{Distance, Side, Threshold, distance, next_distance};
use super::{Rule, Severity};
use crate::base::limits::BOUND_TRIES_MAX;
use crate::chart::{Line, Values};
use crate::period::Period;
use crate::series::View;

/// Figures that are tried for one period's bound, beside those that are known.
const TRIES: usize = 256;

/// The figures at which a rule begins or ceases to hold: `fires below`, `is critical above`. Each period is
/// told as all others stand, and the next one too, whose figure is not published yet. Of a long history only
/// the latest periods are told, and no more than `last`.
pub fn bounds(rule: &Rule, view: &View<'_>, last: usize) -> Vec<Line> {
    let gates = match &rule.worse {
        None => vec![("fires".to_owned(), &rule.when)],
        Some(worse) => vec![(named(rule.severity), &rule.when), (named(worse.severity), &worse.when)],
    };
    gates.into_iter().flat_map(|(name, gates)| of_gates(rule, &name, gates, view, last)).collect()
}

fn named(severity: Severity) -> String {
    format!("is {severity}")
}

fn of_gates(rule: &Rule, name: &str, gates: &[Expr], view: &View<'_>, last: usize) -> Vec<Line> {
    let mut known: Vec<Period> = view.points().map(|point| point.span.last()).collect();
    known.dedup();
    let told = last.min(BOUND_TRIES_MAX / (TRIES + known.len()));
    known.drain(..known.len().saturating_sub(told));
    let next = known.last().and_then(|latest| next_distance(rule, gates, view, *latest));
    let found = known.iter().filter_map(|period| distance(rule, gates, view, *period)).chain(next);
    let (mut below, mut above) = (Vec::new(), Vec::new());
    for Distance { period, thresholds, .. } in found {
        for Threshold { value, holds } in thresholds {
            match holds {
                Side::Below => below.push((period, value)),
                Side::Above => above.push((period, value)),
            }
        }
    }
    let sides = [(Side::Below, below), (Side::Above, above)].into_iter().filter(|(_, values)| !values.is_empty());
    sides.map(|(side, values)| Line { name: format!("{name} {}", side.name()), values: joined(values) }).collect()
}

/// A threshold that is the same in all periods lies there for those without a figure too.
fn joined(values: Vec<(Period, f64)>) -> Values {
    match values.split_first() {
        Some(((_, first), rest)) if !rest.is_empty() && rest.iter().all(|(_, value)| value == first) => {
            Values::Same(*first)
        }
        Some(_) | None => Values::Each(values),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{MAGNETS, history};
    use super::*;
    use crate::series::AsOf;

    /// Each line: its name, and the periods with their bounds.
    #[track_caller]
    fn check(rule: &Rule, expected: &[&str]) {
        let history = history("t", MAGNETS);
        let told = |line: Line| match line.values {
            Values::Same(value) => format!("{} {value}", line.name),
            Values::Each(values) => {
                let values: Vec<String> = values.iter().map(|(period, value)| format!("{period} {value}")).collect();
                format!("{}: {}", line.name, values.join(", "))
            }
        };
        let lines: Vec<String> = bounds(rule, &history.view(AsOf::Latest), usize::MAX).into_iter().map(told).collect();
        assert_eq!(lines, expected);
    }

    fn rule(when: &str) -> Rule {
        Rule { when: vec![Expr::parse(when).unwrap()], ..Rule::default() }
    }

    #[test]
    fn a_threshold_lies_where_the_rule_changes() {
        check(&rule("value < 400 t"), &["fires below 400"]);
        check(
            &rule("change < -20%"),
            &["fires below: 2025-06 37.12, 2025-07 282.4, 2025-08 495.2, 2025-09 472, 2025-10 336.4, 2025-11 524.8"],
        );
        check(&rule("declines >= 2"), &["fires below: 2025-09 590, 2025-10 420.5"]);
        check(&rule("value == value"), &[]);
    }

    #[test]
    fn both_sides_and_both_severities_have_their_lines() {
        check(&rule("value < 400 t or value > 600 t"), &["fires below 400", "fires above 600"]);
        let worse = super::super::Level {
            severity: Severity::Critical,
            when: vec![Expr::parse("value < 100 t").unwrap()],
            clear: None,
        };
        let rule = Rule { severity: Severity::Warning, worse: Some(worse), ..rule("value < 400 t") };
        check(&rule, &["is warning below 400", "is critical below 100"]);
    }
}
