//! The poll loop: feeds that are due → one pull each, stored whole or set aside with its reason.
//!
//! It fetches, parses and appends; what the figures mean is worked out by the evaluate loop.

mod visit;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, FuturesUnordered, StreamExt, TryStreamExt};
use tracing::{debug, info, warn};

use self::visit::{begin, end};
use super::Context;
use super::round::{Round, TICK_MAX};
use crate::base::clock::Timestamp;
use crate::config::Setup;
use crate::feed::Feed;
use crate::metrics::Metrics;
use crate::series::Refusal;
use crate::store::{Appended, FeedState, Held, StoreError};

/// Feeds that are pulled at the same time, at most: each may hold a body in memory.
const PULLS: usize = 8;
/// A feed that is pulled elsewhere is looked at again after so long.
const ELSEWHERE: Duration = Duration::from_secs(1);

/// What became of one feed's pull.
#[derive(Clone, Debug)]
pub struct Pulled {
    /// The feed.
    pub feed: String,
    /// How it went.
    pub how: PulledHow,
    /// What the publisher's answers give to know, in words.
    pub note: Option<String>,
    /// Rows that were refused (the first of them).
    pub refused: Vec<Refusal>,
    /// All refused rows.
    pub refused_count: usize,
    /// How long it took to fetch and read.
    pub took: Duration,
}

/// How a pull went.
#[derive(Clone, Debug)]
pub enum PulledHow {
    /// It was stored, or said nothing new.
    Stored(Appended),
    /// The publisher has nothing new.
    NothingNew,
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

impl PulledHow {
    /// The word for it in metrics; none for a pull that was not ours.
    const fn result(&self) -> Option<&'static str> {
        match self {
            Self::Stored(Appended { pull: Some(_), .. }) => Some("changed"),
            Self::Stored(_) => Some("same"),
            Self::NothingNew => Some("not_modified"),
            Self::NotOurs => None,
            Self::Failed { set_aside: true, .. } => Some("set_aside"),
            Self::Failed { set_aside: false, .. } => Some("failed"),
        }
    }

    /// What programs are told: `stored`, `not_modified`, `held`, `set_aside` or `failed`.
    pub const fn outcome(&self) -> &'static str {
        match self {
            Self::Stored(_) => "stored",
            Self::NothingNew => "not_modified",
            Self::NotOurs => "held",
            Self::Failed { set_aside: true, .. } => "set_aside",
            Self::Failed { set_aside: false, .. } => "failed",
        }
    }

    /// What was stored; nothing, unless the pull stands.
    pub fn appended(&self) -> Appended {
        if let Self::Stored(appended) = self { appended.clone() } else { Appended::default() }
    }

    /// Why it does not stand, where it does not.
    pub fn reason(&self) -> Option<&str> {
        if let Self::Failed { reason, .. } = self { Some(reason) } else { None }
    }
}

