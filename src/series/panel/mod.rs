//! Many series of one frequency and unit, dense, for work on all of them at once.
//!
//! The figures stand by period, not by series: a [`Column`] holds one period of [`LANES`] neighbouring
//! series, and a slab holds a few periods of every series, so that what a rule reads of the last months
//! streams through the caches. What is missing is NaN, which no comparison takes for a figure. A panel
//! keeps one figure for each cell: vintages, statuses and evidence stay with the histories.

mod index;

use std::collections::{BTreeMap, BTreeSet};

use self::index::Index;
use super::{Labels, Selector, Unit, View};
use crate::base::limits::PANEL_PERIODS_MAX;
use crate::period::{Frequency, Period, Span};

/// How many series are worked on together: as many as a word has bits, so that a verdict on all of them
/// is one word.
pub const LANES: usize = 64;

/// Periods in one slab. Of 1, 2, 3, 4, 6, 8, 12 and 60, two is read fastest: each slab is one stream for
/// the processor's prefetcher, and a look-back of 25 periods is 13 of them. See `docs/PERFORMANCE.md`.
const SLAB: usize = 2;

/// One period of neighbouring series, on its own cache lines.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub struct Column(pub [f64; LANES]);

/// A period of which nothing is known.
pub static MISSING: Column = Column([f64::NAN; LANES]);

/// The place of a series in a panel.
pub type Row = u32;

/// Many series of one frequency and unit.
#[derive(Clone, Debug)]
pub struct Panel {
    frequency: Frequency,
    unit: Option<Unit>,
    /// Preliminary and estimated figures are not shown.
    final_only: bool,
    index: Index,
    /// The ordinal of the first slab's first period; meaningless while there is no slab.
    origin: i32,
    /// By slab, then tile, then period within the slab. A slab without any figure is empty.
    slabs: Vec<Vec<Column>>,
    /// The first and the last ordinal with a figure.
    known: Option<(i32, i32)>,
    /// Figures that cover several periods together, by series; their cells are missing.
    combined: BTreeMap<Row, BTreeMap<Span, f64>>,
    /// Series with a figure that lies too far from the others to have a cell.
    outside: BTreeSet<Row>,
}

/// Why a history cannot stand in a panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// Neighbours in a daily series follow the trading calendar, which is its own for each series.
    #[error("daily series are judged one by one: neighbours follow the trading calendar")]
    Daily,
    /// Another frequency or unit than the panel's.
    #[error("the series has another frequency or unit than the panel")]
    Kind,
}

/// One period of a panel, tile by tile.
#[derive(Clone, Copy, Debug)]
pub struct Strip<'a> {
    slab: &'a [Column],
    within: usize,
}

impl<'a> Strip<'a> {
    /// The column of one tile.
    #[inline]
    pub fn tile(self, tile: usize) -> &'a Column {
        self.slab.get(tile * SLAB + self.within).unwrap_or(&MISSING)
    }

    /// The figure of one series; NaN where there is none.
    #[inline]
    pub fn row(self, row: Row) -> f64 {
        self.tile(row as usize / LANES).0[row as usize % LANES]
    }
}

impl Panel {
    /// A panel without series.
    pub fn new(frequency: Frequency, unit: Option<Unit>) -> Result<Self, Misfit> {
        if frequency == Frequency::Day {
            return Err(Misfit::Daily);
        }
        Ok(Self {
            frequency,
            unit,
            final_only: false,
            index: Index::default(),
            origin: 0,
            slabs: Vec::new(),
            known: None,
            combined: BTreeMap::new(),
            outside: BTreeSet::new(),
        })
    }

    /// The same of final figures alone: preliminary and estimated ones are not looked at.
    #[must_use]
    pub fn final_only(self) -> Self {
        Self { final_only: true, ..self }
    }

    /// Whether it shows final figures alone.
    pub const fn is_final_only(&self) -> bool {
        self.final_only
    }

    /// The frequency of all its series.
    pub const fn frequency(&self) -> Frequency {
        self.frequency
    }

    /// The unit of all its figures.
    pub const fn unit(&self) -> Option<&Unit> {
        self.unit.as_ref()
    }

    /// How many series there are.
    pub fn series_count(&self) -> usize {
        self.index.len()
    }

    /// How many tiles of [`LANES`] series there are; the last may be partly empty.
    pub fn tiles(&self) -> usize {
        self.series_count().div_ceil(LANES)
    }

    /// The first and the last period with a figure of its own.
    pub fn range(&self) -> Option<(Period, Period)> {
        let (first, last) = self.known?;
        Some((Period::from_ordinal(self.frequency, first)?, Period::from_ordinal(self.frequency, last)?))
    }

