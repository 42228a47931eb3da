//! Replays from end to end: the real figures, reports as they look, and that nothing looks ahead.

use proptest::prelude::*;

use super::knowledge::Vintages;
use super::replay::{Row, Step};
use super::sweep::SweepError;
use super::testing::{US, WORLD, at, customs, history, labels, rule};
use super::*;
use crate::base::clock::Timestamp;
use crate::period::{Frequency, Period};
use crate::series::{Finite, History, Labels, Provenance, PullId, Status, Vintage, derive};

const UTC: chrono_tz::Tz = chrono_tz::UTC;

fn replayed(rule: &crate::rule::Rule, history: &History, basis: Basis) -> Replay {
    let release = customs();
    replay(rule, &Knowledge::new(history, basis, Some(&release), UTC), UTC, Range::default())
}

/// Each transition: kind, period, and the day on which it was known.
fn steps(replay: &Replay) -> Vec<String> {
    let told = |step: &Step| {
        let period = step.transition.period.map(|period| period.to_string()).unwrap_or_default();
        format!("{} {period} on {}", step.transition.kind, replay.day(step.at))
    };
    replay.steps.iter().map(told).collect()
}

#[test]
fn exports_to_the_world_fell_twice_in_a_row_twice_in_2025() {
    let replay = replayed(&rule("declines >= 2", None), &history("W00", WORLD), Basis::Stored);
    assert_eq!(
        steps(&replay),
        [
            "fired 2025-05 on 2025-06-20",
            "resolved 2025-06 on 2025-07-20",
            "fired 2025-10 on 2025-11-20",
            "resolved 2025-11 on 2025-12-20",
        ]
    );
}

/// Time measures are of the moment that a row is about: the one at which its figure became known, and today's
/// knowledge at the last of these.
#[test]
fn rows_tell_the_age_and_the_lateness_of_their_moment() {
    let script = "
        2025-06 353
        2025-07 619 2025-09-29
        2025-08 590
    ";
    let history = history("US", script).with_release(Some(customs()));
    let told = |when: &str| -> Vec<String> {
        let rows = replayed(&rule(when, None), &history, Basis::Stored).rows;
        let then = |row: &Row| row.said.as_ref().map_or("-", |told| told.verdict);
        rows.iter().map(|row| format!("{} {} {}", row.span, then(row), row.says.verdict)).collect()
    };
    // Known on 20 July, 29 September and, of August, on 20 September: the last moment is 29 September.
    assert_eq!(told("age >= 19d"), ["2025-06 holds holds", "2025-07 holds holds", "2025-08 holds holds"]);
    assert_eq!(told("age > 20d"), ["2025-06 fails holds", "2025-07 holds holds", "2025-08 fails holds"]);
    assert_eq!(told("overdue"), ["2025-06 fails fails", "2025-07 fails fails", "2025-08 fails fails"]);
}

/// A derived figure is of as many sources as it was made of, by whatever moments they are told apart.
#[test]
fn a_derived_figure_names_all_its_sources() {
    let mut members = ["US", "DE"].map(|partner| history(partner, "2025-08 590\n2025-09 420.5"));
    for (number, member) in (0_i64..).zip(&mut members) {
        let (mut renumbered, feed) =
            (History::new(member.labels().clone(), Frequency::Month, member.unit().cloned()), member.labels().key());
        for (span, vintages) in member.entries() {
            for vintage in vintages {
                let pull = PullId(2 * vintage.pull.0 + number);
                renumbered.record(span, Vintage { pull, ..*vintage });
                let (url, sha256) = (format!("{feed} {}", pull.0), String::new());
                let provenance = Provenance { feed: feed.clone(), url, retrieved_at: vintage.recorded_at, sha256 };
                renumbered.record_provenance(pull, provenance);
            }
        }
        *member = renumbered;
    }
    let sum = derive::sum(labels("W00"), &members.iter().collect::<Vec<_>>()).unwrap();
    let sources = |history: &History| -> Vec<String> {
        let steps = replayed(&rule("change < 0%", None), history, Basis::Stored).steps;
        let sources = steps[0].message.sources.iter();
        sources.map(|source| source.url.rsplit_once(' ').unwrap().1.to_owned()).collect()
    };
    assert_eq!(sources(&members[0]), ["2", "4"]);
    assert_eq!(sources(&sum), ["2", "3", "4", "5"], "August and September of both");
    let grouped = derive::group(labels("W00"), vec![sum.clone()]).unwrap();
    assert_eq!(sources(&grouped), ["2", "3", "4", "5"]);
}

