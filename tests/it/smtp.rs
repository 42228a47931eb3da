//! A mail relay on loopback: plain SMTP with an optional login, verdicts by script (else accepted),
//! every mail kept.
//!
//! No TLS: how a connection is protected is tested beside the code that does it.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::inbox::{Gate, Inbox};

/// One mail, as the relay took or refused it.
#[derive(Clone, Debug, Default)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    pub login: Option<(String, String)>,
    pub data: String,
}

impl Mail {
    /// A header, unfolded.
    pub fn header(&self, name: &str) -> Option<String> {
        let head = self.data.split("\r\n\r\n").next()?.replace("\r\n ", " ").replace("\r\n\t", " ");
        let lines = head.split("\r\n").filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    }

    /// The subject in words.
    pub fn subject(&self) -> String {
        let subject = self.header("Subject").unwrap_or_default().replace("?= =?", "?==?");
        let (mut words, mut rest) = (String::new(), subject.as_str());
        while let Some((before, word, after)) = encoded_word(rest) {
            words.push_str(before);
            words.push_str(&word);
            rest = after;
        }
        words + rest
    }

    /// Every part's text, those within others in their place, its transfer encoding undone.
    pub fn parts(&self) -> Vec<String> {
        let (head, body) = self.data.split_once("\r\n\r\n").unwrap_or_default();
        parts_of(head, body).unwrap_or_default()
    }
}

/// The parts of a body that has some.
fn parts_of(head: &str, body: &str) -> Option<Vec<String>> {
    let (_, boundary) = head.split_once("boundary=\"")?;
    let boundary = format!("--{}", boundary.split_once('"')?.0);
    let parts = body.split(&boundary).skip(1).filter_map(|part| part.split_once("\r\n\r\n"));
    let inner = |(head, body)| parts_of(head, body).unwrap_or_else(|| vec![decoded(&head.to_lowercase(), body)]);
    Some(parts.flat_map(inner).collect())
}

/// The first `=?utf-8?b?…?=` of a text: what is before it, what it says, what is after it.
fn encoded_word(text: &str) -> Option<(&str, String, &str)> {
    let (before, rest) = text.split_once("=?utf-8?b?")?;
    let (word, after) = rest.split_once("?=")?;
    Some((before, String::from_utf8(BASE64.decode(word).ok()?).ok()?, after))
}

fn decoded(head: &str, body: &str) -> String {
    if head.contains("base64") {
        let joined: String = body.split_whitespace().collect();
        return String::from_utf8_lossy(&BASE64.decode(joined).unwrap()).into_owned();
    }
    if !head.contains("quoted-printable") {
        return body.to_owned();
    }
    let joined = body.replace("=\r\n", "");
    let (mut bytes, mut rest) = (Vec::new(), joined.as_bytes());
    while let [first, tail @ ..] = rest {
        let hex = (*first == b'=').then(|| tail.get(..2)).flatten().and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => (bytes, rest) = ([bytes, vec![byte]].concat(), &tail[2..]),
            None => (bytes, rest) = ([bytes, vec![*first]].concat(), tail),
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// A running relay; dropping it ends it.
pub struct Relay {
    address: SocketAddr,
    mails: Inbox<Mail>,
    verdicts: Arc<Mutex<VecDeque<Verdict>>>,
    ended: Arc<AtomicBool>,
}

/// How the end of a mail is answered.
#[derive(Clone, Debug, Default)]
struct Verdict {
    /// The reply; none where the relay hangs up instead.
    reply: Option<String>,
    /// It comes when the first opens; the second opens when whoever sent the mail has gone.
    gates: Option<(Gate, Gate)>,
}

impl Relay {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (mails, ended) = (Inbox::new(), Arc::new(AtomicBool::new(false)));
        let verdicts = Arc::new(Mutex::new(VecDeque::new()));
        let (inbox, end, script) = (mails.clone(), ended.clone(), Arc::clone(&verdicts));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if end.load(Ordering::SeqCst) {
                    return;
                }
                let (inbox, script) = (inbox.clone(), script.clone());
                std::thread::spawn(move || stream.and_then(|stream| converse(&stream, &inbox, &script)));
            }
        });
        Self { address, mails, verdicts, ended }
    }

    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// The next mails are answered with these replies, such as `451 4.7.1 greylisted`.
    pub fn reply_with<'a>(&self, replies: impl IntoIterator<Item = &'a str>) {
        let verdict = |reply: &str| Verdict { reply: Some(reply.to_owned()), gates: None };
        self.verdicts.lock().unwrap().extend(replies.into_iter().map(verdict));
    }

    /// The next mail is taken, and the relay hangs up without a reply.
    pub fn hang_up(&self) {
        self.verdicts.lock().unwrap().push_back(Verdict::default());
    }

    /// The next mail is answered so when a gate opens; another opens when whoever sent the mail has gone.
    pub fn reply_behind(&self, reply: Option<&str>, gate: &Gate, gone: &Gate) {
        let gates = Some((gate.clone(), gone.clone()));
        self.verdicts.lock().unwrap().push_back(Verdict { reply: reply.map(ToOwned::to_owned), gates });
    }

    pub fn mails(&self) -> Vec<Mail> {
        self.mails.all()
    }

    /// Waits until so many mails came.
    #[track_caller]
    pub fn wait(&self, count: usize) -> Vec<Mail> {
        self.mails.wait(&format!("{count} mails"), |mails| mails.len() >= count)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
    }
}

