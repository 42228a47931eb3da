//! How receivers stand by the attempts so far, and what each is owed.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::types::Type;

use super::End;
use super::columns::{counted, millis, some_time};
use super::connection::{Connection, Row};
use super::fault::Fault;
use super::gather::end_with;
use crate::base::clock::Timestamp;
use crate::outbox::Standing;
use crate::store::postgres::Sent;
use crate::store::{Owed, Store, StoreError};

impl Store {
    /// How the receivers stand that were ever sent anything.
    pub async fn receivers(&self) -> Result<BTreeMap<String, Standing>, StoreError> {
        self.call(|connection| {
            let select = format!("SELECT name, {STANDING} FROM receiver");
            let mut select = connection.prepare(&select)?;
            let read = |row: &Row<'_>| Ok((row.get(0)?, read_standing(row, 1)?));
            select.query_and_then((), read)?.collect::<Result<_, Fault>>()
        })
        .await
    }

    /// What each receiver is owed that has not all of it.
    pub async fn owed(&self) -> Result<BTreeMap<String, Owed>, StoreError> {
        self.call(|connection| {
            let select = "SELECT receiver, count(*) FILTER (WHERE state = 'pending'),
                    min(created_at) FILTER (WHERE state = 'pending'), count(*) FILTER (WHERE state = 'dead'),
                    max(created_at) FILTER (WHERE state = 'dead')
                    FROM delivery WHERE state IN ('pending', 'dead') GROUP BY receiver";
            let mut select = connection.prepare(select)?;
            let read = |row: &Row<'_>| {
                let (waiting, dead) = (counted(row, 1)?, counted(row, 3)?);
                Ok((row.get(0)?, Owed { waiting, oldest: some_time(row, 2)?, dead, newest_dead: some_time(row, 4)? }))
            };
            select.query_and_then((), read)?.collect::<Result<_, Fault>>()
        })
        .await
    }

    /// Enables disabled receivers, all of them or one; their names.
    pub async fn enable_receivers(&self, only: Option<&str>) -> Result<Vec<String>, StoreError> {
        let only = only.map(ToOwned::to_owned);
        self.write(move |transaction| {
            let enable = "UPDATE receiver SET disabled_at = NULL, failures = 0, paused_until = 0
                    WHERE disabled_at IS NOT NULL AND (?1 IS NULL OR name = ?1) RETURNING name";
            let mut enable = transaction.prepare(enable)?;
            let enabled = enable.query_and_then([only], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
            Ok(if enabled.is_empty() { End::RollBack(enabled) } else { End::Commit(enabled) })
        })
        .await
    }

    /// Gives up what waits for a receiver since before then and is not under way; how many messages.
    pub async fn give_up(&self, receiver: &str, before: Timestamp) -> Result<usize, StoreError> {
        let receiver = receiver.to_owned();
        self.write(move |transaction| {
            take(transaction, [receiver.as_str()].into(), true)?;
            let bury = "UPDATE delivery SET state = 'dead',
                    last_error = coalesce(last_error, 'given up: its receiver was disabled all the time')
                    WHERE state = 'pending' AND told_by IS NULL AND receiver = ?1 AND patience_from < ?2
                    AND holder IS NULL RETURNING seq";
            let mut bury = transaction.prepare(bury)?;
            let buried = bury.query_and_then((receiver, before.millis()), |row| row.get(0))?;
            let buried: Vec<i64> = buried.collect::<Result<_, _>>()?;
            buried.iter().try_for_each(|seq| end_with(transaction, *seq))?;
            Ok(if buried.is_empty() { End::RollBack(0) } else { End::Commit(buried.len()) })
        })
        .await
    }

    /// Lets a whole receiver rest until then.
    #[cfg(test)]
    pub async fn pause_receiver(&self, receiver: &str, until: Timestamp) -> Result<(), StoreError> {
        let receiver = receiver.to_owned();
        self.write(move |transaction| {
            let standing = standing(transaction, &receiver)?;
            let rests_until = standing.rests_until.max(Some(until));
            stand(transaction, &receiver, &Standing { rests_until, ..standing })?;
            Ok(End::Commit(()))
        })
        .await
    }
}

/// Takes receivers for this transaction, in one order, so that nobody else takes or records deliveries of them
/// meanwhile: all of them, or those alone that nobody has. In a file all are free.
pub fn take(transaction: &Connection<'_>, names: BTreeSet<&str>, waits: bool) -> Result<BTreeSet<String>, Fault> {
    let Some(session) = transaction.on_server().filter(|_| !names.is_empty()) else {
        return Ok(names.into_iter().map(ToOwned::to_owned).collect());
    };
    let names: Vec<&str> = names.into_iter().collect();
    let values: [Sent<'_>; 1] = [(&names, Type::TEXT_ARRAY)];
    let select = format!(
        "SELECT name FROM receiver WHERE name = ANY($1) ORDER BY name FOR UPDATE {}",
        if waits { "" } else { "SKIP LOCKED" }
    );
    let insert = "INSERT INTO receiver(name) SELECT name FROM unnest($1) AS name
        WHERE name NOT IN (SELECT r.name FROM receiver r) ON CONFLICT DO NOTHING";
    session.tell(insert, &values)?;
    session.ask(&select, &values)?.iter().map(|row| Row::Postgres(row).get(0)).collect()
}

/// The columns of [`read_standing`].
const STANDING: &str = "failures, failing_since, last_error, nullif(paused_until, 0), disabled_at, last_ok_at";

fn read_standing(row: &Row<'_>, first: usize) -> Result<Standing, Fault> {
    Ok(Standing {
        failures: row.get(first)?,
        failing_since: some_time(row, first + 1)?,
        last_error: row.get(first + 2)?,
        rests_until: some_time(row, first + 3)?,
        disabled_at: some_time(row, first + 4)?,
        last_ok_at: some_time(row, first + 5)?,
    })
}

/// How a receiver stands.
pub fn standing(transaction: &Connection<'_>, receiver: &str) -> Result<Standing, Fault> {
    let select = format!("SELECT {STANDING} FROM receiver WHERE name = ?1");
    let mut select = transaction.prepare(&select)?;
    let mut found = select.query([receiver])?;
    found.next()?.map_or_else(|| Ok(Standing::default()), |row| read_standing(&row, 0))
}

/// Writes how a receiver stands.
pub fn stand(transaction: &Connection<'_>, receiver: &str, standing: &Standing) -> Result<(), Fault> {
    let write = "INSERT INTO receiver(name, paused_until, failures, failing_since, last_error, disabled_at, last_ok_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT(name) DO UPDATE SET paused_until = ?2, failures = ?3,
        failing_since = ?4, last_error = ?5, disabled_at = ?6, last_ok_at = ?7";
    transaction.prepare(write)?.execute((
        receiver,
        standing.rests_until.map_or(0, Timestamp::millis),
        standing.failures,
        millis(standing.failing_since),
        &standing.last_error,
        millis(standing.disabled_at),
        millis(standing.last_ok_at),
    ))?;
    Ok(())
}
