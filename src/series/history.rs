//! Everything that is known of one series, and a view of it as of one moment.
//!
//! A view answers for one period at a time and says why where it has no answer; whether a figure is
//! alarming is the rules' business.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{AsOf, Back, Gap, KnownItem, Labels, Provenance, PullId, Release, Status, Unit, Vintage, Window};
use crate::base::clock::Timestamp;
use crate::base::limits::MAX_GAP_DAYS;
use crate::period::{Frequency, Period, Span};

/// One series with every vintage of every observation.
#[derive(Clone, Debug)]
pub struct History {
    labels: Labels,
    frequency: Frequency,
    unit: Option<Unit>,
    max_gap_days: i64,
    release: Option<Release>,
    entries: BTreeMap<Span, Vec<Vintage>>,
    /// How many periods its longest span covers.
    longest: u16,
    /// The first period that any of its spans covers.
    begins: Option<Period>,
    provenance: BTreeMap<PullId, Provenance>,
    /// Of derived vintages: every pull that brought a part of them.
    origins: BTreeMap<(Span, PullId, Timestamp), Vec<PullId>>,
    /// Of a group: the series whose sum it is.
    members: Arc<[Self]>,
    /// Of a feed of items: all of them, in the order in which they became known.
    items: Arc<[KnownItem]>,
}

impl History {
    /// A series of which nothing is known yet.
    pub fn new(labels: Labels, frequency: Frequency, unit: Option<Unit>) -> Self {
        let (entries, provenance, origins) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let (max_gap_days, release, members, items) = (MAX_GAP_DAYS, None, Arc::new([]), Arc::new([]));
        let (longest, begins) = (1, None);
        Self {
            labels,
            frequency,
            unit,
            max_gap_days,
            release,
            entries,
            longest,
            begins,
            provenance,
            origins,
            members,
            items,
        }
    }

    /// Sets how many days may lie between neighbours of a daily series.
    #[must_use]
    pub fn with_max_gap(mut self, days: i64) -> Self {
        self.max_gap_days = days;
        self
    }

    /// Says when its figures are due.
    #[must_use]
    pub fn with_release(mut self, release: Option<Release>) -> Self {
        self.release = release;
        self
    }

    /// Makes it the history of a group: the sum of these.
    #[must_use]
    pub(super) fn with_members(mut self, members: Vec<Self>) -> Self {
        self.members = members.into();
        self
    }

    /// Says which items its figures count, in the order in which they became known.
    #[must_use]
    pub fn with_items(self, items: Arc<[KnownItem]>) -> Self {
        Self { items, ..self }
    }

    /// The items that its figures count, where they count items.
    pub fn items(&self) -> &[KnownItem] {
        &self.items
    }

    /// The same history under other labels.
    #[must_use]
    pub fn relabelled(self, labels: Labels) -> Self {
        Self { labels, ..self }
    }

    /// The series whose sum it is, where it is a group's.
    pub fn members(&self) -> &[Self] {
        &self.members
    }

    /// Adds a vintage of a span; vintages are kept in the order of their pulls, then of their time.
    pub fn record(&mut self, span: Span, vintage: Vintage) {
        self.longest = self.longest.max(span.length());
        self.begins = Some(self.begins.map_or(span.first(), |begins| begins.min(span.first())));
        let vintages = self.entries.entry(span).or_default();
        vintages.push(vintage);
        vintages.sort_by_key(|vintage| (vintage.pull, vintage.recorded_at));
    }

    /// Says where a pull's vintages came from.
    pub fn record_provenance(&mut self, pull: PullId, provenance: Provenance) {
        self.provenance.insert(pull, provenance);
    }

    /// Says which pulls brought the parts of a derived vintage.
    pub fn record_origins(&mut self, span: Span, vintage: &Vintage, pulls: impl Iterator<Item = PullId>) {
        let mut pulls: Vec<PullId> = pulls.collect();
        pulls.sort_unstable();
        pulls.dedup();
        self.origins.insert((span, vintage.pull, vintage.recorded_at), pulls);
    }

