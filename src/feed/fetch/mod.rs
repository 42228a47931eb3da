//! The one fetcher: files and http(s), bounded in time, size, redirects and addresses.
//!
//! It knows no format and keeps nothing: the validators that it hands back are kept by the caller once
//! the data are. No proxy is taken from the environment: public addresses are reached through the config's, if it has one, and
//! private ones never are. No redirect is followed unseen.

mod error;
mod file;
mod guard;
mod http;
pub mod pieces;
mod retry;
mod turn;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sha2::{Digest, Sha256};

pub use error::FetchError;
use error::Phase;

use crate::base::clock::Timestamp;
use crate::base::limits;
use crate::base::proxy::ForwardProxy;
use crate::base::text::{hex, printable, shorten};
use crate::feed::{Pace, Request, Target};

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

impl Fetched {
    fn body(bytes: Vec<u8>, validators: Validators, http_status: Option<u16>) -> Self {
        let sha256 = hex(&Sha256::digest(&bytes));
        Self::Body { bytes, validators, http_status, sha256 }
    }
}

/// How patient the fetcher is.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Connecting, at most.
    connect: Duration,
    /// Silence, at most.
    silence: Duration,
    /// A whole fetch with its retries, at most.
    total: Duration,
    /// Attempts.
    tries: u32,
    /// The bound of the first wait between two attempts; it doubles.
    wait: Duration,
    /// A longer wait than this is left to the caller.
    wait_max: Duration,
    /// Redirects that are followed.
    redirects: usize,
}

impl Limits {
    const DEFAULT: Self = Self {
        connect: limits::CONNECT_TIMEOUT,
        silence: limits::READ_TIMEOUT,
        total: limits::TOTAL_TIMEOUT,
        tries: limits::FETCH_TRIES,
        wait: limits::FETCH_WAIT,
        wait_max: limits::FETCH_WAIT_MAX,
        redirects: limits::REDIRECTS_MAX,
    };
}

/// The HTTP client and the limits.
#[derive(Clone)]
pub struct Fetcher(Arc<Inner>);

struct Inner {
    limits: Limits,
    user_agent: reqwest::header::HeaderValue,
    proxy: Option<ForwardProxy>,
    /// Made when first needed: to make one reads the system's certificates, which a daemon of files
    /// alone may lack.
    guarded: OnceLock<reqwest::Client>,
    /// The client for feeds that may reach private addresses.
    open: OnceLock<reqwest::Client>,
    /// When each publisher may be asked again.
    turns: turn::Turns,
    /// Names that tests give to their servers, past the guard.
    #[cfg(test)]
    names: Vec<(&'static str, std::net::SocketAddr)>,
}

impl Fetcher {
    /// A fetcher; `contact` goes into the User-Agent where the operator gives one, and public addresses are reached
    /// through `proxy`.
    pub fn new(contact: Option<&str>, proxy: Option<&ForwardProxy>) -> Result<Self, FetchError> {
        Inner::new(Limits::DEFAULT, contact, proxy).map(|inner| Self(Arc::new(inner)))
    }

    /// Fetches one request when it is its turn, with retries for what passes (with backoff, Retry-After
    /// honoured), at most `max_bytes` decoded.
    pub async fn fetch(
        &self,
        request: &Request,
        pace: &Pace,
        validators: &Validators,
        max_bytes: u64,
        now: Timestamp,
    ) -> Result<Fetched, FetchError> {
        let total = self.0.limits.total;
        if matches!(request.target, Target::Http { .. }) {
            self.0.turns.wait(pace).await;
        }
        // What the last attempt ended with says more than "out of time".
        let mut last = None;
        let fetched = async {
            match &request.target {
                Target::File(path) => file::read(path, max_bytes).await,
                Target::Folder(path) => file::list(path).await,
                target @ Target::Http { .. } => {
                    let ask = http::Ask { target, accepts: request.accepts, validators, max_bytes, now };
                    self.0.attempts(&ask, &mut last).await
                }
            }
        };
        let fetched = tokio::time::timeout(total, fetched).await;
        fetched.unwrap_or_else(|_| Err(last.unwrap_or(FetchError::TimedOut { phase: Phase::Total, after: total })))
    }
}

impl Inner {
    fn new(limits: Limits, contact: Option<&str>, proxy: Option<&ForwardProxy>) -> Result<Self, FetchError> {
        // Another part of the program may have installed it before: one is as good as the other.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let contact = contact.map(|contact| format!(" ({contact})")).unwrap_or_default();
        let user_agent = format!("supplywatch/{}{contact}", env!("CARGO_PKG_VERSION"));
        let user_agent = user_agent.parse().map_err(|_| FetchError::Contact)?;
        Ok(Self {
            limits,
            user_agent,
            proxy: proxy.cloned(),
            guarded: OnceLock::new(),
            open: OnceLock::new(),
            turns: turn::Turns::default(),
            #[cfg(test)]
            names: Vec::new(),
        })
    }

    /// Attempts until one succeeds, fails for good, or the next wait would be too long.
    async fn attempts(&self, ask: &http::Ask<'_>, last: &mut Option<FetchError>) -> Result<Fetched, FetchError> {
        let client = self.client(ask.allows_private())?;
        let mut attempt = 1;
        loop {
            let error = match http::get(client, &self.limits, ask).await {
                Ok(fetched) => return Ok(fetched),
                Err(error) => error.by_proxy(self.proxy.as_ref().filter(|_| !ask.allows_private())),
            };
            let Some(wait) = retry::wait(&self.limits, attempt, &error, rand::random()) else { return Err(error) };
            *last = Some(error);
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    fn client(&self, allow_private: bool) -> Result<&reqwest::Client, FetchError> {
        let kept = if allow_private { &self.open } else { &self.guarded };
        if let Some(client) = kept.get() {
            return Ok(client);
        }
        let client = self.build(allow_private).map_err(|error| FetchError::Client { cause: error::deepest(&error) })?;
        Ok(kept.get_or_init(|| client))
    }

    fn build(&self, allow_private: bool) -> reqwest::Result<reqwest::Client> {
        let mut builder = reqwest::Client::builder()
            .user_agent(self.user_agent.clone())
            .connect_timeout(self.limits.connect)
            .read_timeout(self.limits.silence)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .no_proxy()
            .tls_version_min(reqwest::tls::Version::TLS_1_2)
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_max_idle_per_host(2);
        match &self.proxy {
            _ if allow_private => {}
            // It looks names up itself; its own may well be private.
            Some(proxy) => builder = builder.proxy(reqwest::Proxy::all(proxy.expose())?),
            None => builder = builder.dns_resolver(guard::PublicOnly),
        }
        #[cfg(test)]
        for (name, address) in &self.names {
            builder = builder.resolve(name, *address);
        }
        builder.build()
    }
}

/// A target as it may be shown: user info and query values removed.
pub fn shown(target: &Target) -> String {
    match target {
        Target::File(path) | Target::Folder(path) => printable(&path.display().to_string()),
        Target::Http { url, .. } => shown_url(url),
    }
}

/// Scheme, host, port, path and the names of the query.
fn shown_url(url: &url::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let name = |pair: &str| pair.split_once('=').map_or_else(|| "…".to_owned(), |(name, _)| format!("{name}=…"));
    let names = |query: &str| format!("?{}", query.split('&').map(name).collect::<Vec<_>>().join("&"));
    let query = url.query().map(names).unwrap_or_default();
    printable(&shorten(&format!("{}://{host}{port}{}{query}", url.scheme(), url.path()), 300))
}

#[cfg(test)]
mod tests;
