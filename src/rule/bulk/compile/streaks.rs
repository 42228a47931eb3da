//! Streaks as steps.
//!
//! One that is simply compared with a number needs no more periods than that number. Any other is counted
//! from the first figure on, each period from the one before; beside the count goes where it is only what is
//! known of a longer streak.

use super::super::super::evidence::Value;
use super::super::super::measure::{Call, Measure};
use super::super::super::operate;
use super::super::super::syntax::{Argument, Node, Operator};
use super::super::program::{Number, Step, Test, Truth};
use super::{Amount, Compiler, Kind, Refused, Term};
use crate::base::limits::STREAK_MAX;
use crate::period::Period;

/// What a streak counts.
pub(super) enum Streak<'a> {
    Of(&'a Node),
    Declines(f64),
    Rises(f64),
}

impl<'a> Streak<'a> {
    pub(super) fn new(measure: &Measure, arguments: &'a [Argument]) -> Result<Self, Refused> {
        let call = Call::new(arguments);
        match measure.name {
            "streak" => call.argument(0).map(Self::Of).ok_or(Refused::Misfit),
            "declines" => Ok(Self::Declines(call.ratio(0))),
            "rises" => Ok(Self::Rises(call.ratio(0))),
            name => Err(Refused::Measure(name)),
        }
    }
}

impl Compiler<'_> {
    /// A streak that is compared with a number: link by link, from the earliest that matters to now.
    pub(super) fn streak(
        &mut self,
        operator: Operator,
        streak: &Streak<'_>,
        bound: f64,
        at: Period,
    ) -> Result<Truth, Refused> {
        let says = |count: Value| truth_of(&operate::compare(operator, count, Value::Count(bound)));
        let exactly = |count: u32| says(Value::Count(count.into()));
        let at_least = |count: u32| says(Value::AtLeast(count.into(), Vec::new()));
        // From so many on, nothing that is longer says anything else.
        let settled = (0..=STREAK_MAX).find(|count| at_least(*count).is_some()).ok_or(Refused::Streak)?;
        // No streak goes on past the first figure.
        let known = self.range.and_then(|(first, _)| at.distance(first)).and_then(|known| u32::try_from(known).ok());
        let links = settled.min(known.unwrap_or(0) + 1);
        let mut next = self.constant(if links == settled { exactly(settled) } else { None })?;
        for count in (0..links).rev() {
            let period = at.offset(-i32::try_from(count).unwrap_or(i32::MAX));
            let here = self.goes(streak, period)?;
            let before = matches!(streak, Streak::Of(_)).then(|| self.figure(Some(period.previous())));
            let (ended, stuck, torn) = (exactly(count), at_least(count), at_least(count + 1));
            next = self.truth(Step::Link { here, before, next, ended, stuck, torn })?;
        }
        Ok(next)
    }

    /// How many periods in a row, counted from the first figure on.
    pub(super) fn tally(
        &mut self,
        measure: &'static Measure,
        arguments: &[Argument],
        at: Period,
    ) -> Result<Term, Refused> {
        let streak = Streak::new(measure, arguments)?;
        let first = self.range.map_or(at, |(first, _)| first.min(at));
        // Before the first figure there is none to go on to.
        let (mut tally, mut open) = (Number::Constant(0.0.into()), self.constant(Some(true))?);
        let mut period = first;
        while period <= at {
            let here = self.goes(&streak, period)?;
            let before = self.figure(Some(period.previous()));
            let before = (period > first).then_some(before);
            tally = Number::Step(self.add(Step::Tally { here, before, next: tally })?);
            open = Truth(self.add(Step::Open { here, before, next: open, tally })?);
            period = period.next();
        }
        Ok(Term::Number(Amount { number: tally, kind: Kind::Count, open: Some(open) }))
    }

    /// Whether a streak goes on at one period.
    fn goes(&mut self, streak: &Streak<'_>, at: Period) -> Result<Truth, Refused> {
        let (test, tolerance) = match streak {
            Streak::Of(condition) => return self.condition(condition, at),
            Streak::Declines(tolerance) => (Test::Less, *tolerance),
            Streak::Rises(tolerance) => (Test::Greater, *tolerance),
        };
        let x = self.since(at, Some(at.previous()))?;
        let high = self.band(tolerance, true).high;
        // A decline by more than the tolerance is a change that lies as far below zero.
        self.truth(Step::CompareWith { test, x, low: (-high).into(), high: high.into() })
    }
}

const fn truth_of(value: &Value) -> Option<bool> {
    match value {
        Value::Truth(truth) => Some(*truth),
        _ => None,
    }
}
