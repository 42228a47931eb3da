//! What is asked well is answered in an envelope, and what is not, with a problem that the document speaks of.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::alert::Alert;
use crate::daemon::{Context, Evaluation, Pulled, evaluate_all, evaluate_pending, pull_all};
use crate::web::guard::Peer;
use crate::web::testing::{Answer, World, request};

/// A world in which an alert fires and a delivery waits.
async fn firing() -> (World, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("magnets.csv");
    std::fs::write(&file, "period,partner,tonnes\n2025-07,US,619\n2025-08,US,590\n2025-09,US,420.5\n").unwrap();
    let config = format!(
        "[feed.magnets]\nkind = 'csv'\npath = '{}'\nfrequency = 'month'\nunit = 't'\n\
         columns = {{ period = 'period', value = 'tonnes', labels = ['partner'] }}\n\
         [rule.falling]\nseries = {{ feed = 'magnets' }}\nwhen = 'declines >= 2'\nseverity = 'critical'\nnotify = ['hook']\n\
         [receiver.hook]\nkind = 'webhook'\nurl = 'https://hooks.example/in'\nsecret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'\n",
        file.display()
    );
    let world = World::new(&config).await;
    let setup = world.site.setup();
    let context = Context::new(world.site.writer.clone(), world.site.clock.clone(), &setup).unwrap();
    let evaluation = Evaluation::new(&context, &setup).await.unwrap();
    evaluate_all(&evaluation).await.unwrap();
    let pulled = pull_all(&context, &setup, |_| true).await.unwrap();
    assert!(pulled.iter().all(Pulled::is_ok), "{pulled:?}");
    evaluate_pending(&evaluation).await.unwrap();
    (world, directory)
}

async fn ask(world: &World, method: &str, path: &str, body: &str) -> Answer {
    let path = format!("/api/v1{path}");
    let fields: &[(&str, &str)] = if body.is_empty() { &[] } else { &[("content-type", "application/json")] };
    world.ask_from(Peer::Local, request(method, &path, fields, body)).await
}

