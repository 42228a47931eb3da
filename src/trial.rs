//! What hostile input may not do, whatever it is: functions that `fuzz/` calls with text and bytes, and that
//! panic where a promise is broken. The program itself never calls them.

use std::collections::{BTreeMap, HashMap};

use crate::base::clock::Timestamp;
use crate::base::limits::{
    ITEM_ID_CHARS_MAX, ITEM_TEXT_CHARS_MAX, ITEM_TITLE_CHARS_MAX, ITEM_URL_CHARS_MAX, REFUSALS_KEPT,
};
use crate::base::secret::Secret;
use crate::feed::publisher::census::{Basis, Census};
use crate::feed::publisher::comtrade::Comtrade;
use crate::feed::publisher::csv::{Csv, Dialect};
use crate::feed::publisher::federal_register::{ADDRESS, FederalRegister};
use crate::feed::publisher::feed::Syndication;
use crate::feed::publisher::folder::Folder;
use crate::feed::publisher::gacc::Gacc;
use crate::feed::publisher::japan::{Japan, Source};
use crate::feed::publisher::json::Json;
use crate::feed::publisher::jsonstat::JsonStat;
use crate::feed::publisher::korea::{self, Korea};
use crate::feed::publisher::sdmx::Sdmx;
use crate::feed::publisher::site::Site;
use crate::feed::publisher::sum::Kept;
use crate::feed::publisher::trade::{Flow, Measure};
use crate::feed::publisher::worldbank::WorldBank;
use crate::feed::publisher::xlsx::Xlsx;
use crate::feed::publisher::{Columns, Common};
use crate::feed::{Answer, Page, ParseError, Publisher, Request, Standing, Target};
use crate::period::{Frequency, Period, Span};
use crate::rule::bulk::{Program, Question};
use crate::rule::{Expr, Rule, Subject, Verdict, distance, judge};
use crate::series::{
    AsOf, Finite, History, Item, KnownItem, Labels, Panel, PullId, Quantity, Status, Terms, Unit, Vintage, intake,
};

/// The series that expressions are tried on: frequency, unit, the first period, and the figures, with `_` where
/// there is none. They have gaps, zeros, figures below zero, and figures near the limits of a number.
const SERIES: [(Frequency, &str, &str, &str); 4] = [
    (
        Frequency::Month,
        "t",
        "2023-11",
        "8 0 0 12 _ 7 -3 46.4 353 619 590 420.5 656 _ 564 1e-300 5 5 5 5 1e308 -1e308 9",
    ),
    (Frequency::Day, "CNY/t", "2025-08-25", "560000 _ 571000 0 _ _ _ _ _ _ _ _ 1.5 1.5 1e300"),
    (Frequency::Quarter, "", "2022-Q3", "100 101.5 _ 99 0 104 103 103 110"),
    (Frequency::Week, "MUSD", "2025-W50", "1 2 4 _ 8 16 15 -14 -13"),
];

/// Any text as an expression: an error in its place, or an expression that says the same once it was printed
/// and read again, and that may be asked of any history, checked or not.
pub fn expression(text: &str) {
    let expr = match Expr::parse(text) {
        Ok(expr) => expr,
        Err(error) => return assert!(text.get(error.span.clone()).is_some(), "no place in {text:?}: {error:?}"),
    };
    let printed = expr.canonical();
    let again = Expr::parse(&printed).unwrap_or_else(|error| panic!("{printed:?} cannot be read again: {error:?}"));
    assert_eq!(again.canonical(), printed, "printed, it says something else");
    for (frequency, unit, first, figures) in SERIES {
        asked(&expr, text, &history(frequency, unit, first, figures));
    }
}

