//! The outbox: order, waits, fences, and what is kept of every attempt.

use std::time::Duration;

use super::fixture::*;
use super::{NOW, Site};
use crate::base::clock::Timestamp;
use crate::outbox::{Manners, Next, Outcome};
use crate::store::{DeliveryRecord, DeliveryState, Leased, Place, Settled, Store, StoreError};

async fn records(store: &Store, failed: bool) -> Vec<DeliveryRecord> {
    store.deliveries(failed, 100).await.unwrap()
}

async fn listed(store: &Store, failed: bool) -> Vec<String> {
    named(records(store, failed).await.iter().map(|record| &record.delivery))
}

pub async fn order_is_kept_within_alert_and_receiver(site: Site) {
    let store = site.open().await;
    fire(&store, "US", &["desk", "hook"]).await;
    fire(&store, "US", &["desk"]).await;
    fire(&store, "DE", &["desk"]).await;
    assert_eq!(listed(&store, false).await, ["desk DE 1", "desk US 2", "hook US 1", "desk US 1"]);
    let first = due(&store, 31, false).await;
    assert_eq!(names(&first), ["desk US 1", "hook US 1", "desk DE 1"]);
    assert_eq!(due(&store, 31, true).await, [], "what is under way stands in front");
    assert_eq!(store.pending_receivers().await.unwrap(), ["desk", "hook"]);
    put_off(&store, &first[0], 50).await;
    succeed(&store, &first[1]).await;
    succeed(&store, &first[2]).await;
    assert_eq!(due(&store, 40, false).await, [], "while the first waits, the second does, too");
    let again = due(&store, 50, false).await;
    assert_eq!(names(&again), ["desk US 1"]);
    succeed(&store, &again[0]).await;
    assert_eq!(names(&due(&store, 50, false).await), ["desk US 2"]);
    assert_eq!(store.pending_receivers().await.unwrap(), ["desk"]);
}

pub async fn what_is_owed_already_is_not_owed_again(site: Site) {
    let store = site.open().await;
    let settled = fires(&store, &new_alert("US"), &["desk"]);
    let owed = settled.deliveries.clone();
    store.commit(None, Vec::new(), vec![settled], NOW).await.unwrap();
    succeed(&store, &due(&store, 31, false).await[0]).await;
    let repeat = Settled { alert: new_alert("DE"), transition: None, deliveries: owed, manners: Manners::default() };
    store.commit(None, Vec::new(), vec![repeat], NOW).await.unwrap();
    let records = records(&store, false).await;
    assert_eq!((records.len(), records[0].state), (1, DeliveryState::Sent));
    assert_eq!(due(&store, 40, true).await, []);
}

pub async fn waits_and_pauses_are_kept_unless_in_a_hurry(site: Site) {
    let store = site.open().await;
    fire(&store, "US", &["desk"]).await;
    put_off(&store, &due(&store, 31, false).await[0], 50).await;
    assert_eq!(due(&store, 49, false).await, []);
    let hurried = due(&store, 49, true).await;
    assert_eq!((names(&hurried), hurried[0].attempt), (vec!["desk US 1".to_owned()], 2));
    put_off(&store, &hurried[0], 50).await;
    store.pause_receiver("desk", minutes(60)).await.unwrap();
    store.pause_receiver("desk", minutes(55)).await.unwrap();
    fire(&store, "DE", &["desk", "hook"]).await;
    assert_eq!(names(&due(&store, 59, false).await), ["hook DE 1"], "a pause holds every message of its receiver");
    assert_eq!(names(&due(&store, 60, false).await), ["desk US 1", "hook DE 1", "desk DE 1"]);
    store.pause_receiver("desk", minutes(90)).await.unwrap();
    assert_eq!(names(&due(&store, 61, true).await), ["desk US 1", "hook DE 1", "desk DE 1"]);
}

