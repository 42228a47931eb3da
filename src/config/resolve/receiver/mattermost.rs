//! `kind = "mattermost"`.

use super::{Kind, endpoint, named};
use crate::notify::Channel;
use crate::notify::mattermost::Mattermost;
use crate::outbox::Rate;

pub const KIND: Kind = Kind {
    name: "mattermost",
    keys: &["url", "channel", "insecure", "allow_private"],
    rate: Some(Rate::new(10, 1)),
    resolve: |cx, table| {
        let (endpoint, channel) = (endpoint(cx, table)?, named(table.channel.as_ref()));
        Some(Channel::Service(Box::new(Mattermost { endpoint, channel })))
    },
};
