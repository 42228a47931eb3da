//! Eurostat's Comext: the trade of the European Union's members by partner and product, monthly or yearly.
//!
//! It has an address of its own, apart from Eurostat's other data. Its figures are dated by the last update of the
//! whole dataset, which is asked for first: only when it has moved are the figures. Source: Eurostat's API
//! documentation (Comext dissemination, SDMX 2.1) and the user guide to European statistics on international trade
//! in goods. Weights are in 100 kg; groups of countries never stand beside countries.

use chrono::NaiveDate;
use chrono_tz::Europe::Brussels;

use super::cube::status;
use super::draft::{Draft, Fault, Told};
use super::number::{Numbers, is_unavailable};
use super::site::Site;
use super::trade::{Ended, Flow, LeftOut, Measure};
use super::{Common, published, sdmx};
use crate::base::text::shorten;
use crate::feed::codes::country::office::GEONOMENCLATURE;
use crate::feed::format::cube::{Fact, Field, Role};
use crate::feed::format::{Cell, Row, sdmx as format};
use crate::feed::{Answer, Pace, Page, ParseError, Publisher, Request, Standing};
use crate::period::{Frequency, Period, Span};
use crate::series::country;
use crate::series::{Labels, Observation, Unit};

/// Where Comext is.
pub const ADDRESS: &str = "https://ec.europa.eu/eurostat/api/comext/dissemination/sdmx/2.1";
/// Codes of goods in one request: an address has to stay short, and Eurostat reckons what an answer costs by the
/// product of all that is asked for.
const CODES_ASKED: usize = 40;
/// Two requests a second at most.
const SPACING: std::time::Duration = std::time::Duration::from_millis(500);
/// The question whether anything is new.
const UPDATED: &str = "updated";
/// After so many days January's figures are out (they take about 46, and fuller ones eight weeks): who has none
/// by then has none.
const JANUARY_IS_OUT_DAYS: u64 = 120;
/// A wrong query, no such dataset, too large.
const READ: &[u16] = &[400, 404, 413];

/// Trade as Comext has it.
#[derive(Clone, Debug)]
pub struct Eurostat {
    /// Where it is asked.
    pub site: Site,
    /// The dataset.
    pub dataset: Dataset,
    /// Who reports, in Comext's codes.
    pub reporters: Vec<String>,
    /// With whom, in Comext's codes; empty: every country, and no group of them.
    pub partners: Vec<String>,
    /// Codes of goods.
    pub goods: Vec<String>,
    /// Which ways.
    pub flows: Vec<Flow>,
    /// What is measured.
    pub measures: Vec<Measure>,
    /// The first period that is asked for.
    pub since: Option<Period>,
    /// Frequency, labels, zone.
    pub common: Common,
}

/// Which dataset is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dataset {
    /// By product of the Combined Nomenclature (eight digits) and of the Harmonized System, all partners.
    Detailed,
    /// By product of the Harmonized System (six digits), trade with countries outside the Union.
    Extra,
}

impl Dataset {
    /// Every dataset with Eurostat's name of it.
    pub const ALL: [(&'static str, Self); 2] = [("DS-045409", Self::Detailed), ("DS-059341", Self::Extra)];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, dataset)| *dataset == self).map_or("", |(name, _)| name)
    }

    /// How it calls a measure, and in how many kilograms or single units it counts, as a power of ten; `None`
    /// where it lacks it.
    pub const fn indicator(self, measure: Measure) -> Option<(&'static str, u32)> {
        match (self, measure) {
            (Self::Detailed, Measure::Value) => Some(("VALUE_IN_EUROS", 0)),
            (Self::Detailed, Measure::Weight) => Some(("QUANTITY_IN_100KG", 2)),
            (Self::Detailed, Measure::Quantity) => Some(("SUPPLEMENTARY_QUANTITY", 0)),
            (Self::Extra, Measure::Value) => Some(("VALUE_EUR", 0)),
            (Self::Extra, Measure::Weight) => Some(("QUANTITY_KG", 0)),
            (Self::Extra, Measure::Quantity) => None,
        }
    }
}

/// Comext's code of a direction.
const fn flow_code(flow: Flow) -> &'static str {
    match flow {
        Flow::Import => "1",
        Flow::Export => "2",
    }
}

