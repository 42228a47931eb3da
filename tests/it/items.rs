//! Notices, from their publisher's answer to a message: each told once, in whatever order and however edited, a
//! correction in the thread of what it corrects, an end remembered.

use super::http::Answer;
use super::publisher::Publisher;
use super::sandbox::Sandbox;
use super::scene::{DESK, once};

const RULE: &str = "[rule.magnets]\nseries = { feed = \"notices\" }\nwhen = 'new(\"rare earth*\" or \"gallium\")'\n\
    severity = \"warning\"\nnotify = \"desk\"\n\n";

fn world(kind: &str, url: &str, more: &str) -> Sandbox {
    Sandbox::with_config(&format!(
        "[feed.notices]\nkind = \"{kind}\"\nurl = \"{url}\"\ninsecure = true\nallow_private = true\n\
        title = \"export notices\"\n{more}\n{RULE}{DESK}"
    ))
}

fn rss(items: &[(&str, &str, &str)]) -> Answer {
    let item = |(guid, day, title): &(&str, &str, &str)| {
        format!(
            "<item><guid>{guid}</guid><title>{title}</title><link>/n/{guid}</link>\
            <pubDate>{day} Sep 2026 08:00:00 GMT</pubDate></item>"
        )
    };
    let items: String = items.iter().map(item).collect();
    Answer::ok(format!("<rss version=\"2.0\"><channel><link>https://ministry.example/</link>{items}</channel></rss>"))
}

#[test]
fn each_notice_is_told_once_edited_or_in_another_order() {
    let publisher = Publisher::start();
    let (first, other) = (("n1", "22", "Controls on Rare-Earth Items"), ("n2", "23", "Removal from a List"));
    publisher.publish("/rss", [rss(&[other, first])]);
    let sandbox = world("feed", &publisher.url("/rss"), "");
    once(&sandbox, 0).says(&[
        "feed notices: 2 new items",
        "WARNING  export notices: Controls on Rare-Earth Items",
        "1 item, published on 22 September 2026.",
        &publisher.url("/n/n1"),
    ]);
    let silent = |publisher: &Publisher, answer: Answer| {
        publisher.publish("/rss", [answer]);
        let ended = once(&sandbox, 0);
        ended.says(&["feed notices: 0 new, 0 revised"]);
        ended.says_nothing_of(&["WARNING"]);
    };
    silent(&publisher, rss(&[other, first]));
    silent(&publisher, rss(&[first, other]));
    silent(&publisher, rss(&[("n1", "24", "Controls on Rare-Earth Items, Updated"), other]));
    // The newest entries alone are shown: what is gone has not been taken back.
    publisher.publish("/rss", [rss(&[("n3", "24", "Gallium Licences"), ("n4", "24", "Nickel")])]);
    let ended = once(&sandbox, 0);
    ended.says(&["feed notices: 2 new items", "export notices: Gallium Licences"]);
    ended.says_nothing_of(&["Rare-Earth", "RESOLVED"]);
    sandbox.run(&["explain", "magnets"]).is(0).says(&["new(", "24 September 2026: Gallium Licences (n3)"]);
    sandbox.run(&["alerts"]).is(0).says_nothing_of(&["firing"]);
}

#[test]
fn a_rule_that_comes_later_tells_nothing_old() {
    let publisher = Publisher::start();
    publisher.publish("/rss", [rss(&[("n1", "22", "Gallium Licences")])]);
    let sandbox = world("feed", &publisher.url("/rss"), "");
    once(&sandbox, 0).says(&["Gallium Licences"]);
    let config = std::fs::read_to_string(sandbox.path("config/supplywatch.toml")).unwrap();
    sandbox.write("config/supplywatch.toml", config.replace("\"gallium\"", "\"licences\" or \"gallium\""));
    once(&sandbox, 0).says_nothing_of(&["WARNING"]);
    publisher.publish("/rss", [rss(&[("n2", "23", "Licences for Germanium"), ("n1", "22", "Gallium Licences")])]);
    let ended = once(&sandbox, 0);
    ended.says(&["Licences for Germanium"]);
    ended.says_nothing_of(&["and 1 more"]);
}

#[test]
fn a_feed_that_has_not_changed_is_not_sent_again() {
    let publisher = Publisher::start();
    let answer = rss(&[("n1", "22", "Gallium Licences")]).header("ETag", "\"v1\"");
    publisher.publish("/rss", [answer, Answer::new(304, "")]);
    let sandbox = world("feed", &publisher.url("/rss"), "");
    once(&sandbox, 0).says(&["1 new item"]);
    once(&sandbox, 0).says(&["feed notices: nothing new"]);
    assert_eq!(publisher.asked("/rss")[1].header("if-none-match"), Some("\"v1\""));
}

