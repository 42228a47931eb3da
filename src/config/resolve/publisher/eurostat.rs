//! `kind = "eurostat"`.

use super::{Basis, Kind, Meaning, names, period, site};
use crate::base::text::shorten;
use crate::config::file::FeedTable;
use crate::config::resolve::{Context, value};
use crate::config::source::{At, Place, Texts};
use crate::feed::publisher::Common;
use crate::feed::publisher::eurostat::{ADDRESS, Dataset, Eurostat, code, is_group};
use crate::feed::publisher::trade::{Flow, Measure};
use crate::period::Frequency;

/// The kind.
pub const KIND: Kind = Kind {
    name: "eurostat",
    keys: &["dataflow", "reporter", "partner", "flow", "commodity", "measure", "since", "absent"],
    meaning: Meaning::Publisher {
        labels: &["reporter", "partner", "flow", "hs", "measure"],
        frequency: Frequency::Month,
    },
    resolve: |cx, basis| Some(Box::new(resolve(cx, basis)?)),
};

/// What the table comes to.
fn resolve(cx: Context<'_>, Basis { table, common, .. }: Basis<'_>) -> Option<Eurostat> {
    let help = "write reporter = [\"DE\"], or reporter = [\"EU27_2020\"] for the Union as a whole";
    names(cx, table, "reporter", table.reporter.as_ref(), help);
    let reporters = countries(cx, "reporter", table.reporter.as_ref());
    let partners = countries(cx, "partner", table.partner.as_ref());
    let help = "write commodity = [\"85051110\"]: codes of the Combined Nomenclature or of the Harmonized System";
    names(cx, table, "commodity", table.commodity.as_ref(), help);
    let goods = goods(cx, table);
    let dataset =
        table.dataflow.as_ref().map_or(Some(Dataset::Detailed), |at| value::choice(cx, "dataflow", at, &Dataset::ALL));
    let measures = choices(cx, "measure", table.measure.as_ref(), &Measure::ALL, &[Measure::Value, Measure::Weight]);
    cx.missing(&table.given, "flow", "write flow = \"import\", \"export\", or both in a list");
    let flows = choices(cx, "flow", table.flow.as_ref(), &Flow::ALL, &[]);
    let since = table.since.as_ref().and_then(|at| period(cx, "since", at, common.frequency));
    let site = site(cx, table, ADDRESS);
    has_such(cx, table, &common, dataset, &measures);
    let (reporters, partners, goods) = (reporters?, partners?, goods?);
    Some(Eurostat { site: site?, dataset: dataset?, reporters, partners, goods, flows, measures, since, common })
}

/// What Comext has: months and years, and not every measure in each dataset.
fn has_such(cx: Context<'_>, table: &FeedTable, common: &Common, dataset: Option<Dataset>, measures: &[Measure]) {
    if let Some(at) = &table.frequency
        && !matches!(common.frequency, Frequency::Month | Frequency::Year)
    {
        let message = format!("Comext has no figures by {}", common.frequency);
        cx.error(at.place, message, "expected `month` or `year`", "write frequency = \"month\"");
    }
    let lacks = |measure: &Measure| dataset.is_some_and(|dataset| dataset.indicator(*measure).is_none());
    if let Some(at) = table.measure.as_ref().filter(|_| measures.iter().any(lacks)) {
        let help = "take it away, or ask DS-045409";
        cx.error(at.place, "this dataset has no measure `quantity`", "only value and weight", help);
    }
}

/// Codes of countries or of groups, never both: the sum over both would count all twice.
fn countries(cx: Context<'_>, key: &str, texts: Option<&Texts>) -> Option<Vec<String>> {
    let Some(texts) = texts else { return Some(Vec::new()) };
    let read = |at: &At<String>| {
        let found = code(&at.value);
        if found.is_none() {
            let message = format!("`{key}` cannot be `{}`", shorten(&at.value, 60));
            let help = "write an ISO code such as \"CN\", or a group such as \"WORLD\" or \"EXT_EU27_2020\"";
            cx.error(at.place, message, "not a code", help);
        }
        found
    };
    if texts.value.is_empty() {
        nothing(cx, key, texts.place);
    }
    let codes: Option<Vec<String>> = texts.value.iter().map(read).collect();
    let groups = codes.iter().flatten().filter(|code| is_group(code)).count();
    if groups > 0 && groups < texts.value.len() {
        let message = format!("`{key}` has countries and groups of countries");
        let help = "the sum over both counts all twice: make a feed for each";
        cx.error(texts.place, message, "countries and groups", help);
        return None;
    }
    codes
}

/// Codes of goods: two, four, six or eight digits, or `TOTAL`.
fn goods(cx: Context<'_>, table: &FeedTable) -> Option<Vec<String>> {
    let texts = table.commodity.as_ref()?;
    if texts.value.is_empty() {
        nothing(cx, "commodity", texts.place);
    }
    let read = |at: &At<String>| {
        let code: String = at.value.chars().filter(|c| !matches!(c, ' ' | '.')).collect();
        let digits = code.bytes().all(|byte| byte.is_ascii_digit()) && matches!(code.len(), 2 | 4 | 6 | 8);
        if !digits && code != "TOTAL" {
            let message = format!("`commodity` cannot be `{}`", shorten(&at.value, 60));
            cx.error(
                at.place,
                message,
                "expected 2, 4, 6 or 8 digits",
                "write \"85051110\", or \"TOTAL\" for all goods",
            );
            return None;
        }
        Some(code)
    };
    texts.value.iter().map(read).collect()
}

/// Some of a few; all the usual ones where the config names none.
fn choices<T: Copy>(cx: Context<'_>, key: &str, texts: Option<&Texts>, all: &[(&str, T)], usual: &[T]) -> Vec<T> {
    let Some(texts) = texts else { return usual.to_vec() };
    if texts.value.is_empty() {
        nothing(cx, key, texts.place);
    }
    texts.value.iter().filter_map(|at| value::choice(cx, key, at, all)).collect()
}

fn nothing(cx: Context<'_>, key: &str, place: Place) {
    cx.error(place, format!("`{key}` is empty"), "names nothing", "take it away, or name something");
}
