//! What keeps messages back: silences, acknowledgements, alerts that say enough; and what is told afterwards.

use serde_json::json;

use super::hook::Hook;
use super::sandbox::Sandbox;
use super::scene::{DESK, MAGNETS, WORSE, file_feed, magnets, once, rule, webhook};

/// One rule that tells a webhook, pulled before anything is alarming.
fn calm(hook: &Hook) -> Sandbox {
    let sandbox = magnets(&[("hook", webhook("hook", &hook.url()))]);
    sandbox.write("config/magnets.csv", "period,partner,tonnes\n2025-07,US,619\n2025-08,US,590\n");
    once(&sandbox, 0);
    assert_eq!(hook.posts().len(), 0);
    sandbox
}

/// The figures that are published from then on.
fn publish(sandbox: &Sandbox, more: &str) {
    sandbox.write("config/magnets.csv", format!("{MAGNETS}{more}"));
}

fn transitions(hook: &Hook) -> Vec<String> {
    hook.posts().iter().map(|post| post.json()["data"]["transition"].as_str().unwrap().to_owned()).collect()
}

fn silence(sandbox: &Sandbox) -> String {
    let arguments =
        ["silence", "add", "--match", "feed=mag*", "--match", "partner=US", "--for", "3d", "--comment", "a fair"];
    sandbox.json(&[&arguments[..], &["--author", "ada"]].concat())[0]["id"].to_string()
}

#[test]
fn what_a_silence_kept_back_is_told_when_it_is_over() {
    let hook = Hook::start();
    let sandbox = calm(&hook);
    let id = silence(&sandbox);
    publish(&sandbox, "");
    sandbox.run(&["dry-run"]).is(0).says(&[
        "would not send to hook: kept back by silence 1 until",
        "(a fair)",
        "420.5 t",
    ]);
    assert_eq!(sandbox.json(&["dry-run"])[0]["suppressed"]["receivers"], json!(["hook"]));
    once(&sandbox, 0).says(&["1 alert changed, 0 messages delivered"]);
    let alert = &sandbox.json(&["alerts"])[0];
    assert_eq!((&alert["state"], &alert["suppressed"][0]["comment"]), (&json!("firing"), &json!("a fair")));
    sandbox.run(&["alerts"]).is(0).says(&["kept back by silence 1 until"]);
    let shown = ["alerts", "show", alert["id"].as_str().unwrap()];
    sandbox.run(&shown).is(0).says(&["messages are kept back by silence 1", "1 was kept back from hook by silence 1"]);
    assert_eq!(sandbox.json(&shown)[0]["suppressed"]["by"], "silence");
    sandbox.run(&["explain", "magnets-falling"]).is(0).says(&["its messages are kept back by silence 1 until"]);
    assert_eq!(sandbox.json(&["explain", "magnets-falling"])[0]["suppressed"][0]["id"], 1);

    once(&sandbox, 0);
    publish(&sandbox, WORSE);
    once(&sandbox, 0);
    assert_eq!(hook.posts().len(), 0, "it goes on in silence");
    sandbox.run(&["silence", "expire", &id]).is(0).says(&["silence 1 is over"]);
    once(&sandbox, 0).says(&["0 alerts changed, 1 message delivered"]);
    let post = hook.posts()[0].json();
    assert_eq!((&post["data"]["transition"], &post["data"]["number"]), (&json!("continued"), &json!(2)));
    let summary = post["data"]["summary"].as_str().unwrap();
    assert!(
        summary.starts_with("Kept back until now by silence 1 until 2") && summary.contains("it still fires."),
        "{summary}"
    );
    once(&sandbox, 0).says(&["0 messages delivered"]);
    publish(&sandbox, &format!("{WORSE}2025-11,US,656\n"));
    once(&sandbox, 0);
    assert_eq!(transitions(&hook), ["continued", "resolved"]);
}

#[test]
fn a_template_does_not_hide_that_a_message_was_kept_back() {
    let rule = format!("{}[rule.magnets-falling.template]\nbody = \"Call the desk.\"\n\n", rule("magnets", &["desk"]));
    let sandbox = Sandbox::with_config(&format!("{}{rule}{DESK}", file_feed("magnets")));
    sandbox.write("config/magnets.csv", "period,partner,tonnes\n2025-07,US,619\n2025-08,US,590\n");
    once(&sandbox, 0);
    let id = silence(&sandbox);
    publish(&sandbox, "");
    once(&sandbox, 0).says_nothing_of(&["Call the desk."]);
    sandbox.run(&["silence", "expire", &id]).is(0);
    let told = once(&sandbox, 0).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        told.contains("Kept back until now by silence 1") && told.contains("it still fires. Call the desk."),
        "{told}"
    );
}

