//! The files that are shipped beside the program are true of it: its config, its unit, its pages.

use std::collections::BTreeSet;
use std::path::Path;

use super::markdown::{Piece, code, links, page, pieces, section};
use super::sandbox::{PROJECT, Sandbox};
use super::source::Source;

/// Every page of the project.
pub fn pages() -> Vec<String> {
    let docs = std::fs::read_dir(Path::new(PROJECT).join("docs")).unwrap();
    let docs = docs.map(|entry| format!("docs/{}", entry.unwrap().file_name().display()));
    let mut pages: Vec<String> = docs.filter(|path| path.ends_with(".md")).collect();
    pages.push("README.md".to_owned());
    pages.sort();
    pages
}

/// The verbs below a verb, as its help lists them.
pub fn verbs(help: &str) -> Vec<String> {
    let Some((_, rest)) = help.split_once("\nCommands:\n") else { return Vec::new() };
    let listed = rest.lines().take_while(|line| line.starts_with("  "));
    listed
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .map(ToOwned::to_owned)
        .collect()
}

/// What is wrong with a command line after the program's name: a verb or an option that is not in the help.
fn wrong(sandbox: &Sandbox, arguments: &str) -> Option<String> {
    let mut path: Vec<&str> = Vec::new();
    let mut help = sandbox.stdout(&["--help"]);
    let words: Vec<&str> = arguments.split(' ').map(|word| word.trim_matches(['[', ']', '…', ','])).collect();
    for word in words.iter().take_while(|word| !word.starts_with('-')) {
        if !verbs(&help).iter().any(|verb| verb == word) {
            break;
        }
        path.push(word);
        help = sandbox.stdout(&[&path[..], &["--help"]].concat());
    }
    if path.is_empty() && !words[0].starts_with('-') {
        return Some(format!("there is no verb `{}`", words[0]));
    }
    let options = words.iter().filter(|word| word.starts_with("--")).map(|word| word.split('=').next().unwrap_or(word));
    let known = |option: &&str| help.split([' ', '=', ',', '\n']).any(|word| word == *option);
    options.into_iter().find(|option| !known(option)).map(|option| format!("`{}` has no `{option}`", path.join(" ")))
}

/// The arguments of a command that runs the program, if it does.
fn of_program(command: &str) -> Option<String> {
    let command = command.trim().trim_start_matches("$ ").trim_start_matches("sudo ");
    let program = ["supplywatch ", "cargo run --release -- ", "target/release/supplywatch "];
    let arguments = program.iter().find_map(|program| command.strip_prefix(program))?;
    let arguments = arguments.split([';', '|', '#', '>', '&']).next()?.trim();
    // `supplywatch 0.1.0` names a version.
    (!arguments.starts_with(|c: char| c.is_ascii_digit())).then(|| arguments.to_owned())
}

/// Every command of a page that runs the program.
pub fn commands(page: &str) -> Vec<String> {
    let of_piece = |piece: Piece| match piece {
        Piece::Text(text) => code(&text),
        Piece::Block(language, text) if ["sh", "console", ""].contains(&language.as_str()) => {
            text.lines().map(ToOwned::to_owned).collect()
        }
        Piece::Block(..) => Vec::new(),
    };
    pieces(page).into_iter().flat_map(of_piece).filter_map(|command| of_program(&command)).collect()
}

#[test]
fn the_shipped_config_is_good() {
    let sandbox = Sandbox::shipped();
    let checked = sandbox.run(&["check"]);
    checked.is(0).says(&["2 feeds, 2 rules", "all is well"]).says_nothing_of(&["warning"]);
}

const WATCHLIST: [&str; 2] = ["--config", "config/watchlist.toml"];

#[test]
fn the_watch_list_is_good() {
    let sandbox = Sandbox::shipped();
    let checked = sandbox.run(&[&["check"], &WATCHLIST[..]].concat());
    checked.is(0).says(&["16 feeds, 26 rules", "all is well"]).says_nothing_of(&["warning"]);
}

/// Its scenarios pass, and each rule has one in which it fires and one in which it must stay quiet.
#[test]
fn each_rule_of_the_watch_list_is_seen_to_speak_and_to_keep_quiet() {
    let sandbox = Sandbox::shipped();
    sandbox.run(&[&["test"], &WATCHLIST[..]].concat()).is(0).says(&["79 scenarios, 0 failed"]);
    let files = std::fs::read_dir(Path::new(PROJECT).join("config/rules")).unwrap();
    let files: Vec<String> = files.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let (scenarios, rules): (Vec<&String>, Vec<&String>) = files.iter().partition(|file| file.ends_with(".test.toml"));
    assert_eq!((scenarios.len(), rules.len()), (9, 9));
    let lacking: Vec<String> = rules.into_iter().flat_map(|file| lacking(file.trim_end_matches(".toml"))).collect();
    assert!(lacking.is_empty(), "{}", lacking.join("\n"));
}

