//! `kind = "japan"`.

use super::trade::{Area, Goods, LABELS, choices, countries, goods, has_frequency, partner};
use super::{Basis, Kind, Meaning, names};
use crate::config::resolve::Context;
use crate::config::resolve::feed::target;
use crate::feed::codes::country::japan::TABLE;
use crate::feed::publisher::folder::Folder;
use crate::feed::publisher::japan::{Japan, Source};
use crate::feed::publisher::sum::Kept;
use crate::feed::publisher::trade::{Flow, Measure};
use crate::feed::{Request, Target};
use crate::period::Frequency;
use crate::series::country;

/// How the names of files end.
const ENDING: &str = ".csv";

/// The kind.
pub const KIND: Kind = Kind {
    name: "japan",
    keys: &["path", "partner", "flow", "commodity", "measure"],
    meaning: Meaning::Publisher { labels: &LABELS, frequency: Frequency::Month },
    resolve: |cx, basis| Some(Box::new(resolve(cx, basis)?)),
};

/// Partners as the labels have them: codes of ISO, or the customs' own.
const PARTNERS: Area = Area {
    code: |text| partner(&TABLE, text),
    is_group: |code| code == country::WORLD,
    help: "write an ISO code such as \"CN\", or the customs' own where a partner has none of ISO's",
};

/// What the table comes to.
fn resolve(cx: Context<'_>, Basis { table, common, .. }: Basis<'_>) -> Option<Japan> {
    let target = target(cx, table);
    has_frequency(cx, table, &common, "Japan's customs", &[Frequency::Month]);
    let partners = countries(cx, "partner", table.partner.as_ref(), &PARTNERS);
    let help = "write commodity = [\"850511\"]: codes of nine digits, or what they begin with";
    names(cx, table, "commodity", table.commodity.as_ref(), help);
    let goods = goods(cx, table, &Goods { digits: &[2, 4, 6, 9], total: None, example: "850511" });
    let measures = choices(cx, "measure", table.measure.as_ref(), &Measure::ALL, &Measure::ALL.map(|(_, all)| all));
    let flows = choices(cx, "flow", table.flow.as_ref(), &Flow::ALL, &Flow::ALL.map(|(_, all)| all));
    let source = match target? {
        Target::File(path) if !path.to_string_lossy().to_lowercase().ends_with(ENDING) => {
            Source::Folder(Folder { path, ending: ENDING })
        }
        target => Source::One(Box::new(Request::new(target))),
    };
    let kept = Kept { goods: goods?, partners: partners?, measures };
    Some(Japan { source, flows, kept, common })
}
