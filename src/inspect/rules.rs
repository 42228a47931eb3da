//! The rules: what each says, what it judges, and which of its series are near to firing.

use std::collections::BTreeSet;

use super::aside::aside;
use super::explain::{UnexplainedSeries, receivers};
use super::nearness::{Level, levels};
use super::reading::Ruling;
use super::series::id;
use super::{Inspection, Unanswered, meant};
use crate::alert::{Alert, State, alert_id};
use crate::base::clock::Timestamp;
use crate::base::limits::JUDGED_MAX;
use crate::catalogue::Catalogue;
use crate::outbox::subject;
use crate::period::Period;
use crate::rule::roster::Subject;
use crate::rule::{Expr, MeasureWords, OnGap, Rule, Severity, Verdict, judge};
use crate::series::derive::Misfit;
use crate::series::{AsOf, History, Labels, Unit};
use crate::store::{AlertCount, AlertQuery, StoreError};

/// A rule, and how its alerts stand.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RuleSummary {
    /// Its name.
    pub name: String,
    /// What the figures are, in words, where the config says so.
    pub title: Option<String>,
    /// All of its conditions in one line.
    pub when: String,
    /// What ends its alerts, in words.
    pub ends: String,
    /// The conditions of each severity, the milder first.
    pub levels: Vec<Conditions>,
    /// The labels that series are judged together by.
    pub group_by: Vec<String>,
    /// The receivers that it names; without them, the routes say who is told.
    pub notify: Option<Vec<String>>,
    /// How many series match it.
    pub matched: usize,
    /// How many of its alerts fire.
    pub firing: usize,
    /// The worst severity of those that fire.
    pub worst: Option<Severity>,
    /// How many of its alerts are held, waiting for a figure.
    pub held: usize,
}

/// The conditions of one severity.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conditions {
    /// How bad it is when they hold.
    pub severity: Severity,
    /// The gates: all must hold.
    pub when: Vec<String>,
    /// What ends it; without it, that the gates fail.
    pub clear: Option<String>,
}

/// A rule with its series.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RuleDetail {
    /// What it says.
    #[serde(flatten)]
    pub summary: RuleSummary,
    /// The rule as it is written in the config.
    pub written: Option<String>,
    /// Below this base a ratio says nothing, such as `1 MUSD`.
    pub min_base: Option<String>,
    /// Whether only final figures count.
    pub final_only: bool,
    /// What it makes of a period that is missing: `hold`, `break`, `bridge`.
    pub on_gap: String,
    /// The measures that it uses, and what they are.
    pub measures: Vec<MeasureWords>,
    /// Who is told of the series below.
    pub receivers: Vec<String>,
    /// What it says of the series below.
    pub verdicts: Verdicts,
    /// Its series or groups at their latest periods, those nearest to firing first.
    pub series: Vec<JudgedSeries>,
    /// Those that cannot be judged, and why.
    pub unjudged: Vec<UnexplainedSeries>,
    /// So many more were not looked at: name their labels.
    pub left_out: usize,
}

/// How many series a rule says what of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verdicts {
    /// It holds.
    pub holds: usize,
    /// It does not.
    pub fails: usize,
    /// It cannot be said.
    pub unknown: usize,
}

/// A series or group as a rule judges its latest period.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JudgedSeries {
    /// Its labels.
    pub labels: Labels,
    /// What it is, in words.
    pub title: String,
    /// The series' name in addresses; a group has none.
    pub series: Option<String>,
    /// The alert's id.
    pub alert: String,
    /// The period.
    pub period: Period,
    /// Its figure, in the series' unit.
    pub value: Option<f64>,
    /// The series' unit.
    pub unit: Option<Unit>,
    /// What the rule says.
    pub verdict: Ruling,
    /// What is missing, where that is unknown.
    pub missing: Vec<String>,
    /// How many gates hold of those of the severity that is nearest, and how many it has.
    pub hold: usize,
    /// See `hold`.
    pub gates: usize,
    /// How much the figure would have to change for that severity's verdict to change, as a share of it.
    pub share: Option<f64>,
    /// How near each severity is.
    pub levels: Vec<Level>,
    /// How bad it is, while the alert fires.
    pub firing: Option<Severity>,
    /// Since which period it fires.
    pub since: Option<Period>,
    /// Why the alert is held as it was.
    pub held: Option<String>,
}

/// Every rule, in the order of their names.
pub async fn rules(inspection: Inspection<'_>) -> Result<Vec<RuleSummary>, StoreError> {
    let Inspection { setup, store, .. } = inspection;
    let catalogue = Catalogue::new(setup, store).await?;
    let alerts = store.count_alerts().await?;
    let mut summaries = Vec::new();
    for rule in &setup.rules {
        summaries.push(summary(rule, catalogue.count(&rule.selector), &alerts));
        tokio::task::yield_now().await;
    }
    Ok(summaries)
}

