//! `kind = "webhook"`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Kind, endpoint};
use crate::base::secret::Secret;
use crate::config::problem::Finding;
use crate::config::receiver::ReceiverTable;
use crate::config::resolve::{Context, value};
use crate::config::secret::SecretText;
use crate::config::source::At;
use crate::notify::Channel;
use crate::notify::webhook::{Format, Webhook};

pub const KIND: Kind = Kind {
    name: "webhook",
    keys: &["url", "secret", "format", "insecure", "allow_private"],
    rate: None,
    resolve: |cx, table| Some(Channel::Service(Box::new(webhook(cx, table)?))),
};

/// A signing key that is shorter than the standard asks for (bytes).
const WEAK_KEY: usize = 24;

fn webhook(cx: Context<'_>, table: &ReceiverTable) -> Option<Webhook> {
    let secret = table.secret.as_ref().map(|at| signing_key(cx, at));
    let formats = [("standard", Format::Standard), ("cloudevents", Format::CloudEvents)];
    let format = match &table.format {
        Some(at) => value::choice(cx, "format", at, &formats),
        None => Some(Format::Standard),
    };
    let endpoint = endpoint(cx, table)?;
    let secret = match secret {
        None => None,
        Some(secret) => Some(secret?),
    };
    Some(Webhook { endpoint, secret, format: format? })
}

/// `whsec_` and the key in base64, as Standard Webhooks writes it.
fn signing_key(cx: Context<'_>, at: &At<SecretText>) -> Option<Secret> {
    let secret = cx.keyring.open(at)?;
    let help = "a secret is `whsec_` and 24 to 64 random bytes in base64: whsec_$(openssl rand -base64 32)";
    let key = secret.expose().trim().strip_prefix("whsec_");
    let Some(key) = key else {
        cx.error(at.place, "`secret` does not begin with `whsec_`", "not a signing secret", help);
        return None;
    };
    match STANDARD.decode(key) {
        Ok(bytes) if !bytes.is_empty() => {
            if bytes.len() < WEAK_KEY {
                let message = format!("`secret` has {} bytes, which is short for a signing key", bytes.len());
                cx.add(Finding::warning(at.place, message).label("weak").help(help));
            }
            Some(Secret::new(secret.expose().trim()))
        }
        _ => {
            cx.error(at.place, "`secret` is not base64 after `whsec_`", "not a signing secret", help);
            None
        }
    }
}
