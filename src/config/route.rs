//! The shape of `[[route]]`: who is told of alerts whose rule or feed names nobody; and of `escalate`.
//!
//! What its values mean is `resolve`'s.

use super::file::patterns;
use super::section::{Given, Section};
use super::source::{At, Place, Texts};

/// `[[route]]`.
pub struct RouteTable {
    /// Its keys.
    pub given: Given,
    /// Where it begins.
    pub place: Place,
    /// Names and patterns of the alerts that it means.
    pub matches: Vec<(At<String>, Texts)>,
    /// Who is told.
    pub notify: Option<Texts>,
    /// Whether the routes below are looked at, too.
    pub goes_on: Option<At<bool>>,
    /// Who is told, too, when nobody acknowledges.
    pub escalate: Option<EscalateTable>,
}

impl RouteTable {
    /// Reads the table.
    pub fn read(mut section: Section<'_>) -> Self {
        Self {
            place: section.place,
            matches: section.table("match").map(|matches| patterns(&matches)).unwrap_or_default(),
            notify: section.texts("notify"),
            goes_on: section.flag("continue"),
            escalate: section.table("escalate").map(EscalateTable::read),
            given: section.finish(),
        }
    }
}

/// `escalate` of a rule or a route.
pub struct EscalateTable {
    /// Its keys.
    pub given: Given,
    /// How long it waits.
    pub after: Option<At<String>>,
    /// Who is told then.
    pub notify: Option<Texts>,
}

impl EscalateTable {
    /// Reads the table.
    pub fn read(mut section: Section<'_>) -> Self {
        Self { after: section.text("after"), notify: section.texts("notify"), given: section.finish() }
    }
}
