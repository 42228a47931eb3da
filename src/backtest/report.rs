//! What replays came to, for people and for programs.
//!
//! Everything here is a pure function of the replays; where it is written is not its business.

use serde_json::{Value as Json, json};

use super::knowledge::{Basis, Origin, Vintages};
use super::replay::{Replay, Row, Told};
use super::score::Score;
use super::sweep::Swept;
use crate::alert::Kind;
use crate::base::table::table;
use crate::base::text::{counted, printable};
use crate::chart::Chart;
use crate::rule::Rule;
use crate::series::number::{number, percent_plain};

/// All that is to be told of one rule.
#[derive(Debug)]
pub struct Report {
    /// The rule's name.
    pub rule: String,
    /// Its condition.
    pub when: String,
    /// What became of its alerts, series by series.
    pub replays: Vec<Replay>,
    /// Their charts, in the same order; empty where none are wanted.
    pub charts: Vec<Chart>,
    /// How events were foretold, where there are some.
    pub score: Option<Score>,
    /// The threshold that is swept, and what each value comes to; empty without `--sweep`.
    pub swept: Vec<(Swept, Option<Score>)>,
}

impl Report {
    /// A report of a rule.
    pub fn new(rule: &Rule, replays: Vec<Replay>, score: Option<Score>) -> Self {
        Self { rule: rule.name.clone(), when: rule.text(), replays, charts: Vec::new(), score, swept: Vec::new() }
    }
}

/// What is counted over some replays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    series: usize,
    figures: usize,
    missing: usize,
    firing: usize,
    episodes: usize,
    vintages: Vintages,
}

impl Sums {
    fn of<'a>(replays: impl IntoIterator<Item = &'a Replay>) -> Self {
        let mut sums = Self::default();
        for replay in replays {
            let known = replay.rows.iter().filter(|row| row.known.is_some()).count();
            sums.series += 1;
            sums.figures += known;
            sums.missing += replay.rows.len() - known;
            sums.firing += replay.firing_periods();
            sums.episodes += replay.episodes.len();
            sums.vintages = sums.vintages.plus(replay.vintages);
        }
        sums
    }
}

/// For people: each replay with its table, transitions and chart, then the score; or the sweep alone. Charts are
/// so many characters wide.
pub fn text(reports: &[Report], basis: Basis, width: usize) -> String {
    let mut parts = Vec::new();
    for report in reports {
        if report.swept.is_empty() {
            let charts = report.charts.iter().map(Some).chain(std::iter::repeat(None));
            parts.extend(report.replays.iter().zip(charts).map(|(replay, chart)| one(replay, chart, basis, width)));
            parts.extend(report.score.as_ref().map(score_text));
        } else {
            parts.push(swept_text(report, basis));
        }
    }
    parts.join("\n\n")
}

fn one(replay: &Replay, chart: Option<&Chart>, basis: Basis, width: usize) -> String {
    let mut lines = vec![
        format!("{} on {}", printable(&replay.rule), replay.labels),
        format!("when {}", replay.when),
        header(&Sums::of([replay]), basis),
        String::new(),
        rows_text(replay),
    ];
    if !replay.steps.is_empty() {
        lines.extend([String::new(), steps_text(replay)]);
    }
    lines.extend([String::new(), sum_text(replay, chart, width)]);
    lines.join("\n")
}

/// What figures the replay stands on, and since when they count as known.
fn header(sums: &Sums, basis: Basis) -> String {
    let missing =
        if sums.missing > 0 { format!(", {} missing", counted(sums.missing, "period")) } else { String::new() };
    let figures = format!("{}{missing}", counted(sums.figures, "figure"));
    let Vintages { native, reconstructed, unavailable, latest, late } = sums.vintages;
    if basis == Basis::Latest {
        return format!("{figures}; {latest} final: each counts as known on the day after its period");
    }
    let mut told =
        format!("{figures}; vintages: {native} native, {reconstructed} reconstructed, {unavailable} unavailable");
    if late > 0 {
        told.push_str(&format!(
            "\n({late} of the native ones came when they were overdue by the feed's release calendar)"
        ));
    }
    if unavailable > 0 {
        let why = match basis {
            Basis::AsOfRelease => "the feed has no release calendar that says when they came out",
            Basis::Stored | Basis::Latest => {
                "--as-of-release takes when they came out from the feed's release calendar"
            }
        };
        told.push_str(&format!("\n(unavailable: pulled later; they count as known since then: {why})"));
    }
    told
}

