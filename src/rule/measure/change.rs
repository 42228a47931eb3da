//! `change`, `diff`, `yoy`, `change_since`: a figure against an earlier one.

use super::super::evaluate::{Scope, finite};
use super::super::evidence::{Reason, Value};
use super::super::headline::Telling;
use super::{Call, Gives, Measure, Measured, Parameter, Takes};
use crate::period::{Frequency, Length, LengthUnit, Period, Span};
use crate::series::{Back, Gap, Point, Window};

const BACK: &[Parameter] = &[Parameter { name: "n", takes: Takes::Back, optional: true }];
const YEAR: Length = Length { count: 1, unit: LengthUnit::Year };

/// f(t)/f(t − n) − 1.
pub const CHANGE: Measure = Measure {
    name: "change",
    parameters: BACK,
    signature: "`change(n=1)`",
    gives: Gives::Ratio,
    walks: false,
    read: |scope, call| change(scope, call.back(0)),
    words: |telling| telling.moved(&format!("in {}", telling.reach(telling.call.back(0)))),
};

/// f(t) − f(t − n).
pub const DIFF: Measure = Measure {
    name: "diff",
    parameters: BACK,
    signature: "`diff(n=1)`",
    gives: Gives::Quantity,
    walks: false,
    read: diff,
    words: moved_by,
};

/// The change over one year.
pub const YOY: Measure = Measure {
    name: "yoy",
    parameters: &[],
    signature: "`yoy`",
    gives: Gives::Ratio,
    walks: false,
    read: |scope, _| change(scope, Back::Length(YEAR)),
    words: |telling| telling.moved("in a year"),
};

/// f(t)/f(PERIOD) − 1.
pub const CHANGE_SINCE: Measure = Measure {
    name: "change_since",
    parameters: &[Parameter { name: "period", takes: Takes::Period, optional: false }],
    signature: "`change_since(PERIOD)`",
    gives: Gives::Ratio,
    walks: false,
    read: change_since,
    words: |telling| telling.moved(&format!("since {}", telling.call.period(0)?.in_words())),
};

fn change(scope: &Scope<'_>, back: Back) -> Measured {
    match (scope.now(), back) {
        // Whole years reach from a combined figure to what was published for the same periods then.
        (Err(Gap::Combined(_, span)), Back::Length(length))
            if length.unit == LengthUnit::Year && span.last() == scope.period =>
        {
            combined_change(scope, span, length)
        }
        _ => ratio(scope, scope.back(back)),
    }
}

fn combined_change(scope: &Scope<'_>, span: Span, years: Length) -> Measured {
    let now = scope.view.exactly(span).ok_or(Gap::Missing(span.last()));
    let (first, last) = (years.back(span.first()), years.back(span.last()));
    let Window { mut points, gaps } = match (first, last) {
        (Some(first), Some(last)) => scope.view.between(first, last),
        _ => Window { points: Vec::new(), gaps: vec![Gap::Missing(span.first())] },
    };
    let base: f64 = points.iter().map(|point| point.value).sum();
    let value = match (now, last) {
        (Ok(now), Some(last)) if gaps.is_empty() => relative(scope, now.value, base, last),
        _ => Value::Unknown(Reason::joined(gaps.into_iter().chain(now.err()).map(Reason::Gap))),
    };
    points.extend(now);
    Measured::new(value, points)
}

fn change_since(scope: &Scope<'_>, call: &Call<'_>) -> Measured {
    let base = match call.period(0) {
        // A day without trading takes the last figure before it, as a look-back does.
        Some(day) if day.frequency() == Frequency::Day => {
            scope.view.back(day, Back::Length(Length { count: 0, unit: LengthUnit::Day }))
        }
        Some(period) => scope.view.point(period),
        // The check refuses a call without a period.
        None => Err(Gap::Missing(scope.period)),
    };
    ratio(scope, base)
}

fn diff(scope: &Scope<'_>, call: &Call<'_>) -> Measured {
    match both(scope, scope.back(call.back(0))) {
        Ok((now, base)) => Measured::new(scope.quantity(now.value - base.value), vec![base, now]),
        Err(measured) => measured,
    }
}

fn moved_by(telling: &Telling<'_>) -> Option<String> {
    let Value::Quantity(value, unit) = telling.value else { return None };
    let amount = Value::Quantity(value.abs(), unit.clone());
    let reach = telling.reach(telling.call.back(0));
    let verb = if *value < 0.0 { "fell" } else { "rose" };
    Some(if *value == 0.0 { format!("did not move in {reach}") } else { format!("{verb} by {amount} in {reach}") })
}

/// The ratio of the figure now to a base, less one.
pub fn ratio(scope: &Scope<'_>, base: Result<Point, Gap>) -> Measured {
    match both(scope, base) {
        Ok((now, base)) => Measured::new(relative(scope, now.value, base.value, base.span.last()), vec![base, now]),
        Err(measured) => measured,
    }
}

