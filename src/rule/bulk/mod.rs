//! Conditions judged for all series of a panel at once.
//!
//! It says of every series whether a condition holds, fails or is unknown, exactly as the evidence-bearing
//! evaluator would, and nothing more: the series whose alerts may change go to that evaluator, which says
//! why. Daily series have no panel (their neighbours follow the trading calendar); what cannot be put into
//! steps is [`Refused`], and combined figures that the columns cannot hold are set aside: for all three the
//! caller asks the evaluator, which is slower and says the same.

mod band;
mod compile;
mod kernel;
mod mask;
mod program;
mod slide;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use self::compile::Compiler;
pub use self::compile::Refused;
pub use self::mask::Mask;
use self::program::{Arithmetic, Fold, Machine, Number, Place, Registers, Step, Test, live};
use self::slide::{Bound, settled};
use super::{Expr, OnGap, Rule};
use crate::period::Period;
use crate::series::{Column, LANES, MISSING, Panel, PanelRow as Row, Quantity, Strip};

/// One condition: gates that must all hold.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The gates.
    pub gates: &'a [Expr],
    /// The base below which a ratio says nothing.
    pub min_base: Option<&'a Quantity>,
}

impl<'a> Question<'a> {
    /// All that a rule asks, each to be told apart: `when` and `clear` of its severity, then those of the
    /// worse one, as far as it has them. A rule that sees a history otherwise than it is, or takes what is
    /// unknown for failing, is refused.
    pub fn of(rule: &'a Rule) -> Result<Vec<Self>, Refused> {
        if rule.on_gap != OnGap::Hold || rule.final_only {
            return Err(Refused::Sight);
        }
        let clear = |clear: &'a Option<Expr>| clear.as_ref().map(std::slice::from_ref);
        let own = [Some(rule.when.as_slice()), clear(&rule.clear)];
        let worse = rule.worse.as_ref().map(|level| [Some(level.when.as_slice()), clear(&level.clear)]);
        let gates = own.into_iter().chain(worse.into_iter().flatten()).flatten();
        Ok(gates.map(|gates| Self { gates, min_base: rule.min_base.as_ref() }).collect())
    }
}

/// Questions put into steps, for one panel's calendar and range and for some periods. It is made anew when
/// the panel has grown by a period, which takes some microseconds.
#[derive(Debug)]
pub struct Program {
    /// The actions, each with the number of its step.
    actions: Vec<(usize, Action)>,
    /// How many steps there are, done or not.
    steps: usize,
    /// How many windows slide.
    slides: usize,
    registers: Registers,
    /// The periods whose columns are read, in order.
    reads: Vec<Period>,
    /// The step of each verdict, by period, then question.
    verdicts: Vec<usize>,
    questions: usize,
    blind_to_combined: bool,
}

/// So many neighbours are judged with their whole tile rather than gathered.
const NEIGHBOURS: usize = 16;

/// From so many periods on, windows slide.
const SLIDES_FROM: usize = 4;

/// What a program says of [`LANES`] series.
#[derive(Debug)]
pub struct Told<'a> {
    series: Series<'a>,
    /// The lanes that are told: not those beyond the last series, nor those set aside, which only their
    /// histories answer for.
    pub lanes: u64,
    truths: &'a [Mask],
    verdicts: &'a [usize],
    questions: usize,
}

/// Which series stand in which lane.
#[derive(Clone, Copy, Debug)]
enum Series<'a> {
    /// Those of one tile.
    Tile(usize),
    /// Some from anywhere.
    Chosen(&'a [Row]),
}

impl Told<'_> {
    /// The series in a lane that is told.
    pub fn row(&self, lane: usize) -> Row {
        match self.series {
            // A panel has no more rows than a row can say.
            Series::Tile(tile) => (tile * LANES + lane) as Row,
            Series::Chosen(rows) => rows[lane],
        }
    }

    /// The verdict on a question at a period, both by their positions.
    #[inline]
    pub fn verdict(&self, question: usize, period: usize) -> Mask {
        self.truths[self.verdicts[period * self.questions + question]].within(self.lanes)
    }
}

/// The verdicts on one question at one period, for all series of a panel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdicts {
    /// By tile: the verdicts, and the lanes that are told.
    tiles: Vec<(Mask, u64)>,
    /// How many series there are.
    len: usize,
}

