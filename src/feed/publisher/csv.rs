//! Any CSV file: columns by name, or a column per period.

use super::{Columns, Common};
use crate::feed::{Page, ParseError, Publisher, Request};

/// A CSV feed.
#[derive(Clone, Debug)]
pub struct Csv {
    /// What to fetch.
    pub request: Request,
    /// Frequency, labels, numbers.
    pub common: Common,
    /// What the columns mean.
    pub columns: Columns,
    /// How the file is written.
    pub dialect: Dialect,
}

/// How a CSV file is written.
#[derive(Clone, Debug)]
pub struct Dialect {
    /// The sign between fields; `None`: found out from the header (`,` `;` tab `|`).
    pub delimiter: Option<u8>,
    /// The text's encoding.
    pub encoding: &'static encoding_rs::Encoding,
    /// Lines before the header.
    pub skip_lines: usize,
    /// A column per period: every column whose header reads as a period of the feed's frequency.
    pub wide: bool,
}

impl Publisher for Csv {
    fn requests(&self) -> Vec<Request> {
        vec![self.request.clone()]
    }

    fn parse(&self, _body: &[u8]) -> Result<Page, ParseError> {
        todo!()
    }
}
