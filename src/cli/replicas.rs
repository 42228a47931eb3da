//! `replicas`: who works on the store, and what each is at.

use std::path::PathBuf;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use super::{Format, Session, say, store};
use crate::base::table::table;
use crate::base::text::printable;
use crate::inspect::replicas::{ReplicaShown, replicas};
use crate::inspect::status::place;
use crate::store::{Location, Owner, Store};

/// List who works on the store: the replicas that share a database, and what each is at
///
/// Any number of equal replicas may share a PostgreSQL database (`state = "postgres://…"`). Each says every few seconds
/// that it is there. `alive` is who has said so within `daemon.lease`; from one that is `silent` for longer the others
/// take over what it pulls, evaluates and sends, and then it is no longer listed. `clock` is how far its clock is ahead
/// of the database's: more than 30 s, and it takes no work. `config` stands for what its configuration means: where that
/// `differs`, replicas do different things; give all of them the same.
///
/// A store in a file has one process, which is named. Nothing is changed, and the daemons may run; of the configuration
/// only `daemon.state` is read.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The store's file, or its address (postgres://…) without the password, which $PGPASSWORD may have [default: that of
    /// the configuration]
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

/// Runs the verb.
pub fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    let location = store::location(session, args.state.as_deref())?;
    if let Some(owner) = location.owner()? {
        let told = owned(&location, owner);
        // It is no replica: programs read of none.
        return match session.format {
            Format::Json => {
                say(&format!("note: {told}"));
                Ok(())
            }
            Format::Text => session.print(&told),
        };
    }
    let all = super::runtime()?.block_on(async {
        let store = Store::open_beside(&location, session.clock.now()).await?;
        let all = replicas(&store).await?;
        store.close().await?;
        anyhow::Ok(all)
    })?;
    match session.format {
        Format::Json => all.iter().try_for_each(|replica| session.line(&replica_json(replica))),
        Format::Text => show(session, &location, &all),
    }
}

/// Who has a store in a file, in a line.
fn owned(location: &Location, owner: Owner) -> String {
    let has = match owner {
        Owner::Nobody => "none has it now".to_owned(),
        Owner::Process(Some(pid)) => format!("process {pid} has it"),
        Owner::Process(None) => "one has it".to_owned(),
        Owner::Unseen => "this user may not see which".to_owned(),
    };
    format!("the store {} is a file, which one process at a time works on: {has}", printable(&place(location)))
}

fn show(session: &Session, location: &Location, all: &[ReplicaShown]) -> anyhow::Result<()> {
    if all.is_empty() {
        return session.print(&format!("nobody works on the store {}", printable(&place(location))));
    }
    let header =
        ["state", "replica", "host", "version", "since", "silent", "clock", "config", "pulls", "evaluates", "sends"];
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    let table = table(&header, &rows);
    let mut lines = table.lines();
    lines.next().map_or(Ok(()), |header| session.print(header))?;
    for (line, replica) in lines.zip(all) {
        let style = style(replica);
        session.print(&format!("{style}{line}{style:#}"))?;
    }
    if all.iter().any(|replica| replica.config_differs) {
        say("note: replicas that are alive have different configurations: give all of them the same");
    }
    Ok(())
}

/// The colour of a line: grave, to be looked at, or none.
fn style(replica: &ReplicaShown) -> Style {
    if !replica.alive {
        AnsiColor::Red.on_default()
    } else if replica.config_differs {
        AnsiColor::Yellow.on_default()
    } else {
        Style::new()
    }
}

fn row(replica: &ReplicaShown) -> Vec<String> {
    let differs = if replica.config_differs { " differs" } else { "" };
    let feeds = if replica.feeds.is_empty() { "—".to_owned() } else { replica.feeds.join(", ") };
    vec![
        if replica.alive { "alive" } else { "silent" }.to_owned(),
        replica.id.clone(),
        replica.host.clone(),
        replica.version.clone(),
        replica.started_at.to_string(),
        format!("{:.1} s", replica.silent_seconds),
        replica.clock(),
        format!("{}{differs}", replica.config),
        feeds,
        replica.evaluating.to_string(),
        replica.sending.to_string(),
    ]
}

fn replica_json(replica: &ReplicaShown) -> Value {
    json!({
        "replica": replica.id, "alive": replica.alive, "host": replica.host, "version": replica.version,
        "started_at": replica.started_at, "silent_seconds": replica.silent_seconds,
        "lease_seconds": replica.lease_seconds, "clock_ahead_seconds": replica.clock_ahead_seconds,
        "config": replica.config, "config_differs": replica.config_differs, "feeds": replica.feeds,
        "evaluating": replica.evaluating, "sending": replica.sending,
    })
}
