//! `[[scenario]]`: a rule of the config, figures, and what must be sent.

mod expect;
mod series;

use chrono::{Days, NaiveDate};

use super::{Context, value};
use crate::base::limits::SCENARIO_DAYS_MAX;
use crate::base::text::shorten;
use crate::config::problem::Finding;
use crate::config::scenario::ScenarioTable;
use crate::config::setup::Setup;
use crate::config::source::{At, Place};
use crate::rule::{Grouping, Rule, Subject};
use crate::scenario::{Past, Scenario, Stage};

/// What the table comes to.
pub fn resolve(cx: Context<'_>, table: &ScenarioTable, setup: &Setup) -> Option<Scenario> {
    cx.missing(&table.given, "name", "write what the scenario shows, such as name = \"two declines fire\"");
    cx.missing(&table.given, "rule", "write the name of the rule that is put to the test");
    cx.missing(&table.given, "series", "write figures, such as series = \"2025-05: 46 353 619 590 420.5\"");
    let name = table.name.as_ref().and_then(|at| value::line(cx, "name", at));
    let rule = table.rule.as_ref().and_then(|at| known_rule(cx, at, setup));
    let until = rule.map(|rule| until(cx, table, rule));
    let series = match (rule, &table.series) {
        (Some(rule), Some(at)) => series::resolve(cx, table, at, rule, setup),
        (None, Some(at)) => series::read_only(cx, at),
        (_, None) => None,
    };
    let pasts = rule.zip(until.flatten()).zip(series).zip(table.series.as_ref());
    let pasts = pasts.and_then(|(((rule, until), series), at)| {
        let (derived, zone) = (setup.derived.as_slice(), setup.zone);
        let stage = Stage { rule, derived, series: series.iter().map(|one| one.series.clone()).collect(), zone, until };
        series::used(cx, table, &stage, &series, setup)?;
        stage.series.iter().all(|series| !series.figures.is_empty()).then_some(())?;
        fits(cx, table, at, &stage)
    });
    let (expect, stands) = expect::resolve(cx, &table.expect, pasts.as_deref());
    Some(Scenario { name: name?, rule: rule?.clone(), pasts: pasts?, expect: expect?, stands: stands? })
}

fn known_rule<'a>(cx: Context<'_>, at: &At<String>, setup: &'a Setup) -> Option<&'a Rule> {
    let found = setup.rules.iter().find(|rule| rule.name == at.value);
    if found.is_none() {
        let finding = Finding::error(at.place, format!("there is no rule `{}`", shorten(&at.value, 60)));
        let names = setup.rules.iter().map(|rule| rule.name.as_str());
        cx.add(finding.label("unknown").near_or_all(&at.value, names, "the rules are"));
    }
    if found.is_some_and(Rule::is_of_items) {
        let message = format!("rule `{}` is about items, and a scenario has figures", at.value);
        cx.error(at.place, message, "not to be played", "try it by `dry-run --feed NAME=FILE`, with a file of items");
        return None;
    }
    found
}

/// The last day, which a rule that the clock moves must have, and no other may; `None` where that is wrong.
fn until(cx: Context<'_>, table: &ScenarioTable, rule: &Rule) -> Option<Option<NaiveDate>> {
    match (&table.until, rule.uses_time()) {
        (None, false) => Some(None),
        (Some(at), true) => day(cx, "until", at).map(Some),
        (Some(at), false) => {
            let message = format!("the clock does not move rule `{}`", rule.name);
            cx.error(at.key, message, "no meaning here", "take `until` away: it is for rules with `age` or `overdue`");
            None
        }
        (None, true) => {
            let message = format!("the clock moves rule `{}`: when does the scenario end?", rule.name);
            let finding = Finding::error(table.given.place, message).label("no `until`");
            cx.add(finding.help("write the last day that is played, such as until = 2025-12-31"));
            None
        }
    }
}

