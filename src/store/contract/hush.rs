//! What keeps messages back: silences, acknowledgements, alerts that inhibit others.

use super::fixture::*;
use super::{NOW, Site};
use crate::alert::{Acknowledgement, Alert, Hush, Matcher, Silence, State};
use crate::base::clock::Timestamp;
use crate::outbox::{Manners, plan_at};
use crate::rule::Inhibition;
use crate::store::{Committed, Settled, Store};

fn silence(partner: &str, until: Timestamp) -> Silence {
    let matcher = Matcher::parse([("partner".to_owned(), partner.to_owned())]).unwrap();
    Silence { id: 0, matcher, since: NOW, until, comment: "a \"fair\"\n".into(), author: "ada".into() }
}

fn known(partner: &str, episode: u32) -> Acknowledgement {
    let (rule, labels) = (RULE.to_owned(), labels(partner));
    Acknowledgement { rule, labels, episode, at: minutes(3), note: "asked".into(), author: String::new() }
}

/// Who has been told of a series' episode, and who is still to be.
async fn told(store: &Store, partner: &str) -> (Vec<String>, Vec<String>) {
    match store.alert(RULE, &labels(partner)).await.unwrap().unwrap().state {
        State::Firing(firing) => (firing.receivers, firing.owed),
        State::Ok => (Vec::new(), Vec::new()),
    }
}

/// A beginning as the program plans it: who is told is not noted yet.
fn begins(store: &Store, partner: &str, receivers: &[&str]) -> Settled {
    let mut settled = fires(store, &new_alert(partner), receivers);
    if let State::Firing(firing) = &mut settled.alert.state {
        firing.receivers.clear();
    }
    settled
}

async fn commit(store: &Store, settled: Vec<Settled>, minute: u32) {
    assert_eq!(store.commit(None, Vec::new(), settled, minutes(minute)).await.unwrap(), Committed::Stored);
}

async fn owed(store: &Store) -> Vec<String> {
    named(store.deliveries(false, 9).await.unwrap().iter().map(|record| &record.delivery))
}

pub async fn silences_read_back_and_end(site: Site) {
    let store = site.open().await;
    let first = store.add_silence(silence("U*", minutes(60))).await.unwrap();
    let second = store.add_silence(silence("!DE", minutes(10))).await.unwrap();
    assert_eq!(first, Silence { id: first.id, ..silence("U*", minutes(60)) });
    assert!(second.id > first.id);
    let ended = store.expire_silence(first.id, minutes(5)).await.unwrap();
    assert_eq!(ended, Some(Silence { until: minutes(5), ..first.clone() }));
    assert_eq!(store.expire_silence(first.id, minutes(7)).await.unwrap(), ended, "what is over stays as it was");
    assert_eq!(store.expire_silence(99, minutes(7)).await.unwrap(), None);
    assert_eq!(store.silences().await.unwrap(), [ended.unwrap(), second]);
}

pub async fn a_silence_keeps_a_beginning_back_and_notes_for_whom(site: Site) {
    let store = site.open().await;
    let added = store.add_silence(silence("U*", minutes(60))).await.unwrap();
    commit(&store, vec![begins(&store, "US", &["desk", "hook"]), begins(&store, "DE", &["desk"])], 59).await;
    assert_eq!(owed(&store).await, ["desk DE 1"]);
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(told(&store, "US").await, (Vec::new(), names(&["desk", "hook"])));
    assert_eq!(told(&store, "DE").await, (names(&["desk"]), Vec::new()));
    let hushed = store.hushed(RULE, &labels("US")).await.unwrap();
    let by = Hush::Silence { id: added.id, until: minutes(60), comment: added.comment };
    assert_eq!(hushed.len(), 1);
    assert_eq!((&hushed[&1].by, &hushed[&1].receivers), (&by, &names(&["desk", "hook"])));
    assert!(store.hushed(RULE, &labels("DE")).await.unwrap().is_empty());
    assert_eq!(store.transitions(RULE, &labels("US")).await.unwrap().len(), 1, "the alert changes all the same");

    // What is told later, while the silence holds and after it.
    for (minute, expected) in [(59, 1), (60, 2)] {
        let alert = store.alert(RULE, &labels("US")).await.unwrap().unwrap();
        let message = message(&alert, 1, crate::alert::Kind::Fired);
        let deliveries = plan_at(store.id(), &message, &names(&["desk"]), minutes(minute));
        commit(&store, vec![Settled { alert, transition: None, deliveries, manners: Manners::default() }], minute)
            .await;
        assert_eq!(owed(&store).await.len(), expected);
    }
    assert_eq!(told(&store, "US").await, (names(&["desk"]), names(&["hook"])));
}

