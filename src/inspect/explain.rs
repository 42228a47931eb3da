//! Why a rule does or does not fire: its expression with every value and figure, and what keeps it quiet.

use std::collections::BTreeSet;

use chrono_tz::Tz;

use super::aside::aside;
use super::nearness::Level;
use super::reading::{ExplainedFigure, ExplainedGate, Ruling};
use super::{Inspection, Quiet, Unanswered, meant, nearness};
use crate::alert::{Alert, Hush, State, Topic, alert_id};
use crate::base::clock::Timestamp;
use crate::base::limits::EXPLAINED_MAX;
use crate::base::moment::Moment;
use crate::base::text::counted;
use crate::catalogue::Catalogue;
use crate::chart::{Chart, Firing};
use crate::outbox::notified;
use crate::period::Period;
use crate::rule::roster::Subject;
use crate::rule::{Judgement, Rule, Verdict, bounds, judge};
use crate::series::{AsOf, History, Labels, Provenance, PullId, Unit, View};
use crate::store::StoreError;

/// Figures in a chart, at most: more is for a backtest.
const DRAWN: usize = 60;

/// Which look at a rule is meant.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look {
    /// At this period; without one, at the latest.
    pub period: Option<Period>,
    /// As it was known then; without it, as it is known now.
    pub as_of: Option<Moment>,
}

/// Why a rule on one series is not explained.
#[derive(Debug, thiserror::Error)]
pub enum Unexplained {
    /// There is no figure to judge.
    #[error("{0}")]
    Nothing(String),
    /// The figures that it would judge together do not fit together.
    #[error("{0}")]
    Misfit(String),
    /// The period that was asked for is of another frequency.
    #[error("{0}")]
    Frequency(String),
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Unexplained> for Unanswered {
    fn from(why: Unexplained) -> Self {
        match why {
            Unexplained::Nothing(why) | Unexplained::Misfit(why) => Self::Unknown(why),
            Unexplained::Frequency(why) => Self::Invalid(why),
            Unexplained::Store(error) => Self::Store(error),
        }
    }
}

/// One rule on one series or group at one period: what it says, and how it came to that.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The rule's name.
    pub rule: String,
    /// The labels of the series or group.
    pub labels: Labels,
    /// The id of the alert, which there is only once it fired: 16 hexadecimal digits.
    pub alert: String,
    /// The period that is judged, such as `2025-09`.
    pub period: Period,
    /// The latest period that has a figure.
    pub latest: Option<Period>,
    /// The moment whose knowledge is judged, where another than now was asked for.
    pub as_of: Option<Timestamp>,
    /// Whether the rule holds: all gates, of one severity at least where it has two.
    pub verdict: Ruling,
    /// What is missing, where that is unknown: a sentence each.
    pub missing: Vec<String>,
    /// The gates of `when`, the milder severity's first.
    pub gates: Vec<ExplainedGate>,
    /// What `clear` says, one for each severity that has one.
    pub clears: Vec<ExplainedGate>,
    /// How near each severity is, the milder first; nothing for a rule about items, which no figure moves.
    pub levels: Vec<Level>,
    /// Why the alert is held as it was.
    pub held: Option<String>,
    /// What keeps its messages back: silences, other alerts, an acknowledgement.
    pub suppressed: Vec<Hush>,
    /// All that keeps the rule from speaking, whatever its figures say: a sentence each.
    pub kept_back: Vec<String>,
    /// How many measures `min_base` keeps quiet.
    pub kept_quiet: usize,
    /// The figures that are not looked at, since only final ones count.
    pub not_looked_at: Vec<ExplainedFigure>,
    /// The series' unit, such as `t`.
    pub unit: Option<Unit>,
    /// The receivers that are told.
    pub receivers: Vec<String>,
    /// Where the figures came from.
    pub sources: Vec<Source>,
    /// SHA-256 over all that changes the rule's meaning, in hexadecimal digits.
    pub hash: String,
}

/// A pull that brought figures.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// Its number.
    pub pull: PullId,
    /// The feed.
    pub feed: String,
    /// The address without secrets, or the path.
    pub url: String,
    /// When it was retrieved.
    pub retrieved_at: Timestamp,
    /// SHA-256 of the response, in hexadecimal digits.
    pub sha256: String,
}

impl Source {
    /// Of some pulls of a history, as far as their provenance is known.
    pub fn of(history: &History, pulls: impl Iterator<Item = PullId>) -> impl Iterator<Item = Self> {
        let source = |pull| {
            let Provenance { feed, url, retrieved_at, sha256 } = history.provenance(pull)?.clone();
            Some(Self { pull, feed, url, retrieved_at, sha256 })
        };
        pulls.filter_map(source)
    }
}

/// A rule's series, explained.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Explanations {
    /// One for each series or group that has figures.
    pub explanations: Vec<Explanation>,
    /// Those of which nothing can be said, and why.
    pub unexplained: Vec<UnexplainedSeries>,
    /// So many more are left out: name their labels.
    pub left_out: usize,
}

