//! The evaluate loop: pulls whose consequences are not worked out yet → alerts, transitions, deliveries.
//!
//! It reads histories and alerts, lets `assess` decide, and commits. Most series are quiet and stay so: the
//! sieve finds them for many at a time, and of them nothing is written but how far the rules have looked.
//! It fetches nothing and sends nothing.
//!
//! # What is remembered of a quiet alert
//!
//! `assess` goes on from where it was: the last pull seen, and the last period assessed. For groups and
//! derived series both stand in the alert's row. A stored series needs no row while its alert is quiet:
//! a [`Look`] says, for a rule and a feed, up to which pull *every* series of the feed has
//! been looked at, and the last period assessed is the latest of the history as that pull left it
//! ([`Alert::looked`](crate::alert::Alert::looked)). That holds because
//!
//! - `assess` takes an alert up to the latest period that it is shown, or leaves it where it was: what a
//!   look leaves otherwise (firing, held, a latest figure that was withdrawn) has a row;
//! - a look goes further only in the transaction that stores the last of what it came to, for all series of the feed
//!   that changed since: those of a pull, when its task is done; all there are, at a start. The pulls of a feed
//!   have their order, and a series that comes later comes with a later pull. What was stored before that, of many
//!   alerts, is as a look at these series alone: whoever begins again finds their rows, and nothing new to say;
//! - a row that was not written since is as its look left it, by the same argument.
//!
//! A rule that was edited has not looked, nor has one that was away, or whose feed was: it begins at its
//! baseline, with the first look at everything. Until then it leaves tasks alone, as that look sees more.

mod compound;
mod gone;
mod late;
mod report;
mod settle;
mod sieve;
mod single;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use tracing::{info, warn};

pub use self::report::{Assessed, Evaluated};
pub use self::settle::held_until;
use self::single::Looking;
use super::Context;
use super::round::Nudges;
use crate::config::Setup;
use crate::rule::Rule;
use crate::series::PullId;
use crate::store::{Committed, Look, SeriesRef, Settled, StoreError, Task};

/// How long an evaluation task is ours.
const TASK_LEASE: Duration = Duration::from_secs(300);
/// Series that are read and sifted together.
const CHUNK: usize = 1024;
/// Alerts written in one transaction where nothing asks for more at once: what they say takes memory until then.
const BATCH: usize = 250;

/// Where the rules of a setup begin to look, by name.
type Baselines = BTreeMap<String, PullId>;

/// A setup's rules, known to the store, ready to look at series.
pub struct Evaluation<'a> {
    context: &'a Context,
    setup: &'a Setup,
    baselines: Baselines,
    known_receivers: Vec<String>,
    /// Whether quiet alerts are left out beforehand, or all are judged with their evidence.
    sifts: bool,
    /// The loops beside it, if there are any: they hear of what is stored, and nobody asks for a report.
    beside: Option<&'a Nudges>,
}

/// What an evaluation has come to so far.
#[derive(Default)]
struct Outcome {
    settled: Vec<Settled>,
    evaluated: Evaluated,
    parts: Parts,
    /// Whether some of it is stored already.
    is_in_parts: bool,
}

/// How what is settled may be stored before all of it is.
#[derive(Default)]
enum Parts {
    /// Not at all.
    #[default]
    None,
    /// While a task is ours.
    Of(Task),
    /// By the versions of the alerts alone.
    Alone,
}

impl<'a> Evaluation<'a> {
    /// Registers the setup's rules with the store.
    pub async fn new(context: &'a Context, setup: &'a Setup) -> Result<Self, StoreError> {
        let rules = setup.rules.iter().map(|rule| (rule.name.clone(), rule.hash.clone())).collect();
        let feeds = setup.feeds.iter().map(|feed| feed.name.clone()).collect();
        let baselines = context.store.register_rules(rules, feeds).await?;
        let known_receivers = setup.receivers.iter().map(|receiver| receiver.name.clone()).collect();
        Ok(Self { context, setup, baselines, known_receivers, sifts: true, beside: None })
    }

    /// The same with every series judged with its evidence: slower, and to the same end.
    #[must_use]
    pub fn with_evidence(self) -> Self {
        Self { sifts: false, ..self }
    }

    /// The same among other loops: what is stored can be delivered at once, and of what was judged only the log tells.
    #[must_use]
    pub fn among(self, loops: &'a Nudges) -> Self {
        Self { beside: Some(loops), ..self }
    }

