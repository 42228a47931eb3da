//! Gotify (<https://gotify.net/api-docs>).
//!
//! Messages are CommonMark, which its app and its page both show. A copy cannot be told: what may be a repeat says
//! so. There are no threads.

use serde_json::json;

use super::Parcel;
use super::answer::Answer;
use super::http::{Call, Endpoint};
use super::look::Tone;
use super::markup::{chars, fenced};
use super::probe::Probe;
use super::prose::{self, Markup};
use super::service::{Form, Service, Verdict, by_status, stranger};
use crate::base::secret::Secret;
use crate::outbox::{Message, Outcome};

/// An application of a server.
#[derive(Clone, Debug)]
pub struct Gotify {
    /// The server.
    pub server: Endpoint,
    /// The application's token.
    pub token: Secret,
}

/// Characters of a message, at most: the server names no limit, a phone has one.
const MESSAGE_MAX: usize = 16_000;
/// Characters of a title, at most.
const TITLE_MAX: usize = 250;
/// Bytes of an address, at most.
const ADDRESS_MAX: usize = 2000;

impl Service for Gotify {
    fn call(&self, parcel: Parcel<'_>, form: Form) -> Result<Call, String> {
        let message = parcel.message();
        let text = match form {
            Form::Full => prose::body(parcel, &CommonMark, MESSAGE_MAX),
            Form::Short => prose::note(parcel, &CommonMark, MESSAGE_MAX / 8),
        };
        let mut body = json!({
            "title": prose::headline(message, TITLE_MAX),
            "message": text,
            "priority": priority(message),
            "extras": {"client::display": {"contentType": "text/markdown"}},
        });
        if let Some((_, page)) = prose::pages(message, ADDRESS_MAX).first() {
            body["extras"]["client::notification"] = json!({"click": {"url": page}});
        }
        let call = Call::json(&self.server.at("/message"), &body);
        Ok(call.secret_header("x-gotify-key", self.token.expose()))
    }

    fn probe(&self) -> Probe {
        // An application's token may send and nothing else.
        Probe::health(Call::get(&self.server.at("/health")), "/health")
    }

    fn verdict(&self, answer: &Answer) -> Verdict {
        if !(200..=299).contains(&answer.status) {
            return by_status(answer);
        }
        let id = answer.json().and_then(|said| said["id"].as_u64());
        let delivered = |id: u64| answer.means(Outcome::Delivered { remote_ref: Some(id.to_string()) });
        id.map_or_else(|| stranger(answer), |id| delivered(id).into())
    }
}

/// From 0 to 10: from 8 it pops up and rings, from 4 it rings, below it makes no sound.
const fn priority(message: &Message) -> u8 {
    match Tone::of(message) {
        Tone::Critical => 8,
        Tone::Warning => 6,
        Tone::Info | Tone::Corrected => 4,
        Tone::Resolved | Tone::Ended => 2,
    }
}

/// CommonMark (<https://spec.commonmark.org/0.31.2/>): any punctuation may have a backslash.
struct CommonMark;