    /// The labels of a series.
    pub fn labels(&self, row: Row) -> Labels {
        self.index.labels(row)
    }

    /// The series of these labels.
    pub fn find(&self, labels: &Labels) -> Option<Row> {
        self.index.find(labels)
    }

    /// The series that a selector means, in their order.
    pub fn select(&self, selector: &Selector) -> Vec<Row> {
        self.index.select(selector)
    }

    /// The figure of one series for one period alone.
    pub fn value(&self, row: Row, period: Period) -> Option<f64> {
        Some(self.strip(period).row(row)).filter(|value| !value.is_nan())
    }

    /// One period of all series.
    pub fn strip(&self, period: Period) -> Strip<'_> {
        let nothing = Strip { slab: &[], within: 0 };
        let Some(at) = self.place(period).and_then(|at| usize::try_from(at).ok()) else { return nothing };
        self.slabs.get(at / SLAB).map_or(nothing, |slab| Strip { slab, within: at % SLAB })
    }

    /// Whether a series has a figure for several periods together, which its cells cannot say.
    pub fn has_combined(&self, row: Row) -> bool {
        self.combined.contains_key(&row)
    }

    /// Whether a series has a figure so far from all others that it has no cell: only its history answers.
    pub fn is_outside(&self, row: Row) -> bool {
        self.outside.contains(&row)
    }

    /// The series with a figure for several periods together.
    pub fn combined(&self) -> impl Iterator<Item = Row> {
        self.combined.keys().copied()
    }

    /// The series with a figure that has no cell.
    pub fn outside(&self) -> impl Iterator<Item = Row> {
        self.outside.iter().copied()
    }

    /// The latest period of which a series has a figure, alone or as the last of several.
    pub fn latest(&self, row: Row) -> Option<Period> {
        let (first, last) = self.range()?;
        let mut period = last;
        let alone = loop {
            if self.value(row, period).is_some() {
                break Some(period);
            }
            if period <= first {
                break None;
            }
            period = period.previous();
        };
        let combined = self.combined.get(&row).and_then(|spans| spans.keys().next_back());
        alone.max(combined.map(|span| span.last()))
    }

    /// The series of these labels, added where it is new.
    pub fn row(&mut self, labels: &Labels) -> Row {
        let (row, new) = self.index.insert(labels);
        if new && (row as usize).is_multiple_of(LANES) {
            for slab in self.slabs.iter_mut().filter(|slab| !slab.is_empty()) {
                grow(slab, SLAB);
            }
        }
        row
    }

    /// Makes a history's row what a view of it shows. Says which row it is, and whether a figure changed.
    pub fn refresh(&mut self, view: &View<'_>) -> Result<(Row, bool), Misfit> {
        let history = view.history();
        if history.frequency() != self.frequency || history.unit() != self.unit.as_ref() {
            return Err(Misfit::Kind);
        }
        let row = self.row(history.labels());
        let view = if self.final_only { view.final_only() } else { *view };
        let shown: BTreeMap<Span, f64> = view.points().map(|point| (point.span, point.value)).collect();
        let mut changed = self.outside.remove(&row);
        for span in self.spans(row) {
            changed |= !shown.contains_key(&span) && self.record(row, span, None);
        }
        for (span, value) in shown {
            changed |= self.record(row, span, Some(value));
        }
        Ok((row, changed))
    }

    /// Sets or clears one figure. Says whether it changed anything.
    pub fn record(&mut self, row: Row, span: Span, value: Option<f64>) -> bool {
        if !span.is_single() {
            return self.record_combined(row, span, value);
        }
        let value = value.unwrap_or(f64::NAN);
        if value.is_nan() && self.value(row, span.last()).is_none() {
            return false;
        }
        let tiles = self.tiles();
        let Some(at) = self.make_room(span.last()) else { return self.outside.insert(row) };
        let slab = &mut self.slabs[at / SLAB];
        if slab.is_empty() {
            *slab = vec![MISSING; tiles * SLAB];
        }
        let cell = &mut slab[row as usize / LANES * SLAB + at % SLAB].0[row as usize % LANES];
        let changed = cell.to_bits() != value.to_bits();
        *cell = value;
        let ordinal = span.last().ordinal();
        let (first, last) = self.known.unwrap_or((ordinal, ordinal));
        self.known = Some((first.min(ordinal), last.max(ordinal)));
        changed
    }

    /// Sets neighbouring periods of a series, from `first` on; NaN is missing.
    pub fn fill(&mut self, row: Row, first: Period, values: &[f64]) {
        for (offset, value) in (0_i32..).zip(values) {
            self.record(row, first.offset(offset).into(), Some(*value).filter(|value| value.is_finite()));
        }
    }

    /// The bytes that the figures take, empty cells included.
    pub fn bytes(&self) -> usize {
        self.slabs.iter().map(|slab| slab.capacity() * size_of::<Column>()).sum()
    }

    /// The bytes, more or less, that the labels and their index take.
    pub fn label_bytes(&self) -> usize {
        self.index.bytes()
    }

    fn record_combined(&mut self, row: Row, span: Span, value: Option<f64>) -> bool {
        let spans = self.combined.entry(row).or_default();
        let before = match value {
            Some(value) => spans.insert(span, value),
            None => spans.remove(&span),
        };
        if spans.is_empty() {
            self.combined.remove(&row);
        }
        before.map(f64::to_bits) != value.map(f64::to_bits)
    }

    /// Every figure that a series has.
    fn spans(&self, row: Row) -> Vec<Span> {
        let mut spans: Vec<Span> =
            self.combined.get(&row).into_iter().flat_map(|spans| spans.keys().copied()).collect();
        if let Some((first, last)) = self.range() {
            let periods = (first.ordinal()..=last.ordinal()).map(|ordinal| first.offset(ordinal - first.ordinal()));
            spans.extend(periods.filter(|period| self.value(row, *period).is_some()).map(Span::from));
        }
        spans
    }

    /// A period's distance from the first slab's first; `None` for another frequency.
    fn place(&self, period: Period) -> Option<i32> {
        (period.frequency() == self.frequency).then(|| period.ordinal().saturating_sub(self.origin))
    }

    /// The cell of a period, with slabs up to it; `None` where it lies too far from the others.
    fn make_room(&mut self, period: Period) -> Option<usize> {
        if self.slabs.is_empty() {
            self.origin = period.ordinal();
        }
        let mut at = self.place(period)?;
        let distance = usize::try_from(at.unsigned_abs()).ok()?;
        let (before, after) = if at < 0 { (distance.div_ceil(SLAB), 0) } else { (0, distance / SLAB + 1) };
        if after.max(before + self.slabs.len()) > PANEL_PERIODS_MAX / SLAB {
            return None;
        }
        if before > 0 {
            self.slabs.splice(0..0, std::iter::repeat_n(Vec::new(), before));
            self.origin -= i32::try_from(before * SLAB).ok()?;
            at = self.place(period)?;
        } else if after > self.slabs.len() {
            self.slabs.resize_with(after, Vec::new);
        }
        usize::try_from(at).ok()
    }
}

