//! What is remembered of alerts from look to look: with a sieve and without, and as if each had a row.

mod model;

mod parts;
mod reload;

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::alert::{Alert, State};
use crate::assess::{Sight, assess, lapse};
use crate::base::clock::{Clock, Timestamp};
use crate::config::Environment;
use crate::period::Span;
use crate::series::{Finite, Labels, Row, Status, Unit};
use crate::store::{Claim, Location, NewPull, Place, Store, Taking};

/// A store in memory, a config, and a clock that goes on by a day with each pull.
struct World {
    directory: tempfile::TempDir,
    context: Context,
    sifts: bool,
}

/// A feed of a frequency.
fn feed_table(name: &str, frequency: &str) -> String {
    format!(
        "[feed.{name}]\nkind = \"csv\"\npath = \"{name}.csv\"\nfrequency = \"{frequency}\"\nunit = \"t\"\n\
         columns = {{ period = \"period\", value = \"tonnes\", labels = [\"partner\"] }}\n"
    )
}

fn rule_table(name: &str, feed: &str, body: &str) -> String {
    format!("[rule.{name}]\nseries = {{ feed = \"{feed}\" }}\n{body}\nnotify = [\"desk\"]\n")
}

impl World {
    async fn new(sifts: bool, config: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp::parse("2026-01-20T09:00:00Z").unwrap());
        let location = Location::Sqlite(directory.path().join("none.db"));
        let store = Store::open_copy(&location, clock.now()).await.unwrap();
        configure(&directory, config);
        let context = Context::new(store, clock, &setup(&directory)).unwrap();
        Self { directory, context, sifts }
    }

    fn setup(&self) -> Setup {
        setup(&self.directory)
    }

    async fn evaluation<'a>(&'a self, setup: &'a Setup) -> Evaluation<'a> {
        let evaluation = Evaluation::new(&self.context, setup).await.unwrap();
        if self.sifts { evaluation } else { evaluation.with_evidence() }
    }

    /// As at a start: everything, then what is waiting.
    async fn start(&self) -> Evaluated {
        let setup = self.setup();
        let evaluation = self.evaluation(&setup).await;
        let mut evaluated = evaluate_all(&evaluation).await.unwrap();
        evaluated.extend(evaluate_pending(&evaluation).await.unwrap());
        evaluated
    }

    async fn pending(&self) -> Evaluated {
        let setup = self.setup();
        evaluate_pending(&self.evaluation(&setup).await).await.unwrap()
    }

    /// A pull of a feed: `US 2025-08=590 2025-09=420.5; DE 2025-09=x`; `x` withdraws, `p` is preliminary.
    async fn pull(&self, feed: &str, figures: &str) -> Option<PullId> {
        let Context { store, clock, holder, .. } = &self.context;
        clock.set(clock.now().plus(Duration::from_secs(86_400)));
        let (now, rows) = (clock.now(), rows(feed, figures));
        let first = rows.first()?;
        let pull = NewPull {
            feed: feed.into(),
            frequency: first.span.last().frequency(),
            scheduled_for: now,
            retrieved_at: now,
            url: "https://example.org/".into(),
            sha256: now.to_string(),
            bytes: 1,
            http_status: Some(200),
            spec_hash: "spec".into(),
            etag: None,
            last_modified: None,
            marks: BTreeMap::new(),
            rounds: false,
            raw: None,
            raw_since: now,
            items: Vec::new(),
            labels: Labels::default(),
            next_due_at: None,
            refused: Vec::new(),
            refused_count: 0,
        };
        let Claim::Taken(lease) = store.lease_feed(feed, holder, now, Duration::from_secs(60)).await.unwrap() else {
            panic!("nobody else has it")
        };
        let appended = store.append(&lease, pull, rows).await.unwrap();
        store.release_feed(&lease).await.unwrap();
        match appended {
            Claim::Taken(appended) => appended.pull,
            other => panic!("{other:?}"),
        }
    }

    /// Each transition as `rule partner number kind cause period`.
    async fn told(&self) -> Vec<String> {
        let mut told = Vec::new();
        for alert in self.context.store.alerts().await.unwrap() {
            for (transition, _) in self.context.store.transitions(&alert.rule, &alert.labels).await.unwrap() {
                told.push(line(&alert, &transition));
            }
        }
        told
    }

    /// The alerts that have a row, as `rule partner state`.
    async fn rows(&self) -> Vec<String> {
        let row = |alert: Alert| {
            let state = match (&alert.state, &alert.held) {
                (State::Firing(firing), _) => format!("firing since {}", firing.since),
                (State::Ok, Some(_)) => "held".to_owned(),
                (State::Ok, None) => "ok".to_owned(),
            };
            format!("{} {} {state}", alert.rule, alert.labels.value("partner").unwrap_or("-"))
        };
        self.context.store.alerts().await.unwrap().into_iter().map(row).collect()
    }

    /// All that is kept: alerts, looks, transitions with their messages.
    async fn kept(&self) -> String {
        let store = &self.context.store;
        let (alerts, looks) = (store.alerts().await.unwrap(), store.looks().await.unwrap());
        let mut transitions = Vec::new();
        for alert in &alerts {
            transitions.extend(store.transitions(&alert.rule, &alert.labels).await.unwrap());
        }
        let deliveries = store.deliveries(false, usize::MAX).await.unwrap().len();
        format!("{alerts:#?}\n{looks:#?}\n{transitions:#?}\n{deliveries}")
    }
}

