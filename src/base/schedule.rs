//! When something is due: cron expressions in the civil time of a place.
//!
//! The `cron` crate finds the civil times that match; what an instant such a time means, where clocks
//! are set forward or back, is decided here (`civil`): a skipped time runs at the first valid instant
//! after it, a repeated one runs once. Days of the week and the two day fields mean what crontab(5)
//! says, which is not what the crate means by them.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use std::str::FromStr;

use super::civil;
use crate::base::clock::Timestamp;

/// A cron expression and the zone whose civil time it means.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The zone.
    pub zone: Tz,
    /// It ticks whenever one of these does: two, where both the day of the month and the day of the
    /// week are restricted.
    civil: Vec<cron::Schedule>,
}

/// Why a text is no schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no schedule: {reason}", crate::base::text::printable(text))]
pub struct ScheduleError {
    /// The text as found.
    pub text: String,
    /// What was expected and found.
    pub reason: String,
}

/// The words for whole expressions.
const WORDS: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// The fields in order: name, what is allowed.
const FIELDS: [(&str, &str); 7] = [
    ("second", "0 to 59"),
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of month", "1 to 31"),
    ("month", "1 to 12, or JAN to DEC"),
    ("day of week", "0 to 7 (0 and 7 are Sunday), or SUN to SAT"),
    ("year", "1970 to 2100"),
];
const DAY_OF_MONTH: usize = 3;
const DAY_OF_WEEK: usize = 5;

impl Schedule {
    /// Reads five fields as in crontab, six (seconds first) or seven (and years last), or `@daily` and the like.
    ///
    /// Days of the week are 0 to 7, Sunday both 0 and 7, in every form. Where both day fields are
    /// restricted (neither begins with `*` or `?`), a day that matches one of them matches.
    pub fn parse(text: &str, zone: Tz) -> Result<Self, ScheduleError> {
        let error = |reason| ScheduleError { text: text.to_owned(), reason };
        let civil = Fields::read(text).map_err(error)?.alternatives();
        let origin = DateTime::<Utc>::UNIX_EPOCH;
        if civil.iter().all(|schedule| schedule.after(&origin).next().is_none()) {
            return Err(error("no such day ever comes".to_owned()));
        }
        Ok(Self { zone, civil })
    }

    /// The first tick after an instant; `None` when there is none any more.
    pub fn after(&self, after: Timestamp) -> Option<Timestamp> {
        let start = civil::local(after.clamped()?, self.zone).and_utc();
        // Within a repeated hour the next civil times mean instants that are already past.
        let next = |schedule: &cron::Schedule| self.instants(schedule.after(&start)).find(|tick| *tick > after);
        self.civil.iter().filter_map(next).min()
    }

    /// The instants that civil times mean in the zone.
    fn instants(&self, ticks: impl Iterator<Item = DateTime<Utc>>) -> impl Iterator<Item = Timestamp> {
        ticks.map(|tick| civil::instant(tick.naive_utc(), self.zone))
    }
}

trait Clamped: Sized {
    /// This instant, or the first one that schedules know; `None` past the last.
    fn clamped(self) -> Option<Self>;
}

impl Clamped for Timestamp {
    fn clamped(self) -> Option<Self> {
        /// 2101-01-02, past the last year of a schedule in every zone.
        const END: Timestamp = Timestamp::from_millis(4_134_067_200_000);
        // The day before 1970 lets every zone see the first second of 1970.
        (self < END).then(|| self.max(Self::from_millis(-86_400_000)))
    }
}

/// The seven fields of an expression, each one good by itself.
struct Fields {
    /// In the `cron` crate's notation.
    crate_notation: [String; 7],
    /// A day that matches either of the two day fields matches.
    either_day: bool,
}

impl Fields {
    fn read(text: &str) -> Result<Self, String> {
        let trimmed = text.trim();
        let expression = if trimmed.starts_with('@') { word(trimmed)? } else { trimmed };
        let given: Vec<&str> = expression.split_whitespace().collect();
        let all: Vec<&str> = match given.len() {
            5 => [&["0"], given.as_slice(), &["*"]].concat(),
            6 => [given.as_slice(), &["*"]].concat(),
            7 => given,
            count => return Err(wrong_count(count)),
        };
        let mut crate_notation: [String; 7] = Default::default();
        for (index, (field, text)) in crate_notation.iter_mut().zip(&all).enumerate() {
            *field = self::field(index, text)?;
        }
        let either_day = [DAY_OF_MONTH, DAY_OF_WEEK].iter().all(|day| !all[*day].starts_with(['*', '?']));
        Ok(Self { crate_notation, either_day })
    }

