//! What there is to see of alerts, rules, series, feeds and deliveries: asked by the page, the API and the
//! command line alike, which only say it in their own ways.
//!
//! It reads, and decides nothing.

mod health;
mod quiet;

pub use health::Health;
pub use quiet::Quiet;