    /// What every rule says of every series that it means, without storing anything.
    pub async fn look(self) -> Result<Vec<Assessed>, StoreError> {
        let evaluation = self.with_evidence();
        let (store, rules, looks) = (&evaluation.context.store, evaluation.rules(), evaluation.looks().await?);
        let mut outcome = Outcome::default();
        for series in store.series().await?.chunk_by(|a, b| a.feed == b.feed) {
            let until = store.newest_pull(&series[0].feed).await?;
            let looking = evaluation.looking(&rules, &series[0].feed, &looks);
            evaluation.single(series, until, &looking, &mut outcome).await?;
        }
        evaluation.compound(&rules, None, &mut outcome).await?;
        Ok(outcome.evaluated.assessed)
    }

    fn rules(&self) -> Vec<&'a Rule> {
        self.setup.rules.iter().collect()
    }

    /// Works out one task; `None` when someone else got ahead of it.
    async fn task(&self, task: &Task) -> Result<Option<Evaluated>, StoreError> {
        let store = &self.context.store;
        let mut outcome = self.in_parts(Parts::Of(task.clone()));
        let changed = store.changed(task.pull).await?;
        let mut looking = self.looking(&self.rules(), &task.feed, &self.looks().await?);
        // Looking at everything, at start, got ahead of this pull's task, or sees it when it comes.
        looking.retain(|(_, look)| look.seen.is_some_and(|seen| seen < task.pull));
        self.single(&changed, task.pull, &looking, &mut outcome).await?;
        self.compound(&self.rules(), Some((task.pull, &changed)), &mut outcome).await?;
        let looks = looking.into_iter().map(|(_, look)| Look { seen: Some(task.pull), ..look }).collect();
        let settled = outcome.take();
        if outcome.evaluated.fenced || self.context.commit(Some(task), looks, settled).await? == Committed::Fenced {
            return Ok(None);
        }
        self.is_stored(&mut outcome, Committed::Stored).await?;
        outcome.evaluated.log_notices();
        Ok(Some(outcome.evaluated))
    }

    /// Lets some rules look at everything that there is.
    async fn all(&self, rules: &[&Rule]) -> Result<Evaluated, StoreError> {
        let (store, mut outcome, looks) = (&self.context.store, self.in_parts(Parts::Alone), self.looks().await?);
        let mut behind = Vec::new();
        // Read before the series are: a series that is not there yet comes with a later pull.
        for feed in &self.setup.feeds {
            let until = store.newest_pull(&feed.name).await?;
            let mut looking = self.looking(rules, &feed.name, &looks);
            looking.retain(|(rule, look)| rule.uses_time() || look.seen.is_none_or(|seen| seen < until));
            if !looking.is_empty() {
                behind.push((&feed.name, until, looking));
            }
        }
        let series = if behind.is_empty() { Vec::new() } else { store.series().await? };
        for (feed, until, looking) in behind {
            let from = series.partition_point(|series| series.feed < *feed);
            let to = series.partition_point(|series| series.feed <= *feed);
            self.feed(&series[from..to], until, looking, &mut outcome).await?;
        }
        self.compound(rules, None, &mut outcome).await?;
        self.commit(&mut [], &mut outcome).await?;
        outcome.evaluated.log_notices();
        Ok(outcome.evaluated)
    }

    /// Lets rules look at all series of a feed; only at the end have they done so.
    async fn feed(
        &self,
        series: &[SeriesRef],
        until: PullId,
        mut looking: Vec<Looking<'_>>,
        outcome: &mut Outcome,
    ) -> Result<(), StoreError> {
        self.single(series, until, &looking, outcome).await?;
        if outcome.evaluated.fenced {
            return Ok(());
        }
        looking.retain(|(_, look)| look.seen != Some(until) || !outcome.settled.is_empty());
        looking.iter_mut().for_each(|(_, look)| look.seen = Some(until));
        self.commit(&mut looking, outcome).await?;
        Ok(())
    }

    /// Stores what rules came to and how far they have looked, without a task; whether nobody got ahead.
    async fn commit(&self, looking: &mut [Looking<'_>], outcome: &mut Outcome) -> Result<bool, StoreError> {
        let settled = outcome.take();
        if looking.is_empty() && settled.is_empty() {
            return Ok(true);
        }
        let looks = looking.iter().map(|(_, look)| look.clone()).collect();
        let stored = self.context.commit(None, looks, settled).await?;
        looking.iter_mut().for_each(|(_, look)| look.version += 1);
        self.is_stored(outcome, stored).await?;
        Ok(stored == Committed::Stored)
    }

    /// An outcome that may be stored in parts, unless an alert that is still to come may keep back what an earlier
    /// one says.
    fn in_parts(&self, parts: Parts) -> Outcome {
        let inhibits = self.setup.rules.iter().any(|rule| !rule.inhibition.by.is_empty());
        Outcome { parts: if inhibits { Parts::None } else { parts }, ..Outcome::default() }
    }

    /// Stores a part of what rules came to where it has become much.
    async fn store_part(&self, outcome: &mut Outcome) -> Result<(), StoreError> {
        if outcome.settled.len() < BATCH || matches!(outcome.parts, Parts::None) {
            return Ok(());
        }
        outcome.is_in_parts = true;
        let settled = outcome.take();
        let stored = match &outcome.parts {
            Parts::Of(task) => self.context.commit_part(task, settled).await?,
            Parts::Alone | Parts::None => self.context.commit(None, Vec::new(), settled).await?,
        };
        self.note(outcome, stored);
        Ok(())
    }

    /// How storing the last of what was settled ended. What is told together waits for no more of it.
    async fn is_stored(&self, outcome: &mut Outcome, stored: Committed) -> Result<(), StoreError> {
        self.note(outcome, stored);
        if std::mem::take(&mut outcome.is_in_parts) {
            self.context.store.complete_bundles(self.context.clock.now()).await?;
        }
        Ok(())
    }

    /// How storing something ended.
    fn note(&self, outcome: &mut Outcome, stored: Committed) {
        match stored {
            Committed::Stored => outcome.evaluated.stored(self.beside.is_some()),
            Committed::Fenced => outcome.evaluated.fenced(),
        }
        if let Some(loops) = self.beside.filter(|_| stored == Committed::Stored) {
            loops.deliver.notify_one();
        }
    }
}

