//! Rows of trade that are finer than a series (by province, customs office, kind of trade), summed to its figures.
//!
//! A figure is a value, a mass in kilograms, or a count in the unit of the good; which column is which, and what an
//! office's units mean, is its publisher's.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::{Draft, Fault, Told};
use super::trade::{Flow, Measure};
use crate::base::clock::Timestamp;
use crate::base::text::list;
use crate::feed::codes::country::Countries;
use crate::feed::{Page, ParseError};
use crate::period::Span;
use crate::series::{Finite, Labels, Observation, Status, Unit};

/// What a feed keeps of what an office has.
#[derive(Clone, Debug)]
pub struct Kept {
    /// What the codes of goods begin with; empty: all.
    pub goods: Vec<String>,
    /// Partners, as labels have them; empty: all.
    pub partners: Vec<String>,
    /// What is measured.
    pub measures: Vec<Measure>,
}

impl Kept {
    /// Whether it keeps a good.
    pub fn has_good(&self, code: &str) -> bool {
        self.goods.is_empty() || self.goods.iter().any(|start| code.starts_with(start.as_str()))
    }

    /// Whether it keeps a partner.
    pub fn has_partner(&self, code: &str) -> bool {
        self.partners.is_empty() || self.partners.iter().any(|known| known == code)
    }
}

/// What a unit of an office counts.
#[derive(Clone, Debug, PartialEq)]
pub enum Counted {
    /// Mass; so many kilograms.
    Kilograms(f64),
    /// Something else; ours where there is one.
    Other(Option<Unit>),
}

/// What is summed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The good's code.
    pub good: String,
    /// The partner, as labels have it.
    pub partner: String,
    /// Which way, as labels have it.
    pub flow: &'static str,
    /// The month, or two as one.
    pub span: Span,
}

impl Key {
    /// A key.
    pub fn new(good: &str, partner: &str, flow: Flow, span: Span) -> Self {
        Self { good: good.to_owned(), partner: partner.to_owned(), flow: flow.name(), span }
    }
}

/// One row's money and quantities, these with what their units count and the units as written.
pub struct Line<'t> {
    /// Where it stands.
    pub row: usize,
    /// Money, in the office's unit of it.
    pub value: f64,
    /// Quantities, the first first.
    pub quantities: [Option<(f64, Counted, &'t str)>; 2],
}

/// The rows of one key together.
struct Sum {
    /// The first of them.
    row: usize,
    value: f64,
    weight: Option<f64>,
    /// What is no mass, by its unit.
    counts: BTreeMap<String, (f64, Option<Unit>)>,
}

impl Sum {
    /// Every figure: what is measured, how much, in which unit.
    fn figures(&self, currency: &Unit) -> Vec<(Measure, f64, Option<Unit>)> {
        let value = (Measure::Value, self.value, Some(currency.clone()));
        let weight = self.weight.map(|weight| (Measure::Weight, weight, Unit::parse("kg").ok()));
        let counts = self.counts.values().map(|(total, unit)| (Measure::Quantity, *total, unit.clone()));
        [value].into_iter().chain(weight).chain(counts).collect()
    }
}

/// Sums in the making.
#[derive(Default)]
pub struct Sums {
    sums: BTreeMap<Key, Sum>,
    /// Partners' codes without a country.
    unknown: BTreeSet<String>,
    /// A second quantity that is no mass either.
    left_out: bool,
}

impl Sums {
    /// The label of a partner: a country's by ISO, or the office's own code, which is noted.
    pub fn partner(&mut self, table: &Countries, code: &str) -> String {
        let iso = table.iso(code);
        if iso.is_none() && self.unknown.len() < 1000 {
            self.unknown.insert(code.to_owned());
        }
        iso.unwrap_or(code).to_owned()
    }

    /// Adds a row.
    pub fn add(&mut self, key: Key, line: Line<'_>) {
        let fresh = || Sum { row: line.row, value: 0.0, weight: None, counts: BTreeMap::new() };
        let sum = self.sums.entry(key).or_insert_with(fresh);
        sum.value += line.value;
        let (mut has_weight, mut has_count) = (false, false);
        for (quantity, counted, written) in line.quantities.into_iter().flatten() {
            match counted {
                // The same mass in another unit adds nothing.
                Counted::Kilograms(_) if has_weight => {}
                Counted::Kilograms(times) => {
                    has_weight = true;
                    *sum.weight.get_or_insert_default() += quantity * times;
                }
                Counted::Other(_) if has_count => self.left_out = true,
                Counted::Other(unit) => {
                    has_count = true;
                    let name = unit.as_ref().map_or_else(|| written.to_owned(), ToString::to_string);
                    sum.counts.entry(name).or_insert((0.0, unit)).0 += quantity;
                }
            }
        }
    }

    /// The figures, with `base` for their labels, and what is to be noted.
    pub fn page(
        self,
        base: &Labels,
        currency: &Unit,
        measures: &[Measure],
        published: Option<Timestamp>,
    ) -> Result<Page, ParseError> {
        let mut draft = Draft::default();
        for (key, sum) in &self.sums {
            let figures = sum.figures(currency);
            let is_traded = figures.iter().any(|(_, total, _)| *total > 0.0);
            for (measure, total, unit) in figures.into_iter().filter(|(measure, ..)| measures.contains(measure)) {
                let labels = labels(base, key, measure);
                // Less than half a unit is written as none: where anything was traded, a zero is no figure.
                let told = if total == 0.0 && is_traded {
                    Ok(Told::Unavailable(labels, key.span))
                } else {
                    figure(labels, key.span, total, unit, published)
                };
                draft.row(sum.row, told)?;
            }
        }
        let note = self.note();
        Ok(Page { note, ..draft.finish() })
    }

    fn note(&self) -> Option<String> {
        const NAMED: usize = 8;
        let codes = || list(self.unknown.iter().take(NAMED));
        let notes = [
            (!self.unknown.is_empty())
                .then(|| format!("partners without a code of ISO's keep the customs' own ({})", codes())),
            self.sums.is_empty().then(|| "none of its goods and partners are kept".to_owned()),
            self.left_out.then(|| "second quantities that are no mass are left out".to_owned()),
        ];
        notes.into_iter().flatten().reduce(|a, b| format!("{a}; {b}"))
    }
}

fn labels(base: &Labels, key: &Key, measure: Measure) -> Labels {
    let mut labels = base.clone();
    labels.set("partner", key.partner.as_str());
    labels.set("flow", key.flow);
    labels.set("hs", key.good.as_str());
    labels.set("measure", measure.name());
    labels
}

/// A figure, where its sum is still a number.
fn figure(
    labels: Labels,
    span: Span,
    total: f64,
    unit: Option<Unit>,
    published: Option<Timestamp>,
) -> Result<Told, Fault> {
    let value = Finite::new(total).ok_or(Fault { column: None, reason: "the sum is too large".to_owned() })?;
    let status = Status::Final;
    Ok(Told::Figure(Observation { labels, span, value: Some(value), unit, status, published, row: 0 }))
}
