//! Everything that is stored, as lines.

use std::collections::BTreeMap;
use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::check::tables;
use super::draft::Draft;
use super::lines::{Ending, FORMAT, Heading, KIND, Opening, Target};
use crate::base::clock::Timestamp;
use crate::base::text::hex;
use crate::store::sql::Fault;
use crate::store::sqlite::copy::look;
use crate::store::sqlite::open::{absolute, expected, id, version};
use crate::store::{Carried, Progress, StoreError};

/// After so many rows it is told how many there are.
const ROWS_TOLD: u64 = 1 << 12;

/// See [`crate::store::Location::export`].
pub fn export(
    store: &Path,
    to: Option<&Path>,
    replace: bool,
    now: Timestamp,
    progress: &Progress,
) -> Result<Carried, StoreError> {
    expected(store)?;
    let store = &absolute(store)?;
    let Some(to) = to else {
        // What was written to a pipe cannot be taken back: there is one try.
        let mut output = Some(Target::new(None, std::io::stdout()));
        let place = Path::new("standard output");
        let write = |connection: &mut Connection| match output.take() {
            Some(target) => write(connection, target, place, now, progress),
            None => Err(Fault::File { path: place.to_owned(), error: std::io::ErrorKind::ResourceBusy.into() }),
        };
        return look(store, write).map_err(|fault| fault.at(store));
    };
    let to = &absolute(to)?;
    if to == store {
        return Err(StoreError::Same { path: to.clone() });
    }
    if !replace && to.symlink_metadata().is_ok() {
        return Err(StoreError::Exists { path: to.clone() });
    }
    let draft = Draft::begin(to)?;
    let written = look(store, |connection| {
        let empty = draft.empty().map_err(|error| Fault::File { path: draft.path().to_owned(), error });
        write(connection, Target::new(Some(to), empty?), draft.path(), now, progress)
    });
    let carried = written.map_err(|fault| fault.at(store))?;
    draft.finish()?;
    Ok(carried)
}

/// Writes all of it, as of one moment.
fn write(
    connection: &Connection,
    target: Target<'_>,
    place: &Path,
    now: Timestamp,
    progress: &Progress,
) -> Result<Carried, Fault> {
    connection.execute_batch("BEGIN")?;
    let tables = tables(connection)?;
    let opening = Opening {
        kind: KIND.to_owned(),
        format: FORMAT,
        schema: version(connection)?,
        store: id(connection)?,
        at: now.to_string(),
        rows: tables.iter().cloned().collect(),
        numbers: numbers(connection)?,
    };
    let all = tables.iter().map(|(_, rows)| rows).sum();
    let mut lines = Lines { target, place, digest: Sha256::new(), bytes: 0, rows: 0, all, progress };
    lines.json(&opening)?;
    for (table, rows) in &tables {
        let before = lines.rows;
        lines.table(connection, table)?;
        if lines.rows - before != *rows {
            return Err(Fault::Damaged(format!(
                "table {table} has {} rows by one index and {rows} by another",
                lines.rows - before
            )));
        }
    }
    let sha256 = hex(&lines.digest.clone().finalize());
    lines.json(&Ending { rows: lines.rows, sha256: sha256.clone() })?;
    let bytes = lines.bytes;
    lines.target.finish().map_err(|error| Fault::File { path: place.to_owned(), error })?;
    Ok(Carried { schema: opening.schema, tables, bytes, sha256 })
}

/// The last number of each table that gives none twice.
fn numbers(connection: &Connection) -> Result<BTreeMap<String, i64>, Fault> {
    let mut select = connection.prepare("SELECT name, seq FROM sqlite_sequence")?;
    Ok(select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?)
}

/// Lines on their way.
struct Lines<'a> {
    target: Target<'a>,
    place: &'a Path,
    digest: Sha256,
    bytes: u64,
    rows: u64,
    all: u64,
    progress: &'a Progress,
}

impl Lines<'_> {
    /// Writes a line.
    fn line(&mut self, line: &[u8]) -> Result<(), Fault> {
        self.digest.update(line);
        self.bytes += u64::try_from(line.len()).unwrap_or_default();
        self.target.write(line).map_err(|error| Fault::File { path: self.place.to_owned(), error })
    }

    fn json(&mut self, value: &impl Serialize) -> Result<(), Fault> {
        let text = serde_json::to_string(value).map_err(|error| Fault::unreadable("line of an export", error))?;
        self.line(format!("{text}\n").as_bytes())
    }

    /// Writes a table.
    fn table(&mut self, connection: &Connection, table: &str) -> Result<(), Fault> {
        let columns = columns(connection, table)?;
        let bytes = columns.iter().filter(|(_, kind)| kind == "BLOB").map(|(name, _)| name.clone()).collect();
        let names: Vec<String> = columns.into_iter().map(|(name, _)| name).collect();
        let quoted = names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let count = names.len();
        self.json(&Heading { table: table.to_owned(), columns: names, bytes })?;
        let mut select = connection.prepare(&format!("SELECT {quoted} FROM \"{table}\""))?;
        let mut rows = select.query([])?;
        let mut line = Vec::new();
        while let Some(row) = rows.next()? {
            line.clear();
            for column in 0..count {
                line.push(if column == 0 { b'[' } else { b',' });
                value(&mut line, row.get_ref(column)?)?;
            }
            line.extend_from_slice(b"]\n");
            self.line(&line)?;
            self.rows += 1;
            if self.rows.is_multiple_of(ROWS_TOLD) {
                (self.progress)(self.rows, self.all);
            }
        }
        Ok(())
    }
}

/// The columns of a table, in their order, each with its type.
pub fn columns(connection: &Connection, table: &str) -> Result<Vec<(String, String)>, Fault> {
    let mut select = connection.prepare("SELECT name, type FROM pragma_table_info(?1) ORDER BY cid")?;
    Ok(select.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?)
}

/// Writes a value as JSON.
fn value(line: &mut Vec<u8>, value: ValueRef<'_>) -> Result<(), Fault> {
    let written = match value {
        ValueRef::Null => serde_json::to_writer(line, &()),
        ValueRef::Integer(number) => serde_json::to_writer(line, &number),
        ValueRef::Real(number) => serde_json::to_writer(line, &number),
        ValueRef::Text(text) => {
            let text = std::str::from_utf8(text).map_err(|error| rusqlite::Error::Utf8Error(0, error))?;
            serde_json::to_writer(line, text)
        }
        ValueRef::Blob(bytes) => serde_json::to_writer(line, &BASE64_STANDARD.encode(bytes)),
    };
    written.map_err(|error| Fault::unreadable("value", error))
}
