//! The library behind the `supplywatch` binary; `docs/ARCHITECTURE.md` tells its story.

mod alert;
mod assess;
mod backtest;
mod base;
mod cli;
mod config;
mod daemon;
mod feed;
mod notify;
mod outbox;
mod period;
mod rule;
mod scenario;
mod series;
mod store;

pub use cli::main;
