//! Rules, evaluation tasks, and what they come to: alerts, transitions, and what is owed for them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row};

use super::Sqlite;
use super::columns::{from_json, json, labels, period, severity, time};
use super::fault::Fault;
use super::outbox::owe;
use super::thread::End;
use crate::alert::{Alert, Cause, Kind, State, Transition};
use crate::base::clock::Timestamp;
use crate::outbox::Message;
use crate::series::{Labels, PullId};
use crate::store::{Committed, Holder, Settled, StoreError, Task};

const ALERT: &str = "rule, labels, firing, held, number, episode, assessed, seen, rule_hash, version";

impl Sqlite {
    /// See [`crate::store::Store::register_rules`].
    pub async fn register_rules(&self, rules: Vec<(String, String)>) -> Result<BTreeMap<String, PullId>, StoreError> {
        self.thread.write(move |transaction| register(transaction, &rules).map(End::Commit)).await
    }

    /// See [`crate::store::Store::lease_task`].
    pub async fn lease_task(&self, holder: &Holder, now: Timestamp, ttl: Duration) -> Result<Option<Task>, StoreError> {
        let holder = holder.clone();
        self.thread.write(move |transaction| lease_task(transaction, &holder, now, now.plus(ttl))).await
    }

    /// See [`crate::store::Store::alert`].
    pub async fn alert(&self, rule: &str, labels: &Labels) -> Result<Option<Alert>, StoreError> {
        let key = (rule.to_owned(), labels.key());
        self.thread
            .call(move |connection| {
                let select = format!("SELECT {ALERT} FROM alert WHERE rule = ?1 AND labels = ?2");
                let mut select = connection.prepare_cached(&select)?;
                select.query_and_then(key, alert)?.next().transpose()
            })
            .await
    }

    /// See [`crate::store::Store::alerts`].
    pub async fn alerts(&self) -> Result<Vec<Alert>, StoreError> {
        self.thread
            .call(|connection| {
                let mut select = connection.prepare_cached(&format!("SELECT {ALERT} FROM alert"))?;
                let mut alerts = select.query_and_then([], alert)?.collect::<Result<Vec<Alert>, Fault>>()?;
                alerts.sort_by(|a, b| (&a.rule, &a.labels).cmp(&(&b.rule, &b.labels)));
                Ok(alerts)
            })
            .await
    }

    /// See [`crate::store::Store::transitions`].
    pub async fn transitions(&self, rule: &str, labels: &Labels) -> Result<Vec<(Transition, Message)>, StoreError> {
        let key = (rule.to_owned(), labels.key());
        self.thread
            .call(move |connection| {
                let select = "SELECT rule, labels, number, episode, kind, cause, severity, period, pull, at, message
                    FROM transition WHERE rule = ?1 AND labels = ?2 ORDER BY number";
                let mut select = connection.prepare_cached(select)?;
                select.query_and_then(key, transition)?.collect()
            })
            .await
    }

    /// See [`crate::store::Store::commit`].
    pub async fn commit(
        &self,
        task: Option<&Task>,
        settled: Vec<Settled>,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        let task = task.cloned();
        self.thread.write(move |transaction| commit(transaction, task.as_ref(), &settled, now)).await
    }
}

fn register(transaction: &Connection, rules: &[(String, String)]) -> Result<BTreeMap<String, PullId>, Fault> {
    let newest = "SELECT id FROM pull WHERE outcome = 'changed' ORDER BY id DESC LIMIT 1";
    let newest: Option<i64> = transaction.prepare_cached(newest)?.query_row([], |row| row.get(0)).optional()?;
    let keep = "INSERT INTO rule(name, hash, baseline) VALUES (?1, ?2, ?3)
        ON CONFLICT(name) DO UPDATE SET hash = excluded.hash, baseline = excluded.baseline
        WHERE rule.hash <> excluded.hash";
    let mut keep = transaction.prepare_cached(keep)?;
    for (name, hash) in rules {
        keep.execute((name, hash, newest.unwrap_or(0)))?;
    }
    let named: BTreeSet<&str> = rules.iter().map(|(name, _)| name.as_str()).collect();
    let mut baselines = BTreeMap::new();
    let mut known = transaction.prepare_cached("SELECT name, baseline FROM rule")?;
    let mut rows = known.query([])?;
    let mut forgotten = Vec::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        if named.contains(name.as_str()) {
            baselines.insert(name, PullId(row.get(1)?));
        } else {
            forgotten.push(name);
        }
    }
    let mut forget = transaction.prepare_cached("DELETE FROM rule WHERE name = ?1")?;
    for name in forgotten {
        forget.execute([name])?;
    }
    Ok(baselines)
}

