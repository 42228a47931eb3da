//! `value`, `lag(n)`, `lag(EXPR, n)`: a figure, now or some periods ago.

use super::super::evaluate::Scope;
use super::super::evidence::{Reason, Value};
use super::{Call, Gives, Measure, Measured, Parameter, Takes};

/// f(t).
pub const VALUE: Measure =
    Measure { name: "value", parameters: &[], signature: "value", gives: Gives::Quantity, read: value };

/// f(t − n), or an expression as it was n periods ago.
pub const LAG: Measure = Measure {
    name: "lag",
    parameters: &[
        Parameter { name: "expr", takes: Takes::Value, optional: true },
        Parameter { name: "n", takes: Takes::Back, optional: true },
    ],
    signature: "lag(n=1) or lag(EXPR, n)",
    gives: Gives::Argument,
    read: lag,
};

fn value(scope: &Scope<'_>, _call: &Call<'_>) -> Measured {
    match scope.view.point(scope.period) {
        Ok(point) => Measured::new(scope.quantity(point.value), vec![point]),
        Err(gap) => Measured::new(Value::Unknown(vec![Reason::Gap(gap)]), Vec::new()),
    }
}

fn lag(scope: &Scope<'_>, call: &Call<'_>) -> Measured {
    match (scope.back(scope.argument_back(call, 1)), call.argument(0)) {
        (Err(gap), _) => Measured::new(Value::Unknown(vec![Reason::Gap(gap)]), Vec::new()),
        (Ok(point), None) => Measured::new(scope.quantity(point.value), vec![point]),
        (Ok(point), Some(expression)) => {
            let reading = scope.at(point.span.last()).read(expression);
            Measured { value: reading.value.clone(), points: Vec::new(), parts: vec![reading] }
        }
    }
}
