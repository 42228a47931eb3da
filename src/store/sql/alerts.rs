//! Alerts as they are listed, and what they last said.

use super::columns::{BEGINS, beginning, count, counted, gravity, of_gravity};
use super::connection::{Connection, Row};
use super::evaluation::{ALERT, TRANSITION, alert, told};
use super::fault::Fault;
use crate::alert::{Alert, Transition};
use crate::outbox::Message;
use crate::rule::Severity;
use crate::series::Labels;
use crate::store::{AlertCount, AlertPlace, AlertQuery, Page, Recent, Store, StoreError};

/// Which alerts a query means. Values: the least gravity and the greatest; whether they wait, are data alerts; the rule.
const MEANT: &str = "gravity BETWEEN ?1 AND ?2 AND (?3 IS NULL OR (held IS NOT NULL) = (?3 = 1))
    AND (?4 IS NULL OR (rule LIKE '%:%') = (?4 = 1)) AND (?5 IS NULL OR rule = ?5)";

impl Store {
    /// A part of the alerts.
    pub async fn find_alerts(&self, query: AlertQuery) -> Result<Page<Alert, AlertPlace>, StoreError> {
        self.call(move |connection| find(connection, &query)).await
    }

    /// How many alerts there are, by rule and state, in their order.
    pub async fn count_alerts(&self) -> Result<Vec<AlertCount>, StoreError> {
        self.call(|connection| {
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
            connection.prepare(select)?.query_and_then((), read)?.collect()
        })
        .await
    }

    /// The alerts whose ids begin so, two at most: enough to know that one is not the only one.
    pub async fn alerts_by_id(&self, prefix: &str) -> Result<Vec<Alert>, StoreError> {
        let values = beginning(prefix);
        self.call(move |connection| {
            let select = format!("SELECT {ALERT} FROM alert WHERE {BEGINS} ORDER BY id LIMIT 2");
            connection.prepare(&select)?.query_and_then(&values, alert)?.collect()
        })
        .await
    }

    /// The newest transition of each of some alerts with its message, in their order; `None` of one that has none.
    pub async fn newest(
        &self,
        alerts: impl IntoIterator<Item = (&str, &Labels)>,
    ) -> Result<Vec<Option<(Transition, Message)>>, StoreError> {
        let key = |(rule, labels): (&str, &Labels)| (rule.to_owned(), labels.key());
        let keys: Vec<(String, String)> = alerts.into_iter().map(key).collect();
        self.call(move |connection| {
            let select = format!(
                "SELECT {TRANSITION}, message FROM transition WHERE rule = ?1 AND labels = ?2
                 ORDER BY number DESC LIMIT 1"
            );
            connection.prepare(&select)?.query_each(&keys, told)
        })
        .await
    }

    /// The newest transitions of all alerts, newest first.
    pub async fn recent(&self, limit: usize) -> Result<Vec<Recent>, StoreError> {
        self.call(move |connection| {
            let select = format!("SELECT {TRANSITION}, message FROM transition ORDER BY seq DESC LIMIT ?1");
            let read = |row: &Row<'_>| {
                let (transition, message) = told(row)?;
                Ok(Recent { transition, title: message.title })
            };
            connection.prepare(&select)?.query_and_then([count(limit)], read)?.collect()
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

fn find(connection: &Connection<'_>, query: &AlertQuery) -> Result<Page<Alert, AlertPlace>, Fault> {
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
        connection.prepare(&select)?.query_one(meant, |row| row.get::<i64>(0))?.unsigned_abs()
    } else {
        let mut select = connection.prepare(&format!("SELECT {ALERT} FROM alert WHERE {MEANT}"))?;
        let mut total = 0;
        for found in select.query_and_then(meant, alert)? {
            total += u64::from(is_meant(&found?));
        }
        total
    };
    let mut select = connection.prepare(&listed())?;
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
