//! The deliver loop over simulated days: services that answer by a script, and a program that ends at any call of
//! its store or of a service and starts again.
//!
//! Time is that of a paused runtime: it leaps from one moment that anybody waits for to the next, so the days of a
//! test take as long as the work in them.

mod metrics;
mod outage;
mod storm;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::{Notify, watch};

use super::Context;
use super::deliver::deliver_loop;
use super::round::Round;
use crate::alert::Alert;
use crate::base::clock::{Clock, Timestamp};
use crate::config::{Environment, Setup};
use crate::notify::double::fired;
use crate::notify::stage::Stage;
use crate::notify::{Parcel, Sender, Sent};
use crate::outbox::{AlertRef, Attempt, Manners, Message, Outcome, plan};
use crate::series::{Labels, PullId};
use crate::store::{Committed, DeliveryRecord, Settled, Store, StoreError};

/// When every test begins.
const START: Timestamp = Timestamp::from_millis(1_760_000_000_000);
/// Nothing may be pending any more so long after it.
const END: Duration = Duration::from_secs(8 * 86_400);
/// The loop looks at least so often: seldom, for the days to be short. Whatever it does sooner, it knew of.
const TICK: Duration = Duration::from_secs(900);

/// How a service deals with one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// It has it, and says so.
    Takes,
    /// It has it or has not, and its answer is lost.
    Loses { taken: bool },
    /// It has it not; it may say how many seconds to wait.
    Refuses { after: Option<u32> },
    /// It wants nothing for so many seconds.
    Pauses(u32),
    /// It never has it.
    Rejects,
    /// It wants nothing from us.
    Disables,
    /// The program ends before the answer comes.
    Dies { taken: bool },
}

impl Act {
    const fn takes(self) -> bool {
        matches!(self, Self::Takes | Self::Loses { taken: true } | Self::Dies { taken: true })
    }

    fn outcome(self) -> Outcome {
        let seconds = |count: u32| Duration::from_secs(count.into());
        let retry = |after, maybe_delivered| Outcome::Retry { after, why: "it failed".to_owned(), maybe_delivered };
        match self {
            Self::Takes => Outcome::Delivered { remote_ref: None },
            Self::Loses { .. } | Self::Dies { .. } => retry(None, true),
            Self::Refuses { after } => retry(after.map(seconds), false),
            Self::Pauses(after) => Outcome::Pause { after: seconds(after), why: "429".to_owned() },
            Self::Rejects => Outcome::Reject { why: "400".to_owned() },
            Self::Disables => Outcome::Disable { why: "410".to_owned() },
        }
    }
}

/// One answer of a script, after so many seconds.
#[derive(Clone, Copy, Debug)]
struct Turn {
    act: Act,
    seconds: u32,
}

/// An attempt as the service saw it.
#[derive(Clone, Debug)]
struct Seen {
    receiver: String,
    alert: String,
    number: u32,
    id: String,
    attempt: u32,
    marked: bool,
    act: Act,
    at: Timestamp,
    /// When it was answered; never, where the program ended before.
    answered: Option<Timestamp>,
    /// Which life of the program it was in.
    life: usize,
}

/// How a service answers once its script is over, by the time.
type Habit = Box<dyn Fn(Timestamp) -> Turn + Send>;

/// The services: each answers by its script, and then out of habit.
struct Services {
    clock: Clock,
    scripts: Mutex<BTreeMap<String, (VecDeque<Turn>, Habit)>>,
    seen: Arc<Mutex<Vec<Seen>>>,
    death: Arc<Notify>,
    life: AtomicUsize,
    chance: Mutex<StdRng>,
}

impl Services {
    fn new(clock: Clock, seed: u64) -> Arc<Self> {
        Arc::new(Self {
            clock,
            scripts: Mutex::default(),
            seen: Arc::default(),
            death: Arc::default(),
            life: AtomicUsize::new(0),
            chance: Mutex::new(StdRng::seed_from_u64(seed)),
        })
    }

