//! Stores of earlier versions: the program of today goes on where they stood.
//!
//! They are in `tests/stores`, where `make` says how they came to be.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use serde_json::Value;

use super::hook::{Hook, id};
use super::sandbox::{PROJECT, Sandbox};

/// The newest schema.
const NEWEST: u32 = 7;
const STATE: &str = "supplywatch.db";

fn shipped(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(PROJECT).join("tests/stores").join(name)).unwrap()
}

/// A store as a version left it, with the config and the figures that it knew; all receivers are `hook`.
fn world(schema: u32, hook: &Hook) -> Sandbox {
    let sandbox = Sandbox::new();
    let config = String::from_utf8(shipped("supplywatch.toml")).unwrap();
    let address = hook.url();
    let address = address.strip_suffix("/in").unwrap();
    sandbox.write("config/supplywatch.toml", config.replace("HOOK", address));
    sandbox.write("config/magnets.csv", shipped("magnets.csv"));
    let mut store = Vec::new();
    let packed = shipped(&format!("schema-{schema}.db.gz"));
    GzDecoder::new(&*packed).read_to_end(&mut store).unwrap();
    sandbox.write(STATE, store);
    sandbox
}

/// Each delivery's state, by its id.
fn states(deliveries: &[Value]) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    deliveries.iter().map(|delivery| (text(&delivery["id"]), text(&delivery["state"]))).collect()
}

fn deliveries(sandbox: &Sandbox) -> Vec<Value> {
    sandbox.json(&["deliveries", "--limit", "100"])
}

/// The alerts of the rule; those about receivers are of other days.
fn alerts(sandbox: &Sandbox) -> Vec<Value> {
    let mut alerts = sandbox.json(&["alerts", "--all"]);
    alerts.retain(|alert| alert["rule"] == "falling");
    alerts
}

/// The ids of those in a state.
fn ids<'a>(states: &'a BTreeMap<String, String>, state: &str) -> BTreeSet<&'a String> {
    states.iter().filter(|(_, known)| *known == state).map(|(id, _)| id).collect()
}

fn goes_on(schema: u32) {
    let hook = Hook::start();
    let sandbox = world(schema, &hook);
    let old = std::fs::read(sandbox.path(STATE)).unwrap();
    let (stood, before) = (alerts(&sandbox), states(&deliveries(&sandbox)));
    let stands: BTreeMap<&str, &str> = stood
        .iter()
        .map(|alert| (alert["labels"]["partner"].as_str().unwrap(), alert["state"].as_str().unwrap()))
        .collect();
    assert_eq!(stands, BTreeMap::from([("DE", "ok"), ("US", "firing")]), "schema {schema}");
    let count = |state: &str| ids(&before, state).len();
    assert_eq!((count("sent"), count("dead")), (4, 4), "schema {schema}: {before:?}");
    assert_eq!(before.len(), 12, "schema {schema}: {before:?}");
    assert!(std::fs::read(sandbox.path(STATE)).unwrap() == old, "looking changed it");

    sandbox.run(&["run", "--once"]).is(0).says(&["feed magnets: 0 new, 0 revised"]);
    assert_eq!(alerts(&sandbox), stood, "schema {schema}");
    let after = states(&deliveries(&sandbox));
    let owed = ids(&before, "pending");
    for (id, state) in &after {
        match before.get(id).map(String::as_str) {
            Some("pending") => assert!(["sent", "superseded"].contains(&state.as_str()), "schema {schema}: {state}"),
            was => assert_eq!(was, Some(state.as_str()), "schema {schema}"),
        }
    }
    assert_eq!(after.len(), before.len(), "schema {schema}");
    let posts: Vec<String> = hook.posts().iter().map(id).collect();
    let told: BTreeSet<&String> = posts.iter().collect();
    assert!(!told.is_empty() && told.len() == posts.len() && told.is_subset(&owed), "schema {schema}: {posts:?}");

    let copy = sandbox.path(&format!("{STATE}.schema-{schema}"));
    assert_eq!(copy.exists(), schema < NEWEST, "schema {schema}");
    if schema < NEWEST {
        let kept = sandbox.json(&["store", "check", "--state", copy.to_str().unwrap()]);
        assert_eq!((&kept[0]["schema"], &kept[0]["damages"]), (&schema.into(), &serde_json::json!([])));
        assert_eq!(kept[0]["tables"]["delivery"], 12);
    }
    let checked = sandbox.json(&["store", "check"]);
    assert_eq!((&checked[0]["schema"], &checked[0]["damages"]), (&NEWEST.into(), &serde_json::json!([])));
    sandbox.run(&["run", "--once"]).is(0);
    assert_eq!(hook.posts().len(), posts.len(), "schema {schema}: nothing is told twice");
}

