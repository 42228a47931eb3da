//! When an attempt is followed by another.
//!
//! Exponential backoff with full jitter ("Exponential Backoff And Jitter", AWS Architecture Blog,
//! 2015): the wait is drawn evenly from zero to a bound that doubles up to a cap.

use std::time::Duration;

use super::{Outcome, QuietHours};
use crate::base::clock::Timestamp;
use crate::base::limits::RETRY_AFTER_MAX;

/// How patient a receiver's deliveries are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The bound of the first wait.
    pub base: Duration,
    /// The largest bound.
    pub cap: Duration,
    /// After so long since it was written, an undelivered message is a dead letter.
    pub give_up_after: Duration,
    /// How many messages the receiver takes.
    pub rate: Option<Rate>,
    /// What becomes of a message that the receiver may have already.
    pub on_ambiguous: OnAmbiguous,
    /// When it wants no messages.
    pub quiet: Option<QuietHours>,
    /// How many messages it is told one by one; what is more is told together.
    pub storm: Option<Rate>,
}

/// So many messages in such a time, and no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// In which time.
    pub per: Duration,
}

impl Rate {
    /// So many in so many seconds.
    pub const fn new(count: u32, seconds: u64) -> Self {
        Self { count, per: Duration::from_secs(seconds) }
    }
}

/// What becomes of a message whose receiver may have it: the answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnAmbiguous {
    /// It is sent again, marked where the receiver cannot tell a copy by itself.
    Retry,
    /// It is not sent again.
    Drop,
}

impl Policy {
    /// Two seconds, a quarter of an hour, three days; thirty messages in ten minutes.
    pub const DEFAULT: Self = Self {
        base: Duration::from_secs(2),
        cap: Duration::from_secs(15 * 60),
        give_up_after: Duration::from_secs(3 * 24 * 3600),
        rate: None,
        on_ambiguous: OnAmbiguous::Retry,
        quiet: None,
        storm: Some(Rate::new(30, 600)),
    };
}

/// What follows an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Delivered: nothing.
    Done,
    /// Another attempt, not before then.
    At(Timestamp),
    /// Another attempt when the receiver is enabled again.
    Held,
    /// No other attempt by itself; it can be sent again by hand.
    Dead,
}

/// What follows attempt number `attempts` (from 1) of a delivery written at `created_at`, given how it
/// ended; `jitter` is drawn evenly from 0..1 by the caller.
///
/// A receiver's own wish to wait is honoured up to six hours, never shortened.
pub fn next(
    policy: &Policy,
    created_at: Timestamp,
    attempts: u32,
    outcome: &Outcome,
    now: Timestamp,
    jitter: f64,
) -> Next {
    let wish = match outcome {
        Outcome::Delivered { .. } => return Next::Done,
        Outcome::Reject { .. } => return Next::Dead,
        // The receiver is to blame, not the message: it has time until somebody has looked at it.
        Outcome::Disable { .. } if now > created_at.plus(policy.give_up_after) => return Next::Dead,
        Outcome::Disable { .. } => return Next::Held,
        Outcome::Retry { maybe_delivered: true, .. } if policy.on_ambiguous == OnAmbiguous::Drop => return Next::Dead,
        Outcome::Retry { after, .. } => after.unwrap_or_default(),
        Outcome::Pause { after, .. } => *after,
    };
    let wait = backoff(policy, attempts, jitter).max(wish.min(RETRY_AFTER_MAX));
    let at = now.plus(wait);
    if at > created_at.plus(policy.give_up_after) { Next::Dead } else { Next::At(at) }
}

