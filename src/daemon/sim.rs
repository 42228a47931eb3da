//! The three loops' work under crashes: a scripted publisher with gaps and revisions, a clock set by
//! hand, and an end at any call of the store, before it was done or after.
//!
//! What a run with crashes comes to must be what a run without them comes to. The seed is printed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::membership::Membership;
use super::{Assessed, Context, Evaluation, deliver_all, evaluate_all, evaluate_pending, evaluate_ticking, pull_all};
use crate::base::clock::{Clock, Timestamp};
use crate::config::{Environment, Setup};
use crate::feed::fetch::Fetcher;
use crate::metrics::Metrics;
use crate::notify::Sender;
use crate::notify::double::{HttpDouble, Reply};
use crate::outbox::Delivery;
use crate::period::Period;
use crate::store::{DeliveryState, Holder, Store, StoreError};

/// What the publisher's file says, step by step.
struct Publisher {
    figures: Vec<(Period, &'static str, f64)>,
    next: Period,
}

impl Publisher {
    fn new() -> Self {
        Self { figures: Vec::new(), next: Period::month(2024, 1).unwrap() }
    }

    /// A month comes, or is left out, or comes late; a figure is revised; or nothing happens.
    fn step(&mut self, rng: &mut StdRng) {
        match rng.random_range(0..10) {
            0 => {}
            1 => self.next = self.next.next(),
            2 if !self.figures.is_empty() => {
                let index = rng.random_range(0..self.figures.len());
                self.figures[index].2 = figure(rng);
            }
            3 if self.figures.len() > 4 => {
                let late = self.next.offset(-2);
                if self.figures.iter().all(|(period, ..)| *period != late) {
                    self.figures.push((late, "US", figure(rng)));
                }
            }
            _ => {
                self.figures.push((self.next, "US", figure(rng)));
                if rng.random_bool(0.7) {
                    self.figures.push((self.next, "DE", figure(rng)));
                }
                self.next = self.next.next();
            }
        }
    }

    fn write(&self, path: &Path) {
        let rows = self.figures.iter().map(|(period, partner, tonnes)| format!("{period},{partner},{tonnes}\n"));
        std::fs::write(path, format!("period,partner,tonnes\n{}", rows.collect::<String>())).unwrap();
    }
}

fn figure(rng: &mut StdRng) -> f64 {
    f64::from(rng.random_range(1..40_u32)) * 25.0
}

/// One world: a folder with its config, its publisher's file and its store.
struct World {
    directory: tempfile::TempDir,
    hook: HttpDouble,
    clock: Clock,
    fetcher: Fetcher,
    sender: Sender,
}

impl World {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let hook = HttpDouble::start(Reply::status(204)).await;
        let config = format!(
            r#"
[daemon]
state = "sqlite:state.db"
[feed.exports]
kind = "csv"
path = "exports.csv"
frequency = "month"
unit = "t"
columns = {{ period = "period", value = "tonnes", labels = ["partner"] }}
[rule.falling]
series = {{ feed = "exports" }}
when = "declines >= 2"
notify = ["hook"]
[rule.low]
series = {{ feed = "exports", partner = "US" }}
when = "value < 300 t"
clear = "value > 500 t"
severity = "critical"
renotify = "never"
notify = ["hook"]
[receiver.hook]
kind = "webhook"
url = "{}"
insecure = true
allow_private = true
"#,
            hook.url("/in")
        );
        std::fs::write(directory.path().join("supplywatch.toml"), config).unwrap();
        let start = Timestamp::parse("2026-01-20T09:00:00Z").unwrap();
        let (fetcher, sender) = (Fetcher::new(None, None).unwrap(), Sender::new(None).unwrap());
        Self { directory, hook, clock: Clock::manual(start), fetcher, sender }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Adds to the config.
    fn add(&self, table: &str) {
        let config = std::fs::read_to_string(self.path("supplywatch.toml")).unwrap();
        std::fs::write(self.path("supplywatch.toml"), config + table).unwrap();
    }

    fn setup(&self) -> Arc<Setup> {
        let loaded = crate::config::load(&self.path("supplywatch.toml"), &Environment::of(&[]));
        Arc::new(loaded.map_err(|problems| problems.render(false)).unwrap().setup)
    }