/// The data of a good answer.
async fn data(world: &World, method: &str, path: &str, body: &str) -> Value {
    let answer = ask(world, method, path, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
    let mut told: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(told["status"], "success");
    told["data"].take()
}

/// What is wrong, by the problem that is the answer.
async fn refused(world: &World, method: &str, path: &str, body: &str, status: u16) -> String {
    let answer = ask(world, method, path, body).await;
    assert_eq!(answer.status.as_u16(), status, "{method} {path}: {}", answer.body);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    let told: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((&told["status"], &told["type"]), (&json!(status), &json!("about:blank")));
    told["detail"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_alert_is_told_in_the_fields_of_alertmanager_and_prometheus() {
    let (world, _directory) = firing().await;
    let told = data(&world, "GET", "/alerts", "").await;
    let alert = &told["alerts"][0];
    let id = alert["fingerprint"].as_str().unwrap();
    assert_eq!(
        alert["labels"],
        json!({"alertname": "falling", "severity": "critical", "feed": "magnets", "partner": "US"})
    );
    assert!(alert["annotations"]["summary"].as_str().unwrap().contains("420.5 t"), "{alert:#}");
    assert_eq!(alert["status"], json!({"state": "active", "silencedBy": [], "inhibitedBy": []}));
    assert_eq!(alert["receivers"], json!([{"name": "hook"}]));
    assert_eq!(
        (&alert["startsAt"], &alert["activeAt"]),
        (&json!("2026-11-27T09:00:00Z"), &json!("2026-11-27T09:00:00Z"))
    );
    assert_eq!((&alert["endsAt"], &alert["value"], &alert["since"]), (&Value::Null, &json!("2"), &json!("2025-09")));
    assert_eq!((&alert["state"], &alert["kind"], &alert["held"]), (&json!("firing"), &json!("market"), &Value::Null));
    assert_eq!(alert["gates"][0]["text"], "declines >= 2");
    let story = data(&world, "GET", &format!("/alerts/{}", &id[..6]), "").await;
    assert_eq!(story["transitions"][0]["transition"], "fired");
    assert_eq!(story["transitions"][0]["message"]["alert"]["id"], id);
    assert_eq!(
        (&story["deliveries"][0]["receiver"], &story["deliveries"][0]["state"]),
        (&json!("hook"), &json!("pending"))
    );
}

#[tokio::test]
async fn alerts_are_filtered_and_come_in_pieces() {
    let (world, _directory) = firing().await;
    for number in 0..3 {
        let labels = [("partner", format!("P{number}"))].into_iter().collect();
        let alert = Alert {
            held: Some("waiting for 2025-07".into()),
            ..Alert::new("held", labels, "", crate::series::PullId(0))
        };
        let settled = crate::store::Settled {
            alert,
            transition: None,
            deliveries: Vec::new(),
            manners: crate::outbox::Manners::default(),
        };
        world.site.writer.commit(None, Vec::new(), vec![settled], world.site.clock.now()).await.unwrap();
    }
    let count = async |query: &str| {
        data(&world, "GET", &format!("/alerts?{query}"), "").await["alerts"].as_array().unwrap().len()
    };
    for (query, expected) in [
        ("", 4),
        ("state=firing", 1),
        ("state=held", 3),
        ("state=ok", 3),
        ("state=all", 4),
        ("severity=critical", 1),
        ("severity=info", 0),
        ("rule=held", 3),
        ("kind=data", 0),
        ("filter=partner%3D%22US%22", 1),
        ("filter=partner%3D~%22P.%22&filter=partner!%3D%22P1%22", 2),
        ("filter=alertname%3Dfalling", 1),
        ("limit=3", 3),
    ] {
        assert_eq!(count(query).await, expected, "{query}");
    }
    let first = data(&world, "GET", "/alerts?limit=3", "").await;
    let token = first["nextToken"].as_str().unwrap();
    let second = data(&world, "GET", &format!("/alerts?limit=3&nextToken={token}"), "").await;
    assert_eq!((second["alerts"].as_array().unwrap().len(), second.get("nextToken")), (1, None));
}

#[tokio::test]
async fn a_silence_is_added_listed_and_ended() {
    let (world, _directory) = firing().await;
    let body = json!({
        "matchers": [{"name": "partner", "value": "U.", "isRegex": true, "isEqual": true}],
        "startsAt": "2026-11-01T00:00:00Z", "endsAt": "2026-12-01T00:00:00Z", "createdBy": "ada", "comment": "a fair",
    });
    let added = data(&world, "POST", "/silences", &body.to_string()).await;
    assert_eq!((&added["silenceID"], &added["firing"]), (&json!("1"), &json!(1)));
    let silence = &data(&world, "GET", "/silences?state=active", "").await["silences"][0];
    assert_eq!((&silence["matchers"], &silence["match"]), (&body["matchers"], &json!({"partner": ["U?"]})));
    assert_eq!((&silence["startsAt"], &silence["status"]["state"]), (&json!("2026-11-27T09:00:00Z"), &json!("active")));
    let alert = &data(&world, "GET", "/alerts", "").await["alerts"][0];
    assert_eq!(alert["status"], json!({"state": "suppressed", "silencedBy": ["1"], "inhibitedBy": []}));
    assert_eq!(alert["keptBack"][0], "messages are kept back by silence 1 until 2026-12-01T00:00:00Z (a fair)");
    let ended = data(&world, "DELETE", "/silences/1", "").await;
    assert_eq!((&ended["status"]["state"], &ended["endsAt"]), (&json!("expired"), &json!("2026-11-27T09:00:00Z")));
    assert_eq!(data(&world, "GET", "/silences/1", "").await["status"]["state"], "expired");
    assert_eq!(data(&world, "GET", "/silences?state=active", "").await["silences"], json!([]));
    let later = json!({"match": {"rule": ["fall*"]}, "startsAt": "2026-11-28T00:00:00Z", "endsAt": "2026-12-01T00:00:00Z", "comment": "x"});
    assert_eq!(data(&world, "POST", "/silences", &later.to_string()).await["silence"]["status"]["state"], "pending");
}

#[tokio::test]
async fn somebody_knows_and_a_message_is_sent_again() {
    let (mut world, _directory) = firing().await;
    let id = data(&world, "GET", "/alerts", "").await["alerts"][0]["fingerprint"].as_str().unwrap().to_owned();
    let known =
        data(&world, "POST", &format!("/alerts/{id}/acknowledge"), r#"{"comment": "asked", "author": "ada"}"#).await;
    assert_eq!((&known["alert"], &known["episode"], &known["comment"]), (&json!(id), &json!(1), &json!("asked")));
    let alert = &data(&world, "GET", "/alerts", "").await["alerts"][0];
    assert_eq!((&alert["acknowledgement"]["author"], &alert["status"]["state"]), (&json!("ada"), &json!("active")));
    let delivery =
        &data(&world, "GET", "/deliveries?state=pending&receiver=hook&rule=falling", "").await["deliveries"][0];
    let delivery = delivery["id"].as_str().unwrap();
    assert_eq!(data(&world, "GET", "/deliveries?failed=true", "").await["deliveries"], json!([]));
    let course = data(&world, "GET", &format!("/deliveries/{delivery}"), "").await;
    assert_eq!((&course["history"], &course["message"]["kind"]), (&json!([]), &json!("fired")));
    let renewed = data(&world, "POST", &format!("/deliveries/{delivery}/retry"), "").await;
    assert_eq!((&renewed["id"], &renewed["state"]), (&json!(delivery), &json!("pending")));
    assert!(world.orders.try_recv().is_ok(), "the daemon is told to look");
}

#[tokio::test]
async fn what_runs_is_told_without_secrets() {
    let (world, _directory) = firing().await;
    assert_eq!(data(&world, "GET", "/status/buildinfo", "").await["version"], env!("CARGO_PKG_VERSION"));
    let toml = data(&world, "GET", "/status/config", "").await;
    let toml = toml["toml"].as_str().unwrap();
    assert!(
        toml.contains("[rule.falling]") && toml.contains("secret = \"<secret>\"") && !toml.contains("whsec_"),
        "{toml}"
    );
    let status = data(&world, "GET", "/status", "").await;
    assert_eq!(status["watching"], json!({"feeds": 1, "rules": 1, "receivers": 1}));
    assert!(status["state"].as_str().unwrap().ends_with("supplywatch.db"));
}

#[tokio::test]
async fn what_is_not_understood_is_refused_in_words() {
    let (world, _directory) = firing().await;
    let id = data(&world, "GET", "/alerts", "").await["alerts"][0]["fingerprint"].as_str().unwrap().to_owned();
    let known = format!("/alerts/{id}/acknowledge");
    let silence = |more: &str| format!(r#"{{"endsAt": "2026-12-01T00:00:00Z", "comment": "x"{more}}}"#);
    let long = format!(r#"{{"comment": "{}"}}"#, "x".repeat(70_000));
    let cases: [(&str, &str, &str, u16, &str); 26] = [
        ("GET", "/alerts?colour=red", "", 400, "unknown field `colour`"),
        ("GET", "/status?x=1", "", 400, "unknown field `x`"),
        ("GET", "/alerts?state=burning", "", 400, "unknown variant `burning`"),
        ("GET", "/alerts?state=", "", 400, "unknown variant ``"),
        ("GET", "/alerts?limit=0", "", 400, "`limit` is from 1 to 1000"),
        ("GET", "/alerts?limit=1001", "", 400, "`limit` is from 1 to 1000"),
        ("GET", "/alerts?limit=x", "", 400, "invalid digit"),
        ("GET", "/alerts?limit=1&limit=2", "", 400, "unsupported value"),
        ("GET", "/alerts?nextToken=x", "", 400, "nextToken"),
        ("GET", "/alerts?filter=x", "", 400, "`x` is no matcher"),
        ("GET", "/alerts?filter=a%3D~%22(%22", "", 400, "is no regular expression"),
        ("GET", "/deliveries?failed=maybe", "", 400, "expected `true` or `false`"),
        ("GET", "/alerts/zz", "", 404, "no alert has an id that begins with zz"),
        ("GET", "/silences/9", "", 404, "there is no silence 9"),
        ("DELETE", "/silences/x", "", 404, "there is no silence x"),
        ("GET", "/deliveries/msg_zz", "", 404, "no delivery has an id that begins with msg_zz"),
        ("POST", "/deliveries/msg_zz/retry", "", 404, "no delivery that was not sent has the id msg_zz"),
        ("GET", "/nowhere", "", 404, "there is nothing at /api/v1/nowhere"),
        ("PUT", "/alerts", "", 405, "method"),
        ("POST", &known, r#"{"comment": ""}"#, 400, "`comment` is no line of text"),
        ("POST", &known, r#"{"comment": "a\nb"}"#, 400, "`comment` is no line of text"),
        ("POST", &known, r#"{"comment": "x", "until": 1}"#, 400, "unknown field `until`"),
        ("POST", &known, r#"{"comment": "#, 400, "EOF"),
        ("POST", &known, &long, 413, "length limit exceeded"),
        ("POST", "/silences", &silence(""), 400, "say which alerts are meant"),
        ("POST", "/silences", &silence(r#", "match": {"severity": ["crit"]}"#), 400, "did you mean `critical`?"),
    ];
    for (method, path, body, status, expected) in cases {
        let detail = refused(&world, method, path, body, status).await;
        assert!(detail.contains(expected), "{method} {path} {body}: {detail}");
    }
    let over = r#"{"endsAt": "2025-12-01T00:00:00Z", "comment": "x", "match": {"partner": ["US"]}}"#;
    assert!(refused(&world, "POST", "/silences", over, 400).await.contains("2025-12-01T00:00:00Z is over"));
    let wrong = ask(&world, "PUT", "/silences", "").await;
    assert_eq!(wrong.headers["allow"], "GET,HEAD,POST");
    let typeless = world.ask_from(Peer::Local, request("POST", "/api/v1/silences", &[], "{}")).await;
    assert_eq!(typeless.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

/// Each operation is described, with whatever it may be refused for, and each reference leads somewhere.
#[tokio::test]
async fn the_document_describes_each_operation() {
    let world = World::new("").await;
    let answer = ask(&world, "GET", "/openapi.json", "").await;
    let document: Value = serde_json::from_str(&answer.body).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            assert!(operation["summary"].is_string() && responses.contains_key("200"), "{method} {path}");
            for status in ["400", "405", "421", "500"] {
                assert!(
                    responses[status]["content"]["application/problem+json"].is_object(),
                    "{method} {path} {status}"
                );
            }
            operations.push(format!("{} {path}", method.to_uppercase()));
        }
    }
    insta::assert_snapshot!(operations.join("\n"), @"
    GET /api/v1/alerts
    GET /api/v1/alerts/{fingerprint}
    POST /api/v1/alerts/{fingerprint}/acknowledge
    GET /api/v1/deliveries
    GET /api/v1/deliveries/{id}
    POST /api/v1/deliveries/{id}/retry
    GET /api/v1/explain
    GET /api/v1/feeds
    GET /api/v1/feeds/{name}
    GET /api/v1/openapi.json
    GET /api/v1/rules
    GET /api/v1/rules/{name}
    GET /api/v1/rules/{name}/backtest
    GET /api/v1/series
    GET /api/v1/series/{id}
    GET /api/v1/series/{id}/observations
    GET /api/v1/silences
    POST /api/v1/silences
    DELETE /api/v1/silences/{id}
    GET /api/v1/silences/{id}
    GET /api/v1/status
    GET /api/v1/status/buildinfo
    GET /api/v1/status/config
    ");
    let text = answer.body.as_str();
    for (at, _) in text.match_indices("#/components/schemas/") {
        let name: String = text[at + 21..].chars().take_while(|c| *c != '"').collect();
        assert!(document["components"]["schemas"][&name].is_object(), "{name}");
    }
}
