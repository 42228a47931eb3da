//! Reading series and their histories.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::columns::{SERIES, series, span, status, time, unit};
use super::connection::{Connection, Row, Statement};
use super::fault::Fault;
use super::items::load;
use crate::base::clock::Timestamp;
use crate::series::{Finite, History, KnownItem, Labels, Provenance, PullId, Unit, Vintage};
use crate::store::{SeriesRef, Store, StoreError};

impl Store {
    /// The units of a feed's series, by labels.
    pub async fn units(&self, feed: &str) -> Result<HashMap<Labels, Option<Unit>>, StoreError> {
        let feed = feed.to_owned();
        self.call(move |connection| {
            let select = "SELECT s.labels, s.unit FROM series s JOIN feed f ON f.id = s.feed
                    WHERE f.name = ?1 AND s.current = 1";
            let mut select = connection.prepare(select)?;
            let mut rows = select.query([feed])?;
            let mut units = HashMap::new();
            while let Some(row) = rows.next()? {
                let (labels, text): (String, String) = (row.get(0)?, row.get(1)?);
                units.insert(super::columns::labels(&labels)?, unit(&text)?);
            }
            Ok(units)
        })
        .await
    }

    /// The series that a pull changed.
    pub async fn changed(&self, pull: PullId) -> Result<Vec<SeriesRef>, StoreError> {
        self.call(move |connection| {
            let select = format!(
                "SELECT {SERIES} FROM pull_series p JOIN series s ON s.id = p.series JOIN feed f ON f.id = s.feed
                     WHERE p.pull = ?1 AND s.current = 1"
            );
            let mut select = connection.prepare(&select)?;
            let found: Result<Vec<SeriesRef>, Fault> = select.query_and_then([pull.0], series)?.collect();
            found.map(in_order)
        })
        .await
    }

    /// Every series, in the order of feeds and labels.
    pub async fn series(&self) -> Result<Vec<SeriesRef>, StoreError> {
        self.call(|connection| {
            let select = format!("SELECT {SERIES} FROM series s JOIN feed f ON f.id = s.feed WHERE s.current = 1");
            let mut select = connection.prepare(&select)?;
            let found: Result<Vec<SeriesRef>, Fault> = select.query_and_then((), series)?.collect();
            found.map(in_order)
        })
        .await
    }

    /// A feed's newest pull that changed anything; 0 when there is none.
    pub async fn newest_pull(&self, feed: &str) -> Result<PullId, StoreError> {
        let feed = feed.to_owned();
        self.call(move |connection| {
            let select = "SELECT max(p.id) FROM pull p JOIN feed f ON f.id = p.feed
                    WHERE f.name = ?1 AND p.outcome = 'changed'";
            let newest: Option<i64> = connection.prepare(select)?.query_one([feed], |row| row.get(0))?;
            Ok(PullId(newest.unwrap_or(0)))
        })
        .await
    }

    /// Some series with every vintage up to a pull, and the provenance of each; one history for each
    /// series, in their order. It is one piece of work for the store: ask for some thousands at a time.
    pub async fn histories(&self, series: &[SeriesRef], until: PullId) -> Result<Vec<History>, StoreError> {
        let series = series.to_vec();
        self.call(move |connection| {
            let mut reader = Reader::new(connection)?;
            let mut histories = Vec::with_capacity(series.len());
            for some in series.chunks(TOGETHER) {
                histories.extend(reader.histories(some, until)?);
            }
            Ok(histories)
        })
        .await
    }
}

/// In the order of feeds and labels.
fn in_order(mut series: Vec<SeriesRef>) -> Vec<SeriesRef> {
    series.sort_by(|a, b| (&a.feed, &a.labels).cmp(&(&b.feed, &b.labels)));
    series
}

/// So many histories are asked for at once.
const TOGETHER: usize = 256;

