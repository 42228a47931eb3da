//! `ytd`, `ytd_yoy`: the calendar year so far, and against the same span a year before.
//!
//! A figure that covers several periods together takes part, as long as all of it lies in the span. The
//! year of a week is its ISO year.

use chrono::Datelike;

use super::super::evaluate::Scope;
use super::super::evidence::{Reason, Value};
use super::change::relative;
use super::window::of_window;
use super::{Call, Gives, Measure, Measured};
use crate::period::{Frequency, Length, LengthUnit, Period};
use crate::series::{Back, Gap, Point, Window};

/// The sum from the calendar year's first period to t.
pub const YTD: Measure = Measure {
    name: "ytd",
    parameters: &[],
    signature: "`ytd`",
    gives: Gives::Quantity,
    walks: false,
    read: |scope, _| of_window(year_so_far(scope, scope.period), scope, |points| scope.quantity(sum(points))),
    words: |telling| Some(format!("came to {} in the year so far", telling.figure()?)),
};

/// The year so far against the same span a year before, less one.
pub const YTD_YOY: Measure = Measure {
    name: "ytd_yoy",
    parameters: &[],
    signature: "`ytd_yoy`",
    gives: Gives::Ratio,
    walks: false,
    read: against_the_year_before,
    words: |telling| telling.moved("in the year so far, against the year before"),
};

fn sum(points: &[Point]) -> f64 {
    points.iter().map(|point| point.value).sum()
}

fn against_the_year_before(scope: &Scope<'_>, _call: &Call<'_>) -> Measured {
    let now = year_so_far(scope, scope.period);
    let before = year_before(scope).map_or_else(Window::of_gap, |end| year_so_far(scope, end));
    let gaps: Vec<Gap> = before.gaps.into_iter().chain(now.gaps).collect();
    let value = match before.points.last() {
        Some(last) if gaps.is_empty() => relative(scope, sum(&now.points), sum(&before.points), last.span.last()),
        _ => Value::Unknown(Reason::joined(gaps.into_iter().map(Reason::Gap))),
    };
    Measured::new(value, before.points.into_iter().chain(now.points).collect())
}

/// The end of the same span a year before; in a daily series, the last day with a figure on or before it.
fn year_before(scope: &Scope<'_>) -> Result<Period, Gap> {
    scope.period_back(Back::Length(Length { count: 1, unit: LengthUnit::Year }))
}

/// From the year's first period to `end`.
fn year_so_far(scope: &Scope<'_>, end: Period) -> Window {
    if end.frequency() == Frequency::Day {
        // As many days as the year is old: by calendar length, so that holes among them are found.
        let days = Length { count: end.first_day().ordinal(), unit: LengthUnit::Day };
        return scope.view.window(end, Back::Length(days));
    }
    match first_of_year(end) {
        Some(first) => scope.view.between(first, end),
        None => Window::of_gap(Gap::Missing(end)),
    }
}

/// The first period of a period's calendar year.
pub fn first_of_year(period: Period) -> Option<Period> {
    let day = period.first_day();
    match period.frequency() {
        Frequency::Day => Period::day(day.year(), 1, 1),
        Frequency::Week => Period::week(day.iso_week().year(), 1),
        Frequency::Month => Period::month(day.year(), 1),
        Frequency::Quarter => Period::quarter(day.year(), 1),
        Frequency::Year => Period::year(day.year()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{check, history, used};

    /// By hand: 500 + 300 = 800, 400 + 330 = 730, 730/800 = 0.9125; 100 + 150 + 90 = 340, 800/340 = 2.35294.
    #[test]
    fn years_with_combined_months() {
        let chinese = history(
            "t",
            "2023-01=100 2023-02=150 2023-03=90 2024-01/2024-02=500 2024-03=300 2025-01/2025-02=400 2025-03=330 2025-05=1",
        );
        check(
            &chinese,
            "
            ytd     @ 2025-03 = 730 t
            ytd     @ 2025-02 = 400 t
            ytd     @ 2025-01 = unknown (2025-01 was published only as part of 2025-01/2025-02 (combined period))
            ytd     @ 2025-05 = unknown (waiting for 2025-04)
            ytd_yoy @ 2025-03 = −8.8 %
            ytd_yoy @ 2025-02 = −20 %
            ytd_yoy @ 2024-03 = +135.3 %
            ytd_yoy @ 2024-02 = +100 %
            ytd_yoy @ 2025-01 = unknown (2024-01 was published only as part of 2024-01/2024-02 (combined period); 2025-01 was published only as part of 2025-01/2025-02 (combined period))
            ytd_yoy @ 2023-03 = unknown (waiting for 2022-01; waiting for 2022-02; waiting for 2022-03)
        ",
        );
        assert_eq!(used(&chinese, "ytd_yoy", "2025-03"), "2024-01/2024-02 2024-03 2025-01/2025-02 2025-03");
    }

    #[test]
    fn years_of_other_frequencies() {
        check(
            &history("t", "2024-Q1=4 2024-Q2=6 2025-Q1=5 2025-Q2=6"),
            "
            ytd     @ 2025-Q2 = 11 t
            ytd_yoy @ 2025-Q2 = +10 %
        ",
        );
        check(&history("t", "2024=4 2025=5"), "ytd_yoy @ 2025 = +25 %");
        // 30 December 2024 begins week 1 of 2025.
        check(
            &history("t", "2024-W52=9 2025-W01=4 2025-W02=5"),
            "
            ytd @ 2025-W01 = 4 t
            ytd @ 2025-W02 = 9 t
        ",
        );
        check(
            &history("t", "2024-01-02=1 2024-01-05=2 2024-12-31=50 2025-01-02=1 2025-01-06=3 2025-01-20=1"),
            "
            ytd     @ 2025-01-06 = 4 t
            ytd_yoy @ 2025-01-06 = +33.3 %
            ytd     @ 2025-01-20 = unknown (there is no figure on 2025-01-19 or in the 7 days before it)
        ",
        );
    }

    #[test]
    fn in_january_the_year_is_as_old_as_its_figure() {
        check(
            &history("t", "2024-01=80 2024-12=7 2025-01=100 2026-01=0"),
            "
            ytd     @ 2025-01 = 100 t
            ytd     @ 2026-01 = 0 t
            ytd_yoy @ 2025-01 = +25 %
            ytd_yoy @ 2026-01 = −100 %
            ytd     @ 2025-02 = unknown (waiting for 2025-02)
            ytd_yoy @ 2024-01 = unknown (waiting for 2023-01)
        ",
        );
    }

    #[test]
    fn years_that_are_no_base() {
        check(
            &history("t", "2023-01=0 2024-01=0 2025-01=-5 2026-01=5 2026-02=1.7e308 2026-03=1.7e308"),
            "
            ytd_yoy @ 2024-01 = unknown (zero over zero at 2023-01)
            ytd_yoy @ 2025-01 = unknown (the base at 2024-01 is below zero)
            ytd_yoy @ 2026-01 = unknown (the base at 2025-01 is below zero)
            ytd     @ 2026-03 = unknown (the figures are too large to calculate with)
        ",
        );
    }
}
