//! Which config file is meant.
//!
//! A file that was named must be there: no other is taken in its place.

use std::path::{Path, PathBuf};

use super::Environment;
use crate::base::text::printable;

/// The variable that names the config file.
const VARIABLE: &str = "SUPPLYWATCH_CONFIG";
/// Where the config file is looked for when nothing names it.
const PLACES: [&str; 2] = ["config/supplywatch.toml", "/etc/supplywatch/supplywatch.toml"];

/// Why no config was found.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// The file that was named is not there.
    #[error("there is no file `{}`, which {by} names as the config", shown(path))]
    Named {
        /// The file.
        path: PathBuf,
        /// What names it.
        by: &'static str,
    },
    /// None of the usual places has one.
    #[error(
        "no config found: looked for {}; name one with --config or ${VARIABLE}, or write one with `supplywatch init`",
        places(looked)
    )]
    Nowhere {
        /// The places looked at, in order.
        looked: Vec<PathBuf>,
    },
}

/// The config file to read: the one named, `$SUPPLYWATCH_CONFIG`, `./config/supplywatch.toml`,
/// `/etc/supplywatch/supplywatch.toml`.
pub fn find(named: Option<&Path>, environment: &Environment) -> Result<PathBuf, FindError> {
    find_in(named, environment, &PLACES.map(PathBuf::from))
}

fn find_in(named: Option<&Path>, environment: &Environment, places: &[PathBuf]) -> Result<PathBuf, FindError> {
    let by_variable = || environment.variable(VARIABLE).map(|path| (PathBuf::from(path), "$SUPPLYWATCH_CONFIG"));
    if let Some((path, by)) = named.map(|path| (path.to_owned(), "--config")).or_else(by_variable) {
        return if is_there(&path) { Ok(path) } else { Err(FindError::Named { path, by }) };
    }
    let found = places.iter().find(|place| is_there(place)).cloned();
    found.ok_or_else(|| FindError::Nowhere { looked: places.to_vec() })
}

/// Whether there is something at a path; what cannot be looked at is there, so that reading it says why not.
fn is_there(path: &Path) -> bool {
    path.try_exists().unwrap_or(true)
}

fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}

fn places(looked: &[PathBuf]) -> String {
    crate::base::text::list(looked.iter().map(|path| path.display().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_place_that_has_one_is_taken() {
        let directory = tempfile::tempdir().unwrap();
        let places = ["first.toml", "second.toml"].map(|name| directory.path().join(name));
        let find = |named: Option<&str>, variables: &[(&str, &str)]| {
            let named = named.map(|name| directory.path().join(name));
            find_in(named.as_deref(), &Environment::of(variables), &places)
        };
        assert_eq!(find(None, &[]), Err(FindError::Nowhere { looked: places.to_vec() }));
        std::fs::write(&places[1], "").unwrap();
        assert_eq!(find(None, &[]).as_ref(), Ok(&places[1]));
        std::fs::write(&places[0], "").unwrap();
        assert_eq!(find(None, &[]).as_ref(), Ok(&places[0]));
        assert_eq!(find(None, &[(VARIABLE, places[1].to_str().unwrap())]).as_ref(), Ok(&places[1]));
        assert_eq!(find(None, &[(VARIABLE, "")]).as_ref(), Ok(&places[0]));
        let by_variable = [(VARIABLE, places[1].to_str().unwrap())];
        assert_eq!(find(Some("first.toml"), &by_variable).as_ref(), Ok(&places[0]));
    }

    #[test]
    fn a_named_file_that_is_missing_is_not_replaced_by_another() {
        let environment = Environment::of(&[(VARIABLE, "/nowhere/else.toml")]);
        let error = |named: Option<&str>| find(named.map(Path::new), &environment).unwrap_err().to_string();
        insta::assert_snapshot!(error(Some("/nowhere/a\nb.toml")), @r"there is no file `/nowhere/a\u{a}b.toml`, which --config names as the config");
        insta::assert_snapshot!(error(None), @"there is no file `/nowhere/else.toml`, which $SUPPLYWATCH_CONFIG names as the config");
    }

    #[test]
    fn the_places_looked_at_are_named() {
        let error = FindError::Nowhere { looked: PLACES.map(PathBuf::from).to_vec() };
        insta::assert_snapshot!(error, @"no config found: looked for `config/supplywatch.toml` and `/etc/supplywatch/supplywatch.toml`; name one with --config or $SUPPLYWATCH_CONFIG, or write one with `supplywatch init`");
    }
}
