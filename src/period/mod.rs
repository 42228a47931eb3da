//! Calendar periods: a frequency and an ordinal, so that "consecutive" is integer arithmetic.
//!
//! A period is never an instant: nothing here knows a clock, a time zone or what was published.

mod length;
mod read;

use std::fmt;

use chrono::{Datelike, NaiveDate, Weekday};

pub use length::{Length, LengthUnit};
pub use read::PeriodError;

/// How long a period is, and with it which calendar orders its neighbours.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Frequency {
    /// A civil day; neighbours follow the trading calendar.
    Day,
    /// An ISO 8601 week, Monday to Sunday.
    Week,
    /// A calendar month.
    Month,
    /// A calendar quarter.
    Quarter,
    /// A calendar year.
    Year,
}

impl Frequency {
    /// Every frequency, shortest first.
    pub const ALL: [Self; 5] = [Self::Day, Self::Week, Self::Month, Self::Quarter, Self::Year];

    /// The word that the config uses: `day`, `week`, `month`, `quarter`, `year`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// The frequency of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|frequency| frequency.name() == name)
    }
}

impl fmt::Display for Frequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One day, ISO week, month, quarter or year.
///
/// The ordinal counts periods of the frequency: days and ISO weeks since that of 1970-01-01,
/// months, quarters and years since year 0. Printed as `2025-09-18`, `2025-W38`, `2025-09`,
/// `2025-Q3`, `2025`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    frequency: Frequency,
    ordinal: i32,
}

/// The years that a period may lie in; outside them a figure is a mistake.
const YEARS: std::ops::RangeInclusive<i32> = 1000..=9999;

impl Period {
    /// The period of a frequency with an ordinal, as the store keeps it; `None` outside the years 1000 to 9999.
    pub fn from_ordinal(frequency: Frequency, ordinal: i32) -> Option<Self> {
        let period = Self { frequency, ordinal };
        period.checked_first_day().filter(|day| YEARS.contains(&day.year())).map(|_| period)
    }

    /// The period of a frequency that contains a day.
    pub fn containing(date: NaiveDate, frequency: Frequency) -> Self {
        let ordinal = match frequency {
            Frequency::Day => days(date),
            Frequency::Week => (days(date) + 3).div_euclid(7),
            Frequency::Month => date.year() * 12 + i32::try_from(date.month0()).unwrap_or(0),
            Frequency::Quarter => date.year() * 4 + i32::try_from(date.month0() / 3).unwrap_or(0),
            Frequency::Year => date.year(),
        };
        Self { frequency, ordinal }
    }

    /// A calendar month; `None` for a month outside 1 to 12 or a year outside 1000 to 9999.
    pub fn month(year: i32, month: u32) -> Option<Self> {
        Self::in_year(year, Frequency::Month, month, 12)
    }

    /// A calendar quarter; `None` for a quarter outside 1 to 4 or a year outside 1000 to 9999.
    pub fn quarter(year: i32, quarter: u32) -> Option<Self> {
        Self::in_year(year, Frequency::Quarter, quarter, 4)
    }

    /// A calendar year; `None` outside 1000 to 9999.
    pub fn year(year: i32) -> Option<Self> {
        Self::in_year(year, Frequency::Year, 1, 1)
    }

    /// An ISO week; `None` for a week that the ISO year does not have.
    pub fn week(year: i32, week: u32) -> Option<Self> {
        let monday = NaiveDate::from_isoywd_opt(year, week, Weekday::Mon).filter(|_| YEARS.contains(&year))?;
        Some(Self::containing(monday, Frequency::Week))
    }

    /// A civil day; `None` for a date that does not exist.
    pub fn day(year: i32, month: u32, day: u32) -> Option<Self> {
        let date = NaiveDate::from_ymd_opt(year, month, day).filter(|_| YEARS.contains(&year))?;
        Some(Self::containing(date, Frequency::Day))
    }

    fn in_year(year: i32, frequency: Frequency, part: u32, parts: u32) -> Option<Self> {
        let valid = YEARS.contains(&year) && (1..=parts).contains(&part);
        let ordinal = year * i32::try_from(parts).ok()? + i32::try_from(part).ok()? - 1;
        valid.then_some(Self { frequency, ordinal })
    }

    /// The frequency.
    pub const fn frequency(self) -> Frequency {
        self.frequency
    }

    /// The ordinal within the frequency.
    pub const fn ordinal(self) -> i32 {
        self.ordinal
    }

