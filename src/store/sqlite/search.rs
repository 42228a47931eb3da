//! Series as they are searched and listed: without holding all of them.

use rusqlite::Connection;

use super::Sqlite;
use super::columns::{SERIES, count, counted, json, labels, series};
use super::fault::Fault;
use crate::series::Selector;
use crate::store::{Page, SeriesQuery, SeriesRef, StoreError};

/// The series that feeds have, in order: by the indices of feeds and series alone.
pub const LISTED: &str = "FROM feed f CROSS JOIN series s ON s.feed = f.id
    WHERE (?1 IS NULL OR f.name = ?1) AND s.id NOT IN (SELECT id FROM series WHERE current = 0)
    ORDER BY f.name, s.labels, s.frequency, s.unit";

impl Sqlite {
    /// See [`crate::store::Store::find_series`].
    pub async fn find_series(&self, query: SeriesQuery) -> Result<Page<SeriesRef, usize>, StoreError> {
        self.thread.call(move |connection| find(connection, &query)).await
    }

    /// See [`crate::store::Store::series_by_id`].
    pub async fn series_by_id(&self, id: i64) -> Result<Option<SeriesRef>, StoreError> {
        self.thread.call(move |connection| by_id(connection, id)).await
    }
}

impl Sqlite {
    /// See [`crate::store::Store::series_of`].
    pub async fn series_of(&self, keys: Vec<(String, String)>) -> Result<Vec<Option<SeriesRef>>, StoreError> {
        self.thread.call(move |connection| keys.iter().map(|(feed, key)| by_key(connection, feed, key)).collect()).await
    }
}

fn by_key(connection: &Connection, feed: &str, key: &str) -> Result<Option<SeriesRef>, Fault> {
    let select = format!(
        "SELECT {SERIES} FROM series s JOIN feed f ON f.id = s.feed
         WHERE s.feed = (SELECT id FROM feed WHERE name = ?1) AND s.labels = ?2 AND s.current = 1"
    );
    connection.prepare_cached(&select)?.query_and_then((feed, key), series)?.next().transpose()
}

fn by_id(connection: &Connection, id: i64) -> Result<Option<SeriesRef>, Fault> {
    let select = format!("SELECT {SERIES} FROM series s JOIN feed f ON f.id = s.feed WHERE s.id = ?1");
    connection.prepare_cached(&select)?.query_and_then([id], series)?.next().transpose()
}

fn find(connection: &Connection, query: &SeriesQuery) -> Result<Page<SeriesRef, usize>, Fault> {
    let SeriesQuery { feed, offset, limit, .. } = query;
    let wanted = Wanted::new(query)?;
    let (ids, total) = if wanted.is_everything() {
        let select = format!("SELECT s.id {LISTED} LIMIT ?2 OFFSET ?3");
        let mut select = connection.prepare_cached(&select)?;
        let ids = select.query_map((feed, count(*limit), count(*offset)), |row| row.get(0))?;
        (ids.collect::<Result<Vec<i64>, _>>()?, all(connection, feed.as_deref())?)
    } else {
        let mut select = connection.prepare_cached(&format!("SELECT s.id, s.labels {LISTED}"))?;
        let mut rows = select.query([feed])?;
        let (mut ids, mut total) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            if !wanted.is(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)? {
                continue;
            }
            if total >= *offset && ids.len() < *limit {
                ids.push(row.get(0)?);
            }
            total += 1;
        }
        (ids, total)
    };
    let mut items = Vec::with_capacity(ids.len());
    for id in ids {
        items.extend(by_id(connection, id)?);
    }
    let end = offset.saturating_add(items.len());
    Ok(Page { next: (end < total && !items.is_empty()).then_some(end), items, total: Some(total) })
}

/// How many series feeds have.
fn all(connection: &Connection, feed: Option<&str>) -> Result<usize, Fault> {
    let select = "SELECT (SELECT count(*) FROM series WHERE feed = f.id)
        - (SELECT count(*) FROM series WHERE feed = f.id AND current = 0) FROM feed f WHERE ?1 IS NULL OR f.name = ?1";
    let mut total = 0;
    for found in connection.prepare_cached(select)?.query_and_then([feed], |row| counted(row, 0))? {
        total += found?;
    }
    Ok(total)
}

/// What is asked of labels, tried on their canonical text first: reading each is most of the work.
struct Wanted<'a> {
    /// Exact labels as they are in the text: no other text has them, as a quotation mark in a value is escaped.
    pairs: Vec<String>,
    selector: &'a Selector,
    /// Words in small letters.
    words: Vec<String>,
}

impl<'a> Wanted<'a> {
    fn new(query: &'a SeriesQuery) -> Result<Self, Fault> {
        let exact = query.selector.patterns().filter_map(|(name, pattern)| Some((name, pattern.exact()?)));
        let pair = |(name, value): (&str, &str)| Ok(format!("{}:{}", json(&name)?, json(&value)?));
        let word = |word: &str| Ok(json(&word.to_lowercase())?.trim_matches('"').to_owned());
        Ok(Self {
            pairs: exact.map(pair).collect::<Result<_, Fault>>()?,
            selector: &query.selector,
            words: query.text.split_whitespace().map(word).collect::<Result<_, Fault>>()?,
        })
    }

    fn is_everything(&self) -> bool {
        self.words.is_empty() && self.selector.patterns().next().is_none()
    }

    fn is(&self, key: &str) -> Result<bool, Fault> {
        if !self.pairs.iter().all(|pair| key.contains(pair)) {
            return Ok(false);
        }
        if !self.words.is_empty() {
            let small = key.to_lowercase();
            if !self.words.iter().all(|word| small.contains(word)) {
                return Ok(false);
            }
        }
        let all_exact = self.pairs.len() == self.selector.patterns().count();
        Ok(all_exact || self.selector.matches(&labels(key)?))
    }
}
