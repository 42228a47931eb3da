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
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use self::compile::Compiler;
pub use self::compile::Refused;
pub use self::mask::Mask;
use self::program::{Arithmetic, Fold, Machine, Number, Place, Reach, Registers, Step, Test};
use super::{Expr, Rule};
use crate::period::Period;
use crate::series::{LANES, MISSING, Panel, PanelRow as Row, Quantity, Strip};

/// One condition: gates that must all hold.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The gates.
    pub gates: &'a [Expr],
    /// The base below which a ratio says nothing.
    pub min_base: Option<&'a Quantity>,
}

impl<'a> Question<'a> {
    /// What a rule's `when` asks.
    pub fn when(rule: &'a Rule) -> Self {
        Self { gates: &rule.when, min_base: rule.min_base.as_ref() }
    }

    /// What a rule's `clear` asks, where it has one.
    pub fn clear(rule: &'a Rule) -> Option<Self> {
        let gates = rule.clear.as_ref().map(std::slice::from_ref)?;
        Some(Self { gates, min_base: rule.min_base.as_ref() })
    }
}

/// Questions put into steps, for one panel's calendar and range and for some periods. It is made anew when
/// the panel has grown by a period, which takes some microseconds.
#[derive(Debug)]
pub struct Program {
    actions: Vec<Action>,
    registers: Registers,
    /// The periods whose columns are read, in order.
    reads: Vec<Period>,
    /// The step of each verdict, by period, then question.
    verdicts: Vec<usize>,
    questions: usize,
    blind_to_combined: bool,
}

/// What a program says of [`LANES`] series.
#[derive(Debug)]
pub struct Told<'a> {
    /// Which group of series it is: a tile of the panel, or the same number of chosen rows.
    pub group: usize,
    /// The lanes that are told: not those beyond the last series, nor those set aside, which only their
    /// histories answer for.
    pub lanes: u64,
    truths: &'a [Mask],
    verdicts: &'a [usize],
    questions: usize,
}

impl Told<'_> {
    /// The verdict on a question at a period, both by their positions.
    #[inline]
    pub fn verdict(&self, question: usize, period: usize) -> Mask {
        self.truths[self.verdicts[period * self.questions + question]].within(self.lanes)
    }
}

/// The verdicts on one question at one period, for all series of a panel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdicts {
    tiles: Vec<(Mask, u64)>,
}

impl Verdicts {
    /// The verdict on one series: holds, fails, or (`None`) unknown; nothing where only its history answers.
    pub fn of(&self, row: Row) -> Option<Option<bool>> {
        let (mask, told) = self.tiles.get(row as usize / LANES)?;
        let bit = 1 << (row as usize % LANES);
        (told & bit != 0).then(|| if mask.unknown & bit != 0 { None } else { Some(mask.holds & bit != 0) })
    }

    /// The series for which it holds.
    pub fn holding(&self) -> impl Iterator<Item = Row> {
        self.rows(|mask, _| mask.holds)
    }

    /// The series that do not simply fail: it holds, it is unknown, or only the history answers. All others
    /// leave an alert that does not fire as it is.
    pub fn to_assess(&self) -> impl Iterator<Item = Row> {
        self.rows(|mask, told| mask.holds | mask.unknown | !told)
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
        let (actions, registers, reads) = resolve(&steps, panel);
        Ok(Self { actions, registers, reads, verdicts, questions: questions.len(), blind_to_combined })
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
        let mut machine = Machine::new(&self.registers, self.actions.len());
        for tile in 0..panel.tiles() {
            machine.columns.clear();
            machine.columns.extend(strips.iter().map(|strip| strip.tile(tile)));
            self.step_through(&mut machine);
            let apart = if aside.is_empty() { 0 } else { aside.get(&tile).copied().unwrap_or(0) };
            tell(self.told(tile, mask::lanes(panel.len() - tile * LANES) & !apart, &machine));
        }
    }

