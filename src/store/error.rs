//! Why the store could not do what was asked, in words that say what to do.

use std::path::{Path, PathBuf};

use super::postgres::ServerError;
use crate::base::text::printable;

/// What a database library said.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why the store could not do what was asked.
///
/// The first variants refuse to open a store and leave it as it is. The others befall one that is open:
/// see [`StoreError::is_final`].
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it.
    #[error(
        "another supplywatch{} has the store {}: stop that one first, or look with `dry-run`, which works on a copy",
        process(*by), shown(path)
    )]
    Held {
        /// The store.
        path: PathBuf,
        /// The process, where it left its number.
        by: Option<u32>,
    },
    /// A directory where a file is expected.
    #[error("{0} is a directory: name a file in it, such as {0}/supplywatch.db", shown(path))]
    Directory {
        /// The place.
        path: PathBuf,
    },
    /// Its directory is not there.
    #[error(
        "the directory of the store {} does not exist: make it, or name another place in `daemon.state`",
        shown(path)
    )]
    NoDirectory {
        /// The store.
        path: PathBuf,
    },
    /// It is not there, and only one that is there will do.
    #[error("there is no store at {} yet: `supplywatch run` makes it", shown(path))]
    Missing {
        /// The store.
        path: PathBuf,
    },
    /// The system does not let us.
    #[error(
        "the store {} cannot be used: this user must be able to read and write the file and its directory",
        shown(path)
    )]
    Denied {
        /// The store.
        path: PathBuf,
        /// What the system said.
        source: Cause,
    },
    /// Another kind of file.
    #[error("{} is no SQLite database: name another file in `daemon.state`; this one stays as it is", shown(path))]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// Another program's database.
    #[error(
        "{} is a database of another program: name another one in `daemon.state`; this one stays as it is",
        shown(path)
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A schema that this program does not know yet.
    #[error(
        "the store {} was made by a newer supplywatch (schema {found}; this one knows {known}): run that version, or \
         restore a backup made before it",
        shown(path)
    )]
    Newer {
        /// The store.
        path: PathBuf,
        /// Its schema.
        found: i32,
        /// The newest that this program knows.
        known: i32,
    },
    /// A schema that only the owner may bring up to date.
    #[error(
        "the store {} was made by an older supplywatch (schema {found}, now {known}): start `supplywatch run` once to \
         bring it up to date",
        shown(path)
    )]
    Older {
        /// The store.
        path: PathBuf,
        /// Its schema.
        found: i32,
        /// The schema that is expected.
        known: i32,
    },
    /// The disk does not do what a database needs.
    #[error(
        "the store {} is on a file system without shared memory (a network disk?): move it to a local disk",
        shown(path)
    )]
    NotLocal {
        /// The store.
        path: PathBuf,
    },
    /// A file that is there already.
    #[error("{} is there already: name another file, or replace it with `--force`", shown(path))]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A folder that is not there.
    #[error("{} is no folder that is there: make it first", shown(path))]
    NoFolder {
        /// The folder.
        path: PathBuf,
    },
    /// The store itself where another file is meant.
    #[error("{} is the store itself: name another file", shown(path))]
    Same {
        /// The file.
        path: PathBuf,
    },
    /// A store where there must be none.
    #[error("there is a store at {} already: move it away first, or name another place", shown(path))]
    Occupied {
        /// The store.
        path: PathBuf,
    },
    /// What would be written has no room on its disk.
    #[error("{} needs {needed} bytes and its disk has {free}: make space; nothing was changed", shown(path))]
    NoRoom {
        /// What would be written.
        path: PathBuf,
        /// Its bytes.
        needed: u64,
        /// Those that are free.
        free: u64,
    },
    /// A file beside the store that cannot be written.
    #[error("{} cannot be written: this user must be able to write it and its directory", shown(path))]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: Cause,
    },
    /// A file that cannot be read.
    #[error("{} cannot be read", shown(path))]
    NotRead {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: Cause,
    },
    /// Lines that are no whole export.
    #[error("{} is no whole export: line {line}: {}; nothing was stored", shown(path), printable(why))]
    NoExport {
        /// The file.
        path: PathBuf,
        /// Where the first mistake is, from 1.
        line: u64,
        /// What is wrong there.
        why: String,
    },

    /// A place that is no file, where only a file will do.
    #[error("{store} is a PostgreSQL database, and this is for a store in a file: {instead}")]
    NoFile {
        /// The store.
        store: String,
        /// What does the same there.
        instead: &'static str,
    },

    /// What is stored contradicts itself.
    #[error(
        "the store {} is damaged ({detail}): restore a backup, or move the file with its -wal away to begin anew",
        shown(path)
    )]
    Damaged {
        /// The store.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// No space: nothing of the change is stored, and the store works on once there is space.
    #[error("the disk of the store {} is full: make space; what was stored before is safe", shown(path))]
    Full {
        /// The store.
        path: PathBuf,
        /// What the database said.
        source: Cause,
    },
    /// Someone else writes for too long: nothing of the change is stored.
    #[error("another program has been writing to the store {} for too long: end it, then try again", shown(path))]
    Busy {
        /// The store.
        path: PathBuf,
        /// What the database said.
        source: Cause,
    },
    /// The disk failed: what the process believes of the file may be wrong.
    #[error("the store {} cannot be read or written: check the disk; a restart recovers what was stored", shown(path))]
    Io {
        /// The store.
        path: PathBuf,
        /// What the database said.
        source: Cause,
    },
    /// COMMIT gave an error: the change may be stored or not; a restart finds out.
    #[error("it is unknown whether the last change to the store {} is stored: a restart finds out", shown(path))]
    Unknown {
        /// The store.
        path: PathBuf,
        /// What the database said.
        source: Cause,
    },
    /// A stored value that cannot be what was written.
    #[error("the store {} holds a {what} that cannot be read: found `{}`", shown(path), printable(found))]
    Unreadable {
        /// The store.
        path: PathBuf,
        /// What it should be.
        what: &'static str,
        /// What is there.
        found: String,
    },
    /// A statement that the database refuses: a mistake of this program.
    #[error("the store {} refuses a statement: this is a mistake in supplywatch, please report it", shown(path))]
    Statement {
        /// The store.
        path: PathBuf,
        /// What the database said.
        source: Cause,
    },
    /// A change broke off; nothing of it is stored.
    #[error(
        "a change to the store {} broke off ({}): this is a mistake in supplywatch, please report it",
        shown(path),
        printable(why)
    )]
    BrokeOff {
        /// The store.
        path: PathBuf,
        /// The panic's message.
        why: String,
    },
    /// The store ended before: it was closed, or an error was final.
    #[error("the store {} is closed: {why}", shown(path))]
    Ended {
        /// The store.
        path: PathBuf,
        /// What ended it.
        why: String,
    },
    /// A reader was asked for a change.
    #[error("this only reads the store {}: this is a mistake in supplywatch, please report it", shown(path))]
    ReadOnly {
        /// The store.
        path: PathBuf,
    },
    /// A read for others took too long.
    #[error("reading that of the store {} takes too long: ask for less at once", shown(path))]
    TooLong {
        /// The store.
        path: PathBuf,
    },
    /// What befalls a store on a server.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A beginning that several deliveries share.
    #[error("{count} deliveries begin with {}: give more of the id", printable(prefix))]
    Ambiguous {
        /// The beginning.
        prefix: String,
        /// How many there are.
        count: usize,
    },
}

