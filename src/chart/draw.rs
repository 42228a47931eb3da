//! Where the parts of a chart lie: title, plot with its axes, legend; and several charts below each other.

use super::scale::Scale;
use super::scene::{Anchor, At, Ink, Scene, Shape, at};
use super::timeline::{Tick, Timeline};
use super::{Chart, font, legend, plot::Plot};

/// Widths that can be drawn.
const WIDTHS: std::ops::RangeInclusive<u32> = 160..=4000;
/// Lines of a title, at most.
const TITLE_LINES: usize = 2;
/// A reader's own font may be so much wider than ours.
const SLACK: f64 = 1.08;

/// Sizes, by the width of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Of the whole picture.
    pub width: f64,
    /// Around everything.
    pub pad: f64,
    /// Of text.
    pub font: f64,
    /// Of the figures' line.
    pub stroke: f64,
    /// Of a point.
    pub radius: f64,
}

impl Look {
    fn of(width: u32) -> Self {
        let width = f64::from(width.clamp(*WIDTHS.start(), *WIDTHS.end()));
        let (pad, font, stroke, radius) = match width {
            ..480.0 => (8.0, 12.0, 2.0, 3.5),
            ..900.0 => (12.0, 13.0, 2.0, 4.0),
            _ => (16.0, 15.0, 2.5, 5.0),
        };
        Self { width, pad, font, stroke, radius }
    }

    /// From one line of text to the next.
    pub fn leading(&self) -> f64 {
        (self.font * 1.35).round()
    }

    /// How wide a text is in a font that may not be ours.
    pub fn measure(&self, text: &str) -> f64 {
        font::width(text, self.font) * SLACK
    }

    /// A line of text of the usual size.
    pub fn text(&self, place: At, anchor: Anchor, ink: Ink, text: &str) -> Shape {
        Shape::Text { place, anchor, size: self.font, ink, text: text.to_owned() }
    }
}

/// One chart.
pub fn scene(chart: &Chart, width: u32) -> Scene {
    sheet(std::slice::from_ref(chart), width)
}

/// Several charts below each other.
pub fn sheet(charts: &[Chart], width: u32) -> Scene {
    let look = Look::of(width);
    let mut height = 0.0;
    let mut parts: Vec<Shape> = Vec::new();
    for chart in charts {
        let (shapes, own) = panel(chart, &look);
        let moved = at(0.0, height);
        height += own;
        if moved.y == 0.0 {
            parts.extend(shapes);
        } else {
            parts.push(Shape::Group { moved, title: None, shapes });
        }
    }
    let paper = Shape::block(at(0.0, 0.0), at(look.width, height), Ink::Paper);
    Scene { width: look.width, height, shapes: std::iter::once(paper).chain(parts).collect() }
}

/// One chart from its title to its legend, and how high it is.
fn panel(chart: &Chart, look: &Look) -> (Vec<Shape>, f64) {
    let (mut shapes, mut y) = (Vec::new(), look.pad);
    let size = look.font + 1.0;
    for line in font::wrapped(&chart.title, size * SLACK, look.width - 2.0 * look.pad, TITLE_LINES) {
        y += (size * 1.3).round();
        let place = at(look.pad, y - (size * 0.3).round());
        shapes.push(Shape::Text { place, anchor: Anchor::Start, size, ink: Ink::Text, text: line });
    }
    let (scale, timeline) = axes(chart);
    y += look.leading();
    let place = at(look.pad, y - (look.font * 0.3).round());
    shapes.push(look.text(place, Anchor::Start, Ink::Muted, &caption(chart, &scale)));
    let Some(timeline) = timeline else {
        return (shapes, y + look.pad);
    };
    let top = y + look.font * 0.9;
    let plot = Plot::new(chart, look, scale, timeline, top);
    let ticks = fitting(&plot, look);
    shapes.extend(plot.shapes(&ticks));
    let rows = if ticks.iter().any(|tick| tick.part_of.is_some()) { 2.0 } else { 1.0 };
    let below = plot.labels_top() + rows * look.leading() + look.font * 0.35;
    let (legend, height) = legend::legend(&legend::entries(chart, &plot), look, below);
    shapes.extend(legend);
    (shapes, below + height + look.pad)
}

/// What the figures are, and what the axis counts in: `million t, by month`.
pub fn caption(chart: &Chart, scale: &Scale) -> String {
    if chart.is_empty() {
        return "no figures".to_owned();
    }
    let unit = chart.unit.as_ref().map(ToString::to_string);
    let counted: Vec<String> = scale.counts_in().map(str::to_owned).into_iter().chain(unit).collect();
    let by = format!("by {}", chart.frequency);
    if counted.is_empty() { by } else { format!("{}, {by}", counted.join(" ")) }
}

fn axes(chart: &Chart) -> (Scale, Option<Timeline>) {
    let figures: Vec<f64> = chart.figures.iter().flat_map(|figure| [figure.value, figure.was]).flatten().collect();
    let lines: Vec<f64> = chart.lines.iter().flat_map(super::Line::values).collect();
    let scale = Scale::new(&figures, &lines, 4);
    let timeline =
        chart.extent().zip(chart.last_day()).map(|((first, _), last)| Timeline::new(first, last, chart.frequency));
    (scale, timeline)
}

/// The finest ticks whose labels do not touch.
fn fitting(plot: &Plot<'_>, look: &Look) -> Vec<Tick> {
    let gap = look.font * 0.6;
    let apart = |ticks: &[Tick]| {
        ticks.windows(2).all(|pair| match pair {
            [one, other] => {
                let needed = (look.measure(&one.label) + look.measure(&other.label)) / 2.0 + gap;
                plot.middle(other.period) - plot.middle(one.period) >= needed
            }
            _ => true,
        })
    };
    let tried = plot.timeline.steps(plot.width / gap).map(|step| plot.timeline.ticks(step));
    tried.into_iter().find(|ticks| apart(ticks)).unwrap_or_default()
}
