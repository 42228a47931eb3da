//! A generic webhook by Standard Webhooks 1.0.0 (<https://www.standardwebhooks.com>).
//!
//! The body of a delivery is the same in every attempt, byte for byte; the time of the attempt, its
//! signature and its number are in the headers. `docs/webhook.schema.json` describes the body, and
//! `docs/cloudevents.schema.json` the event that it may be instead.

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use super::http::{Body, Call, Endpoint};
use super::probe::Probe;
use super::service::{Form, Service};
use super::{Parcel, hmac};
use crate::alert::kind;
use crate::base::clock::Timestamp;
use crate::base::secret::Secret;
use crate::outbox::{
    AlertRef, Brief, Delivery, GateLine, ItemLine, MeasureLine, Message, PointLine, RevisionLine, Said, TableRow,
};
use crate::series::Provenance;

/// A webhook.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Where it goes.
    pub endpoint: Endpoint,
    /// `whsec_…`; without it posts are not signed.
    pub secret: Option<Secret>,
    /// The form of the body.
    pub format: Format,
}

/// The form of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// As `docs/webhook.schema.json` has it.
    Standard,
    /// An event of CloudEvents 1.0 (<https://cloudevents.io>) in structured mode, as `docs/cloudevents.schema.json`
    /// has it.
    CloudEvents,
}

/// Why a signing secret is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the webhook's secret is not `whsec_` and then base64: make one with `echo whsec_$(openssl rand -base64 32)`")]
struct SecretError;

impl Service for Webhook {
    fn call(&self, parcel: Parcel<'_>, _: Form) -> Result<Call, String> {
        let call = match self.format {
            Format::Standard => Call::json(&self.endpoint, &payload(parcel.message())),
            Format::CloudEvents => {
                Call::json(&self.endpoint, &event(parcel.delivery)).of_type("application/cloudevents+json")
            }
        };
        let (id, seconds) = (parcel.delivery.id.as_str(), parcel.now.seconds().to_string());
        let signature = match (&self.secret, &call.body) {
            (Some(secret), Body::Json(body)) => {
                Some(sign(secret, id, &seconds, body).map_err(|error| error.to_string())?)
            }
            _ => None,
        };
        let call = call.header("webhook-id", id).header("webhook-timestamp", seconds);
        let call = match signature {
            // Whoever reads a preview could post with it for as long as its time is fresh.
            Some(signature) => call.secret_header("webhook-signature", signature),
            None => call,
        };
        Ok(call.header("supplywatch-attempt", parcel.attempt.to_string()))
    }

    fn probe(&self) -> Probe {
        Probe::presence(&self.endpoint)
    }

    fn is_for_people(&self) -> bool {
        false
    }
}

/// `v1,` and the HMAC-SHA256 over `id.timestamp.body` in base64.
fn sign(secret: &Secret, id: &str, seconds: &str, body: &str) -> Result<String, SecretError> {
    Ok(format!("v1,{}", hmac(&signing_key(secret)?, &format!("{id}.{seconds}.{body}"))))
}

/// The bytes behind `whsec_…`.
fn signing_key(secret: &Secret) -> Result<Vec<u8>, SecretError> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
    );
    let text = secret.expose().trim();
    let encoded = text.strip_prefix("whsec_").ok_or(SecretError)?;
    LENIENT.decode(encoded).ok().filter(|key| !key.is_empty()).ok_or(SecretError)
}

/// The body.
#[derive(Debug, serde::Serialize)]
pub struct Payload<'a> {
    /// `supplywatch.alert.fired`, …
    pub r#type: String,
    /// When the transition was found.
    pub timestamp: Timestamp,
    /// All of it.
    pub data: Data<'a>,
}

/// What a transition is about.
#[derive(Debug, serde::Serialize)]
pub struct Data<'a> {
    alert: &'a AlertRef,
    kind: &'static str,
    transition: &'static str,
    number: u32,
    severity: &'static str,
    period: Option<&'a str>,
    title: &'a str,
    summary: &'a str,
    gates: &'a [GateLine],
    said: Option<&'a Said>,
    revisions: &'a [RevisionLine],
    clears: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    evidence: Evidence<'a>,
    program: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    others: Vec<Other<'a>>,
}

