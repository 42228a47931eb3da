//! The config and the figures that most scenarios begin with, in the words of the config's contract.

use super::sandbox::{Ended, Sandbox};

/// Three months of exports to the US, the last two falling: what `declines >= 2` fires on.
pub const MAGNETS: &str = "period,partner,tonnes\n2025-07,US,619\n2025-08,US,590\n2025-09,US,420.5\n";
/// One month more, falling further: the alert continues.
pub const WORSE: &str = "2025-10,US,400\n";
/// One month more, rising: the alert is resolved.
pub const BETTER: &str = "2025-10,US,656\n";
/// A signing secret of a webhook.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A monthly feed of tonnes by partner; `source` is its `path = …` or `url = …` and whatever else it needs.
pub fn feed(name: &str, source: &str) -> String {
    format!(
        "[feed.{name}]\nkind = \"csv\"\n{source}\nfrequency = \"month\"\nunit = \"t\"\n\
        labels = {{ reporter = \"CN\", flow = \"export\" }}\n\
        columns = {{ period = \"period\", value = \"tonnes\", labels = [\"partner\"] }}\n\n"
    )
}

/// A feed from a file beside the config.
pub fn file_feed(name: &str) -> String {
    feed(name, &format!("path = \"{name}.csv\""))
}

/// A feed from a publisher on loopback.
pub fn url_feed(name: &str, url: &str, more: &str) -> String {
    feed(name, &format!("url = \"{url}\"\ninsecure = true\nallow_private = true\n{more}"))
}

/// A rule on a feed that fires on two declines, named after the feed.
pub fn rule(feed: &str, notify: &[&str]) -> String {
    format!(
        "[rule.{feed}-falling]\nseries = {{ feed = \"{feed}\" }}\nwhen = \"declines >= 2\"\n\
        severity = \"critical\"\nnotify = {notify:?}\n\n"
    )
}

/// The console.
pub const DESK: &str = "[receiver.desk]\nkind = \"console\"\n\n";

/// A signed webhook on loopback.
pub fn webhook(name: &str, url: &str) -> String {
    format!(
        "[receiver.{name}]\nkind = \"webhook\"\nurl = \"{url}\"\nsecret = \"{SECRET}\"\n\
        insecure = true\nallow_private = true\n\n"
    )
}

/// One feed `magnets` from a file, one rule on it, and whom it tells.
pub fn magnets(receivers: &[(&str, String)]) -> Sandbox {
    let names: Vec<&str> = receivers.iter().map(|(name, _)| *name).collect();
    let tables: String = receivers.iter().map(|(_, table)| table.as_str()).collect();
    let sandbox = Sandbox::with_config(&format!("{}{}{tables}", file_feed("magnets"), rule("magnets", &names)));
    sandbox.write("config/magnets.csv", MAGNETS);
    sandbox
}

/// Runs once; it must end with this exit code.
#[track_caller]
pub fn once(sandbox: &Sandbox, code: i32) -> Ended {
    let ended = sandbox.run(&["run", "--once"]);
    ended.is(code);
    ended
}

/// Writes a file as if it had been written so many hours before a moment that is long past.
pub fn written_before(sandbox: &Sandbox, path: &str, contents: impl AsRef<[u8]>, hours: u64) {
    written(sandbox, path, contents, 1_763_596_800 - 3600 * hours);
}

/// Writes a file as if it had been written so many seconds after the beginning of 1970.
pub fn written(sandbox: &Sandbox, path: &str, contents: impl AsRef<[u8]>, seconds: u64) {
    sandbox.write(path, contents);
    let file = std::fs::File::options().append(true).open(sandbox.path(path)).unwrap();
    file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds)).unwrap();
}

/// The figures that a rule reads at its latest period, by `explain`: period and value, oldest first.
#[track_caller]
pub fn figures(sandbox: &Sandbox, rule: &str) -> Vec<(String, f64)> {
    let mut figures = Vec::new();
    for explained in sandbox.json(&["explain", rule]) {
        explained["gates"].as_array().unwrap().iter().for_each(|gate| points(&gate["reading"], &mut figures));
    }
    figures.sort_by(|a, b| a.0.cmp(&b.0));
    figures.dedup();
    figures
}

fn points(reading: &serde_json::Value, figures: &mut Vec<(String, f64)>) {
    for point in reading["points"].as_array().unwrap() {
        figures.push((point["period"].as_str().unwrap().to_owned(), point["value"].as_f64().unwrap()));
    }
    reading["parts"].as_array().unwrap().iter().for_each(|part| points(part, figures));
}
