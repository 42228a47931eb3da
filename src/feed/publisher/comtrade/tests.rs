//! Comtrade's traps, each by its name.

use super::super::tests::{common, told};
use super::ask::Release;
use super::*;
use crate::feed::Target;
use crate::feed::publisher::Common;
use crate::period::Frequency;

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn feed(key: Option<&str>) -> Comtrade {
    Comtrade {
        site: Site { base: ADDRESS.parse().unwrap(), headers: Vec::new(), insecure: false, allow_private: false },
        key: key.map(Secret::new),
        reporters: strings(&["842", "156"]),
        partners: strings(&["156", "490"]),
        goods: strings(&["250410", "280530"]),
        flows: vec![Flow::Import],
        measures: vec![Measure::Value, Measure::Weight],
        since: Period::month(2024, 1),
        absent_zero: false,
        common: Common { labels: Labels::default(), ..common() },
    }
}

const KEY: &str = "canarycanarycanarycanarycanary02";

fn standing(marks: &[(&str, &str)]) -> Standing {
    let marks = marks.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Standing { marks, ..Standing::new(Timestamp::parse("2025-06-01T00:00:00Z").unwrap()) }
}

fn addresses(requests: &[Request]) -> String {
    let address = |request: &Request| match &request.target {
        Target::Http { url, headers, .. } => {
            let headers: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
            format!("{url} {}", headers.join(" ")).trim_end().to_owned()
        }
        Target::File(_) | Target::Folder(_) => panic!("expected an address"),
    };
    requests.iter().map(address).collect::<Vec<_>>().join("\n")
}

fn envelope(rows: &[String]) -> String {
    format!(r#"{{"elapsedTime":"0.1 secs","count":{},"data":[{}],"error":""}}"#, rows.len(), rows.join(","))
}

/// A row of `getDa`: reporter, period, release, checksum, edition.
fn dataset(row: &str) -> String {
    let parts: Vec<&str> = row.split(' ').collect();
    let [reporter, period, released, checksum, edition] = parts.as_slice() else { panic!("{row}") };
    format!(
        r#"{{"datasetCode":30842202501202200,"freqCode":"M","period":{period},"reporterCode":{reporter},"classificationCode":"{edition}",
        "totalRecords":7,"datasetChecksum":{checksum},"firstReleased":"2025-01-01T00:00:00","lastReleased":"{released}"}}"#
    )
}

fn releases(rows: &[&str]) -> String {
    envelope(&rows.iter().map(|row| dataset(row)).collect::<Vec<_>>())
}

/// A row of trade: `reporter partner good period`, and what differs from a plain one.
fn row(cell: &str, changes: &[(&str, &str)]) -> String {
    let parts: Vec<&str> = cell.split(' ').collect();
    let [reporter, partner, good, period] = parts.as_slice() else { panic!("{cell}") };
    let mut fields = vec![
        ("refMonth", "1".to_owned()),
        ("period", format!("\"{period}\"")),
        ("reporterCode", (*reporter).to_owned()),
        ("reporterISO", "null".to_owned()),
        ("flowCode", "\"M\"".to_owned()),
        ("partnerCode", (*partner).to_owned()),
        ("partner2Code", "0".to_owned()),
        ("classificationCode", "\"H6\"".to_owned()),
        ("cmdCode", format!("\"{good}\"")),
        ("customsCode", "\"C00\"".to_owned()),
        ("mosCode", "\"0\"".to_owned()),
        ("motCode", "0".to_owned()),
        ("qtyUnitCode", "8".to_owned()),
        ("qtyUnitAbbr", "\"kg\"".to_owned()),
        ("qty", "1500".to_owned()),
        ("netWgt", "1500".to_owned()),
        ("isNetWgtEstimated", "false".to_owned()),
        ("cifvalue", "2750.5".to_owned()),
        ("primaryValue", "2750.5".to_owned()),
        ("legacyEstimationFlag", "0".to_owned()),
    ];
    for (name, value) in changes {
        let field = fields.iter_mut().find(|(known, _)| known == name);
        match field {
            Some(field) => field.1 = (*value).to_owned(),
            None => fields.push((name, (*value).to_owned())),
        }
    }
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", fields.join(","))
}

