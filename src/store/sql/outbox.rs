//! The outbox: what is owed, who is bringing it, and how each attempt ended.
//!
//! Only the oldest pending delivery of an alert for a receiver can be taken, so their order is kept even
//! while it waits; one that is sent or dead is no longer in the way.

use std::collections::BTreeMap;
use std::time::Duration;

use super::columns::{count, delivery_state, from_json, json, some_time, time};
use super::connection::{Connection, Row};
use super::fault::Fault;
use super::gather::{complete, end_with};
use super::receivers::{stand_after, standings};
use super::taking::{is_first, lease};
use super::{End, FENCED};
use crate::base::clock::Timestamp;
use crate::base::limits::{GATHER_WAIT, RETRY_AFTER_MAX};
use crate::outbox::{Attempt, Delivery, Manners, Next, Outcome};
use crate::store::{DeliveryRecord, Ended, Hint, Leased, Place, Room, Store, StoreError, Taking};

/// What a delivery says, in SQL: its own message, or its transition's. `of` is the name of the table.
pub fn message_of(of: &str) -> String {
    format!(
        "CASE {of}.message WHEN '' THEN (SELECT t.message FROM transition t WHERE t.seq = {of}.transition)
         ELSE {of}.message END"
    )
}

/// The columns of [`record`].
pub fn columns() -> String {
    let message = message_of("delivery");
    format!(
        "id, receiver, alert, {message}, created_at, state, attempts, greatest(not_before, held_until), last_error, sent_at,
         remote_ref, (SELECT l.id FROM delivery l WHERE l.seq = delivery.told_by) AS teller, gave_way"
    )
}

impl Store {
    /// Claims due deliveries of receivers that have places, the oldest of each (receiver, alert) first and only it,
    /// puts behind each what is to be told with it, and records the beginning of an attempt for each in the same
    /// transaction.
    pub async fn lease_due(&self, taking: &Taking, places: &[Place]) -> Result<Vec<Leased>, StoreError> {
        let (taking, places) = (taking.clone(), places.to_vec());
        self.write(move |transaction| {
            let (leased, changed) = lease(transaction, &taking, &places)?;
            Ok(if changed { End::Commit(leased) } else { End::RollBack(leased) })
        })
        .await
    }

    /// Records how attempts ended, as [`Store::record`] does, and then claims what is due, as [`Store::lease_due`]
    /// does, in one transaction. A receiver that has no room of its own is sent one message at a time: nobody knows it
    /// any more.
    pub async fn turn(
        &self,
        ended: Vec<Ended>,
        taking: &Taking,
        rooms: BTreeMap<String, Room>,
    ) -> Result<(Vec<bool>, Vec<Leased>), StoreError> {
        let taking = taking.clone();
        self.write(move |transaction| {
            let ours = record_ends(transaction, &ended)?;
            let mut places = Vec::new();
            let owed = pending_receivers(transaction)?;
            for (standing, name) in standings(transaction, &owed)?.iter().zip(owed) {
                let room = rooms.get(&name).unwrap_or(&Room::ONE);
                let left = room.left(standing);
                if left > 0 {
                    places.push(Place { gathers: room.gathers, receiver: name, free: left });
                }
            }
            let (leased, changed) = lease(transaction, &taking, &places)?;
            let idle = ended.is_empty() && !changed;
            Ok(if idle { End::RollBack((ours, leased)) } else { End::Commit((ours, leased)) })
        })
        .await
    }

