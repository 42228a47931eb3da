//! One file per publisher: what to ask, which format comes, what the columns mean.

pub mod census;
pub mod comtrade;
pub mod csv;
mod cube;
mod draft;
pub mod eurostat;
pub mod federal_register;
pub mod feed;
pub mod folder;
pub mod fred;
pub mod gacc;
pub mod japan;
pub mod json;
pub mod jsonstat;
pub mod korea;
mod number;
mod reading;
pub mod sdmx;
pub mod site;
pub mod sum;
pub mod trade;
mod wording;
pub mod worldbank;
pub mod xlsx;

use chrono_tz::Tz;

use crate::period::{Frequency, Span};
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

impl Columns {
    /// Every name, in no order that means anything.
    fn names(&self) -> Vec<&str> {
        let single = [&self.period, &self.value, &self.unit, &self.status, &self.published];
        let labels = self.labels.iter().map(|(_, name)| name.as_str());
        single.into_iter().flatten().map(String::as_str).chain(labels).map(str::trim).collect()
    }
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

impl Common {
    /// A name as a period, where it reads as one of the feed's frequency.
    fn span(&self, name: &str) -> Option<Span> {
        Span::read(name, self.frequency, self.period_format.as_deref()).ok()
    }
}

/// What the tests of the publishers share.
#[cfg(test)]
mod tests {
    use super::{Columns, Common};
    use crate::feed::{Page, ParseError, Request, Target};
    use crate::period::Frequency;

    /// A monthly feed of Shanghai with a constant label.
    pub fn common() -> Common {
        Common {
            frequency: Frequency::Month,
            zone: chrono_tz::Asia::Shanghai,
            labels: [("feed", "x"), ("reporter", "CHN")].into_iter().collect(),
            period_format: None,
            decimal: '.',
            thousands: None,
        }
    }

    /// Columns from `role=name` words; other roles are labels.
    pub fn columns(text: &str) -> Columns {
        let mut columns =
            Columns { period: None, value: None, unit: None, status: None, published: None, labels: Vec::new() };
        for (role, name) in text.split_whitespace().filter_map(|word| word.split_once('=')) {
            let name = name.to_owned();
            match role {
                "period" => columns.period = Some(name),
                "value" => columns.value = Some(name),
                "unit" => columns.unit = Some(name),
                "status" => columns.status = Some(name),
                "published" => columns.published = Some(name),
                label => columns.labels.push((label.to_owned(), name)),
            }
        }
        columns
    }

    pub fn request() -> Request {
        let url = url::Url::parse("https://example.com/data?api_key=CANARY-KEY").unwrap();
        Request::new(Target::Http { url, headers: Vec::new(), insecure: false, allow_private: false })
    }

    /// A page in lines: observations, cells that say "not available", refusals, counts.
    pub fn told(page: Result<Page, ParseError>) -> String {
        let page = match page {
            Ok(page) => page,
            Err(error) => return error.to_string(),
        };
        let mut lines = Vec::new();
        for seen in page.observations {
            let unit = seen.unit.map(|unit| format!(" {unit}")).unwrap_or_default();
            let published = seen.published.map(|at| format!(" published {at}")).unwrap_or_default();
            let value = seen.value.map_or_else(|| "withdrawn".to_owned(), |value| value.get().to_string());
            let (row, span, status) = (seen.row, seen.span, seen.status);
            lines.push(format!("{row}: {} {span} {value}{unit} {status}{published}", seen.labels));
        }
        lines.extend(page.unavailable.iter().map(|(labels, span)| format!("not available: {labels} {span}")));
        lines.extend(page.refused.iter().map(ToString::to_string));
        lines.push(format!("{} rows, {} refused", page.rows, page.refused_count));
        lines.join("\n")
    }
}
