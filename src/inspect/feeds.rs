//! How each feed is, what its last pulls came to, and what there is of it.

use chrono::NaiveDate;

use super::{Health, Holdings, Inspection, Unanswered, meant};
use crate::alert::{FEED_FAILING, FEED_OVERDUE, Topic};
use crate::base::clock::Timestamp;
use crate::feed::fetch::shown;
use crate::feed::{Feed, Standing};
use crate::outbox::notified;
use crate::period::{Frequency, Period};
use crate::rule::Severity;
use crate::series::{Punctuality, Refusal, Unit, Upcoming};
use crate::store::{Holding, PullOutcome, PullRecord, StoreError};

/// How a feed is, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    /// It is well.
    Ok,
    /// It was never pulled.
    New,
    /// Its pulls fail.
    Failing,
    /// The release calendar's day has come, and its grace is not over.
    Late,
    /// The grace is over.
    Overdue,
}

impl Condition {
    /// Of a feed's health: what fails says nothing of what is late.
    pub fn of(health: &Health) -> Self {
        match health.upcoming.map(|upcoming| upcoming.punctuality) {
            _ if health.state.failures > 0 => Self::Failing,
            _ if health.state.last_ok_at.is_none() => Self::New,
            Some(Punctuality::Late) => Self::Late,
            Some(Punctuality::Overdue) => Self::Overdue,
            Some(Punctuality::Due) | None => Self::Ok,
        }
    }

    /// The word: `ok`, `new`, `failing`, `late`, `overdue`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::New => "new",
            Self::Failing => "failing",
            Self::Late => "late",
            Self::Overdue => "overdue",
        }
    }
}

/// A feed as it stands.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeedStatus {
    /// Its name.
    pub feed: String,
    /// How it is.
    pub state: Condition,
    /// How many series it has.
    pub series: usize,
    /// The latest period of which any of them has a figure.
    pub latest: Option<Period>,
    /// The frequency of its series.
    pub frequency: Frequency,
    /// The unit that the config declares; without one, the figures have their own.
    pub unit: Option<Unit>,
    /// The next figure by the release calendar, where there is one.
    pub next_release: Option<NextRelease>,
    /// The last time that a pull stood.
    pub last_success_at: Option<Timestamp>,
    /// When it is pulled next.
    pub next_pull_at: Option<Timestamp>,
    /// Failures since the last success.
    pub failures: u32,
    /// When the first of them was.
    pub failing_since: Option<Timestamp>,
    /// Why the last pull failed or was set aside.
    pub last_error: Option<String>,
    /// Its last pull that answered or failed.
    pub last_pull: Option<Pull>,
}

/// A figure that a release calendar knows of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NextRelease {
    /// Its period.
    pub period: Period,
    /// The day on which it is due.
    #[schema(value_type = String, format = Date)]
    pub due_on: NaiveDate,
    /// Whether it has kept to that.
    pub state: Punctuality,
}

impl NextRelease {
    /// As the calendar has it.
    pub const fn new(upcoming: Upcoming) -> Self {
        Self { period: upcoming.period, due_on: upcoming.due_on, state: upcoming.punctuality }
    }
}

/// A pull as it is remembered.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pull {
    /// When the response was complete, or the pull failed.
    pub at: Timestamp,
    /// How it ended.
    pub outcome: PullOutcome,
    /// Where it came from, without secrets; nothing for a pull that failed.
    pub url: Option<String>,
    /// HTTP status, where there was one.
    pub http_status: Option<u16>,
    /// Size of the body (bytes), where there was one.
    pub bytes: Option<u64>,
    /// SHA-256 of the body, in hexadecimal digits.
    pub sha256: Option<String>,
    /// Figures for periods not known before.
    pub new: usize,
    /// Figures that replaced another.
    pub revised: usize,
    /// Figures that were known already.
    pub unchanged: usize,
    /// How many rows were refused.
    pub refused: usize,
    /// The first of them, and why.
    pub refusals: Vec<Refusal>,
    /// Why it failed or was set aside.
    pub reason: Option<String>,
}