    /// Runs through some series alone, [`LANES`] at a time in the order of `rows`.
    pub fn run_rows(&self, panel: &Panel, rows: &[Row], mut tell: impl FnMut(Told<'_>)) {
        let strips = self.strips(panel);
        let apart = |row: &Row| panel.is_outside(*row) || (self.blind_to_combined && panel.has_combined(*row));
        let mut gathered = vec![MISSING; strips.len()];
        for (group, rows) in rows.chunks(LANES).enumerate() {
            for (column, strip) in gathered.iter_mut().zip(&strips) {
                for (figure, row) in column.0.iter_mut().zip(rows) {
                    *figure = strip.row(*row);
                }
            }
            let mut machine = Machine::new(&self.registers, self.actions.len());
            machine.columns.extend(&gathered);
            self.step_through(&mut machine);
            let aside =
                rows.iter().enumerate().filter(|(_, row)| apart(row)).fold(0, |lanes, (lane, _)| lanes | 1 << lane);
            tell(self.told(group, mask::lanes(rows.len()) & !aside, &machine));
        }
    }

    /// The verdicts on every question at every period, by period, then question.
    pub fn verdicts(&self, panel: &Panel) -> Vec<Verdicts> {
        let mut all = vec![Verdicts::default(); self.verdicts.len()];
        self.run(panel, |told| {
            for (verdicts, step) in all.iter_mut().zip(told.verdicts) {
                verdicts.tiles.push((told.truths[*step].within(told.lanes), told.lanes));
            }
        });
        let beyond = !mask::lanes(panel.len() - panel.tiles().saturating_sub(1) * LANES);
        for (_, told) in all.iter_mut().filter_map(|verdicts| verdicts.tiles.last_mut()) {
            *told |= beyond;
        }
        all
    }

    fn strips<'p>(&self, panel: &'p Panel) -> Vec<Strip<'p>> {
        self.reads.iter().map(|period| panel.strip(*period)).collect()
    }

    fn told<'a>(&'a self, group: usize, lanes: u64, machine: &'a Machine<'_>) -> Told<'a> {
        Told { group, lanes, truths: &machine.truths, verdicts: &self.verdicts, questions: self.questions }
    }

    fn step_through(&self, machine: &mut Machine<'_>) {
        for (at, action) in self.actions.iter().enumerate() {
            if let Some(truth) = action.run(machine) {
                machine.truths[at] = truth;
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
    fn run(&self, machine: &mut Machine<'_>) -> Option<Mask> {
        match *self {
            Self::Ratio { now, base, least, into } => {
                machine.write(into, now, base, |_, now, base, out| kernel::ratio(now, base, least, out));
            }
            Self::Arithmetic { operator, a, b, into } => {
                machine.write(into, a, b, |_, a, b, out| kernel::arithmetic(operator, a, b, out));
            }
            Self::Negate { a, into } => machine.write(into, a, a, |_, a, _, out| kernel::negate(a, out)),
            Self::Fold { fold, from, to, into } => {
                kernel::fold(fold, &machine.columns[from..to], &mut machine.numbers[into]);
            }
            Self::Zscore { now, from, to, into } => {
                machine.write(into, now, now, |columns, now, _, out| kernel::zscore(now, &columns[from..to], out));
            }
            Self::CompareWith { test, x, low, high } => {
                return Some(kernel::compare_with(test, machine.at(x), low, high));
            }
            Self::Compare { test, a, b, scale } => {
                return Some(kernel::compare(test, machine.at(a), machine.at(b), scale));
            }
            Self::Constant(mask) => return Some(mask),
            Self::Not(a) => return Some(machine.truths[a].not()),
            Self::And(a, b) => return Some(machine.truths[a].and(machine.truths[b])),
            Self::Or(a, b) => return Some(machine.truths[a].or(machine.truths[b])),
            Self::Link { here, before, next, ended, stuck, torn } => {
                let (here, next) = (machine.truths[here], machine.truths[next]);
                let present = before.map_or(u64::MAX, |before| kernel::present(machine.at(before)));
                let gone_on = Mask::chosen(present, next, torn);
                return Some(Mask::chosen(here.holds, gone_on, Mask::chosen(here.unknown, stuck, ended)));
            }
        }
        None
    }
}

/// Gives every step its places; with the registers, and the periods that are read.
fn resolve(steps: &[Step], panel: &Panel) -> (Vec<Action>, Registers, Vec<Period>) {
    let registers = Registers::new(steps);
    let ordinals = ordinals(steps);
    let column = |ordinal: i32| ordinals.binary_search(&ordinal).unwrap_or(0);
    let place = |number: Number| match number {
        Number::Period(ordinal) => Place::Column(column(ordinal)),
        Number::Step(step) => Place::Register(registers.of_step[step as usize]),
        Number::Constant(bits) => Place::Register(registers.constant(bits)),
    };
    let window = |reach: Reach| (column(reach.first), column(reach.last) + 1);
    let action = |(at, step): (usize, &Step)| {
        let into = registers.of_step[at];
        match *step {
            Step::Ratio { now, base, least } => {
                Action::Ratio { now: place(now), base: place(base), least: least.get(), into }
            }
            Step::Arithmetic { operator, a, b } => Action::Arithmetic { operator, a: place(a), b: place(b), into },
            Step::Negate(a) => Action::Negate { a: place(a), into },
            Step::Fold { fold, window: reach } => {
                let (from, to) = window(reach);
                Action::Fold { fold, from, to, into }
            }
            Step::Zscore { now, window: reach } => {
                let (from, to) = window(reach);
                Action::Zscore { now: place(now), from, to, into }
            }
            Step::CompareWith { test, x, low, high } => {
                Action::CompareWith { test, x: place(x), low: low.get(), high: high.get() }
            }
            Step::Compare { test, a, b, scale } => {
                Action::Compare { test, a: place(a), b: place(b), scale: scale.get() }
            }
            Step::Constant(truth) => Action::Constant(Mask::all(truth)),
            Step::Not(a) => Action::Not(a.0 as usize),
            Step::And(a, b) => Action::And(a.0 as usize, b.0 as usize),
            Step::Or(a, b) => Action::Or(a.0 as usize, b.0 as usize),
            Step::Link { here, before, next, ended, stuck, torn } => Action::Link {
                here: here.0 as usize,
                before: before.map(place),
                next: next.0 as usize,
                ended: Mask::all(ended),
                stuck: Mask::all(stuck),
                torn: Mask::all(torn),
            },
        }
    };
    let actions = steps.iter().enumerate().map(action).collect();
    let frequency = panel.frequency();
    let reads = ordinals.iter().filter_map(|ordinal| Period::from_ordinal(frequency, *ordinal)).collect();
    (actions, registers, reads)
}

/// The ordinals of all periods that are read, in order. Steps read only periods within the panel's range,
/// so each of them is a period.
fn ordinals(steps: &[Step]) -> Vec<i32> {
    let alone = steps.iter().flat_map(Step::numbers).filter_map(|number| match number {
        Number::Period(ordinal) => Some(ordinal),
        Number::Step(_) | Number::Constant(_) => None,
    });
    let windows = steps.iter().filter_map(Step::window).flat_map(|reach| reach.first..=reach.last);
    let mut ordinals: Vec<i32> = alone.chain(windows).collect();
    ordinals.sort_unstable();
    ordinals.dedup();
    ordinals
}
