//! The reference in the shipped config: it shows every key and no other, its defaults are the program's, its examples
//! are good, and what it calls required is.

use std::collections::BTreeSet;

use super::Sandbox;
use crate::config::Setup;
use crate::config::reference::{Block, Reference, Shown, TEXT, ValueRole};
use crate::config::resolve::kinds;
use crate::config::shape::{NAME, Takes, keys};

/// A directory with all that the examples name.
fn sandbox() -> Sandbox {
    let secrets = [
        ("web-token", "a-token-of-the-page-0001"),
        ("hook-secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("dkim-key", include_str!("../../notify/testdata/dkim-ed25519.pem")),
        ("teams-url", "https://prod-1.westeurope.logic.azure.com/workflows/1"),
    ];
    let mut sandbox = Sandbox::new("").variable("CREDENTIALS_DIRECTORY", "{}/credentials");
    let named = TEXT.match_indices("{ credential = \"").map(|(at, found)| &TEXT[at + found.len()..]);
    for name in named.filter_map(|rest| rest.split('"').next()) {
        let known = secrets.iter().find(|(secret, _)| *secret == name).map(|(_, secret)| *secret);
        sandbox = sandbox.with(&format!("credentials/{name}"), known.unwrap_or("https://secret.example/0123456789"));
    }
    let named = TEXT.match_indices("{ env = \"").map(|(at, found)| &TEXT[at + found.len()..]);
    for name in named.filter_map(|rest| rest.split('"').next()) {
        sandbox = sandbox.variable(name, "0123456789");
    }
    sandbox.with("relay-ca.pem", "-----BEGIN CERTIFICATE-----\n").with("rules/none.toml", "")
}

/// What a config comes to, but for how it is written.
#[track_caller]
fn meaning(sandbox: &Sandbox, config: &str) -> String {
    std::fs::write(sandbox.path("supplywatch.toml"), config).unwrap();
    let setup = Setup { written: Vec::new(), outline: crate::config::Outline::default(), ..sandbox.setup() };
    format!("{setup:#?}")
}

/// What is wrong with a config; warnings are not.
fn errors(sandbox: &Sandbox, config: &str) -> Option<String> {
    std::fs::write(sandbox.path("supplywatch.toml"), config).unwrap();
    sandbox.load().err().map(|problems| problems.render(false))
}

#[test]
fn every_key_is_shown_and_no_other() {
    let (reference, keys) = (Reference::read(), keys());
    let shown: BTreeSet<String> = reference.options().map(|(block, shown)| block.path(shown, &keys)).collect();
    let is_value = |takes| !matches!(takes, Takes::Table | Takes::Tables);
    let known: BTreeSet<String> =
        keys.iter().filter(|key| is_value(key.takes)).map(|key| format!("{}.{}", key.table, key.key)).collect();
    let missing: Vec<&String> = known.difference(&shown).collect();
    let unknown: Vec<&String> = shown.difference(&known).collect();
    assert!(missing.is_empty(), "config/supplywatch.toml does not show {missing:#?}");
    assert!(unknown.is_empty(), "config/supplywatch.toml shows what is no key: {unknown:#?}");
}

/// Each kind with the keys that it takes: in its own block, or in what it has in common with others.
#[test]
fn every_kind_is_shown_with_its_keys() {
    let reference = Reference::read();
    for table in ["feed", "receiver"] {
        let blocks = || reference.blocks.iter().filter(|block| block.table == table);
        let common = blocks().find(|block| block.is_common()).unwrap();
        let shown: Vec<&str> = blocks().filter(|block| !block.is_common()).filter_map(|block| block.name).collect();
        let mut known: Vec<&str> = kinds(table).iter().map(|kind| kind.name).collect();
        let is_there = |block: &Block, key: &str| block.options.iter().any(|shown| shown.key() == key);
        for kind in kinds(table) {
            let block = blocks().find(|block| block.name == Some(kind.name)).expect(kind.name);
            assert_eq!(block.option("kind").unwrap().value, format!("\"{}\"", kind.name));
            for key in kind.keys {
                assert!(is_there(block, key) || is_there(common, key), "`{key}` is not shown for {}", kind.name);
            }
            for shown in &block.options {
                let taken = kind.keys.contains(&shown.key()) || is_there(common, shown.key());
                assert!(taken, "{} has no `{}`", kind.name, shown.path);
            }
        }
        known.sort_unstable();
        assert_eq!(BTreeSet::from_iter(shown), BTreeSet::from_iter(known));
    }
}

#[test]
fn a_default_that_is_shown_changes_nothing() {
    let (reference, sandbox) = (Reference::read(), sandbox());
    let mut defaults = 0;
    for (block, shown) in reference.options().filter(|(_, shown)| shown.role == ValueRole::Default) {
        if shown.path == "kind" {
            continue;
        }
        defaults += 1;
        let with = reference.with(block, shown, shown.value);
        let without = reference.without(block, shown);
        assert_ne!(with, without);
        assert_eq!(meaning(&sandbox, &with), meaning(&sandbox, &without), "{} {}", block.header, shown.line);
    }
    assert!(defaults > 50, "only {defaults} defaults were found");
}

/// A default that is none is found: the values shown are seen to matter.
#[test]
fn another_value_than_the_default_changes_something() {
    let (reference, sandbox) = (Reference::read(), sandbox());
    for (table, name, path, other) in [
        ("daemon", None, "timezone", "\"Asia/Tokyo\""),
        ("daemon", None, "dead_man.every", "\"61s\""),
        ("web", None, "listen", "\"127.0.0.1:9181\""),
        ("feed", Some(NAME), "keep_raw", "\"31d\""),
        ("feed", Some("census"), "measure", "[\"value\"]"),
        ("rule", Some(NAME), "revision_tolerance", "0.00001"),
        ("route", None, "continue", "true"),
        ("receiver", Some(NAME), "storm", "\"31/10min\""),
        ("receiver", Some("email"), "port", "588"),
    ] {
        let block = reference.blocks.iter().find(|block| (block.table, block.name) == (table, name)).unwrap();
        let shown = block.option(path).unwrap();
        assert_ne!(
            meaning(&sandbox, &reference.with(block, shown, other)),
            meaning(&sandbox, &reference.without(block, shown)),
            "{path}"
        );
    }
}

#[test]
fn every_example_is_accepted() {
    let (reference, sandbox) = (Reference::read(), sandbox());
    let wrong = |(block, shown): (&Block, &Shown)| {
        let told = errors(&sandbox, &reference.with(block, shown, shown.value))?;
        Some(format!("{} {}: {told}", block.header, shown.line))
    };
    let wrong: Vec<String> = reference.options().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn what_is_required_is_enough_and_needed() {
    let (reference, sandbox) = (Reference::read(), sandbox());
    for block in &reference.blocks {
        assert_eq!(errors(&sandbox, &reference.least(block)), None, "{}", block.header);
        let is_needed = |shown: &&Shown| matches!(shown.role, ValueRole::Required | ValueRole::OneOf);
        for shown in block.options.iter().filter(is_needed) {
            let lacking = reference.lacking(block, shown.path);
            assert!(errors(&sandbox, &lacking).is_some(), "{} does not need `{}`", block.header, shown.path);
        }
        let within = block.options.iter().filter(|shown| shown.role == ValueRole::RequiredWithin);
        for shown in within {
            let inner = block.options.iter().find(|other| other.key() == shown.key() && other.path != shown.path);
            if let Some(inner) = inner.filter(|inner| inner.path.contains('.')) {
                let with = reference.with(block, inner, inner.value);
                let lacking = with.replacen(&format!("\n{}\n", shown.line), "\n", 1);
                assert_ne!(with, lacking);
                assert!(errors(&sandbox, &lacking).is_some(), "{} does not need `{}`", block.header, shown.path);
            }
        }
    }
}
