//! Which series a rule means: patterns on labels.

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
        self.glob.as_ref().map_or_else(|| self.text == value, |glob| glob.is_match(value))
    }
}

/// Patterns on labels that must all match. A label that a series lacks matches only negations.
#[derive(Clone, Debug, Default)]
pub struct Selector {
    patterns: Vec<(String, Pattern)>,
}

impl Selector {
    /// From patterns by label.
    pub fn new(patterns: Vec<(String, Pattern)>) -> Self {
        Self { patterns }
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
        check(&["*"], "", true);
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
    }
}