    /// What waits for the rest of its bundle waits no longer: all of it is stored.
    pub async fn complete_bundles(&self, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |transaction| complete(transaction, now).map(End::Commit)).await
    }

    /// The receivers that have pending deliveries.
    pub async fn pending_receivers(&self) -> Result<Vec<String>, StoreError> {
        self.call(pending_receivers).await
    }

    /// Records how attempts ended and what follows, and how their receivers stand then, in one transaction; for
    /// each, `false` when its lease was lost meanwhile.
    pub async fn record(&self, ended: Vec<Ended>) -> Result<Vec<bool>, StoreError> {
        self.write(move |transaction| Ok(End::Commit(record_ends(transaction, &ended)?))).await
    }

    /// When the next delivery is due, if any is pending, except for some receivers.
    pub async fn next_delivery_at(&self, except: Vec<String>) -> Result<Option<Timestamp>, StoreError> {
        self.call(move |connection| {
            let owed = pending_receivers(connection)?.into_iter().filter(|name| !except.contains(name));
            let next = connection
                .prepare(&next_of_receiver())?
                .query_each(owed.map(|name| [name]), |row| row.get::<Option<i64>>(0))?;
            Ok(next.into_iter().flatten().flatten().min().map(Timestamp::from_millis))
        })
        .await
    }

    /// Deliveries, newest first; only dead ones and those with a failed attempt when `failed`.
    pub async fn deliveries(&self, failed: bool, limit: usize) -> Result<Vec<DeliveryRecord>, StoreError> {
        let limit = count(limit);
        self.call(move |connection| {
            let which = if failed { "WHERE last_error IS NOT NULL" } else { "" };
            let select = format!("SELECT {} FROM delivery {which} ORDER BY seq DESC LIMIT ?1", columns());
            let mut select = connection.prepare(&select)?;
            select.query_and_then([limit], record)?.collect()
        })
        .await
    }

    /// The attempts of a delivery, oldest first; one without an end began and was cut off.
    pub async fn attempts(&self, delivery: &str) -> Result<Vec<(u32, Timestamp, Option<Attempt>)>, StoreError> {
        let delivery = delivery.to_owned();
        self.call(move |connection| {
            let select = "SELECT a.number, a.started_at, a.finished_at, a.outcome, a.why, a.after_ms,
                    a.maybe_delivered, a.remote_ref, a.status
                    FROM attempt a JOIN delivery d ON d.seq = a.delivery WHERE d.id = ?1 ORDER BY a.number";
            let mut select = connection.prepare(select)?;
            select.query_and_then([delivery], attempt)?.collect()
        })
        .await
    }
}

/// A delivery on its way into the store.
pub struct Debt<'d> {
    /// What is to be delivered.
    pub delivery: &'d Delivery,
    /// The transition that has the same message, so that it is not written twice.
    pub same: Option<i64>,
    /// How it is told.
    pub manners: &'d Manners,
}

/// Writes what is owed, held until its receiver's quiet hours end; what is owed already stays as it is.
pub fn owe(transaction: &Connection<'_>, debts: &[Debt<'_>], now: Timestamp) -> Result<(), Fault> {
    let held_until = |debt: &Debt<'_>| debt.manners.held_until.get(&debt.delivery.receiver).copied();
    let message = |Debt { delivery, same, .. }: &Debt<'_>| match same {
        Some(_) => Ok(String::new()),
        None => json(&delivery.message),
    };
    let messages = debts.iter().map(message).collect::<Result<Vec<String>, Fault>>()?;
    let insert = "INSERT INTO delivery(id, receiver, alert, message, created_at, patience_from, not_before, thread,
        held_until, bundle, transition) VALUES (?1, ?2, ?3, ?4, ?5, greatest(?5, ?8), ?6, ?7, ?8, ?9, ?10)
        ON CONFLICT(id) DO NOTHING";
    let values = debts.iter().zip(&messages).map(|(debt, message)| {
        let Debt { delivery, same, manners } = debt;
        let awaits_more = manners.awaits_more && manners.bundle.is_some();
        let not_before = if awaits_more { now.plus(GATHER_WAIT) } else { delivery.created_at.min(now) };
        (
            &delivery.id,
            &delivery.receiver,
            &delivery.alert,
            message,
            delivery.created_at.millis(),
            not_before.millis(),
            delivery.message.thread(),
            held_until(debt).map_or(0, Timestamp::millis),
            &manners.bundle,
            *same,
        )
    });
    transaction.prepare(insert)?.execute_each(values)?;
    // What does not wait does not wait for what came before it, either.
    let release = "UPDATE delivery SET held_until = 0
        WHERE state = 'pending' AND receiver = ?1 AND alert = ?2 AND held_until <> 0
            AND seq < (SELECT d.seq FROM delivery d WHERE d.id = ?3)";
    let values = debts.iter().filter(|debt| held_until(debt).is_none());
    let values = values.map(|Debt { delivery, .. }| (&delivery.receiver, &delivery.alert, &delivery.id));
    transaction.prepare(release)?.execute_each(values)?;
    if !debts.is_empty() {
        transaction.hint(Hint::Deliver);
    }
    Ok(())
}

