//! `kind = "telegram"`.

use super::{Kind, api, secret};
use crate::config::receiver::ReceiverTable;
use crate::config::resolve::Context;
use crate::notify::Channel;
use crate::notify::telegram::Telegram;
use crate::outbox::Rate;

pub const KIND: Kind = Kind {
    name: "telegram",
    keys: &["token", "chat", "topic", "url", "chart", "insecure", "allow_private"],
    // What a group takes.
    rate: Some(Rate::new(20, 60)),
    resolve: |cx, table| Some(Channel::Service(Box::new(telegram(cx, table)?))),
};

fn telegram(cx: Context<'_>, table: &ReceiverTable) -> Option<Telegram> {
    let api = api(cx, table, "https://api.telegram.org")?;
    let token = secret(cx, table, "token", table.token.as_ref(), "@BotFather gives a bot its token");
    cx.missing(&table.given, "chat", "write chat = \"-1001234567890\", or \"@channel\"");
    let topic = match &table.topic {
        None => None,
        Some(at) => match at.value.trim().parse() {
            Ok(topic) => Some(topic),
            Err(_) => {
                let help = "the number is in the link to the topic: t.me/c/1234567890/TOPIC";
                cx.error(at.place, "`topic` is no number", "not a topic", help);
                return None;
            }
        },
    };
    Some(Telegram { api, token: token?, chat: table.chat.as_ref()?.value.trim().to_owned(), topic })
}