    /// The period `n` later (earlier when negative), saturating at the ordinals' ends.
    pub const fn offset(self, n: i32) -> Self {
        Self { frequency: self.frequency, ordinal: self.ordinal.saturating_add(n) }
    }

    /// The next period.
    pub const fn next(self) -> Self {
        self.offset(1)
    }

    /// The previous period.
    pub const fn previous(self) -> Self {
        self.offset(-1)
    }

    /// How many periods this one is after `earlier`; `None` for another frequency.
    pub fn distance(self, earlier: Self) -> Option<i32> {
        (self.frequency == earlier.frequency).then(|| self.ordinal.saturating_sub(earlier.ordinal))
    }

    /// The first day.
    pub fn first_day(self) -> NaiveDate {
        self.checked_first_day().unwrap_or(NaiveDate::MIN)
    }

    /// The last day.
    pub fn last_day(self) -> NaiveDate {
        self.next().first_day().pred_opt().unwrap_or(NaiveDate::MAX)
    }

    fn checked_first_day(self) -> Option<NaiveDate> {
        let month = |year, month: i32| NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()?, 1);
        match self.frequency {
            Frequency::Day => date(self.ordinal),
            Frequency::Week => date(self.ordinal.checked_mul(7)?.checked_sub(3)?),
            Frequency::Month => month(self.ordinal.div_euclid(12), self.ordinal.rem_euclid(12) + 1),
            Frequency::Quarter => month(self.ordinal.div_euclid(4), self.ordinal.rem_euclid(4) * 3 + 1),
            Frequency::Year => month(self.ordinal, 1),
        }
    }

    /// The period in words for a message: `18 September 2025`, `week 38 of 2025`, `September 2025`,
    /// `the third quarter of 2025`, `2025`.
    pub fn in_words(self) -> String {
        let first = self.first_day();
        match self.frequency {
            Frequency::Day => first.format("%-d %B %Y").to_string(),
            Frequency::Week => format!("week {} of {}", first.iso_week().week(), first.iso_week().year()),
            Frequency::Month => first.format("%B %Y").to_string(),
            Frequency::Quarter => format!("Q{} {}", first.month0() / 3 + 1, first.year()),
            Frequency::Year => first.year().to_string(),
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.first_day();
        match self.frequency {
            Frequency::Day => write!(f, "{}", first.format("%Y-%m-%d")),
            Frequency::Week => write!(f, "{:04}-W{:02}", first.iso_week().year(), first.iso_week().week()),
            Frequency::Month => write!(f, "{:04}-{:02}", first.year(), first.month()),
            Frequency::Quarter => write!(f, "{:04}-Q{}", first.year(), first.month0() / 3 + 1),
            Frequency::Year => write!(f, "{:04}", first.year()),
        }
    }
}

/// One or more neighbouring periods that one figure covers.
///
/// Most figures cover one period; some offices publish two as one (China's January and February).
/// Ordered by the last period. Printed as the period, or as `2025-01/2025-02`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    last: Period,
    length: u16, // Invariant: at least 1.
}

impl Span {
    /// From the first to the last period; `None` when they differ in frequency, are in the wrong
    /// order, or lie more than `u16::MAX` periods apart.
    pub fn new(first: Period, last: Period) -> Option<Self> {
        let length = u16::try_from(last.distance(first)?.checked_add(1)?).ok()?;
        (length >= 1).then_some(Self { last, length })
    }

    /// The first period.
    pub fn first(self) -> Period {
        self.last.offset(1 - i32::from(self.length))
    }

    /// The last period.
    pub const fn last(self) -> Period {
        self.last
    }

    /// How many periods, at least one.
    pub const fn length(self) -> u16 {
        self.length
    }

    /// Whether the figure covers one period alone.
    pub const fn is_single(self) -> bool {
        self.length == 1
    }

    /// Whether a period lies within.
    pub fn contains(self, period: Period) -> bool {
        self.last.frequency == period.frequency && self.first() <= period && period <= self.last
    }

    /// The span in words for a message: `September 2025`, `January 2025 to February 2025`.
    pub fn in_words(self) -> String {
        if self.is_single() {
            return self.last.in_words();
        }
        format!("{} to {}", self.first().in_words(), self.last.in_words())
    }
}

impl From<Period> for Span {
    fn from(period: Period) -> Self {
        Self { last: period, length: 1 }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_single() { self.last.fmt(f) } else { write!(f, "{}/{}", self.first(), self.last) }
    }
}

