//! Rules, series and feeds, as pages and as answers of the API.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::inspect::testing::{feed_table, rows, rule_table};
use crate::store::contract::fixture::{append_as, minutes, pull};
use crate::web::testing::{World, request};

const HOSTILE: &str = "<script>alert(1)</script>";

/// Magnets fall, a partner's name is hostile, and September was revised.
async fn world() -> World {
    let config = feed_table("magnets", "month")
        + &rule_table("falling", "magnets", "when = [\"declines >= 2\", \"value < 500 t\"]")
        + "[receiver.desk]\nkind = \"console\"\n";
    let world = World::new(&config).await;
    let us = "US 2025-07=619 2025-08=590 2025-09=430";
    let hostile = format!("{HOSTILE} 2025-09=7");
    for (minute, figures) in [(0, us), (2, "US 2025-09=420.5"), (4, hostile.as_str())] {
        append_as(&world.site.writer, pull("magnets", minutes(minute)), rows("magnets", figures)).await;
    }
    world
}

/// The page at a path.
async fn page(world: &World, path: &str, status: StatusCode) -> String {
    let answer = world.page(path).await;
    assert_eq!(answer.status, status, "{path}: {}", answer.body);
    answer.body
}

/// The data at a path of the API.
async fn data(world: &World, path: &str) -> Value {
    let answer = world.ask(request("GET", path, &[("host", "localhost")], "")).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
    serde_json::from_str::<Value>(&answer.body).unwrap()["data"].take()
}

