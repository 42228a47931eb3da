//! `kind = "fred"`.

use super::{key, names, period, site};
use crate::config::file::FeedTable;
use crate::config::resolve::Context;
use crate::config::resolve::feed::on;
use crate::feed::publisher::Common;
use crate::feed::publisher::fred::{ADDRESS, Fred};

/// What the table comes to.
pub fn resolve(cx: Context<'_>, table: &FeedTable, common: Common) -> Option<Fred> {
    let series = names(cx, table, "series", table.series.as_ref(), "write series = [\"PCOPPUSDM\"]: FRED's own names");
    let key = key(cx, table, "a key is free at fredaccount.stlouisfed.org");
    let since = table.since.as_ref().and_then(|at| period(cx, "since", at, common.frequency));
    let site = site(cx, table, ADDRESS);
    Some(Fred { site: site?, key: key?, series, since, vintages: on(table.vintages.as_ref()), common })
}
