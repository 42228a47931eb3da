//! `check --feeds` and `check --receivers`: whether those that the config names answer, without a trace.

use serde_json::Value;

use super::http::{Answer, Server};
use super::sandbox::Sandbox;
use super::scene::{DESK, MAGNETS, file_feed, magnets, once, rule, url_feed, webhook};
use super::smtp::Relay;

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// The lines about one kind of thing.
fn about(ended: &str, kind: &str) -> Vec<Value> {
    let lines = ended.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["type"] == kind).collect()
}

#[test]
fn every_feed_is_pulled_once_and_nothing_is_stored() {
    let publisher = Server::start(|request| match request.path.as_str() {
        "/good.csv" => Answer::ok(format!("{MAGNETS}2025-09,DE,not a number\n")),
        _ => Answer::new(404, "no such figures"),
    });
    let feeds = [
        file_feed("magnets"),
        url_feed("good", &publisher.url("/good.csv"), "max_refused = 5"),
        url_feed("gone", &publisher.url("/gone.csv"), ""),
    ];
    let sandbox = Sandbox::with_config(&format!("{}{}{DESK}", feeds.concat(), rule("magnets", &["desk"])));
    sandbox.write("config/magnets.csv", MAGNETS);
    let before = sandbox.contents();
    let ended = sandbox.run(&["check", "--feeds", "--format", "json"]);
    let told: Vec<String> = about(&ended.is(1).stdout, "feed")
        .iter()
        .map(|feed| {
            assert!(feed["duration_ms"].is_u64(), "{feed}");
            let (name, outcome) = (text(feed, "feed"), text(feed, "outcome"));
            let facts = format!("{} of {} in {} by {}", feed["figures"], feed["series"], feed["units"], feed["labels"]);
            format!("{name} {} {outcome}: {facts}, {} refused, {}", feed["ok"], feed["refused"], feed["rules"])
        })
        .collect();
    let known = r#"3 of 1 in ["t"] by ["flow","partner","reporter"]"#;
    assert_eq!(
        told,
        [
            "gone false failed: 0 of 0 in [] by [], 0 refused, []".to_owned(),
            format!("good true stored: {known}, 1 refused, []"),
            format!(r#"magnets true stored: {known}, 0 refused, ["magnets-falling"]"#),
        ]
    );
    let one = sandbox.run(&["check", "--feed", "magnets"]);
    one.is(0).says(&[
        "all is well: 3 feeds",
        "feed magnets: 3 new, 0 revised, 0 unchanged; 1 series in t, by flow, partner, reporter; judged by magnets-falling; ",
    ]);
    one.says_nothing_of(&["feed gone", "feed good"]);
    sandbox.run(&["check", "--feed", "gone"]).is(1).says(&["feed gone: failed, earlier data stand: ", "404"]);
    sandbox.run(&["check", "--feed", "magnet"]).is(2).says(&["did you mean `magnets`?"]);
    assert_eq!(sandbox.contents(), before, "looking changes nothing");
}

#[test]
fn what_is_asked_for_a_look_counts_against_the_quota() {
    let publisher = Server::start(|_| Answer::ok(MAGNETS));
    let sandbox = Sandbox::with_config(&format!(
        "{}{}{DESK}",
        url_feed("magnets", &publisher.url("/m.csv"), "quota = \"2/day\""),
        rule("magnets", &["desk"])
    ));
    once(&sandbox, 0);
    sandbox.run(&["check", "--feeds"]).is(0);
    sandbox.run(&["check", "--feeds"]).is(1).says(&["they are used up"]);
    assert_eq!(publisher.requests().all().len(), 2);
}

#[test]
fn every_receiver_is_asked_and_nobody_is_told() {
    let service = Server::start(|request| match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/_matrix/client/v3/account/whoami")
            if request.header("authorization") == Some("Bearer secret-of-a-bot") =>
        {
            Answer::ok(r#"{"user_id":"@watch:example.org"}"#)
        }
        ("GET", "/health") => Answer::ok(r#"{"health":"green","database":"green"}"#),
        ("HEAD", "/") => Answer::new(404, ""),
        _ => Answer::new(401, r#"{"errcode":"M_UNKNOWN_TOKEN","error":"secret-of-nobody is not known"}"#),
    });
    let relay = Relay::start();
    let leave = "insecure = true\nallow_private = true\n";
    let matrix = |name: &str, token: &str| {
        format!(
            "[receiver.{name}]\nkind = \"matrix\"\nurl = \"{}\"\ntoken = \"{token}\"\nroom = \"!r:example.org\"\n{leave}",
            service.url("")
        )
    };
    let gotify = format!(
        "[receiver.phone]\nkind = \"gotify\"\nurl = \"{}\"\ntoken = \"T0KEN-abcdef\"\n{leave}",
        service.url("")
    );
    let post = format!(
        "[receiver.post]\nkind = \"email\"\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\ninsecure = true\n\
        from = \"alerts@example.org\"\nto = [\"buyer@example.org\"]\n\n",
        relay.port()
    );
    let receivers = [
        ("desk", DESK.to_owned()),
        ("hook", webhook("hook", &service.url("/in/T0KEN-abcdef"))),
        ("phone", gotify),
        ("post", post),
        ("room", matrix("room", "secret-of-a-bot")),
        ("stranger", matrix("stranger", "secret-of-nobody")),
    ];
    let sandbox = magnets(&receivers);
    let before = sandbox.contents();
    let ended = sandbox.run(&["check", "--receivers", "--format", "json"]);
    ended.is(1).says_nothing_of(&["T0KEN", "secret-of"]);
    let told = about(&ended.stdout, "receiver");
    let told = told.iter().map(|one| format!("{} {} {}", text(one, "receiver"), one["ok"], text(one, "reached")));
    let expected = [
        "desk true here",
        "hook true server",
        "phone true service",
        "post true service",
        "room true login",
        "stranger false ",
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
    sandbox.run(&["check", "--receiver", "room", "--receiver", "hook", "--feeds"]).is(0).says(&[
        "feed magnets: 3 new",
        "receiver hook, webhook: its server answers, which proves no more; whether it takes messages, \
         `supplywatch receivers test hook` shows; ",
        "receiver room, matrix: knows us (@watch:example.org); ",
    ]);
    let stranger = sandbox.run(&["check", "--receiver", "stranger"]);
    stranger.is(1).says(&["receiver stranger, matrix: failed: HTTP 401 Unauthorized", "<secret> is not known"]);
    sandbox.run(&["check", "--receiver", "rom"]).is(2).says(&["did you mean `room`?"]);
    assert!(relay.mails().is_empty());
    assert!(service.requests().all().iter().all(|request| request.method != "POST"), "nobody is told");
    assert_eq!(sandbox.contents(), before, "looking changes nothing");
}
