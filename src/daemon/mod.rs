//! The daemon: three loops that read what is due from the store, `poll`, `evaluate` and `deliver`, and
//! the supervisor that keeps them.
//!
//! The loops pass each other nothing but a nudge, so a crash between any two steps is repaired by the
//! next tick. Formats, SQL and wording are not known here.

mod courier;
mod dead_man;
mod deliver;
mod evaluate;
mod forget;
mod health;
mod import;
mod listen;
mod membership;
mod notice;
mod poll;
mod receivers;
mod reload;
mod round;
mod sd_notify;
#[cfg(test)]
mod sim;
mod supervise;
#[cfg(test)]
mod tests;

pub use courier::Delivered;
pub use deliver::{deliver_all, preview_all};
pub use evaluate::{Assessed, Evaluated, Evaluation, evaluate_all, evaluate_pending, evaluate_ticking};
pub use health::Watch;
pub use import::{ImportError, Importer};
use membership::Membership;
pub use notice::{Notice, notices};
pub use poll::{Pulled, PulledHow, pull_all};
pub use sd_notify::Notify;
pub use supervise::serve;

use crate::alert::{Cause, Kind};
use crate::base::clock::Clock;
use crate::config::Setup;
use crate::feed::fetch::{FetchError, Fetcher};
use crate::metrics::Metrics;
use crate::notify::Sender;
use crate::outbox::{Delivery, Message};
use crate::store::{Committed, Holder, Look, Settled, Store, StoreError, Task};

/// What every loop works with.
#[derive(Clone)]
pub struct Context {
    /// The store.
    pub store: Store,
    /// The clock.
    pub clock: Clock,
    /// Fetches feeds.
    pub fetcher: Fetcher,
    /// Sends messages.
    pub sender: Sender,
    /// The name of this process in leases.
    pub holder: Holder,
    /// Until when this process may act on what it holds.
    pub membership: Membership,
    /// What is counted.
    pub metrics: Metrics,
}

/// Why the daemon cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The HTTP client could not be made.
    #[error("the HTTP client cannot be made")]
    Fetcher(#[source] FetchError),
    /// The sender could not be made.
    #[error("the sender of messages cannot be made")]
    Sender(#[source] crate::notify::SenderError),
}

impl Context {
    /// A context over a store.
    pub fn new(store: Store, clock: Clock, setup: &Setup) -> Result<Self, StartError> {
        let fetcher = Fetcher::new(setup.contact.as_deref(), setup.proxy.as_ref()).map_err(StartError::Fetcher)?;
        let sender = Sender::new(setup.proxy.as_ref()).map_err(StartError::Sender)?;
        let holder = Holder(format!("{}-{:08x}", std::process::id(), rand::random::<u32>()));
        let metrics = Metrics::new(clock.now());
        let membership = Membership::alone();
        Ok(Self { store, clock, fetcher, sender, holder, membership, metrics })
    }

    /// [`Store::commit`] now; what changed by it is counted.
    async fn commit(
        &self,
        task: Option<&Task>,
        looks: Vec<Look>,
        settled: Vec<Settled>,
    ) -> Result<Committed, StoreError> {
        let changes = changes(&settled);
        let stored = self.store.commit(task, looks, settled, self.clock.now()).await?;
        Ok(self.counted(changes, stored))
    }

    /// [`Store::commit_part`] now; what changed by it is counted.
    async fn commit_part(&self, task: &Task, settled: Vec<Settled>) -> Result<Committed, StoreError> {
        let changes = changes(&settled);
        let stored = self.store.commit_part(task, settled, self.clock.now()).await?;
        Ok(self.counted(changes, stored))
    }

    fn counted(&self, changes: Vec<(Kind, Cause)>, stored: Committed) -> Committed {
        if stored == Committed::Stored {
            changes.into_iter().for_each(|(kind, cause)| self.metrics.changed(kind, cause));
        }
        stored
    }

    /// What is owed, in the words of templates and with a link to the page of its alert.
    fn dressed(&self, setup: &Setup, mut deliveries: Vec<Delivery>) -> Vec<Delivery> {
        for Delivery { receiver, message, .. } in &mut deliveries {
            link(setup, message);
            setup.template(&message.alert.rule, receiver).dress(message);
        }
        deliveries
    }
}

/// Gives a message the address at which a page shows its alert.
fn link(setup: &Setup, message: &mut Message) {
    message.url = setup.page_url.as_ref().map(|page| format!("{page}/alerts/{}", message.alert.id));
}

/// What changes by what is settled.
fn changes(settled: &[Settled]) -> Vec<(Kind, Cause)> {
    let transitions = settled.iter().filter_map(|settled| settled.transition.as_ref());
    transitions.map(|(transition, _)| (transition.kind, transition.cause)).collect()
}
