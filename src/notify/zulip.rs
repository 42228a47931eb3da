//! Zulip (<https://zulip.com/api/send-message>).
//!
//! An alert is a topic of a channel: what is said of it later stands below what was said before. A copy cannot be
//! told by the server: what may be a repeat says so.

use std::time::Duration;

use serde_json::Value;

use super::answer::{Answer, PAUSE_DEFAULT, within_reason};
use super::http::{Call, Endpoint};
use super::markup::{chars, fenced};
use super::probe::Probe;
use super::prose::{self, Markup};
use super::service::{Form, Service, Verdict, by_status, stranger};
use super::{Parcel, look};
use crate::base::secret::Secret;
use crate::outbox::{Message, Outcome};

/// A channel that a bot writes to.
#[derive(Clone, Debug)]
pub struct Zulip {
    /// The organisation's server.
    pub server: Endpoint,
    /// The bot's e-mail address.
    pub user: String,
    /// The bot's API key.
    pub key: Secret,
    /// The channel's name or id.
    pub channel: String,
    /// A topic for everything; without one each alert has its own.
    pub topic: Option<String>,
}

/// Characters of a message, at most: the server cuts a longer one.
const CONTENT_MAX: usize = 10_000;
/// Characters of a topic, at most: the server cuts a longer one.
pub const TOPIC_MAX: usize = 60;
/// Digits of an alert's id that tell two alerts apart whose names are cut alike.
const ID_DIGITS: usize = 8;

impl Service for Zulip {
    fn call(&self, parcel: Parcel<'_>, form: Form) -> Result<Call, String> {
        let content = match form {
            Form::Full => prose::letter(parcel, &Markdown, CONTENT_MAX),
            Form::Short => prose::note(parcel, &Markdown, CONTENT_MAX / 4),
        };
        let fields = vec![
            // Every version knows a channel by its old name, too.
            ("type", "stream".to_owned()),
            ("to", self.channel.clone()),
            ("topic", self.topic.clone().unwrap_or_else(|| topic(parcel.message()))),
            ("content", content),
        ];
        Ok(Call::form(&self.server.at("/api/v1/messages"), fields).basic(&self.user, &self.key))
    }

    fn probe(&self) -> Probe {
        let server = self.server.at("/api/v1/users/me");
        Probe::login(Call::get(&server).basic(&self.user, &self.key), &["/full_name"])
    }

    fn verdict(&self, answer: &Answer) -> Verdict {
        let Some(said) = answer.json().filter(|said| said["result"].is_string()) else {
            return stranger(answer);
        };
        if said["result"] == "success" && (200..=299).contains(&answer.status) {
            let remote_ref = said["id"].as_u64().map(|id| id.to_string());
            return answer.means(Outcome::Delivered { remote_ref }).into();
        }
        let why = answer.told();
        // What is said beside the code is in the organisation's language.
        match said["code"].as_str().unwrap_or_default() {
            "RATE_LIMIT_HIT" => answer.means(Outcome::Pause { after: wait(answer, &said), why }).into(),
            "STREAM_DOES_NOT_EXIST"
            | "CHANNEL_DOES_NOT_EXIST"
            | "UNAUTHORIZED"
            | "INVALID_API_KEY"
            | "USER_DEACTIVATED"
            | "REALM_DEACTIVATED" => answer.means(Outcome::Disable { why }).into(),
            _ => by_status(answer),
        }
    }
}

/// The topic of an alert, the same for all its messages: `magnets: china-magnets, 85051110, US`, and where that is
/// too long, as much of it as fits with the alert's id.
fn topic(message: &Message) -> String {
    let alert = &message.alert;
    let values: Vec<&str> = alert.labels.values().map(String::as_str).collect();
    let name = if values.is_empty() { alert.rule.clone() } else { format!("{}: {}", alert.rule, values.join(", ")) };
    let whole = look::line(name.trim(), TOPIC_MAX + 1);
    if (1..=TOPIC_MAX).contains(&whole.chars().count()) {
        return whole;
    }
    let id: String = alert.id.chars().take(ID_DIGITS).collect();
    format!("{} {id}", look::line(name.trim(), TOPIC_MAX - ID_DIGITS - 1))
}

/// How long the server wants nothing: the header or the body, seconds with decimals, whichever is longer.
fn wait(answer: &Answer, said: &Value) -> Duration {
    let seconds = said["retry-after"].as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    answer.wait.max(seconds.map(within_reason)).unwrap_or(PAUSE_DEFAULT)
}