pub async fn what_is_held_waits_in_any_hurry(site: Site) {
    let store = site.open().await;
    let held = |minute| Manners { held_until: [("desk".to_owned(), minutes(minute))].into(), ..Manners::default() };
    let first = Settled { manners: held(50), ..fires(&store, &new_alert("US"), &["desk", "hook"]) };
    store.commit(None, Vec::new(), vec![first], minutes(30)).await.unwrap();
    for (except, expected) in [(vec![], Some(1)), (vec!["hook"], Some(50)), (vec!["desk", "hook"], None)] {
        let except = except.into_iter().map(str::to_owned).collect();
        assert_eq!(store.next_delivery_at(except).await.unwrap(), expected.map(minutes));
    }
    assert_eq!(names(&due(&store, 49, true).await), ["hook US 1"]);
    assert_eq!(store.next_delivery_at(Vec::new()).await.unwrap(), Some(minutes(50)));
    let record = records(&store, false).await.into_iter().find(|record| record.delivery.receiver == "desk").unwrap();
    assert_eq!(record.not_before, minutes(50));
    fire(&store, "DE", &["desk"]).await;
    assert_eq!(names(&due(&store, 49, false).await), ["desk DE 1"], "another alert does not free it");
    fire(&store, "US", &["desk"]).await;
    let free = due(&store, 49, false).await;
    assert_eq!(names(&free), ["desk US 1"], "what does not wait frees what came before it");
    succeed(&store, &free[0]).await;
    assert_eq!(names(&due(&store, 49, false).await), ["desk US 2"]);
    let last = Settled { manners: held(90), ..fires(&store, &new_alert("FR"), &["desk"]) };
    let id = last.deliveries[0].id.clone();
    store.commit(None, Vec::new(), vec![last], minutes(30)).await.unwrap();
    store.retry_delivery(&id, minutes(60)).await.unwrap();
    assert!(names(&due(&store, 60, false).await).contains(&"desk FR 1".to_owned()), "by hand it does not wait");
}

pub async fn only_named_receivers_are_served_and_in_turn(site: Site) {
    let store = site.open().await;
    for partner in ["A", "B", "C", "D"] {
        fire(&store, partner, &["desk"]).await;
    }
    for partner in ["E", "F"] {
        fire(&store, partner, &["mail\"'", "hook"]).await;
    }
    let lease = async |receivers: &[&str], limit| {
        let receivers: Vec<_> = receivers.iter().map(|name| Place::new(*name, 9)).collect();
        names(&store.lease_due(&taking(minutes(31), limit), &receivers).await.unwrap())
    };
    assert_eq!(lease(&[], 9).await, Vec::<String>::new());
    assert_eq!(lease(&["nobody"], 9).await, Vec::<String>::new());
    assert_eq!(lease(&["mail\"'"], 1).await, ["mail\"' E 1"]);
    assert_eq!(
        lease(&["desk", "hook"], 3).await,
        ["desk A 1", "hook E 1", "desk B 1"],
        "none waits for another's many"
    );
    assert_eq!(lease(&["desk", "hook"], 9).await, ["desk C 1", "hook F 1", "desk D 1"]);
}

pub async fn an_attempt_is_recorded_when_it_begins(site: Site) {
    let store = site.open().await;
    fire(&store, "US", &["desk"]).await;
    let first = due(&store, 31, false).await.remove(0);
    assert_eq!((first.attempt, first.maybe_delivered, first.expires_at), (1, false, minutes(32)));
    assert!(!first.cut_off);
    assert_eq!(store.attempts(&first.delivery.id).await.unwrap(), [(1, minutes(31), None)]);
    assert_eq!(records(&store, false).await[0].attempts, 1);
    let second = due(&store, 32, false).await.remove(0);
    assert_eq!((second.attempt, second.maybe_delivered), (2, true), "one that was cut off may have arrived");
    assert!(second.cut_off);
    assert!(second.claim > first.claim);
    assert!(!record(&store, &first, attempt(32, delivered()), Next::Done).await);
    assert_eq!(records(&store, false).await[0].state, DeliveryState::Pending);
    assert_eq!(store.attempts(&first.delivery.id).await.unwrap()[0].2, None);
    let late = Leased { expires_at: minutes(33), ..second.clone() };
    succeed(&store, &late).await;
    assert!(!record(&store, &second, attempt(32, refused()), Next::Dead).await, "an attempt ends once");
    let record = records(&store, false).await.remove(0);
    assert_eq!(
        (record.state, record.sent_at),
        (DeliveryState::Sent, Some(minutes(31).plus(Duration::from_millis(250))))
    );
    assert_eq!((record.remote_ref.as_deref(), record.last_error), (Some("queue 7"), None));
    assert_eq!(store.attempts("msg_unknown").await.unwrap(), []);
}

