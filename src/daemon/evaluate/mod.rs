//! The evaluate loop: pulls whose consequences are not worked out yet → alerts, transitions, deliveries.
//!
//! It reads histories and alerts, lets `assess` decide, and commits. It fetches nothing and sends nothing.

mod gone;
mod report;
mod settle;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono_tz::Tz;
use tracing::{info, warn};

pub use self::report::Assessed;
use self::report::log;
use super::Context;
use super::catalogue::{Catalogue, Subject, feed, histories};
use crate::assess::{Sight, assess};
use crate::config::Setup;
use crate::rule::Rule;
use crate::series::{History, PullId};
use crate::store::{Committed, SeriesRef, Settled, StoreError, Task};

/// How long an evaluation task is ours.
const TASK_LEASE: Duration = Duration::from_secs(300);
/// Alerts written in one transaction when there is no task to hold them together.
const BATCH: usize = 500;

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
        let feeds = setup.feeds.iter().map(|feed| feed.name.clone()).collect();
        let baselines = context.store.register_rules(rules, feeds).await?;
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
        let committed = self.context.store.commit(Some(task), Vec::new(), settled, self.context.clock.now()).await?;
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
        let read = histories(self.setup, &self.context.store, std::slice::from_ref(series), until).await?;
        let Some(history) = read.into_iter().next() else { return Ok(()) };
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
                    Err(misfit) => assessed.push(Assessed::not_judged(rule, subject.labels, misfit.to_string())),
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

    async fn commit(&self, settled: Vec<Settled>) -> Result<(), StoreError> {
        if settled.is_empty() {
            return Ok(());
        }
        if self.context.store.commit(None, Vec::new(), settled, self.context.clock.now()).await? == Committed::Fenced {
            warn!("evaluation was fenced: another process got ahead; the next tick repeats it");
        }
        Ok(())
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
