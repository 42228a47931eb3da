//! Goods as Korea's customs have them (HSK): ten digits, of which the first six are the Harmonized System's.
//!
//! Only the six are here: the service takes them, and answers in codes that begin with them. `850511` is every
//! magnet of metal, not those of rare earths alone.

use super::{Good, Nomenclature};

/// The table.
pub const TABLE: Nomenclature = Nomenclature {
    name: "HSK",
    source: "Harmonized System 2022 of the World Customs Organization, whose subheadings begin the codes of the HSK",
    rows: ROWS,
};

const fn good(code: &'static str, text: &'static str) -> Good {
    // The service tells weights alone.
    Good { code, text, unit: Some("kg") }
}

const ROWS: &[Good] = &[
    good("250410", "natural graphite, powder or flakes"),
    good("250490", "natural graphite, other"),
    good("253090", "lithium ores and rare-earth ores, among other minerals"),
    good("260200", "manganese ores"),
    good("260400", "nickel ores"),
    good("260500", "cobalt ores"),
    good("261100", "tungsten ores"),
    good("280461", "silicon of 99.99 % or purer"),
    good("280480", "arsenic"),
    good("280519", "alkali metals other than sodium, such as lithium"),
    good("280530", "rare-earth metals, scandium and yttrium"),
    good("282200", "cobalt oxides and hydroxides"),
    good("282520", "lithium oxide and hydroxide"),
    good("283691", "lithium carbonates"),
    good("284610", "cerium compounds"),
    good("284690", "other rare-earth compounds"),
    good("381800", "elements doped for electronics, wafers"),
    good("810520", "cobalt, unwrought, mattes and powder"),
    good("811100", "manganese"),
    good("811292", "germanium, vanadium, gallium, indium, niobium and others, unwrought, scrap and powder"),
    good("850511", "permanent magnets of metal, with and without rare earths"),
    good("850519", "permanent magnets of other materials"),
    good("850760", "lithium-ion accumulators"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_six_digits_and_are_there_once() {
        let codes: Vec<&str> = ROWS.iter().map(|good| good.code).collect();
        assert!(codes.windows(2).all(|pair| pair[0] < pair[1]), "sorted, once each");
        assert!(codes.iter().all(|code| code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit())));
    }
}
