//! Pages, and the readers that they are asked of.

use std::sync::Arc;

use super::fixture::*;
use super::{NOW, Site};
use crate::alert::{Alert, State};
use crate::outbox::{Next, Outcome};
use crate::rule::Severity;
use crate::series::{Pattern, PullId, Row, Selector};
use crate::store::{AlertQuery, Committed, DeliveryQuery, DeliveryState, SeriesQuery, Settled, Store, StoreError};

/// An alert of a rule that fires with a severity, said first in some minute.
async fn alarm(store: &Store, rule: &str, partner: &str, severity: Severity, minute: u32) {
    let alert = Alert::new(rule, labels(partner), "hash", PullId(0));
    let mut settled = fires(store, &alert, &["desk"]);
    let State::Firing(firing) = &mut settled.alert.state else { panic!("it fires") };
    (firing.severity, firing.said_at) = (severity, minutes(minute));
    assert_eq!(store.commit(None, Vec::new(), vec![settled], minutes(minute)).await.unwrap(), Committed::Stored);
}

/// Writes an alert anew after a change, with no transition.
async fn write(store: &Store, rule: &str, partner: &str, minute: u32, change: impl FnOnce(&mut Alert)) {
    let mut alert = store.alert(rule, &labels(partner)).await.unwrap().unwrap();
    change(&mut alert);
    let settled = Settled { alert, transition: None, deliveries: Vec::new(), manners: Default::default() };
    assert_eq!(store.commit(None, Vec::new(), vec![settled], minutes(minute)).await.unwrap(), Committed::Stored);
}

/// Six alerts: four that fire, one of them held; one that ended; one of a feed's own trouble.
async fn alarms(store: &Store) {
    alarm(store, RULE, "US", Severity::Warning, 1).await;
    alarm(store, RULE, "DE", Severity::Critical, 2).await;
    alarm(store, "rising", "FR", Severity::Critical, 3).await;
    alarm(store, "rising", "JP", Severity::Info, 4).await;
    alarm(store, "rising", "KR", Severity::Info, 5).await;
    alarm(store, "feed:failing", "XX", Severity::Warning, 6).await;
    write(store, RULE, "US", 7, |alert| alert.held = Some("waiting for 2025-10".into())).await;
    write(store, "rising", "KR", 8, |alert| alert.state = State::Ok).await;
}

/// The alerts of a query, all parts of so many, each as its partner; and how many the store counts.
async fn partners(store: &Store, query: AlertQuery, limit: usize) -> (Vec<String>, usize) {
    let (mut found, mut from, mut total) = (Vec::new(), None, None);
    loop {
        let part = store.find_alerts(AlertQuery { from, limit, ..query.clone() }).await.unwrap();
        assert!(part.items.len() == limit || part.next.is_none());
        assert!(total.is_none_or(|total| total == part.total));
        total = Some(part.total);
        found.extend(part.items.iter().map(|alert| alert.labels.value("partner").unwrap().to_owned()));
        from = part.next;
        if from.is_none() {
            return (found, total.unwrap().unwrap());
        }
    }
}

