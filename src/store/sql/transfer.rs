//! A whole history on its way from one database to another, of whichever kind, and the proof that it arrived.

use sha2::{Digest, Sha256};
use tokio_postgres::types::Type;

use super::connection::{Connection, Row};
use super::fault::Fault;
use super::value::{Cell, Value};
use crate::base::text::hex;
use crate::store::Progress;
use crate::store::postgres::Session;

/// The tables, each with its key, after those to which they refer. What belongs to one kind of database alone is not
/// among them: latches, and who works.
const TABLES: &[(&str, &str)] = &[
    ("meta", "name"),
    ("lease", "name"),
    ("feed", "id"),
    ("pull", "id"),
    ("pull_raw", "pull"),
    ("series", "id"),
    ("observation", "series, last, length"),
    ("observation_rev", "series, last, length, pull, seq"),
    ("pull_series", "pull, series"),
    ("item", "feed, id"),
    ("eval_task", "pull, shard"),
    ("rule", "name"),
    ("look", "rule, feed"),
    ("alert", "rule, labels"),
    ("transition", "seq"),
    ("silence", "id"),
    ("acknowledgement", "rule, labels, episode"),
    ("delivery", "seq"),
    ("attempt", "delivery, number"),
    ("receiver", "name"),
    ("spent", "account"),
];

/// The tables that number their rows, each with the column.
const NUMBERED: &[(&str, &str)] =
    &[("feed", "id"), ("pull", "id"), ("series", "id"), ("transition", "seq"), ("silence", "id"), ("delivery", "seq")];

/// What is not a table's own: the number of the schema is, on a server, and a file has it elsewhere.
fn rows_of(table: &str) -> &str {
    if table == "meta" { "meta WHERE name <> 'schema'" } else { table }
}

/// So many rows are on their way at once.
const ROWS: usize = 10_000;

/// What one table held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// The table.
    pub table: &'static str,
    /// Its rows.
    pub rows: u64,
    /// A hash of all of them in the order of its key.
    digest: [u8; 32],
}

/// What went wrong on the way, and at which end of it.
#[derive(Debug)]
pub enum Broken {
    /// Where it comes from.
    From(Fault),
    /// Where it goes.
    To(Fault),
}

impl Broken {
    /// What went wrong, wherever it was.
    pub fn fault(self) -> Fault {
        match self {
            Self::From(fault) | Self::To(fault) => fault,
        }
    }
}

/// Copies everything into a database whose tables are there and empty, within one transaction of each.
pub fn transfer(from: &Connection<'_>, to: &Connection<'_>, progress: &Progress) -> Result<Vec<Arrived>, Broken> {
    let all = count(from).map_err(Broken::From)?;
    let empty = || to.prepare(&format!("DELETE FROM {}", rows_of("meta")))?.execute(());
    empty().map_err(Broken::To)?;
    let (mut arrived, mut done) = (Vec::with_capacity(TABLES.len()), 0);
    for (table, key) in TABLES {
        let columns = columns(from, table).map_err(Broken::From)?;
        let mut there = Table::new(to, table, &columns).map_err(Broken::To)?;
        let before = done;
        let digest = read(from, table, key, &columns, |rows| {
            done += u64::try_from(rows.len()).unwrap_or_default();
            progress(done, all);
            there.write(rows).map_err(Broken::To)
        })?;
        arrived.push(Arrived { table, rows: done - before, digest });
    }
    for (table, column) in NUMBERED {
        go_on(from, to, table, column)?;
    }
    Ok(arrived)
}

/// Reads what arrived, and says which table is not what was sent.
pub fn verify(there: &Connection<'_>, arrived: &[Arrived], progress: &Progress) -> Result<(), Fault> {
    let all = arrived.iter().map(|table| table.rows).sum();
    let mut done = 0;
    for (table, key) in TABLES {
        let columns = columns(there, table)?;
        let before = done;
        let digest = read(there, table, key, &columns, |rows| {
            done += u64::try_from(rows.len()).unwrap_or_default();
            progress(done, all);
            Ok(())
        });
        let digest = digest.map_err(Broken::fault)?;
        let rows = done - before;
        let sent = arrived.iter().find(|sent| sent.table == *table);
        if sent.is_none_or(|sent| (sent.rows, sent.digest) != (rows, digest)) {
            let sent = sent.map_or(0, |sent| sent.rows);
            return Err(Fault::Damaged(format!(
                "table {table} has {rows} rows that are not the {sent} that were sent"
            )));
        }
    }
    Ok(())
}

