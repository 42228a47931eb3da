//! Everything that is known of one series, and a view of it as of one moment.
//!
//! A view answers for one period at a time and says why where it has no answer; whether a figure is
//! alarming is the rules' business.

use std::collections::BTreeMap;
use std::fmt;

use super::{Labels, Provenance, PullId, Release, Status, Unit, Vintage};
use crate::base::clock::Timestamp;
use crate::base::limits::MAX_GAP_DAYS;
use crate::period::{Frequency, Length, Period, Span};

/// One series with every vintage of every observation.
#[derive(Clone, Debug)]
pub struct History {
    labels: Labels,
    frequency: Frequency,
    unit: Option<Unit>,
    max_gap_days: i64,
    release: Option<Release>,
    entries: BTreeMap<Span, Vec<Vintage>>,
    provenance: BTreeMap<PullId, Provenance>,
}

impl History {
    /// A series of which nothing is known yet.
    pub fn new(labels: Labels, frequency: Frequency, unit: Option<Unit>) -> Self {
        let (entries, provenance) = (BTreeMap::new(), BTreeMap::new());
        Self { labels, frequency, unit, max_gap_days: MAX_GAP_DAYS, release: None, entries, provenance }
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

    /// Adds a vintage of a span; vintages are kept in the order of their pulls, then of their time.
    pub fn record(&mut self, span: Span, vintage: Vintage) {
        let vintages = self.entries.entry(span).or_default();
        vintages.push(vintage);
        vintages.sort_by_key(|vintage| (vintage.pull, vintage.recorded_at));
    }

    /// Says where a pull's vintages came from.
    pub fn record_provenance(&mut self, pull: PullId, provenance: Provenance) {
        self.provenance.insert(pull, provenance);
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
        View { history: self, as_of, final_only: false, bridged: false, now: None, supposed: None }
    }
}

/// A known period whose figure changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    /// The figure as it was.
    pub old: Point,
    /// The figure as it is now.
    pub new: Point,
}

/// The moment whose knowledge a view shows. Both sides of a comparison come from one view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// All that is known.
    Latest,
    /// As the feed's pull left it.
    Pull(PullId),
    /// As it was known at an instant.
    Time(Timestamp),
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

/// Why a period has no figure of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gap {
    /// Nothing was published for it.
    Missing(Period),
    /// It was published only together with its neighbours.
    Combined(Period, Span),
    /// A daily series has no figure on the day or within so many days before it.
    NoneWithin {
        /// The day asked for.
        day: Period,
        /// The limit.
        max_gap_days: i64,
    },
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(period) => write!(f, "{period} is missing"),
            Self::Combined(period, span) => {
                write!(f, "{period} was published only as part of {span} (combined period)")
            }
            Self::NoneWithin { day, max_gap_days } => {
                write!(f, "there is no figure on {day} or in the {max_gap_days} days before it")
            }
        }
    }
}

/// How far to look back: some periods, or a calendar length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Back {
    /// So many periods; in a daily series, so many observations.
    Periods(u32),
    /// A calendar length.
    Length(Length),
}

impl fmt::Display for Back {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Periods(n) => write!(f, "{n}"),
            Self::Length(length) => write!(f, "{length}"),
        }
    }
}

/// Some neighbouring periods: what is known of them, oldest first, and what is not.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// The figures; combined periods that lie wholly within appear once.
    pub points: Vec<Point>,
    /// The periods without a figure.
    pub gaps: Vec<Gap>,
}

