//! Custom robots of DingTalk (<https://open.dingtalk.com/document/orgapp/custom-robot-access>).
//!
//! The robot tells no message's name, so nothing here threads, and it cannot tell a copy: what may be a repeat
//! says so.

use std::time::Duration;

use serde_json::json;

use super::answer::Answer;
use super::http::{Call, Endpoint};
use super::markup::json_bytes;
use super::probe::Probe;
use super::prose::{self, Markup};
use super::robot::{Wide, code, headline};
use super::service::{Form, Service, Verdict, by_status, stranger};
use super::{Parcel, hmac};
use crate::base::secret::Secret;
use crate::outbox::Outcome;

/// A robot in a group.
#[derive(Clone, Debug)]
pub struct DingTalk {
    /// The robot's webhook, its token in the query.
    pub endpoint: Endpoint,
    /// `SEC…`: what its messages are signed with, where it checks that.
    pub secret: Option<Secret>,
    /// A word that each message must have, where it checks that.
    pub keyword: Option<String>,
}

/// Characters of the title, at most.
const TITLE_MAX: usize = 200;
/// Bytes of the text within a request, of which the robot takes 20,000 in all.
const TEXT_MAX: usize = 17_000;
/// How long a robot that was too fast is muted.
const MUTED: Duration = Duration::from_secs(600);
/// A break alone is none, and its makers ask for spaces on both sides of it.
const MARKUP: Wide = Wide { line_break: "  \n  ", length: json_bytes };

impl Service for DingTalk {
    fn call(&self, parcel: Parcel<'_>, form: Form) -> Result<Call, String> {
        let title = headline(parcel.message(), TITLE_MAX, self.keyword.as_deref());
        // The title is said already: less of the body is the short form.
        let limit = if form == Form::Full { TEXT_MAX } else { TEXT_MAX / 8 };
        let text = prose::body(parcel, &MARKUP, limit);
        let text = format!("### {}\n\n{text}", MARKUP.text(&title));
        let body = json!({
            "msgtype": "markdown",
            "markdown": {"title": title, "text": text},
            "at": {"isAtAll": false},
        });
        let endpoint = match &self.secret {
            Some(secret) => {
                let millis = parcel.now.millis().to_string();
                let sign = sign(secret, &millis);
                self.endpoint.with_query(&[("timestamp", &millis), ("sign", &sign)])
            }
            None => self.endpoint.clone(),
        };
        Ok(Call::json(&endpoint, &body))
    }

    fn probe(&self) -> Probe {
        Probe::presence(&self.endpoint)
    }

    fn verdict(&self, answer: &Answer) -> Verdict {
        let Some(code) = code(answer, &["errcode", "status"]) else { return stranger(answer) };
        let why = answer.told();
        let outcome = match code {
            0 if answer.status == 200 => Outcome::Delivered { remote_ref: None },
            130_101 | 410_100 | 1111 => Outcome::Pause { after: answer.wait.unwrap_or_default().max(MUTED), why },
            310_000 | 300_001 | 300_005 | 40_014 => Outcome::Disable { why },
            460_101 => return Verdict::TooMuch(answer.means(Outcome::Reject { why })),
            40_000..=40_999 => Outcome::Reject { why },
            // Refused in its own words: it is not there, whatever they mean.
            _ if answer.status == 200 => answer.retry(false),
            _ => return by_status(answer),
        };
        answer.means(outcome).into()
    }
}

