//! The World Bank's commodity prices (the Pink Sheet): series by their names, from a workbook whose address moves.
//!
//! The address of the workbook changes with the year, so a page that links to it is asked first, and what was found
//! is remembered. In the workbook everything is found by what it says: rows and columns move from release to release.
//! Source: worldbank.org/en/research/commodity-markets, `CMO-Historical-Data-Monthly.xlsx`.

use std::time::Duration;

use chrono::NaiveDate;
use url::Url;

use super::Common;
use super::draft::{Draft, Fault, Told};
use super::number::Numbers;
use crate::base::clock::Timestamp;
use crate::base::text::{list, shorten};
use crate::feed::format::html::links;
use crate::feed::format::workbook::{EXPECTED, Sheet, SheetRow, one_line};
use crate::feed::format::{Cell, Row, listed, no_column, no_page, title};
use crate::feed::{Answer, Page, ParseError, Publisher, Request, Standing, Target};
use crate::period::{Frequency, Span};
use crate::series::{Finite, Labels, Observation, Status, Unit};

/// The page that links to the workbook.
pub const ADDRESS: &str = "https://www.worldbank.org/en/research/commodity-markets";
/// Where the workbooks are, beside the page's own host.
const DOMAIN: &str = "worldbank.org";
/// After so long without an update the page is asked again: last year's workbook stays at last year's address.
const LOOK_AGAIN: Duration = Duration::from_secs(25 * 86_400);
/// The marks of a pull: the workbook's address, and the day of its update.
const ADDRESS_MARK: &str = "workbook";
const UPDATED_MARK: &str = "updated";
/// The question for a workbook at the address that was found before; that of one found now has its address.
const KNOWN: &str = "known";
const FOUND: &str = "found ";

/// Some series of the Pink Sheet, or all.
#[derive(Clone, Debug)]
pub struct WorldBank {
    /// The page, or the workbook itself.
    pub source: Target,
    /// The series' names; none: all that there are.
    pub series: Vec<String>,
    /// The sheet, where it is not the usual one of prices.
    pub sheet: Option<String>,
    /// Whether the config says which unit a series has that states none we know.
    pub has_unit: bool,
    /// Frequency, labels, zone.
    pub common: Common,
}

impl Publisher for WorldBank {
    fn requests(&self, standing: &Standing) -> Vec<Request> {
        let known = standing.marks.get(ADDRESS_MARK).and_then(|address| self.link(address));
        let known = known.filter(|_| self.is_fresh(standing));
        vec![known.map_or_else(
            || Request::new(self.source.clone()),
            |workbook| Request { accepts: &[404, 410], ..self.workbook(workbook).asking(KNOWN) },
        )]
    }

    fn parse(&self, answer: &Answer<'_>) -> Result<Page, ParseError> {
        let is_gone = matches!(answer.http_status, Some(404 | 410));
        let is_page = matches!(no_page(answer.body, EXPECTED), Err(ParseError::Html { .. }));
        if answer.question == KNOWN && (is_gone || is_page) {
            return Ok(Page { next: vec![Request::new(self.source.clone())], ..Page::default() });
        }
        if is_page && answer.question.is_empty() {
            return self.page(answer.body);
        }
        let mut page = self.figures(answer.body)?;
        let found = answer.question.strip_prefix(FOUND);
        page.marks.extend(found.map(|address| (ADDRESS_MARK.to_owned(), address.to_owned())));
        Ok(page)
    }

    /// Averages come with eleven digits and are rounded a month later.
    fn rounds(&self) -> bool {
        true
    }
}

/// Finding the workbook.
impl WorldBank {
    /// Whether the workbook was updated of late, so that its address stands.
    fn is_fresh(&self, standing: &Standing) -> bool {
        let day = standing.marks.get(UPDATED_MARK).and_then(|day| day.parse::<NaiveDate>().ok());
        day.is_some_and(|day| standing.now.since(Timestamp::start_of_day(day, self.common.zone)) < LOOK_AGAIN)
    }

