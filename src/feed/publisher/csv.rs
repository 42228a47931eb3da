//! Any CSV file: columns by name, or a column per period.

use super::reading::{Reading, Roles};
use super::{Columns, Common};
use crate::base::text::shorten;
use crate::feed::fetch::pieces::Cut;
use crate::feed::format::csv::Sheet;
use crate::feed::format::{decode, sniff};
use crate::feed::{Answer, Page, ParseError, Publisher, Request, Standing};

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
    fn requests(&self, _: &Standing) -> Vec<Request> {
        vec![self.request.clone()]
    }

    fn parse(&self, answer: &Answer<'_>) -> Result<Page, ParseError> {
        self.read(answer.body)
    }

    fn cut(&self) -> Cut {
        // Where a byte of a line's end may be a part of a sign, lines cannot be told apart by bytes.
        match self.dialect.encoding.is_ascii_compatible() {
            true => Cut::Records { skip_lines: self.dialect.skip_lines, delimiter: self.dialect.delimiter },
            false => Cut::Whole,
        }
    }
}

impl Csv {
    /// Reads a whole CSV file.
    pub fn read(&self, body: &[u8]) -> Result<Page, ParseError> {
        sniff(body, "CSV")?;
        let text = decode(body, self.dialect.encoding)?;
        if text.trim_start().starts_with("{\"") {
            let found = format!("a JSON document: {}", self.request.target.without_secrets(&shorten(text.trim(), 200)));
            return Err(ParseError::Foreign { expected: "CSV", found });
        }
        let mut sheet = Sheet::open(&text, self.dialect.delimiter, self.dialect.skip_lines, &self.columns.names())?;
        let roles = Roles::in_header(&self.columns, &self.common, self.dialect.wide, sheet.header())?;
        let mut reading = Reading::new(&self.common, roles);
        while let Some(row) = sheet.next_row()? {
            reading.row(&row)?;
        }
        reading.finish()
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{Encoding, GB18030, SHIFT_JIS, UTF_8, WINDOWS_1252};
    use proptest::prelude::*;

    use super::super::tests::{columns, common, request, told};
    use super::*;
    use crate::base::limits::REFUSALS_KEPT;
    use crate::period::Frequency;

    fn feed(columns_text: &str) -> Csv {
        let dialect = Dialect { delimiter: None, encoding: UTF_8, skip_lines: 0, wide: false };
        Csv { request: request(), common: common(), columns: columns(columns_text), dialect }
    }

    fn parse(feed: &Csv, text: &str) -> String {
        told(feed.read(text.as_bytes()))
    }

    #[test]
    fn a_table_becomes_observations() {
        let feed = feed("period=period value=tonnes unit=unit status=flag published=out partner=partner");
        let text = "period,partner,tonnes,unit,flag,out\n\
            2025-08,USA,590,t,,2025-09-20\n\
            Sep-25, Germany ,1e3,kg,p,2025-10-20T15:00:00+08:00\n\
            202509,US,-,t,p,2025-10-20\n\
            2025年1-2月,World,12.5,,E,\n";
        insta::assert_snapshot!(parse(&feed, text), @r#"
        2: {feed="x", partner="US", reporter="CN"} 2025-08 590 t final published 2025-09-19T16:00:00Z
        3: {feed="x", partner="DE", reporter="CN"} 2025-09 1000 kg preliminary published 2025-10-20T07:00:00Z
        5: {feed="x", partner="W00", reporter="CN"} 2025-01/2025-02 12.5 estimated
        not available: {feed="x", partner="US", reporter="CN"} 2025-09
        4 rows, 0 refused
        "#);
    }

    #[test]
    fn a_bad_row_is_refused_with_its_reason_and_the_others_stand() {
        let feed = feed("period=period value=tonnes unit=unit status=flag published=out partner=partner");
        let text = "period,partner,tonnes,unit,flag,out\n\
            2025-08,US,590,t,,\n\
            2025-13,US,590,t,,\n\
            2025,US,590,t,,\n\
            ,US,590,t,,\n\
            2025-08,US,NaN,t,,\n\
            2025-08,US,1e400,t,,\n\
            2025-08,US,\"1,234\",t,,\n\
            2025-08,,590,t,,\n\
            2025-08,US,590,parsecs,,\n\
            2025-08,US,590,t,??,\n\
            2025-08,US,590,t,,soon\n\
            2025-08,US,590\n\
            2025-08,US,590,t,,,extra\n";
        insta::assert_snapshot!(parse(&feed, text), @r#"
        2: {feed="x", partner="US", reporter="CN"} 2025-08 590 t final
        row 3, column `period`: `2025-13` is no period: expected a form like 2025-09
        row 4, column `period`: `2025` is a year: expected a month, like 2025-09
        row 5, column `period`: `` is no period: expected a form like 2025-09
        row 6, column `tonnes`: `NaN` is no figure
        row 7, column `tonnes`: `1e400` is too large for a figure
        row 8, column `tonnes`: `1,234` is no number: set `thousands = ","` or `decimal = ","` if the feed writes numbers so
        row 9, column `partner`: the label `partner` is empty
        row 10, column `unit`: `parsecs` is no known unit: expected a mass (kg, t, kt, g, lb, oz, ozt, st, lt), money (an ISO 4217 code: USD, kUSD, MUSD), money per mass (CNY/t), an exchange rate (CNY/USD), `count`, `index` or `percent`
        row 11, column `flag`: `??` is no known mark: expected `final`, `preliminary`, `estimated` and `confidential`, or A, P, E, C
        row 12, column `out`: `soon` is no time of publication: expected 2025-10-20T09:00:00Z, 2025-10-20 09:00 or 2025-10-20
        row 13: expected 6 fields, found 3
        row 14: expected 6 fields, found 7
        13 rows, 12 refused
        "#);
    }

    #[test]
    fn refusals_beyond_the_limit_are_only_counted() {
        let text = format!("period,value\n{}", "x,1\n".repeat(50));
        let page = feed("").read(text.as_bytes()).unwrap();
        assert_eq!((page.rows, page.refused_count, page.refused.len()), (50, 50, REFUSALS_KEPT));
        let long = format!("period,value\n{},1\n", "x".repeat(100_000));
        let page = feed("").read(long.as_bytes()).unwrap();
        assert!(page.refused[0].reason.chars().count() <= 300);
    }

    #[test]
    fn a_wide_table_has_a_column_for_each_period() {
        let mut feed = feed("partner=Partner unit=Unit");
        feed.dialect.wide = true;
        let text = "Partner,HS,Unit,2025-07,Aug 2025,2025M09,2025,\nUS,8505,t,619,590,..,1,\nDE,8505,t,x,1116,1288,2,\n,8505,t,1,2,3,4\n";
        insta::assert_snapshot!(parse(&feed, text), @r#"
        2: {feed="x", partner="US", reporter="CN"} 2025-07 619 t final
        2: {feed="x", partner="US", reporter="CN"} 2025-08 590 t final
        3: {feed="x", partner="DE", reporter="CN"} 2025-08 1116 t final
        3: {feed="x", partner="DE", reporter="CN"} 2025-09 1288 t final
        not available: {feed="x", partner="US", reporter="CN"} 2025-09
        row 3, column `2025-07`: `x` is no number
        row 4, column `Partner`: the label `partner` is empty
        9 rows, 4 refused
        "#);
        assert_eq!(parse(&feed, "Partner,Unit,2025-09,Sep 2025\nUS,t,1,2\n"), "column `2025-09` is there 2 times");
        assert_eq!(
            parse(&feed, "Partner,Unit,2025,2024\nUS,t,1,2\n"),
            "no column's header reads as a month; the columns are `Partner`, `Unit`, `2025` and `2024`; set `period_format` if they are written otherwise"
        );
        feed.common.frequency = Frequency::Day;
        feed.common.period_format = Some("%d/%m/%Y".to_owned());
        insta::assert_snapshot!(parse(&feed, "Partner,Unit,01/02/2025,02/02/2025\nUS,t,1,2\n"), @r#"
        2: {feed="x", partner="US", reporter="CN"} 2025-02-01 1 t final
        2: {feed="x", partner="US", reporter="CN"} 2025-02-02 2 t final
        2 rows, 0 refused
        "#);
    }

    #[test]
    fn every_encoding_is_read() {
        let read = |encoding: &'static Encoding, text: &str| {
            let mut feed = feed("period=年月 value=数量 grade=品名");
            feed.dialect.encoding = encoding;
            told(feed.read(&encoding.encode(text).0))
        };
        let chinese = "年月,数量,品名\n2025年9月,420.5,稀土永磁\n";
        let expected = r#"2: {feed="x", grade="稀土永磁", reporter="CN"} 2025-09 420.5 final"#;
        assert_eq!(read(UTF_8, chinese).lines().next(), Some(expected));
        assert_eq!(read(GB18030, chinese).lines().next(), Some(expected));
        assert_eq!(read(UTF_8, &format!("\u{FEFF}{chinese}")).lines().next(), Some(expected));
        let japanese = chinese.replace("稀土永磁", "磁石");
        assert_eq!(read(SHIFT_JIS, &japanese).lines().next(), Some(expected.replace("稀土永磁", "磁石")).as_deref());
        let mut german = feed("value=Wert grade=Güte");
        german.dialect.encoding = WINDOWS_1252;
        let body = WINDOWS_1252.encode("period;Wert;Güte\n2025-09;1;für\n").0.into_owned();
        assert_eq!(
            told(german.read(&body)).lines().next(),
            Some(r#"2: {feed="x", grade="für", reporter="CN"} 2025-09 1 final"#)
        );
        german.dialect.encoding = UTF_8;
        assert_eq!(told(german.read(&body)), "the response is not UTF-8: byte 13 cannot be read; set `encoding`");
    }

    #[test]
    fn a_publishers_own_way_of_writing() {
        let mut feed = feed("period=Monat value=Menge");
        feed.common.decimal = ',';
        feed.common.thousands = Some('.');
        feed.dialect.skip_lines = 2;
        let text = "Außenhandel\n\"Stand; 20.10.\"\nMonat;Menge;Menge, alt;Menge, alt;\n09/2025;1.420,5;x;x;\n";
        assert_eq!(parse(&feed, text), "4: {feed=\"x\", reporter=\"CN\"} 2025-09 1420.5 final\n1 rows, 0 refused");
    }

    #[test]
    fn what_is_no_such_table_is_an_error() {
        let feed = feed("period=period value=tonnes partner=partner");
        let errors = [
            parse(&feed, ""),
            parse(&feed, " \n"),
            parse(&feed, "<!DOCTYPE html><title>Sign in</title>"),
            parse(&feed, "{\"statusCode\":401,\"message\":\"CANARY-KEY is no key\"}"),
            parse(&feed, "period,partner,tonnes\n"),
            parse(&feed, "period,partner,tons\n2025-09,US,1\n"),
            parse(&feed, "period,partner,tonnes,tonnes\n2025-09,US,1,2\n"),
            parse(&feed, "period,partner,tonnes\n2025-08,US,1\n2025-09,\"US,1\n"),
            parse(&feed, &format!("{}\n", "a,".repeat(20_000) + "b")),
        ];
        insta::assert_snapshot!(errors.join("\n"), @r#"
        the response is empty
        the response is empty
        expected CSV, found a web page titled "Sign in"
        expected CSV, found a JSON document: {"statusCode":401,"message":"<secret> is no key"}
        there are no rows after the header
        no column `tonnes` (did you mean `tons`?); the columns are `period`, `partner` and `tons`
        column `tonnes` is there 2 times
        row 3: a quoted field is not closed before the end: the file was cut off
        row 1: more than 16384 columns
        "#);
    }

    #[test]
    fn a_file_of_any_bytes_is_no_panic() {
        let feed = feed("period=a value=b partner=c");
        for text in ["a,b,c\n\"", "a,b,c\r\r\r2025-09", "\"a\"x,b,c\n\"\"\"", "\u{FEFF}", "a;b|c\td\n,,,"] {
            let _ = feed.read(text.as_bytes());
        }
        let _ = feed.read(&[0xFF, 0xFE, 0x00]);
        let _ = feed.read(&(0..=255).collect::<Vec<u8>>());
    }

    proptest! {
        /// Whatever is written properly is read as it was written, each row on its own line.
        #[test]
        fn what_is_quoted_is_read_as_it_was(
            grades in proptest::collection::vec("[a-zé\",;\r\n|\t]{0,5}[a-zé]", 1..6),
            delimiter in proptest::sample::select(b",;\t|".to_vec()),
        ) {
            let mut writer = ::csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
            writer.write_record(["grade", "period", "value"]).unwrap();
            grades.iter().for_each(|grade| writer.write_record([grade.as_str(), "2025-09", "1"]).unwrap());
            let page = feed("grade=grade").read(&writer.into_inner().unwrap()).unwrap();
            let read: Vec<&str> = page.observations.iter().filter_map(|seen| seen.labels.value("grade")).collect();
            prop_assert_eq!(read, grades.iter().map(|grade| grade.trim()).collect::<Vec<_>>());
            let rows: Vec<usize> = page.observations.iter().map(|seen| seen.row).collect();
            prop_assert!(rows.windows(2).all(|pair| pair[0] < pair[1]) && rows[0] == 2);
        }

        #[test]
        fn no_text_is_a_panic(text in "(a,b,c)?[a-c0-9,;\"\r\n\t é.-]{0,40}", skip in 0_usize..3, wide: bool) {
            let mut feed = feed("period=a value=b partner=c");
            feed.dialect.skip_lines = skip;
            feed.dialect.wide = wide;
            if let Ok(page) = feed.read(text.as_bytes()) {
                prop_assert_eq!(page.rows, page.observations.len() + page.unavailable.len() + page.refused_count);
            }
        }
    }
}
