//! The store in one SQLite file, owned by one process and one thread of it.
//!
//! Every change is one transaction that begins as a writer; reads go through the same thread, so they see
//! what was written before them. Who only wants to show what there is asks readers, which have connections and threads
//! of their own and so neither wait for a change nor delay one. What vintages, claims and versions mean is the same for
//! every backend.

mod copy;
mod facts;
mod fault;
mod lock;
mod open;
mod schema;
mod thread;
pub mod upkeep;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
#[cfg(test)]
use std::sync::atomic::Ordering::Relaxed;

use tokio::sync::OnceCell;

use super::sql::{Connection, End, Fault};
use super::{Server, StoreError};
use crate::base::clock::Timestamp;
pub use lock::owner;
use open::Opened;
use thread::{Role, Thread, transact, unchecked};

/// How many threads read for others.
const READERS: usize = 2;

/// An open SQLite store.
#[derive(Clone, Debug)]
pub struct Sqlite {
    thread: Arc<Thread>,
    id: Arc<str>,
    /// A random number, so that versions tell another opening of the store from this one.
    era: u32,
    /// Who reads for others, once that was asked for; `None` of a copy in memory, which only one connection sees.
    readers: Option<Arc<OnceCell<Readers>>>,
}

/// The threads that read for others.
#[derive(Debug)]
struct Readers {
    /// They answer in turn.
    hands: Arc<Thread>,
    /// One that changes nothing and answers nothing else, so that it sees every commit and its number is everybody's.
    watch: Arc<Thread>,
}

impl Readers {
    async fn start(path: &Path) -> Result<Self, StoreError> {
        let start = async |count| {
            let open = |_| {
                let file = path.to_owned();
                move || open::reader(&file).map(|opened| (opened, ()))
            };
            let (thread, _) = Thread::start(path.to_owned(), Role::Reads, (0..count).map(open).collect()).await?;
            Ok::<_, StoreError>(Arc::new(thread))
        };
        Ok(Self { hands: start(READERS).await?, watch: start(1).await? })
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.hands.close().await?;
        self.watch.close().await
    }
}

impl Sqlite {
    /// See [`crate::store::Store::open`].
    pub async fn open(path: &Path, now: Timestamp) -> Result<Self, StoreError> {
        let file = path.to_owned();
        Self::start(path, true, move || open::owned(&file, now)).await
    }

    /// See [`crate::store::Store::open_beside`].
    pub async fn open_beside(path: &Path, _now: Timestamp) -> Result<Self, StoreError> {
        let file = path.to_owned();
        Self::start(path, true, move || open::beside_owner(&file)).await
    }

    /// See [`crate::store::Store::open_copy`].
    pub async fn open_copy(path: &Path, now: Timestamp) -> Result<Self, StoreError> {
        let file = path.to_owned();
        Self::start(path, false, move || open::copied(&file, now)).await
    }

    /// See [`crate::store::Store::open_live_copy`].
    pub async fn open_live_copy(path: &Path, now: Timestamp) -> Result<Self, StoreError> {
        let file = path.to_owned();
        Self::start(path, false, move || open::expected(&file).and_then(|()| open::copied(&file, now))).await
    }

    /// A copy in memory of a store on a server; where there is none yet, an empty one, unless one is `expected`.
    pub async fn open_copy_of(server: &Server, expected: bool, now: Timestamp) -> Result<Self, StoreError> {
        let (place, server) = (PathBuf::from(server.shown()), server.clone());
        Self::start(&place, false, move || open::copied_from(&server, expected, now)).await
    }

    async fn start(
        path: &Path,
        is_shared: bool,
        open: impl FnOnce() -> Result<(Opened, String), StoreError> + Send + 'static,
    ) -> Result<Self, StoreError> {
        let (thread, ids) = Thread::start(PathBuf::from(path), Role::Owns, vec![open]).await?;
        let id = ids.into_iter().next().unwrap_or_default();
        let readers = is_shared.then(Arc::default);
        Ok(Self { thread: Arc::new(thread), id: id.into(), era: rand::random(), readers })
    }

    /// See [`crate::store::Store::reader`].
    pub async fn reader(&self) -> Result<Self, StoreError> {
        let Some(readers) = self.readers.as_ref().filter(|_| !self.thread.reads_only()) else {
            return Ok(self.clone());
        };
        // A store that is closed has no readers any more.
        self.thread.call(|_| Ok(())).await?;
        let readers = readers.get_or_try_init(|| Readers::start(self.thread.path())).await?;
        #[cfg(test)]
        for other in [&readers.hands, &readers.watch] {
            other.still.store(self.thread.still.load(Relaxed), Relaxed);
        }
        Ok(Self { thread: readers.hands.clone(), ..self.clone() })
    }

    /// See [`crate::store::Store::version`].
    pub async fn version(&self) -> Result<u64, StoreError> {
        let watch = self.readers.as_ref().and_then(|readers| readers.get()).map(|readers| &readers.watch);
        let changes = watch.unwrap_or(&self.thread).call(|connection| open::changes(connection)).await?;
        Ok(u64::from(self.era) << 32 | u64::from(changes))
    }

    /// Does some work that reads.
    pub async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.thread.call(move |connection| work(&Connection::Sqlite(connection))).await
    }

    /// Does some work in one transaction that no other writer can get into.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection<'_>) -> Result<End<T>, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.thread.write(move |connection| work(&Connection::Sqlite(connection))).await
    }

    /// The same without asking of each row whether what it refers to exists.
    pub async fn write_unchecked<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection<'_>) -> Result<End<T>, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.thread.may_write()?;
        let work = move |connection: &rusqlite::Connection| work(&Connection::Sqlite(connection));
        self.thread.call(move |connection| unchecked(connection, |connection| transact(connection, work))).await
    }

    /// See [`crate::store::Store::close`].
    pub async fn close(self) -> Result<(), StoreError> {
        if self.thread.reads_only() {
            return Ok(());
        }
        // What is closed last brings the log into the file.
        if let Some(readers) = self.readers.as_ref().and_then(|readers| readers.get()) {
            readers.close().await?;
        }
        self.thread.close().await
    }

    /// See [`crate::store::Store::crash_after`].
    #[cfg(test)]
    pub fn crash_after(&self, calls: u32, done: bool) {
        self.thread.fuse.light(calls, done);
    }

    /// See [`crate::store::Store::stand_still`].
    #[cfg(test)]
    pub async fn stand_still(&self) -> Result<(), StoreError> {
        self.thread.still.store(true, Relaxed);
        self.thread.call(|connection| Ok(connection.pragma_update(None, "synchronous", "OFF")?)).await
    }

    /// See [`crate::store::Store::checkpoint`].
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        self.thread.may_write()?;
        self.thread.call(|connection| open::checkpoint_log(connection)).await
    }

    /// See [`crate::store::Store::id`].
    pub fn id(&self) -> &str {
        &self.id
    }
}
