//! Opsgenie's Alert API (<https://docs.opsgenie.com/docs/alert-api>), which its makers end on 5 April 2027.
//!
//! An episode is one alert: its messages carry one alias, so a copy of one is counted and opens nothing, and what
//! closes the episode closes the alert.

use serde_json::{Map, Value, json};

use super::Parcel;
use super::answer::Answer;
use super::facts::matter;
use super::http::{Call, Endpoint};
use super::look;
use super::markup::{Plain, utf16};
use super::probe::Probe;
use super::prose;
use super::service::{Form, Service, Verdict, by_status, stranger};
use crate::base::secret::Secret;
use crate::outbox::{Message, Outcome};
use crate::rule::Severity;

/// A team, or an integration of one.
#[derive(Clone, Debug)]
pub struct Opsgenie {
    /// The API's server, of the account's region.
    pub api: Endpoint,
    /// The integration's key.
    pub key: Secret,
}

/// Characters of an alert's message, at most.
const MESSAGE_MAX: usize = 130;
/// Characters of a description, at most.
const DESCRIPTION_MAX: usize = 15_000;
/// Characters of the note that closes an alert: less than the API takes.
const NOTE_MAX: usize = 15_000;
/// Tags of an alert, and characters of one, at most.
const TAGS_MAX: usize = 20;
const TAG_MAX: usize = 50;
/// Characters of all details together, and of one, at most.
const DETAILS_MAX: usize = 8000;
const DETAIL_MAX: usize = 500;

impl Service for Opsgenie {
    fn call(&self, parcel: Parcel<'_>, form: Form) -> Result<Call, String> {
        let message = parcel.message();
        let said = |limit| match form {
            Form::Full => prose::body(parcel, &Plain { length: utf16 }, limit),
            Form::Short => prose::note(parcel, &Plain { length: utf16 }, limit / 8),
        };
        let title = format!("{}: {}", look::word(message), message.title);
        let alias = matter(message);
        let (path, body) = if message.closes() {
            let note = format!("{}\n{}", look::line(&title, 1000), said(NOTE_MAX));
            let path = format!("/v2/alerts/{alias}/close?identifierType=alias");
            (path, json!({"source": "supplywatch", "note": note}))
        } else {
            let body = json!({
                "message": look::line(&title, MESSAGE_MAX),
                "alias": alias,
                "description": said(DESCRIPTION_MAX),
                "priority": priority(message.severity),
                "entity": look::line(&message.alert.rule, DETAIL_MAX),
                "source": "supplywatch",
                "tags": tags(message),
                "details": details(message),
            });
            ("/v2/alerts".to_owned(), body)
        };
        let key = format!("GenieKey {}", self.key.expose());
        Ok(Call::json(&self.api.at(&path), &body).hide(&self.key).secret_header("authorization", key))
    }

    fn probe(&self) -> Probe {
        // Its keys may send and nothing else.
        Probe::presence(&self.api)
    }

    /// 202 says that it will be looked at; more is never said.
    fn verdict(&self, answer: &Answer) -> Verdict {
        let Some(said) = answer.json().filter(|said| said["requestId"].is_string()) else { return stranger(answer) };
        match answer.status {
            200..=299 => {
                let remote_ref = said["requestId"].as_str().map(ToOwned::to_owned);
                answer.means(Outcome::Delivered { remote_ref }).into()
            }
            _ => by_status(answer),
        }
    }

    fn keeps_alerts(&self) -> bool {
        true
    }
}

const fn priority(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "P1",
        Severity::Warning => "P3",
        Severity::Info => "P5",
    }
}

/// The labels, `partner:US`, for routing; a comma would part one in two.
fn tags(message: &Message) -> Vec<String> {
    let tag = |(name, value): (&String, &String)| look::line(&format!("{name}:{value}"), TAG_MAX).replace(',', ";");
    message.alert.labels.iter().take(TAGS_MAX).map(tag).collect()
}