/// The secret is the key, and the time with the secret is signed.
fn sign(secret: &Secret, millis: &str) -> String {
    hmac(secret.expose().as_bytes(), &format!("{millis}\n{}", secret.expose()))
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

    fn dingtalk(url: &str) -> DingTalk {
        DingTalk { endpoint: server(url), secret: Some(Secret::new("SECtest")), keyword: Some("告警".to_owned()) }
    }

    /// The text of a message that may be a repeat, within the limits.
    #[track_caller]
    pub fn text_of(message: Message, form: Form) -> String {
        let delivery = delivery(message);
        let marked = Parcel { maybe_delivered: true, ..parcel(&delivery) };
        let text = dingtalk("https://oapi.example/robot/send?access_token=x").call(marked, form).unwrap().body.json();
        assert!(text.len() <= 20_000, "{} bytes", text.len());
        let body: Value = serde_json::from_str(&text).unwrap();
        assert!(body["markdown"]["title"].as_str().unwrap().contains("告警"));
        let text = body["markdown"]["text"].as_str().unwrap().to_owned();
        crate::notify::robot::tests::has_no_foreign_signs(&text);
        text
    }

    #[test]
    fn a_known_signature_comes_out() {
        let (secret, millis) = (Secret::new("SECtest"), "1795472000000");
        assert_eq!(sign(&secret, millis), "kiaQYGBPle68lSxno+/8H5oZcL8b7JuKzg/YcEjZlXk=");
        let signed = server("https://oapi.example/robot/send?access_token=a%2Fb")
            .with_query(&[("sign", &sign(&secret, millis))]);
        let query = "access_token=a%2Fb&sign=kiaQYGBPle68lSxno%2B%2F8H5oZcL8b7JuKzg%2FYcEjZlXk%3D";
        assert_eq!(signed.url.expose(), format!("https://oapi.example/robot/send?{query}"));
    }

    #[test]
    fn a_message_is_said_in_signs_of_ours_alone() {
        insta::assert_snapshot!(text_of(fired(), Form::Full), @"
        ### 🔴 CRITICAL: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 % · 告警

        (may be a repeat)  
          July 2025 619 t, August 2025 590 t, September 2025 420.5 t. Known since 20 October 2025.  
          ✓ holds: declines >= 2 declines = 2  
          2025-04, —, not published    
          2025-05, 46.4 t, known since 2025-06-20    
          2025-06, 353 t, +660.8 %, known since 2025-07-20    
          2025-07, 619 t, +75.4 %, known since 2025-08-20    
          2025-08, 590 t, −4.7 %, known since 2025-09-20    
          2025-09, 420.5 t, −28.7 %, known since 2025-10-20  
          **Clears:** ends when ｀declines >= 2｀ no longer holds  
          **Source:** china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC  
          Rule: magnet-exports-falling: declines >= 2  
          9f3c21d07be45a68, episode 1, message 1, 2025-10-20 01:05 UTC, supplywatch 0.1.0
        ");
        insta::assert_snapshot!(text_of(corrected(), Form::Full), @"
        ### ✏️ CORRECTED: China → US rare-earth magnet exports: ｀declines >= 2｀ no longer holds after a revision: September 2025 is now 600 t, was 420.5 t · 告警

        (may be a repeat)  
          August 2025 590 t, September 2025 600 t. Known since 20 November 2025.  
          **Said before:** on 20 October 2025: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %  
          **Revised:** 2025-09: was 420.5 t, is 600 t since 2025-11-20  
          ✗ fails: declines >= 2 declines = 0  
          2025-04, —, not published    
          2025-05, 46.4 t, known since 2025-06-20    
          2025-06, 353 t, +660.8 %, known since 2025-07-20    
          2025-07, 619 t, +75.4 %, known since 2025-08-20    
          2025-08, 590 t, −4.7 %, known since 2025-09-20    
          2025-09, 600 t, +1.7 %, preliminary, known since 2025-11-20, was 420.5 t until 20 November 2025  
          **Source:** china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC  
          Rule: magnet-exports-falling: declines >= 2  
          9f3c21d07be45a68, episode 1, message 2, 2025-11-20 01:05 UTC, supplywatch 0.1.0
        ");
        insta::assert_snapshot!(text_of(resolved(), Form::Short), @"
        ### ✅ RESOLVED: China → US rare-earth magnet exports: ｀declines >= 2｀ no longer holds: 656 t in October 2025, +56 % · 告警

        (may be a repeat)  
          September 2025 420.5 t, October 2025 656 t. Known since 20 November 2025.  
          **Said before:** on 20 October 2025: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %  
          ✗ fails: declines >= 2 declines = 0  
          2025-05, 46.4 t, known since 2025-06-20    
          2025-06, 353 t, +660.8 %, known since 2025-07-20    
          2025-07, 619 t, +75.4 %, known since 2025-08-20    
          2025-08, 590 t, −4.7 %, known since 2025-09-20    
          2025-09, 420.5 t, −28.7 %, known since 2025-10-20    
          2025-10, 656 t, +56 %, known since 2025-11-20  
          **Source:** china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC  
          Rule: magnet-exports-falling: declines >= 2  
          9f3c21d07be45a68, episode 1, message 2, 2025-11-20 01:05 UTC, supplywatch 0.1.0
        ");
        insta::assert_snapshot!(text_of(noticed(), Form::Full), @r#"
        ### 🟠 WARNING: export rules: Licences for gallium, and 1 more · 告警

        (may be a repeat)  
          2 items, published on 24 September 2026; 1 corrects another.  
          • [24 September 2026: Licences for gallium (Rule, Industry and Security Bureau). Until 10 November 2026. The licence requirement is suspended.](https://notices.example/documents/2026/09/24/2026-2/a-title-that-is-long-enough-to-be-wider-than-a-line)  
          • [24 September 2026: Gallium ＜b>list＜/b> (Rule, Industry and Security Bureau). Corrects Gallium ＜b>list＜/b> (2026-1), published on 1 September 2026.](https://notices.example/documents/2026/09/24/C1-2026-1/a-title-that-is-long-enough-to-be-wider-than-a-line)  
          … and 3 more  
          ✓ holds: new("gallium") new('gallium') = holds  
          **Source:** china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC  
          Rule: magnet-exports-falling: declines >= 2  
          9f3c21d07be45a68, episode 1, message 1, 2025-10-20 01:05 UTC, supplywatch 0.1.0
        "#);
    }

    #[tokio::test]
    async fn a_message_is_signed_with_the_time_of_its_attempt() {
        let server = HttpDouble::start(Reply::status(200).body(r#"{"errcode":0,"errmsg":"ok"}"#)).await;
        let service = dingtalk(&server.url("/robot/send?access_token=T0KEN-abcdef"));
        let sent = deliver(&service, parcel(&delivery(fired()))).await;
        assert_eq!(sent, Sent::delivered(None).with_status(Some(200)));
        let line = &server.requests()[0].line;
        assert!(line.starts_with("POST /robot/send?access_token=T0KEN-abcdef&timestamp=1760922360000&sign="), "{line}");
        let preview = crate::notify::service::preview(&service, parcel(&delivery(fired())));
        assert!(!preview.contains("T0KEN") && !preview.contains("sign="), "{preview}");
    }

    #[tokio::test]
    async fn what_the_robot_says_decides() {
        let table = [
            (200, r#"{"errcode":0,"errmsg":"ok"}"#, "delivered"),
            (200, r#"{"errcode":130101,"errmsg":"send too fast, exceed 20 times per minute"}"#, "pause"),
            (200, r#"{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"u"}"#, "pause"),
            (200, r#"{"errcode":310000,"errmsg":"keywords not in content"}"#, "disable"),
            (200, r#"{"errcode":300001,"errmsg":"token is not exist"}"#, "disable"),
            (200, r#"{"errcode":40035,"errmsg":"缺少参数 json"}"#, "reject"),
            (200, r#"{"errcode":460101,"errmsg":"message too long"}"#, "reject"),
            (200, r#"{"errcode":-1,"errmsg":"系统繁忙"}"#, "retry"),
            (200, "<html>please log in</html>", "retry"),
            (502, "", "retry"),
            (302, "", "disable"),
        ];
        for (status, body, outcome) in table {
            let server = HttpDouble::start(Reply::status(status).body(body)).await;
            let sent = deliver(&dingtalk(&server.url("/robot/send?access_token=x")), parcel(&delivery(fired()))).await;
            assert_eq!((sent.outcome.name(), sent.status), (outcome, Some(status)), "{body}: {sent:?}");
            assert_eq!(server.requests().len(), if body.contains("460101") { 2 } else { 1 });
            if let Outcome::Pause { after, .. } = sent.outcome {
                assert_eq!(after, MUTED);
            }
        }
    }
}
