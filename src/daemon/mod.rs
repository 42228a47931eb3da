//! The daemon: three loops that read what is due from the store, `poll`, `evaluate` and `deliver`, and
//! the supervisor that keeps them.
//!
//! The loops pass each other nothing but a nudge, so a crash between any two steps is repaired by the
//! next tick. Formats, SQL and wording are not known here.

mod courier;
mod deliver;
mod evaluate;
mod health;
mod import;
mod notice;
mod poll;
mod receivers;
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
pub use notice::{Notice, notices};
pub use poll::{Pulled, PulledHow, pull_all};
pub use sd_notify::Notify;
pub use supervise::serve;

use crate::base::clock::Clock;
use crate::config::Setup;
use crate::feed::fetch::{FetchError, Fetcher};
use crate::notify::Sender;
use crate::outbox::{Delivery, Message};
use crate::store::{Holder, Store};

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
    /// Where the page that shows alerts is to be found.
    pub page_url: Option<String>,
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
        let fetcher = Fetcher::new(setup.contact.as_deref()).map_err(StartError::Fetcher)?;
        let sender = Sender::new().map_err(StartError::Sender)?;
        let holder = Holder(format!("{}-{:08x}", std::process::id(), rand::random::<u32>()));
        Ok(Self { store, clock, fetcher, sender, holder, page_url: setup.page_url.clone() })
    }

    /// What is owed, in the words of templates and with a link to the page of its alert.
    fn dressed(&self, setup: &Setup, mut deliveries: Vec<Delivery>) -> Vec<Delivery> {
        for Delivery { receiver, message, .. } in &mut deliveries {
            self.link(message);
            setup.template(&message.alert.rule, receiver).dress(message);
        }
        deliveries
    }

    /// Gives a message the address at which a page shows its alert.
    fn link(&self, message: &mut Message) {
        message.url = self.page_url.as_ref().map(|page| format!("{page}/alerts/{}", message.alert.id));
    }
}
