//! Telegram's Bot API (<https://core.telegram.org/bots/api#sendmessage>).
//!
//! Messages are HTML, in which three signs are escaped and nothing else is read. A bot's messages cannot be told
//! apart by it: what may be a repeat says so. Later messages of an alert reply to its first.

use std::time::Duration;

use serde_json::{Value, json};

use super::Parcel;
use super::answer::{Answer, PAUSE_DEFAULT, within_reason};
use super::http::{Call, Endpoint, Part};
use super::look::Tone;
use super::markup::{Html, Plain, utf16};
use super::picture::{CHAT, Picture};
use super::probe::Probe;
use super::prose;
use super::service::{Form, Service, Verdict, by_status, stranger};
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

/// UTF-16 units of what stands under a picture, after its entities are read.
const CAPTION_MAX: usize = 1024;
/// UTF-16 units of a message, after its entities are read.
const TEXT_MAX: usize = 4096;
/// What the API says of a chat or a topic that takes no message any more.
const GONE: [&str; 6] = [
    "chat not found",
    "group chat was upgraded",
    "message thread not found",
    "topic_closed",
    "topic_deleted",
    "not enough rights",
];
/// What it says of a message that it may take in another form: of signs that it cannot read, of length, and of
/// pictures, which a group may not allow.
const TOO_MUCH: [&str; 6] = ["can't parse", "too long", "photo", "image_process_failed", "wrong file", "media"];
/// The topic "General" of every forum.
const GENERAL: i64 = 1;
/// Telegram's HTML. What is counted is more than Telegram counts, which reads the signs before it does; a phone has
/// some forty columns.
const HTML: Html = Html { line_break: "\n", width: 40, length: utf16 };

impl Service for Telegram {
    fn call(&self, parcel: Parcel<'_>, form: Form) -> Result<Call, String> {
        let mut body = json!({
            "chat_id": self.chat,
            // What is over, nobody has to be woken for.
            "disable_notification": !matches!(Tone::of(parcel.message()), Tone::Critical | Tone::Warning),
        });
        // The topic "General" is where a message goes that names none, and cannot be named.
        if let Some(topic) = self.topic.filter(|topic| *topic != GENERAL) {
            body["message_thread_id"] = topic.into();
        }
        if let Some(opening) = parcel.opening.and_then(|name| name.parse::<i64>().ok()) {
            body["reply_parameters"] = json!({"message_id": opening, "allow_sending_without_reply": true});
        }
        let text = match form {
            Form::Full => prose::letter(parcel, &HTML, TEXT_MAX),
            Form::Short => prose::note(parcel, &Plain { length: utf16 }, TEXT_MAX),
        };
        if form == Form::Full {
            body["parse_mode"] = "HTML".into();
        }
        let fits = form == Form::Full && read_length(&text) <= CAPTION_MAX;
        let call = match fits.then(|| Picture::of(parcel.message(), CHAT)).flatten() {
            Some(picture) => {
                body["caption"] = text.into();
                Call::parts(&self.method("sendPhoto"), photo(&body, picture))
            }
            None => {
                body["text"] = text.into();
                body["link_preview_options"] = json!({"is_disabled": true});
                Call::json(&self.method("sendMessage"), &body)
            }
        };
        Ok(call.hide(&self.token))
    }

    fn probe(&self) -> Probe {
        // That the bot knows the chat shows that the API knows the bot.
        let chat = self.method("getChat").with_query(&[("chat_id", &self.chat)]);
        let names = &["/result/title", "/result/username", "/result/first_name", "/result/id"];
        Probe::login(Call::get(&chat).hide(&self.token), names)
    }

