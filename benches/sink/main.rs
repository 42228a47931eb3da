//! A sink of webhooks for measurements: it takes every post, counts it, and says what it counted.
//!
//!     sink [MILLISECONDS]
//!
//! Each post takes it so long where that is said, else no time. It prints its address, and ends when standard input does. `GET /stats` answers
//! `{"posts", "distinct", "ids", "first_ms", "last_ms"}`: posts, how many different alerts they were about (by the label
//! `partner`), how many different pairs of alert and `webhook-id` there were, and when the first and the last came.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

#[derive(Default)]
struct Count {
    posts: usize,
    alerts: HashSet<Vec<u8>>,
    ids: HashSet<(Vec<u8>, String)>,
    first: Option<u128>,
    last: Option<u128>,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    // Cargo tells every benchmark that it is one.
    let takes = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let takes = takes.map_or(0, |text| text.parse().expect("how many milliseconds a post takes"));
    runtime.expect("a runtime").block_on(serve(Duration::from_millis(takes)));
}

async fn serve(takes: Duration) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
    println!("http://{}", listener.local_addr().expect("an address"));
    let (count, began) = (Arc::new(Mutex::new(Count::default())), Instant::now());
    let mut ends = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut ends => return,
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let count = count.clone();
                // A client that hangs up is done.
                clients.spawn(async move { drop(converse(stream, &count, began, takes).await) });
            }
        }
    }
}

async fn converse(stream: TcpStream, count: &Mutex<Count>, began: Instant, takes: Duration) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::with_capacity(64 << 10, stream);
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let is_question = line.starts_with("GET");
        let (mut length, mut id) = (0, String::new());
        loop {
            line.clear();
            stream.read_line(&mut line).await?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap_or(0),
                "webhook-id" => id = value.trim().to_owned(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let answer = if is_question { told(&count.lock().expect("no panic")) } else { String::new() };
        if !is_question {
            if !takes.is_zero() {
                tokio::time::sleep(takes).await;
            }
            let now = began.elapsed().as_millis();
            let count = &mut *count.lock().expect("no panic");
            count.posts += 1;
            count.first.get_or_insert(now);
            count.last = Some(now);
            let alert = partner(&body).to_vec();
            count.ids.insert((alert.clone(), id));
            count.alerts.insert(alert);
        }
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{answer}", answer.len());
        stream.write_all(head.as_bytes()).await?;
    }
}

/// The value of the first label `partner` in a JSON text.
fn partner(body: &[u8]) -> &[u8] {
    const KEY: &[u8] = b"\"partner\":\"";
    let Some(start) = body.windows(KEY.len()).position(|window| window == KEY) else { return b"" };
    let rest = &body[start + KEY.len()..];
    &rest[..rest.iter().position(|byte| *byte == b'"').unwrap_or(rest.len())]
}

fn told(count: &Count) -> String {
    let Count { posts, alerts, ids, first, last } = count;
    let (distinct, ids) = (alerts.len(), ids.len());
    let (first, last) = (first.unwrap_or(0), last.unwrap_or(0));
    format!(r#"{{"posts":{posts},"distinct":{distinct},"ids":{ids},"first_ms":{first},"last_ms":{last}}}"#)
}