pub async fn every_outcome_reads_back_equal(site: Site) {
    let store = site.open().await;
    fire(&store, "US", &["desk"]).await;
    let outcomes = [
        Outcome::Retry { after: Some(Duration::from_millis(1500)), why: "429\n".into(), maybe_delivered: false },
        Outcome::Retry { after: None, why: String::new(), maybe_delivered: true },
        Outcome::Pause { after: Duration::from_secs(9), why: "slow down".into() },
        Outcome::Reject { why: "400".into() },
        Outcome::Disable { why: "410".into() },
        Outcome::Delivered { remote_ref: None },
    ];
    let mut written = Vec::new();
    let mut doubts = Vec::new();
    for (minute, outcome) in (31..).zip(outcomes) {
        store.enable_receivers(None).await.unwrap();
        let leased = due(&store, minute, true).await.remove(0);
        doubts.push(leased.maybe_delivered);
        let ended = crate::outbox::Attempt { status: None, ..attempt(minute, outcome) };
        assert!(record(&store, &leased, ended.clone(), Next::At(minutes(minute))).await);
        written.push((leased.attempt, ended.started_at, Some(ended)));
        let expected = written.last().and_then(|(.., ended)| ended.as_ref()?.outcome.why().map(ToOwned::to_owned));
        assert_eq!(records(&store, false).await[0].last_error, expected);
    }
    let id = records(&store, false).await[0].delivery.id.clone();
    assert_eq!(store.attempts(&id).await.unwrap(), written);
    assert_eq!(doubts, [false, false, true, true, true, true], "a doubt stays");
}

pub async fn a_receiver_that_is_disabled_keeps_what_it_is_owed(site: Site) {
    let store = site.open().await;
    fire(&store, "US", &["desk", "hook"]).await;
    fire(&store, "DE", &["desk"]).await;
    let leased = due(&store, 31, false).await;
    let gone = attempt(31, Outcome::Disable { why: "410".into() });
    assert!(record(&store, &leased[0], gone, Next::Held).await);
    put_off(&store, &leased[2], 31).await;
    succeed(&store, &leased[1]).await;
    assert_eq!((due(&store, 90, false).await, due(&store, 90, true).await), (vec![], vec![]));
    assert_eq!(store.next_delivery_at(Vec::new()).await.unwrap(), None);
    store.close().await.unwrap();
    let store = site.open_at(minutes(91)).await;
    let standings = store.receivers().await.unwrap();
    let ended = attempt(31, delivered()).finished_at;
    assert_eq!((standings["desk"].disabled_at, standings["desk"].last_error.as_deref()), (Some(ended), Some("500")));
    assert_eq!((standings["hook"].disabled_at, standings["hook"].last_ok_at), (None, Some(ended)));
    assert_eq!(store.enable_receivers(Some("hook")).await.unwrap(), Vec::<String>::new());
    assert_eq!(store.enable_receivers(None).await.unwrap(), ["desk"]);
    assert_eq!(names(&due(&store, 91, false).await), ["desk US 1", "desk DE 1"]);
}

