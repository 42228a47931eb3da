//! The Bot API: its answers say `ok`, and a message has 4096 UTF-16 units once its
//! signs are read, and 1024 under a photo.

use serde_json::{Value, json};

use super::super::http::{Answer, Request};
use super::{Part, Service, goes_through_the_matrix, on_loopback, parts};

struct Telegram;

fn refused(status: u16, description: &str) -> Answer {
    Answer::new(status, json!({"ok": false, "error_code": status, "description": description}).to_string())
}

/// A text without its tags, where they are those that Telegram knows and each is closed.
fn entities(html: &str) -> Option<String> {
    let (mut text, mut open, mut rest) = (String::new(), Vec::new(), html);
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        let (tag, after) = after.split_once('>')?;
        match tag.strip_prefix('/') {
            Some(name) => (open.pop()? == name).then_some(())?,
            None => {
                let name = tag.split(' ').next()?;
                ["b", "i", "u", "s", "a", "code", "pre"].contains(&name).then(|| open.push(name.to_owned()))?;
            }
        }
        rest = after;
    }
    text.push_str(rest);
    open.is_empty().then(|| text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
}

/// The fields, of JSON or of a form with a photo of at most 10 MB whose sides are not too long.
fn body(request: &Request) -> Option<Value> {
    let Some(parts) = parts(request) else { return serde_json::from_slice(&request.body).ok() };
    let (files, texts): (Vec<Part>, Vec<Part>) = parts.into_iter().partition(|part| part.file.is_some());
    let [photo] = &files[..] else { return None };
    let (width, height) = photo.picture(10_000_000).filter(|_| photo.name == "photo")?;
    let has_shape = width + height <= 10_000 && width.max(height) <= 20 * width.min(height);
    has_shape.then(|| texts.iter().map(|part| (part.name.clone(), Value::from(part.text()))).collect())
}

impl Service for Telegram {
    fn table(&self, address: &str) -> String {
        on_loopback("telegram", &format!("url = \"{address}\"\ntoken = \"42:secret-of-a-bot\"\nchat = \"-1001\""))
    }

    fn take(&self, request: &Request) -> Result<Answer, Answer> {
        let limit = match request.path.as_str() {
            "/bot42:secret-of-a-bot/sendMessage" => 4096,
            "/bot42:secret-of-a-bot/sendPhoto" => 1024,
            _ => return Err(refused(404, "Not Found")),
        };
        let body = body(request).ok_or_else(|| refused(400, "Bad Request"))?;
        if body["chat_id"] != "-1001" {
            return Err(refused(400, "Bad Request: chat not found"));
        }
        let text = body["text"].as_str().or(body["caption"].as_str()).unwrap_or_default();
        let text = match body["parse_mode"].as_str() {
            Some("HTML") => entities(text).ok_or_else(|| refused(400, "Bad Request: can't parse entities"))?,
            _ => text.to_owned(),
        };
        match text.encode_utf16().count() {
            0 => Err(refused(400, "Bad Request: message text is empty")),
            length if length <= limit => Ok(Answer::ok(json!({"ok": true, "result": {"message_id": 43}}).to_string())),
            _ if limit == 1024 => Err(refused(400, "Bad Request: message caption is too long")),
            _ => Err(refused(400, "Bad Request: message is too long")),
        }
    }

    fn busy(&self) -> Answer {
        let said = json!({"ok": false, "error_code": 429, "description": "Too Many Requests: retry after 1",
            "parameters": {"retry_after": 1}});
        Answer::new(429, said.to_string())
    }

    fn forbidden(&self) -> Answer {
        refused(403, "Forbidden: bot was kicked from the supergroup chat")
    }

    fn shown(&self, request: &Request) -> String {
        let body = body(request).unwrap();
        // It is short enough to stand under its picture.
        body["caption"].as_str().unwrap().to_owned()
    }
}

#[test]
fn it_loses_nothing() {
    goes_through_the_matrix(Telegram);
}
