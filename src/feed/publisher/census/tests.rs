//! The Bureau's traps, each by its name.

use super::super::tests::{common, told};
use super::*;
use crate::feed::Target;

const KEY: &str = "canarycanarycanarycanarycanary03";
const NOW: &str = "2025-09-10T12:00:00Z";

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn feed(partners: &[&str], goods: &[&str], flow: Flow) -> Census {
    Census {
        site: Site { base: ADDRESS.parse().unwrap(), headers: Vec::new(), insecure: false, allow_private: false },
        key: Secret::new(KEY),
        partners: strings(partners),
        goods: strings(goods),
        flows: vec![flow],
        basis: Basis::General,
        measures: vec![Measure::Value, Measure::Quantity],
        since: Period::month(2025, 1),
        absent_zero: false,
        common: Common { labels: Labels::default(), ..common() },
    }
}

fn magnets() -> Census {
    feed(&["5700", "5880"], &["8505110070"], Flow::Import)
}

fn standing(marks: &[(&str, &str)]) -> Standing {
    let marks = marks.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Standing { now: Timestamp::parse(NOW).unwrap(), marks }
}

fn addresses(requests: &[Request]) -> String {
    let address = |request: &Request| match &request.target {
        Target::Http { url, .. } => url.to_string(),
        Target::File(_) | Target::Folder(_) => panic!("expected an address"),
    };
    requests.iter().map(address).collect::<Vec<_>>().join("\n")
}

/// A table from rows of words; `_` is a null.
fn table(header: &str, rows: &[&str]) -> String {
    let row = |row: &&str| {
        let cell = |word: &str| if word == "_" { "null".to_owned() } else { format!("\"{word}\"") };
        format!("[{}]", row.split(' ').map(cell).collect::<Vec<_>>().join(","))
    };
    let rows: Vec<String> = std::iter::once(&header).chain(rows).map(row).collect();
    format!("[{}]", rows.join(",\n"))
}

const MONTHS: &str = "I_COMMODITY GEN_VAL_MO LAST_UPDATE COMM_LVL CTY_CODE SUMMARY_LVL time I_COMMODITY";
const FIGURES: &str = "I_COMMODITY CTY_CODE GEN_VAL_MO GEN_QY1_MO GEN_QY1_MO_FLAG UNIT_QY1 COMM_LVL CTY_CODE time";

fn months(feed: &Census, standing: &Standing, rows: &[&str]) -> Result<Page, ParseError> {
    let question = serde_json::to_string(&Ask::Months { export: false }).unwrap();
    feed.parse(&Answer::ok(&question, table(MONTHS, rows).as_bytes(), standing))
}

fn question(feed: &Census, first: bool) -> String {
    let goods = feed.goods.clone();
    let months = strings(&["2025-05", "2025-06", "2025-07"]);
    serde_json::to_string(&Ask::Figures { export: feed.flows == [Flow::Export], goods, months, first }).unwrap()
}

fn figures(feed: &Census, header: &str, rows: &[&str]) -> Result<Page, ParseError> {
    feed.parse(&Answer::ok(&question(feed, false), table(header, rows).as_bytes(), &standing(&[])))
}

