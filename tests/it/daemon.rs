//! The daemon and its service manager: ready, reload, end, watchdog; one daemon a store; and what it does
//! between them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::hook::{Hook, id};
use super::http::Answer;
use super::inbox::Gate;
use super::sandbox::{Daemon, Process, Sandbox, Signal};
use super::scene::{BETTER, DESK, MAGNETS, WORSE, magnets, once, rule, webhook};

/// One feed, one rule, one webhook, and a look at the feed every second.
fn restless(hook: &Hook) -> Sandbox {
    let sandbox = magnets(&[("hook", webhook("hook", &hook.url()))]);
    reconfigure(&sandbox, |config| config.replace("path = ", "schedule = \"* * * * * *\"\npath = "));
    sandbox
}

fn reconfigure(sandbox: &Sandbox, change: impl Fn(String) -> String) {
    let config = sandbox.read("config/supplywatch.toml");
    sandbox.write("config/supplywatch.toml", change(config));
}

#[track_caller]
fn ready(daemon: &mut Daemon) -> String {
    daemon.wait("READY=1")
}

fn monotonic_micros() -> u128 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::new(u64::try_from(time.tv_sec).unwrap(), u32::try_from(time.tv_nsec).unwrap()).as_micros()
}

fn kinds(hook: &Hook) -> Vec<String> {
    hook.posts().iter().map(|post| post.json()["data"]["transition"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn it_says_ready_on_a_path_and_ends_in_order() {
    let hook = Hook::start();
    let sandbox = restless(&hook);
    let mut daemon = sandbox.daemon();
    let said = ready(&mut daemon);
    assert!(said.contains("STATUS=watching: 1 feed, 1 rule, 1 receiver"), "{said}");
    hook.wait(1);
    let ended = daemon.stop();
    ended.is(0).says(&["supplywatch serves", "stopping"]);
}

/// What follows a start may ask at once.
#[test]
fn it_says_ready_when_the_page_and_the_socket_are_there() {
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    let address = free_address();
    let mut daemon = sandbox.daemon_with(&["--listen", &address.to_string()], &[]);
    ready(&mut daemon);
    assert!(TcpStream::connect(address).is_ok(), "nobody listens at {address}");
    assert!(UnixStream::connect(sandbox.path("supplywatch.db.sock")).is_ok(), "nobody listens on the socket");
    daemon.stop().is(0).says(&[&format!("the page is at http://{address}/")]);
}

/// An address at which nobody listens now.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// The service manager believes no other process (`NotifyAccess=main`).
#[test]
fn it_speaks_for_itself() {
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    let mut daemon = sandbox.daemon_with(&[], &[("WATCHDOG_USEC", "200000")]);
    for line in ["STATUS=opening the state", "READY=1", "WATCHDOG=1"] {
        daemon.wait(line);
        assert_eq!(daemon.sender, Some(daemon.process.id()), "{line}");
    }
    daemon.stop().is(0);
}

/// The service manager has the page's address open, and hands it over: the visitor who came before the start is
/// answered, too.
#[test]
fn the_page_is_served_by_what_the_service_manager_opened() {
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    let opened = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = opened.local_addr().unwrap();
    let mut early = TcpStream::connect(address).unwrap();
    let mut daemon = sandbox.daemon_handed(opened, &["--listen", &address.to_string()]);
    ready(&mut daemon);
    write!(early, "GET /-/healthy HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    early.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    daemon.signal(Signal::HUP);
    daemon.wait("RELOADING=1");
    ready(&mut daemon);
    assert!(TcpStream::connect(address).is_ok());
    daemon.stop().is(0);
}

#[test]
fn it_says_ready_on_an_abstract_socket() {
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    let mut daemon = sandbox.daemon_abstract();
    ready(&mut daemon);
    daemon.stop().is(0);
}

#[test]
fn it_serves_without_a_service_manager_and_ends_on_an_interrupt() {
    let hook = Hook::start();
    let sandbox = magnets(&[("hook", webhook("hook", &hook.url()))]);
    let process = Process::spawn(sandbox.command(&["run"]));
    hook.wait(1);
    process.signal(Signal::INT);
    process.end().is(0);
}

#[test]
fn figures_are_pulled_on_schedule_and_told_as_they_come() {
    let hook = Hook::start();
    let sandbox = restless(&hook);
    let mut daemon = sandbox.daemon();
    ready(&mut daemon);
    hook.wait(1);
    sandbox.write("config/magnets.csv", format!("{MAGNETS}{WORSE}"));
    hook.wait(2);
    sandbox.write("config/magnets.csv", format!("{MAGNETS}{WORSE}2025-11,US,500\n"));
    hook.wait(3);
    assert_eq!(kinds(&hook), ["fired", "continued", "resolved"]);
    daemon.stop().is(0);
    assert_eq!(hook.posts().len(), 3, "polling what does not change has sent something");
}

#[test]
fn a_post_that_failed_is_tried_again_by_itself() {
    let hook = Hook::start();
    hook.answer_with([Answer::new(500, ""), Answer::reset()]);
    let sandbox = restless(&hook);
    let mut daemon = sandbox.daemon();
    ready(&mut daemon);
    let posts = hook.wait(3);
    assert!(posts.iter().all(|post| id(post) == id(&posts[0])), "{posts:#?}");
    daemon.stop().is(0);
}

#[test]
fn the_watchdog_hears_of_it() {
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    let mut daemon = sandbox.daemon_with(&[], &[("WATCHDOG_USEC", "200000")]);
    ready(&mut daemon);
    for _ in 0..3 {
        daemon.wait("WATCHDOG=1");
    }
    daemon.stop().is(0);
}

#[test]
fn a_reload_takes_a_new_rule_in() {
    let hook = Hook::start();
    let sandbox = restless(&hook);
    let mut daemon = sandbox.daemon();
    ready(&mut daemon);
    hook.wait(1);
    reconfigure(&sandbox, |config| {
        config + &rule("magnets", &["hook"]).replace("magnets-falling", "low").replace("declines >= 2", "value < 500 t")
    });
    let before = monotonic_micros();
    daemon.signal(Signal::HUP);
    let reloading = daemon.wait("RELOADING=1");
    let moment = reloading.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")).unwrap();
    assert!(moment.parse::<u128>().unwrap() >= before, "{reloading}");
    let said = ready(&mut daemon);
    assert!(said.contains("1 feed, 2 rules, 1 receiver"), "{said}");
    let posts = hook.wait(2);
    assert_eq!(posts[1].json()["data"]["alert"]["rule"], "low");
    daemon.stop().is(0).says(&["configuration reloaded"]);
}

#[test]
fn a_bad_config_keeps_the_old_one_running() {
    let hook = Hook::start();
    let sandbox = restless(&hook);
    let mut daemon = sandbox.daemon();
    ready(&mut daemon);
    hook.wait(1);
    reconfigure(&sandbox, |config| config.replace("declines >= 2", "declins >= 2"));
    daemon.signal(Signal::HUP);
    daemon.wait("RELOADING=1");
    let said = ready(&mut daemon);
    assert!(said.contains("STATUS=reload failed: ") && said.contains("old configuration kept"), "{said}");
    sandbox.write("config/magnets.csv", format!("{MAGNETS}{BETTER}"));
    hook.wait(2);
    assert_eq!(kinds(&hook), ["fired", "resolved"]);
    daemon.stop().is(0).says(&["reload failed", "declins"]);
}

#[test]
fn another_state_needs_a_restart() {
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    let mut daemon = sandbox.daemon();
    ready(&mut daemon);
    reconfigure(&sandbox, |config| format!("[daemon]\nstate = \"sqlite:other.db\"\n{config}"));
    daemon.signal(Signal::HUP);
    daemon.wait("RELOADING=1");
    let said = ready(&mut daemon);
    assert!(said.contains("reload failed") && said.contains("restart"), "{said}");
    assert!(!sandbox.path("config/other.db").exists());
    daemon.stop().is(0);
}

#[test]
fn a_bad_config_at_the_start_is_never_ready() {
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    reconfigure(&sandbox, |config| config.replace("declines >= 2", "declins >= 2"));
    sandbox.daemon().process.end().is(78).says(&["`declins`"]);
}

#[test]
fn the_end_waits_for_a_delivery_under_way() {
    let (hook, gate) = (Hook::start(), Gate::default());
    hook.answer_with([Answer::ok("ok").behind(&gate)]);
    let sandbox = restless(&hook);
    let mut daemon = sandbox.daemon();
    ready(&mut daemon);
    hook.wait(1);
    daemon.signal(Signal::TERM);
    let said = daemon.wait("STOPPING=1");
    assert!(said.contains("EXTEND_TIMEOUT_USEC="), "{said}");
    gate.open();
    daemon.process.end().is(0);
    assert_eq!(sandbox.json(&["deliveries"])[0]["state"], "sent");
    once(&sandbox, 0).says(&["0 messages delivered"]);
    assert_eq!(hook.posts().len(), 1);
}

#[test]
fn a_second_daemon_on_the_same_store_is_refused_and_the_first_goes_on() {
    let hook = Hook::start();
    let sandbox = restless(&hook);
    let mut daemon = sandbox.daemon();
    ready(&mut daemon);
    hook.wait(1);
    for arguments in [&["run", "--once"][..], &["run"]] {
        sandbox.run(arguments).is(70).says(&["supplywatch.db", "another supplywatch"]);
    }
    sandbox.write("config/magnets.csv", format!("{MAGNETS}{BETTER}"));
    hook.wait(2);
    daemon.stop().is(0);
    once(&sandbox, 0);
}

#[test]
fn one_may_look_while_the_daemon_runs_and_send_a_dead_letter_again() {
    let hook = Hook::start();
    hook.answer_with([Answer::new(400, "no")]);
    let sandbox = restless(&hook);
    let mut daemon = sandbox.daemon();
    ready(&mut daemon);
    hook.wait(1);
    for arguments in [&["alerts"][..], &["deliveries"], &["explain", "magnets-falling"], &["dry-run"], &["check"]] {
        sandbox.run(arguments).is(0);
    }
    let posts = sent_again(&sandbox, &hook);
    assert_eq!(id(&posts[1]), id(&posts[0]));
    daemon.stop().is(0);
}

/// The post is answered before its outcome is recorded: until then there is nothing to send again.
fn sent_again(sandbox: &Sandbox, hook: &Hook) -> Vec<super::http::Request> {
    let message = id(&hook.posts()[0]);
    let recorded = || sandbox.json(&["deliveries", "--failed"]).iter().any(|delivery| delivery["state"] == "dead");
    assert!((0..200).any(|_| recorded()), "the refusal was never recorded");
    sandbox.run(&["deliveries", "retry", &message]).is(0);
    hook.wait(2)
}
