//! What keeps the messages of an alert back: a silence, an alert that says it already, somebody who knows.
//!
//! Nothing here keeps an alert from changing, or from being told of its end.

use std::fmt;

use super::{Alert, Matcher, State, Topic};
use crate::base::clock::Timestamp;
use crate::base::text::printable;
use crate::rule::Inhibition;
use crate::series::Labels;

/// Alerts of which nobody is told for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct Silence {
    /// The store's number for it.
    pub id: i64,
    /// The alerts that it means.
    pub matcher: Matcher,
    /// When it begins.
    pub since: Timestamp,
    /// When it is over.
    pub until: Timestamp,
    /// Why.
    pub comment: String,
    /// Who says so; may be empty.
    pub author: String,
}

impl Silence {
    /// Whether it holds at a time.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.since <= now && now < self.until
    }
}

/// Somebody knows of an episode: what only goes on is not told again.
#[derive(Clone, Debug, PartialEq)]
pub struct Acknowledgement {
    /// The alert's rule.
    pub rule: String,
    /// The alert's labels.
    pub labels: Labels,
    /// The episode.
    pub episode: u32,
    /// When it was said.
    pub at: Timestamp,
    /// What was said.
    pub note: String,
    /// Who said it; may be empty.
    pub author: String,
}

impl Acknowledgement {
    /// Whether it is about an alert as it is now.
    pub fn is_of(&self, alert: &Alert) -> bool {
        alert.is_firing() && self.episode == alert.episode && self.rule == alert.rule && self.labels == alert.labels
    }

    /// As what keeps a message back.
    pub fn hush(&self) -> Hush {
        Hush::Acknowledgement { at: self.at, note: self.note.clone(), author: self.author.clone() }
    }
}

/// What keeps a message back.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(tag = "by", rename_all = "lowercase")]
pub enum Hush {
    /// A silence.
    Silence {
        /// Its number.
        id: i64,
        /// When it is over.
        until: Timestamp,
        /// Why it is there.
        comment: String,
    },
    /// An alert of another rule fires, whose messages say enough.
    Alert {
        /// The alert's id.
        id: String,
        /// Its rule.
        rule: String,
    },
    /// Somebody knows of it.
    Acknowledgement {
        /// Since when.
        at: Timestamp,
        /// What was said.
        note: String,
        /// Who said it; may be empty.
        author: String,
    },
}

impl fmt::Display for Hush {
    /// What keeps it back, to stand after "by".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silence { id, until, comment } => write!(f, "silence {id} until {until} ({})", printable(comment)),
            Self::Alert { id, rule } => write!(f, "alert {id} of rule {}, which fires", printable(rule)),
            Self::Acknowledgement { at, note, author } => {
                let who = if author.is_empty() { String::new() } else { format!(" by {}", printable(author)) };
                write!(f, "an acknowledgement{who} at {at} ({})", printable(note))
            }
        }
    }
}

/// What was kept back, and from whom.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Hushed {
    /// What kept it back.
    #[serde(flatten)]
    pub by: Hush,
    /// Who would have been told.
    pub receivers: Vec<String>,
}

/// What may keep messages back at one time.
#[derive(Clone, Debug, Default)]
pub struct Hushes {
    /// The silences; those that are over do nothing.
    pub silences: Vec<Silence>,
    /// The alerts that fire; of rules that inhibit no other, none is needed.
    pub firing: Vec<Alert>,
}

impl Hushes {
    /// What keeps back a message of an alert: the silence that lasts longest, else an alert that fires.
    pub fn of(&self, topic: &Topic<'_>, inhibition: &Inhibition, now: Timestamp) -> Option<Hush> {
        let silences = self.silences.iter().filter(|silence| silence.is_active(now) && silence.matcher.matches(topic));
        let silence = silences.max_by_key(|silence| silence.until).map(|silence| Hush::Silence {
            id: silence.id,
            until: silence.until,
            comment: silence.comment.clone(),
        });
        let inhibits = |alert: &&Alert| inhibits(alert, topic, inhibition);
        let alert = || self.firing.iter().find(inhibits);
        silence.or_else(|| alert().map(|alert| Hush::Alert { id: alert.id(), rule: alert.rule.clone() }))
    }
}

