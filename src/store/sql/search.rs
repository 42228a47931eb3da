//! Series as they are searched and listed: without holding all of them.

use super::columns::{SERIES, count, counted, json, labels, series};
use super::connection::Connection;
use super::fault::Fault;
use crate::series::{Labels, Selector};
use crate::store::{Page, SeriesQuery, SeriesRef, Store, StoreError};

/// The series that feeds have, in order: by the indices of feeds and series alone.
pub const LISTED: &str = "FROM feed f CROSS JOIN series s ON s.feed = f.id
    WHERE (?1 IS NULL OR f.name = ?1) AND s.id NOT IN (SELECT id FROM series WHERE current = 0)
    ORDER BY f.name, s.labels, s.frequency, s.unit";

impl Store {
    /// A part of the series.
    pub async fn find_series(&self, query: SeriesQuery) -> Result<Page<SeriesRef, usize>, StoreError> {
        self.call(move |connection| find(connection, &query)).await
    }

    /// The series with that id, also one that its feed no longer has.
    pub async fn series_by_id(&self, id: i64) -> Result<Option<SeriesRef>, StoreError> {
        self.call(move |connection| by_id(connection, id)).await
    }
}

impl Store {
    /// The stored series with these labels, each as far as its feed has it, in their order.
    pub async fn series_of(
        &self,
        series: impl IntoIterator<Item = &Labels>,
    ) -> Result<Vec<Option<SeriesRef>>, StoreError> {
        let key = |labels: &Labels| (labels.value("feed").unwrap_or_default().to_owned(), labels.key());
        let keys: Vec<(String, String)> = series.into_iter().map(key).collect();
        self.call(move |connection| {
            let select = format!(
                "SELECT {SERIES} FROM series s JOIN feed f ON f.id = s.feed
                 WHERE s.feed = (SELECT id FROM feed WHERE name = ?1) AND s.labels = ?2 AND s.current = 1"
            );
            connection.prepare(&select)?.query_each(&keys, super::columns::series)
        })
        .await
    }
}

fn by_id(connection: &Connection<'_>, id: i64) -> Result<Option<SeriesRef>, Fault> {
    let select = format!("SELECT {SERIES} FROM series s JOIN feed f ON f.id = s.feed WHERE s.id = ?1");
    connection.prepare(&select)?.query_and_then([id], series)?.next().transpose()
}

fn find(connection: &Connection<'_>, query: &SeriesQuery) -> Result<Page<SeriesRef, usize>, Fault> {
    let SeriesQuery { feed, offset, limit, .. } = query;
    let wanted = Wanted::new(query)?;
    let (ids, total) = if wanted.is_everything() {
        let select = format!("SELECT s.id {LISTED} LIMIT ?2 OFFSET ?3");
        let mut select = connection.prepare(&select)?;
        let ids = select.query_and_then((feed, count(*limit), count(*offset)), |row| row.get(0))?;
        (ids.collect::<Result<Vec<i64>, _>>()?, all(connection, feed.as_deref())?)
    } else {
        let mut select = connection.prepare(&format!("SELECT s.id, s.labels {LISTED}"))?;
        let mut rows = select.query([feed])?;
        let (mut ids, mut total) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            if !wanted.is(row.get(1)?)? {
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
fn all(connection: &Connection<'_>, feed: Option<&str>) -> Result<usize, Fault> {
    let select = "SELECT (SELECT count(*) FROM series WHERE feed = f.id)
        - (SELECT count(*) FROM series WHERE feed = f.id AND current = 0) FROM feed f WHERE ?1 IS NULL OR f.name = ?1";
    let mut total = 0;
    for found in connection.prepare(select)?.query_and_then([feed], |row| counted(row, 0))? {
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
