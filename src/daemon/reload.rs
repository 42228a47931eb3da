//! A reload: the config is read again, the loops see it, and the log says what it changed: at once of the config, and of
//! the alerts when they were judged by it.
//!
//! A config with a problem changes nothing. `check --against-live` says the same beforehand.

use std::sync::Arc;

use tokio::sync::watch;
use tracing::{error, info, warn};

use super::round::Round;
use super::{Context, Evaluation, Notify};
use crate::alert::Alert;
use crate::base::error::Chain;
use crate::base::text::counted;
use crate::config::{Changes, ItemChange, ItemKind, Setup};
use crate::inspect::difference::{Difference, Move};
use crate::store::StoreError;

/// Alerts that the log names after one reload, at most; all are counted.
const NAMED_MAX: usize = 1000;

/// Reads the config again, and tells the service manager; what became of it, in one line.
pub async fn reload_all(
    context: &Context,
    setups: &watch::Sender<Arc<Setup>>,
    notify: &Notify,
    round: &Round,
    reload: &impl Fn() -> Result<Setup, String>,
) -> Result<String, String> {
    notify.reloading();
    let reloaded = reloaded(context, setups, reload).await;
    context.metrics.reloaded(&reloaded, context.clock.now());
    round.nudges.evaluate.notify_one();
    let (Ok(status) | Err(status)) = &reloaded;
    notify.ready(status);
    reloaded
}

/// Reads the config again and lets the loops see it; what became of it, in one line.
async fn reloaded(
    context: &Context,
    setups: &watch::Sender<Arc<Setup>>,
    reload: &impl Fn() -> Result<Setup, String>,
) -> Result<String, String> {
    let setup = match reload() {
        Ok(setup) if setup.state != setups.borrow().state => {
            Err("`daemon.state` cannot change while the daemon runs; restart it".to_owned())
        }
        other => other,
    };
    let setup = match setup {
        Ok(setup) => setup,
        Err(problems) => {
            error!(problems = ?problems, "reload failed; the old configuration is kept");
            let first = problems.lines().next().unwrap_or_default();
            return Err(format!("reload failed: {first}; old configuration kept"));
        }
    };
    if let Err(error) = Evaluation::new(context, &setup).await.map(|_| ()) {
        error!(error = %Chain(&error), "reload failed; the old configuration is kept");
        return Err("reload failed: the store cannot be written; old configuration kept".to_owned());
    }
    let changes = setups.borrow().outline.changes(&setup.outline);
    let status = format!("{}; reload: {}", status(&setup), changes.sum());
    setups.send_replace(Arc::new(setup));
    log(&changes);
    info!(status, "configuration reloaded");
    Ok(status)
}

/// What a setup has, in one line.
pub fn status(setup: &Setup) -> String {
    let [feeds, rules, receivers] = [
        counted(setup.feeds.len(), "feed"),
        counted(setup.rules.len(), "rule"),
        counted(setup.receivers.len(), "receiver"),
    ];
    format!("watching: {feeds}, {rules}, {receivers}")
}

/// A line for each item that is another.
fn log(changes: &Changes) {
    for change in &changes.items {
        let ItemChange { kind, name, what } = change;
        let named = |of: ItemKind| (*kind == of).then_some(name.as_str());
        let keys: Vec<&str> = what.keys().iter().map(|change| change.key.as_str()).collect();
        info!(
            item = kind.name(),
            change = what.name(),
            feed = named(ItemKind::Feed),
            series = named(ItemKind::Series),
            rule = named(ItemKind::Rule),
            receiver = named(ItemKind::Receiver),
            route = named(ItemKind::Route),
            keys = (!keys.is_empty()).then(|| keys.join(", ")),
            "reload: {change}"
        );
        let at_start = change.at_start();
        if !at_start.is_empty() {
            warn!(
                item = kind.name(),
                keys = at_start.join(", "),
                "reload: this takes effect with the next start alone"
            );
        }
    }
}

/// Says which alerts are others since a moment when they were these; the rules of a new setup were judged meanwhile.
pub async fn log_alerts(context: &Context, setup: &Setup, before: Vec<Alert>) -> Result<(), StoreError> {
    let difference = Difference::new(setup, &context.store, before).await?;
    let moved = difference.rules.iter().flat_map(|of| &of.moved).filter(|moved| moved.is() != Move::Stays);
    for moved in moved.take(NAMED_MAX) {
        info!(
            rule = moved.alert.rule,
            alert = moved.alert.id(),
            change = moved.is().name(),
            transition = moved.transition,
            title = moved.title.as_deref().map(tracing::field::debug),
            "reload: alert {}",
            moved.is().name()
        );
    }
    let [opens, closes, changes, stays] = difference.counts();
    info!(opens, closes, changes, stays, "reload: alerts judged by the new configuration");
    Ok(())
}
