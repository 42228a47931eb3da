//! `alerts`: what fires, what is held, and how one alert came to where it is.

use serde_json::json;

use super::{Format, Session};
use crate::alert::{Alert, Hush, Hushed, State, Transition};
use crate::inspect::Quiet;
use crate::outbox::Message;
use crate::store::Store;

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
    let setup = session.load()?;
    super::runtime()?.block_on(async {
        let store = session.copy(&setup.state).await?;
        match &args.verb {
            None => {
                let quiet = Quiet::read(&setup, &store, session.clock.now()).await?;
                list(session, store.alerts().await?, &quiet, args.all)
            }
            Some(Verb::Show { id }) => {
                let quiet = Quiet::read(&setup, &store, session.clock.now()).await?;
                show(session, &store, &quiet, id).await
            }
        }
    })
}

fn list(session: &Session, mut alerts: Vec<Alert>, quiet: &Quiet<'_>, all: bool) -> anyhow::Result<()> {
    alerts.retain(|alert| all || alert.is_firing() || alert.held.is_some());
    alerts.sort_by_key(|alert| std::cmp::Reverse((severity(alert), alert.held.is_some())));
    match session.format {
        Format::Json => alerts.iter().try_for_each(|alert| session.line(&line(alert, &quiet.of(alert)))),
        Format::Text if alerts.is_empty() => session.print("No alert fires, and none waits for a figure."),
        Format::Text => {
            let rows: Vec<Vec<String>> = alerts.iter().map(|alert| row(alert, &quiet.of(alert))).collect();
            session.print(&super::table::table(&["state", "severity", "since", "rule", "series", "id", "what"], &rows))
        }
    }
}

async fn show(session: &Session, store: &Store, quiet: &Quiet<'_>, id: &str) -> anyhow::Result<()> {
    let mut alerts = store.alerts().await?;
    alerts.retain(|alert| alert.id().starts_with(id));
    let alert = super::one_of(alerts, "alert", id, "supplywatch alerts --all")?;
    let transitions = store.transitions(&alert.rule, &alert.labels).await?;
    let hushed = store.hushed(&alert.rule, &alert.labels).await?;
    match session.format {
        Format::Json => {
            let hushed = |transition: &Transition| hushed.get(&transition.number);
            transitions.iter().try_for_each(|(step, message)| session.line(&told(step, message, hushed(step))))
        }
        Format::Text => {
            session.print(&format!("{} on {}: {}", alert.rule, alert.labels, state(&alert)))?;
            quiet.of(&alert).iter().try_for_each(|hush| session.print(&kept_back(hush)))?;
            let header = ["number", "episode", "found", "transition", "severity", "cause", "period", "message"];
            let rows: Vec<Vec<String>> =
                transitions.iter().map(|(transition, message)| step(transition, message)).collect();
            session.print(&super::table::table(&header, &rows))?;
            let told = |(number, Hushed { by, receivers }): (&u32, &Hushed)| {
                session.print(&format!("{number} was kept back from {} by {by}", receivers.join(", ")))
            };
            hushed.iter().try_for_each(told)
        }
    }
}

/// That something keeps messages back, in a sentence.
fn kept_back(hush: &Hush) -> String {
    match hush {
        Hush::Acknowledgement { .. } => format!("that it goes on is kept back by {hush}"),
        Hush::Silence { .. } | Hush::Alert { .. } => format!("messages are kept back by {hush}"),
    }
}

fn step(transition: &Transition, message: &Message) -> Vec<String> {
    vec![
        transition.number.to_string(),
        transition.episode.to_string(),
        transition.at.to_string(),
        transition.kind.to_string(),
        transition.severity.to_string(),
        transition.cause.name().to_owned(),
        transition.period.map_or_else(|| "—".to_owned(), |period| period.to_string()),
        message.title.clone(),
    ]
}

fn told(transition: &Transition, message: &Message, hushed: Option<&Hushed>) -> serde_json::Value {
    json!({
        "number": transition.number, "episode": transition.episode, "at": transition.at, "transition": transition.kind,
        "severity": transition.severity, "cause": transition.cause, "period": transition.period,
        "message": message, "suppressed": hushed,
    })
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

fn row(alert: &Alert, hushes: &[Hush]) -> Vec<String> {
    let (severity, since, said) = match &alert.state {
        State::Ok => (String::new(), String::new(), String::new()),
        State::Firing(firing) => (firing.severity.to_string(), firing.since.to_string(), firing.said.clone()),
    };
    let said = alert.held.as_ref().map_or(said, |reason| format!("held: {reason}"));
    let what = hushes.iter().fold(said, |said, hush| format!("{said}; kept back by {hush}"));
    vec![state(alert).to_owned(), severity, since, alert.rule.clone(), alert.labels.to_string(), alert.id(), what]
}

fn line(alert: &Alert, hushes: &[Hush]) -> serde_json::Value {
    let (severity, since, said) = match &alert.state {
        State::Ok => (None, None, None),
        State::Firing(firing) => (Some(firing.severity), Some(firing.since), Some(&firing.said)),
    };
    json!({
        "id": alert.id(), "rule": alert.rule, "labels": alert.labels,
        "state": if alert.is_firing() { "firing" } else { "ok" }, "severity": severity, "since": since,
        "held": alert.held, "episode": alert.episode, "number": alert.number,
        "period": alert.assessed.filter(|_| !alert.is_quiet()), "title": said, "suppressed": hushes,
    })
}
