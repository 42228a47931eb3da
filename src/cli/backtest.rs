//! `backtest`: what a rule would have sent, as the figures were known then.

use std::path::PathBuf;

use chrono_tz::Tz;

use super::chart::{Picture, width};
use super::explain::known_rule;
use super::progress::Bar;
use super::{Exit, FAILED, Format, Session, USAGE, say};
use crate::backtest::{
    Basis, Event, Knowledge, Range, Replay, Report, Sweep, csv, json_lines, picture, rate, read_events, replays, sweep,
    text,
};
use crate::base::error::Chain;
use crate::base::text::printable;
use crate::catalogue::Catalogue;
use crate::chart::Chart;
use crate::config::Setup;
use crate::period::{Length, LengthUnit, Period};
use crate::rule::{Rule, Subject};
use crate::store::Store;

/// Replay a rule over the stored history, as the figures were known then
///
/// The rule is judged at every moment at which a figure became known, by the same code as in `run`, with
/// nothing of what came later. See docs/BACKTEST.md.
#[derive(clap::Args, Debug)]
#[command(group = clap::ArgGroup::new("what").args(["rule", "all"]).required(true))]
pub struct Args {
    /// The rule's name
    rule: Option<String>,
    /// Only series with these labels, such as partner=US
    #[arg(value_name = "LABEL=VALUE", value_parser = super::parse_label, requires = "rule")]
    labels: Vec<(String, String)>,
    /// All rules
    #[arg(long)]
    all: bool,
    /// The first period to report, such as 2024-01 or 2024
    #[arg(long, value_name = "PERIOD", value_parser = period)]
    from: Option<Period>,
    /// The last period to report
    #[arg(long, value_name = "PERIOD", value_parser = period)]
    to: Option<Period>,
    /// Judge the latest figures, period by period, whenever they became known
    #[arg(long, conflicts_with = "as_of_release")]
    latest: bool,
    /// Take when a figure that was pulled belatedly came out from the feed's release calendar
    #[arg(long)]
    as_of_release: bool,
    /// Hold alarms against the events of a CSV file of date and name
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// For how long an alarm speaks at least, in days or weeks
    #[arg(long, value_name = "TIME", value_parser = days, default_value = "90d")]
    window: u32,
    /// Try other values of a threshold, such as declines=1,2,3
    #[arg(long, value_name = "NAME=a,b,c", value_parser = |text: &str| Sweep::parse(text), conflicts_with = "all")]
    sweep: Option<Sweep>,
    /// Draw each series with what fires into a picture, one below the other
    #[arg(long, value_name = "FILE.svg|.png", value_parser = Picture::parse, conflicts_with = "sweep")]
    chart: Option<Picture>,
}

fn period(text: &str) -> Result<Period, String> {
    Period::parse(text).map_err(|error| error.to_string())
}

fn days(text: &str) -> Result<u32, String> {
    match Length::parse(text) {
        Some(Length { count, unit: LengthUnit::Day }) => Ok(count),
        Some(Length { count, unit: LengthUnit::Week }) => Ok(count * 7),
        Some(_) | None => Err("expected days or weeks, such as 90d or 12w".to_owned()),
    }
}

/// Runs the verb.
pub fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    let events = args.events.as_ref().map(events).transpose()?;
    in_order(args.from, args.to)?;
    let setup = session.load()?;
    let rules: Vec<&Rule> = match &args.rule {
        Some(name) => vec![known_rule(&setup, name)?],
        None => setup.rules.iter().collect(),
    };
    let rules = of_figures(rules)?;
    let basis = match (args.latest, args.as_of_release) {
        (true, _) => Basis::Latest,
        (false, true) => Basis::AsOfRelease,
        (false, false) => Basis::Stored,
    };
    let pasts = super::runtime()?.block_on(async {
        let store = session.copy(&setup.state).await?;
        let mut pasts = Vec::new();
        for rule in with_series(&store, &setup, args.all, rules).await? {
            pasts.push((rule, past(session, (&store, &setup), rule, &args.labels, basis).await?));
        }
        anyhow::Ok(pasts)
    })?;
    let reports = reports(session, args, pasts, events.as_deref())?;
    match session.format {
        _ if session.csv => session.print(csv(&reports).trim_end())?,
        Format::Text => session.print(&text(&reports, basis, width()))?,
        Format::Json => json_lines(&reports, basis).iter().try_for_each(|line| session.line(line))?,
    }
    let charts: Vec<Chart> = reports.into_iter().flat_map(|report| report.charts).collect();
    args.chart.as_ref().map_or(Ok(()), |picture| picture.write(&charts))
}

