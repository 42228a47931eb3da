//! The supervisor: starts the loops, hears signals, lets them reload, proves progress to the service manager,
//! and ends the process in order.
//!
//! A loop that ends or panics by itself is fatal: the process exits and is started again, and the
//! store tells it where it was. Only this file spawns.

use std::net::TcpListener;
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
use super::listen::listen_loop;
use super::membership::{join, membership_loop};
use super::poll::poll_loop;
use super::reload::{log_alerts, reload_all, status};
use super::round::{AWAY_WAIT, Round, TICK_MAX};
use super::{Context, Evaluation, Notify, Watch, evaluate_all, evaluate_pending, evaluate_ticking};
use crate::base::clock::Clock;
use crate::base::error::Chain;
use crate::config::Setup;
use crate::metrics::Beats;
use crate::store::{Held, Store, StoreError};
use crate::web::{Order, Server, Site};

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

/// Serves until told to stop. `handed` is what the service manager listens at for the page; `reload` reads the config
/// again and says what is wrong with it in words: a bad config keeps the old one running.
pub async fn serve(
    context: Context,
    setup: Setup,
    notify: Notify,
    handed: Vec<TcpListener>,
    reload: impl Fn() -> Result<Setup, String>,
) -> Result<(), Fatal> {
    let hear = |kind| signal(kind).map_err(Fatal::Signals);
    let (mut terminate, mut interrupt) = (hear(SignalKind::terminate())?, hear(SignalKind::interrupt())?);
    let mut hangup = hear(SignalKind::hangup())?;
    // The rules are known to the store before any pull is: a rule that is there first sees all of it.
    Evaluation::new(&context, &setup).await.map_err(|error| Fatal::Store("evaluate", error))?;
    join(&context, &setup).await.map_err(|error| Fatal::Store("membership", error))?;
    let reader = context.store.reader().await.map_err(|error| Fatal::Store("page", error))?;
    let (sender, setups) = watch::channel(Arc::new(setup));
    let (page, mut orders) = mpsc::channel(ORDERS_MAX);
    let site = Site::new(setups.clone(), reader, &context.store, &context.clock, page, &context.metrics);
    let page = Server::open(site, handed).await;
    let round = Round::new(setups, &context.metrics);
    let mut loops = spawn_loops(&context, &round);
    loops.spawn(named("page", round.stop.clone(), serve_page(page, round.clone())));
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
    if let Err(error) = context.store.leave(&context.holder).await {
        warn!(error = %Chain(&error), "what this process holds is not let go of; it is free when its lease ends");
    }
    ended.and(drained.unwrap_or(Ok(())))
}

/// The page ends with the loops; whatever befalls it, they go on.
async fn serve_page(page: Server, round: Round) -> Result<(), StoreError> {
    page.serve(round.stop.clone()).await;
    Ok(())
}

fn spawn_loops(context: &Context, round: &Round) -> JoinSet<Result<(), Fatal>> {
    let mut loops = JoinSet::new();
    loops.spawn(lasting("membership", context.clone(), round.clone(), membership_loop));
    loops.spawn(lasting("poll", context.clone(), round.clone(), poll_loop));
    loops.spawn(lasting("evaluate", context.clone(), round.clone(), evaluate_loop));
    loops.spawn(lasting("deliver", context.clone(), round.clone(), deliver_loop));
    loops.spawn(lasting("dead man", context.clone(), round.clone(), dead_man_loop));
    loops.spawn(lasting("forget", context.clone(), round.clone(), forget_loop));
    loops.spawn(lasting("checkpoint", context.clone(), round.clone(), checkpoint_loop));
    if let Store::Postgres(_) = context.store {
        loops.spawn(lasting("listen", context.clone(), round.clone(), listen_loop));
    }
    loops
}

/// A loop that begins anew where the store on a server could not be reached, or had no room, for a while: all that it
/// knows is in the store.
async fn lasting<F: Future<Output = Result<(), StoreError>>>(
    name: &'static str,
    context: Context,
    round: Round,
    run: impl Fn(Context, Round) -> F,
) -> Result<(), Fatal> {
    loop {
        match run(context.clone(), round.clone()).await {
            Err(error) if error.passes() && !round.stop.is_cancelled() => {
                warn!(name, error = %Chain(&error), "the database let a loop down; it begins anew");
                round.beats.rest(name, context.clock.now());
                tokio::select! {
                    () = tokio::time::sleep(AWAY_WAIT) => {}
                    () = round.stop.cancelled() => {}
                }
            }
            ended => return named(name, round.stop.clone(), std::future::ready(ended)).await,
        }
    }
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
    let (mut watch, mut before) = (Watch::default(), None);
    // What an earlier round of this loop was in the middle of when the store let it down.
    context.store.let_go(&context.holder, &[Held::Tasks]).await?;
    loop {
        let setup = round.newest_setup();
        round.may_act(&context, &round.beats.evaluate).await;
        let evaluation = Evaluation::new(&context, &setup).await?.among(&nudges);
        let (mut ticked, mut all) = (context.clock.now(), false);
        loop {
            let nudged = nudges.evaluate.notified();
            round.may_act(&context, &round.beats.evaluate).await;
            if !all {
                all = !evaluate_all(&evaluation).await?.fenced;
                round.nudges.deliver.notify_one();
            }
            evaluate_pending(&evaluation).await?;
            if all && let Some(before) = before.take() {
                log_alerts(&context, &setup, before).await?;
            }
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
        // What the next setup does to them is said when it was judged.
        before = Some(context.store.alerts().await?);
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

/// Tells the watchdog that the loops come round; silence lets it end us.
fn prove_progress(notify: &Notify, beats: &Beats, clock: &Clock) {
    match beats.stuck(clock.now()) {
        None => notify.alive(),
        Some(name) => error!(name, "a loop makes no progress; the watchdog is not told that all is well"),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;
    use crate::base::clock::Timestamp;
    use crate::metrics::Metrics;

    #[test]
    fn the_watchdog_hears_nothing_while_a_loop_is_stuck() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_nonblocking(true).unwrap();
        let heard = || manager.recv(&mut [0; 64]).is_ok();
        let notify = Notify::new(path.to_str(), None, None);
        let begun = Timestamp::parse("2026-11-27T09:00:00Z").unwrap();
        let clock = Clock::manual(begun);
        let beats = Beats::new(&Metrics::new(begun));
        prove_progress(&notify, &beats, &clock);
        assert!(heard(), "the first round may take its time");
        beats.evaluate.beat(begun);
        clock.set(begun.plus(Duration::from_secs(301)));
        prove_progress(&notify, &beats, &clock);
        assert!(!heard(), "a loop has not come round for five minutes");
        beats.evaluate.beat(clock.now());
        prove_progress(&notify, &beats, &clock);
        assert!(heard());
    }
}