/// The labels and what names the alert, as much as there is room for.
fn details(message: &Message) -> Value {
    let alert = &message.alert;
    let own = [
        ("rule".to_owned(), look::rule(message)),
        ("alert".to_owned(), alert.id.clone()),
        ("period".to_owned(), message.period.clone().unwrap_or_default()),
    ];
    let mut details = Map::new();
    let mut room = DETAILS_MAX;
    for (name, value) in own.into_iter().chain(alert.labels.clone()) {
        let (name, value) = (look::line(&name, DETAIL_MAX), look::line(&value, DETAIL_MAX));
        let length = name.encode_utf16().count() + value.encode_utf16().count();
        if length <= room && !value.is_empty() && !details.contains_key(&name) {
            room -= length;
            details.insert(name, value.into());
        }
    }
    details.into()
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::notify::Sent;
    use crate::notify::double::{HttpDouble, Reply, corrected, deliver, delivery, fired, parcel, resolved, server};

    fn opsgenie(url: &str) -> Opsgenie {
        Opsgenie { api: server(url), key: Secret::new("eb243592-faa2-4ba2") }
    }

    /// Path and body of a message that may be a repeat, within the limits.
    #[track_caller]
    pub fn request_of(message: Message, form: Form) -> (String, Value) {
        let delivery = delivery(message);
        let marked = Parcel { maybe_delivered: true, ..parcel(&delivery) };
        let call = opsgenie("https://api.example").call(marked, form).unwrap();
        let body: Value = serde_json::from_str(&call.body.json()).unwrap();
        let length = |value: &Value| value.as_str().unwrap_or_default().encode_utf16().count();
        assert!(length(&body["description"]) <= 15_000 && length(&body["note"]) <= 25_000);
        assert!(body["message"].as_str().unwrap_or_default().chars().count() <= 130);
        let tags = body["tags"].as_array().into_iter().flatten();
        assert!(tags.clone().count() <= 20 && tags.into_iter().all(|tag| tag.as_str().unwrap().chars().count() <= 50));
        let details = body["details"].as_object().into_iter().flatten();
        assert!(details.map(|(name, value)| name.encode_utf16().count() + length(value)).sum::<usize>() <= 8000);
        (call.endpoint.url.expose().trim_start_matches("https://api.example").to_owned(), body)
    }

    #[test]
    fn an_episode_is_an_alert() {
        let (path, opened) = request_of(fired(), Form::Full);
        assert_eq!(path, "/v2/alerts");
        insta::assert_snapshot!(format!("{opened:#}"), @r#"
        {
          "alias": "ba4100fa0385691d3906c6563229cea43a2e03c2bb7f2f0c386b411a75611db3",
          "description": "(may be a repeat)\nJuly 2025 619 t, August 2025 590 t, September 2025 420.5 t. Known since 20 October 2025.\n✓ holds: `declines >= 2` declines = 2\n2025-04, —, not published\n2025-05, 46.4 t, known since 2025-06-20\n2025-06, 353 t, +660.8 %, known since 2025-07-20\n2025-07, 619 t, +75.4 %, known since 2025-08-20\n2025-08, 590 t, −4.7 %, known since 2025-09-20\n2025-09, 420.5 t, −28.7 %, known since 2025-10-20\nClears: ends when `declines >= 2` no longer holds\nSource: china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC\nRule: `magnet-exports-falling: declines >= 2`\n9f3c21d07be45a68, episode 1, message 1, 2025-10-20 01:05 UTC, supplywatch 0.1.0",
          "details": {
            "alert": "9f3c21d07be45a68",
            "feed": "china-magnets",
            "hs": "85051110",
            "partner": "US",
            "period": "2025-09",
            "reporter": "CN",
            "rule": "magnet-exports-falling: declines >= 2"
          },
          "entity": "magnet-exports-falling",
          "message": "CRITICAL: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %",
          "priority": "P1",
          "source": "supplywatch",
          "tags": [
            "feed:china-magnets",
            "hs:85051110",
            "partner:US",
            "reporter:CN"
          ]
        }
        "#);
        let alias = opened["alias"].as_str().unwrap();
        for message in [resolved(), corrected()] {
            let (path, closed) = request_of(message, Form::Short);
            assert_eq!(path, format!("/v2/alerts/{alias}/close?identifierType=alias"));
            assert!(closed["note"].as_str().unwrap().contains("no longer holds"), "{closed}");
        }
    }

    #[tokio::test]
    async fn what_the_api_says_decides() {
        let table = [
            (202, r#"{"result":"Request will be processed","took":0.302,"requestId":"43a29c5c"}"#, "delivered"),
            (200, "<html>please log in</html>", "retry"),
            (401, r#"{"message":"Could not authenticate","took":0.0,"requestId":"43a29c5c"}"#, "disable"),
            (403, r#"{"message":"Key is not authorized","took":0.0,"requestId":"43a29c5c"}"#, "disable"),
            (
                422,
                r#"{"message":"Request body is not processable.","errors":{"message":"too long"},"took":0.0,"requestId":"43a29c5c"}"#,
                "reject",
            ),
            (429, r#"{"message":"You are making too many requests!","took":0.0,"requestId":"43a29c5c"}"#, "pause"),
            (503, "", "retry"),
            (302, "", "disable"),
        ];
        for (status, body, outcome) in table {
            let server = HttpDouble::start(Reply::status(status).body(body)).await;
            let sent = deliver(&opsgenie(&server.url("")), parcel(&delivery(fired()))).await;
            assert_eq!((sent.outcome.name(), sent.status), (outcome, Some(status)), "{body}: {sent:?}");
            let [request] = &server.requests()[..] else { panic!("one request") };
            assert_eq!(request.header("authorization"), Some("GenieKey eb243592-faa2-4ba2"));
            if outcome == "delivered" {
                assert_eq!(sent, Sent::delivered(Some("43a29c5c".to_owned())).with_status(Some(202)));
            }
        }
        let preview = crate::notify::service::preview(&opsgenie("https://api.example"), parcel(&delivery(fired())));
        assert!(preview.contains("authorization: ") && !preview.contains("eb243592"), "{preview}");
    }
}