/// Leaves out the rules about items, and says so; refuses where that leaves none.
fn of_figures(rules: Vec<&Rule>) -> anyhow::Result<Vec<&Rule>> {
    let (of_items, of_figures): (Vec<&Rule>, Vec<&Rule>) = rules.into_iter().partition(|rule| rule.is_of_items());
    let word = if of_figures.is_empty() { "error" } else { "warning" };
    for rule in &of_items {
        let name = printable(&rule.name);
        say(&format!(
            "{word}: rule {name} is about items, and a backtest replays figures; `supplywatch explain {name}` shows the \
             items that it found last, `supplywatch dry-run` those that it would tell now"
        ));
    }
    if of_figures.is_empty() && !of_items.is_empty() { Err(Exit(FAILED).into()) } else { Ok(of_figures) }
}

/// Refuses a range that ends before it begins.
fn in_order(from: Option<Period>, to: Option<Period>) -> anyhow::Result<()> {
    match from.zip(to) {
        Some((from, to)) if from.first_day() > to.last_day() => {
            say(&format!("error: --from {from} is after --to {to}"));
            Err(Exit(USAGE).into())
        }
        Some(_) | None => Ok(()),
    }
}

/// Of all rules those that have series, unless none has any; the others are said.
async fn with_series<'a>(
    store: &Store,
    setup: &Setup,
    all: bool,
    rules: Vec<&'a Rule>,
) -> anyhow::Result<Vec<&'a Rule>> {
    let catalogue = Catalogue::new(setup, store).await?;
    let (some, none): (Vec<&Rule>, Vec<&Rule>) = rules.iter().partition(|rule| !catalogue.subjects(rule).is_empty());
    if !all || some.is_empty() {
        return Ok(rules);
    }
    for rule in none {
        say(&format!(
            "warning: rule {} matches none of the {} series that there are",
            printable(&rule.name),
            catalogue.len()
        ));
    }
    Ok(some)
}

/// What was known when of every series that a rule means, and that nothing more is until now.
async fn past(
    session: &Session,
    (store, setup): (&Store, &Setup),
    rule: &Rule,
    labels: &[(String, String)],
    basis: Basis,
) -> anyhow::Result<Vec<(Knowledge, Tz)>> {
    let catalogue = Catalogue::new(setup, store).await?;
    let subjects = super::explain::matching(&catalogue, rule, labels)?;
    let mut past = Vec::new();
    for subject in &subjects {
        let history = match catalogue.past(store, subject, None).await?.history {
            Ok(history) => history,
            Err(misfit) => {
                say(&format!("warning: {} is left out: {misfit}", subject.labels));
                continue;
            }
        };
        let zone = catalogue.zone(subject);
        let knowledge = Knowledge::new(&history, basis, history.release(), zone);
        past.push((knowledge.until(session.clock.now()), zone));
    }
    Ok(past)
}

type Past<'a> = (&'a Rule, Vec<(Knowledge, Tz)>);

