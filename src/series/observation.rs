//! One published figure, and how each of its vintages came to be known.

use std::fmt;

use super::{Labels, Unit};
use crate::base::clock::Timestamp;
use crate::period::Span;

/// A number that is neither NaN nor infinite. A NaN would compare false with everything and so
/// silently never alert; this type has no way to hold one.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, serde::Serialize)]
#[serde(transparent)]
pub struct Finite(f64);

impl Finite {
    /// Nothing, as a figure.
    pub const ZERO: Self = Self(0.0);

    /// The number, if it is finite.
    pub fn new(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self(value))
    }

    /// The number.
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// How sure the publisher is of a figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Published as final, or without any mark.
    #[default]
    Final,
    /// To be revised.
    Preliminary,
    /// The publisher's estimate.
    Estimated,
    /// Present but partly withheld.
    Confidential,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Final, Self::Preliminary, Self::Estimated, Self::Confidential];

    /// The word: `final`, `preliminary`, `estimated`, `confidential`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Final => "final",
            Self::Preliminary => "preliminary",
            Self::Estimated => "estimated",
            Self::Confidential => "confidential",
        }
    }

    /// Reads a publisher's mark: the words, or the SDMX observation status codes `A`, `P`, `E`, `C`
    /// (code list CL_OBS_STATUS); an empty mark is final.
    pub fn read(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "" | "a" | "f" | "final" | "normal" | "actual" => Some(Self::Final),
            "p" | "preliminary" | "provisional" | "prelim" => Some(Self::Preliminary),
            "e" | "estimated" | "estimate" => Some(Self::Estimated),
            "c" | "confidential" => Some(Self::Confidential),
            _ => None,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One figure as a feed's page says it, before the store knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The series, without the feed's name and constant labels if the publisher's file lacks them.
    pub labels: Labels,
    /// The period, or the periods that it covers together.
    pub span: Span,
    /// The figure in `unit`; `None` where the publisher takes back what it said before.
    pub value: Option<Finite>,
    /// The unit that the page states; `None` where it states none.
    pub unit: Option<Unit>,
    /// The publisher's mark.
    pub status: Status,
    /// When the publisher published it, where the page says so.
    pub published: Option<Timestamp>,
    /// Where it stands, for messages: the line of a CSV file, the record of a JSON array, from 1.
    pub row: usize,
}

/// A row that was not stored, and why.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Refusal {
    /// The line of a CSV file, the record of a JSON array, from 1.
    pub row: usize,
    /// The column or pointer, where one is to blame.
    pub column: Option<String>,
    /// What was expected and found.
    pub reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {}", self.row)?;
        if let Some(column) = &self.column {
            write!(f, ", column `{}`", crate::base::text::printable(column))?;
        }
        write!(f, ": {}", crate::base::text::printable(&self.reason))
    }
}

/// The number of a pull, in the order of their commits within a feed.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
)]
#[serde(transparent)]
pub struct PullId(pub i64);

/// One version of a figure: what was known from `recorded_at` until the next vintage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Vintage {
    /// The figure in the series' unit; `None` where the figure before was withdrawn.
    pub value: Option<Finite>,
    /// The publisher's mark.
    pub status: Status,
    /// When it became known: its publication where the feed says so, else when it was retrieved.
    pub recorded_at: Timestamp,
    /// The pull that brought it.
    pub pull: PullId,
}

/// Where the vintages of a pull came from.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Provenance {
    /// The feed.
    pub feed: String,
    /// The address without secrets, or the path.
    pub url: String,
    /// When it was retrieved.
    pub retrieved_at: Timestamp,
    /// SHA-256 of the response, in hex.
    pub sha256: String,
}