/// An expression asked of each period of a history, and of some that it does not reach.
fn asked(expr: &Expr, text: &str, history: &History) {
    let subject = Subject { frequency: history.frequency(), unit: Some(history.unit().cloned()) };
    let wrong = expr.check(&subject);
    assert!(wrong.iter().all(|error| text.get(error.span.clone()).is_some()), "no place in {text:?}: {wrong:?}");
    let min_base = history.unit().map(|unit| Quantity { value: 5.0, unit: Some(unit.clone()) });
    let rule = Rule { when: vec![expr.clone()], min_base, ..Rule::default() };
    let view = history.view(AsOf::Latest).at(Timestamp::from_millis(1_763_596_800_000));
    let (Some(first), Some(last)) = (view.earliest(), view.latest()) else { return };
    let count = last.distance(first).unwrap_or_default();
    let periods: Vec<Period> = (-1..=count + 1).map(|at| first.offset(at)).collect();
    let verdicts: Vec<Verdict> = periods.iter().map(|period| judge(&rule, &view, *period).verdict).collect();
    if wrong.is_empty() {
        let _ = distance(&rule, &rule.when, &view, last);
        agrees(&rule, history, &periods, &verdicts);
    }
}

/// Bulk evaluation says the same, where it says anything.
fn agrees(rule: &Rule, history: &History, periods: &[Period], verdicts: &[Verdict]) {
    let Ok(mut panel) = Panel::new(history.frequency(), history.unit().cloned()) else { return };
    let Ok((row, _)) = panel.refresh(&history.view(AsOf::Latest)) else { return };
    let Ok(questions) = Question::of(rule) else { return };
    let Ok(program) = Program::new(&questions, &panel, periods) else { return };
    for ((bulk, verdict), period) in program.verdicts(&panel).iter().zip(verdicts).zip(periods) {
        let expected = match verdict {
            Verdict::Holds => Some(true),
            Verdict::Fails => Some(false),
            Verdict::Unknown(_) => None,
        };
        assert!(bulk.of(row).is_none_or(|found| found == expected), "{} at {period}: {verdict:?}", rule.text());
    }
}

fn history(frequency: Frequency, unit: &str, first: &str, figures: &str) -> History {
    let mut history = History::new(Labels::default(), frequency, Unit::parse(unit).ok());
    let first = Period::parse(first).expect("a period of our own");
    for (at, figure) in (0..).zip(figures.split(' ')) {
        let Some(value) = figure.parse().ok().and_then(Finite::new) else { continue };
        let period = first.offset(at);
        let known = Timestamp::start_of_day(period.last_day(), chrono_tz::UTC);
        let vintage = Vintage { value: Some(value), status: Status::Final, recorded_at: known, pull: PullId(1) };
        history.record(Span::from(period), vintage);
    }
    history
}

/// Any bytes as a CSV file. The first byte says how it is written, the others are the file.
pub fn csv(bytes: &[u8]) {
    let Some((how, body)) = bytes.split_first() else { return };
    let encodings = [encoding_rs::UTF_8, encoding_rs::GB18030, encoding_rs::SHIFT_JIS, encoding_rs::WINDOWS_1252];
    let wide = how & 4 != 0;
    let delimiter = (how & 8 != 0).then_some(b';');
    let skip_lines = usize::from(how & 16 != 0);
    let dialect = Dialect { delimiter, encoding: encodings[usize::from(how & 3)], skip_lines, wide };
    let place = |name: &str| (!wide).then(|| name.to_owned());
    let columns = Columns {
        period: place("period"),
        value: place("value"),
        unit: (how & 32 != 0).then(|| "unit".to_owned()),
        status: (how & 32 != 0).then(|| "status".to_owned()),
        published: (how & 32 != 0).then(|| "published".to_owned()),
        labels: vec![("partner".to_owned(), "partner".to_owned())],
    };
    read(Csv { request: nowhere(), common: common(*how), columns, dialect }.read(body));
}

/// Any bytes as a JSON document. The first byte says how it is read, the others are the document.
pub fn json(bytes: &[u8]) {
    let Some((how, body)) = bytes.split_first() else { return };
    let columns = Columns {
        period: Some("/period".to_owned()),
        value: Some("/value".to_owned()),
        unit: (how & 32 != 0).then(|| "/unit".to_owned()),
        status: (how & 32 != 0).then(|| "/status".to_owned()),
        published: (how & 32 != 0).then(|| "/published".to_owned()),
        labels: vec![("partner".to_owned(), "/partner/iso".to_owned())],
    };
    let records = ["", "/data", "/1", "$..[?@.period]"][usize::from(how & 3)].to_owned();
    read(Json { request: nowhere(), common: common(*how), columns, records }.read(body));
}

