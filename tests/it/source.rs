//! The project's source as text to be scanned: comments and literals blanked, tests cut off.
//!
//! It is no parser: it knows just enough of the language not to be fooled by a comment or a string.

use std::path::{Path, PathBuf};

/// One source file.
pub struct Source {
    /// Its path below `src/`, such as `rule/measure/change.rs`.
    pub path: String,
    /// All of it.
    pub text: String,
    /// Whether it is compiled for tests alone.
    pub only_tests: bool,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        let only_tests = path.split('/').any(|part| part == "tests" || part == "tests.rs");
        Self { path: path.to_owned(), text: text.to_owned(), only_tests }
    }

    /// Every file below a directory of the project.
    pub fn all(directory: &str) -> Vec<Self> {
        let root = Path::new(super::sandbox::PROJECT).join(directory);
        let mut all: Vec<Self> = files(&root)
            .into_iter()
            .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
            .map(|path| {
                let text = std::fs::read_to_string(&path).unwrap();
                Self::new(path.strip_prefix(&root).unwrap().to_str().unwrap(), &text)
            })
            .collect();
        all.sort_by(|a, b| a.path.cmp(&b.path));
        let only_tests: Vec<String> = all.iter().flat_map(Self::modules_for_tests).collect();
        for source in &mut all {
            source.only_tests |= only_tests.contains(&source.path);
        }
        all
    }

    /// What is before the tests at the bottom of the file; nothing of a file that holds only tests.
    pub fn untested(&self) -> &str {
        if self.only_tests {
            return "";
        }
        let tests = self.text.match_indices("#[cfg(test)]").find(|(at, _)| {
            let before = &self.text[..*at];
            before.is_empty() || before.ends_with('\n')
        });
        tests.map_or(&self.text, |(at, _)| &self.text[..at])
    }

    /// The files of the modules that it declares for tests alone.
    fn modules_for_tests(&self) -> Vec<String> {
        let Some(directory) = self.path.strip_suffix("mod.rs") else { return Vec::new() };
        let declared = self
            .text
            .split("#[cfg(test)]\n")
            .skip(1)
            .filter_map(|rest| rest.trim_start_matches("pub ").strip_prefix("mod ")?.split_once(';'));
        declared.map(|(name, _)| format!("{directory}{name}.rs")).collect()
    }

    /// The module at the top of the crate that it belongs to; none for the crate's root and the binary.
    pub fn module(&self) -> Option<&str> {
        let first = self.path.split('/').next()?;
        let name = first.strip_suffix(".rs").unwrap_or(first);
        (!["lib", "main"].contains(&name)).then_some(name)
    }

    /// How many modules lie between it and the crate's root: 1 for `rule/mod.rs`, 2 for `rule/parse.rs`.
    pub fn depth(&self) -> usize {
        let names = self.path.split('/').count();
        if self.path.ends_with("/mod.rs") { names - 1 } else { names }
    }
}

/// Every file below a directory.
pub fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// `text` with comments and the insides of literals blanked; lines stay where they are.
pub fn code(text: &str) -> String {
    let (mut code, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(first) = rest.chars().next() {
        let (length, blank) = token(rest, code.chars().next_back());
        let token = &rest[..length.max(first.len_utf8())];
        code.extend(token.chars().map(|c| if blank && c != '\n' { ' ' } else { c }));
        rest = &rest[token.len()..];
    }
    code
}

/// The length of the token at the beginning of a text, and whether it is to be blanked.
fn token(text: &str, before: Option<char>) -> (usize, bool) {
    let in_word = before.is_some_and(is_word);
    let until = |end: &str, from: usize| text[from..].find(end).map_or(text.len(), |at| from + at + end.len());
    if text.starts_with("//") {
        return (text.find('\n').unwrap_or(text.len()), true);
    }
    if text.starts_with("/*") {
        return (until("*/", 2), true);
    }
    if text.starts_with('"') {
        return (quoted(text, '"'), true);
    }
    if text.starts_with('r') && !in_word {
        let hashes = text[1..].chars().take_while(|c| *c == '#').count();
        if text[1 + hashes..].starts_with('"') {
            return (until(&format!("\"{}", "#".repeat(hashes)), 2 + hashes), true);
        }
    }
    let mut after = text.chars().skip(1);
    let is_char = text.starts_with('\'') && (after.next() == Some('\\') || after.next() == Some('\''));
    if is_char { (quoted(text, '\''), true) } else { (1, false) }
}

/// The length of a quoted literal, its quotes included.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c == quote && !escaped {
            return at + c.len_utf8();
        }
        escaped = c == '\\' && !escaped;
    }
    text.len()
}

const fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The lines on which code mentions a name by itself, not as a part of a longer word.
pub fn mentions(code: &str, name: &str) -> Vec<usize> {
    let starts_word = name.starts_with(is_word);
    let ends_word = name.ends_with(is_word);
    code.match_indices(name)
        .filter(|(at, _)| !starts_word || !code[..*at].ends_with(is_word))
        .filter(|(at, _)| !ends_word || !code[at + name.len()..].starts_with(is_word))
        .map(|(at, _)| line(code, at))
        .collect()
}

/// The number of the line that holds a byte.
pub fn line(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

#[test]
fn comments_and_literals_are_not_code() {
    let text = "a // tokio\nlet b: &'a str = \"tokio \\\" // tokio\"; /* tokio\n tokio */ c\n'\"' d '\\'' e r#\"tokio \" tokio\"# f\n";
    let code = code(text);
    assert!(!code.contains("tokio"), "{code}");
    let words: Vec<&str> = code.split_whitespace().collect();
    assert_eq!(words, ["a", "let", "b:", "&'a", "str", "=", ";", "c", "d", "e", "f"]);
    assert_eq!(code.matches('\n').count(), text.matches('\n').count());
}

#[test]
fn names_are_found_whole() {
    assert_eq!(mentions("tokio::spawn\nmy_tokio\ntokios\n(tokio)", "tokio"), [1, 4]);
    assert_eq!(mentions("a.await\n.awaited", ".await"), [1]);
}

#[test]
fn tests_are_cut_off_and_modules_known() {
    let source =
        Source::new("rule/measure/change.rs", "fn a() {}\n    #[cfg(test)] use b;\n#[cfg(test)]\nmod tests {}\n");
    assert_eq!(source.untested(), "fn a() {}\n    #[cfg(test)] use b;\n");
    assert_eq!((source.module(), source.depth()), (Some("rule"), 3));
    let depths = ["assess.rs", "rule/mod.rs", "rule/parse.rs"].map(|path| Source::new(path, "").depth());
    assert_eq!(depths, [1, 1, 2]);
    assert_eq!(Source::new("lib.rs", "").module(), None);
    for path in ["store/sqlite/tests.rs", "config/tests/feed.rs"] {
        assert_eq!(Source::new(path, "fn a() {}").untested(), "");
    }
    let parent = Source::new("notify/mod.rs", "mod a;\n#[cfg(test)]\nmod double;\n#[cfg(test)]\nmod tests {}\n");
    assert_eq!(parent.modules_for_tests(), ["notify/double.rs"]);
}
