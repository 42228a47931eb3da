//! `share`, `top_share`, `hhi`, `count`: how a group's total is made up of its members.
//!
//! They need a rule with `group_by`; the group's history has its members with it. A share of nothing, and
//! of a total with parts below zero, says nothing and is unknown.
//!
//! `hhi` is the sum of the squared shares, 1/n for n equal parts and 1 for a single one: A. O. Hirschman,
//! "The Paternity of an Index", American Economic Review 54 (1964), of an index that he and O. C.
//! Herfindahl used. Competition authorities quote it times 10 000.

use std::collections::BTreeMap;

use super::super::evaluate::Scope;
use super::super::evidence::{Reading, Reason, Value};
use super::super::headline::Telling;
use super::super::syntax::NodeKind;
use super::{Call, Gives, Measure, Measured, Parameter, Takes};
use crate::base::text::printable;
use crate::series::derive::part;
use crate::series::{Gap, Point, country};

/// How many parts a reading tells one by one, largest first.
const PARTS_TOLD: usize = 5;
/// Labels whose values are countries, which messages call by their names.
const COUNTRIES: [&str; 2] = ["reporter", "partner"];

const LABEL: Parameter = Parameter { name: "label", takes: Takes::Label, optional: false };

/// The part of the members with a label's value.
pub const SHARE: Measure = Measure {
    name: "share",
    parameters: &[Parameter { name: "label", takes: Takes::Pick, optional: false }],
    signature: "`share(label='value')`",
    gives: Gives::Share,
    walks: false,
    read: |scope, call| {
        let Some((label, wanted)) = picked(call) else { return misused() };
        let wanted = canonical(label, wanted);
        of_parts(scope, label, |parts, total| {
            Value::Ratio(parts.iter().filter(|part| part.0 == wanted).map(|part| part.1).sum::<f64>() / total)
        })
    },
    words: |telling| {
        let (label, value) = picked(&telling.call)?;
        Some(format!("had {} at {}", named(label, &canonical(label, value)), ratio(telling)?))
    },
};

/// The part of the k largest.
pub const TOP_SHARE: Measure = Measure {
    name: "top_share",
    parameters: &[LABEL, Parameter { name: "k", takes: Takes::Rank, optional: true }],
    signature: "`top_share(label, k=1)`",
    gives: Gives::Share,
    walks: false,
    read: |scope, call| {
        let Some(label) = label(call) else { return misused() };
        of_parts(scope, label, |parts, total| {
            Value::Ratio(parts.iter().take(call.rank(1)).map(|part| part.1).sum::<f64>() / total)
        })
    },
    words: |telling| {
        let (label, share) = (label(&telling.call)?, ratio(telling)?);
        Some(match telling.call.rank(1) {
            1 => format!("had its largest {label} at {share}"),
            k => format!("had its {k} largest by {label} at {share}"),
        })
    },
};

/// The concentration.
pub const HHI: Measure = Measure {
    name: "hhi",
    parameters: &[LABEL],
    signature: "`hhi(label)`",
    gives: Gives::Count,
    walks: false,
    read: |scope, call| {
        let Some(label) = label(call) else { return misused() };
        of_parts(scope, label, |parts, total| Value::Count(parts.iter().map(|part| (part.1 / total).powi(2)).sum()))
    },
    words: |telling| {
        let Value::Count(index) = *telling.value else { return None };
        Some(format!(
            "had a concentration by {} of {}",
            label(&telling.call)?,
            telling.notation.number((index * 1e3).round() / 1e3)
        ))
    },
};

/// The number of members with a figure.
pub const COUNT: Measure = Measure {
    name: "count",
    parameters: &[],
    signature: "`count`",
    gives: Gives::Count,
    walks: false,
    read: |scope, _| {
        if scope.view.history().members().is_empty() {
            return misused();
        }
        let total = total(scope);
        let span = total.map_or(scope.period.into(), |point| point.span);
        let unit = scope.view.history().unit();
        let present = scope.view.members().filter(|member| part(member, unit, span).is_some()).count();
        Measured::new(Value::Count(present as f64), total.into_iter().collect())
    },
    words: |telling| match *telling.value {
        Value::Count(1.0) => Some("had one member".to_owned()),
        Value::Count(count) => Some(format!("had {} members", telling.notation.number(count))),
        _ => None,
    },
};

fn label<'a>(call: &Call<'a>) -> Option<&'a str> {
    match &call.argument(0)?.kind {
        NodeKind::Label(label) => Some(label),
        _ => None,
    }
}

fn picked<'a>(call: &Call<'a>) -> Option<(&'a str, &'a str)> {
    match &call.argument(0)?.kind {
        NodeKind::Pick(label, value) => Some((label, value)),
        _ => None,
    }
}

