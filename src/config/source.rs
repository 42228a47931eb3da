//! The files of a config, and places in them.
//!
//! What the text means is not known here, except how TOML spells a string.

use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A config file's size, at most (bytes).
const BYTES_MAX: u64 = 4 << 20;

/// A stretch of one config file, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Which file, in the order of reading.
    pub file: usize,
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// A value, where it stands, and where its key does.
#[derive(Clone, Debug)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// The place of the value.
    pub place: Place,
    /// The place of its key; an array's element has its own place here.
    pub key: Place,
}

/// A list of strings, or one string as a list.
pub type Texts = At<Vec<At<String>>>;

impl<T> At<T> {
    /// Another value in the same place.
    pub fn with<U>(&self, value: U) -> At<U> {
        At { value, place: self.place, key: self.key }
    }
}

/// One file of the config.
#[derive(Debug)]
pub struct Source {
    /// Its path, as it was named.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

impl Source {
    /// Reads a file; `Err` says in words why it cannot be.
    pub fn read(path: &Path) -> Result<Self, String> {
        let failed = |error: std::io::Error| error.to_string();
        if path.is_dir() {
            return Err("it is a directory".to_owned());
        }
        let mut bytes = Vec::new();
        std::fs::File::open(path).map_err(failed)?.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > BYTES_MAX {
            return Err(format!("it is larger than {} MiB", BYTES_MAX >> 20));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let line = 1 + error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count();
            format!("it is not UTF-8 (line {line})")
        })?;
        Ok(Self { path: path.to_owned(), text })
    }

    /// The directory that the file's own relative paths begin at.
    pub fn base(&self) -> &Path {
        self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// A path as this file means it.
    pub fn resolve(&self, path: &str) -> PathBuf {
        match self.path.parent() {
            Some(parent) => parent.join(path),
            None => PathBuf::from(path),
        }
    }

    /// Line and column (in characters) of a byte, from 1.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (1 + before.matches('\n').count(), 1 + before[line_start..].chars().count())
    }
}

/// The files of a config, in the order of reading.
#[derive(Debug, Default)]
pub struct Sources(pub Vec<Source>);

impl Sources {
    /// The config's own file, which includes the others.
    pub fn first(&self) -> &Source {
        &self.0[0]
    }

    /// The file of a place.
    pub fn of(&self, place: Place) -> &Source {
        &self.0[place.file]
    }

    /// Where a part of a string's value stands in the file: `value` is what the string at `place` says.
    ///
    /// The whole string, where the spelling cannot be followed.
    pub fn within(&self, place: Place, value: &str, part: Range<usize>) -> Place {
        let spelled = self.of(place).text.get(place.start..place.end).and_then(|raw| spelling(raw, value));
        let Some(offsets) = spelled else { return place };
        let at = |decoded: usize| offsets.get(decoded).map(|raw| place.start + raw);
        match (at(part.start), at(part.end)) {
            (Some(start), Some(end)) => Place { start, end: end.max(start), ..place },
            _ => place,
        }
    }
}

/// For every byte of a string's value (and the end), the byte of its spelling; `None` when the spelling
/// is no TOML string or says something else.
fn spelling(raw: &str, value: &str) -> Option<Vec<usize>> {
    let (quote, escapes) = ["\"\"\"", "'''", "\"", "'"].into_iter().find_map(|quote| {
        let whole = raw.len() >= 2 * quote.len() && raw.starts_with(quote) && raw.ends_with(quote);
        whole.then_some((quote.len(), quote.starts_with('"')))
    })?;
    let end = raw.len() - quote;
    let mut at = quote;
    if quote == 3 {
        let first_break = ["\r\n", "\n"].into_iter().find(|newline| raw[at..end].starts_with(newline));
        at += first_break.map_or(0, str::len);
    }
    let (mut offsets, mut decoded) = (Vec::with_capacity(value.len() + 1), String::with_capacity(value.len()));
    while at < end {
        let rest = &raw[at..end];
        let (said, length) = match rest.strip_prefix('\\').filter(|_| escapes) {
            Some(escape) => escaped(escape)?,
            None => rest.chars().next().map(|c| (Some(c), c.len_utf8()))?,
        };
        if let Some(c) = said {
            offsets.extend(std::iter::repeat_n(at, c.len_utf8()));
            decoded.push(c);
        }
        at += length;
    }
    offsets.push(end);
    (decoded == value).then_some(offsets)
}

