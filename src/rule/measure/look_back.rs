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
            Measured { value: reading.value.clone(), points: Vec::new(), parts: vec![reading], items: Vec::new() }
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

#[cfg(test)]
mod tests {
    use super::super::super::testing::{MAGNETS, check, history, used};

    #[test]
    fn figures_now_and_before() {
        let magnets = history("t", MAGNETS);
        check(
            &magnets,
            "
            value             @ 2025-09 = 420.5 t
            value             @ 2025-04 = unknown (waiting for 2025-04)
            lag               @ 2025-09 = 590 t
            lag(2)            @ 2025-09 = 619 t
            lag(n=2)          @ 2025-09 = 619 t
            lag(1y)           @ 2025-09 = 596 t
            lag(5)            @ 2025-09 = unknown (waiting for 2025-04)
            lag(40000)        @ 2025-09 = unknown (waiting for -1308-05)
            lag(value, 2)     @ 2025-09 = 619 t
            lag(declines, 1)  @ 2025-09 = 1
            lag(declines >= 1, n=1) @ 2025-09 = holds
            lag(expr=change)  @ 2025-10 = −28.7 %
            lag(lag(value, 1), 1) @ 2025-09 = 619 t
        ",
        );
        assert_eq!(used(&magnets, "lag(change, 1)", "2025-10"), "2025-08 2025-09");
        check(&history("", "2025-08=1.5 2025-09=2"), "value @ 2025-09 = 2");
    }

    #[test]
    fn an_expression_is_read_as_it_was_though_the_period_has_no_figure_of_its_own() {
        let chinese = history("t", "2024-01/2024-02=800 2024-03=300 2025-01/2025-02=1000 2025-03=450");
        check(
            &chinese,
            "
            lag(yoy, 1)  @ 2025-03 = +25 %
            lag(1)       @ 2025-03 = unknown (2025-02 was published only as part of 2025-01/2025-02 (combined period))
        ",
        );
    }

    #[test]
    fn a_daily_series_looks_back_to_the_day_of_a_figure() {
        let prices = history("CNY/t", "2025-08-14=500000 2025-08-15=510000 2025-08-18=520000 2025-08-19=530000");
        check(
            &prices,
            "
            lag(1)            @ 2025-08-18 = 510 000 CNY/t
            lag(3d)           @ 2025-08-19 = 510 000 CNY/t
            lag(change, 1)    @ 2025-08-19 = +2 %
            value             @ 2025-08-16 = unknown (waiting for 2025-08-16)
        ",
        );
    }
}
