//! The US Census Bureau: imports and exports of the United States by country and good, by month.
//!
//! Which months are out is asked first, by the totals of the goods' chapters: a month whose total or update has moved
//! is asked for again, so that revisions are seen. The Bureau keeps no vintages: a figure is known since it was read.
//! Source: api.census.gov/data/timeseries/intltrade and the Guide to International Trade Datasets. Totals and groups
//! of countries come among countries, quantities have the unit of their row, and a missing key is a web page.

mod ask;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use chrono_tz::America::New_York as NEW_YORK;

use self::ask::{Ask, Names, names};
use super::Common;
use super::draft::{Draft, Fault, Told};
use super::number::Numbers;
use super::site::{Site, without};
use super::trade::{Ended, Flow, LeftOut, Measure, Zeros};
use crate::base::clock::Timestamp;
use crate::base::secret::Secret;
use crate::base::text::shorten;
use crate::feed::codes::country::office::SCHEDULE_C;
use crate::feed::format::json_table::{self, Line};
use crate::feed::format::{no_page, said};
use crate::feed::{Answer, Pace, Page, ParseError, Publisher, Request, Standing};
use crate::period::{Frequency, Period, Span};
use crate::series::{Finite, Labels, Observation, Status, Unit, country};

/// Where it is.
pub const ADDRESS: &str = "https://api.census.gov/data/timeseries/intltrade";
/// Two requests a second at most.
const SPACING: std::time::Duration = std::time::Duration::from_millis(500);
/// Schedule C's code of the world.
const WORLD: &str = "-";
/// When the Harmonized Tariff Schedule is cut anew.
const CUT: [u32; 2] = [1, 7];

/// Trade as the Bureau has it.
#[derive(Clone, Debug)]
pub struct Census {
    /// Where it is asked.
    pub site: Site,
    /// The user's key.
    pub key: Secret,
    /// With whom, in Schedule C's codes; empty: every country, and no group of them.
    pub partners: Vec<String>,
    /// Codes of goods.
    pub goods: Vec<String>,
    /// Which ways.
    pub flows: Vec<Flow>,
    /// Which imports.
    pub basis: Basis,
    /// What is measured.
    pub measures: Vec<Measure>,
    /// The first month that is asked for.
    pub since: Option<Period>,
    /// A cell that is left out is a zero.
    pub absent_zero: bool,
    /// Frequency, labels, zone.
    pub common: Common,
}

/// Which goods count as imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// All that arrives.
    General,
    /// What enters consumption: on arrival, or later out of a bonded warehouse or a foreign trade zone.
    Consumption,
}

impl Basis {
    /// Both with their names.
    pub const ALL: [(&'static str, Self); 2] = [("general", Self::General), ("consumption", Self::Consumption)];

    const fn name(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::Consumption => "consumption",
        }
    }
}

/// Schedule C's code for a country in any way of writing, or for a group in the Bureau's own; `None` for what can be
/// no code.
pub fn code(country: &str) -> Option<String> {
    let iso = country::canonical(country);
    let own = SCHEDULE_C.own(&iso).unwrap_or_else(|| iso.to_ascii_uppercase());
    let four = own.len() == 4 && own.bytes().all(|byte| byte.is_ascii_digit() || byte == b'X');
    (four || own == WORLD).then_some(own)
}

/// Whether a code stands for a group of countries: those of countries are four digits and begin with no zero.
pub fn is_group(code: &str) -> bool {
    !(code.len() == 4 && code.bytes().all(|byte| byte.is_ascii_digit()) && !code.starts_with('0'))
}

impl Publisher for Census {
    fn requests(&self, standing: &Standing) -> Vec<Request> {
        self.flows.iter().filter_map(|flow| self.months_request(*flow, standing.now)).collect()
    }

    fn parse(&self, answer: &Answer<'_>) -> Result<Page, ParseError> {
        let body = without(&self.key, answer.body);
        let empty = answer.http_status == Some(204);
        if !empty {
            no_key(&body)?;
        }
        if answer.http_status.is_some_and(|status| !matches!(status, 200 | 204)) {
            return Err(ParseError::Said { said: said::words(&body), passes: false });
        }
        let body = if empty { Cow::Borrowed(NO_ROWS) } else { body };
        match serde_json::from_str(answer.question) {
            Ok(Ask::Months { export }) => self.months(&body, flow(export), answer.standing),
            Ok(Ask::Figures { export, goods, months, first }) => {
                self.figures(&body, &Asked { flow: flow(export), goods, months: spans(&months), first })
            }
            Err(_) => self.stand_in(&body),
        }
    }