impl Verdicts {
    /// The verdict on one series: holds, fails, or (`None`) unknown; nothing where only its history answers.
    pub fn of(&self, row: Row) -> Option<Option<bool>> {
        let (mask, told) = self.tiles.get(row as usize / LANES)?;
        let bit = 1 << (row as usize % LANES);
        (told & bit != 0).then_some(if mask.unknown & bit != 0 { None } else { Some(mask.holds & bit != 0) })
    }

    /// The series for which it holds.
    pub fn holding(&self) -> impl Iterator<Item = Row> {
        self.rows(|mask, _| mask.holds)
    }

    /// The series that do not simply fail: it holds, it is unknown, or only the history answers. All others
    /// leave an alert that does not fire as it is.
    pub fn to_assess(&self) -> impl Iterator<Item = Row> {
        self.rows(|mask, told| mask.holds | mask.unknown | !told).filter(|row| (*row as usize) < self.len)
    }

    fn rows(&self, of: impl Fn(Mask, u64) -> u64) -> impl Iterator<Item = Row> {
        let tiles = self.tiles.iter().enumerate();
        let lanes = tiles
            .flat_map(move |(tile, (mask, told))| mask::set(of(*mask, *told)).map(move |lane| tile * LANES + lane));
        lanes.filter_map(|row| Row::try_from(row).ok())
    }
}

impl Program {
    /// Puts questions into steps for a panel at some periods.
    pub fn new(questions: &[Question<'_>], panel: &Panel, periods: &[Period]) -> Result<Self, Refused> {
        let mut compiler = Compiler::new(panel.frequency(), panel.unit(), panel.range());
        compiler.slides = periods.len() >= SLIDES_FROM;
        let mut verdicts = Vec::with_capacity(questions.len() * periods.len());
        for period in periods {
            for question in questions {
                compiler.set_min_base(question.min_base)?;
                let mut all = None;
                for gate in question.gates {
                    let gate = compiler.condition(gate.root(), *period)?;
                    all = Some(match all {
                        None => gate,
                        Some(all) => compiler.both(all, gate)?,
                    });
                }
                let all = all.map_or_else(|| compiler.constant(Some(true)), Ok)?;
                verdicts.push(all.0 as usize);
            }
        }
        let blind_to_combined = compiler.blind_to_combined;
        let steps = compiler.steps.into_steps();
        let live = live(&steps, &verdicts);
        let registers = Registers::new(&steps, &live);
        let mut places = Places::new(&steps, &live, &registers);
        let alive = steps.iter().enumerate().filter(|(at, _)| live[*at]);
        let actions = alive.map(|(at, step)| (at, places.action(at, step))).collect();
        let frequency = panel.frequency();
        let reads = places.ordinals.iter().filter_map(|ordinal| Period::from_ordinal(frequency, *ordinal)).collect();
        let slides = places.slides.len();
        let (steps, questions) = (steps.len(), questions.len());
        Ok(Self { actions, steps, slides, registers, reads, verdicts, questions, blind_to_combined })
    }

    /// The series that only their histories answer for.
    pub fn aside<'a>(&self, panel: &'a Panel) -> impl Iterator<Item = Row> + use<'a> {
        let combined = self.blind_to_combined.then(|| panel.combined());
        combined.into_iter().flatten().chain(panel.outside())
    }

    /// How many steps it takes for each [`LANES`] series.
    pub const fn steps(&self) -> usize {
        self.actions.len()
    }

    /// Runs through all series of the panel.
    pub fn run(&self, panel: &Panel, mut tell: impl FnMut(Told<'_>)) {
        let strips = self.strips(panel);
        let mut aside: BTreeMap<usize, u64> = BTreeMap::new();
        for row in self.aside(panel) {
            *aside.entry(row as usize / LANES).or_default() |= 1 << (row as usize % LANES);
        }
        let mut machine = self.machine();
        let mut columns = Vec::with_capacity(strips.len());
        for tile in 0..panel.tiles() {
            columns.clear();
            columns.extend(strips.iter().map(|strip| strip.tile(tile)));
            self.step_through(&mut machine, &columns);
            let apart = if aside.is_empty() { 0 } else { aside.get(&tile).copied().unwrap_or(0) };
            let lanes = mask::lanes(panel.series_count() - tile * LANES) & !apart;
            tell(self.told(Series::Tile(tile), lanes, &machine));
        }
    }

    /// Runs through some series alone, in the order of `rows` more or less: neighbours in the panel where
    /// they stand, the others gathered [`LANES`] at a time.
    pub fn run_rows(&self, panel: &Panel, rows: &[Row], mut tell: impl FnMut(Told<'_>)) {
        let strips = self.strips(panel);
        let told = |row: &Row| !(panel.is_outside(*row) || (self.blind_to_combined && panel.has_combined(*row)));
        let (mut machine, mut columns) = (self.machine(), Vec::with_capacity(strips.len()));
        let mut single: Vec<Row> = Vec::new();
        for rows in rows.chunk_by(|a, b| *a as usize / LANES == *b as usize / LANES) {
            if rows.len() < NEIGHBOURS {
                single.extend(rows);
                continue;
            }
            let tile = rows[0] as usize / LANES;
            columns.clear();
            columns.extend(strips.iter().map(|strip| strip.tile(tile)));
            self.step_through(&mut machine, &columns);
            let lanes = rows.iter().filter(|row| told(row)).fold(0, |lanes, row| lanes | 1 << (*row as usize % LANES));
            tell(self.told(Series::Tile(tile), lanes, &machine));
        }
        let mut gathered = vec![MISSING; strips.len()];
        for rows in single.chunks(LANES) {
            for (column, strip) in gathered.iter_mut().zip(&strips) {
                for (figure, row) in column.0.iter_mut().zip(rows) {
                    *figure = strip.row(*row);
                }
            }
            let columns: Vec<&Column> = gathered.iter().collect();
            self.step_through(&mut machine, &columns);
            let lanes =
                rows.iter().enumerate().filter(|(_, row)| told(row)).fold(0, |lanes, (lane, _)| lanes | 1 << lane);
            tell(self.told(Series::Chosen(rows), lanes, &machine));
        }
    }

    /// The verdicts on every question at every period, by period, then question.
    pub fn verdicts(&self, panel: &Panel) -> Vec<Verdicts> {
        let mut all =
            vec![Verdicts { tiles: Vec::with_capacity(panel.tiles()), len: panel.series_count() }; self.verdicts.len()];
        self.run(panel, |told| {
            for (verdicts, step) in all.iter_mut().zip(told.verdicts) {
                verdicts.tiles.push((told.truths[*step].within(told.lanes), told.lanes));
            }
        });
        all
    }

    fn strips<'p>(&self, panel: &'p Panel) -> Vec<Strip<'p>> {
        self.reads.iter().map(|period| panel.strip(*period)).collect()
    }

    fn machine(&self) -> Machine {
        Machine::new(&self.registers, self.steps, self.slides)
    }

    fn told<'a>(&'a self, series: Series<'a>, lanes: u64, machine: &'a Machine) -> Told<'a> {
        Told { series, lanes, truths: &machine.truths, verdicts: &self.verdicts, questions: self.questions }
    }

    fn step_through(&self, machine: &mut Machine, columns: &[&Column]) {
        machine.begin(columns);
        for (at, action) in &self.actions {
            if let Some(truth) = action.run(machine, columns) {
                machine.truths[*at] = truth;
            }
        }
    }
}

