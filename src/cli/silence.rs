//! `silence`: alerts of which nobody is told for a while.

use serde_json::json;

use super::{Exit, FAILED, Format, Session, USAGE, moment, say};
use crate::alert::{Matcher, Silence};
use crate::base::clock::{Timestamp, duration};
use crate::base::text::{counted, printable};
use crate::config::Setup;
use crate::store::Store;

/// Keep messages of some alerts back for a while; list and end such silences
///
/// A silence keeps messages back, never alerts: they fire, go on and end as ever, and `alerts` shows what keeps
/// quiet about them. Whoever was told of a beginning is told of its end all the same. What still fires when the
/// silence is over is told then.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Silence alerts from now on
    ///
    /// Such as `supplywatch silence add --match feed=china-magnets --match 'partner=!US' --for 3d --comment "holidays"`.
    Add(Add),
    /// List silences that are not over
    List {
        /// Also those that are over
        #[arg(long)]
        all: bool,
    },
    /// End a silence now; what still fires is told
    Expire {
        /// Its number, by `supplywatch silence list`
        id: i64,
    },
}

#[derive(clap::Args, Debug)]
struct Add {
    /// The alerts: a label, `rule`, `severity` or `kind`, and a value, a glob or `!` for all but one; all that are
    /// given must fit, of one name any
    #[arg(long = "match", value_name = "LABEL=GLOB", required = true, value_parser = super::parse_label)]
    matches: Vec<(String, String)>,
    /// Until then: a day (all of it, in the daemon's time zone), or an instant such as 2025-10-20T01:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment::read, conflicts_with = "for", required_unless_present = "for")]
    until: Option<moment::Moment>,
    /// For so long, such as 90m, 12h, 3d
    #[arg(long = "for", id = "for", value_name = "TIME", value_parser = length)]
    lasting: Option<std::time::Duration>,
    /// Why, for whoever asks
    #[arg(long, value_name = "TEXT", value_parser = super::parse_line)]
    comment: String,
    /// Who says so [default: $USER]
    #[arg(long, value_name = "NAME", value_parser = super::parse_line)]
    author: Option<String>,
}

fn length(text: &str) -> Result<std::time::Duration, String> {
    let found = duration(text).filter(|length| !length.is_zero());
    found.ok_or_else(|| "expected a time such as 90m, 12h or 3d".to_owned())
}

/// Runs the verb.
pub fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    let setup = session.load()?;
    super::runtime()?.block_on(async {
        match &args.verb {
            Verb::Add(add) => add_one(session, &setup, add).await,
            Verb::List { all } => list(session, &session.copy(&setup.state).await?, *all).await,
            Verb::Expire { id } => expire(session, &setup, *id).await,
        }
    })
}

async fn add_one(session: &Session, setup: &Setup, add: &Add) -> anyhow::Result<()> {
    let now = session.clock.now();
    let matcher = match Matcher::parse(add.matches.iter().cloned()) {
        Ok(matcher) => matcher,
        Err(why) => return refused(&why),
    };
    let until = match (add.until, add.lasting) {
        (Some(moment), _) => moment.instant(setup.zone),
        (None, lasting) => now.plus(lasting.unwrap_or_default()),
    };
    if until <= now {
        return refused(&format!("{until} is over"));
    }
    let author = session.author(add.author.as_deref());
    let silence = Silence { id: 0, matcher, since: now, until, comment: add.comment.clone(), author };
    let store = Store::open_beside(&setup.state, now).await?;
    let added = store.add_silence(silence).await;
    let firing = store.firing().await;
    store.close().await?;
    let (added, firing) = (added?, firing?);
    let meant = |alert: &&crate::alert::Alert| {
        crate::alert::Topic::of_firing(alert).is_some_and(|topic| added.matcher.matches(&topic))
    };
    let meant = firing.iter().filter(meant).count();
    match session.format {
        Format::Json => session.line(&line(&added, now)),
        Format::Text => session.print(&format!(
            "silence {} until {}: {} ({} that it means {} now)",
            added.id,
            added.until,
            added.matcher,
            counted(meant, "alert"),
            if meant == 1 { "fires" } else { "fire" },
        )),
    }
}

fn refused(why: &str) -> anyhow::Result<()> {
    say(&format!("error: {why}"));
    Err(Exit(USAGE).into())
}

async fn list(session: &Session, store: &Store, all: bool) -> anyhow::Result<()> {
    let now = session.clock.now();
    let mut silences = store.silences().await?;
    silences.retain(|silence| all || silence.is_active(now));
    match session.format {
        Format::Json => silences.iter().try_for_each(|silence| session.line(&line(silence, now))),
        Format::Text if silences.is_empty() => session.print("No silences."),
        Format::Text => {
            let rows: Vec<Vec<String>> = silences.iter().map(|silence| row(silence, now)).collect();
            let header = ["id", "state", "match", "since", "until", "author", "comment"];
            session.print(&super::table::table(&header, &rows))
        }
    }
}

async fn expire(session: &Session, setup: &Setup, id: i64) -> anyhow::Result<()> {
    let now = session.clock.now();
    let store = Store::open_beside(&setup.state, now).await?;
    let ended = store.expire_silence(id, now).await;
    store.close().await?;
    let Some(ended) = ended? else {
        say(&format!("error: there is no silence {id}; see `supplywatch silence list --all`"));
        return Err(Exit(FAILED).into());
    };
    match session.format {
        Format::Json => session.line(&line(&ended, now)),
        Format::Text => session.print(&format!("silence {id} is over since {}: {}", ended.until, ended.matcher)),
    }
}

const fn state(silence: &Silence, now: Timestamp) -> &'static str {
    if silence.until.millis() <= now.millis() { "over" } else { "active" }
}

fn row(silence: &Silence, now: Timestamp) -> Vec<String> {
    vec![
        silence.id.to_string(),
        state(silence, now).to_owned(),
        silence.matcher.to_string(),
        silence.since.to_string(),
        silence.until.to_string(),
        printable(&silence.author),
        printable(&silence.comment),
    ]
}

fn line(silence: &Silence, now: Timestamp) -> serde_json::Value {
    json!({
        "id": silence.id, "state": state(silence, now), "match": silence.matcher, "since": silence.since,
        "until": silence.until, "author": silence.author, "comment": silence.comment,
    })
}
