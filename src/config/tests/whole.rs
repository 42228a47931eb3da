//! Whole configs: the documented one, and one with a problem in every part.

use proptest::prelude::*;

use super::{Sandbox, check};
use crate::config::file::{File, Role};
use crate::config::gather::parse;
use crate::config::problem::Report;
use crate::config::source::{Source, Sources};

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
        .with(
            "rules/more.toml",
            "[rule.rising]\nseries = { feed = 'china-*' }\nwhen = 'rises >= 3'\nnotify = ['desk']\n",
        )
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
    assert_eq!(setup.rules[0].notify.as_deref(), Some(&["desk".to_owned(), "hook".to_owned()][..]));
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
    insta::assert_snapshot!(check(&config), @r#"
    error: there is no time zone `UCT+1`
     --> supplywatch.toml:4:12
      |
    4 | timezone = "UCT+1"
      |            ^^^^^^^ unknown
      |
      = help: did you mean `UCT`?

    warning: no file matches `rules/*.toml`
     --> supplywatch.toml:5:13
      |
    5 | include  = ["rules/*.toml"]          # paths are relative to the file that names them
      |             ^^^^^^^^^^^^^^ nothing included
      |
      = help: patterns are relative to the directory of the file that has them

    error: `frequency` cannot be `monthly`
      --> supplywatch.toml:12:13
       |
    12 | frequency = "monthly"                  # day, week, month, quarter, year
       |             ^^^^^^^^^ expected `day`, `week`, `month`, `quarter` or `year`
       |
       = help: did you mean `month`?

    error: unknown key `unt` in [feed.china-magnets]
      --> supplywatch.toml:13:1
       |
    13 | unt       = "t"
       | ^^^ unknown
       |
       = help: did you mean `unit`?

    error: feed `china-magnets` has no label `parner`
      --> supplywatch.toml:18:38
       |
    18 | series   = { feed = "china-magnets", parner = "US" }
       |                                      ^^^^^^ unknown
       |
       = help: did you mean `partner`?

    error: there is no measure `declins`
      --> supplywatch.toml:19:13
       |
    19 | when     = "declins >= 2"
       |             ^^^^^^^ unknown
       |
       = help: did you mean `declines`?

    error: there is no receiver `hok`
      --> supplywatch.toml:21:21
       |
    21 | notify   = ["desk", "hok"]
       |                     ^^^^^ unknown
       |
       = help: did you mean `hook`?

    error: the address is plain http
      --> supplywatch.toml:28:17
       |
    28 | url           = "<secret>"   # any secret string: literal, { env = … }, { file = … }, { credential = … }
       |                 ^^^^^^^^^^ http://hooks.example is not encrypted
       |
       = help: use https://, or allow it with `insecure = true`

    error: the credential `hook-secret` cannot be read: $CREDENTIALS_DIRECTORY is not set
      --> supplywatch.toml:29:32
       |
    29 | secret        = { credential = "hook-secret" }   # whsec_…
       |                                ^^^^^^^^^^^^^ no secret
       |
       = help: run under systemd with LoadCredential=, or use { file = "…" } or { env = "…" }

    error: `insecure` takes `true` or `false`, found a string
      --> supplywatch.toml:30:17
       |
    30 | insecure      = "no"                # true allows plain http
       |                 ^^^^ expected `true` or `false`

    9 errors, 1 warning
    "#);
}

#[test]
fn problems_are_there_for_programs_too() {
    let sandbox = Sandbox::new("[feed.f]\nkind = 'csv'\npath = 'f.csv'\nfrequency = 'monthly'\n");
    let Err(problems) = sandbox.load() else { panic!("expected a problem") };
    let told: Vec<String> = problems.iter().map(|problem| problem.json().to_string()).collect();
    let told = told.join("\n").replace(&format!("{}/", sandbox.directory.path().display()), "");
    insta::assert_snapshot!(told, @r#"{"column":13,"file":"supplywatch.toml","help":"did you mean `month`?","label":"expected `day`, `week`, `month`, `quarter` or `year`","line":4,"message":"`frequency` cannot be `monthly`","severity":"error"}"#);
}

proptest! {
    /// No text at all may make the reader panic, and what it says is always placed.
    #[test]
    fn any_text_is_answered(text in prop::collection::vec(prop::sample::select(PIECES), 0..16)) {
        let source = Source { path: "supplywatch.toml".into(), text: text.join(" ") };
        let (report, mut file) = (Report::default(), File::default());
        parse(&source, 0, Role::Main, &mut file, &report);
        for problem in report.finish(&Sources(vec![source])).iter() {
            prop_assert!(!problem.render(true).is_empty());
            prop_assert!(problem.json()["line"].as_u64().is_some());
        }
    }
}

/// Pieces of which texts are made that are nearly TOML.
const PIECES: &[&str] = &[
    "[feed.a]\n",
    "[feed]\n",
    "[[feed]]\n",
    "[feed.a.headers]\n",
    "[receiver.b]\n",
    "kind =",
    "url =",
    "labels =",
    "=",
    "'csv'\n",
    "\"\"\"",
    "'''",
    "{ env = 'X' }",
    "[",
    "]",
    "{",
    "}",
    "\n",
    "\r\n",
    "'http://x'",
    "1979-05-27",
    "-1",
    "1e400",
    "nan",
    "\u{202E}",
    "\\",
    "稀土",
    "#",
    ",",
    ".",
];
