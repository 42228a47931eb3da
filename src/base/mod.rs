//! What every layer may use: an error's chain, the one door to the clock, schedules, secrets, text made safe,
//! and the limits that keep a hostile input bounded.
//!
//! Nothing here knows what a period, a rule or a receiver is.

pub mod address;
pub mod civil;
pub mod clock;
pub mod error;
pub mod limits;
pub mod moment;
pub mod proxy;
pub mod schedule;
pub mod secret;
pub mod table;
pub mod text;
