//! Pulls as they go into the store, and the feeds and series that it keeps.

use std::collections::BTreeMap;

use crate::base::clock::Timestamp;
use crate::period::{Frequency, Period};
use crate::series::{Figures, Item, Labels, PullId, Refusal, Unit};

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
    /// When the first of them was.
    pub failing_since: Option<Timestamp>,
    /// Why the last pull failed or was set aside.
    pub last_error: Option<String>,
    /// What the publisher marked in pulls that stood.
    pub marks: BTreeMap<String, String>,
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
    /// See [`FeedState`].
    pub marks: BTreeMap<String, String>,
    /// A known figure that is told with other digits is no revision (see `Publisher::rounds`).
    pub rounds: bool,
    /// The body, capped; kept for a look where the pull changes anything.
    pub raw: Option<Vec<u8>>,
    /// Bodies of this feed from before then are forgotten.
    pub raw_since: Timestamp,
    /// The items that it has, known or not.
    pub items: Vec<Item>,
    /// The labels of the series that counts them.
    pub labels: Labels,
    /// When the feed is due again.
    pub next_due_at: Option<Timestamp>,
    /// The rows that were refused (the first of them), and how many there were.
    pub refused: Vec<Refusal>,
    /// All refused rows.
    pub refused_count: usize,
}

/// A part of a pull that is too large to be held at once.
#[derive(Debug)]
pub enum Piece {
    /// Some of its figures; those of one series need not come together.
    Series(Vec<Figures>),
    /// That was all.
    End(Summary),
}

/// What is only known at the end of a pull that came in pieces.
#[derive(Debug)]
pub struct Summary {
    /// SHA-256 over all that was read, in hex.
    pub sha256: String,
    /// The size of it.
    pub bytes: u64,
    /// The first of the rows that were refused.
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
    /// Items not known before; the figures are then of their days.
    pub items: usize,
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

/// A pull as it is remembered.
#[derive(Clone, Debug, PartialEq)]
pub struct PullRecord {
    /// When the response was complete, or the pull failed.
    pub at: Timestamp,
    /// How it ended.
    pub outcome: PullOutcome,
    /// Where it came from, without secrets; nothing for a pull that failed.
    pub url: Option<String>,
    /// HTTP status, where there was one.
    pub http_status: Option<u16>,
    /// Size of the body, where there was one (bytes).
    pub bytes: Option<u64>,
    /// SHA-256 of the body, in hex.
    pub sha256: Option<String>,
    /// Why it failed or was set aside.
    pub reason: Option<String>,
    /// What it changed.
    pub appended: Appended,
    /// The first of the rows that were refused.
    pub refused: Vec<Refusal>,
    /// All refused rows.
    pub refused_count: usize,
}

/// How a pull ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PullOutcome {
    /// It stands, and some of it was new.
    Changed,
    /// It stands, and said what is known.
    Same,
    /// Data arrived that could not stand.
    SetAside,
    /// Nothing arrived.
    Failed,
}

impl PullOutcome {
    /// Every one with the word that the store and the program's output have for it.
    pub const ALL: [(&'static str, Self); 4] =
        [("changed", Self::Changed), ("same", Self::Same), ("set_aside", Self::SetAside), ("failed", Self::Failed)];

    /// The word.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, outcome)| *outcome == self).map_or("", |(name, _)| name)
    }
}

/// What there is of a feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// Series.
    pub series: usize,
    /// The latest period of which any of them has a figure.
    pub latest: Option<Period>,
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
