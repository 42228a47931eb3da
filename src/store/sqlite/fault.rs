//! What goes wrong with a file, and what that means for the caller.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use super::schema::{MIGRATIONS, newest};
use super::upkeep::unwritable;
use crate::store::StoreError;
use crate::store::sql::Fault;

impl Fault {
    /// The error for the caller.
    pub fn at(self, path: &Path) -> StoreError {
        let path = path.to_owned();
        match self {
            Self::Sql(error) => sql(path, error),
            Self::Commit(error) => commit(path, error),
            Self::Unreadable { what, found } => StoreError::Unreadable { path, what, found },
            Self::Damaged(detail) => StoreError::Damaged { path, detail },
            Self::Foreign => StoreError::Foreign { path },
            Self::Newer(found) => StoreError::Newer { path, found, known: newest(MIGRATIONS) },
            Self::Older(found) => StoreError::Older { path, found, known: newest(MIGRATIONS) },
            Self::Missing => StoreError::Missing { path },
            Self::NotLocal => StoreError::NotLocal { path },
            Self::Refused(error) => error,
            Self::File { path, error } => unwritable(&path, error),
            Self::Copy { to, error } if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
                StoreError::Full { path: to, source: Box::new(error) }
            }
            Self::Copy { to, error } if error.sqlite_error_code() == Some(ErrorCode::CannotOpen) => {
                StoreError::Unwritable { path: to, source: Box::new(error) }
            }
            Self::Copy { error, .. } => sql(path, error),
            Self::BrokeOff(why) => StoreError::BrokeOff { path, why },
            Self::Ambiguous { prefix, count } => StoreError::Ambiguous { prefix, count },
            Self::Server(_)
            | Self::ServerCommit(_)
            | Self::Silent
            | Self::Replaced { .. }
            | Self::Standby
            | Self::NotUtf8(_)
            | Self::OldServer(_) => StoreError::BrokeOff { path, why: "a server answered for a file".to_owned() },
        }
    }
}

fn sql(path: PathBuf, error: rusqlite::Error) -> StoreError {
    use rusqlite::Error as E;
    let source = |error| Box::new(error) as crate::store::error::Cause;
    match (error.sqlite_error_code(), &error) {
        (Some(ErrorCode::OperationInterrupted), _) => StoreError::TooLong { path },
        (Some(ErrorCode::DiskFull), _) => StoreError::Full { path, source: source(error) },
        (Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked), _) => {
            StoreError::Busy { path, source: source(error) }
        }
        (Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase), _) => {
            StoreError::Damaged { path, detail: error.to_string() }
        }
        // A quota (EDQUOT) and a limit of the process (EFBIG) come as I/O errors, too.
        (
            Some(
                ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::OutOfMemory
                | ErrorCode::FileLockingProtocolFailed,
            ),
            _,
        ) => StoreError::Io { path, source: source(error) },
        (
            None,
            E::FromSqlConversionFailure(..)
            | E::IntegralValueOutOfRange(..)
            | E::InvalidColumnType(..)
            | E::Utf8Error(..),
        ) => StoreError::Unreadable { path, what: "value", found: error.to_string() },
        (Some(_) | None, _) => StoreError::Statement { path, source: source(error) },
    }
}

/// What an error of COMMIT means. SQLite reports a full disk before the last page of the change is in the
/// log, and a constraint or a lock before it writes any: then nothing is stored. After anything else the
/// change may be there or not.
fn commit(path: PathBuf, error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::ConstraintViolation) => sql(path, error),
        Some(_) | None => StoreError::Unknown { path, source: Box::new(error) },
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    fn failure(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn every_kind_of_error_has_its_meaning() {
        let named = |fault: Fault| format!("{:?}", fault.at(Path::new("s"))).split(' ').next().unwrap().to_owned();
        for (code, in_statement, in_commit) in [
            (ffi::SQLITE_FULL, "Full", "Full"),
            (ffi::SQLITE_BUSY, "Busy", "Busy"),
            (ffi::SQLITE_IOERR_FSYNC, "Io", "Unknown"),
            (ffi::SQLITE_IOERR_WRITE, "Io", "Unknown"),
            (ffi::SQLITE_CANTOPEN, "Io", "Unknown"),
            (ffi::SQLITE_NOMEM, "Io", "Unknown"),
            (ffi::SQLITE_CORRUPT, "Damaged", "Unknown"),
            (ffi::SQLITE_NOTADB, "Damaged", "Unknown"),
            (ffi::SQLITE_CONSTRAINT_UNIQUE, "Statement", "Statement"),
            (ffi::SQLITE_INTERRUPT, "TooLong", "Unknown"),
        ] {
            assert_eq!(named(Fault::Sql(failure(code))), in_statement, "{code}");
            assert_eq!(named(Fault::Commit(failure(code))), in_commit, "{code}");
        }
        assert_eq!(named(Fault::Sql(rusqlite::Error::IntegralValueOutOfRange(0, -1))), "Unreadable");
    }

    #[test]
    fn only_what_left_no_doubt_is_not_final() {
        let is_final = |fault: Fault| fault.at(Path::new("s")).is_final();
        assert!(!is_final(Fault::Sql(failure(ffi::SQLITE_FULL))));
        assert!(!is_final(Fault::Commit(failure(ffi::SQLITE_FULL))));
        assert!(!is_final(Fault::Sql(failure(ffi::SQLITE_BUSY))));
        assert!(is_final(Fault::Sql(failure(ffi::SQLITE_IOERR_READ))));
        assert!(is_final(Fault::Commit(failure(ffi::SQLITE_IOERR_FSYNC))));
        assert!(is_final(Fault::BrokeOff("why".into())));
        assert!(is_final(Fault::Damaged("page 3".into())));
    }
}
