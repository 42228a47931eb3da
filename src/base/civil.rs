//! Civil time in a zone, made an instant where clocks are set forward or back.
//!
//! A civil time that a zone skips is the first instant after the gap; one that it has twice is the
//! earlier of the two.

use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;

use crate::base::clock::Timestamp;

/// No zone has ever been so far from another, nor skipped so much, that this does not reach over it.
const REACH_SECONDS: i64 = 48 * 3600;

/// The instant that a civil time in a zone means.
pub fn instant(civil: NaiveDateTime, zone: Tz) -> Timestamp {
    let known = zone.from_local_datetime(&civil).earliest();
    Timestamp::from_millis(known.map_or_else(|| after_gap(civil, zone), |at| at.timestamp_millis()))
}

/// The first instant whose civil time is not before `civil`, which the zone skips: a search by halves,
/// since zones skip any number of seconds.
fn after_gap(civil: NaiveDateTime, zone: Tz) -> i64 {
    let centre = civil.and_utc().timestamp();
    let reached = |seconds: i64| {
        let at = DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::<Utc>::MIN_UTC);
        at.with_timezone(&zone).naive_local() >= civil
    };
    let (mut before, mut reaching) = (centre - REACH_SECONDS, centre + REACH_SECONDS);
    while reaching - before > 1 {
        let middle = before + (reaching - before) / 2;
        if reached(middle) { reaching = middle } else { before = middle }
    }
    reaching * 1000
}

/// The civil time of an instant in a zone.
pub fn local(at: Timestamp, zone: Tz) -> NaiveDateTime {
    at.utc().with_timezone(&zone).naive_local()
}

#[cfg(test)]
mod tests {
    use chrono_tz::{America, Asia, Australia, Europe, Pacific};

    use super::*;

    #[track_caller]
    fn check(zone: Tz, civil: &str, expected: &str) {
        let civil = NaiveDateTime::parse_from_str(civil, "%Y-%m-%d %H:%M").unwrap();
        assert_eq!(instant(civil, zone).to_string(), expected, "{civil} {zone}");
    }

    #[test]
    fn a_skipped_time_is_the_first_after_the_gap() {
        check(Europe::Berlin, "2026-03-29 02:30", "2026-03-29T01:00:00Z");
        check(America::New_York, "2026-03-08 02:00", "2026-03-08T07:00:00Z");
        check(Asia::Beirut, "2026-03-29 00:00", "2026-03-28T22:00:00Z");
        check(Australia::Lord_Howe, "2026-10-04 02:10", "2026-10-03T15:30:00Z");
        // Samoa had no 30 December 2011 at all.
        check(Pacific::Apia, "2011-12-30 09:00", "2011-12-30T10:00:00Z");
    }

    #[test]
    fn a_repeated_time_is_the_earlier() {
        check(Europe::Berlin, "2026-10-25 02:30", "2026-10-25T00:30:00Z");
        check(Australia::Lord_Howe, "2026-04-05 01:45", "2026-04-04T14:45:00Z");
    }
}
