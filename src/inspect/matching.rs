//! Which alerts are meant, as Alertmanager's API says it: a label, a value or a regular expression, and whether it
//! must or must not match (<https://prometheus.io/docs/alerting/latest/configuration/#matcher>).
//!
//! The program's own silences know globs. What they mean can always be said so; the other way round, what a glob
//! can say.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};

use crate::alert::Matcher;
use crate::base::text::printable;

/// Bytes of a compiled expression, at most.
const COMPILED_MAX: usize = 1 << 20;

/// One condition on a label.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Matcher)]
pub struct Matching {
    /// A label of the series, or `rule`, `alertname` (the same), `severity` or `kind`.
    #[schema(min_length = 1)]
    pub name: String,
    /// The value, or a regular expression on all of it.
    pub value: String,
    /// Whether it is a regular expression.
    #[serde(default)]
    pub is_regex: bool,
    /// Whether it must match; `false`: it must not.
    #[serde(default = "yes")]
    pub is_equal: bool,
}

const fn yes() -> bool {
    true
}

/// A condition that can be tried.
pub struct Test {
    name: String,
    is_equal: bool,
    expected: Expected,
}

enum Expected {
    Value(String),
    Regex(Regex),
}

impl Test {
    /// Whether labels fulfil it; one that they lack is as good as an empty one.
    pub fn holds(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.name).map_or("", String::as_str);
        let matches = match &self.expected {
            Expected::Value(expected) => value == expected,
            Expected::Regex(regex) => regex.is_match(value),
        };
        matches == self.is_equal
    }
}

impl Matching {
    /// Reads `partner="US"`, `partner=~"U.*"`, `partner!="CN"` or `partner!~"C.*"`; the quotes may be left out.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("`{}` is no matcher: expected one such as `partner=\"US\"` or `hs=~\"8505.*\"`", printable(text))
        };
        let at = text.find(['=', '!']).filter(|at| *at > 0).ok_or_else(wrong)?;
        let (name, rest) = text.split_at(at);
        let signs = [("=~", true, true), ("!~", true, false), ("!=", false, false), ("=", false, true)];
        let read = |(sign, is_regex, is_equal)| rest.strip_prefix(sign).map(|value| (value, is_regex, is_equal));
        let (value, is_regex, is_equal) = signs.into_iter().find_map(read).ok_or_else(wrong)?;
        let value = unquoted(value.trim()).ok_or_else(wrong)?;
        Ok(Self { name: name.trim().to_owned(), value, is_regex, is_equal })
    }

    /// The condition, ready to be tried.
    pub fn test(&self) -> Result<Test, String> {
        let Self { name, value, is_regex, is_equal } = self;
        let expected = if *is_regex { Expected::Regex(regex(value)?) } else { Expected::Value(value.clone()) };
        Ok(Test { name: name.clone(), is_equal: *is_equal, expected })
    }

    /// What a silence's patterns mean, condition by condition.
    pub fn all_of(matcher: &Matcher) -> Vec<Self> {
        let patterns = BTreeMap::from(matcher.clone());
        patterns.iter().flat_map(|(name, texts)| of_label(name, texts)).collect()
    }

    /// The patterns that mean the same as some conditions that must all hold.
    pub fn matcher(conditions: &[Self]) -> Result<Matcher, String> {
        let mut wanted: BTreeMap<&str, usize> = BTreeMap::new();
        let mut pairs = Vec::new();
        for condition in conditions {
            let name = if condition.name == "alertname" { "rule" } else { condition.name.as_str() };
            let count = wanted.entry(name).or_default();
            *count += usize::from(condition.is_equal);
            if *count > 1 {
                return Err(format!("`{}` must match twice: say in one matcher what it may be", printable(name)));
            }
            pairs.extend(condition.patterns()?.into_iter().map(|pattern| (name.to_owned(), pattern)));
        }
        Matcher::parse(pairs)
    }

    /// The patterns of one condition.
    fn patterns(&self) -> Result<Vec<String>, String> {
        let refused = |why: &str| Err(format!("`{}` cannot be silenced: {why}", printable(&self.value)));
        let texts = if self.is_regex {
            regex(&self.value)?;
            let Some(globs) = globs(&self.value) else {
                return refused("of regular expressions, silences know `.`, `.*`, `.+` and `|`");
            };
            globs
        } else {
            vec![literal(&self.value)]
        };
        if texts.iter().any(String::is_empty) {
            return refused("that a label is empty is no pattern");
        }
        if texts.iter().any(|text| text.starts_with('!')) {
            return refused("a pattern that begins with `!` means all but that");
        }
        let sign = if self.is_equal { "" } else { "!" };
        Ok(texts.into_iter().map(|text| format!("{sign}{text}")).collect())
    }
}

