//! Rules, tasks, alerts, and the one transaction that stores what a task came to.

use super::fixture::*;
use super::{NOW, Site};
use crate::alert::{Alert, State};
use crate::outbox::Manners;
use crate::series::PullId;
use crate::store::{Committed, Holder, Look, Settled, Store, Task};

async fn baselines(store: &Store, rules: &[(&str, &str)]) -> Vec<(String, i64)> {
    let rules = rules.iter().map(|(name, hash)| ((*name).to_owned(), (*hash).to_owned())).collect();
    let baselines = store.register_rules(rules, vec!["magnets".to_owned()]).await.unwrap();
    baselines.into_iter().map(|(name, pull)| (name, pull.0)).collect()
}

pub async fn a_rule_looks_from_where_it_came(site: Site) {
    let store = site.open().await;
    let first = baselines(&store, &[("a", "1"), ("b", "1")]).await;
    assert_eq!(first, [("a".to_owned(), 0), ("b".to_owned(), 0)]);
    append_as(&store, pull("tin", NOW), Vec::new()).await;
    let newest = append(&store, 1, vec![row("US", "2025-09", 1.0)]).await.pull.unwrap().0;
    append(&store, 2, vec![row("US", "2025-09", 1.0)]).await;
    let kept = baselines(&store, &[("a", "1"), ("b", "2"), ("c", "1")]).await;
    assert_eq!(kept, [("a".to_owned(), 0), ("b".to_owned(), newest), ("c".to_owned(), newest)]);
    let later = append(&store, 3, vec![row("US", "2025-09", 2.0)]).await.pull.unwrap().0;
    let again = baselines(&store, &[("b", "2"), ("c", "1")]).await;
    assert_eq!(again, [("b".to_owned(), newest), ("c".to_owned(), newest)]);
    let back = baselines(&store, &[("a", "1")]).await;
    assert_eq!(back, [("a".to_owned(), later)], "a rule that was away was forgotten");
}

pub async fn tasks_of_a_feed_keep_their_order(site: Site) {
    let store = site.open().await;
    let mut pulls = Vec::new();
    for minute in 1..=2 {
        pulls.push(append(&store, minute, vec![row("US", "2025-09", f64::from(minute))]).await.pull.unwrap());
    }
    let tin = crate::series::Labels::from_iter([("feed", "tin")]);
    let rows = vec![crate::series::Row { labels: tin, ..row("US", "2025-09", 3.0) }];
    assert!(matches!(append_as(&store, pull("tin", NOW), rows).await, crate::store::Claim::Taken(_)));
    let first = task(&store, minutes(3)).await.unwrap();
    assert_eq!(first.pull, pulls[0]);
    let other = task(&store, minutes(3)).await.unwrap();
    assert_eq!(other.feed, "tin", "the second of the feed waits for its first, another feed does not");
    assert_eq!(task(&store, minutes(3)).await, None);
    assert_eq!(store.commit(Some(&first), Vec::new(), Vec::new(), minutes(3)).await.unwrap(), Committed::Stored);
    assert_eq!(task(&store, minutes(3)).await.map(|task| task.pull), Some(pulls[1]));
    let changed = store.changed(pulls[1]).await.unwrap();
    assert_eq!(changed, [series(&store, "US").await]);
}

pub async fn a_task_is_held_until_it_runs_out(site: Site) {
    let store = site.open().await;
    append(&store, 1, vec![row("US", "2025-09", 1.0)]).await;
    let first = task(&store, minutes(1)).await.unwrap();
    assert_eq!(task(&store, minutes(1)).await, None);
    let other = Holder("8-b".into());
    let second = store.lease_task(&other, minutes(2), MINUTE).await.unwrap().unwrap();
    assert_eq!((second.pull, &second.holder), (first.pull, &other.0));
    assert!(second.claim > first.claim);
    assert_eq!(store.commit(Some(&first), Vec::new(), Vec::new(), minutes(2)).await.unwrap(), Committed::Fenced);
    assert_eq!(store.commit(Some(&second), Vec::new(), Vec::new(), minutes(9)).await.unwrap(), Committed::Stored);
    assert_eq!(store.commit(Some(&second), Vec::new(), Vec::new(), minutes(9)).await.unwrap(), Committed::Fenced);
    assert_eq!(task(&store, minutes(9)).await, None);
}

