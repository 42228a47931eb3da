//! `check --against-live`: what a reload would change of a daemon's config and of its alerts, beside it and without it;
//! and that the log of the reload says the same.

use std::collections::BTreeSet;

use serde_json::Value;

use super::hook::Hook;
use super::sandbox::{Daemon, Sandbox, Signal};
use super::scene::{DESK, MAGNETS, magnets, once, rule, webhook};

/// Of each rule: what it opens, closes, changes and leaves, by partner; then the sum.
fn difference(sandbox: &Sandbox, arguments: &[&str]) -> Vec<String> {
    let mut lines = sandbox.json(&[&["check", "--against-live"], arguments].concat());
    lines.retain(|line| ["rule", "summary"].contains(&line["type"].as_str().unwrap()));
    let partners = |moved: &Value| {
        let of = |moved: &Value| {
            let (before, after) = (moved["before"].as_str(), moved["after"].as_str());
            let anew = if moved["anew"] == true { " anew" } else { "" };
            let partner = moved["labels"]["partner"].as_str().unwrap();
            format!("{partner} {}→{}{anew}", before.unwrap_or("ok"), after.unwrap_or("ok"))
        };
        moved.as_array().unwrap().iter().map(of).collect::<Vec<_>>().join(", ")
    };
    let told = |line: &Value| match line["type"].as_str().unwrap() {
        "rule" => {
            let [opens, closes, changes, stays] =
                ["opens", "closes", "changes", "stays"].map(|key| partners(&line[key]));
            let (rule, series) = (line["rule"].as_str().unwrap(), &line["series"]);
            format!("{rule} of {series}: +[{opens}] -[{closes}] ~[{changes}] =[{stays}]")
        }
        _ => format!("{} {} {} {}", line["opens"], line["closes"], line["changes"], line["stays"]),
    };
    lines.iter().map(told).collect()
}

fn edit(sandbox: &Sandbox, from: &str, to: &str) {
    let config = sandbox.read("config/supplywatch.toml");
    assert!(config.contains(from), "{config}");
    sandbox.write("config/supplywatch.toml", config.replace(from, to));
}

/// A rule that fires on the US, and three partners of which none fires on less than two declines.
fn pulled() -> Sandbox {
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    let others = "2025-07,DE,5\n2025-08,DE,6\n2025-09,DE,4\n2025-07,JP,5\n2025-08,JP,6\n2025-09,JP,7\n";
    sandbox.write("config/magnets.csv", format!("{MAGNETS}{others}"));
    once(&sandbox, 0);
    sandbox
}

#[test]
fn edited_rules_are_held_against_the_live_alerts() {
    let sandbox = pulled();
    assert_eq!(difference(&sandbox, &[]), ["magnets-falling of 3: +[] -[] ~[] =[US critical→critical]", "0 0 0 1"]);
    edit(&sandbox, "severity = \"critical\"", "severity = \"warning\"");
    // What is not pulled is not looked at.
    sandbox.write("config/magnets.csv", "period,partner,tonnes\n");
    let before = sandbox.contents();
    assert_eq!(difference(&sandbox, &[])[0], "magnets-falling of 3: +[] -[] ~[] =[US critical→critical]");
    edit(&sandbox, "declines >= 2", "declines >= 1");
    let both = "magnets-falling of 3: +[DE ok→warning] -[] ~[US critical→warning anew] =[]";
    assert_eq!(difference(&sandbox, &[]), [both, "1 0 1 0"]);
    edit(&sandbox, "declines >= 1", "declines >= 3");
    assert_eq!(difference(&sandbox, &[]), ["magnets-falling of 3: +[] -[US critical→ok] ~[] =[]", "0 1 0 0"]);
    let elsewhere = rule("magnets", &["desk"]).replace("\"magnets\" }", "\"magnets\", partner = \"FR\" }");
    edit(&sandbox, "[rule.magnets-falling]", &format!("{}[rule.other]", elsewhere.replace("-falling", "-to-fr")));
    let gone = "magnets-falling of 0: +[] -[US critical→ok] ~[] =[]";
    let all = ["magnets-to-fr of 0: +[] -[] ~[] =[]", "other of 3: +[] -[] ~[] =[]", gone, "0 1 0 0"];
    assert_eq!(difference(&sandbox, &[]), all);
    assert_eq!(difference(&sandbox, &["--rule", "other"]), ["other of 3: +[] -[] ~[] =[]", "0 0 0 0"]);
    sandbox.run(&["check", "--against-live"]).is(0).says(&[
        "no daemon runs on this state",
        "magnets-to-fr: opens 0, closes 0, changes 0, stays 0 (matches no series)",
        "magnets-falling: opens 0, closes 1, changes 0, stays 0 (not in the config any more)",
        "partner=\"US\", reporter=\"CN\"}: China → US exports: the alert ended because its rule was removed",
        "3 rules against the live state: opens 0, closes 1, changes 0, stays 0",
    ]);
    let config = sandbox.path("config/supplywatch.toml");
    let state = |(path, _): &(std::path::PathBuf, Vec<u8>)| *path != config;
    let kept = |files: Vec<(std::path::PathBuf, Vec<u8>)>| files.into_iter().filter(state).collect::<Vec<_>>();
    assert_eq!(kept(sandbox.contents()), kept(before), "looking changes nothing");
}

