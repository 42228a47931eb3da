//! Expected messages against sent ones, as a diff.

use std::fmt;

use super::play::Sent;
use super::{Expect, Rounded, Stand};
use crate::backtest::{Replay, Standing};
use crate::base::text::{list, printable};

/// One line of the diff.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// Expected and sent.
    Same(String),
    /// Expected and not sent.
    Missing(String),
    /// Sent and not expected.
    Extra(String),
    /// Expected and sent, but it says something else: what, as expected and as found.
    Differs(String, Vec<(String, String)>),
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same(text) => write!(f, "  {text}"),
            Self::Missing(text) => write!(f, "- {text}"),
            Self::Extra(text) => write!(f, "+ {text}"),
            Self::Differs(text, details) => {
                write!(f, "  {text}")?;
                details.iter().try_for_each(|(expected, found)| write!(f, "\n-     {expected}\n+     {found}"))
            }
        }
    }
}

/// Pairs expected and sent messages in order, as many as can be (their longest common subsequence), and
/// says what the others are.
pub fn compare(expected: &[Expect], sent: &[Sent]) -> Vec<Line> {
    let common = lengths(expected, sent);
    let (mut lines, mut e, mut s) = (Vec::new(), 0, 0);
    while e < expected.len() || s < sent.len() {
        match (expected.get(e), sent.get(s)) {
            (Some(expect), Some(found)) if is_meant(expect, found) => {
                lines.push(detail(expect, found));
                (e, s) = (e + 1, s + 1);
            }
            (Some(expect), found) if found.is_none() || common[e + 1][s] >= common[e][s + 1] => {
                lines.push(Line::Missing(expect.to_string()));
                e += 1;
            }
            (_, Some(found)) => {
                lines.push(Line::Extra(found.to_string()));
                s += 1;
            }
            (_, None) => break,
        }
    }
    lines
}

/// For every pair of tails, how many messages they have in common.
fn lengths(expected: &[Expect], sent: &[Sent]) -> Vec<Vec<usize>> {
    let mut common = vec![vec![0; sent.len() + 1]; expected.len() + 1];
    for e in (0..expected.len()).rev() {
        for s in (0..sent.len()).rev() {
            common[e][s] = if is_meant(&expected[e], &sent[s]) {
                common[e + 1][s + 1] + 1
            } else {
                common[e + 1][s].max(common[e][s + 1])
            };
        }
    }
    common
}

/// Whether a message is the one expected, whatever it says in detail.
fn is_meant(expect: &Expect, sent: &Sent) -> bool {
    expect.transition == sent.transition
        && expect.on.is_none_or(|on| on == sent.on)
        && expect.period.is_none_or(|period| Some(period) == sent.period)
}

fn detail(expect: &Expect, sent: &Sent) -> Line {
    let mut details = Vec::new();
    if let Some(severity) = expect.severity.filter(|severity| *severity != sent.severity) {
        details.push((format!("severity: {severity}"), format!("severity: {}", sent.severity)));
    }
    if let Some(title) = expect.title.as_ref().filter(|title| !is_like(title, &sent.title)) {
        details.push((format!("title: {}", printable(title)), format!("title: {}", printable(&sent.title))));
    }
    details.extend(expect.values.iter().filter_map(|(measure, value)| value_differs(measure, value, sent)));
    let text = sent.to_string();
    if details.is_empty() { Line::Same(text) } else { Line::Differs(text, details) }
}

fn value_differs(measure: &str, expected: &Rounded, sent: &Sent) -> Option<(String, String)> {
    let told = format!("{} = {expected}", printable(measure));
    let Some((_, value, words)) = sent.values.iter().find(|(text, _, _)| text == measure) else {
        let known = list(sent.values.iter().map(|(text, _, _)| text));
        return Some((told, format!("no such measure; the rule has {known}")));
    };
    let agrees = value.is_some_and(|value| expected.agrees(value));
    (!agrees).then(|| (told, format!("{} = {words}", printable(measure))))
}

/// How an alert must stand on some days, against how it stood.
pub fn stands(wanted: &[&Stand], replay: &Replay) -> Vec<Line> {
    let stood = |stand: &&Stand| {
        let until = |standing: &&Standing| replay.day(standing.at) <= stand.on;
        stands_as(stand, replay.standings.iter().rev().find(until))
    };
    wanted.iter().map(stood).collect()
}

fn stands_as(wanted: &Stand, found: Option<&Standing>) -> Line {
    let fires = |firing: bool| if firing { "state: firing" } else { "state: ok" }.to_owned();
    let is_held = |reason: &str| format!("held: {}", printable(reason));
    let firing = found.is_some_and(|standing| standing.firing.is_some());
    let held = found.and_then(|standing| standing.held.as_deref());
    let (mut said, mut details) = (vec![wanted.on.to_string()], Vec::new());
    if let Some(wanted) = wanted.firing {
        said.push(fires(wanted));
        details.extend((wanted != firing).then(|| (fires(wanted), fires(firing))));
    }
    if let Some(wanted) = &wanted.held {
        said.push(is_held(wanted));
        let found_held = held.map_or_else(|| "not held".to_owned(), is_held);
        let agrees = held.is_some_and(|held| is_like(wanted, held));
        details.extend((!agrees).then(|| (is_held(wanted), found_held)));
    }
    let day = wanted.on.to_string();
    if details.is_empty() { Line::Same(said.join("  ")) } else { Line::Differs(day, details) }
}

