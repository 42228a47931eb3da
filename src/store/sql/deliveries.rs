//! Deliveries as they are listed.

use super::columns::{BEGINS, beginning, count, counted, delivery_state};
use super::connection::{Connection, Row};
use super::fault::Fault;
use super::outbox::{columns, record};
use super::value::{Bind, Value};
use crate::store::{DeliveryCount, DeliveryQuery, DeliveryRecord, DeliveryState, Page, Store, StoreError};

impl Store {
    /// A part of the deliveries; nobody counts them.
    pub async fn find_deliveries(&self, query: DeliveryQuery) -> Result<Page<DeliveryRecord, i64>, StoreError> {
        self.call(move |connection| find(connection, &query)).await
    }

    /// How many deliveries there are, by receiver and state, in their order.
    pub async fn count_deliveries(&self) -> Result<Vec<DeliveryCount>, StoreError> {
        self.call(counts).await
    }

    /// The deliveries whose ids begin so, two at most: enough to know that one is not the only one.
    pub async fn deliveries_by_id(&self, prefix: &str) -> Result<Vec<DeliveryRecord>, StoreError> {
        let values = beginning(prefix);
        self.call(move |connection| {
            let select = format!("SELECT {} FROM delivery WHERE {BEGINS} ORDER BY id LIMIT 2", columns());
            connection.prepare(&select)?.query_and_then(&values, record)?.collect()
        })
        .await
    }
}

/// The conditions of a query, so that each finds its index, and their values.
fn conditions(query: &DeliveryQuery) -> (String, Vec<Value<'_>>) {
    let DeliveryQuery { state, failed, receiver, rule, alert, from, .. } = query;
    let (mut conditions, mut values) = (Vec::new(), Vec::new());
    if *failed {
        conditions.push("last_error IS NOT NULL".to_owned());
    }
    let mut add = |condition: &str, value| {
        values.push(value);
        conditions.push(condition.replace('?', &format!("?{}", values.len())));
    };
    if let Some(state) = state {
        let condition = match state {
            DeliveryState::Sent => "state = ?",
            DeliveryState::Pending => "state = ? AND state <> 'sent'",
            DeliveryState::Dead | DeliveryState::Superseded => "state = ? AND state <> 'sent' AND state <> 'pending'",
        };
        add(condition, Value::Text(state.name().into()));
    }
    let named = [
        ("receiver = ? AND seq > 0", receiver),
        ("alert IN (SELECT a.id FROM alert a WHERE a.rule = ?) AND seq > 0", rule),
        ("alert = ? AND seq > 0", alert),
    ];
    for (condition, value) in named {
        if let Some(value) = value {
            add(condition, value.value());
        }
    }
    if let Some(from) = from {
        add("seq < ?", Value::Int(*from));
    }
    let all = if conditions.is_empty() { "TRUE".to_owned() } else { conditions.join(" AND ") };
    (all, values)
}

/// What finds the numbers of deliveries: without what they say, so that much of it can be sorted.
pub fn numbers(query: &DeliveryQuery) -> (String, Vec<Value<'_>>) {
    let (conditions, mut values) = conditions(query);
    values.push(Value::Int(count(query.limit.saturating_add(1))));
    // Sorted, as those that are not sent may be few among all.
    let by = if query.state.is_some_and(|state| state != DeliveryState::Sent) { "+seq" } else { "seq" };
    (format!("SELECT seq FROM delivery WHERE {conditions} ORDER BY {by} DESC LIMIT ?{}", values.len()), values)
}

fn find(connection: &Connection<'_>, query: &DeliveryQuery) -> Result<Page<DeliveryRecord, i64>, Fault> {
    let (numbers, values) = numbers(query);
    let mut numbers = connection.prepare(&numbers)?;
    let mut found: Vec<i64> = numbers.query_and_then(values, |row| row.get(0))?.collect::<Result<_, _>>()?;
    let is_more = found.len() > query.limit;
    found.truncate(query.limit);
    let mut select = connection.prepare(&format!("SELECT {} FROM delivery WHERE seq = ?1", columns()))?;
    let mut items = Vec::with_capacity(found.len());
    for seq in &found {
        items.extend(select.query_and_then([seq], record)?.next().transpose()?);
    }
    Ok(Page { items, next: found.last().copied().filter(|_| is_more), total: None })
}

/// What is sent is what is not otherwise: its number alone would be found by looking at each.
fn counts(connection: &Connection<'_>) -> Result<Vec<DeliveryCount>, Fault> {
    let all = "SELECT receiver, count(*) FROM delivery WHERE seq > 0 GROUP BY receiver ORDER BY receiver";
    let unsent = "SELECT receiver, state, count(*) FROM delivery WHERE state = 'pending' GROUP BY receiver, state
        UNION ALL
        SELECT receiver, state, count(*) FROM delivery WHERE state <> 'sent' AND state <> 'pending'
        GROUP BY receiver, state";
    let read = |row: &Row<'_>| -> Result<DeliveryCount, Fault> {
        Ok(DeliveryCount { receiver: row.get(0)?, state: delivery_state(row, 1)?, count: counted(row, 2)? })
    };
    let unsent: Vec<DeliveryCount> =
        connection.prepare(unsent)?.query_and_then((), read)?.collect::<Result<_, Fault>>()?;
    let mut counts = Vec::new();
    for found in connection.prepare(all)?.query_and_then((), |row| Ok::<_, Fault>((row.get(0)?, counted(row, 1)?)))? {
        let (receiver, all): (String, usize) = found?;
        let of_receiver = unsent.iter().filter(|count| count.receiver == receiver);
        let sent = all - of_receiver.clone().map(|count| count.count).sum::<usize>();
        counts.extend(of_receiver.cloned());
        counts.push(DeliveryCount { receiver, state: DeliveryState::Sent, count: sent });
    }
    counts.retain(|count| count.count > 0);
    Ok(counts)
}
