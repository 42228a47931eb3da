//! Pulls: vintages, idempotence, leases, and what is remembered of a feed.

use super::fixture::*;
use super::{NOW, Site};
use crate::period::{Frequency, Period, Span};
use crate::series::{AsOf, Finite, Item, Labels, Provenance, PullId, Refusal, Row, Status, Unit};
use crate::store::{
    Appended, Claim, FailedPull, FeedState, Holder, Holding, Lease, NewPull, PullOutcome, PullRecord, Store, StoreError,
};

pub async fn a_pull_leaves_vintages_and_a_task(site: Site) {
    let store = site.open().await;
    let rows = vec![row("US", "2025-08", 590.0), row("US", "2025-09", 420.5), row("DE", "2025-09", 1288.0)];
    let appended = append(&store, 1, rows).await;
    assert_eq!(counts(&appended), (3, 0, 0));
    let pull = appended.pull.unwrap();
    assert_eq!(store.newest_pull("magnets").await.unwrap(), pull);
    let changed = store.changed(pull).await.unwrap();
    assert_eq!(changed, store.series().await.unwrap());
    let partners: Vec<&str> = changed.iter().filter_map(|series| series.labels.value("partner")).collect();
    assert_eq!(partners, ["DE", "US"]);
    let units = store.units("magnets").await.unwrap();
    assert_eq!(units.get(&labels("US")), Some(&Some(Unit::parse("t").unwrap())));
    assert_eq!((units.len(), store.units("other").await.unwrap().len()), (2, 0));
    let task = task(&store, minutes(2)).await.unwrap();
    assert_eq!((task.pull, task.feed.as_str()), (pull, "magnets"));
    let history = history(&store, "US", pull).await;
    assert_eq!(told(&history, "2025-09"), ["420.5@2025-10-09T08:54:21Z"]);
    let provenance = Provenance {
        feed: "magnets".into(),
        url: "https://magnets.example/".into(),
        retrieved_at: minutes(1).plus(std::time::Duration::from_secs(1)),
        sha256: "hash at 2025-10-09T08:54:20Z".into(),
    };
    assert_eq!(history.provenance(pull), Some(&provenance));
    assert_eq!((history.frequency(), history.unit().map(ToString::to_string)), (Frequency::Month, Some("t".into())));
}

pub async fn saying_the_same_again_leaves_no_task(site: Site) {
    let store = site.open().await;
    let rows = || vec![row("US", "2025-08", 590.0), row("US", "2025-09", 420.5)];
    let first = append(&store, 1, rows()).await.pull.unwrap();
    let done = task(&store, minutes(1)).await.unwrap();
    store.commit(Some(&done), Vec::new(), Vec::new(), minutes(1)).await.unwrap();
    let second = append(&store, 2, rows()).await;
    assert_eq!((second.pull, counts(&second)), (None, (0, 0, 2)));
    assert_eq!(store.newest_pull("magnets").await.unwrap(), first);
    assert_eq!(task(&store, minutes(2)).await, None);
    // A month that is left out stays as it is known.
    let third = append(&store, 3, vec![row("US", "2025-09", 420.5)]).await;
    assert_eq!((third.pull, counts(&third)), (None, (0, 0, 1)));
    assert_eq!(history(&store, "US", PullId(i64::MAX)).await.vintages(Span::parse("2025-08").unwrap()).len(), 1);
    let state = store.feed("magnets").await.unwrap();
    assert_eq!(state.content_sha256.as_deref(), Some("hash at 2025-10-09T08:56:20Z"));
    assert_eq!(state.last_ok_at, Some(minutes(3).plus(std::time::Duration::from_secs(1))));
    assert_eq!(append(&store, 4, Vec::new()).await.pull, None);
}

