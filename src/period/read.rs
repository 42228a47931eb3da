//! Reading periods in the many ways that publishers write them.
//!
//! A form that could mean two things is an error here; a feed that uses one names its format.

use chrono::{Datelike, NaiveDate};

use super::{Frequency, Period, Span};

/// Why a text is no period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// No known form.
    #[error("`{text}` is no period: expected a form like {example}")]
    Unreadable {
        /// The text as found.
        text: String,
        /// The canonical form of what was expected.
        example: &'static str,
    },
    /// A form that could be two dates.
    #[error("`{text}` could be two dates: give the column's `period_format`, such as \"%d/%m/%Y\" or \"%m/%d/%Y\"")]
    Ambiguous {
        /// The text as found.
        text: String,
    },
    /// A period of another frequency than asked for.
    #[error("`{text}` is a {found}: expected a {expected}, like {}", example(*expected))]
    Frequency {
        /// The text as found.
        text: String,
        /// What it is.
        found: Frequency,
        /// What was asked for.
        expected: Frequency,
    },
    /// A text that does not follow the format that the feed names.
    #[error("`{text}` does not follow the format \"{format}\"")]
    Format {
        /// The text as found.
        text: String,
        /// The feed's format.
        format: String,
    },
}

/// The canonical form of a frequency, for messages.
const fn example(frequency: Frequency) -> &'static str {
    match frequency {
        Frequency::Day => "2025-09-18",
        Frequency::Week => "2025-W38",
        Frequency::Month => "2025-09",
        Frequency::Quarter => "2025-Q3",
        Frequency::Year => "2025",
    }
}

impl Period {
    /// Reads the canonical form; the frequency is told by the form.
    pub fn parse(text: &str) -> Result<Self, PeriodError> {
        canonical(text).ok_or_else(|| PeriodError::Unreadable {
            text: text.to_owned(),
            example: "2025-09-18, 2025-W38, 2025-09, 2025-Q3 or 2025",
        })
    }
}

impl Span {
    /// Reads the canonical form: a period, or `first/last`.
    pub fn parse(text: &str) -> Result<Self, PeriodError> {
        let Some((first, last)) = text.split_once('/') else { return Period::parse(text).map(Self::from) };
        let unreadable = || PeriodError::Unreadable { text: text.to_owned(), example: "2025-01/2025-02" };
        Self::new(Period::parse(first)?, Period::parse(last)?).ok_or_else(unreadable)
    }

    /// Reads a publisher's text as a period, or some combined periods, of the feed's frequency.
    ///
    /// A longer period may be written as its first or last day (`2025-09-01` in a monthly feed), a
    /// week as any of its days. `format` is the feed's own strftime format, where it names one.
    pub fn read(text: &str, frequency: Frequency, format: Option<&str>) -> Result<Self, PeriodError> {
        let text = text.trim();
        if let Some(format) = format {
            return formatted(text, frequency, format).map(Self::from);
        }
        let found = any_form(text, frequency)?;
        Self::new(fit(found.0, frequency, text)?, fit(found.1, frequency, text)?)
            .ok_or_else(|| PeriodError::Unreadable { text: text.to_owned(), example: example(frequency) })
    }
}

/// `period` as one of `frequency`, where the text may stand for it.
fn fit(period: Period, frequency: Frequency, text: &str) -> Result<Period, PeriodError> {
    if period.frequency() == frequency {
        return Ok(period);
    }
    let wider = Period::containing(period.first_day(), frequency);
    let stands_for_wider = period.frequency() == Frequency::Day
        && (frequency == Frequency::Week
            || period.first_day() == wider.first_day()
            || period.first_day() == wider.last_day());
    if stands_for_wider {
        return Ok(wider);
    }
    Err(PeriodError::Frequency { text: text.to_owned(), found: period.frequency(), expected: frequency })
}

/// The first and last period of a text in any of the known forms.
fn any_form(text: &str, frequency: Frequency) -> Result<(Period, Period), PeriodError> {
    let unreadable = || PeriodError::Unreadable { text: text.to_owned(), example: example(frequency) };
    if text.len() > 64 {
        return Err(unreadable());
    }
    if let Some(months) = months_of_a_year(text) {
        return Ok(months);
    }
    if let Some(period) = single(text)? {
        return Ok((period, period));
    }
    if let Some((start, length)) = text.split_once("/P") {
        let period = single(start)?.and_then(|start| interval(start, length)).ok_or_else(unreadable)?;
        return Ok((period, period));
    }
    for separator in ["/", "..", "–", " to ", " - "] {
        if let Some((first, last)) = text.split_once(separator)
            && let (Some(first), Some(last)) = (single(first.trim())?, single(last.trim())?)
        {
            return Ok((first, last));
        }
    }
    Err(unreadable())
}

