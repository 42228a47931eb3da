//! Deliveries as they are shown: what was sent, what waits, what was given up; and sending one again.

use super::given::{not_a_token, one};
use super::{Inspection, Page, Unanswered};
use crate::alert::Kind;
use crate::base::clock::Timestamp;
use crate::base::text::printable;
use crate::outbox::{Attempt, Brief, Message};
use crate::rule::Severity;
use crate::store::{DeliveryQuery, DeliveryRecord, DeliveryState, StoreError};

/// One message for one receiver, and what became of it.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Delivery)]
pub struct DeliveryShown {
    /// Its id, the same in every attempt: the `webhook-id`, a part of the `Message-ID`.
    pub id: String,
    /// What became of it.
    pub state: DeliveryState,
    /// Whom it is for.
    pub receiver: String,
    /// Attempts so far.
    pub attempts: u32,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it is due, while it waits.
    pub not_before: Timestamp,
    /// When the receiver had it.
    pub sent_at: Option<Timestamp>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// The receiver's own name for it.
    pub remote_ref: Option<String>,
    /// The alert's fingerprint.
    pub alert: String,
    /// The alert's rule.
    pub rule: String,
    /// What kind of change it tells.
    pub transition: Kind,
    /// The alert's transition number, from 1.
    pub number: u32,
    /// How bad it is.
    pub severity: Severity,
    /// What it says, in one line.
    pub title: String,
    /// The delivery that tells it as well, or that it gave way to.
    pub told_by: Option<String>,
    /// Why it gave way.
    pub gave_way: Option<String>,
    /// What else it tells.
    pub others: Vec<Also>,
}

/// A message that another tells.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = ToldAlso)]
pub struct Also {
    /// The alert's fingerprint.
    pub alert: String,
    /// The alert's rule.
    pub rule: String,
    /// What kind of change it tells.
    pub transition: Kind,
    /// The alert's transition number, from 1.
    pub number: u32,
    /// What it says, in one line.
    pub title: String,
}

impl From<DeliveryRecord> for DeliveryShown {
    fn from(record: DeliveryRecord) -> Self {
        let DeliveryRecord { delivery, state, attempts, not_before, last_error, .. } = record;
        let message = delivery.message;
        Self {
            id: delivery.id,
            state,
            receiver: delivery.receiver,
            attempts,
            created_at: delivery.created_at,
            not_before,
            sent_at: record.sent_at,
            last_error,
            remote_ref: record.remote_ref,
            alert: message.alert.id,
            rule: message.alert.rule,
            transition: message.kind,
            number: message.number,
            severity: message.severity,
            title: message.title,
            told_by: record.told_by,
            gave_way: record.gave_way,
            others: message.others.into_iter().map(also).collect(),
        }
    }
}

fn also(brief: Brief) -> Also {
    Also {
        alert: brief.alert.id,
        rule: brief.alert.rule,
        transition: brief.kind,
        number: brief.number,
        title: brief.title,
    }
}

/// A piece of the list of deliveries.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Deliveries {
    /// The deliveries, newest first.
    pub deliveries: Vec<DeliveryShown>,
    /// What `nextToken` has to be for the next piece, where there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_token: Option<String>,
}

/// A delivery with its message and every attempt.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = DeliveryStory)]
pub struct Course {
    /// The delivery.
    pub delivery: DeliveryShown,
    /// What it says, in the names that messages are kept by.
    pub message: Message,
    /// Its attempts, oldest first.
    pub history: Vec<AttemptShown>,
}

/// One attempt.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Attempt)]
pub struct AttemptShown {
    /// Counts a delivery's attempts from 1.
    pub attempt: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; `null` where it goes on or was cut off.
    pub finished_at: Option<Timestamp>,
    /// `delivered`, `retry`, `pause`, `reject` or `disable`; `null` where it did not end.
    pub outcome: Option<String>,
    /// The HTTP status or SMTP reply code, where there was one.
    pub status: Option<u16>,
    /// What happened, where it was not delivered.
    pub reason: Option<String>,
}

fn attempt((number, began, ended): (u32, Timestamp, Option<Attempt>)) -> AttemptShown {
    let ended = ended.as_ref();
    AttemptShown {
        attempt: number,
        started_at: began,
        finished_at: ended.map(|attempt| attempt.finished_at),
        outcome: ended.map(|attempt| attempt.outcome.name().to_owned()),
        status: ended.and_then(|attempt| attempt.status),
        reason: ended.and_then(|attempt| attempt.outcome.why()).map(ToOwned::to_owned),
    }
}

/// Which deliveries are asked for.
#[derive(Clone, Debug, Default)]
pub struct DeliveriesWanted {
    /// What became of them.
    pub state: Option<DeliveryState>,
    /// Only those that were given up or whose last attempt failed.
    pub failed: bool,
    /// For whom they are.
    pub receiver: Option<String>,
    /// Of which rule they tell.
    pub rule: Option<String>,
    /// Of which alert they tell, by its fingerprint.
    pub alert: Option<String>,
}

/// The deliveries that are asked for.
pub async fn deliveries(
    asked: Inspection<'_>,
    wanted: &DeliveriesWanted,
    page: &Page,
) -> Result<Deliveries, Unanswered> {
    let DeliveriesWanted { state, failed, receiver, rule, alert } = wanted.clone();
    let read = |token: &String| token.parse().map_err(|_| not_a_token(token));
    let from = page.after.as_ref().map(read).transpose()?;
    let query = DeliveryQuery { state, failed, receiver, rule, alert, from, limit: page.limit };
    let found = asked.store.find_deliveries(query).await?;
    let deliveries = found.items.into_iter().map(DeliveryShown::from).collect();
    Ok(Deliveries { deliveries, next_token: found.next.map(|next| next.to_string()) })
}

/// The delivery whose id begins so, with its attempts.
pub async fn delivery(asked: Inspection<'_>, id: &str) -> Result<Course, Unanswered> {
    let record = one(asked.store.deliveries_by_id(id).await?, "delivery", id)?;
    let message = record.delivery.message.clone();
    let attempts = asked.store.attempts(&record.delivery.id).await?;
    Ok(Course { delivery: record.into(), message, history: attempts.into_iter().map(attempt).collect() })
}

/// Makes the delivery due now whose id begins so, given up or not; the one that tells it, where another does.
pub async fn send_again(asked: Inspection<'_>, id: &str) -> Result<DeliveryShown, Unanswered> {
    let renewed = match asked.store.retry_delivery(id, asked.now).await {
        Err(ambiguous @ StoreError::Ambiguous { .. }) => return Err(Unanswered::Invalid(ambiguous.to_string())),
        other => other?,
    };
    let unknown = || Unanswered::Unknown(format!("no delivery that was not sent has the id {}", printable(id)));
    renewed.map(DeliveryShown::from).ok_or_else(unknown)
}
