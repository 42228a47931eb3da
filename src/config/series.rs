//! The shape of `[series.NAME]`: a series that is calculated from others.
//!
//! What its names and its formula mean, and whether they fit together, is `resolve`'s.

use super::file::{pairs, patterns};
use super::section::{Given, Section};
use super::source::{At, Texts};

/// `[series.NAME]`.
pub struct SeriesTable {
    /// Its keys.
    pub given: Given,
    /// What it is calculated from.
    pub from: Option<Vec<InputTable>>,
    /// The formula.
    pub value: Option<At<String>>,
    /// What it is in.
    pub unit: Option<At<String>>,
    /// How long its periods are.
    pub frequency: Option<At<String>>,
    /// The labels that there is a series for each value of.
    pub by: Option<Texts>,
    /// The constant labels: name and value.
    pub labels: Vec<(At<String>, At<String>)>,
    /// What the figures are.
    pub title: Option<At<String>>,
    /// How far apart neighbours of a daily series may lie.
    pub max_gap: Option<At<String>>,
}

/// One entry of `from`.
pub struct InputTable {
    /// What the formula calls it.
    pub name: At<String>,
    /// Labels and patterns.
    pub series: Vec<(At<String>, Texts)>,
}

impl SeriesTable {
    /// Reads the table.
    pub fn read(mut section: Section<'_>) -> Self {
        let from = section.table("from").map(|from| {
            let input =
                |entry| from.entry_table(&entry).map(|table| InputTable { name: entry.name, series: patterns(&table) });
            from.entries().into_iter().filter_map(input).collect()
        });
        Self {
            from,
            value: section.text("value"),
            unit: section.text("unit"),
            frequency: section.text("frequency"),
            by: section.texts("by"),
            labels: section.table("labels").map(|labels| pairs(&labels)).unwrap_or_default(),
            title: section.text("title"),
            max_gap: section.text("max_gap"),
            given: section.finish(),
        }
    }
}
