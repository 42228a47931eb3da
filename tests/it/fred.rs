//! FRED, from its answers to an alert: asked for figures only when a series has moved, and told apart from
//! a publisher that refuses.

use super::http::Answer;
use super::publisher::Publisher;
use super::sandbox::Sandbox;
use super::scene::{DESK, once};

const KEY: &str = "canarycanarycanarycanarycanary01";

fn world(publisher: &Publisher, more: &str) -> Sandbox {
    let mut sandbox = Sandbox::with_config(&format!(
        "[feed.prices]\nkind = \"fred\"\nseries = [\"PCOPPUSDM\"]\nkey = {{ env = \"FRED_API_KEY\" }}\n\
        url = \"{}\"\ninsecure = true\nallow_private = true\npause = \"1s\"\n{more}\n\
        [rule.copper]\nseries = {{ feed = \"prices\" }}\nwhen = \"change(1) < -2% and value < 9500 USD/t\"\n\
        severity = \"warning\"\nnotify = \"desk\"\n\n{DESK}",
        publisher.url("/fred")
    ));
    sandbox.set("FRED_API_KEY", KEY);
    sandbox
}

fn about(updated: &str) -> Answer {
    Answer::ok(format!(
        r#"{{"seriess":[{{"id":"PCOPPUSDM","frequency_short":"M","units":"U.S. Dollars per Metric Ton","last_updated":"{updated}"}}]}}"#
    ))
}

fn figures(figures: &[(&str, &str)]) -> Answer {
    let row = |(date, value): &(&str, &str)| {
        format!(r#"{{"realtime_start":"2024-09-18","realtime_end":"2024-09-18","date":"{date}","value":"{value}"}}"#)
    };
    let rows: Vec<String> = figures.iter().map(row).collect();
    Answer::ok(format!(r#"{{"count":{},"limit":100000,"observations":[{}]}}"#, rows.len(), rows.join(",")))
}

#[test]
fn a_series_is_read_when_it_has_moved() {
    let publisher = Publisher::start();
    publisher.publish("/fred/series", [about("2024-09-18 12:31:01-05")]);
    publisher.publish(
        "/fred/series/observations",
        [figures(&[("2024-06-01", "9648.20"), ("2024-07-01", "9393.73"), ("2024-08-01", ".")])],
    );
    let sandbox = world(&publisher, "");
    once(&sandbox, 0).says(&[
        "feed prices: 2 new",
        "9393.73 USD/t in July 2024",
        "/fred/series/observations?series_id=",
    ]);
    once(&sandbox, 0).says(&["feed prices: nothing new"]);
    assert_eq!(publisher.asked("/fred/series/observations").len(), 1);
    publisher.publish("/fred/series", [about("2024-10-18 12:31:01-05")]);
    publisher.publish(
        "/fred/series/observations",
        [figures(&[("2024-06-01", "9648.20"), ("2024-07-01", "9393.73"), ("2024-08-01", "8971.5")])],
    );
    once(&sandbox, 0).says(&["feed prices: 1 new"]);
}

#[test]
fn a_key_that_is_refused_is_told_and_never_shown() {
    let publisher = Publisher::start();
    let said =
        format!(r#"{{"error_code":400,"error_message":"Bad Request. The value {KEY} of api_key is not registered."}}"#);
    publisher.publish("/fred/series", [Answer::new(400, said)]);
    let sandbox = world(&publisher, "");
    let ended = once(&sandbox, 1);
    ended.says(&["set aside", "the publisher says: Bad Request. The value <secret> of api_key is not registered."]);
    assert!(!ended.stdout.contains(KEY) && !ended.stderr.contains(KEY), "{}{}", ended.stdout, ended.stderr);
}

/// Also across restarts: each run is a process of its own.
#[test]
fn a_quota_is_kept() {
    let publisher = Publisher::start();
    publisher.publish("/fred/series", [about("2024-09-18 12:31:01-05")]);
    publisher.publish("/fred/series/observations", [figures(&[("2024-06-01", "9648.20")])]);
    let sandbox = world(&publisher, "quota = \"3/month\"");
    once(&sandbox, 0).says(&["1 new"]);
    once(&sandbox, 0).says(&["nothing new"]);
    once(&sandbox, 1).says(&["fred allows 3 requests a month, and they are used up; the next are from"]);
    assert_eq!(publisher.asked("/fred/series").len(), 2);
}

/// The example that is shipped, with a publisher of our own in FRED's place.
#[test]
fn the_shipped_example_reads_its_series() {
    let publisher = Publisher::start();
    // Two of its six: FRED is asked slowly.
    let answers = |answer: &dyn Fn(&str) -> Answer| ["PCOPPUSDM", "PNICKUSDM"].map(answer);
    publisher.publish(
        "/fred/series",
        answers(&|name| {
            Answer::ok(format!(
                r#"{{"seriess":[{{"id":"{name}","frequency_short":"M","units":"U.S. Dollars per Metric Ton","last_updated":"2024-09-18 12:31:01-05"}}]}}"#
            ))
        }),
    );
    publisher.publish(
        "/fred/series/observations",
        answers(&|_| figures(&[("2024-06-01", "9648.20"), ("2024-07-01", "9393.73")])),
    );
    let mut sandbox = Sandbox::shipped();
    let example = sandbox.read("config/feeds/fred.toml");
    let address =
        format!("kind = \"fred\"\nurl = \"{}\"\ninsecure = true\nallow_private = true", publisher.url("/fred"));
    assert!(example.contains("kind     = \"fred\""));
    let two = example.replace(", \"PALUMUSDM\", \"PZINCUSDM\", \"PLEADUSDM\", \"PTINUSDM\"", "");
    sandbox.write("config/feeds/fred.toml", two.replace("kind     = \"fred\"", &address));
    sandbox.write("config/own.toml", format!("[daemon]\ninclude = [\"feeds/fred.toml\"]\n\n{DESK}"));
    sandbox.set("FRED_API_KEY", KEY);
    let ended = sandbox.run(&["run", "--once", "--config", "config/own.toml"]);
    ended.is(0).says(&["feed fred-metals: 4 new"]);
    assert!(
        publisher
            .asked("/fred/series/observations")
            .iter()
            .all(|asked| asked.path.contains("observation_start=2015-01-01"))
    );
}
