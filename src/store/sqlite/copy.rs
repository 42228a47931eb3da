//! A consistent view of a database beside a process that writes to it or without one, and copies of it: in memory, or
//! in a file of its own.
//!
//! The original's directory stays as it is: where no process has the store, it is read without the lock and
//! log files that SQLite would make; where one has, they are there.

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, ffi};

use super::lock::beside;
use crate::store::sql::Fault;

/// How long reading waits for a process that recovers the store.
const BUSY: Duration = Duration::from_secs(5);
/// How often a copy is begun anew because a process came in between.
const TRIES: usize = 5;

/// Copies a database into `memory`.
pub fn copy(path: &Path, memory: &mut Connection) -> Result<(), Fault> {
    look(path, |connection| read(connection, memory))
}

/// Reads a database without changing anything; begun anew where a process came in between.
pub fn look<T>(path: &Path, mut read: impl FnMut(&mut Connection) -> Result<T, Fault>) -> Result<T, Fault> {
    for _ in 0..TRIES {
        let Some(before) = at_rest(path) else { break };
        let flags = read_only() | OpenFlags::SQLITE_OPEN_URI;
        let found = read(&mut Connection::open_with_flags(at_rest_name(path), flags)?);
        if at_rest(path) == Some(before) {
            return found;
        }
    }
    let mut shared = Connection::open_with_flags(path, read_only())?;
    shared.busy_timeout(BUSY)?;
    // The log is its owner's to bring into the file.
    shared.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    read(&mut shared)
}

/// How a file is opened that is only read.
pub fn read_only() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

/// A file that no process has open and that needs no log: its length and the time of its last change.
fn at_rest(path: &Path) -> Option<(u64, SystemTime)> {
    let in_use = |suffix| beside(path, suffix).exists();
    let metadata = std::fs::metadata(path).ok()?;
    let stamp = (metadata.len(), metadata.modified().ok()?);
    (!in_use("-wal") && !in_use("-shm")).then_some(stamp)
}

/// The name by which SQLite reads a file and nothing beside it (<https://www.sqlite.org/uri.html>).
fn at_rest_name(path: &Path) -> PathBuf {
    let mut name = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.".contains(byte) {
            name.push(char::from(*byte));
        } else {
            let _ = write!(name, "%{byte:02x}");
        }
    }
    name.push_str("?immutable=1");
    PathBuf::from(name)
}

/// Copies all pages in one step, which is one moment's view.
fn read(from: &Connection, memory: &mut Connection) -> Result<(), Fault> {
    match Backup::new(from, memory)?.step(-1)? {
        StepResult::Done => Ok(()),
        _ => Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_BUSY), None).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_path_can_be_named() {
        let name = at_rest_name(Path::new("/a b/ü?x=1#y%z.db"));
        assert_eq!(name, PathBuf::from("file:/a%20b/%c3%bc%3fx%3d1%23y%25z.db?immutable=1"));
    }
}
