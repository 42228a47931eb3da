//! How feeds are: what `feeds` says of each, a probe that stores nothing, and the data alerts of feeds that
//! fail or whose figures are overdue.

use super::http::Answer;
use super::publisher::Publisher;
use super::sandbox::Sandbox;
use super::scene::{DESK, MAGNETS, file_feed, magnets, once, url_feed};

pub const CALENDAR: &str = "release = { day = 20, after = \"1mo\", grace = \"3d\", skip = [2] }\n";

#[test]
fn each_feed_is_told_with_its_state() {
    let publisher = Publisher::start();
    publisher.publish("/tin.csv", [Answer::new(503, "maintenance")]);
    let tin = url_feed("tin", &publisher.url("/tin.csv"), "");
    let sandbox = Sandbox::with_config(&format!("{}{CALENDAR}\n{tin}{}{DESK}", file_feed("magnets"), file_feed("new")));
    sandbox.write("config/magnets.csv", format!("{MAGNETS}2025-10,US,abc\n"));
    sandbox.run(&["feeds"]).is(0).says(&["new    magnets", "new    tin"]);
    sandbox.write("config/new.csv", MAGNETS);
    once(&sandbox, 1);
    let listed = sandbox.json(&["feeds"]);
    let states: Vec<(&str, &str)> =
        listed.iter().map(|feed| (feed["feed"].as_str().unwrap(), feed["state"].as_str().unwrap())).collect();
    assert_eq!(states, [("magnets", "overdue"), ("new", "ok"), ("tin", "failing")]);
    let magnets = &listed[0];
    assert_eq!((magnets["latest"].as_str(), magnets["series"].as_u64()), (Some("2025-09"), Some(1)));
    assert_eq!(
        magnets["next_release"],
        serde_json::json!({"period": "2025-10", "due_on": "2025-11-20", "state": "overdue"})
    );
    assert_eq!(magnets["refused"], 1);
    assert!(listed[2]["last_error"].as_str().unwrap().contains("503"), "{}", listed[2]);
    let told = sandbox.run(&["feeds"]);
    told.is(0).says(&["2025-10 on 2025-11-20", "row 5, column `tonnes`", "503"]);
    let shown = sandbox.run(&["feeds", "show", "magnets"]);
    shown.is(0).says(&["magnets: overdue", "magnets.csv", "Refused in the last pull: 1 row", "changed"]);
    let shown = sandbox.json(&["feeds", "show", "tin"]);
    assert_eq!((shown[0]["pulls"][0]["outcome"].as_str(), shown[0]["failures"].as_u64()), (Some("failed"), Some(1)));
    sandbox.run(&["feeds", "show", "magnet"]).is(2).says(&["there is no feed `magnet`; did you mean `magnets`?"]);
}

#[test]
fn a_probe_says_what_would_be_stored_and_stores_nothing() {
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    sandbox.run(&["feeds", "probe", "magnets"]).is(0).says(&["Would be stored, in 1 series", "2025-07", "420.5 t"]);
    assert!(!sandbox.path("state.db").exists() && sandbox.json(&["feeds"])[0]["state"] == "new");
    once(&sandbox, 0);
    sandbox.run(&["feeds", "probe", "magnets"]).is(0).says(&["Nothing would be stored."]);
    sandbox.write("config/magnets.csv", MAGNETS.replace("420.5", "431"));
    let probed = sandbox.json(&["feeds", "probe", "magnets"]);
    assert_eq!((probed[0]["revised"].as_u64(), probed[0]["new"].as_u64()), (Some(1), Some(0)));
    assert_eq!(probed[0]["series"][0]["figures"][0]["value"], 431.0);
    sandbox.run(&["feeds", "probe", "magnets"]).says(&["431 t", "420.5 t"]);
    sandbox.write("config/magnets.csv", "<html><title>Sorry</title></html>");
    sandbox.run(&["feeds", "probe", "magnets"]).is(1).says(&["web page titled \"Sorry\"", "Nothing would be stored."]);
    assert_eq!(sandbox.json(&["feeds"])[0]["state"], "ok", "a probe leaves no failure behind");
}

/// Also of a probe: each run is a process of its own.
#[test]
fn a_probe_counts_against_the_quota() {
    let publisher = Publisher::start();
    publisher.publish("/tin.csv", [Answer::ok(MAGNETS)]);
    let tin = url_feed("tin", &publisher.url("/tin.csv"), "quota = \"2/month\"");
    let sandbox = Sandbox::with_config(&format!("{tin}{DESK}"));
    once(&sandbox, 0);
    sandbox.run(&["feeds", "probe", "tin"]).is(0);
    once(&sandbox, 1).says(&["allows 2"]);
}

#[test]
fn a_feed_that_fails_for_too_long_is_told_once_and_its_end_once() {
    let publisher = Publisher::start();
    publisher.publish("/tin.csv", [Answer::ok("<html><title>Down for maintenance</title></html>")]);
    let more = "expect_within = \"1s\"\nnotify = \"desk\"\n";
    let sandbox = Sandbox::with_config(&format!("{}{DESK}", url_feed("tin", &publisher.url("/tin.csv"), more)));
    once(&sandbox, 1).says_nothing_of(&["has failed since"]);
    let told = || sandbox.run(&["run", "--once"]);
    let began = std::iter::repeat_with(told).take(1000).find(|ended| ended.stderr.contains("1 message delivered"));
    began.expect("after a second it is told").says(&["Feed tin has failed since", "Down for maintenance"]);
    once(&sandbox, 1).says(&["0 alerts changed, 0 messages delivered"]);
    let alerts = sandbox.json(&["alerts"]);
    assert_eq!((alerts[0]["rule"].as_str(), alerts[0]["state"].as_str()), (Some("feed:failing"), Some("firing")));
    assert_eq!(alerts[0]["labels"]["reporter"], "CN", "it inherits the feed's labels");
    publisher.publish("/tin.csv", [Answer::ok(MAGNETS)]);
    once(&sandbox, 0).says(&["Feed tin is well again", "1 message delivered"]);
    once(&sandbox, 0).says(&["0 alerts changed"]);
}

#[test]
fn a_release_that_is_overdue_is_told_once_and_its_end_once() {
    let sandbox = Sandbox::with_config(&format!("{}{CALENDAR}notify = \"desk\"\n{DESK}", file_feed("magnets")));
    sandbox.write("config/magnets.csv", MAGNETS);
    once(&sandbox, 0)
        .says(&["October 2025 is overdue, it was due on 20 November 2025", "latest figures are of September 2025"]);
    once(&sandbox, 0).says(&["0 alerts changed"]);
    sandbox.write("config/magnets.csv", format!("{MAGNETS}2099-01,US,400\n"));
    once(&sandbox, 0).says(&["Feed magnets is no longer overdue"]);
}

#[test]
fn the_data_alerts_of_a_feed_end_with_it() {
    let feed = format!("{}{CALENDAR}notify = \"desk\"\n", file_feed("magnets"));
    let sandbox = Sandbox::with_config(&format!("{feed}{}{DESK}", file_feed("other")));
    sandbox.write("config/magnets.csv", MAGNETS);
    sandbox.write("config/other.csv", MAGNETS);
    once(&sandbox, 0).says(&["October 2025 is overdue"]);
    sandbox.write("config/supplywatch.toml", format!("{}{DESK}", file_feed("other")));
    once(&sandbox, 0).says(&["the alert ended because"]);
    assert!(sandbox.json(&["alerts"]).is_empty());
}
