//! `kind = "opsgenie"`.

use super::{Kind, api_in, secret};
use crate::config::problem::Finding;
use crate::config::receiver::ReceiverTable;
use crate::config::resolve::Context;
use crate::notify::Channel;
use crate::notify::opsgenie::Opsgenie;
use crate::outbox::Rate;

pub const KIND: Kind = Kind {
    name: "opsgenie",
    keys: &["key", "region", "url", "insecure", "allow_private"],
    rate: Some(Rate::new(60, 60)),
    resolve: |cx, table| Some(Channel::Service(Box::new(opsgenie(cx, table)?))),
};

fn opsgenie(cx: Context<'_>, table: &ReceiverTable) -> Option<Opsgenie> {
    if let Some(kind) = &table.kind {
        let finding = Finding::warning(kind.place, "Opsgenie's API ends on 5 April 2027").label("will stop to work");
        cx.add(finding.help("move to another service for incidents before that day: `pagerduty`, or `alertmanager`"));
    }
    let api = api_in(cx, table, ["https://api.opsgenie.com", "https://api.eu.opsgenie.com"]);
    let key = secret(cx, table, "key", table.key.as_ref(), "it is the key of an API integration of the team");
    Some(Opsgenie { api: api?, key: key? })
}