pub async fn a_task_that_is_given_back_is_free_at_once(site: Site) {
    let store = site.open().await;
    append(&store, 1, vec![row("US", "2025-09", 1.0)]).await;
    let first = task(&store, minutes(1)).await.unwrap();
    store.release_task(&first).await.unwrap();
    let second = task(&store, minutes(1)).await.unwrap();
    assert!(second.claim > first.claim);
    // Who gave it back has no say in it any more.
    store.release_task(&first).await.unwrap();
    assert_eq!(task(&store, minutes(1)).await, None);
    assert_eq!(store.commit(Some(&second), Vec::new(), Vec::new(), minutes(1)).await.unwrap(), Committed::Stored);
    store.release_task(&second).await.unwrap();
    assert_eq!(task(&store, minutes(9)).await, None);
}

pub async fn what_a_task_came_to_is_stored_whole(site: Site) {
    let store = site.open().await;
    append(&store, 1, vec![row("US", "2025-09", 1.0)]).await;
    let task_ = task(&store, minutes(1)).await.unwrap();
    let settled = fires(&store, &new_alert("US"), &["desk", "hook"]);
    let quiet =
        Settled { alert: new_alert("DE"), transition: None, deliveries: Vec::new(), manners: Manners::default() };
    let done = store.commit(Some(&task_), Vec::new(), vec![settled.clone(), quiet.clone()], minutes(2)).await.unwrap();
    assert_eq!(done, Committed::Stored);
    let stored = store.alert(RULE, &labels("US")).await.unwrap();
    assert_eq!(stored, Some(Alert { version: 1, ..settled.alert.clone() }));
    assert_eq!(store.alert(RULE, &labels("DE")).await.unwrap(), Some(Alert { version: 1, ..quiet.alert }));
    assert_eq!(store.alert("other", &labels("US")).await.unwrap(), None);
    assert_eq!(store.transitions(RULE, &labels("US")).await.unwrap(), [settled.transition.unwrap()]);
    let owed: Vec<_> =
        store.deliveries(false, 9).await.unwrap().into_iter().map(|record| record.delivery).rev().collect();
    assert_eq!(owed, settled.deliveries);
    assert_eq!(task(&store, minutes(9)).await, None);
    fire(&store, "US", &["desk"]).await;
    let numbers: Vec<u32> =
        store.transitions(RULE, &labels("US")).await.unwrap().iter().map(|(transition, _)| transition.number).collect();
    assert_eq!(numbers, [1, 2]);
    assert_eq!(store.alert(RULE, &labels("US")).await.unwrap().map(|alert| alert.version), Some(2));
}

/// Nothing of what fires is in the store.
async fn untouched(store: &Store, partner: &str) {
    assert_eq!(store.alert(RULE, &labels(partner)).await.unwrap(), None);
    assert_eq!(store.transitions(RULE, &labels(partner)).await.unwrap(), []);
    assert_eq!(store.deliveries(false, 9).await.unwrap(), []);
}

pub async fn a_lost_task_stores_nothing(site: Site) {
    let store = site.open().await;
    append(&store, 1, vec![row("US", "2025-09", 1.0)]).await;
    let stale = task(&store, minutes(1)).await.unwrap();
    let current = task(&store, minutes(3)).await.unwrap();
    let settled = || vec![fires(&store, &new_alert("US"), &["desk"])];
    let forged = Task { holder: "9-c".into(), ..current.clone() };
    let unknown = Task { pull: PullId(99), ..current.clone() };
    for lost in [&stale, &forged, &unknown] {
        assert_eq!(store.commit(Some(lost), Vec::new(), settled(), minutes(3)).await.unwrap(), Committed::Fenced);
        assert_eq!(store.commit_part(lost, settled(), minutes(3)).await.unwrap(), Committed::Fenced);
        untouched(&store, "US").await;
    }
    let part = vec![fires(&store, &new_alert("DE"), &["desk"])];
    assert_eq!(store.commit_part(&current, part, minutes(3)).await.unwrap(), Committed::Stored);
    assert_eq!(store.commit(Some(&current), Vec::new(), settled(), minutes(3)).await.unwrap(), Committed::Stored);
}