    fn pace(&self) -> Pace {
        Pace { account: "census".to_owned(), spacing: SPACING, quota: None }
    }

    fn tells_absent(&self) -> bool {
        true
    }
}

/// What an answer of figures was asked for.
struct Asked {
    flow: Flow,
    goods: Vec<String>,
    months: Vec<Span>,
    first: bool,
}

/// An answer without a body.
const NO_ROWS: &[u8] = b"[[]]";

const fn flow(export: bool) -> Flow {
    if export { Flow::Export } else { Flow::Import }
}

fn spans(months: &[String]) -> Vec<Span> {
    months.iter().filter_map(|month| Span::parse(month).ok()).collect()
}

/// A wrong or missing key is answered with a web page and a plain success.
fn no_key(body: &[u8]) -> Result<(), ParseError> {
    match no_page(body, "a table as JSON") {
        Err(ParseError::Html { title: Some(title), .. }) if title.to_ascii_lowercase().contains("key") => {
            let said = format!(
                "{title}: a key is free at api.census.gov/data/key_signup.html, and works once the link in its mail was \
                 followed"
            );
            Err(ParseError::Said { said, passes: false })
        }
        other => other.map(|_| ()),
    }
}

impl Census {
    /// Whether countries are asked for, or the world, which stands among them.
    fn wants_countries(&self) -> bool {
        self.partners.iter().all(|partner| partner == WORLD || !is_group(partner))
    }

    /// Which months are out; what of them has moved since it was read is next.
    fn months(&self, body: &[u8], flow: Flow, standing: &Standing) -> Result<Page, ParseError> {
        let names = names(flow, self.basis);
        let mut out: BTreeMap<Period, Vec<String>> = BTreeMap::new();
        json_table::read(body, &mut |line| {
            let cell = |name| line.cell(name).ok().flatten().unwrap_or_default();
            if let Ok(span) = Span::read(&shorten(cell("time"), 60), Frequency::Month, None) {
                let seen = [cell(names.good), cell(names.value), cell("LAST_UPDATE")].map(|text| shorten(text, 40));
                out.entry(span.first()).or_default().push(seen.join(" "));
            }
            Ok(())
        })?;
        let Some((newest, _)) = out.last_key_value() else { return self.nothing_out(flow, standing) };
        let note = format!("{}s are out until {newest}", flow.name());
        let mark = |month: &Period, seen: &mut Vec<String>| {
            seen.sort_unstable();
            (format!("{} {month}", flow.name()), seen.join(", "))
        };
        let marks: BTreeMap<Period, (String, String)> =
            out.iter_mut().map(|(month, seen)| (*month, mark(month, seen))).collect();
        let is_new = |(name, seen): &(String, String)| standing.marks.get(name) != Some(seen);
        let new: Vec<Period> = marks.iter().filter(|(_, mark)| is_new(mark)).map(|(month, _)| *month).collect();
        let first = new.len() == marks.len() && !standing.marks.keys().any(|name| name.starts_with(flow.name()));
        let months: Vec<Period> = marks.keys().copied().collect();
        let next = self.figures_requests(flow, &months, &new, first);
        // Each request for figures has to succeed for the pull to stand: what is marked here is read then.
        let marks = if new.is_empty() { Vec::new() } else { marks.into_values().collect() };
        Ok(Page { next, marks, note: new.is_empty().then_some(note), ..Page::default() })
    }

    /// No month is out: not yet, or the question is wrong.
    fn nothing_out(&self, flow: Flow, standing: &Standing) -> Result<Page, ParseError> {
        let since = self.first().map(|first| first.to_string()).unwrap_or_default();
        if self.must_be_out(standing.now) {
            let why = format!(
                "the Census Bureau has no {}s of these chapters since {since}, which are long out: are the codes right?",
                flow.name()
            );
            return Err(ParseError::NoData { why });
        }
        let note = format!("{}s since {since} are not out yet", flow.name());
        Ok(Page { note: Some(note), ..Page::default() })
    }

    /// A file in the place of an answer: the direction is told by its columns.
    fn stand_in(&self, body: &[u8]) -> Result<Page, ParseError> {
        let mut export = false;
        json_table::read(body, &mut |line| {
            export |= line.cell("E_COMMODITY").is_ok();
            Ok(())
        })?;
        let asked = Asked { flow: flow(export), goods: self.goods.clone(), months: Vec::new(), first: true };
        self.figures(body, &asked)
    }

