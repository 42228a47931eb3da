//! What Prometheus reads of a running daemon, and what is shipped to go with it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use super::hook::Hook;
use super::http::Answer;
use super::markdown::page;
use super::sandbox::{Daemon, Sandbox, Signal};
use super::scene::{magnets, webhook};

/// What a daemon with everything that is counted says.
struct Scraped {
    text: String,
    /// Each metric's kind by its name.
    kinds: BTreeMap<String, String>,
}

impl Scraped {
    /// Asks for `/metrics` by the socket of a sandbox.
    fn new(sandbox: &Sandbox) -> Self {
        let mut stream = UnixStream::connect(sandbox.path("s.sock")).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, text) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert!(head.to_lowercase().contains("\r\ncontent-type: text/plain; version=0.0.4"), "{head}");
        let kind = |line: &str| {
            let (name, kind) = line.strip_prefix("# TYPE ")?.split_once(' ')?;
            Some((name.to_owned(), kind.to_owned()))
        };
        Self { kinds: text.lines().filter_map(kind).collect(), text: text.to_owned() }
    }

    /// The value of one line.
    #[track_caller]
    fn value(&self, line: &str) -> f64 {
        let of = |known: &str| known.strip_prefix(line)?.strip_prefix(' ')?.parse().ok();
        self.text.lines().find_map(of).unwrap_or_else(|| panic!("no {line} in\n{}", self.text))
    }

    /// The names of the lines, among which those of a histogram's.
    fn names(&self) -> BTreeSet<String> {
        let of = |(name, kind): (&String, &String)| match kind.as_str() {
            "histogram" => ["_bucket", "_sum", "_count"].map(|part| format!("{name}{part}")).to_vec(),
            _ => vec![name.clone()],
        };
        self.kinds.iter().flat_map(of).collect()
    }
}

/// A daemon that has done something of everything: a message waits at a receiver that is down, and a release is due.
fn busy(down: &Hook, outside: &Hook) -> (Sandbox, Daemon) {
    let url = outside.url();
    let sandbox = magnets(&[("hook", webhook("hook", &down.url()))]);
    let config = sandbox.read("config/supplywatch.toml").replace(
        "path = ",
        "schedule = \"0 9 * * *\"\nrelease = { day = 20, after = \"1mo\", grace = \"3d\" }\npath = ",
    );
    let more = format!(
        "[web]\nlisten = \"\"\nsocket = \"../s.sock\"\n[daemon.dead_man]\nurl = \"{url}\"\nevery = \"1s\"\n\
        insecure = true\nallow_private = true\n"
    );
    sandbox.write("config/supplywatch.toml", format!("{config}{more}"));
    let mut daemon = sandbox.daemon();
    daemon.wait("READY=1");
    // All loops have come round once it is told outside; an attempt is counted once its end is stored.
    down.wait(1);
    let counts =
        |line: &str| line.starts_with("supplywatch_delivery_attempts_total{receiver=\"hook\"") && !line.ends_with(" 0");
    let counted = (0..30).any(|_| {
        outside.wait(outside.posts().len() + 1);
        Scraped::new(&sandbox).text.lines().any(counts)
    });
    assert!(counted, "an attempt is counted");
    (sandbox, daemon)
}

/// A receiver that is down for good.
fn down() -> Hook {
    let hook = Hook::start();
    hook.answer_with((0..50).map(|_| Answer::new(503, "")));
    hook
}

#[test]
fn what_the_daemon_did_is_scraped_and_documented() {
    let (down, outside) = (down(), Hook::start());
    let (sandbox, mut daemon) = busy(&down, &outside);
    let scraped = Scraped::new(&sandbox);
    for (line, value) in [
        ("supplywatch_feed_pulls_total{feed=\"magnets\",result=\"changed\"}", 1.0),
        ("supplywatch_feed_observations_total{change=\"new\",feed=\"magnets\"}", 3.0),
        ("supplywatch_rule_evaluations_total{outcome=\"holds\",rule=\"magnets-falling\"}", 1.0),
        ("supplywatch_rule_series_matched{rule=\"magnets-falling\"}", 1.0),
        ("supplywatch_alert_transitions_total{cause=\"published\",kind=\"fired\"}", 1.0),
        ("supplywatch_feed_overdue{feed=\"magnets\"}", 1.0),
        ("supplywatch_deliveries_pending{receiver=\"hook\"}", 1.0),
        ("supplywatch_config_last_reload_successful", 1.0),
    ] {
        assert_eq!(scraped.value(line), value, "{line}");
    }
    assert!(scraped.value("supplywatch_delivery_attempts_total{receiver=\"hook\",result=\"retry\"}") >= 1.0);
    assert!(scraped.value("supplywatch_dead_man_pings_total{result=\"ok\"}") >= 1.0);
    assert!(scraped.value("supplywatch_loop_last_tick_timestamp_seconds{loop=\"poll\"}") > 1.7e9);
    assert!(scraped.value("supplywatch_store_size_bytes") > 1e4);
    let asked = outside.posts();
    assert!(asked.iter().all(|request| request.method == "GET" && request.path == "/in"), "{asked:#?}");

    // Each metric has its row in the page, and each row its metric.
    let page = page("docs/METRICS.md");
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        Some((cells.next()?.trim_end_matches('`').to_owned(), cells.next()?.to_owned()))
    };
    let documented: BTreeMap<String, String> = page.lines().filter_map(row).collect();
    assert_eq!(documented, scraped.kinds);

    // What is shipped names no other.
    for file in ["config/prometheus-rules.yml", "config/prometheus-rules.test.yml", "config/grafana-dashboard.json"] {
        let text = super::markdown::page(file);
        let named = named(&text);
        assert!(named.len() > 10, "{file}: {named:?}");
        assert_eq!(named.difference(&scraped.names()).collect::<Vec<_>>(), Vec::<&String>::new(), "{file}");
    }

    // A reload that is refused is seen; one that stands takes the receiver away.
    let config = sandbox.read("config/supplywatch.toml");
    sandbox.write("config/supplywatch.toml", "[feed");
    daemon.signal(Signal::HUP);
    daemon.wait("STATUS=reload failed");
    assert_eq!(Scraped::new(&sandbox).value("supplywatch_config_last_reload_successful"), 0.0);
    sandbox.write(
        "config/supplywatch.toml",
        config.replace("\"hook\"", "\"other\"").replace("receiver.hook", "receiver.other"),
    );
    daemon.signal(Signal::HUP);
    daemon.wait("STATUS=watching");
    let scraped = Scraped::new(&sandbox);
    assert_eq!(scraped.value("supplywatch_config_last_reload_successful"), 1.0);
    assert!(!scraped.text.contains("receiver=\"hook\""), "{}", scraped.text);
    daemon.stop().is(0);
}

/// The metrics of this program and of its process that a text names.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let is_metric = |word: &&str| word.starts_with("supplywatch_") || word.starts_with("process_");
    words.filter(is_metric).map(ToOwned::to_owned).collect()
}

#[test]
fn a_switch_that_does_not_answer_is_told_of_in_the_log_and_stops_nothing() {
    let (hook, outside) = (Hook::start(), down());
    let (_sandbox, daemon) = busy(&hook, &outside);
    outside.wait(3);
    let ended = daemon.stop();
    ended.is(0).says(&["it could not be told that all is well", "HTTP 503"]).says_nothing_of(&["/in"]);
}
