//! What a pull finds and leaves on a server.

use std::collections::{HashMap, HashSet};

use tokio_postgres::types::Type;

use super::{Kept, Staged, Touch};
use crate::base::clock::Timestamp;
use crate::period::Frequency;
use crate::series::Figures;
use crate::store::delta::Known;
use crate::store::postgres::{Sent, Session};
use crate::store::sql::columns::{status, status_code, unit_text};
use crate::store::sql::connection::Row;
use crate::store::sql::fault::Fault;
use crate::store::sql::value::{Bind, Value};

/// Of so many rows at once it is read what is known: some tens of megabytes.
const LOADED: usize = 100_000;

/// See [`Ledger`](super::Ledger).
pub struct Server<'c> {
    session: &'c Session,
    pull: i64,
    /// The series of the pull's feed by their labels, once they were asked for.
    series: Option<HashMap<String, Vec<Version>>>,
    /// Series of which nothing is known yet.
    new_series: HashSet<i64>,
    /// What is known of the rows that come next, in their order; what is before `passed` was asked for.
    known: Vec<Kept>,
    passed: usize,
    /// See [`Ledger::insert`](super::Ledger::insert).
    pub fresh: Vec<Kept>,
    /// See [`Ledger::replace`](super::Ledger::replace).
    pub replaced: Vec<Kept>,
    /// See [`Ledger::supersede`](super::Ledger::supersede).
    pub superseded: Vec<Kept>,
    /// See [`Ledger::touch`](super::Ledger::touch).
    pub touched: Vec<Touch>,
}

/// One of the series with the same labels.
struct Version {
    id: i64,
    frequency: String,
    unit: String,
    is_current: bool,
}

impl<'c> Server<'c> {
    /// For a pull of that number.
    pub fn new(session: &'c Session, pull: i64) -> Self {
        Self {
            session,
            pull,
            series: None,
            new_series: HashSet::new(),
            known: Vec::new(),
            passed: 0,
            fresh: Vec::new(),
            replaced: Vec::new(),
            superseded: Vec::new(),
            touched: Vec::new(),
        }
    }

    /// See [`Ledger::series`](super::Ledger::series).
    pub fn series(&mut self, feed: i64, frequency: Frequency, all: &[Figures]) -> Result<Vec<i64>, Fault> {
        let mut series = match self.series.take() {
            Some(series) => series,
            None => self.all_series(feed)?,
        };
        let frequency = frequency.name();
        let key = |figures: &Figures| (figures.labels.key(), unit_text(figures.unit.as_ref()));
        let keys: Vec<(String, String)> = all.iter().map(key).collect();
        let is_same = |version: &Version, unit: &str| version.frequency == frequency && version.unit == unit;
        let mut missing: Vec<&(String, String)> = Vec::new();
        for key in &keys {
            let known = series.get(&key.0);
            if !known.is_some_and(|known| known.iter().any(|version| is_same(version, &key.1))) {
                missing.push(key);
            }
        }
        missing.sort();
        missing.dedup();
        self.make_known(feed, frequency, &missing, &mut series)?;
        let (mut ids, mut chosen) = (Vec::with_capacity(keys.len()), Vec::new());
        for (labels, unit) in &keys {
            let versions = series.get_mut(labels).map(Vec::as_mut_slice).unwrap_or_default();
            let found = versions.iter().find(|version| is_same(version, unit)).map(|version| version.id);
            let id = found.ok_or_else(|| Fault::unreadable("series", labels))?;
            if versions.iter().any(|version| version.is_current && version.id != id) {
                versions.iter_mut().for_each(|version| version.is_current = version.id == id);
                chosen.push((labels.clone(), id));
            }
            ids.push(id);
        }
        self.choose(feed, &chosen)?;
        self.series = Some(series);
        Ok(ids)
    }

