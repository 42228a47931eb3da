//! Figures, messages and short ways for the suite.

use std::time::Duration;

use super::NOW;
use crate::alert::{Alert, Cause, Firing, Kind, State, Transition};
use crate::base::clock::Timestamp;
use crate::outbox::{AlertRef, Attempt, Delivery, Evidence, Manners, Message, Next, Outcome, plan};
use crate::period::{Frequency, Period, Span};
use crate::rule::Severity;
use crate::series::{Finite, History, Labels, PullId, Row, Status, Unit, Vintage};
use crate::store::{
    Appended, Claim, Committed, Ended, Holder, Lease, Leased, Look, NewPull, Place, SeriesRef, Settled, Store, Taking,
    Task,
};

pub const MINUTE: Duration = Duration::from_secs(60);
pub const RULE: &str = "falling";

pub fn holder() -> Holder {
    Holder("7-a".into())
}

/// So many minutes after the test began.
pub fn minutes(minutes: u32) -> Timestamp {
    NOW.plus(MINUTE * minutes)
}

pub fn labels(partner: &str) -> Labels {
    [("feed", "magnets"), ("partner", partner)].into_iter().collect()
}

pub fn row(partner: &str, span: &str, value: f64) -> Row {
    Row {
        labels: labels(partner),
        unit: Some(Unit::parse("t").unwrap()),
        span: Span::parse(span).unwrap(),
        value: Some(Finite::new(value).unwrap()),
        status: Status::Final,
        published: None,
    }
}

/// A row that takes back what was said.
pub fn withdrawn(partner: &str, span: &str) -> Row {
    Row { value: None, ..row(partner, span, 0.0) }
}

pub fn published(row: Row, time: &str) -> Row {
    Row { published: Some(Timestamp::parse(time).unwrap()), ..row }
}

/// A pull of a feed for a tick, complete a second after it.
pub fn pull(feed: &str, tick: Timestamp) -> NewPull {
    NewPull {
        feed: feed.into(),
        frequency: Frequency::Month,
        scheduled_for: tick,
        retrieved_at: tick.plus(Duration::from_secs(1)),
        url: format!("https://{feed}.example/"),
        sha256: format!("hash at {tick}"),
        bytes: 12,
        http_status: Some(200),
        spec_hash: "spec".into(),
        etag: Some("\"e\"".into()),
        last_modified: None,
        marks: [("release".to_owned(), tick.to_string())].into(),
        rounds: false,
        raw: Some(b"the body".to_vec()),
        raw_since: Timestamp::from_millis(0),
        items: Vec::new(),
        labels: Labels::default(),
        next_due_at: Some(tick.plus(MINUTE * 60)),
        refused: Vec::new(),
        refused_count: 0,
    }
}

pub async fn lease(store: &Store, feed: &str, now: Timestamp) -> Lease {
    match store.lease_feed(feed, &holder(), now, MINUTE).await.unwrap() {
        Claim::Taken(lease) => lease,
        other => panic!("{other:?}"),
    }
}

/// Appends a pull under a lease of its own.
pub async fn append_as(store: &Store, pull: NewPull, rows: Vec<Row>) -> Claim<Appended> {
    let lease = lease(store, &pull.feed.clone(), pull.retrieved_at).await;
    let claim = store.append(&lease, pull, rows).await.unwrap();
    store.release_feed(&lease).await.unwrap();
    claim
}

/// Appends rows to the feed `magnets` in some minute.
pub async fn append(store: &Store, minute: u32, rows: Vec<Row>) -> Appended {
    match append_as(store, pull("magnets", minutes(minute)), rows).await {
        Claim::Taken(appended) => appended,
        other => panic!("{other:?}"),
    }
}

pub fn counts(appended: &Appended) -> (usize, usize, usize) {
    (appended.new, appended.revised, appended.unchanged)
}

pub async fn series(store: &Store, partner: &str) -> SeriesRef {
    store.series().await.unwrap().into_iter().find(|series| series.labels == labels(partner)).unwrap()
}

pub async fn history(store: &Store, partner: &str, until: PullId) -> History {
    let series = series(store, partner).await;
    whole(store, &series, until).await
}

/// The history of one series.
pub async fn whole(store: &Store, series: &SeriesRef, until: PullId) -> History {
    let mut histories = store.histories(std::slice::from_ref(series), until).await.unwrap();
    assert_eq!(histories.len(), 1);
    histories.remove(0)
}

/// The vintages of a span as `value@time`; a withdrawal is `x`.
pub fn told(history: &History, span: &str) -> Vec<String> {
    let vintages = history.vintages(Span::parse(span).unwrap());
    let value = |vintage: &Vintage| vintage.value.map_or_else(|| "x".to_owned(), |value| value.get().to_string());
    vintages.iter().map(|vintage| format!("{}@{}", value(vintage), vintage.recorded_at)).collect()
}

pub async fn task(store: &Store, now: Timestamp) -> Option<Task> {
    store.lease_task(&holder(), now, MINUTE).await.unwrap()
}