/// The unit of a measure's figures; a supplementary quantity has one by product, which no answer names.
fn unit(measure: Measure) -> Option<Unit> {
    let text = match measure {
        Measure::Value => "EUR",
        Measure::Weight => "kg",
        Measure::Quantity => return None,
    };
    Unit::parse(text).ok()
}

/// Comext's code of a reporter or partner for a country in any way of writing; `None` for what can be no code.
pub fn code(country: &str) -> Option<String> {
    let iso = country::canonical(country);
    let code = GEONOMENCLATURE.own(&iso).unwrap_or_else(|| iso.to_ascii_uppercase());
    let good = code.len() >= 2 && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    good.then_some(code)
}

/// Whether a code stands for a group of countries: those of countries, and of what belongs to none, have two
/// letters.
pub fn is_group(code: &str) -> bool {
    code.len() != 2 || matches!(code, "EU" | "EA")
}

/// The parts of a row, in the order in which they are asked for.
const PARTS: [&str; 6] = ["freq", "reporter", "partner", "product", "flow", "indicators"];
const PERIOD: usize = PARTS.len();
const VALUE: usize = PERIOD + 1;
const STATUS: usize = VALUE + 1;
const PUBLISHED: usize = STATUS + 1;

fn fields() -> Vec<Field> {
    let usual = [Role::Period, Role::Value, Role::Status, Role::Published].map(Field::usual);
    PARTS.iter().map(|name| Field::plain(name)).chain(usual).collect()
}

impl Publisher for Eurostat {
    fn requests(&self, standing: &Standing) -> Vec<Request> {
        if standing.marks.is_empty() { self.figures_of_all() } else { vec![self.probe()] }
    }

    fn parse(&self, answer: &Answer<'_>) -> Result<Page, ParseError> {
        if answer.question == UPDATED {
            return Ok(self.updated(answer));
        }
        sdmx::refused(answer, &self.probe().target)?;
        self.figures(answer)
    }

    fn pace(&self) -> Pace {
        Pace { account: "eurostat".to_owned(), spacing: SPACING, quota: None }
    }
}

impl Eurostat {
    /// The requests for figures, a part of the goods each. The question is the name of the part, and that of its
    /// mark.
    fn figures_of_all(&self) -> Vec<Request> {
        let since = self.since.map(|since| since.to_string());
        let query: Vec<(&str, &str)> = since.iter().map(|since| ("startPeriod", since.as_str())).collect();
        let parts = self.goods.chunks(CODES_ASKED).enumerate();
        let asked = parts.map(|(at, goods)| (format!("figures {}", at + 1), goods));
        asked.map(|(question, goods)| self.request(&self.key(goods), &query).asking(question)).collect()
    }

    /// One figure, to see when the dataset was updated.
    fn probe(&self) -> Request {
        fn first<T>(all: &[T]) -> &[T] {
            &all[..all.len().min(1)]
        }
        let partners = if self.partners.is_empty() { vec!["WORLD".to_owned()] } else { self.partners.clone() };
        let one = Self {
            reporters: first(&self.reporters).to_vec(),
            partners: first(&partners).to_vec(),
            flows: first(&self.flows).to_vec(),
            measures: first(&self.measures).to_vec(),
            ..self.clone()
        };
        self.request(&one.key(first(&self.goods)), &[("lastNObservations", "1")]).asking(UPDATED)
    }

    /// The key, whose parts stand in the dataset's order.
    fn key(&self, goods: &[String]) -> String {
        let frequency = if self.common.frequency == Frequency::Year { "A" } else { "M" };
        let flows: Vec<&str> = self.flows.iter().map(|flow| flow_code(*flow)).collect();
        let indicators = self.measures.iter().filter_map(|measure| self.dataset.indicator(*measure));
        let indicators: Vec<&str> = indicators.map(|(name, _)| name).collect();
        let parts = [self.reporters.join("+"), self.partners.join("+"), goods.join("+"), flows.join("+")];
        format!("{frequency}.{}.{}", parts.join("."), indicators.join("+"))
    }

    fn request(&self, key: &str, more: &[(&str, &str)]) -> Request {
        // Without the last a body may come packed although nobody asked for it.
        let query = more.iter().copied().chain([("format", "SDMX-CSV"), ("compressed", "false")]);
        let target = self.site.target(&format!("data/{}/{key}", self.dataset.name()), query);
        Request { accepts: READ, ..Request::new(target) }
    }

