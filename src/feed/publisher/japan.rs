//! Japan's customs: the yearly files of trade by good and country, which have a column for each month, from a folder
//! or an address (e-Stat, customs.go.jp).
//!
//! Months that are not out yet are zeros in them, as are months without trade. So a file says by its last month in
//! which anything at all was traded how far it goes. Values are in thousands of yen, rounded down. Source: Trade
//! Statistics of Japan, Ministry of Finance; the layout of its files for download.

use std::collections::BTreeMap;

use chrono_tz::Asia::Tokyo;
use encoding_rs::SHIFT_JIS;

use super::Common;
use super::folder::{Dropped, Folder, Step};
use super::number::{Numbers, is_unavailable};
use super::sum::{Counted, Kept, Key, Line, Sums};
use super::trade::Flow;
use crate::base::clock::Timestamp;
use crate::base::text::{list, shorten};
use crate::feed::codes::country::japan::TABLE;
use crate::feed::format::csv::Sheet;
use crate::feed::format::{Cell, Row, decode_either, listed, sniff};
use crate::feed::{Answer, Page, ParseError, Publisher, Request, Standing};
use crate::period::{Length, Period, Span};
use crate::series::country::WORLD;
use crate::series::{Release, Unit};

/// The months as the headers have them; older files write April in another way.
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const APRIL_TOO: (&str, &str) = ("apl", "apr");
/// Yen in the unit of values.
const YEN: f64 = 1000.0;
/// The years that there are files of, and some to come.
const YEARS: std::ops::RangeInclusive<i32> = 1979..=2200;

/// Trade as Japan's customs have it.
#[derive(Clone, Debug)]
pub struct Japan {
    /// Where the files are.
    pub source: Source,
    /// Which ways are kept.
    pub flows: Vec<Flow>,
    /// Which goods, partners and measures are kept.
    pub kept: Kept,
    /// Frequency, labels, zone.
    pub common: Common,
}

/// Where files are.
#[derive(Clone, Debug)]
pub enum Source {
    /// A folder into which people put them.
    Folder(Folder),
    /// One file or address.
    One(Box<Request>),
}

impl Publisher for Japan {
    fn requests(&self, _: &Standing) -> Vec<Request> {
        match &self.source {
            Source::Folder(folder) => folder.requests(),
            Source::One(request) => vec![(**request).clone()],
        }
    }

    fn parse(&self, answer: &Answer<'_>) -> Result<Page, ParseError> {
        let step = match &self.source {
            Source::Folder(folder) => folder.step(answer)?,
            Source::One(_) => Step::Read(Dropped::default()),
        };
        match step {
            Step::Page(page) => Ok(page),
            Step::Read(file) => self.read(&file, answer),
        }
    }

    /// Detailed figures are out in the last days of the following month.
    fn release(&self) -> Option<Release> {
        Some(Release {
            day: Some(30),
            after: Length::parse("1mo")?,
            grace: Length::parse("5d")?,
            skip: Vec::new(),
            zone: Tokyo,
        })
    }
}

/// One row, before it is known how far its file goes.
struct Found {
    row: usize,
    flow: Flow,
    year: i32,
    good: String,
    partner: String,
    units: [String; 2],
    months: [[f64; 3]; 12],
}

