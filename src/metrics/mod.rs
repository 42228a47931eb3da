//! What the program counts of its own work, and the text in which Prometheus reads it.
//!
//! The loops count as they go, at the cost of an atomic addition; what stands in the store is read when somebody asks
//! (see [`Reading`]). No label of a series becomes a label here: how long the text is depends on the config alone.
//!
//! Names follow <https://prometheus.io/docs/practices/naming/>; the text is that of
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>.

mod text;
mod tick;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

pub use self::text::{CONTENT_TYPE, Names, Reading};
pub use self::tick::{Beats, Tick};

use crate::alert::{Cause, Kind};
use crate::base::clock::Timestamp;
use crate::outbox::Outcome;

/// How a pull may end.
pub const PULL_RESULTS: [&str; 5] = ["changed", "same", "not_modified", "set_aside", "failed"];
/// What a row of a pull may be.
pub const CHANGES: [&str; 4] = ["new", "revised", "unchanged", "rejected"];
/// What a rule may say of a series or a group.
pub const VERDICTS: [&str; 3] = ["holds", "fails", "unknown"];
/// The daemon's loops, each of which is to come round.
pub const LOOPS: [&str; 3] = ["poll", "evaluate", "deliver"];
/// How a ping may end.
const PINGS: [&str; 2] = ["ok", "failed"];

/// Seconds of a pull: a file, an answer, an archive of many pages.
const PULL_SECONDS: [f64; 11] = [0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0];
/// Seconds of an attempt, which ends within half a minute or some more.
const ATTEMPT_SECONDS: [f64; 10] = [0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 10.0, 30.0];

/// What is counted. Cheap to clone; every clone counts into the same.
#[derive(Clone)]
pub struct Metrics(Arc<Counters>);

struct Counters {
    registry: Registry,
    pulls: IntCounterVec,
    pull_seconds: HistogramVec,
    observations: IntCounterVec,
    evaluations: IntCounterVec,
    transitions: IntCounterVec,
    attempts: IntCounterVec,
    attempt_seconds: HistogramVec,
    given_up: IntCounterVec,
    pings: IntCounterVec,
    reload_stood: Gauge,
    reloaded_at: Gauge,
    ticks: GaugeVec,
    membership: Gauge,
    clock_ahead: Gauge,
    last_reload: Mutex<Option<Reload>>,
}

/// How a reload ended.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Reload {
    /// When.
    pub at: Timestamp,
    /// Whether what was read is in use; else the old config is.
    pub stood: bool,
    /// What changed, or why the old config is kept, in a line.
    #[schema(example = "watching: 3 feeds, 4 rules, 2 receivers; reload: 1 rule added")]
    pub said: String,
}

/// How the process stands: its config, and its place among replicas.
fn standings(registry: &Registry) -> [Gauge; 4] {
    let all = [
        (
            "supplywatch_config_last_reload_successful",
            "Whether the last attempt to read the config stood (1) or the old one was kept (0).",
        ),
        ("supplywatch_config_last_reload_success_timestamp_seconds", "When the config in use was read."),
        (
            "supplywatch_replica_membership",
            "Whether this replica may act: pull, evaluate and send. Of a store in a file: always.",
        ),
        (
            "supplywatch_replica_clock_ahead_seconds",
            "How far this machine's clock is ahead of the database's, or behind where that is negative.",
        ),
    ];
    all.map(|(name, help)| kept(registry, Gauge::new(name, help).expect(CONSTANT)))
}

impl Metrics {
    /// Nothing is counted yet; the config was read `now`.
    pub fn new(now: Timestamp) -> Self {
        let registry = Registry::new();
        let counter = |name, help, labels: &[&str]| {
            kept(&registry, IntCounterVec::new(Opts::new(name, help), labels).expect(CONSTANT))
        };
        let gauges =
            |name, help, label| kept(&registry, GaugeVec::new(Opts::new(name, help), &[label]).expect(CONSTANT));
        let seconds = |name, help, label, buckets: &[f64]| {
            let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
            kept(&registry, HistogramVec::new(options, &[label]).expect(CONSTANT))
        };
        let [reload_stood, reloaded_at, membership, clock_ahead] = standings(&registry);
        let counters = Counters {
            pulls: counter("supplywatch_feed_pulls_total", "Pulls of a feed, by how they ended.", &["feed", "result"]),
            pull_seconds: seconds(
                "supplywatch_feed_pull_duration_seconds",
                "Time to fetch and read all that one pull asks for.",
                "feed",
                &PULL_SECONDS,
            ),
            observations: counter(
                "supplywatch_feed_observations_total",
                "Figures that pulls of a feed brought, by what they changed.",
                &["feed", "change"],
            ),
            evaluations: counter(
                "supplywatch_rule_evaluations_total",
                "Verdicts of a rule on one series or group each.",
                &["rule", "outcome"],
            ),
            transitions: counter(
                "supplywatch_alert_transitions_total",
                "Changes of alerts, by what happened and what brought it about.",
                &["kind", "cause"],
            ),
            attempts: counter(
                "supplywatch_delivery_attempts_total",
                "Attempts to bring a message to a receiver, by what its answer means.",
                &["receiver", "result"],
            ),
            attempt_seconds: seconds(
                "supplywatch_delivery_attempt_duration_seconds",
                "Time that an attempt took until its answer.",
                "receiver",
                &ATTEMPT_SECONDS,
            ),
            given_up: counter(
                "supplywatch_deliveries_given_up_total",
                "Messages that became dead letters.",
                &["receiver"],
            ),
            pings: counter("supplywatch_dead_man_pings_total", "Pings that say that all is well.", &["result"]),
            reload_stood,
            reloaded_at,
            ticks: gauges(
                "supplywatch_loop_last_tick_timestamp_seconds",
                "When a loop last came round; `poll` is the scheduler. 0: not yet.",
                "loop",
            ),
            membership,
            clock_ahead,
            last_reload: Mutex::default(),
            registry,
        };
        let metrics = Self(Arc::new(counters));
        metrics.start(now);
        metrics
    }

