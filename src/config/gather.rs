//! From a path to the whole `File`: the main config and what it includes, with every syntax error in place.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::file::{File, Role};
use super::mask::guess;
use super::problem::{Finding, Report};
use super::scenario::is_scenario_file;
use super::section::Section;
use super::source::{At, Place, Source, Sources};
use crate::base::text::printable;

/// Errors of syntax that are shown of one file, at most: what follows a few is mostly their echo.
const SYNTAX_ERRORS_SHOWN: usize = 10;

/// Reads a config, whose own text is given, with all that it includes; `None` when a file could not be read as TOML, since names may
/// be missing then. What is wrong is in the report.
pub fn gather(path: &Path, source: Result<Source, String>, report: &Report) -> (Sources, Option<File>) {
    let mut gathering = Gathering { sources: Sources::default(), file: File::default(), whole: true, report };
    match source {
        Ok(source) => gathering.add(source, Role::Main),
        Err(why) => {
            report.add(Finding::file_error(path, format!("the config cannot be read: {why}")));
            gathering.whole = false;
        }
    }
    let include = gathering.file.daemon.include.clone();
    for pattern in include.iter().flat_map(|include| &include.value) {
        gathering.include(pattern);
    }
    (gathering.sources, gathering.whole.then_some(gathering.file))
}

struct Gathering<'r> {
    sources: Sources,
    file: File,
    whole: bool,
    report: &'r Report,
}

impl Gathering<'_> {
    fn add(&mut self, source: Source, role: Role) {
        self.whole &= parse(&source, self.sources.0.len(), role, &mut self.file, self.report);
        self.sources.0.push(source);
    }

    /// Reads the files that a pattern of `include` means.
    fn include(&mut self, pattern: &At<String>) {
        let paths = match self.matches(pattern) {
            Ok(paths) => paths,
            Err(why) => {
                let finding = Finding::error(pattern.place, format!("`include` cannot be followed: {why}"));
                return self.report.add(finding.label("cannot be followed"));
            }
        };
        if paths.is_empty() {
            self.report.add(
                Finding::warning(pattern.place, format!("no file matches `{}`", pattern.value))
                    .label("nothing included")
                    .help("patterns are relative to the directory of the file that has them"),
            );
        }
        for path in paths {
            // Two patterns may mean one file, and a pattern the main config itself.
            if self.sources.0.iter().any(|source| is_same(&source.path, &path)) {
                continue;
            }
            match Source::read(&path) {
                Ok(source) => self.add(source, Role::Included),
                Err(why) => {
                    self.whole = false;
                    let message = format!("`{}` cannot be read: {why}", printable(&path.display().to_string()));
                    self.report.add(Finding::error(pattern.place, message).label("included here"));
                }
            }
        }
    }

    /// The files of a pattern, in the order of their paths. A pattern without wildcards is a file that must be there.
    fn matches(&self, pattern: &At<String>) -> Result<Vec<PathBuf>, String> {
        let source = self.sources.of(pattern.place);
        if !pattern.value.contains(['*', '?', '[']) {
            return Ok(vec![source.resolve(&pattern.value)]);
        }
        let base = source.base().to_str().ok_or("the config's directory is not UTF-8")?;
        let whole = if Path::new(&pattern.value).is_absolute() {
            pattern.value.clone()
        } else {
            format!("{}/{}", glob::Pattern::escape(base), pattern.value)
        };
        let found = glob::glob(&whole).map_err(|error| error.to_string())?;
        let paths: Result<Vec<PathBuf>, String> = found.map(|path| path.map_err(|error| error.to_string())).collect();
        let plain = |path: PathBuf| path.strip_prefix(".").map(Path::to_owned).unwrap_or(path);
        // Scenarios lie beside the rules that they test, and are no part of the config.
        let wanted = |path: &PathBuf| !path.is_dir() && !is_scenario_file(path);
        Ok(paths?.into_iter().filter(wanted).map(plain).collect())
    }
}

/// Adds what one file says to the whole; `false` where its syntax is wrong, and nothing is added.
pub fn parse(source: &Source, index: usize, role: Role, file: &mut File, report: &Report) -> bool {
    let place = |span: std::ops::Range<usize>| Place { file: index, start: span.start, end: span.end };
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    let root = |report| Section::new(String::new(), place(table.span()), table.get_ref(), report);
    if errors.is_empty() {
        file.add(root(report), role);
        return true;
    }
    // What could be read tells where secrets are and what is included; its other problems may be mere echoes.
    let (mut partial, echoes) = (File::default(), Report::default());
    partial.add(root(&echoes), role);
    file.daemon.include = file.daemon.include.take().or(partial.daemon.include);
    report.hide_all(echoes);
    guess(&source.text).into_iter().for_each(|secret| report.hide(place(secret)));
    errors_of_syntax(source, &errors, report, place);
    false
}

/// Reads a file that is no part of the config; `None` where its syntax is wrong.
pub fn read<T>(source: &Source, index: usize, report: &Report, read: impl FnOnce(Section<'_>) -> T) -> Option<T> {
    let place = |span: std::ops::Range<usize>| Place { file: index, start: span.start, end: span.end };
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    if errors.is_empty() {
        return Some(read(Section::new(String::new(), place(table.span()), table.get_ref(), report)));
    }
    guess(&source.text).into_iter().for_each(|secret| report.hide(place(secret)));
    errors_of_syntax(source, &errors, report, place);
    None
}

fn is_same(a: &Path, b: &Path) -> bool {
    a == b || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// Reports errors of syntax: one a line, and not the keys of a table that is there twice.
fn errors_of_syntax(
    source: &Source,
    errors: &[toml::de::Error],
    report: &Report,
    place: impl Fn(std::ops::Range<usize>) -> Place,
) {
    let (mut lines, mut echoes_end) = (BTreeSet::new(), 0);
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let line_start = source.text[..span.start].rfind('\n').map_or(0, |newline| newline + 1);
        if span.start < echoes_end || !lines.insert(line_start) || lines.len() > SYNTAX_ERRORS_SHOWN {
            continue;
        }
        let line = source.text[line_start..].lines().next().unwrap_or_default().trim();
        if error.message() != "duplicate key" {
            let found = error.message().replace('\n', " ");
            report.add(Finding::error(place(span), format!("this is not TOML: {found}")).label("here"));
        } else if line.starts_with('[') {
            echoes_end = source.text[span.end..].find("\n[").map_or(source.text.len(), |next| span.end + next);
            let header = line.split_inclusive(']').next().unwrap_or(line);
            let finding = Finding::error(place(span), format!("{header} is there twice")).label("again");
            let first = source.text[..line_start].find(header).map(|at| at + 1..at + header.len() - 1);
            let finding = finding.help("give one of them another name, or make them one");
            report.add(first.into_iter().fold(finding, |finding, first| finding.also(place(first), "first")));
        } else {
            let key = source.text.get(span.clone()).unwrap_or_default();
            let message = format!("`{key}` is there twice in its table");
            report.add(Finding::error(place(span), message).label("again"));
        }
    }
}
