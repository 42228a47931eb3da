//! What is shipped for several replicas on one database: its config, and those within the examples.

use super::markdown::page;
use super::sandbox::Sandbox;

/// A file's lines that say something.
fn said(text: &str) -> Vec<&str> {
    let lines = text.lines().map(|line| line.split(" # ").next().unwrap_or_default().trim_end());
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// The text of a block in YAML, without the indentation that makes it one.
fn block(path: &str, key: &str) -> String {
    let text = page(path);
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let mut lines = text.lines().skip_while(|line| line.trim() != format!("{key}: |"));
    let outer = indentation(lines.next().unwrap_or_else(|| panic!("{path} has no {key}")));
    let within: Vec<&str> = lines.take_while(|line| line.is_empty() || indentation(line) > outer).collect();
    let own = within.iter().filter(|line| !line.is_empty()).map(|line| indentation(line)).min().unwrap_or_default();
    within.into_iter().map(|line| line.get(own..).unwrap_or_default().to_owned() + "\n").collect()
}

/// On one machine the same runs with another place for the state, and all but that is in the config for one machine.
#[test]
fn the_config_for_a_database_differs_in_one_line() {
    let sandbox = Sandbox::shipped();
    let (text, single) = (page("config/postgres.toml"), page("config/supplywatch.toml"));
    let single = said(&single);
    let own: Vec<&str> = said(&text).into_iter().filter(|line| !single.contains(line)).collect();
    assert_eq!(own, ["state = { credential = \"state\" }"]);
    sandbox.write("config/one.toml", text.replace(own[0], "state = \"sqlite:one.db\""));
    let run = sandbox.run(&["run", "--once", "--config", "config/one.toml"]);
    run.is(0).says(&["1 alert changed, 1 message delivered"]);
}

/// The state is a variable in them: here a file, as there is no database.
#[test]
fn the_configs_in_the_examples_run() {
    for (path, key) in
        [("docs/examples/compose.yaml", "content"), ("docs/examples/kubernetes.yaml", "supplywatch.toml")]
    {
        let mut sandbox = Sandbox::shipped();
        sandbox.set("STATE", "sqlite:one.db");
        sandbox.set("WEB_TOKEN", "0123456789abcdef");
        sandbox.set("CREDENTIALS_DIRECTORY", sandbox.path("credentials").to_str().unwrap());
        sandbox.write("credentials/web-token", "0123456789abcdef");
        let samples = sandbox.path("config/samples");
        let text = block(path, key).replace("/etc/supplywatch/samples", samples.to_str().unwrap());
        sandbox.write("config/example.toml", text);
        sandbox.run(&["check", "--config", "config/example.toml"]).is(0).says(&["all is well"]);
        let run = sandbox.run(&["run", "--once", "--config", "config/example.toml"]);
        run.is(0).says(&["1 alert changed, 1 message delivered"]);
    }
}

/// What is not there is noticed: a block that ends where the next key begins.
#[test]
fn a_block_ends_with_its_indentation() {
    let text = block("docs/examples/kubernetes.yaml", "supplywatch.toml");
    assert!(text.starts_with("[daemon]\nstate = ") && text.ends_with("kind = \"console\"\n"), "{text}");
    assert_eq!(said("a = 1 # one\n\n# b\nc = \"#\"\n"), ["a = 1", "c = \"#\""]);
}
