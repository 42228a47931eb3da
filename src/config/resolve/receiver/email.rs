//! `kind = "email"`.

use lettre::message::Mailbox;

use super::{Kind, dkim, on};
use crate::base::secret::Secret;
use crate::base::text::{printable, shorten};
use crate::config::problem::Finding;
use crate::config::receiver::ReceiverTable;
use crate::config::resolve::{Context, value};
use crate::config::source::At;
use crate::notify::Channel;
use crate::notify::email::{Email, Tls};

pub const KIND: Kind = Kind {
    name: "email",
    // A mail relay may always be in-house; `allow_private` is taken so that receivers can be written alike.
    keys: &[
        "insecure",
        "allow_private",
        "host",
        "port",
        "tls",
        "username",
        "password",
        "from",
        "to",
        "hello",
        "ca_file",
        "dkim",
        "chart",
    ],
    rate: None,
    resolve: |cx, table| Some(Channel::Email(Box::new(email(cx, table)?))),
};

/// A file of certificates, at most (bytes).
const CA_BYTES_MAX: u64 = 1 << 20;

fn email(cx: Context<'_>, table: &ReceiverTable) -> Option<Email> {
    cx.missing(&table.given, "host", "write the mail relay's name: host = \"smtp.example\"");
    cx.missing(&table.given, "from", "write the sender: from = \"Supply watch <watch@example.com>\"");
    cx.missing(&table.given, "to", "write whom to tell: to = [\"desk@example.com\"]");
    let host = table.host.as_ref().and_then(|at| host_name(cx, "host", at));
    let port = table.port.as_ref().map(|at| port(cx, at));
    let tls = tls(cx, table);
    let login = login(cx, table);
    let from = table.from.as_ref().and_then(|at| mailbox(cx, at));
    let to = recipients(cx, table);
    let hello = table.hello.as_ref().and_then(|at| host_name(cx, "hello", at));
    let ca_pem = table.ca_file.as_ref().and_then(|at| certificates(cx, at));
    let dkim = table.dkim.as_ref().map(|table| dkim::resolve(cx, table, from.as_ref()));
    let default_port = match tls {
        Tls::Implicit => 465,
        Tls::StartTls => 587,
        Tls::None => 25,
    };
    let port = port.map_or(Some(default_port), |port| port)?;
    // A mail that was to be signed is not sent without.
    let dkim = match dkim {
        Some(dkim) => Some(dkim?),
        None => None,
    };
    Some(Email { host: host?, port, tls, login, from: from?, to: to?, hello, ca_pem, dkim })
}

fn port(cx: Context<'_>, at: &At<u64>) -> Option<u16> {
    let port = u16::try_from(at.value).ok().filter(|port| *port > 0);
    if port.is_none() {
        let message = format!("`port` cannot be {}", at.value);
        cx.add(Finding::error(at.place, message).label("expected 1 to 65535"));
    }
    port
}

/// STARTTLS where the config says nothing, except at port 465, which is TLS from the first byte.
fn tls(cx: Context<'_>, table: &ReceiverTable) -> Tls {
    let choices = [("implicit", Tls::Implicit), ("starttls", Tls::StartTls), ("none", Tls::None)];
    let default = if table.port.as_ref().is_some_and(|port| port.value == 465) { Tls::Implicit } else { Tls::StartTls };
    let Some(at) = &table.tls else { return default };
    let tls = value::choice(cx, "tls", at, &choices).unwrap_or(default);
    if tls == Tls::None && !on(table.insecure.as_ref()) {
        let message = "mail would travel without encryption";
        cx.error(
            at.place,
            message,
            "not encrypted",
            "use \"starttls\" or \"implicit\", or allow it with `insecure = true`",
        );
    }
    tls
}

/// A name with its password; nothing where the table has neither.
pub fn login(cx: Context<'_>, table: &ReceiverTable) -> Option<(String, Secret)> {
    let (has_name, has_password) = (table.given.has("username"), table.given.has("password"));
    if has_name != has_password {
        let (given, other) = if has_name { ("username", "password") } else { ("password", "username") };
        let place =
            table.given.keys.iter().find(|(key, _)| *key == given).map_or(table.given.place, |(_, place)| *place);
        let message = format!("`{given}` without `{other}`");
        cx.error(place, message, "half a login", format!("write `{other}` too, or take `{given}` away"));
    }
    let name = table.username.as_ref().and_then(|at| cx.keyring.open(at));
    let password = table.password.as_ref().and_then(|at| cx.keyring.open(at));
    Some((name?.expose().to_owned(), password?))
}

fn recipients(cx: Context<'_>, table: &ReceiverTable) -> Option<Vec<Mailbox>> {
    let at = table.to.as_ref()?;
    if at.value.is_empty() {
        cx.error(at.place, "`to` names nobody", "empty", "write at least one address");
        return None;
    }
    let mailboxes: Vec<Option<Mailbox>> = at.value.iter().map(|at| mailbox(cx, at)).collect();
    mailboxes.into_iter().collect()
}

/// `desk@example.com` or `The desk <desk@example.com>`.
fn mailbox(cx: Context<'_>, at: &At<String>) -> Option<Mailbox> {
    let text = at.value.trim();
    let hostile = printable(text) != text;
    let mailbox = text.parse::<Mailbox>().ok().filter(|_| !hostile);
    if mailbox.is_none() {
        let message = format!("`{}` is no mail address", shorten(text, 80));
        let label = if hostile { "a line break or another control character" } else { "not an address" };
        cx.error(at.place, message, label, "write \"desk@example.com\" or \"The desk <desk@example.com>\"");
    }
    mailbox
}

/// A host's name or address, without a port or a scheme.
fn host_name(cx: Context<'_>, key: &str, at: &At<String>) -> Option<String> {
    let text = at.value.trim();
    let good = match url::Host::parse(text) {
        Ok(url::Host::Domain(_)) => text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_')),
        Ok(url::Host::Ipv4(_) | url::Host::Ipv6(_)) => true,
        Err(_) => false,
    };
    if !good {
        let message = format!("`{key}` cannot be `{}`", shorten(text, 80));
        cx.error(at.place, message, "expected a host's name", "write the name alone, such as \"smtp.example.com\"");
    }
    good.then(|| text.to_owned())
}

/// A private CA's certificates in PEM.
fn certificates(cx: Context<'_>, at: &At<String>) -> Option<Vec<u8>> {
    use std::io::Read;
    let path = cx.sources.of(at.place).resolve(&at.value);
    let mut bytes = Vec::new();
    let read = std::fs::File::open(&path).and_then(|file| file.take(CA_BYTES_MAX).read_to_end(&mut bytes));
    let shown = printable(&path.display().to_string());
    if let Err(error) = read {
        let message = format!("`{shown}` cannot be read: {error}");
        cx.add(Finding::error(at.place, message).label("named here"));
        return None;
    }
    if !String::from_utf8_lossy(&bytes).contains("-----BEGIN CERTIFICATE-----") {
        let message = format!("`{shown}` has no certificate");
        cx.error(at.place, message, "named here", "a file of certificates is PEM: -----BEGIN CERTIFICATE-----");
        return None;
    }
    Some(bytes)
}
