//! The store in one SQLite file, owned by one process and one thread of it.
//!
//! Every change is one transaction that begins as a writer; reads go through the same thread, so they see
//! what was written before them. What vintages, claims and versions mean is the same for every backend.

mod append;
mod columns;
mod copy;
mod evaluation;
mod fault;
mod feeds;
mod gather;
mod history;
mod hush;
mod items;
mod lock;
mod open;
mod outbox;
mod receivers;
mod resend;
mod schema;
mod supersede;
mod thread;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Extent, StoreError};
use crate::base::clock::Timestamp;
use open::Opened;
use thread::Thread;

/// An open SQLite store.
#[derive(Clone, Debug)]
pub struct Sqlite {
    thread: Arc<Thread>,
    id: Arc<str>,
}

impl Sqlite {
    /// See [`crate::store::Store::open`].
    pub async fn open(path: &Path, now: Timestamp) -> Result<Self, StoreError> {
        let file = path.to_owned();
        Self::start(path, move || open::owned(&file, now)).await
    }

    /// See [`crate::store::Store::open_beside`].
    pub async fn open_beside(path: &Path, _now: Timestamp) -> Result<Self, StoreError> {
        let file = path.to_owned();
        Self::start(path, move || open::beside_owner(&file)).await
    }

    /// See [`crate::store::Store::open_copy`].
    pub async fn open_copy(path: &Path, now: Timestamp) -> Result<Self, StoreError> {
        let file = path.to_owned();
        Self::start(path, move || open::copied(&file, now)).await
    }

    /// See [`crate::store::Store::open_live_copy`].
    pub async fn open_live_copy(path: &Path, now: Timestamp) -> Result<Self, StoreError> {
        let file = path.to_owned();
        Self::start(path, move || open::expected(&file).and_then(|()| open::copied(&file, now))).await
    }

    async fn start(
        path: &Path,
        open: impl FnOnce() -> Result<(Opened, String), StoreError> + Send + 'static,
    ) -> Result<Self, StoreError> {
        let (thread, id) = Thread::start(PathBuf::from(path), open).await?;
        Ok(Self { thread: Arc::new(thread), id: id.into() })
    }

    /// See [`crate::store::Store::close`].
    pub async fn close(self) -> Result<(), StoreError> {
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
        self.thread.still.store(true, std::sync::atomic::Ordering::Relaxed);
        self.thread.call(|connection| Ok(connection.pragma_update(None, "synchronous", "OFF")?)).await
    }

    /// See [`crate::store::Store::checkpoint`].
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        self.thread.call(|connection| open::checkpoint_log(connection)).await
    }

    /// See [`crate::store::Store::extent`].
    pub async fn extent(&self) -> Result<Extent, StoreError> {
        self.thread
            .call(|connection| {
                let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, u32>(0));
                let bytes = u64::from(number("page_count")?) * u64::from(number("page_size")?);
                let schema = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
                Ok(Extent { bytes, schema })
            })
            .await
    }

    /// See [`crate::store::Store::id`].
    pub fn id(&self) -> &str {
        &self.id
    }
}
