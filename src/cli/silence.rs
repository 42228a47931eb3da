//! `silence`: alerts of which nobody is told for a while.

use std::collections::BTreeMap;

use serde_json::json;

use super::desk::{Desk, found};
use super::{Exit, Format, Session, USAGE, moment, say};
use crate::base::clock::duration;
use crate::base::text::{counted, printable};
use crate::inspect::Unanswered;
use crate::inspect::silences::{NewSilence, SilenceShown, SilenceState};

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
    super::runtime()?.block_on(async {
        let desk = Desk::open(session).await?;
        match &args.verb {
            Verb::Add(add) => add_one(session, &desk, add).await,
            Verb::List { all } => list(session, desk.silences().await?, *all),
            Verb::Expire { id } => {
                let listing = "supplywatch silence list --all";
                expired(session, &found(desk.expire_silence(*id).await, listing)?)
            }
        }
    })
}

async fn add_one(session: &Session, desk: &Desk<'_>, add: &Add) -> anyhow::Result<()> {
    let mut patterns: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, text) in add.matches.iter().cloned() {
        patterns.entry(name).or_default().push(text);
    }
    let until = match (add.until, add.lasting) {
        (Some(moment), _) => moment.instant(desk.zone()?),
        (None, lasting) => session.clock.now().plus(lasting.unwrap_or_default()),
    };
    let wish = NewSilence {
        matchers: Vec::new(),
        patterns,
        starts_at: None,
        ends_at: until,
        created_by: session.author(add.author.as_deref()),
        comment: add.comment.clone(),
    };
    let added = match desk.add_silence(wish).await {
        Ok(added) => added,
        Err(error) => {
            let Some(Unanswered::Invalid(why)) = error.downcast_ref() else { return Err(error) };
            say(&format!("error: {why}"));
            return Err(Exit(USAGE).into());
        }
    };
    match session.format {
        Format::Json => session.line(&line(&added.silence)),
        Format::Text => session.print(&format!(
            "silence {} until {}: {} ({} that it means {} now)",
            added.silence.id,
            added.silence.ends_at,
            added.silence.matcher,
            counted(added.firing, "alert"),
            if added.firing == 1 { "fires" } else { "fire" },
        )),
    }
}

fn list(session: &Session, mut silences: Vec<SilenceShown>, all: bool) -> anyhow::Result<()> {
    silences.retain(|silence| all || silence.status.state != SilenceState::Expired);
    match session.format {
        Format::Json => silences.iter().try_for_each(|silence| session.line(&line(silence))),
        Format::Text if silences.is_empty() => session.print("No silences."),
        Format::Text => {
            let rows: Vec<Vec<String>> = silences.iter().map(row).collect();
            let header = ["id", "state", "match", "since", "until", "author", "comment"];
            session.print(&super::table::table(&header, &rows))
        }
    }
}

fn expired(session: &Session, ended: &SilenceShown) -> anyhow::Result<()> {
    match session.format {
        Format::Json => session.line(&line(ended)),
        Format::Text => {
            let SilenceShown { id, ends_at, matcher, .. } = ended;
            session.print(&format!("silence {id} is over since {ends_at}: {matcher}"))
        }
    }
}

const fn state(silence: &SilenceShown) -> &'static str {
    match silence.status.state {
        SilenceState::Pending => "pending",
        SilenceState::Active => "active",
        SilenceState::Expired => "over",
    }
}

fn row(silence: &SilenceShown) -> Vec<String> {
    vec![
        silence.id.to_string(),
        state(silence).to_owned(),
        silence.matcher.to_string(),
        silence.starts_at.to_string(),
        silence.ends_at.to_string(),
        printable(&silence.created_by),
        printable(&silence.comment),
    ]
}

fn line(silence: &SilenceShown) -> serde_json::Value {
    json!({
        "id": silence.id, "state": state(silence), "match": silence.matcher, "since": silence.starts_at,
        "until": silence.ends_at, "author": silence.created_by, "comment": silence.comment,
    })
}
