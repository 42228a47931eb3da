//! `group_by`: whether the series that a rule selects can be judged together, and by which labels.

use std::collections::BTreeSet;

use super::feed::Facts;
use super::{Context, rule};
use crate::base::text::shorten;
use crate::config::problem::Finding;
use crate::config::rule::RuleTable;
use crate::config::source::{At, Place};
use crate::rule::{Expr, Grouping};

/// The labels that series are judged together by; none where there is no `group_by`, or a wrong one.
pub fn resolve(cx: Context<'_>, table: &RuleTable, matched: &[&Facts]) -> Vec<String> {
    let Some(at) = &table.group_by else { return Vec::new() };
    if at.value.is_empty() {
        cx.error(at.place, "`group_by` names no label", "empty", "take it away to judge each series by itself");
        return Vec::new();
    }
    let known = labels(matched);
    let mut by: Vec<String> = Vec::new();
    for label in &at.value {
        if by.contains(&label.value) {
            let message = format!("`group_by` names `{}` twice", shorten(&label.value, 60));
            cx.add(Finding::error(label.place, message).label("again"));
        } else if !matched.is_empty() && !known.contains(&label.value) {
            cx.add(unknown(label, &known));
        }
        by.push(label.value.clone());
    }
    // Groups by feed mix none.
    if let ([first, others @ ..], false) = (matched, by.iter().any(|label| label == "feed")) {
        others.iter().for_each(|other| agree(cx, at.place, first, other));
    }
    by
}

/// Every label that the series of some feeds may have.
fn labels(feeds: &[&Facts]) -> Vec<String> {
    let of = |feed: &&Facts| -> Vec<String> {
        let constants = feed.constants.iter().map(|(name, _)| name.to_owned());
        constants.chain(feed.from_columns.iter().cloned()).collect()
    };
    let labels: BTreeSet<String> = feeds.iter().flat_map(of).collect();
    labels.into_iter().collect()
}

fn unknown(label: &At<String>, known: &[String]) -> Finding {
    let message = format!("no series that the rule selects has a label `{}`", shorten(&label.value, 60));
    let known = known.iter().map(String::as_str);
    Finding::error(label.place, message).label("unknown").near_or_all(&label.value, known, "the labels are")
}

/// A group has a sum, so its members have one frequency, and units that convert.
fn agree(cx: Context<'_>, place: Place, first: &Facts, other: &Facts) {
    let told = match (first.frequency, other.frequency, &first.unit, &other.unit) {
        (Some(a), Some(b), ..) if a != b => (a.to_string(), b.to_string(), "by"),
        (_, _, Some(Some(a)), Some(Some(b))) if !a.converts_to(b) => (a.to_string(), b.to_string(), "in"),
        (_, _, Some(None), Some(Some(b))) => ("no unit".to_owned(), b.to_string(), "in"),
        (_, _, Some(Some(a)), Some(None)) => (a.to_string(), "no unit".to_owned(), "in"),
        _ => return,
    };
    let (a, b, how) = told;
    let message =
        format!("the series have no sum: feed `{}` is {how} {a}, feed `{}` {how} {b}", first.name, other.name);
    let help = "a group is judged by the sum of its series; select those of one frequency and kind of unit, or add \
                `feed` to `group_by`";
    cx.add(Finding::error(place, message).label("groups of several feeds").help(help));
}

/// Every condition of a rule, as written.
pub fn conditions(table: &RuleTable) -> impl Iterator<Item = &At<String>> {
    let levels = table.warning.iter().chain(&table.critical);
    let conditions = levels.flat_map(|level| level.when.iter().flat_map(|when| &when.value).chain(&level.clear));
    table.when.iter().flat_map(|when| &when.value).chain(&table.clear).chain(conditions)
}

/// Reports what is wrong with the measures of groups in any of the rule's conditions.
pub fn check(cx: Context<'_>, table: &RuleTable, by: &[String], matched: &[&Facts]) {
    if matched.is_empty() {
        return;
    }
    let labels = labels(matched);
    for at in conditions(table) {
        // What cannot be read is reported where it is read.
        let Ok(expr) = Expr::parse(&at.value) else { continue };
        let wrong = expr.check_group(Grouping { by, labels: &labels });
        wrong.iter().for_each(|error| rule::told(cx, at, error, None));
    }
}
