//! `dkim` of a mail receiver: which domain signs, and with which key.

use lettre::message::Mailbox;

use crate::base::text::shorten;
use crate::config::problem::Finding;
use crate::config::receiver::DkimTable;
use crate::config::resolve::Context;
use crate::config::secret::SecretText;
use crate::config::source::At;
use crate::notify::email::dkim::{Dkim, Key};

/// How to make a key.
const MAKE: &str = "make one with: openssl genrsa -out dkim.pem 2048";

/// What the table says; `from` is the sender, where it is known.
pub fn resolve(cx: Context<'_>, table: &DkimTable, from: Option<&Mailbox>) -> Option<Dkim> {
    cx.missing(&table.given, "domain", "write the domain of the sender: domain = \"example.com\"");
    cx.missing(&table.given, "selector", "write the key's name in DNS: selector = \"supplywatch\"");
    cx.missing(&table.given, "key", "write where the private key is: { file = \"…\" } or { credential = \"…\" }");
    let domain = table.domain.as_ref().and_then(|at| domain(cx, at));
    let selector = table.selector.as_ref().and_then(|at| selector(cx, at));
    let key = table.key.as_ref().and_then(|at| key(cx, at));
    if let (Some(at), Some(domain), Some(from)) = (&table.domain, &domain, from) {
        aligned(cx, at, domain, from);
    }
    Some(Dkim { domain: domain?, selector: selector?, key: key? })
}

/// A domain as DNS writes it.
fn domain(cx: Context<'_>, at: &At<String>) -> Option<String> {
    let found = match url::Host::parse(at.value.trim()) {
        Ok(url::Host::Domain(domain)) if is_dns_name(&domain) && domain.contains('.') => Some(domain),
        _ => None,
    };
    if found.is_none() {
        let message = format!("`domain` cannot be `{}`", shorten(&at.value, 80));
        cx.error(
            at.place,
            message,
            "expected a domain",
            "write the part after the sender's `@`, such as \"example.com\"",
        );
    }
    found
}

fn selector(cx: Context<'_>, at: &At<String>) -> Option<String> {
    let found = Some(at.value.trim().to_ascii_lowercase()).filter(|name| is_dns_name(name));
    if found.is_none() {
        let message = format!("`selector` cannot be `{}`", shorten(&at.value, 80));
        cx.error(at.place, message, "expected a name in DNS", "letters, digits, `-` and `.`, such as \"supplywatch\"");
    }
    found
}

/// Labels of at most 63 letters, digits, `-` and `_`, with dots between them.
fn is_dns_name(name: &str) -> bool {
    let is_label = |label: &str| {
        let plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        (1..=63).contains(&label.len()) && plain && !label.starts_with('-') && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

fn key(cx: Context<'_>, at: &At<SecretText>) -> Option<Key> {
    let secret = cx.keyring.open(at)?;
    let key = Key::read(&secret);
    key.map_err(|error| cx.error(at.place, error.to_string(), "no key to sign with", MAKE)).ok()
}

/// A signature by another domain than the sender's counts for nothing under DMARC.
fn aligned(cx: Context<'_>, at: &At<String>, domain: &str, from: &Mailbox) {
    let sender = match url::Host::parse(from.email.domain()) {
        Ok(host) => host.to_string(),
        Err(_) => return,
    };
    let is_within = |inner: &str, outer: &str| inner == outer || inner.ends_with(&format!(".{outer}"));
    if !is_within(&sender, domain) && !is_within(domain, &sender) {
        let message = format!("`{domain}` signs for a sender of `{sender}`");
        let finding = Finding::warning(at.place, message).label("another domain than the sender's");
        cx.add(finding.help("those who check mails by DMARC look at the signature of the sender's own domain alone"));
    }
}