pub async fn an_alert_of_another_version_stores_nothing(site: Site) {
    let store = site.open().await;
    append(&store, 1, vec![row("US", "2025-09", 1.0)]).await;
    let quiet =
        |alert: Alert| vec![Settled { alert, transition: None, deliveries: Vec::new(), manners: Manners::default() }];
    assert_eq!(store.commit(None, Vec::new(), quiet(new_alert("DE")), NOW).await.unwrap(), Committed::Stored);
    let task_ = task(&store, minutes(1)).await.unwrap();
    for stale in [new_alert("DE"), Alert { version: 2, ..new_alert("DE") }] {
        let all = vec![fires(&store, &new_alert("US"), &["desk"]), fires(&store, &stale, &["desk"])];
        assert_eq!(store.commit(Some(&task_), Vec::new(), all.clone(), minutes(1)).await.unwrap(), Committed::Fenced);
        assert_eq!(store.commit(None, Vec::new(), all, minutes(1)).await.unwrap(), Committed::Fenced);
        untouched(&store, "US").await;
    }
    let unwritten = Alert { version: 1, ..new_alert("US") };
    assert_eq!(store.commit(None, Vec::new(), quiet(unwritten), NOW).await.unwrap(), Committed::Fenced);
    let right = vec![fires(&store, &Alert { version: 1, ..new_alert("DE") }, &["desk"])];
    assert_eq!(store.commit(Some(&task_), Vec::new(), right, minutes(1)).await.unwrap(), Committed::Stored);
    assert_eq!(store.alert(RULE, &labels("DE")).await.unwrap().map(|alert| alert.version), Some(2));
}

pub async fn alerts_read_back_in_order(site: Site) {
    let store = site.open().await;
    let mut written = Vec::new();
    for (rule, partner) in [("b", "US"), ("a", "US"), ("a", "DE"), ("c", "\"\n稀")] {
        let alert = Alert {
            rule: rule.into(),
            held: Some("waiting for 2025-07".into()),
            assessed: Some(crate::period::Period::parse("2025-W38").unwrap()),
            ..new_alert(partner)
        };
        let settled = fires(&store, &alert, &[]);
        let alert = Alert { number: 0, episode: 7, ..settled.alert };
        let settled =
            Settled { alert: alert.clone(), transition: None, deliveries: Vec::new(), manners: Manners::default() };
        assert_eq!(store.commit(None, Vec::new(), vec![settled], NOW).await.unwrap(), Committed::Stored);
        written.push(Alert { version: 1, ..alert });
    }
    written.sort_by(|a, b| (&a.rule, &a.labels).cmp(&(&b.rule, &b.labels)));
    assert_eq!(store.alerts().await.unwrap(), written);
    assert!(written.iter().all(|alert| matches!(alert.state, State::Firing(_))));
}

pub async fn those_that_wait_are_counted_by_rule(site: Site) {
    let store = site.open().await;
    let held = Some("waiting for 2025-07".to_owned());
    for (rule, partner, held, fires_too) in
        [("a", "US", &held, false), ("a", "DE", &held, false), ("a", "JP", &None, false), ("b", "US", &held, true)]
    {
        let alert = Alert { rule: rule.into(), held: held.clone(), ..new_alert(partner) };
        let alert = if fires_too { Alert { held: held.clone(), ..fires(&store, &alert, &[]).alert } } else { alert };
        let settled = Settled { alert, transition: None, deliveries: Vec::new(), manners: Manners::default() };
        assert_eq!(store.commit(None, Vec::new(), vec![settled], NOW).await.unwrap(), Committed::Stored);
    }
    assert_eq!(store.waiting().await.unwrap(), [("a".to_owned(), 2)].into());
}

