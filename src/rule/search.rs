//! What a search finds: texts in quotes, joined by `and`, `or`, `not` and brackets, in an item's own words.
//!
//! A text is found where its words stand next to one another, whatever their case and whatever stands between
//! them: `"rare earth"` in `Rare-Earth Magnets`, and not in `rare, yet on earth`'s place. A word that ends with
//! `*` stands for all that begin so. Scripts without spaces are read sign by sign.

use super::syntax::{Node, NodeKind, Operator};
use crate::series::{Item, KnownItem, View, country};

/// Whether a search finds an item, or the one that it corrects. Without a search, every item is found.
pub fn finds(search: Option<&Node>, view: &View<'_>, known: &KnownItem) -> bool {
    let Some(search) = search else { return true };
    let found = |item: &Item| is_found(search, item, &words(&format!("{} | {}", item.title, item.summary)));
    found(&known.item) || view.corrected_by(known).is_some_and(|base| found(&base.item))
}

fn is_found(search: &Node, item: &Item, text: &[String]) -> bool {
    let side = |node: &Node| is_found(node, item, text);
    match &search.kind {
        NodeKind::Text(phrase) => has(text, phrase),
        NodeKind::Pick(name, code) if name == COUNTRY => country::spellings(code).iter().any(|name| has(text, name)),
        NodeKind::Pick(name, wanted) => item.tags.iter().any(|(tag, value)| tag == name && has(&words(value), wanted)),
        NodeKind::Not(inner) => !side(inner),
        NodeKind::Binary(Operator::And, left, right) => side(left) && side(right),
        NodeKind::Binary(Operator::Or, left, right) => side(left) || side(right),
        // The check lets nothing else stand in a search.
        _ => false,
    }
}

/// The name by which a search asks for a country, however a text spells it.
pub const COUNTRY: &str = "country";

/// What a search may ask of an item beside its text: what publishers say of their items.
pub const NAMES: [&str; 5] = [COUNTRY, "agency", "type", "category", "action"];

/// Whether a text has anything to look for.
pub fn has_words(phrase: &str) -> bool {
    words(phrase).iter().any(|word| word != ANY)
}

/// What stands for any end of a word.
const ANY: &str = "*";

/// Whether the words of a phrase stand next to one another in a text.
fn has(text: &[String], phrase: &str) -> bool {
    let phrase = words(phrase);
    let is_word = |(word, wanted): (&String, &String)| match wanted.strip_suffix(ANY) {
        Some(beginning) => word.starts_with(beginning),
        None => word == wanted,
    };
    !phrase.is_empty() && text.windows(phrase.len()).any(|words| words.iter().zip(&phrase).all(is_word))
}

/// The words of a text in lower case; a `|` between them is one, so that no phrase reaches over it.
fn words(text: &str) -> Vec<String> {
    let mut spaced = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            _ if is_ideograph(c) || c == '|' => spaced.extend([' ', c, ' ']),
            _ if c.is_alphanumeric() || c == '*' => spaced.extend(c.to_lowercase()),
            _ => spaced.push(' '),
        }
    }
    spaced.split_whitespace().map(str::to_owned).collect()
}

/// Whether a sign is a word of its own: Han, Hiragana, Katakana, Thai.
const fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{0E00}'..='\u{0E7F}' | '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{323AF}')
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;
    use crate::period::Period;

    fn item(title: &str, summary: &str) -> Item {
        Item {
            id: title.to_owned(),
            title: title.to_owned(),
            url: None,
            summary: summary.to_owned(),
            day: Period::parse("2026-09-24").unwrap(),
            tags: vec![
                ("agency".into(), "Industry and Security Bureau".into()),
                ("type".into(), "Proposed Rule".into()),
            ],
            corrects: None,
            effective: None,
            ends: None,
        }
    }

    #[track_caller]
    fn check(search: &str, item: &Item, expected: bool) {
        let node = parse(&format!("new({search})")).unwrap();
        let NodeKind::Measure(_, arguments) = &node.kind else { panic!("{search}") };
        let text = words(&format!("{} | {}", item.title, item.summary));
        assert_eq!(is_found(&arguments[0].node, item, &text), expected, "{search} in {}", item.title);
    }

    #[test]
    fn words_are_whole_and_stand_together() {
        let magnets = item("Export Controls on Rare-Earth Magnets; China's Gallium", "Licences for dysprosium.");
        for (search, expected) in [
            ("'rare earth'", true),
            ("'RARE  EARTH'", true),
            ("'earth rare'", false),
            ("'rare earths'", false),
            ("'magnet'", false),
            ("'magnet*'", true),
            ("'rare earth magn*'", true),
            ("'port controls'", false),
            ("'china'", true),
            ("'dysprosium'", true),
            ("'gallium licences'", false),
            ("'gallium' and 'dysprosium'", true),
            ("'germanium' or 'gallium'", true),
            ("'gallium' and not 'magnets'", false),
            ("not ('germanium' or 'antimony')", true),
        ] {
            check(search, &magnets, expected);
        }
    }

    #[test]
    fn scripts_without_spaces_are_read_sign_by_sign() {
        let notice = item("商务部公告2025年第18号 公布对钐等7类中重稀土相关物项实施出口管制", "");
        check("'稀土'", &notice, true);
        check("'出口管制'", &notice, true);
        check("'公告2025年第18号'", &notice, true);
        check("'镓'", &notice, false);
    }

    #[test]
    fn what_the_publisher_says_beside_the_text() {
        let rule = item("Licences for Chinese-made polysilicon", "Contact us.");
        check("type='rule'", &rule, true);
        check("agency='security bureau' and country='CHN'", &rule, true);
        check("country='US'", &rule, false);
        check("country='Japan' or type='notice'", &rule, false);
        check("country='US'", &item("Exports from the U.S.", ""), true);
        check("country='CN'", &item("Measures of the People's Republic of China", ""), true);
    }

    #[test]
    fn what_has_no_word_finds_nothing() {
        assert!(!has_words("") && !has_words(" - ") && !has_words("*") && has_words("a*") && has_words("镓"));
        check("'--'", &item("--", ""), false);
    }
}