/// The id of the series of a partner.
async fn id(world: &World, partner: &str) -> String {
    let found = data(world, &format!("/api/v1/series?label=partner%3D{partner}")).await;
    found["series"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn pages_say_what_there_is_and_escape_it() {
    let world = world().await;
    let us = id(&world, "US").await;
    let one = format!("/series/{us}");
    for (path, said) in [
        ("/rules", &["falling", "declines &#62;= 2 and value &#60; 500 t"][..]),
        ("/rules/falling", &["2 of 2 gates hold; fires below 500 t, now 420.5 t", "[rule.falling]", "declines(tol)"]),
        ("/rules/falling?label=partner%3DUS", &["Only with <strong>partner=US</strong>"]),
        ("/rules/falling/backtest?label=partner%3DUS&basis=latest&from=&to=", &["1 episode", "role=\"img\""]),
        ("/rules/falling/backtest?label=partner%3DUS&from=soon", &["role=\"alert\""]),
        ("/explain?rule=falling&label=partner%3DUS", &["420.5 t", "was 430 t until", "Where the figures came from"]),
        ("/explain?rule=falling&label=partner%3DUS&period=2025-08&as_of=", &["August 2025", "The latest period is"]),
        ("/explain?rule=falling&period=2025-Q3", &["2025-Q3 is a quarter"]),
        ("/explain?rule=falling&as_of=1999-01-01", &["Nothing to judge", "nothing was known"]),
        ("/series", &["2 series", "magnets", "420.5 t"]),
        ("/series?search=us", &["1 of 2 series"]),
        ("/series?label=partner", &["expected LABEL=VALUE"]),
        (&one, &["was 430 t until", "figures.csv", "falling"]),
        (&format!("{one}?as_of=1999-01-01"), &["Nothing was known then"]),
        (&format!("{one}?as_of=soon"), &["expected a day such as"]),
        (&format!("{one}?before=2025-08"), &["2025-07"]),
        ("/feeds", &["magnets", "2025-09"]),
        ("/feeds/magnets", &["Last pulls", "magnets.csv", "href=\"/series?label=feed%3Dmagnets\""]),
    ] {
        let body = page(&world, path, StatusCode::OK).await;
        for said in said {
            assert!(body.contains(said), "{path} does not say {said}:\n{body}");
        }
        assert!(!body.contains(HOSTILE), "{path}:\n{body}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_with_what_is() {
    let world = world().await;
    for (path, said) in [
        ("/rules/faling", "did you mean `falling`?"),
        ("/rules/falling?label=partner%3DDE", "none is in `de`"),
        ("/explain?rule=faling", "did you mean `falling`?"),
        ("/rules/faling/backtest", "did you mean `falling`?"),
        ("/series/0123456789abcdef", "there is no series"),
        ("/feeds/magnet", "did you mean `magnets`?"),
    ] {
        let body = page(&world, path, StatusCode::NOT_FOUND).await.to_lowercase();
        assert!(body.contains(said), "{path} does not say {said}:\n{body}");
    }
    let body = page(&world, "/explain?rule=falling&label=US", StatusCode::BAD_REQUEST).await;
    assert!(body.contains("expected LABEL=VALUE"), "{body}");
}

#[tokio::test]
async fn figures_come_as_a_table() {
    let world = world().await;
    let us = id(&world, "US").await;
    let answer = world.page(&format!("/series/{us}/figures.csv")).await;
    assert_eq!(answer.headers["content-type"], "text/csv; charset=utf-8; header=present");
    let lines: Vec<&str> = answer.body.lines().collect();
    assert_eq!(lines[0], "feed,partner,period,value,unit,status,known_since,known_until");
    assert_eq!(lines.len(), 5);
}

#[tokio::test]
async fn rules_are_told_as_prometheus_tells_its_own() {
    let world = world().await;
    let told = data(&world, "/api/v1/rules").await;
    let rule = &told["groups"][0]["rules"][0];
    assert_eq!(
        (&rule["type"], &rule["name"], &rule["query"]),
        (&json!("alerting"), &json!("falling"), &json!("declines >= 2 and value < 500 t"))
    );
    assert_eq!((&rule["state"], &rule["health"], &rule["matched"]), (&json!("inactive"), &json!("ok"), &json!(2)));
    assert_eq!(rule["labels"], json!({"severity": "warning"}));
    let one = data(&world, "/api/v1/rules/falling?label=partner%3DUS").await;
    assert_eq!((&one["series"][0]["verdict"], &one["verdicts"]["holds"]), (&json!("holds"), &json!(1)));
    let replayed = data(&world, "/api/v1/rules/falling/backtest?label=partner%3DUS&basis=latest").await;
    assert_eq!((&replayed["firing"], &replayed["events"][0]["kind"]), (&json!(1), &json!("fired")));
    let explained = data(&world, "/api/v1/explain?rule=falling&label=partner%3DUS&period=2025-09").await;
    assert_eq!(explained["explanations"][0]["gates"][1]["reading"]["parts"][0]["value"], "420.5 t");
    for (query, said) in [
        ("explain", "missing field `rule`"),
        ("explain?rule=falling&labels=x", "unknown field"),
        ("explain?rule=falling&label=x", "expected LABEL=VALUE"),
        ("explain?rule=falling&as_of=soon", "expected a day"),
        ("rules?rule=falling&excludeAlerts=yes", "expected `true` or `false`"),
        ("series?limit=0", "from 1 to 1000"),
    ] {
        let answer = world.ask(request("GET", &format!("/api/v1/{query}"), &[("host", "localhost")], "")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}: {}", answer.body);
        assert!(answer.body.contains(said), "{query}: {}", answer.body);
    }
}

#[tokio::test]
async fn series_and_their_figures_are_told_in_pieces_and_as_of_a_day() {
    let world = world().await;
    let first = data(&world, "/api/v1/series?limit=1").await;
    assert_eq!((&first["found"], first["series"].as_array().unwrap().len()), (&json!(2), 1));
    let token = first["nextToken"].as_str().unwrap();
    let rest = data(&world, &format!("/api/v1/series?limit=1&nextToken={token}")).await;
    assert_eq!((rest["series"].as_array().unwrap().len(), &rest["nextToken"]), (1, &Value::Null));
    let us = id(&world, "US").await;
    let detail = data(&world, &format!("/api/v1/series/{us}")).await;
    assert_eq!((&detail["revisions"], &detail["rules"][0]["rule"]), (&json!(1), &json!("falling")));
    let path = format!("/api/v1/series/{us}/observations");
    let known = data(&world, &format!("{path}?limit=2")).await;
    assert_eq!(known["observations"][1]["value"], 590.0);
    let rest = data(&world, &format!("{path}?limit=2&nextToken={}", known["nextToken"].as_str().unwrap())).await;
    assert_eq!(rest["observations"][0]["earlier"][0]["value"], 430.0);
    let then = minutes(1).to_string();
    let then = data(&world, &format!("{path}?as_of={then}")).await;
    assert_eq!(then["observations"][2]["value"], 430.0);
    let feeds = data(&world, "/api/v1/feeds").await;
    assert_eq!((&feeds["feeds"][0]["feed"], &feeds["feeds"][0]["series"]), (&json!("magnets"), &json!(2)));
    let one = data(&world, "/api/v1/feeds/magnets?limit=2").await;
    assert_eq!(one["pulls"].as_array().unwrap().len(), 2);
}
