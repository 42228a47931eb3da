//! The reference in `config/supplywatch.toml`: every option, with its default or an example, and a few words.
//!
//! It is commented out, so that nothing of it counts; here it is read all the same, for the schema, for a first config
//! and for the tests that hold it against the program.

use super::resolve::{Kind, kinds};
use super::shape::{Key, NAME};

/// The config as it is shipped.
pub const TEXT: &str = include_str!("../../config/supplywatch.toml");

/// The options of one table, of all of its kinds or of one.
pub struct Block {
    /// The header as it is written: `[feed.csv]`, `[[route]]`.
    pub header: &'static str,
    /// The table: `feed`, `daemon`.
    pub table: &'static str,
    /// Of a table by name: the kind that these options are of, or [`NAME`] for what all kinds have in common.
    pub name: Option<&'static str>,
    /// The options, in the order of the file.
    pub options: Vec<Shown>,
}

/// One option as it is shown.
#[derive(Debug)]
pub struct Shown {
    /// Its line, without the `#` before it and the words behind it.
    pub line: &'static str,
    /// The key, or the path to it from the table: `columns.period`.
    pub path: &'static str,
    /// The value, as TOML.
    pub value: &'static str,
    /// What it is, in words; empty where its name says it.
    pub words: &'static str,
    /// What the value is.
    pub role: ValueRole,
}

/// What a value that is shown is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueRole {
    /// What holds where the option is left out.
    Default,
    /// An example, since nothing else holds.
    Example,
    /// An example of what must be there.
    Required,
    /// An example of what must be there, or another option in its place.
    OneOf,
    /// An example of what must be there where the table is in which it stands.
    RequiredWithin,
}

/// Every block.
fn blocks() -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for line in TEXT.lines() {
        if let Some(block) = header(line) {
            blocks.push(block);
        } else if let Some((option, block)) = option(line).zip(blocks.last_mut()) {
            block.options.push(option);
        }
    }
    blocks.retain(|block| !block.options.is_empty());
    blocks
}

/// A table's header, commented out or not.
fn header(line: &'static str) -> Option<Block> {
    let header = line.strip_prefix('#').unwrap_or(line);
    let inner = header.strip_prefix('[')?.strip_suffix(']')?;
    let inner = inner.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(inner);
    let (table, name) = inner.split_once('.').map_or((inner, None), |(table, name)| (table, Some(name)));
    Some(Block { header, table, name, options: Vec::new() })
}

/// An option that is commented out.
fn option(line: &'static str) -> Option<Shown> {
    let line = line.strip_prefix('#').filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))?;
    let (line, words) = line.split_once("  # ").unwrap_or((line, ""));
    let (path, value) = line.split_once(" = ")?;
    let (words, role) = role(words);
    Some(Shown { line: line.trim_end(), path, value: value.trim(), words, role })
}

/// What the words in brackets at the end say of the value, and those before them.
fn role(words: &'static str) -> (&'static str, ValueRole) {
    let marks = [
        ("(no default", ValueRole::Example),
        ("(required)", ValueRole::Required),
        ("(required, or", ValueRole::OneOf),
        ("(required in it)", ValueRole::RequiredWithin),
    ];
    let found = marks.into_iter().find_map(|(mark, role)| Some((words.rfind(mark)?, role)));
    found.map_or((words, ValueRole::Default), |(at, role)| (words[..at].trim_end(), role))
}

impl Block {
    /// The option of a path.
    pub fn option(&self, path: &str) -> Option<&Shown> {
        self.options.iter().find(|shown| shown.path == path)
    }

    /// The path of one of its options among all keys: names of the user's choice as [`NAME`].
    pub fn path(&self, shown: &Shown, keys: &[Key]) -> String {
        let table = if self.name.is_some() { format!("{}.{NAME}", self.table) } else { self.table.to_owned() };
        shown.path.split('.').fold(table, |table, part| {
            let is_known = keys.iter().any(|key| key.table == table && key.key == part);
            format!("{table}.{}", if is_known { part } else { NAME })
        })
    }

    /// Whether it has what all kinds have in common.
    pub fn is_common(&self) -> bool {
        self.name == Some(NAME)
    }
}

impl Shown {
    /// The option's own key, or that of the table in which it stands.
    pub fn key(&self) -> &'static str {
        self.path.split('.').next().unwrap_or(self.path)
    }

    /// Whether it stands in a table of its own.
    fn is_within(&self) -> bool {
        self.path.contains('.')
    }

    /// The options that its words name behind others: "with `username`", "instead of `url`".
    fn named(&self, before: &str) -> Vec<&'static str> {
        let found = self.words.match_indices(before).map(|(at, _)| &self.words[at + before.len()..]);
        found.filter_map(|rest| rest.strip_prefix('`')?.split('`').next()).collect()
    }
}

