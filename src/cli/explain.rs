//! `explain`: why a rule does or does not fire, with every figure it used.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use serde_json::{Value as Json, json};

use super::chart::{is_terminal, width};
use super::moment::{self, Moment};
use super::{Exit, Format, Session, say};
use crate::alert::{Alert, Hush, State, Topic};
use crate::base::clock::Timestamp;
use crate::base::text::{counted, list, nearest, printable};
use crate::catalogue::Catalogue;
use crate::chart::{Chart, Firing};
use crate::config::Setup;
use crate::inspect::Quiet;
use crate::outbox::notified;
use crate::period::Period;
use crate::rule::roster::Subject;
use crate::rule::{
    Distance, Expr, Gate, Judgement, Reading, Rule, Severity, Side, Threshold, Verdict, bounds, distance, judge,
    next_distance,
};
use crate::series::{AsOf, History, Item, Labels, Notation, Point, Quantity, View};
use crate::store::Store;

/// Values of a label that are told where another was meant, at most.
const LABELS_TOLD: usize = 12;
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

/// Figures in a chart, at most: more is for `backtest`.
const DRAWN: usize = 60;

/// Runs the verb.
pub fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    let setup = session.load()?;
    let rule = known_rule(&setup, &args.rule)?;
    super::runtime()?.block_on(async {
        let store = session.copy(&setup.state).await?;
        let catalogue = Catalogue::new(&setup, &store).await?;
        let mut all = Ok(());
        for subject in matching(&catalogue, rule, &args.labels)? {
            match one(session, &catalogue, &store, rule, &subject, args).await {
                // It was said, and keeps the others from nothing.
                Err(error) if error.is::<Exit>() => all = Err(error),
                ended => ended?,
            }
        }
        all
    })
}

/// The rule of a name, or an error that names the nearest.
pub fn known_rule<'a>(setup: &'a Setup, name: &str) -> anyhow::Result<&'a Rule> {
    if let Some(rule) = setup.rules.iter().find(|rule| rule.name == name) {
        return Ok(rule);
    }
    let names = setup.rules.iter().map(|rule| rule.name.as_str());
    let hint = nearest(name, names.clone()).map(|name| format!("; did you mean `{name}`?"));
    let known = hint.unwrap_or_else(|| format!("; the rules are {}", list(names)));
    say(&format!("error: there is no rule {}{known}", list([name])));
    Err(Exit(2).into())
}

/// What a rule judges that has these labels, or an error that says why there is nothing.
pub fn matching(catalogue: &Catalogue<'_>, rule: &Rule, labels: &[(String, String)]) -> anyhow::Result<Vec<Subject>> {
    let subjects = catalogue.subjects(rule);
    let has = |subject: &&Subject| labels.iter().all(|(name, value)| subject.labels.value(name) == Some(value));
    let found: Vec<Subject> = subjects.iter().filter(has).cloned().collect();
    if !found.is_empty() {
        return Ok(found);
    }
    say(&match (catalogue.len(), subjects.len()) {
        (0, _) => "error: nothing is stored yet: pull the feeds with `supplywatch run --once`".to_owned(),
        (all, 0) => format!("error: rule {} matches none of the {all} series that there are", printable(&rule.name)),
        (_, of_rule) => {
            let kind = if rule.selector.group_by().is_empty() { "series" } else { "groups" };
            let why = labels.iter().find_map(|label| unknown_label(&subjects, label)).unwrap_or_default();
            format!("error: none of the {of_rule} {kind} of rule {} has these labels{why}", printable(&rule.name))
        }
    });
    Err(Exit(super::FAILED).into())
}

/// Of a label that nothing has: what there is instead.
fn unknown_label(subjects: &[Subject], (name, value): &(String, String)) -> Option<String> {
    let all = || subjects.iter().flat_map(|subject| subject.labels.iter());
    let (what, wanted, known): (_, _, BTreeSet<&str>) = match all().any(|(known, _)| known == name) {
        false => ("no label is called", name, all().map(|(known, _)| known).collect()),
        true => {
            let values = all().filter(|(known, _)| known == name).map(|(_, value)| value);
            ("none is in", value, values.collect())
        }
    };
    if known.contains(wanted.as_str()) {
        return None;
    }
    let hint = match nearest(wanted, known.iter().copied()) {
        Some(near) => format!("did you mean `{}`?", printable(near)),
        None => format!("there is {}", list(known.iter().take(LABELS_TOLD))),
    };
    Some(format!(": {what} {}; {hint}", list([wanted])))
}

