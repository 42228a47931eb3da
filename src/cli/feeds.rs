//! `feeds`: how each feed is, what its last pulls came to, and one pull to see what would come.

use serde_json::{Value, json};

use super::pulled::pull_json;
use super::{Format, Session, USAGE, probe, unanswered};
use crate::base::text::{counted, printable, shorten};
use crate::config::Setup;
use crate::feed::Feed;
use crate::inspect::feeds::{FeedDetail, FeedStatus, Pull, feed, feeds};
use crate::inspect::{Holdings, Inspection, meant};

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
    match &args.verb {
        None => super::runtime()?.block_on(list_all(session, &setup)),
        Some(Verb::Show { name, pulls }) => {
            let feed = known_feed(&setup, name)?;
            super::runtime()?.block_on(show(session, &setup, feed, *pulls))
        }
        Some(Verb::Probe { name, series }) => {
            let feed = known_feed(&setup, name)?;
            super::log::start(session, "error")?;
            super::runtime()?.block_on(probe::run(session, &setup, feed, *series))
        }
    }
}

/// The feed of a name, or an error that names the nearest.
pub fn known_feed<'a>(setup: &'a Setup, name: &str) -> anyhow::Result<&'a Feed> {
    meant::feed(setup, name).map_err(|why| unanswered(why, USAGE))
}

async fn list_all(session: &Session, setup: &Setup) -> anyhow::Result<()> {
    let (store, now) = (session.copy(&setup.state).await?, session.clock.now());
    let all = feeds(Inspection { setup, store: &store, now }, &mut Holdings::default()).await?;
    match session.format {
        Format::Json => all.iter().try_for_each(|status| session.line(&status_json(status))),
        Format::Text => {
            let header =
                ["state", "feed", "series", "latest", "next release", "last success", "next pull", "refused", "why"];
            let rows: Vec<Vec<String>> = all.iter().map(row).collect();
            session.print(&super::table::table(&header, &rows))
        }
    }
}

fn row(status: &FeedStatus) -> Vec<String> {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "—".to_owned());
    let upcoming = status.next_release.map(|next| format!("{} on {}", next.period, next.due_on));
    let last = status.last_pull.as_ref();
    let refusal = || last.and_then(|last| last.refusals.first()).map(ToString::to_string);
    vec![
        status.state.name().to_owned(),
        status.feed.clone(),
        status.series.to_string(),
        or_none(status.latest.map(|latest| latest.to_string())),
        or_none(upcoming),
        or_none(status.last_success_at.map(|at| at.to_string())),
        or_none(status.next_pull_at.map(|at| at.to_string())),
        last.map_or(0, |last| last.refused).to_string(),
        shorten(&status.last_error.clone().or_else(refusal).unwrap_or_default(), 100),
    ]
}

fn status_json(status: &FeedStatus) -> Value {
    json!({
        "feed": status.feed, "state": status.state, "series": status.series, "latest": status.latest,
        "next_release": status.next_release.map(|next| json!({
            "period": next.period, "due_on": next.due_on.to_string(), "state": next.state,
        })),
        "last_success_at": status.last_success_at, "next_pull_at": status.next_pull_at, "failures": status.failures,
        "failing_since": status.failing_since, "last_error": status.last_error,
        "refused": status.last_pull.as_ref().map_or(0, |last| last.refused),
        "refusals": status.last_pull.as_ref().map(|last| &last.refusals),
    })
}

async fn show(session: &Session, setup: &Setup, known: &Feed, limit: usize) -> anyhow::Result<()> {
    let (store, now) = (session.copy(&setup.state).await?, session.clock.now());
    let detail = feed(Inspection { setup, store: &store, now }, &known.name, limit).await;
    let detail = detail.map_err(|why| unanswered(why, USAGE))?;
    if session.format == Format::Json {
        let mut told = status_json(&detail.status);
        told["pulls"] = detail.pulls.iter().map(pull_json).collect();
        told["requests"] = detail.requests.clone().into();
        return session.line(&told);
    }
    session.print(&facts(&detail).join("\n"))?;
    if !detail.pulls.is_empty() {
        let rows: Vec<Vec<String>> = detail.pulls.iter().map(pull_row).collect();
        let header = ["pulled", "outcome", "status", "bytes", "new", "revised", "same", "refused", "why"];
        session.print(&format!("\n{}", super::table::table(&header, &rows)))?;
    }
    let Some(last) = detail.status.last_pull.filter(|last| last.refused > 0) else { return Ok(()) };
    session.print(&format!("\nRefused in the last pull: {}", counted(last.refused, "row")))?;
    last.refusals.iter().try_for_each(|refusal| session.print(&format!("  {refusal}")))
}

/// What there is to say of a feed, a line each.
fn facts(detail: &FeedDetail) -> Vec<String> {
    let FeedStatus { feed, state, series, frequency, .. } = &detail.status;
    let status = &detail.status;
    let latest = status.latest.map_or_else(|| "none yet".to_owned(), |latest| latest.to_string());
    let unit = status.unit.as_ref().map_or_else(|| "the figures' own".to_owned(), ToString::to_string);
    let mut lines = vec![
        format!("{feed}: {}", state.name()),
        format!("  asks          {}", detail.requests.join("\n                ")),
        format!("  figures       by {frequency}, unit {unit}, {series} series, the latest of {latest}"),
    ];
    if let Some(next) = status.next_release {
        lines.push(format!("  next release  {} on {}: {}", next.period, next.due_on, next.state.name()));
    }
    lines.extend(status.last_success_at.map(|at| format!("  last success  {at}")));
    lines.extend(status.next_pull_at.map(|at| format!("  next pull     {at}")));
    if let (Some(since), Some(why)) = (status.failing_since, &status.last_error) {
        let failures = counted(status.failures as usize, "pull");
        lines.push(format!("  failing       since {since}, {failures}: {}", printable(why)));
    }
    if let (Some(quota), Some(account)) = (&detail.quota, &detail.account) {
        lines.push(format!("  quota         {quota} of {account}"));
    }
    let told = detail.receivers.join(", ");
    let told = if told.is_empty() { "nobody: set `notify`, or write a [[route]]".to_owned() } else { told };
    lines.push(format!("  tells         {told}"));
    lines
}

fn pull_row(pull: &Pull) -> Vec<String> {
    let number = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
    vec![
        pull.at.to_string(),
        pull.outcome.name().to_owned(),
        number(pull.http_status.map(u64::from)),
        number(pull.bytes),
        pull.new.to_string(),
        pull.revised.to_string(),
        pull.unchanged.to_string(),
        pull.refused.to_string(),
        shorten(pull.reason.as_deref().unwrap_or_default(), 100),
    ]
}
