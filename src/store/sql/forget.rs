//! What is forgotten after a while: how deliveries were attempted, deliveries that are over, pulls that brought nothing,
//! and which series a pull changed. Figures, alerts, transitions and messages are never forgotten.
//!
//! Each step is one small transaction, so that nothing waits for long.

use super::End;
use super::columns::count;
use super::connection::{Connection, Latch};
use super::fault::Fault;
use crate::base::clock::Timestamp;
use crate::store::{Forgotten, Store, StoreError};

/// So many deliveries, and pulls of a feed, are forgotten in one step.
const ROWS: usize = 500;
/// So many series of pulls.
const SERIES: usize = 5_000;
/// So many pulls of each feed are kept however old they are.
const PULLS_KEPT: usize = 100;

/// Deliveries that are over since before then (value 1), of alerts that have been so, too. Those below value 2 alone: the
/// number of the first that is younger.
const OVER: &str =
    "d.seq < ?2 AND d.state <> 'pending' AND greatest(coalesce(d.sent_at, 0), d.created_at, d.patience_from) < ?1
    AND NOT EXISTS (SELECT 1 FROM alert a WHERE a.id = d.alert AND (a.gravity > 0 OR a.since >= ?1))";

impl Store {
    /// Takes a step in forgetting what was over before then: how deliveries were attempted, deliveries that are over, which
    /// series pulls changed, and pulls that changed nothing. Kept are what is pending, what belongs to an alert that fires
    /// or fired since, the beginning of each thread at its receiver, and the last pulls of each feed. Nothing is left to
    /// be done where nothing was forgotten.
    pub async fn forget(&self, before: Timestamp) -> Result<Forgotten, StoreError> {
        let told = self
            .write(move |transaction| {
                transaction.one_at_a_time(Latch::Forgetting)?;
                let first = "SELECT seq FROM delivery WHERE created_at >= ?1 ORDER BY seq LIMIT 1";
                let mut first = transaction.prepare(first)?;
                let until = first.query_and_then([before.millis()], |row| row.get(0))?.next().transpose()?;
                let until: i64 = until.unwrap_or(i64::MAX);
                let attempts = attempts(transaction, before, until)?;
                let deliveries = deliveries(transaction, before, until)?;
                let series = series(transaction, before)?;
                let forgotten = Forgotten { attempts, deliveries, series, pulls: 0 };
                Ok(if forgotten.is_nothing() { End::RollBack(forgotten) } else { End::Commit(forgotten) })
            })
            .await?;
        // Whether a pull is referred to would be looked up among all figures; of these none is.
        let forget = move |transaction: &Connection<'_>| {
            transaction.one_at_a_time(Latch::Forgetting)?;
            let pulls = pulls(transaction, before)?;
            Ok(if pulls == 0 { End::RollBack(pulls) } else { End::Commit(pulls) })
        };
        let pulls = self.write_unchecked(forget).await?;
        Ok(Forgotten { pulls, ..told })
    }
}

/// Forgets how deliveries were attempted.
fn attempts(transaction: &Connection<'_>, before: Timestamp, until: i64) -> Result<usize, Fault> {
    let forget = format!(
        "DELETE FROM attempt WHERE delivery IN (
            SELECT d.seq FROM delivery d WHERE {OVER} AND EXISTS (SELECT 1 FROM attempt t WHERE t.delivery = d.seq)
            ORDER BY d.seq LIMIT {ROWS})"
    );
    transaction.prepare(&forget)?.execute((before.millis(), until))
}

/// Forgets deliveries to which nothing refers: what one of them told goes before it. The first of a thread that has a
/// name at its receiver stays, so that later ones still find what they reply to.
fn deliveries(transaction: &Connection<'_>, before: Timestamp, until: i64) -> Result<usize, Fault> {
    let forget = format!(
        "DELETE FROM delivery WHERE seq IN (
            SELECT d.seq FROM delivery d WHERE {OVER}
                AND NOT EXISTS (SELECT 1 FROM attempt t WHERE t.delivery = d.seq)
                AND NOT EXISTS (SELECT 1 FROM delivery f WHERE f.told_by = d.seq)
                AND (d.remote_ref IS NULL OR EXISTS (
                    SELECT 1 FROM delivery e WHERE e.receiver = d.receiver AND e.thread = d.thread
                        AND e.remote_ref IS NOT NULL AND e.seq < d.seq))
            ORDER BY d.seq LIMIT {ROWS})"
    );
    transaction.prepare(&forget)?.execute((before.millis(), until))
}

/// Forgets which series old pulls changed: it is asked once, when it is worked out what follows from them.
fn series(transaction: &Connection<'_>, before: Timestamp) -> Result<usize, Fault> {
    let forget = format!(
        "DELETE FROM pull_series WHERE (pull, series) IN (
            SELECT s.pull, s.series FROM pull p CROSS JOIN pull_series s ON s.pull = p.id
            WHERE p.at < ?1 AND NOT EXISTS (SELECT 1 FROM eval_task t WHERE t.pull = p.id AND t.state = 'pending')
            LIMIT {SERIES})"
    );
    transaction.prepare(&forget)?.execute([before.millis()])
}

/// Forgets pulls that changed nothing, but for the last of each feed and those of which something is kept.
fn pulls(transaction: &Connection<'_>, before: Timestamp) -> Result<usize, Fault> {
    let feeds =
        "SELECT id, (SELECT p.id FROM pull p WHERE p.feed = feed.id ORDER BY p.id DESC LIMIT 1 OFFSET ?1) FROM feed";
    let mut feeds = transaction.prepare(feeds)?;
    let feeds = feeds.query_and_then([count(PULLS_KEPT - 1)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let forget = format!(
        "DELETE FROM pull WHERE id IN (
            SELECT p.id FROM pull p WHERE p.feed = ?1 AND p.id < ?2 AND p.outcome <> 'changed' AND p.at < ?3
                AND NOT EXISTS (SELECT 1 FROM pull_raw r WHERE r.pull = p.id)
                AND p.id NOT IN (SELECT i.pull FROM item i WHERE i.feed = ?1)
            ORDER BY p.id LIMIT {ROWS})"
    );
    let (mut forget, mut forgotten) = (transaction.prepare(&forget)?, 0);
    for feed in feeds {
        let (feed, kept): (i64, Option<i64>) = feed?;
        if let Some(kept) = kept {
            forgotten += forget.execute((feed, kept, before.millis()))?;
        }
    }
    Ok(forgotten)
}
