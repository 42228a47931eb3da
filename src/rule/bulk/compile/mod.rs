//! From an expression's tree to steps on columns.
//!
//! It knows the language's measures by name and does for whole columns what each measure does for one
//! history. What it cannot put into steps it refuses, and the caller asks the evaluator instead.

mod measures;
mod sight;
mod streaks;

use std::collections::HashMap;

use self::sight::Sight;
use self::streaks::Streak;
use super::super::syntax::{Node, NodeKind, Operator};
use super::band::Band;
use super::program::{Arithmetic, Bits, Number, Step, Steps, Test, Truth};
use crate::base::limits::BULK_STEPS_MAX;
use crate::period::{Frequency, Period};
use crate::series::{Quantity, Unit};

/// Why an expression is judged series by series.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A measure that has no steps.
    #[error("the measure `{0}` is judged series by series")]
    Measure(&'static str),
    /// A streak by another, or by what is not known beforehand: of a lower bound, nothing can be said there.
    #[error("a streak multiplied or divided by anything but a number is judged series by series")]
    Streak,
    /// Types or units that do not fit; the evaluator says which.
    #[error("the parts of the expression do not fit together, or do not fit the series' unit")]
    Misfit,
    /// A rule that looks at final figures alone, or at all, where the panel shows the others.
    #[error("the panel shows other figures than the rule looks at")]
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
    Number(Amount),
    Truth(Truth),
}

/// A number of a kind.
#[derive(Clone, Copy, Debug)]
struct Amount {
    number: Number,
    kind: Kind,
    /// Where it is only what is known of a larger one.
    open: Option<Truth>,
}

impl Amount {
    const fn exact(number: Number, kind: Kind) -> Self {
        Self { number, kind, open: None }
    }
}

