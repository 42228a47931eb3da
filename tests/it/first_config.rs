//! `init`: a first configuration by options and by questions on a terminal, and `check --schema`.

use std::fs::File;
use std::io::{Read, Write};
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::markdown::{Piece, page, pieces};
use super::sandbox::{Ended, Sandbox};

const MAGNETS: [&str; 7] = ["init", "--watch", "85051110", "--reporter", "Germany", "--partner", "China"];

#[test]
fn options_write_a_config_that_is_good() {
    let sandbox = Sandbox::new();
    let written = sandbox.run(&MAGNETS);
    written.is(0).says(&["config/supplywatch.toml is written", "supplywatch dry-run"]);
    let config = sandbox.read("config/supplywatch.toml");
    for line in ["kind      = \"eurostat\"", "reporter  = [\"DE\"]", "partner   = [\"CN\"]", "kind = \"console\""] {
        assert!(config.contains(line), "{line} is not in\n{config}");
    }
    sandbox.run(&["check"]).is(0).says(&["1 feed, 1 rule, 1 receiver"]);
    sandbox.run(&["receivers", "test", "desk"]).is(0);
}

#[test]
fn the_variables_that_it_needs_are_named_and_no_secret_is_written() {
    let mut sandbox = Sandbox::new();
    let output = ["--feed", "census", "--webhook", "https://hooks.example/T0/hidden", "--output", "own.toml"];
    let arguments = [&["init", "--watch", "8505110070"], &output[..]].concat();
    let told = sandbox.json(&arguments);
    assert_eq!(told[0]["config"], "own.toml");
    let variables = told[0]["variables"].as_array().unwrap();
    let variables: Vec<&str> = variables.iter().map(|one| one["variable"].as_str().unwrap()).collect();
    assert_eq!(variables, ["CENSUS_KEY", "WEBHOOK_URL"]);
    assert!(!sandbox.read("own.toml").contains("hidden"));
    let check = ["check", "--config", "own.toml"];
    sandbox.run(&check).is(78).says(&["`CENSUS_KEY`", "`WEBHOOK_URL`"]);
    sandbox.set("CENSUS_KEY", "0123456789");
    sandbox.set("WEBHOOK_URL", "https://hooks.example/T0/hidden");
    sandbox.run(&check).is(0).says(&["all is well"]);
}

#[test]
fn prices_need_no_country() {
    let sandbox = Sandbox::new();
    sandbox.run(&["init", "--price", "Nickel", "--price", "Copper"]).is(0).says(&["is written"]);
    assert!(sandbox.read("config/supplywatch.toml").contains("series   = [\"Nickel\", \"Copper\"]"));
    sandbox.run(&["check"]).is(0).says(&["1 feed, 1 rule, 1 receiver"]);
}

#[test]
fn a_file_that_is_there_is_left_alone_without_force() {
    let sandbox = Sandbox::new();
    sandbox.write("config/supplywatch.toml", "# mine\n");
    let before = sandbox.contents();
    sandbox.run(&MAGNETS).is(2).says(&["config/supplywatch.toml is there already", "--force"]);
    assert_eq!(sandbox.contents(), before);
    sandbox.run(&[&MAGNETS[..], &["--force"]].concat()).is(0);
    sandbox.run(&["check"]).is(0);
    assert_eq!(sandbox.contents().len(), 1);
}

#[test]
fn what_is_wrong_with_the_options_is_said_and_nothing_written() {
    let sandbox = Sandbox::new();
    let refused = |arguments: &[&str], phrases: &[&str]| {
        sandbox.run(&[&["init"], arguments].concat()).is(2).says(phrases);
    };
    refused(&[], &["standard input is no terminal", "--watch 85051110"]);
    refused(&["--watch", "85051"], &["`commodity` cannot be `85051`", "expected 2, 4, 6 or 8 digits"]);
    refused(&["--watch", "850511", "--reporter", "Japan", "--feed", "eurostat"], &["Japan is no member"]);
    refused(&["--watch", "850511", "--feed", "gacc"], &["the kinds are `eurostat`"]);
    refused(&["--watch", "850511", "--webhook", "http://hooks.example"], &["plain http"]);
    refused(&["--watch", "850511", "--email", "desk"], &["--relay"]);
    refused(&["--watch", "850511", "--email", "desk", "--relay", "smtp.example.org"], &["`desk` is no mail address"]);
    refused(&["--price", "Nickel", "--watch", "850511"], &["cannot be used with"]);
    assert_eq!(sandbox.contents(), Vec::new());
}

/// The program on a terminal on which these lines are written: how it ended, and all that is to be seen there.
fn on_a_terminal(sandbox: &Sandbox, arguments: &[&str], lines: &str) -> (Ended, String) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let open = || File::options().read(true).write(true).open(&name).unwrap();
    let mut command = sandbox.command(arguments);
    command.stdin(Stdio::from(open())).stderr(Stdio::from(open())).stdout(Stdio::piped());
    let mut terminal = File::from(terminal);
    terminal.write_all(lines.as_bytes()).unwrap();
    let child = command.spawn().unwrap();
    // Its ends of the terminal close with it.
    drop(command);
    let mut seen = Vec::new();
    // A terminal that nobody has any more is an error to read.
    drop(terminal.read_to_end(&mut seen));
    let output = child.wait_with_output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    (Ended { status: output.status, stdout, stderr: String::new() }, String::from_utf8(seen).unwrap())
}

/// What the page shows of the questions.
fn questions_of_the_page() -> Vec<String> {
    let shown = pieces(&page("docs/CONFIG.md")).into_iter().find_map(|piece| match piece {
        Piece::Block(language, text) if language == "text" => Some(text),
        _ => None,
    });
    shown.unwrap().lines().map(ToOwned::to_owned).collect()
}

#[test]
fn questions_are_asked_on_a_terminal() {
    let sandbox = Sandbox::new();
    let answers = "eurostat\nAtlantis\nFR\nmagnets\n85051110\nCN, JP\n\nemail\ndesk@example.org\n\n\n\n";
    let (ended, seen) = on_a_terminal(&sandbox, &["init"], answers);
    ended.is(0).says(&["config/supplywatch.toml is written"]);
    for shown in ["Whose figures shall be watched?", "`Atlantis` is no country", "85051110  ", "By which mail relay?"] {
        assert!(seen.contains(shown), "{shown:?} is not to be seen in\n{seen}");
    }
    for line in questions_of_the_page() {
        assert!(seen.contains(line.trim()), "docs/CONFIG.md: {line:?} is not to be seen in\n{seen}");
    }
    sandbox.run(&["check"]).is(0).says(&["1 feed, 1 rule, 1 receiver"]);
    let config = sandbox.read("config/supplywatch.toml");
    assert!(
        config.contains("partner   = [\"CN\", \"JP\"]") && config.contains("to   = [\"desk@example.org\"]"),
        "{config}"
    );
}

#[test]
fn a_terminal_that_hangs_up_writes_nothing() {
    let sandbox = Sandbox::new();
    // The sign that ends a terminal's input.
    let (ended, seen) = on_a_terminal(&sandbox, &["init"], "eurostat\n\u{4}");
    ended.is(2);
    assert!(seen.contains("nothing was written"), "{seen}");
    assert_eq!(sandbox.contents(), Vec::new());
}

#[test]
fn the_schema_is_printed_without_a_config() {
    let sandbox = Sandbox::new();
    let schema: serde_json::Value = serde_json::from_str(&sandbox.stdout(&["check", "--schema"])).unwrap();
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    assert!(schema["properties"]["feed"].is_object());
}
