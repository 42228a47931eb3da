//! `[[scenario]]`: a rule of the config, figures, and what must be sent.

use chrono::NaiveDate;

use super::feed::canonical;
use super::{Context, release, value};
use crate::alert::Kind;
use crate::base::limits::MAX_GAP_DAYS;
use crate::base::text::{list, shorten};
use crate::config::problem::Finding;
use crate::config::scenario::{ExpectTable, ScenarioTable};
use crate::config::setup::Setup;
use crate::config::source::At;
use crate::feed::Feed;
use crate::period::{Frequency, Period};
use crate::rule::{Rule, Severity, Subject};
use crate::scenario::{Calendar, Expect, Figure, Rounded, Scenario, read_figures};
use crate::series::{Labels, Unit};

/// What the table comes to.
pub fn resolve(cx: Context<'_>, table: &ScenarioTable, setup: &Setup) -> Option<Scenario> {
    cx.missing(&table.given, "name", "write what the scenario shows, such as name = \"two declines fire\"");
    cx.missing(&table.given, "rule", "write the name of the rule that is put to the test");
    cx.missing(&table.given, "series", "write figures, such as series = \"2025-05: 46 353 619 590 420.5\"");
    let name = table.name.as_ref().and_then(|at| value::line(cx, "name", at));
    let rule = table.rule.as_ref().and_then(|at| known_rule(cx, at, setup));
    let feed = rule.and_then(|rule| feed_of(rule, table, setup));
    let labels = rule.and_then(|rule| labels(cx, table, rule, feed));
    let declared = table.unit.as_ref().map(|at| value::unit(cx, at));
    let unit = declared.unwrap_or_else(|| feed.and_then(|feed| feed.unit.clone()));
    let zone = feed.map_or(setup.zone, |feed| feed.zone);
    let own_release = table.release.as_ref().map(|table| release::resolve(cx, table, None, zone));
    let release = own_release.unwrap_or_else(|| feed.and_then(|feed| feed.release.clone()));
    let calendar = Calendar { release: release.as_ref(), zone };
    let figures = table.series.as_ref().and_then(|at| figures(cx, at, calendar));
    let expect: Vec<Option<Expect>> = table.expect.iter().map(|table| expect(cx, table)).collect();
    let (name, rule, labels, figures) = (name?, rule?, labels?, figures?);
    let frequency = figures.first()?.span.last().frequency();
    fits(cx, table, rule, frequency, unit.as_ref(), feed)?;
    Some(Scenario {
        name,
        rule: rule.clone(),
        labels,
        unit,
        max_gap_days: feed.map_or(MAX_GAP_DAYS, |feed| feed.max_gap_days),
        zone,
        figures,
        expect: expect.into_iter().collect::<Option<Vec<_>>>()?,
    })
}

fn known_rule<'a>(cx: Context<'_>, at: &At<String>, setup: &'a Setup) -> Option<&'a Rule> {
    let found = setup.rules.iter().find(|rule| rule.name == at.value);
    if found.is_none() {
        let finding = Finding::error(at.place, format!("there is no rule `{}`", shorten(&at.value, 60)));
        let names = setup.rules.iter().map(|rule| rule.name.as_str());
        cx.add(finding.label("unknown").near_or_all(&at.value, names, "the rules are"));
    }
    found
}

/// The feed that the scenario's series would come from: the one it names, else the rule's.
fn feed_of<'a>(rule: &Rule, table: &ScenarioTable, setup: &'a Setup) -> Option<&'a Feed> {
    let named = table.labels.iter().find(|(name, _)| name.value == "feed").map(|(_, value)| value.value.as_str());
    let wanted = named.or_else(|| rule.selector.pattern("feed")?.exact())?;
    setup.feeds.iter().find(|feed| feed.name == wanted)
}

/// What every series of the feed has, what the rule asks for, and what the scenario says.
fn labels(cx: Context<'_>, table: &ScenarioTable, rule: &Rule, feed: Option<&Feed>) -> Option<Labels> {
    let mut labels = feed.map(|feed| feed.labels.clone()).unwrap_or_default();
    for (name, pattern) in rule.selector.patterns() {
        if let Some(value) = pattern.exact() {
            labels.set(name, value);
        }
    }
    for (name, value) in &table.labels {
        labels.set(name.value.as_str(), canonical(&name.value, &value.value));
    }
    if rule.selector.matches(&labels) {
        return Some(labels);
    }
    let fails = |(name, pattern): &(&str, &crate::series::Pattern)| !pattern.matches(labels.value(name).unwrap_or(""));
    let wanted = list(rule.selector.patterns().filter(fails).map(|(name, _)| name));
    let place = table.labels.first().map_or(table.given.place, |(name, _)| name.place);
    let message = format!("rule `{}` does not mean a series with these labels", rule.name);
    cx.error(place, message, &format!("{labels}"), format!("write labels that the rule's `series` matches: {wanted}"));
    None
}