impl StoreError {
    /// Whether this process must not go on with the store: what it believes of the file may be wrong, and
    /// only a restart reads it again.
    pub const fn is_final(&self) -> bool {
        match self {
            Self::Full { .. }
            | Self::Busy { .. }
            | Self::Ambiguous { .. }
            | Self::ReadOnly { .. }
            | Self::TooLong { .. } => false,
            Self::Server(error) => error.is_final(),
            _ => true,
        }
    }

    /// Whether it passes by itself, so that a process which has the store open need only wait: what befalls a server.
    pub const fn passes(&self) -> bool {
        match self {
            Self::Server(error) => !error.is_final(),
            _ => false,
        }
    }
}

fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}

fn process(by: Option<u32>) -> String {
    by.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_where_and_what_to_do() {
        let path = || PathBuf::from("/var/lib/x\n.db");
        let held = StoreError::Held { path: path(), by: Some(7) };
        insta::assert_snapshot!(held, @r"another supplywatch (process 7) has the store /var/lib/x\u{a}.db: stop that one first, or look with `dry-run`, which works on a copy");
        let newer = StoreError::Newer { path: path(), found: 9, known: 1 };
        insta::assert_snapshot!(newer, @r"the store /var/lib/x\u{a}.db was made by a newer supplywatch (schema 9; this one knows 1): run that version, or restore a backup made before it");
        let full = StoreError::Full { path: path(), source: "database or disk is full".into() };
        insta::assert_snapshot!(crate::base::error::Chain(&full), @r"the disk of the store /var/lib/x\u{a}.db is full: make space; what was stored before is safe: database or disk is full");
    }
}