/// One rule with those of its series that have some labels.
pub async fn rule(
    inspection: Inspection<'_>,
    name: &str,
    labels: &[(String, String)],
) -> Result<RuleDetail, Unanswered> {
    let Inspection { setup, store, now } = inspection;
    let rule = meant::rule(setup, name)?;
    let catalogue = Catalogue::new(setup, store).await?;
    let all = catalogue.subjects(rule);
    // Without any, the rule is still there to be read.
    let subjects = if all.is_empty() { all } else { meant::subjects(&catalogue, rule, labels)? };
    let left_out = subjects.len().saturating_sub(JUDGED_MAX);
    let subjects = first(subjects, &telling(inspection, rule).await?);
    let alerts = store.alerts_of(&rule.name, subjects.iter().map(|subject| &subject.labels)).await?;
    let pasts = catalogue.pasts(store, &subjects).await?;
    let receivers = all_receivers(inspection, rule, &subjects);
    let looks = subjects.into_iter().zip(pasts).zip(alerts);
    let look = |((subject, history), alert): ((Subject, _), _)| {
        let series = id(&catalogue, &subject);
        Look { labels: subject.labels, series, history, alert }
    };
    let looks: Vec<Look> = looks.map(look).collect();
    let judging = rule.clone();
    let (series, unjudged) = aside(move || judged(&judging, looks, now)).await;
    Ok(RuleDetail {
        summary: summary(rule, catalogue.count(&rule.selector), &store.count_alerts().await?),
        written: written(inspection, rule),
        min_base: rule.min_base.as_ref().map(ToString::to_string),
        final_only: rule.final_only,
        on_gap: rule.on_gap.name().to_owned(),
        measures: rule.measures(),
        receivers,
        verdicts: verdicts(&series),
        series,
        unjudged,
        left_out,
    })
}

fn summary(rule: &Rule, matched: usize, alerts: &[AlertCount]) -> RuleSummary {
    let conditions = |severity, when: &[Expr], clear: Option<&Expr>| Conditions {
        severity,
        when: when.iter().map(|gate| gate.text().to_owned()).collect(),
        clear: clear.map(|clear| clear.text().to_owned()),
    };
    let own = conditions(rule.severity, &rule.when, rule.clear.as_ref());
    let worse = rule.worse.as_ref().map(|worse| conditions(worse.severity, &worse.when, worse.clear.as_ref()));
    let own_alerts = || alerts.iter().filter(|count| count.rule == rule.name);
    RuleSummary {
        name: rule.name.clone(),
        title: rule.title.clone(),
        when: rule.text(),
        ends: rule.ends(),
        levels: std::iter::once(own).chain(worse).collect(),
        group_by: rule.selector.group_by().to_vec(),
        notify: rule.notify.clone(),
        matched,
        firing: own_alerts().filter(|count| count.severity.is_some()).map(|count| count.count).sum(),
        worst: own_alerts().filter_map(|count| count.severity).max(),
        held: own_alerts().filter(|count| count.held).map(|count| count.count).sum(),
    }
}

fn firing(alert: &Alert) -> Option<(Severity, Period)> {
    match &alert.state {
        State::Firing(firing) => Some((firing.severity, firing.since)),
        State::Ok => None,
    }
}

/// The series of which a rule has something to say: its alert fires, or waits.
async fn telling(inspection: Inspection<'_>, rule: &Rule) -> Result<BTreeSet<Labels>, StoreError> {
    let query = |firing, held| AlertQuery {
        firing,
        held,
        rule: Some(rule.name.clone()),
        limit: JUDGED_MAX,
        ..AlertQuery::default()
    };
    let firing = inspection.store.find_alerts(query(Some(true), None)).await?;
    let held = inspection.store.find_alerts(query(None, Some(true))).await?;
    Ok(firing.items.into_iter().chain(held.items).map(|alert| alert.labels).collect())
}

/// So many as are judged: those first of which there is something to say.
fn first(subjects: Vec<Subject>, telling: &BTreeSet<Labels>) -> Vec<Subject> {
    let (mut first, rest): (Vec<Subject>, Vec<Subject>) =
        subjects.into_iter().partition(|subject| telling.contains(&subject.labels));
    first.extend(rest);
    first.truncate(JUDGED_MAX);
    first
}

/// A rule's table as the config has it, with the tables below it.
fn written(inspection: Inspection<'_>, rule: &Rule) -> Option<String> {
    let is_own = |header: &str| {
        let path = header.trim_start_matches('[').split(']').next().unwrap_or_default();
        let mut keys = path.split('.').map(|key| key.trim().trim_matches(['"', '\'']));
        keys.next() == Some("rule") && keys.next() == Some(rule.name.as_str())
    };
    let found = inspection.setup.written.iter().find_map(|file| {
        let (mut own, mut lines) = (false, Vec::new());
        for line in file.text.lines() {
            if line.starts_with('[') {
                own = is_own(line);
            }
            lines.extend(Some(line).filter(|_| own));
        }
        Some(lines.join("\n")).filter(|text| !text.is_empty())
    });
    found.map(|text| text.trim_end().to_owned())
}

