//! When a publisher says that it published a figure: an instant, a civil time or a day in its zone.

use chrono::{DateTime, NaiveDateTime};
use chrono_tz::Tz;

use crate::base::civil;
use crate::base::clock::Timestamp;
use crate::period::{Frequency, Span};

/// Civil times without an offset, as publishers write them.
const CIVIL: [&str; 4] = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];

/// Reads RFC 3339, a civil time of the zone, or a day, which begins at its midnight there.
pub fn read(text: &str, zone: Tz) -> Result<Timestamp, String> {
    if let Some(instant) = Timestamp::parse(text) {
        return Ok(instant);
    }
    // As RFC 3339, but for the colon in the offset.
    if let Ok(instant) = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z") {
        return Ok(Timestamp::from_millis(instant.timestamp_millis()));
    }
    if let Some(time) = CIVIL.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok()) {
        return Ok(civil::instant(time, zone));
    }
    // A day that is followed by a time in an unknown form is no day.
    let day = if text.contains(['T', ':']) { None } else { Span::read(text, Frequency::Day, None).ok() };
    let day = day.filter(|day| day.is_single());
    let day = day.ok_or_else(|| {
        let text = crate::base::text::shorten(text, 60);
        format!("`{text}` is no time of publication: expected 2025-10-20T09:00:00Z, 2025-10-20 09:00 or 2025-10-20")
    })?;
    Ok(Timestamp::start_of_day(day.first().first_day(), zone))
}

#[cfg(test)]
mod tests {
    use chrono_tz::{Asia, Europe};

    use super::*;

    #[test]
    fn times_and_days_are_instants_of_the_zone() {
        let check = |text: &str, zone, expected: &str| {
            assert_eq!(read(text, zone).map(|at| at.to_string()), Ok(expected.to_owned()), "{text}");
        };
        check("2025-10-20T09:00:00+02:00", Asia::Shanghai, "2025-10-20T07:00:00Z");
        check("2025-10-20T11:00:00+0200", Asia::Shanghai, "2025-10-20T09:00:00Z");
        check("2025-10-20 09:00:00Z", Asia::Shanghai, "2025-10-20T09:00:00Z");
        check("2025-10-20T09:00:00", Asia::Shanghai, "2025-10-20T01:00:00Z");
        check("2022-08-22T00:14:58.7233333", Asia::Shanghai, "2022-08-21T16:14:58.723Z");
        check("2025-10-20 09:00", Asia::Shanghai, "2025-10-20T01:00:00Z");
        check("2025-10-20", Asia::Shanghai, "2025-10-19T16:00:00Z");
        check("20251020", Asia::Shanghai, "2025-10-19T16:00:00Z");
        check("20 Oct 2025", Asia::Shanghai, "2025-10-19T16:00:00Z");
        check("2026-03-29", Asia::Beirut, "2026-03-28T22:00:00Z");
        check("2026-03-29 02:30", Europe::Berlin, "2026-03-29T01:00:00Z");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in
            ["soon", "01/02/2025", "2025-10", "2025-10-20T25:00:00", "2025-10-20 9am:", "2025-02-30", "1760918400"]
        {
            assert!(read(text, Asia::Shanghai).is_err(), "{text}");
        }
    }
}
