//! From the rows of a table to a page of observations, the same for every format.
//!
//! A row that cannot be read is refused with its reason and counted; whether the page stands is the
//! caller's decision. Two figures for one period are not noticed here (see `series::intake`).

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

use super::Common;
use super::number::{Numbers, is_unavailable};
use crate::base::clock::Timestamp;
use crate::base::limits::{LABEL_CHARS_MAX, REFUSALS_KEPT, ROWS_MAX};
use crate::base::text::{list, shorten};
use crate::feed::format::{Cell, Row, find_column, listed};
use crate::feed::published;
use crate::feed::{Page, ParseError};
use crate::period::{PeriodError, Span};
use crate::series::{Finite, Labels, Observation, Refusal, Status, Unit, country};

/// Labels whose values are countries.
const COUNTRIES: [&str; 2] = ["reporter", "partner"];
/// Stands between the texts of cells: the unit separator of ASCII.
const SEPARATOR: char = '\u{1f}';
/// Characters of a refusal's reason, at most.
const REASON_CHARS: usize = 300;

/// A column that a feed names, and where it is in the table.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its name, or pointer.
    pub name: String,
    /// Its index.
    pub index: usize,
}

/// Where the figures of a row are.
pub enum Figures {
    /// One figure a row.
    Long {
        /// Its period.
        period: Place,
        /// The figure.
        value: Place,
    },
    /// A figure for each period that is a column.
    Wide(Vec<(Place, Span)>),
}

/// What the columns of a table mean.
pub struct Roles {
    /// Periods and figures.
    pub figures: Figures,
    /// The unit.
    pub unit: Option<Place>,
    /// The publisher's mark.
    pub status: Option<Place>,
    /// The time of publication.
    pub published: Option<Place>,
    /// Labels by their names.
    pub labels: Vec<(String, Place)>,
}

impl Roles {
    /// Finds each column that a feed names in a header; in a wide table, those whose names are periods as well.
    pub fn in_header(
        columns: &super::Columns,
        common: &Common,
        wide: bool,
        header: &[String],
    ) -> Result<Self, ParseError> {
        let place = |name: &str| Ok(Place { name: name.to_owned(), index: find_column(header, name.trim())? });
        let wide = if wide { Some(periods(columns, common, header)?) } else { None };
        Self::find(columns, wide, place)
    }

    /// Finds each column that a feed names; a wide table brings its figures.
    pub fn find(
        columns: &super::Columns,
        wide: Option<Vec<(Place, Span)>>,
        mut place: impl FnMut(&str) -> Result<Place, ParseError>,
    ) -> Result<Self, ParseError> {
        let figures = match wide {
            Some(periods) => Figures::Wide(periods),
            None => Figures::Long {
                period: place(columns.period.as_deref().unwrap_or("period"))?,
                value: place(columns.value.as_deref().unwrap_or("value"))?,
            },
        };
        let mut optional = |name: &Option<String>| name.as_deref().map(&mut place).transpose();
        let (unit, status) = (optional(&columns.unit)?, optional(&columns.status)?);
        let published = optional(&columns.published)?;
        let labels = columns.labels.iter().map(|(label, name)| Ok((label.clone(), place(name)?)));
        Ok(Self { figures, unit, status, published, labels: labels.collect::<Result<_, ParseError>>()? })
    }
}

/// The columns of a wide table whose names are periods.
fn periods(columns: &super::Columns, common: &Common, header: &[String]) -> Result<Vec<(Place, Span)>, ParseError> {
    let named = columns.names();
    let mut periods: Vec<(Place, Span)> = Vec::new();
    for (index, name) in header.iter().enumerate().filter(|(_, name)| !named.contains(&name.as_str())) {
        let Some(span) = common.span(name) else { continue };
        periods.push((Place { name: name.clone(), index }, span));
    }
    let twice = periods.iter().find(|(_, span)| periods.iter().filter(|(_, other)| other == span).count() > 1);
    if let Some((place, span)) = twice {
        let count = periods.iter().filter(|(_, other)| other == span).count();
        return Err(ParseError::DuplicateColumn { column: place.name.clone(), count });
    }
    if periods.is_empty() {
        return Err(ParseError::NoPeriods { frequency: common.frequency, found: listed(header) });
    }
    Ok(periods)
}

