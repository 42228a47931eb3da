//! The one sender of HTTP posts: no redirects, addresses checked, the answer bounded and read for its verdict.
//!
//! For chat tools the address is itself the secret, so no error, log line or preview shows more of it
//! than its host.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Method, Response};
use url::{Host, Url};

use super::Sent;
use super::answer::{Answer, kept, wait};
pub use super::body::{Body, Part};
use crate::base::address::is_public;
use crate::base::clock::Timestamp;
use crate::base::error::Chain;
use crate::base::limits::{ANSWER_BYTES_READ, LEASE, LEASE_BATCH};
use crate::base::proxy::ForwardProxy;
use crate::base::secret::Secret;
use crate::base::text::printable;

/// Resolving the name, connecting and agreeing on TLS, at most.
const CONNECT: Duration = Duration::from_secs(10);
/// A whole attempt, at most.
const TOTAL: Duration = Duration::from_secs(30);
// It asks with a picture, without, and for the short form.
const _: () = assert!(TOTAL.as_secs() * 3 < LEASE.as_secs(), "an attempt ends well within its lease");

/// How the program names itself.
pub const USER_AGENT: &str = concat!("supplywatch/", env!("CARGO_PKG_VERSION"));

/// Where a post goes.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The address; for chat tools it is itself the secret.
    pub url: Secret,
    /// Plain http is allowed.
    pub insecure: bool,
    /// Loopback and private addresses are allowed.
    pub allow_private: bool,
}

/// A request that brings a message.
#[derive(Clone)]
pub struct Call {
    /// `POST`, unless a service wants another.
    pub method: Method,
    /// Where it goes.
    pub endpoint: Endpoint,
    /// Headers beside the content type and the user agent, in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// What is sent.
    pub body: Body,
    /// What that is; of JSON there are kinds.
    pub content_type: &'static str,
    /// What of the headers and the body must not be shown.
    pub secrets: Vec<Secret>,
    /// Other servers that are asked the same; it is enough that one takes it.
    pub others: Vec<Endpoint>,
}

impl Call {
    /// A post of a JSON body.
    pub fn json(endpoint: &Endpoint, body: &impl serde::Serialize) -> Self {
        let body = serde_json::to_string(body).expect("a message is text and numbers");
        Self::post(endpoint, Body::Json(body))
    }

