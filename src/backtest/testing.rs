//! Rules and histories for tests: the real figures of 2025 among them.

use crate::base::clock::Timestamp;
use crate::period::{Frequency, Length, Span};
use crate::rule::{Expr, Rule, Severity};
use crate::series::{Finite, History, Labels, PullId, Release, Status, Unit, Vintage};

/// China's exports of permanent magnets of rare earths (customs code 85051110), all destinations, in
/// tonnes; General Administration of Customs, as reported by the press. 2025-02, 2025-03, 2025-04 and
/// 2026-01 are derived from reported changes and sums.
pub const WORLD: &str = "
    2025-01 6357
    2025-02 3587
    2025-03 5323
    2025-04 2626
    2025-05 1238
    2025-06 3188
    2025-07 5577
    2025-08 6146
    2025-09 5774
    2025-10 5473
    2025-11 6150
    2025-12 5952
    2026-01 6023
    2026-02 4740
    2026-03 5238
";

/// The same to the United States. January 2026 is not known.
pub const US: &str = "
    2025-05 46.4
    2025-06 353
    2025-07 619
    2025-08 590
    2025-09 420.5
    2025-10 656
    2025-11 582
    2025-12 564
    2026-02 449
    2026-03 406
";

/// A rule on magnet exports.
pub fn rule(when: &str, clear: Option<&str>) -> Rule {
    Rule {
        name: "falling".into(),
        when: vec![Expr::parse(when).unwrap()],
        clear: clear.map(|clear| Expr::parse(clear).unwrap()),
        severity: Severity::Critical,
        notify: Some(vec!["desk".into()]),
        title: Some("magnet exports".into()),
        hash: "hash".into(),
        ..Rule::default()
    }
}

/// The labels of magnet exports to a partner.
pub fn labels(partner: &str) -> Labels {
    [("feed", "magnets"), ("reporter", "CN"), ("partner", partner), ("flow", "export")].into_iter().collect()
}

/// Figures are known on the 20th of the next month.
pub fn customs() -> Release {
    let (after, grace) = (Length::parse("1mo").unwrap(), Length::parse("3d").unwrap());
    Release { day: Some(20), after, grace, skip: Vec::new(), zone: chrono_tz::UTC }
}

/// A day's beginning in UTC.
pub fn at(day: &str) -> Timestamp {
    Timestamp::parse(&format!("{day}T00:00:00Z")).unwrap()
}

/// A monthly history in tonnes: lines of `span value` (known on the 20th of the next month) or
/// `span value day`.
pub fn history(partner: &str, script: &str) -> History {
    let mut history = History::new(labels(partner), Frequency::Month, Some(Unit::parse("t").unwrap()));
    for (pull, line) in (1..).map(PullId).zip(script.lines().map(str::trim).filter(|line| !line.is_empty())) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let span = Span::parse(words[0]).unwrap();
        let recorded_at = words.get(2).map_or_else(|| customs().due(span.last()).unwrap(), |day| at(day));
        let value = Finite::new(words[1].parse().unwrap());
        history.record(span, Vintage { value, status: Status::Final, recorded_at, pull });
    }
    history
}
