//! Opening a database file: what it is, whether it is whole, whose it is; and letting go of it.
//!
//! A file that is refused stays as it is. How thoroughly one is read at opening:
//! - always: that it is a file of ours, of a schema that is known, as long as its header says;
//! - up to [`CHECKED_ALWAYS`] bytes, and up to [`CHECKED_AFTER_CRASH`] when the last process did not close
//!   it: every page (SQLite's `quick_check`, some 4 ms a MiB);
//! - beyond that: only what is read later, each page as it is read.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::copy;
use super::lock::{Lock, beside};
use super::schema::{APPLICATION_ID, Kind, MIGRATIONS, check, keep_copy, kind, know_extremes, migrate, newest};
use super::thread::transact;
use super::upkeep::unheard;
use crate::base::clock::Timestamp;
use crate::store::sql::{self, Fault};
use crate::store::{Held, Server, StoreError, postgres};

/// Every page of a file up to this size is checked whenever it is opened.
pub const CHECKED_ALWAYS: u64 = 64 << 20;
/// Every page of a file up to this size is checked after a crash.
pub const CHECKED_AFTER_CRASH: u64 = 1 << 30;
/// How long a write waits for another process's write.
const BUSY: Duration = Duration::from_secs(10);
/// The size to which a used-up write-ahead log is cut.
const LOG_BYTES_KEPT: i64 = 64 << 20;
/// Memory for pages, in KiB.
const CACHE_KIB: i64 = 8 << 10;
/// The same of each connection that reads for others.
const READER_CACHE_KIB: i64 = 2 << 10;
/// How long cutting a log that is just long waits for whoever reads; a longer one is worth a longer wait. Nothing is
/// written meanwhile.
const CUT_WAIT: Duration = Duration::from_millis(100);
/// A log of so many pages is cut; in tests it is soon so long.
pub const LOG_PAGES_LONG: u32 = if cfg!(test) { 128 } else { 4096 };

/// An open store.
pub struct Opened {
    /// The connection.
    pub connection: Connection,
    hold: Hold,
}

/// By what right a store is open.
enum Hold {
    /// It is ours alone.
    Owned(Lock),
    /// Its owner may be another process.
    Beside,
    /// It is a copy in memory.
    Copy,
    /// Its owner is in this process, and closes it after this one.
    Reader,
}

impl Opened {
    /// Writes the log into the file and lets go of it.
    pub fn close(self) -> Result<(), StoreError> {
        let path = self.connection.path().map(PathBuf::from).unwrap_or_default();
        let closed = self.close_connection();
        closed.map_err(|fault| fault.at(&path))
    }

    fn close_connection(self) -> Result<(), Fault> {
        let Self { connection, hold } = self;
        if matches!(hold, Hold::Owned(_)) {
            // SQLite's own checkpoint at closing would swallow an error.
            checkpoint(&connection, "TRUNCATE")?;
        }
        if !matches!(hold, Hold::Reader) {
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        }
        connection.close().map_err(|(_, error)| error)?;
        drop(hold);
        Ok(())
    }

    /// Leaves the file as it is; what the next start finds is what was committed.
    pub fn abandon(self) -> Option<Lock> {
        drop(self.connection);
        match self.hold {
            Hold::Owned(lock) => Some(lock),
            Hold::Beside | Hold::Copy | Hold::Reader => None,
        }
    }
}

/// Opens, creates or migrates a store and takes it for this process; with it its name.
pub fn owned(path: &Path, now: Timestamp) -> Result<(Opened, String), StoreError> {
    let found = examine(path)?;
    let path = &absolute(path)?;
    let lock = Lock::take(path)?;
    let mut connection = match &found {
        Found::Nothing => create(path)?,
        Found::Blank | Found::Database(_) => connect(path)?,
    };
    prepare(&mut connection, path, &found, now).map_err(|fault| refusal(fault, path))?;
    let id = take_over(&mut connection, now).map_err(|fault| fault.at(path))?;
    Ok((Opened { connection, hold: Hold::Owned(lock) }, id))
}

