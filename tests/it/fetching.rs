//! Talking to publishers: asking only for what is new, waiting as asked, following redirects with care,
//! and keeping secrets.

use super::http::Answer;
use super::publisher::{Publisher, gzip};
use super::sandbox::Sandbox;
use super::scene::{BETTER, DESK, MAGNETS, once, rule, url_feed};

/// One feed `magnets` at `/m.csv` of a publisher.
fn world(publisher: &Publisher, more: &str) -> Sandbox {
    let feed = url_feed("magnets", &publisher.url("/m.csv"), more);
    Sandbox::with_config(&format!("{feed}{}{DESK}", rule("magnets", &["desk"])))
}

/// The value of a header in each request so far.
fn asked_with(publisher: &Publisher, header: &str) -> Vec<Option<String>> {
    publisher.asked("/m.csv").iter().map(|request| request.header(header).map(ToOwned::to_owned)).collect()
}

#[test]
fn what_is_known_is_not_asked_for_again() {
    let publisher = Publisher::start();
    publisher.publish("/m.csv", [Answer::ok(MAGNETS).header("ETag", "\"v1\"")]);
    let sandbox = world(&publisher, "");
    once(&sandbox, 0).says(&["feed magnets: 3 new"]);
    once(&sandbox, 0).says(&["feed magnets: nothing new", "0 messages delivered"]);
    publisher.publish("/m.csv", [Answer::ok(format!("{MAGNETS}{BETTER}")).header("ETag", "\"v2\"")]);
    once(&sandbox, 0).says(&["feed magnets: 1 new"]);
    once(&sandbox, 0).says(&["feed magnets: nothing new"]);
    let [v1, v2] = ["\"v1\"", "\"v2\""].map(|tag| Some(tag.to_owned()));
    assert_eq!(asked_with(&publisher, "if-none-match"), [None, v1.clone(), v1, v2]);
}

#[test]
fn a_date_of_modification_serves_where_there_is_no_etag() {
    let publisher = Publisher::start();
    let date = "Mon, 20 Oct 2025 01:00:00 GMT";
    publisher.publish("/m.csv", [Answer::ok(MAGNETS).header("Last-Modified", date)]);
    let sandbox = world(&publisher, "");
    once(&sandbox, 0);
    once(&sandbox, 0).says(&["feed magnets: nothing new"]);
    assert_eq!(asked_with(&publisher, "if-modified-since"), [None, Some(date.to_owned())]);
}

/// Else a body that could not be read would never be asked for again.
#[test]
fn the_mark_of_a_body_that_was_set_aside_is_not_kept() {
    let publisher = Publisher::start();
    publisher.publish("/m.csv", [Answer::ok("period,partner\n2025-07,US\n").header("ETag", "\"broken\"")]);
    let sandbox = world(&publisher, "");
    once(&sandbox, 1).says(&["feed magnets: set aside"]);
    publisher.publish("/m.csv", [Answer::ok(MAGNETS).header("ETag", "\"broken\"")]);
    once(&sandbox, 0).says(&["feed magnets: 3 new"]);
    assert_eq!(asked_with(&publisher, "if-none-match"), [None, None]);
}

/// Else an option that was put right would have no effect until the publisher publishes again.
#[test]
fn a_feed_that_is_read_in_another_way_is_asked_for_again() {
    let publisher = Publisher::start();
    publisher.publish("/m.csv", [Answer::ok(MAGNETS).header("ETag", "\"v1\"")]);
    let sandbox = world(&publisher, "");
    once(&sandbox, 0);
    let config = sandbox.read("config/supplywatch.toml").replace("reporter = \"CN\"", "reporter = \"JP\"");
    sandbox.write("config/supplywatch.toml", config);
    once(&sandbox, 0).says(&["feed magnets: 3 new"]);
    assert_eq!(asked_with(&publisher, "if-none-match"), [None, None]);
}

#[test]
fn a_publisher_that_stumbles_is_asked_again_at_once() {
    let publisher = Publisher::start();
    publisher.publish("/m.csv", [Answer::new(503, ""), Answer::reset(), Answer::ok(MAGNETS)]);
    let sandbox = world(&publisher, "");
    once(&sandbox, 0).says(&["feed magnets: 3 new"]);
    assert_eq!(publisher.asked("/m.csv").len(), 3);
}

#[test]
fn a_publisher_that_asks_for_a_short_pause_gets_it() {
    let publisher = Publisher::start();
    publisher.publish("/m.csv", [Answer::new(429, "").header("Retry-After", "1"), Answer::ok(MAGNETS)]);
    let sandbox = world(&publisher, "");
    once(&sandbox, 0).says(&["feed magnets: 3 new"]);
}

#[test]
fn a_publisher_that_asks_for_a_long_pause_is_left_alone() {
    let publisher = Publisher::start();
    publisher.publish("/m.csv", [Answer::new(429, "").header("Retry-After", "3600")]);
    let sandbox = world(&publisher, "");
    once(&sandbox, 1).says(&["feed magnets: failed", "429"]);
    assert_eq!(publisher.asked("/m.csv").len(), 1);
}

#[test]
fn what_no_repetition_mends_is_asked_for_once() {
    let publisher = Publisher::start();
    publisher.publish("/m.csv", [Answer::new(403, "who are you?")]);
    let sandbox = world(&publisher, "");
    once(&sandbox, 1).says(&["feed magnets: failed", "403"]);
    assert_eq!(publisher.asked("/m.csv").len(), 1);
}

