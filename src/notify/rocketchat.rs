//! Rocket.Chat incoming integrations (<https://docs.rocket.chat/docs/integrations>).
//!
//! Its signs have escapes in some places and in some versions only, so foreign text is written with signs that look
//! alike. An integration tells no message's name: nothing here threads or edits, and no copy can be told.

use std::time::Duration;

use super::Parcel;
use super::answer::{Answer, PAUSE_DEFAULT};
use super::attachment;
use super::http::{Call, Endpoint};
use super::markdown;
use super::probe::Probe;
use super::prose::Markup;
use super::service::{Form, Service, Verdict, stranger};
use crate::base::limits::RETRY_AFTER_MAX;
use crate::outbox::Outcome;

/// A room of Rocket.Chat.
#[derive(Clone, Debug)]
pub struct RocketChat {
    /// The integration's address.
    pub endpoint: Endpoint,
    /// A room other than the integration's own, where that is allowed to it.
    pub channel: Option<String>,
}

impl Service for RocketChat {
    fn call(&self, parcel: Parcel<'_>, form: Form) -> Result<Call, String> {
        let payload = attachment::payload(parcel, &Signs, form, self.channel.as_deref());
        Ok(Call::json(&self.endpoint, &payload))
    }

    fn probe(&self) -> Probe {
        Probe::presence(&self.endpoint)
    }

    fn verdict(&self, answer: &Answer) -> Verdict {
        let said = answer.json().unwrap_or_default();
        let error = said["error"].as_str().unwrap_or_default();
        let why = answer.told();
        match (answer.status, said["success"].as_bool()) {
            (200, Some(true)) => answer.means(Outcome::Delivered { remote_ref: None }).into(),
            (429, _) => answer.means(Outcome::Pause { after: wait(answer, error), why }).into(),
            (200 | 400, Some(false)) if error.contains("message-size-exceeded") => {
                Verdict::TooMuch(answer.means(Outcome::Reject { why }))
            }
            (200 | 400, Some(false)) if ROOM.iter().any(|word| error.contains(word)) => {
                answer.means(Outcome::Disable { why }).into()
            }
            (200, Some(false)) => answer.means(Outcome::Reject { why }).into(),
            (503, _) => {
                // An integration that was switched off looks like a server that is busy.
                let sent = answer.means(answer.retry(false));
                sent.explained(" (an integration that is switched off answers so too)").into()
            }
            _ => stranger(answer),
        }
    }
}

/// What is said of a room that we may not write to.
const ROOM: [&str; 4] = ["invalid-channel", "invalid-room", "error-not-allowed", "overriding"];

/// `… You must wait 23 seconds …`
fn wait(answer: &Answer, error: &str) -> Duration {
    let told = error.split_once("must wait ").and_then(|(_, after)| after.split(' ').next()?.parse::<u64>().ok());
    let wait = told.map(Duration::from_secs).max(answer.wait);
    wait.unwrap_or(PAUSE_DEFAULT).clamp(Duration::from_secs(1), RETRY_AFTER_MAX)
}

/// Rocket.Chat's signs.
struct Signs;

impl Markup for Signs {
    fn text(&self, text: &str) -> String {
        markdown::harmless(text)
    }

    fn strong(&self, text: &str) -> String {
        format!("*{}*", self.text(text))
    }

    fn code(&self, text: &str) -> String {
        markdown::code(text)
    }

    fn block(&self, text: &str) -> String {
        markdown::block(text)
    }

    fn link(&self, text: &str, address: &str) -> String {
        format!("[{}]({})", self.text(text), markdown::target(address))
    }

    fn length(&self, rendered: &str) -> usize {
        rendered.encode_utf16().count()
    }

