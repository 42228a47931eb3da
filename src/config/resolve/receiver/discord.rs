//! `kind = "discord"`.

use super::{Kind, endpoint};
use crate::config::receiver::ReceiverTable;
use crate::config::resolve::Context;
use crate::notify::Channel;
use crate::notify::discord::Discord;
use crate::outbox::Rate;

pub const KIND: Kind = Kind {
    name: "discord",
    keys: &["url", "thread", "chart", "insecure", "allow_private"],
    rate: Some(Rate::new(30, 60)),
    resolve: |cx, table| Some(Channel::Service(Box::new(discord(cx, table)?))),
};

fn discord(cx: Context<'_>, table: &ReceiverTable) -> Option<Discord> {
    let endpoint = endpoint(cx, table);
    let thread = match &table.thread {
        None => None,
        Some(at) => {
            let id = at.value.trim();
            let is_id = (1..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
            if !is_id {
                let help = "in Discord's developer mode, the menu of a thread copies its id: thread = \"1234567890\"";
                cx.error(at.place, "`thread` is no id of a thread", "expected digits", help);
                return None;
            }
            Some(id.to_owned())
        }
    };
    Some(Discord { endpoint: endpoint?, thread })
}
