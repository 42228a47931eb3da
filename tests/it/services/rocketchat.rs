//! A Rocket.Chat integration: `success` in JSON, a switched-off one that looks busy, an empty message that looks taken.

use serde_json::{Value, json};

use super::super::http::{Answer, Request};
use super::{Service, goes_through_the_matrix, on_loopback, text};

struct RocketChat;

fn refused(status: u16, error: &str) -> Answer {
    Answer::new(status, json!({"success": false, "error": error}).to_string())
}

impl Service for RocketChat {
    fn table(&self, address: &str) -> String {
        on_loopback("rocketchat", &format!("url = \"{address}/hooks/1d/t0ken-of-the-hook\""))
    }

    fn take(&self, request: &Request) -> Result<Answer, Answer> {
        if (request.method.as_str(), request.path.as_str()) != ("POST", "/hooks/1d/t0ken-of-the-hook") {
            return Err(refused(404, "Invalid integration id or token provided."));
        }
        let body: Value = serde_json::from_slice(&request.body).map_err(|_| refused(400, "Invalid JSON"))?;
        // This integration has its own room.
        if body.get("channel").is_some() || body.get("roomId").is_some() {
            return Err(refused(400, "overriding of the channel is disabled"));
        }
        let said = text(&body["text"], 5000, Answer::ok(json!({"success": true}).to_string()))?;
        let size = refused(400, "Message size exceed limit [error-message-size-exceeded]");
        text(&body["attachments"][0]["text"], 5000 - said.chars().count(), size)?;
        Ok(Answer::ok(json!({"success": true}).to_string()))
    }

    fn busy(&self) -> Answer {
        let said =
            "Error, too many requests. Please slow down. You must wait 1 seconds before trying this endpoint again.";
        refused(429, said)
    }

    fn forbidden(&self) -> Answer {
        refused(404, "Invalid integration id or token provided.")
    }

    fn shown(&self, request: &Request) -> String {
        String::from_utf8_lossy(&request.body).into_owned()
    }
}

#[test]
fn it_loses_nothing() {
    goes_through_the_matrix(RocketChat);
}
