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
    frequency = 'day'\n\n[receiver.desk]\nkind = 'console'\n\n";

fn rule(more: &str) -> String {
    check(&format!("{FEEDS}[rule.r]\nnotify = ['desk']\nseverity = 'info'\n{more}"))
}

#[test]
fn a_feed_without_items_has_none_to_ask() {
    insta::assert_snapshot!(rule("series = { feed = 'p' }\nwhen = 'value > 3 and new(\"gallium\")'"), @r#"
    error: `value` says how things stand, and `new` what has just come
      --> supplywatch.toml:17:9
       |
    17 | when = 'value > 3 and new("gallium")'
       |         ^^^^^ does not go with `new`
       |
       = help: write a rule of its own for it

    error: `new` is about items, and the feed has figures alone
      --> supplywatch.toml:17:23
       |
    17 | when = 'value > 3 and new("gallium")'
       |                       ^^^^^^^^^^^^^^ no items here
       |
       = help: select a feed of kind `feed` or `federal-register`, or compare figures, such as `declines >= 2`

    2 errors
    "#);
    insta::assert_snapshot!(rule("series = { feed = ['n', 'p'] }\nwhen = 'ends_within(30d)'"), @"
    error: `ends_within` is about items, and the feed has figures alone (for feed `p`)
      --> supplywatch.toml:17:9
       |
    17 | when = 'ends_within(30d)'
       |         ^^^^^^^^^^^^^^^^ no items here
       |
       = help: select a feed of kind `feed` or `federal-register`, or compare figures, such as `declines >= 2`

    1 error
    ");
}

#[test]
fn what_has_come_goes_with_nothing_that_stands() {
    insta::assert_snapshot!(rule("series = { feed = 'n' }\nwhen = ['new(\"a\")', 'value > 3']\nclear = 'not new'"), @r#"
    error: `value` says how things stand, and `new` what has just come
      --> supplywatch.toml:17:22
       |
    17 | when = ['new("a")', 'value > 3']
       |                      ^^^^^ does not go with `new`
       |
       = help: write a rule of its own for it

    error: `value` is a figure, `3` a bare number
      --> supplywatch.toml:17:30
       |
    17 | when = ['new("a")', 'value > 3']
       |                              ^ a bare number
       |
       = help: the series is in count: write `3 count`

    error: `clear` does not go with `new`
      --> supplywatch.toml:18:9
       |
    18 | clear = 'not new'
       |         ^^^^^^^^^ nothing to end
       |
       = help: take it away: an item is told once, and nothing ends it

    3 errors
    "#);
    insta::assert_snapshot!(rule("series = { feed = 'n' }\nwhen = 'new'\ngroup_by = ['feed']"), @"
    error: `new` is about the items of one feed, and the rule judges groups
      --> supplywatch.toml:17:9
       |
    17 | when = 'new'
       |         ^^^ not of a group
       |
       = help: take `group_by` away

    1 error
    ");
}

#[test]
fn searches_are_refused_where_they_are_wrong() {
    let gates = "'new(gallium)', 'new(\"a\" or \"--\")', 'new(agancy=\"x\")', 'new(\"a\" > 2)', 'new(\"a\") > 2'";
    insta::assert_snapshot!(rule(&format!("series = {{ feed = 'n' }}\nwhen = [{gates}]")), @r#"
    error: `gallium` is no text to look for
      --> supplywatch.toml:17:14
       |
    17 | when = ['new(gallium)', 'new("a" or "--")', 'new(agancy="x")', 'new("a" > 2)', 'new("a") > 2']
       |              ^^^^^^^ expected a text in quotes
       |
       = help: write it in quotes: "gallium"

    error: there is no word to look for
      --> supplywatch.toml:17:37
       |
    17 | when = ['new(gallium)', 'new("a" or "--")', 'new(agancy="x")', 'new("a" > 2)', 'new("a") > 2']
       |                                     ^^^^ nothing to find
       |
       = help: write a word, such as `"gallium"`

    error: items have no `agancy`
      --> supplywatch.toml:17:50
       |
    17 | when = ['new(gallium)', 'new("a" or "--")', 'new(agancy="x")', 'new("a" > 2)', 'new("a") > 2']
       |                                                  ^^^^^^^^^^ unknown
       |
       = help: did you mean `agency`?

    error: `'a' > 2` is no text to look for
      --> supplywatch.toml:17:69
       |
    17 | when = ['new(gallium)', 'new("a" or "--")', 'new(agancy="x")', 'new("a" > 2)', 'new("a") > 2']
       |                                                                     ^^^^^^^ expected a text in quotes
       |
       = help: write texts in quotes, such as `"rare earth" or "gallium"`

    error: `new('a')` is a condition, not a value
      --> supplywatch.toml:17:81
       |
    17 | when = ['new(gallium)', 'new("a" or "--")', 'new(agancy="x")', 'new("a" > 2)', 'new("a") > 2']
       |                                                                                 ^^^^^^^^ expected a value
       |
       = help: conditions are joined by `and`, `or` and `not`; `streak(COND)` counts the periods that meet one

    5 errors
    "#);
}

#[test]
fn an_end_is_within_a_time() {
    let gates = "'ends_within(\"a\")', 'ends_within(1.5)', 'ends_within', 'ends_within(30d, 5)'";
    insta::assert_snapshot!(rule(&format!("series = {{ feed = 'n' }}\nwhen = [{gates}]")), @r#"
    error: `within` of `ends_within` is a whole number of days, or a time such as `1y`
      --> supplywatch.toml:17:22
       |
    17 | when = ['ends_within("a")', 'ends_within(1.5)', 'ends_within', 'ends_within(30d, 5)']
       |                      ^^^ expected a whole number of days, or a time such as `1y`
       |
       = help: it is written `ends_within(30d, "rare earth")`

    error: 1.5 is no whole number of periods
      --> supplywatch.toml:17:42
       |
    17 | when = ['ends_within("a")', 'ends_within(1.5)', 'ends_within', 'ends_within(30d, 5)']
       |                                          ^^^ expected a whole number
       |
       = help: write `1` or `2`

    error: `ends_within` needs `within`: a whole number of days, or a time such as `1y`
      --> supplywatch.toml:17:50
       |
    17 | when = ['ends_within("a")', 'ends_within(1.5)', 'ends_within', 'ends_within(30d, 5)']
       |                                                  ^^^^^^^^^^^ needs an argument
       |
       = help: write `ends_within(12)`

    error: `5` is no text to look for
      --> supplywatch.toml:17:82
       |
    17 | when = ['ends_within("a")', 'ends_within(1.5)', 'ends_within', 'ends_within(30d, 5)']
       |                                                                                  ^ expected a text in quotes
       |
       = help: write texts in quotes, such as `"rare earth" or "gallium"`

    4 errors
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
