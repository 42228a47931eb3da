//! The verbs and their exit codes: 0 all is well, 1 a feed or a delivery failed, 2 wrong usage, 70 the
//! program cannot go on, 78 the configuration is wrong.

use serde_json::{Value, json};

use super::hook::{Hook, id};
use super::http::Answer;
use super::sandbox::{Ended, Sandbox};
use super::scene::{BETTER, DESK, MAGNETS, WORSE, file_feed, magnets, once, rule, webhook};

/// The keys of an object, sorted.
fn keys(value: &Value) -> Vec<String> {
    let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
    keys.sort();
    keys
}

/// A config with these parts beside a feed, a rule and the console is refused in these words.
#[track_caller]
fn refused(change: impl Fn(String) -> String, phrases: &[&str]) -> Ended {
    let config = [file_feed("magnets"), rule("magnets", &["desk"]), DESK.to_owned()].concat();
    let sandbox = Sandbox::with_config(&change(config));
    sandbox.write("config/magnets.csv", MAGNETS);
    let before = sandbox.contents();
    for arguments in [&["check"][..], &["run", "--once"], &["dry-run"], &["run"]] {
        sandbox.run(arguments).is(78).says(phrases);
    }
    assert_eq!(sandbox.contents(), before);
    sandbox.run(&["check"])
}

/// One text in the config replaced by another.
#[track_caller]
fn replaced(from: &str, to: &str, phrases: &[&str]) {
    refused(|config| config.replace(from, to), &[&["config/supplywatch.toml"], phrases].concat());
}

#[test]
fn a_rule_that_names_what_is_not_there_is_refused_with_the_nearest_name() {
    replaced("feed = \"magnets\"", "feed = \"magnet\"", &["`magnet`", "`magnets`"]);
    replaced("[\"desk\"]", "[\"disk\"]", &["`disk`", "`desk`"]);
    replaced("feed = \"magnets\" }", "feed = \"magnets\", partnr = \"US\" }", &["`partnr`", "`partner`"]);
    replaced("declines >= 2", "declins >= 2", &["`declins`", "`declines`"]);
    replaced("declines >= 2", "value < 400 tt", &["`tt`"]);
}

#[test]
fn a_rule_that_cannot_mean_what_it_says_is_refused_with_what_to_write() {
    replaced("declines >= 2", "change_since(2025-Q3) > 10%", &["2025-Q3", "month"]);
    replaced("declines >= 2", "yoy < -25", &["-25%"]);
    replaced("declines >= 2", "value < 400", &["400 t"]);
    replaced("declines >= 2", "value < 400 CNY", &["CNY"]);
    replaced("declines >= 2", "declines >=", &["expected"]);
    replaced("declines >= 2", "change(1, 2) > 10%", &["change"]);
    replaced("\"critical\"", "\"terrible\"", &["`terrible`", "critical"]);
}

#[test]
fn a_feed_that_cannot_be_read_is_refused() {
    replaced("path = ", "schedule = \"0 25 * * *\"\npath = ", &["schedule", "25"]);
    replaced("path = ", "timezone = \"Asia/Shanghia\"\npath = ", &["Asia/Shanghai"]);
    replaced("\"month\"", "\"monthly\"", &["`monthly`", "month"]);
    replaced("unit = \"t\"", "unit = \"tonz\"", &["tonz"]);
    replaced("kind = \"csv\"", "kind = \"csw\"", &["csw", "csv"]);
    replaced("kind = \"csv\"\n", "", &["kind"]);
    replaced("path = \"magnets.csv\"", "", &["path", "url"]);
    replaced("path = ", "patj = \"x\"\npath = ", &["patj", "path"]);
    replaced("path = \"magnets.csv\"", "url = \"http://example.org/m.csv\"", &["insecure"]);
}

#[test]
fn a_receiver_that_cannot_be_reached_is_refused() {
    fn hook(text: &str) -> impl Fn(String) -> String {
        move |config| format!("{config}[receiver.hook]\nkind = \"webhook\"\n{text}\n")
    }
    refused(hook("url = { env = \"HOOK_URL\" }"), &["HOOK_URL"]);
    refused(hook("url = { credential = \"hook-url\" }"), &["hook-url"]);
    refused(hook("url = { file = \"hook-url\" }"), &["hook-url"]);
    refused(hook("url = \"http://hooks.example/in\""), &["insecure"]);
    refused(hook("url = \"https://hooks.example/in\"\nsecret = \"whsec_!\""), &["secret"])
        .says_nothing_of(&["whsec_!"]);
    refused(hook(""), &["url"]);
}

