//! The series that there are, stored and derived: found by labels and words, each with all that was ever known
//! of it.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;
use sha2::{Digest, Sha256};

use super::explain::Source;
use super::feeds::NextRelease;
use super::reading::EarlierFigure;
use super::{Inspection, Page, Unanswered};
use crate::alert::{State, alert_id};
use crate::base::clock::Timestamp;
use crate::base::limits::{LABEL_VALUES_TOLD, SEARCHED_FOR_LABELS};
use crate::base::moment::Moment;
use crate::base::text::{hex, printable};
use crate::catalogue::{Catalogue, feed, histories};
use crate::chart::Chart;
use crate::outbox::subject;
use crate::period::{Frequency, Period, Span};
use crate::rule::Severity;
use crate::rule::derived::Derived;
use crate::rule::roster::Subject;
use crate::series::derive::Misfit;
use crate::series::{AsOf, Finite, History, Labels, Pattern, PullId, Selector, Status, Unit};
use crate::store::{SeriesQuery, SeriesRef, Store, StoreError};

/// Pulls that are told of one series, at most: the newest that changed it.
const SOURCES_TOLD: usize = 20;

/// Which series are looked for.
pub struct Search {
    /// Words that must all be somewhere in the labels, whatever their case.
    pub text: String,
    /// Labels that must match the patterns that rules are written in: values, globs, `!` for all but one.
    pub labels: Vec<(String, String)>,
    /// Which of those found.
    pub page: Page,
}

/// One series.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SeriesSummary {
    /// Its name in addresses: the store's number; of a derived one, `d` and 16 hexadecimal digits that depend on its
    /// labels alone.
    pub id: String,
    /// Its labels.
    pub labels: Labels,
    /// What it is, in words: `China → US rare-earth magnet exports`.
    pub title: String,
    /// Its frequency.
    pub frequency: Frequency,
    /// Its unit.
    pub unit: Option<Unit>,
    /// Whether it is calculated from others.
    pub derived: bool,
    /// Its latest figure.
    pub latest: Option<Observation>,
    /// Why it has no figures, where those that it is calculated from do not fit together.
    pub misfit: Option<String>,
}

/// The series that were found.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FoundSeries {
    /// Those of this piece of the list, stored ones first, in the order of feeds and labels.
    pub series: Vec<SeriesSummary>,
    /// How many were found.
    pub found: usize,
    /// How many there are.
    pub total: usize,
    /// The labels of those found, with their values; where there are very many, of the first thousand.
    pub labels: Vec<LabelValues>,
    /// The token for what is behind this piece.
    pub next_token: Option<String>,
}

/// A label and the values that some series have of it.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LabelValues {
    /// The label.
    pub label: String,
    /// Its values: those of most series.
    pub values: Vec<LabelValue>,
    /// How many more values there are.
    pub more: usize,
}

/// A label's value and how many series have it.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LabelValue {
    /// The value.
    pub value: String,
    /// How many.
    pub series: usize,
}

/// A figure of a period, with what it was before.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    /// The period, or the periods that the figure covers.
    pub period: Span,
    /// The figure, in the series' unit; nothing where it was withdrawn.
    pub value: Option<f64>,
    /// The publisher's mark.
    pub status: Status,
    /// When this vintage became known.
    pub recorded_at: Timestamp,
    /// The number of the pull that brought it.
    pub pull: PullId,
    /// What was known of the period before, oldest first.
    pub earlier: Vec<EarlierFigure>,
}

/// Some of a series' figures.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Observations {
    /// The series' name in addresses.
    pub id: String,
    /// Its labels.
    pub labels: Labels,
    /// Its unit.
    pub unit: Option<Unit>,
    /// The moment whose knowledge they are, where another than now was asked for.
    pub as_of: Option<Timestamp>,
    /// The figures, oldest first.
    pub observations: Vec<Observation>,
    /// The token for what is behind this piece.
    pub next_token: Option<String>,
}

/// A series with all that there is to say of it beside its figures.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SeriesDetail {
    /// What it is.
    #[serde(flatten)]
    pub summary: SeriesSummary,
    /// How it is calculated, where it is derived: the formula as written.
    pub formula: Option<String>,
    /// The first period with a figure.
    pub first: Option<Period>,
    /// How many periods have a figure.
    pub figures: usize,
    /// How many figures replaced another.
    pub revisions: usize,
    /// The next figure by the release calendar, where there is one.
    pub next_release: Option<NextRelease>,
    /// The rules that judge it by itself.
    pub rules: Vec<SeriesRule>,
    /// The pulls that changed it last, newest first.
    pub sources: Vec<Source>,
}

