//! `revision`: what the publisher has changed a figure by.

use super::super::evaluate::Scope;
use super::super::evidence::{Reading, Reason, Value};
use super::super::headline::Telling;
use super::change::relative;
use super::{Call, Gives, Measure, Measured};

/// The latest vintage of f(t) over the one before it, less one; a figure that was never revised has
/// changed by nothing, so its revision is 0 %.
pub const REVISION: Measure = Measure {
    name: "revision",
    parameters: &[],
    signature: "`revision`",
    gives: Gives::Ratio,
    walks: false,
    read: revision,
    words: told,
};

fn revision(scope: &Scope<'_>, _call: &Call<'_>) -> Measured {
    let now = match scope.now() {
        Ok(now) => now,
        Err(gap) => return Measured::new(Value::Unknown(vec![Reason::Gap(gap)]), Vec::new()),
    };
    let Some(before) = scope.view.superseded(now.span) else {
        return Measured::new(Value::Ratio(0.0), vec![now]);
    };
    let value = relative(scope, now.value, before.value, now.span.last());
    let earlier = Reading::told("the vintage before".to_owned(), scope.quantity(before.value), vec![before]);
    Measured { parts: vec![earlier], ..Measured::new(value, vec![now]) }
}

fn told(telling: &Telling<'_>) -> Option<String> {
    let Value::Ratio(ratio) = *telling.value else { return None };
    let way = if ratio < 0.0 { "down" } else { "up" };
    if ratio.is_infinite() {
        return Some("was revised up from zero".to_owned());
    }
    telling.amount(ratio).map(|amount| format!("was revised {way} {amount}"))
}

#[cfg(test)]
mod tests {
    use super::super::super::evaluate::Scope;
    use super::super::super::expr::Expr;
    use super::super::super::testing::{check, history, period};
    use crate::base::clock::Timestamp;
    use crate::series::{AsOf, Finite, History, PullId, Status, Vintage};

    fn revised(history: &mut History, at: &str, value: f64, pull: i64) {
        let recorded_at = Timestamp::parse("2025-10-20T00:00:00Z").unwrap();
        let vintage = Vintage { value: Finite::new(value), status: Status::Final, recorded_at, pull: PullId(pull) };
        history.record(period(at).into(), vintage);
    }

    /// By hand: 600/420.5 = 1.42687…, 540/600 = 0.9.
    #[test]
    fn a_figure_against_the_vintage_before() {
        let mut magnets = history("t", "2025-08=590 2025-09=420.5 2025-10=0 2025-11=-5");
        check(&magnets, "revision @ 2025-09 = 0 %");
        revised(&mut magnets, "2025-09", 600.0, 2);
        revised(&mut magnets, "2025-09", 540.0, 3);
        revised(&mut magnets, "2025-10", 7.0, 2);
        revised(&mut magnets, "2025-11", 7.0, 2);
        check(
            &magnets,
            "
            revision @ 2025-09 = −10 %
            revision @ 2025-08 = 0 %
            revision @ 2025-10 = +∞ %
            revision @ 2025-11 = unknown (the base at 2025-11 is below zero)
            revision @ 2025-12 = unknown (waiting for 2025-12)
        ",
        );
        let expr = Expr::parse("revision").unwrap();
        let earlier = Scope::new(magnets.view(AsOf::Pull(PullId(2))), period("2025-09"), None).read(expr.root());
        assert_eq!(earlier.value.to_string(), "+42.7 %");
        assert_eq!(earlier.all_points().iter().map(|point| point.value).collect::<Vec<_>>(), [600.0]);
        assert_eq!(earlier.parts[0].value.to_string(), "420.5 t");
    }
}
