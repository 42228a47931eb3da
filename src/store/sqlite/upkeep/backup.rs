//! Copies of a store in files of their own, while a daemon may have it.

use std::path::{Path, PathBuf};

use super::copy_to;
use super::draft::unwritable;
use crate::base::clock::Timestamp;
use crate::store::sqlite::open::{absolute, expected};
use crate::store::{Backup, Progress, StoreError};

/// How the names of those begin and end that are made in a folder.
const NAMES: (&str, &str) = ("supplywatch-", ".db");
/// How the time stands between.
const TIME: &str = "%Y%m%dT%H%M%SZ";

/// See [`crate::store::Location::back_up`].
pub fn back_up(store: &Path, to: &Path, replace: bool, progress: &Progress) -> Result<Backup, StoreError> {
    expected(store)?;
    let store = absolute(store)?;
    let to = &absolute(to)?;
    if *to == store {
        return Err(StoreError::Same { path: store });
    }
    if !replace && to.symlink_metadata().is_ok() {
        return Err(StoreError::Exists { path: to.clone() });
    }
    let draft = copy_to(&store, to, progress)?;
    Ok(Backup { path: to.clone(), bytes: draft.finish()?, removed: Vec::new() })
}

/// See [`crate::store::Location::back_up_in`].
pub fn back_up_in(
    store: &Path,
    folder: &Path,
    keep: usize,
    now: Timestamp,
    progress: &Progress,
) -> Result<Backup, StoreError> {
    let (begins, ends) = NAMES;
    let name = format!("{begins}{}{ends}", now.utc().format(TIME));
    if !folder.is_dir() {
        return Err(StoreError::NoFolder { path: folder.to_owned() });
    }
    let made = back_up(store, &folder.join(name), false, progress)?;
    let removed = surplus(folder, keep).and_then(|paths| {
        paths.iter().try_for_each(std::fs::remove_file)?;
        Ok(paths)
    });
    Ok(Backup { removed: removed.map_err(|error| unwritable(folder, error))?, ..made })
}

/// The backups of a folder that are not among the newest so many, and what others left that were cut off.
fn surplus(folder: &Path, keep: usize) -> std::io::Result<Vec<PathBuf>> {
    let (mut whole, mut parts) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        match name.strip_suffix(".part") {
            None if is_ours(name) => whole.push(path),
            Some(name) if is_ours(name) => parts.push(path),
            _ => {}
        }
    }
    whole.sort();
    whole.truncate(whole.len().saturating_sub(keep.max(1)));
    Ok(whole.into_iter().chain(parts).collect())
}

/// Whether a name is one of those that are made in a folder.
fn is_ours(name: &str) -> bool {
    let (begins, ends) = NAMES;
    let time = name.strip_prefix(begins).and_then(|rest| rest.strip_suffix(ends));
    time.is_some_and(|time| chrono::NaiveDateTime::parse_from_str(time, TIME).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_backups_of_ours_are_old() {
        let folder = tempfile::tempdir().unwrap();
        let named = |name: &str| folder.path().join(name);
        let (old, new) = ("supplywatch-20261126T063000Z.db", "supplywatch-20261127T063000Z.db");
        let others = ["supplywatch-notes.db", "supplywatch-20261126T063000Z.db.gz", "other-20201126T063000Z.db"];
        let cut_off = "supplywatch-20261125T063000Z.db.part";
        for name in others.iter().chain(&[old, new, cut_off]) {
            std::fs::write(named(name), "").unwrap();
        }
        assert_eq!(surplus(folder.path(), 1).unwrap(), [named(old), named(cut_off)]);
        assert_eq!(surplus(folder.path(), 2).unwrap(), [named(cut_off)]);
        assert_eq!(surplus(folder.path(), 0).unwrap(), [named(old), named(cut_off)], "the newest always stays");
    }
}