/// Why a row, or a figure of it, is refused, and the column that is to blame.
struct Fault {
    place: Option<Place>,
    reason: String,
}

impl Fault {
    fn at(place: &Place, reason: impl Into<String>) -> Self {
        Self { place: Some(place.clone()), reason: reason.into() }
    }
}

/// A page in the making.
pub struct Reading<'c> {
    common: &'c Common,
    numbers: Numbers,
    constant: Labels,
    roles: Roles,
    /// What a publisher's mark means.
    marks: fn(&str) -> Option<Status>,
    /// Countries and units that were read before: a table says the same few over and over.
    countries: HashMap<String, String, RandomState>,
    units: HashMap<String, Unit, RandomState>,
    /// The labels of the series so far, so that the figures of each share them.
    series: HashSet<Labels, RandomState>,
    /// The same by the texts of their cells, and periods by theirs: most rows say what was read before, and
    /// mostly what the row before said.
    read: HashMap<String, Labels, RandomState>,
    texts: String,
    last: Option<(String, Labels)>,
    spans: HashMap<String, Span, RandomState>,
    page: Page,
}

impl<'c> Reading<'c> {
    /// Begins a page.
    pub fn new(common: &'c Common, roles: Roles) -> Self {
        let canonical = |(name, value): (&str, &str)| {
            let value = if COUNTRIES.contains(&name) { country::canonical(value) } else { value.to_owned() };
            (name.to_owned(), value)
        };
        Self {
            common,
            numbers: Numbers { decimal: common.decimal, thousands: common.thousands },
            constant: common.labels.iter().map(canonical).collect(),
            roles,
            marks: Status::read,
            countries: HashMap::default(),
            units: HashMap::default(),
            series: HashSet::default(),
            read: HashMap::default(),
            texts: String::new(),
            last: None,
            spans: HashMap::default(),
            page: Page::default(),
        }
    }

    /// The same with another meaning of the publisher's marks.
    #[must_use]
    pub fn with_marks(self, marks: fn(&str) -> Option<Status>) -> Self {
        Self { marks, ..self }
    }

    /// Begins again.
    pub fn restart(&mut self) {
        self.page = Page::default();
    }

    /// Reads a row.
    pub fn row(&mut self, row: &impl Row) -> Result<(), ParseError> {
        // Where a row has many figures each counts as a row: `max_refused` is a share of figures.
        let figures = match &self.roles.figures {
            Figures::Long { .. } => 1,
            Figures::Wide(periods) => periods.len(),
        };
        self.page.rows += figures;
        if self.page.rows > ROWS_MAX {
            return Err(ParseError::TooManyRows(ROWS_MAX));
        }
        if let Err(fault) = self.figures(row) {
            self.refuse(row, fault, figures);
        }
        Ok(())
    }

    /// Whether a row that holds one thing alone belongs to the table: its period, or its only label, without a figure.
    pub fn is_bare(&mut self, row: &impl Row) -> bool {
        match &self.roles.figures {
            Figures::Long { period, .. } => {
                let period = period.clone();
                self.span(row, &period).is_ok()
            }
            Figures::Wide(_) => self.roles.labels.len() == 1 && self.labels(row).is_ok(),
        }
    }

    /// The page, where there was a row.
    pub fn finish(self) -> Result<Page, ParseError> {
        if self.page.rows == 0 { Err(ParseError::NoRows) } else { Ok(self.page) }
    }

    fn refuse(&mut self, row: &impl Row, Fault { place, reason }: Fault, figures: usize) {
        self.page.refused_count += figures;
        if self.page.refused.len() < REFUSALS_KEPT {
            let address = place.as_ref().and_then(|place| row.address(place.index));
            let reason = address.map_or_else(|| reason.clone(), |address| format!("{address}: {reason}"));
            let (row, column) = (row.number(), place.map(|place| place.name));
            self.page.refused.push(Refusal { row, column, reason: shorten(&reason, REASON_CHARS) });
        }
    }

