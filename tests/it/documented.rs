//! Every command of the pages that runs the program is run, with names such as `RULE` and `FEED` put in the place of
//! these words. `shipped` says that they exist; here is what only running them can show.

use std::collections::BTreeSet;

use super::markdown::{Piece, page, pieces, section};
use super::sandbox::Sandbox;
use super::shipped::{commands, pages};

/// What stands for a name on a page, and a name that there is.
const WORDS: &[(&str, &str)] = &[
    ("RULE", "magnet-exports-falling"),
    ("FEED", "china-magnets"),
    ("magnets", "china-magnets"),
    ("NAME", "desk"),
    ("hook", "desk"),
    ("[LABEL=VALUE]", "partner=US"),
    ("TEXT", "seen"),
    ("/etc/supplywatch/supplywatch.toml", "config/supplywatch.toml"),
    ("/etc/supplywatch-metals/supplywatch.toml", "config/supplywatch.toml"),
    ("/var/lib/supplywatch/supplywatch.db", "supplywatch.db"),
    ("/srv/supplywatch/supplywatch.db", "elsewhere.db"),
    ("/srv/supplywatch/copy.db", "copy.db"),
    ("DATABASE", "database.db"),
    ("/var/backups/supplywatch.db", "backup.db"),
    ("/var/backups/supplywatch", "."),
    ("FILE", "backup.db"),
    ("RESTORED", "backup.db"),
    ("NEW", "new.db"),
];

/// Files that commands read.
const FILES: &[(&str, &str)] = &[
    ("stops.csv", "date,name\n2025-04-04,export licences required\n"),
    ("2019.csv", "period,partner,tonnes,published\n2019-01,US,390,2019-02-20\n"),
];

/// The scenarios that the page on them shows.
fn scenarios() -> String {
    let page = page("docs/BACKTEST.md");
    let blocks = pieces(section(&page, "## Scenarios")).into_iter();
    let mut tables = blocks.filter_map(|piece| match piece {
        Piece::Block(language, text) if language == "toml" => Some(text),
        Piece::Block(..) | Piece::Text(_) => None,
    });
    tables.next().expect("the page shows scenarios")
}

/// Whether a command is only the name of a verb that wants more: arguments, a verb below it, or a terminal.
fn is_name(command: &str, said: &str) -> bool {
    let wants = ["required arguments were not provided", "\nCommands:\n", "no terminal"];
    wants.iter().any(|want| said.contains(want))
        && command.split(' ').all(|word| word.bytes().all(|b| b.is_ascii_lowercase()))
}

/// The words of a command line, as a shell takes them apart that knows quotes and nothing else.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in command.chars() {
        match (c, quote) {
            (' ', None) => words.push(std::mem::take(&mut word)),
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (c, _) => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// A command with names in the place of words, and the files that there are.
fn named(command: &str, alert: &str, delivery: &str) -> Vec<String> {
    let name = |word: String| {
        let given = [("ALERT", alert), ("ID", delivery)];
        let known = WORDS.iter().chain(&given).find(|(known, _)| *known == word);
        known.map_or(word, |(_, name)| (*name).to_owned())
    };
    let is_there = |word: &String| !["2020.csv.gz", "older.zip"].contains(&word.as_str());
    let mut named: Vec<String> = words(command).into_iter().map(name).filter(is_there).collect();
    // A new config does not go where there is one.
    if named[0] == "init" && !named.iter().any(|word| word == "--output") {
        named.extend(["--output", "new.toml", "--force"].map(ToOwned::to_owned));
    }
    named
}

/// A daemon does not end by itself; those are run by the tests of the daemon and of the README.
fn ends(command: &str) -> bool {
    !command.starts_with("run") || command.contains("--once")
}

#[test]
fn every_command_on_a_page_runs() {
    let all: BTreeSet<String> =
        pages().iter().flat_map(|path| commands(&page(path))).filter(|line| ends(line)).collect();
    // What others read is made first.
    let mut all: Vec<String> = all.into_iter().collect();
    all.sort_by_key(|command| !command.contains(" -o "));
    assert!(all.len() > 40, "only {} commands were found", all.len());

    let sandbox = Sandbox::shipped();
    FILES.iter().for_each(|(path, text)| sandbox.write(path, text));
    sandbox.write("config/rules/magnets.test.toml", scenarios());
    sandbox.run(&["run", "--once"]).is(0);
    let alert = sandbox.json(&["alerts"])[0]["id"].as_str().unwrap().to_owned();
    let delivery = sandbox.json(&["deliveries"])[0]["id"].as_str().unwrap().to_owned();
    let mut wrong = Vec::new();
    for command in &all {
        let arguments = named(command, &alert, &delivery);
        let ended = sandbox.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        if is_name(command, &ended.stderr) {
            continue;
        }
        // 1 says that what was looked for is not there, or that something is not well: an answer.
        if !matches!(ended.status.code(), Some(0 | 1)) || ended.stderr.contains("panicked") {
            wrong.push(format!("{command}: {:?}: {}", ended.status.code(), ended.stderr));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_command_that_is_refused_is_noticed() {
    assert_eq!(named("ack ALERT --note \"not yet\"", "a1", "d1"), ["ack", "a1", "--note", "not yet"]);
    assert_eq!(named("explain RULE 'a b'", "", ""), ["explain", "magnet-exports-falling", "a b"]);
    assert_eq!(Sandbox::shipped().run(&["explain", "no-such-rule"]).status.code(), Some(2));
}
