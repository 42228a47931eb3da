//! From an alert as it was found to what is stored of it, and who is told.

use std::collections::BTreeMap;

use tracing::info;

use super::report::Assessed;
use super::{Evaluation, Outcome};
use crate::alert::{Alert, Cause, Kind, State, Topic};
use crate::assess::{Assessment, Sight, lapse};
use crate::base::clock::Timestamp;
use crate::config::Setup;
use crate::outbox::{Delivery, Manners, Matter, Message, Voice, notified, plan, receivers};
use crate::period::{Frequency, Period};
use crate::rule::{Rule, Severity};
use crate::series::{AsOf, History, PullId};
use crate::store::Settled;

/// An alert as a look finds it.
pub struct Before {
    /// Where the look begins.
    pub alert: Alert,
    /// Whether the stored alert is about something else, and so has to make way.
    replaces: bool,
    /// The end of that, where it fired.
    ended: Option<Settled>,
}

impl Before {
    /// Whether there is nothing to lose: it does not fire, waits for nothing, and takes no other's place.
    pub const fn is_plain(&self) -> bool {
        self.alert.is_quiet() && !self.replaces
    }

    /// Whether nothing of an assessment has to be stored but how far the rule has looked. What fires or
    /// waits says which period it was assessed at; of a quiet alert the history tells, unless the figure that it was
    /// assessed at is withdrawn.
    pub fn needs_no_row(&self, assessment: &Assessment<'_>, sight: Sight<'_>) -> bool {
        let Sight { rule, history, until, .. } = sight;
        let latest = latest(rule, history, until);
        let left = self.alert.clone().looked(until, latest);
        let told = left.assessed == if left.is_quiet() { latest } else { self.alert.assessed };
        assessment.transition.is_none() && assessment.alert == left && told && !self.replaces
    }
}

