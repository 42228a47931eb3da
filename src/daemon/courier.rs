//! Brings messages to their receivers: what is under way at each, how much more it takes, and how each attempt ended.
//!
//! What is under way goes on while the store writes down what is over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tracing::{info, warn};

use super::Context;
use crate::base::clock::Timestamp;
use crate::base::limits::{GATHERED_MAX, LEASE, LEASE_BATCH};
use crate::base::text::printable;
use crate::config::Setup;
use crate::notify::{Parcel, Receiver, Sent};
use crate::outbox::{Attempt, Delivery, Next, OnAmbiguous, Outcome, Policy, Window, next};
use crate::store::{Ended, Gathers, Leased, Room, StoreError, Taking};

/// How often it is looked whether a receiver is told more that was told enough for now.
const CALM: Duration = Duration::from_secs(5);

/// One attempt, for a report.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// The delivery's id.
    pub id: String,
    /// The rule that it is about.
    pub rule: String,
    /// The receiver.
    pub receiver: String,
    /// What it says.
    pub title: String,
    /// How the attempt ended.
    pub outcome: Outcome,
    /// Whether another attempt follows.
    pub next: Next,
}

impl Delivered {
    /// What is said of it.
    pub fn new(leased: &Leased, outcome: Outcome, next: Next) -> Self {
        let message = &leased.delivery.message;
        Self {
            id: leased.delivery.id.clone(),
            rule: message.alert.rule.clone(),
            receiver: leased.delivery.receiver.clone(),
            title: message.title.clone(),
            outcome,
            next,
        }
    }
}

/// The attempts under way.
pub struct Courier<'a> {
    context: &'a Context,
    busy: BTreeMap<String, usize>,
    /// What the receivers that take only so much were sent lately.
    windows: BTreeMap<String, Window>,
    /// What the receivers were told lately that are told only so much one by one.
    storms: BTreeMap<String, Window>,
    under_way: FuturesUnordered<BoxFuture<'a, Tried>>,
    /// Those that are over and not recorded yet.
    over: Vec<Tried>,
}

/// An attempt that is over.
struct Tried {
    leased: Leased,
    attempt: Attempt,
    next: Next,
}

impl Tried {
    fn ended(&self) -> Ended {
        Ended::new(&self.leased, self.attempt.clone(), self.next.clone())
    }
}

impl<'a> Courier<'a> {
    /// Nothing is under way.
    pub fn new(context: &'a Context) -> Self {
        let (under_way, over) = (FuturesUnordered::new(), Vec::new());
        Self { context, busy: BTreeMap::new(), windows: BTreeMap::new(), storms: BTreeMap::new(), under_way, over }
    }

    /// Records what is over, and begins an attempt for what is due then and whose receiver has a free place, except
    /// for some; what was over, and how many began. What is under way goes on meanwhile.
    pub async fn turn(
        &mut self,
        setup: &Arc<Setup>,
        hurry: bool,
        except: &[String],
    ) -> Result<(Vec<Delivered>, usize), StoreError> {
        let (context, over) = (self.context, std::mem::take(&mut self.over));
        for Tried { leased, .. } in &over {
            if let Some(count) = self.busy.get_mut(&leased.delivery.receiver) {
                *count = count.saturating_sub(1);
            }
        }
        let ended = over.iter().map(Tried::ended).collect();
        let now = context.clock.now();
        let rooms = self.rooms(setup, hurry, except, now);
        let taking = taking(context, now, hurry);
        let turn = context.store.turn(ended, &taking, rooms);
        let mut turn = std::pin::pin!(turn);
        let done = loop {
            tokio::select! {
                done = &mut turn => break done,
                Some(tried) = self.under_way.next(), if !self.under_way.is_empty() => self.over.push(tried),
            }
        };
        let (ours, leased) = match done {
            Ok(done) => done,
            Err(error) => {
                self.keep(over);
                return Err(error);
            }
        };
        let begun = leased.len();
        for leased in leased {
            self.begins(&leased);
            self.under_way.push(Box::pin(attempt(context, setup.clone(), leased)));
        }
        Ok((over.into_iter().zip(ours).map(|over| self.told(over)).collect(), begun))
    }