pub async fn alerts_are_listed_by_gravity_and_age(site: Site) {
    let store = site.open().await;
    alarms(&store).await;
    let reader = store.reader().await.unwrap();
    let all = || AlertQuery::default();
    let us: Arc<dyn Fn(&Alert) -> bool + Send + Sync> =
        Arc::new(|alert| ["US", "KR", "FR"].contains(&alert.labels.value("partner").unwrap()));
    for (query, expected) in [
        (all(), "FR DE XX US JP KR"),
        (AlertQuery { firing: Some(true), ..all() }, "FR DE XX US JP"),
        (AlertQuery { firing: Some(false), ..all() }, "KR"),
        (AlertQuery { firing: Some(false), severity: Some(Severity::Info), ..all() }, ""),
        (AlertQuery { severity: Some(Severity::Warning), ..all() }, "XX US"),
        (AlertQuery { held: Some(true), ..all() }, "US"),
        (AlertQuery { held: Some(false), firing: Some(true), ..all() }, "FR DE XX JP"),
        (AlertQuery { data: Some(true), ..all() }, "XX"),
        (AlertQuery { data: Some(false), rule: Some(RULE.into()), ..all() }, "DE US"),
        (AlertQuery { rule: Some("none".into()), ..all() }, ""),
        (AlertQuery { only: Some(us), ..all() }, "FR US KR"),
    ] {
        let expected: Vec<&str> = expected.split_whitespace().collect();
        for limit in [1, 2, 6, 7] {
            let (found, total) = partners(&reader, query.clone(), limit).await;
            assert_eq!((found, total), (expected.iter().map(ToString::to_string).collect(), expected.len()));
        }
    }
    let counts = reader.count_alerts().await.unwrap();
    let told = |count: &crate::store::AlertCount| {
        format!("{} {} {} {}", count.rule, count.severity.map_or("ok", Severity::name), count.held, count.count)
    };
    let expected = [
        "falling warning true 1",
        "falling critical false 1",
        "feed:failing warning false 1",
        "rising ok false 1",
        "rising info false 1",
        "rising critical false 1",
    ];
    assert_eq!(counts.iter().map(told).collect::<Vec<_>>(), expected);
}

pub async fn an_alert_is_found_by_its_id(site: Site) {
    let store = site.open().await;
    alarms(&store).await;
    store.close().await.unwrap();
    let store = site.open().await;
    for alert in store.alerts().await.unwrap() {
        assert_eq!(store.alerts_by_id(&alert.id()).await.unwrap(), std::slice::from_ref(&alert));
        assert_eq!(store.alerts_by_id(&alert.id()[..8]).await.unwrap(), [alert]);
    }
    assert_eq!(store.alerts_by_id("").await.unwrap().len(), 2);
    assert_eq!(store.alerts_by_id("x").await.unwrap(), []);
}

pub async fn what_was_said_last_is_found_for_many_at_once(site: Site) {
    let store = site.open().await;
    fire(&store, "US", &[]).await;
    fire(&store, "DE", &[]).await;
    fire(&store, "US", &[]).await;
    let [us, de, other] = ["US", "DE", "FR"].map(labels);
    let newest = store.newest([(RULE, &us), (RULE, &other), (RULE, &de), ("rising", &us)]).await.unwrap();
    let expected = [
        store.transitions(RULE, &us).await.unwrap().pop(),
        None,
        store.transitions(RULE, &de).await.unwrap().pop(),
        None,
    ];
    assert_eq!(newest, expected);
    assert_eq!(newest[0].as_ref().unwrap().1.number, 2);
    let recent = store.recent(2).await.unwrap();
    let told = |recent: &crate::store::Recent| (recent.transition.labels.clone(), recent.title.clone());
    let title = |number: u32| message(&new_alert("US"), number, crate::alert::Kind::Fired).title;
    assert_eq!(recent.iter().map(told).collect::<Vec<_>>(), [(us, title(2)), (de, title(1))]);
    assert_eq!(recent[0].transition, newest[0].as_ref().unwrap().0);
}

/// The series of a query, all parts of so many, each as its partner; and how many the store counts.
async fn found(store: &Store, query: SeriesQuery, limit: usize) -> (Vec<String>, usize) {
    let (mut found, mut offset) = (Vec::new(), 0);
    loop {
        let part = store.find_series(SeriesQuery { offset, limit, ..query.clone() }).await.unwrap();
        found.extend(part.items.iter().map(|series| series.labels.value("partner").unwrap().to_owned()));
        match part.next {
            Some(next) => offset = next,
            None => return (found, part.total.unwrap()),
        }
    }
}

