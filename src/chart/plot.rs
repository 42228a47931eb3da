//! The plot of a chart: its axes, and the figures with their marks between them.

use chrono::NaiveDate;

use super::draw::Look;
use super::figure::Figure;
use super::scale::Scale;
use super::scene::{Anchor, At, Ink, Shape, Stroke, at};
use super::timeline::{Tick, Timeline};
use super::{Chart, Line, Values};
use crate::period::Period;

/// With less than this for each, figures have no points of their own.
const POINT_SPACE: f64 = 10.0;
/// Superseded figures that are shown, at most, where they lie close.
const SUPERSEDED_MAX: usize = 24;
/// From one line of hatching to the next.
const HATCH: f64 = 8.0;
/// The dashes of the first line, the second and the third.
const DASHES: [(f64, f64); 3] = [(7.0, 4.0), (2.0, 3.0), (12.0, 3.0)];

/// A plot at its place.
pub struct Plot<'a> {
    chart: &'a Chart,
    look: &'a Look,
    scale: Scale,
    /// Its axis of time.
    pub timeline: Timeline,
    left: f64,
    top: f64,
    /// How wide it is.
    pub width: f64,
    height: f64,
}

impl<'a> Plot<'a> {
    /// A plot below `top`, as wide as the labels at its sides allow.
    pub fn new(chart: &'a Chart, look: &'a Look, scale: Scale, timeline: Timeline, top: f64) -> Self {
        let widest = |labels: Vec<String>| labels.iter().map(|label| look.measure(label)).fold(0.0, f64::max);
        let left =
            look.pad + widest(scale.ticks().iter().map(|tick| scale.label(*tick, &chart.notation)).collect()) + 6.0;
        let tags = latest(chart).into_iter().chain(chart.lines.iter().filter_map(Line::latest));
        let right = look.pad
            + 2.0 * look.radius
            + 8.0
            + widest(tags.map(|value| format!("↓ {}", scale.label(value, &chart.notation))).collect());
        let width = (look.width - left - right).max(40.0);
        let height = (look.width * 0.4).clamp(120.0, 360.0).round();
        Self { chart, look, scale, timeline, left, top, width, height }
    }

    fn bottom(&self) -> f64 {
        self.top + self.height
    }

    fn right(&self) -> f64 {
        self.left + self.width
    }

    /// Below the marks of publication.
    pub fn labels_top(&self) -> f64 {
        self.bottom() + if self.releases().is_empty() { 5.0 } else { 5.0 + self.look.radius * 2.0 }
    }

    fn x(&self, share: f64) -> f64 {
        self.left + share * self.width
    }

    fn y(&self, value: f64) -> f64 {
        self.bottom() - self.scale.share(value) * self.height
    }

    /// Where a period's figure stands.
    pub fn middle(&self, period: Period) -> f64 {
        self.x(self.timeline.middle(period.into()))
    }

    fn place(&self, figure: &Figure, value: f64) -> At {
        at(self.x(self.timeline.middle(figure.span)), self.y(value))
    }

    /// Whether each figure has room for a point.
    fn is_roomy(&self) -> bool {
        self.chart.figures.len() as f64 * POINT_SPACE <= self.width
    }

    /// Everything, the ground first.
    pub fn shapes(&self, ticks: &[Tick]) -> Vec<Shape> {
        let layers = [
            self.firing(),
            self.values(),
            self.bars(),
            self.time(ticks),
            self.gaps(),
            self.bounds(),
            self.superseded(),
            self.rows(),
            self.combined(),
            self.points(),
            self.published(),
            self.tags(),
        ];
        layers.into_iter().flatten().collect()
    }

    /// From where to where an alert fires.
    fn fired(&self) -> impl Iterator<Item = (f64, f64)> {
        self.chart.fired().into_iter().map(|(_, from, to)| {
            let (from, to) = (self.x(self.timeline.beginning(from)), self.x(self.timeline.end(to)));
            (from, to.max(from + 3.0))
        })
    }

    /// The ground of what fires, hatched.
    fn firing(&self) -> Vec<Shape> {
        let (top, bottom) = (self.top, self.bottom());
        let ground = |(from, to): (f64, f64)| {
            let (from, to) = (at(from, top), at(to, bottom));
            [Shape::block(from, to, Ink::Tint), hatching(from, to)]
        };
        self.fired().flat_map(ground).collect()
    }

