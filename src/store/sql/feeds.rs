//! Feeds: what is remembered between pulls, the right to pull one, and pulls that brought nothing.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::columns::{count, counted, frequency, from_json, json, millis, some_time, span, time};
use super::connection::{Connection, Row};
use super::fault::Fault;
use super::{End, FENCED};
use crate::base::clock::Timestamp;
use crate::base::limits::RAW_BYTES_KEPT;
use crate::period::Span;
use crate::series::PullId;
use crate::store::{
    Appended, Claim, FailedPull, FeedState, Holder, Holding, Lease, PullOutcome, PullRecord, Store, StoreError,
};

/// Of how many set-aside pulls of a feed the raw bytes are kept.
const RAWS_KEPT: i64 = 3;

const FEED: &str = "name, spec_hash, next_due_at, etag, last_modified, content_sha256, last_ok_at, failures, last_error, marks, failing_since";

impl Store {
    /// What is remembered of a feed.
    pub async fn feed(&self, feed: &str) -> Result<FeedState, StoreError> {
        let feed = feed.to_owned();
        self.call(move |connection| {
            let mut select = connection.prepare(&format!("SELECT {FEED} FROM feed WHERE name = ?1"))?;
            let mut found = select.query_and_then([feed], state)?;
            Ok(found.next().transpose()?.map(|(_, state)| state).unwrap_or_default())
        })
        .await
    }

    /// Every feed that the store knows, by name.
    pub async fn feeds(&self) -> Result<BTreeMap<String, FeedState>, StoreError> {
        self.call(|connection| {
            let mut select = connection.prepare(&format!("SELECT {FEED} FROM feed"))?;
            select.query_and_then((), state)?.collect()
        })
        .await
    }

    /// The pulls of a feed that answered or failed, newest first; one to which the publisher said that nothing
    /// is new is none of them.
    pub async fn pulls(&self, feed: &str, limit: usize) -> Result<Vec<PullRecord>, StoreError> {
        let (feed, limit) = (feed.to_owned(), count(limit));
        self.call(move |connection| {
            let select = "SELECT p.at, p.outcome, p.url, p.http_status, p.bytes, p.sha256, p.reason, p.id, p.n_new,
                    p.n_revised, p.n_unchanged, p.refused, p.n_refused
                    FROM pull p JOIN feed f ON f.id = p.feed WHERE f.name = ?1 ORDER BY p.id DESC LIMIT ?2";
            let mut select = connection.prepare(select)?;
            select.query_and_then((feed, limit), pull_record)?.collect()
        })
        .await
    }

    /// What there is of a feed.
    pub async fn holding(&self, feed: &str) -> Result<Holding, StoreError> {
        let feed = feed.to_owned();
        self.call(move |connection| {
            let select = "SELECT s.frequency, count(*), max((SELECT max(o.last) FROM observation o
                        WHERE o.series = s.id AND o.value IS NOT NULL))
                    FROM series s JOIN feed f ON f.id = s.feed WHERE f.name = ?1 AND s.current = 1 GROUP BY s.frequency";
            let mut select = connection.prepare(select)?;
            let mut all = Holding::default();
            for row in select.query_and_then([feed], holding)? {
                let found = row?;
                all = Holding { series: all.series + found.series, latest: found.latest.or(all.latest) };
            }
            Ok(all)
        })
        .await
    }

    /// Claims a feed for a pull.
    pub async fn lease_feed(
        &self,
        feed: &str,
        holder: &Holder,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Claim<Lease>, StoreError> {
        let (feed, holder, expires_at) = (feed.to_owned(), holder.0.clone(), now.plus(ttl));
        self.write(move |transaction| {
            let take = "INSERT INTO lease(name, holder, epoch, expires_at) VALUES (?1, ?2, 1, ?3)
                    ON CONFLICT(name) DO UPDATE SET holder = excluded.holder, epoch = lease.epoch + 1,
                    expires_at = excluded.expires_at WHERE lease.holder IS NULL OR lease.expires_at <= ?4
                    RETURNING epoch";
            let values = (lease_name(&feed), &holder, expires_at.millis(), now.millis());
            if let Some(epoch) = transaction.prepare(take)?.query_row(values, |row| row.get(0))? {
                return Ok(End::Commit(Claim::Taken(Lease { feed, holder, epoch, expires_at })));
            }
            // It may have been let go of just now: then it is free the next time.
            let (by, until) = held(transaction, &feed)?.unwrap_or((holder, now));
            Ok(End::RollBack(Claim::Held { by, until }))
        })
        .await
    }

    /// Lets go of a feed.
    pub async fn release_feed(&self, lease: &Lease) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.write(move |transaction| {
            let release = "UPDATE lease SET holder = NULL, expires_at = 0
                    WHERE name = ?1 AND holder = ?2 AND epoch = ?3";
            let values = (lease_name(&lease.feed), &lease.holder, lease.epoch);
            transaction.prepare(release)?.execute(values)?;
            Ok(End::Commit(()))
        })
        .await
    }

    /// Records that the publisher has nothing new (304, or the same bytes): the feed is well.
    pub async fn unchanged(
        &self,
        lease: &Lease,
        now: Timestamp,
        next_due_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.write(move |transaction| {
            if !holds(transaction, &lease)? {
                return Ok(End::RollBack(()));
            }
            let id = feed_id(transaction, &lease.feed)?;
            let update = "UPDATE feed SET last_ok_at = ?2, next_due_at = ?3, failures = 0, last_error = NULL,
                    failing_since = NULL WHERE id = ?1";
            transaction.prepare(update)?.execute((id, now.millis(), millis(next_due_at)))?;
            Ok(End::Commit(()))
        })
        .await
    }

    /// Records that a pull failed or was set aside; the earlier data stand.
    pub async fn fail(&self, lease: &Lease, pull: FailedPull) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.write(move |transaction| {
            if !holds(transaction, &lease)? {
                return Ok(End::RollBack(()));
            }
            let id = feed_id(transaction, &pull.feed)?;
            record_failure(transaction, id, lease.epoch, &pull)?;
            let update = "UPDATE feed SET failures = failures + 1, last_error = ?2, next_due_at = ?3,
                    failing_since = coalesce(failing_since, ?4) WHERE id = ?1";
            let values = (id, &pull.reason, millis(pull.next_due_at), pull.at.millis());
            transaction.prepare(update)?.execute(values)?;
            Ok(End::Commit(()))
        })
        .await
    }
}

