//! Steps at work: where everything lies, and one tile of series after the other.

use super::formula::Formula;
use super::kernel;
use super::mask::{self, Mask};
use super::program::{Arithmetic, Fold, List, Lists, Number, Registers, Step, Test};
use super::slide::{Bound, Slide, Sum, settled};
use crate::base::limits::STREAK_MAX;
use crate::series::{Column, LANES, MISSING};

/// Where an operand lies while a program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A column of the panel: its position in the program's list of periods.
    Column(usize),
    /// A register.
    Register(usize),
}

/// What a tile's steps have come to so far.
#[derive(Debug)]
pub struct Machine {
    /// The registers.
    pub numbers: Vec<Column>,
    /// The truths by step.
    pub truths: Vec<Mask>,
    /// The windows that slide.
    slides: Vec<Slide>,
    /// The sums that slide.
    sums: Vec<Sum>,
    /// For each column the lanes without a figure; only kept up where a step asks for them.
    absent: Vec<u64>,
    /// One series' figures on their way to a formula.
    figures: Vec<f64>,
}

impl Machine {
    /// A machine for so many steps.
    pub fn new(registers: &Registers, steps: usize, moving: Moving) -> Self {
        let mut numbers = vec![Column([f64::NAN; LANES]); registers.count];
        for (register, constant) in numbers.iter_mut().zip(&registers.constants) {
            register.0 = [*constant; LANES];
        }
        let truths = vec![Mask::UNKNOWN; steps];
        let slides = vec![Slide::default(); moving.slides];
        let sums = vec![Sum::default(); moving.sums];
        Self { numbers, truths, slides, sums, absent: Vec::new(), figures: Vec::new() }
    }

    /// Makes ready for other columns. `absences` says whether a step asks where figures are missing.
    pub fn begin(&mut self, columns: &[&Column], absences: bool) {
        if !absences {
            return;
        }
        self.absent.clear();
        self.absent.extend(columns.iter().map(|column| !kernel::present(column)));
        self.slides.iter_mut().for_each(Slide::forget);
        self.sums.iter_mut().for_each(Sum::forget);
    }

    /// The lanes with a figure; all of them where none is needed.
    fn present(&self, columns: &[&Column], place: Option<Place>) -> u64 {
        place.map_or(u64::MAX, |place| kernel::present(self.at(columns, place)))
    }

    /// Gives each series' figures to a formula, where it has all of them.
    fn gather(&mut self, columns: &[&Column], formula: Formula, places: &[usize], into: usize) {
        let whole = !self.absent(places.iter().copied());
        let (figures, out) = (&mut self.figures, &mut self.numbers[into].0);
        out.fill(f64::NAN);
        for lane in mask::set(whole) {
            figures.clear();
            figures.extend(places.iter().map(|column| columns[*column].0[lane]));
            out[lane] = formula.of(figures).unwrap_or(f64::NAN);
        }
    }

