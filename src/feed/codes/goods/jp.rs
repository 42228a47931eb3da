//! Goods as Japan's customs have them: nine digits, of which the first six are the Harmonized System's and the last
//! three Japan's own, for exports and imports not always the same.
//!
//! A feed takes six digits for all codes that begin with them, so that few need to be known. There is no code for magnets
//! of rare earths alone.

use super::{Nomenclature, good};

/// The table.
pub const JP: Nomenclature = Nomenclature {
    name: "JP",
    source: "Trade Statistics of Japan, as its files have the code; written down from general knowledge of it",
    rows: &[good("850511000", "permanent magnets of metal, with and without rare earths", Some("kg"))],
};