fn line(alert: &Alert, transition: &crate::alert::Transition) -> String {
    let partner = alert.labels.value("partner").unwrap_or("-");
    let period = transition.period.map_or_else(|| "-".to_owned(), |period| period.to_string());
    format!("{} {partner} {} {} {} {period}", alert.rule, transition.number, transition.kind, transition.cause.name())
}

fn configure(directory: &tempfile::TempDir, config: &str) {
    let receiver = "[receiver.desk]\nkind = \"console\"\n";
    std::fs::write(directory.path().join("supplywatch.toml"), format!("{config}{receiver}")).unwrap();
}

fn setup(directory: &tempfile::TempDir) -> Setup {
    let loaded = crate::config::load(&directory.path().join("supplywatch.toml"), &Environment::of(&[]));
    loaded.map_err(|problems| problems.render(false)).unwrap().setup
}

fn rows(feed: &str, figures: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for series in figures.split(';').map(str::trim).filter(|series| !series.is_empty()) {
        let (partner, figures) = series.split_once(' ').unwrap_or((series, ""));
        for figure in figures.split_whitespace() {
            let (span, value) = figure.split_once('=').unwrap();
            let status = if value.ends_with('p') { Status::Preliminary } else { Status::Final };
            let value = value.trim_end_matches('p');
            let value = (value != "x").then(|| Finite::new(value.parse().unwrap()).unwrap());
            let labels = [("feed", feed), ("partner", partner)].into_iter().collect();
            let (unit, span) = (Unit::parse("t").ok(), Span::parse(span).unwrap());
            rows.push(Row { labels, unit, span, value, status, published: None });
        }
    }
    rows
}

const FALLING: &str = "when = \"declines >= 2\"";
const LOW: &str = "when = \"value < 300 t\"\nclear = \"value > 500 t\"";