    /// The lanes in which one of some columns has no figure.
    fn absent(&self, columns: impl IntoIterator<Item = usize>) -> u64 {
        columns.into_iter().fold(0, |all, column| all | self.absent[column])
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

/// How many windows move with the periods.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moving {
    /// Those of z-scores.
    pub slides: usize,
    /// Those of sums and means.
    pub sums: usize,
}

/// A step with the places of what it reads and writes.
#[derive(Clone, Debug)]
pub enum Action {
    Ratio { now: Place, base: Place, least: f64, into: usize },
    Arithmetic { operator: Arithmetic, a: Place, b: Place, into: usize },
    Negate { a: Place, into: usize },
    Fold { fold: Fold, from: usize, to: usize, into: usize },
    Zscore { now: Place, from: usize, to: usize, into: usize },
    Gather { formula: Formula, figures: Box<[usize]>, into: usize },
    Tally { here: usize, before: Option<Place>, next: Place, into: usize },
    Without { x: Place, gone: usize, into: usize },
    CompareWith { test: Test, x: Place, low: f64, high: f64 },
    CompareZscore { test: Test, now: usize, from: usize, to: usize, bound: Bound, low: f64, high: f64, slide: usize },
    CompareSum { test: Test, fold: Fold, from: usize, to: usize, low: f64, high: f64, slides: f64, sum: usize },
    Compare { test: Test, a: Place, b: Place, scale: f64 },
    Constant(Mask),
    Not(usize),
    And(usize, usize),
    Or(usize, usize),
    Link { here: usize, before: Option<Place>, next: usize, ended: Mask, stuck: Mask, torn: Mask },
    Open { here: usize, before: Option<Place>, next: usize, tally: Place },
    Choose { of: usize, this: usize, other: usize },
    Complete(Box<[usize]>),
}

impl Action {
    /// Writes its register, or gives its truth.
    #[inline]
    pub fn run(&self, machine: &mut Machine, columns: &[&Column]) -> Option<Mask> {
        match *self {
            Self::Ratio { now, base, least, into } => {
                machine.write(columns, into, [now, base], |now, base, out| kernel::ratio(now, base, least, out));
            }
            Self::Arithmetic { operator, a, b, into } => {
                machine.write(columns, into, [a, b], |a, b, out| kernel::arithmetic(operator, a, b, out));
            }
            Self::Negate { a, into } => machine.write(columns, into, [a, a], |a, _, out| kernel::negate(a, out)),
            Self::Fold { fold, from, to, into } => {
                kernel::fold(fold, &columns[from..to], &mut machine.numbers[into]);
            }
            Self::Zscore { now, from, to, into } => {
                machine.write(columns, into, [now, now], |now, _, out| kernel::zscore(now, &columns[from..to], out));
            }
            Self::Gather { formula, ref figures, into } => machine.gather(columns, formula, figures, into),
            Self::Tally { here, before, next, into } => {
                let (here, follows) = (machine.truths[here].holds, machine.present(columns, before));
                machine.write(columns, into, [next, next], |next, _, out| kernel::tally(here, follows, next, out));
            }
            Self::Without { x, gone, into } => {
                let gone = machine.truths[gone].holds;
                machine.write(columns, into, [x, x], |x, _, out| kernel::without(x, gone, out));
            }
            _ => return Some(self.decide(machine, columns)),
        }
        None
    }

    /// The truth of an action that decides one.
    #[inline]
    fn decide(&self, machine: &mut Machine, columns: &[&Column]) -> Mask {
        match *self {
            Self::CompareWith { test, x, low, high } => kernel::compare_with(test, machine.at(columns, x), low, high),
            Self::Compare { test, a, b, scale } => {
                kernel::compare(test, machine.at(columns, a), machine.at(columns, b), scale)
            }
            Self::CompareZscore { .. } | Self::CompareSum { .. } => self.sift(machine, columns),
            Self::Constant(mask) => mask,
            Self::Not(a) => machine.truths[a].not(),
            Self::And(a, b) => machine.truths[a].and(machine.truths[b]),
            Self::Or(a, b) => machine.truths[a].or(machine.truths[b]),
            Self::Choose { of, this, other } => {
                Mask::chosen(machine.truths[of].holds, machine.truths[this], machine.truths[other])
            }
            Self::Complete(ref figures) => Mask { holds: !machine.absent(figures.iter().copied()), unknown: 0 },
            _ => self.go_on(machine, columns),
        }
    }

    /// A comparison by sums that slide, and by the evaluator's way where they leave a doubt.
    fn sift(&self, machine: &mut Machine, columns: &[&Column]) -> Mask {
        match *self {
            Self::CompareZscore { test, now, from, to, bound, low, high, slide } => {
                let unknown = machine.absent((from..to).chain([now]));
                let slide = &mut machine.slides[slide];
                slide.bring_to(columns, from, to);
                settled(test, slide.sieve(columns[now], bound), unknown, || {
                    let mut score = MISSING;
                    kernel::zscore(columns[now], &columns[from..to], &mut score);
                    kernel::compare_with(test, &score, low, high)
                })
            }
            Self::CompareSum { test, fold, from, to, low, high, slides, sum } => {
                let unknown = machine.absent(from..to);
                let sum = &mut machine.sums[sum];
                sum.bring_to(columns, from, to);
                let parts = if fold == Fold::Mean { (to - from) as f64 } else { 1.0 };
                settled(test, sum.sieve(low, high, parts, (to - from) as f64 + slides), unknown, || {
                    let mut exactly = MISSING;
                    kernel::fold(fold, &columns[from..to], &mut exactly);
                    kernel::compare_with(test, &exactly, low, high)
                })
            }
            _ => Mask::UNKNOWN,
        }
    }

