//! Custom bots of Feishu, and of Lark, which is the same elsewhere
//! (<https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot>).
//!
//! A message is a card. The bot tells no message's name, so nothing here threads, and it cannot tell a copy: what
//! may be a repeat says so.

use std::time::Duration;

use serde_json::json;

use super::answer::{Answer, PAUSE_DEFAULT};
use super::http::{Call, Endpoint};
use super::look::Tone;
use super::markdown::target;
use super::markup::json_bytes;
use super::probe::Probe;
use super::prose::{self, Markup};
use super::robot::{code, headline};
use super::service::{Form, Service, Verdict, by_status, stranger};
use super::{Parcel, hmac};
use crate::base::limits::RETRY_AFTER_MAX;
use crate::base::secret::Secret;
use crate::outbox::Outcome;

/// A bot in a group.
#[derive(Clone, Debug)]
pub struct Feishu {
    /// The bot's webhook.
    pub endpoint: Endpoint,
    /// What its messages are signed with, where it checks that.
    pub secret: Option<Secret>,
    /// A word that each message must have, where it checks that.
    pub keyword: Option<String>,
}

/// Characters of the title, at most.
const TITLE_MAX: usize = 150;
/// Bytes of the text within a request, of which the bot takes 20 kB in all.
const TEXT_MAX: usize = 17_000;

impl Service for Feishu {
    fn call(&self, parcel: Parcel<'_>, form: Form) -> Result<Call, String> {
        let message = parcel.message();
        // The title is said already: less of the body is the short form.
        let limit = if form == Form::Full { TEXT_MAX } else { TEXT_MAX / 8 };
        let text = prose::body(parcel, &Card, limit);
        let title = headline(message, TITLE_MAX, self.keyword.as_deref());
        let mut body = json!({
            "msg_type": "interactive",
            "card": {
                "config": {"wide_screen_mode": true},
                "header": {
                    "template": template(Tone::of(message)),
                    "title": {"tag": "plain_text", "content": title},
                },
                "elements": [{"tag": "div", "text": {"tag": "lark_md", "content": text}}],
            },
        });
        let Some(secret) = &self.secret else { return Ok(Call::json(&self.endpoint, &body)) };
        let seconds = parcel.now.seconds().to_string();
        let sign = sign(secret, &seconds);
        (body["timestamp"], body["sign"]) = (seconds.into(), sign.as_str().into());
        Ok(Call::json(&self.endpoint, &body).hide(&Secret::new(sign)))
    }

    fn probe(&self) -> Probe {
        Probe::presence(&self.endpoint)
    }

    fn verdict(&self, answer: &Answer) -> Verdict {
        let Some(code) = code(answer, &["code", "StatusCode"]) else { return stranger(answer) };
        let why = answer.told();
        let outcome = match code {
            0 if answer.status == 200 => Outcome::Delivered { remote_ref: None },
            19036 => return Verdict::TooMuch(answer.means(Outcome::Reject { why })),
            9499 => Outcome::Reject { why },
            19021 => Outcome::Disable { why: format!("{why} (check `secret`, and this machine's clock)") },
            19001 | 19022 | 19024 => Outcome::Disable { why },
            11232 | 11233 | 99_991_400 => Outcome::Pause { after: wait(answer), why },
            // Refused in its own words: it is not there, whatever they mean.
            _ if answer.status == 200 => answer.retry(false),
            _ => return by_status(answer),
        };
        answer.means(outcome).into()
    }
}

/// The key is the time and the secret, and nothing is signed with it.
fn sign(secret: &Secret, seconds: &str) -> String {
    hmac(format!("{seconds}\n{}", secret.expose()).as_bytes(), "")
}

/// How long the bot wants nothing: whole seconds.
fn wait(answer: &Answer) -> Duration {
    let told = answer.header("x-ogw-ratelimit-reset").and_then(|text| text.trim().parse().ok());
    let told = told.map(Duration::from_secs).into_iter().chain(answer.wait).max();
    told.unwrap_or(PAUSE_DEFAULT).clamp(Duration::from_secs(1), RETRY_AFTER_MAX)
}

/// The colour of a card's header.
const fn template(tone: Tone) -> &'static str {
    match tone {
        Tone::Critical => "red",
        Tone::Warning => "orange",
        Tone::Info => "blue",
        Tone::Resolved => "green",
        Tone::Corrected => "purple",
        Tone::Ended => "grey",
    }
}

/// A card's Markdown, in which a sign is taken literally as an HTML entity.
struct Card;

impl Markup for Card {
    fn text(&self, text: &str) -> String {
        text.trim_start().char_indices().fold(String::new(), |mut safe, (index, c)| {
            // A line that begins with a dash would be an item of a list.
            let means = "&<>*_~[]`#\\".contains(c) || (index == 0 && "-+".contains(c));
            if means {
                safe.push_str(&format!("&#{};", u32::from(c)))
            } else {
                safe.push(c)
            }
            safe
        })
    }

