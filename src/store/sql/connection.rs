//! One way to ask both databases: the text of a statement with `?1`, `?2`, …, its values, and the rows of its answer.
//!
//! What only one of them can do, or does much better in another way, says so where it is done: see
//! [`Connection::on_server`].

use std::vec::IntoIter;

use rusqlite::{CachedStatement, params_from_iter};

use super::fault::Fault;
use super::value::{Cell, Column, Values};
use crate::store::Hint;
use crate::store::postgres::Session;

/// A connection on which work is done, in a transaction where it changes anything.
#[derive(Clone, Copy)]
pub enum Connection<'c> {
    /// To a file.
    Sqlite(&'c rusqlite::Connection),
    /// To a server.
    Postgres(&'c Session),
}

impl<'c> Connection<'c> {
    /// A statement, to be executed with values as often as wanted.
    pub fn prepare(&self, sql: &str) -> Result<Statement<'c>, Fault> {
        Ok(match self {
            Self::Sqlite(connection) => Statement::Sqlite(connection.prepare_cached(sql)?),
            Self::Postgres(session) => Statement::Postgres(session, session.text(sql)),
        })
    }

    /// The session with a server, where it is one.
    pub const fn on_server(&self) -> Option<&'c Session> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(session) => Some(session),
        }
    }

    /// What a query says at its end that takes rows for itself. Where there is one writer at a time, nothing.
    pub const fn for_update(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(_) => "FOR UPDATE",
        }
    }

    /// Tells the other replicas something, once the transaction is stored.
    pub fn hint(&self, hint: Hint) {
        if let Self::Postgres(session) = self {
            session.hint(hint);
        }
    }

    /// What a query says at its end that takes rows of a table for itself, and leaves out what another transaction has.
    pub fn leaving_out_taken(&self, of: &str) -> String {
        match self {
            Self::Sqlite(_) => String::new(),
            Self::Postgres(_) => format!("FOR UPDATE OF {of} SKIP LOCKED"),
        }
    }

    /// Lets one transaction at a time go on from here.
    pub fn one_at_a_time(&self, latch: Latch) -> Result<(), Fault> {
        if let Self::Postgres(_) = self {
            self.prepare("SELECT name FROM latch WHERE name = ?1 FOR UPDATE")?.exists([latch.name()])?;
        }
        Ok(())
    }
}

/// What is done by one transaction at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latch {
    /// Pulls are stored: their numbers are in the order in which others see them.
    Pulls,
    /// Rules are made known.
    Rules,
    /// What is old is forgotten.
    Forgetting,
}

impl Latch {
    /// The word that the schema has for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pulls => "pulls",
            Self::Rules => "rules",
            Self::Forgetting => "forgetting",
        }
    }
}

