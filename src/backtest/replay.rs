//! One rule over one history, moment by moment.
//!
//! What becomes of the alert is decided by `assess`; this file only turns the pages.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::knowledge::{Knowledge, Origin, Vintages};
use super::outlook::{Foreseen, Outlook, news, outlooks};
use crate::alert::{Alert, Kind, State, Transition};
use crate::assess::{Sight, assess, reasons};
use crate::base::clock::Timestamp;
use crate::outbox::Message;
use crate::period::{Frequency, Period, Span};
use crate::rule::{Rule, Severity, Verdict, judge};
use crate::series::{AsOf, History, Labels, PullId, Unit, View};

/// The periods that a report is about. What lies outside still counts as the past of what lies within.
#[derive(Clone, Copy, Debug, Default)]
pub struct Range {
    /// The first day.
    pub from: Option<NaiveDate>,
    /// The last day.
    pub to: Option<NaiveDate>,
}

impl Range {
    /// From the beginning of one period to the end of another; they may differ in frequency.
    pub fn new(from: Option<Period>, to: Option<Period>) -> Self {
        Self { from: from.map(Period::first_day), to: to.map(Period::last_day) }
    }

    /// Whether a period lies wholly within.
    pub fn contains(self, period: Period) -> bool {
        self.from.is_none_or(|from| from <= period.first_day()) && self.to.is_none_or(|to| period.last_day() <= to)
    }
}

/// What a rule said, or says, of a period.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// `holds`, `fails` or `unknown`.
    pub verdict: &'static str,
    /// Why it is unknown.
    pub reason: Option<String>,
}

/// One period, as it was known first and as it is known now.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The period, or those that one figure covers together.
    pub span: Span,
    /// When a figure first became known; `None` where there is none.
    pub known: Option<(Timestamp, Origin)>,
    /// The figure as it was known first.
    pub then: Option<f64>,
    /// The figure as it is known now.
    pub now: Option<f64>,
    /// What the rule said then; of a missing period, when the next one became known.
    pub said: Option<Told>,
    /// What it says now.
    pub says: Told,
    /// Whether the alert fired at this period, as far as was known then.
    pub firing: bool,
    /// Why the alert was held at this period.
    pub held: Option<String>,
}

/// One transition of the alert.
#[derive(Clone, Debug)]
pub struct Step {
    /// When it was known.
    pub at: Timestamp,
    /// The transition.
    pub transition: Transition,
    /// How it is told.
    pub message: Message,
    /// Whether it is told: `renotify` may keep it quiet.
    pub told: bool,
}

/// How an alert stands from a moment on.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The moment.
    pub at: Timestamp,
    /// How bad it is, while it fires.
    pub firing: Option<Severity>,
    /// Why it is held as it was, while it is.
    pub held: Option<String>,
}

/// From the opening of an alert to its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Episode {
    /// Its number.
    pub number: u32,
    /// The period at which it began.
    pub since: Period,
    /// When that was known.
    pub opened: Timestamp,
    /// How it ended; `None` while it goes on.
    pub ended: Option<End>,
}

/// The end of an episode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct End {
    /// The period that was judged.
    pub period: Period,
    /// When it was known.
    pub at: Timestamp,
    /// How: resolved, or corrected.
    pub kind: Kind,
}

impl Episode {
    /// Whether the alert fired at a period, as far as was known then: a correction comes later.
    fn covers(&self, period: Period) -> bool {
        let before = |end: End| period < end.period || (period == end.period && end.kind == Kind::Corrected);
        self.since <= period && self.ended.is_none_or(before)
    }
}

/// A rule's past on one series.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The rule's name.
    pub rule: String,
    /// Its condition as written.
    pub when: String,
    /// The series.
    pub labels: Labels,
    /// The series' unit.
    pub unit: Option<Unit>,
    /// The publisher's zone: days are told by its calendar.
    pub zone: Tz,
    /// The periods in range, in order.
    pub rows: Vec<Row>,
    /// The transitions at periods in range, in order.
    pub steps: Vec<Step>,
    /// The episodes that touch the range.
    pub episodes: Vec<Episode>,
    /// How the alert stood, in order, each until the next; in range or not.
    pub standings: Vec<Standing>,
    /// How the moments of the vintages in range are known.
    pub vintages: Vintages,
    /// The first and the last period with a figure, in range or not.
    pub extent: Option<(Period, Period)>,
}

/// Takes an alert through all that became known, moment by moment, each judged with its evidence.
pub fn replay(rule: &Rule, knowledge: &Knowledge, zone: Tz, range: Range) -> Replay {
    foresighted(rule, knowledge, zone, range, &Outlook::default())
}

/// Takes the alert of each of some series through all that became known, to the same end. They are judged in
/// bulk first, and with their evidence where something happens or has to be explained.
pub fn replays(rule: &Rule, histories: &[(Knowledge, Tz)], range: Range, mut done: impl FnMut()) -> Vec<Replay> {
    let outlooks = outlooks(rule, histories.iter().map(|(knowledge, _)| knowledge));
    let replayed = |((knowledge, zone), outlook): (&(Knowledge, Tz), Outlook)| {
        done();
        foresighted(rule, knowledge, *zone, range, &outlook)
    };
    histories.iter().zip(outlooks).map(replayed).collect()
}