#[test]
fn it_disturbs_no_daemon_that_runs() {
    let hook = Hook::start();
    let sandbox = magnets(&[("hook", webhook("hook", &hook.url()))]);
    let mut daemon = sandbox.daemon();
    daemon.wait("READY=1");
    hook.wait(1);
    for _ in 0..3 {
        let told = difference(&sandbox, &[]);
        assert_eq!(told, ["magnets-falling of 1: +[] -[] ~[] =[US critical→critical]", "0 0 0 1"]);
    }
    edit(&sandbox, "declines >= 2", "declines >= 9");
    assert_eq!(difference(&sandbox, &[])[1], "0 1 0 0");
    let ended = daemon.stop();
    ended.is(0).says_nothing_of(&["\"level\":\"WARN\"", "\"level\":\"ERROR\""]);
    assert_eq!(hook.posts().len(), 1, "nothing was sent for looking");
}

#[test]
fn a_store_that_cannot_be_looked_at_is_told() {
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    let refused =
        |code, phrases: &[&str]| sandbox.run(&["check", "--against-live"]).is(code).says(phrases).stdout.clone();
    let told = refused(70, &["there is no store at", "`supplywatch run` makes it"]);
    assert_eq!(told.lines().count(), 1, "nothing but that the config is good: {told}");
    let state = "supplywatch.db";
    sandbox.write(state, "no database at all");
    refused(70, &["is no SQLite database"]);
    std::fs::remove_file(sandbox.path(state)).unwrap();
    once(&sandbox, 0);
    assert!(sandbox.path(state).exists());
    sandbox.run(&["check", "--rule", "magnets-falling"]).is(2).says(&["--against-live"]);
    sandbox.run(&["check", "--against-live", "--rule", "magnets-faling"]).is(2).says(&["`magnets-falling`"]);
    // The schema's number stands in the header of the file.
    let mut bytes = std::fs::read(sandbox.path(state)).unwrap();
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    sandbox.write(state, bytes);
    refused(70, &["was made by a newer supplywatch (schema 99; this one knows"]);
}

/// A daemon that tells a hook and logs for programs.
fn daemon() -> (Sandbox, Hook, Daemon) {
    let hook = Hook::start();
    let sandbox = magnets(&[("hook", webhook("hook", &hook.url()))]);
    let mut daemon = sandbox.daemon_with(&["--log-format", "json"], &[]);
    daemon.wait("READY=1");
    hook.wait(1);
    (sandbox, hook, daemon)
}

/// What the log says that reloads changed: items with their keys, and alerts.
fn logged(log: &str) -> [BTreeSet<String>; 2] {
    // Beside the log there is what is said to whoever starts it.
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let lines: Vec<Value> = lines.filter(|line| line["message"].as_str().unwrap().starts_with("reload: ")).collect();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let item = |line: &Value| {
        let kind = text(&line["item"]);
        let name = line.get(&kind).map(text).unwrap_or_default();
        format!("{kind} {name} {} {}", text(&line["change"]), text(&line["keys"]))
    };
    let alert = |line: &Value| format!("{} {} {}", text(&line["rule"]), text(&line["alert"]), text(&line["change"]));
    let items = lines.iter().filter(|line| line["item"].is_string() && line["change"].is_string()).map(item);
    [items.collect(), lines.iter().filter(|line| line["alert"].is_string()).map(alert).collect()]
}

