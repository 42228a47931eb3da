//! What is asked of a database and told to it: once, for an embedded one and for a server.
//!
//! Both speak the same SQL here; the few words that only one of them knows are chosen where they are written. In a file
//! there is one writer at a time. On a server there are many: who takes work takes the row of it
//! ([`Connection::for_update`]), what has to be one after the other waits at a latch
//! ([`Connection::one_at_a_time`]), and every write names the claim that it holds, so that a stale one changes nothing.

mod alerts;
mod append;
mod claims;
mod columns;
mod connection;
mod deliveries;
mod evaluation;
mod fault;
mod feeds;
mod forget;
mod gather;
mod history;
mod hush;
mod items;
mod ledger;
mod outbox;
mod questions;
mod receivers;
mod resend;
mod search;
mod supersede;
mod taking;
mod transfer;
mod value;

pub use claims::free;
pub use connection::{Connection, Latch, Row};
pub use fault::Fault;
pub use outbox::shorten_waits;
pub use questions::{QUESTIONS, There};
pub use transfer::{Arrived, Broken, each, rename, transfer, verify};
pub use value::{Cell, Kind, Value};

#[cfg(test)]
pub use self::{
    alerts::listed,
    deliveries::numbers,
    outbox::{PENDING, next_of_receiver},
    search::LISTED,
    taking::{due, due_of_receiver},
};

/// Whether claims are asked for when something is written. They are, but in a program built to show that the harness in
/// `tests/postgres` sees what happens without them.
pub const FENCED: bool = !cfg!(feature = "unfenced");

/// What becomes of a transaction.
pub enum End<T> {
    /// It is stored.
    Commit(T),
    /// Nothing of it is stored.
    RollBack(T),
}
