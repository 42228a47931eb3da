//! SDMX-CSV 1.0 and 2.0, with what publishers make of it: `KEY` first, `LAST UPDATE`, names beside the
//! identifiers, `;` between fields and a comma before the fraction.
//!
//! Source: github.com/sdmx-twg/sdmx-csv, data-message/docs.

use super::csv::{Line, Sheet};
use chrono::{NaiveDate, NaiveDateTime};

use super::cube::{Fact, Field, Role, Sink, figure};
use super::{Cell, Row, decode};
use crate::base::text::shorten;
use crate::feed::ParseError;

/// Between an identifier and its name.
const BEFORE_NAME: &str = ": ";
/// What the header has, whoever wrote it; the sign between fields is found by it.
const USUAL: [&str; 5] = ["TIME_PERIOD", "OBS_VALUE", "STRUCTURE", "DATAFLOW", "KEY"];

/// Reads a message and gives each figure to a sink.
pub fn read(body: &[u8], fields: &[Field], sink: Sink<'_>) -> Result<(), ParseError> {
    let text = decode(body, encoding_rs::UTF_8)?;
    let mut sheet = Sheet::open(&text, None, 0, &USUAL)?;
    let columns: Vec<Column> = sheet.header().iter().map(|name| Column::new(name)).collect();
    let names: Vec<String> = columns.iter().map(|column| column.id.clone()).collect();
    let places = fields.iter().map(|field| field.find(&names)).collect::<Result<Vec<_>, _>>()?;
    let action = names.iter().position(|name| name == "ACTION");
    let layout = Layout { columns, fields, places, action, comma: sheet.delimiter() == b';' };
    while let Some(line) = sheet.next_row()? {
        layout.give(&line, sink)?;
    }
    Ok(())
}

/// A column's identifier, and whether its cells have a name beside theirs.
struct Column {
    id: String,
    named: bool,
}

impl Column {
    /// `DIM`, `DIM: Name`, `ATTR[]` (several values), `STRUCTURE[;]` (with this between them).
    fn new(header: &str) -> Self {
        let (id, named) = header.split_once(BEFORE_NAME).map_or((header, false), |(id, _)| (id, true));
        let id = id.split_once('[').filter(|(_, rest)| rest.ends_with(']')).map_or(id, |(id, _)| id);
        Self { id: id.trim().to_owned(), named }
    }
}

/// What the header says of every line.
struct Layout<'f> {
    columns: Vec<Column>,
    fields: &'f [Field],
    places: Vec<Option<usize>>,
    action: Option<usize>,
    /// Fractions may begin with a comma.
    comma: bool,
}

impl Layout<'_> {
    fn give(&self, line: &Line<'_>, sink: Sink<'_>) -> Result<(), ParseError> {
        let action = self.action.map_or(Ok(false), |place| withdraws(self.text(line, place)));
        let value = self.place(Role::Value).map(|place| self.text(line, place));
        // A comma is told apart here: further on it would be a sign between thousands.
        let plain = value.filter(|text| self.comma && is_comma_number(text)).map(|text| text.replace(',', "."));
        let updated = self.place(Role::Published).and_then(|place| iso(self.text(line, place)));
        let cell = |(field, place): (&Field, &Option<usize>)| match (field.role, place) {
            (_, None) => Cell::Absent,
            (Role::Published, Some(place)) => Cell::Text(updated.as_deref().unwrap_or_else(|| self.text(line, *place))),
            (Role::Value, Some(place)) => figure(plain.as_deref().unwrap_or_else(|| self.text(line, *place))),
            (_, Some(place)) => Cell::Text(self.text(line, *place)),
        };
        let cells = self.fields.iter().zip(&self.places).map(cell).collect();
        let (withdrawn, unknown) = action.map_or_else(|reason| (false, Some(reason)), |withdrawn| (withdrawn, None));
        sink(&Fact { number: line.number(), cells, withdrawn, fault: line.fault().or(unknown) })
    }

    /// Where the field of a role is.
    fn place(&self, role: Role) -> Option<usize> {
        let at = self.fields.iter().position(|field| field.role == role)?;
        self.places[at]
    }

    /// A cell's identifier, without the name beside it.
    fn text<'l>(&self, line: &'l Line<'_>, place: usize) -> &'l str {
        let Cell::Text(text) = line.cell(place) else { return "" };
        let split = text.split_once(BEFORE_NAME).filter(|_| self.columns[place].named);
        split.map_or(text, |(id, _)| id).trim()
    }
}

/// Whether an action takes back; that of a line without one does not.
fn withdraws(action: &str) -> Result<bool, String> {
    match action {
        "" | "I" | "A" | "R" | "M" => Ok(false),
        "D" => Ok(true),
        other => Err(format!("`{}` is no action: expected I, A, R, M or D", shorten(other, 60))),
    }
}

/// Eurostat's `15/09/26 11:00:00` or `15/09/26`, as others write it: the day comes first.
fn iso(text: &str) -> Option<String> {
    if let Ok(time) = NaiveDateTime::parse_from_str(text, "%d/%m/%y %H:%M:%S") {
        return Some(time.format("%Y-%m-%dT%H:%M:%S").to_string());
    }
    NaiveDate::parse_from_str(text, "%d/%m/%y").ok().map(|day| day.to_string())
}

