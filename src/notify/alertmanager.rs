//! Prometheus' Alertmanager, API v2 (<https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml>).
//!
//! It is told states, not messages: an alert is known by its labels, so a copy changes nothing. An alert whose end
//! lies ahead fires until then, so that nothing has to be repeated between two releases; what closes the episode
//! moves the end back. Servers of a cluster do not tell each other of alerts: each is told.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::Parcel;
use super::answer::Answer;
use super::facts::facts;
use super::http::{Call, Endpoint};
use super::look;
use super::probe::Probe;
use super::service::{Form, Service, Verdict, stranger};
use crate::alert::Kind;
use crate::outbox::{Message, Outcome};
use crate::rule::Severity;

/// A cluster of Alertmanagers, or one.
#[derive(Clone, Debug)]
pub struct Alertmanager {
    /// One of its servers.
    pub first: Endpoint,
    /// The others.
    pub others: Vec<Endpoint>,
    /// How long an alert fires of which nothing more is heard.
    pub hold: Duration,
}

/// What all alerts have in common, for routes and silences.
const NAME: &str = "SupplyRisk";
/// Characters of a label's value, at most.
const LABEL_MAX: usize = 512;
/// Lines of an annotation, and characters of a line, at most.
const ANNOTATION_LINES: usize = 25;
const LINE_MAX: usize = 1000;

impl Service for Alertmanager {
    fn call(&self, parcel: Parcel<'_>, form: Form) -> Result<Call, String> {
        let [first, others @ ..] = &self.servers()[..] else { return Err("no server of Alertmanager".to_owned()) };
        Ok(Call::json(first, &self.alerts(parcel, form)).also_to(others))
    }

    fn probe(&self) -> Probe {
        let path = "/api/v2/status";
        let others: Vec<Endpoint> = self.others.iter().map(|server| server.at(path)).collect();
        Probe::health(Call::get(&self.first.at(path)).also_to(&others), "/versionInfo/version")
    }

    /// Its own templates say in which words people are told.
    fn is_for_people(&self) -> bool {
        false
    }

    /// Success is 200 without a word; refusals are JSON: an object, or a string alone.
    fn verdict(&self, answer: &Answer) -> Verdict {
        match answer.body.as_deref().map(str::trim) {
            Some("") if answer.status == 200 => answer.means(Outcome::Delivered { remote_ref: None }).into(),
            _ => stranger(answer),
        }
    }

    fn keeps_alerts(&self) -> bool {
        true
    }
}

impl Alertmanager {
    fn servers(&self) -> Vec<Endpoint> {
        std::iter::once(&self.first).chain(&self.others).map(|server| server.at("/api/v2/alerts")).collect()
    }

    /// The alert; where its severity changed, which is a label, also the end of what it was.
    fn alerts(&self, parcel: Parcel<'_>, form: Form) -> Vec<Value> {
        let message = parcel.message();
        let ends = if message.closes() { message.at } else { parcel.now.plus(self.hold) };
        let annotations = annotations(message, form);
        let alert = |severity, ends| {
            json!({
                "labels": labels(message, severity),
                "annotations": annotations,
                "startsAt": message.said.as_ref().map_or(message.at, |said| said.at).min(ends),
                "endsAt": ends,
            })
        };
        let changed = matches!(message.kind, Kind::Escalated | Kind::Eased);
        let past = Severity::ALL.into_iter().filter(|severity| changed && *severity != message.severity);
        let past = past.map(|severity| alert(severity, message.at));
        std::iter::once(alert(message.severity, ends)).chain(past).collect()
    }
}

/// What an alert is known by. Values are no part of it: they change.
fn labels(message: &Message, severity: Severity) -> BTreeMap<String, String> {
    let alert = &message.alert;
    let own = [
        ("alertname", NAME),
        ("severity", severity.name()),
        ("rule", &alert.rule),
        // Labels may be renamed or cut below; two alerts stay two all the same.
        ("alert", &alert.id),
        ("thread", message.thread.as_deref().unwrap_or_default()),
    ];
    let mut labels: BTreeMap<String, String> =
        own.into_iter().map(|(name, value)| (name.to_owned(), look::line(value, LABEL_MAX))).collect();
    for (name, value) in &alert.labels {
        let mut name = label_name(name);
        while labels.contains_key(&name) {
            name.push('_');
        }
        labels.insert(name, look::line(value, LABEL_MAX));
    }
    // An empty label is none, for Alertmanager too.
    labels.retain(|_, value| !value.is_empty());
    labels
}

/// A name that every version takes: `[a-zA-Z_][a-zA-Z0-9_]*`.
fn label_name(name: &str) -> String {
    let name: String = name.chars().take(100).map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') { name } else { format!("_{name}") }
}

