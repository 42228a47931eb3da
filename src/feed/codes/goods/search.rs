//! Finding a good in every nomenclature, by words or by the digits that its code begins with.

use super::cn::CN;
use super::gacc::GACC;
use super::hs::HS;
use super::hsk::HSK;
use super::hts::HTS;
use super::jp::JP;
use super::{Good, Nomenclature};

/// Every nomenclature, in the order in which they are searched.
pub const NOMENCLATURES: [&Nomenclature; 6] = [&HS, &CN, &HTS, &GACC, &HSK, &JP];

/// Codes of six digits that are often taken for one good, and what they are.
const MIXES: [(&str, &str); 2] = [
    ("850511", "every permanent magnet of metal, not only those with rare earths"),
    ("811292", "gallium, germanium, indium, niobium and vanadium together"),
];

/// The goods that every one of some words speaks of.
///
/// A word of digits (`8505`, `8505.11`) is the beginning of a code; any other is a part of what a good covers, or of
/// its nomenclature's name, in capitals or not. A plural finds the singular, too.
pub fn search(words: &[String]) -> Vec<(&'static Nomenclature, &'static Good)> {
    let words: Vec<Word> = words.iter().flat_map(|word| word.split_whitespace()).map(Word::read).collect();
    if words.is_empty() {
        return Vec::new();
    }
    let all = NOMENCLATURES.iter().flat_map(|nomenclature| nomenclature.rows.iter().map(|good| (*nomenclature, good)));
    all.filter(|(nomenclature, good)| words.iter().all(|word| word.is_in(nomenclature, good))).collect()
}

/// One word that is searched for.
enum Word {
    Digits(String),
    Text(String),
}

impl Word {
    fn read(word: &str) -> Self {
        let digits: String = word.chars().filter(|c| *c != '.').collect();
        if digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.is_empty() {
            return Self::Digits(digits);
        }
        let lower = word.to_lowercase();
        let singular = lower.strip_suffix('s').filter(|word| word.len() >= 3).map(str::to_owned);
        Self::Text(singular.unwrap_or(lower))
    }

    fn is_in(&self, nomenclature: &Nomenclature, good: &Good) -> bool {
        match self {
            Self::Digits(digits) => good.code.starts_with(digits.as_str()),
            // "rare earth" finds "rare-earth metals", and "rare-earth" finds "rare earths".
            Self::Text(text) => {
                let plain = |text: &str| text.replace('-', " ").to_lowercase();
                plain(good.text).contains(&plain(text)) || nomenclature.name.eq_ignore_ascii_case(text)
            }
        }
    }
}

/// What a code of six digits mixes, and the longer codes that tell it apart.
pub struct Mix {
    /// What it is.
    pub is: &'static str,
    /// The longer codes, each with its nomenclature.
    pub finer: Vec<(&'static Nomenclature, &'static Good)>,
}

/// Whether a code is such a mix.
pub fn mix(code: &str) -> Option<Mix> {
    let (_, is) = MIXES.iter().find(|(known, _)| *known == code)?;
    let mut finer = search(&[code.to_owned()]);
    // Zeros alone divide nothing.
    finer.retain(|(_, good)| good.code.trim_end_matches('0').len() > code.len());
    Some(Mix { is, finer })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(words: &str) -> String {
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        let found = search(&words);
        found.iter().map(|(of, good)| format!("{} {}", of.name, good.code)).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn words_and_digits_find_goods_in_every_nomenclature() {
        for (words, expected) in [
            (
                "850511",
                "HS 850511, CN 85051110, CN 85051190, HTS 8505110010, HTS 8505110030, HTS 8505110050, HTS 8505110070, HTS 8505110090, GACC 85051110, GACC 85051190, HSK 8505110000, JP 850511000",
            ),
            ("8505.11.00.70", "HTS 8505110070"),
            (
                "rare earth magnets",
                "HS 850511, CN 85051110, HTS 8505110050, HTS 8505110070, HTS 8505110090, GACC 85051110, HSK 8505110000, JP 850511000",
            ),
            ("GALLIUM unwrought", "HS 811292, CN 81129289, HTS 8112921000, GACC 81129290"),
            ("hts germanium", "HTS 2825600000, HTS 8112926000, HTS 8112926500"),
            ("flake graphite", "HS 250410, CN 25041000, HTS 2504101000, HTS 2504105000, GACC 25041010, GACC 25041099"),
            ("unobtainium", ""),
            ("", ""),
        ] {
            assert_eq!(found(words), expected, "{words}");
        }
    }

    #[test]
    fn mixes_name_the_codes_that_tell_them_apart() {
        let magnets = mix("850511").unwrap();
        assert_eq!((magnets.finer.len(), magnets.finer[0].1.code), (9, "85051110"));
        assert_eq!(mix("811292").unwrap().finer.len(), 14);
        assert!(mix("85051110").is_none() && mix("250410").is_none());
    }

    /// Codes have the digits of their nomenclature, stand once, and lie below a chapter that there is.
    #[test]
    fn tables_are_well_made() {
        for (nomenclature, digits) in [(&HS, 6), (&CN, 8), (&HTS, 10), (&GACC, 8), (&HSK, 10), (&JP, 9)] {
            for (at, good) in nomenclature.rows.iter().enumerate() {
                let sound = good.code.len() == digits && good.code.bytes().all(|byte| byte.is_ascii_digit());
                assert!(sound && good.code < "98" && !good.text.is_empty(), "{}", good.code);
                let twice = nomenclature.rows[at + 1..].iter().any(|other| other.code == good.code);
                assert!(!twice, "{} {} is there twice", nomenclature.name, good.code);
                let six = HS.rows.iter().any(|known| good.code.starts_with(known.code));
                assert!(six, "{} has no six digits in our table", good.code);
                let unit = good.unit.is_none_or(|unit| crate::series::Unit::parse(unit).is_ok());
                assert!(unit, "{}: {:?}", good.code, good.unit);
            }
            assert!(!nomenclature.source.is_empty());
        }
    }
}
