//! What is done to a store as a whole, by hand or by a timer: checked, copied, put back, made small, carried elsewhere.
//!
//! Nothing here needs an open [`Store`](super::Store); each call blocks until it is done.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::sqlite::upkeep;
use super::{Location, StoreError, moving, postgres};
use crate::base::clock::Timestamp;

/// What does the same on a server.
const BACK_UP: &str = "back it up with `pg_dump` or `pg_basebackup`, or copy it to a file with `store move`";
const RESTORE: &str = "restore what `pg_dump` wrote with `pg_restore`, into an empty database; a store in a file is brought \
    there by `store move`";
const VACUUM: &str = "the server does that by itself (autovacuum); `VACUUM FULL` gives room back to the disk";
const EXPORT: &str = "copy it to a file with `store move` and export that, or use `pg_dump`";
const IMPORT: &str = "import the lines into a file, and bring that there with `store move`";

/// Hears how far long work has come: so much is done, of so much.
pub type Progress = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkup {
    /// The number of its schema.
    pub schema: i32,
    /// Its name, on which the ids of deliveries depend.
    pub id: String,
    /// Bytes of the database.
    pub file_bytes: u64,
    /// Bytes of the write-ahead log beside it.
    pub log_bytes: u64,
    /// How many rows each table has, by name.
    pub tables: Vec<(String, u64)>,
    /// When the first and the last pull were.
    pub pulls: Option<(Timestamp, Timestamp)>,
    /// How many questions were asked of what is stored.
    pub questions: usize,
    /// What is wrong.
    pub damages: Vec<Damage>,
}

/// Something in a store that contradicts what it holds besides, or itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// What it is, in words.
    pub what: String,
    /// How often it was found.
    pub count: u64,
    /// Where, for one of them.
    pub example: String,
}

/// A backup that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Where it is.
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: u64,
    /// Older ones that are gone since it is there.
    pub removed: Vec<PathBuf>,
}

/// What became of a store that was put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Its bytes.
    pub bytes: u64,
    /// Where the store is that was there before.
    pub kept: Option<PathBuf>,
    /// Its new name.
    pub id: String,
}

/// How much a store shrank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vacuumed {
    /// Bytes before.
    pub before: u64,
    /// Bytes since.
    pub after: u64,
}

/// What became of a store that was carried to another place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The name that it has there.
    pub id: String,
    /// How many rows of each table.
    pub tables: Vec<(String, u64)>,
    /// Who had the store when it was read: what they stored since is not in the new one.
    pub held_by: Option<String>,
}

impl Moved {
    /// How many rows there are in all.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|(_, rows)| rows).sum()
    }
}

/// What was written to lines or read from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// The number of the schema that the lines speak of.
    pub schema: i32,
    /// How many rows of each table, in the order of the lines.
    pub tables: Vec<(String, u64)>,
    /// Bytes of the lines, before they are compressed.
    pub bytes: u64,
    /// SHA-256 of the lines before the last, in hex.
    pub sha256: String,
}

impl Carried {
    /// How many rows there are in all.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|(_, rows)| rows).sum()
    }
}

impl Location {
    /// Reads all of a store and says what is wrong with it; nothing is changed, and a daemon may have it. An error says
    /// that there is no store of ours that could be looked at; damage is no error.
    pub fn check(&self) -> Result<Checkup, StoreError> {
        match self {
            Self::Sqlite(path) => upkeep::check(path),
            Self::Postgres(server) => postgres::check(server),
        }
    }

    /// Writes a copy of a store as of one moment to a file, which is there once it is whole and on the disk; a daemon
    /// may have the store. A file that is there is replaced only where that is wanted.
    pub fn back_up(&self, to: &Path, replace: bool, progress: &Progress) -> Result<Backup, StoreError> {
        upkeep::back_up(self.file_or(BACK_UP)?, to, replace, progress)
    }

    /// The same to a folder, named by the time (`supplywatch-20261127T063000Z.db`); of those that are named so in it the
    /// newest `keep` stay.
    pub fn back_up_in(
        &self,
        folder: &Path,
        keep: usize,
        now: Timestamp,
        progress: &Progress,
    ) -> Result<Backup, StoreError> {
        upkeep::back_up_in(self.file_or(BACK_UP)?, folder, keep, now, progress)
    }

    /// Puts a backup in the place of the store, which no process may have. It gets a new name, so that no delivery that
    /// it will owe has an id that a receiver knows from the time after the backup; what it owes already keeps its ids.
    pub fn restore(&self, from: &Path, progress: &Progress) -> Result<Restored, StoreError> {
        upkeep::restore(self.file_or(RESTORE)?, from, progress)
    }

    /// Gives the room that nothing uses any more back to the disk; no process may have the store meanwhile.
    pub fn vacuum(&self, progress: &Progress) -> Result<Vacuumed, StoreError> {
        upkeep::vacuum(self.file_or(VACUUM)?, progress)
    }

    /// Writes everything that is stored, as of one moment, as lines of JSON to a file (compressed where its name ends
    /// with `.gz`) or, without one, to standard output; a daemon may have the store.
    pub fn export(
        &self,
        to: Option<&Path>,
        replace: bool,
        now: Timestamp,
        progress: &Progress,
    ) -> Result<Carried, StoreError> {
        upkeep::export(self.file_or(EXPORT)?, to, replace, now, progress)
    }

    /// Makes a store of lines that [`Location::export`] wrote, of this schema or an older one; without a file, of those
    /// from standard input. There must be no store yet, or an empty file. All of it is there in the end, or nothing. It
    /// gets a new name, like one that is put back.
    pub fn import(&self, from: Option<&Path>, now: Timestamp, progress: &Progress) -> Result<Carried, StoreError> {
        upkeep::import(self.file_or(IMPORT)?, from, now, progress)
    }

    /// Copies all of a store, as of one moment, to a place where there is none, in a file or on a server; a daemon may have
    /// the one that is read, which stays as it is. What arrived is read again and compared; all of it is there in the end,
    /// or nothing. It gets a new name, like one that is put back.
    pub fn move_to(&self, to: &Self, now: Timestamp, progress: &Progress) -> Result<Moved, StoreError> {
        moving::carry(self, to, now, progress)
    }
}
