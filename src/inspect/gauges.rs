//! What Prometheus is told: what was counted, and how feeds, alerts, receivers and the store are at the moment.
//!
//! A scrape comes every few seconds, so what is slow to count is counted again only where something changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Mutex;

use super::{Health, Holdings, Inspection, Quiet};
use crate::alert::{DATA_ALERTS, State, Topic, kind};
use crate::base::clock::Timestamp;
use crate::catalogue::Catalogue;
use crate::feed::Feed;
use crate::metrics::{Metrics, Names, Reading, seconds};
use crate::notify::Receiver;
use crate::outbox::Standing;
use crate::rule::{Rule, Severity};
use crate::store::{Holding, Owed, Store, StoreError};

/// All that there is to scrape. Cheap to clone; every clone remembers the same.
#[derive(Clone)]
pub struct Gauges {
    metrics: Metrics,
    known: Arc<Mutex<Known>>,
}

/// What was counted for an earlier scrape.
#[derive(Default)]
struct Known {
    holdings: Holdings,
    matched: Matched,
}

/// How many series each rule matches, and of what that was counted.
#[derive(Default)]
struct Matched {
    /// The rules and the derived series of the setup, and how many series each feed had.
    of: (Vec<String>, Vec<usize>),
    counts: Vec<(String, usize)>,
}

/// A feed as it is seen.
struct Seen<'a> {
    feed: &'a Feed,
    health: Health,
    holding: Holding,
}

/// A receiver as it stands.
struct Told {
    name: String,
    standing: Standing,
    owed: Owed,
}

/// What an alert that is shown does: it fires and is told, or is kept back; or it waits for a figure.
const STATES: [&str; 3] = ["active", "suppressed", "held"];

impl Gauges {
    /// What was counted will be shown with what is read.
    pub fn new(metrics: Metrics) -> Self {
        Self { metrics, known: Arc::default() }
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// All of it in the text format 0.0.4; while a database does not answer, what was counted and what could be read.
    pub async fn text(&self, inspection: Inspection<'_>) -> Result<String, StoreError> {
        let setup = inspection.setup;
        let reading = Reading::default();
        match self.read(inspection, &reading).await {
            Err(error) if error.passes() => {}
            read => read?,
        }
        let names = Names {
            feeds: setup.feeds.iter().map(|feed| feed.name.as_str()).collect(),
            rules: setup.rules.iter().map(|rule| rule.name.as_str()).collect(),
            receivers: setup.receivers.iter().map(|receiver| receiver.name.as_str()).collect(),
        };
        Ok(self.metrics.text(&names, reading))
    }

    /// Reads how everything is at the moment.
    async fn read(&self, inspection: Inspection<'_>, reading: &Reading) -> Result<(), StoreError> {
        let mut known = self.known.lock().await;
        let seen = feeds(inspection, &mut known.holdings).await?;
        known.matched.count(inspection, &seen).await?;
        read_feeds(reading, &seen, inspection.now);
        let matched = known.matched.counts.iter().map(|(rule, count)| ([rule.as_str()], number(*count)));
        let help = "Series, stored and derived, that a rule matches.";
        reading.gauge("supplywatch_rule_series_matched", help, ["rule"], matched);
        drop(known);
        read_alerts(reading, inspection).await?;
        read_receivers(reading, inspection).await?;
        read_store(reading, inspection).await
    }
}

impl Matched {
    /// Counts again where there is a series more or less, or rules or derived series mean something else.
    async fn count(&mut self, inspection: Inspection<'_>, seen: &[Seen<'_>]) -> Result<(), StoreError> {
        let setup = inspection.setup;
        let rules = setup.rules.iter().map(|rule| format!("{} {}", rule.name, rule.hash));
        let derived = setup.derived.iter().map(|derived| format!("{derived:?}"));
        let of = (rules.chain(derived).collect(), seen.iter().map(|seen| seen.holding.series).collect());
        if self.of != of {
            let catalogue = Catalogue::new(setup, inspection.store).await?;
            let count = |rule: &Rule| (rule.name.clone(), catalogue.count(&rule.selector));
            (self.of, self.counts) = (of, setup.rules.iter().map(count).collect());
        }
        Ok(())
    }
}