    /// One schedule, or two where crontab's rule of the two day fields asks for either.
    fn alternatives(&self) -> Vec<cron::Schedule> {
        let schedule = |open: Option<usize>| {
            let mut fields = self.crate_notation.clone();
            if let Some(day) = open {
                "*".clone_into(&mut fields[day]);
            }
            cron::Schedule::from_str(&fields.join(" ")).expect("every field was read by itself")
        };
        let open: &[Option<usize>] = if self.either_day { &[Some(DAY_OF_MONTH), Some(DAY_OF_WEEK)] } else { &[None] };
        open.iter().copied().map(schedule).collect()
    }
}

fn wrong_count(count: usize) -> String {
    format!(
        "expected five fields (minute, hour, day of month, month, day of week), six (second first), seven (year last) \
         or a word such as @daily, found {count}"
    )
}

fn word(text: &str) -> Result<&'static str, String> {
    let known = WORDS.iter().find(|(word, _)| *word == text).map(|(_, expression)| *expression);
    known.ok_or_else(|| format!("the words are {}", crate::base::text::list(WORDS.map(|(word, _)| word))))
}

/// One field, tried by itself so that an error names it.
fn field(index: usize, text: &str) -> Result<String, String> {
    let (name, allowed) = FIELDS[index];
    let wrong =
        || format!("the {name} is `{}`: expected {allowed}; also a-b, a,b and */n", crate::base::text::printable(text));
    let translated = if index == DAY_OF_WEEK { days_of_week(text).ok_or_else(wrong)? } else { text.to_owned() };
    let mut alone = ["*"; 7];
    alone[index] = &translated;
    match cron::Schedule::from_str(&alone.join(" ")) {
        Ok(_) => Ok(translated),
        Err(_) => Err(wrong()),
    }
}

/// Days of the week from crontab's numbers (0 to 7, Sunday is 0 and 7) to the crate's (1 to 7, Sunday is 1).
fn days_of_week(text: &str) -> Option<String> {
    let mut days = std::collections::BTreeSet::new();
    for item in text.split(',') {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, step.parse::<u32>().ok().filter(|step| (1..=7).contains(step))?),
            None => (item, 1),
        };
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (day_of_week(first)?, day_of_week(last)?),
            None if matches!(range, "*" | "?") => (0, 6),
            None if item.contains('/') => (day_of_week(range)?, 6),
            None => (day_of_week(range)?, day_of_week(range)?),
        };
        // `SAT-SUN`, `6-0`: a Sunday that ends a range is the seventh day.
        let last = if last == 0 && first > 0 { 7 } else { last };
        if first > last {
            return None;
        }
        days.extend((first..=last).step_by(step as usize).map(|day| day % 7 + 1));
    }
    if days.len() == 7 && text.starts_with(['*', '?']) {
        return Some("*".to_owned());
    }
    Some(days.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
}