    fn figures(&self, body: &[u8], asked: &Asked) -> Result<Page, ParseError> {
        let names = names(asked.flow, self.basis);
        let (mut draft, mut left, mut cells) = (Draft::default(), LeftOut::default(), HashSet::new());
        json_table::read(body, &mut |line| {
            match self.row(line, asked, &names) {
                Ok(Row::Group(code)) => left.add(&code),
                Ok(Row::Cell(labels, span)) => {
                    if !cells.insert((labels.clone(), span)) {
                        return Err(second(line.number, &labels, span));
                    }
                    for measure in &self.measures {
                        draft.row(line.number, told(line, &labels, span, *measure, &names))?;
                    }
                }
                Err(fault) => draft.row(line.number, Err(fault))?,
            }
            Ok(())
        })?;
        let mut page = draft.finish();
        if page.rows == 0 && asked.first {
            return Err(ParseError::NoData { why: nothing(asked) });
        }
        let ended = ended(&page, asked);
        if self.absent_zero {
            self.fill(&mut page, asked, &ended);
        }
        let ended = ended.iter().map(|ended| ended.in_words("cut anew each January and July"));
        let notes: Vec<String> = left.in_words().into_iter().chain(ended).collect();
        page.note = (!notes.is_empty()).then(|| notes.join("; "));
        Ok(page)
    }

    /// What a row is of.
    fn row(&self, line: &Line<'_>, asked: &Asked, names: &Names) -> Result<Row, Fault> {
        let required = |name: &str| {
            let cell = line.cell(name).map_err(|reason| Fault::at(name, reason))?;
            cell.ok_or_else(|| Fault::at(name, "there is nothing"))
        };
        let partner = required("CTY_CODE")?;
        let level = line.cell("SUMMARY_LVL").ok().flatten();
        let is_group = is_group(partner) || level.is_some_and(|level| level != "DET");
        if is_group && !self.partners.iter().any(|own| own == partner) {
            return Ok(Row::Group(SCHEDULE_C.iso(partner)));
        }
        if !self.partners.is_empty() && !self.partners.iter().any(|own| own == partner) {
            return Err(unasked("CTY_CODE", partner));
        }
        let good = required(names.good)?;
        if !asked.goods.iter().any(|own| own == good) {
            return Err(unasked(names.good, good));
        }
        if asked.flow == Flow::Export
            && let Some(part) = line.cell("DF").ok().flatten().filter(|part| *part != "-")
        {
            let reason = format!("`{}` is a part: only the total, `-`, counts", shorten(part, 20));
            return Err(Fault::at("DF", reason));
        }
        let time = shorten(required("time")?, 60);
        let span = Span::read(&time, self.common.frequency, None);
        let span = span.map_err(|error| Fault::at("time", error.to_string()))?;
        if !asked.months.is_empty() && !asked.months.contains(&span) {
            return Err(unasked("time", &time));
        }
        let mut labels = self.base(asked.flow);
        labels.set("partner", SCHEDULE_C.iso(partner));
        labels.set("hs", good);
        labels.set("flow", asked.flow.name());
        Ok(Row::Cell(labels, span))
    }

    /// The labels that all series of a direction have.
    fn base(&self, flow: Flow) -> Labels {
        let mut labels = self.common.labels.clone();
        labels.set("reporter", "US");
        if flow == Flow::Import {
            labels.set("basis", self.basis.name());
        }
        labels
    }

