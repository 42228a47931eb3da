//! `[series.NAME]`.

use super::{Sandbox, check};
use crate::period::Frequency;
use crate::rule::Rule;
use crate::rule::derived::Derived;

const FEEDS: &str = "
[feed.magnets]
kind = 'csv'
path = 'm.csv'
frequency = 'month'
unit = 't'
labels = { reporter = 'CN', flow = 'export' }
columns = { labels = ['partner', 'hs'] }

[feed.prices]
kind = 'csv'
path = 'p.csv'
frequency = 'day'
unit = 'CNY/t'
columns = { labels = ['grade'] }

[feed.usd-cny]
kind = 'csv'
path = 'r.csv'
frequency = 'day'
unit = 'CNY/USD'

[receiver.desk]
kind = 'console'
";

fn config(series: &str) -> String {
    let rule = "[rule.r]\nseries = { feed = 'made' }\nwhen = 'change < 0%'\nnotify = 'desk'\n";
    format!("[series.made]\n{series}\n{rule}{FEEDS}")
}

fn told(series: &str) -> String {
    check(&config(series))
}

fn made(series: &str) -> (Vec<Derived>, Rule) {
    let setup = Sandbox::new(&config(series)).setup();
    let rule = setup.rules.into_iter().next().unwrap();
    (setup.derived, rule)
}

const USD: &str =
    "from = { price = { feed = 'prices' }, rate = { feed = 'usd-cny' } }\nby = ['grade']\nunit = 'USD/t'\n";

