//! The schema and its numbered changes, which go forward only.
//!
//! All that is missing is applied in one transaction: a store has the old schema or the new one, and nothing
//! between. An older program refuses a newer schema; the way back is the copy that is kept before a change.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

use super::lock::beside;
use super::thread::transact;
use super::upkeep::{Draft, bytes_used, room_for, unheard, write_copy};
use crate::alert::alert_id;
use crate::base::clock::Timestamp;
use crate::base::text::hex;
use crate::series::Labels;
use crate::store::sql::{End, Fault};

/// Marks a database file as ours (`SWch`).
pub const APPLICATION_ID: i32 = 0x5357_6368;

/// Number 1, number 2, …
pub const MIGRATIONS: &[&str] = &[
    include_str!("schema/0001.sql"),
    include_str!("schema/0002.sql"),
    include_str!("schema/0003.sql"),
    include_str!("schema/0004.sql"),
    include_str!("schema/0005.sql"),
    include_str!("schema/0006.sql"),
    include_str!("schema/0007.sql"),
];

/// The newest schema of a list of migrations.
pub fn newest(migrations: &[&str]) -> i32 {
    i32::try_from(migrations.len()).unwrap_or(i32::MAX)
}

/// What a database is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// There is nothing in it.
    Blank,
    /// Ours, of that schema.
    Ours(i32),
    /// Another program's.
    Foreign,
}

/// Says what a database is.
pub fn kind(connection: &Connection) -> Result<Kind, Fault> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(match (application, version, tables) {
        (0, 0, 0) => Kind::Blank,
        (APPLICATION_ID, 1.., _) => Kind::Ours(version),
        _ => Kind::Foreign,
    })
}

