//! `kind = "teams"`.

use url::Url;

use super::{Kind, endpoint, on};
use crate::config::problem::Finding;
use crate::config::receiver::ReceiverTable;
use crate::config::resolve::Context;
use crate::notify::Channel;
use crate::notify::teams::Teams;
use crate::outbox::Rate;

pub const KIND: Kind = Kind {
    name: "teams",
    keys: &["url", "chart", "insecure", "allow_private"],
    // A flow's connection to Teams is slowed above some hundred posts in five minutes.
    rate: Some(Rate::new(30, 60)),
    resolve: |cx, table| Some(Channel::Service(Box::new(teams(cx, table)?))),
};

/// The hosts of workflows.
const HOSTS: [&str; 4] = [".logic.azure.com", ".logic.azure.us", ".api.powerplatform.com", ".powerplatform.us"];

fn teams(cx: Context<'_>, table: &ReceiverTable) -> Option<Teams> {
    let endpoint = endpoint(cx, table)?;
    let url = Url::parse(endpoint.url.expose()).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    if !on(table.allow_private.as_ref()) && !HOSTS.iter().any(|end| host.ends_with(end)) {
        let place = table.url.as_ref()?.place;
        let help = "in Teams, a channel's menu has Workflows: \"Send webhook alerts to a channel\" gives an address";
        cx.add(
            Finding::warning(place, "this is no workflow's address").label("not a host of Power Automate").help(help),
        );
    }
    Some(Teams { endpoint })
}
