//! The words of a message: who trades what with whom, a figure with its unit, a day.

use chrono_tz::Tz;

use crate::alert::Cause;
use crate::base::clock::Timestamp;
use crate::period::{Frequency, Span};
use crate::series::{Labels, country};

/// Labels that the subject says in its own way, and so does not list.
const SAID: [&str; 6] = ["feed", "reporter", "partner", "flow", "market", "hs"];

/// What a series is about, for the beginning of a title: `China → US rare-earth magnet exports`.
///
/// Goods go from exporter to importer, so an import is told from the partner's side. `title` says
/// what the figures are, where the config does; else the labels have to.
pub fn subject(labels: &Labels, title: Option<&str>) -> String {
    let what = title.map_or_else(|| from_labels(labels), ToOwned::to_owned);
    match route(labels) {
        Some(route) => format!("{route} {what}"),
        None => what,
    }
}

fn route(labels: &Labels) -> Option<String> {
    let name = |label: &str| labels.value(label).map(country::name);
    let market = || name("market");
    match (name("reporter"), name("partner")) {
        (Some(reporter), Some(partner)) => {
            let import = labels.value("flow").is_some_and(|flow| flow.to_lowercase().starts_with('i') || flow == "M");
            let (from, to) = if import { (partner, reporter) } else { (reporter, partner) };
            Some(format!("{from} → {to}"))
        }
        (Some(reporter), None) => Some(reporter),
        (None, Some(partner)) => Some(partner),
        (None, None) => market(),
    }
}

/// `85051110 exports (grade N42)`, or the feed's name where the labels say nothing more.
fn from_labels(labels: &Labels) -> String {
    let goods = ["commodity", "product", "grade", "hs"]
        .iter()
        .find_map(|label| labels.value(label).map(|value| (*label, value)));
    let flow = labels.value("flow").map(|flow| if flow.ends_with('s') { flow.to_owned() } else { format!("{flow}s") });
    let said = goods.map_or("", |(label, _)| label);
    let rest: Vec<String> = labels
        .iter()
        .filter(|(name, _)| !SAID.contains(name) && *name != said)
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    let goods = goods.map(|(_, value)| value.to_owned());
    let head: Vec<String> = goods.into_iter().chain(flow).collect();
    let head = if head.is_empty() { labels.value("feed").unwrap_or("the series").to_owned() } else { head.join(" ") };
    if rest.is_empty() { head } else { format!("{head} ({})", rest.join(", ")) }
}

/// `in September 2025`, `on 16 October 2025`.
pub fn when(span: Span) -> String {
    let preposition = if span.last().frequency() == Frequency::Day { "on" } else { "in" };
    format!("{preposition} {}", span.in_words())
}

/// `20 October 2025`, by the calendar of a zone.
pub fn day(at: Timestamp, zone: Tz) -> String {
    at.date(zone).format("%-d %B %Y").to_string()
}

/// Why an alert lapsed, after "because".
pub const fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::RuleRemoved => "its rule was removed",
        Cause::RuleEdited => "its rule was edited",
        Cause::SeriesGone => "its series is no longer in any feed",
        Cause::TimePassed => "time went by",
        Cause::Published | Cause::Revised | Cause::RuleAdded => "of new figures",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(labels: &[(&str, &str)], title: Option<&str>, expected: &str) {
        assert_eq!(subject(&labels.iter().copied().collect(), title), expected);
    }

    #[test]
    fn subjects_say_who_and_what() {
        let trade = [("feed", "f"), ("reporter", "CN"), ("partner", "US"), ("flow", "export"), ("hs", "85051110")];
        check(&trade, Some("rare-earth magnet exports"), "China → US rare-earth magnet exports");
        check(&trade, None, "China → US 85051110 exports");
        let import = [("feed", "f"), ("reporter", "US"), ("partner", "CN"), ("flow", "import"), ("hs", "8505")];
        check(&import, None, "China → US 8505 imports");
        check(&[("feed", "smm"), ("grade", "NdPr oxide"), ("market", "CN")], None, "China NdPr oxide");
        check(&[("feed", "smm"), ("grade", "N42"), ("form", "block")], None, "N42 (form block)");
        check(&[("feed", "prices")], None, "prices");
        check(&[("feed", "f"), ("reporter", "CN"), ("partner", "W00")], Some("exports"), "China → world exports");
    }

    #[test]
    fn days_and_periods_have_their_prepositions() {
        assert_eq!(when(Span::parse("2025-09").unwrap()), "in September 2025");
        assert_eq!(when(Span::parse("2025-10-16").unwrap()), "on 16 October 2025");
        assert_eq!(
            day(Timestamp::parse("2025-10-19T16:00:00Z").unwrap(), chrono_tz::Asia::Shanghai),
            "20 October 2025"
        );
    }
}
