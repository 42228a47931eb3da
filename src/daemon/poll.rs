//! The poll loop: feeds that are due → one pull each, stored whole or set aside with its reason.
//!
//! It fetches, parses and appends; what the figures mean is worked out by the evaluate loop.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, FuturesUnordered, StreamExt, TryStreamExt};
use sha2::{Digest, Sha256};
use tracing::{info, warn};

use super::Context;
use super::round::{Round, TICK_MAX};
use crate::base::clock::Timestamp;
use crate::base::error::Chain;
use crate::base::limits::{PAGES_MAX, RAW_BYTES_KEPT, REFUSALS_KEPT};
use crate::base::text::{counted, hex};
use crate::config::Setup;
use crate::feed::fetch::{FetchError, Fetched, Validators, shown};
use crate::feed::{Feed, Page, ParseError, Request};
use crate::series::{Intake, Refusal, Terms, intake};
use crate::store::{Appended, Claim, FailedPull, FeedState, Lease, NewPull, StoreError};

/// Feeds that are pulled at the same time, at most: each may hold a body in memory.
const PULLS: usize = 8;
/// How long a feed is ours while it is pulled; longer than the fetch may take with its retries.
const FEED_LEASE: Duration = Duration::from_secs(900);
/// The first wait after a failure; it doubles up to [`FAILURE_WAIT_MAX`].
const FAILURE_WAIT: Duration = Duration::from_secs(60);
/// The longest wait after a failure.
const FAILURE_WAIT_MAX: Duration = Duration::from_secs(3600);

/// What became of one feed's pull.
#[derive(Clone, Debug)]
pub struct Pulled {
    /// The feed.
    pub feed: String,
    /// How it went.
    pub how: PulledHow,
    /// Rows that were refused (the first of them).
    pub refused: Vec<Refusal>,
    /// All refused rows.
    pub refused_count: usize,
}

/// How a pull went.
#[derive(Clone, Debug)]
pub enum PulledHow {
    /// It was stored, or said nothing new.
    Stored(Appended),
    /// The publisher has nothing new.
    NotModified,
    /// Someone else pulls the feed, or has pulled it for this tick.
    NotOurs,
    /// It failed, or was set aside; the earlier data stand.
    Failed {
        /// Why, in words.
        reason: String,
        /// Data arrived but was set aside.
        set_aside: bool,
    },
}

impl Pulled {
    /// Whether the feed is well.
    pub const fn is_ok(&self) -> bool {
        !matches!(self.how, PulledHow::Failed { .. })
    }
}

