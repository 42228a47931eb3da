//! What is particular to SQLite: the file, its lock, its errors, and what a crash leaves of it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use rusqlite::{Connection, StatementStatus, ffi};

use super::Sqlite;
use super::lock::beside;
use super::schema::APPLICATION_ID;
use crate::outbox::{Next, Outcome};
use crate::series::PullId;
use crate::store::contract::NOW;
use crate::store::contract::fixture::*;
use crate::store::sql;
use crate::store::sql::End;
use crate::store::sql::Fault;
use crate::store::{Claim, DeliveryQuery, DeliveryState, Location, SeriesQuery, Store, StoreError};

/// A directory for a store and the path of the store in it.
struct Place {
    directory: tempfile::TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store.db");
        Self { directory, path }
    }

    async fn open(&self) -> Store {
        self.try_open().await.unwrap()
    }

    async fn try_open(&self) -> Result<Store, StoreError> {
        Store::open(&Location::Sqlite(self.path.clone()), NOW).await
    }

    /// A closed store with two pulls and a message.
    async fn filled() -> Self {
        let place = Self::new();
        let store = place.open().await;
        append(&store, 1, vec![row("US", "2025-09", 420.5)]).await;
        append(&store, 2, vec![row("US", "2025-09", 600.0)]).await;
        fire(&store, "US", &["desk"]).await;
        store.close().await.unwrap();
        place
    }

    fn files(&self) -> Vec<String> {
        let names = fs::read_dir(self.directory.path()).unwrap();
        let mut names: Vec<String> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn sqlite(store: &Store) -> &Sqlite {
    let Store::Sqlite(sqlite) = store else { panic!("another store") };
    sqlite
}

/// The name of an error's variant.
fn variant(opened: Result<Store, StoreError>) -> String {
    let text = opened.map(|_| ()).map_err(|error| format!("{error:?}")).unwrap_err();
    text.split([' ', '{']).next().unwrap().to_owned()
}

/// What opening refuses, and that it leaves the file as it is.
#[track_caller]
fn refused(fill: impl FnOnce(&Path), expected: &str) {
    let place = Place::new();
    fill(&place.path);
    let before = fs::read(&place.path).ok();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime.block_on(async { variant(place.try_open().await) }), expected);
    let copy = runtime.block_on(Store::open_copy(&Location::Sqlite(place.path.clone()), NOW));
    assert_eq!(variant(copy), expected, "a copy");
    assert_eq!(fs::read(&place.path).ok(), before);
}

