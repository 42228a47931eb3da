//! Who works on the server, by the server's clock: no replica's own decides who is taken for dead.

use super::Postgres;
use crate::base::clock::Timestamp;
use crate::store::sql::{self, Connection, End, Fault, Row};
use crate::store::{Beat, Colleague, Held, Holder, Replica, StoreError};

/// The server's clock, in milliseconds.
const NOW: &str = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)";
/// Burying waits no longer for what a replica has taken in the middle of something: the next beat tries again.
const SHORTLY: &str = "SET LOCAL lock_timeout = 1000";

impl Postgres {
    /// See [`crate::store::Store::beat`].
    pub async fn beat(&self, me: &Replica, now: Timestamp) -> Result<Beat, StoreError> {
        let me = me.clone();
        let beat = self.write(move |transaction| beat(transaction, &me, now).map(End::Commit)).await?;
        // By itself, so that what a dead replica has locked keeps no living one from saying that it is there.
        let buried = self.write(|transaction| bury(transaction).map(End::Commit)).await;
        Ok(Beat { buried: buried.unwrap_or_default(), ..beat })
    }

    /// See [`crate::store::Store::leave`].
    pub async fn leave(&self, holder: &Holder) -> Result<(), StoreError> {
        let holder = holder.0.clone();
        self.write(move |transaction| {
            transaction.prepare("DELETE FROM replica WHERE id = ?1")?.execute([&holder])?;
            sql::free(transaction, Some(&holder), Held::ALL).map(End::Commit)
        })
        .await
    }

    /// See [`crate::store::Store::what_may_be_lost`].
    pub async fn what_may_be_lost(&self) -> Result<Option<&'static str>, StoreError> {
        self.call(|connection| {
            let select = "SELECT current_setting('fsync'), current_setting('synchronous_commit'),
                current_setting('synchronous_standby_names'), (SELECT count(*) FROM pg_stat_replication)";
            let read = |row: &Row<'_>| Ok(may_be_lost(row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
            connection.prepare(select)?.query_one((), read)
        })
        .await
    }

    /// See [`crate::store::Store::replicas`].
    pub async fn replicas(&self) -> Result<Vec<Colleague>, StoreError> {
        self.call(replicas).await
    }
}

/// What the server's settings let be lost.
fn may_be_lost(fsync: &str, commit: &str, names: &str, standbys: i64) -> Option<&'static str> {
    match (fsync, commit, names.trim()) {
        ("off", ..) => Some("`fsync` is off: a power cut may lose or damage all that is stored; switch it on"),
        (_, "off", _) => Some("`synchronous_commit` is off: a crash loses the last moments; set it to `on`"),
        (_, "local", _) => Some("`synchronous_commit` is `local`: a failover loses the last moments; set it to `on`"),
        (_, _, "") if standbys > 0 => Some(
            "its standbys are asynchronous: after a failover the last changes are unknown though they were told; name \
             them in `synchronous_standby_names`",
        ),
        _ => None,
    }
}

fn beat(transaction: &Connection<'_>, me: &Replica, now: Timestamp) -> Result<Beat, Fault> {
    let lease_ms = i64::try_from(me.lease.as_millis()).unwrap_or(i64::MAX);
    let say = format!(
        "INSERT INTO replica(id, host, version, config, started_at, beat_at, lease_ms, ahead_ms)
         VALUES (?1, ?2, ?3, ?4, {NOW}, {NOW}, ?5, ?6 - {NOW})
         ON CONFLICT(id) DO UPDATE SET config = excluded.config, beat_at = excluded.beat_at,
         lease_ms = excluded.lease_ms, ahead_ms = excluded.ahead_ms
         RETURNING ahead_ms, xmax = 0"
    );
    let values = (&me.holder.0, &me.host, &me.version, &me.config, lease_ms, now.millis());
    let (ahead_ms, is_new) = transaction.prepare(&say)?.query_one(values, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let others = format!(
        "SELECT host || ' (' || id || ')' FROM replica
         WHERE id <> ?1 AND config <> ?2 AND beat_at + lease_ms >= {NOW} ORDER BY 1"
    );
    let mut others = transaction.prepare(&others)?;
    let differing =
        others.query_and_then((&me.holder.0, &me.config), |row| row.get(0))?.collect::<Result<_, Fault>>()?;
    Ok(Beat { ahead_ms, is_new, buried: Vec::new(), differing })
}

/// Takes those for dead that have said nothing for too long.
fn bury(transaction: &Connection<'_>) -> Result<Vec<String>, Fault> {
    if let Some(session) = transaction.on_server() {
        session.simple(SHORTLY)?;
    }
    let remove = format!("DELETE FROM replica WHERE beat_at + lease_ms < {NOW} RETURNING id");
    let dead: Vec<String> =
        transaction.prepare(&remove)?.query_and_then((), |row| row.get(0))?.collect::<Result<_, Fault>>()?;
    dead.iter().try_for_each(|id| sql::free(transaction, Some(id), Held::ALL))?;
    Ok(dead)
}

fn replicas(connection: &Connection<'_>) -> Result<Vec<Colleague>, Fault> {
    let select = format!(
        "SELECT id, host, version, config, started_at, {NOW} - beat_at, lease_ms, ahead_ms,
            (SELECT count(*) FROM eval_task t WHERE t.state = 'pending' AND t.holder = replica.id),
            (SELECT count(*) FROM delivery d WHERE d.state = 'pending' AND d.holder = replica.id)
         FROM replica ORDER BY started_at, id"
    );
    let mut feeds = connection.prepare("SELECT substr(name, 6) FROM lease WHERE holder = ?1 ORDER BY name")?;
    let mut select = connection.prepare(&select)?;
    let count = |count: i64| usize::try_from(count).unwrap_or_default();
    let found = select.query_and_then((), |row| {
        Ok(Colleague {
            id: row.get(0)?,
            host: row.get(1)?,
            version: row.get(2)?,
            config: row.get(3)?,
            started_at: Timestamp::from_millis(row.get(4)?),
            silent_ms: row.get(5)?,
            lease_ms: row.get(6)?,
            ahead_ms: row.get(7)?,
            feeds: Vec::new(),
            tasks: count(row.get(8)?),
            deliveries: count(row.get(9)?),
        })
    })?;
    let mut all: Vec<Colleague> = found.collect::<Result<_, Fault>>()?;
    for colleague in &mut all {
        colleague.feeds = feeds.query_and_then([&colleague.id], |row| row.get(0))?.collect::<Result<_, Fault>>()?;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_may_lose_is_said_with_what_to_do() {
        let says = |fsync, commit, names, standbys, words: &str| {
            let told = may_be_lost(fsync, commit, names, standbys);
            assert!(told.is_some_and(|told| told.contains(words)), "{words}: {told:?}");
        };
        says("off", "on", "*", 1, "`fsync` is off");
        says("on", "off", "*", 1, "crash loses");
        says("on", "local", "*", 1, "failover loses");
        says("on", "on", " ", 2, "asynchronous");
        assert_eq!(may_be_lost("on", "on", "ANY 1 (b, c)", 2), None);
        assert_eq!(may_be_lost("on", "remote_apply", "", 0), None, "one server, and its disk");
    }
}
