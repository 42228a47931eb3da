//! `store`: what is done to the store as a whole, beside a daemon and without one.

use super::hook::{Hook, id};
use super::http::Answer;
use super::sandbox::Sandbox;
use super::scene::{BETTER, DESK, MAGNETS, WORSE, magnets, once, webhook};

fn desk() -> Sandbox {
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    once(&sandbox, 0);
    sandbox
}

#[test]
fn the_store_is_looked_after_while_the_daemon_runs() {
    let sandbox = desk();
    let mut daemon = sandbox.daemon();
    daemon.wait("READY=1");
    sandbox.run(&["store", "check"]).is(0).says(&["schema ", "transition       1", "nothing is wrong"]);
    sandbox.run(&["store", "backup", "b.db"]).is(0).says(&["b.db: ", "checked, in "]);
    sandbox.run(&["store", "backup", "b.db"]).is(70).says(&["b.db is there already", "--force"]);
    sandbox.run(&["store", "export", "e.jsonl.gz"]).is(0).says(&["e.jsonl.gz: ", "rows of"]);
    for verb in [&["store", "restore", "b.db"][..], &["store", "vacuum"], &["store", "import", "e.jsonl.gz"]] {
        sandbox.run(verb).is(70).says(&["another supplywatch (process "]);
    }
    daemon.stop().is(0);
    let of_backup = sandbox.json(&["store", "check", "--state", "b.db"]);
    assert_eq!((&of_backup[0]["tables"]["transition"], &of_backup[0]["damages"]), (&1.into(), &serde_json::json!([])));
}

/// A timer has neither the service's secrets nor a config that is good.
#[test]
fn a_backup_needs_nothing_of_the_config_but_the_place() {
    let sandbox = desk();
    let config = sandbox.read("config/supplywatch.toml");
    let missing = "[receiver.x]\nkind = \"webhook\"\nurl = { credential = \"none\" }\nunknown = 1\n";
    sandbox.write("config/supplywatch.toml", format!("{config}{missing}"));
    sandbox.run(&["check"]).is(78);
    std::fs::create_dir(sandbox.path("backups")).unwrap();
    let made = sandbox.json(&["store", "backup", "backups", "--keep", "7"]);
    let name = made[0]["backup"].as_str().unwrap();
    assert!(name.contains("/backups/supplywatch-2") && name.ends_with("Z.db"), "{name}");
    assert_eq!(made[0]["removed"], serde_json::json!([]));
    sandbox.write("config/supplywatch.toml", "[daemon]\nstate = \"elsewhere\"\n");
    sandbox.run(&["store", "check"]).is(78).says(&["`state` does not say which kind of store"]);
    sandbox.run(&["store", "check", "--state", "supplywatch.db"]).is(0);
    sandbox.run(&["store", "check", "--state", "none.db"]).is(70).says(&["there is no store at none.db"]);
}

/// What stands on the command line, every user of the machine can read.
#[test]
fn a_password_has_no_place_on_the_command_line() {
    let sandbox = desk();
    let check = |state: &str| sandbox.run(&["store", "check", "--state", state]);
    let refused = check("postgres://watch:hunter22@db.example/state");
    refused.is(2).says(&["a password on the command line can be read", "PGPASSWORD", "--config"]);
    refused.says_nothing_of(&["hunter22"]);
    check("postgres://watch@db.example/state?sslmod=disable")
        .is(2)
        .says(&["`sslmod` is unknown; did you mean `sslmode`?"]);
    let wrong = check("postgres://watch:hunter/22@db.example/state");
    wrong.is(2).says(&["are written %25, %40"]).says_nothing_of(&["hunter"]);
}

#[test]
fn damage_is_told_with_exit_code_1() {
    let sandbox = desk();
    let mut bytes = std::fs::read(sandbox.path("supplywatch.db")).unwrap();
    let half = bytes.len() / 2 / 4096 * 4096;
    bytes[half..].fill(0xAB);
    sandbox.write("supplywatch.db", &bytes);
    sandbox.run(&["store", "check"]).is(1).says(&["damage: "]);
    sandbox.write("supplywatch.db", &bytes[..5000]);
    sandbox.run(&["store", "check"]).is(1).says(&["damage: the file cannot be read: the file has 5000 bytes"]);
}

/// What was told since the backup is told again, under another id; what was told before it is not.
#[test]
fn after_a_restore_no_new_message_has_the_id_of_a_lost_one() {
    let hook = Hook::start();
    let sandbox = magnets(&[("hook", webhook("hook", &hook.url()))]);
    once(&sandbox, 0);
    sandbox.run(&["store", "backup", "b.db"]).is(0);
    sandbox.write("config/magnets.csv", format!("{MAGNETS}{WORSE}"));
    once(&sandbox, 0);
    sandbox.run(&["store", "restore", "b.db"]).is(0).says(&["the store before is kept at", ".before-restore"]);
    sandbox.write("config/magnets.csv", format!("{MAGNETS}{BETTER}"));
    once(&sandbox, 0);
    let posts = hook.posts();
    let kinds: Vec<_> = posts.iter().map(|post| post.json()["data"]["transition"].clone()).collect();
    assert_eq!(kinds, ["fired", "continued", "resolved"]);
    let number = |post: usize| posts[post].json()["data"]["number"].clone();
    assert_eq!((number(1), number(2)), (2.into(), 2.into()));
    assert_ne!(id(&posts[1]), id(&posts[2]));
}

/// What a backup owes is brought under the id that it had: whoever has it already drops it.
#[test]
fn what_a_backup_owes_keeps_its_id() {
    let hook = Hook::start();
    let sandbox = magnets(&[("hook", webhook("hook", &hook.url()))]);
    hook.answer_with([Answer::new(503, "")]);
    once(&sandbox, 1);
    sandbox.run(&["store", "backup", "b.db"]).is(0);
    once(&sandbox, 0);
    sandbox.run(&["store", "restore", "b.db"]).is(0);
    once(&sandbox, 0);
    let ids: Vec<String> = hook.posts().iter().map(id).collect();
    assert!(ids.len() == 3 && ids.iter().all(|one| *one == ids[0]), "{ids:?}");
}

#[test]
fn a_history_is_carried_by_lines() {
    let sandbox = desk();
    let before = sandbox.stdout(&["alerts"]);
    let lines = sandbox.stdout(&["store", "export"]);
    assert!(lines.starts_with("{\"kind\":\"supplywatch export\",\"format\":1,"), "{lines}");
    assert!(lines.lines().last().unwrap().starts_with("{\"rows\":"), "{lines}");
    sandbox.write("e.jsonl", &lines);
    sandbox.run(&["store", "import", "e.jsonl"]).is(70).says(&["there is a store at"]);
    std::fs::remove_file(sandbox.path("supplywatch.db")).unwrap();
    sandbox.write("cut.jsonl", &lines[..lines.len() - 9]);
    sandbox.run(&["store", "import", "cut.jsonl"]).is(70).says(&["cut.jsonl is no whole export: line "]);
    assert!(!sandbox.path("supplywatch.db").exists());
    sandbox.run(&["store", "import", "e.jsonl"]).is(0).says(&["supplywatch.db: "]);
    assert_eq!(sandbox.stdout(&["alerts"]), before);
    once(&sandbox, 0).says_nothing_of(&["1 message delivered"]);
    sandbox.run(&["store", "vacuum"]).is(0).says(&[" before, ", " now"]);
}
