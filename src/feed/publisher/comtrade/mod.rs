//! UN Comtrade: the trade of some two hundred reporters by partner and good, as they reported it, monthly or yearly.
//!
//! What was released is asked first (`getDa`): a period is asked for when its release or its checksum is another than
//! the one that was read. With a key an answer has 100 000 rows and twelve periods; the preview, without one, has 500
//! rows and one period. Source: the UN Comtrade API v1 (comtradedeveloper.un.org) and its official client
//! `comtradeapicall`. Figures are as the classification of the day has them; a switch between its editions is told.

mod ask;
mod releases;
mod wire;

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::value::RawValue;

use self::ask::Ask;
use self::wire::{Code, Envelope, Row, refusal};
use super::draft::{Draft, Fault, Told};
use super::site::{Site, without};
use super::trade::{Flow, LeftOut, Measure, Zeros};
use super::{Common, published};
use crate::base::clock::Timestamp;
use crate::base::secret::Secret;
use crate::base::text::shorten;
use crate::feed::codes::country::comtrade::GROUPS;
use crate::feed::codes::country::office::COMTRADE;
use crate::feed::format::sniff;
use crate::feed::{Answer, Pace, Page, ParseError, Publisher, Quota, QuotaWindow, Request, Standing};
use crate::period::{Period, Span};
use crate::series::country;
use crate::series::{Finite, Labels, Observation, Status, Unit};

/// Where it is.
pub const ADDRESS: &str = "https://comtradeapi.un.org";
/// The question what was released.
const RELEASES: &str = "releases";
/// A wrong query, a wrong key, no such address.
const READ: &[u16] = &[400, 401, 404];
/// With a key, and without: users measure one request a second and less.
const SPACING: [std::time::Duration; 2] = [std::time::Duration::from_secs(2), std::time::Duration::from_secs(4)];
/// What a free key surely allows; the documentation says so many a day.
const QUOTA: Quota = Quota { calls: 500, window: QuotaWindow::Month };

/// Trade as Comtrade has it.
#[derive(Clone, Debug)]
pub struct Comtrade {
    /// Where it is asked.
    pub site: Site,
    /// The user's key; without one the preview is asked.
    pub key: Option<Secret>,
    /// Who reports, in Comtrade's codes.
    pub reporters: Vec<String>,
    /// With whom, in Comtrade's codes; empty: every country, and no group of them.
    pub partners: Vec<String>,
    /// Codes of goods.
    pub goods: Vec<String>,
    /// Which ways.
    pub flows: Vec<Flow>,
    /// What is measured.
    pub measures: Vec<Measure>,
    /// The first period that is asked for.
    pub since: Option<Period>,
    /// A cell that is left out is a zero.
    pub absent_zero: bool,
    /// Frequency, labels, zone.
    pub common: Common,
}

/// Comtrade's code of a direction.
const fn flow_code(flow: Flow) -> &'static str {
    match flow {
        Flow::Import => "M",
        Flow::Export => "X",
    }
}

/// Comtrade's code of a reporter or partner for a country in any way of writing; `None` for what can be no code.
pub fn code(country: &str) -> Option<String> {
    let iso = country::canonical(country);
    let own = COMTRADE.own(&iso).unwrap_or(iso);
    let good = (1..=3).contains(&own.len()) && own.bytes().all(|byte| byte.is_ascii_digit());
    good.then_some(own)
}

/// Whether a code stands for a group of countries. Areas "not elsewhere specified" are a part beside the countries.
pub fn is_group(code: &str) -> bool {
    GROUPS.contains(&code)
}

impl Publisher for Comtrade {
    fn requests(&self, _: &Standing) -> Vec<Request> {
        vec![self.releases_request()]
    }

    fn parse(&self, answer: &Answer<'_>) -> Result<Page, ParseError> {
        // An answer may quote the key that it refuses.
        let body = self.key.as_ref().map_or(Cow::Borrowed(answer.body), |key| without(key, answer.body));
        sniff(&body, "JSON")?;
        if answer.http_status.is_some_and(|status| status != 200) {
            return Err(refusal(&body));
        }
        let rows = Envelope::rows(&body)?;
        if answer.question == RELEASES {
            return self.released(&rows, answer.standing);
        }
        let ask: Option<Ask> = serde_json::from_str(answer.question).ok();
        self.traded(&rows, ask.as_ref())
    }

    fn pace(&self) -> Pace {
        match self.key {
            Some(_) => Pace { account: "comtrade".to_owned(), spacing: SPACING[0], quota: Some(QUOTA) },
            None => Pace { account: "comtrade preview".to_owned(), spacing: SPACING[1], quota: None },
        }
    }

    fn tells_absent(&self) -> bool {
        true
    }
}

