//! Replays a rule over a history as the figures were known then, through the same [`assess`] as `run`.
//!
//! A history is renumbered by the moments at which its vintages became known; an alert is then taken
//! from moment to moment, and sees nothing of what is later. Where histories, rules and events come
//! from, and where the report goes, is not its business.
//!
//! [`assess`]: crate::assess::assess

mod knowledge;
mod outlook;
mod picture;
mod replay;
mod report;
mod score;
mod sweep;

pub use knowledge::{Basis, Knowledge, Vintages};
pub use picture::picture;
pub use replay::{Episode, Range, Replay, Standing, Step, replay, replays};
pub use report::{Report, csv, json_lines, text};
pub use score::{Event, rate, read_events};
pub use sweep::{Sweep, sweep};

#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
