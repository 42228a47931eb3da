//! What goes wrong between this program and a server, and what that means for the caller.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use rustls::CertificateError;
use tokio_postgres::error::{DbError, Severity, SqlState};

use super::ServerError;
use super::connect::{Failure, Why};
use super::schema::newest;
use super::server::Server;
use crate::base::error::Chain;
use crate::base::text::printable;
use crate::store::StoreError;
use crate::store::sql::Fault;

/// What was being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// A connection was made.
    Connecting,
    /// Anything within a transaction, or its beginning: the server forgets it.
    Working,
    /// A transaction was to end well: without an answer nobody knows whether it did.
    Committing,
}

/// What an error means.
pub fn of(server: &Server, error: &tokio_postgres::Error, when: When) -> StoreError {
    Complaint { server, said: said(error) }.of(error, when)
}

/// What it means that no host let us in.
pub(super) fn of_hosts(server: &Server, failures: Vec<Failure>) -> StoreError {
    let word = |failure: &Failure| {
        let said = match &failure.why {
            Why::Silent => format!("no answer within {} s", server.patience.connect.as_secs()),
            Why::Unknown(error) => printable(&error.to_string()),
            Why::Said(error) => said(error),
            Why::Unfit(_) => "it was replaced".to_owned(),
        };
        if failures.len() > 1 { format!("{}: {said}", failure.host) } else { said }
    };
    let all = failures.iter().map(word).collect::<Vec<_>>().join("; ");
    let fault = || Complaint { server, said: all.clone() };
    let each = failures.into_iter().map(|failure| match failure.why {
        Why::Silent => fault().away().into(),
        Why::Unknown(_) => ServerError::NotFound { store: server.shown(), source: all.clone().into() }.into(),
        Why::Said(error) => fault().of(&error, When::Connecting),
        Why::Unfit(fault) => fault.on(server),
    });
    // `max_by_key` takes the last of equals, and the first is meant.
    each.rev().max_by_key(telling).unwrap_or_else(|| fault().away().into())
}

/// How much an error says of where things stand: a host that answers says more than one that does not, and what passes
/// more than what does not, because then waiting may help.
fn telling(error: &StoreError) -> u8 {
    match error {
        StoreError::Server(ServerError::Away { .. } | ServerError::NotFound { .. }) => 0,
        other if other.is_final() => 1,
        _ => 2,
    }
}

/// What an error said, in a line.
fn said(error: &tokio_postgres::Error) -> String {
    let text = match error.as_db_error() {
        Some(said) => format!("{}: {} ({})", said.severity(), said.message(), said.code().code()),
        None => Chain(error).to_string(),
    };
    printable(&text)
}

/// An error on its way to the caller.
struct Complaint<'a> {
    server: &'a Server,
    said: String,
}

impl Complaint<'_> {
    fn of(self, error: &tokio_postgres::Error, when: When) -> StoreError {
        if let Some(said) = error.as_db_error() {
            return self.answered(said, when);
        }
        if when == When::Committing {
            return self.doubtful().into();
        }
        let source = error.source();
        if let Some(error) = source.and_then(|source| source.downcast_ref::<io::Error>()) {
            return self.of_io(error).into();
        }
        let cause = source.map(ToString::to_string).unwrap_or_default();
        let store = self.server.shown();
        match (cause.as_str(), when) {
            ("server does not support TLS", _) => ServerError::NoTls { store }.into(),
            ("password missing", _) => ServerError::Password { store, source: self.said.into() }.into(),
            _ if error.is_closed() => self.away().into(),
            // Something that is not PostgreSQL answers, or wants a proof that this program cannot give.
            (_, When::Connecting) if error.to_string() == "authentication error" => self.not_let_in().into(),
            (_, When::Connecting) => self.away().into(),
            _ => StoreError::Statement { path: store.into(), source: self.said.into() },
        }
    }

    /// The server answered with an error. An ERROR in answer to COMMIT says that nothing is stored, while after FATAL the
    /// connection is gone, and what was under way may be stored.
    fn answered(self, said: &DbError, when: When) -> StoreError {
        let is_sure = said.parsed_severity().is_some_and(|severity| severity == Severity::Error);
        if when == When::Committing && !is_sure {
            return self.doubtful().into();
        }
        let (store, role) = (self.server.shown(), self.server.role().to_owned());
        let database = self.server.database().to_owned();
        let source = self.said.into();
        let code = said.code();
        let error = match *code {
            SqlState::INVALID_PASSWORD => ServerError::Password { store, source },
            SqlState::INVALID_AUTHORIZATION_SPECIFICATION => ServerError::NotLetIn { store, role, source },
            SqlState::INVALID_CATALOG_NAME | SqlState::DATABASE_DROPPED => {
                ServerError::NoDatabase { store, database, role, source }
            }
            // Where nothing may be made in any schema, none is found to make it in.
            SqlState::INSUFFICIENT_PRIVILEGE | SqlState::INVALID_SCHEMA_NAME => {
                ServerError::NoRights { store, database, role, source }
            }
            SqlState::TOO_MANY_CONNECTIONS => ServerError::Crowded { store, source },
            SqlState::DISK_FULL => ServerError::Full { store, source },
            SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN | SqlState::CANNOT_CONNECT_NOW => {
                ServerError::Starting { store, source }
            }
            SqlState::READ_ONLY_SQL_TRANSACTION => ServerError::Standby { store, source },
            SqlState::LOCK_NOT_AVAILABLE => ServerError::Locked { store, source },
            SqlState::QUERY_CANCELED => ServerError::Slow { store, source },
            SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => {
                ServerError::Conflict { store, source }
            }
            SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN => ServerError::Doubtful { store, source },
            SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED => ServerError::Corrupt { store, source },
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT | SqlState::IDLE_SESSION_TIMEOUT => {
                ServerError::Away { store, source }
            }
            // `transaction_timeout`, since PostgreSQL 17.
            _ if code.code() == "25P04" => ServerError::Slow { store, source },
            // The class: of connections (a pool's own errors are there, too), of resources, of the system below.
            _ => match code.code().get(..2) {
                Some("08") => ServerError::Away { store, source },
                Some("53") => ServerError::Exhausted { store, source },
                Some("58") => ServerError::Failed { store, source },
                _ => return StoreError::Statement { path: store.into(), source },
            },
        };
        error.into()
    }

    /// The way to the server failed, or what is read and written on it.
    fn of_io(self, error: &io::Error) -> ServerError {
        let store = self.server.shown();
        let within = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(error) = within {
            return ServerError::Untrusted { store, advice: advice(error), source: self.said.into() };
        }
        match error.kind() {
            // What `tokio-postgres` says of a server that only reads; the system's own refusals have a number.
            io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => {
                ServerError::Standby { store, source: self.said.into() }
            }
            _ => self.away(),
        }
    }

    fn away(self) -> ServerError {
        ServerError::Away { store: self.server.shown(), source: self.said.into() }
    }

    fn doubtful(self) -> ServerError {
        ServerError::Doubtful { store: self.server.shown(), source: self.said.into() }
    }

    fn not_let_in(self) -> ServerError {
        let role = self.server.role().to_owned();
        ServerError::NotLetIn { store: self.server.shown(), role, source: self.said.into() }
    }
}

