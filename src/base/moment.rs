//! A moment as a question names it: a day, or an instant.

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::clock::Timestamp;

/// A moment.
#[derive(Clone, Copy, Debug)]
pub enum Moment {
    /// All of a day.
    Day(NaiveDate),
    /// An instant.
    Instant(Timestamp),
}

impl<'de> serde::Deserialize<'de> for Moment {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Reads one.
pub fn read(text: &str) -> Result<Moment, String> {
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(Moment::Day);
    let found = Timestamp::parse(text).map(Moment::Instant).or_else(day);
    found.ok_or_else(|| "expected a day such as 2025-10-20, or an instant such as 2025-10-20T01:00:00Z".to_owned())
}

impl Moment {
    /// The instant: of a day, its last.
    pub fn instant(self, zone: Tz) -> Timestamp {
        match self {
            Self::Instant(instant) => instant,
            Self::Day(day) => {
                let next = day.succ_opt().unwrap_or(day);
                Timestamp::from_millis(Timestamp::start_of_day(next, zone).millis() - 1)
            }
        }
    }
}
