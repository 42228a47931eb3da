//! A table of Chinese customs: which column is which, in both languages and any order, and its rows.
//!
//! Rows are as fine as the query was, by province and kind of trade; they are summed elsewhere. A row that cannot be
//! read makes the whole table unreadable, since a sum without it would be wrong.

use super::said::{cumulative, is_cumulative, unfit};
use crate::base::text::shorten;
use crate::feed::ParseError;
use crate::feed::format::csv::Sheet;
use crate::feed::format::{Cell, Row, listed};
use crate::feed::publisher::number::Numbers;
use crate::series::{Finite, Unit};

/// What a column says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Means {
    /// The month.
    Date,
    /// Import or export; the customs have no such column, people add one.
    Flow,
    /// The code of the good.
    Good,
    /// The code of the partner.
    Partner,
    /// A first or second quantity.
    Quantity(usize),
    /// Its unit.
    Unit(usize),
    /// Money, of a kind that only the header says.
    Value(Option<&'static str>),
    /// A code that splits what is summed here.
    Split,
    /// A name, which may hold commas that nobody quoted.
    Name,
}

/// The columns by their headers, in Chinese and in the spellings of the English site.
const HEADERS: [(Means, &[&str]); 16] = [
    (Means::Date, &["数据年月", "date of data"]),
    (Means::Flow, &["进出口", "进出口类型", "flow"]),
    (Means::Good, &["商品编码", "commodity code"]),
    (Means::Name, &["商品名称", "commodity"]),
    (Means::Partner, &["贸易伙伴编码", "trading partner code"]),
    (Means::Name, &["贸易伙伴名称", "trading partner"]),
    (Means::Split, &["贸易方式编码", "customs regime code"]),
    (Means::Name, &["贸易方式名称", "customs regime"]),
    (Means::Split, &["注册地编码", "locations of importers and exporters code"]),
    (Means::Name, &["注册地名称", "locations of importers and exporters"]),
    (Means::Quantity(0), &["第一数量", "quantity"]),
    (Means::Unit(0), &["第一计量单位", "unit"]),
    (Means::Quantity(1), &["第二数量", "supplementary quantity", "supplimentary quantity"]),
    (Means::Unit(1), &["第二计量单位", "supplementary unit", "supplimentary unit"]),
    (Means::Value(Some("USD")), &["美元", "us dollar"]),
    (Means::Value(Some("CNY")), &["人民币", "renminbi yuan"]),
];
/// A column of money that does not say which.
const MONEY: [&str; 3] = ["金额", "value", "amount"];
/// As many data rows as the customs put into a file at most.
const ROWS_AT_MOST: usize = 10_000;
/// Columns of a table whose names may hold commas that are not quoted, at most.
const COLUMNS_MAX: usize = 40;
/// Steps in search of a way to read such a row, at most.
const STEPS_MAX: usize = 2000;

/// What the columns of a table say.
pub struct Columns {
    means: Vec<Means>,
    names: Vec<String>,
}

