//! `kind = "rocketchat"`.

use super::{Kind, endpoint, named};
use crate::notify::Channel;
use crate::notify::rocketchat::RocketChat;
use crate::outbox::Rate;

pub const KIND: Kind = Kind {
    name: "rocketchat",
    keys: &["url", "channel", "insecure", "allow_private"],
    // What its limiter lets through unless its administrator says otherwise.
    rate: Some(Rate::new(10, 60)),
    resolve: |cx, table| {
        let (endpoint, channel) = (endpoint(cx, table)?, named(table.channel.as_ref()));
        Some(Channel::Service(Box::new(RocketChat { endpoint, channel })))
    },
};