async fn feeds<'a>(inspection: Inspection<'a>, holdings: &mut Holdings) -> Result<Vec<Seen<'a>>, StoreError> {
    let Inspection { setup, store, now } = inspection;
    let mut states = store.feeds().await?;
    let mut seen = Vec::new();
    for feed in &setup.feeds {
        let state = states.remove(&feed.name).unwrap_or_default();
        let holding = holdings.of(store, &feed.name).await?;
        seen.push(Seen { feed, health: Health::new(feed, state, holding.latest, now), holding });
    }
    Ok(seen)
}

/// Gauges with one label, of which each of some things has a value, or none and so no line.
struct Each<'r, 'i, T> {
    reading: &'r Reading,
    label: &'static str,
    items: &'i [T],
    name: fn(&T) -> &str,
}

impl<T> Each<'_, '_, T> {
    fn gauge(&self, name: &str, help: &str, value: impl Fn(&T) -> Option<f64>) {
        let values = self.items.iter().filter_map(|item| Some(([(self.name)(item)], value(item)?)));
        self.reading.gauge(name, help, [self.label], values);
    }
}

fn read_feeds(reading: &Reading, seen: &[Seen<'_>], now: Timestamp) {
    let each = Each { reading, label: "feed", items: seen, name: |seen| &seen.feed.name };
    let help = "When a pull of the feed last stood. 0: never.";
    each.gauge("supplywatch_feed_last_success_timestamp_seconds", help, |seen| {
        Some(seen.health.state.last_ok_at.map_or(0.0, seconds))
    });
    each.gauge("supplywatch_feed_next_pull_timestamp_seconds", "When the feed is due to be pulled.", |seen| {
        seen.health.state.next_due_at.map(seconds)
    });
    let help = "Pulls that failed since the last one that stood.";
    each.gauge("supplywatch_feed_consecutive_failures", help, |seen| Some(f64::from(seen.health.state.failures)));
    let help = "Whether pulls have failed for longer than the feed allows (`expect_within`).";
    each.gauge("supplywatch_feed_failing", help, |seen| Some(truth(seen.health.failing(seen.feed, now).is_some())));
    each.gauge("supplywatch_feed_series", "Series of the feed.", |seen| Some(number(seen.holding.series)));
    let help = "Where the latest period with a figure ends, in the feed's time zone.";
    each.gauge("supplywatch_feed_latest_period_end_timestamp_seconds", help, |seen| {
        let next = seen.holding.latest?.next();
        Some(seconds(Timestamp::start_of_day(next.first_day(), seen.feed.zone)))
    });
    let help = "When the next figure is due by the feed's release calendar.";
    each.gauge("supplywatch_feed_next_release_timestamp_seconds", help, |seen| {
        seen.feed.release.as_ref()?.due(seen.health.upcoming?.period).map(seconds)
    });
    let help = "Whether the next figure is overdue by the feed's release calendar.";
    each.gauge("supplywatch_feed_overdue", help, |seen| Some(truth(seen.health.overdue().is_some())));
}

/// Alerts by their rules, with the zeros of all that a rule may have.
async fn read_alerts(reading: &Reading, inspection: Inspection<'_>) -> Result<(), StoreError> {
    let Inspection { setup, store, now } = inspection;
    let quiet = Quiet::read(setup, store, now).await?;
    let waiting = store.waiting().await?;
    let mut counts: BTreeMap<(&str, Severity, &str), usize> = BTreeMap::new();
    for rule in &setup.rules {
        for severity in [Some(rule.severity), rule.worse.as_ref().map(|worse| worse.severity)].into_iter().flatten() {
            counts.extend(STATES[..2].iter().map(|state| ((rule.name.as_str(), severity, *state), 0)));
        }
        let held = waiting.get(&rule.name).copied().unwrap_or_default();
        counts.insert((&rule.name, rule.severity, STATES[2]), held);
    }
    for name in DATA_ALERTS {
        counts.extend(STATES[..2].iter().map(|state| ((name, Severity::Warning, *state), 0)));
    }
    for alert in quiet.firing() {
        let (State::Firing(firing), Some(topic)) = (&alert.state, Topic::of_firing(alert)) else { continue };
        let state = STATES[usize::from(quiet.of_topic(&topic).is_some())];
        *counts.entry((&alert.rule, firing.severity, state)).or_default() += 1;
    }
    let values = counts
        .iter()
        .map(|((rule, severity, state), count)| ([*rule, kind(rule), severity.name(), *state], number(*count)));
    let help = "Alerts that fire (active, or suppressed by a silence or another alert), or wait for a figure (held).";
    reading.gauge("supplywatch_alerts", help, ["rule", "kind", "severity", "state"], values);
    Ok(())
}

async fn read_receivers(reading: &Reading, inspection: Inspection<'_>) -> Result<(), StoreError> {
    let (standings, owed) = (inspection.store.receivers().await?, inspection.store.owed().await?);
    let told = |receiver: &'_ Receiver| {
        let name = receiver.name.clone();
        let standing = standings.get(&name).cloned().unwrap_or_default();
        let owed = owed.get(&name).copied().unwrap_or_default();
        Told { name, standing, owed }
    };
    let told: Vec<Told> = inspection.setup.receivers.iter().map(told).collect();
    let each = Each { reading, label: "receiver", items: &told, name: |told| &told.name };
    let help = "Messages that wait for the receiver.";
    each.gauge("supplywatch_deliveries_pending", help, |told| Some(number(told.owed.waiting)));
    let help = "When the oldest message that waits for the receiver was written.";
    each.gauge("supplywatch_deliveries_oldest_pending_timestamp_seconds", help, |told| told.owed.oldest.map(seconds));
    let help = "Messages for the receiver that were given up and not sent again.";
    each.gauge("supplywatch_deliveries_dead", help, |told| Some(number(told.owed.dead)));
    let help = "Whether the receiver is gone or refuses us, and is sent nothing until the config is read again.";
    each.gauge("supplywatch_receiver_disabled", help, |told| Some(truth(told.standing.disabled_at.is_some())));
    let help = "Attempts at the receiver that failed since the last one that did not.";
    each.gauge("supplywatch_receiver_consecutive_failures", help, |told| Some(f64::from(told.standing.failures)));
    let help = "When the receiver last took a message. 0: never.";
    each.gauge("supplywatch_receiver_last_success_timestamp_seconds", help, |told| {
        Some(told.standing.last_ok_at.map_or(0.0, seconds))
    });
    Ok(())
}

async fn read_store(reading: &Reading, inspection: Inspection<'_>) -> Result<(), StoreError> {
    let facts = inspection.store.facts().await?;
    let bytes = facts.file_bytes as f64;
    reading.gauge("supplywatch_store_size_bytes", "Size of the store without its write-ahead log.", [], [([], bytes)]);
    let replicas = match inspection.store {
        Store::Sqlite(_) => 1,
        Store::Postgres(_) => inspection.store.replicas().await?.iter().filter(|replica| replica.is_alive()).count(),
    };
    let help = "Processes that work on the store and have been heard of lately.";
    reading.gauge("supplywatch_replicas", help, [], [([], number(replicas))]);
    let schema = f64::from(facts.schema);
    reading.gauge("supplywatch_store_schema_version", "Number of the store's schema.", [], [([], schema)]);
    Ok(())
}

fn number(count: usize) -> f64 {
    count as f64
}

fn truth(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}
