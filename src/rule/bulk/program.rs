//! What a condition becomes: a straight line of operations on columns, each done once.
//!
//! The same operation on the same columns is the same step, whichever rule or period asked for it. So two
//! rules share the change that both read, and a backtest's next period finds last period's changes done.

use std::collections::HashMap;

use super::kernel;
use super::mask::Mask;
use super::slide::Slide;
use crate::series::{Column, LANES};

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
    /// A number against one that is the same for all, from `low` to `high`.
    CompareWith { test: Test, x: Number, low: Bits, high: Bits },
    /// A z-score against one that is the same for all, by sums that slide from period to period.
    CompareZscore { test: Test, now: Number, window: Reach, bound: Bits, low: Bits, high: Bits },
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
}

impl Step {
    /// Whether it decides a condition rather than giving numbers.
    pub const fn is_truth(&self) -> bool {
        match self {
            Self::Ratio { .. }
            | Self::Arithmetic { .. }
            | Self::Negate(_)
            | Self::Fold { .. }
            | Self::Zscore { .. } => false,
            Self::CompareWith { .. }
            | Self::CompareZscore { .. }
            | Self::Compare { .. }
            | Self::Constant(_)
            | Self::Not(_)
            | Self::And(..)
            | Self::Or(..)
            | Self::Link { .. } => true,
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
            | Self::CompareZscore { now: x, .. } => [Some(x), None],
            Self::Link { before, .. } => [before, None],
            Self::Fold { .. } | Self::Constant(_) | Self::Not(_) | Self::And(..) | Self::Or(..) => [None, None],
        };
        read.into_iter().flatten()
    }

    /// The steps that it reads.
    fn reads(&self) -> impl Iterator<Item = u32> {
        let truths = match *self {
            Self::Not(a) => [Some(a), None],
            Self::And(a, b) | Self::Or(a, b) | Self::Link { here: a, next: b, .. } => [Some(a), Some(b)],
            _ => [None, None],
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
            Self::Fold { window, .. } | Self::Zscore { window, .. } | Self::CompareZscore { window, .. } => {
                Some(*window)
            }
            _ => None,
        }
    }
}

/// Steps in order, each once.
#[derive(Debug, Default)]
pub struct Steps {
    steps: Vec<Step>,
    known: HashMap<Step, u32>,
}

impl Steps {
    /// The number of a step, which is added where it is new.
    pub fn add(&mut self, step: Step) -> u32 {
        *self.known.entry(step).or_insert_with(|| {
            self.steps.push(step);
            u32::try_from(self.steps.len() - 1).unwrap_or(u32::MAX)
        })
    }

    /// A step that was added.
    pub fn step(&self, number: u32) -> Step {
        self.steps[number as usize]
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.steps.len()
    }

    /// All of them.
    pub fn into_steps(self) -> Vec<Step> {
        self.steps
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

/// Where an operand lies while a program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A column of the panel: its position in the program's list of periods.
    Column(usize),
    /// A register.
    Register(usize),
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

/// What a tile's steps have come to so far.
#[derive(Debug)]
pub struct Machine {
    /// The registers.
    pub numbers: Vec<Column>,
    /// The truths by step.
    pub truths: Vec<Mask>,
    /// The windows that slide.
    pub slides: Vec<Slide>,
    /// For each column the lanes without a figure; only kept up where a window slides.
    pub absent: Vec<u64>,
}

impl Machine {
    /// A machine for so many steps and sliding windows.
    pub fn new(registers: &Registers, steps: usize, slides: usize) -> Self {
        let mut numbers = vec![Column([f64::NAN; LANES]); registers.count];
        for (register, constant) in numbers.iter_mut().zip(&registers.constants) {
            register.0 = [*constant; LANES];
        }
        let truths = vec![Mask::UNKNOWN; steps];
        Self { numbers, truths, slides: vec![Slide::default(); slides], absent: Vec::new() }
    }

    /// Makes ready for other columns.
    pub fn begin(&mut self, columns: &[&Column]) {
        if self.slides.is_empty() {
            return;
        }
        self.absent.clear();
        self.absent.extend(columns.iter().map(|column| !kernel::present(column)));
        self.slides.iter_mut().for_each(Slide::forget);
    }

    /// A number's column.
    #[inline]
    pub fn at<'a>(&'a self, columns: &[&'a Column], place: Place) -> &'a Column {
        match place {
            Place::Column(column) => columns[column],
            Place::Register(register) => &self.numbers[register],
        }
    }

    /// Lets a kernel write one register while it reads two others.
    #[inline]
    pub fn write(
        &mut self,
        columns: &[&Column],
        into: usize,
        [a, b]: [Place; 2],
        kernel: impl FnOnce(&Column, &Column, &mut Column),
    ) {
        let (below, rest) = self.numbers.split_at_mut(into);
        let Some((out, above)) = rest.split_first_mut() else { return };
        let read = |place| match place {
            Place::Column(column) => columns[column],
            Place::Register(register) if register < into => &below[register],
            Place::Register(register) => &above[register - into - 1],
        };
        kernel(read(a), read(b), out);
    }
}
