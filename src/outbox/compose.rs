//! From a transition and its figures to the message that says it.
//!
//! It says in words and figures what the evidence holds, and nothing more; it does not choose who
//! is told.

use std::collections::BTreeMap;

use chrono_tz::Tz;

use super::items::Found;
use super::words;
use super::{
    AlertRef, Evidence, GateLine, MeasureLine, Message, PartLine, PointLine, RevisionLine, Said, TableRow, Voice,
};
use crate::alert::{Cause, Firing, Kind, Transition, alert_id};
use crate::base::text::shorten;
use crate::chart::{self, Chart};
use crate::period::{Frequency, Period, Span};
use crate::rule::{Gate, Judgement, Reading, Rejudged, Rule, Value, Verdict, bounds};
use crate::series::{Gap, Notation, Point, Provenance, Revision, View};

/// What a message is made of. It is told once for each way of speaking.
#[derive(Clone, Debug)]
pub struct Matter<'a> {
    /// What happened.
    pub transition: Transition,
    /// The rule as it judged; `None` where the rule is gone.
    pub rule: Option<&'a Rule>,
    /// What it said.
    pub judgement: Option<Judgement>,
    /// The history as it was judged; `None` where nothing was judged.
    pub view: Option<View<'a>>,
    /// What the episode's opening message said, where it is not this one.
    pub said: Option<Said>,
    /// The known figures that were revised.
    pub revisions: Vec<Revision>,
    /// The older periods on which the rule says something else after these revisions.
    pub rejudged: Option<Rejudged>,
    /// The period at which the episode began.
    pub since: Option<Period>,
    /// What ties the message to others of its alert, where that is not the episode.
    pub thread: Option<String>,
    /// The publisher's zone: days are told by its calendar.
    pub zone: Tz,
}

/// A matter that is being told to somebody.
#[derive(Clone, Copy)]
struct Telling<'a> {
    matter: &'a Matter<'a>,
    voice: &'a Voice,
}

/// How many of the last periods a message's table shows beside those that the rule used.
const TABLE_PERIODS: usize = 6;
/// Rows of a table, at most: the rest of a long window is not for people.
const TABLE_ROWS_MAX: usize = 14;
/// Figures of a chart, at most: three years of months.
const CHART_FIGURES: usize = 36;
/// Revised figures that a message names, at most.
const REVISIONS_MAX: usize = 10;

impl Said {
    /// What an episode's opening message said.
    pub fn new(firing: &Firing, zone: Tz) -> Self {
        Self { at: firing.said_at, on: words::day(firing.said_at, zone), title: firing.said.clone() }
    }
}

impl AlertRef {
    /// The alert of a transition.
    pub fn of(transition: &Transition) -> Self {
        Self {
            id: alert_id(&transition.rule, &transition.labels),
            rule: transition.rule.clone(),
            labels: transition.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            episode: transition.episode,
        }
    }
}

impl Message {
    /// Composes the message of a transition for whoever listens to a voice.
    pub fn compose(matter: &Matter<'_>, voice: &Voice) -> Self {
        let Matter { transition, rule, .. } = matter;
        let telling = Telling { matter, voice };
        let evidence = telling.evidence();
        let (items, items_left_out) = telling.found().map(|found| found.lines()).unwrap_or_default();
        Self {
            alert: AlertRef::of(transition),
            kind: transition.kind,
            number: transition.number,
            severity: transition.severity,
            period: transition.period.map(|period| period.to_string()),
            at: transition.at,
            title: shorten(&telling.title(), 300),
            summary: telling.summary(),
            gates: matter
                .judgement
                .as_ref()
                .map(|judgement| judgement.gates.iter().map(|gate| gate_line(gate, &voice.notation)).collect())
                .unwrap_or_default(),
            table: telling.table(),
            said: matter.said.clone(),
            revisions: telling.revision_lines(),
            clears: telling.clears(),
            sources: telling.sources().into_values().collect(),
            rule_text: rule.map(Rule::text).unwrap_or_default(),
            rule_hash: rule.map(|rule| rule.hash.clone()).unwrap_or_default(),
            program: super::PROGRAM.to_owned(),
            evidence,
            items,
            items_left_out,
            thread: matter.thread.clone(),
            chart: telling.chart(),
            told: None,
            others: Vec::new(),
            url: None,
        }
    }
}

