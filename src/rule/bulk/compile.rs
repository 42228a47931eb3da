//! From an expression's tree to steps on columns.
//!
//! It knows the language's measures by name and does for whole columns what each measure does for one
//! history. What it cannot put into steps it refuses, and the caller asks the evaluator instead.

use std::collections::HashMap;

use super::super::evidence::Value;
use super::super::measure::{Call, Measure};
use super::super::operate;
use super::super::syntax::{Argument, Node, NodeKind, Operator};
use super::band::Band;
use super::program::{Arithmetic, Bits, Fold, Number, Reach, Step, Steps, Test, Truth};
use crate::base::limits::{BULK_STEPS_MAX, LOOK_BACK_MAX, STREAK_MAX};
use crate::period::{Frequency, Length, LengthUnit, Period};
use crate::series::{Back, Quantity, Unit};

/// Why an expression is judged series by series.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A measure that has no steps.
    #[error("the measure `{0}` is judged series by series")]
    Measure(&'static str),
    /// A streak that is not simply compared with a number.
    #[error(
        "a streak is judged for all series at once only where it is compared with a number, such as `declines >= 2`"
    )]
    Streak,
    /// Types or units that do not fit; the evaluator says which.
    #[error("the parts of the expression do not fit together, or do not fit the series' unit")]
    Misfit,
    /// A rule that bridges or breaks at gaps, or looks at final figures alone.
    #[error("a rule with `on_gap` or `status` is judged series by series")]
    Sight,
    /// Too many steps.
    #[error("the expression needs more than {BULK_STEPS_MAX} steps for all its periods")]
    TooLong,
}

/// What kind of number a part is, as the evaluator's values have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Count,
    Ratio,
    Figure,
}

/// What a part has become.
#[derive(Clone, Copy, Debug)]
enum Term {
    Number(Number, Kind),
    Truth(Truth),
}

/// What is compiled for: the panel's calendar, unit and range, and the rule's least base.
pub struct Compiler<'a> {
    /// The steps so far.
    pub steps: Steps,
    /// Whether windows slide: worth it where many neighbouring periods are judged.
    pub slides: bool,
    /// Whether a step leaves out what the evaluator would see in combined figures.
    pub blind_to_combined: bool,
    bands: HashMap<(Bits, bool), Band>,
    frequency: Frequency,
    unit: Option<&'a Unit>,
    range: Option<(Period, Period)>,
    least: f64,
}

const MISSING: Number = Number::Constant(Bits::NAN);

impl<'a> Compiler<'a> {
    /// For series of a frequency and a unit with figures in a range of periods.
    pub fn new(frequency: Frequency, unit: Option<&'a Unit>, range: Option<(Period, Period)>) -> Self {
        Self {
            steps: Steps::default(),
            slides: false,
            blind_to_combined: false,
            bands: HashMap::new(),
            frequency,
            unit,
            range,
            least: f64::NEG_INFINITY,
        }
    }

    /// Sets the base below which a ratio says nothing, for what is compiled from now on.
    pub fn set_min_base(&mut self, min_base: Option<&Quantity>) -> Result<(), Refused> {
        self.least = match min_base {
            None => f64::NEG_INFINITY,
            Some(Quantity { value, unit }) => Band::of_figure(self.in_own_unit(*value, unit.as_ref())?).low,
        };
        Ok(())
    }

    /// A condition at a period.
    pub fn condition(&mut self, node: &Node, at: Period) -> Result<Truth, Refused> {
        match self.term(node, at)? {
            Term::Truth(truth) => Ok(truth),
            Term::Number(..) => Err(Refused::Misfit),
        }
    }

    /// Two conditions that must both hold.
    pub fn both(&mut self, a: Truth, b: Truth) -> Result<Truth, Refused> {
        self.truth(Step::And(a, b))
    }

    /// A condition that is the same for all.
    pub fn constant(&mut self, truth: Option<bool>) -> Result<Truth, Refused> {
        self.truth(Step::Constant(truth))
    }

    fn term(&mut self, node: &Node, at: Period) -> Result<Term, Refused> {
        if let Some((value, kind)) = self.literal(node)? {
            return Ok(Term::Number(Number::Constant(value.into()), kind));
        }
        match &node.kind {
            NodeKind::Measure(measure, arguments) => self.measure(measure, arguments, at),
            NodeKind::Not(inner) => {
                let inner = self.condition(inner, at)?;
                Ok(Term::Truth(self.truth(Step::Not(inner))?))
            }
            NodeKind::Negate(inner) => {
                let (inner, kind) = self.number(inner, at)?;
                Ok(Term::Number(self.step(Step::Negate(inner))?, kind))
            }
            NodeKind::Binary(operator, left, right) => self.binary(*operator, left, right, at),
            // The check lets times and periods stand only as arguments.
            _ => Err(Refused::Misfit),
        }
    }

