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
fn groups_are_explained_replayed_and_cannot_be_recorded() {
    let sandbox = pulled(&format!("{AUGUST}2025-09,8505,CN,80,2025-10-20\n2025-09,8505,MY,20,2025-10-20\n"));
    once(&sandbox, 0);
    insta::assert_snapshot!(sandbox.stdout(&["explain", "concentration", "hs=8505"]), @r#"
    concentration on {feed="imports", hs="8505"}
    at September 2025: holds
      when share(partner='CN') > 70% → holds
        share(partner='CN') > 70% = holds
          share(partner='CN') = +80 %
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
    let record = sandbox.run(&["record", "concentration"]);
    record.is(2);
    assert!(record.stderr.contains("a scenario plays one series"));
}