    fn strong(&self, text: &str) -> String {
        format!("**{}**", self.text(text.trim()))
    }

    fn code(&self, text: &str) -> String {
        self.text(text)
    }

    fn block(&self, text: &str) -> String {
        text.lines().map(|line| self.text(line)).collect::<Vec<_>>().join("\n")
    }

    fn link(&self, text: &str, address: &str) -> String {
        format!("[{}]({})", self.text(text), target(address))
    }

    fn length(&self, rendered: &str) -> usize {
        json_bytes(rendered)
    }

    /// Letters are as wide as they please.
    fn width(&self) -> usize {
        0
    }
}

#[cfg(test)]
pub mod tests {
    use serde_json::Value;

    use super::*;
    use crate::notify::Sent;
    use crate::notify::double::{
        HttpDouble, Reply, corrected, deliver, delivery, fired, noticed, parcel, resolved, server,
    };
    use crate::outbox::Message;

    fn feishu(url: &str) -> Feishu {
        Feishu { endpoint: server(url), secret: Some(Secret::new("s3cret")), keyword: Some("告警".to_owned()) }
    }

    /// The card of a message that may be a repeat, within the limits.
    #[track_caller]
    pub fn card_of(message: Message, form: Form) -> Value {
        let delivery = delivery(message);
        let marked = Parcel { maybe_delivered: true, ..parcel(&delivery) };
        let text = feishu("https://open.example/hook/T0KEN").call(marked, form).unwrap().body.json();
        assert!(text.len() <= 20_000, "{} bytes", text.len());
        serde_json::from_str::<Value>(&text).unwrap()["card"].take()
    }

    /// What a card's Markdown says to whoever reads it.
    #[track_caller]
    pub fn read(card: &Value) -> String {
        let text = card["elements"][0]["text"]["content"].as_str().unwrap();
        let entity = regex::Regex::new("&#[0-9]+;").unwrap();
        let bare = entity.replace_all(text, "¤");
        assert!(!bare.contains('&'), "{bare}");
        crate::notify::robot::tests::has_no_foreign_signs(&bare);
        text.to_owned()
    }

    #[test]
    fn a_known_signature_comes_out() {
        assert_eq!(sign(&Secret::new("test"), "1795472000"), "+vxFM7mtL6pzO0q7ENKToYO63NZ13GClGYdzEL60mTc=");
    }

