//! The config file: its shape, what it means, and what is wrong with it.
//!
//! It is read like a program by a compiler: `gather` reads the files and their syntax, `file` mirrors the
//! TOML, `resolve` makes a `Setup` that cannot be wrong; all that is wrong is said at once. Only this module
//! reads TOML and the environment.

pub mod draft;
mod environment;
mod file;
mod find;
mod gather;
mod mask;
mod outline;
mod problem;
mod receiver;
mod reference;
mod resolve;
mod route;
mod rule;
mod scenario;
mod schema;
mod secret;
mod section;
mod series;
mod setup;
mod shape;
mod source;
mod template;
#[cfg(test)]
mod tests;
mod web;

use std::path::Path;

pub use environment::Environment;
pub use find::find;
pub use outline::{Changes, ItemChange, ItemKind, KeyChange, Outline};
pub use problem::{Problem, Problems};
pub use scenario::{SCENARIO_SUFFIX, load_scenarios, scenario_files};
pub use schema::schema;
pub use setup::{DeadMan, Setup, Web, Written};
use source::Source;

use crate::store::Location;

/// A config that was read, with what is doubtful about it.
pub struct Loaded {
    /// What it comes to.
    pub setup: Setup,
    /// What is allowed but surely not meant.
    pub warnings: Vec<Problem>,
}

/// Reads a config with all that it includes.
pub fn load(path: &Path, environment: &Environment) -> Result<Loaded, Problems> {
    read(path, Source::read(path), environment)
}

/// Reads a config whose text is not at its path yet.
pub fn load_text(path: &Path, text: String, environment: &Environment) -> Result<Loaded, Problems> {
    read(path, Ok(Source { path: path.to_owned(), text }), environment)
}

fn read(path: &Path, source: Result<Source, String>, environment: &Environment) -> Result<Loaded, Problems> {
    let report = problem::Report::default();
    let (sources, file) = gather::gather(path, source, &report);
    let setup = file.map(|file| resolve::resolve(path, file, &sources, environment, &report));
    let has_errors = report.has_errors();
    let problems = report.finish(&sources);
    match setup {
        Some(setup) if !has_errors => Ok(Loaded { setup, warnings: problems.into_vec() }),
        _ => Err(problems),
    }
}

/// Where a config says that the store is, whatever else is wrong with it: no secret is read but one in that.
pub fn location(path: &Path, environment: &Environment) -> Result<Location, Problems> {
    let (of_reading, report) = (problem::Report::default(), problem::Report::default());
    let (sources, file) = gather::gather(path, Source::read(path), &of_reading);
    let Some(file) = file else { return Err(of_reading.finish(&sources)) };
    let location = resolve::location(&file, &sources, environment, &report);
    if report.has_errors() { Err(report.finish(&sources)) } else { Ok(location) }
}
