//! Any answers, any crashes: what must hold all the same.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::*;
use crate::base::limits::RETRY_AFTER_MAX;
use crate::store::DeliveryState;

/// A receiver of a case.
#[derive(Clone, Debug)]
struct Customer {
    /// How many hours it is tried.
    patience: u32,
    /// It would rather miss a message than get it twice.
    drops: bool,
    /// It takes so many messages a minute.
    rate: Option<usize>,
    /// Its first answers.
    turns: Vec<Turn>,
    /// Whether it is well after them; else it takes nothing any more.
    recovers: bool,
}

/// What happens in a case.
#[derive(Clone, Debug)]
struct Case {
    customers: Vec<Customer>,
    /// Alert, seconds after the one before, and which customers are told.
    told: Vec<(usize, u32, [bool; 3])>,
    /// After how many calls of the store each life ends, the call done or not, and in how many seconds the next begins.
    cuts: Vec<(Option<(u32, bool)>, u32)>,
    /// Of what chance draws.
    seed: u64,
}

fn turn() -> impl Strategy<Value = Turn> {
    let wait = || prop_oneof![Just(1_u32), Just(60), Just(1000), Just(30_000)];
    let act = prop_oneof![
        4 => Just(Act::Takes),
        4 => prop::option::of(wait()).prop_map(|after| Act::Refuses { after }),
        3 => any::<bool>().prop_map(|taken| Act::Loses { taken }),
        2 => wait().prop_map(Act::Pauses),
        1 => Just(Act::Rejects),
        1 => Just(Act::Disables),
        2 => any::<bool>().prop_map(|taken| Act::Dies { taken }),
    ];
    // One that takes longer than its lease, as when the machine was asleep.
    let seconds = prop_oneof![4 => Just(0_u32), 2 => Just(1), 2 => Just(30), 1 => Just(200)];
    (act, seconds).prop_map(|(act, seconds)| Turn { act, seconds })
}

fn case() -> impl Strategy<Value = Case> {
    let patience = prop_oneof![Just(1_u32), Just(6), Just(72)];
    let rate = prop::option::weighted(0.3, 1_usize..4);
    let turns = prop::collection::vec(turn(), 0..14);
    let customer = (patience, prop::bool::weighted(0.3), rate, turns, prop::bool::weighted(0.8))
        .prop_map(|(patience, drops, rate, turns, recovers)| Customer { patience, drops, rate, turns, recovers });
    let told = (0_usize..3, prop_oneof![Just(0_u32), Just(5), Just(700)], any::<[bool; 3]>());
    let cut = (prop::option::of((0_u32..60, any::<bool>())), prop_oneof![Just(0_u32), Just(20), Just(4000)]);
    (
        prop::collection::vec(customer, 1..4),
        prop::collection::vec(told, 1..12),
        prop::collection::vec(cut, 0..6),
        any::<u64>(),
    )
        .prop_map(|(customers, told, cuts, seed)| Case { customers, told, cuts, seed })
}

fn name(index: usize) -> String {
    format!("r{index}")
}

impl Case {
    fn tables(&self) -> Vec<(String, String)> {
        let table = |(index, customer): (usize, &Customer)| {
            let mut table =
                "kind = 'webhook'\nurl = 'http://127.0.0.1:9/x'\ninsecure = true\nallow_private = true\n".to_owned();
            table.push_str(&format!("give_up_after = '{}h'\n", customer.patience));
            table.push_str(if customer.drops { "on_ambiguous = 'drop'\n" } else { "" });
            table.push_str(&customer.rate.map_or_else(String::new, |count| format!("rate = '{count}/min'\n")));
            (name(index), table)
        };
        self.customers.iter().enumerate().map(table).collect()
    }

    fn transitions(&self) -> Vec<Told> {
        let (mut at, mut numbers) = (START, BTreeMap::<usize, u32>::new());
        let mut tell = |(alert, seconds, whom): &(usize, u32, [bool; 3])| {
            at = at.plus(Duration::from_secs((*seconds).into()));
            let number = numbers.entry(*alert).or_default();
            *number += 1;
            let receivers = (0..self.customers.len()).filter(|index| whom[*index]).map(name).collect();
            Told { alert: *alert, number: *number, at, receivers }
        };
        self.told.iter().map(&mut tell).collect()
    }
}

/// Plays a case to its end.
async fn play(case: &Case) -> World {
    let mut world = World::new(&case.tables(), case.transitions(), case.seed);
    for (index, customer) in case.customers.iter().enumerate() {
        let act = if customer.recovers { Act::Takes } else { Act::Refuses { after: None } };
        world.services.script(&name(index), &customer.turns, move |_| Turn { act, seconds: 1 });
    }
    let mut cuts = case.cuts.iter();
    loop {
        let (cut, pause) = cuts.next().copied().unwrap_or_default();
        if world.live(cut).await {
            return world;
        }
        tokio::time::sleep(Duration::from_secs(pause.into())).await;
    }
}

