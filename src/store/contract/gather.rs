//! Messages that are told together: what goes into one, and that it goes and ends as one.

use super::fixture::*;
use super::{NOW, Site};
use crate::alert::Kind;
use crate::outbox::{Manners, Message, Next, Outcome, Said, plan};
use crate::store::{DeliveryRecord, DeliveryState, Gathers, Leased, Place, Settled, Store};

/// Lets the alert of a series go through its next transition, which belongs to a bundle.
async fn bundled(store: &Store, partner: &str, receivers: &[&str], bundle: &str) {
    let before = store.alert(RULE, &labels(partner)).await.unwrap().unwrap_or_else(|| new_alert(partner));
    let manners = Manners { bundle: Some(bundle.to_owned()), ..Manners::default() };
    let settled = Settled { manners, ..fires(store, &before, receivers) };
    store.commit(None, Vec::new(), vec![settled], NOW).await.unwrap();
}

/// Those of the bundle `a`, for `desk`.
async fn fires_together(store: &Store, partners: &[&str]) {
    for partner in partners {
        bundled(store, partner, &["desk"], "a").await;
    }
}

/// What each message tells: `desk US 1 + DE 1`.
fn told(leased: &[Leased]) -> Vec<String> {
    let told = |leased: &Leased| {
        let others = leased.delivery.message.others.iter();
        let others = others.map(|brief| format!(" + {} {}", brief.alert.labels["partner"], brief.number));
        format!("{}{}", named([&leased.delivery])[0], others.collect::<String>())
    };
    leased.iter().map(told).collect()
}

/// The deliveries, the oldest first, each as `desk US 1 state`.
async fn states(store: &Store) -> Vec<(String, DeliveryState)> {
    let mut records = store.deliveries(false, 100).await.unwrap();
    records.reverse();
    records.iter().map(|record| (named([&record.delivery])[0].clone(), record.state)).collect()
}

async fn record_of(store: &Store, name: &str) -> DeliveryRecord {
    let records = store.deliveries(false, 100).await.unwrap();
    records.into_iter().find(|record| named([&record.delivery])[0] == name).unwrap()
}

fn all(state: DeliveryState, names: &[&str]) -> Vec<(String, DeliveryState)> {
    names.iter().map(|name| (name.to_string(), state)).collect()
}

pub async fn what_belongs_together_is_one_message(site: Site) {
    let store = site.open().await;
    for partner in ["US", "DE"] {
        bundled(&store, partner, &["desk", "hook"], "a").await;
    }
    bundled(&store, "FR", &["desk"], "b").await;
    fire(&store, "JP", &["desk"]).await;
    bundled(&store, "IT", &["desk"], "a").await;
    let leased = due(&store, 31, false).await;
    assert_eq!(told(&leased), ["desk US 1 + DE 1 + IT 1", "hook US 1 + DE 1", "desk FR 1", "desk JP 1"]);
    let title = &leased[0].delivery.message.title;
    assert!(title.starts_with("falling: 3 alerts fired; fired 1"), "{title}");
    assert_eq!(due(&store, 31, true).await, []);
    let other = record_of(&store, "desk DE 1").await;
    assert_eq!((other.told_by.as_ref(), other.attempts), (Some(&leased[0].delivery.id), 0));
    assert_eq!(other.delivery.message.others, []);
}

/// What several processes take that look at once.
async fn taken_at_once(store: &Store) -> Vec<Leased> {
    futures_util::future::join_all((0..8).map(|_| due(store, 31, false))).await.concat()
}

