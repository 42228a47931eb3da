//! The measures of the language: one small file each (or each family), and the table that lists them.
//!
//! A new measure is a file here and a line in [`MEASURES`]; parser, check and evaluation follow.

mod change;
mod extreme;
mod group;
mod items;
mod look_back;
mod rank;
#[cfg(test)]
mod reference;
mod revision;
mod score;
mod statistic;
mod streak;
mod time;
mod trend;
mod window;
mod words;
mod year_to_date;
mod zscore;

pub use rank::share_at_or_below;
pub use score::{robust_score, seasonal_score};
pub use statistic::{deviation, median};
pub use trend::{slope, volatility};
pub use words::{MeasureWords, words};
pub use year_to_date::first_of_year;

use super::evaluate::Scope;
use super::evidence::{Reading, Value};
use super::headline::Telling;
use super::syntax::{Argument, Node, NodeKind};
use crate::base::limits::{LOOK_BACK_MAX, YEARS_MAX};
use crate::period::Period;
use crate::series::{Back, KnownItem, Point};

/// Every measure, in the order of the documentation.
pub static MEASURES: &[Measure] = &[
    look_back::VALUE,
    look_back::LAG,
    change::CHANGE,
    change::DIFF,
    change::YOY,
    change::CHANGE_SINCE,
    extreme::DRAWDOWN,
    extreme::RUNUP,
    streak::STREAK,
    streak::DECLINES,
    streak::RISES,
    window::MEAN,
    statistic::MEDIAN,
    window::MIN,
    window::MAX,
    window::SUM,
    statistic::STDDEV,
    zscore::ZSCORE,
    score::ROBUST_ZSCORE,
    score::SEASONAL_ZSCORE,
    rank::PERCENTILE,
    trend::SLOPE,
    trend::VOLATILITY,
    year_to_date::YTD,
    year_to_date::YTD_YOY,
    revision::REVISION,
    time::AGE,
    time::OVERDUE,
    group::SHARE,
    group::TOP_SHARE,
    group::HHI,
    group::COUNT,
    items::NEW,
    items::ENDS_WITHIN,
];

/// One measure.
#[derive(Debug)]
pub struct Measure {
    /// Its name.
    pub name: &'static str,
    /// Its parameters, in order.
    pub parameters: &'static [Parameter],
    /// How it is written, for messages, with its backticks: `change(n=1)`.
    pub signature: &'static str,
    /// What kind of value it gives.
    pub gives: Gives,
    /// Whether it walks back through the history until something ends.
    pub walks: bool,
    /// Its value with what it read.
    pub read: fn(&Scope<'_>, &Call<'_>) -> Measured,
    /// What to say after the subject when a comparison of it holds: `fell for a 2nd month`.
    pub words: fn(&Telling<'_>) -> Option<String>,
}

impl Measure {
    /// Whether it is about a group's members.
    pub fn is_of_groups(&self) -> bool {
        [group::SHARE.name, group::TOP_SHARE.name, group::HHI.name, group::COUNT.name].contains(&self.name)
    }

    /// Whether a figure for each period is all that its value depends on: not the vintages before, the
    /// members of a group, or the time.
    pub fn reads_figures_alone(&self) -> bool {
        !(self.is_of_groups() || self.is_timely() || self.is_of_items() || self.name == revision::REVISION.name)
    }

    /// Whether its value changes with the clock alone.
    pub fn is_timely(&self) -> bool {
        [time::AGE.name, time::OVERDUE.name, items::ENDS_WITHIN.name].contains(&self.name)
    }

    /// Whether it is about items rather than figures.
    pub fn is_of_items(&self) -> bool {
        [items::NEW.name, items::ENDS_WITHIN.name].contains(&self.name)
    }

    /// Whether it is about what has come since the last look.
    pub fn is_of_news(&self) -> bool {
        self.name == items::NEW.name
    }

    /// Whether it takes a search.
    pub fn searches(&self) -> bool {
        self.parameters.iter().any(|parameter| parameter.takes == Takes::Search)
    }