#[test]
fn a_derived_series_is_one_that_rules_may_select() {
    let text = "value = 'mean(price) / mean(rate)'\nfrequency = 'month'\ntitle = 'NdPr oxide in dollars'\nlabels = { market = 'CN' }\n";
    let (derived, rule) = made(&format!("{USD}{text}"));
    let one = &derived[0];
    assert_eq!(
        (one.name.as_str(), one.frequency, one.by.clone()),
        ("made", Frequency::Month, vec!["grade".to_owned()])
    );
    assert_eq!(one.labels.to_string(), r#"{feed="made", market="CN"}"#);
    assert_eq!(one.unit.as_ref().unwrap().to_string(), "USD/t");
    let inputs: Vec<(&str, usize)> = one.inputs.iter().map(|input| (input.name.as_str(), input.by.len())).collect();
    assert_eq!(inputs, [("price", 1), ("rate", 0)]);
    assert_eq!(rule.title.as_deref(), Some("NdPr oxide in dollars"));
    let other = made(&format!("{USD}{}", text.replace("mean(rate)", "last(rate)"))).1;
    assert_ne!(other.hash, rule.hash, "a rule on another formula means something else");
}

#[test]
fn what_derives_from_a_derived_series_stands_behind_it() {
    let text = "from = { a = { feed = 'between' } }\nvalue = 'a * 2'\nunit = 't'\n[series.between]\nfrom = { x = { feed = 'magnets', partner = '!CN' } }\nvalue = 'x'\nunit = 't'\n";
    let (derived, rule) = made(text);
    let names: Vec<&str> = derived.iter().map(|derived| derived.name.as_str()).collect();
    assert_eq!(names, ["between", "made"]);
    let other = made(&text.replace("'x'\n", "'x + x'\n")).1;
    assert_ne!(other.hash, rule.hash, "what it derives from is part of it");
}

#[test]
fn series_that_derive_from_themselves_are_refused() {
    let text = "from = { a = { feed = 'b' } }\nvalue = 'a'\n[series.b]\nfrom = { a = { feed = 'c' } }\nvalue = 'a'\n[series.c]\nfrom = { a = { feed = ['b', 'magnets'] } }\nvalue = 'a'\n";
    insta::assert_snapshot!(told(text), @r#"
    error: series `b` derives from itself: b → c → b
     --> supplywatch.toml:4:9
      |
    4 | [series.b]
      |         ^ a circle
      |
      = help: a series derives from feeds, and from series that do not derive from it

    1 error
    "#);
}

#[test]
fn what_every_series_needs_is_asked_for() {
    insta::assert_snapshot!(told("unit = 'parsec'\nfrm = 1"), @r#"
    error: [series.made] needs `from`
     --> supplywatch.toml:1:9
      |
    1 | [series.made]
      |         ^^^^ no `from`
      |
      = help: write from = { x = { feed = "NAME" } }: what the formula calls by a name

    error: [series.made] needs `value`
     --> supplywatch.toml:1:9
      |
    1 | [series.made]
      |         ^^^^ no `value`
      |
      = help: write a formula over the names in `from`, such as value = "price / rate"

    error: there is no unit `parsec`
     --> supplywatch.toml:2:8
      |
    2 | unit = 'parsec'
      |        ^^^^^^^^ unknown
      |
      = help: a unit is a mass (kg, t, kt, g, lb, oz, ozt, st, lt), money (an ISO 4217 code: USD, kUSD, MUSD), money per mass (CNY/t), an exchange rate (CNY/USD), `count`, `index` or `percent`

    error: unknown key `frm` in [series.made]
     --> supplywatch.toml:3:1
      |
    3 | frm = 1
      | ^^^ unknown
      |
      = help: did you mean `from`?

    4 errors
    "#);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table, not a procedure")]
fn names_and_labels_are_checked() {
    insta::assert_snapshot!(told("from = { a = { feed = 'magnts' } }\nvalue = 'a'"), @r#"
    error: there is no feed `magnts`
     --> supplywatch.toml:2:23
      |
    2 | from = { a = { feed = 'magnts' } }
      |                       ^^^^^^^^ unknown
      |
      = help: did you mean `magnets`?

    1 error
    "#);
    insta::assert_snapshot!(told("from = { a = { partner = 'US' }, b-c = { feed = 'magnets' } }\nvalue = 'a'"), @r#"
    error: input `a` does not name its feeds
     --> supplywatch.toml:2:10
      |
    2 | from = { a = { partner = 'US' }, b-c = { feed = 'magnets' } }
      |          ^ no `feed`
      |
      = help: write feed = "NAME", or a list of names, with further labels

    error: `b-c` is no name for an input
     --> supplywatch.toml:2:34
      |
    2 | from = { a = { partner = 'US' }, b-c = { feed = 'magnets' } }
      |                                  ^^^ not a name
      |
      = help: a name in a formula has letters, digits and `_`, and begins with a letter

    2 errors
    "#);
    insta::assert_snapshot!(told("from = { a = { feed = 'magnets', partnr = 'US' } }\nvalue = 'a'"), @r#"
    error: feed `magnets` has no label `partnr`
     --> supplywatch.toml:2:34
      |
    2 | from = { a = { feed = 'magnets', partnr = 'US' } }
      |                                  ^^^^^^ unknown
      |
      = help: did you mean `partner`?

    error: the formula gives mass, but it has no `unit`
     --> supplywatch.toml:3:10
      |
    3 | value = 'a'
      |          ^ expected a plain number
      |
      = help: declare what it is in: a `unit` of mass

    2 errors
    "#);
    insta::assert_snapshot!(told("from = { a = { feed = 'magnets' } }\nvalue = 'a'\nunit = 't'\nby = ['hs', 'prtner', 'feed']\nlabels = { hs = '1' }"), @r#"
    error: no input has a label `prtner`
     --> supplywatch.toml:5:13
      |
    5 | by = ['hs', 'prtner', 'feed']
      |             ^^^^^^^^ unknown
      |
      = help: did you mean `partner`?

    error: `by` cannot be `feed`
     --> supplywatch.toml:5:23
      |
    5 | by = ['hs', 'prtner', 'feed']
      |                       ^^^^^^ reserved
      |
      = help: a derived series' own name is its `feed`

    error: the label `hs` is one of `by`
     --> supplywatch.toml:6:12
      |
    6 | labels = { hs = '1' }
      |            ^^ said by the inputs
      |
      = help: take it away from `labels` or from `by`

    3 errors
    "#);
    insta::assert_snapshot!(check(&format!("[series.magnets]\nfrom = {{ a = {{ feed = 'prices' }} }}\nvalue = 'a'\n{FEEDS}")), @r#"
    error: there is a feed `magnets` already
     --> supplywatch.toml:1:9
      |
    1 | [series.magnets]
      |         ^^^^^^^ the name of a feed
      |
      = help: rules select series by the label `feed`, so give one of the two another name

    1 error
    "#);
}

#[test]
fn inputs_say_what_they_are_of() {
    for (text, what) in [
        ("from = {}\nvalue = '5'", "`from` of series `made` names no input"),
        ("from = { a = { feed = 'magnets' } }\nvalue = '5 t'\nunit = 't'", "the formula names no input"),
        ("from = { a = { feed = 'mag*' } }\nvalue = 'a'\nunit = 't'", "a pattern is no name"),
        ("from = { a = { feed = '!prices' } }\nvalue = 'a'\nunit = 't'", "a pattern is no name"),
        ("from = { a = { feed = 'made' } }\nvalue = 'a'\nunit = 't'", "derives from itself: made → made"),
        ("from = { a = { feed = 'magnets' } }\nvalue = 'a'\nfrequency = 'day'", "write frequency = \"month\""),
    ] {
        let told = told(text);
        assert!(told.contains(what), "{told}");
    }
}

/// Series of a feed without the label would be for no value of it, and vanish.
#[test]
fn all_feeds_of_an_input_have_the_labels_of_by_or_none() {
    let totals =
        "[feed.totals]\nkind = 'csv'\npath = 't.csv'\nfrequency = 'month'\nunit = 't'\ncolumns = { labels = ['hs'] }\n";
    let told = |by: &str| {
        let from = "from = { a = { feed = ['magnets', 'totals'] }, b = { feed = 'totals' } }";
        check(&config(&format!("{from}\nby = {by}\nvalue = 'a / b'\n{totals}")))
    };
    assert_eq!(told("['hs']"), "");
    insta::assert_snapshot!(told("['hs', 'partner']"), @"
    error: the series of feed `totals` have no label `partner`, which `by` asks for
     --> supplywatch.toml:2:10
      |
    2 | from = { a = { feed = ['magnets', 'totals'] }, b = { feed = 'totals' } }
      |          ^ some have it, some do not
      |
      = help: take `totals` away from input `a`, or `partner` from `by`

    1 error
    ");
}

#[test]
fn formulas_are_checked() {
    insta::assert_snapshot!(told(&format!("{USD}value = 'price / rat'")), @r#"
    error: `from` has no input `rat`
     --> supplywatch.toml:5:18
      |
    5 | value = 'price / rat'
      |                  ^^^ unknown
      |
      = help: did you mean `rate`?

    1 error
    "#);
    insta::assert_snapshot!(told(&format!("{USD}value = 'price * rate'")), @r#"
    error: the formula gives CNY^2 per USD per mass, but its `unit` is USD/t
     --> supplywatch.toml:5:10
      |
    5 | value = 'price * rate'
      |          ^^^^^^^^^^^^ expected USD per mass
      |
      = help: multiply or divide by what is missing, or declare a unit of CNY^2 per USD per mass

    1 error
    "#);
    insta::assert_snapshot!(told(&format!("{USD}value = 'price / 7.1'")), @r#"
    warning: the formula does not use input `rate`
     --> supplywatch.toml:2:39
      |
    2 | from = { price = { feed = 'prices' }, rate = { feed = 'usd-cny' } }
      |                                       ^^^^ not used

    error: the formula gives CNY per mass, but its `unit` is USD/t
     --> supplywatch.toml:5:10
      |
    5 | value = 'price / 7.1'
      |          ^^^^^^^^^^^ expected USD per mass
      |
      = help: multiply or divide by what is missing, or declare a unit of CNY per mass

    1 error, 1 warning
    "#);
    insta::assert_snapshot!(told("from = { a = { feed = 'magnets' }, b = { feed = 'prices' } }\nvalue = 'a * b'\nunit = 'CNY'"), @r#"
    error: its inputs are by `day` and `month`
     --> supplywatch.toml:1:9
      |
    1 | [series.made]
      |         ^^^^ no `frequency`
      |
      = help: write frequency = "month", and how the shorter periods make one: `mean(x)`, `last(x)` or `sum(x)`

    1 error
    "#);
    insta::assert_snapshot!(told("from = { a = { feed = ['magnets', 'prices'] } }\nvalue = 'a'\nunit = 't'\nfrequency = 'month'"), @r#"
    error: the series of input `a` have no sum
     --> supplywatch.toml:2:10
      |
    2 | from = { a = { feed = ['magnets', 'prices'] } }
      |          ^ of several kinds
      |
      = help: several series of one input are added up: they need one frequency and one kind of unit

    1 error
    "#);
}

/// The page's rules and series, over the feeds that it speaks of.
#[test]
fn the_pages_tables_are_rules_and_series() {
    let page = include_str!("../../../docs/RULES.md");
    let blocks = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let tables: Vec<&str> =
        blocks.filter(|block| block.starts_with("[series.") || block.starts_with("[rule.")).collect();
    assert!(tables.len() > 9, "the page has lost its examples");
    let feed = |name: &str, frequency: &str, unit: &str, labels: &str| {
        format!(
            "[feed.{name}]\nkind = 'csv'\npath = 'f.csv'\nfrequency = '{frequency}'\nunit = '{unit}'\ncolumns = {{ labels = [{labels}] }}\n"
        )
    };
    let feeds = [
        feed("rare-earth-prices", "day", "CNY/t", "'grade'"),
        feed("usd-cny", "day", "CNY/USD", ""),
        feed("us-imports", "month", "t", "'hs', 'partner', 'measure'")
            .replace("unit = 't'\ncolumns = {", "columns = { unit = 'unit',"),
        feed("china-magnets", "month", "t", "'hs', 'partner'"),
        feed("us-import-values", "month", "USD", "'hs', 'partner'"),
        feed("cn-exports-to-date", "month", "t", "'hs'"),
    ];
    let rule = "[rule.r]\nseries = { feed = '*' }\nwhen = 'declines >= 2'\nnotify = 'desk'\n[receiver.desk]\nkind = 'console'\n";
    assert_eq!(check(&format!("{}{}{rule}", tables.join("\n"), feeds.join("\n"))), "");
}
