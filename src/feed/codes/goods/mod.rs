//! Codes of goods with what they mean, for critical minerals and what is made of them: a file per nomenclature.

pub mod cn;
pub mod gacc;
pub mod hs;
pub mod hsk;
pub mod hts;
pub mod jp;
pub mod search;

/// A nomenclature's codes.
#[derive(Debug)]
pub struct Nomenclature {
    /// Its short name: `HS`, `CN`, `HTS`, `GACC`, …
    pub name: &'static str,
    /// Where the table comes from: the publisher's page or file, and its edition.
    pub source: &'static str,
    /// The codes.
    pub rows: &'static [Good],
}

/// A code and what it means.
#[derive(Debug)]
pub struct Good {
    /// The digits.
    pub code: &'static str,
    /// What it covers, in short words of our own.
    pub text: &'static str,
    /// The supplementary unit in which the office counts it, where it does.
    pub unit: Option<&'static str>,
}

/// A row of a table.
const fn good(code: &'static str, text: &'static str, unit: Option<&'static str>) -> Good {
    Good { code, text, unit }
}
