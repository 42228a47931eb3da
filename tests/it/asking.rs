//! `alerts`, `silence`, `ack` and `deliveries` ask the daemon that runs, and the store where none does; both say the
//! same.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;

use serde_json::{Value, json};

use super::hook::Hook;
use super::http::Answer;
use super::markdown::{Piece, page, pieces};
use super::sandbox::{Daemon, Process, Sandbox, Signal};
use super::scene::{DESK, SECRET, magnets, once, webhook};

/// Where the store is, and its socket.
const STORE: &str = "supplywatch.db";
const SOCKET: &str = "supplywatch.db.sock";

/// A store with an alert of which a webhook wanted to hear nothing at first.
fn refused_at_first() -> (Sandbox, Hook) {
    let hook = Hook::start();
    hook.answer_with([Answer::new(400, "no")]);
    let sandbox = magnets(&[("hook", webhook("hook", &hook.url()))]);
    once(&sandbox, 1);
    (sandbox, hook)
}

fn started(sandbox: &Sandbox) -> Daemon {
    let mut daemon = sandbox.daemon();
    daemon.wait("READY=1");
    daemon
}

/// What is asked without a change, as text and as JSON.
fn everything(sandbox: &Sandbox, alert: &str, delivery: &str) -> Vec<String> {
    let questions: [&[&str]; 8] = [
        &["alerts"],
        &["alerts", "--all"],
        &["alerts", "show", &alert[..6]],
        &["silence", "list", "--all"],
        &["deliveries"],
        &["deliveries", "--failed", "--limit", "1"],
        &["deliveries", "show", &delivery[..12]],
        &["alerts", "show", "zz"],
    ];
    let ask = |question: &&[&str]| {
        let [text, json] = [&[][..], &["--format", "json"]].map(|more| sandbox.run(&[question, more].concat()));
        format!("{:?}\n{text}\n{json}", text.status.code())
    };
    questions.iter().map(ask).collect()
}

#[test]
fn the_daemon_and_the_store_say_the_same() {
    let (sandbox, _hook) = refused_at_first();
    sandbox.json(&["silence", "add", "--match", "partner=DE", "--until", "2100-01-01", "--comment", "a fair"]);
    let alert = sandbox.json(&["alerts"])[0]["id"].as_str().unwrap().to_owned();
    let delivery = sandbox.json(&["deliveries"])[0]["id"].as_str().unwrap().to_owned();
    let stored = everything(&sandbox, &alert, &delivery);
    let daemon = started(&sandbox);
    assert_eq!(everything(&sandbox, &alert, &delivery), stored);
    // Only who has the store open can tell what is in it now.
    std::fs::rename(sandbox.path(STORE), sandbox.path("away.db")).unwrap();
    assert_eq!(everything(&sandbox, &alert, &delivery), stored);
    std::fs::rename(sandbox.path("away.db"), sandbox.path(STORE)).unwrap();
    daemon.stop().is(0);
    assert!(!sandbox.path(SOCKET).exists());
    assert_eq!(everything(&sandbox, &alert, &delivery), stored);
}

/// Whoever may ask the service need not be able to read its secrets, nor its store, nor know where that is.
#[test]
fn the_service_is_asked_by_its_config_alone() {
    let hook = Hook::start();
    let receiver = webhook("hook", &hook.url()).replace(&format!("\"{SECRET}\""), "{ env = \"HOOK_SECRET\" }");
    let sandbox = magnets(&[("hook", receiver)]);
    let [config, run] = ["config/supplywatch.toml", "run"].map(|path| sandbox.path(path).display().to_string());
    std::fs::create_dir(&run).unwrap();
    let variables = [("RUNTIME_DIRECTORY", run.as_str()), ("HOOK_SECRET", SECRET)];
    let mut daemon = sandbox.daemon_with(&["--config", &config], &variables);
    daemon.wait("READY=1");
    hook.wait(1);
    let mut visitor = Sandbox::new();
    visitor.set("RUNTIME_DIRECTORY", &run);
    let alerts = visitor.json(&["alerts", "--config", &config]);
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    let added = ["silence", "add", "--match", "partner=DE", "--until", "2100-01-01", "--comment", "a fair"];
    visitor.json(&[&added[..], &["--config", &config]].concat());
    assert_eq!(visitor.json(&["silence", "list", "--config", &config]).len(), 1);
    // Who names a store means that one.
    visitor.set("STATE_DIRECTORY", &run);
    visitor.run(&["alerts", "--config", &config]).is(78).says(&["HOOK_SECRET"]);
    daemon.stop().is(0);
}

/// That nothing fires is no news where nothing ever ran.
#[test]
fn it_is_said_where_there_is_no_store() {
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    sandbox.run(&["alerts"]).is(0).says(&["note: there is no state at supplywatch.db yet", "No alert fires"]);
    once(&sandbox, 0);
    sandbox.run(&["alerts"]).is(0).says_nothing_of(&["no state"]);
}

