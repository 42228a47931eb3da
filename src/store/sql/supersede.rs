//! Deliveries that give way to a later one of their alert, which says what matters by then.
//!
//! It is looked at when one of them could be attempted; what may have reached its receiver stays.

use super::columns::{from_json, json};
use super::connection::{Connection, Row};
use super::fault::Fault;
use super::gather::{At, Head};
use super::outbox::message_of;
use crate::outbox::{GivesWay, Message};

/// Whether an earlier attempt may have reached the receiver. Value: the delivery's number.
pub const DOUBT: &str = "SELECT 1 FROM attempt WHERE delivery = ?1 AND (finished_at IS NULL OR maybe_delivered = 1)";

/// What waits for a receiver about the alert of a delivery, that one first, and could be attempted. Values: the
/// delivery's number, now, until when others must have waited.
fn chain() -> String {
    format!(
        "SELECT n.seq, {} FROM delivery d
         JOIN delivery n ON n.state = 'pending' AND n.receiver = d.receiver AND n.alert = d.alert AND n.seq >= d.seq
         WHERE d.seq = ?1 AND n.told_by IS NULL AND n.lease_until <= ?2 AND n.held_until <= ?2 AND n.not_before <= ?3
         ORDER BY n.seq",
        message_of("n")
    )
}

/// Lets a delivery give way to a later one of its alert; whether it did. Where a receiver keeps alerts, it needs each
/// opening, so that it can close it.
pub fn give_way(transaction: &Connection<'_>, head: &Head, seq: i64, at: At) -> Result<bool, Fault> {
    if transaction.prepare(DOUBT)?.exists([seq])? {
        return Ok(false);
    }
    let read = |row: &Row<'_>| -> Result<(i64, Message), Fault> {
        Ok((row.get(0)?, from_json("message", &row.get::<String>(1)?)?))
    };
    let mut select = transaction.prepare(&chain())?;
    let chain = select.query_and_then((seq, at.now.millis(), at.waited), read)?.collect::<Result<Vec<_>, Fault>>()?;
    let Some(((first, message), later)) = chain.split_first().filter(|((first, _), _)| *first == seq) else {
        return Ok(false);
    };
    let Some(way) = message.gives_way(later.iter().map(|(_, message)| message), head.needs_openings) else {
        return Ok(false);
    };
    let (GivesWay::ToNewer(place) | GivesWay::ToEnd(place)) = way;
    let (successor, newer) = &later[place];
    if matches!(way, GivesWay::ToEnd(_)) {
        let both = newer.clone().with_opening(message);
        let tell = "UPDATE delivery SET message = ?2 WHERE seq = ?1";
        transaction.prepare(tell)?.execute((successor, json(&both)?))?;
    }
    let end = "UPDATE delivery SET state = 'superseded', told_by = ?2, gave_way = ?3 WHERE seq = ?1";
    transaction.prepare(end)?.execute((first, successor, way.reason()))?;
    Ok(true)
}
