//! The axis of time: days of the calendar, and which periods are marked.
//!
//! A tick stands where the figure of its period stands, in the middle of the period.

use chrono::{Datelike, Days, Months, NaiveDate};

use crate::period::{Frequency, Period, Span};

/// From the beginning of one day to the end of another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timeline {
    first: NaiveDate,
    last: NaiveDate,
    frequency: Frequency,
}

/// A marked period.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// The period of the series' frequency.
    pub period: Period,
    /// The label alone: `Sep`.
    pub label: String,
    /// What it is part of, where that is another than at the tick before: `2025`.
    pub part_of: Option<String>,
}

/// How far apart ticks are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// Each day.
    Day,
    /// Each Monday.
    Week,
    /// Each month, or every so many from January.
    Months(u32),
    /// Each year, or every so many.
    Years(i32),
}

/// Every step, the finest first.
const STEPS: [Step; 15] = [
    Step::Day,
    Step::Week,
    Step::Months(1),
    Step::Months(3),
    Step::Months(6),
    Step::Years(1),
    Step::Years(2),
    Step::Years(5),
    Step::Years(10),
    Step::Years(20),
    Step::Years(50),
    Step::Years(100),
    Step::Years(200),
    Step::Years(500),
    Step::Years(1000),
];

impl Step {
    /// The steps that part periods of a frequency, the finest first.
    pub fn of(frequency: Frequency) -> &'static [Self] {
        let finest = match frequency {
            Frequency::Day => 0,
            Frequency::Week => 1,
            Frequency::Month => 2,
            Frequency::Quarter => 3,
            Frequency::Year => 5,
        };
        STEPS.get(finest..).unwrap_or(&STEPS)
    }

    /// About how many days it is long.
    fn days(self) -> f64 {
        match self {
            Self::Day => 1.0,
            Self::Week => 7.0,
            Self::Months(count) => 30.4 * f64::from(count),
            Self::Years(count) => 365.25 * f64::from(count),
        }
    }

    /// The first day on which it begins, not before a day.
    fn from(self, day: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Day => Some(day),
            Self::Week => day.checked_add_days(Days::new(u64::from((7 - day.weekday().num_days_from_monday()) % 7))),
            Self::Months(count) => {
                let month = if day.day() == 1 { day } else { day.with_day(1)?.checked_add_months(Months::new(1))? };
                month.checked_add_months(Months::new((count - month.month0() % count) % count))
            }
            Self::Years(count) => {
                let year = if day.ordinal() == 1 { day.year() } else { day.year() + 1 };
                NaiveDate::from_ymd_opt(year + (-year).rem_euclid(count), 1, 1)
            }
        }
    }

    /// A period's name to stand alone: `2025` where ticks are years apart, `2025-09` where they are months.
    pub fn name(self, period: Period) -> String {
        match (self, period.frequency()) {
            (Self::Years(_), _) => Period::containing(period.last_day(), Frequency::Year).to_string(),
            (Self::Months(_), Frequency::Day | Frequency::Week) => {
                Period::containing(period.last_day(), Frequency::Month).to_string()
            }
            (Self::Day | Self::Week | Self::Months(_), _) => period.to_string(),
        }
    }

    /// The label of a day, and what it is part of.
    fn label(self, day: NaiveDate, frequency: Frequency) -> (String, Option<String>) {
        match (self, frequency) {
            (Self::Week, Frequency::Week) => {
                (format!("W{}", day.iso_week().week()), Some(day.iso_week().year().to_string()))
            }
            (Self::Day | Self::Week, _) => (day.day().to_string(), Some(day.format("%b %Y").to_string())),
            (Self::Months(3), Frequency::Quarter) => {
                (format!("Q{}", day.month0() / 3 + 1), Some(day.year().to_string()))
            }
            (Self::Months(_), _) => (day.format("%b").to_string(), Some(day.year().to_string())),
            (Self::Years(_), _) => (day.year().to_string(), None),
        }
    }
}

impl Timeline {
    /// The days of some periods of a frequency.
    pub const fn new(first: NaiveDate, last: NaiveDate, frequency: Frequency) -> Self {
        Self { first, last, frequency }
    }

    /// Whether a day lies on it.
    pub fn contains(&self, day: NaiveDate) -> bool {
        self.first <= day && day <= self.last
    }

    /// How many days it is long.
    pub fn days(&self) -> f64 {
        f64::from(self.last.num_days_from_ce() - self.first.num_days_from_ce() + 1).max(1.0)
    }

