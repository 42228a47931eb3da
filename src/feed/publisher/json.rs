//! Any JSON document with an array of records: pointers (RFC 6901) or JSONPaths (RFC 9535) to their parts.

use super::reading::{Place, Reading, Roles};
use super::{Columns, Common};
use crate::feed::format::json::{Pointer, Record, Sink, read};
use crate::feed::format::{Cell, Row, decode, no_column, sniff};
use crate::feed::{Answer, Page, ParseError, Publisher, Request, Standing};

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
    fn requests(&self, _: &Standing) -> Vec<Request> {
        vec![self.request.clone()]
    }

    fn parse(&self, answer: &Answer<'_>) -> Result<Page, ParseError> {
        self.read(answer.body)
    }
}

impl Json {
    /// Reads a whole JSON document.
    pub fn read(&self, body: &[u8]) -> Result<Page, ParseError> {
        sniff(body, "JSON")?;
        let text = decode(body, encoding_rs::UTF_8)?;
        let mut pointers = Vec::new();
        let place = |name: &str| {
            pointers.push(Pointer::new(name));
            Ok(Place { name: name.to_owned(), index: pointers.len() - 1 })
        };
        let roles = Roles::find(&self.columns, None, place)?;
        let seen = vec![false; pointers.len()];
        let mut records = Records { reading: Reading::new(&self.common, roles), seen, names: Vec::new() };
        read(&text, &Pointer::new(&self.records), &pointers, &mut records)
            .map_err(|error| self.without_secrets(error))?;
        let Records { reading, seen, names } = records;
        let page = reading.finish()?;
        match seen.iter().position(|seen| !seen) {
            // A pointer that no record has is a mistake in the pointer, not in the records.
            Some(index) if !names.is_empty() => Err(no_column(&pointers[index].text, &names)),
            _ => Ok(page),
        }
    }

    /// An error as it may be told: a publisher may quote the key that it was asked with.
    fn without_secrets(&self, error: ParseError) -> ParseError {
        let clean = |text: &str| self.request.target.without_secrets(text);
        match error {
            ParseError::Pointer { pointer, found } => ParseError::Pointer { pointer, found: clean(&found) },
            ParseError::Syntax { format, line, column, reason } => {
                ParseError::Syntax { format, line, column, reason: clean(&reason) }
            }
            other => other,
        }
    }
}

/// Reads each record, and notes which pointers point to anything.
struct Records<'c> {
    reading: Reading<'c>,
    seen: Vec<bool>,
    /// What the first record has.
    names: Vec<String>,
}

