//! Workbooks of Excel, XLSX and XLS: one sheet as rows of cells, each with its place and its kind.
//!
//! What a cell means is not decided here. Only cells that hold anything are kept, wherever they stand, so that a
//! sheet takes the memory of its cells and not of the rectangle around them.

mod xls;
mod xlsx;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{CellErrorType, DataRef, ExcelDateTime, SheetType, SheetVisible};

use super::sniff::{foreign, no_page};
use super::{Cell, Row, listed};
use crate::base::error::of_panic;
use crate::base::limits::{CELLS_MAX, COLUMNS_MAX, UNPACKED_BYTES_MAX};
use crate::base::text::{nearest, shorten};
use crate::feed::ParseError;

/// What a workbook is called in messages.
pub const EXPECTED: &str = "a workbook (XLSX or XLS)";

/// One sheet of a workbook.
#[derive(Debug)]
pub struct Sheet {
    name: String,
    /// Rows that hold anything, in order.
    rows: Vec<Line>,
    /// Cells merged with those below them: a column, and the first and last row, from 0.
    merged: Vec<(u32, u32, u32)>,
}

/// The cells of a row that hold anything, in order; all places are counted from 0.
#[derive(Debug)]
struct Line {
    row: u32,
    cells: Vec<(u32, Value)>,
}

/// What a cell holds.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Text(Box<str>),
    Number(f64),
    /// A day, or a moment, in ISO 8601.
    Date(Box<str>),
    /// What stands in the place of a value, in words.
    Fault(&'static str),
}

/// A row of a sheet.
#[derive(Clone, Copy, Debug)]
pub struct SheetRow<'s> {
    sheet: &'s Sheet,
    line: &'s Line,
}

impl Sheet {
    /// Reads the sheet of this name; without a name, the only one that is not hidden.
    pub fn open(body: &[u8], name: Option<&str>) -> Result<Self, ParseError> {
        let text = no_page(body, EXPECTED)?;
        let read = || {
            if body.starts_with(b"PK\x03\x04") {
                xlsx::read(body, name)
            } else if body.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]) {
                xls::read(body, name)
            } else {
                let found = foreign(text).map_or_else(|| beginning(text), ToOwned::to_owned);
                Err(ParseError::Foreign { expected: EXPECTED, found })
            }
        };
        // calamine takes slices of an XLS file's records unchecked. A panic here is a file that cannot be read, and
        // must not end the daemon; nothing outlives it.
        let damaged = |panic: &(dyn Any + Send)| format!("a part of it is cut off or wrong ({})", of_panic(panic));
        catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|panic| Err(broken(damaged(panic.as_ref()))))
    }

    /// Its rows that hold anything.
    pub fn rows(&self) -> impl Iterator<Item = SheetRow<'_>> {
        self.rows.iter().map(|line| SheetRow { sheet: self, line })
    }

    /// A cell by its place, from 0.
    fn value(&self, row: u32, column: u32) -> Option<&Value> {
        let line = &self.rows[self.rows.binary_search_by_key(&row, |line| line.row).ok()?];
        line.value(column)
    }

    /// The first cell of those that a cell is merged with, where they stand below one another.
    fn above(&self, row: u32, column: u32) -> Option<&Value> {
        let end = self.merged.partition_point(|(merged, first, _)| (*merged, *first) <= (column, row));
        let (merged, first, last) = self.merged[..end].last()?;
        if *merged == column && (*first..=*last).contains(&row) { self.value(*first, column) } else { None }
    }
}

impl Line {
    fn value(&self, column: u32) -> Option<&Value> {
        let at = self.cells.binary_search_by_key(&column, |(column, _)| *column).ok()?;
        Some(&self.cells[at].1)
    }
}

impl SheetRow<'_> {
    /// The texts of the row from its first column to its last; empty where a cell is empty, and white space within
    /// as one space.
    pub fn texts(&self) -> Vec<String> {
        let width = self.line.cells.last().map_or(0, |(column, _)| *column as usize + 1);
        let mut texts = vec![String::new(); width];
        for (column, value) in &self.line.cells {
            texts[*column as usize] = match value {
                Value::Text(text) | Value::Date(text) => one_line(text),
                Value::Number(number) => number.to_string(),
                Value::Fault(_) => String::new(),
            };
        }
        texts
    }

    /// The texts of a header; a column without one is called by its letters.
    pub fn names(&self) -> Vec<String> {
        let name = |(column, text): (usize, String)| if text.is_empty() { letters(column) } else { text };
        self.texts().into_iter().enumerate().map(name).collect()
    }

    /// Whether any of its cells is a date.
    pub fn has_dates(&self) -> bool {
        self.line.cells.iter().any(|(_, value)| matches!(value, Value::Date(_)))
    }

    /// How many of its cells hold anything.
    pub fn filled(&self) -> usize {
        self.line.cells.len()
    }
}