/// Zulip's Markdown. It knows no backslash; a character reference stands for its character and is read as nothing
/// else.
struct Markdown;

impl Markdown {
    /// Whether a sign at `index` means something to Zulip there.
    fn is_sign(chars: &[char], index: usize) -> bool {
        let is_name = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '-' | '+');
        let after = &chars[index + 1..];
        match chars[index] {
            '*' | '`' | '~' | '$' | '[' | '<' | '|' | '\\' => true,
            // `&amp;`, `&#42;`
            '&' => after.iter().find(|c| !c.is_ascii_alphanumeric() && **c != '#') == Some(&';'),
            // `:smile:`
            ':' => after.iter().find(|c| !is_name(c)) == Some(&':'),
            // `/me`, `/poll`, `# heading`, `> quote`, lists and rules, where a line begins; `1.` as well.
            '#' | '>' | '-' | '+' | '=' | '/' | ' ' => index == 0,
            '.' | ')' => index > 0 && chars[..index].iter().all(char::is_ascii_digit),
            _ => false,
        }
    }
}

impl Markup for Markdown {
    fn text(&self, text: &str) -> String {
        let chars: Vec<char> = text.chars().collect();
        let written = |(index, c): (usize, &char)| {
            if Self::is_sign(&chars, index) { format!("&#x{:x};", u32::from(*c)) } else { c.to_string() }
        };
        chars.iter().enumerate().map(written).collect()
    }

    fn strong(&self, text: &str) -> String {
        format!("**{}**", self.text(text))
    }

    fn code(&self, text: &str) -> String {
        // Within code nothing is read but the end of it.
        let ticks = fenced(text, 1);
        let gap = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
        if text.is_empty() { String::new() } else { format!("{ticks}{gap}{text}{gap}{ticks}") }
    }

    fn block(&self, text: &str) -> String {
        let ticks = fenced(text, 3);
        format!("{ticks}text\n{text}\n{ticks}")
    }

    /// The address stands behind its text: within a link's text nothing can be written as a reference.
    fn link(&self, text: &str, address: &str) -> String {
        let quoted: String = address
            .chars()
            .map(|c| if "`*~$[]<>|\\\"".contains(c) { format!("%{:02X}", u32::from(c)) } else { c.to_string() })
            .collect();
        format!("{} {quoted}", self.text(text))
    }

