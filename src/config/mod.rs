//! The config file: its shape, what it means, and what is wrong with it.
//!
//! `File` mirrors the TOML; `resolve` makes a `Setup` that cannot be wrong, or says every problem at
//! once. Only this module reads TOML and the environment.

mod setup;

use std::path::{Path, PathBuf};

pub use setup::Setup;

/// The environment as it was when the program started.
pub struct Environment {}

impl Environment {
    /// Reads it, once.
    pub fn capture() -> Self {
        todo!()
    }

    /// A variable's value; `None` where it is unset, empty or not UTF-8.
    pub fn variable(&self, _name: &str) -> Option<&str> {
        todo!()
    }
}

/// A config that was read, with what is doubtful about it.
pub struct Loaded {
    /// What it comes to.
    pub setup: Setup,
    /// What is allowed but surely not meant.
    pub warnings: Vec<Problem>,
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug)]
pub struct Problem {}

impl Problem {
    /// For a person, the place underlined.
    pub fn render(&self, _colour: bool) -> String {
        todo!()
    }

    /// For a program.
    pub fn json(&self) -> serde_json::Value {
        todo!()
    }
}

/// Everything that is wrong with a config.
#[derive(Debug)]
pub struct Problems {}

impl Problems {
    /// Each, in the order of files and places.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        [].iter()
    }

    /// For a person: all of them, and how many there are.
    pub fn render(&self, _colour: bool) -> String {
        todo!()
    }
}

/// Why no config was found.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// Placeholder.
    #[error("placeholder")]
    Placeholder,
}

/// The config file to read: the one named, `$SUPPLYWATCH_CONFIG`, `./config/supplywatch.toml`, `/etc/supplywatch/supplywatch.toml`.
pub fn find(_named: Option<&Path>, _environment: &Environment) -> Result<PathBuf, FindError> {
    todo!()
}

/// Reads a config with all that it includes.
pub fn load(_path: &Path, _environment: &Environment) -> Result<Loaded, Problems> {
    todo!()
}