#[test]
fn redirects_are_followed_within_their_limit() {
    let publisher = Publisher::start();
    publisher.publish("/m.csv", [Answer::new(302, "").header("Location", "/new/m.csv")]);
    publisher.publish("/new/m.csv", [Answer::ok(MAGNETS)]);
    let sandbox = world(&publisher, "");
    once(&sandbox, 0).says(&["feed magnets: 3 new"]);
    publisher.publish("/new/m.csv", [Answer::new(302, "").header("Location", "/m.csv")]);
    once(&sandbox, 1).says(&["feed magnets: failed", "redirect"]);
    assert!(publisher.asked("/m.csv").len() < 10);
}

#[test]
fn a_private_address_needs_the_operators_leave() {
    let publisher = Publisher::start();
    publisher.publish("/m.csv", [Answer::ok(MAGNETS)]);
    let sandbox = world(&publisher, "");
    let config = sandbox.read("config/supplywatch.toml").replace("allow_private = true\n", "");
    sandbox.write("config/supplywatch.toml", config);
    // Said by `check` where the address is written out, at the latest when it is asked.
    let ended = sandbox.run(&["run", "--once"]);
    assert_ne!(ended.status.code(), Some(0), "{ended}");
    ended.says(&["allow_private"]);
    assert!(publisher.asked("/m.csv").is_empty());
}

#[test]
fn compressed_answers_are_read() {
    let publisher = Publisher::start();
    publisher.publish("/m.csv", [Answer::ok(gzip(MAGNETS.as_bytes())).header("Content-Encoding", "gzip")]);
    let sandbox = world(&publisher, "");
    once(&sandbox, 0).says(&["feed magnets: 3 new"]);
    let offered = asked_with(&publisher, "accept-encoding").remove(0).unwrap_or_default();
    for encoding in ["gzip", "br", "zstd"] {
        assert!(offered.contains(encoding), "{offered}");
    }
}

#[test]
fn a_key_in_an_address_is_never_shown() {
    let publisher = Publisher::start();
    publisher.publish("/m.csv", [Answer::new(500, "")]);
    let mut sandbox = world(&publisher, "headers = { X-Key = { env = \"KEY\" } }");
    sandbox.set("KEY", "k-0123456789");
    sandbox.set("ADDRESS", &publisher.url("/m.csv?key=k-9876543210"));
    let config = sandbox.read("config/supplywatch.toml");
    let literal = format!("url = \"{}\"", publisher.url("/m.csv"));
    assert!(config.contains(&literal));
    sandbox.write("config/supplywatch.toml", config.replace(&literal, "url = { env = \"ADDRESS\" }"));
    let secrets = ["k-0123456789", "k-9876543210"];
    for arguments in
        [&["run", "--once", "--log", "debug"][..], &["dry-run"], &["check"], &["run", "--once", "--format", "json"]]
    {
        sandbox.run(arguments).says_nothing_of(&secrets);
    }
    let asked = publisher.asked("/m.csv");
    assert!(asked[0].path.ends_with("?key=k-9876543210") && asked[0].header("x-key") == Some("k-0123456789"));
    publisher.publish("/m.csv", [Answer::ok(MAGNETS)]);
    once(&sandbox, 0).says_nothing_of(&secrets);
    sandbox.run(&["explain", "magnets-falling"]).is(0).says_nothing_of(&secrets);
    for (path, bytes) in sandbox.contents() {
        let holds = |secret: &str| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!secrets.iter().any(|secret| holds(secret)), "{} holds a secret", path.display());
    }
}

#[test]
fn a_json_feed_is_read_by_its_pointers() {
    let publisher = Publisher::start();
    let record = |period: &str, value: f64| serde_json::json!({"p": period, "geo": {"to": "840"}, "v": value});
    let document = serde_json::json!({
        "meta": {"count": 3},
        "data": [record("202507", 619.0), record("202508", 590.0), record("202509", 420.5)],
    });
    publisher.publish("/m.json", [Answer::ok(document.to_string())]);
    let sandbox = Sandbox::with_config(&format!(
        "[feed.magnets]\nkind = \"json\"\nurl = \"{}\"\ninsecure = true\nallow_private = true\nfrequency = \"month\"\n\
        unit = \"t\"\nrecords = \"/data\"\ncolumns = {{ period = \"/p\", value = \"/v\", labels = {{ partner = \"/geo/to\" }} }}\n\n\
        {}{DESK}",
        publisher.url("/m.json"),
        rule("magnets", &["desk"]),
    ));
    once(&sandbox, 0).says(&["feed magnets: 3 new", "420.5 t"]);
    assert_eq!(sandbox.json(&["alerts"])[0]["labels"]["partner"], "US");
}

#[test]
fn a_file_is_read_as_its_options_say() {
    let sandbox = Sandbox::with_config(
        "[feed.magnets]\nkind = \"csv\"\npath = \"m.csv\"\nfrequency = \"month\"\nunit = \"kg\"\ndelimiter = \";\"\n\
        decimal = \",\"\nthousands = \".\"\nencoding = \"GB18030\"\nskip_lines = 2\n\
        columns = { period = \"月份\", value = \"数量\", labels = { grade = \"品名\" } }\n\n\
        [rule.falling]\nseries = { feed = \"magnets\", grade = \"钕铁硼\" }\nwhen = [\"declines >= 2\", \"value < 500 t\"]\n\
        severity = \"warning\"\nnotify = [\"desk\"]\n\n[receiver.desk]\nkind = \"console\"\n",
    );
    let text = "海关总署\n\n月份;品名;数量\n2025年7月;钕铁硼;619.000,0\n2025年8月;钕铁硼;590.000\n2025年9月;钕铁硼;420.500,5\n";
    let (bytes, _, unmappable) = encoding_rs::GB18030.encode(text);
    assert!(!unmappable);
    sandbox.write("config/m.csv", &bytes);
    once(&sandbox, 0).says(&["feed magnets: 3 new", "钕铁硼", "1 alert changed"]);
}