fn question(reporter: &str, periods: &[&str]) -> String {
    let release = Release { at: "2025-05-02T10:11:12.1234567".to_owned(), checksum: -5, edition: "H6".to_owned() };
    let periods = periods.iter().map(|period| ((*period).to_owned(), release.clone())).collect();
    serde_json::to_string(&Ask { slice: 0, reporter: reporter.to_owned(), periods }).unwrap()
}

fn figures(feed: &Comtrade, rows: &[String]) -> Result<Page, ParseError> {
    let question = question("842", &["202501", "202502"]);
    feed.parse(&Answer::ok(&question, envelope(rows).as_bytes(), &standing(&[])))
}

#[test]
fn releases_are_asked_first_and_the_totals_of_every_dimension_are_pinned() {
    let with_key = feed(Some(KEY));
    let first = with_key.requests(&standing(&[]));
    assert_eq!(addresses(&first), "https://comtradeapi.un.org/public/v1/getDa/C/M/HS?reporterCode=842%2C156");
    let body = releases(&["842 202501 2025-05-02T10:11:12.1234567 -5 H6", "842 \"202502\" 2025-05-03T00:00:00 6 H6"]);
    let next = |feed: &Comtrade| feed.parse(&Answer::ok(RELEASES, body.as_bytes(), &standing(&[]))).unwrap().next;
    insta::assert_snapshot!(addresses(&next(&with_key)), @"https://comtradeapi.un.org/data/v1/get/C/M/HS?reporterCode=842&period=202501%2C202502&cmdCode=250410%2C280530&flowCode=M&partner2Code=0&motCode=0&customsCode=C00&breakdownMode=classic&maxRecords=100000&format=JSON&partnerCode=156%2C490 Ocp-Apim-Subscription-Key");
    // Without a key: one period a call.
    insta::assert_snapshot!(addresses(&next(&feed(None))), @r"
    https://comtradeapi.un.org/public/v1/preview/C/M/HS?reporterCode=842&period=202501&cmdCode=250410%2C280530&flowCode=M&partner2Code=0&motCode=0&customsCode=C00&breakdownMode=classic&maxRecords=500&format=JSON&partnerCode=156%2C490
    https://comtradeapi.un.org/public/v1/preview/C/M/HS?reporterCode=842&period=202502&cmdCode=250410%2C280530&flowCode=M&partner2Code=0&motCode=0&customsCode=C00&breakdownMode=classic&maxRecords=500&format=JSON&partnerCode=156%2C490
    ");
    assert!(next(&with_key).iter().all(|request| request.may_wait));
}

#[test]
fn only_what_was_released_anew_is_asked_for_again() {
    let feed = feed(Some(KEY));
    let body = releases(&[
        "842 202312 2024-03-02T00:00:00 1 H6",
        "842 202501 2025-05-02T10:11:12.1234567 -5 H6",
        "842 202502 2025-05-03T00:00:00 6 H6",
        "156 202501 2025-05-04T00:00:00 7 H6",
        "36 202501 2025-05-04T00:00:00 7 H6",
    ]);
    let asked = |marks: &[(&str, &str)]| {
        let page = feed.parse(&Answer::ok(RELEASES, body.as_bytes(), &standing(marks))).unwrap();
        let asked = |request: &Request| {
            let ask: Ask = serde_json::from_str(&request.question).unwrap();
            let periods: Vec<&str> = ask.periods.iter().map(|(period, _)| period.as_str()).collect();
            format!("{}: {}", ask.reporter, periods.join(" "))
        };
        let asked: Vec<String> = page.next.iter().map(asked).chain(page.note).collect();
        asked.join("; ")
    };
    assert_eq!(asked(&[]), "156: 202501; 842: 202501 202502");
    let read = [
        ("842 202501", "2025-05-02T10:11:12.1234567 -5 H6"),
        ("842 202502", "2025-05-03T00:00:00 6 H6"),
        ("156 202501", "2025-05-04T00:00:00 7 H6"),
    ];
    assert_eq!(asked(&read), "released until CN 2025-01, US 2025-02");
    // Another checksum, another time: a revision.
    let revised =
        [("842 202501", "2025-05-02T10:11:12.1234567 4 H6"), read[1], ("156 202501", "2025-04-04T00:00:00 7 H6")];
    assert_eq!(asked(&revised), "156: 202501; 842: 202501");
}

#[test]
fn the_release_is_the_vintage_and_what_was_read_is_marked() {
    let rows =
        [row("842 156 250410 202501", &[]), row("842 490 280530 202502", &[("primaryValue", "9"), ("netWgt", "3.25")])];
    let page = figures(&feed(Some(KEY)), &rows);
    let marks =
        [("842 202501", "2025-05-02T10:11:12.1234567 -5 H6"), ("842 202502", "2025-05-02T10:11:12.1234567 -5 H6")];
    let marks = marks.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(page.as_ref().unwrap().marks, marks);
    insta::assert_snapshot!(told(page), @r#"
    1: {flow="import", hs="250410", measure="value", partner="CN", reporter="US"} 2025-01 2750.5 USD final published 2025-05-02T10:11:12.123Z
    1: {flow="import", hs="250410", measure="weight", partner="CN", reporter="US"} 2025-01 1500 kg final published 2025-05-02T10:11:12.123Z
    2: {flow="import", hs="280530", measure="value", partner="TW", reporter="US"} 2025-02 9 USD final published 2025-05-02T10:11:12.123Z
    2: {flow="import", hs="280530", measure="weight", partner="TW", reporter="US"} 2025-02 3.25 kg final published 2025-05-02T10:11:12.123Z
    4 rows, 0 refused
    "#);
}

#[test]
fn a_weight_of_zero_beside_a_value_is_missing_and_estimates_are_marked() {
    let feed = Comtrade { measures: vec![Measure::Value, Measure::Weight, Measure::Quantity], ..feed(Some(KEY)) };
    let rows = [
        row("842 156 250410 202501", &[("netWgt", "0"), ("qty", "0")]),
        row("842 156 250410 202502", &[("netWgt", "null"), ("qtyUnitCode", "-1"), ("qty", "null")]),
        row("842 156 280530 202501", &[("isNetWgtEstimated", "true"), ("qtyUnitCode", "5"), ("qty", "12")]),
        row(
            "842 156 280530 202502",
            &[("legacyEstimationFlag", "6"), ("qtyUnitCode", "13"), ("qtyUnitAbbr", "\"carat\"")],
        ),
        row("842 490 250410 202501", &[("primaryValue", "0"), ("netWgt", "0"), ("qty", "0")]),
    ];
    insta::assert_snapshot!(told(figures(&feed, &rows)), @r#"
    1: {flow="import", hs="250410", measure="value", partner="CN", reporter="US"} 2025-01 2750.5 USD final published 2025-05-02T10:11:12.123Z
    2: {flow="import", hs="250410", measure="value", partner="CN", reporter="US"} 2025-02 2750.5 USD final published 2025-05-02T10:11:12.123Z
    3: {flow="import", hs="280530", measure="value", partner="CN", reporter="US"} 2025-01 2750.5 USD final published 2025-05-02T10:11:12.123Z
    3: {flow="import", hs="280530", measure="weight", partner="CN", reporter="US"} 2025-01 1500 kg estimated published 2025-05-02T10:11:12.123Z
    3: {flow="import", hs="280530", measure="quantity", partner="CN", reporter="US"} 2025-01 12 items final published 2025-05-02T10:11:12.123Z
    4: {flow="import", hs="280530", measure="value", partner="CN", reporter="US"} 2025-02 2750.5 USD final published 2025-05-02T10:11:12.123Z
    4: {flow="import", hs="280530", measure="weight", partner="CN", reporter="US"} 2025-02 1500 kg estimated published 2025-05-02T10:11:12.123Z
    5: {flow="import", hs="250410", measure="value", partner="TW", reporter="US"} 2025-01 0 USD final published 2025-05-02T10:11:12.123Z
    5: {flow="import", hs="250410", measure="weight", partner="TW", reporter="US"} 2025-01 0 kg final published 2025-05-02T10:11:12.123Z
    5: {flow="import", hs="250410", measure="quantity", partner="TW", reporter="US"} 2025-01 0 kg final published 2025-05-02T10:11:12.123Z
    not available: {flow="import", hs="250410", measure="weight", partner="CN", reporter="US"} 2025-01
    not available: {flow="import", hs="250410", measure="quantity", partner="CN", reporter="US"} 2025-01
    not available: {flow="import", hs="250410", measure="weight", partner="CN", reporter="US"} 2025-02
    not available: {flow="import", hs="250410", measure="quantity", partner="CN", reporter="US"} 2025-02
    row 4, column `qtyUnitCode`: a quantity in `carat` is not understood; leave it out of `measure`
    15 rows, 1 refused
    "#);
}

#[test]
fn parts_of_totals_are_refused_and_a_cell_that_comes_twice_is_an_error() {
    let rows = [
        row("842 156 250410 202501", &[]),
        row("842 156 250410 202501", &[("motCode", "2100")]),
        row("842 156 250410 202501", &[("partner2Code", "156")]),
        row("842 156 250410 202501", &[("customsCode", "\"C01\"")]),
    ];
    insta::assert_snapshot!(told(figures(&feed(Some(KEY)), &rows)), @r#"
    1: {flow="import", hs="250410", measure="value", partner="CN", reporter="US"} 2025-01 2750.5 USD final published 2025-05-02T10:11:12.123Z
    1: {flow="import", hs="250410", measure="weight", partner="CN", reporter="US"} 2025-01 1500 kg final published 2025-05-02T10:11:12.123Z
    row 2, column `motCode`: `2100` is a part: only the total, `0`, counts
    row 3, column `partner2Code`: `156` is a part: only the total, `0`, counts
    row 4, column `customsCode`: `C01` is a part: only the total, `C00`, counts
    5 rows, 3 refused
    "#);
    let twice = [row("842 156 250410 202501", &[]), row("842 156 250410 202501", &[("primaryValue", "7")])];
    insta::assert_snapshot!(told(figures(&feed(Some(KEY)), &twice)), @"row 2: a second row for one cell (reporter, partner, good, direction, period: 842 156 250410 M 202501): the answer has parts of totals, and none of it is taken");
}

#[test]
fn the_world_stands_not_among_countries() {
    let every = Comtrade { partners: Vec::new(), ..feed(Some(KEY)) };
    let rows = [
        row("842 0 250410 202501", &[]),
        row("842 156 250410 202501", &[]),
        row("842 899 250410 202501", &[]),
        row("842 97 250410 202501", &[]),
    ];
    let page = figures(&every, &rows).unwrap();
    assert_eq!(page.note.as_deref(), Some("2 rows of groups of countries left out (`W00` and `97`)"));
    let partners: Vec<&str> = page.observations.iter().filter_map(|seen| seen.labels.value("partner")).collect();
    assert_eq!(partners, ["CN", "CN", "899", "899"]);
    let world = Comtrade { partners: strings(&["0"]), ..feed(Some(KEY)) };
    let page = figures(&world, &rows[..1]).unwrap();
    assert_eq!(page.observations[0].labels.value("partner"), Some("W00"));
}

#[test]
fn what_was_not_asked_for_and_what_has_another_shape_is_refused_by_itself() {
    let rows = [
        row("842 156 250410 202501", &[]),
        row("842 156 250410 202412", &[]),
        row("842 156 850511 202501", &[]),
        row("842 156 250410 202502", &[("flowCode", "\"RX\"")]),
        row("842 156 280530 202501", &[("netWgt", "\"many\"")]),
        row("842 156 280530 202502", &[("primaryValue", "1e999")]),
        "[]".to_owned(),
    ];
    insta::assert_snapshot!(told(figures(&feed(Some(KEY)), &rows)), @r#"
    1: {flow="import", hs="250410", measure="value", partner="CN", reporter="US"} 2025-01 2750.5 USD final published 2025-05-02T10:11:12.123Z
    1: {flow="import", hs="250410", measure="weight", partner="CN", reporter="US"} 2025-01 1500 kg final published 2025-05-02T10:11:12.123Z
    row 2, column `period`: `202412` was not asked for
    row 3, column `cmdCode`: `850511` was not asked for
    row 4, column `flowCode`: `RX` was not asked for
    row 5: invalid type: string "many", expected f64 at line 1 column 272
    row 6: number out of range at line 1 column 335
    row 7: invalid length 0, expected struct Row with 16 elements at line 1 column 2
    8 rows, 6 refused
    "#);
    let yearly =
        feed(Some(KEY)).parse(&Answer::ok("", envelope(&[row("842 156 250410 2025", &[])]).as_bytes(), &standing(&[])));
    assert!(told(yearly).starts_with("row 1, column `period`: `2025` is a year: expected a month"));
}

#[test]
fn an_answer_as_long_as_the_publisher_gives_is_cut_off() {
    let rows = vec![row("842 156 250410 202501", &[]); 500];
    let cut = figures(&feed(None), &rows);
    assert!(matches!(cut, Err(ParseError::Truncated { rows: 500, .. })), "{}", told(cut));
    let list: Vec<String> = (0..500).map(|_| dataset("842 202501 2025-05-02T10:11:12 5 H6")).collect();
    let cut = feed(Some(KEY)).parse(&Answer::ok(RELEASES, envelope(&list).as_bytes(), &standing(&[])));
    assert!(matches!(cut, Err(ParseError::Truncated { rows: 500, .. })));
    let hostile = format!("{{\"data\":[1{}]}}", ",1".repeat(250_000));
    let endless = feed(None).parse(&Answer::ok("", hostile.as_bytes(), &standing(&[])));
    assert!(told(endless).contains("more than 250000 rows"));
    assert_eq!((feed(None).rows_max(), feed(Some(KEY)).rows_max()), (500, 100_000));
}

/// Rows are reckoned, and addresses measured, before anything is asked.
#[test]
fn what_is_too_much_for_one_request_is_cut_into_several() {
    let goods: Vec<String> = (0..300).map(|good| format!("{:06}", 250_000 + good)).collect();
    let shape = |feed: &Comtrade| {
        let slices = feed.slices();
        let goods: usize = slices.iter().map(|slice| slice.goods.len()).sum();
        (slices.len(), goods)
    };
    let few = Comtrade { goods: goods.clone(), ..feed(Some(KEY)) };
    assert_eq!(shape(&few), (1, 300), "300 codes and 2 partners are 7200 rows and one address");
    let every = Comtrade { partners: Vec::new(), ..few };
    let (count, kept) = shape(&every);
    assert!(kept == 300 && count > 10, "{count}");
    assert!(every.slices().iter().all(|slice| slice.goods.len() * 300 * 12 < 100_000));
    // Without a key 500 rows: both directions of one good with every partner do not fit.
    let preview = Comtrade { partners: Vec::new(), flows: vec![Flow::Import, Flow::Export], ..feed(None) };
    assert_eq!(shape(&preview), (4, 4));
    // A long list of partners is cut, too.
    let partners: Vec<String> = (100..900).map(|partner: u32| partner.to_string()).collect();
    let many = Comtrade { partners, goods: strings(&["250410"]), ..feed(Some(KEY)) };
    assert!(many.slices().len() > 1);
    let ask: Ask = serde_json::from_str(&question("842", &["202501"; 12])).unwrap();
    for slice in many.slices() {
        assert!(addresses(&[many.figures(&slice, &ask)]).len() < 3600);
    }
    assert_eq!(Ask { slice: 1, ..ask }.mark("202501"), "842 202501 2");
}

#[test]
fn a_released_period_without_rows_is_told_and_marked() {
    let page = figures(&feed(Some(KEY)), &[]).unwrap();
    assert_eq!((page.rows, page.marks.len()), (0, 2));
    assert_eq!(
        page.note.as_deref(),
        Some("US 202501 to 202502 is released and has no such trade; does it use these codes?")
    );
    let zeros = Comtrade { absent_zero: true, ..feed(Some(KEY)) };
    let page = figures(&zeros, &[row("842 156 250410 202501", &[("netWgt", "0")])]).unwrap();
    // Two partners, two goods, two periods, two measures, of which one cell has a value and no weight.
    assert_eq!((page.observations.len(), page.unavailable.len(), page.rows), (15, 1, 16));
    assert!(page.observations[1..].iter().all(|seen| seen.value == Some(Finite::ZERO) && seen.published.is_some()));
    // A refused row may be any cell: no zero stands beside it.
    let page = figures(&zeros, &[row("842 156 250410 202501", &[("netWgt", "\"x\"")])]).unwrap();
    assert_eq!((page.observations.len(), page.refused_count), (0, 1));
}

#[test]
fn nothing_released_is_no_success() {
    let parse = |body: &str| told(feed(Some(KEY)).parse(&Answer::ok(RELEASES, body.as_bytes(), &standing(&[]))));
    let said = "the answer has no figures: Comtrade has released nothing of US, CN by month in these periods";
    assert_eq!(parse(&releases(&[])), said);
    assert_eq!(parse(&releases(&["842 202312 2024-03-02T00:00:00 1 H6"])), said, "before `since`");
}

#[test]
fn another_edition_of_the_nomenclature_is_told_as_a_break() {
    let feed = Comtrade { since: None, ..feed(Some(KEY)) };
    let rows = ["842 202112 2022-03-02T00:00:00 1 H5", "842 202201 2022-04-02T00:00:00 2 H6"];
    let parse = |marks: &[(&str, &str)]| {
        let body = releases(&rows);
        feed.parse(&Answer::ok(RELEASES, body.as_bytes(), &standing(marks))).unwrap().note
    };
    let note =
        "US reports in H6 since January 2022, in H5 before: a good whose code means something else has a break there";
    assert_eq!(parse(&[]).as_deref(), Some(note));
    assert_eq!(parse(&[("842 202112", "2022-03-02T00:00:00 1 H5")]).as_deref(), Some(note));
    let read = [("842 202112", "2022-03-02T00:00:00 1 H5"), ("842 202201", "2022-04-02T00:00:00 2 H6")];
    assert_eq!(parse(&read).as_deref(), Some("released until US 2022-01"));
}

#[test]
fn what_is_no_answer_is_an_error_and_shows_no_key() {
    let parse = |status, body: &str| {
        let standing = standing(&[]);
        let answer = Answer { http_status: Some(status), ..Answer::ok(RELEASES, body.as_bytes(), &standing) };
        told(feed(Some(KEY)).parse(&answer))
    };
    let long = format!(r#"{{"statusCode":401,"message":"{}{KEY}"}}"#, "x".repeat(285));
    let errors = [
        parse(
            401,
            &format!(r#"{{"statusCode":401,"message":"Access denied due to invalid subscription key {KEY}."}}"#),
        ),
        parse(404, r#"{"statusCode":404,"message":"Resource not found"}"#),
        parse(
            400,
            r#"{"count":-1,"data":[],"error":"Invalid parameter value","errorObject":[{"MemberNames":["partnerCode"],"ErrorMessage":"The field partnerCode is invalid"}]}"#,
        ),
        parse(200, r#"{"count":-1,"data":[],"error":"Invalid parameter value","errorObject":{"errorMessage":"No"}}"#),
        parse(200, "<html><head><title>Request URL Too Long</title>"),
        parse(404, "<!DOCTYPE html><title>404</title>The resource you are looking for has been removed"),
        parse(200, "{\"data\":"),
        parse(200, ""),
    ];
    assert!(!parse(401, &long).contains("canary"));
    insta::assert_snapshot!(errors.join("\n"), @r#"
    the publisher says: Access denied due to invalid subscription key <secret>.
    the publisher says: Resource not found
    the publisher says: Invalid parameter value: The field partnerCode is invalid partnerCode
    the publisher says: Invalid parameter value: No
    expected JSON, found a web page titled "Request URL Too Long"
    expected JSON, found a web page titled "404"
    row 1: EOF while parsing a value at line 1 column 8
    the response is empty
    "#);
}

#[test]
fn comtrades_own_numbers_of_countries() {
    for (country, expected) in [
        ("US", Some("842")),
        ("USA", Some("842")),
        ("CH", Some("757")),
        ("France", Some("251")),
        ("TW", Some("490")),
        ("CN", Some("156")),
        ("AU", Some("36")),
        ("world", Some("0")),
        ("899", Some("899")),
        ("Nowhere", None),
        ("EU27_2020", None),
    ] {
        assert_eq!(code(country).as_deref(), expected, "{country}");
    }
    assert!(is_group("0") && is_group("97") && !is_group("899") && !is_group("490"));
    assert_eq!(
        Comtrade { common: Common { frequency: Frequency::Year, ..common() }, ..feed(None) }
            .requests(&standing(&[]))
            .len(),
        1
    );
}
