//! Feeds: what is remembered between pulls, the right to pull one, and pulls that brought nothing.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use rusqlite::{Connection, OptionalExtension, Row};

use super::Sqlite;
use super::columns::{count, counted, frequency, from_json, json, millis, some_time, span, time};
use super::fault::Fault;
use super::thread::End;
use crate::base::clock::Timestamp;
use crate::base::limits::RAW_BYTES_KEPT;
use crate::period::Span;
use crate::series::PullId;
use crate::store::{
    Appended, Claim, FailedPull, FeedState, Holder, Holding, Lease, PullOutcome, PullRecord, StoreError,
};

/// Of how many set-aside pulls of a feed the raw bytes are kept.
const RAWS_KEPT: i64 = 3;

const FEED: &str = "name, spec_hash, next_due_at, etag, last_modified, content_sha256, last_ok_at, failures, last_error, marks, failing_since";

impl Sqlite {
    /// See [`crate::store::Store::feed`].
    pub async fn feed(&self, feed: &str) -> Result<FeedState, StoreError> {
        let feed = feed.to_owned();
        self.thread
            .call(move |connection| {
                let mut select = connection.prepare_cached(&format!("SELECT {FEED} FROM feed WHERE name = ?1"))?;
                let mut found = select.query_and_then([feed], state)?;
                Ok(found.next().transpose()?.map(|(_, state)| state).unwrap_or_default())
            })
            .await
    }

    /// See [`crate::store::Store::feeds`].
    pub async fn feeds(&self) -> Result<BTreeMap<String, FeedState>, StoreError> {
        self.thread
            .call(|connection| {
                let mut select = connection.prepare_cached(&format!("SELECT {FEED} FROM feed"))?;
                select.query_and_then([], state)?.collect()
            })
            .await
    }

    /// See [`crate::store::Store::pulls`].
    pub async fn pulls(&self, feed: &str, limit: usize) -> Result<Vec<PullRecord>, StoreError> {
        let (feed, limit) = (feed.to_owned(), count(limit));
        self.thread
            .call(move |connection| {
                let select = "SELECT p.at, p.outcome, p.url, p.http_status, p.bytes, p.sha256, p.reason, p.id, p.n_new,
                    p.n_revised, p.n_unchanged, p.refused, p.n_refused
                    FROM pull p JOIN feed f ON f.id = p.feed WHERE f.name = ?1 ORDER BY p.id DESC LIMIT ?2";
                let mut select = connection.prepare_cached(select)?;
                select.query_and_then((feed, limit), pull_record)?.collect()
            })
            .await
    }

    /// See [`crate::store::Store::holding`].
    pub async fn holding(&self, feed: &str) -> Result<Holding, StoreError> {
        let feed = feed.to_owned();
        self.thread
            .call(move |connection| {
                let select = "SELECT s.frequency, count(*), max((SELECT max(o.last) FROM observation o
                        WHERE o.series = s.id AND o.value IS NOT NULL))
                    FROM series s JOIN feed f ON f.id = s.feed WHERE f.name = ?1 AND s.current GROUP BY s.frequency";
                let mut select = connection.prepare_cached(select)?;
                let mut all = Holding::default();
                for row in select.query_and_then([feed], holding)? {
                    let found = row?;
                    all = Holding { series: all.series + found.series, latest: found.latest.or(all.latest) };
                }
                Ok(all)
            })
            .await
    }

    /// See [`crate::store::Store::lease_feed`].
    pub async fn lease_feed(
        &self,
        feed: &str,
        holder: &Holder,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Claim<Lease>, StoreError> {
        let (feed, holder, expires_at) = (feed.to_owned(), holder.0.clone(), now.plus(ttl));
        self.thread
            .write(move |transaction| {
                if let Some((by, until)) = held(transaction, &feed)?.filter(|(_, until)| *until > now) {
                    return Ok(End::RollBack(Claim::Held { by, until }));
                }
                let take = "INSERT INTO lease(name, holder, epoch, expires_at) VALUES (?1, ?2, 1, ?3)
                    ON CONFLICT(name) DO UPDATE SET holder = excluded.holder, epoch = epoch + 1,
                    expires_at = excluded.expires_at RETURNING epoch";
                let values = (lease_name(&feed), &holder, expires_at.millis());
                let epoch = transaction.prepare_cached(take)?.query_row(values, |row| row.get(0))?;
                Ok(End::Commit(Claim::Taken(Lease { feed, holder, epoch, expires_at })))
            })
            .await
    }

    /// See [`crate::store::Store::release_feed`].
    pub async fn release_feed(&self, lease: &Lease) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.thread
            .write(move |transaction| {
                let release = "UPDATE lease SET holder = NULL, expires_at = 0
                    WHERE name = ?1 AND holder = ?2 AND epoch = ?3";
                let values = (lease_name(&lease.feed), &lease.holder, lease.epoch);
                transaction.prepare_cached(release)?.execute(values)?;
                Ok(End::Commit(()))
            })
            .await
    }

    /// See [`crate::store::Store::unchanged`].
    pub async fn unchanged(
        &self,
        lease: &Lease,
        now: Timestamp,
        next_due_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.thread
            .write(move |transaction| {
                if !holds(transaction, &lease)? {
                    return Ok(End::RollBack(()));
                }
                let id = feed_id(transaction, &lease.feed)?;
                let update = "UPDATE feed SET last_ok_at = ?2, next_due_at = ?3, failures = 0, last_error = NULL,
                    failing_since = NULL WHERE id = ?1";
                transaction.prepare_cached(update)?.execute((id, now.millis(), millis(next_due_at)))?;
                Ok(End::Commit(()))
            })
            .await
    }

    /// See [`crate::store::Store::fail`].
    pub async fn fail(&self, lease: &Lease, pull: FailedPull) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.thread
            .write(move |transaction| {
                if !holds(transaction, &lease)? {
                    return Ok(End::RollBack(()));
                }
                let id = feed_id(transaction, &pull.feed)?;
                record_failure(transaction, id, lease.epoch, &pull)?;
                let update = "UPDATE feed SET failures = failures + 1, last_error = ?2, next_due_at = ?3,
                    failing_since = coalesce(failing_since, ?4) WHERE id = ?1";
                let values = (id, &pull.reason, millis(pull.next_due_at), pull.at.millis());
                transaction.prepare_cached(update)?.execute(values)?;
                Ok(End::Commit(()))
            })
            .await
    }
}