    /// A post of a form.
    pub fn form(endpoint: &Endpoint, fields: Vec<(&'static str, String)>) -> Self {
        Self::post(endpoint, Body::Form(fields))
    }

    /// A post of a form of which some fields are files.
    pub fn parts(endpoint: &Endpoint, parts: Vec<(String, Part)>) -> Self {
        Self::post(endpoint, Body::Parts(parts))
    }

    /// A question.
    pub fn get(endpoint: &Endpoint) -> Self {
        Self { method: Method::GET, ..Self::post(endpoint, Body::Empty) }
    }

    /// A question whose answer's head is enough.
    pub fn head(endpoint: &Endpoint) -> Self {
        Self { method: Method::HEAD, ..Self::post(endpoint, Body::Empty) }
    }

    fn post(endpoint: &Endpoint, body: Body) -> Self {
        Self {
            method: Method::POST,
            endpoint: endpoint.clone(),
            headers: Vec::new(),
            content_type: body.content_type(),
            body,
            secrets: Vec::new(),
            others: Vec::new(),
        }
    }

    /// The same, its body of a narrower type than JSON.
    #[must_use]
    pub fn of_type(self, content_type: &'static str) -> Self {
        Self { content_type, ..self }
    }

    /// The same with a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same with a header whose value must not be shown.
    #[must_use]
    pub fn secret_header(self, name: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        self.header(name, value.clone()).hide(&Secret::new(value))
    }

    /// The same with a bearer's token.
    #[must_use]
    pub fn bearer(self, token: &Secret) -> Self {
        self.secret_header("authorization", format!("Bearer {}", token.expose())).hide(token)
    }

    /// The same with a login (RFC 7617).
    #[must_use]
    pub fn basic(self, name: &str, password: &Secret) -> Self {
        let login = Secret::new(STANDARD.encode(format!("{name}:{}", password.expose())));
        self.secret_header("authorization", format!("Basic {}", login.expose())).hide(&login).hide(password)
    }

    /// The same, to other servers too: it is enough that one takes it.
    #[must_use]
    pub fn also_to(mut self, others: &[Endpoint]) -> Self {
        self.others.extend_from_slice(others);
        self
    }

    /// The call to each of its servers alone.
    pub fn each(&self) -> Vec<Self> {
        let alone = |endpoint: &Endpoint| Self { endpoint: endpoint.clone(), others: Vec::new(), ..self.clone() };
        std::iter::once(&self.endpoint).chain(&self.others).map(alone).collect()
    }

    /// The same; a secret that it carries is not shown.
    #[must_use]
    pub fn hide(mut self, secret: &Secret) -> Self {
        self.secrets.push(secret.clone());
        self
    }

    /// The request as it would go out, its secrets hidden.
    pub fn preview(&self) -> String {
        let mut head = format!("{} {}\n", self.method, self.endpoint.shown());
        for other in &self.others {
            head.push_str(&format!("and to {}\n", other.shown()));
        }
        let fixed = [("content-type", self.content_type.to_owned()), ("user-agent", USER_AGENT.to_owned())];
        for (name, value) in fixed.iter().chain(&self.headers) {
            head.push_str(&format!("{name}: {}\n", self.without_secrets(&printable(value))));
        }
        format!("{head}\n{}", self.without_secrets(&self.body.lines()))
    }

    /// Foreign words without what we must not repeat.
    fn hidden(&self, text: &str) -> String {
        self.without_secrets(&self.endpoint.without_secrets(text))
    }

    fn without_secrets(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| secret.remove_from(&text))
    }
}

/// Why an address is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum AddressError {
    #[error("the receiver's URL cannot be read: expected https://host/path")]
    Unreadable,
    #[error("the receiver's URL holds a user name or password: leave it out, and let the path carry the secret")]
    UserInfo,
    #[error("the receiver's URL is plain http: use https, or set `insecure = true`")]
    Plain,
    #[error("the receiver's URL is neither http nor https")]
    Scheme,
    #[error("the receiver's host is a loopback or private address: set `allow_private = true` if that is meant")]
    Private,
}

/// A name that resolves to private addresses alone.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "the receiver's host resolves to loopback or private addresses only: set `allow_private = true` if that is meant"
)]
struct ResolvesPrivate;

impl Endpoint {
    /// The address, if it may be posted to.
    fn check(&self) -> Result<Url, AddressError> {
        let url = Url::parse(self.url.expose().trim()).map_err(|_| AddressError::Unreadable)?;
        match url.scheme() {
            "https" => {}
            "http" if self.insecure => {}
            "http" => return Err(AddressError::Plain),
            _ => return Err(AddressError::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::UserInfo);
        }
        if !self.allow_private && is_private(&url) {
            return Err(AddressError::Private);
        }
        Ok(url)
    }

    /// The same server at another path, which may hold a secret; `path` begins with a slash.
    pub fn at(&self, path: &str) -> Self {
        let base = self.url.expose().trim().trim_end_matches('/');
        Self { url: Secret::new(format!("{base}{path}")), ..self.clone() }
    }

    /// The same server without a path: nothing secret is left of the address. One that may not be asked stays as it is.
    pub fn front(&self) -> Self {
        match self.check() {
            Ok(url) => Self { url: Secret::new(format!("{}/", url.origin().ascii_serialization())), ..self.clone() },
            Err(_) => self.clone(),
        }
    }

