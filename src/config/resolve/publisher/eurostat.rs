//! `kind = "eurostat"`.

use super::trade::{Area, Goods, LABELS, choices, countries, goods, has_frequency};
use super::{Basis, Kind, Meaning, names, period, site};
use crate::config::file::FeedTable;
use crate::config::resolve::{Context, value};
use crate::feed::publisher::eurostat::{ADDRESS, Dataset, Eurostat, code, is_group};
use crate::feed::publisher::trade::{Flow, Measure};
use crate::period::Frequency;

/// The kind.
pub const KIND: Kind = Kind {
    name: "eurostat",
    keys: &["dataflow", "reporter", "partner", "flow", "commodity", "measure", "since", "absent"],
    meaning: Meaning::Publisher { labels: &LABELS, frequency: Frequency::Month },
    resolve: |cx, basis| Some(Box::new(resolve(cx, basis)?)),
};

/// How Comext writes countries.
const AREA: Area = Area {
    code,
    is_group,
    help: "write an ISO code such as \"CN\", or a group such as \"WORLD\" or \"EXT_EU27_2020\"",
};
/// Which codes of goods it has.
const GOODS: Goods = Goods { digits: &[2, 4, 6, 8], total: Some("TOTAL"), example: "85051110" };

/// What the table comes to.
fn resolve(cx: Context<'_>, Basis { table, common, .. }: Basis<'_>) -> Option<Eurostat> {
    let help = "write reporter = [\"DE\"], or reporter = [\"EU27_2020\"] for the Union as a whole";
    names(cx, table, "reporter", table.reporter.as_ref(), help);
    let reporters = countries(cx, "reporter", table.reporter.as_ref(), &AREA);
    let partners = countries(cx, "partner", table.partner.as_ref(), &AREA);
    let help = "write commodity = [\"85051110\"]: codes of the Combined Nomenclature or of the Harmonized System";
    names(cx, table, "commodity", table.commodity.as_ref(), help);
    let goods = goods(cx, table, &GOODS);
    let dataset =
        table.dataflow.as_ref().map_or(Some(Dataset::Detailed), |at| value::choice(cx, "dataflow", at, &Dataset::ALL));
    let measures = choices(cx, "measure", table.measure.as_ref(), &Measure::ALL, &[Measure::Value, Measure::Weight]);
    cx.missing(&table.given, "flow", "write flow = \"import\", \"export\", or both in a list");
    let flows = choices(cx, "flow", table.flow.as_ref(), &Flow::ALL, &[]);
    let since = table.since.as_ref().and_then(|at| period(cx, "since", at, common.frequency));
    let site = site(cx, table, ADDRESS);
    has_frequency(cx, table, &common, "Comext", &[Frequency::Month, Frequency::Year]);
    has_measures(cx, table, dataset, &measures);
    let (reporters, partners, goods) = (reporters?, partners?, goods?);
    Some(Eurostat { site: site?, dataset: dataset?, reporters, partners, goods, flows, measures, since, common })
}

/// Not every measure is in each dataset.
fn has_measures(cx: Context<'_>, table: &FeedTable, dataset: Option<Dataset>, measures: &[Measure]) {
    let lacks = |measure: &Measure| dataset.is_some_and(|dataset| dataset.indicator(*measure).is_none());
    if let Some(at) = table.measure.as_ref().filter(|_| measures.iter().any(lacks)) {
        let help = "take it away, or ask DS-045409";
        cx.error(at.place, "this dataset has no measure `quantity`", "only value and weight", help);
    }
}
