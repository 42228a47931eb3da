//! What a rule takes beside its condition.

use super::*;

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
