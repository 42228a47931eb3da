//! Pushover (<https://pushover.net/api>).
//!
//! Messages are plain text of 1024 characters. A copy cannot be told: what may be a repeat says so. There are no
//! threads.

use std::time::Duration;

use serde_json::Value;

use super::answer::Answer;
use super::http::{Call, Endpoint, Part};
use super::look::Tone;
use super::markup::{Plain, chars};
use super::picture::{CHAT, Picture};
use super::probe::Probe;
use super::service::{Form, Service, Verdict, by_status, stranger};
use super::{Parcel, prose};
use crate::base::clock::Timestamp;
use crate::base::secret::Secret;
use crate::outbox::{Message, Outcome};

/// A user or a group, told by an application.
#[derive(Clone, Debug)]
pub struct Pushover {
    /// The API's server.
    pub api: Endpoint,
    /// The application's token.
    pub token: Secret,
    /// The user's or the group's key.
    pub user: Secret,
    /// How a critical message insists, where it does.
    pub insists: Option<Insists>,
}

/// It rings again and again until somebody acknowledges it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insists {
    /// How often it rings.
    pub retry: Duration,
    /// How long.
    pub expire: Duration,
}

/// Characters of a message, at most.
const MESSAGE_MAX: usize = 1024;
/// Characters of a title, at most.
const TITLE_MAX: usize = 250;
/// Bytes of an address, at most.
const ADDRESS_MAX: usize = 512;
/// Sooner than this, the API does not want to hear of us again after an error of its own.
const RETRY_MIN: Duration = Duration::from_secs(5);
/// A pause for the month's quota, where the API does not say when it begins again.
const QUOTA_PAUSE: Duration = Duration::from_secs(3600);

impl Service for Pushover {
    fn call(&self, parcel: Parcel<'_>, form: Form) -> Result<Call, String> {
        let message = parcel.message();
        let markup = Plain { length: chars };
        let text = match form {
            Form::Full => prose::body(parcel, &markup, MESSAGE_MAX),
            Form::Short => prose::note(parcel, &markup, MESSAGE_MAX / 2),
        };
        let mut fields = vec![
            ("token", self.token.expose().to_owned()),
            ("user", self.user.expose().to_owned()),
            ("title", prose::headline(message, TITLE_MAX)),
            ("message", text),
            ("timestamp", message.at.seconds().to_string()),
        ];
        fields.extend(self.urgency(message));
        if let Some((title, page)) = prose::pages(message, ADDRESS_MAX).into_iter().next() {
            fields.extend([("url", page.to_owned()), ("url_title", title)]);
        }
        let api = self.api.at("/1/messages.json");
        let picture = (form == Form::Full).then(|| Picture::of(message, CHAT)).flatten();
        let call = match picture {
            None => Call::form(&api, fields),
            Some(picture) => {
                let texts = fields.into_iter().map(|(name, text)| (name.to_owned(), Part::Text(text)));
                Call::parts(&api, texts.chain([("attachment".to_owned(), Part::Picture(picture))]).collect())
            }
        };
        Ok(call.hide(&self.token).hide(&self.user))
    }

    fn probe(&self) -> Probe {
        let fields = vec![("token", self.token.expose().to_owned()), ("user", self.user.expose().to_owned())];
        let call = Call::form(&self.api.at("/1/users/validate.json"), fields);
        Probe::login(call.hide(&self.token).hide(&self.user), &["/status"])
    }

    fn verdict(&self, answer: &Answer) -> Verdict {
        let Some(said) = answer.json().filter(|said| said["status"].is_number()) else {
            return self.by_status(answer);
        };
        if said["status"] == 1 && (200..=299).contains(&answer.status) {
            let remote_ref = said["request"].as_str().map(ToOwned::to_owned);
            return answer.means(Outcome::Delivered { remote_ref }).into();
        }
        let why = answer.told();
        match answer.status {
            429 => answer.means(Outcome::Pause { after: until_reset(answer), why }).into(),
            400 | 413 if is_of_picture(&said) => Verdict::TooMuch(answer.means(Outcome::Reject { why })),
            200..=499 if is_unknown(&said) => answer.means(Outcome::Disable { why }).into(),
            // A status that is not 1 is a refusal, whatever HTTP says.
            200..=299 => answer.means(Outcome::Reject { why }).into(),
            _ => self.by_status(answer),
        }
    }
}

