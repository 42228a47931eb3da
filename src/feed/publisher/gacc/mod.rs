//! Chinese customs (GACC): the files that people download from its query platform and put into a folder.
//!
//! The platform has no interface for programs and asks for a proof of being human with each query, so nothing is
//! fetched here. A file says its currency in the header alone, never its direction, and its months not always; its
//! rows are summed to the partner. Sources: stats.customs.gov.cn and the files that it gives.

mod said;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use encoding_rs::{GB18030, UTF_8};

use super::Common;
use super::draft::{Draft, Fault, Told};
use super::folder::{Dropped, Folder, Step};
use super::trade::{Flow, Measure};
use crate::base::clock::Timestamp;
use crate::base::text::{list, shorten};
use crate::feed::codes::country::gacc::TABLE;
use crate::feed::format::{decode, sniff};
use crate::feed::{Answer, Page, ParseError, Publisher, Request, Standing};
use crate::period::{Frequency, Length, Span};
use crate::series::{Finite, Labels, Observation, Release, Status, Unit};
use said::{Said, cumulative, month, unfit};
use table::{Columns, Line};

/// Trade as people download it from Chinese customs.
#[derive(Clone, Debug)]
pub struct Gacc {
    /// Where they put the files.
    pub folder: Folder,
    /// Which way the trade of a file goes that does not say it.
    pub flow: Option<Flow>,
    /// Codes of goods that are kept; empty: all.
    pub goods: Vec<String>,
    /// Partners that are kept, as labels have them; empty: all.
    pub partners: Vec<String>,
    /// What is kept.
    pub measures: Vec<Measure>,
    /// Frequency, labels, zone.
    pub common: Common,
}

impl Publisher for Gacc {
    fn requests(&self, _: &Standing) -> Vec<Request> {
        self.folder.requests()
    }

    fn parse(&self, answer: &Answer<'_>) -> Result<Page, ParseError> {
        match self.folder.step(answer)? {
            Step::Page(page) => Ok(page),
            Step::Read(file) => self.read(&file, answer),
        }
    }

    /// The query platform has a month's figures on the 20th of the next, and January's with February's in March.
    /// People download them some days later.
    fn release(&self) -> Option<Release> {
        Some(Release {
            day: Some(20),
            after: Length::parse("1mo")?,
            grace: Length::parse("5d")?,
            skip: vec![2],
            zone: chrono_tz::Asia::Shanghai,
        })
    }
}

/// What is summed: one way, one span, one good, one partner.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    good: String,
    partner: String,
    flow: &'static str,
    span: Span,
}

/// The rows of one key together.
struct Sum {
    /// The first of them, for messages.
    row: usize,
    value: f64,
    /// Mass in kilograms, and what is counted otherwise, by the unit as ours or as written.
    weight: Option<f64>,
    quantities: BTreeMap<String, (f64, Option<Unit>)>,
}

impl Gacc {
    /// Reads a file.
    fn read(&self, file: &Dropped, answer: &Answer<'_>) -> Result<Page, ParseError> {
        sniff(answer.body, "a CSV file of Chinese customs")?;
        // The customs write GB18030, Excel UTF-8 with a mark; Chinese text in the one is not in the other.
        let encoding = if std::str::from_utf8(answer.body).is_ok() { UTF_8 } else { GB18030 };
        let text = decode(answer.body, encoding).map_err(|error| match error {
            ParseError::Encoding { offset, .. } => unfit(
                format!("it is neither GB18030 nor UTF-8: byte {offset} cannot be read"),
                "download it again, and do not save it with another program",
            ),
            other => other,
        })?;
        let said = Said::of(file)?;
        let mut reading =
            Reading { gacc: self, said, sums: BTreeMap::new(), unknown: BTreeSet::new(), left_out: false };
        let mut currency = None;
        table::read(&text, |columns, line| {
            currency = columns.currency();
            reading.line(columns, &line)
        })?;
        let currency = currency.or(reading.said.currency.clone()).ok_or_else(|| {
            unfit("it does not say which money its values are in", "write currency = \"USD\" into a file beside it")
        })?;
        self.page(&reading, &currency, file, answer)
    }

