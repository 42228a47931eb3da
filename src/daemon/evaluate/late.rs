//! What is told without a transition: what was kept back, once nothing keeps it back any more while the alert still
//! fires; and a beginning that nobody has acknowledged, to more receivers.

use tracing::info;

use super::{Evaluated, Evaluation, held_until};
use crate::alert::{Alert, Firing, Hush, Hushed, Hushes, State, Topic};
use crate::base::clock::Timestamp;
use crate::catalogue::feed;
use crate::outbox::{Manners, Message, plan_at, taken};
use crate::rule::{Escalation, Inhibition};
use crate::store::{Committed, Settled, StoreError};

impl Evaluation<'_> {
    /// Tells what is due; how many alerts had something to tell.
    pub(super) async fn tell_late(&self) -> Result<Evaluated, StoreError> {
        let (store, now) = (&self.context.store, self.context.clock.now());
        let hushes = Hushes { silences: store.silences().await?, firing: store.firing().await? };
        let known = store.acknowledgements().await?;
        let mut told_late = 0;
        for alert in &hushes.firing {
            let is_known = known.iter().any(|known| known.is_of(alert));
            let settled = match self.late(alert, &hushes, now).await? {
                None if is_known => None,
                None => self.escalated(alert, &hushes, now).await?,
                settled => settled,
            };
            let Some(settled) = settled else { continue };
            let title = settled.deliveries.first().map(|delivery| delivery.message.title.clone());
            if store.commit(None, Vec::new(), vec![settled], now).await? == Committed::Stored {
                info!(rule = alert.rule, alert = alert.id(), title, "told without a change");
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
        // Whoever knows is owed nothing: that is not what it was kept back by.
        let is_owed = |hushed: &Hushed| !matches!(hushed.by, Hush::Acknowledgement { .. });
        let by = hushed.into_values().rfind(is_owed).map(|hushed| hushed.by);
        let by = by.map_or_else(String::new, |by| format!(" by {by}"));
        let note = format!("Kept back until now{by}; it still fires.");
        let manners =
            Manners { inhibition, held_until: held_until(self.setup, message.severity, now), ..Manners::default() };
        Ok(Some(self.telling(alert, firing, (&message, &note), &whom, manners, now)))
    }

    /// The beginning of an episode that nobody has acknowledged in time, for those who are to be told then.
    async fn escalated(&self, alert: &Alert, hushes: &Hushes, now: Timestamp) -> Result<Option<Settled>, StoreError> {
        let (State::Firing(firing), Some(topic)) = (&alert.state, Topic::of_firing(alert)) else { return Ok(None) };
        // What nobody has been told of yet is told first.
        let waits = firing.receivers.is_empty() && !firing.owed.is_empty();
        let lasted = now.since(firing.said_at);
        let due = self.escalations(&topic).into_iter().filter(|escalation| !waits && lasted >= escalation.after);
        let mut whom: Vec<String> = due.flat_map(|escalation| &escalation.notify).cloned().collect();
        let is_new = |name: &String| !firing.receivers.contains(name) && !firing.owed.contains(name);
        whom.retain(|name| is_new(name) && self.known_receivers.contains(name));
        whom.sort();
        whom.dedup();
        let inhibition = self.inhibition(&alert.rule);
        if whom.is_empty() || hushes.of(&topic, &inhibition, now).is_some() {
            return Ok(None);
        }
        let transitions = self.context.store.transitions(&alert.rule, &alert.labels).await?;
        let Some((_, message)) = transitions.into_iter().next_back() else { return Ok(None) };
        let note = format!("Nobody has acknowledged this since {}.", firing.said_at);
        let held_until = held_until(self.setup, message.severity, now);
        let manners = Manners { inhibition, stops_when_known: true, held_until, ..Manners::default() };
        Ok(Some(self.telling(alert, firing, (&message, &note), &whom, manners, now)))
    }

    /// Who is told of an alert that nobody acknowledges: by its rule, or where that names nobody, by its routes.
    fn escalations(&self, topic: &Topic<'_>) -> Vec<&Escalation> {
        let rule = self.setup.rules.iter().find(|rule| rule.name == topic.rule);
        let own = rule.and_then(|rule| rule.escalation.as_ref());
        let feed = topic.labels.value("feed").and_then(|name| feed(self.setup, name));
        let notify = match rule {
            Some(rule) => rule.notify.is_some(),
            None => feed.is_some_and(|feed| feed.notify.is_some()),
        };
        let routes = if notify || own.is_some() { Vec::new() } else { taken(&self.setup.routes, topic) };
        own.into_iter().chain(routes.into_iter().filter_map(|route| route.escalation.as_ref())).collect()
    }

    /// An alert as it is, with a message of what it is for some receivers, and a note that no template hides.
    fn telling(
        &self,
        alert: &Alert,
        firing: &Firing,
        (message, note): (&Message, &str),
        whom: &[String],
        manners: Manners,
        now: Timestamp,
    ) -> Settled {
        let mut firing = firing.clone();
        if firing.receivers.is_empty() {
            (firing.said, firing.said_at) = (message.title.clone(), now);
        }
        let alert = Alert { state: State::Firing(firing), ..alert.clone() };
        let deliveries = plan_at(self.context.store.id(), message, whom, now);
        let mut deliveries = self.context.dressed(self.setup, deliveries);
        for delivery in &mut deliveries {
            delivery.message = delivery.message.clone().with_note(note);
        }
        Settled { alert, transition: None, deliveries, manners }
    }

    /// Which other alerts keep those of a rule back.
    pub(super) fn inhibition(&self, rule: &str) -> Inhibition {
        let rule = self.setup.rules.iter().find(|known| known.name == rule);
        rule.map(|rule| rule.inhibition.clone()).unwrap_or_default()
    }
}