    /// Every figure of a row. An error here is one of the row as a whole.
    fn figures(&mut self, row: &impl Row) -> Result<(), Fault> {
        if let Some(reason) = row.fault() {
            return Err(Fault { place: None, reason });
        }
        let labels = self.labels(row)?;
        // Taken out and put back, so that a figure may be read while the others wait.
        let figures = std::mem::replace(&mut self.roles.figures, Figures::Wide(Vec::new()));
        let result = match &figures {
            Figures::Long { period, value } => {
                self.span(row, period).and_then(|span| self.figure(row, &labels, span, value))
            }
            Figures::Wide(periods) => {
                for (place, span) in periods {
                    if let Err(fault) = self.figure(row, &labels, *span, place) {
                        self.refuse(row, fault, 1);
                    }
                }
                Ok(())
            }
        };
        self.roles.figures = figures;
        result
    }

    /// One figure.
    fn figure(&mut self, row: &impl Row, labels: &Labels, span: Span, place: &Place) -> Result<(), Fault> {
        // What is taken back has no figure, whatever stands there.
        let value = if row.is_withdrawn() { None } else { self.value(row, place)? };
        if value.is_none() && !row.is_withdrawn() {
            self.page.unavailable.push((labels.clone(), span));
            return Ok(());
        }
        let observation = Observation {
            labels: labels.clone(),
            span,
            value,
            unit: self.unit(row)?,
            status: self.status(row)?,
            published: self.published(row)?,
            row: row.number(),
        };
        self.page.observations.push(observation);
        Ok(())
    }

    fn labels(&mut self, row: &impl Row) -> Result<Labels, Fault> {
        self.texts.clear();
        for (_, place) in &self.roles.labels {
            // Texts of cells have no such sign, or are read each time.
            self.texts.push_str(&required(row, place)?);
            self.texts.push(SEPARATOR);
        }
        if let Some((_, labels)) = self.last.as_ref().filter(|(texts, _)| *texts == self.texts) {
            return Ok(labels.clone());
        }
        let labels = match self.read.get(&self.texts) {
            Some(known) => known.clone(),
            None => self.new_labels(row)?,
        };
        if self.texts.matches(SEPARATOR).count() == self.roles.labels.len() {
            self.read.entry(self.texts.clone()).or_insert_with(|| labels.clone());
            self.last = Some((self.texts.clone(), labels.clone()));
        }
        Ok(labels)
    }

    /// The labels of a row whose texts were not met before.
    fn new_labels(&mut self, row: &impl Row) -> Result<Labels, Fault> {
        let mut labels = self.constant.clone();
        for (label, place) in &self.roles.labels {
            let text = required(row, place)?;
            if text.is_empty() {
                return Err(Fault::at(place, format!("the label `{label}` is empty")));
            }
            if text.chars().count() > LABEL_CHARS_MAX {
                return Err(Fault::at(place, format!("a label of more than {LABEL_CHARS_MAX} characters")));
            }
            if COUNTRIES.contains(&label.as_str()) {
                let known = self.countries.get(text.as_ref()).cloned();
                let country = known.unwrap_or_else(|| country::canonical(&text));
                labels.set(label, &*country);
                self.countries.entry(text.into_owned()).or_insert(country);
            } else {
                labels.set(label, text);
            }
        }
        if let Some(known) = self.series.get(&labels) {
            return Ok(known.clone());
        }
        self.series.insert(labels.clone());
        Ok(labels)
    }