pub async fn a_revision_keeps_what_was_known(site: Site) {
    let store = site.open().await;
    let first = append(&store, 1, vec![row("US", "2025-08", 590.0), row("US", "2025-09", 420.5)]).await.pull.unwrap();
    let revised = append(&store, 2, vec![row("US", "2025-08", 590.0), row("US", "2025-09", 600.0)]).await;
    assert_eq!(counts(&revised), (0, 1, 1));
    let second = revised.pull.unwrap();
    let preliminary = Row { status: Status::Preliminary, ..row("US", "2025-09", 600.0) };
    let third = append(&store, 3, vec![preliminary]).await.pull.unwrap();
    assert!(first < second && second < third);
    let all = history(&store, "US", third).await;
    let september = Span::parse("2025-09").unwrap();
    let seen = |as_of| all.view(as_of).exactly(september).map(|point| (point.value, point.status));
    assert_eq!(seen(AsOf::Pull(first)), Some((420.5, Status::Final)));
    assert_eq!(seen(AsOf::Pull(second)), Some((600.0, Status::Final)));
    assert_eq!(seen(AsOf::Latest), Some((600.0, Status::Preliminary)));
    assert_eq!(seen(AsOf::Time(minutes(2))), Some((420.5, Status::Final)));
    assert_eq!(seen(AsOf::Time(NOW)), None);
    assert_eq!(all.view(AsOf::Pull(second)).revised_since(first).len(), 1);
    assert_eq!(told(&history(&store, "US", first).await, "2025-09").len(), 1);
    assert_eq!(told(&history(&store, "US", second).await, "2025-09").len(), 2);
    assert!([first, second, third].iter().all(|pull| all.provenance(*pull).is_some()));
    let august = all.vintages(Span::parse("2025-08").unwrap());
    assert_eq!((august.len(), august[0].pull), (1, first));
}

pub async fn other_digits_are_no_revision_where_the_publisher_rounds(site: Site) {
    let store = site.open().await;
    let append = async |minute, rounds, rows| {
        let pull = NewPull { rounds, ..pull("magnets", minutes(minute)) };
        let Claim::Taken(appended) = append_as(&store, pull, rows).await else { panic!("it is not ours") };
        counts(&appended)
    };
    let september = |value| vec![row("US", "2025-09", value)];
    assert_eq!(append(1, true, september(420.512_34)).await, (1, 0, 0));
    assert_eq!(append(2, true, september(420.5)).await, (0, 0, 1));
    assert_eq!(append(3, true, september(421.5)).await, (0, 1, 0));
    assert_eq!(append(4, false, september(421.512)).await, (0, 1, 0), "from others every digit is news");
    // A whole series that is rounded: figures for which one alone would be news.
    let year = |finely: bool| {
        let value = |month: u32| 0.931_46_f64.mul_add(f64::from(month), 0.002);
        let told = |month| if finely { value(month) } else { (value(month) * 100.0).round() / 100.0 };
        (1..=12).map(|month| row("DE", &format!("2025-{month:02}"), told(month))).collect::<Vec<_>>()
    };
    assert_eq!(append(5, true, year(true)).await, (12, 0, 0));
    let mut coarse = year(false);
    coarse[3] = row("DE", "2025-04", 3.6);
    assert_eq!(append(6, true, coarse).await, (0, 1, 11));
}

pub async fn a_withdrawn_figure_is_a_vintage_without_one(site: Site) {
    let store = site.open().await;
    let rows = vec![row("US", "2025-08", 590.0), row("US", "2025-09", 420.5)];
    let first = append(&store, 1, rows).await.pull.unwrap();
    let taken = append(&store, 2, vec![withdrawn("US", "2025-09"), withdrawn("US", "2025-10")]).await;
    assert_eq!(counts(&taken), (0, 1, 1), "what was never said cannot be taken back");
    let second = taken.pull.unwrap();
    assert_eq!(append(&store, 3, vec![withdrawn("US", "2025-09")]).await.pull, None);
    store.close().await.unwrap();
    let store = site.open().await;
    let all = history(&store, "US", second).await;
    assert_eq!(told(&all, "2025-09"), ["420.5@2025-10-09T08:54:21Z", "x@2025-10-09T08:55:21Z"]);
    assert_eq!(told(&all, "2025-10"), [] as [&str; 0]);
    let september = Span::parse("2025-09").unwrap();
    let value = |as_of| all.view(as_of).exactly(september).map(|point| point.value);
    assert_eq!((value(AsOf::Pull(first)), value(AsOf::Pull(second))), (Some(420.5), None));
    assert_eq!(
        all.view(AsOf::Pull(second)).revised_since(first).iter().filter(|revision| revision.new.is_none()).count(),
        1
    );
    assert_eq!(counts(&append(&store, 4, vec![row("US", "2025-09", 7.0)]).await), (0, 1, 0));
    let third = history(&store, "US", PullId(i64::MAX)).await;
    assert_eq!(told(&third, "2025-09")[1..], ["x@2025-10-09T08:55:21Z", "7@2025-10-09T08:57:21Z"]);
}

