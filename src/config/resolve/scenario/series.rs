//! `series` of a scenario: whose figures they are, and whether the rule has to do with them.

use chrono_tz::Tz;

use super::super::feed::canonical;
use super::super::{Context, release, value};
use crate::base::limits::MAX_GAP_DAYS;
use crate::base::text::{list, shorten};
use crate::config::problem::Finding;
use crate::config::scenario::ScenarioTable;
use crate::config::setup::Setup;
use crate::config::source::{At, Place};
use crate::feed::Feed;
use crate::rule::Rule;
use crate::scenario::{Calendar, Figure, NotationError, Part, Series, Stage, Written, read_figures, split};
use crate::series::{Labels, Pattern, Release, Selector, Unit};

/// A series, and where it stands; without figures where they are wrong.
pub struct Placed {
    /// The series.
    pub series: Series,
    /// Its labels, as far as it has any of its own, else its figures.
    place: Place,
    /// Whether it has labels of its own.
    is_labelled: bool,
}

/// The series of a scenario.
pub fn resolve(
    cx: Context<'_>,
    table: &ScenarioTable,
    at: &At<String>,
    rule: &Rule,
    setup: &Setup,
) -> Option<Vec<Placed>> {
    let release = table.release.as_ref().map(|table| release::resolve(cx, table, None, setup.zone));
    let written = split(&at.value).map_err(|error| told(cx, at, &error)).ok()?;
    let meant = meant(&rule.selector, exact(&rule.selector), setup);
    let release = release.map_or(Some(None), |release| release.map(Some))?;
    let reading = Reading { cx, table, at, setup, meant: &meant, release: release.as_ref() };
    let series: Vec<Option<Placed>> = written.iter().map(|one| reading.one(one)).collect();
    let series: Vec<Placed> = series.into_iter().collect::<Option<_>>()?;
    for (index, one) in series.iter().enumerate() {
        if series[..index].iter().any(|other| other.series.labels == one.series.labels) {
            let message = "two series have the same labels";
            let labels = one.series.labels.to_string();
            cx.error(one.place, message, &labels, "write a label that tells them apart, or all figures after one");
            return None;
        }
    }
    Some(series)
}

/// Says what is wrong with figures of which nobody knows whose they are.
pub fn read_only(cx: Context<'_>, at: &At<String>) -> Option<Vec<Placed>> {
    let calendar = Calendar { release: None, zone: chrono_tz::UTC };
    let written = split(&at.value).map_err(|error| told(cx, at, &error)).ok()?;
    for one in written {
        figures(cx, at, &one, calendar);
    }
    None
}

fn told(cx: Context<'_>, at: &At<String>, error: &NotationError) {
    let place = cx.sources.within(at.place, &at.value, error.span.clone());
    cx.add(Finding::error(place, &error.message).label(error.label));
}

fn figures(cx: Context<'_>, at: &At<String>, written: &Written, calendar: Calendar<'_>) -> Option<Vec<Figure>> {
    let start = written.figures.start;
    let text = at.value.get(written.figures.clone()).unwrap_or_default();
    let shifted = |error: NotationError| {
        let span = error.span.start + start..error.span.end + start;
        told(cx, at, &NotationError { span, ..error });
    };
    read_figures(text, calendar).map_err(shifted).ok()
}

/// A selector by which the rule means stored series, itself or through a derived one, and the labels that
/// whatever it means must have.
struct Meant<'a> {
    selector: &'a Selector,
    given: Labels,
}

/// The values that a selector leaves no choice of.
fn exact(selector: &Selector) -> Labels {
    selector.patterns().filter_map(|(name, pattern)| Some((name, pattern.exact()?))).collect()
}

fn meant<'a>(selector: &'a Selector, given: Labels, setup: &'a Setup) -> Vec<Meant<'a>> {
    let is_meant = |name: &str| selector.pattern("feed").is_none_or(|pattern| pattern.matches(name));
    let derived = setup.derived.iter().filter(|derived| is_meant(&derived.name));
    let inputs = derived.flat_map(|derived| &derived.inputs).flat_map(|input| {
        let mut theirs = exact(&input.selector);
        given.only(&input.by).iter().for_each(|(name, value)| theirs.set(name, value));
        meant(&input.selector, theirs, setup)
    });
    let inputs: Vec<Meant<'a>> = inputs.collect();
    std::iter::once(Meant { selector, given }).chain(inputs).collect()
}

