//! `kind = "wecom"`.

use super::{Kind, endpoint};
use crate::notify::Channel;
use crate::notify::wecom::WeCom;
use crate::outbox::Rate;

pub const KIND: Kind = Kind {
    name: "wecom",
    keys: &["url", "insecure", "allow_private"],
    rate: Some(Rate::new(20, 60)),
    resolve: |cx, table| Some(Channel::Service(Box::new(WeCom { endpoint: endpoint(cx, table)? }))),
};