impl Pulled {
    /// Whether the feed is well.
    pub const fn is_ok(&self) -> bool {
        !matches!(self.how, PulledHow::Failed { .. })
    }
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
    // What an earlier round of this loop was in the middle of when the store let it down.
    context.store.let_go(&context.holder, &[Held::Feeds]).await?;
    let mut under_way = FuturesUnordered::new();
    let mut busy = BTreeSet::new();
    let mut expected = Expected::default();
    loop {
        round.beats.poll.beat(context.clock.now());
        round.may_act(&context, &round.beats.poll).await;
        let setup = round.newest_setup();
        let due = due(&context, &setup, &busy, &mut expected).await?;
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

/// When each feed was first expected to be due. What was stored may lie far ahead (the clock has gone back, the schedule
/// is another), and the schedule's next tick is always ahead: a tick that was expected once is kept to.
#[derive(Default)]
struct Expected(BTreeMap<String, Timestamp>);

impl Expected {
    /// The earliest that was ever said of a feed since it was last due.
    fn earliest(&mut self, feed: &str, tick: Timestamp) -> Timestamp {
        let known = self.0.entry(feed.to_owned()).or_insert(tick);
        *known = tick.min(*known);
        *known
    }
}

async fn due(
    context: &Context,
    setup: &Setup,
    busy: &BTreeSet<String>,
    expected: &mut Expected,
) -> Result<Due, StoreError> {
    let states = context.store.feeds().await?;
    let now = context.clock.now();
    let mut due = Due { now: Vec::new(), next: None };
    for feed in setup.feeds.iter().filter(|feed| !busy.contains(&feed.name)) {
        let state = states.get(&feed.name).cloned().unwrap_or_default();
        let Some(tick) = due_at(feed, &state, now) else { continue };
        let tick = expected.earliest(&feed.name, tick);
        if tick <= now {
            expected.0.remove(&feed.name);
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
        let pulled = end(begin(context, feed, tick).await?).await?;
        if matches!(pulled.how, PulledHow::NotOurs) {
            tokio::time::sleep(ELSEWHERE).await;
        }
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

/// Counts a pull, and what it brought.
fn count(metrics: &Metrics, pulled: &Pulled) {
    let Pulled { feed, how, refused_count, took, .. } = pulled;
    let Some(result) = how.result() else { return };
    metrics.pulled(feed, result, *took);
    metrics.observed(feed, "rejected", *refused_count);
    if let PulledHow::Stored(Appended { new, revised, unchanged, .. }) = how {
        for (change, count) in [("new", new), ("revised", revised), ("unchanged", unchanged)] {
            metrics.observed(feed, change, *count);
        }
    }
}

fn log(pulled: &Pulled) {
    let Pulled { feed, how, note, refused, refused_count, .. } = pulled;
    let note = note.as_deref();
    match how {
        PulledHow::Stored(Appended { new, revised, unchanged, items, .. }) => {
            info!(feed, new, revised, unchanged, items, refused = refused_count, note, "feed pulled");
        }
        PulledHow::NothingNew => info!(feed, note, "feed has nothing new"),
        PulledHow::NotOurs => debug!(feed, "feed is pulled elsewhere"),
        PulledHow::Failed { reason, set_aside: true } => warn!(feed, ?reason, "pull set aside; earlier data stand"),
        PulledHow::Failed { reason, set_aside: false } => warn!(feed, ?reason, "pull failed; earlier data stand"),
    }
    for refusal in refused {
        warn!(feed, refusal = ?refusal.to_string(), "row refused");
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::base::clock::Clock;
    use crate::config::Environment;
    use crate::feed::{Answer, Page, ParseError, Publisher, Request, Standing, Target};
    use crate::store::{Location, Store};

    /// A publisher whose reader has a fault.
    #[derive(Debug)]
    struct Faulty(std::path::PathBuf);

    impl Publisher for Faulty {
        fn requests(&self, _: &Standing) -> Vec<Request> {
            vec![Request::new(Target::File(self.0.clone()))]
        }

        fn parse(&self, _: &Answer<'_>) -> Result<Page, ParseError> {
            panic!("index out of bounds")
        }
    }

    #[tokio::test]
    async fn a_reader_that_breaks_off_is_an_error_of_its_feed_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let table = |name| format!("[feed.{name}]\nkind = 'csv'\npath = 'f.csv'\nfrequency = 'month'\nunit = 't'\n");
        std::fs::write(path("supplywatch.toml"), table("a") + &table("b")).unwrap();
        std::fs::write(path("f.csv"), "period,value\n2025-09,420.5\n").unwrap();
        let loaded = crate::config::load(&path("supplywatch.toml"), &Environment::of(&[]));
        let mut setup = loaded.map_err(|problems| problems.render(false)).unwrap().setup;
        setup.feeds[0].publisher = Box::new(Faulty(path("f.csv")));
        let clock = Clock::manual(Timestamp::parse("2026-01-20T09:00:00Z").unwrap());
        let store = Store::open_copy(&Location::Sqlite(path("none.db")), clock.now()).await.unwrap();
        let context = Context::new(store, clock, &setup).unwrap();
        let pulled = pull_all(&context, &setup, |_| true).await.unwrap();
        let PulledHow::Failed { reason, set_aside: true } = &pulled[0].how else { panic!("{pulled:?}") };
        assert!(
            reason.ends_with("a fault of this program, which the answer has brought to light: index out of bounds")
        );
        assert!(matches!(&pulled[1].how, PulledHow::Stored(Appended { new: 1, .. })), "{pulled:?}");
    }

    fn scheduled(directory: &Path, schedule: &str) -> Arc<Setup> {
        let table = format!(
            "[feed.a]\nkind = 'csv'\npath = 'f.csv'\nfrequency = 'month'\nunit = 't'\nschedule = '{schedule}'\n"
        );
        std::fs::write(directory.join("supplywatch.toml"), table).unwrap();
        std::fs::write(directory.join("f.csv"), "period,value\n2025-09,420.5\n").unwrap();
        let loaded = crate::config::load(&directory.join("supplywatch.toml"), &Environment::of(&[]));
        Arc::new(loaded.map_err(|problems| problems.render(false)).unwrap().setup)
    }

    /// When the loop pulls, if it looks every minute for two hours from a moment on.
    async fn pulls(context: &Context, setup: &Arc<Setup>, from: &str) -> Vec<String> {
        let (mut expected, mut seen, from) = (Expected::default(), Vec::new(), Timestamp::parse(from).unwrap());
        for minute in 0..120 {
            context.clock.set(from.plus(Duration::from_secs(60 * minute)));
            for (name, tick) in due(context, setup, &BTreeSet::new(), &mut expected).await.unwrap().now {
                pull_named(context, setup.clone(), name, tick).await.unwrap();
                seen.push(context.clock.now().to_string());
            }
        }
        seen
    }

    #[tokio::test]
    async fn what_is_due_far_ahead_is_pulled_at_the_next_tick() {
        let directory = tempfile::tempdir().unwrap();
        let hourly = scheduled(directory.path(), "0 * * * *");
        let clock = Clock::manual(Timestamp::parse("2026-01-20T09:30:00Z").unwrap());
        let store = Store::open_copy(&Location::Sqlite(directory.path().join("none.db")), clock.now()).await.unwrap();
        let context = Context::new(store, clock, &hourly).unwrap();
        let at_first = pulls(&context, &hourly, "2036-01-20T09:30:00Z").await;
        assert_eq!(at_first, ["2036-01-20T09:30:00Z", "2036-01-20T10:01:00Z", "2036-01-20T11:01:00Z"]);
        // The clock was wrong by ten years.
        assert_eq!(
            pulls(&context, &hourly, "2026-01-20T09:30:00Z").await,
            ["2026-01-20T10:01:00Z", "2026-01-20T11:01:00Z"]
        );
        // A schedule that was once a month becomes once an hour.
        let monthly = scheduled(directory.path(), "0 9 20 * *");
        assert_eq!(pulls(&context, &monthly, "2026-01-20T11:30:00Z").await, ["2026-01-20T12:01:00Z"]);
        assert_eq!(
            pulls(&context, &hourly, "2026-01-20T13:30:00Z").await,
            ["2026-01-20T14:01:00Z", "2026-01-20T15:01:00Z"]
        );
    }
}
