//! Deliveries as the store gives them out.

use std::time::Duration;

use super::Holder;
use crate::base::clock::Timestamp;
use crate::outbox::{Attempt, Delivery, Next, Standing};

/// A receiver with free places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its name.
    pub receiver: String,
    /// How many messages it may be sent now.
    pub free: usize,
    /// Which of them are told together.
    pub gathers: Gathers,
}

impl Place {
    /// So many places of a receiver that is told what belongs together in one message.
    #[cfg(test)]
    pub fn new(receiver: impl Into<String>, free: usize) -> Self {
        Self { receiver: receiver.into(), free, gathers: Gathers::Bundles }
    }
}

/// Which messages a receiver is told together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gathers {
    /// None: each by itself.
    Nothing,
    /// Those that belong together by their rules.
    Bundles,
    /// All that are due.
    All,
    /// The same as bundles, unless more than so many messages are due: then all of them.
    Beyond(usize),
    /// All that are due, as there are too many.
    Storm,
    /// None, and only what was attempted before is taken: of others it was told enough for now.
    Repeats,
}

/// A delivery that is ours to attempt, for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct Leased {
    /// What is to be delivered.
    pub delivery: Delivery,
    /// The fencing token.
    pub claim: i64,
    /// The attempt that begins, from 1.
    pub attempt: u32,
    /// An earlier attempt may have reached the receiver.
    pub maybe_delivered: bool,
    /// The same, of an attempt since it was written or sent again by hand.
    pub cut_off: bool,
    /// The receiver's own name for the first message of the thread, where it has one.
    pub opening: Option<String>,
    /// When the lease ends.
    pub expires_at: Timestamp,
    /// It tells together what there was too much of to tell one by one.
    pub is_storm: bool,
}

impl Leased {
    /// How many messages it tells, its own among them.
    pub fn tells(&self) -> usize {
        1 + self.delivery.message.others.len()
    }
}

/// How deliveries are taken.
#[derive(Clone, Debug)]
pub struct Taking {
    /// Who takes them.
    pub holder: Holder,
    /// When.
    pub now: Timestamp,
    /// For how long they are theirs.
    pub ttl: Duration,
    /// How many at once, at most.
    pub limit: usize,
    /// Those whose backoff is not over, too.
    pub hurry: bool,
}

/// How many messages more a receiver may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Attempts under way at once, at most; one that failed too often has one place.
    pub places: usize,
    /// Attempts under way.
    pub busy: usize,
    /// Messages more that it takes for now, at most.
    pub free: usize,
    /// Which of them are told together.
    pub gathers: Gathers,
}

impl Room {
    /// One at a time.
    pub const ONE: Self = Self { places: 1, busy: 0, free: usize::MAX, gathers: Gathers::Nothing };
    /// It is sent nothing.
    pub const NONE: Self = Self { places: 0, busy: 0, free: 0, gathers: Gathers::Nothing };

    /// How many that is, by how it stands.
    pub fn left(&self, standing: &Standing) -> usize {
        let places = if standing.is_doubtful() { self.places.min(1) } else { self.places };
        places.saturating_sub(self.busy).min(self.free)
    }
}

/// An attempt that ended, and what follows.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The delivery's id.
    pub id: String,
    /// Its receiver.
    pub receiver: String,
    /// The fencing token under which it was attempted.
    pub claim: i64,
    /// The attempt, from 1.
    pub number: u32,
    /// How it went.
    pub attempt: Attempt,
    /// What follows.
    pub next: Next,
    /// Whether other deliveries are told by it, and end as it does.
    pub leads: bool,
}

impl Ended {
    /// The end of an attempt that was leased.
    pub fn new(leased: &Leased, attempt: Attempt, next: Next) -> Self {
        let Delivery { id, receiver, .. } = &leased.delivery;
        let (id, receiver) = (id.clone(), receiver.clone());
        let leads = !leased.delivery.message.others.is_empty();
        Self { id, receiver, claim: leased.claim, number: leased.attempt, attempt, next, leads }
    }
}

/// What a receiver is owed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owed {
    /// Messages that wait.
    pub waiting: usize,
    /// When the oldest of them was written.
    pub oldest: Option<Timestamp>,
    /// Messages that were given up.
    pub dead: usize,
    /// When the newest of them was written.
    pub newest_dead: Option<Timestamp>,
}

/// The state of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// To be attempted.
    Pending,
    /// The receiver has it.
    Sent,
    /// Given up; can be sent again by hand.
    Dead,
    /// Not sent: a later message of the alert says what matters.
    Superseded,
}

impl DeliveryState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Sent, Self::Dead, Self::Superseded];

    /// The word: `pending`, `sent`, …
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Dead => "dead",
            Self::Superseded => "superseded",
        }
    }
}

/// A delivery with its past, for a listing.
#[derive(Clone, Debug, PartialEq)]
pub struct DeliveryRecord {
    /// What is to be delivered.
    pub delivery: Delivery,
    /// Its state.
    pub state: DeliveryState,
    /// Attempts so far.
    pub attempts: u32,
    /// When it is due, while pending.
    pub not_before: Timestamp,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When the receiver had it.
    pub sent_at: Option<Timestamp>,
    /// The receiver's own name for it.
    pub remote_ref: Option<String>,
    /// The delivery that tells it as well, or that it gave way to.
    pub told_by: Option<String>,
    /// Why it gave way.
    pub gave_way: Option<String>,
}
