//! Microsoft Teams by a workflow ("When a Teams webhook request is received"): an Adaptive Card 1.5
//! (<https://adaptivecards.io/explorer/AdaptiveCard.html>).
//!
//! The workflow answers before Teams has the card: what goes wrong after that, nobody tells us. So the card is kept
//! well below what Teams takes. Nothing here threads, edits or knows a copy.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Parcel;
use super::answer::Answer;
use super::http::{Call, Endpoint};
use super::look::{self, Tone};
use super::markdown::Markdown;
use super::picture::{Picture, Size};
use super::probe::Probe;
use super::prose::{self, Markup, Room};
use super::service::{Form, Service, Verdict, stranger};
use crate::outbox::{Message, Outcome};

/// A channel or chat of Teams.
#[derive(Clone, Debug)]
pub struct Teams {
    /// The workflow's address, whose signature is over its letters.
    pub endpoint: Endpoint,
}

/// Bytes of a request. Teams takes 28 KiB after it has written the card anew, which makes it longer.
const BYTES_MAX: usize = 20 << 10;

/// A picture within that: what is larger is left out.
const CARD: Size = Size { width: 320, bytes: 11_000 };

/// What of Markdown a card reads; it has no code.
const MARKUP: Markdown = Markdown { code: false, line_break: "\n\n" };

impl Service for Teams {
    fn call(&self, parcel: Parcel<'_>, form: Form) -> Result<Call, String> {
        Ok(Call::json(&self.endpoint, &payload(parcel, form)))
    }

    fn probe(&self) -> Probe {
        Probe::presence(&self.endpoint)
    }

    fn verdict(&self, answer: &Answer) -> Verdict {
        let said = answer.body.as_deref().unwrap_or_default().trim();
        let code = answer.json().and_then(|said| Some(said["error"]["code"].as_str()?.to_owned()));
        let is_gone = code.as_deref().is_some_and(|code| GONE.contains(&code));
        match answer.status {
            _ if is_gone => answer.means(Outcome::Disable { why: answer.told() }).into(),
            200..=299 if code.is_some() => answer.means(Outcome::Reject { why: answer.told() }).into(),
            200..=299 if within(said).is_some() => {
                // A flow that reports what Teams told it.
                let of_teams = Answer { status: within(said).unwrap_or_default(), ..answer.clone() };
                let sent = of_teams.verdict().with_status(Some(answer.status));
                if of_teams.status == 413 { Verdict::TooMuch(sent) } else { sent.into() }
            }
            202 => answer.means(Outcome::Delivered { remote_ref: None }).into(),
            // A flow with an answer of its own; a page is not one.
            200..=299 if answer.body.is_some() && !said.starts_with('<') => {
                answer.means(Outcome::Delivered { remote_ref: None }).into()
            }
            _ => stranger(answer),
        }
    }
}

/// Codes of a flow that is gone, switched off or not ours.
const GONE: [&str; 6] = [
    "WorkflowNotFound",
    "WorkflowDisabled",
    "WorkflowTriggerNotFound",
    "WorkflowTriggerIsNotEnabled",
    "DirectApiAuthorizationRequired",
    "DirectApiInvalidAuthorizationScheme",
];

/// The status in `… endpoint returned HTTP error 413 …`, words that came with a 200.
fn within(said: &str) -> Option<u16> {
    let (_, after) = said.split_once("HTTP error ")?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|status| (300..600).contains(status))
}

fn payload(parcel: Parcel<'_>, form: Form) -> Value {
    let with = |room: Room| {
        let card = json!({
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.5",
            "msteams": {"width": "Full"},
            "fallbackText": prose::headline(parcel.message(), room.text.min(prose::TITLE_CHARS)),
            "body": body(parcel, form, room),
        });
        let content_type = "application/vnd.microsoft.card.adaptive";
        json!({
            "type": "message",
            "attachments": [{"contentType": content_type, "contentUrl": null, "content": card}],
        })
    };
    let length = |payload: &Value| payload.to_string().len();
    let payload = prose::fitting(BYTES_MAX, length, with);
    let picture = (form == Form::Full).then(|| Picture::of(parcel.message(), CARD)).flatten();
    let with_picture = picture.map(|picture| illustrated(&payload, &picture));
    with_picture.filter(|whole| length(whole) <= BYTES_MAX).unwrap_or(payload)
}