#[tokio::test]
async fn a_quiet_alert_has_no_row_and_goes_on_where_it_was() {
    for sifts in [true, false] {
        let config = feed_table("a", "month") + &rule_table("low", "a", LOW);
        let world = World::new(sifts, &config).await;
        world.start().await;
        world.pull("a", "US 2025-07=619 2025-08=590; DE 2025-08=200").await;
        let first = world.pending().await;
        assert_eq!((first.assessed.len(), first.quiet), if sifts { (1, 1) } else { (2, 0) });
        assert_eq!(world.rows().await, ["low DE firing since 2025-08"]);
        // The pull after it is one more period, and not the whole past again.
        world.pull("a", "US 2025-09=400; DE 2025-09=600").await;
        world.pending().await;
        assert_eq!(world.rows().await, ["low DE ok"]);
        world.pull("a", "US 2025-08=250 2025-09=350").await;
        world.pull("a", "DE 2025-10=299").await;
        world.start().await;
        let told = [
            "low DE 1 fired published 2025-08",
            "low DE 2 resolved published 2025-09",
            "low DE 3 fired published 2025-10",
        ];
        assert_eq!(world.told().await, told, "a figure before the last one assessed fires nothing");
        assert_eq!(world.rows().await, ["low DE firing since 2025-10"]);
        let looks = world.context.store.looks().await.unwrap();
        assert_eq!(looks.iter().map(|look| look.seen).collect::<Vec<_>>(), [Some(PullId(4))]);
        let again = world.start().await;
        assert_eq!((again.assessed.len(), again.quiet), (0, 0), "what was looked at is not looked at again");
    }
}

#[tokio::test]
async fn of_many_series_only_those_that_do_not_simply_fail_are_assessed() {
    let config = feed_table("a", "month") + &rule_table("falling", "a", FALLING) + &rule_table("low", "a", LOW);
    let world = World::new(true, &config).await;
    world.start().await;
    let series = |number: u32| match number {
        7 => format!("P{number} 2025-07=900 2025-08=800 2025-09=700; "),
        70 => format!("P{number} 2025-07=900 2025-08=200 2025-09=400; "),
        number => format!("P{number} 2025-07=900 2025-08=900 2025-09={}; ", 901 + number),
    };
    world.pull("a", &(0..150).map(series).collect::<String>()).await;
    let evaluated = world.pending().await;
    assert_eq!((evaluated.assessed.len(), evaluated.quiet), (2, 298));
    assert_eq!(world.told().await, ["falling P7 1 fired published 2025-09", "low P70 1 fired published 2025-09"]);
}

#[tokio::test]
async fn what_everything_was_looked_at_for_is_not_worked_out_again() {
    for sifts in [true, false] {
        let world = World::new(sifts, &(feed_table("a", "month") + &rule_table("falling", "a", FALLING))).await;
        world.start().await;
        world.pull("a", "US 2025-07=619 2025-08=590 2025-09=420.5").await;
        world.pull("a", "US 2025-09=600").await;
        let all = world.start().await;
        assert_eq!((world.told().await, all.transitions().count()), (Vec::new(), 0));
        assert_eq!(world.rows().await, [] as [&str; 0]);
    }
}

#[tokio::test]
async fn a_rule_that_comes_later_fires_at_once_on_the_latest_period() {
    for sifts in [true, false] {
        let feeds = feed_table("a", "month") + &feed_table("b", "month");
        let world = World::new(sifts, &feeds).await;
        world.start().await;
        world.pull("a", "US 2025-07=619 2025-08=590 2025-09=420.5; DE 2025-08=200 2025-09=400").await;
        world.pull("b", "US 2025-09=1").await;
        world.start().await;
        configure(&world.directory, &(feeds + &rule_table("falling", "a", FALLING) + &rule_table("low", "a", LOW)));
        world.start().await;
        assert_eq!(world.told().await, ["falling US 1 fired rule_added 2025-09"]);
        world.pull("a", "US 2025-10=410; DE 2025-07=100").await;
        world.pending().await;
        let told = ["falling US 1 fired rule_added 2025-09", "falling US 2 continued published 2025-10"];
        assert_eq!(world.told().await, told);
    }
}

