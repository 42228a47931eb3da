//! Deliveries that are told together: one leads, and the others end with it.
//!
//! They are gathered when the first of them is about to be attempted, in the transaction that records the attempt;
//! from then on it is settled what the message says. Which may go together was noted when they were written.

use std::collections::BTreeSet;

use rusqlite::{Connection, Row};

use super::columns::{count, from_json, json};
use super::fault::Fault;
use super::outbox::MESSAGE;
use crate::base::clock::Timestamp;
use crate::base::limits::GATHERED_MAX;
use crate::outbox::Message;
use crate::store::Gathers;

/// A delivery that can be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its number.
    pub seq: i64,
    /// Its receiver.
    pub receiver: String,
    /// What may be told with it; `None` where it is told by itself.
    pub reach: Option<Reach>,
}

/// Which of a receiver's deliveries may be told together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those of a bundle.
    Bundle(String),
    /// All.
    Receiver,
}

impl Reach {
    /// What a receiver gathers into a delivery of that bundle which was attempted so often.
    pub fn new(gathers: Gathers, bundle: Option<String>, attempts: i64) -> Option<Self> {
        match gathers {
            // What was attempted says what it said.
            _ if attempts > 0 => None,
            Gathers::Nothing => None,
            Gathers::Bundles => bundle.map(Self::Bundle),
            Gathers::All => Some(Self::Receiver),
        }
    }
}

/// What may be told together: the last one of the same alert that stands before it, and whence. Values: the receiver, now, until when others must have waited, how many.
const TOGETHER: &str = "(
        SELECT max(p.seq) FROM delivery p
        WHERE p.state = 'pending' AND p.receiver = delivery.receiver AND p.alert = delivery.alert
            AND p.seq < delivery.seq)
    FROM delivery WHERE state = 'pending' AND told_by IS NULL AND receiver = ?1 AND attempts = 0
        AND lease_until <= ?2 AND held_until <= ?2 AND not_before <= ?3";

/// Puts what may be told with a delivery behind the gravest of them; all of these, that one first.
pub fn gather(transaction: &Connection, head: &Head, now: Timestamp, waited: i64) -> Result<Vec<i64>, Fault> {
    let Some(reach) = &head.reach else { return Ok(vec![head.seq]) };
    let mut found = together(transaction, head, reach, now, waited)?;
    let messages = || found.iter().map(|(_, message)| message);
    let Some(at) = Message::leader(messages()).filter(|_| found.len() > 1) else { return Ok(vec![head.seq]) };
    let (leader, message) = found.remove(at);
    let others: Vec<i64> = found.iter().map(|(seq, _)| *seq).collect();
    let message = message.with_others(found.iter().map(|(_, message)| message));
    let lead = "UPDATE delivery SET message = ?2 WHERE seq = ?1";
    transaction.prepare_cached(lead)?.execute((leader, json(&message)?))?;
    let mut follow = transaction.prepare_cached("UPDATE delivery SET told_by = ?2 WHERE seq = ?1")?;
    for seq in &others {
        follow.execute((seq, leader))?;
    }
    Ok([vec![leader], others].concat())
}

/// A delivery with all that may be told with it, the oldest first: none without those of its alert that stand before it.
fn together(
    transaction: &Connection,
    head: &Head,
    reach: &Reach,
    now: Timestamp,
    waited: i64,
) -> Result<Vec<(i64, Message)>, Fault> {
    let read =
        |row: &Row<'_>| -> Result<(i64, String, Option<i64>), Fault> { Ok((row.get(0)?, row.get(1)?, row.get(2)?)) };
    let (now, limit) = (now.millis(), count(GATHERED_MAX));
    let rows: Vec<(i64, String, Option<i64>)> = match reach {
        Reach::Bundle(bundle) => {
            let select = format!("SELECT seq, {MESSAGE}, {TOGETHER} AND bundle = ?5 ORDER BY seq LIMIT ?4");
            let mut select = transaction.prepare_cached(&select)?;
            select.query_and_then((&head.receiver, now, waited, limit, bundle), read)?.collect::<Result<_, _>>()?
        }
        Reach::Receiver => {
            let mut select =
                transaction.prepare_cached(&format!("SELECT seq, {MESSAGE}, {TOGETHER} ORDER BY seq LIMIT ?4"))?;
            select.query_and_then((&head.receiver, now, waited, limit), read)?.collect::<Result<_, _>>()?
        }
    };
    let (mut taken, mut found) = (BTreeSet::new(), Vec::new());
    for (seq, message, before) in rows {
        if before.is_none_or(|before| taken.contains(&before)) {
            taken.insert(seq);
            found.push((seq, from_json("message", &message)?));
        }
    }
    Ok(found)
}

/// What is told by a delivery ends as it did.
pub fn end_with(transaction: &Connection, leader: i64) -> Result<(), Fault> {
    let follow = "UPDATE delivery SET (state, sent_at, last_error, remote_ref) =
            (SELECT l.state, l.sent_at, l.last_error, l.remote_ref FROM delivery l WHERE l.seq = ?1)
        WHERE told_by = ?1 AND state <> 'superseded'";
    transaction.prepare_cached(follow)?.execute([leader])?;
    Ok(())
}

/// What waits for the rest of its bundle waits no longer: all of it is stored.
pub fn complete(transaction: &Connection, now: Timestamp) -> Result<(), Fault> {
    let release = "UPDATE delivery SET not_before = ?1
        WHERE state = 'pending' AND told_by IS NULL AND bundle IS NOT NULL AND attempts = 0 AND not_before > ?1";
    transaction.prepare_cached(release)?.execute([now.millis()])?;
    Ok(())
}
