//! `dry-run`: everything up to the sending, on a copy of the state.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::idle::{Idle, idle_lines, say_idle};
use super::pulled::{notice_json, say_notices, say_pulled};
use super::{Exit, FAILED, Format, Session, say};
use crate::alert::Hushed;
use crate::base::text::{counted, printable};
use crate::config::Setup;
use crate::daemon::{
    Assessed, Context, Evaluation, Pulled, Watch, evaluate_all, evaluate_pending, notices, preview_all, pull_all,
};
use crate::series::{Labels, Notation};
use crate::store::{DeliveryRecord, DeliveryState, Store};

/// Show what a run would send now, on a copy of the state: nothing is sent, nothing is stored
///
/// Feeds are pulled and rules judged as in `run --once`. Each message is shown exactly as its receiver
/// would get it; then each rule with each series that it means, and what it says of the latest period.
#[derive(clap::Args, Debug, Default)]
pub struct Args {
    /// Only this rule
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    /// Judge what is stored, without pulling feeds
    #[arg(long)]
    offline: bool,
    /// Read this feed from a file instead: what would follow if the publisher said so; may be repeated
    #[arg(long, value_name = "NAME=FILE", value_parser = parse_stand_in)]
    feed: Vec<(String, PathBuf)>,
}

fn parse_stand_in(text: &str) -> Result<(String, PathBuf), String> {
    let pair = text.split_once('=').filter(|(name, file)| !name.is_empty() && !file.is_empty());
    let (name, file) = pair.ok_or_else(|| "expected NAME=FILE, such as china-magnets=october.csv".to_owned())?;
    Ok((name.to_owned(), PathBuf::from(file)))
}

/// Runs the verb.
pub fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    let mut setup = session.load()?;
    super::log::start(session, "error")?;
    if let Some(name) = &args.rule {
        super::explain::known_rule(&setup, name)?;
        // Other rules keep their alerts: they are only not shown.
        say(&format!("showing rule {} alone", printable(name)));
    }
    setup.receivers.iter_mut().for_each(crate::notify::Receiver::write_plain);
    for (name, file) in &args.feed {
        super::feeds::known_feed(&setup, name)?;
        let named = setup.feeds.iter_mut().filter(|feed| feed.name == *name);
        named.for_each(|feed| feed.stand_in = Some(file.clone()));
    }
    super::runtime()?.block_on(async {
        let store = session.copy(&setup.state).await?;
        let context = Context::new(store, session.clock.clone(), &setup)?;
        let evaluation = Evaluation::new(&context, &setup).await?;
        let mut changed = evaluate_all(&evaluation).await?;
        changed.extend(evaluate_pending(&evaluation).await?);
        let pulled = pull_all(&context, &setup, |feed| !args.offline || feed.stand_in.is_some()).await?;
        changed.extend(evaluate_pending(&evaluation).await?);
        if !args.offline {
            Watch::default().look(&context, &setup).await?;
        }
        let shown = |name: &str| args.rule.as_deref().is_none_or(|rule| rule == name);
        changed.assessed.retain(|assessed| shown(&assessed.rule));
        let notices = notices(&changed.assessed);
        let mut all = merged(changed.assessed, evaluation.look().await?);
        all.retain(|assessed| shown(&assessed.rule));
        let mut idle = Idle::find(&setup, &context.store).await?;
        idle.retain(|idle| args.rule.is_none() || idle.rule().is_some_and(shown));
        let hushed = kept_back(&context.store, &all).await?;
        let mut previews = preview_all(&context, &setup).await?;
        previews.retain(|(delivered, _)| shown(&delivered.rule));
        let may_wait =
            setup.receivers.iter().any(|receiver| receiver.policy.quiet.is_some() || receiver.digest.is_some());
        let listed = if may_wait { usize::MAX } else { 0 };
        let mut waiting = context.store.deliveries(false, listed).await?;
        waiting.retain(|record| record.state == DeliveryState::Pending && record.told_by.is_none());
        waiting.retain(|record| shown(&record.delivery.message.alert.rule));
        match session.format {
            Format::Text => {
                say_pulled(&pulled);
                say_notices(&notices);
                say_idle(&idle);
                wait(session, &setup, &waiting)?;
                show(session, &all, &previews, &hushed)?;
            }
            Format::Json => {
                say_pulled(&pulled);
                notices.iter().try_for_each(|notice| session.line(&notice_json(notice)))?;
                all.iter()
                    .zip(&hushed)
                    .try_for_each(|(assessed, hushed)| session.line(&line(assessed, hushed.as_ref())))?;
                waiting.iter().try_for_each(|record| session.line(&wait_json(record)))?;
                idle_lines(session, &idle)?;
            }
        }
        if pulled.iter().all(Pulled::is_ok) { Ok(()) } else { Err(Exit(FAILED).into()) }
    })
}

