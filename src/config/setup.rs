//! What a good config comes to: every part parsed, nothing left to go wrong.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;

use super::outline::Outline;
use crate::base::proxy::ForwardProxy;
use crate::base::secret::Secret;
use crate::feed::Feed;
use crate::notify::Receiver;
use crate::notify::http::Endpoint;
use crate::notify::template::Template;
use crate::outbox::Route;
use crate::rule::Rule;
use crate::rule::derived::Derived;
use crate::store::Location;

/// Who is told, again and again, that all is well: whoever hears nothing any more raises the alarm.
#[derive(Debug)]
pub struct DeadMan {
    /// The address that is asked.
    pub endpoint: Endpoint,
    /// How often.
    pub every: Duration,
}

/// The whole config, resolved.
#[derive(Debug)]
pub struct Setup {
    /// The file that it came from.
    pub path: PathBuf,
    /// Every file that was read: that one, and what it includes.
    pub files: Vec<PathBuf>,
    /// The same as they are written, without secrets.
    pub written: Vec<Written>,
    /// What it says, item by item.
    pub outline: Outline,
    /// Where the store is.
    pub state: Location,
    /// How long a replica that says nothing keeps its work; only a store on a server has replicas.
    pub lease: Duration,
    /// The daemon's time zone, for feeds that name none.
    pub zone: Tz,
    /// The feeds, in the order of their names.
    pub feeds: Vec<Feed>,
    /// The derived series, each behind all that it derives from.
    pub derived: Vec<Derived>,
    /// The rules, in the order of their names.
    pub rules: Vec<Rule>,
    /// How rules have their messages told, by the rules' names.
    pub templates: BTreeMap<String, Template>,
    /// The receivers, in the order of their names.
    pub receivers: Vec<Receiver>,
    /// The routes, in the order in which they are looked at.
    pub routes: Vec<Route>,
    /// For the User-Agent: how a publisher reaches the operator.
    pub contact: Option<String>,
    /// The proxy through which public addresses are reached, with its login.
    pub proxy: Option<ForwardProxy>,
    /// Who hears of receivers that fail.
    pub fallback: Vec<String>,
    /// Where its page is to be found, without a slash at the end.
    pub page_url: Option<String>,
    /// Who is told that all is well.
    pub dead_man: Option<DeadMan>,
    /// How long deliveries that are over are kept, and pulls that brought nothing.
    pub keep_attempts: Duration,
    /// Where and to whom its page is served.
    pub web: Web,
}

/// Where and to whom the page is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Web {
    /// The address; `None` for no page.
    pub listen: Option<SocketAddr>,
    /// The socket for the command line, whose file says who may use it; `None` for none.
    pub socket: Option<PathBuf>,
    /// Names by which it may be asked beside those of loopback, in lower case, with a port where it has to be that one.
    pub hosts: Vec<String>,
    /// What visitors have to know.
    pub token: Option<Secret>,
    /// A server in front of it that knows who asks.
    pub proxy: Option<Proxy>,
}

/// A server in front of the page that has asked visitors who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// The addresses that it asks from; from others the field means nothing.
    pub from: Vec<IpAddr>,
    /// The header field in which it names the visitor, in lower case.
    pub header: String,
}

/// A file of the config as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Where it is.
    pub path: PathBuf,
    /// Its text, with `<secret>` in the place of each secret, and no sign that moves a cursor.
    pub text: String,
}

impl Setup {
    /// How a receiver is told of a rule: as the rule has it, then as the receiver has it.
    pub fn template(&self, rule: &str, receiver: &str) -> Template {
        let of_receiver = self.receivers.iter().find(|known| known.name == receiver).map(|known| &known.template);
        let of_rule = self.templates.get(rule).cloned().unwrap_or_default();
        of_receiver.map_or_else(|| of_rule.clone(), |template| of_rule.or(template))
    }
}
