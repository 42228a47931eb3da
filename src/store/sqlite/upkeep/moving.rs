//! A file's part in carrying a store to another place.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::draft::Draft;
use crate::base::clock::Timestamp;
use crate::store::sql::{self, Broken, Fault};
use crate::store::sqlite::copy::look;
use crate::store::sqlite::lock::{Lock, owner};
use crate::store::sqlite::open::{absolute, expected, has_log, version};
use crate::store::sqlite::schema::{MIGRATIONS, migrate, newest};
use crate::store::{Owner, StoreError};

/// Reads all of a store as of one moment, beside the process that may have it; begun anew where one came in between.
pub fn read_whole<T>(
    store: &Path,
    mut read: impl FnMut(&sql::Connection<'_>) -> Result<T, Broken>,
) -> Result<Result<T, Broken>, StoreError> {
    expected(store)?;
    let store = &absolute(store)?;
    let done = look(store, |connection| {
        connection.execute_batch("BEGIN")?;
        match version(connection)? {
            found if found < newest(MIGRATIONS) => Err(Fault::Older(found)),
            _ => Ok(read(&sql::Connection::Sqlite(connection))),
        }
    });
    done.map_err(|fault| fault.at(store))
}

/// The process that has a store, in words.
pub fn held_by(store: &Path) -> Option<String> {
    match owner(&absolute(store).ok()?) {
        Owner::Process(by) => Some(by.map_or_else(|| "a process".to_owned(), |pid| format!("process {pid}"))),
        Owner::Nobody | Owner::Unseen => None,
    }
}

/// A file that becomes a store once all of it is there; what is dropped before leaves nothing.
pub struct Ground {
    store: PathBuf,
    draft: Draft,
    _lock: Lock,
}

impl Ground {
    /// Takes a place where there is no store.
    pub fn take(store: &Path) -> Result<Self, StoreError> {
        let store = absolute(store)?;
        let lock = Lock::take(&store)?;
        if has_log(&store) || std::fs::metadata(&store).is_ok_and(|file| file.len() > 0) {
            return Err(StoreError::Occupied { path: store });
        }
        Ok(Self { draft: Draft::begin(&store)?, store, _lock: lock })
    }

    /// The store that is to be.
    pub fn store(&self) -> &Path {
        &self.store
    }

    /// Where it is meanwhile.
    pub fn draft(&self) -> &Path {
        self.draft.path()
    }

    /// Begins it, or begins it anew: empty tables, and a transaction in which they are filled.
    pub fn begin(&self, now: Timestamp) -> Result<Connection, Fault> {
        self.draft.empty().map_err(|error| Fault::File { path: self.store.clone(), error })?;
        let mut connection = Connection::open(self.draft.path())?;
        // It has no name before it is whole, so that nothing of it need be undone; and all references are looked at then.
        connection.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF")?;
        migrate(&mut connection, MIGRATIONS, 0, now)?;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        Ok(connection)
    }

    /// Ends what was begun.
    pub fn end(connection: &Connection) -> Result<(), Fault> {
        connection.execute_batch("COMMIT").map_err(Fault::Commit)
    }

    /// Brings it to the disk and gives it its name.
    pub fn finish(self) -> Result<(), StoreError> {
        self.draft.finish_store().map(|_| ())
    }
}
