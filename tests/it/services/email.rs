//! A mail relay: it takes a copy like any other mail, and whoever reads it knows it by its Message-ID.

use super::super::inbox::Gate;
use super::super::sandbox::Sandbox;
use super::super::scene::{magnets, once};
use super::super::smtp::{Mail, Relay};
use super::{killed_after, killed_before_a_word, killed_with_the_answer, moves, silent};

const NOBODY: &str = "port = 9";

/// Mail to one person, through whoever is behind the port.
fn sandbox(port: &str) -> Sandbox {
    let table = format!(
        "[receiver.them]\nkind = \"email\"\nhost = \"127.0.0.1\"\n{port}\ntls = \"none\"\ninsecure = true\n\
        from = \"alerts@example.org\"\nto = [\"buyer@example.org\"]\n\n"
    );
    magnets(&[("them", table)])
}

fn port(relay: &Relay) -> String {
    format!("port = {}", relay.port())
}

/// Whether a mail says that it may have come before; each is the same mail.
#[track_caller]
fn marks(mails: &[Mail]) -> Vec<bool> {
    let id = |mail: &Mail| mail.header("Message-ID").unwrap();
    assert!(mails.iter().all(|mail| id(mail) == id(&mails[0]) && mail.subject().contains("420.5 t")), "{mails:#?}");
    mails.iter().map(|mail| mail.parts()[0].contains("(may be a repeat)")).collect()
}

#[test]
fn it_loses_nothing() {
    let (relay, sandbox) = (Relay::start(), sandbox(NOBODY));
    once(&sandbox, 1).says(&["not delivered to them", "tried again at"]);
    moves(&sandbox, NOBODY, &port(&relay));
    for reply in ["451 4.7.1 greylisted", "452 4.2.2 mailbox full", "421 4.3.2 shutting down"] {
        relay.reply_with([reply]);
        once(&sandbox, 1).says(&["not delivered to them", "tried again at"]);
    }
    assert_eq!(marks(&relay.mails()), [false; 3]);
    relay.hang_up();
    relay.reply_with(["what?"]);
    for _ in 0..2 {
        once(&sandbox, 1).says(&["not delivered to them", "tried again at"]);
    }
    once(&sandbox, 0).says(&["1 message delivered"]);
    assert_eq!(
        marks(&relay.mails()),
        [false, false, false, false, true, true],
        "the first that was lost is the fourth"
    );
}

#[test]
fn it_is_killed_before_in_and_after_an_attempt() {
    let (address, callers) = silent();
    let silent = format!("port = {}", address.rsplit(':').next().unwrap());
    let (relay, sandbox) = (Relay::start(), sandbox(&silent));
    assert!(killed_before_a_word(&sandbox, &callers).is_empty(), "the relay speaks first");
    moves(&sandbox, &silent, &port(&relay));
    let (gate, gone) = (Gate::default(), Gate::default());
    relay.reply_behind(None, &gate, &gone);
    killed_after(&sandbox, || drop(relay.wait(1)), |_| ());
    gate.open();
    let replies = [Some("451 4.7.1 later"), Some("550 5.7.1 no"), Some("what?"), None, Some("250 2.0.0 queued")];
    for (before, reply) in (1..).zip(replies) {
        let (gate, gone) = (Gate::default(), Gate::default());
        relay.reply_behind(reply, &gate, &gone);
        killed_with_the_answer(&sandbox, || drop(relay.wait(before + 1)), &gate, &gone);
    }
    assert_eq!(sandbox.json(&["deliveries"])[0]["attempts"], 7, "none was recorded");
    once(&sandbox, 0).says(&["1 message delivered"]);
    assert_eq!(marks(&relay.mails()), [true; 7], "it was cut off before the first");
}
