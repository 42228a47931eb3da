//! The schema on a server and its numbered changes, which go forward only. Its numbers are those of the schema in a file:
//! the same number means the same tables.

use std::cmp::Ordering;

use tokio_postgres::SimpleQueryRow;

use crate::base::clock::Timestamp;
use crate::base::text::hex;
use crate::store::sql::{Connection, Fault, Latch};
use crate::store::{Facts, StoreError};

use super::server::Server;
use super::session::Session;

/// Each with the number to which it leads. The first makes all of it: there was no server before.
const MIGRATIONS: &[(i32, &str)] = &[(7, include_str!("schema/0007.sql"))];

/// The oldest server that knows what is asked of it.
const OLDEST: u32 = 140_000;

/// The number of the schema, where there is one.
pub const NUMBER: &str = "SELECT value FROM meta WHERE name = 'schema'";

/// The newest schema.
pub fn newest() -> i32 {
    MIGRATIONS.last().map_or(0, |(number, _)| *number)
}

/// Makes the tables where there are none, brings them up to date where they are old, and says the store's name.
pub fn prepare(session: &Session, now: Timestamp) -> Result<String, Fault> {
    suits(session)?;
    // Another replica may be making them at this moment: then they are there the next time.
    for _ in 0..2 {
        match migrate(session, now) {
            Err(Fault::Server(error)) if is_made_meanwhile(&error) => {}
            migrated => return migrated,
        }
    }
    migrate(session, now)
}

/// Expects the tables, up to date, and says the store's name.
pub fn expect(session: &Session) -> Result<String, Fault> {
    expect_tables(session)?;
    name(&Connection::Postgres(session))
}

/// Expects the tables, up to date.
pub fn expect_tables(session: &Session) -> Result<(), Fault> {
    suits(session)?;
    match version(session)? {
        0 => Err(Fault::Missing),
        found => fits(found),
    }
}

/// Expects that an answer to [`NUMBER`] is that of the newest schema: another replica may have changed the tables.
pub fn expect_number(row: Option<&SimpleQueryRow>) -> Result<(), Fault> {
    fits(number(row.and_then(|row| row.get(0)).unwrap_or_default())?)
}

fn fits(found: i32) -> Result<(), Fault> {
    match found.cmp(&newest()) {
        Ordering::Less => Err(Fault::Older(found)),
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(Fault::Newer(found)),
    }
}

fn number(text: &str) -> Result<i32, Fault> {
    text.parse().map_err(|_| Fault::unreadable("number of the schema", text))
}

/// Expects that there is nothing at all.
pub fn expect_nothing(session: &Session, server: &Server) -> Result<(), Fault> {
    suits(session)?;
    match version(session)? {
        0 => Ok(()),
        _ => Err(Fault::Refused(StoreError::Occupied { path: server.shown().into() })),
    }
}

/// Begins a transaction in which the tables are made.
pub fn begin(session: &Session, server: &Server, now: Timestamp) -> Result<(), Fault> {
    if session.begin(true)?.is_none() {
        return Err(Fault::Standby);
    }
    session.take_time()?;
    match migrate_in(session, &Connection::Postgres(session), 0, now) {
        Err(Fault::Server(error)) if is_made_meanwhile(&error) => {
            Err(Fault::Refused(StoreError::Occupied { path: server.shown().into() }))
        }
        made => made.map(|_| ()),
    }
}

/// Refuses a server that does not know what is asked of it.
fn suits(session: &Session) -> Result<(), Fault> {
    let shown = |setting: &str| -> Result<String, Fault> {
        let rows = session.simple(&format!("SHOW {setting}"))?;
        Ok(rows.first().and_then(|row| row.get(0)).unwrap_or_default().to_owned())
    };
    judge(&shown("server_version_num")?, &shown("server_encoding")?)
}

/// What a server's version and encoding come to.
fn judge(version: &str, encoding: &str) -> Result<(), Fault> {
    let found = version.parse().unwrap_or(0);
    if found < OLDEST {
        return Err(Fault::OldServer(found));
    }
    if encoding == "UTF8" { Ok(()) } else { Err(Fault::NotUtf8(encoding.to_owned())) }
}

