//! A chart on a terminal: columns of blocks, an axis at each side, the marks below.
//!
//! No colour and no cursor: it reads the same in a file. A column reaches from the lower end of the axis to
//! its figure.

use super::figure::Figure;
use super::legend::Mark;
use super::scale::Scale;
use super::timeline::{Step, Timeline};
use super::{Chart, Firing, Values};
use crate::period::{Frequency, Period};

/// Rows from one tick to the next.
const ROWS: usize = 2;
/// Blocks from nothing to a whole character.
pub const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Characters to one period, at most.
const WIDEST: usize = 9;
/// What a narrower terminal gets, and a wider one.
const WIDTHS: std::ops::RangeInclusive<usize> = 40..=160;

/// One period, or one observation of a daily series: what there is to draw.
#[derive(Clone, Copy, Debug)]
pub struct Slot<'a> {
    /// The period.
    pub period: Period,
    /// Its figure; `None` in a gap.
    pub figure: Option<&'a Figure>,
}

impl Slot<'_> {
    /// The value; `None` in a gap and where it was withdrawn.
    pub fn value(&self) -> Option<f64> {
        self.figure.and_then(|figure| figure.value)
    }
}

impl Chart {
    /// Lines of at most so many characters, without the title.
    pub fn terminal(&self, width: usize) -> String {
        let slots = self.slots();
        let figures: Vec<f64> = slots.iter().filter_map(Slot::value).collect();
        if figures.is_empty() {
            return "no figures".to_owned();
        }
        let lines: Vec<f64> = self.lines.iter().flat_map(super::Line::values).collect();
        let scale = Scale::new(&figures, &lines, 4);
        let labels: Vec<String> = scale.ticks().iter().map(|tick| scale.label(*tick, &self.notation)).collect();
        let margin = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
        let width = width.clamp(*WIDTHS.start(), *WIDTHS.end());
        let grid = Grid::new(self, &slots, &scale, width.saturating_sub(margin + 2));
        let mut out = vec![self.caption(&scale)];
        out.extend(grid.rows(&labels, margin));
        out.extend(grid.below(margin));
        out.extend(self.terminal_legend(width));
        out.join("\n")
    }

    /// Every period between the first and the last; of a daily series, its observations and its gaps.
    pub(super) fn slots(&self) -> Vec<Slot<'_>> {
        let mut slots: Vec<Slot<'_>> = Vec::new();
        for figure in &self.figures {
            for length in (0..i32::from(figure.span.length())).rev() {
                slots.push(Slot { period: figure.span.last().offset(-length), figure: Some(figure) });
            }
        }
        for (first, last) in self.gaps() {
            // The days of a gap in a daily series are not counted: nobody says which of them were trading days.
            let count = if self.frequency == Frequency::Day { 0 } else { last.distance(first).unwrap_or(0) };
            slots.extend((0..=count).map(|after| Slot { period: first.offset(after), figure: None }));
        }
        // A figure of its own beats a combined one, and that beats none.
        let rank = |slot: &Slot<'_>| slot.figure.map_or(u16::MAX, |figure| figure.span.length());
        slots.sort_by_key(|slot| (slot.period, slot.value().is_none(), rank(slot)));
        slots.dedup_by_key(|slot| slot.period);
        slots
    }

    fn caption(&self, scale: &Scale) -> String {
        super::draw::caption(self, scale)
    }

    fn terminal_legend(&self, width: usize) -> Vec<String> {
        let mut rows: Vec<String> = Vec::new();
        for (mark, text) in self.marks() {
            let entry = format!("{} {}", sign(mark), crate::base::text::shorten(&text, width.saturating_sub(2)));
            match rows.last_mut() {
                Some(row) if row.chars().count() + 3 + entry.chars().count() <= width => {
                    row.push_str("   ");
                    row.push_str(&entry);
                }
                Some(_) | None => rows.push(entry),
            }
        }
        rows
    }
}

const fn sign(mark: Mark) -> char {
    match mark {
        Mark::Line(_) => '╌',
        Mark::Firing => '━',
        Mark::Superseded => '○',
        Mark::Withdrawn => 'ø',
        Mark::Unsure => '◇',
        Mark::Combined => '═',
        Mark::Gap => '×',
        Mark::Published => '▲',
        Mark::Due => '△',
    }
}

/// The columns of blocks.
struct Grid<'a> {
    chart: &'a Chart,
    scale: &'a Scale,
    /// Some slots to a column.
    columns: Vec<&'a [Slot<'a>]>,
    /// Some characters to a column.
    each: usize,
    /// Rows of blocks; every tick lies in the middle of one.
    height: usize,
}