    fn length(&self, rendered: &str) -> usize {
        chars(rendered)
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::notify::Sent;
    use crate::notify::double::{HttpDouble, Reply, corrected, deliver, delivery, fired, noticed, parcel, resolved};

    fn zulip(url: &str) -> Zulip {
        let server = Endpoint { url: Secret::new(url), insecure: true, allow_private: true };
        let key = Secret::new("K3Yabcdef0123456");
        Zulip { server, user: "watch-bot@z.example".to_owned(), key, channel: "supply".to_owned(), topic: None }
    }

    /// The topic and the content of a message.
    pub fn payload_of(parcel: Parcel<'_>) -> (String, String) {
        let call = zulip("http://127.0.0.1").call(parcel, Form::Full).unwrap();
        let super::super::http::Body::Form(fields) = call.body else { panic!("no form") };
        let field = |name| fields.iter().find(|(known, _)| *known == name).unwrap().1.clone();
        (field("topic"), field("content"))
    }

    /// Nothing of the text is a sign: beside the bold words and the code that we write, there is none.
    pub fn check(parcel: Parcel<'_>) {
        let (topic, content) = payload_of(parcel);
        assert!((1..=TOPIC_MAX).contains(&topic.chars().count()), "{topic}");
        assert!((1..=CONTENT_MAX).contains(&content.chars().count()));
        let mut fence = None;
        for line in content.lines() {
            match &fence {
                Some(end) if line == end => fence = None,
                Some(_) => {}
                None if line.starts_with("```") => fence = line.strip_suffix("text").map(ToOwned::to_owned),
                None => assert!(!without_ours(line).contains(['*', '`', '~', '$', '[', '<', '|', '\\']), "{line}"),
            }
        }
        assert_eq!(fence, None, "a block that does not end");
    }

    /// A line without the bold words that it begins with and the code in it.
    fn without_ours(line: &str) -> String {
        let line = line
            .strip_prefix("**")
            .and_then(|rest| rest.split_once("**"))
            .map_or_else(|| line.to_owned(), |(bold, rest)| format!("{bold}{rest}"));
        let Some(begin) = line.find('`') else { return line };
        let ticks: String = line[begin..].chars().take_while(|c| *c == '`').collect();
        let after = &line[begin + ticks.len()..];
        let ends = after.match_indices(&ticks).filter(|(index, _)| {
            let (before, behind) = (&after[..*index], &after[index + ticks.len()..]);
            !before.ends_with('`') && !behind.starts_with('`')
        });
        let (end, _) = ends.into_iter().next().unwrap_or_else(|| panic!("code that does not end: {line}"));
        format!("{}{}", &line[..begin], &after[end + ticks.len()..])
    }

    #[tokio::test]
    async fn an_alert_is_a_topic() {
        let server = HttpDouble::start(Reply::status(200).body(r#"{"result":"success","msg":"","id":123}"#)).await;
        let sent = deliver(&zulip(&server.url("/")), parcel(&delivery(corrected()))).await;
        assert_eq!(sent, Sent::delivered(Some("123".to_owned())).with_status(Some(200)));
        let [request] = &server.requests()[..] else { panic!("one request") };
        assert_eq!(request.line, "POST /api/v1/messages HTTP/1.1");
        assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
        assert!(request.header("authorization").unwrap().starts_with("Basic d2F0Y2gtYm90QHo"));
        assert!(request.body.starts_with("type=stream&to=supply&topic=magnet-exports-falling"));
        let (topic, content) = payload_of(parcel(&delivery(corrected())));
        insta::assert_snapshot!(format!("{topic}\n\n{content}"), @"
        magnet-exports-falling: china-magnets, 85051110, US, CN

        **✏️ CORRECTED: China → US rare-earth magnet exports: &#x60;declines >= 2&#x60; no longer holds after a revision: September 2025 is now 600 t, was 420.5 t**
        August 2025 590 t, September 2025 600 t. Known since 20 November 2025.
        **Said before:** on 20 October 2025: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %
        **Revised:** 2025-09: was 420.5 t, is 600 t since 2025-11-20
        ✗ fails: `declines >= 2` declines = 0
        ```text
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
    fn an_opening_and_a_closing_are_whole() {
        let shown = |message| {
            let (topic, content) = payload_of(parcel(&delivery(message)));
            format!("{topic}\n\n{content}")
        };
        insta::assert_snapshot!(shown(fired()), @"
        magnet-exports-falling: china-magnets, 85051110, US, CN

        **🔴 CRITICAL: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %**
        July 2025 619 t, August 2025 590 t, September 2025 420.5 t. Known since 20 October 2025.
        ✓ holds: `declines >= 2` declines = 2
        ```text
        period     value    change  known since  note
        2025-04        —                         not published
        2025-05   46.4 t            2025-06-20
        2025-06    353 t  +660.8 %  2025-07-20
        2025-07    619 t   +75.4 %  2025-08-20
        2025-08    590 t    −4.7 %  2025-09-20
        2025-09  420.5 t   −28.7 %  2025-10-20
        ```
        **Clears:** ends when &#x60;declines >= 2&#x60; no longer holds
        **Source:** china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC
        Rule: `magnet-exports-falling: declines >= 2`
        9f3c21d07be45a68, episode 1, message 1, 2025-10-20 01:05 UTC, supplywatch 0.1.0
        ");
        insta::assert_snapshot!(shown(resolved()), @"
        magnet-exports-falling: china-magnets, 85051110, US, CN

        **✅ RESOLVED: China → US rare-earth magnet exports: &#x60;declines >= 2&#x60; no longer holds: 656 t in October 2025, +56 %**
        September 2025 420.5 t, October 2025 656 t. Known since 20 November 2025.
        **Said before:** on 20 October 2025: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %
        ✗ fails: `declines >= 2` declines = 0
        ```text
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
    }

    #[test]
    fn items_have_their_addresses() {
        insta::assert_snapshot!(payload_of(parcel(&delivery(noticed()))).1, @r#"
        **🟠 WARNING: export rules: Licences for gallium, and 1 more**
        2 items, published on 24 September 2026; 1 corrects another.
        • 24 September 2026: Licences for gallium (Rule, Industry and Security Bureau). Until 10 November 2026. The licence requirement is suspended. https://notices.example/documents/2026/09/24/2026-2/a-title-that-is-long-enough-to-be-wider-than-a-line
        • 24 September 2026: Gallium &#x3c;b>list&#x3c;/b> (Rule, Industry and Security Bureau). Corrects Gallium &#x3c;b>list&#x3c;/b> (2026-1), published on 1 September 2026. https://notices.example/documents/2026/09/24/C1-2026-1/a-title-that-is-long-enough-to-be-wider-than-a-line
        … and 3 more
        ✓ holds: `new("gallium")` new('gallium') = holds
        **Source:** china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC
        Rule: `magnet-exports-falling: declines >= 2`
        9f3c21d07be45a68, episode 1, message 1, 2025-10-20 01:05 UTC, supplywatch 0.1.0
        "#);
    }

    #[test]
    fn a_topic_stays_and_tells_alerts_apart() {
        let of = |message| payload_of(parcel(&delivery(message))).0;
        assert_eq!(of(fired()), of(resolved()));
        let named = |rule: &str, id: &str| {
            let mut message = fired();
            (message.alert.rule, message.alert.id) = (rule.to_owned(), id.to_owned());
            of(message)
        };
        assert_eq!(named("falling", "9f3c21d07be45a68"), "falling: china-magnets, 85051110, US, CN");
        let long = "x".repeat(80);
        assert_ne!(named(&long, "9f3c21d07be45a68"), named(&long, "8f3c21d07be45a68"));
        assert_eq!(named(&long, "9f3c21d07be45a68").chars().count(), TOPIC_MAX);
        let fixed = Zulip { topic: Some("alerts".to_owned()), ..zulip("http://127.0.0.1") };
        assert!(fixed.call(parcel(&delivery(fired())), Form::Full).unwrap().preview().contains("topic = alerts"));
    }

    #[test]
    fn signs_are_written_as_references() {
        let table = [
            (
                "@**all** #**general** @_*x*",
                "@&#x2a;&#x2a;all&#x2a;&#x2a; #&#x2a;&#x2a;general&#x2a;&#x2a; @_&#x2a;x&#x2a;",
            ),
            ("# a", "&#x23; a"),
            ("> a - b", "&#x3e; a - b"),
            ("12. a", "12&#x2e; a"),
            ("12.5 t", "12&#x2e;5 t"),
            ("a :tada: 10:30 https://x.example/?a=1&b=2", "a &#x3a;tada: 10:30 https://x.example/?a=1&b=2"),
            ("&lt; & &#42;", "&#x26;lt; & &#x26;#42;"),
            ("[a](https://b.example) <time:2025-01-01>", "&#x5b;a](https://b.example) &#x3c;time:2025-01-01>"),
            ("/me a/b", "&#x2f;me a/b"),
        ];
        for (text, written) in table {
            assert_eq!(Markdown.text(text), written);
        }
        assert_eq!(Markdown.code("a ` b"), "``a ` b``");
        assert_eq!(Markdown.code("`a`"), "`` `a` ``");
        assert_eq!(Markdown.block("a\n```\nb"), "````text\na\n```\nb\n````");
    }

    #[tokio::test]
    async fn the_code_decides() {
        let error = |code: &str, more: &str| format!(r#"{{"result":"error","code":"{code}","msg":"nein"{more}}}"#);
        let table = [
            (429, error("RATE_LIMIT_HIT", r#","retry-after":28.706807374954224"#), "pause"),
            (400, error("STREAM_DOES_NOT_EXIST", r#","stream":"supply""#), "disable"),
            (400, error("BAD_REQUEST", ""), "reject"),
            (401, error("UNAUTHORIZED", ""), "disable"),
            (403, error("REALM_DEACTIVATED", ""), "disable"),
            (500, error("INTERNAL_SERVER_ERROR", ""), "retry"),
            (404, "<html>no Zulip</html>".to_owned(), "disable"),
            (200, "<html>please log in</html>".to_owned(), "retry"),
            (302, String::new(), "disable"),
        ];
        for (status, body, outcome) in table {
            let server = HttpDouble::start(Reply::status(status).body(&body).header("retry-after", "7")).await;
            let sent = deliver(&zulip(&server.url("")), parcel(&delivery(fired()))).await;
            assert_eq!((sent.outcome.name(), sent.status), (outcome, Some(status)), "{body}: {sent:?}");
            assert!(!format!("{sent:?}").contains("K3Yabc"));
            if let Outcome::Pause { after, .. } = sent.outcome {
                assert_eq!(after.as_millis(), 28_706);
            }
        }
    }
}
