//! `feeds`: how each feed is, what its last pulls came to, and one pull to see what would come.

use serde_json::{Value, json};

use super::pulled::pull_json;
use super::{Exit, Format, Session, USAGE, probe, say};
use crate::alert::{FEED_FAILING, FEED_OVERDUE, Topic};
use crate::base::clock::Timestamp;
use crate::base::text::{counted, list, nearest, printable, shorten};
use crate::config::Setup;
use crate::feed::Feed;
use crate::feed::Standing;
use crate::feed::fetch::shown;
use crate::inspect::Health;
use crate::outbox::notified;
use crate::rule::Severity;
use crate::series::Punctuality;
use crate::store::{Holding, PullRecord, Store, StoreError};

/// List feeds: whether each is well, its latest period, and when the next is due
///
/// `state` is `ok`; `new` before the first pull; `failing` while pulls fail; `late` once the release
/// calendar's day has come, `overdue` once its grace is over.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// One feed: what it asks, what there is of it, its last pulls, and the rows that were refused and why
    Show {
        /// The feed's name
        name: String,
        /// Its last pulls, at most so many
        #[arg(long, value_name = "N", default_value_t = 10)]
        pulls: usize,
    },
    /// Pull a feed once, on a copy of the state: what came, and what would be stored; nothing is
    ///
    /// The requests count against the publisher's quota. Exits with 1 where the pull fails.
    Probe {
        /// The feed's name
        name: String,
        /// Figures that are shown, at most so many series
        #[arg(long, value_name = "N", default_value_t = 10)]
        series: usize,
    },
}

/// Runs the verb.
pub fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    let setup = session.load()?;
    let one = |name: &str| position(&setup, name).map(|position| &setup.feeds[position]);
    match &args.verb {
        None => super::runtime()?.block_on(list_all(session, &setup)),
        Some(Verb::Show { name, pulls }) => {
            let feed = one(name)?;
            super::runtime()?.block_on(show(session, &setup, feed, *pulls))
        }
        Some(Verb::Probe { name, series }) => {
            let feed = one(name)?;
            super::log::start(session, "error")?;
            super::runtime()?.block_on(probe::run(session, &setup, feed, *series))
        }
    }
}

/// The place of a feed in the setup, or an error that names the nearest.
pub fn position(setup: &Setup, name: &str) -> anyhow::Result<usize> {
    if let Some(position) = setup.feeds.iter().position(|feed| feed.name == name) {
        return Ok(position);
    }
    let names = setup.feeds.iter().map(|feed| feed.name.as_str());
    let known = nearest(name, names.clone())
        .map_or_else(|| format!("the feeds are {}", list(names)), |near| format!("did you mean `{near}`?"));
    say(&format!("error: there is no feed {}; {known}", list([name])));
    Err(Exit(USAGE).into())
}

/// A feed as it stands.
struct Status<'a> {
    feed: &'a Feed,
    health: Health,
    holding: Holding,
    /// Its last pull that answered or failed.
    last: Option<PullRecord>,
}

impl<'a> Status<'a> {
    async fn new(store: &Store, feed: &'a Feed, now: Timestamp) -> Result<Self, StoreError> {
        let (state, holding) = (store.feed(&feed.name).await?, store.holding(&feed.name).await?);
        let last = store.pulls(&feed.name, 1).await?.pop();
        Ok(Self { feed, health: Health::new(feed, state, holding.latest, now), holding, last })
    }

    fn state(&self) -> &'static str {
        let state = &self.health.state;
        match self.health.upcoming.map(|upcoming| upcoming.punctuality) {
            _ if state.failures > 0 => "failing",
            _ if state.last_ok_at.is_none() => "new",
            Some(late @ (Punctuality::Late | Punctuality::Overdue)) => late.name(),
            Some(Punctuality::Due) | None => "ok",
        }
    }

    fn row(&self) -> Vec<String> {
        let state = &self.health.state;
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "—".to_owned());
        let upcoming = self.health.upcoming.map(|upcoming| format!("{} on {}", upcoming.period, upcoming.due_on));
        let refused = self.last.as_ref().map_or(0, |last| last.refused_count);
        vec![
            self.state().to_owned(),
            self.feed.name.clone(),
            self.holding.series.to_string(),
            or_none(self.holding.latest.map(|latest| latest.to_string())),
            or_none(upcoming),
            or_none(state.last_ok_at.map(|at| at.to_string())),
            or_none(state.next_due_at.map(|at| at.to_string())),
            refused.to_string(),
            shorten(&state.last_error.clone().or_else(|| self.first_refusal()).unwrap_or_default(), 100),
        ]
    }

    fn first_refusal(&self) -> Option<String> {
        Some(self.last.as_ref()?.refused.first()?.to_string())
    }

    fn json(&self) -> Value {
        let Health { state, upcoming, .. } = &self.health;
        json!({
            "feed": self.feed.name, "state": self.state(), "series": self.holding.series,
            "latest": self.holding.latest, "next_release": upcoming.map(|upcoming| json!({
                "period": upcoming.period, "due_on": upcoming.due_on.to_string(), "state": upcoming.punctuality,
            })),
            "last_success_at": state.last_ok_at, "next_pull_at": state.next_due_at, "failures": state.failures,
            "failing_since": state.failing_since, "last_error": state.last_error,
            "refused": self.last.as_ref().map_or(0, |last| last.refused_count),
            "refusals": self.last.as_ref().map(|last| &last.refused),
        })
    }
}

