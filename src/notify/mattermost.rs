//! Mattermost incoming webhooks (<https://developers.mattermost.com/integrate/webhooks/incoming/>).
//!
//! A webhook tells no message's name, so nothing here threads or edits, and no copy can be told.

use super::Parcel;
use super::answer::Answer;
use super::attachment;
use super::http::{Call, Endpoint};
use super::markdown::Markdown;
use super::probe::Probe;
use super::service::{Form, Service, Verdict, by_status, stranger};
use crate::outbox::Outcome;

/// A channel of Mattermost.
#[derive(Clone, Debug)]
pub struct Mattermost {
    /// The incoming webhook.
    pub endpoint: Endpoint,
    /// A channel other than the webhook's own.
    pub channel: Option<String>,
}

const MARKUP: Markdown = Markdown { code: true, line_break: "\n" };

/// What the server says of a webhook or a channel that is not there or not ours: the middle of
/// `web.incoming_webhook.….app_error`.
const GONE: [&str; 6] = ["invalid", "disabled", "channel", "channel_locked", "permissions", "user"];

impl Service for Mattermost {
    fn call(&self, parcel: Parcel<'_>, form: Form) -> Result<Call, String> {
        let payload = attachment::payload(parcel, &MARKUP, form, self.channel.as_deref());
        Ok(Call::json(&self.endpoint, &payload))
    }

    fn probe(&self) -> Probe {
        Probe::presence(&self.endpoint)
    }

    fn verdict(&self, answer: &Answer) -> Verdict {
        let said = answer.json().unwrap_or_default();
        let id = said["id"].as_str().unwrap_or_default();
        let about = id.strip_prefix("web.incoming_webhook.").and_then(|id| id.strip_suffix(".app_error"));
        let why = answer.told();
        match answer.status {
            200 if answer.body.as_deref().map(str::trim) == Some("ok") => {
                answer.means(Outcome::Delivered { remote_ref: None }).into()
            }
            200..=299 => stranger(answer),
            400..=599 if about.is_some_and(|about| GONE.contains(&about)) => {
                answer.means(Outcome::Disable { why }).into()
            }
            400 | 413 => Verdict::TooMuch(answer.means(Outcome::Reject { why })),
            _ => by_status(answer),
        }
    }
}

#[cfg(test)]
pub mod tests {
    use serde_json::Value;

    use super::*;
    use crate::base::secret::Secret;
    use crate::notify::attachment::tests::{check_limits, long, payload_of, shown};
    use crate::notify::double::{HttpDouble, Reply, corrected, deliver, delivery, fired, noticed, parcel, resolved};
    use crate::notify::markdown::tests::{outside_code, read};
    use crate::outbox::Message;

    pub fn mattermost(url: &str) -> Mattermost {
        let endpoint = Endpoint { url: Secret::new(url), insecure: true, allow_private: true };
        Mattermost { endpoint, channel: Some("supply-alerts".to_owned()) }
    }

    /// Every limit, and in the texts no sign but our own.
    pub fn check(message: Message) {
        let addresses: Vec<String> = message.items.iter().filter_map(|item| item.url.clone()).collect();
        let payload = payload_of(message, &MARKUP);
        check_limits(&payload);
        for text in [&payload["text"], &payload["attachments"][0]["text"]] {
            let text = text.as_str().unwrap();
            assert!(outside_code(text).split('@').skip(1).all(|after| after.starts_with('\u{200b}')), "{text}");
            for sign in read(text).1 {
                let is_link = addresses
                    .iter()
                    .any(|address| sign == format!("link {}", crate::notify::markdown::target(address)));
                assert!(is_link || ["strong", "code", "block"].contains(&sign.as_str()), "{sign} in {text}");
            }
        }
    }