#[test]
fn an_end_is_told_in_silence_to_whoever_was_told_of_the_beginning() {
    let hook = Hook::start();
    let sandbox = calm(&hook);
    publish(&sandbox, "");
    once(&sandbox, 0);
    silence(&sandbox);
    publish(&sandbox, WORSE);
    once(&sandbox, 0);
    publish(&sandbox, &format!("{WORSE}2025-11,US,656\n"));
    once(&sandbox, 0);
    assert_eq!(transitions(&hook), ["fired", "resolved"]);
    // What began and ended in silence is not told at all.
    publish(&sandbox, &format!("{WORSE}2025-11,US,656\n2025-12,US,600\n2026-01,US,500\n"));
    once(&sandbox, 0);
    publish(&sandbox, &format!("{WORSE}2025-11,US,656\n2025-12,US,600\n2026-01,US,500\n2026-02,US,700\n"));
    once(&sandbox, 0);
    assert_eq!(transitions(&hook), ["fired", "resolved"]);
}

#[test]
fn silences_are_listed_and_bad_ones_refused() {
    let hook = Hook::start();
    let sandbox = calm(&hook);
    silence(&sandbox);
    let told =
        sandbox.run(&["silence", "add", "--match", "severity=critical", "--until", "2100-01-01", "--comment", "x"]);
    told.is(0).says(&["silence 2 until 2100-01-01T23:59:59.999Z: severity=critical (0 alerts that it means fire now)"]);
    assert_eq!(sandbox.json(&["silence", "list"])[0]["author"], "ada");
    sandbox.run(&["silence", "expire", "2"]).is(0);
    assert_eq!(sandbox.json(&["silence", "list"]).len(), 1);
    assert_eq!(sandbox.json(&["silence", "list", "--all"])[1]["state"], "over");
    sandbox.run(&["silence", "list", "--all"]).is(0).says(&["feed=mag* partner=US", "a fair"]);
    let refused = |more: &[&str], code: i32, phrase: &str| {
        sandbox.run(&[&["silence", "add"], more].concat()).is(code).says(&[phrase]);
    };
    refused(&["--match", "partner=US", "--for", "3d"], 2, "--comment");
    refused(&["--for", "3d", "--comment", "x"], 2, "--match");
    refused(&["--match", "partner=US", "--comment", "x"], 2, "--until");
    refused(&["--match", "partner=US", "--comment", "x", "--for", "3 days"], 2, "such as 90m, 12h or 3d");
    refused(&["--match", "partner=US", "--comment", "x", "--until", "2020-01-01"], 2, "is over");
    refused(&["--match", "severity=crit", "--comment", "x", "--for", "1h"], 2, "did you mean `critical`?");
    refused(&["--match", "hs=[8", "--comment", "x", "--for", "1h"], 2, "is no pattern");
    refused(&["--match", "partner=US", "--comment", "a\nb", "--for", "1h"], 2, "a line of text");
    sandbox.run(&["silence", "expire", "9"]).is(1).says(&["there is no silence 9"]);
}

#[test]
fn whoever_knows_is_told_of_the_end_alone() {
    let hook = Hook::start();
    let sandbox = calm(&hook);
    publish(&sandbox, "");
    once(&sandbox, 0);
    let id = sandbox.json(&["alerts"])[0]["id"].as_str().unwrap().to_owned();
    let known = sandbox.json(&["ack", &id[..6], "--note", "asked the mill", "--author", "ada"]);
    assert_eq!((&known[0]["alert"], &known[0]["episode"]), (&json!(id), &json!(1)));
    sandbox.run(&["alerts"]).is(0).says(&["kept back by an acknowledgement by ada at", "(asked the mill)"]);
    publish(&sandbox, WORSE);
    once(&sandbox, 0).says(&["1 alert changed, 0 messages delivered"]);
    let shown = sandbox.run(&["alerts", "show", &id]);
    shown.is(0).says(&["that it goes on is kept back by", "2 was kept back from hook by an acknowledgement by ada"]);
    publish(&sandbox, &format!("{WORSE}2025-11,US,656\n"));
    once(&sandbox, 0);
    publish(&sandbox, &format!("{WORSE}2025-11,US,656\n2025-12,US,600\n2026-01,US,500\n"));
    once(&sandbox, 0);
    publish(&sandbox, &format!("{WORSE}2025-11,US,656\n2025-12,US,600\n2026-01,US,500\n2026-02,US,400\n"));
    once(&sandbox, 0);
    assert_eq!(transitions(&hook), ["fired", "resolved", "fired", "continued"], "another episode is told anew");
    sandbox.run(&["ack", "ffffffff", "--note", "x"]).is(1).says(&["no firing alert has an id that begins with"]);
    sandbox.run(&["ack", &id]).is(2).says(&["--note"]);
}