impl Pushover {
    /// From -2 to 2: 2 rings until it is acknowledged, 1 rings through quiet hours, -1 makes no sound.
    fn urgency(&self, message: &Message) -> Vec<(&'static str, String)> {
        let priority = |priority: i8| ("priority", priority.to_string());
        match (Tone::of(message), self.insists) {
            (Tone::Critical, Some(Insists { retry, expire })) => {
                vec![priority(2), ("retry", retry.as_secs().to_string()), ("expire", expire.as_secs().to_string())]
            }
            (Tone::Critical, None) => vec![priority(1)],
            (Tone::Warning | Tone::Corrected, _) => vec![priority(0)],
            (Tone::Info | Tone::Resolved | Tone::Ended, _) => vec![priority(-1)],
        }
    }

    /// What an answer means by its status; after an error of the API's own no sooner than it wants.
    fn by_status(&self, answer: &Answer) -> Verdict {
        match answer.status {
            429 => answer.means(Outcome::Pause { after: until_reset(answer), why: answer.told() }).into(),
            200..=299 => stranger(answer),
            _ => by_status(&Answer { wait: answer.wait.max(Some(RETRY_MIN)), ..answer.clone() }),
        }
    }
}

/// Whether the application or the user is none.
fn is_unknown(said: &Value) -> bool {
    ["token", "user"].iter().any(|key| said[key] == "invalid")
}

/// Whether it is the picture that is wrong.
fn is_of_picture(said: &Value) -> bool {
    let mut errors = said["errors"].as_array().into_iter().flatten().filter_map(Value::as_str);
    !said["attachment"].is_null() || errors.any(|error| error.contains("attachment"))
}

