//! What to write instead of words and signs that the language does not have, but that spreadsheets, other
//! languages and other keyboards do.
//!
//! It only advises: that something is wrong was found before.

use crate::base::text::{nearest, printable, shorten};
use crate::series::Unit;

/// What others call a measure, or put into a condition.
const WORDS: [(&[&str], &str); 17] = [
    (&["avg", "average", "ma", "sma"], "write `mean(12)`"),
    (&["std", "sd", "sigma"], "write `stddev(12)`"),
    (&["var", "variance"], "write `stddev(12)`, whose square it is"),
    (&["mom", "wow", "dod", "growth", "pct", "pct_change", "roc"], "write `change`"),
    (&["qoq"], "write `change`, or `change(3mo)` of a monthly series"),
    (&["delta", "difference"], "write `diff`"),
    (&["previous", "prev", "shift", "before"], "write `lag(1)`"),
    (&["rank", "quantile", "pctl"], "write `percentile(24)`"),
    (&["trend", "linreg"], "write `slope(12)`"),
    (&["cumsum", "cumulative"], "write `ytd`, the sum of the year so far"),
    (&["herfindahl", "gini", "concentration"], "write `hhi(partner)`"),
    (&["price", "volume", "amount", "quantity", "x"], "write `value`: the figure of the series that the rule selects"),
    (&["abs"], "write both sides: `change > 5% or change < -5%`"),
    (&["true", "false"], "a condition stands by itself, such as `overdue` or `not overdue`"),
    (&["nan", "null", "none", "missing"], "what is missing is unknown by itself; `on_gap` says what becomes of it"),
    (&["between", "in", "within"], "write both bounds: `value > 100 t and value < 400 t`"),
    (&["if", "when", "then", "else", "where"], "a rule is the condition alone; join several by `and` and `or`"),
];

/// Characters that look like signs of the language, with what they stand for.
const LOOKALIKES: [(char, &str); 17] = [
    ('（', "("),
    ('）', ")"),
    ('，', ","),
    ('、', ","),
    ('％', "%"),
    ('＞', ">"),
    ('＜', "<"),
    ('＝', "="),
    ('＋', "+"),
    ('－', "-"),
    ('–', "-"),
    ('—', "-"),
    ('·', "*"),
    ('‘', "'"),
    ('’', "'"),
    ('“', "\""),
    ('”', "\""),
];

/// What to write for a word that names no measure.
pub fn word(word: &str) -> Option<String> {
    let lower = word.to_lowercase();
    if matches!(lower.as_str(), "and" | "or" | "not") {
        return Some(format!("write `{lower}`"));
    }
    let known = WORDS.iter().find(|(words, _)| words.contains(&lower.as_str()));
    known.map(|(_, help)| (*help).to_owned())
}

/// What to write for a character that has no meaning.
pub fn sign(sign: char) -> String {
    if let Some((_, meant)) = LOOKALIKES.iter().find(|(looks, _)| *looks == sign) {
        return format!("write `{meant}`");
    }
    let help = match sign {
        '&' => "write `and`",
        '|' => "write `or`",
        '!' => "write `not`; unequal is `!=`",
        '$' | '€' | '¥' | '￥' | '£' => "write the currency's code behind the number, such as `400 USD`",
        '^' | '²' | '³' => "there are no powers",
        '[' | '{' | ']' | '}' => "brackets are round: write `(` and `)`",
        ';' => "join conditions by `and`, or write them as a list",
        '#' => "a comment stands outside the quotes",
        '\\' => "take it away: in a TOML text between single quotes nothing needs a backslash",
        _ => "take it away",
    };
    help.to_owned()
}

/// What to write for a word behind a number that is no unit.
pub fn unit(word: &str, number: &str) -> Option<String> {
    let lower = word.to_lowercase();
    let help = match lower.as_str() {
        "and" | "or" | "not" => format!("write `{lower}`"),
        "d" | "day" | "days" => as_time(number, "d"),
        "w" | "wk" | "week" | "weeks" => as_time(number, "w"),
        "m" | "mo" | "month" | "months" => as_time(number, "mo"),
        "y" | "yr" | "year" | "years" => as_time(number, "y"),
        "ton" | "tons" => {
            "write `t` for the tonne of 1000 kg, `st` for the short ton, `lt` for the long ton".to_owned()
        }
        "metric" | "mt" => "write `t`".to_owned(),
        "pp" | "ppt" | "bp" | "bps" | "perc" => format!("write a ratio, such as `{number}%`"),
        "times" => format!("write the number alone: `{number}`"),
        "σ" | "sd" | "sigma" | "sigmas" => format!("a number of deviations is a bare number: write `{number}`"),
        "rmb" | "yuan" => "write `CNY`".to_owned(),
        "dollar" | "dollars" => "write `USD`".to_owned(),
        "euro" | "euros" => "write `EUR`".to_owned(),
        "mio" | "mln" | "million" | "thousand" | "billion" => {
            "the scale stands before the currency, such as `kUSD`, `MUSD` or `bnUSD`".to_owned()
        }
        _ => return in_capitals(word),
    };
    Some(help)
}

fn as_time(number: &str, letters: &str) -> String {
    format!("a time is written without a space, such as `{number}{letters}`")
}

/// A currency's code that was written in small letters.
fn in_capitals(word: &str) -> Option<String> {
    let capitals = word.to_uppercase();
    let is_unit = Unit::parse(&capitals).is_ok();
    is_unit.then(|| format!("write `{}`", shorten(&printable(&capitals), 40)))
}

/// The nearest of some names, else what another language means by it.
pub fn name<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    word(text).or_else(|| nearest(text, names).map(|near| format!("did you mean `{near}`?")))
}
