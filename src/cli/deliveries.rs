//! `deliveries`: what was sent, what waits, what was given up, and sending it again.

use serde_json::json;

use super::desk::{Desk, found};
use super::{Format, Session};
use crate::base::text::{printable, shorten};
use crate::inspect::deliveries::{Also, AttemptShown, Course, DeliveryShown};
use crate::store::DeliveryState;

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
    super::runtime()?.block_on(async {
        let desk = Desk::open(session).await?;
        match &args.verb {
            None => list(session, &desk.deliveries(args.failed, args.limit).await?),
            Some(Verb::Show { id }) => show(session, &found(desk.delivery(id).await, "supplywatch deliveries")?),
            Some(Verb::Retry { id }) => {
                let renewed = found(desk.send_again(id).await, "supplywatch deliveries --failed")?;
                match session.format {
                    Format::Json => session.line(&line(&renewed)),
                    Format::Text => session.print(&format!("{} to {} is due now", renewed.id, renewed.receiver)),
                }
            }
        }
    })
}

fn list(session: &Session, deliveries: &[DeliveryShown]) -> anyhow::Result<()> {
    match session.format {
        Format::Json => deliveries.iter().try_for_each(|delivery| session.line(&line(delivery))),
        Format::Text if deliveries.is_empty() => session.print("No deliveries."),
        Format::Text => {
            let rows: Vec<Vec<String>> = deliveries.iter().map(row).collect();
            let header = ["id", "state", "receiver", "attempts", "written", "message", "remarks"];
            session.print(&super::table::table(&header, &rows))
        }
    }
}

fn show(session: &Session, course: &Course) -> anyhow::Result<()> {
    let Course { delivery, history, .. } = course;
    if session.format == Format::Json {
        let mut told = line(delivery);
        told["history"] = history.iter().map(attempt_json).collect();
        return session.line(&told);
    }
    let DeliveryShown { id, receiver, title, others, .. } = delivery;
    session.print(&format!("{id} to {receiver}, {}: {}", state(delivery), printable(title)))?;
    let remarks = [remarks(delivery)].into_iter().filter(|remarks| !remarks.is_empty());
    let also = others.iter().map(|other| format!("tells also: {}", other.title));
    for said in remarks.chain(also) {
        session.print(&format!("  {}", printable(&said)))?;
    }
    let rows: Vec<Vec<String>> = history.iter().map(attempt_row).collect();
    session.print(&super::table::table(&["attempt", "began", "ended", "outcome", "status", "why"], &rows))
}

fn attempt_row(attempt: &AttemptShown) -> Vec<String> {
    vec![
        attempt.attempt.to_string(),
        attempt.started_at.to_string(),
        attempt.finished_at.map(|ended| ended.to_string()).unwrap_or_default(),
        attempt.outcome.clone().unwrap_or_else(|| "cut off".to_owned()),
        attempt.status.map(|status| status.to_string()).unwrap_or_default(),
        attempt.reason.clone().unwrap_or_default(),
    ]
}

fn attempt_json(attempt: &AttemptShown) -> serde_json::Value {
    json!({
        "attempt": attempt.attempt, "started_at": attempt.started_at, "finished_at": attempt.finished_at,
        "outcome": attempt.outcome, "status": attempt.status, "reason": attempt.reason,
    })
}

const fn state(delivery: &DeliveryShown) -> &'static str {
    match delivery.state {
        DeliveryState::Pending => "pending",
        DeliveryState::Sent => "sent",
        DeliveryState::Dead => "dead",
        DeliveryState::Superseded => "superseded",
    }
}

fn row(delivery: &DeliveryShown) -> Vec<String> {
    vec![
        delivery.id.clone(),
        state(delivery).to_owned(),
        delivery.receiver.clone(),
        delivery.attempts.to_string(),
        delivery.created_at.to_string(),
        shorten(&delivery.title, 70),
        remarks(delivery),
    ]
}

/// Why it failed or gave way, and which one tells it.
fn remarks(delivery: &DeliveryShown) -> String {
    let reasons = [&delivery.last_error, &delivery.gave_way].into_iter().flatten().cloned();
    let told_by = delivery.told_by.iter().map(|leader| format!("told by {leader}"));
    reasons.chain(told_by).collect::<Vec<_>>().join("; ")
}

fn line(delivery: &DeliveryShown) -> serde_json::Value {
    json!({
        "id": delivery.id, "state": delivery.state, "receiver": delivery.receiver, "attempts": delivery.attempts,
        "created_at": delivery.created_at, "not_before": delivery.not_before, "sent_at": delivery.sent_at,
        "last_error": delivery.last_error, "remote_ref": delivery.remote_ref, "alert": delivery.alert,
        "rule": delivery.rule, "transition": delivery.transition, "number": delivery.number,
        "title": delivery.title, "told_by": delivery.told_by, "gave_way": delivery.gave_way,
        "others": delivery.others.iter().map(other_json).collect::<Vec<_>>(),
    })
}

fn other_json(other: &Also) -> serde_json::Value {
    json!({
        "alert": other.alert, "rule": other.rule, "transition": other.transition, "number": other.number,
        "title": other.title,
    })
}
