//! `record`: a scenario from the stored history.

use std::path::PathBuf;

use super::explain::{known_rule, matching};
use super::{Exit, FAILED, Format, Session, USAGE, say};
use crate::backtest::{Basis, Knowledge};
use crate::base::text::{counted, printable};
use crate::catalogue::Catalogue;
use crate::config::Setup;
use crate::rule::Rule;
use crate::rule::roster::Subject;
use crate::scenario::{Series, Stage, write};
use crate::series::History;
use crate::store::Store;

/// Write scenarios from the stored history: the figures as they became known, and what the rule sent
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The rule's name
    rule: String,
    /// Only series with these labels, such as partner=US
    #[arg(value_name = "LABEL=VALUE", value_parser = super::parse_label)]
    labels: Vec<(String, String)>,
    /// The file to write, such as rules/magnets.test.toml [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite the file
    #[arg(long, requires = "output")]
    force: bool,
    /// Take when a figure that was pulled belatedly came out from the feed's release calendar
    #[arg(long)]
    as_of_release: bool,
}

/// Runs the verb.
pub fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    let setup = session.load()?;
    let rule = known_rule(&setup, &args.rule)?;
    let scenarios = super::runtime()?.block_on(async {
        let store = session.copy(&setup.state).await?;
        let catalogue = Catalogue::new(&setup, &store).await?;
        let mut scenarios = Vec::new();
        for subject in matching(&catalogue, rule, &args.labels)? {
            scenarios.push(one(session, &catalogue, &store, (&setup, rule), &subject, args).await?);
        }
        anyhow::Ok(scenarios)
    })?;
    let text = scenarios.join("\n");
    match &args.output {
        None => session.print(text.trim_end()),
        Some(path) => put(session, path, &text, args.force, scenarios.len()),
    }
}

/// The scenario of one alert: all stored figures that it comes from, as they became known.
async fn one(
    session: &Session,
    catalogue: &Catalogue<'_>,
    store: &Store,
    (setup, rule): (&Setup, &Rule),
    subject: &Subject,
    args: &Args,
) -> anyhow::Result<String> {
    let basis = if args.as_of_release { Basis::AsOfRelease } else { Basis::Stored };
    let series = |history: &History| {
        let feed = history.labels().value("feed").and_then(|name| setup.feeds.iter().find(|feed| feed.name == name));
        let zone = feed.map_or(setup.zone, |feed| feed.zone);
        Series::new(Knowledge::new(history, basis, history.release(), zone).history(), zone)
    };
    let series = catalogue.sources(store, subject).await?.iter().map(series).collect();
    let zone = catalogue.zone(subject);
    let until = rule.uses_time().then(|| session.clock.now().date(zone));
    let stage = Stage { rule, derived: &setup.derived, series, zone: setup.zone, until };
    write(stage).map_err(|misfit| {
        say(&format!("error: {}: {misfit}", subject.labels));
        Exit(FAILED).into()
    })
}

fn put(session: &Session, path: &PathBuf, text: &str, force: bool, scenarios: usize) -> anyhow::Result<()> {
    let shown = printable(&path.display().to_string());
    let mut options = std::fs::OpenOptions::new();
    let options = options.write(true);
    let options = if force { options.create(true).truncate(true) } else { options.create_new(true) };
    let written = options.open(path).and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
    match written {
        Ok(()) if session.format == Format::Text => {
            session.print(&format!("{shown}: {}; play with `supplywatch test {shown}`", counted(scenarios, "scenario")))
        }
        Ok(()) => session.line(&serde_json::json!({"file": path, "scenarios": scenarios})),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            say(&format!("error: {shown} is there already: give --force to overwrite it"));
            Err(Exit(USAGE).into())
        }
        Err(error) => Err(anyhow::Error::new(error).context(format!("cannot write {shown}"))),
    }
}
