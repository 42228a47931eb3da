//! What is told without a transition: what was kept back, once nothing keeps it back any more while the alert still
//! fires.

use tracing::info;

use super::{Evaluated, Evaluation};
use crate::alert::{Alert, Firing, Hushes, State, Topic};
use crate::base::clock::Timestamp;
use crate::outbox::{Manners, Message, plan_at};
use crate::rule::Inhibition;
use crate::store::{Committed, Settled, StoreError};

impl Evaluation<'_> {
    /// Tells what is due; how many alerts had something to tell.
    pub(super) async fn tell_late(&self) -> Result<Evaluated, StoreError> {
        let (store, now) = (&self.context.store, self.context.clock.now());
        let hushes = Hushes { silences: store.silences().await?, firing: store.firing().await? };
        let mut told_late = 0;
        for alert in &hushes.firing {
            let Some(settled) = self.late(alert, &hushes, now).await? else { continue };
            let title = settled.deliveries.first().map(|delivery| delivery.message.title.clone());
            if store.commit(None, Vec::new(), vec![settled], now).await? == Committed::Stored {
                info!(rule = alert.rule, alert = alert.id(), title, "told what was kept back");
                told_late += 1;
            }
        }
        Ok(Evaluated { told_late, ..Evaluated::default() })
    }

    /// What is owed of an alert that nothing keeps back now.
    async fn late(&self, alert: &Alert, hushes: &Hushes, now: Timestamp) -> Result<Option<Settled>, StoreError> {
        let (State::Firing(firing), Some(topic)) = (&alert.state, Topic::of_firing(alert)) else { return Ok(None) };
        let whom: Vec<String> =
            firing.owed.iter().filter(|name| self.known_receivers.contains(name)).cloned().collect();
        let inhibition = self.inhibition(&alert.rule);
        if whom.is_empty() || hushes.of(&topic, &inhibition, now).is_some() {
            return Ok(None);
        }
        let store = &self.context.store;
        let hushed = store.hushed(&alert.rule, &alert.labels).await?;
        let Some((_, message)) = store.transitions(&alert.rule, &alert.labels).await?.pop() else { return Ok(None) };
        let by = hushed.into_values().next_back().map(|hushed| hushed.by);
        let by = by.map_or_else(String::new, |by| format!(" by {by}"));
        let message = message.with_note(&format!("Kept back until now{by}; it still fires."));
        let manners = Manners { inhibition, stops_when_known: false };
        Ok(Some(self.telling(alert, firing, &message, &whom, manners, now)))
    }

    /// An alert as it is, with a message of what it is for some receivers.
    fn telling(
        &self,
        alert: &Alert,
        firing: &Firing,
        message: &Message,
        whom: &[String],
        manners: Manners,
        now: Timestamp,
    ) -> Settled {
        let mut firing = firing.clone();
        if firing.receivers.is_empty() {
            (firing.said, firing.said_at) = (message.title.clone(), now);
        }
        firing.told_at = now;
        let alert = Alert { state: State::Firing(firing), ..alert.clone() };
        let deliveries = plan_at(self.context.store.id(), message, whom, now);
        Settled { alert, transition: None, deliveries, manners }
    }

    /// Which other alerts keep those of a rule back.
    pub(super) fn inhibition(&self, rule: &str) -> Inhibition {
        let rule = self.setup.rules.iter().find(|known| known.name == rule);
        rule.map(|rule| rule.inhibition.clone()).unwrap_or_default()
    }
}
