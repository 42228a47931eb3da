//! The outbox: what is owed, who is bringing it, and how each attempt ended.
//!
//! Only the oldest pending delivery of an alert for a receiver can be taken, so their order is kept even
//! while it waits; one that is sent or dead is no longer in the way.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::columns::{count, delivery_state, from_json, json, some_time, time};
use super::connection::{Connection, Row};
use super::fault::Fault;
use super::gather::{At, Head, Reach, complete, end_with, gather, gathers};
use super::receivers::{stand, standing, take};
use super::{End, FENCED};
use crate::base::clock::Timestamp;
use crate::base::limits::{GATHER_WAIT, RETRY_AFTER_MAX};
use crate::outbox::{Attempt, Delivery, Manners, Next, Outcome, Standing};
use crate::store::{DeliveryRecord, Ended, Gathers, Hint, Leased, Place, Room, Store, StoreError, Taking};

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
            for name in pending_receivers(transaction)? {
                let room = rooms.get(&name).unwrap_or(&Room::ONE);
                let left = room.left(&standing(transaction, &name)?);
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
            let mut select = connection.prepare(NEXT)?;
            let mut next: Option<i64> = None;
            for receiver in pending_receivers(connection)?.into_iter().filter(|name| !except.contains(name)) {
                let of_receiver: Option<i64> = select.query_one([receiver], |row| row.get(0))?;
                next = next.into_iter().chain(of_receiver).min();
            }
            Ok(next.map(Timestamp::from_millis))
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

/// Writes what is owed, held until its receiver's quiet hours end; what is owed already stays as it is. `same` is the
/// transition that has the same message, so that it is not written twice.
pub fn owe(
    transaction: &Connection<'_>,
    delivery: &Delivery,
    same: Option<i64>,
    now: Timestamp,
    manners: &Manners,
) -> Result<(), Fault> {
    let insert = "INSERT INTO delivery(id, receiver, alert, message, created_at, patience_from, not_before, thread,
        held_until, bundle, transition) VALUES (?1, ?2, ?3, ?4, ?5, greatest(?5, ?8), ?6, ?7, ?8, ?9, ?10)
        ON CONFLICT(id) DO NOTHING";
    let held = manners.held_until.get(&delivery.receiver).copied();
    let awaits_more = manners.awaits_more && manners.bundle.is_some();
    let not_before = if awaits_more { now.plus(GATHER_WAIT) } else { delivery.created_at.min(now) };
    transaction.prepare(insert)?.execute((
        &delivery.id,
        &delivery.receiver,
        &delivery.alert,
        same.map_or_else(|| json(&delivery.message), |_| Ok(String::new()))?,
        delivery.created_at.millis(),
        not_before.millis(),
        delivery.message.thread(),
        held.map_or(0, Timestamp::millis),
        &manners.bundle,
        same,
    ))?;
    transaction.hint(Hint::Deliver);
    if held.is_none() {
        // What does not wait does not wait for what came before it, either.
        let release = "UPDATE delivery SET held_until = 0
            WHERE state = 'pending' AND receiver = ?1 AND alert = ?2 AND held_until <> 0";
        transaction.prepare(release)?.execute((&delivery.receiver, &delivery.alert))?;
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

/// The deliveries of a receiver that can be taken, the oldest first, and whether another of the alert waits behind each.
/// None is taken before what came before it of its alert, but for what it tells itself.
/// Values: the receiver, now, until when others must have waited, how many, how often they were attempted at least.
pub const DUE: &str = "SELECT d.seq, d.bundle, d.attempts, EXISTS (
        SELECT 1 FROM delivery n
        WHERE n.state = 'pending' AND n.receiver = d.receiver AND n.alert = d.alert AND n.seq > d.seq)
    FROM delivery d LEFT JOIN receiver r ON r.name = d.receiver
    WHERE d.state = 'pending' AND d.told_by IS NULL AND d.receiver = ?1 AND d.lease_until <= ?2 AND d.held_until <= ?2
        AND d.not_before <= ?3 AND d.attempts >= ?5 AND coalesce(r.paused_until, 0) <= ?3 AND r.disabled_at IS NULL
        AND NOT EXISTS (
            SELECT 1 FROM delivery p
            WHERE p.state = 'pending' AND p.receiver = d.receiver AND p.alert = d.alert AND p.seq < d.seq
                AND p.told_by IS DISTINCT FROM d.seq)
    ORDER BY d.seq LIMIT ?4";

/// When the next delivery of a receiver can be taken: of each alert the oldest counts.
pub const NEXT: &str = "SELECT min(greatest(d.not_before, d.held_until, d.lease_until, coalesce(r.paused_until, 0)))
    FROM delivery d LEFT JOIN receiver r ON r.name = d.receiver
    WHERE d.state = 'pending' AND d.told_by IS NULL AND d.receiver = ?1 AND r.disabled_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM delivery p
        WHERE p.state = 'pending' AND p.receiver = d.receiver AND p.alert = d.alert AND p.seq < d.seq
            AND p.told_by IS DISTINCT FROM d.seq)";

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

