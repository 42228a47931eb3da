//! Chinese customs (GACC): the files that people download from its query platform and put into a folder.
//!
//! The platform has no interface for programs and asks for a proof of being human with each query, so nothing is
//! fetched here. A file says its currency in the header alone, never its direction, and its months not always; its
//! rows are summed to the partner. Sources: stats.customs.gov.cn and the files that it gives.

mod said;
mod table;

use std::path::Path;

use encoding_rs::GB18030;

use super::Common;
use super::folder::{Dropped, Folder, Step};
use super::sum::{self, Counted, Kept, Key, Sums};
use super::trade::Flow;
use crate::base::text::shorten;
use crate::feed::codes::country::gacc::TABLE;
use crate::feed::format::{decode_either, sniff};
use crate::feed::{Answer, Page, ParseError, Publisher, Request, Standing};
use crate::period::{Frequency, Length, Span};
use crate::series::{Release, Unit};
use said::{Said, cumulative, month, unfit};
use table::{Columns, Line};

/// Trade as people download it from Chinese customs.
#[derive(Clone, Debug)]
pub struct Gacc {
    /// Where they put the files.
    pub folder: Folder,
    /// Which way the trade of a file goes that does not say it.
    pub flow: Option<Flow>,
    /// Which of their goods, partners and measures are kept.
    pub kept: Kept,
    /// Frequency, labels, zone.
    pub common: Common,
}

impl Publisher for Gacc {
    fn requests(&self, _: &Standing) -> Vec<Request> {
        self.folder.requests()
    }

    fn stand_in(&self, path: &Path) -> Request {
        Folder::stand_in(path)
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

impl Gacc {
    /// Reads a file.
    fn read(&self, file: &Dropped, answer: &Answer<'_>) -> Result<Page, ParseError> {
        sniff(answer.body, "a CSV file of Chinese customs")?;
        let text = decode_either(answer.body, GB18030)?;
        let mut reading = Reading { gacc: self, said: Said::of(file)?, sums: Sums::default() };
        let mut currency = None;
        table::read(&text, |columns, line| {
            currency = columns.currency();
            reading.line(columns, &line)
        })?;
        let currency = currency.or(reading.said.currency).ok_or_else(|| {
            unfit("it does not say which money its values are in", "write currency = \"USD\" into a file beside it")
        })?;
        let mut base = self.common.labels.clone();
        base.set("reporter", "CN");
        let page = reading.sums.page(&base, &currency, &self.kept.measures, file.written(answer.standing.now))?;
        Ok(file.marked(page, answer.body))
    }
}

/// A file in the reading.
struct Reading<'g> {
    gacc: &'g Gacc,
    said: Said,
    sums: Sums,
}

impl Reading<'_> {
    fn line(&mut self, columns: &Columns, line: &Line<'_>) -> Result<(), ParseError> {
        let span = self.span(columns, line)?;
        let flow = self.flow(line)?;
        let partner = self.partner(columns, line)?;
        if self.gacc.kept.has_good(line.good) && self.gacc.kept.has_partner(&partner) {
            let quantities = line.quantities.map(|found| found.map(|(much, unit)| (much.get(), counted(unit), unit)));
            let key = Key::new(line.good, &partner, flow, span);
            self.sums.add(key, sum::Line { row: line.number, value: line.value.get(), quantities });
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
        Ok(self.sums.partner(&TABLE, code))
    }
}

/// What a unit of the customs counts.
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
