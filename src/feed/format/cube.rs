//! Statistical tables: figures at named coordinates, whichever format they are written in (SDMX, JSON-stat).
//!
//! A format gives each figure as a row of the fields that were asked for, in their order. Which dimension is
//! which label, and what a mark means, is the publisher's business.

use super::{Cell, Row, find_column, no_column};
use crate::feed::ParseError;

/// What a part of a statistical table is to its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// When: the dimension of time.
    Period,
    /// How much.
    Value,
    /// The publisher's mark.
    Status,
    /// When the figures were published.
    Published,
    /// A dimension or an attribute like any other.
    Plain,
}

/// A part of a statistical table that a reader wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// What it is.
    pub role: Role,
    /// Its name; `None`: the format finds it under its usual ones.
    pub name: Option<String>,
}

impl Field {
    /// One that the format finds itself.
    pub const fn usual(role: Role) -> Self {
        Self { role, name: None }
    }

    /// A dimension or an attribute by its name.
    pub fn plain(name: &str) -> Self {
        Self { role: Role::Plain, name: Some(name.to_owned()) }
    }

    /// The names that it goes by, the likeliest first.
    pub fn names(&self) -> Vec<&str> {
        match (&self.name, self.role) {
            (Some(name), _) => vec![name],
            (None, Role::Period) => vec!["TIME_PERIOD", "TIME"],
            (None, Role::Value) => vec!["OBS_VALUE"],
            (None, Role::Status) => vec!["OBS_STATUS", "OBS_FLAG"],
            (None, Role::Published) => vec!["LAST UPDATE"],
            (None, Role::Plain) => Vec::new(),
        }
    }

    /// Whether a table without it cannot be read.
    pub const fn is_needed(&self) -> bool {
        self.name.is_some() || matches!(self.role, Role::Period | Role::Value)
    }

    /// Where it is among the columns of a table; an error where it must be and is not, or is twice.
    pub fn find(&self, columns: &[String]) -> Result<Option<usize>, ParseError> {
        let names = self.names();
        match names.iter().find(|name| columns.iter().any(|column| column == *name)) {
            Some(name) => find_column(columns, name).map(Some),
            None if self.is_needed() => Err(self.absent(columns)),
            None => Ok(None),
        }
    }

    /// The error for a field that no column of the table has.
    pub fn absent<S: AsRef<str>>(&self, columns: &[S]) -> ParseError {
        no_column(self.names().first().copied().unwrap_or_default(), columns)
    }
}

/// One figure of a table: a cell for each field that was asked for.
#[derive(Debug)]
pub struct Fact<'f> {
    /// Which it is, from 1; in a text, its line.
    pub number: usize,
    /// The fields.
    pub cells: Vec<Cell<'f>>,
    /// It takes back what was said before.
    pub withdrawn: bool,
    /// Why it cannot be read, where it cannot.
    pub fault: Option<String>,
}

impl Row for Fact<'_> {
    fn number(&self) -> usize {
        self.number
    }

    fn cell(&self, column: usize) -> Cell<'_> {
        self.cells.get(column).copied().unwrap_or(Cell::Absent)
    }

    fn fault(&self) -> Option<String> {
        self.fault.clone()
    }

    fn is_withdrawn(&self) -> bool {
        self.withdrawn
    }
}

/// Takes the figures as they are read.
pub type Sink<'s> = &'s mut dyn FnMut(&Fact<'_>) -> Result<(), ParseError>;

/// A figure written as text; `NaN` says that there is none.
pub fn figure(text: &str) -> Cell<'_> {
    if text.trim().eq_ignore_ascii_case("nan") { Cell::Null } else { Cell::Text(text) }
}

/// The usual fields, and some by name.
#[cfg(test)]
pub fn fields(named: &[&str]) -> Vec<Field> {
    let usual = [Role::Period, Role::Value, Role::Status].map(Field::usual);
    usual.into_iter().chain(named.iter().map(|name| Field::plain(name))).collect()
}

/// A table as lines for tests: number, the cells, what is wrong.
#[cfg(test)]
pub fn told(read: impl FnOnce(Sink<'_>) -> Result<(), ParseError>) -> String {
    let mut lines = Vec::new();
    let cell = |cell: &Cell<'_>| match cell {
        Cell::Absent => "·".to_owned(),
        Cell::Null => "null".to_owned(),
        Cell::Text(text) | Cell::Date(text) => (*text).to_owned(),
        Cell::Integer(number) => number.to_string(),
        Cell::Number(number) => number.to_string(),
        Cell::Nested(kind) => format!("({kind})"),
    };
    let ended = read(&mut |fact| {
        let cells: Vec<String> = fact.cells.iter().map(cell).collect();
        let withdrawn = if fact.withdrawn { " withdrawn" } else { "" };
        let fault = fact.fault.as_ref().map(|fault| format!(" ({fault})")).unwrap_or_default();
        lines.push(format!("{}: {}{withdrawn}{fault}", fact.number, cells.join(" ¦ ")));
        Ok(())
    });
    lines.extend(ended.err().map(|error| error.to_string()));
    lines.join("\n")
}
