//! `deliveries`: what was sent, what waits, what was given up, and sending it again.

use serde_json::json;

use super::{Exit, FAILED, Format, Session, say};
use crate::base::text::shorten;
use crate::store::{DeliveryRecord, DeliveryState, Store};

/// List deliveries, newest first, or send one again
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
            let header = ["id", "state", "receiver", "attempts", "written", "message", "last error"];
            session.print(&super::table::table(&header, &rows))
        }
    }
}

async fn retry(session: &Session, location: &crate::store::Location, id: &str) -> anyhow::Result<()> {
    let store = Store::open_beside(location, session.clock.now()).await?;
    let record = store.retry_delivery(id, session.clock.now()).await?;
    store.close().await?;
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
        record.last_error.clone().unwrap_or_default(),
    ]
}

fn line(record: &DeliveryRecord) -> serde_json::Value {
    let message = &record.delivery.message;
    json!({
        "id": record.delivery.id, "state": record.state, "receiver": record.delivery.receiver,
        "attempts": record.attempts, "created_at": record.delivery.created_at, "not_before": record.not_before,
        "sent_at": record.sent_at, "last_error": record.last_error, "remote_ref": record.remote_ref,
        "alert": message.alert.id, "rule": message.alert.rule, "transition": message.kind, "number": message.number,
        "title": message.title,
    })
}