/// What is compiled for: the panel's calendar, unit and range, and the rule's least base.
pub struct Compiler<'a> {
    /// The steps so far.
    pub steps: Steps,
    /// Whether windows slide: worth it where many neighbouring periods are judged.
    pub slides: bool,
    /// Whether a step leaves out what the evaluator would see in combined figures.
    pub blind_to_combined: bool,
    /// What the condition at hand reads.
    sight: Sight,
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
            sight: Sight::default(),
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
            Term::Number(_) => Err(Refused::Misfit),
        }
    }

    /// Begins to note what is read; `single` says whether the single periods are wanted.
    pub fn look(&mut self, single: bool) {
        self.sight = Sight::new(single);
    }

    /// From the first to the last period that was read since.
    pub fn reach(&self) -> Option<(i32, i32)> {
        self.sight.reach()
    }

    /// Whether each period that was read since has a figure.
    pub fn complete(&mut self) -> Result<Truth, Refused> {
        let known = self.range.map(|(first, last)| first.ordinal()..=last.ordinal());
        let within = |ordinal: &i32| known.as_ref().is_some_and(|known| known.contains(ordinal));
        match self.sight.periods().filter(|periods| periods.iter().all(within)) {
            Some(periods) => {
                let periods = self.steps.list(periods);
                self.truth(Step::Complete(periods))
            }
            None => self.constant(Some(false)),
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
            return Ok(Term::Number(Amount::exact(Number::Constant(value.into()), kind)));
        }
        match &node.kind {
            NodeKind::Measure(measure, arguments) => self.measure(measure, arguments, at),
            NodeKind::Not(inner) => {
                let inner = self.condition(inner, at)?;
                Ok(Term::Truth(self.truth(Step::Not(inner))?))
            }
            NodeKind::Negate(inner) => {
                let inner = self.number(inner, at)?;
                let inner = self.settled(inner)?;
                Ok(Term::Number(Amount { number: self.step(Step::Negate(inner.number))?, ..inner }))
            }
            NodeKind::Binary(operator, left, right) => self.binary(*operator, left, right, at),
            // The check lets times and periods stand only as arguments.
            _ => Err(Refused::Misfit),
        }
    }

    fn number(&mut self, node: &Node, at: Period) -> Result<Amount, Refused> {
        match self.term(node, at)? {
            Term::Number(amount) => Ok(amount),
            Term::Truth(_) => Err(Refused::Misfit),
        }
    }

    /// A number, unknown where it is only what is known of a larger one.
    fn settled(&mut self, amount: Amount) -> Result<Amount, Refused> {
        let Some(gone) = amount.open else { return Ok(amount) };
        Ok(Amount::exact(self.step(Step::Without { x: amount.number, gone })?, amount.kind))
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
        let (a, b) = (self.number(left, at)?, self.number(right, at)?);
        Ok(Term::Number(self.arithmetic(arithmetic, a, b)?))
    }

    /// `a ∘ b`. A lower bound stays one where the operation keeps its direction, as it does for the evaluator.
    fn arithmetic(&mut self, operator: Arithmetic, a: Amount, b: Amount) -> Result<Amount, Refused> {
        let kind = self.kind_with(operator, a.kind, b.kind).ok_or(Refused::Misfit)?;
        let counts = a.kind == Kind::Count && b.kind == Kind::Count;
        let (a, b, open) = match (operator, a.open, b.open) {
            (_, None, None) => (a, b, None),
            (Arithmetic::Add, Some(one), Some(other)) if counts => (a, b, Some(self.truth(Step::Or(one, other))?)),
            (Arithmetic::Add, one, other) if counts => (a, b, one.or(other)),
            (Arithmetic::Subtract, open, _) if counts => (a, self.settled(b)?, open),
            (Arithmetic::Multiply, ..) | (Arithmetic::Divide, Some(_), _) if counts => {
                let by = if b.open.is_none() { b.number } else { a.number };
                match by {
                    Number::Constant(by) if by.get() > 0.0 || (operator == Arithmetic::Multiply && by.get() == 0.0) => {
                        (a, b, a.open.or(b.open))
                    }
                    Number::Constant(_) => (self.settled(a)?, self.settled(b)?, None),
                    Number::Period(_) | Number::Step(_) => return Err(Refused::Streak),
                }
            }
            _ => (self.settled(a)?, self.settled(b)?, None),
        };
        Ok(Amount { number: self.step(Step::Arithmetic { operator, a: a.number, b: b.number })?, kind, open })
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
        let (a, b) = (self.number(left, at)?, self.number(right, at)?);
        self.compared(operator, a, b)
    }

    /// A comparison of two amounts.
    fn compared(&mut self, operator: Operator, a: Amount, b: Amount) -> Result<Truth, Refused> {
        let scale = self.scale(a.kind, b.kind)?;
        // A lower bound of a count says something of a count alone.
        let counts = a.kind == Kind::Count && b.kind == Kind::Count;
        let (a, b) = if counts { (a, b) } else { (self.settled(a)?, self.settled(b)?) };
        let ask = |this: &mut Self, operator: Operator| {
            this.truth(Step::Compare { test: test(operator)?, a: a.number, b: b.number, scale: scale.into() })
        };
        let asked_back = |this: &mut Self, operator: Operator| ask(this, operator.mirrored());
        let exactly = ask(self, operator)?;
        let with_a = self.bounded(operator, a.open, exactly, ask)?;
        let Some(open) = b.open else { return Ok(with_a) };
        let with_b = self.bounded(operator.mirrored(), Some(open), exactly, asked_back)?;
        let unknown = self.constant(None)?;
        let both = a.open.map_or(Ok(with_b), |of| self.truth(Step::Choose { of, this: unknown, other: with_b }))?;
        self.truth(Step::Choose { of: open, this: both, other: with_a })
    }

    /// A comparison of an amount that is open somewhere: there it says only what every larger one says too.
    fn bounded(
        &mut self,
        operator: Operator,
        open: Option<Truth>,
        exactly: Truth,
        ask: impl FnOnce(&mut Self, Operator) -> Result<Truth, Refused>,
    ) -> Result<Truth, Refused> {
        let Some(of) = open else { return Ok(exactly) };
        let (sure, holds) = match operator {
            Operator::GreaterEqual => (Operator::GreaterEqual, true),
            Operator::Less => (Operator::GreaterEqual, false),
            Operator::LessEqual | Operator::Equal => (Operator::Greater, false),
            _ => (Operator::Greater, true),
        };
        let (sure, unknown) = (ask(self, sure)?, self.constant(None)?);
        let said = self.truth(Step::Or(sure, unknown))?;
        let this = if holds { said } else { self.truth(Step::Not(said))? };
        self.truth(Step::Choose { of, this, other: exactly })
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
        let x = self.number(node, at)?;
        if x.open.is_some() {
            return self.compared(operator, x, Amount::exact(Number::Constant(bound.into()), kind));
        }
        let band = self.band(bound, self.scale(x.kind, kind)? > 0.0);
        let (test, x, low, high) = (test(operator)?, x.number, band.low.into(), band.high.into());
        self.truth(match self.slid(x) {
            Some(Step::Zscore { now, window }) => {
                Step::CompareZscore { test, now, window, bound: bound.into(), low, high }
            }
            Some(Step::Fold { fold, window }) => Step::CompareSum { test, fold, window, low, high },
            _ => Step::CompareWith { test, x, low, high },
        })
    }

    /// The step behind a number, where its window is to slide.
    fn slid(&self, x: Number) -> Option<Step> {
        match x {
            Number::Step(step) if self.slides => Some(self.steps.step(step)),
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
