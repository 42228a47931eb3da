//! What a condition becomes: a straight line of operations on columns, each done once.
//!
//! The same operation on the same columns is the same step, whichever rule or period asked for it. So two
//! rules share the change that both read, and a backtest's next period finds last period's changes done.

use std::collections::HashMap;

use super::formula::Formula;

/// A number as a key: by its bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bits(u64);

impl From<f64> for Bits {
    fn from(number: f64) -> Self {
        Self(number.to_bits())
    }
}

impl Bits {
    /// No number.
    pub const NAN: Self = Self(f64::NAN.to_bits());

    /// The number.
    pub const fn get(self) -> f64 {
        f64::from_bits(self.0)
    }
}

/// Where a number for each lane comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Number {
    /// The panel, at the ordinal of a period.
    Period(i32),
    /// A step before.
    Step(u32),
    /// The same for all lanes.
    Constant(Bits),
}

/// A condition: the step that decides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Truth(pub u32);

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Test {
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
}

/// An operation on two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arithmetic {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// The smaller one.
    Least,
    /// The larger one.
    Most,
}

/// What a window comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fold {
    /// The sum.
    Sum,
    /// The arithmetic mean.
    Mean,
    /// The least.
    Min,
    /// The largest.
    Max,
}

/// Neighbouring periods by their ordinals, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reach {
    /// The first.
    pub first: i32,
    /// The last.
    pub last: i32,
}

/// Periods that one step reads together, in order: the number of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct List(u32);

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// `now/base − 1`, where the base is at least `least`.
    Ratio { now: Number, base: Number, least: Bits },
    /// `a ∘ b`.
    Arithmetic { operator: Arithmetic, a: Number, b: Number },
    /// `−a`.
    Negate(Number),
    /// A window's sum, mean, least or largest.
    Fold { fold: Fold, window: Reach },
    /// A figure against the periods of a window.
    Zscore { now: Number, window: Reach },
    /// What a list of periods comes to by a measure's own formula.
    Gather { formula: Formula, figures: List },
    /// How many periods in a row, as far as is known: none where `here` does not hold, else one more than
    /// `next`, where there is a figure before.
    Tally { here: Truth, before: Option<Number>, next: Number },
    /// A number, but none where a condition holds.
    Without { x: Number, gone: Truth },
    /// A number against one that is the same for all, from `low` to `high`.
    CompareWith { test: Test, x: Number, low: Bits, high: Bits },
    /// A z-score against one that is the same for all, by sums that slide from period to period.
    CompareZscore { test: Test, now: Number, window: Reach, bound: Bits, low: Bits, high: Bits },
    /// A sum or a mean against one that is the same for all, by a sum that slides from period to period.
    CompareSum { test: Test, fold: Fold, window: Reach, low: Bits, high: Bits },
    /// Two numbers.
    Compare { test: Test, a: Number, b: Number, scale: Bits },
    /// The same for all.
    Constant(Option<bool>),
    /// `not`.
    Not(Truth),
    /// `and`.
    And(Truth, Truth),
    /// `or`.
    Or(Truth, Truth),
    /// One link of a streak that is compared with a number.
    Link {
        here: Truth,
        before: Option<Number>,
        next: Truth,
        ended: Option<bool>,
        stuck: Option<bool>,
        torn: Option<bool>,
    },
    /// Whether a tally is only what is known of a longer streak.
    Open { here: Truth, before: Option<Number>, next: Truth, tally: Number },
    /// What one condition says where a first one holds, and another elsewhere.
    Choose { of: Truth, this: Truth, other: Truth },
    /// Whether each of some periods has a figure.
    Complete(List),
}

impl Step {
    /// Whether it decides a condition rather than giving numbers.
    pub const fn is_truth(&self) -> bool {
        match self {
            Self::Ratio { .. }
            | Self::Arithmetic { .. }
            | Self::Negate(_)
            | Self::Fold { .. }
            | Self::Zscore { .. }
            | Self::Gather { .. }
            | Self::Tally { .. }
            | Self::Without { .. } => false,
            Self::CompareWith { .. }
            | Self::CompareZscore { .. }
            | Self::CompareSum { .. }
            | Self::Compare { .. }
            | Self::Constant(_)
            | Self::Not(_)
            | Self::And(..)
            | Self::Or(..)
            | Self::Link { .. }
            | Self::Open { .. }
            | Self::Choose { .. }
            | Self::Complete(_) => true,
        }
    }

    /// The numbers that it reads.
    pub fn numbers(&self) -> impl Iterator<Item = Number> {
        let read = match *self {
            Self::Ratio { now, base, .. } => [Some(now), Some(base)],
            Self::Arithmetic { a, b, .. } | Self::Compare { a, b, .. } => [Some(a), Some(b)],
            Self::Negate(x)
            | Self::CompareWith { x, .. }
            | Self::Zscore { now: x, .. }
            | Self::CompareZscore { now: x, .. }
            | Self::Without { x, .. } => [Some(x), None],
            Self::Link { before, .. } => [before, None],
            Self::Tally { before, next, .. } => [before, Some(next)],
            Self::Open { before, tally, .. } => [before, Some(tally)],
            Self::Fold { .. }
            | Self::Gather { .. }
            | Self::CompareSum { .. }
            | Self::Constant(_)
            | Self::Not(_)
            | Self::And(..)
            | Self::Or(..)
            | Self::Choose { .. }
            | Self::Complete(_) => [None, None],
        };
        read.into_iter().flatten()
    }

