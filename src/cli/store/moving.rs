//! `store move`: the store in another place, of whichever kind.

use serde_json::json;

use super::bar;
use crate::base::clock::monotonic;
use crate::base::text::printable;
use crate::cli::progress::Bar;
use crate::cli::{Format, Session, say};
use crate::store::{Location, Moved};

/// Runs the verb.
pub fn run(session: &Session, from: &Location, to: &Location) -> anyhow::Result<()> {
    let began = monotonic();
    let (bar, progress) = bar(Bar::new(0));
    let done = from.move_to(to, session.clock.now(), &progress);
    bar.finish();
    let moved = done?;
    let Moved { id, tables, held_by } = &moved;
    let seconds = monotonic().saturating_sub(began).as_secs_f64();
    let (shown_from, shown_to) = (printable(&from.shown()), printable(&to.shown()));
    if session.format == Format::Json {
        let rows: serde_json::Map<_, _> = tables.iter().map(|(table, rows)| (table.clone(), json!(rows))).collect();
        session.line(&json!({
            "from": from.shown(), "to": to.shown(), "id": id, "rows": moved.rows(), "tables": rows,
            "seconds": seconds, "held_by": held_by,
        }))?;
    } else {
        let (rows, tables) = (moved.rows(), tables.len());
        session.print(&format!(
            "store {shown_to}: {rows} rows of {tables} tables from {shown_from}, read again and compared, in {seconds:.1} s"
        ))?;
    }
    match held_by {
        Some(by) => say(&format!(
            "warning: {} has the store {shown_from}: what it has stored since this copy began is not in {shown_to}. Before \
             `daemon.state` names that, stop it, remove what is at {shown_to}, and move the store again.",
            printable(by)
        )),
        None => say(&format!("Let `daemon.state` name {shown_to} before the daemon starts again.")),
    }
    Ok(())
}