#[test]
fn a_store_of_any_earlier_version_goes_on_where_it_stood() {
    let stores = std::fs::read_dir(Path::new(PROJECT).join("tests/stores")).unwrap();
    let packed = stores.filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|end| end == "gz"));
    assert_eq!(packed.count(), usize::try_from(NEWEST).unwrap(), "each schema has a store");
    (1..=NEWEST).for_each(goes_on);
}

/// What somebody knew of, and what keeps quiet, is kept.
#[test]
fn silences_and_acknowledgements_outlive_an_upgrade() {
    for schema in 5..=NEWEST {
        let hook = Hook::start();
        let sandbox = world(schema, &hook);
        sandbox.run(&["run", "--once"]).is(0);
        sandbox.run(&["silence", "list"]).is(0).says(&["partner=JP", "known"]);
        sandbox.run(&["alerts"]).is(0).says(&["we look into it"]);
    }
}

/// Lines of an older version become a store of today's.
#[test]
fn an_older_store_is_carried_by_lines() {
    for schema in [2, 5] {
        let hook = Hook::start();
        let sandbox = world(schema, &hook);
        let (stood, before) = (alerts(&sandbox), states(&deliveries(&sandbox)));
        sandbox.run(&["store", "export", "e.jsonl"]).is(0);
        std::fs::remove_file(sandbox.path(STATE)).unwrap();
        sandbox.run(&["store", "import", "e.jsonl"]).is(0).says(&[&format!("(schema {schema})")]);
        assert_eq!((alerts(&sandbox), states(&deliveries(&sandbox))), (stood, before));
        let checked = sandbox.json(&["store", "check"]);
        assert_eq!((&checked[0]["schema"], &checked[0]["damages"]), (&NEWEST.into(), &serde_json::json!([])));
    }
}

/// Where the copy that is kept first cannot be made, nothing is migrated.
#[test]
fn without_its_copy_nothing_is_migrated() {
    let hook = Hook::start();
    let sandbox = world(6, &hook);
    let old = std::fs::read(sandbox.path(STATE)).unwrap();
    // Not even root can write a file where a folder is.
    std::fs::create_dir(sandbox.path(&format!("{STATE}.schema-6.part"))).unwrap();
    sandbox.run(&["run", "--once"]).is(70).says(&["schema-6.part cannot be written"]);
    assert!(std::fs::read(sandbox.path(STATE)).unwrap() == old);
    std::fs::remove_dir(sandbox.path(&format!("{STATE}.schema-6.part"))).unwrap();
    // To a file that is being written, a limit on its size (signal 25 ignored) is what a full disk is.
    let limited = "trap '' 25; ulimit -f 64; cargo run --release -- run --once";
    sandbox.shell(limited).is(70).says_nothing_of(&["damaged"]);
    assert!(std::fs::read(sandbox.path(STATE)).unwrap() == old);
    assert!(!sandbox.path(&format!("{STATE}.schema-6")).exists());
    assert_eq!(hook.posts().len(), 0);
    sandbox.run(&["run", "--once"]).is(0);
}

#[test]
fn a_newer_store_is_refused_with_what_to_do() {
    let hook = Hook::start();
    let sandbox = world(NEWEST, &hook);
    let mut store = std::fs::read(sandbox.path(STATE)).unwrap();
    // The header's user version (https://www.sqlite.org/fileformat.html, 1.3).
    store[60..64].copy_from_slice(&99_u32.to_be_bytes());
    sandbox.write(STATE, &store);
    for verb in [&["run", "--once"][..], &["alerts"], &["store", "check"], &["store", "backup", "b.db"]] {
        let ended = sandbox.run(verb);
        ended.is(70).says(&["was made by a newer supplywatch (schema 99; this one knows 7)", "restore a backup"]);
    }
    assert!(std::fs::read(sandbox.path(STATE)).unwrap() == store);
}
