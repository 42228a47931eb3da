//! The source tree keeps its order: who may use whom, who may touch the world, how large a file grows.
//!
//! Each rule is a function from one file to what breaks it, and is seen to fail on a planted violation.

use super::source::{Source, code, line, mentions};

/// Every module with its layer; a module uses only those of lower layers, so those of one layer do not
/// see each other.
const LAYERS: [(&str, u8); 22] = [
    ("base", 0),
    ("period", 1),
    ("series", 2),
    ("chart", 3),
    ("rule", 4),
    ("alert", 5),
    ("outbox", 6),
    ("assess", 7),
    ("backtest", 8),
    ("scenario", 9),
    ("feed", 10),
    ("store", 10),
    ("notify", 10),
    ("metrics", 10),
    ("config", 11),
    ("trial", 11),
    ("catalogue", 12),
    ("inspect", 13),
    ("web", 14),
    ("daemon", 15),
    ("cli", 16),
    ("lib", 17),
];

/// The last layer that is pure: given the same, it says the same.
const PURE: u8 = 9;

/// What a pure layer does not mention.
const IMPURE: [&str; 27] = [
    "tokio",
    "reqwest",
    "rusqlite",
    "tokio_postgres",
    "lettre",
    "tracing",
    "rand",
    "std::fs",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "ToSocketAddrs",
    "UnixDatagram",
    "std::env",
    "std::process",
    "std::thread",
    "std::io",
    "SystemTime",
    "Instant::now",
    "Utc::now",
    "Local::now",
    "async",
    ".await",
    "println!",
    "eprintln!",
    "print!",
    "eprint!",
];

/// What has one door: a name, and the only paths that may mention it.
const DOORS: [(&str, &[&str]); 16] = [
    ("Utc::now", &["base/clock.rs"]),
    ("Local::now", &["base/clock.rs"]),
    ("SystemTime::now", &["base/clock.rs"]),
    ("rusqlite", &["store/"]),
    ("tokio_postgres", &["store/postgres/", "store/sql/", "store/contract/server.rs"]),
    ("reqwest", &["feed/", "notify/", "cli/desk.rs", "cli/socket.rs"]),
    ("toml", &["config/", "feed/format/sidecar.rs"]),
    ("std::env", &["config/", "store/contract/server.rs"]),
    ("tokio::spawn", &["daemon/supervise.rs"]),
    ("JoinSet", &["daemon/supervise.rs", "web/serve.rs"]),
    ("spawn_blocking", &["inspect/aside.rs", "notify/console.rs"]),
    ("cron", &["base/schedule.rs"]),
    ("prometheus", &["metrics/"]),
    ("anyhow", &["cli/"]),
    ("clap", &["cli/"]),
    ("tracing_subscriber", &["cli/"]),
];

/// What no file mentions, tests included: names without a meaning, work put off, lints switched off,
/// waiting for time to pass.
const BANNED: [&str; 12] = [
    "todo!",
    "unimplemented!",
    "dbg!",
    "#[allow(",
    "#![allow(",
    "#[ignore",
    "thread::sleep",
    "fn get_",
    "Manager",
    "Helper",
    "Util",
    "async_trait",
];

/// Lines of a file before its tests, at most.
const LINES_MAX: usize = 500;

type Rule = fn(&Source) -> Vec<String>;

const RULES: [(&str, Rule); 7] = [
    ("a module uses only lower layers", layers),
    ("paths into another module begin with crate::", paths),
    ("lower layers are pure", purity),
    ("the world has one door each", doors),
    ("files stay small", size),
    ("files say what they are for", head),
    ("nothing is put off or switched off", banned),
];

fn layer(module: &str) -> Option<u8> {
    LAYERS.iter().find(|(name, _)| *name == module).map(|(_, layer)| *layer)
}

fn layers(source: &Source) -> Vec<String> {
    let Some(module) = source.module() else { return Vec::new() };
    let Some(own) = layer(module) else { return vec![format!("module `{module}` has no layer")] };
    let code = code(source.untested());
    let paths = code.match_indices("crate::").map(|(at, found)| {
        let rest = &code[at + found.len()..];
        let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        (line(&code, at), name)
    });
    let bad = |name: &str| name != module && layer(name).is_none_or(|other| other >= own);
    paths
        .filter(|(_, name)| bad(name))
        .map(|(line, name)| format!("line {line}: `{module}` uses `crate::{name}`"))
        .collect()
}

