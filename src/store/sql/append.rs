//! Storing a pull: its figures beside what is known, and what is new or revised as vintages.
//!
//! Rows are brought into the order of the tables first, so that one walk over a series' known figures meets
//! every row; a million rows are a second's work. What a vintage is, `store::delta` says.

use tokio::sync::mpsc::Receiver;

use super::End;
use super::columns::{count, json, millis};
use super::connection::{Connection, Latch};
use super::fault::Fault;
use super::feeds::{feed_id, forget_raw, holds, keep_raw, lost};
use super::items::keep;
use super::ledger::{Kept, Ledger, Staged, Touch};
use crate::base::clock::Timestamp;
use crate::series::{Figures, Finite, PullId, Row, by_series};
use crate::store::delta::{Told, grain};
use crate::store::{Appended, Claim, Hint, Lease, NewPull, Piece, Store, StoreError};

impl Store {
    /// Stores a pull whole, with its evaluation task, or not at all.
    ///
    /// A row that says what is known adds nothing. A row for a known period with another value or
    /// status adds a vintage. A vintage's time is the row's publication where it has one that is not
    /// in the future and is later than the vintage that it replaces, else `retrieved_at`. Rows of one
    /// pull for one span with different publications are successive vintages.
    pub async fn append(&self, lease: &Lease, pull: NewPull, rows: Vec<Row>) -> Result<Claim<Appended>, StoreError> {
        let lease = lease.clone();
        self.write(move |transaction| {
            if !holds(transaction, &lease)? {
                return Ok(End::RollBack(lost(transaction, &lease)?));
            }
            append(transaction, lease.epoch, &pull, rows)
        })
        .await
    }

    /// Stores a pull that comes in pieces, like [`Store::append`]: whole, once [`Piece::End`] has come, or not
    /// at all where the sender goes away before (`Claim::Finished`). It is history brought by hand: what is
    /// remembered of the feed for its next pull stays as it is, and `sha256`, `bytes` and the refusals are those
    /// of the summary. Among rows of one span without a publication the last one counts.
    pub async fn import(
        &self,
        lease: &Lease,
        pull: NewPull,
        pieces: Receiver<Piece>,
    ) -> Result<Claim<Appended>, StoreError> {
        let lease = lease.clone();
        let work = move |transaction: &Connection<'_>| {
            if !holds(transaction, &lease)? {
                return Ok(End::RollBack(lost(transaction, &lease)?));
            }
            import(transaction, lease.epoch, &pull, pieces)
        };
        self.write_unchecked(work).await
    }
}

