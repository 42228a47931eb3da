//! Files of scenarios.

use std::time::Duration;

use super::Sandbox;
use crate::alert::Kind;
use crate::backtest::testing::{US, history};
use crate::base::clock::Timestamp;
use crate::config::{Environment, load_scenarios, scenario_files};
use crate::scenario::{Expect, Past, Said, Scenario, Series, Stage, play, write};
use crate::series::{Finite, History, Status};

const CONFIG: &str = "
[daemon]
include = ['rules/*.toml']
[feed.magnets]
kind = 'csv'
path = 'a.csv'
frequency = 'month'
unit = 't'
title = 'magnet exports'
labels = { reporter = 'CN', flow = 'export' }
columns = { period = 'period', value = 'tonnes', labels = ['partner'] }
release = { day = 20, after = '1mo' }
";
const RULES: &str = "
[rule.falling]
series = { feed = 'magnets', partner = 'US' }
when = 'declines >= 2'
notify = 'desk'
[rule.low]
series = { feed = 'magnets' }
when = 'value < 400 t'
notify = 'desk'
[receiver.desk]
kind = 'console'
";

fn sandbox(scenarios: &str) -> Sandbox {
    Sandbox::new(CONFIG).with("rules/rules.toml", RULES).with("rules/a.test.toml", scenarios)
}

fn load(scenarios: &str) -> Result<Vec<Scenario>, String> {
    let sandbox = sandbox(scenarios);
    let setup = sandbox.setup();
    let path = sandbox.path("rules/a.test.toml");
    load_scenarios(&path, &setup, &sandbox.environment()).map_err(|problems| sandbox.relative(&problems.render(false)))
}

#[test]
fn scenarios_lie_beside_the_rules_and_are_no_config() {
    let sandbox = sandbox("not even TOML").with("b.test.toml", "").with("rules/deeper/c.test.toml", "");
    let setup = sandbox.setup();
    assert_eq!(setup.files, [sandbox.path("supplywatch.toml"), sandbox.path("rules/rules.toml")]);
    assert_eq!(
        scenario_files(&setup).unwrap(),
        [sandbox.path("b.test.toml"), sandbox.path("rules/a.test.toml")],
        "beside the config and what it includes, and nowhere else"
    );
}

#[test]
fn a_scenario_says_what_must_be_sent_when() {
    let scenarios = load(
        r#"
        [[scenario]]
        name   = "a revision corrects"
        rule   = "falling"
        series = "2025-06: 353 619 590 420.5 => 600 @ 2025-11-25"

        [[scenario.expect]]
        on         = 2025-10-20
        transition = "fired"
        severity   = "warning"
        title      = "China → US magnet exports fell …420.5 t in September 2025, −28.7 %"
        values     = { declines = 2 }

        [[scenario.expect]]
        period     = "2025-09"
        transition = "corrected"

        [[scenario]]
        name    = "its own calendar and labels, and nothing to send"
        rule    = "low"
        labels  = { partner = "DE", kind = "sintered" }
        unit    = "kg"
        release = { after = "10d" }
        series  = "2025-06: 764000 1116000"
        "#,
    )
    .unwrap();
    for scenario in &scenarios {
        let outcome = play(scenario);
        assert!(outcome.passed(), "{}:\n{}", scenario.name, outcome.diff());
    }
    assert_eq!(
        scenarios[1].pasts[0].labels().to_string(),
        r#"{feed="magnets", flow="export", kind="sintered", partner="DE", reporter="CN"}"#
    );
    let known = scenarios[1].pasts[0].knowledge.moments().next().unwrap().1;
    assert_eq!(known.to_string(), "2025-07-10T00:00:00Z");
}

#[test]
fn what_is_recorded_passes() {
    let sandbox = sandbox("");
    let setup = sandbox.setup();
    let (feed, rule) = (&setup.feeds[0], &setup.rules[0]);
    for script in [
        US,
        "2025-06 353\n2025-07 619\n2025-08 590\n2025-09 420.5\n2025-09 600 2025-11-25\n2026-01/2026-02 8 2026-05-01",
    ] {
        let history = history("US", script).with_release(feed.release.clone());
        let series = vec![Series::new(&history, feed.zone)];
        let stage = Stage { rule, derived: &[], series, zone: setup.zone, until: None };
        let text = write(stage).unwrap();
        let scenarios = load(&text).unwrap();
        let outcome = play(&scenarios[0]);
        assert!(outcome.passed() && !scenarios[0].expect.is_empty(), "{text}\n{}", outcome.diff());
        let changed = text.replacen("420.5", "600.5", 1);
        assert!(!play(&load(&changed).unwrap()[0]).passed(), "another figure sends something else");
    }
}