#[test]
fn an_empty_feed_is_nothing_new_and_a_web_page_an_error() {
    let publisher = Publisher::start();
    publisher.publish("/rss", [rss(&[])]);
    let sandbox = world("feed", &publisher.url("/rss"), "");
    once(&sandbox, 0).says(&["feed notices: nothing new", "the feed has no entries"]);
    publisher.publish("/rss", [Answer::ok("<!DOCTYPE html><title>Maintenance</title>")]);
    once(&sandbox, 1).says(&["set aside", "expected an RSS or Atom feed, found a web page titled \"Maintenance\""]);
    publisher.publish("/rss", [Answer::ok("<rss version=\"2.0\"><channel><item><title>Gallium</title>")]);
    once(&sandbox, 1).says(&["set aside", "tag not closed"]);
}

const DOCUMENTS: &str = "/api/v1/documents.json";

fn document(number: &str, day: &str, title: &str, more: &str) -> String {
    format!(
        r#"{{"document_number":"{number}","publication_date":"{day}","title":"{title}","type":"Rule",
        "html_url":"https://www.federalregister.gov/d/{number}","agencies":[{{"name":"Industry and Security Bureau"}}]{more}}}"#
    )
}

fn documents(documents: &[String]) -> Answer {
    Answer::ok(format!(r#"{{"count":{},"results":[{}]}}"#, documents.len(), documents.join(",")))
}

#[test]
fn a_correction_is_told_as_one_in_the_thread_of_what_it_corrects() {
    let publisher = Publisher::start();
    let base = document("2026-16628", "2026-08-14", "Controls on Gallium Exports", "");
    publisher.publish(DOCUMENTS, [documents(std::slice::from_ref(&base))]);
    let sandbox = world("federal-register", &publisher.url("/api/v1"), "since = \"2026-08-01\"");
    once(&sandbox, 0).says(&["feed notices: 1 new item", "export notices: Controls on Gallium Exports"]);
    // It has the title of its base.
    let correction = document("C1-2026-16628", "2026-08-28", "Controls on Gallium Exports", "");
    publisher.publish(DOCUMENTS, [documents(&[correction.clone(), base.clone()])]);
    once(&sandbox, 0).says(&[
        "WARNING CORRECTED  export notices: correction: Controls on Gallium Exports",
        "Corrects",
        "Controls on Gallium Exports (2026-16628), published on 14 August 2026.",
    ]);
    once(&sandbox, 0).says_nothing_of(&["WARNING"]);
    let sent = sandbox.json(&["deliveries"]);
    assert_eq!(sent.len(), 2, "{sent:?}");
    let asked = publisher.asked(DOCUMENTS);
    assert!(asked[0].path.contains("%5Bgte%5D=2026-08-01") && asked[0].path.contains("fields%5B%5D=correction_of"));
}

#[test]
fn a_suspensions_end_is_told_and_its_coming_reminds() {
    let publisher = Publisher::start();
    let more = r#","action":"Final rule; stay.","dates":"These controls are suspended until December 20, 2026.","effective_on":"2026-11-10""#;
    let stay = document("2026-2", "2026-11-10", "Stay of Controls on Rare Earth Items", more);
    publisher.publish(DOCUMENTS, [documents(&[stay])]);
    let reminder = "[rule.ends]\nseries = { feed = \"notices\" }\nwhen = 'ends_within(10000d, \"rare earth\")'\n\
        severity = \"info\"\nnotify = \"desk\"\n";
    let sandbox = world("federal-register", &publisher.url("/api/v1"), "since = \"2026-08-01\"");
    let config = std::fs::read_to_string(sandbox.path("config/supplywatch.toml")).unwrap();
    sandbox.write("config/supplywatch.toml", format!("{config}{reminder}"));
    once(&sandbox, 0).says(&[
        "Effective 10 November 2026. Until 20 December 2026.",
        "INFO  export notices: ends on 20 December 2026: Stay of Controls on Rare Earth Items",
    ]);
    sandbox.run(&["explain", "ends"]).is(0).says(&["effective 10 November 2026, until 20 December 2026"]);
}

#[test]
fn pages_are_followed_as_they_are_named_and_a_full_window_is_divided() {
    let publisher = Publisher::start();
    let next = publisher.url("/api/v1/documents?search_after_cursor=abc");
    let one = document("2026-1", "2026-08-14", "Gallium", "");
    let two = document("2026-2", "2026-08-14", "Rare Earths", "");
    publisher.publish(
        DOCUMENTS,
        [
            Answer::ok(r#"{"count":2000,"results":[],"next_page_url":"https://elsewhere.example/"}"#),
            Answer::ok(format!(r#"{{"count":2,"results":[{one}],"next_page_url":"{next}"}}"#)),
            Answer::ok(r#"{"count":0}"#),
        ],
    );
    publisher.publish("/api/v1/documents", [Answer::ok(format!(r#"{{"count":2,"results":[{two}]}}"#))]);
    let sandbox = world("federal-register", &publisher.url("/api/v1"), "since = \"2026-08-01\"");
    once(&sandbox, 0).says(&["feed notices: 2 new items", "and 1 more"]);
    assert_eq!(publisher.asked(DOCUMENTS).len(), 3);
    assert!(publisher.asked("/api/v1/documents")[0].path.ends_with("search_after_cursor=abc"));
}

#[test]
fn a_wall_and_a_refusal_are_errors_and_nothing_found_is_none() {
    for (answer, code, said) in [
        (Answer::ok("<!DOCTYPE html><title>Request Access</title>"), 1, "found a web page titled \"Request Access\""),
        (Answer::new(400, r#"{"message":"field 'x' not valid"}"#), 1, "the publisher says: field 'x' not valid"),
        (Answer::ok(r#"{"count":3}"#), 1, "it tells of 3 documents and lists none"),
        (Answer::ok(r#"{"description":"Documents","count":0}"#), 0, "no document matches"),
    ] {
        let publisher = Publisher::start();
        publisher.publish(DOCUMENTS, [answer]);
        once(&world("federal-register", &publisher.url("/api/v1"), ""), code).says(&[said]);
    }
}

#[test]
fn what_does_not_go_with_items_is_refused_at_check() {
    let sandbox = Sandbox::with_config(&format!(
        "[feed.notices]\nkind = \"federal-register\"\nfrequency = \"month\"\nagency = \"Industry Bureau\"\n\
        document_type = [\"rules\"]\ncfr = \"fifteen\"\n\n\
        [feed.prices]\nkind = \"csv\"\npath = \"p.csv\"\nfrequency = \"month\"\n\
        columns = {{ period = \"p\", value = \"v\" }}\n\n\
        [rule.a]\nseries = {{ feed = \"prices\" }}\nwhen = 'new(\"gallium\")'\nseverity = \"info\"\nnotify = \"desk\"\n\n\
        [rule.b]\nseries = {{ feed = \"notices\" }}\nwhen = 'new(\"gallium\") and value > 3'\nclear = \"value < 1\"\n\
        severity = \"info\"\nnotify = \"desk\"\n\n\
        [rule.c]\nseries = {{ feed = \"notices\" }}\nwhen = [\"new(gallium)\", 'new(\"--\")', \"new(agancy='x')\", 'new(\"a\") > 2']\n\
        severity = \"info\"\nnotify = \"desk\"\n\n{DESK}"
    ));
    sandbox.run(&["check"]).is(78).says(&[
        "`new` is about items, and the feed has figures alone",
        "`value` says how things stand, and `new` what has just come",
        "`clear` does not go with `new`",
        "`agency` cannot be `Industry Bureau`",
        "the types are `rule`, `proposed-rule`, `notice` and `presidential`",
        "write cfr = \"15 CFR 744\"",
        "not by or in `month`",
        "there is no word to look for",
        "did you mean `agency`?",
        "is a condition, not a value",
    ]);
}

#[test]
fn what_replays_figures_says_that_items_are_none() {
    let publisher = Publisher::start();
    publisher.publish("/rss", [rss(&[("n1", "22", "Gallium Licences")])]);
    let sandbox = world("feed", &publisher.url("/rss"), "");
    let dry = sandbox.run(&["dry-run"]);
    dry.is(0).says(&["export notices: Gallium Licences"]);
    once(&sandbox, 0).says(&["Gallium Licences"]);
    sandbox.run(&["backtest", "magnets"]).is(1).says(&["rule magnets is about items", "supplywatch explain magnets"]);
    sandbox.write(
        "config/magnets.test.toml",
        "[[scenario]]\nname = \"a\"\nrule = \"magnets\"\nseries = \"2025-08-01: 1\"\n",
    );
    sandbox
        .run(&["test", "config/magnets.test.toml"])
        .is(78)
        .says(&["rule `magnets` is about items, and a scenario has figures"]);
}

/// The lines of a shipped file, its commented rules among them.
fn with_rules(path: &str) -> String {
    let text = std::fs::read_to_string(std::path::Path::new(super::sandbox::PROJECT).join(path)).unwrap();
    let (feed, rules) = text.split_once("# [rule.").unwrap();
    let rules = format!("# [rule.{rules}").replace("\n# ", "\n");
    format!("{feed}{}\n{DESK}", rules.trim_start_matches("# "))
}

#[test]
fn the_shipped_examples_read_their_notices() {
    let sandbox = Sandbox::shipped();
    let register = with_rules("config/feeds/federal-register.toml").replace("\nOne message", "\n# One message");
    let register = register.replace("\nA month before", "\n# A month before");
    sandbox.write("config/register.toml", register);
    let stay = document("2026-2", "2026-09-24", "Suspension of the Rare Earth Rule for China", "");
    let body = format!(r#"{{"count":1,"results":[{stay}]}}"#);
    sandbox.write("register.json", body);
    sandbox
        .run(&["dry-run", "--config", "config/register.toml", "--feed", "us-export-rules=register.json"])
        .is(0)
        .says(&["CRITICAL  US export control notices: Suspension of the Rare Earth Rule for China"]);
    sandbox.write("config/ministry.toml", with_rules("config/feeds/feed.toml"));
    let item = "<item><guid>1</guid><title>关于对稀土相关物项实施出口管制的公告</title></item>";
    sandbox.write("feed.xml", format!("<rss version=\"2.0\"><channel><title>N</title>{item}</channel></rss>"));
    sandbox
        .run(&["dry-run", "--config", "config/ministry.toml", "--feed", "ministry-notices=feed.xml"])
        .is(0)
        .says(&["WARNING  ministry notices: 关于对稀土相关物项实施出口管制的公告"]);
}