impl Row for SheetRow<'_> {
    fn number(&self) -> usize {
        self.line.row as usize + 1
    }

    /// A text that is merged with the cells below it is the text of them all; a figure stands once.
    fn cell(&self, column: usize) -> Cell<'_> {
        let Ok(column) = u32::try_from(column) else { return Cell::Null };
        let merged = || self.sheet.above(self.line.row, column).filter(|value| matches!(value, Value::Text(_)));
        match self.line.value(column).or_else(merged) {
            None => Cell::Null,
            Some(Value::Text(text)) => Cell::Text(text),
            Some(Value::Number(number)) => number_cell(*number),
            Some(Value::Date(date)) => Cell::Date(date),
            Some(Value::Fault(fault)) => Cell::Nested(fault),
        }
    }

    fn fault(&self) -> Option<String> {
        None
    }

    fn address(&self, column: usize) -> Option<String> {
        Some(format!("{}!{}{}", self.sheet.name, letters(column), self.number()))
    }
}

/// A text on one line: line breaks within a header are for the eye.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The letters of a column, counted from 0: `A`, `Z`, `AA`.
fn letters(column: usize) -> String {
    let mut left = column + 1;
    let mut letters = Vec::new();
    while left > 0 {
        letters.push(char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"[(left - 1) % 26]));
        left = (left - 1) / 26;
    }
    letters.iter().rev().collect()
}

/// Excel has no whole numbers, and writes years and the like as numbers.
fn number_cell(number: f64) -> Cell<'static> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole, and small enough to be exact")]
    let whole = (number.fract() == 0.0 && number.abs() < EXACT).then_some(number as i128);
    whole.map_or(Cell::Number(number), Cell::Integer)
}

/// A number as Excel has it: to fifteen digits; those beyond are noise of its arithmetic.
fn fifteen_digits(number: f64) -> f64 {
    format!("{number:.14e}").parse().unwrap_or(number)
}

/// A sheet in the making: what may be taken of a file that claims more than it can hold.
struct Taking {
    cells: Vec<(u32, u32, Value)>,
    text_bytes: u64,
}

impl Taking {
    const fn new() -> Self {
        Self { cells: Vec::new(), text_bytes: 0 }
    }

    /// Takes a cell, where it holds anything.
    fn add(&mut self, (row, column): (u32, u32), data: &DataRef<'_>) -> Result<(), ParseError> {
        let Some(value) = value(data) else { return Ok(()) };
        if column as usize >= COLUMNS_MAX {
            return Err(broken(format!("more than {COLUMNS_MAX} columns")));
        }
        if let Value::Text(text) | Value::Date(text) = &value {
            self.text_bytes = self.text_bytes.saturating_add(text.len() as u64);
        }
        if self.cells.len() >= CELLS_MAX {
            return Err(broken(format!("more than {CELLS_MAX} cells")));
        }
        if self.text_bytes > UNPACKED_BYTES_MAX {
            return Err(too_large());
        }
        self.cells.push((row, column, value));
        Ok(())
    }

    /// The sheet. Of cells in one place the last counts.
    fn sheet(mut self, name: String, merged: Vec<(u32, u32, u32)>) -> Sheet {
        self.cells.sort_by_key(|(row, column, _)| (*row, *column));
        let mut rows: Vec<Line> = Vec::new();
        for (row, column, value) in self.cells {
            if rows.last().is_none_or(|line| line.row != row) {
                rows.push(Line { row, cells: Vec::new() });
            }
            let Some(line) = rows.last_mut() else { continue };
            match line.cells.last_mut() {
                Some((last, known)) if *last == column => *known = value,
                _ => line.cells.push((column, value)),
            }
        }
        Sheet { name, rows, merged }
    }
}

