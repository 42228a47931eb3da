//! What the kinds of feeds take.

use super::*;

#[test]
fn options_of_another_kind_are_refused() {
    insta::assert_snapshot!(check_feed("records = '/data'"), @r#"
    error: `records` has no meaning for kind `csv`
     --> supplywatch.toml:5:1
      |
    5 | records = '/data'
      | ^^^^^^^ not for this kind
      |
      = help: `records` belongs to kind `json`

    1 error
    "#);
    let json = FEED.replace("csv'\npath", "json'\npath");
    insta::assert_snapshot!(check(&format!("{json}delimiter = ';'\nrecords = 'data'\ncolumns = {{ value = 'a.b', unit = '/~2' }}")), @r#"
    error: `delimiter` has no meaning for kind `json`
     --> supplywatch.toml:5:1
      |
    5 | delimiter = ';'
      | ^^^^^^^^^ not for this kind
      |
      = help: `delimiter` belongs to kind `csv`

    error: `data` is no JSON pointer
     --> supplywatch.toml:6:11
      |
    6 | records = 'data'
      |           ^^^^^^ expected `/` first
      |
      = help: did you mean "/data"?

    error: `a.b` is no JSON pointer
     --> supplywatch.toml:7:21
      |
    7 | columns = { value = 'a.b', unit = '/~2' }
      |                     ^^^^^ expected `/` first
      |
      = help: did you mean "/a/b"?

    error: `/~2` is no JSON pointer
     --> supplywatch.toml:7:35
      |
    7 | columns = { value = 'a.b', unit = '/~2' }
      |                                   ^^^^^ `~` stands alone
      |
      = help: write `~` as `~0`, and `/` within a name as `~1`

    4 errors
    "#);
    insta::assert_snapshot!(check_feed("wide = true\ncolumns = { period = 'p' }"), @r#"
    error: `period` has no place in a wide table, which has a column per period
     --> supplywatch.toml:6:13
      |
    6 | columns = { period = 'p' }
      |             ^^^^^^ not with `wide = true`
      |
      = help: take it away

    1 error
    "#);
}

#[test]
fn paths_into_json_are_tried() {
    let json = FEED.replace("csv'\npath", "json'\npath");
    let told = check(&format!("{json}records = '$.data['\ncolumns = {{ value = '$.a..', unit = '$' }}"));
    insta::assert_snapshot!(told, @r#"
    error: `$.data[` is no JSONPath
     --> supplywatch.toml:5:11
      |
    5 | records = '$.data['
      |           ^^^^^^^^^ it cannot be read at character 6
      |
      = help: write it as RFC 9535 has it, such as "$.data[*]" or "$.rates.XAU", or as a JSON pointer, "/data"

    error: `$.a..` is no JSONPath
     --> supplywatch.toml:6:21
      |
    6 | columns = { value = '$.a..', unit = '$' }
      |                     ^^^^^^^ it cannot be read at character 5: must start with lowercase alpha or '_'
      |
      = help: write it as RFC 9535 has it, such as "$.data[*]" or "$.rates.XAU", or as a JSON pointer, "/data"

    2 errors
    "#);
    let good = format!(
        "{json}records = '$.data[?@.kind == \"spot\"]'\ncolumns = {{ value = '$.v', labels = ['$.partner.iso', \"$['hs']\"] }}"
    );
    let setup = Sandbox::new(&good).setup();
    let text = r#"{"data": [{"kind": "spot", "period": "2025-09", "v": 1, "partner": {"iso": "US"}, "hs": "8505"}, {"kind": "x"}]}"#;
    let told = observations(&setup.feeds[0], text);
    insta::assert_snapshot!(told, @r#"{feed="f", hs="8505", iso="US"} 2025-09 1 Final"#);
}

#[test]
fn what_a_workbook_takes_is_checked() {
    let xlsx = FEED.replace("csv'\npath", "xlsx'\npath");
    insta::assert_snapshot!(check(&format!("{xlsx}sheet = ''\ndelimiter = ';'\nencoding = 'gbk'")), @"
    error: `sheet` is empty
     --> supplywatch.toml:5:9
      |
    5 | sheet = ''
      |         ^^ expected a line of text

    error: `delimiter` has no meaning for kind `xlsx`
     --> supplywatch.toml:6:1
      |
    6 | delimiter = ';'
      | ^^^^^^^^^ not for this kind
      |
      = help: `delimiter` belongs to kind `csv`

    error: `encoding` has no meaning for kind `xlsx`
     --> supplywatch.toml:7:1
      |
    7 | encoding = 'gbk'
      | ^^^^^^^^ not for this kind
      |
      = help: `encoding` belongs to kind `csv`

    3 errors
    ");
    insta::assert_snapshot!(check_feed("sheet = 'Prices'"), @"
    error: `sheet` has no meaning for kind `csv`
     --> supplywatch.toml:5:1
      |
    5 | sheet = 'Prices'
      | ^^^^^ not for this kind
      |
      = help: `sheet` belongs to kind `xlsx` and `worldbank`

    1 error
    ");
    let sandbox =
        Sandbox::new(&format!("{xlsx}sheet = 'Prices'\nwide = true\nskip_lines = 3\nthousands = ','\nunit = 't'"));
    let feed = &sandbox.setup().feeds[0];
    let shown = format!("{:?}", feed.publisher);
    for part in ["Xlsx {", "sheet: Some(\"Prices\")", "skip_lines: 3", "wide: true", "thousands: Some(',')"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[test]
fn what_the_world_bank_takes_is_checked() {
    let feed = |more: &str| format!("[feed.f]\nkind = 'worldbank'\n{more}");
    insta::assert_snapshot!(check(&feed("frequency = 'week'\nseries = []\nsheet = ''\nrecords = '/x'")), @r#"
    error: the World Bank has no prices by week
     --> supplywatch.toml:3:13
      |
    3 | frequency = 'week'
      |             ^^^^^^ expected `month` or `year`
      |
      = help: write frequency = "month"

    error: `series` is empty
     --> supplywatch.toml:4:10
      |
    4 | series = []
      |          ^^ names nothing
      |
      = help: take it away for all series, or write series = ["Copper"]

    error: `sheet` is empty
     --> supplywatch.toml:5:9
      |
    5 | sheet = ''
      |         ^^ expected a line of text

    error: `records` has no meaning for kind `worldbank`
     --> supplywatch.toml:6:1
      |
    6 | records = '/x'
      | ^^^^^^^ not for this kind
      |
      = help: `records` belongs to kind `json`

    4 errors
    "#);
    insta::assert_snapshot!(check(&feed("url = 'http://a.example/x.xlsx'\nseries = ['Copper', '']")), @r#"
    error: the address is plain http
     --> supplywatch.toml:3:7
      |
    3 | url = "<secret>"
      |       ^^^^^^^^^^ http://a.example is not encrypted
      |
      = help: use https://, or allow it with `insecure = true`

    error: `series` is empty
     --> supplywatch.toml:4:21
      |
    4 | series = ['Copper', '']
      |                     ^^ expected a line of text

    2 errors
    "#);
    let setup = Sandbox::new(&feed("series = ['Copper']")).setup();
    let asked = setup.feeds[0].requests(&standing());
    assert_eq!(crate::feed::fetch::shown(&asked[0].target), "https://www.worldbank.org/en/research/commodity-markets");
}