/// No delivery and no receiver waits longer than a wait can be, should the clock have gone back.
pub fn shorten_waits(transaction: &Connection<'_>, now: Timestamp) -> Result<(), Fault> {
    let latest = now.plus(RETRY_AFTER_MAX).millis();
    let shorten = "UPDATE delivery SET not_before = ?1 WHERE state = 'pending' AND not_before > ?1";
    transaction.prepare(shorten)?.execute([latest])?;
    transaction.prepare("UPDATE receiver SET paused_until = ?1 WHERE paused_until > ?1")?.execute([latest])?;
    Ok(())
}

/// When the next delivery of a receiver can be taken: of each alert the oldest counts.
pub fn next_of_receiver() -> String {
    format!(
        "SELECT min(greatest(d.not_before, d.held_until, d.lease_until, coalesce(r.paused_until, 0)))
        FROM delivery d LEFT JOIN receiver r ON r.name = d.receiver
        WHERE d.state = 'pending' AND d.told_by IS NULL AND d.receiver = ?1 AND r.disabled_at IS NULL AND {}",
        is_first("d")
    )
}

/// The receivers that are owed something, found by leaps from one to the next.
pub const PENDING: &str = "WITH RECURSIVE owed(name) AS (
        SELECT min(receiver) FROM delivery WHERE state = 'pending'
        UNION ALL
        SELECT (SELECT min(receiver) FROM delivery WHERE state = 'pending' AND receiver > name)
        FROM owed WHERE name IS NOT NULL)
    SELECT name FROM owed WHERE name IS NOT NULL";

fn pending_receivers(connection: &Connection<'_>) -> Result<Vec<String>, Fault> {
    let mut select = connection.prepare(PENDING)?;
    select.query_and_then((), |row| row.get(0))?.collect()
}

/// Writes how attempts ended, and how their receivers stand then; for each, whether its lease was not lost.
fn record_ends(transaction: &Connection<'_>, ended: &[Ended]) -> Result<Vec<bool>, Fault> {
    let settled = settle(transaction, ended)?;
    let ours: Vec<(i64, &Ended)> =
        settled.iter().zip(ended).filter_map(|(seq, one)| seq.map(|seq| (seq, one))).collect();
    finish(transaction, &ours)?;
    let led = ours.iter().filter(|(_, one)| one.leads && matches!(one.next, Next::Done | Next::Dead));
    end_with(transaction, led.map(|(seq, _)| *seq))?;
    stand_after(transaction, ours.iter().map(|(_, one)| *one))?;
    Ok(settled.iter().map(Option::is_some).collect())
}

/// Writes what follows attempts to their deliveries; the number of each, unless its lease is lost.
fn settle(transaction: &Connection<'_>, ended: &[Ended]) -> Result<Vec<Option<i64>>, Fault> {
    let update = "UPDATE delivery SET state = ?3, not_before = coalesce(?4, not_before), sent_at = ?5, last_error = ?6,
        remote_ref = ?7, holder = NULL, lease_until = 0
        WHERE id = ?1 AND (claim = ?2 OR ?8 = 0) AND state = 'pending' RETURNING seq";
    let values = ended.iter().map(|Ended { id, claim, attempt, next, .. }| {
        let finished_at = attempt.finished_at.millis();
        let (state, not_before, sent_at) = match next {
            Next::Done => ("sent", None, Some(finished_at)),
            Next::At(at) => ("pending", Some(at.millis()), None),
            Next::Held => ("pending", None, None),
            Next::Dead => ("dead", None, None),
        };
        // One that is given up counts as failed, whatever its last attempt came to.
        let error = attempt.outcome.why().or_else(|| (*next == Next::Dead).then_some("given up"));
        (id, *claim, state, not_before, sent_at, error, attempt.outcome.remote_ref(), FENCED)
    });
    transaction.prepare(update)?.query_each(values, |row| row.get(0))
}

