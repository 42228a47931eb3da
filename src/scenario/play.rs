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
