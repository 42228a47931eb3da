//! What the figures of trade are, in the words that the config and the labels have for it.
//!
//! Which codes and columns a publisher has for them is the publisher's.

use crate::base::text::{counted, list, shorten};

/// The direction, as its reporter has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Into the reporter's country.
    Import,
    /// Out of it.
    Export,
}

impl Flow {
    /// Both with their names.
    pub const ALL: [(&'static str, Self); 2] = [("import", Self::Import), ("export", Self::Export)];

    /// As the config and the label `flow` have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Export => "export",
        }
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Money.
    Value,
    /// Mass.
    Weight,
    /// The unit in which the publisher counts the good.
    Quantity,
}

impl Measure {
    /// Every one with its name.
    pub const ALL: [(&'static str, Self); 3] =
        [("value", Self::Value), ("weight", Self::Weight), ("quantity", Self::Quantity)];

    /// As the config and the label `measure` have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Weight => "weight",
            Self::Quantity => "quantity",
        }
    }
}

/// Rows of groups of countries that nobody asked for.
#[derive(Default)]
pub struct LeftOut {
    count: usize,
    groups: Vec<String>,
}

impl LeftOut {
    /// Counts a row of a group.
    pub fn add(&mut self, group: &str) {
        const NAMED: usize = 8;
        self.count += 1;
        if self.groups.len() < NAMED && !self.groups.iter().any(|known| known == group) {
            self.groups.push(shorten(group, 60));
        }
    }

    /// How many there were, and of which groups; `None` without any.
    pub fn in_words(&self) -> Option<String> {
        let words =
            || format!("{} of groups of countries left out ({})", counted(self.count, "row"), list(&self.groups));
        (self.count > 0).then(words)
    }
}
