//! The calendars of a view: which period lies so far before another, and which neighbours it has.
//!
//! Months, quarters, years and weeks are strict; days follow their trading; a bridge counts figures.

use chrono::Days;

use super::{Back, Gap, Point, View, Window};
use crate::period::{Frequency, Period, Span};

impl View<'_> {
    /// The period so far before, in a calendar where each period has its place.
    pub(super) fn strictly_back(&self, period: Period, back: Back) -> Period {
        match back {
            Back::Periods(n) => period.offset(-i32::try_from(n).unwrap_or(i32::MAX)),
            // The rules' check refuses lengths that are no whole number of periods.
            Back::Length(length) => length.back(period).unwrap_or(period),
        }
    }

    /// The figure so many figures before a period, whatever lies between.
    pub(super) fn bridged_back(&self, period: Period, n: u32) -> Result<Point, Gap> {
        let (mut before, mut left) = (period, n);
        for (span, vintages) in self.by_span().range(..Span::from(period)).rev() {
            // A combined figure and those of its own months are one stretch of time.
            if span.last() >= before {
                continue;
            }
            let Some(point) = self.latest_of(*span, vintages) else { continue };
            before = span.first();
            left -= 1;
            if left == 0 {
                return if span.is_single() { Ok(point) } else { Err(Gap::Combined(span.last(), *span)) };
            }
        }
        Err(Gap::Missing(before.previous()))
    }

    pub(super) fn trading_back(&self, period: Period, back: Back) -> Result<Point, Gap> {
        match back {
            Back::Periods(0) => self.point(period),
            Back::Periods(n) => {
                let window = self.trading_window(period, Back::Periods(n.saturating_add(1)));
                match window.gaps.first() {
                    Some(gap) => Err(*gap),
                    None => window.points.first().copied().ok_or(Gap::Missing(period)),
                }
            }
            Back::Length(length) => self.on_or_before(length.back(period).unwrap_or(period)),
        }
    }

    /// The last observation on or before a day, no older than the largest gap.
    fn on_or_before(&self, day: Period) -> Result<Point, Gap> {
        let max_gap_days = self.max_gap();
        let reach = i32::try_from(max_gap_days).unwrap_or(i32::MAX);
        self.days(day.offset(-reach), day).last().copied().ok_or(Gap::NoneWithin { day, max_gap_days })
    }

    pub(super) fn trading_window(&self, period: Period, back: Back) -> Window {
        let points = match back {
            Back::Length(length) => {
                let first = length.before(period.first_day()).and_then(|day| day.checked_add_days(Days::new(1)));
                let first = first.map_or(period, |day| Period::containing(day, Frequency::Day));
                return self.checked_days(first, self.days(first, period), period);
            }
            Back::Periods(n) => self.last_observations(period, n as usize),
        };
        let wanted = match back {
            Back::Periods(n) => n as usize,
            Back::Length(_) => points.len(),
        };
        let mut window = self.checked_neighbours(points, period);
        if window.gaps.is_empty() && window.points.len() < wanted {
            let before = window.points.first().map_or(period, |point| point.span.first().previous());
            window.gaps.push(Gap::NoneWithin { day: before, max_gap_days: self.max_gap() });
        }
        window
    }

    /// The last `n` observations, oldest first, the last of them on `period` itself.
    fn last_observations(&self, period: Period, n: usize) -> Vec<Point> {
        let upto = self.by_span().range(..=Span::from(period)).rev();
        let mut points: Vec<Point> =
            upto.filter_map(|(span, vintages)| self.latest_of(*span, vintages)).take(n).collect();
        points.reverse();
        points
    }

    /// A window by calendar length: its first observation may be as late as the largest gap allows.
    fn checked_days(&self, first: Period, points: Vec<Point>, last: Period) -> Window {
        let late = points
            .first()
            .is_none_or(|point| i64::from(point.span.first().ordinal()) - i64::from(first.ordinal()) >= self.max_gap());
        let mut window = self.checked_neighbours(points, last);
        if late {
            window.gaps.insert(0, Gap::NoneWithin { day: first, max_gap_days: self.max_gap() });
        }
        window
    }

    /// Observations whose neighbours lie no further apart than the largest gap.
    fn checked_neighbours(&self, points: Vec<Point>, last: Period) -> Window {
        let mut gaps = Vec::new();
        if points.last().is_none_or(|point| point.span.last() != last) {
            gaps.push(Gap::Missing(last));
        }
        for pair in points.windows(2) {
            let (before, after) = (pair[0].span.last(), pair[1].span.last());
            if i64::from(after.ordinal()) - i64::from(before.ordinal()) > self.max_gap() {
                gaps.push(Gap::NoneWithin { day: after.previous(), max_gap_days: self.max_gap() });
            }
        }
        Window { points, gaps }
    }

    pub(super) fn days(&self, first: Period, last: Period) -> Vec<Point> {
        if first > last {
            return Vec::new();
        }
        let range = self.by_span().range(Span::from(first)..=Span::from(last));
        range.filter_map(|(span, vintages)| self.latest_of(*span, vintages)).collect()
    }
}
