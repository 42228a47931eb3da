//! What is kept: vintages, alerts with their transitions, and the outbox, behind one interface.
//!
//! The store keeps and fences; it neither judges figures nor sends messages. Times are arguments, so
//! that tests own the clock. Only the files in here know SQL.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::Duration;

use crate::alert::{Alert, Transition};
use crate::base::clock::Timestamp;
use crate::outbox::{Attempt, Delivery, Message, Next};
use crate::period::Frequency;
use crate::series::{History, Labels, PullId, Refusal, Row, Unit};

/// Where the store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// An SQLite file.
    Sqlite(PathBuf),
}

/// The store. Cheap to clone; every clone is the same store.
#[derive(Clone)]
pub enum Store {
    /// Embedded.
    Sqlite(()),
}

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Placeholder.
    #[error("placeholder")]
    Placeholder,
}

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

/// What is remembered of a feed between pulls.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeedState {
    /// The feed's definition when its validators were kept.
    pub spec_hash: Option<String>,
    /// The next time it is due; `None` before the first pull.
    pub next_due_at: Option<Timestamp>,
    /// Of the last response whose data was committed.
    pub etag: Option<String>,
    /// Of the last response whose data was committed.
    pub last_modified: Option<String>,
    /// SHA-256 of the last committed response, in hex.
    pub content_sha256: Option<String>,
    /// The last time that a pull stood (also: unchanged).
    pub last_ok_at: Option<Timestamp>,
    /// Failures since then.
    pub failures: u32,
    /// Why the last pull failed or was set aside.
    pub last_error: Option<String>,
}

/// A pull that stands, about to be appended.
#[derive(Clone, Debug)]
pub struct NewPull {
    /// The feed.
    pub feed: String,
    /// The frequency of its series.
    pub frequency: Frequency,
    /// The tick that it answers; a second pull for the same tick is `Claim::Finished`.
    pub scheduled_for: Timestamp,
    /// When the response was complete.
    pub retrieved_at: Timestamp,
    /// The address without secrets, or the path.
    pub url: String,
    /// SHA-256 of the body, in hex.
    pub sha256: String,
    /// Size of the body.
    pub bytes: u64,
    /// HTTP status, where there was one.
    pub http_status: Option<u16>,
    /// See [`FeedState`].
    pub spec_hash: String,
    /// See [`FeedState`].
    pub etag: Option<String>,
    /// See [`FeedState`].
    pub last_modified: Option<String>,
    /// When the feed is due again.
    pub next_due_at: Option<Timestamp>,
    /// The rows that were refused (the first of them), and how many there were.
    pub refused: Vec<Refusal>,
    /// All refused rows.
    pub refused_count: usize,
}

/// What a pull changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Its number; `None` when it said nothing new, and so left no task.
    pub pull: Option<PullId>,
    /// Figures for periods not known before.
    pub new: usize,
    /// Figures that replaced another.
    pub revised: usize,
    /// Figures that were known already.
    pub unchanged: usize,
}

/// A pull that failed or was set aside.
#[derive(Clone, Debug)]
pub struct FailedPull {
    /// The feed.
    pub feed: String,
    /// The tick that it answers.
    pub scheduled_for: Timestamp,
    /// When it failed.
    pub at: Timestamp,
    /// Why, in words.
    pub reason: String,
    /// Whether data arrived but was set aside (else the fetch itself failed).
    pub set_aside: bool,
    /// HTTP status, where there was one.
    pub http_status: Option<u16>,
    /// The body, capped; kept for a look.
    pub raw: Option<Vec<u8>>,
    /// The rows that were refused (the first of them), and how many there were.
    pub refused: Vec<Refusal>,
    /// All refused rows.
    pub refused_count: usize,
    /// When the feed is tried again.
    pub next_due_at: Option<Timestamp>,
}

/// A series that the store has.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesRef {
    /// The store's number for it.
    pub id: i64,
    /// Its feed.
    pub feed: String,
    /// Its labels, the feed's name among them.
    pub labels: Labels,
    /// Its frequency.
    pub frequency: Frequency,
    /// Its unit.
    pub unit: Option<Unit>,
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

