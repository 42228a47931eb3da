//! What stands in a search and nowhere else: texts, and names with a text. `and`, `or`, `not` and brackets are read as in
//! any condition.

use std::ops::Range;

use super::super::ExprError;
use super::super::measure::{MEASURES, Measure};
use super::super::syntax::{Node, NodeKind};
use super::super::token::{Token, TokenKind};
use super::Parser;
use crate::base::text::{printable, shorten};

impl Parser {
    /// Whether a name with a `=` comes.
    fn is_named(&self) -> bool {
        matches!(self.tokens.get(self.at + 1).map(|token| &token.kind), Some(TokenKind::Sign("=")))
    }

    /// Whether what looks like a named argument is a part of a search: `type='Rule'`.
    pub(super) fn is_picked(&self, measure: &Measure) -> bool {
        let is_parameter = |name: &str| measure.parameters.iter().any(|parameter| parameter.name == name);
        let other = matches!(&self.peek().kind, TokenKind::Name(name) if !is_parameter(name));
        measure.searches() && other && self.is_named()
    }

    /// Whether a part of a search comes that stands nowhere else.
    pub(super) fn is_sought(&self) -> bool {
        match &self.peek().kind {
            TokenKind::Text(_) => true,
            TokenKind::Name(name) => self.is_named() || is_bare(name),
            _ => false,
        }
    }

    /// A text to look for, or `type='Rule'`.
    pub(super) fn sought(&mut self) -> Result<Node, ExprError> {
        let Token { kind, span } = self.peek().clone();
        match kind {
            TokenKind::Text(text) => {
                self.at += 1;
                self.node(span, NodeKind::Text(text))
            }
            TokenKind::Name(name) if !self.is_named() => Err(unquoted(&name, span)),
            _ => self.picked(span),
        }
    }

    /// `type='Rule'` in a search.
    fn picked(&mut self, span: Range<usize>) -> Result<Node, ExprError> {
        let Some(label) = self.argument_name() else { return Err(self.unexpected("expected a text in quotes")) };
        match self.peek().kind.clone() {
            TokenKind::Text(value) => {
                let span = span.start..self.take().span.end;
                self.node(span, NodeKind::Pick(label, value))
            }
            _ => {
                let help = format!("write it in quotes: {}='VALUE'", printable(&label));
                Err(self.unexpected("expected a text in quotes").with_help(help))
            }
        }
    }
}

/// Whether a word of a search is no measure, and so no mistake of another kind.
fn is_bare(name: &str) -> bool {
    !matches!(name, "and" | "or" | "not") && !MEASURES.iter().any(|measure| measure.name == name)
}

fn unquoted(name: &str, span: Range<usize>) -> ExprError {
    let name = shorten(&printable(name), 40);
    let error = ExprError::new(span, format!("`{name}` is no text to look for"), "expected a text in quotes");
    error.with_help(format!("write it in quotes: \"{name}\""))
}
