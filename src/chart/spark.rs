//! A series at a glance: a line without axes, for a table's cell or a line of text.

use super::Chart;
use super::figure::Figure;
use super::plot::hatching;
use super::scene::{At, Ink, Scene, Shape, Stroke, at};
use super::terminal::{BLOCKS, Slot};
use super::timeline::Timeline;

/// Around the line, for the latest figure's dot.
const PAD: f64 = 3.0;
/// The bar below what fires.
const BAR: f64 = 2.0;

/// One line of at most so many blocks; a gap is a dot. Several periods may share a block, which then shows the
/// last of them.
pub fn blocks(chart: &Chart, width: usize) -> String {
    let slots = chart.slots();
    let range = Range::of(chart);
    let block = |value: f64| {
        let level = 1.0 + (range.share(value) * 7.0).round();
        BLOCKS.get(level as usize).copied().unwrap_or('█')
    };
    let column = |slots: &[Slot<'_>]| slots.iter().rev().find_map(Slot::value).map_or('·', block);
    slots.chunks(slots.len().div_ceil(width.max(1)).max(1)).map(column).collect()
}

/// A line between the lowest and the highest, what fires hatched behind it, the latest figure as a dot.
pub fn scene(chart: &Chart, width: f64, height: f64) -> Scene {
    let (width, height) = (width.clamp(16.0, 1000.0), height.clamp(12.0, 1000.0));
    let shapes = chart.extent().map(|(first, last)| {
        let timeline = Timeline::new(first, last, chart.frequency);
        Spark { chart, timeline, range: Range::of(chart), width, height }.shapes()
    });
    Scene { width, height, shapes: shapes.unwrap_or_default() }
}

struct Spark<'a> {
    chart: &'a Chart,
    timeline: Timeline,
    range: Range,
    width: f64,
    height: f64,
}

impl Spark<'_> {
    fn x(&self, share: f64) -> f64 {
        PAD + share * (self.width - 2.0 * PAD)
    }

    fn place(&self, figure: &Figure, value: f64) -> At {
        let room = self.height - 2.0 * PAD - BAR;
        at(self.x(self.timeline.middle(figure.span)), PAD + (1.0 - self.range.share(value)) * room)
    }

    fn shapes(&self) -> Vec<Shape> {
        let rows = self.chart.rows();
        let places = |row: &Vec<(&Figure, f64)>| row.iter().map(|(figure, value)| self.place(figure, *value)).collect();
        let line = Shape::lines(rows.iter().map(places).collect(), Stroke::whole(Ink::Line, 1.5));
        let dot = |(figure, value): (&Figure, f64), radius: f64| Shape::Circle {
            centre: self.place(figure, value),
            radius,
            fill: Ink::Line,
            stroke: None,
        };
        let combined = self.chart.shown().filter(|(figure, _)| !figure.span.is_single());
        let alone = rows.iter().filter(|row| row.len() == 1).flatten().copied().chain(combined);
        let latest = self.chart.shown().next_back();
        let dots = alone.map(|figure| dot(figure, 1.5)).chain(latest.map(|figure| dot(figure, 2.5)));
        self.firing().into_iter().chain([line]).chain(dots).collect()
    }

    fn firing(&self) -> Vec<Shape> {
        let ground = |(_, from, to)| {
            let from = self.x(self.timeline.beginning(from));
            let to = self.x(self.timeline.end(to)).max(from + BAR);
            let (top, bottom) = (at(from, 0.0), at(to, self.height));
            let bar = Shape::block(at(from, self.height - BAR), bottom, Ink::Firing);
            [Shape::block(top, bottom, Ink::Tint), hatching(top, bottom), bar]
        };
        self.chart.fired().into_iter().flat_map(ground).collect()
    }
}

/// The lowest and the highest figure.
struct Range {
    low: f64,
    high: f64,
}

impl Range {
    fn of(chart: &Chart) -> Self {
        let hull =
            |range: Self, (_, value): (&Figure, f64)| Self { low: range.low.min(value), high: range.high.max(value) };
        chart.shown().fold(Self { low: f64::INFINITY, high: f64::NEG_INFINITY }, hull)
    }

    /// Where between them a figure lies: in the middle where they are the same.
    fn share(&self, value: f64) -> f64 {
        // Halved first: the distance of two figures near the limits of f64 is no finite number.
        let (range, above) = (self.high / 2.0 - self.low / 2.0, value / 2.0 - self.low / 2.0);
        if range > 0.0 { above / range } else { 0.5 }
    }
}