fn day(cx: Context<'_>, key: &str, at: &At<String>) -> Option<NaiveDate> {
    let day = at.value.parse().ok();
    if day.is_none() {
        let message = format!("`{key}` cannot be `{}`", shorten(&at.value, 60));
        cx.add(Finding::error(at.place, message).label("expected a day such as 2025-10-20"));
    }
    day
}

/// What the rule's alerts are about, where it can judge such figures at all.
fn fits(cx: Context<'_>, table: &ScenarioTable, at: &At<String>, stage: &Stage<'_>) -> Option<Vec<Past>> {
    let rule = stage.rule;
    let pasts = match stage.pasts() {
        Ok(pasts) => pasts,
        Err(misfit) => {
            let help = "give the series of a sum one frequency, and units that convert";
            cx.error(at.place, misfit.to_string(), "these series", help);
            return None;
        }
    };
    if let Some((until, end)) = table.until.as_ref().zip(too_late(stage, &pasts)) {
        let message = format!("`until` is more than ten years after the last figure, of {end}");
        cx.add(Finding::error(until.place, message).label("too late"));
        return None;
    }
    pasts.iter().all(|past| is_judged(cx, at.place, stage, past)).then_some(())?;
    of_groups(cx, at.place, stage, &pasts)?;
    if pasts.is_empty() {
        let message = format!("rule `{}` judges nothing with these series", rule.name);
        cx.add(Finding::error(at.place, message).label("nothing to judge"));
        return None;
    }
    Some(pasts)
}

/// The day of the last figure, where the stage goes on for too long after it.
fn too_late(stage: &Stage<'_>, pasts: &[Past]) -> Option<NaiveDate> {
    let ends = pasts.iter().filter_map(|past| Some(past.knowledge.moments().last()?.1.date(past.zone)));
    let last = ends.max()?;
    (stage.until? > last.checked_add_days(Days::new(SCENARIO_DAYS_MAX))?).then_some(last)
}

fn is_judged(cx: Context<'_>, place: Place, stage: &Stage<'_>, past: &Past) -> bool {
    let history = past.knowledge.history();
    let (frequency, unit) = (history.frequency(), history.unit());
    let subject = Subject { frequency, unit: Some(unit.cloned()) };
    let wrong = stage.rule.expressions().flat_map(|expr| expr.check(&subject)).next();
    if let Some(error) = &wrong {
        let message = format!("rule `{}` cannot judge these figures: {}", stage.rule.name, error.message);
        let unit = unit.map_or_else(|| "no unit".to_owned(), ToString::to_string);
        let help = "set the scenario's `unit` to that of the series that the rule is about";
        cx.error(place, message, &format!("by {frequency}, in {unit}"), help);
    }
    wrong.is_none()
}

/// Whether a rule on groups finds the labels that it makes them by, and those that it tells members apart by.
fn of_groups(cx: Context<'_>, place: Place, stage: &Stage<'_>, pasts: &[Past]) -> Option<()> {
    let by = stage.rule.selector.group_by();
    if by.is_empty() {
        return Some(());
    }
    if let Some(label) = by.iter().find(|label| pasts.iter().any(|past| past.labels().value(label).is_none())) {
        let message = format!("rule `{}` makes groups by `{label}`, and a series has none", stage.rule.name);
        let help = format!("write {label}=VALUE before its figures, or labels = {{ {label} = \"VALUE\" }} for all");
        cx.error(place, message, &format!("no `{label}`"), help);
        return None;
    }
    let all = || stage.series.iter().flat_map(|series| series.labels.iter()).map(|(name, _)| name.to_owned());
    let labels: std::collections::BTreeSet<String> = all().collect();
    let labels: Vec<String> = labels.into_iter().collect();
    let grouping = Grouping { by, labels: &labels };
    let wrong = stage.rule.expressions().flat_map(|expr| expr.check_group(grouping)).next();
    let Some(error) = wrong else { return Some(()) };
    let message = format!("rule `{}` cannot judge these series: {}", stage.rule.name, error.message);
    cx.error(place, message, "their labels", "write the label before the figures of each series, such as partner=CN");
    None
}
