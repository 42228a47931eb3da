//! Why a server could not do what was asked of the store on it, in words that say what to do.
//!
//! What a server's own words come to is `fault`'s to say.

use std::path::PathBuf;

use crate::base::text::printable;
use crate::store::error::Cause;

/// Why a server could not do what was asked.
///
/// The first variants do not pass by themselves; the others do, and whoever has the store open waits and tries again:
/// see [`ServerError::is_final`].
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The server refuses the password, or wants one and there is none.
    #[error("the database {store} refuses the password: see that the address in `daemon.state` has the right one")]
    Password {
        /// The store.
        store: String,
        /// What the server said.
        source: Cause,
    },
    /// The server does not let the role in.
    #[error(
        "the database {store} lets nobody in as {}: see that the role is there and may log in (CREATE ROLE … LOGIN), and \
         that pg_hba.conf on the server lets it in from here, with TLS or without it as `sslmode` says",
        printable(role)
    )]
    NotLetIn {
        /// The store.
        store: String,
        /// Who logs in.
        role: String,
        /// What the server said.
        source: Cause,
    },
    /// The server has no such database.
    #[error(
        "the server of {store} has no database {0}: make it there with `createdb --owner={1} --encoding=UTF8 {0}`",
        printable(database),
        printable(role)
    )]
    NoDatabase {
        /// The store.
        store: String,
        /// The database.
        database: String,
        /// Who is to own it.
        role: String,
        /// What the server said.
        source: Cause,
    },
    /// The role may not do what a store needs.
    #[error(
        "the role {1} may not do what is needed in the database {store}: make it the owner of the database and of what \
         is in it (ALTER DATABASE \"{0}\" OWNER TO \"{1}\")",
        printable(database),
        printable(role)
    )]
    NoRights {
        /// The store.
        store: String,
        /// The database.
        database: String,
        /// Who may not.
        role: String,
        /// What the server said.
        source: Cause,
    },
    /// The server's certificate, or its TLS, will not do.
    #[error("the server of the database {store} is not trusted: {advice}")]
    Untrusted {
        /// The store.
        store: String,
        /// What is wrong, and what to do.
        advice: &'static str,
        /// What the TLS library said.
        source: Cause,
    },
    /// The server speaks no TLS.
    #[error(
        "the server of the database {store} speaks no TLS: switch it on there (`ssl = on` in postgresql.conf), or write \
         `sslmode=disable` where nobody can listen on the way"
    )]
    NoTls {
        /// The store.
        store: String,
    },
    /// The certificates of authorities cannot be used.
    #[error("{} (`sslrootcert`) is no file of certificates in PEM that can be read", printable(&path.display().to_string()))]
    NoAuthorities {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Cause,
    },
    /// A server that lacks what is needed.
    #[error("the server of the database {store} is PostgreSQL {}: 14 or a newer one is needed", printable(found))]
    OldServer {
        /// The store.
        store: String,
        /// Its version.
        found: String,
    },
    /// A database that cannot hold every text.
    #[error(
        "the database {store} is encoded in {}, which has not every sign: make one with `createdb --encoding=UTF8 \
         --template=template0`",
        printable(found)
    )]
    NotUtf8 {
        /// The store.
        store: String,
        /// Its encoding.
        found: String,
    },
    /// The server found its files to be damaged.
    #[error(
        "the server of the database {store} says that its files are damaged: fail over to a standby, or restore a backup"
    )]
    Corrupt {
        /// The store.
        store: String,
        /// What the server said.
        source: Cause,
    },

    /// The server cannot be reached, or the connection broke: nothing of a change is stored that was not committed.
    #[error("the database {store} cannot be reached: see that its server runs, and that the way there is open")]
    Away {
        /// The store.
        store: String,
        /// What was seen of it.
        source: Cause,
    },
    /// No host is known by its name.
    #[error("the database {store} is not found: see that the host's name is right, and that DNS knows it")]
    NotFound {
        /// The store.
        store: String,
        /// What was asked in vain.
        source: Cause,
    },
    /// The server starts or stops, or has ended the connection.
    #[error(
        "the server of the database {store} takes no connection now, or has ended this one: it is starting or stopping, \
         or somebody told it to"
    )]
    Starting {
        /// The store.
        store: String,
        /// What the server said.
        source: Cause,
    },
    /// The server has no room for another connection.
    #[error(
        "the server of the database {store} takes no more connections: end some, raise `max_connections`, or put a pool \
         such as PgBouncer before it"
    )]
    Crowded {
        /// The store.
        store: String,
        /// What the server said.
        source: Cause,
    },
    /// The server has run out of memory or the like: nothing of the change is stored.
    #[error("the server of the database {store} has run out of memory or of another resource: see its log")]
    Exhausted {
        /// The store.
        store: String,
        /// What the server said.
        source: Cause,
    },
    /// A server that takes no writes.
    #[error(
        "the database {store} takes no writes: it is a standby, or was made read-only; name the primary, or all of its \
         hosts with commas between them"
    )]
    Standby {
        /// The store.
        store: String,
        /// How that was seen.
        source: Cause,
    },
    /// A primary that another one has replaced: what it takes would be lost.
    #[error(
        "the server of the database {store} is a primary that was replaced (its timeline is {found}, the store's {known}): \
         stop it, or make it a standby of its successor"
    )]
    Replaced {
        /// The store.
        store: String,
        /// The server's timeline.
        found: u32,
        /// The newest on which this store was seen.
        known: u32,
    },
    /// The server's disk is full: nothing of the change is stored.
    #[error("the disk of the database {store} is full: make space there; what was stored before is safe")]
    Full {
        /// The store.
        store: String,
        /// What the server said.
        source: Cause,
    },
    /// Somebody else had for too long what a change needs: nothing of it is stored.
    #[error("another change to the database {store} takes too long: see what holds it up (pg_stat_activity)")]
    Locked {
        /// The store.
        store: String,
        /// What the server said.
        source: Cause,
    },
    /// A statement took too long and was broken off: nothing of the change is stored.
    #[error("the server of the database {store} took too long for a statement: see what else it is busy with")]
    Slow {
        /// The store.
        store: String,
        /// What the server said.
        source: Cause,
    },
    /// Another change was in the way of this one: nothing of it is stored.
    #[error(
        "another change was in the way of one to the database {store}: nothing of it is stored; it is to be made anew"
    )]
    Conflict {
        /// The store.
        store: String,
        /// What the server said.
        source: Cause,
    },
    /// COMMIT had no answer: the change may be stored or not; what is stored then says so.
    #[error("it is unknown whether the last change to the database {store} is stored: the answer was lost on the way")]
    Doubtful {
        /// The store.
        store: String,
        /// What was seen instead.
        source: Cause,
    },
    /// The server failed, such as its disk: nothing of the change is stored.
    #[error("the server of the database {store} failed: see its log and its disk")]
    Failed {
        /// The store.
        store: String,
        /// What the server said.
        source: Cause,
    },
}

impl ServerError {
    /// Whether it stays as it is until somebody mends it. What is not final passes: the network comes back, the server is
    /// up again or another one has taken over, memory or connections are free, a change is made anew.
    pub const fn is_final(&self) -> bool {
        match self {
            Self::Password { .. }
            | Self::NotLetIn { .. }
            | Self::NoDatabase { .. }
            | Self::NoRights { .. }
            | Self::Untrusted { .. }
            | Self::NoTls { .. }
            | Self::NoAuthorities { .. }
            | Self::OldServer { .. }
            | Self::NotUtf8 { .. }
            | Self::Corrupt { .. } => true,
            Self::Away { .. }
            | Self::NotFound { .. }
            | Self::Starting { .. }
            | Self::Crowded { .. }
            | Self::Exhausted { .. }
            | Self::Standby { .. }
            | Self::Replaced { .. }
            | Self::Full { .. }
            | Self::Locked { .. }
            | Self::Slow { .. }
            | Self::Conflict { .. }
            | Self::Doubtful { .. }
            | Self::Failed { .. } => false,
        }
    }
}