#[test]
fn what_a_person_says_reaches_the_daemon() {
    let (sandbox, hook) = refused_at_first();
    let alert = sandbox.json(&["alerts"])[0]["id"].as_str().unwrap().to_owned();
    let delivery = sandbox.json(&["deliveries"])[0]["id"].as_str().unwrap().to_owned();
    let daemon = started(&sandbox);
    let refused = sandbox.run(&["silence", "add", "--match", "severity=crit", "--for", "1h", "--comment", "x"]);
    refused.is(2).says(&["error: no alert has the severity `crit`; did you mean `critical`?"]);
    let added = sandbox.run(&["silence", "add", "--match", "partner=US", "--for", "3d", "--comment", "a fair"]);
    added.is(0).says(&["silence 1 until 2", "partner=US (1 alert that it means fires now)"]);
    sandbox.run(&["alerts"]).is(0).says(&["kept back by silence 1 until 2"]);
    sandbox.run(&["silence", "expire", "1"]).is(0).says(&["silence 1 is over since 2"]);
    sandbox
        .run(&["silence", "expire", "7"])
        .is(1)
        .says(&["error: there is no silence 7; see `supplywatch silence list"]);
    let known = sandbox.json(&["ack", &alert[..6], "--note", "asked the mill", "--author", "ada"]);
    assert_eq!((&known[0]["alert"], &known[0]["note"]), (&json!(alert), &json!("asked the mill")));
    sandbox.run(&["alerts"]).is(0).says(&["kept back by an acknowledgement by ada at 2"]);
    sandbox
        .run(&["ack", "ffff", "--note", "x"])
        .is(1)
        .says(&["error: no firing alert has an id that begins with ffff"]);
    // It is sent at once: the daemon is told of it.
    sandbox.run(&["deliveries", "retry", &delivery[..12]]).is(0).says(&["to hook is due now"]);
    assert_eq!(hook.wait(2)[1].json()["data"]["alert"]["id"], json!(alert));
    sandbox.run(&["deliveries", "retry", "msg_zz"]).is(1).says(&["no delivery that was not sent has the id msg_zz"]);
    daemon.stop().is(0);
}

#[test]
fn a_daemon_that_does_not_answer_is_said_and_its_store_asked() {
    let (sandbox, _hook) = refused_at_first();
    let daemon = started(&sandbox);
    daemon.signal(Signal::STOP);
    sandbox.run(&["alerts"]).is(0).says(&["does not answer within 2 s: this asks its store instead", "420.5 t"]);
    daemon.signal(Signal::CONT);
    daemon.stop().is(0);
}

/// What a daemon of another store or of another version would answer is not what is asked for.
#[test]
fn another_daemon_is_not_asked() {
    let (sandbox, _hook) = refused_at_first();
    let state = sandbox.path(STORE).canonicalize().unwrap();
    for (state, version) in [("/elsewhere.db", env!("CARGO_PKG_VERSION")), (state.to_str().unwrap(), "0.0.0")] {
        let listener = UnixListener::bind(sandbox.path(SOCKET)).unwrap();
        let status = json!({"status": "success", "data": {
            "version": version, "now": "2026-11-27T09:00:00Z", "timezone": "UTC", "config": "", "state": state,
            "watching": {"feeds": 0, "rules": 0, "receivers": 0}, "loops": [],
            "store": {
                "schema": 7, "fileBytes": 0, "logBytes": 0, "checkpointedAt": null, "series": 0, "observations": 0,
                "revisions": 0, "alerts": 0, "transitions": 0, "deliveries": 0,
            },
        }});
        let stranger = std::thread::spawn(move || answer(&listener, &status));
        sandbox.run(&["alerts"]).is(0).says(&["420.5 t"]);
        assert!(stranger.join().unwrap().starts_with("GET /api/v1/status HTTP/1.1"));
        std::fs::remove_file(sandbox.path(SOCKET)).unwrap();
    }
}

/// The page about the API is true: its commands work as they stand, and no path is left out.
#[test]
fn the_commands_of_the_api_page_work() {
    let (sandbox, _hook) = refused_at_first();
    let daemon = started(&sandbox);
    let page = page("docs/API.md");
    let script = pieces(&page).into_iter().filter_map(|piece| match piece {
        Piece::Block(kind, text) if kind == "sh" => Some(text),
        _ => None,
    });
    let script: String = script.collect();
    let mut shell = std::process::Command::new("/bin/bash");
    shell.args(["-eu", "-c", &script]).current_dir(sandbox.path(""));
    let ended = Process::spawn(shell).end();
    ended.is(0).says(&[
        "\"silenceID\":\"2\"",
        "\"state\":\"expired\"",
        "\"comment\":\"asked the mill\"",
        "\"history\":[",
    ]);
    let answers: Vec<Value> = ended.stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let document = answers.iter().find(|answer| answer["openapi"].is_string()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let operation = format!("`{} {path}`", method.to_uppercase());
            assert!(page.contains(&operation), "the page does not speak of {operation}");
        }
    }
    daemon.stop().is(0);
}

/// Answers one request; the request.
fn answer(listener: &UnixListener, body: &Value) -> String {
    let (mut visitor, _) = listener.accept().unwrap();
    let mut request = [0; 2048];
    let length = visitor.read(&mut request).unwrap();
    let body = body.to_string();
    write!(visitor, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).unwrap();
    String::from_utf8_lossy(&request[..length]).into_owned()
}
