//! Storing a pull: its figures beside what is known, and what is new or revised as vintages.
//!
//! Rows are brought into the order of the tables first, so that one walk over a series' known figures meets
//! every row; a million rows are a second's work. What a vintage is, `store::delta` says.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use rusqlite::config::DbConfig;
use rusqlite::{CachedStatement, Connection};
use tokio::sync::mpsc::Receiver;

use super::Sqlite;
use super::columns::{count, json, millis, status, status_code, unit_text};
use super::fault::Fault;
use super::feeds::{feed_id, forget_raw, holds, keep_raw, lost};
use super::items::keep;
use super::thread::{End, transact};
use crate::base::clock::Timestamp;
use crate::series::{Figures, Finite, PullId, Row, by_series};
use crate::store::delta::{Known, Told, grain};
use crate::store::{Appended, Claim, Lease, NewPull, Piece, StoreError};

impl Sqlite {
    /// See [`crate::store::Store::append`].
    pub async fn append(&self, lease: &Lease, pull: NewPull, rows: Vec<Row>) -> Result<Claim<Appended>, StoreError> {
        let lease = lease.clone();
        self.thread
            .write(move |transaction| {
                if !holds(transaction, &lease)? {
                    return Ok(End::RollBack(lost(transaction, &lease)?));
                }
                append(transaction, lease.epoch, &pull, rows)
            })
            .await
    }

    /// See [`crate::store::Store::import`].
    pub async fn import(
        &self,
        lease: &Lease,
        pull: NewPull,
        pieces: Receiver<Piece>,
    ) -> Result<Claim<Appended>, StoreError> {
        let lease = lease.clone();
        let work = move |transaction: &Connection| {
            if !holds(transaction, &lease)? {
                return Ok(End::RollBack(lost(transaction, &lease)?));
            }
            import(transaction, lease.epoch, &pull, pieces)
        };
        self.thread.call(move |connection| unchecked(connection, |connection| transact(connection, work))).await
    }
}

/// Does some work without asking of each row whether what it refers to exists: a fourth of an import's time in this
/// thread, for rows whose series and pull were read or written just before.
pub fn unchecked<T>(
    connection: &mut Connection,
    work: impl FnOnce(&mut Connection) -> Result<T, Fault>,
) -> Result<T, Fault> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false)?;
    let done = catch_unwind(AssertUnwindSafe(|| work(connection)));
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
    done.unwrap_or_else(|panic| resume_unwind(panic))
}

fn append(transaction: &Connection, epoch: i64, pull: &NewPull, rows: Vec<Row>) -> Result<End<Claim<Appended>>, Fault> {
    let Some(mut growth) = Growth::begin(transaction, epoch, pull)? else { return Ok(End::RollBack(Claim::Finished)) };
    let (items, of_items) = keep(transaction, growth.feed, growth.id, pull)?;
    growth.add(by_series(rows.into_iter().chain(of_items)))?;
    let (feed, appended) = (growth.feed, Appended { items, ..growth.end()? });
    if let (Some(pull), Some(raw)) = (appended.pull, &pull.raw) {
        keep_raw(transaction, feed, pull.0, raw)?;
    }
    forget_raw(transaction, feed, pull.raw_since)?;
    remember(transaction, feed, pull)?;
    Ok(End::Commit(Claim::Taken(appended)))
}

/// Stores pieces as they come; nothing of them stands before the last one has come.
fn import(
    transaction: &Connection,
    epoch: i64,
    pull: &NewPull,
    mut pieces: Receiver<Piece>,
) -> Result<End<Claim<Appended>>, Fault> {
    let Some(mut growth) = Growth::begin(transaction, epoch, pull)? else { return Ok(End::RollBack(Claim::Finished)) };
    while let Some(piece) = pieces.blocking_recv() {
        let summary = match piece {
            Piece::Series(series) => {
                growth.add(series)?;
                continue;
            }
            Piece::End(summary) => summary,
        };
        let update = "UPDATE pull SET sha256 = ?2, bytes = ?3, n_refused = ?4, refused = ?5 WHERE id = ?1";
        transaction.prepare_cached(update)?.execute((
            growth.id,
            &summary.sha256,
            i64::try_from(summary.bytes).unwrap_or(i64::MAX),
            count(summary.refused_count),
            json(&summary.refused)?,
        ))?;
        return Ok(End::Commit(Claim::Taken(growth.end()?)));
    }
    // Whoever read them broke off.
    Ok(End::RollBack(Claim::Finished))
}

