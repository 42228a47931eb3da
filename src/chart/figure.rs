//! The figures of a chart, and which of them are neighbours.
//!
//! How they look is not said here.

use chrono::NaiveDate;

use super::{Chart, Firing, Line, Values};
use crate::period::{Frequency, Period, Span};
use crate::series::{Status, View};

/// What is known of one span.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Figure {
    /// What it covers.
    pub span: Span,
    /// The figure; `None` where it was withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// The publisher's mark.
    pub status: Status,
    /// The figure that it replaces, where that was another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<f64>,
}

impl Figure {
    /// What a view shows of a span; `None` where it never showed a figure.
    pub fn of(view: &View<'_>, span: Span) -> Option<Self> {
        let (now, before) = (view.exactly(span), view.superseded(span));
        let status = now.or(before)?.status;
        let value = now.map(|point| point.value);
        let was = before.map(|point| point.value).filter(|was| value != Some(*was));
        Some(Self { span, value, status, was })
    }

    /// The first day that it covers.
    pub fn first_day(&self) -> NaiveDate {
        self.span.first().first_day()
    }

    /// The last day that it covers.
    pub fn last_day(&self) -> NaiveDate {
        self.span.last().last_day()
    }

    /// Whether the publisher says that it is not sure of it.
    pub const fn is_unsure(&self) -> bool {
        matches!(self.status, Status::Preliminary | Status::Estimated)
    }
}

impl Chart {
    /// The figures that were not withdrawn, with their values.
    pub(super) fn shown(&self) -> impl DoubleEndedIterator<Item = (&Figure, f64)> {
        self.figures.iter().filter_map(|figure| Some((figure, figure.value?)))
    }

    /// Figures of single periods in a row without a gap; one alone is a row too. A figure of several periods
    /// is no neighbour of one of a single period.
    pub(super) fn rows(&self) -> Vec<Vec<(&Figure, f64)>> {
        let mut rows: Vec<Vec<(&Figure, f64)>> = Vec::new();
        for (figure, value) in self.shown().filter(|(figure, _)| figure.span.is_single()) {
            match rows.last_mut() {
                Some(row) if row.last().is_some_and(|(before, _)| self.are_neighbours(before, figure)) => {
                    row.push((figure, value));
                }
                Some(_) | None => rows.push(vec![(figure, value)]),
            }
        }
        rows
    }

    fn are_neighbours(&self, before: &Figure, after: &Figure) -> bool {
        self.gap(before.span.last(), after.span.first()).is_none()
    }

    /// The first and the last period of every gap between two figures.
    pub(super) fn gaps(&self) -> Vec<(Period, Period)> {
        let mut spans: Vec<Span> = self.shown().map(|(figure, _)| figure.span).collect();
        spans.sort_by_key(|span| (span.first(), span.last()));
        let mut gaps = Vec::new();
        let mut covered: Option<Period> = None;
        for span in spans {
            gaps.extend(covered.and_then(|covered| self.gap(covered, span.first())));
            covered = covered.max(Some(span.last()));
        }
        gaps
    }

    /// What is missing between two periods.
    fn gap(&self, before: Period, after: Period) -> Option<(Period, Period)> {
        let missing = i64::from(after.distance(before)?) - 1;
        let allowed = if self.frequency == Frequency::Day { self.max_gap_days - 1 } else { 0 };
        (missing > allowed.max(0)).then(|| (before.next(), after.previous()))
    }

    /// The first and the last day that figures cover.
    pub(super) fn extent(&self) -> Option<(NaiveDate, NaiveDate)> {
        let first = self.figures.iter().map(Figure::first_day).min()?;
        let last = self.figures.iter().map(Figure::last_day).max()?;
        Some((first, last))
    }

    /// Each time that an alert fires, with the days that figures cover of it: while it goes on, nobody knows more.
    pub(super) fn fired(&self) -> Vec<(&Firing, NaiveDate, NaiveDate)> {
        let Some((first, last)) = self.extent() else { return Vec::new() };
        let days = |firing: &Firing| {
            let (since, until) = (firing.since.first_day(), firing.until.map_or(last, Period::last_day));
            (since.max(first), until.min(last))
        };
        let all = self.firing.iter().map(|firing| (firing, days(firing)));
        all.filter(|(_, (from, to))| from <= to).map(|(firing, (from, to))| (firing, from, to)).collect()
    }

    /// The last day that is drawn: past the last figure's by what is due or was published soon after.
    pub(super) fn last_day(&self) -> Option<NaiveDate> {
        let (_, last) = self.extent()?;
        let soon = Period::containing(last, self.frequency).offset(2).last_day();
        let of_lines = self.lines.iter().filter_map(Line::last_period).map(Period::last_day);
        let later = self.published.iter().copied().chain(self.due.map(|(_, day)| day)).chain(of_lines);
        later.filter(|day| *day <= soon).chain([last]).max()
    }
}

impl Line {
    /// Its latest value.
    pub(super) fn latest(&self) -> Option<f64> {
        match &self.values {
            Values::Same(value) => Some(*value),
            Values::Each(values) => values.last().map(|(_, value)| *value),
        }
    }

    fn last_period(&self) -> Option<Period> {
        match &self.values {
            Values::Same(_) => None,
            Values::Each(values) => values.last().map(|(period, _)| *period),
        }
    }

    /// Every value that it has.
    pub(super) fn values(&self) -> Vec<f64> {
        match &self.values {
            Values::Same(value) => vec![*value],
            Values::Each(values) => values.iter().map(|(_, value)| *value).collect(),
        }
    }
}
