//! Receivers: one file per channel over one sender. A message goes in, the receiver's verdict comes out.
//!
//! Nothing here knows why a message is owed, or when it is tried again.

pub mod alertmanager;
pub mod console;
pub mod dingtalk;
pub mod discord;
pub mod email;
pub mod feishu;
pub mod googlechat;
pub mod gotify;
pub mod http;
pub mod matrix;
pub mod mattermost;
pub mod ntfy;
pub mod opsgenie;
pub mod pagerduty;
pub mod probe;
pub mod pushover;
pub mod rocketchat;
pub mod service;
pub mod slack;
pub mod teams;
pub mod telegram;
pub mod template;
pub mod webhook;
pub mod wecom;
pub mod zulip;

mod answer;
mod attachment;
mod body;
mod facts;
mod layout;
mod look;
mod markdown;
mod markup;
mod picture;
mod prose;
mod robot;

#[cfg(test)]
pub mod double;
#[cfg(test)]
mod hostile;
#[cfg(test)]
pub mod relay;
#[cfg(test)]
pub mod stage;

use ::hmac::{Hmac, KeyInit, Mac};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::Sha256;

use self::service::Service;
use self::template::Template;
use crate::base::clock::Timestamp;
use crate::base::proxy::ForwardProxy;
use crate::base::text::printable;
use crate::outbox::{Delivery, Digest, Message, Outcome, Policy, Voice};

/// One receiver of the config, ready to be told.
#[derive(Debug)]
pub struct Receiver {
    /// Its name in the config.
    pub name: String,
    /// Its kind in the config.
    pub kind: &'static str,
    /// How it is reached.
    pub channel: Channel,
    /// How patient its deliveries are.
    pub policy: Policy,
    /// When all that waits for it goes out together, where it wants that.
    pub digest: Option<Digest>,
    /// How it is spoken to.
    pub voice: Voice,
    /// How its messages are told, where the rule does not say it.
    pub template: Template,
}

/// How a receiver is reached.
#[derive(Debug)]
pub enum Channel {
    /// Standard output, for people.
    Console(console::Console),
    /// Standard output, for programs: one JSON object a line. Made by [`Receiver::write_json`].
    Lines,
    /// An HTTP request.
    Service(Box<dyn Service>),
    /// SMTP.
    Email(Box<email::Email>),
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
    /// The receiver's own name for the first message of the thread, for those who reply to it.
    pub opening: Option<&'a str>,
    /// The time of this attempt.
    pub now: Timestamp,
}

impl<'a> Parcel<'a> {
    /// What is to be said.
    const fn message(&self) -> &'a Message {
        &self.delivery.message
    }
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// What the receiver's answer means.
    pub outcome: Outcome,
    /// The HTTP status or SMTP reply code, where there was one.
    pub status: Option<u16>,
}

impl Sent {
    /// It may work later; the receiver does not have it.
    fn retry(why: impl Into<String>) -> Self {
        Outcome::Retry { after: None, why: why.into(), maybe_delivered: false }.into()
    }

    /// It may work later, and the receiver may have it already: its answer was lost.
    fn lost(why: impl Into<String>) -> Self {
        Outcome::Retry { after: None, why: why.into(), maybe_delivered: true }.into()
    }

    /// This message can never succeed here.
    fn reject(why: impl Into<String>) -> Self {
        Outcome::Reject { why: why.into() }.into()
    }

    /// The receiver itself is gone or set up wrongly.
    fn disable(why: impl Into<String>) -> Self {
        Outcome::Disable { why: why.into() }.into()
    }

    /// The receiver has it.
    const fn delivered(remote_ref: Option<String>) -> Self {
        Self { outcome: Outcome::Delivered { remote_ref }, status: None }
    }

    /// The same with more words on why.
    fn explained(mut self, more: &str) -> Self {
        if let Outcome::Retry { why, .. }
        | Outcome::Pause { why, .. }
        | Outcome::Reject { why }
        | Outcome::Disable { why } = &mut self.outcome
        {
            why.push_str(more);
        }
        self
    }

    /// The same, answered with that code.
    const fn with_status(mut self, status: Option<u16>) -> Self {
        self.status = status;
        self
    }
}

impl From<Outcome> for Sent {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, status: None }
    }
}

/// The one sender: HTTP clients, and what is known of half-delivered mail. Cheap to clone.
#[derive(Clone)]
pub struct Sender {
    http: http::Clients,
    mail: email::Memory,
    /// What stands for all services, and for chance.
    #[cfg(test)]
    stage: Option<std::sync::Arc<dyn stage::Stage>>,
}

/// Why the sender could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SenderError {
    /// TLS or the resolver could not be set up.
    #[error("the HTTP client for receivers cannot be made")]
    Client(#[source] reqwest::Error),
}

