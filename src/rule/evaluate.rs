//! An expression at one period of a history: every part's value, with the figures that it read.
//!
//! A pure function of the tree, the view and the period; what values do with one another is told in
//! `operate`, what a measure reads in its own file.

use super::evidence::{Reading, Reason, Value};
use super::measure::{Call, Measured};
use super::operate::{and, calculate, compare, is_below, negate, not, or};
use super::syntax::{Node, NodeKind, Operator};
use crate::base::limits::LOOK_BACK_MAX;
use crate::period::{Frequency, Length, Period};
use crate::series::{Back, Gap, Point, Quantity, Unit, View, Window};

/// Where an expression is read: a view, a period, and what the rule says of small bases.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// The history as it was known.
    pub view: View<'a>,
    /// The period that is judged.
    pub period: Period,
    min_base: Option<&'a Quantity>,
}

impl<'a> Scope<'a> {
    /// A scope at a period.
    pub const fn new(view: View<'a>, period: Period, min_base: Option<&'a Quantity>) -> Self {
        Self { view, period, min_base }
    }

    /// The same at another period.
    #[must_use]
    pub const fn at(&self, period: Period) -> Self {
        Self { period, ..*self }
    }

    /// The figure at the period.
    pub fn now(&self) -> Result<Point, Gap> {
        self.view.point(self.period)
    }

    /// The figure so far before the period.
    pub fn back(&self, back: Back) -> Result<Point, Gap> {
        self.view.back(self.period, self.within_reach(back)?)
    }

    /// The period so far before. Where neighbours are counted by figures, that is the period of one; in a
    /// strict calendar it needs none.
    pub fn period_back(&self, back: Back) -> Result<Period, Gap> {
        match self.within_reach(back)? {
            back @ Back::Periods(_) if self.view.counts_figures() => {
                self.view.back(self.period, back).map(|point| point.span.last())
            }
            back @ Back::Length(_) if self.view.history().frequency() == Frequency::Day => {
                self.view.back(self.period, back).map(|point| point.span.last())
            }
            Back::Periods(n) => Ok(self.period.offset(-i32::try_from(n).unwrap_or(i32::MAX))),
            Back::Length(length) => length.back(self.period).ok_or(Gap::Missing(self.period)),
        }
    }

    /// The last periods.
    pub fn window(&self, back: Back) -> Window {
        match self.within_reach(back) {
            Ok(back) => self.view.window(self.period, back),
            Err(gap) => Window { points: Vec::new(), gaps: vec![gap] },
        }
    }

    /// A look-back that the calendar and our limit allow. The check refuses the others; a rule that was
    /// never checked against this frequency finds nothing there.
    fn within_reach(&self, back: Back) -> Result<Back, Gap> {
        let reached = match back {
            Back::Periods(n) => Some(n),
            Back::Length(length) => {
                let periods = length.back(self.period).and_then(|earlier| self.period.distance(earlier));
                periods.and_then(|periods| u32::try_from(periods).ok())
            }
        };
        reached.filter(|periods| *periods <= LOOK_BACK_MAX).map(|_| back).ok_or(Gap::Missing(self.period))
    }

    /// A figure in the series' unit.
    pub fn quantity(&self, value: f64) -> Value {
        finite(value, |value| Value::Quantity(value, self.unit().cloned()))
    }

    /// Why a base is too small for a ratio to say anything, where it is.
    pub fn below_min_base(&self, period: Period, base: f64) -> Option<Reason> {
        let min_base = self.min_base?;
        let least = match (&min_base.unit, self.unit()) {
            (Some(unit), Some(own)) => unit.convert(min_base.value, own),
            (None, None) => Some(min_base.value),
            (Some(_), None) | (None, Some(_)) => None,
        };
        let Some(least) = least else {
            return Some(Reason::Unit(format!(
                "min_base {min_base} does not fit the series, which {}",
                self.told_unit()
            )));
        };
        let base_told = || Quantity { value: base, unit: self.unit().cloned() };
        is_below(base, least).then(|| Reason::BelowMinBase { period, base: base_told(), min_base: min_base.clone() })
    }