impl Store {
    /// How many requests an account has made since a window began.
    pub async fn spent(&self, account: &str, since: Timestamp) -> Result<u32, StoreError> {
        let account = account.to_owned();
        self.call(move |connection| {
            let select = "SELECT calls FROM spent WHERE account = ?1 AND since = ?2";
            let mut select = connection.prepare(select)?;
            let calls = select.query_row((account, since.millis()), |row| row.get(0))?;
            Ok(calls.unwrap_or(0))
        })
        .await
    }

    /// Counts one request of an account within the window that began at `since`; `false`, and nothing is
    /// counted, where `calls` were made already.
    pub async fn spend(&self, account: &str, since: Timestamp, calls: u32) -> Result<bool, StoreError> {
        let account = account.to_owned();
        self.write(move |transaction| {
            // A clock that went back begins no new window.
            let spend = "INSERT INTO spent(account, since, calls) SELECT ?1, ?2, 1 WHERE ?3 > 0
                    ON CONFLICT(account) DO UPDATE SET
                        calls = CASE WHEN spent.since < ?2 THEN 1 ELSE spent.calls + 1 END,
                        since = greatest(spent.since, ?2)
                    WHERE spent.since < ?2 OR spent.calls < ?3";
            let spent = transaction.prepare(spend)?.execute((account, since.millis(), calls))?;
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
        marks: from_json("a feed's marks", &row.get::<String>(9)?)?,
        failing_since: some_time(row, 10)?,
    };
    Ok((row.get(0)?, state))
}

fn pull_record(row: &Row<'_>) -> Result<PullRecord, Fault> {
    let outcome: &str = row.get(1)?;
    let found = PullOutcome::ALL.into_iter().find(|(name, _)| *name == outcome);
    let (_, outcome) = found.ok_or_else(|| Fault::unreadable("pull's outcome", outcome))?;
    Ok(PullRecord {
        at: time(row, 0)?,
        outcome,
        url: row.get(2)?,
        http_status: row.get(3)?,
        bytes: row.get::<Option<i64>>(4)?.and_then(|bytes| u64::try_from(bytes).ok()),
        sha256: row.get(5)?,
        reason: row.get(6)?,
        appended: Appended {
            pull: (outcome == PullOutcome::Changed).then_some(PullId(row.get(7)?)),
            new: counted(row, 8)?,
            revised: counted(row, 9)?,
            unchanged: counted(row, 10)?,
            items: 0,
        },
        refused: from_json("refused rows", &row.get::<String>(11)?)?,
        refused_count: counted(row, 12)?,
    })
}

fn holding(row: &Row<'_>) -> Result<Holding, Fault> {
    let frequency = frequency(row.get(0)?)?;
    let latest = row.get::<Option<i32>>(2)?.map(|last| span(frequency, last, 1)).transpose()?;
    Ok(Holding { series: counted(row, 1)?, latest: latest.map(Span::last) })
}

fn lease_name(feed: &str) -> String {
    format!("feed/{feed}")
}

/// Who holds a feed, and until when.
fn held(connection: &Connection<'_>, feed: &str) -> Result<Option<(String, Timestamp)>, Fault> {
    let select = "SELECT holder, expires_at FROM lease WHERE name = ?1 AND holder IS NOT NULL";
    let mut select = connection.prepare(select)?;
    let mut found = select.query_and_then([lease_name(feed)], |row| Ok((row.get(0)?, time(row, 1)?)))?;
    found.next().transpose()
}

/// Whether a lease is still the newest of its feed, and it stays so until the transaction ends. One that ran out stands
/// until someone else takes it.
pub fn holds(connection: &Connection<'_>, lease: &Lease) -> Result<bool, Fault> {
    let select = "SELECT 1 FROM lease WHERE name = ?1 AND holder = ?2 AND epoch = ?3";
    let select = format!("{select} {}", connection.for_update());
    Ok(!FENCED || connection.prepare(&select)?.exists((lease_name(&lease.feed), &lease.holder, lease.epoch))?)
}

/// The answer to a writer whose lease is gone.
pub fn lost<T>(connection: &Connection<'_>, lease: &Lease) -> Result<Claim<T>, Fault> {
    Ok(match held(connection, &lease.feed)? {
        Some((by, until)) => Claim::Held { by, until },
        None => Claim::Finished,
    })
}

/// The number of a feed, which is made known if it is not.
pub fn feed_id(transaction: &Connection<'_>, feed: &str) -> Result<i64, Fault> {
    let select = "SELECT id FROM feed WHERE name = ?1";
    if let Some(id) = transaction.prepare(select)?.query_row([feed], |row| row.get(0))? {
        return Ok(id);
    }
    transaction.prepare("INSERT INTO feed(name) VALUES (?1) RETURNING id")?.query_one([feed], |row| row.get(0))
}

fn record_failure(transaction: &Connection<'_>, feed: i64, epoch: i64, pull: &FailedPull) -> Result<(), Fault> {
    let insert =
        "INSERT INTO pull(feed, scheduled_for, epoch, at, outcome, http_status, reason, bytes, n_refused, refused)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) RETURNING id";
    let values = (
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
    );
    let id = transaction.prepare(insert)?.query_one(values, |row| row.get(0))?;
    let Some(raw) = &pull.raw else { return Ok(()) };
    keep_raw(transaction, feed, id, raw)?;
    let forget = "DELETE FROM pull_raw WHERE feed = ?1 AND pull IN
        (SELECT pull.id FROM pull_raw JOIN pull ON pull.id = pull_raw.pull
         WHERE pull_raw.feed = ?1 AND pull.outcome = 'set_aside' ORDER BY pull.id DESC LIMIT 1000000 OFFSET ?2)";
    transaction.prepare(forget)?.execute((feed, RAWS_KEPT))?;
    Ok(())
}

/// Keeps what arrived with a pull.
pub fn keep_raw(transaction: &Connection<'_>, feed: i64, pull: i64, raw: &[u8]) -> Result<(), Fault> {
    let insert = "INSERT INTO pull_raw(pull, feed, body) VALUES (?1, ?2, ?3)";
    transaction.prepare(insert)?.execute((pull, feed, deflated(raw)))?;
    Ok(())
}

/// Forgets what arrived before an instant.
pub fn forget_raw(transaction: &Connection<'_>, feed: i64, since: Timestamp) -> Result<(), Fault> {
    let forget = "DELETE FROM pull_raw WHERE feed = ?1 AND pull IN
        (SELECT pull.id FROM pull_raw JOIN pull ON pull.id = pull_raw.pull
         WHERE pull_raw.feed = ?1 AND pull.at < ?2)";
    transaction.prepare(forget)?.execute((feed, since.millis()))?;
    Ok(())
}

/// A body, up to the limit, small.
fn deflated(raw: &[u8]) -> Vec<u8> {
    let kept = &raw[..raw.len().min(RAW_BYTES_KEPT)];
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    // A Vec takes whatever is written to it.
    encoder.write_all(kept).and_then(|()| encoder.finish()).unwrap_or_default()
}