/// A rule that judges a series.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SeriesRule {
    /// Its name.
    pub rule: String,
    /// Its condition.
    pub when: String,
    /// The alert's id.
    pub alert: String,
    /// How bad it is, while it fires.
    pub firing: Option<Severity>,
    /// Why it is held as it was.
    pub held: Option<String>,
}

/// A derived series' name in addresses.
fn derived_id(labels: &Labels) -> String {
    format!("d{}", hex(&Sha256::digest(labels.key().as_bytes())[..8]))
}

/// The name in addresses of what a rule judges; a group has none.
pub fn id(catalogue: &Catalogue<'_>, subject: &Subject) -> Option<String> {
    let derived = || catalogue.definition(subject).map(|_| derived_id(&subject.labels));
    catalogue.number(subject).map(|number| number.to_string()).or_else(derived)
}

/// Looks for series: stored ones where they are kept, then those that derive from them.
pub async fn search(inspection: Inspection<'_>, wanted: Search) -> Result<FoundSeries, Unanswered> {
    let Inspection { setup, store, .. } = inspection;
    let Search { text, labels, page } = wanted;
    let query = SeriesQuery { selector: selector(&labels)?, text, offset: page.offset()?, ..SeriesQuery::default() };
    let part = store.find_series(SeriesQuery { limit: page.limit, ..query.clone() }).await?;
    let read = store.find_series(SeriesQuery { offset: 0, limit: SEARCHED_FOR_LABELS, ..query.clone() }).await?;
    let derived = Derivation::new(inspection).await?;
    let found_derived = derived.found(&query);
    let (stored, all) = (part.total.unwrap_or_default(), store.find_series(SeriesQuery::default()).await?);
    let shown = found_derived.iter().skip(query.offset.saturating_sub(stored));
    let shown: Vec<Subject> = shown.take(page.limit.saturating_sub(part.items.len())).cloned().collect();
    let end = query.offset + part.items.len() + shown.len();
    let found = stored + found_derived.len();
    let labels =
        values(read.items.iter().map(|series| &series.labels).chain(found_derived.iter().map(|one| &one.labels)));
    let histories = histories(setup, store, &part.items, PullId(i64::MAX)).await?;
    let mut series: Vec<SeriesSummary> =
        part.items.iter().zip(&histories).map(|(series, history)| stored_summary(series, history)).collect();
    series.extend(derived.summaries(store, &shown).await?);
    let total = all.total.unwrap_or_default() + derived.subjects.len();
    let next_token = (end < found && !series.is_empty()).then(|| end.to_string());
    Ok(FoundSeries { series, found, total, labels, next_token })
}

fn selector(labels: &[(String, String)]) -> Result<Selector, Unanswered> {
    let mut patterns: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, value) in labels {
        patterns.entry(name).or_default().push(value);
    }
    let read = |(name, values): (&str, Vec<&str>)| {
        let pattern = Pattern::parse(values).map_err(|error| Unanswered::Invalid(printable(&error.to_string())))?;
        Ok((name.to_owned(), pattern))
    };
    Ok(Selector::new(patterns.into_iter().map(read).collect::<Result<_, Unanswered>>()?))
}

/// The derived series; to know them, all stored ones must be read, so only where there is a definition.
struct Derivation<'a> {
    catalogue: Option<Catalogue<'a>>,
    subjects: Vec<Subject>,
}

impl<'a> Derivation<'a> {
    async fn new(inspection: Inspection<'a>) -> Result<Self, StoreError> {
        let definitions = 0..inspection.setup.derived.len();
        if definitions.is_empty() {
            return Ok(Self { catalogue: None, subjects: Vec::new() });
        }
        let catalogue = Catalogue::new(inspection.setup, inspection.store).await?;
        let subjects = definitions.flat_map(|definition| catalogue.derived(definition)).collect();
        Ok(Self { catalogue: Some(catalogue), subjects })
    }

    fn found(&self, query: &SeriesQuery) -> Vec<Subject> {
        let words: Vec<String> = query.text.split_whitespace().map(str::to_lowercase).collect();
        let is_found = |one: &&Subject| query.selector.matches(&one.labels) && has_words(&one.labels, &words);
        self.subjects.iter().filter(is_found).cloned().collect()
    }