/// Writes how the attempts of deliveries ended.
fn finish(transaction: &Connection<'_>, ended: &[(i64, &Ended)]) -> Result<(), Fault> {
    let wait = |after: &Duration| i64::try_from(after.as_millis()).unwrap_or(i64::MAX);
    let update = "UPDATE attempt SET started_at = ?3, finished_at = ?4, outcome = ?5, why = ?6, after_ms = ?7,
        maybe_delivered = ?8, remote_ref = ?9, status = ?10 WHERE delivery = ?1 AND number = ?2";
    let values = ended.iter().map(|(seq, Ended { number, attempt, .. })| {
        let (after, maybe_delivered) = match &attempt.outcome {
            Outcome::Retry { after, maybe_delivered, .. } => (after.as_ref().map(wait), *maybe_delivered),
            Outcome::Pause { after, .. } => (Some(wait(after)), false),
            Outcome::Delivered { .. } | Outcome::Reject { .. } | Outcome::Disable { .. } => (None, false),
        };
        (
            *seq,
            *number,
            attempt.started_at.millis(),
            attempt.finished_at.millis(),
            attempt.outcome.name(),
            attempt.outcome.why(),
            after,
            maybe_delivered,
            attempt.outcome.remote_ref(),
            attempt.status,
        )
    });
    transaction.prepare(update)?.execute_each(values)?;
    Ok(())
}

/// A delivery from the columns id, receiver, alert, message, time.
pub fn delivery(row: &Row<'_>) -> Result<Delivery, Fault> {
    Ok(Delivery {
        id: row.get(0)?,
        receiver: row.get(1)?,
        alert: row.get(2)?,
        message: from_json("message", &row.get::<String>(3)?)?,
        created_at: time(row, 4)?,
    })
}

pub fn record(row: &Row<'_>) -> Result<DeliveryRecord, Fault> {
    Ok(DeliveryRecord {
        delivery: delivery(row)?,
        state: delivery_state(row, 5)?,
        attempts: row.get(6)?,
        not_before: time(row, 7)?,
        last_error: row.get(8)?,
        sent_at: some_time(row, 9)?,
        remote_ref: row.get(10)?,
        told_by: row.get(11)?,
        gave_way: row.get(12)?,
    })
}

fn attempt(row: &Row<'_>) -> Result<(u32, Timestamp, Option<Attempt>), Fault> {
    let (number, started_at) = (row.get(0)?, time(row, 1)?);
    let Some(finished_at) = some_time(row, 2)? else { return Ok((number, started_at, None)) };
    let after = row.get::<Option<i64>>(5)?.map(|after| Duration::from_millis(after.unsigned_abs()));
    let why = row.get::<Option<String>>(4)?.unwrap_or_default();
    let name: String = row.get(3)?;
    let outcome = match name.as_str() {
        "delivered" => Outcome::Delivered { remote_ref: row.get(7)? },
        "retry" => Outcome::Retry { after, why, maybe_delivered: row.get(6)? },
        "pause" => Outcome::Pause { after: after.unwrap_or_default(), why },
        "reject" => Outcome::Reject { why },
        "disable" => Outcome::Disable { why },
        _ => return Err(Fault::unreadable("outcome of an attempt", name)),
    };
    Ok((number, started_at, Some(Attempt { started_at, finished_at, outcome, status: row.get(8)? })))
}