pub async fn whoever_has_the_first_of_a_bundle_has_all_of_it(site: Site) {
    let store = site.open().await;
    let partners: Vec<String> = (0..20).map(|number| format!("P{number:02}")).collect();
    fires_together(&store, &partners.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let taken = taken_at_once(&store).await;
    assert_eq!(taken.iter().map(Leased::tells).collect::<Vec<_>>(), [20]);
}

pub async fn several_take_from_one_receiver_and_none_takes_twice(site: Site) {
    let store = site.open().await;
    for number in 0..20 {
        fire(&store, &format!("P{number:02}"), &["desk"]).await;
    }
    let mut taken = taken_at_once(&store).await;
    taken.extend(due(&store, 31, false).await);
    let ids: std::collections::BTreeSet<&String> = taken.iter().map(|leased| &leased.delivery.id).collect();
    assert_eq!((taken.len(), ids.len()), (20, 20));
}

pub async fn what_is_told_together_ends_together(site: Site) {
    let store = site.open().await;
    fires_together(&store, &["US", "DE"]).await;
    let leased = due(&store, 31, false).await;
    put_off(&store, &leased[0], 50).await;
    assert_eq!(states(&store).await, all(DeliveryState::Pending, &["desk US 1", "desk DE 1"]));
    assert_eq!(store.next_delivery_at(Vec::new()).await.unwrap(), Some(minutes(50)), "the other is not due by itself");
    succeed(&store, &due(&store, 50, false).await[0]).await;
    assert_eq!(states(&store).await, all(DeliveryState::Sent, &["desk US 1", "desk DE 1"]));
    let other = record_of(&store, "desk DE 1").await;
    assert_eq!(other.remote_ref.as_deref(), Some("queue 7"));
    assert!(other.sent_at.is_some());
    // What follows of it replies to the message that told of it.
    fire(&store, "DE", &["desk"]).await;
    let follows = due(&store, 60, false).await;
    assert_eq!((told(&follows), follows[0].opening.as_deref()), (vec!["desk DE 2".to_owned()], Some("queue 7")));
}

pub async fn order_is_kept_around_what_is_told_together(site: Site) {
    let store = site.open().await;
    fire(&store, "DE", &["desk"]).await;
    fires_together(&store, &["US", "DE"]).await;
    bundled(&store, "US", &["desk"], "b").await;
    let leased = due(&store, 31, false).await;
    // What has another before it that is not told with it waits for that.
    assert_eq!(told(&leased), ["desk DE 1", "desk US 1"]);
    succeed(&store, &leased[0]).await;
    let second = due(&store, 31, false).await;
    assert_eq!(told(&second), ["desk DE 2"]);
    succeed(&store, &leased[1]).await;
    assert_eq!(told(&due(&store, 31, false).await), ["desk US 2"]);
}

pub async fn what_was_attempted_says_the_same_again(site: Site) {
    let store = site.open().await;
    fires_together(&store, &["US", "DE"]).await;
    let first = due(&store, 31, false).await;
    fires_together(&store, &["FR"]).await;
    // The process ended, or its attempt takes too long: another has it after the lease.
    let again = due(&store, 33, false).await;
    assert_eq!(told(&again), ["desk US 1 + DE 1", "desk FR 1"]);
    assert_eq!(again[0].delivery, first[0].delivery);
    assert!(again[0].maybe_delivered && again[0].attempt == 2);
    fire(&store, "DE", &["desk"]).await;
    assert_eq!(due(&store, 33, true).await, [], "while it is told, what follows waits");
}

pub async fn a_receiver_may_be_told_each_by_itself(site: Site) {
    let store = site.open().await;
    fires_together(&store, &["US", "DE"]).await;
    fire(&store, "FR", &["desk"]).await;
    let lease = async |gathers, minute| {
        let place = Place { gathers, ..Place::new("desk", 9) };
        store.lease_due(&taking(minutes(minute), 24), &[place]).await.unwrap()
    };
    assert_eq!(told(&lease(Gathers::Nothing, 31).await), ["desk US 1", "desk DE 1", "desk FR 1"]);
    for partner in ["A", "B"] {
        fire(&store, partner, &["desk"]).await;
    }
    fires_together(&store, &["C"]).await;
    fire(&store, "A", &["desk"]).await;
    let collected = lease(Gathers::All, 31).await;
    assert_eq!(told(&collected), ["desk A 1 + B 1 + C 1 + A 2"], "all that is due, in its order");
}

pub async fn what_is_not_all_there_waits_for_the_rest(site: Site) {
    let store = site.open().await;
    let manners = |bundle: Option<&str>| Manners {
        bundle: bundle.map(ToOwned::to_owned),
        awaits_more: true,
        ..Manners::default()
    };
    for (partner, bundle) in [("US", Some("a")), ("DE", None)] {
        let settled = Settled { manners: manners(bundle), ..fires(&store, &new_alert(partner), &["desk"]) };
        store.commit(None, Vec::new(), vec![settled], minutes(30)).await.unwrap();
    }
    assert_eq!(told(&due(&store, 31, false).await), ["desk DE 1"], "what is told by itself waits for nothing");
    fires_together(&store, &["FR"]).await;
    store.complete_bundles(minutes(31)).await.unwrap();
    assert_eq!(told(&due(&store, 31, false).await), ["desk US 1 + FR 1"]);
    let settled = Settled { manners: manners(Some("b")), ..fires(&store, &new_alert("IT"), &["desk"]) };
    store.commit(None, Vec::new(), vec![settled], minutes(31)).await.unwrap();
    assert_eq!(due(&store, 31, false).await, []);
    assert!(told(&due(&store, 36, false).await).contains(&"desk IT 1".to_owned()), "should the rest never come");
}

pub async fn a_retry_by_hand_sends_all_of_it_again(site: Site) {
    let store = site.open().await;
    fires_together(&store, &["US", "DE"]).await;
    let leased = due(&store, 31, false).await;
    assert!(record(&store, &leased[0], attempt(31, Outcome::Reject { why: "400".into() }), Next::Dead).await);
    assert_eq!(states(&store).await, all(DeliveryState::Dead, &["desk US 1", "desk DE 1"]));
    let owed = store.owed().await.unwrap();
    assert_eq!((owed["desk"].dead, owed["desk"].waiting), (2, 0));
    let other = record_of(&store, "desk DE 1").await;
    let renewed = store.retry_delivery(&other.delivery.id, minutes(40)).await.unwrap().unwrap();
    assert_eq!(named([&renewed.delivery]), ["desk US 1"], "the one that tells it");
    assert_eq!(states(&store).await, all(DeliveryState::Pending, &["desk US 1", "desk DE 1"]));
    assert_eq!(told(&due(&store, 40, false).await), ["desk US 1 + DE 1"]);
}

pub async fn what_is_told_together_is_given_up_together(site: Site) {
    let store = site.open().await;
    fires_together(&store, &["US"]).await;
    let leased = due(&store, 31, false).await;
    put_off(&store, &leased[0], 50).await;
    fires_together(&store, &["DE", "FR"]).await;
    let later = due(&store, 32, false).await;
    put_off(&store, &later[0], 60).await;
    assert_eq!(store.give_up("desk", minutes(40)).await.unwrap(), 2, "messages, not what they tell");
    assert_eq!(states(&store).await, all(DeliveryState::Dead, &["desk US 1", "desk DE 1", "desk FR 1"]));
}

/// Owes `desk` a message of each of these kinds about the alert of a series, one after the other.
async fn owes(store: &Store, partner: &str, kinds: &[Kind]) {
    for kind in kinds {
        let before = store.alert(RULE, &labels(partner)).await.unwrap().unwrap_or_else(|| new_alert(partner));
        let mut settled = fires(store, &before, &["desk"]);
        let said = Said { at: NOW, on: "9 October 2025".to_owned(), title: "It fell.".to_owned() };
        let said = (*kind == Kind::Resolved).then_some(said);
        let message = Message { kind: *kind, said, ..settled.deliveries[0].message.clone() };
        settled.deliveries = plan(store.id(), &message, &["desk".to_owned()]);
        store.commit(None, Vec::new(), vec![settled], NOW).await.unwrap();
    }
}

/// Each delivery as `desk US 1 superseded by 2`.
async fn fates(store: &Store) -> Vec<String> {
    let mut records = store.deliveries(false, 100).await.unwrap();
    records.reverse();
    let number = |id: &String| records.iter().find(|known| known.delivery.id == *id).unwrap().delivery.message.number;
    let fate = |record: &DeliveryRecord| {
        let by = record.told_by.as_ref().map(|id| format!(" by {}", number(id))).unwrap_or_default();
        assert_eq!(record.gave_way.is_some(), record.state == DeliveryState::Superseded);
        format!("{} {:?}{by}", record.delivery.message.number, record.state)
    };
    records.iter().map(fate).collect()
}

pub async fn the_middle_gives_way_to_what_is_newer(site: Site) {
    let store = site.open().await;
    owes(&store, "US", &[Kind::Fired, Kind::Continued, Kind::Escalated, Kind::Eased]).await;
    let first = due(&store, 31, false).await;
    assert_eq!(told(&first), ["desk US 1"], "a beginning stays while there is no end");
    succeed(&store, &first[0]).await;
    assert_eq!(told(&due(&store, 31, false).await), ["desk US 4"]);
    assert_eq!(fates(&store).await, ["1 Sent", "2 Superseded by 3", "3 Superseded by 4", "4 Pending"]);
    assert_eq!(store.owed().await.unwrap()["desk"].waiting, 1);
    let second = record_of(&store, "desk US 2").await;
    assert!(second.gave_way.unwrap().contains("newer"));
    assert_eq!(store.retry_delivery(&second.delivery.id, NOW).await.unwrap(), None);
}

pub async fn a_beginning_gives_way_to_the_end_alone(site: Site) {
    let store = site.open().await;
    owes(&store, "US", &[Kind::Fired, Kind::Continued, Kind::Resolved, Kind::Fired]).await;
    let apart = Place { gathers: Gathers::Nothing, ..Place::new("desk", 9) };
    let leased = due(&store, 31, false).await;
    assert_eq!(told(&leased), ["desk US 3"]);
    let message = &leased[0].delivery.message;
    assert!(message.title.starts_with("Fired and resolved: "), "{}", message.title);
    assert!(message.summary.starts_with("It began on 9 October 2025, and was over before"), "{}", message.summary);
    assert_eq!(fates(&store).await, ["1 Superseded by 3", "2 Superseded by 3", "3 Pending", "4 Pending"]);
    // Who keeps alerts is told of each beginning, so that the end ends something.
    owes(&store, "DE", &[Kind::Fired, Kind::Resolved]).await;
    let leased = store.lease_due(&taking(minutes(31), 24), &[apart]).await.unwrap();
    assert_eq!(told(&leased), ["desk DE 1"]);
}

pub async fn what_may_have_arrived_gives_way_to_nothing(site: Site) {
    let store = site.open().await;
    owes(&store, "US", &[Kind::Continued]).await;
    owes(&store, "DE", &[Kind::Continued]).await;
    let leased = due(&store, 31, false).await;
    let lost = Outcome::Retry { after: None, why: "reset".into(), maybe_delivered: true };
    assert!(record(&store, &leased[0], attempt(31, lost), Next::At(minutes(40))).await);
    put_off(&store, &leased[1], 40).await;
    for partner in ["US", "DE"] {
        owes(&store, partner, &[Kind::Continued]).await;
    }
    assert_eq!(told(&due(&store, 40, false).await), ["desk US 1"]);
    assert_eq!(told(&due(&store, 40, false).await), ["desk DE 2"], "what was refused gives way");
}

pub async fn what_gives_way_is_in_no_message(site: Site) {
    let store = site.open().await;
    owes(&store, "US", &[Kind::Fired, Kind::Resolved]).await;
    owes(&store, "DE", &[Kind::Continued, Kind::Continued]).await;
    owes(&store, "FR", &[Kind::Fired, Kind::Continued]).await;
    let place = Place { gathers: Gathers::All, ..Place::new("desk", 9) };
    let leased = store.lease_due(&taking(minutes(31), 24), &[place]).await.unwrap();
    assert_eq!(told(&leased), ["desk DE 2 + US 2 + FR 1 + FR 2"]);
    assert!(leased[0].delivery.message.others[0].title.starts_with("Fired and resolved: "));
}

pub async fn what_gave_way_is_not_sent(site: Site) {
    let store = site.open().await;
    fires_together(&store, &["DE", "US"]).await;
    owes(&store, "US", &[Kind::Resolved]).await;
    // Both beginnings can be taken, and that of the US gives way when what it belongs to is gathered.
    let leased = due(&store, 31, false).await;
    assert_eq!(told(&leased), ["desk DE 1"]);
    let gone = record_of(&store, "desk US 1").await;
    assert_eq!((gone.state, gone.attempts), (DeliveryState::Superseded, 0));
    assert_eq!(told(&due(&store, 31, false).await), ["desk US 2"]);
}

pub async fn what_it_tells_itself_holds_no_message_up(site: Site) {
    let store = site.open().await;
    owes(&store, "US", &[Kind::Resolved, Kind::Fired]).await;
    let place = Place { gathers: Gathers::All, ..Place::new("desk", 9) };
    let leased = store.lease_due(&taking(minutes(31), 24), &[place]).await.unwrap();
    assert_eq!(told(&leased), ["desk US 2 + US 1"], "what came later leads");
    put_off(&store, &leased[0], 50).await;
    assert_eq!(store.next_delivery_at(Vec::new()).await.unwrap(), Some(minutes(50)));
    owes(&store, "US", &[Kind::Resolved]).await;
    let again = due(&store, 50, false).await;
    assert_eq!(told(&again), ["desk US 2 + US 1"]);
    succeed(&store, &again[0]).await;
    assert_eq!(told(&due(&store, 50, false).await), ["desk US 3"]);
}

pub async fn more_than_is_told_one_by_one_is_told_together(site: Site) {
    let store = site.open().await;
    fires_together(&store, &["US", "DE"]).await;
    fire(&store, "FR", &["desk"]).await;
    let lease = async |gathers, minute| {
        let place = Place { gathers, ..Place::new("desk", 9) };
        store.lease_due(&taking(minutes(minute), 24), &[place]).await.unwrap()
    };
    assert_eq!(lease(Gathers::Repeats, 31).await, []);
    let few = lease(Gathers::Beyond(2), 31).await;
    assert_eq!(told(&few), ["desk US 1 + DE 1", "desk FR 1"], "two messages, of three alerts");
    put_off(&store, &few[1], 32).await;
    fires_together(&store, &["A", "B"]).await;
    for partner in ["C", "D"] {
        fire(&store, partner, &["desk"]).await;
    }
    let many = lease(Gathers::Beyond(2), 31).await;
    assert_eq!(told(&many), ["desk A 1 + B 1 + C 1 + D 1"]);
    assert!(many[0].is_storm && !few[0].is_storm);
    assert!(many[0].delivery.message.summary.starts_with("More came at once"));
    fire(&store, "E", &["desk"]).await;
    assert_eq!(
        told(&lease(Gathers::Repeats, 32).await),
        ["desk US 1 + DE 1", "desk FR 1", "desk A 1 + B 1 + C 1 + D 1"]
    );
}
