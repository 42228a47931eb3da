//! `kind = "ntfy"`.

use super::email::login;
use super::{Kind, api, secret};
use crate::config::receiver::ReceiverTable;
use crate::config::resolve::Context;
use crate::notify::Channel;
use crate::notify::ntfy::{Login, Ntfy};
use crate::outbox::Rate;

pub const KIND: Kind = Kind {
    name: "ntfy",
    keys: &["topic", "token", "username", "password", "url", "insecure", "allow_private"],
    // What ntfy.sh fills up again: one request in five seconds.
    rate: Some(Rate::new(12, 60)),
    resolve: |cx, table| Some(Channel::Service(Box::new(ntfy(cx, table)?))),
};

/// Characters of a topic's name, at most.
const TOPIC_MAX: usize = 64;

fn ntfy(cx: Context<'_>, table: &ReceiverTable) -> Option<Ntfy> {
    let server = api(cx, table, "https://ntfy.sh");
    cx.missing(&table.given, "topic", "write topic = \"…\": letters, digits, `-` and `_`");
    let topic = table.topic.as_ref().and_then(|at| {
        let topic = at.value.trim();
        let is_sign = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let good = (1..=TOPIC_MAX).contains(&topic.len()) && topic.chars().all(is_sign);
        if !good {
            let help = "a topic's name has 1 to 64 letters, digits, `-` and `_`";
            cx.error(at.place, "`topic` is no name of a topic", "not a topic", help);
        }
        good.then(|| topic.to_owned())
    });
    let login = match (table.token.as_ref(), login(cx, table)) {
        (Some(_), Some(_)) => {
            cx.error(table.given.place, "both `token` and `username`", "two ways to log in", "keep one of them");
            return None;
        }
        (token @ Some(_), None) => Some(Login::Token(secret(cx, table, "token", token, "from the server")?)),
        (None, Some((name, password))) => Some(Login::Password(name, password)),
        (None, None) => None,
    };
    Some(Ntfy { server: server?, topic: topic?, login })
}