/// A subject's history, or an error that says why its figures do not fit together.
pub async fn past(catalogue: &Catalogue<'_>, store: &Store, subject: &Subject) -> anyhow::Result<History> {
    catalogue.past(store, subject, None).await?.history.map_err(|misfit| {
        say(&format!("error: {}: {misfit}", subject.labels));
        Exit(super::FAILED).into()
    })
}

async fn one(
    session: &Session,
    catalogue: &Catalogue<'_>,
    store: &Store,
    rule: &Rule,
    subject: &Subject,
    args: &Args,
) -> anyhow::Result<()> {
    let history = past(catalogue, store, subject).await?;
    let zone = catalogue.zone(subject);
    let instant = args.as_of.map(|moment| moment.instant(zone));
    let view =
        history.view(instant.map_or(AsOf::Latest, AsOf::Time)).at(instant.unwrap_or_else(|| session.clock.now()));
    let Some(period) = args.period.or_else(|| rule.seen(view).latest()) else {
        let labels = history.labels();
        say(&match instant {
            Some(_) => format!("nothing was known of {labels} then"),
            None => format!("{labels} has no figure yet; `supplywatch check` says why, where it can"),
        });
        return Ok(());
    };
    if period.frequency() != history.frequency() {
        let (found, by) = (period.frequency(), history.frequency());
        say(&format!("error: {period} is a {found}: {} is by {by}", history.labels()));
        return Err(Exit(2).into());
    }
    let alert = store.alert(&rule.name, &subject.labels).await?.filter(|_| instant.is_none());
    let firing = alert.as_ref().and_then(|alert| match &alert.state {
        State::Firing(firing) => Some(Firing { since: firing.since, until: None }),
        State::Ok => None,
    });
    let receivers = receivers(catalogue.setup(), rule, history.labels());
    let hushes = match instant {
        Some(_) => Vec::new(),
        None => hushes(catalogue.setup(), store, rule, alert.as_ref(), &subject.labels, session.clock.now()).await?,
    };
    let held = alert.and_then(|alert| alert.held);
    let judgement = judge(rule, &view, period);
    let explained = Explained { rule, history: &history, view, judgement, held, hushes, receivers, instant };
    match session.format {
        Format::Json => session.line(&explained.json()),
        Format::Text if args.chart || is_terminal() => {
            session.print(&format!("{}\n{}\n", explained.text(), explained.chart(firing, zone).terminal(width())))
        }
        Format::Text => session.print(&explained.text()),
    }
}

/// Who is told of a rule's alert on a series, at any of its severities.
fn receivers(setup: &Setup, rule: &Rule, labels: &Labels) -> Vec<String> {
    let severities = [Some(rule.severity), rule.worse.as_ref().map(|worse| worse.severity)];
    let mut told: Vec<String> = Vec::new();
    for severity in severities.into_iter().flatten() {
        let names = notified(rule.notify.as_deref(), &setup.routes, &Topic { rule: &rule.name, labels, severity });
        told.extend(names.into_iter().filter(|name| !told.contains(name)).collect::<Vec<_>>());
    }
    told
}

/// What keeps back what a rule has to say, of its alert as it is, or of one that would fire.
async fn hushes(
    setup: &Setup,
    store: &Store,
    rule: &Rule,
    alert: Option<&Alert>,
    labels: &Labels,
    now: Timestamp,
) -> anyhow::Result<Vec<Hush>> {
    let quiet = Quiet::read(setup, store, now).await?;
    Ok(match alert.filter(|alert| alert.is_firing()) {
        Some(alert) => quiet.of(alert),
        None => quiet.of_topic(&Topic { rule: &rule.name, labels, severity: rule.severity }).into_iter().collect(),
    })
}

/// One rule on one series at one period.
struct Explained<'a> {
    rule: &'a Rule,
    history: &'a History,
    view: View<'a>,
    judgement: Judgement,
    /// Why the alert is held as it was.
    held: Option<String>,
    /// What keeps its messages back.
    hushes: Vec<Hush>,
    /// Who is told.
    receivers: Vec<String>,
    /// As it was known then, where another moment than now was asked for.
    instant: Option<Timestamp>,
}

