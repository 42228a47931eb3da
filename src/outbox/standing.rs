//! How a receiver stands by the attempts so far, and when it is left alone.
//!
//! A receiver that fails again and again is given rest, whichever of its messages it fails on; one that is gone or
//! refuses us is left alone until somebody has looked at it.

use std::time::Duration;

use super::Outcome;
use crate::base::clock::Timestamp;
use crate::base::limits::RETRY_AFTER_MAX;

/// Failures in a row after which a receiver is given rest.
pub const FAILURES_BEFORE_REST: u32 = 5;
/// The first rest; each later one is twice as long.
const REST: Duration = Duration::from_secs(30);
/// The longest.
const REST_MAX: Duration = Duration::from_secs(15 * 60);

/// So exactly it is known when a receiver last took a message.
pub const MOMENT: Duration = Duration::from_secs(1);

/// How a receiver stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Attempts that failed since the last that did not.
    pub failures: u32,
    /// When the first of them ended.
    pub failing_since: Option<Timestamp>,
    /// What the last of them came to.
    pub last_error: Option<String>,
    /// Until then it is sent nothing.
    pub rests_until: Option<Timestamp>,
    /// Since then it is sent nothing, until somebody enables it.
    pub disabled_at: Option<Timestamp>,
    /// When it last took a message, within [`MOMENT`].
    pub last_ok_at: Option<Timestamp>,
}

impl Standing {
    /// How it stands after an attempt that ended `now`.
    #[must_use]
    pub fn after(self, outcome: &Outcome, now: Timestamp) -> Self {
        let well = Self { rests_until: self.rests_until, last_ok_at: self.last_ok_at, ..Self::default() };
        let rest = |wait: Duration| self.rests_until.max(Some(now.plus(wait.min(RETRY_AFTER_MAX))));
        match outcome {
            Outcome::Delivered { .. } => Self { last_ok_at: Some(now), ..well },
            // It answers: the message is to blame.
            Outcome::Reject { .. } => well,
            Outcome::Pause { after, why } => {
                let rests_until = rest(*after);
                Self { rests_until, ..self.failed(why, now) }
            }
            // It was under way when the rest began, and says nothing that was not known: a burst is one failure too many.
            Outcome::Retry { why, .. } if self.rests_until.is_some_and(|until| until > now) => self.failed(why, now),
            Outcome::Retry { why, .. } => {
                let times = (self.failures + 1).checked_sub(FAILURES_BEFORE_REST);
                let wait = times.map(|times| REST.saturating_mul(2_u32.saturating_pow(times.min(10))).min(REST_MAX));
                let rests_until = wait.map_or(self.rests_until, rest);
                Self { failures: self.failures + 1, rests_until, ..self.failed(why, now) }
            }
            Outcome::Disable { why } => Self { disabled_at: self.disabled_at.or(Some(now)), ..self.failed(why, now) },
        }
    }

    /// Whether it says more than it said before: that it took one more message is no news within [`MOMENT`].
    pub fn is_news_to(&self, before: &Self) -> bool {
        let since = self.last_ok_at.zip(before.last_ok_at).map(|(now, before)| now.since(before));
        let same = Self { last_ok_at: before.last_ok_at, ..self.clone() };
        same != *before || (self.last_ok_at != before.last_ok_at && since.is_none_or(|since| since >= MOMENT))
    }

    fn failed(self, why: &str, now: Timestamp) -> Self {
        Self { failing_since: self.failing_since.or(Some(now)), last_error: Some(why.to_owned()), ..self }
    }

    /// Whether it is tried with one message at a time: it has failed too often to be sent more.
    pub const fn is_doubtful(&self) -> bool {
        self.failures >= FAILURES_BEFORE_REST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000_000);

    fn retry() -> Outcome {
        Outcome::Retry { after: None, why: "503".into(), maybe_delivered: false }
    }