fn converse(stream: &TcpStream, inbox: &Inbox<Mail>, script: &Mutex<VecDeque<Verdict>>) -> Result<(), std::io::Error> {
    let say = |text: &str| (&mut &*stream).write_all(format!("{text}\r\n").as_bytes());
    say("220 relay.test ESMTP")?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let mut mail = Mail::default();
    while let Some(line) = lines.next().transpose()? {
        let (verb, rest) = line.split_once([' ', ':']).unwrap_or((&line, ""));
        match verb.to_uppercase().as_str() {
            "EHLO" => say("250-relay.test\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN LOGIN")?,
            "AUTH" => {
                mail.login = plain_login(rest);
                say("235 2.7.0 welcome")?;
            }
            "MAIL" => {
                mail = Mail { from: address(rest), login: mail.login, ..Mail::default() };
                say("250 2.1.0 ok")?;
            }
            "RCPT" => {
                mail.to.push(address(rest));
                say("250 2.1.5 ok")?;
            }
            "DATA" => {
                say("354 go on")?;
                mail.data = data(&mut lines)?;
                inbox.push(mail.clone());
                let taken = Verdict { reply: Some("250 2.0.0 queued as 4B1D".to_owned()), gates: None };
                let Verdict { reply, gates } = script.lock().unwrap().pop_front().unwrap_or(taken);
                if let Some((gate, _)) = &gates {
                    gate.pass();
                }
                match reply {
                    Some(reply) => say(&reply)?,
                    None => stream.shutdown(std::net::Shutdown::Both)?,
                }
                if let Some((_, gone)) = &gates {
                    // Once it has its reply, it says goodbye, or hangs up.
                    drop(lines.next());
                    gone.open();
                }
            }
            "QUIT" => return say("221 2.0.0 bye"),
            _ => say("250 2.0.0 ok")?,
        }
    }
    Ok(())
}

fn address(rest: &str) -> String {
    let inside = rest.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map_or_else(|| rest.to_owned(), |(address, _)| address.to_owned())
}

fn plain_login(rest: &str) -> Option<(String, String)> {
    let decoded = String::from_utf8(BASE64.decode(rest.strip_prefix("PLAIN ")?).ok()?).ok()?;
    let mut parts = decoded.split('\0').skip(1).map(ToOwned::to_owned);
    Some((parts.next()?, parts.next()?))
}

/// The lines up to the lone dot, with doubled dots undone.
fn data(lines: &mut impl Iterator<Item = Result<String, std::io::Error>>) -> Result<String, std::io::Error> {
    let mut data = String::new();
    while let Some(line) = lines.next().transpose()?.filter(|line| line != ".") {
        data.push_str(line.strip_prefix('.').unwrap_or(&line));
        data.push_str("\r\n");
    }
    Ok(data)
}

#[test]
fn a_mail_is_taken_with_its_envelope_and_read_in_words() {
    let relay = Relay::start();
    relay.reply_with(["451 4.7.1 later"]);
    let stream = TcpStream::connect(relay.address).unwrap();
    let dialogue = "EHLO x\r\nAUTH PLAIN AHVzZXIAcGFzcw==\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n\
        Subject: fell =?utf-8?b?4oiSMjguNw==?= %\r\nContent-Type: multipart/alternative;\r\n boundary=\"xx\"\r\n\r\n--xx\r\n\
        Content-Transfer-Encoding: quoted-printable\r\n\r\n..=E2=88=9228 t=\r\nons\r\n--xx--\r\n.\r\nQUIT\r\n";
    (&mut &stream).write_all(dialogue.as_bytes()).unwrap();
    let answers = std::io::read_to_string(stream).unwrap();
    assert!(answers.contains("\r\n451 4.7.1 later\r\n221 "), "{answers}");
    let mails = relay.mails();
    let mail = &mails[0];
    assert_eq!((mail.from.as_str(), &mail.to[..]), ("a@b.test", &["c@d.test".to_owned()][..]));
    assert_eq!(mail.login, Some(("user".to_owned(), "pass".to_owned())));
    assert_eq!((mail.subject().as_str(), mail.parts()[0].trim_end()), ("fell −28.7 %", ".−28 tons"));
}