/// Any bytes as a statistical table: SDMX, or JSON-stat. The first byte says which, the others are the table.
pub fn cube(bytes: &[u8]) {
    let Some((how, body)) = bytes.split_first() else { return };
    let columns = Columns {
        period: None,
        value: (how & 16 != 0).then(|| "VALUE".to_owned()),
        unit: (how & 32 != 0).then(|| "UNIT".to_owned()),
        status: None,
        published: None,
        labels: vec![("partner".to_owned(), "AREA".to_owned())],
    };
    let (request, common) = (nowhere(), common(*how));
    if how & 1 != 0 {
        read(JsonStat { request, common, columns }.read(body));
    } else {
        read(Sdmx { request, common, columns }.read(body));
    }
}

/// Any bytes as a feed of items: RSS or Atom, or documents of the Federal Register. The first byte says which, the
/// others are the feed.
pub fn items(bytes: &[u8]) {
    let Some((how, body)) = bytes.split_first() else { return };
    let common = Common { frequency: Frequency::Day, ..common(*how) };
    let standing = Standing { now: Timestamp::from_millis(1_763_596_800_000), marks: BTreeMap::new() };
    let question = if how & 2 == 0 { "2025-09-01 2025-11-20" } else { "" };
    let answer = Answer { question, body, http_status: (how & 4 == 0).then_some(200), standing: &standing };
    let base = ADDRESS.parse().expect("a publisher's address is one");
    let site = Site { base, headers: Vec::new(), insecure: false, allow_private: false };
    let page = if how & 1 == 0 {
        Syndication { request: Request::new(site.target("", [])), common }.parse(&answer)
    } else {
        let (term, agencies, types, cfr, since) = (None, Vec::new(), Vec::new(), None, None);
        FederalRegister { site, term, agencies, types, cfr, since, common }.parse(&answer)
    };
    if let Ok(page) = &page {
        page.items.iter().for_each(kept);
        let ids: std::collections::BTreeSet<&str> = page.items.iter().map(|item| item.id.as_str()).collect();
        assert_eq!(ids.len(), page.items.len(), "two items have one name");
    }
    read(page);
}

/// An item is bounded, is read on the web alone, and is found or not by any search.
fn kept(item: &Item) {
    let length = |text: &str| text.chars().count();
    assert!((1..=ITEM_ID_CHARS_MAX).contains(&length(&item.id)), "{:?}", item.id);
    assert!(length(&item.title) <= ITEM_TITLE_CHARS_MAX && length(&item.summary) <= ITEM_TEXT_CHARS_MAX);
    assert!(item.url.as_ref().is_none_or(|url| url.starts_with("http") && length(url) <= ITEM_URL_CHARS_MAX));
    assert!(!item.title.contains(['\n', '\r']) && item.day.frequency() == Frequency::Day);
    let known = KnownItem { item: item.clone(), pull: PullId(1), seen_at: Timestamp::from_millis(0) };
    let history = history(Frequency::Day, "count", "2025-09-01", "1").with_items([known].into());
    let search = Expr::parse("new('gallium' or not country='CN' and 'rare earth*')").expect("a search of our own");
    let rule = Rule { when: vec![search], ..Rule::default() };
    let view = history.view(AsOf::Latest);
    let judgement = view.latest().map(|latest| judge(&rule, &view, latest));
    assert!(judgement.is_some_and(|judgement| !matches!(judgement.verdict, Verdict::Unknown(_))));
}

