//! A formula's figure for a span, of its inputs as they were known, with the figures that it was made of.

use std::collections::BTreeSet;

use super::super::syntax::Operator;
use super::dimension::to_base;
use super::formula::{Function, Part, PartKind};
use crate::period::{Frequency, Period, Span};
use crate::series::{History, Point, View};

/// A figure under way: in the bases of the units.
pub struct Reading<'a> {
    views: &'a [View<'a>],
    span: Span,
    /// What was read.
    pub points: Vec<Point>,
}

impl<'a> Reading<'a> {
    /// Of a span.
    pub const fn new(views: &'a [View<'a>], span: Span) -> Self {
        Self { views, span, points: Vec::new() }
    }

    /// A part's figure; `None` where one that it needs is missing.
    pub fn of(&mut self, part: &Part) -> Option<f64> {
        match &part.kind {
            PartKind::Number(number) => Some(*number),
            PartKind::Quantity(value, unit) => Some(to_base(*value, Some(unit))),
            PartKind::Input(input) => {
                let point = self.views.get(*input)?.exactly(self.span)?;
                self.take(*input, &[point], |values| values.iter().sum())
            }
            PartKind::Call(function, input) => self.call(*function, *input),
            PartKind::Negate(inner) => self.of(inner).map(|value| -value),
            PartKind::Binary(operator, left, right) => {
                let (a, b) = (self.of(left)?, self.of(right)?);
                match operator {
                    Operator::Add => Some(a + b),
                    Operator::Subtract => Some(a - b),
                    Operator::Multiply => Some(a * b),
                    // Nothing is divided by nothing.
                    Operator::Divide => (b != 0.0).then(|| a / b),
                    _ => None,
                }
            }
        }
    }

    fn take(&mut self, input: usize, points: &[Point], make: impl Fn(&[f64]) -> f64) -> Option<f64> {
        let unit = self.views.get(input)?.history().unit();
        let values: Vec<f64> = points.iter().map(|point| to_base(point.value, unit)).collect();
        self.points.extend_from_slice(points);
        (!values.is_empty()).then(|| make(&values))
    }

    fn call(&mut self, function: Function, input: usize) -> Option<f64> {
        let view = self.views.get(input)?;
        let points = match (function, view.history().frequency()) {
            (Function::Monthly, _) => return self.monthly(input),
            (Function::Last, Frequency::Day) if self.span.last().frequency() == Frequency::Day => {
                let day = self.span.last();
                view.between(day.offset(-max_gap(view.history())), day).points.last().copied().into_iter().collect()
            }
            (_, Frequency::Day) => days(view, self.span)?,
            (function, _) => whole(view, self.span, function)?,
        };
        let points = if function == Function::Last { &points[points.len().checked_sub(1)?..] } else { &points[..] };
        self.take(input, points, |values| match function {
            Function::Mean => values.iter().map(|value| value / values.len() as f64).sum(),
            Function::Min => values.iter().copied().fold(f64::INFINITY, f64::min),
            Function::Max => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            Function::Sum | Function::Last | Function::Monthly => values.iter().sum(),
        })
    }

    /// A year-to-date figure less the one before the span: in January, and in a span that begins there, as
    /// it is. A span is one where no other figure of the year lies within it.
    fn monthly(&mut self, input: usize) -> Option<f64> {
        let view = self.views.get(input)?;
        let (first, last) = (self.span.first(), self.span.last());
        let now = to_date(view, last)?;
        if (0..i32::from(self.span.length()) - 1).any(|month| to_date(view, first.offset(month)).is_some()) {
            return None;
        }
        let now_only = |reading: &mut Self| reading.take(input, &[now], |values| values.iter().sum());
        if is_first_of_year(first) {
            return now_only(self);
        }
        let before = to_date(view, first.previous())?;
        self.take(input, &[before, now], |values| {
            values.iter().rev().copied().reduce(|now, before| now - before).unwrap_or(f64::NAN)
        })
    }
}

/// The figure from the year's beginning to the end of a month, however its publisher writes the span.
fn to_date(view: &View<'_>, month: Period) -> Option<Point> {
    let single = view.exactly(month.into());
    single.or_else(|| {
        let first = first_of_year(month);
        view.exactly(Span::new(first, month)?)
    })
}

fn first_of_year(month: Period) -> Period {
    let year = Period::containing(month.first_day(), Frequency::Year);
    Period::containing(year.first_day(), month.frequency())
}

fn is_first_of_year(month: Period) -> bool {
    first_of_year(month) == month
}

/// The spans that `monthly` may give for an input's figure: its month, with the months of the year before it
/// that may have none of their own.
pub fn months_until(span: Span) -> BTreeSet<Span> {
    let last = span.last();
    let first = first_of_year(last);
    let months = last.distance(first).unwrap_or(0);
    (0..=months).filter_map(|month| Span::new(first.offset(month), last)).collect()
}

fn max_gap(history: &History) -> i32 {
    i32::try_from(history.max_gap_days()).unwrap_or(i32::MAX)
}

/// The days of a longer period, where none is missing for longer than the largest gap and the period is
/// over: a later figure is known.
fn days(view: &View<'_>, span: Span) -> Option<Vec<Point>> {
    let gap = max_gap(view.history());
    let day = |date| Period::containing(date, Frequency::Day);
    let (first, last) = (day(span.first().first_day()), day(span.last().last_day()));
    let points = view.between(first, last).points;
    let later = view.between(last.next(), last.offset(gap)).points.first().copied()?;
    let mut before = first.previous();
    for point in points.iter().chain([&later]) {
        if point.span.last().distance(before)? > gap {
            return None;
        }
        before = point.span.last();
    }
    Some(points)
}

/// The shorter periods of a longer one, where none is missing. Figures that cover several of them together
/// have a sum, and no other value of their own.
fn whole(view: &View<'_>, span: Span, function: Function) -> Option<Vec<Point>> {
    let shorter = |date| Period::containing(date, view.history().frequency());
    let window = view.between(shorter(span.first().first_day()), shorter(span.last().last_day()));
    let alone = window.points.iter().all(|point| point.span.is_single());
    (window.gaps.is_empty() && (alone || function == Function::Sum)).then_some(window.points)
}