fn foresighted(rule: &Rule, knowledge: &Knowledge, zone: Tz, range: Range, outlook: &Outlook) -> Replay {
    let history = knowledge.history();
    let walk = Walk::over(rule, knowledge, zone, outlook);
    let view = history.view(AsOf::Latest);
    let in_range_spans = spans(&view).into_iter().filter(|span| range.contains(span.last()));
    let rows: Vec<Row> = match knowledge.moments().last() {
        Some(now) => in_range_spans.map(|span| walk.row(span, now)).collect(),
        None => Vec::new(),
    };
    let mut vintages = Vintages::default();
    rows.iter().flat_map(|row| knowledge.origins(row.span)).for_each(|origin| vintages.count(*origin));
    vintages.late = rows.iter().filter(|row| knowledge.is_late(row.span)).count();
    let touches = |episode: &Episode| {
        let ends_before = |from: NaiveDate| episode.ended.is_some_and(|end| end.period.first_day() < from);
        !range.from.is_some_and(ends_before) && range.to.is_none_or(|to| episode.since.last_day() <= to)
    };
    let in_range = |step: &Step| step.transition.period.is_some_and(|period| range.contains(period));
    Replay {
        rule: rule.name.clone(),
        when: rule.text(),
        labels: history.labels().clone(),
        unit: history.unit().cloned(),
        zone,
        rows,
        vintages,
        extent: view.earliest().zip(view.latest()),
        episodes: walk.episodes.iter().filter(|episode| touches(episode)).copied().collect(),
        steps: walk.steps.into_iter().filter(in_range).collect(),
        standings: walk.standings,
    }
}

/// An alert on its way through the moments.
struct Walk<'a> {
    rule: &'a Rule,
    knowledge: &'a Knowledge,
    outlook: &'a Outlook,
    alert: Alert,
    steps: Vec<Step>,
    episodes: Vec<Episode>,
    standings: Vec<Standing>,
    held: BTreeMap<Period, String>,
}

impl<'a> Walk<'a> {
    fn over(rule: &'a Rule, knowledge: &'a Knowledge, zone: Tz, outlook: &'a Outlook) -> Self {
        let history = knowledge.history();
        let alert = Alert::new(&rule.name, history.labels().clone(), &rule.hash, PullId(0));
        let (steps, episodes, standings, held) = (Vec::new(), Vec::new(), Vec::new(), BTreeMap::new());
        let mut walk = Self { rule, knowledge, outlook, alert, steps, episodes, standings, held };
        let news = if outlook.says_nothing() { Vec::new() } else { news(rule, knowledge) };
        let mut news = news.into_iter();
        let mut moments = knowledge.moments().peekable();
        while let Some((until, now)) = moments.next() {
            if news.next().is_some_and(|news| walk.stays(until, &news)) {
                walk.stand(now);
                continue;
            }
            walk.step(Sight { rule, history, until, now, zone });
            let end = moments.peek().map(|(_, next)| *next).or(knowledge.end());
            for now in ticks(rule, history, now..end.unwrap_or(now)) {
                walk.step(Sight { rule, history, until, now, zone });
            }
        }
        walk
    }

    /// Takes an alert that does not fire past a moment, where all that would be judged leaves it so; `false`
    /// where that is not foreseen.
    fn stays(&mut self, until: PullId, news: &[(Span, bool)]) -> bool {
        let assessed = self.alert.assessed;
        let stays = |period: Period| self.outlook.as_of(period, until).is_some_and(|foreseen| foreseen.stays);
        let is_newer = |span: Span| assessed.is_none_or(|last| span.last() > last);
        let newer = || news.iter().filter(|(span, new)| *new && is_newer(*span)).map(|(span, _)| span.last());
        // The period judged last is judged again where what lies before it changed, or came late.
        let touched = |(span, new): &(Span, bool)| if *new { !is_newer(*span) } else { Some(span.first()) <= assessed };
        let again = news.iter().any(touched);
        let latest = newer().max().max(assessed);
        let foreseen = newer().all(stays) && (!again || assessed.is_some_and(stays));
        // A revision too small to be news leaves an alert waiting.
        if self.alert.is_firing() || latest.is_none() || !foreseen || (again && self.alert.held.is_some()) {
            return false;
        }
        if newer().next().is_some() {
            self.alert.held = None;
        }
        (self.alert.assessed, self.alert.seen) = (latest, until);
        true
    }

    fn step(&mut self, sight: Sight<'_>) {
        let assessment = assess(sight, &self.alert);
        if let Some((transition, message)) = assessment.transition {
            self.mark(&transition, &assessment.alert, sight.now);
            self.steps.push(Step { at: sight.now, transition, message, told: assessment.told });
        }
        if let (Some(held), Some(judgement)) = (&assessment.alert.held, &assessment.judgement) {
            self.held.entry(judgement.period).or_insert_with(|| held.clone());
        }
        self.alert = assessment.alert;
        self.stand(sight.now);
    }