/// Why a pull failed.
#[derive(Debug, thiserror::Error)]
enum PullError {
    #[error("{}", shown(&.0.target))]
    Fetch(Box<Request>, #[source] FetchError),
    #[error("{}", shown(&.0.target))]
    Parse(Box<Request>, #[source] ParseError),
    #[error("{} of {rows} refused, more than `max_refused` allows; the first: {first}", counted(*refused, "row"))]
    TooManyRefused { refused: usize, rows: usize, first: String },
    #[error("more than {PAGES_MAX} pages")]
    TooManyPages,
}

impl PullError {
    fn status(&self) -> Option<u16> {
        match self {
            Self::Fetch(_, error) => error.status(),
            Self::Parse(..) | Self::TooManyRefused { .. } | Self::TooManyPages => None,
        }
    }
}

/// All that one pull brought.
struct Harvest {
    page: Page,
    bytes: Vec<u8>,
    url: String,
    sha256: String,
    http_status: Option<u16>,
    validators: Validators,
}

/// Pulls every wanted feed now, whatever its schedule: some at a time, stored in the order of the setup.
pub async fn pull_all(
    context: &Context,
    setup: &Setup,
    wanted: impl Fn(&Feed) -> bool,
) -> Result<Vec<Pulled>, StoreError> {
    let feeds = setup.feeds.iter().filter(|feed| wanted(feed));
    let begun = stream::iter(feeds).map(|feed| begin(context, feed, context.clock.now()));
    begun.buffered(PULLS).and_then(end).try_collect().await
}

/// Pulls each feed as it becomes due, until told to stop. A slow publisher delays no other.
pub async fn poll_loop(context: Context, mut round: Round) -> Result<(), StoreError> {
    let stop = round.stop.clone();
    let mut under_way = FuturesUnordered::new();
    let mut busy = BTreeSet::new();
    loop {
        round.beats.poll.beat(context.clock.now());
        let setup = round.newest_setup();
        let due = due(&context, &setup, &busy).await?;
        for (name, tick) in due.now.into_iter().take(PULLS.saturating_sub(busy.len())) {
            busy.insert(name.clone());
            under_way.push(pull_named(&context, setup.clone(), name, tick));
        }
        let now = context.clock.now();
        // A feed that is pulled elsewhere stays due: no need to spin.
        let wait = due.next.map_or(TICK_MAX, |at| at.since(now).clamp(Duration::from_millis(200), TICK_MAX));
        tokio::select! {
            Some(pulled) = under_way.next() => {
                busy.remove(&pulled?);
                round.nudges.evaluate.notify_one();
            }
            () = tokio::time::sleep(wait) => {}
            () = round.changed() => {}
            // A pull that the end cuts off has stored nothing; it is due again after the next start.
            () = stop.cancelled() => return Ok(()),
        }
    }
}

/// The feeds that are due, with the ticks that they answer, and when the next one will be.
struct Due {
    now: Vec<(String, Timestamp)>,
    next: Option<Timestamp>,
}

async fn due(context: &Context, setup: &Setup, busy: &BTreeSet<String>) -> Result<Due, StoreError> {
    let states = context.store.feeds().await?;
    let now = context.clock.now();
    let mut due = Due { now: Vec::new(), next: None };
    for feed in setup.feeds.iter().filter(|feed| !busy.contains(&feed.name)) {
        let state = states.get(&feed.name).cloned().unwrap_or_default();
        let Some(tick) = due_at(feed, &state, now) else { continue };
        if tick <= now {
            due.now.push((feed.name.clone(), tick));
        } else {
            due.next = [due.next, Some(tick)].into_iter().flatten().min();
        }
    }
    Ok(due)
}

/// Pulls a feed of a setup; its name again.
async fn pull_named(context: &Context, setup: Arc<Setup>, name: String, tick: Timestamp) -> Result<String, StoreError> {
    if let Some(feed) = setup.feeds.iter().find(|feed| feed.name == name) {
        end(begin(context, feed, tick).await?).await?;
    }
    Ok(name)
}

/// When a feed is due: as stored, but never later than its schedule says from now (the clock may have
/// gone back, the schedule may have changed). A feed that was never pulled is due at once.
fn due_at(feed: &Feed, state: &FeedState, now: Timestamp) -> Option<Timestamp> {
    let never_pulled = state.last_ok_at.is_none() && state.failures == 0;
    if never_pulled {
        return Some(now);
    }
    let scheduled = next_due(feed, now);
    match (state.next_due_at, scheduled) {
        (Some(stored), Some(scheduled)) => Some(stored.min(scheduled)),
        // A retry of a feed without a schedule is due; anything else of it is not.
        (Some(stored), None) => (state.failures > 0).then_some(stored),
        (None, scheduled) => scheduled,
    }
}

/// The next tick after an instant, a little late by a share of the interval that differs from feed to
/// feed, so that a hundred feeds at nine o'clock do not begin in one second.
fn next_due(feed: &Feed, now: Timestamp) -> Option<Timestamp> {
    let schedule = feed.schedule.as_ref()?;
    let tick = schedule.after(now)?;
    let interval = schedule.after(tick).map_or(Duration::ZERO, |following| following.since(tick));
    let spread = (interval / 100).min(Duration::from_secs(30));
    let share = feed.name.bytes().fold(0_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte))) % 1000;
    Some(tick.plus(spread * share / 1000))
}

/// Claims a feed for a tick, fetches and parses what it says; nothing is stored yet.
async fn begin<'a>(context: &'a Context, feed: &'a Feed, tick: Timestamp) -> Result<Begun<'a>, StoreError> {
    let now = context.clock.now();
    let lease = match context.store.lease_feed(&feed.name, &context.holder, now, FEED_LEASE).await? {
        Claim::Taken(lease) => lease,
        Claim::Held { .. } | Claim::Finished => return Ok(Begun::NotOurs(feed)),
    };
    let state = context.store.feed(&feed.name).await?;
    let visit = Visit { context, feed, lease, tick, state };
    let harvest = visit.harvest().await;
    Ok(Begun::Ours(Box::new((visit, harvest))))
}

/// Stores what a pull brought, or why it brought nothing, and lets go of the feed.
async fn end(begun: Begun<'_>) -> Result<Pulled, StoreError> {
    let pulled = match begun {
        Begun::NotOurs(feed) => quiet(feed, PulledHow::NotOurs),
        Begun::Ours(ours) => {
            let (visit, harvest) = *ours;
            let pulled = visit.settle(harvest).await?;
            visit.context.store.release_feed(&visit.lease).await?;
            pulled
        }
    };
    log(&pulled);
    Ok(pulled)
}

