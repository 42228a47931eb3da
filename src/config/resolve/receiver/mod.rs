//! `[receiver.NAME]`: how someone is told, and how long it is tried; one file per kind beside this one.

mod alertmanager;
mod collect;
mod console;
mod dingtalk;
mod discord;
mod dkim;
mod email;
mod feishu;
mod googlechat;
mod gotify;
mod matrix;
mod mattermost;
mod notation;
mod ntfy;
mod opsgenie;
mod pagerduty;
mod pushover;
mod quiet;
mod rocketchat;
mod slack;
mod teams;
mod telegram;
mod webhook;
mod wecom;
mod zulip;

use chrono_tz::Tz;

use super::address::{self, Leave};
use super::{Context, template, value};
use crate::base::secret::Secret;
use crate::base::text::printable;
use crate::config::file::Named;
use crate::config::receiver::ReceiverTable;
use crate::config::secret::SecretText;
use crate::config::source::At;
use crate::notify::http::Endpoint;
use crate::notify::template::Template;
use crate::notify::{Channel, Receiver};
use crate::outbox::{OnAmbiguous, Policy, Rate, Voice};

/// Every kind of receiver.
pub const KINDS: [&Kind; 21] = [
    &console::KIND,
    &webhook::KIND,
    &email::KIND,
    &slack::KIND,
    &teams::KIND,
    &discord::KIND,
    &mattermost::KIND,
    &rocketchat::KIND,
    &googlechat::KIND,
    &telegram::KIND,
    &ntfy::KIND,
    &matrix::KIND,
    &zulip::KIND,
    &pushover::KIND,
    &gotify::KIND,
    &pagerduty::KIND,
    &alertmanager::KIND,
    &feishu::KIND,
    &dingtalk::KIND,
    &wecom::KIND,
    &opsgenie::KIND,
];

/// How someone is told.
pub struct Kind {
    /// As written.
    pub name: &'static str,
    /// The keys that not every kind takes.
    pub keys: &'static [&'static str],
    /// How many messages its service takes, where the config says nothing.
    pub rate: Option<Rate>,
    /// The channel that a table means, where the table is right.
    pub resolve: fn(Context<'_>, &ReceiverTable) -> Option<Channel>,
}

/// What a receiver's table comes to.
pub fn resolve(cx: Context<'_>, named: &Named<ReceiverTable>, zone: Tz) -> Option<Receiver> {
    let table = &named.table;
    let names = KINDS.map(|kind| kind.name).join(", ");
    cx.missing(&table.given, "kind", &format!("write kind = \"…\": {names}"));
    let kinds = KINDS.map(|kind| (kind.name, kind));
    let kind = table.kind.as_ref().and_then(|at| value::choice(cx, "kind", at, &kinds));
    let give_up_after = table.give_up_after.as_ref().and_then(|at| value::duration(cx, "give_up_after", at));
    let rate = table.rate.as_ref().and_then(|at| value::rate(cx, "rate", at));
    let choices = [("retry", OnAmbiguous::Retry), ("drop", OnAmbiguous::Drop)];
    let on_ambiguous = table.on_ambiguous.as_ref().and_then(|at| value::choice(cx, "on_ambiguous", at, &choices));
    let quiet = table.quiet.as_ref().and_then(|table| quiet::resolve(cx, table));
    let notation = notation::resolve(cx, table);
    let zone = quiet.map_or(zone, |quiet| quiet.zone);
    let digest = table.digest.as_ref().and_then(|table| collect::digest(cx, table, zone));
    let storm = collect::storm(cx, table.storm.as_ref());
    let kind = kind?;
    cx.foreign(&table.given, kind.name, &KINDS.map(|kind| (kind.name, kind.keys)));
    let channel = (kind.resolve)(cx, table)?;
    collect::check(cx, table, kind.name, &channel);
    let policy = Policy {
        give_up_after: give_up_after.unwrap_or(Policy::DEFAULT.give_up_after),
        rate: rate.or(kind.rate),
        on_ambiguous: on_ambiguous.unwrap_or(Policy::DEFAULT.on_ambiguous),
        quiet,
        storm,
        ..Policy::DEFAULT
    };
    let template = Template { notation: notation.clone(), ..template::resolve(cx, table.template.as_ref()) };
    // Of services that take a picture with the message, each names the key.
    let chart = kind.keys.contains(&"chart") && table.chart.as_ref().is_none_or(|at| at.value);
    let voice = Voice { chart, notation };
    Some(Receiver { name: named.name.value.clone(), kind: kind.name, channel, policy, digest, voice, template })
}