/// 0 (Sunday) to 7 (Sunday), or a name of three letters or more.
fn day_of_week(text: &str) -> Option<u32> {
    const NAMES: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
    if text.len() == 1 {
        return text.parse().ok().filter(|day| *day <= 7);
    }
    let lower = text.to_ascii_lowercase();
    let index = NAMES.iter().position(|name| lower.len() >= 3 && name.starts_with(&lower))?;
    u32::try_from(index).ok()
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, NaiveDate, Timelike};
    use chrono_tz::{America, Asia, Australia, Europe, UTC};
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    /// The first ticks of an expression after an instant, as instants.
    #[track_caller]
    fn check(text: &str, zone: Tz, after: &str, expected: &[&str]) {
        let schedule = Schedule::parse(text, zone).unwrap();
        let ticks = std::iter::successors(schedule.after(at(after)), |tick| schedule.after(*tick));
        let ticks: Vec<String> = ticks.take(expected.len()).map(|tick| tick.to_string()).collect();
        assert_eq!(ticks, expected, "{text} {zone}");
    }

    #[test]
    fn five_six_and_seven_fields_and_words() {
        let after = "2025-09-30T23:59:59Z";
        check("30 9 20 * *", Asia::Shanghai, after, &["2025-10-20T01:30:00Z", "2025-11-20T01:30:00Z"]);
        check("15 30 9 20 * *", UTC, after, &["2025-10-20T09:30:15Z"]);
        check("0 0 12 1 1 * 2028", UTC, after, &["2028-01-01T12:00:00Z"]);
        check("*/20 8-9 * * *", UTC, "2025-09-30T08:40:00Z", &["2025-09-30T09:00:00Z", "2025-09-30T09:20:00Z"]);
        check("0 0 29 feb *", UTC, after, &["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]);
        check("@hourly", UTC, after, &["2025-10-01T00:00:00Z", "2025-10-01T01:00:00Z"]);
        check("@daily", UTC, after, &["2025-10-01T00:00:00Z", "2025-10-02T00:00:00Z"]);
        check("@weekly", UTC, after, &["2025-10-05T00:00:00Z", "2025-10-12T00:00:00Z"]);
        check("@monthly", UTC, after, &["2025-10-01T00:00:00Z", "2025-11-01T00:00:00Z"]);
        check("@yearly", UTC, after, &["2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"]);
    }

    /// The days of the week that an expression ticks on, in the week of Sunday 5 October 2025.
    #[track_caller]
    fn check_week(text: &str, expected: &str) {
        let schedule = Schedule::parse(text, UTC).unwrap();
        let ticks = std::iter::successors(schedule.after(at("2025-10-04T23:59:59Z")), |tick| schedule.after(*tick));
        let week = ticks.take_while(|tick| *tick < at("2025-10-12T00:00:00Z"));
        let days: Vec<String> = week.map(|tick| tick.utc().weekday().to_string()).collect();
        assert_eq!(days.join(" "), expected, "{text}");
    }

    #[test]
    fn days_of_the_week_are_crontabs() {
        check_week("0 0 * * 0", "Sun");
        check_week("0 0 * * 7", "Sun");
        check_week("0 0 * * 1", "Mon");
        check_week("0 0 * * 1-5", "Mon Tue Wed Thu Fri");
        check_week("0 0 * * MON-FRI", "Mon Tue Wed Thu Fri");
        check_week("0 0 * * sat-sun", "Sun Sat");
        check_week("0 0 * * 5-7", "Sun Fri Sat");
        check_week("0 0 * * 0-6", "Sun Mon Tue Wed Thu Fri Sat");
        check_week("0 0 * * 1,Wednesday,5", "Mon Wed Fri");
        check_week("0 0 * * */2", "Sun Tue Thu Sat");
        check_week("0 0 * * 1-5/2", "Mon Wed Fri");
        check_week("0 0 0 * * 1", "Mon");
        check_week("0 0 0 * * 1 2025", "Mon");
    }

    #[test]
    fn two_restricted_day_fields_mean_either() {
        check_week("0 0 7 * 5", "Tue Fri");
        check_week("0 0 */2 * 2,3", "Tue");
        check_week("0 0 7,8 * */2", "Tue");
        check_week("0 0 ? * 5", "Fri");
        // One of the two never comes, the other does.
        check("0 0 30 2 1", UTC, "2025-10-05T00:00:00Z", &["2026-02-02T00:00:00Z", "2026-02-09T00:00:00Z"]);
    }

    #[test]
    fn a_tick_in_a_spring_gap_runs_at_the_first_valid_instant() {
        check("30 2 * * *", Europe::Berlin, "2026-03-28T12:00:00Z", &["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
        // Four ticks in the gap and the one right after it are one.
        check(
            "*/15 1-3 * * *",
            Europe::Berlin,
            "2026-03-29T00:40:00Z",
            &["2026-03-29T00:45:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:15:00Z"],
        );
        check(
            "30 2 * * *",
            America::New_York,
            "2026-03-08T00:00:00Z",
            &["2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"],
        );
        check("@daily", Asia::Beirut, "2026-03-28T00:00:00Z", &["2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z"]);
        check(
            "15 2 * * *",
            Australia::Lord_Howe,
            "2026-10-03T00:00:00Z",
            &["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"],
        );
    }

    #[test]
    fn a_tick_in_an_autumn_fold_runs_once() {
        check("30 2 * * *", Europe::Berlin, "2026-10-24T12:00:00Z", &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
        check(
            "30 1 * * *",
            America::New_York,
            "2026-11-01T00:00:00Z",
            &["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"],
        );
        check(
            "45 1 * * *",
            Australia::Lord_Howe,
            "2026-04-04T00:00:00Z",
            &["2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"],
        );
        // From within the second run of the hour, its civil times are past.
        check("*/30 * * * *", Europe::Berlin, "2026-10-25T01:10:00Z", &["2026-10-25T02:00:00Z"]);
    }

    #[test]
    fn no_instant_is_a_panic_or_an_endless_search() {
        let schedule = Schedule::parse("* * * * * *", Asia::Beirut).unwrap();
        assert_eq!(schedule.after(Timestamp::from_millis(i64::MAX)), None);
        assert!(schedule.after(Timestamp::from_millis(i64::MIN)).is_some());
        let past = Schedule::parse("0 0 0 1 1 * 2020", UTC).unwrap();
        assert_eq!(past.after(at("2025-01-01T00:00:00Z")), None);
    }

    #[test]
    fn errors_name_the_field_and_what_is_allowed() {
        let wrong = [
            "0 25 * * *",
            "0 9 20 * MON-FOO",
            "0 9 20 * 8",
            "0 9 20 13 *",
            "*/0 9 20 * *",
            "0 9 20 * 5-1",
            "0 9 20",
            "",
            "@often",
            "0 0 30 2 *",
            "0 0 31 4,6 *",
            "0 9 L * *",
            "0 9 \u{1b} * *",
        ];
        let errors = wrong.map(|text| Schedule::parse(text, UTC).unwrap_err().to_string());
        insta::assert_snapshot!(errors.join("\n"), @r#"
        `0 25 * * *` is no schedule: the hour is `25`: expected 0 to 23; also a-b, a,b and */n
        `0 9 20 * MON-FOO` is no schedule: the day of week is `MON-FOO`: expected 0 to 7 (0 and 7 are Sunday), or SUN to SAT; also a-b, a,b and */n
        `0 9 20 * 8` is no schedule: the day of week is `8`: expected 0 to 7 (0 and 7 are Sunday), or SUN to SAT; also a-b, a,b and */n
        `0 9 20 13 *` is no schedule: the month is `13`: expected 1 to 12, or JAN to DEC; also a-b, a,b and */n
        `*/0 9 20 * *` is no schedule: the minute is `*/0`: expected 0 to 59; also a-b, a,b and */n
        `0 9 20 * 5-1` is no schedule: the day of week is `5-1`: expected 0 to 7 (0 and 7 are Sunday), or SUN to SAT; also a-b, a,b and */n
        `0 9 20` is no schedule: expected five fields (minute, hour, day of month, month, day of week), six (second first), seven (year last) or a word such as @daily, found 3
        `` is no schedule: expected five fields (minute, hour, day of month, month, day of week), six (second first), seven (year last) or a word such as @daily, found 0
        `@often` is no schedule: the words are `@hourly`, `@daily`, `@midnight`, `@weekly`, `@monthly`, `@yearly` and `@annually`
        `0 0 30 2 *` is no schedule: no such day ever comes
        `0 0 31 4,6 *` is no schedule: no such day ever comes
        `0 9 L * *` is no schedule: the day of month is `L`: expected 1 to 31; also a-b, a,b and */n
        `0 9 \u{1b} * *` is no schedule: the day of month is `\u{1b}`: expected 1 to 31; also a-b, a,b and */n
        "#);
    }

    fn any_schedule() -> impl Strategy<Value = Schedule> {
        let minute = prop_oneof![Just("0"), Just("*/20"), Just("30"), Just("5,45")];
        let hour = prop_oneof![Just("*"), Just("2"), Just("0,1-3"), Just("*/6")];
        let day = prop_oneof![Just("*"), Just("1,15"), Just("20"), Just("*/10"), Just("31")];
        let weekday = prop_oneof![Just("*"), Just("0"), Just("1-5"), Just("sat")];
        let zone = prop_oneof![
            Just(UTC),
            Just(Europe::Berlin),
            Just(America::New_York),
            Just(Asia::Beirut),
            Just(Australia::Lord_Howe)
        ];
        (minute, hour, day, weekday, zone).prop_map(|(minute, hour, day, weekday, zone)| {
            Schedule::parse(&format!("{minute} {hour} {day} * {weekday}"), zone).unwrap()
        })
    }

    proptest! {
        #[test]
        fn ticks_are_after_and_none_is_left_out(schedule in any_schedule(), minutes in 0_i64..500_000) {
            let start = at("2026-01-01T00:00:00Z").millis() + minutes * 60_000;
            let from = Timestamp::from_millis(start);
            let tick = schedule.after(from).unwrap();
            prop_assert!(tick > from);
            let before = Timestamp::from_millis(tick.millis() - 1);
            prop_assert_eq!(schedule.after(before), Some(tick));
        }
    }

    /// Every day of 2026 that crontab(5) would call a match, by a reading of its own.
    #[test]
    fn a_year_agrees_with_a_plain_reading() {
        let schedule = Schedule::parse("30 6 1,15 * 1", UTC).unwrap();
        let mut tick = at("2025-12-31T23:59:59Z");
        for day in NaiveDate::from_ymd_opt(2026, 1, 1).unwrap().iter_days().take_while(|day| day.year() == 2026) {
            if matches!(day.day(), 1 | 15) || day.weekday() == chrono::Weekday::Mon {
                tick = schedule.after(tick).unwrap();
                let civil = tick.utc().naive_utc();
                assert_eq!((civil.date(), civil.hour(), civil.minute()), (day, 6, 30));
            }
        }
    }
}
