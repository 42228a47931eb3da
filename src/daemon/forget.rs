//! Forgets what is over, once a day, little by little.

use std::time::Duration;

use tracing::{debug, info, warn};

use super::Context;
use super::round::Round;
use crate::base::error::Chain;
use crate::config::Setup;
use crate::store::{Forgotten, StoreError};

/// How often there is something to forget.
const EVERY: Duration = Duration::from_secs(86_400);
/// How long the store is left to others after each step.
const REST: Duration = Duration::from_millis(50);

/// Forgets what the config does not keep, at the start and once a day, until told to stop.
pub async fn forget_loop(context: Context, mut round: Round) -> Result<(), StoreError> {
    let stop = round.stop.clone();
    loop {
        let setup = round.newest_setup();
        tokio::select! {
            forgotten = forget(&context, &setup) => forgotten?,
            () = stop.cancelled() => return Ok(()),
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => return Ok(()),
        }
    }
}

/// Forgets all there is to forget by now. What cannot be forgotten today can be tomorrow.
async fn forget(context: &Context, setup: &Setup) -> Result<(), StoreError> {
    let before = context.clock.now().minus(setup.keep_attempts);
    let mut all = Forgotten::default();
    loop {
        match context.store.forget(before).await {
            Ok(step) if step.is_nothing() => break,
            Ok(step) => all = all.and(step),
            Err(error) if error.is_final() => return Err(error),
            Err(error) => {
                warn!(error = %Chain(&error), "what is over could not be forgotten; it is tried again tomorrow");
                break;
            }
        }
        tokio::time::sleep(REST).await;
    }
    let Forgotten { deliveries, attempts, pulls, series } = all;
    if all.is_nothing() {
        debug!(%before, "there is nothing to forget");
    } else {
        info!(%before, deliveries, attempts, pulls, series, "forgot what was over before then");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::watch;

    use super::*;
    use crate::base::clock::Clock;
    use crate::config::Environment;
    use crate::store::contract::NOW;
    use crate::store::contract::fixture::{append, row, task};
    use crate::store::{Location, Store};

    /// At the start and a day later; what `keep_attempts` keeps stays.
    #[tokio::test(start_paused = true)]
    async fn what_is_over_is_forgotten_day_by_day() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("supplywatch.toml");
        std::fs::write(&path, "[daemon]\nkeep_attempts = '30d'\n").unwrap();
        let setup = Arc::new(crate::config::load(&path, &Environment::of(&[])).ok().unwrap().setup);
        let clock = Clock::paused(NOW.plus(EVERY * 30));
        let store = Store::open_copy(&Location::Sqlite(directory.path().join("none.db")), NOW).await.unwrap();
        store.stand_still().await.unwrap();
        let pull = append(&store, 1, vec![row("US", "2025-09", 420.5)]).await.pull.unwrap();
        let done = task(&store, NOW.plus(REST * 9000)).await.unwrap();
        store.commit(Some(&done), Vec::new(), Vec::new(), NOW).await.unwrap();
        let context = Context::new(store.clone(), clock, &setup).unwrap();
        let round = Round::new(watch::channel(setup).1, &context.metrics);
        let story = async {
            tokio::time::sleep(EVERY / 2).await;
            assert_eq!(store.changed(pull).await.unwrap().len(), 1, "it is not 30 days ago");
            tokio::time::sleep(EVERY).await;
            assert_eq!(store.changed(pull).await.unwrap().len(), 0);
            assert_eq!(store.series().await.unwrap().len(), 1);
            round.stop.cancel();
        };
        let (ended, ()) = tokio::join!(forget_loop(context, round.clone()), story);
        ended.unwrap();
    }
}
