//! Rules over groups of series.

use super::*;

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
