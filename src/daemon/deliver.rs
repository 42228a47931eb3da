//! The deliver loop: deliveries that are due → one attempt each, recorded with its outcome.
//!
//! Receivers do not wait for each other: each has its own few places, and only receivers with a free
//! place are asked for. What is said, and why, was settled when the delivery was written.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tracing::{info, warn};

use super::Context;
use super::round::{Round, TICK_MAX};
use crate::base::clock::Timestamp;
use crate::base::limits::{LEASE, LEASE_BATCH};
use crate::base::text::printable;
use crate::config::Setup;
use crate::notify::{Parcel, Receiver, Sent};
use crate::outbox::{Attempt, Next, Outcome, next};
use crate::store::{Leased, StoreError};

/// Attempts under way at one receiver, at most: order within an alert is the store's care.
const PLACES: usize = 4;

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
    fn new(leased: &Leased, outcome: Outcome, next: Next) -> Self {
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
struct Courier<'a> {
    context: &'a Context,
    busy: BTreeMap<String, usize>,
    under_way: FuturesUnordered<BoxFuture<'a, Result<Delivered, StoreError>>>,
}

impl<'a> Courier<'a> {
    fn new(context: &'a Context) -> Self {
        Self { context, busy: BTreeMap::new(), under_way: FuturesUnordered::new() }
    }

    /// Begins an attempt for every due delivery whose receiver has a free place; how many.
    async fn begin(&mut self, setup: &Arc<Setup>, hurry: bool, except: &[String]) -> Result<usize, StoreError> {
        let mut begun = 0;
        loop {
            let waiting = self.context.store.pending_receivers().await?;
            // In a hurry nothing but its unread report keeps a failed attempt from being repeated at once.
            let places = if hurry { 1 } else { PLACES };
            let free = self.free_receivers(waiting, places, except);
            let leased = lease(self.context, &free, hurry).await?;
            if leased.is_empty() {
                return Ok(begun);
            }
            begun += leased.len();
            for leased in leased {
                *self.busy.entry(leased.delivery.receiver.clone()).or_default() += 1;
                self.under_way.push(Box::pin(attempt(self.context, setup.clone(), leased)));
            }
        }
    }

    /// Of the receivers that are owed something, those that may take another message; one that is no
    /// longer in the config is among them: its deliveries become dead letters.
    fn free_receivers(&self, mut waiting: Vec<String>, places: usize, except: &[String]) -> Vec<String> {
        waiting.retain(|name| self.busy.get(name).copied().unwrap_or(0) < places && !except.contains(name));
        waiting
    }

    /// The next attempt that ends; `None` when none is under way.
    async fn finish(&mut self) -> Result<Option<Delivered>, StoreError> {
        let Some(report) = self.under_way.next().await else { return Ok(None) };
        let report = report?;
        if let Some(count) = self.busy.get_mut(&report.receiver) {
            *count = count.saturating_sub(1);
        }
        Ok(Some(report))
    }
}

/// Attempts every pending delivery, its backoff over or not, until none is left; a receiver that fails
/// is left alone for the rest of this run.
pub async fn deliver_all(context: &Context, setup: &Arc<Setup>) -> Result<Vec<Delivered>, StoreError> {
    let mut courier = Courier::new(context);
    let (mut reports, mut failed): (Vec<Delivered>, Vec<String>) = (Vec::new(), Vec::new());
    loop {
        courier.begin(setup, true, &failed).await?;
        let Some(report) = courier.finish().await? else { return Ok(reports) };
        if matches!(report.next, Next::At(_)) {
            failed.push(report.receiver.clone());
        }
        reports.push(report);
    }
}

/// Attempts what is due, as it becomes due, until told to stop; then finishes what is under way.
pub async fn deliver_loop(context: Context, round: Round) -> Result<(), StoreError> {
    let mut courier = Courier::new(&context);
    while !round.stop.is_cancelled() {
        let nudged = round.nudges.deliver.notified();
        courier.begin(&round.setup(), false, &[]).await?;
        round.beats.deliver.beat(context.clock.now());
        let wait = until_due(&context).await?;
        tokio::select! {
            report = courier.finish(), if !courier.under_way.is_empty() => { report?; }
            () = nudged => {}
            () = tokio::time::sleep(wait) => {}
            () = round.stop.cancelled() => {}
        }
    }
    while courier.finish().await?.is_some() {}
    Ok(())
}

/// How long until the next delivery is due, at most [`TICK_MAX`].
async fn until_due(context: &Context) -> Result<Duration, StoreError> {
    let next = context.store.next_delivery_at().await?;
    let now = context.clock.now();
    // What is due but not leased waits for a free place or a pause: no need to spin.
    Ok(next.map_or(TICK_MAX, |at| at.since(now).clamp(Duration::from_millis(200), TICK_MAX)))
}

