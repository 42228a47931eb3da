//! `kind = "feishu"`.

use super::{Kind, endpoint, keyword, optional};
use crate::config::receiver::ReceiverTable;
use crate::config::resolve::Context;
use crate::notify::Channel;
use crate::notify::feishu::Feishu;
use crate::outbox::Rate;

pub const KIND: Kind = Kind {
    name: "feishu",
    keys: &["url", "secret", "keyword", "insecure", "allow_private"],
    // 100 in a minute, and never more than 5 at once.
    rate: Some(Rate::new(5, 3)),
    resolve: |cx, table| Some(Channel::Service(Box::new(feishu(cx, table)?))),
};

fn feishu(cx: Context<'_>, table: &ReceiverTable) -> Option<Feishu> {
    let (secret, keyword) = (optional(cx, table.secret.as_ref()), keyword(cx, table));
    Some(Feishu { endpoint: endpoint(cx, table)?, secret: secret?, keyword: keyword? })
}
