//! `alerts`: what fires, and what is held.

use serde_json::json;

use super::{Format, Session};
use crate::alert::{Alert, State};

/// List alerts: firing ones first, then those that wait for a figure
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Also those that neither fire nor wait
    #[arg(long)]
    all: bool,
}

/// Runs the verb.
pub fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    let setup = session.load()?;
    let mut alerts = super::runtime()?.block_on(async {
        let store = session.copy(&setup.state).await?;
        anyhow::Ok(store.alerts().await?)
    })?;
    alerts.retain(|alert| args.all || alert.is_firing() || alert.held.is_some());
    alerts.sort_by_key(|alert| std::cmp::Reverse((severity(alert), alert.held.is_some())));
    match session.format {
        Format::Json => alerts.iter().try_for_each(|alert| session.line(&line(alert))),
        Format::Text if alerts.is_empty() => session.print("No alert fires, and none waits for a figure."),
        Format::Text => {
            let rows: Vec<Vec<String>> = alerts.iter().map(row).collect();
            session.print(&super::table::table(&["state", "severity", "since", "rule", "series", "id", "what"], &rows))
        }
    }
}

fn severity(alert: &Alert) -> Option<crate::rule::Severity> {
    match &alert.state {
        State::Ok => None,
        State::Firing(firing) => Some(firing.severity),
    }
}

fn state(alert: &Alert) -> &'static str {
    match (alert.is_firing(), alert.held.is_some()) {
        (true, false) => "firing",
        (true, true) => "firing, held",
        (false, true) => "held",
        (false, false) => "ok",
    }
}

fn row(alert: &Alert) -> Vec<String> {
    let (severity, since, said) = match &alert.state {
        State::Ok => (String::new(), String::new(), String::new()),
        State::Firing(firing) => (firing.severity.to_string(), firing.since.to_string(), firing.said.clone()),
    };
    let what = alert.held.as_ref().map_or(said, |reason| format!("held: {reason}"));
    vec![state(alert).to_owned(), severity, since, alert.rule.clone(), alert.labels.to_string(), alert.id(), what]
}

fn line(alert: &Alert) -> serde_json::Value {
    let (severity, since, said) = match &alert.state {
        State::Ok => (None, None, None),
        State::Firing(firing) => (Some(firing.severity), Some(firing.since), Some(&firing.said)),
    };
    json!({
        "id": alert.id(), "rule": alert.rule, "labels": alert.labels,
        "state": if alert.is_firing() { "firing" } else { "ok" }, "severity": severity, "since": since,
        "held": alert.held, "episode": alert.episode, "number": alert.number,
        "period": alert.assessed, "title": said,
    })
}
