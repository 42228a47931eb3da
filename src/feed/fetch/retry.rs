//! When an attempt is followed by another, and what a publisher's Retry-After says.

use std::time::{Duration, UNIX_EPOCH};

use super::Limits;
use super::error::FetchError;
use crate::base::clock::Timestamp;
use crate::base::limits::RETRY_AFTER_MAX;

/// The wait before the next attempt, or `None` where there is none: the error does not pass, the
/// attempts are used up, or the publisher asks for a longer wait than a fetch takes. `jitter` is drawn
/// evenly from 0..1 by the caller.
pub fn wait(limits: &Limits, attempt: u32, error: &FetchError, jitter: f64) -> Option<Duration> {
    if attempt >= limits.tries || !error.passes() {
        return None;
    }
    let bound = limits.wait.saturating_mul(2_u32.saturating_pow(attempt - 1)).min(limits.wait_max);
    let wait = bound.mul_f64(jitter.clamp(0.0, 1.0)).max(error.retry_after().unwrap_or_default());
    (wait <= limits.wait_max).then_some(wait)
}

/// Reads Retry-After: seconds, with a fraction too, or an HTTP date.
pub fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let seconds = text.parse::<f64>().ok().filter(|_| text.starts_with(|c: char| c.is_ascii_digit()));
    let wait = match seconds {
        Some(seconds) => Duration::try_from_secs_f64(seconds.min(RETRY_AFTER_MAX.as_secs_f64())).ok()?,
        None => {
            let date = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
            Timestamp::from_millis(0).plus(date).since(now)
        }
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::super::error::Phase;
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = Timestamp::parse("2025-10-20T09:00:00Z").unwrap();
        let check = |text: &str, millis: Option<u64>| {
            assert_eq!(retry_after(text, now), millis.map(Duration::from_millis), "{text}");
        };
        check("120", Some(120_000));
        check(" 64.57 ", Some(64_570));
        check("0", Some(0));
        check("Mon, 20 Oct 2025 09:01:00 GMT", Some(60_000));
        check("Mon, 20 Oct 2025 08:00:00 GMT", Some(0));
        check("999999999", Some(6 * 3_600_000));
        check("1e300", Some(6 * 3_600_000));
        for text in ["-1", "NaN", "inf", "soon", "", "Mon, 99 Oct 2025 09:01:00 GMT"] {
            check(text, None);
        }
    }

    #[test]
    fn waits_double_with_jitter_and_end() {
        let seconds = Duration::from_secs;
        let limits = Limits { tries: 4, wait: seconds(1), wait_max: seconds(3), ..Limits::DEFAULT };
        let status = |status, retry_after| FetchError::Status { status, said: None, retry_after };
        let check = |attempt, error: &FetchError, jitter, expected| {
            assert_eq!(wait(&limits, attempt, error, jitter), expected, "{attempt} {error}");
        };
        check(1, &status(503, None), 1.0, Some(seconds(1)));
        check(2, &status(503, None), 0.5, Some(seconds(1)));
        check(3, &status(503, None), 1.0, Some(seconds(3)));
        check(1, &status(503, None), 0.0, Some(seconds(0)));
        check(4, &status(503, None), 0.0, None);
        check(1, &status(429, Some(seconds(2))), 0.0, Some(seconds(2)));
        check(1, &status(429, Some(seconds(60))), 0.0, None);
        check(1, &FetchError::Unreachable { cause: String::new() }, 1.0, Some(seconds(1)));
        check(1, &FetchError::BrokeOff { received: 0, cause: String::new() }, 1.0, Some(seconds(1)));
        check(1, &FetchError::TimedOut { phase: Phase::Silence, after: seconds(1) }, 1.0, Some(seconds(1)));
        for permanent in [204, 304, 400, 401, 403, 404, 410, 501, 505] {
            check(1, &status(permanent, None), 0.0, None);
        }
        for passing in [408, 425, 429, 500, 502, 503, 504, 520, 599] {
            check(1, &status(passing, None), 0.0, Some(seconds(0)));
        }
        check(1, &FetchError::TooLarge { limit: 1 }, 0.0, None);
        check(1, &FetchError::TimedOut { phase: Phase::Total, after: seconds(1) }, 0.0, None);
    }
}
