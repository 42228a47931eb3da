//! The services that receivers write to, on loopback: each takes what the real one takes, refuses the rest as
//! the real one does, and goes through the same troubles.
//!
//! One file per service. What its payload looks like is shown beside its channel; here it is only whether the
//! real service would have it, and whether anything is lost or repeated without a mark.

mod alertmanager;
mod dingtalk;
mod discord;
mod email;
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
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::http::{Answer, Request, Server};
use super::inbox::{Gate, Inbox};
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
struct Trouble {
    /// Whether the service looks at it; else it does not get the message.
    taken: bool,
    /// What is answered in place of the service's own words.
    says: Option<Answer>,
    /// It is answered when the first opens; the second opens when that was heard.
    gates: Option<(Gate, Gate)>,
}

impl Trouble {
    /// It is answered so, and not looked at.
    const fn says(answer: Answer) -> Self {
        Self { taken: false, says: Some(answer), gates: None }
    }

    /// It is taken, and the answer is lost or is none.
    const fn takes_and_says(answer: Answer) -> Self {
        Self { taken: true, says: Some(answer), gates: None }
    }

    /// It is taken, and the service says so.
    const fn takes() -> Self {
        Self { taken: true, says: None, gates: None }
    }

    /// The same, when a gate opens; another opens when that was heard.
    fn behind(self, gate: &Gate, heard: &Gate) -> Self {
        Self { gates: Some((gate.clone(), heard.clone())), ..self }
    }
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

impl State {
    /// Lets the service take a request or refuse it.
    fn looks_at(&mut self, service: &dyn Service, request: &Request) -> Answer {
        match service.take(request) {
            Ok(answer) => {
                self.taken.push(request.clone());
                answer
            }
            Err(answer) => {
                let body = String::from_utf8_lossy(&request.body).into_owned();
                self.refused.push(format!("{answer:?} to {} {}\n{body}", request.method, request.path));
                answer
            }
        }
    }
}

impl Double {
    fn start(service: Arc<dyn Service>) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let held = state.clone();
        let server = Server::start(move |request| {
            let state = &mut *held.lock().unwrap();
            let Trouble { taken, says, gates } = state.troubles.pop_front().unwrap_or(Trouble::takes());
            let own = taken.then(|| state.looks_at(&*service, request));
            let answer = says.or(own).expect("a service that does not look says something");
            match &gates {
                Some((gate, heard)) => answer.behind(gate).heard(heard),
                None => answer,
            }
        });
        Self { server, state }
    }

    fn meet(&self, trouble: Trouble) {
        self.state.lock().unwrap().troubles.push_back(trouble);
    }

