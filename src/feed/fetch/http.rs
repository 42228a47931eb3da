//! One attempt over http(s): the hops of a request, and the answer at their end.

use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderName};
use reqwest::header::{
    HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION, RETRY_AFTER, USER_AGENT,
};
use reqwest::{Client, Response, StatusCode};
use url::Url;

use super::error::FetchError;
use super::guard::{self, Forbidden};
use super::retry::retry_after;
use super::{Fetched, Limits, Validators, shown_url};
use crate::base::clock::Timestamp;
use crate::base::text::{printable, shorten};
use crate::feed::Target;
use crate::feed::format::{is_html, title};

/// Bytes of an answer that is not the data which are read for what it says.
const SAID_BYTES: usize = 4 << 10;
/// Characters of it that are told.
const SAID_CHARS: usize = 200;
/// Headers that hold no secret and are sent to every host.
const PLAIN: [HeaderName; 3] = [ACCEPT, ACCEPT_LANGUAGE, USER_AGENT];

/// What is asked.
pub struct Ask<'a> {
    /// An http target.
    pub target: &'a Target,
    /// The statuses beside 200 whose answers are the publisher's to read.
    pub accepts: &'a [u16],
    /// What the caller has.
    pub validators: &'a Validators,
    /// Decoded bytes, at most.
    pub max_bytes: u64,
    /// The time.
    pub now: Timestamp,
}

impl Ask<'_> {
    /// Whether private addresses may be reached.
    pub const fn allows_private(&self) -> bool {
        matches!(self.target, Target::Http { allow_private: true, .. })
    }

    fn start(&self) -> Result<Hop, FetchError> {
        let Target::Http { url, headers, insecure, allow_private } = self.target else {
            return Err(FetchError::Forbidden { reason: Forbidden::NoHost });
        };
        guard::check(url, *insecure, *allow_private).map_err(|reason| FetchError::Forbidden { reason })?;
        let mut own = HeaderMap::new();
        for (name, secret) in headers {
            let wrong = || FetchError::Header { name: printable(name) };
            let mut value = HeaderValue::from_str(secret.expose()).map_err(|_| wrong())?;
            value.set_sensitive(true);
            own.append(HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?, value);
        }
        Ok(Hop { url: url.clone(), own, insecure: *insecure, allow_private: *allow_private, redirected: false })
    }
}

/// One address on the way, and what is sent there.
struct Hop {
    url: Url,
    /// The feed's own headers, as far as this host may see them.
    own: HeaderMap,
    insecure: bool,
    allow_private: bool,
    redirected: bool,
}

impl Hop {
    /// The hop that a redirect asks for, where it may be followed.
    fn follow(&self, location: &str) -> Result<Self, FetchError> {
        let Ok(mut url) = self.url.join(location) else {
            let to = printable(&shorten(location.split('?').next().unwrap_or_default(), 100));
            return Err(FetchError::Redirected { to, reason: Forbidden::NoHost });
        };
        url.set_fragment(None);
        let downgrade = self.url.scheme() == "https" && url.scheme() == "http";
        let checked =
            if downgrade { Err(Forbidden::Downgrade) } else { guard::check(&url, self.insecure, self.allow_private) };
        checked.map_err(|reason| FetchError::Redirected { to: shown_url(&url), reason })?;
        let mut own = self.own.clone();
        if !same_site(&self.url, &url) {
            let secret = |name: &HeaderName| !PLAIN.contains(name);
            let secrets: Vec<HeaderName> = own.keys().filter(|name| secret(name)).cloned().collect();
            secrets.iter().for_each(|name| {
                own.remove(name);
            });
        }
        Ok(Self { url, own, redirected: true, ..*self })
    }

    /// An error of this hop: where a redirect led to it, it says so.
    fn error(&self, error: FetchError) -> FetchError {
        match error {
            FetchError::Forbidden { reason } if self.redirected => {
                FetchError::Redirected { to: shown_url(&self.url), reason }
            }
            other => other,
        }
    }
}

