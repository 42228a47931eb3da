//! What the loops share: the setup of the moment, the nudges, the beats, and the end.
//!
//! No data travels here: what is due is read from the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify as Nudge, watch};
use tokio_util::sync::CancellationToken;

use crate::base::clock::Timestamp;
use crate::config::Setup;

/// A loop looks at the store at least so often, nudged or not.
pub const TICK_MAX: Duration = Duration::from_secs(5);

/// What every loop is given beside its context: the setup of the moment, the nudges, and the end.
#[derive(Clone)]
pub struct Round {
    setups: watch::Receiver<Arc<Setup>>,
    /// How often the deliver loop looks at the store at least.
    pub tick: Duration,
    /// Wakes the loops.
    pub nudges: Arc<Nudges>,
    /// When each loop last came round.
    pub beats: Arc<Beats>,
    /// Told to stop.
    pub stop: CancellationToken,
}

impl Round {
    /// A beginning, with the setups as they come.
    pub fn new(setups: watch::Receiver<Arc<Setup>>) -> Self {
        Self { setups, tick: TICK_MAX, nudges: Arc::default(), beats: Arc::default(), stop: CancellationToken::new() }
    }

    /// The setup of the moment; [`Round::changed`] speaks of later ones.
    pub fn newest_setup(&mut self) -> Arc<Setup> {
        self.setups.borrow_and_update().clone()
    }

    /// Waits for another setup than [`Round::newest_setup`] gave; for ever when none will come.
    pub async fn changed(&mut self) {
        if self.setups.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// A nudge carries no data: it only shortens a wait.
#[derive(Default)]
pub struct Nudges {
    /// There may be something to work out.
    pub evaluate: Nudge,
    /// There may be something to deliver.
    pub deliver: Nudge,
}

/// When each loop last came round.
#[derive(Default)]
pub struct Beats {
    /// Of the poll loop.
    pub poll: Beat,
    /// Of the evaluate loop.
    pub evaluate: Beat,
    /// Of the deliver loop.
    pub deliver: Beat,
}

/// When something last happened.
#[derive(Default)]
pub struct Beat(AtomicI64);

impl Beat {
    /// It happened now.
    pub fn beat(&self, now: Timestamp) {
        self.0.store(now.millis(), Ordering::Relaxed);
    }

    /// How long ago it happened; `None` before the first time.
    pub fn age(&self, now: Timestamp) -> Option<Duration> {
        let last = self.0.load(Ordering::Relaxed);
        (last != 0).then(|| now.since(Timestamp::from_millis(last)))
    }
}