pub async fn series_are_searched_by_label_and_word(site: Site) {
    let store = site.open().await;
    let hostile = r#"a"partner":"DE"b"#;
    let rows = ["US", "DE", "Ünited", hostile, "UA"].map(|partner| row(partner, "2025-09", 1.0));
    append(&store, 1, rows.to_vec()).await;
    append_as(&store, pull("prices", minutes(2)), vec![row("KR", "2025-09", 1.0)]).await;
    let with = |patterns: &[(&str, &str)]| SeriesQuery {
        selector: Selector::new(
            patterns.iter().map(|(name, text)| ((*name).to_owned(), Pattern::parse([text]).unwrap())).collect(),
        ),
        ..SeriesQuery::default()
    };
    let words = |text: &str| SeriesQuery { text: text.to_owned(), ..SeriesQuery::default() };
    let of = |feed: &str, query: SeriesQuery| SeriesQuery { feed: Some(feed.to_owned()), ..query };
    let reader = store.reader().await.unwrap();
    for (query, expected) in [
        (SeriesQuery::default(), &["DE", "UA", "US", hostile, "Ünited", "KR"][..]),
        (of("prices", SeriesQuery::default()), &["KR"]),
        (of("none", SeriesQuery::default()), &[]),
        (with(&[("partner", "DE")]), &["DE"]),
        (with(&[("partner", "U*")]), &["UA", "US"]),
        (with(&[("partner", "!DE"), ("feed", "magnets")]), &["UA", "US", hostile, "Ünited", "KR"]),
        (with(&[("grade", "N42")]), &[]),
        (words("us"), &["US"]),
        (words("ünit"), &["Ünited"]),
        (words("MAGNETS u"), &["UA", "US"]),
        (words("\"partner\":\"DE"), &[hostile]),
        (of("magnets", words("k")), &[]),
        (of("prices", words("k")), &["KR"]),
    ] {
        for limit in [1, 2, 6, 7] {
            let mut got = found(&reader, query.clone(), limit).await;
            let mut expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
            let total = expected.len();
            got.0.sort();
            expected.sort();
            assert_eq!(got, (expected, total), "{query:?}");
        }
    }
    let us = series(&store, "US").await;
    assert_eq!(reader.series_by_id(us.id).await.unwrap(), Some(us));
    assert_eq!(reader.series_by_id(-1).await.unwrap(), None);
}

pub async fn a_former_series_is_not_listed(site: Site) {
    let store = site.open().await;
    append(&store, 1, vec![row("US", "2025-09", 1.0)]).await;
    let former = series(&store, "US").await;
    let other = Row { unit: None, ..row("US", "2025-09", 1.0) };
    append(&store, 2, vec![other]).await;
    let now = series(&store, "US").await;
    assert_ne!(former.id, now.id);
    for text in ["", "us"] {
        let query = SeriesQuery { text: text.into(), limit: 9, ..SeriesQuery::default() };
        let part = store.find_series(query).await.unwrap();
        assert_eq!((part.items, part.next, part.total), (vec![now.clone()], None, Some(1)));
    }
    assert_eq!(store.series_by_id(former.id).await.unwrap(), Some(former));
}

/// The deliveries of a query, all parts of so many.
async fn listed(store: &Store, query: DeliveryQuery, limit: usize) -> Vec<String> {
    let (mut found, mut from) = (Vec::new(), None);
    loop {
        let part = store.find_deliveries(DeliveryQuery { from, limit, ..query.clone() }).await.unwrap();
        assert!(part.items.len() == limit || part.next.is_none());
        found.extend(named(part.items.iter().map(|record| &record.delivery)));
        from = part.next;
        if from.is_none() {
            return found;
        }
    }
}

