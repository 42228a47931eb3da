//! What a pull finds and leaves in a file.

use rusqlite::{CachedStatement, Connection};

use super::{Kept, Touch};
use crate::base::clock::Timestamp;
use crate::period::Frequency;
use crate::series::Figures;
use crate::store::delta::Known;
use crate::store::sql::columns::{status, status_code, unit_text};
use crate::store::sql::fault::Fault;

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

/// See [`Ledger`](super::Ledger).
pub struct File<'c> {
    connection: &'c Connection,
    pull: i64,
    /// Of a series with a greater number nothing is known yet.
    newest_series: i64,
    /// Room for what is known.
    pub room: Vec<Kept>,
    /// They wait for others that have as much in common.
    fresh: Vec<Fresh>,
    select: CachedStatement<'c>,
    supersede: CachedStatement<'c>,
    insert: CachedStatement<'c>,
    insert_many: CachedStatement<'c>,
    replace: CachedStatement<'c>,
    touch: CachedStatement<'c>,
}

impl<'c> File<'c> {
    /// For a pull of that number.
    pub fn new(connection: &'c Connection, pull: i64) -> Result<Self, Fault> {
        Ok(Self {
            connection,
            pull,
            newest_series: 0,
            room: Vec::new(),
            fresh: Vec::with_capacity(TOGETHER),
            select: connection.prepare_cached(
                "SELECT last, length, value, status, recorded_at, pull, seq FROM observation
                 WHERE series = ?1 AND last BETWEEN ?2 AND ?3 ORDER BY last, length",
            )?,
            supersede: connection.prepare_cached(
                "INSERT INTO observation_rev(series, last, length, value, status, recorded_at, pull, seq, superseded_by)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?,
            insert: connection.prepare_cached(&insertion(1))?,
            insert_many: connection.prepare_cached(&insertion(TOGETHER))?,
            replace: connection.prepare_cached(
                "UPDATE observation SET value = ?4, status = ?5, recorded_at = ?6, pull = ?7, seq = ?8
                 WHERE series = ?1 AND last = ?2 AND length = ?3",
            )?,
            touch: connection.prepare_cached(
                "INSERT INTO pull_series(pull, series, n_new, n_revised, min_last) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT(pull, series) DO UPDATE SET n_new = n_new + excluded.n_new,
                 n_revised = n_revised + excluded.n_revised, min_last = min(min_last, excluded.min_last)",
            )?,
        })
    }

    /// See [`Ledger::series`](super::Ledger::series).
    pub fn series(&mut self, feed: i64, frequency: Frequency, all: &[Figures]) -> Result<Vec<i64>, Fault> {
        let newest = "SELECT coalesce(max(id), 0) FROM series";
        self.newest_series = self.connection.prepare_cached(newest)?.query_row([], |row| row.get(0))?;
        all.iter().map(|series| self.series_id(feed, frequency, series)).collect()
    }

    fn series_id(&self, feed: i64, frequency: Frequency, series: &Figures) -> Result<i64, Fault> {
        let (labels, frequency, unit) = (series.labels.key(), frequency.name(), unit_text(series.unit.as_ref()));
        let select = "SELECT id, frequency, unit, current FROM series WHERE feed = ?1 AND labels = ?2";
        let mut select = self.connection.prepare_cached(select)?;
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
                self.connection.prepare_cached(insert)?.execute((feed, &labels, frequency, &unit))?;
                self.connection.last_insert_rowid()
            }
        };
        if others_count {
            let choose = "UPDATE series SET current = (id = ?3) WHERE feed = ?1 AND labels = ?2";
            self.connection.prepare_cached(choose)?.execute((feed, &labels, id))?;
        }
        Ok(id)
    }

    /// See [`Ledger::known`](super::Ledger::known).
    pub fn known(&mut self, series: i64, first: i32, last: i32) -> Result<Vec<Kept>, Fault> {
        let mut all = std::mem::take(&mut self.room);
        all.clear();
        if series > self.newest_series {
            return Ok(all);
        }
        let mut rows = self.select.query((series, first, last))?;
        while let Some(row) = rows.next()? {
            let recorded_at = Timestamp::from_millis(row.get(4)?);
            let known = Known { value: row.get(2)?, status: status(row.get(3)?)?, recorded_at };
            let (last, length, pull, seq) = (row.get(0)?, row.get(1)?, row.get(5)?, row.get(6)?);
            all.push(Kept { series, last, length, known, pull, seq });
        }
        Ok(all)
    }

    /// See [`Ledger::insert`](super::Ledger::insert): together with others as soon as there are enough of them.
    pub fn insert(&mut self, kept: &Kept) -> Result<(), Fault> {
        let Kept { series, last, length, known, seq, .. } = *kept;
        let common = Common { length, recorded_at: known.recorded_at.millis(), seq };
        if self.fresh.first().is_some_and(|first| first.common != common) {
            self.flush()?;
        }
        self.fresh.push(Fresh { series, last, value: known.value, status: status_code(known.status), common });
        if self.fresh.len() < TOGETHER {
            return Ok(());
        }
        let all = std::mem::take(&mut self.fresh);
        insert(&mut self.insert_many, self.pull, &all)?;
        self.fresh = all;
        self.fresh.clear();
        Ok(())
    }

    /// See [`Ledger::flush`](super::Ledger::flush).
    pub fn flush(&mut self) -> Result<(), Fault> {
        self.fresh.iter().try_for_each(|vintage| insert(&mut self.insert, self.pull, std::slice::from_ref(vintage)))?;
        self.fresh.clear();
        Ok(())
    }

    /// See [`Ledger::replace`](super::Ledger::replace).
    pub fn replace(&mut self, kept: &Kept) -> Result<(), Fault> {
        let Kept { series, last, length, known, pull, seq } = *kept;
        let (value, status, recorded_at) = (known.value, status_code(known.status), known.recorded_at.millis());
        self.replace.execute((series, last, length, value, status, recorded_at, pull, seq))?;
        Ok(())
    }

    /// See [`Ledger::supersede`](super::Ledger::supersede).
    pub fn supersede(&mut self, kept: &Kept) -> Result<(), Fault> {
        let Kept { series, last, length, known, pull, seq } = *kept;
        let (value, code, at) = (known.value, status_code(known.status), known.recorded_at.millis());
        self.supersede.execute((series, last, length, value, code, at, pull, seq, self.pull))?;
        Ok(())
    }

    /// See [`Ledger::touch`](super::Ledger::touch).
    pub fn touch(&mut self, touch: Touch) -> Result<(), Fault> {
        let Touch { series, new, revised, min_last } = touch;
        self.touch.execute((self.pull, series, new, revised, min_last))?;
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