/// Any bytes as a file or an answer of a customs office: China's, Korea's or Japan's. The first byte says whose.
pub fn customs(bytes: &[u8]) {
    let Some((how, body)) = bytes.split_first() else { return };
    let measures = vec![Measure::Value, Measure::Weight, Measure::Quantity];
    let kept = Kept { goods: Vec::new(), partners: Vec::new(), measures };
    let folder = || Folder { path: "trial".into(), ending: ".csv" };
    let (common, flows) = (common(how & 63), vec![Flow::Import, Flow::Export]);
    let standing = Standing { now: Timestamp::from_millis(1_763_596_800_000), marks: BTreeMap::new() };
    let answer = Answer { question: "", body, http_status: None, standing: &standing };
    read(match how % 3 {
        0 => Gacc { folder: folder(), flow: Some(Flow::Export), kept, common }.parse(&answer),
        1 => Japan { source: Source::Folder(folder()), flows, kept, common }.parse(&answer),
        _ => {
            let base = korea::ADDRESS.parse().expect("a publisher's address is one");
            let site = Site { base, headers: Vec::new(), insecure: false, allow_private: false };
            let goods = vec!["850511".to_owned()];
            let (partners, measures, key) = (Vec::new(), vec![Measure::Value, Measure::Weight], Secret::new("trial"));
            Korea { site, key, goods, partners, flows, measures, since: None, common }.parse(&answer)
        }
    });
}

/// Any bytes as an answer of an office of trade. The first byte says whose, and to which question; the others are
/// the answer.
pub fn trade(bytes: &[u8]) {
    let Some((how, body)) = bytes.split_first() else { return };
    let publisher: Box<dyn Publisher> = if how & 1 != 0 { Box::new(census(*how)) } else { Box::new(comtrade(*how)) };
    let standing = Standing { now: Timestamp::from_millis(1_763_596_800_000), marks: BTreeMap::new() };
    let question = match how >> 1 & 3 {
        0 => String::new(),
        1 => publisher.requests(&standing).pop().map(|request| request.question).unwrap_or_default(),
        2 => r#"{"slice":0,"reporter":"842","periods":[["202501",{"at":"2025-05-02T10:11:12.1","checksum":1,"edition":"H6"}]]}"#
            .to_owned(),
        _ => r#"{"ask":"figures","export":false,"goods":["850511"],"months":["2025-05"],"first":false}"#.to_owned(),
    };
    let status = if how & 8 != 0 { 400 } else { 200 };
    read(publisher.parse(&Answer { question: &question, body, http_status: Some(status), standing: &standing }));
}

fn comtrade(how: u8) -> Comtrade {
    Comtrade {
        site: site(),
        key: (how & 16 != 0).then(|| Secret::new("trial-key")),
        reporters: vec!["842".to_owned()],
        partners: if how & 32 != 0 { vec!["156".to_owned()] } else { Vec::new() },
        goods: vec!["850511".to_owned()],
        flows: vec![Flow::Import],
        measures: vec![Measure::Value, Measure::Weight, Measure::Quantity],
        since: None,
        absent_zero: how & 64 != 0,
        common: common(0),
    }
}

fn census(how: u8) -> Census {
    Census {
        site: site(),
        key: Secret::new("trial-key"),
        partners: if how & 32 != 0 { vec!["5700".to_owned()] } else { Vec::new() },
        goods: vec!["850511".to_owned()],
        flows: vec![Flow::Import],
        basis: Basis::General,
        measures: vec![Measure::Value, Measure::Quantity],
        since: None,
        absent_zero: how & 64 != 0,
        common: common(0),
    }
}

fn site() -> Site {
    let base = "https://trial.example".parse().expect("an address of our own");
    Site { base, headers: Vec::new(), insecure: false, allow_private: false }
}

