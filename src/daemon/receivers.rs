//! The health of the receivers, and the data alerts that come from it: a receiver that is disabled or fails for too
//! long, messages that were given up.
//!
//! The fallback receivers of `[daemon]` hear of it, or those of its routes, each of every receiver but itself, so that no alert about a
//! receiver is sent to it, and none causes another.

use std::time::Duration;

use chrono_tz::Tz;

use super::Context;
use super::health::{Case, day, settle};
use crate::alert::{DELIVERY_DEAD, Firing, RECEIVER_FAILING};
use crate::base::clock::Timestamp;
use crate::base::text::{counted, lasting};
use crate::config::Setup;
use crate::outbox::{Message, Report, Standing};
use crate::period::Period;
use crate::series::Labels;
use crate::store::{Owed, StoreError};

/// A receiver may fail for so long before somebody is told.
const FAILING_AFTER: Duration = Duration::from_secs(3600);
/// A message that was given up is told of for so long after it was written.
const DEAD_FOR: Duration = Duration::from_secs(10 * 86_400);

/// Looks at every receiver, and stores what its data alerts come to; the messages of those that changed.
pub async fn look(context: &Context, setup: &Setup, known: &[String]) -> Result<Vec<Message>, StoreError> {
    let (store, now) = (&context.store, context.clock.now());
    let (standings, owed) = (store.receivers().await?, store.owed().await?);
    let own = Some(setup.fallback.as_slice()).filter(|fallback| !fallback.is_empty());
    let mut messages = Vec::new();
    for receiver in &setup.receivers {
        let name = receiver.name.as_str();
        let (Some(standing), owed) = (standings.get(name), owed.get(name).copied().unwrap_or_default()) else {
            continue;
        };
        let others: Vec<String> = known.iter().filter(|other| *other != name).cloned().collect();
        for trouble in [Trouble::Failing, Trouble::Dead] {
            let case = ReceiverCase { name, standing, owed, zone: setup.zone, trouble, now };
            messages.extend(settle(context, setup, &case, own, &others).await?);
        }
    }
    Ok(messages)
}

/// What may be wrong with a receiver; each has an alert of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Failing,
    Dead,
}

/// One thing that may be wrong with one receiver, now.
struct ReceiverCase<'a> {
    name: &'a str,
    standing: &'a Standing,
    owed: Owed,
    zone: Tz,
    trouble: Trouble,
    now: Timestamp,
}

impl ReceiverCase<'_> {
    fn words(&self, at: Timestamp) -> String {
        day(at, self.zone).in_words()
    }

    fn failing(&self) -> Option<Report> {
        let Self { name, standing, owed, now, .. } = self;
        let since = standing.failing_since?;
        let disabled = standing.disabled_at.is_some();
        if !disabled && now.since(since) < FAILING_AFTER {
            return None;
        }
        let why = standing.last_error.as_deref().unwrap_or("no reason is known");
        let how = match disabled {
            true => format!("Receiver {name} is disabled: {why}"),
            false => format!("Receiver {name} has failed since {}: {why}", self.words(since)),
        };
        let mend = match disabled {
            true => "It is sent nothing until the config is read again, or `supplywatch receivers enable` is run.",
            false => "It is tried again and again.",
        };
        Some(Report {
            title: how,
            summary: format!("{} for it. {mend}", waits(owed.waiting)),
            condition: "receivers are reached".to_owned(),
            found: format!(
                "{}, failing for {}",
                counted(standing.failures as usize, "failure"),
                lasting(now.since(since))
            ),
            period: Some(day(since, self.zone)),
            clears: Some("ends when it takes a message".to_owned()),
            said: None,
        })
    }

    fn dead(&self) -> Option<Report> {
        let Self { name, owed, now, .. } = self;
        let newest = owed.newest_dead.filter(|newest| now.since(*newest) < DEAD_FOR)?;
        let count = counted(owed.dead, "message");
        Some(Report {
            title: format!("Receiver {name}: {count} given up, the newest of {}", self.words(newest)),
            summary: "See `supplywatch deliveries --failed`; `supplywatch deliveries retry ID` sends one again."
                .to_owned(),
            condition: "every message is delivered".to_owned(),
            found: format!("{count} given up"),
            period: Some(day(newest, self.zone)),
            clears: Some("ends when they are sent again, or ten days after the newest was written".to_owned()),
            said: None,
        })
    }
}

/// `3 messages wait`, `1 message waits`.
fn waits(count: usize) -> String {
    format!("{} wait{}", counted(count, "message"), if count == 1 { "s" } else { "" })
}

impl Case for ReceiverCase<'_> {
    fn name(&self) -> &'static str {
        match self.trouble {
            Trouble::Failing => RECEIVER_FAILING,
            Trouble::Dead => DELIVERY_DEAD,
        }
    }

    fn labels(&self) -> Labels {
        [("receiver", self.name)].into_iter().collect()
    }

    fn zone(&self) -> Tz {
        self.zone
    }

    fn found(&self) -> Option<Report> {
        match self.trouble {
            Trouble::Failing => self.failing(),
            Trouble::Dead => self.dead(),
        }
    }

    /// One that was enabled has not taken anything yet.
    fn is_over(&self) -> bool {
        match self.trouble {
            Trouble::Failing => self.standing.failing_since.is_none(),
            Trouble::Dead => self.dead().is_none(),
        }
    }

    fn over(&self, _: &Firing) -> (String, Period) {
        let (name, at) = (self.name, self.standing.last_ok_at.unwrap_or(self.now));
        let title = match self.trouble {
            Trouble::Failing => format!("Receiver {name} is well again: it answered on {}", self.words(at)),
            Trouble::Dead => format!("Receiver {name}: nothing that was given up is left to look at"),
        };
        (title, day(self.now, self.zone))
    }
}