    #[test]
    fn an_alert_is_a_text_and_an_attachment() {
        insta::assert_snapshot!(shown(fired(), &MARKUP), @r"
        **🔴 CRITICAL: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %**
        [#c62828]
        July 2025 619 t, August 2025 590 t, September 2025 420.5 t. Known since 20 October 2025.
        ✓ holds: `declines >= 2` declines = 2
        ```
        period     value    change  known since  note
        2025-04        —                         not published
        2025-05   46.4 t            2025-06-20
        2025-06    353 t  +660.8 %  2025-07-20
        2025-07    619 t   +75.4 %  2025-08-20
        2025-08    590 t    −4.7 %  2025-09-20
        2025-09  420.5 t   −28.7 %  2025-10-20
        ```
        **Clears:** ends when \`declines \>= 2\` no longer holds
        **Source:** china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC
        Rule: `magnet-exports-falling: declines >= 2`
        9f3c21d07be45a68, episode 1, message 1, 2025-10-20 01:05 UTC, supplywatch 0.1.0
        ");
        insta::assert_snapshot!(shown(corrected(), &MARKUP), @r"
        **✏️ CORRECTED: China → US rare-earth magnet exports: \`declines \>= 2\` no longer holds after a revision: September 2025 is now 600 t, was 420.5 t**
        [#7b4fb5]
        August 2025 590 t, September 2025 600 t. Known since 20 November 2025.
        **Said before:** on 20 October 2025: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %
        **Revised:** 2025-09: was 420.5 t, is 600 t since 2025-11-20
        ✗ fails: `declines >= 2` declines = 0
        ```
        period    value    change  status       known since
        2025-04       —   not published
        2025-05  46.4 t                         2025-06-20
        2025-06   353 t  +660.8 %               2025-07-20
        2025-07   619 t   +75.4 %               2025-08-20
        2025-08   590 t    −4.7 %               2025-09-20
        2025-09   600 t    +1.7 %  preliminary  2025-11-20
                 was 420.5 t until 20 November 2025
        ```
        **Source:** china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC
        Rule: `magnet-exports-falling: declines >= 2`
        9f3c21d07be45a68, episode 1, message 2, 2025-11-20 01:05 UTC, supplywatch 0.1.0
        ");
    }

    #[test]
    fn a_resolution_and_notices_look_as_such() {
        insta::assert_snapshot!(shown(resolved(), &MARKUP), @r"
        **✅ RESOLVED: China → US rare-earth magnet exports: \`declines \>= 2\` no longer holds: 656 t in October 2025, +56 %**
        [#2e7d32]
        September 2025 420.5 t, October 2025 656 t. Known since 20 November 2025.
        **Said before:** on 20 October 2025: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %
        ✗ fails: `declines >= 2` declines = 0
        ```
        period     value    change  known since
        2025-05   46.4 t            2025-06-20
        2025-06    353 t  +660.8 %  2025-07-20
        2025-07    619 t   +75.4 %  2025-08-20
        2025-08    590 t    −4.7 %  2025-09-20
        2025-09  420.5 t   −28.7 %  2025-10-20
        2025-10    656 t     +56 %  2025-11-20
        ```
        **Source:** china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC
        Rule: `magnet-exports-falling: declines >= 2`
        9f3c21d07be45a68, episode 1, message 2, 2025-11-20 01:05 UTC, supplywatch 0.1.0
        ");
        insta::assert_snapshot!(shown(noticed(), &MARKUP), @r#"
        **🟠 WARNING: export rules: Licences for gallium, and 1 more**
        [#b45f06]
        2 items, published on 24 September 2026; 1 corrects another.
        • [24 September 2026: Licences for gallium (Rule, Industry and Security Bureau). Until 10 November 2026. The licence requirement is suspended.](https://notices.example/documents/2026/09/24/2026-2/a-title-that-is-long-enough-to-be-wider-than-a-line)
        • [24 September 2026: Gallium \<b\>list\</b\> (Rule, Industry and Security Bureau). Corrects Gallium \<b\>list\</b\> (2026-1), published on 1 September 2026.](https://notices.example/documents/2026/09/24/C1-2026-1/a-title-that-is-long-enough-to-be-wider-than-a-line)
        … and 3 more
        ✓ holds: `new("gallium")` new('gallium') = holds
        **Source:** china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC
        Rule: `magnet-exports-falling: declines >= 2`
        9f3c21d07be45a68, episode 1, message 1, 2025-10-20 01:05 UTC, supplywatch 0.1.0
        "#);
        check(noticed());
    }

    #[test]
    fn too_much_is_cut_visibly() {
        check(long());
        let text = payload_of(long(), &MARKUP).to_string();
        assert_eq!((text.matches("more before").count(), text.matches("… and ").count()), (1, 2), "{text}");
    }

    #[tokio::test]
    async fn what_the_server_says_decides() {
        let said = |about: &str| {
            format!(
                r#"{{"id":"web.incoming_webhook.{about}.app_error","message":"m","detailed_error":"","status_code":400}}"#
            )
        };
        let table = [
            (200, "ok".to_owned(), "delivered"),
            (200, "<html>please log in</html>".to_owned(), "retry"),
            (200, String::new(), "retry"),
            (400, said("invalid"), "disable"),
            (404, said("invalid"), "disable"),
            (404, said("channel"), "disable"),
            (403, said("channel_locked"), "disable"),
            (501, said("disabled"), "disable"),
            (400, said("text"), "reject"),
            (400, said("parse"), "reject"),
            (401, "{}".to_owned(), "disable"),
            (413, String::new(), "reject"),
            (429, "limit exceeded".to_owned(), "pause"),
            (500, said("save"), "retry"),
            (302, String::new(), "disable"),
        ];
        for (status, body, outcome) in table {
            let server = HttpDouble::start(Reply::status(status).body(&body)).await;
            let sent = deliver(&mattermost(&server.url("/hooks/k3y-of-the-hook")), parcel(&delivery(fired()))).await;
            assert_eq!((sent.outcome.name(), sent.status), (outcome, Some(status)), "{body}: {sent:?}");
            assert!(!format!("{sent:?}").contains("k3y"), "{sent:?}");
            let body: Value = serde_json::from_str(&server.requests()[0].body).unwrap();
            assert_eq!(body["channel"], "supply-alerts");
        }
    }
}
