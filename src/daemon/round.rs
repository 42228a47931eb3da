//! What the loops share: the setup of the moment, the nudges, the beats, and the end.
//!
//! No data travels here: what is due is read from the store.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify as Nudge, watch};
use tokio_util::sync::CancellationToken;

use super::Context;
use crate::config::Setup;
use crate::metrics::{Beats, Metrics, Tick};

/// A loop looks at the store at least so often, nudged or not.
pub const TICK_MAX: Duration = Duration::from_secs(5);
/// How long a loop waits that a server let down.
pub const AWAY_WAIT: Duration = Duration::from_secs(1);

/// What every loop is given beside its context: the setup of the moment, the nudges, and the end.
#[derive(Clone)]
pub struct Round {
    setups: watch::Receiver<Arc<Setup>>,
    /// How often the deliver loop looks at the store at least.
    pub tick: Duration,
    /// Wakes the loops.
    pub nudges: Arc<Nudges>,
    /// When each loop last came round.
    pub beats: Beats,
    /// Told to stop.
    pub stop: CancellationToken,
}

impl Round {
    /// A beginning, with the setups as they come.
    pub fn new(setups: watch::Receiver<Arc<Setup>>, metrics: &Metrics) -> Self {
        let (beats, stop) = (Beats::new(metrics), CancellationToken::new());
        Self { setups, tick: TICK_MAX, nudges: Arc::default(), beats, stop }
    }

    /// The setup of the moment; [`Round::changed`] speaks of later ones.
    pub fn newest_setup(&mut self) -> Arc<Setup> {
        self.setups.borrow_and_update().clone()
    }

    /// Waits until this process may act on what it holds, or is told to stop; the loop comes round meanwhile.
    pub async fn may_act(&self, context: &Context, tick: &Tick) {
        while !context.membership.holds() && !self.stop.is_cancelled() {
            tick.beat(context.clock.now());
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(200)) => {}
                () = self.stop.cancelled() => {}
            }
        }
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