/// Takes deliveries that are due, each with what is to be told with it, and records that attempts begin; and whether
/// anything is to be stored: some may have given way instead.
fn lease(transaction: &Connection<'_>, taking: &Taking, places: &[Place]) -> Result<(Vec<Leased>, bool), Fault> {
    let (mut leased, mut gone) = (Vec::new(), BTreeSet::new());
    let free = take(transaction, places.iter().map(|place| place.receiver.as_str()).collect(), false)?;
    let places: Vec<Place> = places.iter().filter(|place| free.contains(&place.receiver)).cloned().collect();
    loop {
        let before = gone.len();
        for head in due(transaction, taking, &places)? {
            if gone.contains(&head.seq) || !is_pending(transaction, head.seq)? {
                continue;
            }
            let together = gather(transaction, &head, At::new(taking))?;
            if let Some(leader) = together.first() {
                let is_storm = head.reach == Some(Reach::Storm) && together.len() > 1;
                leased.push(Leased { is_storm, ..begin(transaction, *leader, taking)? });
            }
            gone.insert(head.seq);
            gone.extend(together);
        }
        // Where all that could be taken gave way, what it gave way to can be.
        if !leased.is_empty() || gone.len() == before {
            break;
        }
    }
    Ok((leased, !gone.is_empty()))
}

/// Whether a delivery still waits: one that is taken before it may have let it give way.
fn is_pending(transaction: &Connection<'_>, seq: i64) -> Result<bool, Fault> {
    transaction.prepare("SELECT 1 FROM delivery WHERE seq = ?1 AND state = 'pending'")?.exists([seq])
}

/// Writes how attempts ended, and how their receivers stand then; for each, whether its lease was not lost.
fn record_ends(transaction: &Connection<'_>, ended: &[Ended]) -> Result<Vec<bool>, Fault> {
    take(transaction, ended.iter().map(|one| one.receiver.as_str()).collect(), true)?;
    let mut standings: BTreeMap<&str, Standing> = BTreeMap::new();
    let mut ours = Vec::with_capacity(ended.len());
    for one in ended {
        let Ended { receiver, number, attempt, .. } = one;
        let seq = settle(transaction, one)?;
        ours.push(seq.is_some());
        let Some(seq) = seq else { continue };
        finish(transaction, seq, *number, attempt)?;
        if one.leads && matches!(one.next, Next::Done | Next::Dead) {
            end_with(transaction, seq)?;
        }
        let before = match standings.remove(receiver.as_str()) {
            Some(standing) => standing,
            None => standing(transaction, receiver)?,
        };
        standings.insert(receiver, before.after(&attempt.outcome, attempt.finished_at));
    }
    for (receiver, now) in &standings {
        stand(transaction, receiver, now)?;
    }
    Ok(ours)
}

/// The deliveries that can be taken now: from all receivers in turn, from none more than it has places.
pub fn due(transaction: &Connection<'_>, taking: &Taking, places: &[Place]) -> Result<Vec<Head>, Fault> {
    let mut select = transaction.prepare(DUE)?;
    let (mut found, at): (Vec<(usize, Head)>, _) = (Vec::new(), At::new(taking));
    for place in places {
        let gathers = gathers(transaction, place, at)?;
        let values = (
            &place.receiver,
            at.now.millis(),
            at.waited,
            count(place.free.min(taking.limit)),
            i64::from(gathers == Gathers::Repeats),
        );
        let head = |row: &Row<'_>| -> Result<Head, Fault> {
            Ok(Head {
                seq: row.get(0)?,
                receiver: place.receiver.clone(),
                reach: Reach::new(gathers, row.get(1)?, row.get(2)?),
                followed: row.get(3)?,
                needs_openings: gathers == Gathers::Nothing,
            })
        };
        let of_receiver = select.query_and_then(values, head)?.collect::<Result<Vec<Head>, Fault>>()?;
        found.extend(of_receiver.into_iter().enumerate());
    }
    found.sort_unstable_by_key(|(rank, head)| (*rank, head.seq));
    found.truncate(taking.limit);
    Ok(found.into_iter().map(|(_, head)| head).collect())
}

