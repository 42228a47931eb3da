//! Many alerts at once: what is told in one message, as the receiver sees it.

use serde_json::{Value, json};

use super::crash::killed;
use super::delivering::email;
use super::hook::{Hook, id};
use super::http::Answer;
use super::inbox::Gate;
use super::sandbox::Sandbox;
use super::scene::{BETTER, MAGNETS, file_feed, magnets, once, rule, webhook};
use super::smtp::Relay;

const PARTNERS: [&str; 30] = [
    "US", "DE", "JP", "KR", "VN", "IN", "FR", "IT", "ES", "NL", "PL", "SE", "FI", "DK", "NO", "CH", "AT", "BE", "PT",
    "GR", "CZ", "HU", "RO", "BG", "HR", "SI", "SK", "EE", "LV", "LT",
];

/// Three months in which the exports to each of so many fall by as much.
fn falling(count: usize) -> String {
    let mut file = "period,partner,tonnes\n".to_owned();
    for (month, tonnes) in [("2025-07", 619.0), ("2025-08", 590.0), ("2025-09", 420.5)] {
        for partner in &PARTNERS[..count] {
            file.push_str(&format!("{month},{partner},{tonnes}\n"));
        }
    }
    file
}

/// A feed of so many partners with two rules: one on each of them, one on Germany alone; told as `group` says.
fn scene(count: usize, group: &str, receivers: &[(&str, String)]) -> Sandbox {
    let names: Vec<&str> = receivers.iter().map(|(name, _)| *name).collect();
    let tables: String = receivers.iter().map(|(_, table)| table.as_str()).collect();
    let low = format!(
        "[rule.low]\nseries = {{ feed = \"magnets\", partner = \"DE\" }}\nwhen = \"value < 500 t\"\nnotify = {names:?}\n\
        {group}\n"
    );
    let rules = rule("magnets", &names).replace("\n\n", &format!("\n{group}\n\n"));
    let sandbox = Sandbox::with_config(&format!("{}{rules}{low}{tables}", file_feed("magnets")));
    sandbox.write("config/magnets.csv", falling(count));
    sandbox
}

fn titles(hook: &Hook) -> Vec<String> {
    let title = |body: Value| body["data"]["title"].as_str().unwrap().split("; ").next().unwrap().to_owned();
    hook.posts().iter().map(|post| title(post.json())).collect()
}

#[test]
fn what_one_pull_brings_about_is_one_mail() {
    let relay = Relay::start();
    let sandbox = scene(30, "", &[("mail", email(&relay))]);
    sandbox.run(&["dry-run"]).is(0).says(&["magnets-falling: 30 alerts fired; ", "Also:"]);
    once(&sandbox, 0).says(&["31 alerts changed, 2 messages delivered"]);
    let [low, falling] = &relay.mails()[..] else { panic!("{:?}", relay.mails()) };
    let (low, falling) = if low.subject().contains("30 alerts") { (falling, low) } else { (low, falling) };
    assert!(low.subject().starts_with("[WARNING] China → Germany"), "{}", low.subject());
    assert!(
        falling.subject().starts_with("[CRITICAL] magnets-falling: 30 alerts fired; China → Austria"),
        "{}",
        falling.subject()
    );
    let [text, html] = &falling.parts()[..2] else { panic!("two parts") };
    for partner in ["China → Japan", "China → Lithuania"] {
        assert!(text.contains(&format!("▲ CRITICAL: {partner}")), "{text}");
        assert!(html.contains(&format!("▲ CRITICAL: {partner}")));
    }
    assert!(falling.header("References").unwrap().split(' ').count() > 20);
}