#[tokio::test]
async fn an_edited_rule_begins_anew() {
    for sifts in [true, false] {
        let feed = feed_table("a", "month");
        let world = World::new(sifts, &(feed.clone() + &rule_table("low", "a", LOW))).await;
        world.start().await;
        world.pull("a", "US 2025-09=299; DE 2025-09=350; FR 2025-09=700").await;
        world.pending().await;
        let looser = LOW.replace("300 t", "400 t");
        configure(&world.directory, &(feed + &rule_table("low", "a", &looser)));
        assert_eq!(world.pending().await.assessed.len(), 0);
        // A task that comes before everything is looked at leaves the rule alone.
        world.pull("a", "FR 2025-10=390").await;
        assert_eq!(world.pending().await.assessed.len(), 0);
        world.start().await;
        let told = [
            "low DE 1 fired rule_added 2025-09",
            "low FR 1 fired published 2025-10",
            "low US 1 fired published 2025-09",
            "low US 2 lapsed rule_edited -",
            "low US 3 fired rule_added 2025-09",
        ];
        assert_eq!(world.told().await, told);
    }
}

#[tokio::test]
async fn a_feed_of_another_frequency_ends_the_alert_and_begins_anew() {
    for sifts in [true, false] {
        let rule = rule_table("low", "a", LOW);
        let world = World::new(sifts, &(feed_table("a", "month") + &rule)).await;
        world.start().await;
        world.pull("a", "US 2025-08=200 2025-09=290; DE 2025-09=600").await;
        world.pending().await;
        configure(&world.directory, &(feed_table("a", "quarter") + &rule));
        world.start().await;
        world.pull("a", "US 2025-Q3=250; DE 2025-Q3=100").await;
        world.pending().await;
        let told = [
            "low DE 1 fired published 2025-Q3",
            "low US 1 fired published 2025-09",
            "low US 2 lapsed series_gone -",
            "low US 3 fired published 2025-Q3",
        ];
        assert_eq!(world.told().await, told);
        let labels = [("feed", "a"), ("partner", "US")].into_iter().collect();
        let transitions = world.context.store.transitions("low", &labels).await.unwrap();
        assert!(transitions[1].1.title.ends_with("its series is no longer in any feed"), "{}", transitions[1].1.title);
        assert_eq!(world.context.store.deliveries(false, 9).await.unwrap().len(), 4);
    }
}

#[tokio::test]
async fn a_feed_that_was_away_is_looked_at_anew() {
    let (feed, rule) = (feed_table("a", "month"), rule_table("low", "a", LOW));
    let world = World::new(true, &(feed.clone() + &rule)).await;
    world.start().await;
    world.pull("a", "US 2025-09=290; DE 2025-09=600").await;
    world.pending().await;
    let elsewhere = "[rule.low]\nseries = { partner = \"*\" }\n".to_owned() + LOW + "\nnotify = [\"desk\"]\n";
    configure(&world.directory, &(feed_table("b", "month") + &elsewhere));
    world.start().await;
    world.start().await;
    configure(&world.directory, &(feed + &rule));
    world.start().await;
    let told = world.told().await;
    assert_eq!(told[..2], ["low US 1 fired published 2025-09", "low US 2 lapsed rule_edited -"]);
    assert_eq!(told[2..], ["low US 3 fired rule_added 2025-09"], "the series of no feed are not judged");
}

/// A rule that means every series and looks at the same figures as another says the same of a look that was
/// cut off: the alerts that were written before are as they were, the others are looked at again.
#[tokio::test]
async fn a_first_look_that_was_cut_off_is_made_up_for() {
    let feed = feed_table("a", "month");
    let world = World::new(true, &feed).await;
    world.start().await;
    let figures: String = (0..600).map(|number| format!("P{number} 2025-08=400 2025-09=250; ")).collect();
    world.pull("a", &figures).await;
    world.start().await;
    configure(&world.directory, &(feed + &rule_table("low", "a", LOW)));
    let setup = world.setup();
    let evaluation = world.evaluation(&setup).await;
    let mut outcome = Outcome::default();
    let looking = evaluation.looking(&evaluation.rules(), "a", &evaluation.looks().await.unwrap());
    let series = world.context.store.series().await.unwrap();
    evaluation.single(&series[..500], PullId(1), &looking, &mut outcome).await.unwrap();
    assert!(evaluation.commit(&mut looking.clone(), &mut outcome).await.unwrap());
    let again = world.start().await;
    assert_eq!((again.transitions().count(), world.told().await.len()), (100, 600));
    // Whoever read how far the rule had looked before that writes nothing.
    evaluation.single(&series[..1], PullId(1), &looking, &mut outcome).await.unwrap();
    assert!(!evaluation.commit(&mut looking.clone(), &mut outcome).await.unwrap());
    assert!(outcome.evaluated.fenced);
}

