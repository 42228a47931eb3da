//! Google Chat's webhooks: errors with a status in words, a card of 32 KB. That they know a copy by its request's id
//! is not relied on: people see each, and a mark on it.

use serde_json::{Value, json};

use super::super::http::{Answer, Request};
use super::{Service, goes_through_the_matrix, on_loopback, text};

struct GoogleChat;

fn refused(code: u16, status: &str) -> Answer {
    Answer::new(code, json!({"error": {"code": code, "message": "m", "status": status}}).to_string())
}

fn invalid() -> Answer {
    refused(400, "INVALID_ARGUMENT")
}

/// A UUID, as its groups of digits say.
fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    lengths == [8, 4, 4, 4, 12] && groups.concat().bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl Service for GoogleChat {
    fn table(&self, address: &str) -> String {
        on_loopback("google-chat", &format!("url = \"{address}/v1/spaces/A/messages?key=k3y&token=t0ken%3D\""))
    }

    fn take(&self, request: &Request) -> Result<Answer, Answer> {
        let begin = "/v1/spaces/A/messages?key=k3y&token=t0ken%3D&";
        let query = request.path.strip_prefix(begin).ok_or_else(|| refused(401, "UNAUTHENTICATED"))?;
        let id = query.strip_prefix("messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD&requestId=");
        id.filter(|id| is_uuid(id)).ok_or_else(invalid)?;
        let body: Value = serde_json::from_slice(&request.body).map_err(|_| invalid())?;
        text(&body["thread"]["threadKey"], 4000, invalid())?;
        text(&body["text"], 4096, invalid())?;
        if body["cardsV2"].to_string().len() > 32_000 {
            return Err(invalid());
        }
        for section in body["cardsV2"][0]["card"]["sections"].as_array().ok_or_else(invalid)? {
            for widget in section["widgets"].as_array().filter(|widgets| !widgets.is_empty()).ok_or_else(invalid)? {
                let kinds = ["textParagraph", "decoratedText"];
                let kind = kinds.iter().find(|kind| widget[**kind].is_object()).ok_or_else(invalid)?;
                text(&widget[*kind]["text"], 10_000, invalid())?;
            }
        }
        let said = json!({"name": "spaces/A/messages/B.C", "thread": {"name": "spaces/A/threads/B"}});
        Ok(Answer::ok(said.to_string()))
    }

    fn busy(&self) -> Answer {
        refused(429, "RESOURCE_EXHAUSTED").header("Retry-After", "1")
    }

    fn forbidden(&self) -> Answer {
        refused(403, "PERMISSION_DENIED")
    }

    fn shown(&self, request: &Request) -> String {
        String::from_utf8_lossy(&request.body).into_owned()
    }
}

#[test]
fn it_loses_nothing() {
    goes_through_the_matrix(GoogleChat);
}