async fn lease(context: &Context, receivers: &[String], hurry: bool) -> Result<Vec<Leased>, StoreError> {
    if receivers.is_empty() {
        return Ok(Vec::new());
    }
    let now = context.clock.now();
    context.store.lease_due(&context.holder, now, LEASE, LEASE_BATCH, receivers, hurry).await
}

/// One attempt: send, decide what follows, record.
async fn attempt(context: &Context, setup: Arc<Setup>, leased: Leased) -> Result<Delivered, StoreError> {
    let started_at = context.clock.now();
    let receiver = setup.receivers.iter().find(|receiver| receiver.name == leased.delivery.receiver);
    let sent = match receiver {
        Some(receiver) => send(context, receiver, &leased).await,
        None => Sent {
            outcome: Outcome::Disable { why: "the receiver is no longer in the config".to_owned() },
            status: None,
        },
    };
    let finished_at = context.clock.now();
    let policy = receiver.map_or(crate::outbox::Policy::DEFAULT, |receiver| receiver.policy);
    let created_at = leased.delivery.created_at;
    let next = match next(&policy, created_at, leased.attempt, &sent.outcome, finished_at, rand::random()) {
        Next::At(at) => {
            let quiet = policy.quiet.and_then(|quiet| quiet.until(leased.delivery.message.severity, at));
            Next::At(quiet.unwrap_or(at))
        }
        other => other,
    };
    if let Outcome::Pause { after, .. } = &sent.outcome {
        context.store.pause_receiver(&leased.delivery.receiver, finished_at.plus(*after)).await?;
    }
    let attempt = Attempt { started_at, finished_at, outcome: sent.outcome.clone(), status: sent.status };
    let ours = context.store.record(&leased, attempt, next.clone()).await?;
    if !ours {
        warn!(delivery = leased.delivery.id, "the lease ended before the attempt did; another may repeat it");
    }
    log(&leased, &sent, &next, finished_at.since(started_at));
    Ok(Delivered::new(&leased, sent.outcome, next))
}

async fn send(context: &Context, receiver: &Receiver, leased: &Leased) -> Sent {
    let now = context.clock.now();
    if leased.expires_at <= now {
        let why = "the lease ended before the attempt began".to_owned();
        return Sent { outcome: Outcome::Retry { after: None, why, maybe_delivered: false }, status: None };
    }
    let parcel = parcel(leased, now);
    receiver.send(&context.sender, parcel).await
}

fn parcel(leased: &Leased, now: Timestamp) -> Parcel<'_> {
    let Leased { delivery, attempt, maybe_delivered, opening, .. } = leased;
    Parcel { delivery, attempt: *attempt, maybe_delivered: *maybe_delivered, opening: opening.as_deref(), now }
}

/// What would go out now: every due delivery as its receiver would get it. Only for a copy of the store.
pub async fn preview_all(context: &Context, setup: &Setup) -> Result<Vec<(Delivered, String)>, StoreError> {
    let mut previews = Vec::new();
    loop {
        let names = context.store.pending_receivers().await?;
        let leased = lease(context, &names, true).await?;
        if leased.is_empty() {
            return Ok(previews);
        }
        for leased in leased {
            previews.push(preview(context, setup, &leased).await?);
        }
    }
}

async fn preview(context: &Context, setup: &Setup, leased: &Leased) -> Result<(Delivered, String), StoreError> {
    let now = context.clock.now();
    let receiver = setup.receivers.iter().find(|receiver| receiver.name == leased.delivery.receiver);
    let text = receiver.map(|receiver| receiver.preview(parcel(leased, now))).unwrap_or_default();
    let outcome = Outcome::Delivered { remote_ref: None };
    let attempt = Attempt { started_at: now, finished_at: now, outcome: outcome.clone(), status: None };
    context.store.record(leased, attempt, Next::Done).await?;
    Ok((Delivered::new(leased, outcome, Next::Done), text))
}

fn log(leased: &Leased, sent: &Sent, next: &Next, took: Duration) {
    let delivery = &leased.delivery;
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let (outcome, why) = (sent.outcome.name(), sent.outcome.why().map(printable));
    let retry_at = match next {
        Next::At(at) => Some(at.to_string()),
        Next::Done | Next::Dead => None,
    };
    match next {
        Next::Done => info!(
            receiver = delivery.receiver,
            delivery = delivery.id,
            alert = delivery.alert,
            attempt = leased.attempt,
            outcome,
            status = sent.status,
            duration_ms,
            "message delivered"
        ),
        Next::At(_) | Next::Dead => warn!(
            receiver = delivery.receiver,
            delivery = delivery.id,
            alert = delivery.alert,
            attempt = leased.attempt,
            outcome,
            why,
            status = sent.status,
            duration_ms,
            retry_at,
            "{}",
            if retry_at.is_some() {
                "message not delivered yet"
            } else {
                "message is a dead letter; see `supplywatch deliveries --failed`"
            }
        ),
    }
}
