//! Which alerts a look leaves as they are, found for many series at a time.
//!
//! An alert that neither fires nor waits comes out of [`assess`](crate::assess::assess) as it went in, but for
//! how far it was looked at, wherever the conditions fail at the latest period L:
//!
//! - Whatever `assess` judges, it judges L last: the period assessed before, where figures up to it changed,
//!   then each newer one that arrived. Both end at L, as long as no figure was withdrawn.
//! - Without `clear`, a condition that fails ends whatever an earlier period of the same walk began, and an
//!   alert that began and ended in one walk never was. Nor is anything held: L is not unknown.
//! - With `clear`, what an earlier period began may outlast L. So either `clear` holds at L, which ends it,
//!   or no earlier period of the walk began anything: the conditions hold at none from the one assessed before
//!   (or the first that arrived) to L. More periods than were judged are asked about; that costs little.
//! - Where nothing arrived and nothing was revised, nothing is judged, and nothing changes in any case.
//!
//! Everything else is not decided here, and goes to `assess`: what holds or is unknown at L; alerts that fire,
//! wait, or begin anew; series with a revised figure, which may change what was said of the past, with a withdrawn
//! one, without any, daily, or with figures that have no cell in a panel; rules that ask for the time, look at
//! final figures alone, or cannot be put into steps.

use std::collections::{BTreeMap, BTreeSet};

use crate::alert::Alert;
use crate::period::Period;
use crate::rule::Rule;
use crate::rule::bulk::{Mask, Program, Question, Told};
use crate::series::{AsOf, History, LANES, Panel, PanelRow, PullId};

/// Histories as a pull left them, side by side.
pub struct Sieve<'a> {
    histories: &'a [History],
    until: PullId,
    panels: Vec<Panel>,
    /// The panel and the row of each history that has one.
    places: Vec<Option<Place>>,
}

/// Where a history stands.
#[derive(Clone, Copy)]
struct Place {
    panel: usize,
    row: PanelRow,
    latest: Period,
}

/// What is asked of one severity, by the positions of the questions.
struct Level {
    when: usize,
    clear: Option<usize>,
}

/// Alerts of one panel whose latest period is the same.
#[derive(Default)]
struct Batch {
    rows: Vec<PanelRow>,
    /// The history in each row.
    histories: BTreeMap<PanelRow, usize>,
    /// The first period that a walk may judge.
    first: Option<Period>,
}

impl<'a> Sieve<'a> {
    /// Lays out some histories.
    pub fn new(histories: &'a [History], until: PullId) -> Self {
        let mut panels = Vec::new();
        let places = histories.iter().map(|history| place(&mut panels, history, until)).collect();
        Self { histories, until, panels, places }
    }

    /// Of some alerts of a rule, each with the position of its history, those that a look leaves as they are.
    /// All of them neither fire nor wait.
    pub fn quiet<'s>(&self, rule: &Rule, alerts: impl Iterator<Item = (usize, &'s Alert)>) -> BTreeSet<usize> {
        let Some((questions, levels)) = asked(rule) else { return BTreeSet::new() };
        let mut batches: BTreeMap<(usize, Period), Batch> = BTreeMap::new();
        for (at, alert) in alerts {
            let Some(place) = self.places[at].filter(|place| alert.assessed <= Some(place.latest)) else { continue };
            if !self.histories[at].view(AsOf::Pull(self.until)).revised_since(alert.seen).is_empty() {
                continue;
            }
            let batch = batches.entry((place.panel, place.latest)).or_default();
            batch.rows.push(place.row);
            batch.histories.insert(place.row, at);
            if levels.iter().any(|level| level.clear.is_some()) {
                batch.first = batch.first.into_iter().chain(self.first(at, alert, place.latest)).min();
            }
        }
        let mut quiet = BTreeSet::new();
        for ((panel, latest), batch) in batches {
            let first = batch.first.unwrap_or(latest);
            let periods: Vec<Period> = std::iter::successors(Some(first), |period| Some(period.next()))
                .take_while(|period| *period <= latest)
                .collect();
            let Ok(program) = Program::new(&questions, &self.panels[panel], &periods) else { continue };
            program.run_rows(&self.panels[panel], &batch.rows, |told| {
                let lanes = left_alone(&levels, periods.len(), &told);
                let rows = (0..LANES).filter(|lane| lanes >> lane & 1 == 1).map(|lane| told.row(lane));
                quiet.extend(rows.filter_map(|row| batch.histories.get(&row)));
            });
        }
        quiet
    }

    /// The first period that a walk may judge.
    fn first(&self, at: usize, alert: &Alert, latest: Period) -> Option<Period> {
        let view = self.histories[at].view(AsOf::Pull(self.until));
        let arrived = || view.arrived_since(alert.seen).first().map(|span| span.last());
        alert.assessed.or_else(arrived).or(Some(latest))
    }
}

/// Gives a history a row in the panel of its kind, where it has a figure and none was withdrawn.
fn place(panels: &mut Vec<Panel>, history: &History, until: PullId) -> Option<Place> {
    let view = history.view(AsOf::Pull(until));
    let latest = view.latest().filter(|_| !view.has_withdrawn())?;
    let is_its = |panel: &Panel| panel.frequency() == history.frequency() && panel.unit() == history.unit();
    let panel = match panels.iter().position(is_its) {
        Some(panel) => panel,
        None => {
            panels.push(Panel::new(history.frequency(), history.unit().cloned()).ok()?);
            panels.len() - 1
        }
    };
    let (row, _) = panels[panel].refresh(&view).ok()?;
    Some(Place { panel, row, latest })
}

/// What is asked of a rule, and of which severity; `None` for a rule that is asked series by series.
fn asked(rule: &Rule) -> Option<(Vec<Question<'_>>, Vec<Level>)> {
    if rule.final_only || rule.uses_time() {
        return None;
    }
    let questions = Question::of(rule).ok()?;
    let mut at = 0..questions.len();
    let has_clear = std::iter::once(rule.clear.is_some()).chain(rule.worse.iter().map(|level| level.clear.is_some()));
    let levels = has_clear.map(|has_clear| {
        let when = at.next()?;
        Some(Level { when, clear: if has_clear { Some(at.next()?) } else { None } })
    });
    let levels = levels.collect::<Option<Vec<Level>>>()?;
    Some((questions, levels))
}

/// The lanes whose alerts stay as they are, where the last of so many periods is the latest.
fn left_alone(levels: &[Level], periods: usize, told: &Told<'_>) -> u64 {
    let latest = periods - 1;
    let (mut fails, mut ends, mut began) = (told.lanes, told.lanes, 0);
    for level in levels {
        let when = told.verdict(level.when, latest);
        fails &= when.fails();
        ends &= level.clear.map_or(when.fails(), |clear| told.verdict(clear, latest).holds);
        // What is not told of an earlier period may have begun something.
        let may_begin = |(when, answered): (Mask, u64)| when.holds | (told.lanes & !answered);
        began |= (0..latest).fold(0, |began, period| began | may_begin(told.given(level.when, period)));
    }
    fails & (ends | !began)
}
