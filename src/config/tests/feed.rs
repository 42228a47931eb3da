//! `[feed.NAME]`.

use super::{FEED, Sandbox, check, check_feed};
use crate::base::clock::Timestamp;
use crate::feed::{Answer, MaxRefused, Standing, Target};

#[test]
fn what_every_feed_needs_is_asked_for() {
    insta::assert_snapshot!(check("[feed.f]\nunit = 't'"), @r#"
    error: [feed.f] needs `kind`
     --> supplywatch.toml:1:7
      |
    1 | [feed.f]
      |       ^ no `kind`
      |
      = help: write kind = "csv", kind = "json", or a publisher such as kind = "fred"

    error: [feed.f] needs `frequency`
     --> supplywatch.toml:1:7
      |
    1 | [feed.f]
      |       ^ no `frequency`
      |
      = help: write frequency = "day", "week", "month", "quarter" or "year"

    error: [feed.f] needs `path` or `url`
     --> supplywatch.toml:1:7
      |
    1 | [feed.f]
      |       ^ neither `path` nor `url`
      |
      = help: write path = "FILE" or url = "https://…"

    3 errors
    "#);
    insta::assert_snapshot!(check(&format!("{FEED}url = 'https://h.example/'")), @r#"
    error: [feed.f] has both `path` and `url`
     --> supplywatch.toml:5:1
      |
    3 | path = 'f.csv'
      | ---- here
    4 | frequency = 'month'
    5 | url = "<secret>"
      | ^^^ and here
      |
      = help: take one away

    1 error
    "#);
}

#[test]
fn mistaken_names_are_told_with_the_nearest() {
    insta::assert_snapshot!(check("[feed.f]\nkind = 'cvs'\npath = 'f.csv'\nfreqency = 'month'\nfrequency = 'monthly'"), @"
    error: `kind` cannot be `cvs`
     --> supplywatch.toml:2:8
      |
    2 | kind = 'cvs'
      |        ^^^^^ expected `csv`, `json`, `xlsx`, `sdmx`, `jsonstat`, `fred`, `eurostat`, `comtrade`, `census`, `gacc`, `korea`, `japan`, `worldbank`, `feed` or `federal-register`

    error: unknown key `freqency` in [feed.f]
     --> supplywatch.toml:4:1
      |
    4 | freqency = 'month'
      | ^^^^^^^^ unknown
      |
      = help: did you mean `frequency`?

    error: `frequency` cannot be `monthly`
     --> supplywatch.toml:5:13
      |
    5 | frequency = 'monthly'
      |             ^^^^^^^^^ expected `day`, `week`, `month`, `quarter` or `year`
      |
      = help: did you mean `month`?

    3 errors
    ");
    insta::assert_snapshot!(check_feed("colour = 'red'\ncolumns = { priod = 'p' }"), @r#"
    error: unknown key `colour` in [feed.f]
     --> supplywatch.toml:5:1
      |
    5 | colour = 'red'
      | ^^^^^^ unknown
      |
      = help: did you mean `columns`?

    error: unknown key `priod` in [feed.f.columns]
     --> supplywatch.toml:6:13
      |
    6 | columns = { priod = 'p' }
      |             ^^^^^ unknown
      |
      = help: did you mean `period`?

    2 errors
    "#);
    insta::assert_snapshot!(check("[feeds.f]\nkind = 'csv'"), @r#"
    error: unknown key `feeds` in the config
     --> supplywatch.toml:1:2
      |
    1 | [feeds.f]
      |  ^^^^^ unknown
      |
      = help: did you mean `feed`?

    1 error
    "#);
    insta::assert_snapshot!(check("[feed]\nkind = 'csv'"), @r#"
    error: `kind` must be a table, found a string
     --> supplywatch.toml:2:1
      |
    2 | kind = "<secret>"
      | ^^^^ not a table
      |
      = help: a feed is a table of its own: [feed.NAME]

    1 error
    "#);
    insta::assert_snapshot!(check("[[feed]]\nkind = 'csv'"), @r#"
    error: `feed` takes a table, found a list
     --> supplywatch.toml:1:1
      |
    1 | [[feed]]
      | ^^^^^^^^ expected a table

    1 error
    "#);
}

#[test]
fn types_are_checked_one_by_one() {
    insta::assert_snapshot!(check_feed("unit = 5\nwide = 'yes'\nskip_lines = -1\nlabels = ['a']\ncolumns = { labels = [1] }"), @r#"
    error: `unit` takes a string, found an integer
     --> supplywatch.toml:5:8
      |
    5 | unit = 5
      |        ^ expected a string

    error: `wide` takes `true` or `false`, found a string
     --> supplywatch.toml:6:8
      |
    6 | wide = 'yes'
      |        ^^^^^ expected `true` or `false`

    error: `skip_lines` takes a whole number that is not negative, found an integer
     --> supplywatch.toml:7:14
      |
    7 | skip_lines = -1
      |              ^^ expected a whole number that is not negative

    error: `labels` takes a table, found a list
     --> supplywatch.toml:8:10
      |
    8 | labels = ['a']
      |          ^^^^^ expected a table

    error: `labels` takes strings in its list, found an integer
     --> supplywatch.toml:9:23
      |
    9 | columns = { labels = [1] }
      |                       ^ expected strings in its list

    5 errors
    "#);
}

#[test]
fn values_are_checked_one_by_one() {
    insta::assert_snapshot!(check_feed("unit = 'tons'\ntimezone = 'Mars'\nschedule = '0 9 32 * *'\nabsent = 'nil'"), @r#"
    error: there is no unit `tons`
     --> supplywatch.toml:5:8
      |
    5 | unit = 'tons'
      |        ^^^^^^ unknown
      |
      = help: did you mean `tonnes`? A unit is a mass (kg, t, kt, g, lb, oz, ozt, st, lt), money (an ISO 4217 code: USD, kUSD, MUSD), money per mass (CNY/t), an exchange rate (CNY/USD), `count`, `index` or `percent`

    error: there is no time zone `Mars`
     --> supplywatch.toml:6:12
      |
    6 | timezone = 'Mars'
      |            ^^^^^^ unknown
      |
      = help: write a name of the IANA time zone database, such as `UTC` or `Asia/Shanghai`

    error: `0 9 32 * *` is no schedule
     --> supplywatch.toml:7:12
      |
    7 | schedule = '0 9 32 * *'
      |            ^^^^^^^^^^^^ the day of month is `32`: expected 1 to 31; also a-b, a,b and */n
      |
      = help: minute, hour, day of month, month, day of week, such as "0 9 20 * *"; or @daily, @hourly …

    error: `absent` cannot be `nil`
     --> supplywatch.toml:8:10
      |
    8 | absent = 'nil'
      |          ^^^^^ expected `zero`

    4 errors
    "#);
    insta::assert_snapshot!(check_feed("delimiter = ';;'\ndecimal = ';'\nthousands = '1'\nencoding = 'utf8mb4'"), @r#"
    error: `delimiter` must be one character, found `;;`
     --> supplywatch.toml:5:13
      |
    5 | delimiter = ';;'
      |             ^^^^ expected one character

    error: `decimal` cannot be `;`
     --> supplywatch.toml:6:11
      |
    6 | decimal = ';'
      |           ^^^ expected `.` or `,`

    error: `thousands` cannot be `1`
     --> supplywatch.toml:7:13
      |
    7 | thousands = '1'
      |             ^^^ part of a number
      |
      = help: write a sign such as ",", ".", " " or "'"

    error: there is no encoding `utf8mb4`
     --> supplywatch.toml:8:12
      |
    8 | encoding = 'utf8mb4'
      |            ^^^^^^^^^ unknown
      |
      = help: did you mean `utf-8`?

    4 errors
    "#);
}

#[test]
fn limits_are_checked_one_by_one() {
    insta::assert_snapshot!(check_feed("decimal = ','\nthousands = ','\nskip_lines = 9999999\nmax_bytes = '5 parsecs'"), @r#"
    error: `thousands` and `decimal` are both `,`
     --> supplywatch.toml:6:13
      |
    6 | thousands = ','
      |             ^^^ the same sign
      |
      = help: set `decimal = ","` where a comma stands before the fraction

    error: `skip_lines` is at most 1000000
     --> supplywatch.toml:7:14
      |
    7 | skip_lines = 9999999
      |              ^^^^^^^ too many

    error: `max_bytes` cannot be `5 parsecs`
     --> supplywatch.toml:8:13
      |
    8 | max_bytes = '5 parsecs'
      |             ^^^^^^^^^^^ expected a number of bytes
      |
      = help: write bytes, or a size such as "64 MiB"

    3 errors
    "#);
    insta::assert_snapshot!(check_feed("max_refused = '500%'\nmax_gap = '1mo'\ntitle = \"a\\nb\""), @r#"
    error: `max_refused` cannot be `500%`
     --> supplywatch.toml:5:15
      |
    5 | max_refused = '500%'
      |               ^^^^^^ expected rows, or a share of all
      |
      = help: write 10, or "5%"

    warning: `max_gap` has no meaning for frequency `month`
     --> supplywatch.toml:6:1
      |
    6 | max_gap = '1mo'
      | ^^^^^^^ only for `day`
      |
      = help: neighbours of other series than daily ones follow the calendar

    error: `max_gap` cannot be `1mo`
     --> supplywatch.toml:6:11
      |
    6 | max_gap = '1mo'
      |           ^^^^^ no fixed number of days
      |
      = help: write days or weeks, such as "7d" or "2w"

    error: `title` has a line break or another control character
     --> supplywatch.toml:7:9
      |
    7 | title = "a\nb"
      |         ^^^^^^ expected a line of text

    3 errors, 1 warning
    "#);
    insta::assert_snapshot!(check_feed("strict = true\nmax_refused = 5\nmax_gap = '7d'"), @r#"
    error: `max_refused` contradicts `strict = true`, which lets no row be refused
     --> supplywatch.toml:6:1
      |
    6 | max_refused = 5
      | ^^^^^^^^^^^ contradicts `strict`
      |
      = help: take one of them away

    warning: `max_gap` has no meaning for frequency `month`
     --> supplywatch.toml:7:1
      |
    7 | max_gap = '7d'
      | ^^^^^^^ only for `day`
      |
      = help: neighbours of other series than daily ones follow the calendar

    1 error, 1 warning
    "#);
}

#[test]
fn a_period_format_is_tried() {
    insta::assert_snapshot!(check_feed("period_format = 'YYYY-MM'"), @r#"
    error: `period_format` cannot be `YYYY-MM`
     --> supplywatch.toml:5:17
      |
    5 | period_format = 'YYYY-MM'
      |                 ^^^^^^^^^ not a strftime format
      |
      = help: write a strftime format, such as "%d/%m/%Y" or "%b-%y"

    1 error
    "#);
    insta::assert_snapshot!(check_feed("period_format = '%Y'"), @r#"
    error: `period_format` does not say which month a period is
     --> supplywatch.toml:5:17
      |
    5 | period_format = '%Y'
      |                 ^^^^ 2025-11-18 is written `2025`, which reads otherwise
      |
      = help: a format needs the year and all down to the period, such as "%Y-%m"

    1 error
    "#);
    insta::assert_snapshot!(check_feed("period_format = '%Y-%Ö'"), @r#"
    error: `period_format` cannot be `%Y-%Ö`
     --> supplywatch.toml:5:17
      |
    5 | period_format = '%Y-%Ö'
      |                 ^^^^^^^ not a strftime format
      |
      = help: write a strftime format, such as "%d/%m/%Y" or "%b-%y"

    1 error
    "#);
    for format in ["%d/%m/%Y", "%m/%d/%Y", "%Y%m", "%b-%y", "%Y-%m-%dT%H:%M:%S", "%B %Y"] {
        assert_eq!(check_feed(&format!("period_format = '{format}'")), "", "{format}");
    }
}

#[test]
fn labels_have_names_and_values() {
    insta::assert_snapshot!(check_feed("labels = { 'Partner Code' = 'x', feed = 'y', hs = '' }"), @r#"
    error: `Partner Code` is no name for a label
     --> supplywatch.toml:5:12
      |
    5 | labels = { 'Partner Code' = 'x', feed = 'y', hs = '' }
      |            ^^^^^^^^^^^^^^ not a name
      |
      = help: a label's name has letters (A to Z), digits and `_`, and does not begin with a digit; for a column of another name write labels = { partner = "Partner Code" }

    error: the label `feed` is the feed's own name
     --> supplywatch.toml:5:34
      |
    5 | labels = { 'Partner Code' = 'x', feed = 'y', hs = '' }
      |                                  ^^^^ reserved
      |
      = help: take it away, or give it another name

    error: the label `hs` is empty
     --> supplywatch.toml:5:51
      |
    5 | labels = { 'Partner Code' = 'x', feed = 'y', hs = '' }
      |                                                   ^^ expected a value

    3 errors
    "#);
    insta::assert_snapshot!(check_feed("columns = { labels = ['Partner Code', 'partner', 'partner'] }"), @r#"
    error: `Partner Code` is no name for a label
     --> supplywatch.toml:5:23
      |
    5 | columns = { labels = ['Partner Code', 'partner', 'partner'] }
      |                       ^^^^^^^^^^^^^^ not a name
      |
      = help: a label's name has letters (A to Z), digits and `_`, and does not begin with a digit; for a column of another name write labels = { partner = "Partner Code" }

    error: the label `partner` is there twice
     --> supplywatch.toml:5:50
      |
    5 | columns = { labels = ['Partner Code', 'partner', 'partner'] }
      |                                       ---------  ^^^^^^^^^ again
      |                                       |
      |                                       first

    2 errors
    "#);
    insta::assert_snapshot!(check_feed("labels = { partner = 'US' }\ncolumns = { labels = ['partner'] }"), @r#"
    error: the label `partner` is constant and comes from a column
     --> supplywatch.toml:5:12
      |
    5 | labels = { partner = 'US' }
      |            ^^^^^^^ constant
    6 | columns = { labels = ['partner'] }
      |                       --------- from a column
      |
      = help: take one away

    1 error
    "#);
}

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

#[test]
fn addresses_are_checked_when_they_are_read() {
    let url = |url: &str| check(&format!("[feed.f]\nkind = 'csv'\nfrequency = 'month'\nurl = '{url}'"));
    insta::assert_snapshot!(url("h.example/a.csv"), @r#"
    error: the address has no scheme
     --> supplywatch.toml:4:7
      |
    4 | url = "<secret>"
      |       ^^^^^^^^^^ expected https://…
      |
      = help: write the whole address, such as https://host.example/path

    1 error
    "#);
    insta::assert_snapshot!(url("ftp://h.example/a.csv"), @r#"
    error: the address must begin with https://
     --> supplywatch.toml:4:7
      |
    4 | url = "<secret>"
      |       ^^^^^^^^^^ neither http nor https
      |
      = help: write the whole address, such as https://host.example/path

    1 error
    "#);
    insta::assert_snapshot!(url("http://u:p@127.0.0.1/a.csv"), @r#"
    error: the address has a login in it
     --> supplywatch.toml:4:7
      |
    4 | url = "<secret>"
      |       ^^^^^^^^^^ a login before `@`
      |
      = help: take the part before `@` away; a feed's login goes into `headers`, as Authorization

    error: the address is plain http
     --> supplywatch.toml:4:7
      |
    4 | url = "<secret>"
      |       ^^^^^^^^^^ http://127.0.0.1 is not encrypted
      |
      = help: use https://, or allow it with `insecure = true`

    error: the address is not on the public internet
     --> supplywatch.toml:4:7
      |
    4 | url = "<secret>"
      |       ^^^^^^^^^^ 127.0.0.1 is this machine or a private network
      |
      = help: allow it with `allow_private = true`

    3 errors
    "#);
}

#[test]
fn private_addresses_need_leave() {
    let url = |url: &str| check(&format!("[feed.f]\nkind = 'csv'\nfrequency = 'month'\nurl = '{url}'"));
    insta::assert_snapshot!(url("https://localhost:8080/"), @r#"
    error: the address is not on the public internet
     --> supplywatch.toml:4:7
      |
    4 | url = "<secret>"
      |       ^^^^^^^^^^ localhost is this machine or a private network
      |
      = help: allow it with `allow_private = true`

    1 error
    "#);
    insta::assert_snapshot!(url("https://[::1]/"), @r#"
    error: the address is not on the public internet
     --> supplywatch.toml:4:7
      |
    4 | url = "<secret>"
      |       ^^^^^^^^^^ [::1] is this machine or a private network
      |
      = help: allow it with `allow_private = true`

    1 error
    "#);
    insta::assert_snapshot!(url("https://"), @r#"
    error: this is no address: empty host
     --> supplywatch.toml:4:7
      |
    4 | url = "<secret>"
      |       ^^^^^^^^^^ not an address
      |
      = help: write the whole address, such as https://host.example/path

    1 error
    "#);
    assert_eq!(url("http://10.0.0.1/a.csv'\ninsecure = true\nallow_private = true #"), "");
}

#[test]
fn what_belongs_to_an_address_is_doubtful_beside_a_path() {
    insta::assert_snapshot!(check_feed("allow_private = true\nheaders = { X = 'y' }"), @r#"
    warning: `allow_private` has no meaning with `path`
     --> supplywatch.toml:5:1
      |
    5 | allow_private = true
      | ^^^^^^^^^^^^^ only for `url`

    warning: `headers` has no meaning with `path`
     --> supplywatch.toml:6:1
      |
    6 | headers = { X = "<secret>" }
      | ^^^^^^^ only for `url`
    "#);
}

#[test]
fn names_are_plain() {
    insta::assert_snapshot!(check(&FEED.replace("[feed.f]", "[feed.'a b']")), @r#"
    error: `a b` is no name for a feed
     --> supplywatch.toml:1:7
      |
    1 | [feed.'a b']
      |       ^^^^^ not a name
      |
      = help: a name has 1 to 100 letters (A to Z), digits, `.`, `_` and `-`

    1 error
    "#);
}

#[test]
fn every_option_of_a_csv_feed_arrives() {
    let more = "
        schedule = '0 9 20 * *'
        timezone = 'Asia/Shanghai'
        unit = 't'
        labels = { reporter = 'CHN', hs = 85051110 }
        columns = { period = 'Monat', value = 'Menge', unit = 'ME', status = 'St', published = 'am', labels = { partner = 'Partner Code' } }
        delimiter = ';'
        decimal = ','
        thousands = '.'
        encoding = 'latin-1'
        skip_lines = 3
        max_refused = '2.5%'
        period_format = '%m.%Y'
        title = 'magnet exports'
        absent = 'zero'
        max_bytes = '1 MiB'
    ";
    let feed = Sandbox::new(&format!("{FEED}{more}")).setup().feeds.remove(0);
    let tick = feed.schedule.as_ref().unwrap().after(Timestamp::from_millis(0)).unwrap();
    assert_eq!(tick.to_string(), "1970-01-20T01:00:00Z");
    assert_eq!((feed.zone, feed.unit.as_ref().unwrap().to_string()), (chrono_tz::Asia::Shanghai, "t".to_owned()));
    assert_eq!((feed.max_refused, feed.absent_zero, feed.max_bytes), (MaxRefused::Share(0.025), true, 1 << 20));
    // What became of the layout is seen in what it reads.
    let file = "Statistik\n\nStand\nMonat;Menge;ME;St;am;Partner Code\n09.2025;1.420,5;kg;p;2025-10-20;USA\n";
    insta::assert_snapshot!(observations(&feed, file), @r#"{feed="f", hs="85051110", partner="US", reporter="CN"} 2025-09 1420.5 kg Preliminary 2025-10-19T16:00:00Z"#);
}

fn standing() -> Standing {
    Standing::new(Timestamp::from_millis(0))
}

/// What a feed reads in a text.
fn observations(feed: &crate::feed::Feed, text: &str) -> String {
    let page = feed.publisher.parse(&Answer::ok("", text.as_bytes(), &standing())).unwrap();
    let told = page.observations.iter().map(|observation| {
        let (labels, span, value) = (&observation.labels, observation.span, observation.value.unwrap().get());
        let unit = observation.unit.as_ref().map(|unit| format!(" {unit}")).unwrap_or_default();
        let published = observation.published.map(|at| format!(" {at}")).unwrap_or_default();
        format!("{labels} {span} {value}{unit} {:?}{published}", observation.status)
    });
    let refused = page.refused.iter().map(|refusal| format!("refused {refusal}"));
    told.chain(refused).collect::<Vec<_>>().join("\n")
}

#[test]
fn labels_are_named_by_their_columns() {
    let config = format!("{FEED}columns = {{ labels = ['partner', 'grade'] }}");
    let feed = Sandbox::new(&config).setup().feeds.remove(0);
    insta::assert_snapshot!(observations(&feed, "grade,partner,value,period\nN52,US,1.5,2025-09\n"), @r#"{feed="f", grade="N52", partner="US"} 2025-09 1.5 Final"#);
}

#[test]
fn a_wide_table_has_a_column_per_period() {
    let config = format!("{FEED}wide = true\ndelimiter = 'tab'\ncolumns = {{ labels = ['partner'] }}");
    let feed = Sandbox::new(&config).setup().feeds.remove(0);
    insta::assert_snapshot!(observations(&feed, "partner\t2025-08\t2025-09\nUS\t1\t2\n"), @r#"
    {feed="f", partner="US"} 2025-08 1 Final
    {feed="f", partner="US"} 2025-09 2 Final
    "#);
}

#[test]
fn every_option_of_a_json_feed_arrives() {
    let config = "
        [feed.f]
        kind = 'json'
        path = 'f.json'
        frequency = 'quarter'
        records = '/data/rows'
        columns = { period = '/when', value = '/figures/0', unit = '/u', labels = ['/geo/partner'] }
    ";
    let feed = Sandbox::new(config).setup().feeds.remove(0);
    let text = r#"{"data": {"rows": [{"when": "2025-Q3", "figures": [7], "u": "t", "geo": {"partner": "DE"}}]}}"#;
    insta::assert_snapshot!(observations(&feed, text), @r#"{feed="f", partner="DE"} 2025-Q3 7 t Final"#);
    let plain = "[feed.f]\nkind = 'json'\npath = 'f.json'\nfrequency = 'year'";
    let feed = Sandbox::new(plain).setup().feeds.remove(0);
    insta::assert_snapshot!(observations(&feed, r#"[{"period": 2025, "value": 1}]"#), @r#"{feed="f"} 2025 1 Final"#);
}

#[test]
fn what_is_not_written_has_its_default() {
    let feed = Sandbox::new(FEED).setup().feeds.remove(0);
    assert!(feed.schedule.is_none() && feed.unit.is_none() && !feed.absent_zero);
    assert_eq!((feed.max_refused, feed.max_gap_days, feed.max_bytes), (MaxRefused::DEFAULT, 7, 32 << 20));
    assert_eq!(feed.zone, chrono_tz::UTC);
}

#[test]
fn an_address_takes_headers_from_anywhere() {
    let sandbox = Sandbox::new(
        "[feed.f]\nkind = 'json'\nfrequency = 'day'\nurl = { env = 'URL' }\nmax_gap = '2w'\n[feed.f.headers]\nAuthorization = { env = 'TOKEN' }\nAccept = 'application/json'\n",
    )
    .variable("URL", "https://h.example/a?key=k")
    .variable("TOKEN", "Bearer t");
    let feed = sandbox.setup().feeds.remove(0);
    assert_eq!(feed.max_gap_days, 14);
    let Target::Http { url, headers, insecure, allow_private } = feed.requests(&standing()).remove(0).target else {
        panic!()
    };
    assert_eq!((url.as_str(), insecure, allow_private), ("https://h.example/a?key=k", false, false));
    let told: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {}", value.expose())).collect();
    assert_eq!(told, ["Authorization: Bearer t", "Accept: application/json"]);
}

/// Validators of an answer that was read otherwise are of no use.
#[test]
fn the_hash_changes_with_the_meaning() {
    // Not a path in the sandbox, whose name is another each time.
    let feed = FEED.replace("f.csv", "/srv/f.csv");
    let hash = |more: &str| Sandbox::new(&format!("{feed}{more}")).setup().feeds.remove(0).spec_hash;
    let plain = hash("");
    assert_eq!(hash("title = 'x'\nschedule = '@daily'\nstrict = true"), plain);
    for more in [
        "unit = 't'",
        "labels = { hs = '1' }",
        "columns = { value = 'v' }",
        "decimal = ','",
        "thousands = ','",
        "skip_lines = 1",
        "encoding = 'gb18030'",
        "delimiter = ';'",
        "timezone = 'Asia/Tokyo'",
        "period_format = '%Y-%m'",
        "absent = 'zero'",
        "wide = true",
    ] {
        assert_ne!(hash(more), plain, "{more}");
    }
    let header = |value: &str| {
        let config = format!(
            "[feed.f]\nkind = 'csv'\nfrequency = 'month'\nurl = 'https://h.example/'\nheaders = {{ X = '{value}' }}"
        );
        Sandbox::new(&config).setup().feeds.remove(0).spec_hash
    };
    assert_ne!(header("a"), header("b"));
}
