//! How receivers stand: what they are owed, who hears of one that fails, and a test message.

use super::hook::Hook;
use super::http::Answer;
use super::sandbox::Sandbox;
use super::scene::{DESK, MAGNETS, file_feed, once, rule, webhook};

/// A rule that tells a webhook; the console hears of receivers that fail.
fn scene(hook: &Hook, fallback: &str) -> Sandbox {
    let sandbox = Sandbox::with_config(&format!(
        "{}{}{DESK}{}[daemon]\nstate = \"sqlite:supplywatch.db\"\nfallback = [{fallback}]\n",
        file_feed("magnets"),
        rule("magnets", &["hook"]),
        webhook("hook", &hook.url())
    ));
    sandbox.write("config/magnets.csv", MAGNETS);
    sandbox
}

#[test]
fn another_receiver_hears_of_one_that_is_gone_and_of_its_return() {
    let hook = Hook::start();
    let sandbox = scene(&hook, "\"desk\", \"hook\"");
    hook.answer_with([Answer::new(410, "no such hook"), Answer::new(410, "no such hook")]);
    once(&sandbox, 1).says(&["not delivered to hook, which is disabled"]);
    let status = &sandbox.json(&["receivers"])[1];
    assert_eq!((&status["receiver"], &status["state"]), (&"hook".into(), &"disabled".into()), "{status:#}");
    assert_eq!((&status["waiting"], &status["dead"]), (&1.into(), &0.into()), "{status:#}");

    let told = once(&sandbox, 1);
    told.says(&["Receiver hook is disabled: HTTP 410 Gone: no such hook", "1 message waits for it"]);
    once(&sandbox, 0).says_nothing_of(&["Receiver hook"]);
    once(&sandbox, 0).says(&["Receiver hook is well again"]);
    assert_eq!(hook.posts().len(), 3, "nothing about it was sent to it");
    assert_eq!(sandbox.json(&["receivers"])[1]["state"], "ok");
}

#[test]
fn a_receiver_is_not_told_of_itself() {
    let hook = Hook::start();
    let sandbox = scene(&hook, "\"hook\"");
    hook.answer_with([Answer::new(410, "")]);
    once(&sandbox, 1);
    once(&sandbox, 0);
    assert_eq!(hook.posts().len(), 2);
    assert!(sandbox.stdout(&["alerts"]).contains("receiver:failing"));
}

#[test]
fn another_receiver_hears_of_messages_that_were_given_up() {
    let hook = Hook::start();
    let sandbox = scene(&hook, "\"desk\"");
    hook.answer_with([Answer::new(400, "bad request")]);
    once(&sandbox, 1).says(&["not delivered to hook, given up"]);
    once(&sandbox, 0).says(&["Receiver hook: 1 message given up"]);
    once(&sandbox, 0).says_nothing_of(&["given up"]);
    let id = sandbox.json(&["deliveries", "--failed"])[0]["id"].as_str().unwrap().to_owned();
    sandbox.run(&["deliveries", "retry", &id]).is(0);
    once(&sandbox, 0).says(&["nothing that was given up is left"]);
    assert_eq!(hook.posts().len(), 2);
}

#[test]
fn a_test_message_shows_what_the_receiver_answers() {
    let hook = Hook::start();
    let sandbox = scene(&hook, "\"desk\"");
    hook.answer_with([Answer::new(204, ""), Answer::new(401, "bad signature")]);
    sandbox.run(&["receivers", "test", "hook"]).is(0).says(&["hook: delivered (204) in "]);
    let refused = sandbox.run(&["receivers", "test", "hook"]);
    refused.is(1).says(&["hook: disable (401) in ", "HTTP 401 Unauthorized: bad signature"]);
    let posts = hook.posts();
    assert_eq!(posts[0].json()["data"]["title"], "[TEST] supplywatch reaches receiver hook");
    assert_ne!(super::hook::id(&posts[0]), super::hook::id(&posts[1]));
    let both = sandbox.run(&["receivers", "test", "hook", "desk", "--format", "json"]);
    let lines: Vec<serde_json::Value> =
        both.stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert!(lines.iter().any(|line| line["receiver"] == "hook" && line["outcome"] == "delivered"), "{lines:#?}");
    sandbox.run(&["receivers", "test", "hok"]).is(2).says(&["did you mean `hook`?"]);
    assert!(!sandbox.path("config/supplywatch.db").exists(), "nothing was stored");
}

