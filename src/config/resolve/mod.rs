//! From the `File` to a `Setup`: what values mean, and whether they fit together.
//!
//! Nothing here stops at the first problem. A part that is wrong is reported and left out; the caller uses
//! the `Setup` only where nothing was.

mod address;
mod daemon;
mod feed;
mod group;
mod inhibit;
mod items;
mod layout;
mod publisher;
mod receiver;
mod release;
mod route;
mod rule;
mod scenario;
mod series;
mod template;
mod value;
mod web;

use std::collections::BTreeSet;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::environment::Environment;
use super::file::{File, Named};
use super::outline::outline;
use super::problem::{Finding, Report};
use super::rule::RuleTable;
use super::scenario::ScenarioTable;
use super::secret::Keyring;
use super::section::Given;
use super::setup::Setup;
use super::source::{Place, Sources};
use crate::base::text::{hex, list};
use crate::rule::Rule;
use crate::scenario::Scenario;
use crate::store::Location;

/// What resolving any part needs.
#[derive(Clone, Copy)]
struct Context<'a> {
    sources: &'a Sources,
    environment: &'a Environment,
    report: &'a Report,
    keyring: Keyring<'a>,
}

/// What the file comes to. Where the report has errors, it is not to be used.
pub fn resolve(path: &Path, file: File, sources: &Sources, environment: &Environment, report: &Report) -> Setup {
    let cx = Context { sources, environment, report, keyring: Keyring { sources, environment, report } };
    let names: Vec<&str> = file.receivers.iter().map(|receiver| receiver.name.value.as_str()).collect();
    let daemon = daemon::resolve(cx, &file.daemon, &names);
    let web = web::resolve(cx, &file.web, &daemon.state);
    let feed = |table| feed::resolve(cx, table, daemon.zone, &names);
    let feeds: Vec<feed::Resolved> = file.feeds.iter().map(feed).collect();
    let of_feeds: Vec<&feed::Facts> = feeds.iter().map(|feed| &feed.facts).collect();
    let derived = series::resolve(cx, &file.series, &of_feeds);
    let facts: Vec<&feed::Facts> = of_feeds.into_iter().chain(derived.iter().map(|one| &one.facts)).collect();
    let rule = |table| {
        let inhibition = inhibit::resolve(cx, table, &file.rules);
        let escalation = value::escalation(cx, table.table.escalate.as_ref(), &names);
        Some(Rule { inhibition, escalation, ..rule::resolve(cx, table, &facts, &names)? })
    };
    let mut rules: Vec<Rule> = file.rules.iter().filter_map(rule).collect();
    let mut receivers: Vec<_> =
        file.receivers.iter().filter_map(|table| receiver::resolve(cx, table, daemon.zone)).collect();
    let routes = route::resolve(cx, &file.routes, &names);
    let pulled: Vec<_> = feeds.iter().filter_map(|feed| feed.feed.as_ref()).collect();
    route::check(cx, &file, &routes, &rules, &pulled, &facts);
    let of_rule = |named: &Named<RuleTable>| {
        let template = template::resolve(cx, named.table.template.as_ref());
        (!template.is_empty()).then(|| (named.name.value.clone(), template))
    };
    let templates = file.rules.iter().filter_map(of_rule).collect();
    warn_idle(cx, path, &file);
    let derived = derived.into_iter().filter_map(|one| one.derived).collect();
    let mut feeds: Vec<_> = feeds.into_iter().filter_map(|feed| feed.feed).collect();
    feeds.sort_by(|a, b| a.name.cmp(&b.name));
    rules.sort_by(|a, b| a.name.cmp(&b.name));
    receivers.sort_by(|a, b| a.name.cmp(&b.name));
    let files = sources.0.iter().map(|source| source.path.clone()).collect();
    Setup {
        path: path.to_owned(),
        files,
        written: cx.report.shown(sources),
        outline: outline(sources, report),
        state: daemon.state,
        lease: daemon.lease,
        zone: daemon.zone,
        feeds,
        derived,
        rules,
        templates,
        receivers,
        routes,
        contact: daemon.contact,
        proxy: daemon.proxy,
        fallback: daemon.fallback,
        page_url: daemon.page_url,
        web,
        dead_man: daemon.dead_man,
        keep_attempts: daemon.keep_attempts,
    }
}