/// What one receiver went through.
struct Past<'a> {
    customer: &'a Customer,
    world: &'a World,
    /// Its attempts, in the order in which they began.
    seen: Vec<&'a Seen>,
    /// Its deliveries with what is kept of their attempts.
    records: Vec<&'a (DeliveryRecord, Vec<Option<Attempt>>)>,
}

type Checked = Result<(), TestCaseError>;

/// How often in a row a receiver has failed, and until when it rests, as far as is known: of attempts that ended at once
/// nobody knows in which order they did.
#[derive(Default)]
struct Failures {
    least: usize,
    most: usize,
    rests_for_sure: Option<Timestamp>,
    may_rest: Option<Timestamp>,
}

impl Failures {
    /// Takes in what ended at once; how long the receiver rests from then on, if it does by its failures.
    fn after(&mut self, together: &[&Attempt]) -> Option<Duration> {
        let at = together[0].finished_at;
        let wait = |failures: usize| Some(Duration::from_secs((30_u64 << failures.checked_sub(5)?.min(5)).min(900)));
        let pauses = together.iter().filter_map(|ended| match &ended.outcome {
            Outcome::Pause { after, .. } => Some(at.plus((*after).min(RETRY_AFTER_MAX))),
            _ => None,
        });
        let pause = pauses.max();
        let is_well = |ended: &&Attempt| matches!(ended.outcome, Outcome::Delivered { .. } | Outcome::Reject { .. });
        let is_new = together.iter().any(is_well);
        if is_new {
            (self.least, self.most) = (0, 0);
        }
        self.may_rest = self.may_rest.max(pause);
        let mut rest = None;
        for _ in together.iter().filter(|ended| matches!(ended.outcome, Outcome::Retry { .. })) {
            let (may_count, counts) = (self.rests_for_sure <= Some(at), self.may_rest <= Some(at) && !is_new);
            self.most += usize::from(may_count);
            self.least += usize::from(counts);
            let waits = [self.most, self.least].map(|failures| wait(failures).map(|wait| at.plus(wait)));
            self.may_rest = if may_count { self.may_rest.max(waits[0]) } else { self.may_rest };
            if counts && waits[1].is_some() {
                self.rests_for_sure = self.rests_for_sure.max(waits[1]);
                rest = wait(self.least);
            }
        }
        self.rests_for_sure = self.rests_for_sure.max(pause);
        rest
    }
}