/// The same with a picture before its figures. A card fetches none from us, so it carries it in its address
/// (<https://adaptivecards.io/explorer/Image.html>).
fn illustrated(payload: &Value, picture: &Picture) -> Value {
    let mut payload = payload.clone();
    if let Some(body) = payload["attachments"][0]["content"]["body"].as_array_mut() {
        let figures = body.iter().position(|element| element["type"] == "FactSet").unwrap_or(body.len() - 1);
        let url = format!("data:{};base64,{}", Picture::KIND, STANDARD.encode(&picture.png));
        body.insert(figures, json!({"type": "Image", "url": url, "altText": picture.alt, "size": "Stretch"}));
    }
    payload
}

fn body(parcel: Parcel<'_>, form: Form, room: Room) -> Vec<Value> {
    let message = parcel.message();
    let mut body = vec![title(message, room)];
    body.extend(
        prose::opening(parcel, room)
            .iter()
            .map(|said| MARKUP.text(said))
            .filter(|said| !said.is_empty())
            .map(|said| paragraph(&said)),
    );
    if form == Form::Full {
        body.extend(prose::items(message, &MARKUP, room).iter().map(|item| paragraph(item)));
        body.extend(facts(prose::periods(message, &MARKUP, room)));
        let named = prose::facts(message, &MARKUP, room).into_iter();
        body.extend(facts(named.map(|(name, lines)| (name.to_owned(), lines.join(MARKUP.line_break()))).collect()));
    }
    let identity = MARKUP.text(&look::line(&look::identity(message), room.text));
    body.push(json!({"type": "TextBlock", "text": identity, "wrap": true, "size": "Small", "isSubtle": true}));
    body
}

fn title(message: &Message, room: Room) -> Value {
    json!({
        "type": "TextBlock",
        "text": MARKUP.text(&prose::headline(message, room.text.min(prose::TITLE_CHARS))),
        "wrap": true,
        "style": "heading",
        "size": "Large",
        "weight": "Bolder",
        "color": match Tone::of(message) {
            Tone::Critical => "Attention",
            Tone::Warning => "Warning",
            Tone::Info | Tone::Corrected => "Accent",
            Tone::Resolved => "Good",
            Tone::Ended => "Default",
        },
    })
}

fn paragraph(text: &str) -> Value {
    json!({"type": "TextBlock", "text": text, "wrap": true})
}