pub async fn alerts_are_read_in_the_order_asked(site: Site) {
    let store = site.open().await;
    for partner in ["US", "DE"] {
        fire(&store, partner, &[]).await;
    }
    let asked = [labels("DE"), labels("FR"), labels("US"), labels("DE")];
    let found = store.alerts_of(RULE, &asked).await.unwrap();
    let labels: Vec<_> = found.iter().map(|alert| alert.as_ref().map(|alert| alert.labels.clone())).collect();
    let [german, french, american, again] = asked.map(Some);
    assert_eq!(labels, [german, french.filter(|_| false), american, again]);
    assert_eq!(store.alerts_of("other", found[0].iter().map(|alert| &alert.labels)).await.unwrap(), [None]);
}

pub async fn a_look_of_another_version_stores_nothing(site: Site) {
    let store = site.open().await;
    let settled = |partner| vec![fires(&store, &new_alert(partner), &["desk"])];
    assert_eq!(store.looks().await.unwrap(), []);
    assert_eq!(store.commit(None, vec![look(None, 0)], settled("DE"), NOW).await.unwrap(), Committed::Stored);
    for stale in [look(Some(7), 0), look(Some(7), 2)] {
        assert_eq!(store.commit(None, vec![stale], Vec::new(), NOW).await.unwrap(), Committed::Fenced);
    }
    let both = vec![look(Some(7), 1), Look { feed: "tin".into(), ..look(Some(7), 1) }];
    let deliveries = store.deliveries(false, 9).await.unwrap();
    assert_eq!(store.commit(None, both, settled("US"), NOW).await.unwrap(), Committed::Fenced);
    assert_eq!(store.looks().await.unwrap(), [look(None, 1)]);
    assert_eq!(store.alert(RULE, &labels("US")).await.unwrap(), None);
    assert_eq!(store.deliveries(false, 9).await.unwrap(), deliveries);
    let right = vec![look(Some(7), 1), Look { feed: "tin".into(), ..look(Some(8), 0) }];
    assert_eq!(store.commit(None, right, settled("US"), NOW).await.unwrap(), Committed::Stored);
    assert_eq!(store.looks().await.unwrap(), [look(Some(7), 2), Look { feed: "tin".into(), ..look(Some(8), 1) }]);
}

pub async fn a_lost_task_looks_at_nothing(site: Site) {
    let store = site.open().await;
    append(&store, 1, vec![row("US", "2025-09", 1.0)]).await;
    let stale = task(&store, minutes(1)).await.unwrap();
    let current = task(&store, minutes(3)).await.unwrap();
    let looks = || vec![look(Some(1), 0)];
    assert_eq!(store.commit(Some(&stale), looks(), Vec::new(), minutes(3)).await.unwrap(), Committed::Fenced);
    assert_eq!(store.looks().await.unwrap(), []);
    assert_eq!(store.commit(Some(&current), looks(), Vec::new(), minutes(3)).await.unwrap(), Committed::Stored);
    assert_eq!(store.looks().await.unwrap(), [look(Some(1), 1)]);
}

pub async fn a_look_is_forgotten_with_its_rule_or_its_feed(site: Site) {
    let store = site.open().await;
    let known = look(Some(7), 0);
    assert_eq!(store.commit(None, vec![known], Vec::new(), NOW).await.unwrap(), Committed::Stored);
    let forgotten = |version| Look { rule_hash: String::new(), ..look(None, version) };
    let register = async |rule: &str, feed: &str| {
        store.register_rules(vec![(rule.to_owned(), "hash".to_owned())], vec![feed.to_owned()]).await.unwrap();
        store.looks().await.unwrap()
    };
    assert_eq!(register(RULE, "magnets").await, [look(Some(7), 1)]);
    assert_eq!(register("other", "magnets").await, [forgotten(2)]);
    assert_eq!(register(RULE, "magnets").await, [forgotten(2)], "what came back is looked at anew");
    assert_eq!(store.commit(None, vec![look(Some(8), 1)], Vec::new(), NOW).await.unwrap(), Committed::Fenced);
    assert_eq!(store.commit(None, vec![look(Some(8), 2)], Vec::new(), NOW).await.unwrap(), Committed::Stored);
    assert_eq!(register(RULE, "tin").await, [forgotten(4)]);
}
