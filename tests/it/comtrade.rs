//! UN Comtrade, from its list of releases to an alert: asked only for what was released anew, held to its totals, and
//! told apart from a publisher that refuses or has nothing.

use super::http::Answer;
use super::publisher::Publisher;
use super::sandbox::Sandbox;
use super::scene::{DESK, once};

const KEY: &str = "canarycanarycanarycanarycanary02";
const RELEASES: &str = "/un/public/v1/getDa/C/M/HS";
const FIGURES: &str = "/un/data/v1/get/C/M/HS";
const PREVIEW: &str = "/un/public/v1/preview/C/M/HS";

const RULE: &str = "[rule.falling]\nseries = { feed = \"graphite\", measure = \"weight\", partner = \"CN\" }\n\
    when = \"declines >= 2\"\nseverity = \"critical\"\nnotify = \"desk\"\n\n";

fn world(publisher: &Publisher, more: &str) -> Sandbox {
    let mut sandbox = Sandbox::with_config(&format!(
        "[feed.graphite]\nkind = \"comtrade\"\nreporter = [\"US\"]\npartner = [\"CN\", \"TW\"]\nflow = \"import\"\n\
        commodity = \"2504.10\"\nsince = \"2025-01\"\nurl = \"{}\"\ninsecure = true\nallow_private = true\n\
        pause = \"1s\"\n{more}\n{RULE}{DESK}",
        publisher.url("/un")
    ));
    sandbox.set("COMTRADE_KEY", KEY);
    sandbox
}

const WITH_KEY: &str = "key = { env = \"COMTRADE_KEY\" }";

/// The list of releases: period, release, checksum.
fn releases(rows: &[(&str, &str, i64)]) -> Answer {
    let row = |(period, released, checksum): &(&str, &str, i64)| {
        format!(
            r#"{{"period":"{period}","reporterCode":842,"classificationCode":"H6","datasetChecksum":{checksum},"lastReleased":"{released}"}}"#
        )
    };
    envelope(&rows.iter().map(row).collect::<Vec<_>>())
}

/// Figures of trade with China: period and kilograms.
fn figures(rows: &[(&str, &str)]) -> Answer {
    let row = |(period, kilograms): &(&str, &str)| {
        format!(
            r#"{{"period":"{period}","reporterCode":842,"flowCode":"M","partnerCode":156,"partner2Code":0,"cmdCode":"250410",
            "customsCode":"C00","motCode":0,"qtyUnitCode":8,"qty":{kilograms},"netWgt":{kilograms},"primaryValue":4100.5}}"#
        )
    };
    envelope(&rows.iter().map(row).collect::<Vec<_>>())
}