/// Digits with one comma among them, and no point.
fn is_comma_number(text: &str) -> bool {
    let digits = text.trim_start_matches(['-', '+']);
    digits.bytes().filter(|byte| *byte == b',').count() == 1
        && digits.bytes().all(|byte| byte == b',' || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::super::cube::{fields, told};
    use super::*;

    fn read(named: &[&str], text: &str) -> String {
        told(|sink| super::read(text.as_bytes(), &fields(named), sink))
    }

    #[test]
    fn version_1_with_what_publishers_put_before_it() {
        insta::assert_snapshot!(read(&["partner", "LAST UPDATE"], "DATAFLOW,LAST UPDATE,freq,partner,TIME_PERIOD,OBS_VALUE,OBS_FLAG\n\
            ESTAT:X(1.0),15/09/26 11:00:00,M,CN,2026-07,90212.63,\n\
            ESTAT:X(1.0),15/09/26 11:00:00,M,CN,2026-08,,c\n"), @"
        2: 2026-07 ¦ 90212.63 ¦  ¦ CN ¦ 15/09/26 11:00:00
        3: 2026-08 ¦  ¦ c ¦ CN ¦ 15/09/26 11:00:00
        ");
        insta::assert_snapshot!(read(&["CURRENCY"], "KEY,FREQ,CURRENCY,TIME_PERIOD,OBS_VALUE,OBS_STATUS\n\
            EXR.M.USD,M,USD,2026-08,NaN,A\n"), @"2: 2026-08 ¦ null ¦ A ¦ USD");
    }

    #[test]
    fn eurostats_last_update_has_the_day_first_with_or_without_a_time() {
        for (text, expected) in [
            ("15/09/26 11:00:00", "2026-09-15T11:00:00"),
            ("05/09/26", "2026-09-05"),
            ("2026-09-15", "2026-09-15"),
            ("31/31/26", "31/31/26"),
        ] {
            let text = format!("LAST UPDATE,TIME_PERIOD,OBS_VALUE\n{text},2026-07,1\n");
            let fields = [Field::usual(Role::Published)];
            assert_eq!(told(|sink| super::read(text.as_bytes(), &fields, sink)), format!("2: {expected}"));
        }
    }

    #[test]
    fn version_2_takes_back_what_its_action_deletes() {
        insta::assert_snapshot!(read(&["A"], "STRUCTURE,STRUCTURE_ID,ACTION,A,TIME_PERIOD,OBS_VALUE\n\
            dataflow,X:Y(1.0),I,1,2026-07,5\n\
            dataflow,X:Y(1.0),R,1,2026-08,6\n\
            dataflow,X:Y(1.0),D,1,2026-09,\n\
            dataflow,X:Y(1.0),Q,1,2026-10,7\n"), @"
        2: 2026-07 ¦ 5 ¦ · ¦ 1
        3: 2026-08 ¦ 6 ¦ · ¦ 1
        4: 2026-09 ¦  ¦ · ¦ 1 withdrawn
        5: 2026-10 ¦ 7 ¦ · ¦ 1 (`Q` is no action: expected I, A, R, M or D)
        ");
    }

    #[test]
    fn names_beside_identifiers_are_cut_away_where_the_header_has_them() {
        insta::assert_snapshot!(read(&["A", "B", "C"], "STRUCTURE[;],A: Area,B[]: More,C,TIME_PERIOD: Time,OBS_VALUE: Value\n\
            dataflow,DE: Germany: all,x;y,kept: whole,2026-08: August,5\n"), @"2: 2026-08 ¦ 5 ¦ · ¦ DE ¦ x;y ¦ kept: whole");
    }

    #[test]
    fn a_semicolon_between_fields_allows_a_comma_before_the_fraction() {
        insta::assert_snapshot!(read(&["A"], "DATAFLOW;A;TIME_PERIOD;OBS_VALUE\nX;1;2026-07;-12,45\nX;1;2026-08;12.4\nX;1;2026-09;1.234,5\nX;1;2026-10;1,2E3\n"), @"
        2: 2026-07 ¦ -12.45 ¦ · ¦ 1
        3: 2026-08 ¦ 12.4 ¦ · ¦ 1
        4: 2026-09 ¦ 1.234,5 ¦ · ¦ 1
        5: 2026-10 ¦ 1,2E3 ¦ · ¦ 1
        ");
        insta::assert_snapshot!(read(&["A"], "DATAFLOW,A,TIME_PERIOD,OBS_VALUE\nX,1,2026-07,\"12,4\"\n"), @"2: 2026-07 ¦ 12,4 ¦ · ¦ 1");
    }

    #[test]
    fn what_is_no_such_table_is_an_error() {
        let header = "DATAFLOW,A,A,TIME_PERIOD,OBS_VALUE\n";
        let errors = [
            read(&["B"], header),
            read(&["A"], header),
            read(&[], "DATAFLOW,A,TIME,VALUE\n"),
            read(&[], "DATAFLOW,A,OBS_VALUE\n"),
            read(&[], "DATAFLOW,TIME_PERIOD,OBS_VALUE\nX,2026-07\n"),
            read(&[], header),
        ];
        insta::assert_snapshot!(errors.join("\n"), @"
        no column `B`; the columns are `DATAFLOW`, `A`, `A`, `TIME_PERIOD` and `OBS_VALUE`
        column `A` is there 2 times
        no column `OBS_VALUE`; the columns are `DATAFLOW`, `A`, `TIME` and `VALUE`
        no column `TIME_PERIOD`; the columns are `DATAFLOW`, `A` and `OBS_VALUE`
        2: 2026-07 ¦  ¦ · (expected 3 fields, found 2)
        ");
    }
}
