//! Opening, closing, copies, and what the next process finds.

use super::fixture::*;
use super::{NOW, Site};
use crate::base::clock::Timestamp;
use crate::base::limits::RETRY_AFTER_MAX;
use crate::outbox::Next;
use crate::series::PullId;
use crate::store::{Claim, Held, Holder, Place, Store, StoreError};

async fn filled(store: &Store) -> PullId {
    append(store, 1, vec![row("US", "2025-08", 590.0), row("US", "2025-09", 420.5)]).await;
    let pull = append(store, 2, vec![row("US", "2025-09", 600.0)]).await.pull.unwrap();
    fire(store, "US", &["desk", "hook"]).await;
    pull
}

pub async fn a_store_is_as_it_was_left(site: Site) {
    let store = site.open().await;
    filled(&store).await;
    store.checkpoint().await.unwrap();
    let before = seen(&store).await;
    store.close().await.unwrap();
    let store = site.open_at(minutes(100)).await;
    assert_eq!(seen(&store).await, before);
    assert_eq!(store.id().len(), 32);
    assert_ne!(store.id(), Site::sqlite().unwrap().open().await.id());
}

pub async fn a_store_knows_how_large_it_is(site: Site) {
    let store = site.open().await;
    let before = store.facts().await.unwrap();
    for minute in 1..20 {
        let month = |month: u32| row(&format!("partner {minute} {month}"), "2025-09", 420.5);
        append(&store, minute, (0..200).map(month).collect()).await;
    }
    let after = store.facts().await.unwrap();
    assert!(before.schema > 0 && after.schema == before.schema);
    assert!(before.file_bytes > 0 && after.file_bytes > before.file_bytes + 19 * 200 * 10, "{before:?} {after:?}");
}

pub async fn what_a_process_held_is_free_after_it(site: Site) {
    let store = site.open().await;
    filled(&store).await;
    let old_lease = lease(&store, "magnets", minutes(31)).await;
    let old_task = task(&store, minutes(31)).await.unwrap();
    let old = due(&store, 31, false).await.remove(0);
    store.leave(&holder()).await.unwrap();
    store.close().await.unwrap();
    let store = site.open_at(minutes(31)).await;
    let other = Holder("8-b".into());
    assert!(matches!(store.lease_feed("magnets", &other, minutes(31), MINUTE).await.unwrap(), Claim::Taken(_)));
    let stale = store.append(&old_lease, pull("magnets", minutes(31)), Vec::new()).await.unwrap();
    assert!(matches!(stale, Claim::Held { .. }));
    let new_task = store.lease_task(&other, minutes(31), MINUTE).await.unwrap().unwrap();
    assert_eq!(new_task.pull, old_task.pull);
    let again = due(&store, 31, false).await;
    assert_eq!((again[0].delivery.id == old.delivery.id, again[0].maybe_delivered), (true, true));
    let stale = record(&store, &old, attempt(31, delivered()), Next::Done).await;
    assert!(!stale, "an attempt is recorded by whoever began the last one");
}

/// Whoever let go of a delivery in the middle of an attempt may say how it ended as long as nobody has begun another.
pub async fn an_attempt_that_nobody_has_repeated_is_recorded(site: Site) {
    let store = site.open().await;
    filled(&store).await;
    let leased = due(&store, 31, false).await;
    store.let_go(&holder(), Held::ALL).await.unwrap();
    assert!(record(&store, &leased[0], attempt(31, delivered()), Next::Done).await);
    assert!(!record(&store, &leased[0], attempt(31, delivered()), Next::Done).await, "once");
}

