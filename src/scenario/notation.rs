//! Figures in a line: `2025-05: 46 353 619 590 420.5 => 600 @ 2025-11-20`.
//!
//! A period with a colon names the first figure; the following ones are its neighbours, until another
//! period begins anew. `_` is missing, and withdrawn after `=>`. `@` says since when a figure is known (a day, or an RFC 3339
//! instant), `=>` that it was revised, and `p`, `e` or `c` after a number that it was preliminary,
//! estimated or confidential.

use std::collections::BTreeSet;
use std::ops::Range;

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::{Figure, Said, known};
use crate::base::clock::Timestamp;
use crate::base::text::printable;
use crate::period::Span;
use crate::series::{Finite, Release, Status};

/// What is wrong with a line of figures, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct NotationError {
    /// The place, in bytes.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What was expected there.
    pub label: &'static str,
}

/// Since when figures are known that do not say so themselves.
#[derive(Clone, Copy, Debug)]
pub struct Calendar<'a> {
    /// By a release calendar, where there is one; else on the day after their period.
    pub release: Option<&'a Release>,
    /// The publisher's zone.
    pub zone: Tz,
}

/// A word of the notation with its place.
#[derive(Clone, Copy)]
struct Word<'a> {
    text: &'a str,
    start: usize,
}

impl Word<'_> {
    fn error(self, message: String, label: &'static str) -> NotationError {
        NotationError { span: self.start..self.start + self.text.len(), message, label }
    }
}

/// Reads figures.
pub fn read_figures(text: &str, calendar: Calendar<'_>) -> Result<Vec<Figure>, NotationError> {
    let mut reader = Reader { words: words(text), at: 0, calendar, length: text.len() };
    let (mut figures, mut next, mut seen) = (Vec::new(), None::<Span>, BTreeSet::new());
    while let Some(word) = reader.next() {
        if let Some(period) = word.text.strip_suffix(':') {
            let span = Span::parse(period).map_err(|error| word.error(printable(&error.to_string()), "no period"))?;
            let first = figures.first().map_or(span, |figure: &Figure| figure.span);
            if span.last().frequency() != first.last().frequency() {
                let message =
                    format!("{span} is a {}, {first} a {}", span.last().frequency(), first.last().frequency());
                return Err(word.error(message, "a series has one frequency"));
            }
            next = Some(span);
            continue;
        }
        let Some(span) = next else {
            return Err(
                word.error("the first figure's period is missing".to_owned(), "expected a period such as `2025-05:`")
            );
        };
        if !seen.insert(span) {
            return Err(word.error(format!("{span} has a figure already"), "the second figure"));
        }
        next = Some(span.last().next().into());
        if word.text != "_" {
            figures.push(reader.figure(span, word)?);
        }
    }
    if figures.is_empty() {
        let message = "there are no figures".to_owned();
        return Err(NotationError {
            span: 0..text.len(),
            message,
            label: "expected figures such as `2025-05: 46 353`",
        });
    }
    figures.sort_by_key(|figure| figure.span);
    Ok(figures)
}