    /// A bar above what fires, over all lines.
    fn bars(&self) -> Vec<Shape> {
        let bar = |(from, to): (f64, f64)| Shape::block(at(from, self.top - 2.5), at(to, self.top + 2.5), Ink::Firing);
        self.fired().map(bar).collect()
    }

    /// The axis of values.
    fn values(&self) -> Vec<Shape> {
        let across = |tick: &f64| vec![at(self.left, self.y(*tick)), at(self.right(), self.y(*tick))];
        let (zero, others): (Vec<f64>, Vec<f64>) = self.scale.ticks().iter().partition(|tick| **tick == 0.0);
        let lines = [(others, Ink::Grid), (zero, Ink::Muted)].into_iter().filter(|(ticks, _)| !ticks.is_empty());
        let lines = lines.map(|(ticks, ink)| Shape::lines(ticks.iter().map(across).collect(), Stroke::whole(ink, 1.0)));
        let label = |tick: &f64| {
            let place = at(self.left - 6.0, self.y(*tick) + self.look.font * 0.35);
            self.look.text(place, Anchor::End, Ink::Muted, &self.scale.label(*tick, &self.chart.notation))
        };
        lines.chain(self.scale.ticks().iter().map(label)).collect()
    }

    /// The axis of time.
    fn time(&self, ticks: &[Tick]) -> Vec<Shape> {
        let bottom = self.bottom();
        let whole = Stroke::whole(Ink::Muted, 1.0);
        let mut shapes = vec![Shape::line(vec![at(self.left, bottom), at(self.right(), bottom)], whole)];
        let y = self.labels_top() + self.look.font * 0.85;
        let mut free = f64::INFINITY;
        for tick in ticks.iter().rev() {
            let x = self.middle(tick.period);
            shapes.push(Shape::line(vec![at(x, bottom), at(x, bottom + 4.0)], whole));
            shapes.push(self.look.text(at(x, y), Anchor::Middle, Ink::Muted, &tick.label));
            let Some(part_of) = &tick.part_of else { continue };
            // The newest are set first: what is left of them gives way.
            let half = self.look.measure(part_of) / 2.0;
            let x = x.min(self.look.width - half);
            if x + half <= free {
                shapes.push(self.look.text(at(x, y + self.look.leading()), Anchor::Middle, Ink::Muted, part_of));
                free = x - half - self.look.font * 0.5;
            }
        }
        shapes
    }

    /// Each gap is a dotted line on the ground with a cross in its middle.
    fn gaps(&self) -> Vec<Shape> {
        let gap = |(first, last): (Period, Period)| {
            let (from, to) = (self.timeline.beginning(first.first_day()), self.timeline.end(last.last_day()));
            let (from, to, y) = (self.x(from), self.x(to), self.bottom() - self.look.radius * 2.0);
            let dotted = Shape::line(vec![at(from, y), at(to, y)], Stroke::dashed(Ink::Muted, 1.0, 1.5, 2.5));
            [dotted, cross(at((from + to) / 2.0, y), self.look.radius)]
        };
        self.chart.gaps().into_iter().flat_map(gap).collect()
    }

    /// Thresholds and baselines, each as steps over its periods.
    fn bounds(&self) -> Vec<Shape> {
        let pieces = |line: &Line| match &line.values {
            Values::Same(value) => self.steps([(0.0, 1.0, *value)].into_iter()),
            Values::Each(values) => self.steps(values.iter().map(|(period, value)| {
                let (first, last) = (period.first_day(), period.last_day());
                (self.timeline.beginning(first), self.timeline.end(last), *value)
            })),
        };
        let drawn = |(index, line)| Shape::lines(pieces(line), dashes(index));
        self.chart.lines.iter().enumerate().map(drawn).collect()
    }