/// Who is told of any of some series, each once.
fn all_receivers(inspection: Inspection<'_>, rule: &Rule, subjects: &[Subject]) -> Vec<String> {
    let all: BTreeSet<String> =
        subjects.iter().flat_map(|subject| receivers(inspection, rule, &subject.labels)).collect();
    all.into_iter().collect()
}

/// A series to be judged.
struct Look {
    labels: Labels,
    series: Option<String>,
    history: Result<History, Misfit>,
    alert: Option<Alert>,
}

/// Judges series, those nearest to firing first: by how many gates hold, then by how far the figure is.
fn judged(rule: &Rule, looks: Vec<Look>, now: Timestamp) -> (Vec<JudgedSeries>, Vec<UnexplainedSeries>) {
    let (mut series, mut unjudged) = (Vec::new(), Vec::new());
    for Look { labels, series: id, history, alert } in looks {
        match history {
            Ok(history) => match judge_latest(rule, &history, alert.as_ref(), now) {
                Some(judged) => series.push(JudgedSeries { series: id, ..judged }),
                None => unjudged.push(UnexplainedSeries { labels, reason: "there is no figure yet".to_owned() }),
            },
            Err(misfit) => unjudged.push(UnexplainedSeries { labels, reason: misfit.to_string() }),
        }
    }
    let part = |judged: &JudgedSeries| judged.hold as f64 / judged.gates.max(1) as f64;
    series.sort_by(|a, b| {
        let by_gates = part(b).total_cmp(&part(a));
        let far = |judged: &JudgedSeries| judged.share.unwrap_or(f64::INFINITY);
        by_gates.then_with(|| far(a).total_cmp(&far(b))).then_with(|| a.labels.cmp(&b.labels))
    });
    (series, unjudged)
}

fn judge_latest(rule: &Rule, history: &History, alert: Option<&Alert>, now: Timestamp) -> Option<JudgedSeries> {
    let view = history.view(AsOf::Latest).at(now);
    let period = rule.seen(view).latest()?;
    let judgement = judge(rule, &view, period);
    let levels = levels(rule, &view, &judgement);
    let value = view.point(period).ok().map(|point| point.value);
    let share = |level: &Level| level.nearness.as_ref()?.share(value?);
    // Of two severities, the one that is nearer counts.
    let nearest = levels.iter().max_by(|a, b| {
        let part = |level: &Level| level.hold as f64 / level.gates.max(1) as f64;
        let near = |level: &Level| -share(level).unwrap_or(f64::INFINITY);
        part(a).total_cmp(&part(b)).then_with(|| near(a).total_cmp(&near(b)))
    });
    let own = judgement.gates.iter().filter(|gate| gate.verdict == Verdict::Holds).count();
    let (hold, gates) = nearest.map_or((own, judgement.gates.len()), |level| (level.hold, level.gates));
    let missing = match &judgement.verdict {
        Verdict::Unknown(reasons) => reasons.iter().map(ToString::to_string).collect(),
        Verdict::Holds | Verdict::Fails => Vec::new(),
    };
    Some(JudgedSeries {
        labels: history.labels().clone(),
        title: subject(history.labels(), rule.title.as_deref()),
        series: None,
        alert: alert_id(&rule.name, history.labels()),
        period,
        value,
        unit: history.unit().cloned(),
        verdict: Ruling::of(&judgement.verdict),
        missing,
        hold,
        gates,
        share: nearest.and_then(share),
        firing: alert.and_then(firing).map(|(severity, _)| severity),
        since: alert.and_then(firing).map(|(_, since)| since),
        held: alert.and_then(|alert| alert.held.clone()),
        levels,
    })
}

fn verdicts(series: &[JudgedSeries]) -> Verdicts {
    let count = |ruling| series.iter().filter(|judged| judged.verdict == ruling).count();
    Verdicts { holds: count(Ruling::Holds), fails: count(Ruling::Fails), unknown: count(Ruling::Unknown) }
}

impl RuleDetail {
    /// What it makes of a missing period, in words.
    pub fn gaps_in_words(&self) -> &'static str {
        let chosen = OnGap::ALL.into_iter().find(|choice| choice.name() == self.on_gap).unwrap_or_default();
        match chosen {
            OnGap::Hold => "a missing period holds the alert as it was",
            OnGap::Break => "a condition that needs a missing period fails",
            OnGap::Bridge => "missing periods are looked past",
        }
    }
}
