//! Conditions judged for all series of a panel at once.
//!
//! It says of every series whether a condition holds, fails or is unknown, exactly as the evidence-bearing
//! evaluator would, and nothing more: the series whose alerts may change go to that evaluator, which says
//! why. It is slower and says the same, and is asked for all that is not told here:
//!
//! - daily series, which have no panel: their neighbours follow the trading calendar;
//! - what is [`Refused`]: measures that depend on more than one figure for each period (`revision` on the
//!   vintage before, `age` and `overdue` on the clock, `share`, `top_share`, `hhi` and `count` on the members
//!   of a group, `new` and `ends_within` on items), streaks by one another, and what does not fit the series' unit;
//! - series set aside: those with figures that the columns cannot hold, where the condition would see them;
//! - where a rule breaks off at gaps or looks past them, the series with a gap in what its gates read.

mod band;
mod compile;
mod formula;
mod kernel;
mod machine;
mod mask;
mod program;
mod slide;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use self::compile::Compiler;
pub use self::compile::Refused;
use self::machine::{Action, Machine, Moving, Places};
pub use self::mask::Mask;
use self::program::{Registers, live};
use super::{Expr, OnGap, Rule};
use crate::period::Period;
use crate::series::{Column, LANES, MISSING, Panel, PanelRow as Row, Quantity, Strip};

/// One condition: gates that must all hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Question<'a> {
    /// The gates.
    pub gates: &'a [Expr],
    /// The base below which a ratio says nothing.
    pub min_base: Option<&'a Quantity>,
    /// What becomes of a missing period. Where it is broken off at or looked past, only the series are told
    /// that have every figure that the gates read: with them, both mean the same as to hold.
    pub on_gap: OnGap,
    /// Whether the panel must show final figures alone.
    pub final_only: bool,
}

impl<'a> Question<'a> {
    /// All that a rule asks, each to be told apart: `when` and `clear` of its severity, then those of the
    /// worse one, as far as it has them. A measure that reads more than a panel holds is refused.
    pub fn of(rule: &'a Rule) -> Result<Vec<Self>, Refused> {
        let measures = rule.expressions().flat_map(|expr| expr.root().measures());
        if let Some((measure, _)) = measures.into_iter().find(|(measure, _)| !measure.reads_figures_alone()) {
            return Err(Refused::Measure(measure.name));
        }
        let clear = |clear: &'a Option<Expr>| clear.as_ref().map(std::slice::from_ref);
        let own = [Some(rule.when.as_slice()), clear(&rule.clear)];
        let worse = rule.worse.as_ref().map(|level| [Some(level.when.as_slice()), clear(&level.clear)]);
        let gates = own.into_iter().chain(worse.into_iter().flatten()).flatten();
        let Rule { min_base, on_gap, final_only, .. } = rule;
        let of = |gates| Self { gates, min_base: min_base.as_ref(), on_gap: *on_gap, final_only: *final_only };
        Ok(gates.map(of).collect())
    }

    /// The step that decides it at a period.
    fn answer(&self, compiler: &mut Compiler<'_>, period: Period) -> Result<Answer, Refused> {
        compiler.set_min_base(self.min_base)?;
        compiler.look(self.on_gap != OnGap::Hold);
        let mut all = None;
        for gate in self.gates {
            let gate = compiler.condition(gate.root(), period)?;
            all = Some(match all {
                None => gate,
                Some(all) => compiler.both(all, gate)?,
            });
        }
        let verdict = all.map_or_else(|| compiler.constant(Some(true)), Ok)?.0 as usize;
        let reach = compiler.reach();
        let told = match self.on_gap {
            OnGap::Hold => None,
            OnGap::Break | OnGap::Bridge => Some(compiler.complete()?.0 as usize),
        };
        // A figure for several periods is one step back where gaps are looked past.
        compiler.blind_to_combined |= self.on_gap == OnGap::Bridge;
        Ok(Answer { verdict, told, reach })
    }
}

/// Where the verdict on one question at one period is found.
#[derive(Clone, Copy, Debug)]
struct Answer {
    /// The step that decides it.
    verdict: usize,
    /// The step that says for which series; `None` where for all.
    told: Option<usize>,
    /// The first and the last ordinal that it reads.
    reach: Option<(i32, i32)>,
}