/// Whether what one address may see, the other may: the same host and port, or its https.
fn same_site(from: &Url, to: &Url) -> bool {
    let upgrade = (from.scheme(), to.scheme()) == ("http", "https") && from.port().is_none() && to.port().is_none();
    let same = from.scheme() == to.scheme() && from.port_or_known_default() == to.port_or_known_default();
    from.host() == to.host() && (same || upgrade)
}

/// Asks, follows redirects, and takes the answer at their end.
pub async fn get(client: &Client, limits: &Limits, ask: &Ask<'_>) -> Result<Fetched, FetchError> {
    let mut hop = ask.start()?;
    for _ in 0..=limits.redirects {
        let sent = client.get(hop.url.clone()).headers(headers(&hop, ask.validators)).send().await;
        let response = sent.map_err(|error| hop.error(FetchError::of_client(error, None, limits)))?;
        let location = response.headers().get(LOCATION).filter(|_| is_redirect(response.status()));
        let Some(location) = location else { return receive(response, limits, ask).await };
        hop = hop.follow(&String::from_utf8_lossy(location.as_bytes()))?;
    }
    Err(FetchError::TooManyRedirects(limits.redirects))
}

const fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn headers(hop: &Hop, validators: &Validators) -> HeaderMap {
    let mut headers = hop.own.clone();
    for (name, validator) in [(IF_NONE_MATCH, &validators.etag), (IF_MODIFIED_SINCE, &validators.last_modified)] {
        if let Some(value) = validator.as_ref().and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(name, value);
        }
    }
    headers
}

/// Only 200 brings data, and what the publisher wants to read itself; 304 only where it was asked for.
async fn receive(response: Response, limits: &Limits, ask: &Ask<'_>) -> Result<Fetched, FetchError> {
    let status = response.status();
    if status == StatusCode::NOT_MODIFIED && *ask.validators != Validators::default() {
        return Ok(Fetched::NotModified);
    }
    if status != StatusCode::OK && !ask.accepts.contains(&status.as_u16()) {
        let wait = response.headers().get(RETRY_AFTER).and_then(|wait| retry_after(wait.to_str().ok()?, ask.now));
        let said = said(response, ask.target).await;
        return Err(FetchError::Status { status: status.as_u16(), said, retry_after: wait });
    }
    // What the client could unpack it has unpacked, and taken the header away.
    let packed = response.headers().get(CONTENT_ENCODING).filter(|encoding| *encoding != "identity");
    if let Some(encoding) = packed {
        let encoding = printable(&shorten(&String::from_utf8_lossy(encoding.as_bytes()), 60));
        return Err(FetchError::Encoding { encoding });
    }
    let text = |name: HeaderName| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let validators = Validators { etag: text(ETAG), last_modified: text(LAST_MODIFIED) };
    let bytes = body(response, limits, ask.max_bytes).await?;
    Ok(Fetched::body(bytes, validators, Some(status.as_u16())))
}

