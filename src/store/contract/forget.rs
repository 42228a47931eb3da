//! What is forgotten after a while, and what never is.

use super::Site;
use super::fixture::*;
use crate::alert::State;
use crate::base::clock::Timestamp;
use crate::outbox::Next;
use crate::store::{Appended, Claim, Committed, FailedPull, Forgotten, NewPull, Store};

/// Forgets all there is to forget.
async fn forget(store: &Store, before: Timestamp) -> Forgotten {
    let mut all = Forgotten::default();
    loop {
        let step = store.forget(before).await.unwrap();
        if step.is_nothing() {
            return all;
        }
        all = all.and(step);
    }
}

/// Ends the alert of a series, and tells some receivers.
async fn ends(store: &Store, partner: &str, receivers: &[&str]) {
    let before = store.alert(RULE, &labels(partner)).await.unwrap().unwrap();
    let mut settled = fires(store, &before, receivers);
    settled.alert.state = State::Ok;
    assert_eq!(store.commit(None, Vec::new(), vec![settled], minutes(30)).await.unwrap(), Committed::Stored);
}

/// Brings everything that is due; each attempt is recorded.
async fn bring(store: &Store) {
    loop {
        let leased = due(store, 40, false).await;
        if leased.is_empty() {
            return;
        }
        for one in &leased {
            assert!(record(store, one, attempt(40, delivered()), Next::Done).await);
        }
    }
}

async fn left(store: &Store) -> Vec<String> {
    let records = store.deliveries(false, 99).await.unwrap();
    named(records.iter().map(|record| &record.delivery))
}

pub async fn deliveries_that_are_over_are_forgotten(site: Site) {
    let store = site.open().await;
    append(&store, 1, vec![row("US", "2025-09", 420.5)]).await;
    fire(&store, "US", &["desk", "hook"]).await;
    fire(&store, "DE", &["desk"]).await;
    bring(&store).await;
    ends(&store, "US", &["desk", "hook"]).await;
    bring(&store).await;
    fire(&store, "JP", &["desk"]).await;
    ends(&store, "JP", &["desk"]).await;
    let waits = due(&store, 40, false).await;
    assert!(record(&store, &waits[0], attempt(40, refused()), Next::At(minutes(60))).await);
    let (all, told) = (left(&store).await, seen(&store).await);
    assert!(forget(&store, minutes(20)).await.is_nothing(), "all of it is younger");
    assert_eq!(seen(&store).await, told);
    let records = store.deliveries(false, 99).await.unwrap();

    let forgotten = forget(&store, minutes(9000)).await;
    assert_eq!((forgotten.deliveries, forgotten.attempts), (2, 4), "{all:?}");
    // What fires, what is owed, and what a later message would reply to.
    assert_eq!(left(&store).await, ["desk JP 2", "desk JP 1", "desk DE 1", "hook US 1", "desk US 1"]);
    let transitions = store.transitions(RULE, &labels("US")).await.unwrap();
    assert_eq!(transitions.len(), 2, "what was said is known for ever");
    for record in records {
        let attempts = store.attempts(&record.delivery.id).await.unwrap();
        let kept = ["DE", "JP"].contains(&record.delivery.message.alert.labels["partner"].as_str());
        assert_eq!(!attempts.is_empty(), kept && record.attempts > 0);
    }
    assert_eq!(site.damages(), []);
    let facts = store.facts().await.unwrap();
    assert_eq!(facts.deliveries, all.len(), "how many there were is known");
}

pub async fn a_message_finds_its_thread_after_what_was_forgotten(site: Site) {
    let store = site.open().await;
    append(&store, 1, vec![row("US", "2025-09", 420.5)]).await;
    fire(&store, "US", &["desk"]).await;
    bring(&store).await;
    ends(&store, "US", &[]).await;
    forget(&store, minutes(9000)).await;
    // Of the same episode, such as a correction years later.
    ends(&store, "US", &["desk"]).await;
    let leased = due(&store, 40, false).await;
    assert_eq!((names(&leased), leased[0].opening.as_deref()), (vec!["desk US 3".to_owned()], Some("queue 7")));
}

pub async fn pulls_that_brought_nothing_are_forgotten(site: Site) {
    let store = site.open().await;
    let known = || vec![row("US", "2025-09", 420.5)];
    // Its answer is not kept any more: that it brought a figure is what keeps it.
    let changes = NewPull { raw: None, ..pull("magnets", minutes(1)) };
    let Claim::Taken(Appended { pull: Some(first), .. }) = append_as(&store, changes, known()).await else {
        panic!("it brings a figure")
    };
    for minute in 2..200 {
        assert_eq!(append(&store, minute, known()).await.pull, None);
    }
    let lease = lease(&store, "magnets", minutes(200)).await;
    let failed = FailedPull {
        feed: "magnets".into(),
        scheduled_for: minutes(200),
        at: minutes(200),
        reason: "404".into(),
        set_aside: false,
        http_status: Some(404),
        raw: None,
        refused: Vec::new(),
        refused_count: 0,
        next_due_at: Some(minutes(201)),
    };
    store.fail(&lease, failed).await.unwrap();
    let task = task(&store, minutes(201)).await.unwrap();
    let pulls = store.pulls("magnets", 999).await.unwrap();
    assert_eq!(pulls.len(), 200);
    let before = seen(&store).await;
    assert_eq!(forget(&store, minutes(9000)).await, Forgotten { pulls: 99, ..Forgotten::default() });
    let left = store.pulls("magnets", 999).await.unwrap();
    assert_eq!(
        (&left[..100], left.len()),
        (&pulls[..100], 101),
        "the last hundred stay, and the one that changed anything"
    );
    assert_eq!(seen(&store).await, before);
    assert_eq!(store.changed(first).await.unwrap().len(), 1, "its task is not done");
    store.commit(Some(&task), Vec::new(), Vec::new(), minutes(202)).await.unwrap();
    assert_eq!(forget(&store, minutes(9000)).await, Forgotten { series: 1, ..Forgotten::default() });
    assert_eq!(site.damages(), []);
}