    /// Which figures are older than the dataset. Where the answer does not say, all may be: a cell may be empty.
    fn updated(&self, answer: &Answer<'_>) -> Page {
        let mut updated = None;
        let read = format::read(answer.body, &fields(), &mut |fact| {
            updated = text(fact, PUBLISHED).map(str::to_owned);
            Ok(())
        });
        let updated = updated.filter(|_| read.is_ok() && answer.http_status.is_none_or(|status| status == 200));
        // One part alone would leave out the cells of the others, which are no zeros.
        let all = self.figures_of_all();
        let is_older = |part: &Request| answer.standing.marks.get(&part.question) != updated.as_ref();
        let next = if updated.is_none() || all.iter().any(is_older) { all } else { Vec::new() };
        Page { next, ..Page::default() }
    }

    fn figures(&self, answer: &Answer<'_>) -> Result<Page, ParseError> {
        let mut draft = Draft::default();
        let mut left = LeftOut::default();
        let mut updated = None;
        format::read(answer.body, &fields(), &mut |fact| {
            if updated.is_none() {
                updated = text(fact, PUBLISHED).map(str::to_owned);
            }
            match text(fact, 2).filter(|partner| is_group(partner) && !self.partners.iter().any(|own| own == partner)) {
                Some(group) => left.add(group),
                None => draft.row(fact.number, self.told(fact))?,
            }
            Ok(())
        })?;
        if let Some(updated) = updated.filter(|_| !answer.question.is_empty()) {
            draft.mark(answer.question, updated);
        }
        let mut page = draft.finish();
        if page.rows == 0 {
            return Err(ParseError::NoData { why: NOTHING.to_owned() });
        }
        let ended = self.ended(&page, answer);
        self.keep_gaps(&mut page, &ended, answer);
        let notes: Vec<String> = left
            .in_words()
            .into_iter()
            .chain(ended.iter().map(|ended| ended.in_words("cut anew each January")))
            .collect();
        page.note = (!notes.is_empty()).then(|| notes.join("; "));
        Ok(page)
    }

    /// What a row says.
    fn told(&self, fact: &Fact<'_>) -> Result<Told, Fault> {
        if let Some(reason) = fact.fault() {
            return Err(Fault { column: None, reason });
        }
        let part = |at: usize| text(fact, at).ok_or_else(|| Fault::at(PARTS[at], "there is nothing"));
        let flow = Flow::ALL.iter().map(|(_, flow)| *flow).find(|flow| text(fact, 4) == Some(flow_code(*flow)));
        let flow = flow.ok_or_else(|| unknown("flow", text(fact, 4)))?;
        let measures = Measure::ALL.iter().map(|(_, measure)| *measure);
        let measure = measures.filter_map(|measure| Some((measure, self.dataset.indicator(measure)?)));
        let (measure, (_, power)) = measure
            .into_iter()
            .find(|(_, (name, _))| text(fact, 5) == Some(*name))
            .ok_or_else(|| unknown("indicators", text(fact, 5)))?;
        let asked = |at: usize, codes: &[String]| {
            let code = part(at)?;
            if codes.iter().any(|known| known == code) { Ok(code) } else { Err(unknown(PARTS[at], Some(code))) }
        };
        let partner = if self.partners.is_empty() { part(2) } else { asked(2, &self.partners) };
        let mut labels = self.common.labels.clone();
        labels.set("reporter", GEONOMENCLATURE.iso(asked(1, &self.reporters)?));
        labels.set("partner", GEONOMENCLATURE.iso(partner?));
        labels.set("hs", asked(3, &self.goods)?);
        labels.set("flow", flow.name());
        labels.set("measure", measure.name());
        let when = text(fact, PERIOD).unwrap_or_default();
        let span = Span::read(when, self.common.frequency, None);
        let span = span.map_err(|error| Fault::at("TIME_PERIOD", error.to_string()))?;
        self.figure(fact, labels, span, (measure, power))
    }

