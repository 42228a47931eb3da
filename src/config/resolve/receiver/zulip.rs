//! `kind = "zulip"`.

use super::{Kind, endpoint, secret};
use crate::base::text::printable;
use crate::config::receiver::ReceiverTable;
use crate::config::resolve::Context;
use crate::config::source::At;
use crate::notify::Channel;
use crate::notify::zulip::{TOPIC_MAX, Zulip};
use crate::outbox::Rate;

pub const KIND: Kind = Kind {
    name: "zulip",
    keys: &["url", "user", "key", "channel", "topic", "insecure", "allow_private"],
    // Half of what a server takes of one bot unless its config says otherwise.
    rate: Some(Rate::new(100, 60)),
    resolve: |cx, table| Some(Channel::Service(Box::new(zulip(cx, table)?))),
};

fn zulip(cx: Context<'_>, table: &ReceiverTable) -> Option<Zulip> {
    let server = endpoint(cx, table);
    let user = secret(cx, table, "user", table.user.as_ref(), "the bot's e-mail address, from its settings");
    let key = secret(cx, table, "key", table.key.as_ref(), "the bot's API key, from its settings");
    cx.missing(&table.given, "channel", "write channel = \"…\": the channel's name or id");
    let channel = table.channel.as_ref().and_then(|at| name(cx, "channel", at));
    let topic = table.topic.as_ref().map(|at| name(cx, "topic", at));
    let user = user?.expose().to_owned();
    let topic = topic.map_or(Some(None), |topic| topic.map(Some))?;
    Some(Zulip { server: server?, user, key: key?, channel: channel?, topic })
}

/// The name of a channel or a topic.
fn name(cx: Context<'_>, key: &str, at: &At<String>) -> Option<String> {
    let name = at.value.trim();
    let good = (1..=TOPIC_MAX).contains(&name.chars().count()) && printable(name) == name;
    if !good {
        let message = format!("`{key}` is no name of a {key}");
        cx.error(at.place, message, "not a name", format!("a {key} has 1 to {TOPIC_MAX} characters on one line"));
    }
    good.then(|| name.to_owned())
}
