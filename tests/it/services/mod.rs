//! The services that receivers write to, on loopback: each takes what the real one takes, refuses the rest as
//! the real one does, and goes through the same troubles.
//!
//! One file per service. What its payload looks like is shown beside its channel; here it is only whether the
//! real service would have it, and whether anything is lost or repeated without a mark.

mod alertmanager;
mod dingtalk;
mod discord;
mod feishu;
mod googlechat;
mod gotify;
mod matrix;
mod mattermost;
mod ntfy;
mod opsgenie;
mod pagerduty;
mod pushover;
mod rocketchat;
mod slack;
mod teams;
mod telegram;
mod webhook;
mod wecom;
mod zulip;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::http::{Answer, Request, Server};
use super::inbox::{Gate, PATIENCE};
use super::sandbox::{Process, Sandbox, Signal};
use super::scene::{magnets, once};

/// A service.
pub trait Service: Send + Sync + 'static {
    /// The table of its receiver `[receiver.them]`, whose service is at this address.
    fn table(&self, address: &str) -> String;

    /// Takes a request as the service does, or refuses it with the answer that it gives.
    fn take(&self, request: &Request) -> Result<Answer, Answer>;

    /// How it says that it wants nothing for now.
    fn busy(&self) -> Answer;

    /// How it says that we may not write there.
    fn forbidden(&self) -> Answer;

    /// What people see of a message.
    fn shown(&self, request: &Request) -> String;

    /// By what it knows a copy, where it does: people then never see a message twice.
    fn key(&self, _: &Request) -> Option<String> {
        None
    }

    /// Whether any answer of 200 means that it has the message.
    fn believes_any_answer(&self) -> bool {
        false
    }
}

/// What happens to a request.
enum Trouble {
    /// It is answered so, and not looked at.
    Says(Answer),
    /// It is taken, and the answer is lost or is none.
    TakesAndSays(Answer),
    /// It is taken, and answered when the gate opens.
    TakesBehind(Gate),
}

/// A service on loopback.
struct Double {
    server: Server,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    troubles: VecDeque<Trouble>,
    taken: Vec<Request>,
    refused: Vec<String>,
}

impl Double {
    fn start(service: Arc<dyn Service>) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let held = state.clone();
        let server = Server::start(move |request| {
            let state = &mut *held.lock().unwrap();
            let trouble = state.troubles.pop_front();
            if let Some(Trouble::Says(answer)) = trouble {
                return answer;
            }
            let answer = match service.take(request) {
                Ok(answer) => {
                    state.taken.push(request.clone());
                    answer
                }
                Err(answer) => {
                    let body = String::from_utf8_lossy(&request.body).into_owned();
                    state.refused.push(format!("{answer:?} to {} {}\n{body}", request.method, request.path));
                    answer
                }
            };
            match trouble {
                Some(Trouble::TakesAndSays(answer)) => answer,
                Some(Trouble::TakesBehind(gate)) => answer.behind(&gate),
                _ => answer,
            }
        });
        Self { server, state }
    }

    fn meet(&self, trouble: Trouble) {
        self.state.lock().unwrap().troubles.push_back(trouble);
    }

    /// The requests that it took; it refused none.
    #[track_caller]
    fn taken(&self) -> Vec<Request> {
        let state = self.state.lock().unwrap();
        assert!(state.refused.is_empty(), "refused: {:#?}", state.refused);
        state.taken.clone()
    }
}

/// A service, and a program that writes to it.
fn scene(service: &Arc<dyn Service>) -> (Double, Sandbox) {
    let double = Double::start(service.clone());
    let sandbox = magnets(&[("them", service.table(&double.server.url("")))]);
    (double, sandbox)
}

/// Each message that was taken is there once, or again with a mark or under the key by which it is known.
#[track_caller]
fn nothing_is_repeated_without_a_mark(service: &dyn Service, taken: &[Request], what: &str) {
    let mut keys = BTreeSet::new();
    for (index, request) in taken.iter().enumerate() {
        let shown = service.shown(request);
        let is_first = match service.key(request) {
            Some(key) => keys.insert(key) && index == 0,
            None => index == 0,
        };
        let is_known = service.key(request).is_some() && keys.len() == 1;
        assert!(is_first || is_known || shown.contains("(may be a repeat)"), "{what}: {shown}");
        assert!(shown.contains("420.5 t"), "{what}: {shown}");
    }
}

/// Every trouble, one after the other: the message arrives in the end, and no copy of it without a mark.
pub fn goes_through_the_matrix(service: impl Service) {
    let service: Arc<dyn Service> = Arc::new(service);
    for answer in [Answer::new(500, "oops"), Answer::new(503, ""), Answer::new(408, ""), service.busy()] {
        let (double, sandbox) = scene(&service);
        let what = format!("{answer:?}");
        double.meet(Trouble::Says(answer));
        once(&sandbox, 1).says(&["not delivered to them", "tried again at"]);
        once(&sandbox, 0).says(&["1 message delivered"]);
        assert_eq!(double.taken().len(), 1, "{what}");
    }
    for answer in [Answer::new(302, "").header("Location", "/elsewhere"), Answer::new(410, ""), service.forbidden()] {
        let (double, sandbox) = scene(&service);
        let what = format!("{answer:?}");
        double.meet(Trouble::Says(answer));
        once(&sandbox, 1).says(&["not delivered to them, which is disabled"]);
        let held = &sandbox.json(&["deliveries", "--failed"])[0];
        assert_eq!(held["state"], "pending", "{what}: {held}");
        once(&sandbox, 0).says(&["1 message delivered"]);
        assert_eq!(double.taken().len(), 1, "{what}");
    }
    for answer in [Answer::reset(), Answer::ok("0123456789").cut_after(3), Answer::ok("<html>please log in</html>")] {
        let (double, sandbox) = scene(&service);
        let what = format!("{answer:?}");
        let is_answered = !what.contains("Reset");
        double.meet(Trouble::TakesAndSays(answer));
        if !(is_answered && service.believes_any_answer()) {
            once(&sandbox, 1).says(&["not delivered to them", "tried again at"]);
        }
        once(&sandbox, 0);
        nothing_is_repeated_without_a_mark(service.as_ref(), &double.taken(), &what);
        assert!(!double.taken().is_empty(), "{what}");
    }
    is_killed(&service);
}

