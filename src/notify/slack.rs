//! Slack (Block Kit): incoming webhooks, or a bot that posts by the Web API
//! (<https://docs.slack.dev/reference/methods/chat.postMessage>).
//!
//! An incoming webhook tells no message's name, so it does not thread; a bot's messages go into the thread of the
//! alert's first. Neither knows a copy. Text from feeds goes into `plain_text` or into a code span, where Slack
//! reads no formatting, no mention and no link.

use serde_json::{Value, json};
use unicode_width::UnicodeWidthChar;

use super::answer::{Answer, PAUSE_DEFAULT};
use super::http::{Call, Endpoint};
use super::look::{self, Tone};
use super::markdown::unticked;
use super::probe::Probe;
use super::service::{Form, Service, Verdict, stranger};
use super::{Parcel, REPEAT, layout};
use crate::alert::Kind;
use crate::base::secret::Secret;
use crate::outbox::{Message, Outcome};

/// A Slack channel.
#[derive(Clone, Debug)]
pub struct Slack {
    /// The incoming webhook; of a bot, the API's server.
    pub endpoint: Endpoint,
    /// Who posts, where it is a bot.
    pub bot: Option<Bot>,
}

/// A Slack app's bot.
#[derive(Clone, Debug)]
pub struct Bot {
    /// Its token (`xoxb-…`), with the scope `chat:write`.
    pub token: Secret,
    /// The channel's id, or its name.
    pub channel: String,
}

/// Characters of a header, at most.
const HEADER_MAX: usize = 150;
/// Characters of a section's text, at most.
const SECTION_MAX: usize = 3000;
/// Fields of a section, at most.
const FIELDS_MAX: usize = 10;
/// Characters of a field, at most.
const FIELD_MAX: usize = 2000;
/// Elements of a context, at most.
const ELEMENTS_MAX: usize = 10;
/// Characters of a context's element: what is there is small print.
const ELEMENT_MAX: usize = 1000;
/// Characters of the notification's text, at most.
const TEXT_MAX: usize = 3000;
/// Characters of a line of the short form.
const NOTE_MAX: usize = 1000;
/// Sources that are named, at most.
const SOURCES_MAX: usize = 4;
/// Columns of the table: more breaks on a phone.
const TABLE_WIDTH: usize = 64;

impl Service for Slack {
    fn call(&self, parcel: Parcel<'_>, form: Form) -> Result<Call, String> {
        let mut payload = match form {
            Form::Full => payload(parcel),
            Form::Short => note(parcel),
        };
        let Some(bot) = &self.bot else { return Ok(Call::json(&self.endpoint, &payload)) };
        payload["channel"] = bot.channel.as_str().into();
        // What cannot be taken in full may be refused for its thread.
        if let (Some(opening), Form::Full) = (parcel.opening, form) {
            payload["thread_ts"] = opening.into();
            // Whoever does not follow the thread is told of what is new, not of what goes on.
            payload["reply_broadcast"] = (parcel.message().kind != Kind::Continued).into();
        }
        let call = Call::json(&self.endpoint.at("/api/chat.postMessage"), &payload);
        Ok(call.secret_header("authorization", format!("Bearer {}", bot.token.expose())).hide(&bot.token))
    }

    fn probe(&self) -> Probe {
        match &self.bot {
            None => Probe::presence(&self.endpoint),
            Some(bot) => {
                Probe::login(Call::form(&self.endpoint.at("/api/auth.test"), vec![]).bearer(&bot.token), &["/user"])
            }
        }
    }

    fn verdict(&self, answer: &Answer) -> Verdict {
        if self.bot.is_some() { posted(answer) } else { hooked(answer) }
    }
}

/// What a webhook says: success is status 200 and the body `ok`; failures have a word for a body.
fn hooked(answer: &Answer) -> Verdict {
    let why = answer.told();
    let outcome = match (answer.status, answer.body.as_deref().map(str::trim)) {
        (200, Some("ok")) => Outcome::Delivered { remote_ref: None },
        (_, Some("invalid_payload" | "invalid_blocks" | "too_many_attachments")) => {
            return Verdict::TooMuch(answer.means(Outcome::Reject { why }));
        }
        (_, Some("user_not_found" | "no_text")) => Outcome::Reject { why },
        (
            _,
            Some(
                "action_prohibited"
                | "posting_to_general_channel_denied"
                | "invalid_token"
                | "channel_not_found"
                | "no_service"
                | "no_team"
                | "channel_is_archived",
            ),
        ) => Outcome::Disable { why },
        (_, Some("rollup_error")) => answer.retry(false),
        _ => return stranger(answer),
    };
    answer.means(outcome).into()
}