impl World {
    fn pass(&self, hours: u64) {
        let clock = &self.context.clock;
        clock.set(clock.now().plus(Duration::from_secs(3600 * hours)));
    }

    /// What the clock alone tells: how many alerts.
    async fn tick(&self) -> usize {
        let setup = self.setup();
        evaluate_ticking(&self.evaluation(&setup).await).await.unwrap().told_late
    }

    /// Every delivery as `receiver kind`, oldest first.
    async fn owed(&self) -> Vec<String> {
        let records = self.context.store.deliveries(false, usize::MAX).await.unwrap();
        let told =
            records.iter().map(|record| format!("{} {}", record.delivery.receiver, record.delivery.message.kind));
        told.rev().collect()
    }

    /// What can be sent now, however hurried: as `receiver kind`.
    async fn leased(&self) -> Vec<String> {
        let Context { store, clock, holder, .. } = &self.context;
        let ttl = Duration::from_secs(60);
        let receivers = store.pending_receivers().await.unwrap();
        let places: Vec<_> = receivers.into_iter().map(|name| Place::new(name, 9)).collect();
        let leased = store
            .lease_due(&Taking { holder: holder.clone(), now: clock.now(), ttl, limit: 9, hurry: true }, &places)
            .await
            .unwrap();
        for leased in &leased {
            let outcome = crate::outbox::Outcome::Delivered { remote_ref: None };
            let (started_at, finished_at) = (clock.now(), clock.now());
            let attempt = crate::outbox::Attempt { started_at, finished_at, outcome, status: None };
            store.record(vec![crate::store::Ended::new(leased, attempt, crate::outbox::Next::Done)]).await.unwrap();
        }
        leased.iter().map(|l| format!("{} {}", l.delivery.receiver, l.delivery.message.kind)).collect()
    }

    async fn acknowledge(&self) {
        let Context { store, clock, .. } = &self.context;
        let alert = store.firing().await.unwrap().remove(0);
        let known = crate::alert::Acknowledgement {
            rule: alert.rule,
            labels: alert.labels,
            episode: alert.episode,
            at: clock.now(),
            note: "asked".into(),
            author: "ada".into(),
        };
        assert!(store.acknowledge(known).await.unwrap());
    }
}

const PHONE: &str = "[receiver.phone]\nkind = \"console\"\n";
const FELL: &str = "US 2025-07=619 2025-08=590 2025-09=400";