/// What one assessment leaves behind: the alert's new state, and what is owed for it.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The alert as it is now; its `version` is the one that was read, and the write is refused when
    /// the store has another.
    pub alert: Alert,
    /// The transition with its message, if there was one.
    pub transition: Option<(Transition, Message)>,
    /// What is owed for it.
    pub deliveries: Vec<Delivery>,
}

/// How a commit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// All of it is stored.
    Stored,
    /// Someone else holds the task or has written an alert: nothing is stored.
    Fenced,
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
    /// When the lease ends.
    pub expires_at: Timestamp,
}

/// The state of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// To be attempted.
    Pending,
    /// The receiver has it.
    Sent,
    /// Given up; can be sent again by hand.
    Dead,
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
}

impl Store {
    /// Opens (and creates or migrates) the store and takes it for this process. Refused with a clear
    /// error: a store that another process has, a newer schema, a damaged or foreign file.
    pub async fn open(_location: &Location, _now: Timestamp) -> Result<Self, StoreError> {
        todo!()
    }

    /// Opens an existing store beside the daemon that may have it, for one short change by hand
    /// (`deliveries retry`): no ownership is taken, writers wait for each other.
    pub async fn open_beside(_location: &Location, _now: Timestamp) -> Result<Self, StoreError> {
        todo!()
    }

    /// Opens a copy in memory: what is written to it is gone with it, and the original is only read.
    /// A store that does not exist yet is an empty copy. Works while a daemon has the original.
    pub async fn open_copy(_location: &Location, _now: Timestamp) -> Result<Self, StoreError> {
        todo!()
    }

    /// Writes what is outstanding to the file itself and lets go of it.
    pub async fn close(self) -> Result<(), StoreError> {
        todo!()
    }

