//! Several messages told as one: what the leading message says of the others.
//!
//! Which messages may go together is the rule's and the receiver's matter; that they end together, the store's.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::{AlertRef, Message};
use crate::alert::Kind;
use crate::base::clock::Timestamp;
use crate::base::text::shorten;
use crate::rule::Severity;

/// A message that another tells: what it says, in short.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Brief {
    /// Which alert.
    pub alert: AlertRef,
    /// What kind of change.
    pub kind: Kind,
    /// Whether it ends an episode.
    pub closes: bool,
    /// The alert's transition number, from 1.
    pub number: u32,
    /// How bad it is.
    pub severity: Severity,
    /// The period judged.
    pub period: Option<String>,
    /// When the transition was found.
    pub at: Timestamp,
    /// What it says, in one line.
    pub title: String,
    /// What ties it to other messages of its alert.
    pub thread: Option<String>,
    /// Where a page shows the alert.
    pub url: Option<String>,
}

impl Brief {
    /// What a message says, in short, by the words of its template where it has one.
    fn of(message: &Message) -> Self {
        let told = message.told.as_ref().and_then(|told| told.title.clone());
        Self {
            alert: message.alert.clone(),
            kind: message.kind,
            closes: message.closes(),
            number: message.number,
            severity: message.severity,
            period: message.period.clone(),
            at: message.at,
            title: told.unwrap_or_else(|| message.title.clone()),
            thread: message.thread.clone(),
            url: message.url.clone(),
        }
    }
}