impl Explained<'_> {
    fn text(&self) -> String {
        let Self { rule, history, judgement, .. } = self;
        let as_known = self.instant.map(|instant| format!(", as it was known at {instant}")).unwrap_or_default();
        let mut lines = vec![
            format!("{} on {}", rule.name, history.labels()),
            format!("at {}: {}{as_known}", judgement.period.in_words(), judgement.verdict.name()),
        ];
        lines.extend(self.suppressed());
        for gate in &judgement.gates {
            let word = gate.severity.map_or("when", Severity::name);
            lines.push(format!("  {word} {} → {}", gate.text, gate.verdict.name()));
            tree(&gate.reading, history, 2, &mut lines);
            lines.extend(
                self.gate_distances(gate).iter().map(|distance| format!("    {}", self.told(distance, "holds"))),
            );
        }
        for gate in &judgement.clear {
            let of = gate.severity.map(|severity| format!(" ({severity})")).unwrap_or_default();
            lines.push(format!("  clear{of} {} → {}", gate.text, gate.verdict.name()));
            tree(&gate.reading, history, 2, &mut lines);
        }
        // No figure moves what is said of items.
        let levels = if rule.is_of_items() { Vec::new() } else { self.levels() };
        lines.extend(levels.iter().map(|(severity, gates)| self.near(*severity, gates)));
        lines.push(format!("  receivers: {}", list(&self.receivers)));
        let latest = self.view.latest().filter(|latest| *latest != judgement.period);
        lines.extend(latest.map(|latest| format!("  the latest period is {latest}")));
        lines.push(String::new());
        lines.join("\n")
    }

    /// The figures up to the judged period, with those at which the rule changes.
    fn chart(&self, firing: Option<Firing>, zone: Tz) -> Chart {
        let view = self.rule.seen(self.view);
        let chart = bounds(self.rule, &view, usize::MAX)
            .into_iter()
            .fold(Chart::new(&self.rule.name, &view, zone), Chart::with_line);
        let judged = self.judgement.period;
        let end = view.latest().filter(|latest| judged < *latest).map(|_| judged.last_day());
        chart.with_firing(firing).between(None, end).last(DRAWN)
    }

    /// What keeps the rule from speaking, whatever its figures say.
    fn suppressed(&self) -> Vec<String> {
        let mut lines = Vec::new();
        lines.extend(self.held.as_ref().map(|reason| format!("the alert is held as it was: {reason}")));
        lines.extend(self.hushes.iter().map(|hush| match hush {
            Hush::Acknowledgement { .. } => format!("that it goes on is kept back by {hush}"),
            Hush::Silence { .. } | Hush::Alert { .. } => format!("its messages are kept back by {hush}"),
        }));
        let quiet = self.judgement.kept_quiet();
        if let (Some(min_base), true) = (&self.rule.min_base, quiet > 0) {
            lines.push(format!("min_base {min_base} keeps {} quiet", counted(quiet, "measure")));
        }
        let hidden = self.rule.seen(self.view).hidden();
        let told: Vec<String> = hidden.iter().map(|point| figure(point, self.history)).collect();
        if !told.is_empty() {
            lines.push(format!("only final figures count; not looked at: {}", told.join(", ")));
        }
        lines
    }

    /// The gates of each severity.
    fn levels(&self) -> Vec<(Option<Severity>, &[Expr])> {
        match &self.rule.worse {
            None => vec![(None, &self.rule.when)],
            Some(worse) => vec![(Some(self.rule.severity), &self.rule.when), (Some(worse.severity), &worse.when)],
        }
    }

    /// How many gates hold, and how far all of them together are from changing.
    fn near(&self, severity: Option<Severity>, gates: &[Expr]) -> String {
        let of_level = self.judgement.gates.iter().filter(|gate| gate.severity == severity);
        let hold = of_level.filter(|gate| gate.verdict == Verdict::Holds).count();
        let verb = severity.map_or_else(|| "fires".to_owned(), |severity| format!("is {severity}"));
        let count = match gates.len() {
            1 => String::new(),
            all => format!("{hold} of {all} gates hold; "),
        };
        let told: Vec<String> = self.distances(gates).iter().map(|distance| self.told(distance, &verb)).collect();
        let told = if told.is_empty() {
            format!("neither the figure of {} nor the next alone changes it", self.judgement.period)
        } else {
            told.join("; ")
        };
        format!("  {count}{told}")
    }

    fn gate_distances(&self, gate: &Gate) -> Vec<Distance> {
        // Of a single gate, the rule's own line says it.
        let of_level = self.levels().into_iter().find(|(severity, _)| *severity == gate.severity);
        let gates = of_level.map(|(_, gates)| gates).filter(|gates| gates.len() > 1).unwrap_or_default();
        let same = gates.iter().find(|expr| expr.text() == gate.text);
        same.map(|expr| self.distances(std::slice::from_ref(expr))).unwrap_or_default()
    }

    /// By the judged period's figure; where that changes nothing, by the next one's.
    fn distances(&self, gates: &[Expr]) -> Vec<Distance> {
        let period = self.judgement.period;
        let now = distance(self.rule, gates, &self.view, period);
        now.or_else(|| next_distance(self.rule, gates, &self.view, period)).into_iter().collect()
    }

    /// `fires below 41 200 t, now 43 900 t`.
    fn told(&self, distance: &Distance, verb: &str) -> String {
        let quantity = |value: f64| Quantity { value, unit: self.history.unit().cloned() }.to_string();
        let side = |threshold: &Threshold| format!("{} {}", threshold.holds.name(), quantity(threshold.value));
        let sides: Vec<String> = distance.thresholds.iter().map(side).collect();
        let both = matches!(distance.thresholds[..], [a, b] if a.holds == Side::Above && b.holds == Side::Below);
        let sides = sides.join(if both { " and " } else { " or " });
        match distance.now {
            Some(now) => format!("{verb} {sides}, now {}", quantity(now)),
            None => format!("{verb} in {} {sides}", distance.period),
        }
    }

    fn json(&self) -> Json {
        let Self { rule, history, judgement, .. } = self;
        let distances = self.levels().into_iter().flat_map(|(severity, gates)| {
            self.distances(gates).into_iter().map(move |distance| distance_json(severity, &distance))
        });
        json!({
            "rule": rule.name, "labels": history.labels(), "period": judgement.period,
            "as_of": self.instant, "verdict": judgement.verdict.name(),
            "gates": judgement.gates.iter().map(gate_json).collect::<Vec<_>>(),
            "clear": judgement.clear.first().map(gate_json),
            "clears": judgement.clear.iter().map(gate_json).collect::<Vec<_>>(),
            "distances": distances.collect::<Vec<_>>(),
            "held": self.held, "suppressed": self.hushes, "kept_quiet": judgement.kept_quiet(),
            "not_looked_at": rule.seen(self.view).hidden().iter().map(point_json).collect::<Vec<_>>(),
            "unit": history.unit().map(ToString::to_string), "receivers": self.receivers, "hash": rule.hash,
        })
    }
}

