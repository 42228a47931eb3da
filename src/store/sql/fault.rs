//! What goes wrong inside a store, before it is known which one it was.

use std::path::PathBuf;

use crate::store::StoreError;

/// An error before it knows its file.
#[derive(Debug)]
pub enum Fault {
    /// SQLite says no.
    Sql(rusqlite::Error),
    /// COMMIT gave an error.
    Commit(rusqlite::Error),
    /// A server says no, or is gone.
    Server(tokio_postgres::Error),
    /// COMMIT gave an error there, or no answer came in time.
    ServerCommit(Option<tokio_postgres::Error>),
    /// No answer came from it in time.
    Silent,
    /// It is a primary that was replaced by another, on the timeline that is named second.
    Replaced {
        /// Its timeline.
        found: u32,
        /// The newest one that was seen.
        seen: u32,
    },
    /// It can only be read: a standby.
    Standby,
    /// A stored value that cannot be what was written.
    Unreadable {
        /// What it should be.
        what: &'static str,
        /// What is there.
        found: String,
    },
    /// A check found damage.
    Damaged(String),
    /// Another program's database.
    Foreign,
    /// A schema that this program does not know yet.
    Newer(i32),
    /// A schema that only whoever owns it may bring up to date.
    Older(i32),
    /// There is no store there.
    Missing,
    /// A database that cannot hold every text: its encoding.
    NotUtf8(String),
    /// A server that is too old; its number is that of `server_version_num`.
    OldServer(u32),
    /// A file system without what a write-ahead log needs.
    NotLocal,
    /// What is to be done beside it is refused.
    Refused(StoreError),
    /// Another file than the store cannot be written.
    File {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// SQLite cannot copy the store.
    Copy {
        /// To where.
        to: PathBuf,
        /// What it says.
        error: rusqlite::Error,
    },
    /// A panic.
    BrokeOff(String),
    /// A beginning that several deliveries share.
    Ambiguous {
        /// The beginning.
        prefix: String,
        /// How many there are.
        count: usize,
    },
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Server(error)
    }
}

impl Fault {
    /// A value that does not read back.
    pub fn unreadable(what: &'static str, found: impl ToString) -> Self {
        Self::Unreadable { what, found: found.to_string() }
    }
}
