//! What the tests of the channels share: messages as the rules compose them, and servers on loopback.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::service::{self, Service};
use super::{Parcel, Sent, http};
use crate::alert::Kind;
use crate::base::clock::Timestamp;
use crate::outbox::{
    AlertRef, Delivery, Evidence, GateLine, ItemLine, MeasureLine, Message, PointLine, RevisionLine, Said, TableRow,
};
use crate::rule::Severity;
use crate::series::Provenance;

pub fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn row(period: &str, value: &str, change: Option<&str>, known: Option<&str>) -> TableRow {
    TableRow {
        period: period.to_owned(),
        value: value.to_owned(),
        change: change.map(ToOwned::to_owned),
        status: None,
        known_since: known.map(at),
        known_on: known.map(|known| known[..10].to_owned()),
        note: known.is_none().then(|| "not published".to_owned()),
    }
}

/// Exports that fell for a second month.
pub fn fired() -> Message {
    let labels = [("feed", "china-magnets"), ("hs", "85051110"), ("partner", "US"), ("reporter", "CN")];
    let point = |period: &str, value, recorded: &str| PointLine {
        period: period.to_owned(),
        value,
        status: "final".to_owned(),
        recorded_at: at(recorded),
        source: Some(0),
    };
    Message {
        alert: AlertRef {
            id: "9f3c21d07be45a68".to_owned(),
            rule: "magnet-exports-falling".to_owned(),
            labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            episode: 1,
        },
        kind: Kind::Fired,
        number: 1,
        severity: Severity::Critical,
        period: Some("2025-09".to_owned()),
        at: at("2025-10-20T01:05:00Z"),
        title: "China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %"
            .to_owned(),
        summary: "July 2025 619 t, August 2025 590 t, September 2025 420.5 t. Known since 20 October 2025.".to_owned(),
        gates: vec![GateLine {
            severity: None,
            text: "declines >= 2".to_owned(),
            verdict: "holds".to_owned(),
            value: "declines = 2".to_owned(),
        }],
        table: vec![
            row("2025-04", "—", None, None),
            row("2025-05", "46.4 t", None, Some("2025-06-20T01:00:00Z")),
            row("2025-06", "353 t", Some("+660.8 %"), Some("2025-07-20T01:00:00Z")),
            row("2025-07", "619 t", Some("+75.4 %"), Some("2025-08-20T01:00:00Z")),
            row("2025-08", "590 t", Some("−4.7 %"), Some("2025-09-20T01:00:00Z")),
            row("2025-09", "420.5 t", Some("−28.7 %"), Some("2025-10-20T01:00:00Z")),
        ],
        said: None,
        revisions: Vec::new(),
        clears: Some("ends when `declines >= 2` no longer holds".to_owned()),
        sources: vec![Provenance {
            feed: "china-magnets".to_owned(),
            url: "samples/china-magnet-exports.csv".to_owned(),
            retrieved_at: at("2025-10-20T01:04:58Z"),
            sha256: "ab".repeat(32),
        }],
        rule_text: "declines >= 2".to_owned(),
        rule_hash: "cd".repeat(32),
        program: "supplywatch 0.1.0".to_owned(),
        evidence: Evidence {
            unit: Some("t".to_owned()),
            measures: vec![MeasureLine {
                text: "declines".to_owned(),
                value: Some(2.0),
                words: "2".to_owned(),
                parts: Vec::new(),
            }],
            points: vec![
                point("2025-07", 619.0, "2025-08-20T01:00:00Z"),
                point("2025-08", 590.0, "2025-09-20T01:00:00Z"),
                point("2025-09", 420.5, "2025-10-20T01:00:00Z"),
            ],
        },
        ..Message::test("desk", at("2025-10-20T01:05:00Z"))
    }
}

/// The same with its figures as a picture.
pub fn drawn() -> Message {
    let chart = crate::chart::testing::chart("2025-05 46.4, 2025-06 353, 2025-07 619, 2025-08 590, 2025-09 420.5");
    let line = crate::chart::Line { name: "fires below".to_owned(), values: crate::chart::Values::Same(590.0) };
    let firing = crate::chart::Firing { since: crate::chart::testing::period("2025-09"), until: None };
    Message { chart: Some(chart.with_line(line).with_firing([firing])), ..fired() }
}

