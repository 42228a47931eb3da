//! Matrix: rooms of any homeserver (Client-Server API 1.11,
//! <https://spec.matrix.org/v1.11/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid>).
//!
//! The server drops a copy by its transaction id, so nothing comes twice while it remembers. Later messages of an
//! alert are a thread under its first.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::Parcel;
use super::answer::{Answer, PAUSE_DEFAULT, within_reason};
use super::http::{Call, Endpoint};
use super::look::Tone;
use super::markup::{Html, Plain, json_bytes};
use super::probe::Probe;
use super::prose;
use super::service::{Form, Service, Verdict, by_status, stranger};
use crate::base::secret::Secret;
use crate::outbox::Outcome;

/// A room.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// The homeserver's client API.
    pub server: Endpoint,
    /// The access token. Transactions are known by it: another token forgets them.
    pub token: Secret,
    /// The room's id: `!…`.
    pub room: String,
}

/// Bytes of the text for clients without HTML, as JSON has it. An event has 65,536 in all, with what the servers
/// add to it.
const BODY_MAX: usize = 14_000;
/// Bytes of the HTML, as JSON has it.
const HTML_MAX: usize = 26_000;
/// How long a server remembers transactions, at least: Synapse's day.
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);
/// A pause where the server has used up what it has.
const RESOURCE_PAUSE: Duration = Duration::from_secs(3600);

impl Service for Matrix {
    fn call(&self, parcel: Parcel<'_>, form: Form) -> Result<Call, String> {
        let forgotten = parcel.now.since(parcel.delivery.created_at) >= REMEMBERED;
        let parcel = Parcel { maybe_delivered: parcel.maybe_delivered && forgotten, ..parcel };
        let plain = Plain { length: json_bytes };
        let mut body = json!({
            "msgtype": msgtype(Tone::of(parcel.message())),
            // Nobody is mentioned, whatever the text says.
            "m.mentions": {},
        });
        match form {
            Form::Full => {
                let html = Html { line_break: "<br>", width: 64, length: json_bytes };
                body["body"] = prose::letter(parcel, &plain, BODY_MAX).into();
                body["format"] = "org.matrix.custom.html".into();
                let text = prose::letter(parcel, &html, HTML_MAX);
                // A block stands on lines of its own: a break beside it would be an empty line.
                let text = text.replace("<br><pre>", "<pre>").replace("</pre><br>", "</pre>");
                body["formatted_body"] = text.into();
                if let Some(opening) = parcel.opening {
                    body["m.relates_to"] = json!({
                        "rel_type": "m.thread",
                        "event_id": opening,
                        // For clients that know no threads: it replies to the first.
                        "is_falling_back": true,
                        "m.in_reply_to": {"event_id": opening},
                    });
                }
            }
            Form::Short => body["body"] = prose::note(parcel, &plain, BODY_MAX / 4).into(),
        }
        let part = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let (room, transaction) = (part(&self.room), part(&parcel.delivery.id));
        let path = format!("/_matrix/client/v3/rooms/{room}/send/m.room.message/{transaction}");
        let call = Call::json(&self.server.at(&path), &body).bearer(&self.token);
        Ok(Call { method: Method::PUT, ..call })
    }

    fn probe(&self) -> Probe {
        let server = self.server.at("/_matrix/client/v3/account/whoami");
        Probe::login(Call::get(&server).bearer(&self.token), &["/user_id"])
    }

    fn verdict(&self, answer: &Answer) -> Verdict {
        let said = answer.json().unwrap_or(Value::Null);
        if (200..=299).contains(&answer.status) {
            let event = said["event_id"].as_str().map(ToOwned::to_owned);
            let delivered = |event| answer.means(Outcome::Delivered { remote_ref: Some(event) });
            return event.map_or_else(|| stranger(answer), |event| delivered(event).into());
        }
        let why = answer.told();
        match (answer.status, said["errcode"].as_str().unwrap_or_default()) {
            (_, "M_LIMIT_EXCEEDED") => answer.means(Outcome::Pause { after: wait(answer, &said), why }).into(),
            // What it may use up is used up; that passes.
            (_, "M_RESOURCE_LIMIT_EXCEEDED") => answer.means(answer.pause(RESOURCE_PAUSE)).into(),
            // Too large, or something in it that this server does not take, such as the thread.
            (_, "M_TOO_LARGE") | (400, _) => Verdict::TooMuch(answer.means(Outcome::Reject { why })),
            _ => by_status(answer),
        }
    }
}

/// Clients do not ring for a notice.
const fn msgtype(tone: Tone) -> &'static str {
    match tone {
        Tone::Critical | Tone::Warning | Tone::Info | Tone::Corrected => "m.text",
        Tone::Resolved | Tone::Ended => "m.notice",
    }
}