    /// After so many failures in a row, each when the rest before it was over; when that was.
    fn failed(failures: u32) -> (Standing, Timestamp) {
        (0..failures).fold((Standing::default(), NOW), |(standing, now), _| {
            let now = standing.rests_until.unwrap_or(now);
            (standing.after(&retry(), now), now)
        })
    }

    /// Seconds of rest after so many failures in a row.
    fn rest(failures: u32) -> Option<u64> {
        let (standing, now) = failed(failures);
        assert_eq!((standing.failures, standing.last_error.as_deref()), (failures, Some("503")));
        standing.rests_until.map(|until| until.since(now).as_secs())
    }

    #[test]
    fn who_fails_again_and_again_rests_longer_and_longer() {
        let rests: Vec<Option<u64>> = [1, 4, 5, 6, 7, 10, 60].map(rest).to_vec();
        assert_eq!(rests, [None, None, Some(30), Some(60), Some(120), Some(900), Some(900)]);
    }

    #[test]
    fn a_message_that_is_taken_or_refused_ends_the_failures() {
        let (failing, _) = failed(7);
        assert!(failing.is_doubtful() && failing.failing_since == Some(NOW));
        let well = failing.clone().after(&Outcome::Delivered { remote_ref: None }, NOW);
        assert_eq!((well.failures, well.failing_since, well.last_ok_at), (0, None, Some(NOW)));
        let refused = failing.after(&Outcome::Reject { why: "400".into() }, NOW);
        assert_eq!((refused.failures, refused.last_error, refused.last_ok_at), (0, None, None));
    }

    #[test]
    fn one_more_message_is_no_news_for_a_moment() {
        let taken = |standing: &Standing, at| standing.clone().after(&Outcome::Delivered { remote_ref: None }, at);
        let first = taken(&Standing::default(), NOW);
        assert!(first.is_news_to(&Standing::default()));
        assert!(!taken(&first, NOW.plus(Duration::from_millis(999))).is_news_to(&first));
        assert!(taken(&first, NOW.plus(MOMENT)).is_news_to(&first));
        let failing = first.clone().after(&retry(), NOW);
        assert!(failing.is_news_to(&first) && taken(&failing, NOW).is_news_to(&failing));
    }

    #[test]
    fn a_burst_that_fails_at_once_gives_rest_once() {
        let burst = (0..24).fold(Standing::default(), |standing, _| standing.after(&retry(), NOW));
        assert_eq!(burst, failed(FAILURES_BEFORE_REST).0);
        let late = burst.clone().after(&retry(), NOW.plus(REST / 2));
        assert_eq!((late.failures, late.rests_until), (burst.failures, burst.rests_until));
        assert!(late.is_doubtful());
    }

    #[test]
    fn a_wish_for_rest_is_kept_and_never_shortened() {
        let pause = |seconds| Outcome::Pause { after: Duration::from_secs(seconds), why: "429".into() };
        let standing = Standing::default().after(&pause(600), NOW).after(&pause(60), NOW);
        assert_eq!(standing.rests_until, Some(NOW.plus(Duration::from_secs(600))));
        let taken = standing.after(&Outcome::Delivered { remote_ref: None }, NOW);
        assert_eq!(taken.rests_until, Some(NOW.plus(Duration::from_secs(600))), "what was under way changes nothing");
        let long = Standing::default().after(&pause(999_999), NOW);
        assert_eq!(long.rests_until, Some(NOW.plus(RETRY_AFTER_MAX)));
    }

    #[test]
    fn a_receiver_that_is_gone_stays_so() {
        let gone = Standing::default().after(&Outcome::Disable { why: "410".into() }, NOW);
        let later = NOW.plus(Duration::from_secs(60));
        let still = gone.after(&Outcome::Disable { why: "404".into() }, later);
        assert_eq!((still.disabled_at, still.last_error.as_deref()), (Some(NOW), Some("404")));
    }
}
