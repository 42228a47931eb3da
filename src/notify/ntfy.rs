//! ntfy, of ntfy.sh or one's own (<https://docs.ntfy.sh/publish/#publish-as-json>).
//!
//! Messages are plain text: phones show Markdown as it is written. A copy cannot be told: what may be a repeat says
//! so. A topic has no threads.

use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{Answer, PAUSE_DEFAULT};
use super::http::{Call, Endpoint};
use super::look::Tone;
use super::markup::{Plain, json_bytes};
use super::probe::Probe;
use super::service::{Form, Service, Verdict, by_status, stranger};
use super::{Parcel, prose};
use crate::base::clock::Timestamp;
use crate::base::secret::Secret;
use crate::outbox::{Message, Outcome};

/// A topic.
#[derive(Clone, Debug)]
pub struct Ntfy {
    /// The server.
    pub server: Endpoint,
    /// The topic's name.
    pub topic: String,
    /// How we log in, where the topic is not open to everyone.
    pub login: Option<Login>,
}

/// How a server knows us.
#[derive(Clone, Debug)]
pub enum Login {
    /// By a token.
    Token(Secret),
    /// By name and password.
    Password(String, Secret),
}

/// Bytes of a message, at most: a longer one than 4096 becomes a file that somebody has to open.
const MESSAGE_MAX: usize = 4000;
/// Characters of a title, at most. A whole request has 8192 bytes.
const TITLE_MAX: usize = 250;
/// Bytes of an address, at most.
const ADDRESS_MAX: usize = 400;
/// Buttons, at most.
const ACTIONS_MAX: usize = 3;
/// A pause for a quota of the day, where the server does not say what time it has.
const QUOTA_PAUSE: Duration = Duration::from_secs(3600);
/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

impl Service for Ntfy {
    fn call(&self, parcel: Parcel<'_>, form: Form) -> Result<Call, String> {
        let message = parcel.message();
        let markup = Plain { length: json_bytes };
        let mut body = json!({
            "topic": self.topic,
            "title": prose::headline(message, TITLE_MAX),
            "priority": priority(message),
        });
        match form {
            Form::Full => {
                let pages = prose::pages(message, ADDRESS_MAX);
                body["message"] = prose::body(parcel, &markup, MESSAGE_MAX).into();
                if let Some((_, page)) = pages.first() {
                    body["click"] = (*page).into();
                    let action =
                        |(title, page): &(String, &str)| json!({"action": "view", "label": title, "url": page});
                    body["actions"] = pages.iter().take(ACTIONS_MAX).map(action).collect();
                }
            }
            Form::Short => body["message"] = prose::note(parcel, &markup, MESSAGE_MAX / 4).into(),
        }
        let call = Call::json(&self.server.at("/"), &body);
        Ok(match &self.login {
            None => call,
            Some(login) => login.sign(call),
        })
    }

    fn probe(&self) -> Probe {
        // Who may write to a topic and not read it is known all the same.
        match &self.login {
            None => Probe::health(Call::get(&self.server.at("/v1/health")), "/healthy"),
            Some(login) => Probe::login(login.sign(Call::get(&self.server.at("/v1/account"))), &["/username"]),
        }
    }

    fn verdict(&self, answer: &Answer) -> Verdict {
        let said = answer.json().unwrap_or(Value::Null);
        if (200..=299).contains(&answer.status) {
            // The published message comes back; a page of login has no `event`.
            let id = said["id"].as_str().filter(|_| said["event"] == "message");
            let delivered = |id: &str| answer.means(Outcome::Delivered { remote_ref: Some(id.to_owned()) });
            return id.map_or_else(|| stranger(answer), |id| delivered(id).into());
        }
        let why = answer.told();
        match said["code"].as_u64() {
            // The topic's name is none, or one that the server keeps for itself.
            Some(40009 | 40010) => answer.means(Outcome::Disable { why }).into(),
            // It would have become an attachment, and there are none.
            Some(40014) => Verdict::TooMuch(answer.means(Outcome::Reject { why })),
            // So many messages, or so many bytes, in a day.
            Some(42905 | 42908) => answer.means(Outcome::Pause { after: until_midnight(answer), why }).into(),
            Some(42900..=42999) => answer.means(answer.pause(PAUSE_DEFAULT)).into(),
            _ => by_status(answer),
        }
    }
}

