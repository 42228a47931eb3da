//! Killed at any moment, it loses nothing, and says nothing twice under another name.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;

use super::hook::{Hook, id};
use super::http::{Answer, Request};
use super::inbox::{Gate, PATIENCE};
use super::sandbox::{Process, Sandbox, Signal};
use super::scene::{magnets, once, webhook};

/// Partners whose exports each have an alert.
const PARTNERS: [&str; 6] = ["US", "DE", "JP", "KR", "VN", "IN"];
/// How often the program is killed.
const KILLS: usize = 20;

/// What a transition is, whatever its message's id: alert by its labels, number, kind and period.
type Transition = (String, u64, String, String);

/// The transitions that a message tells, its own first.
fn transitions(post: &Request) -> Vec<Transition> {
    let body = post.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let transition = |data: &Value| {
        let number = data["number"].as_u64().unwrap();
        (text(&data["alert"]["labels"]["partner"]), number, text(&data["transition"]), text(&data["period"]))
    };
    let others = body["data"]["others"].as_array().into_iter().flatten();
    std::iter::once(&body["data"]).chain(others).map(transition).collect()
}

/// The figures of so many months: each partner falls for a while and recovers, each in its own rhythm.
fn months(count: usize) -> String {
    let mut file = "period,partner,tonnes\n".to_owned();
    for month in 0..count {
        for (index, partner) in PARTNERS.iter().enumerate() {
            let step = (month + index) % 5;
            let tonnes = if step == 4 { 900 } else { 800 - 100 * step };
            file.push_str(&format!("{}-{:02},{partner},{tonnes}\n", 2020 + month / 12, month % 12 + 1));
        }
    }
    file
}

fn world(hook: &Hook) -> Sandbox {
    magnets(&[("hook", webhook("hook", &hook.url()))])
}

/// The ids under which each transition arrived.
fn ids(posts: &[Request]) -> BTreeMap<Transition, BTreeSet<String>> {
    let mut ids: BTreeMap<Transition, BTreeSet<String>> = BTreeMap::new();
    for post in posts {
        for transition in transitions(post) {
            ids.entry(transition).or_default().insert(id(post));
        }
    }
    ids
}

/// A seed from outside repeats a sequence of moments; the machine's timing it cannot repeat.
#[expect(clippy::disallowed_methods, reason = "a seed to repeat comes from whoever runs the test")]
fn seed() -> u64 {
    std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random)
}

#[test]
fn killed_at_random_moments_it_loses_no_transition_and_repeats_none_under_another_id() {
    let seed = seed();
    println!("repeat with SEED={seed}");
    let mut random = SmallRng::seed_from_u64(seed);
    let (hook, calm_hook) = (Hook::start(), Hook::start());
    let (sandbox, calm) = (world(&hook), world(&calm_hook));
    let mut killed = 0;
    let mut month = 3;
    while killed < KILLS {
        // Undisturbed, for what is expected, and for how long a run takes here.
        calm.write("config/magnets.csv", months(month));
        let begun = Instant::now();
        once(&calm, 0);
        let usual = begun.elapsed();

        sandbox.write("config/magnets.csv", months(month));
        let mut process = Process::spawn(sandbox.command(&["run", "--once"]));
        let moment = usual.mul_f64(random.random_range(0.0..1.0));
        if !process.ends_within(moment) {
            process.signal(Signal::KILL);
            killed += 1;
        }
        assert!(process.ends_within(PATIENCE), "it does not end");
        drop(process);
        once(&sandbox, 0);
        month += 1;
        assert!(month < 20 * KILLS, "the program is never caught in the act");
    }
    let expected: BTreeSet<Transition> = calm_hook.posts().iter().flat_map(transitions).collect();
    let arrived = ids(&hook.posts());
    assert!(expected.len() > 2 * KILLS, "only {} transitions", expected.len());
    assert_eq!(arrived.keys().cloned().collect::<BTreeSet<_>>(), expected, "SEED={seed}");
    let renamed: Vec<_> = arrived.iter().filter(|(_, ids)| ids.len() > 1).collect();
    assert!(renamed.is_empty(), "SEED={seed}: {renamed:#?}");
    let distinct: BTreeSet<&String> = arrived.values().flatten().collect();
    assert!(distinct.len() < arrived.len(), "SEED={seed}: none are told together");
    let bodies: BTreeSet<(String, Vec<u8>)> = hook.posts().iter().map(|post| (id(post), post.body.clone())).collect();
    assert_eq!(bodies.len(), distinct.len(), "SEED={seed}: a repeat says something else");
    in_order(&hook.posts(), seed);
}

/// The first arrivals of each alert's transitions are in their order.
#[track_caller]
fn in_order(posts: &[Request], seed: u64) {
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    for (partner, number, ..) in posts.iter().flat_map(transitions) {
        let newest = last.entry(partner.clone()).or_default();
        assert!(number <= *newest + 1, "SEED={seed}: {partner} skips from {newest} to {number}");
        *newest = number.max(*newest);
    }
}

/// Runs once, and is killed when its first message has arrived.
pub fn killed(sandbox: &Sandbox, hook: &Hook) {
    let process = Process::spawn(sandbox.command(&["run", "--once"]));
    hook.wait(1);
    process.signal(Signal::KILL);
    process.end();
}

#[test]
fn killed_after_the_receiver_has_it_the_message_comes_again_under_its_id() {
    let (hook, gate) = (Hook::start(), Gate::default());
    let sandbox = world(&hook);
    hook.answer_with([Answer::ok("ok").behind(&gate)]);
    killed(&sandbox, &hook);
    gate.open();
    assert_eq!(sandbox.json(&["deliveries"])[0]["state"], "pending");
    once(&sandbox, 0).says(&["1 message delivered"]);
    let posts = hook.posts();
    assert_eq!((posts.len(), id(&posts[1])), (2, id(&posts[0])));
    assert_eq!(posts[1].body, posts[0].body);
}

#[test]
fn a_daemon_that_was_killed_goes_on_where_it_was() {
    let (hook, gate) = (Hook::start(), Gate::default());
    let sandbox = world(&hook);
    hook.answer_with([Answer::ok("ok").behind(&gate)]);
    let mut daemon = sandbox.daemon();
    daemon.wait("READY=1");
    hook.wait(1);
    daemon.signal(Signal::KILL);
    daemon.process.end();
    gate.open();
    let mut daemon = sandbox.daemon();
    daemon.wait("READY=1");
    let posts = hook.wait(2);
    assert_eq!(id(&posts[1]), id(&posts[0]));
    daemon.stop().is(0);
}