/// A step with the places of what it reads and writes.
#[derive(Clone, Copy, Debug)]
enum Action {
    Ratio { now: Place, base: Place, least: f64, into: usize },
    Arithmetic { operator: Arithmetic, a: Place, b: Place, into: usize },
    Negate { a: Place, into: usize },
    Fold { fold: Fold, from: usize, to: usize, into: usize },
    Zscore { now: Place, from: usize, to: usize, into: usize },
    CompareWith { test: Test, x: Place, low: f64, high: f64 },
    CompareZscore { test: Test, now: usize, from: usize, to: usize, bound: Bound, low: f64, high: f64, slide: usize },
    Compare { test: Test, a: Place, b: Place, scale: f64 },
    Constant(Mask),
    Not(usize),
    And(usize, usize),
    Or(usize, usize),
    Link { here: usize, before: Option<Place>, next: usize, ended: Mask, stuck: Mask, torn: Mask },
}

impl Action {
    /// Writes its register, or gives its truth.
    #[inline]
    fn run(&self, machine: &mut Machine, columns: &[&Column]) -> Option<Mask> {
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
            Self::CompareZscore { test, now, from, to, bound, low, high, slide } => {
                let unknown = machine.absent[from..to].iter().fold(machine.absent[now], |all, absent| all | absent);
                let slide = &mut machine.slides[slide];
                slide.bring_to(columns, from, to);
                settled(test, slide.sieve(columns[now], bound), unknown, || {
                    let mut score = MISSING;
                    kernel::zscore(columns[now], &columns[from..to], &mut score);
                    kernel::compare_with(test, &score, low, high)
                })
            }
            Self::Constant(mask) => mask,
            Self::Not(a) => machine.truths[a].not(),
            Self::And(a, b) => machine.truths[a].and(machine.truths[b]),
            Self::Or(a, b) => machine.truths[a].or(machine.truths[b]),
            Self::Link { here, before, next, ended, stuck, torn } => {
                let (here, next) = (machine.truths[here], machine.truths[next]);
                let present = before.map_or(u64::MAX, |before| kernel::present(machine.at(columns, before)));
                let gone_on = Mask::chosen(present, next, torn);
                Mask::chosen(here.holds, gone_on, Mask::chosen(here.unknown, stuck, ended))
            }
            // These give numbers.
            Self::Ratio { .. }
            | Self::Arithmetic { .. }
            | Self::Negate { .. }
            | Self::Fold { .. }
            | Self::Zscore { .. } => Mask::UNKNOWN,
        }
    }
}