impl Japan {
    /// Reads a file.
    fn read(&self, file: &Dropped, answer: &Answer<'_>) -> Result<Page, ParseError> {
        sniff(answer.body, "a CSV file of Japan's customs")?;
        let text = decode_either(answer.body, SHIFT_JIS)?;
        let mut sheet = Sheet::open(&text, Some(b','), 0, &[])?;
        let columns = Columns::of(sheet.header())?;
        let mut sums = Sums::default();
        let mut found = Vec::new();
        let mut reach = Reach::default();
        let mut rows = 0_usize;
        while let Some(line) = sheet.next_row()? {
            rows += 1;
            let fault = |reason: String| ParseError::Malformed { row: line.number(), reason };
            let row = columns.row(&line).map_err(fault)?;
            reach.add(&row);
            if self.flows.contains(&row.flow) && self.kept.has_good(&row.good) {
                let partner =
                    if row.partner.is_empty() { WORLD.to_owned() } else { sums.partner(&TABLE, &row.partner) };
                if self.kept.has_partner(&partner) {
                    found.push(Found { partner, ..row });
                }
            }
        }
        if rows == 0 {
            return Err(ParseError::NoRows);
        }
        found.iter().for_each(|row| reach.sum(row, &mut sums, answer.standing.now));
        let mut base = self.common.labels.clone();
        base.set("reporter", "JP");
        let yen = Unit::parse("JPY").expect("the yen is a money");
        let page = sums.page(&base, &yen, &self.kept.measures, file.written(answer.standing.now))?;
        Ok(file.marked(page, answer.body))
    }
}