/// A series or group of which nothing can be said.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnexplainedSeries {
    /// Its labels.
    pub labels: Labels,
    /// Why.
    pub reason: String,
}

/// Explains a rule on each series or group that has these labels.
pub async fn explain(
    inspection: Inspection<'_>,
    rule: &str,
    labels: &[(String, String)],
    look: Look,
) -> Result<Explanations, Unanswered> {
    let rule = meant::rule(inspection.setup, rule)?;
    let explainer = Explainer::new(inspection).await?;
    let subjects = meant::subjects(explainer.catalogue(), rule, labels)?;
    let (mut cases, mut unexplained) = (Vec::new(), Vec::new());
    for subject in subjects.iter().take(EXPLAINED_MAX) {
        match explainer.case(rule, subject, look).await {
            Ok(case) => cases.push(case),
            Err(Unexplained::Nothing(reason) | Unexplained::Misfit(reason)) => {
                unexplained.push(UnexplainedSeries { labels: subject.labels.clone(), reason });
            }
            Err(why) => return Err(why.into()),
        }
    }
    let explanations = aside(move || cases.iter().map(Case::explanation).collect()).await;
    let left_out = subjects.len().saturating_sub(EXPLAINED_MAX);
    Ok(Explanations { explanations, unexplained, left_out })
}

/// What explanations are made from.
pub struct Explainer<'a> {
    inspection: Inspection<'a>,
    catalogue: Catalogue<'a>,
    quiet: Quiet<'a>,
}

/// A rule on one series at one period, with all that its explanation needs.
pub struct Case {
    rule: Rule,
    history: History,
    zone: Tz,
    now: Timestamp,
    period: Period,
    /// As it was known then.
    instant: Option<Timestamp>,
    /// The alert as it stands now; of another moment nothing is known.
    alert: Option<Alert>,
    /// What keeps its messages back.
    suppressed: Vec<Hush>,
    /// Who is told.
    receivers: Vec<String>,
}

impl<'a> Explainer<'a> {
    /// Reads which series there are, and what keeps messages back.
    pub async fn new(inspection: Inspection<'a>) -> Result<Self, StoreError> {
        let Inspection { setup, store, now } = inspection;
        let catalogue = Catalogue::new(setup, store).await?;
        Ok(Self { inspection, catalogue, quiet: Quiet::read(setup, store, now).await? })
    }

    /// The series that there are.
    pub const fn catalogue(&self) -> &Catalogue<'a> {
        &self.catalogue
    }

    /// Reads all that an explanation of a rule on one series needs.
    pub async fn case(&self, rule: &Rule, subject: &Subject, look: Look) -> Result<Case, Unexplained> {
        let Inspection { store, now, .. } = self.inspection;
        let past = self.catalogue.past(store, subject, None).await?;
        let history = past.history.map_err(|misfit| Unexplained::Misfit(format!("{}: {misfit}", subject.labels)))?;
        let zone = self.catalogue.zone(subject);
        let instant = look.as_of.map(|moment| moment.instant(zone));
        let labels = history.labels();
        let view = history.view(instant.map_or(AsOf::Latest, AsOf::Time));
        let Some(period) = look.period.or_else(|| rule.seen(view).latest()) else {
            return Err(Unexplained::Nothing(match instant {
                Some(_) => format!("nothing was known of {labels} then"),
                None => format!("{labels} has no figure yet; `supplywatch check` says why, where it can"),
            }));
        };
        if period.frequency() != history.frequency() {
            let (found, by) = (period.frequency(), history.frequency());
            return Err(Unexplained::Frequency(format!("{period} is a {found}: {labels} is by {by}")));
        }
        let alert = store.alert(&rule.name, &subject.labels).await?.filter(|_| instant.is_none());
        // Of another moment nothing is known of what was kept back.
        let suppressed = match instant {
            Some(_) => Vec::new(),
            None => self.suppressed(rule, &subject.labels, alert.as_ref()),
        };
        let receivers = receivers(self.inspection, rule, &subject.labels);
        Ok(Case { rule: rule.clone(), history, zone, now, period, instant, alert, suppressed, receivers })
    }

    /// What keeps back what a rule has to say, of its alert as it is, or of one that would fire.
    fn suppressed(&self, rule: &Rule, labels: &Labels, alert: Option<&Alert>) -> Vec<Hush> {
        match alert.filter(|alert| alert.is_firing()) {
            Some(alert) => self.quiet.of(alert),
            None => {
                let topic = Topic { rule: &rule.name, labels, severity: rule.severity };
                self.quiet.of_topic(&topic).into_iter().collect()
            }
        }
    }
}