/// How many rows there are in all.
fn count(connection: &Connection<'_>) -> Result<u64, Fault> {
    let mut all = 0;
    for (table, _) in TABLES {
        let rows: i64 =
            connection.prepare(&format!("SELECT count(*) FROM {}", rows_of(table)))?.query_one((), |row| row.get(0))?;
        all += rows.unsigned_abs();
    }
    Ok(all)
}

/// The columns of a table by name.
fn columns(connection: &Connection<'_>, table: &str) -> Result<Vec<String>, Fault> {
    let select = match connection {
        Connection::Sqlite(_) => "SELECT name FROM pragma_table_info(?1) ORDER BY name",
        Connection::Postgres(_) => {
            "SELECT column_name::text FROM information_schema.columns
             WHERE table_schema = current_schema() AND table_name = ?1 ORDER BY column_name::text COLLATE \"C\""
        }
    };
    connection.prepare(select)?.query_and_then([table], |row| row.get(0))?.collect()
}

/// A row that is on its way.
type Values = Vec<Value<'static>>;

/// Reads a table in the order of its key, some rows at a time; a hash of all of them.
fn read(
    from: &Connection<'_>,
    table: &str,
    key: &str,
    columns: &[String],
    mut send: impl FnMut(&[Values]) -> Result<(), Broken>,
) -> Result<[u8; 32], Broken> {
    let select = format!("SELECT {} FROM {} ORDER BY {key}", columns.join(", "), rows_of(table));
    let mut digest = Sha256::new();
    let mut some: Vec<Values> = Vec::new();
    let mut take = |row: &Row<'_>, some: &mut Vec<Values>| -> Result<(), Fault> {
        let mut values = Vec::with_capacity(columns.len());
        for place in 0..columns.len() {
            let cell = row.cell(place)?;
            hash(&mut digest, cell);
            values.push(cell.to_value());
        }
        some.push(values);
        Ok(())
    };
    if let Some(session) = from.on_server() {
        let some_rows = |rows: &[tokio_postgres::Row]| {
            for row in rows {
                take(&Row::Postgres(row), &mut some).map_err(Broken::From)?;
            }
            send(&some)?;
            some.clear();
            Ok(())
        };
        each(session, &select, Broken::From, some_rows)?;
        return Ok(digest.finalize().into());
    }
    let mut statement = from.prepare(&select).map_err(Broken::From)?;
    let mut rows = statement.query(()).map_err(Broken::From)?;
    while let Some(row) = rows.next().map_err(Broken::From)? {
        take(&row, &mut some).map_err(Broken::From)?;
        if some.len() == ROWS {
            send(&some)?;
            some.clear();
        }
    }
    send(&some)?;
    Ok(digest.finalize().into())
}

/// Reads all that a query finds on a server, some rows at a time.
pub fn each<E>(
    session: &Session,
    select: &str,
    failed: impl Fn(Fault) -> E,
    mut take: impl FnMut(&[tokio_postgres::Row]) -> Result<(), E>,
) -> Result<(), E> {
    session.simple(&format!("DECLARE reading NO SCROLL CURSOR FOR {select}")).map_err(&failed)?;
    loop {
        let rows = session.query(&format!("FETCH {ROWS} FROM reading"), &[]).map_err(&failed)?;
        if rows.is_empty() {
            return session.simple("CLOSE reading").map(|_| ()).map_err(&failed);
        }
        take(&rows)?;
    }
}

/// Adds a cell to a hash, so that no two rows look the same but those of which one kind of database makes the same: a
/// server keeps no text with a zero in it, and SQLite no zero below zero.
fn hash(digest: &mut Sha256, cell: Cell<'_>) {
    if let Cell::Text(text) = cell
        && text.contains('\0')
    {
        return hash(digest, Cell::Text(&text.replace('\0', "\u{fffd}")));
    }
    let (kind, bytes): (u8, &[u8]) = match &cell {
        Cell::Null => (0, &[]),
        Cell::Int(value) => (1, &value.to_le_bytes()),
        Cell::Real(value) if *value == 0.0 => (2, &[0; 8]),
        Cell::Real(value) => (2, &value.to_bits().to_le_bytes()),
        Cell::Text(value) => (3, value.as_bytes()),
        Cell::Blob(value) => (4, value),
    };
    digest.update([kind]);
    digest.update(u64::try_from(bytes.len()).unwrap_or_default().to_le_bytes());
    digest.update(bytes);
}