/// What the Web API says: `ok`, and where it is false an `error`, mostly with status 200.
fn posted(answer: &Answer) -> Verdict {
    let Some(said) = answer.json().filter(|said| said["ok"].is_boolean()) else {
        return stranger(answer);
    };
    if said["ok"] == true {
        let remote_ref = said["ts"].as_str().map(ToOwned::to_owned);
        return answer.means(Outcome::Delivered { remote_ref }).into();
    }
    let why = answer.told();
    let outcome = match said["error"].as_str().unwrap_or_default() {
        "ratelimited" | "rate_limited" | "message_limit_exceeded" => answer.pause(PAUSE_DEFAULT),
        "internal_error" | "fatal_error" => answer.retry(true),
        "service_unavailable" | "request_timeout" | "team_added_to_org" => answer.retry(false),
        error if BOT_GONE.contains(&error) => Outcome::Disable { why },
        error if TOO_MUCH.contains(&error) => return Verdict::TooMuch(answer.means(Outcome::Reject { why })),
        _ => Outcome::Reject { why },
    };
    answer.means(outcome).into()
}

/// Errors of a bot or a channel that a person must look at.
const BOT_GONE: [&str; 20] = [
    "invalid_auth",
    "not_authed",
    "account_inactive",
    "token_revoked",
    "token_expired",
    "no_permission",
    "missing_scope",
    "not_allowed_token_type",
    "access_denied",
    "org_login_required",
    "ekm_access_denied",
    "team_access_not_granted",
    "two_factor_setup_required",
    "channel_not_found",
    "not_in_channel",
    "is_archived",
    "restricted_action",
    "restricted_action_read_only_channel",
    "messages_tab_disabled",
    "as_user_not_supported",
];

/// Errors that a short message outside of any thread may not meet.
const TOO_MUCH: [&str; 8] = [
    "invalid_blocks",
    "invalid_blocks_format",
    "msg_blocks_too_long",
    "msg_too_long",
    "too_many_attachments",
    "invalid_attachments",
    "thread_not_found",
    "cannot_reply_to_message",
];

/// The message without blocks, in which nothing is read.
fn note(parcel: Parcel<'_>) -> Value {
    let message = parcel.message();
    let title = format!("{} {}: {}", Tone::of(message).emoji(), look::word(message), message.title);
    let said = [Some(title.as_str()), parcel.maybe_delivered.then_some(REPEAT), Some(&message.summary)];
    let lines = said.into_iter().flatten().filter(|text| !text.is_empty());
    let lines = lines.map(|text| fit(&look::line(text, NOTE_MAX), NOTE_MAX)).collect::<Vec<_>>();
    json!({"text": lines.join("\n"), "mrkdwn": false, "unfurl_links": false, "unfurl_media": false})
}

