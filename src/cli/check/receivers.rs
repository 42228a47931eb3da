//! `check --receivers`: each receiver asked whether it would take a message, without anybody being told.

use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};

use super::super::{Format, Session};
use super::{is_meant, took};
use crate::base::text::printable;
use crate::config::Setup;
use crate::notify::probe::{Found, Reached};
use crate::notify::{Receiver, Sender};

/// Receivers that are asked at once, at most.
const AT_ONCE: usize = 8;

/// Asks the receivers that are meant, several at once; whether all are well.
pub async fn probe(session: &Session, setup: &Setup, named: &[String]) -> anyhow::Result<bool> {
    let sender = Sender::new(setup.proxy.as_ref())?;
    let meant = setup.receivers.iter().filter(|receiver| is_meant(named, &receiver.name));
    let asked = stream::iter(meant).map(async |receiver: &Receiver| {
        let begun = session.clock.now();
        let found = receiver.probe(&sender, begun).await;
        Probed { receiver, found, took: session.clock.now().since(begun) }
    });
    let mut answers = std::pin::pin!(asked.buffered(AT_ONCE));
    let mut well = true;
    while let Some(probed) = answers.next().await {
        well &= probed.found.is_ok();
        match session.format {
            Format::Text => session.print(&probed.told())?,
            Format::Json => session.line(&probed.json())?,
        }
    }
    Ok(well)
}

/// A receiver that was asked.
struct Probed<'a> {
    receiver: &'a Receiver,
    found: Result<Found, String>,
    took: Duration,
}

impl Probed<'_> {
    fn told(&self) -> String {
        let Receiver { name, kind, .. } = self.receiver;
        let said = match &self.found {
            Ok(Found { reached, name: called }) => {
                let called = called.as_deref().map(|called| format!(" ({})", printable(called))).unwrap_or_default();
                format!("{}{called}{}", shown(*reached), self.missing(*reached))
            }
            Err(why) => format!("failed: {}", printable(why)),
        };
        format!("receiver {name}, {kind}: {said}; {}", took(self.took))
    }

    /// What was not seen.
    fn missing(&self, reached: Reached) -> String {
        match reached {
            Reached::Here | Reached::Login => String::new(),
            Reached::Service | Reached::Server => {
                format!("; whether it takes messages, `supplywatch receivers test {}` shows", self.receiver.name)
            }
        }
    }

    fn json(&self) -> Value {
        let found = self.found.as_ref().ok();
        json!({
            "type": "receiver", "receiver": self.receiver.name, "kind": self.receiver.kind, "ok": found.is_some(),
            "reached": found.map(|found| found.reached.name()), "name": found.and_then(|found| found.name.as_ref()),
            "reason": self.found.as_ref().err(), "duration_ms": self.took.as_millis(),
        })
    }
}

const fn shown(reached: Reached) -> &'static str {
    match reached {
        Reached::Here => "writes to standard output",
        Reached::Server => "its server answers, which proves no more",
        Reached::Service => "answers as it should",
        Reached::Login => "knows us",
    }
}