    /// What lies within the plot of steps from somewhere to somewhere; those that touch are one line.
    fn steps(&self, steps: impl Iterator<Item = (f64, f64, f64)>) -> Vec<Vec<At>> {
        let mut pieces: Vec<Vec<At>> = Vec::new();
        for (from, to, value) in steps {
            if to <= 0.0 || from >= 1.0 || !(0.0..=1.0).contains(&self.scale.share(value)) {
                continue;
            }
            let y = self.y(value);
            let ends = [at(self.x(from.max(0.0)), y), at(self.x(to.min(1.0)), y)];
            match pieces.last_mut() {
                Some(piece) if piece.last().is_some_and(|last| (last.x - ends[0].x).abs() < 0.01) => {
                    piece.extend(ends);
                }
                Some(_) | None => pieces.push(ends.to_vec()),
            }
        }
        pieces.iter().map(|piece| thinned(piece, self.width)).collect()
    }

    /// Figures that were replaced: hollow, and tied to what replaced them.
    fn superseded(&self) -> Vec<Shape> {
        let mut shapes = Vec::new();
        let thin = Stroke::whole(Ink::Line, 1.0);
        let most = if self.is_roomy() { usize::MAX } else { SUPERSEDED_MAX };
        let replaced = self.chart.figures.iter().rev().filter_map(|figure| Some((figure, figure.was?)));
        for (figure, was) in replaced.take(most) {
            let old = self.place(figure, was);
            shapes.extend(figure.value.map(|value| Shape::line(vec![old, self.place(figure, value)], thin)));
            shapes.push(hollow(old, self.look.radius));
            if figure.value.is_none() {
                shapes.push(struck(old, self.look.radius));
            }
        }
        shapes
    }

    /// The line of figures: broken at gaps, dashed where it goes to a figure that is not sure.
    fn rows(&self) -> Vec<Shape> {
        let (mut sure, mut unsure) = (Vec::new(), Vec::new());
        for row in self.chart.rows() {
            let places: Vec<(At, bool)> =
                row.iter().map(|(figure, value)| (self.place(figure, *value), figure.is_unsure())).collect();
            for piece in alike(&places) {
                let pieces = if piece.1 { &mut unsure } else { &mut sure };
                pieces.push(thinned(&piece.0, self.width));
            }
        }
        let whole = Stroke::whole(Ink::Line, self.look.stroke);
        let dashed = Stroke::dashed(Ink::Line, self.look.stroke, 4.0, 3.0);
        let drawn = [(sure, whole), (unsure, dashed)].into_iter().filter(|(pieces, _)| !pieces.is_empty());
        drawn.map(|(pieces, stroke)| Shape::lines(pieces, stroke)).collect()
    }

    /// Figures of several periods: a bar over all of them.
    fn combined(&self) -> Vec<Shape> {
        let bar = |(figure, value): (&Figure, f64)| {
            let (from, to) = (self.timeline.beginning(figure.first_day()), self.timeline.end(figure.last_day()));
            bar(self.x(from) + 1.0, self.x(to) - 1.0, self.y(value), self.look.stroke)
        };
        self.chart.shown().filter(|(figure, _)| !figure.span.is_single()).map(bar).collect()
    }

    /// A point for each figure where there is room; else for those that would be lost, and for the latest.
    fn points(&self) -> Vec<Shape> {
        let all = self.is_roomy();
        let latest = self.chart.shown().next_back().map(|(figure, _)| figure.span);
        let mut figures: Vec<(&Figure, f64)> = if all {
            self.chart.shown().collect()
        } else {
            let alone = self.chart.rows().into_iter().filter(|row| row.len() == 1).flatten();
            let revised = self.chart.shown().rev().filter(|(figure, _)| figure.was.is_some()).take(SUPERSEDED_MAX);
            alone.chain(revised).chain(self.chart.shown().filter(|(figure, _)| Some(figure.span) == latest)).collect()
        };
        figures.sort_by_key(|(figure, _)| figure.span);
        figures.dedup_by_key(|(figure, _)| figure.span);
        let point = |(figure, value): (&Figure, f64)| {
            let place = self.place(figure, value);
            let radius = self.look.radius;
            let mark = if figure.is_unsure() { diamond(place, radius) } else { filled(place, radius) };
            Shape::Group { moved: at(0.0, 0.0), title: Some(self.chart.told(figure)), shapes: vec![mark] }
        };
        figures.into_iter().map(point).collect()
    }

