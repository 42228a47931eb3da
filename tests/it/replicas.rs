//! Who works on a store: `replicas`, the status and the metrics, of a file and of a database that several share.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::hook::{Hook, id};
use super::inbox::PATIENCE;
use super::sandbox::{Sandbox, Signal};
use super::scene::{DESK, magnets, once, webhook};
use super::server::Database;

/// A config that pulls nothing by itself, on a database, with its page at a socket.
fn on(database: &Database) -> Sandbox {
    telling(database, "desk", DESK)
}

/// The same that tells this receiver.
fn telling(database: &Database, name: &str, receiver: &str) -> Sandbox {
    let sandbox = magnets(&[(name, receiver.to_owned())]);
    let config = sandbox.read("config/supplywatch.toml");
    let more = format!(
        "[daemon]\nstate = \"{}\"\nlease = \"5s\"\n[web]\nlisten = \"\"\nsocket = \"../s.sock\"\n",
        database.url()
    );
    sandbox.write("config/supplywatch.toml", config + &more);
    sandbox
}

/// What is at a path of the page's socket.
#[track_caller]
fn asked(sandbox: &Sandbox, path: &str) -> String {
    let mut stream = UnixStream::connect(sandbox.path("s.sock")).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    body.to_owned()
}

/// `replicas` as JSON, once so many are listed.
#[track_caller]
fn listed(sandbox: &Sandbox, count: usize) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let all = sandbox.json(&["replicas"]);
        if all.len() == count {
            return all;
        }
        assert!(begun.elapsed() < PATIENCE, "{all:#?}");
    }
}

#[test]
fn a_file_has_one_process_and_it_is_named() {
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    sandbox.run(&["replicas"]).is(70).says(&["there is no store at"]);
    once(&sandbox, 0);
    let free = sandbox.run(&["replicas"]);
    free.is(0).says(&["is a file, which one process at a time works on: none has it now"]);
    assert_eq!(free.stdout.lines().count(), 1, "{free}");
    let mut daemon = sandbox.daemon();
    daemon.wait("READY=1");
    let held = format!("process {} has it", daemon.process.id());
    sandbox.run(&["replicas"]).is(0).says(&[&held]);
    let lines = sandbox.run(&["replicas", "--format", "json"]);
    lines.is(0).says(&[&held]);
    assert_eq!(lines.stdout, "");
    daemon.stop().is(0);
}

#[test]
fn a_database_that_cannot_be_asked_is_told_of() {
    let sandbox = Sandbox::new();
    let away = sandbox.run(&["replicas", "--state", "postgres://watch@127.0.0.1:1/supplywatch"]);
    away.is(70).says(&["the database postgres://watch@127.0.0.1:1/supplywatch cannot be reached"]);
    assert_eq!(away.stdout, "");
    let told = sandbox.run(&["replicas", "--state", "postgres://watch:hush@127.0.0.1:1/supplywatch"]);
    told.is(2).says(&["can be read by every user of this machine"]).says_nothing_of(&["hush"]);
    sandbox.run(&["replicas"]).is(78).says(&["or name the store with --state"]);
}

