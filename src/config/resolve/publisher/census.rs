//! `kind = "census"`.

use super::trade::{Area, Goods, absent, choices, countries, goods, has_frequency};
use super::{Basis, Kind, Meaning, key, names, period, site};
use crate::config::file::FeedTable;
use crate::config::problem::Finding;
use crate::config::resolve::{Context, value};
use crate::feed::publisher::census::{self, ADDRESS, Census, code, is_group};
use crate::feed::publisher::trade::{Flow, Measure};
use crate::period::Frequency;

/// The kind.
pub const KIND: Kind = Kind {
    name: "census",
    keys: &["key", "partner", "flow", "commodity", "measure", "basis", "since", "absent"],
    meaning: Meaning::Publisher {
        labels: &["reporter", "partner", "flow", "hs", "measure", "basis"],
        frequency: Frequency::Month,
    },
    resolve: |cx, basis| Some(Box::new(resolve(cx, basis)?)),
};

/// How the Bureau writes countries.
const AREA: Area = Area {
    code,
    is_group,
    help: "write an ISO code such as \"CN\", \"WORLD\", or the Bureau's own code of a group, such as \"0003\"",
};
/// Which codes of goods it has.
const GOODS: Goods = Goods { digits: &[2, 4, 6, 10], total: None, example: "8505110070" };

/// What the table comes to.
fn resolve(cx: Context<'_>, Basis { table, common, .. }: Basis<'_>) -> Option<Census> {
    let key = key(cx, table, "a key is free at api.census.gov/data/key_signup.html");
    let partners = countries(cx, "partner", table.partner.as_ref(), &AREA);
    let help =
        "write commodity = [\"8505110070\"]: codes of the Harmonized Tariff Schedule or of the Harmonized System";
    names(cx, table, "commodity", table.commodity.as_ref(), help);
    let goods = goods(cx, table, &GOODS);
    cx.missing(&table.given, "flow", "write flow = \"import\", \"export\", or both in a list");
    let flows = choices(cx, "flow", table.flow.as_ref(), &Flow::ALL, &[]);
    let basis = basis(cx, table, &flows);
    let measures = choices(cx, "measure", table.measure.as_ref(), &Measure::ALL, &[Measure::Value, Measure::Quantity]);
    has_measures(cx, table, &measures);
    let since = table.since.as_ref().and_then(|at| period(cx, "since", at, common.frequency));
    has_frequency(cx, table, &common, "the Census Bureau", &[Frequency::Month]);
    let absent_zero = absent(cx, table);
    let site = site(cx, table, ADDRESS);
    let (partners, goods, basis) = (partners?, goods?, basis?);
    Some(Census { site: site?, key: key?, partners, goods, flows, basis, measures, since, absent_zero, common })
}

/// Which imports are meant: they differ by what lies in bond.
fn basis(cx: Context<'_>, table: &FeedTable, flows: &[Flow]) -> Option<census::Basis> {
    let Some(at) = &table.basis else { return Some(census::Basis::General) };
    if !flows.is_empty() && !flows.contains(&Flow::Import) {
        let finding = Finding::warning(at.place, "`basis` has no meaning for exports");
        cx.add(finding.label("only for imports"));
    }
    value::choice(cx, "basis", at, &census::Basis::ALL)
}

/// The Bureau weighs what is shipped by sea and air alone; goods are counted in units of their own.
fn has_measures(cx: Context<'_>, table: &FeedTable, measures: &[Measure]) {
    if let Some(at) = table.measure.as_ref().filter(|_| measures.contains(&Measure::Weight)) {
        let help = "write \"quantity\": its unit is the good's, and for most minerals the kilogram";
        cx.error(at.place, "the Census Bureau has no measure `weight`", "only value and quantity", help);
    }
}
