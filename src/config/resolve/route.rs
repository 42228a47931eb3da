//! `[[route]]`: which alerts are meant and who is told; and whether every rule reaches somebody, every route anything.

use super::feed::Facts;
use super::{Context, value};
use crate::alert::{DELIVERY_DEAD, FEED_FAILING, FEED_OVERDUE, Matcher, RECEIVER_FAILING, Topic};
use crate::config::file::File;
use crate::config::problem::Finding;
use crate::config::route::RouteTable;
use crate::config::source::{At, Texts};
use crate::feed::Feed;
use crate::outbox::Route;
use crate::rule::{Rule, Severity};
use crate::series::Labels;

/// What the tables come to, in their order; those that are wrong are left out.
pub fn resolve(cx: Context<'_>, tables: &[RouteTable], receivers: &[&str]) -> Vec<Route> {
    let numbered = tables.iter().zip(1..);
    numbered.filter_map(|(table, number)| one(cx, table, number, receivers)).collect()
}

fn one(cx: Context<'_>, table: &RouteTable, number: usize, receivers: &[&str]) -> Option<Route> {
    cx.missing(
        &table.given,
        "notify",
        "write notify = [\"RECEIVER\"]; an empty list keeps what it matches from all others",
    );
    let notify = value::receivers(cx, table.notify.as_ref(), receivers);
    let source = cx.sources.of(table.place);
    let name = source.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Some(Route {
        number,
        at: format!("{name}:{}", source.position(table.place.start).0),
        matcher: matcher(cx, &table.matches)?,
        notify,
        escalation: value::escalation(cx, table.escalate.as_ref(), receivers),
        goes_on: table.goes_on.as_ref().is_some_and(|at| at.value),
    })
}

/// The patterns of a `match`; each that is wrong is reported where it stands.
fn matcher(cx: Context<'_>, matches: &[(At<String>, Texts)]) -> Option<Matcher> {
    let mut pairs = Vec::new();
    let mut good = true;
    for (name, texts) in matches {
        if texts.value.is_empty() {
            good = false;
            let message = format!("the list of patterns for `{}` is empty", name.value);
            cx.error(texts.place, message, "nothing is meant", "take it away to mean every value");
        }
        for text in &texts.value {
            let pair = (name.value.clone(), text.value.clone());
            if let Err(why) = Matcher::parse([pair.clone()]) {
                good = false;
                let help = "write a value, a glob such as \"8505*\", or \"!CN\" for all but one";
                cx.error(text.place, why, "means nothing", help);
            }
            pairs.push(pair);
        }
    }
    Matcher::parse(pairs).ok().filter(|_| good)
}

/// Warns of rules that reach nobody, and of routes that nothing takes.
pub fn check(cx: Context<'_>, file: &File, routes: &[Route], rules: &[Rule], feeds: &[&Feed], facts: &[&Facts]) {
    for named in file.rules.iter().filter(|named| !named.table.given.has("notify")) {
        let rule = rules.iter().find(|rule| rule.name == named.name.value);
        let reaches = |route: &Route| rule.is_none_or(|rule| may_take(rule, route, facts));
        if !routes.iter().any(reaches) {
            let message = format!("rule `{}` notifies nobody", named.name.value);
            let why = if routes.is_empty() { "no `notify`" } else { "no `notify`, and no route means it" };
            let finding = Finding::warning(named.name.place, message).label(why);
            cx.add(finding.help("write notify = [\"RECEIVER\"], or a [[route]]; its alerts are kept all the same"));
        }
    }
    if cx.report.has_errors() {
        return;
    }
    for (at, (table, route)) in file.routes.iter().zip(routes).enumerate() {
        let of_rules = || rules.iter().any(|rule| rule.notify.is_none() && may_take(rule, route, facts));
        let of_feeds = || feeds.iter().any(|feed| feed.notify.is_none() && may_tell_of(feed, route));
        if let Some(wall) = routes[..at].iter().find(|route| route.matcher.is_everything() && !route.goes_on) {
            let finding = Finding::warning(table.place, "no alert comes to this route").label("never reached");
            cx.add(
                finding
                    .help(format!("route {} above takes them all: put it last, or set continue = true", wall.number)),
            );
        } else if !of_rules() && !of_feeds() && !may_tell_of_receivers(file, route) {
            let finding = Finding::warning(table.place, "no alert can take this route").label("tells of nothing");
            let help = "no rule and no feed of this config without a `notify` of its own fits its `match`";
            cx.add(finding.help(help));
        }
    }
}

/// Whether alerts of a rule may take a route: what a column will say is not known yet.
fn may_take(rule: &Rule, route: &Route, facts: &[&Facts]) -> bool {
    let severities: Vec<Severity> =
        [Some(rule.severity), rule.worse.as_ref().map(|worse| worse.severity)].into_iter().flatten().collect();
    let of_feed = |facts: &&&Facts| rule.selector.pattern("feed").is_none_or(|pattern| pattern.matches(&facts.name));
    facts.iter().filter(of_feed).any(|facts| {
        route.matcher.patterns().all(|(name, pattern)| match name {
            "rule" => pattern.matches(&rule.name),
            "kind" => pattern.matches("market"),
            "severity" => severities.iter().any(|severity| pattern.matches(severity.name())),
            label => label_values(rule, facts, label).is_none_or(|value| pattern.matches(&value)),
        })
    })
}

/// The value that a label of a rule's alerts has, where it can only be one.
fn label_values(rule: &Rule, facts: &Facts, label: &str) -> Option<String> {
    let group_by = rule.selector.group_by();
    if label == "feed" {
        return Some(facts.name.clone());
    }
    if !group_by.is_empty() && !group_by.iter().any(|name| name == label) {
        return Some(String::new());
    }
    if facts.from_columns.iter().any(|name| name == label) {
        return rule.selector.pattern(label).and_then(|pattern| pattern.exact()).map(ToOwned::to_owned);
    }
    Some(facts.constants.value(label).unwrap_or("").to_owned())
}

/// Whether the data alerts of a feed may take a route.
fn may_tell_of(feed: &Feed, route: &Route) -> bool {
    takes_data(route, &feed.labels, [FEED_FAILING, FEED_OVERDUE])
}

/// Whether the data alerts of receivers may take a route: where there is a fallback, they go there.
fn may_tell_of_receivers(file: &File, route: &Route) -> bool {
    let labels = |name: &String| [("receiver", name.as_str())].into_iter().collect();
    let may = |name: &String| takes_data(route, &labels(name), [RECEIVER_FAILING, DELIVERY_DEAD]);
    file.daemon.fallback.is_none() && file.receivers.iter().any(|receiver| may(&receiver.name.value))
}

fn takes_data(route: &Route, labels: &Labels, names: [&str; 2]) -> bool {
    let topic = |rule| Topic { rule, labels, severity: Severity::Warning };
    names.into_iter().any(|rule| route.matcher.matches(&topic(rule)))
}