    /// What is known once and for all, and what the system knows of the process; the config was read `now`.
    fn start(&self, now: Timestamp) {
        self.config_read(true, now);
        self.may_act(true);
        let registry = &self.0.registry;
        let options = Opts::new("supplywatch_build_info", "The program that runs: 1.");
        let build = kept(registry, GaugeVec::new(options, &["version"]).expect(CONSTANT));
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1.0);
        #[cfg(target_os = "linux")]
        drop(registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self())));
    }

    /// A pull ended so (one of [`PULL_RESULTS`]), having fetched and read for so long.
    pub fn pulled(&self, feed: &str, result: &str, took: Duration) {
        self.0.pulls.with_label_values(&[feed, result]).inc();
        self.0.pull_seconds.with_label_values(&[feed]).observe(took.as_secs_f64());
    }

    /// A pull brought so many figures of a kind (one of [`CHANGES`]).
    pub fn observed(&self, feed: &str, change: &str, count: usize) {
        self.0.observations.with_label_values(&[feed, change]).inc_by(whole(count));
    }

    /// A rule said so (one of [`VERDICTS`]) of so many series or groups.
    pub fn judged(&self, rule: &str, outcome: &str, count: usize) {
        self.0.evaluations.with_label_values(&[rule, outcome]).inc_by(whole(count));
    }

    /// An alert changed, and that is stored.
    pub fn changed(&self, kind: Kind, cause: Cause) {
        self.0.transitions.with_label_values(&[kind.name(), cause.name()]).inc();
    }

    /// An attempt at a receiver ended so.
    pub fn attempted(&self, receiver: &str, outcome: &Outcome, took: Duration) {
        self.0.attempts.with_label_values(&[receiver, outcome.name()]).inc();
        self.0.attempt_seconds.with_label_values(&[receiver]).observe(took.as_secs_f64());
    }

    /// So many messages for a receiver became dead letters.
    pub fn gave_up(&self, receiver: &str, count: usize) {
        self.0.given_up.with_label_values(&[receiver]).inc_by(whole(count));
    }

    /// The outside world was told that all is well, or could not be.
    pub fn pinged(&self, stood: bool) {
        self.0.pings.with_label_values(&[PINGS[usize::from(!stood)]]).inc();
    }

    /// The config was read again: what it is now, or why the old one is kept.
    pub fn reloaded(&self, outcome: &Result<String, String>, now: Timestamp) {
        self.config_read(outcome.is_ok(), now);
        let (Ok(said) | Err(said)) = outcome;
        *self.0.last_reload.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Reload { at: now, stood: outcome.is_ok(), said: said.clone() });
    }

    /// The last time that it was, since the start.
    pub fn last_reload(&self) -> Option<Reload> {
        self.0.last_reload.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn config_read(&self, stood: bool, now: Timestamp) {
        self.0.reload_stood.set(f64::from(u8::from(stood)));
        if stood {
            self.0.reloaded_at.set(seconds(now));
        }
    }

    /// Whether this replica may act on what it holds.
    pub fn may_act(&self, may: bool) {
        self.0.membership.set(f64::from(u8::from(may)));
    }

    /// How far this machine's clock is ahead of the database's, in milliseconds.
    pub fn clock_ahead(&self, milliseconds: i64) {
        self.0.clock_ahead.set(milliseconds as f64 / 1000.0);
    }

    /// When the loop of this name last came round.
    pub fn tick(&self, name: &str) -> Tick {
        Tick::new(self.0.ticks.with_label_values(&[name]))
    }
}

/// Names and labels are constants, held by the tests.
const CONSTANT: &str = "names and labels of metrics are well formed";

/// The same collector, which a registry has from now on.
fn kept<C: Collector + Clone + 'static>(registry: &Registry, collector: C) -> C {
    registry.register(Box::new(collector.clone())).expect(CONSTANT);
    collector
}

fn whole(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// A moment as Prometheus has it: seconds since 1970-01-01T00:00:00Z.
pub fn seconds(at: Timestamp) -> f64 {
    at.millis() as f64 / 1000.0
}
