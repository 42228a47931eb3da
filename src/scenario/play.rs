//! Plays a scenario and holds what was sent against what must be.

use chrono::NaiveDate;

use super::compare::{Line, compare, stands};
use super::{Expect, Scenario, Stand};
use crate::alert::Kind;
use crate::backtest::Replay;
use crate::period::Period;
use crate::rule::Severity;
use crate::series::Labels;

/// One message that was sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// The day, by the publisher's calendar.
    pub on: NaiveDate,
    /// The period that it is about.
    pub period: Option<Period>,
    /// What kind of transition it tells.
    pub transition: Kind,
    /// How bad it is.
    pub severity: Severity,
    /// Its title.
    pub title: String,
    /// Its measures: as written, with the value (`None` while unknown) and the value in words.
    pub values: Vec<(String, Option<f64>, String)>,
}

/// What became of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// For each alert what was expected and what came, in order.
    pub alerts: Vec<(Labels, Vec<Line>)>,
}

impl Outcome {
    /// Whether all was as expected.
    pub fn passed(&self) -> bool {
        self.alerts.iter().flat_map(|(_, lines)| lines).all(|line| matches!(line, Line::Same(_)))
    }

    /// Expected against sent: `-` must be sent and was not, `+` was sent and must not be. Where there are several
    /// alerts, each of which anything is told stands below its labels.
    pub fn diff(&self) -> String {
        let several = self.alerts.len() > 1;
        let told = self.alerts.iter().filter(|(_, lines)| !lines.is_empty());
        let of_alert = |(labels, lines): &(Labels, Vec<Line>)| {
            let heading = several.then(|| labels.to_string());
            heading.into_iter().chain(lines.iter().map(ToString::to_string)).collect::<Vec<_>>()
        };
        told.flat_map(of_alert).collect::<Vec<_>>().join("\n")
    }
}

/// Plays a scenario.
pub fn play(scenario: &Scenario) -> Outcome {
    let alert = |(alert, past): (usize, &super::Past)| {
        let replay = past.replay(&scenario.rule);
        let expect: Vec<Expect> = scenario.expect.iter().filter(|expect| expect.alert == alert).cloned().collect();
        let wanted: Vec<&Stand> = scenario.stands.iter().filter(|stand| stand.alert == alert).collect();
        let mut lines = compare(&expect, &sent(&replay));
        lines.extend(stands(&wanted, &replay));
        (past.labels().clone(), lines)
    };
    Outcome { alerts: scenario.pasts.iter().enumerate().map(alert).collect() }
}

