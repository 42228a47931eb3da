//! The sieve against a model that keeps a row for every alert.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, TestRunner};

use super::*;

/// What may happen.
#[derive(Clone, Debug)]
enum Event {
    /// A feed says something; the pull waits.
    Pull(&'static str, String),
    /// What is waiting is worked out.
    Pending,
    /// The daemon starts anew, perhaps with other rules: a place in the list, and which of its two meanings.
    Start(Vec<(usize, usize)>),
}

/// Rules, each in two meanings.
const BODIES: [[&str; 2]; 9] = [
    [FALLING, "when = \"declines >= 3\""],
    [LOW, "when = \"value < 400 t\"\nclear = \"value > 600 t\""],
    [
        "warning = { when = \"value < 400 t\", clear = \"value > 600 t\" }\ncritical = { when = \"value < 200 t\" }",
        "warning = \"declines >= 1\"\ncritical = { when = \"declines >= 2\", clear = \"rises >= 2\" }",
    ],
    [
        "when = \"change < -20%\"\nmin_base = \"300 t\"",
        "when = \"change > 30%\"\nclear = \"change < 0%\"\nmin_base = \"300 t\"",
    ],
    ["when = [\"mean(3) < 400 t\", \"value < lag(2)\"]", "when = \"sum(2) > 900 t\"\nclear = \"sum(2) < 700 t\""],
    ["when = \"value < 300 t\"\nstatus = \"final\"", "when = \"declines >= 2\"\nstatus = \"final\""],
    ["when = \"declines >= 2\"\non_gap = \"bridge\"", "when = \"change < 0%\"\non_gap = \"break\""],
    ["when = \"age > 200d\"", "when = \"age > 150d or value < 200 t\""],
    ["when = \"percentile(3) < 50%\"", "when = \"change < -40%\"\nrevision_tolerance = \"30%\"\nrenotify = \"never\""],
];

/// What one pull says: months and pairs of months of three partners; some withdrawn, some preliminary.
fn figures() -> impl Strategy<Value = String> {
    let span = prop_oneof![
        9 => (1_u32..10).prop_map(|month| format!("2025-{month:02}")),
        1 => (1_u32..9).prop_map(|month| format!("2025-{month:02}/2025-{:02}", month + 1)),
    ];
    let value = prop_oneof![
        8 => (1_u32..9).prop_map(|value| format!("{}", value * 100)),
        2 => (1_u32..9).prop_map(|value| format!("{}p", value * 100)),
        1 => Just("x".to_owned()),
    ];
    let cells = prop::collection::btree_map((select(vec!["US", "DE", "FR"]), span), value, 1..7);
    cells.prop_map(|cells| {
        cells.into_iter().map(|((partner, span), value)| format!("{partner} {span}={value}; ")).collect()
    })
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let rules = (subsequence((0..BODIES.len()).collect::<Vec<_>>(), 0..4), prop::collection::vec(0_usize..2, 4));
    let start = rules.prop_map(|(places, meanings)| Event::Start(places.into_iter().zip(meanings).collect()));
    let event = prop_oneof![
        5 => (select(vec!["a", "b"]), figures()).prop_map(|(feed, figures)| Event::Pull(feed, figures)),
        3 => Just(Event::Pending),
        2 => start.clone(),
    ];
    (start, prop::collection::vec(event, 1..14)).prop_map(|(start, mut events)| {
        events.insert(0, start);
        events.push(Event::Start(Vec::new()));
        events
    })
}

/// Alerts as if each had a row that is written at every look.
#[derive(Default)]
struct Model {
    alerts: BTreeMap<(String, Labels), Alert>,
    rules: BTreeMap<String, (String, PullId)>,
    waiting: Vec<PullId>,
    told: Vec<String>,
}

impl Model {
    async fn start(&mut self, world: &World) {
        let (setup, store) = (world.setup(), &world.context.store);
        let newest = store.newest_pull("a").await.unwrap().max(store.newest_pull("b").await.unwrap());
        for rule in &setup.rules {
            let known = self.rules.get(&rule.name).filter(|(hash, _)| *hash == rule.hash).cloned();
            let known = known.unwrap_or_else(|| (rule.hash.clone(), newest));
            self.rules.insert(rule.name.clone(), known);
            for alert in
                self.alerts.values_mut().filter(|alert| alert.rule == rule.name && alert.rule_hash != rule.hash)
            {
                if let Some((ended, transition, _)) =
                    lapse(alert, crate::alert::Cause::RuleEdited, world.context.clock.now())
                {
                    self.told.push(line(&ended, &transition));
                    *alert = ended;
                }
            }
        }
        for series in store.series().await.unwrap() {
            let until = store.newest_pull(&series.feed).await.unwrap();
            self.look(world, &setup, &series, until).await;
        }
        self.waiting.clear();
    }

    async fn pending(&mut self, world: &World) {
        let setup = world.setup();
        for pull in std::mem::take(&mut self.waiting) {
            for series in world.context.store.changed(pull).await.unwrap() {
                self.look(world, &setup, &series, pull).await;
            }
        }
    }