impl Comtrade {
    /// The figures of an answer.
    fn traded(&self, rows: &[&RawValue], ask: Option<&Ask>) -> Result<Page, ParseError> {
        if rows.len() >= self.rows_max() {
            let help = "ask for fewer codes or partners in one feed";
            return Err(ParseError::Truncated { rows: rows.len(), help });
        }
        if rows.is_empty() && ask.is_none() {
            return Err(ParseError::NoData { why: "it has no rows".to_owned() });
        }
        let mut draft = Draft::default();
        let mut left = LeftOut::default();
        let mut cells = HashSet::new();
        for (index, raw) in rows.iter().enumerate() {
            match self.row(raw, ask) {
                Ok(row) if is_group(&row.partner_code.0) && !self.partners.contains(&row.partner_code.0) => {
                    left.add(&COMTRADE.iso(&row.partner_code.0));
                }
                Ok(row) => {
                    if !cells.insert(cell(&row)) {
                        return Err(second(index + 1, &row));
                    }
                    self.figures_of(&row, ask, |told| draft.row(index + 1, told))?;
                }
                Err(fault) => draft.row(index + 1, Err(fault))?,
            }
        }
        for (period, release) in ask.iter().flat_map(|ask| &ask.periods) {
            draft.mark(ask.map(|ask| ask.mark(period)).unwrap_or_default(), release.mark());
        }
        let mut page = draft.finish();
        let nothing = rows.is_empty().then(|| nothing(ask)).flatten();
        page.note = [left.in_words(), nothing].into_iter().flatten().reduce(|a, b| format!("{a}; {b}"));
        if let Some(ask) = ask.filter(|_| self.absent_zero) {
            self.fill(&mut page, ask);
        }
        Ok(page)
    }

    /// A row that is what was asked for, and no part of it.
    fn row(&self, raw: &RawValue, ask: Option<&Ask>) -> Result<Row, Fault> {
        let row: Row = serde_json::from_str(raw.get())
            .map_err(|error| Fault { column: None, reason: shorten(&error.to_string(), 200) })?;
        let totals = [
            ("partner2Code", &row.partner2_code, "0"),
            ("motCode", &row.mot_code, "0"),
            ("customsCode", &row.customs_code, "C00"),
        ];
        for (name, code, total) in totals {
            if let Some(Code(part)) = code.as_ref().filter(|code| code.0 != total) {
                let part = shorten(part, 60);
                return Err(Fault::at(name, format!("`{part}` is a part: only the total, `{total}`, counts")));
            }
        }
        let asked = |name, Code(code): &Code, codes: &[String]| {
            if codes.is_empty() || codes.contains(code) { Ok(()) } else { Err(unasked(name, code)) }
        };
        asked("reporterCode", &row.reporter_code, &self.reporters)?;
        if !is_group(&row.partner_code.0) {
            asked("partnerCode", &row.partner_code, &self.partners)?;
        }
        if code(&row.partner_code.0).is_none() {
            return Err(Fault::at("partnerCode", format!("`{}` is no code", shorten(&row.partner_code.0, 60))));
        }
        asked("cmdCode", &row.cmd_code, &self.goods)?;
        match ask {
            Some(ask) if !ask.periods.iter().any(|(period, _)| *period == row.period.0) => {
                Err(unasked("period", &row.period.0))
            }
            _ => Ok(row),
        }
    }

    /// What a row says of each measure.
    fn figures_of(
        &self,
        row: &Row,
        ask: Option<&Ask>,
        mut add: impl FnMut(Result<Told, Fault>) -> Result<(), ParseError>,
    ) -> Result<(), ParseError> {
        let (labels, span) = match self.labels(row).and_then(|labels| Ok((labels, self.span(&row.period.0)?))) {
            Ok(found) => found,
            Err(fault) => return add(Err(fault)),
        };
        let release = ask.and_then(|ask| ask.periods.iter().find(|(period, _)| *period == row.period.0));
        let published = release.and_then(|(_, release)| moment(&release.at));
        for measure in &self.measures {
            let mut labels = labels.clone();
            labels.set("measure", measure.name());
            add(figure(row, *measure).map(|found| match found {
                Some((value, unit, status)) => {
                    let (value, unit) = (Some(value), Some(unit));
                    Told::Figure(Observation { labels, span, value, unit, status, published, row: 0 })
                }
                None => Told::Unavailable(labels, span),
            }))?;
        }
        Ok(())
    }

    fn labels(&self, row: &Row) -> Result<Labels, Fault> {
        let flow = self.flows.iter().find(|flow| flow_code(**flow) == row.flow_code.0);
        let flow = flow.ok_or_else(|| unasked("flowCode", &row.flow_code.0))?;
        let mut labels = self.common.labels.clone();
        labels.set("reporter", COMTRADE.iso(&row.reporter_code.0));
        labels.set("partner", COMTRADE.iso(&row.partner_code.0));
        labels.set("hs", row.cmd_code.0.as_str());
        labels.set("flow", flow.name());
        Ok(labels)
    }

    /// `202501`, `2025`; a year among months is none.
    fn span(&self, period: &str) -> Result<Span, Fault> {
        Span::read(&shorten(period, 60), self.common.frequency, None)
            .map_err(|error| Fault::at("period", error.to_string()))
    }

