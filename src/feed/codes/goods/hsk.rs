//! Goods as Korea's customs have them (HSK): ten digits, of which the first six are the Harmonized System's.
//!
//! The service takes six digits and answers in codes that begin with them, so that few need to be known. There is no code
//! for magnets of rare earths alone.

use super::{Nomenclature, good};

/// The table.
pub const HSK: Nomenclature = Nomenclature {
    name: "HSK",
    source: "Korea Customs Service, as its answers have the code; written down from general knowledge of it",
    rows: &[good("8505110000", "permanent magnets of metal, with and without rare earths", Some("kg"))],
};