    /// The sums as figures.
    fn page(
        &self,
        reading: &Reading<'_>,
        currency: &Unit,
        file: &Dropped,
        answer: &Answer<'_>,
    ) -> Result<Page, ParseError> {
        let published = file.written(answer.standing.now);
        let mut draft = Draft::default();
        for (key, sum) in &reading.sums {
            let weight = sum.weight.map(|weight| (Measure::Weight, weight, Unit::parse("kg").ok()));
            let quantities = sum.quantities.values().map(|(total, unit)| (Measure::Quantity, *total, unit.clone()));
            let value = (Measure::Value, sum.value, Some(currency.clone()));
            for (measure, total, unit) in [value].into_iter().chain(weight).chain(quantities) {
                if !self.measures.contains(&measure) {
                    continue;
                }
                let labels = self.labels(key, measure);
                // Less than half a unit is written as none.
                let told = if total == 0.0 && sum.value > 0.0 {
                    Ok(Told::Unavailable(labels, key.span))
                } else {
                    figure(labels, key.span, total, unit, published)
                };
                draft.row(sum.row, told)?;
            }
        }
        if let Some((name, mark)) = file.mark(answer.body) {
            draft.mark(name, mark);
        }
        let note = reading
            .note()
            .map(|note| if file.name.is_empty() { note } else { format!("{}: {note}", shorten(&file.name, 60)) });
        Ok(Page { note, ..draft.finish() })
    }

    fn labels(&self, key: &Key, measure: Measure) -> Labels {
        let mut labels = self.common.labels.clone();
        labels.set("reporter", "CN");
        labels.set("partner", key.partner.as_str());
        labels.set("flow", key.flow);
        labels.set("hs", key.good.as_str());
        labels.set("measure", measure.name());
        labels
    }
}

/// A file in the reading.
struct Reading<'g> {
    gacc: &'g Gacc,
    said: Said,
    sums: BTreeMap<Key, Sum>,
    /// Partners' codes without a country.
    unknown: BTreeSet<String>,
    /// A second quantity that counts in other things than the first, neither of them mass.
    left_out: bool,
}