    fn figure(&self, fact: &Fact<'_>, labels: Labels, span: Span, of: (Measure, u32)) -> Result<Told, Fault> {
        let (measure, power) = of;
        let written = text(fact, VALUE).unwrap_or_default();
        if is_unavailable(written) && !fact.withdrawn {
            return Ok(Told::Unavailable(labels, span));
        }
        // A power of ten that is written is exact, where one that is multiplied is not.
        let number = if power > 0 { format!("{written}e{power}") } else { written.to_owned() };
        let numbers = Numbers { decimal: '.', thousands: None };
        let value = if fact.withdrawn { Ok(None) } else { numbers.read(&number) };
        let value = value.map_err(|_| Fault::at("OBS_VALUE", format!("`{}` is no number", shorten(written, 60))))?;
        let published = text(fact, PUBLISHED).map(|at| published::read(at, Brussels)).transpose();
        Ok(Told::Figure(Observation {
            labels,
            span,
            value,
            unit: unit(measure),
            status: text(fact, STATUS).and_then(status).unwrap_or_default(),
            published: published.map_err(|reason| Fault::at("LAST UPDATE", reason))?,
            row: 0,
        }))
    }

    /// The codes of this answer that have figures until a December and none since.
    fn ended(&self, page: &Page, answer: &Answer<'_>) -> Vec<Ended> {
        if self.common.frequency != Frequency::Month {
            return Vec::new();
        }
        let newest = page.observations.iter().map(|seen| seen.span.last()).max();
        let today = answer.standing.now.date(Brussels);
        let is_out = |january: Period| {
            let out = january.last_day().checked_add_days(chrono::Days::new(JANUARY_IS_OUT_DAYS));
            newest.is_some_and(|newest| newest >= january) || out.is_some_and(|out| today > out)
        };
        let ended = self.goods.iter().filter_map(|code| Ended::of(page, code, &[1]));
        ended.filter(|ended| is_out(ended.since)).collect()
    }

    /// The months since a code ended are not there, rather than without trade: never a zero.
    fn keep_gaps(&self, page: &mut Page, ended: &[Ended], answer: &Answer<'_>) {
        let today = answer.standing.now.date(Brussels);
        for Ended { code, since } in ended {
            let own = page.observations.iter().filter(|seen| seen.labels.value("hs") == Some(code));
            let series: std::collections::BTreeSet<Labels> = own.map(|seen| seen.labels.clone()).collect();
            let gaps = series.into_iter().flat_map(|labels| {
                months(*since, today).map(move |month| (labels.clone(), Span::from(month))).collect::<Vec<_>>()
            });
            page.unavailable.extend(gaps);
        }
    }
}

/// The months from one to that of a day.
fn months(first: Period, today: NaiveDate) -> impl Iterator<Item = Period> {
    let last = Period::containing(today, Frequency::Month);
    std::iter::successors(Some(first), |month| Some(month.next())).take_while(move |month| *month <= last)
}

/// What an answer without figures means.
const NOTHING: &str = "Comext knows every part of the question, and has no trade for it; has the product had this code in \
                       these years?";

fn unknown(column: &str, text: Option<&str>) -> Fault {
    Fault::at(column, format!("`{}` was not asked for", shorten(text.unwrap_or_default(), 60)))
}

