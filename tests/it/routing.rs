//! Who is told: the routes of alerts whose rule or feed names nobody.

use super::feeds::CALENDAR;
use super::hook::Hook;
use super::http::Answer;
use super::sandbox::Sandbox;
use super::scene::{BETTER, DESK, MAGNETS, file_feed, once, rule, webhook};

/// One feed and one critical rule that names nobody, with these routes.
fn routed(routes: &str, receivers: &str) -> Sandbox {
    let rule = rule("magnets", &[]).replace("notify = []\n", "");
    let sandbox = Sandbox::with_config(&format!("{}{rule}{receivers}{routes}", file_feed("magnets")));
    sandbox.write("config/magnets.csv", MAGNETS);
    sandbox
}

const ROUTES: &str = "[[route]]
match = { severity = \"critical\", partner = \"US\" }
notify = [\"hook\"]
continue = true

[[route]]
match = { kind = \"data\" }
notify = [\"desk\"]

[[route]]
match = { feed = \"mag*\" }
notify = [\"desk\", \"hook\"]

";

#[test]
fn an_alert_takes_its_routes_and_its_end_goes_to_whom_it_was_told() {
    let hook = Hook::start();
    let sandbox = routed(ROUTES, &format!("{DESK}{}", webhook("hook", &hook.url())));
    assert!(once(&sandbox, 0).stdout.contains("420.5 t"));
    assert_eq!(hook.posts().len(), 1);
    assert_eq!(sandbox.json(&["explain", "magnets-falling"])[0]["receivers"], serde_json::json!(["hook", "desk"]));
    // Another way from now on; the episode ends where it was told.
    let config = sandbox.read("config/supplywatch.toml");
    sandbox.write("config/supplywatch.toml", config.replace("notify = [\"hook\"]\ncontinue = true", "notify = []"));
    sandbox.write("config/magnets.csv", format!("{MAGNETS}{BETTER}"));
    assert!(once(&sandbox, 0).stdout.contains("RESOLVED"));
    assert_eq!(hook.posts().len(), 2);
}

#[test]
fn a_feeds_trouble_takes_the_routes_of_data_alerts() {
    let sandbox = routed(ROUTES, &format!("{DESK}[receiver.hook]\nkind = \"console\"\n\n"));
    sandbox.run(&["check"]).is(0).says_nothing_of(&["warning"]);
    sandbox.run(&["feeds", "show", "magnets"]).is(0).says(&["tells         desk"]);
    let told = sandbox.json(&["routes", "test", "feed=magnets", "--kind", "data"]);
    assert_eq!(told[0]["receivers"], serde_json::json!(["desk"]));
}

#[test]
fn what_befalls_feeds_and_receivers_is_told_by_its_own_route() {
    let (hook, operators) = (Hook::start(), Hook::start());
    hook.answer_with([Answer::new(410, "no such hook"), Answer::new(410, "no such hook")]);
    let market = rule("magnets", &[]).replace("notify = []\n", "");
    let receivers = format!("{}{}", webhook("hook", &hook.url()), webhook("ops", &operators.url()));
    let routes = "[[route]]\nmatch = { kind = \"data\" }\nnotify = [\"ops\"]\n\n[[route]]\nnotify = [\"hook\"]\n";
    let feed = format!("{}{CALENDAR}\n", file_feed("magnets"));
    let sandbox = Sandbox::with_config(&format!("{feed}{market}{receivers}{routes}"));
    sandbox.write("config/magnets.csv", MAGNETS);
    once(&sandbox, 1);
    once(&sandbox, 1);
    once(&sandbox, 0);
    once(&sandbox, 0);
    let told = |hook: &Hook| -> Vec<String> {
        let line = |data: &serde_json::Value| {
            let [kind, rule, transition] = [&data["kind"], &data["alert"]["rule"], &data["transition"]];
            [kind, rule, transition].map(|text| text.as_str().unwrap()).join(" ")
        };
        hook.posts().iter().map(|post| line(&post.json()["data"])).collect()
    };
    assert_eq!(
        told(&operators),
        ["data feed:overdue fired", "data receiver:failing fired", "data receiver:failing resolved"]
    );
    assert_eq!(told(&hook), ["market magnets-falling fired"; 3], "twice in vain");
}

#[test]
fn routes_can_be_tried_out() {
    let sandbox = routed(ROUTES, &format!("{DESK}[receiver.hook]\nkind = \"console\"\n\n"));
    let told = |arguments: &[&str]| sandbox.stdout(&[&["routes", "test"], arguments].concat());
    insta::assert_snapshot!(told(&["feed=magnets", "partner=US", "--severity", "critical"]), @"hook, desk: by route 1 (supplywatch.toml:20), then route 3 (supplywatch.toml:29)");
    insta::assert_snapshot!(told(&["feed=magnets", "partner=US"]), @"desk, hook: by route 3 (supplywatch.toml:29)");
    insta::assert_snapshot!(told(&["partner=US", "--rule", "magnets-falling"]), @"hook: by route 1 (supplywatch.toml:20)");
    insta::assert_snapshot!(told(&["feed=x", "--kind", "data"]), @"desk: by route 2 (supplywatch.toml:25)");
    let nobody = sandbox.run(&["routes", "test", "feed=tin"]);
    nobody.is(1).says(&["nobody: no route means such an alert"]);
    sandbox.run(&["routes", "test", "--rule", "magnet-falling"]).is(2).says(&["did you mean `magnets-falling`?"]);
    sandbox.run(&["routes", "test", "--kind", "data", "--rule", "magnets-falling"]).is(2).says(&["`feed:failing`"]);
    sandbox.run(&["routes", "test", "--severity", "bad"]).is(2).says(&["info, warning or critical"]);
    insta::assert_snapshot!(sandbox.stdout(&["routes"]), @"
    route  at                   match                         notify      then
    1      supplywatch.toml:20  partner=US severity=critical  hook        continue
    2      supplywatch.toml:25  kind=data                     desk        stop
    3      supplywatch.toml:29  feed=mag*                     desk, hook  stop
    ");
    assert_eq!(sandbox.json(&["routes"]).len(), 3);
}
