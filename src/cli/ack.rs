//! `ack`: somebody knows of an alert.

use serde_json::json;

use super::desk::{Desk, found};
use super::{Format, Session};
use crate::base::text::printable;
use crate::inspect::alerts::{Known, Remark};

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
    let said = Remark { comment: args.note.clone(), author: session.author(args.author.as_deref()) };
    let known = super::runtime()?.block_on(async {
        let known = Desk::open(session).await?.acknowledge(&args.alert, &said).await;
        found(known, "supplywatch alerts")
    })?;
    let Known { alert, rule, series, episode, at, comment, author } = known;
    match session.format {
        Format::Json => session.line(&json!({
            "alert": alert, "rule": rule, "labels": series, "episode": episode, "at": at, "note": comment,
            "author": author,
        })),
        Format::Text => session.print(&format!(
            "alert {alert} of {} on {series} is acknowledged: {}",
            printable(&rule),
            printable(&comment)
        )),
    }
}