    fn number(&mut self, node: &Node, at: Period) -> Result<(Number, Kind), Refused> {
        match self.term(node, at)? {
            Term::Number(number, kind) => Ok((number, kind)),
            Term::Truth(_) => Err(Refused::Misfit),
        }
    }

    /// A number that the expression itself writes.
    fn literal(&self, node: &Node) -> Result<Option<(f64, Kind)>, Refused> {
        Ok(match &node.kind {
            NodeKind::Number(number) => Some((*number, Kind::Count)),
            NodeKind::Percent(percent) => Some((percent / 100.0, Kind::Ratio)),
            NodeKind::Quantity(value, unit) => Some((self.in_own_unit(*value, Some(unit))?, Kind::Figure)),
            NodeKind::Negate(inner) => self.literal(inner)?.map(|(value, kind)| (-value, kind)),
            _ => None,
        })
    }

    /// A figure in the series' unit.
    fn in_own_unit(&self, value: f64, unit: Option<&Unit>) -> Result<f64, Refused> {
        let converted = match (unit, self.unit) {
            (Some(unit), Some(own)) => unit.convert(value, own),
            (None, None) => Some(value),
            (Some(_), None) | (None, Some(_)) => None,
        };
        converted.filter(|value| value.is_finite()).ok_or(Refused::Misfit)
    }

    fn binary(&mut self, operator: Operator, left: &Node, right: &Node, at: Period) -> Result<Term, Refused> {
        let arithmetic = match operator {
            Operator::And | Operator::Or => {
                let (a, b) = (self.condition(left, at)?, self.condition(right, at)?);
                let step = if operator == Operator::And { Step::And(a, b) } else { Step::Or(a, b) };
                return Ok(Term::Truth(self.truth(step)?));
            }
            Operator::Add => Arithmetic::Add,
            Operator::Subtract => Arithmetic::Subtract,
            Operator::Multiply => Arithmetic::Multiply,
            Operator::Divide => Arithmetic::Divide,
            _ => return Ok(Term::Truth(self.comparison(operator, left, right, at)?)),
        };
        let ((a, of_a), (b, of_b)) = (self.number(left, at)?, self.number(right, at)?);
        let kind = self.kind_with(arithmetic, of_a, of_b).ok_or(Refused::Misfit)?;
        Ok(Term::Number(self.step(Step::Arithmetic { operator: arithmetic, a, b })?, kind))
    }

    /// The kind of a result, as the evaluator has it.
    fn kind_with(&self, operator: Arithmetic, a: Kind, b: Kind) -> Option<Kind> {
        use Kind::{Count, Figure, Ratio};
        let sum = matches!(operator, Arithmetic::Add | Arithmetic::Subtract);
        Some(match (a, b) {
            (Count, Count) => Count,
            (Ratio, Ratio) => Ratio,
            (Ratio, Count) | (Count, Ratio) if !sum => Ratio,
            (Figure, Count | Ratio) if !sum => Figure,
            (Count | Ratio, Figure) if operator == Arithmetic::Multiply => Figure,
            (Figure, Figure) if sum => Figure,
            (Figure, Figure) if operator == Arithmetic::Divide => Ratio,
            (Figure, Count) | (Count, Figure) if sum && self.unit.is_none() => Figure,
            _ => return None,
        })
    }

    fn comparison(&mut self, operator: Operator, left: &Node, right: &Node, at: Period) -> Result<Truth, Refused> {
        if let Some((bound, kind)) = self.literal(right)? {
            return self.comparison_with(operator, left, bound, kind, at);
        }
        if let Some((bound, kind)) = self.literal(left)? {
            return self.comparison_with(operator.mirrored(), right, bound, kind, at);
        }
        let ((a, of_a), (b, of_b)) = (self.number(left, at)?, self.number(right, at)?);
        let scale = self.scale(of_a, of_b)?.into();
        self.truth(Step::Compare { test: test(operator)?, a, b, scale })
    }

    /// A comparison with a number that is known beforehand.
    fn comparison_with(
        &mut self,
        operator: Operator,
        node: &Node,
        bound: f64,
        kind: Kind,
        at: Period,
    ) -> Result<Truth, Refused> {
        match &node.kind {
            NodeKind::Measure(measure, arguments) if measure.walks => {
                let streak = Streak::new(measure, arguments)?;
                return if kind == Kind::Count {
                    self.streak(operator, &streak, bound, at)
                } else {
                    Err(Refused::Misfit)
                };
            }
            _ => {}
        }
        let (x, of_x) = self.number(node, at)?;
        let band = self.band(bound, self.scale(of_x, kind)? > 0.0);
        let (test, low, high) = (test(operator)?, band.low.into(), band.high.into());
        match self.slid(x) {
            Some((now, window)) => {
                self.truth(Step::CompareZscore { test, now, window, bound: bound.into(), low, high })
            }
            None => self.truth(Step::CompareWith { test, x, low, high }),
        }
    }

