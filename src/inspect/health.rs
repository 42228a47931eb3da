//! How a feed is: whether its pulls stand, and whether its next figure is late.
//!
//! Who is told of that, and when, is decided elsewhere.

use crate::base::clock::Timestamp;
use crate::feed::Feed;
use crate::period::Period;
use crate::series::{Punctuality, Upcoming};
use crate::store::FeedState;

/// How a feed is.
pub struct Health {
    /// What is remembered between pulls.
    pub state: FeedState,
    /// The latest period of which there is a figure.
    pub latest: Option<Period>,
    /// The next one, where the feed has a release calendar.
    pub upcoming: Option<Upcoming>,
}

impl Health {
    /// A feed's health at a time.
    pub fn new(feed: &Feed, state: FeedState, latest: Option<Period>, now: Timestamp) -> Self {
        let release = feed.release.as_ref();
        let upcoming = release.zip(latest).and_then(|(release, latest)| release.upcoming(latest, now));
        Self { state, latest, upcoming }
    }

    /// Since when it fails, where it has failed for longer than the feed allows.
    pub fn failing(&self, feed: &Feed, now: Timestamp) -> Option<Timestamp> {
        self.state.failing_since.filter(|since| now.since(*since) >= feed.expect_within)
    }

    /// The figure that is overdue.
    pub fn overdue(&self) -> Option<Upcoming> {
        self.upcoming.filter(|upcoming| upcoming.punctuality == Punctuality::Overdue)
    }
}
