//! One file per format: from bytes to a table, a pure function each.
//!
//! A table is rows with numbers and cells by column; which column means what is the publisher's
//! business (`feed::publisher`), and so is whether a row that cannot be read matters.

pub mod csv;
pub mod cube;
pub mod html;
pub mod items;
pub mod json;
pub mod json_path;
pub mod json_table;
pub mod jsonstat;
pub mod said;
pub mod sdmx;
mod sdmx_csv;
mod sdmx_json;
mod sdmx_ml;
pub mod sidecar;
mod sniff;
pub mod syndication;
mod text;
pub mod workbook;

pub use sniff::{is_html, no_page, sniff, title};
pub use text::{decode, decode_either};

use super::ParseError;
use crate::base::text::nearest;

/// One cell, as its format tells it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// The row has no such cell.
    Absent,
    /// The cell is there and holds nothing (JSON's `null`).
    Null,
    /// Text, which may still be a number or nothing.
    Text(&'a str),
    /// A whole number that the format itself marks as a number.
    Integer(i128),
    /// Any other number that the format itself marks as a number.
    Number(f64),
    /// A day or a moment that the format itself marks as one, in ISO 8601.
    Date(&'a str),
    /// Something that is no single value: an object, an array, the error of a formula.
    Nested(&'static str),
}

/// One row of a table.
pub trait Row {
    /// Where it stands, for messages: the line of a CSV file, the record of a JSON array, from 1.
    fn number(&self) -> usize;

    /// The cell in a column.
    fn cell(&self, column: usize) -> Cell<'_>;

    /// Why the row as a whole cannot be read, where it cannot.
    fn fault(&self) -> Option<String>;

    /// The address of a cell, for messages, where the format has addresses: `Prices!B7`.
    fn address(&self, _column: usize) -> Option<String> {
        None
    }

    /// Whether the row takes back what was said before of its period.
    fn is_withdrawn(&self) -> bool {
        false
    }
}

/// Names of columns that an error lists, at most.
const NAMES_LISTED: usize = 40;

/// The place of a column in a header, where it is there just once.
pub fn find_column(header: &[String], name: &str) -> Result<usize, ParseError> {
    let mut places = header.iter().enumerate().filter(|(_, column)| *column == name);
    match (places.next(), places.count()) {
        (Some((index, _)), 0) => Ok(index),
        (Some(_), more) => Err(ParseError::DuplicateColumn { column: name.to_owned(), count: more + 1 }),
        (None, _) => Err(no_column(name, header)),
    }
}

/// The error for a column that is not there, with those that are.
pub fn no_column<S: AsRef<str>>(name: &str, found: &[S]) -> ParseError {
    let near = nearest(name, found.iter().map(AsRef::as_ref)).map(str::to_owned);
    ParseError::Column { column: name.to_owned(), found: listed(found), nearest: near }
}

/// The first names of a list for a message, and how many more there are.
pub fn listed<S: AsRef<str>>(names: &[S]) -> Vec<String> {
    let named = names.iter().map(AsRef::as_ref).filter(|name| !name.is_empty());
    let mut list: Vec<String> =
        named.clone().take(NAMES_LISTED).map(|name| crate::base::text::shorten(name, 60)).collect();
    let more = named.count().saturating_sub(NAMES_LISTED);
    if more > 0 {
        list.push(format!("{more} more"));
    }
    list
}