/// The series of an alert, with what publishers do to them afterwards: the last figure but one is revised, the
/// last one withdrawn, brought back lower, and revised upwards; nothing comes at midnight.
fn troubled(past: &Past) -> Vec<Series> {
    let history = past.knowledge.history();
    let release = history.release();
    let members = if history.members().is_empty() { std::slice::from_ref(history) } else { history.members() };
    let hours = |at: Timestamp, hours: u64| at.plus(Duration::from_secs(hours * 3600));
    let trouble = |member: &History| {
        let mut series = Series::new(&member.clone().with_release(release.cloned()), past.zone);
        let said = series.figures.iter_mut().flat_map(|figure| &mut figure.vintages);
        said.for_each(|said| said.at = hours(said.at, 9));
        let end = series.figures.iter().flat_map(|figure| &figure.vintages).map(|said| said.at).max().unwrap();
        let mut latest = series.figures.iter_mut().rev();
        let (last, before) = (latest.next().unwrap(), latest.next().unwrap());
        let part = |said: Said, share: f64| said.value.and_then(|value| Finite::new(value.get() * share));
        let (now, then) = (last.vintages[last.vintages.len() - 1], before.vintages[before.vintages.len() - 1]);
        before.vintages.push(Said { value: part(then, 1.5), status: Status::Preliminary, at: hours(end, 24 * 10) });
        last.vintages.push(Said { value: None, at: hours(end, 24 * 20), ..now });
        last.vintages.push(Said { value: part(now, 0.3), at: hours(end, 24 * 30), ..now });
        last.vintages.push(Said { value: part(now, 2.0), at: hours(end, 24 * 40), ..now });
        series
    };
    members.iter().map(trouble).collect()
}

/// Over the figures of the starter rules' scenarios.
#[test]
fn whatever_a_starter_rule_sent_is_recorded_and_passes() {
    let config = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/watchlist.toml");
    let environment = Environment::of(&[]);
    let setup = crate::config::load(&config, &environment).unwrap_or_else(|why| panic!("{}", why.render(false))).setup;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("recorded.test.toml");
    let (mut alerts, mut messages, mut corrections) = (0, 0, 0);
    for file in scenario_files(&setup).unwrap() {
        for scenario in
            load_scenarios(&file, &setup, &environment).unwrap_or_else(|why| panic!("{}", why.render(false)))
        {
            for past in &scenario.pasts {
                let stage =
                    Stage { rule: &scenario.rule, derived: &[], series: troubled(past), zone: setup.zone, until: None };
                let text = write(stage).unwrap();
                std::fs::write(&path, &text).unwrap();
                let recorded = load_scenarios(&path, &setup, &environment)
                    .unwrap_or_else(|why| panic!("{text}\n{}", why.render(false)));
                let outcome = play(&recorded[0]);
                assert!(outcome.passed(), "{text}\n{}", outcome.diff());
                alerts += 1;
                messages += recorded[0].expect.len();
                let is_correction = |expect: &&Expect| expect.transition == Kind::Corrected;
                corrections += recorded[0].expect.iter().filter(is_correction).count();
            }
        }
    }
    assert!(alerts > 75 && messages > 80 && corrections > 10, "{alerts} {messages} {corrections}");
}

const WHOLE: &str = "
[feed.values]
kind = 'csv'
path = 'b.csv'
frequency = 'month'
unit = 'USD'
labels = { reporter = 'CN', flow = 'export' }
columns = { period = 'period', value = 'value', labels = ['partner'] }
[series.price]
from = { dollars = { feed = 'values' }, tonnes = { feed = 'magnets' } }
by = ['partner']
value = 'dollars / tonnes'
unit = 'USD/t'
[rule.dear]
series = { feed = 'price' }
when = 'change > 20%'
notify = 'desk'
[rule.concentration]
series = { feed = 'magnets' }
group_by = ['reporter']
when = \"share(partner='US') > 70%\"
notify = 'desk'
[rule.late]
series = { feed = 'magnets', partner = 'US' }
when = 'overdue'
notify = 'desk'
";

fn load_whole(scenarios: &str) -> Result<Vec<Scenario>, String> {
    let sandbox = sandbox(scenarios).with("rules/rules.toml", format!("{RULES}{WHOLE}"));
    let setup = sandbox.setup();
    let path = sandbox.path("rules/a.test.toml");
    load_scenarios(&path, &setup, &sandbox.environment()).map_err(|problems| sandbox.relative(&problems.render(false)))
}

#[test]
fn groups_and_calculated_series_are_played_on_the_series_below_them() {
    let scenarios = load_whole(
        r#"
        [[scenario]]
        name   = "a share, once the late partner is there"
        rule   = "concentration"
        series = """
        partner=US        2025-08:  60   80
        partner=DE in kg  2025-08:  40e3 20e3 @ 2025-10-25
        """
        [[scenario.expect]]
        on         = 2025-10-25
        period     = "2025-09"
        transition = "fired"
        values     = { "share(partner='US')" = "80%" }

        [[scenario]]
        name   = "a price of two feeds, for each partner"
        rule   = "dear"
        series = """
        feed=values  partner=US in kUSD 2025-08:  60 90
        feed=magnets partner=US         2025-08:   1  1
        feed=values  partner=DE in kUSD 2025-08:  60 90 _
        feed=magnets partner=DE         2025-08:   1  2 => 1 @ 2025-12-01
        """
        [[scenario.expect]]
        labels     = { partner = "US" }
        period     = "2025-09"
        transition = "fired"
        [[scenario.expect]]
        labels     = { partner = "DE" }
        on         = 2025-12-01
        transition = "corrected"
        [[scenario.expect]]
        labels     = { partner = "DE" }
        on         = 2025-11-30
        state      = "ok"

        [[scenario]]
        name   = "overdue"
        rule   = "late"
        series = "2025-08: 5"
        until  = 2025-10-24
        [[scenario.expect]]
        on         = 2025-10-24
        transition = "fired"
        "#,
    );
    for scenario in scenarios.unwrap_or_else(|told| panic!("{told}")) {
        let outcome = play(&scenario);
        assert!(outcome.passed(), "{}:\n{}", scenario.name, outcome.diff());
    }
}

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