    fn script(&self, receiver: &str, turns: &[Turn], then: impl Fn(Timestamp) -> Turn + Send + 'static) {
        self.scripts.lock().unwrap().insert(receiver.to_owned(), (turns.iter().copied().collect(), Box::new(then)));
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Stage for Services {
    fn take(&self, parcel: Parcel<'_>) -> BoxFuture<'static, Sent> {
        let delivery = parcel.delivery;
        let Turn { act, seconds } = {
            let mut scripts = self.scripts.lock().unwrap();
            let (turns, then) = scripts.get_mut(&delivery.receiver).expect("a service with a script");
            turns.pop_front().unwrap_or_else(|| then(self.clock.now()))
        };
        let (seen, death, clock) = (self.seen.clone(), self.death.clone(), self.clock.clone());
        let index = {
            let mut seen = seen.lock().unwrap();
            seen.push(Seen {
                receiver: delivery.receiver.clone(),
                alert: delivery.alert.clone(),
                number: delivery.message.number,
                id: delivery.id.clone(),
                attempt: parcel.attempt,
                marked: parcel.maybe_delivered,
                act,
                at: clock.now(),
                answered: None,
                life: self.life.load(Ordering::Relaxed),
            });
            seen.len() - 1
        };
        async move {
            tokio::time::sleep(Duration::from_secs(seconds.into())).await;
            if matches!(act, Act::Dies { .. }) {
                death.notify_one();
                std::future::pending::<()>().await;
            }
            seen.lock().unwrap()[index].answered = Some(clock.now());
            Sent { outcome: act.outcome(), status: None }
        }
        .boxed()
    }

    fn jitter(&self) -> f64 {
        self.chance.lock().unwrap().random()
    }
}

/// A transition that is written at some moment, and who is told of it.
#[derive(Clone, Debug)]
struct Told {
    alert: usize,
    number: u32,
    at: Timestamp,
    receivers: Vec<String>,
}

/// The program with its store, and the services around it.
struct World {
    _directory: tempfile::TempDir,
    setup: Arc<Setup>,
    clock: Clock,
    services: Arc<Services>,
    /// When each of its lives began.
    lives: Vec<Timestamp>,
    /// What is still to be written, by its time.
    left: VecDeque<Told>,
}

impl World {
    /// A world of these receivers: their names, and the lines of their tables.
    fn new(receivers: &[(String, String)], left: Vec<Told>, seed: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let tables = receivers.iter().map(|(name, table)| format!("[receiver.{name}]\n{table}\n"));
        let path = directory.path().join("supplywatch.toml");
        let config = format!("[daemon]\nstate = \"sqlite:state.db\"\n{}", tables.collect::<String>());
        std::fs::write(&path, config).unwrap();
        let loaded = crate::config::load(&path, &Environment::of(&[]));
        let setup = Arc::new(loaded.map_err(|problems| problems.render(false)).unwrap().setup);
        let clock = Clock::paused(START);
        let services = Services::new(clock.clone(), seed);
        Self { _directory: directory, setup, clock, services, lives: Vec::new(), left: left.into() }
    }

    async fn store(&self) -> Store {
        let store = Store::open(&self.setup.state, self.clock.now()).await.unwrap();
        store.stand_still().await.unwrap();
        store
    }

    /// One life of the program, which may be cut off after so many calls of its store; whether it came to its end,
    /// with nothing left to write and nothing pending.
    async fn live(&mut self, cut: Option<(u32, bool)>) -> bool {
        let store = self.store().await;
        if let Some((calls, done)) = cut {
            store.crash_after(calls, done);
        }
        self.services.life.store(self.lives.len(), Ordering::Relaxed);
        self.lives.push(self.clock.now());
        let mut context = Context::new(store.clone(), self.clock.clone(), &self.setup).unwrap();
        context.sender = Sender::on(self.services.clone());
        let (_setups, newest) = watch::channel(self.setup.clone());
        let mut round = Round::new(newest, &context.metrics);
        round.tick = TICK;
        let services = self.services.clone();
        let ended = tokio::select! {
            biased;
            () = services.death.notified() => false,
            ended = deliver_loop(context, round.clone()) => ended.is_ok(),
            ended = self.write(&store, &round) => ended.is_ok(),
        };
        store.close().await.unwrap();
        ended
    }

    /// Writes what is to be written when its time comes; ends the program when nothing is pending any more, or should
    /// be.
    async fn write(&mut self, store: &Store, round: &Round) -> Result<(), StoreError> {
        while let Some(told) = self.left.front() {
            tokio::time::sleep(told.at.since(self.clock.now())).await;
            owe(store, told, self.clock.now()).await?;
            self.left.pop_front();
            round.nudges.deliver.notify_one();
        }
        while !store.pending_receivers().await?.is_empty() && self.clock.now() < START.plus(END) {
            tokio::time::sleep(TICK).await;
        }
        round.stop.cancel();
        std::future::pending().await
    }

    /// Every delivery, the oldest first, with its attempts.
    async fn records(&self) -> Vec<(DeliveryRecord, Vec<Option<Attempt>>)> {
        let store = self.store().await;
        let mut records = Vec::new();
        for record in store.deliveries(false, usize::MAX).await.unwrap().into_iter().rev() {
            let attempts = store.attempts(&record.delivery.id).await.unwrap();
            records.push((record, attempts.into_iter().map(|(.., ended)| ended).collect()));
        }
        store.close().await.unwrap();
        records
    }
}

/// Writes a transition's deliveries; a second time, nothing.
async fn owe(store: &Store, told: &Told, now: Timestamp) -> Result<(), StoreError> {
    let labels: Labels = [("partner", told.alert.to_string())].into_iter().collect();
    let known = store.alert("falling", &labels).await?;
    let alert = known.unwrap_or_else(|| Alert::new("falling", labels, "", PullId(0)));
    let message =
        Message { alert: AlertRef { id: alert.id(), ..fired().alert }, number: told.number, at: now, ..fired() };
    let deliveries = plan(store.id(), &message, &told.receivers);
    let settled = Settled { alert, transition: None, deliveries, manners: Manners::default() };
    assert_eq!(store.commit(None, Vec::new(), vec![settled], now).await?, Committed::Stored);
    Ok(())
}