/// Reads histories; pulls that many of them share are looked up once.
struct Reader<'c> {
    vintages: Statement<'c>,
    pull: Statement<'c>,
    /// Where each pull that is known had its figures from.
    pulls: BTreeMap<PullId, Option<Provenance>>,
    connection: &'c Connection<'c>,
    /// The items of each feed, where it has any.
    items: HashMap<String, Arc<[KnownItem]>>,
}

impl<'c> Reader<'c> {
    fn new(connection: &'c Connection<'c>) -> Result<Self, Fault> {
        let vintages = "SELECT last, length, value, status, recorded_at, pull, seq FROM observation
                WHERE series = ?1 AND pull <= ?2
            UNION ALL
            SELECT last, length, value, status, recorded_at, pull, seq FROM observation_rev
                WHERE series = ?1 AND pull <= ?2
            ORDER BY last, length, pull, seq";
        let pull = "SELECT f.name, p.url, p.at, p.sha256 FROM pull p JOIN feed f ON f.id = p.feed WHERE p.id = ?1";
        let (vintages, pull) = (connection.prepare(vintages)?, connection.prepare(pull)?);
        Ok(Self { vintages, pull, pulls: BTreeMap::new(), connection, items: HashMap::new() })
    }

    fn histories(&mut self, series: &[SeriesRef], until: PullId) -> Result<Vec<History>, Fault> {
        let found = self.vintages.query_all(series.iter().map(|series| (series.id, until.0)), vintage)?;
        let pulls: BTreeSet<PullId> = found.iter().flatten().map(|(_, _, vintage)| vintage.pull).collect();
        self.look_up(&pulls)?;
        series.iter().zip(found).map(|(series, found)| self.history(series, found, until)).collect()
    }

    fn history(
        &mut self,
        series: &SeriesRef,
        found: Vec<(i32, u16, Vintage)>,
        until: PullId,
    ) -> Result<History, Fault> {
        let mut history = History::new(series.labels.clone(), series.frequency, series.unit.clone());
        let mut pulls = BTreeSet::new();
        for (last, length, vintage) in found {
            pulls.insert(vintage.pull);
            history.record(span(series.frequency, last, length)?, vintage);
        }
        for pull in pulls {
            if let Some(provenance) = self.pulls.get(&pull).cloned().flatten() {
                history.record_provenance(pull, provenance);
            }
        }
        Ok(history.with_items(self.items(&series.feed, until)?))
    }

    fn items(&mut self, feed: &str, until: PullId) -> Result<Arc<[KnownItem]>, Fault> {
        if let Some(known) = self.items.get(feed) {
            return Ok(known.clone());
        }
        let items = load(self.connection, feed, until)?;
        self.items.insert(feed.to_owned(), items.clone());
        Ok(items)
    }

    /// Asks where pulls had their figures from, of those of which nobody has asked yet.
    fn look_up(&mut self, pulls: &BTreeSet<PullId>) -> Result<(), Fault> {
        let new: Vec<PullId> = pulls.iter().copied().filter(|pull| !self.pulls.contains_key(pull)).collect();
        let found = self.pull.query_each(new.iter().map(|pull| [pull.0]), |row| {
            let retrieved_at = Timestamp::from_millis(row.get(2)?);
            Ok(Provenance { feed: row.get(0)?, url: row.get(1)?, retrieved_at, sha256: row.get(3)? })
        })?;
        self.pulls.extend(new.into_iter().zip(found));
        Ok(())
    }
}

/// The last period of an observation, how many it covers, and what was said of it.
fn vintage(row: &Row<'_>) -> Result<(i32, u16, Vintage), Fault> {
    let value: Option<f64> = row.get(2)?;
    let finite = |value| Finite::new(value).ok_or_else(|| Fault::unreadable("figure", value));
    let (value, pull) = (value.map(finite).transpose()?, PullId(row.get(5)?));
    let vintage = Vintage { value, status: status(row.get(3)?)?, recorded_at: time(row, 4)?, pull };
    Ok((row.get(0)?, row.get(1)?, vintage))
}
