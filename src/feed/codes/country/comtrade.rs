//! UN Comtrade's codes: M49, but for areas that its statistics draw otherwise.

use super::Countries;

/// Where its codes are not ISO 3166-1 numeric.
pub const TABLE: Countries = Countries {
    source: "UN Comtrade, reference tables Reporters.json and partnerAreas.json (entries that have not expired)",
    rows: &[
        ("0", "W00"),
        // With Monaco.
        ("251", "FR"),
        // "Other Asia, not elsewhere specified", which in practice is Taiwan alone.
        ("490", "TW"),
        // With Svalbard and Jan Mayen.
        ("579", "NO"),
        ("699", "IN"),
        // With Liechtenstein.
        ("757", "CH"),
        // With Puerto Rico and the Virgin Islands.
        ("842", "US"),
    ],
};

/// The codes of groups of countries that stand among countries: the world, the European Union.
pub const GROUPS: [&str; 2] = ["0", "97"];
