//! An office's own codes of countries, and the ISO 3166-1 alpha-2 codes that the labels have: a file per office.

pub mod comtrade;
pub mod gacc;
pub mod geonomenclature;
pub mod japan;
pub mod korea;
pub mod office;
pub mod schedule_c;

/// An office's codes.
#[derive(Debug)]
pub struct Countries {
    /// Where the table comes from: the publisher's page or file.
    pub source: &'static str,
    /// The office's code, and ISO's.
    pub rows: &'static [(&'static str, &'static str)],
}

impl Countries {
    /// ISO's code for the office's.
    pub fn iso(&self, code: &str) -> Option<&'static str> {
        self.rows.iter().find(|(own, _)| *own == code).map(|(_, iso)| *iso)
    }

    /// The office's code for ISO's.
    pub fn own(&self, iso: &str) -> Option<&'static str> {
        self.rows.iter().find(|(_, known)| *known == iso).map(|(own, _)| *own)
    }
}
