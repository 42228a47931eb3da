//! `[rule.NAME]`.

use super::{Sandbox, check};
use crate::rule::{OnGap, Renotify, Rule, Severity, Together};

const FEEDS: &str = "
[feed.magnets]
kind = 'csv'
path = 'm.csv'
frequency = 'month'
unit = 't'
title = 'magnet exports'
labels = { reporter = 'CN', flow = 'export' }
columns = { labels = ['partner'] }

[feed.prices]
kind = 'csv'
path = 'p.csv'
frequency = 'day'
unit = 'CNY/t'
columns = { labels = ['grade'] }

[receiver.desk]
kind = 'console'
";

fn config(rule: &str) -> String {
    let other = "[rule.other]\nseries = { feed = 'magnets' }\nwhen = 'declines >= 2'\nnotify = 'desk'";
    format!("[rule.r]\n{rule}\n{other}\n{FEEDS}")
}

/// What is told of a rule.
fn told(rule: &str) -> String {
    check(&config(rule))
}

fn rule(rule: &str) -> Rule {
    let mut rules = Sandbox::new(&config(rule)).setup().rules;
    rules.retain(|rule| rule.name == "r");
    rules.remove(0)
}

const SERIES: &str = "series = { feed = 'magnets', partner = 'US' }\nnotify = ['desk']\n";

