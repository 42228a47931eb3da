//! A history with its marks as a picture: SVG, PNG, a terminal's blocks, and one sentence.
//!
//! It draws what it is given: which periods fire, and where a threshold lies, is said by whoever knows rules.
//! Nothing is told by colour alone, a gap is never joined, and hostile labels are text like any other.

mod alt;
mod draw;
mod figure;
mod font;
mod legend;
mod plot;
mod png;
mod scale;
mod scene;
mod spark;
mod svg;
mod terminal;
mod timeline;

use chrono::NaiveDate;
use chrono_tz::Tz;

use crate::base::text::printable;
use crate::period::{Frequency, Period};
use crate::series::{Notation, Unit, View};

pub use svg::stylesheet;

use figure::Figure;

/// One series as a view shows it, with what a rule makes of it. It can be kept with a message, and drawn later.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Chart {
    title: String,
    unit: Option<Unit>,
    frequency: Frequency,
    /// How many days may lie between neighbours of a daily series.
    max_gap_days: i64,
    /// In the order of their last periods.
    figures: Vec<Figure>,
    lines: Vec<Line>,
    firing: Vec<Firing>,
    /// The days on which figures became known.
    published: Vec<NaiveDate>,
    /// The first period without a figure, and the day on which its figure is due.
    due: Option<(Period, NaiveDate)>,
    /// How its figures are written.
    #[serde(default)]
    notation: Notation,
}

/// A threshold or a baseline: what figures are held against.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Line {
    /// What it says, such as `fires below`; its latest value stands behind that.
    pub name: String,
    /// Its values.
    pub values: Values,
}

/// Where a line lies.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Values {
    /// At one value for all time.
    Same(f64),
    /// At another value in each period, in order; a period that is left out has none.
    Each(Vec<(Period, f64)>),
}

/// Some periods in a row at which an alert fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Firing {
    /// The first.
    pub since: Period,
    /// The last; `None` while it goes on.
    pub until: Option<Period>,
}

impl Chart {
    /// What a view shows of its series; `zone` is the publisher's, whose days those of publication are.
    pub fn new(title: &str, view: &View<'_>, zone: Tz) -> Self {
        let history = view.history();
        let release = history.release();
        let figures: Vec<Figure> = history.spans().filter_map(|span| Figure::of(view, span)).collect();
        let known = figures.iter().flat_map(|figure| [view.exactly(figure.span), view.superseded(figure.span)]);
        let mut published: Vec<NaiveDate> = known.flatten().map(|point| point.recorded_at.date(zone)).collect();
        published.sort_unstable();
        published.dedup();
        let due = view.latest().map(Period::next).and_then(|next| Some((next, release?.due_on(next)?)));
        Self {
            title: printable(title),
            unit: history.unit().cloned(),
            frequency: history.frequency(),
            max_gap_days: history.max_gap_days(),
            figures,
            lines: Vec::new(),
            firing: Vec::new(),
            published,
            due,
            notation: Notation::default(),
        }
    }

    /// Only what lies within these days, lines that were drawn before included.
    #[must_use]
    pub fn between(mut self, from: Option<NaiveDate>, to: Option<NaiveDate>) -> Self {
        let within =
            |first: NaiveDate, last: NaiveDate| from.is_none_or(|from| from <= first) && to.is_none_or(|to| last <= to);
        let is_within = |period: Period| within(period.first_day(), period.last_day());
        self.figures.retain(|figure| within(figure.first_day(), figure.last_day()));
        self.due = self.due.filter(|(period, _)| is_within(*period));
        for line in &mut self.lines {
            if let Values::Each(values) = &mut line.values {
                values.retain(|(period, _)| is_within(*period));
            }
        }
        self.lines.retain(|line| line.latest().is_some());
        self
    }

    /// Only the last so many figures, and what goes with them.
    #[must_use]
    pub fn last(self, count: usize) -> Self {
        let first = self.figures.iter().rev().take(count).map(Figure::first_day).min();
        self.between(first, None)
    }

    /// With another line; values that cannot be drawn are left out.
    #[must_use]
    pub fn with_line(mut self, line: Line) -> Self {
        let values = match line.values {
            Values::Same(value) => Some(Values::Same(value)).filter(|_| value.is_finite()),
            Values::Each(values) => {
                Some(Values::Each(values.into_iter().filter(|(_, value)| value.is_finite()).collect()))
            }
        };
        self.lines.extend(values.map(|values| Line { name: printable(&line.name), values }));
        self
    }

    /// The same for a reader: in that unit, and written in that way.
    #[must_use]
    pub fn told_in(mut self, notation: &Notation) -> Self {
        self.notation = notation.clone();
        let Some(from) = self.unit.take() else { return self };
        let to = notation.unit(&from).clone();
        let told = |value: &mut f64| *value = from.convert(*value, &to).unwrap_or(*value);
        self.figures.iter_mut().flat_map(|figure| [&mut figure.value, &mut figure.was]).flatten().for_each(told);
        for line in &mut self.lines {
            match &mut line.values {
                Values::Same(value) => told(value),
                Values::Each(values) => values.iter_mut().for_each(|(_, value)| told(value)),
            }
        }
        self.unit = Some(to);
        self
    }

    /// As a PNG file, light and opaque: laid out for a width in pixels, and drawn with `density` dots to each.
    pub fn png(&self, width: u32, density: u8) -> Vec<u8> {
        sheet_png(std::slice::from_ref(self), width, density)
    }

    /// Whether there is anything to draw.
    pub fn has_figures(&self) -> bool {
        self.shown().next().is_some()
    }

    /// With the periods at which an alert fires.
    #[must_use]
    pub fn with_firing(mut self, firing: impl IntoIterator<Item = Firing>) -> Self {
        self.firing.extend(firing);
        self
    }
}

/// What pages and messages show.
#[cfg_attr(not(test), expect(dead_code, reason = "for the status page, which does not show charts yet"))]
impl Chart {
    /// As an SVG element without styles of its own, so many pixels wide.
    pub fn inline_svg(&self, width: u32) -> String {
        svg::element(&draw::sheet(std::slice::from_ref(self), width), &self.alt())
    }

    /// A small SVG element of a size, without axes, within such a page.
    pub fn spark_svg(&self, width: u32, height: u32) -> String {
        svg::element(&spark::scene(self, f64::from(width), f64::from(height)), &self.alt())
    }

    /// One line of at most so many blocks; a gap is a dot.
    pub fn spark(&self, width: usize) -> String {
        spark::blocks(self, width)
    }
}

/// Several charts below each other as one SVG file.
pub fn sheet_svg(charts: &[Chart], width: u32) -> String {
    svg::document(&draw::sheet(charts, width), &sheet_alt(charts))
}

/// Several charts below each other as one PNG file.
pub fn sheet_png(charts: &[Chart], width: u32, density: u8) -> Vec<u8> {
    png::png(&draw::sheet(charts, width), density)
}

fn sheet_alt(charts: &[Chart]) -> String {
    charts.iter().map(Chart::alt).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
