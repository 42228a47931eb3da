//! Rules, evaluation tasks, and what they come to: alerts, transitions, and what is owed for them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::columns::{count, from_json, gravity, json, labels, period, severity, time};
use super::connection::{Connection, Latch, Row};
use super::fault::Fault;
use super::hush;
use super::outbox::{Debt, owe};
use super::{End, FENCED};
use crate::alert::{Alert, Cause, Hushed, Kind, State, Transition};
use crate::base::clock::Timestamp;
use crate::outbox::Message;
use crate::series::{Labels, PullId};
use crate::store::{Committed, Holder, Look, Settled, Store, StoreError, Task};

/// The columns of [`transition`].
pub const TRANSITION: &str = "rule, labels, number, episode, kind, cause, severity, period, pull, at";
/// The columns of [`alert`].
pub const ALERT: &str = "rule, labels, firing, held, number, episode, assessed, seen, rule_hash, version";

impl Store {
    /// Makes the rules known and says from which pull on each looks at what is new: 0 for a rule that is
    /// there before any data; the newest pull of all for one that comes (or changes its hash) later.
    /// Rules that are not named are forgotten, and how far any rule has looked at a feed that is not.
    pub async fn register_rules(
        &self,
        rules: Vec<(String, String)>,
        feeds: Vec<String>,
    ) -> Result<BTreeMap<String, PullId>, StoreError> {
        self.write(move |transaction| register(transaction, &rules, &feeds).map(End::Commit)).await
    }

    /// How far each rule has looked at each feed, in their order.
    pub async fn looks(&self) -> Result<Vec<Look>, StoreError> {
        self.call(|connection| {
            let select = "SELECT rule, feed, rule_hash, seen, version FROM look ORDER BY rule, feed";
            let mut select = connection.prepare(select)?;
            select.query_and_then((), look)?.collect()
        })
        .await
    }

    /// Claims the oldest evaluation task whose feed has none before it.
    pub async fn lease_task(&self, holder: &Holder, now: Timestamp, ttl: Duration) -> Result<Option<Task>, StoreError> {
        let holder = holder.clone();
        self.write(move |transaction| lease_task(transaction, &holder, now, now.plus(ttl))).await
    }

    /// Gives a task back that was not done, so that it need not run out; one that is no longer ours stays as it is.
    pub async fn release_task(&self, task: &Task) -> Result<(), StoreError> {
        let task = task.clone();
        self.write(move |transaction| {
            let release = "UPDATE eval_task SET holder = NULL, lease_until = 0
                    WHERE pull = ?1 AND shard = ?2 AND holder = ?3 AND claim = ?4 AND state = 'pending'";
            let values = (task.pull.0, task.shard, &task.holder, task.claim);
            transaction.prepare(release)?.execute(values)?;
            Ok(End::Commit(()))
        })
        .await
    }

    /// One alert, if it was ever written.
    pub async fn alert(&self, rule: &str, labels: &Labels) -> Result<Option<Alert>, StoreError> {
        Ok(self.alerts_of(rule, [labels]).await?.pop().flatten())
    }

    /// A rule's alerts on some series, for each as far as it was ever written, in their order.
    pub async fn alerts_of(
        &self,
        rule: &str,
        series: impl IntoIterator<Item = &Labels>,
    ) -> Result<Vec<Option<Alert>>, StoreError> {
        let keys: Vec<(String, String)> = series.into_iter().map(|labels| (rule.to_owned(), labels.key())).collect();
        self.call(move |connection| {
            let select = format!("SELECT {ALERT} FROM alert WHERE rule = ?1 AND labels = ?2");
            connection.prepare(&select)?.query_each(&keys, alert)
        })
        .await
    }

    /// Every alert, in the order of rules and labels.
    pub async fn alerts(&self) -> Result<Vec<Alert>, StoreError> {
        self.call(|connection| {
            let mut select = connection.prepare(&format!("SELECT {ALERT} FROM alert"))?;
            let mut alerts = select.query_and_then((), alert)?.collect::<Result<Vec<Alert>, Fault>>()?;
            alerts.sort_by(|a, b| (&a.rule, &a.labels).cmp(&(&b.rule, &b.labels)));
            Ok(alerts)
        })
        .await
    }

