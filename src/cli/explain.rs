//! `explain`: why a rule does or does not fire, with every figure it used.

use serde_json::{Value as Json, json};

use super::{Exit, Format, Session, say};
use crate::base::text::nearest;
use crate::config::Setup;
use crate::period::Period;
use crate::rule::{Gate, Judgement, Reading, Rule, judge};
use crate::series::{AsOf, History, Point, View};
use crate::store::{SeriesRef, Store};

/// Show why a rule does or does not fire: the expression as a tree with every value and figure
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The rule's name
    rule: String,
    /// Only series with these labels, such as partner=US
    #[arg(value_name = "LABEL=VALUE", value_parser = super::parse_label)]
    labels: Vec<(String, String)>,
    /// Judge this period instead of the latest, such as 2025-09
    #[arg(long, value_parser = |text: &str| Period::parse(text).map_err(|error| error.to_string()))]
    period: Option<Period>,
}

/// Runs the verb.
pub fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    let setup = session.load()?;
    let rule = known_rule(&setup, &args.rule)?;
    super::runtime()?.block_on(async {
        let store = session.copy(&setup.state).await?;
        let all = store.series().await?;
        let wanted = |series: &&SeriesRef| {
            let named = |(name, value): &(String, String)| series.labels.value(name) == Some(value);
            rule.selector.matches(&series.labels) && args.labels.iter().all(named)
        };
        let matching: Vec<&SeriesRef> = all.iter().filter(wanted).collect();
        if matching.is_empty() {
            say(&format!("error: {}", none_found(&all, rule)));
            return Err(Exit(super::FAILED).into());
        }
        for series in matching {
            one(session, &setup, &store, rule, series, args.period).await?;
        }
        Ok(())
    })
}

/// The rule of a name, or an error that names the nearest.
pub fn known_rule<'a>(setup: &'a Setup, name: &str) -> anyhow::Result<&'a Rule> {
    if let Some(rule) = setup.rules.iter().find(|rule| rule.name == name) {
        return Ok(rule);
    }
    let names = setup.rules.iter().map(|rule| rule.name.as_str());
    let hint = nearest(name, names.clone()).map(|name| format!("; did you mean `{name}`?"));
    let known = hint.unwrap_or_else(|| format!("; the rules are {}", crate::base::text::list(names)));
    say(&format!("error: there is no rule {}{known}", crate::base::text::list([name])));
    Err(Exit(2).into())
}

/// Why no series was found.
pub fn none_found(all: &[SeriesRef], rule: &Rule) -> String {
    let of_rule = all.iter().filter(|series| rule.selector.matches(&series.labels)).count();
    if all.is_empty() {
        "nothing is stored yet: pull the feeds with `supplywatch run --once`".to_owned()
    } else if of_rule == 0 {
        format!("rule {} matches none of the {} stored series", rule.name, all.len())
    } else {
        format!("none of the {of_rule} series of rule {} has these labels", rule.name)
    }
}

async fn one(
    session: &Session,
    setup: &Setup,
    store: &Store,
    rule: &Rule,
    series: &SeriesRef,
    period: Option<Period>,
) -> anyhow::Result<()> {
    let until = store.newest_pull(&series.feed).await?;
    let history = store.history(series, until).await?;
    let feed = setup.feeds.iter().find(|feed| feed.name == series.feed);
    let history = feed.map_or_else(|| history.clone(), |feed| history.clone().with_max_gap(feed.max_gap_days));
    let view = history.view(AsOf::Latest);
    let Some(period) = period.or_else(|| view.latest()) else { return Ok(()) };
    if period.frequency() != series.frequency {
        say(&format!("error: {period} is a {}: {} is by {}", period.frequency(), series.feed, series.frequency));
        return Err(Exit(2).into());
    }
    let judgement = judge(rule, &view, period);
    let held = store.alert(&rule.name, &series.labels).await?.and_then(|alert| alert.held);
    match session.format {
        Format::Json => session.line(&json_of(rule, &history, &judgement)),
        Format::Text => session.print(&text_of(rule, &history, view, &judgement, held.as_deref())),
    }
}

fn text_of(rule: &Rule, history: &History, view: View<'_>, judgement: &Judgement, held: Option<&str>) -> String {
    let mut lines = vec![
        format!("{} on {}", rule.name, history.labels()),
        format!("at {}: {}", judgement.period.in_words(), judgement.verdict.name()),
    ];
    if let Some(reason) = held {
        lines.push(format!("the alert is held as it was: {reason}"));
    }
    for gate in &judgement.gates {
        lines.push(format!("  when {}", gate.text));
        tree(&gate.reading, history, 2, &mut lines);
    }
    for gate in &judgement.clear {
        lines.push(format!("  clear {}", gate.text));
        tree(&gate.reading, history, 2, &mut lines);
    }
    lines.push(format!("  receivers: {}", crate::base::text::list(&rule.notify)));
    let latest = view.latest().filter(|latest| *latest != judgement.period);
    lines.extend(latest.map(|latest| format!("  the latest period is {latest}")));
    lines.push(String::new());
    lines.join("\n")
}

/// One part of the expression, the figures that it read, and its parts below it.
fn tree(reading: &Reading, history: &History, depth: usize, lines: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    lines.push(format!("{indent}{} = {}", reading.text, reading.value));
    for point in &reading.points {
        lines.push(format!("{indent}  · {}", figure(point, history)));
    }
    for part in &reading.parts {
        tree(part, history, depth + 1, lines);
    }
}

fn figure(point: &Point, history: &History) -> String {
    let unit = history.unit().map(|unit| format!(" {unit}")).unwrap_or_default();
    let value = crate::series::number::number(point.value);
    let earlier = history.vintages(point.span).iter().filter(|vintage| vintage.pull < point.pull).count();
    let revised = match earlier {
        0 => String::new(),
        count => format!(", {} before it", crate::base::text::counted(count, "vintage")),
    };
    format!("{} {value}{unit} ({}, known since {}{revised})", point.span, point.status, point.recorded_at)
}

fn json_of(rule: &Rule, history: &History, judgement: &Judgement) -> Json {
    json!({
        "rule": rule.name, "labels": history.labels(), "period": judgement.period,
        "verdict": judgement.verdict.name(),
        "gates": judgement.gates.iter().map(gate_json).collect::<Vec<_>>(),
        "clear": judgement.clear.as_ref().map(gate_json),
        "unit": history.unit().map(ToString::to_string), "receivers": rule.notify, "hash": rule.hash,
    })
}

fn gate_json(gate: &Gate) -> Json {
    json!({"text": gate.text, "verdict": gate.verdict.name(), "reading": reading_json(&gate.reading)})
}

fn reading_json(reading: &Reading) -> Json {
    let points = reading.points.iter().map(|point| {
        json!({
            "period": point.span, "value": point.value, "status": point.status,
            "recorded_at": point.recorded_at, "pull": point.pull,
        })
    });
    json!({
        "text": reading.text, "value": reading.value.to_string(), "points": points.collect::<Vec<_>>(),
        "parts": reading.parts.iter().map(reading_json).collect::<Vec<_>>(),
    })
}