impl Evaluation<'_> {
    /// The alert as it is found: the stored one, or else one that begins at the rule's baseline, as does one
    /// whose rule or series means something else now. `seen` is how far the rule has looked at the feed.
    pub(super) fn before(
        &self,
        (rule, seen): (&Rule, Option<PullId>),
        history: &History,
        until: PullId,
        stored: Option<Alert>,
    ) -> Before {
        // Pulls are numbered over all feeds: a baseline past this feed's newest pull means all of it.
        let baseline = self.baselines.get(&rule.name).copied().unwrap_or_default().min(until);
        let new = |seen| Alert::new(&rule.name, history.labels().clone(), &rule.hash, seen);
        let going_on = match &stored {
            None => seen.map(new),
            Some(alert) => stands(rule, history.frequency(), alert).then(|| alert.clone()),
        };
        if let Some(mut alert) = going_on {
            if let Some(seen) = seen.map(|seen| seen.max(alert.seen)) {
                alert = alert.looked(seen, latest(rule, history, seen));
            }
            return Before { alert, replaces: false, ended: None };
        }
        let Some(other) = stored else { return Before { alert: new(baseline), replaces: false, ended: None } };
        let cause = if other.rule_hash == rule.hash { Cause::SeriesGone } else { Cause::RuleEdited };
        let ended = self.lapsed(&other, cause);
        let (number, version) = match &ended {
            Some(settled) => (settled.alert.number, settled.alert.version + 1),
            None => (other.number, other.version),
        };
        Before { alert: Alert { number, version, episode: other.episode, ..new(baseline) }, replaces: true, ended }
    }

    /// Says what an assessment came to, and stores it where it is to be `kept`.
    pub(super) fn settle(
        &self,
        rule: &Rule,
        before: Before,
        assessment: Assessment<'_>,
        kept: bool,
        outcome: &mut Outcome,
    ) {
        let told_before = told_in_episode(&before.alert);
        let whom = match &assessment.transition {
            Some((transition, _)) if assessment.told => {
                // Of an item nobody is told an end: its only message is the opening one.
                let closes = !assessment.alert.is_firing() && !rule.awaits_items();
                let notify = notified(rule.notify.as_deref(), &self.setup.routes, &Topic::of(transition));
                receivers(closes, &notify, &told_before, &self.known_receivers)
            }
            Some(_) | None => Vec::new(),
        };
        self.assessed(Assessed::new(rule, &assessment, whom.clone()), outcome);
        outcome.settled.extend(before.ended);
        if kept {
            let Assessment { alert, transition, matter, .. } = assessment;
            let deliveries = match (&transition, &matter) {
                (Some((_, message)), Some(matter)) => self.owed(message, matter, &whom),
                _ => Vec::new(),
            };
            let message = transition.as_ref().map(|(_, message)| message);
            let stops_when_known = message.is_some_and(|message| message.kind == Kind::Continued);
            let now = self.context.clock.now();
            let held_until = message.map(|message| held_until(self.setup, message.severity, now)).unwrap_or_default();
            let pull = transition.as_ref().and_then(|(transition, _)| transition.pull);
            let bundle = pull.and_then(|pull| rule.together.bundle(&rule.name, pull));
            let inhibition = rule.inhibition.clone();
            let manners = Manners { inhibition, stops_when_known, held_until, bundle, awaits_more: false };
            outcome.settled.push(Settled { alert, transition, deliveries, manners });
        }
    }

    /// Keeps what was assessed for whoever asked, and counts it.
    pub(super) fn assessed(&self, assessed: Assessed, outcome: &mut Outcome) {
        self.context.metrics.judged(&assessed.rule, assessed.verdict, 1);
        outcome.evaluated.assessed.push(assessed);
    }

    /// What each of some receivers is owed, told in its own voice.
    fn owed(&self, message: &Message, matter: &Matter<'_>, whom: &[String]) -> Vec<Delivery> {
        let mut told: Vec<(&Voice, Message)> = Vec::new();
        let mut deliveries = Vec::new();
        for name in whom {
            let voice = self.setup.receivers.iter().find(|receiver| receiver.name == *name).map(|found| &found.voice);
            let voice = voice.filter(|voice| **voice != Voice::default());
            if let Some(voice) = voice.filter(|voice| !told.iter().any(|(known, _)| known == voice)) {
                told.push((voice, Message::compose(matter, voice)));
            }
            let own = told.iter().find(|(known, _)| Some(*known) == voice).map_or(message, |(_, own)| own);
            deliveries.extend(plan(self.context.store.id(), own, std::slice::from_ref(name)));
        }
        self.context.dressed(self.setup, deliveries)
    }

    /// The end of an alert that has nothing to stand on; `None` where it does not fire.
    pub(super) fn lapsed(&self, alert: &Alert, cause: Cause) -> Option<Settled> {
        let (ended, transition, message) = lapse(alert, cause, self.context.clock.now())?;
        let whom = receivers(true, &[], &told_in_episode(alert), &self.known_receivers);
        let deliveries = self.context.dressed(self.setup, plan(self.context.store.id(), &message, &whom));
        info!(rule = alert.rule, alert = alert.id(), cause = cause.name(), "alert lapsed");
        let held_until = held_until(self.setup, message.severity, self.context.clock.now());
        let manners = Manners { held_until, ..Manners::default() };
        Some(Settled { alert: ended, transition: Some((transition, message)), deliveries, manners })
    }
}

/// The receivers that want no message of a severity now, and until when: the next digest, and the end of quiet hours.
pub fn held_until(setup: &Setup, severity: Severity, now: Timestamp) -> BTreeMap<String, Timestamp> {
    let held = setup.receivers.iter().filter_map(|receiver| {
        let digest = receiver.digest.as_ref().and_then(|digest| digest.until(severity, now));
        let quiet = receiver.policy.quiet.and_then(|quiet| quiet.until(severity, digest.unwrap_or(now)));
        Some((receiver.name.clone(), quiet.or(digest)?))
    });
    held.collect()
}

/// The latest period that a rule sees of a history as a pull left it.
fn latest(rule: &Rule, history: &History, until: PullId) -> Option<Period> {
    rule.seen(history.view(AsOf::Pull(until))).latest()
}

/// Whether a stored alert is about what a rule means now, and about such a series.
fn stands(rule: &Rule, frequency: Frequency, alert: &Alert) -> bool {
    alert.rule_hash == rule.hash && is_about(alert, frequency)
}

/// Whether an alert's past is about periods of this frequency.
pub fn is_about(alert: &Alert, frequency: Frequency) -> bool {
    alert.assessed.is_none_or(|period| period.frequency() == frequency)
}

fn told_in_episode(alert: &Alert) -> Vec<String> {
    match &alert.state {
        State::Ok => Vec::new(),
        State::Firing(firing) => firing.receivers.clone(),
    }
}