/// The value of a cell; `None` for one that holds nothing.
fn value(data: &DataRef<'_>) -> Option<Value> {
    let text = |text: &str| (!text.trim().is_empty()).then(|| Value::Text(text.into()));
    match data {
        DataRef::Empty => None,
        #[expect(clippy::cast_precision_loss, reason = "an XLS file has whole numbers of 30 bits")]
        DataRef::Int(number) => Some(Value::Number(*number as f64)),
        DataRef::Float(number) => Some(Value::Number(fifteen_digits(*number))),
        DataRef::String(string) => text(string),
        DataRef::SharedString(string) => text(string),
        DataRef::Bool(truth) => text(if *truth { "TRUE" } else { "FALSE" }),
        DataRef::DateTime(moment) if moment.is_duration() => Some(Value::Fault("a duration")),
        DataRef::DateTime(moment) => Some(Value::Date(iso(moment).into())),
        DataRef::DateTimeIso(moment) => Some(Value::Date(moment.trim().trim_end_matches("T00:00:00").into())),
        DataRef::DurationIso(_) => Some(Value::Fault("a duration")),
        // What a formula says that has nothing to say.
        DataRef::Error(CellErrorType::NA) => text("#N/A"),
        DataRef::Error(error) => Some(Value::Fault(fault(error))),
    }
}

/// A moment in ISO 8601, or a day where it is the day's beginning. Whether days are counted from 1900 or from 1904,
/// the workbook says.
fn iso(moment: &ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    if (hour, minute, second) == (0, 0, 0) { date } else { format!("{date}T{hour:02}:{minute:02}:{second:02}") }
}

/// An error of a formula, in words.
const fn fault(error: &CellErrorType) -> &'static str {
    match error {
        CellErrorType::NA => "the error #N/A",
        CellErrorType::Div0 => "the error #DIV/0!",
        CellErrorType::Name => "the error #NAME?",
        CellErrorType::Null => "the error #NULL!",
        CellErrorType::Num => "the error #NUM!",
        CellErrorType::Ref => "the error #REF!",
        CellErrorType::Value => "the error #VALUE!",
        CellErrorType::GettingData => "the error #GETTING_DATA",
    }
}

/// The sheet that is meant: the one of this name, or the only one that is not hidden.
fn choose(sheets: &[calamine::Sheet], name: Option<&str>) -> Result<String, ParseError> {
    let tables = || sheets.iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
    let Some(name) = name else {
        let shown: Vec<&String> =
            tables().filter(|sheet| sheet.visible == SheetVisible::Visible).map(|sheet| &sheet.name).collect();
        return match shown.as_slice() {
            [only] => Ok((*only).clone()),
            _ => Err(ParseError::Sheet { sheet: None, found: listed(&shown), nearest: None }),
        };
    };
    let same = |sheet: &&calamine::Sheet| one_line(&sheet.name) == one_line(name);
    tables().find(same).map(|sheet| sheet.name.clone()).ok_or_else(|| {
        let all: Vec<&str> = tables().map(|sheet| sheet.name.as_str()).collect();
        let near = nearest(name, all.iter().copied()).map(str::to_owned);
        ParseError::Sheet { sheet: Some(name.to_owned()), found: listed(&all), nearest: near }
    })
}

/// A file that is no workbook, or that breaks the format.
fn broken(reason: impl std::fmt::Display) -> ParseError {
    ParseError::Workbook { reason: shorten(&reason.to_string(), 200) }
}

fn too_large() -> ParseError {
    broken(format!("it unpacks to more than {} MiB", UNPACKED_BYTES_MAX >> 20))
}

/// What a panic says.
/// How a file begins that is no known format.
fn beginning(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(&text[..text.len().min(200)]);
    format!("a file that begins with \"{}\"", shorten(&one_line(&text), 40))
}

/// The merged cells of one column: that column, and the first and last row; in order.
fn columns(regions: &[calamine::Dimensions]) -> Vec<(u32, u32, u32)> {
    let down = |region: &&calamine::Dimensions| region.start.1 == region.end.1 && region.start.0 < region.end.0;
    let mut merged: Vec<_> =
        regions.iter().filter(down).map(|region| (region.start.1, region.start.0, region.end.0)).collect();
    merged.sort_unstable();
    merged
}

#[cfg(test)]
mod tests {
    use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

    use super::*;