impl Reading<'_> {
    fn line(&mut self, columns: &Columns, line: &Line<'_>) -> Result<(), ParseError> {
        let span = self.span(columns, line)?;
        let flow = self.flow(line)?;
        let partner = self.partner(columns, line)?;
        let keeps = |kept: &[String], code: &str| kept.is_empty() || kept.iter().any(|known| known == code);
        if !keeps(&self.gacc.goods, line.good) || !keeps(&self.gacc.partners, &partner) {
            return Ok(());
        }
        let key = Key { good: line.good.to_owned(), partner, flow: flow.name(), span };
        let fresh = || Sum { row: line.number, value: 0.0, weight: None, quantities: BTreeMap::new() };
        let sum = self.sums.entry(key).or_insert_with(fresh);
        sum.value += line.value.get();
        let (mut has_weight, mut has_count) = (false, false);
        for (quantity, written) in line.quantities.iter().flatten() {
            match counted(written) {
                // The same mass in another unit adds nothing.
                Counted::Kilograms(_) if has_weight => {}
                Counted::Kilograms(times) => {
                    has_weight = true;
                    *sum.weight.get_or_insert_default() += quantity.get() * times;
                }
                Counted::Other(_) if has_count => self.left_out = true,
                Counted::Other(unit) => {
                    has_count = true;
                    let name = unit.as_ref().map_or_else(|| (*written).to_owned(), ToString::to_string);
                    sum.quantities.entry(name).or_insert((0.0, unit)).0 += quantity.get();
                }
            }
        }
        Ok(())
    }

    fn span(&self, columns: &Columns, line: &Line<'_>) -> Result<Span, ParseError> {
        let Some(date) = line.date.filter(|_| columns.has_date()) else {
            let help = "name it like gacc_export_85051110_2026-03.csv, write period = \"2026-03\" into a file \
                        beside it (NAME.csv.toml), or download it again by month";
            return self
                .said
                .span
                .ok_or_else(|| unfit("it has no column of months, and nothing else says its month", help));
        };
        let malformed = |reason: String| ParseError::Malformed { row: line.number, reason };
        let span = Span::read(date, Frequency::Month, None).map_err(|error| malformed(error.to_string()))?;
        month(span).ok_or_else(|| cumulative(date))
    }

    fn flow(&self, line: &Line<'_>) -> Result<Flow, ParseError> {
        if let Some(written) = line.flow {
            let reason = || format!("`{}` is neither import nor export", shorten(written, 60));
            return said::flow(written).ok_or_else(|| ParseError::Malformed { row: line.number, reason: reason() });
        }
        let help = "name it like gacc_export_85051110_2026-03.csv, write flow = \"export\" into a file beside it \
                    (NAME.csv.toml), or into the feed";
        self.said.flow.or(self.gacc.flow).ok_or_else(|| unfit("nothing says whether it has imports or exports", help))
    }

    fn partner(&mut self, columns: &Columns, line: &Line<'_>) -> Result<String, ParseError> {
        let Some(code) = line.partner.filter(|_| columns.has_partner()) else {
            let help = "download it again with trading partners, or, if it is of one partner or of the whole world \
                        (W00), write partner = \"US\" into a file beside it (NAME.csv.toml)";
            let missing = || unfit("it has no column of partners", help);
            return self.said.partner.clone().ok_or_else(missing);
        };
        let iso = TABLE.iso(code);
        if iso.is_none() {
            self.unknown.insert(code.to_owned());
        }
        Ok(iso.unwrap_or(code).to_owned())
    }

    fn note(&self) -> Option<String> {
        const NAMED: usize = 8;
        let codes = || list(self.unknown.iter().take(NAMED));
        let notes = [
            (!self.unknown.is_empty())
                .then(|| format!("partners without a code of ISO's keep the customs' own ({})", codes())),
            self.sums.is_empty().then(|| "none of its goods and partners are kept".to_owned()),
            self.left_out.then(|| "second quantities that are no mass are left out".to_owned()),
        ];
        notes.into_iter().flatten().reduce(|a, b| format!("{a}; {b}"))
    }
}

/// A figure, where its sum is still a number.
fn figure(
    labels: Labels,
    span: Span,
    total: f64,
    unit: Option<Unit>,
    published: Option<Timestamp>,
) -> Result<Told, Fault> {
    let value = Finite::new(total).ok_or(Fault { column: None, reason: "the sum is too large".to_owned() })?;
    let status = Status::Final;
    Ok(Told::Figure(Observation { labels, span, value: Some(value), unit, status, published, row: 0 }))
}

/// What a unit of the customs counts.
enum Counted {
    /// Mass; so many kilograms.
    Kilograms(f64),
    /// Something else; ours where there is one.
    Other(Option<Unit>),
}

fn counted(unit: &str) -> Counted {
    match unit.to_lowercase().as_str() {
        "千克" | "公斤" | "kilogram" | "kilograms" | "kg" => Counted::Kilograms(1.0),
        "克" | "gram" | "grams" => Counted::Kilograms(0.001),
        "吨" | "ton" | "metric ton" | "tonne" => Counted::Kilograms(1000.0),
        "克拉" | "carat" | "carats" => Counted::Kilograms(0.0002),
        "个" | "只" | "台" | "件" | "套" | "辆" | "艘" | "架" | "支" | "piece" | "pieces" | "set" | "sets" | "unit"
        | "units" | "number" => Counted::Other(Unit::parse("count").ok()),
        _ => Counted::Other(None),
    }
}

#[cfg(test)]
mod tests;
