//! `value`, `lag(n)`, `lag(EXPR, n)`: a figure, now or some periods ago.

use super::super::evaluate::Scope;
use super::super::evidence::{Reason, Value};
use super::super::headline::Telling;
use super::super::syntax::Operator;
use super::{Call, Gives, Measure, Measured, Parameter, Takes};
use crate::series::Gap;

/// f(t).
pub const VALUE: Measure = Measure {
    name: "value",
    parameters: &[],
    signature: "`value`",
    gives: Gives::Quantity,
    walks: false,
    read: value,
    words: stood,
};

/// f(t − n), or an expression as it was n periods ago.
pub const LAG: Measure = Measure {
    name: "lag",
    parameters: &[
        Parameter { name: "expr", takes: Takes::Any, optional: true },
        Parameter { name: "n", takes: Takes::Back, optional: true },
    ],
    signature: "`lag(n=1)` or `lag(EXPR, n)`",
    gives: Gives::Argument,
    walks: false,
    read: lag,
    words: |_| None,
};

fn value(scope: &Scope<'_>, _call: &Call<'_>) -> Measured {
    match scope.now() {
        Ok(point) => Measured::new(scope.quantity(point.value), vec![point]),
        Err(gap) => missing(gap),
    }
}

fn lag(scope: &Scope<'_>, call: &Call<'_>) -> Measured {
    let back = call.back(1);
    let Some(expression) = call.argument(0) else {
        return match scope.back(back) {
            Ok(point) => Measured::new(scope.quantity(point.value), vec![point]),
            Err(gap) => missing(gap),
        };
    };
    match scope.period_back(back) {
        Ok(period) => {
            let reading = scope.at(period).read(expression);
            Measured { value: reading.value.clone(), points: Vec::new(), parts: vec![reading] }
        }
        Err(gap) => missing(gap),
    }
}

fn missing(gap: Gap) -> Measured {
    Measured::new(Value::Unknown(vec![Reason::Gap(gap)]), Vec::new())
}

fn stood(telling: &Telling<'_>) -> Option<String> {
    let bound = &telling.bound;
    Some(match telling.operator {
        Operator::Greater => format!("stood above {bound}"),
        Operator::GreaterEqual => format!("stood at or above {bound}"),
        Operator::Less => format!("stood below {bound}"),
        Operator::LessEqual => format!("stood at or below {bound}"),
        Operator::Equal => format!("stood at {bound}"),
        Operator::NotEqual => format!("did not stand at {bound}"),
        _ => return None,
    })
}