    /// The transitions of an alert with their messages, oldest first.
    pub async fn transitions(&self, rule: &str, labels: &Labels) -> Result<Vec<(Transition, Message)>, StoreError> {
        let key = (rule.to_owned(), labels.key());
        self.call(move |connection| {
            let select =
                format!("SELECT {TRANSITION}, message FROM transition WHERE rule = ?1 AND labels = ?2 ORDER BY number");
            let mut select = connection.prepare(&select)?;
            select.query_and_then(key, told)?.collect()
        })
        .await
    }

    /// Stores what a task came to, how far the rules have looked with it, and that the task is done, in
    /// one transaction, or nothing of it. Without a task (start, reload) it is fenced by the versions of
    /// looks and alerts alone.
    pub async fn commit(
        &self,
        task: Option<&Task>,
        looks: Vec<Look>,
        settled: Vec<Settled>,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        let task = task.cloned();
        self.write(move |transaction| commit(transaction, task.as_ref(), &looks, settled, now)).await
    }

    /// Stores what a part of a task came to while the rest is still worked out: who begins the task anew finds
    /// it done.
    pub async fn commit_part(
        &self,
        task: &Task,
        settled: Vec<Settled>,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        let task = task.clone();
        self.write(move |transaction| {
            if is_held(transaction, &task)? {
                commit(transaction, None, &[], settled, now)
            } else {
                Ok(End::RollBack(Committed::Fenced))
            }
        })
        .await
    }
}

fn register(
    transaction: &Connection<'_>,
    rules: &[(String, String)],
    feeds: &[String],
) -> Result<BTreeMap<String, PullId>, Fault> {
    transaction.one_at_a_time(Latch::Rules)?;
    let newest = "SELECT id FROM pull WHERE outcome = 'changed' ORDER BY id DESC LIMIT 1";
    let newest: Option<i64> = transaction.prepare(newest)?.query_row((), |row| row.get(0))?;
    let keep = "INSERT INTO rule(name, hash, baseline) VALUES (?1, ?2, ?3)
        ON CONFLICT(name) DO UPDATE SET hash = excluded.hash, baseline = excluded.baseline
        WHERE rule.hash <> excluded.hash";
    let mut keep = transaction.prepare(keep)?;
    for (name, hash) in rules {
        keep.execute((name, hash, newest.unwrap_or(0)))?;
    }
    let named: BTreeSet<&str> = rules.iter().map(|(name, _)| name.as_str()).collect();
    let mut baselines = BTreeMap::new();
    let mut known = transaction.prepare("SELECT name, baseline FROM rule")?;
    let mut rows = known.query(())?;
    let mut forgotten = Vec::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        if named.contains(name.as_str()) {
            baselines.insert(name, PullId(row.get(1)?));
        } else {
            forgotten.push(name);
        }
    }
    let mut forget = transaction.prepare("DELETE FROM rule WHERE name = ?1")?;
    for name in forgotten {
        forget.execute([name])?;
    }
    forget_looks(transaction, &named, feeds)?;
    Ok(baselines)
}

