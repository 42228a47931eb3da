//! `[web]`: where the page is served, to whom, and the socket of the command line.
//!
//! Off loopback nobody is let in without being known: by a token, or by a proxy that says who it is.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::Context;
use crate::base::secret::Secret;
use crate::base::text::counted;
use crate::config::setup::{Proxy, Web};
use crate::config::source::{At, Place};
use crate::config::web::{ProxyTable, WebTable};
use crate::store::Location;

/// Where the page is served when the config does not say.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9180);
/// The socket's name in the runtime directory.
const SOCKET: &str = "supplywatch.sock";
/// A socket's path, at most (bytes): `sun_path` of unix(7), with the end mark.
const SOCKET_PATH_MAX: usize = 107;
/// Fields that requests have without anybody being known: who brings one would be let in.
const COMMON_FIELDS: [&str; 12] = [
    "host",
    "cookie",
    "authorization",
    "user-agent",
    "accept",
    "origin",
    "referer",
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-real-ip",
];
/// A token's length, at least.
const TOKEN_CHARS_MIN: usize = 16;

/// What `[web]` comes to.
pub fn resolve(cx: Context<'_>, table: &WebTable, state: &Location) -> Web {
    let listen = table.listen.as_ref().map_or(Some(LISTEN), |at| listen(cx, at));
    let token = table.token.as_ref().and_then(|at| token(cx, at.place, cx.keyring.open(at)?));
    let proxy = table.proxy.as_ref().and_then(|table| proxy(cx, table));
    if let (Some(at), Some(address)) = (&table.listen, listen)
        && !address.ip().is_loopback()
        && !table.is_guarded
    {
        let message = format!("`listen` opens the page to other machines at {address}, and to everybody there");
        let help =
            "give a `token`, such as { file = \"token\" }, or a `proxy` that says who asks, or listen on 127.0.0.1";
        cx.error(at.place, message, "not loopback, and no `token`", help);
    }
    Web { listen, socket: socket(cx, table.socket.as_ref(), state), hosts: hosts(cx, table), token, proxy }
}

fn listen(cx: Context<'_>, at: &At<String>) -> Option<SocketAddr> {
    let text = at.value.trim();
    if text.is_empty() {
        return None;
    }
    let address = text.replacen("localhost:", "127.0.0.1:", 1).parse().ok();
    if address.is_none() {
        let (host, _) = text.rsplit_once(':').unwrap_or((text, ""));
        let is_name = host != "localhost" && matches!(url::Host::parse(host), Ok(url::Host::Domain(_)));
        let help = match is_name {
            true => {
                "write the machine's address, such as \"10.0.0.2:9180\"; names by which it is asked are for `hosts`"
            }
            false => "write an address and a port, such as \"127.0.0.1:9180\" or \"[::1]:9180\", or \"\" for no page",
        };
        cx.error(at.place, "`listen` is no address to listen at", "expected ADDRESS:PORT", help);
    }
    address
}

/// A short token can be guessed: it is all that keeps strangers out.
fn token(cx: Context<'_>, place: Place, token: Secret) -> Option<Secret> {
    let chars = token.expose().chars().count();
    let is_plain = token.expose().chars().all(|c| c.is_ascii_graphic());
    if chars >= TOKEN_CHARS_MIN && is_plain {
        return Some(token);
    }
    let message = match is_plain {
        true => format!("the token has {}", counted(chars, "character")),
        false => "the token has a blank, or a character that is not ASCII".to_owned(),
    };
    let help = format!("take {TOKEN_CHARS_MIN} or more letters and digits by chance: openssl rand -hex 24");
    cx.error(place, message, "no good token", help);
    None
}

fn proxy(cx: Context<'_>, table: &ProxyTable) -> Option<Proxy> {
    cx.missing(&table.given, "from", "name the addresses from which the proxy asks: from = [\"10.0.0.5\"]");
    cx.missing(&table.given, "header", "name the field in which it says who asks: header = \"X-Forwarded-User\"");
    if let Some(none) = table.from.as_ref().filter(|texts| texts.value.is_empty()) {
        let help = "name the addresses from which the proxy asks, such as \"127.0.0.1\"";
        cx.error(none.place, "`from` is empty, so that nobody could see the page", "no address", help);
    }
    let mut from = Vec::new();
    for text in table.from.iter().flat_map(|texts| &texts.value) {
        match text.value.trim().parse::<IpAddr>() {
            Ok(address) => from.push(address),
            Err(_) => {
                let help = "write the address of a machine, such as \"10.0.0.5\"";
                cx.error(text.place, "`from` has what is no address", "expected an IP address", help);
            }
        }
    }
    let header = table.header.as_ref()?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let name = header.value.trim();
    if name.is_empty() || !name.chars().all(is_name) {
        let help = "write its name, such as \"X-Forwarded-User\"";
        cx.error(header.place, "`header` is no name of a header field", "not a name", help);
        return None;
    }
    let field = name.to_ascii_lowercase();
    if COMMON_FIELDS.contains(&field.as_str()) {
        let help = "take one that the proxy alone sets, once it knows who asks, such as \"X-Forwarded-User\"";
        let message = format!("`header` is `{name}`, which a request has whoever asks");
        cx.error(header.place, message, "says nothing of a visitor", help);
    }
    Some(Proxy { from, header: field })
}

fn hosts(cx: Context<'_>, table: &WebTable) -> Vec<String> {
    let host = |text: &At<String>| {
        let name = text.value.trim().to_ascii_lowercase();
        let is_part = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
        if name.is_empty() || !name.chars().all(is_part) {
            let help = "write it as it stands in the address bar, such as \"watch.example.org\" or \"watch.lan:9180\"";
            cx.error(text.place, "`hosts` has what is no host", "expected a host's name", help);
            return None;
        }
        Some(name)
    };
    table.hosts.iter().flat_map(|texts| &texts.value).filter_map(host).collect()
}

/// In the runtime directory that the service manager made; without one beside the store.
fn socket(cx: Context<'_>, at: Option<&At<String>>, state: &Location) -> Option<PathBuf> {
    let path = match at {
        Some(at) if at.value.trim().is_empty() => return None,
        Some(at) => cx.sources.of(at.place).resolve(at.value.trim()),
        None => default_socket(cx, state),
    };
    let bytes = path.as_os_str().len();
    if bytes <= SOCKET_PATH_MAX {
        return Some(path);
    }
    // Without a word about it in the config, there is none: the command line then asks the store.
    if let Some(at) = at {
        let message = format!("`socket` is a path of {bytes} bytes: a socket's has {SOCKET_PATH_MAX} at most");
        cx.error(at.place, message, "too long", "choose a shorter one, such as \"/run/supplywatch/supplywatch.sock\"");
    }
    None
}

fn default_socket(cx: Context<'_>, state: &Location) -> PathBuf {
    let directory = cx.environment.variable("RUNTIME_DIRECTORY").and_then(|list| list.split(':').next());
    match (directory.filter(|first| !first.is_empty()), state) {
        (Some(directory), _) => Path::new(directory).join(SOCKET),
        (None, Location::Sqlite(file)) => {
            let mut name = file.clone().into_os_string();
            name.push(".sock");
            PathBuf::from(name)
        }
        // Nothing of this machine belongs to a store elsewhere.
        (None, Location::Postgres(_)) => PathBuf::from(SOCKET),
    }
}