fn lease_task(
    transaction: &Connection,
    holder: &Holder,
    now: Timestamp,
    until: Timestamp,
) -> Result<End<Option<Task>>, Fault> {
    let oldest = "SELECT t.pull, t.shard, f.name FROM eval_task t JOIN feed f ON f.id = t.feed
        WHERE t.state = 'pending' AND t.lease_until <= ?1 AND NOT EXISTS (
            SELECT 1 FROM eval_task e
            WHERE e.state = 'pending' AND e.feed = t.feed AND e.shard = t.shard AND e.pull < t.pull)
        ORDER BY t.pull, t.shard LIMIT 1";
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let found: Option<(i64, i64, String)> =
        transaction.prepare_cached(oldest)?.query_row([now.millis()], read).optional()?;
    let Some((pull, shard, feed)) = found else { return Ok(End::RollBack(None)) };
    let take = "UPDATE eval_task SET holder = ?3, claim = claim + 1, lease_until = ?4
        WHERE pull = ?1 AND shard = ?2 RETURNING claim";
    let values = (pull, shard, &holder.0, until.millis());
    let claim = transaction.prepare_cached(take)?.query_row(values, |row| row.get(0))?;
    Ok(End::Commit(Some(Task { pull: PullId(pull), feed, shard, claim, holder: holder.0.clone() })))
}

fn commit(
    transaction: &Connection,
    task: Option<&Task>,
    settled: &[Settled],
    now: Timestamp,
) -> Result<End<Committed>, Fault> {
    if let Some(task) = task {
        let done = "UPDATE eval_task SET state = 'done', done_at = ?5, holder = NULL, lease_until = 0
            WHERE pull = ?1 AND shard = ?2 AND holder = ?3 AND claim = ?4 AND state = 'pending'";
        let values = (task.pull.0, task.shard, &task.holder, task.claim, now.millis());
        if transaction.prepare_cached(done)?.execute(values)? == 0 {
            return Ok(End::RollBack(Committed::Fenced));
        }
    }
    for Settled { alert, transition, deliveries } in settled {
        if !write_alert(transaction, alert, now)? {
            return Ok(End::RollBack(Committed::Fenced));
        }
        if let Some((transition, message)) = transition {
            write_transition(transaction, transition, message)?;
        }
        for delivery in deliveries {
            owe(transaction, delivery, now)?;
        }
    }
    Ok(End::Commit(Committed::Stored))
}

/// Writes an alert where the store has the version that it names; whether it has.
fn write_alert(transaction: &Connection, alert: &Alert, now: Timestamp) -> Result<bool, Fault> {
    let firing = match &alert.state {
        State::Ok => None,
        State::Firing(firing) => Some(json(firing)?),
    };
    let write = if alert.version == 0 {
        "INSERT INTO alert(rule, labels, firing, held, number, episode, assessed, seen, rule_hash, version, written_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 + 1, ?11) ON CONFLICT(rule, labels) DO NOTHING"
    } else {
        "UPDATE alert SET firing = ?3, held = ?4, number = ?5, episode = ?6, assessed = ?7, seen = ?8, rule_hash = ?9,
         version = ?10 + 1, written_at = ?11 WHERE rule = ?1 AND labels = ?2 AND version = ?10"
    };
    let written = transaction.prepare_cached(write)?.execute((
        &alert.rule,
        alert.labels.key(),
        firing,
        &alert.held,
        alert.number,
        alert.episode,
        alert.assessed.map(|period| period.to_string()),
        alert.seen.0,
        &alert.rule_hash,
        alert.version,
        now.millis(),
    ))?;
    Ok(written == 1)
}

fn write_transition(transaction: &Connection, transition: &Transition, message: &Message) -> Result<(), Fault> {
    let insert =
        "INSERT INTO transition(rule, labels, number, episode, kind, cause, severity, period, pull, at, message)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    transaction.prepare_cached(insert)?.execute((
        &transition.rule,
        transition.labels.key(),
        transition.number,
        transition.episode,
        transition.kind.name(),
        transition.cause.name(),
        transition.severity.name(),
        transition.period.map(|period| period.to_string()),
        transition.pull.map(|pull| pull.0),
        transition.at.millis(),
        json(message)?,
    ))?;
    Ok(())
}

fn alert(row: &Row<'_>) -> Result<Alert, Fault> {
    let firing: Option<String> = row.get(2)?;
    let state = match firing {
        None => State::Ok,
        Some(firing) => State::Firing(from_json("firing alert", &firing)?),
    };
    Ok(Alert {
        rule: row.get(0)?,
        labels: labels(&row.get::<_, String>(1)?)?,
        state,
        held: row.get(3)?,
        number: row.get(4)?,
        episode: row.get(5)?,
        assessed: period(row.get(6)?)?,
        seen: PullId(row.get(7)?),
        rule_hash: row.get(8)?,
        version: row.get(9)?,
    })
}

fn transition(row: &Row<'_>) -> Result<(Transition, Message), Fault> {
    let (kind, cause): (String, String) = (row.get(4)?, row.get(5)?);
    let known_cause = Cause::ALL.into_iter().find(|known| known.name() == cause);
    let transition = Transition {
        rule: row.get(0)?,
        labels: labels(&row.get::<_, String>(1)?)?,
        number: row.get(2)?,
        episode: row.get(3)?,
        kind: Kind::from_name(&kind).ok_or_else(|| Fault::unreadable("kind of transition", &kind))?,
        cause: known_cause.ok_or_else(|| Fault::unreadable("cause of a transition", &cause))?,
        severity: severity(&row.get::<_, String>(6)?)?,
        period: period(row.get(7)?)?,
        pull: row.get::<_, Option<i64>>(8)?.map(PullId),
        at: time(row, 9)?,
    };
    Ok((transition, from_json("message", &row.get::<_, String>(10)?)?))
}
