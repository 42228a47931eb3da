//! What the marks of a chart mean: an entry for each kind that is drawn, and none for others.

use super::draw::Look;
use super::plot::{self, Plot};
use super::scene::{Anchor, At, Ink, Shape, at};
use super::{Chart, Line, Values};
use crate::series::Status;

/// A kind of mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A threshold or baseline: the first, the second, …
    Line(usize),
    /// A period at which an alert fires.
    Firing,
    /// A figure that was replaced.
    Superseded,
    /// A figure that was withdrawn.
    Withdrawn,
    /// A preliminary or estimated figure.
    Unsure,
    /// A figure of several periods.
    Combined,
    /// A missing period.
    Gap,
    /// A day of publication.
    Published,
    /// The day on which the next figure is due.
    Due,
}

/// What is drawn, with its meaning.
pub fn entries(chart: &Chart, plot: &Plot<'_>) -> Vec<(Mark, String)> {
    let (published, due) = plot.shows_releases();
    let mut entries = chart.marks();
    entries.extend(published.then(|| (Mark::Published, "published".to_owned())));
    let due = chart.due.filter(|_| due);
    entries.extend(due.map(|(period, day)| (Mark::Due, format!("{period} due {day}"))));
    entries
}

impl Chart {
    /// The marks of its figures, of its lines and of what fires.
    pub(super) fn marks(&self) -> Vec<(Mark, String)> {
        let mut marks: Vec<(Mark, String)> =
            self.lines.iter().enumerate().map(|(index, line)| (Mark::Line(index), self.line_told(line))).collect();
        let mut mark = |is_drawn: bool, mark: Mark, text: &str| marks.extend(is_drawn.then(|| (mark, text.to_owned())));
        let any = |is: fn(&super::Figure) -> bool| self.figures.iter().any(is);
        mark(!self.fired().is_empty(), Mark::Firing, "firing");
        mark(any(|figure| figure.value.is_some() && figure.was.is_some()), Mark::Superseded, "before it was revised");
        mark(any(|figure| figure.value.is_none()), Mark::Withdrawn, "withdrawn");
        let statuses = [Status::Preliminary, Status::Estimated];
        let unsure: Vec<&str> = statuses
            .into_iter()
            .filter(|status| self.shown().any(|(figure, _)| figure.status == *status))
            .map(Status::name)
            .collect();
        mark(!unsure.is_empty(), Mark::Unsure, &unsure.join(" or "));
        mark(self.shown().any(|(figure, _)| !figure.span.is_single()), Mark::Combined, "several periods together");
        mark(!self.gaps().is_empty(), Mark::Gap, "no figure");
        marks
    }

    /// A line's name and latest value, with its period where each has its own.
    pub(super) fn line_told(&self, line: &Line) -> String {
        match &line.values {
            Values::Same(value) => format!("{} {}", line.name, self.quantity(*value)),
            Values::Each(values) => values.last().map_or_else(
                || line.name.clone(),
                |(period, value)| format!("{} {} in {period}", line.name, self.quantity(*value)),
            ),
        }
    }
}

/// The entries side by side, as many to a row as it has room for, below `top`; and how high they are.
pub fn legend(entries: &[(Mark, String)], look: &Look, top: f64) -> (Vec<Shape>, f64) {
    let (sample, gap) = (look.font * 1.6, look.font * 1.1);
    let (mut shapes, mut x, mut rows) = (Vec::new(), look.pad, 0.0);
    for (mark, text) in entries {
        let room = look.width - 2.0 * look.pad - sample - 6.0;
        let text = super::font::fitted(text, look.font, room);
        let width = sample + 6.0 + look.measure(&text);
        if rows == 0.0 {
            rows = 1.0;
        } else if x + width > look.width - look.pad {
            (x, rows) = (look.pad, rows + 1.0);
        }
        let baseline = top + rows * look.leading();
        shapes.extend(drawn(*mark, at(x, baseline - look.font * 0.35), sample, look));
        shapes.push(look.text(at(x + sample + 6.0, baseline), Anchor::Start, Ink::Muted, &text));
        x += width + gap;
    }
    (shapes, rows * look.leading())
}

/// A mark in the middle of its sample.
fn drawn(mark: Mark, left: At, width: f64, look: &Look) -> Vec<Shape> {
    let (middle, right) = (at(left.x + width / 2.0, left.y), at(left.x + width, left.y));
    let radius = look.radius;
    let one = |shape| vec![shape];
    match mark {
        Mark::Line(index) => one(Shape::line(vec![left, right], plot::dashes(index))),
        Mark::Firing => {
            let (from, to) = (at(left.x, left.y - 5.0), at(right.x, right.y + 5.0));
            let bar = Shape::block(at(from.x, from.y - 1.0), at(to.x, from.y + 2.0), Ink::Firing);
            vec![Shape::block(from, to, Ink::Tint), plot::hatching(from, to), bar]
        }
        Mark::Superseded => one(plot::hollow(middle, radius)),
        Mark::Withdrawn => vec![plot::hollow(middle, radius), plot::struck(middle, radius)],
        Mark::Unsure => one(plot::diamond(middle, radius)),
        Mark::Combined => one(plot::bar(left.x + 1.0, right.x - 1.0, left.y, look.stroke)),
        Mark::Gap => one(plot::cross(middle, radius)),
        Mark::Published | Mark::Due => {
            let top = at(middle.x, middle.y - radius * 0.7);
            one(plot::triangle(top, radius * 0.8, mark == Mark::Published))
        }
    }
}