/// A pull that is being stored.
struct Growth<'c> {
    transaction: &'c Connection,
    pull: &'c NewPull,
    feed: i64,
    id: i64,
    delta: Delta<'c>,
}

impl<'c> Growth<'c> {
    /// Begins a pull; `None` where its tick is answered.
    fn begin(transaction: &'c Connection, epoch: i64, pull: &'c NewPull) -> Result<Option<Self>, Fault> {
        let feed = feed_id(transaction, &pull.feed)?;
        let answered = "SELECT 1 FROM pull WHERE feed = ?1 AND scheduled_for = ?2 AND outcome IN ('changed', 'same')";
        if transaction.prepare_cached(answered)?.exists((feed, pull.scheduled_for.millis()))? {
            return Ok(None);
        }
        let id = insert_pull(transaction, feed, epoch, pull)?;
        let delta = Delta::new(transaction, id, pull)?;
        Ok(Some(Self { transaction, pull, feed, id, delta }))
    }

    /// Adds figures.
    fn add(&mut self, series: Vec<Figures>) -> Result<(), Fault> {
        let newest = "SELECT coalesce(max(id), 0) FROM series";
        self.delta.newest_series = self.transaction.prepare_cached(newest)?.query_row([], |row| row.get(0))?;
        let staged = stage(self.transaction, self.feed, self.pull, &series)?;
        staged.chunk_by(|a, b| a.series == b.series).try_for_each(|series| self.delta.series(series))?;
        self.delta.flush()
    }

    /// Ends it, with a task where anything is new.
    fn end(self) -> Result<Appended, Fault> {
        let Self { transaction, feed, id, delta, .. } = self;
        let Appended { new, revised, unchanged, .. } = delta.total;
        let changed = new + revised > 0;
        let update = "UPDATE pull SET outcome = ?2, n_new = ?3, n_revised = ?4, n_unchanged = ?5 WHERE id = ?1";
        let outcome = if changed { "changed" } else { "same" };
        transaction.prepare_cached(update)?.execute((id, outcome, count(new), count(revised), count(unchanged)))?;
        if changed {
            let insert = "INSERT INTO eval_task(pull, shard, feed) VALUES (?1, 0, ?2)";
            transaction.prepare_cached(insert)?.execute((id, feed))?;
        }
        Ok(Appended { pull: changed.then_some(PullId(id)), new, revised, unchanged, items: 0 })
    }
}

fn insert_pull(transaction: &Connection, feed: i64, epoch: i64, pull: &NewPull) -> Result<i64, Fault> {
    let insert =
        "INSERT INTO pull(feed, scheduled_for, epoch, at, outcome, url, sha256, bytes, http_status, n_refused, refused)
        VALUES (?1, ?2, ?3, ?4, 'same', ?5, ?6, ?7, ?8, ?9, ?10)";
    transaction.prepare_cached(insert)?.execute((
        feed,
        pull.scheduled_for.millis(),
        epoch,
        pull.retrieved_at.millis(),
        &pull.url,
        &pull.sha256,
        i64::try_from(pull.bytes).unwrap_or(i64::MAX),
        pull.http_status,
        count(pull.refused_count),
        json(&pull.refused)?,
    ))?;
    Ok(transaction.last_insert_rowid())
}

/// What the feed's next pull is to know; it is only kept with the data that it speaks of.
fn remember(transaction: &Connection, feed: i64, pull: &NewPull) -> Result<(), Fault> {
    let update = "UPDATE feed SET spec_hash = ?2, next_due_at = ?3, etag = ?4, last_modified = ?5, content_sha256 = ?6,
        last_ok_at = ?7, marks = ?8, failures = 0, last_error = NULL, failing_since = NULL WHERE id = ?1";
    transaction.prepare_cached(update)?.execute((
        feed,
        &pull.spec_hash,
        millis(pull.next_due_at),
        &pull.etag,
        &pull.last_modified,
        &pull.sha256,
        pull.retrieved_at.millis(),
        json(&pull.marks)?,
    ))?;
    Ok(())
}

