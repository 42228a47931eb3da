//! Whether this process may still act on what it holds.
//!
//! The store refuses what is written by a claim that was taken away; nobody can refuse a message that is on its way. So
//! a replica acts only until some time before others may take it for dead, by a clock that nothing sets and that goes on
//! while it is stopped. What has lapsed is like a restart: what was held is let go of, and taken anew.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::Context;
use super::round::Round;
use crate::base::error::Chain;
use crate::base::limits::CLOCK_AHEAD_MAX;
use crate::base::text::{hex, lasting};
use crate::config::Setup;
use crate::metrics::Metrics;
use crate::store::{Beat, Held, Location, Replica, StoreError};

/// How many times a replica says that it is there before the others would take it for dead.
const BEATS: u32 = 4;
/// The part of the lease that is left when it no longer acts: one in so many.
const MARGIN: u32 = 5;

/// Until when this process may act; of a store in a file, for ever.
#[derive(Clone, Debug)]
pub struct Membership {
    until: Arc<watch::Sender<Option<Instant>>>,
}

impl Membership {
    /// That of the only process that has a store.
    pub fn alone() -> Self {
        Self { until: Arc::new(watch::Sender::new(None)) }
    }

    /// Whether it may act.
    pub fn holds(&self) -> bool {
        cfg!(feature = "unfenced") || self.until.borrow().is_none_or(|until| Instant::now() < until)
    }

    /// Waits until it may no longer act; for ever, where that does not come.
    pub async fn lapsed(&self) {
        let mut until = self.until.subscribe();
        loop {
            let Some(end) = *until.borrow_and_update() else { return std::future::pending().await };
            if Instant::now() >= end {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep_until(end) => {}
                // The sender is ours.
                _ = until.changed() => {}
            }
        }
    }

    fn extend(&self, until: Instant) {
        self.until.send_replace(Some(until));
    }
}

/// What a replica says of itself.
fn replica(context: &Context, setup: &Setup) -> Replica {
    Replica {
        holder: context.holder.clone(),
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        config: hex(&Sha256::digest(setup.outline.meaning()))[..12].to_owned(),
        lease: setup.lease,
    }
}

/// Says once that this process is there, so that it may act.
pub async fn join(context: &Context, setup: &Setup) -> Result<(), StoreError> {
    if let Location::Postgres(_) = setup.state {
        let began = Instant::now();
        let beat = context.store.beat(&replica(context, setup), context.clock.now()).await?;
        Told::default().tell(&beat, true);
        if let Some(what) = context.store.what_may_be_lost().await? {
            warn!(what, "the database may lose what it has confirmed");
        }
        // Where the clock is wrong it has lapsed before it begins; untouched, it would hold for ever.
        let lasts = if is_in_time(&beat) { setup.lease - setup.lease / MARGIN } else { Duration::ZERO };
        context.membership.extend(began + lasts);
        context.metrics.clock_ahead(beat.ahead_ms);
        context.metrics.may_act(context.membership.holds());
    }
    Ok(())
}

/// Whether the clock shows about what the server's shows: leases and schedules are told by it.
fn is_in_time(beat: &Beat) -> bool {
    Duration::from_millis(beat.ahead_ms.unsigned_abs()) <= CLOCK_AHEAD_MAX
}

/// Says again and again that this process is there, until told to stop; then it is gone at once.
pub async fn membership_loop(context: Context, mut round: Round) -> Result<(), StoreError> {
    let stop = round.stop.clone();
    let mut told = Told::default();
    loop {
        let setup = round.newest_setup();
        if !matches!(setup.state, Location::Postgres(_)) {
            stop.cancelled().await;
            return Ok(());
        }
        let under_way = pin!(beat(&context, &setup, &mut told));
        let pause = beat_or_lapse(&context.membership, &context.metrics, under_way).await?;
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = round.changed() => {}
            // The deliveries under way are recorded first: `serve` leaves.
            () = stop.cancelled() => return Ok(()),
        }
    }
}

/// Ends with a beat; where that takes longer than this process may act, what is scraped says so meanwhile.
async fn beat_or_lapse<T>(
    membership: &Membership,
    metrics: &Metrics,
    mut beat: Pin<&mut impl Future<Output = T>>,
) -> T {
    let done = tokio::select! {
        biased;
        done = &mut beat => done,
        () = membership.lapsed() => {
            metrics.may_act(membership.holds());
            beat.await
        }
    };
    metrics.may_act(membership.holds());
    done
}

/// One beat; how long until the next one.
async fn beat(context: &Context, setup: &Setup, told: &mut Told) -> Result<Duration, StoreError> {
    let (began, me) = (Instant::now(), replica(context, setup));
    let pause = setup.lease / BEATS;
    match context.store.beat(&me, context.clock.now()).await {
        Ok(beat) => {
            told.back();
            told.tell(&beat, false);
            context.metrics.clock_ahead(beat.ahead_ms);
            if !is_in_time(&beat) {
                return Ok(pause);
            }
            if !context.membership.holds() || beat.is_new {
                context.store.let_go(&context.holder, Held::ALL).await?;
                info!("this replica takes work again");
            }
            context.membership.extend(began + setup.lease - setup.lease / MARGIN);
            Ok(pause)
        }
        Err(error) if error.is_final() => Err(error),
        Err(error) => {
            told.away(&error, context.membership.holds());
            Ok(pause.min(Duration::from_secs(1)))
        }
    }
}