    /// A sheet as lines: its name, then each row with its number and cells.
    pub fn told(body: &[u8], name: Option<&str>) -> String {
        let sheet = match Sheet::open(body, name) {
            Ok(sheet) => sheet,
            Err(error) => return error.to_string(),
        };
        let cell = |row: &SheetRow<'_>, column| match row.cell(column) {
            Cell::Absent | Cell::Null => String::new(),
            Cell::Text(text) => text.to_owned(),
            Cell::Date(date) => format!("[{date}]"),
            Cell::Integer(number) => number.to_string(),
            Cell::Number(number) => number.to_string(),
            Cell::Nested(what) => format!("({what})"),
        };
        let line = |row: SheetRow<'_>| {
            let cells: Vec<String> = (0..row.texts().len()).map(|column| cell(&row, column)).collect();
            format!("{}: {}", row.number(), cells.join(" ¦ "))
        };
        std::iter::once(sheet.name.clone()).chain(sheet.rows().map(line)).collect::<Vec<_>>().join("\n")
    }

    /// Two files that differ in the year from which they count days.
    #[test]
    fn an_xls_file_is_read_whichever_way_it_counts_days() {
        let mac = told(include_bytes!("testdata/1904.xls"), None);
        assert_eq!(told(include_bytes!("testdata/1900.xls"), None), mac);
        insta::assert_snapshot!(mac, @"
        Exports
        1: Exports of magnets, t
        3: Partner ¦ Month ¦ Tonnes ¦ Note
        4: 米国 ¦ [2025-07-01] ¦ 619 ¦ TRUE
        5: 米国 ¦ [2025-08-01] ¦ 590.1
        6: 米国 ¦ [2025-09-01] ¦ …
        7: 米国 ¦ [2025-10-01] ¦ 656
        8: Germany ¦ [2025-09-01]
        9: Germany ¦ [2025-10-01] ¦ (the error #DIV/0!)
        11: Source: hand-made
        ");
        let hidden = told(include_bytes!("testdata/1900.xls"), Some(" Hidden "));
        assert_eq!(hidden, "Hidden\n1: nothing");
    }

    #[test]
    fn cells_have_their_kinds() {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet().set_name("A & B").unwrap();
        let format = |format: &str| Format::new().set_num_format(format);
        sheet.write_string(0, 0, "  two\n lines ").unwrap();
        sheet.write_string(0, 2, " \u{A0} ").unwrap();
        sheet.write_number(1, 0, 4_087.190_000_000_000_5).unwrap();
        sheet.write_number(1, 1, 1_600.598_227_440_15).unwrap();
        sheet.write_number(1, 2, -0.0).unwrap();
        sheet.write_number(1, 3, 1e300).unwrap();
        sheet.write_number_with_format(1, 4, 0.25, &format("0 %")).unwrap();
        sheet
            .write_datetime_with_format(2, 0, ExcelDateTime::from_ymd(2025, 9, 30).unwrap(), &format("dd.mm.yy"))
            .unwrap();
        let moment = ExcelDateTime::parse_from_str("2025-09-30T18:30:00").unwrap();
        sheet.write_datetime_with_format(2, 1, moment, &format("d mmm yyyy hh:mm")).unwrap();
        sheet.write_number_with_format(2, 2, 60, &format("yyyy-mm-dd")).unwrap();
        sheet.write_boolean(2, 3, false).unwrap();
        sheet.merge_range(3, 0, 5, 0, "merged", &Format::new()).unwrap();
        sheet.merge_range(3, 1, 3, 2, "across", &Format::new()).unwrap();
        sheet.write_number(4, 2, 1).unwrap();
        sheet.merge_range(4, 1, 5, 1, "", &Format::new()).unwrap();
        sheet.write_number(4, 1, 7).unwrap();
        sheet.write_number(5, 2, 2).unwrap();
        sheet.write_number(6, 2, 3).unwrap();
        insta::assert_snapshot!(told(&book.save_to_buffer().unwrap(), None), @"
        A & B
        1:   two
         lines 
        2: 4087.19 ¦ 1600.59822744015 ¦ 0 ¦ 1000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000 ¦ 0.25
        3: [2025-09-30] ¦ [2025-09-30T18:30:00] ¦ [1900-02-29] ¦ FALSE
        4: merged ¦ across
        5: merged ¦ 7 ¦ 1
        6: merged ¦  ¦ 2
        7:  ¦  ¦ 3
        ");
    }

    #[test]
    fn addresses_are_those_of_excel() {
        let all = [0, 25, 26, 51, 701, 702, 16_383].map(letters);
        assert_eq!(all, ["A", "Z", "AA", "AZ", "ZZ", "AAA", "XFD"]);
    }

    #[test]
    fn hidden_sheets_are_not_meant_unless_they_are_named() {
        let mut book = Workbook::new();
        book.add_worksheet().set_name("Notes").unwrap().set_hidden(true);
        book.add_worksheet().set_name("Data").unwrap().set_active(true).write_string(0, 0, "x").unwrap();
        let body = book.save_to_buffer().unwrap();
        assert_eq!(told(&body, None), "Data\n1: x");
        assert_eq!(told(&body, Some("Notes")), "Notes");
        assert_eq!(
            told(&body, Some("data")),
            "no sheet `data` (did you mean `Data`?); the sheets are `Notes` and `Data`"
        );
    }
}
