//! The series that there are, stored and derived: found by labels and words, each with all that was ever known
//! of it.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;
use sha2::{Digest, Sha256};

use super::aside::aside;
use super::explain::Source;
use super::feeds::NextRelease;
use super::matching::Test;
use super::reading::EarlierFigure;
use super::{Inspection, Page, Unanswered};
use crate::alert::{State, alert_id};
use crate::base::clock::Timestamp;
use crate::base::limits::LABEL_VALUES_TOLD;
use crate::base::moment::Moment;
use crate::base::text::{hex, printable};
use crate::catalogue::Catalogue;
use crate::chart::Chart;
use crate::outbox::subject;
use crate::period::{Frequency, Period, Span};
use crate::rule::Severity;
use crate::rule::roster::Subject;
use crate::series::{AsOf, Finite, History, Labels, PullId, Status, Unit};
use crate::store::StoreError;

/// Pulls that are told of one series, at most: the newest that changed it.
const SOURCES_TOLD: usize = 20;

/// Which series are looked for.
pub struct Search {
    /// Words that must all be somewhere in the labels, whatever their case.
    pub text: String,
    /// Conditions on its labels, which must all hold.
    pub tests: Vec<Test>,
    /// Which of those found.
    pub page: Page,
}

/// One series.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SeriesSummary {
    /// Its name in addresses: 16 hexadecimal digits that depend on its labels alone.
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
    /// The labels of those found, with their values.
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

/// A series' name in addresses.
pub fn id(labels: &Labels) -> String {
    hex(&Sha256::digest(labels.key().as_bytes())[..8])
}

