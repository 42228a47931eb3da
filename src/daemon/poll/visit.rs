//! One pull of one feed: its requests, one after the other, and what becomes of the answers.
//!
//! When a feed is due, and what else is pulled meanwhile, is the loop's business.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{Context, Pulled, PulledHow, count, log, next_due};
use crate::base::clock::Timestamp;
use crate::base::error::Chain;
use crate::base::limits::{PAGES_MAX, PULL_TIME_MAX, RAW_BYTES_KEPT, REFUSALS_KEPT};
use crate::base::text::{counted, hex};
use crate::feed::fetch::{FetchError, Fetched, Validators, shown};
use crate::feed::{Answer, Feed, Page, ParseError, Quota, Request, Standing};
use crate::series::{Intake, Refusal, Terms, intake};
use crate::store::{Claim, FailedPull, FeedState, Lease, NewPull, StoreError};

/// How long a feed is ours while it is pulled; longer than a pull may take.
const FEED_LEASE: Duration = Duration::from_secs(900);
/// The first wait after a failure; it doubles up to [`FAILURE_WAIT_MAX`].
const FAILURE_WAIT: Duration = Duration::from_secs(60);
/// The longest wait after a failure.
const FAILURE_WAIT_MAX: Duration = Duration::from_secs(3600);

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
    #[error("{account} allows {quota}, and they are used up; the next are from {until} on")]
    QuotaUsedUp { account: String, quota: Quota, until: Timestamp },
}

impl PullError {
    fn status(&self) -> Option<u16> {
        match self {
            Self::Fetch(_, error) => error.status(),
            Self::Parse(..) | Self::TooManyRefused { .. } | Self::TooManyPages | Self::QuotaUsedUp { .. } => None,
        }
    }
}

/// All that one pull brought.
pub struct Harvest {
    page: Page,
    bytes: Vec<u8>,
    url: String,
    sha256: String,
    http_status: Option<u16>,
    validators: Validators,
}

/// Claims a feed for a tick, fetches and parses what it says; nothing is stored yet.
pub async fn begin<'a>(context: &'a Context, feed: &'a Feed, tick: Timestamp) -> Result<Begun<'a>, StoreError> {
    let now = context.clock.now();
    let lease = match context.store.lease_feed(&feed.name, &context.holder, now, FEED_LEASE).await? {
        Claim::Taken(lease) => lease,
        Claim::Held { .. } | Claim::Finished => return Ok(Begun::NotOurs(feed)),
    };
    let state = context.store.feed(&feed.name).await?;
    let standing = standing(feed, &state, now);
    let visit = Visit { context, feed, lease, tick, state, standing };
    let harvest = visit.harvest().await?;
    let took = context.clock.now().since(now);
    Ok(Begun::Ours(Box::new((visit, harvest, took))))
}

/// Where a feed stands; what was marked of a feed that meant something else is forgotten.
fn standing(feed: &Feed, state: &FeedState, now: Timestamp) -> Standing {
    let same = state.spec_hash.as_deref() == Some(&feed.spec_hash);
    Standing { now, marks: if same { state.marks.clone() } else { BTreeMap::new() } }
}

/// Stores what a pull brought, or why it brought nothing, and lets go of the feed.
pub async fn end(begun: Begun<'_>) -> Result<Pulled, StoreError> {
    let pulled = match begun {
        Begun::NotOurs(feed) => quiet(feed, PulledHow::NotOurs),
        Begun::Ours(ours) => {
            let (visit, harvest, took) = *ours;
            let pulled = Pulled { took, ..visit.settle(harvest).await? };
            visit.context.store.release_feed(&visit.lease).await?;
            count(&visit.context.metrics, &pulled);
            pulled
        }
    };
    log(&pulled);
    Ok(pulled)
}

fn quiet(feed: &Feed, how: PulledHow) -> Pulled {
    let (feed, took) = (feed.name.clone(), Duration::ZERO);
    Pulled { feed, how, note: None, refused: Vec::new(), refused_count: 0, took }
}

