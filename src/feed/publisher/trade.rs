//! What the figures of trade are, in the words that the config and the labels have for it.
//!
//! Which codes and columns a publisher has for them is the publisher's.

use std::collections::HashSet;

use chrono::Datelike;

use crate::base::clock::Timestamp;
use crate::base::text::{counted, list, shorten};
use crate::feed::Page;
use crate::period::{Period, Span};
use crate::series::{Finite, Labels, Observation, Status, Unit};

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

/// A code that has figures until its nomenclature was cut anew, and none since.
pub struct Ended {
    /// The code.
    pub code: String,
    /// The first month without figures.
    pub since: Period,
}

impl Ended {
    /// The code, where the month after its last figure is one in which its nomenclature is cut anew.
    pub fn of(page: &Page, code: &str, cut: &[u32]) -> Option<Self> {
        let own = page.observations.iter().filter(|seen| seen.labels.value("hs") == Some(code));
        let since = own.map(|seen| seen.span.last()).max()?.next();
        cut.contains(&since.first_day().month()).then(|| Self { code: code.to_owned(), since })
    }

    /// What it means; `how` is how often the nomenclature changes.
    pub fn in_words(&self, how: &str) -> String {
        format!(
            "{} has no figures since {}: likely a break of the nomenclature, which is {how}, and not counted as a \
             decline; look for the codes that follow it",
            self.code,
            self.since.in_words()
        )
    }
}

/// What an answer was asked for: where a cell of it is left out, nothing was traded.
///
/// A publisher that asks for its figures in parts, each with its own release, fills in the zeros itself: only it
/// knows which cells an answer speaks of.
pub struct Zeros {
    /// The labels that all have.
    pub base: Labels,
    /// The partners' labels.
    pub partners: Vec<String>,
    /// The codes of goods.
    pub goods: Vec<String>,
    /// The directions.
    pub flows: Vec<Flow>,
    /// The measures, each with its unit.
    pub measures: Vec<(Measure, Unit)>,
    /// The periods, and when each was published.
    pub spans: Vec<(Span, Option<Timestamp>)>,
}

impl Zeros {
    /// Adds a zero for every cell that the page does not speak of. A refused row may be any cell: beside one, none
    /// is filled.
    pub fn fill(&self, page: &mut Page) {
        if page.refused_count > 0 {
            return;
        }
        let figures = page.observations.iter().map(|seen| (seen.labels.clone(), seen.span));
        let there: HashSet<(Labels, Span)> = figures.chain(page.unavailable.iter().cloned()).collect();
        for labels in self.series() {
            let unit = self.measures.iter().find(|(measure, _)| labels.value("measure") == Some(measure.name()));
            for (span, published) in &self.spans {
                if there.contains(&(labels.clone(), *span)) {
                    continue;
                }
                page.rows += 1;
                page.observations.push(Observation {
                    labels: labels.clone(),
                    span: *span,
                    value: Some(Finite::ZERO),
                    unit: unit.map(|(_, unit)| unit.clone()),
                    status: Status::Final,
                    published: *published,
                    row: 0,
                });
            }
        }
    }

    fn series(&self) -> Vec<Labels> {
        let flows: Vec<String> = self.flows.iter().map(|flow| flow.name().to_owned()).collect();
        let measures: Vec<String> = self.measures.iter().map(|(measure, _)| measure.name().to_owned()).collect();
        let axes = [("partner", &self.partners), ("hs", &self.goods), ("flow", &flows), ("measure", &measures)];
        axes.into_iter().fold(vec![self.base.clone()], |series, (name, values)| {
            let with = |labels: &Labels, value: &String| {
                let mut labels = labels.clone();
                labels.set(name, value.as_str());
                labels
            };
            series.iter().flat_map(|labels| values.iter().map(move |value| with(labels, value))).collect()
        })
    }
}