fn payload(parcel: Parcel<'_>) -> Value {
    let message = parcel.message();
    json!({
        "text": fit(&look::line(&format!("[{}] {}", look::word(message), message.title), TEXT_MAX), TEXT_MAX),
        "blocks": head(parcel),
        "attachments": [{"color": Tone::of(message).colour(), "blocks": details(message)}],
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

/// What a phone shows without a scroll: the title and the summary.
fn head(parcel: Parcel<'_>) -> Vec<Value> {
    let message = parcel.message();
    let title = format!("{} {}: {}", Tone::of(message).emoji(), look::word(message), message.title);
    let title = look::line(&title, TEXT_MAX);
    let mut blocks = vec![json!({"type": "header", "text": plain(&title, HEADER_MAX)})];
    // A header that was cut is said in full below.
    let mut said = Vec::new();
    if escaped_length(&title) > HEADER_MAX {
        said.push(message.title.as_str());
    }
    said.extend(parcel.maybe_delivered.then_some(REPEAT));
    blocks.extend(said.into_iter().map(|text| json!({"type": "section", "text": plain(text, SECTION_MAX)})));
    let summary = fit(&look::summary(message, SECTION_MAX).join("\n"), SECTION_MAX);
    let section = json!({"type": "section", "text": {"type": "plain_text", "text": summary, "emoji": false}});
    blocks.extend((!summary.is_empty()).then_some(section));
    blocks
}

fn details(message: &Message) -> Vec<Value> {
    let mut blocks = Vec::new();
    blocks.extend(listed("Said before", &look::said(message).into_iter().collect::<Vec<_>>()));
    blocks.extend(listed("Revised", &look::revisions(message)));
    blocks.extend(items(message));
    blocks.extend(listed("Also", &look::others(message)));
    blocks.extend(gates(message));
    blocks.extend(table(message));
    blocks.extend(listed("Clears", &message.clears.clone().into_iter().collect::<Vec<_>>()));
    blocks.push(context(message));
    blocks
}

/// The items, each by itself, so that no address is cut.
fn items(message: &Message) -> Vec<Value> {
    let lines = look::items(message);
    let (shown, more) = look::some(&lines, FIELDS_MAX);
    let section = |text: &str| json!({"type": "section", "text": plain(text, SECTION_MAX)});
    shown.iter().map(String::as_str).chain(more.as_deref()).map(section).collect()
}

/// The gates as fields, two beside each other on a wide screen.
fn gates(message: &Message) -> Option<Value> {
    let (shown, more) = look::some(&message.gates, FIELDS_MAX);
    let mut fields: Vec<Value> = shown
        .iter()
        .map(|gate| {
            let verdict = fit(&look::line(&gate.verdict, 40), 40);
            let (text, value) = (code(&gate.text, FIELD_MAX / 2 - 50), code(&gate.value, FIELD_MAX / 2 - 50));
            mrkdwn(&format!("{} {verdict}: {text}\n{value}", look::gate_mark(gate)))
        })
        .collect();
    fields.extend(more.map(|more| mrkdwn(&more)));
    (!fields.is_empty()).then(|| json!({"type": "section", "fields": fields}))
}

/// The last periods as a block of code; the oldest give way where it would be too long.
fn table(message: &Message) -> Option<Value> {
    let mut left_out = 0;
    loop {
        let shorter = Message { table: message.table[left_out..].to_vec(), ..message.clone() };
        let text = layout::plain(&layout::table(&shorter, TABLE_WIDTH));
        let text = text.lines().map(|line| line.strip_prefix("  ").unwrap_or(line)).collect::<Vec<_>>().join("\n");
        if text.is_empty() {
            return None;
        }
        let more = if left_out > 0 { format!("… and {left_out} more before\n") } else { String::new() };
        let block = format!("{more}```\n{}\n```", escape(&unticked(&text)));
        if measure(&block) <= SECTION_MAX {
            return Some(json!({"type": "section", "text": mrkdwn(&block)}));
        }
        left_out += 1;
    }
}

/// A named list; nothing where there is nothing.
fn listed(name: &str, items: &[String]) -> Option<Value> {
    let (shown, more) = look::some(items, FIELDS_MAX);
    let room = SECTION_MAX / FIELDS_MAX.max(1) - 20;
    let room = if items.len() == 1 { SECTION_MAX - 100 } else { room };
    let lines: Vec<String> = shown.iter().map(|item| fit(&look::line(item, room), room)).chain(more).collect();
    let text = format!("{name}: {}", lines.join("\n"));
    (!items.is_empty())
        .then(|| json!({"type": "section", "text": {"type": "plain_text", "text": text, "emoji": false}}))
}

/// The small print: rule, series, sources, alert.
fn context(message: &Message) -> Value {
    let sources = look::sources(message);
    let (shown, more) = look::some(&sources, SOURCES_MAX);
    let texts = [format!("Rule {}", look::rule(message)), format!("Series {}", look::series(message))]
        .into_iter()
        .chain(shown.iter().map(|source| format!("Source {source}")))
        .chain(more.map(|more| format!("{more} sources")))
        .chain([format!("Alert {}", look::identity(message))]);
    // What follows `<` and is escaped is read as an address up to `|`, which it then has none of.
    let page = look::page(message).map(|page| page.replace('|', "%7C")).filter(|page| page.len() < ELEMENT_MAX);
    let page = page.map(|page| mrkdwn(&format!("<{}|Open the alert>", escape(&page))));
    let room = ELEMENTS_MAX - usize::from(page.is_some());
    let elements: Vec<Value> = texts.take(room).map(|text| plain(&text, ELEMENT_MAX)).chain(page).collect();
    json!({"type": "context", "elements": elements})
}

/// Text in which Slack reads nothing.
fn plain(text: &str, limit: usize) -> Value {
    json!({"type": "plain_text", "text": fit(&look::line(text, limit), limit), "emoji": false})
}

/// Our own markup around text that was escaped before.
fn mrkdwn(text: &str) -> Value {
    json!({"type": "mrkdwn", "text": text, "verbatim": true})
}

/// A code span, in which only its end is read.
fn code(text: &str, limit: usize) -> String {
    let text = if text.trim().is_empty() { "—" } else { text };
    format!("`{}`", fit(&unticked(&look::line(text, limit)), limit))
}

/// Slack's own escapes: these three and no others.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Characters as Slack may count them: UTF-16 units, which are never fewer than its characters.
fn measure(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// What [`measure`] says of a text once it is escaped.
fn escaped_length(text: &str) -> usize {
    text.chars().map(escaped_cost).sum()
}

const fn escaped_cost(c: char) -> usize {
    match c {
        '&' => 5,
        '<' | '>' => 4,
        c => c.len_utf16(),
    }
}

/// `text` escaped, no longer than `limit` then, with `…` where some was cut; never cut within an
/// escape or before a mark that belongs to the character before it.
fn fit(text: &str, limit: usize) -> String {
    if escaped_length(text) <= limit {
        return escape(text);
    }
    let mut room = limit.saturating_sub(1);
    let mut kept = String::new();
    for c in text.chars() {
        let Some(rest) = room.checked_sub(escaped_cost(c)) else { break };
        room = rest;
        kept.push(c);
    }
    let next = text[kept.len()..].chars().next();
    if next.is_some_and(|c| c.width() == Some(0)) {
        while kept.pop().is_some_and(|c| c.width() == Some(0)) {}
    }
    format!("{}…", escape(&kept))
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::notify::double::{HttpDouble, Reply, corrected, deliver, delivery, fired, noticed, parcel, resolved};
    use crate::series::Provenance;

    #[test]
    fn each_item_stands_by_itself_and_as_plain_text() {
        let blocks = details(&noticed());
        let texts: Vec<&str> = blocks.iter().filter_map(|block| block["text"]["text"].as_str()).collect();
        assert!(texts[0].starts_with("24 September 2026: Licences for gallium") && texts[0].ends_with("than-a-line"));
        assert!(texts[1].contains("Gallium &lt;b&gt;list&lt;/b&gt;") && texts[1].contains("Corrects Gallium"));
        assert_eq!(texts[2], "… and 3 more");
    }

    fn slack(url: &str) -> Slack {
        let endpoint = Endpoint { url: Secret::new(url), insecure: true, allow_private: true };
        Slack { endpoint, bot: None }
    }

    /// Every limit of Block Kit, over a whole payload.
    pub fn check_limits(payload: &Value) {
        let length = |value: &Value| value.as_str().unwrap().encode_utf16().count();
        assert!(!payload["text"].as_str().unwrap().is_empty() && length(&payload["text"]) <= 4000);
        let blocks = payload["blocks"].as_array().unwrap().iter();
        let attached = payload["attachments"].as_array().unwrap().iter();
        let blocks: Vec<&Value> =
            blocks.chain(attached.flat_map(|attachment| attachment["blocks"].as_array().unwrap())).collect();
        assert!(blocks.len() <= 50);
        for block in blocks {
            let text = &block["text"]["text"];
            match block["type"].as_str().unwrap() {
                "header" => {
                    assert_eq!(block["text"]["type"], "plain_text");
                    assert!((1..=HEADER_MAX).contains(&length(text)), "{text}");
                }
                "section" if block["fields"].is_array() => {
                    let fields = block["fields"].as_array().unwrap();
                    assert!((1..=FIELDS_MAX).contains(&fields.len()));
                    assert!(fields.iter().all(|field| (1..=FIELD_MAX).contains(&length(&field["text"]))));
                }
                "section" => assert!((1..=SECTION_MAX).contains(&length(text)), "{text}"),
                "context" => {
                    let elements = block["elements"].as_array().unwrap();
                    assert!((1..=ELEMENTS_MAX).contains(&elements.len()));
                    assert!(elements.iter().all(|element| (1..=FIELD_MAX).contains(&length(&element["text"]))));
                }
                other => panic!("a block of type {other}"),
            }
        }
        check_texts(payload);
    }

    /// No control sequence of Slack survives anywhere, and no text is read for formatting outside of code.
    fn check_texts(value: &Value) {
        match value {
            Value::Object(object) => {
                if object.get("type") == Some(&json!("mrkdwn")) {
                    assert_eq!(object["verbatim"], true);
                }
                object.values().for_each(check_texts);
            }
            Value::Array(items) => items.iter().for_each(check_texts),
            Value::String(text) => {
                assert!(!text.contains(['<', '>']), "{text}");
                let entities =
                    ["&amp;", "&lt;", "&gt;"].iter().map(|entity| text.matches(entity).count()).sum::<usize>();
                assert_eq!(text.matches('&').count(), entities, "{text}");
            }
            _ => {}
        }
    }

    pub fn payload_of(message: Message) -> Value {
        payload(parcel(&delivery(message)))
    }

    /// A line for each block.
    fn blocks(payload: &Value) -> String {
        let attached = payload["attachments"][0]["blocks"].as_array().unwrap();
        let blocks = payload["blocks"].as_array().unwrap().iter().chain(attached);
        blocks.map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn an_alert_in_slack() {
        let payload = payload_of(fired());
        check_limits(&payload);
        assert!(payload["text"].as_str().unwrap().starts_with("[CRITICAL] China → US rare-earth magnet exports fell"));
        insta::assert_snapshot!(blocks(&payload), @r#"
        {"text":{"emoji":false,"text":"🔴 CRITICAL: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %","type":"plain_text"},"type":"header"}
        {"text":{"emoji":false,"text":"July 2025 619 t, August 2025 590 t, September 2025 420.5 t. Known since 20 October 2025.","type":"plain_text"},"type":"section"}
        {"fields":[{"text":"✓ holds: `declines &gt;= 2`\n`declines = 2`","type":"mrkdwn","verbatim":true}],"type":"section"}
        {"text":{"text":"```\nperiod     value    change  known since  note\n2025-04        —                         not published\n2025-05   46.4 t            2025-06-20\n2025-06    353 t  +660.8 %  2025-07-20\n2025-07    619 t   +75.4 %  2025-08-20\n2025-08    590 t    −4.7 %  2025-09-20\n2025-09  420.5 t   −28.7 %  2025-10-20\n```","type":"mrkdwn","verbatim":true},"type":"section"}
        {"text":{"emoji":false,"text":"Clears: ends when `declines &gt;= 2` no longer holds","type":"plain_text"},"type":"section"}
        {"elements":[{"emoji":false,"text":"Rule magnet-exports-falling: declines &gt;= 2","type":"plain_text"},{"emoji":false,"text":"Series feed china-magnets, hs 85051110, partner US, reporter CN","type":"plain_text"},{"emoji":false,"text":"Source china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC","type":"plain_text"},{"emoji":false,"text":"Alert 9f3c21d07be45a68, episode 1, message 1, 2025-10-20 01:05 UTC, supplywatch 0.1.0","type":"plain_text"}],"type":"context"}
        "#);
    }

    #[test]
    fn a_correction_and_a_resolution_look_as_such() {
        let head = |payload: &Value| payload["blocks"][0]["text"]["text"].as_str().unwrap().to_owned();
        let (corrected, resolved) = (payload_of(corrected()), payload_of(resolved()));
        check_limits(&corrected);
        check_limits(&resolved);
        assert!(head(&corrected).starts_with("✏️ CORRECTED: China → US"));
        assert!(head(&resolved).starts_with("✅ RESOLVED: China → US"));
        assert_eq!(corrected["attachments"][0]["color"], Tone::Corrected.colour());
        assert_eq!(resolved["attachments"][0]["color"], Tone::Resolved.colour());
        let details = corrected["attachments"][0].to_string();
        assert!(details.contains("Said before: on 20 October 2025: China → US"), "{details}");
        assert!(details.contains("2025-09: was 420.5 t, is 600 t since 2025-11-20"), "{details}");
    }

    #[test]
    fn a_title_that_the_header_cannot_hold_is_said_in_full_below() {
        let title = |length: usize| "x".repeat(length);
        let blocks = |length| payload_of(Message { title: title(length), ..fired() })["blocks"].clone();
        let prefix = measure("🔴 CRITICAL: ");
        let (fits, cut) = (blocks(HEADER_MAX - prefix), blocks(HEADER_MAX - prefix + 1));
        assert_eq!(fits.as_array().unwrap().len(), 2);
        assert_eq!(cut.as_array().unwrap().len(), 3);
        assert!(cut[0]["text"]["text"].as_str().unwrap().ends_with("x…"));
        assert_eq!(cut[1]["text"]["text"], json!(title(HEADER_MAX - prefix + 1)));
    }

    #[test]
    fn what_may_be_a_repeat_says_so() {
        let delivery = delivery(fired());
        let marked = |maybe_delivered| payload(Parcel { maybe_delivered, ..parcel(&delivery) }).to_string();
        assert!(marked(true).contains("(may be a repeat)") && !marked(false).contains("(may be a repeat)"));
    }

    #[test]
    fn too_much_is_cut_visibly() {
        let mut message = fired();
        message.gates = vec![message.gates[0].clone(); 30];
        let source = |n| Provenance { feed: format!("feed-{n}"), ..fired().sources[0].clone() };
        message.sources = (0..30).map(source).collect();
        message.table = std::iter::repeat_n(message.table[5].clone(), 200).collect();
        let payload = payload_of(message);
        check_limits(&payload);
        let text = payload.to_string();
        assert!(text.contains("… and 21 more\""), "gates: {text}");
        assert!(text.contains("… and 27 more sources"), "sources: {text}");
        assert!(text.contains(" more before"), "table: {text}");
    }

    #[test]
    fn text_is_escaped_and_then_fits() {
        assert_eq!(fit("a & <b>", 100), "a &amp; &lt;b&gt;");
        assert_eq!(fit("&&&&", 15), "&amp;&amp;…");
        assert_eq!(fit("&&&&", 20), "&amp;&amp;&amp;&amp;");
        // The accent stays with its letter, or goes with it.
        assert_eq!(fit("abe\u{301}xyz", 4), "ab…");
        assert_eq!(fit("😀😀😀", 5), "😀😀…");
        assert_eq!(code("a`b<c", 100), "`aˋb&lt;c`");
    }

    #[tokio::test]
    async fn only_ok_is_success() {
        let table = [
            (200, "ok", "delivered"),
            (200, "ok\n", "delivered"),
            (200, "<html>Sign in</html>", "retry"),
            (200, "", "retry"),
            (200, "no_text", "reject"),
            (204, "", "retry"),
            (400, "invalid_payload", "reject"),
            (400, "invalid_blocks", "reject"),
            (400, "user_not_found", "reject"),
            (400, "too_many_attachments", "reject"),
            (403, "action_prohibited", "disable"),
            (403, "invalid_token", "disable"),
            (403, "posting_to_general_channel_denied", "disable"),
            (404, "channel_not_found", "disable"),
            (404, "no_service", "disable"),
            (404, "no_team", "disable"),
            (410, "channel_is_archived", "disable"),
            (500, "rollup_error", "retry"),
            (302, "", "disable"),
            (429, "", "pause"),
            (503, "", "retry"),
        ];
        for (status, body, outcome) in table {
            let server = HttpDouble::start(Reply::status(status).body(body)).await;
            let sent = deliver(&slack(&server.url("/services/T/B/x")), parcel(&delivery(fired()))).await;
            assert_eq!((sent.outcome.name(), sent.status), (outcome, Some(status)), "{status} {body}: {sent:?}");
        }
    }

    fn bot(url: &str) -> Slack {
        let bot = Bot { token: Secret::new("xoxb-T0KEN-abcdef"), channel: "C0123".to_owned() };
        Slack { bot: Some(bot), ..slack(url) }
    }

    #[tokio::test]
    async fn a_bot_goes_on_in_the_thread() {
        let answer = r#"{"ok":true,"channel":"C0123","ts":"1503435957.000200"}"#;
        let server = HttpDouble::start(Reply::status(200).body(answer)).await;
        let (first, last) = (delivery(fired()), delivery(corrected()));
        deliver(&bot(&server.url("")), parcel(&first)).await;
        let later = Parcel { opening: Some("1503435956.000247"), ..parcel(&last) };
        let sent = deliver(&bot(&server.url("")), later).await;
        let remote_ref = Some("1503435957.000200".to_owned());
        assert_eq!((sent.outcome, sent.status), (Outcome::Delivered { remote_ref }, Some(200)));
        let [first, last] = &server.requests()[..] else { panic!("two requests") };
        assert_eq!(last.line, "POST /api/chat.postMessage HTTP/1.1");
        assert_eq!(last.header("authorization"), Some("Bearer xoxb-T0KEN-abcdef"));
        let [first, last] = [first, last].map(|request| serde_json::from_str::<Value>(&request.body).unwrap());
        check_limits(&last);
        assert_eq!((&first["channel"], &first["thread_ts"]), (&json!("C0123"), &Value::Null));
        assert_eq!((&last["thread_ts"], &last["reply_broadcast"]), (&json!("1503435956.000247"), &json!(true)));
        assert!(!crate::notify::service::preview(&bot(&server.url("")), later).contains("T0KEN"));
    }

    #[tokio::test]
    async fn a_bot_is_told_in_the_body() {
        let said = |error: &str| format!(r#"{{"ok":false,"error":"{error}"}}"#);
        let table = [
            (429, said("ratelimited"), "pause"),
            (200, said("ratelimited"), "pause"),
            (200, said("internal_error"), "retry"),
            (200, said("service_unavailable"), "retry"),
            (200, said("invalid_auth"), "disable"),
            (200, said("token_revoked"), "disable"),
            (200, said("not_in_channel"), "disable"),
            (200, said("channel_not_found"), "disable"),
            (200, said("is_archived"), "disable"),
            (200, said("msg_too_long"), "reject"),
            (200, said("thread_not_found"), "reject"),
            (200, said("no_text"), "reject"),
            (200, "ok".to_owned(), "retry"),
            (200, "<html>please log in</html>".to_owned(), "retry"),
            (500, String::new(), "retry"),
            (302, String::new(), "disable"),
        ];
        for (status, body, outcome) in table {
            let server = HttpDouble::start(Reply::status(status).body(&body)).await;
            let opened = delivery(fired());
            let sent = deliver(&bot(&server.url("")), Parcel { opening: Some("1.2"), ..parcel(&opened) }).await;
            assert_eq!((sent.outcome.name(), sent.status), (outcome, Some(status)), "{body}: {sent:?}");
            let asked = server.requests();
            assert_eq!(asked.len(), if outcome == "reject" && !body.contains("no_text") { 2 } else { 1 }, "{body}");
            let is_bare =
                |body: &str| !body.contains("blocks") && !body.contains("thread_ts") && body.contains("420.5 t");
            assert!(asked.len() == 1 || is_bare(&asked[1].body), "{asked:?}");
        }
    }

    #[tokio::test]
    async fn an_answer_that_broke_off_may_have_been_ok() {
        let server = HttpDouble::start(Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no")).await;
        let sent = deliver(&slack(&server.url("/x")), parcel(&delivery(fired()))).await;
        assert!(matches!(sent.outcome, Outcome::Retry { maybe_delivered: true, .. }), "{sent:?}");
    }

    #[tokio::test]
    async fn what_is_sent_is_what_is_previewed() {
        let server = HttpDouble::start(Reply::status(200).body("ok")).await;
        let slack = slack(&server.url("/services/T0/B0/T0KEN-abcdef"));
        let delivery = delivery(corrected());
        deliver(&slack, parcel(&delivery)).await;
        let preview = crate::notify::service::preview(&slack, parcel(&delivery));
        let (head, body) = preview.split_once("\n\n").unwrap();
        assert!(!head.contains("T0KEN"), "{head}");
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body, serde_json::from_str::<Value>(&server.requests()[0].body).unwrap());
    }
}