    /// One round as after a start: what was left over, every feed, what follows, every delivery. With a
    /// fuse it may be cut off anywhere.
    async fn round(&self, fuse: Option<(u32, bool)>) -> Result<(), StoreError> {
        let setup = self.setup();
        let store = Store::open(&setup.state, self.clock.now()).await?;
        if let Some((calls, done)) = fuse {
            store.crash_after(calls, done);
        }
        let context = self.context(store.clone());
        let ended = work(&context, &setup).await;
        drop(context);
        store.close().await?;
        ended
    }

    fn context(&self, store: Store) -> Context {
        Context {
            store,
            clock: self.clock.clone(),
            fetcher: self.fetcher.clone(),
            sender: self.sender.clone(),
            holder: Holder("sim".to_owned()),
            membership: Membership::alone(),
            metrics: Metrics::new(self.clock.now()),
        }
    }

    /// One tick of the rules: each that was asked, with its transition.
    async fn tick(&self) -> Vec<String> {
        let setup = self.setup();
        let store = Store::open(&setup.state, self.clock.now()).await.unwrap();
        let context = self.context(store.clone());
        let evaluation = Evaluation::new(&context, &setup).await.unwrap();
        let asked = evaluate_ticking(&evaluation).await.unwrap();
        drop(context);
        store.close().await.unwrap();
        let kind = |assessed: &Assessed| assessed.transition.as_ref().map_or("-", |message| message.kind.name());
        asked.assessed.iter().map(|assessed| format!("{} {}", assessed.rule, kind(assessed))).collect()
    }

    /// Every transition, and every delivery by what it is about, in the order of the store.
    async fn told(&self) -> Vec<String> {
        let store = Store::open(&self.setup().state, self.clock.now()).await.unwrap();
        let mut told = Vec::new();
        for alert in store.alerts().await.unwrap() {
            for (transition, message) in store.transitions(&alert.rule, &alert.labels).await.unwrap() {
                let (kind, number, at) = (transition.kind, transition.number, transition.at);
                told.push(format!("{} {} {number} {kind} {at} {}", alert.rule, alert.labels, message.title));
            }
            told.push(format!("{} {} is {:?}, held {:?}", alert.rule, alert.labels, alert.state, alert.held));
        }
        let mut deliveries = store.deliveries(false, usize::MAX).await.unwrap();
        deliveries.sort_by_key(|record| (record.delivery.alert.clone(), record.delivery.message.number));
        let about = |delivery: &Delivery| format!("{} {}", delivery.alert, delivery.message.number);
        for record in &deliveries {
            let over = matches!(record.state, DeliveryState::Sent | DeliveryState::Superseded);
            assert!(over, "{}", record.delivery.message.title);
            let leader = deliveries.iter().find(|leader| record.told_by.as_ref() == Some(&leader.delivery.id));
            let by = leader.map_or_else(|| "itself".to_owned(), |leader| about(&leader.delivery));
            told.push(format!("{} told by {by}", about(&record.delivery)));
        }
        store.close().await.unwrap();
        told
    }