fn database(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn what_is_no_store_is_refused_and_stays_as_it_is() {
    refused(|path| fs::create_dir(path).unwrap(), "Directory");
    refused(|path| fs::write(path, "period,tonnes\n2025-09,420.5\n".repeat(100)).unwrap(), "NotADatabase");
    refused(|path| fs::write(path, "x").unwrap(), "NotADatabase");
    refused(|path| fs::write(path, b"SQLite format 3\0").unwrap(), "Damaged");
    refused(|path| database(path, "CREATE TABLE t(a); PRAGMA application_id = 7"), "Foreign");
    refused(|path| database(path, "CREATE TABLE t(a)"), "Foreign");
    refused(|path| database(path, "PRAGMA journal_mode = WAL; CREATE TABLE t(a)"), "Foreign");
    let newer = format!("CREATE TABLE t(a); PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 99");
    refused(|path| database(path, &newer), "Newer");
}

#[tokio::test]
async fn a_place_that_cannot_hold_a_store_is_refused() {
    let open = async |path: PathBuf| variant(Store::open(&Location::Sqlite(path), NOW).await);
    let place = Place::filled().await;
    assert_eq!(open(place.directory.path().join("none/store.db")).await, "NoDirectory");
    assert_eq!(open(place.path.join("store.db")).await, "NoDirectory");
    assert_eq!(open(PathBuf::from("/")).await, "Directory");
    assert_eq!(open(PathBuf::from("/dev/null")).await, "NotADatabase");
    // Not even root can make a file there.
    assert_eq!(open(PathBuf::from("/sys/supplywatch-test.db")).await, "Denied");
}

#[tokio::test]
async fn damage_is_refused() {
    let good = Place::filled().await;
    let bytes = fs::read(&good.path).unwrap();
    let damaged = async |bytes: &[u8]| {
        fs::write(&good.path, bytes).unwrap();
        variant(good.try_open().await)
    };
    assert_eq!(damaged(&bytes[..bytes.len() - 4096]).await, "Damaged");
    assert_eq!(damaged(&bytes[..50]).await, "Damaged");
    let mut undetected = Vec::new();
    for page in 1..bytes.len() / 4096 {
        let mut zeroed = bytes.clone();
        zeroed[page * 4096..(page + 1) * 4096].fill(0);
        if damaged(&zeroed).await != "Damaged" {
            undetected.push(page);
        }
    }
    assert_eq!(undetected, Vec::<usize>::new());
    fs::write(&good.path, &bytes).unwrap();
    good.open().await.close().await.unwrap();
}

#[tokio::test]
async fn a_newer_store_is_refused_beside_its_owner_too() {
    let place = Place::filled().await;
    let beside = Store::open_beside(&Location::Sqlite(place.path.clone()), NOW).await;
    beside.unwrap().close().await.unwrap();
    database(&place.path, "PRAGMA user_version = 99");
    assert_eq!(variant(Store::open_beside(&Location::Sqlite(place.path.clone()), NOW).await), "Newer");
}

#[tokio::test]
async fn a_second_owner_is_refused_while_the_first_lives() {
    let place = Place::new();
    let first = place.open().await;
    let second = place.try_open().await.map(|_| ());
    let told = second.unwrap_err().to_string();
    assert!(told.contains(&format!("(process {})", std::process::id())), "{told}");
    let link = place.directory.path().join("link.db");
    std::os::unix::fs::symlink(&place.path, &link).unwrap();
    assert_eq!(variant(Store::open(&Location::Sqlite(link), NOW).await), "Held", "another name is the same store");
    first.close().await.unwrap();
    place.open().await;
}

#[tokio::test]
async fn files_are_private_and_none_is_left_but_the_lock() {
    let place = Place::new();
    let store = place.open().await;
    append(&store, 1, vec![row("US", "2025-09", 1.0)]).await;
    assert_eq!(place.files(), ["store.db", "store.db-lock", "store.db-shm", "store.db-wal"]);
    for file in place.files() {
        let mode = fs::metadata(place.directory.path().join(&file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    store.checkpoint().await.unwrap();
    let header = fs::read(&place.path).unwrap();
    assert_eq!(header[68..72], APPLICATION_ID.to_be_bytes(), "a checkpoint brings the log into the file");
    store.close().await.unwrap();
    assert_eq!(place.files(), ["store.db", "store.db-lock"]);
}

#[tokio::test]
async fn a_store_is_set_to_lose_nothing() {
    let place = Place::new();
    let store = place.open().await;
    let setting = async |name: &'static str| {
        let read = move |connection: &mut Connection| {
            Ok(connection.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))?)
        };
        match sqlite(&store).thread.call(read).await.unwrap() {
            rusqlite::types::Value::Integer(number) => number.to_string(),
            other => format!("{other:?}"),
        }
    };
    assert_eq!(setting("journal_mode").await, r#"Text("wal")"#);
    for (name, value) in [
        ("synchronous", "2"),
        ("wal_autocheckpoint", "0"),
        ("foreign_keys", "1"),
        ("trusted_schema", "0"),
        ("cell_size_check", "1"),
        ("busy_timeout", "10000"),
    ] {
        assert_eq!(setting(name).await, value, "{name}");
    }
}

/// A final error: this call says what it was, every later one that the store is closed, and the file is whole.
async fn ends(fault: Fault, expected: &str) {
    let place = Place::filled().await;
    let store = place.open().await;
    let before = seen(&store).await;
    let work = move |transaction: &Connection| {
        transaction.execute("DELETE FROM delivery", [])?;
        Err::<End<()>, Fault>(fault)
    };
    let error = sqlite(&store).thread.write(work).await.unwrap_err();
    assert!(format!("{error:?}").starts_with(expected), "{error:?}");
    match store.series().await {
        Err(StoreError::Ended { why, .. }) => assert!(why.starts_with(&error.to_string()), "{why}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(variant(place.try_open().await), "Held", "what ended is not let go of before the process ends");
    store.close().await.unwrap();
    assert_eq!(seen(&place.open().await).await, before);
}

fn failure(code: i32) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
}

#[tokio::test]
async fn a_final_error_ends_the_store() {
    ends(Fault::Sql(failure(ffi::SQLITE_IOERR_READ)), "Io").await;
    ends(Fault::Commit(failure(ffi::SQLITE_IOERR_FSYNC)), "Unknown").await;
    ends(Fault::Sql(failure(ffi::SQLITE_CORRUPT)), "Damaged").await;
    ends(Fault::unreadable("unit", "parsec"), "Unreadable").await;
}

#[tokio::test]
async fn a_panic_ends_the_store_and_stores_nothing() {
    let place = Place::filled().await;
    let store = place.open().await;
    let before = seen(&store).await;
    let work = |transaction: &Connection| -> Result<End<()>, Fault> {
        transaction.execute("DELETE FROM delivery", [])?;
        panic!("out of cheese");
    };
    let error = sqlite(&store).thread.write(work).await.unwrap_err();
    assert!(error.to_string().contains("out of cheese"), "{error}");
    assert!(matches!(store.series().await, Err(StoreError::Ended { .. })));
    store.close().await.unwrap();
    assert_eq!(seen(&place.open().await).await, before);
}

#[tokio::test]
async fn a_full_disk_stores_nothing_and_ends_nothing() {
    let place = Place::filled().await;
    let store = place.open().await;
    let limit = async |pages: i64| {
        let set = move |connection: &mut Connection| {
            Ok(connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?)
        };
        sqlite(&store).thread.call(set).await.unwrap();
    };
    let before = seen(&store).await;
    limit(1).await;
    let lease = lease(&store, "magnets", minutes(50)).await;
    let rows = |count: i32| (0..count).map(|month| row(&format!("P{month}"), "2025-09", 1.0)).collect::<Vec<_>>();
    match store.append(&lease, pull("magnets", minutes(50)), rows(500)).await {
        Err(error @ StoreError::Full { .. }) => assert!(!error.is_final()),
        other => panic!("{other:?}"),
    }
    assert_eq!(seen(&store).await, before);
    limit(100_000).await;
    let claim = store.append(&lease, pull("magnets", minutes(50)), rows(500)).await.unwrap();
    assert!(matches!(claim, Claim::Taken(appended) if appended.new == 500));
}

#[tokio::test]
async fn a_copy_leaves_the_directory_as_it_is() {
    let place = Place::filled().await;
    let location = Location::Sqlite(place.path.clone());
    fs::remove_file(beside(&place.path, "-lock")).unwrap();
    let before = fs::read(&place.path).unwrap();
    let copy = Store::open_copy(&location, NOW).await.unwrap();
    assert_eq!(copy.series().await.unwrap().len(), 1);
    copy.close().await.unwrap();
    assert_eq!(place.files(), ["store.db"]);
    assert_eq!(fs::read(&place.path).unwrap(), before);

    let store = place.open().await;
    append(&store, 7, vec![row("DE", "2025-09", 1.0)]).await;
    let log = fs::read(beside(&place.path, "-wal")).unwrap();
    let copy = Store::open_copy(&location, NOW).await.unwrap();
    assert_eq!(copy.series().await.unwrap().len(), 2, "what is in the log is in the copy");
    copy.close().await.unwrap();
    assert_eq!(fs::read(beside(&place.path, "-wal")).unwrap(), log);
    assert_eq!(fs::read(&place.path).unwrap(), before);
    drop(store);
}

/// A store as a crash may leave it: the log cut off anywhere, or its last page torn. Whatever was
/// acknowledged before the cut is there, whole; of what was under way all is there or nothing.
#[tokio::test]
async fn a_crash_leaves_what_was_acknowledged() {
    let place = Place::new();
    let store = place.open().await;
    let log_path = beside(&place.path, "-wal");
    let length = || usize::try_from(fs::metadata(&log_path).unwrap().len()).unwrap();
    let mut acknowledged = vec![(length(), seen(&store).await)];
    let mut leased = Vec::new();
    for step in 0..8 {
        work(&store, step, &mut leased).await;
        acknowledged.push((length(), seen(&store).await));
    }
    assert!(acknowledged.windows(2).all(|pair| pair[0].1 != pair[1].1), "each step can be seen");
    let (file, log) = (fs::read(&place.path).unwrap(), fs::read(&log_path).unwrap());
    let mut after = Vec::new();
    for (index, end) in (32..=log.len()).step_by(FRAME).enumerate() {
        let mut images = vec![log[..end].to_vec()];
        if index % 3 == 0 && end + FRAME <= log.len() {
            let mut torn = log[..end + FRAME].to_vec();
            torn[end + 2000..].fill(0);
            images.push(torn);
        }
        for image in images {
            let found = recovered(&file, &image).await;
            let done = acknowledged.iter().take_while(|(length, _)| *length <= end).count();
            let Some(done) = done.checked_sub(1) else {
                assert!(found.ends_with("{} [] [] [] [] []"), "cut at {end}, in the making: {found}");
                continue;
            };
            let at = acknowledged.iter().position(|(_, seen)| *seen == found);
            assert!(at == Some(done) || at == Some(done + 1), "cut at {end}: after step {done}, found {at:?}: {found}");
            after.extend(at);
        }
    }
    after.dedup();
    assert_eq!(after, (0..=8).collect::<Vec<_>>(), "every step was seen alone");
}

/// A crash in the middle of a checkpoint: the file ends anywhere, and the log has all of it.
#[tokio::test]
async fn a_checkpoint_that_was_cut_off_is_made_up_for() {
    let place = Place::new();
    let store = place.open().await;
    append(&store, 2, (0..300).map(|n| row(&format!("P{n}"), "2025-08", 1.0)).collect()).await;
    fire(&store, "US", &["desk", "hook"]).await;
    let before = seen(&store).await;
    store.checkpoint().await.unwrap();
    let (file, log) = (fs::read(&place.path).unwrap(), fs::read(beside(&place.path, "-wal")).unwrap());
    assert!(file.len() > 20 * 4096 && log.len() > 20 * FRAME);
    for end in (4096..=file.len()).step_by(4096) {
        assert!(recovered(&file[..end], &log).await == before, "the file has {end} bytes");
    }
}

/// A page in the log with its header.
const FRAME: usize = 4096 + 24;

/// An import checks no reference; what comes after it does again, however the import ended.
#[tokio::test]
async fn after_an_import_references_are_checked_again() {
    let place = Place::new();
    let store = place.open().await;
    let lease = lease(&store, "magnets", minutes(50)).await;
    let (reader, pieces) = tokio::sync::mpsc::channel(1);
    drop(reader);
    store.import(&lease, pull("magnets", minutes(50)), pieces).await.unwrap();
    let checked = |connection: &mut Connection| Ok(connection.query_row("PRAGMA foreign_keys", [], |row| row.get(0))?);
    assert!(sqlite(&store).thread.call::<bool>(checked).await.unwrap());
}

/// One thing that a daemon does, with one commit that can be seen.
async fn work(store: &Store, step: u32, leased: &mut Vec<crate::store::Leased>) {
    match step {
        0 => _ = append(store, 1, vec![row("US", "2025-08", 590.0), row("DE", "2025-08", 1.0)]).await,
        1 => fire(store, "US", &["desk", "hook"]).await,
        2 => _ = append(store, 2, (0..300).map(|n| row(&format!("P{n}"), "2025-08", 1.0)).collect()).await,
        3 | 5 => *leased = due(store, 31 + step * 2, false).await,
        4 => put_off(store, &leased[0], 32).await,
        6 => {
            let reject = Outcome::Reject { why: "400".into() };
            assert!(record(store, &leased[1], attempt(40, reject), Next::Dead).await);
        }
        _ => _ = append(store, 3, vec![row("US", "2025-08", 600.0)]).await,
    }
}

/// What a start finds after a crash.
async fn recovered(file: &[u8], log: &[u8]) -> String {
    let place = Place::new();
    fs::write(&place.path, file).unwrap();
    fs::write(beside(&place.path, "-wal"), log).unwrap();
    let store = place.open().await;
    let check = |connection: &mut Connection| {
        let dangling = connection.prepare("PRAGMA foreign_key_check")?.exists([])?;
        Ok((connection.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0))?, dangling))
    };
    assert_eq!(sqlite(&store).thread.call(check).await.unwrap(), ("ok".to_owned(), false));
    let seen = seen(&store).await;
    store.close().await.unwrap();
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_take_each_thing_once() {
    let place = Place::new();
    let store = place.open().await;
    for partner in 0..20 {
        fire(&store, &partner.to_string(), &["desk"]).await;
    }
    let beside = Store::open_beside(&Location::Sqlite(place.path.clone()), NOW).await.unwrap();
    let takers = (0..8).map(|taker| {
        let store = if taker % 2 == 0 { store.clone() } else { beside.clone() };
        async move {
            let mut taken = Vec::new();
            loop {
                let one =
                    store.lease_due(&taking(minutes(31), 1), &[crate::store::Place::new("desk", 9)]).await.unwrap();
                let Some(one) = one.into_iter().next() else { return taken };
                taken.push(one.delivery.id.clone());
                succeed(&store, &one).await;
            }
        }
    });
    let mut taken = futures_util::future::join_all(takers).await.concat();
    taken.sort();
    let count = taken.len();
    taken.dedup();
    assert_eq!((count, taken.len()), (20, 20));

    let lease = lease(&store, "magnets", NOW).await;
    let pulls = (0..8).map(|value| {
        let (store, lease) = (store.clone(), lease.clone());
        async move { store.append(&lease, pull("magnets", NOW), vec![row("US", "2025-09", f64::from(value))]).await }
    });
    let claims = futures_util::future::join_all(pulls).await;
    let taken = claims.iter().filter(|claim| matches!(claim, Ok(Claim::Taken(_)))).count();
    assert_eq!(
        (taken, history(&store, "US", PullId(9)).await.view(crate::series::AsOf::Latest).points().count()),
        (1, 1)
    );
}

/// What is asked to find work.
fn searches() -> [String; 3] {
    [sql::due_of_receiver(), sql::next_of_receiver(), sql::PENDING.to_owned()]
}

#[tokio::test]
async fn work_is_searched_by_indices_of_what_is_pending_alone() {
    let store = Place::new().open().await;
    let mut steps = Vec::new();
    for sql in searches() {
        steps.extend(plan(&store, sql).await.lines().map(ToOwned::to_owned));
    }
    let looks = |step: &&String| {
        let table = step.strip_prefix("SCAN ").or_else(|| step.strip_prefix("SEARCH "));
        table.is_some_and(|table| ["d", "p", "b", "delivery"].contains(&table.split(' ').next().unwrap()))
    };
    let of_deliveries: Vec<&String> = steps.iter().filter(looks).collect();
    assert_eq!(of_deliveries.len(), 8, "{steps:#?}");
    for step in of_deliveries {
        let pending_alone = ["delivery_pending", "delivery_oldest", "delivery_bundle"];
        assert!(pending_alone.iter().any(|index| step.contains(&format!("INDEX {index}"))), "{step}");
        assert!(!step.contains("TEMP B-TREE"), "{step}");
    }
}

/// Neither dead nor sent deliveries are touched by the search for work: it takes the same number of steps.
#[tokio::test]
async fn ten_thousand_dead_letters_do_not_slow_a_claim() {
    let place = Place::new();
    let store = place.open().await;
    fire(&store, "US", &["desk", "hook"]).await;
    let steps = async || {
        sqlite(&store)
            .thread
            .call(|connection| {
                let places = ["desk", "hook"].map(|name| crate::store::Place::new(name, 24));
                let found = sql::due(&sql::Connection::Sqlite(connection), &taking(minutes(31), 24), &places)?;
                assert_eq!(found.len(), 2);
                let mut count = 0;
                for sql in searches() {
                    let mut statement = connection.prepare(&sql)?;
                    for (place, value) in ["desk", "9999999999999", "9999999999999", "24", "0", "1"].iter().enumerate()
                    {
                        if place < statement.parameter_count() {
                            statement.raw_bind_parameter(place + 1, value)?;
                        }
                    }
                    let mut rows = statement.raw_query();
                    while rows.next()?.is_some() {}
                    drop(rows);
                    count += statement.get_status(StatementStatus::VmStep);
                }
                Ok(count)
            })
            .await
            .unwrap()
    };
    let before = steps().await;
    let bury = |transaction: &Connection| {
        let fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
            INSERT INTO delivery(id, receiver, alert, message, created_at, patience_from, not_before, state, last_error)
            SELECT 'dead ' || i, 'desk', alert, message, 0, 0, 0, iif(i % 2, 'dead', 'sent'), 'why'
            FROM n, (SELECT alert, message FROM delivery LIMIT 1)";
        transaction.execute(fill, [])?;
        Ok(End::Commit(()))
    };
    sqlite(&store).thread.write(bury).await.unwrap();
    assert_eq!(steps().await, before);
}

/// The steps by which a statement is answered.
async fn plan(store: &Store, sql: String) -> String {
    let explain = move |connection: &mut Connection| {
        let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
        let mut rows = explain.raw_query();
        let mut steps = Vec::new();
        while let Some(row) = rows.next()? {
            steps.push(row.get::<_, String>(3)?);
        }
        Ok(steps.join("\n"))
    };
    sqlite(store).thread.call(explain).await.unwrap()
}

/// Neither what is sorted nor what is looked through is all there is.
#[tokio::test]
async fn lists_are_read_by_their_indices() {
    let store = Place::new().open().await;
    let alerts = plan(&store, sql::listed()).await;
    assert_eq!(alerts, "SEARCH alert USING INDEX alert_listed (gravity>? AND gravity<?)");
    let series = plan(&store, format!("SELECT s.id, s.labels {}", sql::LISTED)).await;
    assert!(series.contains("SEARCH s USING COVERING INDEX sqlite_autoindex_series_1 (feed=?)"), "{series}");
    assert!(series.contains("COVERING INDEX series_former") && !series.contains("TEMP B-TREE FOR ORDER"), "{series}");
    let all = DeliveryQuery::default;
    for (query, index) in [
        (all(), "SCAN delivery"),
        (DeliveryQuery { state: Some(DeliveryState::Dead), ..all() }, "INDEX delivery_unsent"),
        (DeliveryQuery { receiver: Some("r".into()), ..all() }, "INDEX delivery_receiver"),
        (DeliveryQuery { alert: Some("a".into()), ..all() }, "INDEX delivery_alert"),
        (DeliveryQuery { rule: Some("a".into()), ..all() }, "INDEX delivery_alert"),
        (DeliveryQuery { failed: true, ..all() }, "INDEX delivery_failed"),
    ] {
        let found = plan(&store, sql::numbers(&query).0).await;
        assert!(found.contains(index), "{query:?}: {found}");
    }
}

#[tokio::test]
async fn a_read_that_does_not_end_is_cut_off() {
    let place = Place::new();
    let store = place.open().await;
    let reader = store.reader().await.unwrap();
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let ask = |connection: &mut Connection| Ok(connection.query_row(endless, [], |row| row.get::<_, i64>(0))?);
    let cut = sqlite(&reader).thread.call(ask).await;
    assert!(matches!(cut, Err(StoreError::TooLong { .. })), "{cut:?}");
    let broken = sqlite(&reader).thread.call(|_| -> Result<(), Fault> { panic!("in a page") }).await;
    assert!(matches!(broken, Err(StoreError::BrokeOff { .. })), "{broken:?}");
    for _ in 0..4 {
        assert_eq!(reader.alerts().await.unwrap(), [], "what read goes on");
    }
    fire(&store, "US", &[]).await;
    assert_eq!(reader.alerts().await.unwrap().len(), 1, "and sees what is new");
}

/// While pages are read without a pause, the log is brought into the file and used anew.
#[tokio::test(flavor = "multi_thread")]
async fn reading_all_the_time_does_not_let_the_log_grow() {
    let place = Place::new();
    let store = place.open().await;
    let rows = |from: u32| (from..from + 50).map(|n| row(&format!("P{n}"), "2025-09", f64::from(n))).collect();
    let done = AtomicBool::new(false);
    let read = async |reader: Store| {
        let mut read = 0;
        while !done.load(Relaxed) {
            reader.find_series(SeriesQuery { limit: 50, ..SeriesQuery::default() }).await.unwrap();
            read += 1;
        }
        read
    };
    let write = async {
        let (mut longest, mut written) = (0, 0);
        for minute in 0..200 {
            append(&store, minute, rows(50 * minute)).await;
            let facts = store.facts().await.unwrap();
            store.checkpoint().await.unwrap();
            longest = longest.max(facts.log_bytes);
            written = facts.file_bytes;
        }
        done.store(true, Relaxed);
        (longest, written)
    };
    let readers = [store.reader().await.unwrap(), store.reader().await.unwrap()];
    let [one, other] = readers.clone().map(read);
    let ((longest, written), one, other) = tokio::join!(write, one, other);
    let long = u64::from(super::open::LOG_PAGES_LONG) * 4096;
    assert!(longest < 3 * long && written > 3 * long, "{longest} of {written} while {one} and {other} were read");
    assert!(one > 50 && other > 50);
    drop(readers);
    store.close().await.unwrap();
    assert_eq!(place.files(), ["store.db", "store.db-lock"]);
}

#[tokio::test]
async fn what_was_set_aside_is_kept_for_a_look() {
    use std::io::Read;
    let place = Place::new();
    let store = place.open().await;
    for minute in 1..=5 {
        let lease = lease(&store, "magnets", minutes(minute)).await;
        let failed = crate::store::FailedPull {
            feed: "magnets".into(),
            scheduled_for: minutes(minute),
            at: minutes(minute),
            reason: "html".into(),
            set_aside: true,
            http_status: Some(200),
            raw: Some(format!("<html>{minute}").repeat(if minute == 5 { 5_000_000 } else { 1000 }).into_bytes()),
            refused: Vec::new(),
            refused_count: 0,
            next_due_at: None,
        };
        store.fail(&lease, failed).await.unwrap();
        store.release_feed(&lease).await.unwrap();
    }
    let read = |connection: &mut Connection| {
        let mut select = connection.prepare("SELECT body FROM pull_raw ORDER BY pull")?;
        let bodies: Result<Vec<Vec<u8>>, _> = select.query_map([], |row| row.get(0))?.collect();
        Ok(bodies?)
    };
    let bodies = sqlite(&store).thread.call(read).await.unwrap();
    let mut texts = Vec::new();
    for body in &bodies {
        assert!(body.len() < 200_000);
        let mut text = String::new();
        flate2::read::DeflateDecoder::new(body.as_slice()).read_to_string(&mut text).unwrap();
        texts.push((text[..7].to_owned(), text.len()));
    }
    let kept = |text: &str, bytes| (text.to_owned(), bytes);
    let all = crate::base::limits::RAW_BYTES_KEPT;
    assert_eq!(texts, [kept("<html>3", 7000), kept("<html>4", 7000), kept("<html>5", all)]);
}