fn regex(text: &str) -> Result<Regex, String> {
    let whole = format!("^(?:{text})$");
    let built = RegexBuilder::new(&whole).dot_matches_new_line(true).size_limit(COMPILED_MAX).build();
    built.map_err(|error| {
        let why = error.to_string();
        let last = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        format!("`{}` is no regular expression: {}", printable(text), printable(&last))
    })
}

/// A value without its quotes; `None` where they do not close.
fn unquoted(text: &str) -> Option<String> {
    let Some(rest) = text.strip_prefix('"') else { return (!text.contains('"')).then(|| text.to_owned()) };
    let inner = rest.strip_suffix('"')?;
    let (mut value, mut chars) = (String::new(), inner.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => value.push(match chars.next()? {
                'n' => '\n',
                other => other,
            }),
            '"' => return None,
            c => value.push(c),
        }
    }
    Some(value)
}

/// The conditions of a label's patterns: that any of the plain ones matches, and none of the negated ones.
fn of_label(name: &str, texts: &[String]) -> Vec<Matching> {
    let (negated, plain): (Vec<&String>, Vec<&String>) = texts.iter().partition(|text| text.starts_with('!'));
    let condition = |texts: &[&str], is_equal| {
        let (value, is_regex) = match texts {
            [only] if !is_glob(only) => ((*only).to_owned(), false),
            several => (several.iter().map(|text| expression(text)).collect::<Vec<_>>().join("|"), true),
        };
        Matching { name: name.to_owned(), value, is_regex, is_equal }
    };
    let plain: Vec<&str> = plain.iter().map(|text| text.as_str()).collect();
    let wanted = (!plain.is_empty()).then(|| condition(&plain, true));
    wanted.into_iter().chain(negated.iter().map(|text| condition(&[&text[1..]], false))).collect()
}

fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

/// A pattern as a regular expression. A pattern matches no empty value, so that `*` is any value and not none.
fn expression(text: &str) -> String {
    if !is_glob(text) {
        return regex::escape(text);
    }
    let Ok(glob) = globset::Glob::new(text) else { return regex::escape(text) };
    let whole = glob.regex().trim_start_matches("(?-u)").trim_start_matches('^').trim_end_matches('$');
    if whole == ".*" { ".+".to_owned() } else { whole.to_owned() }
}

/// A value as a pattern that matches it alone.
fn literal(value: &str) -> String {
    value.chars().map(escaped).collect()
}

fn escaped(c: char) -> String {
    if matches!(c, '*' | '?' | '[' | '{' | '}') { format!("[{c}]") } else { c.to_string() }
}

