//! `alerts`: what fires, what is held, and how one alert came to where it is.

use std::cmp::Reverse;

use serde_json::json;

use super::desk::{Desk, found};
use super::{Format, Session};
use crate::alert::Hushed;
use crate::inspect::alerts::{AlertShown, AlertState, Story, TransitionShown};

/// List alerts: firing ones first, then those that wait for a figure; or tell the story of one
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Also those that did once, and neither fire nor wait now
    #[arg(long)]
    all: bool,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Every transition of an alert, oldest first, with what was said
    Show {
        /// The alert's id, or the beginning of it
        id: String,
    },
}

/// Runs the verb.
pub fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    super::runtime()?.block_on(async {
        let desk = Desk::open(session).await?;
        match &args.verb {
            None => list(session, desk.alerts(args.all).await?),
            Some(Verb::Show { id }) => show(session, found(desk.alert(id).await, "supplywatch alerts --all")?),
        }
    })
}

fn list(session: &Session, mut alerts: Vec<AlertShown>) -> anyhow::Result<()> {
    let place = |alert: &AlertShown| (alert.rule.clone(), alert.series.key());
    alerts.sort_by_cached_key(|alert| (Reverse((alert.severity, alert.held.is_some())), place(alert)));
    match session.format {
        Format::Json => alerts.iter().try_for_each(|alert| session.line(&line(alert))),
        Format::Text if alerts.is_empty() => session.print("No alert fires, and none waits for a figure."),
        Format::Text => {
            let rows: Vec<Vec<String>> = alerts.iter().map(row).collect();
            session.print(&super::table::table(&["state", "severity", "since", "rule", "series", "id", "what"], &rows))
        }
    }
}

fn show(session: &Session, story: Story) -> anyhow::Result<()> {
    let Story { alert, transitions, .. } = story;
    if session.format == Format::Json {
        return transitions.iter().try_for_each(|transition| session.line(&told(transition)));
    }
    session.print(&format!("{} on {}: {}", alert.rule, alert.series, state(&alert)))?;
    alert.kept_back.iter().try_for_each(|sentence| session.print(sentence))?;
    let header = ["number", "episode", "found", "transition", "severity", "cause", "period", "message"];
    let rows: Vec<Vec<String>> = transitions.iter().map(step).collect();
    session.print(&super::table::table(&header, &rows))?;
    let kept_back = transitions.iter().filter_map(|step| Some((step.number, step.suppressed.as_ref()?)));
    let told = |(number, Hushed { by, receivers }): (u32, &Hushed)| {
        session.print(&format!("{number} was kept back from {} by {by}", receivers.join(", ")))
    };
    kept_back.into_iter().try_for_each(told)
}

fn step(transition: &TransitionShown) -> Vec<String> {
    vec![
        transition.number.to_string(),
        transition.episode.to_string(),
        transition.at.to_string(),
        transition.transition.to_string(),
        transition.severity.to_string(),
        transition.cause.name().to_owned(),
        transition.period.map_or_else(|| "—".to_owned(), |period| period.to_string()),
        transition.message.title.clone(),
    ]
}

fn told(step: &TransitionShown) -> serde_json::Value {
    json!({
        "number": step.number, "episode": step.episode, "at": step.at, "transition": step.transition,
        "severity": step.severity, "cause": step.cause, "period": step.period,
        "message": step.message, "suppressed": step.suppressed,
    })
}

const fn state(alert: &AlertShown) -> &'static str {
    match (alert.state, alert.held.is_some()) {
        (AlertState::Firing, false) => "firing",
        (AlertState::Firing, true) => "firing, held",
        (AlertState::Ok, true) => "held",
        (AlertState::Ok, false) => "ok",
    }
}

fn row(alert: &AlertShown) -> Vec<String> {
    let severity = alert.severity.map(|severity| severity.to_string()).unwrap_or_default();
    let since = alert.since.map(|since| since.to_string()).unwrap_or_default();
    let held = alert.held.as_ref().map(|reason| format!("held: {reason}"));
    let said = held.or_else(|| alert.title.clone()).unwrap_or_default();
    let what = alert.suppressed.iter().fold(said, |said, hush| format!("{said}; kept back by {hush}"));
    let (rule, id) = (alert.rule.clone(), alert.fingerprint.clone());
    vec![state(alert).to_owned(), severity, since, rule, alert.series.to_string(), id, what]
}

fn line(alert: &AlertShown) -> serde_json::Value {
    json!({
        "id": alert.fingerprint, "rule": alert.rule, "labels": alert.series, "state": alert.state,
        "severity": alert.severity, "since": alert.since, "held": alert.held, "episode": alert.episode,
        "number": alert.number, "period": alert.period, "title": alert.title, "suppressed": alert.suppressed,
    })
}
