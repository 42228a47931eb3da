//! Slack: an incoming webhook, with words for answers, and the Web API, with `ok`. Both have the limits of Block Kit.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::http::{Answer, Request};
use super::super::scene::{MAGNETS, WORSE, once};
use super::{Service, goes_through_the_matrix, on_loopback, scene, text};

struct Slack;

/// The word with which a payload is refused.
fn check(body: &Value) -> Result<(), &'static str> {
    let refused = "invalid_blocks";
    let text = |value: &Value, limit: usize, word: &'static str| {
        text(value, limit, Answer::new(400, word)).map(drop).map_err(|_| word)
    };
    text(&body["text"], 40_000, "no_text")?;
    let attached = body["attachments"].as_array().into_iter().flatten();
    let blocks = body["blocks"].as_array().into_iter().chain(attached.filter_map(|one| one["blocks"].as_array()));
    let blocks: Vec<&Value> = blocks.flatten().collect();
    if blocks.is_empty() || blocks.len() > 50 {
        return Err(refused);
    }
    for block in blocks {
        match block["type"].as_str() {
            Some("header") => text(&block["text"]["text"], 150, refused)?,
            Some("section") if block["fields"].is_array() => {
                let fields = block["fields"].as_array().filter(|fields| fields.len() <= 10).ok_or(refused)?;
                fields.iter().try_for_each(|field| text(&field["text"], 2000, refused))?;
            }
            Some("section") => text(&block["text"]["text"], 3000, refused)?,
            Some("context") => {
                let elements = block["elements"].as_array().filter(|all| (1..=10).contains(&all.len()));
                elements.map(drop).ok_or(refused)?;
            }
            _ => return Err(refused),
        }
    }
    Ok(())
}

impl Service for Slack {
    fn table(&self, address: &str) -> String {
        on_loopback("slack", &format!("url = \"{address}/services/T/B/x\""))
    }

    fn take(&self, request: &Request) -> Result<Answer, Answer> {
        let body: Value = serde_json::from_slice(&request.body).map_err(|_| Answer::new(400, "invalid_payload"))?;
        check(&body).map(|()| Answer::ok("ok")).map_err(|word| Answer::new(400, word))
    }

    fn busy(&self) -> Answer {
        Answer::new(429, "").header("Retry-After", "1")
    }

    fn forbidden(&self) -> Answer {
        Answer::new(403, "invalid_token")
    }

    fn shown(&self, request: &Request) -> String {
        String::from_utf8_lossy(&request.body).into_owned()
    }
}

#[test]
fn it_loses_nothing() {
    goes_through_the_matrix(Slack);
}

/// A bot by the Web API.
struct Bot;

fn failed(error: &str) -> Answer {
    Answer::ok(json!({"ok": false, "error": error}).to_string())
}

impl Service for Bot {
    fn table(&self, address: &str) -> String {
        on_loopback("slack", &format!("url = \"{address}\"\ntoken = \"xoxb-secret-of-a-bot\"\nchannel = \"C0123\""))
    }

    fn take(&self, request: &Request) -> Result<Answer, Answer> {
        if request.path != "/api/chat.postMessage" {
            return Err(Answer::new(404, ""));
        }
        if request.header("authorization") != Some("Bearer xoxb-secret-of-a-bot") {
            return Err(failed("invalid_auth"));
        }
        let body: Value = serde_json::from_slice(&request.body).map_err(|_| failed("invalid_json"))?;
        if body["channel"] != "C0123" {
            return Err(failed("channel_not_found"));
        }
        check(&body).map_err(failed)?;
        Ok(Answer::ok(json!({"ok": true, "channel": "C0123", "ts": "1503435956.000247"}).to_string()))
    }

    fn busy(&self) -> Answer {
        Answer::new(429, json!({"ok": false, "error": "ratelimited"}).to_string()).header("Retry-After", "1")
    }

    fn forbidden(&self) -> Answer {
        failed("not_in_channel")
    }

    fn shown(&self, request: &Request) -> String {
        String::from_utf8_lossy(&request.body).into_owned()
    }
}

#[test]
fn a_bot_loses_nothing() {
    goes_through_the_matrix(Bot);
}

/// What the API called the first message is what the next one follows, in another run of the program.
#[test]
fn a_bot_goes_on_in_the_thread() {
    let service: Arc<dyn Service> = Arc::new(Bot);
    let (double, sandbox) = scene(&service);
    once(&sandbox, 0);
    sandbox.write("config/magnets.csv", format!("{MAGNETS}{WORSE}"));
    once(&sandbox, 0).says(&["1 message delivered"]);
    let [first, next] = &double.taken()[..] else { panic!("two messages") };
    assert!(first.json().get("thread_ts").is_none());
    assert_eq!(next.json()["thread_ts"], "1503435956.000247");
    // What only goes on disturbs nobody in the channel.
    assert_eq!(next.json()["reply_broadcast"], false);
}