/// Any bytes as a workbook, or as a page that links to one. The first byte says how it is read, the others are the file.
pub fn workbook(bytes: &[u8]) {
    let Some((how, body)) = bytes.split_first() else { return };
    let (wide, common) = (how & 4 != 0, common(*how));
    if how & 1 != 0 {
        let url = "https://bank.example/prices".parse().expect("an address of our own");
        let source = Target::Http { url, headers: Vec::new(), insecure: false, allow_private: false };
        let bank = WorldBank { source, series: Vec::new(), sheet: None, has_unit: false, common };
        let standing = Standing { now: Timestamp::from_millis(0), marks: BTreeMap::new() };
        read(bank.parse(&Answer { question: "", body, http_status: Some(200), standing: &standing }));
        return;
    }
    let place = |name: &str| (!wide).then(|| name.to_owned());
    let columns = Columns {
        period: place("period"),
        value: place("value"),
        unit: (how & 32 != 0).then(|| "unit".to_owned()),
        status: None,
        published: (how & 32 != 0).then(|| "published".to_owned()),
        labels: vec![("partner".to_owned(), "partner".to_owned())],
    };
    let sheet = (how & 8 != 0).then(|| "Exports".to_owned());
    let skip_lines = usize::from(how & 16 != 0);
    read(Xlsx { request: nowhere(), common, columns, sheet, skip_lines, wide }.read(body));
}

fn common(how: u8) -> Common {
    let european = how & 64 != 0;
    Common {
        frequency: if how & 128 != 0 { Frequency::Day } else { Frequency::Month },
        zone: chrono_tz::Asia::Shanghai,
        labels: [("feed", "trial"), ("reporter", "CN")].into_iter().collect(),
        period_format: None,
        decimal: if european { ',' } else { '.' },
        thousands: european.then_some('.'),
    }
}

fn nowhere() -> Request {
    Request::new(Target::File("trial".into()))
}

/// What was read keeps its promises: every row is counted, and what is said of it is fit for a terminal.
fn read(page: Result<Page, ParseError>) {
    let page = match page {
        Ok(page) => page,
        Err(error) => return said(&error.to_string()),
    };
    assert!(page.refused_count <= page.rows, "{} of {} refused", page.refused_count, page.rows);
    assert!(page.refused.len() <= REFUSALS_KEPT.min(page.refused_count));
    // What is taken back may have been nothing.
    let figures = page.observations.iter().filter(|observation| observation.value.is_some()).count();
    page.observations.iter().for_each(|observation| said(&observation.labels.to_string()));
    let unit = Unit::parse("t").ok();
    let terms = Terms { unit: unit.as_ref(), absent_zero: true };
    let taken = intake(page.observations, &page.unavailable, terms, &HashMap::new());
    page.refused.iter().chain(&taken.refused).for_each(|refusal| said(&refusal.to_string()));
    assert!(!taken.rows.is_empty() || !taken.refused.is_empty() || figures == 0, "figures were lost");
}