#[test]
fn over_a_missing_month_the_rule_waits_and_neither_fires_nor_resolves() {
    let replay = replayed(&rule("declines >= 2", None), &history("US", US), Basis::Stored);
    assert_eq!(
        steps(&replay),
        ["fired 2025-09 on 2025-10-20", "resolved 2025-10 on 2025-11-20", "fired 2025-12 on 2026-01-20"]
    );
    let row = |period: &str| replay.rows.iter().find(|row| row.span.to_string() == period).unwrap();
    for period in ["2026-01", "2026-02", "2026-03"] {
        assert_eq!(row(period).says.verdict, "unknown", "{period}");
        assert!(row(period).says.reason.as_ref().unwrap().contains("waiting for 2026-01"), "{period}");
        assert!(row(period).firing, "{period}: the alert stays as it was");
    }
    assert_eq!((row("2026-01").known, row("2026-01").then), (None, None));
    assert!(row("2026-02").held.is_some() && row("2026-03").held.is_some());
}

/// A report of one series, as it was known then, with its chart.
fn drawn(rule: &crate::rule::Rule, history: &History) -> Report {
    let knowledge = Knowledge::new(history, Basis::Stored, Some(&customs()), UTC);
    let replay = replay(rule, &knowledge, UTC, Range::default());
    let charts = vec![picture(rule, &knowledge, &replay, Range::default())];
    Report { charts, ..Report::new(rule, vec![replay], None) }
}