    /// Checkpoints the write-ahead log when it is long or old; its errors are final like any other.
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        todo!()
    }

    /// A random name made with the store; ids of deliveries depend on it.
    pub fn id(&self) -> &str {
        todo!()
    }

    /// Makes the rules known and says from which pull on each looks at what is new: 0 for a rule that is
    /// there before any data; the newest pull of all for one that comes (or changes its hash) later.
    /// Rules that are not named are forgotten.
    pub async fn register_rules(&self, _rules: Vec<(String, String)>) -> Result<BTreeMap<String, PullId>, StoreError> {
        todo!()
    }

    /// What is remembered of a feed.
    pub async fn feed(&self, _feed: &str) -> Result<FeedState, StoreError> {
        todo!()
    }

    /// Every feed that the store knows, by name.
    pub async fn feeds(&self) -> Result<BTreeMap<String, FeedState>, StoreError> {
        todo!()
    }

    /// Sets when a feed is due, without a pull (a schedule that changed, a first start).
    pub async fn set_due(&self, _feed: &str, _next_due_at: Option<Timestamp>) -> Result<(), StoreError> {
        todo!()
    }

    /// Claims a feed for a pull.
    pub async fn lease_feed(
        &self,
        _feed: &str,
        _holder: &Holder,
        _now: Timestamp,
        _ttl: Duration,
    ) -> Result<Claim<Lease>, StoreError> {
        todo!()
    }

    /// Lets go of a feed.
    pub async fn release_feed(&self, _lease: &Lease) -> Result<(), StoreError> {
        todo!()
    }

    /// The units of a feed's series, by labels.
    pub async fn units(&self, _feed: &str) -> Result<HashMap<Labels, Option<Unit>>, StoreError> {
        todo!()
    }

    /// Stores a pull whole, with its evaluation task, or not at all.
    ///
    /// A row that says what is known adds nothing. A row for a known period with another value or
    /// status adds a vintage. A vintage's time is the row's publication where it has one that is not
    /// in the future and is later than the vintage that it replaces, else `retrieved_at`. Rows of one
    /// pull for one span with different publications are successive vintages.
    pub async fn append(&self, _lease: &Lease, _pull: NewPull, _rows: Vec<Row>) -> Result<Claim<Appended>, StoreError> {
        todo!()
    }

    /// Records that the publisher has nothing new (304, or the same bytes): the feed is well.
    pub async fn unchanged(
        &self,
        _lease: &Lease,
        _now: Timestamp,
        _next_due_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        todo!()
    }

    /// Records that a pull failed or was set aside; the earlier data stand.
    pub async fn fail(&self, _lease: &Lease, _pull: FailedPull) -> Result<(), StoreError> {
        todo!()
    }

    /// Claims the oldest evaluation task whose feed has none before it.
    pub async fn lease_task(
        &self,
        _holder: &Holder,
        _now: Timestamp,
        _ttl: Duration,
    ) -> Result<Option<Task>, StoreError> {
        todo!()
    }

    /// The series that a pull changed.
    pub async fn changed(&self, _pull: PullId) -> Result<Vec<SeriesRef>, StoreError> {
        todo!()
    }

    /// Every series, in the order of feeds and labels.
    pub async fn series(&self) -> Result<Vec<SeriesRef>, StoreError> {
        todo!()
    }

    /// A feed's newest pull that changed anything; 0 when there is none.
    pub async fn newest_pull(&self, _feed: &str) -> Result<PullId, StoreError> {
        todo!()
    }

    /// One series with every vintage up to a pull, and the provenance of each.
    pub async fn history(&self, _series: &SeriesRef, _until: PullId) -> Result<History, StoreError> {
        todo!()
    }

    /// One alert, if it was ever written.
    pub async fn alert(&self, _rule: &str, _labels: &Labels) -> Result<Option<Alert>, StoreError> {
        todo!()
    }

    /// Every alert, in the order of rules and labels.
    pub async fn alerts(&self) -> Result<Vec<Alert>, StoreError> {
        todo!()
    }

    /// The transitions of an alert with their messages, oldest first.
    pub async fn transitions(&self, _rule: &str, _labels: &Labels) -> Result<Vec<(Transition, Message)>, StoreError> {
        todo!()
    }

    /// Stores what a task came to, and that the task is done, in one transaction, or nothing of it.
    /// Without a task (start, reload) it is fenced by the alerts' versions alone.
    pub async fn commit(
        &self,
        _task: Option<&Task>,
        _settled: Vec<Settled>,
        _now: Timestamp,
    ) -> Result<Committed, StoreError> {
        todo!()
    }

    /// Claims due deliveries, the oldest of each (receiver, alert) first and only it, and records the
    /// beginning of an attempt for each in the same transaction. `hurry` takes those whose backoff is
    /// not over too.
    pub async fn lease_due(
        &self,
        _holder: &Holder,
        _now: Timestamp,
        _ttl: Duration,
        _limit: usize,
        _receivers: &[String],
        _hurry: bool,
    ) -> Result<Vec<Leased>, StoreError> {
        todo!()
    }

    /// The receivers that have pending deliveries.
    pub async fn pending_receivers(&self) -> Result<Vec<String>, StoreError> {
        todo!()
    }

    /// Records how an attempt ended and what follows; `false` when the lease was lost meanwhile.
    pub async fn record(&self, _leased: &Leased, _attempt: Attempt, _next: Next) -> Result<bool, StoreError> {
        todo!()
    }

    /// Lets a whole receiver rest until then.
    pub async fn pause_receiver(&self, _receiver: &str, _until: Timestamp) -> Result<(), StoreError> {
        todo!()
    }

    /// When the next delivery is due, if any is pending.
    pub async fn next_delivery_at(&self) -> Result<Option<Timestamp>, StoreError> {
        todo!()
    }

    /// Deliveries, newest first; only dead ones and those with a failed attempt when `failed`.
    pub async fn deliveries(&self, _failed: bool, _limit: usize) -> Result<Vec<DeliveryRecord>, StoreError> {
        todo!()
    }

    /// The attempts of a delivery, oldest first; one without an end began and was cut off.
    pub async fn attempts(&self, _delivery: &str) -> Result<Vec<(u32, Timestamp, Option<Attempt>)>, StoreError> {
        todo!()
    }

    /// Makes a dead or pending delivery due now, with its patience renewed; `None` for an unknown id.
    pub async fn retry_delivery(&self, _delivery: &str, _now: Timestamp) -> Result<Option<DeliveryRecord>, StoreError> {
        todo!()
    }
}
