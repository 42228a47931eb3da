//! As of which moment a history is looked at, how far back, and what that finds.
//!
//! What lies there is for a view to say.

use std::fmt;

use super::{Gap, Point, PullId};
use crate::base::clock::Timestamp;
use crate::period::Length;

/// The moment whose knowledge a view shows. Both sides of a comparison come from one view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// All that is known.
    Latest,
    /// As the feed's pull left it.
    Pull(PullId),
    /// As it was known at an instant.
    Time(Timestamp),
}

impl AsOf {
    /// Whether what a pull brought, which became known at a time, was known then.
    pub(super) fn knows(self, by: PullId, at: Timestamp) -> bool {
        match self {
            Self::Latest => true,
            Self::Pull(pull) => by <= pull,
            Self::Time(time) => at <= time,
        }
    }
}

/// How far to look back: some periods, or a calendar length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Back {
    /// So many periods; in a daily series, so many observations.
    Periods(u32),
    /// A calendar length.
    Length(Length),
}

impl fmt::Display for Back {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Periods(n) => write!(f, "{n}"),
            Self::Length(length) => write!(f, "{length}"),
        }
    }
}

/// Some neighbouring periods: what is known of them, oldest first, and what is not.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// The figures; combined periods that lie wholly within appear once.
    pub points: Vec<Point>,
    /// The periods without a figure.
    pub gaps: Vec<Gap>,
}

impl Window {
    /// A window of which nothing is known but why.
    pub fn of_gap(gap: Gap) -> Self {
        Self { points: Vec::new(), gaps: vec![gap] }
    }
}