fn said() -> Said {
    Said { at: at("2025-10-20T01:05:00Z"), on: "20 October 2025".to_owned(), title: fired().title }
}

/// September turned out to be 600 t.
pub fn corrected() -> Message {
    let mut message = Message {
        kind: Kind::Corrected,
        number: 2,
        at: at("2025-11-20T01:05:00Z"),
        title: "China → US rare-earth magnet exports: `declines >= 2` no longer holds after a revision: \
                September 2025 is now 600 t, was 420.5 t"
            .to_owned(),
        summary: "August 2025 590 t, September 2025 600 t. Known since 20 November 2025.".to_owned(),
        said: Some(said()),
        revisions: vec![RevisionLine {
            period: "2025-09".to_owned(),
            old: "420.5 t".to_owned(),
            new: "600 t".to_owned(),
            known_since: at("2025-11-20T01:00:00Z"),
            known_on: "2025-11-20".to_owned(),
        }],
        clears: None,
        ..fired()
    };
    message.gates[0].verdict = "fails".to_owned();
    message.gates[0].value = "declines = 0".to_owned();
    message.table[5] = TableRow {
        note: Some("was 420.5 t until 20 November 2025".to_owned()),
        status: Some("preliminary".to_owned()),
        ..row("2025-09", "600 t", Some("+1.7 %"), Some("2025-11-20T01:00:00Z"))
    };
    message
}

/// October brought 656 t.
pub fn resolved() -> Message {
    let mut message = Message {
        kind: Kind::Resolved,
        number: 2,
        period: Some("2025-10".to_owned()),
        at: at("2025-11-20T01:05:00Z"),
        title: "China → US rare-earth magnet exports: `declines >= 2` no longer holds: 656 t in October 2025, +56 %"
            .to_owned(),
        summary: "September 2025 420.5 t, October 2025 656 t. Known since 20 November 2025.".to_owned(),
        said: Some(said()),
        clears: None,
        ..fired()
    };
    message.gates[0].verdict = "fails".to_owned();
    message.gates[0].value = "declines = 0".to_owned();
    message.table.remove(0);
    message.table.push(row("2025-10", "656 t", Some("+56 %"), Some("2025-11-20T01:00:00Z")));
    message
}

/// Three alerts in one message; two of them have a page.
pub fn gathered() -> Message {
    let of = |message: Message, partner: &str, title: &str| {
        let mut other = Message { severity: Severity::Warning, title: title.to_owned(), ..message };
        other.alert.id = format!("00000000000000{partner}");
        other.alert.labels.insert("partner".to_owned(), partner.to_owned());
        other
    };
    let germany = of(fired(), "DE", "China → Germany: <b>magnets</b> fell for a 2nd month: 12 t in September 2025");
    let page = Some("https://watch.example/alerts/1".to_owned());
    let japan = of(resolved(), "JP", "China → Japan: magnets no longer fall: 40 t in October 2025, +56 %");
    fired().with_others([&Message { url: page, ..germany }, &japan])
}

/// Two notices, of which one corrects another and one ends.
pub fn noticed() -> Message {
    let item = |id: &str, title: &str| ItemLine {
        id: id.to_owned(),
        published: "2026-09-24".to_owned(),
        published_on: "24 September 2026".to_owned(),
        title: title.to_owned(),
        url: Some(format!(
            "https://notices.example/documents/2026/09/24/{id}/a-title-that-is-long-enough-to-be-wider-than-a-line"
        )),
        summary: String::new(),
        about: "Rule, Industry and Security Bureau".to_owned(),
        corrects: None,
        effective: None,
        effective_on: None,
        ends: None,
        ends_on: None,
    };
    Message {
        severity: Severity::Warning,
        period: Some("2026-09-24".to_owned()),
        title: "export rules: Licences for gallium, and 1 more".to_owned(),
        summary: "2 items, published on 24 September 2026; 1 corrects another.".to_owned(),
        table: Vec::new(),
        gates: vec![GateLine {
            severity: None,
            text: "new(\"gallium\")".to_owned(),
            verdict: "holds".to_owned(),
            value: "new('gallium') = holds".to_owned(),
        }],
        clears: None,
        items: vec![
            ItemLine {
                ends: Some("2026-11-10".to_owned()),
                ends_on: Some("10 November 2026".to_owned()),
                summary: "The licence requirement is suspended.".to_owned(),
                ..item("2026-2", "Licences for gallium")
            },
            ItemLine {
                corrects: Some("Gallium <b>list</b> (2026-1), published on 1 September 2026".to_owned()),
                ..item("C1-2026-1", "Gallium <b>list</b>")
            },
        ],
        items_left_out: 3,
        thread: Some("pull-17".to_owned()),
        ..fired()
    }
}

