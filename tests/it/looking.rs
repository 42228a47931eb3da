//! Looking at what there is: the story of one alert and one delivery, `explain` of groups and derived series,
//! a dry run of one rule, and what has nothing to stand on.

use serde_json::Value;

use super::sandbox::Sandbox;
use super::scene::{DESK, MAGNETS, WORSE, magnets, once, rule};

/// Two rules that fire on the same three months, then a fourth that is worse.
fn two_alerts() -> Sandbox {
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    let config = sandbox.read("config/supplywatch.toml");
    let second = rule("magnets", &["desk"]).replace("magnets-falling", "second").replace(">= 2", ">= 1");
    sandbox.write("config/supplywatch.toml", config + &second);
    once(&sandbox, 0);
    sandbox.write("config/magnets.csv", format!("{MAGNETS}{WORSE}"));
    once(&sandbox, 0);
    sandbox
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap()
}

#[test]
fn an_alert_tells_its_story_by_any_beginning_of_its_id() {
    let sandbox = two_alerts();
    let alerts = sandbox.json(&["alerts"]);
    let id = text(alerts.iter().find(|alert| alert["rule"] == "second").unwrap(), "id").to_owned();
    let told = sandbox.stdout(&["alerts", "show", &id[..6]]);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines[0], "second on {feed=\"magnets\", flow=\"export\", partner=\"US\", reporter=\"CN\"}: firing");
    assert!(lines[1].starts_with("number  episode  found"), "{told}");
    assert!(lines[2].contains("fired       critical  published  2025-09"), "{told}");
    assert!(lines[3].contains("continued   critical  published  2025-10"), "{told}");
    assert_eq!(lines.len(), 4, "{told}");
    let story = sandbox.json(&["alerts", "show", &id]);
    let of = |line: &Value| format!("{} {} {}", line["number"], text(line, "transition"), text(line, "period"));
    assert_eq!(story.iter().map(of).collect::<Vec<_>>(), ["1 fired 2025-09", "2 continued 2025-10"]);
    assert_eq!(story[1]["message"]["alert"]["id"], id.as_str());
    sandbox.run(&["alerts", "show", "zz"]).is(1).says(&["no alert has an id that begins with zz", "alerts --all"]);
    let ambiguous = sandbox.run(&["alerts", "show", ""]);
    ambiguous.is(1).says(&["more than one alert has an id that begins with"]);
    assert_eq!(ambiguous.stdout, "");
}

#[test]
fn a_delivery_tells_its_attempts_by_any_beginning_of_its_id() {
    let sandbox = two_alerts();
    let deliveries = sandbox.json(&["deliveries"]);
    assert_eq!(deliveries.len(), 4);
    let id = text(&deliveries[0], "id").to_owned();
    let told = sandbox.stdout(&["deliveries", "show", &id[..12]]);
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines[0].starts_with(&format!("{id} to desk, sent: China → US exports fell")), "{told}");
    assert!(lines[1].starts_with("attempt  began") && lines[2].starts_with("1  "), "{told}");
    assert!(lines[2].contains("delivered"), "{told}");
    let shown = sandbox.json(&["deliveries", "show", &id]);
    assert_eq!(shown.len(), 1);
    assert_eq!((text(&shown[0], "id"), text(&shown[0], "state")), (id.as_str(), "sent"));
    let history = shown[0]["history"].as_array().unwrap();
    assert_eq!((history.len(), text(&history[0], "outcome")), (1, "delivered"));
    sandbox.run(&["deliveries", "show", "msg_zz"]).is(1).says(&["no delivery has an id that begins with msg_zz"]);
    sandbox.run(&["deliveries", "show", "msg_"]).is(1).says(&["more than one delivery has an id"]);
}

#[test]
fn a_dry_run_of_one_rule_shows_it_alone() {
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    let config = sandbox.read("config/supplywatch.toml");
    let second = rule("magnets", &["desk"]).replace("magnets-falling", "second").replace(">= 2", ">= 1");
    sandbox.write("config/supplywatch.toml", config + &second);
    let shown = sandbox.run(&["dry-run", "--rule", "second"]);
    shown.is(0).says(&["showing rule second alone", "1 message would be sent", "Rule         second: declines >= 1"]);
    shown.says_nothing_of(&["magnets-falling"]);
    let lines = sandbox.json(&["dry-run", "--rule", "second"]);
    assert_eq!(lines.iter().map(|line| text(line, "rule")).collect::<Vec<_>>(), ["second"]);
    sandbox.run(&["dry-run", "--rule", "secnd"]).is(2).says(&["did you mean `second`?"]);
    sandbox.run(&["dry-run", "--offline"]).is(0).says(&["no rule has a series to judge", "Nothing would be sent."]);
}

