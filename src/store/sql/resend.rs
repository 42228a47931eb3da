//! Sending again, by hand, what was not sent or was given up.

use super::End;
use super::columns::{BEGINS, beginning};
use super::connection::Connection;
use super::fault::Fault;
use super::outbox::{columns, record};
use crate::base::clock::Timestamp;
use crate::store::{DeliveryRecord, Hint, Store, StoreError};

impl Store {
    /// Makes a dead or pending delivery due now, with its patience renewed; `None` for an unknown id.
    pub async fn retry_delivery(&self, delivery: &str, now: Timestamp) -> Result<Option<DeliveryRecord>, StoreError> {
        let delivery = delivery.to_owned();
        self.write(move |transaction| {
            let Some(id) = unsent(transaction, &delivery)? else { return Ok(End::RollBack(None)) };
            Ok(End::Commit(Some(renew(transaction, &id, now)?)))
        })
        .await
    }
}

/// The one delivery that can be sent again and has this id, or an id that begins so.
fn unsent(transaction: &Connection<'_>, prefix: &str) -> Result<Option<String>, Fault> {
    if prefix.is_empty() {
        return Ok(None);
    }
    let select = format!("SELECT id FROM delivery WHERE {BEGINS} AND state IN ('pending', 'dead') ORDER BY id");
    let mut select = transaction.prepare(&select)?;
    let found: Vec<String> = select.query_and_then(beginning(prefix), |row| row.get(0))?.collect::<Result<_, _>>()?;
    match found.as_slice() {
        [] => Ok(None),
        [first, ..] if first == prefix => Ok(Some(first.clone())),
        [only] => Ok(Some(only.clone())),
        several => Err(Fault::Ambiguous { prefix: prefix.to_owned(), count: several.len() }),
    }
}

/// Makes a delivery due now, or the one that tells it. An attempt that is under way goes on; whoever asks for another
/// does not want to wait for the receiver's pause, either.
fn renew(transaction: &Connection<'_>, id: &str, now: Timestamp) -> Result<DeliveryRecord, Fault> {
    let leader = "SELECT coalesce(told_by, seq) FROM delivery WHERE id = ?1";
    let leader: i64 = transaction.prepare(leader)?.query_one([id], |row| row.get(0))?;
    // First, as an attempt that ends meanwhile ends what it tells as well.
    let update = format!(
        "UPDATE delivery SET state = 'pending', not_before = ?2, held_until = 0, patience_from = ?2 WHERE seq = ?1
         RETURNING {}",
        columns()
    );
    let renewed = transaction.prepare(&update)?.query_one((leader, now.millis()), record)?;
    let follow = "UPDATE delivery SET state = 'pending' WHERE told_by = ?1 AND state = 'dead'";
    transaction.prepare(follow)?.execute([leader])?;
    let resume = "UPDATE receiver SET disabled_at = NULL, failures = 0, paused_until = 0
        WHERE name = (SELECT receiver FROM delivery WHERE seq = ?1)";
    transaction.prepare(resume)?.execute([leader])?;
    transaction.hint(Hint::Deliver);
    Ok(renewed)
}
