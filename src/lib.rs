//! The library behind the `supplywatch` binary; `docs/ARCHITECTURE.md` tells its story.

mod alert;
mod assess;
mod backtest;
mod base;
mod catalogue;
mod chart;
mod cli;
mod config;
mod daemon;
mod feed;
mod inspect;
mod metrics;
mod notify;
mod outbox;
mod period;
mod rule;
mod scenario;
mod series;
mod store;
mod trial;
mod web;

pub use cli::main;

/// What `benches/` measures and `fuzz/` tries. It is no interface: nothing here is promised to anyone.
#[doc(hidden)]
pub mod internals {
    pub use crate::period::{Frequency, Period};
    pub use crate::rule::Expr;
    pub use crate::rule::bulk::{Mask, Program, Question, Refused, Told, Verdicts};
    pub use crate::series::{LANES, Labels, Misfit, Panel, PanelRow, Pattern, Selector};
    pub use crate::trial::{csv, cube, customs, expression, items, json, trade, workbook};
}