/// `now/base − 1`. From zero to something is +∞; a base below zero, or zero over zero, says nothing; nor
/// does a base below the rule's `min_base`.
pub fn relative(scope: &Scope<'_>, now: f64, base: f64, period: Period) -> Value {
    if !now.is_finite() || !base.is_finite() {
        return Value::Unknown(vec![Reason::Overflow]);
    }
    if base < 0.0 || (base == 0.0 && now < 0.0) {
        return Value::Unknown(vec![Reason::NegativeBase(period)]);
    }
    if let Some(reason) = scope.below_min_base(period, base) {
        return Value::Unknown(vec![reason]);
    }
    match (base == 0.0, now == 0.0) {
        (true, true) => Value::Unknown(vec![Reason::ZeroOverZero(period)]),
        (true, false) => Value::Ratio(f64::INFINITY),
        (false, _) => finite(now / base - 1.0, Value::Ratio),
    }
}

/// The figure now and its base, or what is known of them.
fn both(scope: &Scope<'_>, base: Result<Point, Gap>) -> Result<(Point, Point), Measured> {
    match (scope.now(), base) {
        (Ok(now), Ok(base)) => Ok((now, base)),
        (now, base) => {
            let reasons = [base, now].into_iter().filter_map(Result::err).map(Reason::Gap);
            let known = [base, now].into_iter().filter_map(Result::ok).collect();
            Err(Measured::new(Value::Unknown(Reason::joined(reasons)), known))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{MAGNETS, check, history, read_with, used};
    use crate::series::{Quantity, Unit};

    /// By hand: 420.5/590 = 0.7127…, 420.5/596 = 0.7055…, 420.5/619 = 0.6793…, 353/46.4 = 7.6077….
    #[test]
    fn changes_of_monthly_figures() {
        let magnets = history("t", MAGNETS);
        check(
            &magnets,
            "
            change                 @ 2025-09 = −28.7 %
            change(1)              @ 2025-09 = −28.7 %
            change(n=2)            @ 2025-09 = −32.1 %
            change(2mo)            @ 2025-09 = −32.1 %
            change                 @ 2025-06 = +660.8 %
            change                 @ 2025-05 = unknown (waiting for 2025-04)
            change                 @ 2025-04 = unknown (waiting for 2025-03; waiting for 2025-04)
            change(12)             @ 2025-09 = −29.4 %
            change(1y)             @ 2025-09 = −29.4 %
            yoy                    @ 2025-09 = −29.4 %
            yoy                    @ 2025-08 = unknown (waiting for 2024-08)
            diff                   @ 2025-09 = −169.5 t
            diff(2)                @ 2025-09 = −198.5 t
            diff                   @ 2025-05 = unknown (waiting for 2025-04)
            change_since(2025-07)  @ 2025-09 = −32.1 %
            change_since(2025-07)  @ 2025-10 = +6 %
            change_since(2025-04)  @ 2025-09 = unknown (waiting for 2025-04)
        ",
        );
        assert_eq!(used(&magnets, "yoy", "2025-09"), "2024-09 2025-09");
        assert_eq!(used(&magnets, "change", "2025-05"), "2025-05");
    }

    /// NdPr oxide at the Shanghai Metals Market, yuan per tonne: 16 July 2025 465 000, 16 October 560 000.
    #[test]
    fn changes_of_daily_prices_look_back_to_the_last_figure() {
        let prices = history(
            "CNY/t",
            "2025-07-11=450000 2025-07-15=465000 2025-09-15=600000 2025-10-14=555000 2025-10-16=560000",
        );
        check(
            &prices,
            "
            change                    @ 2025-10-16 = +0.9 %
            change(3mo)               @ 2025-10-16 = +20.4 %
            change(1mo)               @ 2025-10-16 = −6.7 %
            diff(3mo)                 @ 2025-10-16 = 95 000 CNY/t
            change(2mo)               @ 2025-10-16 = unknown (there is no figure on 2025-08-16 or in the 7 days before it)
            change_since(2025-07-13)  @ 2025-10-16 = +24.4 %
            change_since(2025-07-15)  @ 2025-10-16 = +20.4 %
        ",
        );
    }

    /// Over China's National Day the market rests for eight days.
    #[test]
    fn neighbours_lie_at_most_the_largest_gap_apart() {
        let prices = history("CNY/t", "2025-09-29=500 2025-09-30=550 2025-10-09=605 2025-10-10=605");
        check(
            &prices,
            "
            change      @ 2025-10-09 = unknown (there is no figure on 2025-10-08 or in the 7 days before it)
            change(2)   @ 2025-10-10 = unknown (there is no figure on 2025-10-08 or in the 7 days before it)
            change(2d)  @ 2025-10-10 = unknown (there is no figure on 2025-10-08 or in the 7 days before it)
            change(3d)  @ 2025-10-10 = +10 %
            mean(3)     @ 2025-10-10 = unknown (there is no figure on 2025-10-08 or in the 7 days before it)
            rises       @ 2025-10-09 = at least 0
        ",
        );
        check(
            &prices.with_max_gap(10),
            "
            change      @ 2025-10-09 = +10 %
            change(3)   @ 2025-10-10 = +21 %
            change(2d)  @ 2025-10-10 = +10 %
            mean(4)     @ 2025-10-10 = 565 CNY/t
            rises       @ 2025-10-09 = at least 2
            rises       @ 2025-10-10 = 0
        ",
        );
    }

    #[test]
    fn changes_of_weeks_quarters_and_years() {
        check(
            &history("t", "2024-W38=80 2025-W34=90 2025-W38=100"),
            "
            yoy         @ 2025-W38 = +25 %
            change(4w)  @ 2025-W38 = +11.1 %
            change(1mo) @ 2025-W38 = +11.1 %
            change(28d) @ 2025-W38 = +11.1 %
        ",
        );
        check(
            &history("t", "2024-Q3=80 2025-Q2=90 2025-Q3=100"),
            "
            yoy         @ 2025-Q3 = +25 %
            change(3mo) @ 2025-Q3 = +11.1 %
        ",
        );
        check(
            &history("t", "2023=40 2024=80 2025=100"),
            "
            yoy                 @ 2025 = +25 %
            change_since(2023)  @ 2025 = +150 %
        ",
        );
    }

    #[test]
    fn bases_that_say_nothing() {
        let odd = history(
            "t",
            "2025-01=0 2025-02=5 2025-03=-5 2025-04=5 2025-05=0 2025-06=0 2025-07=-1 2025-08=1e-300 2025-09=1e300",
        );
        check(
            &odd,
            "
            change @ 2025-02 = +∞ %
            change > 1000% @ 2025-02 = holds
            change @ 2025-03 = −200 %
            change @ 2025-04 = unknown (the base at 2025-03 is below zero)
            change @ 2025-05 = −100 %
            change @ 2025-06 = unknown (zero over zero at 2025-05)
            change @ 2025-07 = unknown (the base at 2025-06 is below zero)
            change @ 2025-09 = unknown (the figures are too large to calculate with)
            diff   @ 2025-04 = 10 t
        ",
        );
        check(
            &history("t", "2025-01=-1.7e308 2025-02=1.7e308"),
            "
            diff @ 2025-02 = unknown (the figures are too large to calculate with)
        ",
        );
    }

    #[test]
    fn a_year_reaches_across_combined_periods() {
        let chinese = history(
            "t",
            "2023-01=100 2023-02=150 2024-01/2024-02=500 2024-03=300 2025-01/2025-02=400 2025-03=330 2026-01=1 2026-02=2",
        );
        check(
            &chinese,
            "
            yoy         @ 2025-02 = −20 %
            change(1y)  @ 2025-02 = −20 %
            change(2y)  @ 2025-02 = +60 %
            yoy         @ 2024-02 = +100 %
            yoy         @ 2025-01 = unknown (2024-01 was published only as part of 2024-01/2024-02 (combined period); 2025-01 was published only as part of 2025-01/2025-02 (combined period))
            yoy         @ 2026-02 = unknown (2025-02 was published only as part of 2025-01/2025-02 (combined period))
            change      @ 2025-02 = unknown (2025-01 was published only as part of 2025-01/2025-02 (combined period); 2025-02 was published only as part of 2025-01/2025-02 (combined period))
            yoy         @ 2025-03 = +10 %
        ",
        );
        assert_eq!(used(&chinese, "yoy", "2025-02"), "2024-01/2024-02 2025-01/2025-02");
    }

    #[test]
    fn a_base_below_the_rules_least_says_nothing() {
        let magnets = history("kg", "2025-07=400 2025-08=1000 2025-09=2000");
        let least = |text: &str| Quantity::parse(text).unwrap();
        let read = |least: &Quantity, at: &str| read_with(&magnets, "change", at, Some(least)).value.to_string();
        assert_eq!(read(&least("1 t"), "2025-09"), "+100 %");
        assert_eq!(read(&least("1 t"), "2025-08"), "unknown (the base at 2025-07, 400 kg, is below min_base 1 t)");
        assert_eq!(read(&least("5"), "2025-09"), "unknown (min_base 5 does not fit the series, which is in kg)");
        assert_eq!(
            read(&least("1 USD"), "2025-09"),
            "unknown (min_base 1 USD does not fit the series, which is in kg)"
        );
        assert_eq!(Unit::parse("kg").ok().as_ref(), magnets.unit());
        let diff = read_with(&magnets, "diff", "2025-08", Some(&least("1 t"))).value.to_string();
        assert_eq!(diff, "600 kg");
    }
}
