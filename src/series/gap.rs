//! Why a period has no figure of its own.
//!
//! What follows from it is the rules' business.

use std::fmt;

use crate::period::{Period, Span};

/// Why a period has no figure of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gap {
    /// Nothing was published for it.
    Missing(Period),
    /// What was published for it was taken back.
    Withdrawn(Period),
    /// It was published only together with its neighbours.
    Combined(Period, Span),
    /// A daily series has no figure on the day or within so many days before it.
    NoneWithin {
        /// The day asked for.
        day: Period,
        /// The limit.
        max_gap_days: i64,
    },
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(period) => write!(f, "{period} is missing"),
            Self::Withdrawn(period) => write!(f, "the figure of {period} was withdrawn"),
            Self::Combined(period, span) => {
                write!(f, "{period} was published only as part of {span} (combined period)")
            }
            Self::NoneWithin { day, max_gap_days } => {
                write!(f, "there is no figure on {day} or in the {max_gap_days} days before it")
            }
        }
    }
}
