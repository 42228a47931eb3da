//! `store check`: whether the store is whole.

use serde_json::json;

use super::size;
use crate::base::error::Chain;
use crate::base::table::table;
use crate::base::text::{counted, printable};
use crate::cli::{Exit, FAILED, Format, Session};
use crate::store::postgres::ServerError;
use crate::store::{Checkup, Damage, Location, StoreError};

/// Runs the verb.
pub fn run(session: &Session, store: &Location) -> anyhow::Result<()> {
    let found = match store.check() {
        Ok(found) => found,
        // A file that is too damaged to be looked at was found to be damaged.
        Err(StoreError::Damaged { detail, .. }) => {
            report(session, &[Damage { what: "the file cannot be read".to_owned(), count: 1, example: detail }])?;
            return Err(Exit(FAILED).into());
        }
        Err(StoreError::Server(error @ ServerError::Corrupt { .. })) => {
            let example = Chain(&error).to_string();
            report(session, &[Damage { what: "the server cannot read its files".to_owned(), count: 1, example }])?;
            return Err(Exit(FAILED).into());
        }
        Err(error) => return Err(error.into()),
    };
    show(session, store, &found)?;
    if found.damages.is_empty() { Ok(()) } else { Err(Exit(FAILED).into()) }
}

fn show(session: &Session, store: &Location, found: &Checkup) -> anyhow::Result<()> {
    let place = store.shown();
    let Checkup { schema, id, file_bytes, log_bytes, tables, pulls, questions, damages } = found;
    if session.format == Format::Json {
        let tables: serde_json::Map<_, _> = tables.iter().map(|(table, rows)| (table.clone(), json!(rows))).collect();
        let damages: Vec<_> = damages.iter().map(damage_json).collect();
        return session.line(&json!({
            "store": place, "id": id, "schema": schema, "file_bytes": file_bytes,
            "log_bytes": log_bytes, "first_pull": pulls.map(|(first, _)| first.to_string()),
            "last_pull": pulls.map(|(_, last)| last.to_string()), "tables": tables, "questions": questions,
            "damages": damages,
        }));
    }
    let log = if *log_bytes > 0 { format!(" and a log of {}", size(*log_bytes)) } else { String::new() };
    session.print(&format!("store {}: schema {schema}, {}{log}", printable(&place), size(*file_bytes)))?;
    if let Some((first, last)) = pulls {
        session.print(&format!("pulls from {first} to {last}"))?;
    }
    let rows: Vec<Vec<String>> = tables.iter().map(|(table, rows)| vec![table.clone(), rows.to_string()]).collect();
    session.print(&table(&["table", "rows"], &rows))?;
    let pages = if matches!(store, Location::Sqlite(_)) { "page and " } else { "" };
    let asked = format!("every {pages}reference, and {}", counted(*questions, "question"));
    match damages.len() {
        0 => session.print(&format!("{asked}: nothing is wrong")),
        wrong => {
            session.print(&format!("{asked}: {wrong} found"))?;
            report(session, damages)
        }
    }
}

fn report(session: &Session, damages: &[Damage]) -> anyhow::Result<()> {
    if session.format == Format::Json {
        return session.line(&json!({"damages": damages.iter().map(damage_json).collect::<Vec<_>>()}));
    }
    damages.iter().try_for_each(|Damage { what, count, example }| {
        let times = if *count == 1 { String::new() } else { format!(" ({count} times)") };
        session.print(&format!("damage: {what}{times}: {}", printable(example)))
    })
}

fn damage_json(damage: &Damage) -> serde_json::Value {
    json!({"what": damage.what, "count": damage.count, "example": damage.example})
}
