//! The European Union's codes: ISO 3166-1 alpha-2, but for a few.

use super::Countries;

/// Where its codes are not ISO's.
pub const TABLE: Countries = Countries {
    source: "Eurostat, nomenclature of countries and territories (Geonomenclature, Regulation (EU) 2020/1470)",
    rows: &[("EL", "GR"), ("WORLD", "W00"), ("XS", "RS")],
};
