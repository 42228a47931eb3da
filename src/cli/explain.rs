//! `explain`: why a rule does or does not fire, with every figure it used.

use serde_json::{Value as Json, json};

use super::chart::{is_terminal, width};
use super::moment::{self, Moment};
use super::{FAILED, Format, Session, USAGE, say, unanswered};
use crate::base::text::{list, printable};
use crate::catalogue::Catalogue;
use crate::config::Setup;
use crate::inspect::explain::{Case, Explainer, Explanation, Look, Unexplained};
use crate::inspect::{
    ExplainedFigure, ExplainedGate, ExplainedItem, ExplainedPart, Inspection, Level, Nearness, meant,
};
use crate::period::Period;
use crate::rule::roster::Subject;
use crate::rule::{Rule, Severity};
use crate::series::Unit;

/// Items that are told one by one, at most.
const ITEMS_TOLD: usize = 20;

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
    /// As it was known then: a day (all of it), or an instant such as 2025-10-20T01:00:00Z
    #[arg(long, value_name = "T", value_parser = moment::read)]
    as_of: Option<Moment>,
    /// Draw the figures up to that period [default: on a terminal]
    #[arg(long)]
    chart: bool,
}

/// Runs the verb.
pub fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    let setup = session.load()?;
    let rule = known_rule(&setup, &args.rule)?;
    let look = Look { period: args.period, as_of: args.as_of };
    super::runtime()?.block_on(async {
        let store = session.copy(&setup.state).await?;
        let explainer = Explainer::new(Inspection { setup: &setup, store: &store, now: session.clock.now() }).await?;
        let mut all = Ok(());
        for subject in matching(explainer.catalogue(), rule, &args.labels)? {
            match explainer.case(rule, &subject, look).await {
                Ok(case) => show(session, &case.explanation(), &case, args.chart)?,
                Err(Unexplained::Nothing(why)) => say(&why),
                // It is said, and keeps the others from nothing.
                Err(why @ Unexplained::Misfit(_)) => all = Err(unanswered(why.into(), FAILED)),
                Err(why @ Unexplained::Frequency(_)) => all = Err(unanswered(why.into(), USAGE)),
                Err(Unexplained::Store(error)) => return Err(error.into()),
            }
        }
        all
    })
}

/// The rule of a name, or an error that names the nearest.
pub fn known_rule<'a>(setup: &'a Setup, name: &str) -> anyhow::Result<&'a Rule> {
    meant::rule(setup, name).map_err(|why| unanswered(why, USAGE))
}

/// What a rule judges that has these labels, or an error that says why there is nothing.
pub fn matching(catalogue: &Catalogue<'_>, rule: &Rule, labels: &[(String, String)]) -> anyhow::Result<Vec<Subject>> {
    meant::subjects(catalogue, rule, labels).map_err(|why| unanswered(why, FAILED))
}

fn show(session: &Session, explanation: &Explanation, case: &Case, draws: bool) -> anyhow::Result<()> {
    match session.format {
        Format::Json => session.line(&json_of(explanation)),
        Format::Text if draws || is_terminal() => {
            session.print(&format!("{}\n{}\n", text(explanation), case.chart().terminal(width())))
        }
        Format::Text => session.print(&text(explanation)),
    }
}

fn text(explanation: &Explanation) -> String {
    let Explanation { rule, labels, period, verdict, .. } = explanation;
    let unit = explanation.unit.as_ref();
    let as_known = explanation.as_of.map(|instant| format!(", as it was known at {instant}")).unwrap_or_default();
    let mut lines =
        vec![format!("{rule} on {labels}"), format!("at {}: {}{as_known}", period.in_words(), verdict.name())];
    lines.extend(explanation.kept_back.iter().cloned());
    for gate in &explanation.gates {
        let word = gate.severity.map_or("when", Severity::name);
        lines.push(format!("  {word} {} → {}", gate.text, gate.verdict.name()));
        tree(&gate.reading, unit, 2, &mut lines);
        lines.extend(gate.nearness.iter().map(|nearness| format!("    {}", nearness.in_words)));
    }
    for gate in &explanation.clears {
        let of = gate.severity.map(|severity| format!(" ({severity})")).unwrap_or_default();
        lines.push(format!("  clear{of} {} → {}", gate.text, gate.verdict.name()));
        tree(&gate.reading, unit, 2, &mut lines);
    }
    lines.extend(explanation.levels.iter().map(|level| format!("  {}", level.in_words)));
    lines.push(format!("  receivers: {}", list(&explanation.receivers)));
    let latest = explanation.latest.filter(|latest| latest != period);
    lines.extend(latest.map(|latest| format!("  the latest period is {latest}")));
    lines.push(String::new());
    lines.join("\n")
}

/// One part of the expression, the figures that it read, and its parts below it.
fn tree(part: &ExplainedPart, unit: Option<&Unit>, depth: usize, lines: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    lines.push(format!("{indent}{} = {}", part.text, part.value));
    for figure in &part.figures {
        lines.push(format!("{indent}  · {}", figure.in_words(unit)));
    }
    for item in part.items.iter().take(ITEMS_TOLD) {
        lines.push(format!("{indent}  · {}", printable(&item.in_words)));
    }
    if part.items.len() > ITEMS_TOLD {
        lines.push(format!("{indent}  · and {} more", part.items.len() - ITEMS_TOLD));
    }
    for part in &part.parts {
        tree(part, unit, depth + 1, lines);
    }
}

fn json_of(explanation: &Explanation) -> Json {
    let distances = explanation.levels.iter().filter_map(distance_json);
    json!({
        "rule": explanation.rule, "labels": explanation.labels, "period": explanation.period,
        "as_of": explanation.as_of, "verdict": explanation.verdict,
        "gates": explanation.gates.iter().map(gate_json).collect::<Vec<_>>(),
        "clear": explanation.clears.first().map(gate_json),
        "clears": explanation.clears.iter().map(gate_json).collect::<Vec<_>>(),
        "distances": distances.collect::<Vec<_>>(),
        "held": explanation.held, "suppressed": explanation.suppressed, "kept_quiet": explanation.kept_quiet,
        "not_looked_at": explanation.not_looked_at.iter().map(figure_json).collect::<Vec<_>>(),
        "unit": explanation.unit, "receivers": explanation.receivers, "hash": explanation.hash,
    })
}

fn distance_json(level: &Level) -> Option<Json> {
    let Nearness { period, now, thresholds, .. } = level.nearness.as_ref()?;
    Some(json!({"severity": level.severity, "period": period, "now": now, "thresholds": thresholds}))
}

fn gate_json(gate: &ExplainedGate) -> Json {
    json!({
        "text": gate.text, "severity": gate.severity, "verdict": gate.verdict, "reading": part_json(&gate.reading),
    })
}

fn part_json(part: &ExplainedPart) -> Json {
    json!({
        "text": part.text, "value": part.value,
        "points": part.figures.iter().map(figure_json).collect::<Vec<_>>(),
        "items": part.items.iter().map(item_json).collect::<Vec<_>>(),
        "parts": part.parts.iter().map(part_json).collect::<Vec<_>>(),
    })
}

fn figure_json(figure: &ExplainedFigure) -> Json {
    json!({
        "period": figure.period, "value": figure.value, "status": figure.status,
        "recorded_at": figure.recorded_at, "pull": figure.pull,
    })
}

fn item_json(item: &ExplainedItem) -> Json {
    json!({
        "id": item.id, "title": item.title, "url": item.url, "published": item.published,
        "effective": item.effective, "ends": item.ends, "corrects": item.corrects,
    })
}