const PARTS: &str = "[feed.imports]
kind = \"csv\"
path = \"imports.csv\"
frequency = \"month\"
columns = { period = \"period\", value = \"value\", unit = \"unit\", published = \"published\", labels = [\"hs\", \"partner\"] }

[feed.rate]
kind = \"csv\"
path = \"rate.csv\"
frequency = \"month\"
unit = \"CNY/USD\"
columns = { period = \"period\", value = \"value\", published = \"published\" }

[series.dollars]
from = { value = { feed = \"imports\", hs = \"1\" }, rate = { feed = \"rate\" } }
value = \"value / rate\"
unit = \"USD\"

[series.absent]
from = { value = { feed = \"imports\", hs = \"9\" } }
value = \"value\"
unit = \"CNY\"

[rule.concentration]
series = { feed = \"imports\" }
group_by = [\"hs\"]
when = \"share(partner='CN') > 70%\"
notify = [\"desk\"]

[rule.dear]
series = { feed = \"dollars\" }
when = \"value > 90 USD\"
notify = [\"desk\"]

[rule.absent]
series = { feed = \"absent\" }
when = \"value > 90 CNY\"
notify = [\"desk\"]

[rule.nowhere]
series = { feed = \"imports\", partner = \"ZZ\" }
when = \"declines >= 2\"
notify = [\"desk\"]

";

fn parts(rate: &str) -> Sandbox {
    let sandbox = Sandbox::with_config(&format!("{PARTS}{DESK}"));
    let imports = "period,hs,partner,value,unit,published\n2025-08,1,CN,560,CNY,2025-09-20\n\
                   2025-08,1,MY,140,CNY,2025-09-20\n2025-08,2,CN,6,t,2025-09-20\n2025-08,2,MY,4,t,2025-09-20\n";
    sandbox.write("config/imports.csv", imports);
    sandbox.write("config/rate.csv", format!("period,value,published\n{rate}"));
    once(&sandbox, 0);
    sandbox
}

#[test]
fn groups_and_derived_series_are_explained_with_their_parts() {
    let sandbox = parts("2025-08,7,2025-09-01\n");
    insta::assert_snapshot!(sandbox.stdout(&["explain", "concentration", "hs=1"]).trim_end(), @r#"
    concentration on {feed="imports", hs="1"}
    at August 2025: holds
      when share(partner='CN') > 70% → holds
        share(partner='CN') > 70% = holds
          share(partner='CN') = 80 %
            · 2025-08 700 CNY (final, known since 2025-09-20T00:00:00Z)
            China = 560 CNY
            Malaysia = 140 CNY
      neither the figure of 2025-08 nor the next alone changes it
      receivers: `desk`
    "#);
    insta::assert_snapshot!(sandbox.stdout(&["explain", "dear"]).trim_end(), @r#"
    dear on {feed="dollars"}
    at August 2025: holds
      when value > 90 USD → holds
        value > 90 USD = holds
          value = 100 USD
            · 2025-08 100 USD (final, known since 2025-09-20T00:00:00Z)
      fires above 90 USD, now 100 USD
      receivers: `desk`
    "#);
    let explained = sandbox.json(&["explain", "concentration", "hs=2"]);
    let share = &explained[0]["gates"][0]["reading"]["parts"][0];
    assert_eq!((text(share, "text"), text(share, "value")), ("share(partner='CN')", "60 %"));
    assert_eq!(sandbox.json(&["explain", "concentration"]).len(), 2);
    let refused = |arguments: &[&str], words: &str| {
        sandbox.run(&[&["explain", "concentration"], arguments].concat()).is(1).says(&[words]);
    };
    refused(
        &["hs=3"],
        "none of the 2 groups of rule concentration has these labels: none is in `3`; there is `1` and `2`",
    );
    refused(&["hz=1"], "no label is called `hz`; there is `feed` and `hs`");
    refused(&["feed=import"], "none is in `import`; did you mean `imports`?");
}

#[test]
fn what_has_nothing_to_stand_on_is_told_with_the_reason() {
    let sandbox = parts("2024-01,7,2025-09-01\n2024-02,7,2025-09-01\n");
    let reasons = [
        "warning: rule absent matches none of the 6 series that there are so far",
        "warning: rule nowhere matches none of the 6 series that there are so far",
        "warning: derived series {feed=\"dollars\"} has no figures: there is no period for which `value / rate` gives \
         one: `value` is known for 2025-08, `rate` is known from 2024-01 to 2024-02",
        "warning: derived series `absent` does not exist: no series matches `value`",
    ];
    sandbox.run(&["check"]).is(0).says(&reasons);
    sandbox.run(&["dry-run"]).is(0).says(&reasons);
    let checked = &sandbox.json(&["check"])[0];
    assert_eq!(checked["rules_without_series"], serde_json::json!(["absent", "nowhere"]));
    let series = checked["series_without_figures"].as_array().unwrap();
    assert_eq!(series.iter().map(|idle| text(idle, "series")).collect::<Vec<_>>(), ["dollars", "absent"]);
    let idle: Vec<Value> = sandbox.json(&["dry-run"]).into_iter().filter(|line| line["type"] == "idle").collect();
    assert_eq!(idle.len(), 4, "{idle:#?}");
    sandbox
        .run(&["explain", "dear"])
        .is(0)
        .says(&["{feed=\"dollars\"} has no figure yet; `supplywatch check` says why"]);
    // One rule without series keeps no other from its backtest.
    let all = sandbox.run(&["backtest", "--all"]);
    all.is(0).says(&["warning: rule nowhere matches none", "warning: rule absent", "concentration on {feed="]);
    // The unit comes with the figures: only they tell that it does not go with the formula.
    let imports = sandbox.read("config/imports.csv").replace("CNY", "t");
    let misfit = Sandbox::with_config(&format!("{PARTS}{DESK}"));
    misfit.write("config/imports.csv", imports);
    misfit.write("config/rate.csv", sandbox.read("config/rate.csv"));
    once(&misfit, 0);
    misfit
        .run(&["check"])
        .is(0)
        .says(&["derived series {feed=\"dollars\"} has no figures: series `dollars` cannot be calculated"]);
}

#[test]
fn of_feeds_that_were_never_pulled_nothing_is_said() {
    let sandbox = Sandbox::with_config(&format!("{PARTS}{DESK}"));
    sandbox.run(&["check"]).is(0).says_nothing_of(&["warning"]);
    sandbox.write("config/rate.csv", "period,value,published\n2025-08,7,2025-09-01\n");
    once(&sandbox, 1);
    sandbox.run(&["check"]).is(0).says_nothing_of(&["warning"]);
}
