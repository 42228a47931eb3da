//! From an alert as it was found to what is stored of it, and who is told.

use super::Evaluation;
use super::report::Assessed;
use crate::alert::{Alert, Cause, State};
use crate::assess::{Assessment, lapse};
use crate::outbox::{plan, receivers};
use crate::period::Frequency;
use crate::rule::Rule;
use crate::series::{History, PullId};
use crate::store::{Settled, StoreError};

impl Evaluation<'_> {
    /// The stored alert; one of a rule, or of a series, that meant something else begins anew at the
    /// rule's baseline.
    pub(super) async fn alert(&self, rule: &Rule, history: &History, until: PullId) -> Result<Alert, StoreError> {
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
    pub(super) fn settle(
        &self,
        rule: &Rule,
        before: &Alert,
        mut assessment: Assessment,
    ) -> (Option<Settled>, Assessed) {
        let told_before = told_in_episode(before);
        let whom = match &assessment.transition {
            Some(_) if assessment.told => {
                receivers(!assessment.alert.is_firing(), &rule.notify, &told_before, &self.known_receivers)
            }
            Some(_) | None => Vec::new(),
        };
        if let State::Firing(firing) = &mut assessment.alert.state {
            firing.receivers = union(&told_before, &whom);
        }
        let report = Assessed::new(rule, &assessment, whom.clone());
        let Assessment { alert, transition, changed, .. } = assessment;
        let deliveries =
            transition.as_ref().map(|(_, message)| plan(self.context.store.id(), message, &whom)).unwrap_or_default();
        (changed.then_some(Settled { alert, transition, deliveries }), report)
    }

    /// The end of an alert that has nothing to stand on; `None` where it does not fire.
    pub(super) fn lapsed(&self, alert: &Alert, cause: Cause) -> Option<Settled> {
        let (ended, transition, message) = lapse(alert, cause, self.context.clock.now())?;
        let whom = receivers(true, &[], &told_in_episode(alert), &self.known_receivers);
        let deliveries = plan(self.context.store.id(), &message, &whom);
        Some(Settled { alert: ended, transition: Some((transition, message)), deliveries })
    }
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

fn union(a: &[String], b: &[String]) -> Vec<String> {
    a.iter().chain(b.iter().filter(|name| !a.contains(name))).cloned().collect()
}
