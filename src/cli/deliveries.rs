//! `deliveries`: what was sent, what waits, what was given up, and sending it again.

use serde_json::json;

use super::{Exit, FAILED, Format, Session, say};
use crate::base::clock::Timestamp;
use crate::base::text::{printable, shorten};
use crate::outbox::{Attempt, Brief};
use crate::store::{DeliveryRecord, DeliveryState, Store, StoreError};

/// List deliveries, newest first; show the attempts of one, or send it again
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Only those that were given up or whose last attempt failed
    #[arg(long)]
    failed: bool,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Every attempt of a delivery, oldest first, with how it ended
    Show {
        /// The delivery's id, or the beginning of it
        id: String,
    },
    /// Make a delivery due now, given up or not; a running daemon, or the next run, sends it
    Retry {
        /// The delivery's id, or the beginning of it
        id: String,
    },
}

/// Runs the verb.
pub fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    let setup = session.load()?;
    super::runtime()?.block_on(async {
        match &args.verb {
            None => list(session, &session.copy(&setup.state).await?, args).await,
            Some(Verb::Show { id }) => show(session, &session.copy(&setup.state).await?, id).await,
            Some(Verb::Retry { id }) => retry(session, &setup.state, id).await,
        }
    })
}

async fn list(session: &Session, store: &Store, args: &Args) -> anyhow::Result<()> {
    let records = store.deliveries(args.failed, args.limit).await?;
    match session.format {
        Format::Json => records.iter().try_for_each(|record| session.line(&line(record))),
        Format::Text if records.is_empty() => session.print("No deliveries."),
        Format::Text => {
            let rows: Vec<Vec<String>> = records.iter().map(row).collect();
            let header = ["id", "state", "receiver", "attempts", "written", "message", "remarks"];
            session.print(&super::table::table(&header, &rows))
        }
    }
}

async fn show(session: &Session, store: &Store, id: &str) -> anyhow::Result<()> {
    let mut records = store.deliveries(false, usize::MAX).await?;
    records.retain(|record| record.delivery.id.starts_with(id));
    let record = super::one_of(records, "delivery", id, "supplywatch deliveries")?;
    let attempts = store.attempts(&record.delivery.id).await?;
    if session.format == Format::Json {
        let attempts = attempts.iter().map(|(number, began, attempt)| attempt_json(*number, *began, attempt.as_ref()));
        let mut told = line(&record);
        told["history"] = attempts.collect();
        return session.line(&told);
    }
    let (id, receiver, title) = (&record.delivery.id, &record.delivery.receiver, &record.delivery.message.title);
    session.print(&format!("{id} to {receiver}, {}: {}", state(&record), printable(title)))?;
    let remarks = [remarks(&record)].into_iter().filter(|remarks| !remarks.is_empty());
    let also = record.delivery.message.others.iter().map(|brief| format!("tells also: {}", brief.title));
    for said in remarks.chain(also) {
        session.print(&format!("  {}", printable(&said)))?;
    }
    let rows: Vec<Vec<String>> =
        attempts.iter().map(|(number, began, attempt)| attempt_row(*number, *began, attempt.as_ref())).collect();
    session.print(&super::table::table(&["attempt", "began", "ended", "outcome", "status", "why"], &rows))
}

fn attempt_row(number: u32, began: Timestamp, attempt: Option<&Attempt>) -> Vec<String> {
    let ended = attempt.map_or_else(String::new, |attempt| attempt.finished_at.to_string());
    let outcome = attempt.map_or("cut off", |attempt| attempt.outcome.name());
    let status = attempt.and_then(|attempt| attempt.status).map(|status| status.to_string());
    let why = attempt.and_then(|attempt| attempt.outcome.why()).unwrap_or_default();
    vec![number.to_string(), began.to_string(), ended, outcome.to_owned(), status.unwrap_or_default(), why.to_owned()]
}

fn attempt_json(number: u32, began: Timestamp, attempt: Option<&Attempt>) -> serde_json::Value {
    json!({
        "attempt": number, "started_at": began, "finished_at": attempt.map(|attempt| attempt.finished_at),
        "outcome": attempt.map(|attempt| attempt.outcome.name()), "status": attempt.and_then(|attempt| attempt.status),
        "reason": attempt.and_then(|attempt| attempt.outcome.why()),
    })
}

async fn retry(session: &Session, location: &crate::store::Location, id: &str) -> anyhow::Result<()> {
    let store = Store::open_beside(location, session.clock.now()).await?;
    let record = store.retry_delivery(id, session.clock.now()).await;
    store.close().await?;
    if let Err(error @ StoreError::Ambiguous { .. }) = &record {
        say(&format!("error: {error}"));
        return Err(Exit(FAILED).into());
    }
    let record = record?;
    let Some(record) = record else {
        say(&format!("error: no delivery that was not sent has the id {id}; see `supplywatch deliveries --failed`"));
        return Err(Exit(FAILED).into());
    };
    match session.format {
        Format::Json => session.line(&line(&record)),
        Format::Text => session.print(&format!("{} to {} is due now", record.delivery.id, record.delivery.receiver)),
    }
}

const fn state(record: &DeliveryRecord) -> &'static str {
    match record.state {
        DeliveryState::Pending => "pending",
        DeliveryState::Sent => "sent",
        DeliveryState::Dead => "dead",
        DeliveryState::Superseded => "superseded",
    }
}

fn row(record: &DeliveryRecord) -> Vec<String> {
    vec![
        record.delivery.id.clone(),
        state(record).to_owned(),
        record.delivery.receiver.clone(),
        record.attempts.to_string(),
        record.delivery.created_at.to_string(),
        shorten(&record.delivery.message.title, 70),
        remarks(record),
    ]
}

/// Why it failed or gave way, and which one tells it.
fn remarks(record: &DeliveryRecord) -> String {
    let reasons = [&record.last_error, &record.gave_way].into_iter().flatten().cloned();
    let told_by = record.told_by.iter().map(|leader| format!("told by {leader}"));
    reasons.chain(told_by).collect::<Vec<_>>().join("; ")
}

fn line(record: &DeliveryRecord) -> serde_json::Value {
    let message = &record.delivery.message;
    json!({
        "id": record.delivery.id, "state": record.state, "receiver": record.delivery.receiver,
        "attempts": record.attempts, "created_at": record.delivery.created_at, "not_before": record.not_before,
        "sent_at": record.sent_at, "last_error": record.last_error, "remote_ref": record.remote_ref,
        "alert": message.alert.id, "rule": message.alert.rule, "transition": message.kind, "number": message.number,
        "title": message.title, "told_by": record.told_by, "gave_way": record.gave_way,
        "others": message.others.iter().map(brief_json).collect::<Vec<_>>(),
    })
}

fn brief_json(brief: &Brief) -> serde_json::Value {
    json!({
        "alert": brief.alert.id, "rule": brief.alert.rule, "transition": brief.kind, "number": brief.number,
        "title": brief.title,
    })
}