/// A pull that was fetched, and how long that took, or that someone else has.
pub enum Begun<'a> {
    NotOurs(&'a Feed),
    Ours(Box<(Visit<'a>, Result<Harvested, Failure>, Duration)>),
}

/// One pull under way, holding the feed's lease.
pub struct Visit<'a> {
    context: &'a Context,
    feed: &'a Feed,
    lease: Lease,
    tick: Timestamp,
    state: FeedState,
    standing: Standing,
}

/// What the publisher said.
pub enum Harvested {
    /// Figures.
    Figures(Box<Harvest>),
    /// Nothing new, and what it noted.
    NothingNew(Option<String>),
}

/// A pull that cannot stand: why, and what arrived.
pub struct Failure {
    error: PullError,
    raw: Option<Vec<u8>>,
    refused: Vec<Refusal>,
    refused_count: usize,
}

impl Failure {
    fn new(error: PullError, raw: Option<Vec<u8>>) -> Self {
        Self { error, raw, refused: Vec::new(), refused_count: 0 }
    }

    /// Whether what was read without the request stands: it may wait, and it is the publisher who is unwell, or one
    /// file of many that cannot be read.
    const fn may_wait(&self, request: &Request) -> bool {
        let is_file = matches!(request.target, crate::feed::Target::File(_));
        request.may_wait && (matches!(self.error, PullError::Fetch(..)) || is_file)
    }

    /// Whether the publisher wants to be asked nothing more for now.
    fn is_enough(&self) -> bool {
        matches!(self.error.status(), Some(401 | 403 | 429))
    }
}

impl Visit<'_> {
    async fn settle(&self, harvest: Result<Harvested, Failure>) -> Result<Pulled, StoreError> {
        match harvest {
            Ok(Harvested::Figures(harvest)) => self.store(*harvest).await,
            Ok(Harvested::NothingNew(note)) => {
                let now = self.context.clock.now();
                self.context.store.unchanged(&self.lease, now, next_due(self.feed, now)).await?;
                Ok(Pulled { note, ..quiet(self.feed, PulledHow::NothingNew) })
            }
            Err(failure) => self.fail(failure).await,
        }
    }

    /// Fetches and parses every page.
    async fn harvest(&self) -> Result<Result<Harvested, Failure>, StoreError> {
        let mut queue: VecDeque<Request> = self.feed.requests(&self.standing).into();
        // Validators speak of one response: with several requests none of them may be skipped.
        let is_same = queue.len() == 1 && !queue[0].moves;
        let mut validators = if is_same { self.known_validators() } else { Validators::default() };
        let mut harvest: Option<Harvest> = None;
        let began = self.context.clock.now();
        let (mut pages, mut left) = (0_usize, 0_usize);
        let mut unwell = None;
        while let Some(request) = queue.pop_front() {
            let spent = pages >= PAGES_MAX || self.context.clock.now().since(began) > PULL_TIME_MAX;
            if request.may_wait && (spent || (harvest.is_some() && !self.may_ask(&request).await?)) {
                left += 1;
                continue;
            }
            pages += 1;
            if pages > PAGES_MAX {
                return Ok(Err(Failure::new(PullError::TooManyPages, None)));
            }
            if let Err(error) = self.spend(&request).await? {
                return Ok(Err(Failure::new(error, None)));
            }
            let page = match self.page(&request, &std::mem::take(&mut validators)).await {
                Ok(Some(page)) => page,
                Ok(None) => return Ok(Ok(Harvested::NothingNew(None))),
                Err(failure) if failure.may_wait(&request) => {
                    left += 1;
                    // Who says that this was enough is asked nothing more; one address that is out of order says
                    // nothing of the others.
                    if failure.is_enough() {
                        left += queue.len();
                        queue.clear();
                    }
                    unwell.get_or_insert(failure);
                    continue;
                }
                Err(failure) => return Ok(Err(failure)),
            };
            queue.extend(page.page.next.iter().cloned());
            harvest = Some(match harvest {
                Some(harvest) => harvest.and(page),
                None => page,
            });
        }
        let harvested = harvest.map_or(Harvested::NothingNew(None), |harvest| harvest.told(left, unwell.as_ref()));
        Ok(match (harvested, unwell) {
            // Nothing came of it but the failure.
            (Harvested::NothingNew(_), Some(failure)) => Err(failure),
            (harvested, _) => Ok(harvested),
        })
    }

    /// Whether the quota still has room for a request that may wait.
    async fn may_ask(&self, request: &Request) -> Result<bool, StoreError> {
        let pace = self.feed.pace();
        let Some(quota) = pace.quota.filter(|_| is_counted(request)) else { return Ok(true) };
        let (since, _) = quota.window.around(self.context.clock.now());
        Ok(self.context.store.spent(&pace.account, since).await? < quota.calls)
    }

    /// Counts a request against the quota of its account.
    async fn spend(&self, request: &Request) -> Result<Result<(), PullError>, StoreError> {
        let pace = self.feed.pace();
        let Some(quota) = pace.quota.filter(|_| is_counted(request)) else { return Ok(Ok(())) };
        let (since, until) = quota.window.around(self.context.clock.now());
        if self.context.store.spend(&pace.account, since, quota.calls).await? {
            return Ok(Ok(()));
        }
        Ok(Err(PullError::QuotaUsedUp { account: pace.account, quota, until }))
    }

    /// Fetches and parses one page.
    async fn page(&self, request: &Request, validators: &Validators) -> Result<Option<Harvest>, Failure> {
        let now = self.context.clock.now();
        let pace = self.feed.pace();
        let fetched = self.context.fetcher.fetch(request, &pace, validators, self.feed.max_bytes, now).await;
        let fetched =
            fetched.map_err(|error| Failure::new(PullError::Fetch(Box::new(request.clone()), error), None))?;
        let Fetched::Body { bytes, validators, http_status, sha256 } = fetched else { return Ok(None) };
        let url = shown(&request.target);
        let answer = Answer { question: &request.question, body: &bytes, http_status, standing: &self.standing };
        match self.feed.parse(&answer) {
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
        let (marks, note) = (self.marks(page.marks), page.note);
        let terms = Terms { unit: feed.unit.as_ref(), absent_zero: feed.absent_zero && refused_count == 0 };
        let Intake { rows: figures, refused: conflicts, refused_count: also } =
            intake(page.observations, &page.unavailable, terms, &known);
        refused_count += also;
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
            marks,
            rounds: feed.publisher.rounds(),
            raw: Some(bytes),
            raw_since: now.minus(feed.keep_raw),
            items: page.items,
            labels: feed.labels.clone(),
            next_due_at: next_due(feed, now),
            refused: refused.clone(),
            refused_count,
        };
        let how = match context.store.append(&self.lease, pull, figures).await? {
            Claim::Taken(appended) => PulledHow::Stored(appended),
            Claim::Held { .. } | Claim::Finished => PulledHow::NotOurs,
        };
        Ok(Pulled { note, refused, refused_count, ..quiet(feed, how) })
    }

    /// What the feed's next pull is to know: what was marked before, with what this one marks.
    fn marks(&self, new: Vec<(String, String)>) -> BTreeMap<String, String> {
        self.standing.marks.clone().into_iter().chain(new).collect()
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
        Ok(Pulled { refused, refused_count, ..quiet(self.feed, how) })
    }

    /// A minute after the first failure, doubling to an hour, as the publisher asks if it asks for
    /// more, and never later than the next tick.
    fn retry_at(&self, error: &PullError, now: Timestamp) -> Timestamp {
        let doubling = 2_u32.saturating_pow(self.state.failures.min(10));
        let wait = FAILURE_WAIT.saturating_mul(doubling).min(FAILURE_WAIT_MAX);
        let wish = match error {
            PullError::Fetch(_, error) => error.retry_after().unwrap_or_default(),
            PullError::QuotaUsedUp { until, .. } => until.since(now),
            PullError::Parse(..) | PullError::TooManyRefused { .. } | PullError::TooManyPages => Duration::ZERO,
        };
        let retry = now.plus(wait.max(wish));
        next_due(self.feed, now.plus(wish)).map_or(retry, |scheduled| retry.min(scheduled))
    }
}