/// Whether the rule has to do with all of the series.
pub fn used(cx: Context<'_>, table: &ScenarioTable, stage: &Stage<'_>, series: &[Placed], setup: &Setup) -> Option<()> {
    let meant = meant(&stage.rule.selector, exact(&stage.rule.selector), setup);
    let idle = stage.idle();
    for position in &idle {
        let Some(one) = series.get(*position) else { continue };
        let place = match table.labels.first() {
            _ if one.is_labelled || series.len() > 1 => one.place,
            Some((name, _)) => name.place,
            None => table.given.place,
        };
        let is_stored = |meant: &&Meant<'_>| {
            let feed = meant.given.value("feed");
            !setup.derived.iter().any(|derived| feed == Some(&derived.name))
        };
        let stored: Vec<&Meant<'_>> = meant.iter().filter(is_stored).collect();
        let (message, help) = why_idle(stage.rule, &one.series.labels, &stored, series);
        cx.error(place, message, &one.series.labels.to_string(), help);
    }
    idle.is_empty().then_some(())
}

/// Why the rule has nothing to do with a series, and what to write.
fn why_idle(rule: &Rule, labels: &Labels, meant: &[&Meant<'_>], series: &[Placed]) -> (String, String) {
    if meant.iter().any(|meant| meant.selector.matches(labels)) {
        let lacks = |meant: &&&Meant<'_>| !series.iter().any(|one| meant.selector.matches(&one.series.labels));
        let lacking: Vec<String> = meant.iter().filter(lacks).map(|meant| exact(meant.selector).to_string()).collect();
        let help = if lacking.is_empty() {
            "the series that are calculated with each other need the same values of their `by` labels".to_owned()
        } else {
            format!("write figures of what it is calculated with, too: {}", list(lacking))
        };
        return (format!("rule `{}` makes nothing of this series alone", rule.name), help);
    }
    let of_feed = |meant: &&&Meant<'_>| {
        let pattern = meant.selector.pattern("feed");
        pattern.is_none_or(|pattern| labels.value("feed").is_some_and(|feed| pattern.matches(feed)))
    };
    let nearest = meant.iter().find(of_feed).or(meant.first());
    let fails = |(name, pattern): &(&str, &Pattern)| !pattern.matches(labels.value(name).unwrap_or(""));
    let wanted = nearest.iter().flat_map(|meant| meant.selector.patterns()).filter(fails).map(|(name, _)| name);
    let message = format!("rule `{}` does not mean a series with these labels", rule.name);
    (message, format!("write labels that the rule's `series` matches: {}", list(wanted)))
}

/// What reading one series needs.
#[derive(Clone, Copy)]
struct Reading<'a> {
    cx: Context<'a>,
    table: &'a ScenarioTable,
    at: &'a At<String>,
    setup: &'a Setup,
    meant: &'a [Meant<'a>],
    /// The scenario's own calendar.
    release: Option<&'a Release>,
}

impl<'a> Reading<'a> {
    fn one(self, written: &Written) -> Option<Placed> {
        let place = self.place(written);
        let feed = self.feed(written, place)?;
        let cx = self.cx;
        let zone = feed.map_or(self.setup.zone, |feed| feed.zone);
        let release = self.own_release(zone).or_else(|| feed.and_then(|feed| feed.release.clone()));
        let calendar = Calendar { release: release.as_ref(), zone };
        let unit = self.unit(written, feed);
        let mut figures = figures(cx, self.at, written, calendar).unwrap_or_default();
        let frequency = figures.first().map(|figure| figure.span.last().frequency());
        if let Some((feed, found)) = feed.zip(frequency).filter(|(feed, found)| feed.frequency != *found) {
            let message = format!("feed `{}` is by {}: these figures are by {found}", feed.name, feed.frequency);
            cx.add(Finding::error(place, message).label("another frequency"));
            figures.clear();
        }
        let max_gap_days = feed.map_or(MAX_GAP_DAYS, |feed| feed.max_gap_days);
        let series = Series { labels: self.labels(written, feed), unit: unit?, max_gap_days, zone, release, figures };
        Some(Placed { series, place, is_labelled: !written.labels.is_empty() })
    }