impl Fault {
    /// The error for the caller.
    pub fn on(self, server: &Server) -> StoreError {
        let store = server.shown();
        let path = || PathBuf::from(server.shown());
        match self {
            Self::Server(error) => of(server, &error, When::Working),
            Self::ServerCommit(Some(error)) => of(server, &error, When::Committing),
            Self::ServerCommit(None) => ServerError::Doubtful { store, source: UNANSWERED.into() }.into(),
            Self::Silent => ServerError::Away { store, source: UNANSWERED.into() }.into(),
            Self::Replaced { found, seen } => ServerError::Replaced { store, found, known: seen }.into(),
            Self::Standby => ServerError::Standby { store, source: "it says that it recovers".into() }.into(),
            Self::OldServer(found) => {
                ServerError::OldServer { store, found: format!("{}.{}", found / 10_000, found % 10_000) }.into()
            }
            Self::NotUtf8(found) => ServerError::NotUtf8 { store, found }.into(),
            Self::Refused(error) => error,
            Self::Unreadable { what, found } => StoreError::Unreadable { path: path(), what, found },
            Self::Damaged(detail) => StoreError::Damaged { path: path(), detail },
            Self::Foreign => StoreError::Foreign { path: path() },
            Self::Newer(found) => StoreError::Newer { path: path(), found, known: newest() },
            Self::Older(found) => StoreError::Older { path: path(), found, known: newest() },
            Self::Missing => StoreError::Missing { path: path() },
            Self::BrokeOff(why) => StoreError::BrokeOff { path: path(), why },
            Self::Ambiguous { prefix, count } => StoreError::Ambiguous { prefix, count },
            Self::Sql(error) | Self::Commit(error) | Self::Copy { error, .. } => {
                StoreError::Statement { path: path(), source: Box::new(error) }
            }
            Self::File { path, error } => StoreError::Unwritable { path, source: Box::new(error) },
            Self::NotLocal => StoreError::NotLocal { path: path() },
        }
    }

    /// Whether nothing more can be done with the session that it befell.
    pub fn loses_session(&self) -> bool {
        match self {
            Self::Server(error) => {
                error.is_closed()
                    || error.as_db_error().is_none_or(|said| said.parsed_severity() != Some(Severity::Error))
            }
            Self::ServerCommit(_) | Self::Silent | Self::Replaced { .. } | Self::Standby => true,
            _ => false,
        }
    }
}

/// What is said of a server that says nothing.
const UNANSWERED: &str = "no answer came in time";

/// What is wrong with a server's certificate or its TLS, and what to do.
fn advice(error: &rustls::Error) -> &'static str {
    use CertificateError as E;
    let rustls::Error::InvalidCertificate(error) = error else {
        return "it and this program find no TLS that both speak; it needs TLS 1.2 or 1.3, and no certificate of its clients";
    };
    match error {
        E::UnknownIssuer => {
            "its certificate is signed by an authority that is not known here: name the authority's certificate with \
             `sslrootcert=FILE`"
        }
        E::NotValidForName | E::NotValidForNameContext { .. } => {
            "its certificate is for another name: name the host as the certificate does, or have one made for this name"
        }
        E::Expired | E::ExpiredContext { .. } => "its certificate is over: renew it, or set the clock here",
        E::NotValidYet | E::NotValidYetContext { .. } => {
            "its certificate is not valid yet: set the clock, here or there"
        }
        E::Revoked => "its certificate was revoked: have another one made",
        _ => {
            "its certificate will not do: have one made that an authority signs, for the host's name (of version 3, with \
             a subjectAltName, and no authority itself)"
        }
    }
}