pub async fn deliveries_are_listed_newest_first(site: Site) {
    let store = site.open().await;
    fire(&store, "US", &["desk", "hook"]).await;
    fire(&store, "DE", &["desk"]).await;
    let leased = due(&store, 31, false).await;
    succeed(&store, &leased[0]).await;
    assert!(record(&store, &leased[1], attempt(31, Outcome::Reject { why: "410".into() }), Next::Dead).await);
    put_off(&store, &leased[2], 50).await;
    fire(&store, "DE", &["desk"]).await;
    alarm(&store, "rising", "FR", Severity::Info, 40).await;
    let reader = store.reader().await.unwrap();
    let all = DeliveryQuery::default;
    let in_state = |state| DeliveryQuery { state: Some(state), ..all() };
    for (query, expected) in [
        (all(), &["desk FR 1", "desk DE 2", "desk DE 1", "hook US 1", "desk US 1"][..]),
        (in_state(DeliveryState::Sent), &["desk US 1"]),
        (in_state(DeliveryState::Dead), &["hook US 1"]),
        (in_state(DeliveryState::Pending), &["desk FR 1", "desk DE 2", "desk DE 1"]),
        (in_state(DeliveryState::Superseded), &[]),
        (DeliveryQuery { failed: true, ..all() }, &["desk DE 1", "hook US 1"]),
        (DeliveryQuery { receiver: Some("hook".into()), ..all() }, &["hook US 1"]),
        (DeliveryQuery { receiver: Some("hook".into()), ..in_state(DeliveryState::Sent) }, &[]),
        (DeliveryQuery { rule: Some(RULE.into()), ..all() }, &["desk DE 2", "desk DE 1", "hook US 1", "desk US 1"]),
        (DeliveryQuery { alert: Some(new_alert("US").id()), ..all() }, &["hook US 1", "desk US 1"]),
        (DeliveryQuery { alert: Some("none".into()), ..all() }, &[]),
    ] {
        for limit in [1, 2, 5, 6] {
            assert_eq!(listed(&reader, query.clone(), limit).await, expected, "{query:?}");
        }
    }
    let counts = reader.count_deliveries().await.unwrap();
    let told =
        |count: &crate::store::DeliveryCount| format!("{} {} {}", count.receiver, count.state.name(), count.count);
    assert_eq!(counts.iter().map(told).collect::<Vec<_>>(), ["desk pending 3", "desk sent 1", "hook dead 1"]);
    let one = reader.find_deliveries(DeliveryQuery { limit: 1, ..all() }).await.unwrap().items.remove(0);
    assert_eq!(reader.deliveries_by_id(&one.delivery.id).await.unwrap(), std::slice::from_ref(&one));
    assert_eq!(reader.deliveries_by_id(&one.delivery.id[..12]).await.unwrap(), [one]);
    assert_eq!(reader.deliveries_by_id("msg_").await.unwrap().len(), 2);
    assert_eq!(reader.deliveries_by_id("msg_x").await.unwrap(), []);
}

pub async fn facts_are_counted(site: Site) {
    let store = site.open().await;
    append(&store, 1, vec![row("US", "2025-08", 590.0), row("US", "2025-09", 420.5)]).await;
    append(&store, 2, vec![row("US", "2025-09", 600.0), row("DE", "2025-09", 1.0)]).await;
    fire(&store, "US", &["desk", "hook"]).await;
    fire(&store, "US", &["desk"]).await;
    let facts = store.reader().await.unwrap().facts().await.unwrap();
    assert_eq!((facts.series, facts.observations, facts.revisions), (2, 3, 1));
    assert_eq!((facts.alerts, facts.transitions, facts.deliveries), (1, 2, 3));
    let is_file = site.location.file().is_ok();
    assert!(facts.schema >= 7, "{facts:?}");
    assert_eq!((facts.log_bytes > 0, facts.checkpointed_at.is_some()), (is_file, is_file), "{facts:?}");
    assert!(facts.file_bytes > 100_000, "{facts:?}");
    let copy = Store::open_copy(&site.location, NOW).await.unwrap();
    let of_copy = copy.facts().await.unwrap();
    assert_eq!((of_copy.log_bytes, of_copy.checkpointed_at, of_copy.series), (0, None, 2));
}