/// Both kinds travel as their text; the frequency is told by the form.
macro_rules! serde_as_text {
    ($kind:ty, $what:literal) => {
        impl serde::Serialize for $kind {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $kind {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
        impl utoipa::PartialSchema for $kind {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                crate::base::text::schema($what)
            }
        }
        impl utoipa::ToSchema for $kind {}
    };
}
serde_as_text!(Period, "A period: `2025-09-18`, `2025-W38`, `2025-09`, `2025-Q3`, `2025`.");
serde_as_text!(Span, "A period, or the periods that one figure covers: `2025-09`, `2025-01/2025-02`.");

fn days(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - EPOCH_FROM_CE
}

fn date(days: i32) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(days.checked_add(EPOCH_FROM_CE)?)
}

/// 1970-01-01 as a count of days since 0000-12-31.
const EPOCH_FROM_CE: i32 = 719_163;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_period() -> impl Strategy<Value = Period> {
        (1000_i32..=9960, 1_u32..=12, 1_u32..=28, 0_usize..5).prop_map(|(year, month, day, frequency)| {
            let date = NaiveDate::from_ymd_opt(year, month, day).unwrap();
            Period::containing(date, Frequency::ALL[frequency])
        })
    }

    proptest! {
        #[test]
        fn next_and_previous_undo_each_other(period in any_period()) {
            prop_assert_eq!(period.next().previous(), period);
            prop_assert_eq!(period.next().distance(period), Some(1));
            prop_assert!(period < period.next());
        }

        #[test]
        fn neighbours_touch_and_do_not_overlap(period in any_period()) {
            prop_assert_eq!(period.last_day().succ_opt().unwrap(), period.next().first_day());
            prop_assert_eq!(Period::containing(period.first_day(), period.frequency()), period);
            prop_assert_eq!(Period::containing(period.last_day(), period.frequency()), period);
        }

        #[test]
        fn a_period_is_read_as_it_prints(period in any_period()) {
            prop_assert_eq!(Period::parse(&period.to_string()).unwrap(), period);
            prop_assert_eq!(Period::from_ordinal(period.frequency(), period.ordinal()), Some(period));
        }

        #[test]
        fn distance_is_what_offset_walked(period in any_period(), n in -500_i32..500) {
            prop_assert_eq!(period.offset(n).distance(period), Some(n));
        }

        #[test]
        fn a_span_holds_just_its_periods(period in any_period(), length in 1_i32..30) {
            let span = Span::new(period, period.offset(length - 1)).unwrap();
            prop_assert_eq!(i32::from(span.length()), length);
            prop_assert_eq!(span.first(), period);
            prop_assert!(span.contains(period) && span.contains(span.last()));
            prop_assert!(!span.contains(period.previous()) && !span.contains(span.last().next()));
            prop_assert_eq!(Span::parse(&span.to_string()).unwrap(), span);
        }
    }

    #[test]
    fn iso_weeks_follow_the_iso_year() {
        let check = |day: (i32, u32, u32), week: &str| {
            let date = NaiveDate::from_ymd_opt(day.0, day.1, day.2).unwrap();
            assert_eq!(Period::containing(date, Frequency::Week).to_string(), week);
        };
        check((2020, 12, 31), "2020-W53");
        check((2021, 1, 3), "2020-W53");
        check((2021, 1, 4), "2021-W01");
        check((2024, 12, 30), "2025-W01");
        assert_eq!(Period::week(2020, 53).unwrap().next(), Period::week(2021, 1).unwrap());
        assert_eq!(Period::week(2021, 53), None);
    }

    #[test]
    fn another_frequency_has_no_distance() {
        assert_eq!(Period::month(2025, 9).unwrap().distance(Period::year(2025).unwrap()), None);
        assert_eq!(Span::new(Period::month(2025, 9).unwrap(), Period::month(2025, 8).unwrap()), None);
        assert_eq!(Span::new(Period::month(2025, 9).unwrap(), Period::year(2025).unwrap()), None);
    }

    #[test]
    fn words_are_for_people() {
        let words = |text: &str| Span::parse(text).unwrap().in_words();
        assert_eq!(words("2025-09-18"), "18 September 2025");
        assert_eq!(words("2025-W38"), "week 38 of 2025");
        assert_eq!(words("2025-09"), "September 2025");
        assert_eq!(words("2025-Q3"), "Q3 2025");
        assert_eq!(words("2025-01/2025-02"), "January 2025 to February 2025");
    }
}
