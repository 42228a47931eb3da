//! `kind = "gacc"`.

use super::trade::{Area, Goods, LABELS, choices, countries, goods, has_frequency, partner};
use super::{Basis, Kind, Meaning};
use crate::config::resolve::feed::path;
use crate::config::resolve::{Context, value};
use crate::feed::codes::country::gacc::TABLE;
use crate::feed::publisher::folder::Folder;
use crate::feed::publisher::gacc::Gacc;
use crate::feed::publisher::sum::Kept;
use crate::feed::publisher::trade::{Flow, Measure};
use crate::period::Frequency;

/// The kind.
pub const KIND: Kind = Kind {
    name: "gacc",
    keys: &["path", "partner", "flow", "commodity", "measure"],
    meaning: Meaning::Publisher { labels: &LABELS, frequency: Frequency::Month },
    resolve: |cx, basis| Some(Box::new(resolve(cx, basis)?)),
};

/// Partners as the labels have them: codes of ISO, or the customs' own.
const PARTNERS: Area = Area {
    code: |text| partner(&TABLE, text),
    is_group: |_| false,
    help: "write an ISO code such as \"US\", or the customs' own where a partner has none of ISO's",
};

/// What the table comes to.
fn resolve(cx: Context<'_>, Basis { table, common, .. }: Basis<'_>) -> Option<Gacc> {
    cx.missing(&table.given, "path", "write path = \"FOLDER\": the folder into which the files are put");
    let path = table.path.as_ref().and_then(|at| path(cx, table, at));
    if let Some(at) = &table.url {
        let help = "Chinese customs let no program ask them: download the files, and write path = \"FOLDER\"";
        cx.error(at.place, "`url` has no meaning for kind `gacc`", "not for this kind", help);
    }
    has_frequency(cx, table, &common, "Chinese customs", &[Frequency::Month]);
    let partners = countries(cx, "partner", table.partner.as_ref(), &PARTNERS);
    let digits = &Goods { digits: &[2, 4, 6, 8, 10], total: None, example: "85051110" };
    let goods = if table.commodity.is_some() { goods(cx, table, digits) } else { Some(Vec::new()) };
    let all = Measure::ALL.map(|(_, measure)| measure);
    let measures = choices(cx, "measure", table.measure.as_ref(), &Measure::ALL, &all);
    let flow = flow(cx, table);
    let folder = Folder { path: path?, ending: ".csv" };
    let kept = Kept { goods: goods?, partners: partners?, measures };
    Some(Gacc { folder, flow: flow?, kept, common })
}

/// The direction of files that do not say theirs.
fn flow(cx: Context<'_>, table: &crate::config::file::FeedTable) -> Option<Option<Flow>> {
    let Some(texts) = &table.flow else { return Some(None) };
    match texts.value.as_slice() {
        [at] => value::choice(cx, "flow", at, &Flow::ALL).map(Some),
        _ => {
            let help = "write the direction of the files that do not say theirs, or take it away";
            cx.error(texts.place, "`flow` is one direction for kind `gacc`", "expected one", help);
            None
        }
    }
}