/// The rules of a file without a scenario in which they fire, or without one in which nothing is sent.
fn lacking(material: &str) -> Vec<String> {
    let (rules, scenarios) =
        (page(&format!("config/rules/{material}.toml")), page(&format!("config/rules/{material}.test.toml")));
    let scenarios: Vec<&str> = scenarios.split("[[scenario]]").skip(1).collect();
    let names = rules.lines().filter_map(|line| line.strip_prefix("[rule.")?.strip_suffix(']'));
    let lacks = |name: &&str| {
        let rule = format!("rule   = \"{name}\"\n");
        let own: Vec<&&str> = scenarios.iter().filter(|scenario| scenario.contains(&rule)).collect();
        let fires = own
            .iter()
            .any(|scenario| ["transition = \"fired\"", "title ", "values "].iter().all(|part| scenario.contains(part)));
        !(fires && own.iter().any(|scenario| !scenario.contains("[[scenario.expect]]")))
    };
    names.filter(lacks).map(|name| format!("{material}: {name}")).collect()
}

#[test]
fn every_command_on_a_page_exists() {
    let sandbox = Sandbox::new();
    let all: BTreeSet<(String, String)> = pages()
        .into_iter()
        .flat_map(|path| commands(&page(&path)).into_iter().map(move |command| (command, path.clone())))
        .collect();
    assert!(all.len() > 10, "only {} commands were found", all.len());
    let wrong: Vec<String> = all
        .iter()
        .filter_map(|(command, path)| wrong(&sandbox, command).map(|wrong| format!("{path}: `{command}`: {wrong}")))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_command_that_does_not_exist_is_found() {
    let sandbox = Sandbox::new();
    let wrong = |command: &str| wrong(&sandbox, &of_program(command).unwrap());
    assert_eq!(wrong("supplywatch send"), Some("there is no verb `send`".into()));
    assert_eq!(wrong("supplywatch run --twice"), Some("`run` has no `--twice`".into()));
    assert_eq!(wrong("supplywatch check --once"), Some("`check` has no `--once`".into()));
    assert_eq!(wrong("sudo supplywatch deliveries retry msg_1 # again"), None);
    assert_eq!(wrong("cargo run --release -- run [--once] --config=x"), None);
    assert_eq!(wrong("supplywatch --version"), None);
}

#[test]
fn every_link_leads_to_a_file() {
    let dead = |path: &String| {
        let directory = Path::new(PROJECT).join(path);
        let local = links(&page(path)).into_iter().filter(|link| !link.contains("://") && !link.starts_with('#'));
        let dead = local.filter(|link| {
            let file = link.split('#').next().unwrap_or_default();
            !directory.parent().unwrap().join(file).exists()
        });
        dead.map(|link| format!("{path}: {link}")).collect::<Vec<_>>()
    };
    let dead: Vec<String> = pages().iter().flat_map(dead).collect();
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

#[test]
fn every_path_on_a_page_exists() {
    let within = ["src/", "tests/", "docs/", "systemd/", "packaging/", "benches/", "fuzz/", "config/", ".ci/"];
    let dead = |path: &String| {
        let spans = pieces(&page(path)).into_iter().filter_map(|piece| match piece {
            Piece::Text(text) => Some(code(&text)),
            Piece::Block(..) => None,
        });
        let paths =
            spans.flatten().filter(|code| within.iter().any(|root| code.starts_with(root)) && !code.contains(' '));
        let dead = paths.filter(|code| !Path::new(PROJECT).join(code).exists());
        dead.map(|code| format!("{path}: {code}")).collect::<Vec<_>>()
    };
    let dead: Vec<String> = pages().iter().flat_map(dead).collect();
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

/// The picture on the pages is what the program draws of the shipped figures.
#[test]
fn the_shown_chart_is_the_programs() {
    let sandbox = Sandbox::shipped();
    sandbox.run(&["run", "--once"]).is(0);
    sandbox.run(&["backtest", "magnet-exports-falling", "--chart", "magnet-exports.svg"]).is(0);
    let shown = std::fs::read_to_string(Path::new(PROJECT).join("docs/img/magnet-exports.svg")).unwrap();
    let drawn = sandbox.read("magnet-exports.svg");
    assert!(drawn == shown, "docs/img/magnet-exports.svg is another than\n{drawn}");
}

/// Every function of the sources and the tests, whatever it is written in.
fn functions() -> BTreeSet<String> {
    let rust = ["src", "tests"].into_iter().flat_map(Source::all).map(|source| source.text);
    let python = ["browser", "peers", "systemd", "soak"].into_iter().flat_map(|directory| {
        let files = std::fs::read_dir(Path::new(PROJECT).join("tests").join(directory)).into_iter().flatten();
        let files = files.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "py"));
        files.map(|path| std::fs::read_to_string(path).unwrap()).collect::<Vec<_>>()
    });
    let name = |line: &str| {
        let (_, rest) = line.split_once("fn ").or_else(|| line.split_once("def "))?;
        Some(rest.split(['(', '<']).next()?.to_owned())
    };
    rust.chain(python).flat_map(|text| text.lines().filter_map(name).collect::<Vec<_>>()).collect()
}

/// What is wrong with the last column of a section's tables, which names the tests that hold each row.
fn unheld(page_path: &str, title: &str, functions: &BTreeSet<String>) -> Vec<String> {
    let text = page(page_path);
    let rows = section(&text, title).lines().filter(|line| line.starts_with("| ") && !line.contains("---")).skip(1);
    let wrong = |row: &str| {
        let tests = code(row.trim_end_matches([' ', '|']).rsplit(" | ").next().unwrap_or_default());
        // Beside functions there are scripts, and what the compiler itself refuses.
        let is_there = |test: &String| {
            functions.contains(test) || test == "cargo" || test.contains('/') && Path::new(PROJECT).join(test).is_file()
        };
        (tests.is_empty() || !tests.iter().all(is_there)).then(|| format!("{page_path}: {row}"))
    };
    let wrong: Vec<String> = rows.filter_map(wrong).collect();
    assert!(section(&text, title).lines().count() > 3, "{page_path} has no {title}");
    wrong
}

/// Two pages say of what they promise which test holds it.
#[test]
fn every_promise_has_its_test() {
    let functions = functions();
    let security =
        ["## Foreign figures and texts", "## Where it connects to", "## Secrets", "## The page", "## The machine"];
    let mut wrong = unheld("docs/ARCHITECTURE.md", "## What always holds", &functions);
    wrong.extend(security.iter().flat_map(|title| unheld("docs/SECURITY.md", title, &functions)));
    assert!(wrong.is_empty(), "no such test:\n{}", wrong.join("\n"));
    assert!(!functions.contains("nothing_ever_goes_wrong"), "names are not made up");
}

/// Every module of the top level is on the map.
#[test]
fn the_map_is_complete() {
    let architecture = page("docs/ARCHITECTURE.md");
    let map = code(section(&architecture, "## The map"));
    for source in Source::all("src").iter().filter(|source| source.depth() == 1) {
        let Some(module) = source.module() else { continue };
        let known = [format!("src/{module}"), format!("src/{module}.rs")];
        assert!(known.iter().any(|path| map.contains(path)), "`{module}` is not on the map");
    }
}

/// The keys of a unit file or a drop-in with their values, in order, each with its section.
fn keys(path: &str) -> Vec<(String, String, String)> {
    let (mut section, mut keys) = (String::new(), Vec::new());
    for line in page(path).lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name.to_owned();
        } else {
            let (key, value) =
                line.split_once('=').unwrap_or_else(|| panic!("{path}: `{line}` is no key with a value"));
            keys.push((section.clone(), key.to_owned(), value.to_owned()));
        }
    }
    keys
}