impl Pull {
    /// As the store remembers it.
    pub fn new(record: PullRecord) -> Self {
        let PullRecord { at, outcome, url, http_status, bytes, sha256, reason, appended, refused, refused_count } =
            record;
        Self {
            at,
            outcome,
            url,
            http_status,
            bytes,
            sha256,
            new: appended.new,
            revised: appended.revised,
            unchanged: appended.unchanged,
            refused: refused_count,
            refusals: refused,
            reason,
        }
    }
}

/// A feed with all that there is to say of it.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeedDetail {
    /// How it stands.
    #[serde(flatten)]
    pub status: FeedStatus,
    /// The addresses and files that the next pull begins with, without secrets.
    pub requests: Vec<String>,
    /// How many requests there may be, where anybody counts: `500 a day`.
    pub quota: Option<String>,
    /// Who counts.
    pub account: Option<String>,
    /// Who is told when its pulls fail, or a figure is overdue.
    pub receivers: Vec<String>,
    /// The publisher's time zone, such as `Asia/Shanghai`.
    pub zone: String,
    /// Its last pulls that answered or failed, newest first.
    pub pulls: Vec<Pull>,
}

/// Every feed.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Feeds {
    /// In the order of their names.
    pub feeds: Vec<FeedStatus>,
}

/// Every feed, in the order of their names.
pub async fn feeds(inspection: Inspection<'_>, holdings: &mut Holdings) -> Result<Vec<FeedStatus>, StoreError> {
    let mut all = Vec::new();
    for feed in &inspection.setup.feeds {
        all.push(status(inspection, holdings, feed).await?.0);
    }
    Ok(all)
}

/// One feed, with its last pulls, so many at most.
pub async fn feed(inspection: Inspection<'_>, name: &str, pulls: usize) -> Result<FeedDetail, Unanswered> {
    let feed = meant::feed(inspection.setup, name)?;
    let (status, health) = status(inspection, &mut Holdings::default(), feed).await?;
    let standing = Standing { now: inspection.now, marks: health.state.marks };
    let pace = feed.pace();
    Ok(FeedDetail {
        status,
        requests: feed.requests(&standing).iter().map(|request| shown(&request.target)).collect(),
        quota: pace.quota.map(|quota| quota.to_string()),
        account: pace.quota.map(|_| pace.account),
        receivers: receivers(inspection, feed),
        zone: feed.zone.to_string(),
        pulls: inspection.store.pulls(name, pulls).await?.into_iter().map(Pull::new).collect(),
    })
}

async fn status(
    inspection: Inspection<'_>,
    holdings: &mut Holdings,
    feed: &Feed,
) -> Result<(FeedStatus, Health), StoreError> {
    let Inspection { store, now, .. } = inspection;
    let (state, holding) = (store.feed(&feed.name).await?, holdings.of(store, &feed.name).await?);
    let last = store.pulls(&feed.name, 1).await?.pop();
    let Holding { series, latest } = holding;
    let health = Health::new(feed, state, latest, now);
    let state = &health.state;
    let status = FeedStatus {
        feed: feed.name.clone(),
        state: Condition::of(&health),
        series,
        latest,
        frequency: feed.frequency,
        unit: feed.unit.clone(),
        next_release: health.upcoming.map(NextRelease::new),
        last_success_at: state.last_ok_at,
        next_pull_at: state.next_due_at,
        failures: state.failures,
        failing_since: state.failing_since,
        last_error: state.last_error.clone(),
        last_pull: last.map(Pull::new),
    };
    Ok((status, health))
}

fn receivers(inspection: Inspection<'_>, feed: &Feed) -> Vec<String> {
    let of = |rule| {
        let topic = Topic { rule, labels: &feed.labels, severity: Severity::Warning };
        notified(feed.notify.as_deref(), &inspection.setup.routes, &topic)
    };
    let mut names: Vec<String> = [FEED_FAILING, FEED_OVERDUE].into_iter().flat_map(of).collect();
    names.sort();
    names.dedup();
    names
}