    /// The same address with these parameters in place of any of their names. What else it holds stays as it is,
    /// byte for byte: a signature may be over it.
    pub fn with_query(&self, parameters: &[(&str, &str)]) -> Self {
        let url = self.url.expose().trim();
        let url = url.split_once('#').map_or(url, |(url, _)| url);
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let name = |pair: &str| pair.split('=').next().unwrap_or_default().to_owned();
        let is_ours = |pair: &&str| parameters.iter().any(|(ours, _)| *ours == name(pair));
        let kept = query.split('&').filter(|pair| !pair.is_empty() && !is_ours(pair)).map(ToOwned::to_owned);
        let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let added = parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
        let query = kept.chain(added).collect::<Vec<_>>().join("&");
        Self { url: Secret::new(format!("{path}?{query}")), ..self.clone() }
    }

    /// What of the address may be shown: `https://hooks.example/…`.
    pub fn shown(&self) -> String {
        match Url::parse(self.url.expose().trim()) {
            Ok(url) => {
                format!("{}://{}/…", url.scheme(), printable(url.authority().rsplit('@').next().unwrap_or_default()))
            }
            Err(_) => "<unreadable URL>".to_owned(),
        }
    }

    /// `text` without the address and the parts of it that may be a token.
    fn without_secrets(&self, text: &str) -> String {
        let mut text = self.url.remove_from(text);
        let Ok(url) = Url::parse(self.url.expose().trim()) else { return text };
        text = Secret::new(url.as_str()).remove_from(&text);
        let segments = url.path_segments().into_iter().flatten();
        let values: Vec<String> = url.query_pairs().map(|(_, value)| value.into_owned()).collect();
        // A short part, such as `services` or `v1`, is no token, and hiding it would hide the text.
        for part in segments.chain(values.iter().map(String::as_str)).filter(|part| part.len() >= 9) {
            text = Secret::new(part).remove_from(&text);
        }
        text
    }
}

/// Whether the address names a loopback or private host outright; names are looked at when they resolve.
fn is_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => !is_public(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => !is_public(IpAddr::V6(ip)),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
        None => true,
    }
}

/// Resolves names as the system does, and leaves out what is not a public address.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let addresses = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = addresses.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(ResolvesPrivate.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Two clients: one that goes anywhere, one that goes to public addresses alone, by the proxy if there is one.
#[derive(Clone)]
pub struct Clients {
    anywhere: Client,
    public: Client,
    proxy: Option<ForwardProxy>,
}

impl Clients {
    /// The clients; public addresses are reached through `proxy`.
    pub fn new(proxy: Option<&ForwardProxy>) -> Result<Self, reqwest::Error> {
        // Whoever comes second finds the provider installed: it is the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let anywhere = builder().build()?;
        let public = match proxy {
            // It looks names up itself; its own may well be private.
            Some(proxy) => builder().proxy(reqwest::Proxy::all(proxy.expose())?),
            None => builder().dns_resolver(Arc::new(PublicOnly)),
        };
        Ok(Self { anywhere, public: public.build()?, proxy: proxy.cloned() })
    }

    /// Those that may go where an address leads.
    const fn of(&self, endpoint: &Endpoint) -> &Client {
        if endpoint.allow_private { &self.anywhere } else { &self.public }
    }

    /// Asks for an address (GET), and wants to know no more than that it answers; `Err` says what is wrong.
    pub async fn ping(&self, endpoint: &Endpoint) -> Result<(), String> {
        let url = endpoint.check().map_err(|error| error.to_string())?;
        match self.of(endpoint).get(url).send().await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("HTTP {}", answer.status())),
            Err(error) => Err(kept(&endpoint.without_secrets(&Chain(&error.without_url()).to_string()))),
        }
    }

    /// Makes a request, and reads the answer; `Err` where there was none.
    pub async fn call(&self, call: &Call, now: Timestamp) -> Result<Answer, Sent> {
        let url = call.endpoint.check().map_err(|error| Sent::disable(error.to_string()))?;
        let mut request = self.of(&call.endpoint).request(call.method.clone(), url);
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        match call.body.fill(request, call.content_type).send().await {
            Ok(response) => Ok(read(call, response, now).await),
            Err(error) => Err(failure(call, error, self.proxy.as_ref().filter(|_| !call.endpoint.allow_private))),
        }
    }
}

