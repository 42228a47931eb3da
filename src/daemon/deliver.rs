//! The deliver loop: deliveries that are due → one attempt each, recorded with its outcome.
//!
//! Receivers do not wait for each other: each has its own few places, and only receivers with a free
//! place are asked for. What is said, and why, was settled when the delivery was written.

use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use super::Context;
use super::courier::{Courier, Delivered, gathers, parcel, taking};
use super::round::Round;
use crate::base::error::Chain;
use crate::base::limits::LEASE_BATCH;
use crate::config::Setup;
use crate::outbox::{Attempt, Next, Outcome};
use crate::store::{Ended, Leased, Place, Room, StoreError};

/// Attempts every pending delivery, its backoff over or not, until none is left; a receiver that fails
/// is left alone for the rest of this run.
pub async fn deliver_all(context: &Context, setup: &Arc<Setup>) -> Result<Vec<Delivered>, StoreError> {
    // Whoever runs it may have mended what disabled a receiver.
    context.store.enable_receivers(None).await?;
    let mut courier = Courier::new(context);
    let (mut reports, mut failed): (Vec<Delivered>, Vec<String>) = (Vec::new(), Vec::new());
    loop {
        // What failed is due at once in a hurry: it is known before it is recorded.
        failed.extend(courier.put_off().cloned());
        let (ended, begun) = courier.turn(setup, true, &failed).await?;
        let idle = ended.is_empty() && begun == 0 && courier.is_idle();
        reports.extend(ended);
        if idle {
            let Some(wait) = courier.wait() else { return Ok(reports) };
            let owed = context.store.pending_receivers().await?;
            if owed.iter().all(|name| failed.contains(name) || !courier.is_limited(name)) {
                return Ok(reports);
            }
            info!(seconds = wait.as_secs(), "a receiver takes no more for now");
            tokio::time::sleep(wait.max(SHORT)).await;
        }
        if begun < LEASE_BATCH {
            courier.until_over().await;
        }
    }
}

/// Attempts what is due, as it becomes due, until told to stop; then finishes what is under way.
pub async fn deliver_loop(context: Context, mut round: Round) -> Result<(), StoreError> {
    let mut courier = Courier::new(&context);
    let mut setup: Option<Arc<Setup>> = None;
    while !round.stop.is_cancelled() {
        round.may_act(&context, &round.beats.deliver).await;
        let nudges = round.nudges.clone();
        let nudged = nudges.deliver.notified();
        let wait = match begin(&context, &mut round, &mut courier, &mut setup).await {
            // What is under way goes on, and how it ends is recorded once that can be.
            Err(error) if error.passes() => {
                warn!(error = %Chain(&error), "the database let the deliveries down; it is tried again");
                SHORT
            }
            begun => begun?,
        };
        round.beats.deliver.beat(context.clock.now());
        // Only the wait is given up for another: what is over is recorded to its end, and told in the log.
        tokio::select! {
            () = courier.until_over(), if courier.is_under_way() => {}
            () = nudged => {}
            () = tokio::time::sleep(wait) => {}
            () = round.stop.cancelled() => {}
        }
    }
    while !courier.is_idle() {
        courier.until_over().await;
        courier.record().await?;
    }
    Ok(())
}

/// Records what is over and begins what is due; how long until there is more to begin.
async fn begin(
    context: &Context,
    round: &mut Round,
    courier: &mut Courier<'_>,
    setup: &mut Option<Arc<Setup>>,
) -> Result<Duration, StoreError> {
    let newest = round.newest_setup();
    // Whoever starts it or changes the config may have mended what disabled a receiver.
    if !setup.as_ref().is_some_and(|setup| Arc::ptr_eq(setup, &newest)) {
        for receiver in context.store.enable_receivers(None).await? {
            info!(receiver, "receiver enabled again");
        }
        courier.forget_limits();
    }
    let setup = setup.insert(newest).clone();
    let (_, begun) = courier.turn(&setup, false, &[]).await?;
    // While attempts are under way their ends wake us; what else becomes due can wait that long.
    match begun {
        // There may be more than are begun at a time.
        LEASE_BATCH.. => Ok(Duration::ZERO),
        1.. => Ok(round.tick),
        0 => until_due(context, courier, &setup, round.tick).await,
    }
}

/// What is due but not leased waits for a free place or a pause: no need to spin.
const SHORT: Duration = Duration::from_millis(200);

/// How long until the next delivery is due, at most a tick. What has waited too long for a receiver that is
/// disabled is given up.
async fn until_due(
    context: &Context,
    courier: &mut Courier<'_>,
    setup: &Setup,
    tick: Duration,
) -> Result<Duration, StoreError> {
    let (store, now) = (&context.store, context.clock.now());
    let standings = store.receivers().await?;
    for receiver in &setup.receivers {
        let disabled = standings.get(&receiver.name).is_some_and(|standing| standing.disabled_at.is_some());
        if disabled {
            let count = store.give_up(&receiver.name, now.minus(receiver.policy.give_up_after)).await?;
            if count > 0 {
                context.metrics.gave_up(&receiver.name, count);
                warn!(receiver = receiver.name, count, "messages are dead letters: their receiver was disabled");
            }
        }
    }
    // Where all places are taken, the end of an attempt says more.
    let full = |(name, room): &(String, Room)| {
        let standing = standings.get(name).cloned().unwrap_or_default();
        room.busy > 0 && room.left(&standing) == 0
    };
    let full = courier.rooms(setup, false, &[], now).into_iter().filter(full).map(|(name, _)| name).collect();
    let due = store
        .next_delivery_at(full)
        .await?
        .map(|at| at.since(now).max(courier.wait().unwrap_or_default()).max(courier.calm()));
    Ok(due.map_or(tick, |wait| wait.clamp(SHORT, tick)))
}

/// What would go out now: every due delivery as its receiver would get it. Only for a copy of the store.
pub async fn preview_all(context: &Context, setup: &Setup) -> Result<Vec<(Delivered, String)>, StoreError> {
    let mut previews = Vec::new();
    loop {
        let owed = context.store.pending_receivers().await?;
        let place = |name: String| {
            let gathers = gathers(setup.receivers.iter().find(|receiver| receiver.name == name));
            Place { receiver: name, free: LEASE_BATCH, gathers }
        };
        let places: Vec<Place> = owed.into_iter().map(place).collect();
        let leased = context.store.lease_due(&taking(context, context.clock.now(), true), &places).await?;
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
    context.store.record(vec![Ended::new(leased, attempt, Next::Done)]).await?;
    Ok((Delivered::new(leased, outcome, Next::Done), text))
}