impl<'a> Telling<'a> {
    /// One line: what, where, how much, since when.
    fn title(&self) -> String {
        let subject =
            words::subject(&self.matter.transition.labels, self.matter.rule.and_then(|rule| rule.title.as_deref()));
        if let Some(told) = self.items_title() {
            return format!("{subject}: {told}");
        }
        let figure = self.figure().map(|figure| format!(": {figure}")).unwrap_or_default();
        match (self.matter.transition.kind, self.matter.transition.cause) {
            (Kind::Lapsed, cause) => format!("{subject}: the alert ended because {}", words::cause(cause)),
            (Kind::Resolved, _) => format!("{subject}: {}{figure}", self.end()),
            (Kind::Corrected, _) if self.matter.said.is_some() => {
                format!("{subject}: {} after a revision: {}", self.end(), self.main_revision())
            }
            (Kind::Corrected, _) => format!("{subject}{}, after a revision: {}", self.headline(), self.main_revision()),
            (Kind::Fired | Kind::Continued | Kind::Escalated | Kind::Eased, _) => {
                format!("{subject}{}{figure}", self.headline())
            }
        }
    }

    fn gates(&self) -> &'a [Gate] {
        self.matter.judgement.as_ref().map_or(&[][..], |judgement| judgement.gates.as_slice())
    }

    /// The items that the judgement found, where it found any.
    fn found(&self) -> Option<Found<'a>> {
        let found = Found::new(self.matter.judgement.as_ref()?, self.matter.view?);
        (!found.is_empty()).then_some(found)
    }

    /// What the items say, where the message is about any.
    fn items_title(&self) -> Option<String> {
        let found = self.found()?;
        if self.matter.rule?.awaits_items() {
            let correction = if self.matter.transition.kind == Kind::Corrected { "correction: " } else { "" };
            return Some(format!("{correction}{}", found.title()));
        }
        // What comes into reach while another is there ends later.
        found.end(self.matter.transition.kind == Kind::Continued)
    }

    /// Whether it is about items, which its table and figures only count.
    fn is_of_items(&self) -> bool {
        self.matter.rule.is_some_and(Rule::is_of_items)
    }

    /// What happened, by the first gate that has words for it; else the rule itself.
    fn headline(&self) -> String {
        if let Some(told) = self.example() {
            return told;
        }
        let gates = self.gates();
        // Of two severities, the one that it fires at speaks first.
        let of_severity =
            |gate: &&Gate| gate.severity.is_none_or(|severity| severity == self.matter.transition.severity);
        let (first, others): (Vec<&Gate>, Vec<&Gate>) = gates.iter().partition(of_severity);
        let frequency = self.matter.view.map_or(Frequency::Month, |view| view.history().frequency());
        let told = first
            .into_iter()
            .chain(others)
            .find_map(|gate| crate::rule::headline(gate, frequency, &self.voice.notation));
        let held = self.matter.judgement.as_ref().is_some_and(|judgement| judgement.verdict != Verdict::Holds);
        match (told, self.matter.rule) {
            (Some(told), _) => format!(" {told}"),
            // It goes on firing because `clear` does not hold yet.
            (None, Some(rule)) if held => format!(": still alarming until {}", rule.ends()),
            (None, rule) => format!(": `{}` holds", rule.map(Rule::text).unwrap_or_default()),
        }
    }

    /// What an exercise says of a rule that need not hold.
    fn example(&self) -> Option<String> {
        let (rule, judgement) = (self.matter.rule?, self.matter.judgement.as_ref()?);
        let text = rule.text();
        match judgement.verdict {
            _ if self.matter.transition.kind != Kind::Fired => None,
            Verdict::Holds => None,
            Verdict::Fails => Some(format!(": `{text}` does not hold now, this is an example")),
            Verdict::Unknown(_) => Some(format!(": whether `{text}` holds is unknown now, this is an example")),
        }
    }

    /// How it ended.
    fn end(&self) -> String {
        match self.matter.rule {
            Some(rule) => rule.ends(),
            None => "the rule is gone".to_owned(),
        }
    }

    /// `420.5 t in September 2025, −28.7 %`.
    fn figure(&self) -> Option<String> {
        let period = self.matter.transition.period.filter(|_| !self.is_of_items())?;
        let point = self.point_of(period)?;
        let told = format!("{} {}", self.figure_of(Some(point)), words::when(point.span));
        let change = self.change(point).filter(|_| !self.headline().contains('%'));
        Some(change.map_or_else(|| told.clone(), |change| format!("{told}, {change}")))
    }

    fn point_of(&self, period: Period) -> Option<Point> {
        let view = self.matter.view?;
        view.point(period).ok().or_else(|| view.points().find(|point| point.span.last() == period))
    }

    /// The change of a figure on its neighbour before, in words.
    fn change(&self, point: Point) -> Option<String> {
        let view = self.matter.view?;
        let neighbour = if point.span.is_single() { point.span.last() } else { point.span.first() };
        let before = view.previous(neighbour).ok()?;
        (before.value > 0.0).then(|| self.voice.notation.percent(point.value / before.value - 1.0))
    }

    /// A sentence or two: what is now, and since when it is known and firing.
    fn summary(&self) -> String {
        let mut sentences = Vec::new();
        sentences.extend(self.found().map(|found| found.summary()));
        sentences.extend(self.course());
        sentences.extend(self.parts());
        sentences.extend(self.known_since());
        if let Some(since) = self.matter.since.filter(|since| Some(*since) != self.matter.transition.period) {
            sentences.push(format!("Firing since {}.", since.in_words()));
        }
        sentences.extend(self.matter.rejudged.map(|rejudged| format!("A revision changed the verdict on {rejudged}.")));
        if self.matter.rule.is_some_and(|rule| rule.final_only) {
            sentences.push("Preliminary and estimated figures are not looked at.".to_owned());
        }
        match self.matter.transition.cause {
            Cause::RuleAdded => sentences.push("The rule looks at this series for the first time.".to_owned()),
            Cause::TimePassed => sentences.push("Nothing new was published.".to_owned()),
            Cause::Published | Cause::Revised | Cause::RuleRemoved | Cause::RuleEdited | Cause::SeriesGone => {}
        }
        sentences.join(" ")
    }

    /// `July 2025 619 t, August 2025 590 t, September 2025 420.5 t.`
    fn course(&self) -> Option<String> {
        let points = self.used();
        let skipped = points.len().saturating_sub(4);
        let told: Vec<String> = points
            .iter()
            .skip(skipped)
            .map(|point| format!("{} {}", point.span.in_words(), self.figure_of(Some(*point))))
            .collect();
        (!told.is_empty()).then(|| format!("{}.", told.join(", ")))
    }

    /// `By parts: China 350 t (71 %), Malaysia 143 t (29 %).` of the first measure of a group's members.
    fn parts(&self) -> Option<String> {
        let (gates, notation) = (self.gates(), &self.voice.notation);
        let measures = gates.iter().flat_map(|gate| gate.reading.measures());
        let parts = measures.map(Reading::members).find(|parts| !parts.is_empty())?;
        let parts: Vec<PartLine> = parts.iter().filter_map(|part| part_line(part, notation)).collect();
        let total: f64 = parts.iter().map(|part| part.value).sum();
        let told = |part: &PartLine| match part.value / total {
            share if share.is_finite() => format!("{} {} ({})", part.name, part.words, notation.percent_plain(share)),
            _ => format!("{} {}", part.name, part.words),
        };
        Some(format!("By parts: {}.", parts.iter().map(told).collect::<Vec<_>>().join(", ")))
    }

    fn known_since(&self) -> Option<String> {
        let newest = self.used().into_iter().map(|point| point.recorded_at).max()?;
        Some(format!("Known since {}.", words::day(newest, self.matter.zone)))
    }

    /// `September 2025 is now 600 t, was 420.5 t`.
    fn main_revision(&self) -> String {
        let used = self.used();
        let latest = self.matter.revisions.iter().rev();
        let main = latest.clone().find(|revision| used.iter().any(|point| point.span == revision.span));
        let Some(revision) = main.or_else(|| self.matter.revisions.last()) else {
            return "a known figure changed".to_owned();
        };
        let span = revision.span.in_words();
        match (revision.old, revision.new) {
            (old, Some(_)) => {
                let before = if old.is_some() { "" } else { " before" };
                format!("{span} is now {}, was {}{before}", self.figure_of(revision.new), self.figure_of(old))
            }
            (old, None) => format!("{span} was withdrawn, was {}", self.figure_of(old)),
        }
    }

    /// A figure with its unit; one side of a revision may have none.
    fn figure_of(&self, point: Option<Point>) -> String {
        let unit = self.matter.view.and_then(|view| view.history().unit());
        point.map_or_else(|| "withdrawn".to_owned(), |point| self.voice.notation.quantity(point.value, unit))
    }

    fn revision_lines(&self) -> Vec<RevisionLine> {
        let line = |revision: &Revision| RevisionLine {
            period: revision.span.to_string(),
            old: self.figure_of(revision.old),
            new: self.figure_of(revision.new),
            known_since: revision.recorded_at,
            known_on: revision.recorded_at.date(self.matter.zone).to_string(),
        };
        let skipped = self.matter.revisions.len().saturating_sub(REVISIONS_MAX);
        self.matter.revisions.iter().skip(skipped).map(line).collect()
    }

    fn clears(&self) -> Option<String> {
        let rule = self.matter.rule?;
        let open = matches!(self.matter.transition.kind, Kind::Fired | Kind::Continued | Kind::Escalated | Kind::Eased)
            || (self.matter.transition.kind == Kind::Corrected && self.matter.said.is_none());
        let stands = !rule.awaits_items();
        (open && stands).then(|| format!("ends when {}", rule.ends()))
    }

    /// The figures that the judgement used, oldest first.
    fn used(&self) -> Vec<Point> {
        let gates = self.gates();
        let mut points: Vec<Point> = gates.iter().flat_map(|gate| gate.reading.all_points()).collect();
        points.sort_by_key(|point| point.span);
        points.dedup_by_key(|point| point.span);
        points
    }

    /// The last periods and those that the judgement used, oldest first, gaps among the last shown as such.
    fn table(&self) -> Vec<TableRow> {
        let (Some(view), Some(period)) =
            (self.matter.view.filter(|_| !self.is_of_items()), self.matter.transition.period)
        else {
            return Vec::new();
        };
        let mut rows: BTreeMap<Span, Option<Point>> = BTreeMap::new();
        let used = self.used();
        let skipped = used.len().saturating_sub(TABLE_ROWS_MAX - TABLE_PERIODS);
        rows.extend(used.into_iter().skip(skipped).map(|point| (point.span, Some(point))));
        for (span, point) in last_periods(view, period) {
            rows.insert(span, point);
        }
        rows.into_iter().map(|(span, point)| self.row(view, span, point)).collect()
    }

    fn row(&self, view: View<'_>, span: Span, point: Option<Point>) -> TableRow {
        let revision = self.matter.revisions.iter().find(|revision| revision.span == span);
        let note = revision.map(|revision| {
            let withdrawn = if revision.new.is_none() { "withdrawn, " } else { "" };
            format!(
                "{withdrawn}was {} until {}",
                self.figure_of(revision.old),
                words::day(revision.recorded_at, self.matter.zone)
            )
        });
        let absent = || match view.point(span.last()) {
            Err(Gap::Withdrawn(_)) => "withdrawn".to_owned(),
            _ => "not published".to_owned(),
        };
        TableRow {
            period: span.to_string(),
            value: point.map_or_else(|| "—".to_owned(), |point| self.figure_of(Some(point))),
            change: point.and_then(|point| self.change(point)),
            status: point
                .filter(|point| point.status != crate::series::Status::Final)
                .map(|point| point.status.to_string()),
            known_since: point.map(|point| point.recorded_at),
            known_on: point.map(|point| point.recorded_at.date(self.matter.zone).to_string()),
            note: note.or_else(|| point.is_none().then(absent)),
        }
    }

    /// Where the figures of the table came from, by pull.
    fn sources(&self) -> BTreeMap<crate::series::PullId, Provenance> {
        let Some(view) = self.matter.view else { return BTreeMap::new() };
        let origins = self.used().into_iter().flat_map(|point| view.history().origins(&point));
        let pulls = origins.chain(self.matter.transition.pull);
        pulls.filter_map(|pull| Some((pull, view.history().provenance(pull)?.clone()))).collect()
    }

    /// The last figures with the rule's bounds and the periods at which it fires, for whoever shows a picture.
    fn chart(&self) -> Option<Chart> {
        let view = self.matter.view.filter(|_| self.voice.chart && !self.is_of_items())?;
        let rule = self.matter.rule?;
        let title = words::subject(&self.matter.transition.labels, rule.title.as_deref());
        let chart = bounds(rule, &view, CHART_FIGURES)
            .into_iter()
            .fold(Chart::new(&title, &view, self.matter.zone), Chart::with_line)
            .with_firing(self.firing())
            .last(CHART_FIGURES)
            .told_in(&self.voice.notation);
        chart.has_figures().then_some(chart)
    }

    /// The periods at which it fires, or fired until now.
    fn firing(&self) -> Option<chart::Firing> {
        let (since, period) = (self.matter.since?, self.matter.transition.period?);
        let until = match self.matter.transition.kind {
            Kind::Fired | Kind::Continued | Kind::Escalated | Kind::Eased => None,
            Kind::Corrected => self.matter.said.is_some().then_some(period),
            Kind::Resolved | Kind::Lapsed => Some(period.previous()),
        };
        Some(chart::Firing { since, until })
    }

    fn evidence(&self) -> Evidence {
        let sources: Vec<crate::series::PullId> = self.sources().into_keys().collect();
        let (gates, notation) = (self.gates(), &self.voice.notation);
        let measures = gates.iter().flat_map(|gate| gate.reading.measures()).map(|reading| MeasureLine {
            text: reading.text.clone(),
            value: finite(&reading.value),
            words: reading.words(notation),
            parts: reading.members().iter().filter_map(|part| part_line(part, notation)).collect(),
        });
        let point_line = |point: Point| PointLine {
            period: point.span.to_string(),
            value: point.value,
            status: point.status.name().to_owned(),
            recorded_at: point.recorded_at,
            source: sources.iter().position(|pull| *pull == point.pull),
        };
        Evidence {
            unit: self.matter.view.and_then(|view| view.history().unit()).map(ToString::to_string),
            measures: measures.collect(),
            points: self.used().into_iter().map(point_line).collect(),
        }
    }
}