/// The whole reference.
pub struct Reference {
    /// Its blocks, in the order of the file.
    pub blocks: Vec<Block>,
    /// What runs in the file: all that is no remark.
    running: String,
}

/// A table as a config has it: its header, and its lines by their paths.
struct Table {
    header: String,
    lines: Vec<(&'static str, String)>,
}

impl Reference {
    /// Reads it.
    pub fn read() -> Self {
        let lines = TEXT.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        Self { blocks: blocks(), running: lines.map(|line| format!("{line}\n")).collect() }
    }

    /// Every option with its block.
    pub fn options(&self) -> impl Iterator<Item = (&Block, &Shown)> {
        self.blocks.iter().flat_map(|block| block.options.iter().map(move |shown| (block, shown)))
    }

    /// What runs in the shipped config, and a table of a block with what it must have, and no more.
    #[cfg(test)]
    pub fn least(&self, block: &Block) -> String {
        self.table(block, self.kind(block, None)).within(&self.running)
    }

    /// The same without the line of a path.
    #[cfg(test)]
    pub fn lacking(&self, block: &Block, path: &str) -> String {
        let mut table = self.table(block, self.kind(block, None));
        table.leave_out(path);
        table.within(&self.running)
    }

    /// What runs in the shipped config, and a table of a block in which an option has a value, beside what goes with it.
    pub fn with(&self, block: &Block, shown: &Shown, value: &str) -> String {
        let mut table = self.around(block, shown);
        table.set(shown.path, format!("{} = {value}", shown.path));
        table.within(&self.running)
    }

    /// The same without the option itself.
    #[cfg(test)]
    pub fn without(&self, block: &Block, shown: &Shown) -> String {
        let mut table = self.around(block, shown);
        table.leave_out(shown.path);
        table.within(&self.running)
    }

    /// What must be there in a table of a block that shows an option.
    fn around(&self, block: &Block, shown: &Shown) -> Table {
        let mut table = self.table(block, self.kind(block, Some(shown)));
        let is_needed =
            |other: &&Shown| other.role == ValueRole::RequiredWithin && shown.is_within() && other.key() == shown.key();
        let named = shown.named("with ").into_iter().filter_map(|path| block.option(path));
        for other in block.options.iter().filter(is_needed).chain(named) {
            table.set(other.path, other.line.to_owned());
        }
        shown.named("instead of ").into_iter().for_each(|path| table.leave_out(path));
        table
    }

    /// Of which kind a table is that shows an option.
    fn kind(&self, block: &Block, shown: Option<&Shown>) -> Option<Kind> {
        let kinds = kinds(block.table);
        let by_name = |name: &str| kinds.iter().find(|kind| kind.name == name).copied();
        if !block.is_common() {
            return by_name(block.name?);
        }
        let taker = kinds.iter().find(|kind| shown.is_some_and(|shown| kind.keys.contains(&shown.key()))).copied();
        taker.or_else(|| by_name(block.option("kind")?.value.trim_matches('"')))
    }

    /// What must be there in a table of a block, and of a kind.
    fn table(&self, block: &Block, kind: Option<Kind>) -> Table {
        let mut table = Table { header: block.header.to_owned(), lines: Vec::new() };
        let of_kind = |other: &&Block| {
            other.table == block.table && (other.is_common() || kind.is_some_and(|kind| other.name == Some(kind.name)))
        };
        let all = kinds(block.table);
        let is_foreign = |key: &str| {
            all.iter().any(|other| other.keys.contains(&key)) && !kind.is_some_and(|kind| kind.keys.contains(&key))
        };
        let blocks: Vec<&Block> =
            if kind.is_some() { self.blocks.iter().filter(of_kind).collect() } else { vec![block] };
        for shown in blocks.into_iter().flat_map(|block| &block.options).filter(|shown| !is_foreign(shown.key())) {
            table.leave_out(shown.path);
            if shown.path == "kind" || matches!(shown.role, ValueRole::Required | ValueRole::OneOf) {
                shown.named("instead of ").into_iter().for_each(|path| table.leave_out(path));
                table.set(shown.path, shown.line.to_owned());
            }
        }
        table
    }
}

impl Table {
    fn set(&mut self, path: &'static str, line: String) {
        self.leave_out(path);
        self.lines.push((path, line));
    }

    fn leave_out(&mut self, path: &str) {
        self.lines.retain(|(known, _)| *known != path);
    }

    /// A config with this table, too: where it has its header already, behind that.
    fn within(&self, config: &str) -> String {
        let lines: String = self.lines.iter().map(|(_, line)| format!("{line}\n")).collect();
        let header = format!("\n{}\n", self.header);
        match config.contains(&header) {
            true => config.replacen(&header, &format!("{header}{lines}"), 1),
            false => format!("{config}{header}{lines}"),
        }
    }
}