fn paths(source: &Source) -> Vec<String> {
    let out = "super::".repeat(source.depth());
    let grouped = ["crate::{", "std::{"].map(ToOwned::to_owned);
    let code = code(source.untested());
    let found = |name: &String| {
        let lines = code.match_indices(name.as_str()).map(|(at, _)| line(&code, at)).collect::<Vec<_>>();
        lines.into_iter().map(|line| format!("line {line}: `{name}`")).collect::<Vec<_>>()
    };
    [out].iter().chain(&grouped).flat_map(found).collect()
}

fn purity(source: &Source) -> Vec<String> {
    let pure = source.module().and_then(layer).is_some_and(|layer| layer <= PURE);
    if !pure || source.path == "base/clock.rs" {
        return Vec::new();
    }
    found(&code(source.untested()), &IMPURE)
}

fn doors(source: &Source) -> Vec<String> {
    let code = code(source.untested());
    let shut = DOORS.iter().filter(|(_, open)| !open.iter().any(|path| source.path.starts_with(path)));
    let names: Vec<&str> = shut.map(|(name, _)| *name).collect();
    found(&code, &names)
}

fn size(source: &Source) -> Vec<String> {
    let lines = source.untested().lines().count();
    if lines > LINES_MAX { vec![format!("{lines} lines before its tests")] } else { Vec::new() }
}

fn head(source: &Source) -> Vec<String> {
    if source.text.trim_start().starts_with("//! ") { Vec::new() } else { vec!["does not begin with `//!`".to_owned()] }
}

fn banned(source: &Source) -> Vec<String> {
    let code = code(&source.text);
    let contained = |name: &&'static str| {
        code.match_indices(*name).map(|(at, name)| format!("line {}: `{name}`", line(&code, at))).collect::<Vec<_>>()
    };
    let mut broken: Vec<String> = BANNED.iter().flat_map(contained).collect();
    let marks = ["TODO", "FIXME", "XXX"].into_iter().flat_map(|mark| mentions(&source.text, mark));
    broken.extend(marks.map(|line| format!("line {line}: work put off")));
    broken
}

fn found(code: &str, names: &[&str]) -> Vec<String> {
    let lines =
        |name: &&str| mentions(code, name).into_iter().map(|line| format!("line {line}: `{name}`")).collect::<Vec<_>>();
    names.iter().flat_map(lines).collect()
}

/// Every violation of the named rules in some files.
fn broken(sources: &[Source], rules: &[(&str, Rule)]) -> Vec<String> {
    let of_rule = |source: &Source, (name, rule): &(&str, Rule)| {
        rule(source).into_iter().map(|what| format!("{}: {what} ({name})", source.path)).collect::<Vec<_>>()
    };
    sources.iter().flat_map(|source| rules.iter().flat_map(|rule| of_rule(source, rule)).collect::<Vec<_>>()).collect()
}

