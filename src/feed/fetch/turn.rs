//! Turns: a publisher that asks for a pause between two requests gets it, whichever feeds ask.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use crate::feed::Pace;

/// When each account may be used again.
#[derive(Debug, Default)]
pub struct Turns(Mutex<HashMap<String, Instant>>);

impl Turns {
    /// Waits until it is the caller's turn.
    pub async fn wait(&self, pace: &Pace) {
        if !pace.spacing.is_zero() {
            tokio::time::sleep_until(self.take(pace, Instant::now())).await;
        }
    }

    /// The caller's turn: now, or one pause after the last that was given.
    fn take(&self, pace: &Pace, now: Instant) -> Instant {
        let mut next = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = next.get(&pace.account).map_or(now, |next| now.max(*next));
        next.insert(pace.account.clone(), turn + pace.spacing);
        turn
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn requests_of_one_account_keep_their_distance() {
        let (turns, now) = (Turns::default(), Instant::now());
        let pace = |account: &str, seconds| Pace {
            account: account.to_owned(),
            spacing: Duration::from_secs(seconds),
            quota: None,
        };
        let turn = |pace: &Pace, after| {
            let now = now + Duration::from_secs(after);
            (turns.take(pace, now) - now).as_secs()
        };
        let (a, b) = (pace("a", 4), pace("b", 1));
        assert_eq!([turn(&a, 0), turn(&a, 0), turn(&b, 0), turn(&a, 1), turn(&a, 20)], [0, 4, 0, 7, 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_no_pause_does_not_wait() {
        let (turns, before) = (Turns::default(), Instant::now());
        for _ in 0..3 {
            turns.wait(&Pace::default()).await;
        }
        assert_eq!(Instant::now(), before);
        let pace = Pace { account: "a".to_owned(), spacing: Duration::from_secs(2), quota: None };
        for _ in 0..3 {
            turns.wait(&pace).await;
        }
        assert_eq!(Instant::now() - before, Duration::from_secs(4));
    }
}