    fn verdict(&self, answer: &Answer) -> Verdict {
        let Some(said) = answer.json().filter(|said| said["ok"].is_boolean()) else {
            return stranger(answer);
        };
        if said["ok"] == true {
            let remote_ref = said["result"]["message_id"].as_i64().map(|id| id.to_string());
            return answer.means(Outcome::Delivered { remote_ref }).into();
        }
        let description = said["description"].as_str().unwrap_or_default().to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| description.contains(word));
        let why = answer.told();
        match answer.status {
            400 | 403 if has(&TOO_MUCH) => Verdict::TooMuch(answer.means(Outcome::Reject { why })),
            400 if has(&GONE) => answer.means(Outcome::Disable { why: format!("{why}{}", moved(&said)) }).into(),
            429 => answer.means(Outcome::Pause { after: wait(answer, &said), why }).into(),
            _ => by_status(answer),
        }
    }
}

impl Telegram {
    /// Where a method of the API is.
    fn method(&self, name: &str) -> Endpoint {
        self.api.at(&format!("/bot{}/{name}", self.token.expose()))
    }
}

/// The fields of a form that brings a picture: what is no text is JSON in it.
fn photo(body: &Value, picture: Picture) -> Vec<(String, Part)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    let fields = body.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), Part::Text(text(value))));
    fields.chain([("photo".to_owned(), Part::Picture(picture))]).collect()
}

/// UTF-16 units of HTML once its tags and entities are read, as Telegram counts a caption. No sign in it is foreign:
/// each `<` begins a tag, each `&` an entity.
fn read_length(html: &str) -> usize {
    let (mut count, mut within) = (0, None);
    for c in html.chars() {
        match (within, c) {
            (None, '<') => within = Some('>'),
            (None, '&') => (within, count) = (Some(';'), count + 1),
            (None, c) => count += c.len_utf16(),
            (Some(end), c) if c == end => within = None,
            (Some(_), _) => {}
        }
    }
    count
}

/// Where a group went that became a supergroup.
fn moved(said: &Value) -> String {
    let chat = said["parameters"]["migrate_to_chat_id"].as_i64();
    chat.map(|chat| format!("; the chat is now chat = \"{chat}\"")).unwrap_or_default()
}

