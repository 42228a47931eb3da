//! Google Chat's incoming webhooks (<https://developers.google.com/workspace/chat/quickstart/webhooks>).
//!
//! What is to be known at once is the text; what bears it out is a card below it. The messages of one thread of ours
//! are one thread there, by a key. Each request has an id by which Google may drop a copy; that its webhooks do is
//! not promised, so what may be a repeat says so too.

use serde_json::{Value, json};

use super::Parcel;
use super::answer::Answer;
use super::http::{Call, Endpoint};
use super::look;
use super::markdown;
use super::probe::Probe;
use super::prose::{self, Markup, Room};
use super::service::{Form, Service, Verdict, stranger};
use crate::outbox::{Message, Outcome};

/// A space of Google Chat.
#[derive(Clone, Debug)]
pub struct GoogleChat {
    /// The webhook, with its key and token.
    pub endpoint: Endpoint,
}

/// Characters of the text.
const TEXT_MAX: usize = 4000;
/// Bytes of the message: a card may have 32 KB.
const BYTES_MAX: usize = 24 << 10;

impl Service for GoogleChat {
    fn call(&self, parcel: Parcel<'_>, form: Form) -> Result<Call, String> {
        let request = request_id(&parcel.delivery.id);
        let reply = "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD";
        let endpoint = self.endpoint.with_query(&[("messageReplyOption", reply), ("requestId", &request)]);
        let mut body = match form {
            Form::Full => full(parcel),
            Form::Short => json!({"text": prose::note(parcel, &Text, TEXT_MAX)}),
        };
        body["thread"] = json!({"threadKey": parcel.message().thread()});
        Ok(Call::json(&endpoint, &body))
    }

    fn probe(&self) -> Probe {
        Probe::presence(&self.endpoint)
    }

    fn verdict(&self, answer: &Answer) -> Verdict {
        let said = answer.json().unwrap_or_default();
        match (answer.status, said["name"].as_str(), said["error"]["status"].as_str()) {
            (200, Some(name), _) => answer.means(Outcome::Delivered { remote_ref: Some(name.to_owned()) }).into(),
            (400, _, Some("INVALID_ARGUMENT")) => {
                Verdict::TooMuch(answer.means(Outcome::Reject { why: answer.told() }))
            }
            _ => stranger(answer),
        }
    }
}

/// A UUID (of version 8: the digits are ours) from a delivery's id, the same in every attempt.
fn request_id(delivery: &str) -> String {
    let digits: String = delivery.chars().filter(char::is_ascii_hexdigit).collect();
    let digits = format!("{:0>32}", &digits[digits.len().saturating_sub(32)..]);
    format!("{}-{}-8{}-8{}-{}", &digits[..8], &digits[8..12], &digits[13..16], &digits[17..20], &digits[20..])
}

fn full(parcel: Parcel<'_>) -> Value {
    let with = |room: Room| {
        json!({
            "text": text(parcel, room),
            "cardsV2": [{"cardId": "evidence", "card": {"sections": sections(parcel.message(), room)}}],
        })
    };
    prose::fitting(BYTES_MAX, |body: &Value| body.to_string().len(), with)
}

fn text(parcel: Parcel<'_>, room: Room) -> String {
    let title = Text.strong(&prose::headline(parcel.message(), room.text.min(prose::TITLE_CHARS)));
    let said = prose::opening(parcel, room).into_iter().map(|said| Text.text(&said));
    std::iter::once(title).chain(said).collect::<Vec<_>>().join("\n")
}

fn sections(message: &Message, room: Room) -> Vec<Value> {
    let periods =
        prose::periods(message, &Card, room).into_iter().map(|(name, value)| format!("<b>{name}</b> {value}"));
    let named = prose::facts(message, &Card, room).into_iter();
    let named = named.map(|(name, lines)| {
        json!({"decoratedText": {"topLabel": name, "text": lines.join(Card.line_break()), "wrapText": true}})
    });
    let identity = Card.text(&look::line(&look::identity(message), room.text));
    let small = json!({"textParagraph": {"text": format!("<font color=\"#6e7781\">{identity}</font>")}});
    let sections = [
        paragraph(&prose::items(message, &Card, room)).into_iter().collect(),
        paragraph(&periods.collect::<Vec<_>>()).into_iter().collect(),
        named.chain([small]).collect::<Vec<_>>(),
    ];
    sections.into_iter().filter(|widgets| !widgets.is_empty()).map(|widgets| json!({"widgets": widgets})).collect()
}

