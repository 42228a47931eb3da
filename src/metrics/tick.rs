//! When something last came round: shown as a gauge, and asked for by whoever watches for progress.

use std::time::Duration;

use prometheus::Gauge;

use super::seconds;
use crate::base::clock::Timestamp;

/// When something last came round.
#[derive(Clone)]
pub struct Tick(Gauge);

impl Tick {
    pub(super) const fn new(gauge: Gauge) -> Self {
        Self(gauge)
    }

    /// It came round now.
    pub fn beat(&self, now: Timestamp) {
        self.0.set(seconds(now));
    }

    /// How long ago that was; `None` before the first time.
    pub fn age(&self, now: Timestamp) -> Option<Duration> {
        let last = self.0.get();
        // Milliseconds of this millennium are exact in a double.
        (last != 0.0).then(|| now.since(Timestamp::from_millis((last * 1000.0).round() as i64)))
    }
}
