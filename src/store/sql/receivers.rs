//! How receivers stand by the attempts so far, and what each is owed.

use std::collections::{BTreeMap, BTreeSet};

use super::End;
use super::columns::{counted, millis, some_time};
use super::connection::{Connection, Row};
use super::fault::Fault;
use super::gather::end_with;
use crate::base::clock::Timestamp;
use crate::outbox::{Attempt, Standing};
use crate::store::{Ended, Owed, Store, StoreError};

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
                    FROM (
                        SELECT receiver, state, created_at FROM delivery WHERE state = 'pending'
                        UNION ALL
                        SELECT receiver, state, created_at FROM delivery
                        WHERE state = 'dead' AND state <> 'sent' AND state <> 'pending') AS unsent
                    GROUP BY receiver";
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
            let bury = "UPDATE delivery SET state = 'dead',
                    last_error = coalesce(last_error, 'given up: its receiver was disabled all the time')
                    WHERE state = 'pending' AND told_by IS NULL AND receiver = ?1 AND patience_from < ?2
                    AND holder IS NULL RETURNING seq";
            let mut bury = transaction.prepare(bury)?;
            let buried = bury.query_and_then((receiver, before.millis()), |row| row.get(0))?;
            let buried: Vec<i64> = buried.collect::<Result<_, _>>()?;
            end_with(transaction, buried.iter().copied())?;
            Ok(if buried.is_empty() { End::RollBack(0) } else { End::Commit(buried.len()) })
        })
        .await
    }

    /// Lets a whole receiver rest until then.
    #[cfg(test)]
    pub async fn pause_receiver(&self, receiver: &str, until: Timestamp) -> Result<(), StoreError> {
        let receiver = receiver.to_owned();
        self.write(move |transaction| {
            let standing = standings(transaction, [&receiver])?.remove(0);
            let rests_until = standing.rests_until.max(Some(until));
            stand(transaction, [(receiver.as_str(), Standing { rests_until, ..standing })])?;
            Ok(End::Commit(()))
        })
        .await
    }
}

/// Takes receivers for this transaction, but for those that another has; those that it took. In a file all are free.
pub fn take(transaction: &Connection<'_>, names: Vec<&str>) -> Result<BTreeSet<String>, Fault> {
    if transaction.on_server().is_none() || names.is_empty() {
        return Ok(names.into_iter().map(ToOwned::to_owned).collect());
    }
    make_known(transaction, &names)?;
    let select = format!("SELECT r.name FROM receiver r WHERE r.name = ?1 {}", transaction.leaving_out_taken("r"));
    let taken = transaction.prepare(&select)?.query_each(names.iter().map(|name| [*name]), |row| row.get(0))?;
    Ok(taken.into_iter().flatten().collect())
}

/// Gives receivers a row, each of which may have none.
fn make_known(transaction: &Connection<'_>, names: &[&str]) -> Result<(), Fault> {
    let insert = "INSERT INTO receiver(name, paused_until) VALUES (?1, 0) ON CONFLICT DO NOTHING";
    transaction.prepare(insert)?.execute_each(names.iter().map(|name| [*name]))?;
    Ok(())
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

/// How receivers stand.
pub fn standings<'n, N: AsRef<str> + 'n>(
    transaction: &Connection<'_>,
    names: impl IntoIterator<Item = &'n N>,
) -> Result<Vec<Standing>, Fault> {
    let found = read_standings(transaction, names.into_iter().map(AsRef::as_ref), "")?;
    Ok(found.into_iter().map(Option::unwrap_or_default).collect())
}

fn read_standings<'n>(
    transaction: &Connection<'_>,
    names: impl Iterator<Item = &'n str>,
    end: &str,
) -> Result<Vec<Option<Standing>>, Fault> {
    let select = format!("SELECT {STANDING} FROM receiver WHERE name = ?1 {end}");
    transaction.prepare(&select)?.query_each(names.map(|name| [name]), |row| read_standing(row, 0))
}

/// Writes how receivers stand after attempts. Where that is no news nothing is written, and no replica waits for another
/// that brings messages to the same receiver.
pub fn stand_after<'e>(transaction: &Connection<'_>, ended: impl Iterator<Item = &'e Ended>) -> Result<(), Fault> {
    let mut outcomes: BTreeMap<&str, Vec<&Attempt>> = BTreeMap::new();
    for Ended { receiver, attempt, .. } in ended {
        outcomes.entry(receiver).or_default().push(attempt);
    }
    let after = |before: Option<&Standing>, attempts: &[&Attempt]| {
        let next = |standing: Standing, attempt: &&Attempt| standing.after(&attempt.outcome, attempt.finished_at);
        attempts.iter().fold(before.cloned().unwrap_or_default(), next)
    };
    let before = read_standings(transaction, outcomes.keys().copied(), "")?;
    let news = outcomes.into_iter().zip(before);
    // That it was ever sent anything is news, too.
    let is_news = |attempts: &[&Attempt], before: &Standing| after(Some(before), attempts).is_news_to(before);
    let news = news.filter(|((_, attempts), before)| before.as_ref().is_none_or(|before| is_news(attempts, before)));
    let news: Vec<(&str, Vec<&Attempt>)> = news.map(|(of_receiver, _)| of_receiver).collect();
    if news.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = news.iter().map(|(name, _)| *name).collect();
    make_known(transaction, &names)?;
    let before = read_standings(transaction, names.into_iter(), transaction.for_update())?;
    stand(
        transaction,
        news.iter().zip(&before).map(|((name, attempts), before)| (*name, after(before.as_ref(), attempts))),
    )
}

/// Writes how receivers stand.
fn stand<'n>(
    transaction: &Connection<'_>,
    standings: impl IntoIterator<Item = (&'n str, Standing)>,
) -> Result<(), Fault> {
    let write = "INSERT INTO receiver(name, paused_until, failures, failing_since, last_error, disabled_at, last_ok_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT(name) DO UPDATE SET paused_until = ?2, failures = ?3,
        failing_since = ?4, last_error = ?5, disabled_at = ?6, last_ok_at = ?7";
    let values = standings.into_iter().map(|(name, standing)| {
        (
            name,
            standing.rests_until.map_or(0, Timestamp::millis),
            standing.failures,
            millis(standing.failing_since),
            standing.last_error,
            millis(standing.disabled_at),
            millis(standing.last_ok_at),
        )
    });
    transaction.prepare(write)?.execute_each(values)?;
    Ok(())
}
