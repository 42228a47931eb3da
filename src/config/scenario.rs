//! Files of scenarios: their shape, where they lie, and reading them with every problem underlined.
//!
//! What a scenario means, and how it is played, is not known here.

use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::file::{ReleaseTable, pairs};
use super::gather::read;
use super::problem::{Finding, Problems, Report};
use super::resolve::scenarios;
use super::section::{Given, Section};
use super::setup::Setup;
use super::source::{At, Source, Sources};
use crate::scenario::Scenario;

/// How the name of a file of scenarios ends.
pub const SCENARIO_SUFFIX: &str = ".test.toml";

/// `[[scenario]]`.
pub struct ScenarioTable {
    /// Its keys.
    pub given: Given,
    /// What it shows.
    pub name: Option<At<String>>,
    /// The rule under test.
    pub rule: Option<At<String>>,
    /// Labels of all series, beside those that feed and rule give.
    pub labels: Vec<(At<String>, At<String>)>,
    /// The unit of series that say none.
    pub unit: Option<At<String>>,
    /// When figures become known that do not say so.
    pub release: Option<ReleaseTable>,
    /// The figures.
    pub series: Option<At<String>>,
    /// The last day.
    pub until: Option<At<String>>,
    /// What must be sent.
    pub expect: Vec<ExpectTable>,
}

/// `[[scenario.expect]]`.
pub struct ExpectTable {
    /// Its keys.
    pub given: Given,
    /// Labels of the alert.
    pub labels: Vec<(At<String>, At<String>)>,
    /// The day.
    pub on: Option<At<String>>,
    /// The period.
    pub period: Option<At<String>>,
    /// The kind of transition.
    pub transition: Option<At<String>>,
    /// How bad it is.
    pub severity: Option<At<String>>,
    /// The title.
    pub title: Option<At<String>>,
    /// Measures and their values.
    pub values: Vec<(At<String>, At<String>)>,
    /// Whether the alert fires.
    pub state: Option<At<String>>,
    /// Why it is held.
    pub held: Option<At<String>>,
}

impl ScenarioTable {
    fn read(mut section: Section<'_>) -> Self {
        Self {
            name: section.text("name"),
            rule: section.text("rule"),
            labels: section.table("labels").map(|labels| pairs(&labels)).unwrap_or_default(),
            unit: section.text("unit"),
            release: section.table("release").map(ReleaseTable::read),
            series: section.text("series"),
            until: section.text_or_date("until"),
            expect: section.list("expect").into_iter().map(ExpectTable::read).collect(),
            given: section.finish(),
        }
    }
}

impl ExpectTable {
    fn read(mut section: Section<'_>) -> Self {
        Self {
            on: section.text_or_date("on"),
            period: section.text_or_date("period"),
            transition: section.text("transition"),
            severity: section.text("severity"),
            title: section.text("title"),
            values: section.table("values").map(|values| numbers(&values)).unwrap_or_default(),
            labels: section.table("labels").map(|labels| pairs(&labels)).unwrap_or_default(),
            state: section.text("state"),
            held: section.text("held"),
            given: section.finish(),
        }
    }
}

fn numbers(section: &Section<'_>) -> Vec<(At<String>, At<String>)> {
    let number = |entry| section.entry_number(&entry).map(|value| (entry.name, value));
    section.entries().into_iter().filter_map(number).collect()
}

/// Reads a file of scenarios for a setup's rules.
pub fn load_scenarios(path: &Path, setup: &Setup, environment: &Environment) -> Result<Vec<Scenario>, Problems> {
    let (report, mut sources) = (Report::default(), Sources::default());
    let mut found = None;
    match Source::read(path) {
        Ok(source) => {
            let tables = read(&source, 0, &report, |mut root| {
                let tables = root.list("scenario").into_iter().map(ScenarioTable::read).collect::<Vec<_>>();
                root.finish();
                tables
            });
            sources.0.push(source);
            found = tables.map(|tables| {
                if tables.is_empty() && !report.has_errors() {
                    let finding = Finding::file_error(path, "the file has no scenario");
                    report.add(finding.help("a scenario is a table [[scenario]] with `name`, `rule` and `series`"));
                }
                scenarios(tables, setup, &sources, environment, &report)
            });
        }
        Err(why) => report.add(Finding::file_error(path, format!("the scenarios cannot be read: {why}"))),
    }
    match found {
        Some(scenarios) if !report.has_errors() => Ok(scenarios),
        _ => Err(report.finish(&sources)),
    }
}

/// Whether a path is that of a file of scenarios.
pub fn is_scenario_file(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(SCENARIO_SUFFIX))
}

/// The files of scenarios beside the files of a config, in the order of their paths. A directory that
/// cannot be read is an error with its path.
pub fn scenario_files(setup: &Setup) -> Result<Vec<PathBuf>, (PathBuf, std::io::Error)> {
    let directory = |path: &PathBuf| match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut directories: Vec<PathBuf> = setup.files.iter().map(directory).collect();
    directories.sort();
    directories.dedup();
    let mut files = Vec::new();
    for directory in directories {
        let failed = |error| (directory.clone(), error);
        for entry in std::fs::read_dir(&directory).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            files.extend((is_scenario_file(&path) && path.is_file()).then_some(path));
        }
    }
    files.sort();
    Ok(files)
}
