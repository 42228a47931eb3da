//! Histories for tests, in a few words: the real figures of 2025 among them.

use proptest::prelude::*;

use super::{Chart, Firing, Level, Line};
use crate::base::clock::Timestamp;
use crate::period::{Frequency, Length, Period, Span};
use crate::series::{AsOf, Finite, History, Labels, PullId, Release, Status, Unit, Vintage};

/// China's exports of permanent magnets of rare earths (customs code 85051110) to the United States in tonnes;
/// General Administration of Customs, as reported by the press. January 2026 is not known.
pub const US: &str = "2025-05 46.4, 2025-06 353, 2025-07 619, 2025-08 590, 2025-09 420.5, 2025-10 656, 2025-11 582, \
                      2025-12 564, 2026-02 449, 2026-03 406";

/// The same with a figure that was revised, one that was withdrawn, one of two months and one that is not sure.
pub const MIXED: &str = "2025-05 46.4, 2025-06 353, 2025-07 619, 2025-08 540, 2025-08 590 2025-10-20, 2025-09 420.5, \
                         2025-10 656, 2025-11 582, 2025-11 x 2026-01-10, 2025-12 564, 2026-01/2026-02 855, 2026-04 406p";

/// A period.
pub fn period(text: &str) -> Period {
    Period::parse(text).unwrap()
}

/// Figures are due on the 20th of the next month.
fn customs() -> Release {
    let (after, grace) = (Length::parse("1mo").unwrap(), Length::parse("3d").unwrap());
    Release { day: Some(20), after, grace, skip: Vec::new(), zone: chrono_tz::UTC }
}

/// A history in tonnes of `span value`, `span value day`; `x` withdraws, `p` and `e` mark what is not sure.
pub fn history(script: &str) -> History {
    let entries: Vec<Vec<&str>> = script
        .split(',')
        .map(|entry| entry.split_whitespace().collect())
        .filter(|words: &Vec<&str>| !words.is_empty())
        .collect();
    let span = |words: &[&str]| Span::parse(words[0]).unwrap();
    let frequency = entries.first().map_or(Frequency::Month, |words| span(words).last().frequency());
    let release = (frequency == Frequency::Month).then(customs);
    let mut history =
        History::new(Labels::default(), frequency, Some(Unit::parse("t").unwrap())).with_release(release.clone());
    for (pull, words) in (1..).map(PullId).zip(&entries) {
        let figure = words[1].trim_end_matches(['p', 'e']);
        let status = match &words[1][figure.len()..] {
            "p" => Status::Preliminary,
            "e" => Status::Estimated,
            _ => Status::Final,
        };
        let due = release.as_ref().and_then(|release| release.due(span(words).last()));
        let day = words.get(2).map(|day| Timestamp::parse(&format!("{day}T00:00:00Z")).unwrap());
        let recorded_at = day.or(due).unwrap_or(Timestamp::from_millis(0));
        let value = (figure != "x").then(|| Finite::new(figure.parse().unwrap()).unwrap());
        history.record(span(words), Vintage { value, status, recorded_at, pull });
    }
    history
}

/// A chart of a script.
pub fn chart(script: &str) -> Chart {
    Chart::new("Magnets, China → US", &history(script).view(AsOf::Latest))
}

/// A chart that has every mark.
pub fn marked() -> Chart {
    let each = ["2025-09 590", "2025-10 420.5", "2026-05 406"].map(|text| text.split_once(' ').unwrap());
    let each = each.map(|(at, value)| (period(at), value.parse().unwrap()));
    chart(MIXED)
        .with_line(Line { name: "fires below".to_owned(), level: Level::Each(each.to_vec()) })
        .with_line(Line { name: "mean".to_owned(), level: Level::Same(480.0) })
        .with_firing([
            Firing { since: period("2025-09"), until: Some(period("2025-09")) },
            Firing { since: period("2026-04"), until: None },
        ])
}

/// Any figure that there can be.
fn figures() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -1e3..1e3,
        1 => proptest::sample::select(vec![0.0, -0.0, f64::MAX, f64::MIN, 5e-324, -5e-324, 1e300, 1e15, 0.1]),
        1 => proptest::num::f64::NORMAL,
    ]
}

/// A chart of anything.
pub fn any_chart() -> impl Strategy<Value = Chart> {
    let entry = (0_i32..40, 0_i32..3, proptest::option::weighted(0.9, figures()), 0_usize..4, 0_i64..60);
    let frequency = proptest::sample::select(Frequency::ALL.to_vec());
    let firing = proptest::collection::vec((-5_i32..45, proptest::option::of(0_i32..5)), 0..3);
    let lines = proptest::collection::vec((any::<String>(), figures(), any::<bool>()), 0..3);
    let year = prop_oneof![Just(2025), Just(1000), Just(9990)];
    (frequency, year, proptest::collection::vec(entry, 0..30), firing, lines, any::<String>()).prop_map(
        |(frequency, year, entries, firing, lines, title)| {
            let start = Period::containing(Period::day(year, 6, 3).unwrap().first_day(), frequency);
            let mut history = History::new(Labels::default(), frequency, None).with_release(Some(customs()));
            for (pull, (offset, more, value, status, days)) in (1..).map(PullId).zip(entries) {
                let Some(span) = Span::new(start.offset(offset), start.offset(offset + more)) else { continue };
                let recorded_at = Timestamp::start_of_day(span.last().last_day(), chrono_tz::UTC);
                let recorded_at = Timestamp::from_millis(recorded_at.millis() + days * 86_400_000);
                let value = value.and_then(Finite::new);
                history.record(span, Vintage { value, status: Status::ALL[status], recorded_at, pull });
            }
            let level = |value: f64, same: bool| match same {
                true => Level::Same(value),
                false => Level::Each(vec![(start, value), (start.offset(3), -value), (start.offset(4), value)]),
            };
            let chart = Chart::new(&title, &history.view(AsOf::Latest)).with_firing(firing.into_iter().map(
                |(since, length)| Firing {
                    since: start.offset(since),
                    until: length.map(|length| start.offset(since + length)),
                },
            ));
            lines
                .into_iter()
                .fold(chart, |chart, (name, value, same)| chart.with_line(Line { name, level: level(value, same) }))
        },
    )
}