#[tokio::test]
async fn what_nobody_acknowledges_is_told_to_more_once() {
    let escalate = format!("{FALLING}\nescalate = {{ after = \"4h\", notify = [\"desk\", \"phone\"] }}");
    let by_rule = feed_table("a", "month") + &rule_table("falling", "a", &escalate) + PHONE;
    let by_route = feed_table("a", "month")
        + &rule_table("falling", "a", FALLING).replace("notify = [\"desk\"]\n", "")
        + "[[route]]\nnotify = [\"desk\"]\nescalate = { after = \"4h\", notify = [\"phone\"] }\n"
        + PHONE;
    for config in [by_rule, by_route] {
        let world = World::new(true, &config).await;
        world.start().await;
        world.pull("a", FELL).await;
        world.pending().await;
        world.pass(3);
        assert_eq!((world.tick().await, world.owed().await), (0, vec!["desk fired".to_owned()]));
        world.pass(1);
        assert_eq!(world.tick().await, 1);
        let record = world.context.store.deliveries(false, 1).await.unwrap().remove(0);
        let summary = &record.delivery.message.summary;
        assert_eq!(record.delivery.receiver, "phone");
        assert!(summary.starts_with("Nobody has acknowledged this since 2026-01-21T09:00:00Z. "), "{summary}");
        world.pass(9);
        assert_eq!(world.tick().await, 0, "once an episode");
        world.pull("a", "US 2025-10=700").await;
        world.pending().await;
        assert_eq!(world.owed().await, ["desk fired", "phone fired", "desk resolved", "phone resolved"]);
        // The next episode is acknowledged in time.
        world.pull("a", "US 2025-11=600 2025-12=500").await;
        world.pending().await;
        world.acknowledge().await;
        world.pass(9);
        assert_eq!(world.tick().await, 0);
        assert_eq!(world.owed().await.len(), 5);
    }
}

#[tokio::test]
async fn what_is_kept_back_is_not_told_to_more_before_it_is_told() {
    let escalate = format!("{FALLING}\nescalate = {{ after = \"4h\", notify = [\"phone\"] }}");
    let world = World::new(true, &(feed_table("a", "month") + &rule_table("falling", "a", &escalate) + PHONE)).await;
    world.start().await;
    let now = world.context.clock.now();
    let silence = crate::alert::Silence {
        id: 0,
        matcher: crate::alert::Matcher::default(),
        since: now,
        until: now.plus(Duration::from_secs(48 * 3600)),
        comment: "fair".into(),
        author: String::new(),
    };
    world.context.store.add_silence(silence).await.unwrap();
    world.pull("a", FELL).await;
    world.pending().await;
    world.pass(23);
    assert_eq!((world.tick().await, world.owed().await.len()), (0, 0));
    world.pass(1);
    assert_eq!((world.tick().await, world.owed().await), (1, vec!["desk fired".to_owned()]));
    world.pass(3);
    assert_eq!(world.tick().await, 0, "its time begins when it is told");
    world.pass(1);
    assert_eq!((world.tick().await, world.owed().await.len()), (1, 2));
}

#[tokio::test]
async fn quiet_hours_hold_messages_in_their_order() {
    let levels = "warning = \"declines >= 2\"\ncritical = \"declines >= 3\"";
    let quiet = "quiet = { from = \"08:00\", to = \"12:00\", timezone = \"UTC\", except = \"critical\" }\n";
    let rule = rule_table("falling", "a", levels).replace("[\"desk\"]", "[\"desk\", \"phone\"]");
    let world = World::new(true, &(feed_table("a", "month") + &rule + PHONE + quiet)).await;
    world.start().await;
    world.pull("a", FELL).await;
    world.pending().await;
    assert_eq!(world.leased().await, ["desk fired"]);
    let next = world.context.store.next_delivery_at(Vec::new()).await.unwrap().unwrap();
    assert_eq!(next.to_string(), "2026-01-21T12:00:00Z");
    world.pass(3);
    assert_eq!(world.leased().await, ["phone fired"]);
    // What is bad enough does not wait, nor does what came before it.
    world.pull("a", "DE 2025-07=619 2025-08=590 2025-09=400").await;
    let clock = &world.context.clock;
    clock.set(clock.now().minus(Duration::from_secs(2 * 3600)));
    world.pending().await;
    assert_eq!(world.leased().await, ["desk fired"]);
    clock.set(clock.now().minus(Duration::from_secs(24 * 3600)));
    world.pull("a", "DE 2025-10=300").await;
    world.pending().await;
    assert_eq!(world.leased().await, ["phone fired", "desk escalated"]);
    assert_eq!(world.leased().await, ["phone escalated"]);
}