/// Who is told of a rule's alert on a series, at any of its severities.
pub fn receivers(inspection: Inspection<'_>, rule: &Rule, labels: &Labels) -> Vec<String> {
    let severities = [Some(rule.severity), rule.worse.as_ref().map(|worse| worse.severity)];
    let mut told: Vec<String> = Vec::new();
    for severity in severities.into_iter().flatten() {
        let topic = Topic { rule: &rule.name, labels, severity };
        let names = notified(rule.notify.as_deref(), &inspection.setup.routes, &topic);
        told.extend(names.into_iter().filter(|name| !told.contains(name)).collect::<Vec<_>>());
    }
    told
}

impl Case {
    /// Why the rule does or does not fire. It may take a while: see [`aside`].
    pub fn explanation(&self) -> Explanation {
        let Self { rule, history, period, instant, alert, suppressed, .. } = self;
        let (view, judgement) = (self.view(), self.judgement());
        let hidden = rule.seen(view).hidden();
        let held = alert.as_ref().and_then(|alert| alert.held.clone());
        let not_looked_at: Vec<ExplainedFigure> =
            hidden.iter().map(|point| ExplainedFigure::new(point, history)).collect();
        let missing = match &judgement.verdict {
            Verdict::Unknown(reasons) => reasons.iter().map(ToString::to_string).collect(),
            Verdict::Holds | Verdict::Fails => Vec::new(),
        };
        let gate = |gate| ExplainedGate::new(gate, history, nearness::of_gate(rule, &view, *period, gate));
        let kept_back = kept_back(self, &judgement, held.as_deref(), &not_looked_at);
        Explanation {
            rule: rule.name.clone(),
            labels: history.labels().clone(),
            alert: alert_id(&rule.name, history.labels()),
            period: *period,
            latest: view.latest(),
            as_of: *instant,
            verdict: Ruling::of(&judgement.verdict),
            missing,
            gates: judgement.gates.iter().map(gate).collect(),
            clears: judgement.clear.iter().map(|gate| ExplainedGate::new(gate, history, None)).collect(),
            levels: nearness::levels(rule, &view, &judgement),
            held,
            suppressed: suppressed.clone(),
            kept_back,
            kept_quiet: judgement.kept_quiet(),
            unit: history.unit().cloned(),
            receivers: self.receivers.clone(),
            sources: sources(history, &judgement, &not_looked_at),
            hash: rule.hash.clone(),
            not_looked_at,
        }
    }

    /// The figures as they were known.
    fn view(&self) -> View<'_> {
        let view = self.history.view(self.instant.map_or(AsOf::Latest, AsOf::Time));
        view.at(self.instant.unwrap_or(self.now))
    }

    fn judgement(&self) -> Judgement {
        judge(&self.rule, &self.view(), self.period)
    }

    /// The figures up to the judged period, with those at which the rule changes. It may take a while, too.
    pub fn chart(&self) -> Chart {
        let view = self.rule.seen(self.view());
        let chart = bounds(&self.rule, &view, usize::MAX)
            .into_iter()
            .fold(Chart::new(&self.rule.name, &view, self.zone), Chart::with_line);
        let firing = self.alert.as_ref().and_then(|alert| match &alert.state {
            State::Firing(firing) => Some(Firing { since: firing.since, until: None }),
            State::Ok => None,
        });
        let end = view.latest().filter(|latest| self.period < *latest).map(|_| self.period.last_day());
        chart.with_firing(firing).between(None, end).last(DRAWN)
    }
}

/// What keeps a rule from speaking, whatever its figures say.
fn kept_back(case: &Case, judgement: &Judgement, held: Option<&str>, not_looked_at: &[ExplainedFigure]) -> Vec<String> {
    let mut sentences = Vec::new();
    sentences.extend(held.map(|reason| format!("the alert is held as it was: {reason}")));
    sentences.extend(case.suppressed.iter().map(|hush| match hush {
        Hush::Acknowledgement { .. } => format!("that it goes on is kept back by {hush}"),
        Hush::Silence { .. } | Hush::Alert { .. } => format!("its messages are kept back by {hush}"),
    }));
    let quiet = judgement.kept_quiet();
    if let (Some(min_base), true) = (&case.rule.min_base, quiet > 0) {
        sentences.push(format!("min_base {min_base} keeps {} quiet", counted(quiet, "measure")));
    }
    if !not_looked_at.is_empty() {
        let told: Vec<String> = not_looked_at.iter().map(|figure| figure.in_words(case.history.unit())).collect();
        sentences.push(format!("only final figures count; not looked at: {}", told.join(", ")));
    }
    sentences
}

/// The pulls behind all figures of a judgement, in the order of their numbers.
fn sources(history: &History, judgement: &Judgement, not_looked_at: &[ExplainedFigure]) -> Vec<Source> {
    let gates = judgement.gates.iter().chain(&judgement.clear);
    let read = gates.flat_map(|gate| gate.reading.all_points()).flat_map(|point| history.origins(&point));
    let hidden = not_looked_at.iter().map(|figure| figure.pull);
    let pulls: BTreeSet<PullId> = read.chain(hidden).collect();
    Source::of(history, pulls.into_iter()).collect()
}