/// One period in any of the known forms; `Ok(None)` for no known form.
fn single(text: &str) -> Result<Option<Period>, PeriodError> {
    if let Some(period) = canonical(text) {
        return Ok(Some(period));
    }
    let text = text.split_once('T').filter(|(date, _)| date.len() >= 8).map_or(text, |(date, _)| date);
    let parts: Vec<&str> =
        text.split(['-', '/', '.', ' ', ',', '年', '月', '日', '_']).filter(|part| !part.is_empty()).collect();
    let period = match parts.as_slice() {
        [one] => compact(one),
        [a, b] => two_parts(a, b),
        [a, b, c] => return three_parts(a, b, c, text),
        _ => None,
    };
    Ok(period)
}

/// `2025-09-01/P1M`: a period as its first day and its length (ISO 8601).
fn interval(start: Period, length: &str) -> Option<Period> {
    let frequency = match length {
        "1D" => Frequency::Day,
        "1W" | "7D" => Frequency::Week,
        "1M" => Frequency::Month,
        "3M" => Frequency::Quarter,
        "1Y" | "12M" => Frequency::Year,
        _ => return None,
    };
    let period = Period::containing(start.first_day(), frequency);
    (period.first_day() == start.first_day()).then_some(period)
}

fn canonical(text: &str) -> Option<Period> {
    let bytes = text.as_bytes();
    match (bytes.len(), bytes.get(5)) {
        (4, _) => Period::year(digits(text, 4..=4)?),
        (7, Some(b'Q')) if bytes[4] == b'-' => Period::quarter(year(&text[..4])?, unsigned(&text[6..])?),
        (7, Some(b'0' | b'1')) if bytes[4] == b'-' => Period::month(year(&text[..4])?, unsigned(&text[5..])?),
        (8, Some(b'W')) if bytes[4] == b'-' => Period::week(year(text.get(..4)?)?, unsigned(text.get(6..)?)?),
        (10, Some(_)) if bytes[4] == b'-' && bytes[7] == b'-' => {
            Period::day(year(text.get(..4)?)?, unsigned(text.get(5..7)?)?, unsigned(text.get(8..)?)?)
        }
        _ => None,
    }
}

/// `2025`, `202509`, `20250918`, `2025M09`, `2025Q3`, `2025W38`, `3Q2025`, `Q32025`, `Sep2025`.
fn compact(text: &str) -> Option<Period> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return match text.len() {
            4 => Period::year(year(text)?),
            6 => Period::month(year(&text[..4])?, unsigned(&text[4..])?),
            8 => Period::day(year(&text[..4])?, unsigned(&text[4..6])?, unsigned(&text[6..])?),
            _ => None,
        };
    }
    let head = text.get(..4).and_then(year);
    if let (Some(year), Some(rest)) = (head, text.get(4..)) {
        return lettered(year, rest);
    }
    let split = text.len().checked_sub(4)?;
    let (rest, tail) = (text.get(..split)?, text.get(split..)?);
    let year = year(tail)?;
    lettered(year, rest).or_else(|| Period::month(year, month_name(rest)?))
}

/// `M09`, `Q3`, `3Q`, `W38`, `A1` of a year.
fn lettered(year: i32, text: &str) -> Option<Period> {
    let upper = text.to_ascii_uppercase();
    if let Some(number) = upper.strip_prefix('M') {
        return Period::month(year, short(number)?);
    }
    if let Some(number) = upper.strip_prefix('W') {
        return Period::week(year, short(number)?);
    }
    // SDMX's reporting year.
    if upper == "A1" {
        return Period::year(year);
    }
    let number = upper.strip_prefix('Q').or_else(|| upper.strip_suffix('Q'))?;
    Period::quarter(year, unsigned(number).filter(|_| number.len() == 1)?)
}

