//! Group robots of WeCom, 企业微信 (<https://developer.work.weixin.qq.com/document/path/91770>).
//!
//! The robot tells no message's name, so nothing here threads, and it cannot tell a copy: what may be a repeat
//! says so.

use std::time::Duration;

use serde_json::json;

use super::Parcel;
use super::answer::Answer;
use super::http::{Call, Endpoint};
use super::probe::Probe;
use super::prose;
use super::robot::{Wide, code};
use super::service::{Form, Service, Verdict, by_status, stranger};
use crate::outbox::Outcome;

/// A robot in a group.
#[derive(Clone, Debug)]
pub struct WeCom {
    /// The robot's webhook, its key in the query.
    pub endpoint: Endpoint,
}

/// Bytes of a text in Markdown, at most.
const TEXT_MAX: usize = 4096;
/// How long a robot that was too fast is left alone.
const TOO_FAST: Duration = Duration::from_secs(60);
const MARKUP: Wide = Wide { line_break: "\n", length: str::len };

impl Service for WeCom {
    fn call(&self, parcel: Parcel<'_>, form: Form) -> Result<Call, String> {
        let content = match form {
            Form::Full => prose::letter(parcel, &MARKUP, TEXT_MAX),
            Form::Short => prose::note(parcel, &MARKUP, TEXT_MAX / 4),
        };
        Ok(Call::json(&self.endpoint, &json!({"msgtype": "markdown", "markdown": {"content": content}})))
    }

    fn probe(&self) -> Probe {
        Probe::presence(&self.endpoint)
    }

    fn verdict(&self, answer: &Answer) -> Verdict {
        let Some(code) = code(answer, &["errcode"]) else { return stranger(answer) };
        let why = answer.told();
        let outcome = match code {
            0 if answer.status == 200 => Outcome::Delivered { remote_ref: None },
            45_009 => answer.pause(TOO_FAST),
            93_000 => Outcome::Disable { why },
            40_058 if why.contains("exceed") => return Verdict::TooMuch(answer.means(Outcome::Reject { why })),
            45_002 => return Verdict::TooMuch(answer.means(Outcome::Reject { why })),
            40_008 | 40_058 | 44_004 => Outcome::Reject { why },
            // Busy (-1), or refused in its own words: it is not there, whatever they mean.
            _ if answer.status == 200 => answer.retry(false),
            _ => return by_status(answer),
        };
        answer.means(outcome).into()
    }
}

#[cfg(test)]
pub mod tests {
    use serde_json::Value;

    use super::*;
    use crate::notify::double::{
        HttpDouble, Reply, corrected, deliver, delivery, fired, noticed, parcel, resolved, server,
    };
    use crate::outbox::Message;

    /// The text of a message that may be a repeat, within the limit.
    #[track_caller]
    pub fn text_of(message: Message, form: Form) -> String {
        let delivery = delivery(message);
        let marked = Parcel { maybe_delivered: true, ..parcel(&delivery) };
        let call = WeCom { endpoint: server("https://qyapi.example/send?key=x") }.call(marked, form).unwrap();
        let body: Value = serde_json::from_str(&call.body.json()).unwrap();
        let text = body["markdown"]["content"].as_str().unwrap().to_owned();
        assert!((1..=TEXT_MAX).contains(&text.len()), "{} bytes", text.len());
        crate::notify::robot::tests::has_no_foreign_signs(&text);
        text
    }

    #[test]
    fn a_message_is_said_in_signs_of_ours_alone() {
        insta::assert_snapshot!(text_of(fired(), Form::Full), @"
        **🔴 CRITICAL: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %**
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
        **✏️ CORRECTED: China → US rare-earth magnet exports: ｀declines >= 2｀ no longer holds after a revision: September 2025 is now 600 t, was 420.5 t**
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
        **✅ RESOLVED: China → US rare-earth magnet exports: ｀declines >= 2｀ no longer holds: 656 t in October 2025, +56 %**
        (may be a repeat)
        September 2025 420.5 t, October 2025 656 t. Known since 20 November 2025.
        9f3c21d07be45a68, episode 1, message 2, 2025-11-20 01:05 UTC, supplywatch 0.1.0
        ");
        insta::assert_snapshot!(text_of(noticed(), Form::Full), @r#"
        **🟠 WARNING: export rules: Licences for gallium, and 1 more**
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
    async fn what_the_robot_says_decides() {
        let table = [
            (200, r#"{"errcode":0,"errmsg":"ok"}"#, "delivered"),
            (200, r#"{"errcode":45009,"errmsg":"api freq out of limit"}"#, "pause"),
            (200, r#"{"errcode":93000,"errmsg":"invalid webhook url, hint: [1795472000_1_abc]"}"#, "disable"),
            (200, r#"{"errcode":40008,"errmsg":"invalid message type"}"#, "reject"),
            (200, r#"{"errcode":40058,"errmsg":"markdown.content exceed max length 4096"}"#, "reject"),
            (200, r#"{"errcode":45002,"errmsg":"content size out of limit"}"#, "reject"),
            (200, r#"{"errcode":-1,"errmsg":"system busy"}"#, "retry"),
            (200, "<html>please log in</html>", "retry"),
            (503, "", "retry"),
            (302, "", "disable"),
        ];
        for (status, body, outcome) in table {
            let server = HttpDouble::start(Reply::status(status).body(body)).await;
            let wecom = WeCom { endpoint: self::server(&server.url("/send?key=T0KEN-abcdef")) };
            let sent = deliver(&wecom, parcel(&delivery(fired()))).await;
            assert_eq!((sent.outcome.name(), sent.status), (outcome, Some(status)), "{body}: {sent:?}");
            let is_too_much = body.contains("exceed") || body.contains("45002");
            assert_eq!(server.requests().len(), if is_too_much { 2 } else { 1 });
            assert!(!crate::notify::service::preview(&wecom, parcel(&delivery(fired()))).contains("T0KEN"));
        }
    }
}