    /// A z-score whose window is to slide.
    fn slid(&self, x: Number) -> Option<(Number, Reach)> {
        match (self.slides, x) {
            (true, Number::Step(step)) => match self.steps.step(step) {
                Step::Zscore { now, window } => Some((now, window)),
                _ => None,
            },
            _ => None,
        }
    }

    /// What equals a bound, for ratios and counts or for figures; each is looked for once.
    fn band(&mut self, bound: f64, relative: bool) -> Band {
        let look = || if relative { Band::of_ratio(bound) } else { Band::of_figure(bound) };
        *self.bands.entry((bound.into(), relative)).or_insert_with(look)
    }

    /// The least size of two numbers that are compared, which the evaluator's noise is measured by.
    fn scale(&self, a: Kind, b: Kind) -> Result<f64, Refused> {
        match (a, b) {
            (Kind::Figure, Kind::Figure) => Ok(0.0),
            (Kind::Figure, Kind::Count) | (Kind::Count, Kind::Figure) if self.unit.is_none() => Ok(0.0),
            (Kind::Ratio, Kind::Ratio) | (Kind::Count, Kind::Count) => Ok(1.0),
            _ => Err(Refused::Misfit),
        }
    }

    fn measure(&mut self, measure: &'static Measure, arguments: &[Argument], at: Period) -> Result<Term, Refused> {
        let call = Call::new(arguments);
        let year = Back::Length(Length { count: 1, unit: LengthUnit::Year });
        let of = |number, kind| Ok(Term::Number(number, kind));
        match measure.name {
            "value" => of(self.figure(Some(at)), Kind::Figure),
            "lag" => match call.argument(0) {
                None => of(self.figure(self.back(at, call.back(1))), Kind::Figure),
                Some(expression) => self.lagged(expression, self.back(at, call.back(1)), at),
            },
            "change" => of(self.change(at, call.back(0))?, Kind::Ratio),
            "yoy" => of(self.change(at, year)?, Kind::Ratio),
            "change_since" => of(self.ratio(at, call.period(0))?, Kind::Ratio),
            "diff" => {
                let (a, b) = (self.figure(Some(at)), self.figure(self.back(at, call.back(0))));
                of(self.step(Step::Arithmetic { operator: Arithmetic::Subtract, a, b })?, Kind::Figure)
            }
            "mean" => of(self.fold(Fold::Mean, at, call.back(0))?, Kind::Figure),
            "min" => of(self.fold(Fold::Min, at, call.back(0))?, Kind::Figure),
            "max" => of(self.fold(Fold::Max, at, call.back(0))?, Kind::Figure),
            "sum" => {
                self.blind_to_combined = true;
                of(self.fold(Fold::Sum, at, call.back(0))?, Kind::Figure)
            }
            "zscore" => of(self.zscore(at, call.back(0))?, Kind::Count),
            _ if measure.walks => Err(Refused::Streak),
            name => Err(Refused::Measure(name)),
        }
    }

    /// An expression as it was at an earlier period.
    fn lagged(&mut self, expression: &Node, earlier: Option<Period>, at: Period) -> Result<Term, Refused> {
        // A look-back that the calendar does not have makes the whole unknown, whatever kind it is.
        let term = self.term(expression, earlier.unwrap_or(at))?;
        Ok(match (term, earlier) {
            (term, Some(_)) => term,
            (Term::Number(_, kind), None) => Term::Number(MISSING, kind),
            (Term::Truth(_), None) => Term::Truth(self.constant(None)?),
        })
    }

    fn change(&mut self, at: Period, back: Back) -> Result<Number, Refused> {
        // The evaluator reaches over whole years from one combined figure to another.
        self.blind_to_combined |= matches!(back, Back::Length(Length { unit: LengthUnit::Year, .. }));
        self.ratio(at, self.back(at, back))
    }

    fn ratio(&mut self, at: Period, base: Option<Period>) -> Result<Number, Refused> {
        let (now, base) = (self.figure(Some(at)), self.figure(base));
        self.step(Step::Ratio { now, base, least: self.least.into() })
    }

    fn fold(&mut self, fold: Fold, at: Period, back: Back) -> Result<Number, Refused> {
        match self.window(at, back) {
            Some(window) => self.step(Step::Fold { fold, window }),
            None => Ok(MISSING),
        }
    }

