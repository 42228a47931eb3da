//! SDMX in each of its three ways of writing: CSV, JSON, XML. Which one came is told by how it begins, not by
//! what was asked for: publishers answer a wrong question in another format than a right one.

use super::cube::{Field, Sink};
use super::{no_page, sdmx_csv, sdmx_json, sdmx_ml, sniff};
use crate::feed::ParseError;

/// Reads an SDMX data message and gives each figure to a sink.
pub fn read(body: &[u8], fields: &[Field], sink: Sink<'_>) -> Result<(), ParseError> {
    const EXPECTED: &str = "SDMX";
    match no_page(body, EXPECTED)?.first() {
        Some(b'{' | b'[') => sdmx_json::read(body, fields, sink),
        Some(b'<') => sdmx_ml::read(body, fields, sink),
        _ => {
            sniff(body, EXPECTED)?;
            sdmx_csv::read(body, fields, sink)
        }
    }
}
