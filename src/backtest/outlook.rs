//! What a rule says of many series at every period, in bulk, and since when that stands.
//!
//! It is judged on what is known last. At an earlier moment the rule said the same of a period as long as no
//! figure within the period's reach (all that the rule reads there) became known later. So each period has
//! the moment from which on its verdict stands, and before that nothing is said here; nor of series whose
//! figures were withdrawn or lie outside a panel's cells, nor for rules that cannot be put into steps. Why
//! something is unknown is not known here either.

use super::knowledge::Knowledge;
use crate::alert::{Condition, condition, worst};
use crate::base::limits::PANEL_PERIODS_MAX;
use crate::period::{Period, Span};
use crate::rule::bulk::{Program, Question, Told};
use crate::rule::{Rule, Verdict};
use crate::series::{AsOf, History, LANES, Panel, PullId};

/// What a rule says of one series.
#[derive(Clone, Debug, Default)]
pub struct Outlook {
    /// The ordinal of the first period.
    first: i32,
    /// Period by period; `None` where nothing is said.
    periods: Vec<Option<Foreseen>>,
}

/// What a rule says of one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreseen {
    /// Whether it holds; `None` where that is unknown.
    pub holds: Option<bool>,
    /// Whether an alert that does not fire stays so, and waits for nothing.
    pub stays: bool,
    /// The moment from which on this stands.
    pub since: PullId,
}

impl Outlook {
    /// Whether it is silent on all periods.
    pub fn says_nothing(&self) -> bool {
        self.periods.iter().all(Option::is_none)
    }

    /// What a rule says of a period by all that is known.
    pub fn at(&self, period: Period) -> Option<Foreseen> {
        let at = usize::try_from(period.ordinal().checked_sub(self.first)?).ok()?;
        *self.periods.get(at)?
    }

    /// What it said of it at a moment, where that is what it says now.
    pub fn as_of(&self, period: Period, moment: PullId) -> Option<Foreseen> {
        self.at(period).filter(|foreseen| foreseen.since <= moment)
    }
}

/// What a rule says of each of some series.
pub fn outlooks<'a>(rule: &Rule, series: impl Iterator<Item = &'a Knowledge>) -> Vec<Outlook> {
    let histories: Vec<&History> = series.map(Knowledge::history).collect();
    let mut outlooks = vec![Outlook::default(); histories.len()];
    let Ok(questions) = Question::of(rule) else { return outlooks };
    for (panel, places) in panels(rule, &histories) {
        let Some((first, last)) = range(places.iter().map(|place| histories[*place])) else { continue };
        let periods: Vec<Period> = std::iter::successors(Some(first), |period| Some(period.next()))
            .take_while(|period| *period <= last)
            .collect();
        let Ok(program) = Program::new(&questions, &panel, &periods) else { continue };
        let reach = |period: usize| reach(&program, questions.len(), period);
        let reaches: Vec<Option<(i32, i32)>> = (0..periods.len()).map(reach).collect();
        program.run(&panel, |told| {
            for lane in (0..LANES).filter(|lane| told.lanes >> lane & 1 == 1) {
                let place = places[told.row(lane) as usize];
                let moments = moments(histories[place], (first, last));
                let said = |(period, reach): (usize, &Option<(i32, i32)>)| {
                    let answers = answers(&told, questions.len(), period, lane)?;
                    Some(foreseen(rule, &answers, newest(&moments, first, *reach)))
                };
                let periods = reaches.iter().enumerate().map(said).collect();
                outlooks[place] = Outlook { first: first.ordinal(), periods };
            }
        });
    }
    outlooks
}

/// The histories side by side, those of one frequency and unit in one panel, each with the place of the history
/// in every row.
fn panels(rule: &Rule, histories: &[&History]) -> Vec<(Panel, Vec<usize>)> {
    let mut panels: Vec<(Panel, Vec<usize>)> = Vec::new();
    for (place, history) in histories.iter().enumerate() {
        let view = history.view(AsOf::Latest);
        let kind = (history.frequency(), history.unit());
        let known = panels.iter().position(|(panel, _)| (panel.frequency(), panel.unit()) == kind);
        let at = known.or_else(|| {
            let panel = Panel::new(history.frequency(), history.unit().cloned()).ok()?;
            panels.push((if rule.final_only { panel.final_only() } else { panel }, Vec::new()));
            Some(panels.len() - 1)
        });
        let Some((panel, places)) = at.and_then(|at| panels.get_mut(at)) else { continue };
        // Two histories of the same labels would share a row.
        if !view.has_withdrawn() && panel.find(history.labels()).is_none() && panel.refresh(&view).is_ok() {
            places.push(place);
        }
    }
    panels
}

