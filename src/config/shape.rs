//! What a config may say: every key by its path, taken down from the readers of its tables.
//!
//! There is no list of keys beside the code that reads them: the readers are run over a table of which nobody asks
//! what it says, and each key that they ask for is one.

use std::cell::RefCell;

use toml::de::DeTable;

use super::file::{File, Role};
use super::problem::Report;
use super::section::Section;
use super::source::Place;

/// A name that is the user's to choose, in a path: `feed.NAME.labels.NAME`.
pub const NAME: &str = "NAME";

/// What may stand under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// A string.
    Text,
    /// `true` or `false`.
    Flag,
    /// A whole number, not negative.
    Whole,
    /// A list of them.
    Wholes,
    /// A string, or a whole number.
    TextOrWhole,
    /// A string, or a number.
    TextOrNumber,
    /// A string, or `true` or `false`.
    TextOrFlag,
    /// A list of strings, or one.
    Texts,
    /// A list of strings and whole numbers, or one.
    TextsOrWholes,
    /// A string, or a table that says where it is.
    Secret,
    /// A table.
    Table,
    /// A table, or a list of strings, or one.
    TableOrTexts,
    /// Tables written as `[[key]]`.
    Tables,
}

/// One key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The path of the table that it stands in, joined by dots; empty for the whole config.
    pub table: String,
    /// The key.
    pub key: String,
    /// What it takes.
    pub takes: Takes,
}

/// The keys that were asked for, in the order of asking.
#[derive(Default)]
pub struct Shape(RefCell<Vec<Key>>);

impl Shape {
    /// Takes a key down.
    pub fn add(&self, table: &str, key: &str, takes: Takes) {
        self.0.borrow_mut().push(Key { table: table.to_owned(), key: key.to_owned(), takes });
    }
}

/// Every key that a config may have.
pub fn keys() -> Vec<Key> {
    // What is asked for by a name of the user's choice is there under this one.
    let text = format!("{NAME} = ''");
    let (table, _) = DeTable::parse_recoverable(&text);
    let (report, shape) = (Report::default(), Shape::default());
    let place = Place { file: 0, start: 0, end: 0 };
    File::default().add(Section::asked(place, table.get_ref(), &report, &shape), Role::Main);
    shape.0.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether there is such a key, and what it takes.
    fn takes(path: &str) -> Option<Takes> {
        let (table, key) = path.rsplit_once('.').unwrap_or(("", path));
        keys().into_iter().find(|known| known.table == table && known.key == key).map(|known| known.takes)
    }

    #[test]
    fn keys_are_those_that_the_readers_ask_for() {
        assert_eq!(takes("daemon.state"), Some(Takes::Secret));
        assert_eq!(takes("daemon.timezone"), Some(Takes::Text));
        assert_eq!(takes("daemon.dead_man.url"), Some(Takes::Secret));
        assert_eq!(takes("feed"), Some(Takes::Table));
        assert_eq!(takes("feed.NAME"), Some(Takes::Table));
        assert_eq!(takes("feed.NAME.columns.labels"), Some(Takes::TableOrTexts));
        assert_eq!(takes("feed.NAME.columns.labels.NAME"), Some(Takes::TextOrWhole));
        assert_eq!(takes("feed.NAME.headers.NAME"), Some(Takes::Secret));
        assert_eq!(takes("feed.NAME.release.skip"), Some(Takes::Wholes));
        assert_eq!(takes("series.NAME.from.NAME.NAME"), Some(Takes::TextsOrWholes));
        assert_eq!(takes("rule.NAME.critical.when"), Some(Takes::Texts));
        assert_eq!(takes("route"), Some(Takes::Tables));
        assert_eq!(takes("route.match.NAME"), Some(Takes::TextsOrWholes));
        assert_eq!(takes("receiver.NAME.quiet.days"), Some(Takes::Texts));
        assert_eq!(takes("receiver.NAME.colour"), None);
    }

    #[test]
    fn no_key_is_there_twice() {
        let keys = keys();
        for (at, key) in keys.iter().enumerate() {
            assert!(!keys[..at].iter().any(|other| (&other.table, &other.key) == (&key.table, &key.key)), "{key:?}");
        }
    }
}