impl<'a> Grid<'a> {
    fn new(chart: &'a Chart, slots: &'a [Slot<'a>], scale: &'a Scale, room: usize) -> Self {
        let room = room.max(1);
        let columns: Vec<&[Slot<'_>]> = slots.chunks(slots.len().div_ceil(room).max(1)).collect();
        let each = (room / columns.len().max(1)).clamp(1, WIDEST);
        let height = scale.ticks().len().saturating_sub(1) * ROWS + 1;
        Self { chart, scale, columns, each, height }
    }

    /// Of several periods, a column shows the last figure.
    fn value(column: &[Slot<'_>]) -> Option<f64> {
        column.iter().rev().find_map(Slot::value)
    }

    /// Wide columns stand apart.
    const fn filled(&self) -> usize {
        if self.each > 2 { self.each - 1 } else { self.each }
    }

    /// A text with the same character all over a column, and something else between wide ones.
    fn spread(&self, of: char, between: char) -> String {
        let filled = self.filled();
        (0..self.each).map(|n| if n < filled { of } else { between }).collect()
    }

    /// The row in whose middle a share of the axis lies.
    fn row_of(&self, share: f64) -> usize {
        ((share * (self.height - 1) as f64).round().max(0.0) as usize).min(self.height - 1)
    }

    /// The rows of blocks, from the top, each after the label of its tick.
    fn rows(&self, labels: &[String], margin: usize) -> Vec<String> {
        let row = |row: usize| {
            let ticks = self.scale.ticks().iter().zip(labels);
            let tick = ticks.rev().find(|(tick, _)| self.row_of(self.scale.share(**tick)) == row);
            let (label, edge) = tick.map_or(("", '│'), |(_, label)| (label.as_str(), '┤'));
            let blocks: String = self.columns.iter().map(|column| self.cell(column, row)).collect();
            format!("{label:>margin$} {edge}{}", blocks.trim_end())
        };
        (0..self.height).rev().map(row).collect()
    }

    fn cell(&self, column: &[Slot<'_>], row: usize) -> String {
        let value = Self::value(column).map_or(0, |value| self.eighths(value));
        match value.saturating_sub(row * 8).min(8) {
            0 if self.is_bound(column, row) => "╌".repeat(self.each),
            eighths => self.spread(BLOCKS.get(eighths).copied().unwrap_or('█'), ' '),
        }
    }

    /// How high a value stands: at a tick, to the middle of its label's row.
    fn eighths(&self, value: f64) -> usize {
        let share = self.scale.share(value).clamp(0.0, 1.0);
        4 + (share * ((self.height - 1) * 8) as f64).round() as usize
    }

    /// Whether a line runs through a row at a column.
    fn is_bound(&self, column: &[Slot<'_>], row: usize) -> bool {
        let at = |values: &Values| match values {
            Values::Same(value) => Some(*value),
            Values::Each(values) => column.iter().rev().find_map(|slot| {
                let found = values.binary_search_by_key(&slot.period, |(period, _)| *period).ok()?;
                values.get(found).map(|(_, value)| *value)
            }),
        };
        let is_here = |share: f64| (0.0..=1.0).contains(&share) && self.row_of(share) == row;
        self.chart.lines.iter().filter_map(|line| at(&line.values)).any(|value| is_here(self.scale.share(value)))
    }

    /// The axis of time, its labels, the marks of figures, and where an alert fires.
    fn below(&self, margin: usize) -> Vec<String> {
        let indent = " ".repeat(margin + 2);
        let axis = format!("{} └{}", " ".repeat(margin), "─".repeat(self.columns.len() * self.each));
        let marks: String = self.columns.iter().map(|column| self.mark(column)).collect();
        let firing: String = self.columns.iter().map(|column| self.fires(column)).collect();
        let rows = [self.labels(), marks, firing].into_iter().filter(|row| !row.trim().is_empty());
        std::iter::once(axis).chain(rows.map(|row| format!("{indent}{}", row.trim_end()))).collect()
    }

    fn mark(&self, column: &[Slot<'_>]) -> String {
        let any = |is: fn(&Figure) -> bool| column.iter().filter_map(|slot| slot.figure).any(is);
        let mark = if Self::value(column).is_none() {
            if any(|figure| figure.value.is_none()) { Mark::Withdrawn } else { Mark::Gap }
        } else if any(|figure| figure.was.is_some()) {
            Mark::Superseded
        } else if any(Figure::is_unsure) {
            Mark::Unsure
        } else if any(|figure| !figure.span.is_single()) {
            return self.spread(sign(Mark::Combined), sign(Mark::Combined));
        } else {
            return " ".repeat(self.each);
        };
        let middle = (self.filled() - 1) / 2;
        (0..self.each).map(|n| if n == middle { sign(mark) } else { ' ' }).collect()
    }

    fn fires(&self, column: &[Slot<'_>]) -> String {
        let covers = |firing: &Firing, period: Period| {
            firing.since <= period && firing.until.is_none_or(|until| period <= until)
        };
        let fires = column.iter().any(|slot| self.chart.firing.iter().any(|firing| covers(firing, slot.period)));
        if fires { self.spread(sign(Mark::Firing), ' ') } else { " ".repeat(self.each) }
    }

    /// The finest periods whose labels do not touch, each where its column begins.
    fn labels(&self) -> String {
        let Some((first, last)) = self.chart.extent() else { return String::new() };
        let timeline = Timeline::new(first, last, self.chart.frequency);
        let room = self.columns.len() * self.each;
        let tried = timeline.steps(room as f64).filter_map(|step| self.labelled(&timeline, step, room));
        tried.into_iter().next().unwrap_or_default()
    }

    /// The labels of a step; `None` where two would touch, or where there would be none.
    fn labelled(&self, timeline: &Timeline, step: Step, room: usize) -> Option<String> {
        let mut out = String::new();
        for tick in timeline.ticks(step) {
            let column =
                self.columns.partition_point(|column| column.last().is_some_and(|slot| slot.period < tick.period));
            let (at, used) = (column * self.each, out.chars().count());
            let label = step.name(tick.period);
            if at + label.chars().count() > room {
                break;
            }
            if at <= used && used > 0 {
                return None;
            }
            out.push_str(&" ".repeat(at.saturating_sub(used)));
            out.push_str(&label);
        }
        (!out.is_empty()).then_some(out)
    }
}