/// Whether a text is like a pattern in which `…` stands for anything.
fn is_like(pattern: &str, text: &str) -> bool {
    let parts: Vec<&str> = pattern.split('…').collect();
    let [first, middle @ .., last] = parts.as_slice() else { return pattern == text };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    for part in middle {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = self.on.map_or_else(|| "on any day".to_owned(), |on| on.to_string());
        let period = self.period.map(|period| format!("  {period}")).unwrap_or_default();
        write!(f, "{on}{period}  {}", self.transition)?;
        self.title.as_ref().map_or(Ok(()), |title| write!(f, "  {}", printable(title)))
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let period = self.period.map(|period| format!("  {period}")).unwrap_or_default();
        write!(f, "{}{period}  {}  {}", self.on, self.transition, printable(&self.title))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::Kind;
    use crate::period::Period;
    use crate::rule::Severity;

    fn sent(on: &str, period: &str, transition: &str) -> Sent {
        Sent {
            on: on.parse().unwrap(),
            period: Some(Period::parse(period).unwrap()),
            transition: Kind::from_name(transition).unwrap(),
            severity: Severity::Critical,
            title: "China → US magnet exports fell: 420.5 t".into(),
            values: vec![("declines".into(), Some(2.0), "2".into()), ("yoy".into(), None, "unknown".into())],
        }
    }

    fn expect(on: Option<&str>, period: Option<&str>, transition: &str) -> Expect {
        Expect {
            alert: 0,
            on: on.map(|on| on.parse().unwrap()),
            period: period.map(|period| Period::parse(period).unwrap()),
            transition: Kind::from_name(transition).unwrap(),
            severity: None,
            title: None,
            values: Vec::new(),
        }
    }

    fn diff(expected: &[Expect], sent: &[Sent]) -> String {
        compare(expected, sent).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_came_is_held_against_what_was_expected() {
        let came = [
            sent("2025-10-20", "2025-09", "fired"),
            sent("2025-11-20", "2025-10", "continued"),
            sent("2025-12-20", "2025-11", "resolved"),
        ];
        let expected = [
            expect(None, Some("2025-09"), "fired"),
            expect(Some("2025-11-20"), None, "resolved"),
            expect(None, Some("2025-11"), "resolved"),
        ];
        insta::assert_snapshot!(diff(&expected, &came), @r"
          2025-10-20  2025-09  fired  China → US magnet exports fell: 420.5 t
        - 2025-11-20  resolved
        + 2025-11-20  2025-10  continued  China → US magnet exports fell: 420.5 t
          2025-12-20  2025-11  resolved  China → US magnet exports fell: 420.5 t
        ");
    }

    #[test]
    fn details_that_differ_are_told_one_by_one() {
        let came = [sent("2025-10-20", "2025-09", "fired")];
        let value = |text: &str| Rounded::parse(text).unwrap();
        let expected = Expect {
            severity: Some(Severity::Warning),
            title: Some("China … rose…".into()),
            values: vec![("declines".into(), value("3")), ("yoy".into(), value("-10%")), ("rises".into(), value("0"))],
            ..expect(None, Some("2025-09"), "fired")
        };
        insta::assert_snapshot!(diff(&[expected], &came), @r"
          2025-10-20  2025-09  fired  China → US magnet exports fell: 420.5 t
        -     severity: warning
        +     severity: critical
        -     title: China … rose…
        +     title: China → US magnet exports fell: 420.5 t
        -     declines = 3
        +     declines = 2
        -     yoy = -10%
        +     yoy = unknown
        -     rises = 0
        +     no such measure; the rule has `declines` and `yoy`
        ");
        let right = Expect {
            severity: Some(Severity::Critical),
            title: Some("China …fell… t".into()),
            values: vec![("declines".into(), value("2"))],
            ..expect(Some("2025-10-20"), None, "fired")
        };
        assert!(matches!(compare(&[right], &came)[..], [Line::Same(_)]));
    }

    #[test]
    fn nothing_expected_means_nothing_sent() {
        assert_eq!(compare(&[], &[]), []);
        assert!(matches!(compare(&[], &[sent("2025-10-20", "2025-09", "fired")])[..], [Line::Extra(_)]));
        assert!(matches!(compare(&[expect(None, Some("2025-09"), "fired")], &[])[..], [Line::Missing(_)]));
    }

    #[test]
    fn an_ellipsis_stands_for_anything() {
        let check =
            |pattern: &str, text: &str, expected: bool| assert_eq!(is_like(pattern, text), expected, "{pattern}");
        check("abc", "abc", true);
        check("abc", "abcd", false);
        check("a…", "abc", true);
        check("…c", "abc", true);
        check("a…c", "abc", true);
        check("…b…", "abc", true);
        check("a…x…c", "abc", false);
        check("ab…bc", "abc", false);
        check("a……c", "abc", true);
        check("…", "", true);
    }
}
