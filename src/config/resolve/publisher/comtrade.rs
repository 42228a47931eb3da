//! `kind = "comtrade"`.

use super::trade::{Area, Goods, LABELS, absent, choices, countries, goods, has_frequency};
use super::{Basis, Kind, Meaning, names, period, site};
use crate::config::resolve::Context;
use crate::feed::publisher::comtrade::{ADDRESS, Comtrade, code, is_group};
use crate::feed::publisher::trade::{Flow, Measure};
use crate::period::Frequency;

/// The kind.
pub const KIND: Kind = Kind {
    name: "comtrade",
    keys: &["key", "reporter", "partner", "flow", "commodity", "measure", "since", "absent"],
    meaning: Meaning::Publisher { labels: &LABELS, frequency: Frequency::Month },
    resolve: |cx, basis| Some(Box::new(resolve(cx, basis)?)),
};

/// How Comtrade writes countries.
const AREA: Area =
    Area { code, is_group, help: "write an ISO code such as \"CN\", \"WORLD\", or Comtrade's own number of an area" };
/// Which codes of goods it has.
const GOODS: Goods = Goods { digits: &[2, 4, 6], total: Some("TOTAL"), example: "250410" };

/// What the table comes to.
fn resolve(cx: Context<'_>, Basis { table, common, .. }: Basis<'_>) -> Option<Comtrade> {
    names(cx, table, "reporter", table.reporter.as_ref(), "write reporter = [\"US\", \"JP\"]: who reports the trade");
    let reporters = countries(cx, "reporter", table.reporter.as_ref(), &AREA);
    let partners = countries(cx, "partner", table.partner.as_ref(), &AREA);
    names(
        cx,
        table,
        "commodity",
        table.commodity.as_ref(),
        "write commodity = [\"250410\"]: codes of the Harmonized System",
    );
    let goods = goods(cx, table, &GOODS);
    cx.missing(&table.given, "flow", "write flow = \"import\", \"export\", or both in a list");
    let flows = choices(cx, "flow", table.flow.as_ref(), &Flow::ALL, &[]);
    let measures = choices(cx, "measure", table.measure.as_ref(), &Measure::ALL, &[Measure::Value, Measure::Weight]);
    let since = table.since.as_ref().and_then(|at| period(cx, "since", at, common.frequency));
    has_frequency(cx, table, &common, "Comtrade", &[Frequency::Month, Frequency::Year]);
    let absent_zero = absent(cx, table);
    let key = table.key.as_ref().map(|at| cx.keyring.open(at));
    let site = site(cx, table, ADDRESS);
    // A key that cannot be read is not the same as none.
    let key = match key {
        Some(key) => Some(key?),
        None => None,
    };
    let (reporters, partners, goods) = (reporters?, partners?, goods?);
    Some(Comtrade { site: site?, key, reporters, partners, goods, flows, measures, since, absent_zero, common })
}
