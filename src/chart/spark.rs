//! A series at a glance: a line without axes, for a table's cell or a line of text.

use super::plot::hatching;
use super::scale::Scale;
use super::scene::{At, Ink, Scene, Shape, Stroke, at};
use super::terminal::{BLOCKS, Slot};
use super::timeline::Timeline;
use super::{Chart, figure::Figure, svg};

impl Chart {
    /// One line of blocks of at most so many characters; a gap is a dot. Several periods may share a character,
    /// which then shows the last of them.
    pub fn spark(&self, width: usize) -> String {
        let slots = self.slots();
        let values: Vec<f64> = slots.iter().filter_map(Slot::value).collect();
        let (low, high) = extremes(&values);
        let block = |value: f64| {
            // Halved first: the distance of two figures near the limits of f64 is no finite number.
            let (range, above) = (high / 2.0 - low / 2.0, value / 2.0 - low / 2.0);
            let level = if range > 0.0 { 1.0 + (above / range * 7.0).round() } else { 4.0 };
            BLOCKS.get(level as usize).copied().unwrap_or('█')
        };
        let column = |slots: &[Slot<'_>]| slots.iter().rev().find_map(Slot::value).map_or('·', block);
        slots.chunks(slots.len().div_ceil(width.max(1)).max(1)).map(column).collect()
    }

    /// An SVG element of a size for a page that has [`super::stylesheet`] among its styles.
    pub fn spark_svg(&self, width: u32, height: u32) -> String {
        let (width, height) = (f64::from(width.clamp(16, 1000)), f64::from(height.clamp(8, 1000)));
        let shapes = self.spark_shapes(width, height).unwrap_or_default();
        svg::element(&Scene { width, height, shapes }, &self.alt())
    }

    fn spark_shapes(&self, width: f64, height: f64) -> Option<Vec<Shape>> {
        let (first, last) = self.extent()?;
        let timeline = Timeline::new(first, last, self.frequency);
        let values: Vec<f64> = self.shown().map(|(_, value)| value).collect();
        let scale = Scale::new(&values, &[], 1);
        let (low, high) = extremes(&values);
        let (bottom, top) = (scale.share(low), scale.share(high).max(scale.share(low) + 1e-9));
        let place = |figure: &Figure, value: f64| -> At {
            let share = (scale.share(value) - bottom) / (top - bottom);
            let share = if low < high { share } else { 0.5 };
            at(3.0 + timeline.middle(figure.span) * (width - 6.0), 3.0 + (1.0 - share) * (height - 8.0))
        };
        let mut shapes = Vec::new();
        for (_, from, to) in self.fired() {
            let from = 3.0 + timeline.beginning(from) * (width - 6.0);
            let to = (3.0 + timeline.end(to) * (width - 6.0)).max(from + 2.0);
            shapes.push(Shape::block(at(from, 0.0), at(to, height), Ink::Tint));
            shapes.push(hatching(at(from, 0.0), at(to, height)));
            shapes.push(Shape::block(at(from, height - 2.0), at(to, height), Ink::Firing));
        }
        let rows = self.rows();
        let line = |row: &Vec<(&Figure, f64)>| row.iter().map(|(figure, value)| place(figure, *value)).collect();
        shapes.push(Shape::lines(rows.iter().map(line).collect(), Stroke::whole(Ink::Line, 1.5)));
        let alone = self.shown().filter(|(figure, _)| !figure.span.is_single());
        let alone = alone.chain(rows.iter().filter(|row| row.len() == 1).flatten().copied());
        let dot = |place: At, radius: f64| Shape::Circle { centre: place, radius, fill: Ink::Line, stroke: None };
        shapes.extend(alone.map(|(figure, value)| dot(place(figure, value), 1.5)));
        shapes.extend(self.shown().next_back().map(|(figure, value)| dot(place(figure, value), 2.5)));
        Some(shapes)
    }
}

fn extremes(values: &[f64]) -> (f64, f64) {
    let hull = |(low, high): (f64, f64), value: &f64| (low.min(*value), high.max(*value));
    values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), hull)
}
