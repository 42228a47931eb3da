//! A homeserver: events of 65,536 bytes, a copy known by its transaction.

use serde_json::{Value, json};

use super::super::http::{Answer, Request};
use super::{Service, goes_through_the_matrix, on_loopback, text};

struct Matrix;

const PATH: &str = "/_matrix/client/v3/rooms/%21room%3Am.example/send/m.room.message/";

fn refused(status: u16, code: &str, error: &str) -> Answer {
    Answer::new(status, json!({"errcode": code, "error": error}).to_string())
}

impl Service for Matrix {
    fn table(&self, address: &str) -> String {
        on_loopback("matrix", &format!("url = \"{address}\"\ntoken = \"syt_secret\"\nroom = \"!room:m.example\""))
    }

    fn take(&self, request: &Request) -> Result<Answer, Answer> {
        if request.header("authorization") != Some("Bearer syt_secret") {
            return Err(refused(401, "M_UNKNOWN_TOKEN", "Invalid access token passed."));
        }
        if request.method != "PUT" || !request.path.starts_with(PATH) {
            return Err(refused(404, "M_UNRECOGNIZED", "Unrecognized request"));
        }
        let not_json = || refused(400, "M_NOT_JSON", "Content not JSON.");
        let body: Value = serde_json::from_slice(&request.body).map_err(|_| not_json())?;
        // The servers add names, hashes and signatures to what is sent.
        if request.body.len() > 65_536 - 4096 {
            return Err(refused(413, "M_TOO_LARGE", "event too large"));
        }
        let bad = || refused(400, "M_BAD_JSON", "'body' not in content");
        text(&body["body"], 65_536, bad())?;
        if body["format"].is_string() {
            text(&body["formatted_body"], 65_536, bad())?;
        }
        if !["m.text", "m.notice"].map(Value::from).contains(&body["msgtype"]) || body["m.mentions"] != json!({}) {
            return Err(bad());
        }
        Ok(Answer::ok(json!({"event_id": "$event"}).to_string()))
    }

    fn busy(&self) -> Answer {
        let said = json!({"errcode": "M_LIMIT_EXCEEDED", "error": "Too Many Requests", "retry_after_ms": 399});
        Answer::new(429, said.to_string()).header("Retry-After", "1")
    }

    fn forbidden(&self) -> Answer {
        refused(403, "M_FORBIDDEN", "User @watch:m.example not in room !room:m.example")
    }

    fn shown(&self, request: &Request) -> String {
        request.json()["body"].as_str().unwrap().to_owned()
    }

    fn key(&self, request: &Request) -> Option<String> {
        request.path.strip_prefix(PATH).map(ToOwned::to_owned)
    }
}

#[test]
fn it_loses_nothing() {
    goes_through_the_matrix(Matrix);
}