    fn all_series(&self, feed: i64) -> Result<HashMap<String, Vec<Version>>, Fault> {
        let select = "SELECT labels, id, frequency, unit, current FROM series WHERE feed = $1";
        let mut series: HashMap<String, Vec<Version>> = HashMap::new();
        for row in self.session.ask(select, &[(&feed, Type::INT8)])? {
            let row = Row::Postgres(&row);
            let (id, frequency, unit, is_current) = (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
            series.entry(row.get(0)?).or_default().push(Version { id, frequency, unit, is_current });
        }
        Ok(series)
    }

    fn make_known(
        &mut self,
        feed: i64,
        frequency: &str,
        missing: &[&(String, String)],
        series: &mut HashMap<String, Vec<Version>>,
    ) -> Result<(), Fault> {
        if missing.is_empty() {
            return Ok(());
        }
        let labels: Vec<&str> = missing.iter().map(|(labels, _)| labels.as_str()).collect();
        let units: Vec<&str> = missing.iter().map(|(_, unit)| unit.as_str()).collect();
        let insert = "INSERT INTO series(feed, labels, frequency, unit)
            SELECT $1, labels, $2, unit FROM unnest($3, $4) AS new(labels, unit) RETURNING labels, id, unit";
        let values: [Sent<'_>; 4] =
            [(&feed, Type::INT8), (&frequency, Type::TEXT), (&labels, Type::TEXT_ARRAY), (&units, Type::TEXT_ARRAY)];
        for row in self.session.ask(insert, &values)? {
            let row = Row::Postgres(&row);
            let version =
                Version { id: row.get(1)?, frequency: frequency.to_owned(), unit: row.get(2)?, is_current: true };
            self.new_series.insert(version.id);
            series.entry(row.get(0)?).or_default().push(version);
        }
        Ok(())
    }

    /// Lets one of the series with the same labels count.
    fn choose(&self, feed: i64, chosen: &[(String, i64)]) -> Result<(), Fault> {
        if chosen.is_empty() {
            return Ok(());
        }
        let (labels, ids): (Vec<&str>, Vec<i64>) = chosen.iter().map(|(labels, id)| (labels.as_str(), *id)).unzip();
        let choose = "UPDATE series SET current = CASE WHEN series.id = chosen.id THEN 1 ELSE 0 END
            FROM unnest($2, $3) AS chosen(labels, id) WHERE series.feed = $1 AND series.labels = chosen.labels";
        let values: [Sent<'_>; 3] = [(&feed, Type::INT8), (&labels, Type::TEXT_ARRAY), (&ids, Type::INT8_ARRAY)];
        self.session.tell(choose, &values)
    }

    /// See [`Ledger::load`](super::Ledger::load).
    pub fn load(&mut self, rows: &[Staged]) -> Result<usize, Fault> {
        let mut end = rows.len().min(LOADED);
        while end < rows.len() && rows[end].series == rows[end - 1].series {
            end += 1;
        }
        let rows = &rows[..end];
        self.known.clear();
        self.passed = 0;
        let mut series: Vec<i64> = rows.iter().map(|row| row.series).collect();
        series.dedup();
        series.retain(|series| !self.new_series.contains(series));
        let spans = || rows.iter().map(|row| row.last);
        let (Some(first), Some(last), false) = (spans().min(), spans().max(), series.is_empty()) else {
            return Ok(end);
        };
        let select = "SELECT series, last, length, value, status, recorded_at, pull, seq FROM observation
            WHERE series = ANY($1) AND last BETWEEN $2 AND $3 ORDER BY series, last, length";
        let values: [Sent<'_>; 3] = [(&series, Type::INT8_ARRAY), (&first, Type::INT4), (&last, Type::INT4)];
        for row in self.session.ask(select, &values)? {
            let row = Row::Postgres(&row);
            let recorded_at = Timestamp::from_millis(row.get(5)?);
            let known = Known { value: row.get(3)?, status: status(row.get(4)?)?, recorded_at };
            let (series, last, length, pull, seq) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(6)?, row.get(7)?);
            self.known.push(Kept { series, last, length, known, pull, seq });
        }
        Ok(end)
    }

    /// See [`Ledger::known`](super::Ledger::known); series in the order of the rows that were loaded.
    pub fn known(&mut self, series: i64, first: i32, last: i32) -> Vec<Kept> {
        let rest = self.known.get(self.passed..).unwrap_or_default();
        let from = rest.partition_point(|kept| kept.series < series);
        let to = rest.partition_point(|kept| kept.series <= series);
        self.passed += to;
        let of_series = &rest[from..to];
        let (from, to) =
            (of_series.partition_point(|kept| kept.last < first), of_series.partition_point(|kept| kept.last <= last));
        of_series[from..to].to_vec()
    }

    /// See [`Ledger::flush`](super::Ledger::flush).
    pub fn flush(&mut self) -> Result<(), Fault> {
        self.write_superseded()?;
        self.write_replaced()?;
        self.write_fresh()?;
        self.write_touched()?;
        self.superseded.clear();
        self.replaced.clear();
        self.fresh.clear();
        self.touched.clear();
        Ok(())
    }

    fn write_fresh(&self) -> Result<(), Fault> {
        let copy = "COPY observation(series, last, length, value, status, recorded_at, pull, seq) FROM STDIN BINARY";
        self.session.copy_in(copy, &KEPT, &self.fresh, kept_values)
    }

    fn write_superseded(&self) -> Result<(), Fault> {
        let types = [KEPT.as_slice(), &[Type::INT8]].concat();
        let copy = "COPY observation_rev(series, last, length, value, status, recorded_at, pull, seq, superseded_by)
            FROM STDIN BINARY";
        let row = |kept| [kept_values(kept).as_slice(), &[Value::Int(self.pull)]].concat();
        self.session.copy_in(copy, &types, &self.superseded, row)
    }

    fn write_replaced(&self) -> Result<(), Fault> {
        if self.replaced.is_empty() {
            return Ok(());
        }
        let all = &self.replaced;
        let series: Vec<i64> = all.iter().map(|kept| kept.series).collect();
        let last: Vec<i32> = all.iter().map(|kept| kept.last).collect();
        let length: Vec<i32> = all.iter().map(|kept| i32::from(kept.length)).collect();
        let value: Vec<Option<f64>> = all.iter().map(|kept| kept.known.value).collect();
        let status: Vec<i16> = all.iter().map(|kept| i16::from(status_code(kept.known.status))).collect();
        let recorded_at: Vec<i64> = all.iter().map(|kept| kept.known.recorded_at.millis()).collect();
        let seq: Vec<i32> = all.iter().map(|kept| small(kept.seq)).collect();
        let update = "UPDATE observation o SET value = n.value, status = n.status, recorded_at = n.recorded_at,
                pull = $8, seq = n.seq
            FROM unnest($1, $2, $3, $4, $5, $6, $7) AS n(series, last, length, value, status, recorded_at, seq)
            WHERE o.series = n.series AND o.last = n.last AND o.length = n.length";
        let values: [Sent<'_>; 8] = [
            (&series, Type::INT8_ARRAY),
            (&last, Type::INT4_ARRAY),
            (&length, Type::INT4_ARRAY),
            (&value, Type::FLOAT8_ARRAY),
            (&status, Type::INT2_ARRAY),
            (&recorded_at, Type::INT8_ARRAY),
            (&seq, Type::INT4_ARRAY),
            (&self.pull, Type::INT8),
        ];
        self.session.tell(update, &values)
    }

    fn write_touched(&self) -> Result<(), Fault> {
        if self.touched.is_empty() {
            return Ok(());
        }
        let series: Vec<i64> = self.touched.iter().map(|touch| touch.series).collect();
        let new: Vec<i64> = self.touched.iter().map(|touch| touch.new).collect();
        let revised: Vec<i64> = self.touched.iter().map(|touch| touch.revised).collect();
        let min_last: Vec<i32> = self.touched.iter().map(|touch| touch.min_last).collect();
        let insert = "INSERT INTO pull_series(pull, series, n_new, n_revised, min_last)
            SELECT $1, n.* FROM unnest($2, $3, $4, $5) AS n
            ON CONFLICT(pull, series) DO UPDATE SET n_new = pull_series.n_new + excluded.n_new,
            n_revised = pull_series.n_revised + excluded.n_revised,
            min_last = least(pull_series.min_last, excluded.min_last)";
        let values: [Sent<'_>; 5] = [
            (&self.pull, Type::INT8),
            (&series, Type::INT8_ARRAY),
            (&new, Type::INT8_ARRAY),
            (&revised, Type::INT8_ARRAY),
            (&min_last, Type::INT4_ARRAY),
        ];
        self.session.tell(insert, &values)
    }
}

/// The types of [`kept_values`].
const KEPT: [Type; 8] =
    [Type::INT8, Type::INT4, Type::INT4, Type::FLOAT8, Type::INT2, Type::INT8, Type::INT8, Type::INT4];

/// A row of a vintage: series, last period, length, value, status, when it was recorded, pull, place in it.
fn kept_values<'v>(kept: &Kept) -> [Value<'v>; 8] {
    let Kept { series, last, length, known, pull, seq } = kept;
    [
        Value::Int(*series),
        Value::Int(i64::from(*last)),
        Value::Int(i64::from(*length)),
        known.value.value().into_owned(),
        Value::Int(i64::from(status_code(known.status))),
        Value::Int(known.recorded_at.millis()),
        Value::Int(*pull),
        Value::Int(*seq),
    ]
}

/// A place among the vintages of one pull.
fn small(seq: i64) -> i32 {
    i32::try_from(seq).unwrap_or(i32::MAX)
}
