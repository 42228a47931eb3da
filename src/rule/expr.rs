//! An expression as the config holds it: its text, its tree, and what can be wrong with it.
//!
//! Reading it needs no series; checking it does. Its value at a period is found elsewhere.

use std::ops::Range;

use super::check::{Grouping, check, check_group};
use super::parse::parse;
use super::syntax::{Node, NodeKind, Operator};
use crate::period::Frequency;
use crate::series::Unit;

/// An expression that was read.
#[derive(Clone, Debug)]
pub struct Expr {
    text: String,
    root: Node,
}

/// What is wrong with an expression, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExprError {
    /// The place in the text that was read, in bytes; it may be empty at the text's end.
    pub span: Range<usize>,
    /// What is wrong, in one line.
    pub message: String,
    /// What stands under the underlining: what was expected or found.
    pub label: String,
    /// What to write instead, where that can be said.
    pub help: Option<String>,
}

impl ExprError {
    /// An error without advice.
    pub fn new(span: Range<usize>, message: impl Into<String>, label: impl Into<String>) -> Self {
        Self { span, message: message.into(), label: label.into(), help: None }
    }

    /// The error with what to write instead.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// What an expression is checked against: the kind of series that its rule selects.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The series' frequency.
    pub frequency: Frequency,
    /// The series' unit; `None` while it is only known from the figures themselves.
    pub unit: Option<Option<Unit>>,
}

impl Expr {
    /// Reads an expression; the first thing that cannot be read is the error. Whether its types fit,
    /// and whether it is a condition at all, is for [`Expr::check`].
    pub fn parse(text: &str) -> Result<Self, ExprError> {
        let root = parse(text)?;
        Ok(Self { text: one_line(text), root })
    }

    /// As written, on one line.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same for every way of writing the same: for hashes.
    pub fn canonical(&self) -> String {
        self.root.to_string()
    }

    /// As written, in brackets where it could not stand between two `and`s without.
    pub(super) fn bracketed(&self) -> String {
        match &self.root.kind {
            // A part in brackets of its own begins before its first operand.
            NodeKind::Binary(Operator::Or, left, _) if left.span.start == self.root.span.start => {
                format!("({})", self.text)
            }
            _ => self.text.clone(),
        }
    }

    /// The names of the measures in it, in the order of the text.
    pub fn measures(&self) -> Vec<&'static str> {
        self.root.measures().into_iter().map(|(measure, _)| measure.name).collect()
    }

    /// Whether what it says changes with the clock alone (`age`, `overdue`).
    pub fn uses_time(&self) -> bool {
        self.root.measures().iter().any(|(measure, _)| measure.is_timely())
    }

    /// Where it asks for the feed's release calendar, in bytes of the text that was read.
    pub fn asks_for_release(&self) -> Option<Range<usize>> {
        self.root.measures().into_iter().find(|(measure, _)| measure.name == "overdue").map(|(_, span)| span.clone())
    }

    /// The first measure of items in it, with its place in the text that was read.
    pub fn asks_for_items(&self) -> Option<(&'static str, Range<usize>)> {
        let mut measures = self.root.measures().into_iter();
        measures.find(|(measure, _)| measure.is_of_items()).map(|(measure, span)| (measure.name, span.clone()))
    }

    /// Whether it asks for what has come since the last look (`new`).
    pub fn asks_for_news(&self) -> bool {
        self.root.measures().iter().any(|(measure, _)| measure.is_of_news())
    }

    /// The first measure in it that asks for anything else, with its place.
    pub fn besides_news(&self) -> Option<(&'static str, Range<usize>)> {
        let mut measures = self.root.measures().into_iter();
        measures.find(|(measure, _)| !measure.is_of_news()).map(|(measure, span)| (measure.name, span.clone()))
    }

    /// The tree.
    pub(super) const fn root(&self) -> &Node {
        &self.root
    }

    /// Checks types, units, arguments and periods against the series: all that is wrong, in the order
    /// of the text. The places are those in the text that was read.
    pub fn check(&self, subject: &Subject) -> Vec<ExprError> {
        check(&self.root, subject)
    }

    /// Checks what the measures of groups need: a group, and labels that tell its members apart.
    pub fn check_group(&self, grouping: Grouping<'_>) -> Vec<ExprError> {
        check_group(&self.root, grouping)
    }
}

/// A text on one line: whatever white space stands in it says nothing.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