    /// Keeps what is over for another try to record it.
    fn keep(&mut self, over: Vec<Tried>) {
        for Tried { leased, .. } in &over {
            *self.busy.entry(leased.delivery.receiver.clone()).or_default() += 1;
        }
        self.over.splice(0..0, over);
    }

    /// Counts a message that is sent now.
    fn begins(&mut self, leased: &Leased) {
        let (name, now) = (&leased.delivery.receiver, self.context.clock.now());
        *self.busy.entry(name.clone()).or_default() += 1;
        if let Some(window) = self.windows.get_mut(name) {
            window.send(1, now);
        }
        match self.storms.get_mut(name).filter(|_| leased.attempt == 1) {
            // What one message has no room for is told at once as well.
            Some(storm) if leased.is_storm && leased.tells() < GATHERED_MAX => storm.fill(now),
            Some(storm) => storm.send(1, now),
            None => {}
        }
    }

    /// Records what is over, and begins nothing.
    pub async fn record(&mut self) -> Result<(), StoreError> {
        let over = std::mem::take(&mut self.over);
        let ended = over.iter().map(Tried::ended).collect();
        let ours = match self.context.store.record(ended).await {
            Ok(ours) => ours,
            Err(error) => {
                self.keep(over);
                return Err(error);
            }
        };
        over.into_iter().zip(ours).for_each(|over| drop(self.told(over)));
        Ok(())
    }

    /// Says in the log how an attempt ended, and counts it.
    fn told(&self, (tried, ours): (Tried, bool)) -> Delivered {
        let Tried { leased, attempt, next } = tried;
        if !ours {
            let delivery = &leased.delivery.id;
            warn!(delivery, "the lease ended before the attempt did; another may repeat it");
        }
        log(&leased, &attempt, &next);
        let (metrics, receiver) = (&self.context.metrics, &leased.delivery.receiver);
        metrics.attempted(receiver, &attempt.outcome, attempt.finished_at.since(attempt.started_at));
        if ours && next == Next::Dead {
            metrics.gave_up(receiver, leased.tells());
        }
        Delivered::new(&leased, attempt.outcome, next)
    }

    /// Whether nothing is under way, and all that is over is recorded.
    pub fn is_idle(&self) -> bool {
        self.under_way.is_empty() && self.over.is_empty()
    }

    /// How many messages more each receiver may be sent, `except` for some that are sent none.
    pub fn rooms(&mut self, setup: &Setup, hurry: bool, except: &[String], now: Timestamp) -> BTreeMap<String, Room> {
        let mut rooms = BTreeMap::new();
        for receiver in &setup.receivers {
            let window = receiver
                .policy
                .rate
                .map(|rate| self.windows.entry(receiver.name.clone()).or_insert_with(|| Window::new(rate)).free(now));
            let gathers = match gathers(Some(receiver)) {
                Gathers::Beyond(_) => self.storm(receiver, hurry, now),
                gathers => gathers,
            };
            let free = window.unwrap_or(usize::MAX);
            let room = Room { places: receiver.places(), busy: 0, free, gathers };
            rooms.insert(receiver.name.clone(), room);
        }
        for (name, busy) in &self.busy {
            rooms.entry(name.clone()).or_insert(Room::ONE).busy = *busy;
        }
        for name in except {
            rooms.insert(name.clone(), Room::NONE);
        }
        rooms
    }

    /// What is told together at a receiver that was told so much lately.
    fn storm(&mut self, receiver: &Receiver, hurry: bool, now: Timestamp) -> Gathers {
        let Some(rate) = receiver.policy.storm else { return Gathers::Bundles };
        match self.storms.entry(receiver.name.clone()).or_insert_with(|| Window::new(rate)).free(now) {
            // Who is in a hurry does not wait until more has come together.
            0 if !hurry => Gathers::Repeats,
            free => Gathers::Beyond(free),
        }
    }