/// At least a second; at most `base · 2^(attempts − 1)`, capped.
fn backoff(policy: &Policy, attempts: u32, jitter: f64) -> Duration {
    let doubled = policy.base.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1).min(20)));
    doubled.min(policy.cap).mul_f64(jitter.clamp(0.0, 1.0)).max(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000_000);

    fn retry(after: Option<u64>) -> Outcome {
        Outcome::Retry { after: after.map(Duration::from_secs), why: "500".into(), maybe_delivered: false }
    }

    fn wait(attempts: u32, outcome: &Outcome, jitter: f64) -> Option<u64> {
        match next(&Policy::DEFAULT, NOW, attempts, outcome, NOW, jitter) {
            Next::At(at) => Some(at.since(NOW).as_secs()),
            Next::Done | Next::Held | Next::Dead => None,
        }
    }

    #[test]
    fn waits_double_up_to_the_cap() {
        let bounds: Vec<Option<u64>> = [1, 2, 3, 9, 10, 40].map(|attempts| wait(attempts, &retry(None), 1.0)).to_vec();
        assert_eq!(bounds, [Some(2), Some(4), Some(8), Some(512), Some(900), Some(900)]);
        assert_eq!(wait(9, &retry(None), 0.0), Some(1));
    }

    #[test]
    fn the_receivers_wish_is_honoured_within_reason() {
        assert_eq!(wait(1, &retry(Some(60)), 1.0), Some(60));
        assert_eq!(wait(1, &retry(Some(999_999)), 1.0), Some(6 * 3600));
        assert_eq!(wait(9, &retry(Some(1)), 1.0), Some(512));
        assert_eq!(wait(1, &Outcome::Pause { after: Duration::from_secs(600), why: "429".into() }, 0.5), Some(600));
    }

    #[test]
    fn who_would_rather_miss_a_message_than_get_it_twice_is_not_told_again() {
        let once = Policy { on_ambiguous: OnAmbiguous::Drop, ..Policy::DEFAULT };
        let lost = Outcome::Retry { after: None, why: "reset".into(), maybe_delivered: true };
        assert_eq!(next(&once, NOW, 1, &lost, NOW, 0.5), Next::Dead);
        assert!(matches!(next(&once, NOW, 1, &retry(None), NOW, 0.5), Next::At(_)));
        assert!(matches!(next(&Policy::DEFAULT, NOW, 1, &lost, NOW, 0.5), Next::At(_)));
    }

    #[test]
    fn what_no_retry_mends_is_dead_at_once() {
        let ends = |outcome: Outcome, now| next(&Policy::DEFAULT, NOW, 1, &outcome, now, 0.5);
        let gone = || Outcome::Disable { why: "410".into() };
        assert_eq!(ends(Outcome::Reject { why: "400".into() }, NOW), Next::Dead);
        assert_eq!(ends(gone(), NOW), Next::Held);
        assert_eq!(ends(gone(), NOW.plus(Duration::from_secs(73 * 3600))), Next::Dead);
        let late = NOW.plus(Duration::from_secs(3 * 24 * 3600));
        assert_eq!(next(&Policy::DEFAULT, NOW, 50, &retry(None), late, 0.5), Next::Dead);
        assert_eq!(next(&Policy::DEFAULT, NOW, 1, &Outcome::Delivered { remote_ref: None }, NOW, 0.5), Next::Done);
    }

    proptest! {
        /// Whatever the jitter and the receiver says, a delivery that always fails ends as a dead letter.
        #[test]
        fn attempts_are_bounded(jitters in prop::collection::vec(0.0_f64..1.0, 1..40), wish in prop::option::of(0_u64..100_000)) {
            let (mut now, mut attempts) = (NOW, 0_u32);
            loop {
                attempts += 1;
                prop_assert!(attempts < 300_000);
                match next(&Policy::DEFAULT, NOW, attempts, &retry(wish), now, jitters[attempts as usize % jitters.len()]) {
                    Next::At(at) => { prop_assert!(at > now); now = at; }
                    Next::Dead => break,
                    Next::Done | Next::Held => prop_assert!(false, "a retry is not done, and needs nobody"),
                }
            }
            prop_assert!(now.since(NOW) <= Policy::DEFAULT.give_up_after);
        }
    }
}