/// The globs that match what a regular expression does, where globs can say it.
fn globs(expression: &str) -> Option<Vec<String>> {
    let body = expression.strip_prefix("(?:").or_else(|| expression.strip_prefix('('));
    let body = body.and_then(|rest| rest.strip_suffix(')')).unwrap_or(expression);
    let (mut all, mut glob, mut chars) = (Vec::new(), String::new(), body.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '|' => all.push(std::mem::take(&mut glob)),
            '\\' => glob.push_str(&escaped(chars.next().filter(|c| !c.is_ascii_alphanumeric())?)),
            '.' => match chars.peek() {
                Some('*') => {
                    chars.next();
                    glob.push('*');
                }
                Some('+') => {
                    chars.next();
                    glob.push_str("?*");
                }
                _ => glob.push('?'),
            },
            '(' | ')' | '[' | ']' | '{' | '}' | '^' | '$' | '*' | '+' | '?' => return None,
            c => glob.push_str(&escaped(c)),
        }
    }
    all.push(glob);
    // Alone, `.*` matches a label that is not there, which no glob does; `.+` is any value.
    let said = |glob: String| match glob.as_str() {
        "*" => None,
        "?*" => Some("*".to_owned()),
        _ => Some(glob),
    };
    all.into_iter().map(said).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> BTreeMap<String, String> {
        [("alertname", "falling"), ("partner", "US"), ("hs", "85051110")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    #[test]
    fn a_matcher_is_read_and_tried_as_alertmanager_does() {
        for (text, expected) in [
            ("partner=\"US\"", true),
            ("partner=US", true),
            ("partner = \"US\"", true),
            ("partner!=US", false),
            ("hs=~\"8505.*\"", true),
            ("hs=~\"8505\"", false),
            ("hs!~\"2805.*|72.*\"", true),
            ("grade=\"\"", true),
            ("grade!=\"\"", false),
            ("alertname=~\"fall|rise\"", false),
            ("alertname=~\"fall.*|rise\"", true),
        ] {
            assert_eq!(Matching::parse(text).unwrap().test().unwrap().holds(&labels()), expected, "{text}");
        }
        let quoted = Matching::parse(r#"a="x\"\\y\n""#).unwrap();
        assert_eq!(quoted.value, "x\"\\y\n");
    }

    #[test]
    fn what_is_no_matcher_is_refused() {
        for text in ["", "partner", "=US", "!x", "a=\"x", "a=x\"", "a=\"x\"y\""] {
            assert!(Matching::parse(text).unwrap_err().contains("is no matcher"), "{text}");
        }
        let said = |text: &str| Matching::parse(text).unwrap().test().err().unwrap();
        assert!(said("a=~\"(\"").contains("is no regular expression"), "{}", said("a=~\"(\""));
        assert!(said("a=~\"(\\\\w{1000}){1000}\"").contains("is no regular expression"));
    }

    /// Each line: patterns as silences have them, the conditions that they are told as, and the patterns read back.
    #[test]
    fn what_a_silence_means_is_said_in_conditions_and_read_back() {
        for (pairs, told, back) in [
            (&[("partner", "US")][..], "partner=US", "partner=US"),
            (&[("feed", "mag*")], "feed=~mag.*", "feed=mag*"),
            (&[("partner", "US"), ("partner", "DE")], "partner=~US|DE", "partner=US,DE"),
            (&[("partner", "!CN"), ("partner", "!H*")], "partner!=CN partner!~H.*", "partner=!CN,!H*"),
            (&[("grade", "*")], "grade=~.+", "grade=*"),
            (&[("hs", "850?"), ("severity", "critical")], "hs=~850. severity=critical", "hs=850? severity=critical"),
        ] {
            let pairs = pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
            let conditions = Matching::all_of(&Matcher::parse(pairs).unwrap());
            let sign = |condition: &Matching| match (condition.is_equal, condition.is_regex) {
                (true, true) => "=~",
                (false, true) => "!~",
                (true, false) => "=",
                (false, false) => "!=",
            };
            let text = |condition: &Matching| format!("{}{}{}", condition.name, sign(condition), condition.value);
            assert_eq!(conditions.iter().map(text).collect::<Vec<_>>().join(" "), told);
            assert_eq!(Matching::matcher(&conditions).unwrap().to_string(), back);
        }
    }

    #[test]
    fn what_globs_cannot_say_is_refused_and_what_they_can_is_exact() {
        let matcher = |text: &str| Matching::matcher(&[Matching::parse(text).unwrap()]);
        for text in
            ["a=~\"[ab]\"", "a=~\"x{2}\"", "a=~\"a?\"", "a=~\".*\"", "a=~\"(a|b)c\"", "a=\"\"", "a=\"!x\"", "a=~\"\""]
        {
            assert!(matcher(text).unwrap_err().contains("cannot be silenced"), "{text}");
        }
        assert_eq!(matcher("a=~\"(US|D.)\"").unwrap().to_string(), "a=US,D?");
        assert_eq!(matcher("a=\"50*\"").unwrap().to_string(), "a=50[*]");
        assert_eq!(matcher("a=~\"1\\\\.5\"").unwrap().to_string(), "a=1.5");
        assert_eq!(matcher("alertname=falling").unwrap().to_string(), "rule=falling");
        let twice = [Matching::parse("a=x").unwrap(), Matching::parse("a=~\"x.*\"").unwrap()];
        assert!(Matching::matcher(&twice).unwrap_err().contains("must match twice"));
    }
}