impl Markup for CommonMark {
    fn text(&self, text: &str) -> String {
        let chars: Vec<char> = text.chars().collect();
        let written = |(index, c): (usize, &char)| match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '~' | '|' | '!' | '#' | '&' => format!("\\{c}"),
            // A list or a line, where a text begins.
            '-' | '+' | '=' if index == 0 => format!("\\{c}"),
            '.' | ')' if index > 0 && chars[..index].iter().all(char::is_ascii_digit) => format!("\\{c}"),
            // Four of them would be code.
            ' ' if index == 0 => "\u{a0}".to_owned(),
            _ => c.to_string(),
        };
        chars.iter().enumerate().map(written).collect()
    }

    fn strong(&self, text: &str) -> String {
        format!("**{}**", self.text(text))
    }

    fn code(&self, text: &str) -> String {
        let ticks = fenced(text, 1);
        let gap = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
        if text.trim().is_empty() { String::new() } else { format!("{ticks}{gap}{text}{gap}{ticks}") }
    }

    fn block(&self, text: &str) -> String {
        let ticks = fenced(text, 3);
        format!("\n{ticks}\n{text}\n{ticks}")
    }

    fn link(&self, text: &str, address: &str) -> String {
        format!("[{}](<{}>)", self.text(text), address.replace('<', "%3C").replace('>', "%3E").replace('\\', "%5C"))
    }

    fn length(&self, rendered: &str) -> usize {
        chars(rendered)
    }

    /// Two spaces at a line's end: the next line is not run on.
    fn line_break(&self) -> &'static str {
        "  \n"
    }

    fn width(&self) -> usize {
        40
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::notify::Sent;
    use crate::notify::double::{HttpDouble, Reply, corrected, deliver, delivery, fired, noticed, parcel, resolved};
    use crate::notify::http::Body;

    fn gotify(url: &str) -> Gotify {
        let server = Endpoint { url: Secret::new(url), insecure: true, allow_private: true };
        Gotify { server, token: Secret::new("AT0KENabcdef") }
    }

    pub fn payload_of(parcel: Parcel<'_>) -> serde_json::Value {
        let Body::Json(body) = gotify("http://127.0.0.1").call(parcel, Form::Full).unwrap().body else { panic!() };
        serde_json::from_str(&body).unwrap()
    }

    /// Read as Markdown, a message is paragraphs with our bold words, our code and our links, and nothing else.
    pub fn check(parcel: Parcel<'_>) {
        use pulldown_cmark::{Event, LinkType, Options, Parser, Tag};
        let payload = payload_of(parcel);
        let text = payload["message"].as_str().unwrap();
        assert!((1..=MESSAGE_MAX).contains(&text.chars().count()) && text.contains("may be a repeat"), "{text}");
        let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
        for event in Parser::new_ext(text, options) {
            match event {
                Event::Start(Tag::Link { link_type: LinkType::Inline, dest_url, .. }) => {
                    assert!(dest_url.starts_with("http"), "{dest_url}");
                }
                Event::Start(Tag::Paragraph | Tag::Strong | Tag::CodeBlock(_)) | Event::End(_) => {}
                Event::Text(_) | Event::Code(_) | Event::HardBreak => {}
                other => panic!("{other:?} in {text}"),
            }
        }
    }

    #[tokio::test]
    async fn a_message_is_commonmark() {
        let server = HttpDouble::start(Reply::status(200).body(r#"{"id":25,"appid":5,"message":"x"}"#)).await;
        let sent = deliver(&gotify(&server.url("/")), parcel(&delivery(corrected()))).await;
        assert_eq!(sent, Sent::delivered(Some("25".to_owned())).with_status(Some(200)));
        let [request] = &server.requests()[..] else { panic!("one request") };
        assert_eq!(request.line, "POST /message HTTP/1.1");
        assert_eq!(request.header("x-gotify-key"), Some("AT0KENabcdef"));
        let payload = payload_of(parcel(&delivery(corrected())));
        assert_eq!(payload["extras"]["client::display"]["contentType"], "text/markdown");
        let text = payload["message"].as_str().unwrap().replace("  \n", "··\n");
        insta::assert_snapshot!(format!("{}\n\n{text}", payload["title"].as_str().unwrap()), @"
        ✏️ CORRECTED: China → US rare-earth magnet exports: `declines >= 2` no longer holds after a revision: September 2025 is now 600 t, was 420.5 t

        August 2025 590 t, September 2025 600 t. Known since 20 November 2025.··
        **Said before:** on 20 October 2025: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %··
        **Revised:** 2025-09: was 420.5 t, is 600 t since 2025-11-20··
        ✗ fails: `declines >= 2` declines = 0··

        ```
        period    value    change  known since
        2025-04       —   not published
        2025-05  46.4 t            2025-06-20
        2025-06   353 t  +660.8 %  2025-07-20
        2025-07   619 t   +75.4 %  2025-08-20
        2025-08   590 t    −4.7 %  2025-09-20
        2025-09   600 t    +1.7 %  2025-11-20
                 preliminary, was 420.5 t until
                 20 November 2025
        ```··
        **Source:** china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC··
        Rule: `magnet-exports-falling: declines >= 2`··
        9f3c21d07be45a68, episode 1, message 2, 2025-11-20 01:05 UTC, supplywatch 0.1.0
        ");
    }

    #[test]
    fn an_opening_and_a_closing_are_whole() {
        let shown = |message| {
            let payload = payload_of(parcel(&delivery(message)));
            format!(
                "{}\n\n{}",
                payload["title"].as_str().unwrap(),
                payload["message"].as_str().unwrap().replace("  \n", "··\n")
            )
        };
        insta::assert_snapshot!(shown(fired()), @r"
        🔴 CRITICAL: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %

        July 2025 619 t, August 2025 590 t, September 2025 420.5 t. Known since 20 October 2025.··
        ✓ holds: `declines >= 2` declines = 2··

        ```
        period     value    change  known since
        2025-04        —   not published
        2025-05   46.4 t            2025-06-20
        2025-06    353 t  +660.8 %  2025-07-20
        2025-07    619 t   +75.4 %  2025-08-20
        2025-08    590 t    −4.7 %  2025-09-20
        2025-09  420.5 t   −28.7 %  2025-10-20
        ```··
        **Clears:** ends when \`declines \>= 2\` no longer holds··
        **Source:** china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC··
        Rule: `magnet-exports-falling: declines >= 2`··
        9f3c21d07be45a68, episode 1, message 1, 2025-10-20 01:05 UTC, supplywatch 0.1.0
        ");
        insta::assert_snapshot!(shown(resolved()), @"
        ✅ RESOLVED: China → US rare-earth magnet exports: `declines >= 2` no longer holds: 656 t in October 2025, +56 %

        September 2025 420.5 t, October 2025 656 t. Known since 20 November 2025.··
        **Said before:** on 20 October 2025: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %··
        ✗ fails: `declines >= 2` declines = 0··

        ```
        period     value    change  known since
        2025-05   46.4 t            2025-06-20
        2025-06    353 t  +660.8 %  2025-07-20
        2025-07    619 t   +75.4 %  2025-08-20
        2025-08    590 t    −4.7 %  2025-09-20
        2025-09  420.5 t   −28.7 %  2025-10-20
        2025-10    656 t     +56 %  2025-11-20
        ```··
        **Source:** china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC··
        Rule: `magnet-exports-falling: declines >= 2`··
        9f3c21d07be45a68, episode 1, message 2, 2025-11-20 01:05 UTC, supplywatch 0.1.0
        ");
    }

    #[test]
    fn items_are_links() {
        let payload = payload_of(parcel(&delivery(noticed())));
        insta::assert_snapshot!(payload["message"].as_str().unwrap().replace("  \n", "··\n"), @r#"
        2 items, published on 24 September 2026; 1 corrects another.··
        • [24 September 2026: Licences for gallium (Rule, Industry and Security Bureau). Until 10 November 2026. The licence requirement is suspended.](<https://notices.example/documents/2026/09/24/2026-2/a-title-that-is-long-enough-to-be-wider-than-a-line>)··
        • [24 September 2026: Gallium \<b\>list\</b\> (Rule, Industry and Security Bureau). Corrects Gallium \<b\>list\</b\> (2026-1), published on 1 September 2026.](<https://notices.example/documents/2026/09/24/C1-2026-1/a-title-that-is-long-enough-to-be-wider-than-a-line>)··
        … and 3 more··
        ✓ holds: `new("gallium")` new('gallium') = holds··
        **Source:** china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC··
        Rule: `magnet-exports-falling: declines >= 2`··
        9f3c21d07be45a68, episode 1, message 1, 2025-10-20 01:05 UTC, supplywatch 0.1.0
        "#);
        let page = payload["extras"]["client::notification"]["click"]["url"].as_str().unwrap();
        assert!(page.starts_with("https://notices.example/documents/2026/09/24/2026-2/"));
    }

    #[test]
    fn the_worse_it_is_the_louder_it_is() {
        let priority = |message| payload_of(parcel(&delivery(message)))["priority"].clone();
        assert_eq!(
            [fired(), noticed(), corrected(), resolved()].map(priority),
            [8, 6, 4, 2].map(serde_json::Value::from)
        );
    }

    #[tokio::test]
    async fn what_the_server_says_decides() {
        let error =
            |code: u16| format!(r#"{{"error":"x","errorCode":{code},"errorDescription":"you need to provide x"}}"#);
        let table = [
            (400, error(400), "reject"),
            (401, error(401), "disable"),
            (403, error(403), "disable"),
            (404, "<html>nothing here</html>".to_owned(), "disable"),
            (413, String::new(), "reject"),
            (500, error(500), "retry"),
            (200, "<html>please log in</html>".to_owned(), "retry"),
            (302, String::new(), "disable"),
        ];
        for (status, body, outcome) in table {
            let server = HttpDouble::start(Reply::status(status).body(&body)).await;
            let sent = deliver(&gotify(&server.url("")), parcel(&delivery(fired()))).await;
            assert_eq!((sent.outcome.name(), sent.status), (outcome, Some(status)), "{body}: {sent:?}");
            assert!(!format!("{sent:?}").contains("AT0KEN"));
        }
    }
}
