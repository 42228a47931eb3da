//! `kind = "slack"`: an incoming webhook, or a bot.

use super::{Kind, api, endpoint, named, secret};
use crate::config::receiver::ReceiverTable;
use crate::config::resolve::Context;
use crate::notify::Channel;
use crate::notify::slack::{Bot, Slack};
use crate::outbox::Rate;

pub const KIND: Kind = Kind {
    name: "slack",
    keys: &["url", "token", "channel", "insecure", "allow_private"],
    rate: Some(Rate::new(1, 1)),
    resolve: |cx, table| Some(Channel::Service(Box::new(slack(cx, table)?))),
};

fn slack(cx: Context<'_>, table: &ReceiverTable) -> Option<Slack> {
    let Some(token) = &table.token else {
        if let Some(at) = &table.channel {
            let help = "an incoming webhook has one channel; a bot posts where it is told: write `token` too";
            cx.error(at.place, "`channel` without `token`", "a webhook does not read it", help);
            return None;
        }
        return Some(Slack { endpoint: endpoint(cx, table)?, bot: None });
    };
    let endpoint = api(cx, table, "https://slack.com");
    let token = secret(cx, table, "token", Some(token), "the app's page \"OAuth & Permissions\" shows its xoxb-…");
    cx.missing(&table.given, "channel", "write channel = \"C0123456789\", and invite the app to it");
    Some(Slack { endpoint: endpoint?, bot: Some(Bot { token: token?, channel: named(table.channel.as_ref())? }) })
}