fn envelope(rows: &[String]) -> Answer {
    Answer::ok(format!(r#"{{"elapsedTime":"0.1 secs","count":{},"data":[{}],"error":""}}"#, rows.len(), rows.join(",")))
}

const FIRST: [(&str, &str, i64); 3] = [
    ("202501", "2025-04-01T08:00:00", 1),
    ("202502", "2025-05-01T08:00:00.1234567", 2),
    ("202503", "2025-06-01T08:00:00", 3),
];

#[test]
fn only_a_new_release_is_asked_for_and_a_revision_is_told() {
    let publisher = Publisher::start();
    publisher.publish(RELEASES, [releases(&FIRST)]);
    publisher.publish(FIGURES, [figures(&[("202501", "9000"), ("202502", "8000"), ("202503", "7000")])]);
    let sandbox = world(&publisher, WITH_KEY);
    once(&sandbox, 0).says(&["feed graphite: 6 new", "CRITICAL", "7000 kg in", "March 2025"]);
    let asked = &publisher.asked(FIGURES)[0];
    assert!(asked.path.contains(
        "period=202501%2C202502%2C202503&cmdCode=250410&flowCode=M&partner2Code=0&motCode=0&customsCode=C00"
    ));
    assert!(asked.path.ends_with("&partnerCode=156%2C490"), "{}", asked.path);

    once(&sandbox, 0).says(&["feed graphite: nothing new", "released until US 2025-03"]);
    assert_eq!(publisher.asked(FIGURES).len(), 1);

    // February is released again: it alone is asked for, and the alert was a mistake.
    let mut again = FIRST;
    again[1] = ("202502", "2025-06-10T08:00:00", 22);
    publisher.publish(RELEASES, [releases(&again)]);
    publisher.publish(FIGURES, [figures(&[("202502", "9500")])]);
    once(&sandbox, 0).says(&["feed graphite: 0 new, 1 revised", "CORRECTED"]);
    assert!(publisher.asked(FIGURES)[1].path.contains("&period=202502&"));
    once(&sandbox, 0).says(&["nothing new"]);
}

/// The key goes in a header, and to the figures alone: what was released is public.
#[test]
fn the_key_is_sent_in_a_header_and_never_shown() {
    let publisher = Publisher::start();
    publisher.publish(RELEASES, [releases(&FIRST)]);
    let said = format!(r#"{{"statusCode":401,"message":"Access denied due to invalid subscription key {KEY}."}}"#);
    publisher.publish(FIGURES, [Answer::new(401, said)]);
    let sandbox = world(&publisher, WITH_KEY);
    let ended = once(&sandbox, 1);
    ended.says(&["set aside", "the publisher says: Access denied due to invalid subscription key <secret>."]);
    assert!(!ended.stdout.contains(KEY) && !ended.stderr.contains(KEY), "{ended}");
    let sent = |path| publisher.asked(path)[0].header("ocp-apim-subscription-key").map(str::to_owned);
    assert_eq!((sent(RELEASES), sent(FIGURES)), (None, Some(KEY.to_owned())));
    assert!(!publisher.asked(FIGURES)[0].path.contains(KEY));
}

#[test]
fn without_a_key_the_preview_is_asked_a_period_at_a_time() {
    let publisher = Publisher::start();
    publisher.publish(RELEASES, [releases(&FIRST)]);
    let months = [("202501", "9000"), ("202502", "8000"), ("202503", "7000")];
    publisher.publish(PREVIEW, months.map(|month| figures(&[month])));
    once(&world(&publisher, ""), 0).says(&["feed graphite: 6 new", "CRITICAL"]);
    let asked: Vec<String> = publisher.asked(PREVIEW).iter().map(|request| request.path.clone()).collect();
    for (path, period) in asked.iter().zip(["202501", "202502", "202503"]) {
        assert!(path.contains(&format!("&period={period}&")) && path.contains("&maxRecords=500&"), "{path}");
    }
}

/// Also across restarts: each run is a process of its own.
#[test]
fn a_quota_is_kept_and_what_it_leaves_is_asked_for_later() {
    let publisher = Publisher::start();
    publisher.publish(RELEASES, [releases(&FIRST)]);
    let months = [("202501", "9000"), ("202502", "8000"), ("202503", "7000")];
    publisher.publish(PREVIEW, months.map(|month| figures(&[month])));
    let sandbox = world(&publisher, "quota = \"3/month\"");
    once(&sandbox, 0).says(&["4 new", "1 request left for the next pull"]);
    once(&sandbox, 1).says(&["comtrade preview allows 3 requests a month, and they are used up"]);
    let config = sandbox.read("config/supplywatch.toml").replace("3/month", "5/month");
    sandbox.write("config/supplywatch.toml", config);
    once(&sandbox, 0).says(&["2 new", "CRITICAL"]);
    assert!(publisher.asked(PREVIEW)[2].path.contains("&period=202503&"));
}

/// Of a publisher that is unwell, what it has said stands, and the rest is asked for by the next pull.
#[test]
fn a_period_that_fails_takes_no_other_with_it() {
    let publisher = Publisher::start();
    publisher.publish(RELEASES, [releases(&FIRST)]);
    publisher.publish(PREVIEW, [figures(&[("202501", "9000")]), Answer::new(403, "Out of call volume quota.")]);
    let sandbox = world(&publisher, "");
    once(&sandbox, 0).says(&["2 new", "2 requests left for the next pull", "403", "Out of call volume quota."]);
    assert_eq!(publisher.asked(PREVIEW).len(), 2, "who is told to stop stops");
    once(&sandbox, 1).says(&["feed graphite", "403"]);
    publisher.publish(PREVIEW, [figures(&[("202502", "8000")]), figures(&[("202503", "7000")])]);
    once(&sandbox, 0).says(&["4 new", "CRITICAL"]);
}

/// No release: not yet. A release without a row: no such trade, told once.
#[test]
fn nothing_is_told_apart_by_the_list_of_releases() {
    let publisher = Publisher::start();
    publisher.publish(RELEASES, [releases(&[])]);
    let sandbox = world(&publisher, WITH_KEY);
    once(&sandbox, 1)
        .says(&["the answer has no figures: Comtrade has released nothing of US by month in these periods"]);
    publisher.publish(RELEASES, [releases(&FIRST)]);
    publisher.publish(FIGURES, [figures(&[])]);
    once(&sandbox, 0).says(&["US 202501 to 202503 is released and has no such trade; does it use these codes?"]);
    once(&sandbox, 0).says(&["nothing new", "released until US 2025-03"]);
    assert_eq!(publisher.asked(FIGURES).len(), 1);
}

#[test]
fn what_arrives_as_a_success_and_has_no_figures_is_an_error() {
    let twice = r#"{"period":"202501","reporterCode":842,"flowCode":"M","partnerCode":156,"cmdCode":"250410","primaryValue":1}"#;
    for (body, said) in [
        (
            "<!DOCTYPE html><title>Request URL Too Long</title>".to_owned(),
            "found a web page titled \"Request URL Too Long\"",
        ),
        (String::new(), "the response is empty"),
        (
            r#"{"count":-1,"data":[],"error":"Invalid parameter value"}"#.to_owned(),
            "the publisher says: Invalid parameter value",
        ),
        (
            format!(r#"{{"count":2,"data":[{twice},{twice}],"error":""}}"#),
            "a second row for one cell (reporter, partner, good, direction, period: 842 156 250410 M 202501)",
        ),
        (
            format!(r#"{{"count":500,"data":[{}],"error":""}}"#, vec![twice; 500].join(",")),
            "500 rows, as many as the publisher gives at most: the answer is cut off",
        ),
    ] {
        let publisher = Publisher::start();
        publisher.publish(RELEASES, [releases(&FIRST)]);
        publisher.publish(PREVIEW, [Answer::ok(body)]);
        once(&world(&publisher, ""), 1).says(&["feed graphite: set aside, earlier data stand", said]);
    }
}

/// A month without trade is a zero where the feed says so: of what was released, and nothing else.
#[test]
fn a_cell_that_is_left_out_is_a_zero_of_a_released_month_alone() {
    let publisher = Publisher::start();
    publisher.publish(RELEASES, [releases(&FIRST)]);
    publisher.publish(FIGURES, [figures(&[("202501", "9000"), ("202503", "7000")])]);
    let sandbox = world(&publisher, &format!("{WITH_KEY}\nabsent = \"zero\""));
    // Three months of two partners, by value and weight.
    once(&sandbox, 0).says(&["feed graphite: 12 new"]);
    let mut again = FIRST;
    again[2] = ("202503", "2025-07-01T08:00:00", 33);
    publisher.publish(RELEASES, [releases(&again)]);
    publisher.publish(FIGURES, [figures(&[("202503", "7000")])]);
    once(&sandbox, 0).says(&["0 new, 0 revised"]);
}

#[test]
fn a_feed_that_cannot_mean_what_it_says_is_refused_at_check() {
    let sandbox = Sandbox::with_config(
        "[feed.f]\nkind = \"comtrade\"\nreporter = [\"Nowhere\"]\npartner = [\"CN\", \"WORLD\"]\n\
        commodity = [\"85051110\"]\nfrequency = \"week\"\nabsent = \"zero\"\nbasis = \"general\"\n",
    );
    sandbox.run(&["check"]).is(78).says(&[
        "`reporter` cannot be `Nowhere`",
        "`partner` has countries and groups of countries",
        "`commodity` cannot be `85051110`",
        "expected 2, 4 or 6 digits",
        "Comtrade has no figures by week",
        "`basis` has no meaning for kind `comtrade`",
        "needs `flow`",
    ]);
}

/// The example that is shipped, with an answer in its place.
#[test]
fn the_shipped_example_reads_its_answer() {
    let sandbox = Sandbox::shipped();
    let row = r#"{"period":"202501","reporterCode":392,"flowCode":"M","partnerCode":156,"cmdCode":"250410","netWgt":2500000,"primaryValue":4100000}"#;
    sandbox.write("comtrade.json", format!(r#"{{"count":1,"data":[{row}],"error":""}}"#));
    sandbox.write("config/own.toml", format!(
        "[daemon]\ninclude = [\"feeds/comtrade.toml\"]\n\n[rule.any]\nseries = {{ feed = \"graphite-imports\", measure = \
        \"weight\", partner = \"CN\", reporter = \"JP\", hs = \"250410\", flow = \"import\" }}\nwhen = \"value > 1 kt\"\n\
        severity = \"warning\"\nnotify = \"desk\"\n\n{DESK}"
    ));
    let args = ["dry-run", "--config", "config/own.toml", "--feed", "graphite-imports=comtrade.json"];
    sandbox.run(&args).is(0).says(&["2 500 000 kg"]);
}