/// The values of a key of the unit file, in order.
fn unit(key: &str) -> Vec<String> {
    let keys = keys("systemd/supplywatch.service").into_iter();
    keys.filter(|(_, known, _)| known == key).map(|(_, _, value)| value).collect()
}

#[test]
fn the_unit_starts_a_verb_that_exists() {
    let start = unit("ExecStart");
    let (program, arguments) = start[0].split_once(' ').unwrap();
    // By hand it is in /usr/local/bin, from a package in /usr/bin: systemd looks in both.
    assert_eq!(program, "supplywatch");
    assert_eq!(wrong(&Sandbox::new(), arguments), None);
    assert_eq!(unit("Type"), ["notify"]);
    assert_eq!(unit("ExecReload"), ["/bin/kill -HUP $MAINPID"]);
}

/// The group of the socket is made by the package, and is none that a dynamic user could be in the way of.
#[test]
fn the_unit_and_the_files_beside_it_agree() {
    let group = unit("Group").remove(0);
    assert_ne!(vec![group.clone()], unit("User"));
    assert!(page("systemd/supplywatch.sysusers").lines().any(|line| line == format!("g {group} -")));
    assert!(
        page("systemd/supplywatch.tmpfiles")
            .lines()
            .any(|line| line.starts_with("d /etc/supplywatch/credentials 0700"))
    );
    let stranger = page("src/cli/desk.rs");
    assert!(stranger.contains(&group), "a stranger is told of another group");
    let listen = "127.0.0.1:9180";
    assert!(keys("systemd/supplywatch.socket").iter().any(|(_, key, value)| key == "ListenStream" && value == listen));
    assert!(page("config/supplywatch.toml").contains(&format!("listen = \"{listen}\"")));
}