    /// What the workbook's file is called, up to its ending.
    const fn file(&self) -> &'static str {
        match self.common.frequency {
            Frequency::Year => "CMO-Historical-Data-Annual",
            _ => "CMO-Historical-Data-Monthly",
        }
    }

    /// The workbook that the page links to is next.
    fn page(&self, body: &[u8]) -> Result<Page, ParseError> {
        let found = links(body).iter().find_map(|link| self.link(link)).ok_or_else(|| {
            let title = title(body).map(|title| format!(" titled \"{title}\"")).unwrap_or_default();
            let why =
                format!("the page{title} has no link to {}.xlsx; set `url` to the workbook's own address", self.file());
            ParseError::NoData { why }
        })?;
        let question = format!("{FOUND}{found}");
        Ok(Page { next: vec![self.workbook(found).asking(question)], ..Page::default() })
    }

    /// A link to the workbook, where it leads to the page's own site or to the World Bank's.
    fn link(&self, link: &str) -> Option<Url> {
        let Target::Http { url: page, insecure, .. } = &self.source else { return None };
        let mut url = page.join(link).ok()?;
        url.set_fragment(None);
        let file = url.path_segments()?.next_back()?.replace("%20", "-").to_ascii_lowercase();
        let is_workbook = file.starts_with(&self.file().to_ascii_lowercase()) && file.ends_with(".xlsx");
        let is_banks = url.host_str().is_some_and(|host| host == DOMAIN || host.ends_with(&format!(".{DOMAIN}")));
        let is_near = url.origin() == page.origin() || (url.scheme() == "https" && url.port().is_none() && is_banks);
        let is_safe = url.scheme() == "https" || *insecure;
        (is_workbook && is_near && is_safe && url.username().is_empty() && url.password().is_none()).then_some(url)
    }

    /// Asks for the workbook. The feed's own headers are for the page's own site.
    fn workbook(&self, workbook: Url) -> Request {
        let Target::Http { url, headers, insecure, allow_private } = &self.source else {
            return Request::new(self.source.clone());
        };
        let headers = if workbook.origin() == url.origin() { headers.clone() } else { Vec::new() };
        Request::new(Target::Http { url: workbook, headers, insecure: *insecure, allow_private: *allow_private })
    }
}

/// A column of the workbook.
#[derive(Debug)]
struct Column {
    index: usize,
    /// Its name, without the marks of notes.
    name: String,
    /// Its unit in the workbook's words.
    unit: String,
}

/// A column that the feed wants, and what its figures have in common.
struct Chosen<'h> {
    column: &'h Column,
    labels: Labels,
    unit: Option<Unit>,
}

/// What stands above the figures.
#[derive(Debug)]
struct Head {
    columns: Vec<Column>,
    updated: Option<NaiveDate>,
}

/// Reading the workbook.
impl WorldBank {
    fn figures(&self, body: &[u8]) -> Result<Page, ParseError> {
        let usual = if self.common.frequency == Frequency::Year { "Annual Prices (Nominal)" } else { "Monthly Prices" };
        let sheet = Sheet::open(body, Some(self.sheet.as_deref().unwrap_or(usual)))?;
        let rows: Vec<SheetRow<'_>> = sheet.rows().collect();
        let first = rows.iter().position(|row| row.filled() > 1 && self.span(row).is_ok()).ok_or_else(|| {
            ParseError::NoData { why: format!("no row of the sheet begins with a {}", self.common.frequency) }
        })?;
        let (above, below) = rows.split_at(first);
        let head = Head::read(above);
        let chosen = self.choose(&head)?;
        let published = head.updated.map(|day| Timestamp::start_of_day(day, self.common.zone));
        let mut draft = Draft::default();
        for row in below {
            self.row(row, &chosen, published, &mut draft)?;
        }
        if let Some(day) = head.updated {
            draft.mark(UPDATED_MARK, day.to_string());
        }
        Ok(Page { note: self.note(&head, &chosen), ..draft.finish() })
    }

    /// The period at the beginning of a row.
    fn span(&self, row: &SheetRow<'_>) -> Result<Span, Fault> {
        let text = match row.cell(0) {
            Cell::Text(text) | Cell::Date(text) => text.to_owned(),
            Cell::Integer(number) => number.to_string(),
            _ => return Err(fault(row, 0, "", "expected a period")),
        };
        let read = Span::read(&shorten(&text, 60), self.common.frequency, None);
        read.map_err(|error| fault(row, 0, "", error.to_string()))
    }