fn reports(
    session: &Session,
    args: &Args,
    pasts: Vec<Past<'_>>,
    events: Option<&[Event]>,
) -> anyhow::Result<Vec<Report>> {
    let range = Range::new(args.from, args.to);
    let each = args.sweep.as_ref().map_or(1, |sweep| 1 + sweep.values.len());
    let bar = Bar::new(each * pasts.iter().map(|(_, histories)| histories.len()).sum::<usize>());
    let today = args.to.is_none().then(|| session.clock.now().date(chrono_tz::UTC));
    let scored = |replays: &[Replay]| events.map(|events| rate(replays, events, args.window, today));
    let is_text = session.format == Format::Text && !session.csv && args.sweep.is_none();
    let draws = is_text || args.chart.is_some();
    let (mut reports, mut extents) = (Vec::new(), Vec::new());
    for (rule, histories) in &pasts {
        let replays = replays(rule, histories, range, || bar.step());
        extents.extend(replays.iter().filter_map(|replay| replay.extent));
        let (known, replays): (Vec<&Knowledge>, Vec<Replay>) = histories
            .iter()
            .zip(replays)
            .filter(|(_, replay)| !replay.rows.is_empty())
            .map(|((knowledge, _), replay)| (knowledge, replay))
            .unzip();
        let drawn = known.iter().zip(&replays).filter(|_| draws);
        let charts = drawn.map(|(knowledge, replay)| picture(rule, knowledge, replay, range)).collect();
        let score = scored(&replays);
        let mut report = Report { charts, ..Report::new(rule, replays, score) };
        if let Some(wanted) = &args.sweep {
            let swept = sweep(&swept_rules(wanted, rule, histories)?, histories, range, || bar.step());
            report.swept =
                swept.into_iter().map(|swept| (scored(&swept.replays), swept)).map(|(a, b)| (b, a)).collect();
        }
        reports.push(report);
    }
    bar.finish();
    let series = reports.iter().map(|report| report.replays.len()).sum();
    args.chart.as_ref().map_or(Ok(()), |picture| picture.holds(series))?;
    if reports.iter().all(|report| report.replays.is_empty()) {
        say(&format!("error: {}", nothing_in_range(&extents)));
        return Err(Exit(FAILED).into());
    }
    Ok(reports)
}

fn swept_rules(sweep: &Sweep, rule: &Rule, histories: &[(Knowledge, Tz)]) -> anyhow::Result<Vec<(String, Rule)>> {
    let subject = histories.first().map(|(knowledge, _)| Subject {
        frequency: knowledge.history().frequency(),
        unit: Some(knowledge.history().unit().cloned()),
    });
    sweep.rules(rule, subject.as_ref()).map_err(|error| {
        say(&format!("error: --sweep: {error}"));
        Exit(USAGE).into()
    })
}

fn nothing_in_range(extents: &[(Period, Period)]) -> String {
    let first = extents.iter().map(|(first, _)| *first).min_by_key(|period| period.first_day());
    let last = extents.iter().map(|(_, last)| *last).max_by_key(|period| period.last_day());
    match first.zip(last) {
        Some((first, last)) => format!("there is no figure in this range: the stored ones are from {first} to {last}"),
        None => "the series that the rule means have no figures".to_owned(),
    }
}

fn events(path: &PathBuf) -> anyhow::Result<Vec<Event>> {
    let refused = |why: String| {
        say(&format!("error: --events {}: {why}", printable(&path.display().to_string())));
        anyhow::Error::from(Exit(USAGE))
    };
    let unread = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::InvalidData => "it is no text in UTF-8".to_owned(),
        _ => error.to_string(),
    };
    let text = std::fs::read_to_string(path).map_err(|error| refused(unread(error)))?;
    read_events(&text).map_err(|error| refused(Chain(&error).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_in_days() {
        assert_eq!((days("90d"), days("2w")), (Ok(90), Ok(14)));
        assert!(days("3mo").is_err() && days("90").is_err());
    }

    #[test]
    fn a_range_without_figures_says_which_there_are() {
        let period = |text: &str| Period::parse(text).unwrap();
        let extents = [(period("2025-01"), period("2025-06")), (period("2024-12-30"), period("2025-02-01"))];
        assert_eq!(
            nothing_in_range(&extents),
            "there is no figure in this range: the stored ones are from 2024-12-30 to 2025-06"
        );
        assert_eq!(nothing_in_range(&[]), "the series that the rule means have no figures");
    }
}