impl Sink for Records<'_> {
    fn restart(&mut self) {
        self.reading.restart();
        self.seen.fill(false);
        self.names.clear();
    }

    fn record(&mut self, record: &Record<'_>) -> Result<(), ParseError> {
        if self.names.is_empty() {
            self.names = record.names();
        }
        for (column, seen) in self.seen.iter_mut().enumerate() {
            *seen = *seen || record.cell(column) != Cell::Absent;
        }
        self.reading.row(record)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{columns, common, request, told};
    use super::*;

    fn parse(columns_text: &str, records: &str, text: &str) -> String {
        let records = records.to_owned();
        told(
            Json { request: request(), common: common(), columns: columns(columns_text), records }
                .read(text.as_bytes()),
        )
    }

    #[test]
    fn records_become_observations() {
        let text = r#"{"count": 4, "data": [
            {"period": 202509, "partner": {"code": 842, "iso": "USA"}, "qty": 420.5, "unit": "t", "out": "2025-10-20"},
            {"period": "2025-08", "partner": {"code": 276, "iso": "DEU"}, "qty": "1116", "unit": "t", "out": null},
            {"period": "2025-07", "partner": {"code": 276, "iso": "DEU"}, "qty": null, "unit": null},
            {"period": "2025-06", "partner": {"code": 9007199254740993, "iso": "World"}, "qty": 9007199254740993, "unit": "kg"}
        ]}"#;
        let columns = "period=/period value=qty unit=/unit published=/out partner=/partner/iso code=/partner/code";
        insta::assert_snapshot!(parse(columns, "/data", text), @r#"
        1: {code="842", feed="x", partner="US", reporter="CN"} 2025-09 420.5 t final published 2025-10-19T16:00:00Z
        2: {code="276", feed="x", partner="DE", reporter="CN"} 2025-08 1116 t final
        4: {code="9007199254740993", feed="x", partner="W00", reporter="CN"} 2025-06 9007199254740992 kg final
        not available: {code="276", feed="x", partner="DE", reporter="CN"} 2025-07
        4 rows, 0 refused
        "#);
    }

    #[test]
    fn a_record_that_cannot_be_read_is_refused() {
        let text = r#"[
            {"period": "2025-09", "value": 1, "partner": "US"},
            {"period": "2025-09", "partner": "US"},
            {"value": 1, "partner": "US"},
            {"period": 2025.1, "value": 1, "partner": "US"},
            {"period": "2025-09", "value": [1], "partner": "US"},
            {"period": "2025-09", "value": "1e400", "partner": "US"},
            {"period": "2025-09", "value": true, "partner": "US"},
            {"period": "2025-09", "value": 1, "partner": null},
            {"period": "2025-09", "value": 1, "partner": {"iso": "US"}},
            7
        ]"#;
        insta::assert_snapshot!(parse("partner=partner", "", text), @r#"
        1: {feed="x", partner="US", reporter="CN"} 2025-09 1 final
        row 2, column `value`: the record has no such value
        row 3, column `period`: the record has no such value
        row 4, column `period`: expected a period as text or a whole number, found the number 2025.1
        row 5, column `value`: expected a value, found an array
        row 6, column `value`: `1e400` is too large for a figure
        row 7, column `value`: `true` is no number
        row 8, column `partner`: the label `partner` is empty
        row 9, column `partner`: expected a value, found an object
        row 10: expected an object, found `7`
        10 rows, 9 refused
        "#);
    }

    #[test]
    fn a_document_that_is_no_such_table_is_an_error() {
        let record = r#"[{"period": "2025-09", "qty": 1}, {"period": "2025-10", "qty": 2}]"#;
        let errors = [
            parse("", "/data", ""),
            parse("", "/data", "<html><title>Sign in</title>"),
            parse("", "/data", r#"{"error": "the value CANARY-KEY of api_key is not registered", "data": null}"#),
            parse("", "/data", r#"{"error": "the value CANARY-KEY of api_key is not registered", "count": -1}"#),
            parse("", "/data", r#"{"count": 0, "data": []}"#),
            parse("", "", &record[..20]),
            parse("value=/quantity", "", record),
            parse("value=/qty status=/flag", "", record),
            parse("", "", "CANARY-KEY is no key"),
            parse("value=/qty", "", record),
        ];
        insta::assert_snapshot!(errors.join("\n"), @r#"
        the response is empty
        expected JSON, found a web page titled "Sign in"
        no records at `/data`: /data is null: expected an array
        no records at `/data`: the document is an object with `error` and `count` and says "the value <secret> of api_key is not registered"
        there are no rows after the header
        no JSON at line 1, column 20: the text breaks off (EOF while parsing a string)
        no column `/quantity`; the columns are `period` and `qty`
        no column `/flag`; the columns are `period` and `qty`
        no JSON at line 1, column 1: expected value, found `<secret> is no key`
        1: {feed="x", reporter="CN"} 2025-09 1 final
        2: {feed="x", reporter="CN"} 2025-10 2 final
        2 rows, 0 refused
        "#);
        let unreadable = Json { request: request(), common: common(), columns: columns(""), records: String::new() };
        assert_eq!(
            told(unreadable.read(b"[{\"period\": \"\xFF\"}]")),
            "the response is not UTF-8: byte 13 cannot be read; set `encoding`"
        );
    }

    #[test]
    fn records_and_their_parts_may_be_named_by_paths() {
        let text = r#"{"count": 3, "data": {"Cu": [{"at": {"d": "2025-09"}, "v": [1, 2]}, {"at": {"d": "2025-10"}, "v": []}],
            "Ni": [{"at": {"d": "2025-09"}, "v": [7]}]}}"#;
        insta::assert_snapshot!(parse("period=$.at.d value=$.v[*]", "$.data.*[*]", text), @r#"
        3: {feed="x", reporter="CN"} 2025-09 7 final
        row 1, column `$.v[*]`: expected a value, found several values
        row 2, column `$.v[*]`: the record has no such value
        3 rows, 2 refused
        "#);
        insta::assert_snapshot!(parse("period=/at/d value=$.v[-1]", "$.data.Cu", text), @r#"
        1: {feed="x", reporter="CN"} 2025-09 2 final
        row 2, column `$.v[-1]`: the record has no such value
        2 rows, 1 refused
        "#);
        let rates = r#"{"date": "2024-03-21", "rates": {"USDXAU": 2199.51, "XAU": 0.00045}}"#;
        assert_eq!(
            parse("period=$.date value=$.rates.USDXAU", "$", &rates.replace("-21", "")),
            "1: {feed=\"x\", reporter=\"CN\"} 2024-03 2199.51 final\n1 rows, 0 refused"
        );
        let errors = [
            parse("value=$.rates.XAG", "$", rates),
            parse("", "$.rates.XAU", rates),
            parse("", "$.data[*]", r#"{"error": "the value CANARY-KEY of api_key is not registered"}"#),
            parse("", "$.data[*]", "{"),
        ];
        insta::assert_snapshot!(errors.join("\n"), @r#"
        no column `period`; the columns are `date` and `rates`
        no records at `$.rates.XAU`: it is a number: expected an array or an object
        no records at `$.data[*]`: there is nothing; the document is an object with `error` and says "the value <secret> of api_key is not registered"
        no JSON at line 1, column 1: the text breaks off (EOF while parsing an object)
        "#);
    }

    #[test]
    fn the_last_of_two_arrays_counts() {
        let text = r#"{"data": [{"period": "2025-08", "value": 1}], "data": [{"period": "2025-09", "value": 2}]}"#;
        assert_eq!(parse("", "/data", text), "1: {feed=\"x\", reporter=\"CN\"} 2025-09 2 final\n1 rows, 0 refused");
    }
}
