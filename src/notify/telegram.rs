//! Telegram's Bot API (<https://core.telegram.org/bots/api#sendmessage>).
//!
//! Messages are HTML, in which three signs are escaped and nothing else is read. A bot's messages cannot be told
//! apart by it: what may be a repeat says so. Later messages of an alert reply to its first.

use std::time::Duration;

use serde_json::{Value, json};

use super::Parcel;
use super::answer::{Answer, PAUSE_DEFAULT};
use super::http::{Call, Endpoint};
use super::look::Tone;
use super::prose::{self, Bare, Markup};
use super::service::{Form, Service, Verdict, by_status};
use crate::base::limits::RETRY_AFTER_MAX;
use crate::base::secret::Secret;
use crate::outbox::Outcome;

/// A chat that a bot writes to.
#[derive(Clone, Debug)]
pub struct Telegram {
    /// The API's server.
    pub api: Endpoint,
    /// The bot's token.
    pub token: Secret,
    /// The chat's id, or `@name`.
    pub chat: String,
    /// The topic of a forum.
    pub topic: Option<i64>,
}

/// UTF-16 units of a message, after its entities are read.
const TEXT_MAX: usize = 4096;

impl Service for Telegram {
    fn call(&self, parcel: Parcel<'_>, form: Form) -> Result<Call, String> {
        let mut body = json!({
            "chat_id": self.chat,
            "link_preview_options": {"is_disabled": true},
            // What is over, nobody has to be woken for.
            "disable_notification": !matches!(Tone::of(parcel.message()), Tone::Critical | Tone::Warning),
        });
        match form {
            Form::Full => {
                body["text"] = prose::letter(parcel, &Html, TEXT_MAX).into();
                body["parse_mode"] = "HTML".into();
            }
            Form::Short => body["text"] = prose::note(parcel, &Bare, TEXT_MAX).into(),
        }
        if let Some(topic) = self.topic {
            body["message_thread_id"] = topic.into();
        }
        if let Some(opening) = parcel.opening.and_then(|name| name.parse::<i64>().ok()) {
            body["reply_parameters"] = json!({"message_id": opening, "allow_sending_without_reply": true});
        }
        let endpoint = self.api.at(&format!("/bot{}/sendMessage", self.token.expose()));
        Ok(Call::json(&endpoint, &body).hide(&self.token))
    }

    fn verdict(&self, answer: &Answer) -> Verdict {
        let Some(said) = answer.json().filter(|said| said["ok"].is_boolean()) else {
            return answer.stranger().into();
        };
        if said["ok"] == true {
            let remote_ref = said["result"]["message_id"].as_i64().map(|id| id.to_string());
            return answer.means(Outcome::Delivered { remote_ref }).into();
        }
        let description = said["description"].as_str().unwrap_or_default().to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| description.contains(word));
        let why = answer.told();
        match answer.status {
            400 if has(&["can't parse", "message is too long"]) => {
                Verdict::TooMuch(answer.means(Outcome::Reject { why }))
            }
            400 if has(&["chat not found", "group chat was upgraded", "message thread not found"]) => {
                answer.means(Outcome::Disable { why: format!("{why}{}", moved(&said)) }).into()
            }
            429 => answer.means(Outcome::Pause { after: wait(&said), why }).into(),
            _ => by_status(answer),
        }
    }
}

/// Where a group went that became a supergroup.
fn moved(said: &Value) -> String {
    let chat = said["parameters"]["migrate_to_chat_id"].as_i64();
    chat.map(|chat| format!("; the chat is now chat = \"{chat}\"")).unwrap_or_default()
}

/// How long the API wants nothing: whole seconds.
fn wait(said: &Value) -> Duration {
    let seconds = said["parameters"]["retry_after"].as_u64().map(Duration::from_secs);
    seconds.unwrap_or(PAUSE_DEFAULT).clamp(Duration::from_secs(1), RETRY_AFTER_MAX)
}

/// Telegram's HTML.
struct Html;

impl Markup for Html {
    fn text(&self, text: &str) -> String {
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
    }

    fn strong(&self, text: &str) -> String {
        format!("<b>{}</b>", self.text(text))
    }

    fn code(&self, text: &str) -> String {
        format!("<code>{}</code>", self.text(text))
    }

    fn block(&self, text: &str) -> String {
        format!("<pre>{}</pre>", self.text(text))
    }

    fn link(&self, text: &str, address: &str) -> String {
        format!("<a href=\"{}\">{}</a>", self.text(address).replace('"', "&quot;"), self.text(text))
    }

    /// More than Telegram counts, which reads the signs before it does.
    fn length(&self, rendered: &str) -> usize {
        rendered.encode_utf16().count()
    }