/// What `check --against-live` says that a reload would change, in the same words.
fn foretold(sandbox: &Sandbox) -> [BTreeSet<String>; 2] {
    let lines = sandbox.json(&["check", "--against-live"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let item = |line: &Value| {
        let keys: Vec<String> = line["keys"].as_array().unwrap().iter().map(|key| text(&key["key"])).collect();
        format!("{} {} {} {}", text(&line["kind"]), text(&line["name"]), text(&line["change"]), keys.join(", "))
    };
    let mut alerts = BTreeSet::new();
    for line in lines.iter().filter(|line| line["type"] == "rule") {
        for change in ["opens", "closes", "changes"] {
            let of = |moved: &Value| format!("{} {} {change}", text(&line["rule"]), text(&moved["id"]));
            alerts.extend(line[change].as_array().unwrap().iter().map(of));
        }
    }
    [lines.iter().filter(|line| line["type"] == "item").map(item).collect(), alerts]
}

#[test]
fn the_log_of_a_reload_says_what_was_foretold() {
    let (sandbox, hook, mut daemon) = daemon();
    assert_eq!(foretold(&sandbox), [BTreeSet::new(), BTreeSet::new()]);
    let low = rule("magnets", &["hook"]).replace("magnets-falling", "low").replace("declines >= 2", "value < 500 t");
    let config = sandbox.read("config/supplywatch.toml").replace("declines >= 2", "declines >= 9");
    sandbox.write("config/supplywatch.toml", format!("{config}{low}{DESK}[web]\nhosts = [\"a.example\"]\n"));
    let foretold = foretold(&sandbox);
    let items = ["receiver desk added ", "rule low added ", "rule magnets-falling changed when", "web  changed hosts"];
    assert_eq!(foretold[0].iter().map(String::as_str).collect::<Vec<_>>(), items);
    let moves: Vec<&str> = foretold[1].iter().filter_map(|alert| alert.rsplit(' ').next()).collect();
    assert_eq!(moves, ["opens", "closes"], "{foretold:?}");
    sandbox.run(&["check", "--against-live"]).is(0).says(&[
        "rule magnets-falling changed: when\n  when: \"declines >= 2\" → \"declines >= 9\"",
        "config against the running daemon: [web] changed, 1 rule added, 1 rule changed, 1 receiver added",
        "2 rules against the live state: opens 1, closes 1, changes 0, stays 0",
    ]);
    daemon.signal(Signal::HUP);
    daemon.wait("RELOADING=1");
    let said = daemon.wait("READY=1");
    assert!(said.contains("; reload: [web] changed, 1 rule added, 1 rule changed, 1 receiver added"), "{said}");
    hook.wait(2);
    // Now it runs with it.
    assert_eq!(self::foretold(&sandbox), [BTreeSet::new(), BTreeSet::new()]);
    daemon.signal(Signal::HUP);
    daemon.wait("RELOADING=1");
    let said = daemon.wait("READY=1");
    assert!(said.contains("; reload: nothing changed"), "{said}");
    let ended = daemon.stop();
    assert_eq!(logged(&ended.is(0).stderr), foretold);
}

#[test]
fn what_a_reload_would_refuse_or_leave_is_said() {
    let (sandbox, _hook, daemon) = daemon();
    let config = sandbox.read("config/supplywatch.toml");
    sandbox.write("config/supplywatch.toml", format!("{config}[daemon]\ncontact = \"me@example.org\"\n"));
    sandbox.run(&["check", "--against-live"]).is(0).says(&[
        "[daemon] changed: contact (contact with the next start alone)",
        "secrets are compared by the daemon alone",
    ]);
    let socket = sandbox.path("supplywatch.db.sock");
    sandbox.write(
        "config/supplywatch.toml",
        format!("{config}[daemon]\nstate = \"sqlite:other.db\"\n[web]\nsocket = \"{}\"\n", socket.display()),
    );
    let refused = sandbox.run(&["check", "--against-live"]);
    refused.is(1).says(&["[daemon] changed: state", "would refuse the reload", "restart it"]);
    assert!(!sandbox.path("config/other.db").exists());
    daemon.stop().is(0);
}
