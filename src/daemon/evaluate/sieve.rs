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
//! one, without any, daily, or with figures that have no cell in a panel; rules that ask for the time or cannot be
//! put into steps.

use std::collections::{BTreeMap, BTreeSet};

use crate::alert::Alert;
use crate::period::Period;
use crate::rule::Rule;
use crate::rule::bulk::{Program, Question, Told};
use crate::series::{AsOf, History, LANES, Panel, PanelRow, PullId, View};

/// Histories as a pull left them, side by side.
pub struct Sieve<'a> {
    histories: &'a [History],
    until: PullId,
    /// Preliminary and estimated figures are not looked at.
    final_only: bool,
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
    /// Lays out some histories: all figures, or final ones alone.
    pub fn new(histories: &'a [History], until: PullId, final_only: bool) -> Self {
        let mut sieve = Self { histories, until, final_only, panels: Vec::new(), places: Vec::new() };
        sieve.places = (0..histories.len()).map(|at| sieve.place(at)).collect();
        sieve
    }

    /// A history as the pull left it, and as it is looked at here.
    fn view(&self, at: usize) -> View<'a> {
        let view = self.histories[at].view(AsOf::Pull(self.until));
        if self.final_only { view.final_only() } else { view }
    }

    /// Gives a history a row in the panel of its kind, where it has a figure and none was withdrawn.
    fn place(&mut self, at: usize) -> Option<Place> {
        let (history, view) = (&self.histories[at], self.view(at));
        let latest = view.latest().filter(|_| !view.has_withdrawn())?;
        let is_its = |panel: &Panel| panel.frequency() == history.frequency() && panel.unit() == history.unit();
        let panel = match self.panels.iter().position(is_its) {
            Some(panel) => panel,
            None => {
                let panel = Panel::new(history.frequency(), history.unit().cloned()).ok()?;
                self.panels.push(if self.final_only { panel.final_only() } else { panel });
                self.panels.len() - 1
            }
        };
        let (row, _) = self.panels[panel].refresh(&view).ok()?;
        Some(Place { panel, row, latest })
    }

    /// Of some alerts of a rule, each with the position of its history, those that a look leaves as they are.
    /// All of them neither fire nor wait.
    pub fn quiet<'s>(&self, rule: &Rule, alerts: impl Iterator<Item = (usize, &'s Alert)>) -> BTreeSet<usize> {
        let Some((questions, levels)) = asked(rule) else { return BTreeSet::new() };
        let mut batches: BTreeMap<(usize, Period), Batch> = BTreeMap::new();
        for (at, alert) in alerts {
            let Some(place) = self.places[at].filter(|place| alert.assessed <= Some(place.latest)) else { continue };
            if !self.view(at).revised_since(alert.seen).is_empty() {
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
        let arrived = || self.view(at).arrived_since(alert.seen).first().map(|span| span.last());
        alert.assessed.or_else(arrived).or(Some(latest))
    }
}

/// What is asked of a rule, and of which severity; `None` for a rule that is asked series by series.
fn asked(rule: &Rule) -> Option<(Vec<Question<'_>>, Vec<Level>)> {
    let questions = Question::of(rule).ok().filter(|_| !rule.uses_time())?;
    let mut at = 0..questions.len();
    let has_clear = std::iter::once(rule.clear.is_some()).chain(rule.worse.iter().map(|level| level.clear.is_some()));
    let levels = has_clear.map(|has_clear| {
        let when = at.next()?;
        Some(Level { when, clear: if has_clear { Some(at.next()?) } else { None } })
    });
    let levels = levels.collect::<Option<Vec<Level>>>()?;
    Some((questions, levels))
}

/// The lanes whose alerts stay as they are, where the last of so many periods is the latest. Where a condition is
/// not told, it may hold.
fn left_alone(levels: &[Level], periods: usize, told: &Told<'_>) -> u64 {
    let latest = periods - 1;
    let fails = |question, period| {
        let (verdict, lanes) = told.given(question, period);
        verdict.fails() & lanes
    };
    let holds_not = |question, period| {
        let (verdict, lanes) = told.given(question, period);
        !verdict.holds & lanes
    };
    let (mut left, mut ends, mut never) = (told.lanes, told.lanes, told.lanes);
    for level in levels {
        left &= fails(level.when, latest);
        ends &= level.clear.map_or_else(|| fails(level.when, latest), |clear| told.verdict(clear, latest).holds);
        never = (0..latest).fold(never, |never, period| never & holds_not(level.when, period));
    }
    left & (ends | never)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::assess::{Sight, assess};
    use crate::base::clock::Timestamp;
    use crate::period::{Frequency, Span};
    use crate::rule::{Expr, Level as Worse, OnGap, Severity};
    use crate::series::{Finite, Labels, Status, Unit, Vintage};

    /// A condition, and what ends it.
    type Pair = (&'static str, Option<&'static str>);

    const PAIRS: [Pair; 9] = [
        ("declines >= 2", None),
        ("value < 300 t", Some("value > 500 t")),
        ("change < -20%", Some("rises >= 1")),
        ("mean(3) < 400 t", None),
        ("sum(2) > 900 t", Some("sum(2) < 700 t")),
        ("not yoy > 0%", None),
        ("value < lag(2)", Some("change(1) > 0%")),
        ("streak(value > 200 t) >= 3", None),
        ("max(3) > 700 t", Some("not value > 300 t")),
    ];

    fn rules() -> impl Strategy<Value = Rule> {
        let pair = || select(PAIRS.to_vec());
        let read = |(when, clear): Pair| {
            let parse = |text: &str| Expr::parse(text).unwrap();
            (vec![parse(when)], clear.map(parse))
        };
        (pair(), prop::option::of(pair()), select(OnGap::ALL.to_vec()), any::<bool>()).prop_map(
            move |(own, worse, on_gap, final_only)| {
                let (when, clear) = read(own);
                let worse = worse.map(read).map(|(when, clear)| Worse { severity: Severity::Critical, when, clear });
                Rule { when, clear, worse, on_gap, final_only, ..Rule::default() }
            },
        )
    }

    /// A cell: month, length, value (0 withdraws), pull, whether it is preliminary.
    type Cell = (i32, i32, u32, i64, bool);

    fn cells() -> impl Strategy<Value = Vec<Cell>> {
        let length = prop_oneof![12 => Just(1), 1 => Just(2)];
        let value = prop_oneof![1 => Just(0_u32), 12 => 1..9_u32];
        // Most of it is known from the beginning, and nothing is revised: what a sieve is for.
        let pull = prop_oneof![3 => Just(1_i64), 2 => 2..5_i64];
        prop::collection::vec((0..18, length, value, pull, prop::bool::weighted(0.1)), 1..24)
    }

    fn history(partner: usize, cells: &[Cell]) -> History {
        let labels: Labels = [("partner", partner.to_string())].into_iter().collect();
        let mut history = History::new(labels, Frequency::Month, Unit::parse("t").ok());
        for (month, length, value, pull, preliminary) in cells {
            let last = Period::month(2024, 1).unwrap().offset(*month);
            let status = if *preliminary { Status::Preliminary } else { Status::Final };
            let value = (*value > 0).then(|| Finite::new(f64::from(*value) * 100.0).unwrap());
            let (recorded_at, pull) = (Timestamp::from_millis(*pull), PullId(*pull));
            let span = Span::new(last.offset(1 - length), last).unwrap();
            history.record(span, Vintage { value, status, recorded_at, pull });
        }
        history
    }

    /// The alerts that a sieve leaves alone, each held against what `assess` makes of it.
    fn check(rule: &Rule, histories: &[History], seen: i64) -> Result<usize, TestCaseError> {
        let (until, now) = (PullId(4), Timestamp::from_millis(5));
        let found = |history: &History| {
            let new = Alert::new("rule", history.labels().clone(), "", PullId(seen));
            // A rule that comes to a history has assessed nothing.
            if seen == 0 { new } else { new.looked(PullId(seen), latest(rule, history, PullId(seen))) }
        };
        let alerts: Vec<Alert> = histories.iter().map(found).collect();
        let quiet = Sieve::new(histories, until, rule.final_only).quiet(rule, alerts.iter().enumerate());
        for at in &quiet {
            let (history, alert) = (&histories[*at], &alerts[*at]);
            let assessment = assess(Sight { rule, history, until, now, zone: chrono_tz::UTC }, alert);
            prop_assert!(assessment.transition.is_none() && assessment.rejudged.is_none());
            let left = alert.clone().looked(until, latest(rule, history, until));
            prop_assert_eq!(assessment.alert, left, "{:?}", history);
        }
        Ok(quiet.len())
    }

    fn latest(rule: &Rule, history: &History, until: PullId) -> Option<Period> {
        rule.seen(history.view(AsOf::Pull(until))).latest()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// What is said at the head of this file.
        #[test]
        fn what_is_left_alone_would_not_have_changed(
            rule in rules(), cells in prop::collection::vec(cells(), 1..6), seen in 0..5_i64
        ) {
            let histories: Vec<History> = cells.iter().enumerate().map(|(at, cells)| history(at, cells)).collect();
            check(&rule, &histories, seen)?;
        }
    }

    /// Steady series, and one that is not: each kind of rule leaves all the others alone.
    #[test]
    fn whatever_simply_fails_is_left_alone() {
        let steady: Vec<Cell> = (0..18).map(|month| (month, 1, 6, 1 + i64::from(month > 15), false)).collect();
        let mut broken = steady.clone();
        broken.extend([(18, 1, 2, 3, false), (19, 1, 1, 3, false)]);
        let histories: Vec<History> =
            (0..200).map(|at| history(at, if at == 77 { &broken } else { &steady })).collect();
        let sights = [(OnGap::Hold, false), (OnGap::Hold, true), (OnGap::Break, true), (OnGap::Bridge, false)];
        for ((when, clear), (on_gap, final_only)) in
            [0, 1, 2, 3, 6].map(|at| PAIRS[at]).into_iter().zip(sights.into_iter().cycle())
        {
            // Where it matters that the first month has none before it, only histories answer.
            let first = i64::from(on_gap != OnGap::Hold);
            for seen in first..4 {
                let parse = |text: &str| Expr::parse(text).unwrap();
                let (when, clear) = (vec![parse(when)], clear.map(parse));
                let rule = Rule { when, clear, on_gap, final_only, ..Rule::default() };
                assert_eq!(check(&rule, &histories, seen).unwrap(), 199, "{} from {seen}", rule.text());
            }
        }
    }

    #[test]
    fn what_a_walk_began_is_not_left_alone() {
        // Below 300 t in February, and never above 500 t after it.
        let cells = [(0, 1, 6, 1, false), (1, 1, 2, 2, false), (2, 1, 4, 2, false)];
        let (when, clear) = (vec![Expr::parse("value < 300 t").unwrap()], Expr::parse("value > 500 t").ok());
        let rule = Rule { when, clear, ..Rule::default() };
        let quiet = |history: History| check(&rule, &[history], 1).unwrap();
        assert_eq!(quiet(history(0, &cells)), 0);
        assert_eq!(quiet(history(0, &[cells[0], cells[2]])), 1);
        assert_eq!(quiet(history(0, &[&cells[..], &[(3, 1, 6, 2, false)]].concat())), 1);
    }
}