#[test]
fn a_file_that_is_no_toml_is_refused_with_its_place() {
    refused(|config| format!("{config}[feed.x\n"), &["config/supplywatch.toml", "[feed.x"]);
    refused(|config| format!("{config}[rulez.x]\n"), &["rulez", "rule"]);
    refused(|config| format!("[daemon]\nstate = \"mysql://x\"\n{config}"), &["sqlite:"]);
    refused(
        |config| format!("[daemon]\ninclude = [\"rules/*.toml\"]\n{config}[rule.magnets-falling]\n"),
        &["magnets-falling"],
    );
}

#[test]
fn every_problem_is_told_at_once() {
    let ended = refused(
        |config| {
            config
                .replace("declines >= 2", "declins >= 2")
                .replace("\"month\"", "\"mouth\"")
                .replace("[\"desk\"]", "[\"disk\"]")
        },
        &["`declins`", "`mouth`", "`disk`", "3 "],
    );
    let json = Sandbox::with_config(&[file_feed("magnets"), rule("magnet", &["disk"]), DESK.to_owned()].concat());
    let problems = json.run(&["check", "--format", "json"]);
    problems.is(78);
    let lines: Vec<Value> = problems.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.len() >= 2, "{ended}{problems}");
}

#[test]
fn included_rules_are_read_from_beside_the_config() {
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    let config = sandbox.read("config/supplywatch.toml");
    sandbox.write("config/supplywatch.toml", format!("[daemon]\ninclude = [\"rules/*.toml\"]\n\n{config}"));
    sandbox.write("config/rules/more.toml", rule("magnets", &["desk"]).replace("magnets-falling", "second"));
    sandbox.run(&["check"]).is(0).says(&["1 feed, 2 rules, 1 receiver"]);
    once(&sandbox, 0).says(&["2 alerts changed"]);
    let broken = rule("magnets", &["desk"]).replace("magnets-falling", "second").replace("declines", "declins");
    sandbox.write("config/rules/more.toml", broken);
    sandbox.run(&["check"]).is(78).says(&["rules/more.toml", "`declins`"]);
}

#[test]
fn the_config_is_found_in_its_order_and_named() {
    let mut sandbox = magnets(&[("desk", DESK.to_owned())]);
    sandbox.run(&["check"]).is(0).says(&["config: ", "config/supplywatch.toml"]);
    sandbox.write("other/a.toml", DESK);
    sandbox.write("other/b.toml", DESK);
    sandbox.set("SUPPLYWATCH_CONFIG", "other/a.toml");
    sandbox.run(&["check"]).is(0).says(&["config: other/a.toml", "0 feeds"]);
    sandbox.run(&["check", "--config", "other/b.toml"]).is(0).says(&["config: other/b.toml"]);
    sandbox.run(&["check", "--config", "other/c.toml"]).is(78).says(&["other/c.toml"]);
    Sandbox::new().run(&["check"]).is(78).says(&[
        "config/supplywatch.toml",
        "/etc/supplywatch/supplywatch.toml",
        "--config",
    ]);
}

#[test]
fn wrong_usage_ends_with_2() {
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    once(&sandbox, 0);
    sandbox.run(&["run", "--twice"]).is(2).says(&["--twice"]);
    sandbox.run(&[]).is(2);
    sandbox.run(&["explain", "magnets-faling"]).is(2).says(&["`magnets-faling`", "did you mean `magnets-falling`?"]);
    sandbox.run(&["explain", "magnets-falling", "partner"]).is(2).says(&["LABEL=VALUE"]);
    sandbox.run(&["explain", "magnets-falling", "--period", "soon"]).is(2).says(&["soon"]);
    sandbox.run(&["explain", "magnets-falling", "--period", "2025-Q3"]).is(2).says(&["2025-Q3", "month"]);
    sandbox.run(&["dry-run", "--rule", "nothing"]).is(2).says(&["`nothing`"]);
}

#[test]
fn a_failing_feed_ends_with_1_and_is_named_while_the_others_go_on() {
    let config = [file_feed("magnets"), file_feed("missing"), rule("magnets", &["desk"]), DESK.to_owned()].concat();
    let sandbox = Sandbox::with_config(&config);
    sandbox.write("config/magnets.csv", MAGNETS);
    once(&sandbox, 1).says(&["feed missing: failed", "missing.csv", "feed magnets: 3 new", "1 message delivered"]);
    sandbox.run(&["dry-run"]).is(1).says(&["feed missing: failed"]);
    let ended = sandbox.run(&["run", "--once", "--format", "json"]);
    ended.is(1);
    let lines: Vec<Value> = ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let missing = lines.iter().find(|line| line["feed"] == "missing").unwrap();
    assert_eq!((&missing["type"], &missing["outcome"]), (&json!("pull"), &json!("failed")));
    let magnets = lines.iter().find(|line| line["feed"] == "magnets").unwrap();
    assert_eq!((&magnets["outcome"], &magnets["unchanged"]), (&json!("stored"), &json!(3)));
}