/// What was said of the others and of the server, so that it is said once.
#[derive(Default)]
struct Told {
    is_away: Option<Instant>,
    has_lapsed: bool,
    differing: Vec<String>,
    is_ahead: bool,
}

impl Told {
    fn tell(&mut self, beat: &Beat, is_first: bool) {
        if beat.is_new && !is_first {
            warn!("this replica had said nothing for so long that the others took over what it held");
        }
        for id in &beat.buried {
            warn!(replica = id, "a replica has said nothing for too long: what it held is free");
        }
        if beat.differing != self.differing {
            self.differing.clone_from(&beat.differing);
            if self.differing.is_empty() {
                info!("all replicas have the same config");
            } else {
                warn!(replicas = ?self.differing, "replicas have another config than this one: give all of them the same");
            }
        }
        let ahead = !is_in_time(beat);
        if ahead != self.is_ahead {
            self.is_ahead = ahead;
            let by = lasting(Duration::from_millis(beat.ahead_ms.unsigned_abs()));
            let way = if beat.ahead_ms < 0 { "behind" } else { "ahead of" };
            if ahead {
                error!(
                    "this machine's clock is {by} {way} the database's: set it right; until then this replica takes no work"
                );
            } else {
                info!("this machine's clock is right again");
            }
        }
    }

    fn away(&mut self, error: &StoreError, holds: bool) {
        if self.is_away.is_none() {
            self.is_away = Some(Instant::now());
            warn!(error = %Chain(error), "the database does not answer; it is tried again until it does");
        }
        if !holds && !self.has_lapsed {
            self.has_lapsed = true;
            warn!("nothing is sent until the database answers: others may have taken over what this replica holds");
        }
    }

    fn back(&mut self) {
        self.has_lapsed = false;
        if let Some(since) = self.is_away.take() {
            info!(seconds = since.elapsed().as_secs(), "the database answers again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::{Clock, Timestamp};
    use crate::config::Environment;
    use crate::metrics::{Names, Reading};
    use crate::store::Store;
    use crate::store::contract::server::Database;

    /// The value of a metric without labels.
    fn scraped(metrics: &Metrics, name: &str) -> f64 {
        let text = metrics.text(&Names { feeds: vec![], rules: vec![], receivers: vec![] }, Reading::default());
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        value.unwrap_or_else(|| panic!("no {name} in {text}"))
    }

    #[tokio::test(start_paused = true)]
    async fn a_beat_that_takes_too_long_is_seen_while_it_takes() {
        let (membership, metrics) = (Membership::alone(), Metrics::new(Timestamp::from_millis(0)));
        let shown = || scraped(&metrics, "supplywatch_replica_membership");
        let lease = Duration::from_secs(12);
        membership.extend(Instant::now() + lease);
        let beat = pin!(async {
            tokio::time::sleep(lease * 2).await;
            membership.extend(Instant::now() + lease);
        });
        let look = async {
            tokio::time::sleep(lease - Duration::from_secs(1)).await;
            let before = shown();
            tokio::time::sleep(Duration::from_secs(2)).await;
            (before, shown())
        };
        let ((), seen) = tokio::join!(beat_or_lapse(&membership, &metrics, beat), look);
        assert_eq!((seen, shown()), ((1.0, 0.0), 1.0));
    }

    #[tokio::test]
    async fn a_replica_that_comes_with_a_wrong_clock_takes_no_work_until_it_is_right() {
        let Some(database) = Database::create() else { return };
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("supplywatch.toml");
        std::fs::write(&path, format!("[daemon]\nstate = \"{}\"\n", database.url())).unwrap();
        let loaded = crate::config::load(&path, &Environment::of(&[]));
        let setup = loaded.map_err(|problems| problems.render(false)).unwrap().setup;
        let clock = Clock::manual(Timestamp::from_millis(0));
        let store = Store::open(&setup.state, clock.now()).await.unwrap();
        let context = Context::new(store, clock.clone(), &setup).unwrap();
        join(&context, &setup).await.unwrap();
        assert!(!context.membership.holds());
        let ahead = scraped(&context.metrics, "supplywatch_replica_clock_ahead_seconds");
        assert!(ahead < -1e9, "{ahead}");
        assert_eq!(scraped(&context.metrics, "supplywatch_replica_membership"), 0.0);
        let mut told = Told::default();
        beat(&context, &setup, &mut told).await.unwrap();
        assert!(!context.membership.holds());
        clock.set(clock.now().plus(Duration::from_secs_f64(-ahead)));
        beat(&context, &setup, &mut told).await.unwrap();
        assert!(context.membership.holds());
        assert!(scraped(&context.metrics, "supplywatch_replica_clock_ahead_seconds").abs() < 30.0);
        context.store.close().await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_lapses_can_be_extended_until_then() {
        let membership = Membership::alone();
        assert!(membership.holds());
        let begun = Instant::now();
        membership.extend(begun + Duration::from_secs(12));
        let lapsed = async {
            membership.lapsed().await;
            Instant::now() - begun
        };
        let beats = async {
            tokio::time::sleep(Duration::from_secs(11)).await;
            assert!(membership.holds());
            membership.extend(begun + Duration::from_secs(24));
            tokio::time::sleep(Duration::from_secs(5)).await;
            assert!(membership.holds());
        };
        assert_eq!(tokio::join!(lapsed, beats).0, Duration::from_secs(24));
        assert!(!membership.holds());
    }
}
