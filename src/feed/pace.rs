//! How often a publisher lets itself be asked: pauses between requests, and quotas that outlive a restart.
//!
//! It counts nothing: calls are counted by the store, pauses are kept by the poll loop.

use std::fmt;
use std::time::Duration;

use chrono::{Datelike, TimeZone, Utc};

use crate::base::clock::Timestamp;

/// How often a publisher may be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// Who counts: feeds of the same account share it. Empty where nobody does.
    pub account: String,
    /// The least time between two requests.
    pub spacing: Duration,
    /// How many requests there may be.
    pub quota: Option<Quota>,
}

/// What the config says of a publisher's pace in the place of the publisher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnPace {
    /// The least time between two requests.
    pub spacing: Option<Duration>,
    /// How many requests there may be.
    pub quota: Option<Quota>,
}

impl OwnPace {
    /// A publisher's pace as the config has it; where no account counts, the feed does.
    pub fn over(self, pace: Pace, feed: &str) -> Pace {
        let account = if pace.account.is_empty() { format!("feed {feed}") } else { pace.account };
        Pace { account, spacing: self.spacing.unwrap_or(pace.spacing), quota: self.quota.or(pace.quota) }
    }
}

/// How many requests there may be within a day or a month (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Requests.
    pub calls: u32,
    /// Within which time.
    pub window: QuotaWindow,
}

/// The time over which a quota counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaWindow {
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A calendar month.
    Month,
}

impl QuotaWindow {
    /// Every window with its name.
    pub const ALL: [(&'static str, Self); 3] = [("hour", Self::Hour), ("day", Self::Day), ("month", Self::Month)];

    /// When the window that holds an instant began, and when the next begins.
    pub fn around(self, now: Timestamp) -> (Timestamp, Timestamp) {
        const HOUR: i64 = 3_600_000;
        let floor = |length: i64| now.millis().div_euclid(length) * length;
        let of = |start: i64, length: i64| (Timestamp::from_millis(start), Timestamp::from_millis(start + length));
        match self {
            Self::Hour => of(floor(HOUR), HOUR),
            Self::Day => of(floor(24 * HOUR), 24 * HOUR),
            Self::Month => {
                let date = now.date(chrono_tz::UTC);
                let first = |year, month| {
                    let first = Utc.with_ymd_and_hms(year, month, 1, 0, 0, 0).single();
                    first.map_or(now, |first| Timestamp::from_millis(first.timestamp_millis()))
                };
                let next = if date.month() == 12 { (date.year() + 1, 1) } else { (date.year(), date.month() + 1) };
                (first(date.year(), date.month()), first(next.0, next.1))
            }
        }
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let window = QuotaWindow::ALL.iter().find(|(_, window)| *window == self.window).map_or("", |(name, _)| name);
        write!(f, "{} requests a {window}", self.calls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_begins_and_ends_by_the_calendar() {
        for (window, now, expected) in [
            (QuotaWindow::Hour, "2025-12-31T23:59:59Z", ("2025-12-31T23:00:00Z", "2026-01-01T00:00:00Z")),
            (QuotaWindow::Day, "2025-12-31T00:00:00Z", ("2025-12-31T00:00:00Z", "2026-01-01T00:00:00Z")),
            (QuotaWindow::Month, "2025-12-31T23:59:59Z", ("2025-12-01T00:00:00Z", "2026-01-01T00:00:00Z")),
            (QuotaWindow::Month, "2024-02-29T12:00:00Z", ("2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z")),
        ] {
            let at = |text| Timestamp::parse(text).unwrap();
            assert_eq!(window.around(at(now)), (at(expected.0), at(expected.1)), "{now}");
        }
        assert_eq!(Quota { calls: 500, window: QuotaWindow::Month }.to_string(), "500 requests a month");
    }
}