/// Takes a delivery and records that an attempt begins.
fn begin(transaction: &Connection<'_>, seq: i64, taking: &Taking) -> Result<Leased, Fault> {
    let Taking { holder, now, ttl, .. } = taking;
    let expires_at = now.plus(*ttl);
    let take = format!(
        "UPDATE delivery SET claim = claim + 1, attempts = attempts + 1, holder = ?2, lease_until = ?3
         WHERE seq = ?1 RETURNING id, receiver, alert, {}, patience_from, claim, attempts, thread",
        message_of("delivery")
    );
    let mut take = transaction.prepare(&take)?;
    let mut taken = take.query_and_then((seq, &holder.0, expires_at.millis()), |row| -> Result<Leased, Fault> {
        let (claim, attempt) = (row.get(5)?, row.get(6)?);
        let delivery = delivery(row)?;
        let first = "SELECT remote_ref FROM delivery WHERE receiver = ?1 AND thread = ?2 AND remote_ref IS NOT NULL
            AND seq < ?3 ORDER BY seq LIMIT 1";
        let key = (&delivery.receiver, row.get::<String>(7)?, seq);
        let opening = transaction.prepare(first)?.query_row(key, |row| row.get(0))?;
        let doubt = "SELECT max(CASE WHEN a.started_at >= d.patience_from THEN 1 ELSE 0 END) FROM attempt a JOIN delivery d ON d.seq = a.delivery
            WHERE a.delivery = ?1 AND (a.finished_at IS NULL OR a.maybe_delivered = 1)";
        let doubt: Option<bool> = match attempt {
            1 => None,
            _ => transaction.prepare(doubt)?.query_one([seq], |row| row.get(0))?,
        };
        let (maybe_delivered, cut_off) = (doubt.is_some(), doubt == Some(true));
        Ok(Leased { delivery, claim, attempt, maybe_delivered, cut_off, opening, expires_at, is_storm: false })
    })?;
    let leased = taken.next().ok_or_else(|| Fault::unreadable("delivery", seq))??;
    let insert = "INSERT INTO attempt(delivery, number, claim, holder, started_at) VALUES (?1, ?2, ?3, ?4, ?5)";
    let values = (seq, leased.attempt, leased.claim, &holder.0, now.millis());
    transaction.prepare(insert)?.execute(values)?;
    Ok(leased)
}

/// Writes what follows an attempt to its delivery; its number, unless the lease is lost.
fn settle(transaction: &Connection<'_>, ended: &Ended) -> Result<Option<i64>, Fault> {
    let Ended { id, claim, attempt, next, .. } = ended;
    let finished_at = attempt.finished_at.millis();
    let (state, not_before, sent_at) = match next {
        Next::Done => ("sent", None, Some(finished_at)),
        Next::At(at) => ("pending", Some(at.millis()), None),
        Next::Held => ("pending", None, None),
        Next::Dead => ("dead", None, None),
    };
    // One that is given up counts as failed, whatever its last attempt came to.
    let error = attempt.outcome.why().or_else(|| (*next == Next::Dead).then_some("given up"));
    let remote_ref = attempt.outcome.remote_ref();
    let update = "UPDATE delivery SET state = ?3, not_before = coalesce(?4, not_before), sent_at = ?5, last_error = ?6,
        remote_ref = ?7, holder = NULL, lease_until = 0
        WHERE id = ?1 AND (claim = ?2 OR ?8 = 0) AND state = 'pending' RETURNING seq";
    let values = (id, claim, state, not_before, sent_at, error, remote_ref, FENCED);
    transaction.prepare(update)?.query_row(values, |row| row.get(0))
}

/// Writes how an attempt ended.
fn finish(transaction: &Connection<'_>, seq: i64, number: u32, attempt: &Attempt) -> Result<(), Fault> {
    let wait = |after: &Duration| i64::try_from(after.as_millis()).unwrap_or(i64::MAX);
    let (after, maybe_delivered, remote_ref) = match &attempt.outcome {
        Outcome::Delivered { remote_ref } => (None, false, remote_ref.as_deref()),
        Outcome::Retry { after, maybe_delivered, .. } => (after.as_ref().map(wait), *maybe_delivered, None),
        Outcome::Pause { after, .. } => (Some(wait(after)), false, None),
        Outcome::Reject { .. } | Outcome::Disable { .. } => (None, false, None),
    };
    let update = "UPDATE attempt SET started_at = ?3, finished_at = ?4, outcome = ?5, why = ?6, after_ms = ?7,
        maybe_delivered = ?8, remote_ref = ?9, status = ?10 WHERE delivery = ?1 AND number = ?2";
    transaction.prepare(update)?.execute((
        seq,
        number,
        attempt.started_at.millis(),
        attempt.finished_at.millis(),
        attempt.outcome.name(),
        attempt.outcome.why(),
        after,
        maybe_delivered,
        remote_ref,
        attempt.status,
    ))?;
    Ok(())
}

/// A delivery from the columns id, receiver, alert, message, time.
fn delivery(row: &Row<'_>) -> Result<Delivery, Fault> {
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
