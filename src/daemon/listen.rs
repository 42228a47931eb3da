//! Hears from other replicas that there is something to do, so that it need not wait until a loop looks for itself.

use std::time::Duration;

use tracing::debug;

use super::Context;
use super::round::{AWAY_WAIT, Round};
use crate::base::error::Chain;
use crate::store::{Hint, StoreError};

/// How long it waits, at most, before it listens again: what it misses is found all the same.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// Turns what other replicas have stored into nudges, until told to stop. Whatever keeps it from hearing is no error: the
/// loops look for themselves every few seconds, and say what is wrong with the database.
pub async fn listen_loop(context: Context, round: Round) -> Result<(), StoreError> {
    let mut wait = AWAY_WAIT;
    loop {
        let listening = context.store.listen(|hint| {
            wait = AWAY_WAIT;
            match hint {
                Hint::Evaluate => round.nudges.evaluate.notify_one(),
                Hint::Deliver => round.nudges.deliver.notify_one(),
            }
        });
        let ended = tokio::select! {
            ended = listening => ended,
            () = round.stop.cancelled() => return Ok(()),
        };
        let Err(error) = ended else {
            debug!("the way to the database is a pool of sessions, where other replicas are not heard");
            round.stop.cancelled().await;
            return Ok(());
        };
        if wait == AWAY_WAIT {
            debug!(error = %Chain(&error), "other replicas are not heard for now");
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = round.stop.cancelled() => return Ok(()),
        }
        wait = (wait * 2).min(WAIT_MAX);
    }
}