    /// Notes how the alert stands, where that is another way than before.
    fn stand(&mut self, at: Timestamp) {
        let firing = match &self.alert.state {
            State::Firing(firing) => Some(firing.severity),
            State::Ok => None,
        };
        let held = self.alert.held.clone();
        if self.standings.last().is_none_or(|last| last.firing != firing || last.held != held) {
            self.standings.push(Standing { at, firing, held });
        }
    }

    /// Opens or ends an episode.
    fn mark(&mut self, transition: &Transition, after: &Alert, at: Timestamp) {
        match (&self.alert.state, &after.state, transition.period) {
            (State::Ok, State::Firing(firing), _) => {
                self.episodes.push(Episode { number: after.episode, since: firing.since, opened: at, ended: None });
            }
            (State::Firing(_), State::Ok, Some(period)) => {
                if let Some(episode) = self.episodes.last_mut() {
                    episode.ended = Some(End { period, at, kind: transition.kind });
                }
            }
            (State::Ok, State::Ok, _)
            | (State::Firing(_), State::Firing(_), _)
            | (State::Firing(_), State::Ok, None) => {}
        }
    }

    fn row(&self, span: Span, now: (PullId, Timestamp)) -> Row {
        let (history, period) = (self.knowledge.history(), span.last());
        let first = self.knowledge.first(span);
        let moment = first.or_else(|| self.knowledge.first_after(period));
        let value = |as_of| history.view(as_of).exactly(span).map(|point| point.value);
        let foreseen = |(pull, _): (PullId, Timestamp)| self.outlook.as_of(period, pull);
        let judged = |(pull, at)| told(self.rule, &history.view(AsOf::Pull(pull)).at(at), period);
        let told = |moment| foreseen(moment).and_then(Told::foreseen).unwrap_or_else(|| judged(moment));
        let says = told(now);
        // As long as nothing changed, it is said for the same reason.
        let said = |moment| foreseen(moment).map_or_else(|| told(moment), |_| says.clone());
        let origin = self.knowledge.origins(span).first().copied();
        Row {
            span,
            known: first.map(|(_, at)| at).zip(origin),
            then: first.and_then(|(pull, _)| value(AsOf::Pull(pull))),
            now: value(AsOf::Latest),
            said: moment.map(said),
            says,
            firing: self.episodes.iter().any(|episode| episode.covers(period)),
            held: self.held.get(&period).cloned(),
        }
    }
}

/// When a rule that the clock moves is asked though nothing became known: each day, a minute after midnight by
/// the calendar that it goes by. A minute, since what is older than a day is so only after it.
fn ticks(rule: &Rule, history: &History, between: std::ops::Range<Timestamp>) -> impl Iterator<Item = Timestamp> {
    let zone = history.release().map_or(chrono_tz::UTC, |release| release.zone);
    let minute = Duration::from_secs(60);
    let first = rule.uses_time().then(|| between.start.date(zone));
    let days = std::iter::successors(first, NaiveDate::succ_opt);
    let after_midnight = days.map(move |day| Timestamp::start_of_day(day, zone).plus(minute));
    after_midnight.skip_while(move |at| *at <= between.start).take_while(move |at| *at < between.end)
}

impl Told {
    /// What is foreseen, where that needs no reason.
    fn foreseen(foreseen: Foreseen) -> Option<Self> {
        let verdict = if foreseen.holds? { Verdict::Holds } else { Verdict::Fails };
        Some(Self { verdict: verdict.name(), reason: None })
    }
}

fn told(rule: &Rule, view: &View<'_>, period: Period) -> Told {
    let judgement = judge(rule, view, period);
    let reason = matches!(judgement.verdict, Verdict::Unknown(_)).then(|| reasons(&judgement));
    Told { verdict: judgement.verdict.name(), reason }
}

/// What a table has a row for: every span with a figure and, where the calendar is strict, every period
/// between the first and the last that has none.
fn spans(view: &View<'_>) -> Vec<Span> {
    let mut spans: Vec<Span> = view.points().map(|point| point.span).collect();
    let history = view.history();
    if let (Some(first), Some(last), true) = (view.earliest(), view.latest(), history.frequency() != Frequency::Day) {
        let mut period = first;
        while period < last {
            if matches!(view.point(period), Err(crate::series::Gap::Missing(_))) {
                spans.push(period.into());
            }
            period = period.next();
        }
    }
    spans.sort_unstable();
    spans
}

impl Replay {
    /// A day by the publisher's calendar.
    pub fn day(&self, at: Timestamp) -> NaiveDate {
        at.date(self.zone)
    }

    /// How many transitions of a kind there are.
    pub fn count(&self, kind: Kind) -> usize {
        self.steps.iter().filter(|step| step.transition.kind == kind).count()
    }

    /// The periods with a figure at which the alert fired.
    pub fn firing_periods(&self) -> usize {
        self.rows.iter().filter(|row| row.firing && row.known.is_some()).count()
    }
}