    /// Reads one part of an expression with all below it.
    pub fn read(&self, node: &Node) -> Reading {
        let Measured { value, points, parts, items } = match &node.kind {
            NodeKind::Measure(measure, arguments) => (measure.read)(self, &Call::new(arguments)),
            NodeKind::Not(inner) => self.one(inner, not),
            NodeKind::Negate(inner) => self.one(inner, negate),
            NodeKind::Binary(operator, left, right) => self.two(*operator, left, right),
            NodeKind::Number(_)
            | NodeKind::Percent(_)
            | NodeKind::Quantity(..)
            | NodeKind::Length(_)
            | NodeKind::Period(_)
            | NodeKind::Label(_)
            | NodeKind::Text(_)
            | NodeKind::Pick(..) => Measured::new(self.literal(&node.kind), Vec::new()),
        };
        let measure = matches!(node.kind, NodeKind::Measure(..));
        Reading { text: node.to_string(), measure, is_change: node.is_change(), value, points, parts, items }
    }

    fn one(&self, inner: &Node, operation: fn(Value) -> Value) -> Measured {
        let reading = self.read(inner);
        let value = operation(reading.value.clone());
        let parts = if self.is_plain(inner) { Vec::new() } else { vec![reading] };
        Measured { value, points: Vec::new(), parts, items: Vec::new() }
    }

    fn two(&self, operator: Operator, left: &Node, right: &Node) -> Measured {
        let (first, second) = (self.read(left), self.read(right));
        let (a, b) = (first.value.clone(), second.value.clone());
        let value = match operator {
            Operator::And => and(a, b),
            Operator::Or => or(a, b),
            _ if operator.is_comparison() => compare(operator, a, b),
            _ => calculate(operator, a, b),
        };
        let shown = |(node, reading)| (!self.is_plain(node)).then_some(reading);
        let parts = [(left, first), (right, second)].into_iter().filter_map(shown).collect();
        Measured { value, points: Vec::new(), parts, items: Vec::new() }
    }

    /// Whether a part's value is just what its text says.
    fn is_plain(&self, node: &Node) -> bool {
        let converted = matches!(&node.kind, NodeKind::Quantity(_, unit) if self.unit() != Some(unit));
        node.is_literal() && !converted
    }

    fn literal(&self, kind: &NodeKind) -> Value {
        match kind {
            NodeKind::Number(number) => Value::Count(*number),
            NodeKind::Percent(percent) => Value::Ratio(percent / 100.0),
            NodeKind::Quantity(value, unit) => self.converted(*value, unit),
            NodeKind::Length(length) => self.days(*length),
            // The check lets times and periods stand only as arguments, which measures read themselves.
            _ => Value::Unknown(vec![Reason::Unit("a period is no value".to_owned())]),
        }
    }

    /// A time in days, counted back from today: a month before 31 March is 31 days, before 15 March 28.
    fn days(&self, length: Length) -> Value {
        let Some(now) = self.view.now() else { return Value::Unknown(vec![Reason::NoClock]) };
        let today = now.date(chrono_tz::UTC);
        let days = length.before(today).map(|day| today.signed_duration_since(day).num_days());
        days.map_or_else(|| Value::Unknown(vec![Reason::Overflow]), |days| Value::Time(days as f64))
    }

    /// A threshold in the series' unit.
    fn converted(&self, value: f64, unit: &Unit) -> Value {
        match self.unit().and_then(|own| unit.convert(value, own)) {
            Some(converted) => self.quantity(converted),
            None => {
                let reason = format!("the rule compares with {unit}, but the series {}", self.told_unit());
                Value::Unknown(vec![Reason::Unit(reason)])
            }
        }
    }

    fn unit(&self) -> Option<&'a Unit> {
        self.view.history().unit()
    }

    /// `is in kg`, `has no unit`.
    fn told_unit(&self) -> String {
        self.unit().map_or_else(|| "has no unit".to_owned(), |unit| format!("is in {unit}"))
    }
}

/// A number that must be finite.
pub fn finite(value: f64, of: impl FnOnce(f64) -> Value) -> Value {
    if value.is_finite() { of(value) } else { Value::Unknown(vec![Reason::Overflow]) }
}
