//! Why nothing was fetched. No text here holds an address's query or a header's value.

use std::error::Error;
use std::fmt;
use std::io::ErrorKind;
use std::time::Duration;

use super::Limits;
use super::guard::{Forbidden, PrivateAddress};
use crate::base::proxy::ForwardProxy;
use crate::base::text::{printable, shorten};

/// Why nothing was fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No file of that name.
    #[error("there is no such file")]
    Missing,
    /// Something else than a file has that name.
    #[error("expected a file, found {found}")]
    NotAFile {
        /// What it is.
        found: &'static str,
    },
    /// A file where a directory should be.
    #[error("expected a directory, found a file")]
    NotADirectory,
    /// A directory with more files than are read.
    #[error("more than {0} files: move away what was read")]
    TooManyFiles(usize),
    /// A file that cannot be read.
    #[error("the file cannot be read")]
    Unreadable(#[source] std::io::Error),
    /// An archive that cannot be read.
    #[error("the archive cannot be read")]
    Archive(#[source] zip::result::ZipError),
    /// A file that cannot be cut into pieces, and is too large to be held.
    #[error("more than {limit} bytes of a format that is read as a whole: cut it into several files")]
    TooLargeWhole {
        /// The limit.
        limit: u64,
    },
    /// A record that does not end.
    #[error("a record of more than {limit} bytes: a quote is opened and not closed")]
    RecordTooLong {
        /// The limit.
        limit: usize,
    },
    /// More bytes than the feed may send.
    #[error("more than {limit} bytes; raise `max_bytes` if the feed is so large")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// An address that may not be fetched.
    #[error("{reason}")]
    Forbidden {
        /// Why.
        reason: Forbidden,
    },
    /// A redirect that may not be followed.
    #[error("redirected to {to}: {reason}")]
    Redirected {
        /// Where to, without its query's values.
        to: String,
        /// Why not.
        reason: Forbidden,
    },
    /// More redirects than are followed.
    #[error("more than {0} redirects")]
    TooManyRedirects(usize),
    /// Out of time.
    #[error("{phase} {}", seconds(*after))]
    TimedOut {
        /// With what.
        phase: Phase,
        /// The limit.
        after: Duration,
    },
    /// No connection.
    #[error("no connection: {cause}")]
    Unreachable {
        /// The last cause.
        cause: String,
    },
    /// A connection, and no answer that is HTTP.
    #[error("no answer: {cause}")]
    NoAnswer {
        /// The last cause.
        cause: String,
    },
    /// The answer did not come to its end.
    #[error("the response broke off after {received} bytes: {cause}")]
    BrokeOff {
        /// Decoded bytes so far.
        received: usize,
        /// The last cause.
        cause: String,
    },
    /// An answer that is not the data.
    #[error("the publisher answered {status}{}{}", known(*status), said.as_ref().map(|said| format!(": {said}")).unwrap_or_default())]
    Status {
        /// HTTP status.
        status: u16,
        /// What the body says, shortened, without secrets.
        said: Option<String>,
        /// How long the publisher asks us to wait.
        retry_after: Option<Duration>,
    },
    /// A body that is packed in a way that we cannot unpack.
    #[error("the response is packed as `{encoding}`, which is not understood")]
    Encoding {
        /// Its `Content-Encoding`.
        encoding: String,
    },
    /// A header that the feed names cannot be sent.
    #[error("the header `{name}` cannot be sent: a name or value with characters that HTTP does not allow")]
    Header {
        /// Its name.
        name: String,
    },
    /// The contact cannot be sent.
    #[error("the contact cannot be sent in a User-Agent: it has characters that HTTP does not allow")]
    Contact,
    /// No HTTP client.
    #[error("no HTTP client: {cause}")]
    Client {
        /// The last cause.
        cause: String,
    },
}

/// What took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Connecting.
    Connect,
    /// Waiting for the next bytes.
    Silence,
    /// All of it.
    Total,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "no connection within",
            Self::Silence => "nothing was heard for",
            Self::Total => "not finished within",
        })
    }
}

impl FetchError {
    /// What a failure at a file is.
    pub(super) fn of_file(error: std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self::Missing,
            _ => Self::Unreadable(error),
        }
    }

    /// How long the publisher asked us to wait, where it did.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The same; where there is no connection, it says by which proxy there was none.
    pub(super) fn by_proxy(self, proxy: Option<&ForwardProxy>) -> Self {
        match (self, proxy) {
            (Self::Unreachable { cause }, Some(proxy)) => {
                Self::Unreachable { cause: format!("{cause} (by the proxy {})", proxy.shown()) }
            }
            (other, _) => other,
        }
    }

    /// The HTTP status, where there was one.
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether another attempt may go better.
    pub(super) const fn passes(&self) -> bool {
        match self {
            Self::TimedOut { phase, .. } => !matches!(phase, Phase::Total),
            Self::Unreachable { .. } | Self::NoAnswer { .. } | Self::BrokeOff { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500 | 502..=504 | 506..=599),
            _ => false,
        }
    }

    /// What an error of the HTTP client means; `received` is how much there is of a body, where one began.
    pub(super) fn of_client(error: reqwest::Error, received: Option<usize>, limits: &Limits) -> Self {
        let error = error.without_url();
        if let Some(PrivateAddress { host }) = causes(&error).find_map(|cause| cause.downcast_ref()) {
            return Self::Forbidden { reason: Forbidden::Private { host: host.clone() } };
        }
        // A read that times out within a body counts as a decoding error, too: ask for time first.
        if error.is_timeout() && error.is_connect() {
            return Self::TimedOut { phase: Phase::Connect, after: limits.connect };
        }
        if error.is_timeout() {
            return Self::TimedOut { phase: Phase::Silence, after: limits.silence };
        }
        let cause = deepest(&error);
        match received {
            Some(received) => Self::BrokeOff { received, cause },
            None if error.is_connect() => Self::Unreachable { cause },
            None if error.is_builder() => Self::Client { cause },
            None => Self::NoAnswer { cause },
        }
    }
}

/// An error and everything behind it.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (**error).source())
}

/// The last cause of an error, in its own words.
pub(super) fn deepest(error: &(dyn Error + 'static)) -> String {
    let cause = causes(error).last().map(ToString::to_string).unwrap_or_default();
    printable(&shorten(&cause, 200))
}

/// ` Not Found` for 404.
fn known(status: u16) -> String {
    let reason = reqwest::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    reason.map(|reason| format!(" {reason}")).unwrap_or_default()
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}