#[test]
fn a_receiver_that_was_disabled_is_enabled_by_hand() {
    let hook = Hook::start();
    let sandbox = scene(&hook, "\"desk\"");
    hook.answer_with([Answer::new(404, "")]);
    once(&sandbox, 1);
    sandbox.run(&["receivers", "enable", "desk"]).is(0).says(&["desk was not disabled"]);
    sandbox.run(&["receivers", "enable", "hook"]).is(0).says(&["hook is enabled; 1 message for it"]);
    assert_eq!(sandbox.json(&["receivers"])[1]["state"], "failing");
}

/// The key of the example of RFC 8463, with its record, and one of RSA, whose record is longer than a string of DNS may be.
#[test]
fn the_records_of_signing_keys_are_printed() {
    let key = |name: &str| format!("{}/src/notify/testdata/dkim-{name}.pem", super::sandbox::PROJECT);
    let mail = |name: &str, domain: &str, key: &str| {
        format!(
            "[receiver.{name}]\nkind = \"email\"\nhost = \"127.0.0.1\"\nfrom = \"a@{domain}\"\nto = \"b@example.com\"\n\
             dkim = {{ domain = \"{domain}\", selector = \"watch\", key = {{ file = \"{key}\" }} }}\n"
        )
    };
    let receivers = [mail("one", "one.example", "ed.pem"), mail("two", "two.example", "rsa.pem")].concat();
    let rule = rule("magnets", &["desk", "one", "two"]);
    let sandbox = Sandbox::with_config(&format!("{}{rule}{DESK}{receivers}", file_feed("magnets")));
    sandbox.write("config/magnets.csv", MAGNETS);
    for (name, kind) in [("ed", "ed25519"), ("rsa", "rsa")] {
        sandbox.write(&format!("config/{name}.pem"), std::fs::read(key(kind)).unwrap());
        sandbox.shell(&format!("chmod 600 config/{name}.pem")).is(0);
    }
    let one = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    let line = format!("watch._domainkey.one.example. IN TXT ( \"{one}\" )\n");
    assert_eq!(sandbox.stdout(&["receivers", "dkim", "one"]), line);
    let both = sandbox.json(&["receivers", "dkim"]);
    assert_eq!(both[0], serde_json::json!({"name": "watch._domainkey.one.example", "type": "TXT", "value": one}));
    let text = sandbox.stdout(&["receivers", "dkim", "two"]);
    let strings: Vec<&str> = text.split('"').skip(1).step_by(2).collect();
    assert!(strings.len() == 2 && strings.iter().all(|string| string.len() <= 255), "{text}");
    assert_eq!(both[1]["value"], strings.concat());
    sandbox.run(&["receivers", "dkim", "desk"]).is(2).says(&["receiver `desk` signs nothing"]);
}

#[test]
fn a_drill_is_the_rules_message_marked_and_changes_nothing() {
    let hook = Hook::start();
    let sandbox = scene(&hook, "\"desk\"");
    sandbox.run(&["drill", "magnets-falling"]).is(1).says(&["nothing is stored yet"]);
    sandbox.write("config/magnets.csv", MAGNETS.replace("590", "620"));
    once(&sandbox, 0);
    assert_eq!(hook.posts().len(), 0, "it does not fire");
    sandbox.run(&["drill", "magnets-falling", "partner=US"]).is(0).says(&["hook: delivered (200) in "]);
    let data = &hook.posts()[0].json()["data"];
    let title = data["title"].as_str().unwrap();
    let holds_not = "`declines >= 2` does not hold now, this is an example: 420.5 t";
    assert!(title.starts_with("[DRILL] ") && title.contains(holds_not), "{data:#}");
    assert_eq!(data["gates"][0]["verdict"], "fails");
    assert!(data["alert"]["id"].as_str().unwrap().starts_with("drill-"), "{data:#}");
    sandbox.run(&["drill", "magnets-falling", "--to", "desk"]).is(0).says(&["[DRILL]", "desk: delivered"]);
    assert!(sandbox.json(&["deliveries"]).is_empty() && sandbox.json(&["alerts"]).is_empty());
    sandbox.run(&["drill", "magnet-falling"]).is(2).says(&["did you mean `magnets-falling`?"]);
    sandbox.run(&["drill", "magnets-falling", "partner=UK"]).is(1);
}