#[test]
fn the_outbox_says_which_message_told_what() {
    let hook = Hook::start();
    let sandbox = scene(3, "", &[("hook", webhook("hook", &hook.url()))]);
    once(&sandbox, 0);
    let mut told = titles(&hook);
    told.sort();
    assert_eq!(told.len(), 2);
    assert!(
        told[0].starts_with("China → Germany exports stood below 500 t")
            && told[1] == "magnets-falling: 3 alerts fired"
    );
    let deliveries = sandbox.json(&["deliveries"]);
    assert_eq!(deliveries.len(), 4);
    assert!(deliveries.iter().all(|delivery| delivery["state"] == "sent"));
    let (told, leaders): (Vec<&Value>, Vec<&Value>) =
        deliveries.iter().partition(|delivery| delivery["told_by"].is_string());
    let leader = leaders.iter().find(|leader| leader["others"] != json!([])).unwrap();
    assert_eq!((told.len(), &told[0]["told_by"]), (2, &leader["id"]));
    assert_eq!(leader["others"].as_array().unwrap().len(), 2);
    let show = |delivery: &Value| sandbox.run(&["deliveries", "show", delivery["id"].as_str().unwrap()]);
    show(leader).is(0).says(&["tells also: China → Japan", "tells also: China → US"]);
    show(told[0]).is(0).says(&["told by msg_"]);
    sandbox.run(&["deliveries"]).is(0).says(&["told by msg_"]);
}

#[test]
fn a_release_may_be_one_message_over_all_rules_or_each_by_itself() {
    for (group, expected) in [
        ("group = \"release\"", vec!["4 alerts of 2 rules fired"]),
        ("group = \"none\"", vec!["China → Germany", "China → Germany", "China → Japan", "China → US"]),
    ] {
        let hook = Hook::start();
        let sandbox = scene(3, group, &[("hook", webhook("hook", &hook.url()))]);
        once(&sandbox, 0);
        let mut told = titles(&hook);
        told.iter_mut().for_each(|title| *title = title.split(" exports").next().unwrap().to_owned());
        told.sort();
        assert_eq!(told, expected, "{group}");
    }
}

#[test]
fn what_is_told_together_is_told_the_same_after_a_kill() {
    let (hook, gate) = (Hook::start(), Gate::default());
    let sandbox = scene(3, "group = \"release\"", &[("hook", webhook("hook", &hook.url()))]);
    hook.answer_with([Answer::ok("ok").behind(&gate)]);
    killed(&sandbox, &hook);
    gate.open();
    assert!(sandbox.json(&["deliveries"]).iter().all(|delivery| delivery["state"] == "pending"));
    once(&sandbox, 0).says(&["1 message delivered"]);
    let posts = hook.posts();
    assert_eq!((posts.len(), id(&posts[1])), (2, id(&posts[0])));
    assert_eq!(posts[1].body, posts[0].body);
    assert_eq!(posts[1].header("supplywatch-attempt"), Some("2"));
    assert!(sandbox.json(&["deliveries"]).iter().all(|delivery| delivery["state"] == "sent"));
}

#[test]
fn what_is_over_before_it_could_be_sent_is_one_message() {
    let hook = Hook::start();
    let sandbox = magnets(&[("hook", webhook("hook", &hook.url()))]);
    hook.answer_with([Answer::new(503, "later")]);
    once(&sandbox, 1);
    sandbox.write("config/magnets.csv", format!("{MAGNETS}{BETTER}"));
    once(&sandbox, 0).says(&["1 message delivered"]);
    let told = titles(&hook);
    assert!(told[1].starts_with("Fired and resolved: China → US exports"), "{told:?}");
    let body = hook.posts()[1].json();
    let last = &body["data"];
    assert!(last["said"]["title"].as_str().unwrap().contains("fell for at least 2 months"), "{last}");
    let [end, beginning] = &sandbox.json(&["deliveries"])[..] else { panic!("two deliveries") };
    assert_eq!((&end["state"], &beginning["state"]), (&json!("sent"), &json!("superseded")));
    assert_eq!(beginning["told_by"], end["id"]);
    let shown = sandbox.run(&["deliveries", "show", beginning["id"].as_str().unwrap()]);
    shown.is(0).says(&["superseded", "by then it was over, and the end tells both", "told by msg_"]);
}