/// A row whose series is known by its number.
struct Staged {
    series: i64,
    last: i32,
    length: u16,
    told: Told,
}

/// The figures in the order of the tables; within a span, in the order in which they follow each other.
fn stage(transaction: &Connection, feed: i64, pull: &NewPull, all: &[Figures]) -> Result<Vec<Staged>, Fault> {
    let mut staged = Vec::with_capacity(all.iter().map(|series| series.figures.len()).sum());
    for of_series in all {
        let series = series_id(transaction, feed, pull, of_series)?;
        for figure in &of_series.figures {
            let span = figure.span;
            if span.last().frequency() != pull.frequency {
                return Err(Fault::BrokeOff(format!("{span} is not by {}", pull.frequency)));
            }
            let told = Told::new(figure.value.map(Finite::get), figure.status, figure.published);
            staged.push(Staged { series, last: span.last().ordinal(), length: span.length(), told });
        }
    }
    let order = |row: &Staged| (row.series, row.last, row.length, row.told.order(pull.retrieved_at));
    if !staged.is_sorted_by_key(order) {
        staged.sort_by_key(order);
    }
    Ok(staged)
}

/// The number of a series, which is made known if it is not. Of the series with the same labels it is
/// the one that counts: a feed whose frequency or unit changed begins new ones.
fn series_id(transaction: &Connection, feed: i64, pull: &NewPull, series: &Figures) -> Result<i64, Fault> {
    let (labels, frequency, unit) = (series.labels.key(), pull.frequency.name(), unit_text(series.unit.as_ref()));
    let select = "SELECT id, frequency, unit, current FROM series WHERE feed = ?1 AND labels = ?2";
    let mut select = transaction.prepare_cached(select)?;
    let mut found = select.query((feed, &labels))?;
    let (mut same, mut others_count) = (None, false);
    while let Some(row) = found.next()? {
        let is_same = row.get_ref(1)?.as_str() == Ok(frequency) && row.get_ref(2)?.as_str() == Ok(&unit);
        if is_same {
            same = Some(row.get(0)?);
        } else {
            others_count |= row.get::<_, bool>(3)?;
        }
    }
    let id = match same {
        Some(id) => id,
        None => {
            let insert = "INSERT INTO series(feed, labels, frequency, unit) VALUES (?1, ?2, ?3, ?4)";
            transaction.prepare_cached(insert)?.execute((feed, &labels, frequency, &unit))?;
            transaction.last_insert_rowid()
        }
    };
    if others_count {
        let choose = "UPDATE series SET current = (id = ?3) WHERE feed = ?1 AND labels = ?2";
        transaction.prepare_cached(choose)?.execute((feed, &labels, id))?;
    }
    Ok(id)
}

/// The newest vintage of a span as its row has it.
#[derive(Clone, Copy)]
struct Kept {
    last: i32,
    length: u16,
    known: Known,
    pull: i64,
    seq: i64,
}

/// So many vintages are inserted by one statement: an import takes a seventh less time than with one for each.
const TOGETHER: usize = 32;

/// Inserts so many vintages that have the last four values in common.
fn insertion(rows: usize) -> String {
    let row = |row: usize| format!("(?{}, ?{}, ?1, ?{}, ?{}, ?2, ?3, ?4)", row + 5, row + 6, row + 7, row + 8);
    let values = (0..rows).map(|index| row(4 * index)).collect::<Vec<_>>().join(", ");
    // A conflict would be a fault of ours: nothing is kept to undo a part of the rows alone.
    format!(
        "INSERT OR ROLLBACK INTO observation(series, last, length, value, status, recorded_at, pull, seq) VALUES {values}"
    )
}

