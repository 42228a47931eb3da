//! `dry-run --against-live`: what edited rules would do to the alerts of a daemon, beside it and without it.

use serde_json::Value;

use super::hook::Hook;
use super::sandbox::Sandbox;
use super::scene::{DESK, MAGNETS, magnets, once, rule, webhook};

/// Of each rule: what it opens, closes and leaves, by partner; then the sum.
fn difference(sandbox: &Sandbox, arguments: &[&str]) -> Vec<String> {
    let lines = sandbox.json(&[&["dry-run", "--against-live"], arguments].concat());
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
            let [opens, closes, stays] = ["opens", "closes", "stays"].map(|key| partners(&line[key]));
            format!("{} of {}: +[{opens}] -[{closes}] =[{stays}]", line["rule"].as_str().unwrap(), line["series"])
        }
        _ => format!("{} {} {}", line["opens"], line["closes"], line["stays"]),
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
    assert_eq!(difference(&sandbox, &[]), ["magnets-falling of 3: +[] -[] =[US critical→critical]", "0 0 1"]);
    edit(&sandbox, "severity = \"critical\"", "severity = \"warning\"");
    // What is not pulled is not looked at.
    sandbox.write("config/magnets.csv", "period,partner,tonnes\n");
    let before = sandbox.contents();
    assert_eq!(difference(&sandbox, &[])[0], "magnets-falling of 3: +[] -[] =[US critical→critical]");
    edit(&sandbox, "declines >= 2", "declines >= 1");
    let both = "magnets-falling of 3: +[DE ok→warning] -[] =[US critical→warning anew]";
    assert_eq!(difference(&sandbox, &[]), [both, "1 0 1"]);
    edit(&sandbox, "declines >= 1", "declines >= 3");
    assert_eq!(difference(&sandbox, &[]), ["magnets-falling of 3: +[] -[US critical→ok] =[]", "0 1 0"]);
    let elsewhere = rule("magnets", &["desk"]).replace("\"magnets\" }", "\"magnets\", partner = \"FR\" }");
    edit(&sandbox, "[rule.magnets-falling]", &format!("{}[rule.other]", elsewhere.replace("-falling", "-to-fr")));
    let gone = "magnets-falling of 0: +[] -[US critical→ok] =[]";
    let all = ["magnets-to-fr of 0: +[] -[] =[]", "other of 3: +[] -[] =[]", gone, "0 1 0"];
    assert_eq!(difference(&sandbox, &[]), all);
    assert_eq!(difference(&sandbox, &["--rule", "other"]), ["other of 3: +[] -[] =[]", "0 0 0"]);
    sandbox.run(&["dry-run", "--against-live"]).is(0).says(&[
        "magnets-to-fr: opens 0, closes 0, stays 0 (matches no series)",
        "magnets-falling: opens 0, closes 1, stays 0 (not in the config any more)",
        "partner=\"US\", reporter=\"CN\"}: China → US exports: the alert ended because its rule was removed",
        "3 rules against the live state: opens 0, closes 1, stays 0",
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
        assert_eq!(told, ["magnets-falling of 1: +[] -[] =[US critical→critical]", "0 0 1"]);
    }
    edit(&sandbox, "declines >= 2", "declines >= 9");
    assert_eq!(difference(&sandbox, &[])[1], "0 1 0");
    let ended = daemon.stop();
    ended.is(0).says_nothing_of(&["\"level\":\"WARN\"", "\"level\":\"ERROR\""]);
    assert_eq!(hook.posts().len(), 1, "nothing was sent for looking");
}

#[test]
fn a_store_that_cannot_be_looked_at_is_told() {
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    let refused =
        |code, phrases: &[&str]| sandbox.run(&["dry-run", "--against-live"]).is(code).says(phrases).stdout.clone();
    assert_eq!(refused(70, &["there is no store at", "`supplywatch run` makes it"]), "");
    let state = "supplywatch.db";
    sandbox.write(state, "no database at all");
    refused(70, &["is no SQLite database"]);
    std::fs::remove_file(sandbox.path(state)).unwrap();
    once(&sandbox, 0);
    assert!(sandbox.path(state).exists());
    sandbox.run(&["dry-run", "--against-live", "--feed", "magnets=x.csv"]).is(2).says(&["cannot be used with"]);
    sandbox.run(&["dry-run", "--against-live", "--rule", "magnets-faling"]).is(2).says(&["`magnets-falling`"]);
    // The schema's number stands in the header of the file.
    let mut bytes = std::fs::read(sandbox.path(state)).unwrap();
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    sandbox.write(state, bytes);
    refused(70, &["was made by a newer supplywatch (schema 99; this one knows"]);
}
