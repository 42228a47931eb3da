//! Which series a rule means: patterns on labels.

use std::collections::BTreeMap;

use globset::{Glob, GlobMatcher};

use super::Labels;

/// A pattern on one label's value: exact (`US`), a glob (`8505*`), a negation (`!CN`), or a list of these.
///
/// A list matches where any of its plain patterns does (or it has none) and none of its negated ones.
#[derive(Clone, Debug)]
pub struct Pattern {
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
struct Part {
    text: String,
    negated: bool,
    glob: Option<GlobMatcher>,
}

/// Why a text is no pattern.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is no pattern: {reason}")]
pub struct PatternError {
    text: String,
    reason: String,
}

impl Pattern {
    /// Reads one text, or a list of them.
    pub fn parse<S: AsRef<str>>(texts: impl IntoIterator<Item = S>) -> Result<Self, PatternError> {
        let parts = texts.into_iter().map(|text| Part::parse(text.as_ref())).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { parts })
    }

    /// Whether a value is meant.
    pub fn matches(&self, value: &str) -> bool {
        let (negated, plain): (Vec<&Part>, Vec<&Part>) = self.parts.iter().partition(|part| part.negated);
        let wanted = plain.is_empty() || plain.iter().any(|part| part.is(value));
        wanted && !negated.iter().any(|part| part.is(value))
    }

    /// The one value that it can match, when it is exact.
    pub fn exact(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [part] if !part.negated && part.glob.is_none() => Some(&part.text),
            _ => None,
        }
    }
}

impl Part {
    fn parse(text: &str) -> Result<Self, PatternError> {
        let (negated, body) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
        let error = |reason: String| PatternError { text: text.to_owned(), reason };
        if body.is_empty() {
            return Err(error("it is empty".to_owned()));
        }
        let glob = if body.contains(['*', '?', '[', '{']) {
            Some(Glob::new(body).map_err(|glob| error(glob.kind().to_string()))?.compile_matcher())
        } else {
            None
        };
        Ok(Self { text: body.to_owned(), negated, glob })
    }

    fn is(&self, value: &str) -> bool {
        // A label that a series lacks has no value, so that `*` is any value and not none.
        self.glob.as_ref().map_or_else(|| self.text == value, |glob| !value.is_empty() && glob.is_match(value))
    }
}

/// Patterns on labels that must all match. A label that a series lacks matches only negations.
///
/// What it selects is meant one by one, or in groups of the series that have the same values of some labels.
#[derive(Clone, Debug, Default)]
pub struct Selector {
    patterns: Vec<(String, Pattern)>,
    group_by: Vec<String>,
}

impl Selector {
    /// From patterns by label.
    pub fn new(patterns: Vec<(String, Pattern)>) -> Self {
        Self { patterns, group_by: Vec::new() }
    }

    /// The same in groups by some labels.
    #[must_use]
    pub fn grouped(self, group_by: Vec<String>) -> Self {
        Self { group_by, ..self }
    }

    /// The labels that groups are made by; none where series are meant one by one.
    pub fn group_by(&self) -> &[String] {
        &self.group_by
    }

