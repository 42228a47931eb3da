//! Files of scenarios.

use super::Sandbox;
use crate::backtest::testing::{US, history};
use crate::config::{load_scenarios, scenario_files};
use crate::scenario::{Scenario, Series, Stage, play, write};

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

    3 errors
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