struct Reader<'a> {
    words: Vec<Word<'a>>,
    at: usize,
    calendar: Calendar<'a>,
    length: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<Word<'a>> {
        let word = self.words.get(self.at).copied();
        self.at += 1;
        word
    }

    fn takes(&mut self, text: &str) -> bool {
        let is = self.words.get(self.at).is_some_and(|word| word.text == text);
        self.at += usize::from(is);
        is
    }

    /// What must follow.
    fn expect(&mut self, label: &'static str) -> Result<Word<'a>, NotationError> {
        let end = self.length..self.length;
        self.next().ok_or(NotationError { span: end, message: "the figures end too early".to_owned(), label })
    }

    /// A figure whose first number was read, with its revisions.
    fn figure(&mut self, span: Span, word: Word<'a>) -> Result<Figure, NotationError> {
        let (value, status) = number(word)?;
        let at = if self.takes("@") { self.day()?.1 } else { known(span, self.calendar.release, self.calendar.zone) };
        let mut vintages = vec![Said { value: Some(value), status, at }];
        while self.takes("=>") {
            let (value, status) = revised(self.expect("expected the figure after the revision")?)?;
            if !self.takes("@") {
                let message = format!("since when is the revision of {span} known?");
                let place = self.words.get(self.at - 1).copied().unwrap_or(word);
                return Err(place.error(message, "expected `@` and a day after this"));
            }
            let (place, at) = self.day()?;
            if vintages.last().is_some_and(|before| at <= before.at) {
                let message = format!("{} is not after the vintage before it", place.text);
                return Err(place.error(message, "expected a later day"));
            }
            vintages.push(Said { value, status, at });
        }
        Ok(Figure { span, vintages })
    }

    /// A day, which begins in the publisher's zone, or an instant.
    fn day(&mut self) -> Result<(Word<'a>, Timestamp), NotationError> {
        let word = self.expect("expected a day such as 2025-11-20")?;
        let day = || word.text.parse::<NaiveDate>().ok().map(|day| Timestamp::start_of_day(day, self.calendar.zone));
        let at = Timestamp::parse(word.text).or_else(day);
        let unreadable =
            || word.error(format!("`{}` is no day", printable(word.text)), "expected a day such as 2025-11-20");
        Ok((word, at.ok_or_else(unreadable)?))
    }
}

/// What a revision says: a number, or that there is none.
fn revised(word: Word<'_>) -> Result<(Option<Finite>, Status), NotationError> {
    if word.text == "_" { Ok((None, Status::Final)) } else { number(word).map(|(value, status)| (Some(value), status)) }
}

/// A number with the publisher's mark.
fn number(word: Word<'_>) -> Result<(Finite, Status), NotationError> {
    let (digits, status) = match word.text.as_bytes().last() {
        Some(b'p') => (&word.text[..word.text.len() - 1], Status::Preliminary),
        Some(b'e') => (&word.text[..word.text.len() - 1], Status::Estimated),
        Some(b'c') => (&word.text[..word.text.len() - 1], Status::Confidential),
        _ => (word.text, Status::Final),
    };
    let value = digits
        .parse()
        .ok()
        .and_then(Finite::new)
        .filter(|_| digits.ends_with(|c: char| c.is_ascii_digit() || c == '.'));
    let unreadable =
        || word.error(format!("`{}` is no figure", printable(word.text)), "expected a number, or `_` for missing");
    Ok((value.ok_or_else(unreadable)?, status))
}

/// Words between white space; `=>` and `@` stand by themselves wherever they are.
fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let length = if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        } else if rest.starts_with("=>") {
            2
        } else if c == '@' {
            1
        } else {
            let ends = |(index, c): (usize, char)| c.is_whitespace() || c == '@' || rest[index..].starts_with("=>");
            rest.char_indices().find(|place| ends(*place)).map_or(rest.len(), |(index, _)| index)
        };
        words.push(Word { text: &rest[..length], start: at });
        at += length;
    }
    words
}

/// Figures in the notation, a line for each run of neighbours.
pub fn print_figures(figures: &[Figure], calendar: Calendar<'_>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut next = None;
    for figure in figures {
        let told = print_figure(figure, calendar);
        match lines.last_mut() {
            Some(line) if next == Some(figure.span) => line.push_str(&format!(" {told}")),
            _ => lines.push(format!("{}: {told}", figure.span)),
        }
        next = Some(Span::from(figure.span.last().next()));
    }
    lines
}