fn append(
    transaction: &Connection<'_>,
    epoch: i64,
    pull: &NewPull,
    rows: Vec<Row>,
) -> Result<End<Claim<Appended>>, Fault> {
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
    transaction: &Connection<'_>,
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
        transaction.prepare(update)?.execute((
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
    transaction: &'c Connection<'c>,
    pull: &'c NewPull,
    feed: i64,
    id: i64,
    delta: Delta<'c>,
}

impl<'c> Growth<'c> {
    /// Begins a pull; `None` where its tick is answered.
    fn begin(transaction: &'c Connection<'c>, epoch: i64, pull: &'c NewPull) -> Result<Option<Self>, Fault> {
        transaction.one_at_a_time(Latch::Pulls)?;
        let feed = feed_id(transaction, &pull.feed)?;
        let answered = "SELECT 1 FROM pull WHERE feed = ?1 AND scheduled_for = ?2 AND outcome IN ('changed', 'same')";
        if transaction.prepare(answered)?.exists((feed, pull.scheduled_for.millis()))? {
            return Ok(None);
        }
        let id = insert_pull(transaction, feed, epoch, pull)?;
        let delta = Delta::new(transaction, id, pull)?;
        Ok(Some(Self { transaction, pull, feed, id, delta }))
    }

    /// Adds figures.
    fn add(&mut self, series: Vec<Figures>) -> Result<(), Fault> {
        let ids = self.delta.ledger.series(self.feed, self.pull.frequency, &series)?;
        let staged = stage(self.pull, &series, &ids)?;
        let mut rest = staged.as_slice();
        while !rest.is_empty() {
            let (some, others) = rest.split_at(self.delta.ledger.load(rest)?);
            some.chunk_by(|a, b| a.series == b.series).try_for_each(|series| self.delta.series(series))?;
            rest = others;
        }
        self.delta.ledger.flush()
    }

    /// Ends it, with a task where anything is new.
    fn end(self) -> Result<Appended, Fault> {
        let Self { transaction, feed, id, delta, .. } = self;
        let Appended { new, revised, unchanged, .. } = delta.total;
        let changed = new + revised > 0;
        let update = "UPDATE pull SET outcome = ?2, n_new = ?3, n_revised = ?4, n_unchanged = ?5 WHERE id = ?1";
        let outcome = if changed { "changed" } else { "same" };
        transaction.prepare(update)?.execute((id, outcome, count(new), count(revised), count(unchanged)))?;
        if changed {
            let insert = "INSERT INTO eval_task(pull, shard, feed) VALUES (?1, 0, ?2)";
            transaction.prepare(insert)?.execute((id, feed))?;
            transaction.hint(Hint::Evaluate);
        }
        Ok(Appended { pull: changed.then_some(PullId(id)), new, revised, unchanged, items: 0 })
    }
}

fn insert_pull(transaction: &Connection<'_>, feed: i64, epoch: i64, pull: &NewPull) -> Result<i64, Fault> {
    let insert =
        "INSERT INTO pull(feed, scheduled_for, epoch, at, outcome, url, sha256, bytes, http_status, n_refused, refused)
        VALUES (?1, ?2, ?3, ?4, 'same', ?5, ?6, ?7, ?8, ?9, ?10) RETURNING id";
    let values = (
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
    );
    transaction.prepare(insert)?.query_one(values, |row| row.get(0))
}

/// What the feed's next pull is to know; it is only kept with the data that it speaks of.
fn remember(transaction: &Connection<'_>, feed: i64, pull: &NewPull) -> Result<(), Fault> {
    let update = "UPDATE feed SET spec_hash = ?2, next_due_at = ?3, etag = ?4, last_modified = ?5, content_sha256 = ?6,
        last_ok_at = ?7, marks = ?8, failures = 0, last_error = NULL, failing_since = NULL WHERE id = ?1";
    transaction.prepare(update)?.execute((
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

/// The figures in the order of the tables; within a span, in the order in which they follow each other. `ids` are the
/// numbers of the series.
fn stage(pull: &NewPull, all: &[Figures], ids: &[i64]) -> Result<Vec<Staged>, Fault> {
    let mut staged = Vec::with_capacity(all.iter().map(|series| series.figures.len()).sum());
    for (of_series, series) in all.iter().zip(ids) {
        for figure in &of_series.figures {
            let span = figure.span;
            if span.last().frequency() != pull.frequency {
                return Err(Fault::BrokeOff(format!("{span} is not by {}", pull.frequency)));
            }
            let told = Told::new(figure.value.map(Finite::get), figure.status, figure.published);
            staged.push(Staged { series: *series, last: span.last().ordinal(), length: span.length(), told });
        }
    }
    let order = |row: &Staged| (row.series, row.last, row.length, row.told.order(pull.retrieved_at));
    if !staged.is_sorted_by_key(order) {
        staged.sort_by_key(order);
    }
    Ok(staged)
}

/// What one pull adds, series by series.
struct Delta<'c> {
    pull: i64,
    retrieved_at: Timestamp,
    rounds: bool,
    /// See [`grain`].
    grain: Option<usize>,
    total: Appended,
    ledger: Ledger<'c>,
}

impl<'c> Delta<'c> {
    fn new(transaction: &'c Connection<'c>, id: i64, pull: &NewPull) -> Result<Self, Fault> {
        Ok(Self {
            pull: id,
            retrieved_at: pull.retrieved_at,
            rounds: pull.rounds,
            grain: None,
            total: Appended::default(),
            ledger: Ledger::new(transaction, id)?,
        })
    }

    /// Adds the rows of one series.
    fn series(&mut self, rows: &[Staged]) -> Result<(), Fault> {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(()) };
        let all_known = self.ledger.known(first.series, first.last, last.last)?;
        if self.rounds {
            let known = all_known.iter().filter_map(|kept| kept.known.value);
            self.grain = grain(known, rows.iter().filter_map(|row| row.told.value));
        }
        let (before, mut at, mut min_last) = (self.total.clone(), 0, None);
        for span in rows.chunk_by(|a, b| (a.last, a.length) == (b.last, b.length)) {
            let place = (span[0].last, span[0].length);
            while all_known.get(at).is_some_and(|kept| (kept.last, kept.length) < place) {
                at += 1;
            }
            let known = all_known.get(at).copied().filter(|kept| (kept.last, kept.length) == place);
            if self.span(known, span)? {
                min_last = min_last.or(Some(place.0));
            }
        }
        self.ledger.done_with(all_known);
        if let Some(min_last) = min_last {
            let (new, revised) = (self.total.new - before.new, self.total.revised - before.revised);
            self.ledger.touch(Touch { series: first.series, new: count(new), revised: count(revised), min_last })?;
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
                    self.ledger.supersede(&kept)?;
                    if kept.pull == self.pull { kept.seq + 1 } else { 0 }
                }
            };
            let Staged { series, last, length, .. } = *row;
            newest = Some(Kept { series, last, length, known: vintage, pull: self.pull, seq });
            added = true;
        }
        if let (Some(kept), true) = (newest, added) {
            if known_before { self.ledger.replace(&kept)? } else { self.ledger.insert(&kept)? }
        }
        Ok(added)
    }
}
