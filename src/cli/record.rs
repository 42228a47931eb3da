//! `record`: a scenario from the stored history.

use std::path::PathBuf;

use super::backtest::past;
use super::explain::known_rule;
use super::{Exit, Format, Session, USAGE, say};
use crate::backtest::{Basis, Range, replay};
use crate::base::text::{counted, printable};
use crate::config::Setup;
use crate::scenario::{Written, write};

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
    if !rule.selector.group_by().is_empty() {
        say(&format!("error: a scenario plays one series, and rule {} judges groups of them", rule.name));
        return Err(Exit(USAGE).into());
    }
    let basis = if args.as_of_release { Basis::AsOfRelease } else { Basis::Stored };
    let past = super::runtime()?.block_on(async {
        let store = session.copy(&setup.state).await?;
        past(&store, &setup, rule, &args.labels, basis).await
    })?;
    let scenarios: Vec<String> = past
        .iter()
        .map(|(knowledge, zone)| {
            let replay = replay(rule, knowledge, *zone, Range::default());
            write(Written { replay: &replay, knowledge, release: release(&setup, knowledge.history().labels()) })
        })
        .collect();
    let text = scenarios.join("\n");
    match &args.output {
        None => session.print(text.trim_end()),
        Some(path) => put(session, path, &text, args.force, scenarios.len()),
    }
}

fn release<'a>(setup: &'a Setup, labels: &crate::series::Labels) -> Option<&'a crate::series::Release> {
    let feed = labels.value("feed")?;
    setup.feeds.iter().find(|known| known.name == feed)?.release.as_ref()
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
