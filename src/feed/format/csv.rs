//! CSV: a header and rows, numbered by the lines of the file.
//!
//! Quoting is that of RFC 4180, the sign between fields is free. What a field means is not decided here.

use super::{Cell, Row};
use crate::base::limits::COLUMNS_MAX;
use crate::feed::ParseError;

/// The signs that are tried where the feed names none, the likeliest first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// A CSV text whose header was read.
pub struct Sheet<'t> {
    /// The text after the lines that were skipped.
    text: &'t str,
    reader: csv::Reader<&'t [u8]>,
    record: csv::StringRecord,
    lines: Lines<'t>,
    delimiter: u8,
    header: Vec<String>,
}

/// One row of a sheet.
pub struct Line<'s> {
    number: usize,
    record: &'s csv::StringRecord,
    width: usize,
}

impl<'t> Sheet<'t> {
    /// Skips lines and reads the header. Without a delimiter, the one that makes the most of the
    /// `wanted` columns appear is taken, and of several the one with the most columns.
    pub fn open(text: &'t str, delimiter: Option<u8>, skip: usize, wanted: &[&str]) -> Result<Self, ParseError> {
        let start = skipped(text, skip)?;
        let text = &text[start..];
        let delimiter = delimiter.unwrap_or_else(|| find_delimiter(text, wanted));
        let mut sheet = Self {
            text,
            reader: reader(text, delimiter),
            record: csv::StringRecord::new(),
            lines: Lines { text, byte: 0, line: skip + 1 },
            delimiter,
            header: Vec::new(),
        };
        let number = sheet.advance()?.ok_or(ParseError::Empty)?;
        sheet.header = names(&sheet.record);
        if sheet.header.len() > COLUMNS_MAX {
            return Err(malformed(number, format!("more than {COLUMNS_MAX} columns")));
        }
        Ok(sheet)
    }

    /// The names of the columns, trimmed, without empty ones at the end.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The sign between fields.
    pub const fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// The next row that holds anything.
    pub fn next_row(&mut self) -> Result<Option<Line<'_>>, ParseError> {
        let number = self.advance()?;
        Ok(number.map(|number| Line { number, record: &self.record, width: self.header.len() }))
    }

    /// Reads the next record that holds anything; its line.
    fn advance(&mut self) -> Result<Option<usize>, ParseError> {
        loop {
            let before = byte(self.reader.position());
            let broken = |error: csv::Error| error.to_string();
            if !self.reader.read_record(&mut self.record).map_err(|error| malformed(self.lines.line, broken(error)))? {
                return Ok(None);
            }
            let start = before + self.text[before..].bytes().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            let number = self.lines.number(start);
            if byte(self.reader.position()) >= self.text.len()
                && let Some(quote) = open_quote(&self.text[start..], self.delimiter)
            {
                let line = self.lines.number(start + quote);
                return Err(malformed(
                    line,
                    "a quoted field is not closed before the end: the file was cut off".into(),
                ));
            }
            if self.record.iter().any(|field| !field.trim().is_empty()) {
                return Ok(Some(number));
            }
        }
    }
}

impl Row for Line<'_> {
    fn number(&self) -> usize {
        self.number
    }

    fn cell(&self, column: usize) -> Cell<'_> {
        self.record.get(column).map_or(Cell::Absent, Cell::Text)
    }

    /// A row is as wide as the header; empty fields beyond it do no harm.
    fn fault(&self) -> Option<String> {
        let holds = |index: &usize| self.record.get(*index).is_some_and(|field| !field.trim().is_empty());
        let beyond = (self.width..self.record.len()).rfind(holds);
        let found = beyond.map_or(self.record.len().min(self.width), |last| last + 1);
        (found != self.width).then(|| format!("expected {} fields, found {found}", self.width))
    }
}

fn malformed(row: usize, reason: String) -> ParseError {
    ParseError::Malformed { row, reason }
}

fn byte(position: &csv::Position) -> usize {
    usize::try_from(position.byte()).unwrap_or(usize::MAX)
}

fn reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(text.as_bytes())
}

/// Where the line after so many lines begins.
fn skipped(text: &str, skip: usize) -> Result<usize, ParseError> {
    let mut lines = Lines { text, byte: 0, line: 1 };
    let start = (0..skip).try_for_each(|_| lines.next_line()).map(|()| lines.byte);
    start.filter(|start| !text[*start..].trim().is_empty()).ok_or_else(|| {
        malformed(skip + 1, format!("no header: `skip_lines` is {skip}, and the text ends at line {}", lines.line))
    })
}

/// The delimiter that makes sense of a header.
fn find_delimiter(text: &str, wanted: &[&str]) -> u8 {
    let score = |delimiter: &u8| {
        let mut record = csv::StringRecord::new();
        let _ = reader(text, *delimiter).read_record(&mut record);
        let names = names(&record);
        (names.iter().filter(|name| wanted.contains(&name.as_str())).count(), names.len())
    };
    // Of equals the last is the greatest: the likeliest comes last.
    DELIMITERS.into_iter().rev().max_by_key(score).unwrap_or(b',')
}

/// The trimmed names of a header, without empty ones at its end.
fn names(record: &csv::StringRecord) -> Vec<String> {
    let mut names: Vec<String> = record.iter().map(|name| name.trim().to_owned()).collect();
    names.truncate(names.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1));
    names
}