/// Adds missing columns; room is made for a sixteenth more, since doubling would cost too much memory.
fn grow(slab: &mut Vec<Column>, by: usize) {
    if slab.capacity() < slab.len() + by {
        slab.reserve_exact(by.max(slab.len() / 16));
    }
    slab.resize(slab.len() + by, MISSING);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::clock::Timestamp;
    use crate::series::{AsOf, Finite, History, PullId, Status, Vintage};

    fn period(text: &str) -> Period {
        Period::parse(text).unwrap()
    }

    fn months() -> Panel {
        Panel::new(Frequency::Month, None).unwrap()
    }

    fn named(name: impl std::fmt::Display) -> Labels {
        [("name", name.to_string())].into_iter().collect()
    }

    fn history(name: &str, figures: &[(&str, f64, i64)]) -> History {
        let mut history = History::new(named(name), Frequency::Month, None);
        for (span, value, pull) in figures {
            let value = Finite::new(*value);
            let recorded_at = Timestamp::from_millis(*pull);
            let vintage = Vintage { value, status: Status::Final, recorded_at, pull: PullId(*pull) };
            history.record(Span::parse(span).unwrap(), vintage);
        }
        history
    }

    #[test]
    fn only_its_own_kind_of_series_stands_in_a_panel() {
        assert_eq!(Panel::new(Frequency::Day, None).unwrap_err(), Misfit::Daily);
        let quarterly = History::new(named("a"), Frequency::Quarter, None);
        assert_eq!(months().refresh(&quarterly.view(AsOf::Latest)), Err(Misfit::Kind));
        let unit = Unit::parse("t").unwrap();
        let tonnes = History::new(named("a"), Frequency::Month, Some(unit));
        assert_eq!(months().refresh(&tonnes.view(AsOf::Latest)), Err(Misfit::Kind));
    }

    #[test]
    fn a_pull_changes_a_row_in_place() {
        let history =
            history("a", &[("2025-01", 1.0, 1), ("2025-03", 3.0, 1), ("2025-03", 4.0, 2), ("2025-04", 5.0, 2)]);
        let mut panel = months();
        assert_eq!(panel.refresh(&history.view(AsOf::Pull(PullId(1)))), Ok((0, true)));
        assert_eq!((panel.value(0, period("2025-02")), panel.value(0, period("2025-03"))), (None, Some(3.0)));
        assert_eq!(panel.refresh(&history.view(AsOf::Pull(PullId(1)))), Ok((0, false)));
        assert_eq!(panel.refresh(&history.view(AsOf::Pull(PullId(2)))), Ok((0, true)));
        assert_eq!((panel.value(0, period("2025-03")), panel.latest(0)), (Some(4.0), Some(period("2025-04"))));
        assert_eq!(panel.refresh(&history.view(AsOf::Pull(PullId(1)))), Ok((0, true)));
        assert_eq!((panel.value(0, period("2025-04")), panel.latest(0)), (None, Some(period("2025-03"))));
        assert_eq!(panel.series_count(), 1);
    }

    #[test]
    fn combined_figures_are_remembered_and_their_cells_are_missing() {
        let history = history("a", &[("2025-01/2025-02", 8.0, 1), ("2025-03", 3.0, 1), ("2025-04/2025-05", 9.0, 2)]);
        let mut panel = months();
        panel.refresh(&history.view(AsOf::Pull(PullId(1)))).unwrap();
        assert_eq!((panel.value(0, period("2025-01")), panel.has_combined(0)), (None, true));
        assert_eq!(panel.latest(0), Some(period("2025-03")));
        assert_eq!(panel.refresh(&history.view(AsOf::Latest)), Ok((0, true)));
        assert_eq!((panel.latest(0), panel.combined().count()), (Some(period("2025-05")), 1));
        assert_eq!(panel.refresh(&history.view(AsOf::Latest)), Ok((0, false)));
    }

    #[test]
    fn a_stray_figure_makes_no_columns_for_everybody() {
        let mut panel = months();
        let (near, far) = (panel.row(&named("near")), panel.row(&named("far")));
        panel.record(near, period("2025-01").into(), Some(1.0));
        assert!(panel.record(far, period("1001-01").into(), Some(1.0)));
        assert!(panel.record(far, period("9001-01").into(), Some(1.0)) || panel.is_outside(far));
        assert_eq!((panel.is_outside(near), panel.is_outside(far)), (false, true));
        assert_eq!(panel.bytes(), SLAB * size_of::<Column>());
        assert_eq!(panel.range(), Some((period("2025-01"), period("2025-01"))));
    }

    #[test]
    fn slabs_without_figures_take_no_room() {
        let mut panel = months();
        let row = panel.row(&named("a"));
        panel.fill(row, period("2025-01"), &[1.0, f64::NAN, f64::NAN, f64::NAN, 5.0, f64::INFINITY]);
        panel.record(row, period("2020-01").into(), Some(2.0));
        assert_eq!(panel.range(), Some((period("2020-01"), period("2025-05"))));
        assert_eq!(panel.value(row, period("2025-06")), None);
        assert_eq!(panel.bytes(), 3 * SLAB * size_of::<Column>());
        assert_eq!(panel.strip(Period::year(2025).unwrap()).row(row).to_bits(), f64::NAN.to_bits());
    }

    #[test]
    fn memory_is_little_more_than_the_figures() {
        let mut panel = months();
        for name in 0..2000 {
            let row = panel.row(&named(name));
            panel.fill(row, period("2020-01"), &[1.0; 60]);
        }
        let figures = 2000 * 60 * size_of::<f64>();
        assert!(panel.bytes() * 10 <= figures * 13, "{} for {figures}", panel.bytes());
    }

    proptest! {
        /// Any order of figures for any rows gives what a plain map gives.
        #[test]
        fn a_panel_is_a_map_of_cells(cells in prop::collection::vec((0_u32..150, -40_i32..40, prop::option::of(-5_i32..5)), 0..120)) {
            let (mut panel, mut model) = (months(), BTreeMap::new());
            let base = period("2020-01");
            for (name, offset, value) in cells {
                let row = panel.row(&named(name));
                let value = value.map(f64::from);
                let changed = panel.record(row, base.offset(offset).into(), value);
                let before = match value {
                    Some(value) => model.insert((row, offset), value),
                    None => model.remove(&(row, offset)),
                };
                prop_assert_eq!(changed, before != value);
            }
            for row in 0..panel.series_count() as Row {
                for offset in -42..42 {
                    prop_assert_eq!(panel.value(row, base.offset(offset)), model.get(&(row, offset)).copied());
                }
                let latest = model.keys().filter(|(of, _)| *of == row).map(|(_, offset)| base.offset(*offset)).max();
                prop_assert_eq!(panel.latest(row), latest);
            }
        }
    }
}