pub async fn what_waits_too_long_for_a_disabled_receiver_is_given_up(site: Site) {
    let store = site.open().await;
    fire(&store, "US", &["desk"]).await;
    fire(&store, "DE", &["desk", "hook"]).await;
    let one = [Place::new("desk", 1)];
    let leased = store.lease_due(&taking(minutes(31), 9), &one).await.unwrap().remove(0);
    let (early, late) = (leased.delivery.created_at, Timestamp::from_millis(i64::MAX));
    assert_eq!(store.give_up("desk", early).await.unwrap(), 0);
    assert_eq!(store.give_up("desk", late).await.unwrap(), 1, "what is under way is not given up");
    assert_eq!(store.give_up("desk", late).await.unwrap(), 0);
    succeed(&store, &leased).await;
    assert_eq!(store.pending_receivers().await.unwrap(), ["hook"]);
    assert_eq!(listed(&store, true).await, ["desk DE 1"]);
}

pub async fn a_later_message_knows_the_first_of_its_thread(site: Site) {
    let store = site.open().await;
    for partner in ["US", "US", "DE"] {
        fire(&store, partner, &["desk", "hook"]).await;
    }
    let first = due(&store, 31, false).await;
    assert!(first.iter().all(|leased| leased.opening.is_none()));
    for leased in &first {
        succeed(&store, leased).await;
    }
    let second = due(&store, 32, false).await;
    assert_eq!(names(&second), ["desk US 2", "hook US 2"]);
    assert!(second.iter().all(|leased| leased.opening.as_deref() == Some("queue 7")), "{second:?}");
}

pub async fn a_dead_letter_is_out_of_the_way(site: Site) {
    let store = site.open().await;
    for _ in 0..3 {
        fire(&store, "US", &["desk"]).await;
    }
    let first = due(&store, 31, false).await.remove(0);
    let reject = attempt(31, Outcome::Reject { why: "400".into() });
    assert!(record(&store, &first, reject, Next::Dead).await);
    let second = due(&store, 31, false).await.remove(0);
    assert_eq!(second.delivery.message.number, 2);
    put_off(&store, &second, 50).await;
    assert_eq!(listed(&store, true).await, ["desk US 2", "desk US 1"]);
    assert_eq!(listed(&store, false).await.len(), 3);
    assert_eq!(store.deliveries(false, 1).await.unwrap().len(), 1);
    let dead = records(&store, true).await.remove(1);
    assert_eq!((dead.state, dead.attempts, dead.last_error.as_deref()), (DeliveryState::Dead, 1, Some("400")));
    succeed(&store, &due(&store, 50, false).await[0]).await;
    assert_eq!(listed(&store, true).await, ["desk US 1"], "one that arrived in the end did not fail");
    let third = due(&store, 50, false).await.remove(0);
    assert!(record(&store, &third, attempt(50, delivered()), Next::Dead).await);
    assert_eq!(listed(&store, true).await, ["desk US 3", "desk US 1"], "given up is failed, whatever was said");
    assert_eq!(store.pending_receivers().await.unwrap(), Vec::<String>::new());
}

pub async fn a_retry_by_hand_renews_patience(site: Site) {
    let store = site.open().await;
    fire(&store, "US", &["desk"]).await;
    fire(&store, "US", &["desk"]).await;
    let first = due(&store, 31, false).await.remove(0);
    let written_at = first.delivery.created_at;
    assert!(record(&store, &first, attempt(31, refused()), Next::Dead).await);
    store.pause_receiver("desk", minutes(600)).await.unwrap();
    let renewed = store.retry_delivery(&first.delivery.id, minutes(90)).await.unwrap().unwrap();
    assert_eq!((renewed.state, renewed.not_before), (DeliveryState::Pending, minutes(90)));
    assert_eq!((renewed.attempts, renewed.delivery.created_at), (1, written_at));
    let again = due(&store, 90, false).await.remove(0);
    assert_eq!((again.attempt, again.delivery.message.number), (2, 1), "it is in front again");
    assert_eq!(again.delivery.created_at, minutes(90), "from now on it is tried for as long as a new one");
    assert_eq!(records(&store, false).await[1].delivery.created_at, written_at);
    put_off(&store, &again, 500).await;
    let sooner = store.retry_delivery(&first.delivery.id, minutes(91)).await.unwrap().unwrap();
    assert_eq!(sooner.not_before, minutes(91));
    succeed(&store, &due(&store, 91, false).await[0]).await;
    assert_eq!(store.retry_delivery(&first.delivery.id, minutes(92)).await.unwrap(), None, "sent is sent");
}

