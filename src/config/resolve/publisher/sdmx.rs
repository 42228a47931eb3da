//! `kind = "sdmx"` and `kind = "jsonstat"`.

use super::{Basis, Kind, Meaning, period};
use crate::base::text::shorten;
use crate::config::file::FeedTable;
use crate::config::problem::Finding;
use crate::config::resolve::feed::target;
use crate::config::resolve::{Context, value};
use crate::config::source::At;
use crate::feed::publisher::Common;
use crate::feed::publisher::jsonstat::JsonStat;
use crate::feed::publisher::sdmx::{Form, Query, Sdmx, in_form, request};
use crate::feed::publisher::site::Site;
use crate::feed::{Request, Target};

/// `sdmx`
pub const SDMX: Kind = Kind {
    name: "sdmx",
    keys: &["path", "columns", "period_format", "absent", "dataflow", "query", "format", "since"],
    meaning: Meaning::Usual,
    resolve: |cx, basis| Some(Box::new(resolve(cx, basis)?)),
};

/// `jsonstat`
pub const JSONSTAT: Kind = Kind {
    name: "jsonstat",
    keys: &["path", "columns", "period_format", "absent"],
    meaning: Meaning::Usual,
    resolve: |cx, Basis { table, common, layout }| {
        Some(Box::new(JsonStat { request: request(target(cx, table)?), common, columns: layout.columns }))
    },
};

/// What the table of an SDMX source comes to.
fn resolve(cx: Context<'_>, Basis { table, common, layout }: Basis<'_>) -> Option<Sdmx> {
    let columns = layout.columns;
    let form = table.format.as_ref().and_then(|at| value::choice(cx, "format", at, &Form::ALL));
    let query = query(cx, table, &common);
    let target = target(cx, table)?;
    // Only an address is asked for a form, or for a part of what it has.
    let (Target::Http { url, headers, insecure, allow_private }, true) = (&target, is_asked(cx, table)) else {
        return Some(Sdmx { request: Request::new(target), common, columns });
    };
    let site = Site { base: url.clone(), headers: headers.clone(), insecure: *insecure, allow_private: *allow_private };
    let target = match query? {
        Some(query) => query.target(&in_form(&site, form.unwrap_or(Form::Csv))),
        None => form.map_or(site.clone(), |form| in_form(&site, form)).target("", []),
    };
    Some(Sdmx { request: request(target), common, columns })
}

/// Whether an address is asked; what says how means nothing for a file.
fn is_asked(cx: Context<'_>, table: &FeedTable) -> bool {
    if table.path.is_some() {
        let keys = table.given.keys.iter().filter(|(key, _)| matches!(*key, "dataflow" | "query" | "format" | "since"));
        for (key, place) in keys {
            let message = format!("`{key}` has no meaning with `path`");
            cx.add(Finding::warning(*place, message).label("only for `url`"));
        }
    }
    table.path.is_none()
}

/// What is asked of a dataflow; `Some(None)` for a whole address.
fn query(cx: Context<'_>, table: &FeedTable, common: &Common) -> Option<Option<Query>> {
    let since = table.since.as_ref().map(|at| period(cx, "since", at, common.frequency));
    let Some(dataflow) = &table.dataflow else {
        let keys = table.given.keys.iter().filter(|(key, _)| matches!(*key, "query" | "since") && table.path.is_none());
        for (key, place) in keys {
            let help = "write dataflow = \"EXR\", or put it into `url`";
            cx.error(*place, format!("`{key}` needs `dataflow`"), "of which dataflow?", help);
        }
        return Some(None);
    };
    let flow = segment(cx, "dataflow", dataflow, "/,:.@_-");
    let key = table.query.as_ref().map_or(Some(String::new()), |at| segment(cx, "query", at, ".+,:*_-@$"));
    // An address made of dots alone leads out of its directory.
    let key = key.map(|key| if key.bytes().all(|byte| byte == b'.') { String::new() } else { key });
    Some(Some(Query { dataflow: flow?, key: key?, since: since.flatten() }))
}

/// A part of an address with nothing in it that would lead elsewhere.
fn segment(cx: Context<'_>, key: &str, at: &At<String>, signs: &str) -> Option<String> {
    let text = at.value.trim().trim_matches('/');
    let plain = !text.is_empty() || key == "query";
    let good = plain
        && text.chars().all(|c| c.is_ascii_alphanumeric() || signs.contains(c))
        && !text.split('/').any(|part| matches!(part, "." | ".."));
    if !good {
        let message = format!("`{key}` cannot be `{}`", shorten(&at.value, 60));
        let help = "a dataflow is written like \"EXR\" or \"OECD.SDD,FLOW,1.0\", a key like \"M.USD+CNY.EUR.SP00.A\"";
        cx.error(at.place, message, "not a part of an SDMX address", help);
    }
    good.then(|| text.to_owned())
}
