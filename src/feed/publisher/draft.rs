//! A page in the making by a publisher that reads its answers itself.
//!
//! A row that cannot be read is refused with its reason and counted, as in `reading`; which rows mean
//! figures is the publisher's business.

use crate::base::limits::{ITEMS_MAX, REFUSALS_KEPT, ROWS_MAX};
use crate::base::text::shorten;
use crate::feed::{Page, ParseError, Request};
use crate::period::Span;
use crate::series::{Item, Labels, Observation, Refusal};

/// Characters of a refusal's reason, at most.
const REASON_CHARS: usize = 300;

/// Why a row, or a figure of it, is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The column, where one is to blame.
    pub column: Option<String>,
    /// What was expected and found.
    pub reason: String,
}

impl Fault {
    /// A fault of the row as a whole.
    pub fn whole(reason: impl Into<String>) -> Self {
        Self { column: None, reason: reason.into() }
    }

    /// A fault of a column.
    pub fn at(column: &str, reason: impl Into<String>) -> Self {
        Self { column: Some(column.to_owned()), reason: reason.into() }
    }
}

/// What a row says.
#[derive(Clone, Debug)]
pub enum Told {
    /// A figure; its row is filled in.
    Figure(Observation),
    /// That there is none.
    Unavailable(Labels, Span),
}

/// A page in the making.
#[derive(Debug, Default)]
pub struct Draft(Page);

impl Draft {
    /// Adds what a row, counted from 1, says, or why it cannot be read.
    pub fn row(&mut self, row: usize, told: Result<Told, Fault>) -> Result<(), ParseError> {
        self.0.rows += 1;
        if self.0.rows > ROWS_MAX {
            return Err(ParseError::TooManyRows(ROWS_MAX));
        }
        match told {
            Ok(Told::Figure(observation)) => self.0.observations.push(Observation { row, ..observation }),
            Ok(Told::Unavailable(labels, span)) => self.0.unavailable.push((labels, span)),
            Err(fault) => self.refuse(row, fault),
        }
        Ok(())
    }

    fn refuse(&mut self, row: usize, Fault { column, reason }: Fault) {
        self.0.refused_count += 1;
        if self.0.refused.len() < REFUSALS_KEPT {
            self.0.refused.push(Refusal { row, column, reason: shorten(&reason, REASON_CHARS) });
        }
    }

    /// Adds an item that a row, counted from 1, is, or why it is none.
    pub fn item(&mut self, row: usize, told: Result<Item, Fault>) -> Result<(), ParseError> {
        self.0.rows += 1;
        if self.0.rows > ITEMS_MAX {
            return Err(ParseError::TooManyRows(ITEMS_MAX));
        }
        match told {
            Ok(item) => match self.0.items.iter().find(|known| known.id == item.id) {
                None => self.0.items.push(item),
                Some(known) if *known == item => {}
                Some(_) => self.refuse(row, Fault::whole(format!("another item is called `{}` too", item.id))),
            },
            Err(fault) => self.refuse(row, fault),
        }
        Ok(())
    }

    /// Says what is asked next.
    pub fn next(&mut self, requests: impl IntoIterator<Item = Request>) {
        self.0.next.extend(requests);
    }

    /// Says what the operator should know.
    pub fn note(&mut self, note: String) {
        self.0.note = Some(note);
    }

    /// Marks something for the next pull.
    pub fn mark(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.marks.push((name.into(), value.into()));
    }

    /// The page, as it is.
    pub fn finish(self) -> Page {
        self.0
    }
}
