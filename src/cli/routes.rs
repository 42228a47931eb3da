//! `routes`: who is told of which alerts, and by which route.

use serde_json::json;

use super::{Exit, FAILED, Format, Session, USAGE, parse_label, say};
use crate::alert::{FEED_FAILING, Topic};
use crate::base::text::list;
use crate::config::Setup;
use crate::outbox::{Route, notified, taken};
use crate::rule::Severity;
use crate::series::Labels;

/// List the routes of the config; or ask who would be told of an alert
///
/// An alert whose rule (or, of a data alert, whose feed) has no `notify` takes the first `[[route]]` that means it,
/// and the next ones as long as each says `continue = true`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Who would be told of an alert with these labels, and by which route; exits with 1 where nobody would
    ///
    /// Such as `supplywatch routes test feed=china-magnets partner=US --severity critical`.
    Test(Test),
}

#[derive(clap::Args, Debug)]
struct Test {
    /// The alert's labels, such as feed=china-magnets partner=US
    #[arg(value_name = "LABEL=VALUE", value_parser = parse_label)]
    labels: Vec<(String, String)>,
    /// How bad it is: info, warning or critical [default: the rule's severity, else warning]
    #[arg(long, value_name = "S", value_parser = severity)]
    severity: Option<Severity>,
    /// market (of a rule) or data (of a feed itself)
    #[arg(long, value_name = "K", value_parser = ["market", "data"], default_value = "market")]
    kind: String,
    /// The rule whose alert it is; its own `notify` comes first
    #[arg(long, value_name = "R")]
    rule: Option<String>,
}

fn severity(text: &str) -> Result<Severity, String> {
    let found = Severity::ALL.into_iter().find(|severity| severity.name() == text);
    found.ok_or_else(|| "expected info, warning or critical".to_owned())
}

/// Runs the verb.
pub fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    let setup = session.load()?;
    match &args.verb {
        None => show(session, &setup.routes),
        Some(Verb::Test(test)) => try_out(session, &setup, test),
    }
}

fn show(session: &Session, routes: &[Route]) -> anyhow::Result<()> {
    match session.format {
        Format::Json => routes.iter().try_for_each(|route| session.line(&line(route))),
        Format::Text if routes.is_empty() => {
            session.print("No routes: alerts go to the `notify` of their rule or feed.")
        }
        Format::Text => {
            let rows: Vec<Vec<String>> = routes.iter().map(row).collect();
            session.print(&super::table::table(&["route", "at", "match", "notify", "then"], &rows))
        }
    }
}

fn row(route: &Route) -> Vec<String> {
    let then = if route.goes_on { "continue" } else { "stop" };
    let notify = if route.notify.is_empty() { "nobody".to_owned() } else { route.notify.join(", ") };
    vec![route.number.to_string(), route.at.clone(), route.matcher.to_string(), notify, then.to_owned()]
}

fn line(route: &Route) -> serde_json::Value {
    json!({
        "route": route.number, "at": route.at, "match": route.matcher, "notify": route.notify,
        "continue": route.goes_on,
    })
}

/// Who would be told.
fn try_out(session: &Session, setup: &Setup, test: &Test) -> anyhow::Result<()> {
    let labels: Labels = test.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let is_data = test.kind == "data";
    if is_data && test.rule.as_ref().is_some_and(|rule| !rule.contains(':')) {
        say(&format!("error: a data alert has no rule of the config; it has {} in its place", list([FEED_FAILING])));
        return Err(Exit(USAGE).into());
    }
    let rule = match &test.rule {
        Some(name) if !is_data => Some(super::explain::known_rule(setup, name)?),
        Some(_) | None => None,
    };
    let name = test.rule.as_deref().unwrap_or(if is_data { FEED_FAILING } else { "" });
    let severity = test.severity.or(rule.map(|rule| rule.severity)).unwrap_or(Severity::Warning);
    let topic = Topic { rule: name, labels: &labels, severity };
    let feed = is_data.then(|| setup.feeds.iter().find(|feed| labels.value("feed") == Some(&feed.name))).flatten();
    let own = rule.and_then(|rule| rule.notify.as_deref()).or(feed.and_then(|feed| feed.notify.as_deref()));
    let told = notified(own, &setup.routes, &topic);
    let routes = if own.is_some() { Vec::new() } else { taken(&setup.routes, &topic) };
    match session.format {
        Format::Json => session.line(&json!({
            "labels": labels, "rule": test.rule, "severity": severity, "kind": test.kind, "receivers": told,
            "own": own.is_some(), "routes": routes.iter().map(|route| line(route)).collect::<Vec<_>>(),
        }))?,
        Format::Text => {
            let of = if is_data { "feed" } else { "rule" };
            let by = match (own, routes.as_slice()) {
                (Some(_), _) => format!("by the `notify` of the {of}"),
                (None, []) => "no route means such an alert".to_owned(),
                (None, routes) => {
                    let told: Vec<String> =
                        routes.iter().map(|route| format!("route {} ({})", route.number, route.at)).collect();
                    format!("by {}", told.join(", then "))
                }
            };
            let whom = if told.is_empty() { "nobody".to_owned() } else { told.join(", ") };
            session.print(&format!("{whom}: {by}"))?;
        }
    }
    if told.is_empty() { Err(Exit(FAILED).into()) } else { Ok(()) }
}
