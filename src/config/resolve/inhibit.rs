//! `inhibited_by` and `equal` of a rule: whose alerts keep its messages back.

use super::Context;
use crate::alert::DATA_ALERTS;
use crate::base::text::{list, shorten};
use crate::config::file::Named;
use crate::config::problem::Finding;
use crate::config::rule::RuleTable;
use crate::rule::Inhibition;

/// What a rule's table says, beside all rules that there are.
pub fn resolve(cx: Context<'_>, named: &Named<RuleTable>, rules: &[Named<RuleTable>]) -> Inhibition {
    let table = &named.table;
    if let (Some(equal), None) = (&table.equal, &table.inhibited_by) {
        let help = "write inhibited_by = [\"RULE\"], or take it away";
        cx.error(equal.key, "`equal` means nothing without `inhibited_by`", "nothing is compared", help);
    }
    let mut by: Vec<String> = Vec::new();
    for at in table.inhibited_by.iter().flat_map(|texts| &texts.value) {
        let names = || rules.iter().map(|rule| rule.name.value.as_str());
        let is_data = DATA_ALERTS.contains(&at.value.as_str());
        if !is_data && !names().any(|name| name == at.value) {
            let finding = Finding::error(at.place, format!("there is no rule `{}`", shorten(&at.value, 60)));
            cx.add(finding.label("unknown").near_or_all(&at.value, names(), "the rules are"));
        } else if let Some(way) = way(&at.value, &named.name.value, rules) {
            let message = format!("rule `{}` keeps itself back", named.name.value);
            let help = if way.len() == 1 {
                "take it away".to_owned()
            } else {
                format!("{} keep each other back: all of them would stay silent", list(&way))
            };
            cx.error(at.place, message, "in a circle", help);
        }
        by.push(at.value.clone());
    }
    let equal = table.equal.as_ref().map(|texts| texts.value.iter().map(|at| at.value.clone()).collect());
    Inhibition { by, equal }
}

/// The rules on the way from one to another by `inhibited_by`, both included, where there is one.
fn way(from: &str, to: &str, rules: &[Named<RuleTable>]) -> Option<Vec<String>> {
    let mut seen: Vec<&str> = Vec::new();
    let mut open: Vec<Vec<&str>> = vec![vec![from]];
    while let Some(path) = open.pop() {
        let last = *path.last()?;
        if last == to {
            return Some(path.into_iter().map(ToOwned::to_owned).collect());
        }
        if seen.contains(&last) {
            continue;
        }
        seen.push(last);
        let rule = rules.iter().find(|rule| rule.name.value == last);
        for next in rule.and_then(|rule| rule.table.inhibited_by.as_ref()).iter().flat_map(|texts| &texts.value) {
            open.push(path.iter().copied().chain([next.value.as_str()]).collect());
        }
    }
    None
}
