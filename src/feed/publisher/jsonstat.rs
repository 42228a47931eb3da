//! Any source that answers in JSON-stat (Eurostat, the statistical offices of Norway, Sweden, Ireland, …).

use super::{Columns, Common, cube, sdmx};
use crate::feed::format::jsonstat;
use crate::feed::{Answer, Page, ParseError, Publisher, Request, Standing};

/// A JSON-stat feed.
#[derive(Clone, Debug)]
pub struct JsonStat {
    /// What to fetch.
    pub request: Request,
    /// Frequency, labels, zone.
    pub common: Common,
    /// Which dimensions are labels, and which is time where the table does not say so.
    pub columns: Columns,
}

impl Publisher for JsonStat {
    fn requests(&self, _: &Standing) -> Vec<Request> {
        vec![self.request.clone()]
    }

    fn parse(&self, answer: &Answer<'_>) -> Result<Page, ParseError> {
        sdmx::refused(answer, &self.request.target)?;
        self.read(answer.body)
    }
}

impl JsonStat {
    /// Reads a whole document.
    pub fn read(&self, body: &[u8]) -> Result<Page, ParseError> {
        cube::read(jsonstat::read, body, &self.common, &self.columns)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{columns, common, request, told};
    use super::*;

    fn parse(body: &str) -> String {
        let columns = Columns { labels: vec![("partner".into(), "geo".into())], ..columns("") };
        let feed = JsonStat { request: request(), common: common(), columns };
        let standing = Standing::new(crate::base::clock::Timestamp::from_millis(0));
        told(feed.parse(&Answer::ok("", body.as_bytes(), &standing)))
    }

    #[test]
    fn cells_become_observations_of_the_time_of_their_update() {
        let body = r#"{"class": "dataset", "updated": "2026-09-15T11:00:00+0200", "id": ["geo", "time"], "size": [2, 2],
            "role": {"time": ["time"]}, "dimension": {"geo": {"category": {"index": {"EL": 0, "DE": 1}}},
            "time": {"category": {"index": ["2026-07", "2026M08"]}}},
            "value": {"0": 5, "1": 6.5, "3": null}, "status": {"1": "p"}}"#;
        insta::assert_snapshot!(parse(body), @r#"
        1: {feed="x", partner="GR", reporter="CN"} 2026-07 5 final published 2026-09-15T09:00:00Z
        2: {feed="x", partner="GR", reporter="CN"} 2026-08 6.5 preliminary published 2026-09-15T09:00:00Z
        not available: {feed="x", partner="DE", reporter="CN"} 2026-08
        3 rows, 0 refused
        "#);
    }

    #[test]
    fn an_empty_answer_is_an_error() {
        let body = r#"{"class": "dataset", "id": ["geo", "time"], "size": [1, 1], "role": {"time": ["time"]},
            "dimension": {"geo": {"category": {"index": ["XX"]}}, "time": {"category": {"index": ["2026"]}}}, "value": {}}"#;
        insta::assert_snapshot!(parse(body), @"the answer has no figures: a key whose parts stand in another order, or a code that the publisher does not know, is often answered so");
    }
}
