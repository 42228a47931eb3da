//! Services that take messages as HTTP requests: what is asked of one, and what its answer means.
//!
//! A service is two pure functions, and a third that asks without telling anybody anything. Everything between them,
//! the one sender does.

use std::any::Any;
use std::fmt::Debug;

use futures_util::future::join_all;
use tracing::warn;

use super::answer::Answer;
use super::http::{Call, Clients};
use super::probe::Probe;
use super::{Parcel, Sent};
use crate::outbox::{Delivery, Message, Outcome};

/// A service that takes messages.
pub trait Service: Any + Debug + Send + Sync {
    /// The request that brings a message; why it cannot be made, where the config is to blame.
    fn call(&self, parcel: Parcel<'_>, form: Form) -> Result<Call, String>;

    /// What shows whether it would take a message, as far as that can be asked without sending one.
    fn probe(&self) -> Probe;

    /// Whether people read what it takes: programs are told no template's words.
    fn is_for_people(&self) -> bool {
        true
    }

    /// Whether it keeps an alert by its key, and so is told each by itself: what is told of several at once, it would
    /// keep under one of them.
    fn keeps_alerts(&self) -> bool {
        false
    }

    /// What the answer to it means.
    fn verdict(&self, answer: &Answer) -> Verdict {
        by_status(answer)
    }
}

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// All that fits into the service's limits.
    Full,
    /// The title, the summary and where to read more, as plain as the service can have it.
    Short,
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The attempt ends so.
    Ends(Sent),
    /// The service cannot take the message as it is: it may take the short form; where it was that, the
    /// attempt ends so.
    TooMuch(Sent),
}

/// The verdict by status alone.
pub fn by_status(answer: &Answer) -> Verdict {
    match answer.status {
        413 => Verdict::TooMuch(answer.verdict()),
        _ => Verdict::Ends(answer.verdict()),
    }
}

/// The verdict where the answer is not in the service's own words: of a 2xx nobody knows whether the service wrote
/// it, or a proxy's page of login in its place.
pub fn stranger(answer: &Answer) -> Verdict {
    match answer.status {
        200..=299 => answer.means(answer.retry(true)).into(),
        _ => by_status(answer),
    }
}

impl From<Sent> for Verdict {
    fn from(sent: Sent) -> Self {
        Self::Ends(sent)
    }
}

/// One attempt: a request, one without the picture where there was one and it was too much, and at last a shorter
/// one.
pub async fn send(service: &dyn Service, clients: &Clients, parcel: Parcel<'_>) -> Sent {
    let mut verdict = ask(service, clients, parcel, Form::Full).await;
    if matches!(verdict, Verdict::TooMuch(_)) && parcel.message().chart.is_some() {
        let delivery = without_chart(parcel.delivery);
        verdict = ask(service, clients, Parcel { delivery: &delivery, ..parcel }, Form::Full).await;
    }
    match verdict {
        Verdict::Ends(sent) => sent,
        Verdict::TooMuch(_) => match ask(service, clients, parcel, Form::Short).await {
            Verdict::Ends(sent) | Verdict::TooMuch(sent) => sent,
        },
    }
}

fn without_chart(delivery: &Delivery) -> Delivery {
    let message = Message { chart: None, ..delivery.message.clone() };
    Delivery { message, ..delivery.clone() }
}

async fn ask(service: &dyn Service, clients: &Clients, parcel: Parcel<'_>, form: Form) -> Verdict {
    let call = match service.call(parcel, form) {
        Ok(call) => call,
        Err(why) => return Sent::disable(why).into(),
    };
    let calls = call.each();
    let verdicts = calls.iter().map(async |call| match clients.call(call, parcel.now).await {
        Ok(answer) => service.verdict(&answer),
        Err(sent) => sent.into(),
    });
    best(join_all(verdicts).await, parcel)
}

/// The verdict on a message that several servers were told: one that has it is enough, and as long as one may yet
/// take it, it is tried again. Whoever did not take it is told of in the log.
fn best(mut verdicts: Vec<Verdict>, parcel: Parcel<'_>) -> Verdict {
    let hope = |verdict: &Verdict| match verdict {
        Verdict::Ends(sent) => match sent.outcome {
            Outcome::Delivered { .. } => 0,
            Outcome::Retry { .. } => 1,
            Outcome::Pause { .. } => 2,
            Outcome::Reject { .. } => 4,
            Outcome::Disable { .. } => 5,
        },
        Verdict::TooMuch(_) => 3,
    };
    verdicts.sort_by_key(hope);
    let mut verdicts = verdicts.into_iter();
    let best = verdicts.next().expect("a call has a server");
    for Verdict::Ends(other) | Verdict::TooMuch(other) in verdicts {
        if let Some(why) = other.outcome.why() {
            warn!(receiver = %parcel.delivery.receiver, message = %parcel.delivery.id, why, "one of several servers did not take it");
        }
    }
    best
}

/// The request as it would go out, its secrets hidden.
pub fn preview(service: &dyn Service, parcel: Parcel<'_>) -> String {
    service.call(parcel, Form::Full).map_or_else(|why| format!("(not sent: {why})"), |call| call.preview())
}