/// How long the API wants nothing: whole seconds in the body, or the header of what stands before it.
fn wait(answer: &Answer, said: &Value) -> Duration {
    let seconds = said["parameters"]["retry_after"].as_u64().map(Duration::from_secs);
    answer.wait.max(seconds.map(within_reason)).unwrap_or(PAUSE_DEFAULT)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::notify::Sent;
    use crate::notify::double::{HttpDouble, Reply, corrected, deliver, delivery, drawn, fired, parcel};
    use crate::notify::http::Body;
    use crate::notify::markup::tests::read_html;
    use crate::outbox::Message;

    fn telegram(url: &str) -> Telegram {
        let api = Endpoint { url: Secret::new(url), insecure: true, allow_private: true };
        Telegram { api, token: Secret::new("42:T0KEN-abcdef"), chat: "-1001".to_owned(), topic: Some(7) }
    }

    /// The text of a message: its signs are ours, and it is no longer than Telegram takes.
    pub fn text_of(parcel: Parcel<'_>) -> String {
        let call = telegram("http://127.0.0.1").call(parcel, Form::Full).unwrap();
        let Body::Json(body) = call.body else { panic!("no JSON") };
        let body: Value = serde_json::from_str(&body).unwrap();
        let text = read_html(body["text"].as_str().unwrap(), &["b", "code", "pre", "a"]);
        assert!((1..=TEXT_MAX).contains(&text.encode_utf16().count()));
        text
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
        <pre>period    value    change  known since
        2025-04       —   not published
        2025-05  46.4 t            2025-06-20
        2025-06   353 t  +660.8 %  2025-07-20
        2025-07   619 t   +75.4 %  2025-08-20
        2025-08   590 t    −4.7 %  2025-09-20
        2025-09   600 t    +1.7 %  2025-11-20
                 preliminary, was 420.5 t until
                 20 November 2025</pre>
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
            (400, refused(400, "Bad Request: TOPIC_CLOSED", ""), "disable"),
            (400, refused(400, "Bad Request: not enough rights to send text messages to the chat", ""), "disable"),
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

    /// A group that became a supergroup has another id, which is told.
    #[test]
    fn a_caption_is_counted_as_it_is_read() {
        for (html, expected) in [("", 0), ("<b>a</b>", 1), ("1 &lt; 2 &amp; <i>x</i>", 9), ("稀土🔴", 4)] {
            assert_eq!(read_length(html), expected, "{html}");
        }
        let letter = prose::letter(parcel(&delivery(corrected())), &HTML, TEXT_MAX);
        let read = read_html(&letter, &["b", "code", "pre", "a"]);
        assert_eq!(read_length(&letter), read.encode_utf16().count());
    }

    /// What fits under a picture comes with it; what does not is a text, and whole.
    #[tokio::test]
    async fn figures_come_as_a_picture_where_all_is_said_under_it() {
        let short = Message { table: fired().table[3..].to_vec(), ..drawn() };
        let long = Message { summary: "x".repeat(900), ..short.clone() };
        let service = telegram("http://127.0.0.1");
        let call = |message| service.call(parcel(&delivery(message)), Form::Full).unwrap();
        let Body::Parts(parts) = call(short.clone()).body else { panic!("no parts") };
        let of = |name: &str| parts.iter().find(|(known, _)| known == name).map(|(_, part)| part.clone());
        let Some(Part::Text(caption)) = of("caption") else { panic!("{parts:?}") };
        assert!(read_html(&caption, &["b", "code", "pre", "a"]).contains("9f3c21d07be45a68, episode 1"), "{caption}");
        let expected = [
            ("chat_id", "-1001"),
            ("parse_mode", "HTML"),
            ("message_thread_id", "7"),
            ("disable_notification", "false"),
        ];
        for (name, text) in expected {
            assert_eq!(of(name), Some(Part::Text(text.to_owned())));
        }
        assert!(matches!(of("photo"), Some(Part::Picture(_))));
        assert!(matches!(call(long).body, Body::Json(_)));

        // A group that allows no pictures gets the text.
        let error = r#"{"ok":false,"error_code":400,"description":"Bad Request: not enough rights to send photos to the chat"}"#;
        let server = HttpDouble::start(Reply::status(400).body(error)).await;
        deliver(&telegram(&server.url("")), parcel(&delivery(short))).await;
        let lines: Vec<String> = server.requests().iter().map(|request| request.line.clone()).collect();
        assert!(lines[0].contains("/sendPhoto ") && lines[1].contains("/sendMessage "), "{lines:?}");
        assert!(server.requests()[1].body.contains("<pre>"));
    }

    #[tokio::test]
    async fn a_chat_that_moved_says_where_it_is() {
        let body = r#"{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-100987654}}"#;
        let server = HttpDouble::start(Reply::status(400).body(body)).await;
        let sent = deliver(&telegram(&server.url("")), parcel(&delivery(fired()))).await;
        assert_eq!(sent.outcome.name(), "disable");
        assert!(sent.outcome.why().unwrap().ends_with("; the chat is now chat = \"-100987654\""), "{sent:?}");
    }

    #[test]
    fn a_forum_has_topics_and_its_general_one_is_not_named() {
        let topic_of = |topic| {
            let delivery = delivery(fired());
            let telegram = Telegram { topic, ..telegram("http://127.0.0.1") };
            let call = telegram.call(parcel(&delivery), Form::Full).unwrap();
            let Body::Json(body) = call.body else { panic!("no JSON") };
            serde_json::from_str::<Value>(&body).unwrap()["message_thread_id"].clone()
        };
        assert_eq!([Some(7), Some(1), None].map(topic_of), [json!(7), Value::Null, Value::Null]);
    }

    /// What stands before the API may find a message too large in words of its own.
    #[tokio::test]
    async fn what_a_stranger_finds_too_large_is_said_in_short() {
        let server = HttpDouble::start(Reply::status(413).body("<html>too large</html>")).await;
        let sent = deliver(&telegram(&server.url("")), parcel(&delivery(fired()))).await;
        assert_eq!((sent.outcome.name(), server.requests().len()), ("reject", 2));
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