pub async fn a_reader_sees_what_is_stored_and_changes_nothing(site: Site) {
    let store = site.open().await;
    let reader = store.reader().await.unwrap();
    assert_eq!(reader.id(), store.id());
    fire(&store, "US", &["desk"]).await;
    append(&store, 1, vec![row("US", "2025-09", 420.5)]).await;
    let before = seen(&store).await;
    assert_eq!(seen(&reader).await, before);
    let refused = [
        reader.lease_feed("magnets", &holder(), NOW, MINUTE).await.map(|_| ()),
        reader.spend("account", NOW, 1).await.map(|_| ()),
        reader.expire_silence(1, NOW).await.map(|_| ()),
        reader.checkpoint().await,
    ];
    for refused in refused {
        assert!(matches!(refused, Err(StoreError::ReadOnly { .. })), "{refused:?}");
    }
    assert_eq!(seen(&store).await, before);
    let copy = Store::open_copy(&site.location, NOW).await.unwrap();
    fire(&copy.reader().await.unwrap(), "DE", &[]).await;
    assert_eq!(copy.firing().await.unwrap().len(), 2, "a copy's reader is the copy");
}

pub async fn a_version_changes_with_every_commit(site: Site) {
    let store = site.open().await;
    let reader = store.reader().await.unwrap();
    let mut seen = vec![reader.version().await.unwrap()];
    // On a server it may be another one for what others do in databases beside this one.
    let is_file = site.location.file().is_ok();
    let mut changes = async |is_new: bool| {
        let versions = [store.version().await.unwrap(), reader.version().await.unwrap()];
        assert!(versions[0] == versions[1] || !is_file);
        let is_known = seen.contains(&versions[0]);
        assert!(is_known != is_new || (!is_file && !is_new));
        seen.extend(versions);
    };
    changes(false).await;
    fire(&store, "US", &["desk"]).await;
    changes(true).await;
    for reader in [&reader, &store.reader().await.unwrap()] {
        reader.alerts().await.unwrap();
        changes(false).await;
    }
    store.checkpoint().await.unwrap();
    changes(false).await;
    let beside = Store::open_beside(&site.location, NOW).await.unwrap();
    fire(&beside, "DE", &["desk"]).await;
    beside.close().await.unwrap();
    changes(true).await;
    let copy = Store::open_copy(&site.location, NOW).await.unwrap();
    let before = copy.version().await.unwrap();
    assert_eq!(copy.version().await.unwrap(), before);
    fire(&copy, "FR", &["desk"]).await;
    assert_ne!(copy.version().await.unwrap(), before);
}

pub async fn a_reader_ends_with_its_store(site: Site) {
    let store = site.open().await;
    let reader = store.reader().await.unwrap();
    reader.clone().close().await.unwrap();
    assert_eq!(reader.alerts().await.unwrap(), []);
    let owner = store.clone();
    store.close().await.unwrap();
    assert!(matches!(reader.alerts().await, Err(StoreError::Ended { .. })));
    assert!(matches!(reader.version().await, Err(StoreError::Ended { .. })));
    assert!(matches!(owner.reader().await.map(|_| ()), Err(StoreError::Ended { .. })));
    site.open().await;
}

pub async fn series_are_known_by_their_labels(site: Site) {
    let store = site.open().await;
    append(&store, 1, ["US", "DE"].map(|partner| row(partner, "2025-09", 1.0)).to_vec()).await;
    let price = |partner| [("feed", "prices"), ("partner", partner)].into_iter().collect();
    append_as(&store, pull("prices", minutes(2)), vec![Row { labels: price("US"), ..row("US", "2025-09", 2.0) }]).await;
    let former = series(&store, "US").await;
    append(&store, 3, vec![Row { unit: None, ..row("US", "2025-09", 1.0) }]).await;
    let [de, us] = [series(&store, "DE").await, series(&store, "US").await];
    assert!(former.id != us.id && former.unit.is_some() && us.unit.is_none(), "its feed has it in another unit now");

    let reader = store.reader().await.unwrap();
    let unfed = [("partner", "US")].into_iter().collect();
    let asked = [labels("US"), labels("FR"), price("US"), unfed, labels("DE"), labels("US"), price("DE")];
    let found = reader.series_of(&asked).await.unwrap();
    let priced = found[2].clone().unwrap();
    assert_eq!((priced.feed.as_str(), &priced.labels), ("prices", &asked[2]));
    assert_eq!(found, [Some(us.clone()), None, Some(priced), None, Some(de), Some(us), None]);
    assert_eq!(reader.series_of([]).await.unwrap(), []);
}