    /// Whether anything is under way.
    pub fn is_under_way(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// The receivers of which something that is over did not come to an end.
    pub fn put_off(&self) -> impl Iterator<Item = &String> {
        let fails = self.over.iter().filter(|tried| matches!(tried.next, Next::At(_) | Next::Held));
        fails.map(|tried| &tried.leased.delivery.receiver)
    }

    /// Whether a receiver takes only so much.
    pub fn is_limited(&self, receiver: &str) -> bool {
        self.windows.contains_key(receiver)
    }

    /// Another config may have other limits.
    pub fn forget_limits(&mut self) {
        self.windows.clear();
        self.storms.clear();
    }

    /// How long until a receiver that took all that it takes may be sent more.
    pub fn wait(&mut self) -> Option<Duration> {
        let now = self.context.clock.now();
        self.windows.values_mut().filter_map(|window| window.wait(now)).min()
    }

    /// How long what is due may wait, as it is for a receiver that is told no more one by one.
    pub fn calm(&mut self) -> Duration {
        let now = self.context.clock.now();
        let storms = self.storms.values_mut().filter_map(|storm| storm.wait(now)).min();
        // What becomes due for another receiver meanwhile waits no longer than that.
        storms.map_or(Duration::ZERO, |wait| wait.min(CALM))
    }

    /// Waits until something is over, and takes with it what is over by then. At once where nothing is under way.
    pub async fn until_over(&mut self) {
        if self.over.is_empty() {
            self.over.extend(self.under_way.next().await);
        }
        while let Some(Some(tried)) = self.under_way.next().now_or_never() {
            self.over.push(tried);
        }
    }
}

/// How deliveries are taken.
pub fn taking(context: &Context, now: Timestamp, hurry: bool) -> Taking {
    Taking { holder: context.holder.clone(), now, ttl: LEASE, limit: LEASE_BATCH, hurry }
}

/// What is told together at a receiver.
pub fn gathers(receiver: Option<&Receiver>) -> Gathers {
    match receiver {
        // Nobody is told: each becomes a dead letter by itself.
        None => Gathers::Nothing,
        Some(receiver) if receiver.channel.keeps_alerts() => Gathers::Nothing,
        Some(receiver) if receiver.digest.is_some() => Gathers::All,
        Some(receiver) => receiver.policy.storm.map_or(Gathers::Bundles, |rate| Gathers::Beyond(rate.count as usize)),
    }
}

/// One attempt: send, and decide what follows.
async fn attempt(context: &Context, setup: Arc<Setup>, leased: Leased) -> Tried {
    let started_at = context.clock.now();
    let receiver = setup.receivers.iter().find(|receiver| receiver.name == leased.delivery.receiver);
    let sent = match receiver {
        Some(receiver) => send(context, receiver, &leased).await,
        None => Sent {
            outcome: Outcome::Reject { why: "the receiver is no longer in the config".to_owned() },
            status: None,
        },
    };
    let finished_at = context.clock.now();
    let policy = receiver.map_or(Policy::DEFAULT, |receiver| receiver.policy);
    let created_at = leased.delivery.created_at;
    let jitter = context.sender.jitter();
    let next = match next(&policy, created_at, leased.attempt, &sent.outcome, finished_at, jitter) {
        Next::At(at) => {
            let quiet = policy.quiet.and_then(|quiet| quiet.until(leased.delivery.message.severity, at));
            Next::At(quiet.unwrap_or(at))
        }
        other => other,
    };
    Tried { leased, attempt: Attempt { started_at, finished_at, outcome: sent.outcome, status: sent.status }, next }
}

async fn send(context: &Context, receiver: &Receiver, leased: &Leased) -> Sent {
    let now = context.clock.now();
    if leased.expires_at <= now {
        let why = "the lease ended before the attempt began".to_owned();
        return Sent { outcome: Outcome::Retry { after: None, why, maybe_delivered: false }, status: None };
    }
    if leased.cut_off && receiver.policy.on_ambiguous == OnAmbiguous::Drop {
        let why = "an attempt was cut off: the receiver may have it, and wants no copy".to_owned();
        return Sent { outcome: Outcome::Reject { why }, status: None };
    }
    let lapsed = |maybe_delivered| {
        let why = "the database has not answered for so long that another replica may send it".to_owned();
        Sent { outcome: Outcome::Retry { after: None, why, maybe_delivered }, status: None }
    };
    if !context.membership.holds() {
        return lapsed(false);
    }
    tokio::select! {
        sent = receiver.send(&context.sender, parcel(leased, now)) => sent,
        () = context.membership.lapsed() => lapsed(true),
    }
}

/// A delivery as its receiver is given it.
pub fn parcel(leased: &Leased, now: Timestamp) -> Parcel<'_> {
    let Leased { delivery, attempt, maybe_delivered, opening, .. } = leased;
    Parcel { delivery, attempt: *attempt, maybe_delivered: *maybe_delivered, opening: opening.as_deref(), now }
}