/// Killed while the service has the message and the answer is on its way, and at other moments.
fn is_killed(service: &Arc<dyn Service>) {
    let (double, sandbox) = scene(service);
    let gate = Gate::default();
    double.meet(Trouble::TakesBehind(gate.clone()));
    let process = Process::spawn(sandbox.command(&["run", "--once"]));
    double.server.requests().wait("the request", |requests| !requests.is_empty());
    process.signal(Signal::KILL);
    process.end();
    gate.open();
    once(&sandbox, 0).says(&["1 message delivered"]);
    let taken = double.taken();
    assert!(taken.len() >= 2, "{taken:#?}");
    nothing_is_repeated_without_a_mark(service.as_ref(), &taken, "killed while it waited");

    let (calm, undisturbed) = scene(service);
    let begun = Instant::now();
    once(&undisturbed, 0);
    let usual = begun.elapsed();
    assert_eq!(calm.taken().len(), 1);
    for share in [0.3, 0.6, 0.8, 0.95] {
        let (double, sandbox) = scene(service);
        let mut process = Process::spawn(sandbox.command(&["run", "--once"]));
        if !process.ends_within(usual.mul_f64(share)) {
            process.signal(Signal::KILL);
        }
        assert!(process.ends_within(PATIENCE), "it does not end");
        once(&sandbox, 0);
        let taken = double.taken();
        assert!(!taken.is_empty(), "lost when killed after {share} of a run");
        nothing_is_repeated_without_a_mark(service.as_ref(), &taken, &format!("killed after {share} of a run"));
    }
}

/// The lines that every receiver on loopback needs.
pub fn on_loopback(kind: &str, more: &str) -> String {
    format!("[receiver.them]\nkind = \"{kind}\"\n{more}\ninsecure = true\nallow_private = true\n\n")
}

/// The fields of a form; a refusal where it is none.
pub fn form(request: &Request, refusal: Answer) -> Result<BTreeMap<String, String>, Answer> {
    let is_form = request.header("content-type") == Some("application/x-www-form-urlencoded");
    let fields = url::form_urlencoded::parse(&request.body);
    let fields: BTreeMap<_, _> = fields.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    if is_form { Ok(fields) } else { Err(refusal) }
}

/// A field of a form that may hold files.
pub struct Part {
    pub name: String,
    pub file: Option<String>,
    pub kind: Option<String>,
    pub body: Vec<u8>,
}

impl Part {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// Width and height in dots of the PNG that it is, where it is a whole one of at most so many bytes.
    pub fn picture(&self, limit: usize) -> Option<(u32, u32)> {
        let is_named = self.file.as_deref() == Some("chart.png") && self.kind.as_deref() == Some("image/png");
        let mut png = png::Decoder::new(std::io::Cursor::new(&self.body)).read_info().ok()?;
        let mut dots = vec![0; png.output_buffer_size()?];
        png.next_frame(&mut dots).ok()?;
        let size = (png.info().width, png.info().height);
        (is_named && self.body.len() <= limit).then_some(size)
    }
}

/// The parts of a `multipart/form-data` (RFC 7578); `None` where it is none, or not a whole one.
pub fn parts(request: &Request) -> Option<Vec<Part>> {
    let boundary = request.header("content-type")?.strip_prefix("multipart/form-data; boundary=")?;
    let between = format!("\r\n--{boundary}");
    let mut rest = request.body.strip_prefix(format!("--{boundary}\r\n").as_bytes())?;
    let mut parts = Vec::new();
    loop {
        let (part, after) = split(rest, between.as_bytes())?;
        let (head, body) = split(part, b"\r\n\r\n")?;
        let head = std::str::from_utf8(head).ok()?;
        let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let disposition = header("Content-Disposition")?.strip_prefix("form-data; ")?;
        let value = |name: &str| {
            let quoted = disposition.split("; ").find_map(|pair| pair.strip_prefix(name)?.strip_prefix("=\""));
            quoted.and_then(|text| text.strip_suffix('"')).map(ToOwned::to_owned)
        };
        let kind = header("Content-Type").map(ToOwned::to_owned);
        parts.push(Part { name: value("name")?, file: value("filename"), kind, body: body.to_vec() });
        match after {
            b"--\r\n" => return Some(parts),
            after => rest = after.strip_prefix(b"\r\n")?,
        }
    }
}

fn split<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let place = bytes.windows(at.len()).position(|window| window == at)?;
    Some((&bytes[..place], &bytes[place + at.len()..]))
}

/// A text of a payload; a refusal where it is missing or longer than so many characters.
pub fn text(value: &serde_json::Value, limit: usize, refusal: Answer) -> Result<String, Answer> {
    let text = value.as_str().filter(|text| !text.is_empty() && text.chars().count() <= limit);
    text.map(ToOwned::to_owned).ok_or(refusal)
}