async fn list_all(session: &Session, setup: &Setup) -> anyhow::Result<()> {
    let (store, now) = (session.copy(&setup.state).await?, session.clock.now());
    let mut all = Vec::new();
    for feed in &setup.feeds {
        all.push(Status::new(&store, feed, now).await?);
    }
    match session.format {
        Format::Json => all.iter().try_for_each(|status| session.line(&status.json())),
        Format::Text => {
            let header =
                ["state", "feed", "series", "latest", "next release", "last success", "next pull", "refused", "why"];
            let rows: Vec<Vec<String>> = all.iter().map(Status::row).collect();
            session.print(&super::table::table(&header, &rows))
        }
    }
}

async fn show(session: &Session, setup: &Setup, feed: &Feed, limit: usize) -> anyhow::Result<()> {
    let told = told(setup, feed);
    let (store, now) = (session.copy(&setup.state).await?, session.clock.now());
    let status = Status::new(&store, feed, now).await?;
    let pulls = store.pulls(&feed.name, limit).await?;
    if session.format == Format::Json {
        let mut told = status.json();
        told["pulls"] = pulls.iter().map(pull_json).collect();
        told["requests"] = asks(&status, now).into();
        return session.line(&told);
    }
    session.print(&facts(&status, now).join("\n"))?;
    session.print(&format!("  tells         {told}"))?;
    if !pulls.is_empty() {
        let rows: Vec<Vec<String>> = pulls.iter().map(pull_row).collect();
        let header = ["pulled", "outcome", "status", "bytes", "new", "revised", "same", "refused", "why"];
        session.print(&format!("\n{}", super::table::table(&header, &rows)))?;
    }
    let Some(last) = status.last.filter(|last| last.refused_count > 0) else { return Ok(()) };
    session.print(&format!("\nRefused in the last pull: {}", counted(last.refused_count, "row")))?;
    last.refused.iter().try_for_each(|refusal| session.print(&format!("  {refusal}")))
}

/// The addresses and files that the next pull begins with.
fn asks(status: &Status<'_>, now: Timestamp) -> Vec<String> {
    let standing = Standing { now, marks: status.health.state.marks.clone() };
    status.feed.requests(&standing).iter().map(|request| shown(&request.target)).collect()
}

/// What there is to say of a feed, a line each.
fn facts(status: &Status<'_>, now: Timestamp) -> Vec<String> {
    let Status { feed, health, holding, .. } = status;
    let latest = holding.latest.map_or_else(|| "none yet".to_owned(), |latest| latest.to_string());
    let unit = feed.unit.as_ref().map_or_else(|| "the figures' own".to_owned(), ToString::to_string);
    let mut lines = vec![
        format!("{}: {}", feed.name, status.state()),
        format!("  asks          {}", asks(status, now).join("\n                ")),
        format!(
            "  figures       by {}, unit {unit}, {} series, the latest of {latest}",
            feed.frequency, holding.series
        ),
    ];
    if let Some(upcoming) = health.upcoming {
        let (period, due, state) = (upcoming.period, upcoming.due_on, upcoming.punctuality.name());
        lines.push(format!("  next release  {period} on {due}: {state}"));
    }
    if let Some(at) = health.state.last_ok_at {
        lines.push(format!("  last success  {at}"));
    }
    if let Some(at) = health.state.next_due_at {
        lines.push(format!("  next pull     {at}"));
    }
    if let (Some(since), Some(why)) = (health.state.failing_since, &health.state.last_error) {
        let failures = counted(health.state.failures as usize, "pull");
        lines.push(format!("  failing       since {since}, {failures}: {}", printable(why)));
    }
    if let Some(quota) = feed.pace().quota {
        lines.push(format!("  quota         {quota} of {}", feed.pace().account));
    }
    lines
}

/// Who is told when its pulls fail, or a figure is overdue.
fn told(setup: &Setup, feed: &Feed) -> String {
    let of = |rule| {
        let topic = Topic { rule, labels: &feed.labels, severity: Severity::Warning };
        notified(feed.notify.as_deref(), &setup.routes, &topic)
    };
    let mut names: Vec<String> = [FEED_FAILING, FEED_OVERDUE].into_iter().flat_map(of).collect();
    names.sort();
    names.dedup();
    if names.is_empty() { "nobody: set `notify`, or write a [[route]]".to_owned() } else { names.join(", ") }
}

fn pull_row(pull: &PullRecord) -> Vec<String> {
    let number = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
    vec![
        pull.at.to_string(),
        pull.outcome.name().to_owned(),
        number(pull.http_status.map(u64::from)),
        number(pull.bytes),
        pull.appended.new.to_string(),
        pull.appended.revised.to_string(),
        pull.appended.unchanged.to_string(),
        pull.refused_count.to_string(),
        shorten(pull.reason.as_deref().unwrap_or_default(), 100),
    ]
}
