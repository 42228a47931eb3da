//! Rules on groups of series, and on series that derive from others, with the whole program.

use super::sandbox::Sandbox;
use super::scene::{DESK, once};

const CONFIG: &str = "[feed.imports]
kind = \"csv\"
path = \"imports.csv\"
frequency = \"month\"
unit = \"t\"
labels = { reporter = \"US\", flow = \"import\" }
columns = { period = \"period\", value = \"tonnes\", published = \"published\", labels = [\"hs\", \"partner\"] }

[rule.concentration]
series = { feed = \"imports\" }
group_by = [\"hs\"]
when = [\"share(partner='CN') > 70%\", \"hhi(partner) > 0.5\"]
min_base = \"10 t\"
notify = [\"desk\"]

";

/// August, when nothing is alarming.
const AUGUST: &str = "period,hs,partner,tonnes,published
2025-08,8505,CN,60,2025-09-20
2025-08,8505,MY,40,2025-09-20
2025-08,2805,CN,1,2025-09-20
2025-08,2805,VN,1,2025-09-20
";

fn pulled(figures: &str) -> Sandbox {
    let sandbox = Sandbox::with_config(&format!("{CONFIG}{DESK}"));
    sandbox.write("config/imports.csv", AUGUST);
    once(&sandbox, 0);
    sandbox.write("config/imports.csv", figures);
    sandbox
}

fn alerts(sandbox: &Sandbox) -> Vec<String> {
    let told = |alert: &serde_json::Value| format!("{} {}", alert["labels"], alert["state"]);
    sandbox.json(&["alerts"]).iter().map(told).collect()
}

#[test]
fn a_group_fires_once_all_its_members_are_there() {
    let part =
        format!("{AUGUST}2025-09,8505,CN,80,2025-10-20\n2025-09,2805,CN,3,2025-10-20\n2025-09,2805,VN,1,2025-10-20\n");
    let sandbox = pulled(&part);
    assert!(!once(&sandbox, 0).stdout.contains("China"), "Malaysia is missing, and 2805 is tiny");
    sandbox.write("config/imports.csv", format!("{part}2025-09,8505,MY,20,2025-10-20\n"));
    let told = once(&sandbox, 0).stdout;
    insta::assert_snapshot!(told.lines().take(3).collect::<Vec<_>>().join("\n"), @r#"
    ▲ WARNING  8505 had China at 80 %: 100 t in September 2025

      September 2025 100 t. By parts: China 80 t (80 %), Malaysia 20 t (20 %). Known since 20
    "#);
    insta::assert_snapshot!(alerts(&sandbox).join("\n"), @r#"
    {"feed":"imports","hs":"8505"} "firing"
    {"feed":"imports","hs":"2805"} "ok"
    "#);
    assert!(!once(&sandbox, 0).stdout.contains("China"), "the same again says nothing");
    let resolved =
        format!("{part}2025-09,8505,MY,20,2025-10-20\n2025-10,8505,CN,50,2025-11-20\n2025-10,8505,MY,50,2025-11-20\n");
    sandbox.write("config/imports.csv", resolved);
    assert!(once(&sandbox, 0).stdout.contains("no longer holds"));
}

#[test]
fn groups_are_explained_replayed_and_recorded() {
    let sandbox = pulled(&format!("{AUGUST}2025-09,8505,CN,80,2025-10-20\n2025-09,8505,MY,20,2025-10-20\n"));
    once(&sandbox, 0);
    insta::assert_snapshot!(sandbox.stdout(&["explain", "concentration", "hs=8505"]), @r#"
    concentration on {feed="imports", hs="8505"}
    at September 2025: holds
      when share(partner='CN') > 70% → holds
        share(partner='CN') > 70% = holds
          share(partner='CN') = 80 %
            · 2025-09 100 t (final, known since 2025-10-20T00:00:00Z)
            China = 80 t
            Malaysia = 20 t
      when hhi(partner) > 0.5 → holds
        hhi(partner) > 0.5 = holds
          hhi(partner) = 0.68
            · 2025-09 100 t (final, known since 2025-10-20T00:00:00Z)
            China = 80 t
            Malaysia = 20 t
      2 of 2 gates hold; neither the figure of 2025-09 nor the next alone changes it
      receivers: `desk`
    "#);
    let replayed = sandbox.json(&["backtest", "concentration"]);
    let transitions: Vec<&str> = replayed.iter().filter_map(|line| line["transition"].as_str()).collect();
    assert_eq!(transitions, ["fired"]);
    let unknown = sandbox.run(&["explain", "concentration", "hs=1"]);
    unknown.is(1);
    assert!(unknown.stderr.contains("none of the 2 groups of rule concentration has these labels"));
    let file = sandbox.path("config/groups.test.toml").display().to_string();
    sandbox.run(&["record", "concentration", "hs=8505", "-o", &file]).is(0).says(&["1 scenario"]);
    insta::assert_snapshot!(sandbox.read("config/groups.test.toml"), @r#"
    [[scenario]]
    name   = "concentration on {feed=\"imports\", hs=\"8505\"}, as recorded"
    rule   = "concentration"
    labels = { feed = "imports", flow = "import", hs = "8505", reporter = "US" }
    unit   = "t"
    series = """
    partner=CN  2025-08: 60 @ 2025-09-20 80 @ 2025-10-20
    partner=MY  2025-08: 40 @ 2025-09-20 20 @ 2025-10-20
    """

    [[scenario.expect]]
    on         = 2025-10-20
    period     = "2025-09"
    transition = "fired"
    title      = "8505 had China at 80 %: 100 t in September 2025"
    "#);
    sandbox.run(&["test"]).is(0).says(&["1 scenario, 0 failed"]);
    sandbox.run(&["record", "concentration", "-o", &file, "--force"]).is(0).says(&["2 scenarios"]);
    sandbox.run(&["test"]).is(0).says(&["2 scenarios, 0 failed"]);
}

const DERIVED: &str = "[feed.ndpr]
kind = \"csv\"
path = \"ndpr.csv\"
frequency = \"day\"
unit = \"CNY/t\"
labels = { grade = \"NdPr oxide\" }
columns = { period = \"date\", value = \"price\", published = \"date\" }

[feed.usd-cny]
kind = \"csv\"
path = \"rate.csv\"
frequency = \"day\"
unit = \"CNY/USD\"
columns = { period = \"date\", value = \"rate\", published = \"date\" }

[series.ndpr-usd]
from = { price = { feed = \"ndpr\" }, rate = { feed = \"usd-cny\" } }
value = \"price / last(rate)\"
unit = \"USD/t\"
by = [\"grade\"]

[rule.dear]
series = { feed = \"ndpr-usd\" }
when = \"value > 75000 USD/t\"
notify = [\"desk\"]

";

#[test]
fn a_derived_series_is_judged_when_either_feed_changes() {
    let sandbox = Sandbox::with_config(&format!("{DERIVED}{DESK}"));
    sandbox.write("config/ndpr.csv", "date,price\n2025-10-15,525000\n2025-10-16,518000\n");
    sandbox.write("config/rate.csv", "date,rate\n2025-10-15,7.1\n");
    let first = once(&sandbox, 0).stdout;
    assert_eq!(first, "", "72 958 USD/t");
    sandbox.write("config/ndpr.csv", "date,price\n2025-10-15,525000\n2025-10-16,518000\n2025-10-17,532500\n");
    assert_eq!(once(&sandbox, 0).stdout, "", "75 000 USD/t is not above itself");
    sandbox.write("config/rate.csv", "date,rate\n2025-10-15,7.1\n2025-10-17,7\n");
    let told = once(&sandbox, 0).stdout;
    let (message, sources) = told.split_once("  Source ").unwrap();
    insta::assert_snapshot!(message.trim_end(), @r#"
    ▲ WARNING AFTER REVISION  NdPr oxide stood above 75 000 USD/t, after a revision: 17 October
                              2025 is now 76 071.4 USD/t, was 75 000 USD/t

      17 October 2025 76 071.4 USD/t. Known since 17 October 2025.

      period               value  change  known since  note
      2025-10-15  73 943.7 USD/t          2025-10-15
      2025-10-16  72 957.7 USD/t  −1.3 %  2025-10-16
      2025-10-17  76 071.4 USD/t  +4.3 %  2025-10-17   was 75 000 USD/t until 17 October 2025

      Revised      2025-10-17: was 75 000 USD/t, is 76 071.4 USD/t since 2025-10-17
      Why          ✓ holds  value > 75000 USD/t   value = 76 071.4 USD/t
      Clears       ends when `value > 75000 USD/t` no longer holds
    "#);
    assert!(sources.contains("ndpr, config/ndpr.csv") && sources.contains("usd-cny, config/rate.csv"), "{sources}");
    insta::assert_snapshot!(alerts(&sandbox).join("\n"), @r#"{"feed":"ndpr-usd","grade":"NdPr oxide"} "firing""#);
    let replayed = sandbox.json(&["backtest", "dear"]);
    assert_eq!(replayed.iter().filter(|line| line["type"] == "transition").count(), 1);
    let file = sandbox.path("config/dear.test.toml").display().to_string();
    sandbox.run(&["record", "dear", "-o", &file]).is(0).says(&["1 scenario"]);
    insta::assert_snapshot!(sandbox.read("config/dear.test.toml"), @r#"
    [[scenario]]
    name   = "dear on {feed=\"ndpr-usd\", grade=\"NdPr oxide\"}, as recorded"
    rule   = "dear"
    series = """
    feed=ndpr grade='NdPr oxide' in CNY/t  2025-10-15: 525000 @ 2025-10-15 518000 @ 2025-10-16 532500 @ 2025-10-17
    feed=usd-cny in CNY/USD                2025-10-15: 7.1 @ 2025-10-15
                                           2025-10-17: 7 @ 2025-10-17
    """

    [[scenario.expect]]
    on         = 2025-10-17
    period     = "2025-10-17"
    transition = "fired"
    title      = "NdPr oxide stood above 75 000 USD/t: 76 071.4 USD/t on 17 October 2025, +4.3 %"
    "#);
    sandbox.run(&["test"]).is(0).says(&["1 scenario, 0 failed"]);
    // The formula is edited: what was said of the old one ends.
    sandbox.write("config/supplywatch.toml", format!("{DERIVED}{DESK}").replace("price / last", "price / 2 / last"));
    let lapsed = once(&sandbox, 0).stdout;
    assert!(lapsed.contains("its rule was edited"), "{lapsed}");
}

#[test]
fn a_group_without_a_sum_says_why_and_the_others_go_on() {
    let config =
        CONFIG.replace("unit = \"t\"\n", "").replace("value = \"tonnes\"", "value = \"tonnes\", unit = \"unit\"");
    let sandbox = Sandbox::with_config(&format!("{config}{DESK}"));
    let figures = "period,hs,partner,tonnes,unit,published\n2025-08,1,CN,60,t,2025-09-20\n2025-08,1,MY,4,USD,2025-09-20\n\
                   2025-08,2,CN,90,t,2025-09-20\n2025-08,2,MY,9000,kg,2025-09-20\n";
    sandbox.write("config/imports.csv", figures);
    let told = once(&sandbox, 0).stdout;
    assert!(told.contains("China 90 t (90.9 %), Malaysia 9 t (9.1 %)"), "{told}");
    let looked = sandbox.json(&["dry-run"]);
    let reason = looked.iter().find(|line| line["labels"]["hs"] == "1").unwrap()["reason"].clone();
    assert!(reason.as_str().unwrap().ends_with("is in USD, others in t: their figures have no sum"), "{reason}");
    let explained = sandbox.run(&["explain", "concentration", "hs=1"]);
    explained.is(1);
    assert!(explained.stderr.contains("their figures have no sum"));
}
