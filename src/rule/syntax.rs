//! The tree of an expression, with the place of every part.
//!
//! It is what the parser makes and everything else walks; it judges nothing.

use std::fmt;
use std::ops::Range;

use super::measure::Measure;
use crate::period::{Length, Period};
use crate::series::Unit;

/// One part of an expression.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its place in the text, in bytes.
    pub span: Range<usize>,
    /// What it is.
    pub kind: NodeKind,
}

/// What a part is.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// A bare number.
    Number(f64),
    /// A percentage, as a ratio.
    Percent(f64),
    /// A number with a unit.
    Quantity(f64, Unit),
    /// A calendar length.
    Length(Length),
    /// A period.
    Period(Period),
    /// A measure with its arguments.
    Measure(&'static Measure, Vec<Argument>),
    /// `not x`.
    Not(Box<Node>),
    /// `-x`.
    Negate(Box<Node>),
    /// `x op y`.
    Binary(Operator, Box<Node>, Box<Node>),
}

/// One argument, by position or by name.
#[derive(Clone, Debug)]
pub struct Argument {
    /// The parameter that it names.
    pub name: Option<String>,
    /// Its value.
    pub node: Node,
}

/// An operator between two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `or`
    Or,
    /// `and`
    And,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
}

impl Operator {
    /// As written.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Or => "or",
            Self::And => "and",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
        }
    }

    /// The comparison of that sign.
    pub fn comparison(sign: &str) -> Option<Self> {
        use Operator::{Equal, Greater, GreaterEqual, Less, LessEqual, NotEqual};
        [Greater, GreaterEqual, Less, LessEqual, Equal, NotEqual].into_iter().find(|operator| operator.text() == sign)
    }

    /// How tightly it binds.
    const fn level(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Greater | Self::GreaterEqual | Self::Less | Self::LessEqual | Self::Equal | Self::NotEqual => 4,
            Self::Add | Self::Subtract => 5,
            Self::Multiply | Self::Divide => 6,
        }
    }
}

/// Canonical: one space around operators, brackets only where they are needed. Two texts that print the
/// same mean the same.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.print(f, 0)
    }
}

impl Node {
    fn print(&self, f: &mut fmt::Formatter<'_>, outer: u8) -> fmt::Result {
        match &self.kind {
            NodeKind::Number(value) => write!(f, "{value}"),
            NodeKind::Percent(ratio) => write!(f, "{}%", trimmed(ratio * 100.0)),
            NodeKind::Quantity(value, unit) => write!(f, "{value} {unit}"),
            NodeKind::Length(length) => write!(f, "{length}"),
            NodeKind::Period(period) => write!(f, "{period}"),
            NodeKind::Measure(measure, arguments) => print_measure(f, measure, arguments),
            NodeKind::Not(inner) => bracketed(f, outer > 3, |f| {
                f.write_str("not ")?;
                inner.print(f, 3)
            }),
            NodeKind::Negate(inner) => bracketed(f, outer > 7, |f| {
                f.write_str("-")?;
                inner.print(f, 8)
            }),
            NodeKind::Binary(operator, left, right) => {
                let level = operator.level();
                bracketed(f, outer > level, |f| {
                    // A comparison takes no other as its operand, on either side.
                    left.print(f, if level == 4 { 5 } else { level })?;
                    write!(f, " {} ", operator.text())?;
                    right.print(f, level + 1)
                })
            }
        }
    }
}

fn print_measure(f: &mut fmt::Formatter<'_>, measure: &Measure, arguments: &[Argument]) -> fmt::Result {
    f.write_str(measure.name)?;
    if arguments.is_empty() {
        return Ok(());
    }
    for (index, argument) in arguments.iter().enumerate() {
        f.write_str(if index == 0 { "(" } else { ", " })?;
        if let Some(name) = &argument.name {
            write!(f, "{name}=")?;
        }
        write!(f, "{}", argument.node)?;
    }
    f.write_str(")")
}

fn bracketed(
    f: &mut fmt::Formatter<'_>,
    brackets: bool,
    inner: impl FnOnce(&mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    if brackets {
        f.write_str("(")?;
    }
    inner(f)?;
    if brackets { f.write_str(")") } else { Ok(()) }
}

/// A percentage without the noise of dividing by a hundred and multiplying again.
fn trimmed(percent: f64) -> f64 {
    let rounded = (percent * 1e9).round() / 1e9;
    if rounded.is_finite() { rounded } else { percent }
}
