//! A small HTTP/1.1 server on loopback: it records each request and answers as the test's script says,
//! with the faults of real servers where it is told to.
//!
//! One request a connection, bodies by Content-Length: what the program under test sends, no more.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::inbox::{Gate, Inbox};

/// One request, as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// A header's value; names are compared as HTTP does.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What goes wrong while answering.
#[derive(Clone, Copy, Debug)]
enum Fault {
    None,
    /// The whole length is promised, so many bytes are sent.
    CutAfter(usize),
    /// The request is read, and the connection reset without an answer.
    Reset,
}

/// One answer of a script.
#[derive(Clone, Debug)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    fault: Fault,
    gate: Option<Gate>,
    heard: Option<Gate>,
}

impl Answer {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), fault: Fault::None, gate: None, heard: None }
    }

    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::new(200, body)
    }

    pub fn reset() -> Self {
        Self { fault: Fault::Reset, ..Self::ok("") }
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends only the first bytes of the body, though it promises all.
    #[must_use]
    pub fn cut_after(self, bytes: usize) -> Self {
        Self { fault: Fault::CutAfter(bytes), ..self }
    }

    /// Answers when the gate is opened, and not before.
    #[must_use]
    pub fn behind(self, gate: &Gate) -> Self {
        Self { gate: Some(gate.clone()), ..self }
    }

    /// Opens the gate once whoever asked has read the answer, or can see that none will come.
    #[must_use]
    pub fn heard(self, gate: &Gate) -> Self {
        Self { heard: Some(gate.clone()), ..self }
    }

    /// `304` to a client that has this very version.
    fn or_not_modified(self, request: &Request) -> Self {
        let has = |header: &str, validator: &str| {
            let ours = self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(validator));
            ours.is_some() && request.header(header) == ours.map(|(_, value)| value.as_str())
        };
        if has("if-none-match", "etag") || has("if-modified-since", "last-modified") {
            Self { status: 304, body: Vec::new(), ..self }
        } else {
            self
        }
    }
}

/// A running server; dropping it ends it.
pub struct Server {
    address: SocketAddr,
    requests: Inbox<Request>,
    ended: Arc<AtomicBool>,
}

impl Server {
    /// A server that answers by `script`.
    pub fn start(script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, ended, script) = (Inbox::new(), Arc::new(AtomicBool::new(false)), Arc::new(script));
        let (inbox, end) = (requests.clone(), ended.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if end.load(Ordering::SeqCst) {
                    return;
                }
                let (inbox, script) = (inbox.clone(), script.clone());
                // A client that hangs up in the middle is a test's business, not the server's.
                std::thread::spawn(move || stream.and_then(|stream| serve(stream, &inbox, &*script)));
            }
        });
        Self { address, requests, ended }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub const fn requests(&self) -> &Inbox<Request> {
        &self.requests
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // The accepting thread looks at the flag when someone knocks.
        drop(TcpStream::connect(self.address));
    }
}

fn serve(
    mut stream: TcpStream,
    inbox: &Inbox<Request>,
    script: &dyn Fn(&Request) -> Answer,
) -> Result<(), std::io::Error> {
    let request = read(&mut BufReader::new(stream.try_clone()?))?;
    let answer = script(&request).or_not_modified(&request);
    inbox.push(request);
    if let Some(gate) = &answer.gate {
        gate.pass();
    }
    write(&mut stream, &answer)?;
    if let Some(heard) = &answer.heard {
        if !matches!(answer.fault, Fault::Reset) {
            // A client that has read all that there will be hangs up.
            stream.shutdown(std::net::Shutdown::Write)?;
            stream.read_to_end(&mut Vec::new())?;
        }
        drop(stream);
        heard.open();
    }
    Ok(())
}

fn read(from: &mut impl BufRead) -> Result<Request, std::io::Error> {
    let bad = || std::io::Error::from(std::io::ErrorKind::InvalidData);
    let mut first = String::new();
    from.read_line(&mut first)?;
    let mut words = first.split_whitespace().map(ToOwned::to_owned);
    let (method, path) = (words.next().ok_or_else(bad)?, words.next().ok_or_else(bad)?);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        from.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut request = Request { method, path, headers, body: Vec::new() };
    let length = request.header("content-length").map_or(Ok(0), str::parse).map_err(|_| bad())?;
    request.body.resize(length, 0);
    from.read_exact(&mut request.body)?;
    Ok(request)
}

fn write(stream: &mut TcpStream, answer: &Answer) -> Result<(), std::io::Error> {
    let sent = match answer.fault {
        Fault::Reset => {
            return rustix::net::sockopt::set_socket_linger(&*stream, Some(Duration::ZERO)).map_err(Into::into);
        }
        Fault::CutAfter(bytes) => &answer.body[..bytes],
        Fault::None => &answer.body[..],
    };
    let mut head = format!("HTTP/1.1 {} Scripted\r\nConnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if answer.status != 304 {
        head.push_str(&format!("Content-Length: {}\r\n", answer.body.len()));
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    stream.write_all(sent)?;
    stream.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talk(server: &Server, request: &str) -> String {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            Ok(_) => String::from_utf8(answer).unwrap(),
            Err(error) => error.kind().to_string(),
        }
    }

    #[test]
    fn requests_are_recorded_and_answered_by_the_script() {
        let server = Server::start(|request| match request.path.as_str() {
            "/cut" => Answer::ok("0123456789").cut_after(3),
            "/reset" => Answer::reset(),
            _ => Answer::new(429, "later").header("Retry-After", "7").header("ETag", "\"a\""),
        });
        let answer = talk(&server, "POST /x?y=1 HTTP/1.1\r\nContent-Length: 4\r\nX-Kind: test\r\n\r\nbody");
        assert!(answer.starts_with("HTTP/1.1 429 ") && answer.contains("\r\nRetry-After: 7\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\nlater"), "{answer}");
        assert!(talk(&server, "GET /cut HTTP/1.1\r\n\r\n").ends_with("Content-Length: 10\r\n\r\n012"));
        assert_eq!(talk(&server, "GET /reset HTTP/1.1\r\n\r\n"), "connection reset");
        assert!(talk(&server, "GET / HTTP/1.1\r\nIf-None-Match: \"a\"\r\n\r\n").starts_with("HTTP/1.1 304 "));
        let all = server.requests().all();
        assert_eq!((all[0].method.as_str(), all[0].path.as_str(), &all[0].body[..]), ("POST", "/x?y=1", &b"body"[..]));
        assert_eq!((all[0].header("x-kind"), all.len()), (Some("test"), 4));
    }
}