    /// The days of publication that are drawn, where they do not crowd, and the day on which the next is due.
    fn releases(&self) -> Vec<(NaiveDate, bool)> {
        let is_drawn = |day: &NaiveDate| self.timeline.contains(*day);
        let published: Vec<NaiveDate> = self.chart.published.iter().copied().filter(is_drawn).collect();
        let crowded = published.len() as f64 * self.look.radius * 2.5 > self.width;
        let published = if crowded { Vec::new() } else { published };
        let due = self.chart.due.map(|(_, day)| day).filter(is_drawn);
        published.into_iter().map(|day| (day, true)).chain(due.map(|day| (day, false))).collect()
    }

    /// Whether any day of publication is drawn, and whether that on which the next figure is due is.
    pub fn shows_releases(&self) -> (bool, bool) {
        let is = |wanted: bool| self.releases().iter().any(|(_, published)| *published == wanted);
        (is(true), is(false))
    }

    fn published(&self) -> Vec<Shape> {
        let mark = |(day, published): (NaiveDate, bool)| {
            let x = self.x((self.timeline.beginning(day) + self.timeline.end(day)) / 2.0);
            triangle(at(x, self.bottom() + 2.0), self.look.radius * 0.8, published)
        };
        self.releases().into_iter().map(mark).collect()
    }

    /// At the right edge: the latest figure behind its point, and the latest value of each line.
    fn tags(&self) -> Vec<Shape> {
        let tag = |value: f64, ink: Ink| {
            let share = self.scale.share(value);
            let arrow = if share > 1.001 {
                "↑ "
            } else if share < -0.001 {
                "↓ "
            } else {
                ""
            };
            let y = self.y(value).clamp(self.top, self.bottom());
            Tag { y, text: format!("{arrow}{}", self.scale.label(value, &self.chart.notation)), ink }
        };
        let lines = self.chart.lines.iter().filter_map(Line::latest).map(|value| tag(value, Ink::Bound));
        let figure = latest(self.chart).map(|value| tag(value, Ink::Text));
        let mut tags: Vec<Tag> = figure.into_iter().chain(lines).collect();
        tags.sort_by(|a, b| a.y.total_cmp(&b.y));
        tags.dedup_by(|a, b| a.text == b.text && a.ink == b.ink);
        apart(&mut tags, self.look.font * 1.1, self.bottom());
        tags.iter().flat_map(|tag| self.tagged(tag)).collect()
    }

    fn tagged(&self, tag: &Tag) -> Vec<Shape> {
        let (left, radius) = (self.right() + 5.0, self.look.radius);
        let text = at(left + 2.0 * radius + 3.0, tag.y + self.look.font * 0.35);
        let sample = match tag.ink {
            Ink::Text => filled(at(left + radius, tag.y), radius),
            _ => Shape::line(vec![at(left, tag.y), at(left + 2.0 * radius, tag.y)], Stroke::whole(tag.ink, 1.75)),
        };
        vec![sample, self.look.text(text, Anchor::Start, tag.ink, &tag.text)]
    }
}

/// A value beside the plot.
struct Tag {
    y: f64,
    text: String,
    ink: Ink,
}

/// The latest figure that was not withdrawn.
fn latest(chart: &Chart) -> Option<f64> {
    chart.shown().next_back().map(|(_, value)| value)
}

/// Moves tags down until none lies on another, and those that then lie too deep up.
fn apart(tags: &mut [Tag], least: f64, bottom: f64) {
    let mut above = f64::NEG_INFINITY;
    for tag in tags.iter_mut() {
        tag.y = tag.y.max(above + least);
        above = tag.y;
    }
    let mut below = bottom + least;
    for tag in tags.iter_mut().rev() {
        tag.y = tag.y.min(below - least);
        below = tag.y;
    }
}

/// Runs of steps that are alike; each begins where the one before it ended.
fn alike(places: &[(At, bool)]) -> Vec<(Vec<At>, bool)> {
    let mut runs: Vec<(Vec<At>, bool)> = Vec::new();
    for pair in places.windows(2) {
        let [(from, _), (to, unsure)] = pair else { continue };
        match runs.last_mut() {
            Some((run, kind)) if kind == unsure => run.push(*to),
            Some(_) | None => runs.push((vec![*from, *to], *unsure)),
        }
    }
    runs
}