/// A transition that the same message tells, in short.
#[derive(Debug, serde::Serialize)]
struct Other<'a> {
    alert: &'a AlertRef,
    kind: &'static str,
    transition: &'static str,
    number: u32,
    severity: &'static str,
    period: Option<&'a str>,
    title: &'a str,
    timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
}

/// An event of CloudEvents. Source and id together name it, in every attempt.
#[derive(Debug, serde::Serialize)]
pub struct Event<'a> {
    specversion: &'static str,
    id: &'a str,
    source: &'static str,
    r#type: String,
    subject: String,
    time: Timestamp,
    datacontenttype: &'static str,
    data: Data<'a>,
}

/// The figures, where they came from, and the rule that judged them.
#[derive(Debug, serde::Serialize)]
struct Evidence<'a> {
    unit: Option<&'a str>,
    measures: &'a [MeasureLine],
    points: &'a [PointLine],
    table: &'a [TableRow],
    sources: &'a [Provenance],
    #[serde(skip_serializing_if = "<[ItemLine]>::is_empty")]
    items: &'a [ItemLine],
    #[serde(skip_serializing_if = "Option::is_none")]
    items_left_out: Option<usize>,
    rule: RuleText<'a>,
}

/// The rule as written.
#[derive(Debug, serde::Serialize)]
struct RuleText<'a> {
    text: &'a str,
    hash: &'a str,
}

/// The body of a delivery as an event.
pub fn event(delivery: &Delivery) -> Event<'_> {
    let Payload { r#type, timestamp, data } = payload(&delivery.message);
    let alert = &delivery.message.alert;
    Event {
        specversion: "1.0",
        id: &delivery.id,
        // The id is unique across stores: nothing has to be added to it.
        source: "urn:supplywatch",
        r#type,
        subject: format!("{}/{}", alert.rule, alert.id),
        time: timestamp,
        datacontenttype: "application/json",
        data,
    }
}

/// The body of a message.
pub fn payload(message: &Message) -> Payload<'_> {
    let evidence = Evidence {
        unit: message.evidence.unit.as_deref(),
        measures: &message.evidence.measures,
        points: &message.evidence.points,
        table: &message.table,
        sources: &message.sources,
        items: &message.items,
        items_left_out: (!message.items.is_empty()).then_some(message.items_left_out),
        rule: RuleText { text: &message.rule_text, hash: &message.rule_hash },
    };
    let data = Data {
        alert: &message.alert,
        kind: kind(&message.alert.rule),
        transition: message.kind.name(),
        number: message.number,
        severity: message.severity.name(),
        period: message.period.as_deref(),
        title: &message.title,
        summary: &message.summary,
        gates: &message.gates,
        said: message.said.as_ref(),
        revisions: &message.revisions,
        clears: message.clears.as_deref(),
        thread: message.thread.as_deref(),
        url: message.url.as_deref(),
        evidence,
        program: &message.program,
        others: message.others.iter().map(other).collect(),
    };
    Payload { r#type: format!("supplywatch.alert.{}", message.kind.name()), timestamp: message.at, data }
}