pub fn message(alert: &Alert, number: u32, kind: Kind) -> Message {
    Message {
        alert: AlertRef {
            id: alert.id(),
            rule: alert.rule.clone(),
            labels: alert.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            episode: 1,
        },
        kind,
        number,
        severity: Severity::Critical,
        period: Some("2025-09".into()),
        at: minutes(number),
        title: format!("{kind} {number}: −28.7 % \"quoted\"\n"),
        summary: "稀土".into(),
        gates: Vec::new(),
        table: Vec::new(),
        said: None,
        revisions: Vec::new(),
        clears: None,
        sources: Vec::new(),
        rule_text: "declines >= 2".into(),
        rule_hash: "hash".into(),
        program: "supplywatch".into(),
        evidence: Evidence::default(),
        items: Vec::new(),
        items_left_out: 0,
        thread: None,
        chart: None,
        told: None,
        others: Vec::new(),
        url: None,
    }
}

/// The alert's next transition, told to some receivers; the alert is as `before` but for its state.
pub fn fires(store: &Store, before: &Alert, receivers: &[&str]) -> Settled {
    let number = before.number + 1;
    let message = message(before, number, Kind::Fired);
    let receivers: Vec<String> = receivers.iter().map(ToString::to_string).collect();
    let firing = Firing {
        severity: Severity::Critical,
        since: Period::month(2025, 8).unwrap(),
        said: message.title.clone(),
        said_at: message.at,
        told_at: message.at,
        receivers: receivers.clone(),
        owed: Vec::new(),
    };
    let transition = Transition {
        rule: before.rule.clone(),
        labels: before.labels.clone(),
        number,
        episode: 1,
        kind: Kind::Fired,
        cause: Cause::Published,
        severity: Severity::Critical,
        period: Period::month(2025, 9),
        pull: Some(PullId(1)),
        at: message.at,
    };
    let deliveries = plan(store.id(), &message, &receivers);
    let alert = Alert {
        state: State::Firing(firing),
        number,
        episode: 1,
        assessed: Period::month(2025, 9),
        seen: PullId(1),
        ..before.clone()
    };
    Settled { alert, transition: Some((transition, message)), deliveries, manners: Manners::default() }
}

pub fn new_alert(partner: &str) -> Alert {
    Alert::new(RULE, labels(partner), "hash", PullId(0))
}

/// How far the rule has looked at the feed `magnets`.
pub fn look(seen: Option<i64>, version: i64) -> Look {
    let (rule, feed, rule_hash) = (RULE.to_owned(), "magnets".to_owned(), "hash".to_owned());
    Look { rule, feed, rule_hash, seen: seen.map(PullId), version }
}

/// Lets the alert of a series go through its next transition.
pub async fn fire(store: &Store, partner: &str, receivers: &[&str]) {
    let before = store.alert(RULE, &labels(partner)).await.unwrap().unwrap_or_else(|| new_alert(partner));
    let settled = fires(store, &before, receivers);
    assert_eq!(store.commit(None, Vec::new(), vec![settled], minutes(30)).await.unwrap(), Committed::Stored);
}

/// So many are taken at a time, for a minute.
pub fn taking(now: Timestamp, limit: usize) -> Taking {
    Taking { holder: holder(), now, ttl: MINUTE, limit, hurry: false }
}

/// Leases what is due at some minute for the receivers `desk` and `hook`.
pub async fn due(store: &Store, minute: u32, hurry: bool) -> Vec<Leased> {
    let receivers = ["desk", "hook"].map(|name| Place::new(name, 9));
    store.lease_due(&Taking { hurry, ..taking(minutes(minute), 24) }, &receivers).await.unwrap()
}

/// Each as `receiver partner number`.
pub fn named<'a>(deliveries: impl IntoIterator<Item = &'a Delivery>) -> Vec<String> {
    let name = |delivery: &Delivery| {
        format!("{} {} {}", delivery.receiver, delivery.message.alert.labels["partner"], delivery.message.number)
    };
    deliveries.into_iter().map(name).collect()
}

pub fn names(leased: &[Leased]) -> Vec<String> {
    named(leased.iter().map(|leased| &leased.delivery))
}

pub fn attempt(minute: u32, outcome: Outcome) -> Attempt {
    Attempt {
        started_at: minutes(minute),
        finished_at: minutes(minute).plus(Duration::from_millis(250)),
        outcome,
        status: Some(202),
    }
}

pub fn delivered() -> Outcome {
    Outcome::Delivered { remote_ref: Some("queue 7".into()) }
}

pub fn refused() -> Outcome {
    Outcome::Retry { after: None, why: "500".into(), maybe_delivered: false }
}

/// Records an attempt that failed; the next is due at a minute.
/// Records the end of one attempt; whether its lease still stood.
pub async fn record(store: &Store, leased: &Leased, attempt: Attempt, next: Next) -> bool {
    store.record(vec![Ended::new(leased, attempt, next)]).await.unwrap()[0]
}

pub async fn put_off(store: &Store, leased: &Leased, until: u32) {
    assert!(record(store, leased, attempt(31, refused()), Next::At(minutes(until))).await);
}

pub async fn succeed(store: &Store, leased: &Leased) {
    assert!(record(store, leased, attempt(31, delivered()), Next::Done).await);
}

/// All that can be seen of a store, as text.
pub async fn seen(store: &Store) -> String {
    let mut histories = Vec::new();
    for series in store.series().await.unwrap() {
        histories.push(format!("{:?}", whole(store, &series, PullId(i64::MAX)).await));
    }
    format!(
        "{} {:?} {:?} {:?} {:?} {:?} {histories:?}",
        store.id(),
        store.feeds().await.unwrap(),
        store.looks().await.unwrap(),
        store.alerts().await.unwrap(),
        store.transitions(RULE, &labels("US")).await.unwrap(),
        store.deliveries(false, 9).await.unwrap(),
    )
}