/// `summary` and `description`, as rules of Prometheus have them, and everything else by its name.
fn annotations(message: &Message, form: Form) -> BTreeMap<String, String> {
    let said = [
        ("summary", look::line(&format!("{}: {}", look::word(message), message.title), LINE_MAX)),
        ("description", look::line(&message.summary, LINE_MAX)),
    ];
    let mut annotations: BTreeMap<String, String> =
        said.into_iter().map(|(name, text)| (name.to_owned(), text)).collect();
    if form == Form::Full {
        let named = |(name, lines): (&str, Vec<String>)| (name.to_lowercase().replace(' ', "_"), lines.join("\n"));
        annotations.extend(facts(message, ANNOTATION_LINES, LINE_MAX).into_iter().map(named));
    }
    annotations
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::notify::Sent;
    use crate::notify::double::{
        HttpDouble, Reply, corrected, deliver, delivery, fired, noticed, parcel, resolved, server,
    };

    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn alertmanager(urls: &[&str]) -> Alertmanager {
        let mut servers = urls.iter().map(|url| server(url));
        Alertmanager { first: servers.next().unwrap(), others: servers.collect(), hold: 35 * DAY }
    }

    /// The alerts of a message, as Alertmanager takes them.
    #[track_caller]
    pub fn alerts_of(message: Message, form: Form) -> Vec<Value> {
        let call = alertmanager(&["https://am.example"]).call(parcel(&delivery(message)), form).unwrap();
        let alerts: Vec<Value> = serde_json::from_str(&call.body.json()).unwrap();
        let is_name = |name: &String| {
            !name.starts_with(|c: char| c.is_ascii_digit())
                && !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        for alert in &alerts {
            let [labels, annotations] = ["labels", "annotations"].map(|name| alert[name].as_object().unwrap());
            assert!(labels.keys().chain(annotations.keys()).all(is_name), "{alert:#}");
            assert!(labels.values().all(|value| !value.as_str().unwrap().is_empty()), "{alert:#}");
            assert!(alert["startsAt"].as_str() <= alert["endsAt"].as_str(), "{alert:#}");
        }
        alerts
    }

    #[test]
    fn an_alert_fires_until_it_is_said_to_end() {
        insta::assert_snapshot!(format!("{:#}", alerts_of(fired(), Form::Full)[0]), @r#"
        {
          "annotations": {
            "alert": "9f3c21d07be45a68, episode 1, message 1, 2025-10-20 01:05 UTC, supplywatch 0.1.0",
            "clears": "ends when `declines >= 2` no longer holds",
            "description": "July 2025 619 t, August 2025 590 t, September 2025 420.5 t. Known since 20 October 2025.",
            "figures": "2025-04, —, not published\n2025-05, 46.4 t, known since 2025-06-20\n2025-06, 353 t, +660.8 %, known since 2025-07-20\n2025-07, 619 t, +75.4 %, known since 2025-08-20\n2025-08, 590 t, −4.7 %, known since 2025-09-20\n2025-09, 420.5 t, −28.7 %, known since 2025-10-20",
            "rule": "magnet-exports-falling: declines >= 2",
            "series": "feed china-magnets, hs 85051110, partner US, reporter CN",
            "source": "china-magnets, samples/china-magnet-exports.csv, retrieved 2025-10-20 01:04 UTC",
            "summary": "CRITICAL: China → US rare-earth magnet exports fell for a 2nd month: 420.5 t in September 2025, −28.7 %",
            "why": "✓ holds: declines >= 2 (declines = 2)"
          },
          "endsAt": "2025-11-24T01:06:00Z",
          "labels": {
            "alert": "9f3c21d07be45a68",
            "alertname": "SupplyRisk",
            "feed": "china-magnets",
            "hs": "85051110",
            "partner": "US",
            "reporter": "CN",
            "rule": "magnet-exports-falling",
            "severity": "critical"
          },
          "startsAt": "2025-10-20T01:05:00Z"
        }
        "#);
        insta::assert_snapshot!(format!("{:#}", alerts_of(corrected(), Form::Short)[0]), @r#"
        {
          "annotations": {
            "description": "August 2025 590 t, September 2025 600 t. Known since 20 November 2025.",
            "summary": "CORRECTED: China → US rare-earth magnet exports: `declines >= 2` no longer holds after a revision: September 2025 is now 600 t, was 420.5 t"
          },
          "endsAt": "2025-11-20T01:05:00Z",
          "labels": {
            "alert": "9f3c21d07be45a68",
            "alertname": "SupplyRisk",
            "feed": "china-magnets",
            "hs": "85051110",
            "partner": "US",
            "reporter": "CN",
            "rule": "magnet-exports-falling",
            "severity": "critical"
          },
          "startsAt": "2025-10-20T01:05:00Z"
        }
        "#);
        let [opened, closed] = [fired(), resolved()].map(|message| alerts_of(message, Form::Full).remove(0));
        assert_eq!(opened["labels"], closed["labels"]);
        assert_eq!(
            (&closed["startsAt"], &closed["endsAt"]),
            (&json!("2025-10-20T01:05:00Z"), &json!("2025-11-20T01:05:00Z"))
        );
    }

    #[test]
    fn another_severity_ends_what_was() {
        let message = Message { kind: Kind::Escalated, ..fired() };
        let told = alerts_of(message, Form::Full);
        let told: Vec<_> = told.iter().map(|alert| (&alert["labels"]["severity"], &alert["endsAt"])).collect();
        let (now, later) = (json!("2025-10-20T01:05:00Z"), json!("2025-11-24T01:06:00Z"));
        assert_eq!(told, [(&json!("critical"), &later), (&json!("info"), &now), (&json!("warning"), &now)]);
    }

    /// Names that become one stay two labels, and ours are not taken away.
    #[test]
    fn labels_are_named_as_every_version_takes_them() {
        let mut message = noticed();
        for (name, value) in
            [("hs-code", "1"), ("hs.code", "2"), ("rule", "3"), ("6digits", "4"), ("空", ""), ("品", "5")]
        {
            message.alert.labels.insert(name.to_owned(), value.to_owned());
        }
        let labels = alerts_of(message, Form::Full).remove(0)["labels"].take();
        let is = |name: &str| labels[name].as_str().unwrap_or_default().to_owned();
        assert_eq!(["hs_code", "hs_code_", "rule_", "_6digits"].map(is), ["1", "2", "3", "4"].map(String::from));
        assert_eq!((is("rule"), is("thread")), ("magnet-exports-falling".to_owned(), "pull-17".to_owned()));
        assert!(labels.as_object().unwrap().values().any(|value| value == "5"), "{labels}");
    }

    #[tokio::test]
    async fn every_server_is_told_and_one_is_enough() {
        let good = HttpDouble::start(Reply::status(200)).await;
        let bad = HttpDouble::start(Reply::status(503)).await;
        let refuses = HttpDouble::start(Reply::status(400).body(r#""at least one label pair required""#)).await;
        let told = async |servers: &[&HttpDouble]| {
            let urls: Vec<String> = servers.iter().map(|server| server.url("")).collect();
            let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
            deliver(&alertmanager(&urls), parcel(&delivery(fired()))).await
        };
        let delivered = Sent::delivered(None).with_status(Some(200));
        assert_eq!(told(&[&bad, &good]).await, delivered);
        assert_eq!(told(&[&good, &refuses, &bad]).await, delivered);
        assert_eq!([&good, &bad, &refuses].map(|server| server.requests().len()), [2, 2, 1]);
        assert_eq!(good.requests()[0].line, "POST /api/v2/alerts HTTP/1.1");
        assert_eq!(good.requests()[0].body, bad.requests()[0].body);
        // While one may still take it, it is tried again.
        assert_eq!(told(&[&refuses, &bad]).await.outcome.name(), "retry");
        let refused = told(&[&refuses]).await;
        assert_eq!(refused.outcome.name(), "reject");
        assert!(refused.outcome.why().unwrap().contains("at least one label pair required"), "{refused:?}");
    }

    #[tokio::test]
    async fn what_it_answers_decides() {
        let table = [
            (200, "", "delivered"),
            (200, "<html>please log in</html>", "retry"),
            (400, r#"{"code":400,"message":"parsing alerts body from \"\" failed"}"#, "reject"),
            (400, r#""start time must be before end time""#, "reject"),
            (422, r#"{"code":602,"message":"0.labels in body is required"}"#, "reject"),
            (404, "404 page not found", "disable"),
            (429, "", "pause"),
            (500, r#""internal""#, "retry"),
        ];
        for (status, body, outcome) in table {
            let server = HttpDouble::start(Reply::status(status).body(body)).await;
            let sent = deliver(&alertmanager(&[&server.url("")]), parcel(&delivery(fired()))).await;
            assert_eq!((sent.outcome.name(), sent.status), (outcome, Some(status)), "{body}: {sent:?}");
        }
    }

    #[test]
    fn a_preview_names_every_server() {
        let service = alertmanager(&["https://one.example/T0KEN-abcdef", "https://two.example"]);
        let preview = crate::notify::service::preview(&service, parcel(&delivery(fired())));
        assert!(preview.starts_with("POST https://one.example/…\nand to https://two.example/…\n"), "{preview}");
        assert!(!preview.contains("T0KEN"));
    }
}