/// Names and values; a set without any is none.
fn facts(facts: Vec<(String, String)>) -> Option<Value> {
    let told: Vec<Value> = facts.iter().map(|(name, value)| json!({"title": name, "value": value})).collect();
    (!told.is_empty()).then(|| json!({"type": "FactSet", "separator": true, "facts": told}))
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::base::secret::Secret;
    use crate::notify::double::{
        HttpDouble, Reply, corrected, deliver, delivery, drawn, fired, lines, noticed, parcel, resolved,
    };
    use crate::notify::markdown::tests::read;
    use crate::outbox::GateLine;

    pub fn teams(url: &str) -> Teams {
        Teams { endpoint: Endpoint { url: Secret::new(url), insecure: true, allow_private: true } }
    }

    /// Every text of the card that is read as Markdown.
    fn texts(payload: &Value) -> Vec<&str> {
        let body = payload["attachments"][0]["content"]["body"].as_array().unwrap().iter();
        let texts = body.flat_map(|element| {
            let facts = element["facts"].as_array().into_iter().flatten();
            facts.flat_map(|fact| [&fact["title"], &fact["value"]]).chain([&element["text"]])
        });
        texts.filter_map(Value::as_str).collect()
    }

    /// The card is one that Teams takes, and in its texts nothing is a sign but links to these addresses.
    pub fn check_card(payload: &Value, addresses: &[String]) {
        assert!(payload.to_string().len() <= BYTES_MAX);
        assert_eq!(payload["attachments"].as_array().map(Vec::len), Some(1));
        assert_eq!(payload["attachments"][0]["content"]["version"], "1.5");
        let texts = texts(payload);
        assert!(texts.contains(&"(may be a repeat)") || texts.len() > 3, "{texts:?}");
        for text in texts {
            assert!(!text.is_empty() && !text.contains("<at") && !text.contains("{{"), "{text}");
            for sign in read(text).1 {
                assert!(addresses.iter().any(|address| sign == format!("link {address}")), "{sign} in {text}");
            }
        }
    }

    pub fn payload_of(message: Message) -> Value {
        payload(Parcel { maybe_delivered: true, ..parcel(&delivery(message)) }, Form::Full)
    }

    fn card(message: Message) -> String {
        let payload = payload(parcel(&delivery(message)), Form::Full);
        check_card(&payload, &noticed().items.into_iter().filter_map(|item| item.url).collect::<Vec<_>>());
        lines(&payload["attachments"][0]["content"]["body"])
    }

    #[test]
    fn an_alert_is_a_card() {
        insta::assert_snapshot!(card(fired()), @r#"
        {"color":"Attention","size":"Large","style":"heading","text":"🔴 CRITICAL: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %","type":"TextBlock","weight":"Bolder","wrap":true}
        {"text":"July 2025 619 t, August 2025 590 t, September 2025 420.5 t. Known since 20 October 2025.","type":"TextBlock","wrap":true}
        {"facts":[{"title":"2025-04","value":"—, not published"},{"title":"2025-05","value":"46.4 t, known since 2025-06-20"},{"title":"2025-06","value":"353 t, +660.8 %, known since 2025-07-20"},{"title":"2025-07","value":"619 t, +75.4 %, known since 2025-08-20"},{"title":"2025-08","value":"590 t, −4.7 %, known since 2025-09-20"},{"title":"2025-09","value":"420.5 t, −28.7 %, known since 2025-10-20"}],"separator":true,"type":"FactSet"}
        {"facts":[{"title":"Why","value":"✓ holds: “declines \\>= 2” declines = 2"},{"title":"Clears","value":"ends when \\`declines \\>= 2\\` no longer holds"},{"title":"Source","value":"china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC"},{"title":"Rule","value":"“magnet-exports-falling: declines \\>= 2”"}],"separator":true,"type":"FactSet"}
        {"isSubtle":true,"size":"Small","text":"9f3c21d07be45a68, episode 1, message 1, 2025-10-20 01:05 UTC, supplywatch 0.1.0","type":"TextBlock","wrap":true}
        "#);
        let mut payload = payload(parcel(&delivery(fired())), Form::Full);
        payload["attachments"][0]["content"]["body"] = "…".into();
        insta::assert_snapshot!(payload.to_string(), @r#"{"attachments":[{"content":{"$schema":"http://adaptivecards.io/schemas/adaptive-card.json","body":"…","fallbackText":"🔴 CRITICAL: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %","msteams":{"width":"Full"},"type":"AdaptiveCard","version":"1.5"},"contentType":"application/vnd.microsoft.card.adaptive","contentUrl":null}],"type":"message"}"#);
    }

    #[test]
    fn a_correction_a_resolution_and_notices_look_as_such() {
        insta::assert_snapshot!(card(corrected()), @r#"
        {"color":"Accent","size":"Large","style":"heading","text":"✏️ CORRECTED: China → US rare-earth magnet exports: \\`declines \\>= 2\\` no longer holds after a revision: September 2025 is now 600 t, was 420.5 t","type":"TextBlock","weight":"Bolder","wrap":true}
        {"text":"August 2025 590 t, September 2025 600 t. Known since 20 November 2025.","type":"TextBlock","wrap":true}
        {"facts":[{"title":"2025-04","value":"—, not published"},{"title":"2025-05","value":"46.4 t, known since 2025-06-20"},{"title":"2025-06","value":"353 t, +660.8 %, known since 2025-07-20"},{"title":"2025-07","value":"619 t, +75.4 %, known since 2025-08-20"},{"title":"2025-08","value":"590 t, −4.7 %, known since 2025-09-20"},{"title":"2025-09","value":"600 t, +1.7 %, preliminary, known since 2025-11-20, was 420.5 t until 20 November 2025"}],"separator":true,"type":"FactSet"}
        {"facts":[{"title":"Said before","value":"on 20 October 2025: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %"},{"title":"Revised","value":"2025-09: was 420.5 t, is 600 t since 2025-11-20"},{"title":"Why","value":"✗ fails: “declines \\>= 2” declines = 0"},{"title":"Source","value":"china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC"},{"title":"Rule","value":"“magnet-exports-falling: declines \\>= 2”"}],"separator":true,"type":"FactSet"}
        {"isSubtle":true,"size":"Small","text":"9f3c21d07be45a68, episode 1, message 2, 2025-11-20 01:05 UTC, supplywatch 0.1.0","type":"TextBlock","wrap":true}
        "#);
        insta::assert_snapshot!(card(resolved()), @r#"
        {"color":"Good","size":"Large","style":"heading","text":"✅ RESOLVED: China → US rare-earth magnet exports: \\`declines \\>= 2\\` no longer holds: 656 t in October 2025, +56 %","type":"TextBlock","weight":"Bolder","wrap":true}
        {"text":"September 2025 420.5 t, October 2025 656 t. Known since 20 November 2025.","type":"TextBlock","wrap":true}
        {"facts":[{"title":"2025-05","value":"46.4 t, known since 2025-06-20"},{"title":"2025-06","value":"353 t, +660.8 %, known since 2025-07-20"},{"title":"2025-07","value":"619 t, +75.4 %, known since 2025-08-20"},{"title":"2025-08","value":"590 t, −4.7 %, known since 2025-09-20"},{"title":"2025-09","value":"420.5 t, −28.7 %, known since 2025-10-20"},{"title":"2025-10","value":"656 t, +56 %, known since 2025-11-20"}],"separator":true,"type":"FactSet"}
        {"facts":[{"title":"Said before","value":"on 20 October 2025: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %"},{"title":"Why","value":"✗ fails: “declines \\>= 2” declines = 0"},{"title":"Source","value":"china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC"},{"title":"Rule","value":"“magnet-exports-falling: declines \\>= 2”"}],"separator":true,"type":"FactSet"}
        {"isSubtle":true,"size":"Small","text":"9f3c21d07be45a68, episode 1, message 2, 2025-11-20 01:05 UTC, supplywatch 0.1.0","type":"TextBlock","wrap":true}
        "#);
        insta::assert_snapshot!(card(noticed()), @r#"
        {"color":"Warning","size":"Large","style":"heading","text":"🟠 WARNING: export rules: Licences for gallium, and 1 more","type":"TextBlock","weight":"Bolder","wrap":true}
        {"text":"2 items, published on 24 September 2026; 1 corrects another.","type":"TextBlock","wrap":true}
        {"text":"• [24 September 2026: Licences for gallium (Rule, Industry and Security Bureau). Until 10 November 2026. The licence requirement is suspended.](https://notices.example/documents/2026/09/24/2026-2/a-title-that-is-long-enough-to-be-wider-than-a-line)","type":"TextBlock","wrap":true}
        {"text":"• [24 September 2026: Gallium \\<b\\>list\\</b\\> (Rule, Industry and Security Bureau). Corrects Gallium \\<b\\>list\\</b\\> (2026-1), published on 1 September 2026.](https://notices.example/documents/2026/09/24/C1-2026-1/a-title-that-is-long-enough-to-be-wider-than-a-line)","type":"TextBlock","wrap":true}
        {"text":"… and 3 more","type":"TextBlock","wrap":true}
        {"facts":[{"title":"Why","value":"✓ holds: “new(\"gallium\")” new('gallium') = holds"},{"title":"Source","value":"china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC"},{"title":"Rule","value":"“magnet-exports-falling: declines \\>= 2”"}],"separator":true,"type":"FactSet"}
        {"isSubtle":true,"size":"Small","text":"9f3c21d07be45a68, episode 1, message 1, 2025-10-20 01:05 UTC, supplywatch 0.1.0","type":"TextBlock","wrap":true}
        "#);
    }

    /// A card carries its picture, as long as there is room for all that it says.
    #[test]
    fn figures_come_as_a_picture_where_there_is_room() {
        let image = |message| {
            let payload = payload_of(message);
            check_card(&payload, &[]);
            let body = payload["attachments"][0]["content"]["body"].as_array().unwrap().clone();
            let at = body.iter().position(|element| element["type"] == "Image")?;
            assert_eq!(body[at + 1]["type"], "FactSet");
            Some(body[at].clone())
        };
        let shown = image(drawn()).unwrap();
        let data = shown["url"].as_str().unwrap().strip_prefix("data:image/png;base64,").unwrap();
        assert_eq!(STANDARD.decode(data).unwrap(), Picture::of(&drawn(), CARD).unwrap().png);
        assert!(shown["altText"].as_str().unwrap().contains("420.5 t in September 2025"), "{shown}");
        assert_eq!(image(fired()), None);
        assert_eq!(image(Message { summary: " \u{3000}".to_owned(), ..fired() }), None);
        let gates = vec![GateLine { value: "x".repeat(500), ..fired().gates[0].clone() }; 20];
        let full = Message { gates, ..drawn() };
        assert_eq!(payload_of(full.clone()), payload_of(Message { chart: None, ..full.clone() }));
        assert_eq!(image(full), None);
    }

    #[test]
    fn too_much_is_cut_visibly() {
        let message = fired();
        let table = vec![message.table[5].clone(); 60];
        let gates = vec![message.gates[0].clone(); 60];
        let payload = payload_of(Message { table, gates, summary: "x".repeat(9000), ..message });
        check_card(&payload, &[]);
        let text = payload.to_string();
        assert_eq!((text.matches("more before").count(), text.matches("… and ").count()), (1, 1), "{text}");
        let text = super::payload(parcel(&delivery(fired())), Form::Short).to_string();
        assert!(text.contains("420.5 t") && !text.contains("FactSet"), "{text}");
    }

    #[tokio::test]
    async fn the_address_arrives_letter_by_letter() {
        let server = HttpDouble::start(Reply::status(202)).await;
        let path = "/workflows/ab12/triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=s1-G_n%2Bx";
        let sent = deliver(&teams(&server.url(path)), parcel(&delivery(fired()))).await;
        assert_eq!((sent.outcome.name(), sent.status), ("delivered", Some(202)));
        assert_eq!(server.requests()[0].line, format!("POST {path} HTTP/1.1"));
    }

    #[tokio::test]
    async fn the_flow_says_what_became_of_it() {
        let error =
            |code: &str| format!(r#"{{"error":{{"code":"{code}","message":"The s3cret-of-the-flow is wrong."}}}}"#);
        let teams_said = |status: u16| {
            format!(
                "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error {status} with …"
            )
        };
        let table = [
            (202, String::new(), "delivered"),
            (200, String::new(), "delivered"),
            (200, "done".to_owned(), "delivered"),
            (200, "<html>please log in</html>".to_owned(), "retry"),
            (200, teams_said(429), "pause"),
            (200, teams_said(413), "reject"),
            (200, teams_said(404), "disable"),
            (200, error("BadRequest"), "reject"),
            (400, error("TriggerInputSchemaMismatch"), "reject"),
            (400, error("InvalidRequestContent"), "reject"),
            (400, error("WorkflowTriggerIsNotEnabled"), "disable"),
            (401, error("DirectApiAuthorizationRequired"), "disable"),
            (403, error("AuthorizationFailed"), "disable"),
            (404, error("WorkflowNotFound"), "disable"),
            (413, String::new(), "reject"),
            (429, error("TooManyRequests"), "pause"),
            (500, error("InternalServerError"), "retry"),
            (502, error("NoResponse"), "retry"),
            (302, String::new(), "disable"),
        ];
        for (status, body, outcome) in table {
            let server = HttpDouble::start(Reply::status(status).body(&body)).await;
            let sent = deliver(&teams(&server.url("/x?sig=s3cret-of-the-flow")), parcel(&delivery(fired()))).await;
            assert_eq!((sent.outcome.name(), sent.status), (outcome, Some(status)), "{body}: {sent:?}");
            assert!(!format!("{sent:?}").contains("s3cret"), "{sent:?}");
            let is_shortened = status == 413 || body.contains(" 413 ");
            assert_eq!(server.requests().len(), if is_shortened { 2 } else { 1 }, "{status} {body}");
        }
    }
}
