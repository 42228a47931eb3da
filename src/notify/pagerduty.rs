//! PagerDuty's Events API v2 (<https://developer.pagerduty.com/docs/events-api-v2/trigger-events/>).
//!
//! An episode is one incident: its messages carry one `dedup_key`, so a copy of one changes nothing, and what
//! closes the episode resolves the incident.

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::facts::{facts, matter};
use super::http::{Call, Endpoint};
use super::look;
use super::probe::Probe;
use super::service::{Form, Service, Verdict, by_status, stranger};
use super::{Parcel, layout};
use crate::base::secret::Secret;
use crate::outbox::{Message, Outcome};
use crate::rule::Severity;

/// A service of PagerDuty.
#[derive(Clone, Debug)]
pub struct PagerDuty {
    /// The API's server, of the account's region.
    pub api: Endpoint,
    /// The integration's key.
    pub key: Secret,
}

/// Characters of an incident's summary, at most.
const SUMMARY_MAX: usize = 1024;
/// Characters of the short texts that say where it is, at most.
const PLACE_MAX: usize = 255;
/// Bytes of an event, at most.
const EVENT_MAX: usize = 512_000;
/// Lines of a detail, and characters of a line, at most.
const DETAIL_LINES: usize = 25;
const LINE_MAX: usize = 1000;
/// Links to items, at most.
const LINKS_MAX: usize = 10;

impl Service for PagerDuty {
    fn call(&self, parcel: Parcel<'_>, form: Form) -> Result<Call, String> {
        let message = parcel.message();
        let full = (form == Form::Full).then(|| self.event(message, details(message)));
        let event = full.filter(|event| event.to_string().len() <= EVENT_MAX);
        let event = event.unwrap_or_else(|| self.event(message, "left out: the event would be too large".into()));
        Ok(Call::json(&self.api.at("/v2/enqueue"), &event).hide(&self.key))
    }

    fn probe(&self) -> Probe {
        // Its keys may send and nothing else.
        Probe::presence(&self.api)
    }

    fn verdict(&self, answer: &Answer) -> Verdict {
        let Some(said) = answer.json().filter(|said| said["status"].is_string()) else { return stranger(answer) };
        match answer.status {
            200..=299 if said["status"] == "success" => {
                let remote_ref = said["dedup_key"].as_str().map(ToOwned::to_owned);
                answer.means(Outcome::Delivered { remote_ref }).into()
            }
            200..=299 => stranger(answer),
            400 if said.to_string().to_lowercase().contains("routing") => {
                answer.means(Outcome::Disable { why: answer.told() }).into()
            }
            _ => by_status(answer),
        }
    }

    fn keeps_alerts(&self) -> bool {
        true
    }
}

impl PagerDuty {
    fn event(&self, message: &Message, details: Value) -> Value {
        json!({
            "routing_key": self.key.expose(),
            "event_action": if message.closes() { "resolve" } else { "trigger" },
            "dedup_key": matter(message),
            "client": "supplywatch",
            "payload": {
                "summary": look::line(&format!("{}: {}", look::word(message), message.title), SUMMARY_MAX),
                "source": look::line(&look::series(message), PLACE_MAX),
                "severity": severity(message.severity),
                "timestamp": message.at,
                "group": look::line(&message.alert.rule, PLACE_MAX),
                "class": "supply risk",
                "custom_details": details,
            },
            "links": links(message),
        })
    }
}

/// PagerDuty's word; its `error` has no counterpart.
const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}

fn details(message: &Message) -> Value {
    let mut details = Map::new();
    details.insert("Summary".to_owned(), look::line(&message.summary, LINE_MAX).into());
    for (name, lines) in facts(message, DETAIL_LINES, LINE_MAX) {
        let value = if lines.len() == 1 { lines[0].as_str().into() } else { lines.into() };
        details.insert(name.to_owned(), value);
    }
    details.into()
}