    /// The columns that the feed names.
    fn choose<'h>(&self, head: &'h Head) -> Result<Vec<Chosen<'h>>, ParseError> {
        let with_label = |column: &'h Column, name: &str| {
            let mut labels = self.common.labels.clone();
            labels.set("series", name);
            Chosen { column, labels, unit: unit(&column.unit) }
        };
        if self.series.is_empty() {
            return Ok(head.columns.iter().map(|column| with_label(column, &column.name)).collect());
        }
        let named = |name: &String| {
            let mut same = head.columns.iter().filter(|column| key(&column.name) == key(name));
            match (same.next(), same.count()) {
                (Some(column), 0) => Ok(with_label(column, name)),
                (Some(_), more) => Err(ParseError::DuplicateColumn { column: name.clone(), count: more + 1 }),
                (None, _) => Err(no_column(name, &head.columns.iter().map(|column| &*column.name).collect::<Vec<_>>())),
            }
        };
        self.series.iter().map(named).collect()
    }

    fn row(
        &self,
        row: &SheetRow<'_>,
        chosen: &[Chosen<'_>],
        published: Option<Timestamp>,
        draft: &mut Draft,
    ) -> Result<(), ParseError> {
        let span = match self.span(row) {
            Ok(span) => span,
            // A note below the table has one cell.
            Err(_) if row.filled() == 1 => return Ok(()),
            Err(fault) => return draft.row(row.number(), Err(fault)),
        };
        for Chosen { column, labels, unit } in chosen {
            let told = value(row, column).map(|value| match value {
                None => Told::Unavailable(labels.clone(), span),
                value => Told::Figure(Observation {
                    labels: labels.clone(),
                    span,
                    value,
                    unit: unit.clone(),
                    status: Status::Final,
                    published,
                    row: 0,
                }),
            });
            draft.row(row.number(), told)?;
        }
        Ok(())
    }

    /// What the operator should know of the workbook.
    fn note(&self, head: &Head, chosen: &[Chosen<'_>]) -> Option<String> {
        let undated = head.updated.is_none().then(|| "the workbook does not say when it was updated".to_owned());
        let bare: Vec<&str> = chosen
            .iter()
            .filter(|chosen| chosen.unit.is_none() && !self.has_unit)
            .map(|chosen| &*chosen.column.name)
            .collect();
        let units = (!bare.is_empty()).then(|| {
            format!("no unit is known for {}: bare numbers, unless `unit` says what they are", list(listed(&bare)))
        });
        [undated, units].into_iter().flatten().reduce(|a, b| format!("{a}; {b}"))
    }
}

impl Head {
    /// Reads the rows above the figures. A title stands in the first column alone; of the others, the lowest text in a
    /// column that is neither a unit nor a code is the column's name: names of groups stand higher.
    fn read(rows: &[SheetRow<'_>]) -> Self {
        let titles: Vec<String> = rows.iter().flat_map(|row| row.texts().into_iter().next()).collect();
        let mut names: Vec<Vec<String>> = rows.iter().map(SheetRow::texts).filter(|row| row.len() > 1).collect();
        let units = names.iter().position(|row| all(row, |text| text.starts_with('(') && text.ends_with(')')));
        let units = units.map(|index| names.remove(index));
        let is_index = units.is_none() && titles.iter().any(|title| title.contains("=100"));
        if names.len() > 1 && names.last().is_some_and(|row| all(row, |text| !text.contains(char::is_whitespace))) {
            names.pop();
        }
        let width = names.iter().map(Vec::len).max().unwrap_or(0);
        let column = |index: usize| {
            let name = names.iter().rev().filter_map(|row| row.get(index)).find(|text| !text.is_empty())?;
            let unit = units.as_ref().and_then(|units| units.get(index).cloned()).unwrap_or_default();
            let unit = if is_index { "(2010=100)".to_owned() } else { unit };
            Some(Column { index, name: clean(name), unit })
        };
        let updated = titles.iter().find_map(|title| updated(title));
        Self { columns: (1..width).filter_map(column).collect(), updated }
    }
}

/// Whether all texts of a row beyond its first column are so.
fn all(row: &[String], is_so: impl Fn(&str) -> bool) -> bool {
    row.iter().skip(1).filter(|text| !text.is_empty()).all(|text| is_so(text))
}

/// A name without the stars that point to notes.
fn clean(name: &str) -> String {
    one_line(name.trim_end_matches(['*', ' ']))
}

/// What two spellings of a name have in common.
fn key(name: &str) -> String {
    clean(name).to_lowercase()
}

/// `Updated on December 03, 2024`.
fn updated(title: &str) -> Option<NaiveDate> {
    let lower = title.to_lowercase();
    let day = lower.strip_prefix("updated on")?.trim_start_matches(':').trim();
    ["%B %d, %Y", "%d %B %Y", "%Y-%m-%d"].iter().find_map(|format| NaiveDate::parse_from_str(day, format).ok())
}

/// The workbook's words for a unit, as far as they name one that we know; others are for the config to declare.
fn unit(words: &str) -> Option<Unit> {
    let words = words.trim_matches(['(', ')']).to_lowercase();
    let text = match words.as_str() {
        "$/mt" => "USD/t",
        "$/kg" => "USD/kg",
        "$/troy oz" | "$/toz" => "USD/ozt",
        _ if words.ends_with("=100") => "index",
        _ => return None,
    };
    Unit::parse(text).ok()
}

/// The figure in a cell; `None` where it says that there is none.
fn value(row: &SheetRow<'_>, column: &Column) -> Result<Option<Finite>, Fault> {
    let refused = |reason: String| fault(row, column.index, &column.name, reason);
    let numbers = Numbers { decimal: '.', thousands: Some(',') };
    match row.cell(column.index) {
        Cell::Null | Cell::Absent => Ok(None),
        Cell::Text(text) => numbers.read(text).map_err(refused),
        Cell::Number(number) => Finite::new(number).map(Some).ok_or_else(|| refused(format!("{number} is no figure"))),
        #[expect(clippy::cast_precision_loss, reason = "a workbook's numbers are f64")]
        Cell::Integer(number) => Ok(Finite::new(number as f64)),
        Cell::Date(date) => Err(refused(format!("expected a figure, found the date {date}"))),
        Cell::Nested(what) => Err(refused(format!("expected a value, found {what}"))),
    }
}

fn fault(row: &SheetRow<'_>, column: usize, name: &str, reason: impl std::fmt::Display) -> Fault {
    let address = row.address(column).unwrap_or_default();
    let name = (!name.is_empty()).then(|| name.to_owned());
    Fault { column: name, reason: format!("{address}: {reason}") }
}

#[cfg(test)]
mod tests {
    use rust_xlsxwriter::{Formula, Workbook};

    use super::super::tests::{common, told};
    use super::*;
    use crate::base::secret::Secret;

    const PAGE: &str = "https://www.worldbank.org/en/research/commodity-markets";
    const LINK: &str = "https://thedocs.worldbank.org/en/doc/1-0050012026/related/CMO-Historical-Data-Monthly.xlsx";

    fn bank(series: &[&str]) -> WorldBank {
        let headers = vec![("X-Own".to_owned(), Secret::new("CANARY"))];
        let source = Target::Http { url: PAGE.parse().unwrap(), headers, insecure: false, allow_private: false };
        let series = series.iter().map(|name| (*name).to_owned()).collect();
        WorldBank { source, series, sheet: None, has_unit: false, common: Common { zone: chrono_tz::UTC, ..common() } }
    }

    /// A sheet of a workbook: what reads as a number is one, what begins with `#` is an error.
    fn book(name: &str, rows: &[&[&str]]) -> Vec<u8> {
        let mut book = Workbook::new();
        book.add_worksheet().set_name("AFOSHEET").unwrap().set_hidden(true);
        let sheet = book.add_worksheet().set_name(name).unwrap();
        for (row, cells) in (0..).zip(rows) {
            for (column, cell) in (0..).zip(*cells) {
                let number = cell.parse::<f64>();
                match number {
                    Ok(number) => sheet.write_number(row, column, number).unwrap(),
                    _ if cell.starts_with('#') => {
                        sheet.write_formula(row, column, Formula::new("=1/0").set_result(*cell)).unwrap()
                    }
                    Err(_) => sheet.write_string(row, column, *cell).unwrap(),
                };
            }
        }
        book.save_to_buffer().unwrap()
    }

    const PRICES: [&[&str]; 10] = [
        &["Commodity Price Data"],
        &["monthly prices in nominal US dollars"],
        &["Updated on December 03, 2024"],
        &["", "Crude oil, average", "Copper", "Iron ore, cfr spot **", "Gold", "Tea "],
        &["", "($/bbl)", "($/mt)", "($/dmtu)", "($/troy oz)", "($/kg)"],
        &["", "CRUDE", "COPPER", "IRON_ORE", "GOLD", "Tea"],
        &["1960M01", "1.63000011444", "715.4", "11.42", "35.27", "…"],
        &["1960M02", "1.63", "1,234.5", "...", "..", "0.5"],
        &["1960M03", "#VALUE!", "728.1900000000001", "", "35.27", "soon"],
        &["Source: the Bank"],
    ];

    fn asked(requests: &[Request]) -> String {
        let line = |request: &Request| match &request.target {
            Target::Http { url, headers, .. } => {
                let own = if headers.is_empty() { "" } else { " with headers" };
                format!("{url}{own} ({}) {:?}", request.question, request.accepts)
            }
            other => format!("{other:?}"),
        };
        requests.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    fn standing(now: &str, marks: &[(&str, &str)]) -> Standing {
        let marks = marks.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Standing { marks, ..Standing::new(Timestamp::parse(now).unwrap()) }
    }

    #[test]
    fn series_are_found_by_what_the_workbook_says() {
        let body = book("Monthly Prices", &PRICES);
        let page = bank(&["copper", "Gold", "Crude oil, average", "Tea"]).figures(&body).unwrap();
        assert_eq!(page.marks, [(UPDATED_MARK.to_owned(), "2024-12-03".to_owned())]);
        let note = "no unit is known for `Crude oil, average`: bare numbers, unless `unit` says what they are";
        assert_eq!(page.note.as_deref(), Some(note));
        insta::assert_snapshot!(told(Ok(page)), @r#"
        7: {feed="x", reporter="CHN", series="copper"} 1960-01 715.4 USD/t final published 2024-12-03T00:00:00Z
        7: {feed="x", reporter="CHN", series="Gold"} 1960-01 35.27 USD/ozt final published 2024-12-03T00:00:00Z
        7: {feed="x", reporter="CHN", series="Crude oil, average"} 1960-01 1.63000011444 final published 2024-12-03T00:00:00Z
        8: {feed="x", reporter="CHN", series="copper"} 1960-02 1234.5 USD/t final published 2024-12-03T00:00:00Z
        8: {feed="x", reporter="CHN", series="Crude oil, average"} 1960-02 1.63 final published 2024-12-03T00:00:00Z
        8: {feed="x", reporter="CHN", series="Tea"} 1960-02 0.5 USD/kg final published 2024-12-03T00:00:00Z
        9: {feed="x", reporter="CHN", series="copper"} 1960-03 728.19 USD/t final published 2024-12-03T00:00:00Z
        9: {feed="x", reporter="CHN", series="Gold"} 1960-03 35.27 USD/ozt final published 2024-12-03T00:00:00Z
        not available: {feed="x", reporter="CHN", series="Tea"} 1960-01
        not available: {feed="x", reporter="CHN", series="Gold"} 1960-02
        row 9, column `Crude oil, average`: Monthly Prices!B9: expected a value, found the error #VALUE!
        row 9, column `Tea`: Monthly Prices!F9: `soon` is no number
        12 rows, 2 refused
        "#);
        let declared = WorldBank { has_unit: true, ..bank(&["Iron ore, cfr spot"]) };
        let page = declared.figures(&body).unwrap();
        assert_eq!((page.note, page.observations.len(), page.unavailable.len()), (None, 1, 2));
        assert_eq!(bank(&[]).figures(&body).unwrap().rows, 15, "without names, all");
    }

    /// As releases of 2026 are said to be: no codes, a sheet more, other columns first, figures as text.
    #[test]
    fn a_layout_that_moved_is_read() {
        let rows: [&[&str]; 6] = [
            &["Updated on: 3 February 2026"],
            &["", "Energy", "", "Metals"],
            &["", "Coal", "", "Tin", "COPPER **"],
            &["", "($/mt)", "", "($/mt)", "($/mt)"],
            &["2025M12", "100", "", "40,000.5", "11790.96"],
            &["2026M01", "101", "", "#VALUE!", "12986.61"],
        ];
        insta::assert_snapshot!(told(bank(&["Copper", "Tin"]).figures(&book("Monthly Prices", &rows))), @r#"
        5: {feed="x", reporter="CHN", series="Copper"} 2025-12 11790.96 USD/t final published 2026-02-03T00:00:00Z
        5: {feed="x", reporter="CHN", series="Tin"} 2025-12 40000.5 USD/t final published 2026-02-03T00:00:00Z
        6: {feed="x", reporter="CHN", series="Copper"} 2026-01 12986.61 USD/t final published 2026-02-03T00:00:00Z
        row 6, column `Tin`: Monthly Prices!D6: expected a value, found the error #VALUE!
        4 rows, 1 refused
        "#);
    }

    #[test]
    fn indices_have_staggered_names() {
        let rows: [&[&str]; 8] = [
            &["monthly indices based on nominal US dollars, 2010=100, 1960 to present"],
            &["Updated on December 03, 2024"],
            &["", "Total Index", "Energy", "Non-energy **"],
            &["", "", "", "", "Agriculture **", "", "Metals  & Minerals"],
            &["", "", "", " ", " ", "Beverages"],
            &["", "iOVERALL", "iENERGY", "iNONFUEL", "iAGRICULTURE", "iBEVERAGES", "iMETMIN"],
            &["2024M10", "103.04", "97.67", "114.1", "116.2", "184.3", "106.1"],
            &["2024M11", "102.28", "96.49", "114.03", "117.06", "195.7", "103.2"],
        ];
        let mut bank = bank(&["Metals & Minerals", "Beverages"]);
        bank.sheet = Some("Monthly Indices".to_owned());
        insta::assert_snapshot!(told(bank.figures(&book("Monthly Indices", &rows))), @r#"
        7: {feed="x", reporter="CHN", series="Metals & Minerals"} 2024-10 106.1 index points final published 2024-12-03T00:00:00Z
        7: {feed="x", reporter="CHN", series="Beverages"} 2024-10 184.3 index points final published 2024-12-03T00:00:00Z
        8: {feed="x", reporter="CHN", series="Metals & Minerals"} 2024-11 103.2 index points final published 2024-12-03T00:00:00Z
        8: {feed="x", reporter="CHN", series="Beverages"} 2024-11 195.7 index points final published 2024-12-03T00:00:00Z
        4 rows, 0 refused
        "#);
    }

    #[test]
    fn a_year_has_its_own_workbook() {
        let mut bank = bank(&["Copper"]);
        bank.common.frequency = Frequency::Year;
        let rows: [&[&str]; 5] = [
            &["Updated on December 03, 2024"],
            &["(annual prices)"],
            &["", "Copper", "Gold"],
            &["", "($/mt)", "($/troy oz)"],
            &["2023", "8490.29", "1942.67"],
        ];
        insta::assert_snapshot!(told(bank.figures(&book("Annual Prices (Nominal)", &rows))), @r#"
        5: {feed="x", reporter="CHN", series="Copper"} 2023 8490.29 USD/t final published 2024-12-03T00:00:00Z
        1 rows, 0 refused
        "#);
        let monthly = bank.link(LINK);
        let annual = bank.link(&LINK.replace("Monthly", "Annual"));
        assert!(monthly.is_none() && annual.is_some());
    }

    #[test]
    fn what_is_not_there_is_told_with_what_is() {
        let told = |bank: WorldBank, body: &[u8]| told(bank.figures(body));
        let body = book("Monthly Prices", &PRICES);
        let twice: [&[&str]; 2] = [&["", "Copper", "copper **"], &["2024M11", "1", "2"]];
        let errors = [
            told(bank(&["Coper"]), &body),
            told(bank(&["Copper"]), &book("Monthly Prices", &twice)),
            told(bank(&["Copper"]), &book("Monthly Price", &PRICES)),
            told(bank(&["Copper"]), &book("Monthly Prices", &PRICES[..5])),
        ];
        insta::assert_snapshot!(errors.join("\n"), @"
        no column `Coper` (did you mean `Copper`?); the columns are `Crude oil, average`, `Copper`, `Iron ore, cfr spot`, `Gold` and `Tea`
        column `Copper` is there 2 times
        no sheet `Monthly Prices` (did you mean `Monthly Price`?); the sheets are `AFOSHEET` and `Monthly Price`
        the answer has no figures: no row of the sheet begins with a month
        ");
    }

    #[test]
    fn the_page_is_asked_and_the_workbook_that_it_links_to() {
        let bank = bank(&["Copper"]);
        let now = standing("2024-12-05T09:00:00Z", &[]);
        assert_eq!(asked(&bank.requests(&now)), format!("{PAGE} with headers () []"));
        let body = format!("\u{FEFF}<!DOCTYPE html><a href=/en/home>Home</a><a href='{LINK}#top'>Monthly prices</a>");
        let page = bank.parse(&Answer::ok("", body.as_bytes(), &now)).unwrap();
        assert_eq!(asked(&page.next), format!("{LINK} (found {LINK}) []"), "the headers are not the other host's");
        let body = book("Monthly Prices", &PRICES);
        let page = bank.parse(&Answer::ok(&format!("found {LINK}"), &body, &now)).unwrap();
        assert_eq!(page.marks[1], (ADDRESS_MARK.to_owned(), LINK.to_owned()));
    }

    #[test]
    fn a_known_address_is_asked_until_it_ends_or_grows_old() {
        let bank = bank(&["Copper"]);
        let marks = [("workbook", LINK), ("updated", "2024-12-03")];
        let fresh = standing("2024-12-27T09:00:00Z", &marks);
        assert_eq!(asked(&bank.requests(&fresh)), format!("{LINK} (known) [404, 410]"));
        let again = |answer: &Answer<'_>| asked(&bank.parse(answer).unwrap().next);
        let page = format!("{PAGE} with headers () []");
        assert_eq!(again(&Answer { http_status: Some(404), ..Answer::ok("known", b"gone", &fresh) }), page);
        assert_eq!(again(&Answer::ok("known", b"<html><title>Moved</title>", &fresh)), page);
        // Last year's workbook stays at last year's address, and is never updated again.
        assert_eq!(asked(&bank.requests(&standing("2024-12-29T09:00:00Z", &marks))), page);
        // What is remembered is believed no more than what is found.
        for stored in ["https://evil.example/CMO-Historical-Data-Monthly.xlsx", "no address"] {
            let marks = [("workbook", stored), ("updated", "2024-12-03")];
            assert_eq!(asked(&bank.requests(&standing("2024-12-05T09:00:00Z", &marks))), page, "{stored}");
        }
    }

    #[test]
    fn a_hostile_page_leads_nowhere_else() {
        let bank = bank(&["Copper"]);
        let file = "CMO-Historical-Data-Monthly.xlsx";
        for link in [
            format!("https://evil.example/{file}"),
            format!("https://worldbank.org.evil.example/{file}"),
            format!("https://evilworldbank.org/{file}"),
            format!("http://thedocs.worldbank.org/{file}"),
            format!("https://thedocs.worldbank.org:8443/{file}"),
            format!("https://user:word@thedocs.worldbank.org/{file}"),
            format!("file:///etc/{file}"),
            format!("javascript:alert(1)//{file}"),
            format!("//169.254.169.254/{file}"),
            "https://thedocs.worldbank.org/other.xlsx".to_owned(),
            format!("https://thedocs.worldbank.org/{file}.exe"),
            format!("https://thedocs.worldbank.org/?{file}"),
        ] {
            let body = format!("<html><title>Commodity\nMarkets</title><a href='{link}'>x</a>");
            let standing = standing("2024-12-05T09:00:00Z", &[]);
            let error = bank.parse(&Answer::ok("", body.as_bytes(), &standing)).unwrap_err().to_string();
            let expected = "the answer has no figures: the page titled \"Commodity Markets\" has no link to \
                CMO-Historical-Data-Monthly.xlsx; set `url` to the workbook's own address";
            assert_eq!(error, expected, "{link}");
        }
        for link in ["CMO-Historical-Data-Monthly.xlsx", "//www.worldbank.org/x/cmo-historical-data-monthly.xlsx?v=2"] {
            assert!(bank.link(link).is_some(), "{link}");
        }
    }

    #[test]
    fn days_of_update_and_units_in_the_banks_words() {
        let day = |text: &str| updated(text).map(|day| day.to_string());
        assert_eq!(day("Updated on December 03, 2024").as_deref(), Some("2024-12-03"));
        assert_eq!(day("updated on: 2 May 2025").as_deref(), Some("2025-05-02"));
        assert_eq!(day("Updated monthly"), None);
        let read = |words: &str| unit(words).map(|unit| unit.to_string());
        assert_eq!(read("($/mt)").as_deref(), Some("USD/t"));
        assert_eq!(read("($/troy oz)").as_deref(), Some("USD/ozt"));
        assert_eq!(read("(2010=100)").as_deref(), Some("index points"));
        for words in ["($/dmtu)", "($/bbl)", "(cents/sheet)", "($/cubic meter)", ""] {
            assert_eq!(read(words), None, "{words}");
        }
    }
}
