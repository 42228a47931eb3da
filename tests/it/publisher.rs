//! A publisher of figures on loopback: each path answers by its own script, and remembers who asked.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use super::http::{Answer, Request, Server};

type Scripts = Arc<Mutex<BTreeMap<String, VecDeque<Answer>>>>;

/// A publisher; every path that it was not told about is 404.
pub struct Publisher {
    server: Server,
    scripts: Scripts,
}

impl Publisher {
    pub fn start() -> Self {
        let scripts = Scripts::default();
        let known = scripts.clone();
        let server = Server::start(move |request| next(&mut known.lock().unwrap(), request));
        Self { server, scripts }
    }

    /// From now on `path` answers with these, one after the other; the last is repeated.
    pub fn publish(&self, path: &str, answers: impl IntoIterator<Item = Answer>) {
        self.scripts.lock().unwrap().insert(path.to_owned(), answers.into_iter().collect());
    }

    pub fn url(&self, path: &str) -> String {
        self.server.url(path)
    }

    /// The requests for a path so far.
    pub fn asked(&self, path: &str) -> Vec<Request> {
        self.server.requests().all().into_iter().filter(|request| route(request) == path).collect()
    }
}

fn route(request: &Request) -> &str {
    request.path.split('?').next().unwrap_or_default()
}

fn next(scripts: &mut BTreeMap<String, VecDeque<Answer>>, request: &Request) -> Answer {
    let missing = || Answer::new(404, "there is no such table");
    let Some(script) = scripts.get_mut(route(request)) else { return missing() };
    let answer = if script.len() > 1 { script.pop_front() } else { script.front().cloned() };
    answer.unwrap_or_else(missing)
}

/// `text` compressed as a publisher does for `Accept-Encoding: gzip`.
pub fn gzip(text: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_path_plays_its_script_and_repeats_the_end() {
    let publisher = Publisher::start();
    publisher.publish("/a.csv", [Answer::new(503, ""), Answer::ok("figures")]);
    let ask = |path: &str| {
        let request = format!("GET {path} HTTP/1.1\r\n\r\n");
        let mut stream = std::net::TcpStream::connect(publisher.url("").trim_start_matches("http://")).unwrap();
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        std::io::read_to_string(stream).unwrap()[9..12].to_owned()
    };
    assert_eq!([ask("/a.csv"), ask("/a.csv?x=1"), ask("/a.csv"), ask("/b.csv")], ["503", "200", "200", "404"]);
    assert_eq!((publisher.asked("/a.csv").len(), publisher.asked("/b.csv").len()), (3, 1));
}