/// How long the server wants nothing: the header's seconds or the body's milliseconds, whichever is longer.
fn wait(answer: &Answer, said: &Value) -> Duration {
    let millis = said["retry_after_ms"].as_u64().map(|millis| within_reason(Duration::from_millis(millis)));
    answer.wait.max(millis).unwrap_or(PAUSE_DEFAULT)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::notify::Sent;
    use crate::notify::double::{HttpDouble, Reply, at, corrected, deliver, delivery, fired, parcel, resolved};
    use crate::notify::markup::tests::read_html;

    fn matrix(url: &str) -> Matrix {
        let server = Endpoint { url: Secret::new(url), insecure: true, allow_private: true };
        Matrix { server, token: Secret::new("syt_T0KEN_abcdef"), room: "!rFaZ/neWm:m.example".to_owned() }
    }

    pub fn payload_of(parcel: Parcel<'_>) -> Value {
        let call = matrix("http://127.0.0.1").call(parcel, Form::Full).unwrap();
        let super::super::http::Body::Json(body) = call.body else { panic!("no JSON") };
        assert!(body.len() <= 40 << 10, "{} bytes", body.len());
        serde_json::from_str(&body).unwrap()
    }

    /// Both texts of a message: nothing in them is read as a sign that is not ours.
    pub fn check(parcel: Parcel<'_>) {
        let payload = payload_of(parcel);
        assert_eq!(payload["m.mentions"], json!({}));
        let (html, body) = (payload["formatted_body"].as_str().unwrap(), payload["body"].as_str().unwrap());
        let text = read_html(html, &["b", "code", "pre", "a"]);
        // Both begin with the title, each cut by its own measure.
        let begin = |text: &str| text.chars().take(19).collect::<String>();
        assert_eq!(begin(&text), begin(body));
    }

    #[tokio::test]
    async fn a_message_is_an_event_in_a_thread() {
        let server = HttpDouble::start(Reply::status(200).body(r#"{"event_id":"$second"}"#)).await;
        let delivery = delivery(corrected());
        let later = Parcel { opening: Some("$first"), ..parcel(&delivery) };
        let sent = deliver(&matrix(&server.url("/")), later).await;
        assert_eq!(sent, Sent::delivered(Some("$second".to_owned())).with_status(Some(200)));
        let [request] = &server.requests()[..] else { panic!("one request") };
        let path = "/_matrix/client/v3/rooms/%21rFaZ%2FneWm%3Am.example/send/m.room.message";
        assert_eq!(request.line, format!("PUT {path}/msg_00112233445566778899aabbccddeeff HTTP/1.1"));
        assert_eq!(request.header("authorization"), Some("Bearer syt_T0KEN_abcdef"));
        let body: Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!((&body["msgtype"], &body["m.mentions"]), (&json!("m.text"), &json!({})));
        let relation = json!({"rel_type": "m.thread", "event_id": "$first", "is_falling_back": true,
            "m.in_reply_to": {"event_id": "$first"}});
        assert_eq!(body["m.relates_to"], relation);
        insta::assert_snapshot!(body["body"].as_str().unwrap(), @"
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
        insta::assert_snapshot!(body["formatted_body"].as_str().unwrap().replace("<br>", "<br>\n").replace("</pre>", "</pre>\n"), @"
        <b>✏️ CORRECTED: China → US rare-earth magnet exports: `declines &gt;= 2` no longer holds after a revision: September 2025 is now 600 t, was 420.5 t</b><br>
        August 2025 590 t, September 2025 600 t. Known since 20 November 2025.<br>
        <b>Said before:</b> on 20 October 2025: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %<br>
        <b>Revised:</b> 2025-09: was 420.5 t, is 600 t since 2025-11-20<br>
        ✗ fails: <code>declines &gt;= 2</code> declines = 0<pre>period    value    change  status       known since
        2025-04       —   not published
        2025-05  46.4 t                         2025-06-20
        2025-06   353 t  +660.8 %               2025-07-20
        2025-07   619 t   +75.4 %               2025-08-20
        2025-08   590 t    −4.7 %               2025-09-20
        2025-09   600 t    +1.7 %  preliminary  2025-11-20
                 was 420.5 t until 20 November 2025</pre>
        <b>Source:</b> china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC<br>
        Rule: <code>magnet-exports-falling: declines &gt;= 2</code><br>
        9f3c21d07be45a68, episode 1, message 2, 2025-11-20 01:05 UTC, supplywatch 0.1.0
        ");
    }

    #[test]
    fn an_opening_and_a_closing_are_whole() {
        let shown = |message| {
            payload_of(parcel(&delivery(message)))["formatted_body"].as_str().unwrap().replace("<br>", "<br>\n")
        };
        insta::assert_snapshot!(shown(fired()), @"
        <b>🔴 CRITICAL: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %</b><br>
        July 2025 619 t, August 2025 590 t, September 2025 420.5 t. Known since 20 October 2025.<br>
        ✓ holds: <code>declines &gt;= 2</code> declines = 2<pre>period     value    change  known since  note
        2025-04        —                         not published
        2025-05   46.4 t            2025-06-20
        2025-06    353 t  +660.8 %  2025-07-20
        2025-07    619 t   +75.4 %  2025-08-20
        2025-08    590 t    −4.7 %  2025-09-20
        2025-09  420.5 t   −28.7 %  2025-10-20</pre><b>Clears:</b> ends when `declines &gt;= 2` no longer holds<br>
        <b>Source:</b> china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC<br>
        Rule: <code>magnet-exports-falling: declines &gt;= 2</code><br>
        9f3c21d07be45a68, episode 1, message 1, 2025-10-20 01:05 UTC, supplywatch 0.1.0
        ");
        insta::assert_snapshot!(shown(resolved()), @"
        <b>✅ RESOLVED: China → US rare-earth magnet exports: `declines &gt;= 2` no longer holds: 656 t in October 2025, +56 %</b><br>
        September 2025 420.5 t, October 2025 656 t. Known since 20 November 2025.<br>
        <b>Said before:</b> on 20 October 2025: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %<br>
        ✗ fails: <code>declines &gt;= 2</code> declines = 0<pre>period     value    change  known since
        2025-05   46.4 t            2025-06-20
        2025-06    353 t  +660.8 %  2025-07-20
        2025-07    619 t   +75.4 %  2025-08-20
        2025-08    590 t    −4.7 %  2025-09-20
        2025-09  420.5 t   −28.7 %  2025-10-20
        2025-10    656 t     +56 %  2025-11-20</pre><b>Source:</b> china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC<br>
        Rule: <code>magnet-exports-falling: declines &gt;= 2</code><br>
        9f3c21d07be45a68, episode 1, message 2, 2025-11-20 01:05 UTC, supplywatch 0.1.0
        ");
    }

    #[test]
    fn what_is_over_does_not_ring() {
        assert_eq!(payload_of(parcel(&delivery(resolved())))["msgtype"], "m.notice");
    }

    /// Within a day the server drops a copy by itself; after that the message says what it may be.
    #[test]
    fn a_repeat_says_so_when_the_server_has_forgotten() {
        let delivery = delivery(fired());
        let shown = |now| {
            let parcel = Parcel { maybe_delivered: true, now: at(now), ..parcel(&delivery) };
            payload_of(parcel)["body"].as_str().unwrap().contains("(may be a repeat)")
        };
        assert!(!shown("2025-10-21T01:00:00Z") && shown("2025-10-21T01:06:00Z"));
    }

    #[tokio::test]
    async fn what_the_server_says_decides() {
        let error = |code: &str, more: &str| format!(r#"{{"errcode":"{code}","error":"no"{more}}}"#);
        let table = [
            (401, error("M_UNKNOWN_TOKEN", r#","soft_logout":false"#), "disable"),
            (403, error("M_FORBIDDEN", ""), "disable"),
            (403, error("M_RESOURCE_LIMIT_EXCEEDED", r#","admin_contact":"mailto:a@m.example""#), "pause"),
            (404, error("M_UNRECOGNIZED", ""), "disable"),
            (400, error("M_BAD_JSON", ""), "reject"),
            (413, error("M_TOO_LARGE", ""), "reject"),
            (500, error("M_UNKNOWN", ""), "retry"),
            (200, "<html>please log in</html>".to_owned(), "retry"),
            (302, String::new(), "disable"),
        ];
        for (status, body, outcome) in table {
            let server = HttpDouble::start(Reply::status(status).body(&body)).await;
            let sent = deliver(&matrix(&server.url("")), parcel(&delivery(fired()))).await;
            assert_eq!((sent.outcome.name(), sent.status), (outcome, Some(status)), "{body}: {sent:?}");
            assert!(!format!("{sent:?}").contains("T0KEN"));
        }
    }

    #[tokio::test]
    async fn waits_are_in_milliseconds() {
        for (header, millis, expected) in [("1", 4399, 4399), ("7", 4399, 7000), ("1", 0, 1000)] {
            let body =
                format!(r#"{{"errcode":"M_LIMIT_EXCEEDED","error":"Too Many Requests","retry_after_ms":{millis}}}"#);
            let server = HttpDouble::start(Reply::status(429).body(&body).header("retry-after", header)).await;
            let sent = deliver(&matrix(&server.url("")), parcel(&delivery(fired()))).await;
            assert!(matches!(sent.outcome, Outcome::Pause { after, .. } if after.as_millis() == expected), "{sent:?}");
        }
    }

    /// A server that does not take the whole gets a short text by the same transaction.
    #[tokio::test]
    async fn what_is_too_large_is_said_shorter() {
        let body = r#"{"errcode":"M_TOO_LARGE","error":"event too large"}"#;
        let server = HttpDouble::start(Reply::status(413).body(body)).await;
        let delivery = delivery(corrected());
        deliver(&matrix(&server.url("")), Parcel { opening: Some("$first"), ..parcel(&delivery) }).await;
        let [full, short] = &server.requests()[..] else { panic!("two requests") };
        assert_eq!(full.line, short.line);
        assert!(!short.body.contains("m.relates_to") && !short.body.contains("formatted_body"));
        assert!(short.body.contains("420.5 t"));
    }
}