fn paragraph(lines: &[String]) -> Option<Value> {
    (!lines.is_empty()).then(|| json!({"textParagraph": {"text": lines.join(Card.line_break())}}))
}

/// The signs of a text; they have no escape.
struct Text;

impl Markup for Text {
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
        format!("{} {address}", self.text(text))
    }

    fn length(&self, rendered: &str) -> usize {
        rendered.encode_utf16().count()
    }
}

/// The HTML of a card, which has no code.
struct Card;

impl Markup for Card {
    fn text(&self, text: &str) -> String {
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
    }

    fn strong(&self, text: &str) -> String {
        format!("<b>{}</b>", self.text(text))
    }

    fn code(&self, text: &str) -> String {
        format!("“{}”", self.text(text))
    }

    fn block(&self, text: &str) -> String {
        self.text(text).replace('\n', self.line_break())
    }

    fn link(&self, text: &str, address: &str) -> String {
        format!("<a href=\"{}\">{}</a>", self.text(address), self.text(text))
    }

    fn length(&self, rendered: &str) -> usize {
        rendered.len()
    }

    fn line_break(&self) -> &'static str {
        "<br>"
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::base::secret::Secret;
    use crate::notify::Sent;
    use crate::notify::double::{
        HttpDouble, Reply, corrected, deliver, delivery, fired, lines, noticed, parcel, resolved,
    };

    pub fn googlechat(url: &str) -> GoogleChat {
        GoogleChat { endpoint: Endpoint { url: Secret::new(url), insecure: true, allow_private: true } }
    }

    pub fn body_of(message: Message) -> Value {
        full(Parcel { maybe_delivered: true, ..parcel(&delivery(message)) })
    }

    /// What Google takes, and in its texts no sign but our own.
    pub fn check(body: &Value) {
        assert!(body.to_string().len() <= BYTES_MAX);
        let text = body["text"].as_str().unwrap();
        assert!(text.contains("(may be a repeat)") && !text.contains(['<', '`', '~']), "{text}");
        assert_eq!(text.matches('*').count(), 2, "{text}");
        let sections = body["cardsV2"][0]["card"]["sections"].as_array().unwrap().iter();
        let widgets: Vec<&Value> = sections.flat_map(|section| section["widgets"].as_array().unwrap()).collect();
        assert!((1..=100).contains(&widgets.len()));
        for widget in widgets {
            let text = widget["textParagraph"]["text"].as_str().or(widget["decoratedText"]["text"].as_str()).unwrap();
            let tags = text.split('<').skip(1).map(|rest| rest.split_once('>').unwrap().0.split(' ').next().unwrap());
            assert!(!text.is_empty() && tags.into_iter().all(|tag| TAGS.contains(&tag)), "{text}");
        }
    }

    const TAGS: [&str; 7] = ["b", "/b", "br", "a", "/a", "font", "/font"];

    fn shown(message: Message) -> String {
        let body = full(parcel(&delivery(message)));
        format!("{}\n{}", body["text"].as_str().unwrap(), lines(&body["cardsV2"][0]["card"]["sections"]))
    }