    /// Takes over where another history's pulls came from.
    pub(super) fn inherit_provenance(&mut self, other: &Self) {
        self.provenance.extend(other.provenance.iter().map(|(pull, provenance)| (*pull, provenance.clone())));
    }

    /// The pulls that brought the parts of a derived vintage; `None` for one of its own.
    pub fn known_origins(&self, span: Span, pull: PullId, recorded_at: Timestamp) -> Option<&[PullId]> {
        self.origins.get(&(span, pull, recorded_at)).map(Vec::as_slice)
    }

    /// Every pull that had a part in a figure: its own, or those of all that it was calculated from.
    pub fn origins(&self, point: &Point) -> Vec<PullId> {
        let Point { span, pull, recorded_at, .. } = *point;
        self.known_origins(span, pull, recorded_at).map_or_else(|| vec![pull], <[PullId]>::to_vec)
    }

    /// Every pull that brought a part of a derived figure.
    pub fn behind(&self) -> BTreeSet<PullId> {
        self.origins.values().flatten().copied().collect()
    }

    /// Every span that ever had a figure, in order.
    pub fn spans(&self) -> impl Iterator<Item = Span> {
        self.entries.keys().copied()
    }

    /// The labels.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// The frequency.
    pub const fn frequency(&self) -> Frequency {
        self.frequency
    }

    /// The unit of every value.
    pub const fn unit(&self) -> Option<&Unit> {
        self.unit.as_ref()
    }

    /// When its figures are due, where the feed says so.
    pub const fn release(&self) -> Option<&Release> {
        self.release.as_ref()
    }

    /// Where a pull's vintages came from.
    pub fn provenance(&self, pull: PullId) -> Option<&Provenance> {
        self.provenance.get(&pull)
    }

    /// How many days may lie between neighbours of a daily series.
    pub const fn max_gap_days(&self) -> i64 {
        self.max_gap_days
    }

    /// Every span with its vintages, oldest first, in the order of their last periods.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = (Span, &[Vintage])> {
        self.entries.iter().map(|(span, vintages)| (*span, vintages.as_slice()))
    }

    /// Every vintage of a span, oldest first.
    pub fn vintages(&self, span: Span) -> &[Vintage] {
        self.entries.get(&span).map_or(&[], Vec::as_slice)
    }

    /// The history as it was known at one moment.
    pub const fn view(&self, as_of: AsOf) -> View<'_> {
        View { history: self, as_of, final_only: false, bridged: false, now: None, supposed: None, since: None }
    }
}

/// A known period whose figure changed, was withdrawn, or is back after that: one side at least is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    /// What it covers.
    pub span: Span,
    /// The figure as it was; `None` where it had been withdrawn.
    pub old: Option<Point>,
    /// The figure as it is now; `None` where it is withdrawn.
    pub new: Option<Point>,
    /// When the change became known.
    pub recorded_at: Timestamp,
}

/// A vintage as a figure of its span; none where it withdraws.
fn point(span: Span, vintage: Vintage) -> Option<Point> {
    let Vintage { value, status, recorded_at, pull } = vintage;
    value.map(|value| Point { span, value: value.get(), status, recorded_at, pull })
}

/// One figure as a view shows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// What it covers.
    pub span: Span,
    /// The figure in the series' unit.
    pub value: f64,
    /// The publisher's mark.
    pub status: Status,
    /// When this vintage became known.
    pub recorded_at: Timestamp,
    /// The pull that brought it.
    pub pull: PullId,
}

/// A history as of one moment.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    history: &'a History,
    as_of: AsOf,
    /// Vintages that are preliminary or estimated are not shown.
    final_only: bool,
    /// Neighbours are the figures that there are, however far apart.
    bridged: bool,
    now: Option<Timestamp>,
    /// A figure that is looked at as if it were published.
    supposed: Option<(Span, f64)>,
    /// Items are new that came with a later pull.
    since: Option<PullId>,
}