    fn zscore(&mut self, at: Period, back: Back) -> Result<Number, Refused> {
        match self.window(at.previous(), back) {
            Some(window) if window.first < window.last => {
                let now = self.figure(Some(at));
                self.step(Step::Zscore { now, window })
            }
            Some(_) | None => Ok(MISSING),
        }
    }

    /// A streak that is compared with a number: link by link, from the earliest that matters to now.
    fn streak(&mut self, operator: Operator, streak: &Streak<'_>, bound: f64, at: Period) -> Result<Truth, Refused> {
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
            let here = self.streak_goes(streak, period)?;
            let before = matches!(streak, Streak::Of(_)).then(|| self.figure(Some(period.previous())));
            let (ended, stuck, torn) = (exactly(count), at_least(count), at_least(count + 1));
            next = self.truth(Step::Link { here, before, next, ended, stuck, torn })?;
        }
        Ok(next)
    }

    /// Whether a streak goes on at one period.
    fn streak_goes(&mut self, streak: &Streak<'_>, at: Period) -> Result<Truth, Refused> {
        let (test, tolerance) = match streak {
            Streak::Of(condition) => return self.condition(condition, at),
            Streak::Declines(tolerance) => (Test::Less, *tolerance),
            Streak::Rises(tolerance) => (Test::Greater, *tolerance),
        };
        let x = self.ratio(at, Some(at.previous()))?;
        let high = self.band(tolerance, true).high;
        // A decline by more than the tolerance is a change that lies as far below zero.
        self.truth(Step::CompareWith { test, x, low: (-high).into(), high: high.into() })
    }

    /// The figure of a period: outside the panel's range there is none.
    fn figure(&self, period: Option<Period>) -> Number {
        let within = |period: &Period| {
            let range = self.range.filter(|_| period.frequency() == self.frequency);
            range.is_some_and(|(first, last)| first <= *period && *period <= last)
        };
        period.filter(within).map_or(MISSING, |period| Number::Period(period.ordinal()))
    }

    /// The period so far before, where the calendar and the evaluator's limit allow it.
    fn back(&self, at: Period, back: Back) -> Option<Period> {
        let earlier = match back {
            Back::Periods(n) => at.offset(-i32::try_from(n).ok()?),
            Back::Length(length) => length.back(at)?,
        };
        let distance = u32::try_from(at.distance(earlier)?).ok()?;
        (distance <= LOOK_BACK_MAX).then_some(earlier)
    }

    /// The last periods, where all of them lie in the panel's range.
    fn window(&self, at: Period, back: Back) -> Option<Reach> {
        let first = self.back(at, back)?.next();
        let (earliest, latest) = self.range?;
        (earliest <= first && first <= at && at <= latest).then(|| Reach { first: first.ordinal(), last: at.ordinal() })
    }

    fn step(&mut self, step: Step) -> Result<Number, Refused> {
        // A window, or a number, of which nothing can be known.
        if step.numbers().any(|number| number == MISSING) {
            return Ok(MISSING);
        }
        Ok(Number::Step(self.add(step)?))
    }

    fn truth(&mut self, step: Step) -> Result<Truth, Refused> {
        let unknown = !matches!(step, Step::Link { .. }) && step.numbers().any(|number| number == MISSING);
        Ok(Truth(self.add(if unknown { Step::Constant(None) } else { step })?))
    }

    fn add(&mut self, step: Step) -> Result<u32, Refused> {
        let number = self.steps.add(step);
        if self.steps.len() > BULK_STEPS_MAX { Err(Refused::TooLong) } else { Ok(number) }
    }
}

/// What a streak counts.
enum Streak<'a> {
    Of(&'a Node),
    Declines(f64),
    Rises(f64),
}

impl<'a> Streak<'a> {
    fn new(measure: &Measure, arguments: &'a [Argument]) -> Result<Self, Refused> {
        let call = Call::new(arguments);
        match measure.name {
            "streak" => call.argument(0).map(Self::Of).ok_or(Refused::Misfit),
            "declines" => Ok(Self::Declines(call.ratio(0))),
            "rises" => Ok(Self::Rises(call.ratio(0))),
            name => Err(Refused::Measure(name)),
        }
    }
}

fn test(operator: Operator) -> Result<Test, Refused> {
    Ok(match operator {
        Operator::Less => Test::Less,
        Operator::LessEqual => Test::LessEqual,
        Operator::Greater => Test::Greater,
        Operator::GreaterEqual => Test::GreaterEqual,
        Operator::Equal => Test::Equal,
        Operator::NotEqual => Test::NotEqual,
        _ => return Err(Refused::Misfit),
    })
}

const fn truth_of(value: &Value) -> Option<bool> {
    match value {
        Value::Truth(truth) => Some(*truth),
        _ => None,
    }
}