    fn width(&self) -> usize {
        48
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::Sent;
    use crate::notify::double::{HttpDouble, Reply, corrected, deliver, delivery, fired, parcel};

    fn telegram(url: &str) -> Telegram {
        let api = Endpoint { url: Secret::new(url), insecure: true, allow_private: true };
        Telegram { api, token: Secret::new("42:T0KEN-abcdef"), chat: "-1001".to_owned(), topic: Some(7) }
    }

    #[tokio::test]
    async fn a_message_replies_to_the_first_of_its_thread() {
        let server = HttpDouble::start(Reply::status(200).body(r#"{"ok":true,"result":{"message_id":43}}"#)).await;
        let delivery = delivery(corrected());
        let later = Parcel { opening: Some("42"), ..parcel(&delivery) };
        let sent = deliver(&telegram(&server.url("")), later).await;
        assert_eq!(sent, Sent::delivered(Some("43".to_owned())).with_status(Some(200)));
        let [request] = &server.requests()[..] else { panic!("one request") };
        assert_eq!(request.line, "POST /bot42:T0KEN-abcdef/sendMessage HTTP/1.1");
        let body: Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!((&body["chat_id"], &body["message_thread_id"]), (&json!("-1001"), &json!(7)));
        assert_eq!(body["reply_parameters"]["message_id"], 42);
        insta::assert_snapshot!(body["text"].as_str().unwrap(), @"
        <b>✏️ CORRECTED: China → US rare-earth magnet exports: `declines &gt;= 2` no longer holds after a revision: September 2025 is now 600 t, was 420.5 t</b>
        August 2025 590 t, September 2025 600 t. Known since 20 November 2025.
        <b>Said before:</b> on 20 October 2025: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %
        <b>Revised:</b> 2025-09: was 420.5 t, is 600 t since 2025-11-20
        ✗ fails: <code>declines &gt;= 2</code> declines = 0
        <pre>2025-04, —, not published
        2025-05, 46.4 t, known since 2025-06-20
        2025-06, 353 t, +660.8 %, known since
        2025-07-20
        2025-07, 619 t, +75.4 %, known since
        2025-08-20
        2025-08, 590 t, −4.7 %, known since 2025-09-20
        2025-09, 600 t, +1.7 %, preliminary, known
        since 2025-11-20, was 420.5 t until 20
        November 2025</pre>
        <b>Source:</b> china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC
        Rule: <code>magnet-exports-falling: declines &gt;= 2</code>
        9f3c21d07be45a68, episode 1, message 2, 2025-11-20 01:05 UTC, supplywatch 0.1.0
        ");
    }

    #[tokio::test]
    async fn what_the_api_says_decides() {
        let refused = |code: u16, description: &str, more: &str| {
            format!(r#"{{"ok":false,"error_code":{code},"description":"{description}"{more}}}"#)
        };
        let wait = r#","parameters":{"retry_after":35}"#;
        let table = [
            (429, refused(429, "Too Many Requests: retry after 35", wait), "pause"),
            (400, refused(400, "Bad Request: chat not found", ""), "disable"),
            (400, refused(400, "Bad Request: message text is empty", ""), "reject"),
            (401, refused(401, "Unauthorized", ""), "disable"),
            (403, refused(403, "Forbidden: bot was kicked from the group chat", ""), "disable"),
            (500, refused(500, "Internal Server Error", ""), "retry"),
            (200, "<html>please log in</html>".to_owned(), "retry"),
            (302, String::new(), "disable"),
        ];
        for (status, body, outcome) in table {
            let server = HttpDouble::start(Reply::status(status).body(&body)).await;
            let sent = deliver(&telegram(&server.url("")), parcel(&delivery(fired()))).await;
            assert_eq!((sent.outcome.name(), sent.status), (outcome, Some(status)), "{body}: {sent:?}");
            assert!(!format!("{sent:?}").contains("T0KEN"));
            if outcome == "pause" {
                assert!(matches!(sent.outcome, Outcome::Pause { after, .. } if after.as_secs() == 35), "{sent:?}");
            }
        }
    }

    /// Where its signs are not understood, the message goes out without any.
    #[tokio::test]
    async fn what_cannot_be_parsed_is_said_plainly() {
        let body = r#"{"ok":false,"error_code":400,"description":"Bad Request: can't parse entities: x"}"#;
        let server = HttpDouble::start(Reply::status(400).body(body)).await;
        let sent = deliver(&telegram(&server.url("")), parcel(&delivery(fired()))).await;
        assert_eq!(sent.outcome.name(), "reject");
        let [full, short] = &server.requests()[..] else { panic!("two requests") };
        assert!(full.body.contains("parse_mode") && !short.body.contains("parse_mode"));
        assert!(short.body.contains("420.5 t"));
    }
}