impl Sender {
    /// A sender; public addresses are reached through `proxy`.
    pub fn new(proxy: Option<&ForwardProxy>) -> Result<Self, SenderError> {
        Ok(Self {
            http: http::Clients::new(proxy).map_err(SenderError::Client)?,
            mail: email::Memory::default(),
            #[cfg(test)]
            stage: None,
        })
    }

    /// Asks for an address; `Err` says why that did not work, and no more of the address than its host.
    pub async fn ping(&self, endpoint: &http::Endpoint) -> Result<(), String> {
        self.http.ping(endpoint).await
    }

    /// How much of the longest wait there is before another attempt: drawn evenly from 0..1.
    pub fn jitter(&self) -> f64 {
        #[cfg(test)]
        if let Some(stage) = &self.stage {
            return stage.jitter();
        }
        rand::random()
    }
}

impl Channel {
    /// Whether it is told each alert by itself, as one that keeps alerts is, and a screen on which they scroll by.
    pub fn keeps_alerts(&self) -> bool {
        match self {
            Self::Console(_) | Self::Lines => true,
            Self::Service(service) => service.keeps_alerts(),
            Self::Email(_) => false,
        }
    }
}

#[cfg(test)]
impl Channel {
    /// The service of that type, which it must be.
    #[track_caller]
    pub fn service<T: Service>(&self) -> &T {
        let Self::Service(service) = self else { panic!("a channel without a service") };
        let service: &dyn std::any::Any = service.as_ref();
        service.downcast_ref().expect("a service of another type")
    }
}

impl Receiver {
    /// Attempts under way at once, at most: order within an alert is the store's care.
    pub const fn places(&self) -> usize {
        match &self.channel {
            // What takes only so much takes it one by one; what people read as it comes, in order.
            _ if self.policy.rate.is_some() => 1,
            Channel::Console(_) | Channel::Lines => 1,
            Channel::Email(_) => 4,
            Channel::Service(_) => 24,
        }
    }

    /// One attempt. It ends within [`crate::base::limits::LEASE`].
    pub async fn send(&self, sender: &Sender, parcel: Parcel<'_>) -> Sent {
        #[cfg(test)]
        if let Some(stage) = &sender.stage {
            return stage.take(parcel).await;
        }
        let retold = self.retold(parcel.delivery);
        let parcel = Parcel { delivery: retold.as_ref().unwrap_or(parcel.delivery), ..parcel };
        match &self.channel {
            Channel::Console(console) => console.send(parcel).await,
            Channel::Lines => console::send_line(parcel).await,
            Channel::Service(service) => service::send(service.as_ref(), &sender.http, parcel).await,
            Channel::Email(email) => email.send(&sender.mail, parcel).await,
        }
    }

    /// The message exactly as it would go out, secrets hidden.
    pub fn preview(&self, parcel: Parcel<'_>) -> String {
        let retold = self.retold(parcel.delivery);
        let parcel = Parcel { delivery: retold.as_ref().unwrap_or(parcel.delivery), ..parcel };
        match &self.channel {
            Channel::Console(console) => console.text(parcel),
            Channel::Lines => console::line(parcel),
            Channel::Service(service) => service::preview(service.as_ref(), parcel),
            Channel::Email(email) => email.preview(parcel),
        }
    }

    /// The delivery as a template has it told to people; programs get the message as it is.
    fn retold(&self, delivery: &Delivery) -> Option<Delivery> {
        let is_for_people = match &self.channel {
            Channel::Console(_) | Channel::Email(_) => true,
            Channel::Lines => false,
            Channel::Service(service) => service.is_for_people(),
        };
        let message = is_for_people.then(|| delivery.message.retold()).flatten()?;
        Some(Delivery { message, ..delivery.clone() })
    }

    /// A console receiver writes each message as one JSON object a line (`--format json`).
    pub fn write_json(&mut self) {
        if matches!(self.channel, Channel::Console(_)) {
            self.channel = Channel::Lines;
        }
    }

    /// A console receiver writes without colour (dry-run).
    pub fn write_plain(&mut self) {
        if let Channel::Console(console) = &mut self.channel {
            console.colour = false;
        }
    }
}

/// What is added to a message that may have arrived before, where the receiver cannot know by itself.
const REPEAT: &str = "(may be a repeat)";

/// Text of several lines made safe for a terminal, line by line.
fn printable_lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

/// The HMAC-SHA256 of a text in base64: how webhooks and robots are signed.
fn hmac(key: &[u8], text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// JSON whose strings hold no character that moves a cursor or changes the reading direction: those
/// are escaped as JSON escapes them, so that a parser reads the same text.
fn safe_json(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        // A line feed in JSON text stands between values, never in a string.
        if c == '\n' || (' '..='~').contains(&c) || !printable(c.encode_utf8(&mut [0; 4])).starts_with("\\u{") {
            safe.push(c);
        } else {
            // Every such character is in the basic plane.
            safe.push_str(&format!("\\u{:04x}", u32::from(c)));
        }
    }
    safe
}