/// How far a file goes, by flow and year: the last month in which anything was traded.
#[derive(Default)]
struct Reach(BTreeMap<(&'static str, i32), usize>);

impl Reach {
    fn add(&mut self, row: &Found) {
        let last = row.months.iter().rposition(|month| month.iter().any(|figure| *figure != 0.0));
        if let Some(last) = last {
            let reach = self.0.entry((row.flow.name(), row.year)).or_default();
            *reach = (*reach).max(last);
        }
    }

    /// Adds the months of a row that are out. A month that is not over has no figures, whatever the file says.
    fn sum(&self, row: &Found, sums: &mut Sums, now: Timestamp) {
        let Some(last) = self.0.get(&(row.flow.name(), row.year)) else { return };
        let today = now.date(Tokyo);
        for (month, [first, second, value]) in (1..).zip(&row.months[..=*last]) {
            let Some(month) = Period::month(row.year, month).filter(|month| month.last_day() < today) else { continue };
            let [one, other] = &row.units;
            let quantities = [
                counted(one).map(|counted| (*first, counted, one.as_str())),
                counted(other).map(|counted| (*second, counted, other.as_str())),
            ];
            let key = Key::new(&row.good, &row.partner, row.flow, Span::from(month));
            sums.add(key, Line { row: row.row, value: value * YEN, quantities });
        }
    }
}

/// Where a file's columns are.
struct Columns {
    flow: usize,
    year: usize,
    good: usize,
    /// There is none in files of the trade with all countries.
    partner: Option<usize>,
    units: [usize; 2],
    /// First quantity, second quantity and value of each month.
    months: [[usize; 3]; 12],
}

impl Columns {
    fn of(header: &[String]) -> Result<Self, ParseError> {
        let names: Vec<String> = header.iter().map(|name| name.trim().to_lowercase()).collect();
        let find = |name: &str| names.iter().position(|known| known == name);
        let missing = |name: &str| ParseError::Unfit {
            reason: format!("it has no column `{name}`; the columns are {}", list(listed(header))),
            help: "download the file by HS code and country, not the one by principal commodity".to_owned(),
        };
        let need = |name: &str| find(name).ok_or_else(|| missing(name));
        let month = |what: &str, month: &str| {
            let older = || find(&format!("{what}-{}", APRIL_TOO.0)).filter(|_| month == APRIL_TOO.1);
            let name = format!("{what}-{month}");
            find(&name).or_else(older).ok_or_else(|| missing(&name))
        };
        let mut months = [[0; 3]; 12];
        for (at, name) in MONTHS.iter().enumerate() {
            months[at] = [month("quantity1", name)?, month("quantity2", name)?, month("value", name)?];
        }
        Ok(Self {
            flow: need("exp or imp")?,
            year: need("year")?,
            good: need("hs")?,
            partner: find("country"),
            units: [need("unit1")?, need("unit2")?],
            months,
        })
    }

    /// What a row says; `partner` is the customs' code, or nothing.
    fn row<R: Row>(&self, row: &R) -> Result<Found, String> {
        if let Some(fault) = row.fault() {
            return Err(fault);
        }
        let text = |column: usize| match row.cell(column) {
            Cell::Text(text) => text.trim(),
            _ => "",
        };
        // Codes stand between apostrophes, so that no spreadsheet takes their zeros.
        let code = |column: usize| text(column).trim_matches(|c| matches!(c, '\'' | ' ')).to_owned();
        let wrong = |column: usize, expected: &str| Err(format!("`{}` is no {expected}", shorten(text(column), 60)));
        let flow = match text(self.flow) {
            "1" => Flow::Export,
            "2" => Flow::Import,
            _ => return wrong(self.flow, "`Exp or Imp`: expected 1 or 2"),
        };
        let Some(year) = code(self.year).parse().ok().filter(|year| YEARS.contains(year)) else {
            return wrong(self.year, "year");
        };
        let digits = |code: &str, count: usize| code.len() == count && code.bytes().all(|byte| byte.is_ascii_digit());
        let good = code(self.good);
        if !digits(&good, 9) {
            return wrong(self.good, "code of nine digits");
        }
        let partner = self.partner.map(|column| (column, code(column)));
        if let Some((column, _)) = partner.as_ref().filter(|(_, partner)| !digits(partner, 3)) {
            return wrong(*column, "code of a country");
        }
        let mut months = [[0.0; 3]; 12];
        for (figures, columns) in months.iter_mut().zip(&self.months) {
            for (figure, column) in figures.iter_mut().zip(columns) {
                *figure = number(text(*column))?;
            }
        }
        let units = self.units.map(|column| code(column).to_uppercase());
        let partner = partner.map(|(_, partner)| partner).unwrap_or_default();
        Ok(Found { row: row.number(), flow, year, good, partner, units, months })
    }
}

/// A figure; a dash is none, which is a zero here.
fn number(text: &str) -> Result<f64, String> {
    let numbers = Numbers { decimal: '.', thousands: Some(',') };
    match numbers.read(text)? {
        Some(number) => Ok(number.get()),
        None if is_unavailable(text) && !text.is_empty() => Ok(0.0),
        None => Err("a figure is empty".to_owned()),
    }
}

/// What a unit of the customs counts; `None` where there is none.
fn counted(unit: &str) -> Option<Counted> {
    Some(match unit {
        "" | "-" => return None,
        "KG" => Counted::Kilograms(1.0),
        "GR" => Counted::Kilograms(0.001),
        "MT" => Counted::Kilograms(1000.0),
        "NO" => Counted::Other(Unit::parse("count").ok()),
        _ => Counted::Other(None),
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::super::tests::{common, request, told};
    use super::super::trade::Measure;
    use super::*;
    use crate::series::Labels;

    fn feed(goods: &[&str], partners: &[&str]) -> Japan {
        let strings = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let measures = Measure::ALL.map(|(_, measure)| measure).to_vec();
        Japan {
            source: Source::One(Box::new(request())),
            flows: Flow::ALL.map(|(_, flow)| flow).to_vec(),
            kept: Kept { goods: strings(goods), partners: strings(partners), measures },
            common: Common { labels: Labels::default(), ..common() },
        }
    }

    fn header(apr: &str) -> String {
        let mut header = "Exp or Imp,Year,HS,Country,Unit1,Unit2,Quantity1-Year,Quantity2-Year,Value-Year".to_owned();
        for month in ["Jan", "Feb", "Mar", apr, "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] {
            let _ = write!(header, ",Quantity1-{month},Quantity2-{month},Value-{month}");
        }
        header + "\n"
    }

    /// A row: what stands before the figures, and those of the first months, `first second value` each.
    fn row(head: &str, months: &[&str]) -> String {
        let months = (0..12).map(|at| months.get(at).map_or("0,0,0".to_owned(), |month| month.replace(' ', ",")));
        format!("{head},0,9,9,{}\n", months.collect::<Vec<_>>().join(","))
    }

    fn read(feed: &Japan, now: &str, body: &[u8]) -> String {
        let standing = Standing::new(Timestamp::parse(now).unwrap());
        let page = feed.parse(&Answer::ok("", body, &standing));
        let note = page.as_ref().ok().and_then(|page| page.note.clone());
        [Some(told(page)), note].into_iter().flatten().collect::<Vec<_>>().join("\n")
    }

    const NOW: &str = "2026-04-29T02:00:00Z";

    #[test]
    fn zeros_at_the_end_are_months_that_are_not_out_and_zeros_before_are_no_trade() {
        let body = header("Apr")
            + &row("1,2026,'850511000',105,,KG", &["0 1200 61", "0 0 0", "0 800 40"])
            + &row("1,2026,'850511000',304,,KG", &["0 5 1", "0 0 0", "0 0 0"])
            // Another good goes no further, and says so for all.
            + &row("2,2026,'850511000',105,,KG", &["0 7 2"]);
        insta::assert_snapshot!(read(&feed(&["850511"], &[]), NOW, body.as_bytes()), @r#"
        2: {flow="export", hs="850511000", measure="value", partner="CN", reporter="JP"} 2026-01 61000 JPY final
        2: {flow="export", hs="850511000", measure="weight", partner="CN", reporter="JP"} 2026-01 1200 kg final
        2: {flow="export", hs="850511000", measure="value", partner="CN", reporter="JP"} 2026-02 0 JPY final
        2: {flow="export", hs="850511000", measure="weight", partner="CN", reporter="JP"} 2026-02 0 kg final
        2: {flow="export", hs="850511000", measure="value", partner="CN", reporter="JP"} 2026-03 40000 JPY final
        2: {flow="export", hs="850511000", measure="weight", partner="CN", reporter="JP"} 2026-03 800 kg final
        4: {flow="import", hs="850511000", measure="value", partner="CN", reporter="JP"} 2026-01 2000 JPY final
        4: {flow="import", hs="850511000", measure="weight", partner="CN", reporter="JP"} 2026-01 7 kg final
        3: {flow="export", hs="850511000", measure="value", partner="US", reporter="JP"} 2026-01 1000 JPY final
        3: {flow="export", hs="850511000", measure="weight", partner="US", reporter="JP"} 2026-01 5 kg final
        3: {flow="export", hs="850511000", measure="value", partner="US", reporter="JP"} 2026-02 0 JPY final
        3: {flow="export", hs="850511000", measure="weight", partner="US", reporter="JP"} 2026-02 0 kg final
        3: {flow="export", hs="850511000", measure="value", partner="US", reporter="JP"} 2026-03 0 JPY final
        3: {flow="export", hs="850511000", measure="weight", partner="US", reporter="JP"} 2026-03 0 kg final
        14 rows, 0 refused
        "#);
        // Alone, its zeros could be either.
        let alone = header("Apr") + &row("1,2026,'850511000',304,,KG", &["0 5 1", "0 0 0"]);
        assert!(!read(&feed(&[], &[]), NOW, alone.as_bytes()).contains("2026-02"));
    }

    #[test]
    fn a_month_that_is_not_over_has_no_figures() {
        let body = header("Apr") + &row("1,2026,'850511000',105,,KG", &["0 1 1", "0 1 1", "0 1 1", "0 1 1"]);
        let read = |now| read(&feed(&[], &[]), now, body.as_bytes());
        assert!(!read(NOW).contains("2026-04") && read(NOW).contains("2026-03"));
        assert!(read("2026-04-30T16:00:00Z").contains("2026-04"));
    }

    #[test]
    fn thousands_of_yen_and_both_units() {
        let body = header("Apl")
            + &row("2,2025,'850110000',105,NO,KG", &["1200 5400 90000"])
            + &row("2,2025,'261100000',302,,MT", &["0 12 345"])
            + &row("2,2025,'711019000',304,,GR", &["0 1500 88"])
            + &row("2,2025,'220421000',210,,L", &["0 30 1"]);
        insta::assert_snapshot!(read(&feed(&[], &[]), NOW, body.as_bytes()), @r#"
        5: {flow="import", hs="220421000", measure="value", partner="FR", reporter="JP"} 2025-01 1000 JPY final
        5: {flow="import", hs="220421000", measure="quantity", partner="FR", reporter="JP"} 2025-01 30 final
        3: {flow="import", hs="261100000", measure="value", partner="CA", reporter="JP"} 2025-01 345000 JPY final
        3: {flow="import", hs="261100000", measure="weight", partner="CA", reporter="JP"} 2025-01 12000 kg final
        4: {flow="import", hs="711019000", measure="value", partner="US", reporter="JP"} 2025-01 88000 JPY final
        4: {flow="import", hs="711019000", measure="weight", partner="US", reporter="JP"} 2025-01 1.5 kg final
        2: {flow="import", hs="850110000", measure="value", partner="CN", reporter="JP"} 2025-01 90000000 JPY final
        2: {flow="import", hs="850110000", measure="weight", partner="CN", reporter="JP"} 2025-01 5400 kg final
        2: {flow="import", hs="850110000", measure="quantity", partner="CN", reporter="JP"} 2025-01 1200 items final
        9 rows, 0 refused
        "#);
    }

    #[test]
    fn a_quantity_or_value_of_zero_beside_trade_is_missing_and_no_zero() {
        let body = header("Apr") + &row("1,2026,'850511000',105,,KG", &["0 0 226", "0 3 0", "0 0 0", "0 9 9"]);
        insta::assert_snapshot!(read(&feed(&[], &[]), "2026-06-01T00:00:00Z", body.as_bytes()), @r#"
        2: {flow="export", hs="850511000", measure="value", partner="CN", reporter="JP"} 2026-01 226000 JPY final
        2: {flow="export", hs="850511000", measure="weight", partner="CN", reporter="JP"} 2026-02 3 kg final
        2: {flow="export", hs="850511000", measure="value", partner="CN", reporter="JP"} 2026-03 0 JPY final
        2: {flow="export", hs="850511000", measure="weight", partner="CN", reporter="JP"} 2026-03 0 kg final
        2: {flow="export", hs="850511000", measure="value", partner="CN", reporter="JP"} 2026-04 9000 JPY final
        2: {flow="export", hs="850511000", measure="weight", partner="CN", reporter="JP"} 2026-04 9 kg final
        not available: {flow="export", hs="850511000", measure="weight", partner="CN", reporter="JP"} 2026-01
        not available: {flow="export", hs="850511000", measure="value", partner="CN", reporter="JP"} 2026-02
        8 rows, 0 refused
        "#);
    }

    #[test]
    fn customs_offices_are_summed_and_a_file_without_countries_is_of_the_world() {
        let by_office = "Exp or Imp,Year,Custom,".to_owned() + header("Apr").split_once("Year,").unwrap().1;
        let body = by_office
            + &row("1,2025,104,'850511000',105,,KG", &["0 5 1"])
            + &row("1,2025,500,'850511000',105,,KG", &["0 7 2"]);
        assert!(read(&feed(&[], &[]), NOW, body.as_bytes()).contains(" 12 kg"));
        let world = header("Apr").replace("Country,", "") + &row("1,2025,'850511000',,KG", &["0 5 1"]);
        assert!(read(&feed(&[], &[]), NOW, world.as_bytes()).contains("partner=\"W00\""));
    }

    #[test]
    fn shift_jis_trailing_spaces_and_own_codes() {
        let body =
            header("Apr") + "1 ,2025,'850511000',702,,KG,0,9,9,0 ,\"1,200 \",61 " + &",-,0 ,0".repeat(11) + ",備考\n";
        let body = body.replace("Value-Dec\n", "Value-Dec,備考\n");
        let japanese = SHIFT_JIS.encode(&body).0;
        insta::assert_snapshot!(read(&feed(&[], &[]), NOW, &japanese), @r#"
        2: {flow="export", hs="850511000", measure="value", partner="702", reporter="JP"} 2025-01 61000 JPY final
        2: {flow="export", hs="850511000", measure="weight", partner="702", reporter="JP"} 2025-01 1200 kg final
        2 rows, 0 refused
        partners without a code of ISO's keep the customs' own (`702`)
        "#);
        assert_eq!(read(&feed(&[], &[]), NOW, &japanese), read(&feed(&[], &[]), NOW, body.as_bytes()));
    }

    #[test]
    fn only_what_the_feed_names_is_kept() {
        let body = header("Apr")
            + &row("1,2025,'850511000',105,,KG", &["0 5 1"])
            + &row("1,2025,'850519000',105,,KG", &["0 6 1"])
            + &row("1,2025,'850511000',304,,KG", &["0 7 1"])
            + &row("2,2025,'850511000',105,,KG", &["0 8 1"]);
        let mut feed = feed(&["850511"], &["CN"]);
        feed.flows = vec![Flow::Export];
        let told = read(&feed, NOW, body.as_bytes());
        assert!(told.contains(" 5 kg") && told.ends_with("2 rows, 0 refused"), "{told}");
        feed.kept.goods = vec!["2605".to_owned()];
        assert!(read(&feed, NOW, body.as_bytes()).ends_with("none of its goods and partners are kept"));
    }

    #[test]
    fn what_is_no_such_file_is_an_error() {
        let rows = |row: &str| read(&feed(&[], &[]), NOW, (header("Apr") + row).as_bytes());
        let errors = [
            rows(""),
            rows(&row("3,2025,'850511000',105,,KG", &[])),
            rows(&row("1,25,'850511000',105,,KG", &[])),
            rows(&row("1,2025,'850511',105,,KG", &[])),
            rows(&row("1,2025,'850511000',China,,KG", &[])),
            rows(&row("1,2025,'850511000',105,,KG", &["0 x 1"])),
            rows("1,2025,'850511000',105,,KG,0,9\n"),
            rows(&row("1,2025,'850511000',105,,KG", &["0  1"])),
            read(&feed(&[], &[]), NOW, b"<html><title>e-Stat</title>"),
            read(&feed(&[], &[]), NOW, b""),
            read(&feed(&[], &[]), NOW, b"\x81\x01"),
        ];
        insta::assert_snapshot!(errors.join("\n"), @r#"
        there are no rows after the header
        row 2: `3` is no `Exp or Imp`: expected 1 or 2
        row 2: `25` is no year
        row 2: `'850511'` is no code of nine digits
        row 2: `China` is no code of a country
        row 2: `x` is no number
        row 2: expected 45 fields, found 8
        row 2: a figure is empty
        expected a CSV file of Japan's customs, found a web page titled "e-Stat"
        the response is empty
        it is neither UTF-8 nor Shift_JIS: byte 0 cannot be read; download it again, and do not save it with another program
        "#);
        let principal = header("Apr").replace("HS,", "Commodity,");
        assert!(read(&feed(&[], &[]), NOW, principal.as_bytes()).starts_with("it has no column `hs`; the columns are"));
    }

    proptest! {
        #[test]
        fn no_bytes_are_a_panic(rows in "[0-9,'\"\n -]{0,120}", cut in 0_usize..400) {
            let body = header("Apr") + &row("1,2025,'850511000',105,,KG", &["0 5 1"]) + &rows;
            let _ = read(&feed(&[], &[]), NOW, &body.as_bytes()[..cut.min(body.len())]);
            let _ = read(&feed(&[], &[]), NOW, body.as_bytes());
        }
    }
}