pub async fn no_wait_outlasts_a_clock_that_goes_back(site: Site) {
    let store = site.open().await;
    filled(&store).await;
    let year = 366 * 24 * 60;
    let leased = due(&store, 31, false).await;
    put_off(&store, &leased[0], year).await;
    store.pause_receiver("hook", minutes(year)).await.unwrap();
    store.close().await.unwrap();
    let store = site.open_at(minutes(40)).await;
    let latest = minutes(40).plus(RETRY_AFTER_MAX);
    assert_eq!(store.next_delivery_at(Vec::new()).await.unwrap(), Some(latest));
    let receivers = ["desk", "hook"].map(|name| Place::new(name, 9));
    let taken = async |now: Timestamp| store.lease_due(&taking(now, 9), &receivers).await.unwrap().len();
    assert_eq!(taken(Timestamp::from_millis(latest.millis() - 1)).await, 0);
    assert_eq!(taken(latest).await, 2);
}

pub async fn a_copy_is_apart_from_its_store(site: Site) {
    let store = site.open().await;
    let pull = filled(&store).await;
    let held = task(&store, minutes(31)).await;
    let before = seen(&store).await;
    let copy = Store::open_copy(&site.location, minutes(31)).await.unwrap();
    assert_eq!(seen(&copy).await, before);
    assert_eq!(
        task(&copy, minutes(31)).await.map(|task| task.pull),
        held.map(|task| task.pull),
        "in a copy all is ours"
    );
    assert_eq!(due(&copy, 31, false).await.len(), 2);
    append(&copy, 40, vec![row("US", "2025-10", 656.0)]).await;
    fire(&copy, "US", &["desk"]).await;
    assert_ne!(seen(&copy).await, before);
    copy.close().await.unwrap();
    assert_eq!(seen(&store).await, before);
    assert_eq!(store.newest_pull("magnets").await.unwrap(), pull);
    store.close().await.unwrap();
    let after = Store::open_copy(&site.location, minutes(31)).await.unwrap();
    assert_eq!(seen(&after).await, before, "a store that nobody has open is copied as well");
}

pub async fn a_copy_of_nothing_is_empty(site: Site) {
    let copy = Store::open_copy(&site.location, NOW).await.unwrap();
    assert_eq!(copy.series().await.unwrap(), []);
    append(&copy, 1, vec![row("US", "2025-09", 1.0)]).await;
    assert_eq!(copy.series().await.unwrap().len(), 1);
    copy.close().await.unwrap();
    let missing = Store::open_beside(&site.location, NOW).await.map(|_| ());
    assert!(matches!(missing, Err(StoreError::Missing { .. })), "the copy left nothing: {missing:?}");
}

pub async fn a_change_beside_the_owner_is_seen(site: Site) {
    let store = site.open().await;
    filled(&store).await;
    let leased = due(&store, 31, false).await.remove(0);
    assert!(record(&store, &leased, attempt(31, refused()), Next::Dead).await);
    let beside = Store::open_beside(&site.location, minutes(32)).await.unwrap();
    assert_eq!(beside.id(), store.id());
    let held = due(&beside, 31, true).await;
    assert_eq!(held, [], "what the owner holds stays the owner's");
    beside.retry_delivery(&leased.delivery.id, minutes(32)).await.unwrap().unwrap();
    beside.close().await.unwrap();
    assert_eq!(names(&due(&store, 32, false).await).len(), 2);
    append(&store, 33, vec![row("US", "2025-10", 656.0)]).await;
    store.leave(&holder()).await.unwrap();
    store.close().await.unwrap();
    let beside = Store::open_beside(&site.location, minutes(40)).await.unwrap();
    beside.retry_delivery(&leased.delivery.id, minutes(40)).await.unwrap().unwrap();
    beside.close().await.unwrap();
    let store = site.open_at(minutes(40)).await;
    assert_eq!(store.next_delivery_at(Vec::new()).await.unwrap(), Some(minutes(1)));
    assert_eq!(store.series().await.unwrap().len(), 1);
}

pub async fn a_closed_store_says_so(site: Site) {
    let store = site.open().await;
    let clone = store.clone();
    store.close().await.unwrap();
    assert!(matches!(clone.series().await, Err(StoreError::Ended { .. })));
    clone.close().await.unwrap();
    assert!(site.location.is_there());
    site.open().await;
}
