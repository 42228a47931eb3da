//! What there is to see of alerts, rules, series, feeds and deliveries: asked by the page, the API and the
//! command line alike, which only say it in their own ways.
//!
//! It reads, and decides nothing. The few things that a person may do by any of these ways are here too: a silence is
//! added or ended, an alert acknowledged, a message sent again.

pub mod alerts;
pub mod aside;
pub mod backtest;
mod csv;
pub mod deliveries;
pub mod difference;
pub mod explain;
pub mod feeds;
mod gauges;
mod given;
pub mod groups;
mod health;
mod holdings;
pub mod matching;
pub mod meant;
mod nearness;
pub mod overview;
mod page;
mod quiet;
pub mod reading;
pub mod replicas;
pub mod rules;
pub mod series;
pub mod silences;
pub mod status;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;

pub use gauges::Gauges;
pub use health::Health;
pub use holdings::Holdings;
pub use nearness::{Level, Nearness};
pub use page::Page;
pub use quiet::Quiet;
pub use reading::{ExplainedFigure, ExplainedGate, ExplainedItem, ExplainedPart};

use crate::base::clock::Timestamp;
use crate::config::Setup;
use crate::store::{Store, StoreError};

/// What is looked at, and when: what a question needs to be answered.
#[derive(Clone, Copy)]
pub struct Inspection<'a> {
    /// The rules, feeds, receivers and routes.
    pub setup: &'a Setup,
    /// What is kept of them.
    pub store: &'a Store,
    /// The moment of the question.
    pub now: Timestamp,
}

/// Why a question has no answer. Its text begins with no capital and ends with no full stop, as that of any error.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// There is nothing of that name; the text says what there is instead.
    #[error("{0}")]
    Unknown(String),
    /// It cannot be asked so; the text says what is wrong.
    #[error("{0}")]
    Invalid(String),
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}
