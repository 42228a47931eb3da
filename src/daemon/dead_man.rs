//! Tells somebody outside, again and again, that all is well, and says nothing while it is not: whoever hears nothing any
//! more raises the alarm, whatever it was that broke down here.

use tokio::time::{Instant, sleep_until};
use tracing::{debug, warn};

use super::Context;
use super::round::{Round, TICK_MAX};
use crate::config::{DeadMan, Setup};
use crate::metrics::Beats;
use crate::store::StoreError;

/// Asks for the address of the config every so often while every loop makes progress, until told to stop. A loop that
/// has not come round once is not known to work: a program that ends at each start says nothing.
pub async fn dead_man_loop(context: Context, mut round: Round) -> Result<(), StoreError> {
    let stop = round.stop.clone();
    loop {
        let setup = round.newest_setup();
        let beats = round.beats.clone();
        tokio::select! {
            () = keep_telling(&context, &beats, &setup) => {}
            () = round.changed() => {}
            () = stop.cancelled() => return Ok(()),
        }
    }
}

/// Tells it as a setup says, for ever.
async fn keep_telling(context: &Context, beats: &Beats, setup: &Setup) {
    let Some(dead_man) = &setup.dead_man else { return std::future::pending().await };
    // The loops have begun at the same time: what is well will have come round by then.
    let mut next = Instant::now() + dead_man.every.min(TICK_MAX);
    loop {
        sleep_until(next).await;
        next = Instant::now() + dead_man.every;
        let now = context.clock.now();
        match beats.stuck(now).or_else(|| beats.unbegun(now)) {
            None => tell(context, dead_man).await,
            Some(name) => warn!(name, "a loop makes no progress; nobody is told that all is well"),
        }
    }
}

async fn tell(context: &Context, dead_man: &DeadMan) {
    let told = context.sender.ping(&dead_man.endpoint).await;
    context.metrics.pinged(told.is_ok());
    match told {
        Ok(()) => debug!("told that all is well"),
        Err(why) => warn!(address = dead_man.endpoint.shown(), why, "it could not be told that all is well"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::sync::watch;

    use super::*;
    use crate::base::clock::{Clock, Timestamp};
    use crate::config::Environment;
    use crate::notify::double::{HttpDouble, Reply};
    use crate::store::{Location, Store};

    fn setup(directory: &std::path::Path, url: Option<&str>) -> Arc<Setup> {
        let path = directory.join("supplywatch.toml");
        let table = |url| format!("[daemon.dead_man]\nurl = '{url}'\ninsecure = true\nallow_private = true\n");
        std::fs::write(&path, url.map(table).unwrap_or_default()).unwrap();
        let loaded = crate::config::load(&path, &Environment::of(&[]));
        Arc::new(loaded.map_err(|problems| problems.render(false)).unwrap().setup)
    }

    /// Lets so many seconds go by, while the loops come round or do not; how often the address was asked by then.
    async fn after(seconds: u64, round: &Round, clock: &Clock, all_well: bool, asked: &HttpDouble) -> usize {
        for _ in 0..seconds {
            if all_well {
                [&round.beats.poll, &round.beats.evaluate].iter().for_each(|tick| tick.beat(clock.now()));
            }
            round.beats.deliver.beat(clock.now());
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        asked.requests().len()
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_told_every_minute_while_all_loops_come_round() {
        let directory = tempfile::tempdir().unwrap();
        let asked = HttpDouble::start(Reply::status(200)).await;
        let clock = Clock::paused(Timestamp::from_millis(1_760_000_000_000));
        let store = Store::open_copy(&Location::Sqlite(directory.path().join("none.db")), clock.now()).await.unwrap();
        let first = setup(directory.path(), Some(&asked.url("/ping/T0KEN")));
        let context = Context::new(store, clock.clone(), &first).unwrap();
        let (setups, newest) = watch::channel(first);
        let round = Round::new(newest, &context.metrics);
        let story = async {
            assert_eq!(after(200, &round, &clock, false, &asked).await, 0, "two loops have not begun");
            assert_eq!(after(60, &round, &clock, true, &asked).await, 1);
            assert_eq!(after(600, &round, &clock, true, &asked).await, 11);
            let last = after(360, &round, &clock, false, &asked).await;
            assert_eq!(last, 16, "no loop was known to be stuck for five minutes");
            assert_eq!(after(600, &round, &clock, false, &asked).await, last);
            assert_eq!(after(60, &round, &clock, true, &asked).await, last + 1);
            setups.send_replace(setup(directory.path(), None));
            assert_eq!(after(600, &round, &clock, true, &asked).await, last + 1, "the config no longer names it");
            round.stop.cancel();
        };
        let (ended, ()) = tokio::join!(dead_man_loop(context, round.clone()), story);
        ended.unwrap();
        assert!(asked.requests().iter().all(|request| request.line == "GET /ping/T0KEN HTTP/1.1"));
    }

    #[tokio::test]
    async fn an_address_that_does_not_answer_is_counted_and_not_shown() {
        let sender = crate::notify::Sender::new(None).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let ping = async |reply: Reply, path: &str| {
            let asked = HttpDouble::start(reply).await;
            let setup = setup(directory.path(), Some(&asked.url(path)));
            sender.ping(&setup.dead_man.as_ref().unwrap().endpoint).await
        };
        assert_eq!(ping(Reply::status(204), "/T0KEN-abcdef").await, Ok(()));
        assert_eq!(ping(Reply::status(404), "/T0KEN-abcdef").await, Err("HTTP 404 Not Found".to_owned()));
        assert_eq!(ping(Reply::status(302).header("location", "/"), "/x").await, Err("HTTP 302 Found".to_owned()));
        let lost = ping(Reply::hang_up(), "/T0KEN-abcdef").await.unwrap_err();
        assert!(!lost.contains("T0KEN"), "{lost}");
    }
}
