//! Addresses that feeds and receivers name: http(s), without a login in them, and public unless the config
//! says otherwise.
//!
//! Where a name leads is only known when it is looked up; what is refused here is what can be seen now.
//! An address may hold a secret, so no more than its scheme and host is ever told.

use std::net::IpAddr;

use url::{Host, Url};

use super::Context;
use crate::base::address::is_public;
use crate::base::secret::Secret;
use crate::config::problem::Finding;
use crate::config::secret::SecretText;
use crate::config::section::Given;
use crate::config::source::{At, Place};
use crate::notify::http::Endpoint;

/// What an address may be.
#[derive(Clone, Copy)]
pub struct Leave {
    /// Plain http.
    pub insecure: bool,
    /// Loopback and private.
    pub allow_private: bool,
}

impl Leave {
    /// As a table says; what it does not say is not allowed.
    pub fn read(insecure: Option<&At<bool>>, allow_private: Option<&At<bool>>) -> Self {
        let on = |flag: Option<&At<bool>>| flag.is_some_and(|flag| flag.value);
        Self { insecure: on(insecure), allow_private: on(allow_private) }
    }
}

/// The address under `url` of a table that must have one, as a secret and as it was read.
pub fn endpoint(cx: Context<'_>, given: &Given, url: Option<&At<SecretText>>, leave: Leave) -> Option<(Endpoint, Url)> {
    cx.missing(given, "url", "write url = \"https://…\", or { env = \"…\" }, { file = \"…\" }, { credential = \"…\" }");
    let at = url?;
    let secret = cx.keyring.open(at)?;
    let url = resolve(cx, at.place, secret.expose(), leave)?;
    let Leave { insecure, allow_private } = leave;
    Some((Endpoint { url: Secret::new(url.as_str()), insecure, allow_private }, url))
}

/// Reads an address; every reason why it is refused is reported.
pub fn resolve(cx: Context<'_>, place: Place, text: &str, leave: Leave) -> Option<Url> {
    let refuse = |title: &str, label: &str, help: &str| {
        cx.add(Finding::error(place, title).label(label).help(help));
        None
    };
    let full = "write the whole address, such as https://host.example/path";
    let url = match Url::parse(text.trim()) {
        Ok(url) => url,
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            return refuse("the address has no scheme", "expected https://…", full);
        }
        Err(error) => return refuse(&format!("this is no address: {error}"), "not an address", full),
    };
    if !matches!(url.scheme(), "http" | "https") {
        // `host.example:443/x` reads as a scheme of that name: it is no secret, but not worth telling.
        return refuse("the address must begin with https://", "neither http nor https", full);
    }
    let host = url.host()?.to_owned();
    let (mut good, shown) = (true, url.host_str().unwrap_or_default());
    let mut refuse = |title: &str, label: &str, help: &str| {
        good = false;
        cx.add(Finding::error(place, title).label(label).help(help));
    };
    if !url.username().is_empty() || url.password().is_some() {
        let help = "take the part before `@` away; a feed's login goes into `headers`, as Authorization";
        refuse("the address has a login in it", "a login before `@`", help);
    }
    if url.scheme() == "http" && !leave.insecure {
        let label = format!("http://{shown} is not encrypted");
        refuse("the address is plain http", &label, "use https://, or allow it with `insecure = true`");
    }
    if !leave.allow_private && is_private(&host) {
        let label = format!("{shown} is this machine or a private network");
        refuse("the address is not on the public internet", &label, "allow it with `allow_private = true`");
    }
    good.then_some(url)
}

fn is_private(host: &Host) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
        Host::Ipv4(ip) => !is_public(IpAddr::V4(*ip)),
        Host::Ipv6(ip) => !is_public(IpAddr::V6(*ip)),
    }
}
