//! A mail relay on loopback for the tests of mail: it answers by a script, in the clear or under TLS.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// How a mail double answers: what is not named here goes well.
#[derive(Clone, Default)]
pub struct Script {
    /// The beginning of a command (`RCPT TO:<bob`, `.` for the message's end, empty for the greeting)
    /// and its reply; [`SILENCE`] and [`HANG_UP`] are no replies.
    pub replies: Vec<(&'static str, &'static str)>,
    /// It speaks TLS: from the first byte, or after STARTTLS.
    pub tls: Option<super::email::Tls>,
}

/// Nothing, and the connection stays open.
pub const SILENCE: &str = "<silence>";
/// Nothing, and the connection ends.
pub const HANG_UP: &str = "<hang up>";

impl Script {
    pub fn new(replies: &[(&'static str, &'static str)]) -> Self {
        Self { replies: replies.to_vec(), tls: None }
    }

    pub fn tls(self, tls: super::email::Tls) -> Self {
        Self { tls: Some(tls), ..self }
    }

    fn reply(&self, command: &str) -> &'static str {
        let told = self.replies.iter().find(|(begin, _)| {
            if begin.is_empty() {
                command.is_empty()
            } else {
                command.to_lowercase().starts_with(&begin.to_lowercase())
            }
        });
        told.map_or_else(|| self.default_reply(command), |(_, reply)| reply)
    }

    fn default_reply(&self, command: &str) -> &'static str {
        match command.split([' ', ':']).next().unwrap_or_default() {
            "" => "220 double ready",
            "EHLO" if self.tls == Some(super::email::Tls::StartTls) => {
                "250-double\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS"
            }
            "EHLO" => "250-double\r\n250 AUTH PLAIN LOGIN",
            "STARTTLS" => "220 go ahead",
            "AUTH" => "235 welcome",
            "DATA" => "354 go on",
            "." => "250 2.0.0 queued as D0UBLE",
            "QUIT" => "221 bye",
            _ => "250 ok",
        }
    }
}

/// A mail relay on loopback: it keeps commands and messages, and answers by its script.
pub struct MailDouble {
    pub port: u16,
    seen: Arc<Mutex<Seen>>,
    script: Arc<Mutex<Script>>,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct Seen {
    commands: Vec<String>,
    messages: Vec<String>,
}

impl MailDouble {
    pub async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (seen, script) = (Arc::new(Mutex::new(Seen::default())), Arc::new(Mutex::new(script)));
        let (kept, followed) = (seen.clone(), script.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let script = followed.lock().unwrap().clone();
                connections.spawn(converse(stream, script, kept.clone()));
            }
        });
        Self { port, seen, script, _tasks: tasks }
    }

    /// From the next connection on it answers so.
    pub fn follow(&self, script: Script) {
        *self.script.lock().unwrap() = script;
    }

    /// The commands since the last look.
    pub fn commands(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap().commands)
    }

    /// The messages since the last look: what stood between DATA and the final dot.
    pub fn messages(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap().messages)
    }
}

/// The certificate of the authority that signed the double's own.
pub const CA_PEM: &[u8] = include_bytes!("testdata/ca.pem");

fn acceptor() -> tokio_rustls::TlsAcceptor {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let certificate = CertificateDer::from_pem_slice(include_bytes!("testdata/relay.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("testdata/relay.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap()).into()
}

async fn converse(stream: tokio::net::TcpStream, script: Script, seen: Arc<Mutex<Seen>>) {
    if script.tls == Some(super::email::Tls::Implicit) {
        let Ok(stream) = acceptor().accept(stream).await else { return };
        speak(stream, &script, &seen, true).await;
        return;
    }
    let Some(stream) = speak(stream, &script, &seen, true).await else { return };
    let Ok(stream) = acceptor().accept(stream).await else { return };
    speak(stream, &script, &seen, false).await;
}

/// One conversation; the stream again where it is to be protected from here on.
async fn speak<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    script: &Script,
    seen: &Mutex<Seen>,
    greet: bool,
) -> Option<S> {
    let mut stream = BufReader::new(stream);
    if greet {
        say(&mut stream, script.reply("")).await?;
    }
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let command = line.trim_end().to_owned();
        seen.lock().unwrap().commands.push(command.clone());
        let reply = script.reply(&command);
        say(&mut stream, reply).await?;
        if command == "STARTTLS" && reply.starts_with("220") {
            return Some(stream.into_inner());
        }
        if command == "DATA" && reply.starts_with("354") {
            let message = read_message(&mut stream).await?;
            seen.lock().unwrap().messages.push(message);
            say(&mut stream, script.reply(".")).await?;
        }
    }
}

async fn say<S: AsyncWrite + Unpin>(stream: &mut S, reply: &str) -> Option<()> {
    match reply {
        SILENCE => std::future::pending().await,
        HANG_UP => None,
        reply => stream.write_all(format!("{reply}\r\n").as_bytes()).await.ok(),
    }
}

async fn read_message<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let mut message = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        if line == ".\r\n" {
            return Some(message);
        }
        message.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
