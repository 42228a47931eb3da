//! Work that processes share: claims, leases, and what an assessment leaves to store.
//!
//! Whoever writes names the claim that it holds; a backend refuses one that is out of date.

use crate::alert::{Alert, Transition};
use crate::base::clock::Timestamp;
use crate::outbox::{Delivery, Manners, Message};
use crate::series::PullId;

/// How a claim on shared work ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim<T> {
    /// It is ours.
    Taken(T),
    /// Someone else has it.
    Held {
        /// Who.
        by: String,
        /// Until when.
        until: Timestamp,
    },
    /// There is nothing left to do.
    Finished,
}

/// Who works: the name of this process in leases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder(pub String);

/// What a process may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Feeds that it pulls.
    Feeds,
    /// Pulls that it evaluates.
    Tasks,
    /// Deliveries that are under way.
    Deliveries,
}

impl Held {
    /// All of it.
    pub const ALL: &[Self] = &[Self::Feeds, Self::Tasks, Self::Deliveries];
}

/// What there may be to do, as whoever has stored it tells the other processes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// A pull is to be evaluated.
    Evaluate,
    /// Something is to be delivered.
    Deliver,
}

/// The right to pull one feed, for a while. A write names its epoch; the store refuses an older one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The feed.
    pub feed: String,
    /// Who holds it.
    pub holder: String,
    /// The fencing token.
    pub epoch: i64,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A pull whose consequences are to be worked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The pull.
    pub pull: PullId,
    /// Its feed.
    pub feed: String,
    /// The part of the feed's series.
    pub shard: i64,
    /// The fencing token.
    pub claim: i64,
    /// Who holds it.
    pub holder: String,
}

/// How far a rule has looked at a feed's series. An alert that was never written, or not since, is as its
/// history left it then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The rule.
    pub rule: String,
    /// The feed.
    pub feed: String,
    /// What the rule meant when it looked; a rule that means something else has not looked.
    pub rule_hash: String,
    /// The pull up to which it has looked at all of them; `None` before the first time.
    pub seen: Option<PullId>,
    /// How often the store has written it; a write names the version that it read.
    pub version: i64,
}

/// What one assessment leaves behind: the alert's new state, and what is owed for it.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The alert as it is now; its `version` is the one that was read, and the write is refused when
    /// the store has another.
    pub alert: Alert,
    /// The transition with its message, if there was one.
    pub transition: Option<(Transition, Message)>,
    /// What is owed for it. What something keeps back at that moment is not stored; who is told, and who is still
    /// to be, is noted with the alert.
    pub deliveries: Vec<Delivery>,
    /// What keeps it back.
    pub manners: Manners,
}

/// How a commit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// All of it is stored.
    Stored,
    /// Someone else holds the task, has looked, or has written an alert: nothing is stored.
    Fenced,
}

/// What was forgotten in one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Deliveries.
    pub deliveries: usize,
    /// Attempts.
    pub attempts: usize,
    /// Pulls that changed nothing.
    pub pulls: usize,
    /// Series that pulls changed.
    pub series: usize,
}

impl Forgotten {
    /// Whether there is nothing left to forget.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// This and another.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            deliveries: self.deliveries + other.deliveries,
            attempts: self.attempts + other.attempts,
            pulls: self.pulls + other.pulls,
            series: self.series + other.series,
        }
    }
}
