//! Where a pull finds what is known and leaves what is new.
//!
//! In a file each series is read and written by itself: nothing lies between. On a server every question is a way there
//! and back, so that many series are read at once, and what is new is gathered and sent together.

mod file;
mod server;

use self::file::File;
use self::server::Server;
use super::connection::Connection;
use super::fault::Fault;
use crate::period::Frequency;
use crate::series::Figures;
use crate::store::delta::{Known, Told};

/// A row whose series is known by its number.
pub struct Staged {
    /// The series.
    pub series: i64,
    /// The ordinal of the last period that it covers.
    pub last: i32,
    /// How many it covers.
    pub length: u16,
    /// What it says.
    pub told: Told,
}

/// The newest vintage of a span as its row has it.
#[derive(Clone, Copy)]
pub struct Kept {
    /// The series.
    pub series: i64,
    /// The ordinal of the last period that it covers.
    pub last: i32,
    /// How many it covers.
    pub length: u16,
    /// What it says.
    pub known: Known,
    /// The pull that brought it.
    pub pull: i64,
    /// Its place among the vintages of that pull.
    pub seq: i64,
}

/// What a pull changed of a series.
#[derive(Clone, Copy)]
pub struct Touch {
    /// The series.
    pub series: i64,
    /// Figures for periods not known before.
    pub new: i64,
    /// Figures that replaced another.
    pub revised: i64,
    /// The first period of which anything is new.
    pub min_last: i32,
}

/// See the module.
pub enum Ledger<'c> {
    /// In a file.
    File(Box<File<'c>>),
    /// On a server.
    Server(Box<Server<'c>>),
}

impl<'c> Ledger<'c> {
    /// For a pull of that number.
    pub fn new(transaction: &'c Connection<'c>, pull: i64) -> Result<Self, Fault> {
        Ok(match transaction {
            Connection::Sqlite(connection) => Self::File(Box::new(File::new(connection, pull)?)),
            Connection::Postgres(session) => Self::Server(Box::new(Server::new(session, pull))),
        })
    }

    /// The numbers of a feed's series, which are made known where they are not. Of the series with the same labels it is
    /// the one that is named that counts: a feed whose frequency or unit changed begins new ones.
    pub fn series(&mut self, feed: i64, frequency: Frequency, all: &[Figures]) -> Result<Vec<i64>, Fault> {
        match self {
            Self::File(file) => file.series(feed, frequency, all),
            Self::Server(server) => server.series(feed, frequency, all),
        }
    }

    /// Makes ready to say what is known of the series of the first of these rows; how many rows these are.
    pub fn load(&mut self, rows: &[Staged]) -> Result<usize, Fault> {
        match self {
            Self::File(_) => Ok(rows.len()),
            Self::Server(server) => server.load(rows),
        }
    }

    /// What is known of a stretch of a series, in the order of its spans.
    pub fn known(&mut self, series: i64, first: i32, last: i32) -> Result<Vec<Kept>, Fault> {
        match self {
            Self::File(file) => file.known(series, first, last),
            Self::Server(server) => Ok(server.known(series, first, last)),
        }
    }

    /// Takes back what was said to be known: its room is used again.
    pub fn done_with(&mut self, known: Vec<Kept>) {
        if let Self::File(file) = self {
            file.room = known;
        }
    }

    /// A figure of a span of which nothing was known.
    pub fn insert(&mut self, kept: &Kept) -> Result<(), Fault> {
        match self {
            Self::File(file) => file.insert(kept),
            Self::Server(server) => {
                server.fresh.push(*kept);
                Ok(())
            }
        }
    }

    /// A figure in the place of one that was known.
    pub fn replace(&mut self, kept: &Kept) -> Result<(), Fault> {
        match self {
            Self::File(file) => file.replace(kept),
            Self::Server(server) => {
                server.replaced.push(*kept);
                Ok(())
            }
        }
    }

    /// A figure that is no longer what is known.
    pub fn supersede(&mut self, kept: &Kept) -> Result<(), Fault> {
        match self {
            Self::File(file) => file.supersede(kept),
            Self::Server(server) => {
                server.superseded.push(*kept);
                Ok(())
            }
        }
    }

    /// What the pull changed of a series.
    pub fn touch(&mut self, touch: Touch) -> Result<(), Fault> {
        match self {
            Self::File(file) => file.touch(touch),
            Self::Server(server) => {
                server.touched.push(touch);
                Ok(())
            }
        }
    }

    /// Writes what has waited for others.
    pub fn flush(&mut self) -> Result<(), Fault> {
        match self {
            Self::File(file) => file.flush(),
            Self::Server(server) => server.flush(),
        }
    }
}
