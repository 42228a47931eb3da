//! `age`, `overdue`: what the clock says of a series, whether or not anything was published.
//!
//! They are about the latest figure that is known, at whatever period a rule is judged.

use super::super::evaluate::Scope;
use super::super::evidence::{Reading, Reason, Value};
use super::{Call, Gives, Measure, Measured};
use crate::base::clock::Timestamp;
use crate::series::{Gap, Release};

/// The time since the end of the latest period with a figure.
pub const AGE: Measure = Measure {
    name: "age",
    parameters: &[],
    signature: "`age`",
    gives: Gives::Time,
    walks: false,
    read: age,
    words: |telling| match telling.value {
        Value::Time(_) => Some(format!("had no newer figure for {}", telling.value)),
        _ => None,
    },
};

/// Whether the release date of the next period has passed, with the grace that the feed gives it.
pub const OVERDUE: Measure = Measure {
    name: "overdue",
    parameters: &[],
    signature: "`overdue`",
    gives: Gives::Truth,
    walks: false,
    read: overdue,
    words: |_| Some("missed the release date".to_owned()),
};

fn age(scope: &Scope<'_>, _call: &Call<'_>) -> Measured {
    let Some(now) = scope.view.now() else { return unknown(Reason::NoClock) };
    let Some(latest) = scope.view.points().next_back() else {
        return unknown(Reason::Gap(Gap::Missing(scope.period)));
    };
    let zone = scope.view.history().release().map_or(chrono_tz::UTC, |release| release.zone);
    let end = Timestamp::start_of_day(latest.span.last().next().first_day(), zone);
    let days = now.since(end).as_secs_f64() / 86_400.0;
    Measured::new(Value::Time(days), vec![latest])
}

fn overdue(scope: &Scope<'_>, _call: &Call<'_>) -> Measured {
    let Some(now) = scope.view.now() else { return unknown(Reason::NoClock) };
    let Some(release) = scope.view.history().release() else { return unknown(Reason::NoRelease) };
    let Some(latest) = scope.view.points().next_back() else {
        return unknown(Reason::Gap(Gap::Missing(scope.period)));
    };
    let (value, text) = due(release, latest.span.last().next(), now);
    let date = Reading::told(text, value.clone(), Vec::new());
    Measured { parts: vec![date], ..Measured::new(value, vec![latest]) }
}

/// Whether a period's figure is overdue, and its dates in words.
fn due(release: &Release, next: crate::period::Period, now: Timestamp) -> (Value, String) {
    match (release.due_on(next), release.overdue(next)) {
        (Some(day), Some(overdue)) => {
            let text = format!("{next} is due on {day} and overdue from {}", overdue.date(release.zone));
            (Value::Truth(overdue <= now), text)
        }
        // Past the calendar's end nothing is due.
        _ => (Value::Truth(false), format!("{next} is never due")),
    }
}

pub(super) fn unknown(reason: Reason) -> Measured {
    Measured::new(Value::Unknown(vec![reason]), Vec::new())
}

#[cfg(test)]
mod tests {
    use super::super::super::expr::Expr;
    use super::super::super::testing::{MAGNETS, history, period};
    use super::*;
    use crate::period::Length;
    use crate::series::{AsOf, History};

    fn customs() -> Release {
        let (after, grace) = (Length::parse("1mo").unwrap(), Length::parse("3d").unwrap());
        Release { day: Some(20), after, grace, skip: vec![], zone: chrono_tz::UTC }
    }

    #[track_caller]
    fn check(history: &History, text: &str, now: &str, expected: &str) {
        let expr = Expr::parse(text).unwrap();
        let view = history.view(AsOf::Latest).at(Timestamp::parse(now).unwrap());
        let reading = Scope::new(view, period("2025-10"), None).read(expr.root());
        assert_eq!(reading.value.to_string(), expected, "{text} at {now}");
    }

    /// October ends with the month; 45 days later it is 15 December.
    #[test]
    fn the_age_of_the_latest_figure() {
        let magnets = history("t", MAGNETS);
        check(&magnets, "age", "2025-11-01T00:00:00Z", "0 days");
        check(&magnets, "age", "2025-10-05T00:00:00Z", "0 days");
        check(&magnets, "age", "2025-11-02T12:00:00Z", "1 day");
        check(&magnets, "age", "2025-12-16T00:00:00Z", "45 days");
        check(&magnets, "age > 45d", "2025-12-16T00:00:00Z", "fails");
        check(&magnets, "age >= 45d", "2025-12-16T00:00:00Z", "holds");
        check(&magnets, "age > 45d", "2025-12-16T00:01:00Z", "holds");
        // A month before 1 December is 30 days, a month before 1 January 31.
        check(&magnets, "age >= 1mo", "2025-12-01T00:00:00Z", "holds");
        check(&magnets, "age >= 2mo", "2025-12-31T00:00:00Z", "fails");
        check(&magnets, "age >= 2mo", "2026-01-01T00:00:00Z", "holds");
        check(&magnets, "age - 30d > 2w", "2025-12-16T00:00:00Z", "holds");
        let chinese = magnets.with_release(Some(Release { zone: chrono_tz::Asia::Shanghai, ..customs() }));
        check(&chinese, "age", "2025-11-01T16:00:00Z", "1 day");
        check(&history("t", ""), "age > 1d", "2025-12-16T00:00:00Z", "unknown (waiting for 2025-10)");
    }

    #[test]
    fn a_release_that_was_missed() {
        let magnets = history("t", MAGNETS);
        check(&magnets, "overdue", "2026-12-16T00:00:00Z", "unknown (the feed has no `release` calendar)");
        let magnets = magnets.with_release(Some(customs()));
        check(&magnets, "overdue", "2025-12-23T23:59:59Z", "fails");
        check(&magnets, "overdue", "2025-12-24T00:00:00Z", "holds");
        check(&magnets, "not overdue or age > 50d", "2025-12-24T00:00:00Z", "holds");
        let expr = Expr::parse("overdue").unwrap();
        let view = magnets.view(AsOf::Latest).at(Timestamp::parse("2025-12-24T00:00:00Z").unwrap());
        let reading = Scope::new(view, period("2025-10"), None).read(expr.root());
        assert_eq!(reading.parts[0].text, "2025-11 is due on 2025-12-20 and overdue from 2025-12-24");
    }

    #[test]
    fn without_a_clock_nothing_is_said() {
        let magnets = history("t", MAGNETS).with_release(Some(customs()));
        for text in ["age > 1d", "overdue"] {
            let expr = Expr::parse(text).unwrap();
            let reading = Scope::new(magnets.view(AsOf::Latest), period("2025-10"), None).read(expr.root());
            assert_eq!(reading.value.to_string(), "unknown (the time is not known here)", "{text}");
        }
    }
}
