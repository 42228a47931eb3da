//! `kind = "slack"`.

use super::{Kind, endpoint};
use crate::notify::Channel;
use crate::notify::slack::Slack;
use crate::outbox::Rate;

pub const KIND: Kind = Kind {
    name: "slack",
    keys: &["url", "insecure", "allow_private"],
    rate: Some(Rate::new(1, 1)),
    resolve: |cx, table| Some(Channel::Service(Box::new(Slack { endpoint: endpoint(cx, table)? }))),
};
