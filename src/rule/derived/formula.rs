//! A formula over named inputs: from its text to a tree.
//!
//! ```text
//! sum     = product { ( "+" | "-" ) product }
//! product = unary { ( "*" | "/" ) unary }
//! unary   = "-" unary | atom
//! atom    = number | percent | quantity | input | function "(" input ")" | "(" sum ")"
//! ```
//! It has no conditions: what is alarming about a figure is for rules to say.

use std::ops::Range;

use super::super::expr::ExprError;
use super::super::syntax::Operator;
use super::super::token::{Token, TokenKind, tokens};
use crate::base::limits::{EXPRESSION_DEPTH_MAX, EXPRESSION_PARTS_MAX};
use crate::base::text::{list, nearest, printable, shorten};
use crate::series::Unit;

/// One part of a formula.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its place in the text, in bytes.
    pub span: Range<usize>,
    /// What it is.
    pub kind: PartKind,
}

/// What a part is.
#[derive(Clone, Debug)]
pub enum PartKind {
    /// A plain number.
    Number(f64),
    /// A number with a unit.
    Quantity(f64, Unit),
    /// The figure of an input, by its position.
    Input(usize),
    /// What a function makes of an input's figures.
    Call(Function, usize),
    /// `-x`.
    Negate(Box<Part>),
    /// `x op y`.
    Binary(Operator, Box<Part>, Box<Part>),
}

/// What can be made of an input's figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// The mean of the shorter periods' figures.
    Mean,
    /// The last of them; of a daily series by day, the last on or before the day.
    Last,
    /// Their sum.
    Sum,
    /// The least of them.
    Min,
    /// The largest.
    Max,
    /// A year-to-date figure less that of the month before.
    Monthly,
}

impl Function {
    /// Every function.
    pub const ALL: [Self; 6] = [Self::Mean, Self::Last, Self::Sum, Self::Min, Self::Max, Self::Monthly];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Last => "last",
            Self::Sum => "sum",
            Self::Min => "min",
            Self::Max => "max",
            Self::Monthly => "monthly",
        }
    }
}

const CLOSE: &str = "close the bracket: write `)`";

/// What a function takes.
fn takes_one(function: &str, input: &str) -> String {
    format!("`{function}` takes one input and no more, such as `{function}({input})`")
}

/// Reads a formula over inputs of these names.
pub fn read(text: &str, inputs: &[&str]) -> Result<Part, ExprError> {
    let mut reader = Reader { tokens: tokens(text)?, at: 0, depth: 0, parts: 0, names_input: false, inputs };
    if reader.peek().kind == TokenKind::End {
        let error = ExprError::new(0..text.len(), "the formula is empty", "expected an input's name");
        return Err(error.with_help(format!("calculate from {}", list(inputs.iter().copied()))));
    }
    let part = reader.sum()?;
    if reader.peek().kind != TokenKind::End {
        return Err(reader.unexpected("expected `+`, `-`, `*`, `/` or the end"));
    }
    if !reader.names_input {
        let error = ExprError::new(part.span, "the formula names no input", "the same at any time");
        return Err(error.with_help(format!("calculate from {}", list(inputs.iter().copied()))));
    }
    Ok(part)
}

struct Reader<'a> {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    parts: usize,
    names_input: bool,
    inputs: &'a [&'a str],
}