/// Forgets how far rules have looked where the rule or the feed is not named: should it come back, it is
/// looked at anew.
fn forget_looks(transaction: &Connection<'_>, rules: &BTreeSet<&str>, feeds: &[String]) -> Result<(), Fault> {
    let feeds: BTreeSet<&str> = feeds.iter().map(String::as_str).collect();
    let mut known = transaction.prepare("SELECT rule, feed FROM look WHERE rule_hash <> ''")?;
    let known = known.query_and_then((), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let known = known.collect::<Result<Vec<(String, String)>, Fault>>()?;
    // Its version goes on, so that who read it before writes nothing.
    let forget = "UPDATE look SET rule_hash = '', seen = NULL, version = version + 1 WHERE rule = ?1 AND feed = ?2";
    let mut forget = transaction.prepare(forget)?;
    for key in known {
        if !rules.contains(key.0.as_str()) || !feeds.contains(key.1.as_str()) {
            forget.execute(key)?;
        }
    }
    Ok(())
}

fn lease_task(
    transaction: &Connection<'_>,
    holder: &Holder,
    now: Timestamp,
    until: Timestamp,
) -> Result<End<Option<Task>>, Fault> {
    let oldest = format!(
        "SELECT t.pull, t.shard, f.name FROM eval_task t JOIN feed f ON f.id = t.feed
        WHERE t.state = 'pending' AND t.lease_until <= ?1 AND NOT EXISTS (
            SELECT 1 FROM eval_task e
            WHERE e.state = 'pending' AND e.feed = t.feed AND e.shard = t.shard AND e.pull < t.pull)
        ORDER BY t.pull, t.shard LIMIT 1 {}",
        if transaction.on_server().is_some() { "FOR UPDATE OF t SKIP LOCKED" } else { "" }
    );
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let found: Option<(i64, i64, String)> = transaction.prepare(&oldest)?.query_row([now.millis()], read)?;
    let Some((pull, shard, feed)) = found else { return Ok(End::RollBack(None)) };
    let take = "UPDATE eval_task SET holder = ?3, claim = claim + 1, lease_until = ?4
        WHERE pull = ?1 AND shard = ?2 RETURNING claim";
    let values = (pull, shard, &holder.0, until.millis());
    let claim = transaction.prepare(take)?.query_one(values, |row| row.get(0))?;
    Ok(End::Commit(Some(Task { pull: PullId(pull), feed, shard, claim, holder: holder.0.clone() })))
}

/// Whether a task is still whose it says, and it stays so until the transaction ends.
fn is_held(transaction: &Connection<'_>, task: &Task) -> Result<bool, Fault> {
    let held = "SELECT 1 FROM eval_task
        WHERE pull = ?1 AND shard = ?2 AND holder = ?3 AND claim = ?4 AND state = 'pending'";
    let values = (task.pull.0, task.shard, &task.holder, task.claim);
    Ok(!FENCED || transaction.prepare(&format!("{held} {}", transaction.for_update()))?.exists(values)?)
}

fn commit(
    transaction: &Connection<'_>,
    task: Option<&Task>,
    looks: &[Look],
    mut settled: Vec<Settled>,
    now: Timestamp,
) -> Result<End<Committed>, Fault> {
    if let Some(task) = task {
        let done = "UPDATE eval_task SET state = 'done', done_at = ?5, holder = NULL, lease_until = 0
            WHERE pull = ?1 AND shard = ?2 AND holder = ?3 AND claim = ?4 AND state = 'pending'";
        let values = (task.pull.0, task.shard, &task.holder, task.claim, now.millis());
        if transaction.prepare(done)?.execute(values)? == 0 && FENCED {
            return Ok(End::RollBack(Committed::Fenced));
        }
    }
    for look in looks {
        if !write_look(transaction, look)? {
            return Ok(End::RollBack(Committed::Fenced));
        }
    }
    let hushes = hush::hushes(transaction, &settled, now)?;
    let hushed = hush::settle(transaction, &hushes, &mut settled, now)?;
    if !write_alerts(transaction, settled.iter().map(|settled| &settled.alert), now)? {
        return Ok(End::RollBack(Committed::Fenced));
    }
    let written = write_transitions(transaction, &settled, &hushed)?;
    let debts = settled.iter().zip(written).flat_map(|(settled, written)| {
        let Settled { transition, deliveries, manners, .. } = settled;
        deliveries.iter().map(move |delivery| {
            let is_same = transition.as_ref().is_some_and(|(_, message)| *message == delivery.message);
            Debt { delivery, same: written.filter(|_| is_same), manners }
        })
    });
    owe(transaction, &debts.collect::<Vec<_>>(), now)?;
    Ok(End::Commit(Committed::Stored))
}

/// Writes how far a rule has looked where the store has the version that it names; whether it has.
fn write_look(transaction: &Connection<'_>, look: &Look) -> Result<bool, Fault> {
    let write = if look.version == 0 {
        "INSERT INTO look(rule, feed, rule_hash, seen, version) VALUES (?1, ?2, ?3, ?4, ?5 + 1)
         ON CONFLICT(rule, feed) DO NOTHING"
    } else {
        "UPDATE look SET rule_hash = ?3, seen = ?4, version = ?5 + 1 WHERE rule = ?1 AND feed = ?2 AND version = ?5"
    };
    let values = (&look.rule, &look.feed, &look.rule_hash, look.seen.map(|seen| seen.0), look.version);
    Ok(transaction.prepare(write)?.execute(values)? == 1)
}

/// Writes alerts where the store has the versions that they name; whether it has all of them.
fn write_alerts<'a>(
    transaction: &Connection<'_>,
    alerts: impl Iterator<Item = &'a Alert>,
    now: Timestamp,
) -> Result<bool, Fault> {
    let insert = "INSERT INTO alert(rule, labels, firing, held, number, episode, assessed, seen, rule_hash, version,
        written_at, id, gravity, since)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 + 1, ?11, ?12, ?13, coalesce(?14, ?11))
        ON CONFLICT(rule, labels) DO NOTHING";
    let update = "UPDATE alert SET firing = ?3, held = ?4, number = ?5, episode = ?6, assessed = ?7, seen = ?8,
        rule_hash = ?9, version = ?10 + 1, written_at = ?11, id = ?12, gravity = ?13,
        since = coalesce(?14, CASE WHEN gravity = 0 THEN since ELSE ?11 END)
        WHERE rule = ?1 AND labels = ?2 AND version = ?10";
    let values = |alert: &'a Alert| {
        let firing = match &alert.state {
            State::Ok => None,
            State::Firing(firing) => Some(firing),
        };
        Ok((
            &alert.rule,
            alert.labels.key(),
            firing.map(json).transpose()?,
            &alert.held,
            alert.number,
            alert.episode,
            alert.assessed.map(|period| period.to_string()),
            alert.seen.0,
            &alert.rule_hash,
            alert.version,
            now.millis(),
            alert.id(),
            count(gravity(firing.map(|firing| firing.severity))),
            firing.map(|firing| firing.said_at.millis()),
        ))
    };
    let (new, known): (Vec<&Alert>, Vec<&Alert>) = alerts.partition(|alert| alert.version == 0);
    for (write, alerts) in [(insert, new), (update, known)] {
        let values = alerts.into_iter().map(values).collect::<Result<Vec<_>, Fault>>()?;
        if transaction.prepare(write)?.execute_each(values)?.into_iter().any(|written| written != 1) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Writes transitions, each with what kept its messages back; the number of each in the store.
fn write_transitions(
    transaction: &Connection<'_>,
    settled: &[Settled],
    hushed: &[Option<Hushed>],
) -> Result<Vec<Option<i64>>, Fault> {
    let insert =
        "INSERT INTO transition(rule, labels, number, episode, kind, cause, severity, period, pull, at, message,
        hushed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) RETURNING seq";
    let values =
        settled.iter().zip(hushed).filter_map(|(settled, hushed)| Some((settled.transition.as_ref()?, hushed)));
    let values = values.map(|((transition, message), hushed)| {
        Ok((
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
            hushed.as_ref().map(json).transpose()?,
        ))
    });
    let values = values.collect::<Result<Vec<_>, Fault>>()?;
    let mut written = transaction.prepare(insert)?.query_each(values, |row| row.get(0))?.into_iter();
    Ok(settled.iter().map(|settled| settled.transition.as_ref().and_then(|_| written.next().flatten())).collect())
}

