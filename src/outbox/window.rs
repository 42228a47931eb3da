//! What a receiver takes in a time: so many messages in any stretch of that length, exactly.

use std::collections::VecDeque;
use std::time::Duration;

use super::Rate;
use crate::base::clock::Timestamp;

/// When a receiver was sent its last messages.
#[derive(Clone, Debug)]
pub struct Window {
    rate: Rate,
    sent: VecDeque<Timestamp>,
}

impl Window {
    /// A receiver that was sent nothing yet.
    pub const fn new(rate: Rate) -> Self {
        Self { rate, sent: VecDeque::new() }
    }

    /// How many messages it may be sent now.
    pub fn free(&mut self, now: Timestamp) -> usize {
        // A time that is still to come is from before the clock went back.
        let counts = |at: &Timestamp| *at <= now && now.since(*at) < self.rate.per;
        self.sent.retain(counts);
        (self.rate.count as usize).saturating_sub(self.sent.len())
    }

    /// So many are sent now.
    pub fn send(&mut self, count: usize, now: Timestamp) {
        self.sent.extend(std::iter::repeat_n(now, count));
    }

    /// It was sent all that it takes, so that it takes nothing until a whole such time is over.
    pub fn fill(&mut self, now: Timestamp) {
        self.sent.clear();
        self.send(self.rate.count as usize, now);
    }

    /// How long until it may be sent another; nothing where it may be now.
    pub fn wait(&mut self, now: Timestamp) -> Option<Duration> {
        if self.free(now) > 0 {
            return None;
        }
        let first = self.sent.front()?;
        Some(self.rate.per.saturating_sub(now.since(*first)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_000_000_000_000 + 1000 * seconds)
    }

    #[test]
    fn no_stretch_of_a_minute_has_more_than_twenty() {
        let mut window = Window::new(Rate::new(20, 60));
        assert_eq!((window.free(at(0)), window.wait(at(0))), (20, None));
        window.send(15, at(0));
        window.send(5, at(40));
        assert_eq!((window.free(at(59)), window.wait(at(59))), (0, Some(Duration::from_secs(1))));
        assert_eq!((window.free(at(60)), window.wait(at(60))), (15, None));
        window.send(15, at(60));
        assert_eq!(window.free(at(99)), 0);
        assert_eq!(window.free(at(100)), 5);
    }

    #[test]
    fn a_clock_that_goes_back_does_not_hold_a_receiver_up() {
        let mut window = Window::new(Rate::new(1, 60));
        window.send(1, at(3600));
        assert_eq!(window.free(at(0)), 1);
    }
}
