//! Whole configs: the documented one, and one with a problem in every part.

use super::{Sandbox, check};

const DOCUMENTED: &str = r#"
[daemon]
state    = "sqlite:supplywatch.db"   # unset: $STATE_DIRECTORY/supplywatch.db, else ./supplywatch.db
timezone = "UTC"
include  = ["rules/*.toml"]          # paths are relative to the file that names them

[feed.china-magnets]
kind      = "csv"
path      = "samples/china-magnet-exports.csv"   # or url = "https://…"
schedule  = "0 9 20 * *"
timezone  = "Asia/Shanghai"
frequency = "month"                  # day, week, month, quarter, year
unit      = "t"
labels    = { reporter = "CN", flow = "export", hs = "85051110" }
columns   = { period = "period", value = "tonnes", published = "published", labels = ["partner"] }

[rule.magnet-exports-falling]
series   = { feed = "china-magnets", partner = "US" }
when     = "declines >= 2"
severity = "critical"                # info, warning, critical
notify   = ["desk", "hook"]

[receiver.desk]
kind = "console"

[receiver.hook]
kind          = "webhook"
url           = "https://hooks.example/in"   # any secret string: literal, { env = … }, { file = … }, { credential = … }
secret        = { credential = "hook-secret" }   # whsec_…
insecure      = false                # true allows plain http
allow_private = false                # true allows loopback and private addresses
"#;

#[test]
fn the_documented_config_is_good() {
    let sandbox = Sandbox::new(DOCUMENTED)
        .with("rules/more.toml", "[rule.rising]\nseries = { feed = 'china-*' }\nwhen = 'rises >= 3'\nnotify = ['desk']\n")
        .with("credentials/hook-secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
        .variable("CREDENTIALS_DIRECTORY", "{}/credentials");
    assert_eq!(sandbox.told(), "");
    let setup = sandbox.setup();
    assert_eq!(setup.path, sandbox.path("supplywatch.toml"));
    let feeds: Vec<&str> = setup.feeds.iter().map(|feed| feed.name.as_str()).collect();
    let rules: Vec<&str> = setup.rules.iter().map(|rule| rule.name.as_str()).collect();
    let receivers: Vec<&str> = setup.receivers.iter().map(|receiver| receiver.name.as_str()).collect();
    assert_eq!(feeds, ["china-magnets"]);
    assert_eq!(rules, ["magnet-exports-falling", "rising"]);
    assert_eq!(receivers, ["desk", "hook"]);
    assert_eq!(setup.rules[0].notify, ["desk", "hook"]);
}

#[test]
fn every_problem_is_told_at_once_in_order() {
    let config = DOCUMENTED
        .replace("\"UTC\"", "\"UCT+1\"")
        .replace("\"month\" ", "\"monthly\" ")
        .replace("unit      = \"t\"", "unt       = \"t\"")
        .replace("partner = \"US\"", "parner = \"US\"")
        .replace("\"desk\", \"hook\"", "\"desk\", \"hok\"")
        .replace("\"declines >= 2\"", "\"declins >= 2\"")
        .replace("\"https://hooks", "\"http://hooks")
        .replace("insecure      = false ", "insecure      = \"no\" ");
    insta::assert_snapshot!(check(&config), @"");
}

#[test]
fn problems_are_there_for_programs_too() {
    let sandbox = Sandbox::new("[feed.f]\nkind = 'csv'\npath = 'f.csv'\nfrequency = 'monthly'\n");
    let Err(problems) = sandbox.load() else { panic!("expected a problem") };
    let told: Vec<String> = problems.iter().map(|problem| problem.json().to_string()).collect();
    let told = told.join("\n").replace(&format!("{}/", sandbox.path("").parent().unwrap().display()), "");
    insta::assert_snapshot!(told, @r#"{"column":13,"file":".tmpyZF1tm/supplywatch.toml","help":"did you mean `month`?","label":"expected `day`, `week`, `month`, `quarter` and `year`","line":4,"message":"`frequency` cannot be `monthly`","severity":"error"}"#);
}

/// No text at all may make the reader panic, and what it says is always placed.
#[test]
fn any_text_is_answered() {
    let pieces = [
        "[feed.a]", "[feed]", "[[feed]]", "[feed.a.headers]", "kind", "=", "'csv'", "\"\"\"", "'''", "url", "{ env = 'X' }", "[", "]",
        "{", "}", "\n", "\r\n", "'http://x'", "1979-05-27", "-1", "1e400", "nan", "\u{202E}", "\\", "labels", "稀土", "#", ",", ".",
    ];
    let mut seed = 1_u64;
    for _ in 0..3000 {
        let mut text = String::new();
        for _ in 0..12 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(pieces[(seed >> 33) as usize % pieces.len()]);
            text.push(' ');
        }
        let report = crate::config::problem::Report::default();
        let mut file = super::super::file::File::default();
        let sources = read(&text, &report, &mut file);
        for problem in report.finish(&sources).iter() {
            assert!(!problem.render(true).is_empty());
            assert!(problem.json()["line"].as_u64().is_some(), "{text}");
        }
    }
}

fn read(text: &str, report: &crate::config::problem::Report, file: &mut crate::config::file::File) -> crate::config::source::Sources {
    use crate::config::source::{Source, Sources};
    let source = Source { path: "supplywatch.toml".into(), text: text.to_owned() };
    crate::config::gather::parse(&source, 0, crate::config::file::Role::Main, file, report);
    Sources(vec![source])
}