fn said(text: &str) {
    assert!(!text.contains(char::is_control), "{text:?}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_and_bad_input_keeps_the_promises() {
        for text in ["", "declines >= 2", "yoy < -25% or zscore(4) < -2", "mean(3) > 1 t and )", "é > 2", "declines"] {
            expression(text);
        }
        // As deep as an expression may be, printed it must not be deeper.
        expression(&format!("1 t < {}value", "-".repeat(60)));
        for bytes in [&b""[..], b"\0", b"\0period,value,partner\n2025-09,420.5,US\n", b"\0\x1b[2J,value\n", b"\x84\xff"]
        {
            csv(bytes);
            json(bytes);
        }
        for bytes in [
            &b""[..],
            b"\0AREA;TIME_PERIOD;OBS_VALUE\nUS;2025-09;1,5\n\x1b;2025-09;x\n",
            b"\0{\"structure\":{\"dimensions\":{\"observation\":[{\"id\":\"AREA\"}]}},\"dataSets\":[{\"observations\":{\"\x1b\":[]}}]}",
            b"\0<S><DataSet><Obs AREA=\"US\" TIME_PERIOD=\"2025-09\" OBS_VALUE=\"1\"/></DataSet></S>",
            b"\0<a>\x1b[2J<b",
            b"\0{\"dataSets\":[{\"action\":\"Delete\",\"observations\":{\"0\":[1]}}],\"structure\":{\"dimensions\":{\"observation\":[{\"id\":\"AREA\",\"role\":\"time\",\"values\":[{\"id\":\"2026-07\"}]}]}}}",
            b"\x01{\"id\":[\"AREA\",\"time\"],\"size\":[1,0],\"dimension\":{\"AREA\":{}},\"value\":[1]}",
        ] {
            cube(bytes);
        }
        for bytes in [
            &b""[..],
            b"\0<rss version=\"2.0\"><channel><item><guid>1</guid><title>&#27;[2J</title></item></channel></rss>",
            b"\0<feed xmlns=\"http://www.w3.org/2005/Atom\"><entry><title>A</title></entry><entry><title>A</title></entry></feed>",
            b"\0<rss version=\"2.0\"><channel>",
            b"\x01{\"count\":1,\"results\":[{\"title\":\"\\u001b\",\"document_number\":\"1\",\"publication_date\":\"2025-09-01\"}]}",
            b"\x01{\"count\":1,\"results\":[{\"document_number\":\"\\u001b\"}],\"next_page_url\":\"\\u001b\"}",
        ] {
            items(bytes);
        }
        for bytes in [
            &b""[..],
            "\u{0}数据年月,商品编码,贸易伙伴编码,第一数量,第一计量单位,美元,\n202509,85051110,502,420500,千克,7,\n".as_bytes(),
            b"\0Commodity code,Commodity,US dollar\n85051110,a\x1b, b,7\n",
            "\u{0}数据年月,商品编码,贸易伙伴编码,第一数量,第一计量单位,美元,\n202509,8\u{1}5,502,420500,千克,7,\n".as_bytes(),
            b"\x01Exp or Imp,Year,HS\n1,2025,\x1b\n",
            b"\x02<r><header><resultCode>00</resultCode></header><item><year>2026.01</year><statCd>\x1b</statCd></item></r>",
            b"\x02<r><header><resultCode>30</resultCode><resultMsg>\x1b[2J</resultMsg></header></r>",
        ] {
            customs(bytes);
        }
        for how in 0..=u8::MAX {
            for body in [
                &b""[..],
                br#"{"count":1,"data":[{"period":"202501","reporterCode":842,"partnerCode":156,"cmdCode":"850511","flowCode":"M","netWgt":0,"primaryValue":1}]}"#,
                br#"{"data":[{"period":"202501","reporterCode":842,"lastReleased":"soon"},1]}"#,
                b"{\"count\":-1,\"error\":\"\x1b[2J\"}",
                b"[[\"I_COMMODITY\",\"CTY_CODE\",\"GEN_VAL_MO\",\"GEN_QY1_MO\",\"GEN_QY1_MO_FLAG\",\"UNIT_QY1\",\"time\"],[\"850511\",\"5700\",\"1\",\"2\",null,\"KG\",\"2025-05\"],[\"850511\",\"\x7f\",\"1\",\"2\",null,\"KG\",\"2025-05\"]]",
                b"[[\"time\"],[\"2025-05\"],[1e999]]",
            ] {
                trade(&[&[how], body].concat());
            }
        }
        let xls = include_bytes!("feed/format/workbook/testdata/1900.xls");
        for how in [b"\0", b"\x01", b"\x04", b"\x08"] {
            for body in [&xls[..], &xls[..600], b"PK\x03\x04", b"", b"<html><a href=\x1b.xlsx>"] {
                workbook(&[how, body].concat());
            }
        }
        json(b"\x03{\"data\": [{\"period\": \"2025-09\", \"value\": 1, \"partner\": {\"iso\": \"US\"}}]}");
        json(b"\x01{\"data\": [{\"period\": \"2025-09\", \"value\": 1, \"partner\": {\"iso\": \"US\"}}]}");
    }

    #[test]
    #[should_panic(expected = "\\u{1b}")]
    fn a_broken_promise_is_seen() {
        said("\u{1b}[2J");
    }

    #[test]
    fn the_series_of_the_trial_are_read() {
        let lengths = SERIES.map(|(frequency, unit, first, figures)| {
            let history = history(frequency, unit, first, figures);
            assert_eq!(history.unit().is_some(), !unit.is_empty());
            history.entries().count()
        });
        assert_eq!(lengths, [21, 6, 8, 8]);
    }
}