    /// One period of a streak.
    fn go_on(&self, machine: &Machine, columns: &[&Column]) -> Mask {
        match *self {
            Self::Link { here, before, next, ended, stuck, torn } => {
                let (here, next) = (machine.truths[here], machine.truths[next]);
                let gone_on = Mask::chosen(machine.present(columns, before), next, torn);
                Mask::chosen(here.holds, gone_on, Mask::chosen(here.unknown, stuck, ended))
            }
            Self::Open { here, before, next, tally } => {
                let (here, next) = (machine.truths[here], machine.truths[next].holds);
                let full = kernel::compare_with(Test::GreaterEqual, machine.at(columns, tally), STREAK_MAX.into(), 0.0);
                let goes_on = next | full.holds | !machine.present(columns, before);
                Mask { holds: here.unknown | (here.holds & goes_on), unknown: 0 }
            }
            // All others give numbers.
            _ => Mask::UNKNOWN,
        }
    }
}

/// Where everything lies: turns steps into actions.
pub struct Places<'a> {
    registers: &'a Registers,
    lists: &'a Lists,
    /// The ordinals of all periods that are read, in order. Steps read only periods within the panel's
    /// range, so each of them is a period.
    pub ordinals: Vec<i32>,
    /// The windows of z-scores that slide, by their number of periods.
    slides: Vec<usize>,
    /// Those of sums.
    sums: Vec<usize>,
    /// Whether a step asks where figures are missing.
    pub absences: bool,
}

impl<'a> Places<'a> {
    /// The places for the steps that are live.
    pub fn new(steps: &[Step], live: &[bool], registers: &'a Registers, lists: &'a Lists) -> Self {
        let alive = || steps.iter().zip(live).filter(|(_, live)| **live).map(|(step, _)| step);
        let alone = alive().flat_map(Step::numbers).filter_map(|number| match number {
            Number::Period(ordinal) => Some(ordinal),
            Number::Step(_) | Number::Constant(_) => None,
        });
        let windows = alive().filter_map(Step::window).flat_map(|reach| reach.first..=reach.last);
        let listed = alive().filter_map(Step::list).flat_map(|list| lists.of(list)).copied();
        let mut ordinals: Vec<i32> = alone.chain(windows).chain(listed).collect();
        ordinals.sort_unstable();
        ordinals.dedup();
        Self { registers, lists, ordinals, slides: Vec::new(), sums: Vec::new(), absences: false }
    }

    /// How many windows slide.
    pub const fn moving(&self) -> Moving {
        Moving { slides: self.slides.len(), sums: self.sums.len() }
    }

    fn column(&self, ordinal: i32) -> usize {
        self.ordinals.binary_search(&ordinal).unwrap_or(0)
    }

    fn columns(&self, list: List) -> Box<[usize]> {
        self.lists.of(list).iter().map(|ordinal| self.column(*ordinal)).collect()
    }

    fn place(&self, number: Number) -> Place {
        match number {
            Number::Period(ordinal) => Place::Column(self.column(ordinal)),
            Number::Step(step) => Place::Register(self.registers.of_step[step as usize]),
            Number::Constant(bits) => Place::Register(self.registers.constant(bits)),
        }
    }

