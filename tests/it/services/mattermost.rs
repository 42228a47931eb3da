//! A Mattermost incoming webhook: `ok` in plain text, errors with an id, and so much kept of attachments.

use serde_json::{Value, json};

use super::super::http::{Answer, Request};
use super::{Service, goes_through_the_matrix, on_loopback, text};

struct Mattermost;

fn refused(status: u16, about: &str) -> Answer {
    let id = format!("web.incoming_webhook.{about}.app_error");
    let said = json!({"id": id, "message": "m", "detailed_error": "", "request_id": "r", "status_code": status});
    Answer::new(status, said.to_string())
}

impl Service for Mattermost {
    fn table(&self, address: &str) -> String {
        on_loopback("mattermost", &format!("url = \"{address}/hooks/k3y-of-the-hook\"\nchannel = \"supply-alerts\""))
    }

    fn take(&self, request: &Request) -> Result<Answer, Answer> {
        if request.path != "/hooks/k3y-of-the-hook" {
            return Err(refused(400, "invalid"));
        }
        let body: Value = serde_json::from_slice(&request.body).map_err(|_| refused(400, "parse"))?;
        if body["channel"] != "supply-alerts" {
            return Err(refused(404, "channel"));
        }
        text(&body["text"], 4000, refused(400, "text"))?;
        text(&body["attachments"][0]["text"], 4000, refused(400, "text"))?;
        if body["attachments"].to_string().chars().count() > 8000 {
            return Err(refused(400, "text"));
        }
        Ok(Answer::ok("ok").header("Content-Type", "text/plain"))
    }

    fn busy(&self) -> Answer {
        Answer::new(429, "limit exceeded").header("Retry-After", "1").header("X-RateLimit-Remaining", "0")
    }

    fn forbidden(&self) -> Answer {
        refused(403, "channel_locked")
    }

    fn shown(&self, request: &Request) -> String {
        String::from_utf8_lossy(&request.body).into_owned()
    }
}

#[test]
fn it_loses_nothing() {
    goes_through_the_matrix(Mattermost);
}