/// Where everything lies: turns steps into actions.
struct Places<'a> {
    registers: &'a Registers,
    /// The ordinals of all periods that are read, in order. Steps read only periods within the panel's
    /// range, so each of them is a period.
    ordinals: Vec<i32>,
    /// The windows that slide, by their number of periods.
    slides: Vec<usize>,
}

impl<'a> Places<'a> {
    fn new(steps: &[Step], live: &[bool], registers: &'a Registers) -> Self {
        let alive = || steps.iter().zip(live).filter(|(_, live)| **live).map(|(step, _)| step);
        let alone = alive().flat_map(Step::numbers).filter_map(|number| match number {
            Number::Period(ordinal) => Some(ordinal),
            Number::Step(_) | Number::Constant(_) => None,
        });
        let windows = alive().filter_map(Step::window).flat_map(|reach| reach.first..=reach.last);
        let mut ordinals: Vec<i32> = alone.chain(windows).collect();
        ordinals.sort_unstable();
        ordinals.dedup();
        Self { registers, ordinals, slides: Vec::new() }
    }

    fn column(&self, ordinal: i32) -> usize {
        self.ordinals.binary_search(&ordinal).unwrap_or(0)
    }

    fn place(&self, number: Number) -> Place {
        match number {
            Number::Period(ordinal) => Place::Column(self.column(ordinal)),
            Number::Step(step) => Place::Register(self.registers.of_step[step as usize]),
            Number::Constant(bits) => Place::Register(self.registers.constant(bits)),
        }
    }

    fn action(&mut self, at: usize, step: &Step) -> Action {
        let into = self.registers.of_step[at];
        let (from, to) = step.window().map_or((0, 0), |reach| (self.column(reach.first), self.column(reach.last) + 1));
        match *step {
            Step::Ratio { now, base, least } => {
                Action::Ratio { now: self.place(now), base: self.place(base), least: least.get(), into }
            }
            Step::Arithmetic { operator, a, b } => {
                Action::Arithmetic { operator, a: self.place(a), b: self.place(b), into }
            }
            Step::Negate(a) => Action::Negate { a: self.place(a), into },
            Step::Fold { fold, .. } => Action::Fold { fold, from, to, into },
            Step::Zscore { now, .. } => Action::Zscore { now: self.place(now), from, to, into },
            Step::CompareZscore { test, now, bound, low, high, .. } => {
                let now = if let Number::Period(ordinal) = now { self.column(ordinal) } else { 0 };
                let (slide, slides) = (self.slide(to - from), self.ordinals.len() as f64);
                let bound = Bound { bound: bound.get(), count: (to - from) as f64, slides };
                Action::CompareZscore { test, now, from, to, bound, low: low.get(), high: high.get(), slide }
            }
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
            Step::Link { here, before, next, ended, stuck, torn } => Action::Link {
                here: here.0 as usize,
                before: before.map(|before| self.place(before)),
                next: next.0 as usize,
                ended: Mask::all(ended),
                stuck: Mask::all(stuck),
                torn: Mask::all(torn),
            },
        }
    }

    /// The sliding window of so many periods.
    fn slide(&mut self, periods: usize) -> usize {
        self.slides.iter().position(|known| *known == periods).unwrap_or_else(|| {
            self.slides.push(periods);
            self.slides.len() - 1
        })
    }
}
