//! Feeds of items, and the rules that ask what they say.

use super::{Sandbox, check};
use crate::base::clock::Timestamp;
use crate::feed::Standing;
use crate::feed::Target;
use crate::period::Frequency;

#[test]
fn the_federal_registers_options_arrive() {
    let feed = Sandbox::new(
        "[feed.f]\nkind = 'federal-register'\nterm = '\"rare earth\" | gallium'\nagency = ['industry-and-security-bureau', \
        'commerce-department']\ndocument_type = ['rule', 'presidential']\ncfr = '15 CFR 744'\nsince = '2026-09-01'",
    )
    .setup()
    .feeds
    .remove(0);
    let now = Timestamp::parse("2026-10-02T12:00:00Z").unwrap();
    let request = feed.requests(&Standing::new(now)).remove(0);
    let Target::Http { url, .. } = request.target else { panic!("expected an address") };
    let asked: Vec<String> = url
        .query_pairs()
        .filter(|(name, _)| name.starts_with("conditions"))
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    insta::assert_snapshot!(asked.join("\n"), @r#"
    conditions[publication_date][gte] 2026-09-01
    conditions[publication_date][lte] 2026-10-02
    conditions[term] "rare earth" | gallium
    conditions[agencies][] industry-and-security-bureau
    conditions[agencies][] commerce-department
    conditions[type][] RULE
    conditions[type][] PRESDOCU
    conditions[cfr][title] 15
    conditions[cfr][part] 744
    "#);
    assert_eq!((feed.frequency, feed.unit.unwrap().to_string()), (Frequency::Day, "items".to_owned()));
}

#[test]
fn what_is_no_option_of_the_federal_register_is_refused() {
    let feed = "[feed.f]\nkind = 'federal-register'\n";
    insta::assert_snapshot!(check(&format!("{feed}agency = 'Commerce Department'\ndocument_type = 'rules'\ncfr = '15'")), @r#"
    error: `agency` cannot be `Commerce Department`
     --> supplywatch.toml:3:10
      |
    3 | agency = 'Commerce Department'
      |          ^^^^^^^^^^^^^^^^^^^^^ not an agency's name
      |
      = help: write the end of its page's address, such as "industry-and-security-bureau"

    error: `document_type` cannot be `rules`
     --> supplywatch.toml:4:17
      |
    4 | document_type = 'rules'
      |                 ^^^^^^^ unknown
      |
      = help: the types are `rule`, `proposed-rule`, `notice` and `presidential`

    error: `cfr` cannot be `15`
     --> supplywatch.toml:5:7
      |
    5 | cfr = '15'
      |       ^^^^ expected a title and a part
      |
      = help: write cfr = "15 CFR 744"

    3 errors
    "#);
    insta::assert_snapshot!(check(&format!("{feed}frequency = 'month'\nunit = 't'\npath = 'f.json'\nterm = ''")), @"
    error: the figures of items are their number of each day, not by or in `month`
     --> supplywatch.toml:3:1
      |
    3 | frequency = 'month'
      | ^^^^^^^^^ not for items
      |
      = help: take it away

    error: the figures of items are their number of each day, not by or in `t`
     --> supplywatch.toml:4:1
      |
    4 | unit = 't'
      | ^^^^ not for items
      |
      = help: take it away

    error: `path` has no meaning for kind `federal-register`
     --> supplywatch.toml:5:1
      |
    5 | path = 'f.json'
      | ^^^^ not for this kind
      |
      = help: `path` belongs to kind `csv`, `json`, `xlsx`, `sdmx`, `jsonstat`, `gacc`, `japan`, `worldbank` and `feed`

    error: `term` is empty
     --> supplywatch.toml:6:8
      |
    6 | term = ''
      |        ^^ expected a line of text

    4 errors
    ");
}

#[test]
fn a_feed_needs_a_place_and_takes_no_columns() {
    insta::assert_snapshot!(check("[feed.f]\nkind = 'feed'\ncolumns = { period = 'p' }\nterm = 'x'"), @r#"
    error: [feed.f] needs `path` or `url`
     --> supplywatch.toml:1:7
      |
    1 | [feed.f]
      |       ^ neither `path` nor `url`
      |
      = help: write path = "FILE" or url = "https://…"

    error: `columns` has no meaning for kind `feed`
     --> supplywatch.toml:3:1
      |
    3 | columns = { period = 'p' }
      | ^^^^^^^ not for this kind
      |
      = help: `columns` belongs to kind `csv`, `json`, `xlsx`, `sdmx` and `jsonstat`

    error: `term` has no meaning for kind `feed`
     --> supplywatch.toml:4:1
      |
    4 | term = 'x'
      | ^^^^ not for this kind
      |
      = help: `term` belongs to kind `federal-register`

    3 errors
    "#);
}

const FEEDS: &str = "[feed.n]\nkind = 'feed'\nurl = 'https://m.example/rss'\n\n[feed.p]\nkind = 'csv'\npath = 'p.csv'\n\
    frequency = 'day'\n\n";

fn rule(more: &str) -> String {
    check(&format!("{FEEDS}[rule.r]\nnotify = []\nseverity = 'info'\n{more}"))
}

#[test]
fn what_does_not_go_with_items_has_its_place() {
    insta::assert_snapshot!(rule("series = { feed = 'p' }\nwhen = 'value > 3 and new(\"gallium\")'"), @r#"
    warning: rule `r` notifies nobody
      --> supplywatch.toml:10:7
       |
    10 | [rule.r]
       |       ^ no `notify`
       |
       = help: write notify = ["RECEIVER"]; its alerts are kept all the same

    error: `value` says how things stand, and `new` what has just come
      --> supplywatch.toml:14:9
       |
    14 | when = 'value > 3 and new("gallium")'
       |         ^^^^^ does not go with `new`
       |
       = help: write a rule of its own for it

    error: `new` is about items, and the feed has figures alone
      --> supplywatch.toml:14:23
       |
    14 | when = 'value > 3 and new("gallium")'
       |                       ^^^^^^^^^^^^^^ no items here
       |
       = help: select a feed of kind `feed` or `federal-register`, or compare figures, such as `declines >= 2`

    2 errors, 1 warning
    "#);
    insta::assert_snapshot!(rule("series = { feed = ['n', 'p'] }\nwhen = 'ends_within(30d)'"), @r#"
    warning: rule `r` notifies nobody
      --> supplywatch.toml:10:7
       |
    10 | [rule.r]
       |       ^ no `notify`
       |
       = help: write notify = ["RECEIVER"]; its alerts are kept all the same

    error: `ends_within` is about items, and the feed has figures alone (for feed `p`)
      --> supplywatch.toml:14:9
       |
    14 | when = 'ends_within(30d)'
       |         ^^^^^^^^^^^^^^^^ no items here
       |
       = help: select a feed of kind `feed` or `federal-register`, or compare figures, such as `declines >= 2`

    1 error, 1 warning
    "#);
    insta::assert_snapshot!(rule("series = { feed = 'n' }\nwhen = ['new(\"a\")', 'value > 3']\nclear = 'not new'"), @r#"
    warning: rule `r` notifies nobody
      --> supplywatch.toml:10:7
       |
    10 | [rule.r]
       |       ^ no `notify`
       |
       = help: write notify = ["RECEIVER"]; its alerts are kept all the same

    error: `value` says how things stand, and `new` what has just come
      --> supplywatch.toml:14:22
       |
    14 | when = ['new("a")', 'value > 3']
       |                      ^^^^^ does not go with `new`
       |
       = help: write a rule of its own for it

    error: `value` is a figure, `3` a bare number
      --> supplywatch.toml:14:30
       |
    14 | when = ['new("a")', 'value > 3']
       |                              ^ a bare number
       |
       = help: the series is in count: write `3 count`

    error: `clear` does not go with `new`
      --> supplywatch.toml:15:9
       |
    15 | clear = 'not new'
       |         ^^^^^^^^^ nothing to end
       |
       = help: take it away: an item is told once, and nothing ends it

    3 errors, 1 warning
    "#);
    insta::assert_snapshot!(rule("series = { feed = 'n' }\nwhen = 'new'\ngroup_by = ['feed']"), @r#"
    warning: rule `r` notifies nobody
      --> supplywatch.toml:10:7
       |
    10 | [rule.r]
       |       ^ no `notify`
       |
       = help: write notify = ["RECEIVER"]; its alerts are kept all the same

    error: `new` is about the items of one feed, and the rule judges groups
      --> supplywatch.toml:14:9
       |
    14 | when = 'new'
       |         ^^^ not of a group
       |
       = help: take `group_by` away

    1 error, 1 warning
    "#);
}

#[test]
fn searches_are_refused_where_they_are_wrong() {
    insta::assert_snapshot!(rule("series = { feed = 'n' }\nwhen = ['new(gallium)', 'new(\"a\" or \"--\")', 'new(agancy=\"x\")', 'new(\"a\" > 2)', 'new(\"a\") > 2', 'ends_within(\"a\")', 'ends_within(1.5)']"), @r#"
    warning: rule `r` notifies nobody
      --> supplywatch.toml:10:7
       |
    10 | [rule.r]
       |       ^ no `notify`
       |
       = help: write notify = ["RECEIVER"]; its alerts are kept all the same

    error: `gallium` is no text to look for
      --> supplywatch.toml:14:14
       |
    14 | when = ['new(gallium)', 'new("a" or "--")', 'new(agancy="x")', 'new("a" > 2)', 'new("a") > 2', 'ends_within("a")', 'ends_within(1.5)']
       |              ^^^^^^^ expected a text in quotes
       |
       = help: write it in quotes: "gallium"

    error: there is no word to look for
      --> supplywatch.toml:14:37
       |
    14 | when = ['new(gallium)', 'new("a" or "--")', 'new(agancy="x")', 'new("a" > 2)', 'new("a") > 2', 'ends_within("a")', 'ends_within(1.5)']
       |                                     ^^^^ nothing to find
       |
       = help: write a word, such as `"gallium"`

    error: items have no `agancy`
      --> supplywatch.toml:14:50
       |
    14 | when = ['new(gallium)', 'new("a" or "--")', 'new(agancy="x")', 'new("a" > 2)', 'new("a") > 2', 'ends_within("a")', 'ends_within(1.5)']
       |                                                  ^^^^^^^^^^ unknown
       |
       = help: did you mean `agency`?

    error: `'a' > 2` is no text to look for
      --> supplywatch.toml:14:69
       |
    14 | when = ['new(gallium)', 'new("a" or "--")', 'new(agancy="x")', 'new("a" > 2)', 'new("a") > 2', 'ends_within("a")', 'ends_within(1.5)']
       |                                                                     ^^^^^^^ expected a text in quotes
       |
       = help: write texts in quotes, such as `"rare earth" or "gallium"`

    error: `new('a')` is a condition, not a value
      --> supplywatch.toml:14:81
       |
    14 | when = ['new(gallium)', 'new("a" or "--")', 'new(agancy="x")', 'new("a" > 2)', 'new("a") > 2', 'ends_within("a")', 'ends_within(1.5)']
       |                                                                                 ^^^^^^^^ expected a value
       |
       = help: conditions are joined by `and`, `or` and `not`; `streak(COND)` counts the periods that meet one

    error: `ends_within` says how things stand, and `new` what has just come
      --> supplywatch.toml:14:97
       |
    14 | when = ['new(gallium)', 'new("a" or "--")', 'new(agancy="x")', 'new("a" > 2)', 'new("a") > 2', 'ends_within("a")', 'ends_within(1.5)']
       |                                                                                                 ^^^^^^^^^^^^^^^^ does not go with `new`
       |
       = help: write a rule of its own for it

    error: `within` of `ends_within` is a whole number of days, or a time such as `1y`
      --> supplywatch.toml:14:109
       |
    14 | when = ['new(gallium)', 'new("a" or "--")', 'new(agancy="x")', 'new("a" > 2)', 'new("a") > 2', 'ends_within("a")', 'ends_within(1.5)']
       |                                                                                                             ^^^ expected a whole number of days, or a time such as `1y`
       |
       = help: it is written `ends_within(30d, "rare earth")`

    error: `ends_within` says how things stand, and `new` what has just come
      --> supplywatch.toml:14:117
       |
    14 | when = ['new(gallium)', 'new("a" or "--")', 'new(agancy="x")', 'new("a" > 2)', 'new("a") > 2', 'ends_within("a")', 'ends_within(1.5)']
       |                                                                                                                     ^^^^^^^^^^^^^^^^ does not go with `new`
       |
       = help: write a rule of its own for it

    error: 1.5 is no whole number of periods
      --> supplywatch.toml:14:129
       |
    14 | when = ['new(gallium)', 'new("a" or "--")', 'new(agancy="x")', 'new("a" > 2)', 'new("a") > 2', 'ends_within("a")', 'ends_within(1.5)']
       |                                                                                                                                 ^^^ expected a whole number
       |
       = help: write `1` or `2`

    9 errors, 1 warning
    "#);
}

#[test]
fn rules_about_items_are_rules() {
    for when in [
        "new",
        "new()",
        "new(\"a\" and not (\"b\" or country=\"CN\"))",
        "new(\"a\") or not new(\"b\")",
        "ends_within(30d) and value >= 1 count",
        "ends_within(2, type=\"rule\")",
        "value >= 3 count and mean(5) < 2 count",
    ] {
        let told = rule(&format!("series = {{ feed = 'n' }}\nwhen = '{when}'"));
        assert!(!told.contains("error"), "{when}: {told}");
    }
}
