//! Stores that are checked, copied, put back, made small and carried, and what is refused.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rusqlite::Connection;

use super::unheard;
use crate::outbox::Next;
use crate::store::contract::NOW;
use crate::store::contract::fixture::*;
use crate::store::sql::QUESTIONS;
use crate::store::sqlite::lock::beside;
use crate::store::sqlite::open::has_log;
use crate::store::{Location, Progress, Store, StoreError};

struct Place {
    directory: tempfile::TempDir,
    store: Location,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { store: Location::Sqlite(directory.path().join("s.db")), directory }
    }

    /// A store with everything in it: revised figures, an alert that fires, what was sent and what is owed.
    async fn filled() -> Self {
        let place = Self::new();
        let store = place.open().await;
        append(&store, 1, vec![row("US", "2025-08", 590.0), row("US", "2025-09", 420.5)]).await;
        append(&store, 2, vec![row("US", "2025-09", 600.25), withdrawn("US", "2025-08")]).await;
        fire(&store, "US", &["desk", "hook"]).await;
        let leased = due(&store, 31, false).await;
        succeed(&store, &leased[0]).await;
        assert!(record(&store, &leased[1], attempt(31, refused()), Next::At(minutes(60))).await);
        store.close().await.unwrap();
        place
    }

    async fn open(&self) -> Store {
        Store::open(&self.store, NOW).await.unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn sql(&self, sql: &str) {
        let connection = Connection::open(self.path("s.db")).unwrap();
        connection.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON").unwrap();
        connection.execute_batch(sql).unwrap();
    }

    fn files(&self) -> Vec<String> {
        let names = fs::read_dir(self.directory.path()).unwrap();
        let mut names: Vec<String> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// What is wrong with it.
    fn damages(&self) -> Vec<String> {
        self.store.check().unwrap().damages.into_iter().map(|damage| damage.what).collect()
    }
}

/// All that can be seen of a store but for its name.
async fn contents(store: &Location) -> (String, String) {
    let store = Store::open_copy(store, NOW).await.unwrap();
    let all = seen(&store).await;
    (store.id().to_owned(), all[store.id().len()..].to_owned())
}

fn refusal<T: std::fmt::Debug>(done: Result<T, StoreError>) -> String {
    format!("{:?}", done.unwrap_err()).split([' ', '{']).next().unwrap().to_owned()
}

#[tokio::test]
async fn a_whole_store_is_found_to_be_whole_and_stays_as_it_is() {
    let place = Place::filled().await;
    let before = fs::read(place.path("s.db")).unwrap();
    let found = place.store.check().unwrap();
    assert_eq!(found.damages, []);
    let rows = |table: &str| found.tables.iter().find(|(name, _)| name == table).unwrap().1;
    assert_eq!((rows("observation"), rows("observation_rev"), rows("transition"), rows("delivery")), (2, 2, 1, 2));
    assert_eq!(found.pulls.map(|(first, _)| first), Some(minutes(1).plus(std::time::Duration::from_secs(1))));
    assert_eq!(found.file_bytes, u64::try_from(before.len()).unwrap());
    assert_eq!(fs::read(place.path("s.db")).unwrap(), before);
    assert_eq!(place.files(), ["s.db", "s.db-lock"]);
    let store = place.open().await;
    append(&store, 7, vec![row("DE", "2025-09", 1.0)]).await;
    let beside = place.store.check().unwrap();
    assert!(beside.damages.is_empty() && beside.log_bytes > 0, "{beside:?}");
    drop(store);
}

/// Each question is answered where what it asks for is planted.
#[tokio::test]
async fn each_kind_of_damage_is_found() {
    let plants = [
        ("the store has no name", "DELETE FROM meta"),
        ("a figure became known later than its pull", "UPDATE observation SET recorded_at = recorded_at + 9000000"),
        (
            "a figure is of another feed's pull",
            "INSERT INTO feed(id, name) VALUES (9, 'other'); UPDATE pull SET feed = 9 WHERE id = 2",
        ),
        ("a figure is of a pull that changed nothing", "UPDATE pull SET outcome = 'same' WHERE id = 2"),
        ("a former figure has none that followed it", "DELETE FROM observation WHERE value IS NULL"),
        ("a former figure was followed before it was known", "UPDATE observation_rev SET superseded_by = 0"),
        (
            "two series of one feed are the same",
            "INSERT INTO series(feed, labels, frequency, unit) SELECT feed, labels, 'day', unit FROM series",
        ),
        ("a series has labels that cannot be read", "UPDATE series SET labels = '{'"),
        ("an alert has transitions whose numbers have a gap", "UPDATE transition SET number = 3"),
        ("an alert has another number than its last transition", "UPDATE alert SET number = 2"),
        ("an alert has looked at a pull that there never was", "UPDATE alert SET seen = 3"),
        ("an alert cannot be read", "UPDATE alert SET firing = '{'"),
        ("an alert is not found by its id", "UPDATE alert SET id = 'x'"),
        ("an alert is listed as what it is not", "UPDATE alert SET gravity = 0"),
        ("a transition has a message that cannot be read", "UPDATE transition SET message = 'x'"),
        ("a delivery has a message that cannot be read", "UPDATE delivery SET message = '['"),
        ("a delivery has no message", "UPDATE delivery SET message = '', transition = NULL"),
        (
            "a pending delivery is told by one that is over",
            "UPDATE delivery SET told_by = (SELECT seq FROM delivery WHERE state = 'sent') WHERE state = 'pending'",
        ),
        ("a delivery is told by another receiver's", "UPDATE delivery SET told_by = 1 WHERE seq = 2"),
        ("a row refers to one that is not there", "DELETE FROM transition"),
    ];
    for (what, sql) in plants {
        let place = Place::filled().await;
        place.sql(sql);
        let found = place.damages();
        assert!(found.iter().any(|damage| damage == what), "{what}: {found:?}");
    }
    let asked: BTreeSet<&str> = QUESTIONS.iter().map(|question| question.what).collect();
    let planted: BTreeSet<&str> = plants.iter().map(|(what, _)| *what).collect();
    assert_eq!(asked.difference(&planted).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[tokio::test]
async fn a_page_that_is_wrong_is_damage() {
    let place = Place::filled().await;
    let mut bytes = fs::read(place.path("s.db")).unwrap();
    let pages = bytes.len() / 4096;
    bytes[(pages - 2) * 4096..(pages - 1) * 4096].fill(0xAB);
    fs::write(place.path("s.db"), bytes).unwrap();
    assert!(!place.damages().is_empty());
}

#[tokio::test]
async fn a_backup_is_whole_private_and_beside_the_daemon() {
    let place = Place::filled().await;
    let store = place.open().await;
    append(&store, 7, vec![row("DE", "2025-09", 1.0)]).await;
    let before = contents(&place.store).await;
    let to = place.path("b.db");
    let made = place.store.back_up(&to, false, &unheard()).unwrap();
    assert_eq!(made.bytes, fs::metadata(&to).unwrap().len());
    assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(contents(&Location::Sqlite(to.clone())).await, before);
    append(&store, 8, vec![row("JP", "2025-09", 1.0)]).await;
    assert_eq!(refusal(place.store.back_up(&to, false, &unheard())), "Exists");
    assert_eq!(contents(&Location::Sqlite(to.clone())).await, before);
    place.store.back_up(&to, true, &unheard()).unwrap();
    assert_eq!(contents(&Location::Sqlite(to.clone())).await, contents(&place.store).await);
    assert_eq!(refusal(place.store.back_up(&place.path("s.db"), true, &unheard())), "Same");
    assert_eq!(refusal(place.store.back_up(&place.path("none/b.db"), true, &unheard())), "NoDirectory");
    assert_eq!(refusal(Location::Sqlite(place.path("none.db")).back_up(&to, true, &unheard())), "Missing");
    assert_eq!(place.files(), ["b.db", "s.db", "s.db-lock", "s.db-shm", "s.db-wal"]);
    drop(store);
}

/// What is damaged is not taken for a backup, and an older one that is good stays.
#[tokio::test]
async fn a_backup_that_is_not_good_gets_no_name() {
    let place = Place::filled().await;
    let to = place.path("b.db");
    place.store.back_up(&to, false, &unheard()).unwrap();
    let good = fs::read(&to).unwrap();
    let mut bytes = fs::read(place.path("s.db")).unwrap();
    let pages = bytes.len() / 4096;
    for page in 1..pages {
        bytes[page * 4096..page * 4096 + 8].fill(0xAB);
    }
    fs::write(place.path("s.db"), bytes).unwrap();
    assert_eq!(refusal(place.store.back_up(&to, true, &unheard())), "Damaged");
    assert_eq!(fs::read(&to).unwrap(), good);
    assert_eq!(place.files(), ["b.db", "s.db", "s.db-lock"]);
}

#[tokio::test]
async fn of_backups_in_a_folder_the_newest_stay() {
    let place = Place::filled().await;
    let folder = place.path("backups");
    assert_eq!(refusal(place.store.back_up_in(&folder, 2, NOW, &unheard())), "NoFolder");
    fs::create_dir(&folder).unwrap();
    let made: Vec<_> =
        (0..3).map(|minute| place.store.back_up_in(&folder, 2, minutes(minute), &unheard()).unwrap()).collect();
    assert_eq!(made[0].path.file_name().unwrap(), "supplywatch-20251009T085320Z.db");
    assert_eq!((&made[1].removed, &made[2].removed), (&Vec::new(), &vec![made[0].path.clone()]));
    assert!(!made[0].path.exists() && made[1].path.exists() && made[2].path.exists());
}

/// Of two transitions with one number, one before and one after the backup, no id is the other's.
#[tokio::test]
async fn ids_after_a_restore_are_not_those_of_what_was_lost() {
    let place = Place::filled().await;
    let backup = place.path("b.db");
    place.store.back_up(&backup, false, &unheard()).unwrap();
    let (id, before) = contents(&place.store).await;
    let ids = async || {
        let store = place.open().await;
        fire(&store, "US", &["desk"]).await;
        let found = store.deliveries(false, 9).await.unwrap();
        store.close().await.unwrap();
        found.into_iter().map(|record| record.delivery.id).collect::<BTreeSet<String>>()
    };
    let lost = ids().await;
    let restored = place.store.restore(&backup, &unheard()).unwrap();
    assert_ne!(restored.id, id);
    assert_eq!(contents(&place.store).await, (restored.id, before));
    let after = ids().await;
    let common: Vec<&String> = lost.intersection(&after).collect();
    assert_eq!((lost.len(), after.len(), common.len()), (3, 3, 2), "what was owed before the backup keeps its ids");
}

#[tokio::test]
async fn a_restore_keeps_what_was_there() {
    let place = Place::filled().await;
    let backup = place.path("b.db");
    place.store.back_up(&backup, false, &unheard()).unwrap();
    let store = place.open().await;
    append(&store, 7, vec![row("DE", "2025-09", 1.0)]).await;
    let newer = contents(&place.store).await;
    assert_eq!(refusal(place.store.restore(&backup, &unheard())), "Held");
    // As a crash leaves it: with a log.
    let crashed: Vec<Vec<u8>> =
        ["s.db", "s.db-wal"].map(|name| fs::read(place.path(name)).unwrap()).into_iter().collect();
    store.close().await.unwrap();
    fs::write(place.path("s.db"), &crashed[0]).unwrap();
    fs::write(place.path("s.db-wal"), &crashed[1]).unwrap();
    let kept = place.store.restore(&backup, &unheard()).unwrap().kept.unwrap();
    assert_eq!(kept, place.path("s.db.before-restore").canonicalize().unwrap());
    assert!(!has_log(&place.path("s.db")));
    assert_eq!(contents(&Location::Sqlite(kept)).await, newer);
    let again = place.store.restore(&backup, &unheard()).unwrap().kept.unwrap();
    assert_eq!(again, place.path("s.db.before-restore-2").canonicalize().unwrap());
    place.open().await.close().await.unwrap();
}

/// Root does it for the service's user, who must be able to read what comes of it.
#[tokio::test]
async fn what_is_put_in_the_stores_place_is_its_owners() {
    let place = Place::filled().await;
    place.store.back_up(&place.path("b.db"), false, &unheard()).unwrap();
    place.store.export(Some(&place.path("e")), false, NOW, &unheard()).unwrap();
    let own = |name: &str| drop(std::os::unix::fs::chown(place.path(name), Some(12_345), Some(12_345)));
    let owner = |name: &str| fs::metadata(place.path(name)).unwrap().uid();
    own("s.db");
    let service = owner("s.db");
    place.store.restore(&place.path("b.db"), &unheard()).unwrap();
    assert_eq!((owner("s.db"), owner("s.db.before-restore")), (service, service));
    place.store.vacuum(&unheard()).unwrap();
    assert_eq!(owner("s.db"), service);
    own("");
    Location::Sqlite(place.path("o.db")).import(Some(&place.path("e")), NOW, &unheard()).unwrap();
    assert_eq!((owner("o.db"), owner("o.db-lock")), (service, service));
}

#[tokio::test]
async fn only_a_good_backup_is_put_back() {
    let place = Place::filled().await;
    let before = contents(&place.store).await;
    let restore = |name: &str| refusal(place.store.restore(&place.path(name), &unheard()));
    assert_eq!((restore("none.db"), restore("s.db")), ("Missing".to_owned(), "Same".to_owned()));
    place.store.back_up(&place.path("b.db"), false, &unheard()).unwrap();
    Connection::open(place.path("b.db")).unwrap().execute_batch("UPDATE alert SET number = 7").unwrap();
    assert_eq!(restore("b.db"), "Damaged");
    place.store.back_up(&place.path("n.db"), false, &unheard()).unwrap();
    Connection::open(place.path("n.db")).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    assert_eq!(restore("n.db"), "Newer");
    Connection::open(place.path("f.db")).unwrap().execute_batch("CREATE TABLE t(a)").unwrap();
    assert_eq!(restore("f.db"), "Foreign");
    assert_eq!(contents(&place.store).await, before);
    assert_eq!(place.files(), ["b.db", "f.db", "n.db", "s.db", "s.db-lock"]);
}

#[tokio::test]
async fn a_damaged_store_is_replaced_and_kept() {
    let place = Place::filled().await;
    place.store.back_up(&place.path("b.db"), false, &unheard()).unwrap();
    fs::write(place.path("s.db"), b"SQLite format 3\0 and nothing").unwrap();
    fs::write(place.path("s.db-wal"), b"rubbish").unwrap();
    let kept = place.store.restore(&place.path("b.db"), &unheard()).unwrap().kept.unwrap();
    assert_eq!(fs::read(&kept).unwrap(), b"SQLite format 3\0 and nothing");
    assert_eq!(fs::read(beside(&kept, "-wal")).unwrap(), b"rubbish");
    place.open().await.close().await.unwrap();
}

#[tokio::test]
async fn a_vacuum_gives_room_back_and_changes_nothing() {
    let place = Place::filled().await;
    place.sql("CREATE TABLE filler(a); INSERT INTO filler SELECT randomblob(4000) FROM pull a, pull b, pull c, pull d");
    place.sql("DROP TABLE filler");
    let before = contents(&place.store).await;
    let store = place.open().await;
    assert_eq!(refusal(place.store.vacuum(&unheard())), "Held");
    store.close().await.unwrap();
    let done = place.store.vacuum(&unheard()).unwrap();
    assert!(done.before > done.after + 60_000, "{done:?}");
    assert_eq!(done.after, fs::metadata(place.path("s.db")).unwrap().len());
    assert_eq!(contents(&place.store).await, before);
    place.open().await.close().await.unwrap();
}

#[tokio::test]
async fn all_that_is_exported_is_imported() {
    let place = Place::filled().await;
    let (id, all) = contents(&place.store).await;
    let store = place.open().await;
    let rows = Arc::new(AtomicU64::new(0));
    let heard = rows.clone();
    let progress: Progress = Arc::new(move |done, _| heard.store(done, Relaxed));
    append(&store, 9, (0..5000).map(|place| row(&format!("p{place}"), "2025-09", 0.1)).collect()).await;
    for name in ["e.jsonl", "e.jsonl.gz"] {
        let carried = place.store.export(Some(&place.path(name)), false, NOW, &progress).unwrap();
        assert!(rows.swap(0, Relaxed) > 8000, "it is told how far it is");
        let other = Location::Sqlite(place.path(&format!("{name}.db")));
        fs::write(place.path(&format!("{name}.db")), "").unwrap();
        assert_eq!(other.import(Some(&place.path(name)), NOW, &progress).unwrap(), carried);
        let (new_id, contents) = contents(&other).await;
        assert!(new_id != id && contents.contains("0.1"));
        assert!(contents.len() > all.len());
        let row_counts = |store: &Location| store.check().unwrap().tables;
        assert_eq!(row_counts(&other), row_counts(&place.store));
        assert_eq!(refusal(other.import(Some(&place.path(name)), NOW, &progress)), "Occupied");
    }
    assert_eq!(refusal(place.store.export(Some(&place.path("e.jsonl")), false, NOW, &progress)), "Exists");
    assert!(
        fs::metadata(place.path("e.jsonl.gz")).unwrap().len() * 4 < fs::metadata(place.path("e.jsonl")).unwrap().len()
    );
    let mode = |name: &str| fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("e.jsonl"), mode("e.jsonl.db")), (0o600, 0o600));
    drop(store);
}

/// An export of what was imported says the same but for the store's name and the time.
#[tokio::test]
async fn an_export_of_an_import_is_the_export() {
    let place = Place::filled().await;
    let other = Location::Sqlite(place.path("o.db"));
    place.store.export(Some(&place.path("1")), false, NOW, &unheard()).unwrap();
    other.import(Some(&place.path("1")), NOW, &unheard()).unwrap();
    other.export(Some(&place.path("2")), false, NOW, &unheard()).unwrap();
    let rows = |name: &str| {
        let text = fs::read_to_string(place.path(name)).unwrap();
        let lines = text.lines().skip(1).filter(|line| !line.contains("store_id") && !line.contains("sha256"));
        lines.map(ToOwned::to_owned).collect::<Vec<String>>()
    };
    assert_eq!(rows("1"), rows("2"));
}

#[tokio::test]
async fn what_is_no_whole_export_leaves_nothing() {
    let place = Place::filled().await;
    place.store.export(Some(&place.path("e")), false, NOW, &unheard()).unwrap();
    let text = fs::read_to_string(place.path("e")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let all_but_last = lines[..lines.len() - 1].join("\n") + "\n";
    let cases = [
        (String::new(), "NoExport"),
        ("period,tonnes\n".to_owned(), "NoExport"),
        (text[..text.len() / 2].to_owned(), "NoExport"),
        (all_but_last, "NoExport"),
        (text.replacen("600.25", "600.5", 1), "NoExport"),
        (format!("{text}{}\n", lines[0]), "NoExport"),
        (text.replacen("\"kind\":\"supplywatch export\"", "\"kind\":\"another\"", 1), "NoExport"),
        (text.replacen("\"format\":1", "\"format\":2", 1), "NoExport"),
        (text.replacen("\"schema\":", "\"schema\":9", 1), "Newer"),
        (text.replacen("\"columns\":[\"id\"", "\"columns\":[\"id) VALUES (1); --\"", 1), "NoExport"),
        (text.replacen("\"table\":\"alert\"", "\"table\":\"sqlite_schema\"", 1), "NoExport"),
    ];
    for (number, (text, expected)) in cases.into_iter().enumerate() {
        fs::write(place.path("c"), text).unwrap();
        let other = Location::Sqlite(place.path("o.db"));
        assert_eq!(refusal(other.import(Some(&place.path("c")), NOW, &unheard())), expected, "{number}");
        assert!(!other.is_there(), "{number}");
    }
    assert_eq!(place.files(), ["c", "e", "o.db-lock", "s.db", "s.db-lock"]);
    let none = Location::Sqlite(place.path("o.db")).import(Some(Path::new("/none")), NOW, &unheard());
    assert_eq!(refusal(none), "NotRead");
}

/// Also a store that is damaged in what only its meaning shows is not carried on.
#[tokio::test]
async fn damage_is_not_imported() {
    let place = Place::filled().await;
    place.sql("UPDATE alert SET number = 7");
    place.store.export(Some(&place.path("e")), false, NOW, &unheard()).unwrap();
    let other = Location::Sqlite(place.path("o.db"));
    assert_eq!(refusal(other.import(Some(&place.path("e")), NOW, &unheard())), "NoExport");
    assert!(!other.is_there());
}

/// What was told by another goes before that one.
#[tokio::test]
async fn what_was_told_together_is_forgotten_together() {
    let place = Place::filled().await;
    place.sql("UPDATE alert SET firing = NULL, gravity = 0, since = 0");
    place.sql("UPDATE delivery SET state = 'sent', remote_ref = NULL; UPDATE delivery SET receiver = 'desk'");
    place.sql("DELETE FROM attempt WHERE delivery = 1; UPDATE delivery SET told_by = 2 WHERE seq = 1");
    let store = place.open().await;
    let mut steps = Vec::new();
    while steps.last().is_none_or(|deliveries| *deliveries > 0) {
        steps.push(store.forget(minutes(9000)).await.unwrap().deliveries);
    }
    assert_eq!(steps, [1, 1, 0]);
    assert_eq!(store.deliveries(false, 9).await.unwrap(), []);
    store.close().await.unwrap();
}

#[test]
fn what_has_no_room_is_not_begun() {
    let refused = super::room_for(u64::MAX, Path::new("/tmp/x.db"));
    assert_eq!(refusal(refused), "NoRoom");
    super::room_for(1, Path::new("/tmp/x.db")).unwrap();
}