/// A value as feeds have it.
fn canonical(label: &str, value: &str) -> String {
    if COUNTRIES.contains(&label) { country::canonical(value) } else { value.to_owned() }
}

/// A value as messages call it.
fn named(label: &str, value: &str) -> String {
    match value {
        "" => format!("no {label}"),
        value if COUNTRIES.contains(&label) => country::name(value),
        value => printable(value),
    }
}

fn ratio(telling: &Telling<'_>) -> Option<String> {
    match *telling.value {
        Value::Ratio(ratio) => Some(telling.percent(ratio)),
        _ => None,
    }
}

/// The check refuses these measures without a group; a rule that was never checked finds nothing there.
fn misused() -> Measured {
    Measured::new(Value::Unknown(vec![Reason::Unit("the rule judges one series, not a group".to_owned())]), Vec::new())
}

/// The group's figure: the one of the period, or the combined one that ends with it.
fn total(scope: &Scope<'_>) -> Option<Point> {
    match scope.now() {
        Ok(point) => Some(point),
        Err(Gap::Combined(_, span)) if span.last() == scope.period => scope.view.exactly(span),
        Err(_) => None,
    }
}

/// A value of the group's parts by the values of a label, largest first, and of their sum.
fn of_parts(scope: &Scope<'_>, label: &str, value: impl Fn(&[(String, f64)], f64) -> Value) -> Measured {
    if scope.view.history().members().is_empty() {
        return misused();
    }
    let unknown = |reason| Value::Unknown(vec![reason]);
    let Some(point) = total(scope) else {
        let reason = scope.now().err().map_or(Reason::Overflow, Reason::Gap);
        return Measured::new(unknown(reason), Vec::new());
    };
    let parts = parts(scope, label, point);
    let total: f64 = parts.iter().map(|part| part.1).sum();
    let negative = parts.iter().rev().find(|part| part.1 < 0.0);
    let told = if let Some((name, _)) = negative {
        unknown(Reason::NegativePart(named(label, name), scope.period))
    } else if total == 0.0 {
        unknown(Reason::ZeroOverZero(scope.period))
    } else if let Some(reason) = scope.below_min_base(scope.period, total) {
        unknown(reason)
    } else {
        value(&parts, total)
    };
    Measured { value: told, points: vec![point], parts: readings(scope, label, &parts), items: Vec::new() }
}

/// What the members come to by the values of a label, largest first.
fn parts(scope: &Scope<'_>, label: &str, total: Point) -> Vec<(String, f64)> {
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    for member in scope.view.members() {
        if let Some(part) = part(&member, scope.view.history().unit(), total.span) {
            *sums.entry(member.history().labels().value(label).unwrap_or("")).or_default() += part.value;
        }
    }
    let mut parts: Vec<(String, f64)> = sums.into_iter().map(|(name, sum)| (name.to_owned(), sum)).collect();
    parts.sort_by(|a, b| b.1.total_cmp(&a.1));
    parts
}

