//! `kind = "google-chat"`.

use super::{Kind, endpoint};
use crate::notify::Channel;
use crate::notify::googlechat::GoogleChat;
use crate::outbox::Rate;

pub const KIND: Kind = Kind {
    name: "google-chat",
    keys: &["url", "insecure", "allow_private"],
    // What a space takes of all who write to it.
    rate: Some(Rate::new(60, 60)),
    resolve: |cx, table| Some(Channel::Service(Box::new(GoogleChat { endpoint: endpoint(cx, table)? }))),
};
