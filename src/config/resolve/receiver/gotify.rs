//! `kind = "gotify"`.

use super::{Kind, endpoint, secret};
use crate::config::receiver::ReceiverTable;
use crate::config::resolve::Context;
use crate::notify::Channel;
use crate::notify::gotify::Gotify;

pub const KIND: Kind = Kind {
    name: "gotify",
    keys: &["url", "token", "insecure", "allow_private"],
    // A server of one's own, which names no limit.
    rate: None,
    resolve: |cx, table| Some(Channel::Service(Box::new(gotify(cx, table)?))),
};

fn gotify(cx: Context<'_>, table: &ReceiverTable) -> Option<Gotify> {
    let server = endpoint(cx, table);
    let token = secret(cx, table, "token", table.token.as_ref(), "an application's token, from the server's page");
    Some(Gotify { server: server?, token: token? })
}
