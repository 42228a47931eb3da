//! The thresholds of an expression: the literals that something is compared with.
//!
//! Another value in a threshold's place makes another expression; what it is good for is not known here.

use super::ExprError;
use super::expr::Expr;
use super::parse::parse;
use super::syntax::{Node, NodeKind, Operator};

/// One comparison with a literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// What is compared, in canonical form: `declines`, `change(3mo)`.
    pub subject: String,
    /// The measure, where it is one without more around it: `change`.
    pub measure: Option<&'static str>,
    /// The literal, in canonical form: `2`, `-10%`.
    pub literal: String,
}

impl Expr {
    /// Every comparison with a literal, in the order of the text, those within arguments included.
    pub fn thresholds(&self) -> Vec<Threshold> {
        let mut found = Vec::new();
        let mut root = self.root().clone();
        visit(&mut root, &mut |subject, literal| {
            let measure = match &subject.kind {
                NodeKind::Measure(measure, _) => Some(measure.name),
                _ => None,
            };
            found.push(Threshold { subject: subject.to_string(), measure, literal: literal.to_string() });
        });
        found
    }

    /// The expression with another literal as its `index`-th threshold.
    pub fn with_threshold(&self, index: usize, literal: &str) -> Result<Self, ExprError> {
        let node = parse(literal)?;
        if !is_literal(&node) {
            let label = "expected a number, a percentage, a quantity or a time";
            return Err(ExprError::new(node.span, "a threshold is a literal", label));
        }
        let mut root = self.root().clone();
        let mut at = 0;
        visit(&mut root, &mut |_, threshold| {
            if at == index {
                threshold.kind = node.kind.clone();
            }
            at += 1;
        });
        Self::parse(&root.to_string())
    }
}

/// Visits every comparison of something with a literal: that something, and the literal.
fn visit(node: &mut Node, seen: &mut impl FnMut(&Node, &mut Node)) {
    match &mut node.kind {
        NodeKind::Binary(operator, left, right) => {
            match (is_comparison(*operator), is_literal(left), is_literal(right)) {
                (true, false, true) => seen(left, right),
                (true, true, false) => seen(right, left),
                _ => {}
            }
            visit(left, seen);
            visit(right, seen);
        }
        NodeKind::Not(inner) | NodeKind::Negate(inner) => visit(inner, seen),
        NodeKind::Measure(_, arguments) => arguments.iter_mut().for_each(|argument| visit(&mut argument.node, seen)),
        NodeKind::Number(_)
        | NodeKind::Percent(_)
        | NodeKind::Quantity(..)
        | NodeKind::Length(_)
        | NodeKind::Period(_)
        | NodeKind::Label(_)
        | NodeKind::Text(_)
        | NodeKind::Pick(..) => {}
    }
}

fn is_comparison(operator: Operator) -> bool {
    Operator::comparison(operator.text()).is_some()
}

fn is_literal(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Number(_) | NodeKind::Percent(_) | NodeKind::Quantity(..) | NodeKind::Length(_) => true,
        NodeKind::Negate(inner) => is_literal(inner),
        NodeKind::Period(_)
        | NodeKind::Label(_)
        | NodeKind::Text(_)
        | NodeKind::Pick(..)
        | NodeKind::Measure(..)
        | NodeKind::Not(_)
        | NodeKind::Binary(..) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let thresholds = Expr::parse(text).unwrap().thresholds();
        thresholds
            .iter()
            .map(|found| format!("{} ({}): {}", found.subject, found.measure.unwrap_or("-"), found.literal))
            .collect()
    }

    #[test]
    fn thresholds_are_the_literals_compared_with() {
        assert_eq!(told("declines >= 2"), ["declines (declines): 2"]);
        assert_eq!(
            told("change(3mo) > 10% and not 400 t > value or value - lag > 5 t"),
            ["change(3mo) (change): 10%", "value (value): 400 t", "value - lag (-): 5 t"]
        );
        assert_eq!(told("streak(change < -5%) >= 3"), ["streak(change < -5%) (streak): 3", "change (change): -5%"]);
        assert_eq!(told("value > mean(12)"), Vec::<String>::new());
    }

    #[test]
    fn another_literal_makes_another_expression() {
        let with = |text: &str, index, literal: &str| {
            Expr::parse(text).unwrap().with_threshold(index, literal).map(|expr| expr.text().to_owned())
        };
        assert_eq!(with("declines >= 2", 0, "3").unwrap(), "declines >= 3");
        assert_eq!(with("streak(change < -5%) >= 3", 1, "-10%").unwrap(), "streak(change < -10%) >= 3");
        assert_eq!(with("400 t > value", 0, "300 t").unwrap(), "300 t > value");
        assert_eq!(with("declines >= 2", 0, "value").unwrap_err().message, "a threshold is a literal");
        assert!(with("declines >= 2", 0, "2 or").is_err());
    }
}
