//! Whether an expression fits its series: types, units, arguments, periods. It finds all that is wrong.
//!
//! Every figure is in the series' unit, and every threshold converts to it; so a quantity needs no unit
//! of its own here.

mod argument;
mod misfit;

use super::expr::{ExprError, Subject};
use super::measure::{Gives, Measure};
use super::syntax::{Argument, Node, NodeKind, Operator};
use crate::series::Unit;

/// All that is wrong with a condition, in the order of the text.
pub fn check(root: &Node, subject: &Subject) -> Vec<ExprError> {
    let mut check = Check { subject, errors: Vec::new() };
    check.condition(root);
    check.errors.sort_by_key(|error| (error.span.start, error.span.end));
    check.errors
}

/// What kind of value a part has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    /// Told with a percent sign.
    Ratio,
    /// A figure in the series' unit.
    Figure,
    /// A number of periods.
    Count,
    /// A number that the rule itself writes.
    Number,
    /// A condition.
    Truth,
}

impl Type {
    /// With its article, for messages.
    const fn noun(self) -> &'static str {
        match self {
            Self::Ratio => "a ratio",
            Self::Figure => "a figure",
            Self::Count => "a count",
            Self::Number => "a bare number",
            Self::Truth => "a condition",
        }
    }
}

struct Check<'a> {
    subject: &'a Subject,
    errors: Vec<ExprError>,
}

impl<'a> Check<'a> {
    /// The series' unit, where it is known to have one.
    fn unit(&self) -> Option<&'a Unit> {
        self.subject.unit.as_ref().and_then(Option::as_ref)
    }

    /// Whether a bare number may be one of the series' figures.
    fn takes_bare_numbers(&self) -> bool {
        self.unit().is_none()
    }

    fn refuse(&mut self, error: ExprError) -> Option<Type> {
        self.errors.push(error);
        None
    }

    /// A part that must be a condition.
    fn condition(&mut self, node: &Node) {
        match self.type_of(node) {
            None | Some(Type::Truth) => {}
            Some(found) => self.errors.push(misfit::no_condition(node, found, self.unit())),
        }
    }

    /// A part that must be a value; `None` where something is already refused.
    fn value(&mut self, node: &Node) -> Option<Type> {
        match self.type_of(node)? {
            Type::Truth => self.refuse(misfit::no_value(node)),
            found => Some(found),
        }
    }

    /// A part's type; `None` where something in it is refused, so that it fits anywhere else.
    fn type_of(&mut self, node: &Node) -> Option<Type> {
        match &node.kind {
            NodeKind::Number(_) => Some(Type::Number),
            NodeKind::Percent(_) => Some(Type::Ratio),
            NodeKind::Quantity(value, unit) => self.quantity(node, *value, unit),
            NodeKind::Length(_) | NodeKind::Period(_) => self.refuse(misfit::stray_time(node)),
            NodeKind::Measure(measure, arguments) => self.measure(node, measure, arguments),
            NodeKind::Not(inner) => {
                self.condition(inner);
                Some(Type::Truth)
            }
            NodeKind::Negate(inner) => self.value(inner),
            NodeKind::Binary(Operator::And | Operator::Or, left, right) => {
                self.condition(left);
                self.condition(right);
                Some(Type::Truth)
            }
            NodeKind::Binary(operator, left, right) => {
                let types = (self.value(left), self.value(right));
                if operator.is_comparison() {
                    self.comparison((left, types.0), (right, types.1));
                    return Some(Type::Truth);
                }
                self.arithmetic(node, *operator, (left, types.0?), (right, types.1?))
            }
        }
    }

    /// A threshold, which must convert to the series' unit.
    fn quantity(&mut self, node: &Node, value: f64, unit: &Unit) -> Option<Type> {
        let refused = match &self.subject.unit {
            None => return Some(Type::Figure),
            Some(None) => misfit::series_without_unit(node, value),
            Some(Some(own)) => match unit.convert(value, own) {
                Some(converted) if converted.is_finite() => return Some(Type::Figure),
                Some(_) => ExprError::new(node.span.clone(), format!("`{node}` is too large in {own}"), "too large"),
                None => misfit::inconvertible(node, value, unit, own),
            },
        };
        self.refuse(refused)
    }

    fn measure(&mut self, node: &Node, measure: &'static Measure, arguments: &[Argument]) -> Option<Type> {
        let first = self.arguments(node, measure, arguments);
        match measure.gives {
            Gives::Quantity => Some(Type::Figure),
            Gives::Ratio => Some(Type::Ratio),
            Gives::Count => Some(Type::Count),
            Gives::Argument => first,
        }
    }

    fn comparison(&mut self, left: (&Node, Option<Type>), right: (&Node, Option<Type>)) {
        let ((left, Some(a)), (right, Some(b))) = (left, right) else { return };
        if self.comparable(a, b) {
            return;
        }
        // The literal is what is easily written otherwise.
        let left_is_odd = a == Type::Number || (left.is_literal() && !right.is_literal());
        let error = if left_is_odd && b != Type::Number {
            misfit::incomparable((left, a), (right, b), self.subject)
        } else {
            misfit::incomparable((right, b), (left, a), self.subject)
        };
        self.errors.push(error);
    }

    fn comparable(&self, a: Type, b: Type) -> bool {
        use Type::{Count, Figure, Number};
        match (a, b) {
            (Figure, Number) | (Number, Figure) => self.takes_bare_numbers(),
            (Count, Number) | (Number, Count) => true,
            (a, b) => a == b,
        }
    }

    fn arithmetic(
        &mut self,
        node: &Node,
        operator: Operator,
        left: (&Node, Type),
        right: (&Node, Type),
    ) -> Option<Type> {
        use Operator::{Add, Divide, Multiply, Subtract};
        use Type::{Count, Figure, Number, Ratio};
        let sum = matches!(operator, Add | Subtract);
        match (left.1, right.1) {
            (Number, Number) => Some(Number),
            (Count, Count | Number) | (Number, Count) => Some(Count),
            (Ratio, Ratio) => Some(Ratio),
            (Figure, Figure) if sum => Some(Figure),
            (Figure, Figure) if operator == Divide => Some(Ratio),
            (Figure, Number) | (Number, Figure) if sum && self.takes_bare_numbers() => Some(Figure),
            (Ratio, Number | Count) | (Number | Count, Ratio) if !sum => Some(Ratio),
            (Figure, Number | Count | Ratio) if !sum => Some(Figure),
            (Number | Count | Ratio, Figure) if operator == Multiply => Some(Figure),
            _ if sum => {
                let (odd, other) = if left.1 == Number { (left, right) } else { (right, left) };
                self.refuse(misfit::no_sum(node, odd, other, self.subject))
            }
            _ => self.refuse(misfit::no_product(node, operator, left, right)),
        }
    }
}
