//! The lock that lets one process own a store.
//!
//! A file beside the database, locked for as long as the process lives: the system lets go of it when the
//! process ends, however it ends, so there is nothing stale to clean up. What it holds is only for people.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use crate::store::{Owner, StoreError};

/// The ownership of a store; ends with this value or with the process.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held, not used")] File);

impl Lock {
    /// Takes the store of a database file for this process.
    pub fn take(database: &Path) -> Result<Self, StoreError> {
        let denied = |error| StoreError::Denied { path: database.to_owned(), source: Box::new(error) };
        let path = beside(database, "-lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(denied)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Held { path: database.to_owned(), by: process(&mut file) });
            }
            Err(TryLockError::Error(error)) => return Err(denied(error)),
        }
        give(&file, database);
        // The number only helps whoever reads the refusal: a full disk is no reason to refuse.
        let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Self(file))
    }
}

/// Who has the store of a database file. The lock is shared for a moment, since the system tells of it in no other way.
pub fn owner(database: &Path) -> Owner {
    let mut file = match File::open(beside(database, "-lock")) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Owner::Nobody,
        Err(_) => return Owner::Unseen,
    };
    match file.try_lock_shared() {
        Ok(()) => Owner::Nobody,
        Err(TryLockError::WouldBlock) => Owner::Process(process(&mut file)),
        Err(TryLockError::Error(_)) => Owner::Unseen,
    }
}

/// Gives a file to the owner of a store, or where there is none of its folder: what root makes there, the service must be
/// able to open. Nobody else can give files away, nor has to.
pub fn give(file: &File, database: &Path) {
    if let Ok(owner) = std::fs::metadata(database).or_else(|_| std::fs::metadata(folder(database))) {
        let _ = fchown(file, Some(owner.uid()), Some(owner.gid()));
    }
}

fn process(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// The folder of a file.
pub fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// The file that SQLite's naming puts beside a database: `-wal`, `-shm`; and ours, `-lock`.
pub fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(database);
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_owner_learns_who_is_the_first() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("s.db");
        assert_eq!(owner(&database), Owner::Nobody);
        let first = Lock::take(&database).unwrap();
        assert_eq!(owner(&database), Owner::Process(Some(std::process::id())));
        match Lock::take(&database) {
            Err(StoreError::Held { by, .. }) => assert_eq!(by, Some(std::process::id())),
            other => panic!("{other:?}"),
        }
        drop(first);
        assert_eq!(owner(&database), Owner::Nobody);
        Lock::take(&database).unwrap();
    }

    #[test]
    fn what_root_makes_belongs_to_whom_the_folder_belongs() {
        let directory = tempfile::tempdir().unwrap();
        // Only root can give it away; for anybody else it is their own already.
        let _ = std::os::unix::fs::chown(directory.path(), Some(64_123), Some(64_123));
        let _lock = Lock::take(&directory.path().join("s.db")).unwrap();
        let user = |path: &Path| std::fs::metadata(path).unwrap().uid();
        assert_eq!(user(&directory.path().join("s.db-lock")), user(directory.path()));
    }
}
