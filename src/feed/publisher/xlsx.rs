//! Any workbook (XLSX or XLS): columns by name, or a column per period, wherever the table begins.

use std::borrow::Cow;

use super::reading::{Reading, Roles};
use super::{Columns, Common};
use crate::feed::format::Row;
use crate::feed::format::workbook::{Sheet, SheetRow, one_line};
use crate::feed::{Answer, Page, ParseError, Publisher, Request, Standing};

/// Rows that are looked through for the header, at most.
const HEADER_WITHIN: usize = 1000;

/// A feed of workbooks.
#[derive(Clone, Debug)]
pub struct Xlsx {
    /// What to fetch.
    pub request: Request,
    /// Frequency, labels, numbers.
    pub common: Common,
    /// What the columns mean.
    pub columns: Columns,
    /// The sheet; `None`: the only one.
    pub sheet: Option<String>,
    /// Rows before which no header is looked for.
    pub skip_lines: usize,
    /// A column per period: every column whose header reads as a period of the feed's frequency.
    pub wide: bool,
}

impl Publisher for Xlsx {
    fn requests(&self, _: &Standing) -> Vec<Request> {
        vec![self.request.clone()]
    }

    fn parse(&self, answer: &Answer<'_>) -> Result<Page, ParseError> {
        self.read(answer.body)
    }
}

impl Xlsx {
    /// Reads the table of a workbook.
    pub fn read(&self, body: &[u8]) -> Result<Page, ParseError> {
        let sheet = Sheet::open(body, self.sheet.as_deref())?;
        let columns = on_one_line(&self.columns);
        let header = self.header(&sheet, &columns).ok_or(ParseError::NoRows)?;
        let roles = Roles::in_header(&columns, &self.common_of(&header), self.wide, &header.names())?;
        let mut reading = Reading::new(&self.common, roles);
        for row in sheet.rows().filter(|row| row.number() > header.number()) {
            // A title or a note has one cell, and so has a row without its figure.
            if row.filled() > 1 || reading.is_bare(&row) {
                reading.row(&row)?;
            }
        }
        reading.finish()
    }

    /// What is known of a header: where its periods are dates, they are dates however the feed's are written elsewhere.
    fn common_of(&self, header: &SheetRow<'_>) -> Cow<'_, Common> {
        if header.has_dates() {
            Cow::Owned(Common { period_format: None, ..self.common.clone() })
        } else {
            Cow::Borrowed(&self.common)
        }
    }

    /// The first row that has the most of the columns that the feed names. In a wide table, periods count as well:
    /// one alone may be a title.
    fn header<'s>(&self, sheet: &'s Sheet, columns: &Columns) -> Option<SheetRow<'s>> {
        let wanted = columns.names();
        let score = |row: &SheetRow<'_>| {
            let texts = row.names();
            let named = wanted.iter().filter(|name| texts.iter().any(|text| text == *name)).count();
            let period = |text: &&String| self.common_of(row).span(text).is_some();
            let periods = if self.wide { texts.iter().filter(period).take(2).count() } else { 0 };
            (named, periods, row.filled() > 1)
        };
        let rows = sheet.rows().filter(|row| row.number() > self.skip_lines).take(HEADER_WITHIN);
        // Of equals the last is the greatest.
        rows.collect::<Vec<_>>().into_iter().rev().max_by_key(score)
    }
}