/// The largest parts one by one, the others together.
fn readings(scope: &Scope<'_>, label: &str, parts: &[(String, f64)]) -> Vec<Reading> {
    let reading = |text, value| Reading::told(text, scope.quantity(value), Vec::new());
    // One more is told rather than called "one more".
    let told = if parts.len() == PARTS_TOLD + 1 { parts.len() } else { PARTS_TOLD.min(parts.len()) };
    let (largest, others) = parts.split_at(told);
    let mut readings: Vec<Reading> = largest.iter().map(|(name, sum)| reading(named(label, name), *sum)).collect();
    if !others.is_empty() {
        readings.push(reading(format!("{} more", others.len()), others.iter().map(|part| part.1).sum()));
    }
    readings
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{check, history, read_with};
    use crate::series::derive::group;
    use crate::series::{History, Labels, Quantity};

    /// A group of monthly series in tonnes, each with its partner.
    fn partners(members: &[(&str, &str)]) -> History {
        let member = |(partner, figures): &(&str, &str)| {
            history("t", figures).relabelled([("partner", *partner)].into_iter().collect())
        };
        group(Labels::default(), members.iter().map(member).collect()).unwrap()
    }

    /// By hand: 60 + 25 + 15 = 100; 0.6² + 0.25² + 0.15² = 0.445.
    fn three() -> History {
        partners(&[
            ("MY", "2025-08=30 2025-09=25"),
            ("CN", "2025-08=50 2025-09=60 2025-10=1"),
            ("VN", "2025-08=20 2025-09=15 2025-10=1"),
        ])
    }

    #[test]
    fn parts_of_a_total() {
        check(
            &three(),
            "
            share(partner='CN')    @ 2025-09 = 60 %
            share(partner='CHN')   @ 2025-09 = 60 %
            share(partner=\"MY\")  @ 2025-09 = 25 %
            share(partner='US')    @ 2025-09 = 0 %
            top_share(partner)     @ 2025-09 = 60 %
            top_share(partner, 2)  @ 2025-09 = 85 %
            top_share(k=9, label=partner) @ 2025-09 = 100 %
            hhi(partner)           @ 2025-09 = 0.445
            hhi('no such label')   @ 2025-09 = 1
            count                  @ 2025-09 = 3
            value                  @ 2025-09 = 100 t
            change                 @ 2025-09 = 0 %
            lag(share(partner='CN'), 1) @ 2025-09 = 50 %
            share(partner='CN') - lag(share(partner='CN'), 1) @ 2025-09 = +10 %
            streak(share(partner='CN') > 50%) @ 2025-09 = 1
            share(partner='CN')    @ 2025-10 = unknown (waiting for 2025-10)
            hhi(partner)           @ 2025-10 = unknown (waiting for 2025-10)
            count                  @ 2025-10 = 2
        ",
        );
    }

    #[test]
    fn what_has_no_shares() {
        let odd = partners(&[("CN", "2025-07=0 2025-08=5 2025-09=5"), ("MY", "2025-07=0 2025-08=-1 2025-09=5")]);
        check(
            &odd,
            "
            share(partner='CN') @ 2025-07 = unknown (zero over zero at 2025-07)
            hhi(partner)        @ 2025-08 = unknown (the figure of Malaysia at 2025-08 is below zero)
            hhi(partner)        @ 2025-09 = 0.5
        ",
        );
        let least = Quantity::parse("1 kt").unwrap();
        let reading = read_with(&odd, "share(partner='CN')", "2025-09", Some(&least));
        let expected = "unknown (the base at 2025-09, 10 t, is below min_base 1 kt)";
        assert_eq!(reading.words(&crate::series::Notation::default()), expected);
        check(
            &history("t", "2025-09=5"),
            "
            share(partner='CN') @ 2025-09 = unknown (the rule judges one series, not a group)
            count               @ 2025-09 = unknown (the rule judges one series, not a group)
        ",
        );
    }

    #[test]
    fn a_combined_period_has_shares_at_its_end() {
        let chinese = partners(&[("CN", "2024-12=1 2025-01/2025-02=30"), ("MY", "2024-12=1 2025-01=4 2025-02=6")]);
        check(
            &chinese,
            "
            share(partner='CN') @ 2025-02 = 75 %
            count               @ 2025-02 = 2
            share(partner='CN') @ 2025-01 = unknown (2025-01 was published only as part of 2025-01/2025-02 (combined period))
        ",
        );
    }

    #[test]
    fn a_reading_tells_the_largest_parts_and_the_rest_together() {
        let told = |history: &History| {
            let reading = read_with(history, "hhi(partner)", "2025-09", None);
            let parts = reading.parts.iter().map(|part| format!("{} {}", part.text, part.value));
            (parts.collect::<Vec<_>>().join(", "), reading.all_points().len())
        };
        assert_eq!(told(&three()), ("China 60 t, Malaysia 25 t, Vietnam 15 t".to_owned(), 1));
        let codes = ["CN", "MY", "VN", "US", "DE", "FR", "JP"];
        let figures: Vec<String> = (1..).zip(codes).map(|(n, _)| format!("2025-09={n}")).collect();
        let many: Vec<(&str, &str)> = codes.into_iter().zip(figures.iter().map(String::as_str)).collect();
        assert_eq!(told(&partners(&many)).0, "Japan 7 t, France 6 t, Germany 5 t, US 4 t, Vietnam 3 t, 2 more 3 t");
        assert_eq!(
            told(&partners(&many[..6])).0,
            "France 6 t, Germany 5 t, US 4 t, Vietnam 3 t, Malaysia 2 t, China 1 t"
        );
    }

    #[test]
    fn a_single_member_is_all_of_its_group() {
        let alone = partners(&[("CN", "2025-08=0 2025-09=30")]);
        check(
            &alone,
            "
            hhi(partner)            @ 2025-09 = 1
            top_share(partner)      @ 2025-09 = 100 %
            top_share(partner, 1000) @ 2025-09 = 100 %
            share(partner='CN')     @ 2025-09 = 100 %
            share(hs='8505')        @ 2025-09 = 0 %
            count                   @ 2025-09 = 1
            count                   @ 2025-07 = 0
            hhi(partner)            @ 2025-08 = unknown (zero over zero at 2025-08)
            hhi(partner)            @ 2025-07 = unknown (waiting for 2025-07)
        ",
        );
    }

    #[test]
    fn several_members_of_one_value_are_one_part() {
        let twice = partners(&[("CN", "2025-09=30"), ("CN", "2025-09=30"), ("MY", "2025-09=40")]);
        check(&twice, "hhi(partner) @ 2025-09 = 0.52\n top_share(partner) @ 2025-09 = 60 %\n count @ 2025-09 = 3");
    }
}