/// Where a quoted field begins that is still open at the end of a text which begins with a field.
fn open_quote(text: &str, delimiter: u8) -> Option<usize> {
    let mut opened = None;
    let mut at_start = true;
    let mut bytes = text.bytes().enumerate().peekable();
    while let Some((place, byte)) = bytes.next() {
        match (opened, byte) {
            (Some(_), b'"') if bytes.next_if(|(_, next)| *next == b'"').is_some() => {}
            (Some(_), b'"') => opened = None,
            (None, b'"') if at_start => opened = Some(place),
            _ => {}
        }
        at_start = opened.is_none() && (byte == delimiter || matches!(byte, b'\r' | b'\n'));
    }
    opened
}

/// Counts lines up to places that only grow. A line ends with `\n`, `\r\n` or `\r`.
struct Lines<'t> {
    text: &'t str,
    byte: usize,
    line: usize,
}

impl Lines<'_> {
    /// The line that holds a place, from 1.
    fn number(&mut self, place: usize) -> usize {
        while self.byte < place {
            let rest = &self.text.as_bytes()[self.byte..place];
            let Some(end) = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else { break };
            self.pass(self.byte + end);
        }
        self.line
    }

    /// Goes to the next line, where there is one.
    fn next_line(&mut self) -> Option<()> {
        let end = self.text[self.byte..].find(['\r', '\n'])?;
        self.pass(self.byte + end);
        Some(())
    }

    /// Steps over the line end at a place.
    fn pass(&mut self, end: usize) {
        let both = self.text.as_bytes()[end..].starts_with(b"\r\n");
        self.byte = end + if both { 2 } else { 1 };
        self.line += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header and the rows with their numbers, or the error.
    fn told(text: &str, delimiter: Option<u8>, skip: usize, wanted: &[&str]) -> String {
        let mut sheet = match Sheet::open(text, delimiter, skip, wanted) {
            Ok(sheet) => sheet,
            Err(error) => return error.to_string(),
        };
        let mut lines = vec![sheet.header().join("¦")];
        loop {
            match sheet.next_row() {
                Ok(None) => return lines.join("\n"),
                Err(error) => lines.push(error.to_string()),
                Ok(Some(row)) => {
                    let fields: Vec<&str> = row.record.iter().collect();
                    let fault = row.fault().map(|fault| format!(" ({fault})")).unwrap_or_default();
                    lines.push(format!("{} {}{fault}", row.number(), fields.join("¦")));
                }
            }
        }
    }

    #[test]
    fn rows_are_numbered_by_lines() {
        let text = "period,value\n\n2025-08,\"59\n0\"\r\n\r\n,\n2025-09,420.5\n";
        insta::assert_snapshot!(told(text, None, 0, &[]), @r#"
        period¦value
        3 2025-08¦59
        0
        7 2025-09¦420.5
        "#);
        insta::assert_snapshot!(told("Trade\r\n\nperiod,value\r2025-08,590\r", None, 2, &[]), @r#"
        period¦value
        4 2025-08¦590
        "#);
    }

    #[test]
    fn a_row_is_as_wide_as_the_header() {
        let text = " period , value ,,\n2025-08,590\n2025-08,590,,,,\n2025-08\n2025-08,590,,x,\n2025-08,,\n";
        insta::assert_snapshot!(told(text, None, 0, &[]), @r#"
        period¦value
        2 2025-08¦590
        3 2025-08¦590¦¦¦¦
        4 2025-08 (expected 2 fields, found 1)
        5 2025-08¦590¦¦x¦ (expected 2 fields, found 4)
        6 2025-08¦¦
        "#);
    }

    #[test]
    fn the_delimiter_is_found_out() {
        let header = |text: &str, wanted: &[&str]| told(text, None, 0, wanted).lines().next().unwrap().to_owned();
        assert_eq!(header("period;value, t;partner\n", &[]), "period¦value, t¦partner");
        assert_eq!(header("period\tvalue\n", &[]), "period¦value");
        assert_eq!(header("period|value\n", &[]), "period¦value");
        assert_eq!(header("period;price (a,b,c,d)\n", &["period"]), "period¦price (a,b,c,d)");
        assert_eq!(header("\"period;x\",value\n", &[]), "period;x¦value");
        assert_eq!(header("value\n", &["value"]), "value");
        assert_eq!(told("a;b\n1;2\n", Some(b','), 0, &[]), "a;b\n2 1;2");
    }

    #[test]
    fn what_is_cut_off_is_an_error() {
        assert_eq!(
            told("a,b\n1,\"2\n3\n4", None, 0, &[]),
            "a¦b\nrow 2: a quoted field is not closed before the end: the file was cut off"
        );
        assert_eq!(told("a,b\n1,\"2\"\"\"", None, 0, &[]), "a¦b\n2 1¦2\"");
        assert_eq!(told("a,b\n1,2\"", None, 0, &[]), "a¦b\n2 1¦2\"");
        assert_eq!(
            told("\"a,b\n", None, 0, &[]),
            "row 1: a quoted field is not closed before the end: the file was cut off"
        );
        assert_eq!(told("one\ntwo", None, 2, &[]), "row 3: no header: `skip_lines` is 2, and the text ends at line 2");
        assert_eq!(
            told("one\ntwo\n \n", None, 2, &[]),
            "row 3: no header: `skip_lines` is 2, and the text ends at line 3"
        );
    }
}