#[test]
fn a_state_that_cannot_be_used_ends_with_70_and_says_why() {
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    sandbox.write(
        "supplywatch.db",
        "this is a letter, not a database, and it is longer than a hundred characters so that it has a header",
    );
    once(&sandbox, 70).says(&["supplywatch.db", "is no SQLite database"]);
    let letter = sandbox.read("supplywatch.db");
    assert!(letter.starts_with("this is a letter"), "a foreign file was overwritten");

    let config = sandbox.read("config/supplywatch.toml");
    sandbox.write("config/supplywatch.toml", format!("[daemon]\nstate = \"sqlite:nowhere/at/all.db\"\n{config}"));
    once(&sandbox, 70).says(&["nowhere/at/all.db"]);
}

#[test]
fn a_state_of_a_newer_version_and_a_damaged_one_are_left_alone() {
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    once(&sandbox, 0);
    let path = sandbox.path("supplywatch.db");
    let good = std::fs::read(&path).unwrap();
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 9999).unwrap();
    newer.close().unwrap();
    for arguments in [&["run", "--once"][..], &["alerts"], &["dry-run"]] {
        sandbox.run(arguments).is(70).says(&["supplywatch.db", "newer supplywatch (schema 9999"]);
    }

    let mut damaged = good.clone();
    let middle = damaged.len() / 2;
    damaged[4096..middle].fill(0xA5);
    std::fs::write(&path, &damaged).unwrap();
    once(&sandbox, 70).says(&["supplywatch.db", "damaged", "restore a backup"]);
    assert_eq!(std::fs::read(&path).unwrap(), damaged, "a damaged file was written to");

    std::fs::write(&path, good).unwrap();
    once(&sandbox, 0).says(&["3 unchanged", "0 messages delivered"]);
}

#[test]
fn the_state_is_where_the_config_or_systemd_says() {
    let mut sandbox = magnets(&[("desk", DESK.to_owned())]);
    let config = sandbox.read("config/supplywatch.toml");
    once(&sandbox, 0);
    assert!(sandbox.path("supplywatch.db").exists());
    std::fs::create_dir(sandbox.path("state")).unwrap();
    sandbox.set("STATE_DIRECTORY", sandbox.path("state").to_str().unwrap());
    once(&sandbox, 0).says(&["1 message delivered"]);
    assert!(sandbox.path("state/supplywatch.db").exists());
    sandbox.write("config/supplywatch.toml", format!("[daemon]\nstate = \"sqlite:here.db\"\n{config}"));
    once(&sandbox, 0).says(&["1 message delivered"]);
    assert!(sandbox.path("config/here.db").exists());
}

#[test]
fn dry_run_in_json_says_one_assessment_a_line() {
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    sandbox.write("config/magnets.csv", format!("{MAGNETS}2025-09,DE,1288\n"));
    let before = sandbox.contents();
    let lines = sandbox.json(&["dry-run"]);
    assert_eq!(sandbox.contents(), before);
    assert_eq!(lines.len(), 2, "{lines:#?}");
    let expected = ["gates", "labels", "period", "reason", "receivers", "rule", "transition", "verdict"];
    lines.iter().for_each(|line| assert_eq!(keys(line), expected));
    let of = |partner: &str| lines.iter().find(|line| line["labels"]["partner"] == partner).unwrap();
    let us = of("US");
    assert_eq!((&us["rule"], &us["period"]), (&json!("magnets-falling"), &json!("2025-09")));
    assert_eq!((&us["verdict"], &us["reason"], &us["transition"]), (&json!("holds"), &Value::Null, &json!("fired")));
    assert_eq!(us["receivers"], json!(["desk"]));
    assert_eq!(us["labels"], json!({"feed": "magnets", "flow": "export", "partner": "US", "reporter": "CN"}));
    assert_eq!((&us["gates"][0]["text"], &us["gates"][0]["verdict"]), (&json!("declines >= 2"), &json!("holds")));
    let de = of("DE");
    assert_eq!((&de["verdict"], &de["transition"], &de["receivers"]), (&json!("unknown"), &Value::Null, &json!([])));
    assert!(de["reason"].as_str().unwrap().contains("2025-08"), "{de}");

    once(&sandbox, 0);
    let after = sandbox.json(&["dry-run"]);
    assert!(after.iter().all(|line| line["transition"].is_null()), "{after:#?}");
    assert_eq!(after.iter().filter(|line| line["verdict"] == "holds").count(), 1);
}

