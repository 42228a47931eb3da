//! A store made of lines that were exported.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine};
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params_from_iter};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::check;
use super::draft::Draft;
use super::export::columns;
use super::lines::{Ending, FORMAT, Heading, KIND, Opening, next_line, source};
use crate::base::clock::Timestamp;
use crate::base::text::{hex, shorten};
use crate::store::sql::{self, End, Fault};
use crate::store::sqlite::lock::Lock;
use crate::store::sqlite::open::{absolute, has_log};
use crate::store::sqlite::schema::{MIGRATIONS, migrate, newest};
use crate::store::sqlite::thread::transact;
use crate::store::{Carried, Progress, StoreError};

/// After so many rows it is told how many there are.
const ROWS_TOLD: u64 = 1 << 12;

/// See [`crate::store::Location::import`].
pub fn import(store: &Path, from: Option<&Path>, now: Timestamp, progress: &Progress) -> Result<Carried, StoreError> {
    let store = &absolute(store)?;
    let _lock = Lock::take(store)?;
    if has_log(store) || std::fs::metadata(store).is_ok_and(|file| file.len() > 0) {
        return Err(StoreError::Occupied { path: store.clone() });
    }
    let name = from.map_or_else(|| PathBuf::from("standard input"), Path::to_owned);
    let not_read = |error| StoreError::NotRead { path: name.clone(), source: Box::new(error) };
    let source = source(from).map_err(not_read)?;
    let draft = Draft::begin(store)?;
    let mut lines =
        Lines { source, name: &name, line: Vec::new(), number: 0, digest: Sha256::new(), bytes: 0, rows: 0 };
    let carried = fill(&mut lines, draft.path(), now, progress).map_err(|fault| fault.at(store))?;
    let found = check(draft.path())?;
    if let Some(damage) = found.damages.first() {
        return Err(lines.wrong(format!("what it holds is damaged: {}: {}", damage.what, damage.example)));
    }
    draft.finish_store()?;
    Ok(carried)
}

/// Fills a new database. It has its name only later, so that nothing of it need be undone.
fn fill(lines: &mut Lines<'_>, path: &Path, now: Timestamp, progress: &Progress) -> Result<Carried, Fault> {
    let opening: Opening = lines.next("the opening line")?;
    if opening.kind != KIND || opening.format != FORMAT {
        return Err(lines.refuse(format!("it is no `{KIND}` of format {FORMAT}")));
    }
    let Some(schema) = usize::try_from(opening.schema).ok().filter(|schema| *schema > 0) else {
        return Err(lines.refuse(format!("there is no schema {}", opening.schema)));
    };
    let Some(migrations) = MIGRATIONS.get(..schema) else { return Err(Fault::Newer(opening.schema)) };
    let mut connection = Connection::open(path)?;
    connection.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF")?;
    migrate(&mut connection, migrations, 0, now)?;
    let tables = transact(&mut connection, |transaction| {
        transaction.execute("DELETE FROM meta", [])?;
        let tables = tables(transaction, lines, &opening, progress)?;
        for (table, number) in &opening.numbers {
            let keep = "UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1";
            if transaction.execute(keep, (table, number))? == 0 {
                transaction.execute("INSERT INTO sqlite_sequence(name, seq) VALUES (?1, ?2)", (table, number))?;
            }
        }
        Ok(End::Commit(tables))
    })?;
    let (bytes, sha256) = lines.end()?;
    migrate(&mut connection, MIGRATIONS, newest(migrations), now)?;
    sql::rename(&sql::Connection::Sqlite(&connection))?;
    Ok(Carried { schema: opening.schema, tables, bytes, sha256 })
}

