//! What a receiver's HTTP answer means, unless its channel knows better.
//!
//! A channel decides by status and body together; this table is what is left when the body says nothing.

use std::time::{Duration, UNIX_EPOCH};

use reqwest::header::HeaderMap;

use super::Sent;
use crate::base::clock::Timestamp;
use crate::base::limits::{ANSWER_BYTES_KEPT, RETRY_AFTER_MAX};
use crate::base::text::printable;
use crate::outbox::Outcome;

/// An HTTP answer, bounded, without secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// How long the receiver asked us to wait.
    pub wait: Option<Duration>,
    /// The beginning of its body; `None` when it was lost on the way.
    pub body: Option<String>,
    /// Its headers, for services that say there when they want more.
    pub headers: HeaderMap,
}

/// A pause after "too many requests" that names no time.
pub const PAUSE_DEFAULT: Duration = Duration::from_secs(60);

impl Answer {
    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON, where it is.
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_str(self.body.as_deref()?).ok()
    }

    /// The service's own clock: when it answered.
    pub fn date(&self) -> Option<Timestamp> {
        timestamp(self.header("date")?)
    }

    /// How long it is until a moment on the service's own clock, within reason; `None` where it told no time.
    pub fn until(&self, moment: Timestamp) -> Option<Duration> {
        Some(within_reason(moment.since(self.date()?)))
    }

    /// The outcome that a service decided on, with the status.
    pub const fn means(&self, outcome: Outcome) -> Sent {
        Sent { outcome, status: Some(self.status) }
    }

    /// The service wants nothing for a while: as long as it says, or `default`.
    pub fn pause(&self, default: Duration) -> Outcome {
        Outcome::Pause { after: self.wait.unwrap_or(default), why: self.told() }
    }

    /// The outcome by status.
    pub fn verdict(&self) -> Sent {
        let why = self.told();
        let outcome = match self.status {
            200..=299 => Outcome::Delivered { remote_ref: None },
            // A redirected POST becomes an empty GET that some page then answers with 200.
            300..=399 => Outcome::Disable { why: format!("{why} (redirects are not followed: use the final address)") },
            401 | 403 | 404 | 410 => Outcome::Disable { why },
            429 => self.pause(PAUSE_DEFAULT),
            407 | 408 | 421 | 423 | 425 => self.retry(false),
            // A gateway that lost its upstream does not know whether the message got through.
            502 | 504 | 520 | 524 => self.retry(true),
            501 => Outcome::Reject { why },
            500..=599 => self.retry(false),
            _ => Outcome::Reject { why },
        };
        self.means(outcome)
    }

    /// A retry after as long as the receiver wishes.
    pub fn retry(&self, maybe_delivered: bool) -> Outcome {
        Outcome::Retry { after: self.wait, why: self.told(), maybe_delivered }
    }

    /// `HTTP 404 Not Found: no such hook`, fit to be kept with the attempt.
    pub fn told(&self) -> String {
        let reason = reqwest::StatusCode::from_u16(self.status).ok().and_then(|status| status.canonical_reason());
        let head =
            reason.map_or_else(|| format!("HTTP {}", self.status), |reason| format!("HTTP {} {reason}", self.status));
        match self.body.as_deref().map(str::trim) {
            None => format!("{head}; the connection was lost before the answer ended"),
            Some("") => head,
            Some(body) => format!("{head}: {}", kept(body)),
        }
    }
}

/// The beginning of a receiver's words, on one line, at most [`ANSWER_BYTES_KEPT`] bytes.
pub fn kept(text: &str) -> String {
    let safe = printable(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    if safe.len() <= ANSWER_BYTES_KEPT {
        return safe;
    }
    let end = (0..=ANSWER_BYTES_KEPT - '…'.len_utf8()).rev().find(|end| safe.is_char_boundary(*end)).unwrap_or(0);
    format!("{}…", &safe[..end])
}

/// A `Retry-After`: seconds, with decimals where a receiver sends them, or an HTTP date; within reason.
pub fn wait(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let wait = if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        Duration::try_from_secs_f64(text.parse().ok()?).unwrap_or(RETRY_AFTER_MAX)
    } else {
        timestamp(text)?.since(now)
    };
    Some(within_reason(wait))
}

/// A time that a service wants us to wait, neither nothing nor for ever.
pub fn within_reason(wait: Duration) -> Duration {
    wait.clamp(Duration::from_secs(1), RETRY_AFTER_MAX)
}

