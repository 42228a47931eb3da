//! What the words of an item say beside its subject: that it corrects another, and until when it holds.
//!
//! It reads phrases that offices use for it, and says nothing of others: an end that is not found is not made up.

use std::sync::LazyLock;

use regex::Regex;

use crate::period::Period;

/// Before or behind a title: that it is a correction of what else it says.
static CORRECTION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^(?:correction|corrected|corrigendum|erratum|更正|勘误)(?:\s*[:：–—-]\s*|\s+(?:to|of)\s+)(?P<behind>\S.+)$
        |^(?P<before>.+?)\s*(?:[;:,–—-]\s*(?:correction|corrected|corrigendum|erratum)|\((?:correction|corrected|更正)\))\.?$",
    )
});

/// A day as offices write it.
static DAY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?P<m1>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s+(?P<d1>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<y1>\d{4})
        |(?P<d2>\d{1,2})(?:st|nd|rd|th)?\s+(?P<m2>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?,?\s+(?P<y2>\d{4})
        |(?P<y3>\d{4})-(?P<m3>\d{2})-(?P<d3>\d{2})
        |(?P<y4>\d{4})年(?P<m4>\d{1,2})月(?P<d4>\d{1,2})日",
    )
});

/// What stands right before the day on which something ends, with an hour between them or not.
static UNTIL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:until|till|through|thru|up\s+to|to|expir\w+(?:\s+(?:on|at))?|ends?(?:\s+(?:on|at))?|ending(?:\s+on)?|至|到)
        \s*(?:and\s+including\s+|midnight\s+(?:on\s+)?|[0-9:]{1,5}\s*[ap]\.?m\.?,?\s*(?:[a-z]{2,8}(?:\s+time)?,?\s+)?(?:on\s+)?)?$",
    )
});

/// What ends: a suspension, a stay, something that is in effect for a time.
static FOR_A_TIME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:suspen[ds]\w*|stay(?:s|ed)?|paus\w+|delay\w*|postpon\w+|waiv\w+|exempt\w*|exclusion\w*|extend\w*|extension\w*
        |temporar\w+|moratori\w+|effective|in\s+effect|in\s+force|remains?|valid)|暂停|中止|推迟|延长|有效",
    )
});

/// Comments are asked for until a day, too, and that is no end of anything.
static COMMENTS: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b(?:comment|submission|hearing)s?\b|征求意见"));

/// Days of a text that are looked at.
const DAYS: usize = 40;
/// Characters of a text that are read.
const READ: usize = 20_000;
/// Characters before a day that are looked at.
const BEFORE: usize = 300;

fn pattern(text: &str) -> Regex {
    let joined: String = text.lines().map(str::trim_start).collect();
    Regex::new(&joined).expect("a pattern of our own")
}

/// The title that a title says to correct: `Correction: X`, `X; Correction`.
pub fn corrected(title: &str) -> Option<String> {
    let found = CORRECTION.captures(title.trim())?;
    let base = found.name("behind").or_else(|| found.name("before"))?;
    Some(base.as_str().trim().to_owned())
}

/// The day on which what a text suspends or allows for a time ends: the last of those that it names.
pub fn ends(text: &str) -> Option<Period> {
    // What is to be said so early that people read it.
    let text = text.char_indices().nth(READ).map_or(text, |(end, _)| &text[..end]);
    let days = DAY.captures_iter(text).take(DAYS).filter_map(|found| {
        let at = found.get(0)?.start();
        is_end(&text[..at]).then(|| day(&found)).flatten()
    });
    days.max()
}

/// Whether what stands before a day says that something ends on it.
fn is_end(before: &str) -> bool {
    let from = before.char_indices().rev().nth(BEFORE).map_or(0, |(at, _)| at);
    let Some(word) = UNTIL.find(&before[from..]) else { return false };
    let sentence = &before[from..from + word.start()];
    // As far as the sentence goes; a point behind a single letter or an abbreviated month ends none.
    let start = sentence.rmatch_indices(['。', '\n']).next().map_or(0, |(at, found)| at + found.len());
    let start = start.max(sentence.rfind(". ").filter(|at| ends_sentence(&sentence[..*at])).map_or(0, |at| at + 2));
    let sentence = &sentence[start..];
    FOR_A_TIME.is_match(sentence) && !COMMENTS.is_match(sentence)
}

/// Whether a point behind a text ends a sentence: not in `U.S.` or `Nov.`.
fn ends_sentence(before: &str) -> bool {
    let word = before.rsplit([' ', '.']).next().unwrap_or_default();
    word.chars().count() > 4 || word.chars().all(|c| c.is_ascii_digit())
}

fn day(found: &regex::Captures<'_>) -> Option<Period> {
    let part = |name: &str| (1..=4).find_map(|form| found.name(&format!("{name}{form}"))).map(|part| part.as_str());
    let (year, month, day) = (part("y")?.parse().ok()?, part("m")?, part("d")?.parse().ok()?);
    let month = match month.parse() {
        Ok(number) => number,
        Err(_) => {
            const MONTHS: &str = "janfebmaraprmayjunjulaugsepoctnovdec";
            u32::try_from(MONTHS.find(&month.to_ascii_lowercase())? / 3).ok()? + 1
        }
    };
    Period::day(year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_correction_names_what_it_corrects() {
        let check = |title: &str, expected: Option<&str>| assert_eq!(corrected(title).as_deref(), expected, "{title}");
        check("Export Controls on Drones; Correction", Some("Export Controls on Drones"));
        check("Correction: Export Controls on Drones", Some("Export Controls on Drones"));
        check("Correction to Export Controls", Some("Export Controls"));
        check("Export Controls (Correction)", Some("Export Controls"));
        check("更正：稀土出口", Some("稀土出口"));
        check("Corrections facilities in Ohio", None);
        check("House of Correction", None);
        check("Correction", None);
    }

    #[test]
    fn an_end_is_one_of_something_that_holds_for_a_time() {
        let check = |text: &str, expected: &str| {
            let found = ends(text).map(|day| day.to_string());
            assert_eq!(found.as_deref().unwrap_or("-"), expected, "{text}");
        };
        check("The controls are suspended until November 10, 2026.", "2026-11-10");
        check("This rule suspends the Affiliates Rule from November 10, 2025 through Nov. 9, 2026.", "2026-11-09");
        check("The stay expires on 10 November 2026, and the U.S. list follows.", "2026-11-10");
        check("The exclusions are extended through 11:59 p.m. Eastern Time on August 31, 2026.", "2026-08-31");
        check("Effective January 1, 2026. Comments are due until March 1, 2026.", "-");
        check("Comments on the suspension are accepted through March 1, 2026.", "-");
        check("The order was published on November 10, 2026.", "-");
        check("Revisions to the list of November 10, 2026, to take effect soon.", "-");
        check("自即日起暂停实施，至2026年11月10日。", "2026-11-10");
        check("The ban is paused until 2026-11-10; it was paused until 2025-11-10.", "2026-11-10");
        check("The suspension lasts until February 30, 2026.", "-");
        check(&format!("{}Suspended until November 10, 2026.", "x".repeat(20_000)), "-");
        check("", "-");
    }
}