/// Where the items are to be read.
fn links(message: &Message) -> Vec<Value> {
    let urls = message.items.iter().filter_map(|item| Some((item.url.as_deref()?, &item.title)));
    let good = urls.filter(|(url, _)| layout::is_address(url)).take(LINKS_MAX);
    good.map(|(url, title)| json!({"href": url, "text": look::line(title, PLACE_MAX)})).collect()
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::notify::double::{
        HttpDouble, Reply, corrected, deliver, delivery, fired, noticed, parcel, resolved, server,
    };

    fn pagerduty(url: &str) -> PagerDuty {
        PagerDuty { api: server(url), key: Secret::new("R0UT1NG-0123456789abcdef") }
    }

    /// The event of a message, within the limits.
    #[track_caller]
    pub fn event_of(message: Message, form: Form) -> Value {
        let call = pagerduty("https://events.example").call(parcel(&delivery(message)), form).unwrap();
        let text = call.body.json();
        assert!(text.len() <= EVENT_MAX, "{} bytes", text.len());
        let event: Value = serde_json::from_str(&text).unwrap();
        let length = |pointer: &str| event.pointer(pointer).unwrap().as_str().unwrap().chars().count();
        assert!((1..=SUMMARY_MAX).contains(&length("/payload/summary")));
        assert!((1..=PLACE_MAX).contains(&length("/payload/source")) && length("/dedup_key") <= 255);
        assert!(event["links"].as_array().unwrap().len() <= LINKS_MAX);
        event
    }

    #[test]
    fn an_episode_is_an_incident() {
        let [opened, closed] = [fired(), resolved()].map(|message| event_of(message, Form::Full));
        assert_eq!((&opened["event_action"], &closed["event_action"]), (&json!("trigger"), &json!("resolve")));
        assert_eq!(opened["dedup_key"], closed["dedup_key"]);
        insta::assert_snapshot!(format!("{opened:#}"), @r#"
        {
          "client": "supplywatch",
          "dedup_key": "ba4100fa0385691d3906c6563229cea43a2e03c2bb7f2f0c386b411a75611db3",
          "event_action": "trigger",
          "links": [],
          "payload": {
            "class": "supply risk",
            "custom_details": {
              "Alert": "9f3c21d07be45a68, episode 1, message 1, 2025-10-20 01:05 UTC, supplywatch 0.1.0",
              "Clears": "ends when `declines >= 2` no longer holds",
              "Figures": [
                "2025-04, —, not published",
                "2025-05, 46.4 t, known since 2025-06-20",
                "2025-06, 353 t, +660.8 %, known since 2025-07-20",
                "2025-07, 619 t, +75.4 %, known since 2025-08-20",
                "2025-08, 590 t, −4.7 %, known since 2025-09-20",
                "2025-09, 420.5 t, −28.7 %, known since 2025-10-20"
              ],
              "Rule": "magnet-exports-falling: declines >= 2",
              "Series": "feed china-magnets, hs 85051110, partner US, reporter CN",
              "Source": "china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC",
              "Summary": "July 2025 619 t, August 2025 590 t, September 2025 420.5 t. Known since 20 October 2025.",
              "Why": "✓ holds: declines >= 2 (declines = 2)"
            },
            "group": "magnet-exports-falling",
            "severity": "critical",
            "source": "feed china-magnets, hs 85051110, partner US, reporter CN",
            "summary": "CRITICAL: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %",
            "timestamp": "2025-10-20T01:05:00Z"
          },
          "routing_key": "R0UT1NG-0123456789abcdef"
        }
        "#);
        insta::assert_snapshot!(format!("{:#}", event_of(corrected(), Form::Full)["payload"]), @r#"
        {
          "class": "supply risk",
          "custom_details": {
            "Alert": "9f3c21d07be45a68, episode 1, message 2, 2025-11-20 01:05 UTC, supplywatch 0.1.0",
            "Figures": [
              "2025-04, —, not published",
              "2025-05, 46.4 t, known since 2025-06-20",
              "2025-06, 353 t, +660.8 %, known since 2025-07-20",
              "2025-07, 619 t, +75.4 %, known since 2025-08-20",
              "2025-08, 590 t, −4.7 %, known since 2025-09-20",
              "2025-09, 600 t, +1.7 %, preliminary, known since 2025-11-20, was 420.5 t until 20 November 2025"
            ],
            "Revised": "2025-09: was 420.5 t, is 600 t since 2025-11-20",
            "Rule": "magnet-exports-falling: declines >= 2",
            "Said before": "on 20 October 2025: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %",
            "Series": "feed china-magnets, hs 85051110, partner US, reporter CN",
            "Source": "china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC",
            "Summary": "August 2025 590 t, September 2025 600 t. Known since 20 November 2025.",
            "Why": "✗ fails: declines >= 2 (declines = 0)"
          },
          "group": "magnet-exports-falling",
          "severity": "critical",
          "source": "feed china-magnets, hs 85051110, partner US, reporter CN",
          "summary": "CORRECTED: China → US rare-earth magnet exports: `declines >= 2` no longer holds after a revision: September 2025 is now 600 t, was 420.5 t",
          "timestamp": "2025-11-20T01:05:00Z"
        }
        "#);
        insta::assert_snapshot!(format!("{:#}", closed["payload"]["summary"]), @r#""RESOLVED: China → US rare-earth magnet exports: `declines >= 2` no longer holds: 656 t in October 2025, +56 %""#);
        assert_eq!(event_of(noticed(), Form::Full)["links"][0]["text"], "Licences for gallium");
    }

    #[test]
    fn an_event_that_would_be_too_large_says_less() {
        let mut message = fired();
        let row = crate::outbox::TableRow { note: Some("🔴".repeat(2000)), ..message.table[0].clone() };
        message.table = vec![row; 200];
        message.gates = vec![crate::outbox::GateLine { text: "🔴".repeat(2000), ..message.gates[0].clone() }; 200];
        message.items =
            vec![crate::outbox::ItemLine { summary: "🔴".repeat(2000), ..noticed().items[0].clone() }; 200];
        message.sources =
            vec![crate::series::Provenance { url: "🔴".repeat(2000), ..message.sources[0].clone() }; 200];
        message.revisions =
            vec![crate::outbox::RevisionLine { old: "🔴".repeat(2000), ..corrected().revisions[0].clone() }; 200];
        event_of(message.clone(), Form::Full);
        let short = event_of(message, Form::Short);
        assert_eq!(short["payload"]["custom_details"], "left out: the event would be too large");
    }

    #[tokio::test]
    async fn what_the_api_says_decides() {
        let table = [
            (202, r#"{"status":"success","message":"Event processed","dedup_key":"k"}"#, "delivered"),
            (202, r#"{"status":"queued"}"#, "retry"),
            (200, "<html>please log in</html>", "retry"),
            (
                400,
                r#"{"status":"invalid event","message":"Event object is invalid","errors":["Length of 'payload.summary' is incorrect"]}"#,
                "reject",
            ),
            (
                400,
                r#"{"status":"invalid event","message":"Event object is invalid","errors":["Invalid routing key"]}"#,
                "disable",
            ),
            (413, "", "reject"),
            (
                429,
                r#"{"status":"throttle exceeded","message":"Requests for this service are arriving too quickly."}"#,
                "pause",
            ),
            (500, "", "retry"),
            (302, "", "disable"),
        ];
        for (status, body, outcome) in table {
            let server = HttpDouble::start(Reply::status(status).body(body)).await;
            let sent = deliver(&pagerduty(&server.url("")), parcel(&delivery(fired()))).await;
            assert_eq!((sent.outcome.name(), sent.status), (outcome, Some(status)), "{body}: {sent:?}");
            assert_eq!(server.requests().len(), if status == 413 { 2 } else { 1 });
            assert_eq!(server.requests()[0].line, "POST /v2/enqueue HTTP/1.1");
        }
    }

    #[test]
    fn the_key_is_not_shown() {
        let preview = crate::notify::service::preview(&pagerduty("https://events.example"), parcel(&delivery(fired())));
        assert!(!preview.contains("R0UT1NG") && preview.contains("\"routing_key\": \"<secret>\""), "{preview}");
    }
}
