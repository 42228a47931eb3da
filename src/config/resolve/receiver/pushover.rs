//! `kind = "pushover"`.

use std::time::Duration;

use super::{Kind, api, secret};
use crate::config::receiver::ReceiverTable;
use crate::config::resolve::{Context, value};
use crate::config::source::At;
use crate::notify::Channel;
use crate::notify::pushover::{Insists, Pushover};
use crate::outbox::Rate;

pub const KIND: Kind = Kind {
    name: "pushover",
    keys: &["token", "user", "retry", "expire", "url", "chart", "insecure", "allow_private"],
    // It takes two connections of one address at a time; ours is then always one.
    rate: Some(Rate::new(1, 1)),
    resolve: |cx, table| Some(Channel::Service(Box::new(pushover(cx, table)?))),
};

/// How often it rings, at most: the API's limit.
const RETRY_MIN: Duration = Duration::from_secs(30);
/// How long it rings, at most: the API's limit.
const EXPIRE_MAX: Duration = Duration::from_secs(10_800);

fn pushover(cx: Context<'_>, table: &ReceiverTable) -> Option<Pushover> {
    let api = api(cx, table, "https://api.pushover.net");
    let token = secret(cx, table, "token", table.token.as_ref(), "the application's API token");
    let user = secret(cx, table, "user", table.user.as_ref(), "the user's or the group's key");
    let insists = insists(cx, table)?;
    Some(Pushover { api: api?, token: token?, user: user?, insists })
}

/// How a critical message insists: by both of `retry` and `expire`, or not at all.
fn insists(cx: Context<'_>, table: &ReceiverTable) -> Option<Option<Insists>> {
    let (retry, expire) = match (&table.retry, &table.expire) {
        (None, None) => return Some(None),
        (Some(retry), Some(expire)) => (retry, expire),
        (Some(at), None) => return half(cx, at, "retry", "expire"),
        (None, Some(at)) => return half(cx, at, "expire", "retry"),
    };
    let often = value::duration(cx, "retry", retry);
    let long = value::duration(cx, "expire", expire);
    let (often, long) = (often?, long?);
    if often < RETRY_MIN {
        cx.error(retry.place, "`retry` is too short", "below 30 s", "Pushover rings every 30 seconds or less often");
        return None;
    }
    if long > EXPIRE_MAX {
        cx.error(expire.place, "`expire` is too long", "above 3 h", "Pushover rings for three hours at most");
        return None;
    }
    Some(Some(Insists { retry: often, expire: long }))
}

fn half<T>(cx: Context<'_>, at: &At<String>, given: &str, other: &str) -> Option<T> {
    let help = format!("write `{other}` too, or take `{given}` away");
    cx.error(at.place, format!("`{given}` without `{other}`"), "half of what a message insists by", help);
    None
}