/// The text of a part that has any.
fn text<'f>(fact: &'f Fact<'_>, part: usize) -> Option<&'f str> {
    match fact.cell(part) {
        Cell::Text(text) if !text.trim().is_empty() => Some(text.trim()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{common, told};
    use super::*;
    use crate::base::clock::Timestamp;
    use crate::feed::Target;

    fn feed(partners: &[&str], goods: &[&str]) -> Eurostat {
        let strings = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        Eurostat {
            site: Site { base: ADDRESS.parse().unwrap(), headers: Vec::new(), insecure: false, allow_private: false },
            dataset: Dataset::Detailed,
            reporters: strings(&["DE", "EL"]),
            partners: strings(partners),
            goods: strings(goods),
            flows: vec![Flow::Import],
            measures: vec![Measure::Value, Measure::Weight],
            since: Period::month(2023, 1),
            common: Common { labels: Labels::default(), ..common() },
        }
    }

    fn standing(now: &str, marks: &[(&str, &str)]) -> Standing {
        let marks = marks.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Standing { now: Timestamp::parse(now).unwrap(), marks }
    }

    fn addresses(requests: &[Request]) -> Vec<String> {
        let address = |request: &Request| match &request.target {
            Target::Http { url, .. } => format!("{}: {url}", request.question),
            Target::File(_) | Target::Folder(_) => panic!("expected an address"),
        };
        requests.iter().map(address).collect()
    }

    const HEADER: &str =
        "DATAFLOW,LAST UPDATE,freq,reporter,partner,product,flow,indicators,TIME_PERIOD,OBS_VALUE,OBS_FLAG\n";

    /// A message with a row for each of `reporter partner product indicator period value flag`.
    fn message(updated: &str, rows: &[&str]) -> String {
        let row = |row: &&str| {
            let parts: Vec<&str> = row.split(' ').collect();
            let [reporter, partner, product, indicator, period, value, flag] = parts.as_slice() else {
                panic!("{row}")
            };
            let frequency = if period.len() == 4 { "A" } else { "M" };
            format!(
                "ESTAT:DS-045409(1.0),{updated},{frequency},{reporter},{partner},{product},1,{indicator},{period},{value},{flag}\n"
            )
        };
        format!("{HEADER}{}", rows.iter().map(row).collect::<String>())
    }

    fn parse(feed: &Eurostat, question: &str, now: &str, body: &str) -> Result<Page, ParseError> {
        feed.parse(&Answer::ok(question, body.as_bytes(), &standing(now, &[])))
    }

    const NOW: &str = "2026-09-16T08:00:00Z";

    #[test]
    fn the_key_is_made_in_comexts_order_and_on_its_own_address() {
        let feed = feed(&["CN"], &["85051110", "7204"]);
        insta::assert_snapshot!(addresses(&feed.requests(&standing(NOW, &[]))).join("\n"), @"figures 1: https://ec.europa.eu/eurostat/api/comext/dissemination/sdmx/2.1/data/DS-045409/M.DE+EL.CN.85051110+7204.1.VALUE_IN_EUROS+QUANTITY_IN_100KG?startPeriod=2023-01&format=SDMX-CSV&compressed=false");
        insta::assert_snapshot!(addresses(&feed.requests(&standing(NOW, &[("figures 1", "x")]))).join("\n"), @"updated: https://ec.europa.eu/eurostat/api/comext/dissemination/sdmx/2.1/data/DS-045409/M.DE.CN.85051110.1.VALUE_IN_EUROS?lastNObservations=1&format=SDMX-CSV&compressed=false");
        let many: Vec<String> = (0..41).map(|code| format!("{:04}", 1000 + code)).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let asked = addresses(&self::feed(&[], &many).requests(&standing(NOW, &[])));
        assert_eq!(asked.len(), 2);
        assert!(asked[1].starts_with("figures 2: ") && asked[1].contains("/M.DE+EL..1040.1.VALUE"), "{asked:?}");
    }

    #[test]
    fn figures_are_asked_for_when_the_dataset_was_updated() {
        let many: Vec<String> = (0..41).map(|code| format!("{:04}", 1000 + code)).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let feed = feed(&["CN"], &many);
        let asks = |status, body: &str, marks: &[(&str, &str)]| {
            let standing = standing(NOW, marks);
            let answer = Answer { http_status: Some(status), ..Answer::ok(UPDATED, body.as_bytes(), &standing) };
            let page = feed.parse(&answer).unwrap();
            assert_eq!(page.rows, 0);
            page.next.into_iter().map(|request| request.question).collect::<Vec<_>>().join(" and ")
        };
        let both = [("figures 1", "2026-09-15T11:00:00"), ("figures 2", "2026-09-15T11:00:00")];
        let probe = |updated| message(updated, &["DE CN 1000 VALUE_IN_EUROS 2026-07 5 "]);
        assert_eq!(asks(200, &probe("15/09/26 11:00:00"), &both), "");
        assert_eq!(asks(200, &probe("16/09/26 11:00:00"), &both), "figures 1 and figures 2");
        assert_eq!(asks(200, &probe("15/09/26 11:00:00"), &both[..1]), "figures 1 and figures 2");
        // A probe that says nothing keeps nobody from asking.
        assert_eq!(asks(200, HEADER, &both), "figures 1 and figures 2");
        assert_eq!(asks(400, &probe("15/09/26 11:00:00"), &both), "figures 1 and figures 2");
        assert_eq!(asks(200, "<html>", &both), "figures 1 and figures 2");
    }

    #[test]
    fn hundreds_of_kilograms_are_kilograms_and_the_last_update_is_the_vintage() {
        let body = message(
            "15/09/26",
            &[
                "DE VN 030462 QUANTITY_IN_100KG 2026-06 90212.63 ",
                "EL VN 030462 VALUE_IN_EUROS 2026-06 32313884 p",
                "DE VN 030462 QUANTITY_IN_100KG 2026-07 0.07 ",
                "DE VN 030462 VALUE_IN_EUROS 2026-07  c",
            ],
        );
        let page = parse(&feed(&["VN"], &["030462"]), "figures 1", NOW, &body);
        assert_eq!(page.as_ref().unwrap().marks, [("figures 1".to_owned(), "2026-09-15".to_owned())]);
        insta::assert_snapshot!(told(page), @r#"
        2: {flow="import", hs="030462", measure="weight", partner="VN", reporter="DE"} 2026-06 9021263 kg final published 2026-09-14T22:00:00Z
        3: {flow="import", hs="030462", measure="value", partner="VN", reporter="GR"} 2026-06 32313884 EUR preliminary published 2026-09-14T22:00:00Z
        4: {flow="import", hs="030462", measure="weight", partner="VN", reporter="DE"} 2026-07 7 kg final published 2026-09-14T22:00:00Z
        not available: {flow="import", hs="030462", measure="value", partner="VN", reporter="DE"} 2026-07
        4 rows, 0 refused
        "#);
    }

    #[test]
    fn groups_of_countries_are_left_out_where_every_country_is_asked_for() {
        let rows = ["CN", "WORLD", "EXT_EU27_2020", "INT_EU27_2020", "QX", "WORLD"]
            .map(|partner| format!("DE {partner} 7204 VALUE_IN_EUROS 2026-07 5 "));
        let body = message("15/09/26 11:00:00", &rows.iter().map(String::as_str).collect::<Vec<_>>()[..5]);
        let page = parse(&feed(&[], &["7204"]), "", NOW, &body).unwrap();
        let note = page.note.clone();
        assert_eq!(
            note.as_deref(),
            Some("3 rows of groups of countries left out (`WORLD`, `EXT_EU27_2020` and `INT_EU27_2020`)")
        );
        insta::assert_snapshot!(told(Ok(page)), @r#"
        2: {flow="import", hs="7204", measure="value", partner="CN", reporter="DE"} 2026-07 5 EUR final published 2026-09-15T09:00:00Z
        6: {flow="import", hs="7204", measure="value", partner="QX", reporter="DE"} 2026-07 5 EUR final published 2026-09-15T09:00:00Z
        2 rows, 0 refused
        "#);
        let beside =
            message("15/09/26", &["DE CN 7204 VALUE_IN_EUROS 2026-07 5 ", "DE WORLD 7204 VALUE_IN_EUROS 2026-07 9 "]);
        let page = parse(&feed(&["CN"], &["7204"]), "", NOW, &beside).unwrap();
        assert_eq!((page.rows, page.note.as_deref()), (1, Some("1 row of groups of countries left out (`WORLD`)")));
        let world = message("15/09/26 11:00:00", &["DE WORLD 7204 VALUE_IN_EUROS 2026-07 5 "]);
        insta::assert_snapshot!(told(parse(&feed(&["WORLD"], &["7204"]), "", NOW, &world)), @r#"
        2: {flow="import", hs="7204", measure="value", partner="W00", reporter="DE"} 2026-07 5 EUR final published 2026-09-15T09:00:00Z
        1 rows, 0 refused
        "#);
    }

    #[test]
    fn a_code_without_figures_from_a_january_on_is_a_break_and_no_decline() {
        let old = ["DE CN 85051100 QUANTITY_IN_100KG 2025-11 7 ", "DE CN 85051100 QUANTITY_IN_100KG 2025-12 6 "];
        let new = "DE CN 85051110 QUANTITY_IN_100KG 2026-01 4 ";
        let goods = ["85051100", "85051110"];
        let parse = |now, rows: &[&str]| parse(&feed(&["CN"], &goods), "", now, &message("15/09/26", rows)).unwrap();
        let page = parse("2026-03-20T08:00:00Z", &[old[0], old[1], new]);
        assert_eq!(
            page.note.as_deref(),
            Some(
                "85051100 has no figures since January 2026: likely a break of the nomenclature, which is cut anew each \
                 January, and not counted as a decline; look for the codes that follow it"
            )
        );
        let gaps: Vec<String> = page.unavailable.iter().map(|(_, span)| span.to_string()).collect();
        assert_eq!(gaps, ["2026-01", "2026-02", "2026-03"], "not even zeros, where the feed has zeros");
        // Nothing else is there to see it by: only once January is out for all.
        assert_eq!(parse("2026-03-20T08:00:00Z", &old).note, None);
        assert!(parse("2026-06-20T08:00:00Z", &old).note.unwrap().starts_with("85051100 has no figures since"));
        // A code that ends in another month has merely no trade.
        assert_eq!(parse("2026-06-20T08:00:00Z", &old[..1]).note, None);
    }

    #[test]
    fn yearly_rows_among_months_and_what_was_not_asked_for_are_refused() {
        let rows = [
            "DE CN 7204 VALUE_IN_EUROS 2026-07 5 ",
            "DE CN 7204 VALUE_IN_EUROS 2026 60 ",
            "DE CN 7204 PRICE 2026-07 1 ",
            "DE CN 7204 QUANTITY_IN_100KG 2026-07 1,5 ",
        ];
        insta::assert_snapshot!(told(parse(&feed(&["CN"], &["7204"]), "", NOW, &message("15/09/26 11:00:00", &rows).replace("1,5", "\"1,5\""))), @r#"
        2: {flow="import", hs="7204", measure="value", partner="CN", reporter="DE"} 2026-07 5 EUR final published 2026-09-15T09:00:00Z
        row 3, column `TIME_PERIOD`: `2026` is a year: expected a month, like 2025-09
        row 4, column `indicators`: `PRICE` was not asked for
        row 5, column `OBS_VALUE`: `1,5` is no number
        4 rows, 3 refused
        "#);
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        let feed = feed(&["CN"], &["7204"]);
        let parse =
            |status, body: &str| {
                let standing = standing(NOW, &[]);
                told(feed.parse(&Answer {
                    http_status: Some(status),
                    ..Answer::ok("figures 1", body.as_bytes(), &standing)
                }))
            };
        let errors = [
            parse(200, HEADER),
            parse(400, r#"{"error":[{"status":400,"id":150,"label":"INVALID_QUERY_NB_FILTERS"}]}"#),
            parse(
                413,
                "<S:Fault><faultstring>EXTRACTION_TOO_BIG: The requested extraction is too big, estimated 9000000 rows, max authorised is 5000000</faultstring></S:Fault>",
            ),
            parse(
                200,
                r#"{"warning":{"status":413,"label":"ASYNCHRONOUS_RESPONSE. Your request will be treated asynchronously"}}"#,
            ),
            parse(
                200,
                r#"<m:GenericData><f:Footer><f:Message code="413" severity="Infomation"><c:Text>It will be at http://a.example/x1</c:Text></f:Message></f:Footer></m:GenericData>"#,
            ),
            parse(404, "ERR_NOT_FOUND_4"),
            parse(200, "<html><title>Maintenance</title></html>"),
            parse(200, "DATAFLOW,freq,TIME_PERIOD,OBS_VALUE\nX,M,2026-07,5\n"),
        ];
        insta::assert_snapshot!(errors.join("\n"), @r#"
        the answer has no figures: Comext knows every part of the question, and has no trade for it; has the product had this code in these years?
        the publisher says: INVALID_QUERY_NB_FILTERS
        the answer is too large for the publisher to give at once (EXTRACTION_TOO_BIG: The requested extraction is too big, estimated 9000000 rows, max authorised is 5000000); ask for fewer codes, or set a later `since`
        the answer is too large for the publisher to give at once (ASYNCHRONOUS_RESPONSE. Your request will be treated asynchronously); ask for fewer codes, or set a later `since`
        the answer is too large for the publisher to give at once (It will be at http://a.example/x1); it will be at http://a.example/x1; ask for fewer codes, or set a later `since`
        the answer has no figures: the publisher answers 404 (ERR_NOT_FOUND_4): there are none for this key, or there is no such dataflow
        expected SDMX, found a web page titled "Maintenance"
        no column `reporter`; the columns are `DATAFLOW`, `freq`, `TIME_PERIOD` and `OBS_VALUE`
        "#);
    }

    #[test]
    fn codes_of_countries() {
        for (country, expected) in [
            ("GR", Some("EL")),
            ("Greece", Some("EL")),
            ("CHN", Some("CN")),
            ("WORLD", Some("WORLD")),
            ("EU27_2020", Some("EU27_2020")),
            ("ext_eu27_2020", Some("EXT_EU27_2020")),
            ("C/N", None),
            ("X", None),
        ] {
            assert_eq!(code(country).as_deref(), expected, "{country}");
        }
        assert!(["WORLD", "EU27_2020", "EA20", "EU"].into_iter().all(is_group));
        assert!(!["CN", "EL", "QX"].into_iter().any(is_group));
    }
}