impl Login {
    fn sign(&self, call: Call) -> Call {
        match self {
            Self::Token(token) => call.bearer(token),
            Self::Password(name, password) => call.basic(name, password),
        }
    }
}

/// From 1 to 5: 5 rings through "do not disturb", 2 makes no sound.
const fn priority(message: &Message) -> u8 {
    match Tone::of(message) {
        Tone::Critical => 5,
        Tone::Warning => 4,
        Tone::Info | Tone::Corrected => 3,
        Tone::Resolved | Tone::Ended => 2,
    }
}

/// Quotas begin again at midnight, UTC.
fn until_midnight(answer: &Answer) -> Duration {
    let midnight = |now: Timestamp| Timestamp::from_millis((now.millis().div_euclid(DAY) + 1) * DAY);
    answer.date().and_then(|now| answer.until(midnight(now))).unwrap_or(QUOTA_PAUSE)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::notify::Sent;
    use crate::notify::double::{HttpDouble, Reply, corrected, deliver, delivery, fired, noticed, parcel, resolved};

    fn ntfy(url: &str) -> Ntfy {
        let server = Endpoint { url: Secret::new(url), insecure: true, allow_private: true };
        Ntfy { server, topic: "supply".to_owned(), login: Some(Login::Token(Secret::new("tk_T0KEN-abcdef"))) }
    }

    pub fn payload_of(parcel: Parcel<'_>) -> Value {
        let call = ntfy("http://127.0.0.1").call(parcel, Form::Full).unwrap();
        let super::super::http::Body::Json(body) = call.body else { panic!("no JSON") };
        assert!(body.len() <= 8192, "{} bytes", body.len());
        serde_json::from_str(&body).unwrap()
    }

    pub fn check_limits(payload: &Value) {
        let message = payload["message"].as_str().unwrap();
        assert!(!message.is_empty() && message.len() <= MESSAGE_MAX, "{} bytes", message.len());
        assert!(payload["title"].as_str().unwrap().chars().count() <= TITLE_MAX);
        assert!(payload["actions"].as_array().is_none_or(|actions| actions.len() <= ACTIONS_MAX));
    }

    #[tokio::test]
    async fn a_message_is_text_for_a_phone() {
        let server = HttpDouble::start(Reply::status(200).body(r#"{"id":"xE73","event":"message"}"#)).await;
        let sent = deliver(&ntfy(&server.url("")), parcel(&delivery(corrected()))).await;
        assert_eq!(sent, Sent::delivered(Some("xE73".to_owned())).with_status(Some(200)));
        let [request] = &server.requests()[..] else { panic!("one request") };
        assert_eq!(request.line, "POST / HTTP/1.1");
        assert_eq!(request.header("authorization"), Some("Bearer tk_T0KEN-abcdef"));
        let body: Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!((&body["topic"], &body["priority"], &body["click"]), (&json!("supply"), &json!(3), &Value::Null));
        insta::assert_snapshot!(format!("{}\n\n{}", body["title"].as_str().unwrap(), body["message"].as_str().unwrap()), @"
        ✏️ CORRECTED: China → US rare-earth magnet exports: `declines >= 2` no longer holds after a revision: September 2025 is now 600 t, was 420.5 t

        August 2025 590 t, September 2025 600 t. Known since 20 November 2025.
        Said before: on 20 October 2025: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %
        Revised: 2025-09: was 420.5 t, is 600 t since 2025-11-20
        ✗ fails: `declines >= 2` declines = 0
        2025-04, —, not published
        2025-05, 46.4 t, known since 2025-06-20
        2025-06, 353 t, +660.8 %, known since 2025-07-20
        2025-07, 619 t, +75.4 %, known since 2025-08-20
        2025-08, 590 t, −4.7 %, known since 2025-09-20
        2025-09, 600 t, +1.7 %, preliminary, known since 2025-11-20, was 420.5 t until 20 November 2025
        Source: china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC
        Rule: `magnet-exports-falling: declines >= 2`
        9f3c21d07be45a68, episode 1, message 2, 2025-11-20 01:05 UTC, supplywatch 0.1.0
        ");
    }

    #[test]
    fn an_opening_and_a_closing_are_whole() {
        let shown = |message| {
            let payload = payload_of(parcel(&delivery(message)));
            format!("{}\n\n{}", payload["title"].as_str().unwrap(), payload["message"].as_str().unwrap())
        };
        insta::assert_snapshot!(shown(fired()), @"
        🔴 CRITICAL: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %

        July 2025 619 t, August 2025 590 t, September 2025 420.5 t. Known since 20 October 2025.
        ✓ holds: `declines >= 2` declines = 2
        2025-04, —, not published
        2025-05, 46.4 t, known since 2025-06-20
        2025-06, 353 t, +660.8 %, known since 2025-07-20
        2025-07, 619 t, +75.4 %, known since 2025-08-20
        2025-08, 590 t, −4.7 %, known since 2025-09-20
        2025-09, 420.5 t, −28.7 %, known since 2025-10-20
        Clears: ends when `declines >= 2` no longer holds
        Source: china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC
        Rule: `magnet-exports-falling: declines >= 2`
        9f3c21d07be45a68, episode 1, message 1, 2025-10-20 01:05 UTC, supplywatch 0.1.0
        ");
        insta::assert_snapshot!(shown(resolved()), @"
        ✅ RESOLVED: China → US rare-earth magnet exports: `declines >= 2` no longer holds: 656 t in October 2025, +56 %

        September 2025 420.5 t, October 2025 656 t. Known since 20 November 2025.
        Said before: on 20 October 2025: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %
        ✗ fails: `declines >= 2` declines = 0
        2025-05, 46.4 t, known since 2025-06-20
        2025-06, 353 t, +660.8 %, known since 2025-07-20
        2025-07, 619 t, +75.4 %, known since 2025-08-20
        2025-08, 590 t, −4.7 %, known since 2025-09-20
        2025-09, 420.5 t, −28.7 %, known since 2025-10-20
        2025-10, 656 t, +56 %, known since 2025-11-20
        Source: china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC
        Rule: `magnet-exports-falling: declines >= 2`
        9f3c21d07be45a68, episode 1, message 2, 2025-11-20 01:05 UTC, supplywatch 0.1.0
        ");
    }

    #[test]
    fn what_can_be_read_is_a_tap_away() {
        insta::assert_snapshot!(format!("{:#}", payload_of(parcel(&delivery(noticed())))), @r#"
        {
          "actions": [
            {
              "action": "view",
              "label": "Licences for gallium",
              "url": "https://notices.example/documents/2026/09/24/2026-2/a-title-that-is-long-enough-to-be-wider-than-a-line"
            },
            {
              "action": "view",
              "label": "Gallium <b>list</b>",
              "url": "https://notices.example/documents/2026/09/24/C1-2026-1/a-title-that-is-long-enough-to-be-wider-than-a-line"
            }
          ],
          "click": "https://notices.example/documents/2026/09/24/2026-2/a-title-that-is-long-enough-to-be-wider-than-a-line",
          "message": "2 items, published on 24 September 2026; 1 corrects another.\n• 24 September 2026: Licences for gallium (Rule, Industry and Security Bureau). Until 10 November 2026. The licence requirement is suspended. https://notices.example/documents/2026/09/24/2026-2/a-title-that-is-long-enough-to-be-wider-than-a-line\n• 24 September 2026: Gallium <b>list</b> (Rule, Industry and Security Bureau). Corrects Gallium <b>list</b> (2026-1), published on 1 September 2026. https://notices.example/documents/2026/09/24/C1-2026-1/a-title-that-is-long-enough-to-be-wider-than-a-line\n… and 3 more\n✓ holds: `new(\"gallium\")` new('gallium') = holds\nSource: china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC\nRule: `magnet-exports-falling: declines >= 2`\n9f3c21d07be45a68, episode 1, message 1, 2025-10-20 01:05 UTC, supplywatch 0.1.0",
          "priority": 4,
          "title": "🟠 WARNING: export rules: Licences for gallium, and 1 more",
          "topic": "supply"
        }
        "#);
    }

    #[test]
    fn the_worse_it_is_the_louder_it_is() {
        let priority = |message| payload_of(parcel(&delivery(message)))["priority"].clone();
        let table = [(fired(), 5), (noticed(), 4), (corrected(), 3), (resolved(), 2)];
        for (message, expected) in table {
            assert_eq!(priority(message), expected);
        }
    }

    #[tokio::test]
    async fn what_the_server_says_decides() {
        let error = |code: u32, error: &str| {
            format!(
                r#"{{"code":{code},"http":{},"error":"{error}","link":"https://ntfy.sh/docs/publish"}}"#,
                code / 100
            )
        };
        let table = [
            (400, error(40009, "invalid request: topic invalid"), "disable", None),
            (400, error(40024, "invalid request: request body must be valid JSON"), "reject", None),
            (401, error(40101, "unauthorized"), "disable", None),
            (403, error(40301, "forbidden"), "disable", None),
            (413, error(41303, "JSON body too large"), "reject", None),
            (429, error(42901, "limit reached: too many requests"), "pause", Some(60)),
            // Till midnight there are more than six hours.
            (429, error(42908, "limit reached: daily message quota reached"), "pause", Some(6 * 3600)),
            (507, error(50701, "cannot publish to UnifiedPush topic"), "retry", None),
            (502, "<html>bad gateway</html>".to_owned(), "retry", None),
            (200, "<html>please log in</html>".to_owned(), "retry", None),
            (302, String::new(), "disable", None),
        ];
        for (status, body, outcome, pause) in table {
            let reply = Reply::status(status).body(&body).header("date", "Mon, 20 Oct 2025 01:00:00 GMT");
            let server = HttpDouble::start(reply).await;
            let sent = deliver(&ntfy(&server.url("")), parcel(&delivery(fired()))).await;
            assert_eq!((sent.outcome.name(), sent.status), (outcome, Some(status)), "{body}: {sent:?}");
            assert!(!format!("{sent:?}").contains("T0KEN"));
            if let Outcome::Pause { after, .. } = sent.outcome {
                assert_eq!(Some(after.as_secs()), pause, "{body}");
            }
        }
    }

    #[test]
    fn a_quota_of_the_day_begins_again_at_midnight() {
        let at = |date: &str| {
            let headers = [(reqwest::header::DATE, date.parse().unwrap())].into_iter().collect();
            until_midnight(&Answer { headers, ..Answer::default() }).as_secs()
        };
        assert_eq!(at("Mon, 20 Oct 2025 23:00:00 GMT"), 3600);
        assert_eq!(at("Tue, 21 Oct 2025 00:00:00 GMT"), 6 * 3600);
        assert_eq!(until_midnight(&Answer::default()), QUOTA_PAUSE);
    }

    #[tokio::test]
    async fn what_is_too_long_is_said_shorter() {
        let body = r#"{"code":40014,"http":400,"error":"invalid request: attachments not allowed"}"#;
        let server = HttpDouble::start(Reply::status(400).body(body)).await;
        let sent = deliver(&ntfy(&server.url("")), parcel(&delivery(fired()))).await;
        assert_eq!(sent.outcome.name(), "reject");
        let [full, short] = &server.requests()[..] else { panic!("two requests") };
        assert!(short.body.len() < full.body.len() && short.body.contains("420.5 t"));
    }

    #[test]
    fn a_login_is_sent_and_not_shown() {
        let login = Login::Password("watch".to_owned(), Secret::new("pa55word"));
        let service = Ntfy { login: Some(login), ..ntfy("https://ntfy.example") };
        let call = service.call(parcel(&delivery(fired())), Form::Full).unwrap();
        assert!(call.headers.contains(&("authorization", "Basic d2F0Y2g6cGE1NXdvcmQ=".to_owned())));
        assert!(!call.preview().contains("d2F0Y2g6") && call.preview().contains("POST https://ntfy.example/…"));
        let open = Ntfy { login: None, ..ntfy("https://ntfy.example") };
        assert!(open.call(parcel(&delivery(fired())), Form::Full).unwrap().headers.is_empty());
    }
}
