//! Deliveries that are told together: one leads, and the others end with it.
//!
//! They are gathered when the first of them is about to be attempted, in the transaction that records the attempt;
//! from then on it is settled what the message says. Which may go together was noted when they were written.

use std::collections::BTreeSet;

use super::columns::{count, from_json, json};
use super::connection::{Connection, Row};
use super::fault::Fault;
use super::outbox::message_of;
use super::supersede::give_way;
use crate::base::clock::Timestamp;
use crate::base::limits::GATHERED_MAX;
use crate::outbox::Message;
use crate::store::{Gathers, Hint, Place, Taking};

/// A delivery that can be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its number.
    pub seq: i64,
    /// Its receiver.
    pub receiver: String,
    /// What may be told with it; `None` where it is told by itself.
    pub reach: Option<Reach>,
    /// Whether another of its alert waits behind it.
    pub followed: bool,
    /// Whether its receiver has to be told each beginning, as it keeps alerts.
    pub needs_openings: bool,
}

/// When it is looked at.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// The time.
    pub now: Timestamp,
    /// Until when what is taken may have had to wait.
    pub waited: i64,
}

impl At {
    /// Now; in a hurry, what has to wait for another attempt is taken as well.
    pub fn new(taking: &Taking) -> Self {
        let Taking { now, hurry, .. } = *taking;
        Self { now, waited: if hurry { i64::MAX } else { now.millis() } }
    }
}

/// Which of a receiver's deliveries may be told together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those of a bundle.
    Bundle(String),
    /// All.
    Receiver,
    /// All, as there is more than is told one by one.
    Storm,
}

impl Reach {
    /// What a receiver gathers into a delivery of that bundle which was attempted so often.
    pub fn new(gathers: Gathers, bundle: Option<String>, attempts: i64) -> Option<Self> {
        match gathers {
            // What was attempted says what it said.
            _ if attempts > 0 => None,
            Gathers::Nothing | Gathers::Repeats => None,
            Gathers::Bundles | Gathers::Beyond(_) => bundle.map(Self::Bundle),
            Gathers::All => Some(Self::Receiver),
            Gathers::Storm => Some(Self::Storm),
        }
    }
}

/// What may be told together, the oldest first, with the last one of the same alert that stands before it, and whether
/// one stands behind it. Values: the receiver, now, until when others must have waited, how many.
const TOGETHER: &str = "SELECT d.seq, (
        SELECT max(p.seq) FROM delivery p
        WHERE p.state = 'pending' AND p.receiver = d.receiver AND p.alert = d.alert AND p.seq < d.seq), EXISTS (
        SELECT 1 FROM delivery n
        WHERE n.state = 'pending' AND n.receiver = d.receiver AND n.alert = d.alert AND n.seq > d.seq)
    FROM delivery d WHERE d.state = 'pending' AND d.told_by IS NULL AND d.receiver = ?1 AND d.attempts = 0
        AND d.lease_until <= ?2 AND d.held_until <= ?2 AND d.not_before <= ?3";

/// What a message says that tells together what does not belong together.
const STORM: &str = "More came at once than is told one by one, so these are told together.";

/// What is told in one message.
pub struct Told {
    /// The delivery that is attempted.
    pub leader: i64,
    /// How many are told with it.
    pub others: usize,
}

/// Puts what may be told with a delivery behind the gravest of them; `None` where the delivery gives way to another.
/// None of those that are `gone` is in it; what is told and what gives way is gone then.
pub fn gather(
    transaction: &Connection<'_>,
    head: &Head,
    at: At,
    gone: &mut BTreeSet<i64>,
) -> Result<Option<Told>, Fault> {
    gone.insert(head.seq);
    if head.followed && give_way(transaction, head, head.seq, at)? {
        return Ok(None);
    }
    let alone = Some(Told { leader: head.seq, others: 0 });
    let Some(reach) = &head.reach else { return Ok(alone) };
    let mut found = together(transaction, head, reach, at, gone)?;
    let messages = || found.iter().map(|(_, message)| message);
    let Some(place) = Message::leader(messages()).filter(|_| found.len() > 1) else { return Ok(alone) };
    let (leader, message) = found.remove(place);
    let others: Vec<i64> = found.iter().map(|(seq, _)| *seq).collect();
    let message = message.with_others(found.iter().map(|(_, message)| message));
    let message = if *reach == Reach::Storm { message.with_note(STORM) } else { message };
    let lead = "UPDATE delivery SET message = ?2 WHERE seq = ?1";
    transaction.prepare(lead)?.execute((leader, json(&message)?))?;
    let follow = "UPDATE delivery SET told_by = ?2 WHERE seq = ?1";
    transaction.prepare(follow)?.execute_each(others.iter().map(|seq| (*seq, leader)))?;
    // None is given up before its own patience is at an end.
    let wait = "UPDATE delivery SET patience_from = (
            SELECT max(d.patience_from) FROM delivery d WHERE d.seq = ?1 OR d.told_by = ?1)
        WHERE seq = ?1";
    transaction.prepare(wait)?.execute([leader])?;
    Ok(Some(Told { leader, others: others.len() }))
}

