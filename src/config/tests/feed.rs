//! `[feed.NAME]`.

mod address;
mod arrival;
mod kind;

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