/// Where the store is. Where the report has errors, it is not to be used.
pub fn location(file: &File, sources: &Sources, environment: &Environment, report: &Report) -> Location {
    let cx = Context { sources, environment, report, keyring: Keyring { sources, environment, report } };
    daemon::location(cx, &file.daemon)
}

/// A kind of feeds or of receivers.
#[derive(Clone, Copy)]
pub struct Kind {
    /// As written.
    pub name: &'static str,
    /// The keys that it takes, of those that not every kind takes.
    pub keys: &'static [&'static str],
}

/// The kinds that a table has; none where it has no kinds.
pub fn kinds(table: &str) -> Vec<Kind> {
    match table {
        "feed" => publisher::KINDS.iter().map(|kind| Kind { name: kind.name, keys: kind.keys }).collect(),
        "receiver" => receiver::KINDS.iter().map(|kind| Kind { name: kind.name, keys: kind.keys }).collect(),
        _ => Vec::new(),
    }
}

/// What a file of scenarios comes to. Where the report has errors, it is not to be used.
pub fn scenarios(
    tables: Vec<ScenarioTable>,
    setup: &Setup,
    sources: &Sources,
    environment: &Environment,
    report: &Report,
) -> Vec<Scenario> {
    let cx = Context { sources, environment, report, keyring: Keyring { sources, environment, report } };
    tables.iter().filter_map(|table| scenario::resolve(cx, table, setup)).collect()
}

/// Warns of a config that does nothing, and of receivers that are never told. Beside errors that may be their
/// reason, it says nothing.
fn warn_idle(cx: Context<'_>, path: &Path, file: &File) {
    if cx.report.has_errors() {
        return;
    }
    if file.feeds.is_empty() {
        let finding = Finding::file_warning(path, "the config has no feed: nothing will be pulled");
        cx.report.add(finding.help("a feed is a table [feed.NAME] with `kind`, `path` or `url`, and `frequency`"));
    }
    let of_rules = file.rules.iter().filter_map(|rule| rule.table.notify.as_ref());
    let of_feeds = file.feeds.iter().filter_map(|feed| feed.table.notify.as_ref());
    let of_routes = file.routes.iter().filter_map(|route| route.notify.as_ref());
    let of_rules_later = file.rules.iter().filter_map(|rule| rule.table.escalate.as_ref());
    let of_routes_later = file.routes.iter().filter_map(|route| route.escalate.as_ref());
    let later = of_rules_later.chain(of_routes_later).filter_map(|escalate| escalate.notify.as_ref());
    let told = of_rules
        .chain(of_feeds)
        .chain(of_routes)
        .chain(later)
        .chain(&file.daemon.fallback)
        .flat_map(|notify| &notify.value);
    let told: BTreeSet<&str> = told.map(|name| name.value.as_str()).collect();
    for receiver in file.receivers.iter().filter(|receiver| !told.contains(receiver.name.value.as_str())) {
        let message = format!("no rule, feed or route notifies receiver `{}`", receiver.name.value);
        cx.report.add(Finding::warning(receiver.name.place, message).label("never told"));
    }
}

impl Context<'_> {
    fn add(&self, finding: Finding) {
        self.report.add(finding);
    }

    fn error(&self, place: Place, title: impl AsRef<str>, label: &str, help: impl AsRef<str>) {
        self.add(Finding::error(place, title).label(label).help(help));
    }

    /// Reports a key that is not there and must be.
    fn missing(&self, given: &Given, key: &str, help: &str) {
        if !given.has(key) {
            let finding = Finding::error(given.place, format!("[{}] needs `{key}`", given.title));
            self.add(finding.label(format!("no `{key}`")).help(help));
        }
    }

    /// Refuses keys that belong to other kinds. `kinds` has for each kind its name and the keys that not all take.
    fn foreign(&self, given: &Given, kind: &str, kinds: &[(&str, &[&str])]) {
        for (key, place) in &given.keys {
            let takers = || kinds.iter().filter(|(_, keys)| keys.contains(key)).map(|(name, _)| *name);
            if takers().next().is_some() && takers().all(|taker| taker != kind) {
                let message = format!("`{key}` has no meaning for kind `{kind}`");
                let takers = format!("`{key}` belongs to kind {}", list(takers()));
                self.error(*place, message, "not for this kind", takers);
            }
        }
    }
}

/// SHA-256 of a text, in hex.
fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}
