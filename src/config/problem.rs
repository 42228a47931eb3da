//! What is wrong with a config, where, and what to write instead.
//!
//! Problems are collected in any order and told in the order of files and places, with secrets masked.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde_json::json;

use super::mask::Masked;
use super::setup::Written;
use super::source::{Place, Sources};
use crate::base::secret::Secret;
use crate::base::text::{counted, printable};

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gravity {
    /// The config cannot be used.
    Error,
    /// It can, but this is surely not meant.
    Warning,
}

impl Gravity {
    const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A problem as it is found, before the whole text and its secrets are known.
#[derive(Debug)]
pub struct Finding {
    gravity: Gravity,
    title: String,
    place: Option<Place>,
    path: String,
    label: String,
    help: Option<String>,
    also: Option<(Place, String)>,
}

impl Finding {
    /// Something that must be mended.
    pub fn error(place: Place, title: impl AsRef<str>) -> Self {
        Self::new(Gravity::Error, Some(place), title.as_ref())
    }

    /// Something that is surely not meant.
    pub fn warning(place: Place, title: impl AsRef<str>) -> Self {
        Self::new(Gravity::Warning, Some(place), title.as_ref())
    }

    /// Something that must be mended about a file as a whole.
    pub fn file_error(path: &Path, title: impl AsRef<str>) -> Self {
        Self { path: printable(&path.display().to_string()), ..Self::new(Gravity::Error, None, title.as_ref()) }
    }

    /// Something about a file as a whole that is surely not meant.
    pub fn file_warning(path: &Path, title: impl AsRef<str>) -> Self {
        Self { path: printable(&path.display().to_string()), ..Self::new(Gravity::Warning, None, title.as_ref()) }
    }

    fn new(gravity: Gravity, place: Option<Place>, title: &str) -> Self {
        let title = printable(title);
        Self { gravity, title, place, path: String::new(), label: String::new(), help: None, also: None }
    }

    /// What stands under the underlining.
    pub fn label(mut self, label: impl AsRef<str>) -> Self {
        self.label = printable(label.as_ref());
        self
    }

    /// What to write instead.
    pub fn help(mut self, help: impl AsRef<str>) -> Self {
        self.help = Some(printable(help.as_ref()));
        self
    }

    /// The nearest known name as help, where one is near.
    pub fn near<'a>(self, name: &str, names: impl IntoIterator<Item = &'a str>) -> Self {
        match crate::base::text::nearest(name, names) {
            Some(near) => self.help(format!("did you mean `{near}`?")),
            None => self,
        }
    }

    /// The nearest known name as help, else all that there are.
    pub fn near_or_all<'a>(self, name: &str, names: impl IntoIterator<Item = &'a str>, all: &str) -> Self {
        let names: Vec<&str> = names.into_iter().collect();
        let told = self.near(name, names.iter().copied());
        if told.help.is_some() { told } else { told.help(format!("{all} {}", crate::base::text::list(names))) }
    }

    /// Another place that belongs to it.
    pub fn also(mut self, place: Place, label: impl AsRef<str>) -> Self {
        self.also = Some((place, printable(label.as_ref())));
        self
    }
}

/// Where problems and the places of secrets are collected.
#[derive(Debug, Default)]
pub struct Report {
    findings: RefCell<Vec<Finding>>,
    secrets: RefCell<Vec<Place>>,
    opened: RefCell<Vec<(Place, Secret)>>,
    expected: RefCell<Vec<String>>,
}

impl Report {
    /// Takes a problem down.
    pub fn add(&self, finding: Finding) {
        self.findings.borrow_mut().push(finding);
    }

    /// Takes the names down of which one was expected where another stands.
    pub fn expect<'a>(&self, names: impl IntoIterator<Item = &'a str>) {
        self.expected.borrow_mut().extend(names.into_iter().map(ToOwned::to_owned));
    }

    /// All names that were expected where others stand.
    pub fn expected(self) -> Vec<String> {
        self.expected.into_inner()
    }

    /// What stands there is never to be shown.
    pub fn hide(&self, place: Place) {
        self.secrets.borrow_mut().push(place);
    }

    /// The secret that a value is, or points to, was read.
    pub fn opened(&self, place: Place, secret: Secret) {
        self.opened.borrow_mut().push((place, secret));
    }

    /// Whether what stands there is never to be shown.
    pub fn is_hidden(&self, place: Place) -> bool {
        self.secrets.borrow().contains(&place)
    }

    /// Whether what stands there is a secret, or points to one.
    pub fn is_opened(&self, place: Place) -> bool {
        self.opened.borrow().iter().any(|(opened, _)| *opened == place)
    }

    /// The secrets that were read of what stands there, in the order of their places.
    pub fn opened_within(&self, place: Place) -> Vec<Secret> {
        let opened = self.opened.borrow();
        let is_within = |at: &Place| at.file == place.file && place.start <= at.start && at.end <= place.end;
        let mut within: Vec<_> = opened.iter().filter(|(at, _)| is_within(at)).collect();
        within.sort_by_key(|(at, _)| *at);
        within.into_iter().map(|(_, secret)| secret.clone()).collect()
    }

    /// What another report hides is hidden here too.
    pub fn hide_all(&self, other: Self) {
        self.secrets.borrow_mut().extend(other.secrets.into_inner());
    }

    /// Whether anything must be mended.
    pub fn has_errors(&self) -> bool {
        self.findings.borrow().iter().any(|finding| finding.gravity == Gravity::Error)
    }

    /// The files without what is never to be shown, as far as that is known by now.
    pub fn shown(&self, sources: &Sources) -> Vec<Written> {
        let masked = self.masked(sources).into_iter().zip(&sources.0);
        masked.map(|(masked, source)| Written { path: source.path.clone(), text: masked.text }).collect()
    }

    fn masked(&self, sources: &Sources) -> Vec<Masked> {
        let secrets = self.secrets.borrow();
        let hidden = |file: usize| -> Vec<Range<usize>> {
            secrets.iter().filter(|place| place.file == file).map(|place| place.start..place.end).collect()
        };
        let sources = sources.0.iter().enumerate();
        sources.map(|(file, source)| Masked::new(&source.text, &hidden(file))).collect()
    }

    /// The problems in the order of files and places.
    pub fn finish(self, sources: &Sources) -> Problems {
        let masked: Vec<Arc<Masked>> = self.masked(sources).into_iter().map(Arc::new).collect();
        let excerpt = |place: Place, label: String| {
            let source = sources.of(place);
            let (line, column) = source.position(place.start);
            let text = Arc::clone(&masked[place.file]);
            let path = printable(&source.path.display().to_string());
            Excerpt { path, span: text.place(place.start..place.end), text, line, column, label }
        };
        let mut findings = self.findings.into_inner();
        findings.sort_by_key(|finding| finding.place);
        let problem = |finding: Finding| Problem {
            gravity: finding.gravity,
            title: finding.title,
            path: finding.path,
            help: finding.help,
            excerpt: finding.place.map(|place| excerpt(place, finding.label)),
            also: finding.also.map(|(place, label)| excerpt(place, label)),
        };
        Problems(findings.into_iter().map(problem).collect())
    }
}