/// Reads the tables; how many rows each has.
fn tables(
    transaction: &Connection,
    lines: &mut Lines<'_>,
    opening: &Opening,
    progress: &Progress,
) -> Result<Vec<(String, u64)>, Fault> {
    let all = opening.rows.values().sum();
    let mut left: BTreeMap<&String, u64> = opening.rows.iter().map(|(table, rows)| (table, *rows)).collect();
    let mut tables = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let heading: Heading = lines.next("the heading of a table")?;
        let Some(rows) = left.remove(&heading.table) else {
            return Err(lines.refuse(format!("the opening line has no table `{}`, or it came before", heading.table)));
        };
        let insert = insertion(transaction, lines, &heading)?;
        let mut insert = transaction.prepare(&insert)?;
        let is_bytes: Vec<bool> = heading.columns.iter().map(|column| heading.bytes.contains(column)).collect();
        for _ in 0..rows {
            let row: Vec<Value> = lines.next("a row")?;
            if row.len() != is_bytes.len() {
                return Err(lines.refuse(format!("a row of {} values where there are {}", row.len(), is_bytes.len())));
            }
            let values = row.into_iter().zip(&is_bytes).map(|(value, is_bytes)| kept(value, *is_bytes));
            let values = values.collect::<Option<Vec<Sql>>>().ok_or_else(|| lines.refuse("a value of another kind"))?;
            insert
                .execute(params_from_iter(values))
                .map_err(|error| lines.refuse(format!("the row cannot be: {error}")))?;
            lines.rows += 1;
            if lines.rows.is_multiple_of(ROWS_TOLD) {
                progress(lines.rows, all);
            }
        }
        tables.push((heading.table, rows));
    }
    Ok(tables)
}

/// The statement for the rows of a table, whose columns must be those of the schema.
fn insertion(transaction: &Connection, lines: &Lines<'_>, heading: &Heading) -> Result<String, Fault> {
    let Heading { table, columns: named, .. } = heading;
    let mut known: Vec<String> = columns(transaction, table)?.into_iter().map(|(name, _)| name).collect();
    let mut sorted = named.clone();
    known.sort();
    sorted.sort();
    // A name that is not the schema's goes into no statement.
    if known != sorted || known.is_empty() || table.starts_with("sqlite_") {
        return Err(lines.refuse(format!("the schema has no table `{table}` with these columns")));
    }
    let names = named.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let places = (1..=named.len()).map(|place| format!("?{place}")).collect::<Vec<_>>().join(", ");
    Ok(format!("INSERT INTO \"{table}\"({names}) VALUES ({places})"))
}

/// What SQLite keeps of a value; `None` of one that no row has.
fn kept(value: Value, is_bytes: bool) -> Option<Sql> {
    match value {
        Value::Null => Some(Sql::Null),
        Value::String(text) if is_bytes => BASE64_STANDARD.decode(text).ok().map(Sql::Blob),
        Value::String(text) => Some(Sql::Text(text)),
        Value::Number(number) => number.as_i64().map(Sql::Integer).or_else(|| number.as_f64().map(Sql::Real)),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Lines as they are read.
struct Lines<'a> {
    source: Box<dyn BufRead>,
    name: &'a Path,
    line: Vec<u8>,
    number: u64,
    digest: Sha256,
    bytes: u64,
    rows: u64,
}

impl Lines<'_> {
    /// Reads the next line; `false` where there is none.
    fn read(&mut self) -> Result<bool, Fault> {
        self.number += 1;
        let read = next_line(&mut self.source, &mut self.line);
        read.map_err(|error| self.refuse(error))
    }

    /// The next line as what it must be.
    fn next<T: serde::de::DeserializeOwned>(&mut self, what: &str) -> Result<T, Fault> {
        if !self.read()? {
            return Err(self.refuse(format!("it ends where {what} is expected")));
        }
        self.digest.update(&self.line);
        self.bytes += u64::try_from(self.line.len()).unwrap_or_default();
        serde_json::from_slice(&self.line).map_err(|error| self.refuse(format!("{what} is expected: {error}")))
    }

    /// Reads the last line, which says whether all lines are what they were; their bytes and their SHA-256.
    fn end(&mut self) -> Result<(u64, String), Fault> {
        let sha256 = hex(&self.digest.clone().finalize());
        let ending: Ending = self.next("the ending line")?;
        if ending.rows != self.rows || ending.sha256 != sha256 {
            return Err(self.refuse("the lines before are not those that were written"));
        }
        if self.read()? {
            return Err(self.refuse("something follows the ending line"));
        }
        Ok((self.bytes, sha256))
    }

    fn refuse(&self, why: impl ToString) -> Fault {
        Fault::Refused(self.wrong(why))
    }

    fn wrong(&self, why: impl ToString) -> StoreError {
        StoreError::NoExport { path: self.name.to_owned(), line: self.number, why: shorten(&why.to_string(), 300) }
    }
}