#[test]
fn months_are_asked_first_and_figures_from_a_year_before_what_is_new() {
    let feed = magnets();
    insta::assert_snapshot!(addresses(&feed.requests(&standing(&[]))), @"https://api.census.gov/data/timeseries/intltrade/imports/hs?get=I_COMMODITY%2CGEN_VAL_MO%2CLAST_UPDATE&I_COMMODITY=85&COMM_LVL=HS2&CTY_CODE=-&SUMMARY_LVL=DET&time=from+2025-01+to+2025-09&key=canarycanarycanarycanarycanary03");
    let rows = ["85 900 2025-08-05 HS2 - DET 2025-05 85", "85 800 2025-09-04 HS2 - DET 2025-06 85"];
    let page = months(&feed, &standing(&[]), &rows).unwrap();
    assert_eq!(page.marks[0], ("import 2025-05".to_owned(), "85 900 2025-08-05".to_owned()));
    insta::assert_snapshot!(addresses(&page.next), @"https://api.census.gov/data/timeseries/intltrade/imports/hs?get=I_COMMODITY%2CCTY_CODE%2CGEN_VAL_MO%2CGEN_QY1_MO%2CGEN_QY1_MO_FLAG%2CUNIT_QY1&I_COMMODITY=8505110070&COMM_LVL=HS10&CTY_CODE=5700&CTY_CODE=5880&SUMMARY_LVL=DET&time=from+2025-05+to+2025-06&key=canarycanarycanarycanarycanary03");
    let export = Census { flows: vec![Flow::Export], goods: strings(&["850511", "8505110070", "28"]), ..feed };
    insta::assert_snapshot!(addresses(&export.requests(&standing(&[]))), @"https://api.census.gov/data/timeseries/intltrade/exports/hs?get=E_COMMODITY%2CALL_VAL_MO%2CLAST_UPDATE&E_COMMODITY=28&E_COMMODITY=85&COMM_LVL=HS2&CTY_CODE=-&SUMMARY_LVL=DET&DF=-&time=from+2025-01+to+2025-09&key=canarycanarycanarycanarycanary03");
    let june = Period::month(2025, 6).unwrap();
    insta::assert_snapshot!(addresses(&export.figures_requests(Flow::Export, &[june], &[june], true)), @"
    https://api.census.gov/data/timeseries/intltrade/exports/hs?get=E_COMMODITY%2CCTY_CODE%2CALL_VAL_MO%2CQTY_1_MO%2CQTY_1_MO_FLAG%2CUNIT_QY1%2CDF&E_COMMODITY=28&COMM_LVL=HS2&CTY_CODE=5700&CTY_CODE=5880&SUMMARY_LVL=DET&DF=-&time=from+2025-06+to+2025-06&key=canarycanarycanarycanarycanary03
    https://api.census.gov/data/timeseries/intltrade/exports/hs?get=E_COMMODITY%2CCTY_CODE%2CALL_VAL_MO%2CQTY_1_MO%2CQTY_1_MO_FLAG%2CUNIT_QY1%2CDF&E_COMMODITY=850511&COMM_LVL=HS6&CTY_CODE=5700&CTY_CODE=5880&SUMMARY_LVL=DET&DF=-&time=from+2025-06+to+2025-06&key=canarycanarycanarycanarycanary03
    https://api.census.gov/data/timeseries/intltrade/exports/hs?get=E_COMMODITY%2CCTY_CODE%2CALL_VAL_MO%2CQTY_1_MO%2CQTY_1_MO_FLAG%2CUNIT_QY1%2CDF&E_COMMODITY=8505110070&COMM_LVL=HS10&CTY_CODE=5700&CTY_CODE=5880&SUMMARY_LVL=DET&DF=-&time=from+2025-06+to+2025-06&key=canarycanarycanarycanarycanary03
    ");
}

#[test]
fn a_month_whose_total_or_update_has_moved_is_read_again() {
    let feed = Census { since: Period::month(2023, 1), ..magnets() };
    let rows = [
        "85 700 2025-08-05 HS2 - DET 2024-03 85",
        "85 900 2025-08-05 HS2 - DET 2025-05 85",
        "85 800 2025-09-04 HS2 - DET 2025-06 85",
    ];
    let asked = |marks: &[(&str, &str)]| {
        let page = months(&feed, &standing(marks), &rows).unwrap();
        let time = page.next.iter().map(|request| {
            let asked = addresses(std::slice::from_ref(request));
            asked.split("&time=").nth(1).unwrap().split('&').next().unwrap().to_owned()
        });
        (time.collect::<Vec<_>>().join(" and "), page.marks.len(), page.note)
    };
    let out = Some("imports are out until 2025-06".to_owned());
    let all = [
        ("import 2024-03", "85 700 2025-08-05"),
        ("import 2025-05", "85 900 2025-08-05"),
        ("import 2025-06", "85 800 2025-09-04"),
    ];
    assert_eq!(asked(&all), (String::new(), 0, out));
    assert_eq!(asked(&all[..2]), ("from+2025-05+to+2025-06".to_owned(), 3, None));
    // A revision of the last month but one, with the same update; another update, with the same total.
    let revised = [all[0], ("import 2025-05", "85 901 2025-08-05"), all[2]];
    assert_eq!(asked(&revised).0, "from+2025-05+to+2025-05");
    let updated = [("import 2024-03", "85 700 2024-05-05"), all[1], all[2]];
    assert_eq!(asked(&updated).0, "from+2024-03+to+2024-03");
}

/// Both are answered with 204 and nothing.
#[test]
fn not_out_yet_and_a_wrong_question_are_told_apart() {
    let empty = |feed: &Census, question: &str| {
        let standing = standing(&[]);
        feed.parse(&Answer { http_status: Some(204), ..Answer::ok(question, b"", &standing) })
    };
    let of_months = serde_json::to_string(&Ask::Months { export: false }).unwrap();
    let recent = Census { since: Period::month(2025, 8), ..magnets() };
    let page = empty(&recent, &of_months).unwrap();
    assert_eq!((page.rows, page.note.as_deref()), (0, Some("imports since 2025-08 are not out yet")));
    let long_out = told(empty(&magnets(), &of_months));
    assert_eq!(
        long_out,
        "the answer has no figures: the Census Bureau has no imports of these chapters since 2025-01, which are long out: \
         are the codes right?"
    );
    // The months are out: it is the code, or there is no such trade.
    let wrong = told(empty(&magnets(), &question(&magnets(), true)));
    assert_eq!(
        wrong,
        "the answer has no figures: the months 2025-05 to 2025-07 are out, and have no import of `8505110070` with these \
         partners; codes of ten digits change each January and July"
    );
    assert_eq!(empty(&magnets(), &question(&magnets(), false)).unwrap().rows, 0, "a year without trade");
}

#[test]
fn quantities_have_the_unit_of_their_row_and_a_zero_may_be_missing() {
    let rows = [
        "8505110070 5700 48213 1250 _ KG HS10 5700 2025-05",
        "8505110070 5700 48213 0 M KG HS10 5700 2025-06",
        "8505110070 5700 48213 0 _ KG HS10 5700 2025-07",
        "8505110070 5880 0 0 _ KG HS10 5880 2025-05",
        "8505110070 5880 900 12 A NO HS10 5880 2025-06",
        "8505110070 5880 900 12 _ - HS10 5880 2025-07",
    ];
    insta::assert_snapshot!(told(figures(&magnets(), FIGURES, &rows)), @r#"
    2: {basis="general", flow="import", hs="8505110070", measure="value", partner="CN", reporter="US"} 2025-05 48213 USD final
    2: {basis="general", flow="import", hs="8505110070", measure="quantity", partner="CN", reporter="US"} 2025-05 1250 kg final
    3: {basis="general", flow="import", hs="8505110070", measure="value", partner="CN", reporter="US"} 2025-06 48213 USD final
    4: {basis="general", flow="import", hs="8505110070", measure="value", partner="CN", reporter="US"} 2025-07 48213 USD final
    5: {basis="general", flow="import", hs="8505110070", measure="value", partner="JP", reporter="US"} 2025-05 0 USD final
    5: {basis="general", flow="import", hs="8505110070", measure="quantity", partner="JP", reporter="US"} 2025-05 0 kg final
    6: {basis="general", flow="import", hs="8505110070", measure="value", partner="JP", reporter="US"} 2025-06 900 USD final
    6: {basis="general", flow="import", hs="8505110070", measure="quantity", partner="JP", reporter="US"} 2025-06 12 items confidential
    7: {basis="general", flow="import", hs="8505110070", measure="value", partner="JP", reporter="US"} 2025-07 900 USD final
    not available: {basis="general", flow="import", hs="8505110070", measure="quantity", partner="CN", reporter="US"} 2025-06
    not available: {basis="general", flow="import", hs="8505110070", measure="quantity", partner="CN", reporter="US"} 2025-07
    not available: {basis="general", flow="import", hs="8505110070", measure="quantity", partner="JP", reporter="US"} 2025-07
    12 rows, 0 refused
    "#);
    let odd = ["8505110070 5700 48213 1250 _ CAR HS10 5700 2025-05", "8505110070 5880 1,5 1 _ KG HS10 5880 2025-05"];
    insta::assert_snapshot!(told(figures(&magnets(), FIGURES, &odd)), @r#"
    2: {basis="general", flow="import", hs="8505110070", measure="value", partner="CN", reporter="US"} 2025-05 48213 USD final
    row 2, column `UNIT_QY1`: a quantity in `CAR` is not understood; leave `quantity` out of `measure`
    row 3, column `GEN_VAL_MO`: `1,5` is no number: set `thousands = ","` or `decimal = ","` if the feed writes numbers so
    row 3, column `GEN_VAL_MO`: `1,5` is no number: set `thousands = ","` or `decimal = ","` if the feed writes numbers so
    4 rows, 3 refused
    "#);
}

/// A naive sum over the rows of an answer is about three times too large.
#[test]
fn totals_and_groups_of_countries_stand_not_among_countries() {
    let header = "I_COMMODITY CTY_CODE SUMMARY_LVL GEN_VAL_MO GEN_QY1_MO GEN_QY1_MO_FLAG UNIT_QY1 time CTY_CODE";
    let row = |partner: &str, level: &str| format!("250410 {partner} {level} 5 1 _ KG 2025-05 {partner}");
    let rows = [
        row("-", "DET"),
        row("0003", "CGP"),
        row("4XXX", "CGP"),
        row("5700", "DET"),
        row("4280", "DET"),
        row("4231", "CGP"),
    ];
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let every = feed(&[], &["250410"], Flow::Import);
    let page = figures(&every, header, &rows).unwrap();
    assert_eq!(page.note.as_deref(), Some("4 rows of groups of countries left out (`W00`, `0003`, `4XXX` and `BE`)"));
    let partners: Vec<&str> = page.observations.iter().filter_map(|seen| seen.labels.value("partner")).collect();
    assert_eq!(partners, ["CN", "CN", "DE", "DE"]);
    for (partner, label) in [("-", "W00"), ("0003", "0003")] {
        let one = feed(&[partner], &["250410"], Flow::Import);
        let page = figures(&one, header, &rows[..2]).unwrap();
        assert_eq!(page.observations[0].labels.value("partner"), Some(label), "{partner}");
    }
    assert!(
        addresses(&feed(&["0003"], &["250410"], Flow::Import).figures_requests(
            Flow::Import,
            &[Period::month(2025, 5).unwrap()],
            &[Period::month(2025, 5).unwrap()],
            true
        ))
        .find("SUMMARY_LVL")
        .is_none()
    );
}

#[test]
fn columns_of_one_name_have_to_agree() {
    let rows = ["8505110070 5700 48213 1250 _ KG HS10 0003 2025-05"];
    assert_eq!(
        told(figures(&magnets(), FIGURES, &rows)),
        "row 2, column `CTY_CODE`: `CTY_CODE` is there twice, as `5700` and `0003`\n1 rows, 1 refused"
    );
}

#[test]
fn exports_are_the_sum_of_domestic_and_foreign_goods() {
    let header = "E_COMMODITY CTY_CODE ALL_VAL_MO QTY_1_MO QTY_1_MO_FLAG UNIT_QY1 DF time";
    let exports = feed(&["5700"], &["850511"], Flow::Export);
    let rows =
        ["850511 5700 100 3 _ KG - 2025-05", "850511 5700 90 2 _ KG 1 2025-05", "850511 5700 10 1 _ KG 2 2025-05"];
    insta::assert_snapshot!(told(figures(&exports, header, &rows)), @r#"
    2: {flow="export", hs="850511", measure="value", partner="CN", reporter="US"} 2025-05 100 USD final
    2: {flow="export", hs="850511", measure="quantity", partner="CN", reporter="US"} 2025-05 3 kg final
    row 3, column `DF`: `1` is a part: only the total, `-`, counts
    row 4, column `DF`: `2` is a part: only the total, `-`, counts
    4 rows, 2 refused
    "#);
    let twice = [rows[0], rows[0]];
    assert!(told(figures(&exports, header, &twice)).starts_with("row 3: a second row for 2025-05 of {flow=\"export\""));
}

#[test]
fn general_imports_and_those_for_consumption_are_other_series() {
    let consumption = Census { basis: Basis::Consumption, ..magnets() };
    let header = FIGURES.replace("GEN_", "CON_");
    let page = figures(&consumption, &header, &["8505110070 5700 48213 1250 _ KG HS10 5700 2025-05"]).unwrap();
    let labels: Vec<String> = page.observations.iter().map(|seen| seen.labels.to_string()).collect();
    assert_eq!(
        labels[0],
        r#"{basis="consumption", flow="import", hs="8505110070", measure="value", partner="CN", reporter="US"}"#
    );
}

#[test]
fn what_was_not_asked_for_is_refused_by_itself() {
    let rows = [
        "8505110070 5700 48213 1250 _ KG HS10 5700 2025-05",
        "8505110070 4280 48213 1250 _ KG HS10 4280 2025-05",
        "8505110050 5700 48213 1250 _ KG HS10 5700 2025-05",
        "8505110070 5700 48213 1250 _ KG HS10 5700 2024-05",
        "8505110070 5700 48213 1250 _ KG HS10 5700 2025",
        "8505110070 5700 48213",
    ];
    insta::assert_snapshot!(told(figures(&magnets(), FIGURES, &rows)), @r#"
    2: {basis="general", flow="import", hs="8505110070", measure="value", partner="CN", reporter="US"} 2025-05 48213 USD final
    2: {basis="general", flow="import", hs="8505110070", measure="quantity", partner="CN", reporter="US"} 2025-05 1250 kg final
    row 3, column `CTY_CODE`: `4280` was not asked for
    row 4, column `I_COMMODITY`: `8505110050` was not asked for
    row 5, column `time`: `2024-05` was not asked for
    row 6, column `time`: `2025` is a year: expected a month, like 2025-09
    row 7, column `CTY_CODE`: 3 cells, where the header has 9
    7 rows, 5 refused
    "#);
}

/// The ten digits are cut anew each January and July: what ends then is no decline, and no zero.
#[test]
fn a_code_that_ends_with_a_cut_of_the_schedule_is_a_break_and_no_zero() {
    let feed = Census { absent_zero: true, ..magnets() };
    let june = "8505110070 5700 48213 1250 _ KG HS10 5700 2025-06";
    let page = figures(&feed, FIGURES, &["8505110070 5700 9 1 _ KG HS10 5700 2025-05", june]).unwrap();
    let note = page.note.unwrap();
    assert!(
        note.starts_with("8505110070 has no figures since July 2025: likely a break of the nomenclature"),
        "{note}"
    );
    assert!(note.contains("cut anew each January and July"));
    assert_eq!(page.observations.len(), 4, "no zero");
    // Another partner goes on: the first one's July, and the months before the other's, are without trade.
    let goes_on = "8505110070 5880 900 12 _ KG HS10 5880 2025-07";
    let page = figures(&feed, FIGURES, &[june, goes_on]).unwrap();
    assert_eq!((page.note, page.observations.len()), (None, 12));
    let zeros = page.observations.iter().filter(|seen| seen.value == Some(Finite::ZERO));
    let units: Vec<String> = zeros.map(|seen| seen.unit.as_ref().unwrap().to_string()).collect();
    assert_eq!(units.iter().filter(|unit| *unit == "kg").count(), 4);
    // Six digits outlive the cut.
    let six = Census { absent_zero: false, ..self::feed(&["5700"], &["850511"], Flow::Import) };
    assert_eq!(figures(&six, FIGURES, &["850511 5700 9 1 _ KG HS6 5700 2025-06"]).unwrap().note, None);
}

#[test]
fn many_codes_are_cut_into_several_requests() {
    let goods: Vec<String> = (0..90).map(|good| format!("{}", 8_505_110_000_u64 + good)).collect();
    let goods: Vec<&str> = goods.iter().map(String::as_str).collect();
    let months: Vec<Period> = (1..=12).filter_map(|month| Period::month(2024, month)).collect();
    let count = |partners: &[&str]| {
        let feed = Census { since: Period::month(2024, 1), ..feed(partners, &goods, Flow::Import) };
        feed.figures_requests(Flow::Import, &months, &months, true).len()
    };
    assert_eq!((count(&["5700"]), count(&[])), (3, 6));
}

#[test]
fn what_is_no_answer_is_an_error_and_shows_no_key() {
    let parse = |status, body: &str| {
        let standing = standing(&[]);
        let feed = magnets();
        let question = question(&feed, false);
        told(feed.parse(&Answer { http_status: Some(status), ..Answer::ok(&question, body.as_bytes(), &standing) }))
    };
    let errors = [
        parse(200, "<html><head><title>Missing Key</title></head>"),
        parse(200, "<html><head><title>Invalid Key</title></head>"),
        parse(200, "<!DOCTYPE html><title>Scheduled maintenance</title>"),
        parse(400, "error: unknown variable ''"),
        parse(400, &format!("error: the key {KEY} is not allowed")),
        parse(404, "<html><title>404</title>"),
        parse(200, "error: unknown/unsupported geography heirarchy"),
        parse(200, "[[\"I_COMMODITY\"],[\"8505110070\""),
        parse(200, ""),
    ];
    assert!(errors.iter().all(|error| !error.contains("canary")));
    insta::assert_snapshot!(errors.join("\n"), @r#"
    the publisher says: Missing Key: a key is free at api.census.gov/data/key_signup.html, and works once the link in its mail was followed
    the publisher says: Invalid Key: a key is free at api.census.gov/data/key_signup.html, and works once the link in its mail was followed
    expected a table as JSON, found a web page titled "Scheduled maintenance"
    the publisher says: error: unknown variable ''
    the publisher says: error: the key is not allowed
    expected a table as JSON, found a web page titled "404"
    no table as JSON at line 1, column 1: expected value at line 1 column 1
    no table as JSON at line 1, column 30: EOF while parsing a list at line 1 column 30
    the response is empty
    "#);
}

#[test]
fn schedule_c_codes_of_countries() {
    for (country, expected) in [
        ("CN", Some("5700")),
        ("Korea, South", None),
        ("South Korea", Some("5800")),
        ("TW", Some("5830")),
        ("world", Some("-")),
        ("0003", Some("0003")),
        ("4xxx", Some("4XXX")),
        ("5700", Some("5700")),
        ("US", None),
        ("Nowhere", None),
    ] {
        assert_eq!(code(country).as_deref(), expected, "{country}");
    }
    assert!(["-", "0003", "4XXX"].into_iter().all(is_group) && !["5700", "4803"].into_iter().any(is_group));
}