    /// What the receiver got: ids in the order of their first arrival, and how often in all.
    fn received(&self) -> (Vec<String>, usize) {
        let requests = self.hook.requests();
        let mut ids: Vec<String> = Vec::new();
        for request in &requests {
            let id = request.header("webhook-id").unwrap().to_owned();
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        (ids, requests.len())
    }

    /// The ids under which the store says that each was told, an alert's in the order of its transitions.
    async fn owed(&self) -> Vec<(String, u32, String)> {
        let store = Store::open(&self.setup().state, self.clock.now()).await.unwrap();
        let records = store.deliveries(false, usize::MAX).await.unwrap();
        store.close().await.unwrap();
        let mut owed: Vec<(String, u32, String)> = records
            .into_iter()
            .map(|record| {
                let id = record.told_by.unwrap_or(record.delivery.id);
                (record.delivery.alert, record.delivery.message.number, id)
            })
            .collect();
        owed.sort();
        owed
    }
}

async fn work(context: &Context, setup: &Arc<Setup>) -> Result<(), StoreError> {
    let evaluation = Evaluation::new(context, setup).await?;
    // As the daemon does: at a start it looks at everything, ahead of the tasks that were left over.
    evaluate_all(&evaluation).await?;
    evaluate_pending(&evaluation).await?;
    pull_all(context, setup, |_| true).await?;
    evaluate_pending(&evaluation).await?;
    deliver_all(context, setup).await?;
    Ok(())
}

/// Plays a script of so many steps; with `crashes` each round is cut off until one comes through.
async fn play(seed: u64, steps: usize, crashes: bool) -> (World, usize) {
    let world = World::new().await;
    let (mut script, mut faults) = (StdRng::seed_from_u64(seed), StdRng::seed_from_u64(seed ^ 0x5eed));
    let (mut publisher, mut cut_off) = (Publisher::new(), 0);
    for step in 0..steps {
        publisher.step(&mut script);
        if step == steps / 2 {
            world.add(
                "[rule.small]\nseries = { feed = \"exports\" }\nwhen = \"value < 500 t\"\nclear = \"rises >= 2\"\nnotify = [\"hook\"]\n",
            );
        }
        publisher.write(&world.path("exports.csv"));
        world.clock.set(world.clock.now().plus(Duration::from_secs(24 * 3600)));
        while crashes && faults.random_bool(0.6) {
            let fuse = (faults.random_range(0..40), faults.random_bool(0.5));
            cut_off += usize::from(world.round(Some(fuse)).await.is_err());
        }
        world.round(None).await.unwrap();
    }
    (world, cut_off)
}

/// Transitions, states and deliveries are those of a run without crashes; nothing is lost, nothing has
/// another id, and an alert's messages arrive in order.
#[tokio::test]
async fn crashes_change_nothing_but_repeat_under_the_same_id() {
    let mut told_together = 0;
    for seed in 1..=4 {
        println!("seed {seed}");
        let (calm, _) = play(seed, 16, false).await;
        let (stormy, cut_off) = play(seed, 16, true).await;
        assert!(cut_off > 2, "the crashes must happen: {cut_off}");
        assert_eq!(stormy.told().await, calm.told().await);
        let owed = stormy.owed().await;
        let (received, posts) = stormy.received();
        let messages: BTreeSet<&String> = owed.iter().map(|(.., id)| id).collect();
        told_together += owed.len() - messages.len();
        assert_eq!(received.iter().collect::<BTreeSet<_>>(), messages, "each message arrives, under one id");
        assert!(posts <= messages.len() + cut_off, "a crash repeats one message at most");
        let arrived = |id: &str| received.iter().position(|known| known == id).expect("it arrived");
        for pair in owed.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
            assert!(arrived(&pair[0].2) < arrived(&pair[1].2), "{} before {}", pair[0].1, pair[1].1);
        }
    }
    assert!(told_together > 4, "{told_together}");
}

#[tokio::test]
async fn the_clock_alone_moves_the_rules_of_time_and_no_other() {
    let world = World::new().await;
    std::fs::write(world.path("exports.csv"), "period,partner,tonnes\n2025-11,US,900\n2025-12,US,100\n").unwrap();
    world.round(None).await.unwrap();
    assert!(world.tick().await.is_empty(), "no rule asks for the time");
    let silent = "[rule.silent]\nseries = { feed = \"exports\" }\nwhen = \"age > 30d\"\nnotify = [\"hook\"]\n";
    world.add(silent);
    assert_eq!(world.tick().await, ["silent -"]);
    world.clock.set(Timestamp::parse("2026-01-31T00:01:00Z").unwrap());
    assert_eq!(world.tick().await, ["silent fired"]);
    assert_eq!(world.tick().await, ["silent -"]);
    std::fs::write(world.path("exports.csv"), "period,partner,tonnes\n2025-12,US,100\n2026-01,US,90\n").unwrap();
    world.round(None).await.unwrap();
    assert_eq!(world.tick().await, ["silent -"]);
    let told = world.told().await;
    assert!(told.iter().any(|line| line.contains("silent") && line.contains("resolved")), "{told:#?}");
}
