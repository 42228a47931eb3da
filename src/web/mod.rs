//! The page, the API and the metrics: one HTTP server on loopback, and on a socket for the command line.
//!
//! It shows what `inspect` sees. It changes nothing but silences, acknowledgements and deliveries that are sent
//! again, and lets nobody in whom `guard` does not know.

mod assets;
mod etag;
mod guard;
mod health;
mod listen;
mod metrics;
mod page;
mod problem;
mod serve;
mod session;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use tokio::sync::{mpsc, oneshot, watch};

pub use serve::serve;

use crate::base::clock::Clock;
use crate::base::limits::REQUEST_BYTES_MAX;
use crate::config::Setup;
use crate::inspect::{Gauges, Inspection};
use crate::store::Store;
use session::Key;

/// What the page tells the daemon to do.
#[derive(Debug)]
pub enum Order {
    /// Something may be due: look.
    Nudge,
    /// Read the config again, and say what became of it.
    Reload(oneshot::Sender<Result<String, String>>),
}

/// What every page works with.
#[derive(Clone)]
pub struct Site {
    /// The setup of the moment.
    pub setups: watch::Receiver<Arc<Setup>>,
    /// The store, to read from.
    pub store: Store,
    /// The store, to write to.
    pub writer: Store,
    /// The clock.
    pub clock: Clock,
    /// What Prometheus is told.
    pub gauges: Gauges,
    /// To the daemon.
    pub orders: mpsc::Sender<Order>,
    /// Counts up whenever something was stored.
    changes: watch::Sender<u64>,
    /// Signs sessions.
    key: Key,
}

impl Site {
    /// A site over a daemon's store.
    pub fn new(
        setups: watch::Receiver<Arc<Setup>>,
        store: Store,
        writer: Store,
        clock: Clock,
        gauges: Gauges,
        orders: mpsc::Sender<Order>,
    ) -> Self {
        Self { setups, store, writer, clock, gauges, orders, changes: watch::Sender::new(0), key: Key::new() }
    }

    /// The setup of the moment.
    pub fn setup(&self) -> Arc<Setup> {
        self.setups.borrow().clone()
    }

    /// What there is to see now.
    pub fn inspection<'a>(&'a self, setup: &'a Setup) -> Inspection<'a> {
        Inspection { setup, store: &self.store, now: self.clock.now() }
    }
}

/// All that is served.
fn router(site: Site) -> Router {
    Router::new()
        .merge(page::routes())
        .merge(assets::routes())
        .merge(health::routes())
        .merge(metrics::routes())
        .fallback(page::nowhere)
        .layer(from_fn(etag::etag))
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .layer(from_fn_with_state(site.clone(), guard::guard))
        .with_state(site)
}