/// The month's quota begins again at a moment that the API names, in seconds since 1970.
fn until_reset(answer: &Answer) -> Duration {
    let reset = answer.header("x-limit-app-reset").and_then(|text| text.trim().parse::<i64>().ok());
    let reset = reset.map(|seconds| Timestamp::from_millis(seconds.saturating_mul(1000)));
    reset.and_then(|moment| answer.until(moment)).max(answer.wait).unwrap_or(QUOTA_PAUSE)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::notify::Sent;
    use crate::notify::double::{
        HttpDouble, Reply, corrected, deliver, delivery, drawn, fired, noticed, parcel, resolved,
    };
    use crate::notify::http::Body;

    fn pushover(url: &str) -> Pushover {
        let api = Endpoint { url: Secret::new(url), insecure: true, allow_private: true };
        Pushover { api, token: Secret::new("T0KENabcdef"), user: Secret::new("uK3Yabcdef"), insists: None }
    }

    fn fields_of(service: &Pushover, message: Message) -> Vec<(&'static str, String)> {
        let delivery = delivery(message);
        let Body::Form(fields) = service.call(parcel(&delivery), Form::Full).unwrap().body else { panic!("no form") };
        fields
    }

    fn field(fields: &[(&str, String)], name: &str) -> Option<String> {
        fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }

    pub fn check_limits(message: Message) {
        let fields = fields_of(&pushover("http://127.0.0.1"), message);
        for (name, limit) in [("message", MESSAGE_MAX), ("title", TITLE_MAX), ("url", ADDRESS_MAX), ("url_title", 100)]
        {
            let value = field(&fields, name).unwrap_or_else(|| "x".to_owned());
            assert!((1..=limit).contains(&value.chars().count()), "{name}: {value}");
        }
    }

    #[tokio::test]
    async fn a_message_is_a_form_of_text() {
        let server = HttpDouble::start(Reply::status(200).body(r#"{"status":1,"request":"647d2300"}"#)).await;
        let sent = deliver(&pushover(&server.url("")), parcel(&delivery(corrected()))).await;
        assert_eq!(sent, Sent::delivered(Some("647d2300".to_owned())).with_status(Some(200)));
        let [request] = &server.requests()[..] else { panic!("one request") };
        assert_eq!(request.line, "POST /1/messages.json HTTP/1.1");
        let delivery = delivery(corrected());
        insta::assert_snapshot!(pushover("https://api.pushover.net").call(parcel(&delivery), Form::Full).unwrap().preview(), @"
        POST https://api.pushover.net/…
        content-type: application/x-www-form-urlencoded
        user-agent: supplywatch/0.1.0

        token = <secret>
        user = <secret>
        title = ✏️ CORRECTED: China → US rare-earth magnet exports: `declines >= 2` no longer holds after a revision: September 2025 is now 600 t, was 420.5 t
        message = August 2025 590 t, September 2025 600 t. Known since 20 November 2025.
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
        timestamp = 1763600700
        priority = 0
        ");
    }

    #[test]
    fn an_opening_and_a_closing_are_whole() {
        let shown = |message| {
            let fields = fields_of(&pushover("http://127.0.0.1"), message);
            format!("{}\n\n{}", field(&fields, "title").unwrap(), field(&fields, "message").unwrap())
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

    #[tokio::test]
    async fn figures_come_as_a_picture() {
        let delivery = delivery(drawn());
        let call = pushover("https://api.pushover.net").call(parcel(&delivery), Form::Full).unwrap();
        let (shown, Body::Parts(parts)) = (call.preview(), call.body) else { panic!("no parts") };
        assert!(shown.contains("token = <secret>") && shown.contains("attachment = chart.png (image/png, "), "{shown}");
        let names: Vec<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["token", "user", "title", "message", "timestamp", "priority", "attachment"]);

        let error = r#"{"attachment":"is too large","errors":["attachment is too large"],"status":0}"#;
        let server = HttpDouble::start(Reply::status(400).body(error)).await;
        deliver(&pushover(&server.url("")), parcel(&delivery)).await;
        let kinds: Vec<String> =
            server.requests().iter().map(|request| request.header("content-type").unwrap()[..15].to_owned()).collect();
        assert_eq!(kinds, ["multipart/form-", "application/x-w", "application/x-w"]);
    }

    #[test]
    fn what_can_be_read_is_a_tap_away() {
        let fields = fields_of(&pushover("http://127.0.0.1"), noticed());
        assert!(field(&fields, "url").unwrap().starts_with("https://notices.example/documents/2026/09/24/2026-2/"));
        assert_eq!(field(&fields, "url_title").as_deref(), Some("Licences for gallium"));
    }

    #[test]
    fn only_who_wants_it_is_rung_until_he_answers() {
        let plain = pushover("http://127.0.0.1");
        let insists = Insists { retry: Duration::from_secs(60), expire: Duration::from_secs(3600) };
        let insisting = Pushover { insists: Some(insists), ..plain.clone() };
        let urgency = |service: &Pushover, message| {
            let fields = fields_of(service, message);
            ["priority", "retry", "expire"].map(|name| field(&fields, name).unwrap_or_default())
        };
        assert_eq!(urgency(&plain, fired()), ["1", "", ""]);
        assert_eq!(urgency(&insisting, fired()), ["2", "60", "3600"]);
        assert_eq!(urgency(&insisting, noticed()), ["0", "", ""]);
        assert_eq!(urgency(&insisting, resolved()), ["-1", "", ""]);
    }

    #[tokio::test]
    async fn the_status_within_decides() {
        let user = r#"{"user":"invalid","errors":["user identifier is invalid"],"status":0,"request":"5042853c"}"#;
        let token = r#"{"token":"invalid","errors":["application token is invalid"],"status":0,"request":"5042853c"}"#;
        let blank = r#"{"message":"cannot be blank","errors":["message cannot be blank"],"status":0}"#;
        let quota = r#"{"errors":["application has exceeded its monthly limit"],"status":0}"#;
        let table = [
            (400, user, "disable", None),
            (400, token, "disable", None),
            (400, blank, "reject", None),
            (200, blank, "reject", None),
            (429, quota, "pause", Some(5400)),
            (500, "oops", "retry", Some(5)),
            (200, "<html>please log in</html>", "retry", None),
            (404, "<html>nothing here</html>", "disable", None),
            (302, "", "disable", None),
        ];
        for (status, body, outcome, wait) in table {
            let reply = Reply::status(status).body(body).header("date", "Mon, 20 Oct 2025 01:00:00 GMT");
            let server = HttpDouble::start(reply.header("X-Limit-App-Reset", "1760927400")).await;
            let sent = deliver(&pushover(&server.url("")), parcel(&delivery(fired()))).await;
            assert_eq!((sent.outcome.name(), sent.status), (outcome, Some(status)), "{body}: {sent:?}");
            assert!(!format!("{sent:?}").contains("T0KEN"));
            let told = match sent.outcome {
                Outcome::Pause { after, .. } => Some(after.as_secs()),
                Outcome::Retry { after, .. } => after.map(|after| after.as_secs()),
                _ => None,
            };
            assert_eq!(told, wait, "{body}");
        }
    }
}
