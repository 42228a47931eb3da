//! The store on a PostgreSQL server, which any number of replicas share.
//!
//! Some threads have a session each ([`hands`]); work comes to them as closures, as it does to the one thread that has a
//! file, and each piece of it is one transaction. What is asked and told is the same as for a file (`store::sql`).

mod address;
mod check;
mod connect;
mod error;
mod fault;
mod hands;
mod hints;
mod moving;
mod replicas;
mod schema;
mod server;
mod session;
#[cfg(test)]
mod tests;
mod timeline;
mod tls;

use std::sync::Arc;

pub use self::check::check;
pub use self::error::ServerError;
use self::hands::{Hands, Work};
pub use self::moving::{Ground, held_by, read_whole};
pub use self::server::Server;
pub use self::session::{Sent, Session};
use self::timeline::Timeline;
use super::sql::{self, Connection, End, Fault};
use super::{Facts, StoreError};
use crate::base::clock::Timestamp;

/// How many threads there are for the daemon's own work.
const HANDS: usize = 4;
/// How many read for others.
const READERS: usize = 2;

/// An open store on a server.
#[derive(Clone)]
pub struct Postgres {
    hands: Arc<Hands>,
    readers: Arc<Hands>,
    /// The newest timeline that any of its sessions has seen.
    timeline: Arc<Timeline>,
    id: Arc<str>,
    /// Whether this one is for reading alone.
    reads_only: bool,
}

/// A session of its own for one piece of work.
fn alone(server: &Server) -> Result<Session, Fault> {
    Session::connect(server, &Timeline::remembered(server.memory()))
}

/// A session that sees one moment of a store and changes nothing; `None` where there is no store yet, unless one is
/// `expected`.
pub fn look(server: &Server, expected: bool) -> Result<Option<Session>, Fault> {
    let session = alone(server)?;
    match schema::expect(&session) {
        Err(Fault::Missing) if !expected => return Ok(None),
        known => known?,
    };
    session.begin(false)?;
    Ok(Some(session))
}

impl Postgres {
    /// See [`crate::store::Store::open`].
    pub async fn open(server: &Server, now: Timestamp) -> Result<Self, StoreError> {
        let store = Self::reach(server, move |session| schema::prepare(session, now)).await?;
        store.write(move |transaction| sql::shorten_waits(transaction, now).map(End::Commit)).await?;
        Ok(store)
    }

    /// See [`crate::store::Store::open_beside`].
    pub async fn open_beside(server: &Server, _now: Timestamp) -> Result<Self, StoreError> {
        Self::reach(server, schema::expect).await
    }

    async fn reach(
        server: &Server,
        ready: impl FnOnce(&Session) -> Result<String, Fault> + Send + 'static,
    ) -> Result<Self, StoreError> {
        let timeline = Arc::new(Timeline::remembered(server.memory()));
        let hands = Hands::start(server, HANDS, &timeline)?;
        let readers = Hands::start(server, READERS, &timeline)?;
        let id = hands.with(move |hand| ready(hand.session()?)).await?;
        Ok(Self { hands: Arc::new(hands), readers: Arc::new(readers), timeline, id: id.into(), reads_only: false })
    }

    /// See [`crate::store::Store::reader`].
    pub fn reader(&self) -> Result<Self, StoreError> {
        self.hands.is_open()?;
        Ok(Self { reads_only: true, ..self.clone() })
    }

    /// Refuses what changes anything where only reading is done.
    pub fn may_write(&self) -> Result<(), StoreError> {
        let path = || self.hands.server().shown().into();
        if self.reads_only { Err(StoreError::ReadOnly { path: path() }) } else { Ok(()) }
    }

    /// Does some work that reads, as of one moment.
    pub async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let hands = if self.reads_only { &self.readers } else { &self.hands };
        hands.work(Work::Read, |connection| work(connection).map(End::RollBack)).await
    }

    /// Does some work in one transaction.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection<'_>) -> Result<End<T>, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.may_write()?;
        self.hands.work(Work::Write, work).await
    }

    /// See [`crate::store::Store::version`]: what a snapshot sees, as a number. It is another one for every transaction that
    /// wrote anything, in whatever order they end.
    pub async fn version(&self) -> Result<u64, StoreError> {
        let snapshot = |connection: &Connection<'_>| {
            connection.prepare("SELECT pg_current_snapshot()::text")?.query_one((), |row| row.get::<String>(0))
        };
        let snapshot = self.call(snapshot).await?;
        Ok(snapshot
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)))
    }

    /// See [`crate::store::Store::facts`].
    pub async fn facts(&self) -> Result<Facts, StoreError> {
        self.call(schema::facts).await
    }

    /// See [`crate::store::Store::close`].
    pub async fn close(self) -> Result<(), StoreError> {
        if !self.reads_only {
            self.hands.close();
            self.readers.close();
        }
        Ok(())
    }

    /// See [`crate::store::Store::id`].
    pub fn id(&self) -> &str {
        &self.id
    }
}