fn quiet(feed: &Feed, how: PulledHow) -> Pulled {
    Pulled { feed: feed.name.clone(), how, refused: Vec::new(), refused_count: 0 }
}

/// A pull that was fetched, or that someone else has.
enum Begun<'a> {
    NotOurs(&'a Feed),
    Ours(Box<(Visit<'a>, Result<Option<Harvest>, Failure>)>),
}

/// One pull under way, holding the feed's lease.
struct Visit<'a> {
    context: &'a Context,
    feed: &'a Feed,
    lease: Lease,
    tick: Timestamp,
    state: FeedState,
}

/// A pull that cannot stand: why, and what arrived.
struct Failure {
    error: PullError,
    raw: Option<Vec<u8>>,
    refused: Vec<Refusal>,
    refused_count: usize,
}

impl Failure {
    fn new(error: PullError, raw: Option<Vec<u8>>) -> Self {
        Self { error, raw, refused: Vec::new(), refused_count: 0 }
    }
}

impl Visit<'_> {
    async fn settle(&self, harvest: Result<Option<Harvest>, Failure>) -> Result<Pulled, StoreError> {
        match harvest {
            Ok(Some(harvest)) => self.store(harvest).await,
            Ok(None) => {
                let now = self.context.clock.now();
                self.context.store.unchanged(&self.lease, now, next_due(self.feed, now)).await?;
                Ok(quiet(self.feed, PulledHow::NotModified))
            }
            Err(failure) => self.fail(failure).await,
        }
    }

    /// Fetches and parses every page; `None` when the publisher has nothing new.
    async fn harvest(&self) -> Result<Option<Harvest>, Failure> {
        let mut queue: VecDeque<Request> = self.feed.requests().into();
        // Validators speak of one response: with several requests none of them may be skipped.
        let mut validators = if queue.len() == 1 { self.known_validators() } else { Validators::default() };
        let mut harvest: Option<Harvest> = None;
        let mut pages = 0_usize;
        while let Some(request) = queue.pop_front() {
            pages += 1;
            if pages > PAGES_MAX {
                return Err(Failure::new(PullError::TooManyPages, None));
            }
            let Some(fetched) = self.page(&request, &std::mem::take(&mut validators)).await? else { return Ok(None) };
            queue.extend(fetched.page.next.clone());
            match &mut harvest {
                Some(harvest) => harvest.add(fetched),
                None => harvest = Some(fetched),
            }
        }
        Ok(harvest)
    }

    /// Fetches and parses one page.
    async fn page(&self, request: &Request, validators: &Validators) -> Result<Option<Harvest>, Failure> {
        let now = self.context.clock.now();
        let fetched = self.context.fetcher.fetch(request, validators, self.feed.max_bytes, now).await;
        let fetched =
            fetched.map_err(|error| Failure::new(PullError::Fetch(Box::new(request.clone()), error), None))?;
        let Fetched::Body { bytes, validators, http_status, sha256 } = fetched else { return Ok(None) };
        let url = shown(&request.target);
        match self.feed.publisher.parse(&bytes) {
            Ok(page) => Ok(Some(Harvest { page, bytes, url, sha256, http_status, validators })),
            Err(error) => Err(Failure::new(PullError::Parse(Box::new(request.clone()), error), Some(bytes))),
        }
    }

    /// The validators of the last committed response, while the feed still means the same.
    fn known_validators(&self) -> Validators {
        if self.state.spec_hash.as_deref() != Some(&self.feed.spec_hash) || self.state.failures > 0 {
            return Validators::default();
        }
        Validators { etag: self.state.etag.clone(), last_modified: self.state.last_modified.clone() }
    }

    /// Stores a harvest whole, or sets it aside.
    async fn store(&self, harvest: Harvest) -> Result<Pulled, StoreError> {
        let Self { context, feed, .. } = self;
        let known = context.store.units(&feed.name).await?;
        let Harvest { page, bytes, url, sha256, http_status, validators } = harvest;
        let (rows, mut refused, mut refused_count) = (page.rows, page.refused, page.refused_count);
        let terms = Terms { unit: feed.unit.as_ref(), absent_zero: feed.absent_zero && refused_count == 0 };
        let Intake { rows: figures, refused: conflicts } = intake(page.observations, &page.unavailable, terms, &known);
        refused_count += conflicts.len();
        refused.extend(conflicts);
        refused.sort_by_key(|refusal| refusal.row);
        refused.truncate(REFUSALS_KEPT);
        if !feed.max_refused.allows(refused_count, rows) {
            let first = refused.first().map(ToString::to_string).unwrap_or_default();
            let error = PullError::TooManyRefused { refused: refused_count, rows, first };
            return self.fail(Failure { error, raw: Some(bytes), refused, refused_count }).await;
        }
        let now = context.clock.now();
        let pull = NewPull {
            feed: feed.name.clone(),
            frequency: feed.frequency,
            scheduled_for: self.tick,
            retrieved_at: now,
            url,
            sha256,
            bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            http_status,
            spec_hash: feed.spec_hash.clone(),
            etag: validators.etag,
            last_modified: validators.last_modified,
            next_due_at: next_due(feed, now),
            refused: refused.clone(),
            refused_count,
        };
        let how = match context.store.append(&self.lease, pull, figures).await? {
            Claim::Taken(appended) => PulledHow::Stored(appended),
            Claim::Held { .. } | Claim::Finished => PulledHow::NotOurs,
        };
        Ok(Pulled { feed: feed.name.clone(), how, refused, refused_count })
    }

    /// Records a failure and when the feed is tried again.
    async fn fail(&self, failure: Failure) -> Result<Pulled, StoreError> {
        let Failure { error, raw, refused, refused_count } = failure;
        let now = self.context.clock.now();
        let reason = Chain(&error).to_string();
        let set_aside = raw.is_some();
        let failed = FailedPull {
            feed: self.feed.name.clone(),
            scheduled_for: self.tick,
            at: now,
            reason: reason.clone(),
            set_aside,
            http_status: error.status(),
            raw,
            refused: refused.clone(),
            refused_count,
            next_due_at: Some(self.retry_at(&error, now)),
        };
        self.context.store.fail(&self.lease, failed).await?;
        let how = PulledHow::Failed { reason, set_aside };
        Ok(Pulled { feed: self.feed.name.clone(), how, refused, refused_count })
    }

    /// A minute after the first failure, doubling to an hour, as the publisher asks if it asks for
    /// more, and never later than the next tick.
    fn retry_at(&self, error: &PullError, now: Timestamp) -> Timestamp {
        let doubling = 2_u32.saturating_pow(self.state.failures.min(10));
        let wait = FAILURE_WAIT.saturating_mul(doubling).min(FAILURE_WAIT_MAX);
        let wish = match error {
            PullError::Fetch(_, error) => error.retry_after().unwrap_or_default(),
            PullError::Parse(..) | PullError::TooManyRefused { .. } | PullError::TooManyPages => Duration::ZERO,
        };
        let retry = now.plus(wait.max(wish));
        next_due(self.feed, now.plus(wish)).map_or(retry, |scheduled| retry.min(scheduled))
    }
}