    /// Which of some series are meant together, and the labels of each group: those that it is made by,
    /// and `feed` where all its members have the same. Without groups, each series is meant by itself.
    pub fn groups<'l>(&self, series: impl IntoIterator<Item = &'l Labels>) -> Vec<(Labels, Vec<usize>)> {
        let meant = series.into_iter().enumerate().filter(|(_, labels)| self.matches(labels));
        if self.group_by.is_empty() {
            return meant.map(|(index, labels)| (labels.clone(), vec![index])).collect();
        }
        let mut groups: BTreeMap<Labels, (Option<&str>, Vec<usize>)> = BTreeMap::new();
        for (index, labels) in meant {
            let feed = labels.value("feed");
            let group = groups.entry(labels.only(&self.group_by)).or_insert((feed, Vec::new()));
            group.0 = group.0.filter(|shared| feed == Some(shared));
            group.1.push(index);
        }
        let labelled = |(mut labels, (feed, members)): (Labels, (Option<&str>, Vec<usize>))| {
            if let Some(feed) = feed {
                labels.set("feed", feed);
            }
            (labels, members)
        };
        groups.into_iter().map(labelled).collect()
    }

    /// Whether a series is meant.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.patterns.iter().all(|(name, pattern)| pattern.matches(labels.value(name).unwrap_or("")))
    }

    /// The patterns by label, as written.
    pub fn patterns(&self) -> impl Iterator<Item = (&str, &Pattern)> {
        self.patterns.iter().map(|(name, pattern)| (name.as_str(), pattern))
    }

    /// The pattern on one label.
    pub fn pattern(&self, label: &str) -> Option<&Pattern> {
        self.patterns().find(|(name, _)| *name == label).map(|(_, pattern)| pattern)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(patterns: &[&str], value: &str, expected: bool) {
        assert_eq!(Pattern::parse(patterns).unwrap().matches(value), expected, "{patterns:?} on {value}");
    }

    #[test]
    fn patterns_are_exact_globs_negations_and_lists() {
        check(&["US"], "US", true);
        check(&["US"], "us", false);
        check(&["8505*"], "85051110", true);
        check(&["8505*"], "2805", false);
        check(&["!CN"], "US", true);
        check(&["!CN"], "CN", false);
        check(&["US", "DE"], "DE", true);
        check(&["US", "DE"], "FR", false);
        check(&["8505*", "!85051190"], "85051110", true);
        check(&["8505*", "!85051190"], "85051190", false);
        check(&["!CN"], "", true);
        check(&["*"], "", false);
    }

    #[test]
    fn a_bad_pattern_says_why() {
        assert_eq!(
            Pattern::parse(["[a"]).unwrap_err().to_string(),
            "`[a` is no pattern: unclosed character class; missing ']'"
        );
        assert_eq!(Pattern::parse(["!"]).unwrap_err().to_string(), "`!` is no pattern: it is empty");
    }

    #[test]
    fn groups_have_their_labels_and_the_feed_that_all_members_share() {
        let labels = |pairs: &[(&str, &str)]| pairs.iter().copied().collect::<Labels>();
        let series = [
            labels(&[("feed", "a"), ("hs", "2"), ("partner", "CN")]),
            labels(&[("feed", "a"), ("hs", "1"), ("partner", "CN")]),
            labels(&[("feed", "b"), ("hs", "2"), ("partner", "MY")]),
            labels(&[("feed", "a"), ("hs", "1"), ("partner", "US")]),
            labels(&[("feed", "a"), ("hs", "1"), ("partner", "MY")]),
            labels(&[("feed", "a"), ("partner", "MY")]),
        ];
        let selector = Selector::new(vec![("partner".into(), Pattern::parse(["!US"]).unwrap())]);
        let told = |selector: &Selector| -> Vec<String> {
            selector.groups(&series).iter().map(|(labels, members)| format!("{labels} {members:?}")).collect()
        };
        assert_eq!(told(&selector).len(), 5);
        assert_eq!(told(&selector)[0], r#"{feed="a", hs="2", partner="CN"} [0]"#);
        let grouped = selector.grouped(vec!["hs".into()]);
        let expected = [r#"{feed="a"} [5]"#, r#"{feed="a", hs="1"} [1, 4]"#, r#"{hs="2"} [0, 2]"#];
        assert_eq!(told(&grouped), expected);
    }

    #[test]
    fn every_label_must_match() {
        let selector = Selector::new(vec![
            ("feed".into(), Pattern::parse(["a"]).unwrap()),
            ("partner".into(), Pattern::parse(["!CN"]).unwrap()),
        ]);
        let labels = |pairs: &[(&str, &str)]| pairs.iter().copied().collect::<Labels>();
        assert!(selector.matches(&labels(&[("feed", "a"), ("partner", "US")])));
        assert!(selector.matches(&labels(&[("feed", "a")])));
        assert!(!selector.matches(&labels(&[("feed", "a"), ("partner", "CN")])));
        assert!(!selector.matches(&labels(&[("feed", "b"), ("partner", "US")])));
        let grade = |text: &str| Selector::new(vec![("grade".into(), Pattern::parse([text]).unwrap())]);
        let (with, without) = (labels(&[("grade", "N52")]), labels(&[("feed", "a")]));
        assert!(grade("*").matches(&with) && !grade("*").matches(&without), "any value is not none");
        assert!(!grade("!*").matches(&with) && grade("!*").matches(&without), "and none is not any");
    }
}