/// `2025-9`, `2025 M09`, `2025-3Q`, `Q3 2025`, `09/2025`, `Sep 2025`, `September 2025`, `Sep-25`.
fn two_parts(a: &str, b: &str) -> Option<Period> {
    if let Some(year) = year(a) {
        return short(b)
            .and_then(|month| Period::month(year, month))
            .or_else(|| lettered(year, b))
            .or_else(|| Period::month(year, month_name(b)?));
    }
    if let Some(year) = year(b) {
        return short(a)
            .and_then(|month| Period::month(year, month))
            .or_else(|| lettered(year, a))
            .or_else(|| Period::month(year, month_name(a)?));
    }
    let short_year = digits(b, 2..=2)?;
    Period::month(2000 + short_year - if short_year >= 70 { 100 } else { 0 }, month_name(a)?)
}

/// `2025-9-18`, `2025/09/18`, `18 Sep 2025`, `Sep 18, 2025`; `01/02/2025` could be two dates.
fn three_parts(a: &str, b: &str, c: &str, text: &str) -> Result<Option<Period>, PeriodError> {
    let period = |year: &str, month: Option<u32>, day: &str| Period::day(self::year(year)?, month?, short(day)?);
    if let Some(found) = period(a, short(b), c).or_else(|| period(a, month_name(b), c)) {
        return Ok(Some(found));
    }
    if let Some(found) = period(c, month_name(b), a).or_else(|| period(c, month_name(a), b)) {
        return Ok(Some(found));
    }
    let two_dates = short(a).is_some() && short(b).is_some() && (year(c).is_some() || digits(c, 2..=2).is_some());
    if two_dates { Err(PeriodError::Ambiguous { text: text.to_owned() }) } else { Ok(None) }
}

/// `2025年1-2月`, `Jan-Feb 2025`, `2025 Jan-Feb`: some months of one year as one figure.
fn months_of_a_year(text: &str) -> Option<(Period, Period)> {
    let parts: Vec<&str> = text.split(['-', '–', '/', '.', ' ', '年', '月']).filter(|part| !part.is_empty()).collect();
    let [a, b, c] = parts.as_slice() else { return None };
    let (year, first, last) = match (year(a), year(c)) {
        (Some(year), None) => (year, b, c),
        (None, Some(year)) => (year, a, b),
        _ => return None,
    };
    // Two bare numbers are months only where the text says so.
    let month = |part: &str| if text.ends_with('月') { short(part) } else { month_name(part) };
    let (first, last) = (Period::month(year, month(first)?)?, Period::month(year, month(last)?)?);
    (first < last).then_some((first, last))
}

/// A text by the feed's own strftime format; parts that the format leaves out are the first.
fn formatted(text: &str, frequency: Frequency, format: &str) -> Result<Period, PeriodError> {
    let mut parsed = chrono::format::Parsed::new();
    let wrong = || PeriodError::Format { text: text.to_owned(), format: format.to_owned() };
    chrono::format::parse(&mut parsed, text, chrono::format::StrftimeItems::new(format)).map_err(|_| wrong())?;
    let date = parsed.to_naive_date().ok().or_else(|| {
        let year = parsed.year().or_else(|| parsed.year_mod_100().map(|short| 2000 + short % 100))?;
        let quarter = parsed.quarter().map(|quarter| quarter * 3 - 2);
        NaiveDate::from_ymd_opt(year, parsed.month().or(quarter).unwrap_or(1), parsed.day().unwrap_or(1))
    });
    let date = date.filter(|date| super::YEARS.contains(&date.year())).ok_or_else(wrong)?;
    Ok(Period::containing(date, frequency))
}

/// The month that a name or its first three letters or more mean, in English.
fn month_name(text: &str) -> Option<u32> {
    const NAMES: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let lower = text.to_ascii_lowercase();
    if lower.len() < 3 {
        return None;
    }
    let index = NAMES.iter().position(|name| name.starts_with(&lower))?;
    u32::try_from(index + 1).ok()
}

fn year(text: &str) -> Option<i32> {
    digits(text, 4..=4)
}

/// A month, day or week of one or two digits.
fn short(text: &str) -> Option<u32> {
    unsigned(text).filter(|_| text.len() <= 2)
}

fn unsigned(text: &str) -> Option<u32> {
    u32::try_from(digits(text, 1..=4)?).ok()
}

