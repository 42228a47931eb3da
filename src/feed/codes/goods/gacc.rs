//! Goods as Chinese customs have them: eight digits, of which the last two are China's own.
//!
//! `81129210` is germanium and `81129290` gallium, `25041010` flake and `25041091` spherical graphite: maps of others
//! have them the wrong way round.

use super::{Good, Nomenclature};

/// The table: rare earths, their magnets, graphite, and the metals of 8112.92.
pub const TABLE: Nomenclature = Nomenclature {
    name: "GACC",
    source: "General Administration of Customs of the People's Republic of China, stats.customs.gov.cn, table of \
             commodities of 2023",
    rows: ROWS,
};

const fn good(code: &'static str, text: &'static str) -> Good {
    // The customs count all of these in kilograms, and have no second unit for them.
    Good { code, text, unit: Some("kg") }
}

const ROWS: &[Good] = &[
    good("25041010", "graphite in flakes"),
    good("25041091", "spherical graphite"),
    good("25041099", "other natural graphite, powder or flakes"),
    good("28053011", "neodymium metal"),
    good("28053012", "dysprosium metal"),
    good("28053013", "terbium metal"),
    good("28053014", "lanthanum metal"),
    good("28053015", "cerium metal"),
    good("28053016", "praseodymium metal"),
    good("28053017", "yttrium metal"),
    good("28053018", "scandium metal"),
    good("28053019", "other rare-earth metals, single"),
    good("28053021", "rare-earth metals mixed or alloyed, for batteries"),
    good("28053029", "other mixtures and alloys of rare-earth metals"),
    good("28461010", "cerium oxide"),
    good("28461020", "cerium hydroxide"),
    good("28461030", "cerium carbonate"),
    good("28461090", "other compounds of cerium"),
    good("28469011", "yttrium oxide"),
    good("28469012", "lanthanum oxide"),
    good("28469013", "neodymium oxide"),
    good("28469014", "europium oxide"),
    good("28469015", "dysprosium oxide"),
    good("28469016", "terbium oxide"),
    good("28469017", "praseodymium oxide"),
    good("28469018", "lutetium oxide"),
    good("28469019", "other rare-earth oxides"),
    good("28469021", "terbium chloride"),
    good("28469022", "dysprosium chloride"),
    good("28469023", "lanthanum chloride"),
    good("28469024", "neodymium chloride"),
    good("28469025", "praseodymium chloride"),
    good("28469026", "yttrium chloride"),
    good("28469028", "mixed rare-earth chlorides"),
    good("28469029", "other rare-earth chlorides"),
    good("28469031", "terbium fluoride"),
    good("28469032", "dysprosium fluoride"),
    good("28469033", "lanthanum fluoride"),
    good("28469034", "neodymium fluoride"),
    good("28469035", "praseodymium fluoride"),
    good("28469036", "yttrium fluoride"),
    good("28469039", "other rare-earth fluorides"),
    good("28469041", "lanthanum carbonate"),
    good("28469042", "terbium carbonate"),
    good("28469043", "dysprosium carbonate"),
    good("28469044", "neodymium carbonate"),
    good("28469045", "praseodymium carbonate"),
    good("28469046", "yttrium carbonate"),
    good("28469048", "mixed rare-earth carbonates"),
    good("28469049", "other rare-earth carbonates"),
    good("28469091", "other compounds of lanthanum"),
    good("28469092", "other compounds of neodymium"),
    good("28469093", "other compounds of terbium"),
    good("28469094", "other compounds of dysprosium"),
    good("28469095", "other compounds of praseodymium"),
    good("28469096", "other compounds of yttrium"),
    good("28469099", "other rare-earth compounds and mixtures"),
    good("81129210", "germanium, unwrought, scrap and powder"),
    good("81129220", "vanadium, unwrought, scrap and powder"),
    good("81129230", "indium, unwrought, scrap and powder"),
    good("81129240", "niobium, unwrought, scrap and powder"),
    good("81129290", "gallium, unwrought, scrap and powder"),
    good("85051110", "permanent magnets of rare earths"),
    good("85051190", "permanent magnets of other metals"),
    good("85051900", "permanent magnets of other materials"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_eight_digits_and_are_there_once() {
        let codes: Vec<&str> = ROWS.iter().map(|good| good.code).collect();
        assert!(codes.windows(2).all(|pair| pair[0] < pair[1]), "sorted, once each");
        assert!(codes.iter().all(|code| code.len() == 8 && code.bytes().all(|byte| byte.is_ascii_digit())));
    }

    #[test]
    fn what_others_confuse_is_right() {
        let text = |code| ROWS.iter().find(|good| good.code == code).unwrap().text;
        assert!(text("81129210").starts_with("germanium") && text("81129290").starts_with("gallium"));
        assert_eq!((text("25041010"), text("25041091")), ("graphite in flakes", "spherical graphite"));
        assert_eq!(text("85051110"), "permanent magnets of rare earths");
    }
}