impl<'a> Past<'a> {
    /// The attempts whose ends were recorded, in that order.
    fn ended(&self) -> Vec<&'a Attempt> {
        let mut ended: Vec<&Attempt> =
            self.records.iter().flat_map(|(_, attempts)| attempts.iter().flatten()).collect();
        ended.sort_by_key(|attempt| attempt.finished_at);
        ended
    }

    /// Whether it was enabled again in such a time: whoever starts the program may have mended it.
    fn is_enabled_within(&self, from: Timestamp, until: Timestamp) -> bool {
        let disabled = |at: Timestamp| {
            self.ended()
                .iter()
                .any(|attempt| matches!(attempt.outcome, Outcome::Disable { .. }) && attempt.finished_at <= at)
        };
        self.world.lives.iter().any(|life| from <= *life && *life <= until && disabled(*life))
    }

    /// No attempt began after a moment and before another.
    fn is_quiet(&self, from: Timestamp, until: Timestamp, why: &str) -> Checked {
        for seen in self.seen.iter().filter(|seen| from < seen.at && seen.at < until) {
            prop_assert!(self.is_enabled_within(from, seen.at), "{why}, from {from} until {until}: {seen:?}");
        }
        Ok(())
    }

    /// Everything is sent or given up for a reason, and sent where the service took it and said so.
    fn nothing_is_lost(&self) -> Checked {
        for (record, attempts) in &self.records {
            let delivery = &record.delivery;
            let last = attempts.last().and_then(Option::as_ref);
            match record.state {
                DeliveryState::Pending => prop_assert!(false, "stuck: {record:?}"),
                DeliveryState::Superseded => {
                    let says_more = self.records.iter().any(|(later, _)| {
                        let (later, number) = (&later.delivery, delivery.message.number);
                        later.alert == delivery.alert && later.message.number > number
                    });
                    prop_assert!(says_more, "{record:?}");
                }
                DeliveryState::Sent => {
                    let seen = self.seen.iter().any(|seen| seen.id == delivery.id && seen.act.takes());
                    prop_assert!(seen, "{delivery:?}");
                    prop_assert!(
                        last.is_some_and(|last| matches!(last.outcome, Outcome::Delivered { .. })),
                        "{attempts:?}"
                    );
                }
                DeliveryState::Dead => prop_assert!(self.is_rightly_dead(record, attempts), "{record:?} {attempts:?}"),
            }
            let told = attempts.iter().flatten().filter(|attempt| matches!(attempt.outcome, Outcome::Delivered { .. }));
            prop_assert!(told.count() <= 1, "whoever took over has the last word: {attempts:?}");
        }
        Ok(())
    }

    fn is_rightly_dead(&self, record: &DeliveryRecord, attempts: &[Option<Attempt>]) -> bool {
        let doubtful = |ended: &Option<Attempt>| {
            ended.as_ref().is_none_or(|ended| matches!(ended.outcome, Outcome::Retry { maybe_delivered: true, .. }))
        };
        if self.customer.drops && attempts.iter().any(doubtful) {
            return true;
        }
        let patience = record.delivery.created_at.plus(Duration::from_secs(u64::from(self.customer.patience) * 3600));
        let was_disabled = self.ended().iter().any(|attempt| matches!(attempt.outcome, Outcome::Disable { .. }));
        let is_out = |ended: &Attempt| match &ended.outcome {
            Outcome::Reject { .. } => true,
            Outcome::Retry { after, .. } => {
                let wait = after.unwrap_or_default().min(RETRY_AFTER_MAX).max(Duration::from_secs(900));
                ended.finished_at.plus(wait) > patience
            }
            Outcome::Pause { after, .. } => ended.finished_at.plus((*after).max(Duration::from_secs(900))) > patience,
            Outcome::Delivered { .. } | Outcome::Disable { .. } => false,
        };
        was_disabled || attempts.last().and_then(Option::as_ref).is_some_and(is_out)
    }

    /// An alert's messages come in their order, each under one id.
    fn order_is_kept(&self) -> Checked {
        let mut newest: BTreeMap<&str, (u32, &str)> = BTreeMap::new();
        for seen in &self.seen {
            let (number, id) = newest.entry(&seen.alert).or_insert((seen.number, &seen.id));
            prop_assert!(*number <= seen.number, "number {} after {number}", seen.number);
            prop_assert!(*number < seen.number || *id == seen.id, "another id: {seen:?}");
            (*number, *id) = (seen.number, &seen.id);
        }
        Ok(())
    }

    /// A message comes again only where it may not have come, and with a mark where it may have.
    fn repeats_are_marked(&self) -> Checked {
        let (mut taken, mut doubted) = (BTreeSet::new(), BTreeSet::new());
        for seen in &self.seen {
            prop_assert!(seen.marked || !taken.contains(&seen.id), "{seen:?}");
            prop_assert!(!(self.customer.drops && doubted.contains(&seen.id)), "it wanted no copy: {seen:?}");
            let (_, attempts) = self.records.iter().find(|(record, _)| record.delivery.id == seen.id).unwrap();
            let earlier = attempts.iter().take(seen.attempt as usize - 1);
            let is_lost = |ended: &Option<Attempt>| {
                ended.as_ref().is_none_or(|ended| matches!(ended.outcome, Outcome::Retry { maybe_delivered: true, .. }))
            };
            prop_assert_eq!(seen.marked, earlier.clone().any(is_lost), "{:?} {:?}", seen, attempts);
            if seen.act.takes() {
                taken.insert(&seen.id);
            }
            if seen.act.takes() || matches!(seen.act, Act::Loses { .. } | Act::Dies { .. }) {
                doubted.insert(&seen.id);
            }
        }
        Ok(())
    }

    /// No message sooner than it may be tried again, and none at all while the receiver wants none.
    fn waits_are_kept(&self) -> Checked {
        for (record, attempts) in &self.records {
            let id = &record.delivery.id;
            let mut of_it = self.seen.iter().filter(|seen| seen.id == *id).peekable();
            while let Some(seen) = of_it.next() {
                let Some(next) = of_it.peek() else { break };
                let Some(ended) = &attempts[seen.attempt as usize - 1] else { continue };
                let Outcome::Retry { after, .. } = &ended.outcome else { continue };
                let wait = after.unwrap_or_default().min(RETRY_AFTER_MAX).max(Duration::from_secs(1));
                prop_assert!(next.at >= ended.finished_at.plus(wait), "{:?} after {:?}", next, ended);
            }
        }
        for ended in self.ended() {
            if let Outcome::Pause { after, .. } = &ended.outcome {
                self.is_quiet(
                    ended.finished_at,
                    ended.finished_at.plus((*after).min(RETRY_AFTER_MAX)),
                    "it wants a pause",
                )?;
            }
        }
        Ok(())
    }

    /// A receiver that fails again and again rests longer and longer, and is then tried with one message. Failures within
    /// a rest count for nothing: they were under way when it began.
    fn it_rests(&self) -> Checked {
        let (mut failures, mut before) = (Failures::default(), START);
        let ended = self.ended();
        let mut ends = ended.chunk_by(|one, other| one.finished_at == other.finished_at).peekable();
        while let Some(together) = ends.next() {
            let at = together[0].finished_at;
            if self.is_enabled_within(before, at) {
                failures = Failures::default();
            }
            before = at;
            if let Some(rest) = failures.after(together) {
                self.is_quiet(at, at.plus(rest), "it rests")?;
            }
            if failures.least < 5 {
                continue;
            }
            let until = ends.peek().map_or(at, |next| next[0].finished_at);
            for seen in self.seen.iter().filter(|seen| at < seen.at && seen.at < until) {
                let alone = self.under_way(seen.at, seen.life) == 1 || self.is_enabled_within(at, seen.at);
                prop_assert!(alone, "it is doubtful since {at}: {seen:?}");
            }
        }
        Ok(())
    }

    /// How many attempts of a life are under way.
    fn under_way(&self, at: Timestamp, life: usize) -> usize {
        let is_it =
            |seen: &&&Seen| seen.life == life && seen.at <= at && seen.answered.is_none_or(|answered| answered > at);
        self.seen.iter().filter(is_it).count()
    }

    /// No more at once than it has places, and no more in a minute than it takes.
    fn few_at_once(&self) -> Checked {
        for seen in &self.seen {
            let of_life = self.seen.iter().filter(|other| other.life == seen.life);
            prop_assert!(self.under_way(seen.at, seen.life) <= 24, "{seen:?}");
            let Some(rate) = self.customer.rate else { continue };
            let minute = seen.at.minus(Duration::from_secs(60));
            prop_assert!(of_life.filter(|other| minute < other.at && other.at <= seen.at).count() <= rate, "{seen:?}");
        }
        Ok(())
    }

    /// At most a few attempts until it rests, and then as many as the longest rests leave room for.
    fn attempts_are_bounded(&self) -> Checked {
        let lives = self.world.lives.len();
        let hours = u64::from(self.customer.patience) * 3600 + 24 * 3600;
        let rests = usize::try_from(hours / 900).unwrap();
        let bound = self.customer.turns.len() + lives * (24 + 5 + 6) + self.records.len() + rests;
        prop_assert!(self.seen.len() <= bound, "{} attempts, more than {bound}", self.seen.len());
        Ok(())
    }

    fn check(&self) -> Checked {
        self.nothing_is_lost()?;
        self.order_is_kept()?;
        self.repeats_are_marked()?;
        self.waits_are_kept()?;
        self.it_rests()?;
        self.few_at_once()?;
        self.attempts_are_bounded()
    }
}

