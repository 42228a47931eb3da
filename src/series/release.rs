//! A publisher's release calendar: on which day the figure of a period is due.
//!
//! It says when a figure ought to be out, never whether it is: nothing here looks at figures.

use chrono::{Datelike, Days, Months, NaiveDate};
use chrono_tz::Tz;

use crate::base::clock::Timestamp;
use crate::period::{Length, Period};

/// When the figure of each period is due: `{ day = 20, after = "1mo", grace = "3d", skip = [2] }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The day of the month on which it is due; without it, `after` is counted from the period's last day.
    pub day: Option<u32>,
    /// How long after the period: with `day`, how many months after the month in which the period ends.
    pub after: Length,
    /// How long after it was due a figure is merely late; past that it is overdue.
    pub grace: Length,
    /// The months of the year (1 to 12) in which nothing is released; what would be due then is due in
    /// the next month that has a release.
    pub skip: Vec<u32>,
    /// The publisher's time zone: a due day begins by its clocks.
    pub zone: Tz,
}

/// The next figure of a series or feed in its release calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upcoming {
    /// Its period.
    pub period: Period,
    /// The day on which it is due.
    pub due_on: NaiveDate,
    /// Whether it has kept to that.
    pub punctuality: Punctuality,
}

/// How a figure that is not there yet stands to its calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Punctuality {
    /// It is not due yet.
    Due,
    /// Its day has come, and its grace is not over.
    Late,
    /// Its grace is over.
    Overdue,
}

impl Punctuality {
    /// The word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Late => "late",
            Self::Overdue => "overdue",
        }
    }
}

impl Release {
    /// The figure that follows the latest one; `None` past the calendar's end.
    pub fn upcoming(&self, latest: Period, now: Timestamp) -> Option<Upcoming> {
        let period = latest.offset(1);
        let punctuality = match () {
            () if now >= self.overdue(period)? => Punctuality::Overdue,
            () if now >= self.due(period)? => Punctuality::Late,
            () => Punctuality::Due,
        };
        Some(Upcoming { period, due_on: self.due_on(period)?, punctuality })
    }

    /// The day on which the figure of a period is due; `None` past the calendar's end.
    pub fn due_on(&self, period: Period) -> Option<NaiveDate> {
        let end = period.last_day();
        let Some(day) = self.day else { return self.skipped(self.after.later(end)?, None) };
        let month = self.after.later(end.with_day(1)?)?;
        self.skipped(in_month(month, day)?, Some(day))
    }

    /// When the figure of a period is due: the beginning of its day by the publisher's clocks.
    pub fn due(&self, period: Period) -> Option<Timestamp> {
        Some(Timestamp::start_of_day(self.due_on(period)?, self.zone))
    }

    /// When a figure that is not there yet becomes overdue: the beginning of the day after the grace.
    pub fn overdue(&self, period: Period) -> Option<Timestamp> {
        let last = self.grace.later(self.due_on(period)?)?;
        Some(Timestamp::start_of_day(last.checked_add_days(Days::new(1))?, self.zone))
    }

    /// Moves a day out of the months without a release.
    fn skipped(&self, due: NaiveDate, day: Option<u32>) -> Option<NaiveDate> {
        let (mut due, wanted) = (due, day.unwrap_or(due.day()));
        for _ in 0..12 {
            if !self.skip.contains(&due.month()) {
                return Some(due);
            }
            let next = due.with_day(1)?.checked_add_months(Months::new(1))?;
            due = in_month(next, wanted)?;
        }
        // Every month is skipped, which the config refuses: nothing is ever due.
        None
    }
}

/// A day of the month of `date`, or the month's last day where it is shorter.
fn in_month(date: NaiveDate, day: u32) -> Option<NaiveDate> {
    (day.saturating_sub(3)..=day).rev().find_map(|day| date.with_day(day))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(day: Option<u32>, after: &str, skip: &[u32]) -> Release {
        Release {
            day,
            after: Length::parse(after).unwrap(),
            grace: Length::parse("3d").unwrap(),
            skip: skip.to_vec(),
            zone: chrono_tz::Asia::Shanghai,
        }
    }

    #[track_caller]
    fn check(release: &Release, period: &str, expected: &str) {
        let due = release.due_on(Period::parse(period).unwrap());
        assert_eq!(due.map(|day| day.to_string()).as_deref(), Some(expected), "{period}");
    }

    #[test]
    fn a_figure_is_due_on_a_day_some_months_after_its_period() {
        let customs = release(Some(20), "1mo", &[2]);
        check(&customs, "2025-09", "2025-10-20");
        check(&customs, "2025-12", "2026-01-20");
        check(&customs, "2026-01", "2026-03-20");
        check(&customs, "2026-02", "2026-03-20");
        check(&release(Some(31), "1mo", &[]), "2025-01", "2025-02-28");
        check(&release(Some(31), "1mo", &[2]), "2025-01", "2025-03-31");
        check(&release(Some(15), "2mo", &[]), "2025-Q3", "2025-11-15");
        check(&release(Some(1), "1y", &[]), "2025", "2026-12-01");
    }

    #[test]
    fn without_a_day_it_is_counted_from_the_periods_end() {
        check(&release(None, "1d", &[]), "2025-10-16", "2025-10-17");
        check(&release(None, "10d", &[]), "2025-W38", "2025-10-01");
        check(&release(None, "20d", &[]), "2025-09", "2025-10-20");
        check(&release(None, "1mo", &[]), "2025-01", "2025-02-28");
        check(&release(None, "30d", &[1, 2]), "2024-12", "2025-03-30");
    }

    #[test]
    fn a_due_day_begins_in_the_publishers_zone() {
        let customs = release(Some(20), "1mo", &[]);
        let september = Period::parse("2025-09").unwrap();
        assert_eq!(customs.due(september).unwrap().to_string(), "2025-10-19T16:00:00Z");
        assert_eq!(customs.overdue(september).unwrap().to_string(), "2025-10-23T16:00:00Z");
        let american = Release { zone: chrono_tz::America::New_York, ..customs };
        assert_eq!(american.due(september).unwrap().to_string(), "2025-10-20T04:00:00Z");
    }

    #[test]
    fn the_next_figure_is_due_then_late_then_overdue() {
        let customs = release(Some(20), "1mo", &[2]);
        let stands = |now: &str| {
            let upcoming = customs.upcoming(Period::parse("2025-12").unwrap(), Timestamp::parse(now).unwrap()).unwrap();
            assert_eq!(
                (upcoming.period.to_string().as_str(), upcoming.due_on.to_string().as_str()),
                ("2026-01", "2026-03-20")
            );
            upcoming.punctuality.name()
        };
        assert_eq!(stands("2026-02-25T00:00:00Z"), "due", "there is no release in February");
        assert_eq!(stands("2026-03-19T15:59:59Z"), "due");
        assert_eq!(stands("2026-03-19T16:00:00Z"), "late", "the day begins in Shanghai");
        assert_eq!(stands("2026-03-23T16:00:00Z"), "overdue");
    }

    #[test]
    fn where_every_month_is_skipped_nothing_is_due() {
        let never = release(Some(20), "1mo", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        assert_eq!(never.due(Period::parse("2025-09").unwrap()), None);
    }
}