#[test]
fn a_replay_as_text() {
    let report = drawn(&rule("declines >= 2", None), &history("US", US));
    insta::assert_snapshot!(text(&[report], Basis::Stored, 80), @r#"
    falling on {feed="magnets", flow="export", partner="US", reporter="CN"}
    when declines >= 2
    10 figures, 1 period missing; vintages: 10 native, 0 reconstructed, 0 unavailable

    period   known on    value then  value now  verdict then                   verdict now                    alert
    2025-05  2025-06-20  46.4 t      46.4 t     unknown (waiting for 2025-04)  unknown (waiting for 2025-04)  held
    2025-06  2025-07-20  353 t       353 t      fails                          fails
    2025-07  2025-08-20  619 t       619 t      fails                          fails
    2025-08  2025-09-20  590 t       590 t      fails                          fails
    2025-09  2025-10-20  420.5 t     420.5 t    holds                          holds                          fired
    2025-10  2025-11-20  656 t       656 t      fails                          fails                          resolved
    2025-11  2025-12-20  582 t       582 t      fails                          fails
    2025-12  2026-01-20  564 t       564 t      holds                          holds                          fired
    2026-01  —           —           —          unknown (waiting for 2026-01)  unknown (waiting for 2026-01)
    2026-02  2026-03-20  449 t       449 t      unknown (waiting for 2026-01)  unknown (waiting for 2026-01)  held firing
    2026-03  2026-04-20  406 t       406 t      unknown (waiting for 2026-01)  unknown (waiting for 2026-01)  held firing

    known on    period   transition  message
    2025-10-20  2025-09  fired       China → US magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %
    2025-11-20  2025-10  resolved    China → US magnet exports: `declines >= 2` no longer holds: 656 t in October 2025, +56 %
    2026-01-20  2025-12  fired       China → US magnet exports fell for a 2nd month: 564 t in December 2025, −3.1 %

    t, by month
    800 ┤
        │
    600 ┤            ▆▆▆▆▆ ▃▃▃▃▃ ╌╌╌╌╌╌█████ ▃▃▃▃▃ ▁▁▁▁▁
        │            █████ █████       █████ █████ █████
    400 ┤            █████ █████ ▆▆▆▆▆ █████ █████ █████       █████ ▄▄▄▄▄
        │      █████ █████ █████ █████ █████ █████ █████       █████ █████
    200 ┤      █████ █████ █████ █████ █████ █████ █████       █████ █████
        │      █████ █████ █████ █████ █████ █████ █████       █████ █████
      0 ┤█████ █████ █████ █████ █████ █████ █████ █████       █████ █████
        └──────────────────────────────────────────────────────────────────
                     2025-07           2025-10           2026-01
                                                           ×
                                 ━━━━━             ━━━━━ ━━━━━ ━━━━━ ━━━━━
    ╌ fires below 406 t in 2026-04   ━ firing   × no figure
    2 episodes, 4 of 10 periods firing
    "#);
}

const REVISED: &str = "
    2025-06 353
    2025-07 619
    2025-08 590
    2025-09 420.5
    2025-09 600 2025-11-20
    2025-10 656
";

#[test]
fn a_revision_shows_then_and_now() {
    let report = drawn(&rule("declines >= 2", None), &history("US", REVISED));
    insta::assert_snapshot!(text(&[report], Basis::Stored, 80), @r#"
    falling on {feed="magnets", flow="export", partner="US", reporter="CN"}
    when declines >= 2
    5 figures; vintages: 6 native, 0 reconstructed, 0 unavailable

    period   known on    value then  value now  verdict then                   verdict now                    alert
    2025-06  2025-07-20  353 t       353 t      unknown (waiting for 2025-05)  unknown (waiting for 2025-05)  held
    2025-07  2025-08-20  619 t       619 t      fails                          fails
    2025-08  2025-09-20  590 t       590 t      fails                          fails
    2025-09  2025-10-20  420.5 t     600 t      holds                          fails                          fired, corrected 2025-11-20
    2025-10  2025-11-20  656 t       656 t      fails                          fails

    known on    period   transition  message
    2025-10-20  2025-09  fired       China → US magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %
    2025-11-20  2025-09  corrected   China → US magnet exports: `declines >= 2` no longer holds after a revision: September 2025 is now 600 t, was 420.5 t

    t, by month
    800 ┤
        │
    600 ┤         ▆▆▆▆▆▆▆▆ ▃▃▃▃▃▃▃▃ ▄▄▄▄▄▄▄▄ ████████
        │         ████████ ████████ ████████ ████████
    400 ┤         ████████ ████████ ████████ ████████
        │████████ ████████ ████████ ████████ ████████
    200 ┤████████ ████████ ████████ ████████ ████████
        │████████ ████████ ████████ ████████ ████████
      0 ┤████████ ████████ ████████ ████████ ████████
        └─────────────────────────────────────────────
         2025-06  2025-07  2025-08  2025-09  2025-10
                                       ○
                                    ━━━━━━━━
    ╌ fires below 590 t in 2025-09   ━ firing   ○ before it was revised
    1 episode, 1 of 5 periods firing
    "#);
}

#[test]
fn the_latest_figures_hide_what_was_said_then() {
    let replay = replayed(&rule("declines >= 2", None), &history("US", REVISED), Basis::Latest);
    assert_eq!(steps(&replay), Vec::<String>::new());
    let report = Report::new(&rule("declines >= 2", None), vec![replay], None);
    let told = text(&[report], Basis::Latest, 80);
    assert!(told.contains("5 figures; 5 final: each counts as known on the day after its period"), "{told}");
}

/// The same figures, all pulled at once in April 2026.
fn pulled_at_once() -> History {
    let mut at_once = History::new(labels("US"), Frequency::Month, None);
    let pulled = at("2026-04-21");
    for (span, vintages) in history("US", US).entries() {
        at_once.record(span, Vintage { recorded_at: pulled, pull: PullId(1), ..vintages[0] });
    }
    let (feed, url, sha256) = ("magnets".into(), "magnets.csv".into(), String::new());
    at_once.record_provenance(PullId(1), Provenance { feed, url, retrieved_at: pulled, sha256 });
    at_once
}

#[test]
fn a_release_calendar_puts_a_backfill_where_it_was_known() {
    let rule = rule("declines >= 2", None);
    let stored = replayed(&rule, &pulled_at_once(), Basis::Stored);
    assert_eq!(stored.vintages, Vintages { native: 1, unavailable: 9, ..Vintages::default() });
    // Walked in order, but all of it in one moment: only the net change is a transition.
    assert_eq!(steps(&stored), ["fired 2025-12 on 2026-04-21"]);
    let by_release = replayed(&rule, &pulled_at_once(), Basis::AsOfRelease);
    assert_eq!(by_release.vintages, Vintages { native: 1, reconstructed: 9, ..Vintages::default() });
    assert_eq!(steps(&by_release), steps(&replayed(&rule, &history("US", US), Basis::Stored)));
    let told = text(&[Report::new(&rule, vec![by_release], None)], Basis::AsOfRelease, 80);
    assert!(
        told.contains("vintages: 1 native, 9 reconstructed, 0 unavailable") && told.contains("~2025-10-20"),
        "{told}"
    );
    let without =
        replay(&rule, &Knowledge::new(&pulled_at_once(), Basis::AsOfRelease, None, UTC), UTC, Range::default());
    let told = text(&[Report::new(&rule, vec![without], None)], Basis::AsOfRelease, 80);
    assert!(
        told.contains("9 unavailable") && told.contains("no release calendar") && told.contains("≤2026-04-21"),
        "{told}"
    );
}

#[test]
fn a_range_limits_the_report_and_not_the_past() {
    let knowledge = Knowledge::new(&history("W00", WORLD), Basis::Stored, None, UTC);
    let parse = |text: &str| Some(Period::parse(text).unwrap());
    let within = |from, to| replay(&rule("declines >= 2", None), &knowledge, UTC, Range::new(from, to));
    let autumn = within(parse("2025-10"), parse("2025-Q4"));
    assert_eq!(steps(&autumn), ["fired 2025-10 on 2025-11-20", "resolved 2025-11 on 2025-12-20"]);
    assert_eq!((autumn.rows.len(), autumn.episodes.len()), (3, 1));
    assert_eq!(autumn.vintages.native, 3);
    assert_eq!(within(parse("2025-11"), None).episodes.len(), 1, "the episode that ends there touches the range");
    assert_eq!(within(parse("2025-12"), None).episodes.len(), 0);
    let empty = within(parse("2030"), None);
    assert!(empty.rows.is_empty());
    assert_eq!(
        empty.extent.map(|(first, last)| (first.to_string(), last.to_string())),
        Some(("2025-01".into(), "2026-03".into()))
    );
}

fn events() -> Vec<Event> {
    read_events("date,name\n2025-07-01,car plants stop\n2025-10-15,nothing foretold it\n2026-01-10,prices jump")
        .unwrap()
}

fn scored_report() -> Report {
    let falling = rule("declines >= 2", None);
    let replays = vec![replayed(&falling, &history("W00", WORLD), Basis::Stored)];
    let score = rate(&replays, &events(), 90, None);
    Report::new(&falling, replays, Some(score))
}

#[test]
fn events_are_held_against_alarms() {
    let told = text(&[scored_report()], Basis::Stored, 80);
    let (_, score) = told.rsplit_once("\n\n").unwrap();
    insta::assert_snapshot!(score, @r"
    event       name                 foretold
    2025-07-01  car plants stop      hit: known on 2025-06-20, 11 days before
    2025-10-15  nothing foretold it  missed
    2026-01-10  prices jump          hit: known on 2025-11-20, 51 days before
    2 hits, 1 missed, 0 false alarms, 0 undecided; precision 100 %, recall 66.7 %, median lead 31 days
    ");
}

#[test]
fn a_replay_as_json() {
    let lines: Vec<String> = json_lines(&[scored_report()], Basis::Stored).iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    {"episode":1,"known_at":"2025-06-20T00:00:00Z","known_on":"2025-06-20","labels":{"feed":"magnets","flow":"export","partner":"W00","reporter":"CN"},"number":1,"period":"2025-05","rule":"falling","sent":true,"severity":"critical","title":"China → world magnet exports fell for a 2nd month: 1238 t in May 2025, −52.9 %","transition":"fired","type":"transition"}
    {"episode":1,"known_at":"2025-07-20T00:00:00Z","known_on":"2025-07-20","labels":{"feed":"magnets","flow":"export","partner":"W00","reporter":"CN"},"number":2,"period":"2025-06","rule":"falling","sent":true,"severity":"critical","title":"China → world magnet exports: `declines >= 2` no longer holds: 3188 t in June 2025, +157.5 %","transition":"resolved","type":"transition"}
    {"episode":2,"known_at":"2025-11-20T00:00:00Z","known_on":"2025-11-20","labels":{"feed":"magnets","flow":"export","partner":"W00","reporter":"CN"},"number":3,"period":"2025-10","rule":"falling","sent":true,"severity":"critical","title":"China → world magnet exports fell for a 2nd month: 5473 t in October 2025, −5.2 %","transition":"fired","type":"transition"}
    {"episode":2,"known_at":"2025-12-20T00:00:00Z","known_on":"2025-12-20","labels":{"feed":"magnets","flow":"export","partner":"W00","reporter":"CN"},"number":4,"period":"2025-11","rule":"falling","sent":true,"severity":"critical","title":"China → world magnet exports: `declines >= 2` no longer holds: 6150 t in November 2025, +12.4 %","transition":"resolved","type":"transition"}
    {"basis":"stored","episodes":2,"figures":15,"firing_periods":2,"missing":0,"rules":[{"events":{"events":[{"alarm":"2025-06-20","counted":true,"date":"2025-07-01","lead_days":11,"name":"car plants stop"},{"alarm":null,"counted":true,"date":"2025-10-15","lead_days":null,"name":"nothing foretold it"},{"alarm":"2025-11-20","counted":true,"date":"2026-01-10","lead_days":51,"name":"prices jump"}],"false_alarms":[],"hits":2,"median_lead_days":31.0,"missed":1,"precision":1.0,"recall":0.6666666666666666,"true_alarms":2,"undecided":0},"rule":"falling","series":[{"episodes":2,"figures":15,"firing_periods":2,"labels":{"feed":"magnets","flow":"export","partner":"W00","reporter":"CN"},"missing":0,"series":1,"spans":[{"ended_by":"resolved","ended_on":"2025-07-20","episode":1,"known_on":"2025-06-20","since":"2025-05","until":"2025-06"},{"ended_by":"resolved","ended_on":"2025-12-20","episode":2,"known_on":"2025-11-20","since":"2025-10","until":"2025-11"}],"transitions":{"continued":0,"corrected":0,"eased":0,"escalated":0,"fired":2,"lapsed":0,"resolved":2},"vintages":{"final":0,"late":0,"native":15,"reconstructed":0,"unavailable":0}}],"sweep":null,"when":"declines >= 2"}],"series":1,"transitions":{"continued":0,"corrected":0,"eased":0,"escalated":0,"fired":2,"lapsed":0,"resolved":2},"type":"summary","vintages":{"final":0,"late":0,"native":15,"reconstructed":0,"unavailable":0}}
    "#);
}

#[test]
fn a_replay_as_csv() {
    let replay = replayed(&rule("declines >= 2", None), &history("US", REVISED), Basis::Stored);
    insta::assert_snapshot!(csv(&[Report::new(&rule("declines >= 2", None), vec![replay], None)]), @r#"
    rule,labels,period,known_on,origin,value_then,value_now,unit,verdict_then,verdict_now,reason,firing,alert
    falling,"{""feed"":""magnets"",""flow"":""export"",""partner"":""US"",""reporter"":""CN""}",2025-06,2025-07-20,native,353,353,t,unknown,unknown,waiting for 2025-05,false,held
    falling,"{""feed"":""magnets"",""flow"":""export"",""partner"":""US"",""reporter"":""CN""}",2025-07,2025-08-20,native,619,619,t,fails,fails,,false,
    falling,"{""feed"":""magnets"",""flow"":""export"",""partner"":""US"",""reporter"":""CN""}",2025-08,2025-09-20,native,590,590,t,fails,fails,,false,
    falling,"{""feed"":""magnets"",""flow"":""export"",""partner"":""US"",""reporter"":""CN""}",2025-09,2025-10-20,native,420.5,600,t,holds,fails,,true,"fired, corrected 2025-11-20"
    falling,"{""feed"":""magnets"",""flow"":""export"",""partner"":""US"",""reporter"":""CN""}",2025-10,2025-11-20,native,656,656,t,fails,fails,,false,
    "#);
}

fn swept_report(sweep_text: &str) -> Result<Report, SweepError> {
    let falling = rule("declines >= 2", None);
    let histories = [("W00", WORLD), ("US", US)]
        .map(|(partner, script)| (Knowledge::new(&history(partner, script), Basis::Stored, None, UTC), UTC));
    let rules = Sweep::parse(sweep_text)?.rules(&falling, None)?;
    let mut report = Report::new(&falling, Vec::new(), None);
    for swept in sweep(&rules, &histories, Range::default(), || {}) {
        let score = rate(&swept.replays, &events(), 90, None);
        report.swept.push((swept, Some(score)));
    }
    Ok(report)
}

#[test]
fn a_sweep_has_one_line_for_each_threshold() {
    let report = [swept_report("declines=1,2,3").unwrap()];
    insta::assert_snapshot!(text(&report, Basis::Stored, 80), @r"
    falling on 2 series
    when declines >= 2
    25 figures, 1 period missing; vintages: 25 native, 0 reconstructed, 0 unavailable

    threshold  when           episodes  firing  of  hits  missed  false alarms  precision  recall  median lead
    1          declines >= 1  7         13      25  3     0       2             66.7 %     100 %   42 d
    2          declines >= 2  4         6       25  2     1       0             100 %      66.7 %  46.5 d
    3          declines >= 3  0         0       25  0     3       0             —          0 %     —
    ");
    insta::assert_snapshot!(csv(&report), @r"
    rule,value,when,episodes,firing_periods,periods,hits,missed,false_alarms,precision,recall,median_lead_days
    falling,1,declines >= 1,7,13,25,3,0,2,0.6666666666666666,1,42
    falling,2,declines >= 2,4,6,25,2,1,0,1,0.6666666666666666,46.5
    falling,3,declines >= 3,0,0,25,0,3,0,,0,
    ");
    let summary = json_lines(&report, Basis::Stored).pop().unwrap();
    let values: Vec<&serde_json::Value> =
        summary["rules"][0]["sweep"].as_array().unwrap().iter().map(|line| &line["value"]).collect();
    assert_eq!(values, ["1", "2", "3"]);
}

#[test]
fn a_sweep_that_is_not_possible_says_why() {
    let error = |text: &str| swept_report(text).unwrap_err().to_string();
    assert_eq!(error("declines"), "expected NAME=a,b,c such as declines=1,2,3");
    assert_eq!(error("declines=1,,3"), "expected NAME=a,b,c such as declines=1,2,3");
    assert_eq!(error("rises=1"), "falling has no threshold `rises`; it has `declines`");
    assert_eq!(error("2=1"), "falling has no threshold `2`; it has `declines`");
    assert_eq!(error("1=value"), "`value` cannot stand there: a threshold is a literal");
    let two = rule("change(1) < -10% or change(3) < -20%", None);
    let ambiguous = Sweep::parse("change=-5%").unwrap().rules(&two, None).unwrap_err().to_string();
    assert_eq!(
        ambiguous,
        "falling has several thresholds `change`: `change(1)` and `change(3)`; name one as written, or by its number from 1"
    );
    let third = Sweep::parse("change(3) = -5%").unwrap().rules(&two, None).unwrap();
    assert_eq!(third[0].1.text(), "change(1) < -10% or change(3) < -5%");
    let by_number = Sweep::parse("2=-5%").unwrap().rules(&two, None).unwrap();
    assert_eq!(by_number[0].1.text(), third[0].1.text());
    let subject = crate::rule::Subject { frequency: Frequency::Month, unit: Some(None) };
    assert!(Sweep::parse("1=-5").unwrap().rules(&two, Some(&subject)).is_err(), "a ratio needs its percent sign");
}

const RULES: [(&str, Option<&str>); 6] = [
    ("declines >= 2", None),
    ("change(1) < -20%", Some("change(1) > 5%")),
    ("value < 3 or rises >= 3", None),
    ("value < mean(3)", Some("value > max(2)")),
    ("yoy < -10%", None),
    ("sum(2) > 12 and not declines >= 1", None),
];

/// A figure: months after January 2024, value, days after the month's end at which it became known.
type Known = (i32, i32, i64);

fn random(figures: &[Known], until: Option<Timestamp>) -> History {
    let mut history = History::new(Labels::default(), Frequency::Month, None);
    let first = Period::month(2024, 1).unwrap();
    for (index, (offset, value, lag)) in figures.iter().enumerate() {
        let period = first.offset(*offset);
        let end = Timestamp::start_of_day(period.last_day(), UTC);
        let recorded_at = end.plus(std::time::Duration::from_secs(86_400 * lag.unsigned_abs()));
        if until.is_none_or(|until| recorded_at <= until) {
            let value = Finite::new(f64::from(*value));
            let vintage = Vintage { value, status: Status::Final, recorded_at, pull: PullId(index as i64 + 1) };
            history.record(period.into(), vintage);
        }
    }
    history
}

fn told_until(rule: &crate::rule::Rule, history: &History, until: Timestamp) -> Vec<String> {
    let knowledge = Knowledge::new(history, Basis::Stored, None, UTC);
    let replay = replay(rule, &knowledge, UTC, Range::default());
    let before = replay.steps.iter().filter(|step| step.at <= until);
    before.map(|step| format!("{:?} {:?}", step.transition, step.message)).collect()
}

proptest! {
    /// Forgetting all that became known after a moment changes nothing that was said until then, not
    /// even a word of a message. Only sources differ by number, since the pulls of a moment are one.
    #[test]
    fn nothing_looks_ahead(
        figures in prop::collection::vec((0_i32..16, 0_i32..10, 0_i64..200), 1..40),
        rule_index in 0..RULES.len(),
        day in 0_u64..700,
    ) {
        let (when, clear) = RULES[rule_index];
        let rule = rule(when, clear);
        let until = at("2024-02-01").plus(std::time::Duration::from_secs(86_400 * day));
        let whole = told_until(&rule, &random(&figures, None), until);
        let truncated = told_until(&rule, &random(&figures, Some(until)), until);
        prop_assert_eq!(whole, truncated);
    }

    /// With every vintage known, a replay ends where the store's own figures stand.
    #[test]
    fn a_replay_ends_at_the_latest_figures(figures in prop::collection::vec((0_i32..16, 0_i32..10, 0_i64..200), 1..40)) {
        let history = random(&figures, None);
        let replay = replayed(&rule("value < 3", None), &history, Basis::Stored);
        let view = history.view(crate::series::AsOf::Latest);
        for row in &replay.rows {
            prop_assert_eq!(row.now, view.exactly(row.span).map(|point| point.value));
        }
    }

    #[test]
    fn any_name_of_a_threshold_is_found_or_refused(text in "\\PC{0,20}") {
        let _ = Sweep::parse(&text).and_then(|sweep| sweep.rules(&rule("declines >= 2", None), None));
    }
}
