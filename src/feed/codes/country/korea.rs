//! The partners of Korea's customs, which are codes of ISO 3166-1 alpha-2: none of its own is known.

use super::Countries;

/// The table.
pub const TABLE: Countries = Countries {
    source: "Korea Customs Service, guide to the interface nitemtrade/getNitemtradeList, data.go.kr: ISO 3166-1 alpha-2",
    rows: &[],
};