/// What every rule says now, with the net change of this run where there was one.
fn merged(changed: Vec<Assessed>, now: Vec<Assessed>) -> Vec<Assessed> {
    let with_transition = changed.into_iter().filter(|assessed| assessed.transition.is_some());
    let mut last: BTreeMap<(String, Labels), Assessed> =
        with_transition.map(|assessed| ((assessed.rule.clone(), assessed.labels.clone()), assessed)).collect();
    now.into_iter()
        .map(|now| match last.remove(&(now.rule.clone(), now.labels.clone())) {
            Some(last) => Assessed { transition: last.transition, receivers: last.receivers, ..now },
            None => now,
        })
        .collect()
}

/// What would wait for its receiver's digest, or until its quiet hours end.
fn wait(session: &Session, setup: &Setup, waiting: &[DeliveryRecord]) -> anyhow::Result<()> {
    waiting.iter().try_for_each(|DeliveryRecord { delivery, not_before, .. }| {
        let (name, title) = (&delivery.receiver, printable(&delivery.message.title));
        let has_digest = setup.receivers.iter().any(|known| known.name == *name && known.digest.is_some());
        let why = if has_digest { "its digest goes out then" } else { "it wants quiet until then" };
        session.print(&format!("── would send to {name} at {not_before}: {why} ──\n{title}\n"))
    })
}

fn wait_json(record: &DeliveryRecord) -> Value {
    let DeliveryRecord { delivery, not_before, .. } = record;
    json!({
        "type": "waiting", "receiver": delivery.receiver, "until": not_before, "rule": delivery.message.alert.rule,
        "title": delivery.message.title,
    })
}

/// What keeps the message of each back, in their order.
async fn kept_back(store: &Store, all: &[Assessed]) -> anyhow::Result<Vec<Option<Hushed>>> {
    let mut found = Vec::new();
    for assessed in all {
        found.push(match &assessed.transition {
            Some(message) => store.hushed(&assessed.rule, &assessed.labels).await?.remove(&message.number),
            None => None,
        });
    }
    Ok(found)
}

fn show(
    session: &Session,
    all: &[Assessed],
    previews: &[(crate::daemon::Delivered, String)],
    hushed: &[Option<Hushed>],
) -> anyhow::Result<()> {
    for (delivered, text) in previews {
        session.print(&format!("── would send to {} ({}) ──\n{text}\n", delivered.receiver, delivered.id))?;
    }
    for (assessed, hushed) in all.iter().zip(hushed) {
        let (Some(message), Some(Hushed { by, receivers })) = (&assessed.transition, hushed) else { continue };
        let (whom, title) = (receivers.join(", "), printable(&message.title));
        session.print(&format!("── would not send to {whom}: kept back by {by} ──\n{title}\n"))?;
    }
    if all.is_empty() {
        say("no rule has a series to judge");
    }
    if previews.is_empty() {
        session.print("Nothing would be sent.\n")?;
    }
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    if !rows.is_empty() {
        session.print(&super::table::table(&["rule", "series", "period", "verdict", "transition", "why"], &rows))?;
    }
    let kept_quiet: usize = all.iter().map(|assessed| assessed.kept_quiet).sum();
    if kept_quiet > 0 {
        say(&format!("min_base kept {} quiet", counted(kept_quiet, "measure")));
    }
    say(&format!("dry run: {} would be sent; nothing was sent or stored", counted(previews.len(), "message")));
    Ok(())
}

fn row(assessed: &Assessed) -> Vec<String> {
    vec![
        assessed.rule.clone(),
        assessed.labels.to_string(),
        assessed.period.clone().unwrap_or_else(|| "—".to_owned()),
        assessed.verdict.to_owned(),
        assessed.transition.as_ref().map_or("—", |message| message.kind.name()).to_owned(),
        assessed.reason.clone().unwrap_or_else(|| gates(assessed)),
    ]
}

fn gates(assessed: &Assessed) -> String {
    assessed.gates.iter().map(|gate| gate.values(&Notation::default())).collect::<Vec<_>>().join("; ")
}

/// One line of `--format json`.
fn line(assessed: &Assessed, hushed: Option<&Hushed>) -> Value {
    let gates: Vec<Value> = assessed
        .gates
        .iter()
        .map(|gate| {
            let mut line =
                json!({"text": gate.text, "verdict": gate.verdict.name(), "value": gate.values(&Notation::default())});
            if let Some(severity) = gate.severity {
                line["severity"] = json!(severity);
            }
            line
        })
        .collect();
    let mut line = json!({
        "rule": assessed.rule,
        "labels": assessed.labels,
        "period": assessed.period,
        "verdict": assessed.verdict,
        "reason": assessed.reason,
        "transition": assessed.transition.as_ref().map(|message| message.kind.name()),
        "receivers": assessed.receivers,
        "gates": gates,
    });
    if let Some(hushed) = hushed {
        line["suppressed"] = json!(hushed);
    }
    if assessed.kept_quiet > 0 {
        line["kept_quiet"] = json!(assessed.kept_quiet);
    }
    line
}
