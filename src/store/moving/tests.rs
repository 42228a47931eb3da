//! Stores that are carried from a file to a server and back, and a server's store that is checked.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use flate2::read::GzDecoder;
use rusqlite::Connection;

use crate::outbox::Next;
use crate::store::contract::NOW;
use crate::store::contract::fixture::*;
use crate::store::contract::server::Database;
use crate::store::sql::QUESTIONS;
use crate::store::{Location, Moved, Replica, Store, StoreError};

/// A file and a database.
struct Ends {
    directory: tempfile::TempDir,
    file: Location,
    database: Database,
    there: Location,
}

impl Ends {
    fn new() -> Option<Self> {
        let database = Database::create()?;
        let directory = tempfile::tempdir().unwrap();
        let file = Location::Sqlite(directory.path().join("s.db"));
        let there = Location::Postgres(Box::new(database.server()));
        Some(Self { directory, file, database, there })
    }

    /// The file has something of everything: revised figures, items, an alert that fires, what is held, sent and owed, and
    /// numbers that nothing has any more.
    async fn filled() -> Option<Self> {
        let ends = Self::new()?;
        let store = Store::open(&ends.file, NOW).await.unwrap();
        append(&store, 1, vec![row("US", "2025-08", 590.0), row("US", "2025-09", 420.5)]).await;
        append(&store, 2, vec![row("US", "2025-09", 600.25), withdrawn("US", "2025-08"), row("JP", "2025-09", 0.1)])
            .await;
        fire(&store, "US", &["desk", "hook"]).await;
        let leased = due(&store, 31, false).await;
        succeed(&store, &leased[0]).await;
        assert!(record(&store, &leased[1], attempt(31, refused()), Next::At(minutes(60))).await);
        fire(&store, "JP", &["desk"]).await;
        assert_eq!(due(&store, 32, false).await.len(), 1, "it is held");
        store.close().await.unwrap();
        let more = "INSERT INTO silence(matcher, since, until, comment, author) VALUES ('[]', 1, 2, 'x', 'y'), ('[]', 3, 4, '', '');
            DELETE FROM silence";
        Connection::open(ends.path("s.db")).unwrap().execute_batch(more).unwrap();
        Some(ends)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn other(&self, name: &str) -> Location {
        Location::Sqlite(self.path(name))
    }

    /// The lines of a file's export but for its name.
    fn lines(&self, store: &Location) -> Vec<String> {
        let to = self.path("lines");
        store.export(Some(&to), true, NOW, &unheard()).unwrap();
        let text = fs::read_to_string(to).unwrap();
        let lines = text.lines().filter(|line| !line.contains("store_id") && !line.contains("sha256"));
        // The first one has the name, too, before what follows.
        lines.map(|line| line.split_once("\"rows\":").map_or(line, |(_, counts)| counts).to_owned()).collect()
    }

    fn damages(&self) -> Vec<String> {
        aside(|| self.there.check().unwrap().damages).into_iter().map(|damage| damage.what).collect()
    }
}

fn unheard() -> super::Progress {
    Arc::new(|_, _| ())
}

/// Does what blocks on a thread of its own.
fn aside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(work).join().unwrap())
}

fn carry(from: &Location, to: &Location) -> Result<Moved, StoreError> {
    aside(|| from.move_to(to, NOW, &unheard()))
}

fn refusal<T: std::fmt::Debug>(done: Result<T, StoreError>) -> String {
    let text = format!("{:?}", done.unwrap_err());
    text.trim_start_matches("Server(").split([' ', '{']).next().unwrap().to_owned()
}

async fn contents(store: &Location) -> (String, String) {
    let store = Store::open_copy(store, NOW).await.unwrap();
    let all = seen(&store).await;
    (store.id().to_owned(), all[store.id().len()..].to_owned())
}

/// The lines of all that is stored are the same after the way there and back; only what was held is free.
#[tokio::test]
async fn a_store_that_was_moved_there_and_back_is_the_same() {
    let Some(ends) = Ends::filled().await else { return };
    let moved = carry(&ends.file, &ends.there).unwrap();
    let back = ends.other("back.db");
    let again = carry(&ends.there, &back).unwrap();
    assert_eq!((moved.tables.clone(), &moved.held_by), (again.tables, &None));
    let rows = |table: &str| moved.tables.iter().find(|(name, _)| name == table).unwrap().1;
    assert_eq!((rows("observation"), rows("observation_rev"), rows("delivery"), rows("silence")), (3, 2, 3, 0));
    let (before, after) = (contents(&ends.file).await, contents(&back).await);
    let there = contents(&ends.there).await;
    assert_eq!((&there.0, &after.0), (&moved.id, &again.id), "each has a name of its own");
    assert_eq!((&there.1, &after.1), (&before.1, &before.1));
    assert_eq!(BTreeSet::from([&before.0, &there.0, &after.0]).len(), 3);
    // A copy of it frees what is held.
    let free = "UPDATE delivery SET holder = NULL, lease_until = 0 WHERE state = 'pending';
        UPDATE lease SET holder = NULL, expires_at = 0; UPDATE eval_task SET holder = NULL, lease_until = 0 WHERE state = 'pending'";
    Connection::open(ends.path("s.db")).unwrap().execute_batch(free).unwrap();
    assert_eq!(ends.lines(&back), ends.lines(&ends.file));
    assert!(ends.lines(&back)[0].contains("\"silence\":2"), "a number is not given twice");
}

