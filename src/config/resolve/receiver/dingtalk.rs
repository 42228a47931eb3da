//! `kind = "dingtalk"`.

use super::{Kind, endpoint, keyword, optional};
use crate::config::receiver::ReceiverTable;
use crate::config::resolve::Context;
use crate::notify::Channel;
use crate::notify::dingtalk::DingTalk;
use crate::outbox::Rate;

pub const KIND: Kind = Kind {
    name: "dingtalk",
    keys: &["url", "secret", "keyword", "insecure", "allow_private"],
    // One more, and the robot is muted for ten minutes.
    rate: Some(Rate::new(20, 60)),
    resolve: |cx, table| Some(Channel::Service(Box::new(dingtalk(cx, table)?))),
};

fn dingtalk(cx: Context<'_>, table: &ReceiverTable) -> Option<DingTalk> {
    let (secret, keyword) = (optional(cx, table.secret.as_ref()), keyword(cx, table));
    Some(DingTalk { endpoint: endpoint(cx, table)?, secret: secret?, keyword: keyword? })
}