    async fn summaries(&self, store: &Store, shown: &[Subject]) -> Result<Vec<SeriesSummary>, StoreError> {
        let Some(catalogue) = &self.catalogue else { return Ok(Vec::new()) };
        let histories = catalogue.pasts(store, shown).await?;
        let summary = |(one, history): (&Subject, &Result<History, Misfit>)| {
            let definition = catalogue.definition(one)?;
            Some(derived_summary(&one.labels, definition, history.as_ref().map_err(ToString::to_string)))
        };
        Ok(shown.iter().zip(&histories).filter_map(summary).collect())
    }
}

/// Whether each word is in one of the labels, written `name=value`.
fn has_words(labels: &Labels, words: &[String]) -> bool {
    if words.is_empty() {
        return true;
    }
    let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}").to_lowercase()).collect();
    words.iter().all(|word| pairs.iter().any(|pair| pair.contains(word)))
}

/// The values of each label that some series have, those of most series first.
fn values<'l>(series: impl Iterator<Item = &'l Labels>) -> Vec<LabelValues> {
    let mut counts: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for (name, value) in series.flat_map(Labels::iter) {
        *counts.entry(name).or_default().entry(value).or_default() += 1;
    }
    let of_label = |(label, counts): (&str, BTreeMap<&str, usize>)| {
        let mut values: Vec<LabelValue> =
            counts.into_iter().map(|(value, series)| LabelValue { value: value.to_owned(), series }).collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.series));
        let more = values.len().saturating_sub(LABEL_VALUES_TOLD);
        values.truncate(LABEL_VALUES_TOLD);
        LabelValues { label: label.to_owned(), values, more }
    };
    counts.into_iter().map(of_label).collect()
}

fn stored_summary(series: &SeriesRef, history: &History) -> SeriesSummary {
    SeriesSummary {
        id: series.id.to_string(),
        labels: series.labels.clone(),
        title: title(&series.labels),
        frequency: series.frequency,
        unit: series.unit.clone(),
        derived: false,
        latest: latest(history),
        misfit: None,
    }
}

fn derived_summary(labels: &Labels, definition: &Derived, history: Result<&History, String>) -> SeriesSummary {
    SeriesSummary {
        id: derived_id(labels),
        labels: labels.clone(),
        title: title(labels),
        frequency: definition.frequency,
        unit: definition.unit.clone(),
        derived: true,
        latest: history.as_ref().ok().and_then(|history| latest(history)),
        misfit: history.err(),
    }
}

/// What a series is, in words.
pub fn title(labels: &Labels) -> String {
    subject(labels, None)
}

/// The last of the periods that have a figure.
fn latest(history: &History) -> Option<Observation> {
    let newest = |vintages: &[crate::series::Vintage]| vintages.last().is_some_and(|vintage| vintage.value.is_some());
    let (span, vintages) = history.entries().rev().find(|(_, vintages)| newest(vintages))?;
    observation(span, vintages.iter().collect())
}

/// Of the vintages of a period, oldest first: the last one, with those before it.
fn observation(span: Span, vintages: Vec<&crate::series::Vintage>) -> Option<Observation> {
    let (last, _) = vintages.split_last()?;
    Some(Observation {
        period: span,
        value: last.value.map(Finite::get),
        status: last.status,
        recorded_at: last.recorded_at,
        pull: last.pull,
        earlier: EarlierFigure::of(&vintages),
    })
}

/// One series with its figures.
pub struct Case<'a> {
    inspection: Inspection<'a>,
    pub(super) summary: SeriesSummary,
    formula: Option<String>,
    pub(super) history: History,
    zone: Tz,
}

impl<'a> Case<'a> {
    /// The series of a name in addresses.
    pub async fn read(inspection: Inspection<'a>, series: &str) -> Result<Self, Unanswered> {
        let found = match series.parse::<i64>() {
            Ok(number) => Self::stored(inspection, number).await?,
            Err(_) => Self::derived(inspection, series).await?,
        };
        let why = || format!("there is no series `{}`: look for it among the series", printable(series));
        found.ok_or_else(|| Unanswered::Unknown(why()))
    }

    async fn stored(inspection: Inspection<'a>, number: i64) -> Result<Option<Self>, Unanswered> {
        let Inspection { setup, store, .. } = inspection;
        let Some(series) = store.series_by_id(number).await? else { return Ok(None) };
        let read = histories(setup, store, std::slice::from_ref(&series), PullId(i64::MAX)).await?.pop();
        let case = |history| Self {
            inspection,
            summary: stored_summary(&series, &history),
            formula: None,
            zone: feed(setup, &series.feed).map_or(setup.zone, |feed| feed.zone),
            history,
        };
        Ok(read.map(case))
    }