/// A vintage of a span of which nothing was known, on its way into the table.
#[derive(Clone, Copy)]
struct Fresh {
    series: i64,
    last: i32,
    value: Option<f64>,
    status: u8,
    common: Common,
}

/// What most vintages of a pull have in common.
#[derive(Clone, Copy, PartialEq)]
struct Common {
    length: u16,
    recorded_at: i64,
    seq: i64,
}

/// What one pull adds, series by series.
struct Delta<'c> {
    pull: i64,
    retrieved_at: Timestamp,
    rounds: bool,
    /// See [`grain`].
    grain: Option<usize>,
    /// Of a series with a greater number nothing is known yet.
    newest_series: i64,
    total: Appended,
    known: Vec<Kept>,
    select: CachedStatement<'c>,
    /// They wait for others that have as much in common.
    fresh: Vec<Fresh>,
    supersede: CachedStatement<'c>,
    insert: CachedStatement<'c>,
    insert_many: CachedStatement<'c>,
    replace: CachedStatement<'c>,
    touch: CachedStatement<'c>,
}

impl<'c> Delta<'c> {
    fn new(transaction: &'c Connection, id: i64, pull: &NewPull) -> Result<Self, Fault> {
        Ok(Self {
            pull: id,
            retrieved_at: pull.retrieved_at,
            rounds: pull.rounds,
            grain: None,
            newest_series: 0,
            total: Appended::default(),
            known: Vec::new(),
            select: transaction.prepare_cached(
                "SELECT last, length, value, status, recorded_at, pull, seq FROM observation
                 WHERE series = ?1 AND last BETWEEN ?2 AND ?3 ORDER BY last, length",
            )?,
            supersede: transaction.prepare_cached(
                "INSERT INTO observation_rev(series, last, length, value, status, recorded_at, pull, seq, superseded_by)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?,
            fresh: Vec::with_capacity(TOGETHER),
            insert: transaction.prepare_cached(&insertion(1))?,
            insert_many: transaction.prepare_cached(&insertion(TOGETHER))?,
            replace: transaction.prepare_cached(
                "UPDATE observation SET value = ?4, status = ?5, recorded_at = ?6, pull = ?7, seq = ?8
                 WHERE series = ?1 AND last = ?2 AND length = ?3",
            )?,
            touch: transaction.prepare_cached(
                "INSERT INTO pull_series(pull, series, n_new, n_revised, min_last) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT(pull, series) DO UPDATE SET n_new = n_new + excluded.n_new,
                 n_revised = n_revised + excluded.n_revised, min_last = min(min_last, excluded.min_last)",
            )?,
        })
    }

    /// Adds the rows of one series.
    fn series(&mut self, rows: &[Staged]) -> Result<(), Fault> {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(()) };
        self.load(first.series, first.last, last.last)?;
        if self.rounds {
            let known = self.known.iter().filter_map(|kept| kept.known.value);
            self.grain = grain(known, rows.iter().filter_map(|row| row.told.value));
        }
        let (before, mut at, mut min_last) = (self.total.clone(), 0, None);
        for span in rows.chunk_by(|a, b| (a.last, a.length) == (b.last, b.length)) {
            let place = (span[0].last, span[0].length);
            while self.known.get(at).is_some_and(|kept| (kept.last, kept.length) < place) {
                at += 1;
            }
            let known = self.known.get(at).copied().filter(|kept| (kept.last, kept.length) == place);
            if self.span(known, span)? {
                min_last = min_last.or(Some(place.0));
            }
        }
        if let Some(min_last) = min_last {
            let (new, revised) = (self.total.new - before.new, self.total.revised - before.revised);
            self.touch.execute((self.pull, first.series, count(new), count(revised), min_last))?;
        }
        Ok(())
    }

    /// Reads what is known of a stretch of a series.
    fn load(&mut self, series: i64, first: i32, last: i32) -> Result<(), Fault> {
        self.known.clear();
        if series > self.newest_series {
            return Ok(());
        }
        let mut rows = self.select.query((series, first, last))?;
        while let Some(row) = rows.next()? {
            let recorded_at = Timestamp::from_millis(row.get(4)?);
            let known = Known { value: row.get(2)?, status: status(row.get(3)?)?, recorded_at };
            self.known.push(Kept {
                last: row.get(0)?,
                length: row.get(1)?,
                known,
                pull: row.get(5)?,
                seq: row.get(6)?,
            });
        }
        Ok(())
    }

