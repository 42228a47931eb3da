//! `kind = "pagerduty"`.

use super::{Kind, api_in, secret};
use crate::config::receiver::ReceiverTable;
use crate::config::resolve::Context;
use crate::notify::Channel;
use crate::notify::pagerduty::PagerDuty;
use crate::outbox::Rate;

pub const KIND: Kind = Kind {
    name: "pagerduty",
    keys: &["key", "region", "url", "insecure", "allow_private"],
    rate: Some(Rate::new(60, 60)),
    resolve: |cx, table| Some(Channel::Service(Box::new(pagerduty(cx, table)?))),
};

fn pagerduty(cx: Context<'_>, table: &ReceiverTable) -> Option<PagerDuty> {
    let api = api_in(cx, table, ["https://events.pagerduty.com", "https://events.eu.pagerduty.com"]);
    let whence = "it is the integration key of an Events API v2 integration of the service";
    let key = secret(cx, table, "key", table.key.as_ref(), whence);
    Some(PagerDuty { api: api?, key: key? })
}
