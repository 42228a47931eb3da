//! The page, the API and the metrics: one HTTP server on loopback, and on a socket for the command line.
//!
//! It shows what `inspect` sees. It changes nothing but silences, acknowledgements and deliveries that are sent
//! again, and lets nobody in whom `guard` does not know.

mod api;
mod assets;
mod etag;
mod guard;
mod health;
mod listen;
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
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::{mpsc, oneshot, watch};

pub use listen::handed;
pub use serve::Server;

use crate::base::clock::Clock;
use crate::base::limits::REQUEST_BYTES_MAX;
use crate::config::Setup;
use crate::inspect::{Gauges, Inspection};
use crate::metrics::{Beats, CONTENT_TYPE, Metrics};
use crate::store::Store;
use page::Glance;
use session::Key;

/// What the page tells the daemon to do.
#[derive(Debug)]
pub enum Order {
    /// Something may be due: look.
    Nudge,
    /// Read the config again, and say what became of it.
    Reload(oneshot::Sender<Result<String, String>>),
}

/// That something was stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Change {
    /// The store's version then.
    version: u64,
    /// How often it was told.
    times: u8,
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
    /// To the daemon.
    pub orders: mpsc::Sender<Order>,
    /// What Prometheus is told.
    pub gauges: Gauges,
    /// When the daemon's loops last came round.
    pub beats: Beats,
    /// The overview as it was last looked at.
    glance: Glance,
    /// That something was stored.
    changes: watch::Sender<Change>,
    /// Signs sessions.
    key: Key,
}

impl Site {
    /// A site over a daemon's store, which reads by the store's reader.
    pub fn new(
        setups: watch::Receiver<Arc<Setup>>,
        store: Store,
        writer: &Store,
        clock: &Clock,
        orders: mpsc::Sender<Order>,
        metrics: &Metrics,
    ) -> Self {
        let (writer, clock, gauges) = (writer.clone(), clock.clone(), Gauges::new(metrics.clone()));
        let glance = Glance::default();
        Self {
            setups,
            store,
            writer,
            clock,
            orders,
            gauges,
            beats: Beats::new(metrics),
            glance,
            changes: watch::Sender::new(Change::default()),
            key: Key::new(),
        }
    }

    /// The setup of the moment.
    pub fn setup(&self) -> Arc<Setup> {
        self.setups.borrow().clone()
    }

    /// What there is to see now.
    pub fn inspection<'a>(&'a self, setup: &'a Setup) -> Inspection<'a> {
        Inspection { setup, store: &self.store, now: self.clock.now() }
    }

    /// The same where something is to be changed.
    pub fn change<'a>(&'a self, setup: &'a Setup) -> Inspection<'a> {
        Inspection { store: &self.writer, ..self.inspection(setup) }
    }
}

/// All that is served.
fn router(site: Site) -> Router {
    Router::new()
        .merge(page::routes())
        .merge(api::routes())
        .merge(assets::routes())
        .merge(health::routes())
        .route("/metrics", get(metrics))
        .fallback(page::nowhere)
        .layer(from_fn(etag::etag))
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .layer(from_fn_with_state(site.clone(), guard::guard))
        .with_state(site)
}

/// What Prometheus reads.
async fn metrics(State(site): State<Site>) -> Result<Response, problem::Problem> {
    let setup = site.setup();
    let text = site.gauges.text(site.inspection(&setup)).await?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response())
}
