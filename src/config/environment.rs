//! The environment, read once when the program starts.
//!
//! Nothing else in the program reads it, and a variable set later changes nothing: what a reload means
//! depends on files alone.

use std::collections::HashMap;

/// The environment as it was when the program started.
#[derive(Clone, Default)]
pub struct Environment {
    variables: HashMap<String, String>,
}

impl Environment {
    /// Reads it, once.
    pub fn capture() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self { variables: std::env::vars_os().filter_map(text).collect() }
    }

    /// The same with another variable.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// An environment of a test's own.
    #[cfg(test)]
    pub fn of(pairs: &[(&str, &str)]) -> Self {
        Self { variables: pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect() }
    }

    /// A variable's value; `None` where it is unset, empty or not UTF-8.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_is_as_good_as_none() {
        let environment = Environment::of(&[("A", "a"), ("B", "")]);
        assert_eq!(environment.variable("A"), Some("a"));
        assert_eq!(environment.variable("B"), None);
        assert_eq!(environment.variable("C"), None);
    }

    #[test]
    fn the_machines_environment_is_captured() {
        assert!(Environment::capture().variable("PATH").is_some());
    }
}
