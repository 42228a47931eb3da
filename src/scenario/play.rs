//! Plays a scenario and holds what was sent against what must be.

use chrono::NaiveDate;

use super::Scenario;
use super::compare::{Line, compare};
use crate::alert::Kind;
use crate::backtest::{Basis, Knowledge, Range, Replay, replay};
use crate::period::Period;
use crate::rule::Severity;
use crate::series::{History, PullId, Vintage};

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
    /// What was expected and what came, in order.
    pub lines: Vec<Line>,
}

impl Outcome {
    /// Whether all was as expected.
    pub fn passed(&self) -> bool {
        self.lines.iter().all(|line| matches!(line, Line::Same(_)))
    }

    /// Expected against sent: `-` must be sent and was not, `+` was sent and must not be.
    pub fn diff(&self) -> String {
        self.lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }
}

/// Plays a scenario.
pub fn play(scenario: &Scenario) -> Outcome {
    let history = history(scenario);
    let knowledge = Knowledge::new(&history, Basis::Stored, None, scenario.zone);
    let replay = replay(&scenario.rule, &knowledge, scenario.zone, Range::default());
    Outcome { lines: compare(&scenario.expect, &sent(&replay)) }
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

/// The scenario's figures as a history; each vintage says itself since when it is known.
fn history(scenario: &Scenario) -> History {
    let frequency =
        scenario.figures.first().map_or(crate::period::Frequency::Month, |figure| figure.span.last().frequency());
    let mut history =
        History::new(scenario.labels.clone(), frequency, scenario.unit.clone()).with_max_gap(scenario.max_gap_days);
    for figure in &scenario.figures {
        for (pull, said) in (1..).map(PullId).zip(&figure.vintages) {
            let vintage = Vintage { value: said.value, status: said.status, recorded_at: said.at, pull };
            history.record(figure.span, vintage);
        }
    }
    history
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtest::testing::{US, customs, history as recorded, labels, rule};
    use crate::scenario::{Calendar, Expect, Written, read_figures, write};
    use crate::series::Unit;

    fn scenario(figures: &str, expect: Vec<Expect>) -> Scenario {
        Scenario {
            name: "test".into(),
            rule: rule("declines >= 2", None),
            labels: labels("US"),
            unit: Some(Unit::parse("t").unwrap()),
            max_gap_days: 7,
            zone: chrono_tz::UTC,
            figures: read_figures(figures, Calendar { release: None, zone: chrono_tz::UTC }).unwrap(),
            expect,
        }
    }

    fn expect(on: &str, transition: &str) -> Expect {
        Expect {
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
        assert!(play(&scenario(figures, right)).passed());
        let wrong = play(&scenario(figures, vec![expect("2025-10-01", "fired"), expect("2025-11-20", "resolved")]));
        assert!(!wrong.passed());
        insta::assert_snapshot!(wrong.diff(), @r"
          2025-10-01  2025-09  fired  China → US magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %
        - 2025-11-20  resolved
        + 2025-11-20  2025-09  corrected  China → US magnet exports: `declines >= 2` no longer holds after a revision: September 2025 is now 600 t, was 420.5 t
        ");
        assert!(play(&scenario("2025-06: 353 619", Vec::new())).passed());
    }

    #[test]
    fn a_message_that_is_kept_quiet_is_not_sent() {
        let mut quiet = scenario("2025-06: 353 319 290 220", vec![expect("2025-09-01", "fired")]);
        assert!(!play(&quiet).passed(), "the fourth month continues it");
        quiet.rule.renotify = crate::rule::Renotify::Never;
        assert!(play(&quiet).passed());
    }

    #[test]
    fn a_written_scenario_says_what_was_known_and_sent() {
        let release = customs();
        let knowledge = Knowledge::new(&recorded("US", US), Basis::Stored, None, chrono_tz::UTC);
        let replay = replay(&rule("declines >= 2", None), &knowledge, chrono_tz::UTC, Range::default());
        let written = Written { replay: &replay, knowledge: &knowledge, release: Some(&release) };
        insta::assert_snapshot!(write(written), @r#"
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
        on         = "2025-10-20"
        period     = "2025-09"
        transition = "fired"
        title      = "China → US magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %"

        [[scenario.expect]]
        on         = "2025-11-20"
        period     = "2025-10"
        transition = "resolved"
        title      = "China → US magnet exports: `declines >= 2` no longer holds: 656 t in October 2025, +56 %"

        [[scenario.expect]]
        on         = "2026-01-20"
        period     = "2025-12"
        transition = "fired"
        title      = "China → US magnet exports fell for a 2nd month: 564 t in December 2025, −3.1 %"
        "#);
    }
}