impl Sqlite {
    /// See [`crate::store::Store::spent`].
    pub async fn spent(&self, account: &str, since: Timestamp) -> Result<u32, StoreError> {
        let account = account.to_owned();
        self.thread
            .call(move |connection| {
                let select = "SELECT calls FROM spent WHERE account = ?1 AND since = ?2";
                let mut select = connection.prepare_cached(select)?;
                let calls = select.query_row((account, since.millis()), |row| row.get(0)).optional()?;
                Ok(calls.unwrap_or(0))
            })
            .await
    }

    /// See [`crate::store::Store::spend`].
    pub async fn spend(&self, account: &str, since: Timestamp, calls: u32) -> Result<bool, StoreError> {
        let account = account.to_owned();
        self.thread
            .write(move |transaction| {
                // A clock that went back begins no new window.
                let spend = "INSERT INTO spent(account, since, calls) SELECT ?1, ?2, 1 WHERE ?3 > 0
                    ON CONFLICT(account) DO UPDATE SET
                        calls = CASE WHEN since < ?2 THEN 1 ELSE calls + 1 END, since = max(since, ?2)
                    WHERE since < ?2 OR calls < ?3";
                let spent = transaction.prepare_cached(spend)?.execute((account, since.millis(), calls))?;
                Ok(End::Commit(spent > 0))
            })
            .await
    }
}

fn state(row: &Row<'_>) -> Result<(String, FeedState), Fault> {
    let state = FeedState {
        spec_hash: row.get(1)?,
        next_due_at: some_time(row, 2)?,
        etag: row.get(3)?,
        last_modified: row.get(4)?,
        content_sha256: row.get(5)?,
        last_ok_at: some_time(row, 6)?,
        failures: row.get(7)?,
        last_error: row.get(8)?,
        marks: from_json("a feed's marks", &row.get::<_, String>(9)?)?,
        failing_since: some_time(row, 10)?,
    };
    Ok((row.get(0)?, state))
}

fn pull_record(row: &Row<'_>) -> Result<PullRecord, Fault> {
    let outcome = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
    let found = PullOutcome::ALL.into_iter().find(|(name, _)| *name == outcome);
    let (_, outcome) = found.ok_or_else(|| Fault::unreadable("pull's outcome", outcome))?;
    Ok(PullRecord {
        at: time(row, 0)?,
        outcome,
        url: row.get(2)?,
        http_status: row.get(3)?,
        bytes: row.get::<_, Option<i64>>(4)?.and_then(|bytes| u64::try_from(bytes).ok()),
        sha256: row.get(5)?,
        reason: row.get(6)?,
        appended: Appended {
            pull: (outcome == PullOutcome::Changed).then_some(PullId(row.get(7)?)),
            new: counted(row, 8)?,
            revised: counted(row, 9)?,
            unchanged: counted(row, 10)?,
            items: 0,
        },
        refused: from_json("refused rows", &row.get::<_, String>(11)?)?,
        refused_count: counted(row, 12)?,
    })
}