/// A delivery with all that may be told with it, the oldest first: none without those of its alert that stand before
/// it, and none that gives way.
fn together(
    transaction: &Connection<'_>,
    head: &Head,
    reach: &Reach,
    at: At,
    gone: &mut BTreeSet<i64>,
) -> Result<Vec<(i64, Message)>, Fault> {
    let (mut passed, mut found) = (BTreeSet::new(), Vec::new());
    for (seq, before, followed) in candidates(transaction, head, reach, at)? {
        let is_gone = seq != head.seq && gone.contains(&seq);
        if is_gone || before.is_some_and(|before| !passed.contains(&before)) {
            continue;
        }
        passed.insert(seq);
        gone.insert(seq);
        if !(followed && seq != head.seq && give_way(transaction, head, seq, at)?) {
            found.push(seq);
        }
    }
    // Read only now: an end may tell of a beginning that gave way to it.
    let select = format!("SELECT {} FROM delivery WHERE seq = ?1", message_of("delivery"));
    let said = transaction.prepare(&select)?.query_each(found.iter().map(|seq| [*seq]), |row| row.get::<String>(0))?;
    let read = |(seq, said): (i64, Option<String>)| -> Result<(i64, Message), Fault> {
        let said = said.ok_or_else(|| Fault::unreadable("delivery", seq))?;
        Ok((seq, from_json("message", &said)?))
    };
    found.into_iter().zip(said).map(read).collect()
}

/// See [`TOGETHER`].
fn candidates(
    transaction: &Connection<'_>,
    head: &Head,
    reach: &Reach,
    at: At,
) -> Result<Vec<(i64, Option<i64>, bool)>, Fault> {
    let read =
        |row: &Row<'_>| -> Result<(i64, Option<i64>, bool), Fault> { Ok((row.get(0)?, row.get(1)?, row.get(2)?)) };
    let (now, limit, alone) = (at.now.millis(), count(GATHERED_MAX), transaction.leaving_out_taken("d"));
    match reach {
        Reach::Bundle(bundle) => {
            let select = format!("{TOGETHER} AND d.bundle = ?5 ORDER BY d.seq LIMIT ?4 {alone}");
            let mut select = transaction.prepare(&select)?;
            select.query_and_then((&head.receiver, now, at.waited, limit, bundle), read)?.collect()
        }
        Reach::Receiver | Reach::Storm => {
            let mut select = transaction.prepare(&format!("{TOGETHER} ORDER BY d.seq LIMIT ?4 {alone}"))?;
            select.query_and_then((&head.receiver, now, at.waited, limit), read)?.collect()
        }
    }
}

/// How many messages are due at a receiver that were not attempted, at most so many and one. Values: the receiver,
/// now, until when others must have waited, so many.
const SEVERAL: &str = "SELECT count(*) FROM (
        SELECT DISTINCT coalesce(bundle, id) FROM delivery
        WHERE state = 'pending' AND told_by IS NULL AND receiver = ?1 AND attempts = 0
            AND lease_until <= ?2 AND held_until <= ?2 AND not_before <= ?3
        LIMIT ?4 + 1) AS several";

/// What each receiver gathers now: where there is more than it is told one by one, everything.
pub fn gathers(transaction: &Connection<'_>, places: &[Place], at: At) -> Result<Vec<Gathers>, Fault> {
    let limited = places.iter().filter_map(|place| match place.gathers {
        Gathers::Beyond(most) => Some((&place.receiver, at.now.millis(), at.waited, count(most))),
        _ => None,
    });
    let due = transaction.prepare(SEVERAL)?.query_each(limited, |row| row.get::<i64>(0))?;
    let mut due = due.into_iter().map(Option::unwrap_or_default);
    let now = |place: &Place| match place.gathers {
        Gathers::Beyond(most) if due.next().is_some_and(|due| due > count(most)) => Gathers::Storm,
        Gathers::Beyond(_) => Gathers::Bundles,
        gathers => gathers,
    };
    Ok(places.iter().map(now).collect())
}

/// What is told by deliveries ends as they did.
pub fn end_with(transaction: &Connection<'_>, leaders: impl Iterator<Item = i64>) -> Result<(), Fault> {
    let follow = "UPDATE delivery SET (state, sent_at, last_error, remote_ref) =
            (SELECT l.state, l.sent_at, l.last_error, l.remote_ref FROM delivery l WHERE l.seq = ?1)
        WHERE told_by = ?1 AND state <> 'superseded'";
    transaction.prepare(follow)?.execute_each(leaders.map(|leader| [leader]))?;
    Ok(())
}

/// What waits for the rest of its bundle waits no longer: all of it is stored.
pub fn complete(transaction: &Connection<'_>, now: Timestamp) -> Result<(), Fault> {
    let release = "UPDATE delivery SET not_before = ?1
        WHERE state = 'pending' AND told_by IS NULL AND bundle IS NOT NULL AND attempts = 0 AND not_before > ?1";
    if transaction.prepare(release)?.execute([now.millis()])? > 0 {
        transaction.hint(Hint::Deliver);
    }
    Ok(())
}
