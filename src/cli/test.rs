//! `test`: plays scenarios and says what was not as expected.

use std::path::{Path, PathBuf};

use regex::Regex;
use serde_json::json;

use super::{CONFIG, Exit, FAILED, Format, Session, USAGE, say};
use crate::base::clock::monotonic;
use crate::base::text::{counted, printable};
use crate::config::{SCENARIO_SUFFIX, Setup, load_scenarios, scenario_files};
use crate::scenario::{Case, Outcome, Scenario, junit, play};

/// Play scenarios: figures as they become known, and what the rules must send when
///
/// Exits with 0 when all is as expected, with 1 when something is not, with 2 when there is nothing to play,
/// and with 78 when a file of scenarios is wrong. Nothing is fetched, sent or stored. See docs/BACKTEST.md.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Files of scenarios [default: *.test.toml beside the config and the files that it includes]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Only scenarios whose name or rule matches
    #[arg(long, value_name = "REGEX")]
    run: Option<Regex>,
    /// Also write the outcomes as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// Runs the verb.
pub fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    let setup = session.load()?;
    let files = if args.files.is_empty() { found(&setup)? } else { args.files.clone() };
    let scenarios = scenarios(session, &setup, &files)?;
    let wanted = |scenario: &Scenario| {
        args.run.as_ref().is_none_or(|run| run.is_match(&scenario.name) || run.is_match(&scenario.rule.name))
    };
    let chosen: Vec<&(PathBuf, Scenario)> = scenarios.iter().filter(|(_, scenario)| wanted(scenario)).collect();
    if chosen.is_empty() {
        say(&format!("error: --run matches none of {}", counted(scenarios.len(), "scenario")));
        return Err(Exit(USAGE).into());
    }
    let mut cases = Vec::new();
    for (file, scenario) in chosen {
        let began = monotonic();
        let outcome = play(scenario);
        let took = monotonic().saturating_sub(began);
        let file = file.display().to_string();
        told(session, &file, scenario, &outcome)?;
        let failure = (!outcome.passed()).then(|| outcome.diff());
        cases.push(Case { file, name: scenario.name.clone(), took, failure });
    }
    if let Some(path) = &args.junit {
        write(path, &junit(&cases, session.clock.now()))?;
    }
    finish(session, &cases)
}

fn found(setup: &Setup) -> anyhow::Result<Vec<PathBuf>> {
    let files = scenario_files(setup).map_err(|(path, error)| {
        let message = format!("cannot look for scenarios in {}", printable(&path.display().to_string()));
        anyhow::Error::new(error).context(message)
    })?;
    if files.is_empty() {
        say(&format!("error: there is no *{SCENARIO_SUFFIX} beside the config or a file that it includes"));
        return Err(Exit(USAGE).into());
    }
    Ok(files)
}

/// The scenarios of all files; where one of them is wrong, all problems of all of them are told.
fn scenarios(session: &Session, setup: &Setup, files: &[PathBuf]) -> anyhow::Result<Vec<(PathBuf, Scenario)>> {
    let (mut all, mut wrong) = (Vec::new(), false);
    for file in files {
        match load_scenarios(file, setup, &session.environment) {
            Ok(scenarios) => all.extend(scenarios.into_iter().map(|scenario| (file.clone(), scenario))),
            Err(problems) => {
                wrong = true;
                session.problems(&problems)?;
            }
        }
    }
    if wrong { Err(Exit(CONFIG).into()) } else { Ok(all) }
}

fn told(session: &Session, file: &str, scenario: &Scenario, outcome: &Outcome) -> anyhow::Result<()> {
    let passed = outcome.passed();
    match session.format {
        Format::Json => session.line(&json!({
            "type": "scenario", "file": file, "name": scenario.name, "rule": scenario.rule.name, "passed": passed,
            "diff": (!passed).then(|| outcome.diff().lines().map(str::to_owned).collect::<Vec<_>>()),
        })),
        Format::Text => {
            let word = if passed { "ok   " } else { "FAIL " };
            let diff = if passed { String::new() } else { indented(&outcome.diff()) };
            session.print(&format!("{word}{}: {}{diff}", printable(file), printable(&scenario.name)))
        }
    }
}

fn indented(diff: &str) -> String {
    let lines: Vec<String> = diff.lines().map(|line| format!("\n     {line}")).collect();
    format!("\n     what must be sent (-) and what was sent (+):{}", lines.concat())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let context = || format!("cannot write {}", printable(&path.display().to_string()));
    std::fs::write(path, text).map_err(|error| anyhow::Error::new(error).context(context()))
}

fn finish(session: &Session, cases: &[Case]) -> anyhow::Result<()> {
    let failed = cases.iter().filter(|case| case.failure.is_some()).count();
    match session.format {
        Format::Json => {
            session.line(&json!({"type": "summary", "scenarios": cases.len(), "failed": failed}))?;
        }
        Format::Text => session.print(&format!("{}, {failed} failed", counted(cases.len(), "scenario")))?,
    }
    if failed > 0 { Err(Exit(FAILED).into()) } else { Ok(()) }
}
