//! The traps of files from Chinese customs, each by its name. All figures are ours, in the shape of theirs.

use encoding_rs::GB18030;
use proptest::prelude::*;

use super::super::tests::{common, told};
use super::super::trade::Measure;
use super::*;
use crate::base::clock::Timestamp;
use crate::series::Labels;

fn kept(goods: &[&str], partners: &[&str]) -> Kept {
    let strings = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let measures = Measure::ALL.map(|(_, measure)| measure).to_vec();
    Kept { goods: strings(goods), partners: strings(partners), measures }
}

fn feed() -> Gacc {
    Gacc {
        folder: Folder { path: "/drop".into(), ending: ".csv" },
        flow: None,
        kept: kept(&[], &[]),
        common: Common { labels: Labels::default(), ..common() },
    }
}

fn parse(feed: &Gacc, name: &str, said: Option<&str>, body: &[u8]) -> Result<Page, ParseError> {
    let question = Dropped::of(name, body, said).question();
    feed.parse(&Answer::ok(&question, body, &Standing::new(Timestamp::from_millis(1_800_000_000_000))))
}

/// A file of a name: its page in lines, with its note.
fn read(name: &str, body: &str) -> String {
    let page = parse(&feed(), name, None, body.as_bytes());
    let note = page.as_ref().ok().and_then(|page| page.note.clone());
    let lines = told(page).replace(" final published 1970-01-01T00:00:01Z", "");
    [Some(lines), note].into_iter().flatten().collect::<Vec<_>>().join("\n")
}

const NAME: &str = "gacc_export_85051110_2025-09.csv";
const ENGLISH: &str = "\"Date of data\",\"Commodity code\",\"Commodity\",\"Trading partner code\",\"Trading partner\",\
    \"Customs Regime code\",\"Customs Regime\",\"Locations of importers and exporters code\",\
    \"Locations of importers and exporters\",\"Quantity\",\"Unit\",\"Supplementary Quantity\",\"Supplementary Unit\",\
    \"US dollar\",\n";

/// A row of a magnet's month: partner, regime, province, kilograms, dollars.
fn row(month: &str, partner: &str, province: &str, kilograms: &str, dollars: &str) -> String {
    format!(
        "\"{month}\",\"85051110\",\"Magnets, of rare earths\",\"{partner}\",\"A name\",\"10\",\"Ordinary Trade\",\
         \"{province}\",\"A Province\",\"{kilograms}\",\"Kilogram\",\"0\",\"?\",\"{dollars}\",\n"
    )
}

