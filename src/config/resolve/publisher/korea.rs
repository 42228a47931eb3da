//! `kind = "korea"`.

use super::trade::{Area, Goods, LABELS, choices, countries, goods, has_frequency};
use super::{Basis, Kind, Meaning, key, names, period, site};
use crate::config::resolve::Context;
use crate::feed::publisher::korea::{ADDRESS, Korea, MEASURES, decoded};
use crate::feed::publisher::trade::Flow;
use crate::period::Frequency;
use crate::series::country;

/// The kind.
pub const KIND: Kind = Kind {
    name: "korea",
    keys: &["key", "partner", "flow", "commodity", "measure", "since"],
    meaning: Meaning::Publisher { labels: &LABELS, frequency: Frequency::Month },
    resolve: |cx, basis| Some(Box::new(resolve(cx, basis)?)),
};

/// Partners by ISO's codes.
const PARTNERS: Area = Area {
    code: |text| {
        let code = country::canonical(text);
        (code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(code)
    },
    is_group: |_| false,
    help: "write an ISO code such as \"CN\"; left out, every country is asked for",
};

/// What the table comes to.
fn resolve(cx: Context<'_>, Basis { table, common, .. }: Basis<'_>) -> Option<Korea> {
    let key = key(cx, table, "a key is free at data.go.kr, for 관세청 품목별 국가별 수출입실적");
    has_frequency(cx, table, &common, "Korea's customs", &[Frequency::Month]);
    let partners = countries(cx, "partner", table.partner.as_ref(), &PARTNERS);
    let help = "write commodity = [\"850511\"]: codes of the HSK, or what they begin with";
    names(cx, table, "commodity", table.commodity.as_ref(), help);
    let goods = goods(cx, table, &Goods { digits: &[2, 4, 6, 10], total: None, example: "850511" });
    cx.missing(&table.given, "flow", "write flow = \"import\", \"export\", or both in a list");
    let flows = choices(cx, "flow", table.flow.as_ref(), &Flow::ALL, &[]);
    let measures = choices(cx, "measure", table.measure.as_ref(), &MEASURES, &MEASURES.map(|(_, measure)| measure));
    let since = table.since.as_ref().and_then(|at| period(cx, "since", at, common.frequency));
    let site = site(cx, table, ADDRESS);
    let key = decoded(&key?);
    Some(Korea { site: site?, key, goods: goods?, partners: partners?, flows, measures, since, common })
}
