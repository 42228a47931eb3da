//! The fetcher against fake publishers on loopback.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::base::error::Chain;
use crate::base::secret::Secret;

/// What a fake publisher does with one connection.
enum Answer {
    /// Writes this and closes.
    Say(Vec<u8>),
    /// Writes this and stays silent until the client goes.
    Stall(&'static str),
    /// Writes this, then a byte each time that the client may wait for one, until the client goes.
    Drip(&'static str),
}

/// A fake publisher.
struct Publisher {
    address: SocketAddr,
    /// The heads of the requests, in lower case.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Publisher {
    /// Answers each connection with the next of the answers, then refuses connections.
    #[expect(clippy::disallowed_methods, reason = "a fake publisher lives beside the test")]
    async fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        tokio::spawn(async move {
            for answer in answers {
                let (stream, _) = listener.accept().await.unwrap();
                respond(stream, answer, &heard).await;
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

async fn respond(mut stream: TcpStream, answer: Answer, asked: &Mutex<Vec<String>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    asked.lock().unwrap().push(String::from_utf8(head).unwrap().to_lowercase());
    let (bytes, then) = match answer {
        Answer::Say(bytes) => (bytes, None),
        Answer::Stall(text) => (text.into(), Some(Duration::MAX)),
        Answer::Drip(text) => (text.into(), Some(Duration::from_millis(20))),
    };
    // A client that has seen enough closes in the middle.
    let _ = stream.write_all(&bytes).await;
    let Some(pause) = then else { return };
    loop {
        let mut byte = [0];
        match tokio::time::timeout(pause, stream.read(&mut byte)).await {
            Ok(_) => return,
            Err(_) if stream.write_all(b"x").await.is_err() => return,
            Err(_) => {}
        }
    }
}

/// A response with these header lines and a body of its length.
fn say(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Answer {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n", body.len());
    Answer::Say([head.as_bytes(), body].concat())
}

fn redirect(to: &str) -> Answer {
    say("302 Found", &format!("location: {to}\r\n"), "")
}

const PATIENT: Limits = Limits { wait: Duration::from_millis(1), ..Limits::DEFAULT };

/// A fetch under way: what is asked, by whom.
struct Fetch {
    url: String,
    headers: Vec<(String, Secret)>,
    validators: Validators,
    max_bytes: u64,
    allow_private: bool,
    limits: Limits,
    names: Vec<(&'static str, SocketAddr)>,
    proxy: Option<String>,
}

impl Fetch {
    fn of(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            headers: Vec::new(),
            validators: Validators::default(),
            max_bytes: 1000,
            allow_private: true,
            limits: PATIENT,
            names: Vec::new(),
            proxy: None,
        }
    }

    async fn run(self) -> Result<Fetched, FetchError> {
        let proxy = self.proxy.as_deref().and_then(ForwardProxy::parse);
        let mut inner = Inner::new(self.limits, Some("ops@example.com"), proxy.as_ref()).unwrap();
        inner.names = self.names;
        let url = url::Url::parse(&self.url).unwrap();
        let target = Target::Http { url, headers: self.headers, insecure: true, allow_private: self.allow_private };
        let now = Timestamp::parse("2025-10-20T09:00:00Z").unwrap();
        Fetcher(Arc::new(inner))
            .fetch(&Request::new(target), &Pace::default(), &self.validators, self.max_bytes, now)
            .await
    }

    /// The body, or the error.
    async fn told(self) -> String {
        match self.run().await {
            Ok(Fetched::NotModified) => "not modified".to_owned(),
            Ok(Fetched::Body { bytes, .. }) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => Chain(&error).to_string(),
        }
    }
}

#[tokio::test]
async fn a_body_comes_with_its_validators_and_hash() {
    let headers = "etag: W/\"7\"\r\nlast-modified: Mon, 20 Oct 2025 09:00:00 GMT\r\n";
    let publisher = Publisher::start(vec![say("200 OK", headers, "a,b\n1")]).await;
    let fetched = Fetch::of(publisher.url("/data.csv?q=1")).run().await.unwrap();
    let Fetched::Body { bytes, validators, http_status, sha256 } = fetched else { panic!("not modified") };
    assert_eq!((bytes.as_slice(), http_status), (&b"a,b\n1"[..], Some(200)));
    assert_eq!(validators.etag.as_deref(), Some("W/\"7\""));
    assert_eq!(validators.last_modified.as_deref(), Some("Mon, 20 Oct 2025 09:00:00 GMT"));
    assert!(sha256.starts_with("08d13e84") && sha256.len() == 64);
    let asked = publisher.asked().concat();
    assert!(asked.starts_with("get /data.csv?q=1 http/1.1\r\n"), "{asked}");
    let agent = format!("user-agent: supplywatch/{} (ops@example.com)\r\n", env!("CARGO_PKG_VERSION"));
    assert!(asked.contains(&agent), "{asked}");
    assert!(!asked.contains("if-none-match") && !asked.contains("referer"), "{asked}");
}

#[tokio::test]
async fn a_feed_may_name_itself_otherwise() {
    let publisher = Publisher::start(vec![say("200 OK", "", "a")]).await;
    let mut fetch = Fetch::of(publisher.url("/"));
    fetch.headers = vec![("User-Agent".to_owned(), Secret::new("a desk in Berlin"))];
    assert_eq!(fetch.told().await, "a");
    let asked = publisher.asked().concat();
    assert!(asked.contains("user-agent: a desk in berlin\r\n") && asked.matches("user-agent").count() == 1, "{asked}");
}

#[tokio::test]
async fn validators_are_sent_and_304_is_nothing_new() {
    let publisher = Publisher::start(vec![say("304 Not Modified", "", ""), say("304 Not Modified", "", "")]).await;
    let mut fetch = Fetch::of(publisher.url("/"));
    fetch.validators = Validators { etag: Some("W/\"Ab7\"".into()), last_modified: Some("Mon, 20 Oct".into()) };
    assert_eq!(fetch.told().await, "not modified");
    let asked = publisher.asked().concat();
    assert!(asked.contains("if-none-match: w/\"ab7\"\r\n") && asked.contains("if-modified-since: mon, 20 oct\r\n"));
    assert_eq!(Fetch::of(publisher.url("/")).told().await, "the publisher answered 304 Not Modified", "not asked for");
}

#[tokio::test]
async fn what_passes_is_tried_again() {
    let publisher = Publisher::start(vec![
        say("429 Too Many Requests", "retry-after: 0.01\r\n", ""),
        say("503 Service Unavailable", "", ""),
        say("200 OK", "", "a"),
    ])
    .await;
    assert_eq!(Fetch::of(publisher.url("/")).told().await, "a");
    let publisher = Publisher::start(vec![
        Answer::Say(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\na,b".to_vec()),
        Answer::Say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\na,b\r\n".to_vec()),
        Answer::Say(Vec::new()),
        say("200 OK", "", "never asked for"),
    ])
    .await;
    let told = Fetch::of(publisher.url("/")).told().await;
    assert!(told.starts_with("no answer: "), "{told}");
    assert_eq!(publisher.asked().len(), 3, "three attempts and no more");
}

#[tokio::test]
async fn a_short_body_is_an_error() {
    let short = || Answer::Say(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\na,b".to_vec());
    let publisher = Publisher::start(vec![short(), short(), short()]).await;
    let told = Fetch::of(publisher.url("/")).told().await;
    assert!(told.starts_with("the response broke off after 3 bytes: "), "{told}");
}

#[tokio::test]
async fn a_long_retry_after_is_left_to_the_caller() {
    let publisher =
        Publisher::start(vec![say("429 Too Many Requests", "retry-after: Mon, 20 Oct 2025 09:10:00 GMT\r\n", "")])
            .await;
    let error = Fetch::of(publisher.url("/")).run().await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(600)));
    assert_eq!(error.to_string(), "the publisher answered 429 Too Many Requests");
}

#[tokio::test]
async fn an_answer_that_is_not_the_data_is_told() {
    let publisher = Publisher::start(vec![
        say("404 Not Found", "content-type: application/json\r\n", "{\"message\":\n \"no such table\u{1b}\"}"),
        say("403 Forbidden", "content-type: text/html\r\n", "<html><title>Request blocked</title>"),
        say("401 Unauthorized", "content-type: application/octet-stream\r\n", [0xFF; 9]),
        say("204 No Content", "", ""),
        say("202 Accepted", "", "come back later"),
        say("206 Partial Content", "", "a"),
        say("302 Found", "", ""),
        say("599 Odd", "retry-after: 60\r\n", "x".repeat(5000)),
    ])
    .await;
    let mut told = Vec::new();
    for _ in 0..8 {
        told.push(Fetch::of(publisher.url("/")).told().await);
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
        the publisher answered 404 Not Found: {"message": "no such table\u{1b}"}
        the publisher answered 403 Forbidden: Request blocked
        the publisher answered 401 Unauthorized
        the publisher answered 204 No Content
        the publisher answered 202 Accepted: come back later
        the publisher answered 206 Partial Content: a
        the publisher answered 302 Found
        the publisher answered 599: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
        "#);
}

#[tokio::test]
async fn time_is_bounded() {
    let stall = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\na,b";
    let publisher = Publisher::start(vec![Answer::Stall(""), Answer::Stall(stall)]).await;
    for _ in 0..2 {
        let mut fetch = Fetch::of(publisher.url("/"));
        fetch.limits = Limits { silence: Duration::from_millis(100), tries: 1, ..PATIENT };
        assert_eq!(fetch.told().await, "nothing was heard for 0.1 s");
    }
    let publisher = Publisher::start(vec![Answer::Drip("HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n")]).await;
    let mut fetch = Fetch::of(publisher.url("/"));
    fetch.limits = Limits { total: Duration::from_millis(300), ..PATIENT };
    assert_eq!(fetch.told().await, "not finished within 0.3 s", "each byte in time, all of them not");
    // The wait outlasts the fetch: the error is that of the attempt.
    let publisher = Publisher::start(vec![say("503 Service Unavailable", "retry-after: 9\r\n", "")]).await;
    let mut fetch = Fetch::of(publisher.url("/"));
    fetch.limits = Limits { total: Duration::from_secs(2), ..PATIENT };
    assert_eq!(fetch.told().await, "the publisher answered 503 Service Unavailable");
}

#[tokio::test]
async fn size_is_bounded_before_and_after_unpacking() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&[0; 1_000_000]).unwrap();
    let bomb = gzip.finish().unwrap();
    let publisher = Publisher::start(vec![
        say("200 OK", "", [b'a'; 1000]),
        say("200 OK", "", [b'a'; 1001]),
        Answer::Say(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000000\r\n\r\n".to_vec()),
        Answer::Say([&b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"[..], &[b'a'; 5000]].concat()),
        say("200 OK", "content-encoding: gzip\r\n", bomb),
    ])
    .await;
    assert_eq!(Fetch::of(publisher.url("/")).told().await.len(), 1000);
    for _ in 0..4 {
        let told = Fetch::of(publisher.url("/")).told().await;
        assert_eq!(told, "more than 1000 bytes; raise `max_bytes` if the feed is so large");
    }
    assert_eq!(publisher.asked().len(), 5, "none was tried again");
}

#[tokio::test]
async fn packed_bodies_are_unpacked() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(b"a,b\n").unwrap();
    let gzip = gzip.finish().unwrap();
    // One raw block each: RFC 8878, RFC 7932.
    let zstd = b"\x28\xB5\x2F\xFD\x20\x04\x21\x00\x00a,b\n";
    let brotli = b"\x8b\x01\x80a,b\n\x03";
    let publisher = Publisher::start(vec![
        say("200 OK", "content-encoding: gzip\r\n", &gzip),
        say("200 OK", "content-encoding: zstd\r\n", zstd),
        say("200 OK", "content-encoding: br\r\n", brotli),
        say("200 OK", "content-encoding: gzip, gzip\r\n", &gzip),
    ])
    .await;
    for _ in 0..3 {
        assert_eq!(Fetch::of(publisher.url("/")).told().await, "a,b\n");
    }
    let told = Fetch::of(publisher.url("/")).told().await;
    assert_eq!(told, "the response is packed as `gzip, gzip`, which is not understood");
}

#[tokio::test]
async fn redirects_are_followed_and_counted() {
    let publisher = Publisher::start(vec![
        redirect("/two?x=1"),
        say("308 Permanent Redirect", "location: three\r\n", ""),
        say("200 OK", "", "a"),
    ])
    .await;
    let mut fetch = Fetch::of(publisher.url("/one"));
    fetch.headers = vec![("X-Api-Key".to_owned(), Secret::new("CANARY"))];
    assert_eq!(fetch.told().await, "a");
    let asked = publisher.asked();
    let paths: Vec<&str> = asked.iter().filter_map(|head| head.split(' ').nth(1)).collect();
    assert_eq!(paths, ["/one", "/two?x=1", "/three"]);
    assert!(asked.iter().all(|head| head.contains("x-api-key: canary\r\n")), "the same host keeps the key");
    let publisher = Publisher::start((0..9).map(|_| redirect("/")).collect()).await;
    assert_eq!(Fetch::of(publisher.url("/")).told().await, "more than 5 redirects");
    assert_eq!(publisher.asked().len(), 6);
}

#[tokio::test]
async fn another_host_sees_no_secret() {
    let other = Publisher::start(vec![say("200 OK", "", "a")]).await;
    let to = format!("http://other.test:{}/", other.address.port());
    let publisher = Publisher::start(vec![redirect(&to)]).await;
    let mut fetch = Fetch::of(format!("http://publisher.test:{}/?api_key=CANARY", publisher.address.port()));
    fetch.headers = ["Ocp-Apim-Subscription-Key", "X-Api-Key", "Authorization", "Cookie"]
        .map(|name| (name.to_owned(), Secret::new("CANARY")))
        .to_vec();
    fetch.allow_private = false;
    fetch.names = vec![("publisher.test", publisher.address), ("other.test", other.address)];
    assert_eq!(fetch.told().await, "a");
    assert_eq!(publisher.asked().concat().matches("canary").count(), 5);
    let seen = other.asked().concat();
    assert!(!seen.contains("canary") && !seen.contains("referer"), "{seen}");
}

#[tokio::test]
async fn private_addresses_are_refused_at_every_hop() {
    let private = Publisher::start(vec![say("200 OK", "", "secret")]).await;
    let port = private.address.port();
    let guarded = |url: String| Fetch { allow_private: false, ..Fetch::of(url) };
    let leave = "set `allow_private = true` if it is meant";
    let told = guarded(private.url("/")).told().await;
    assert_eq!(told, format!("`127.0.0.1` is no public address: {leave}"));
    let told = guarded(format!("http://localhost:{port}/")).told().await;
    assert_eq!(told, format!("`localhost` is no public address: {leave}"));
    for host in ["127.0.0.1", "localhost"] {
        let to = format!("http://{host}:{port}/inner?key=CANARY");
        let publisher = Publisher::start(vec![redirect(&to)]).await;
        let mut fetch = guarded(format!("http://publisher.test:{}/", publisher.address.port()));
        fetch.names = vec![("publisher.test", publisher.address)];
        let expected =
            format!("redirected to http://{host}:{port}/inner?key=…: `{host}` is no public address: {leave}");
        assert_eq!(fetch.told().await, expected);
    }
    assert!(private.asked().is_empty(), "nothing reached it");
}

#[tokio::test]
async fn no_error_tells_a_secret() {
    let echo = "the value CANARY-KEY of api_key and CANARY-HEADER are unknown";
    let publisher = Publisher::start(vec![
        say("401 Unauthorized", "content-type: text/plain\r\n", echo),
        redirect("ftp://x.example/?api_key=CANARY-KEY"),
        redirect("http://[::bad/?api_key=CANARY-KEY"),
        Answer::Say(b"garbage\r\n\r\n".to_vec()),
        Answer::Stall("HTTP/1.1 200 OK\r\n"),
    ])
    .await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let steps = [PATIENT.silence; 4].map(|silence| (publisher.address, silence));
    let quick = Duration::from_millis(100);
    let mut told = Vec::new();
    for (address, silence) in steps.into_iter().chain([(publisher.address, quick), (closed, PATIENT.silence)]) {
        let mut fetch = Fetch::of(format!("http://{address}/?api_key=CANARY-KEY"));
        fetch.headers = vec![("X-Api-Key".to_owned(), Secret::new("CANARY-HEADER"))];
        fetch.limits = Limits { tries: 1, silence, ..PATIENT };
        let error = fetch.run().await.unwrap_err();
        assert!(!format!("{error:?}").contains("CANARY"), "{error:?}");
        told.push(Chain(&error).to_string());
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
        the publisher answered 401 Unauthorized: the value <secret> of api_key and <secret> are unknown
        redirected to ftp://x.example/?api_key=…: expected https, found `ftp`
        redirected to http://[::bad/: this is no address of a host
        no answer: invalid HTTP version parsed
        nothing was heard for 0.1 s
        no connection: Connection refused (os error 111)
        "#);
}

#[tokio::test]
async fn the_shipped_fetcher_refuses_what_it_must() {
    let fetcher = Fetcher::new(None, None).unwrap();
    let now = Timestamp::from_millis(0);
    let fetch = async |url: &str| {
        let url = url::Url::parse(url).unwrap();
        let target = Target::Http { url, headers: Vec::new(), insecure: false, allow_private: true };
        fetcher
            .fetch(&Request::new(target), &Pace::default(), &Validators::default(), 9, now)
            .await
            .unwrap_err()
            .to_string()
    };
    assert_eq!(fetch("http://127.0.0.1/").await, "plain http is refused: use https, or set `insecure = true`");
    assert_eq!(fetch("ftp://127.0.0.1/").await, "expected https, found `ftp`");
    let wrong = Fetcher::new(Some("a\r\nb"), None).err().map(|error| error.to_string());
    let expected = "the contact cannot be sent in a User-Agent: it has characters that HTTP does not allow";
    assert_eq!(wrong.as_deref(), Some(expected));
}

/// A proxy is asked for what is public, with its login; what may be private is asked itself.
#[tokio::test]
async fn public_addresses_are_reached_through_the_proxy() {
    let proxy = Publisher::start(vec![say("200 OK", "", "figures"), say("403 Forbidden", "", "")]).await;
    let through = |url: String, allow_private: bool| {
        let proxy = Some(format!("http://watch:hunter22@{}", proxy.address));
        let limits = Limits { tries: 1, ..PATIENT };
        Fetch { proxy, allow_private, limits, ..Fetch::of(url) }.told()
    };
    assert_eq!(through("http://stat.example/a?b=c".into(), false).await, "figures");
    let refused = through("https://stat.example/".into(), false).await;
    assert_eq!(refused, format!("no connection: tunnel error: unsuccessful (by the proxy {})", proxy.address));
    let private = through("http://127.0.0.1/".into(), false).await;
    assert_eq!(private, "`127.0.0.1` is no public address: set `allow_private = true` if it is meant");
    let own = Publisher::start(vec![say("200 OK", "", "our own")]).await;
    assert_eq!(through(format!("http://{}/", own.address), true).await, "our own");
    let asked = proxy.asked();
    assert!(asked[0].starts_with("get http://stat.example/a?b=c http/1.1"), "{asked:?}");
    assert!(asked[1].starts_with("connect stat.example:443 http/1.1"), "{asked:?}");
    let login = "proxy-authorization: basic d2f0y2g6ahvudgvymji=";
    assert!(asked.len() == 2 && asked.iter().all(|asked| asked.contains(login)), "{asked:?}");
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named_without_its_login() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let proxy = Some(format!("http://watch:hunter22@{closed}"));
    let limits = Limits { tries: 1, ..PATIENT };
    let told = Fetch { proxy, allow_private: false, limits, ..Fetch::of("http://stat.example/") }.told().await;
    assert_eq!(told, format!("no connection: Connection refused (os error 111) (by the proxy {closed})"));
}

#[test]
fn a_target_is_shown_without_secrets() {
    let check = |url: &str, expected: &str| {
        let url = url::Url::parse(url).unwrap();
        let target = Target::Http { url, headers: Vec::new(), insecure: false, allow_private: false };
        assert_eq!(shown(&target), expected);
    };
    check("https://user:pass@example.com:8443/a%20b?key=CANARY&x=1#f", "https://example.com:8443/a%20b?key=…&x=…");
    check("https://example.com/?CANARY", "https://example.com/?…");
    check("https://example.com/?a=b=CANARY&", "https://example.com/?a=…&…");
    check("https://example.com", "https://example.com/");
    assert_eq!(shown(&Target::File("samples/a\n.csv".into())), "samples/a\\u{a}.csv");
}