    /// The parameter that an argument is for: by its name, else by its position among `count` arguments.
    /// Where a measure takes an expression first, it may be left out: `lag(n)`.
    pub fn slot(&self, name: Option<&str>, position: usize, count: usize) -> Option<usize> {
        let left_out = usize::from(self.gives == Gives::Argument && count < self.parameters.len());
        let slot = match name {
            Some(name) => self.parameters.iter().position(|parameter| parameter.name == name),
            None => Some(position + left_out),
        };
        slot.filter(|slot| *slot < self.parameters.len())
    }
}

/// There is one measure of each name.
impl PartialEq for Measure {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// The largest parts that `top_share` may ask for.
pub const RANK_MAX: u32 = 1000;

/// What kind of value a measure gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// A figure in the series' unit.
    Quantity,
    /// A ratio that is a change: it has a direction, and is told with its sign.
    Ratio,
    /// A ratio that is a level: a part of a whole, a spread.
    Share,
    /// A number of periods.
    Count,
    /// A number of standard deviations.
    Score,
    /// A time.
    Time,
    /// A condition.
    Truth,
    /// What its first argument gives (`lag(EXPR, n)`); a figure in the series' unit where that is no expression.
    Argument,
}

/// One parameter.
#[derive(Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// Whether it may be left out.
    pub optional: bool,
}

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// A whole number of periods, or a time.
    Back,
    /// The same, but two periods at least: what has a spread or a slope.
    Sample,
    /// A whole number of years, two at least.
    Years,
    /// A period literal.
    Period,
    /// A ratio such as `5%`.
    Tolerance,
    /// A condition.
    Condition,
    /// A value or a condition.
    Any,
    /// The name of a label.
    Label,
    /// A label with a value: `partner='CN'`.
    Pick,
    /// How many of the largest.
    Rank,
    /// Texts to look for in items, joined by `and`, `or`, `not`.
    Search,
}

impl Takes {
    /// Whether it is a label, with a value or without.
    pub const fn is_label(self) -> bool {
        matches!(self, Self::Label | Self::Pick)
    }
}

/// A measure's arguments by parameter, as the check has found them good.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    arguments: &'a [Argument],
}

impl<'a> Call<'a> {
    /// The arguments of one measure.
    pub const fn new(arguments: &'a [Argument]) -> Self {
        Self { arguments }
    }

    /// The argument of a parameter, by the parameter's position.
    pub fn argument(&self, index: usize) -> Option<&'a Node> {
        self.arguments.iter().find(|argument| argument.slot == Some(index)).map(|argument| &argument.node)
    }

    /// How far back an argument reaches; one period where it is left out.
    pub fn back(&self, index: usize) -> Back {
        match self.argument(index).map(|node| &node.kind) {
            Some(NodeKind::Number(n)) => Back::Periods(n.clamp(0.0, f64::from(LOOK_BACK_MAX)) as u32),
            Some(NodeKind::Length(length)) => Back::Length(*length),
            Some(_) | None => Back::Periods(1),
        }
    }

    /// A number of years; none where it is left out.
    pub fn years(&self, index: usize) -> u32 {
        match self.argument(index).map(|node| &node.kind) {
            Some(NodeKind::Number(years)) => years.clamp(0.0, f64::from(YEARS_MAX)) as u32,
            Some(NodeKind::Length(length)) => length.count.min(YEARS_MAX),
            Some(_) | None => 0,
        }
    }

    /// The period that an argument names; a bare number is a year.
    pub fn period(&self, index: usize) -> Option<Period> {
        match &self.argument(index)?.kind {
            NodeKind::Period(period) => Some(*period),
            NodeKind::Number(year) => year_of(*year),
            _ => None,
        }
    }

    /// How many of the largest an argument asks for; one where it is left out.
    pub fn rank(&self, index: usize) -> usize {
        match self.argument(index).map(|node| &node.kind) {
            Some(NodeKind::Number(n)) => n.clamp(1.0, f64::from(RANK_MAX)) as usize,
            Some(_) | None => 1,
        }
    }

    /// An argument as a ratio; zero where it is left out.
    pub fn ratio(&self, index: usize) -> f64 {
        match self.argument(index).map(|node| &node.kind) {
            Some(NodeKind::Percent(percent)) => percent / 100.0,
            Some(_) | None => 0.0,
        }
    }
}

/// The calendar year of a bare number such as `2024`.
pub fn year_of(number: f64) -> Option<Period> {
    let whole = number.fract() == 0.0 && (1000.0..=9999.0).contains(&number);
    whole.then(|| Period::year(number as i32)).flatten()
}

/// A measure's value, the figures that it read, and the parts that it evaluated.
pub struct Measured {
    /// The value.
    pub value: Value,
    /// The figures, oldest first.
    pub points: Vec<Point>,
    /// What else was evaluated on the way.
    pub parts: Vec<Reading>,
    /// The items that it found.
    pub items: Vec<KnownItem>,
}

impl Measured {
    /// A value with the figures that it was made of.
    pub fn new(value: Value, mut points: Vec<Point>) -> Self {
        points.sort_by_key(|point| point.span);
        points.dedup_by_key(|point| point.span);
        Self { value, points, parts: Vec::new(), items: Vec::new() }
    }
}