fn migrate(session: &Session, now: Timestamp) -> Result<String, Fault> {
    let found = version(session)?;
    if found > newest() {
        return Err(Fault::Newer(found));
    }
    let connection = Connection::Postgres(session);
    if found == newest() {
        return name(&connection);
    }
    if session.begin(true)?.is_none() {
        return Err(Fault::Standby);
    }
    let migrated = migrate_in(session, &connection, found, now);
    match migrated {
        Ok(name) => session.commit().map(|()| name),
        Err(fault) => {
            // What it was is said by the first fault.
            drop(session.roll_back());
            Err(fault)
        }
    }
}

fn migrate_in(session: &Session, connection: &Connection<'_>, found: i32, now: Timestamp) -> Result<String, Fault> {
    if found > 0 {
        connection.one_at_a_time(Latch::Rules)?;
    }
    for (_, sql) in MIGRATIONS.iter().filter(|(number, _)| *number > found) {
        session.simple(sql)?;
    }
    let mut write = connection.prepare(
        "INSERT INTO meta(name, value) VALUES (?1, ?2) ON CONFLICT(name) DO UPDATE SET value = excluded.value",
    )?;
    write.execute(("schema", newest().to_string()))?;
    if found == 0 {
        write.execute(("store_id", hex(&rand::random::<[u8; 16]>())))?;
        write.execute(("created_at", now.millis().to_string()))?;
    }
    name(connection)
}

/// The number of the schema; 0 where there is none.
fn version(session: &Session) -> Result<i32, Fault> {
    let ours = "SELECT count(*) FILTER (WHERE table_name IN ('meta', 'latch', 'observation')), count(*)
        FROM information_schema.tables WHERE table_schema = current_schema()";
    let connection = Connection::Postgres(session);
    let (ours, all): (i64, i64) = connection.prepare(ours)?.query_one((), |row| Ok((row.get(0)?, row.get(1)?)))?;
    match (ours, all) {
        (3, _) => {}
        (_, 0) => return Ok(0),
        _ => return Err(Fault::Foreign),
    }
    number(&connection.prepare(NUMBER)?.query_one((), |row| row.get::<String>(0))?)
}

fn name(connection: &Connection<'_>) -> Result<String, Fault> {
    connection.prepare("SELECT value FROM meta WHERE name = 'store_id'")?.query_one((), |row| row.get(0))
}

fn is_made_meanwhile(error: &tokio_postgres::Error) -> bool {
    use tokio_postgres::error::SqlState;
    let codes = [SqlState::UNIQUE_VIOLATION, SqlState::DUPLICATE_TABLE, SqlState::DUPLICATE_OBJECT];
    error.code().is_some_and(|code| codes.contains(code))
}

/// How large the store is.
pub fn facts(connection: &Connection<'_>) -> Result<Facts, Fault> {
    let number = |sql: &str| -> Result<u64, Fault> {
        Ok(connection.prepare(sql)?.query_one((), |row| row.get::<i64>(0))?.unsigned_abs())
    };
    let amount = |sql: &str| number(sql).map(|number| usize::try_from(number).unwrap_or(usize::MAX));
    Ok(Facts {
        schema: newest(),
        file_bytes: number("SELECT pg_database_size(current_database())")?,
        log_bytes: 0,
        checkpointed_at: None,
        series: amount("SELECT count(*) FROM series")?,
        observations: amount("SELECT CAST(coalesce(sum(n_new), 0) AS BIGINT) FROM pull WHERE outcome = 'changed'")?,
        revisions: amount("SELECT CAST(coalesce(sum(n_revised), 0) AS BIGINT) FROM pull WHERE outcome = 'changed'")?,
        alerts: amount("SELECT count(*) FROM alert")?,
        transitions: amount("SELECT coalesce(max(seq), 0) FROM transition")?,
        deliveries: amount("SELECT coalesce(max(seq), 0) FROM delivery")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_server_or_another_encoding_is_refused() {
        let server = Server::parse("postgres://watch@db.example/state").unwrap();
        let told = |version, encoding| judge(version, encoding).map_err(|fault| fault.on(&server).to_string());
        assert_eq!(told("140000", "UTF8"), Ok(()));
        assert_eq!(told("180001", "UTF8"), Ok(()));
        let old = told("130023", "UTF8").unwrap_err();
        assert!(old.contains("is PostgreSQL 13.23: 14 or a newer one is needed"), "{old}");
        assert!(told("", "UTF8").unwrap_err().contains("14 or a newer one is needed"));
        assert!(told("150018", "SQL_ASCII").unwrap_err().contains("encoded in SQL_ASCII"));
    }
}