/// Refuses a store that is not there.
pub fn expected(path: &Path) -> Result<(), StoreError> {
    match examine(path)? {
        Found::Database(_) => Ok(()),
        Found::Nothing | Found::Blank => Err(StoreError::Missing { path: path.to_owned() }),
    }
}

/// Brings the log of a store that no process has into its file; then there is none.
pub fn settle(path: &Path) -> Result<(), StoreError> {
    let connection = connect(path)?;
    let ready = version(&connection).and_then(|_| write_ahead(&connection));
    ready.map_err(|fault| refusal(fault, path))?;
    let close = || -> Result<(), Fault> {
        checkpoint(&connection, "TRUNCATE")?;
        Ok(connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map(|_| ())?)
    };
    close().map_err(|fault| fault.at(path))?;
    connection.close().map_err(|(_, error)| Fault::from(error).at(path))
}

/// Opens an existing store beside its owner; with it its name.
pub fn beside_owner(path: &Path) -> Result<(Opened, String), StoreError> {
    expected(path)?;
    let path = &absolute(path)?;
    let connection = connect(path)?;
    let version = version(&connection).map_err(|fault| refusal(fault, path))?;
    if version == 0 {
        return Err(StoreError::Missing { path: path.clone() });
    }
    if version < newest(MIGRATIONS) {
        return Err(StoreError::Older { path: path.clone(), found: version, known: newest(MIGRATIONS) });
    }
    settings(&connection).and_then(|()| write_ahead(&connection)).map_err(|fault| refusal(fault, path))?;
    let id = id(&connection).map_err(|fault| fault.at(path))?;
    Ok((Opened { connection, hold: Hold::Beside }, id))
}

/// Opens a store that this process has for reading alone: a connection that cannot write, whatever it is told.
pub fn reader(path: &Path) -> Result<Opened, StoreError> {
    let path = &absolute(path)?;
    let open = || -> Result<Connection, Fault> {
        let connection = Connection::open_with_flags(path, copy::read_only())?;
        connection.busy_timeout(BUSY)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        settings(&connection)?;
        connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    };
    let connection = open().map_err(|fault| refusal(fault, path))?;
    Ok(Opened { connection, hold: Hold::Reader })
}

/// Opens a copy of a store in memory; with it the store's name.
pub fn copied(path: &Path, now: Timestamp) -> Result<(Opened, String), StoreError> {
    let found = examine(path)?;
    let memory = || -> Result<Connection, Fault> { Ok(Connection::open_in_memory()?) };
    let mut connection = memory().map_err(|fault| fault.at(path))?;
    if matches!(found, Found::Database(_)) {
        let path = &absolute(path)?;
        copy::copy(path, &mut connection).map_err(|fault| refusal(fault, path))?;
    }
    let version = version(&connection).map_err(|fault| refusal(fault, path))?;
    let ready = |connection: &mut Connection| {
        settings(connection)?;
        migrate(connection, MIGRATIONS, version, now)?;
        take_over(connection, now)
    };
    let id = ready(&mut connection).map_err(|fault| fault.at(path))?;
    Ok((Opened { connection, hold: Hold::Copy }, id))
}

/// The same of a store on a server.
pub fn copied_from(server: &Server, expected: bool, now: Timestamp) -> Result<(Opened, String), StoreError> {
    let fill = |memory: &mut Connection| -> Result<(), Fault> {
        settings(memory)?;
        migrate(memory, MIGRATIONS, 0, now)?;
        let Some(session) = postgres::look(server, expected)? else { return Ok(()) };
        transact(memory, |memory| {
            let (from, to) = (sql::Connection::Postgres(&session), sql::Connection::Sqlite(memory));
            sql::transfer(&from, &to, &unheard()).map_err(sql::Broken::fault)?;
            Ok(sql::End::Commit(()))
        })
    };
    let copy = || -> Result<(Opened, String), Fault> {
        let mut memory = Connection::open_in_memory()?;
        fill(&mut memory)?;
        let id = take_over(&mut memory, now)?;
        Ok((Opened { connection: memory, hold: Hold::Copy }, id))
    };
    copy().map_err(|fault| fault.on(server))
}

