//! What is wrong with a scenario.

use super::*;

#[test]
#[expect(clippy::too_many_lines, reason = "a table, not a procedure")]
fn wrong_series_and_alerts_are_told_in_full() {
    let told = load_whole(
        r#"
        [[scenario]]
        name   = "which feed"
        rule   = "dear"
        series = "partner=US 2025-08: 60"
        [[scenario]]
        name   = "an input lacks"
        rule   = "dear"
        series = "feed=values partner=US 2025-08: 60"
        [[scenario]]
        name   = "the inputs are of two partners"
        rule   = "dear"
        series = "feed=values partner=US 2025-08: 60 feed=magnets partner=DE 2025-08: 60"
        [[scenario]]
        name   = "calculated, unknown"
        rule   = "dear"
        series = "feed=price 2025-08: 60 feed=value 2025-08: 60"
        [[scenario]]
        name   = "no label for the share"
        rule   = "concentration"
        series = "2025-08: 60"
        [[scenario]]
        name   = "another unit"
        rule   = "concentration"
        series = "partner=US 2025-08: 60 partner=DE in USD 2025-08: 40 partner=FR in stones 2025-08: 1"
        [[scenario]]
        name   = "no sum"
        rule   = "concentration"
        series = "partner=US 2025-08: 60 partner=DE in USD 2025-08: 40"
        [[scenario]]
        name   = "the same twice"
        rule   = "low"
        series = "partner=US 2025-08: 60 partner=840 2025-09: 5"
        [[scenario]]
        name   = "no end"
        rule   = "late"
        series = "2025-08: 60"
        [[scenario]]
        name   = "a wrong end"
        rule   = "late"
        series = "2025-08: 60"
        until  = 2055-01-01
        [[scenario]]
        name   = "an end for nothing"
        rule   = "low"
        labels = { partner = "US" }
        series = "2025-08: 60"
        until  = "soon"
        [[scenario]]
        name   = "two alerts"
        rule   = "low"
        series = "partner=US 2025-08: 60 partner=DE 2025-08: 60"
        [[scenario.expect]]
        on         = 2025-10-20
        transition = "fired"
        [[scenario.expect]]
        on         = 2025-10-20
        labels     = { partner = "FR" }
        state      = "on"
        period     = "2025-08"
        [[scenario.expect]]
        on         = 2025-10-20
        labels     = { partner = "DE" }
        transition = "fired"
        held       = "waiting"
        "#,
    );
    insta::assert_snapshot!(told.unwrap_err(), @r#"
    error: which feed are these figures of?
     --> rules/a.test.toml:5:19
      |
    5 |         series = "partner=US 2025-08: 60"
      |                   ^^^^^^^^^^ no `feed`
      |
      = help: write feed=NAME before the figures: `magnets` and `values`

    error: rule `dear` makes nothing of this series alone
     --> rules/a.test.toml:9:19
      |
    9 |         series = "feed=values partner=US 2025-08: 60"
      |                   ^^^^^^^^^^^^^^^^^^^^^^ {feed="values", flow="export", partner="US", reporter="CN"}
      |
      = help: write figures of what it is calculated with, too: `{feed="magnets"}`

    error: rule `dear` makes nothing of this series alone
      --> rules/a.test.toml:13:19
       |
    13 |         series = "feed=values partner=US 2025-08: 60 feed=magnets partner=DE 2025-08: 60"
       |                   ^^^^^^^^^^^^^^^^^^^^^^ {feed="values", flow="export", partner="US", reporter="CN"}
       |
       = help: the series that are calculated with each other need the same values of their `by` labels

    error: rule `dear` makes nothing of this series alone
      --> rules/a.test.toml:13:54
       |
    13 |         series = "feed=values partner=US 2025-08: 60 feed=magnets partner=DE 2025-08: 60"
       |                                                      ^^^^^^^^^^^^^^^^^^^^^^^ {feed="magnets", flow="export", partner="DE", reporter="CN"}
       |
       = help: the series that are calculated with each other need the same values of their `by` labels

    error: series `price` is calculated from others
      --> rules/a.test.toml:17:24
       |
    17 |         series = "feed=price 2025-08: 60 feed=value 2025-08: 60"
       |                        ^^^^^ not of a feed
       |
       = help: write the series that it is calculated from

    error: there is no feed `value`
      --> rules/a.test.toml:17:47
       |
    17 |         series = "feed=price 2025-08: 60 feed=value 2025-08: 60"
       |                                               ^^^^^ unknown
       |
       = help: did you mean `values`?

    error: rule `concentration` cannot judge these series: no series that the rule selects has a label `partner`
      --> rules/a.test.toml:21:18
       |
    21 |         series = "2025-08: 60"
       |                  ^^^^^^^^^^^^^ their labels
       |
       = help: write the label before the figures of each series, such as partner=CN

    error: there is no unit `stones`
      --> rules/a.test.toml:25:86
       |
    25 |         series = "partner=US 2025-08: 60 partner=DE in USD 2025-08: 40 partner=FR in stones 2025-08: 1"
       |                                                                                      ^^^^^^ unknown
       |
       = help: did you mean `tonnes`? A unit is a mass (kg, t, kt, g, lb, oz, ozt, st, lt), money (an ISO 4217 code: USD, kUSD, MUSD), money per mass (CNY/t), an exchange rate (CNY/USD), `count`, `index` or `percent`

    error: {feed="magnets", flow="export", partner="DE", reporter="CN"} is in USD, others in t: their figures have no sum
      --> rules/a.test.toml:29:18
       |
    29 |         series = "partner=US 2025-08: 60 partner=DE in USD 2025-08: 40"
       |                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ these series
       |
       = help: give the series of a sum one frequency, and units that convert

    error: two series have the same labels
      --> rules/a.test.toml:33:42
       |
    33 |         series = "partner=US 2025-08: 60 partner=840 2025-09: 5"
       |                                          ^^^^^^^^^^^ {feed="magnets", flow="export", partner="US", reporter="CN"}
       |
       = help: write a label that tells them apart, or all figures after one

    error: the clock moves rule `late`: when does the scenario end?
      --> rules/a.test.toml:34:9
       |
    34 |         [[scenario]]
       |         ^^^^^^^^^^^^ no `until`
       |
       = help: write the last day that is played, such as until = 2025-12-31

    error: `until` is more than ten years after the last figure, of 2025-09-20
      --> rules/a.test.toml:42:18
       |
    42 |         until  = 2055-01-01
       |                  ^^^^^^^^^^ too late

    error: the clock does not move rule `low`
      --> rules/a.test.toml:48:9
       |
    48 |         until  = "soon"
       |         ^^^^^ no meaning here
       |
       = help: take `until` away: it is for rules with `age` or `overdue`

    error: this may be any of 2 alerts
      --> rules/a.test.toml:53:9
       |
    53 |         [[scenario.expect]]
       |         ^^^^^^^^^^^^^^^^^^^ which one?
       |
       = help: write `labels` that one of these has alone: `{ partner = "US" }` and `{ partner = "DE" }`

    error: no alert has these labels
      --> rules/a.test.toml:58:24
       |
    58 |         labels     = { partner = "FR" }
       |                        ^^^^^^^ unknown
       |
       = help: the alerts are `{ partner = "US" }` and `{ partner = "DE" }`

    error: `state` cannot be `on`
      --> rules/a.test.toml:59:22
       |
    59 |         state      = "on"
       |                      ^^^^ expected `ok` or `firing`

    error: `period` does not belong to a state
      --> rules/a.test.toml:60:9
       |
    60 |         period     = "2025-08"
       |         ^^^^^^ another kind
       |
       = help: a message has a `transition`; how an alert stands (`state`, `held`) is another [[scenario.expect]]

    error: `held` does not belong to a message
      --> rules/a.test.toml:65:9
       |
    65 |         held       = "waiting"
       |         ^^^^ another kind
       |
       = help: a message has a `transition`; how an alert stands (`state`, `held`) is another [[scenario.expect]]

    18 errors
    "#);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table, not a procedure")]