#[test]
fn dry_run_reads_a_feed_from_a_file_in_its_place() {
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    once(&sandbox, 0);
    sandbox.write("october.csv", format!("{MAGNETS}{WORSE}"));
    let offline = ["dry-run", "--offline", "--feed", "magnets=october.csv"];
    sandbox.run(&offline).is(0).says(&["400 t in October 2025", "1 message would be sent"]);
    sandbox.run(&["dry-run"]).is(0).says(&["Nothing would be sent"]);
    sandbox.run(&["dry-run", "--feed", "magnet=october.csv"]).is(2).says(&["did you mean `magnets`?"]);
    sandbox.run(&["dry-run", "--feed", "october.csv"]).is(2).says(&["expected NAME=FILE"]);
}

#[test]
fn explain_shows_every_figure_behind_a_verdict() {
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    sandbox.run(&["explain", "magnets-falling"]).is(1).says(&["nothing is stored yet", "run --once"]);
    once(&sandbox, 0);
    let explained = sandbox.stdout(&["explain", "magnets-falling", "partner=US"]);
    for told in [
        "at September 2025: holds",
        "when declines >= 2",
        "2025-07 619 t",
        "2025-08 590 t",
        "2025-09 420.5 t",
        "`desk`",
    ] {
        assert!(explained.contains(told), "{told}\n{explained}");
    }
    let august = sandbox.stdout(&["explain", "magnets-falling", "--period", "2025-08"]);
    assert!(august.contains("at August 2025: unknown") || august.contains("at August 2025: fails"), "{august}");
    assert!(august.contains("the latest period is 2025-09") && !august.contains("420.5"), "{august}");
    let json = &sandbox.json(&["explain", "magnets-falling"])[0];
    assert_eq!((&json["verdict"], &json["period"], &json["unit"]), (&json!("holds"), &json!("2025-09"), &json!("t")));
    assert_eq!(json["gates"][0]["text"], "declines >= 2");
    sandbox.run(&["explain", "magnets-falling", "partner=DE"]).is(1).says(&["none of the 1 series"]);
}

#[test]
fn explain_says_how_far_a_rule_is_from_firing_and_what_was_known_then() {
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    once(&sandbox, 0);
    let explained = sandbox.stdout(&["explain", "magnets-falling"]);
    assert!(explained.contains("fires below 590 t, now 420.5 t"), "{explained}");
    let august = sandbox.json(&["explain", "magnets-falling", "--period", "2025-08"]);
    assert_eq!(august[0]["distances"], json!([]), "September is known, and August alone changes nothing");
    let distances = &sandbox.json(&["explain", "magnets-falling"])[0]["distances"];
    let expected = json!([{"severity": null, "period": "2025-09", "now": 420.5, "thresholds": [{"fires": "below", "value": 590.0}]}]);
    assert_eq!(distances, &expected);

    let config = sandbox.read("config/supplywatch.toml");
    let gates = "when = [\"declines >= 1\", \"value < 400 t\"]";
    sandbox.write("config/supplywatch.toml", config.replace("when = \"declines >= 2\"", gates));
    let near = sandbox.stdout(&["explain", "magnets-falling"]);
    for told in [
        "when declines >= 1 → holds",
        "when value < 400 t → fails",
        "    holds below 400 t, now 420.5 t",
        "1 of 2 gates hold; fires below 400 t, now 420.5 t",
    ] {
        assert!(near.contains(told), "{told}\n{near}");
    }

    let levels = "warning = \"declines >= 2\"\ncritical = \"value < 400 t\"\nmin_base = \"600 t\"\nstatus = \"final\"";
    let config = config.replace("when = \"declines >= 2\"", levels).replace("severity = \"critical\"\n", "");
    sandbox.write("config/supplywatch.toml", config);
    let levels = sandbox.stdout(&["explain", "magnets-falling"]);
    for told in [
        "warning declines >= 2 → unknown",
        "critical value < 400 t → fails",
        "is critical below 400 t, now 420.5 t",
        "min_base 600 t keeps 1 measure quiet",
    ] {
        assert!(levels.contains(told), "{told}\n{levels}");
    }

    sandbox.run(&["explain", "magnets-falling", "--as-of", "1999-01-01"]).is(0).says(&["nothing was known"]);
    let then = sandbox.stdout(&["explain", "magnets-falling", "--as-of", "2099-01-01T00:00:00Z"]);
    assert!(then.contains("as it was known at 2099-01-01T00:00:00Z") && then.contains("420.5 t"), "{then}");
    sandbox.run(&["explain", "magnets-falling", "--as-of", "yesterday"]).is(2).says(&["expected a day such as"]);
}

