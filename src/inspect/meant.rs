//! What a question names: a rule, a feed, the series of a rule. Where there is none, what there is instead.

use std::collections::BTreeSet;

use super::Unanswered;
use crate::base::text::{list, nearest, printable};
use crate::catalogue::Catalogue;
use crate::config::Setup;
use crate::feed::Feed;
use crate::rule::Rule;
use crate::rule::roster::Subject;

/// Values of a label that are told where another was meant, at most.
const LABELS_TOLD: usize = 12;

/// A label with its value, such as `partner=US`.
pub fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        None => Err("expected LABEL=VALUE, such as partner=US".to_owned()),
        Some(("", _)) => Err("expected a label's name before `=`".to_owned()),
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
    }
}

/// The rule of a name.
pub fn rule<'a>(setup: &'a Setup, name: &str) -> Result<&'a Rule, Unanswered> {
    let found = setup.rules.iter().find(|rule| rule.name == name);
    found.ok_or_else(|| unknown("rule", name, setup.rules.iter().map(|rule| rule.name.as_str())))
}

/// The feed of a name.
pub fn feed<'a>(setup: &'a Setup, name: &str) -> Result<&'a Feed, Unanswered> {
    let found = setup.feeds.iter().find(|feed| feed.name == name);
    found.ok_or_else(|| unknown("feed", name, setup.feeds.iter().map(|feed| feed.name.as_str())))
}

fn unknown<'a>(what: &str, name: &str, names: impl Iterator<Item = &'a str> + Clone) -> Unanswered {
    let near = nearest(name, names.clone()).map(|near| format!("did you mean {}?", list([near])));
    let known = near.unwrap_or_else(|| format!("the {what}s are {}", list(names)));
    Unanswered::Unknown(format!("there is no {what} {}; {known}", list([name])))
}

/// What a rule judges that has these labels: one series or group at least.
pub fn subjects(
    catalogue: &Catalogue<'_>,
    rule: &Rule,
    labels: &[(String, String)],
) -> Result<Vec<Subject>, Unanswered> {
    let subjects = catalogue.subjects(rule);
    let has = |subject: &&Subject| labels.iter().all(|(name, value)| subject.labels.value(name) == Some(value));
    let found: Vec<Subject> = subjects.iter().filter(has).cloned().collect();
    if !found.is_empty() {
        return Ok(found);
    }
    Err(Unanswered::Unknown(match (catalogue.len(), subjects.len()) {
        (0, _) => "nothing is stored yet: pull the feeds with `supplywatch run --once`".to_owned(),
        (all, 0) => format!("rule {} matches none of the {all} series that there are", printable(&rule.name)),
        (_, of_rule) => {
            let kind = if rule.selector.group_by().is_empty() { "series" } else { "groups" };
            let why = labels.iter().find_map(|label| unknown_label(&subjects, label)).unwrap_or_default();
            format!("none of the {of_rule} {kind} of rule {} has these labels{why}", printable(&rule.name))
        }
    }))
}

/// Of a label that nothing has: what there is instead.
fn unknown_label(subjects: &[Subject], (name, value): &(String, String)) -> Option<String> {
    let all = || subjects.iter().flat_map(|subject| subject.labels.iter());
    let (what, wanted, known): (_, _, BTreeSet<&str>) = match all().any(|(known, _)| known == name) {
        false => ("no label is called", name, all().map(|(known, _)| known).collect()),
        true => {
            let values = all().filter(|(known, _)| known == name).map(|(_, value)| value);
            ("none is in", value, values.collect())
        }
    };
    if known.contains(wanted.as_str()) {
        return None;
    }
    let hint = match nearest(wanted, known.iter().copied()) {
        Some(near) => format!("did you mean `{}`?", printable(near)),
        None => format!("there is {}", list(known.iter().take(LABELS_TOLD))),
    };
    Some(format!(": {what} {}; {hint}", list([wanted])))
}