fn a_wrong_scenario_is_told_in_full() {
    let told = |scenarios: &str| load(scenarios).unwrap_err();
    insta::assert_snapshot!(told(r#"
        [[scenario]]
        nam    = "unknown keys"
        rule   = "fallin"
        series = "2025-06: 353 six"
        [[scenario.expect]]
        transition = "fire"
        [[scenario.expect]]
        on = "20 October"
        period = "2025-0"
        severity = "bad"
        title = 3
        values = { declines = "many", rises = true }
        expected = 1
        "#), @r#"
    error: [scenario] needs `name`
     --> rules/a.test.toml:2:9
      |
    2 |         [[scenario]]
      |         ^^^^^^^^^^^^ no `name`
      |
      = help: write what the scenario shows, such as name = "two declines fire"

    error: unknown key `nam` in [scenario]
     --> rules/a.test.toml:3:9
      |
    3 |         nam    = "unknown keys"
      |         ^^^ unknown
      |
      = help: did you mean `name`?

    error: there is no rule `fallin`
     --> rules/a.test.toml:4:18
      |
    4 |         rule   = "fallin"
      |                  ^^^^^^^^ unknown
      |
      = help: did you mean `falling`?

    error: `six` is no figure
     --> rules/a.test.toml:5:32
      |
    5 |         series = "2025-06: 353 six"
      |                                ^^^ expected a number, or `_` for missing

    error: this does not say when
     --> rules/a.test.toml:6:9
      |
    6 |         [[scenario.expect]]
      |         ^^^^^^^^^^^^^^^^^^^ neither `on` nor `period`
      |
      = help: write on = "2025-10-20" (the day), or period = "2025-09", or both

    error: `transition` cannot be `fire`
     --> rules/a.test.toml:7:22
      |
    7 |         transition = "fire"
      |                      ^^^^^^ expected `fired`, `continued`, `escalated`, `eased`, `resolved` or `corrected`
      |
      = help: did you mean `fired`?

    error: [scenario.expect] needs `transition`
     --> rules/a.test.toml:8:9
      |
    8 |         [[scenario.expect]]
      |         ^^^^^^^^^^^^^^^^^^^ no `transition`
      |
      = help: write what must be sent, such as transition = "fired"

    error: `on` cannot be `20 October`
     --> rules/a.test.toml:9:14
      |
    9 |         on = "20 October"
      |              ^^^^^^^^^^^^ expected a day such as 2025-10-20

    error: `2025-0` is no period: expected a form like 2025-09-18, 2025-W38, 2025-09, 2025-Q3 or 2025
      --> rules/a.test.toml:10:18
       |
    10 |         period = "2025-0"
       |                  ^^^^^^^^ no period

    error: `severity` cannot be `bad`
      --> rules/a.test.toml:11:20
       |
    11 |         severity = "bad"
       |                    ^^^^^ expected `info`, `warning` or `critical`

    error: `title` takes a string, found an integer
      --> rules/a.test.toml:12:17
       |
    12 |         title = 3
       |                 ^ expected a string

    error: `many` is no number
      --> rules/a.test.toml:13:31
       |
    13 |         values = { declines = "many", rises = true }
       |                               ^^^^^^ expected a number
       |
       = help: write it like 2, 420.5 or "-28.7%"

    error: `rises` takes a number, or a string such as "-28.7%", found `true`
      --> rules/a.test.toml:13:47
       |
    13 |         values = { declines = "many", rises = true }
       |                                               ^^^^ expected a number, or a string such as "-28.7%"

    error: unknown key `expected` in [scenario.expect]
      --> rules/a.test.toml:14:9
       |
    14 |         expected = "<secret>"
       |         ^^^^^^^^ unknown
       |
       = help: [scenario.expect] takes `on`, `period`, `transition`, `severity`, `title`, `values`, `labels`, `state` and `held`

    14 errors
    "#);
    insta::assert_snapshot!(told(r#"
        [[scenario]]
        name   = "another series"
        rule   = "falling"
        labels = { partner = "DE" }
        series = """
        2025-06: 353 _
        2025-08: 590 => 600
        """
        [[scenario]]
        name   = "another unit"
        rule   = "low"
        unit   = "CNY/t"
        series = "2025-06: 353"
        [[scenario]]
        name   = "another frequency"
        rule   = "low"
        series = "2025-Q2: 353"
        "#), @r#"
    error: rule `falling` does not mean a series with these labels
     --> rules/a.test.toml:5:20
      |
    5 |         labels = { partner = "DE" }
      |                    ^^^^^^^ {feed="magnets", flow="export", partner="DE", reporter="CN"}
      |
      = help: write labels that the rule's `series` matches: `partner`

    error: since when is the revision of 2025-08 known?
     --> rules/a.test.toml:8:25
      |
    8 |         2025-08: 590 => 600
      |                         ^^^ expected `@` and a day after this

    error: rule `low` cannot judge these figures: t does not convert to CNY/t, the series' unit
      --> rules/a.test.toml:14:18
       |
    14 |         series = "2025-06: 353"
       |                  ^^^^^^^^^^^^^^ by month, in CNY/t
       |
       = help: set the scenario's `unit` to that of the series that the rule is about

    error: feed `magnets` is by month: these figures are by quarter
      --> rules/a.test.toml:18:18
       |
    18 |         series = "2025-Q2: 353"
       |                  ^^^^^^^^^^^^^^ another frequency

    4 errors
    "#);
    insta::assert_snapshot!(told(""), @r"
    error: the file has no scenario
    --> rules/a.test.toml
     = help: a scenario is a table [[scenario]] with `name`, `rule` and `series`

    1 error
    ");
    insta::assert_snapshot!(told("scenario = 3\nother = 1"), @r#"
    error: `scenario` takes tables written as [[scenario]], found an integer
     --> rules/a.test.toml:1:12
      |
    1 | scenario = 3
      |            ^ expected tables written as [[scenario]]

    error: unknown key `other` in the config
     --> rules/a.test.toml:2:1
      |
    2 | other = "<secret>"
      | ^^^^^ unknown
      |
      = help: the config takes `scenario`

    2 errors
    "#);
    insta::assert_snapshot!(told("[[scenario]"), @r"
    error: this is not TOML: unclosed array table, expected `]`
     --> rules/a.test.toml:1:12
      |
    1 | [[scenario]
      |            ^ here

    1 error
    ");
}