fn look(row: &Row<'_>) -> Result<Look, Fault> {
    Ok(Look {
        rule: row.get(0)?,
        feed: row.get(1)?,
        rule_hash: row.get(2)?,
        seen: row.get::<Option<i64>>(3)?.map(PullId),
        version: row.get(4)?,
    })
}

pub fn alert(row: &Row<'_>) -> Result<Alert, Fault> {
    let firing: Option<String> = row.get(2)?;
    let state = match firing {
        None => State::Ok,
        Some(firing) => State::Firing(from_json("firing alert", &firing)?),
    };
    Ok(Alert {
        rule: row.get(0)?,
        labels: labels(&row.get::<String>(1)?)?,
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

/// A transition from the columns of [`TRANSITION`].
pub fn transition(row: &Row<'_>) -> Result<Transition, Fault> {
    let (kind, cause): (String, String) = (row.get(4)?, row.get(5)?);
    let known_cause = Cause::ALL.into_iter().find(|known| known.name() == cause);
    Ok(Transition {
        rule: row.get(0)?,
        labels: labels(&row.get::<String>(1)?)?,
        number: row.get(2)?,
        episode: row.get(3)?,
        kind: Kind::from_name(&kind).ok_or_else(|| Fault::unreadable("kind of transition", &kind))?,
        cause: known_cause.ok_or_else(|| Fault::unreadable("cause of a transition", &cause))?,
        severity: severity(&row.get::<String>(6)?)?,
        period: period(row.get(7)?)?,
        pull: row.get::<Option<i64>>(8)?.map(PullId),
        at: time(row, 9)?,
    })
}

/// A transition and, in the column after it, its message.
pub fn told(row: &Row<'_>) -> Result<(Transition, Message), Fault> {
    Ok((transition(row)?, from_json("message", &row.get::<String>(10)?)?))
}
