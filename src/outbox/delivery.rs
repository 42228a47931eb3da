//! One message for one receiver, and how an attempt to bring it ended.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::Message;
use crate::base::clock::Timestamp;
use crate::base::text::hex;

/// One message for one receiver, written in the transaction of the transition that owes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// Stable across retries: `msg_` and 32 hex digits. It is the webhook-id and part of the Message-ID.
    pub id: String,
    /// The receiver's name in the config.
    pub receiver: String,
    /// The alert's id: deliveries of one alert to one receiver keep their order.
    pub alert: String,
    /// What is to be said.
    pub message: Message,
    /// When it was written.
    pub created_at: Timestamp,
}

/// The id of the delivery of an alert's transition to a receiver. It depends on nothing else, so a
/// repeated evaluation owes the same delivery, not another.
pub fn delivery_id(store: &str, alert: &str, number: u32, receiver: &str) -> String {
    let digest = Sha256::digest(format!("{store}\n{alert}\n{number}\n{receiver}").as_bytes());
    format!("msg_{}", hex(&digest[..16]))
}

/// Who is told of a transition: the rule's receivers, and whoever was told before in the episode, so
/// that no one who got the opening notice misses the closing one. Only receivers that still exist.
pub fn receivers(closes: bool, notify: &[String], told_before: &[String], known: &[String]) -> Vec<String> {
    let mut receivers = told_before.to_vec();
    if !closes {
        receivers.extend(notify.iter().filter(|name| !told_before.contains(name)).cloned());
    }
    receivers.retain(|name| known.contains(name));
    receivers
}

/// The deliveries that a message owes.
pub fn plan(store: &str, message: &Message, receivers: &[String]) -> Vec<Delivery> {
    plan_at(store, message, receivers, message.at)
}

/// The same where they are owed later than the message was made.
pub fn plan_at(store: &str, message: &Message, receivers: &[String], now: Timestamp) -> Vec<Delivery> {
    let delivery = |receiver: &String| Delivery {
        id: delivery_id(store, &message.alert.id, message.number, receiver),
        receiver: receiver.clone(),
        alert: message.alert.id.clone(),
        message: message.clone(),
        created_at: now,
    };
    receivers.iter().map(delivery).collect()
}

/// How an attempt to bring a message ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it.
    Delivered {
        /// The receiver's own name for it (a message id, a queue id), where it gives one.
        remote_ref: Option<String>,
    },
    /// It may work later.
    Retry {
        /// How long the receiver asked us to wait.
        after: Option<Duration>,
        /// What happened.
        why: String,
        /// The answer was lost after the request was written: the receiver may have it.
        maybe_delivered: bool,
    },
    /// The receiver wants no message at all for a while.
    Pause {
        /// For how long.
        after: Duration,
        /// What happened.
        why: String,
    },
    /// This message can never succeed here.
    Reject {
        /// What happened.
        why: String,
    },
    /// The receiver itself is gone or its credentials are wrong.
    Disable {
        /// What happened.
        why: String,
    },
}

impl Outcome {
    /// Every word of [`Outcome::name`].
    pub const NAMES: [&'static str; 5] = ["delivered", "retry", "pause", "reject", "disable"];

    /// The word that is kept with the attempt.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Delivered { .. } => "delivered",
            Self::Retry { .. } => "retry",
            Self::Pause { .. } => "pause",
            Self::Reject { .. } => "reject",
            Self::Disable { .. } => "disable",
        }
    }

    /// The receiver's own name for the message, where it gave one.
    pub fn remote_ref(&self) -> Option<&str> {
        match self {
            Self::Delivered { remote_ref } => remote_ref.as_deref(),
            Self::Retry { .. } | Self::Pause { .. } | Self::Reject { .. } | Self::Disable { .. } => None,
        }
    }

    /// What happened, where it was not delivered.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Delivered { .. } => None,
            Self::Retry { why, .. } | Self::Pause { why, .. } | Self::Reject { why } | Self::Disable { why } => {
                Some(why)
            }
        }
    }
}

/// One attempt, as it is recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// The HTTP status or SMTP reply code, where there was one.
    pub status: Option<u16>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_depend_on_what_is_owed_alone() {
        let id = |number, receiver| delivery_id("store", "alert", number, receiver);
        assert_eq!(id(1, "desk"), id(1, "desk"));
        assert_ne!(id(1, "desk"), id(2, "desk"));
        assert_ne!(id(1, "desk"), id(1, "hook"));
        assert_ne!(delivery_id("other", "alert", 1, "desk"), id(1, "desk"));
        assert_eq!(id(1, "desk").len(), 36);
        assert!(!id(1, "desk").contains('.'));
    }

    #[track_caller]
    fn check(closes: bool, notify: &[&str], told: &[&str], expected: &[&str]) {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let known = owned(&["desk", "hook", "mail"]);
        assert_eq!(receivers(closes, &owned(notify), &owned(told), &known), owned(expected));
    }

    #[test]
    fn whoever_got_the_opening_gets_the_closing() {
        check(false, &["desk", "hook"], &[], &["desk", "hook"]);
        check(false, &["hook", "mail"], &["desk", "hook"], &["desk", "hook", "mail"]);
        check(true, &["mail"], &["desk", "hook"], &["desk", "hook"]);
        check(true, &["mail"], &[], &[]);
        check(true, &[], &["desk", "gone"], &["desk"]);
    }
}