/// One row.
pub struct Line<'t> {
    /// Its line in the file.
    pub number: usize,
    /// The month, where there is a column.
    pub date: Option<&'t str>,
    /// Which way, where there is a column.
    pub flow: Option<&'t str>,
    /// The good's code.
    pub good: &'t str,
    /// The partner's code, where there is a column.
    pub partner: Option<&'t str>,
    /// Money.
    pub value: Finite,
    /// First and second quantity with the units as written; none where the unit is `?`.
    pub quantities: [Option<(Finite, &'t str)>; 2],
}

/// Reads a table row by row.
pub fn read(text: &str, mut each: impl FnMut(&Columns, Line<'_>) -> Result<(), ParseError>) -> Result<(), ParseError> {
    let wanted: Vec<&str> = HEADERS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    let mut sheet = Sheet::open(text, None, 0, &wanted)?;
    let columns = Columns::of(sheet.header())?;
    let mut rows = 0;
    while let Some(row) = sheet.next_row()? {
        rows += 1;
        each(&columns, columns.line(&row).map_err(|reason| ParseError::Malformed { row: row.number(), reason })?)?;
    }
    match rows {
        0 => Err(ParseError::NoRows),
        ROWS_AT_MOST => Err(ParseError::Truncated { rows, help: "download fewer goods, partners or months at once" }),
        _ => Ok(()),
    }
}

impl Columns {
    fn of(header: &[String]) -> Result<Self, ParseError> {
        if let Some(name) = header.iter().find(|name| is_cumulative(name)) {
            return Err(cumulative(name));
        }
        let columns = Self { means: header.iter().map(|name| means(name)).collect(), names: header.to_vec() };
        let single = |is: fn(&Means) -> bool, names: &str, help: &str| match columns
            .means
            .iter()
            .filter(|means| is(means))
            .count()
        {
            1 => Ok(()),
            0 => Err(unfit(format!("it has no column {names}; the columns are {}", shown(header)), help)),
            _ => Err(unfit(format!("it has several columns {names}"), "leave one of them")),
        };
        single(
            |means| *means == Means::Good,
            "`Commodity code` or `商品编码`",
            "download it again with the goods' codes",
        )?;
        single(
            |means| matches!(means, Means::Value(_)),
            "`US dollar` (`美元`) or `Renminbi Yuan` (`人民币`)",
            "download it again with one of them",
        )?;
        for means in [Means::Date, Means::Flow, Means::Partner, Means::Quantity(0), Means::Quantity(1)] {
            if columns.means.iter().filter(|other| **other == means).count() > 1 {
                return Err(unfit(
                    format!("two of its columns are the same; the columns are {}", shown(header)),
                    "leave one of them",
                ));
            }
        }
        Ok(columns)
    }

    /// Whether there is a column of months.
    pub fn has_date(&self) -> bool {
        self.means.contains(&Means::Date)
    }

    /// Whether there is a column of partners.
    pub fn has_partner(&self) -> bool {
        self.means.contains(&Means::Partner)
    }

    /// The money that the header names.
    pub fn currency(&self) -> Option<Unit> {
        let named = self.means.iter().find_map(|means| if let Means::Value(named) = means { *named } else { None });
        named.and_then(|code| Unit::parse(code).ok())
    }

    fn line<'t, R: Row>(&self, row: &'t R) -> Result<Line<'t>, String> {
        let mut fields: Vec<&str> = Vec::with_capacity(self.means.len() + 1);
        while let Cell::Text(text) = row.cell(fields.len()) {
            fields.push(text.trim());
        }
        // Each line ends with a comma, the header's too.
        while fields.len() > self.means.len() && fields.last().is_some_and(|field| field.is_empty()) {
            fields.pop();
        }
        let places = self.places(&fields)?;
        let field = |means: Means| {
            let column = self.means.iter().position(|other| *other == means)?;
            Some(fields[places[column]])
        };
        let value = self.means.iter().position(|means| matches!(means, Means::Value(_)));
        let value = number(fields[places[value.ok_or("no value")?]])?.ok_or("the value is empty")?;
        let quantity = |at| match (field(Means::Quantity(at)), field(Means::Unit(at))) {
            (Some(quantity), Some(unit)) if !matches!(unit, "" | "?" | "？") => {
                Ok::<_, String>(number(quantity)?.map(|quantity| (quantity, unit)))
            }
            _ => Ok(None),
        };
        Ok(Line {
            number: row.number(),
            date: field(Means::Date),
            flow: field(Means::Flow),
            good: field(Means::Good).ok_or("no code")?,
            partner: field(Means::Partner),
            value,
            quantities: [quantity(0)?, quantity(1)?],
        })
    }

    /// Where each column's field begins. A row has more fields than columns where names hold commas that are not
    /// quoted: those are put into names, if there is one way alone in which all else fits.
    fn places(&self, fields: &[&str]) -> Result<Vec<usize>, String> {
        let expected = || format!("expected {} fields, found {}", self.means.len(), fields.len());
        if fields.len() == self.means.len() {
            let misfit = self.means.iter().zip(fields).position(|(means, field)| !means.fits(field));
            return match misfit {
                Some(at) => Err(format!("`{}` is no `{}`", shorten(fields[at], 60), shorten(&self.names[at], 60))),
                None => Ok((0..fields.len()).collect()),
            };
        }
        let commas = fields.len().checked_sub(self.means.len()).ok_or_else(expected)?;
        let mut ways = Ways { means: &self.means, fields, steps: 0, found: Vec::new() };
        ways.fit(commas, &mut Vec::new());
        let told = |places: &[usize]| -> Vec<usize> {
            let known = self.means.iter().zip(places).filter(|(means, _)| **means != Means::Name);
            known.map(|(_, place)| *place).collect()
        };
        match ways.found.split_first() {
            Some((first, others)) if !ways.is_given_up() && others.iter().all(|other| told(other) == told(first)) => {
                Ok(first.clone())
            }
            _ => Err(format!("{}: is it a name with commas that are not quoted?", expected())),
        }
    }
}