#[test]
fn an_alert_that_says_enough_keeps_another_back_until_it_ends() {
    let hook = Hook::start();
    let worse =
        rule("magnets", &["hook"]).replace("magnets-falling", "collapse").replace("declines >= 2", "value < 450 t");
    let falling =
        rule("magnets", &["hook"]).replace("notify", "inhibited_by = [\"collapse\"]\nequal = [\"partner\"]\nnotify");
    let sandbox =
        Sandbox::with_config(&format!("{}{falling}{worse}{}", file_feed("magnets"), webhook("hook", &hook.url())));
    publish(&sandbox, "2025-09,DE,9000\n");
    once(&sandbox, 0);
    let rules = |hook: &Hook| -> Vec<String> {
        let of = |post: &super::http::Request| post.json()["data"]["alert"]["rule"].as_str().unwrap().to_owned();
        hook.posts().iter().map(of).collect()
    };
    assert_eq!(rules(&hook), ["collapse"]);
    sandbox.run(&["alerts"]).is(0).says(&["kept back by alert", "of rule collapse, which fires"]);
    // It is no longer so low, and falls on.
    sandbox.write("config/magnets.csv", "period,partner,tonnes\n2025-07,US,619\n2025-08,US,590\n2025-09,US,460\n");
    once(&sandbox, 0);
    once(&sandbox, 0);
    assert_eq!(rules(&hook), ["collapse", "collapse", "magnets-falling"]);
    let last = hook.posts()[2].json();
    assert!(last["data"]["summary"].as_str().unwrap().starts_with("Kept back until now by alert"), "{last:#}");
    let config = sandbox.read("config/supplywatch.toml");
    for (from, to, phrase) in [
        ("[\"collapse\"]", "[\"colapse\"]", "did you mean `collapse`?"),
        ("[\"collapse\"]", "[\"magnets-falling\"]", "keeps itself back"),
        ("[rule.collapse]", "[rule.collapse]\ninhibited_by = \"magnets-falling\"", "keep each other back"),
        ("inhibited_by", "#", "means nothing without `inhibited_by`"),
    ] {
        sandbox.write("config/supplywatch.toml", config.replacen(from, to, 1));
        sandbox.run(&["check"]).is(78).says(&[phrase]);
    }
}

#[test]
fn a_receiver_that_wants_quiet_waits_however_often_it_is_run() {
    let quiet = |name: &str, days: &str| {
        let hours = format!("{{ from = \"00:00\", to = \"00:00\", timezone = \"UTC\", days = {days} }}");
        format!("[receiver.{name}]\nkind = \"console\"\nquiet = {hours}\n\n")
    };
    // Whatever day it is, one of them wants quiet and the other does not.
    let weekdays = quiet("weekdays", "[\"mon\", \"tue\", \"wed\", \"thu\", \"fri\"]");
    let sandbox = magnets(&[("weekdays", weekdays), ("weekend", quiet("weekend", "[\"sat\", \"sun\"]"))]);
    sandbox.run(&["dry-run"]).is(0).says(&["it wants quiet until then", "1 message would be sent"]);
    assert!(sandbox.json(&["dry-run"]).iter().any(|line| line["type"] == "waiting"));
    once(&sandbox, 0).says(&["1 message delivered"]);
    once(&sandbox, 0).says(&["0 messages delivered"]);
    let states: Vec<_> = sandbox.json(&["deliveries"]).iter().map(|record| record["state"].clone()).collect();
    assert!(states.contains(&json!("pending")) && states.contains(&json!("sent")), "{states:?}");
}