/// A whole body, counted as it is unpacked: a few kilobytes may unpack to gigabytes.
async fn body(mut response: Response, limits: &Limits, max_bytes: u64) -> Result<Vec<u8>, FetchError> {
    let too_large = || FetchError::TooLarge { limit: max_bytes };
    let max = usize::try_from(max_bytes).unwrap_or(usize::MAX);
    if response.content_length().is_some_and(|length| length > max_bytes) {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    loop {
        let chunk = response.chunk().await.map_err(|error| FetchError::of_client(error, Some(bytes.len()), limits))?;
        let Some(chunk) = chunk else { return Ok(bytes) };
        if chunk.len() > max.saturating_sub(bytes.len()) {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
}

/// What an answer that is not the data says: the title of a web page, or the beginning of a text.
async fn said(mut response: Response, target: &Target) -> Option<String> {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("text/plain");
    if !["text/", "json", "xml"].iter().any(|word| kind.contains(word)) {
        return None;
    }
    let mut bytes = Vec::new();
    while bytes.len() < SAID_BYTES
        && let Ok(Some(chunk)) = response.chunk().await
    {
        bytes.extend_from_slice(&chunk[..chunk.len().min(SAID_BYTES - bytes.len())]);
    }
    let start = bytes.trim_ascii_start();
    let text = if is_html(start) { title(start)? } else { String::from_utf8_lossy(start).into_owned() };
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = printable(&shorten(&target.without_secrets(&words.join(" ")), SAID_CHARS));
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::secret::Secret;

    fn hop(url: &str, insecure: bool) -> Hop {
        let headers = [("X-Api-Key", "CANARY"), ("accept", "text/csv")];
        let headers = headers.map(|(name, value)| (name.to_owned(), Secret::new(value))).to_vec();
        let target = Target::Http { url: Url::parse(url).unwrap(), headers, insecure, allow_private: false };
        let ask = Ask {
            target: &target,
            accepts: &[],
            validators: &Validators::default(),
            max_bytes: 0,
            now: Timestamp::from_millis(0),
        };
        ask.start().unwrap()
    }

    /// Where a redirect leads and which headers go along, or why it is not followed.
    fn follow(from: &str, insecure: bool, location: &str) -> String {
        match hop(from, insecure).follow(location) {
            Ok(next) => {
                let names: Vec<&str> = next.own.keys().map(HeaderName::as_str).collect();
                format!("{} with {}", next.url, names.join(", "))
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn redirects_are_judged_hop_by_hop() {
        let told = [
            follow("https://a.example/x/y?q=1", false, "/z?key=2#part"),
            follow("https://a.example/x/y", false, "z"),
            follow("https://a.example/", false, "https://a.example:8443/"),
            follow("https://a.example/", false, "https://b.example/"),
            follow("https://a.example/", false, "//b.example/"),
            follow("http://a.example/", true, "https://a.example/"),
            follow("http://a.example:8080/", true, "https://a.example/"),
            follow("https://a.example/", true, "http://a.example/?key=CANARY"),
            follow("https://a.example/", true, "ftp://a.example/"),
            follow("https://a.example/", true, "file:///etc/passwd"),
            follow("https://a.example/", true, "https://user:pass@a.example/"),
            follow("https://a.example/", true, "https://0177.0.0.1/?key=CANARY"),
            follow("https://a.example/", true, "https://[::ffff:10.0.0.1]/"),
            follow("https://a.example/", true, "https://"),
        ];
        insta::assert_snapshot!(told.join("\n"), @r#"
        https://a.example/z?key=2 with x-api-key, accept
        https://a.example/x/z with x-api-key, accept
        https://a.example:8443/ with accept
        https://b.example/ with accept
        https://b.example/ with accept
        https://a.example/ with x-api-key, accept
        https://a.example/ with accept
        redirected to http://a.example/?key=…: https is never left for http
        redirected to ftp://a.example/: expected https, found `ftp`
        redirected to file:///etc/passwd: expected https, found `file`
        redirected to https://a.example/: an address may not hold a user's name or password: send them in a header
        redirected to https://127.0.0.1/?key=…: `127.0.0.1` is no public address: set `allow_private = true` if it is meant
        redirected to https://[::ffff:a00:1]/: `::ffff:10.0.0.1` is no public address: set `allow_private = true` if it is meant
        redirected to https://: this is no address of a host
        "#);
    }

    #[test]
    fn a_secret_header_never_comes_back() {
        let away = hop("https://a.example/", false).follow("https://b.example/").unwrap();
        let back = away.follow("https://a.example/").unwrap();
        assert_eq!(back.own.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["accept"]);
    }

    #[test]
    fn headers_that_cannot_be_sent_are_named_without_their_value() {
        let start = |name: &str, value: &str| {
            let headers = vec![(name.to_owned(), Secret::new(value))];
            let url = Url::parse("https://a.example/").unwrap();
            let target = Target::Http { url, headers, insecure: false, allow_private: false };
            let ask = Ask {
                target: &target,
                accepts: &[],
                validators: &Validators::default(),
                max_bytes: 0,
                now: Timestamp::from_millis(0),
            };
            ask.start().err().map(|error| error.to_string())
        };
        let wrong = "cannot be sent: a name or value with characters that HTTP does not allow";
        assert_eq!(start("X-Key", "CANARY\r\nHost: x"), Some(format!("the header `X-Key` {wrong}")));
        assert_eq!(start("X Key", "CANARY"), Some(format!("the header `X Key` {wrong}")));
        assert_eq!(start("X-Key", "CANARY"), None);
    }
}