/// Applies the migrations after `version`.
pub fn migrate(connection: &mut Connection, migrations: &[&str], version: i32, now: Timestamp) -> Result<(), Fault> {
    let applied = usize::try_from(version).unwrap_or(0);
    if applied >= migrations.len() {
        return Ok(());
    }
    know_ids(connection)?;
    transact(connection, |transaction| {
        for migration in &migrations[applied..] {
            transaction.execute_batch(migration)?;
        }
        if applied == 0 {
            begin(transaction, now)?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", newest(migrations))?;
        Ok(End::Commit(()))
    })
}

/// Lets SQL say `alert_id(rule, labels)`; labels that cannot be read are an error.
pub fn know_ids(connection: &Connection) -> Result<(), Fault> {
    let of_alert = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("alert_id", 2, of_alert, |values| {
        let (rule, key) = (values.get_raw(0).as_str()?, values.get_raw(1).as_str()?);
        let unreadable = || rusqlite::Error::UserFunctionError(format!("no labels: {key}").into());
        Ok(alert_id(rule, &Labels::from_key(key).ok_or_else(unreadable)?))
    })?;
    Ok(())
}

/// Lets SQL say `greatest(a, b, …)` and `least(a, b, …)` of numbers, as other databases do: SQLite calls them `max` and
/// `min`, which there are aggregates alone.
pub fn know_extremes(connection: &Connection) -> Result<(), Fault> {
    for (name, sign) in [("greatest", 1), ("least", -1)] {
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
        connection.create_scalar_function(name, -1, flags, move |values| {
            let mut all = Vec::with_capacity(values.len());
            for place in 0..values.len() {
                all.push(values.get::<i64>(place)?);
            }
            Ok(all.into_iter().max_by_key(|value| i128::from(*value) * sign))
        })?;
    }
    Ok(())
}

/// Gives a new store its name.
fn begin(transaction: &Connection, now: Timestamp) -> Result<(), Fault> {
    let id = hex(&rand::random::<[u8; 16]>());
    let insert = "INSERT INTO meta(name, value) VALUES ('store_id', ?1), ('created_at', ?2)";
    transaction.execute(insert, (id, now.millis().to_string()))?;
    Ok(())
}

/// Keeps a copy of a store beside it before its schema changes; where it is.
pub fn keep_copy(connection: &mut Connection, database: &Path, version: i32) -> Result<PathBuf, Fault> {
    let copy = beside(database, &format!(".schema-{version}"));
    room_for(bytes_used(connection)?, &copy).map_err(Fault::Refused)?;
    let draft = Draft::begin(&copy).map_err(Fault::Refused)?;
    write_copy(connection, draft.path(), &unheard())?;
    draft.finish().map_err(Fault::Refused)?;
    Ok(copy)
}

/// Reads every page and says what is wrong with them.
pub fn check(connection: &Connection) -> Result<(), Fault> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(Fault::Damaged(found)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(5);

    fn memory() -> Connection {
        Connection::open_in_memory().unwrap()
    }

    #[test]
    fn a_new_store_is_ours_and_has_a_name() {
        let mut connection = memory();
        assert_eq!(kind(&connection).unwrap(), Kind::Blank);
        migrate(&mut connection, MIGRATIONS, 0, NOW).unwrap();
        assert_eq!(kind(&connection).unwrap(), Kind::Ours(newest(MIGRATIONS)));
        let id: String =
            connection.query_row("SELECT value FROM meta WHERE name = 'store_id'", [], |row| row.get(0)).unwrap();
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        migrate(&mut connection, MIGRATIONS, newest(MIGRATIONS), NOW).unwrap();
    }

    #[test]
    fn a_migration_that_fails_leaves_the_old_schema() {
        let mut connection = memory();
        migrate(&mut connection, MIGRATIONS, 0, NOW).unwrap();
        let version = newest(MIGRATIONS);
        let broken = [MIGRATIONS, &["CREATE TABLE x(a INTEGER) STRICT", "CREATE TABLE x(a INTEGER) STRICT"]].concat();
        assert!(migrate(&mut connection, &broken, version, NOW).is_err());
        assert_eq!(kind(&connection).unwrap(), Kind::Ours(version));
        let good = [MIGRATIONS, &["CREATE TABLE x(a INTEGER) STRICT"]].concat();
        migrate(&mut connection, &good, version, NOW).unwrap();
        assert_eq!(kind(&connection).unwrap(), Kind::Ours(version + 1));
    }

    #[test]
    fn a_copy_is_kept_before_a_change() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s.db");
        let mut connection = Connection::open(&path).unwrap();
        migrate(&mut connection, MIGRATIONS, 0, NOW).unwrap();
        for _ in 0..2 {
            let copy = keep_copy(&mut connection, &path, 1).unwrap();
            assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!(kind(&Connection::open(&copy).unwrap()).unwrap(), Kind::Ours(newest(MIGRATIONS)));
        }
    }

    /// Each line: what is stored of an alert, and what it is listed by then.
    #[test]
    fn alerts_of_before_are_found_and_listed() {
        let mut connection = memory();
        migrate(&mut connection, &MIGRATIONS[..6], 0, NOW).unwrap();
        let firing =
            |severity: &str| Some(format!(r#"{{"severity":"{severity}","said_at":"2025-10-09T08:53:20.007Z"}}"#));
        let cases = [
            ("US", firing("critical"), 3, 1_760_000_000_007),
            ("DE", firing("warning"), 2, 1_760_000_000_007),
            ("FR", firing("info"), 1, 1_760_000_000_007),
            ("JP", None, 0, 42),
            ("KR", None, 0, 7),
        ];
        let key = |partner: &str| [("partner", partner)].into_iter().collect::<Labels>().key();
        for (partner, firing, ..) in &cases {
            let alert = "INSERT INTO alert(rule, labels, firing, number, episode, seen, rule_hash, version, written_at)
                VALUES ('r', ?1, ?2, 1, 1, 1, '', 1, 7)";
            connection.execute(alert, (key(partner), firing)).unwrap();
        }
        let ended = "INSERT INTO transition(rule, labels, number, episode, kind, cause, severity, at, message)
            VALUES ('r', ?1, ?2, 1, 'resolved', 'published', 'info', ?3, '{}')";
        connection.execute(ended, (key("JP"), 1, 41)).unwrap();
        connection.execute(ended, (key("JP"), 2, 42)).unwrap();
        migrate(&mut connection, MIGRATIONS, 6, NOW).unwrap();
        for (partner, _, gravity, since) in cases {
            let select = "SELECT id, gravity, since FROM alert WHERE labels = ?1";
            let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            let found: (String, i64, i64) = connection.query_row(select, [key(partner)], read).unwrap();
            let id = alert_id("r", &Labels::from_key(&key(partner)).unwrap());
            assert_eq!(found, (id, gravity, since), "{partner}");
        }
    }

    #[test]
    fn every_table_is_strict() {
        let mut connection = memory();
        migrate(&mut connection, MIGRATIONS, 0, NOW).unwrap();
        let loose = "SELECT group_concat(name) FROM pragma_table_list \
                     WHERE schema = 'main' AND type = 'table' AND NOT strict AND name NOT LIKE 'sqlite_%'";
        let loose: Option<String> = connection.query_row(loose, [], |row| row.get(0)).unwrap();
        assert_eq!(loose, None);
    }
}
