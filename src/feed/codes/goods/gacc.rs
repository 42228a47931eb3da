//! Goods as Chinese customs have them: eight digits, of which the last two are China's own.
//!
//! `81129210` is germanium and `81129290` gallium, `25041010` flake and `25041091` spherical graphite: maps of others
//! have them the wrong way round.

use super::{Good, Nomenclature};

/// The table: rare earths, their magnets, graphite, and the metals of 8112.92.
pub const GACC: Nomenclature = Nomenclature {
    name: "GACC",
    source: "General Administration of Customs of the People's Republic of China, stats.customs.gov.cn, table of \
             commodities of 2023",
    rows: ROWS,
};

/// The customs count all of these in kilograms, and have no second unit for them.
const fn kg(code: &'static str, text: &'static str) -> Good {
    Good { code, text, unit: Some("kg") }
}

const ROWS: &[Good] = &[
    kg("25041010", "graphite in flakes"),
    kg("25041091", "spherical graphite"),
    kg("25041099", "other natural graphite, powder or flakes"),
    kg("28053011", "neodymium metal"),
    kg("28053012", "dysprosium metal"),
    kg("28053013", "terbium metal"),
    kg("28053014", "lanthanum metal"),
    kg("28053015", "cerium metal"),
    kg("28053016", "praseodymium metal"),
    kg("28053017", "yttrium metal"),
    kg("28053018", "scandium metal"),
    kg("28053019", "other rare-earth metals, single"),
    kg("28053021", "rare-earth metals mixed or alloyed, for batteries"),
    kg("28053029", "other mixtures and alloys of rare-earth metals"),
    kg("28461010", "cerium oxide"),
    kg("28461020", "cerium hydroxide"),
    kg("28461030", "cerium carbonate"),
    kg("28461090", "other compounds of cerium"),
    kg("28469011", "yttrium oxide"),
    kg("28469012", "lanthanum oxide"),
    kg("28469013", "neodymium oxide"),
    kg("28469014", "europium oxide"),
    kg("28469015", "dysprosium oxide"),
    kg("28469016", "terbium oxide"),
    kg("28469017", "praseodymium oxide"),
    kg("28469018", "lutetium oxide"),
    kg("28469019", "other rare-earth oxides"),
    kg("28469021", "terbium chloride"),
    kg("28469022", "dysprosium chloride"),
    kg("28469023", "lanthanum chloride"),
    kg("28469024", "neodymium chloride"),
    kg("28469025", "praseodymium chloride"),
    kg("28469026", "yttrium chloride"),
    kg("28469028", "mixed rare-earth chlorides"),
    kg("28469029", "other rare-earth chlorides"),
    kg("28469031", "terbium fluoride"),
    kg("28469032", "dysprosium fluoride"),
    kg("28469033", "lanthanum fluoride"),
    kg("28469034", "neodymium fluoride"),
    kg("28469035", "praseodymium fluoride"),
    kg("28469036", "yttrium fluoride"),
    kg("28469039", "other rare-earth fluorides"),
    kg("28469041", "lanthanum carbonate"),
    kg("28469042", "terbium carbonate"),
    kg("28469043", "dysprosium carbonate"),
    kg("28469044", "neodymium carbonate"),
    kg("28469045", "praseodymium carbonate"),
    kg("28469046", "yttrium carbonate"),
    kg("28469048", "mixed rare-earth carbonates"),
    kg("28469049", "other rare-earth carbonates"),
    kg("28469091", "other compounds of lanthanum"),
    kg("28469092", "other compounds of neodymium"),
    kg("28469093", "other compounds of terbium"),
    kg("28469094", "other compounds of dysprosium"),
    kg("28469095", "other compounds of praseodymium"),
    kg("28469096", "other compounds of yttrium"),
    kg("28469099", "other rare-earth compounds and mixtures"),
    kg("81129210", "germanium, unwrought, scrap and powder"),
    kg("81129220", "vanadium, unwrought, scrap and powder"),
    kg("81129230", "indium, unwrought, scrap and powder"),
    kg("81129240", "niobium, unwrought, scrap and powder"),
    kg("81129290", "gallium, unwrought, scrap and powder"),
    kg("85051110", "permanent magnets of rare earths"),
    kg("85051190", "permanent magnets of other metals"),
    kg("85051900", "permanent magnets of other materials"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_confuse_is_right() {
        let text = |code| ROWS.iter().find(|good| good.code == code).unwrap().text;
        assert!(text("81129210").starts_with("germanium") && text("81129290").starts_with("gallium"));
        assert_eq!((text("25041010"), text("25041091")), ("graphite in flakes", "spherical graphite"));
        assert_eq!(text("85051110"), "permanent magnets of rare earths");
    }
}
