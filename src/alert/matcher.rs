//! Which alerts are meant: patterns on an alert's labels, its rule, its severity and its kind, for routes and
//! silences.
//!
//! What follows for those that are meant is not known here.

use std::collections::BTreeMap;
use std::fmt;

use super::{Alert, State, Transition, kind};
use crate::base::text::{list, nearest, printable};
use crate::rule::Severity;
use crate::series::{Labels, Pattern, country};

/// The kinds of alerts: of rules, and of the program's own work.
pub const KINDS: [&str; 2] = ["market", "data"];

/// What is known of an alert before anybody is told.
#[derive(Clone, Copy, Debug)]
pub struct Topic<'a> {
    /// The rule's name; of a data alert the name in its place, such as `feed:failing`.
    pub rule: &'a str,
    /// The series' labels.
    pub labels: &'a Labels,
    /// How bad it is.
    pub severity: Severity,
}

impl<'a> Topic<'a> {
    /// What a transition is about.
    pub fn of(transition: &'a Transition) -> Self {
        Self { rule: &transition.rule, labels: &transition.labels, severity: transition.severity }
    }

    /// What a firing alert is about; `None` while it is ok.
    pub fn of_firing(alert: &'a Alert) -> Option<Self> {
        match &alert.state {
            State::Ok => None,
            State::Firing(firing) => Some(Self { rule: &alert.rule, labels: &alert.labels, severity: firing.severity }),
        }
    }

    /// The value of a name; nothing for a label that it lacks.
    fn value(&self, name: &str) -> &str {
        match name {
            "rule" => self.rule,
            "severity" => self.severity.name(),
            "kind" => kind(self.rule),
            label => self.labels.value(label).unwrap_or(""),
        }
    }
}

/// Patterns by label (or `rule`, `severity`, `kind`: what else is known of an alert) that must all match: exact values, globs, `!` for all but one.
/// Without any, it means every alert.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "BTreeMap<String, Vec<String>>", into = "BTreeMap<String, Vec<String>>")]
pub struct Matcher {
    texts: BTreeMap<String, Vec<String>>,
    patterns: Vec<(String, Pattern)>,
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        self.texts == other.texts
    }
}

impl Matcher {
    /// Reads pairs of a name and a pattern; those of one name stand for each other. `Err` says in words what is
    /// wrong.
    pub fn parse(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, String> {
        let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, text) in pairs {
            let text = canonical(&name, &text)?;
            texts.entry(name).or_default().push(text);
        }
        let read = |(name, texts): (&String, &Vec<String>)| {
            Pattern::parse(texts).map(|pattern| (name.clone(), pattern)).map_err(|error| error.to_string())
        };
        let patterns = texts.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self { texts, patterns })
    }

    /// Whether an alert is meant.
    pub fn matches(&self, topic: &Topic<'_>) -> bool {
        self.patterns.iter().all(|(name, pattern)| pattern.matches(topic.value(name)))
    }

    /// Whether every alert is.
    pub fn is_everything(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The patterns by name.
    pub fn patterns(&self) -> impl Iterator<Item = (&str, &Pattern)> {
        self.patterns.iter().map(|(name, pattern)| (name.as_str(), pattern))
    }
}

/// A pattern in the one way of writing it: countries by their ISO code, as feeds tell them.
fn canonical(name: &str, text: &str) -> Result<String, String> {
    let (negation, body) = text.strip_prefix('!').map_or(("", text), |rest| ("!", rest));
    if body.contains(['*', '?', '[', '{']) || body.is_empty() {
        return Ok(text.to_owned());
    }
    let known: Vec<&str> = match name {
        "severity" => Severity::ALL.map(Severity::name).to_vec(),
        "kind" => KINDS.to_vec(),
        "reporter" | "partner" => return Ok(format!("{negation}{}", country::canonical(body))),
        _ => return Ok(text.to_owned()),
    };
    if known.contains(&body) {
        return Ok(text.to_owned());
    }
    let hint = match nearest(body, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it is one of {}", list(&known)),
    };
    Err(format!("no alert has the {name} `{}`; {hint}", printable(body)))
}

impl From<Matcher> for BTreeMap<String, Vec<String>> {
    fn from(matcher: Matcher) -> Self {
        matcher.texts
    }
}

impl TryFrom<BTreeMap<String, Vec<String>>> for Matcher {
    type Error = String;

    fn try_from(texts: BTreeMap<String, Vec<String>>) -> Result<Self, String> {
        Self::parse(texts.into_iter().flat_map(|(name, texts)| texts.into_iter().map(move |text| (name.clone(), text))))
    }
}

impl fmt::Display for Matcher {
    /// `partner=US severity=warning,critical`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.texts.is_empty() {
            return f.write_str("everything");
        }
        let told: Vec<String> = self
            .texts
            .iter()
            .map(|(name, texts)| format!("{}={}", printable(name), printable(&texts.join(","))))
            .collect();
        f.write_str(&told.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matcher(text: &str) -> Result<Matcher, String> {
        let pair = |word: &str| word.split_once('=').map(|(name, text)| (name.to_owned(), text.to_owned())).unwrap();
        Matcher::parse(text.split_whitespace().map(pair))
    }

    /// Each line: what is written, and whether it means a critical alert of the rule `falling` on magnets to the US.
    #[test]
    fn alerts_are_meant_by_labels_rule_severity_and_kind() {
        let labels: Labels = [("feed", "magnets"), ("partner", "US"), ("hs", "85051110")].into_iter().collect();
        let topic = Topic { rule: "falling", labels: &labels, severity: Severity::Critical };
        for (text, expected) in [
            ("", true),
            ("partner=US", true),
            ("partner=USA", true),
            ("partner=DE", false),
            ("partner=DE partner=US", true),
            ("partner=!CN", true),
            ("partner=US hs=8505*", true),
            ("partner=US hs=2805*", false),
            ("grade=*", false),
            ("grade=!N42", true),
            ("rule=fall*", true),
            ("rule=rising", false),
            ("severity=critical", true),
            ("severity=warning", false),
            ("severity=!info", true),
            ("kind=market feed=magnets", true),
            ("kind=data", false),
        ] {
            assert_eq!(matcher(text).unwrap().matches(&topic), expected, "{text}");
        }
        let topic = Topic { rule: "feed:failing", ..topic };
        assert!(matcher("kind=data").unwrap().matches(&topic) && !matcher("kind=market").unwrap().matches(&topic));
    }

    #[test]
    fn what_can_mean_nothing_is_refused() {
        for (text, expected) in [
            ("severity=crit", "no alert has the severity `crit`; did you mean `critical`?"),
            ("severity=!zz", "no alert has the severity `zz`; it is one of `info`, `warning` and `critical`"),
            ("kind=dat", "no alert has the kind `dat`; did you mean `data`?"),
            ("partner=", "`` is no pattern: it is empty"),
            ("hs=[8", "`[8` is no pattern: unclosed character class; missing ']'"),
        ] {
            assert_eq!(matcher(text).unwrap_err(), expected);
        }
    }

    #[test]
    fn it_is_written_and_read_back() {
        let read = matcher("severity=critical partner=USA partner=!CN").unwrap();
        assert_eq!(read.to_string(), "partner=US,!CN severity=critical");
        let json = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<Matcher>(&json).unwrap(), read);
        assert!(serde_json::from_str::<Matcher>(r#"{"kind":["x"]}"#).is_err());
        assert_eq!(matcher("").unwrap().to_string(), "everything");
    }
}
