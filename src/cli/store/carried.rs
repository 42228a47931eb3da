//! `store export`, `store import`: all that is stored as lines of JSON.

use std::path::Path;

use serde_json::{Value, json};

use super::{bar, shown, size};
use crate::cli::progress::Bar;
use crate::cli::{Format, Session, say};
use crate::store::{Carried, Location};

/// The name of standard input and output.
const STANDARD: &str = "-";

/// Writes all lines.
pub fn export(session: &Session, store: &Location, file: &Path, replace: bool) -> anyhow::Result<()> {
    let to = named(file);
    let (bar, progress) = bar(Bar::new(0));
    let done = store.export(to, replace, session.clock.now(), &progress);
    bar.finish();
    let carried = done?;
    match (to, session.format) {
        // Nothing but the lines is there, and their last says as much.
        (None, _) => say(&format!("exported {}", told(&carried))),
        (Some(file), Format::Json) => session.line(&said(file, &carried))?,
        (Some(file), Format::Text) => session.print(&format!("export {}: {}", shown(file), told(&carried)))?,
    }
    Ok(())
}

/// Makes a store of lines.
pub fn import(session: &Session, store: &Location, file: &Path) -> anyhow::Result<()> {
    let (bar, progress) = bar(Bar::new(0));
    let done = store.import(named(file), session.clock.now(), &progress);
    bar.finish();
    let carried = done?;
    let path = store.file()?;
    match session.format {
        Format::Json => session.line(&said(path, &carried)),
        Format::Text => session.print(&format!("store {}: {}", shown(path), told(&carried))),
    }
}

fn named(file: &Path) -> Option<&Path> {
    (file != Path::new(STANDARD)).then_some(file)
}

fn told(carried: &Carried) -> String {
    let Carried { schema, tables, bytes, .. } = carried;
    let rows = carried.rows();
    format!("{rows} rows of {} tables (schema {schema}), {} of lines", tables.len(), size(*bytes))
}

fn said(file: &Path, carried: &Carried) -> Value {
    let Carried { schema, tables, bytes, sha256 } = carried;
    let tables: serde_json::Map<_, _> = tables.iter().map(|(table, rows)| (table.clone(), json!(rows))).collect();
    json!({
        "file": file.display().to_string(), "schema": schema, "rows": carried.rows(), "tables": tables,
        "line_bytes": bytes, "sha256": sha256,
    })
}