    #[test]
    fn a_message_is_a_card() {
        let said = |message: Message| {
            let card = card_of(message, Form::Full);
            let header = &card["header"];
            format!("{} {}\n{}", header["template"], header["title"]["content"].as_str().unwrap(), read(&card))
        };
        insta::assert_snapshot!(said(fired()), @r#"
        "red" 🔴 CRITICAL: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 % · 告警
        (may be a repeat)
        July 2025 619 t, August 2025 590 t, September 2025 420.5 t. Known since 20 October 2025.
        ✓ holds: declines &#62;= 2 declines = 2
        2025-04, —, not published
        2025-05, 46.4 t, known since 2025-06-20
        2025-06, 353 t, +660.8 %, known since 2025-07-20
        2025-07, 619 t, +75.4 %, known since 2025-08-20
        2025-08, 590 t, −4.7 %, known since 2025-09-20
        2025-09, 420.5 t, −28.7 %, known since 2025-10-20
        **Clears:** ends when &#96;declines &#62;= 2&#96; no longer holds
        **Source:** china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC
        Rule: magnet-exports-falling: declines &#62;= 2
        9f3c21d07be45a68, episode 1, message 1, 2025-10-20 01:05 UTC, supplywatch 0.1.0
        "#);
        insta::assert_snapshot!(said(corrected()), @r#"
        "purple" ✏️ CORRECTED: China → US rare-earth magnet exports: `declines >= 2` no longer holds after a revision: September 2025 is now 600 t, was 420.5 t · 告警
        (may be a repeat)
        August 2025 590 t, September 2025 600 t. Known since 20 November 2025.
        **Said before:** on 20 October 2025: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %
        **Revised:** 2025-09: was 420.5 t, is 600 t since 2025-11-20
        ✗ fails: declines &#62;= 2 declines = 0
        2025-04, —, not published
        2025-05, 46.4 t, known since 2025-06-20
        2025-06, 353 t, +660.8 %, known since 2025-07-20
        2025-07, 619 t, +75.4 %, known since 2025-08-20
        2025-08, 590 t, −4.7 %, known since 2025-09-20
        2025-09, 600 t, +1.7 %, preliminary, known since 2025-11-20, was 420.5 t until 20 November 2025
        **Source:** china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC
        Rule: magnet-exports-falling: declines &#62;= 2
        9f3c21d07be45a68, episode 1, message 2, 2025-11-20 01:05 UTC, supplywatch 0.1.0
        "#);
        insta::assert_snapshot!(said(resolved()), @r#"
        "green" ✅ RESOLVED: China → US rare-earth magnet exports: `declines >= 2` no longer holds: 656 t in October 2025, +56 % · 告警
        (may be a repeat)
        September 2025 420.5 t, October 2025 656 t. Known since 20 November 2025.
        **Said before:** on 20 October 2025: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %
        ✗ fails: declines &#62;= 2 declines = 0
        2025-05, 46.4 t, known since 2025-06-20
        2025-06, 353 t, +660.8 %, known since 2025-07-20
        2025-07, 619 t, +75.4 %, known since 2025-08-20
        2025-08, 590 t, −4.7 %, known since 2025-09-20
        2025-09, 420.5 t, −28.7 %, known since 2025-10-20
        2025-10, 656 t, +56 %, known since 2025-11-20
        **Source:** china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC
        Rule: magnet-exports-falling: declines &#62;= 2
        9f3c21d07be45a68, episode 1, message 2, 2025-11-20 01:05 UTC, supplywatch 0.1.0
        "#);
        insta::assert_snapshot!(said(noticed()), @r#"
        "orange" 🟠 WARNING: export rules: Licences for gallium, and 1 more · 告警
        (may be a repeat)
        2 items, published on 24 September 2026; 1 corrects another.
        • [24 September 2026: Licences for gallium (Rule, Industry and Security Bureau). Until 10 November 2026. The licence requirement is suspended.](https://notices.example/documents/2026/09/24/2026-2/a-title-that-is-long-enough-to-be-wider-than-a-line)
        • [24 September 2026: Gallium &#60;b&#62;list&#60;/b&#62; (Rule, Industry and Security Bureau). Corrects Gallium &#60;b&#62;list&#60;/b&#62; (2026-1), published on 1 September 2026.](https://notices.example/documents/2026/09/24/C1-2026-1/a-title-that-is-long-enough-to-be-wider-than-a-line)
        … and 3 more
        ✓ holds: new("gallium") new('gallium') = holds
        **Source:** china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC
        Rule: magnet-exports-falling: declines &#62;= 2
        9f3c21d07be45a68, episode 1, message 1, 2025-10-20 01:05 UTC, supplywatch 0.1.0
        "#);
    }

    #[tokio::test]
    async fn a_message_is_signed_with_the_time_of_its_attempt() {
        let answer = Reply::status(200).body(r#"{"StatusCode":0,"StatusMessage":"success"}"#);
        let server = HttpDouble::start(answer).await;
        let sent = deliver(&feishu(&server.url("/hook/x")), parcel(&delivery(fired()))).await;
        assert_eq!(sent, Sent::delivered(None).with_status(Some(200)));
        let body: Value = serde_json::from_str(&server.requests()[0].body).unwrap();
        assert_eq!((&body["timestamp"], &body["msg_type"]), (&json!("1760922360"), &json!("interactive")));
        assert_eq!(body["sign"], sign(&Secret::new("s3cret"), "1760922360"));
        let preview =
            crate::notify::service::preview(&feishu("https://h.example/T0KEN-ab"), parcel(&delivery(fired())));
        assert!(preview.contains("\"sign\": \"<secret>\"") && !preview.contains("T0KEN"), "{preview}");
    }

    #[tokio::test]
    async fn what_the_bot_says_decides() {
        let table = [
            (200, r#"{"code":0,"msg":"success","data":{}}"#, "delivered"),
            (200, r#"{"code":9499,"msg":"Bad Request","data":{}}"#, "reject"),
            (
                200,
                r#"{"code":19021,"msg":"sign match fail or timestamp is not within one hour from current time"}"#,
                "disable",
            ),
            (200, r#"{"code":19022,"msg":"Ip Not Allowed"}"#, "disable"),
            (200, r#"{"code":19024,"msg":"Key Words Not Found"}"#, "disable"),
            (200, r#"{"code":19036,"msg":"message too large"}"#, "reject"),
            (200, r#"{"code":11232,"msg":"frequency limited psm[lark.oapi.app_platform_runtime]"}"#, "pause"),
            (400, r#"{"code":99991400,"msg":"request trigger frequency limit"}"#, "pause"),
            (200, r#"{"code":12345,"msg":"something new"}"#, "retry"),
            (200, "<html>please log in</html>", "retry"),
            (500, "", "retry"),
            (302, "", "disable"),
        ];
        for (status, body, outcome) in table {
            let server =
                HttpDouble::start(Reply::status(status).body(body).header("x-ogw-ratelimit-reset", "47")).await;
            let sent = deliver(&feishu(&server.url("/hook/x")), parcel(&delivery(fired()))).await;
            assert_eq!((sent.outcome.name(), sent.status), (outcome, Some(status)), "{body}: {sent:?}");
            assert_eq!(server.requests().len(), if body.contains("19036") { 2 } else { 1 });
            if let Outcome::Pause { after, .. } = sent.outcome {
                assert_eq!(after.as_secs(), 47);
            }
        }
    }
}