/// From the first to the last period of some histories, where they lie near enough to one another.
fn range<'a>(histories: impl Iterator<Item = &'a History>) -> Option<(Period, Period)> {
    let each = histories.flat_map(History::spans).map(|span| (span.first(), span.last()));
    let (first, last) = each.reduce(|(first, last), (start, end)| (first.min(start), last.max(end)))?;
    let periods = last.distance(first).and_then(|periods| usize::try_from(periods).ok());
    periods.filter(|periods| *periods < PANEL_PERIODS_MAX).map(|_| (first, last))
}

/// All that a rule reads at a period.
fn reach(program: &Program, questions: usize, period: usize) -> Option<(i32, i32)> {
    let each = (0..questions).filter_map(|question| program.reach(question, period));
    each.reduce(|(first, last), (start, end)| (first.min(start), last.max(end)))
}

/// For each of some periods, the moment at which the last vintage of its figure became known.
fn moments(history: &History, (first, last): (Period, Period)) -> Vec<PullId> {
    let mut moments = vec![PullId(0); usize::try_from(last.ordinal() - first.ordinal() + 1).unwrap_or(0)];
    for (span, vintages) in history.entries() {
        let newest = vintages.iter().map(|vintage| vintage.pull).max().unwrap_or_default();
        for ordinal in span.first().ordinal()..=span.last().ordinal() {
            let known = usize::try_from(ordinal - first.ordinal()).ok().and_then(|at| moments.get_mut(at));
            known.into_iter().for_each(|known| *known = newest.max(*known));
        }
    }
    moments
}

/// The last of the moments within a reach.
fn newest(moments: &[PullId], first: Period, reach: Option<(i32, i32)>) -> PullId {
    let Some((from, to)) = reach else { return PullId(0) };
    let at = |ordinal: i32| usize::try_from(ordinal.saturating_sub(first.ordinal())).unwrap_or(0);
    let within = at(from)..at(to.saturating_add(1)).min(moments.len());
    moments.get(within).and_then(|moments| moments.iter().max()).copied().unwrap_or_default()
}

/// What is told of one series at a period: whether each question holds, `None` where that is unknown; nothing
/// where one of them is not answered.
fn answers(told: &Told<'_>, questions: usize, period: usize, lane: usize) -> Option<Vec<Option<bool>>> {
    let is_set = |lanes: u64| lanes >> lane & 1 == 1;
    let answer = |question: usize| {
        let (mask, answered) = told.given(question, period);
        is_set(answered).then(|| (!is_set(mask.unknown)).then_some(is_set(mask.holds)))
    };
    (0..questions).map(answer).collect()
}

/// What the answers to a rule's questions come to.
fn foreseen(rule: &Rule, answers: &[Option<bool>], since: PullId) -> Foreseen {
    let verdict = |answer: &Option<bool>| match answer {
        Some(true) => Verdict::Holds,
        Some(false) => Verdict::Fails,
        None => Verdict::Unknown(Vec::new()),
    };
    let mut answers = answers.iter();
    let own = (rule.severity, rule.clear.is_some());
    let worse = rule.worse.as_ref().map(|level| (level.severity, level.clear.is_some()));
    let (mut conditions, mut whens) = (Vec::new(), Vec::new());
    for (severity, has_clear) in std::iter::once(own).chain(worse) {
        let Some(when) = answers.next() else { continue };
        let clear = if has_clear { answers.next().map(verdict) } else { None };
        conditions.push((severity, condition(false, &verdict(when), clear.as_ref(), severity)));
        whens.push(*when);
    }
    let stays = worst(None, conditions.into_iter().rev()) == Condition::Fails;
    let holds = if whens.contains(&Some(true)) {
        Some(true)
    } else {
        whens.into_iter().find(Option::is_none).unwrap_or(Some(false))
    };
    Foreseen { holds, stays, since }
}