fn distance_json(severity: Option<Severity>, distance: &Distance) -> Json {
    let thresholds =
        distance.thresholds.iter().map(|threshold| json!({"fires": threshold.holds, "value": threshold.value}));
    json!({
        "severity": severity, "period": distance.period, "now": distance.now,
        "thresholds": thresholds.collect::<Vec<_>>(),
    })
}

/// One part of the expression, the figures that it read, and its parts below it.
fn tree(reading: &Reading, history: &History, depth: usize, lines: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    lines.push(format!("{indent}{} = {}", reading.text, reading.words(&Notation::default())));
    for point in &reading.points {
        lines.push(format!("{indent}  · {}", figure(point, history)));
    }
    for known in reading.items.iter().take(ITEMS_TOLD) {
        lines.push(format!("{indent}  · {}", printable(&known.item.in_words())));
    }
    if reading.items.len() > ITEMS_TOLD {
        lines.push(format!("{indent}  · and {} more", reading.items.len() - ITEMS_TOLD));
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
        count => format!(", {} before it", counted(count, "vintage")),
    };
    format!("{} {value}{unit} ({}, known since {}{revised})", point.span, point.status, point.recorded_at)
}

fn gate_json(gate: &Gate) -> Json {
    json!({
        "text": gate.text, "severity": gate.severity, "verdict": gate.verdict.name(),
        "reading": reading_json(&gate.reading),
    })
}

fn point_json(point: &Point) -> Json {
    json!({
        "period": point.span, "value": point.value, "status": point.status,
        "recorded_at": point.recorded_at, "pull": point.pull,
    })
}

fn item_json(item: &Item) -> Json {
    json!({
        "id": item.id, "title": item.title, "url": item.url, "published": item.day, "effective": item.effective,
        "ends": item.ends, "corrects": item.corrects,
    })
}

fn reading_json(reading: &Reading) -> Json {
    let points = reading.points.iter().map(point_json);
    json!({
        "text": reading.text, "value": reading.words(&Notation::default()), "points": points.collect::<Vec<_>>(),
        "items": reading.items.iter().map(|known| item_json(&known.item)).collect::<Vec<_>>(),
        "parts": reading.parts.iter().map(reading_json).collect::<Vec<_>>(),
    })
}