/// What stands where a store is expected.
#[derive(Debug)]
enum Found {
    Nothing,
    /// An empty file.
    Blank,
    Database(Metadata),
}

/// Looks at a file without changing anything.
fn examine(path: &Path) -> Result<Found, StoreError> {
    let denied = |error| StoreError::Denied { path: path.to_owned(), source: Box::new(error) };
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Found::Nothing);
        }
        Err(error) => return Err(denied(error)),
    };
    if metadata.is_dir() {
        return Err(StoreError::Directory { path: path.to_owned() });
    }
    if !metadata.is_file() {
        return Err(StoreError::NotADatabase { path: path.to_owned() });
    }
    if metadata.len() == 0 {
        return Ok(Found::Blank);
    }
    let mut header = Vec::with_capacity(100);
    File::open(path).and_then(|file| file.take(100).read_to_end(&mut header)).map_err(denied)?;
    // While there is a log, the file may be in the middle of a checkpoint: the log has the rest.
    let length = if has_log(path) { None } else { Some(metadata.len()) };
    examine_header(path, &header, length)?;
    Ok(Found::Database(metadata))
}

/// Checks the first 100 bytes of a database file (<https://www.sqlite.org/fileformat.html>, 1.3). What the
/// log holds may be newer, so this refuses only what no log mends.
fn examine_header(path: &Path, header: &[u8], length: Option<u64>) -> Result<(), StoreError> {
    let path = || path.to_owned();
    if !header.starts_with(b"SQLite format 3\0") {
        return Err(StoreError::NotADatabase { path: path() });
    }
    let number = |at: usize| header.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
    let (Some(changes), Some(pages), Some(version), Some(application), Some(valid_for)) =
        (number(24), number(28), number(60), number(68), number(92))
    else {
        return Err(StoreError::Damaged { path: path(), detail: "the header is cut off".to_owned() });
    };
    if application != 0 && application != APPLICATION_ID.cast_unsigned() {
        return Err(StoreError::Foreign { path: path() });
    }
    let (found, known) = (version.cast_signed(), newest(MIGRATIONS));
    if application != 0 && found > known {
        return Err(StoreError::Newer { path: path(), found, known });
    }
    let page = match u64::from(u16::from_be_bytes([header[16], header[17]])) {
        1 => 65_536,
        size => size,
    };
    let expected = page * u64::from(pages);
    if let Some(length) = length.filter(|length| changes == valid_for && *length < expected) {
        let detail = format!("the file has {length} bytes, its header says {expected}");
        return Err(StoreError::Damaged { path: path(), detail });
    }
    Ok(())
}

/// Whether there is a log that is not in the file yet: a process has the store, or did not close it.
pub fn has_log(path: &Path) -> bool {
    std::fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0)
}

/// One name for one file: links do not make two stores of it, and no name has a meaning to SQLite.
pub fn absolute(path: &Path) -> Result<PathBuf, StoreError> {
    if let Ok(absolute) = path.canonicalize() {
        return Ok(absolute);
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let name = path.file_name().ok_or_else(|| StoreError::Directory { path: path.to_owned() })?;
    match parent.canonicalize() {
        Ok(parent) if parent.is_dir() => Ok(parent.join(name)),
        Ok(_) => Err(StoreError::NoDirectory { path: path.to_owned() }),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Err(StoreError::NoDirectory { path: path.to_owned() })
        }
        Err(error) => Err(StoreError::Denied { path: path.to_owned(), source: Box::new(error) }),
    }
}

/// A new file that only its owner can read; SQLite gives its log the same mode.
fn create(path: &Path) -> Result<Connection, StoreError> {
    let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    created.map_err(|error| StoreError::Denied { path: path.to_owned(), source: Box::new(error) })?;
    connect(path)
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let open = || -> Result<Connection, Fault> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        Ok(connection)
    };
    open().map_err(|fault| refusal(fault, path))
}

