//! What is known about one figure over time: labels, units, observations, vintages, histories.
//!
//! Nothing here knows rules or alerts, nor where a figure came from beyond its provenance.

mod back;
mod calendar;
pub mod country;
pub mod derive;
mod gap;
mod history;
mod intake;
mod item;
mod labels;
mod locale;
mod notation;
pub mod number;
mod observation;
mod panel;
mod release;
mod selector;
mod unit;

pub use back::{AsOf, Back, Window};
pub use gap::Gap;
pub use history::{History, Point, Revision, View};
pub use intake::{Figures, Intake, Row, Terms, by_series, intake};
pub use item::{Item, KnownItem};
pub use labels::Labels;
pub use locale::Locale;
pub use notation::Notation;
pub use observation::{Finite, Observation, Provenance, PullId, Refusal, Status, Vintage};
pub use panel::{Column, LANES, MISSING, Misfit, Panel, Row as PanelRow, Strip};
pub use release::{Punctuality, Release, Upcoming};
pub use selector::{Pattern, Selector};
pub use unit::{Dimension, Quantity, UNITS, Unit};
