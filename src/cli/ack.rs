//! `ack`: somebody knows of an alert.

use serde_json::json;

use super::{Exit, FAILED, Format, Session, say};
use crate::alert::Acknowledgement;
use crate::base::text::printable;
use crate::store::Store;

/// Acknowledge a firing alert: that it goes on is not told again
///
/// That it becomes worse or milder, that it ends or is corrected, is told as ever. It ends with the episode: what
/// fires anew is told anew. `alerts` shows who knows. Acknowledged again, the newer note counts.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The alert's id, or the beginning of it, by `supplywatch alerts`
    alert: String,
    /// What is done about it
    #[arg(long, value_name = "TEXT", value_parser = super::parse_line)]
    note: String,
    /// Who knows [default: $USER]
    #[arg(long, value_name = "NAME", value_parser = super::parse_line)]
    author: Option<String>,
}

/// Runs the verb.
pub fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    let setup = session.load()?;
    super::runtime()?.block_on(async {
        let now = session.clock.now();
        let store = Store::open_beside(&setup.state, now).await?;
        let firing = store.firing().await;
        let ended = match firing {
            Ok(firing) => one(session, args, &store, firing).await,
            Err(error) => Err(error.into()),
        };
        store.close().await?;
        ended
    })
}

async fn one(
    session: &Session,
    args: &Args,
    store: &Store,
    mut firing: Vec<crate::alert::Alert>,
) -> anyhow::Result<()> {
    firing.retain(|alert| alert.id().starts_with(&args.alert));
    let alert = super::one_of(firing, "firing alert", &args.alert, "supplywatch alerts")?;
    let id = alert.id();
    let known = Acknowledgement {
        rule: alert.rule,
        labels: alert.labels,
        episode: alert.episode,
        at: session.clock.now(),
        note: args.note.clone(),
        author: session.author(args.author.as_deref()),
    };
    if !store.acknowledge(known.clone()).await? {
        say(&format!("error: alert {id} no longer fires"));
        return Err(Exit(FAILED).into());
    }
    match session.format {
        Format::Json => session.line(&json!({
            "alert": id, "rule": known.rule, "labels": known.labels, "episode": known.episode, "at": known.at,
            "note": known.note, "author": known.author,
        })),
        Format::Text => session.print(&format!(
            "alert {id} of {} on {} is acknowledged: {}",
            printable(&known.rule),
            known.labels,
            printable(&known.note)
        )),
    }
}
