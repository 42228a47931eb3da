//! `[rule.NAME]`.

mod groups;
mod options;

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
