//! Where the verbs ask about alerts, silences and deliveries, and bring what a person has to say of them.

use super::{Exit, FAILED, Session, say};
use crate::config::Setup;
use crate::inspect::alerts::{self, AlertShown, AlertsWanted, Known, Remark, Standing, Story};
use crate::inspect::deliveries::{self, Course, DeliveriesWanted, DeliveryShown};
use crate::inspect::silences::{self, NewSilence, SilenceAdded, SilenceShown};
use crate::inspect::{Inspection, Page, Unanswered};
use crate::store::Store;

/// Who answers.
pub enum Desk<'a> {
    /// The store itself: a copy of it where something is asked; where something is changed, the store, beside whoever
    /// has it.
    Stored(&'a Session, &'a Setup),
}

impl<'a> Desk<'a> {
    /// Who answers for a setup.
    pub fn of(session: &'a Session, setup: &'a Setup) -> Self {
        Self::Stored(session, setup)
    }

    /// The alerts that fire or are held, or all of them.
    pub async fn alerts(&self, all: bool) -> anyhow::Result<Vec<AlertShown>> {
        let wanted = AlertsWanted { standing: all.then_some(Standing::All), ..AlertsWanted::default() };
        self.look(async |asked| alerts::alerts(asked, &wanted, &Page::ALL).await).await.map(|found| found.alerts)
    }

    /// How an alert came to where it is.
    pub async fn alert(&self, id: &str) -> anyhow::Result<Story> {
        self.look(async |asked| alerts::alert(asked, id).await).await
    }

    /// That somebody knows of a firing alert.
    pub async fn acknowledge(&self, id: &str, said: &Remark) -> anyhow::Result<Known> {
        self.change(async |asked| alerts::acknowledge(asked, id, said).await).await
    }

    /// Every silence, oldest first.
    pub async fn silences(&self) -> anyhow::Result<Vec<SilenceShown>> {
        self.look(async |asked| silences::silences(asked, None, &Page::ALL).await).await.map(|found| found.silences)
    }

    /// Adds a silence.
    pub async fn add_silence(&self, wish: NewSilence) -> anyhow::Result<SilenceAdded> {
        self.change(async |asked| silences::add_silence(asked, wish).await).await
    }

    /// Ends a silence.
    pub async fn expire_silence(&self, id: i64) -> anyhow::Result<SilenceShown> {
        self.change(async |asked| silences::expire_silence(asked, id).await).await
    }

    /// The newest deliveries; those that failed alone, if so wanted.
    pub async fn deliveries(&self, failed: bool, limit: usize) -> anyhow::Result<Vec<DeliveryShown>> {
        let wanted = DeliveriesWanted { failed, ..DeliveriesWanted::default() };
        let page = Page { limit, after: None };
        self.look(async |asked| deliveries::deliveries(asked, &wanted, &page).await).await.map(|found| found.deliveries)
    }

    /// A delivery with its attempts.
    pub async fn delivery(&self, id: &str) -> anyhow::Result<Course> {
        self.look(async |asked| deliveries::delivery(asked, id).await).await
    }

    /// Makes a delivery due now.
    pub async fn send_again(&self, id: &str) -> anyhow::Result<DeliveryShown> {
        self.change(async |asked| deliveries::send_again(asked, id).await).await
    }

    async fn look<T>(&self, ask: impl AsyncFnOnce(Inspection<'_>) -> Result<T, Unanswered>) -> anyhow::Result<T> {
        let Self::Stored(session, setup) = self;
        let store = session.copy(&setup.state).await?;
        Ok(ask(Inspection { setup, store: &store, now: session.clock.now() }).await?)
    }

    async fn change<T>(&self, ask: impl AsyncFnOnce(Inspection<'_>) -> Result<T, Unanswered>) -> anyhow::Result<T> {
        let Self::Stored(session, setup) = self;
        let now = session.clock.now();
        let store = Store::open_beside(&setup.state, now).await?;
        let done = ask(Inspection { setup, store: &store, now }).await;
        store.close().await?;
        Ok(done?)
    }
}

/// What was asked for; where it was asked for in vain, says why, and which verb shows what there is.
pub fn found<T>(answer: anyhow::Result<T>, listing: &str) -> anyhow::Result<T> {
    answer.map_err(|error| match error.downcast::<Unanswered>() {
        Ok(unanswered @ (Unanswered::Unknown(_) | Unanswered::Invalid(_))) => {
            say(&format!("error: {unanswered}; see `{listing}`"));
            Exit(FAILED).into()
        }
        Ok(Unanswered::Store(error)) => error.into(),
        Err(error) => error,
    })
}