/// A drop-in has keys of the service alone, and says which file it is about.
#[test]
fn the_examples_of_drop_ins_are_in_form() {
    let files = std::fs::read_dir(Path::new(PROJECT).join("systemd/examples")).unwrap();
    let files: Vec<String> = files.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(files.len() >= 4, "{files:?}");
    for file in files {
        let keys = keys(&format!("systemd/examples/{file}"));
        assert!(!keys.is_empty(), "{file} says nothing");
        if file.ends_with(".conf") {
            assert!(keys.iter().all(|(section, ..)| section == "Service"), "{file}: {keys:?}");
        }
        for (_, key, value) in keys.iter().filter(|(_, key, _)| key == "ExecStart") {
            let arguments = value.strip_prefix("supplywatch ").unwrap_or_else(|| panic!("{file}: {key}={value}"));
            assert_eq!(wrong(&Sandbox::new(), arguments), None, "{file}");
        }
    }
}

#[test]
fn the_unit_does_not_restart_what_a_restart_cannot_mend() {
    let prevented = unit("RestartPreventExitStatus");
    assert!(prevented[0].split(' ').any(|code| code == "78"), "{prevented:?}");
    // A credential that is missing would keep the service from starting: they come by drop-in.
    assert_eq!(unit("LoadCredential"), Vec::<String>::new());
    assert_eq!(unit("StateDirectory"), ["supplywatch"]);
}

/// The command line looks for the socket there, and it is not for everybody.
#[test]
fn the_unit_has_a_place_for_the_socket() {
    assert_eq!(
        (unit("RuntimeDirectory"), unit("RuntimeDirectoryMode")),
        (vec!["supplywatch".into()], vec!["0750".into()])
    );
    let families = unit("RestrictAddressFamilies");
    assert!(
        ["AF_INET", "AF_INET6", "AF_UNIX"].iter().all(|family| families[0].split(' ').any(|known| known == *family))
    );
}

/// What the page on security says of the unit.
#[test]
fn the_unit_is_locked_down() {
    let on = [
        "NoNewPrivileges",
        "PrivateDevices",
        "PrivateTmp",
        "PrivateUsers",
        "ProtectHome",
        "RestrictSUIDSGID",
        "MemoryDenyWriteExecute",
        "LockPersonality",
        "RestrictNamespaces",
        "DynamicUser",
    ];
    let off: Vec<&str> = on.into_iter().filter(|key| unit(key) != ["yes"]).collect();
    assert!(off.is_empty(), "{off:?}");
    assert_eq!((unit("CapabilityBoundingSet"), unit("LimitCORE")), (vec![String::new()], vec!["0".to_owned()]));
    assert_eq!((unit("ProtectSystem"), unit("UMask")), (vec!["strict".to_owned()], vec!["0077".to_owned()]));
    assert_eq!(unit("SystemCallFilter"), ["@system-service", "~@privileged @resources @obsolete"]);
}

/// The last string of a call, which begins behind its opening bracket.
fn last_string(call: &str) -> Option<String> {
    let (mut depth, mut at, mut last) = (1, 0, None);
    while depth > 0 {
        match call[at..].chars().next()? {
            '(' => depth += 1,
            ')' => depth -= 1,
            '"' => {
                let end = call[at + 1..].find('"')? + at + 1;
                last = Some(call[at + 1..end].to_owned());
                at = end;
            }
            other => at += other.len_utf8() - 1,
        }
        at += 1;
    }
    last
}

/// What the lines of the log say: the text of each call of the log's macros, what differs as `{…}`.
fn log_lines() -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for source in Source::all("src") {
        for level in ["error!(", "warn!(", "info!("] {
            let calls = source.untested().match_indices(level);
            let own = calls.filter(|(at, _)| !source.text[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_'));
            let texts = own.filter_map(|(at, _)| last_string(&source.text[at + level.len()..]));
            let words =
                |text: String| text.split_whitespace().filter(|word| *word != "\\").collect::<Vec<_>>().join(" ");
            lines.extend(texts.map(words));
        }
    }
    lines
}

/// The page on operating has every line of the log, with what it means.
#[test]
fn every_line_of_the_log_is_explained() {
    let lines = log_lines();
    assert!(lines.len() > 30 && lines.contains("row refused"), "{lines:#?}");
    let operating = page("docs/OPERATING.md");
    let page: Vec<&str> = section(&operating, "## What the log says").split_whitespace().collect();
    let page = page.join(" ");
    // What is told of an attempt depends on what comes next; the page has it all the same.
    let unexplained: Vec<&String> =
        lines.iter().filter(|line| *line != "{said}" && !page.contains(line.as_str())).collect();
    assert!(unexplained.is_empty(), "{unexplained:#?}");
}
