//! Domain values as columns: what is written here reads back equal, or is an error that names it.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::connection::Row;
use super::fault::Fault;
use crate::base::clock::Timestamp;
use crate::period::{Frequency, Period, Span};
use crate::rule::Severity;
use crate::series::{Dimension, Labels, Status, Unit};
use crate::store::{DeliveryState, SeriesRef};

/// Whether an id begins so, in a way that lets its index find it; with the values of [`beginning`].
pub const BEGINS: &str = "id >= ?1 AND id < ?2";

/// A beginning, and what follows all that begin so.
pub fn beginning(of: &str) -> (String, String) {
    (of.to_owned(), format!("{of}{}", char::MAX))
}

/// A column with a time.
pub fn time(row: &Row<'_>, column: usize) -> Result<Timestamp, Fault> {
    Ok(Timestamp::from_millis(row.get(column)?))
}

/// A column with a time or nothing.
pub fn some_time(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>, Fault> {
    Ok(row.get::<Option<i64>>(column)?.map(Timestamp::from_millis))
}

/// A time as a column.
pub fn millis(time: Option<Timestamp>) -> Option<i64> {
    time.map(Timestamp::millis)
}

/// A count as a column.
pub fn count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// What [`count`] wrote.
pub fn counted(row: &Row<'_>, column: usize) -> Result<usize, Fault> {
    let count: i64 = row.get(column)?;
    usize::try_from(count).map_err(|_| Fault::unreadable("count", count))
}

/// A value as JSON.
pub fn json(value: &impl Serialize) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|error| Fault::unreadable("value for JSON", error))
}

/// What [`json`] wrote.
pub fn from_json<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|error| Fault::unreadable(what, format!("{error} in {text}")))
}

/// Labels from their key.
pub fn labels(key: &str) -> Result<Labels, Fault> {
    Labels::from_key(key).ok_or_else(|| Fault::unreadable("series' labels", key))
}

/// A frequency from its name.
pub fn frequency(name: &str) -> Result<Frequency, Fault> {
    Frequency::from_name(name).ok_or_else(|| Fault::unreadable("frequency", name))
}

/// A severity from its name.
pub fn severity(name: &str) -> Result<Severity, Fault> {
    let found = Severity::ALL.into_iter().find(|severity| severity.name() == name);
    found.ok_or_else(|| Fault::unreadable("severity", name))
}

/// How grave an alert is, as a number that orders: 0 where it does not fire.
pub fn gravity(severity: Option<Severity>) -> usize {
    severity.and_then(|severity| Severity::ALL.into_iter().position(|known| known == severity)).map_or(0, |at| at + 1)
}

/// What [`gravity`] wrote.
pub fn of_gravity(gravity: usize) -> Result<Option<Severity>, Fault> {
    let found = gravity.checked_sub(1).map(|at| Severity::ALL.get(at).copied());
    found.map(|severity| severity.ok_or_else(|| Fault::unreadable("gravity", gravity))).transpose()
}

/// A column with the state of a delivery.
pub fn delivery_state(row: &Row<'_>, column: usize) -> Result<DeliveryState, Fault> {
    let name: &str = row.get(column)?;
    let found = DeliveryState::ALL.into_iter().find(|state| state.name() == name);
    found.ok_or_else(|| Fault::unreadable("state of a delivery", name))
}

/// A period from its text.
pub fn period(text: Option<String>) -> Result<Option<Period>, Fault> {
    text.map(|text| Period::parse(&text).map_err(|_| Fault::unreadable("period", text))).transpose()
}

/// A unit as a text that [`unit()`] reads; nothing for none.
pub fn unit_text(unit: Option<&Unit>) -> String {
    match unit {
        None => String::new(),
        // Its symbol is made for messages and is no word that is read.
        Some(unit) if unit.dimension() == Dimension::Index => "index".to_owned(),
        Some(unit) => unit.to_string(),
    }
}

/// A unit from its text.
pub fn unit(text: &str) -> Result<Option<Unit>, Fault> {
    if text.is_empty() {
        return Ok(None);
    }
    Unit::parse(text).map(Some).map_err(|_| Fault::unreadable("unit", text))
}

/// A status as a number.
pub const fn status_code(status: Status) -> u8 {
    match status {
        Status::Final => 0,
        Status::Preliminary => 1,
        Status::Estimated => 2,
        Status::Confidential => 3,
    }
}

/// A status from its number.
pub fn status(code: u8) -> Result<Status, Fault> {
    let found = Status::ALL.into_iter().find(|status| status_code(*status) == code);
    found.ok_or_else(|| Fault::unreadable("status", code))
}

/// A span from its last ordinal and its length.
pub fn span(frequency: Frequency, last: i32, length: u16) -> Result<Span, Fault> {
    let read = || {
        let last = Period::from_ordinal(frequency, last)?;
        Span::new(last.offset(1 - i32::from(length)), last)
    };
    read().ok_or_else(|| Fault::unreadable("span", format!("{length} {frequency} up to {last}")))
}

/// The columns of [`series`].
pub const SERIES: &str = "s.id, f.name, s.labels, s.frequency, s.unit";

/// A series from the columns of [`SERIES`].
pub fn series(row: &Row<'_>) -> Result<SeriesRef, Fault> {
    Ok(SeriesRef {
        id: row.get(0)?,
        feed: row.get(1)?,
        labels: labels(row.get(2)?)?,
        frequency: frequency(row.get(3)?)?,
        unit: unit(row.get(4)?)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every unit that can be written is read back: masses, currencies with every scale, prices of both.
    #[test]
    fn units_read_back_equal() {
        let masses = ["kg", "t", "kt", "g", "lb", "oz", "ozt", "st", "lt"];
        let mut texts: Vec<String> = masses.map(ToOwned::to_owned).to_vec();
        texts.extend(["count", "index", "percent"].map(ToOwned::to_owned));
        for currency in ["USD", "EUR", "CNY", "JPY", "KZT", "MXN", "GBP", "BND", "KGS", "XAU"] {
            for scale in ["", "k", "M", "mn", "G", "bn", "1000 ", "thousand ", "million ", "billion "] {
                texts.push(format!("{scale}{currency}"));
                texts.extend(masses.map(|mass| format!("{scale}{currency}/{mass}")));
            }
        }
        for text in texts {
            let written = Unit::parse(&text).unwrap();
            let read = unit(&unit_text(Some(&written))).ok().flatten();
            assert_eq!(read.as_ref(), Some(&written), "{text}");
            assert_eq!(read.map(|unit| unit.to_string()), Some(written.to_string()), "{text}");
        }
        assert_eq!(unit(&unit_text(None)).ok().flatten(), None);
    }

    #[test]
    fn spans_read_back_equal() {
        for text in ["2025-09-18", "2025-W38", "2025-09", "2025-Q3", "2025", "2025-01/2025-02", "1000", "9999-12"] {
            let written = Span::parse(text).unwrap();
            let (last, length) = (written.last().ordinal(), written.length());
            assert_eq!(span(written.last().frequency(), last, length).ok(), Some(written), "{text}");
        }
        assert!(span(Frequency::Month, i32::MAX, 1).is_err());
        assert!(span(Frequency::Month, 24_000, 0).is_err());
    }

    #[test]
    fn every_status_has_its_number() {
        let read: Vec<Status> = Status::ALL.into_iter().filter_map(|known| status(status_code(known)).ok()).collect();
        assert_eq!(read, Status::ALL);
        assert!(status(4).is_err());
    }
}