pub async fn publications_are_successive_vintages(site: Site) {
    let store = site.open().await;
    let rows = vec![
        published(row("US", "2025-07", 3.0), "2025-10-01T00:00:00Z"),
        published(row("US", "2025-07", 1.0), "2025-08-20T00:00:00Z"),
        published(row("US", "2025-07", 2.0), "2025-09-20T00:00:00Z"),
        published(row("US", "2025-08", 9.0), "2031-01-01T00:00:00Z"),
    ];
    let first = append(&store, 1, rows).await;
    assert_eq!(counts(&first), (2, 2, 0));
    let all = history(&store, "US", PullId(i64::MAX)).await;
    assert_eq!(told(&all, "2025-07"), ["1@2025-08-20T00:00:00Z", "2@2025-09-20T00:00:00Z", "3@2025-10-01T00:00:00Z"]);
    assert_eq!(told(&all, "2025-08"), ["9@2025-10-09T08:54:21Z"], "a publication to come is none");
    let july = Span::parse("2025-07").unwrap();
    let in_september = crate::base::clock::Timestamp::parse("2025-09-25T00:00:00Z").unwrap();
    assert_eq!(all.view(AsOf::Time(in_september)).exactly(july).map(|point| point.value), Some(2.0));
    assert_eq!(all.view(AsOf::Pull(first.pull.unwrap())).exactly(july).map(|point| point.value), Some(3.0));
    // A publication that is not later than what it replaces says nothing of when this became known.
    append(&store, 2, vec![published(row("US", "2025-07", 4.0), "2025-10-01T00:00:00Z")]).await;
    append(&store, 3, vec![published(row("US", "2025-07", 5.0), "2025-10-09T08:56:20Z")]).await;
    let vintages = told(&history(&store, "US", PullId(i64::MAX)).await, "2025-07");
    assert_eq!(vintages[3..], ["4@2025-10-09T08:55:21Z", "5@2025-10-09T08:56:20Z"]);
}

pub async fn a_file_with_its_past_is_read_again_without_news(site: Site) {
    let store = site.open().await;
    let file = || {
        vec![
            published(row("US", "2025-07", 1.0), "2025-08-20T00:00:00Z"),
            published(row("US", "2025-07", 2.0), "2025-09-20T00:00:00Z"),
        ]
    };
    append(&store, 1, file()).await;
    let again = append(&store, 2, file()).await;
    assert_eq!((again.pull, counts(&again)), (None, (0, 0, 2)));
    let mut more = file();
    more.push(published(row("US", "2025-07", 1.0), "2025-10-01T00:00:00Z"));
    assert_eq!(counts(&append(&store, 3, more.clone()).await), (0, 1, 2));
    assert_eq!(append(&store, 4, more).await.pull, None);
    let vintages = told(&history(&store, "US", PullId(i64::MAX)).await, "2025-07");
    assert_eq!(vintages, ["1@2025-08-20T00:00:00Z", "2@2025-09-20T00:00:00Z", "1@2025-10-01T00:00:00Z"]);
}

pub async fn combined_periods_stand_beside_single_ones(site: Site) {
    let store = site.open().await;
    let rows = || vec![row("US", "2025-01/2025-02", 7.0), row("US", "2025-02", 3.0), row("US", "2025-03", 4.0)];
    assert_eq!(counts(&append(&store, 1, rows()).await), (3, 0, 0));
    assert_eq!(counts(&append(&store, 2, rows()).await), (0, 0, 3));
    assert_eq!(counts(&append(&store, 3, vec![row("US", "2025-01/2025-02", 8.0)]).await), (0, 1, 0));
    let all = history(&store, "US", PullId(i64::MAX)).await;
    let value = |span| all.view(AsOf::Latest).exactly(Span::parse(span).unwrap()).map(|point| point.value);
    assert_eq!((value("2025-01/2025-02"), value("2025-02"), value("2025-03")), (Some(8.0), Some(3.0), Some(4.0)));
}

