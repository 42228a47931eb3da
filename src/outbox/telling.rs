//! Who has been told of an episode, and who is still to be: what becomes of what is owed when something keeps it back.
//!
//! What that is, is decided elsewhere.

use std::collections::BTreeMap;

use super::{Delivery, Message, Told};
use crate::alert::{Alert, Hush, Hushed, Kind, State};
use crate::base::clock::Timestamp;

/// What the config says of keeping a message back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manners {
    /// The rules whose alerts keep it back.
    pub inhibition: crate::rule::Inhibition,
    /// It is not sent once somebody has acknowledged the episode.
    pub stops_when_known: bool,
    /// The receivers that want quiet now, and until when.
    pub held_until: BTreeMap<String, Timestamp>,
    /// What it has in common with the messages that may be told with it.
    pub bundle: Option<String>,
    /// More of those are still to be stored: it waits for them.
    pub awaits_more: bool,
}

impl Message {
    /// Whether it says that an episode is over: nothing keeps that from whoever was told of its beginning.
    pub const fn closes(&self) -> bool {
        match self.kind {
            Kind::Resolved | Kind::Lapsed => true,
            Kind::Corrected => self.said.is_some(),
            Kind::Fired | Kind::Continued | Kind::Escalated | Kind::Eased => false,
        }
    }

    /// The same, with a sentence before all others, those of its template too.
    #[must_use]
    pub fn with_note(self, note: &str) -> Self {
        let told = self.told.map(|told| Told { body: told.body.map(|body| format!("{note}\n{body}")), ..told });
        Self { summary: format!("{note} {}", self.summary).trim_end().to_owned(), told, ..self }
    }
}

/// Notes with the alert who is told; or takes back what is owed, and notes who has missed something that matters:
/// the beginning, or that it became worse. What was kept back, if anything.
pub fn tell(alert: &mut Alert, deliveries: &mut Vec<Delivery>, hush: Option<Hush>) -> Option<Hushed> {
    let kind = deliveries.first()?.message.kind;
    let receivers: Vec<String> = deliveries.iter().map(|delivery| delivery.receiver.clone()).collect();
    if let State::Firing(firing) = &mut alert.state {
        match &hush {
            None => {
                firing.owed.retain(|name| !receivers.contains(name));
                add(&mut firing.receivers, &receivers);
            }
            // Whoever knows has not missed anything.
            Some(Hush::Acknowledgement { .. }) => {}
            Some(Hush::Silence { .. } | Hush::Alert { .. }) => {
                let matters = matches!(kind, Kind::Fired | Kind::Corrected | Kind::Escalated);
                let missed = receivers.iter().filter(|name| matters || !firing.receivers.contains(name));
                let missed: Vec<String> = missed.cloned().collect();
                add(&mut firing.owed, &missed);
            }
        }
    }
    let by = hush?;
    deliveries.clear();
    Some(Hushed { by, receivers })
}

fn add(names: &mut Vec<String>, more: &[String]) {
    names.extend(more.iter().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::Firing;
    use crate::outbox::{Report, plan};
    use crate::period::Period;
    use crate::rule::Severity;
    use crate::series::{Labels, PullId};

    const NOW: Timestamp = Timestamp::from_millis(1_760_000_000_000);

    fn alert(receivers: &str, owed: &str) -> Alert {
        let names = |text: &str| text.split_whitespace().map(ToOwned::to_owned).collect();
        let state = State::Firing(Firing {
            severity: Severity::Warning,
            since: Period::parse("2025-09").unwrap(),
            said: String::new(),
            said_at: NOW,
            told_at: NOW,
            receivers: names(receivers),
            owed: names(owed),
        });
        Alert { state, ..Alert::new("r", Labels::default(), "", PullId(0)) }
    }

    fn message(kind: Kind, summary: &str) -> Message {
        let transition = crate::alert::Transition {
            rule: "r".into(),
            labels: Labels::default(),
            number: 1,
            episode: 1,
            kind,
            cause: crate::alert::Cause::Published,
            severity: Severity::Warning,
            period: None,
            pull: None,
            at: NOW,
        };
        let report = Report {
            title: "t".into(),
            summary: summary.into(),
            condition: String::new(),
            found: String::new(),
            period: None,
            clears: None,
            said: None,
        };
        Message::report(&transition, report)
    }

    fn silence() -> Hush {
        Hush::Silence { id: 1, until: NOW, comment: "c".into() }
    }

    /// Each line: told before, owed before, what is told to `a b`, what keeps it back; told and owed after.
    #[test]
    fn who_is_told_and_who_is_still_to_be() {
        let known = || Hush::Acknowledgement { at: NOW, note: String::new(), author: String::new() };
        for (receivers, owed, kind, hush, expected) in [
            ("", "", Kind::Fired, None, "a b|"),
            ("c", "a", Kind::Continued, None, "c a b|"),
            ("", "", Kind::Fired, Some(silence()), "|a b"),
            ("", "", Kind::Corrected, Some(silence()), "|a b"),
            ("a", "", Kind::Escalated, Some(silence()), "a|a b"),
            ("a", "", Kind::Continued, Some(silence()), "a|b"),
            ("a b", "", Kind::Eased, Some(silence()), "a b|"),
            ("a", "b", Kind::Continued, Some(known()), "a|b"),
        ] {
            let mut alert = alert(receivers, owed);
            let mut deliveries = plan("s", &message(kind, ""), &["a".to_owned(), "b".to_owned()]);
            let hushed = tell(&mut alert, &mut deliveries, hush.clone());
            let State::Firing(firing) = &alert.state else { panic!("it fires") };
            assert_eq!(
                format!("{}|{}", firing.receivers.join(" "), firing.owed.join(" ")),
                expected,
                "{kind} {hush:?}"
            );
            assert_eq!((deliveries.len(), hushed.is_some()), (if hush.is_some() { 0 } else { 2 }, hush.is_some()));
        }
    }

    #[test]
    fn what_tells_nobody_changes_nothing() {
        let mut alert = alert("a", "b");
        let before = alert.clone();
        assert_eq!(tell(&mut alert, &mut Vec::new(), Some(silence())), None);
        assert_eq!(alert, before);
    }

    #[test]
    fn a_note_stands_before_all_else() {
        assert_eq!(message(Kind::Fired, "It fell.").with_note("Late.").summary, "Late. It fell.");
        assert_eq!(message(Kind::Fired, "").with_note("Late.").summary, "Late.");
        let told = Some(Told { body: Some("Call the desk.".to_owned()), ..Told::default() });
        let retold = Message { told, ..message(Kind::Fired, "It fell.") }.with_note("Late.").retold().unwrap();
        assert_eq!(retold.summary, "Late. Call the desk.");
        assert!(message(Kind::Resolved, "").closes() && !message(Kind::Corrected, "").closes());
    }
}