impl Outcome {
    /// What was settled, to be stored: what is told together is told once all of it is there.
    fn take(&mut self) -> Vec<Settled> {
        let mut settled = std::mem::take(&mut self.settled);
        settled.iter_mut().for_each(|settled| settled.manners.awaits_more = self.is_in_parts);
        settled
    }
}

/// Ends what is gone and looks once at everything: evaluation is a pure function of history, rule and
/// alert, so a crash between recording and evaluating heals here.
pub async fn evaluate_all(evaluation: &Evaluation<'_>) -> Result<Evaluated, StoreError> {
    evaluation.lapse_gone().await?;
    let mut evaluated = evaluation.tell_late().await?;
    evaluated.extend(evaluation.all(&evaluation.rules()).await?);
    Ok(evaluated)
}

/// What the clock alone brings about: what was kept back and no longer is, and the rules that it may move (`age`,
/// `overdue`); without one, no series is read.
pub async fn evaluate_ticking(evaluation: &Evaluation<'_>) -> Result<Evaluated, StoreError> {
    let mut evaluated = evaluation.tell_late().await?;
    let rules: Vec<&Rule> = evaluation.setup.rules.iter().filter(|rule| rule.uses_time()).collect();
    if !rules.is_empty() {
        evaluated.extend(evaluation.all(&rules).await?);
    }
    Ok(evaluated)
}

/// Works out every pull that is waiting, in order. Where somebody got ahead, such as a reload that took a rule away, the
/// rest waits until the rules are read again.
pub async fn evaluate_pending(evaluation: &Evaluation<'_>) -> Result<Evaluated, StoreError> {
    let Context { store, clock, holder, .. } = evaluation.context;
    let mut all = Evaluated::default();
    while let Some(task) = store.lease_task(holder, clock.now(), TASK_LEASE).await? {
        match evaluation.task(&task).await? {
            Some(evaluated) => {
                let Evaluated { judged: assessed, quiet, .. } = evaluated;
                info!(feed = task.feed, pull = task.pull.0, assessed, quiet, "pull evaluated");
                all.extend(evaluated);
            }
            None => {
                warn!(
                    pull = task.pull.0,
                    feed = task.feed,
                    "evaluation was fenced: the rules or another process got ahead"
                );
                store.release_task(&task).await?;
                all.fenced = true;
                break;
            }
        }
    }
    Ok(all)
}