fn figures(cx: Context<'_>, at: &At<String>, calendar: Calendar<'_>) -> Option<Vec<Figure>> {
    match read_figures(&at.value, calendar) {
        Ok(figures) => Some(figures),
        Err(error) => {
            let place = cx.sources.within(at.place, &at.value, error.span.clone());
            cx.add(Finding::error(place, error.message).label(error.label));
            None
        }
    }
}

/// Whether the rule can judge such figures at all.
fn fits(
    cx: Context<'_>,
    table: &ScenarioTable,
    rule: &Rule,
    frequency: Frequency,
    unit: Option<&Unit>,
    feed: Option<&Feed>,
) -> Option<()> {
    let place = table.series.as_ref()?.place;
    if let Some(feed) = feed.filter(|feed| feed.frequency != frequency) {
        let message = format!("feed `{}` is by {}: these figures are by {frequency}", feed.name, feed.frequency);
        cx.add(Finding::error(place, message).label("another frequency"));
        return None;
    }
    let subject = Subject { frequency, unit: Some(unit.cloned()) };
    let wrong = rule.expressions().flat_map(|expr| expr.check(&subject)).next();
    if let Some(error) = wrong {
        let message = format!("rule `{}` cannot judge these figures: {}", rule.name, error.message);
        let unit = unit.map_or_else(|| "no unit".to_owned(), ToString::to_string);
        let help = "set the scenario's `unit` to that of the series that the rule is about";
        cx.error(place, message, &format!("by {frequency}, in {unit}"), help);
        return None;
    }
    Some(())
}

fn expect(cx: Context<'_>, table: &ExpectTable) -> Option<Expect> {
    cx.missing(&table.given, "transition", "write what must be sent, such as transition = \"fired\"");
    if !table.given.has("on") && !table.given.has("period") {
        let finding = Finding::error(table.given.place, "this does not say when").label("neither `on` nor `period`");
        cx.add(finding.help("write on = \"2025-10-20\" (the day), or period = \"2025-09\", or both"));
    }
    let kinds = Kind::ALL.map(|kind| (kind.name(), kind));
    let severities = Severity::ALL.map(|severity| (severity.name(), severity));
    let on = table.on.as_ref().map(|at| day(cx, at));
    let period = table.period.as_ref().map(|at| period(cx, at));
    let transition = table.transition.as_ref().and_then(|at| value::choice(cx, "transition", at, &kinds));
    let severity = table.severity.as_ref().map(|at| value::choice(cx, "severity", at, &severities));
    let values: Vec<Option<(String, Rounded)>> = table.values.iter().map(|(name, at)| rounded(cx, name, at)).collect();
    (table.on.is_some() || table.period.is_some()).then_some(())?;
    Some(Expect {
        on: on.map_or(Some(None), |on| on.map(Some))?,
        period: period.map_or(Some(None), |period| period.map(Some))?,
        transition: transition?,
        severity: severity.map_or(Some(None), |severity| severity.map(Some))?,
        title: table.title.as_ref().map(|at| at.value.clone()),
        values: values.into_iter().collect::<Option<Vec<_>>>()?,
    })
}

fn day(cx: Context<'_>, at: &At<String>) -> Option<NaiveDate> {
    let day = at.value.parse().ok();
    if day.is_none() {
        let message = format!("`on` cannot be `{}`", shorten(&at.value, 60));
        cx.add(Finding::error(at.place, message).label("expected a day such as 2025-10-20"));
    }
    day
}

fn period(cx: Context<'_>, at: &At<String>) -> Option<Period> {
    Period::parse(&at.value)
        .map_err(|error| cx.add(Finding::error(at.place, error.to_string()).label("no period")))
        .ok()
}

fn rounded(cx: Context<'_>, name: &At<String>, at: &At<String>) -> Option<(String, Rounded)> {
    let Some(rounded) = Rounded::parse(&at.value) else {
        let message = format!("`{}` is no number", shorten(&at.value, 60));
        cx.error(at.place, message, "expected a number", "write it like 2, 420.5 or \"-28.7%\"");
        return None;
    };
    Some((name.value.clone(), rounded))
}
