//! `kind = "matrix"`.

use super::{Kind, endpoint, secret};
use crate::config::receiver::ReceiverTable;
use crate::config::resolve::Context;
use crate::notify::Channel;
use crate::notify::matrix::Matrix;
use crate::outbox::Rate;

pub const KIND: Kind = Kind {
    name: "matrix",
    keys: &["url", "token", "room", "insecure", "allow_private"],
    // What Synapse takes of one sender unless its config says otherwise.
    rate: Some(Rate::new(10, 50)),
    resolve: |cx, table| Some(Channel::Service(Box::new(matrix(cx, table)?))),
};

/// Bytes of a room's id, at most.
const ROOM_MAX: usize = 255;

fn matrix(cx: Context<'_>, table: &ReceiverTable) -> Option<Matrix> {
    let server = endpoint(cx, table);
    let token = secret(cx, table, "token", table.token.as_ref(), "the access token of an account made for this");
    cx.missing(&table.given, "room", "write room = \"!…\": the internal id in the room's settings");
    let room = table.room.as_ref().and_then(|at| {
        let room = at.value.trim();
        // Since version 12 of rooms an id has no server's name.
        let good = room.len() <= ROOM_MAX && room.strip_prefix('!').is_some_and(|id| !id.is_empty());
        let good = good && !room.contains(|c: char| c.is_whitespace() || c.is_control());
        if !good {
            let help = "an id begins with `!`; it is the internal id in the room's settings, not its #address";
            cx.error(at.place, "`room` is no room's id", "not an id", help);
        }
        good.then(|| room.to_owned())
    });
    Some(Matrix { server: server?, token: token?, room: room? })
}