/// Whether an alert that fires says enough for what another topic would say.
fn inhibits(alert: &Alert, topic: &Topic<'_>, inhibition: &Inhibition) -> bool {
    let named = inhibition.by.contains(&alert.rule);
    if !named || !matches!(alert.state, State::Firing(_)) {
        return false;
    }
    let is_equal = |(name, value): (&str, &str)| topic.labels.value(name).is_none_or(|other| other == value);
    match &inhibition.equal {
        Some(names) => names.iter().all(|name| alert.labels.value(name) == topic.labels.value(name)),
        // Two rules may read one thing from two feeds; of a feed's own trouble, the feed is what it is about.
        None => alert.labels.iter().filter(|(name, _)| *name != "feed" || alert.is_data()).all(is_equal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::Firing;
    use crate::period::Period;
    use crate::rule::Severity;
    use crate::series::PullId;

    const NOW: Timestamp = Timestamp::from_millis(1_760_000_000_000);

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().copied().collect()
    }

    fn firing(rule: &str, pairs: &[(&str, &str)]) -> Alert {
        let state = State::Firing(Firing {
            severity: Severity::Warning,
            since: Period::parse("2025-09").unwrap(),
            said: String::new(),
            said_at: NOW,
            told_at: NOW,
            receivers: Vec::new(),
            owed: Vec::new(),
        });
        Alert { state, episode: 2, ..Alert::new(rule, labels(pairs), "", PullId(0)) }
    }

    #[test]
    fn a_silence_holds_from_its_beginning_until_its_end() {
        let silence = |id, partner: &str, since: i64, until: i64| Silence {
            id,
            matcher: Matcher::parse([("partner".to_owned(), partner.to_owned())]).unwrap(),
            since: Timestamp::from_millis(NOW.millis() + since),
            until: Timestamp::from_millis(NOW.millis() + until),
            comment: "c".into(),
            author: String::new(),
        };
        let silences = vec![silence(1, "US", 0, 10), silence(2, "U*", 5, 20), silence(3, "DE", 0, 99)];
        let hushes = Hushes { silences, firing: Vec::new() };
        let told = |after: i64| {
            let us = labels(&[("partner", "US")]);
            let topic = Topic { rule: "r", labels: &us, severity: Severity::Info };
            let by = hushes.of(&topic, &Inhibition::default(), Timestamp::from_millis(NOW.millis() + after));
            by.map(|by| by.to_string())
        };
        assert_eq!(told(-1), None);
        assert_eq!(told(0).unwrap(), "silence 1 until 2025-10-09T08:53:20.010Z (c)");
        assert_eq!(told(5).unwrap(), "silence 2 until 2025-10-09T08:53:20.020Z (c)");
        assert_eq!(told(20), None);
    }

    /// Each line: the labels that must be equal (`-`: those that both have), those of the alert that fires, and
    /// whether it keeps back one about magnets to the US.
    #[test]
    fn an_alert_keeps_back_what_has_equal_labels() {
        let own = labels(&[("feed", "magnets"), ("partner", "US")]);
        let topic = Topic { rule: "price", labels: &own, severity: Severity::Critical };
        for (equal, other, expected) in [
            ("-", &[("feed", "magnets"), ("partner", "US")][..], true),
            ("-", &[("feed", "magnets")], true),
            ("-", &[("hs", "8505")], true),
            ("-", &[("feed", "prices"), ("partner", "US")], true),
            ("-", &[("feed", "prices"), ("partner", "DE")], false),
            ("feed", &[("feed", "prices"), ("partner", "US")], false),
            ("-", &[("feed", "magnets"), ("partner", "DE")], false),
            ("partner", &[("feed", "prices"), ("partner", "US")], true),
            ("partner", &[("feed", "prices")], false),
            ("hs", &[("partner", "DE")], true),
            ("", &[("partner", "DE")], true),
        ] {
            let names = || equal.split_whitespace().map(ToOwned::to_owned).collect();
            let equal = (equal != "-").then(names);
            let inhibition = Inhibition { by: vec!["exports".into()], equal };
            let hushes = Hushes { silences: Vec::new(), firing: vec![firing("other", &[]), firing("exports", other)] };
            assert_eq!(hushes.of(&topic, &inhibition, NOW).is_some(), expected, "{inhibition:?} {other:?}");
            assert_eq!(hushes.of(&topic, &Inhibition::default(), NOW), None);
            let over = Alert { state: State::Ok, ..firing("exports", other) };
            assert_eq!(Hushes { silences: Vec::new(), firing: vec![over] }.of(&topic, &inhibition, NOW), None);
        }
    }

    #[test]
    fn the_trouble_of_a_feed_keeps_back_what_is_of_that_feed() {
        let inhibition = Inhibition { by: vec!["feed:failing".into()], equal: None };
        let is_kept_back = |feed: &str| {
            let own = labels(&[("feed", feed), ("partner", "US")]);
            let topic = Topic { rule: "price", labels: &own, severity: Severity::Critical };
            let hushes = Hushes {
                silences: Vec::new(),
                firing: vec![firing("feed:failing", &[("feed", "magnets"), ("hs", "8505")])],
            };
            hushes.of(&topic, &inhibition, NOW).is_some()
        };
        assert!(is_kept_back("magnets") && !is_kept_back("prices"));
    }

    #[test]
    fn an_acknowledgement_ends_with_its_episode() {
        let alert = firing("r", &[("partner", "US")]);
        let known = Acknowledgement {
            rule: "r".into(),
            labels: alert.labels.clone(),
            episode: 2,
            at: NOW,
            note: "asked the\nmill".into(),
            author: "ada".into(),
        };
        assert!(known.is_of(&alert));
        assert!(!known.is_of(&Alert { episode: 3, ..alert.clone() }));
        assert!(!known.is_of(&Alert { state: State::Ok, ..alert }));
        let told = "an acknowledgement by ada at 2025-10-09T08:53:20Z (asked the\\u{a}mill)";
        assert_eq!(known.hush().to_string(), told);
    }

    #[test]
    fn what_was_kept_back_reads_back_equal() {
        let hushed =
            Hushed { by: Hush::Silence { id: 3, until: NOW, comment: "fair".into() }, receivers: vec!["desk".into()] };
        let json = serde_json::to_string(&hushed).unwrap();
        assert!(json.starts_with(r#"{"by":"silence","id":3,"until":"2025-10-09T"#), "{json}");
        assert_eq!(serde_json::from_str::<Hushed>(&json).unwrap(), hushed);
    }
}