/// A line with many more places than pixels, as it looks: in each pixel's column its ends and its extremes.
fn thinned(places: &[At], width: f64) -> Vec<At> {
    if places.len() as f64 <= 4.0 * width {
        return places.to_vec();
    }
    let columns = places.chunk_by(|a, b| a.x.floor() == b.x.floor());
    let of_column = |column: &[At]| {
        let ends = [column.first(), column.last()];
        let by_height = |a: &&At, b: &&At| a.y.total_cmp(&b.y);
        let extremes = [column.iter().min_by(by_height), column.iter().max_by(by_height)];
        let mut kept: Vec<At> = ends.into_iter().chain(extremes).flatten().copied().collect();
        kept.sort_by(|a, b| a.x.total_cmp(&b.x));
        kept.dedup();
        kept
    };
    columns.flat_map(of_column).collect()
}

/// The dashes of a chart's lines, each with its own.
pub fn dashes(index: usize) -> Stroke {
    let (dash, between) = DASHES.get(index % DASHES.len()).copied().unwrap_or((7.0, 4.0));
    Stroke::dashed(Ink::Bound, 1.75, dash, between)
}

/// Slanting lines within a rectangle.
pub fn hatching(from: At, to: At) -> Shape {
    let height = to.y - from.y;
    let first = ((from.x - height) / HATCH).floor() * HATCH;
    let count = ((to.x - first) / HATCH).ceil().max(0.0) as usize;
    let line = |n: usize| {
        // Where it meets the bottom; from there it rises to the right, within the rectangle alone.
        let foot = first + n as f64 * HATCH;
        let (left, right) = (foot.max(from.x), (foot + height).min(to.x));
        (left < right).then(|| vec![at(left, to.y - (left - foot)), at(right, to.y - (right - foot))])
    };
    Shape::lines((0..=count).filter_map(line).collect(), Stroke::whole(Ink::Hatch, 1.0))
}

/// A figure.
pub fn filled(place: At, radius: f64) -> Shape {
    Shape::Circle { centre: place, radius, fill: Ink::Line, stroke: Some(Stroke::whole(Ink::Paper, 1.0)) }
}

/// A figure that was replaced.
pub fn hollow(place: At, radius: f64) -> Shape {
    Shape::Circle {
        centre: place,
        radius: radius - 0.5,
        fill: Ink::Paper,
        stroke: Some(Stroke::whole(Ink::Line, 1.25)),
    }
}

/// The stroke through a figure that was withdrawn.
pub fn struck(place: At, radius: f64) -> Shape {
    let reach = radius * 1.4;
    let ends = vec![at(place.x - reach, place.y + reach), at(place.x + reach, place.y - reach)];
    Shape::line(ends, Stroke::whole(Ink::Line, 1.25))
}

/// A figure that is not sure.
pub fn diamond(place: At, radius: f64) -> Shape {
    let reach = radius * 1.3;
    let corners = vec![
        at(place.x, place.y - reach),
        at(place.x + reach, place.y),
        at(place.x, place.y + reach),
        at(place.x - reach, place.y),
    ];
    Shape::area(corners, Ink::Paper, Some(Stroke::whole(Ink::Line, 1.75)))
}

/// A missing period.
pub fn cross(place: At, radius: f64) -> Shape {
    let reach = radius * 0.9;
    let arm =
        |slant: f64| vec![at(place.x - reach, place.y - slant * reach), at(place.x + reach, place.y + slant * reach)];
    Shape::lines(vec![arm(1.0), arm(-1.0)], Stroke::whole(Ink::Muted, 1.5))
}

/// A publication, or the day on which one is due, below a place.
pub fn triangle(place: At, radius: f64, filled: bool) -> Shape {
    let corners =
        vec![place, at(place.x + radius, place.y + radius * 1.7), at(place.x - radius, place.y + radius * 1.7)];
    let fill = if filled { Ink::Muted } else { Ink::Paper };
    Shape::area(corners, fill, Some(Stroke::whole(Ink::Muted, 1.0)))
}

/// A figure of several periods.
pub fn bar(from: f64, to: f64, y: f64, stroke: f64) -> Shape {
    let cap = |x: f64| vec![at(x, y - 4.0), at(x, y + 4.0)];
    Shape::lines(vec![vec![at(from, y), at(to, y)], cap(from), cap(to)], Stroke::whole(Ink::Line, stroke))
}
