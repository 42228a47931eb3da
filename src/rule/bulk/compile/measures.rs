//! The measures as steps: what each does for one history, done for whole columns.

use super::super::super::measure::{Call, Measure, first_of_year};
use super::super::super::syntax::{Argument, Node};
use super::super::formula::Formula;
use super::super::program::{Arithmetic, Fold, Number, Reach, Step};
use super::{Amount, Compiler, Kind, MISSING, Refused, Term};
use crate::base::limits::LOOK_BACK_MAX;
use crate::period::{Length, LengthUnit, Period};
use crate::series::Back;

/// Years before.
const fn years(count: u32) -> Back {
    Back::Length(Length { count, unit: LengthUnit::Year })
}

impl Compiler<'_> {
    pub(super) fn measure(
        &mut self,
        measure: &'static Measure,
        arguments: &[Argument],
        at: Period,
    ) -> Result<Term, Refused> {
        let call = Call::new(arguments);
        if measure.walks {
            return self.tally(measure, arguments, at);
        }
        if let Some(formula) = formula(measure.name) {
            return self.formula(formula, &call, at);
        }
        let (number, kind) = match measure.name {
            "value" => (self.figure(Some(at)), Kind::Figure),
            "lag" => {
                let earlier = self.back(at, call.back(1));
                match call.argument(0) {
                    None => (self.figure(earlier), Kind::Figure),
                    Some(expression) => return self.lagged(expression, earlier, at),
                }
            }
            "change" => (self.change(at, call.back(0))?, Kind::Ratio),
            "yoy" => (self.change(at, years(1))?, Kind::Ratio),
            "change_since" => (self.since(at, call.period(0))?, Kind::Ratio),
            "diff" => {
                let (a, b) = (self.figure(Some(at)), self.figure_back(at, call.back(0)));
                (self.step(Step::Arithmetic { operator: Arithmetic::Subtract, a, b })?, Kind::Figure)
            }
            "mean" => (self.fold(Fold::Mean, at, call.back(0))?, Kind::Figure),
            "min" => (self.fold(Fold::Min, at, call.back(0))?, Kind::Figure),
            "max" => (self.fold(Fold::Max, at, call.back(0))?, Kind::Figure),
            "sum" => {
                let window = self.window(at, call.back(0));
                (self.sum(window)?, Kind::Figure)
            }
            "ytd" => (self.year_so_far(Some(at))?, Kind::Figure),
            "ytd_yoy" => {
                let (now, before) = (self.year_so_far(Some(at))?, self.back(at, years(1)));
                let base = self.year_so_far(before)?;
                (self.ratio(now, base)?, Kind::Ratio)
            }
            "drawdown" => (self.against(Fold::Max, at, call.back(0))?, Kind::Ratio),
            "runup" => (self.against(Fold::Min, at, call.back(0))?, Kind::Ratio),
            "zscore" => (self.zscore(at, call.back(0))?, Kind::Count),
            name => return Err(Refused::Measure(name)),
        };
        Ok(Term::Number(Amount::exact(number, kind)))
    }

    /// An expression as it was at an earlier period.
    fn lagged(&mut self, expression: &Node, earlier: Option<Period>, at: Period) -> Result<Term, Refused> {
        // A look-back that the calendar does not have makes the whole unknown, whatever kind it is.
        let term = self.term(expression, earlier.unwrap_or(at))?;
        Ok(match (term, earlier) {
            (term, Some(_)) => term,
            (Term::Number(amount), None) => Term::Number(Amount::exact(MISSING, amount.kind)),
            (Term::Truth(_), None) => Term::Truth(self.constant(None)?),
        })
    }

    fn change(&mut self, at: Period, back: Back) -> Result<Number, Refused> {
        // The evaluator reaches over whole years from one combined figure to another.
        self.blind_to_combined |= matches!(back, Back::Length(Length { unit: LengthUnit::Year, .. }));
        let base = self.back(at, back);
        self.since(at, base)
    }

    pub(super) fn since(&mut self, at: Period, base: Option<Period>) -> Result<Number, Refused> {
        let (now, base) = (self.figure(Some(at)), self.figure(base));
        self.ratio(now, base)
    }

    fn ratio(&mut self, now: Number, base: Number) -> Result<Number, Refused> {
        self.step(Step::Ratio { now, base, least: self.least.into() })
    }

    /// The figure now against the highest or the lowest of a window.
    fn against(&mut self, fold: Fold, at: Period, back: Back) -> Result<Number, Refused> {
        let (now, base) = (self.figure(Some(at)), self.fold(fold, at, back)?);
        self.ratio(now, base)
    }

    fn fold(&mut self, fold: Fold, at: Period, back: Back) -> Result<Number, Refused> {
        match (self.window(at, back), fold) {
            (None, _) => Ok(MISSING),
            (Some(window), Fold::Min) if self.slides => self.extreme(Arithmetic::Least, window),
            (Some(window), Fold::Max) if self.slides => self.extreme(Arithmetic::Most, window),
            (Some(window), Fold::Min | Fold::Max | Fold::Mean | Fold::Sum) => self.step(Step::Fold { fold, window }),
        }
    }

    /// The least or the largest figure of a window as that of two stretches that cover it, each as long as a
    /// power of two, and each made of two halves: the next period finds all but a few of them done.
    fn extreme(&mut self, operator: Arithmetic, Reach { first, last }: Reach) -> Result<Number, Refused> {
        let length = last - first + 1;
        if length == 1 {
            return Ok(Number::Period(first));
        }
        let half = if length.count_ones() == 1 { length / 2 } else { 1 << length.ilog2() };
        let a = self.extreme(operator, Reach { first, last: first + half - 1 })?;
        let b = self.extreme(operator, Reach { first: last - half + 1, last })?;
        self.step(Step::Arithmetic { operator, a, b })
    }

    /// A sum, in which combined figures take part.
    fn sum(&mut self, window: Option<Reach>) -> Result<Number, Refused> {
        self.blind_to_combined = true;
        window.map_or(Ok(MISSING), |window| self.step(Step::Fold { fold: Fold::Sum, window }))
    }

    /// The sum from the calendar year's first period on.
    fn year_so_far(&mut self, end: Option<Period>) -> Result<Number, Refused> {
        let window = end.and_then(|end| self.stretch(first_of_year(end)?, end));
        self.sum(window)
    }

    fn zscore(&mut self, at: Period, back: Back) -> Result<Number, Refused> {
        let now = self.figure(Some(at));
        self.back(at, Back::Periods(1));
        match self.window(at.previous(), back) {
            Some(window) if window.first < window.last => self.step(Step::Zscore { now, window }),
            Some(_) | None => Ok(MISSING),
        }
    }

    /// A measure by its own formula, over the figures that it reads.
    fn formula(&mut self, formula: Formula, call: &Call<'_>, at: Period) -> Result<Term, Refused> {
        let (figures, kind) = match formula {
            Formula::Median | Formula::Deviation => (self.listed(at, call.back(0)), Kind::Figure),
            Formula::Percentile | Formula::Slope => (self.listed(at, call.back(0)), Kind::Ratio),
            Formula::Volatility => (self.with_one_before(at, call.back(0)), Kind::Ratio),
            Formula::Robust => {
                let before = self.listed(at.previous(), call.back(0));
                (self.followed_by(before, at), Kind::Count)
            }
            Formula::Seasonal => {
                let mut year = |count| {
                    let earlier = self.back(at, years(count));
                    self.within(earlier)
                };
                let before = (1..=call.years(0)).rev().map(&mut year).collect();
                (self.followed_by(before, at), Kind::Count)
            }
        };
        let Some(figures) = figures.filter(|figures| !figures.is_empty()) else {
            return Ok(Term::Number(Amount::exact(MISSING, kind)));
        };
        let figures = self.steps.list(figures);
        Ok(Term::Number(Amount::exact(self.step(Step::Gather { formula, figures })?, kind)))
    }

    fn listed(&mut self, at: Period, back: Back) -> Option<Vec<i32>> {
        self.window(at, back).map(|window| (window.first..=window.last).collect())
    }

    /// A window with the period before it.
    fn with_one_before(&mut self, at: Period, back: Back) -> Option<Vec<i32>> {
        let before = self.back(at, back);
        let first = self.within(before);
        let window = self.window(at, back);
        Some((first?..=window?.last).collect())
    }

    fn followed_by(&mut self, before: Option<Vec<i32>>, at: Period) -> Option<Vec<i32>> {
        let now = self.within(Some(at));
        let mut figures = before?;
        figures.push(now?);
        Some(figures)
    }

    /// The figure of a period: outside the panel's range there is none.
    pub(super) fn figure(&mut self, period: Option<Period>) -> Number {
        self.within(period).map_or(MISSING, Number::Period)
    }

    fn figure_back(&mut self, at: Period, back: Back) -> Number {
        let earlier = self.back(at, back);
        self.figure(earlier)
    }

    /// The ordinal of a period that is read, where the panel has it.
    fn within(&mut self, period: Option<Period>) -> Option<i32> {
        let period = period.filter(|period| period.frequency() == self.frequency);
        self.sight.read(period, period);
        let (first, last) = self.range?;
        period.filter(|period| first <= *period && *period <= last).map(Period::ordinal)
    }

    /// The period so far before; where gaps are looked past, it depends on all that lie between.
    fn back(&mut self, at: Period, back: Back) -> Option<Period> {
        let earlier = earlier(at, back);
        if let Back::Periods(1..) = back {
            self.sight.passes(earlier, at);
        }
        earlier
    }

    /// The last periods, where all of them lie in the panel's range.
    fn window(&mut self, at: Period, back: Back) -> Option<Reach> {
        let first = earlier(at, back).map(Period::next);
        self.sight.read(first, Some(at));
        self.stretch(first?, at)
    }

    /// Neighbouring periods, where all of them lie in the panel's range.
    fn stretch(&mut self, first: Period, last: Period) -> Option<Reach> {
        self.sight.read(Some(first), Some(last));
        let (earliest, latest) = self.range?;
        let within = earliest <= first && first <= last && last <= latest;
        within.then(|| Reach { first: first.ordinal(), last: last.ordinal() })
    }
}

/// The period so far before, where the calendar and the evaluator's limit allow it.
fn earlier(at: Period, back: Back) -> Option<Period> {
    let earlier = match back {
        Back::Periods(n) => at.offset(-i32::try_from(n).ok()?),
        Back::Length(length) => length.back(at)?,
    };
    let distance = u32::try_from(at.distance(earlier)?).ok()?;
    (distance <= LOOK_BACK_MAX).then_some(earlier)
}

fn formula(name: &str) -> Option<Formula> {
    Some(match name {
        "median" => Formula::Median,
        "stddev" => Formula::Deviation,
        "robust_zscore" => Formula::Robust,
        "seasonal_zscore" => Formula::Seasonal,
        "percentile" => Formula::Percentile,
        "slope" => Formula::Slope,
        "volatility" => Formula::Volatility,
        _ => return None,
    })
}
