//! Discord webhooks (<https://discord.com/developers/docs/resources/webhook#execute-webhook>): an embed.
//!
//! Without `wait=true` Discord answers before it has saved the message, so we always wait. A webhook cannot reply;
//! a thread of Discord's is one that the config names. A copy cannot be told by it.

use std::time::Duration;

use serde_json::{Value, json};

use super::Parcel;
use super::answer::{Answer, PAUSE_DEFAULT};
use super::http::{Call, Endpoint, Part};
use super::look::{self, Tone};
use super::markdown::Markdown;
use super::picture::{CHAT, Picture};
use super::probe::Probe;
use super::prose::{self, Markup, Room};
use super::service::{Form, Service, Verdict, stranger};
use crate::base::limits::RETRY_AFTER_MAX;
use crate::outbox::Outcome;

/// A channel of Discord.
#[derive(Clone, Debug)]
pub struct Discord {
    /// The webhook.
    pub endpoint: Endpoint,
    /// The id of a thread in the webhook's channel, or of a forum's post.
    pub thread: Option<String>,
}

/// Characters of a message without an embed, at most.
const CONTENT_MAX: usize = 2000;
/// Characters of an embed's title, at most.
const TITLE_MAX: usize = 256;
/// Characters of its description, at most.
const DESCRIPTION_MAX: usize = 4096;
/// Characters of a field's value, at most.
const VALUE_MAX: usize = 1024;
/// Characters of its footer: small print.
const FOOTER_MAX: usize = 500;
/// Characters of all of these together, at most.
const EMBED_MAX: usize = 6000;
/// Who is refused by the network before Discord rather than by Discord stays away for so long.
const BANNED: Duration = Duration::from_secs(3600);

const MARKUP: Markdown = Markdown { code: true, line_break: "\n" };

impl Service for Discord {
    fn call(&self, parcel: Parcel<'_>, form: Form) -> Result<Call, String> {
        let mut query = vec![("wait", "true")];
        query.extend(self.thread.as_deref().map(|thread| ("thread_id", thread)));
        let (mut body, picture) = match form {
            Form::Full => (json!({"embeds": [embed(parcel)]}), Picture::of(parcel.message(), CHAT)),
            Form::Short => (json!({"content": prose::note(parcel, &MARKUP, CONTENT_MAX)}), None),
        };
        // Whatever a text says, nobody is called by it.
        body["allowed_mentions"] = json!({"parse": []});
        let endpoint = self.endpoint.with_query(&query);
        let Some(picture) = picture else { return Ok(Call::json(&endpoint, &body)) };
        body["embeds"][0]["image"] = json!({"url": format!("attachment://{}", Picture::NAME)});
        body["attachments"] = json!([{"id": 0, "filename": Picture::NAME, "description": picture.alt}]);
        let parts = [("payload_json", Part::Json(body.to_string())), ("files[0]", Part::Picture(picture))];
        Ok(Call::parts(&endpoint, parts.map(|(name, part)| (name.to_owned(), part)).into()))
    }

    fn probe(&self) -> Probe {
        Probe::login(Call::get(&self.endpoint), &["/name", "/id"])
    }

    fn verdict(&self, answer: &Answer) -> Verdict {
        let said = answer.json().unwrap_or_default();
        let why = answer.told();
        match (answer.status, said["code"].as_u64()) {
            (200, None) if said["id"].is_string() => {
                let remote_ref = said["id"].as_str().map(ToOwned::to_owned);
                answer.means(Outcome::Delivered { remote_ref }).into()
            }
            (429, _) => answer.means(Outcome::Pause { after: wait(answer, &said), why }).into(),
            // A form that is not valid, an empty message, a body that cannot be read, a file that is too large.
            (400 | 413, Some(50035 | 50006 | 50109 | 40005)) => Verdict::TooMuch(answer.means(Outcome::Reject { why })),
            (400, Some(220_001..=220_003)) => {
                let help = "for a post in a forum, write its id as thread = \"…\"; elsewhere take `thread` away";
                answer.means(Outcome::Disable { why: format!("{why} ({help})") }).into()
            }
            _ => stranger(answer),
        }
    }
}

/// How long Discord wants nothing: seconds with decimals in its words, whole ones in its header.
fn wait(answer: &Answer, said: &Value) -> Duration {
    let told = said["retry_after"].as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let wait = match told.max(answer.wait) {
        Some(wait) => wait,
        None if said.is_null() => BANNED,
        None => PAUSE_DEFAULT,
    };
    wait.clamp(Duration::from_secs(1), RETRY_AFTER_MAX)
}

fn embed(parcel: Parcel<'_>) -> Value {
    prose::fitting(EMBED_MAX, length, |room| embed_within(parcel, room))
}