impl Harvest {
    /// Adds a further page; the hash becomes one over the pages' hashes, and no validator speaks for all.
    fn add(&mut self, other: Self) {
        self.page.observations.extend(other.page.observations);
        self.page.unavailable.extend(other.page.unavailable);
        self.page.refused.extend(other.page.refused);
        self.page.refused_count += other.page.refused_count;
        self.page.rows += other.page.rows;
        let room = RAW_BYTES_KEPT.saturating_sub(self.bytes.len()).min(other.bytes.len());
        self.bytes.extend_from_slice(&other.bytes[..room]);
        let digest = Sha256::digest(format!("{}{}", self.sha256, other.sha256).as_bytes());
        self.sha256 = hex(&digest);
        self.validators = Validators::default();
    }
}

fn log(pulled: &Pulled) {
    let Pulled { feed, how, refused, refused_count } = pulled;
    match how {
        PulledHow::Stored(Appended { new, revised, unchanged, .. }) => {
            info!(feed, new, revised, unchanged, refused = refused_count, "feed pulled");
        }
        PulledHow::NotModified => info!(feed, "feed has nothing new"),
        PulledHow::NotOurs => info!(feed, "feed is pulled elsewhere"),
        PulledHow::Failed { reason, set_aside: true } => warn!(feed, ?reason, "pull set aside; earlier data stand"),
        PulledHow::Failed { reason, set_aside: false } => warn!(feed, ?reason, "pull failed; earlier data stand"),
    }
    for refusal in refused {
        warn!(feed, refusal = ?refusal.to_string(), "row refused");
    }
}