/// Looks for series.
pub async fn search(inspection: Inspection<'_>, wanted: Search) -> Result<FoundSeries, Unanswered> {
    let Search { text, tests, page } = wanted;
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let catalogue = Catalogue::new(inspection.setup, inspection.store).await?;
    let all: Vec<Labels> = catalogue.labels().cloned().collect();
    let (found, labels) = aside(move || {
        let holds = |labels: &Labels| tests.iter().all(|test| test.holds_of(|name| labels.value(name)));
        let is_meant = |labels: &Labels| holds(labels) && has_words(labels, &words);
        let found: Vec<usize> = (0..all.len()).filter(|at| is_meant(&all[*at])).collect();
        let labels = values(found.iter().map(|at| &all[*at]));
        (found, labels)
    })
    .await;
    let count = found.len();
    let (shown, next_token) = page.of(found, |at| id(&catalogue.subject(*at).labels))?;
    let subjects: Vec<Subject> = shown.into_iter().map(|at| catalogue.subject(at)).collect();
    let histories = catalogue.pasts(inspection.store, &subjects).await?;
    let series = subjects.iter().zip(&histories).map(|(subject, history)| {
        let history = history.as_ref().map_err(ToString::to_string);
        summary(&catalogue, subject, history)
    });
    Ok(FoundSeries { series: series.collect(), found: count, total: catalogue.len(), labels, next_token })
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

fn summary(catalogue: &Catalogue<'_>, subject: &Subject, history: Result<&History, String>) -> SeriesSummary {
    let derived = catalogue.definition(subject);
    let latest = history.as_ref().ok().and_then(|history| latest(history));
    SeriesSummary {
        id: id(&subject.labels),
        labels: subject.labels.clone(),
        title: title(&subject.labels),
        frequency: catalogue.frequency(subject),
        unit: match (&history, derived) {
            (Ok(history), _) => history.unit().cloned(),
            (Err(_), Some(derived)) => derived.unit.clone(),
            (Err(_), None) => None,
        },
        derived: derived.is_some(),
        latest,
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
    catalogue: Catalogue<'a>,
    subject: Subject,
    history: History,
    zone: Tz,
}

impl<'a> Case<'a> {
    /// The series of a name in addresses.
    pub async fn read(inspection: Inspection<'a>, series: &str) -> Result<Self, Unanswered> {
        let catalogue = Catalogue::new(inspection.setup, inspection.store).await?;
        let (all, wanted): (Vec<Labels>, _) = (catalogue.labels().cloned().collect(), series.to_owned());
        let found = aside(move || all.iter().position(|labels| id(labels) == wanted)).await;
        let Some(position) = found else {
            let why = format!("there is no series `{}`: look for it among the series", printable(series));
            return Err(Unanswered::Unknown(why));
        };
        let subject = catalogue.subject(position);
        let past = catalogue.past(inspection.store, &subject, None).await?;
        let history = past.history.map_err(|misfit| Unanswered::Unknown(format!("{}: {misfit}", subject.labels)))?;
        let zone = catalogue.zone(&subject);
        Ok(Self { inspection, catalogue, subject, history, zone })
    }

    /// What there is to say of it beside its figures.
    pub async fn detail(&self) -> Result<SeriesDetail, StoreError> {
        let Self { history, subject, .. } = self;
        let view = history.view(AsOf::Latest);
        let vintages: usize = history.entries().map(|(_, vintages)| vintages.len()).sum();
        let release = history.release().zip(view.latest());
        Ok(SeriesDetail {
            summary: summary(&self.catalogue, subject, Ok(history)),
            formula: self.catalogue.definition(subject).map(|derived| derived.formula.text().to_owned()),
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
        let Self { inspection, subject, .. } = self;
        let mut rules = Vec::new();
        for rule in &inspection.setup.rules {
            let selector = &rule.selector;
            if !selector.group_by().is_empty() || !selector.matches(&subject.labels) {
                continue;
            }
            let alert = inspection.store.alert(&rule.name, &subject.labels).await?;
            let firing = alert.as_ref().and_then(|alert| match &alert.state {
                State::Firing(firing) => Some(firing.severity),
                State::Ok => None,
            });
            rules.push(SeriesRule {
                rule: rule.name.clone(),
                when: rule.text(),
                alert: alert_id(&rule.name, &subject.labels),
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
            id: id(&self.subject.labels),
            labels: self.subject.labels.clone(),
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
        Chart::new(&title(&self.subject.labels), &self.history.view(AsOf::Latest), self.zone).last(figures)
    }

    /// Every vintage of every figure as a table (RFC 4180), with its labels: a line each, oldest period first. No cell
    /// is a formula to a spreadsheet.
    pub fn csv(&self) -> String {
        let labels: Vec<(&str, &str)> = self.subject.labels.iter().collect();
        let columns = ["period", "value", "unit", "status", "known_since", "known_until"];
        let header = labels.iter().map(|(name, _)| *name).chain(columns).map(harmless).collect();
        let unit = self.history.unit().map(ToString::to_string).unwrap_or_default();
        let mut records: Vec<Vec<String>> = vec![header];
        for (span, vintages) in self.history.entries() {
            for (at, vintage) in vintages.iter().enumerate() {
                let until = vintages.get(at + 1).map(|next| next.recorded_at.to_string());
                let mut record: Vec<String> = labels.iter().map(|(_, value)| harmless(value)).collect();
                record.extend([
                    span.to_string(),
                    vintage.value.map(|value| value.get().to_string()).unwrap_or_default(),
                    harmless(&unit),
                    vintage.status.to_string(),
                    vintage.recorded_at.to_string(),
                    until.unwrap_or_default(),
                ]);
                records.push(record);
            }
        }
        let mut writer = csv::Writer::from_writer(Vec::new());
        for record in records {
            // Writing into memory cannot fail.
            let _ = writer.write_record(record);
        }
        writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

/// A text that no spreadsheet takes for a formula
/// (<https://owasp.org/www-community/attacks/CSV_Injection>).
fn harmless(text: &str) -> String {
    let first = text.trim_start_matches(' ').chars().next();
    if first.is_some_and(|first| "=+-@\t\r\n".contains(first)) { format!("'{text}") } else { text.to_owned() }
}