/// An HTTP date.
fn timestamp(text: &str) -> Option<Timestamp> {
    let date = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Timestamp::from_millis(i64::try_from(date.as_millis()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16) -> Answer {
        Answer {
            status,
            wait: Some(Duration::from_secs(7)),
            body: Some("why not".to_owned()),
            headers: HeaderMap::new(),
        }
    }

    #[test]
    fn every_status_has_its_verdict() {
        let table: [(&[u16], &str); 7] = [
            (&[200, 201, 202, 204], "delivered"),
            (&[300, 301, 302, 303, 304, 307, 308], "disable"),
            (&[401, 403, 404, 410], "disable"),
            (&[400, 402, 405, 406, 409, 411, 413, 414, 415, 418, 422, 451, 501], "reject"),
            (&[407, 408, 421, 423, 425], "retry"),
            (&[429], "pause"),
            (&[500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527, 529, 530], "retry"),
        ];
        for (statuses, outcome) in table {
            for status in statuses {
                let sent = answer(*status).verdict();
                assert_eq!((sent.outcome.name(), sent.status), (outcome, Some(*status)), "{status}");
            }
        }
    }

    #[test]
    fn the_receivers_wish_is_passed_on() {
        let seven = Duration::from_secs(7);
        assert!(matches!(answer(429).verdict().outcome, Outcome::Pause { after, .. } if after == seven));
        assert!(matches!(answer(503).verdict().outcome, Outcome::Retry { after: Some(after), .. } if after == seven));
        let silent = Answer { wait: None, ..answer(429) };
        assert!(matches!(silent.verdict().outcome, Outcome::Pause { after, .. } if after == PAUSE_DEFAULT));
    }

    #[test]
    fn a_gateway_that_lost_its_upstream_may_have_delivered() {
        let maybe = |status: u16| match answer(status).verdict().outcome {
            Outcome::Retry { maybe_delivered, .. } => maybe_delivered,
            other => panic!("{other:?}"),
        };
        assert_eq!([502, 504, 520, 524].map(maybe), [true; 4]);
        assert_eq!([408, 500, 503, 521, 522].map(maybe), [false; 5]);
    }

    #[test]
    fn waits_are_read_in_both_forms_and_clamped() {
        let now = Timestamp::parse("2025-10-20T01:00:00Z").unwrap();
        let millis = |text: &str| wait(text, now).map(|wait| wait.as_millis());
        assert_eq!(millis("120"), Some(120_000));
        assert_eq!(millis(" 1.5 "), Some(1_500));
        assert_eq!(millis("0"), Some(1_000));
        assert_eq!(millis("Mon, 20 Oct 2025 01:02:00 GMT"), Some(120_000));
        assert_eq!(millis("Mon, 20 Oct 2025 00:00:00 GMT"), Some(1_000));
        let six_hours = Some(6 * 3600 * 1000);
        assert_eq!(millis("99999999"), six_hours);
        assert_eq!(millis(&"9".repeat(400)), six_hours);
        assert_eq!(millis("Wed, 20 Oct 2100 00:00:00 GMT"), six_hours);
        for text in ["", "soon", "-5", "NaN", "inf", "1e3", "1.2.3", "."] {
            assert_eq!(millis(text), None, "{text}");
        }
    }

    #[test]
    fn a_moment_is_awaited_by_the_services_own_clock() {
        let headers = [(reqwest::header::DATE, "Mon, 20 Oct 2025 01:00:00 GMT".parse().unwrap())].into_iter().collect();
        let told = Answer { headers, ..answer(429) };
        let moment = |text| Timestamp::parse(text).unwrap();
        assert_eq!(told.until(moment("2025-10-20T01:02:00Z")), Some(Duration::from_secs(120)));
        assert_eq!(told.until(moment("2025-10-19T00:00:00Z")), Some(Duration::from_secs(1)));
        assert_eq!(told.until(moment("2025-11-20T00:00:00Z")), Some(RETRY_AFTER_MAX));
        assert_eq!(answer(429).until(moment("2025-10-20T01:02:00Z")), None);
    }

    #[test]
    fn an_answer_is_kept_short_and_printable() {
        let long = Answer { body: Some(format!("a\nb\u{1b}[2J {}", "ü".repeat(5000))), ..answer(500) };
        let told = long.told();
        assert!(told.starts_with("HTTP 500 Internal Server Error: a b\\u{1b}[2J ü"), "{told}");
        assert!(told.ends_with('…') && kept(&"ü".repeat(5000)).len() <= ANSWER_BYTES_KEPT);
        assert_eq!(Answer { body: Some(" \n".to_owned()), ..answer(204) }.told(), "HTTP 204 No Content");
        assert!(Answer { body: None, ..answer(200) }.told().contains("lost"));
    }
}
