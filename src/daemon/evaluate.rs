//! The evaluate loop: pulls whose consequences are not worked out yet → alerts, transitions, deliveries.
//!
//! It reads histories and alerts, lets `assess` decide, and commits. It fetches nothing and sends nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono_tz::Tz;
use tracing::{info, warn};

use super::Context;
use super::catalogue::{Catalogue, feed, history};
use crate::alert::{Alert, Cause, State};
use crate::assess::{Assessment, Sight, assess, lapse, reasons};
use crate::config::Setup;
use crate::outbox::{Message, plan, receivers};
use crate::period::Frequency;
use crate::rule::roster::Subject;
use crate::rule::{Gate, Judgement, Rule, Verdict};
use crate::series::{History, Labels, PullId};
use crate::store::{Committed, SeriesRef, Settled, StoreError, Task};

/// How long an evaluation task is ours.
const TASK_LEASE: Duration = Duration::from_secs(300);
/// Alerts written in one transaction when there is no task to hold them together.
const BATCH: usize = 500;

/// What one rule says of one series, for a report.
#[derive(Clone, Debug)]
pub struct Assessed {
    /// The rule.
    pub rule: String,
    /// The series.
    pub labels: Labels,
    /// The period judged; `None` while there is no figure.
    pub period: Option<String>,
    /// `holds`, `fails` or `unknown`.
    pub verdict: &'static str,
    /// Why it is unknown.
    pub reason: Option<String>,
    /// The net change with its message, if there is one.
    pub transition: Option<Message>,
    /// Who is told.
    pub receivers: Vec<String>,
    /// The gates.
    pub gates: Vec<Gate>,
    /// How many measures `min_base` kept quiet.
    pub kept_quiet: usize,
}

/// Where the rules of a setup begin to look, by name.
type Baselines = BTreeMap<String, PullId>;

/// A setup's rules, known to the store, ready to look at series.
pub struct Evaluation<'a> {
    context: &'a Context,
    setup: &'a Setup,
    baselines: Baselines,
    known_receivers: Vec<String>,
    /// Only the rules that the clock alone may move are asked.
    ticking: bool,
}

impl<'a> Evaluation<'a> {
    /// Registers the setup's rules with the store.
    pub async fn new(context: &'a Context, setup: &'a Setup) -> Result<Self, StoreError> {
        let rules = setup.rules.iter().map(|rule| (rule.name.clone(), rule.hash.clone())).collect();
        let baselines = context.store.register_rules(rules).await?;
        let known_receivers = setup.receivers.iter().map(|receiver| receiver.name.clone()).collect();
        Ok(Self { context, setup, baselines, known_receivers, ticking: false })
    }

    /// What every rule says of every series that it means, without storing anything.
    pub async fn look(&self) -> Result<Vec<Assessed>, StoreError> {
        let mut assessed = Vec::new();
        for series in self.context.store.series().await? {
            let until = self.context.store.newest_pull(&series.feed).await?;
            self.series(&series, until, &mut Vec::new(), &mut assessed).await?;
        }
        self.compound(None, &mut Vec::new(), &mut assessed).await?;
        Ok(assessed)
    }

    /// Works out one task; `None` when someone else got ahead of it.
    async fn task(&self, task: &Task) -> Result<Option<Vec<Assessed>>, StoreError> {
        let (mut settled, mut assessed) = (Vec::new(), Vec::new());
        let changed = self.context.store.changed(task.pull).await?;
        for series in &changed {
            self.series(series, task.pull, &mut settled, &mut assessed).await?;
        }
        self.compound(Some((task.pull, &changed)), &mut settled, &mut assessed).await?;
        let committed = self.context.store.commit(Some(task), settled, self.context.clock.now()).await?;
        Ok((committed == Committed::Stored).then_some(assessed))
    }