#[test]
fn replicas_are_listed_with_what_differs_until_they_are_gone() {
    let Some(database) = Database::create() else { return };
    let (one, other) = (on(&database), on(&database));
    one.run(&["replicas"]).is(70).says(&["there is no store at"]);
    let mut first = one.daemon();
    first.wait("READY=1");
    let alone = listed(&one, 1);
    assert_eq!((&alone[0]["alive"], &alone[0]["config_differs"]), (&Value::from(true), &Value::from(false)));
    assert_eq!(alone[0]["version"], env!("CARGO_PKG_VERSION"));

    let config = other.read("config/supplywatch.toml").replace("declines >= 2", "declines >= 1");
    other.write("config/supplywatch.toml", config);
    let mut second = other.daemon();
    second.wait("READY=1");
    let both = listed(&one, 2);
    let begins = |replica: &Value, pid: u32| replica["replica"].as_str().unwrap().starts_with(&format!("{pid}-"));
    assert!(begins(&both[0], first.process.id()) && begins(&both[1], second.process.id()), "{both:#?}");
    assert!(both.iter().all(|replica| replica["config_differs"] == true), "{both:#?}");
    assert_ne!(both[0]["config"], both[1]["config"]);
    let table = one.run(&["replicas"]);
    table
        .is(0)
        .says(&["state  replica", "alive", " differs", "give all of them the same"])
        .says_nothing_of(&["\u{1b}"]);
    assert_eq!(table.stdout.lines().count(), 3, "{table}");

    // The same by every other way.
    let status: Value = serde_json::from_str(&asked(&one, "/api/v1/status")).unwrap();
    assert_eq!(status["data"]["replicas"].as_array().unwrap().len(), 2, "{status:#}");
    assert_eq!(status["data"]["replicas"][0]["id"], both[0]["replica"]);
    let page = asked(&one, "/status");
    assert!(page.contains(both[1]["replica"].as_str().unwrap()) && page.contains("different configurations"), "{page}");
    let metrics = asked(&one, "/metrics");
    for line in ["\nsupplywatch_replicas 2\n", "\nsupplywatch_replica_membership 1\n"] {
        assert!(metrics.contains(line), "{metrics}");
    }

    // One that is killed is gone once its lease is over; one that ends is gone at once.
    second.process.signal(Signal::KILL);
    drop(second);
    let left = listed(&one, 1);
    assert!(begins(&left[0], first.process.id()), "{left:#?}");
    assert!(asked(&one, "/metrics").contains("\nsupplywatch_replicas 1\n"));
    first.stop().is(0);
    one.run(&["replicas"]).is(0).says(&["nobody works on the store postgres://"]);
}

#[test]
fn a_replica_ends_when_another_has_changed_the_tables() {
    let Some(database) = Database::create() else { return };
    let sandbox = on(&database);
    let mut daemon = sandbox.daemon();
    daemon.wait("READY=1");
    database.execute("UPDATE meta SET value = '99' WHERE name = 'schema'");
    let newer = "was made by a newer supplywatch (schema 99; this one knows 7)";
    daemon.process.end().is(70).says(&["supplywatch cannot go on", newer]).says_nothing_of(&["begins anew"]);
    sandbox.run(&["run"]).is(70).says(&[newer]);
}

/// Each of these waits for a loop's next look, which is 5 s after the last one, where no hint is heard.
#[test]
fn what_another_process_has_stored_is_done_at_once_and_without_hints_a_little_later() {
    let Some(database) = Database::create() else { return };
    let hook = Hook::start();
    let (one, other) = (telling(&database, "hook", &webhook("hook", &hook.url())), Sandbox::new());
    other.write("config/supplywatch.toml", one.read("config/supplywatch.toml"));
    let mut daemon = one.daemon();
    daemon.wait("READY=1");
    hook.wait(1);
    let begun = Instant::now();
    let falls = |from: &str, to: &str| format!("{from},US,600\n{to},US,500\n");
    let rises = |month: &str| format!("{month},US,700\n");
    let months = [rises("2025-10"), falls("2025-11", "2025-12"), rises("2026-01"), falls("2026-02", "2026-03")];
    for (round, months) in months.iter().enumerate() {
        other.write("month.csv", format!("period,partner,tonnes\n{months}"));
        other.run(&["import", "magnets", "month.csv"]).is(0);
        hook.wait(2 + round);
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "four looks: {:?}", begun.elapsed());

    // Something is owed that nobody hints at; and once more, while the listener's session is cut off.
    let owe = |seq| format!("UPDATE delivery SET state = 'pending', sent_at = NULL WHERE seq = {seq}");
    database.execute(&owe(1));
    let posts = hook.wait(6);
    assert_eq!(id(&posts[5]), id(&posts[0]));
    let listener = "FROM pg_stat_activity WHERE datname = current_database() AND query = 'LISTEN supplywatch'";
    database.execute(&format!("SELECT pg_terminate_backend(pid) {listener}"));
    database.execute(&owe(2));
    let posts = hook.wait(7);
    assert_eq!(id(&posts[6]), id(&posts[1]));
    daemon.stop().is(0).says_nothing_of(&["WARN", "ERROR"]);
}
