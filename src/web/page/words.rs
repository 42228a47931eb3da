//! How pages say figures and days, draw charts, and lead from one to another.

use chrono_tz::Tz;

use super::address;
use crate::base::clock::Timestamp;
use crate::chart::Chart;
use crate::series::{Labels, Notation, Unit};

/// Widths of a chart in its own units, on a screen and on a phone: its letters keep their size.
const WIDTHS: [(&str, u32); 2] = [("wide", 760), ("narrow", 340)];

/// `420.5 t`; a dash where there is no figure.
pub fn figure(value: Option<f64>, unit: Option<&Unit>) -> String {
    value.map_or_else(|| "—".to_owned(), |value| Notation::default().quantity(value, unit))
}

/// `20 November 2025`, by the calendar of a zone.
pub fn day(at: Timestamp, zone: Tz) -> String {
    at.date(zone).format("%-d %B %Y").to_string()
}

/// A path about a series, with its labels: `label=partner%3DUS`.
pub fn of_series(path: &str, query: &[(&str, &str)], labels: &Labels) -> String {
    let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let labels = labels.iter().map(|label| ("label", label.as_str()));
    address(path, &query.iter().copied().chain(labels).collect::<Vec<_>>())
}

/// A chart for both; the stylesheet shows the one that fits.
pub fn picture(chart: &Chart) -> String {
    WIDTHS.map(|(class, width)| format!("<div class=\"{class}\">{}</div>", chart.inline_svg(width))).concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_labels_hold_they_are_one_parameter_each() {
        let labels: Labels = [("feed", "a&b=c"), ("partner", "U S#")].into_iter().collect();
        let path = of_series("/explain", &[("rule", "falling")], &labels);
        let (_, query) = path.split_once('?').unwrap();
        assert_eq!(query, "rule=falling&label=feed%3Da%26b%3Dc&label=partner%3DU+S%23");
        let back: Vec<String> = url::form_urlencoded::parse(query.as_bytes()).map(|(_, value)| value.into()).collect();
        assert_eq!(back, ["falling", "feed=a&b=c", "partner=U S#"]);
    }

    #[test]
    fn a_figure_that_is_not_there_is_a_dash() {
        assert_eq!(figure(None, None), "—");
        assert_eq!(figure(Some(41_200.0), Unit::parse("t").ok().as_ref()), "41 200 t");
    }
}