/// What a replay sent.
pub fn sent(replay: &Replay) -> Vec<Sent> {
    let told = replay.steps.iter().filter(|step| step.told);
    told.map(|step| Sent {
        on: replay.day(step.at),
        period: step.transition.period,
        transition: step.transition.kind,
        severity: step.transition.severity,
        title: step.message.title.clone(),
        values: step
            .message
            .evidence
            .measures
            .iter()
            .map(|measure| (measure.text.clone(), measure.value, measure.words.clone()))
            .collect(),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtest::testing::{US, customs, history as recorded, labels, rule};
    use crate::rule::Rule;
    use crate::scenario::{Calendar, Series, Stage, read_figures, write};
    use crate::series::{Release, Unit};

    fn series(partner: &str, figures: &str, release: Option<Release>) -> Series {
        let calendar = Calendar { release: release.as_ref(), zone: chrono_tz::UTC };
        let figures = read_figures(figures, calendar).unwrap();
        let unit = Some(Unit::parse("t").unwrap());
        Series { labels: labels(partner), unit, max_gap_days: 7, zone: chrono_tz::UTC, release, figures }
    }

    fn stage(rule: &Rule, series: Vec<Series>) -> Stage<'_> {
        Stage { rule, derived: &[], series, zone: chrono_tz::UTC, until: None }
    }

    fn scenario(rule: &Rule, series: Vec<Series>, expect: Vec<Expect>) -> Scenario {
        let pasts = stage(rule, series).pasts().unwrap();
        Scenario { name: "test".into(), rule: rule.clone(), pasts, expect, stands: Vec::new() }
    }

    fn us(figures: &str, expect: Vec<Expect>) -> Scenario {
        scenario(&rule("declines >= 2", None), vec![series("US", figures, None)], expect)
    }

    fn expect(on: &str, transition: &str) -> Expect {
        Expect {
            alert: 0,
            on: Some(on.parse().unwrap()),
            period: None,
            transition: Kind::from_name(transition).unwrap(),
            severity: None,
            title: None,
            values: Vec::new(),
        }
    }

    #[test]
    fn a_scenario_is_played_as_its_figures_become_known() {
        let figures = "2025-06: 353 619 590 420.5 => 600 @ 2025-11-20";
        let right = vec![expect("2025-10-01", "fired"), expect("2025-11-20", "corrected")];
        assert!(play(&us(figures, right)).passed());
        let wrong = play(&us(figures, vec![expect("2025-10-01", "fired"), expect("2025-11-20", "resolved")]));
        assert!(!wrong.passed());
        insta::assert_snapshot!(wrong.diff(), @r"
          2025-10-01  2025-09  fired  China → US magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %
        - 2025-11-20  resolved
        + 2025-11-20  2025-09  corrected  China → US magnet exports: `declines >= 2` no longer holds after a revision: September 2025 is now 600 t, was 420.5 t
        ");
        assert!(play(&us("2025-06: 353 619", Vec::new())).passed());
    }

    #[test]
    fn a_message_that_is_kept_quiet_is_not_sent() {
        let mut quiet = us("2025-06: 353 319 290 220", vec![expect("2025-09-01", "fired")]);
        assert!(!play(&quiet).passed(), "the fourth month continues it");
        quiet.rule.renotify = crate::rule::Renotify::Never;
        assert!(play(&quiet).passed());
    }

    #[test]
    fn each_alert_has_its_messages_whatever_the_others_do() {
        let two = || vec![series("US", "2025-06: 353 319 290 400", None), series("DE", "2025-06: 50 40 30", None)];
        let of = |alert: usize, expect: Expect| Expect { alert, ..expect };
        let right =
            vec![expect("2025-09-01", "fired"), expect("2025-10-01", "resolved"), of(1, expect("2025-09-01", "fired"))];
        assert!(play(&scenario(&rule("declines >= 2", None), two(), right)).passed());
        let wrong = play(&scenario(&rule("declines >= 2", None), two(), vec![of(1, expect("2025-09-01", "fired"))]));
        insta::assert_snapshot!(wrong.diff(), @r#"
        {feed="magnets", flow="export", partner="US", reporter="CN"}
        + 2025-09-01  2025-08  fired  China → US magnet exports fell for at least 2 months: 290 t in August 2025, −9.1 %
        + 2025-10-01  2025-09  resolved  China → US magnet exports: `declines >= 2` no longer holds: 400 t in September 2025, +37.9 %
        {feed="magnets", flow="export", partner="DE", reporter="CN"}
          2025-09-01  2025-08  fired  China → Germany magnet exports fell for at least 2 months: 30 t in August 2025, −25 %
        "#);
    }

    #[test]
    fn an_alert_stands_as_it_must_at_the_end_of_a_day() {
        let mut held = us("2025-06: 353 319 290 _ 100", vec![expect("2025-09-01", "fired")]);
        let stand = |on: &str, firing: bool, held: Option<&str>| Stand {
            alert: 0,
            on: on.parse().unwrap(),
            firing: Some(firing),
            held: held.map(str::to_owned),
        };
        held.stands = vec![
            stand("2025-08-31", false, None),
            stand("2025-11-01", true, Some("waiting for … and 2025-09")),
            stand("2026-01-01", true, Some("waiting for 2025-09")),
        ];
        insta::assert_snapshot!(play(&held).diff(), @"
          2025-09-01  2025-08  fired  China → US magnet exports fell for at least 2 months: 290 t in August 2025, −9.1 %
          2025-08-31  state: ok
          2025-11-01
        -     held: waiting for … and 2025-09
        +     held: waiting for 2025-09
          2026-01-01  state: firing  held: waiting for 2025-09
        ");
        held.stands = vec![stand("2025-09-01", false, Some("waiting for 2025-09"))];
        assert!(!play(&held).passed());
    }

    /// July is due on 20 August, with three days of grace; it comes on 1 September.
    #[test]
    fn time_passes_though_nothing_is_published() {
        let overdue = rule("overdue", None);
        let figures = || vec![series("US", "2025-06: 353 @ 2025-07-20 619 @ 2025-09-01", Some(customs()))];
        let mut sent = Vec::new();
        for until in [None, Some("2025-09-23"), Some("2025-09-24")] {
            let until = until.map(|day| day.parse().unwrap());
            let pasts = Stage { until, ..stage(&overdue, figures()) }.pasts().unwrap();
            let replay = pasts[0].replay(&overdue);
            sent.push(
                super::sent(&replay).iter().map(|sent| format!("{} {}", sent.on, sent.transition)).collect::<Vec<_>>(),
            );
        }
        assert_eq!(sent[0], ["2025-08-24 fired", "2025-09-01 resolved"]);
        assert_eq!(sent[1], sent[0]);
        assert_eq!(sent[2], ["2025-08-24 fired", "2025-09-01 resolved", "2025-09-24 fired"]);
    }

    #[test]
    fn a_written_scenario_says_what_was_known_and_sent() {
        let falling = rule("declines >= 2", None);
        let history = recorded("US", US).with_release(Some(customs()));
        let written = write(stage(&falling, vec![Series::new(&history, chrono_tz::UTC)])).unwrap();
        insta::assert_snapshot!(written, @r#"
        [[scenario]]
        name   = "falling on {feed=\"magnets\", flow=\"export\", partner=\"US\", reporter=\"CN\"}, as recorded"
        rule   = "falling"
        labels = { feed = "magnets", flow = "export", partner = "US", reporter = "CN" }
        unit   = "t"
        series = """
        2025-05: 46.4 353 619 590 420.5 656 582 564
        2026-02: 449 406
        """

        [[scenario.expect]]
        on         = 2025-10-20
        period     = "2025-09"
        transition = "fired"
        title      = "China → US magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %"

        [[scenario.expect]]
        on         = 2025-11-20
        period     = "2025-10"
        transition = "resolved"
        title      = "China → US magnet exports: `declines >= 2` no longer holds: 656 t in October 2025, +56 %"

        [[scenario.expect]]
        on         = 2026-01-20
        period     = "2025-12"
        transition = "fired"
        title      = "China → US magnet exports fell for a 2nd month: 564 t in December 2025, −3.1 %"
        "#);
    }

    #[test]
    fn series_are_written_below_each_other() {
        let rule = Rule {
            selector: crate::series::Selector::default().grouped(vec!["reporter".into()]),
            ..rule("share(partner='US') > 70%", None)
        };
        let both =
            vec![series("US", "2025-06: 60 80 @ 2025-09-01 2025-10: 1", None), series("D E\"", "2025-06: 40 20", None)];
        insta::assert_snapshot!(write(stage(&rule, both)).unwrap(), @r#"
        [[scenario]]
        name   = "falling on {feed=\"magnets\", reporter=\"CN\"}, as recorded"
        rule   = "falling"
        labels = { feed = "magnets", flow = "export", reporter = "CN" }
        unit   = "t"
        series = """
        partner=US      2025-06: 60 80 @ 2025-09-01
                        2025-10: 1
        partner='D E\"'  2025-06: 40 20
        """

        [[scenario.expect]]
        on         = 2025-09-01
        period     = "2025-07"
        transition = "fired"
        title      = "China magnet exports had US at 80 %: 100 t in July 2025"

        [[scenario.expect]]
        on         = 2025-11-01
        period     = "2025-10"
        transition = "continued"
        title      = "China magnet exports had US at 100 %: 1 t in October 2025"
        "#);
    }

    /// Two moments of one day stay two, wherever they are.
    #[test]
    fn days_stand_for_moments_only_where_that_changes_nothing() {
        let falling = rule("declines >= 2", None);
        let moments = |first: &str, second: &str| {
            let one = series("US", &format!("2025-06: 353 @ {first}"), None);
            let stage = stage(&falling, vec![one, series("DE", &format!("2025-06: 353 @ {second}"), None)]).by_day();
            stage.series.iter().map(|one| one.figures[0].vintages[0].at.to_string()).collect::<Vec<_>>()
        };
        let kept = ["2025-07-20T09:00:00Z", "2025-07-20T10:00:00Z"];
        assert_eq!(moments(kept[0], kept[1]), kept);
        assert_eq!(moments(kept[0], kept[0]), ["2025-07-20T00:00:00Z"; 2]);
        assert_eq!(moments(kept[0], "2025-07-21T10:00:00Z"), ["2025-07-20T00:00:00Z", "2025-07-21T00:00:00Z"]);
    }
}
