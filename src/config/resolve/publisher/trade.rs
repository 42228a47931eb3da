//! What the kinds of feeds of trade have in common: countries, codes of goods, directions, measures.
//!
//! Which codes a publisher has for them is the publisher's.

use super::{Context, value};
use crate::base::text::{list, shorten};
use crate::config::file::FeedTable;
use crate::config::problem::Finding;
use crate::config::resolve::feed::absent_zero;
use crate::config::source::{At, Place, Texts};
use crate::feed::codes::country::Countries;
use crate::feed::codes::goods::search::mix;
use crate::feed::publisher::Common;
use crate::period::Frequency;
use crate::series::country;

/// The labels that figures of trade bring.
pub const LABELS: [&str; 5] = ["reporter", "partner", "flow", "hs", "measure"];

/// How a publisher writes countries.
pub struct Area {
    /// Its code for a country in any way of writing; `None` for what can be no code.
    pub code: fn(&str) -> Option<String>,
    /// Whether a code stands for a group of countries.
    pub is_group: fn(&str) -> bool,
    /// What to write instead of what is no code.
    pub help: &'static str,
}

/// A partner as the labels have it, of a customs office with three digits of its own: ISO's code, or the office's
/// where the partner has none.
pub fn partner(own: &Countries, text: &str) -> Option<String> {
    // Three digits are the customs' own, though ISO has such numbers, too.
    let is_own = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    let code = if is_own { own.iso(text).unwrap_or(text).to_owned() } else { country::canonical(text) };
    (is_own || code.len() == 2 || code == country::WORLD).then_some(code)
}

/// Codes of countries or of groups, never both: the sum over both would count all twice.
pub fn countries(cx: Context<'_>, key: &str, texts: Option<&Texts>, area: &Area) -> Option<Vec<String>> {
    let Some(texts) = texts else { return Some(Vec::new()) };
    let read = |at: &At<String>| {
        let found = (area.code)(&at.value);
        if found.is_none() {
            let message = format!("`{key}` cannot be `{}`", shorten(&at.value, 60));
            cx.error(at.place, message, "not a code", area.help);
        }
        found
    };
    if texts.value.is_empty() {
        nothing(cx, key, texts.place);
    }
    let codes: Option<Vec<String>> = texts.value.iter().map(read).collect();
    let groups = codes.iter().flatten().filter(|code| (area.is_group)(code)).count();
    if groups > 0 && groups < texts.value.len() {
        let message = format!("`{key}` has countries and groups of countries");
        let help = "the sum over both counts all twice: make a feed for each";
        cx.error(texts.place, message, "countries and groups", help);
        return None;
    }
    codes
}

/// The codes of goods that a publisher has.
pub struct Goods {
    /// Their numbers of digits.
    pub digits: &'static [usize],
    /// Its word for all goods, where it has one.
    pub total: Option<&'static str>,
    /// A code to write.
    pub example: &'static str,
}

/// Codes of goods, without dots and spaces.
pub fn goods(cx: Context<'_>, table: &FeedTable, goods: &Goods) -> Option<Vec<String>> {
    let texts = table.commodity.as_ref()?;
    if texts.value.is_empty() {
        nothing(cx, "commodity", texts.place);
    }
    let read = |at: &At<String>| {
        let code: String = at.value.chars().filter(|c| !matches!(c, ' ' | '.')).collect();
        let digits = code.bytes().all(|byte| byte.is_ascii_digit()) && goods.digits.contains(&code.len());
        if digits || goods.total == Some(code.as_str()) {
            mixed(cx, at.place, &code);
            return Some(code);
        }
        let (last, others) = goods.digits.split_last()?;
        let others: Vec<String> = others.iter().map(ToString::to_string).collect();
        let message = format!("`commodity` cannot be `{}`", shorten(&at.value, 60));
        let label = format!("expected {} or {last} digits", others.join(", "));
        let total = goods.total.map(|total| format!(", or \"{total}\" for all goods")).unwrap_or_default();
        cx.error(at.place, message, &label, format!("write \"{}\"{total}", goods.example));
        None
    };
    texts.value.iter().map(read).collect()
}

/// Warns of a code of six digits that is often taken for one good, and is several.
pub fn mixed(cx: Context<'_>, place: Place, code: &str) {
    let Some(mix) = mix(code) else { return };
    let finer: Vec<String> = mix.finer.iter().map(|(of, good)| format!("{} {}", of.name, good.code)).collect();
    let help = format!(
        "codes of eight and ten digits tell them apart, where the publisher has them: {}; see `supplywatch codes search \
         {code}`",
        finer.join(", ")
    );
    let finding = Finding::warning(place, format!("HS {code} is {}", mix.is));
    cx.add(finding.label("several goods").help(help));
}

/// Some of a few; the usual ones where the config names none.
pub fn choices<T: Copy>(cx: Context<'_>, key: &str, texts: Option<&Texts>, all: &[(&str, T)], usual: &[T]) -> Vec<T> {
    let Some(texts) = texts else { return usual.to_vec() };
    if texts.value.is_empty() {
        nothing(cx, key, texts.place);
    }
    texts.value.iter().filter_map(|at| value::choice(cx, key, at, all)).collect()
}

/// Whether a cell that is left out is a zero: that can be said of partners that are named alone.
pub fn absent(cx: Context<'_>, table: &FeedTable) -> bool {
    let zero = absent_zero(cx, table);
    if let Some(at) = table.absent.as_ref().filter(|_| zero && table.partner.is_none()) {
        let help = "name the partners that always have a figure: partner = [\"CN\"]";
        cx.error(at.place, "`absent = \"zero\"` needs `partner`", "a zero of which partner?", help);
    }
    zero
}

/// Refuses a frequency that a publisher does not have.
pub fn has_frequency(cx: Context<'_>, table: &FeedTable, common: &Common, whose: &str, has: &[Frequency]) {
    if let Some(at) = &table.frequency
        && !has.contains(&common.frequency)
    {
        let message = format!("{whose} has no figures by {}", common.frequency);
        let names = has.iter().map(|frequency| frequency.name());
        let label = format!("expected {}", list(names).replace(" and ", " or "));
        cx.error(at.place, message, &label, "write frequency = \"month\"");
    }
}

fn nothing(cx: Context<'_>, key: &str, place: Place) {
    cx.error(place, format!("`{key}` is empty"), "names nothing", "take it away, or name something");
}