    /// Where a day begins: 0 at the left end, 1 at the right end, less or more outside.
    pub fn beginning(&self, day: NaiveDate) -> f64 {
        f64::from(day.num_days_from_ce() - self.first.num_days_from_ce()) / self.days()
    }

    /// Where a day ends.
    pub fn end(&self, day: NaiveDate) -> f64 {
        self.beginning(day) + 1.0 / self.days()
    }

    /// Where the middle of a span is, which is where its figure stands.
    pub fn middle(&self, span: Span) -> f64 {
        (self.beginning(span.first().first_day()) + self.end(span.last().last_day())) / 2.0
    }

    /// The ticks of a step.
    pub fn ticks(&self, step: Step) -> Vec<Tick> {
        let mut ticks = Vec::new();
        let (mut before, mut day) = (None, self.first);
        while let Some(at) = step.from(day).filter(|at| *at <= self.last) {
            let (label, part_of) = step.label(at, self.frequency);
            let is_new = part_of != before;
            before.clone_from(&part_of);
            let period = Period::containing(at, self.frequency);
            ticks.push(Tick { period, label, part_of: part_of.filter(|_| is_new) });
            let Some(next) = at.succ_opt() else { break };
            day = next;
        }
        ticks
    }

    /// The steps of which so many ticks at most come about, the finest first.
    pub fn steps(&self, most: f64) -> impl Iterator<Item = Step> {
        let days = self.days();
        Step::of(self.frequency).iter().copied().filter(move |step| days / step.days() <= most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(first: &str, last: &str) -> Timeline {
        let (first, last) = (Period::parse(first).unwrap(), Period::parse(last).unwrap());
        Timeline::new(first.first_day(), last.last_day(), first.frequency())
    }

    #[track_caller]
    fn check(first: &str, last: &str, step: Step, expected: &str) {
        let told = |tick: &Tick| {
            let part_of = tick.part_of.as_ref().map(|text| format!(" {text}")).unwrap_or_default();
            format!("{}: {}{part_of}", tick.period, tick.label)
        };
        let ticks: Vec<String> = timeline(first, last).ticks(step).iter().map(told).collect();
        assert_eq!(ticks.join(", "), expected);
    }

    #[test]
    fn ticks_are_calendar_periods() {
        check(
            "2025-11",
            "2026-02",
            Step::Months(1),
            "2025-11: Nov 2025, 2025-12: Dec, 2026-01: Jan 2026, 2026-02: Feb",
        );
        check("2024-12", "2025-08", Step::Months(3), "2025-01: Jan 2025, 2025-04: Apr, 2025-07: Jul");
        check("2025-Q3", "2026-Q1", Step::Months(3), "2025-Q3: Q3 2025, 2025-Q4: Q4, 2026-Q1: Q1 2026");
        check("2024-W52", "2025-W02", Step::Week, "2024-W52: W52 2024, 2025-W01: W1 2025, 2025-W02: W2");
        check("2025-09-29", "2025-10-01", Step::Day, "2025-09-29: 29 Sep 2025, 2025-09-30: 30, 2025-10-01: 1 Oct 2025");
        check("2025-09-26", "2025-10-07", Step::Week, "2025-09-29: 29 Sep 2025, 2025-10-06: 6 Oct 2025");
        check("1993", "2025", Step::Years(10), "2000: 2000, 2010: 2010, 2020: 2020");
        check("2025-W50", "2026-W03", Step::Months(1), "2026-W01: Jan 2026");
    }

    #[test]
    fn a_figure_stands_in_the_middle_of_its_span() {
        let line = timeline("2025-09-01", "2025-09-10");
        let middle = |text: &str| line.middle(Span::parse(text).unwrap());
        assert_eq!((middle("2025-09-01"), middle("2025-09-01/2025-09-10"), middle("2025-09-10")), (0.05, 0.5, 0.95));
    }

    #[test]
    fn the_finest_step_is_the_period_itself() {
        let steps = |first: &str, last: &str, most| timeline(first, last).steps(most).next();
        assert_eq!(steps("2025-01", "2025-12", 100.0), Some(Step::Months(1)));
        assert_eq!(steps("2025-01", "2025-12", 8.0), Some(Step::Months(3)));
        assert_eq!(steps("2025", "2025", 8.0), Some(Step::Years(1)));
        assert_eq!(steps("1000", "9999", 10.0), Some(Step::Years(1000)));
    }
}