    /// Zeros for the cells that an answer leaves out of what was released.
    fn fill(&self, page: &mut Page, ask: &Ask) {
        let slices = self.slices();
        let Some(slice) = slices.get(ask.slice) else { return };
        let spans = ask.periods.iter().filter_map(|(period, release)| {
            let span = self.span(period).ok()?;
            Some((span, moment(&release.at)))
        });
        let mut base = self.common.labels.clone();
        base.set("reporter", COMTRADE.iso(&ask.reporter));
        let zeros = Zeros {
            base,
            partners: slice.partners.iter().map(|partner| COMTRADE.iso(partner)).collect(),
            goods: slice.goods.clone(),
            flows: slice.flows.clone(),
            measures: self.measures.iter().filter_map(|measure| Some((*measure, unit(*measure)?))).collect(),
            spans: spans.collect(),
        };
        zeros.fill(page);
    }
}

/// What tells one row of an answer from another.
fn cell(row: &Row) -> [Code; 5] {
    [&row.reporter_code, &row.partner_code, &row.cmd_code, &row.flow_code, &row.period].map(Clone::clone)
}

/// A cell comes once, or it comes in parts whose sum is not known.
fn second(number: usize, row: &Row) -> ParseError {
    let words = [&row.reporter_code, &row.partner_code, &row.cmd_code, &row.flow_code, &row.period];
    let words = words.map(|Code(code)| shorten(code, 20)).join(" ");
    let reason = format!(
        "a second row for one cell (reporter, partner, good, direction, period: {words}): the answer has parts of \
         totals, and none of it is taken"
    );
    ParseError::Malformed { row: number, reason }
}

/// The unit of a measure; a quantity's is the row's.
fn unit(measure: Measure) -> Option<Unit> {
    let text = match measure {
        Measure::Value => "USD",
        Measure::Weight => "kg",
        Measure::Quantity => return None,
    };
    Unit::parse(text).ok()
}

/// The figure of a measure; `None` where there is none.
fn figure(row: &Row, measure: Measure) -> Result<Option<(Finite, Unit, Status)>, Fault> {
    // 2 and 6: quantity, 4 and 6: weight was estimated. Comtrade's own flags say so since 2023.
    let flag = row.legacy_estimation_flag.unwrap_or(0);
    let (name, number, estimated) = match measure {
        Measure::Value => ("primaryValue", row.primary_value, false),
        Measure::Weight => ("netWgt", row.net_wgt, row.is_net_wgt_estimated == Some(true) || matches!(flag, 4 | 6)),
        Measure::Quantity => ("qty", row.qty, row.is_qty_estimated == Some(true) || matches!(flag, 2 | 6)),
    };
    let Some(number) = number else { return Ok(None) };
    // Months have a zero where years have nothing: goods that have a value have a weight.
    if number == 0.0 && measure != Measure::Value && row.primary_value.is_none_or(|value| value != 0.0) {
        return Ok(None);
    }
    let unit = match measure {
        Measure::Quantity => match quantity_unit(row)? {
            Some(unit) => unit,
            None => return Ok(None),
        },
        Measure::Value | Measure::Weight => unit(measure).ok_or_else(|| Fault::at(name, "no unit"))?,
    };
    let value = Finite::new(number).ok_or_else(|| Fault::at(name, "no figure"))?;
    Ok(Some((value, unit, if estimated { Status::Estimated } else { Status::Final })))
}

/// The unit of a row's quantity, by Comtrade's code of it; `None` where it has none.
fn quantity_unit(row: &Row) -> Result<Option<Unit>, Fault> {
    let text = match row.qty_unit_code.as_ref().map(|Code(code)| code.as_str()) {
        None | Some("-1" | "1") => return Ok(None),
        Some("8") => "kg",
        Some("5") => "count",
        Some(other) => {
            let name = row.qty_unit_abbr.as_deref().unwrap_or(other);
            let reason = format!("a quantity in `{}` is not understood; leave it out of `measure`", shorten(name, 40));
            return Err(Fault::at("qtyUnitCode", reason));
        }
    };
    Ok(Unit::parse(text).ok())
}

/// A time without a zone, as Comtrade writes it, in UTC.
fn moment(text: &str) -> Option<Timestamp> {
    published::read(text, chrono_tz::UTC).ok()
}

/// What an answer without rows means: the period was released, so there is no such trade, or no such code.
fn nothing(ask: Option<&Ask>) -> Option<String> {
    let ask = ask?;
    let (first, last) = (ask.periods.first()?, ask.periods.last()?);
    let periods = if first == last { first.0.clone() } else { format!("{} to {}", first.0, last.0) };
    let reporter = country::name(&COMTRADE.iso(&ask.reporter));
    Some(format!("{reporter} {periods} is released and has no such trade; does it use these codes?"))
}

fn unasked(column: &str, code: &str) -> Fault {
    Fault::at(column, format!("`{}` was not asked for", shorten(code, 60)))
}

#[cfg(test)]
mod tests;