#[tokio::test]
async fn stores_of_earlier_versions_are_moved_once_they_are_up_to_date() {
    let Some(mut ends) = Ends::new() else { return };
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/stores");
    for schema in 1..=7 {
        let mut store = Vec::new();
        let packed = fs::read(folder.join(format!("schema-{schema}.db.gz"))).unwrap();
        GzDecoder::new(&*packed).read_to_end(&mut store).unwrap();
        fs::write(ends.path("s.db"), store).unwrap();
        if schema < 7 {
            assert_eq!(refusal(carry(&ends.file, &ends.there)), "Older", "{schema}");
        }
        Store::open(&ends.file, NOW).await.unwrap().close().await.unwrap();
        carry(&ends.file, &ends.there).unwrap();
        let back = ends.other(&format!("back-{schema}.db"));
        carry(&ends.there, &back).unwrap();
        assert_eq!(ends.lines(&back), ends.lines(&ends.file), "{schema}");
        ends.database = Database::create().unwrap();
        ends.there = Location::Postgres(Box::new(ends.database.server()));
    }
}

/// What a process had taken there is taken here at once, under the id that it had.
#[tokio::test]
async fn what_was_held_is_free_there_and_keeps_its_id() {
    let Some(ends) = Ends::filled().await else { return };
    let pending = async |store: &Location| {
        let store = Store::open_copy(store, NOW).await.unwrap();
        let all = store.deliveries(false, 9).await.unwrap();
        all.into_iter().map(|record| record.delivery.id).collect::<BTreeSet<String>>()
    };
    let before = pending(&ends.file).await;
    carry(&ends.file, &ends.there).unwrap();
    let store = Store::open(&ends.there, NOW).await.unwrap();
    let leased = due(&store, 32, false).await;
    assert_eq!(named(leased.iter().map(|leased| &leased.delivery)), ["desk JP 1"]);
    assert_eq!(pending(&ends.there).await, before);
    append(&store, 3, vec![row("DE", "2025-09", 7.0)]).await;
    store.close().await.unwrap();
    assert_eq!(ends.damages(), Vec::<String>::new());
}

#[tokio::test]
async fn what_cannot_be_moved_leaves_nothing() {
    let Some(ends) = Ends::filled().await else { return };
    assert_eq!(refusal(carry(&ends.other("none.db"), &ends.there)), "Missing");
    assert_eq!(refusal(carry(&ends.there, &ends.other("none.db"))), "Missing");
    fs::copy(ends.path("s.db"), ends.path("wrong.db")).unwrap();
    Connection::open(ends.path("wrong.db")).unwrap().execute_batch("UPDATE alert SET number = 7").unwrap();
    assert_eq!(refusal(carry(&ends.other("wrong.db"), &ends.there)), "Damaged");
    assert_eq!(refusal(carry(&ends.other("wrong.db"), &ends.other("none.db"))), "Damaged");
    // Nothing of it was left there.
    carry(&ends.file, &ends.there).unwrap();
    assert_eq!(refusal(carry(&ends.file, &ends.there)), "Occupied");
    assert_eq!(refusal(carry(&ends.there, &ends.there)), "Occupied");
    assert_eq!(refusal(carry(&ends.there, &ends.file)), "Occupied");
    ends.database.execute("UPDATE alert SET number = 7");
    assert_eq!(refusal(carry(&ends.there, &ends.other("none.db"))), "Damaged");
    ends.database.execute("UPDATE meta SET value = '99' WHERE name = 'schema'");
    assert_eq!(refusal(carry(&ends.there, &ends.other("none.db"))), "Newer");
    assert!(!ends.path("none.db").exists() && !ends.path("none.db.part").exists());
    let foreign = Ends::new().unwrap();
    foreign.database.execute("CREATE TABLE theirs(a INTEGER)");
    assert_eq!(refusal(carry(&ends.file, &foreign.there)), "Foreign");
}