#[track_caller]
fn clean(broken: &[String]) {
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_source_tree_keeps_its_order() {
    let sources = Source::all("src");
    assert!(sources.len() > 40, "only {} files were found", sources.len());
    clean(&broken(&sources, &RULES));
}

#[test]
fn every_layer_has_its_module() {
    let sources = Source::all("src");
    for (module, _) in LAYERS.iter().filter(|(module, _)| *module != "lib") {
        assert!(sources.iter().any(|source| source.module() == Some(module)), "there is no module `{module}`");
    }
}

#[test]
fn the_tests_keep_their_order_too() {
    let rules: Vec<(&str, Rule)> = vec![("size", size), ("head", head)];
    let mut tests = Source::all("tests");
    clean(&broken(&tests, &rules));
    // This file names what is banned.
    tests.retain(|source| !source.path.ends_with("tidy.rs"));
    clean(&broken(&tests, &[("banned", banned)]));
}

/// One file with one violation, and the rule that must find it; or none.
#[track_caller]
fn planted(path: &str, text: &str, expected: &str) {
    let all = broken(&[Source::new(path, &format!("//! A file.\n{text}"))], &RULES);
    if expected.is_empty() {
        clean(&all);
    } else {
        assert!(all.len() == 1 && all[0].contains(expected), "expected {expected:?}, found {all:?}");
    }
}

#[test]
fn a_planted_use_of_a_higher_layer_is_found() {
    planted("rule/parse.rs", "use crate::alert::Alert;", "line 2: `rule` uses `crate::alert`");
    planted("rule/parse.rs", "fn f() { crate::store::open() }", "`rule` uses `crate::store`");
    planted("feed/fetch.rs", "use crate::store::Store;", "`feed` uses `crate::store`");
    planted("notify/http.rs", "use crate::feed::fetch::Fetcher;", "`notify` uses `crate::feed`");
    planted("store/sqlite.rs", "use crate::notify::Receiver;", "`store` uses `crate::notify`");
    planted("period/mod.rs", "use crate::unheard::Of;", "`period` uses `crate::unheard`");
    planted("assess.rs", "use crate::rule::Rule;\nuse crate::alert::Alert;", "");
    planted("rule/parse.rs", "use crate::rule::Expr; // crate::store\nconst A: &str = \"crate::cli\";", "");
    planted("rule/parse.rs", "\n#[cfg(test)]\nmod tests { use crate::store::Store; }", "");
}

#[test]
fn a_new_module_needs_a_layer() {
    planted("helpers.rs", "", "module `helpers` has no layer");
    planted("lib.rs", "mod anything;", "");
}

#[test]
fn a_planted_path_around_the_layers_is_found() {
    planted("assess.rs", "use super::store::Store;", "line 2: `super::`");
    planted("rule/mod.rs", "use super::series::View;", "`super::`");
    planted("rule/measure/mod.rs", "use super::super::series::View;", "`super::super::`");
    planted("rule/measure/mod.rs", "use super::evidence::Value;", "");
    planted("daemon/poll.rs", "use std::{fs, io};", "`std::{`");
    planted("daemon/poll.rs", "use super::Context;", "");
}

#[test]
fn a_planted_impurity_is_found() {
    for (text, name) in [
        ("async fn f() {}", "async"),
        ("use tokio::sync::Mutex;", "tokio"),
        ("fn f() { std::fs::read(p) }", "std::fs"),
        ("use std::net::TcpStream;", "TcpStream"),
        ("fn f() { let t = Instant::now(); }", "Instant::now"),
        ("fn f(at: std::time::SystemTime) {}", "SystemTime"),
        ("fn f() { println!(\"x\") }", "println!"),
    ] {
        planted("rule/parse.rs", text, &format!("`{name}` (lower layers are pure)"));
    }
    planted("base/limits.rs", "use rand::random;", "`rand`");
    planted("base/clock.rs", "fn now() { Utc::now() }", "");
    planted("rule/parse.rs", "/// Not tokio, nor an async fn.\nfn f() -> &'static str { \"std::fs\" }", "");
}

#[test]
fn a_planted_second_door_is_found() {
    for (path, text, name) in [
        ("daemon/poll.rs", "use rusqlite::Connection;", "rusqlite"),
        ("daemon/poll.rs", "fn f() { tokio::spawn(g()); }", "tokio::spawn"),
        ("config/file.rs", "use reqwest::Client;", "reqwest"),
        ("cli/run.rs", "fn f() { std::env::var(\"HOME\") }", "std::env"),
        ("feed/fetch.rs", "fn f() { Utc::now() }", "Utc::now"),
        ("feed/fetch.rs", "use anyhow::Result;", "anyhow"),
        ("store/sqlite.rs", "use toml::Value;", "toml"),
    ] {
        planted(path, text, &format!("`{name}` (the world has one door each)"));
    }
    planted("store/sqlite.rs", "use rusqlite::Connection;", "");
    planted("daemon/supervise.rs", "use tokio::task::JoinSet;", "");
}

#[test]
fn a_planted_lump_is_found() {
    planted("cli/run.rs", &"// line\n".repeat(500), "501 lines");
    planted("cli/run.rs", &format!("#[cfg(test)]\nmod tests {{\n{}}}", "// line\n".repeat(900)), "");
    let headless = broken(&[Source::new("cli/run.rs", "use a::b;")], &RULES);
    assert!(headless.len() == 1 && headless[0].contains("does not begin with"), "{headless:?}");
}

#[test]
fn planted_loose_ends_are_found() {
    planted("cli/run.rs", "// TODO: later", "line 2: work put off");
    planted("cli/run.rs", "fn f() { unimplemented!() }", "`unimplemented!`");
    planted("cli/run.rs", "#[allow(dead_code)]\nfn f() {}", "`#[allow(`");
    planted("cli/run.rs", "#[cfg(test)]\nmod tests {\n    #[ignore]\n    fn f() {}\n}", "`#[ignore`");
    planted("cli/run.rs", "fn get_rule() {}", "`fn get_`");
    planted("cli/run.rs", "struct FeedManager;", "line 2: `Manager`");
    planted("cli/run.rs", "#[expect(dead_code, reason = \"shown\")]\nfn widget_for() {}", "");
}