    async fn derived(inspection: Inspection<'a>, id: &str) -> Result<Option<Self>, Unanswered> {
        let Derivation { catalogue, subjects } = Derivation::new(inspection).await?;
        let found = subjects.iter().find(|one| derived_id(&one.labels) == id);
        let (Some(catalogue), Some(one)) = (catalogue, found) else { return Ok(None) };
        let Some(definition) = catalogue.definition(one) else { return Ok(None) };
        let past = catalogue.past(inspection.store, one, None).await?.history;
        let history = past.map_err(|misfit| Unanswered::Unknown(format!("{}: {misfit}", one.labels)))?;
        Ok(Some(Self {
            inspection,
            summary: derived_summary(&one.labels, definition, Ok(&history)),
            formula: Some(definition.formula.text().to_owned()),
            zone: catalogue.zone(one),
            history,
        }))
    }

    /// What there is to say of it beside its figures.
    pub async fn detail(&self) -> Result<SeriesDetail, StoreError> {
        let history = &self.history;
        let view = history.view(AsOf::Latest);
        let vintages: usize = history.entries().map(|(_, vintages)| vintages.len()).sum();
        let release = history.release().zip(view.latest());
        Ok(SeriesDetail {
            summary: self.summary.clone(),
            formula: self.formula.clone(),
            first: view.earliest(),
            figures: view.points().count(),
            revisions: vintages - history.entries().count(),
            next_release: release
                .and_then(|(release, latest)| release.upcoming(latest, self.inspection.now))
                .map(NextRelease::new),
            rules: self.rules().await?,
            sources: self.sources(),
        })
    }

    async fn rules(&self) -> Result<Vec<SeriesRule>, StoreError> {
        let Self { inspection, summary: SeriesSummary { labels, .. }, .. } = self;
        let mut rules = Vec::new();
        for rule in &inspection.setup.rules {
            let selector = &rule.selector;
            if !selector.group_by().is_empty() || !selector.matches(labels) {
                continue;
            }
            let alert = inspection.store.alert(&rule.name, labels).await?;
            let firing = alert.as_ref().and_then(|alert| match &alert.state {
                State::Firing(firing) => Some(firing.severity),
                State::Ok => None,
            });
            rules.push(SeriesRule {
                rule: rule.name.clone(),
                when: rule.text(),
                alert: alert_id(&rule.name, labels),
                firing,
                held: alert.and_then(|alert| alert.held),
            });
        }
        Ok(rules)
    }

    fn sources(&self) -> Vec<Source> {
        let own = self.history.entries().flat_map(|(_, vintages)| vintages.iter().map(|vintage| vintage.pull));
        let pulls: BTreeSet<PullId> = own.chain(self.history.behind()).collect();
        Source::of(&self.history, pulls.into_iter().rev()).take(SOURCES_TOLD).collect()
    }

    /// All figures as they were known at a moment, oldest first; those withdrawn by then among them.
    pub fn observations(&self, as_of: Option<Moment>) -> Vec<Observation> {
        let instant = self.instant(as_of);
        let view = self.history.view(instant.map_or(AsOf::Latest, AsOf::Time));
        let entries = self.history.entries();
        let known = entries.map(|(span, vintages)| (span, vintages.iter().filter(|vintage| view.shows(vintage))));
        known.filter_map(|(span, vintages)| observation(span, vintages.collect())).collect()
    }

    /// Some of them.
    pub fn page(&self, as_of: Option<Moment>, page: &Page) -> Result<Observations, Unanswered> {
        let (observations, next_token) =
            page.of(self.observations(as_of), |observation| observation.period.to_string())?;
        Ok(Observations {
            id: self.summary.id.clone(),
            labels: self.summary.labels.clone(),
            unit: self.history.unit().cloned(),
            as_of: self.instant(as_of),
            observations,
            next_token,
        })
    }

    fn instant(&self, as_of: Option<Moment>) -> Option<Timestamp> {
        as_of.map(|moment| moment.instant(self.zone))
    }

    /// The publisher's time zone: days are told by its calendar.
    pub const fn zone(&self) -> Tz {
        self.zone
    }

    /// Its last figures, so many at most.
    pub fn chart(&self, figures: usize) -> Chart {
        Chart::new(&title(&self.summary.labels), &self.history.view(AsOf::Latest), self.zone).last(figures)
    }
}