/// What an error means while a store is being opened.
fn refusal(fault: Fault, path: &Path) -> StoreError {
    use rusqlite::ErrorCode::{CannotOpen, PermissionDenied, ReadOnly};
    match fault {
        Fault::Sql(error) if matches!(error.sqlite_error_code(), Some(CannotOpen | PermissionDenied | ReadOnly)) => {
            StoreError::Denied { path: path.to_owned(), source: Box::new(error) }
        }
        other => other.at(path),
    }
}

/// Brings a file of ours to the state in which it is worked with.
fn prepare(connection: &mut Connection, path: &Path, found: &Found, now: Timestamp) -> Result<(), Fault> {
    let crashed = has_log(path);
    let version = version(connection)?;
    let limit = if crashed { CHECKED_AFTER_CRASH } else { CHECKED_ALWAYS };
    if matches!(found, Found::Database(metadata) if metadata.len() <= limit) {
        check(connection)?;
    }
    settings(connection)?;
    write_ahead(connection)?;
    if (1..newest(MIGRATIONS)).contains(&version) {
        keep_copy(connection, path, version)?;
    }
    migrate(connection, MIGRATIONS, version, now)
}

/// The schema of a database that is ours or blank (0).
pub fn version(connection: &Connection) -> Result<i32, Fault> {
    match kind(connection)? {
        Kind::Blank => Ok(0),
        Kind::Ours(found) if found > newest(MIGRATIONS) => Err(Fault::Newer(found)),
        Kind::Ours(version) => Ok(version),
        Kind::Foreign => Err(Fault::Foreign),
    }
}

/// What every connection is set to.
fn settings(connection: &Connection) -> Result<(), Fault> {
    for (config, on) in [
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true),
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
        // No statement is planned anew for the values bound to it.
        (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true),
    ] {
        connection.set_db_config(config, on)?;
    }
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    know_extremes(connection)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

/// A commit is on the disk before it is acknowledged; checkpoints are ours, so that their errors are heard.
fn write_ahead(connection: &Connection) -> Result<(), Fault> {
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(Fault::NotLocal);
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", LOG_BYTES_KEPT, |_| Ok(()))?;
    Ok(())
}

/// A store that is now ours alone: whatever earlier processes had claimed is free again, and no wait is
/// longer than one can be, should the clock have gone back.
fn take_over(connection: &mut Connection, now: Timestamp) -> Result<String, Fault> {
    transact(connection, |transaction| {
        let shared = &sql::Connection::Sqlite(transaction);
        sql::free(shared, None, Held::ALL)?;
        sql::shorten_waits(shared, now)?;
        Ok(sql::End::Commit(id(transaction)?))
    })
}

pub fn id(connection: &Connection) -> Result<String, Fault> {
    Ok(connection.query_row("SELECT value FROM meta WHERE name = 'store_id'", [], |row| row.get(0))?)
}

/// A number that changes with every commit: others' as SQLite counts them for a connection, and its own.
pub fn changes(connection: &Connection) -> Result<u32, Fault> {
    let others: u32 = connection.pragma_query_value(None, "data_version", |row| row.get(0))?;
    let own = u32::try_from(connection.total_changes() & u64::from(u32::MAX)).unwrap_or_default();
    Ok(others.wrapping_add(own))
}

/// Brings what is in the log into the file, as far as readers allow, and cuts it when it is long. Reads are short, so
/// that those which began before are soon over; and those that begin once all is in the file need no log.
pub fn checkpoint_log(connection: &Connection) -> Result<(), Fault> {
    let log = checkpoint(connection, "PASSIVE")?;
    let times = log / LOG_PAGES_LONG;
    if times > 0 {
        connection.busy_timeout(BUSY.min(CUT_WAIT * times))?;
        let cut = checkpoint(connection, "TRUNCATE");
        connection.busy_timeout(BUSY)?;
        cut?;
    }
    Ok(())
}

/// Brings the log into the file; how many pages it has.
fn checkpoint(connection: &Connection, mode: &str) -> Result<u32, Fault> {
    let sql = format!("PRAGMA wal_checkpoint({mode})");
    // -1 where there is no log.
    let pages: i64 = connection.query_row(&sql, [], |row| row.get(1))?;
    Ok(u32::try_from(pages).unwrap_or_default())
}
