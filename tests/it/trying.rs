//! Trying rules: `backtest` over what is stored, `record` from it, `test` against scenarios.

use super::markdown::{Piece, page, pieces, section};
use super::sandbox::Sandbox;
use super::scene::{DESK, once};

/// China's magnet exports to the US, dated by their publisher; January 2026 is not known.
const FIGURES: &str = "period,partner,tonnes,published
2025-05,US,46.4,2025-06-20
2025-06,US,353,2025-07-20
2025-07,US,619,2025-08-20
2025-08,US,590,2025-09-20
2025-09,US,420.5,2025-10-20
2025-10,US,656,2025-11-20
2025-11,US,582,2025-12-20
2025-12,US,564,2026-01-20
2026-02,US,449,2026-03-20
2026-03,US,406,2026-04-20
";

const CONFIG: &str = "[feed.magnets]
kind = \"csv\"
path = \"magnets.csv\"
frequency = \"month\"
unit = \"t\"
labels = { reporter = \"CN\", flow = \"export\" }
columns = { period = \"period\", value = \"tonnes\", published = \"published\", labels = [\"partner\"] }
release = { day = 20, after = \"1mo\" }

[rule.falling]
series = { feed = \"magnets\" }
when = \"declines >= 2\"
notify = [\"desk\"]

";

/// All of the figures were pulled, in one pull.
fn pulled(config: &str, figures: &str) -> Sandbox {
    let sandbox = Sandbox::with_config(&format!("{config}{DESK}"));
    sandbox.write("config/magnets.csv", figures);
    once(&sandbox, 0);
    sandbox
}

fn transitions(sandbox: &Sandbox, arguments: &[&str]) -> Vec<String> {
    let lines = sandbox.json(&[&["backtest", "falling"], arguments].concat());
    let (summary, transitions) = lines.split_last().unwrap();
    assert_eq!(summary["type"], "summary");
    let told = |line: &serde_json::Value| {
        assert_eq!(line["type"], "transition");
        ["transition", "period", "known_on"].map(|key| line[key].as_str().unwrap().to_owned()).join(" ")
    };
    transitions.iter().map(told).collect()
}

const EXPECTED: [&str; 3] = ["fired 2025-09 2025-10-20", "resolved 2025-10 2025-11-20", "fired 2025-12 2026-01-20"];

#[test]
fn a_backtest_says_what_would_have_been_sent() {
    let sandbox = pulled(CONFIG, FIGURES);
    let before = sandbox.contents();
    assert_eq!(transitions(&sandbox, &[]), EXPECTED);
    assert_eq!(transitions(&sandbox, &["--from", "2025-11", "--to", "2025"]), EXPECTED[2..]);
    sandbox.run(&["backtest", "--all"]).is(0).says(&["10 native, 0 reconstructed", "waiting for 2026-01", "fires"]);
    let csv = sandbox.stdout(&["backtest", "falling", "--format", "csv"]);
    assert!(csv.lines().count() == 12 && csv.contains(",2025-09,2025-10-20,native,420.5,"), "{csv}");
    sandbox.write("events.csv", "date,name\n2025-11-01,lines stop\n");
    let events = sandbox.path("events.csv").display().to_string();
    sandbox
        .run(&["backtest", "falling", "--events", &events])
        .is(0)
        .says(&["hit: known on 2025-10-20, 12 days before"]);
    sandbox.run(&["backtest", "falling", "--sweep", "declines=1,2,3"]).is(0).says(&["declines >= 3"]);
    std::fs::remove_file(sandbox.path("events.csv")).unwrap();
    assert_eq!(sandbox.contents(), before, "looking back changes nothing");
}

#[test]
fn a_revision_of_older_periods_is_told_once_and_moves_no_alert() {
    let sandbox = pulled(CONFIG, FIGURES);
    let revised = FIGURES
        .replace("2025-06,US,353,2025-07-20", "2025-06,US,40,2025-07-25")
        .replace("2025-07,US,619,2025-08-20", "2025-07,US,30,2025-08-25");
    sandbox.write("config/magnets.csv", revised);
    let notice = "rule falling: a revision changed its verdict on 3 past periods, from June 2025 to September 2025; \
                  that moves no alert";
    sandbox.run(&["dry-run"]).is(0).says(&[notice, "Nothing would be sent."]);
    let lines = sandbox.json(&["dry-run"]);
    let told = &lines[0];
    assert_eq!((&told["type"], &told["periods"], &told["last"]), (&"rejudged".into(), &3.into(), &"2025-09".into()));
    once(&sandbox, 0).says(&[notice, "0 alerts changed, 0 messages delivered"]);
    once(&sandbox, 0).says_nothing_of(&["past period"]);
    assert_eq!(sandbox.json(&["run", "--once"]).iter().filter(|line| line["type"] == "rejudged").count(), 0);
    sandbox.write(
        "config/magnets.csv",
        FIGURES
            .replace("2025-06-20", "2025-06-28")
            .replace("06,US,353,2025-07-20", "06,US,353,2025-07-28")
            .replace("07,US,619,2025-08-20", "07,US,619,2025-08-28"),
    );
    let lines = sandbox.json(&["run", "--once"]);
    assert_eq!(lines.iter().filter(|line| line["type"] == "rejudged").count(), 1, "{lines:#?}");
}

#[test]
fn a_backtest_is_drawn_into_a_file_and_on_a_terminal() {
    let sandbox = pulled(CONFIG, FIGURES);
    let drawn = ["800 ┤", "╌ fires below 406 t in 2026-04", "× no figure", "2025-07"];
    sandbox.run(&["backtest", "falling"]).is(0).says(&drawn);
    sandbox.run(&["explain", "falling", "--chart"]).is(0).says(&drawn);
    sandbox.run(&["explain", "falling"]).is(0).says_nothing_of(&["┤"]);
    sandbox.run(&["explain", "falling", "--period", "2025-09", "--chart"]).is(0).says_nothing_of(&["× no figure"]);
    let ended = sandbox.run(&["backtest", "falling", "--format", "json", "--chart", "a.svg"]);
    ended.is(0).says(&["chart: a.svg", "\"type\":\"summary\""]).says_nothing_of(&["┤"]);
    let svg = sandbox.read("a.svg");
    assert!(
        svg.starts_with("<svg ") && svg.contains("No figure for January 2026.") && svg.contains(">firing<"),
        "{svg}"
    );
    sandbox.run(&["backtest", "--all", "--chart", "b.PNG"]).is(0).says(&["chart: b.PNG"]);
    assert!(std::fs::read(sandbox.path("b.PNG")).unwrap().starts_with(b"\x89PNG\r\n"));
    let refused = |arguments: &[&str], code: i32, phrases: &[&str]| {
        sandbox.run(&[&["backtest", "falling"], arguments].concat()).is(code).says(phrases);
    };
    refused(&["--chart", "a.pdf"], 2, &[".svg or .png"]);
    refused(&["--chart", "nowhere/a.svg"], 1, &["nowhere/a.svg", "No such file"]);
    refused(&["--chart", "a.svg", "--sweep", "declines=1"], 2, &["cannot be used with"]);
}

#[test]
fn a_picture_has_room_for_some_series() {
    let header = "period,partner,tonnes,published\n";
    let row = |n: u8| format!("2025-09,P{n},{n},2025-10-20\n");
    let figures = (1..=13).map(row).fold(header.to_owned(), |all, row| all + &row);
    let sandbox = pulled(CONFIG, &figures);
    sandbox.run(&["backtest", "falling", "--chart", "a.svg"]).is(2).says(&["12 series", "these are 13", "partner=US"]);
    assert!(!sandbox.path("a.svg").exists());
    sandbox.run(&["backtest", "falling", "partner=P7", "--chart", "a.svg"]).is(0);
}

#[test]
fn a_backfill_is_placed_by_the_release_calendar() {
    let undated = FIGURES.lines().map(|line| line.rsplit_once(',').unwrap().0.to_owned() + "\n").collect::<String>();
    let sandbox = pulled(&CONFIG.replace("published = \"published\", ", ""), &undated);
    assert_eq!(transitions(&sandbox, &["--as-of-release"]), EXPECTED);
    assert_eq!(transitions(&sandbox, &[]).len(), 1, "all of it in one moment");
    sandbox.run(&["backtest", "falling"]).is(0).says(&["unavailable", "--as-of-release"]);
}

#[test]
fn a_backtest_that_is_not_possible_says_why() {
    let sandbox = pulled(CONFIG, FIGURES);
    let refused = |arguments: &[&str], code: i32, phrases: &[&str]| {
        sandbox.run(&[&["backtest"], arguments].concat()).is(code).says(phrases);
    };
    refused(&["falling", "--from", "2030"], 1, &["no figure in this range", "2025-05 to 2026-03"]);
    refused(&["falling", "partner=DE"], 1, &["none of the 1 series", "none is in `DE`; there is `US`"]);
    refused(&["falling", "partnr=US"], 1, &["no label is called `partnr`; did you mean `partner`?"]);
    refused(&["falling", "--from", "2025-12", "--to", "2025-11"], 2, &["--from 2025-12 is after --to 2025-11"]);
    sandbox.write("events.csv", b"\xff\xfe\0");
    let events = sandbox.path("events.csv").display().to_string();
    refused(&["falling", "--events", &events], 2, &["it is no text in UTF-8"]);
    refused(&["fallin"], 2, &["`falling`"]);
    refused(&[], 2, &["--all"]);
    refused(&["falling", "--latest", "--as-of-release"], 2, &["cannot be used with"]);
    refused(&["falling", "--sweep", "rises=1"], 2, &["no threshold `rises`", "`declines`"]);
    refused(&["falling", "--sweep", "declines=2 t"], 2, &["`2 t` cannot stand there"]);
    refused(&["falling", "--events", "none.csv"], 2, &["none.csv", "No such file"]);
    refused(&["falling", "--window", "3mo"], 2, &["90d or 12w"]);
    sandbox.run(&["check", "--format", "csv"]).is(2).says(&["only `backtest` writes csv"]);
}

#[test]
fn what_is_recorded_passes_and_fails_when_the_rule_changes() {
    let sandbox = pulled(CONFIG, FIGURES);
    let file = sandbox.path("config/falling.test.toml").display().to_string();
    sandbox.run(&["record", "falling", "partner=US", "-o", &file]).is(0).says(&["1 scenario"]);
    sandbox.run(&["record", "falling", "-o", &file]).is(2).says(&["--force"]);
    sandbox.run(&["test"]).is(0).says(&["ok", "1 scenario, 0 failed"]);
    sandbox.run(&["check"]).is(0);
    let config = sandbox.read("config/supplywatch.toml").replace("declines >= 2", "declines >= 1");
    sandbox.write("config/supplywatch.toml", config);
    let junit = sandbox.path("junit.xml").display().to_string();
    sandbox.run(&["test", "--junit", &junit]).is(1).says(&[
        "FAIL",
        "- 2025-10-20  2025-09  fired",
        "+ 2025-09-20  2025-08  fired",
        "1 scenario, 1 failed",
    ]);
    let xml = sandbox.read("junit.xml");
    assert!(xml.contains("failures=\"1\"") && xml.contains("+ 2025-09-20  2025-08  fired"), "{xml}");
    let lines = sandbox.run(&["test", "--run", "as recorded", "--format", "json"]);
    lines.is(1).says(&["\"passed\":false", "\"type\":\"summary\""]);
    sandbox.run(&["test", "--run", "no such name"]).is(2).says(&["--run matches none of 1 scenario"]);
}

/// One figure, a single zero, none at all, figures near the limits of a number, and two series that never meet.
const ODD: &str = "period,tonnes,s
2025-09,5,one
2020-01,0,zero
2025-07,-,none
2025-08,1.7e308,huge
2025-09,-1.7e308,huge
2025-10,1.7e308,huge
2025-08,5e-324,tiny
2025-09,1.7e308,tiny
2025-10,5e-324,tiny
2025-06,1,apart
";

/// Every kind of measure asks them, a group, and a series that derives from two of them.
fn odd_rules() -> String {
    let conditions = [
        "declines >= 2 or rises >= 1",
        "change > 5% and yoy < -10%",
        "diff > 5 t and revision > 5%",
        "change_since(2025-01) > 5%",
        "drawdown(2) < -5% or runup(2) > 5%",
        "streak(value > 0 t) >= 2",
        "value > mean(2) or value > median(12)",
        "max(2) - min(2) > 1e308 t",
        "sum(2) > 1 t and stddev(2) > 1 t",
        "zscore(2) < -2 or robust_zscore(24) < -2",
        "seasonal_zscore(3) < -2",
        "percentile(2) < 10%",
        "slope(2) < 0% and volatility(2) > 5%",
        "ytd > 1 t and ytd_yoy < 0%",
        "value * 2 > 1e308 t or value / lag > 1e300%",
        "lag(40000) > 1 t or sum(40000) > 1 t",
        "age > 10000d",
    ];
    let rule = |(number, when): (usize, &str)| {
        format!("[rule.r{number}]\nseries = {{ feed = \"odd\" }}\nwhen = \"{when}\"\nnotify = [\"desk\"]\n")
    };
    conditions.into_iter().enumerate().map(rule).collect()
}

const ODD_CONFIG: &str = "[feed.odd]
kind = \"csv\"
path = \"odd.csv\"
frequency = \"month\"
unit = \"t\"
columns = { value = \"tonnes\", labels = [\"s\"] }

[rule.group]
series = { feed = \"odd\" }
group_by = [\"feed\"]
when = [\"hhi(s) > 0.5\", \"share(s='huge') > 1%\", \"count > 9\"]
notify = [\"desk\"]

[series.never]
from = { a = { feed = \"odd\", s = \"one\" }, b = { feed = \"odd\", s = \"apart\" } }
value = \"a / b\"

[rule.never]
series = { feed = \"never\" }
when = \"change > 0%\"
notify = [\"desk\"]

";

#[test]
fn odd_figures_are_answered_whatever_is_asked_of_them() {
    let sandbox = Sandbox::with_config(&format!("{ODD_CONFIG}{}{DESK}", odd_rules()));
    sandbox.write("config/odd.csv", ODD);
    sandbox.run(&["check"]).is(0);
    once(&sandbox, 0);
    let sane = |ended: &super::sandbox::Ended| {
        assert!(
            !ended.stdout.contains("NaN") && !ended.stderr.contains("panicked"),
            "{}{}",
            ended.stdout,
            ended.stderr
        );
    };
    sane(sandbox.run(&["dry-run", "--offline"]).is(0).says(&["rule"]));
    for number in 0..odd_rules().matches("[rule.").count() {
        let rule = format!("r{number}");
        for arguments in [&["explain", &rule][..], &["backtest", &rule], &["backtest", &rule, "--latest"]] {
            sane(sandbox.run(arguments).is(0).says(&["one", "zero", "huge", "tiny"]));
        }
        sane(sandbox.run(&["backtest", &rule, "--latest", "--format", "json"]).is(0).says(&["\"type\":\"summary\""]));
    }
    sandbox.run(&["explain", "r0", "s=none"]).is(1).says(&["none of the 5 series"]);
    sandbox.run(&["explain", "group"]).is(0).says(&["the figure of huge at 2025-09 is below zero"]);
    sandbox.run(&["explain", "r8", "s=huge"]).is(0).says(&["too large to calculate with"]);
    sandbox.run(&["backtest", "never"]).is(1).says(&["have no figures"]);
    sandbox.run(&["explain", "never"]).is(0).says(&["{feed=\"never\"} has no figure yet"]);
    let file = sandbox.path("config/odd.test.toml").display().to_string();
    sandbox.run(&["record", "r1", "-o", &file]).is(0).says(&["5 scenarios"]);
    sandbox.run(&["test"]).is(0).says(&["5 scenarios, 0 failed"]);
}

#[test]
fn scenarios_that_are_wrong_or_not_there_are_told() {
    let sandbox = pulled(CONFIG, FIGURES);
    sandbox.run(&["test"]).is(2).says(&["no *.test.toml beside the config"]);
    sandbox.write("config/a.test.toml", "");
    sandbox.run(&["test"]).is(78).says(&["a.test.toml", "the file has no scenario"]);
    sandbox.write("config/a.test.toml", "[[scenario]]\nname = \"x\"\nrule = \"fallin\"\nseries = \"2025-05: six\"\n");
    sandbox.run(&["test"]).is(78).says(&["a.test.toml:3:8", "did you mean `falling`?", "`six` is no figure"]);
    sandbox.run(&["test", "none.test.toml"]).is(78).says(&["none.test.toml", "cannot be read"]);
    sandbox.run(&["test", "--run", "("]).is(2);
}

/// The code blocks of a page in a language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let block = |piece| match piece {
        Piece::Block(told, text) if told == language => Some(text),
        Piece::Block(..) | Piece::Text(_) => None,
    };
    pieces(page).into_iter().filter_map(block).collect()
}

#[test]
fn the_examples_of_the_page_are_true() {
    let page = page("docs/BACKTEST.md");
    let sandbox = Sandbox::shipped();
    let shipped = sandbox.read("config/supplywatch.toml");
    let scenarios: Vec<String> =
        blocks(&page, "toml").into_iter().filter(|block| block.contains("[[scenario]]")).collect();
    sandbox.write("config/page.test.toml", scenarios.concat());
    let rules: Vec<String> = blocks(&page, "toml").into_iter().filter(|block| block.contains("[rule.")).collect();
    sandbox.write("config/supplywatch.toml", shipped.clone() + &rules.concat());
    sandbox.run(&["test"]).is(0).says(&["4 scenarios, 0 failed"]);
    sandbox.write("config/supplywatch.toml", &shipped);
    let figures = blocks(&page, "text").into_iter().find(|block| block.starts_with("2025-05:")).unwrap();
    let scenario = format!(
        "[[scenario]]\nname = \"figures\"\nrule = \"magnet-exports-falling\"\nseries = \"\"\"\n{figures}\"\"\"\n"
    );
    sandbox.write("config/page.test.toml", scenario);
    sandbox.run(&["test"]).says(&["1 scenario"]);
    once(&sandbox, 0);
    let told = sandbox.stdout(&["backtest", "magnet-exports-falling", "partner=US", "--from", "2025-05"]);
    assert!(page.contains(told.trim_end()), "{told}");
    let config = sandbox.read("config/supplywatch.toml");
    let release = blocks(&page, "toml").into_iter().find(|block| block.contains("release = {")).unwrap();
    let release = release.lines().find(|line| line.starts_with("release")).unwrap();
    let config = config.replacen("frequency = \"month\"", &format!("frequency = \"month\"\n{release}"), 1);
    sandbox.write("config/supplywatch.toml", config);
    sandbox.run(&["check"]).is(0);
}

/// A newcomer's first scenario, step by step as the page has it.
#[test]
fn the_first_scenario_is_written_as_the_page_says() {
    let page = page("docs/RULES.md");
    let section = section(&page, "## Testing a rule");
    let steps = blocks(section, "toml");
    let [first, expect, quiet] = &steps[..] else { panic!("{steps:#?}") };
    let told = blocks(section, "text").concat();
    let sandbox = Sandbox::shipped();
    sandbox.write("config/magnets.test.toml", first);
    sandbox.run(&["test"]).is(1).says(&[&told]);
    sandbox.write("config/magnets.test.toml", format!("{first}\n{expect}"));
    sandbox.run(&["test"]).is(0).says(&["1 scenario, 0 failed"]);
    sandbox.write("config/magnets.test.toml", format!("{first}\n{expect}\n{quiet}"));
    sandbox.run(&["test"]).is(0).says(&["2 scenarios, 0 failed"]);
}

const OVERDUE: &str = "[rule.late]
series = { feed = \"magnets\" }
when = \"overdue\"
notify = [\"desk\"]

";

/// The last figure is that of March 2026, and April's was due on 20 May.
#[test]
fn what_the_clock_did_is_replayed_and_recorded() {
    let sandbox = pulled(&format!("{CONFIG}{OVERDUE}"), FIGURES);
    let lines = sandbox.json(&["backtest", "late"]);
    let told: Vec<String> = lines
        .iter()
        .filter_map(|line| Some(format!("{} {}", line["transition"].as_str()?, line["known_on"].as_str()?)))
        .collect();
    assert_eq!(told, ["fired 2026-02-24", "resolved 2026-03-20", "fired 2026-05-24"]);
    let file = sandbox.path("config/late.test.toml").display().to_string();
    sandbox.run(&["record", "late", "-o", &file]).is(0);
    assert!(sandbox.read("config/late.test.toml").contains("\nuntil  = "));
    sandbox.run(&["test"]).is(0).says(&["1 scenario, 0 failed"]);
    let recorded = sandbox.read("config/late.test.toml");
    let until = recorded.lines().find(|line| line.starts_with("until")).unwrap();
    sandbox.write("config/late.test.toml", recorded.replace(until, "until = 2026-05-23"));
    sandbox.run(&["test"]).is(1).says(&["- 2026-05-24"]);
}
