//! The tree of an expression, with the place of every part, and its canonical text.
//!
//! It is what the parser makes and everything else walks; it judges nothing.

use std::fmt;
use std::ops::Range;

use super::measure::{Gives, Measure};
use crate::period::{Length, Period};
use crate::series::{Dimension, Unit};

/// One part of an expression.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its place in the text, in bytes.
    pub span: Range<usize>,
    /// What it is.
    pub kind: NodeKind,
}

/// Where a part stands is no part of what it is.
impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

/// What a part is.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind {
    /// A bare number.
    Number(f64),
    /// A percentage as written: 10 is 10 %.
    Percent(f64),
    /// A number with a unit.
    Quantity(f64, Unit),
    /// A calendar length.
    Length(Length),
    /// A period.
    Period(Period),
    /// The name of a label, as an argument.
    Label(String),
    /// A text to look for in items.
    Text(String),
    /// A label with a value, as an argument: `partner='CN'`.
    Pick(String, String),
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
    /// Its place in the text with its name, in bytes.
    pub span: Range<usize>,
    /// Which parameter it is for; `None` where the measure has no such parameter.
    pub slot: Option<usize>,
    /// Its value.
    pub node: Node,
}

/// An argument is the same whether it was told by its position or by its name.
impl PartialEq for Argument {
    fn eq(&self, other: &Self) -> bool {
        let named = self.slot.is_some() || self.name == other.name;
        self.slot == other.slot && named && self.node == other.node
    }
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

    /// Whether it compares two values.
    pub const fn is_comparison(self) -> bool {
        self.level() == COMPARISON
    }

    /// The comparison that says the same with its sides exchanged; any other operator is left alone.
    pub const fn mirrored(self) -> Self {
        match self {
            Self::Greater => Self::Less,
            Self::GreaterEqual => Self::LessEqual,
            Self::Less => Self::Greater,
            Self::LessEqual => Self::GreaterEqual,
            other => other,
        }
    }

    /// How tightly it binds.
    const fn level(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Greater | Self::GreaterEqual | Self::Less | Self::LessEqual | Self::Equal | Self::NotEqual => {
                COMPARISON
            }
            Self::Add | Self::Subtract => 5,
            Self::Multiply | Self::Divide => 6,
        }
    }
}

/// How tightly `not` binds, a comparison, and `-` before a value.
const NOT: u8 = 3;
const COMPARISON: u8 = 4;
const NEGATE: u8 = 7;

impl Node {
    /// The measures in it, in the order of the text.
    pub fn measures(&self) -> Vec<(&'static Measure, &Range<usize>)> {
        match &self.kind {
            NodeKind::Measure(measure, arguments) => {
                let inner = arguments.iter().flat_map(|argument| argument.node.measures());
                std::iter::once((*measure, &self.span)).chain(inner).collect()
            }
            NodeKind::Not(inner) | NodeKind::Negate(inner) => inner.measures(),
            NodeKind::Binary(_, left, right) => left.measures().into_iter().chain(right.measures()).collect(),
            NodeKind::Number(_)
            | NodeKind::Percent(_)
            | NodeKind::Quantity(..)
            | NodeKind::Length(_)
            | NodeKind::Period(_)
            | NodeKind::Label(_)
            | NodeKind::Text(_)
            | NodeKind::Pick(..) => Vec::new(),
        }
    }

    /// Whether its value is a change rather than a level, which is what the sign of a ratio is for: what a
    /// measure of changes gives, and the difference of two values.
    pub fn is_change(&self) -> bool {
        match &self.kind {
            NodeKind::Measure(measure, arguments) => match measure.gives {
                Gives::Ratio => true,
                Gives::Argument => arguments.iter().any(|argument| argument.node.is_change()),
                Gives::Quantity | Gives::Share | Gives::Count | Gives::Score | Gives::Time | Gives::Truth => false,
            },
            NodeKind::Binary(Operator::Subtract, left, right) if !left.is_literal() && !right.is_literal() => true,
            NodeKind::Binary(Operator::Divide, left, right) => left.is_change() && right.is_literal(),
            NodeKind::Binary(_, left, right) => left.is_change() || right.is_change(),
            NodeKind::Negate(inner) => inner.is_change(),
            NodeKind::Not(_)
            | NodeKind::Number(_)
            | NodeKind::Percent(_)
            | NodeKind::Quantity(..)
            | NodeKind::Length(_)
            | NodeKind::Period(_)
            | NodeKind::Label(_)
            | NodeKind::Text(_)
            | NodeKind::Pick(..) => false,
        }
    }