/// Plays a case and checks it.
fn holds(case: &Case) -> Checked {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let (world, records) = runtime.block_on(async {
        let world = play(case).await;
        let records = world.records().await;
        (world, records)
    });
    let owed: usize = case.transitions().iter().map(|told| told.receivers.len()).sum();
    prop_assert_eq!(records.len(), owed, "what was owed is there");
    let seen = world.services.seen();
    for (index, customer) in case.customers.iter().enumerate() {
        let name = name(index);
        let past = Past {
            customer,
            world: &world,
            seen: seen.iter().filter(|seen| seen.receiver == name).collect(),
            records: records.iter().filter(|(record, _)| record.delivery.receiver == name).collect(),
        };
        past.check()?;
    }
    Ok(())
}

/// A number from outside, to repeat a run (`SEED`) or to have a longer one (`CASES`).
#[expect(clippy::disallowed_methods, reason = "a seed to repeat comes from whoever runs the test")]
fn given(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|number| number.parse().ok())
}

#[test]
fn whatever_happens_nothing_is_lost_out_of_order_or_repeated_without_a_mark() {
    let seed = given("SEED").unwrap_or_else(rand::random);
    let cases = given("CASES").map_or(30, |cases| u32::try_from(cases).unwrap());
    println!("repeat with SEED={seed} CASES={cases}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 2000, ..Config::default() };
    if let Err(error) = TestRunner::new_with_rng(config, random).run(&case(), |case| holds(&case)) {
        panic!("SEED={seed}: {error}");
    }
}

#[test]
fn who_wants_no_copy_gets_none_where_an_attempt_was_cut_off() {
    for taken in [true, false] {
        let turns = vec![Turn { act: Act::Dies { taken }, seconds: 0 }];
        let customer = Customer { patience: 1, drops: true, rate: None, turns, recovers: true };
        let told = vec![(0, 0, [true, false, false]), (0, 700, [true, false, false])];
        holds(&Case { customers: vec![customer], told, cuts: Vec::new(), seed: 0 }).unwrap();
    }
}