    fn width(&self) -> usize {
        60
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::base::secret::Secret;
    use crate::notify::attachment::tests::{check_limits, long, payload_of, shown};
    use crate::notify::double::{HttpDouble, Reply, corrected, deliver, delivery, fired, noticed, parcel};
    use crate::outbox::Message;

    pub fn rocketchat(url: &str) -> RocketChat {
        let endpoint = Endpoint { url: Secret::new(url), insecure: true, allow_private: true };
        RocketChat { endpoint, channel: None }
    }

    /// Every limit; outside of code, stars are our own, a pair around each name, and no other sign is left.
    pub fn check(message: Message) {
        let payload = payload_of(message, &Signs);
        check_limits(&payload);
        for text in [&payload["text"], &payload["attachments"][0]["text"]] {
            let text = text.as_str().unwrap();
            let fences: Vec<&str> = text.split("```").collect();
            assert_eq!(fences.len() % 2, 1, "{text}");
            for line in fences.iter().step_by(2).flat_map(|text| text.lines()) {
                let outside: String = line.split('`').step_by(2).collect();
                let mut parts = outside.split("](https://");
                let first = parts.next().unwrap_or_default().to_owned();
                let outside = parts.fold(first, |text, part| text + part.split_once(')').map_or("", |(_, rest)| rest));
                assert!(outside.matches('*').count() % 2 == 0 && outside.matches('*').count() <= 2, "{line}");
                assert!(!outside.contains(['~', '|', '#', '<']) && !outside.starts_with(['>', '-']), "{line}");
                assert!(
                    line.split('@').skip(1).all(|after| after.starts_with('\u{200b}')) || line.contains('`'),
                    "{line}"
                );
            }
        }
    }

    #[test]
    fn an_alert_is_a_text_and_an_attachment() {
        insta::assert_snapshot!(shown(fired(), &Signs), @"
        *🔴 CRITICAL: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %*
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
        *Clears:* ends when ˋdeclines >= 2ˋ no longer holds
        *Source:* china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC
        Rule: `magnet-exports-falling: declines >= 2`
        9f3c21d07be45a68, episode 1, message 1, 2025-10-20 01:05 UTC, supplywatch 0.1.0
        ");
        insta::assert_snapshot!(shown(corrected(), &Signs), @"
        *✏️ CORRECTED: China → US rare-earth magnet exports: ˋdeclines >= 2ˋ no longer holds after a revision: September 2025 is now 600 t, was 420.5 t*
        [#7b4fb5]
        August 2025 590 t, September 2025 600 t. Known since 20 November 2025.
        *Said before:* on 20 October 2025: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %
        *Revised:* 2025-09: was 420.5 t, is 600 t since 2025-11-20
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
        *Source:* china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC
        Rule: `magnet-exports-falling: declines >= 2`
        9f3c21d07be45a68, episode 1, message 2, 2025-11-20 01:05 UTC, supplywatch 0.1.0
        ");
        insta::assert_snapshot!(shown(noticed(), &Signs), @r#"
        *🟠 WARNING: export rules: Licences for gallium, and 1 more*
        [#b45f06]
        2 items, published on 24 September 2026; 1 corrects another.
        • [24 September 2026: Licences for gallium (Rule, Industry and Security Bureau). Until 10 November 2026. The licence requirement is suspended.](https://notices.example/documents/2026/09/24/2026-2/a-title-that-is-long-enough-to-be-wider-than-a-line)
        • [24 September 2026: Gallium ‹b>list‹/b> (Rule, Industry and Security Bureau). Corrects Gallium ‹b>list‹/b> (2026-1), published on 1 September 2026.](https://notices.example/documents/2026/09/24/C1-2026-1/a-title-that-is-long-enough-to-be-wider-than-a-line)
        … and 3 more
        ✓ holds: `new("gallium")` new('gallium') = holds
        *Source:* china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC
        Rule: `magnet-exports-falling: declines >= 2`
        9f3c21d07be45a68, episode 1, message 1, 2025-10-20 01:05 UTC, supplywatch 0.1.0
        "#);
        check(noticed());
    }

    #[test]
    fn too_much_is_cut_visibly() {
        check(long());
        let text = payload_of(long(), &Signs).to_string();
        assert_eq!((text.matches("more before").count(), text.matches("… and ").count()), (1, 2), "{text}");
    }

    #[tokio::test]
    async fn what_the_server_says_decides() {
        let said = |error: &str| format!(r#"{{"success":false,"error":"{error}"}}"#);
        let wait = "Error, too many requests. Please slow down. You must wait 23 seconds before trying this endpoint again. [error-too-many-requests]";
        let table = [
            (200, r#"{"success":true}"#.to_owned(), "delivered"),
            (200, said("x"), "reject"),
            (200, "<html>please log in</html>".to_owned(), "retry"),
            (200, String::new(), "retry"),
            (400, said("Message size exceed limit [error-message-size-exceeded]"), "reject"),
            (400, said("invalid-channel"), "disable"),
            (400, said("x"), "reject"),
            (404, said("Invalid integration id or token provided."), "disable"),
            (429, said(wait), "pause"),
            (503, "Service Unavailable".to_owned(), "retry"),
            (302, String::new(), "disable"),
        ];
        for (status, body, outcome) in table {
            let server = HttpDouble::start(Reply::status(status).body(&body)).await;
            let sent =
                deliver(&rocketchat(&server.url("/hooks/1d/t0ken-of-the-hook")), parcel(&delivery(fired()))).await;
            assert_eq!((sent.outcome.name(), sent.status), (outcome, Some(status)), "{body}: {sent:?}");
            assert!(!format!("{sent:?}").contains("t0ken"), "{sent:?}");
            match &sent.outcome {
                Outcome::Pause { after, .. } => assert_eq!(after.as_secs(), 23),
                Outcome::Retry { why, .. } if status == 503 => assert!(why.contains("switched off"), "{why}"),
                _ => {}
            }
        }
    }
}
