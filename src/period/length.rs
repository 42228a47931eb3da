//! Calendar lengths such as `30d`, `2w`, `3mo`, `1y`, and how far back they reach from a period.
//!
//! A length is not a duration in seconds: a month before 31 March is the end of February.

use std::fmt;

use chrono::{Days, Months, NaiveDate};

use super::{Frequency, Period};

/// The unit of a calendar length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LengthUnit {
    /// `d`
    Day,
    /// `w`
    Week,
    /// `mo`
    Month,
    /// `y`
    Year,
}

/// A number of days, weeks, months or years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Length {
    /// How many.
    pub count: u32,
    /// Of what.
    pub unit: LengthUnit,
}

impl Length {
    /// Reads `30d`, `2w`, `3mo`, `1y`; also `1m` is refused, since it could be a minute.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (count, unit) = text.split_at(digits);
        let unit = match unit {
            "d" => LengthUnit::Day,
            "w" => LengthUnit::Week,
            "mo" => LengthUnit::Month,
            "y" => LengthUnit::Year,
            _ => return None,
        };
        Some(Self { count: count.parse().ok().filter(|count| *count <= 100_000)?, unit })
    }

    /// The length as a whole number of periods of a frequency, where it is one: `1y` is 12 months,
    /// `30d` is no number of months. Days follow the calendar, so a daily series has none.
    pub fn periods(self, frequency: Frequency) -> Option<i32> {
        use LengthUnit::{Day, Month, Week, Year};
        let count = i32::try_from(self.count).ok()?;
        let whole = |divisor: i32| (count % divisor == 0).then_some(count / divisor);
        match (frequency, self.unit) {
            (Frequency::Day, _) => None,
            (Frequency::Week, Week) | (Frequency::Month, Month) | (Frequency::Year, Year) => Some(count),
            (Frequency::Week, Day) => whole(7),
            (Frequency::Month, Year) => count.checked_mul(12),
            (Frequency::Quarter, Month) => whole(3),
            (Frequency::Quarter, Year) => count.checked_mul(4),
            (Frequency::Year, Month) => whole(12),
            (Frequency::Week, Month | Year) | (Frequency::Month | Frequency::Quarter | Frequency::Year, Day | Week) => {
                None
            }
        }
    }

    /// The day so long after `date`; where the month is shorter, its last day.
    pub fn later(self, date: NaiveDate) -> Option<NaiveDate> {
        match self.unit {
            LengthUnit::Day => date.checked_add_days(Days::new(self.count.into())),
            LengthUnit::Week => date.checked_add_days(Days::new(u64::from(self.count) * 7)),
            LengthUnit::Month => date.checked_add_months(Months::new(self.count)),
            LengthUnit::Year => date.checked_add_months(Months::new(self.count.checked_mul(12)?)),
        }
    }

    /// The day so long before `date`; where the month is shorter, its last day.
    pub fn before(self, date: NaiveDate) -> Option<NaiveDate> {
        match self.unit {
            LengthUnit::Day => date.checked_sub_days(Days::new(self.count.into())),
            LengthUnit::Week => date.checked_sub_days(Days::new(u64::from(self.count) * 7)),
            LengthUnit::Month => date.checked_sub_months(Months::new(self.count)),
            LengthUnit::Year => date.checked_sub_months(Months::new(self.count.checked_mul(12)?)),
        }
    }

    /// The period so long before `period`, where the calendar has one.
    ///
    /// A week a year before is the week with the same number in the ISO year before (week 53 becomes
    /// 52 where that year has none); a week some months before is the one that holds the Thursday
    /// shifted by so many months. `None` where the length is no whole number of periods.
    pub fn back(self, period: Period) -> Option<Period> {
        use chrono::Datelike;
        let frequency = period.frequency();
        match (frequency, self.unit) {
            (Frequency::Day, _) => Some(Period::containing(self.before(period.first_day())?, frequency)),
            (Frequency::Week, LengthUnit::Year) => {
                let week = period.first_day().iso_week();
                let year = week.year().checked_sub(i32::try_from(self.count).ok()?)?;
                Period::week(year, week.week()).or_else(|| Period::week(year, 52))
            }
            (Frequency::Week, LengthUnit::Month) => {
                let thursday = period.first_day().checked_add_days(Days::new(3))?;
                Some(Period::containing(self.before(thursday)?, frequency))
            }
            _ => Some(period.offset(-self.periods(frequency)?)),
        }
    }

    /// The length in words: `3 months`, `1 year`.
    pub fn in_words(self) -> String {
        let unit = match self.unit {
            LengthUnit::Day => "day",
            LengthUnit::Week => "week",
            LengthUnit::Month => "month",
            LengthUnit::Year => "year",
        };
        crate::base::text::counted(self.count as usize, unit)
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            LengthUnit::Day => "d",
            LengthUnit::Week => "w",
            LengthUnit::Month => "mo",
            LengthUnit::Year => "y",
        };
        write!(f, "{}{unit}", self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_and_printed() {
        for text in ["30d", "2w", "3mo", "1y"] {
            assert_eq!(Length::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "d", "3m", "1 y", "-1d", "99999999999d", "1.5y"] {
            assert_eq!(Length::parse(text), None, "{text}");
        }
        assert_eq!(Length::parse("3mo").unwrap().in_words(), "3 months");
    }

    #[test]
    fn a_length_after_a_day() {
        let check = |date: (i32, u32, u32), length: &str, expected: &str| {
            let date = NaiveDate::from_ymd_opt(date.0, date.1, date.2).unwrap();
            assert_eq!(Length::parse(length).unwrap().later(date).unwrap().to_string(), expected);
        };
        check((2025, 1, 31), "1mo", "2025-02-28");
        check((2024, 2, 29), "1y", "2025-02-28");
        check((2025, 12, 30), "3d", "2026-01-02");
        check((2025, 12, 30), "2w", "2026-01-13");
    }

    #[test]
    fn a_length_back_from_a_period() {
        let check = |period: &str, length: &str, expected: Option<&str>| {
            let back = Length::parse(length).unwrap().back(Period::parse(period).unwrap());
            assert_eq!(back.map(|p| p.to_string()).as_deref(), expected, "{period} back {length}");
        };
        check("2025-09", "1y", Some("2024-09"));
        check("2025-09", "3mo", Some("2025-06"));
        check("2025-09", "30d", None);
        check("2025-Q1", "3mo", Some("2024-Q4"));
        check("2025-Q1", "1mo", None);
        check("2025", "12mo", Some("2024"));
        check("2025-W38", "14d", Some("2025-W36"));
        check("2020-W53", "1y", Some("2019-W52"));
        check("2025-W38", "1mo", Some("2025-W34"));
        check("2025-03-31", "1mo", Some("2025-02-28"));
        check("2024-02-29", "1y", Some("2023-02-28"));
        check("2025-10-16", "3mo", Some("2025-07-16"));
    }
}