#[test]
fn what_every_rule_needs_is_asked_for() {
    insta::assert_snapshot!(told("severity = 'critical'\nnotify = []"), @r#"
    error: [rule.r] needs `series`
     --> supplywatch.toml:1:7
      |
    1 | [rule.r]
      |       ^ no `series`
      |
      = help: write series = { feed = "NAME" }, with further labels to select by

    error: [rule.r] needs `when`
     --> supplywatch.toml:1:7
      |
    1 | [rule.r]
      |       ^ no `when`
      |
      = help: write a condition, such as when = "declines >= 2"

    warning: rule `r` notifies nobody
     --> supplywatch.toml:1:7
      |
    1 | [rule.r]
      |       ^ `notify` is empty
      |
      = help: write notify = ["RECEIVER"]; its alerts are kept all the same

    2 errors, 1 warning
    "#);
    insta::assert_snapshot!(told("series = {}\nwhen = []\nnotify = 'desk'"), @r#"
    error: `when` has no condition
     --> supplywatch.toml:3:8
      |
    3 | when = []
      |        ^^ empty
      |
      = help: write a condition, such as "declines >= 2"

    1 error
    "#);
}

#[test]
fn mistaken_names_are_told_with_the_nearest() {
    insta::assert_snapshot!(told("series = { feed = 'magnet' }\nwhen = 'declines >= 2'\nnotify = ['dsek', 'desk', 'desk']"), @r#"
    error: there is no feed `magnet`
     --> supplywatch.toml:2:19
      |
    2 | series = { feed = 'magnet' }
      |                   ^^^^^^^^ unknown
      |
      = help: did you mean `magnets`?

    error: there is no receiver `dsek`
     --> supplywatch.toml:4:11
      |
    4 | notify = ['dsek', 'desk', 'desk']
      |           ^^^^^^ unknown
      |
      = help: did you mean `desk`?

    warning: receiver `desk` is named twice
     --> supplywatch.toml:4:27
      |
    4 | notify = ['dsek', 'desk', 'desk']
      |                           ^^^^^^ told once all the same

    2 errors, 1 warning
    "#);
    insta::assert_snapshot!(told("series = { feed = 'magnets', patner = 'US' }\nwhen = 'declines >= 2'\nnotify = 'desk'"), @r#"
    error: feed `magnets` has no label `patner`
     --> supplywatch.toml:2:30
      |
    2 | series = { feed = 'magnets', patner = 'US' }
      |                              ^^^^^^ unknown
      |
      = help: did you mean `partner`?

    1 error
    "#);
    insta::assert_snapshot!(told("series = { feed = 'x*' }\nwhen = 'declines >= 2'\nnotify = 'desk'"), @r#"
    error: rule `r` matches no feed
     --> supplywatch.toml:2:19
      |
    2 | series = { feed = 'x*' }
      |                   ^^^^ no feed of that name
      |
      = help: the feeds are `magnets` and `prices`

    1 error
    "#);
    insta::assert_snapshot!(told(&format!("{SERIES}when = 'declines >= 2'\nseverity = 'urgent'\nrenotify = 'each-perod'\ngroup = 'releases'")), @"
    error: `severity` cannot be `urgent`
     --> supplywatch.toml:5:12
      |
    5 | severity = 'urgent'
      |            ^^^^^^^^ expected `info`, `warning` or `critical`

    error: `renotify` cannot be `each-perod`
     --> supplywatch.toml:6:12
      |
    6 | renotify = 'each-perod'
      |            ^^^^^^^^^^^^ expected `never`, `each-period` or a time (30d, 2w, 3mo, 1y)
      |
      = help: did you mean `each-period`?

    error: `group` cannot be `releases`
     --> supplywatch.toml:7:9
      |
    7 | group = 'releases'
      |         ^^^^^^^^^^ expected `rule`, `release` or `none`
      |
      = help: did you mean `release`?

    3 errors
    ");
}

#[test]
fn patterns_are_checked() {
    insta::assert_snapshot!(told("series = { feed = 'magnets', partner = ['US', '[a'] }\nwhen = 'declines >= 2'\nnotify = 'desk'"), @r#"
    error: `[a` is no pattern: unclosed character class; missing ']'
     --> supplywatch.toml:2:47
      |
    2 | series = { feed = 'magnets', partner = ['US', '[a'] }
      |                                               ^^^^ not a pattern
      |
      = help: write a value, a glob such as "8505*", or "!CN" for all but one

    1 error
    "#);
    insta::assert_snapshot!(told("series = { feed = 'magnets', partner = [] }\nwhen = 'declines >= 2'\nnotify = 'desk'"), @r#"
    error: the list of patterns for `partner` is empty
     --> supplywatch.toml:2:40
      |
    2 | series = { feed = 'magnets', partner = [] }
      |                                        ^^ nothing is selected
      |
      = help: take it away to select every value

    1 error
    "#);
    insta::assert_snapshot!(told("series = { feed = 'magnets', flow = 'exports' }\nwhen = 'declines >= 2'\nnotify = 'desk'"), @r#"
    error: rule `r` can match no series
     --> supplywatch.toml:2:37
      |
    2 | series = { feed = 'magnets', flow = 'exports' }
      |                                     ^^^^^^^^^ feed `magnets` says flow = `export`
      |
      = help: did you mean `export`?

    1 error
    "#);
    insta::assert_snapshot!(told("series = { flow = 'export', grade = 'N52' }\nwhen = 'declines >= 2'\nnotify = 'desk'"), @r#"
    error: rule `r` can match no series
     --> supplywatch.toml:1:7
      |
    1 | [rule.r]
      |       ^ no feed has all of its labels
      |
      = help: each label fits some feed, but no feed fits them all

    1 error
    "#);
}

#[test]
fn a_value_that_no_feed_has_is_doubtful() {
    let feeds = FEEDS.replace("[feed.prices]", "[feed.imports]\nkind = 'csv'\npath = 'i.csv'\nfrequency = 'month'\nunit = 't'\nlabels = { flow = 'import' }\n[feed.prices]");
    let told = check(&format!(
        "[rule.r]\nseries = {{ feed = ['magnets', 'imports'], flow = ['export', 'imprt'] }}\nwhen = 'declines >= 2'\nnotify = 'desk'\n{feeds}"
    ));
    insta::assert_snapshot!(told, @r#"
    warning: no feed that the rule selects has flow = `imprt`
     --> supplywatch.toml:2:61
      |
    2 | series = { feed = ['magnets', 'imports'], flow = ['export', 'imprt'] }
      |                                                             ^^^^^^^ selects nothing
      |
      = help: did you mean `import`?
    "#);
}

#[test]
fn countries_are_told_by_their_code() {
    let selects = |partner: &str, value: &str| {
        let rule = rule(&format!(
            "series = {{ feed = 'magnets', reporter = 'CHN', partner = {partner} }}\nwhen = 'declines >= 2'\nnotify = 'desk'"
        ));
        rule.selector.matches(&[("feed", "magnets"), ("reporter", "CN"), ("partner", value)].into_iter().collect())
    };
    assert!(selects("'USA'", "US"));
    assert!(selects("840", "US"));
    assert!(selects("['Germany', 'US']", "DE"));
    assert!(!selects("'!USA'", "US"));
    assert!(selects("'U*'", "US"));
}

#[test]
fn an_expression_is_underlined_at_its_place() {
    insta::assert_snapshot!(told(&format!("{SERIES}when = 'yoy < -25'")), @r#"
    error: `yoy` is a ratio, `-25` a bare number
     --> supplywatch.toml:4:15
      |
    4 | when = 'yoy < -25'
      |               ^^^ a ratio: write -25%
      |
      = help: `yoy` is a ratio: write `-25%`

    1 error
    "#);
    insta::assert_snapshot!(told(&format!("{SERIES}when = ['declines >= 2', \"valu < 400 t\"]")), @r#"
    error: there is no measure `valu`
     --> supplywatch.toml:4:27
      |
    4 | when = ['declines >= 2', "valu < 400 t"]
      |                           ^^^^ unknown
      |
      = help: did you mean `value`?

    1 error
    "#);
    insta::assert_snapshot!(told(&format!("{SERIES}when = \"\"\"\ndeclines >= 2\n  and value < 400 USD\"\"\"")), @r#"
    error: USD does not convert to t, the series' unit
     --> supplywatch.toml:6:15
      |
    6 |   and value < 400 USD"""
      |               ^^^^^^^ money in USD, but the series is a mass
      |
      = help: write an amount in the series' unit, such as `400 t`

    1 error
    "#);
    insta::assert_snapshot!(told(&format!("{SERIES}when = 'change_since(2025-W30) > 10%'\nclear = 'value < 400'")), @r#"
    error: `2025-W30` is a week, but the series is by month
     --> supplywatch.toml:4:22
      |
    4 | when = 'change_since(2025-W30) > 10%'
      |                      ^^^^^^^^ expected a month
      |
      = help: write a month such as `2025-07`

    error: `value` is a figure, `400` a bare number
     --> supplywatch.toml:5:18
      |
    5 | clear = 'value < 400'
      |                  ^^^ a bare number
      |
      = help: the series is in t: write `400 t`

    2 errors
    "#);
    insta::assert_snapshot!(told(&format!("{SERIES}when = ''")), @"
    error: the expression is empty
     --> supplywatch.toml:4:9
      |
    4 | when = ''
      |         ^ expected a condition such as `declines >= 2`
      |
      = help: write `declines >= 2`, or another condition

    1 error
    ");
}

/// The rows of the page's table are selectors, and select what it says.
#[test]
fn the_pages_selectors_select() {
    let page = include_str!("../../../docs/RULES.md");
    let section = page.split("## Which series").nth(1).unwrap().split("## Conditions").next().unwrap();
    let rows: Vec<&str> = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let selects = |row: &str, labels: &[(&str, &str)]| {
        let feeds = FEEDS.replace("['partner']", "['partner', 'hs', 'grade']");
        let rule = format!("[rule.r]\nseries = {{ {row} }}\nwhen = 'declines >= 2'\nnotify = 'desk'\n{feeds}");
        let rule = Sandbox::new(&rule).setup().rules.into_iter().next().unwrap();
        let all = [("feed", "magnets"), ("reporter", "CN"), ("flow", "export")].into_iter();
        rule.selector.matches(&all.chain(labels.iter().copied()).collect())
    };
    assert_eq!(rows.len(), 7);
    assert!(selects(rows[0], &[("partner", "US")]) && !selects(rows[0], &[("partner", "DE")]));
    assert!(selects(rows[1], &[("partner", "DE")]) && !selects(rows[1], &[("partner", "FR")]));
    assert!(selects(rows[2], &[("hs", "85051110")]) && !selects(rows[2], &[("hs", "28053000")]));
    assert!(selects("hs = '{8505,2846}*'", &[("hs", "28461010")]) && selects("hs = '8[0-4]*'", &[("hs", "8112")]));
    assert!(selects(rows[3], &[("partner", "US")]) && selects(rows[3], &[]) && !selects(rows[3], &[("partner", "CN")]));
    assert!(selects(rows[4], &[("hs", "85051110")]) && !selects(rows[4], &[("hs", "850590")]));
    assert!(selects(rows[5], &[("grade", "N52")]) && !selects(rows[5], &[]));
    assert!(selects(rows[6], &[]));
}

/// The place is found behind wide characters, tabs and escapes, and in every spelling of a TOML text.
#[test]
fn the_place_is_underlined_whatever_stands_before_it() {
    let told = |when: &str| {
        let told = told(&format!("{SERIES}when = {when}"));
        let lines: Vec<&str> = told.lines().filter(|line| line.contains('|') && line.trim() != "|").collect();
        lines.join("\n")
    };
    let spellings = [
        "[\"value > 5 吨 and yoy < -25\"]",
        "'value\t>\t5 吨\tand\tyoy\t<\t-25'",
        r#""value\t> 5 \u5428 and yoy < -25""#,
        r#""value > 5 \u0074 and yoy < \u002d25""#,
        "\"\"\"\nvalue > 5 t and \\\n\n   yoy < -25\"\"\"",
        "'''\nvalue > 5 t and\n\tyoy < -25'''",
        "'''value > 5 t and yoy < -25''' # 25",
    ];
    insta::assert_snapshot!(spellings.map(told).join("\n\n"), @r#"
    4 | when = ["value > 5 吨 and yoy < -25"]
      |                                 ^^^ a ratio: write -25%

    4 | when = 'value    >    5 吨    and    yoy    <    -25'
      |                                                  ^^^ a ratio: write -25%

    4 | when = "value\t> 5 \u5428 and yoy < -25"
      |                                     ^^^ a ratio: write -25%

    4 | when = "value > 5 \u0074 and yoy < \u002d25"
      |                                    ^^^^^^^^ a ratio: write -25%

    7 |    yoy < -25"""
      |          ^^^ a ratio: write -25%

    6 |     yoy < -25'''
      |           ^^^ a ratio: write -25%

    4 | when = '''value > 5 t and yoy < -25''' # 25
      |                                 ^^^ a ratio: write -25%
    "#);
}

#[test]
fn every_feed_that_may_match_is_checked() {
    insta::assert_snapshot!(told("series = { feed = '*' }\nwhen = 'value < 400 t'\nnotify = 'desk'"), @r#"
    error: t does not convert to CNY/t, the series' unit (for feed `prices`)
     --> supplywatch.toml:3:17
      |
    3 | when = 'value < 400 t'
      |                 ^^^^^ a mass, but the series is a price in CNY per mass
      |
      = help: write an amount in the series' unit, such as `400 CNY/t`

    1 error
    "#);
}

#[test]
fn the_base_must_fit_the_series() {
    insta::assert_snapshot!(told(&format!("{SERIES}when = 'yoy < -25%'\nmin_base = '1 MUSD'")), @r#"
    error: `min_base` does not fit: the series of feed `magnets` are in t, which MUSD does not convert to
     --> supplywatch.toml:5:12
      |
    5 | min_base = '1 MUSD'
      |            ^^^^^^^^ another unit
      |
      = help: write it in t, or in a unit that converts to it

    1 error
    "#);
    insta::assert_snapshot!(told(&format!("{SERIES}when = 'yoy < -25%'\nmin_base = '100'")), @r#"
    error: `min_base` does not fit: the series of feed `magnets` are in t
     --> supplywatch.toml:5:12
      |
    5 | min_base = '100'
      |            ^^^^^ another unit
      |
      = help: write "100 t"

    1 error
    "#);
    insta::assert_snapshot!(told(&format!("{SERIES}when = 'yoy < -25%'\nmin_base = 'much'")), @r#"
    error: `min_base` cannot be `much`
     --> supplywatch.toml:5:12
      |
    5 | min_base = 'much'
      |            ^^^^^^ expected a number with a unit
      |
      = help: write it like "1 MUSD" or "400 t"

    1 error
    "#);
    assert_eq!(told(&format!("{SERIES}when = 'yoy < -25%'\nmin_base = '100000 kg'")), "");
}

#[test]
fn every_option_arrives() {
    let full = rule(&format!(
        "{SERIES}when = ['declines >= 2', 'value < 700 t']\nclear = 'rises >= 1'\nseverity = 'critical'\nmin_base = '10 t'\nrenotify = '3mo'\ntitle = 'magnets to the US'"
    ));
    assert_eq!(full.text(), "declines >= 2 and value < 700 t");
    assert_eq!(full.clear.as_ref().unwrap().text(), "rises >= 1");
    assert_eq!((full.severity, full.notify.as_deref()), (Severity::Critical, Some(&["desk".to_owned()][..])));
    assert_eq!(full.min_base.as_ref().unwrap().to_string(), "10 t");
    assert!(matches!(full.renotify, Renotify::After(length) if length.to_string() == "3mo"));
    assert_eq!(full.title.as_deref(), Some("magnets to the US"));
    let renotify = |text: &str| rule(&format!("{SERIES}when = 'declines >= 2'\nrenotify = '{text}'")).renotify;
    let together = |text: &str| rule(&format!("{SERIES}when = 'declines >= 2'\n{text}")).together;
    assert_eq!((together(""), together("group = 'rule'")), (Together::Rule, Together::Rule));
    assert_eq!((together("group = 'release'"), together("group = 'none'")), (Together::Release, Together::Apart));
    assert_eq!((renotify("never"), renotify("each-period")), (Renotify::Never, Renotify::EachPeriod));
    let plain = rule(&format!("{SERIES}when = 'declines >= 2'"));
    assert_eq!((plain.severity, plain.renotify), (Severity::Warning, Renotify::EachPeriod));
    assert_eq!(plain.title.as_deref(), Some("magnet exports"));
}

#[test]
fn two_severities_are_written_in_any_shape() {
    let told = |text: &str| {
        let rule = rule(&format!("{SERIES}{text}"));
        let clears: Vec<&str> = [rule.clear.as_ref(), rule.worse.as_ref().and_then(|worse| worse.clear.as_ref())]
            .into_iter()
            .map(|clear| clear.map_or("-", |clear| clear.text()))
            .collect();
        format!("{} [{}] {}", rule.text(), clears.join(", "), rule.severity)
    };
    assert_eq!(
        told("warning = 'declines >= 2'\ncritical = ['declines >= 3', 'yoy < -25%']"),
        "warning: declines >= 2; critical: declines >= 3 and yoy < -25% [-, -] warning"
    );
    assert_eq!(
        told("warning = { when = 'value < 400 t', clear = 'value > 500 t' }\ncritical = { when = ['value < 300 t'] }"),
        "warning: value < 400 t; critical: value < 300 t [value > 500 t, -] warning"
    );
    assert_eq!(
        told("critical = { when = 'value < 300 t', clear = 'value > 350 t' }"),
        "value < 300 t [value > 350 t, -] critical"
    );
    assert_eq!(told("warning = 'value < 300 t'"), "value < 300 t [-, -] warning");
    let table = "warning = 'value < 400 t'\n[rule.r.critical]\nwhen = 'value < 300 t'\nclear = 'value > 350 t'";
    assert_eq!(told(table), "warning: value < 400 t; critical: value < 300 t [-, value > 350 t] warning");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table, not a procedure")]
fn what_is_wrong_with_two_severities() {
    let both = "warning = 'declines >= 2'\ncritical = 'declines >= 3'";
    insta::assert_snapshot!(told(&format!("{SERIES}{both}\nwhen = 'yoy < 0%'\nclear = 'yoy > 0%'\nseverity = 'info'")), @r#"
    error: `when` does not go with `warning`
     --> supplywatch.toml:6:1
      |
    6 | when = 'yoy < 0%'
      | ^^^^ one or the other
      |
      = help: write it as warning = "…", or take `warning` away

    error: `clear` does not go with `warning`
     --> supplywatch.toml:7:1
      |
    7 | clear = 'yoy > 0%'
      | ^^^^^ one or the other
      |
      = help: write warning = { when = "…", clear = "…" }

    error: `severity` does not go with `warning`
     --> supplywatch.toml:8:1
      |
    8 | severity = 'info'
      | ^^^^^^^^ one or the other
      |
      = help: take it away: `warning` says it

    3 errors
    "#);
    insta::assert_snapshot!(told(&format!("{SERIES}critical = {{ clear = 'yoy > 0%', wen = 'yoy < 0%' }}\nwhen = 'yoy < 0%'")), @r#"
    error: [rule.r.critical] needs `when`
     --> supplywatch.toml:4:1
      |
    4 | critical = { clear = 'yoy > 0%', wen = 'yoy < 0%' }
      | ^^^^^^^^ no `when`
      |
      = help: write a condition, such as when = "declines >= 2"

    error: unknown key `wen` in [rule.r.critical]
     --> supplywatch.toml:4:34
      |
    4 | critical = { clear = 'yoy > 0%', wen = 'yoy < 0%' }
      |                                  ^^^ unknown
      |
      = help: did you mean `when`?

    error: `when` does not go with `critical`
     --> supplywatch.toml:5:1
      |
    5 | when = 'yoy < 0%'
      | ^^^^ one or the other
      |
      = help: write it as critical = "…", or take `critical` away

    3 errors
    "#);
    insta::assert_snapshot!(told(&format!("{SERIES}warning = []\ncritical = {{ when = 'declines', clear = 'yoy > 2' }}")), @r#"
    error: `warning` has no condition
     --> supplywatch.toml:4:11
      |
    4 | warning = []
      |           ^^ empty
      |
      = help: write a condition, such as "declines >= 2"

    error: `declines` is a count, not a condition
     --> supplywatch.toml:5:22
      |
    5 | critical = { when = 'declines', clear = 'yoy > 2' }
      |                      ^^^^^^^^ expected a condition
      |
      = help: compare it: declines >= 2

    error: `yoy` is a ratio, `2` a bare number
     --> supplywatch.toml:5:48
      |
    5 | critical = { when = 'declines', clear = 'yoy > 2' }
      |                                                ^ a ratio: write 2%
      |
      = help: `yoy` is a ratio: write `2%`

    3 errors
    "#);
    insta::assert_snapshot!(told(&format!("{SERIES}warning = 2")), @r#"
    error: `warning` takes a string or a list of strings, found an integer
     --> supplywatch.toml:4:11
      |
    4 | warning = 2
      |           ^ expected a string or a list of strings

    1 error
    "#);
}

#[test]
fn what_is_wrong_with_status_gaps_and_tolerance() {
    let when = "when = 'yoy < 0%'";
    insta::assert_snapshot!(told(&format!("{SERIES}{when}\nstatus = 'preliminary'\non_gap = 'brake'\nrevision_tolerance = '5 t'")), @r#"
    error: `status` cannot be `preliminary`
     --> supplywatch.toml:5:10
      |
    5 | status = 'preliminary'
      |          ^^^^^^^^^^^^^ expected `any` or `final`

    error: `on_gap` cannot be `brake`
     --> supplywatch.toml:6:10
      |
    6 | on_gap = 'brake'
      |          ^^^^^^^ expected `hold`, `break` or `bridge`
      |
      = help: did you mean `break`?

    error: `revision_tolerance` cannot be `5 t`
     --> supplywatch.toml:7:22
      |
    7 | revision_tolerance = '5 t'
      |                      ^^^^^ expected a share
      |
      = help: write a share of the figure from 0% to below 100%, such as "0.1%" or 0.001

    3 errors
    "#);
    insta::assert_snapshot!(told(&format!("{SERIES}{when}\nstatus = true\non_gap = ['hold']\nrevision_tolerance = [1]")), @r#"
    error: `status` takes a string, found `true`
     --> supplywatch.toml:5:10
      |
    5 | status = true
      |          ^^^^ expected a string

    error: `on_gap` takes a string, found a list
     --> supplywatch.toml:6:10
      |
    6 | on_gap = ['hold']
      |          ^^^^^^^^ expected a string

    error: `revision_tolerance` takes a number or a string such as "0.1%", found a list
     --> supplywatch.toml:7:22
      |
    7 | revision_tolerance = [1]
      |                      ^^^ expected a number or a string such as "0.1%"

    3 errors
    "#);
    insta::assert_snapshot!(told(&format!("{SERIES}{when}\nrevision_tolerance = -0.1")), @r#"
    error: `revision_tolerance` cannot be `-0.1`
     --> supplywatch.toml:5:22
      |
    5 | revision_tolerance = -0.1
      |                      ^^^^ expected a share
      |
      = help: write a share of the figure from 0% to below 100%, such as "0.1%" or 0.001

    1 error
    "#);
}

#[test]
fn overdue_needs_a_release_calendar() {
    insta::assert_snapshot!(told(&format!("{SERIES}when = 'age > 60d or overdue'")), @r#"
    error: `overdue` needs to know when figures are due
     --> supplywatch.toml:4:22
      |
    4 | when = 'age > 60d or overdue'
      |                      ^^^^^^^ the feed has no `release`
      |
      = help: give the feed one, such as release = { day = 20, after = "1mo" }, or compare `age`

    1 error
    "#);
    let released = config(&format!("{SERIES}when = 'age > 60d or overdue'"))
        .replace("unit = 't'", "unit = 't'\nrelease = { day = 20, after = '1mo' }");
    assert_eq!(check(&released), "");
}

#[test]
fn status_gaps_and_tolerance_arrive() {
    let when = "when = 'yoy < 0%'";
    let full = rule(&format!("{SERIES}{when}\nstatus = 'final'\non_gap = 'bridge'\nrevision_tolerance = '0.5%'"));
    assert_eq!((full.final_only, full.on_gap), (true, OnGap::Bridge));
    assert!((full.revision_tolerance - 0.005).abs() < 1e-15);
    let plain = rule(&format!("{SERIES}{when}"));
    assert_eq!((plain.final_only, plain.on_gap, plain.worse.is_none()), (false, OnGap::Hold, true));
    let tolerance =
        |text: &str| rule(&format!("{SERIES}{when}\nrevision_tolerance = {text}")).revision_tolerance.to_string();
    assert_eq!(["0", "0.02", "'0.02'", "'2 %'"].map(tolerance), ["0", "0.02", "0.02", "0.02"]);
    assert_eq!(plain.revision_tolerance.to_string(), "0.000001");
    let rule = rule(&format!("{SERIES}{when}\nstatus = 'any'\non_gap = 'hold'"));
    assert_eq!((rule.final_only, rule.on_gap), (false, OnGap::Hold));
}

/// What is told whom is no part of a rule's meaning: changing it must not end its alerts.
#[test]
fn the_hash_changes_with_the_meaning_alone() {
    let hash = |text: &str| rule(text).hash;
    let plain = hash(&format!("{SERIES}when = 'declines >= 2 and yoy < -10%'"));
    assert_eq!(
        hash(&format!(
            "{SERIES}when = 'declines>=2   and (yoy < -10 %)'\nseverity = 'info'\ntitle = 'x'\nrenotify = 'never'\nrevision_tolerance = '1%'\non_gap = 'hold'"
        )),
        plain
    );
    assert_eq!(hash("series = { partner = 'USA', feed = ['magnets'] }\nwhen = 'declines >= 2 and yoy < -10%'"), plain);
    for other in [
        "series = { feed = 'magnets', partner = 'DE' }\nwhen = 'declines >= 2 and yoy < -10%'".to_owned(),
        "series = { feed = 'magnets' }\nwhen = 'declines >= 2 and yoy < -10%'".to_owned(),
        format!("{SERIES}when = 'declines >= 3 and yoy < -10%'"),
        format!("{SERIES}when = ['declines >= 2', 'yoy < -10%']"),
        format!("{SERIES}when = 'declines >= 2 and yoy < -10%'\nclear = 'rises >= 1'"),
        format!("{SERIES}when = 'declines >= 2 and yoy < -10%'\nmin_base = '1 t'"),
        format!("{SERIES}when = 'declines >= 2 and yoy < -10%'\nstatus = 'final'"),
        format!("{SERIES}when = 'declines >= 2 and yoy < -10%'\non_gap = 'break'"),
        format!("{SERIES}warning = 'declines >= 2 and yoy < -10%'\ncritical = 'declines >= 3'"),
    ] {
        assert_ne!(hash(&other), plain, "{other}");
    }
}

const GROUPED: &str = "series = { feed = 'magnets' }\ngroup_by = ['flow']\nnotify = ['desk']\n";

#[test]
fn groups_are_judged_by_their_parts() {
    let rule = rule(&format!("{GROUPED}when = [\"share(partner = 'CN') > 70%\", 'hhi(partner) > 0.5', 'count > 2']"));
    assert_eq!(rule.selector.group_by(), ["flow"]);
    let one_by_one = self::rule("series = { feed = 'magnets' }\nnotify = ['desk']\nwhen = 'yoy < 0%'");
    let grouped = self::rule(&format!("{GROUPED}when = 'yoy < 0%'"));
    assert_ne!(grouped.hash, one_by_one.hash, "another group is another meaning");
    let twice = self::rule(&format!("{GROUPED}when = 'yoy < 0%'").replace("['flow']", "['flow', 'reporter']"));
    let again = self::rule(&format!("{GROUPED}when = 'yoy < 0%'").replace("['flow']", "['reporter', 'flow']"));
    assert_eq!((twice.hash != grouped.hash, twice.hash == again.hash), (true, true));
}

#[test]
fn labels_of_groups_are_checked() {
    insta::assert_snapshot!(told(&format!("{GROUPED}when = [\"share(partnr = 'CN') > 70%\", 'hhi(flow) > 0.5']\nclear = 'top_share(hs) < 1%'")), @r#"
    error: no series that the rule selects has a label `partnr`
     --> supplywatch.toml:5:16
      |
    5 | when = ["share(partnr = 'CN') > 70%", 'hhi(flow) > 0.5']
      |                ^^^^^^^^^^^^^ unknown
      |
      = help: did you mean `partner`?

    error: all series of a group have the same `flow`: the rule groups by it
     --> supplywatch.toml:5:44
      |
    5 | when = ["share(partnr = 'CN') > 70%", 'hhi(flow) > 0.5']
      |                                            ^^^^ one part only
      |
      = help: tell the members apart by another label: `feed`, `partner` and `reporter`

    error: no series that the rule selects has a label `hs`
     --> supplywatch.toml:6:20
      |
    6 | clear = 'top_share(hs) < 1%'
      |                    ^^ unknown
      |
      = help: the labels are `feed`, `partner` and `reporter`

    3 errors
    "#);
    insta::assert_snapshot!(told(&format!("{}when = 'count > 2'", GROUPED.replace("flow", "flwo"))), @r#"
    error: no series that the rule selects has a label `flwo`
     --> supplywatch.toml:3:13
      |
    3 | group_by = ['flwo']
      |             ^^^^^^ unknown
      |
      = help: did you mean `flow`?

    1 error
    "#);
    insta::assert_snapshot!(told(&format!("{}when = 'count > 2'", GROUPED.replace("['flow']", "[]"))), @r#"
    error: `group_by` names no label
     --> supplywatch.toml:3:12
      |
    3 | group_by = []
      |            ^^ empty
      |
      = help: take it away to judge each series by itself

    error: `count` is of a group of series, and the rule judges each by itself
     --> supplywatch.toml:5:9
      |
    5 | when = 'count > 2'
      |         ^^^^^ needs `group_by`
      |
      = help: write group_by = ["LABEL"]: the rule then judges the series with the same LABEL together, such as all partners of one hs

    2 errors
    "#);
    insta::assert_snapshot!(told(&format!("{}when = 'count > 2'", GROUPED.replace("['flow']", "['flow', 'flow']"))), @r#"
    error: `group_by` names `flow` twice
     --> supplywatch.toml:3:21
      |
    3 | group_by = ['flow', 'flow']
      |                     ^^^^^^ again

    1 error
    "#);
}

#[test]
fn shares_need_a_group() {
    insta::assert_snapshot!(told(&format!("{SERIES}when = [\"share(partner = 'CN') > 70%\", 'lag(count, 1) > 2']")), @r#"
    error: `share` is of a group of series, and the rule judges each by itself
     --> supplywatch.toml:4:10
      |
    4 | when = ["share(partner = 'CN') > 70%", 'lag(count, 1) > 2']
      |          ^^^^^^^^^^^^^^^^^^^^^ needs `group_by`
      |
      = help: write group_by = ["LABEL"]: the rule then judges the series with the same LABEL together, such as all partners of one hs

    error: `count` is of a group of series, and the rule judges each by itself
     --> supplywatch.toml:4:45
      |
    4 | when = ["share(partner = 'CN') > 70%", 'lag(count, 1) > 2']
      |                                             ^^^^^ needs `group_by`
      |
      = help: write group_by = ["LABEL"]: the rule then judges the series with the same LABEL together, such as all partners of one hs

    2 errors
    "#);
    insta::assert_snapshot!(told(&format!("{SERIES}warning = {{ when = 'hhi(partner) > 0.5' }}")), @r#"
    error: `hhi` is of a group of series, and the rule judges each by itself
     --> supplywatch.toml:4:21
      |
    4 | warning = { when = 'hhi(partner) > 0.5' }
      |                     ^^^^^^^^^^^^ needs `group_by`
      |
      = help: write group_by = ["LABEL"]: the rule then judges the series with the same LABEL together, such as all partners of one hs

    1 error
    "#);
}

#[test]
fn groups_of_several_feeds_need_a_sum() {
    let both = "series = { feed = ['magnets', 'prices'] }\ngroup_by = 'feed'\nnotify = 'desk'\nwhen = 'count > 2'";
    assert_eq!(told(both), "");
    let grade = "series = { feed = ['magnets', 'prices'] }\ngroup_by = ['grade']\nnotify = 'desk'\nwhen = 'count > 2'";
    insta::assert_snapshot!(told(grade), @r#"
    error: the series have no sum: feed `magnets` is by month, feed `prices` by day
     --> supplywatch.toml:3:12
      |
    3 | group_by = ['grade']
      |            ^^^^^^^^^ groups of several feeds
      |
      = help: a group is judged by the sum of its series; select those of one frequency and kind of unit, or add `feed` to `group_by`

    1 error
    "#);
}

#[test]
fn what_measures_of_groups_take() {
    insta::assert_snapshot!(told(&format!("{GROUPED}when = [\"share(partner) > 70%\", 'hhi > 0.5', 'hhi(partner) > 50%', 'top_share(partner, 0) > 1%', 'top_share(5%) > 1%', 'share(\"CN\") > 1%', 'count(partner) > 2']").replace("\\\"", "\"")), @r#"
    error: `label` of `share` is a label with a value, such as `partner='CN'`
     --> supplywatch.toml:5:16
      |
    5 | when = ["share(partner) > 70%", 'hhi > 0.5', 'hhi(partner) > 50%', 'top_share(partner, 0) > 1%', 'top_share(5%) > 1%', 'share("CN") >...
      |                ^^^^^^^ expected a label with a value, such as `partner='CN'`
      |
      = help: which one? write `share(partner='VALUE')`

    error: `hhi` needs `label`: the name of a label, such as `partner`
     --> supplywatch.toml:5:34
      |
    5 | when = ["share(partner) > 70%", 'hhi > 0.5', 'hhi(partner) > 50%', 'top_share(partner, 0) > 1%', 'top_share(5%) > 1%', 'share("CN") >...
      |                                  ^^^ needs an argument
      |
      = help: write `hhi(partner)`

    error: a ratio does not compare with a count
     --> supplywatch.toml:5:62
      |
    5 | when = ["share(partner) > 70%", 'hhi > 0.5', 'hhi(partner) > 50%', 'top_share(partner, 0) > 1%', 'top_share(5%) > 1%', 'share("CN") >...
      |                                                              ^^^ a ratio
      |
      = help: `hhi(partner)` is a number from 0 to 1: write `0.5`

    error: `k` of `top_share` is a whole number from 1 to 1000
     --> supplywatch.toml:5:88
      |
    5 | when = ["share(partner) > 70%", 'hhi > 0.5', 'hhi(partner) > 50%', 'top_share(partner, 0) > 1%', 'top_share(5%) > 1%', 'share("CN") >...
      |                                                                                        ^ expected a whole number from 1 to 1000
      |
      = help: it is written `top_share(label, k=1)`

    error: `label` of `top_share` is the name of a label, such as `partner`
     --> supplywatch.toml:5:109
      |
    5 | ...top_share(partner, 0) > 1%', 'top_share(5%) > 1%', 'share("CN") > 1%', 'count(partner) > 2']
      |                                            ^^ expected the name of a label, such as `partner`
      |
      = help: it is written `top_share(label, k=1)`

    error: `label` of `share` is a label with a value, such as `partner='CN'`
     --> supplywatch.toml:5:127
      |
    5 | ...> 1%', 'top_share(5%) > 1%', 'share("CN") > 1%', 'count(partner) > 2']
      |                                        ^^^^ expected a label with a value, such as `partner='CN'`
      |
      = help: of which label? write `share(LABEL='CN')`, such as `share(partner='CN')`

    error: there is no measure `partner`
     --> supplywatch.toml:5:147
      |
    5 | ... > 1%', 'top_share(5%) > 1%', 'share("CN") > 1%', 'count(partner) > 2']
      |                                                             ^^^^^^^ unknown
      |
      = help: the measures are `value`, `lag`, `change`, `diff`, `yoy`, `change_since`, `drawdown`, `runup`, `streak`, `declines`, `rises`, `mean`, `median`, `min`, `max`, `sum`, `stddev`, `zscore`, `robust_zscore`, `seasonal_zscore`, `percentile`, `slope`, `volatility`, `ytd`, `ytd_yoy`, `revision`, `age`, `overdue`, `share`, `top_share`, `hhi`, `count`, `new` and `ends_within`

    7 errors
    "#);
}
