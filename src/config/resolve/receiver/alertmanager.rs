//! `kind = "alertmanager"`.

use std::time::Duration;

use super::{Kind, Leave, address, endpoint};
use crate::base::secret::Secret;
use crate::config::receiver::ReceiverTable;
use crate::config::resolve::{Context, value};
use crate::notify::Channel;
use crate::notify::alertmanager::Alertmanager;
use crate::notify::http::Endpoint;

pub const KIND: Kind = Kind {
    name: "alertmanager",
    keys: &["url", "urls", "hold", "insecure", "allow_private"],
    rate: None,
    resolve: |cx, table| Some(Channel::Service(Box::new(alertmanager(cx, table)?))),
};

/// Longer than from one monthly release to the next.
const HOLD: Duration = Duration::from_secs(35 * 24 * 3600);

fn alertmanager(cx: Context<'_>, table: &ReceiverTable) -> Option<Alertmanager> {
    let hold = match &table.hold {
        Some(at) => value::duration(cx, "hold", at),
        None => Some(HOLD),
    };
    let mut servers = Vec::new();
    if table.url.is_some() {
        servers.push(endpoint(cx, table));
    }
    let leave = Leave::read(table.insecure.as_ref(), table.allow_private.as_ref());
    for at in table.urls.iter().flat_map(|urls| &urls.value) {
        let url = address::resolve(cx, at.place, &at.value, leave);
        servers.push(url.map(|url| Endpoint {
            url: Secret::new(url.as_str()),
            insecure: leave.insecure,
            allow_private: leave.allow_private,
        }));
    }
    if servers.is_empty() {
        let help = "write urls = [\"https://alertmanager.example\"]: every server of the cluster";
        match &table.urls {
            Some(urls) => cx.error(urls.place, "`urls` names no server", "empty", help),
            None => cx.missing(&table.given, "urls", help),
        }
    }
    let mut servers = servers.into_iter().collect::<Option<Vec<_>>>()?.into_iter();
    Some(Alertmanager { first: servers.next()?, others: servers.collect(), hold: hold? })
}