    /// Judges one series by every rule that means it.
    async fn series(
        &self,
        series: &SeriesRef,
        until: PullId,
        settled: &mut Vec<Settled>,
        assessed: &mut Vec<Assessed>,
    ) -> Result<(), StoreError> {
        let one_by_one = |rule: &&Rule| rule.selector.group_by().is_empty() && rule.selector.matches(&series.labels);
        let asked = |rule: &&Rule| one_by_one(rule) && (!self.ticking || rule.uses_time());
        let rules: Vec<&Rule> = self.setup.rules.iter().filter(asked).collect();
        if rules.is_empty() {
            return Ok(());
        }
        let history = history(self.setup, &self.context.store, series, until).await?;
        let zone = feed(self.setup, &series.feed).map_or(self.setup.zone, |feed| feed.zone);
        for rule in rules {
            self.judge(rule, (&history, until, zone), settled, assessed).await?;
        }
        Ok(())
    }

    /// Judges the groups and derived series of which a pull changed a part, each once; all of them where no
    /// pull is named.
    async fn compound(
        &self,
        changed: Option<(PullId, &[SeriesRef])>,
        settled: &mut Vec<Settled>,
        assessed: &mut Vec<Assessed>,
    ) -> Result<(), StoreError> {
        if !Catalogue::is_needed(self.setup) {
            return Ok(());
        }
        let store = &self.context.store;
        let catalogue = Catalogue::new(self.setup, store).await?;
        let touched = changed.map(|(_, changed)| catalogue.touched(changed));
        for rule in self.setup.rules.iter().filter(|rule| !self.ticking || rule.uses_time()) {
            let is_touched = |subject: &Subject| touched.as_ref().is_none_or(|touched| subject.is_among(touched));
            for subject in catalogue.compound(rule).into_iter().filter(is_touched) {
                let past = catalogue.past(store, &subject, changed.map(|(until, _)| until)).await?;
                let zone = catalogue.zone(&subject);
                match &past.history {
                    Ok(history) => self.judge(rule, (history, past.until, zone), settled, assessed).await?,
                    Err(misfit) => assessed.push(not_judged(rule, subject.labels, misfit.to_string())),
                }
            }
        }
        Ok(())
    }

    /// Judges one history by one rule.
    async fn judge(
        &self,
        rule: &Rule,
        (history, until, zone): (&History, PullId, Tz),
        settled: &mut Vec<Settled>,
        assessed: &mut Vec<Assessed>,
    ) -> Result<(), StoreError> {
        let alert = self.alert(rule, history, until).await?;
        if alert.seen > until {
            // Looking at everything, at start, got ahead of this pull's task.
            return Ok(());
        }
        let sight = Sight { rule, history, until, now: self.context.clock.now(), zone };
        let assessment = assess(sight, &alert);
        let settling = self.settle(rule, &alert, assessment);
        assessed.push(settling.1);
        settled.extend(settling.0);
        Ok(())
    }

    /// The stored alert; one of a rule, or of a series, that meant something else begins anew at the
    /// rule's baseline.
    async fn alert(&self, rule: &Rule, history: &History, until: PullId) -> Result<Alert, StoreError> {
        let labels = history.labels();
        let stored = self.context.store.alert(&rule.name, labels).await?;
        // Pulls are numbered over all feeds: a baseline past this feed's newest pull means all of it.
        let baseline = self.baselines.get(&rule.name).copied().unwrap_or_default().min(until);
        Ok(match stored {
            None => Alert::new(&rule.name, labels.clone(), &rule.hash, baseline),
            Some(alert) if alert.rule_hash == rule.hash && is_about(&alert, history.frequency()) => alert,
            Some(alert) => Alert {
                number: alert.number,
                episode: alert.episode,
                version: alert.version,
                ..Alert::new(&rule.name, labels.clone(), &rule.hash, baseline)
            },
        })
    }

