//! Published items: kept as they were first said, and counted by day.
//!
//! What an item means is nobody's business here; that it is known already, whatever it says now, is.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::columns::{from_json, json, time};
use super::connection::{Connection, Row as Columns};
use super::fault::Fault;
use crate::period::{Frequency, Period, Span};
use crate::series::{Finite, Item, KnownItem, PullId, Row, Status, Unit};
use crate::store::NewPull;

/// Keeps the items of a pull that are not known yet; how many they are, and the figures of their days.
pub fn keep(transaction: &Connection<'_>, feed: i64, id: i64, pull: &NewPull) -> Result<(usize, Vec<Row>), Fault> {
    let insert = "INSERT INTO item(feed, id, pull, day, title, url, summary, tags, corrects, effective, ends)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO NOTHING";
    let mut insert = transaction.prepare(insert)?;
    let (mut new, mut days) = (0, BTreeSet::new());
    for item in &pull.items {
        let Item { day, title, url, summary, tags, corrects, effective, ends, .. } = item;
        let (effective, ends) = (effective.map(Period::ordinal), ends.map(Period::ordinal));
        let tags = json(tags)?;
        let values = (feed, &item.id, id, day.ordinal(), title, url, summary, tags, corrects, effective, ends);
        if insert.execute(values)? > 0 {
            new += 1;
            days.insert(*day);
        }
    }
    let rows = days.into_iter().map(|day| count(transaction, feed, pull, day)).collect::<Result<_, Fault>>()?;
    Ok((new, rows))
}

/// How many items a day has.
fn count(transaction: &Connection<'_>, feed: i64, pull: &NewPull, day: Period) -> Result<Row, Fault> {
    let select = "SELECT CAST(count(*) AS DOUBLE PRECISION) FROM item WHERE feed = ?1 AND day = ?2";
    let count: f64 = transaction.prepare(select)?.query_one((feed, day.ordinal()), |row| row.get(0))?;
    Ok(Row {
        labels: pull.labels.clone(),
        unit: Unit::parse("count").ok(),
        span: Span::from(day),
        value: Finite::new(count),
        status: Status::Final,
        published: None,
    })
}

/// The items of a feed that its pulls have brought until one of them, in the order in which they became known.
pub fn load(connection: &Connection<'_>, feed: &str, until: PullId) -> Result<Arc<[KnownItem]>, Fault> {
    let select = "SELECT i.id, i.pull, p.at, i.day, i.title, i.url, i.summary, i.tags, i.corrects, i.effective, i.ends
        FROM item i JOIN pull p ON p.id = i.pull
        WHERE i.feed = (SELECT id FROM feed WHERE name = ?1) AND i.pull <= ?2 ORDER BY i.pull, i.day, i.id";
    let mut select = connection.prepare(select)?;
    select.query_and_then((feed, until.0), known)?.collect()
}

fn known(row: &Columns<'_>) -> Result<KnownItem, Fault> {
    let tags: String = row.get(7)?;
    let item = Item {
        id: row.get(0)?,
        title: row.get(4)?,
        url: row.get(5)?,
        summary: row.get(6)?,
        day: day(row.get(3)?)?,
        tags: from_json("item's tags", &tags)?,
        corrects: row.get(8)?,
        effective: row.get::<Option<i32>>(9)?.map(day).transpose()?,
        ends: row.get::<Option<i32>>(10)?.map(day).transpose()?,
    };
    Ok(KnownItem { item, pull: PullId(row.get(1)?), seen_at: time(row, 2)? })
}

fn day(ordinal: i32) -> Result<Period, Fault> {
    Period::from_ordinal(Frequency::Day, ordinal).ok_or_else(|| Fault::unreadable("day", ordinal))
}