    /// Its head; without one, the whole text.
    fn place(self, written: &Written) -> Place {
        let head = written.head();
        if head.is_empty() { self.at.place } else { self.cx.sources.within(self.at.place, &self.at.value, head) }
    }

    fn unit(self, written: &Written, feed: Option<&Feed>) -> Option<Option<Unit>> {
        let own = written.unit.as_ref().map(|unit| self.at_part(unit));
        match own.as_ref().or(self.table.unit.as_ref()) {
            Some(at) => value::unit(self.cx, at).map(Some),
            None => Some(feed.and_then(|feed| feed.unit.clone())),
        }
    }

    fn at_part(self, part: &Part) -> At<String> {
        let place = self.cx.sources.within(self.at.place, &self.at.value, part.span.clone());
        At { value: part.text.clone(), place, key: place }
    }

    /// The scenario's own calendar, by the feed's days where it names no zone.
    fn own_release(self, zone: Tz) -> Option<Release> {
        let named = self.table.release.as_ref().is_some_and(|table| table.timezone.is_some());
        self.release.map(|release| Release { zone: if named { release.zone } else { zone }, ..release.clone() })
    }

    /// The feed that the series would come from: the one that it names, else the only one that the rule means by
    /// its name; `None` where that is wrong.
    fn feed(self, written: &Written, place: Place) -> Option<Option<&'a Feed>> {
        let own = written.labels.iter().find(|(name, _)| name.text == "feed").map(|(_, value)| self.at_part(value));
        let of_all = || self.table.labels.iter().find(|(name, _)| name.value == "feed").map(|(_, value)| value.clone());
        if let Some(named) = own.or_else(of_all) {
            return self.named(&named).map(Some);
        }
        let is_meant = |feed: &&Feed| {
            self.meant.iter().any(|meant| meant.selector.pattern("feed").is_some_and(|feeds| feeds.matches(&feed.name)))
        };
        match self.setup.feeds.iter().filter(is_meant).collect::<Vec<_>>()[..] {
            [] => Some(None),
            [only] => Some(Some(only)),
            ref several => {
                let help =
                    format!("write feed=NAME before the figures: {}", list(several.iter().map(|feed| &feed.name)));
                self.cx.error(place, "which feed are these figures of?", "no `feed`", help);
                None
            }
        }
    }

    fn named(self, at: &At<String>) -> Option<&'a Feed> {
        if let Some(feed) = self.setup.feeds.iter().find(|feed| feed.name == at.value) {
            return Some(feed);
        }
        if self.setup.derived.iter().any(|derived| derived.name == at.value) {
            let message = format!("series `{}` is calculated from others", at.value);
            self.cx.error(at.place, message, "not of a feed", "write the series that it is calculated from");
            return None;
        }
        let finding =
            Finding::error(at.place, format!("there is no feed `{}`", shorten(&at.value, 60))).label("unknown");
        let names = self.setup.feeds.iter().map(|feed| feed.name.as_str());
        self.cx.add(finding.near_or_all(&at.value, names, "the feeds are"));
        None
    }

    /// What every series of the feed has, what the rule asks for, what the scenario says, and what the series says.
    fn labels(self, written: &Written, feed: Option<&Feed>) -> Labels {
        let mut labels = feed.map(|feed| feed.labels.clone()).unwrap_or_default();
        let is_of = |meant: &&Meant<'_>| match (feed, meant.selector.pattern("feed")) {
            (Some(feed), Some(pattern)) => pattern.matches(&feed.name),
            _ => true,
        };
        let of_feed: Vec<&Meant<'_>> = self.meant.iter().filter(is_of).collect();
        if let Some((first, others)) = of_feed.split_first() {
            let agreed =
                |(name, value): &(&str, &str)| others.iter().all(|other| other.given.value(name) == Some(value));
            first.given.iter().filter(agreed).for_each(|(name, value)| labels.set(name, value));
        }
        for (name, value) in &self.table.labels {
            labels.set(name.value.as_str(), canonical(&name.value, &value.value));
        }
        for (name, value) in &written.labels {
            labels.set(name.text.as_str(), canonical(&name.text, &value.text));
        }
        labels
    }
}
