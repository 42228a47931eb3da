//! Who works on a store: the replicas that share one on a server, and what each holds.

use std::time::Duration;

use super::sqlite;
use super::{Hint, Holder, Location, Store, StoreError};
use crate::base::clock::Timestamp;

/// A replica, as it says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replica {
    /// Its name in leases.
    pub holder: Holder,
    /// The machine on which it runs.
    pub host: String,
    /// The program's version.
    pub version: String,
    /// What its config means, as a hash.
    pub config: String,
    /// Silent for so long, it holds nothing any more.
    pub lease: Duration,
}

/// What a replica learns when it says that it is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beat {
    /// How far its clock is ahead of the server's, in milliseconds; behind, where that is negative.
    pub ahead_ms: i64,
    /// Whether it was not known: it has just come, or it was silent for too long.
    pub is_new: bool,
    /// The replicas that were silent for too long: what they held is free.
    pub buried: Vec<String>,
    /// The others whose config means something else.
    pub differing: Vec<String>,
}

/// A replica, as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Colleague {
    /// Its name in leases.
    pub id: String,
    /// The machine on which it runs.
    pub host: String,
    /// The program's version.
    pub version: String,
    /// What its config means, as a hash: the same for all of them, or they do different things.
    pub config: String,
    /// When it came, by the server's clock.
    pub started_at: Timestamp,
    /// For how long it has said nothing, in milliseconds.
    pub silent_ms: i64,
    /// Silent for so long, in milliseconds, it holds nothing any more.
    pub lease_ms: i64,
    /// How far its clock is ahead of the server's, in milliseconds.
    pub ahead_ms: i64,
    /// The feeds that it pulls at this moment.
    pub feeds: Vec<String>,
    /// The pulls that it evaluates at this moment.
    pub tasks: usize,
    /// The deliveries that are under way with it.
    pub deliveries: usize,
}

impl Colleague {
    /// Whether it has been heard of lately.
    pub const fn is_alive(&self) -> bool {
        self.silent_ms <= self.lease_ms
    }
}

/// Who has a store in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// No process.
    Nobody,
    /// One, and its number where it left that.
    Process(Option<u32>),
    /// This user may not see who.
    Unseen,
}

impl Location {
    /// Who has the store at this moment, where it is one in a file; an error where none is there.
    pub fn owner(&self) -> Result<Option<Owner>, StoreError> {
        match self {
            Self::Sqlite(path) if path.exists() => Ok(Some(sqlite::owner(path))),
            Self::Sqlite(path) => Err(StoreError::Missing { path: path.clone() }),
            Self::Postgres(_) => Ok(None),
        }
    }
}

impl Store {
    /// Says that a replica is there, and frees what those held that have said nothing for too long. A file has one
    /// process, which holds it by its lock.
    pub async fn beat(&self, me: &Replica, now: Timestamp) -> Result<Beat, StoreError> {
        match self {
            Self::Sqlite(_) => Ok(Beat::default()),
            Self::Postgres(store) => store.beat(me, now).await,
        }
    }

    /// Frees all that a process holds, which ends: it is no replica any more.
    pub async fn leave(&self, holder: &Holder) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(store) => store.leave(holder).await,
        }
    }

    /// Calls `hear` for what other processes have stored, and first of all for everything, as what they stored before is not
    /// heard. It ends with an error when the way to the server breaks off, and without one where nothing can be heard:
    /// nobody else has a file, and behind a pool others would hear it.
    pub async fn listen(&self, hear: impl FnMut(Hint) + Send) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(store) => store.listen(hear).await,
        }
    }

    /// What may be lost though it was stored, in words and with what to do; nothing where that is as it should be, or where
    /// no server says it. A file's disk is its owner's business.
    pub async fn what_may_be_lost(&self) -> Result<Option<&'static str>, StoreError> {
        match self {
            Self::Sqlite(_) => Ok(None),
            Self::Postgres(store) => store.what_may_be_lost().await,
        }
    }

    /// The replicas, in the order in which they came; none of a file.
    pub async fn replicas(&self) -> Result<Vec<Colleague>, StoreError> {
        match self {
            Self::Sqlite(_) => Ok(Vec::new()),
            Self::Postgres(store) => store.replicas().await,
        }
    }
}
