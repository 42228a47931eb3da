//! A backup in the place of the store.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::draft::{sync_folder, unwritable};
use super::{Fault, check, copy_to};
use crate::store::sqlite::lock::{Lock, beside};
use crate::store::sqlite::open::{absolute, expected, has_log, settle};
use crate::store::{Progress, Restored, StoreError, sql};

/// What is added to the name of the store that was there before.
const BEFORE: &str = ".before-restore";

/// See [`crate::store::Location::restore`].
pub fn restore(store: &Path, from: &Path, progress: &Progress) -> Result<Restored, StoreError> {
    expected(from)?;
    let (store, from) = (&absolute(store)?, &absolute(from)?);
    if store == from {
        return Err(StoreError::Same { path: from.clone() });
    }
    let _lock = Lock::take(store)?;
    let found = check(from)?;
    if let Some(damage) = found.damages.first() {
        return Err(StoreError::Damaged { path: from.clone(), detail: format!("{}: {}", damage.what, damage.example) });
    }
    let draft = copy_to(from, store, progress)?;
    let named = || -> Result<String, Fault> { sql::rename(&sql::Connection::Sqlite(&Connection::open(draft.path())?)) };
    let id = named().map_err(|fault| fault.at(draft.path()))?;
    let kept = keep(store)?;
    Ok(Restored { bytes: draft.finish_store()?, kept, id })
}

/// Keeps a store under another name, so that its place can be taken; which name. It has its own name, too, until then.
fn keep(store: &Path) -> Result<Option<PathBuf>, StoreError> {
    if store.symlink_metadata().is_err() {
        return Ok(None);
    }
    // A log beside another file would be taken for that one's. What cannot be read any more is kept with its log.
    let settled = settle(store).is_ok() && !has_log(store);
    let kept = free_name(store);
    let keep = || {
        std::fs::hard_link(store, &kept).or_else(|_| std::fs::copy(store, &kept).map(|_| ()))?;
        let log = beside(store, "-wal");
        if !settled && log.exists() {
            std::fs::rename(&log, beside(&kept, "-wal"))?;
        }
        for suffix in ["-wal", "-shm"] {
            match std::fs::remove_file(beside(store, suffix)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        sync_folder(store)
    };
    keep().map_err(|error| unwritable(&kept, error))?;
    Ok(Some(kept))
}

/// A name that nothing has: `….before-restore`, `….before-restore-2`, and so on.
fn free_name(store: &Path) -> PathBuf {
    let mut name = beside(store, BEFORE);
    let mut number = 1;
    while name.symlink_metadata().is_ok() {
        number += 1;
        name = beside(store, &format!("{BEFORE}-{number}"));
    }
    name
}