    /// The steps that it reads.
    fn reads(&self) -> impl Iterator<Item = u32> {
        let truths = match *self {
            Self::Not(a) | Self::Tally { here: a, .. } | Self::Without { gone: a, .. } => [Some(a), None, None],
            Self::And(a, b) | Self::Or(a, b) | Self::Link { here: a, next: b, .. } => [Some(a), Some(b), None],
            Self::Open { here, next, .. } => [Some(here), Some(next), None],
            Self::Choose { of, this, other } => [Some(of), Some(this), Some(other)],
            _ => [None, None, None],
        };
        let numbers = self.numbers().filter_map(|number| match number {
            Number::Step(step) => Some(step),
            Number::Period(_) | Number::Constant(_) => None,
        });
        truths.into_iter().flatten().map(|truth| truth.0).chain(numbers)
    }

    /// The window that it reads.
    pub const fn window(&self) -> Option<Reach> {
        match self {
            Self::Fold { window, .. }
            | Self::Zscore { window, .. }
            | Self::CompareZscore { window, .. }
            | Self::CompareSum { window, .. } => Some(*window),
            _ => None,
        }
    }

    /// The list of periods that it reads.
    pub const fn list(&self) -> Option<List> {
        match self {
            Self::Gather { figures, .. } | Self::Complete(figures) => Some(*figures),
            _ => None,
        }
    }
}

/// Steps in order, each once.
#[derive(Debug, Default)]
pub struct Steps {
    steps: Vec<Step>,
    known: HashMap<Step, u32>,
    lists: Lists,
}

/// Lists of periods, each once.
#[derive(Debug, Default)]
pub struct Lists {
    lists: Vec<Vec<i32>>,
    known: HashMap<Vec<i32>, List>,
}

impl Lists {
    /// The ordinals of the periods of a list.
    pub fn of(&self, list: List) -> &[i32] {
        &self.lists[list.0 as usize]
    }

    fn add(&mut self, ordinals: Vec<i32>) -> List {
        if let Some(list) = self.known.get(&ordinals) {
            return *list;
        }
        let list = List(u32::try_from(self.lists.len()).unwrap_or(u32::MAX));
        self.lists.push(ordinals.clone());
        self.known.insert(ordinals, list);
        list
    }
}

impl Steps {
    /// The number of a step, which is added where it is new.
    pub fn add(&mut self, step: Step) -> u32 {
        *self.known.entry(step).or_insert_with(|| {
            self.steps.push(step);
            u32::try_from(self.steps.len() - 1).unwrap_or(u32::MAX)
        })
    }

    /// The list of some periods.
    pub fn list(&mut self, ordinals: Vec<i32>) -> List {
        self.lists.add(ordinals)
    }

    /// A step that was added.
    pub fn step(&self, number: u32) -> Step {
        self.steps[number as usize]
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.steps.len()
    }

    /// All of them, with the lists that they read.
    pub fn into_parts(self) -> (Vec<Step>, Lists) {
        (self.steps, self.lists)
    }
}

/// Which steps the wanted ones need.
pub fn live(steps: &[Step], wanted: &[usize]) -> Vec<bool> {
    let mut live = vec![false; steps.len()];
    for step in wanted {
        live[*step] = true;
    }
    for (at, step) in steps.iter().enumerate().rev() {
        if live[at] {
            step.reads().for_each(|read| live[read as usize] = true);
        }
    }
    live
}

/// Where each step writes its numbers, so that few registers stay in the cache: a register is free again
/// after the last step that reads it.
#[derive(Debug)]
pub struct Registers {
    /// By step; truths have none.
    pub of_step: Vec<usize>,
    /// The first registers hold these for good.
    pub constants: Vec<f64>,
    /// How many there are in all.
    pub count: usize,
}

impl Registers {
    /// Shares registers out to the steps that are live.
    pub fn new(steps: &[Step], live: &[bool]) -> Self {
        let alive = || steps.iter().enumerate().filter(|(at, _)| live[*at]);
        let mut constants: Vec<Bits> = Vec::new();
        let mut last_read = vec![0; steps.len()];
        for (at, number) in alive().flat_map(|(at, step)| step.numbers().map(move |number| (at, number))) {
            match number {
                Number::Step(read) => last_read[read as usize] = at,
                Number::Constant(bits) if !constants.contains(&bits) => constants.push(bits),
                Number::Constant(_) | Number::Period(_) => {}
            }
        }
        let (mut count, mut free) = (constants.len(), Vec::new());
        let mut of_step = vec![0; steps.len()];
        for (at, step) in alive() {
            if !step.is_truth() {
                of_step[at] = free.pop().unwrap_or(count);
                count = count.max(of_step[at] + 1);
            }
            // Freed only now, so that no step writes where it reads.
            let ended = step.numbers().filter_map(|number| match number {
                Number::Step(read) if last_read[read as usize] == at => Some(of_step[read as usize]),
                _ => None,
            });
            for register in ended {
                if !free.contains(&register) {
                    free.push(register);
                }
            }
        }
        Self { of_step, constants: constants.into_iter().map(Bits::get).collect(), count }
    }

    /// The register of a constant.
    pub fn constant(&self, bits: Bits) -> usize {
        self.constants.iter().position(|constant| Bits::from(*constant) == bits).unwrap_or(0)
    }
}