    /// What an assessment leaves to store, and what it says for a report.
    fn settle(&self, rule: &Rule, before: &Alert, assessment: Assessment) -> (Option<Settled>, Assessed) {
        let Assessment { mut alert, judgement, transition, told, changed } = assessment;
        let told_before = told_in_episode(before);
        let whom = match &transition {
            Some(_) if told => receivers(!alert.is_firing(), &rule.notify, &told_before, &self.known_receivers),
            Some(_) | None => Vec::new(),
        };
        if let State::Firing(firing) = &mut alert.state {
            firing.receivers = union(&told_before, &whom);
        }
        let verdict = judgement.as_ref().map(|judgement| judgement.verdict.clone());
        let report = Assessed {
            rule: rule.name.clone(),
            labels: alert.labels.clone(),
            period: judgement.as_ref().map(|judgement| judgement.period.to_string()),
            verdict: verdict.as_ref().map_or("unknown", Verdict::name),
            reason: match (&verdict, &judgement) {
                (Some(Verdict::Unknown(_)), Some(judgement)) => Some(reasons(judgement)),
                (None, _) | (_, None) => Some("there is no figure yet".to_owned()),
                (Some(Verdict::Holds | Verdict::Fails), Some(_)) => None,
            },
            transition: transition.as_ref().map(|(_, message)| message.clone()),
            receivers: whom.clone(),
            kept_quiet: judgement.as_ref().map_or(0, Judgement::kept_quiet),
            gates: judgement.map(|judgement| judgement.gates).unwrap_or_default(),
        };
        let deliveries =
            transition.as_ref().map(|(_, message)| plan(self.context.store.id(), message, &whom)).unwrap_or_default();
        let settled = changed.then_some(Settled { alert, transition, deliveries });
        (settled, report)
    }

    /// Ends the firing alerts whose rule or series is gone, or whose rule means something else now.
    async fn lapse_gone(&self) -> Result<(), StoreError> {
        let now = self.context.clock.now();
        let series = self.context.store.series().await?;
        let series: BTreeMap<Labels, Frequency> =
            series.into_iter().map(|series| (series.labels, series.frequency)).collect();
        let compound = self.standing().await?;
        let mut settled = Vec::new();
        for alert in self.context.store.alerts().await? {
            let Some(cause) = self.gone(&alert, &series, &compound) else { continue };
            let Some((ended, transition, message)) = lapse(&alert, cause, now) else { continue };
            info!(rule = alert.rule, alert = alert.id(), cause = cause.name(), "alert lapsed");
            let whom = receivers(true, &[], &told_in_episode(&alert), &self.known_receivers);
            let deliveries = plan(self.context.store.id(), &message, &whom);
            settled.push(Settled { alert: ended, transition: Some((transition, message)), deliveries });
        }
        self.commit(settled).await
    }

    /// The groups and derived series that there are, by rule.
    async fn standing(&self) -> Result<BTreeMap<&'a str, BTreeMap<Labels, Frequency>>, StoreError> {
        let mut standing = BTreeMap::new();
        if Catalogue::is_needed(self.setup) {
            let catalogue = Catalogue::new(self.setup, &self.context.store).await?;
            for rule in &self.setup.rules {
                let subjects = catalogue.compound(rule).into_iter();
                let known = subjects.map(|subject| (subject.labels.clone(), catalogue.frequency(&subject))).collect();
                standing.insert(rule.name.as_str(), known);
            }
        }
        Ok(standing)
    }

    async fn commit(&self, settled: Vec<Settled>) -> Result<(), StoreError> {
        if settled.is_empty() {
            return Ok(());
        }
        if self.context.store.commit(None, settled, self.context.clock.now()).await? == Committed::Fenced {
            warn!("evaluation was fenced: another process got ahead; the next tick repeats it");
        }
        Ok(())
    }

    /// Why an alert has nothing to stand on any more.
    fn gone(
        &self,
        alert: &Alert,
        series: &BTreeMap<Labels, Frequency>,
        compound: &BTreeMap<&str, BTreeMap<Labels, Frequency>>,
    ) -> Option<Cause> {
        let Some(rule) = self.setup.rules.iter().find(|rule| rule.name == alert.rule) else {
            return Some(Cause::RuleRemoved);
        };
        if rule.hash != alert.rule_hash {
            return Some(Cause::RuleEdited);
        }
        let of_feed = |name| feed(self.setup, name).is_some();
        let one_by_one = rule.selector.group_by().is_empty() && rule.selector.matches(&alert.labels);
        let stored = (one_by_one && alert.labels.value("feed").is_some_and(of_feed)).then(|| series.get(&alert.labels));
        let compound = || compound.get(rule.name.as_str())?.get(&alert.labels);
        let stands = stored.flatten().or_else(compound).is_some_and(|frequency| is_about(alert, *frequency));
        (!stands).then_some(Cause::SeriesGone)
    }
}