/// The columns by their names as a header's texts are told: each on one line.
fn on_one_line(columns: &Columns) -> Columns {
    let name = |name: &Option<String>| name.as_deref().map(one_line);
    Columns {
        period: name(&columns.period),
        value: name(&columns.value),
        unit: name(&columns.unit),
        status: name(&columns.status),
        published: name(&columns.published),
        labels: columns.labels.iter().map(|(label, column)| (label.clone(), one_line(column))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};

    use super::super::tests::{columns, common, request, told};
    use super::*;

    fn feed(columns_text: &str) -> Xlsx {
        let columns = columns(columns_text);
        Xlsx { request: request(), common: common(), columns, sheet: None, skip_lines: 0, wide: false }
    }

    /// A workbook of one sheet, `Prices`; a cell that reads as a number is one.
    fn book(rows: &[&[&str]]) -> Vec<u8> {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet().set_name("Prices").unwrap();
        for (row, cells) in (0..).zip(rows) {
            for (column, cell) in (0..).zip(*cells) {
                match cell.parse::<f64>() {
                    Ok(number) => sheet.write_number(row, column, number).unwrap(),
                    Err(_) => sheet.write_string(row, column, *cell).unwrap(),
                };
            }
        }
        book.save_to_buffer().unwrap()
    }

    #[test]
    fn a_table_is_found_wherever_it_begins() {
        let feed = feed("period=Month value=Tonnes partner=Partner unit=Unit");
        let body = book(&[
            &["Exports of magnets"],
            &["Month of release", "October 2025"],
            &[],
            &["", "Partner", " Month ", "Unit", "Tonnes\n"],
            &["", "USA", "2025M07", "t", "619"],
            &["", "USA", "202508", "t", "590.1000000000001"],
            &["", "USA", "Sep-25", "t", "…"],
            &["Source: customs"],
        ]);
        insta::assert_snapshot!(told(feed.read(&body)), @r#"
        5: {feed="x", partner="US", reporter="CN"} 2025-07 619 t final
        6: {feed="x", partner="US", reporter="CN"} 2025-08 590.1 t final
        not available: {feed="x", partner="US", reporter="CN"} 2025-09
        3 rows, 0 refused
        "#);
    }

    #[test]
    fn a_column_without_a_name_is_called_by_its_letters() {
        let feed = feed("period=A value=Copper");
        let body = book(&[
            &["Prices of metals"],
            &["", "Aluminum", "Copper"],
            &["", "($/mt)", "($/mt)"],
            &["2024M10", "2595.58", "9533.99"],
            &["2024M11", "2582.19", "9075.73"],
        ]);
        insta::assert_snapshot!(told(feed.read(&body)), @r#"
        4: {feed="x", reporter="CN"} 2024-10 9533.99 final
        5: {feed="x", reporter="CN"} 2024-11 9075.73 final
        row 3, column `A`: Prices!A3: `` is no period: expected a form like 2025-09
        3 rows, 1 refused
        "#);
        let none = Xlsx { columns: columns("period=Month value=Copper"), ..feed };
        assert_eq!(told(none.read(&body)), "no column `Month`; the columns are `A`, `Aluminum` and `Copper`");
    }

    #[test]
    fn a_bad_cell_is_refused_with_its_address() {
        let mut feed = feed("period=Month value=Price");
        feed.common.thousands = Some(',');
        let mut book = Workbook::new();
        let sheet = book.add_worksheet().set_name("Monthly Prices").unwrap();
        sheet.write_row(0, 25, ["Month", "Price"]).unwrap();
        let date = Format::new().set_num_format("yyyy-mm");
        for row in 1..11 {
            sheet
                .write_datetime_with_format(
                    row,
                    25,
                    ExcelDateTime::from_ymd(2025, u8::try_from(row).unwrap(), 1).unwrap(),
                    &date,
                )
                .unwrap();
        }
        sheet.write_formula(1, 26, Formula::new("=1/0").set_result("#DIV/0!")).unwrap();
        sheet.write_formula(2, 26, Formula::new("=A1").set_result("#VALUE!")).unwrap();
        sheet.write_formula(3, 26, Formula::new("=A1").set_result("#N/A")).unwrap();
        sheet.write_formula(4, 26, Formula::new("=A1").set_result("12.5")).unwrap();
        sheet.write_string(5, 26, "1,234.5").unwrap();
        sheet.write_string(6, 26, "..").unwrap();
        sheet.write_boolean(7, 26, true).unwrap();
        sheet.write_datetime_with_format(8, 26, ExcelDateTime::from_ymd(2025, 3, 1).unwrap(), &date).unwrap();
        sheet
            .write_datetime_with_format(
                9,
                26,
                ExcelDateTime::from_hms(30, 0, 0).unwrap_or_default(),
                &Format::new().set_num_format("[h]:mm"),
            )
            .unwrap();
        sheet.write_number(11, 25, 2025.1).unwrap();
        sheet.write_number(11, 26, 1).unwrap();
        insta::assert_snapshot!(told(feed.read(&book.save_to_buffer().unwrap())), @r#"
        5: {feed="x", reporter="CN"} 2025-04 12.5 final
        6: {feed="x", reporter="CN"} 2025-05 1234.5 final
        not available: {feed="x", reporter="CN"} 2025-03
        not available: {feed="x", reporter="CN"} 2025-06
        not available: {feed="x", reporter="CN"} 2025-10
        row 2, column `Price`: Monthly Prices!AA2: expected a value, found the error #DIV/0!
        row 3, column `Price`: Monthly Prices!AA3: expected a value, found the error #VALUE!
        row 8, column `Price`: Monthly Prices!AA8: `TRUE` is no number
        row 9, column `Price`: Monthly Prices!AA9: expected a figure, found the date 2025-03-01
        row 10, column `Price`: Monthly Prices!AA10: expected a value, found a duration
        row 12, column `Month`: Monthly Prices!Z12: expected a period as text or a whole number, found the number 2025.1
        11 rows, 6 refused
        "#);
    }

    #[test]
    fn a_wide_table_has_a_column_for_each_period() {
        let mut feed = feed("partner=Partner unit=Unit");
        feed.wide = true;
        let text = book(&[
            &["Trade in September 2025"],
            &["Partner", "Unit", "2025-07", "Aug 2025", "Note", "2025M09"],
            &["US", "t", "619", "590", "x", ".."],
            &["DE", "t", "n.", "1116", "", "1288"],
            &["", "t", "1"],
            &["All figures are provisional"],
        ]);
        insta::assert_snapshot!(told(feed.read(&text)), @r#"
        3: {feed="x", partner="US", reporter="CN"} 2025-07 619 t final
        3: {feed="x", partner="US", reporter="CN"} 2025-08 590 t final
        4: {feed="x", partner="DE", reporter="CN"} 2025-08 1116 t final
        4: {feed="x", partner="DE", reporter="CN"} 2025-09 1288 t final
        not available: {feed="x", partner="US", reporter="CN"} 2025-09
        not available: {feed="x", partner="All figures are provisional", reporter="CN"} 2025-07
        not available: {feed="x", partner="All figures are provisional", reporter="CN"} 2025-08
        not available: {feed="x", partner="All figures are provisional", reporter="CN"} 2025-09
        row 4, column `2025-07`: Prices!C4: `n.` is no number
        row 5, column `Partner`: Prices!A5: the label `partner` is empty
        12 rows, 4 refused
        "#);
        // Years that are numbers, and months that are dates while the feed names another form for text.
        feed.common.frequency = crate::period::Frequency::Year;
        insta::assert_snapshot!(told(feed.read(&book(&[&["Partner", "Unit", "2023", "2024"], &["US", "t", "1", "2"]]))), @r#"
        2: {feed="x", partner="US", reporter="CN"} 2023 1 t final
        2: {feed="x", partner="US", reporter="CN"} 2024 2 t final
        2 rows, 0 refused
        "#);
        feed.common.frequency = crate::period::Frequency::Month;
        feed.common.period_format = Some("%d/%m/%Y".to_owned());
        let mut dated = Workbook::new();
        let sheet = dated.add_worksheet();
        sheet.write_row(2, 0, ["Partner", "Unit"]).unwrap();
        let format = Format::new().set_num_format("mmm-yy");
        for (column, month) in [(2, 8), (3, 9)] {
            sheet
                .write_datetime_with_format(2, column, ExcelDateTime::from_ymd(2025, month, 1).unwrap(), &format)
                .unwrap();
        }
        sheet.write_row(3, 0, ["US", "t"]).unwrap();
        sheet.write_row(3, 2, [590, 420]).unwrap();
        insta::assert_snapshot!(told(feed.read(&dated.save_to_buffer().unwrap())), @r#"
        4: {feed="x", partner="US", reporter="CN"} 2025-08 590 t final
        4: {feed="x", partner="US", reporter="CN"} 2025-09 420 t final
        2 rows, 0 refused
        "#);
    }

    #[test]
    fn what_is_no_such_table_is_an_error() {
        let feed = feed("period=Month value=Price");
        let mut two = Workbook::new();
        two.add_worksheet().set_name("Prices").unwrap().write_row(0, 0, ["Month", "Price"]).unwrap();
        two.add_worksheet().set_name("Indices").unwrap();
        let two = two.save_to_buffer().unwrap();
        let named = Xlsx { sheet: Some("Price".to_owned()), ..feed.clone() };
        let errors = [
            told(feed.read(&book(&[]))),
            told(feed.read(&book(&[&["Month", "Price"]]))),
            told(feed.read(&book(&[&["Prices of metals"], &["Month", "Prices"], &["2025-09", "1"]]))),
            told(feed.read(&book(&[&["Month", "Price", "Price"], &["2025-09", "1", "2"]]))),
            told(feed.read(&two)),
            told(named.read(&two)),
            told(feed.read(b"<html><title>Sign in</title>")),
            told(feed.read(b"Month,Price\n2025-09,1\n")),
            told(feed.read(b"")),
        ];
        insta::assert_snapshot!(errors.join("\n"), @r#"
        there are no rows after the header
        there are no rows after the header
        no column `Price` (did you mean `Prices`?); the columns are `Month` and `Prices`
        column `Price` is there 2 times
        the workbook has not just one sheet: set `sheet`; the sheets are `Prices` and `Indices`
        no sheet `Price` (did you mean `Prices`?); the sheets are `Prices` and `Indices`
        expected a workbook (XLSX or XLS), found a web page titled "Sign in"
        expected a workbook (XLSX or XLS), found a file that begins with "Month,Price 2025-09,1"
        the response is empty
        "#);
    }
}
