//! `kind = "fred"`.

use super::{Basis, Kind, Meaning, key, names, period, site};
use crate::config::resolve::Context;
use crate::config::resolve::feed::on;
use crate::feed::publisher::fred::{ADDRESS, Fred};
use crate::period::Frequency;

/// The kind.
pub const KIND: Kind = Kind {
    name: "fred",
    keys: &["key", "series", "since", "vintages"],
    meaning: Meaning::Publisher { labels: &["series"], frequency: Frequency::Month },
    resolve: |cx, basis| Some(Box::new(resolve(cx, basis)?)),
};

/// What the table comes to.
fn resolve(cx: Context<'_>, Basis { table, common, .. }: Basis<'_>) -> Option<Fred> {
    let series = names(cx, table, "series", table.series.as_ref(), "write series = [\"PCOPPUSDM\"]: FRED's own names");
    let key = key(cx, table, "a key is free at fredaccount.stlouisfed.org");
    let since = table.since.as_ref().and_then(|at| period(cx, "since", at, common.frequency));
    let site = site(cx, table, ADDRESS);
    Some(Fred { site: site?, key: key?, series, since, vintages: on(table.vintages.as_ref()), common })
}