#[test]
fn alerts_lists_what_fires_and_what_waits() {
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    sandbox.run(&["alerts"]).is(0).says(&["No alert fires"]);
    once(&sandbox, 0);
    sandbox.run(&["alerts"]).is(0).says(&[
        "firing",
        "critical",
        "2025-09",
        "magnets-falling",
        "partner=\"US\"",
        "420.5 t",
    ]);
    let firing = &sandbox.json(&["alerts"])[0];
    assert_eq!(
        (&firing["state"], &firing["since"], &firing["held"]),
        (&json!("firing"), &json!("2025-09"), &Value::Null)
    );
    assert_eq!((&firing["episode"], &firing["number"]), (&json!(1), &json!(1)));

    // October is missing: the alert is held as it was, and says what it waits for.
    sandbox.write("config/magnets.csv", format!("{MAGNETS}2025-11,US,700\n"));
    once(&sandbox, 0).says(&["0 alerts changed, 0 messages delivered"]);
    sandbox.run(&["alerts"]).is(0).says(&["firing, held", "2025-10"]);
    sandbox.write("config/magnets.csv", format!("{MAGNETS}{BETTER}2025-11,US,700\n"));
    once(&sandbox, 0).says(&["1 alert changed"]);
    sandbox.run(&["alerts"]).is(0).says(&["No alert fires"]);
    assert_eq!(sandbox.json(&["alerts", "--all"])[0]["state"], "ok");
}

#[test]
fn a_dead_letter_is_listed_and_sent_again_under_its_id() {
    let hook = Hook::start();
    let sandbox = magnets(&[("desk", DESK.to_owned()), ("hook", webhook("hook", &hook.url()))]);
    sandbox.run(&["deliveries"]).is(0).says(&["No deliveries."]);
    hook.answer_with([Answer::new(400, "unknown field `alert`")]);
    once(&sandbox, 1).says(&["not delivered to hook, given up", "400"]);

    let all = sandbox.json(&["deliveries"]);
    assert_eq!(all.len(), 2);
    let failed = sandbox.json(&["deliveries", "--failed"]);
    assert_eq!((failed.len(), &failed[0]["state"], &failed[0]["receiver"]), (1, &json!("dead"), &json!("hook")));
    assert_eq!((&failed[0]["attempts"], &failed[0]["transition"]), (&json!(1), &json!("fired")));
    assert!(failed[0]["last_error"].as_str().unwrap().contains("400"));
    let message = failed[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(message, id(&hook.posts()[0]));
    sandbox.run(&["deliveries", "--failed"]).is(0).says(&[message.as_str(), "dead", "hook"]).says_nothing_of(&["desk"]);

    once(&sandbox, 0).says(&["0 messages delivered"]);
    assert_eq!(hook.posts().len(), 1, "a dead letter was sent by itself");
    sandbox.run(&["deliveries", "retry", "msg_0000"]).is(1).says(&["msg_0000"]);
    sandbox.run(&["deliveries", "retry", &message[..12]]).is(0).says(&[message.as_str(), "is due now"]);
    once(&sandbox, 0).says(&["1 message delivered"]);
    assert_eq!(hook.posts().iter().map(id).collect::<Vec<_>>(), [message.clone(), message.clone()]);
    assert_eq!(sandbox.json(&["deliveries"]).iter().filter(|delivery| delivery["state"] == "sent").count(), 2);
    // What was sent is not sent again by hand either: its receiver has it.
    sandbox.run(&["deliveries", "retry", &message]).is(1).says(&[message.as_str()]);
}

#[test]
fn a_rule_that_is_taken_away_lapses_and_a_new_one_looks_at_the_latest_period() {
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    once(&sandbox, 0).says(&["1 alert changed"]);
    let config = sandbox.read("config/supplywatch.toml");
    sandbox.write("config/supplywatch.toml", config.replace("magnets-falling", "exports-falling"));
    let ended = once(&sandbox, 0);
    ended.says(&["its rule was removed"]);
    assert_eq!(sandbox.json(&["alerts"])[0]["rule"], "exports-falling", "{ended}");
    sandbox.write("config/magnets.csv", format!("{MAGNETS}{WORSE}"));
    once(&sandbox, 0).says(&["1 alert changed, 1 message delivered"]);
}
