//! The supervisor: starts the loops, hears signals, reloads, proves progress to the service manager,
//! and ends the process in order.
//!
//! A loop that ends or panics by itself is fatal: the process exits and is started again, and the
//! store tells it where it was. Only this file spawns.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::dead_man::dead_man_loop;
use super::deliver::deliver_loop;
use super::forget::forget_loop;
use super::poll::poll_loop;
use super::round::{Beats, Round, TICK_MAX};
use super::{Context, Evaluation, Notify, Watch, evaluate_all, evaluate_pending, evaluate_ticking};
use crate::base::clock::Clock;
use crate::base::error::Chain;
use crate::config::Setup;
use crate::store::StoreError;
use crate::web::{self, Order, Site};

/// How long deliveries under way may take to finish once the end began.
const GRACE: Duration = Duration::from_secs(30);
/// How often the rules are asked that the clock alone may move.
const RULES_TICK: Duration = Duration::from_secs(60);
/// Orders of the page that wait, at most.
const ORDERS_MAX: usize = 16;
/// How often the write-ahead log is looked at.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(60);

/// Why the daemon ended itself.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// The store failed in the named loop.
    #[error("the {0} loop ended")]
    Store(&'static str, #[source] StoreError),
    /// A loop panicked or was cancelled.
    #[error("a loop broke off")]
    Broke(#[source] JoinError),
    /// A loop ended though nobody told it to.
    #[error("the {0} loop ended by itself")]
    Ended(&'static str),
    /// Signals cannot be heard.
    #[error("signals cannot be heard")]
    Signals(#[source] std::io::Error),
}

/// Serves until told to stop. `reload` reads the config again and says what is wrong with it in words;
/// a bad config keeps the old one running.
pub async fn serve(
    context: Context,
    setup: Setup,
    notify: Notify,
    reload: impl Fn() -> Result<Setup, String>,
) -> Result<(), Fatal> {
    let hear = |kind| signal(kind).map_err(Fatal::Signals);
    let (mut terminate, mut interrupt) = (hear(SignalKind::terminate())?, hear(SignalKind::interrupt())?);
    let mut hangup = hear(SignalKind::hangup())?;
    // The rules are known to the store before any pull is: a rule that is there first sees all of it.
    Evaluation::new(&context, &setup).await.map_err(|error| Fatal::Store("evaluate", error))?;
    let reader = context.store.reader().await.map_err(|error| Fatal::Store("page", error))?;
    let (sender, setups) = watch::channel(Arc::new(setup));
    let (page, mut orders) = mpsc::channel(ORDERS_MAX);
    let site = Site::new(setups.clone(), reader, &context.store, &context.clock, page, &context.metrics);
    let round = Round::new(setups, &context.metrics);
    let mut loops = spawn_loops(&context, &round);
    loops.spawn(named("page", round.stop.clone(), serve_page(site, round.clone())));
    notify.ready(&status(&sender.borrow()));
    info!(status = status(&sender.borrow()), "supplywatch serves");
    let mut watchdog = tokio::time::interval(notify.watchdog.map_or(Duration::from_secs(3600), |every| every / 2));
    let ended = loop {
        tokio::select! {
            ended = loops.join_next() => break outcome(ended),
            _ = terminate.recv() => break Ok(()),
            _ = interrupt.recv() => break Ok(()),
            _ = hangup.recv() => {
                // What became of it is in the log.
                let _ = reload_all(&context, &sender, &notify, &round, &reload).await;
            }
            Some(order) = orders.recv() => match order {
                Order::Nudge => round.nudges.deliver.notify_one(),
                Order::Reload(tell) => {
                    // Whoever asked may have gone.
                    let _ = tell.send(reload_all(&context, &sender, &notify, &round, &reload).await);
                }
            },
            _ = watchdog.tick() => prove_progress(&notify, &round.beats, &context.clock),
        }
    };
    notify.stopping(GRACE);
    info!("stopping: finishing deliveries under way");
    round.stop.cancel();
    let drained = tokio::time::timeout(GRACE, drain(&mut loops)).await;
    if drained.is_err() {
        warn!("deliveries under way did not finish in time; they are tried again after the next start");
        loops.abort_all();
    }
    ended.and(drained.unwrap_or(Ok(())))
}

/// The page ends with the loops; whatever befalls it, they go on.
async fn serve_page(site: Site, round: Round) -> Result<(), StoreError> {
    web::serve(site, round.stop.clone()).await;
    Ok(())
}

fn spawn_loops(context: &Context, round: &Round) -> JoinSet<Result<(), Fatal>> {
    let mut loops = JoinSet::new();
    let (poll, evaluate, deliver) = (
        poll_loop(context.clone(), round.clone()),
        evaluate_loop(context.clone(), round.clone()),
        deliver_loop(context.clone(), round.clone()),
    );
    loops.spawn(named("poll", round.stop.clone(), poll));
    loops.spawn(named("evaluate", round.stop.clone(), evaluate));
    loops.spawn(named("deliver", round.stop.clone(), deliver));
    loops.spawn(named("dead man", round.stop.clone(), dead_man_loop(context.clone(), round.clone())));
    loops.spawn(named("forget", round.stop.clone(), forget_loop(context.clone(), round.clone())));
    loops.spawn(named("checkpoint", round.stop.clone(), checkpoint_loop(context.clone(), round.clone())));
    loops
}

/// A loop that must not end before it is told to.
async fn named(
    name: &'static str,
    stop: CancellationToken,
    run: impl Future<Output = Result<(), StoreError>>,
) -> Result<(), Fatal> {
    run.await.map_err(|error| Fatal::Store(name, error))?;
    if stop.is_cancelled() { Ok(()) } else { Err(Fatal::Ended(name)) }
}

fn outcome(ended: Option<Result<Result<(), Fatal>, JoinError>>) -> Result<(), Fatal> {
    match ended {
        Some(Ok(ended)) => ended,
        Some(Err(error)) => Err(Fatal::Broke(error)),
        None => Ok(()),
    }
}

async fn drain(loops: &mut JoinSet<Result<(), Fatal>>) -> Result<(), Fatal> {
    let mut all = Ok(());
    while let Some(ended) = loops.join_next().await {
        all = all.and(outcome(Some(ended)));
    }
    all
}

async fn evaluate_loop(context: Context, mut round: Round) -> Result<(), StoreError> {
    let (stop, nudges) = (round.stop.clone(), round.nudges.clone());
    let mut watch = Watch::default();
    loop {
        let setup = round.newest_setup();
        let evaluation = Evaluation::new(&context, &setup).await?.among(&nudges);
        let (mut ticked, mut all) = (context.clock.now(), false);
        loop {
            let nudged = nudges.evaluate.notified();
            if !all {
                all = !evaluate_all(&evaluation).await?.fenced;
                round.nudges.deliver.notify_one();
            }
            evaluate_pending(&evaluation).await?;
            if context.clock.now().since(ticked) >= RULES_TICK {
                ticked = context.clock.now();
                let ticking = evaluate_ticking(&evaluation).await?;
                let data = watch.look(&context, &setup).await?;
                if ticking.tells() || !data.is_empty() {
                    round.nudges.deliver.notify_one();
                }
            }
            round.beats.evaluate.beat(context.clock.now());
            tokio::select! {
                () = nudged => {}
                () = tokio::time::sleep(TICK_MAX) => {}
                () = round.changed() => break,
                () = stop.cancelled() => return Ok(()),
            }
        }
    }
}

async fn checkpoint_loop(context: Context, round: Round) -> Result<(), StoreError> {
    loop {
        tokio::select! {
            () = tokio::time::sleep(CHECKPOINT_EVERY) => context.store.checkpoint().await?,
            () = round.stop.cancelled() => return Ok(()),
        }
    }
}

/// Reads the config again, and tells the service manager; what became of it, in one line.
async fn reload_all(
    context: &Context,
    setups: &watch::Sender<Arc<Setup>>,
    notify: &Notify,
    round: &Round,
    reload: &impl Fn() -> Result<Setup, String>,
) -> Result<String, String> {
    notify.reloading();
    let reloaded = reloaded(context, setups, reload).await;
    context.metrics.reloaded(reloaded.is_ok(), context.clock.now());
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
    let status = status(&setup);
    setups.send_replace(Arc::new(setup));
    info!(status, "configuration reloaded");
    Ok(status)
}

fn status(setup: &Setup) -> String {
    use crate::base::text::counted;
    let [feeds, rules, receivers] = [
        counted(setup.feeds.len(), "feed"),
        counted(setup.rules.len(), "rule"),
        counted(setup.receivers.len(), "receiver"),
    ];
    format!("watching: {feeds}, {rules}, {receivers}")
}

/// Tells the watchdog that the loops come round; silence lets it end us.
fn prove_progress(notify: &Notify, beats: &Beats, clock: &Clock) {
    match beats.stuck(clock.now()) {
        None => notify.alive(),
        Some(name) => error!(name, "a loop makes no progress; the watchdog is not told that all is well"),
    }
}