fn digits(text: &str, length: std::ops::RangeInclusive<usize>) -> Option<i32> {
    let valid = length.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if valid { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line: frequency, text, what it is read as.
    #[test]
    fn publishers_forms_are_read() {
        let table = "
            month|202509|2025-09
            month|2025M09|2025-09
            month|2025M9|2025-09
            month|2026-M08|2026-08
            month|2025-09-01/P1M|2025-09
            month|2025-9|2025-09
            month|Sep-25|2025-09
            month|Sep 2025|2025-09
            month|Sept 2025|2025-09
            month|September 2025|2025-09
            month|09/2025|2025-09
            month|2025/09|2025-09
            month|2025.09|2025-09
            month|2025年9月|2025-09
            month|2025-09-01|2025-09
            month|2025-09-30|2025-09
            month|1960M01|1960-01
            month|2025-09-01T00:00:00|2025-09
            month|2025年1-2月|2025-01/2025-02
            month|Jan-Feb 2025|2025-01/2025-02
            month|2025-01/2025-02|2025-01/2025-02
            month|2025-01..2025-02|2025-01/2025-02
            quarter|2025Q3|2025-Q3
            quarter|2025-3Q|2025-Q3
            quarter|3Q2025|2025-Q3
            quarter|Q3 2025|2025-Q3
            quarter|2025-07-01|2025-Q3
            quarter|2025-07-01T00:00:00/P3M|2025-Q3
            year|2025|2025
            year|2025-12-31|2025
            year|2025-A1|2025
            year|2025-01-01/P1Y|2025
            week|2025W38|2025-W38
            week|2025-09-18|2025-W38
            day|2025-09-18|2025-09-18
            day|20250918|2025-09-18
            day|2025/9/18|2025-09-18
            day|2025年9月18日|2025-09-18
            day|18 Sep 2025|2025-09-18
            day|Sep 18, 2025|2025-09-18
            day|2024-06-30T00:00:00|2024-06-30
        ";
        for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let [frequency, text, expected] = line.split('|').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let frequency = Frequency::from_name(frequency).unwrap();
            let read = Span::read(text, frequency, None);
            assert_eq!(read.map(|span| span.to_string()), Ok(expected.to_owned()), "{line}");
        }
    }

    #[test]
    fn a_format_settles_what_could_be_two() {
        let read = |text, format| Span::read(text, Frequency::Day, format).map(|span| span.to_string());
        assert_eq!(read("01/02/2025", Some("%d/%m/%Y")), Ok("2025-02-01".into()));
        assert_eq!(read("01/02/2025", Some("%m/%d/%Y")), Ok("2025-01-02".into()));
        let month = Span::read("09.25", Frequency::Month, Some("%m.%y")).map(|span| span.to_string());
        assert_eq!(month, Ok("2025-09".into()));
    }

    #[test]
    fn errors_say_what_was_expected() {
        let error = |text, frequency, format| Span::read(text, frequency, format).unwrap_err().to_string();
        insta::assert_snapshot!(error("01/02/2025", Frequency::Day, None), @r#"`01/02/2025` could be two dates: give the column's `period_format`, such as "%d/%m/%Y" or "%m/%d/%Y""#);
        insta::assert_snapshot!(error("2025", Frequency::Month, None), @"`2025` is a year: expected a month, like 2025-09");
        insta::assert_snapshot!(error("2025-13", Frequency::Month, None), @"`2025-13` is no period: expected a form like 2025-09");
        insta::assert_snapshot!(error("2025-02-30", Frequency::Day, None), @"`2025-02-30` is no period: expected a form like 2025-09-18");
        insta::assert_snapshot!(error("2025-09-17", Frequency::Month, None), @"`2025-09-17` is a day: expected a month, like 2025-09");
        insta::assert_snapshot!(error("soon", Frequency::Month, Some("%Y-%m")), @r#"`soon` does not follow the format "%Y-%m""#);
        insta::assert_snapshot!(error("", Frequency::Month, None), @"`` is no period: expected a form like 2025-09");
    }

    #[test]
    fn no_text_is_a_panic() {
        for text in ["年", "2025-Ü", "é025-09", "2025-W", "----", "/", "..", "99999999999999999999", "２０２５"]
        {
            for frequency in Frequency::ALL {
                let _ = Span::read(text, frequency, None);
                let _ = Period::parse(text);
            }
        }
    }
}