    /// Adds the rows of one span; whether anything is new.
    fn span(&mut self, known: Option<Kept>, rows: &[Staged]) -> Result<bool, Fault> {
        let known_before = known.is_some();
        let mut newest = known;
        let mut added = false;
        for (index, row) in rows.iter().enumerate() {
            let before = newest.as_ref().map(|kept| &kept.known);
            let rounding = self.rounds && before.is_some_and(|known| row.told.is_rounding_of(known, self.grain));
            let vintage = row.told.after(before, index + 1 == rows.len(), self.retrieved_at);
            let Some(vintage) = vintage.filter(|_| !rounding) else {
                self.total.unchanged += 1;
                continue;
            };
            let seq = match newest {
                None => {
                    self.total.new += 1;
                    0
                }
                Some(kept) => {
                    self.total.revised += 1;
                    self.supersede(row.series, &kept)?;
                    if kept.pull == self.pull { kept.seq + 1 } else { 0 }
                }
            };
            newest = Some(Kept { last: row.last, length: row.length, known: vintage, pull: self.pull, seq });
            added = true;
        }
        if let (Some(kept), true) = (newest, added) {
            let Kept { last, length, known, pull, seq } = kept;
            let (value, status, recorded_at) = (known.value, status_code(known.status), known.recorded_at.millis());
            let series = rows[0].series;
            if known_before {
                self.replace.execute((series, last, length, value, status, recorded_at, pull, seq))?;
            } else {
                self.insert(Fresh { series, last, value, status, common: Common { length, recorded_at, seq } })?;
            }
        }
        Ok(added)
    }

    /// Inserts a vintage, together with others as soon as there are enough of them.
    fn insert(&mut self, vintage: Fresh) -> Result<(), Fault> {
        if self.fresh.first().is_some_and(|first| first.common != vintage.common) {
            self.flush()?;
        }
        self.fresh.push(vintage);
        if self.fresh.len() < TOGETHER {
            return Ok(());
        }
        let all = std::mem::take(&mut self.fresh);
        insert(&mut self.insert_many, self.pull, &all)?;
        self.fresh = all;
        self.fresh.clear();
        Ok(())
    }

    /// Inserts what has waited for others.
    fn flush(&mut self) -> Result<(), Fault> {
        self.fresh.iter().try_for_each(|vintage| insert(&mut self.insert, self.pull, std::slice::from_ref(vintage)))?;
        self.fresh.clear();
        Ok(())
    }

    fn supersede(&mut self, series: i64, kept: &Kept) -> Result<(), Fault> {
        let Kept { last, length, known, pull, seq } = *kept;
        let (value, code, at) = (known.value, status_code(known.status), known.recorded_at.millis());
        self.supersede.execute((series, last, length, value, code, at, pull, seq, self.pull))?;
        Ok(())
    }
}

/// Inserts vintages that have as much in common, by a statement for as many.
fn insert(statement: &mut CachedStatement<'_>, pull: i64, vintages: &[Fresh]) -> Result<(), Fault> {
    let Some(Fresh { common, .. }) = vintages.first() else { return Ok(()) };
    statement.raw_bind_parameter(1, common.length)?;
    statement.raw_bind_parameter(2, common.recorded_at)?;
    statement.raw_bind_parameter(3, pull)?;
    statement.raw_bind_parameter(4, common.seq)?;
    for (index, vintage) in vintages.iter().enumerate() {
        let place = 4 * index + 5;
        statement.raw_bind_parameter(place, vintage.series)?;
        statement.raw_bind_parameter(place + 1, vintage.last)?;
        statement.raw_bind_parameter(place + 2, vintage.value)?;
        statement.raw_bind_parameter(place + 3, vintage.status)?;
    }
    statement.raw_execute()?;
    Ok(())
}
