//! `kind = "worldbank"`.

use super::{Basis, Kind, Meaning, site};
use crate::config::resolve::feed::target;
use crate::config::resolve::{Context, value};
use crate::feed::publisher::worldbank::{ADDRESS, WorldBank};
use crate::period::Frequency;

/// The kind.
pub const KIND: Kind = Kind {
    name: "worldbank",
    keys: &["path", "series", "sheet"],
    meaning: Meaning::Publisher { labels: &["series"], frequency: Frequency::Month },
    resolve: |cx, basis| Some(Box::new(resolve(cx, basis)?)),
};

/// What the table comes to.
fn resolve(cx: Context<'_>, Basis { table, common, .. }: Basis<'_>) -> Option<WorldBank> {
    if let Some(at) = &table.frequency
        && !matches!(common.frequency, Frequency::Month | Frequency::Year)
    {
        let message = format!("the World Bank has no prices by {}", common.frequency);
        cx.error(at.place, message, "expected `month` or `year`", "write frequency = \"month\"");
    }
    let names = table.series.iter().flat_map(|texts| &texts.value);
    let series = names.filter_map(|at| value::line(cx, "series", at)).collect();
    if let Some(texts) = table.series.as_ref().filter(|texts| texts.value.is_empty()) {
        let help = "take it away for all series, or write series = [\"Copper\"]";
        cx.error(texts.place, "`series` is empty", "names nothing", help);
    }
    let sheet = table.sheet.as_ref().and_then(|at| value::line(cx, "sheet", at));
    let has_unit = table.unit.is_some();
    let source = match &table.path {
        Some(_) => target(cx, table)?,
        None => site(cx, table, ADDRESS)?.target("", []),
    };
    Some(WorldBank { source, series, sheet, has_unit, common })
}
