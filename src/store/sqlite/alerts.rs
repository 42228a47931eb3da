//! Alerts as they are listed, and what they last said.

use rusqlite::{Connection, Row};

use super::Sqlite;
use super::columns::{BEGINS, count, counted, gravity, of_gravity};
use super::evaluation::{ALERT, TRANSITION, alert, told, transition};
use super::fault::Fault;
use crate::alert::{Alert, Transition};
use crate::outbox::Message;
use crate::rule::Severity;
use crate::store::{AlertCount, AlertPlace, AlertQuery, Page, Recent, StoreError};

/// Which alerts a query means. Values: the least gravity and the greatest; whether they wait, are data alerts; the rule.
const MEANT: &str = "gravity BETWEEN ?1 AND ?2 AND (?3 IS NULL OR (held IS NOT NULL) = ?3)
    AND (?4 IS NULL OR (instr(rule, ':') > 0) = ?4) AND (?5 IS NULL OR rule = ?5)";

impl Sqlite {
    /// See [`crate::store::Store::find_alerts`].
    pub async fn find_alerts(&self, query: AlertQuery) -> Result<Page<Alert, AlertPlace>, StoreError> {
        self.thread.call(move |connection| find(connection, &query)).await
    }

    /// See [`crate::store::Store::count_alerts`].
    pub async fn count_alerts(&self) -> Result<Vec<AlertCount>, StoreError> {
        self.thread
            .call(|connection| {
                let select = "SELECT rule, gravity, held IS NOT NULL, count(*) FROM alert
                    GROUP BY rule, gravity, held IS NOT NULL ORDER BY 1, 2, 3";
                let read = |row: &Row<'_>| -> Result<AlertCount, Fault> {
                    Ok(AlertCount {
                        rule: row.get(0)?,
                        severity: of_gravity(counted(row, 1)?)?,
                        held: row.get(2)?,
                        count: counted(row, 3)?,
                    })
                };
                connection.prepare_cached(select)?.query_and_then([], read)?.collect()
            })
            .await
    }

    /// See [`crate::store::Store::alerts_by_id`].
    pub async fn alerts_by_id(&self, beginning: &str) -> Result<Vec<Alert>, StoreError> {
        let beginning = beginning.to_owned();
        self.thread
            .call(move |connection| {
                let select = format!("SELECT {ALERT} FROM alert WHERE {BEGINS} ORDER BY id LIMIT 2");
                connection.prepare_cached(&select)?.query_and_then([beginning], alert)?.collect()
            })
            .await
    }

    /// See [`crate::store::Store::newest`]; the alerts by their rules and keys.
    pub async fn newest(&self, keys: Vec<(String, String)>) -> Result<Vec<Option<(Transition, Message)>>, StoreError> {
        self.thread
            .call(move |connection| {
                let select = format!(
                    "SELECT {TRANSITION}, message FROM transition WHERE rule = ?1 AND labels = ?2
                     ORDER BY number DESC LIMIT 1"
                );
                let mut select = connection.prepare_cached(&select)?;
                keys.iter().map(|key| select.query_and_then((&key.0, &key.1), told)?.next().transpose()).collect()
            })
            .await
    }

    /// See [`crate::store::Store::recent`].
    pub async fn recent(&self, limit: usize) -> Result<Vec<Recent>, StoreError> {
        self.thread
            .call(move |connection| {
                let select =
                    format!("SELECT {TRANSITION}, message ->> 'title' FROM transition ORDER BY seq DESC LIMIT ?1");
                let read = |row: &Row<'_>| Ok(Recent { transition: transition(row)?, title: row.get(10)? });
                connection.prepare_cached(&select)?.query_and_then([count(limit)], read)?.collect()
            })
            .await
    }
}

/// What lists the alerts that are meant, after a place.
pub fn listed() -> String {
    format!(
        "SELECT {ALERT}, gravity, since, id FROM alert WHERE {MEANT} AND (gravity, since, id) < (?6, ?7, ?8)
         ORDER BY gravity DESC, since DESC, id DESC"
    )
}

fn find(connection: &Connection, query: &AlertQuery) -> Result<Page<Alert, AlertPlace>, Fault> {
    let AlertQuery { firing, held, data, rule, severity, only, from, limit } = query;
    let (least, greatest) = match (firing, severity) {
        // Nothing is of a severity and does not fire.
        (Some(false), Some(_)) => (1, 0),
        (_, Some(severity)) => (gravity(Some(*severity)), gravity(Some(*severity))),
        (Some(true), None) => (1, Severity::ALL.len()),
        (Some(false), None) => (0, 0),
        (None, None) => (0, Severity::ALL.len()),
    };
    let meant = (count(least), count(greatest), held, data, rule);
    let is_meant = |alert: &Alert| only.as_ref().is_none_or(|only| only(alert));
    let total = if only.is_none() {
        let select = format!("SELECT count(*) FROM alert WHERE {MEANT}");
        connection.prepare_cached(&select)?.query_row(meant, |row| row.get::<_, i64>(0))?.unsigned_abs()
    } else {
        let mut select = connection.prepare_cached(&format!("SELECT {ALERT} FROM alert WHERE {MEANT}"))?;
        let mut total = 0;
        for found in select.query_and_then(meant, alert)? {
            total += u64::from(is_meant(&found?));
        }
        total
    };
    let mut select = connection.prepare_cached(&listed())?;
    let from = from.as_ref().map_or((i64::MAX, i64::MAX, ""), |at| (at.gravity, at.since, &at.id));
    let values = (meant.0, meant.1, meant.2, meant.3, meant.4, from.0, from.1, from.2);
    let (mut items, mut last, mut next) = (Vec::new(), None, None);
    for found in select.query_and_then(values, |row| Ok::<_, Fault>((alert(row)?, place(row)?)))? {
        let (alert, place) = found?;
        if !is_meant(&alert) {
            continue;
        }
        if items.len() == *limit {
            next = last;
            break;
        }
        items.push(alert);
        last = Some(place);
    }
    Ok(Page { items, next, total: usize::try_from(total).ok() })
}

fn place(row: &Row<'_>) -> Result<AlertPlace, Fault> {
    Ok(AlertPlace { gravity: row.get(10)?, since: row.get(11)?, id: row.get(12)? })
}