/// What follows a backslash: the character meant (none for a line that goes on) and the whole length.
fn escaped(after: &str) -> Option<(Option<char>, usize)> {
    let first = after.chars().next()?;
    let simple = match first {
        'b' => '\u{8}',
        't' => '\t',
        'n' => '\n',
        'f' => '\u{c}',
        'r' => '\r',
        'e' => '\u{1b}',
        '"' | '\\' => first,
        'x' | 'u' | 'U' => {
            let digits = match first {
                'x' => 2,
                'u' => 4,
                _ => 8,
            };
            let code = u32::from_str_radix(after.get(1..=digits)?, 16).ok()?;
            return Some((Some(char::from_u32(code)?), digits + 2));
        }
        _ => {
            let skipped = after.len() - after.trim_start_matches([' ', '\t', '\r', '\n']).len();
            return (skipped > 0).then_some((None, skipped + 1));
        }
    };
    Some((Some(simple), 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The part of the spelling that `part` of the value is.
    #[track_caller]
    fn check(raw: &str, part: &str, expected: &str) {
        let value: String = toml::from_str::<toml::Table>(&format!("a = {raw}")).unwrap()["a"].as_str().unwrap().into();
        let sources = Sources(vec![Source { path: "a.toml".into(), text: format!("a = {raw}") }]);
        let place = Place { file: 0, start: 4, end: 4 + raw.len() };
        let start = value.find(part).unwrap();
        let found = sources.within(place, &value, start..start + part.len());
        assert_eq!(&sources.0[0].text[found.start..found.end], expected, "{raw}");
    }

    #[test]
    fn a_part_of_a_string_is_found_in_every_spelling() {
        check("\"yoy < -25\"", "-25", "-25");
        check("'yoy < -25'", "-25", "-25");
        check("\"a \\\"b\\\" c\"", "c", "c");
        check("\"a \\\"b\\\" c\"", "\"b\"", "\\\"b\\\"");
        check("\"\\u7a00 x\"", "x", "x");
        check("\"\\u7a00 x\"", "稀", "\\u7a00");
        check("\"稀土 x\"", "土", "土");
        check("\"\"\"\nyoy\n < -25\"\"\"", "-25", "-25");
        check("\"\"\"yoy \\\n   < -25\"\"\"", "< -25", "< -25");
        check("'''\na\\b c'''", "b c", "b c");
        check("\"\\x41\\e z\"", "z", "z");
    }

    #[test]
    fn the_whole_string_stands_for_what_cannot_be_followed() {
        let sources = Sources(vec![Source { path: "a.toml".into(), text: "a = \"x\"".into() }]);
        let place = Place { file: 0, start: 4, end: 7 };
        assert_eq!(sources.within(place, "something else", 0..1), place);
        assert_eq!(sources.within(place, "x", 0..9), place);
    }

    #[test]
    fn positions_count_lines_and_characters() {
        let source = Source { path: "a.toml".into(), text: "稀 = 1\nb = 2".into() };
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(4), (1, 3));
        assert_eq!(source.position(source.text.len()), (2, 6));
    }

    #[test]
    fn paths_begin_at_the_files_directory() {
        let resolve = |path: &str, relative: &str| {
            let source = Source { path: path.into(), text: String::new() };
            source.resolve(relative).display().to_string()
        };
        assert_eq!(resolve("config/supplywatch.toml", "samples/a.csv"), "config/samples/a.csv");
        assert_eq!(resolve("supplywatch.toml", "a.csv"), "a.csv");
        assert_eq!(resolve("config/supplywatch.toml", "/srv/a.csv"), "/srv/a.csv");
    }

    #[test]
    fn an_unreadable_file_says_why() {
        let directory = tempfile::tempdir().unwrap();
        let why = |path: &Path| Source::read(path).unwrap_err();
        assert_eq!(why(directory.path()), "it is a directory");
        assert_eq!(why(&directory.path().join("none")), "No such file or directory (os error 2)");
        let latin = directory.path().join("latin.toml");
        std::fs::write(&latin, b"a = 1\nb = \"\xe9\"\n").unwrap();
        assert_eq!(why(&latin), "it is not UTF-8 (line 2)");
    }
}