    #[test]
    fn an_alert_is_a_text_and_a_card() {
        insta::assert_snapshot!(shown(fired()), @r##"
        *🔴 CRITICAL: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %*
        July 2025 619 t, August 2025 590 t, September 2025 420.5 t. Known since 20 October 2025.
        {"widgets":[{"textParagraph":{"text":"<b>2025-04</b> —, not published<br><b>2025-05</b> 46.4 t, known since 2025-06-20<br><b>2025-06</b> 353 t, +660.8 %, known since 2025-07-20<br><b>2025-07</b> 619 t, +75.4 %, known since 2025-08-20<br><b>2025-08</b> 590 t, −4.7 %, known since 2025-09-20<br><b>2025-09</b> 420.5 t, −28.7 %, known since 2025-10-20"}}]}
        {"widgets":[{"decoratedText":{"text":"✓ holds: “declines &gt;= 2” declines = 2","topLabel":"Why","wrapText":true}},{"decoratedText":{"text":"ends when `declines &gt;= 2` no longer holds","topLabel":"Clears","wrapText":true}},{"decoratedText":{"text":"china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC","topLabel":"Source","wrapText":true}},{"decoratedText":{"text":"“magnet-exports-falling: declines &gt;= 2”","topLabel":"Rule","wrapText":true}},{"textParagraph":{"text":"<font color=\"#6e7781\">9f3c21d07be45a68, episode 1, message 1, 2025-10-20 01:05 UTC, supplywatch 0.1.0</font>"}}]}
        "##);
        insta::assert_snapshot!(shown(corrected()), @r##"
        *✏️ CORRECTED: China → US rare-earth magnet exports: ˋdeclines >= 2ˋ no longer holds after a revision: September 2025 is now 600 t, was 420.5 t*
        August 2025 590 t, September 2025 600 t. Known since 20 November 2025.
        {"widgets":[{"textParagraph":{"text":"<b>2025-04</b> —, not published<br><b>2025-05</b> 46.4 t, known since 2025-06-20<br><b>2025-06</b> 353 t, +660.8 %, known since 2025-07-20<br><b>2025-07</b> 619 t, +75.4 %, known since 2025-08-20<br><b>2025-08</b> 590 t, −4.7 %, known since 2025-09-20<br><b>2025-09</b> 600 t, +1.7 %, preliminary, known since 2025-11-20, was 420.5 t until 20 November 2025"}}]}
        {"widgets":[{"decoratedText":{"text":"on 20 October 2025: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %","topLabel":"Said before","wrapText":true}},{"decoratedText":{"text":"2025-09: was 420.5 t, is 600 t since 2025-11-20","topLabel":"Revised","wrapText":true}},{"decoratedText":{"text":"✗ fails: “declines &gt;= 2” declines = 0","topLabel":"Why","wrapText":true}},{"decoratedText":{"text":"china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC","topLabel":"Source","wrapText":true}},{"decoratedText":{"text":"“magnet-exports-falling: declines &gt;= 2”","topLabel":"Rule","wrapText":true}},{"textParagraph":{"text":"<font color=\"#6e7781\">9f3c21d07be45a68, episode 1, message 2, 2025-11-20 01:05 UTC, supplywatch 0.1.0</font>"}}]}
        "##);
        insta::assert_snapshot!(shown(resolved()), @r##"
        *✅ RESOLVED: China → US rare-earth magnet exports: ˋdeclines >= 2ˋ no longer holds: 656 t in October 2025, +56 %*
        September 2025 420.5 t, October 2025 656 t. Known since 20 November 2025.
        {"widgets":[{"textParagraph":{"text":"<b>2025-05</b> 46.4 t, known since 2025-06-20<br><b>2025-06</b> 353 t, +660.8 %, known since 2025-07-20<br><b>2025-07</b> 619 t, +75.4 %, known since 2025-08-20<br><b>2025-08</b> 590 t, −4.7 %, known since 2025-09-20<br><b>2025-09</b> 420.5 t, −28.7 %, known since 2025-10-20<br><b>2025-10</b> 656 t, +56 %, known since 2025-11-20"}}]}
        {"widgets":[{"decoratedText":{"text":"on 20 October 2025: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %","topLabel":"Said before","wrapText":true}},{"decoratedText":{"text":"✗ fails: “declines &gt;= 2” declines = 0","topLabel":"Why","wrapText":true}},{"decoratedText":{"text":"china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC","topLabel":"Source","wrapText":true}},{"decoratedText":{"text":"“magnet-exports-falling: declines &gt;= 2”","topLabel":"Rule","wrapText":true}},{"textParagraph":{"text":"<font color=\"#6e7781\">9f3c21d07be45a68, episode 1, message 2, 2025-11-20 01:05 UTC, supplywatch 0.1.0</font>"}}]}
        "##);
        insta::assert_snapshot!(shown(noticed()), @r##"
        *🟠 WARNING: export rules: Licences for gallium, and 1 more*
        2 items, published on 24 September 2026; 1 corrects another.
        {"widgets":[{"textParagraph":{"text":"• <a href=\"https://notices.example/documents/2026/09/24/2026-2/a-title-that-is-long-enough-to-be-wider-than-a-line\">24 September 2026: Licences for gallium (Rule, Industry and Security Bureau). Until 10 November 2026. The licence requirement is suspended.</a><br>• <a href=\"https://notices.example/documents/2026/09/24/C1-2026-1/a-title-that-is-long-enough-to-be-wider-than-a-line\">24 September 2026: Gallium &lt;b&gt;list&lt;/b&gt; (Rule, Industry and Security Bureau). Corrects Gallium &lt;b&gt;list&lt;/b&gt; (2026-1), published on 1 September 2026.</a><br>… and 3 more"}}]}
        {"widgets":[{"decoratedText":{"text":"✓ holds: “new(&quot;gallium&quot;)” new('gallium') = holds","topLabel":"Why","wrapText":true}},{"decoratedText":{"text":"china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC","topLabel":"Source","wrapText":true}},{"decoratedText":{"text":"“magnet-exports-falling: declines &gt;= 2”","topLabel":"Rule","wrapText":true}},{"textParagraph":{"text":"<font color=\"#6e7781\">9f3c21d07be45a68, episode 1, message 1, 2025-10-20 01:05 UTC, supplywatch 0.1.0</font>"}}]}
        "##);
    }

    #[test]
    fn too_much_is_cut_visibly() {
        let message = fired();
        let (table, gates) = (vec![message.table[5].clone(); 60], vec![message.gates[0].clone(); 60]);
        let body = body_of(Message { table, gates, clears: Some("&".repeat(9000)), ..message });
        check(&body);
        let text = body.to_string();
        assert_eq!((text.matches("more before").count(), text.matches("… and ").count()), (1, 1), "{text}");
    }

    #[tokio::test]
    async fn a_request_has_an_id_and_a_thread() {
        let answer = r#"{"name":"spaces/A/messages/B.C","thread":{"name":"spaces/A/threads/B"}}"#;
        let server = HttpDouble::start(Reply::status(200).body(answer)).await;
        let googlechat = googlechat(&server.url("/v1/spaces/A/messages?key=k3y-of-the-space&token=t0ken-of-it%3D"));
        let delivery = delivery(fired());
        let sent = deliver(&googlechat, parcel(&delivery)).await;
        assert_eq!(sent, Sent::delivered(Some("spaces/A/messages/B.C".to_owned())).with_status(Some(200)));
        let [request] = &server.requests()[..] else { panic!("one request") };
        assert_eq!(
            request.line,
            "POST /v1/spaces/A/messages?key=k3y-of-the-space&token=t0ken-of-it%3D\
             &messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD\
             &requestId=00112233-4455-8677-8899-aabbccddeeff HTTP/1.1"
        );
        let body: Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!(body["thread"]["threadKey"], "9f3c21d07be45a68.1");
        let preview = crate::notify::service::preview(&googlechat, parcel(&delivery));
        assert!(!preview.contains("t0ken") && !preview.contains("k3y"), "{preview}");
    }

    #[tokio::test]
    async fn what_google_says_decides() {
        let said = |code: u16, status: &str| {
            format!(r#"{{"error":{{"code":{code},"message":"m t0ken-of-it","status":"{status}"}}}}"#)
        };
        let table = [
            (200, "<html>please log in</html>".to_owned(), "retry"),
            (200, "{}".to_owned(), "retry"),
            (400, said(400, "INVALID_ARGUMENT"), "reject"),
            (400, said(400, "FAILED_PRECONDITION"), "reject"),
            (401, said(401, "UNAUTHENTICATED"), "disable"),
            (403, said(403, "PERMISSION_DENIED"), "disable"),
            (404, said(404, "NOT_FOUND"), "disable"),
            (429, said(429, "RESOURCE_EXHAUSTED"), "pause"),
            (500, said(500, "INTERNAL"), "retry"),
            (503, said(503, "UNAVAILABLE"), "retry"),
            (302, String::new(), "disable"),
        ];
        for (status, body, outcome) in table {
            let server = HttpDouble::start(Reply::status(status).body(&body)).await;
            let sent = deliver(&googlechat(&server.url("/x?token=t0ken-of-it")), parcel(&delivery(fired()))).await;
            assert_eq!((sent.outcome.name(), sent.status), (outcome, Some(status)), "{body}: {sent:?}");
            assert!(!format!("{sent:?}").contains("t0ken"), "{sent:?}");
            let asked = server.requests();
            assert_eq!(asked.len(), if body.contains("INVALID_ARGUMENT") { 2 } else { 1 }, "{body}");
            assert!(asked.len() == 1 || !asked[1].body.contains("cardsV2"));
        }
    }
}