pub async fn every_value_reads_back_equal(site: Site) {
    let store = site.open().await;
    let values = [f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324, 0.1 + 0.2, 1.0, -0.0, 1e15 + 0.3];
    let hostile: Labels = [("feed", "magnets"), ("x", "a\"b\\c\n\u{0}\u{202e}稀")].into_iter().collect();
    for (index, unit) in
        [None, Some("index"), Some("%"), Some("items"), Some("GCNY"), Some("kUSD/ozt")].iter().enumerate()
    {
        let unit = unit.map(|unit| Unit::parse(unit).unwrap());
        let mut labels = hostile.clone();
        labels.set("n", index.to_string());
        let status = Status::ALL[index % 4];
        let rows: Vec<Row> = (1..)
            .zip(values)
            .map(|(month, value)| Row {
                labels: labels.clone(),
                unit: unit.clone(),
                span: Span::parse(&format!("2025-{month:02}")).unwrap(),
                value: Some(Finite::new(value).unwrap()),
                status,
                published: None,
            })
            .collect();
        let minute = u32::try_from(index).unwrap() * 2;
        append(&store, minute, rows.clone()).await;
        assert_eq!(append(&store, minute + 1, rows).await.pull, None, "{unit:?}");
        let series = store.series().await.unwrap().into_iter().find(|series| series.labels == labels).unwrap();
        assert_eq!(series.unit, unit);
        let all = whole(&store, &series, PullId(i64::MAX)).await;
        let points: Vec<f64> = all.view(AsOf::Latest).points().map(|point| point.value).collect();
        assert_eq!(points, values);
        assert!(all.view(AsOf::Latest).points().all(|point| point.status == status));
    }
}

pub async fn another_frequency_or_unit_begins_another_series(site: Site) {
    let store = site.open().await;
    let first = append(&store, 1, vec![row("US", "2025-09", 1.0)]).await.pull.unwrap();
    let monthly = series(&store, "US").await;
    let quarterly = NewPull { frequency: Frequency::Quarter, ..pull("magnets", minutes(2)) };
    append_as(&store, quarterly, vec![row("US", "2025-Q3", 5.0)]).await;
    let all = store.series().await.unwrap();
    assert_eq!((all.len(), all[0].frequency), (1, Frequency::Quarter));
    assert_eq!(store.changed(first).await.unwrap(), [], "what no longer counts is not evaluated");
    assert_eq!(history(&store, "US", PullId(i64::MAX)).await.view(AsOf::Latest).points().count(), 1);
    // Back again, in another unit.
    let counted = Row { unit: Some(Unit::parse("count").unwrap()), ..row("US", "2025-09", 1.0) };
    assert_eq!(counts(&append(&store, 3, vec![counted]).await), (1, 0, 0));
    assert_eq!(store.units("magnets").await.unwrap()[&labels("US")], Some(Unit::parse("count").unwrap()));
    // Back to the first: what was known of it is known still.
    let back = append(&store, 4, vec![row("US", "2025-09", 1.0)]).await;
    assert_eq!(counts(&back), (0, 0, 1));
    assert_eq!(store.series().await.unwrap(), std::slice::from_ref(&monthly));
    assert_eq!(store.changed(first).await.unwrap(), [monthly]);
}

pub async fn a_row_that_cannot_be_is_refused_with_its_pull(site: Site) {
    let store = site.open().await;
    let lease = lease(&store, "magnets", NOW).await;
    let rows = vec![row("US", "2025-08", 1.0), row("US", "2025-Q3", 2.0)];
    let refused = store.append(&lease, pull("magnets", NOW), rows).await;
    assert!(matches!(refused, Err(StoreError::BrokeOff { .. })), "{refused:?}");
    store.close().await.unwrap();
    assert_eq!(site.open().await.series().await.unwrap(), []);
}

pub async fn a_tick_is_answered_once(site: Site) {
    let store = site.open().await;
    let failing = lease(&store, "magnets", NOW).await;
    store.fail(&failing, failed(NOW)).await.unwrap();
    store.release_feed(&failing).await.unwrap();
    let first = append_as(&store, pull("magnets", NOW), vec![row("US", "2025-09", 1.0)]).await;
    assert!(matches!(first, Claim::Taken(_)), "a failure leaves the tick open");
    let again = append_as(&store, pull("magnets", NOW), vec![row("US", "2025-09", 2.0)]).await;
    assert_eq!(again, Claim::Finished);
    assert_eq!(told(&history(&store, "US", PullId(i64::MAX)).await, "2025-09").len(), 1);
    let other = append_as(&store, pull("other", NOW), Vec::new()).await;
    assert!(matches!(other, Claim::Taken(_)), "another feed has its own ticks");
}

