//! Any JSON document with an array of records: pointers (RFC 6901) to their parts.

use super::{Columns, Common};
use crate::feed::{Page, ParseError, Publisher, Request};

/// A JSON feed.
#[derive(Clone, Debug)]
pub struct Json {
    /// What to fetch.
    pub request: Request,
    /// Frequency, labels, numbers.
    pub common: Common,
    /// What the pointers within a record mean.
    pub columns: Columns,
    /// The pointer to the array; empty for a document that is the array.
    pub records: String,
}

impl Publisher for Json {
    fn requests(&self) -> Vec<Request> {
        vec![self.request.clone()]
    }

    fn parse(&self, _body: &[u8]) -> Result<Page, ParseError> {
        todo!()
    }
}
