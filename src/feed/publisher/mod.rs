//! One file per publisher: what to ask, which format comes, what the columns mean.

pub mod csv;
pub mod json;

use chrono_tz::Tz;

use crate::period::Frequency;
use crate::series::Labels;

/// What the columns (or pointers) of a generic feed mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// Where the period stands; `None` in a wide table.
    pub period: Option<String>,
    /// Where the figure stands; `None` in a wide table.
    pub value: Option<String>,
    /// Where the unit stands.
    pub unit: Option<String>,
    /// Where the publisher's mark stands.
    pub status: Option<String>,
    /// Where the time of publication stands.
    pub published: Option<String>,
    /// Labels and where their values stand.
    pub labels: Vec<(String, String)>,
}

/// What every generic feed knows beside its columns.
#[derive(Clone, Debug)]
pub struct Common {
    /// The frequency of the series.
    pub frequency: Frequency,
    /// The publisher's time zone: a date of publication begins there.
    pub zone: Tz,
    /// The constant labels, `feed` among them.
    pub labels: Labels,
    /// The strftime format of the periods, where the feed names one.
    pub period_format: Option<String>,
    /// The sign between whole and fraction: `.` or `,`.
    pub decimal: char,
    /// The sign between thousands, where there is one.
    pub thousands: Option<char>,
}