fn log(leased: &Leased, attempt: &Attempt, next: &Next) {
    let Delivery { id: delivery, receiver, alert, .. } = &leased.delivery;
    let took = attempt.finished_at.since(attempt.started_at);
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let (outcome, why, status) = (attempt.outcome.name(), attempt.outcome.why().map(printable), attempt.status);
    let number = leased.attempt;
    let retry_at = match next {
        Next::At(at) => Some(at.to_string()),
        Next::Done | Next::Held | Next::Dead => None,
    };
    let said = match next {
        Next::Done => {
            info!(receiver, delivery, alert, attempt = number, outcome, status, duration_ms, "message delivered");
            return;
        }
        Next::At(_) => "message not delivered yet",
        Next::Held => "receiver disabled: it is sent nothing until the config is read again",
        Next::Dead => "message is a dead letter; see `supplywatch deliveries --failed`",
    };
    warn!(receiver, delivery, alert, attempt = number, outcome, why, status, duration_ms, retry_at, "{said}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::Alert;
    use crate::base::clock::Clock;
    use crate::config::Environment;
    use crate::daemon::evaluate::held_until;
    use crate::outbox::{Manners, Message, plan};
    use crate::series::PullId;
    use crate::store::{Location, Settled, Store};

    const NOW: Timestamp = Timestamp::from_millis(1_760_000_000_000);

    /// A receiver that nobody answers for, which is owed so many messages about as many alerts.
    async fn world(more: &str, owed: usize) -> (Context, Arc<Setup>) {
        let directory = tempfile::tempdir().unwrap();
        let config = format!(
            "[receiver.hook]\nkind = 'webhook'\nurl = 'http://127.0.0.1:9/x'\ninsecure = true\nallow_private = true\n{more}"
        );
        let path = directory.path().join("supplywatch.toml");
        std::fs::write(&path, config).unwrap();
        let loaded = crate::config::load(&path, &Environment::of(&[]));
        let setup = loaded.map_err(|problems| problems.render(false)).unwrap().setup;
        let location = Location::Sqlite(directory.path().join("none.db"));
        let store = Store::open_copy(&location, NOW).await.unwrap();
        let context = Context::new(store, Clock::manual(NOW), &setup).unwrap();
        let setup = Arc::new(setup);
        owe(&context, &setup, 0..owed).await;
        (context, setup)
    }

    /// Owes the receiver messages of these numbers.
    async fn owe(context: &Context, setup: &Setup, numbers: std::ops::Range<usize>) {
        let now = context.clock.now();
        let settled = numbers.map(|number| {
            let message = Message::test(&number.to_string(), now);
            let labels = [("receiver", number.to_string())].into_iter().collect();
            let deliveries = plan(context.store.id(), &message, &["hook".to_owned()]);
            let alert = Alert::new("receiver:test", labels, "", PullId(0));
            let held_until = held_until(setup, message.severity, now);
            Settled { alert, transition: None, deliveries, manners: Manners { held_until, ..Manners::default() } }
        });
        context.store.commit(None, Vec::new(), settled.collect(), now).await.unwrap();
    }

    /// How many each message tells that may be sent now; the receiver has them then.
    async fn told(courier: &mut Courier<'_>, setup: &Setup) -> Vec<usize> {
        let (mut told, context) = (Vec::new(), courier.context);
        let (store, now) = (&context.store, context.clock.now());
        let rooms = courier.rooms(setup, false, &[], now);
        for leased in store.turn(Vec::new(), &taking(context, now, false), rooms).await.unwrap().1 {
            courier.begins(&leased);
            courier.busy.clear();
            told.push(leased.tells());
            let outcome = Outcome::Delivered { remote_ref: None };
            let attempt = Attempt { started_at: now, finished_at: now, outcome, status: None };
            store.record(vec![Ended::new(&leased, attempt, Next::Done)]).await.unwrap();
        }
        told
    }

    /// Attempts what may be attempted now; how much that was.
    async fn round(courier: &mut Courier<'_>, setup: &Arc<Setup>) -> usize {
        let mut tried = 0;
        loop {
            tried += courier.turn(setup, false, &[]).await.unwrap().1;
            if courier.is_idle() {
                return tried;
            }
            courier.until_over().await;
        }
    }

    #[tokio::test]
    async fn a_receiver_is_sent_no_more_than_it_takes() {
        let (context, setup) = world("rate = '2/min'", 5).await;
        let mut courier = Courier::new(&context);
        assert_eq!(round(&mut courier, &setup).await, 2);
        assert_eq!(courier.wait(), Some(Duration::from_secs(60)));
        context.clock.set(NOW.plus(Duration::from_secs(60)));
        assert_eq!(courier.wait(), None);
        assert_eq!(round(&mut courier, &setup).await, 2);
    }

    #[tokio::test]
    async fn more_than_is_told_one_by_one_is_told_together_until_it_is_calm() {
        let (context, setup) = world("storm = '3/10min'", 2).await;
        let mut courier = Courier::new(&context);
        let mut at = async |minute: u64, numbers: std::ops::Range<usize>| {
            context.clock.set(NOW.plus(Duration::from_secs(60 * minute)));
            owe(&context, &setup, numbers).await;
            (told(&mut courier, &setup).await, courier.calm() > Duration::ZERO)
        };
        assert_eq!(at(0, 0..0).await, (vec![1, 1], false));
        assert_eq!(at(5, 2..6).await, (vec![4], true), "four more are too many");
        assert_eq!(at(9, 6..16).await, (vec![], true), "what comes then is collected");
        assert_eq!(at(14, 0..0).await, (vec![], true));
        assert_eq!(at(15, 0..0).await, (vec![10], true));
        assert_eq!(at(24, 16..18).await, (vec![], true));
        assert_eq!(at(25, 0..0).await, (vec![1, 1], false), "two are no storm");
    }

    #[tokio::test]
    async fn a_burst_is_one_message_unless_storms_are_off() {
        let (context, setup) = world("", 40).await;
        assert_eq!(told(&mut Courier::new(&context), &setup).await, [40]);
        let (context, setup) = world("storm = 'off'", 40).await;
        assert_eq!(told(&mut Courier::new(&context), &setup).await, [1; 24]);
        let (context, setup) = world("", 30).await;
        assert_eq!(told(&mut Courier::new(&context), &setup).await, [1; 24]);
    }

    #[tokio::test]
    async fn a_digest_tells_all_that_waited_at_its_time() {
        let (context, setup) = world("digest = '0 8 * * *'", 2).await;
        let mut courier = Courier::new(&context);
        assert_eq!(told(&mut courier, &setup).await, [0; 0]);
        let due = context.store.next_delivery_at(Vec::new()).await.unwrap().unwrap();
        assert_eq!(due, Timestamp::parse("2025-10-10T08:00:00Z").unwrap());
        owe(&context, &setup, 2..5).await;
        context.clock.set(due);
        assert_eq!(told(&mut courier, &setup).await, [5]);
    }

    #[tokio::test]
    async fn a_receiver_that_failed_too_often_is_tried_with_one_message() {
        let (context, setup) = world("", 8).await;
        let mut courier = Courier::new(&context);
        assert_eq!(round(&mut courier, &setup).await, 8);
        context.clock.set(NOW.plus(Duration::from_secs(3600)));
        let (ended, begun) = courier.turn(&setup, false, &[]).await.unwrap();
        assert_eq!((ended.len(), begun), (0, 1));
    }
}
