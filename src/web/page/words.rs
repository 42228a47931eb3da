//! How pages say figures, days and labels, and the addresses that lead from one page to another.

use chrono_tz::Tz;
use url::form_urlencoded::Serializer;

use crate::base::clock::Timestamp;
use crate::base::text::printable;
use crate::series::{Labels, Notation, Unit};

/// `420.5 t`; nothing where there is no figure.
pub fn figure(value: Option<f64>, unit: Option<&Unit>) -> String {
    value.map_or_else(|| "—".to_owned(), |value| Notation::default().quantity(value, unit))
}

/// `20 November 2025`, by the calendar of a zone.
pub fn day(at: Timestamp, zone: Tz) -> String {
    at.date(zone).format("%-d %B %Y").to_string()
}

/// Labels for a query: `label=feed%3Dmagnets&label=partner%3DUS`.
pub fn labels_query(labels: &Labels) -> String {
    let mut query = Serializer::new(String::new());
    query.extend_pairs(labels.iter().map(|(name, value)| ("label", format!("{name}={value}"))));
    query.finish()
}

/// A query of some pairs; those without a value are left out.
pub fn query<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut query = Serializer::new(String::new());
    query.extend_pairs(pairs.into_iter().filter(|(_, value)| !value.is_empty()));
    query.finish()
}

/// A text of a feed on one line.
pub fn line(text: &str) -> String {
    printable(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_labels_hold_they_are_one_parameter_each() {
        let labels: Labels = [("feed", "a&b=c"), ("partner", "U S#")].into_iter().collect();
        let query = labels_query(&labels);
        assert_eq!(query, "label=feed%3Da%26b%3Dc&label=partner%3DU+S%23");
        let back: Vec<String> = url::form_urlencoded::parse(query.as_bytes()).map(|(_, label)| label.into()).collect();
        assert_eq!(back, ["feed=a&b=c", "partner=U S#"]);
    }

    #[test]
    fn a_figure_that_is_not_there_is_a_dash() {
        assert_eq!(figure(None, None), "—");
        assert_eq!(figure(Some(41_200.0), Unit::parse("t").ok().as_ref()), "41 200 t");
    }
}