impl Window {
    /// A window of which nothing is known but why.
    pub fn of_gap(gap: Gap) -> Self {
        Self { points: Vec::new(), gaps: vec![gap] }
    }
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
        self.points().map(|point| point.span).filter(|span| before.exactly(*span).is_none()).collect()
    }

    /// The spans whose value or status this view shows otherwise than after pull `after`.
    pub fn revised_since(&self, after: PullId) -> Vec<Revision> {
        let before = Self { as_of: AsOf::Pull(after), ..*self };
        let revision = |new: Point| {
            let old = before.exactly(new.span)?;
            let changed = old.value.to_bits() != new.value.to_bits() || old.status != new.status;
            changed.then_some(Revision { old, new })
        };
        self.points().filter_map(revision).collect()
    }

    /// The figures that are known and not shown because they are preliminary or estimated.
    pub fn hidden(&self) -> Vec<Point> {
        if !self.final_only {
            return Vec::new();
        }
        let all = Self { final_only: false, ..*self };
        all.points().filter(|point| self.exactly(point.span).is_none()).collect()
    }

    /// Every figure, in the order of their last periods.
    pub fn points(&self) -> impl DoubleEndedIterator<Item = Point> + use<'a> {
        let view = *self;
        self.history.entries.iter().filter_map(move |(span, vintages)| view.latest_of(*span, vintages))
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
        if let Some(point) = self.exactly(period.into()) {
            return Ok(point);
        }
        Err(self.combined(period).map_or(Gap::Missing(period), |point| Gap::Combined(period, point.span)))
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
                Err(Gap::Missing(missing)) if self.bridged && missing != last => {}
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
        let shown = vintages.iter().rev().find(|vintage| self.shows(vintage));
        let point = shown.map(|vintage| Point {
            span,
            value: vintage.value.get(),
            status: vintage.status,
            recorded_at: vintage.recorded_at,
            pull: vintage.pull,
        });
        let Some((_, value)) = self.supposed.filter(|(supposed, _)| *supposed == span) else { return point };
        let (recorded_at, pull) = (self.now.unwrap_or(Timestamp::from_millis(0)), PullId::default());
        let nothing = Point { span, value, status: Status::Final, recorded_at, pull };
        Some(Point { value, ..point.unwrap_or(nothing) })
    }

    /// Every vintage by its span.
    pub(super) const fn by_span(&self) -> &'a BTreeMap<Span, Vec<Vintage>> {
        &self.history.entries
    }

    /// How many days may lie between neighbours of a daily series.
    pub(super) const fn max_gap(&self) -> i64 {
        if self.bridged { i32::MAX as i64 } else { self.history.max_gap_days }
    }

    /// Whether a vintage was known at the view's moment.
    fn shows(&self, vintage: &Vintage) -> bool {
        let sure = !matches!(vintage.status, Status::Preliminary | Status::Estimated);
        let known = match self.as_of {
            AsOf::Latest => true,
            AsOf::Pull(pull) => vintage.pull <= pull,
            AsOf::Time(time) => vintage.recorded_at <= time,
        };
        known && (sure || !self.final_only)
    }

    /// A combined figure that covers a period.
    fn combined(&self, period: Period) -> Option<Point> {
        self.history
            .entries
            .range(Span::from(period)..)
            .take_while(|(span, _)| span.last().ordinal() - period.ordinal() < i32::from(u16::MAX))
            .filter(|(span, _)| !span.is_single() && span.contains(period))
            .find_map(|(span, vintages)| self.latest_of(*span, vintages))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::series::Finite;

    fn period(text: &str) -> Period {
        Period::parse(text).unwrap()
    }

    fn length(text: &str) -> Back {
        Back::Length(Length::parse(text).unwrap())
    }

    fn vintage(value: f64, pull: i64) -> Vintage {
        Vintage {
            value: Finite::new(value).unwrap(),
            status: Status::Final,
            recorded_at: Timestamp::from_millis(pull * 1000),
            pull: PullId(pull),
        }
    }

    /// A history from lines of `span value pull`.
    fn history(frequency: Frequency, script: &str) -> History {
        let mut history = History::new(Labels::default(), frequency, None);
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let [span, value, pull] = line.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{line}") };
            history.record(Span::parse(span).unwrap(), vintage(value.parse().unwrap(), pull.parse().unwrap()));
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
        assert_eq!(revised.iter().map(|r| (r.old.value, r.new.value)).collect::<Vec<_>>(), [(420.5, 600.0)]);
        assert!(history.view(AsOf::Pull(PullId(6))).revised_since(PullId(5)).is_empty());
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