/// A statement.
pub enum Statement<'c> {
    /// Of a file.
    Sqlite(CachedStatement<'c>),
    /// Of a server; nothing of it is kept there, so that no other session can have it in its place.
    Postgres(&'c Session, String),
}

impl Statement<'_> {
    /// Executes it; how many rows it changed.
    pub fn execute(&mut self, values: impl Values) -> Result<usize, Fault> {
        match self {
            Self::Sqlite(statement) => Ok(statement.execute(params_from_iter(values.list()))?),
            Self::Postgres(session, text) => session.execute(text, &values.list()),
        }
    }

    /// Executes it with each of many lists of values; how many rows it changed with each. A server is told all of them
    /// at once.
    pub fn execute_each(&mut self, all: impl IntoIterator<Item = impl Values>) -> Result<Vec<usize>, Fault> {
        match self {
            Self::Sqlite(_) => all.into_iter().map(|values| self.execute(values)).collect(),
            Self::Postgres(session, text) => {
                let all: Vec<_> = all.into_iter().collect();
                session.execute_each(text, all.iter().map(Values::list))
            }
        }
    }

    /// Whether it finds anything.
    pub fn exists(&mut self, values: impl Values) -> Result<bool, Fault> {
        Ok(self.query(values)?.next()?.is_some())
    }

    /// The rows that it finds.
    pub fn query(&mut self, values: impl Values) -> Result<Rows<'_>, Fault> {
        Ok(match self {
            Self::Sqlite(statement) => Rows::Sqlite(statement.query(params_from_iter(values.list()))?),
            Self::Postgres(session, text) => {
                Rows::Postgres { rows: session.query(text, &values.list())?.into_iter(), row: None }
            }
        })
    }

    /// What is read from each row that it finds.
    pub fn query_and_then<T, F: FnMut(&Row<'_>) -> Result<T, Fault>>(
        &mut self,
        values: impl Values,
        read: F,
    ) -> Result<Read<'_, F>, Fault> {
        Ok(Read { rows: self.query(values)?, read })
    }

    /// What is read from the first row that it finds, if it finds any.
    pub fn query_row<T>(
        &mut self,
        values: impl Values,
        read: impl FnOnce(&Row<'_>) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        self.query(values)?.next()?.map(|row| read(&row)).transpose()
    }

    /// What is read from the one row that there must be.
    pub fn query_one<T>(
        &mut self,
        values: impl Values,
        read: impl FnOnce(&Row<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.query_row(values, read)?.ok_or_else(|| Fault::unreadable("row", "none"))
    }

    /// For each of many lists of values, what is read from the first row that it finds, if it finds any. A server is
    /// asked for all of them at once.
    pub fn query_each<T>(
        &mut self,
        all: impl IntoIterator<Item = impl Values>,
        mut read: impl FnMut(&Row<'_>) -> Result<T, Fault>,
    ) -> Result<Vec<Option<T>>, Fault> {
        match self {
            Self::Sqlite(_) => all.into_iter().map(|values| self.query_row(values, &mut read)).collect(),
            Self::Postgres(session, text) => {
                let all: Vec<_> = all.into_iter().collect();
                let answers = session.query_each(text, all.iter().map(Values::list))?;
                answers.iter().map(|rows| rows.first().map(|row| read(&Row::Postgres(row))).transpose()).collect()
            }
        }
    }

    /// For each of many lists of values, what is read from all rows that it finds. A server is asked for all of them at
    /// once.
    pub fn query_all<T>(
        &mut self,
        all: impl IntoIterator<Item = impl Values>,
        mut read: impl FnMut(&Row<'_>) -> Result<T, Fault>,
    ) -> Result<Vec<Vec<T>>, Fault> {
        match self {
            Self::Sqlite(_) => {
                all.into_iter().map(|values| self.query_and_then(values, &mut read)?.collect()).collect()
            }
            Self::Postgres(session, text) => {
                let all: Vec<_> = all.into_iter().collect();
                let answers = session.query_each(text, all.iter().map(Values::list))?;
                answers.iter().map(|rows| rows.iter().map(|row| read(&Row::Postgres(row))).collect()).collect()
            }
        }
    }
}

/// Rows that a statement finds.
pub enum Rows<'s> {
    /// In a file: each is read as it is asked for.
    Sqlite(rusqlite::Rows<'s>),
    /// On a server: they are all there.
    Postgres {
        /// Those that are still to come.
        rows: IntoIter<tokio_postgres::Row>,
        /// The one that was asked for last.
        row: Option<tokio_postgres::Row>,
    },
}

impl Rows<'_> {
    /// The next one.
    pub fn next(&mut self) -> Result<Option<Row<'_>>, Fault> {
        Ok(match self {
            Self::Sqlite(rows) => rows.next()?.map(Row::Sqlite),
            Self::Postgres { rows, row } => {
                *row = rows.next();
                row.as_ref().map(Row::Postgres)
            }
        })
    }
}

/// What is read from rows, one after the other.
pub struct Read<'s, F> {
    rows: Rows<'s>,
    read: F,
}

impl<T, F: FnMut(&Row<'_>) -> Result<T, Fault>> Iterator for Read<'_, F> {
    type Item = Result<T, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.rows.next() {
            Ok(row) => row.map(|row| (self.read)(&row)),
            Err(fault) => Some(Err(fault)),
        }
    }
}

/// A row of an answer.
#[derive(Clone, Copy)]
pub enum Row<'r> {
    /// From a file.
    Sqlite(&'r rusqlite::Row<'r>),
    /// From a server.
    Postgres(&'r tokio_postgres::Row),
}

impl<'r> Row<'r> {
    /// A cell, by its place from 0.
    pub fn cell(&self, place: usize) -> Result<Cell<'r>, Fault> {
        match *self {
            Self::Sqlite(row) => row.get_ref(place)?.try_into(),
            Self::Postgres(row) => Session::cell(row, place),
        }
    }

    /// What a cell is read as.
    pub fn get<T: Column<'r>>(&self, place: usize) -> Result<T, Fault> {
        let cell = self.cell(place)?;
        T::read(cell).ok_or_else(|| Fault::unreadable("value", format!("{cell:?} in column {place}")))
    }
}