pub async fn a_retry_by_hand_finds_the_one_that_is_meant(site: Site) {
    let store = site.open().await;
    let mut settled = fires(&store, &new_alert("US"), &["desk", "hook", "mail"]);
    for (delivery, id) in settled.deliveries.iter_mut().zip(["msg_ab12", "msg_ab34", "msg_ab3"]) {
        delivery.id = id.into();
    }
    store.commit(None, Vec::new(), vec![settled], NOW).await.unwrap();
    let found = async |id: &str| {
        let found = store.retry_delivery(id, minutes(40)).await;
        found.map(|record| record.map(|record| record.delivery.id))
    };
    assert_eq!(found("msg_ab1").await.unwrap().as_deref(), Some("msg_ab12"));
    assert_eq!(found("msg_ab3").await.unwrap().as_deref(), Some("msg_ab3"), "a whole id beats a beginning");
    for unknown in ["", "msg_b", "msg_ab123", "%", "MSG_AB1", "msg_ab1\u{0}"] {
        assert_eq!(found(unknown).await.unwrap(), None, "{unknown:?}");
    }
    match found("msg_").await {
        Err(StoreError::Ambiguous { count, .. }) => assert_eq!(count, 3),
        other => panic!("{other:?}"),
    }
    let hook = store.lease_due(&taking(minutes(41), 9), &[Place::new("hook", 9)]).await.unwrap().remove(0);
    succeed(&store, &hook).await;
    assert_eq!(found("msg_ab34").await.unwrap(), None);
}

pub async fn a_retry_by_hand_is_made_in_spite_of_a_doubt(site: Site) {
    let store = site.open().await;
    fire(&store, "US", &["desk"]).await;
    let first = due(&store, 31, false).await.remove(0);
    store.retry_delivery(&first.delivery.id, minutes(40)).await.unwrap().unwrap();
    let by_hand = due(&store, 40, false).await.remove(0);
    assert_eq!((by_hand.maybe_delivered, by_hand.cut_off), (true, false), "it is marked, and wanted");
    let later = due(&store, 42, false).await.remove(0);
    assert_eq!((later.maybe_delivered, later.cut_off), (true, true));
}

pub async fn a_retry_by_hand_leaves_an_attempt_alone(site: Site) {
    let store = site.open().await;
    fire(&store, "US", &["desk"]).await;
    let leased = due(&store, 31, false).await.remove(0);
    store.retry_delivery(&leased.delivery.id, minutes(31)).await.unwrap().unwrap();
    assert_eq!(due(&store, 31, true).await, [], "the attempt under way goes on alone");
    succeed(&store, &leased).await;
    assert_eq!(records(&store, false).await[0].state, DeliveryState::Sent);
}

pub async fn the_next_time_is_that_of_what_can_be_taken(site: Site) {
    let store = site.open().await;
    let next = async || store.next_delivery_at(Vec::new()).await.unwrap();
    assert_eq!(next().await, None);
    fire(&store, "US", &["desk"]).await;
    fire(&store, "US", &["desk"]).await;
    assert_eq!(next().await, Some(minutes(1)));
    let first = due(&store, 31, false).await.remove(0);
    assert_eq!(next().await, Some(minutes(32)), "what is under way comes back when its lease ends");
    put_off(&store, &first, 50).await;
    assert_eq!(next().await, Some(minutes(50)), "what waits behind it is not due");
    store.pause_receiver("desk", minutes(70)).await.unwrap();
    assert_eq!(next().await, Some(minutes(70)));
    fire(&store, "DE", &["hook"]).await;
    assert_eq!(next().await, Some(minutes(1)));
}
