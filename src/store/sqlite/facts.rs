//! How large the store is.

use std::fs::metadata;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use rusqlite::Connection;

use super::Sqlite;
use super::lock::beside;
use crate::base::clock::Timestamp;
use crate::store::sql::Fault;
use crate::store::{Facts, StoreError};

impl Sqlite {
    /// See [`crate::store::Store::facts`].
    pub async fn facts(&self) -> Result<Facts, StoreError> {
        self.thread.call(|connection| facts(connection)).await
    }
}

fn facts(connection: &Connection) -> Result<Facts, Fault> {
    let number = |sql: &str| -> Result<u64, Fault> {
        Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0))?.unsigned_abs())
    };
    let amount = |sql: &str| number(sql).map(|number| usize::try_from(number).unwrap_or(usize::MAX));
    let path = connection.path().filter(|path| !path.is_empty()).map(PathBuf::from);
    Ok(Facts {
        schema: connection.pragma_query_value(None, "user_version", |row| row.get(0))?,
        file_bytes: number("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")?,
        log_bytes: path.as_deref().and_then(|path| metadata(beside(path, "-wal")).ok()).map_or(0, |log| log.len()),
        checkpointed_at: path.as_deref().and_then(written_at),
        series: amount("SELECT count(*) FROM series")?,
        // Each of some ten million rows would have to be looked at; pulls are some thousands.
        observations: amount("SELECT coalesce(sum(n_new), 0) FROM pull WHERE outcome = 'changed'")?,
        revisions: amount("SELECT coalesce(sum(n_revised), 0) FROM pull WHERE outcome = 'changed'")?,
        alerts: amount("SELECT count(*) FROM alert")?,
        // None is ever deleted.
        transitions: amount("SELECT coalesce(max(seq), 0) FROM transition")?,
        deliveries: amount("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'delivery'")?,
    })
}

/// When the database itself was written: nothing but a checkpoint does that.
fn written_at(path: &Path) -> Option<Timestamp> {
    let modified = metadata(path).ok()?.modified().ok()?;
    let since = modified.duration_since(UNIX_EPOCH).ok()?;
    Some(Timestamp::from_millis(0).plus(since))
}
