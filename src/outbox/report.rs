//! The message of a transition in which no figure was judged: the program's own work, in words.

use super::{AlertRef, Evidence, GateLine, Message, Said, Told};
use crate::alert::{Cause, Kind, Transition};
use crate::base::clock::Timestamp;
use crate::base::text::shorten;
use crate::period::Period;
use crate::rule::Severity;

/// What is to be told.
#[derive(Clone, Debug)]
pub struct Report {
    /// One line.
    pub title: String,
    /// A sentence or two more.
    pub summary: String,
    /// What was asked, as the config or the program names it.
    pub condition: String,
    /// What was found.
    pub found: String,
    /// The period that it is about.
    pub period: Option<Period>,
    /// What would end it.
    pub clears: Option<String>,
    /// What was said when it began, where this is its end.
    pub said: Option<Said>,
}

impl Message {
    /// The same as it would be sent by a rule, for an exercise: marked, and of an alert of its own, so that nothing
    /// that is known of the real one is touched.
    #[must_use]
    pub fn drill(self) -> Self {
        let alert = AlertRef { id: format!("drill-{}", self.alert.id), ..self.alert };
        let marked = |title: &str| shorten(&format!("[DRILL] {title}"), 300);
        let told = self.told.map(|told| Told { title: told.title.as_deref().map(marked), ..told });
        Self { alert, title: marked(&self.title), told, ..self }
    }

    /// A message that is about nothing but the way to a receiver.
    pub fn test(receiver: &str, now: Timestamp) -> Self {
        let transition = Transition {
            rule: "receiver:test".to_owned(),
            labels: [("receiver", receiver)].into_iter().collect(),
            number: 1,
            episode: 1,
            kind: Kind::Fired,
            cause: Cause::TimePassed,
            severity: Severity::Info,
            period: None,
            pull: None,
            at: now,
        };
        Self::report(
            &transition,
            Report {
                title: format!("[TEST] supplywatch reaches receiver {receiver}"),
                summary: "Somebody tries whether messages arrive here. No supply is at risk, and no figure was judged."
                    .to_owned(),
                condition: format!("supplywatch receivers test {receiver}"),
                found: "it was run".to_owned(),
                period: None,
                clears: None,
                said: None,
            },
        )
    }

    /// The message of a report.
    pub fn report(transition: &Transition, report: Report) -> Self {
        let Report { title, summary, condition, found, period, clears, said } = report;
        let verdict = if said.is_some() { "fails" } else { "holds" };
        Self {
            alert: AlertRef::of(transition),
            kind: transition.kind,
            number: transition.number,
            severity: transition.severity,
            period: period.map(|period| period.to_string()),
            at: transition.at,
            title: shorten(&title, 300),
            summary,
            gates: vec![GateLine {
                severity: None,
                text: condition.clone(),
                verdict: verdict.to_owned(),
                value: found,
            }],
            table: Vec::new(),
            said,
            revisions: Vec::new(),
            clears,
            sources: Vec::new(),
            rule_text: condition,
            rule_hash: String::new(),
            program: super::PROGRAM.to_owned(),
            evidence: Evidence::default(),
            items: Vec::new(),
            items_left_out: 0,
            thread: None,
            chart: None,
            told: None,
            others: Vec::new(),
            url: None,
        }
    }
}