/// Ways of putting a row's fields into columns, where names swallow more than one.
struct Ways<'r> {
    means: &'r [Means],
    fields: &'r [&'r str],
    steps: usize,
    found: Vec<Vec<usize>>,
}

impl Ways<'_> {
    fn is_given_up(&self) -> bool {
        self.steps >= STEPS_MAX || self.means.len() > COLUMNS_MAX
    }

    /// All ways in which the fields fit the columns from a column on, with so many commas left over.
    fn fit(&mut self, commas: usize, placed: &mut Vec<usize>) {
        self.steps += 1;
        if self.is_given_up() {
            return;
        }
        let Some(means) = self.means.get(placed.len()).copied() else {
            return if commas == 0 {
                self.found.push(placed.clone())
            };
        };
        let place = self.fields.len() - (self.means.len() - placed.len()) - commas;
        if !means.fits(self.fields[place]) {
            return;
        }
        placed.push(place);
        for more in 0..=if means == Means::Name { commas } else { 0 } {
            self.fit(commas - more, placed);
        }
        placed.pop();
    }
}

impl Means {
    /// Whether a field can be one of this column.
    fn fits(self, field: &str) -> bool {
        let digits = |count: std::ops::RangeInclusive<usize>| {
            count.contains(&field.len()) && field.bytes().all(|byte| byte.is_ascii_digit())
        };
        let number = || NUMBERS.read(field).is_ok();
        match self {
            Self::Date => field.starts_with(|c: char| c.is_ascii_digit()),
            Self::Good => digits(2..=10),
            Self::Partner => digits(3..=3),
            Self::Split => digits(1..=6),
            Self::Quantity(_) | Self::Value(_) => number(),
            Self::Unit(_) => !field.starts_with(|c: char| c.is_ascii_digit()),
            Self::Flow | Self::Name => true,
        }
    }
}

const NUMBERS: Numbers = Numbers { decimal: '.', thousands: Some(',') };

fn number(text: &str) -> Result<Option<Finite>, String> {
    if matches!(text, "?" | "？") { Ok(None) } else { NUMBERS.read(text) }
}

/// What a header means; a column that is not known is one that nothing is taken from.
fn means(name: &str) -> Means {
    let words: Vec<String> = name.split_whitespace().map(str::to_lowercase).collect();
    let name = words.join(" ");
    if MONEY.contains(&name.as_str()) {
        return Means::Value(None);
    }
    let known = HEADERS.iter().find(|(_, names)| names.contains(&name.as_str()));
    known.map_or(Means::Name, |(means, _)| *means)
}

fn shown(header: &[String]) -> String {
    crate::base::text::list(listed(header))
}