impl Message {
    /// Which of some messages tells the others: of those that alarm, or else of those that do not, the gravest, and
    /// of these the first.
    pub fn leader<'a>(messages: impl IntoIterator<Item = &'a Self>) -> Option<usize> {
        let gravity = |(at, message): (usize, &Self)| (!message.closes(), message.severity, Reverse(at));
        let (.., Reverse(at)) = messages.into_iter().enumerate().map(gravity).max()?;
        Some(at)
    }

    /// The same message, telling of others as well: the gravest first, so that a place with little room shows those; in
    /// their order where an alert is among them twice.
    #[must_use]
    pub fn with_others<'a>(self, others: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut others: Vec<Brief> = others.into_iter().map(Brief::of).collect();
        let alerts: BTreeSet<&str> = others.iter().map(|brief| brief.alert.id.as_str()).collect();
        if alerts.len() == others.len() {
            others.sort_by_key(|brief| (brief.closes, Reverse(brief.severity)));
        }
        let count = self.count(&others);
        let title = |title: &str| shorten(&format!("{count}; {title}"), 300);
        let mut told = self.told.clone();
        if let Some(own) = told.as_mut().and_then(|told| told.title.as_mut()) {
            *own = title(own);
        }
        Self { title: title(&self.title), told, others, ..self }
    }

    /// `magnet-exports-falling: 12 alerts fired`, or `… 12 alerts (9 fired, 3 resolved)`; of several rules
    /// `12 alerts of 3 rules …`.
    fn count(&self, others: &[Brief]) -> String {
        let alerts = || std::iter::once(&self.alert).chain(others.iter().map(|brief| &brief.alert));
        let rules: BTreeSet<&str> = alerts().map(|alert| alert.rule.as_str()).collect();
        let distinct: BTreeSet<&str> = alerts().map(|alert| alert.id.as_str()).collect();
        let of_kind = |kind: Kind| {
            let count = others.iter().filter(|brief| brief.kind == kind).count() + usize::from(self.kind == kind);
            (count > 0).then_some((count, kind))
        };
        let kinds: Vec<(usize, Kind)> = Kind::ALL.into_iter().filter_map(of_kind).collect();
        let told = match kinds[..] {
            [(count, kind)] if count == distinct.len() => kind.to_string(),
            _ => {
                let each: Vec<String> = kinds.iter().map(|(count, kind)| format!("{count} {kind}")).collect();
                format!("({})", each.join(", "))
            }
        };
        let (rule, of_rules) = match rules.len() {
            1 => (format!("{}: ", self.alert.rule), String::new()),
            several => (String::new(), format!(" of {several} rules")),
        };
        let noun = if distinct.len() == 1 { "alert" } else { "alerts" };
        format!("{rule}{} {noun}{of_rules} {told}", distinct.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::{Said, Told};

    const NOW: Timestamp = Timestamp::from_millis(1_760_000_000_000);

    /// `rule alert kind severity`.
    fn message(text: &str) -> Message {
        let [rule, alert, kind, severity] = text.split(' ').collect::<Vec<_>>()[..] else { panic!("{text}") };
        let mut message = Message::test("desk", NOW);
        message.alert = AlertRef { id: alert.to_owned(), rule: rule.to_owned(), ..message.alert };
        message.kind = Kind::from_name(kind).unwrap();
        message.severity = Severity::ALL.into_iter().find(|known| known.name() == severity).unwrap();
        message.title = format!("about {alert}");
        message
    }

    fn gathered(texts: &[&str]) -> Message {
        let mut messages: Vec<Message> = texts.iter().map(|text| message(text)).collect();
        let leader = messages.remove(Message::leader(&messages).unwrap());
        leader.with_others(&messages)
    }

    #[test]
    fn the_gravest_that_alarms_leads_and_the_title_counts() {
        let title = |texts: &[&str]| gathered(texts).title;
        assert_eq!(
            title(&["falling a fired warning", "falling b fired critical", "falling c fired critical"]),
            "falling: 3 alerts fired; about b"
        );
        assert_eq!(
            title(&["falling a resolved critical", "falling b fired info"]),
            "falling: 2 alerts (1 fired, 1 resolved); about b"
        );
        assert_eq!(
            title(&["falling a fired warning", "low b resolved info", "low a2 fired warning"]),
            "3 alerts of 2 rules (2 fired, 1 resolved); about a"
        );
        assert_eq!(
            title(&["falling a fired warning", "falling a continued warning"]),
            "falling: 1 alert (1 fired, 1 continued); about a"
        );
        assert_eq!(title(&["r a lapsed info", "r b resolved warning"]), "r: 2 alerts (1 resolved, 1 lapsed); about b");
    }

    #[test]
    fn the_others_are_told_in_short_the_gravest_first_unless_one_is_told_twice() {
        let others = |texts: &[&str]| {
            let told = |brief: &Brief| format!("{} {}", brief.title, brief.kind);
            gathered(texts).others.iter().map(told).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(
            others(&["r a resolved critical", "r b fired critical", "r c fired info", "r d fired warning"]),
            "about d fired, about c fired, about a resolved"
        );
        assert_eq!(
            others(&["r a resolved info", "r b fired critical", "r a fired info", "r a continued warning"]),
            "about a resolved, about a fired, about a continued"
        );
    }

    #[test]
    fn a_templates_title_counts_too_and_speaks_for_its_message() {
        let told = |title: &str| Some(Told { title: Some(title.to_owned()), ..Told::default() });
        let lead = Message { told: told("Hello"), ..message("r a fired warning") };
        let other = Message { told: told("World"), ..message("r b fired warning") };
        let message = lead.with_others([&other]);
        assert_eq!(message.retold().unwrap().title, "r: 2 alerts fired; Hello");
        assert_eq!(message.title, "r: 2 alerts fired; about a");
        assert_eq!(message.others[0].title, "World");
    }

    #[test]
    fn a_correction_that_ends_is_an_end() {
        let said = Some(Said { at: NOW, on: "1 May 2025".to_owned(), title: "t".to_owned() });
        let ends = Message { said, ..message("r a corrected critical") };
        assert_eq!(Message::leader([&ends, &message("r b corrected info")]), Some(1));
        assert_eq!(Message::leader([]), None);
    }
}