/// A gate with the values of its measures: `declines = 2`.
fn gate_line(gate: &Gate, notation: &Notation) -> GateLine {
    GateLine {
        severity: gate.severity,
        text: gate.text.clone(),
        verdict: gate.verdict.name().to_owned(),
        value: gate.values(notation),
    }
}

fn part_line(part: &Reading, notation: &Notation) -> Option<PartLine> {
    let value = finite(&part.value)?;
    Some(PartLine { name: part.text.clone(), value, words: part.words(notation) })
}

fn finite(value: &Value) -> Option<f64> {
    match value {
        Value::Ratio(value)
        | Value::Quantity(value, _)
        | Value::Count(value)
        | Value::Time(value)
        | Value::AtLeast(value, _) => value.is_finite().then_some(*value),
        Value::Truth(_) | Value::Unknown(_) => None,
    }
}

/// The last periods until one, gaps included; in a daily series, the last observations.
fn last_periods(view: View<'_>, period: Period) -> Vec<(Span, Option<Point>)> {
    if view.history().frequency() == Frequency::Day {
        let upto = view.points().rev().filter(|point| point.span.last() <= period);
        return upto.take(TABLE_PERIODS).map(|point| (point.span, Some(point))).collect();
    }
    let earliest = view.earliest().unwrap_or(period);
    let offset = i32::try_from(TABLE_PERIODS).unwrap_or(1) - 1;
    let mut rows = Vec::new();
    let mut at = period.offset(-offset).max(earliest);
    while at <= period {
        rows.push(match view.point(at) {
            Ok(point) => (point.span, Some(point)),
            Err(Gap::Combined(_, span)) => (span, view.exactly(span)),
            Err(_) => (at.into(), None),
        });
        at = at.next();
    }
    rows
}
