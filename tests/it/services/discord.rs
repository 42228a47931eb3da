//! Discord's webhooks: a message is saved where we wait for it; an embed has limits in each part and in sum, and a
//! picture that it shows comes as a file of at most 10 MiB.

use serde_json::{Value, json};

use super::super::http::{Answer, Request};
use super::{Service, goes_through_the_matrix, on_loopback, parts, text};

struct Discord;

fn refused(status: u16, code: u64, message: &str) -> Answer {
    Answer::new(status, json!({"code": code, "message": message, "errors": {}}).to_string())
}

fn invalid() -> Answer {
    refused(400, 50035, "Invalid Form Body")
}

/// The message beside its file.
fn payload(request: &Request) -> Option<Value> {
    let parts = parts(request)?;
    let json = parts.iter().find(|part| part.name == "payload_json")?;
    serde_json::from_slice(&json.body).ok().filter(|_| json.kind.as_deref() == Some("application/json"))
}

impl Service for Discord {
    fn table(&self, address: &str) -> String {
        on_loopback("discord", &format!("url = \"{address}/api/webhooks/1/t0ken-of-the-hook\"\nthread = \"42\""))
    }

    fn take(&self, request: &Request) -> Result<Answer, Answer> {
        match request.path.split_once('?') {
            Some(("/api/webhooks/1/t0ken-of-the-hook", "wait=true&thread_id=42")) => {}
            Some((_, "wait=true&thread_id=42")) => return Err(refused(404, 10015, "Unknown Webhook")),
            // Whether it was saved, nobody would know.
            _ => return Err(Answer::new(204, "")),
        }
        let body = payload(request).ok_or_else(|| refused(400, 50109, "Invalid JSON"))?;
        let [_, file] = &parts(request).ok_or_else(invalid)?[..] else { return Err(invalid()) };
        file.picture(10 << 20).filter(|_| file.name == "files[0]").ok_or_else(|| refused(413, 40005, "too large"))?;
        let attached = &body["attachments"];
        text(&attached[0]["description"], 1024, invalid())?;
        if attached[0]["id"] != 0 || body["embeds"][0]["image"]["url"] != "attachment://chart.png" {
            return Err(invalid());
        }
        if body["allowed_mentions"]["parse"] != json!([]) {
            return Err(invalid());
        }
        let [embed] = &body["embeds"].as_array().ok_or_else(invalid)?[..] else { return Err(invalid()) };
        let fields = embed["fields"].as_array().filter(|fields| fields.len() <= 25).ok_or_else(invalid)?;
        let parts = [(&embed["title"], 256), (&embed["description"], 4096), (&embed["footer"]["text"], 2048)];
        let parts =
            parts.into_iter().chain(fields.iter().flat_map(|field| [(&field["name"], 256), (&field["value"], 1024)]));
        let texts = parts.map(|(part, limit)| text(part, limit, invalid())).collect::<Result<Vec<_>, _>>()?;
        if texts.iter().map(|text| text.chars().count()).sum::<usize>() > 6000 {
            return Err(invalid());
        }
        Ok(Answer::ok(json!({"id": "1001", "channel_id": "42", "embeds": []}).to_string()))
    }

    fn busy(&self) -> Answer {
        let said = json!({"message": "You are being rate limited.", "retry_after": 0.65, "global": false});
        Answer::new(429, said.to_string()).header("Retry-After", "1").header("X-RateLimit-Scope", "user")
    }

    fn forbidden(&self) -> Answer {
        refused(401, 50027, "Invalid Webhook Token")
    }

    fn shown(&self, request: &Request) -> String {
        payload(request).unwrap()["embeds"][0].to_string()
    }
}

#[test]
fn it_loses_nothing() {
    goes_through_the_matrix(Discord);
}
