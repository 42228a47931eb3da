//! Instants, and the only place in the program that reads the time.
//!
//! Calendar periods are not here (see `period`): an instant says when something became known or is
//! due, never which month a figure belongs to.

use std::fmt;
#[cfg(test)]
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, SecondsFormat, TimeZone, Utc};
use chrono_tz::Tz;

/// An instant: milliseconds since 1970-01-01T00:00:00Z, printed as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, utoipa::ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant so many milliseconds after the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Reads RFC 3339, such as `2025-10-20T01:00:00Z`.
    pub fn parse(text: &str) -> Option<Self> {
        let instant = DateTime::parse_from_rfc3339(text.trim()).ok()?;
        Some(Self(instant.timestamp_millis()))
    }

    /// The first instant of a civil day in a zone (past midnight where the zone has none that day).
    pub fn start_of_day(date: NaiveDate, zone: Tz) -> Self {
        let midnight = date.and_time(chrono::NaiveTime::MIN);
        let earliest = (0..=24 * 4).find_map(|quarter| {
            let civil = midnight + chrono::TimeDelta::minutes(15 * quarter);
            zone.from_local_datetime(&civil).earliest()
        });
        let millis = earliest.map_or_else(|| midnight.and_utc().timestamp_millis(), |at| at.timestamp_millis());
        Self(millis)
    }

    /// The civil day of this instant in a zone.
    pub fn date(self, zone: Tz) -> NaiveDate {
        self.utc().with_timezone(&zone).date_naive()
    }

    /// This instant for the calendar library.
    pub fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or_default()
    }

    /// The instant so long after this one, saturating at the end of time.
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This instant, so much earlier.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` this instant is; zero when it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// A time on the clock: `90s`, `15m`, `72h`, `3d`, and these joined (`1h30m`), up to ten years.
pub fn duration(text: &str) -> Option<Duration> {
    const YEARS: u64 = 10 * 366 * 86_400;
    let (mut rest, mut total) = (text.trim(), 0_u64);
    loop {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let count: u64 = rest[..digits].parse().ok()?;
        let factor = match rest[digits..].chars().next()? {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return None,
        };
        total = total.checked_add(count.checked_mul(factor)?).filter(|total| *total <= YEARS)?;
        rest = &rest[digits + 1..];
        if rest.is_empty() {
            return Some(Duration::from_secs(total));
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = if self.0 % 1000 == 0 { SecondsFormat::Secs } else { SecondsFormat::Millis };
        f.write_str(&self.utc().to_rfc3339_opts(format, true))
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("expected an RFC 3339 time, found `{text}`")))
    }
}

/// Where the time comes from: the machine, or a test's hand.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that stands still until it is set; every clone shows the same time.
    #[cfg(test)]
    Manual(Arc<AtomicI64>),
    /// A clock that goes as that of a paused runtime does, from a time on: it stands still while anything works, and
    /// leaps to the next moment that anybody waits for.
    #[cfg(test)]
    Paused(Timestamp, tokio::time::Instant),
}

impl Clock {
    /// A clock that a test moves by hand.
    #[cfg(test)]
    pub fn manual(start: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(start.millis())))
    }

    /// The clock of the paused runtime that this is called in, which shows `start` now.
    #[cfg(test)]
    pub fn paused(start: Timestamp) -> Self {
        Self::Paused(start, tokio::time::Instant::now())
    }

    /// What time it is.
    #[expect(clippy::disallowed_methods, reason = "this is the one door to the machine's clock")]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp(Utc::now().timestamp_millis()),
            #[cfg(test)]
            Self::Manual(millis) => Timestamp(millis.load(Ordering::SeqCst)),
            #[cfg(test)]
            Self::Paused(start, begun) => start.plus(begun.elapsed()),
        }
    }

    /// Sets a manual clock; the machine's clock is not ours to set, so there it does nothing.
    #[cfg(test)]
    pub fn set(&self, now: Timestamp) {
        if let Self::Manual(millis) = self {
            millis.store(now.millis(), Ordering::SeqCst);
        }
    }
}

/// Time since some fixed point of this boot (CLOCK_MONOTONIC), as the service manager counts it.
pub fn monotonic() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_on_the_clock() {
        for (text, expected) in [
            ("90s", Some(90)),
            ("15m", Some(900)),
            ("72h", Some(259_200)),
            ("3d", Some(259_200)),
            ("1h30m", Some(5400)),
            ("72", None),
            ("", None),
            ("h", None),
            ("3 d", None),
            ("1w", None),
            ("99999999999999999999d", None),
            ("9999999999d", None),
        ] {
            assert_eq!(duration(text).map(|time| time.as_secs()), expected, "{text}");
        }
    }

    #[test]
    fn an_instant_prints_as_it_is_read() {
        for text in ["2025-10-20T01:00:00Z", "1969-12-31T23:59:59.250Z"] {
            assert_eq!(Timestamp::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Timestamp::parse("2025-10-20T09:00:00+08:00"), Timestamp::parse("2025-10-20T01:00:00Z"));
        assert_eq!(Timestamp::parse("yesterday"), None);
    }

    #[test]
    fn a_day_begins_where_its_zone_says() {
        let date = NaiveDate::from_ymd_opt(2025, 10, 20).unwrap();
        let start = |zone| Timestamp::start_of_day(date, zone).to_string();
        assert_eq!(start(chrono_tz::Asia::Shanghai), "2025-10-19T16:00:00Z");
        assert_eq!(start(chrono_tz::UTC), "2025-10-20T00:00:00Z");
        // Beirut's clocks jump over midnight on 2026-03-29: that day begins at one o'clock.
        let spring = NaiveDate::from_ymd_opt(2026, 3, 29).unwrap();
        assert_eq!(Timestamp::start_of_day(spring, chrono_tz::Asia::Beirut).to_string(), "2026-03-28T22:00:00Z");
    }

    #[test]
    fn a_manual_clock_stands_still_until_it_is_set() {
        let clock = Clock::manual(Timestamp::from_millis(5));
        let other = clock.clone();
        other.set(Timestamp::from_millis(7));
        assert_eq!(clock.now().millis(), 7);
    }
}
