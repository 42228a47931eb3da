//! The one fetcher: files and http(s), bounded in time, size, redirects and addresses.

use crate::base::clock::Timestamp;
use crate::feed::{Request, Target};

/// What makes a request conditional.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    /// `ETag`, verbatim.
    pub etag: Option<String>,
    /// `Last-Modified`, verbatim.
    pub last_modified: Option<String>,
}

/// What a fetch brought.
#[derive(Debug)]
pub enum Fetched {
    /// The publisher has nothing new (304).
    NotModified,
    /// A whole body.
    Body {
        /// Decoded.
        bytes: Vec<u8>,
        /// For the next request, once the data was committed.
        validators: Validators,
        /// HTTP status, where there was one.
        http_status: Option<u16>,
        /// SHA-256 of `bytes`, in hex.
        sha256: String,
    },
}

/// Why nothing was fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Placeholder.
    #[error("placeholder")]
    Placeholder,
}

impl FetchError {
    /// How long the publisher asked us to wait, where it did.
    pub fn retry_after(&self) -> Option<std::time::Duration> {
        todo!()
    }
}

/// The HTTP client and the limits.
#[derive(Clone)]
pub struct Fetcher {}

impl Fetcher {
    /// A fetcher; `contact` goes into the User-Agent where the operator gives one.
    pub fn new(_contact: Option<&str>) -> Result<Self, FetchError> {
        todo!()
    }

    /// Fetches one request, with retries for what passes (with backoff, Retry-After honoured), at most `max_bytes` decoded.
    pub async fn fetch(
        &self,
        _request: &Request,
        _validators: &Validators,
        _max_bytes: u64,
        _now: Timestamp,
    ) -> Result<Fetched, FetchError> {
        todo!()
    }
}

/// A target as it may be shown: user info and query values removed.
pub fn shown(_target: &Target) -> String {
    todo!()
}