fn builder() -> reqwest::ClientBuilder {
    Client::builder()
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        // Each attempt is recorded; a client that repeats by itself would hide some.
        .retry(reqwest::retry::never())
        .no_proxy()
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .tls_version_min(reqwest::tls::Version::TLS_1_2)
        .http1_max_headers(100)
        .http2_max_header_list_size(64 << 10)
        .connect_timeout(CONNECT)
        .timeout(TOTAL)
        .pool_idle_timeout(Duration::from_secs(50))
        .pool_max_idle_per_host(LEASE_BATCH)
}

/// The answer, as much of it as is wanted.
async fn read(call: &Call, mut response: Response, now: Timestamp) -> Answer {
    let status = response.status().as_u16();
    let asked = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
    let asked = asked.and_then(|text| wait(text, now));
    let headers = std::mem::take(response.headers_mut());
    let mut bytes = Vec::new();
    let whole = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => break true,
            Err(_) => break false,
        }
        if bytes.len() >= ANSWER_BYTES_READ {
            bytes.truncate(ANSWER_BYTES_READ);
            break true;
        }
    };
    let body = whole.then(|| call.hidden(&String::from_utf8_lossy(&bytes)));
    Answer { status, wait: asked, body, headers }
}

/// What it means that there was no answer: before the connection stood, nothing was sent; after that,
/// the receiver may have the message.
fn failure(call: &Call, error: reqwest::Error, proxy: Option<&ForwardProxy>) -> Sent {
    let error = error.without_url();
    let why = kept(&call.hidden(&Chain(&error).to_string()));
    if error.is_connect() {
        let by = proxy.map(|proxy| format!(" (by the proxy {})", proxy.shown())).unwrap_or_default();
        Sent::retry(format!("no connection: {why}{by}"))
    } else if error.is_builder() {
        Sent::reject(format!("the request cannot be made: {why}"))
    } else if error.is_timeout() {
        Sent::lost(format!("no answer within {} s: {why}", TOTAL.as_secs()))
    } else {
        Sent::lost(format!("the answer was lost: {why}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::double::{HttpDouble, Reply, at};
    use crate::outbox::Outcome;

    fn endpoint(url: &str) -> Endpoint {
        Endpoint { url: Secret::new(url), insecure: true, allow_private: true }
    }

    async fn post(endpoint: &Endpoint) -> Result<Answer, Sent> {
        let call = Call::json(endpoint, &serde_json::json!({})).header("x-test", "1");
        Clients::new(None).unwrap().call(&call, at("2025-10-20T01:00:00Z")).await
    }

    #[test]
    fn a_parameter_is_added_and_the_rest_stays() {
        let with = |url: &str| endpoint(url).with_query(&[("wait", "true")]).url.expose().to_owned();
        assert_eq!(with("https://h.example/x"), "https://h.example/x?wait=true");
        assert_eq!(with("https://h.example/x?sp=%2Fa%2fb&x"), "https://h.example/x?sp=%2Fa%2fb&x&wait=true");
        assert_eq!(with("https://h.example/x?wait=false&y=1#top"), "https://h.example/x?y=1&wait=true");
    }

    #[test]
    fn addresses_that_are_not_meant_are_refused() {
        use AddressError::{Plain, Private, Scheme, Unreadable, UserInfo};
        let strict = |url: &str| Endpoint { url: Secret::new(url), insecure: false, allow_private: false }.check();
        let table = [
            ("https://hooks.example/in", None),
            ("http://hooks.example/in", Some(Plain)),
            ("ftp://hooks.example/in", Some(Scheme)),
            ("hooks.example/in", Some(Unreadable)),
            ("https://", Some(Unreadable)),
            ("https://user@hooks.example/in", Some(UserInfo)),
            ("https://:pass@hooks.example/in", Some(UserInfo)),
            ("https://127.0.0.1/in", Some(Private)),
            ("https://2130706433/in", Some(Private)),
            ("https://0x7f.1/in", Some(Private)),
            ("https://[::1]/in", Some(Private)),
            ("https://[::ffff:127.0.0.1]/in", Some(Private)),
            ("https://10.1.2.3/in", Some(Private)),
            ("https://169.254.169.254/in", Some(Private)),
            ("https://localhost/in", Some(Private)),
            ("https://LOCALHOST./in", Some(Private)),
        ];
        for (url, expected) in table {
            assert_eq!(strict(url).err(), expected, "{url}");
        }
        assert!(endpoint("http://127.0.0.1:9/in").check().is_ok());
    }

    #[tokio::test]
    async fn a_name_that_resolves_to_a_private_address_is_refused() {
        let mut addresses = PublicOnly.resolve("localhost".parse().unwrap()).await;
        let error = addresses.as_mut().err().unwrap();
        assert!(error.is::<ResolvesPrivate>(), "{error}");
    }

    #[tokio::test]
    async fn a_refused_address_is_never_connected_to() {
        let server = HttpDouble::start(Reply::status(200)).await;
        let strict = Endpoint { allow_private: false, ..endpoint(&server.url("/in")) };
        let sent = post(&strict).await.unwrap_err();
        assert!(matches!(sent.outcome, Outcome::Disable { .. }), "{sent:?}");
        assert_eq!(server.requests().len(), 0);
    }

    #[tokio::test]
    async fn a_post_says_who_we_are_and_goes_where_it_is_told() {
        let server = HttpDouble::start(Reply::status(200).body("fine").header("retry-after", "2.5")).await;
        let answer = post(&endpoint(&server.url("/in?a=b"))).await.unwrap();
        assert_eq!((answer.status, answer.wait), (200, Some(Duration::from_millis(2500))));
        assert_eq!((answer.body.as_deref(), answer.header("retry-after")), (Some("fine"), Some("2.5")));
        let [request] = &server.requests()[..] else { panic!("one request") };
        assert_eq!(request.line, "POST /in?a=b HTTP/1.1");
        assert_eq!(request.header("user-agent"), Some(USER_AGENT));
        assert_eq!(request.header("content-type"), Some("application/json"));
        assert_eq!((request.header("x-test"), request.body.as_str()), (Some("1"), "{}"));
    }

    /// What is public goes by the proxy, what may be private does not.
    #[tokio::test]
    async fn public_receivers_are_reached_through_the_proxy() {
        let proxy = HttpDouble::start(Reply::status(204)).await;
        let clients = Clients::new(ForwardProxy::parse(&proxy.url("/")).as_ref()).unwrap();
        let post = async |url: &str, allow_private: bool| {
            let endpoint = Endpoint { allow_private, ..endpoint(url) };
            clients.call(&Call::json(&endpoint, &serde_json::json!({})), at("2025-10-20T01:00:00Z")).await
        };
        assert_eq!(post("http://hooks.example/T0", false).await.map(|answer| answer.status).ok(), Some(204));
        let own = HttpDouble::start(Reply::status(200)).await;
        assert_eq!(post(&own.url("/T0"), true).await.map(|answer| answer.status).ok(), Some(200));
        let refused = post("http://127.0.0.1/T0", false).await;
        assert!(refused.is_err_and(|sent| sent.outcome.why() == Some(&AddressError::Private.to_string())));
        assert_eq!((proxy.requests().len(), own.requests().len()), (1, 1));

        let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let clients = Clients::new(ForwardProxy::parse(&format!("http://watch:hunter22@{gone}")).as_ref()).unwrap();
        let call = Call::json(&Endpoint { allow_private: false, ..endpoint("http://hooks.example/T0") }, &1);
        let why = clients.call(&call, at("2025-10-20T01:00:00Z")).await.err().unwrap();
        let why = why.outcome.why().unwrap_or_default().to_owned();
        assert!(why.ends_with(&format!("(by the proxy {gone})")) && !why.contains("hunter22"), "{why}");
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let other = HttpDouble::start(Reply::status(200)).await;
        for status in [301, 302, 303, 307, 308] {
            let server = HttpDouble::start(Reply::status(status).header("location", &other.url("/"))).await;
            let sent = post(&endpoint(&server.url("/in"))).await.unwrap().verdict();
            assert!(matches!(sent.outcome, Outcome::Disable { .. }), "{sent:?}");
        }
        assert_eq!(other.requests().len(), 0);
    }

    #[tokio::test]
    async fn no_answer_means_what_was_sent_by_then() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let maybe = |sent: Sent| match sent.outcome {
            Outcome::Retry { maybe_delivered, .. } => maybe_delivered,
            other => panic!("{other:?}"),
        };
        // Refused: nothing was sent.
        assert!(!maybe(post(&endpoint(&format!("http://127.0.0.1:{port}/in"))).await.unwrap_err()));
        // Read, and then silence or nonsense: the receiver may have it.
        for reply in [Reply::hang_up(), Reply::raw("SSH-2.0-OpenSSH_9.9\r\n\r\n"), Reply::raw("HTTP/1.1 ")] {
            let server = HttpDouble::start(reply).await;
            assert!(maybe(post(&endpoint(&server.url("/in"))).await.unwrap_err()));
            assert_eq!(server.requests().len(), 1, "one attempt is one request");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_receiver_that_never_answers_is_given_up() {
        let server = HttpDouble::start(Reply::silence()).await;
        let begun = tokio::time::Instant::now();
        let sent = post(&endpoint(&server.url("/in"))).await.unwrap_err();
        assert!(matches!(sent.outcome, Outcome::Retry { maybe_delivered: true, .. }), "{sent:?}");
        assert_eq!(begun.elapsed().as_secs(), TOTAL.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_never_ends_is_given_up() {
        let server =
            HttpDouble::start(Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\no").then_silence()).await;
        let answer = post(&endpoint(&server.url("/in"))).await.unwrap();
        assert_eq!((answer.status, answer.body), (200, None));
    }

    #[tokio::test]
    async fn a_huge_answer_is_read_in_part() {
        let server = HttpDouble::start(Reply::status(500).body(&"x".repeat(5 << 20))).await;
        let answer = post(&endpoint(&server.url("/in"))).await.unwrap();
        assert_eq!(answer.body.unwrap().len(), ANSWER_BYTES_READ);
    }

    #[tokio::test]
    async fn the_address_is_in_no_error_and_no_answer() {
        let token = "T0KEN-abcdef";
        let check = |text: String| {
            assert!(!text.contains(token) && !text.contains("k3y-0123456"), "{text}");
            text
        };
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let refused = endpoint(&format!("http://127.0.0.1:{port}/services/{token}?key=k3y-0123456"));
        check(format!("{:?}", post(&refused).await.unwrap_err()));
        assert_eq!(check(refused.shown()), format!("http://127.0.0.1:{port}/…"));
        check(format!("{refused:?}"));
        let echo = HttpDouble::start(Reply::status(404).body(&format!("no hook {token}, key k3y-0123456"))).await;
        let sent = post(&endpoint(&echo.url(&format!("/services/{token}?key=k3y-0123456")))).await.unwrap().verdict();
        let told = check(sent.outcome.why().unwrap().to_owned());
        assert_eq!(told, "HTTP 404 Not Found: no hook <secret>, key <secret>");
    }
}