fn holding(row: &Row<'_>) -> Result<Holding, Fault> {
    let frequency = frequency(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?;
    let latest = row.get::<_, Option<i32>>(2)?.map(|last| span(frequency, last, 1)).transpose()?;
    Ok(Holding { series: counted(row, 1)?, latest: latest.map(Span::last) })
}

fn lease_name(feed: &str) -> String {
    format!("feed/{feed}")
}

/// Who holds a feed, and until when.
fn held(connection: &Connection, feed: &str) -> Result<Option<(String, Timestamp)>, Fault> {
    let select = "SELECT holder, expires_at FROM lease WHERE name = ?1 AND holder IS NOT NULL";
    let mut select = connection.prepare_cached(select)?;
    let mut found = select.query_and_then([lease_name(feed)], |row| Ok((row.get(0)?, time(row, 1)?)))?;
    found.next().transpose()
}

/// Whether a lease is still the newest of its feed. One that ran out stands until someone else takes it.
pub fn holds(connection: &Connection, lease: &Lease) -> Result<bool, Fault> {
    let select = "SELECT 1 FROM lease WHERE name = ?1 AND holder = ?2 AND epoch = ?3";
    Ok(connection.prepare_cached(select)?.exists((lease_name(&lease.feed), &lease.holder, lease.epoch))?)
}

/// The answer to a writer whose lease is gone.
pub fn lost<T>(connection: &Connection, lease: &Lease) -> Result<Claim<T>, Fault> {
    Ok(match held(connection, &lease.feed)? {
        Some((by, until)) => Claim::Held { by, until },
        None => Claim::Finished,
    })
}

/// The number of a feed, which is made known if it is not.
pub fn feed_id(transaction: &Connection, feed: &str) -> Result<i64, Fault> {
    let select = "SELECT id FROM feed WHERE name = ?1";
    if let Some(id) = transaction.prepare_cached(select)?.query_row([feed], |row| row.get(0)).optional()? {
        return Ok(id);
    }
    transaction.prepare_cached("INSERT INTO feed(name) VALUES (?1)")?.execute([feed])?;
    Ok(transaction.last_insert_rowid())
}

fn record_failure(transaction: &Connection, feed: i64, epoch: i64, pull: &FailedPull) -> Result<(), Fault> {
    let insert =
        "INSERT INTO pull(feed, scheduled_for, epoch, at, outcome, http_status, reason, bytes, n_refused, refused)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    transaction.prepare_cached(insert)?.execute((
        feed,
        pull.scheduled_for.millis(),
        epoch,
        pull.at.millis(),
        if pull.set_aside { "set_aside" } else { "failed" },
        pull.http_status,
        &pull.reason,
        pull.raw.as_ref().map(|raw| count(raw.len())),
        count(pull.refused_count),
        json(&pull.refused)?,
    ))?;
    let Some(raw) = &pull.raw else { return Ok(()) };
    keep_raw(transaction, feed, transaction.last_insert_rowid(), raw)?;
    let forget = "DELETE FROM pull_raw WHERE feed = ?1 AND pull IN
        (SELECT pull.id FROM pull_raw JOIN pull ON pull.id = pull_raw.pull
         WHERE pull_raw.feed = ?1 AND pull.outcome = 'set_aside' ORDER BY pull.id DESC LIMIT -1 OFFSET ?2)";
    transaction.prepare_cached(forget)?.execute((feed, RAWS_KEPT))?;
    Ok(())
}

/// Keeps what arrived with a pull.
pub fn keep_raw(transaction: &Connection, feed: i64, pull: i64, raw: &[u8]) -> Result<(), Fault> {
    let insert = "INSERT INTO pull_raw(pull, feed, body) VALUES (?1, ?2, ?3)";
    transaction.prepare_cached(insert)?.execute((pull, feed, deflated(raw)))?;
    Ok(())
}

/// Forgets what arrived before an instant.
pub fn forget_raw(transaction: &Connection, feed: i64, since: Timestamp) -> Result<(), Fault> {
    let forget = "DELETE FROM pull_raw WHERE feed = ?1 AND pull IN
        (SELECT pull.id FROM pull_raw JOIN pull ON pull.id = pull_raw.pull
         WHERE pull_raw.feed = ?1 AND pull.at < ?2)";
    transaction.prepare_cached(forget)?.execute((feed, since.millis()))?;
    Ok(())
}

/// A body, up to the limit, small.
fn deflated(raw: &[u8]) -> Vec<u8> {
    let kept = &raw[..raw.len().min(RAW_BYTES_KEPT)];
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    // A Vec takes whatever is written to it.
    encoder.write_all(kept).and_then(|()| encoder.finish()).unwrap_or_default()
}