#[test]
fn provinces_and_regimes_are_summed_to_the_partner() {
    let body = format!(
        "{ENGLISH}{}{}{}{}",
        row("202509", "502", "33", "300500", "14,000,000"),
        row("202508", "502", "33", "590000", "30,500,000"),
        row("202509", "502", "44", "120000", "6,000,500"),
        row("202509", "304", "33", "1288000", "61,000,000"),
    );
    insta::assert_snapshot!(read(NAME, &body), @r#"
    5: {flow="export", hs="85051110", measure="value", partner="DE", reporter="CN"} 2025-09 61000000 USD
    5: {flow="export", hs="85051110", measure="weight", partner="DE", reporter="CN"} 2025-09 1288000 kg
    3: {flow="export", hs="85051110", measure="value", partner="US", reporter="CN"} 2025-08 30500000 USD
    3: {flow="export", hs="85051110", measure="weight", partner="US", reporter="CN"} 2025-08 590000 kg
    2: {flow="export", hs="85051110", measure="value", partner="US", reporter="CN"} 2025-09 20000500 USD
    2: {flow="export", hs="85051110", measure="weight", partner="US", reporter="CN"} 2025-09 420500 kg
    6 rows, 0 refused
    "#);
}

#[test]
fn chinese_headers_in_any_order_and_gb18030_are_read() {
    let body = "美元,商品编码,商品名称,第一计量单位,第一数量,贸易伙伴编码,贸易伙伴名称,数据年月,\n\
        \"1,099,343\",85051110,稀土永磁铁,千克,20500,110,中国香港，特别行政区,202509,\n";
    let expected = read(NAME, body);
    insta::assert_snapshot!(expected, @r#"
    2: {flow="export", hs="85051110", measure="value", partner="HK", reporter="CN"} 2025-09 1099343 USD
    2: {flow="export", hs="85051110", measure="weight", partner="HK", reporter="CN"} 2025-09 20500 kg
    2 rows, 0 refused
    "#);
    let chinese = GB18030.encode(body).0;
    let lines =
        |body: &[u8]| told(parse(&feed(), NAME, None, body)).replace(" final published 1970-01-01T00:00:01Z", "");
    assert_eq!(lines(&chinese), expected);
    assert_eq!(lines(format!("\u{FEFF}{body}").as_bytes()), expected);
    let utf16: Vec<u8> = std::iter::once(0xFEFF_u16).chain(body.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assert_eq!(lines(&utf16), expected);
}

#[test]
fn a_file_in_neither_encoding_says_so() {
    let error = parse(&feed(), NAME, None, b"\xC9\xCC\xFF,1").unwrap_err().to_string();
    assert_eq!(
        error,
        "it is neither UTF-8 nor gb18030: byte 2 cannot be read; download it again, and do not save it with another program"
    );
}

#[test]
fn currency_is_in_the_header_alone() {
    let english = "Commodity code,Trading partner code,Quantity,Unit,Renminbi Yuan,\n85051110,502,420500,Kilogram,\"150,000,000\",\n";
    insta::assert_snapshot!(read(NAME, english), @r#"
    2: {flow="export", hs="85051110", measure="value", partner="US", reporter="CN"} 2025-09 150000000 CNY
    2: {flow="export", hs="85051110", measure="weight", partner="US", reporter="CN"} 2025-09 420500 kg
    2 rows, 0 refused
    "#);
    let silent = english.replace("Renminbi Yuan", "Value");
    insta::assert_snapshot!(read(NAME, &silent), @r#"it does not say which money its values are in; write currency = "USD" into a file beside it"#);
    let page = parse(&feed(), NAME, Some("currency = \"CNY\""), silent.as_bytes());
    assert!(told(page).contains("150000000 CNY"));
    insta::assert_snapshot!(read(NAME, &english.replace("Quantity,Unit", "US dollar,Unit")), @"it has several columns `US dollar` (`美元`) or `Renminbi Yuan` (`人民币`); leave one of them");
}

#[test]
fn names_with_commas_that_are_not_quoted_are_put_together() {
    let header = "Commodity code,Commodity,Trading partner code,Trading partner,Quantity,Unit,US dollar,\n";
    let good = "85051110,Magnets, of rare earths,133,Korea, Rep.,854000,Kilogram,39000000,\n";
    insta::assert_snapshot!(read(NAME, &format!("{header}{good}")), @r#"
    2: {flow="export", hs="85051110", measure="value", partner="KR", reporter="CN"} 2025-09 39000000 USD
    2: {flow="export", hs="85051110", measure="weight", partner="KR", reporter="CN"} 2025-09 854000 kg
    2 rows, 0 refused
    "#);
    // A name that looks like the columns that follow can be read in two ways; a value without quotes in none.
    for bad in [
        "85051110,Magnets,133,Korea,854000,Kilogram,39,000,000,\n",
        "85051110,Magnets,133,Korea,133,Korea,854000,Kilogram,39000000,\n",
        "85051110,Magnets,133,Korea,854000,Kilogram\n",
        "Korea, Rep.\n",
    ] {
        let said = read(NAME, &format!("{header}{bad}"));
        assert!(said.starts_with("row 2: expected 7 fields, found "), "{said}");
    }
}

#[test]
fn a_quantity_of_zero_with_a_value_is_missing_and_no_zero() {
    let tiny = row("202509", "502", "33", "0", "226");
    insta::assert_snapshot!(read(NAME, &format!("{ENGLISH}{tiny}")), @r#"
    2: {flow="export", hs="85051110", measure="value", partner="US", reporter="CN"} 2025-09 226 USD
    not available: {flow="export", hs="85051110", measure="weight", partner="US", reporter="CN"} 2025-09
    2 rows, 0 refused
    "#);
    // Beside others it is rounded away, and the sum stands.
    let beside = format!("{ENGLISH}{tiny}{}", row("202509", "502", "44", "7", "100"));
    insta::assert_snapshot!(read(NAME, &beside), @r#"
    2: {flow="export", hs="85051110", measure="value", partner="US", reporter="CN"} 2025-09 326 USD
    2: {flow="export", hs="85051110", measure="weight", partner="US", reporter="CN"} 2025-09 7 kg
    2 rows, 0 refused
    "#);
}

#[test]
fn first_and_second_units_have_measures_of_their_own() {
    let header = "商品编码,贸易伙伴编码,第一数量,第一计量单位,第二数量,第二计量单位,美元\n";
    let rows = "85013100,502,1200,台,5400,千克,90000\n85013200,502,5,千克,5000,克,10\n71023100,502,10,克拉,0,?,10\n\
        27160000,502,3,千千瓦时,4,个,10\n";
    insta::assert_snapshot!(read(NAME, &format!("{header}{rows}")), @r#"
    5: {flow="export", hs="27160000", measure="value", partner="US", reporter="CN"} 2025-09 10 USD
    5: {flow="export", hs="27160000", measure="quantity", partner="US", reporter="CN"} 2025-09 3
    4: {flow="export", hs="71023100", measure="value", partner="US", reporter="CN"} 2025-09 10 USD
    4: {flow="export", hs="71023100", measure="weight", partner="US", reporter="CN"} 2025-09 0.002 kg
    2: {flow="export", hs="85013100", measure="value", partner="US", reporter="CN"} 2025-09 90000 USD
    2: {flow="export", hs="85013100", measure="weight", partner="US", reporter="CN"} 2025-09 5400 kg
    2: {flow="export", hs="85013100", measure="quantity", partner="US", reporter="CN"} 2025-09 1200 items
    3: {flow="export", hs="85013200", measure="value", partner="US", reporter="CN"} 2025-09 10 USD
    3: {flow="export", hs="85013200", measure="weight", partner="US", reporter="CN"} 2025-09 5 kg
    9 rows, 0 refused
    gacc_export_85051110_2025-09.csv: second quantities that are no mass are left out
    "#);
}

#[test]
fn partners_without_a_country_keep_the_customs_code() {
    let body = format!(
        "{ENGLISH}{}{}{}",
        row("202509", "701", "33", "5", "100"),
        row("202509", "142", "33", "6", "100"),
        row("202509", "207", "33", "7", "100"),
    );
    insta::assert_snapshot!(read(NAME, &body), @r#"
    4: {flow="export", hs="85051110", measure="value", partner="207", reporter="CN"} 2025-09 100 USD
    4: {flow="export", hs="85051110", measure="weight", partner="207", reporter="CN"} 2025-09 7 kg
    2: {flow="export", hs="85051110", measure="value", partner="701", reporter="CN"} 2025-09 100 USD
    2: {flow="export", hs="85051110", measure="weight", partner="701", reporter="CN"} 2025-09 5 kg
    3: {flow="export", hs="85051110", measure="value", partner="CN", reporter="CN"} 2025-09 100 USD
    3: {flow="export", hs="85051110", measure="weight", partner="CN", reporter="CN"} 2025-09 6 kg
    6 rows, 0 refused
    gacc_export_85051110_2025-09.csv: partners without a code of ISO's keep the customs' own (`207` and `701`)
    "#);
}

#[test]
fn ten_thousand_rows_are_cut_off_and_nothing_is_stored() {
    let rows = |count: usize| (0..count).map(|_| row("202509", "502", "33", "1", "2")).collect::<String>();
    assert_eq!(
        read(NAME, &format!("{ENGLISH}{}", rows(10_000))),
        "10000 rows, as many as the publisher gives at most: the answer is cut off; download fewer goods, partners or \
         months at once"
    );
    assert!(read(NAME, &format!("{ENGLISH}{}", rows(9_999))).contains(" 9999 kg"));
}

#[test]
fn a_file_that_does_not_say_what_it_is_says_what_to_do() {
    let degenerate = "\"Commodity code\",\"Commodity\",\"Quantity\",\"Unit\",\"US dollar\",\n\"85051110\",\"Magnets\",\"4333\",\"Kilogram\",\"419,601\",\n";
    let dated = degenerate.replace("\"Commodity\"", "\"Date of data\"").replace("\"Magnets\"", "\"202509\"");
    let whole = format!("{ENGLISH}{}", row("202509", "502", "33", "1", "2"));
    insta::assert_snapshot!(
        [
            read("downloadData.csv", &whole),
            read("export.csv", degenerate),
            read("export.csv", &dated),
            read("export_2025-09.csv", degenerate),
            read(NAME, "CODES,DESCRIPTION,\n101,Afghanistan,\n"),
            read(NAME, "Commodity code,Trading partner code,Quantity,Unit,\n85051110,502,1,Kilogram,\n"),
            read(NAME, "<!DOCTYPE html><title>Verify</title>"),
            read(NAME, ""),
            read(NAME, ENGLISH),
        ]
        .join("\n"),
        @r#"
    nothing says whether it has imports or exports; name it like gacc_export_85051110_2026-03.csv, write flow = "export" into a file beside it (NAME.csv.toml), or into the feed
    it has no column of months, and nothing else says its month; name it like gacc_export_85051110_2026-03.csv, write period = "2026-03" into a file beside it (NAME.csv.toml), or download it again by month
    it has no column of partners; download it again with trading partners, or, if it is of one partner or of the whole world (W00), write partner = "US" into a file beside it (NAME.csv.toml)
    it has no column of partners; download it again with trading partners, or, if it is of one partner or of the whole world (W00), write partner = "US" into a file beside it (NAME.csv.toml)
    it has no column `Commodity code` or `商品编码`; the columns are `CODES` and `DESCRIPTION`; download it again with the goods' codes
    it has no column `US dollar` (`美元`) or `Renminbi Yuan` (`人民币`); the columns are `Commodity code`, `Trading partner code`, `Quantity` and `Unit`; download it again with one of them
    expected a CSV file of Chinese customs, found a web page titled "Verify"
    the response is empty
    there are no rows after the header
    "#
    );
    let page = parse(&feed(), "export_2025-09.csv", Some("partner = \"W00\""), degenerate.as_bytes());
    assert!(told(page).contains("partner=\"W00\""));
    let feed = Gacc { flow: Some(Flow::Import), ..feed() };
    assert!(told(parse(&feed, "x.csv", None, whole.as_bytes())).contains("flow=\"import\""));
    assert!(told(parse(&feed, NAME, None, whole.as_bytes())).contains("flow=\"export\""), "the name knows better");
}

#[test]
fn a_column_may_say_the_flow() {
    let body = "进出口,数据年月,商品编码,贸易伙伴编码,美元\n出口,202509,85051110,502,7\n进口,202509,85051110,502,3\n";
    insta::assert_snapshot!(read("x.csv", body), @r#"
    2: {flow="export", hs="85051110", measure="value", partner="US", reporter="CN"} 2025-09 7 USD
    3: {flow="import", hs="85051110", measure="value", partner="US", reporter="CN"} 2025-09 3 USD
    2 rows, 0 refused
    "#);
    assert_eq!(read("x.csv", &body.replace("出口,2", "转口,2")), "row 2: `转口` is neither import nor export");
}

#[test]
fn months_together_are_never_taken_for_a_month() {
    let dated = |date: &str| read(NAME, &format!("{ENGLISH}{}", row(date, "502", "33", "1", "2")));
    insta::assert_snapshot!(
        [
            dated("2025年1-3月"),
            dated("202501-202503"),
            dated("2025"),
            dated("2025-13"),
            dated("2025年1-2月"),
            read(NAME, "商品编码,贸易伙伴编码,美元,1至9月累计美元\n85051110,502,7,90\n"),
        ]
        .join("\n"),
        @r#"
    `2025年1-3月` is of several months together, and no month's figure; download it again by month (only January and February may be one)
    row 2: `202501-202503` is no period: expected a form like 2025-09
    row 2: `2025` is a year: expected a month, like 2025-09
    row 2: `2025-13` is no period: expected a form like 2025-09
    2: {flow="export", hs="85051110", measure="value", partner="US", reporter="CN"} 2025-01/2025-02 2 USD
    2: {flow="export", hs="85051110", measure="weight", partner="US", reporter="CN"} 2025-01/2025-02 1 kg
    2 rows, 0 refused
    `1至9月累计美元` is of several months together, and no month's figure; download it again by month (only January and February may be one)
    "#
    );
}

#[test]
fn one_row_that_cannot_be_read_makes_every_sum_wrong_and_nothing_is_stored() {
    let whole = row("202509", "502", "33", "1", "2");
    for (bad, said) in [
        (row("202509", "502", "33", "many", "2"), "row 3: `many` is no `Quantity`"),
        (row("202509", "502", "33", "1", "1,2E3"), "row 3: `1,2E3` is no `US dollar`"),
        (row("202509", "USA", "33", "1", "2"), "row 3: `USA` is no `Trading partner code`"),
        (row("202509", "502", "33", "1", ""), "row 3: the value is empty"),
        (
            "\"202509\",\"85051110".to_owned(),
            "row 3: a quoted field is not closed before the end: the file was cut off",
        ),
    ] {
        assert_eq!(read(NAME, &format!("{ENGLISH}{whole}{bad}")), said);
    }
    let huge = row("202509", "502", "33", "1", &format!("1{}", "0".repeat(308)));
    assert!(read(NAME, &format!("{ENGLISH}{huge}{huge}")).contains("the sum is too large"));
}

#[test]
fn only_what_the_feed_names_is_kept() {
    let feed = Gacc { kept: Kept { measures: vec![Measure::Weight], ..kept(&["8505"], &["US"]) }, ..feed() };
    let body = format!("{ENGLISH}{}{}", row("202509", "502", "33", "1", "2"), row("202509", "304", "33", "1", "2"));
    let page = parse(&feed, NAME, None, body.as_bytes()).unwrap();
    assert_eq!((page.rows, page.observations[0].labels.value("partner")), (1, Some("US")));
    let feed = Gacc { kept: kept(&["81129290"], &[]), ..feed };
    let page = parse(&feed, NAME, None, body.as_bytes()).unwrap();
    assert_eq!((page.rows, page.marks.len()), (0, 1), "read, and nothing of it");
    assert_eq!(page.note.as_deref(), Some("gacc_export_85051110_2025-09.csv: none of its goods and partners are kept"));
}

#[test]
fn january_comes_with_february() {
    let release = feed().release().unwrap();
    let due = |period| release.due_on(crate::period::Period::parse(period).unwrap()).unwrap().to_string();
    assert_eq!(
        [due("2025-12"), due("2026-01"), due("2026-02"), due("2026-03")],
        ["2026-01-20", "2026-03-20", "2026-03-20", "2026-04-20"]
    );
}

proptest! {
    #[test]
    fn no_bytes_are_a_panic(
        header in "(商品编码|商品名称|贸易伙伴编码|第一数量|第一计量单位|美元|数据年月|x|,){0,12}",
        rows in "[0-9a,\"\n?千克.年月-]{0,80}",
        name in "[a-z0-9_. 年月出口-]{0,20}",
    ) {
        let body = format!("{header}\n{rows}");
        if let Ok(page) = parse(&feed(), &name, None, body.as_bytes()) {
            prop_assert_eq!(page.rows, page.observations.len() + page.unavailable.len() + page.refused_count);
        }
    }

    /// A row of a great many names is given up, not tried in every way.
    #[test]
    fn commas_without_end_are_given_up(names in 1_usize..60, commas in 1_usize..40) {
        let header = format!("商品编码,{}美元\n", "x,".repeat(names));
        let body = format!("{header}85051110,{}7\n", "y,".repeat(names + commas));
        let _ = read(NAME, &body);
    }
}