/// What became known at each moment: the spans, and whether each was new.
pub fn news(rule: &Rule, knowledge: &Knowledge) -> Vec<Vec<(Span, bool)>> {
    let history = knowledge.history();
    let view = rule.seen(history.view(AsOf::Latest));
    let mut news = vec![Vec::new(); knowledge.moments().count()];
    for (span, vintages) in history.entries() {
        let shown = vintages.iter().filter(|vintage| view.shows(vintage)).enumerate();
        for (index, vintage) in shown {
            let at = usize::try_from(vintage.pull.0 - 1).ok().and_then(|at| news.get_mut(at));
            at.into_iter().for_each(|at: &mut Vec<_>| at.push((span, index == 0)));
        }
    }
    news
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::super::testing::{US, at, customs, history, rule};
    use super::super::{Basis, Range, replay, replays};
    use super::*;
    use crate::period::Frequency;
    use crate::rule::{Expr, Level, OnGap, Severity};
    use crate::series::{Finite, Labels, Quantity, Status, Vintage};

    const UTC: chrono_tz::Tz = chrono_tz::UTC;

    /// One vintage: which series, months after January 2024, how many more it covers, value (below zero for a
    /// withdrawal), days after the month's end, and whether it is final.
    type Figure = (usize, i32, i32, i32, u64, bool);

    const SERIES: usize = 3;

    fn recorded(figures: &[Figure], series: usize) -> History {
        let labels: Labels = [("series", series.to_string())].into_iter().collect();
        let mut history = History::new(labels, Frequency::Month, None);
        for (pull, (_, offset, more, value, lag, sure)) in
            (1..).map(PullId).zip(figures.iter().filter(|figure| figure.0 == series))
        {
            let period = Period::month(2024, 1).unwrap().offset(*offset);
            let span = Span::new(period, period.offset(*more)).unwrap();
            let end = crate::base::clock::Timestamp::start_of_day(span.last().last_day(), UTC);
            let recorded_at = end.plus(std::time::Duration::from_secs(86_400 * lag));
            let value = (*value >= 0).then(|| Finite::new(f64::from(*value)).unwrap());
            let status = if *sure { Status::Final } else { Status::Preliminary };
            history.record(span, Vintage { value, status, recorded_at, pull });
        }
        history
    }

    fn any_figure() -> impl Strategy<Value = Figure> {
        let lag = prop_oneof![4 => 1_u64..40, 1 => 0_u64..400];
        let more = prop_oneof![30 => Just(0), 1 => 1..3_i32];
        let value = prop_oneof![40 => 0_i32..10, 1 => Just(-1)];
        (0..SERIES, 0_i32..24, more, value, lag, prop::bool::weighted(0.8))
    }

    const CONDITIONS: [&str; 14] = [
        "declines >= 2",
        "declines + rises >= 2",
        "change(1) < -20%",
        "change(1) > 5%",
        "value < 3 or rises >= 3",
        "value > max(2) - 1",
        "yoy < -10%",
        "sum(2) > 12 and not declines >= 1",
        "change_since(2025-01) > 10%",
        "zscore(3) < -1",
        "median(4) > 4",
        "ytd_yoy < 0%",
        "revision > 10%",
        "lag(3) > 5",
    ];

    fn any_rule() -> impl Strategy<Value = Rule> {
        let condition = || select(&CONDITIONS[..]);
        let clear = || prop::option::weighted(0.4, condition());
        let on_gap = prop_oneof![3 => Just(OnGap::Hold), 1 => Just(OnGap::Break), 1 => Just(OnGap::Bridge)];
        let sight = (on_gap, prop::bool::weighted(0.2), prop::option::weighted(0.2, Just(3.0)));
        let worse = prop::option::weighted(0.3, (condition(), clear()));
        (prop::collection::vec(condition(), 1..3), clear(), worse, sight).prop_map(
            |(when, clear, worse, (on_gap, final_only, least))| {
                let read = |text: &str| Expr::parse(text).unwrap();
                let level = |(when, clear): (&str, Option<&str>)| Level {
                    severity: Severity::Critical,
                    when: vec![read(when)],
                    clear: clear.map(read),
                };
                Rule {
                    when: when.into_iter().map(read).collect(),
                    severity: Severity::Warning,
                    worse: worse.map(level),
                    on_gap,
                    final_only,
                    min_base: least.map(|value| Quantity { value, unit: None }),
                    ..rule("value > 0", clear)
                }
            },
        )
    }

    proptest! {
        /// In bulk and with the evidence of every period, a replay is the same to the last word.
        #[test]
        fn foresight_changes_nothing(
            rule in any_rule(),
            figures in prop::collection::vec(any_figure(), 1..90),
            basis in select(vec![Basis::Stored, Basis::AsOfRelease, Basis::Latest]),
        ) {
            let known = |series| (Knowledge::new(&recorded(&figures, series), basis, Some(&customs()), UTC), UTC);
            let histories: Vec<_> = (0..SERIES).map(known).collect();
            let in_bulk = replays(&rule, &histories, Range::default(), || {});
            for ((knowledge, zone), in_bulk) in histories.iter().zip(in_bulk) {
                let one_by_one = replay(&rule, knowledge, *zone, Range::default());
                prop_assert_eq!(format!("{in_bulk:#?}"), format!("{one_by_one:#?}"), "{}", rule.text());
            }
        }
    }

    fn stands(rule: &Rule, script: &str, basis: Basis) -> Vec<String> {
        let knowledge = Knowledge::new(&history("US", script), basis, None, UTC);
        let outlook = outlooks(rule, std::iter::once(&knowledge)).remove(0);
        let moment = |since: PullId| knowledge.moments().find(|(pull, _)| *pull == since).map(|(_, at)| at.date(UTC));
        let told = |(at, foreseen): (usize, &Option<Foreseen>)| {
            let period = Period::from_ordinal(Frequency::Month, outlook.first + at as i32).unwrap();
            let Some(Foreseen { holds, stays, since }) = foreseen else { return format!("{period} -") };
            let holds = holds.map_or("unknown", |holds| if holds { "holds" } else { "fails" });
            let since = moment(*since).map_or("ever".to_owned(), |day| day.to_string());
            format!("{period} {holds}{} since {since}", if *stays { " stays" } else { "" })
        };
        outlook.periods.iter().enumerate().map(told).collect()
    }

    #[test]
    fn a_verdict_stands_since_its_last_figure_was_known() {
        let revised = "2025-05 5\n2025-06 4\n2025-06 3 2025-09-01\n2025-07 6\n2025-08 9\n2025-09 8";
        assert_eq!(
            stands(&rule("change < 0%", None), revised, Basis::Stored),
            [
                "2025-05 unknown since 2025-06-20",
                "2025-06 holds since 2025-09-01",
                "2025-07 fails stays since 2025-09-01",
                "2025-08 fails stays since 2025-09-20",
                "2025-09 holds since 2025-10-20",
            ]
        );
        assert_eq!(
            stands(&rule("change < 0%", None), revised, Basis::Latest)[2],
            "2025-07 fails stays since 2025-08-01"
        );
        // What looks ahead stands only when that is known.
        let ahead = stands(&rule("change_since(2025-09) > 100%", None), revised, Basis::Latest);
        assert!(ahead.iter().all(|told| told.ends_with("fails stays since 2025-10-01")), "{ahead:?}");
        let withdrawn = "2025-05 5\n2025-06 4";
        let mut gone = history("US", withdrawn);
        let (pull, recorded_at) = (PullId(9), at("2026-01-01"));
        gone.record(Span::parse("2025-05").unwrap(), Vintage { value: None, status: Status::Final, recorded_at, pull });
        let knowledge = Knowledge::new(&gone, Basis::Stored, None, UTC);
        assert!(outlooks(&rule("value > 1", None), std::iter::once(&knowledge))[0].says_nothing());
    }

    #[test]
    fn what_cannot_be_put_into_steps_is_judged_one_by_one() {
        assert_eq!(stands(&rule("revision > 5%", None), US, Basis::Stored), Vec::<String>::new());
        assert_eq!(stands(&rule("value > 1 kg", None), US, Basis::Stored).len(), 11);
    }
}
