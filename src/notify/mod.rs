//! Receivers: one file per channel over one sender. A message goes in, the receiver's verdict comes out.
//!
//! Nothing here knows why a message is owed, or when it is tried again.

pub mod console;
pub mod email;
pub mod http;
pub mod slack;
pub mod webhook;

use crate::base::clock::Timestamp;
use crate::outbox::{Delivery, Outcome, Policy};

/// One receiver of the config, ready to be told.
pub struct Receiver {
    /// Its name in the config.
    pub name: String,
    /// How it is reached.
    pub channel: Channel,
    /// How patient its deliveries are.
    pub policy: Policy,
}

/// How a receiver is reached.
pub enum Channel {
    /// Standard output.
    Console(console::Console),
    /// A signed HTTP POST.
    Webhook(webhook::Webhook),
    /// A Slack incoming webhook.
    Slack(slack::Slack),
    /// SMTP.
    Email(email::Email),
}

/// What a channel is given to send.
#[derive(Clone, Copy, Debug)]
pub struct Parcel<'a> {
    /// What is to be delivered.
    pub delivery: &'a Delivery,
    /// The attempt, from 1.
    pub attempt: u32,
    /// An earlier attempt may have reached the receiver: a receiver without idempotency says so in the message.
    pub maybe_delivered: bool,
    /// The time of this attempt.
    pub now: Timestamp,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// What the receiver's answer means.
    pub outcome: Outcome,
    /// The HTTP status or SMTP reply code, where there was one.
    pub status: Option<u16>,
}

/// The one sender: HTTP client and SMTP connector. Cheap to clone.
#[derive(Clone)]
pub struct Sender {}

/// Why the sender could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SenderError {
    /// Placeholder.
    #[error("placeholder")]
    Placeholder,
}

impl Sender {
    /// A sender.
    pub fn new() -> Result<Self, SenderError> {
        todo!()
    }
}

impl Receiver {
    /// One attempt. It ends within [`crate::base::limits::LEASE`].
    pub async fn send(&self, _sender: &Sender, _parcel: Parcel<'_>) -> Sent {
        todo!()
    }

    /// The message exactly as it would go out, secrets hidden.
    pub fn preview(&self, _parcel: Parcel<'_>) -> String {
        todo!()
    }

    /// A console receiver writes each message as one JSON object a line (`--format json`).
    pub fn write_json(&mut self) {
        todo!()
    }

    /// A console receiver writes without colour (dry-run).
    pub fn write_plain(&mut self) {
        todo!()
    }
}