    async fn look(&mut self, world: &World, setup: &Setup, series: &SeriesRef, until: PullId) {
        let histories = crate::catalogue::histories(setup, &world.context.store, std::slice::from_ref(series), until);
        let history = &histories.await.unwrap()[0];
        let zone = setup.feeds[0].zone;
        for rule in setup.rules.iter().filter(|rule| rule.selector.matches(&series.labels)) {
            let Some((_, baseline)) = self.rules.get(&rule.name) else { continue };
            let new = Alert::new(&rule.name, series.labels.clone(), &rule.hash, (*baseline).min(until));
            let key = (rule.name.clone(), series.labels.clone());
            let alert = match self.alerts.get(&key) {
                Some(alert) if alert.rule_hash == rule.hash => alert.clone(),
                Some(Alert { number, episode, .. }) => Alert { number: *number, episode: *episode, ..new },
                None => new,
            };
            if alert.seen > until {
                continue;
            }
            let sight = Sight { rule, history, until, now: world.context.clock.now(), zone };
            let assessment = assess(sight, &alert);
            self.told.extend(assessment.transition.iter().map(|(transition, _)| line(&alert, transition)));
            self.alerts.insert(key, assessment.alert);
        }
    }

    /// Each alert as it is remembered here and there: state, held, number, episode, last period.
    async fn agrees(&self, world: &World) -> Result<(), TestCaseError> {
        let setup = world.setup();
        let evaluation = world.evaluation(&setup).await;
        let (store, looks) = (&world.context.store, evaluation.looks().await.unwrap());
        for series in store.series().await.unwrap() {
            let until = store.newest_pull(&series.feed).await.unwrap();
            let history = &store.histories(std::slice::from_ref(&series), until).await.unwrap()[0];
            for (rule, look) in evaluation.looking(&evaluation.rules(), &series.feed, &looks) {
                let Some(kept) = self.alerts.get(&(rule.name.clone(), series.labels.clone())) else { continue };
                let stored = store.alert(&rule.name, &series.labels).await.unwrap();
                let found = evaluation.before((rule, look.seen), history, until, stored).alert;
                let firing = |alert: &Alert| match &alert.state {
                    State::Ok => None,
                    State::Firing(firing) => Some((firing.severity, firing.since, firing.said.clone())),
                };
                let said = |alert: &Alert| {
                    format!(
                        "{:?} {:?} {} {} {:?}",
                        firing(alert),
                        alert.held,
                        alert.number,
                        alert.episode,
                        alert.assessed
                    )
                };
                prop_assert_eq!(said(&found), said(kept), "{} {}", rule.name, &series.labels);
            }
        }
        Ok(())
    }
}

/// Plays events in two worlds, one with a sieve and one without, and in a model with a row for every alert.
async fn play(events: &[Event]) -> Result<(), TestCaseError> {
    let feeds = feed_table("a", "month") + &feed_table("b", "month");
    let (sifted, whole) = (World::new(true, &feeds).await, World::new(false, &feeds).await);
    let (mut model, mut present) = (Model::default(), BTreeMap::new());
    for event in events {
        match event {
            Event::Pull(feed, figures) => {
                let pull = sifted.pull(feed, figures).await;
                prop_assert_eq!(whole.pull(feed, figures).await, pull);
                model.waiting.extend(pull);
            }
            Event::Pending => {
                let (some, all) = (sifted.pending().await, whole.pending().await);
                prop_assert_eq!(some.assessed.len() + some.quiet, all.assessed.len());
                model.pending(&whole).await;
            }
            Event::Start(rules) => {
                present.extend(rules.iter().copied());
                let feed = |place: usize| if place.is_multiple_of(3) { "b" } else { "a" };
                let rule = |(place, meaning): (&usize, &usize)| {
                    rule_table(&format!("r{place}"), feed(*place), BODIES[*place][*meaning])
                };
                let config = feeds.clone() + &present.iter().map(rule).collect::<String>();
                [&sifted, &whole].into_iter().for_each(|world| configure(&world.directory, &config));
                sifted.start().await;
                whole.start().await;
                model.start(&whole).await;
            }
        }
    }
    prop_assert_eq!(sifted.kept().await, whole.kept().await);
    let mut told = sifted.told().await;
    told.sort();
    model.told.sort();
    prop_assert_eq!(told, std::mem::take(&mut model.told));
    model.agrees(&sifted).await
}

/// The sieve leaves out only what changes nothing, and what has no row is remembered all the same.
#[test]
fn what_is_remembered_is_what_rows_would_say() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config::with_cases(32));
    runner.run(&events(), |events| runtime.block_on(play(&events))).unwrap();
}

/// Of a history without a figure nothing follows: what was assessed before is remembered by a row.
#[test]
fn a_series_whose_only_figure_is_withdrawn_keeps_what_was_assessed() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let pull = |figures: &str| Event::Pull("b", figures.to_owned());
    let events = [
        Event::Start(vec![(6, 1)]),
        pull("US 2025-08=100; "),
        Event::Pending,
        pull("US 2025-08=x; "),
        Event::Start(Vec::new()),
    ];
    runtime.block_on(play(&events)).unwrap();
}
