//! A server's part in carrying a store to another place.

use super::schema;
use super::{Server, Session, alone, check, look};
use crate::base::clock::Timestamp;
use crate::store::sql::{Broken, Connection, Fault};
use crate::store::{Damage, StoreError};

/// Reads all of a store as of one moment, whoever works on it.
pub fn read_whole<T>(
    server: &Server,
    read: impl FnOnce(&Connection<'_>) -> Result<T, Broken>,
) -> Result<Result<T, Broken>, StoreError> {
    let session = || -> Result<Session, Fault> {
        let session = look(server, true)?.ok_or(Fault::Missing)?;
        session.take_time()?;
        Ok(session)
    };
    let session = session().map_err(|fault| fault.on(server))?;
    Ok(read(&Connection::Postgres(&session)))
}

/// The replicas that work on a store, in words.
pub fn held_by(server: &Server) -> Result<Option<String>, StoreError> {
    let living = "SELECT string_agg(host || ' (' || id || ')', ', ' ORDER BY host, id) FROM replica
        WHERE beat_at + lease_ms >= CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)";
    let ask = || -> Result<Option<String>, Fault> {
        let session = look(server, true)?.ok_or(Fault::Missing)?;
        Connection::Postgres(&session).prepare(living)?.query_one((), |row| row.get(0))
    };
    ask().map_err(|fault| fault.on(server))
}

/// A database that becomes a store once all of it is there: all of it is one transaction, and what is dropped before its end
/// leaves nothing.
pub struct Ground<'s> {
    server: &'s Server,
    session: Session,
}

impl<'s> Ground<'s> {
    /// Takes a database in which there is nothing.
    pub fn take(server: &'s Server) -> Result<Self, StoreError> {
        let take = || -> Result<Session, Fault> {
            let session = alone(server)?;
            schema::expect_nothing(&session, server)?;
            Ok(session)
        };
        Ok(Self { server, session: take().map_err(|fault| fault.on(server))? })
    }

    /// Begins it, or begins it anew: empty tables, and a transaction in which they are filled.
    pub fn begin(&self, now: Timestamp) -> Result<Connection<'_>, Fault> {
        // Without a transaction this does nothing.
        self.session.roll_back()?;
        schema::begin(&self.session, self.server, now)?;
        Ok(Connection::Postgres(&self.session))
    }

    /// What is wrong with what is there by now.
    pub fn damages(&self) -> Result<Vec<Damage>, StoreError> {
        let ask = || -> Result<Vec<Damage>, Fault> {
            // Without it nothing is known of tables that were just filled, neither to these questions nor to the first replica.
            self.session.simple("ANALYZE")?;
            check::damages(&self.session)
        };
        ask().map_err(|fault| fault.on(self.server))
    }

    /// Stores it.
    pub fn finish(self) -> Result<(), StoreError> {
        self.session.commit().map_err(|fault| fault.on(self.server))
    }
}