pub async fn nothing_keeps_an_end_back(site: Site) {
    let store = site.open().await;
    commit(&store, vec![begins(&store, "US", &["desk"])], 1).await;
    store.add_silence(silence("*", minutes(60))).await.unwrap();
    let before = store.alert(RULE, &labels("US")).await.unwrap().unwrap();
    let mut settled = fires(&store, &before, &["desk"]);
    settled.alert.state = State::Ok;
    settled.deliveries[0].message.kind = crate::alert::Kind::Resolved;
    commit(&store, vec![settled], 2).await;
    assert_eq!(owed(&store).await, ["desk US 2", "desk US 1"]);
}

pub async fn whoever_knows_is_not_told_that_it_goes_on(site: Site) {
    let store = site.open().await;
    assert!(!store.acknowledge(known("US", 1)).await.unwrap(), "there is no such alert");
    commit(&store, vec![begins(&store, "US", &["desk"])], 1).await;
    assert!(!store.acknowledge(known("US", 2)).await.unwrap(), "another episode");
    assert!(store.acknowledge(known("US", 1)).await.unwrap());
    let again = Acknowledgement { note: "bought".into(), ..known("US", 1) };
    assert!(store.acknowledge(again.clone()).await.unwrap());
    assert_eq!(store.acknowledgements().await.unwrap(), std::slice::from_ref(&again));
    for stops_when_known in [true, false] {
        let before = store.alert(RULE, &labels("US")).await.unwrap().unwrap();
        let manners = Manners { stops_when_known, ..Manners::default() };
        commit(&store, vec![Settled { manners, ..fires(&store, &before, &["desk"]) }], 4).await;
    }
    assert_eq!(owed(&store).await, ["desk US 3", "desk US 1"]);
    assert_eq!(told(&store, "US").await, (vec!["desk".to_owned()], Vec::new()), "who knows has missed nothing");
    assert_eq!(store.hushed(RULE, &labels("US")).await.unwrap()[&2].by, again.hush());
    let before = store.alert(RULE, &labels("US")).await.unwrap().unwrap();
    let alert = Alert { state: State::Ok, ..before };
    let over = Settled { alert, transition: None, deliveries: Vec::new(), manners: Manners::default() };
    commit(&store, vec![over], 5).await;
    assert_eq!(store.acknowledgements().await.unwrap(), [], "it ends with the episode");
}

pub async fn an_alert_keeps_back_what_is_stored_with_it(site: Site) {
    let store = site.open().await;
    let inhibition = Inhibition { by: vec!["other".into()], equal: None };
    let manners = Manners { inhibition, ..Manners::default() };
    let other = |partner| fires(&store, &Alert { rule: "other".into(), ..new_alert(partner) }, &["hook"]);
    let inhibited = |partner| Settled { manners: manners.clone(), ..begins(&store, partner, &["desk"]) };
    // Whichever comes first in the batch.
    commit(&store, vec![inhibited("US"), other("US"), other("DE"), inhibited("FR")], 1).await;
    commit(&store, vec![inhibited("DE")], 2).await;
    assert_eq!(owed(&store).await, ["desk FR 1", "hook DE 1", "hook US 1"]);
    let rules = async |partner| match &store.hushed(RULE, &labels(partner)).await.unwrap()[&1].by {
        Hush::Alert { rule, .. } => rule.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!((rules("US").await, rules("DE").await), ("other".to_owned(), "other".to_owned()));
    assert_eq!(told(&store, "US").await.1, ["desk"]);
    assert_eq!(store.firing().await.unwrap().len(), 5);
}