fn rows_text(replay: &Replay) -> String {
    let row = |row: &Row| {
        vec![
            row.span.to_string(),
            known_on(replay, row),
            figure(replay, row.then),
            figure(replay, row.now),
            row.said.as_ref().map_or_else(|| "—".to_owned(), told_text),
            told_text(&row.says),
            what_happened(replay, row),
        ]
    };
    let rows: Vec<Vec<String>> = replay.rows.iter().map(row).collect();
    table(&["period", "known on", "value then", "value now", "verdict then", "verdict now", "alert"], &rows)
}

/// The day, with a mark where it is not the publisher's or ours: `~` reconstructed, `≤` unavailable.
fn known_on(replay: &Replay, row: &Row) -> String {
    let Some((at, origin)) = row.known else { return "—".to_owned() };
    let mark = match origin {
        Origin::Native | Origin::Final => "",
        Origin::Reconstructed => "~",
        Origin::Unavailable => "≤",
    };
    format!("{mark}{}", replay.day(at))
}

fn figure(replay: &Replay, value: Option<f64>) -> String {
    let unit = replay.unit.as_ref().map(|unit| format!(" {unit}")).unwrap_or_default();
    value.map_or_else(|| "—".to_owned(), |value| format!("{}{unit}", number(value)))
}

fn told_text(told: &Told) -> String {
    match &told.reason {
        Some(reason) => format!("{} ({reason})", told.verdict),
        None => told.verdict.to_owned(),
    }
}

/// The transitions at a period, or that the alert was held.
fn what_happened(replay: &Replay, row: &Row) -> String {
    let at = replay.steps.iter().filter(|step| step.transition.period == Some(row.span.last()));
    let mut what: Vec<String> = at
        .map(|step| {
            let then = row.known.is_some_and(|(known, _)| known == step.at);
            if then {
                step.transition.kind.to_string()
            } else {
                format!("{} {}", step.transition.kind, replay.day(step.at))
            }
        })
        .collect();
    if row.held.is_some() {
        what.push(if row.firing { "held firing" } else { "held" }.to_owned());
    }
    what.join(", ")
}

fn steps_text(replay: &Replay) -> String {
    let rows: Vec<Vec<String>> = replay
        .steps
        .iter()
        .map(|step| {
            let period = step.transition.period.map(|period| period.to_string()).unwrap_or_default();
            let title =
                if step.told { step.message.title.clone() } else { format!("(not sent) {}", step.message.title) };
            vec![replay.day(step.at).to_string(), period, step.transition.kind.to_string(), title]
        })
        .collect();
    table(&["known on", "period", "transition", "message"], &rows)
}

/// The chart and the sum.
fn sum_text(replay: &Replay, chart: Option<&Chart>, width: usize) -> String {
    let sums = Sums::of([replay]);
    let (episodes, figures) = (counted(sums.episodes, "episode"), counted(sums.figures, "period"));
    let sum = format!("{episodes}, {} of {figures} firing", sums.firing);
    let chart = chart.map(|chart| chart.terminal(width));
    chart.into_iter().chain([sum]).collect::<Vec<_>>().join("\n")
}

fn score_text(score: &Score) -> String {
    let rows: Vec<Vec<String>> = score
        .events
        .iter()
        .map(|foretold| {
            let how = match (foretold.counted, foretold.alarm, foretold.lead_days()) {
                (false, _, _) => "not counted: outside what was replayed".to_owned(),
                (true, Some(alarm), Some(days)) => {
                    format!("hit: known on {alarm}, {} before", counted(usize::try_from(days).unwrap_or(0), "day"))
                }
                (true, _, _) => "missed".to_owned(),
            };
            vec![foretold.event.on.to_string(), foretold.event.name.clone(), how]
        })
        .collect();
    let false_alarms: Vec<String> = score.false_alarms.iter().map(ToString::to_string).collect();
    let days = if false_alarms.is_empty() { String::new() } else { format!(" ({})", false_alarms.join(", ")) };
    let sum = format!(
        "{}, {} missed, {}{days}, {} undecided; precision {}, recall {}, median lead {}",
        counted(score.hits(), "hit"),
        score.missed(),
        counted(score.false_alarms.len(), "false alarm"),
        score.undecided,
        share(score.precision()),
        share(score.recall()),
        score.median_lead().map_or_else(|| "—".to_owned(), |days| format!("{} days", number(days))),
    );
    format!("{}\n{sum}", table(&["event", "name", "foretold"], &rows))
}

