//! Which message gives way to a later one of its alert that is still to be sent as well.
//!
//! A beginning gives way to the end alone, and the end then tells both.

use chrono_tz::Tz;

use super::{Message, Said, words};
use crate::alert::Kind;
use crate::base::text::shorten;

/// To which of the later messages one gives way, by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivesWay {
    /// To the next one: it says how things stand by then.
    ToNewer(usize),
    /// The beginning to the end, which tells both.
    ToEnd(usize),
}

impl GivesWay {
    /// Why, for whoever looks into the outbox.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::ToNewer(_) => "not sent: by then a newer message said how things stand",
            Self::ToEnd(_) => "not sent: by then it was over, and the end tells both",
        }
    }
}

impl Message {
    /// To which of the later ones about its alert the message gives way, if to any. `openings` are needed where the
    /// receiver keeps alerts.
    pub fn gives_way<'a>(&self, later: impl IntoIterator<Item = &'a Self>, openings: bool) -> Option<GivesWay> {
        // What was gathered into it, and items, are told nowhere else.
        if self.closes() || !self.others.is_empty() || !self.items.is_empty() {
            return None;
        }
        let thread = self.thread();
        let mut later = later.into_iter().enumerate().filter(|(_, message)| message.thread() == thread);
        match self.kind {
            Kind::Continued | Kind::Escalated | Kind::Eased => later.next().map(|(at, _)| GivesWay::ToNewer(at)),
            Kind::Fired | Kind::Corrected if !openings => {
                later.find(|(_, message)| message.closes()).map(|(at, _)| GivesWay::ToEnd(at))
            }
            Kind::Fired | Kind::Corrected | Kind::Resolved | Kind::Lapsed => None,
        }
    }

    /// An end that tells of the beginning as well, which was not sent: `Fired and resolved: …`.
    #[must_use]
    pub fn with_opening(self, opening: &Self) -> Self {
        let said = Said { at: opening.at, on: words::day(opening.at, Tz::UTC), title: opening.title.clone() };
        let said = self.said.clone().unwrap_or(said);
        let title = |title: &str| shorten(&format!("Fired and {}: {title}", self.kind), 300);
        let mut told = self.told.clone();
        if let Some(own) = told.as_mut().and_then(|told| told.title.as_mut()) {
            *own = title(own);
        }
        let note = format!("It began on {}, and was over before that could be sent.", said.on);
        Self { title: title(&self.title), told, said: Some(said), ..self }.with_note(&note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Timestamp;
    use crate::outbox::Brief;

    const NOW: Timestamp = Timestamp::from_millis(1_760_000_000_000);

    fn message(kind: Kind) -> Message {
        Message { kind, ..Message::test("desk", NOW) }
    }

    /// The kinds of what waits, the first of which gives way or does not.
    #[track_caller]
    fn check(kinds: &[Kind], openings: bool, expected: Option<GivesWay>) {
        let messages: Vec<Message> = kinds.iter().copied().map(message).collect();
        assert_eq!(messages[0].gives_way(&messages[1..], openings), expected, "{kinds:?}");
    }

    #[test]
    fn the_middle_gives_way_to_what_is_newer_and_the_beginning_to_the_end() {
        use Kind::{Continued, Eased, Escalated, Fired, Lapsed, Resolved};
        check(&[Continued], false, None);
        check(&[Continued, Continued, Resolved], false, Some(GivesWay::ToNewer(0)));
        check(&[Escalated, Eased], true, Some(GivesWay::ToNewer(0)));
        check(&[Eased, Resolved], false, Some(GivesWay::ToNewer(0)));
        check(&[Fired, Continued, Escalated], false, None);
        check(&[Fired, Continued, Resolved], false, Some(GivesWay::ToEnd(1)));
        check(&[Fired, Lapsed], false, Some(GivesWay::ToEnd(0)));
        check(&[Fired, Resolved], true, None);
        check(&[Resolved, Fired], false, None);
    }

    #[test]
    fn what_is_told_nowhere_else_gives_way_to_nothing() {
        let newer = message(Kind::Continued);
        let gives_way = |message: Message| message.gives_way([&newer], false).is_some();
        assert!(gives_way(message(Kind::Continued)));
        let other = message(Kind::Fired).with_others([&newer]).others;
        assert!(!gives_way(Message { others: other, ..message(Kind::Continued) }));
        assert!(!gives_way(Message { thread: Some("pull-7".to_owned()), ..message(Kind::Continued) }));
        let _: &[Brief] = &newer.others;
    }

    #[test]
    fn the_end_tells_the_beginning_too() {
        let opening = Message { title: "It fell.".to_owned(), ..message(Kind::Fired) };
        let end = Message { title: "It rose.".to_owned(), summary: "656 t.".to_owned(), ..message(Kind::Resolved) };
        let both = end.with_opening(&opening);
        assert_eq!(both.title, "Fired and resolved: It rose.");
        assert_eq!(both.summary, "It began on 9 October 2025, and was over before that could be sent. 656 t.");
        assert_eq!(both.said.unwrap().title, "It fell.");
    }
}
