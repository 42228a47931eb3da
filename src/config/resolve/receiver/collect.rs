//! `digest` and `storm` of a receiver: when its messages are told together.

use chrono_tz::Tz;

use crate::base::text::shorten;
use crate::config::receiver::{DigestTable, ReceiverTable};
use crate::config::resolve::{Context, value};
use crate::config::source::At;
use crate::notify::Channel;
use crate::outbox::{Digest, Policy, Rate};
use crate::rule::Severity;

/// When digests go out: by the clock that the table names, else by that of the receiver's quiet hours, else by the
/// daemon's.
pub fn digest(cx: Context<'_>, table: &DigestTable, zone: Tz) -> Option<Digest> {
    if let Some(given) = &table.given {
        cx.missing(given, "at", "write when it goes out: at = \"0 8 * * 1-5\"");
    }
    let zone = match &table.timezone {
        Some(at) => value::zone(cx, at)?,
        None => zone,
    };
    let severities = Severity::ALL.map(|severity| (severity.name(), severity));
    let except = match &table.except {
        Some(at) => Some(value::choice(cx, "except", at, &severities)?),
        None => None,
    };
    Some(Digest { schedule: value::schedule(cx, table.at.as_ref()?, zone)?, except })
}

/// How many messages are told one by one; `None` where all are.
pub fn storm(cx: Context<'_>, at: Option<&At<String>>) -> Option<Rate> {
    match at {
        None => Policy::DEFAULT.storm,
        Some(at) if at.value.trim() == "off" => None,
        Some(at) => {
            let found = value::rate_as(at);
            if found.is_none() {
                let message = format!("`storm` cannot be `{}`", shorten(&at.value, 60));
                let help =
                    "write how many messages in which time are told one by one, such as \"30/10min\", or \"off\"";
                cx.error(at.place, message, "expected a rate or `off`", help);
            }
            found
        }
    }
}

/// That a receiver which is told each alert by itself has nothing told together is said.
pub fn check(cx: Context<'_>, table: &ReceiverTable, kind: &str, channel: &Channel) {
    if !channel.keeps_alerts() {
        return;
    }
    for key in ["digest", "storm"] {
        if let Some((_, place)) = table.given.keys.iter().find(|(given, _)| *given == key) {
            let message = format!("`{key}` does not go with kind = \"{kind}\"");
            let help = "take it away; `quiet` holds messages back, and `rate` slows them down";
            cx.error(*place, message, "it is told each alert by itself", help);
        }
    }
}
