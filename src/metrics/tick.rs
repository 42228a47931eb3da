//! When something last came round: shown as a gauge, and asked for by whoever watches for progress.

use std::time::Duration;

use prometheus::Gauge;

use super::{LOOPS, Metrics, seconds};
use crate::base::clock::Timestamp;

/// A loop that has not come round for so long makes no progress.
const STUCK_AFTER: Duration = Duration::from_secs(300);

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

/// When each of the daemon's loops last came round.
#[derive(Clone)]
pub struct Beats {
    /// The poll loop.
    pub poll: Tick,
    /// The evaluate loop.
    pub evaluate: Tick,
    /// The deliver loop.
    pub deliver: Tick,
}

impl Beats {
    /// As it is counted there; at first no loop has come round.
    pub fn new(metrics: &Metrics) -> Self {
        let [poll, evaluate, deliver] = LOOPS.map(|name| metrics.tick(name));
        Self { poll, evaluate, deliver }
    }

    /// A loop that makes no progress; one that has not come round yet may still be at its first round.
    pub fn stuck(&self, now: Timestamp) -> Option<&'static str> {
        self.first(|tick| tick.age(now).is_some_and(|age| age > STUCK_AFTER))
    }

    /// A loop that has not come round for the first time.
    pub fn unbegun(&self, now: Timestamp) -> Option<&'static str> {
        self.first(|tick| tick.age(now).is_none())
    }

    /// A loop waits for what keeps it from coming round: it is not stuck.
    pub fn rest(&self, name: &str, now: Timestamp) {
        let ticks = [&self.poll, &self.evaluate, &self.deliver];
        LOOPS.into_iter().zip(ticks).filter(|(known, _)| *known == name).for_each(|(_, tick)| tick.beat(now));
    }

    fn first(&self, is_so: impl Fn(&Tick) -> bool) -> Option<&'static str> {
        let ticks = [&self.poll, &self.evaluate, &self.deliver];
        LOOPS.into_iter().zip(ticks).find(|(_, tick)| is_so(tick)).map(|(name, _)| name)
    }
}
