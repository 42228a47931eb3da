//! What is to be told, and the schedule of telling it: messages, deliveries, attempts.
//!
//! Who carries a message, and in which markup, is the business of `notify`.

mod compose;
mod delivery;
mod digest;
mod gathering;
mod items;
mod message;
mod quiet;
mod report;
mod route;
mod schedule;
mod standing;
mod supersede;
mod telling;
mod voice;
mod window;
mod words;

pub use compose::Matter;
pub use delivery::{Attempt, Delivery, Outcome, plan, plan_at, receivers};
pub use digest::Digest;
pub use gathering::Brief;
pub use message::{
    AlertRef, Evidence, GateLine, ItemLine, MeasureLine, Message, PartLine, PointLine, RevisionLine, Said, TableRow,
    Told,
};
pub use quiet::QuietHours;
pub use report::Report;
pub use route::{Route, notified, taken};
pub use schedule::{Next, OnAmbiguous, Policy, Rate, next};
pub use standing::Standing;
pub use supersede::GivesWay;
pub use telling::{Manners, tell};
pub use voice::Voice;
pub use window::Window;
pub use words::subject;

/// The program and its version, as messages name them.
const PROGRAM: &str = concat!("supplywatch ", env!("CARGO_PKG_VERSION"));
