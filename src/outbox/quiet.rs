//! Quiet hours: when a receiver wants no messages, by the calendar and the clock of its own place.

use chrono::{Datelike, NaiveDate, NaiveTime, TimeDelta, TimeZone, Weekday};
use chrono_tz::Tz;

use crate::base::clock::Timestamp;
use crate::rule::Severity;

/// Days that are looked at for an end: a week and the day after it.
const DAYS_MAX: usize = 8;

/// From one time of the day until another, of the same day or the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    /// When they begin.
    pub from: NaiveTime,
    /// When they end; not after `from`, it is a time of the next day.
    pub to: NaiveTime,
    /// Whose clock it is.
    pub zone: Tz,
    /// The days on which they begin, Monday first.
    pub days: [bool; 7],
    /// Messages that are as bad as this do not wait.
    pub except: Option<Severity>,
}

impl QuietHours {
    /// When a message may be sent, where it has to wait.
    pub fn until(&self, severity: Severity, now: Timestamp) -> Option<Timestamp> {
        if self.except.is_some_and(|except| severity >= except) {
            return None;
        }
        let mut free = now;
        for _ in 0..DAYS_MAX {
            // One may begin as the one before it ends.
            match self.end(free) {
                Some(end) => free = end,
                None => break,
            }
        }
        (free > now).then_some(free)
    }

    /// The end of the quiet hours that a moment is in.
    fn end(&self, at: Timestamp) -> Option<Timestamp> {
        let today = at.date(self.zone);
        let found = |begins: NaiveDate| {
            let ends = if self.to > self.from { begins } else { begins.succ_opt()? };
            let (from, to) = (self.first(begins, self.from), self.last(ends, self.to));
            (self.is_day(begins.weekday()) && from <= at && at < to).then_some(to)
        };
        today.pred_opt().and_then(found).max(found(today))
    }

    fn is_day(&self, day: Weekday) -> bool {
        self.days.get(day.num_days_from_monday() as usize).is_some_and(|is| *is)
    }

    /// The first moment at which the clock shows a time: where it is set back, it shows it twice.
    fn first(&self, day: NaiveDate, time: NaiveTime) -> Timestamp {
        self.moment(day, time, |found| found.earliest())
    }

    /// The last one.
    fn last(&self, day: NaiveDate, time: NaiveTime) -> Timestamp {
        self.moment(day, time, |found| found.latest())
    }

    /// Where the clock is set on and never shows a time, the moment at which it is.
    fn moment(
        &self,
        day: NaiveDate,
        time: NaiveTime,
        which: impl Fn(chrono::LocalResult<chrono::DateTime<Tz>>) -> Option<chrono::DateTime<Tz>>,
    ) -> Timestamp {
        let civil = day.and_time(time);
        let shown = |minutes| which(self.zone.from_local_datetime(&(civil + TimeDelta::minutes(minutes))));
        let found = shown(0).or_else(|| (1..=24 * 60).find_map(shown));
        Timestamp::from_millis(found.map_or_else(|| civil.and_utc().timestamp_millis(), |at| at.timestamp_millis()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(from: &str, to: &str, days: &str) -> QuietHours {
        let time = |text: &str| NaiveTime::parse_from_str(text, "%H:%M").unwrap();
        let all = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let days = all.map(|day| days.is_empty() || days.contains(day));
        QuietHours { from: time(from), to: time(to), zone: chrono_tz::Europe::Berlin, days, except: None }
    }

    #[track_caller]
    fn check(hours: QuietHours, now: &str, expected: &str) {
        let until = hours.until(Severity::Warning, Timestamp::parse(now).unwrap());
        assert_eq!(until.map_or_else(|| "now".to_owned(), |until| until.to_string()), expected, "{now}");
    }

    #[test]
    fn a_night_ends_in_the_morning() {
        let night = hours("22:00", "07:00", "");
        check(night, "2026-01-14T20:59:59Z", "now");
        check(night, "2026-01-14T21:00:00Z", "2026-01-15T06:00:00Z");
        check(night, "2026-01-15T05:59:59Z", "2026-01-15T06:00:00Z");
        check(night, "2026-01-15T06:00:00Z", "now");
        check(hours("12:00", "13:30", ""), "2026-07-01T10:30:00Z", "2026-07-01T11:30:00Z");
    }

    /// The clock is set on at 02:00 on 29 March 2026 and back at 03:00 on 25 October.
    #[test]
    fn the_clock_of_the_place_counts_when_it_is_set() {
        let night = hours("22:00", "07:00", "");
        check(night, "2026-03-28T21:30:00Z", "2026-03-29T05:00:00Z");
        check(night, "2026-10-24T20:30:00Z", "2026-10-25T06:00:00Z");
        // A time that is never shown is the moment at which the clock is set on.
        check(hours("01:00", "02:30", ""), "2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z");
        check(hours("02:30", "07:00", ""), "2026-03-29T00:59:59Z", "now");
        check(hours("02:30", "07:00", ""), "2026-03-29T01:00:00Z", "2026-03-29T05:00:00Z");
        // A time that is shown twice begins with the first and ends with the last.
        check(hours("02:30", "07:00", ""), "2026-10-25T00:30:00Z", "2026-10-25T06:00:00Z");
        check(hours("22:00", "02:30", ""), "2026-10-25T00:45:00Z", "2026-10-25T01:30:00Z");
    }

    #[test]
    fn days_are_those_on_which_it_begins() {
        // 17 January 2026 is a Saturday.
        let weekend = hours("00:00", "00:00", "sat sun");
        check(weekend, "2026-01-16T22:59:59Z", "now");
        check(weekend, "2026-01-16T23:00:00Z", "2026-01-18T23:00:00Z");
        check(weekend, "2026-01-18T23:00:00Z", "now");
        let friday = hours("20:00", "08:00", "fri");
        check(friday, "2026-01-17T06:00:00Z", "2026-01-17T07:00:00Z");
        check(friday, "2026-01-17T20:00:00Z", "now");
    }

    #[test]
    fn what_is_bad_enough_does_not_wait() {
        let night = QuietHours { except: Some(Severity::Critical), ..hours("22:00", "07:00", "") };
        let now = Timestamp::parse("2026-01-14T23:00:00Z").unwrap();
        assert!(night.until(Severity::Warning, now).is_some());
        assert_eq!(night.until(Severity::Critical, now), None);
    }
}