    /// Zeros for the cells that an answer leaves out of the months that are out, but not of codes that have ended. A
    /// quantity of nothing is in the unit that the good has elsewhere in the answer.
    fn fill(&self, page: &mut Page, asked: &Asked, ended: &[Ended]) {
        for good in asked.goods.iter().filter(|good| !ended.iter().any(|ended| ended.code == **good)) {
            let traded = page.observations.iter().filter(|seen| seen.labels.value("hs") == Some(good));
            let traded: Vec<(Option<&str>, &Option<Unit>)> =
                traded.map(|seen| (seen.labels.value("measure"), &seen.unit)).collect();
            let unit = |measure: Measure| {
                let found = traded.iter().find(|(known, _)| *known == Some(measure.name()))?;
                found.1.clone()
            };
            let measures = self.measures.iter().filter_map(|measure| Some((*measure, unit(*measure)?))).collect();
            let zeros = Zeros {
                base: self.base(asked.flow),
                partners: self.partners.iter().map(|partner| SCHEDULE_C.iso(partner)).collect(),
                goods: vec![good.clone()],
                flows: vec![asked.flow],
                measures,
                spans: asked.months.iter().map(|month| (*month, None)).collect(),
            };
            zeros.fill(page);
        }
    }
}

/// What a row is of.
enum Row {
    /// A group of countries that was not asked for.
    Group(String),
    /// A cell.
    Cell(Labels, Span),
}

/// What a row says of a measure.
fn told(line: &Line<'_>, labels: &Labels, span: Span, measure: Measure, names: &Names) -> Result<Told, Fault> {
    let mut labels = labels.clone();
    labels.set("measure", measure.name());
    let found = match measure {
        Measure::Value => {
            number(line, names.value)?.zip(Unit::parse("USD").ok()).map(|(value, unit)| (value, unit, Status::Final))
        }
        Measure::Weight | Measure::Quantity => quantity(line, names)?,
    };
    Ok(match found {
        Some((value, unit, status)) => {
            let (value, unit) = (Some(value), Some(unit));
            Told::Figure(Observation { labels, span, value, unit, status, published: None, row: 0 })
        }
        None => Told::Unavailable(labels, span),
    })
}

/// The quantity of a row in its unit and with its mark. A zero beside a value is none.
fn quantity(line: &Line<'_>, names: &Names) -> Result<Option<(Finite, Unit, Status)>, Fault> {
    let text = |name: &str| line.cell(name).map_err(|reason| Fault::at(name, reason));
    let Some(status) = status(text(names.flag)?.unwrap_or_default()) else { return Ok(None) };
    let Some(quantity) = number(line, names.quantity)? else { return Ok(None) };
    let value = number(line, names.value)?;
    if quantity == Finite::ZERO && value.is_none_or(|value| value != Finite::ZERO) {
        return Ok(None);
    }
    let Some(unit) = unit(text("UNIT_QY1")?.unwrap_or_default())? else { return Ok(None) };
    Ok(Some((quantity, unit, status)))
}

fn number(line: &Line<'_>, name: &str) -> Result<Option<Finite>, Fault> {
    let text = line.cell(name).map_err(|reason| Fault::at(name, reason))?;
    Numbers { decimal: '.', thousands: None }.read(text.unwrap_or_default()).map_err(|reason| Fault::at(name, reason))
}

/// What a mark of a quantity means; `None`: there is no quantity, whatever stands in its place.
fn status(flag: &str) -> Option<Status> {
    match flag {
        "M" | "N" => None,
        "A" | "D" | "S" => Some(Status::Confidential),
        "E" => Some(Status::Estimated),
        "P" => Some(Status::Preliminary),
        _ => Some(Status::Final),
    }
}

/// A unit of quantity in the Bureau's code; `None` where there is none, or several are mixed below the good.
fn unit(code: &str) -> Result<Option<Unit>, Fault> {
    let text = match code {
        "" | "-" | "X" => return Ok(None),
        // "Content" is that of the metal in an ore or alloy.
        "KG" | "CKG" => "kg",
        "G" | "GM" | "CGM" => "g",
        "T" | "TON" | "CTN" => "t",
        "NO" | "PCS" => "count",
        other => {
            let reason =
                format!("a quantity in `{}` is not understood; leave `quantity` out of `measure`", shorten(other, 20));
            return Err(Fault::at("UNIT_QY1", reason));
        }
    };
    Ok(Unit::parse(text).ok())
}

/// The codes of ten digits that have figures until a cut of the nomenclature and none since.
fn ended(page: &Page, asked: &Asked) -> Vec<Ended> {
    let newest = asked.months.iter().map(|month| month.last()).max();
    let codes = asked.goods.iter().filter(|code| code.len() == 10);
    let ended = codes.filter_map(|code| Ended::of(page, code, &CUT));
    ended.filter(|ended| newest.is_some_and(|newest| newest >= ended.since)).collect()
}

/// Why a question has no answer, though its months are out.
fn nothing(asked: &Asked) -> String {
    let months = match (asked.months.first(), asked.months.last()) {
        (Some(first), Some(last)) => format!("the months {first} to {last} are out, and have"),
        _ => "it has".to_owned(),
    };
    let goods: Vec<String> = asked.goods.iter().take(3).map(|good| format!("`{good}`")).collect();
    let more = if asked.goods.len() > goods.len() { " …" } else { "" };
    format!(
        "{months} no {} of {}{more} with these partners; codes of ten digits change each January and July",
        asked.flow.name(),
        goods.join(", "),
    )
}

fn second(number: usize, labels: &Labels, span: Span) -> ParseError {
    let reason =
        format!("a second row for {span} of {labels}: the answer has parts of totals, and none of it is taken");
    ParseError::Malformed { row: number, reason: shorten(&reason, 300) }
}

fn unasked(column: &str, text: &str) -> Fault {
    Fault::at(column, format!("`{}` was not asked for", shorten(text, 60)))
}

#[cfg(test)]
mod tests;