fn endpoint(cx: Context<'_>, table: &ReceiverTable) -> Option<Endpoint> {
    let leave = Leave::read(table.insecure.as_ref(), table.allow_private.as_ref());
    let (endpoint, url) = address::endpoint(cx, &table.given, table.url.as_ref(), leave)?;
    let host = url.host_str().unwrap_or_default();
    let is_outlook =
        matches!(host, "outlook.office.com" | "outlook.office365.com") && url.path().starts_with("/webhook");
    if is_outlook || host.ends_with(".webhook.office.com") {
        let help = "make a workflow in Teams (\"Send webhook alerts to a channel\") and give its address to a receiver \
                    of kind = \"teams\"";
        cx.error(
            table.url.as_ref()?.place,
            "this is an address of Office 365 connectors, which Microsoft has retired",
            "it takes no messages any more",
            help,
        );
        return None;
    }
    Some(endpoint)
}

/// A name as the service is told it.
fn named(at: Option<&At<String>>) -> Option<String> {
    at.map(|at| at.value.trim().to_owned()).filter(|name| !name.is_empty())
}

fn on(flag: Option<&At<bool>>) -> bool {
    flag.is_some_and(|flag| flag.value)
}

/// The address of a service that has one of its own, or the one that the config puts in its place.
fn api(cx: Context<'_>, table: &ReceiverTable, default: &'static str) -> Option<Endpoint> {
    if table.url.is_some() {
        return endpoint(cx, table);
    }
    Some(Endpoint { url: Secret::new(default), insecure: false, allow_private: false })
}

/// The same, of a service that has a server in America and one in Europe.
fn api_in(cx: Context<'_>, table: &ReceiverTable, [us, eu]: [&'static str; 2]) -> Option<Endpoint> {
    let server = match &table.region {
        Some(at) => value::choice(cx, "region", at, &[("us", us), ("eu", eu)])?,
        None => us,
    };
    api(cx, table, server)
}

/// A secret that may be there; nothing where it cannot be read.
fn optional(cx: Context<'_>, at: Option<&At<SecretText>>) -> Option<Option<Secret>> {
    let Some(at) = at else { return Some(None) };
    let secret = cx.keyring.open(at)?;
    Some(Some(Secret::new(secret.expose().trim())))
}

/// A word that each message must have, on one line; nothing where it cannot be one.
fn keyword(cx: Context<'_>, table: &ReceiverTable) -> Option<Option<String>> {
    let Some(at) = &table.keyword else { return Some(None) };
    let word = at.value.trim();
    if word.is_empty() || word.chars().count() > 40 || printable(word) != word {
        let help = "write one of the words that the robot asks for";
        cx.error(at.place, "`keyword` is no word", "expected 1 to 40 characters on one line", help);
        return None;
    }
    Some(Some(word.to_owned()))
}

/// A secret that must be there; `whence` says where one comes from.
fn secret(
    cx: Context<'_>,
    table: &ReceiverTable,
    key: &'static str,
    at: Option<&At<SecretText>>,
    whence: &str,
) -> Option<Secret> {
    cx.missing(&table.given, key, &format!("write {key} = {{ env = \"…\" }}; {whence}"));
    let secret = cx.keyring.open(at?)?;
    Some(Secret::new(secret.expose().trim()))
}