fn failed(at: crate::base::clock::Timestamp) -> FailedPull {
    FailedPull {
        feed: "magnets".into(),
        scheduled_for: at,
        at,
        reason: "no column `tonnes`".into(),
        set_aside: true,
        http_status: None,
        raw: Some(vec![b'x'; 100_000]),
        refused: vec![Refusal { row: 2, column: None, reason: "no period".into() }],
        refused_count: 1,
        next_due_at: Some(at.plus(MINUTE)),
    }
}

pub async fn a_lease_is_held_until_it_runs_out(site: Site) {
    let store = site.open().await;
    let first = lease(&store, "magnets", NOW).await;
    let other = Holder("8-b".into());
    let early = store.lease_feed("magnets", &other, minutes(0), MINUTE).await.unwrap();
    assert_eq!(early, Claim::Held { by: "7-a".into(), until: minutes(1) });
    assert!(matches!(store.lease_feed("tin", &other, NOW, MINUTE).await.unwrap(), Claim::Taken(_)));
    let Claim::Taken(second) = store.lease_feed("magnets", &other, minutes(1), MINUTE).await.unwrap() else {
        panic!("a lease that ran out is free")
    };
    assert!(second.epoch > first.epoch);
    store.release_feed(&first).await.unwrap();
    let held = store.lease_feed("magnets", &holder(), minutes(1), MINUTE).await.unwrap();
    assert!(matches!(held, Claim::Held { .. }), "who lost a lease cannot release another's");
    store.release_feed(&second).await.unwrap();
    let third = lease(&store, "magnets", minutes(1)).await;
    assert!(third.epoch > second.epoch);
}

pub async fn a_lost_lease_writes_nothing(site: Site) {
    let store = site.open().await;
    let stale = lease(&store, "magnets", NOW).await;
    let current = lease(&store, "magnets", minutes(2)).await;
    let forged = Lease { holder: "9-c".into(), ..current.clone() };
    for lost in [&stale, &forged] {
        let claim = store.append(lost, pull("magnets", minutes(2)), vec![row("US", "2025-09", 1.0)]).await.unwrap();
        assert_eq!(claim, Claim::Held { by: "7-a".into(), until: minutes(3) });
        store.unchanged(lost, minutes(2), Some(minutes(9))).await.unwrap();
        store.fail(lost, failed(minutes(2))).await.unwrap();
    }
    assert_eq!(store.series().await.unwrap(), []);
    assert_eq!(store.feed("magnets").await.unwrap(), FeedState::default());
    store.release_feed(&current).await.unwrap();
    let released = store.append(&current, pull("magnets", minutes(2)), Vec::new()).await.unwrap();
    assert_eq!(released, Claim::Finished, "a released lease is lost, too");
    assert_eq!(store.feed("magnets").await.unwrap(), FeedState::default());
}

pub async fn what_is_remembered_of_a_feed(site: Site) {
    let store = site.open().await;
    assert_eq!(store.feed("magnets").await.unwrap(), FeedState::default());
    append(&store, 5, vec![row("US", "2025-09", 1.0)]).await;
    let well = FeedState {
        spec_hash: Some("spec".into()),
        next_due_at: Some(minutes(65)),
        etag: Some("\"e\"".into()),
        last_modified: None,
        content_sha256: Some("hash at 2025-10-09T08:58:20Z".into()),
        last_ok_at: Some(minutes(5).plus(std::time::Duration::from_secs(1))),
        failures: 0,
        failing_since: None,
        last_error: None,
        marks: [("release".to_owned(), minutes(5).to_string())].into(),
    };
    assert_eq!(store.feed("magnets").await.unwrap(), well);
    failing_thrice(&store).await;
    let ill = FeedState {
        next_due_at: Some(minutes(9)),
        failures: 3,
        failing_since: Some(minutes(6)),
        last_error: Some("no column `tonnes`".into()),
        ..well.clone()
    };
    assert_eq!(store.feed("magnets").await.unwrap(), ill);
    let lease = lease(&store, "magnets", minutes(20)).await;
    store.unchanged(&lease, minutes(20), None).await.unwrap();
    let same = FeedState { next_due_at: None, last_ok_at: Some(minutes(20)), ..well };
    assert_eq!(store.feed("magnets").await.unwrap(), same);
    let all = store.feeds().await.unwrap();
    assert_eq!(all.keys().collect::<Vec<_>>(), ["magnets"]);
    assert_eq!(all["magnets"], same);
}