/// Whether a publisher counts a request: files are nobody's.
const fn is_counted(request: &Request) -> bool {
    matches!(request.target, crate::feed::Target::Http { .. })
}

impl Harvest {
    /// With a further page; the hash becomes one over the pages' hashes, and no validator speaks for all.
    fn and(mut self, other: Self) -> Self {
        if self.page.rows == 0 {
            // Figures come from the page that has them, not from the question whether there are any.
            (self.url, self.http_status) = (other.url, other.http_status);
        }
        self.page.observations.extend(other.page.observations);
        self.page.items.extend(other.page.items);
        self.page.unavailable.extend(other.page.unavailable);
        self.page.refused.extend(other.page.refused);
        self.page.refused_count += other.page.refused_count;
        self.page.rows += other.page.rows;
        self.page.marks.extend(other.page.marks);
        self.page.note = [self.page.note, other.page.note].into_iter().flatten().reduce(|a, b| format!("{a}; {b}"));
        let room = RAW_BYTES_KEPT.saturating_sub(self.bytes.len()).min(other.bytes.len());
        self.bytes.extend_from_slice(&other.bytes[..room]);
        self.sha256 = hex(&Sha256::digest(format!("{}{}", self.sha256, other.sha256).as_bytes()));
        Self { validators: Validators::default(), ..self }
    }

    /// What it comes to, when some requests were left for the next pull, and why if one failed. What was marked is
    /// kept, though it may have brought no figure.
    fn told(mut self, left: usize, unwell: Option<&Failure>) -> Harvested {
        if left > 0 {
            let why = unwell.map(|failure| format!(" ({})", Chain(&failure.error))).unwrap_or_default();
            let rest = format!("{} left for the next pull{why}", counted(left, "request"));
            self.page.note = [self.page.note, Some(rest)].into_iter().flatten().reduce(|a, b| format!("{a}; {b}"));
        }
        if self.page.rows == 0 && self.page.marks.is_empty() {
            Harvested::NothingNew(self.page.note)
        } else {
            Harvested::Figures(Box::new(self))
        }
    }
}