    /// A step with its places.
    pub fn action(&mut self, at: usize, step: &Step) -> Action {
        let into = self.registers.of_step[at];
        match *step {
            Step::Ratio { now, base, least } => {
                Action::Ratio { now: self.place(now), base: self.place(base), least: least.get(), into }
            }
            Step::Arithmetic { operator, a, b } => {
                Action::Arithmetic { operator, a: self.place(a), b: self.place(b), into }
            }
            Step::Negate(a) => Action::Negate { a: self.place(a), into },
            Step::Without { x, gone } => Action::Without { x: self.place(x), gone: gone.0 as usize, into },
            Step::CompareWith { test, x, low, high } => {
                Action::CompareWith { test, x: self.place(x), low: low.get(), high: high.get() }
            }
            Step::Compare { test, a, b, scale } => {
                Action::Compare { test, a: self.place(a), b: self.place(b), scale: scale.get() }
            }
            Step::Constant(truth) => Action::Constant(Mask::all(truth)),
            Step::Not(a) => Action::Not(a.0 as usize),
            Step::And(a, b) => Action::And(a.0 as usize, b.0 as usize),
            Step::Or(a, b) => Action::Or(a.0 as usize, b.0 as usize),
            Step::Choose { of, this, other } => {
                Action::Choose { of: of.0 as usize, this: this.0 as usize, other: other.0 as usize }
            }
            Step::Link { .. } | Step::Tally { .. } | Step::Open { .. } => self.streak(step, into),
            Step::Fold { .. }
            | Step::Zscore { .. }
            | Step::Gather { .. }
            | Step::CompareZscore { .. }
            | Step::CompareSum { .. }
            | Step::Complete(_) => self.window(step, into),
        }
    }

    /// An action on several periods.
    fn window(&mut self, step: &Step, into: usize) -> Action {
        let (from, to) = step.window().map_or((0, 0), |reach| (self.column(reach.first), self.column(reach.last) + 1));
        let (periods, slides) = (to - from, self.ordinals.len() as f64);
        self.absences |= !matches!(step, Step::Fold { .. } | Step::Zscore { .. });
        match *step {
            Step::Fold { fold, .. } => Action::Fold { fold, from, to, into },
            Step::Zscore { now, .. } => Action::Zscore { now: self.place(now), from, to, into },
            Step::Gather { formula, figures } => Action::Gather { formula, figures: self.columns(figures), into },
            Step::CompareZscore { test, now, bound, low, high, .. } => {
                let now = if let Number::Period(ordinal) = now { self.column(ordinal) } else { 0 };
                let slide = numbered(&mut self.slides, periods);
                let bound = Bound { bound: bound.get(), count: periods as f64, slides };
                Action::CompareZscore { test, now, from, to, bound, low: low.get(), high: high.get(), slide }
            }
            Step::CompareSum { test, fold, low, high, .. } => {
                let sum = numbered(&mut self.sums, periods);
                Action::CompareSum { test, fold, from, to, low: low.get(), high: high.get(), slides, sum }
            }
            Step::Complete(figures) => Action::Complete(self.columns(figures)),
            _ => Action::Constant(Mask::UNKNOWN),
        }
    }

    /// An action of a streak.
    fn streak(&self, step: &Step, into: usize) -> Action {
        let of = |before: Option<Number>| before.map(|before| self.place(before));
        match *step {
            Step::Link { here, before, next, ended, stuck, torn } => Action::Link {
                here: here.0 as usize,
                before: of(before),
                next: next.0 as usize,
                ended: Mask::all(ended),
                stuck: Mask::all(stuck),
                torn: Mask::all(torn),
            },
            Step::Tally { here, before, next } => {
                Action::Tally { here: here.0 as usize, before: of(before), next: self.place(next), into }
            }
            Step::Open { here, before, next, tally } => Action::Open {
                here: here.0 as usize,
                before: of(before),
                next: next.0 as usize,
                tally: self.place(tally),
            },
            _ => Action::Constant(Mask::UNKNOWN),
        }
    }
}

/// The number of a window that moves, by its number of periods.
fn numbered(windows: &mut Vec<usize>, periods: usize) -> usize {
    windows.iter().position(|known| *known == periods).unwrap_or_else(|| {
        windows.push(periods);
        windows.len() - 1
    })
}