fn share(share: Option<f64>) -> String {
    share.map_or_else(|| "—".to_owned(), percent_plain)
}

fn swept_text(report: &Report, basis: Basis) -> String {
    let scored = report.swept.iter().any(|(_, score)| score.is_some());
    let mut header_cells = vec!["threshold", "when", "episodes", "firing", "of"];
    if scored {
        header_cells.extend(["hits", "missed", "false alarms", "precision", "recall", "median lead"]);
    }
    let row = |(swept, score): &(Swept, Option<Score>)| {
        let sums = Sums::of(&swept.replays);
        let when = swept.replays.first().map(|replay| replay.when.clone()).unwrap_or_default();
        let counts = [sums.episodes, sums.firing, sums.figures].map(|count| count.to_string());
        let mut cells = vec![swept.value.clone(), when];
        cells.extend(counts);
        if let Some(score) = score {
            let counts = [score.hits(), score.missed(), score.false_alarms.len()].map(|count| count.to_string());
            cells.extend(counts);
            cells.extend([share(score.precision()), share(score.recall())]);
            cells.push(score.median_lead().map_or_else(|| "—".to_owned(), |days| format!("{} d", number(days))));
        }
        cells
    };
    let rows: Vec<Vec<String>> = report.swept.iter().map(row).collect();
    let sums = report.swept.first().map(|(swept, _)| Sums::of(&swept.replays)).unwrap_or_default();
    let head = format!("{} on {}", printable(&report.rule), format_args!("{} series", sums.series));
    format!("{head}\nwhen {}\n{}\n\n{}", report.when, header(&sums, basis), table(&header_cells, &rows))
}

/// For programs: one object for each transition, then one for the sum.
pub fn json_lines(reports: &[Report], basis: Basis) -> Vec<Json> {
    let mut lines: Vec<Json> = reports.iter().flat_map(|report| &report.replays).flat_map(transition_lines).collect();
    let replays = || reports.iter().flat_map(|report| &report.replays);
    let mut summary = sums_json(&Sums::of(replays()));
    summary["type"] = json!("summary");
    summary["basis"] = json!(basis);
    summary["transitions"] = transitions_json(replays());
    summary["rules"] = reports.iter().map(rule_json).collect();
    lines.push(summary);
    lines
}

fn transition_lines(replay: &Replay) -> impl Iterator<Item = Json> {
    replay.steps.iter().map(|step| {
        json!({
            "type": "transition", "rule": replay.rule, "labels": replay.labels,
            "period": step.transition.period, "known_on": replay.day(step.at).to_string(), "known_at": step.at,
            "transition": step.transition.kind, "severity": step.transition.severity,
            "number": step.transition.number, "episode": step.transition.episode,
            "sent": step.told, "title": step.message.title,
        })
    })
}

fn sums_json(sums: &Sums) -> Json {
    json!({
        "series": sums.series, "figures": sums.figures, "missing": sums.missing,
        "firing_periods": sums.firing, "episodes": sums.episodes, "vintages": sums.vintages,
    })
}