pub async fn pulls_are_told_newest_first(site: Site) {
    let store = site.open().await;
    append(&store, 1, vec![row("US", "2025-08", 1.0), row("DE", "2025-09", 2.0)]).await;
    append(&store, 2, vec![row("US", "2025-08", 1.5), withdrawn("DE", "2025-09")]).await;
    append(&store, 3, vec![row("US", "2025-08", 1.5)]).await;
    let lease = lease(&store, "magnets", minutes(4)).await;
    store.fail(&lease, failed(minutes(4))).await.unwrap();
    store.fail(&lease, FailedPull { set_aside: false, raw: None, ..failed(minutes(5)) }).await.unwrap();
    append_as(&store, pull("other", NOW), Vec::new()).await;
    let pulls = store.pulls("magnets", 10).await.unwrap();
    let told = |pull: &PullRecord| (pull.outcome, counts(&pull.appended), pull.refused_count, pull.bytes);
    assert_eq!(
        pulls.iter().map(told).collect::<Vec<_>>(),
        [
            (PullOutcome::Failed, (0, 0, 0), 1, None),
            (PullOutcome::SetAside, (0, 0, 0), 1, Some(100_000)),
            (PullOutcome::Same, (0, 0, 1), 0, Some(12)),
            (PullOutcome::Changed, (0, 2, 0), 0, Some(12)),
            (PullOutcome::Changed, (2, 0, 0), 0, Some(12)),
        ]
    );
    assert_eq!(pulls[0].reason.as_deref(), Some("no column `tonnes`"));
    assert_eq!(pulls[0].refused, failed(NOW).refused);
    assert_eq!((pulls[0].at, pulls[4].at), (minutes(5), minutes(1).plus(std::time::Duration::from_secs(1))));
    assert_eq!(pulls[4].url.as_deref(), Some("https://magnets.example/"));
    assert_eq!(pulls[3].sha256.as_deref(), Some("hash at 2025-10-09T08:55:20Z"));
    assert!(pulls[2].appended.pull.is_none() && pulls[3].appended.pull > pulls[4].appended.pull);
    assert_eq!(store.pulls("magnets", 2).await.unwrap(), pulls[..2]);
    assert_eq!(store.pulls("unknown", 2).await.unwrap(), []);
    let latest = Some(Period::parse("2025-08").unwrap());
    assert_eq!(store.holding("magnets").await.unwrap(), Holding { series: 2, latest });
    assert_eq!(store.holding("other").await.unwrap(), Holding::default());
}

/// A quota is counted across restarts, by account and window.
pub async fn requests_count_against_their_quota(site: Site) {
    let store = site.open().await;
    let spend =
        async |store: &Store, account: &str, window: u32| store.spend(account, minutes(window), 2).await.unwrap();
    assert!(!store.spend("nobody", minutes(0), 0).await.unwrap(), "no request is allowed");
    assert_eq!([spend(&store, "a", 0).await, spend(&store, "b", 0).await], [true, true]);
    store.close().await.unwrap();
    let store = site.open().await;
    assert_eq!([spend(&store, "a", 0).await, spend(&store, "a", 0).await], [true, false]);
    assert_eq!(store.spent("a", minutes(0)).await.unwrap(), 2);
    assert_eq!(store.spent("a", minutes(1)).await.unwrap(), 0, "a new window");
    assert_eq!([spend(&store, "a", 1).await, spend(&store, "a", 0).await], [true, true]);
    assert!(!spend(&store, "a", 0).await, "a clock that went back begins no new window");
    assert_eq!(store.spent("b", minutes(0)).await.unwrap(), 1);
}

async fn failing_thrice(store: &Store) {
    for minute in 6..9 {
        let lease = lease(store, "magnets", minutes(minute)).await;
        store.fail(&lease, failed(minutes(minute))).await.unwrap();
        store.release_feed(&lease).await.unwrap();
    }
}