/// What somebody stores meanwhile is not in the copy.
#[tokio::test]
async fn who_has_the_store_is_told() {
    let Some(ends) = Ends::filled().await else { return };
    let store = Store::open(&ends.file, NOW).await.unwrap();
    append(&store, 8, vec![row("DE", "2025-09", 1.0)]).await;
    let moved = carry(&ends.file, &ends.there).unwrap();
    assert_eq!(moved.held_by, Some(format!("process {}", std::process::id())));
    store.close().await.unwrap();
    let store = Store::open(&ends.there, NOW).await.unwrap();
    let me = Replica {
        holder: holder(),
        host: "desk7".to_owned(),
        version: "0".to_owned(),
        config: "0".to_owned(),
        lease: Duration::from_secs(60),
    };
    store.beat(&me, NOW).await.unwrap();
    let moved = carry(&ends.there, &ends.other("o.db")).unwrap();
    assert_eq!(moved.held_by.as_deref(), Some("desk7 (7-a)"));
    store.close().await.unwrap();
}

/// Texts that only one kind of database can hold, and numbers that it writes in another way, are no damage.
#[tokio::test]
async fn what_a_database_cannot_hold_is_no_damage() {
    let Some(ends) = Ends::filled().await else { return };
    let odd = "UPDATE feed SET last_error = 'a' || char(0) || 'b'; UPDATE observation SET value = 0.0";
    Connection::open(ends.path("s.db")).unwrap().execute_batch(odd).unwrap();
    carry(&ends.file, &ends.there).unwrap();
    ends.database.execute("UPDATE observation SET value = '-0' WHERE value IS NOT NULL");
    carry(&ends.there, &ends.other("o.db")).unwrap();
}

/// Each question that a server is asked is answered where what it asks for is planted.
#[tokio::test]
async fn each_kind_of_damage_on_a_server_is_found() {
    let plants = [
        ("the store has no name", "DELETE FROM meta WHERE name = 'store_id'"),
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
        ("a series has labels that cannot be read", "UPDATE series SET labels = '{' WHERE id = 1"),
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
        ("a row refers to one that is not there", "DELETE FROM series"),
        ("a row refers to one that is not there", "UPDATE observation_rev SET superseded_by = 77"),
        ("a row refers to one that is not there", "UPDATE pull_series SET pull = 77 WHERE pull = 1"),
    ];
    let asked: BTreeSet<&str> = QUESTIONS.iter().map(|question| question.what).collect();
    let planted: BTreeSet<&str> = plants.iter().map(|(what, _)| *what).collect();
    assert_eq!(asked.difference(&planted).collect::<Vec<_>>(), Vec::<&&str>::new());
    let Some(ends) = Ends::filled().await else { return };
    carry(&ends.file, &ends.there).unwrap();
    let found = aside(|| ends.there.check().unwrap());
    let in_file = ends.file.check().unwrap();
    assert_eq!((found.damages, found.schema, found.pulls), (vec![], in_file.schema, in_file.pulls));
    let rows = |table: &str| found.tables.iter().find(|(name, _)| name == table).unwrap().1;
    assert_eq!((rows("observation"), rows("delivery"), rows("latch")), (3, 3, 3));
    assert!(found.file_bytes > 1_000_000 && found.questions == QUESTIONS.len());
    for (what, sql) in plants {
        let other = Ends::new().unwrap();
        carry(&ends.there, &other.there).unwrap();
        other.database.execute(&format!("SET session_replication_role = replica; {sql}"));
        let found = other.damages();
        assert!(found.iter().any(|damage| damage == what), "{what}: {found:?}");
    }
}

/// What only a file can do says what does the same on a server.
#[tokio::test]
async fn what_only_a_file_can_do_names_the_servers_tool() {
    let there = Location::Postgres(Box::new(crate::store::Server::parse("postgres://w@localhost/s").unwrap()));
    let (quiet, path) = (unheard(), PathBuf::from("/none"));
    let told = |done: Result<(), StoreError>| done.unwrap_err().to_string();
    for (told, tool) in [
        (told(there.back_up(&path, false, &quiet).map(drop)), "pg_dump"),
        (told(there.back_up_in(&path, 1, NOW, &quiet).map(drop)), "pg_basebackup"),
        (told(there.restore(&path, &quiet).map(drop)), "pg_restore"),
        (told(there.vacuum(&quiet).map(drop)), "VACUUM FULL"),
        (told(there.export(None, false, NOW, &quiet).map(drop)), "store move"),
        (told(there.import(None, NOW, &quiet).map(drop)), "store move"),
    ] {
        assert!(told.contains(tool) && told.contains("postgres://w@localhost"), "{told}");
    }
}