impl Answer {
    /// The verdict, and the lanes for which it is told.
    #[inline]
    fn given(self, truths: &[Mask], lanes: u64) -> (Mask, u64) {
        let lanes = self.told.map_or(lanes, |told| lanes & truths[told].holds);
        (truths[self.verdict].within(lanes), lanes)
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
    moving: Moving,
    /// Whether a step asks where figures are missing.
    absences: bool,
    registers: Registers,
    /// The periods whose columns are read, in order.
    reads: Vec<Period>,
    /// By period, then question.
    answers: Vec<Answer>,
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
    /// The lanes of series of which anything is told: not those beyond the last series, nor those set aside,
    /// which only their histories answer for.
    pub lanes: u64,
    truths: &'a [Mask],
    answers: &'a [Answer],
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

    /// The verdict on a question at a period, both by their positions; unknown also where only the histories
    /// answer.
    #[inline]
    pub fn verdict(&self, question: usize, period: usize) -> Mask {
        let (mask, told) = self.given(question, period);
        Mask { unknown: mask.unknown | (self.lanes & !told), ..mask }
    }

    /// The same with the lanes for which it is told: in the others, only the histories answer.
    #[inline]
    pub fn given(&self, question: usize, period: usize) -> (Mask, u64) {
        self.answers[period * self.questions + question].given(self.truths, self.lanes)
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
        if questions.iter().any(|question| question.final_only != panel.is_final_only()) {
            return Err(Refused::Sight);
        }
        let mut compiler = Compiler::new(panel.frequency(), panel.unit(), panel.range());
        compiler.slides = periods.len() >= SLIDES_FROM;
        let mut answers = Vec::with_capacity(questions.len() * periods.len());
        for period in periods {
            for question in questions {
                answers.push(question.answer(&mut compiler, *period)?);
            }
        }
        let blind_to_combined = compiler.blind_to_combined;
        let (steps, lists) = compiler.steps.into_parts();
        let wanted: Vec<usize> =
            answers.iter().flat_map(|answer| [Some(answer.verdict), answer.told]).flatten().collect();
        let live = live(&steps, &wanted);
        let registers = Registers::new(&steps, &live);
        let mut places = Places::new(&steps, &live, &registers, &lists);
        let alive = steps.iter().enumerate().filter(|(at, _)| live[*at]);
        let actions = alive.map(|(at, step)| (at, places.action(at, step))).collect();
        let frequency = panel.frequency();
        let reads = places.ordinals.iter().filter_map(|ordinal| Period::from_ordinal(frequency, *ordinal)).collect();
        let (moving, absences) = (places.moving(), places.absences);
        let (steps, questions) = (steps.len(), questions.len());
        Ok(Self { actions, steps, moving, absences, registers, reads, answers, questions, blind_to_combined })
    }

    /// From the first to the last ordinal that a question reads at a period, both by their positions; `None`
    /// where it reads none. Its verdict stands as long as nothing of that is known otherwise.
    pub fn reach(&self, question: usize, period: usize) -> Option<(i32, i32)> {
        self.answers[period * self.questions + question].reach
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
            vec![Verdicts { tiles: Vec::with_capacity(panel.tiles()), len: panel.series_count() }; self.answers.len()];
        self.run(panel, |told| {
            for (verdicts, answer) in all.iter_mut().zip(told.answers) {
                verdicts.tiles.push(answer.given(told.truths, told.lanes));
            }
        });
        all
    }

    fn strips<'p>(&self, panel: &'p Panel) -> Vec<Strip<'p>> {
        self.reads.iter().map(|period| panel.strip(*period)).collect()
    }

    fn machine(&self) -> Machine {
        Machine::new(&self.registers, self.steps, self.moving)
    }

    fn told<'a>(&'a self, series: Series<'a>, lanes: u64, machine: &'a Machine) -> Told<'a> {
        Told { series, lanes, truths: &machine.truths, answers: &self.answers, questions: self.questions }
    }

    fn step_through(&self, machine: &mut Machine, columns: &[&Column]) {
        machine.begin(columns, self.absences);
        for (at, action) in &self.actions {
            if let Some(truth) = action.run(machine, columns) {
                machine.truths[*at] = truth;
            }
        }
    }
}