pub async fn histories_are_read_in_the_order_asked(site: Site) {
    let store = site.open().await;
    let first = append(&store, 1, vec![row("US", "2025-09", 1.0), row("DE", "2025-09", 2.0)]).await.pull.unwrap();
    append(&store, 2, vec![row("US", "2025-09", 3.0), row("FR", "2025-09", 4.0)]).await;
    let [german, french, american] =
        [series(&store, "DE").await, series(&store, "FR").await, series(&store, "US").await];
    let asked = [american.clone(), french, german, american];
    let figures = async |until| {
        let histories = store.histories(&asked, until).await.unwrap();
        let figure = |history: &crate::series::History| {
            assert_eq!(history.unit(), asked[0].unit.as_ref());
            let provenance = history.provenance(first).map(|provenance| provenance.url.clone());
            assert_eq!(provenance.is_some(), history.labels() != &labels("FR"));
            told(history, "2025-09").iter().map(|told| told.split('@').next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        histories.iter().map(figure).collect::<Vec<_>>()
    };
    assert_eq!(figures(first).await, [vec!["1"], vec![], vec!["2"], vec!["1"]]);
    assert_eq!(figures(PullId(i64::MAX)).await, [vec!["1", "3"], vec!["4"], vec!["2"], vec!["1", "3"]]);
    assert!(store.histories(&[], first).await.unwrap().is_empty());
}

fn item(id: &str, day: &str, title: &str) -> Item {
    Item {
        id: id.into(),
        title: title.into(),
        url: Some(format!("https://notices.example/{id}")),
        summary: "In short.".into(),
        day: Period::parse(day).unwrap(),
        tags: vec![("type".into(), "Rule".into())],
        corrects: Some("2026-1".into()),
        effective: None,
        ends: Some(Period::parse("2026-11-10").unwrap()),
    }
}

/// Appends items to the feed `notices` in some minute.
async fn append_items(store: &Store, minute: u32, items: Vec<Item>) -> Appended {
    let labels: Labels = [("feed", "notices")].into_iter().collect();
    let daily = NewPull { frequency: Frequency::Day, items, labels, ..pull("notices", minutes(minute)) };
    match append_as(store, daily, Vec::new()).await {
        Claim::Taken(appended) => appended,
        other => panic!("{other:?}"),
    }
}

pub async fn an_item_is_kept_as_it_was_first_said(site: Site) {
    let store = site.open().await;
    let first =
        append_items(&store, 1, vec![item("b", "2026-09-24", "Measures"), item("a", "2026-09-24", "Lists")]).await;
    assert_eq!((first.items, first.new), (2, 1));
    let edited = vec![item("a", "2026-09-25", "Lists, edited"), item("b", "2026-09-24", "Measures")];
    let again = append_items(&store, 2, edited).await;
    assert_eq!((again.items, again.pull), (0, None), "an edit, or another order, is nothing new");
    let series = store.series().await.unwrap();
    let history = whole(&store, &series[0], first.pull.unwrap()).await;
    let known: Vec<&Item> = history.items().iter().map(|known| &known.item).collect();
    assert_eq!(known, [&item("a", "2026-09-24", "Lists"), &item("b", "2026-09-24", "Measures")]);
    assert_eq!(Some(history.items()[0].pull), first.pull);
    store.close().await.unwrap();
}

pub async fn items_are_counted_by_day(site: Site) {
    let store = site.open().await;
    append_items(&store, 1, vec![item("a", "2026-09-24", "A"), item("b", "2026-09-23", "B")]).await;
    let second = append_items(&store, 2, vec![item("c", "2026-09-24", "C"), item("a", "2026-09-24", "A")]).await;
    assert_eq!((second.items, second.new, second.revised), (1, 0, 1));
    let series = store.series().await.unwrap();
    assert_eq!((series.len(), series[0].unit.clone()), (1, Unit::parse("count").ok()));
    let history = whole(&store, &series[0], second.pull.unwrap()).await;
    assert_eq!(told(&history, "2026-09-24").len(), 2);
    assert!(told(&history, "2026-09-24")[1].starts_with("2@") && told(&history, "2026-09-23")[0].starts_with("1@"));
    let before = PullId(second.pull.unwrap().0 - 1);
    assert_eq!(whole(&store, &series[0], before).await.items().len(), 2, "what came later was not known");
    store.close().await.unwrap();
}