    /// Whether it says the same of every series: a number, a time, a period, with or without a minus sign.
    pub fn is_literal(&self) -> bool {
        match &self.kind {
            NodeKind::Number(_)
            | NodeKind::Percent(_)
            | NodeKind::Quantity(..)
            | NodeKind::Length(_)
            | NodeKind::Period(_) => true,
            NodeKind::Negate(inner) => inner.is_literal(),
            NodeKind::Label(_)
            | NodeKind::Text(_)
            | NodeKind::Pick(..)
            | NodeKind::Measure(..)
            | NodeKind::Not(_)
            | NodeKind::Binary(..) => false,
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
            NodeKind::Number(value) => f.write_str(&plain(*value)),
            NodeKind::Percent(percent) => write!(f, "{}%", plain(*percent)),
            NodeKind::Quantity(value, unit) => write!(f, "{} {}", plain(*value), unit_word(unit)),
            NodeKind::Length(length) => write!(f, "{length}"),
            NodeKind::Period(period) => write!(f, "{period}"),
            NodeKind::Label(label) => f.write_str(&label_word(label)),
            NodeKind::Text(text) => f.write_str(&quoted(text)),
            NodeKind::Pick(label, value) => write!(f, "{}={}", label_word(label), quoted(value)),
            NodeKind::Measure(measure, arguments) => print_measure(f, measure, arguments),
            NodeKind::Not(inner) => bracketed(f, outer > NOT, |f| {
                f.write_str("not ")?;
                inner.print(f, NOT)
            }),
            NodeKind::Negate(inner) => bracketed(f, outer > NEGATE, |f| {
                f.write_str("-")?;
                inner.print(f, NEGATE)
            }),
            NodeKind::Binary(operator, left, right) => {
                let level = operator.level();
                bracketed(f, outer > level, |f| {
                    // A comparison takes no other as its operand, on either side.
                    left.print(f, if operator.is_comparison() { level + 1 } else { level })?;
                    write!(f, " {} ", operator.text())?;
                    right.print(f, level + 1)
                })
            }
        }
    }
}

/// A label's name, bare where it can be.
fn label_word(label: &str) -> String {
    let word = label.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && label.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !matches!(label, "and" | "or" | "not");
    if word { label.to_owned() } else { quoted(label) }
}

/// A text in quotes that it does not hold itself.
fn quoted(text: &str) -> String {
    if text.contains('\'') { format!("\"{text}\"") } else { format!("'{text}'") }
}

/// Arguments in the order of the parameters, by position where that says which they are.
fn print_measure(f: &mut fmt::Formatter<'_>, measure: &Measure, arguments: &[Argument]) -> fmt::Result {
    f.write_str(measure.name)?;
    if arguments.is_empty() {
        return Ok(());
    }
    let mut ordered: Vec<&Argument> = arguments.iter().collect();
    // What the measure has no parameter for stands behind, as it was written.
    ordered.sort_by_key(|argument| (argument.slot.is_none(), argument.slot));
    for (position, argument) in ordered.iter().enumerate() {
        f.write_str(if position == 0 { "(" } else { ", " })?;
        let by_position = measure.slot(None, position, arguments.len());
        let parameter = argument.slot.and_then(|slot| measure.parameters.get(slot));
        match (parameter, &argument.name) {
            (Some(_), _) if argument.slot == by_position => {}
            (Some(parameter), _) => write!(f, "{}=", parameter.name)?,
            (None, Some(name)) => write!(f, "{name}=")?,
            (None, None) => {}
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

/// The shortest text that is read as this number again.
pub fn plain(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-6..1e15).contains(&magnitude) { format!("{value:e}") } else { format!("{value}") }
}

/// A unit as an expression writes it; the words for people are no unit's name (`index points`), and `%`
/// behind a number makes a ratio.
pub fn unit_word(unit: &Unit) -> String {
    match unit.dimension() {
        Dimension::Count => "count".to_owned(),
        Dimension::Index => "index".to_owned(),
        Dimension::Percent => "percent".to_owned(),
        Dimension::Mass | Dimension::Money(_) | Dimension::Price(_) | Dimension::Rate(..) => unit.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::parse::parse;
    use super::super::testing::trees;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(parse(text).unwrap().to_string(), expected, "{text}");
    }

    #[test]
    fn the_canonical_text() {
        check("declines>=2", "declines >= 2");
        check("  yoy <  - 25 % ", "yoy < -25%");
        check("declines(tol = 5%) ≥ 2", "declines(5%) >= 2");
        check("lag(n=2, expr=change) > 0%", "lag(change, 2) > 0%");
        check("lag(expr=change) > 0%", "lag(expr=change) > 0%");
        check("lag(n=3) > 1t", "lag(3) > 1 t");
        check("yoy() > 0%", "yoy > 0%");
        check("((value)) > ((1 + 2)) * 3 t", "value > (1 + 2) * 3 t");
        check("(value * 2) / 3 > 1 t", "value * 2 / 3 > 1 t");
        check("value / (2 * 3) > 1 t", "value / (2 * 3) > 1 t");
        check("not not (rises > 1 and yoy > 1%) or rises > 2", "not not (rises > 1 and yoy > 1%) or rises > 2");
        check("(rises > 1 or rises > 2) and rises > 3", "(rises > 1 or rises > 2) and rises > 3");
        check("rises > 1 or (rises > 2 or rises > 3)", "rises > 1 or (rises > 2 or rises > 3)");
        check("-(-1) < - value", "--1 < -value");
        check("value > 1e300 index", "value > 1e300 index");
        check("value > 1_000.50 bnUSD", "value > 1000.5 bnUSD");
        check("value > 5 percent", "value > 5 percent");
        check("value > 5 items", "value > 5 count");
        check("value < 0.1%", "value < 0.1%");
        check("change_since(2025-Q3) > 33.3%", "change_since(2025-Q3) > 33.3%");
        check("share( partner=\"CN\" ) > 70%", "share(partner='CN') > 70%");
        check("top_share(k = 2, label = 'partner') > 70%", "top_share(partner, 2) > 70%");
        check(r#"hhi("trade's flow") > 0.5"#, r#"hhi("trade's flow") > 0.5"#);
        check("share('a b'='c') > 1%", "share('a b'='c') > 1%");
    }

    proptest! {
        #[test]
        fn printing_then_parsing_gives_the_same_tree(tree in trees()) {
            let text = tree.to_string();
            let read = parse(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
            prop_assert_eq!(&read, &tree, "{}", text);
            prop_assert_eq!(read.to_string(), text);
        }
    }
}