impl<'a> View<'a> {
    /// The history behind it.
    pub const fn history(&self) -> &'a History {
        self.history
    }

    /// The same without preliminary and estimated vintages.
    #[must_use]
    pub const fn final_only(self) -> Self {
        Self { final_only: true, ..self }
    }

    /// The same with the periods that are missing looked past: so many periods back is so many figures back.
    #[must_use]
    pub const fn bridged(self) -> Self {
        Self { bridged: true, ..self }
    }

    /// The same at a moment, which its figures' age is told by.
    #[must_use]
    pub const fn at(self, now: Timestamp) -> Self {
        Self { now: Some(now), ..self }
    }

    /// The same as if a span's figure were another.
    #[must_use]
    pub const fn supposing(self, span: Span, value: f64) -> Self {
        Self { supposed: Some((span, value)), ..self }
    }

    /// The same to one who had seen everything up to a pull: items that came later are new.
    #[must_use]
    pub const fn since(self, seen: PullId) -> Self {
        Self { since: Some(seen), ..self }
    }

    /// The moment whose knowledge it shows.
    pub(super) const fn as_of(&self) -> AsOf {
        self.as_of
    }

    /// The pull up to which everything had been seen, where one was told.
    pub(super) const fn seen(&self) -> Option<PullId> {
        self.since
    }

    /// The moment, where one was told.
    pub const fn now(&self) -> Option<Timestamp> {
        self.now
    }

    /// Whether neighbours are counted by figures rather than by the calendar.
    pub fn counts_figures(&self) -> bool {
        self.bridged || self.history.frequency == Frequency::Day
    }

    /// The spans that this view shows and did not after pull `after`, in order.
    pub fn arrived_since(&self, after: PullId) -> Vec<Span> {
        let before = Self { as_of: AsOf::Pull(after), ..*self };
        let is_new = |(_, vintages): &(&Span, &Vec<Vintage>)| before.newest(vintages).is_none();
        let arrived = self.history.entries.iter().filter(is_new);
        arrived.filter_map(|(span, vintages)| self.latest_of(*span, vintages)).map(|point| point.span).collect()
    }

    /// The spans whose value or status this view shows otherwise than after pull `after`.
    pub fn revised_since(&self, after: PullId) -> Vec<Revision> {
        let before = Self { as_of: AsOf::Pull(after), ..*self };
        let revision = |(span, vintages): (&Span, &Vec<Vintage>)| {
            let (old, new) = (before.newest(vintages)?, self.newest(vintages)?);
            let figure = |vintage: Vintage| vintage.value.map(|value| (value.get().to_bits(), vintage.status));
            let changed = figure(old) != figure(new);
            let (span, recorded_at) = (*span, new.recorded_at);
            changed.then(|| Revision { span, old: point(span, old), new: point(span, new), recorded_at })
        };
        self.history.entries.iter().filter_map(revision).collect()
    }

    /// The figures that are known and not shown because they are preliminary or estimated.
    pub fn hidden(&self) -> Vec<Point> {
        if !self.final_only {
            return Vec::new();
        }
        let all = Self { final_only: false, ..*self };
        all.points().filter(|point| self.exactly(point.span).is_none()).collect()
    }

    /// The members of a group's history as this view would show them.
    pub fn members(&self) -> impl Iterator<Item = View<'a>> + use<'a> {
        let view = *self;
        self.history.members.iter().map(move |member| View { history: member, supposed: None, ..view })
    }

    /// Every figure, in the order of their last periods.
    pub fn points(&self) -> impl DoubleEndedIterator<Item = Point> + use<'a> {
        let view = *self;
        self.history.entries.iter().filter_map(move |(span, vintages)| view.latest_of(*span, vintages))
    }

    /// Whether a span that had a figure has none any more.
    pub fn has_withdrawn(&self) -> bool {
        let mut newest = self.history.entries.values().filter_map(|vintages| self.newest(vintages));
        newest.any(|vintage| vintage.value.is_none())
    }

    /// The latest period with a figure.
    pub fn latest(&self) -> Option<Period> {
        self.points().next_back().map(|point| point.span.last())
    }

    /// The first period with a figure.
    pub fn earliest(&self) -> Option<Period> {
        self.points().next().map(|point| point.span.first())
    }

    /// The figure for just this span.
    pub fn exactly(&self, span: Span) -> Option<Point> {
        let vintages = self.history.entries.get(&span).map_or(&[][..], Vec::as_slice);
        self.latest_of(span, vintages)
    }

    /// The vintage that the one shown for this span has superseded.
    pub fn superseded(&self, span: Span) -> Option<Point> {
        let vintages = self.history.entries.get(&span)?;
        let shown = vintages.iter().rposition(|vintage| self.shows(vintage))?;
        let earlier = vintages.get(..shown)?.iter().rposition(|vintage| self.shows(vintage))?;
        self.latest_of(span, vintages.get(..=earlier)?)
    }

    /// The figure for one period, or why there is none. A figure of its own beats a combined one.
    pub fn point(&self, period: Period) -> Result<Point, Gap> {
        // A window may begin ten thousands of periods before anything is known.
        if self.supposed.is_none() && self.history.begins.is_none_or(|begins| period < begins) {
            return Err(Gap::Missing(period));
        }
        if let Some(point) = self.exactly(period.into()) {
            return Ok(point);
        }
        Err(self.combined(period).map_or_else(|| self.absent(period), |point| Gap::Combined(period, point.span)))
    }

    /// Why a period has no figure, where none covers it.
    pub(super) fn absent(&self, period: Period) -> Gap {
        let vintages = self.history.entries.get(&Span::from(period));
        let withdrawn = vintages.is_some_and(|vintages| self.newest(vintages).is_some());
        if withdrawn { Gap::Withdrawn(period) } else { Gap::Missing(period) }
    }

    /// The period so far before `period`, with its figure.
    pub fn back(&self, period: Period, back: Back) -> Result<Point, Gap> {
        if self.history.frequency == Frequency::Day {
            return self.trading_back(period, back);
        }
        match back {
            Back::Periods(n) if self.bridged && n > 0 => self.bridged_back(period, n),
            Back::Periods(_) | Back::Length(_) => self.point(self.strictly_back(period, back)),
        }
    }

    /// The last `back` periods, `period` included; in a daily series, the last observations or those
    /// within a calendar length.
    pub fn window(&self, period: Period, back: Back) -> Window {
        if self.history.frequency == Frequency::Day {
            return self.trading_window(period, back);
        }
        let first = match back {
            Back::Periods(n) if self.bridged && n > 1 => match self.bridged_back(period, n - 1) {
                Ok(point) => point.span.first(),
                Err(gap) => return Window::of_gap(gap),
            },
            Back::Periods(0) => return Window { points: Vec::new(), gaps: Vec::new() },
            Back::Periods(_) | Back::Length(_) => self.strictly_back(period, back).next(),
        };
        self.between(first, period)
    }

    /// Every period from `first` to `last`, both included (for a daily series, every observation).
    pub fn between(&self, first: Period, last: Period) -> Window {
        let mut window = Window { points: Vec::new(), gaps: Vec::new() };
        if self.history.frequency == Frequency::Day {
            window.points = self.days(first, last);
            return window;
        }
        let mut period = first;
        while period <= last {
            match self.point(period) {
                Ok(point) => window.points.push(point),
                Err(Gap::Combined(_, span)) if span.first() == period && span.last() <= last => {
                    window.points.extend(self.exactly(span));
                    period = span.last();
                }
                Err(Gap::Missing(missing) | Gap::Withdrawn(missing)) if self.bridged && missing != last => {}
                Err(gap) => window.gaps.push(gap),
            }
            period = period.next();
        }
        window
    }

    /// The observation before `period`: the previous period of a strict calendar, the previous
    /// observation of a daily series.
    pub fn previous(&self, period: Period) -> Result<Point, Gap> {
        self.back(period, Back::Periods(1))
    }

    pub(super) fn latest_of(&self, span: Span, vintages: &[Vintage]) -> Option<Point> {
        let point = self.newest(vintages).and_then(|vintage| point(span, vintage));
        let Some((_, value)) = self.supposed.filter(|(supposed, _)| *supposed == span) else { return point };
        let (recorded_at, pull) = (self.now.unwrap_or(Timestamp::from_millis(0)), PullId::default());
        let nothing = Point { span, value, status: Status::Final, recorded_at, pull };
        Some(Point { value, ..point.unwrap_or(nothing) })
    }

    /// The newest vintage that this view shows; it may be a withdrawal.
    fn newest(&self, vintages: &[Vintage]) -> Option<Vintage> {
        vintages.iter().rev().find(|vintage| self.shows(vintage)).copied()
    }

    /// Every vintage by its span.
    pub(super) const fn by_span(&self) -> &'a BTreeMap<Span, Vec<Vintage>> {
        &self.history.entries
    }

    /// How many days may lie between neighbours of a daily series.
    pub(super) const fn max_gap(&self) -> i64 {
        if self.bridged { i32::MAX as i64 } else { self.history.max_gap_days }
    }

    /// Whether a vintage was known at the view's moment, and is none that the view leaves out.
    pub fn shows(&self, vintage: &Vintage) -> bool {
        let sure = !matches!(vintage.status, Status::Preliminary | Status::Estimated);
        self.as_of.knows(vintage.pull, vintage.recorded_at) && (sure || !self.final_only)
    }

    /// A combined figure that covers a period.
    fn combined(&self, period: Period) -> Option<Point> {
        let beyond = Span::from(period.offset(i32::from(self.history.longest)));
        self.history
            .entries
            .range(Span::from(period)..beyond)
            .filter(|(span, _)| !span.is_single() && span.contains(period))
            .find_map(|(span, vintages)| self.latest_of(*span, vintages))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::period::Length;
    use crate::series::Finite;

    fn period(text: &str) -> Period {
        Period::parse(text).unwrap()
    }

    fn length(text: &str) -> Back {
        Back::Length(Length::parse(text).unwrap())
    }

    fn vintage(value: f64, pull: i64) -> Vintage {
        Vintage {
            value: Some(Finite::new(value).unwrap()),
            status: Status::Final,
            recorded_at: Timestamp::from_millis(pull * 1000),
            pull: PullId(pull),
        }
    }

    /// A history from lines of `span value pull`; the value `x` withdraws.
    fn history(frequency: Frequency, script: &str) -> History {
        let mut history = History::new(Labels::default(), frequency, None);
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let [span, value, pull] = line.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{line}") };
            let pull = pull.parse().unwrap();
            let vintage = match value {
                "x" => Vintage { value: None, ..vintage(0.0, pull) },
                value => vintage(value.parse().unwrap(), pull),
            };
            history.record(Span::parse(span).unwrap(), vintage);
        }
        history
    }

    const MAGNETS: &str = "
        2025-06 353 1
        2025-07 619 2
        2025-08 590 3
        2025-09 420.5 4
        2025-09 600 5
        2025-11 582 6
    ";

    #[test]
    fn a_view_shows_what_was_known_then() {
        let history = history(Frequency::Month, MAGNETS);
        let value = |as_of| history.view(as_of).point(period("2025-09")).map(|point| point.value);
        assert_eq!(value(AsOf::Pull(PullId(3))), Err(Gap::Missing(period("2025-09"))));
        assert_eq!(value(AsOf::Pull(PullId(4))), Ok(420.5));
        assert_eq!(value(AsOf::Latest), Ok(600.0));
        assert_eq!(value(AsOf::Time(Timestamp::from_millis(4999))), Ok(420.5));
        assert_eq!(history.view(AsOf::Pull(PullId(4))).latest(), Some(period("2025-09")));
        assert_eq!(history.view(AsOf::Pull(PullId(6))).arrived_since(PullId(4)), [Span::parse("2025-11").unwrap()]);
        let revised = history.view(AsOf::Pull(PullId(6))).revised_since(PullId(4));
        assert_eq!(changes(&revised), ["2025-09 420.5 → 600"]);
        assert!(history.view(AsOf::Pull(PullId(6))).revised_since(PullId(5)).is_empty());
    }

    fn changes(revisions: &[Revision]) -> Vec<String> {
        let told = |point: &Option<Point>| point.map_or_else(|| "-".to_owned(), |point| point.value.to_string());
        let change =
            |revision: &Revision| format!("{} {} → {}", revision.span, told(&revision.old), told(&revision.new));
        revisions.iter().map(change).collect()
    }

    #[test]
    fn a_withdrawn_figure_is_a_gap_from_then_on_and_a_revision() {
        let history = history(Frequency::Month, "2025-08 5 1\n2025-09 6 1\n2025-09 x 2\n2025-09 x 3\n2025-09 7 4");
        let at = |pull| history.view(AsOf::Pull(PullId(pull))).point(period("2025-09")).map(|point| point.value);
        let withdrawn = Err(Gap::Withdrawn(period("2025-09")));
        assert_eq!([1, 2, 3, 4].map(at), [Ok(6.0), withdrawn, withdrawn, Ok(7.0)]);
        let latest = |pull| history.view(AsOf::Pull(PullId(pull))).latest();
        assert_eq!((latest(1), latest(2)), (Some(period("2025-09")), Some(period("2025-08"))));
        let window = history.view(AsOf::Pull(PullId(2))).window(period("2025-09"), Back::Periods(2));
        assert_eq!((window.points.len(), window.gaps), (1, vec![Gap::Withdrawn(period("2025-09"))]));
        let revised = |after, until| changes(&history.view(AsOf::Pull(PullId(until))).revised_since(PullId(after)));
        assert_eq!(revised(1, 2), ["2025-09 6 → -"]);
        assert_eq!(revised(2, 3), [] as [&str; 0]);
        assert_eq!(revised(3, 4), ["2025-09 - → 7"]);
        assert_eq!(revised(1, 4), ["2025-09 6 → 7"]);
        assert!(history.view(AsOf::Pull(PullId(4))).arrived_since(PullId(3)).is_empty(), "back is not new");
        assert_eq!(
            history.view(AsOf::Pull(PullId(2))).revised_since(PullId(1))[0].recorded_at,
            Timestamp::from_millis(2000)
        );
    }

    #[test]
    fn a_withdrawn_day_is_no_neighbour_and_a_combined_figure_covers_for_a_withdrawn_month() {
        let days = history(Frequency::Day, "2025-07-09 4 1\n2025-07-10 5 1\n2025-07-11 6 1\n2025-07-10 x 2");
        let view = days.view(AsOf::Latest);
        assert_eq!(view.previous(period("2025-07-11")).map(|point| point.value), Ok(4.0));
        let gaps = view.window(period("2025-07-10"), Back::Periods(1)).gaps;
        assert_eq!(gaps, [Gap::Withdrawn(period("2025-07-10"))]);
        let months = history(Frequency::Month, "2025-02 3 1\n2025-02 x 2\n2025-01/2025-02 8 2");
        let span = Span::parse("2025-01/2025-02").unwrap();
        let february = months.view(AsOf::Latest).point(period("2025-02"));
        assert_eq!(february, Err(Gap::Combined(period("2025-02"), span)));
    }

    #[test]
    fn figures_that_are_not_final_can_be_hidden() {
        let mut history = history(Frequency::Month, "2025-06 353 1\n2025-07 619 2\n2025-08 590 3");
        let marked = |status, value, pull| Vintage { status, ..vintage(value, pull) };
        history.record(period("2025-08").into(), marked(Status::Preliminary, 500.0, 4));
        history.record(period("2025-09").into(), marked(Status::Preliminary, 400.0, 4));
        history.record(period("2025-10").into(), marked(Status::Estimated, 300.0, 4));
        history.record(period("2025-11").into(), marked(Status::Confidential, 200.0, 4));
        history.record(period("2025-09").into(), marked(Status::Final, 400.0, 6));
        let told = |as_of| {
            let view = history.view(as_of).final_only();
            let shown: Vec<f64> = view.points().map(|point| point.value).collect();
            (shown, view.hidden().iter().map(|point| point.span.to_string()).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(told(AsOf::Pull(PullId(4))), (vec![353.0, 619.0, 590.0, 200.0], "2025-09 2025-10".to_owned()));
        assert_eq!(told(AsOf::Latest), (vec![353.0, 619.0, 590.0, 400.0, 200.0], "2025-10".to_owned()));
        assert!(history.view(AsOf::Latest).hidden().is_empty());
        // What becomes final has arrived then, not when it was preliminary.
        let now = history.view(AsOf::Pull(PullId(6))).final_only();
        assert_eq!(now.arrived_since(PullId(4)), [Span::from(period("2025-09"))]);
        assert!(now.revised_since(PullId(4)).is_empty());
        assert_eq!(history.view(AsOf::Pull(PullId(6))).revised_since(PullId(4)).len(), 1);
    }

    #[test]
    fn a_bridge_counts_figures_and_keeps_the_calendar() {
        let history = history(Frequency::Month, &format!("2024-11/2024-12 9 1\n{MAGNETS}"));
        let view = history.view(AsOf::Latest).bridged();
        let back = |n| view.back(period("2025-11"), Back::Periods(n)).map(|point| point.value);
        assert_eq!((back(0), back(1), back(4)), (Ok(582.0), Ok(600.0), Ok(353.0)));
        let combined = Span::parse("2024-11/2024-12").unwrap();
        assert_eq!(back(5), Err(Gap::Combined(period("2024-12"), combined)));
        assert_eq!(back(6), Err(Gap::Missing(period("2024-10"))));
        assert_eq!(view.back(period("2025-10"), Back::Periods(1)).map(|point| point.value), Ok(600.0));
        assert_eq!(view.back(period("2025-11"), length("1mo")), Err(Gap::Missing(period("2025-10"))));
        let window = |at, back| {
            let window = view.window(period(at), back);
            (window.points.iter().map(|point| point.value).collect::<Vec<_>>(), window.gaps)
        };
        assert_eq!(window("2025-11", Back::Periods(3)), (vec![590.0, 600.0, 582.0], vec![]));
        assert_eq!(window("2025-11", Back::Periods(1)), (vec![582.0], vec![]));
        assert_eq!(window("2025-11", length("3mo")), (vec![600.0, 582.0], vec![]));
        assert_eq!(window("2025-10", Back::Periods(2)).1, [Gap::Missing(period("2025-10"))]);
        let days = self::history(Frequency::Day, "2025-01-02 1 1\n2025-03-03 2 1");
        let far = days.view(AsOf::Latest).bridged().back(period("2025-03-03"), Back::Periods(1));
        assert_eq!(far.map(|point| point.value), Ok(1.0));
        let ago = days.view(AsOf::Latest).bridged().back(period("2025-03-03"), length("1mo"));
        assert_eq!(ago.map(|point| point.value), Ok(1.0));
    }

    #[test]
    fn a_supposed_figure_stands_in_for_the_known_one() {
        let history = history(Frequency::Month, MAGNETS);
        let view = history.view(AsOf::Latest);
        let value = |view: View<'_>, at: &str| view.point(period(at)).map(|point| point.value);
        assert_eq!(value(view.supposing(period("2025-09").into(), 7.0), "2025-09"), Ok(7.0));
        assert_eq!(value(view.supposing(period("2025-12").into(), 7.0), "2025-12"), Ok(7.0));
        assert_eq!(value(view.supposing(period("2025-09").into(), 7.0), "2025-08"), Ok(590.0));
    }

    #[test]
    fn a_missing_month_is_a_gap_not_a_neighbour() {
        let history = history(Frequency::Month, MAGNETS);
        let view = history.view(AsOf::Latest);
        assert_eq!(view.previous(period("2025-11")), Err(Gap::Missing(period("2025-10"))));
        let window = view.window(period("2025-11"), Back::Periods(3));
        assert_eq!(window.points.len(), 2);
        assert_eq!(window.gaps, [Gap::Missing(period("2025-10"))]);
        assert_eq!(view.window(period("2025-09"), length("3mo")).gaps, []);
        assert_eq!(view.back(period("2025-09"), length("2mo")).map(|point| point.value), Ok(619.0));
    }

    #[test]
    fn a_combined_figure_answers_for_its_whole_span_alone() {
        let history = history(Frequency::Month, "2024-12 3 1\n2025-01/2025-02 8 1\n2025-03 5 1");
        let view = history.view(AsOf::Latest);
        let span = Span::parse("2025-01/2025-02").unwrap();
        assert_eq!(view.point(period("2025-01")), Err(Gap::Combined(period("2025-01"), span)));
        let sum = |window: Window| window.points.iter().map(|point| point.value).sum::<f64>();
        let quarter = view.window(period("2025-03"), Back::Periods(3));
        assert_eq!((quarter.gaps.len(), sum(quarter)), (0, 13.0));
        assert_eq!(view.window(period("2025-03"), Back::Periods(2)).gaps, [Gap::Combined(period("2025-02"), span)]);
        assert_eq!(view.latest(), Some(period("2025-03")));
    }

    #[test]
    fn a_figure_of_its_own_beats_a_combined_one() {
        let history = history(Frequency::Month, "2025-01/2025-02 8 1\n2025-01 3 2");
        assert_eq!(history.view(AsOf::Latest).point(period("2025-01")).map(|point| point.value), Ok(3.0));
    }

    const PRICES: &str = "
        2025-07-09 454000 1
        2025-07-14 465000 1
        2025-08-07 523500 1
        2025-10-09 563500 1
        2025-10-16 516500 1
    ";

    #[test]
    fn trading_days_neighbour_over_weekends_but_not_over_weeks() {
        let history = history(Frequency::Day, PRICES);
        let view = history.view(AsOf::Latest);
        assert_eq!(view.previous(period("2025-07-14")).map(|point| point.value), Ok(454_000.0));
        assert!(view.previous(period("2025-08-07")).is_err());
        assert_eq!(view.previous(period("2025-10-16")).map(|point| point.value), Ok(563_500.0));
        assert_eq!(view.back(period("2025-10-16"), length("3mo")).map(|point| point.value), Ok(465_000.0));
        let error = view.back(period("2025-10-16"), length("1mo")).unwrap_err();
        assert_eq!(error.to_string(), "there is no figure on 2025-09-16 or in the 7 days before it");
    }

    #[test]
    fn trading_windows_refuse_holes() {
        let history = history(Frequency::Day, PRICES);
        let view = history.view(AsOf::Latest);
        assert_eq!(view.window(period("2025-10-16"), Back::Periods(2)).gaps, []);
        assert_eq!(view.window(period("2025-10-16"), Back::Periods(3)).gaps.len(), 1);
        assert_eq!(view.window(period("2025-10-16"), length("10d")).gaps, []);
        assert_eq!(view.window(period("2025-10-16"), length("30d")).gaps.len(), 1);
        assert_eq!(view.window(period("2025-07-09"), Back::Periods(2)).gaps.len(), 1);
        assert_eq!(view.window(period("2025-07-10"), Back::Periods(1)).gaps, [Gap::Missing(period("2025-07-10"))]);
        assert_eq!(
            history.clone().with_max_gap(30).view(AsOf::Latest).previous(period("2025-08-07")).map(|p| p.value),
            Ok(465_000.0)
        );
    }

    proptest! {
        /// A view as of a pull equals a plain map that the pulls up to it overwrote one after another.
        #[test]
        fn as_of_equals_a_replayed_map(pulls in prop::collection::vec(prop::collection::vec((0_i32..12, -5_i32..5), 0..6), 1..8)) {
            let base = period("2025-01");
            let mut history = History::new(Labels::default(), Frequency::Month, None);
            for (index, rows) in pulls.iter().enumerate() {
                for (offset, value) in rows {
                    history.record(base.offset(*offset).into(), vintage(f64::from(*value), index as i64 + 1));
                }
            }
            for until in 0..=pulls.len() {
                let mut model = BTreeMap::new();
                for (offset, value) in pulls[..until].iter().flatten() {
                    model.insert(base.offset(*offset), f64::from(*value));
                }
                let view = history.view(AsOf::Pull(PullId(until as i64)));
                let shown: BTreeMap<Period, f64> = view.points().map(|point| (point.span.last(), point.value)).collect();
                prop_assert_eq!(&shown, &model);
                let by_time = history.view(AsOf::Time(Timestamp::from_millis(until as i64 * 1000)));
                prop_assert_eq!(by_time.points().map(|p| (p.span.last(), p.value)).collect::<BTreeMap<_, _>>(), model);
            }
        }
    }
}
