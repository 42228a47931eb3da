//! The World Bank's commodity prices (the Pink Sheet): series by their names, from a workbook whose address moves.
//!
//! The address of the workbook changes with the year, so a page that links to it is asked first, and what was found
//! is remembered. In the workbook everything is found by what it says: rows and columns move from release to release.
//! Source: worldbank.org/en/research/commodity-markets, `CMO-Historical-Data-Monthly.xlsx`.

use std::time::Duration;

use chrono::NaiveDate;
use url::Url;

use super::draft::{Draft, Fault, Told};
use super::number::Numbers;
use super::Common;
use crate::base::clock::Timestamp;
use crate::base::text::{list, shorten};
use crate::feed::format::html::links;
use crate::feed::format::workbook::{EXPECTED, Sheet, SheetRow, one_line};
use crate::feed::format::{Cell, Row, is_html, listed, no_column, title};
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
        let is_page = is_html(answer.body.trim_ascii_start());
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
            let why = format!("the page{title} has no link to {}.xlsx; set `url` to the workbook's own address", self.file());
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

    /// The columns that the feed names, and the labels and the unit of each.
    fn choose<'h>(&self, head: &'h Head) -> Result<Vec<(&'h Column, Labels, Option<Unit>)>, ParseError> {
        let with_label = |column: &'h Column, name: &str| {
            let mut labels = self.common.labels.clone();
            labels.set("series", name);
            (column, labels, unit(&column.unit))
        };
        if self.series.is_empty() {
            return Ok(head.columns.iter().map(|column| with_label(column, &column.name)).collect());
        }
        let named = |name: &String| {
            let mut same = head.columns.iter().filter(|column| key(&column.name) == key(name));
            match (same.next(), same.count()) {
                (Some(column), 0) => Ok(with_label(column, name)),
                (Some(_), more) => Err(ParseError::DuplicateColumn { column: name.clone(), count: more + 1 }),
                (None, _) => {
                    Err(no_column(name, &head.columns.iter().map(|column| &*column.name).collect::<Vec<_>>()))
                }
            }
        };
        self.series.iter().map(named).collect()
    }

    fn row(
        &self,
        row: &SheetRow<'_>,
        chosen: &[(&Column, Labels, Option<Unit>)],
        published: Option<Timestamp>,
        draft: &mut Draft,
    ) -> Result<(), ParseError> {
        let span = match self.span(row) {
            Ok(span) => span,
            // A note below the table has one cell.
            Err(_) if row.filled() == 1 => return Ok(()),
            Err(fault) => return draft.row(row.number(), Err(fault)),
        };
        for (column, labels, unit) in chosen {
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
    fn note(&self, head: &Head, chosen: &[(&Column, Labels, Option<Unit>)]) -> Option<String> {
        let undated = head.updated.is_none().then(|| "the workbook does not say when it was updated".to_owned());
        let bare: Vec<&str> =
            chosen.iter().filter(|(.., unit)| unit.is_none() && !self.has_unit).map(|(column, ..)| &*column.name).collect();
        let units = (!bare.is_empty()).then(|| {
            let why = "in units that are not known here, and stay bare numbers unless `unit` says what they are";
            format!("{} are {why}", list(listed(&bare)))
        });
        [undated, units].into_iter().flatten().reduce(|a, b| format!("{a}; {b}"))
    }
}

impl Head {
    /// Reads the rows above the figures. A title has one cell; of the others, the lowest text in a column that is
    /// neither a unit nor a code is the column's name: names of groups stand higher.
    fn read(rows: &[SheetRow<'_>]) -> Self {
        let titles: Vec<String> = rows.iter().flat_map(|row| row.texts().into_iter().next()).collect();
        let mut names: Vec<Vec<String>> = rows.iter().filter(|row| row.filled() > 1).map(SheetRow::texts).collect();
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
