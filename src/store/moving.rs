//! A store carried to another place, of whichever kind.

use super::sql::{self, Arrived, Broken, Connection};
use super::sqlite::upkeep;
use super::{Damage, Held, Location, Moved, Progress, StoreError, postgres};
use crate::base::clock::Timestamp;

/// See [`Location::move_to`].
pub fn carry(from: &Location, to: &Location, now: Timestamp, progress: &Progress) -> Result<Moved, StoreError> {
    let held_before = held_by(from)?;
    let (arrived, id) = match to {
        Location::Sqlite(path) => {
            let ground = upkeep::Ground::take(path)?;
            let broken = |broken| at_its_end(broken, from, &Location::Sqlite(ground.store().to_owned()));
            let fill = |source: &Connection<'_>| {
                let there = ground.begin(now).map_err(Broken::To)?;
                let arrived = arrive(source, &Connection::Sqlite(&there), progress)?;
                upkeep::Ground::end(&there).map_err(Broken::To)?;
                Ok(arrived)
            };
            let arrived = read(from, fill)?.map_err(broken)?;
            expect_whole(from, upkeep::check(ground.draft())?.damages)?;
            ground.finish()?;
            arrived
        }
        Location::Postgres(server) => {
            let ground = postgres::Ground::take(server)?;
            let fill = |source: &Connection<'_>| arrive(source, &ground.begin(now).map_err(Broken::To)?, progress);
            let arrived = read(from, fill)?.map_err(|broken| at_its_end(broken, from, to))?;
            expect_whole(from, ground.damages()?)?;
            ground.finish()?;
            arrived
        }
    };
    let tables = arrived.into_iter().map(|table| (table.table.to_owned(), table.rows)).collect();
    // Whoever has it, or came meanwhile, may have stored more. What was copied is there, whatever comes of this question.
    let held_by = held_before.or_else(|| held_by(from).unwrap_or_default());
    Ok(Moved { id, tables, held_by })
}

/// Who works on a store, in words.
fn held_by(store: &Location) -> Result<Option<String>, StoreError> {
    match store {
        Location::Sqlite(path) => Ok(upkeep::held_by(path)),
        Location::Postgres(server) => postgres::held_by(server),
    }
}

/// Reads all of a store as of one moment; begun anew where a process came in between.
fn read<T>(
    from: &Location,
    read: impl FnMut(&Connection<'_>) -> Result<T, Broken>,
) -> Result<Result<T, Broken>, StoreError> {
    match from {
        Location::Sqlite(path) => upkeep::read_whole(path, read),
        Location::Postgres(server) => postgres::read_whole(server, read),
    }
}

/// Copies all rows, reads them again there, and makes another store of them.
///
/// It has a new name, on which the ids of messages depend: the store that it came from may go on, and its next message for
/// an alert would have the id of the next one of this store; a receiver that drops ids that it knows would drop what it was
/// never told. What is owed already keeps its ids, so that it is told once, whoever tells it. Nobody holds any of it.
fn arrive(
    source: &Connection<'_>,
    there: &Connection<'_>,
    progress: &Progress,
) -> Result<(Vec<Arrived>, String), Broken> {
    let arrived = sql::transfer(source, there, progress)?;
    sql::verify(there, &arrived, progress).map_err(Broken::To)?;
    sql::free(there, None, Held::ALL).map_err(Broken::To)?;
    let id = sql::rename(there).map_err(Broken::To)?;
    Ok((arrived, id))
}

/// Damage is not carried on: it is the store's from which it came, of which there is a backup.
fn expect_whole(from: &Location, damages: Vec<Damage>) -> Result<(), StoreError> {
    match damages.into_iter().next() {
        None => Ok(()),
        Some(Damage { what, example, .. }) => {
            Err(StoreError::Damaged { path: from.shown().into(), detail: format!("{what}: {example}") })
        }
    }
}

/// The error of whichever end it was.
fn at_its_end(broken: Broken, from: &Location, to: &Location) -> StoreError {
    let (place, fault) = match broken {
        Broken::From(fault) => (from, fault),
        Broken::To(fault) => (to, fault),
    };
    match place {
        Location::Sqlite(path) => fault.at(path),
        Location::Postgres(server) => fault.on(server),
    }
}

#[cfg(test)]
mod tests;