    fn span(&mut self, row: &impl Row, place: &Place) -> Result<Span, Fault> {
        let is_date = matches!(row.cell(place.index), Cell::Date(_));
        let format = match row.cell(place.index) {
            // 2025.10 as a number is 2025.1: October would become January.
            Cell::Number(number) => {
                let reason = format!("expected a period as text or a whole number, found the number {number}");
                return Err(Fault::at(place, reason));
            }
            // However it is shown, a date is a date.
            Cell::Date(_) => None,
            _ => self.common.period_format.as_deref(),
        };
        let text = required(row, place)?;
        if let (Some(span), false) = (self.spans.get(text.as_ref()), is_date) {
            return Ok(*span);
        }
        let read: Result<Span, PeriodError> = Span::read(&shorten(&text, 100), self.common.frequency, format);
        let span = read.map_err(|error| Fault::at(place, error.to_string()))?;
        if !is_date {
            self.spans.insert(text.into_owned(), span);
        }
        Ok(span)
    }

    fn value(&self, row: &impl Row, place: &Place) -> Result<Option<Finite>, Fault> {
        match row.cell(place.index) {
            Cell::Null => Ok(None),
            Cell::Text(text) => self.numbers.read(text).map_err(|reason| Fault::at(place, reason)),
            Cell::Date(date) => Err(Fault::at(place, format!("expected a figure, found the date {date}"))),
            Cell::Number(number) => {
                Finite::new(number).map(Some).ok_or_else(|| Fault::at(place, format!("{number} is no figure")))
            }
            #[expect(clippy::cast_precision_loss, reason = "a figure is an f64: the nearest is what it is")]
            Cell::Integer(number) => Ok(Finite::new(number as f64)),
            cell @ (Cell::Absent | Cell::Nested(_)) => Err(Fault::at(place, no_value(cell))),
        }
    }

    fn unit(&mut self, row: &impl Row) -> Result<Option<Unit>, Fault> {
        let Some(place) = &self.roles.unit else { return Ok(None) };
        let text = optional(row, place)?;
        if text.is_empty() {
            return Ok(None);
        }
        if let Some(unit) = self.units.get(text.as_ref()) {
            return Ok(Some(unit.clone()));
        }
        let unit = Unit::parse(&text).map_err(|error| Fault::at(place, error.to_string()))?;
        self.units.insert(text.into_owned(), unit.clone());
        Ok(Some(unit))
    }

    fn status(&self, row: &impl Row) -> Result<Status, Fault> {
        let Some(place) = &self.roles.status else { return Ok(Status::Final) };
        let text = optional(row, place)?;
        (self.marks)(&text).ok_or_else(|| {
            let words = list(Status::ALL.map(Status::name));
            Fault::at(place, format!("`{}` is no known mark: expected {words}, or A, P, E, C", shorten(&text, 60)))
        })
    }

    fn published(&self, row: &impl Row) -> Result<Option<Timestamp>, Fault> {
        let Some(place) = &self.roles.published else { return Ok(None) };
        let text = optional(row, place)?;
        if is_unavailable(&text) {
            return Ok(None);
        }
        published::read(&text, self.common.zone).map(Some).map_err(|reason| Fault::at(place, reason))
    }
}

/// The text of a cell that must be there.
fn required<'r>(row: &'r impl Row, place: &Place) -> Result<Cow<'r, str>, Fault> {
    let cell = row.cell(place.index);
    text(cell).ok_or_else(|| Fault::at(place, no_value(cell)))
}

/// The text of a cell that may be absent.
fn optional<'r>(row: &'r impl Row, place: &Place) -> Result<Cow<'r, str>, Fault> {
    if row.cell(place.index) == Cell::Absent { Ok(Cow::Borrowed("")) } else { required(row, place) }
}

fn text(cell: Cell<'_>) -> Option<Cow<'_, str>> {
    match cell {
        Cell::Absent | Cell::Nested(_) => None,
        Cell::Null => Some(Cow::Borrowed("")),
        Cell::Text(text) | Cell::Date(text) => Some(Cow::Borrowed(text.trim())),
        Cell::Integer(number) => Some(Cow::Owned(number.to_string())),
        Cell::Number(number) => Some(Cow::Owned(number.to_string())),
    }
}

fn no_value(cell: Cell<'_>) -> String {
    match cell {
        Cell::Nested(kind) => format!("expected a value, found {kind}"),
        _ => "the record has no such value".to_owned(),
    }
}