/// Ends what is gone and looks once at everything: evaluation is a pure function of history, rule and
/// alert, so a crash between recording and evaluating heals here.
pub async fn evaluate_all(evaluation: &Evaluation<'_>) -> Result<Vec<Assessed>, StoreError> {
    evaluation.lapse_gone().await?;
    look_at_all(evaluation).await
}

/// Asks the rules that the clock alone may move (`age`, `overdue`); without one, nothing is read.
pub async fn evaluate_ticking(evaluation: &Evaluation<'_>) -> Result<Vec<Assessed>, StoreError> {
    if !evaluation.setup.rules.iter().any(Rule::uses_time) {
        return Ok(Vec::new());
    }
    let (baselines, known_receivers) = (evaluation.baselines.clone(), evaluation.known_receivers.clone());
    look_at_all(&Evaluation { baselines, known_receivers, ticking: true, ..*evaluation }).await
}

async fn look_at_all(evaluation: &Evaluation<'_>) -> Result<Vec<Assessed>, StoreError> {
    let store = &evaluation.context.store;
    let (mut settled, mut assessed) = (Vec::new(), Vec::new());
    let mut newest: BTreeMap<String, PullId> = BTreeMap::new();
    for series in store.series().await? {
        let until = match newest.get(&series.feed) {
            Some(pull) => *pull,
            None => store.newest_pull(&series.feed).await?,
        };
        newest.insert(series.feed.clone(), until);
        evaluation.series(&series, until, &mut settled, &mut assessed).await?;
        if settled.len() >= BATCH {
            evaluation.commit(std::mem::take(&mut settled)).await?;
        }
    }
    evaluation.compound(None, &mut settled, &mut assessed).await?;
    evaluation.commit(settled).await?;
    log(&assessed);
    Ok(assessed)
}

/// Works out every pull that is waiting, in order.
pub async fn evaluate_pending(evaluation: &Evaluation<'_>) -> Result<Vec<Assessed>, StoreError> {
    let Context { store, clock, holder, .. } = evaluation.context;
    let mut all = Vec::new();
    while let Some(task) = store.lease_task(holder, clock.now(), TASK_LEASE).await? {
        match evaluation.task(&task).await? {
            Some(assessed) => {
                log(&assessed);
                info!(feed = task.feed, pull = task.pull.0, assessed = assessed.len(), "pull evaluated");
                all.extend(assessed);
            }
            None => warn!(pull = task.pull.0, feed = task.feed, "evaluation was fenced: another process got ahead"),
        }
    }
    Ok(all)
}

/// What is reported of a subject that no rule can judge.
fn not_judged(rule: &Rule, labels: Labels, reason: String) -> Assessed {
    warn!(rule = rule.name, %labels, reason, "a group cannot be judged");
    Assessed {
        rule: rule.name.clone(),
        labels,
        period: None,
        verdict: "unknown",
        reason: Some(reason),
        kept_quiet: 0,
        transition: None,
        receivers: Vec::new(),
        gates: Vec::new(),
    }
}

fn log(assessed: &[Assessed]) {
    for message in assessed.iter().filter_map(|assessed| assessed.transition.as_ref()) {
        info!(
            rule = message.alert.rule,
            alert = message.alert.id,
            transition = message.kind.name(),
            number = message.number,
            period = message.period,
            "alert changed"
        );
    }
}

/// Whether an alert's past is about periods of this frequency.
fn is_about(alert: &Alert, frequency: Frequency) -> bool {
    alert.assessed.is_none_or(|period| period.frequency() == frequency)
}

fn told_in_episode(alert: &Alert) -> Vec<String> {
    match &alert.state {
        State::Ok => Vec::new(),
        State::Firing(firing) => firing.receivers.clone(),
    }
}

fn union(a: &[String], b: &[String]) -> Vec<String> {
    a.iter().chain(b.iter().filter(|name| !a.contains(name))).cloned().collect()
}
