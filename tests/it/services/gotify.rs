//! A Gotify server: JSON with a token in a header, errors that repeat their status.

use serde_json::{Value, json};

use super::super::http::{Answer, Request};
use super::{Service, goes_through_the_matrix, on_loopback, text};

struct Gotify;

fn refused(status: u16, error: &str, said: &str) -> Answer {
    Answer::new(status, json!({"error": error, "errorCode": status, "errorDescription": said}).to_string())
}

impl Service for Gotify {
    fn table(&self, address: &str) -> String {
        on_loopback("gotify", &format!("url = \"{address}\"\ntoken = \"A-secret-of-ours\""))
    }

    fn take(&self, request: &Request) -> Result<Answer, Answer> {
        if request.header("x-gotify-key") != Some("A-secret-of-ours") {
            return Err(refused(401, "Unauthorized", "you need to provide a valid access token or user credentials"));
        }
        if request.path != "/message" {
            return Err(refused(404, "Not Found", "page not found"));
        }
        let bad = || refused(400, "Bad Request", "Field 'message' is required");
        let body: Value = serde_json::from_slice(&request.body).map_err(|_| bad())?;
        text(&body["message"], 16_000, bad())?;
        if !body["priority"].is_i64() || body["extras"].as_object().is_none() {
            return Err(bad());
        }
        let said = json!({"id": 25, "appid": 5, "message": body["message"], "title": body["title"],
            "priority": body["priority"], "extras": body["extras"], "date": "2025-10-20T01:05:00Z"});
        Ok(Answer::ok(said.to_string()))
    }

    fn busy(&self) -> Answer {
        // It has no limit of its own; what stands before it may.
        Answer::new(429, "").header("Retry-After", "1")
    }

    fn forbidden(&self) -> Answer {
        refused(403, "Forbidden", "you are not allowed to access this api")
    }

    fn shown(&self, request: &Request) -> String {
        format!("{}\n{}", request.json()["title"].as_str().unwrap(), request.json()["message"].as_str().unwrap())
    }
}

#[test]
fn it_loses_nothing() {
    goes_through_the_matrix(Gotify);
}
