//! `kind = "federal-register"`.

use super::{Basis, Kind, Meaning, period, site};
use crate::base::text::{list, shorten};
use crate::config::file::FeedTable;
use crate::config::problem::Finding;
use crate::config::resolve::{Context, value};
use crate::config::source::At;
use crate::feed::publisher::federal_register::{ADDRESS, FederalRegister, TYPES};

/// The kind.
pub const KIND: Kind = Kind {
    name: "federal-register",
    keys: &["term", "agency", "document_type", "cfr", "since"],
    meaning: Meaning::Items,
    resolve: |cx, basis| Some(Box::new(resolve(cx, basis)?)),
};

/// What the table comes to.
fn resolve(cx: Context<'_>, Basis { table, common, .. }: Basis<'_>) -> Option<FederalRegister> {
    let term = table.term.as_ref().and_then(|at| value::line(cx, "term", at));
    let agencies = agencies(cx, table);
    let types = types(cx, table);
    let cfr = table.cfr.as_ref().map_or(Some(None), |at| cfr(cx, at).map(Some));
    let since = table.since.as_ref().and_then(|at| period(cx, "since", at, common.frequency));
    let site = site(cx, table, ADDRESS);
    let (agencies, types, cfr) = (agencies?, types?, cfr?);
    Some(FederalRegister { site: site?, term, agencies, types, cfr, since, common })
}

/// The names that agencies have in the publisher's addresses.
fn agencies(cx: Context<'_>, table: &FeedTable) -> Option<Vec<String>> {
    let read = |at: &At<String>| {
        let is_name = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let good = !at.value.is_empty() && at.value.bytes().all(is_name);
        if !good {
            let message = format!("`agency` cannot be `{}`", shorten(&at.value, 60));
            let help = "write the end of its page's address, such as \"industry-and-security-bureau\"";
            cx.error(at.place, message, "not an agency's name", help);
        }
        good.then(|| at.value.clone())
    };
    table.agency.iter().flat_map(|texts| &texts.value).map(read).collect()
}

fn types(cx: Context<'_>, table: &FeedTable) -> Option<Vec<&'static str>> {
    let read = |at: &At<String>| {
        let found = TYPES.iter().find(|(name, _)| *name == at.value);
        if found.is_none() {
            let message = format!("`document_type` cannot be `{}`", shorten(&at.value, 60));
            let names = TYPES.iter().map(|(name, _)| *name);
            let finding = Finding::error(at.place, message).label("unknown");
            cx.add(finding.help(format!("the types are {}", list(names))));
        }
        found.map(|(_, code)| *code)
    };
    table.document_type.iter().flat_map(|texts| &texts.value).map(read).collect()
}

/// `15 CFR 744`.
fn cfr(cx: Context<'_>, at: &At<String>) -> Option<(u32, u32)> {
    let read = || {
        let mut words = at.value.split_whitespace().filter(|word| !word.eq_ignore_ascii_case("cfr"));
        let parts = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        words.next().is_none().then_some(parts)
    };
    let found = read();
    if found.is_none() {
        let message = format!("`cfr` cannot be `{}`", shorten(&at.value, 60));
        cx.error(at.place, message, "expected a title and a part", "write cfr = \"15 CFR 744\"");
    }
    found
}
