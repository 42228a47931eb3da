//! Files of scenarios.

mod wrong;

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