fn embed_within(parcel: Parcel<'_>, room: Room) -> Value {
    let message = parcel.message();
    let whole = prose::headline(message, prose::TITLE_CHARS);
    let title = prose::within(&MARKUP, &whole, TITLE_MAX);
    // A title that was cut is said in full below.
    let cut = (title != MARKUP.text(&whole)).then(|| MARKUP.strong(&look::line(&message.title, room.text)));
    let opening = prose::opening(parcel, room).into_iter().map(|said| MARKUP.text(&said));
    let description = cut.into_iter().chain(opening).chain(prose::items(message, &MARKUP, room));
    let description = description.chain(prose::table(message, &MARKUP, room)).collect::<Vec<_>>().join("\n");
    let fields = prose::facts(message, &MARKUP, room).into_iter();
    let fields = fields.map(|(name, lines)| json!({"name": name, "value": lines.join("\n")})).collect::<Vec<_>>();
    json!({
        "title": title,
        "description": description,
        "color": u32::from_str_radix(Tone::of(message).colour().trim_start_matches('#'), 16).unwrap_or_default(),
        "fields": fields,
        "footer": {"text": look::line(&look::identity(message), FOOTER_MAX)},
        "timestamp": message.at.to_string(),
    })
}

/// Characters of an embed as Discord counts them, or more; too many where one of its parts has too many.
fn length(embed: &Value) -> usize {
    let of = |value: &Value| value.as_str().unwrap_or_default().encode_utf16().count();
    let fields = || embed["fields"].as_array().into_iter().flatten();
    let is_long = of(&embed["description"]) > DESCRIPTION_MAX || fields().any(|field| of(&field["value"]) > VALUE_MAX);
    if is_long {
        return usize::MAX;
    }
    let fields = fields().map(|field| of(&field["name"]) + of(&field["value"])).sum::<usize>();
    of(&embed["title"]) + of(&embed["description"]) + of(&embed["footer"]["text"]) + fields
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::base::secret::Secret;
    use crate::notify::Sent;
    use crate::notify::double::{
        HttpDouble, Reply, corrected, deliver, delivery, drawn, fired, noticed, parcel, resolved,
    };
    use crate::notify::http::Body;
    use crate::notify::markdown::tests::read;
    use crate::outbox::Message;

    pub fn discord(url: &str) -> Discord {
        let endpoint = Endpoint { url: Secret::new(url), insecure: true, allow_private: true };
        Discord { endpoint, thread: Some("987654321".to_owned()) }
    }

    /// Every limit of an embed, and in its texts no sign but our own.
    pub fn check_embed(embed: &Value, addresses: &[String]) {
        let of = |value: &Value| value.as_str().unwrap().trim().chars().count();
        let fields = embed["fields"].as_array().unwrap();
        assert!((1..=TITLE_MAX).contains(&of(&embed["title"])) && (1..=4096).contains(&of(&embed["description"])));
        assert!(fields.len() <= 25 && (1..=2048).contains(&of(&embed["footer"]["text"])));
        for field in fields {
            assert!((1..=256).contains(&of(&field["name"])) && (1..=1024).contains(&of(&field["value"])), "{field}");
        }
        let parts = fields.iter().flat_map(|field| [&field["name"], &field["value"]]);
        let parts: Vec<&Value> = parts.chain([&embed["title"], &embed["description"]]).collect();
        assert!(parts.iter().map(|part| of(part)).sum::<usize>() + of(&embed["footer"]["text"]) <= 6000);
        for part in parts {
            let text = part.as_str().unwrap();
            for sign in read(text).1 {
                let is_link = addresses.iter().any(|address| sign == format!("link {address}"));
                assert!(is_link || ["strong", "code", "block"].contains(&sign.as_str()), "{sign} in {text}");
            }
        }
    }

    pub fn embed_of(message: Message) -> Value {
        embed(Parcel { maybe_delivered: true, ..parcel(&delivery(message)) })
    }

    /// As a person reads it.
    fn shown(message: Message) -> String {
        let embed = embed(parcel(&delivery(message)));
        check_embed(&embed, &noticed().items.into_iter().filter_map(|item| item.url).collect::<Vec<_>>());
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let fields = embed["fields"].as_array().unwrap().iter();
        let fields = fields.map(|field| format!("[{}] {}", text(&field["name"]), text(&field["value"])));
        let head = [format!("{} #{:06x}", text(&embed["title"]), embed["color"].as_u64().unwrap())];
        let foot = [format!("({}) {}", text(&embed["footer"]["text"]), text(&embed["timestamp"]))];
        head.into_iter().chain([text(&embed["description"])]).chain(fields).chain(foot).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn an_alert_is_an_embed() {
        insta::assert_snapshot!(shown(fired()), @r"
        🔴 CRITICAL: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 % #c62828
        July 2025 619 t, August 2025 590 t, September 2025 420.5 t. Known since 20 October 2025.
        ```
        period     value    change  known since  note
        2025-04        —                         not published
        2025-05   46.4 t            2025-06-20
        2025-06    353 t  +660.8 %  2025-07-20
        2025-07    619 t   +75.4 %  2025-08-20
        2025-08    590 t    −4.7 %  2025-09-20
        2025-09  420.5 t   −28.7 %  2025-10-20
        ```
        [Why] ✓ holds: `declines >= 2` declines = 2
        [Clears] ends when \`declines \>= 2\` no longer holds
        [Source] china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC
        [Rule] `magnet-exports-falling: declines >= 2`
        (9f3c21d07be45a68, episode 1, message 1, 2025-10-20 01:05 UTC, supplywatch 0.1.0) 2025-10-20T01:05:00Z
        ");
        insta::assert_snapshot!(shown(corrected()), @r"
        ✏️ CORRECTED: China → US rare-earth magnet exports: \`declines \>= 2\` no longer holds after a revision: September 2025 is now 600 t, was 420.5 t #7b4fb5
        August 2025 590 t, September 2025 600 t. Known since 20 November 2025.
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
        [Said before] on 20 October 2025: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %
        [Revised] 2025-09: was 420.5 t, is 600 t since 2025-11-20
        [Why] ✗ fails: `declines >= 2` declines = 0
        [Source] china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC
        [Rule] `magnet-exports-falling: declines >= 2`
        (9f3c21d07be45a68, episode 1, message 2, 2025-11-20 01:05 UTC, supplywatch 0.1.0) 2025-11-20T01:05:00Z
        ");
        insta::assert_snapshot!(shown(resolved()), @r"
        ✅ RESOLVED: China → US rare-earth magnet exports: \`declines \>= 2\` no longer holds: 656 t in October 2025, +56 % #2e7d32
        September 2025 420.5 t, October 2025 656 t. Known since 20 November 2025.
        ```
        period     value    change  known since
        2025-05   46.4 t            2025-06-20
        2025-06    353 t  +660.8 %  2025-07-20
        2025-07    619 t   +75.4 %  2025-08-20
        2025-08    590 t    −4.7 %  2025-09-20
        2025-09  420.5 t   −28.7 %  2025-10-20
        2025-10    656 t     +56 %  2025-11-20
        ```
        [Said before] on 20 October 2025: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %
        [Why] ✗ fails: `declines >= 2` declines = 0
        [Source] china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC
        [Rule] `magnet-exports-falling: declines >= 2`
        (9f3c21d07be45a68, episode 1, message 2, 2025-11-20 01:05 UTC, supplywatch 0.1.0) 2025-11-20T01:05:00Z
        ");
        insta::assert_snapshot!(shown(noticed()), @r#"
        🟠 WARNING: export rules: Licences for gallium, and 1 more #b45f06
        2 items, published on 24 September 2026; 1 corrects another.
        • [24 September 2026: Licences for gallium (Rule, Industry and Security Bureau). Until 10 November 2026. The licence requirement is suspended.](https://notices.example/documents/2026/09/24/2026-2/a-title-that-is-long-enough-to-be-wider-than-a-line)
        • [24 September 2026: Gallium \<b\>list\</b\> (Rule, Industry and Security Bureau). Corrects Gallium \<b\>list\</b\> (2026-1), published on 1 September 2026.](https://notices.example/documents/2026/09/24/C1-2026-1/a-title-that-is-long-enough-to-be-wider-than-a-line)
        … and 3 more
        [Why] ✓ holds: `new("gallium")` new('gallium') = holds
        [Source] china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC
        [Rule] `magnet-exports-falling: declines >= 2`
        (9f3c21d07be45a68, episode 1, message 1, 2025-10-20 01:05 UTC, supplywatch 0.1.0) 2025-10-20T01:05:00Z
        "#);
    }

    #[tokio::test]
    async fn figures_come_as_a_picture_with_their_words() {
        let delivery = delivery(drawn());
        let call = discord("https://discord.example/api/webhooks/1/x").call(parcel(&delivery), Form::Full).unwrap();
        let Body::Parts(parts) = &call.body else { panic!("no parts") };
        let [(_, Part::Json(json)), (_, Part::Picture(_))] = &parts[..] else { panic!("{parts:?}") };
        let body: Value = serde_json::from_str(json).unwrap();
        check_embed(&body["embeds"][0], &[]);
        assert_eq!(body["embeds"][0]["image"]["url"], "attachment://chart.png");
        let told = body["attachments"][0]["description"].as_str().unwrap();
        assert!(told.contains("420.5 t in September 2025") && told.chars().count() <= 1024, "{told}");
        let shown = call.preview();
        assert!(
            shown.contains("content-type: multipart/form-data") && shown.contains("files[0] = chart.png"),
            "{shown}"
        );
        assert!(shown.contains("payload_json = {\n") && !shown.contains('\u{fffd}'), "{shown}");

        // What is too large is sent without the picture, and whole.
        let error = r#"{"code":40005,"message":"Request entity too large"}"#;
        let server = HttpDouble::start(Reply::status(413).body(error)).await;
        deliver(&discord(&server.url("/hook")), parcel(&delivery)).await;
        let [full, bare, short] = &server.requests()[..] else { panic!("three requests") };
        assert!(full.header("content-type").unwrap().starts_with("multipart/form-data; boundary="));
        assert!(full.body.contains("name=\"files[0]\"; filename=\"chart.png\""), "{}", full.body);
        assert!(bare.body.contains("\"embeds\"") && !bare.body.contains("chart.png"), "{}", bare.body);
        assert!(short.body.contains("\"content\""), "{}", short.body);
    }

    #[test]
    fn too_much_is_cut_visibly() {
        let message = fired();
        let (table, gates) = (vec![message.table[5].clone(); 60], vec![message.gates[0].clone(); 60]);
        let embed = embed_of(Message { table, gates, title: "a_".repeat(300), ..message });
        check_embed(&embed, &[]);
        let text = embed.to_string();
        assert_eq!((text.matches("more before").count(), text.matches("… and ").count()), (1, 2), "{text}");
        // A title that was cut is said again.
        assert!(embed["description"].as_str().unwrap().starts_with("**a\\_a\\_"), "{text}");
    }

    #[tokio::test]
    async fn it_waits_for_discord_and_calls_nobody() {
        let server = HttpDouble::start(Reply::status(200).body(r#"{"id":"1234","channel_id":"9"}"#)).await;
        let delivery = delivery(fired());
        let discord = discord(&server.url("/api/webhooks/1/T0KEN-abcdef?wait=false"));
        let sent = deliver(&discord, parcel(&delivery)).await;
        assert_eq!(sent, Sent::delivered(Some("1234".to_owned())).with_status(Some(200)));
        let [request] = &server.requests()[..] else { panic!("one request") };
        assert_eq!(request.line, "POST /api/webhooks/1/T0KEN-abcdef?wait=true&thread_id=987654321 HTTP/1.1");
        let body: Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!(body["allowed_mentions"], json!({"parse": []}));
        assert!(!crate::notify::service::preview(&discord, parcel(&delivery)).contains("T0KEN"));
    }

    #[tokio::test]
    async fn what_discord_says_decides() {
        let said = |code: u64| format!(r#"{{"code":{code},"message":"m"}}"#);
        let wait = r#"{"message":"You are being rate limited.","retry_after":64.57,"global":false}"#;
        let table = [
            (200, said(0), "retry"),
            (200, "<html>please log in</html>".to_owned(), "retry"),
            (204, String::new(), "retry"),
            (400, said(50035), "reject"),
            (400, said(50006), "reject"),
            (400, said(220_001), "disable"),
            (401, said(50027), "disable"),
            (404, said(10015), "disable"),
            (404, said(10003), "disable"),
            (413, said(40005), "reject"),
            (429, said(20016), "pause"),
            (429, wait.to_owned(), "pause"),
            (429, "<html>error 1015</html>".to_owned(), "pause"),
            (503, said(130_000), "retry"),
            (302, String::new(), "disable"),
        ];
        for (status, body, outcome) in table {
            let server = HttpDouble::start(Reply::status(status).body(&body)).await;
            let sent = deliver(&discord(&server.url("/api/webhooks/1/T0KEN-abcdef")), parcel(&delivery(fired()))).await;
            assert_eq!((sent.outcome.name(), sent.status), (outcome, Some(status)), "{body}: {sent:?}");
            let asked = if outcome == "reject" { 2 } else { 1 };
            assert_eq!(server.requests().len(), asked, "{body}");
            if let Outcome::Pause { after, .. } = sent.outcome {
                let expected = if body == wait {
                    64_570
                } else if body.starts_with('<') {
                    3_600_000
                } else {
                    60_000
                };
                assert_eq!(after.as_millis(), expected, "{body}");
            }
        }
    }

    #[tokio::test]
    async fn the_short_form_is_text() {
        let server =
            HttpDouble::start(Reply::status(400).body(r#"{"code":50035,"message":"Invalid Form Body"}"#)).await;
        let long = Message { summary: "_".repeat(9000), ..fired() };
        deliver(&discord(&server.url("/x")), parcel(&delivery(long))).await;
        let short: Value = serde_json::from_str(&server.requests()[1].body).unwrap();
        let content = short["content"].as_str().unwrap();
        assert!(content.chars().count() <= CONTENT_MAX && content.contains("420.5 t"), "{content}");
        assert_eq!(short["allowed_mentions"], json!({"parse": []}));
    }
}