fn other(brief: &Brief) -> Other<'_> {
    Other {
        alert: &brief.alert,
        kind: kind(&brief.alert.rule),
        transition: brief.kind.name(),
        number: brief.number,
        severity: brief.severity.name(),
        period: brief.period.as_deref(),
        title: &brief.title,
        timestamp: brief.at,
        url: brief.url.as_deref(),
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use serde_json::{Value, json};

    use super::*;
    use crate::notify::Sent;
    use crate::notify::double::{
        HttpDouble, Reply, at, corrected, deliver, delivery, fired, gathered, noticed, parcel, resolved,
    };
    use crate::outbox::Outcome;

    const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

    fn webhook(url: &str) -> Webhook {
        let endpoint = Endpoint { url: Secret::new(url), insecure: true, allow_private: true };
        Webhook { endpoint, secret: Some(Secret::new(SECRET)), format: Format::Standard }
    }

    #[test]
    fn a_known_signature_comes_out() {
        // The value on which the published verifiers for Python and Node agree.
        let signature = sign(&Secret::new(SECRET), "msg_1", "1795472000", r#"{"a":1}"#).unwrap();
        assert_eq!(signature, "v1,oBoDUGUw0ptMVrRzdAwb0oEFRtKgzabG5bEMhAdNigo=");
    }

    #[test]
    fn secrets_are_read_leniently_and_refused_clearly() {
        let key = |text: &str| signing_key(&Secret::new(text));
        assert_eq!(key("whsec_YWJj").unwrap(), b"abc");
        assert_eq!(key(" whsec_YWI\n").unwrap(), b"ab");
        for text in ["", "whsec_", "YWJj", "whsec_*", "whsec_YWJj YWJj"] {
            assert_eq!(key(text), Err(SecretError), "{text}");
        }
    }

    #[tokio::test]
    async fn a_receiver_can_verify_what_it_gets() {
        let server = HttpDouble::start(Reply::status(204)).await;
        let delivery = delivery(fired());
        let sent = deliver(&webhook(&server.url("/in")), parcel(&delivery)).await;
        assert_eq!(sent, Sent::delivered(None).with_status(Some(204)));
        let [request] = &server.requests()[..] else { panic!("one request") };
        assert_eq!(request.header("webhook-id"), Some(delivery.id.as_str()));
        assert_eq!(request.header("webhook-timestamp"), Some("1760922360"));
        assert_eq!(request.header("supplywatch-attempt"), Some("1"));
        let given = request.header("webhook-signature").unwrap().strip_prefix("v1,").unwrap();
        let given = STANDARD.decode(given).unwrap();
        let signed = format!("{}.{}.{}", request.header("webhook-id").unwrap(), "1760922360", request.body);
        assert_eq!(given, hmac_by_hand(b"0123456789abcdef0123456789abcdef", signed.as_bytes()));
    }

    /// RFC 2104 spelt out.
    fn hmac_by_hand(key: &[u8], text: &[u8]) -> Vec<u8> {
        use sha2::{Digest, Sha256};
        let padded = |with: u8| (0..64).map(|index| key.get(index).copied().unwrap_or(0) ^ with).collect::<Vec<u8>>();
        let inner = Sha256::digest([&padded(0x36)[..], text].concat());
        Sha256::digest([&padded(0x5c)[..], &inner[..]].concat()).to_vec()
    }

    #[tokio::test]
    async fn a_retry_repeats_the_body_and_the_id_and_signs_anew() {
        let server = HttpDouble::start(Reply::status(503)).await;
        let webhook = webhook(&server.url("/in"));
        let delivery = delivery(corrected());
        deliver(&webhook, parcel(&delivery)).await;
        let later = Parcel { attempt: 2, maybe_delivered: true, now: at("2025-10-20T02:00:00Z"), ..parcel(&delivery) };
        deliver(&webhook, later).await;
        let [first, second] = &server.requests()[..] else { panic!("two requests") };
        assert_eq!(first.body, second.body);
        assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
        assert_ne!(first.header("webhook-timestamp"), second.header("webhook-timestamp"));
        assert_ne!(first.header("webhook-signature"), second.header("webhook-signature"));
        assert_eq!(second.header("supplywatch-attempt"), Some("2"));
    }

    #[tokio::test]
    async fn without_a_secret_nothing_is_signed() {
        let server = HttpDouble::start(Reply::status(200)).await;
        let unsigned = Webhook { secret: None, ..webhook(&server.url("/in")) };
        deliver(&unsigned, parcel(&delivery(fired()))).await;
        assert_eq!(server.requests()[0].header("webhook-signature"), None);
        assert!(server.requests()[0].header("webhook-id").is_some());
    }

    #[tokio::test]
    async fn a_useless_secret_sends_nothing() {
        let server = HttpDouble::start(Reply::status(200)).await;
        let broken = Webhook { secret: Some(Secret::new("hunter22")), ..webhook(&server.url("/in")) };
        let sent = deliver(&broken, parcel(&delivery(fired()))).await;
        assert!(matches!(&sent.outcome, Outcome::Disable { why } if !why.contains("hunter22")), "{sent:?}");
        assert_eq!(server.requests().len(), 0);
    }

    #[test]
    fn the_body_has_the_published_shape() {
        let message = corrected();
        let body = serde_json::to_value(payload(&message)).unwrap();
        assert_eq!(body["type"], "supplywatch.alert.corrected");
        assert_eq!(body["timestamp"], "2025-11-20T01:05:00Z");
        let data = &body["data"];
        let alert = json!({
            "id": "9f3c21d07be45a68", "rule": "magnet-exports-falling", "episode": 1,
            "labels": {"feed": "china-magnets", "hs": "85051110", "partner": "US", "reporter": "CN"},
        });
        assert_eq!(data["alert"], alert);
        assert_eq!((&data["kind"], &data["transition"]), (&json!("market"), &json!("corrected")));
        assert_eq!((&data["number"], &data["severity"]), (&json!(2), &json!("critical")));
        assert_eq!(data["gates"], json!([{"text": "declines >= 2", "verdict": "fails", "value": "declines = 0"}]));
        let revision = json!({"period": "2025-09", "old": "420.5 t", "new": "600 t", "known_since": "2025-11-20T01:00:00Z", "known_on": "2025-11-20"});
        assert_eq!(data["revisions"], json!([revision]));
        assert_eq!(data["evidence"]["points"][2]["value"], json!(420.5));
        assert_eq!(data["evidence"]["rule"]["text"], "declines >= 2");
    }

    #[test]
    fn what_else_the_message_tells_is_told_in_short() {
        let message = gathered();
        let body = serde_json::to_value(payload(&message)).unwrap();
        assert_eq!(
            body["data"]["title"],
            "magnet-exports-falling: 3 alerts (2 fired, 1 resolved); China → US rare-earth magnet exports fell for a \
             2nd month: 420.5 t in September 2025, −28.7 %"
        );
        let others = body["data"]["others"].as_array().unwrap();
        assert_eq!((&others[0]["transition"], &others[1]["transition"]), (&json!("fired"), &json!("resolved")));
        assert_eq!((&others[0]["url"], &others[1].get("url")), (&json!("https://watch.example/alerts/1"), &None));
        assert_eq!(serde_json::to_value(payload(&fired())).unwrap()["data"].get("others"), None);
    }

    fn validate(body: &Value) -> Result<(), String> {
        validate_by("webhook.schema.json", body)
    }

    /// A schema that is published, compiled.
    fn validate_by(name: &str, body: &Value) -> Result<(), String> {
        let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
        compiler.enable_format_assertions();
        for (name, text) in [
            ("webhook.schema.json", include_str!("../../docs/webhook.schema.json")),
            ("cloudevents.schema.json", include_str!("../../docs/cloudevents.schema.json")),
        ] {
            compiler.add_resource(name, serde_json::from_str(text).unwrap()).unwrap();
        }
        let index = compiler.compile(name, &mut schemas).unwrap();
        schemas.validate(body, index).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn what_is_sent_satisfies_the_published_schema() {
        let mut bare = Message { period: None, rule_text: String::new(), rule_hash: String::new(), ..fired() };
        bare.kind = crate::alert::Kind::Lapsed;
        (bare.table, bare.gates, bare.sources) = (Vec::new(), Vec::new(), Vec::new());
        bare.evidence = crate::outbox::Evidence::default();
        let mut messages = vec![fired(), corrected(), resolved(), bare, noticed(), gathered()];
        messages.extend(crate::alert::Kind::ALL.map(|kind| Message { kind, ..corrected() }));
        messages.extend(crate::rule::Severity::ALL.map(|severity| Message { severity, ..fired() }));
        for message in messages {
            validate(&serde_json::to_value(payload(&message)).unwrap()).unwrap();
        }
    }

    #[tokio::test]
    async fn an_event_of_cloudevents_is_signed_alike() {
        let server = HttpDouble::start(Reply::status(202)).await;
        let delivery = delivery(corrected());
        let events = Webhook { format: Format::CloudEvents, ..webhook(&server.url("/in")) };
        for attempt in [1, 2] {
            deliver(&events, Parcel { attempt, ..parcel(&delivery) }).await;
        }
        let [first, second] = &server.requests()[..] else { panic!("two requests") };
        assert_eq!(first.body, second.body);
        assert_eq!(first.header("content-type"), Some("application/cloudevents+json"));
        let signature = sign(&Secret::new(SECRET), &delivery.id, "1760922360", &first.body).unwrap();
        assert_eq!(first.header("webhook-signature"), Some(signature.as_str()));
        let mut event: Value = serde_json::from_str(&first.body).unwrap();
        validate_by("cloudevents.schema.json", &event).unwrap();
        assert_eq!(first.header("webhook-id"), event["id"].as_str());
        assert_eq!(event["data"], serde_json::to_value(payload(&delivery.message)).unwrap()["data"]);
        event["data"] = Value::Null;
        assert!(validate_by("cloudevents.schema.json", &event).is_err());
        insta::assert_snapshot!(format!("{event:#}"), @r#"
        {
          "data": null,
          "datacontenttype": "application/json",
          "id": "msg_00112233445566778899aabbccddeeff",
          "source": "urn:supplywatch",
          "specversion": "1.0",
          "subject": "magnet-exports-falling/9f3c21d07be45a68",
          "time": "2025-11-20T01:05:00Z",
          "type": "supplywatch.alert.corrected"
        }
        "#);
    }

    #[test]
    fn the_published_schema_refuses_what_is_not_sent() {
        let good = serde_json::to_value(payload(&fired())).unwrap();
        let spoil = |pointer: &str, value: Value| {
            let mut body = good.clone();
            *body.pointer_mut(pointer).unwrap() = value;
            validate(&body).is_err()
        };
        assert!(spoil("/type", json!("alert.fired")));
        assert!(spoil("/timestamp", json!("yesterday")));
        assert!(spoil("/data/kind", json!("fired")));
        assert!(spoil("/data/transition", json!("gone")));
        assert!(spoil("/data/number", json!(0)));
        assert!(spoil("/data/alert/labels/hs", json!(85051110)));
        assert!(spoil("/data/evidence/points/0/value", json!("619")));
        assert!(spoil("/data/evidence/sources/0/sha256", json!("short")));
        let mut lacking = good.clone();
        lacking["data"].as_object_mut().unwrap().remove("evidence");
        assert!(validate(&lacking).is_err());
        // A later version may say more: receivers must not break on it.
        let mut richer = good.clone();
        richer["data"]["chart"] = json!("…");
        validate(&richer).unwrap();
    }

    #[test]
    fn a_preview_shows_all_but_the_secrets() {
        let delivery = delivery(fired());
        let webhook = webhook("https://hooks.example/in/T0KEN-abcdef");
        let preview = crate::notify::service::preview(&webhook, parcel(&delivery));
        let head = preview.split("\n\n").next().unwrap();
        insta::assert_snapshot!(head.replace(env!("CARGO_PKG_VERSION"), "VERSION"), @"
        POST https://hooks.example/…
        content-type: application/json
        user-agent: supplywatch/VERSION
        webhook-id: msg_00112233445566778899aabbccddeeff
        webhook-timestamp: 1760922360
        webhook-signature: <secret>
        supplywatch-attempt: 1
        ");
        let body: Value = serde_json::from_str(preview.split_once("\n\n").unwrap().1).unwrap();
        assert_eq!(body, serde_json::to_value(payload(&delivery.message)).unwrap());
        assert!(!preview.contains("T0KEN") && !preview.contains(&SECRET[6..]));
        let signature = sign(webhook.secret.as_ref().unwrap(), &delivery.id, "1760922360", "").unwrap();
        assert!(!preview.contains(&signature[..10]));
    }
}
