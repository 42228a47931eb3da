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
use crate::series::{Unit, View};

use figure::Figure;

pub use svg::stylesheet;

/// One series as a view shows it, with what a rule makes of it.
#[derive(Clone, Debug, PartialEq)]
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
}

/// A threshold or a baseline: what figures are held against.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What it says, such as `fires below`; its latest value stands behind that.
    pub name: String,
    /// Its values.
    pub level: Level,
}

/// Where a line lies.
#[derive(Clone, Debug, PartialEq)]
pub enum Level {
    /// At one value for all time.
    Same(f64),
    /// At another value in each period, in order; a period that is left out has none.
    Each(Vec<(Period, f64)>),
}

/// Some periods in a row at which an alert fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Firing {
    /// The first.
    pub since: Period,
    /// The last; `None` while it goes on.
    pub until: Option<Period>,
}

impl Chart {
    /// What a view shows of its series. Days are those of the publisher's calendar, as far as it is known.
    pub fn new(title: &str, view: &View<'_>) -> Self {
        let history = view.history();
        let release = history.release();
        let zone = release.map_or(Tz::UTC, |release| release.zone);
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
        }
    }

    /// Only what lies within these days.
    #[must_use]
    pub fn between(mut self, from: Option<NaiveDate>, to: Option<NaiveDate>) -> Self {
        let within =
            |first: NaiveDate, last: NaiveDate| from.is_none_or(|from| from <= first) && to.is_none_or(|to| last <= to);
        self.figures.retain(|figure| within(figure.first_day(), figure.last_day()));
        self.due = self.due.filter(|(period, _)| within(period.first_day(), period.last_day()));
        self
    }

    /// Only the last so many figures.
    #[must_use]
    pub fn last(mut self, count: usize) -> Self {
        self.figures.drain(..self.figures.len().saturating_sub(count));
        self
    }

    /// With another line.
    #[must_use]
    pub fn with_line(mut self, line: Line) -> Self {
        self.lines.push(Line { name: printable(&line.name), ..line });
        self
    }

    /// With the periods at which an alert fires.
    #[must_use]
    pub fn with_firing(mut self, firing: impl IntoIterator<Item = Firing>) -> Self {
        self.firing.extend(firing);
        self
    }

    /// Whether there is no figure to draw.
    pub fn is_empty(&self) -> bool {
        self.figures.is_empty()
    }

    /// As an SVG file that stands for itself, so many pixels wide, in light and dark.
    pub fn svg(&self, width: u32) -> String {
        sheet_svg(std::slice::from_ref(self), width)
    }

    /// As an SVG element within a page that has [`stylesheet`] among its styles.
    pub fn inline_svg(&self, width: u32) -> String {
        svg::element(&draw::scene(self, width), &self.alt())
    }

    /// As a PNG file, light and opaque: laid out for a width in pixels, and drawn with `density` dots to each.
    pub fn png(&self, width: u32, density: u8) -> Vec<u8> {
        sheet_png(std::slice::from_ref(self), width, density)
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