pub fn delivery(message: Message) -> Delivery {
    Delivery {
        id: "msg_00112233445566778899aabbccddeeff".to_owned(),
        receiver: "desk".to_owned(),
        alert: message.alert.id.clone(),
        created_at: message.at,
        message,
    }
}

pub fn parcel(delivery: &Delivery) -> Parcel<'_> {
    Parcel { delivery, attempt: 1, maybe_delivered: false, opening: None, now: at("2025-10-20T01:06:00Z") }
}

/// The elements of a JSON array, a line each.
pub fn lines(array: &serde_json::Value) -> String {
    array.as_array().unwrap().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// How one attempt ends.
pub async fn deliver(service: &dyn Service, parcel: Parcel<'_>) -> Sent {
    service::send(service, &http::Clients::new(None).unwrap(), parcel).await
}

/// A server on loopback as the config allows it.
pub fn server(url: &str) -> http::Endpoint {
    http::Endpoint { url: crate::base::secret::Secret::new(url), insecure: true, allow_private: true }
}

/// What a double answers, once it has read a whole request.
#[derive(Clone)]
pub struct Reply {
    status: Option<u16>,
    headers: String,
    body: String,
    raw: Option<String>,
    silence: bool,
}

impl Reply {
    const NOTHING: Self = Self { status: None, headers: String::new(), body: String::new(), raw: None, silence: false };

    pub fn status(status: u16) -> Self {
        Self { status: Some(status), ..Self::NOTHING }
    }

    /// The connection closed without a word.
    pub fn hang_up() -> Self {
        Self::NOTHING
    }

    /// Nothing, and the connection stays open.
    pub fn silence() -> Self {
        Self::NOTHING.then_silence()
    }

    pub fn raw(text: &str) -> Self {
        Self { raw: Some(text.to_owned()), ..Self::NOTHING }
    }

    pub fn then_silence(self) -> Self {
        Self { silence: true, ..self }
    }

    pub fn body(self, body: &str) -> Self {
        Self { body: body.to_owned(), ..self }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    fn text(&self) -> String {
        let Some(status) = self.status else { return self.raw.clone().unwrap_or_default() };
        let (headers, body) = (&self.headers, &self.body);
        format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
    }
}

/// A request as a double got it.
#[derive(Clone, Debug)]
pub struct Request {
    pub line: String,
    headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// An HTTP server on loopback: it keeps what it gets and answers as it is told; the last reply stays.
pub struct HttpDouble {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
    _tasks: JoinSet<()>,
}

impl HttpDouble {
    pub async fn start(reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = requests.clone();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(answer(stream, reply.clone(), kept.clone()));
            }
        });
        Self { port, requests, _tasks: tasks }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

async fn answer(stream: tokio::net::TcpStream, reply: Reply, requests: Arc<Mutex<Vec<Request>>>) {
    let mut stream = BufReader::new(stream);
    let Some(request) = read_request(&mut stream).await else { return };
    requests.lock().unwrap().push(request);
    // A client that has read enough may hang up first.
    let _ = stream.write_all(reply.text().as_bytes()).await;
    if reply.silence {
        std::future::pending::<()>().await;
    }
}

async fn read_request(stream: &mut BufReader<tokio::net::TcpStream>) -> Option<Request> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            text => lines.push(text.to_owned()),
        }
    }
    let headers: Vec<(String, String)> = lines[1..]
        .iter()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let request = Request { line: lines[0].clone(), headers, body: String::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Request { body: String::from_utf8_lossy(&body).into_owned(), ..request })
}