    /// Waits until so many requests came.
    fn hears(&self, count: usize) {
        self.server.requests().wait("the request", |requests| requests.len() >= count);
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
///
/// One that runs into its deadline is not among them: it takes half a minute, and is one whose answer is lost.
pub fn goes_through_the_matrix(service: impl Service) {
    let service: Arc<dyn Service> = Arc::new(service);
    is_refused(&service);
    is_not_heard(&service);
    is_killed_before_anything_is_sent(&service);
    is_killed_before_the_end_is_recorded(&service);
}

/// Answers by which it says that it has not got the message, and what they mean to whoever looks.
fn refusals(service: &dyn Service) -> [(Answer, &'static str); 7] {
    const LATER: &str = "tried again at";
    const DISABLED: &str = "which is disabled";
    [
        (Answer::new(500, "oops"), LATER),
        (Answer::new(503, ""), LATER),
        (Answer::new(408, ""), LATER),
        (service.busy(), LATER),
        (Answer::new(302, "").header("Location", "/elsewhere"), DISABLED),
        (Answer::new(410, ""), DISABLED),
        (service.forbidden(), DISABLED),
    ]
}

/// Answers of which nobody can tell whether it has the message.
fn nonsense() -> [Answer; 3] {
    [Answer::reset(), Answer::ok("0123456789").cut_after(3), Answer::ok("<html>please log in</html>")]
}

/// Nobody listens, then it has not got the message: it is brought once, and without a mark.
fn is_refused(service: &Arc<dyn Service>) {
    const NOBODY: &str = "http://127.0.0.1:9";
    let double = Double::start(service.clone());
    let sandbox = magnets(&[("them", service.table(NOBODY))]);
    once(&sandbox, 1).says(&["not delivered to them", "tried again at"]);
    moves(&sandbox, NOBODY, &double.server.url(""));
    for (answer, meaning) in refusals(service.as_ref()) {
        let what = format!("{answer:?}");
        double.meet(Trouble::says(answer));
        once(&sandbox, 1).says(&["not delivered to them", meaning]);
        assert!(double.taken().is_empty(), "{what}");
    }
    let held = &sandbox.json(&["deliveries", "--failed"])[0];
    assert_eq!(held["state"], "pending", "{held}");
    once(&sandbox, 0).says(&["1 message delivered"]);
    let taken = double.taken();
    assert_eq!(taken.len(), 1, "{taken:#?}");
    assert!(!service.shown(&taken[0]).contains("(may be a repeat)"), "{taken:#?}");
}

/// It has the message, and its answer is lost.
fn is_not_heard(service: &Arc<dyn Service>) {
    for answer in nonsense() {
        let (double, sandbox) = scene(service);
        let what = format!("{answer:?}");
        let is_answered = !what.contains("Reset");
        double.meet(Trouble::takes_and_says(answer));
        if !(is_answered && service.believes_any_answer()) {
            once(&sandbox, 1).says(&["not delivered to them", "tried again at"]);
        }
        once(&sandbox, 0);
        nothing_is_repeated_without_a_mark(service.as_ref(), &double.taken(), &what);
        assert!(!double.taken().is_empty(), "{what}");
    }
}

/// From now on the service is somewhere else.
fn moves(sandbox: &Sandbox, from: &str, to: &str) {
    let config = sandbox.read("config/supplywatch.toml");
    assert!(config.contains(from), "{config}");
    sandbox.write("config/supplywatch.toml", config.replace(from, to));
}

/// Somebody who takes calls and says nothing: the address, and whoever called.
fn silent() -> (String, Inbox<Arc<TcpStream>>) {
    let (listener, callers) = (TcpListener::bind("127.0.0.1:0").unwrap(), Inbox::new());
    let (address, inbox) = (listener.local_addr().unwrap().to_string(), callers.clone());
    std::thread::spawn(move || listener.accept().map(|(stream, _)| inbox.push(Arc::new(stream))));
    (address, callers)
}

/// Killed when the attempt has begun and whom it calls says nothing; what it has sent by then.
fn killed_before_a_word(sandbox: &Sandbox, callers: &Inbox<Arc<TcpStream>>) -> Vec<u8> {
    let process = Process::spawn(sandbox.command(&["run", "--once"]));
    let caller = callers.wait("a caller", |callers| !callers.is_empty()).remove(0);
    process.signal(Signal::KILL);
    process.end();
    let begun = &sandbox.json(&["deliveries"])[0];
    assert_eq!((&begun["state"], &begun["attempts"]), (&"pending".into(), &1.into()), "{begun}");
    let mut sent = Vec::new();
    (&*caller).read_to_end(&mut sent).unwrap();
    sent
}

/// Killed before anything of the message is sent: until the two agree on TLS, there is nothing to be said.
fn is_killed_before_anything_is_sent(service: &Arc<dyn Service>) {
    let (address, callers) = silent();
    let silent = format!("https://{address}");
    let double = Double::start(service.clone());
    let sandbox = magnets(&[("them", service.table(&silent))]);
    let sent = killed_before_a_word(&sandbox, &callers);
    assert!(sent.first().is_none_or(|byte| *byte == TLS_HANDSHAKE), "{sent:?}");
    moves(&sandbox, &silent, &double.server.url(""));
    once(&sandbox, 0).says(&["1 message delivered"]);
    assert_eq!(double.taken().len(), 1);
}

/// The type of a TLS record before anything is agreed on (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 22;

/// Killed when the service has the whole message and has not answered; then when it has answered, whatever it was, and
/// the program cannot have recorded it: somebody else writes to its store.
fn is_killed_before_the_end_is_recorded(service: &Arc<dyn Service>) {
    let (double, sandbox) = scene(service);
    let (gate, heard) = (Gate::default(), Gate::default());
    double.meet(Trouble::takes().behind(&gate, &heard));
    killed_after(&sandbox, || double.hears(1), |_| ());
    gate.open();
    assert_eq!(double.taken().len(), 1);
    let refusals = refusals(service.as_ref()).map(|(answer, _)| Trouble::says(answer));
    let troubles = refusals.into_iter().chain(nonsense().map(Trouble::takes_and_says)).chain([Trouble::takes()]);
    for (before, trouble) in (1..).zip(troubles) {
        let (gate, heard) = (Gate::default(), Gate::default());
        double.meet(trouble.behind(&gate, &heard));
        killed_with_the_answer(&sandbox, || double.hears(before + 1), &gate, &heard);
    }
    let attempts = &sandbox.json(&["deliveries"])[0]["attempts"];
    assert_eq!(*attempts, 12, "none was recorded: {attempts}");
    once(&sandbox, 0).says(&["1 message delivered"]);
    let taken = double.taken();
    assert_eq!(taken.len(), 6, "{taken:#?}");
    nothing_is_repeated_without_a_mark(service.as_ref(), &taken, "killed before the end was recorded");
}

/// A run that is killed once it has come so far and something has been done with its store.
fn killed_after(sandbox: &Sandbox, reached: impl FnOnce(), then: impl FnOnce(&rusqlite::Connection)) {
    let process = Process::spawn(sandbox.command(&["run", "--once"]));
    reached();
    let store = rusqlite::Connection::open(sandbox.path("supplywatch.db")).unwrap();
    then(&store);
    process.signal(Signal::KILL);
    // What was begun with the store ends after it.
    process.end();
}

/// The same when the answer has been heard, and cannot have been recorded.
fn killed_with_the_answer(sandbox: &Sandbox, reached: impl FnOnce(), gate: &Gate, heard: &Gate) {
    killed_after(sandbox, reached, |store| {
        store.execute_batch("BEGIN IMMEDIATE").unwrap();
        gate.open();
        heard.pass();
    });
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
