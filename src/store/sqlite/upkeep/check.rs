//! Whether a store is whole: its pages, its references, and what its rows say of each other.

use std::path::Path;

use rusqlite::{Connection, ErrorCode};

use crate::base::clock::Timestamp;
use crate::store::sql::{Fault, QUESTIONS};
use crate::store::sqlite::copy::look;
use crate::store::sqlite::lock::beside;
use crate::store::sqlite::open::{absolute, expected, id, version};
use crate::store::sqlite::schema::know_ids;
use crate::store::{Checkup, Damage, StoreError};

/// So many wrong pages are told, at most.
const PAGES_TOLD: usize = 20;

/// See [`crate::store::Location::check`].
pub fn check(store: &Path) -> Result<Checkup, StoreError> {
    expected(store)?;
    let store = &absolute(store)?;
    let log_bytes = std::fs::metadata(beside(store, "-wal")).map_or(0, |log| log.len());
    let found = look(store, |connection| {
        connection.execute_batch("BEGIN")?;
        examine(connection)
    });
    Ok(Checkup { log_bytes, ..found.map_err(|fault| fault.at(store))? })
}

fn examine(connection: &Connection) -> Result<Checkup, Fault> {
    let schema = version(connection)?;
    know_ids(connection)?;
    let mut findings = Findings::default();
    findings.add("the file has pages that are wrong", pages(connection))?;
    findings.add("a row refers to one that is not there", references(connection))?;
    let questions: Vec<_> = QUESTIONS.iter().filter(|question| question.since <= schema).collect();
    for question in &questions {
        findings.add(question.what, ask(connection, question.sql))?;
    }
    let file_bytes = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
    Ok(Checkup {
        schema,
        id: findings.or("its name cannot be read", id(connection))?,
        file_bytes: connection.query_row(file_bytes, [], |row| row.get::<_, i64>(0))?.unsigned_abs(),
        log_bytes: 0,
        tables: findings.or("a table cannot be read", tables(connection))?,
        pulls: findings.or("the pulls cannot be read", pulls(connection))?,
        questions: questions.len(),
        damages: findings.0,
    })
}

/// What is wrong, as far as it was looked for.
#[derive(Default)]
struct Findings(Vec<Damage>);

impl Findings {
    /// Adds what a search found: how often, and an example.
    fn add(&mut self, what: &str, searched: Result<Option<(u64, String)>, Fault>) -> Result<(), Fault> {
        if let Some((count, example)) = self.or(what, searched)? {
            self.0.push(Damage { what: what.to_owned(), count, example });
        }
        Ok(())
    }

    /// What was read; where the file does not let it be read, that is damage, too.
    fn or<T: Default>(&mut self, what: &str, read: Result<T, Fault>) -> Result<T, Fault> {
        match read {
            Err(Fault::Sql(error)) if is_damage(&error) => {
                self.0.push(Damage { what: what.to_owned(), count: 1, example: error.to_string() });
                Ok(T::default())
            }
            other => other,
        }
    }
}

/// Whether an error says something of the file, rather than of the disk or of us.
fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{FromSqlConversionFailure, InvalidColumnType, QueryReturnedNoRows, Utf8Error};
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        || matches!(error, FromSqlConversionFailure(..) | InvalidColumnType(..) | QueryReturnedNoRows | Utf8Error(..))
}

/// What SQLite says of its pages and keys.
fn pages(connection: &Connection) -> Result<Option<(u64, String)>, Fault> {
    let check = format!("PRAGMA integrity_check({PAGES_TOLD})");
    let mut check = connection.prepare(&check)?;
    let told = check.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    let wrong: Vec<&String> = told.iter().filter(|line| *line != "ok").collect();
    Ok(wrong.first().map(|first| (u64::try_from(wrong.len()).unwrap_or(u64::MAX), (*first).clone())))
}

/// Rows that refer to others that are not there.
fn references(connection: &Connection) -> Result<Option<(u64, String)>, Fault> {
    ask(connection, "SELECT \"table\" || ' to ' || parent FROM pragma_foreign_key_check")
}

/// How often a question is answered, and one of the answers.
fn ask(connection: &Connection, question: &str) -> Result<Option<(u64, String)>, Fault> {
    let mut select = connection.prepare(question)?;
    let mut answers = select.query([])?;
    let (mut count, mut example) = (0, String::new());
    while let Some(answer) = answers.next()? {
        if count == 0 {
            example = answer.get(0)?;
        }
        count += 1;
    }
    Ok((count > 0).then_some((count, example)))
}

/// How many rows each table has.
pub fn tables(connection: &Connection) -> Result<Vec<(String, u64)>, Fault> {
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let mut names = connection.prepare(names)?;
    let names = names.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    let count = |name: String| -> Result<(String, u64), Fault> {
        let rows: i64 = connection.query_row(&format!("SELECT count(*) FROM \"{name}\""), [], |row| row.get(0))?;
        Ok((name, rows.unsigned_abs()))
    };
    names.into_iter().map(count).collect()
}

/// When the first and the last pull were.
fn pulls(connection: &Connection) -> Result<Option<(Timestamp, Timestamp)>, Fault> {
    let select = "SELECT min(at), max(at) FROM pull";
    let (first, last) =
        connection.query_row(select, [], |row| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?)))?;
    Ok(first.zip(last).map(|(first, last)| (Timestamp::from_millis(first), Timestamp::from_millis(last))))
}