/// A place as it is shown.
#[derive(Clone)]
struct Excerpt {
    path: String,
    text: Arc<Masked>,
    span: Range<usize>,
    line: usize,
    column: usize,
    label: String,
}

/// One thing that is wrong, and where.
#[derive(Clone)]
pub struct Problem {
    gravity: Gravity,
    title: String,
    path: String,
    help: Option<String>,
    excerpt: Option<Excerpt>,
    also: Option<Excerpt>,
}

impl Problem {
    /// For a person, the place underlined.
    pub fn render(&self, colour: bool) -> String {
        let level = match self.gravity {
            Gravity::Error => Level::ERROR,
            Gravity::Warning => Level::WARNING,
        };
        let mut group = level.primary_title(self.title.as_str()).elements(self.snippets());
        if self.excerpt.is_none() {
            group = group.element(Origin::path(self.path.as_str()));
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group as Group<'_>])
    }

    /// The places, those of one file together.
    fn snippets(&self) -> Vec<Snippet<'_, annotate_snippets::Annotation<'_>>> {
        let primary = self.excerpt.iter().map(|excerpt| (excerpt, AnnotationKind::Primary));
        let context = self.also.iter().map(|excerpt| (excerpt, AnnotationKind::Context));
        let mut snippets: Vec<(&str, Snippet<'_, _>)> = Vec::new();
        for (excerpt, kind) in primary.chain(context) {
            let label = Some(excerpt.label.as_str()).filter(|label| !label.is_empty());
            let annotation = kind.span(excerpt.span.clone()).label(label);
            match snippets.pop() {
                Some((path, snippet)) if path == excerpt.path => snippets.push((path, snippet.annotation(annotation))),
                other => {
                    snippets.extend(other);
                    let snippet = Snippet::source(excerpt.text.text.as_str()).path(excerpt.path.as_str());
                    snippets.push((&excerpt.path, snippet.annotation(annotation)));
                }
            }
        }
        snippets.into_iter().map(|(_, snippet)| snippet).collect()
    }

    /// For a program.
    pub fn json(&self) -> serde_json::Value {
        let excerpt = self.excerpt.as_ref();
        json!({
            "severity": self.gravity.name(),
            "file": excerpt.map_or(&self.path, |excerpt| &excerpt.path),
            "line": excerpt.map(|excerpt| excerpt.line),
            "column": excerpt.map(|excerpt| excerpt.column),
            "message": self.title,
            "label": excerpt.map(|excerpt| &excerpt.label).filter(|label| !label.is_empty()),
            "help": self.help,
        })
    }

    /// In a line, without its place: what it is, and what to write instead.
    pub fn brief(&self) -> String {
        let label = self.excerpt.as_ref().map(|excerpt| &excerpt.label).filter(|label| !label.is_empty());
        let parts = [Some(&self.title), label, self.help.as_ref()];
        parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join("; ")
    }

    /// Whether it must be mended.
    pub fn is_error(&self) -> bool {
        self.gravity == Gravity::Error
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.json())
    }
}

/// Everything that is wrong with a config.
#[derive(Debug)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Each, in the order of files and places.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    /// Each, given away.
    pub fn into_vec(self) -> Vec<Problem> {
        self.0
    }

    /// For a person: all of them, and how many there are.
    pub fn render(&self, colour: bool) -> String {
        let mut parts: Vec<String> = self.iter().map(|problem| problem.render(colour)).collect();
        let errors = self.iter().filter(|problem| problem.is_error()).count();
        let warnings = match self.0.len() - errors {
            0 => String::new(),
            count => format!(", {}", counted(count, "warning")),
        };
        parts.push(format!("{}{warnings}", counted(errors, "error")));
        parts.join("\n\n")
    }
}