impl Reader<'_> {
    fn peek(&self) -> &Token {
        // The last token is the end, which is never passed.
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn takes(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek().kind, TokenKind::Sign(found) if found == sign);
        self.at += usize::from(found);
        found
    }

    fn part(&mut self, span: Range<usize>, kind: PartKind) -> Result<Part, ExprError> {
        self.parts += 1;
        if self.parts > EXPRESSION_PARTS_MAX {
            let message = format!("a formula has at most {EXPRESSION_PARTS_MAX} parts");
            return Err(ExprError::new(span, message, "too many numbers, inputs and operators up to here")
                .with_help("calculate a part of it as a series of its own"));
        }
        Ok(Part { span, kind })
    }

    fn deeper(&mut self, inner: fn(&mut Self) -> Result<Part, ExprError>) -> Result<Part, ExprError> {
        if self.depth >= EXPRESSION_DEPTH_MAX {
            let message = format!("a formula has at most {EXPRESSION_DEPTH_MAX} levels");
            let error = ExprError::new(self.peek().span.clone(), message, "too deep");
            return Err(error.with_help("take brackets away, or calculate a part of it as a series of its own"));
        }
        self.depth += 1;
        let part = inner(self);
        self.depth -= 1;
        part
    }

    fn sum(&mut self) -> Result<Part, ExprError> {
        self.chain(Self::product, &[("+", Operator::Add), ("-", Operator::Subtract)])
    }

    fn product(&mut self) -> Result<Part, ExprError> {
        self.chain(Self::unary, &[("*", Operator::Multiply), ("/", Operator::Divide)])
    }

    fn chain(
        &mut self,
        operand: fn(&mut Self) -> Result<Part, ExprError>,
        operators: &[(&str, Operator)],
    ) -> Result<Part, ExprError> {
        let mut left = operand(self)?;
        while let Some((_, operator)) = operators.iter().find(|(sign, _)| self.takes(sign)) {
            let right = operand(self)?;
            let span = left.span.start..right.span.end;
            left = self.part(span, PartKind::Binary(*operator, Box::new(left), Box::new(right)))?;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Part, ExprError> {
        let start = self.peek().span.start;
        if !self.takes("-") {
            return self.atom();
        }
        let inner = self.deeper(Self::unary)?;
        self.part(start..inner.span.end, PartKind::Negate(Box::new(inner)))
    }

    fn atom(&mut self) -> Result<Part, ExprError> {
        let Token { kind, span } = self.peek().clone();
        let kind = match kind {
            TokenKind::Number(number) => PartKind::Number(number),
            TokenKind::Percent(percent) => PartKind::Number(percent / 100.0),
            TokenKind::Quantity(value, unit) => PartKind::Quantity(value, unit),
            TokenKind::Name(name) => return self.named(&name, span),
            TokenKind::Sign("(") => return self.deeper(Self::bracketed),
            TokenKind::Text(_) | TokenKind::Length(_) | TokenKind::Period(_) | TokenKind::Sign(_) | TokenKind::End => {
                return Err(self.unexpected("expected an input, a number or a bracket"));
            }
        };
        self.at += 1;
        self.part(span, kind)
    }

    fn bracketed(&mut self) -> Result<Part, ExprError> {
        let start = self.peek().span.start;
        self.at += 1;
        let inner = self.sum()?;
        let end = self.peek().span.end;
        if !self.takes(")") {
            return Err(self.unexpected("expected `)`").with_help(CLOSE));
        }
        Ok(Part { span: start..end, kind: inner.kind })
    }

    /// An input, or a function of one.
    fn named(&mut self, name: &str, span: Range<usize>) -> Result<Part, ExprError> {
        self.at += 1;
        if !self.takes("(") {
            let input = self.input(name, &span)?;
            return self.part(span, PartKind::Input(input));
        }
        let Some(function) = Function::ALL.into_iter().find(|function| function.name() == name) else {
            let names = || Function::ALL.into_iter().map(Function::name);
            let help = nearest(name, names()).map_or_else(
                || format!("the functions are {}", list(names())),
                |near| format!("did you mean `{near}`?"),
            );
            let message = format!("there is no function `{}`", shorten(&printable(name), 40));
            return Err(ExprError::new(span, message, "unknown").with_help(help));
        };
        let Token { kind: TokenKind::Name(input), span: of } = self.peek().clone() else {
            let help = takes_one(name, self.inputs.first().unwrap_or(&"x"));
            return Err(self.unexpected("expected the name of an input").with_help(help));
        };
        let position = self.input(&input, &of)?;
        self.at += 1;
        let end = self.peek().span.end;
        if !self.takes(")") {
            let ends = self.peek().kind == TokenKind::End;
            let help = if ends { CLOSE.to_owned() } else { takes_one(name, &input) };
            return Err(self.unexpected("expected `)`").with_help(help));
        }
        self.part(span.start..end, PartKind::Call(function, position))
    }

    fn input(&mut self, name: &str, span: &Range<usize>) -> Result<usize, ExprError> {
        self.names_input = true;
        if let Some(position) = self.inputs.iter().position(|input| *input == name) {
            return Ok(position);
        }
        let help = match nearest(name, self.inputs.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the inputs are {}", list(self.inputs.iter().copied())),
        };
        let message = format!("`from` has no input `{}`", shorten(&printable(name), 40));
        Err(ExprError::new(span.clone(), message, "unknown").with_help(help))
    }

    fn unexpected(&self, expected: &str) -> ExprError {
        let token = self.peek();
        let found = match &token.kind {
            TokenKind::End => "the formula ends too early".to_owned(),
            TokenKind::Sign(sign) => format!("`{sign}` has no place here"),
            TokenKind::Name(name) => format!("`{}` has no place here", printable(name)),
            TokenKind::Text(_) => "a text has no place here".to_owned(),
            TokenKind::Length(_) => "a time has no place here".to_owned(),
            TokenKind::Period(_) => "a period has no place here".to_owned(),
            TokenKind::Number(_) | TokenKind::Percent(_) | TokenKind::Quantity(..) => {
                "a number has no place here".to_owned()
            }
        };
        ExprError::new(token.span.clone(), found, expected).with_help(self.instead())
    }

    /// What to write where a token has no place.
    fn instead(&self) -> String {
        match self.peek().kind {
            TokenKind::Sign(">" | ">=" | "<" | "<=" | "=" | "==" | "!=") => {
                "a formula has no conditions: they stand in a rule on its series".to_owned()
            }
            TokenKind::Sign(_) => "a sign stands between two values".to_owned(),
            TokenKind::End => format!("write what is missing, such as `{}`", self.inputs.first().unwrap_or(&"x")),
            TokenKind::Name(_) | TokenKind::Number(_) | TokenKind::Percent(_) | TokenKind::Quantity(..) => {
                "between two values stands `+`, `-`, `*` or `/`".to_owned()
            }
            TokenKind::Text(_) | TokenKind::Length(_) | TokenKind::Period(_) => {
                format!("a formula has numbers, quantities and the inputs {}", list(self.inputs.iter().copied()))
            }
        }
    }
}
