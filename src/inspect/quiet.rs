//! What keeps the messages of an alert back now, for those who look at it.

use crate::alert::{Acknowledgement, Alert, Hush, Hushes, Topic};
use crate::base::clock::Timestamp;
use crate::config::Setup;
use crate::rule::Inhibition;
use crate::store::{Store, StoreError};

/// All that may keep anything back, as the store has it.
pub struct Quiet<'a> {
    setup: &'a Setup,
    hushes: Hushes,
    known: Vec<Acknowledgement>,
    now: Timestamp,
}

impl<'a> Quiet<'a> {
    /// Reads it.
    pub async fn read(setup: &'a Setup, store: &Store, now: Timestamp) -> Result<Self, StoreError> {
        let hushes = Hushes { silences: store.silences().await?, firing: store.firing().await? };
        Ok(Self { setup, hushes, known: store.acknowledgements().await?, now })
    }

    /// The alerts that fire.
    pub fn firing(&self) -> &[Alert] {
        &self.hushes.firing
    }

    /// What keeps back messages about something: all of them.
    pub fn of_topic(&self, topic: &Topic<'_>) -> Option<Hush> {
        let rule = self.setup.rules.iter().find(|rule| rule.name == topic.rule);
        let none = Inhibition::default();
        self.hushes.of(topic, rule.map_or(&none, |rule| &rule.inhibition), self.now)
    }

    /// What keeps back messages of an alert that fires; an acknowledgement, only that it goes on.
    pub fn of(&self, alert: &Alert) -> Vec<Hush> {
        let all = Topic::of_firing(alert).and_then(|topic| self.of_topic(&topic));
        all.into_iter().chain(self.known(alert).map(Acknowledgement::hush)).collect()
    }

    /// Who knows of an alert that fires.
    pub fn known(&self, alert: &Alert) -> Option<&Acknowledgement> {
        self.known.iter().find(|known| known.is_of(alert))
    }
}