/// A table that is filled.
struct Table<'c> {
    to: Connection<'c>,
    text: String,
    types: Vec<Type>,
}

impl<'c> Table<'c> {
    fn new(to: &Connection<'c>, table: &str, names: &[String]) -> Result<Self, Fault> {
        if columns(to, table)? != names {
            return Err(Fault::Damaged(format!("table {table} has other columns there")));
        }
        let names = names.join(", ");
        let (text, types) = match to.on_server() {
            Some(session) => {
                let row = session.describe(&format!("SELECT {names} FROM {table}"))?;
                (format!("COPY {table}({names}) FROM STDIN BINARY"), row)
            }
            None => {
                let places: Vec<String> = (1..=names.split(", ").count()).map(|place| format!("?{place}")).collect();
                (format!("INSERT INTO {table}({names}) VALUES ({})", places.join(", ")), Vec::new())
            }
        };
        Ok(Self { to: *to, text, types })
    }

    fn write(&mut self, rows: &[Values]) -> Result<(), Fault> {
        if let Some(session) = self.to.on_server() {
            return session.copy_in(&self.text, &self.types, rows, |row| row.as_slice());
        }
        let mut insert = self.to.prepare(&self.text)?;
        for row in rows {
            insert.execute(row)?;
        }
        Ok(())
    }
}

/// Gives a store a new name; what it is.
pub fn rename(transaction: &Connection<'_>) -> Result<String, Fault> {
    let id = hex(&rand::random::<[u8; 16]>());
    let named = transaction.prepare("UPDATE meta SET value = ?1 WHERE name = 'store_id'")?.execute([&id])?;
    if named == 1 { Ok(id) } else { Err(Fault::Damaged("it has no name".to_owned())) }
}

/// Lets a table's numbers go on where they were: none is given twice, not even that of a row that is gone.
fn go_on(from: &Connection<'_>, to: &Connection<'_>, table: &str, column: &str) -> Result<(), Broken> {
    let last = given(from, table, column).map_err(Broken::From)?;
    give_from(to, table, column, last).map_err(Broken::To)
}

/// The last number that a table has given; 0 where it has given none.
fn given(from: &Connection<'_>, table: &str, column: &str) -> Result<i64, Fault> {
    let newest = format!("SELECT coalesce(max({column}), 0) FROM {table}");
    let newest: i64 = from.prepare(&newest)?.query_one((), |row| row.get(0))?;
    let given: Option<i64> = match from {
        Connection::Sqlite(_) => {
            from.prepare("SELECT seq FROM sqlite_sequence WHERE name = ?1")?.query_row([table], |row| row.get(0))?
        }
        Connection::Postgres(_) => {
            let given = format!("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {table}_{column}_seq");
            from.prepare(&given)?.query_row((), |row| row.get(0))?
        }
    };
    Ok(given.unwrap_or(0).max(newest))
}

/// Lets a table give the numbers after one.
fn give_from(to: &Connection<'_>, table: &str, column: &str, last: i64) -> Result<(), Fault> {
    match to {
        Connection::Sqlite(_) => {
            let go_on = "UPDATE sqlite_sequence SET seq = ?2 WHERE name = ?1";
            if to.prepare(go_on)?.execute((table, last))? == 0 && last > 0 {
                // No row has come: all of them are gone. Of tables whose rows never go SQLite remembers no number.
                let remember = "INSERT INTO sqlite_sequence(name, seq) SELECT ?1, ?2 WHERE EXISTS (
                    SELECT 1 FROM sqlite_schema WHERE name = ?1 AND sql LIKE '%AUTOINCREMENT%')";
                to.prepare(remember)?.execute((table, last))?;
            }
        }
        Connection::Postgres(_) => {
            let go_on = format!("SELECT setval('{table}_{column}_seq', greatest(?1, 1), ?1 > 0)");
            to.prepare(&go_on)?.exists([last])?;
        }
    }
    Ok(())
}
