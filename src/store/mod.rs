//! What is kept: vintages, alerts with their transitions, and the outbox, behind one interface.
//!
//! The store keeps and fences; it neither judges figures nor sends messages. Times are arguments, so
//! that tests own the clock. Only the files in here know SQL.

#[cfg(test)]
pub mod contract;
mod delivery;
mod delta;
mod error;
mod moving;
pub mod postgres;
mod pull;
mod reading;
mod replicas;
mod sql;
mod sqlite;
mod upkeep;
mod work;

use std::path::{Path, PathBuf};

pub use delivery::{DeliveryRecord, DeliveryState, Ended, Gathers, Leased, Owed, Place, Room, Taking};
pub use error::StoreError;
pub use postgres::Server;
pub use pull::{Appended, FailedPull, FeedState, Holding, NewPull, Piece, PullOutcome, PullRecord, SeriesRef, Summary};
pub use reading::{AlertCount, AlertPlace, AlertQuery, DeliveryCount, DeliveryQuery, Facts, Page, Recent, SeriesQuery};
pub use replicas::{Beat, Colleague, Owner, Replica};
pub use upkeep::{Backup, Carried, Checkup, Damage, Moved, Progress, Restored, Vacuumed};
pub use work::{Claim, Committed, Forgotten, Held, Hint, Holder, Lease, Look, Settled, Task};

use crate::base::clock::Timestamp;
use postgres::Postgres;
use sql::{Connection, End, Fault};
use sqlite::Sqlite;

/// Where the store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// An SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL database.
    Postgres(Box<Server>),
}

impl Location {
    /// Whether there is a store yet.
    pub fn is_there(&self) -> bool {
        match self {
            Self::Sqlite(path) => path.exists(),
            // Only the server knows, and says so when it is asked.
            Self::Postgres(_) => true,
        }
    }

    /// The file; an error where it is none.
    pub fn file(&self) -> Result<&Path, StoreError> {
        self.file_or("use that server's own tools for it")
    }

    /// The same; the error says what to use instead.
    fn file_or(&self, instead: &'static str) -> Result<&Path, StoreError> {
        match self {
            Self::Sqlite(path) => Ok(path),
            Self::Postgres(server) => Err(StoreError::NoFile { store: server.shown(), instead }),
        }
    }

    /// Where it is, as it may be shown: of a server never the password.
    pub fn shown(&self) -> String {
        match self {
            Self::Sqlite(path) => path.display().to_string(),
            Self::Postgres(server) => server.shown(),
        }
    }
}

/// The store. Cheap to clone; every clone is the same store.
#[derive(Clone)]
pub enum Store {
    /// Embedded.
    Sqlite(Sqlite),
    /// A server that several replicas share.
    Postgres(Postgres),
}

impl Store {
    /// Opens (and creates or migrates) the store and takes it for this process. Refused with a clear
    /// error: a store that another process has, a newer schema, a damaged or foreign file.
    pub async fn open(location: &Location, now: Timestamp) -> Result<Self, StoreError> {
        match location {
            Location::Sqlite(path) => Sqlite::open(path, now).await.map(Self::Sqlite),
            Location::Postgres(server) => Postgres::open(server, now).await.map(Self::Postgres),
        }
    }

    /// Opens an existing store beside the daemon that may have it, for one short change by hand
    /// (`deliveries retry`): no ownership is taken, writers wait for each other.
    pub async fn open_beside(location: &Location, now: Timestamp) -> Result<Self, StoreError> {
        match location {
            Location::Sqlite(path) => Sqlite::open_beside(path, now).await.map(Self::Sqlite),
            Location::Postgres(server) => Postgres::open_beside(server, now).await.map(Self::Postgres),
        }
    }

    /// Opens a copy in memory: what is written to it is gone with it, and the original is only read.
    /// A store that does not exist yet is an empty copy. Works while a daemon has the original.
    pub async fn open_copy(location: &Location, now: Timestamp) -> Result<Self, StoreError> {
        match location {
            Location::Sqlite(path) => Sqlite::open_copy(path, now).await.map(Self::Sqlite),
            Location::Postgres(server) => Sqlite::open_copy_of(server, false, now).await.map(Self::Sqlite),
        }
    }

    /// The same of a store that is there: without one, an error says so.
    pub async fn open_live_copy(location: &Location, now: Timestamp) -> Result<Self, StoreError> {
        match location {
            Location::Sqlite(path) => Sqlite::open_live_copy(path, now).await.map(Self::Sqlite),
            Location::Postgres(server) => Sqlite::open_copy_of(server, true, now).await.map(Self::Sqlite),
        }
    }

    /// Writes what is outstanding to the file itself and lets go of it.
    pub async fn close(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => store.close().await,
            Self::Postgres(store) => store.close().await,
        }
    }

    /// Checkpoints the write-ahead log when it is long or old; its errors are final like any other.
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => store.checkpoint().await,
            // It is the server's own business.
            Self::Postgres(store) => store.may_write(),
        }
    }

    /// Cuts every call off after so many, the first of them after it was done when `done`: for tests.
    #[cfg(test)]
    pub fn crash_after(&self, calls: u32, done: bool) {
        match self {
            Self::Sqlite(sqlite) => sqlite.crash_after(calls, done),
            Self::Postgres(_) => panic!("only a file is cut off"),
        }
    }

    /// Lets no time of a paused runtime go by while the store works, nor wait for the disk: for tests.
    #[cfg(test)]
    pub async fn stand_still(&self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.stand_still().await,
            Self::Postgres(_) => panic!("only a file stands still"),
        }
    }

    /// A random name made with the store; ids of deliveries depend on it.
    pub fn id(&self) -> &str {
        match self {
            Self::Sqlite(store) => store.id(),
            Self::Postgres(store) => store.id(),
        }
    }

    /// Does some work that reads.
    async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        match self {
            Self::Sqlite(store) => store.call(work).await,
            Self::Postgres(store) => store.call(work).await,
        }
    }

    /// Does some work in one transaction.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection<'_>) -> Result<End<T>, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        match self {
            Self::Sqlite(store) => store.write(work).await,
            Self::Postgres(store) => store.write(work).await,
        }
    }

    /// The same without asking of each row whether what it refers to exists: for rows whose series and pull were read or
    /// written just before. It is a fourth of an import's time in a file; a server is never asked of these.
    async fn write_unchecked<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection<'_>) -> Result<End<T>, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        match self {
            Self::Sqlite(store) => store.write_unchecked(work).await,
            Self::Postgres(store) => store.write(work).await,
        }
    }
}