fn transitions_json<'a>(replays: impl Iterator<Item = &'a Replay> + Clone) -> Json {
    let count = |kind: Kind| replays.clone().map(|replay| replay.count(kind)).sum::<usize>();
    Kind::ALL
        .into_iter()
        .map(|kind| (kind.name().to_owned(), json!(count(kind))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn rule_json(report: &Report) -> Json {
    let swept = report.swept.iter().map(|(swept, score)| {
        let mut line = sums_json(&Sums::of(&swept.replays));
        line["value"] = json!(swept.value);
        line["when"] = json!(swept.replays.first().map(|replay| &replay.when));
        line["events"] = json!(score.as_ref().map(score_json));
        line
    });
    json!({
        "rule": report.rule, "when": report.when,
        "series": report.replays.iter().map(series_json).collect::<Vec<_>>(),
        "events": report.score.as_ref().map(score_json),
        "sweep": (!report.swept.is_empty()).then(|| swept.collect::<Vec<_>>()),
    })
}

fn series_json(replay: &Replay) -> Json {
    let mut line = sums_json(&Sums::of([replay]));
    line["labels"] = json!(replay.labels);
    line["transitions"] = transitions_json(std::iter::once(replay));
    line["spans"] = replay
        .episodes
        .iter()
        .map(|episode| {
            json!({
                "episode": episode.number, "since": episode.since, "known_on": replay.day(episode.opened).to_string(),
                "until": episode.ended.map(|end| end.period), "ended_by": episode.ended.map(|end| end.kind),
                "ended_on": episode.ended.map(|end| replay.day(end.at).to_string()),
            })
        })
        .collect();
    line
}

fn score_json(score: &Score) -> Json {
    let events = score.events.iter().map(|foretold| {
        json!({
            "date": foretold.event.on.to_string(), "name": foretold.event.name, "counted": foretold.counted,
            "alarm": foretold.alarm.map(|day| day.to_string()), "lead_days": foretold.lead_days(),
        })
    });
    json!({
        "hits": score.hits(), "missed": score.missed(), "true_alarms": score.true_alarms,
        "false_alarms": score.false_alarms.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "undecided": score.undecided, "precision": score.precision(), "recall": score.recall(),
        "median_lead_days": score.median_lead(), "events": events.collect::<Vec<_>>(),
    })
}

/// For spreadsheets: the tables of all replays as one, or that of the sweeps.
pub fn csv(reports: &[Report]) -> String {
    let mut records: Vec<Vec<String>> = Vec::new();
    if reports.iter().any(|report| !report.swept.is_empty()) {
        records.push(SWEEP_COLUMNS.map(str::to_owned).to_vec());
        records.extend(reports.iter().flat_map(swept_records));
    } else {
        records.push(COLUMNS.map(str::to_owned).to_vec());
        records.extend(reports.iter().flat_map(|report| &report.replays).flat_map(records_of));
    }
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    for record in records {
        // Writing into memory cannot fail.
        let _ = writer.write_record(record);
    }
    writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

const COLUMNS: [&str; 13] = [
    "rule",
    "labels",
    "period",
    "known_on",
    "origin",
    "value_then",
    "value_now",
    "unit",
    "verdict_then",
    "verdict_now",
    "reason",
    "firing",
    "alert",
];

fn records_of(replay: &Replay) -> Vec<Vec<String>> {
    let value = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let record = |row: &Row| {
        vec![
            replay.rule.clone(),
            replay.labels.key(),
            row.span.to_string(),
            row.known.map(|(at, _)| replay.day(at).to_string()).unwrap_or_default(),
            row.known.map(|(_, origin)| origin.name().to_owned()).unwrap_or_default(),
            value(row.then),
            value(row.now),
            replay.unit.as_ref().map(ToString::to_string).unwrap_or_default(),
            row.said.as_ref().map(|told| told.verdict.to_owned()).unwrap_or_default(),
            row.says.verdict.to_owned(),
            row.says.reason.clone().unwrap_or_default(),
            row.firing.to_string(),
            what_happened(replay, row),
        ]
    };
    replay.rows.iter().map(record).collect()
}

const SWEEP_COLUMNS: [&str; 12] = [
    "rule",
    "value",
    "when",
    "episodes",
    "firing_periods",
    "periods",
    "hits",
    "missed",
    "false_alarms",
    "precision",
    "recall",
    "median_lead_days",
];

fn swept_records(report: &Report) -> impl Iterator<Item = Vec<String>> {
    report.swept.iter().map(|(swept, score)| {
        let sums = Sums::of(&swept.replays);
        let when = swept.replays.first().map(|replay| replay.when.clone()).unwrap_or_default();
        let mut record = vec![report.rule.clone(), swept.value.clone(), when];
        record.extend([sums.episodes, sums.firing, sums.figures].map(|count| count.to_string()));
        let of = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
        let counts = |score: &Score| [score.hits(), score.missed(), score.false_alarms.len()].map(|n| n.to_string());
        record.extend(score.as_ref().map_or_else(|| [const { String::new() }; 3], counts));
        let shares = |score: &Score| [score.precision(), score.recall(), score.median_lead()].map(of);
        record.extend(score.as_ref().map_or_else(|| [const { String::new() }; 3], shares));
        record
    })
}
