//! ntfy: JSON to the root, errors with codes, a request of 8192 bytes, a message of 4096.

use serde_json::{Value, json};

use super::super::http::{Answer, Request};
use super::{Service, goes_through_the_matrix, on_loopback, text};

struct Ntfy;

fn refused(code: u32, error: &str) -> Answer {
    let status = u16::try_from(code / 100).unwrap();
    let said = json!({"code": code, "http": status, "error": error, "link": "https://ntfy.sh/docs/publish/"});
    Answer::new(status, said.to_string())
}

impl Service for Ntfy {
    fn table(&self, address: &str) -> String {
        on_loopback("ntfy", &format!("url = \"{address}\"\ntopic = \"supply\"\ntoken = \"tk_secret-of-ours\""))
    }

    fn take(&self, request: &Request) -> Result<Answer, Answer> {
        if request.header("authorization") != Some("Bearer tk_secret-of-ours") {
            return Err(refused(40101, "unauthorized"));
        }
        if request.path != "/" || request.method != "POST" {
            return Err(refused(40401, "page not found"));
        }
        if request.body.len() > 8192 {
            return Err(refused(41303, "JSON body too large"));
        }
        let invalid = || refused(40024, "invalid request: request body must be valid JSON");
        let body: Value = serde_json::from_slice(&request.body).map_err(|_| invalid())?;
        if body["topic"] != "supply" {
            return Err(refused(40301, "forbidden"));
        }
        if !body["priority"].as_u64().is_some_and(|priority| (1..=5).contains(&priority)) {
            return Err(refused(40007, "invalid request: invalid priority"));
        }
        text(&body["title"], 250, invalid())?;
        let message = text(&body["message"], 4096, invalid())?;
        if message.len() > 4096 {
            return Err(refused(40014, "invalid request: attachments not allowed"));
        }
        for action in body["actions"].as_array().into_iter().flatten() {
            text(&action["label"], 1000, refused(40018, "invalid request: actions invalid"))?;
            if action["action"] != "view" || !action["url"].is_string() {
                return Err(refused(40018, "invalid request: actions invalid"));
            }
        }
        let said = json!({"id": "sPs71M8A2T", "time": 1_760_922_000, "expires": 1_760_965_200, "event": "message",
            "topic": "supply", "title": body["title"], "message": message});
        Ok(Answer::ok(said.to_string()))
    }

    fn busy(&self) -> Answer {
        refused(42901, "limit reached: too many requests")
    }

    fn forbidden(&self) -> Answer {
        refused(40301, "forbidden")
    }

    fn shown(&self, request: &Request) -> String {
        format!("{}\n{}", request.json()["title"].as_str().unwrap(), request.json()["message"].as_str().unwrap())
    }
}

#[test]
fn it_loses_nothing() {
    goes_through_the_matrix(Ntfy);
}