fn print_figure(figure: &Figure, calendar: Calendar<'_>) -> String {
    let since = |at: Timestamp| {
        let day = at.date(calendar.zone);
        if Timestamp::start_of_day(day, calendar.zone) == at { day.to_string() } else { at.to_string() }
    };
    let told = |(index, said): (usize, &Said)| {
        let mark = match (said.value, said.status) {
            (None, _) | (_, Status::Final) => "",
            (_, Status::Preliminary) => "p",
            (_, Status::Estimated) => "e",
            (_, Status::Confidential) => "c",
        };
        let value = said.value.map_or_else(|| "_".to_owned(), |value| value.get().to_string());
        let is_usual = index == 0 && said.at == known(figure.span, calendar.release, calendar.zone);
        let at = if is_usual { String::new() } else { format!(" @ {}", since(said.at)) };
        format!("{value}{mark}{at}")
    };
    figure.vintages.iter().enumerate().map(told).collect::<Vec<_>>().join(" => ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::period::{Frequency, Length, Period};

    const UTC: Calendar<'_> = Calendar { release: None, zone: chrono_tz::UTC };

    fn told(figures: &[Figure]) -> Vec<String> {
        let value = |said: &Said| said.value.map_or_else(|| "_".to_owned(), |value| value.get().to_string());
        let said = |said: &Said| format!("{}{} {}", value(said), &said.status.name()[..1], said.at);
        let line = |figure: &Figure| {
            format!("{}: {}", figure.span, figure.vintages.iter().map(said).collect::<Vec<_>>().join(", "))
        };
        figures.iter().map(line).collect()
    }

    #[track_caller]
    fn check(text: &str, calendar: Calendar<'_>, expected: &[&str]) {
        assert_eq!(told(&read_figures(text, calendar).unwrap()), expected);
    }

    #[test]
    fn figures_follow_their_first_period() {
        check(
            "2025-06: 353 _ 590p 420.5 @ 2025-10-20 => 600 @ 2025-11-20T08:00:00+08:00=>-1.5e2c@2025-12-20",
            UTC,
            &[
                "2025-06: 353f 2025-07-01T00:00:00Z",
                "2025-08: 590p 2025-09-01T00:00:00Z",
                "2025-09: 420.5f 2025-10-20T00:00:00Z, 600f 2025-11-20T00:00:00Z, -150c 2025-12-20T00:00:00Z",
            ],
        );
    }

    #[test]
    fn a_figure_is_withdrawn_and_may_be_back() {
        check(
            "2025-06: 353 => _ @ 2025-07-20 => 355 @ 2025-08-20 _",
            UTC,
            &["2025-06: 353f 2025-07-01T00:00:00Z, _f 2025-07-20T00:00:00Z, 355f 2025-08-20T00:00:00Z"],
        );
    }

    #[test]
    fn a_period_begins_anew_and_may_be_combined() {
        check(
            "2025-03: 5\n 2025-01/2025-02: 8",
            UTC,
            &["2025-01/2025-02: 8f 2025-03-01T00:00:00Z", "2025-03: 5f 2025-04-01T00:00:00Z"],
        );
        check(
            "2025-01/2025-02: 8 5",
            UTC,
            &["2025-01/2025-02: 8f 2025-03-01T00:00:00Z", "2025-03: 5f 2025-04-01T00:00:00Z"],
        );
        check("2025-10-16: 1e", UTC, &["2025-10-16: 1e 2025-10-17T00:00:00Z"]);
    }

    fn customs() -> Release {
        let (after, grace) = (Length::parse("1mo").unwrap(), Length::parse("3d").unwrap());
        Release { day: Some(20), after, grace, skip: vec![2], zone: chrono_tz::Asia::Shanghai }
    }

    #[test]
    fn a_calendar_says_since_when() {
        let calendar = Calendar { release: Some(&customs()), zone: chrono_tz::Asia::Shanghai };
        check("2026-01: 1", calendar, &["2026-01: 1f 2026-03-19T16:00:00Z"]);
        check("2026-01: 1 @ 2026-02-20", calendar, &["2026-01: 1f 2026-02-19T16:00:00Z"]);
    }

    #[test]
    fn what_is_wrong_is_underlined() {
        let error = |text: &str| {
            let error = read_figures(text, UTC).unwrap_err();
            format!("{} [{}] {}", error.message, &text[error.span.clone()], error.label)
        };
        let all: Vec<String> = [
            "353 619",
            "2025-6x: 353",
            "2025-06: 353 2025-07-01: 5",
            "2025-06: 353 six",
            "2025-06: inf",
            "2025-06: 1 2025-06: 2",
            "2025-06: 353 => 355",
            "2025-06: 353 => 355 @ July",
            "2025-06: 353 => 355 @ 2025-07-01",
            "2025-06: 353 =>",
            "2025-06: 353 => _",
            "2025-06: 353 @",
            "2025-06: _",
            "",
        ]
        .map(error)
        .to_vec();
        insta::assert_snapshot!(all.join("\n"), @r"
        the first figure's period is missing [353] expected a period such as `2025-05:`
        `2025-6x` is no period: expected a form like 2025-09-18, 2025-W38, 2025-09, 2025-Q3 or 2025 [2025-6x:] no period
        2025-07-01 is a day, 2025-06 a month [2025-07-01:] a series has one frequency
        `six` is no figure [six] expected a number, or `_` for missing
        `inf` is no figure [inf] expected a number, or `_` for missing
        2025-06 has a figure already [2] the second figure
        since when is the revision of 2025-06 known? [355] expected `@` and a day after this
        `July` is no day [July] expected a day such as 2025-11-20
        2025-07-01 is not after the vintage before it [2025-07-01] expected a later day
        the figures end too early [] expected the figure after the revision
        since when is the revision of 2025-06 known? [_] expected `@` and a day after this
        the figures end too early [] expected a day such as 2025-11-20
        there are no figures [2025-06: _] expected figures such as `2025-05: 46 353`
        there are no figures [] expected figures such as `2025-05: 46 353`
        ");
    }

    proptest! {
        #[test]
        fn figures_are_read_as_they_print(
            rows in prop::collection::btree_map(0_i32..40, prop::collection::vec((prop::option::weighted(0.9, -1e6_f64..1e6), 0_usize..4, 1_i64..50_000), 1..4), 1..20),
            frequency in 0_usize..5,
            with_calendar: bool,
        ) {
            let release = customs();
            let calendar = Calendar { release: with_calendar.then_some(&release), zone: chrono_tz::Asia::Shanghai };
            let first = Period::containing(NaiveDate::from_ymd_opt(2025, 1, 1).unwrap(), Frequency::ALL[frequency]);
            let figures: Vec<Figure> = rows.into_iter().map(|(offset, said)| {
                let mut at = Timestamp::parse("2025-01-01T00:00:00Z").unwrap();
                let empty = said.iter().position(|(value, ..)| value.is_some()).unwrap_or(said.len());
                let vintages = said.into_iter().skip(empty).map(|(value, status, minutes)| {
                    at = at.plus(std::time::Duration::from_secs(60 * minutes as u64));
                    let status = value.map_or(Status::Final, |_| Status::ALL[status]);
                    Said { value: value.and_then(Finite::new), status, at }
                }).collect();
                Figure { span: first.offset(offset).into(), vintages }
            }).filter(|figure: &Figure| !figure.vintages.is_empty()).collect();
            prop_assume!(!figures.is_empty());
            let text = print_figures(&figures, calendar).join("\n");
            prop_assert_eq!(read_figures(&text, calendar).unwrap(), figures, "{}", text);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
            let _ = read_figures(&text, UTC);
        }

        #[test]
        fn any_words_are_read_or_refused(words in prop::collection::vec(prop::sample::select(vec!["2025-05:", "9999:", "_", "1", "=>", "@", "2025-11-20", "1e", "é"]), 0..12)) {
            let _ = read_figures(&words.join(" "), UTC);
        }
    }
}
