//! What the tests of this module share: histories in one line, and random expressions and histories.

use proptest::prelude::*;

use super::evaluate::Scope;
use super::evidence::{Reading, Value};
use super::expr::{Expr, ExprError, Subject};
use super::measure::{MEASURES, Takes};
use super::syntax::{Argument, Node, NodeKind, Operator};
use crate::base::clock::Timestamp;
use crate::period::{Frequency, Length, LengthUnit, Period, Span};
use crate::series::{AsOf, Finite, History, Labels, PullId, Quantity, Status, Unit, Vintage};

/// China's exports of rare-earth magnets to the US in tonnes, as the press reported the customs figures.
pub const MAGNETS: &str = "2024-09=596 2025-05=46.4 2025-06=353 2025-07=619 2025-08=590 2025-09=420.5 2025-10=656";

pub fn unit(text: &str) -> Option<Unit> {
    (!text.is_empty()).then(|| Unit::parse(text).unwrap())
}

pub fn period(text: &str) -> Period {
    Period::parse(text).unwrap()
}

/// A history from `2025-08=590 2025-09=420.5`; its frequency is that of its first period.
pub fn history(unit_text: &str, figures: &str) -> History {
    let spans: Vec<(Span, f64)> = figures
        .split_whitespace()
        .map(|figure| figure.split_once('=').unwrap())
        .map(|(span, value)| (Span::parse(span).unwrap(), value.parse().unwrap()))
        .collect();
    let frequency = spans.first().map_or(Frequency::Month, |(span, _)| span.last().frequency());
    filled(frequency, unit(unit_text), &spans)
}

fn filled(frequency: Frequency, unit: Option<Unit>, figures: &[(Span, f64)]) -> History {
    let mut history = History::new(Labels::default(), frequency, unit);
    for (span, value) in figures {
        let recorded_at = Timestamp::parse("2025-10-20T00:00:00Z").unwrap();
        let value = Finite::new(*value);
        history.record(*span, Vintage { value, status: Status::Final, recorded_at, pull: PullId(1) });
    }
    history
}

/// An expression read at a period of a history.
pub fn read_with(history: &History, text: &str, at: &str, min_base: Option<&Quantity>) -> Reading {
    let expr = Expr::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    Scope::new(history.view(AsOf::Latest), period(at), min_base).read(expr.root())
}

/// Each line: an expression, `@` a period, `=` its value.
#[track_caller]
pub fn check(history: &History, table: &str) {
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (question, expected) = line.rsplit_once(" = ").unwrap();
        let (text, at) = question.rsplit_once('@').unwrap();
        let reading = read_with(history, text.trim(), at.trim(), None);
        assert_eq!(reading.words(&crate::series::Notation::default()), expected.trim(), "{line}");
    }
}

/// The spans of the figures that an expression used.
pub fn used(history: &History, text: &str, at: &str) -> String {
    let points = read_with(history, text, at, None).all_points();
    points.iter().map(|point| point.span.to_string()).collect::<Vec<_>>().join(" ")
}

pub fn subject(frequency: Frequency, unit_text: &str) -> Subject {
    Subject { frequency, unit: Some(unit(unit_text)) }
}

/// An error as it is shown: the text, the underlining with its label, the message, the help.
pub fn shown(text: &str, error: &ExprError) -> String {
    let before = text[..error.span.start].chars().count();
    let width = text[error.span.clone()].chars().count().max(1);
    let help = error.help.as_ref().map(|help| format!("\n  help: {help}")).unwrap_or_default();
    format!("{text}\n{}{} {}\n  {}{help}", " ".repeat(before), "^".repeat(width), error.label, error.message)
}

/// Numbers of every size that figures and thresholds can have.
pub fn numbers() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (0_u32..2000).prop_map(f64::from),
        2 => (0_u32..100_000).prop_map(|n| f64::from(n) / 100.0),
        1 => Just(0.0),
        1 => prop_oneof![Just(1e-300), Just(1e300), Just(f64::MAX), Just(f64::MIN_POSITIVE), Just(1e15), Just(1e-6)],
        1 => any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(f64::abs),
    ]
}

fn units() -> impl Strategy<Value = Unit> {
    let names = vec!["t", "kg", "ozt", "USD", "MUSD", "bnUSD", "CNY/t", "kJPY/kg", "count", "index", "percent"];
    prop::sample::select(names).prop_map(|name| Unit::parse(name).unwrap())
}

fn lengths() -> impl Strategy<Value = Length> {
    use LengthUnit::{Day, Month, Week, Year};
    (0_u32..40, prop::sample::select(vec![Day, Week, Month, Year])).prop_map(|(count, unit)| Length { count, unit })
}

/// Periods whose text is no number: a year's is.
fn periods() -> impl Strategy<Value = Period> {
    prop::sample::select(vec!["2025-08", "2025-Q3", "2025-W33", "2025-08-15"]).prop_map(period)
}

fn node(kind: NodeKind) -> Node {
    Node { span: 0..0, kind }
}

/// Any tree that the parser can make, whether it means something or not.
pub fn trees() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        numbers().prop_map(NodeKind::Number),
        numbers().prop_map(NodeKind::Percent),
        (numbers(), units()).prop_map(|(value, unit)| NodeKind::Quantity(value, unit)),
        lengths().prop_map(NodeKind::Length),
        periods().prop_map(NodeKind::Period),
        prop::sample::select(MEASURES.iter().collect::<Vec<_>>())
            .prop_map(|measure| NodeKind::Measure(measure, Vec::new())),
    ];
    leaf.prop_map(node).prop_recursive(5, 40, 3, |inner| {
        let operators = vec![
            Operator::Or,
            Operator::And,
            Operator::Greater,
            Operator::GreaterEqual,
            Operator::Less,
            Operator::LessEqual,
            Operator::Equal,
            Operator::NotEqual,
            Operator::Add,
            Operator::Subtract,
            Operator::Multiply,
            Operator::Divide,
        ];
        let gentle: Vec<_> = MEASURES.iter().filter(|measure| !measure.walks).collect();
        prop_oneof![
            2 => (prop::sample::select(gentle), prop::collection::vec(inner.clone(), 1..3)).prop_map(called),
            1 => inner.clone().prop_map(|inner| node(NodeKind::Not(Box::new(inner)))),
            1 => inner.clone().prop_map(|inner| node(NodeKind::Negate(Box::new(inner)))),
            5 => (prop::sample::select(operators), inner.clone(), inner).prop_map(|(operator, left, right)| {
                node(NodeKind::Binary(operator, Box::new(left), Box::new(right)))
            }),
        ]
    })
}

/// A measure with as many of the arguments as it has room for.
fn called((measure, nodes): (&'static super::measure::Measure, Vec<Node>)) -> Node {
    let count = nodes.len().min(measure.parameters.len());
    let argument = |(position, other)| {
        let slot = measure.slot(None, position, count);
        let node = match slot.map(|slot| measure.parameters[slot].takes) {
            Some(Takes::Label) => node(NodeKind::Label("partner".into())),
            Some(Takes::Pick) => node(NodeKind::Pick("trade's flow".into(), "C N".into())),
            Some(Takes::Search) => node(NodeKind::Text("rare earth".into())),
            Some(_) | None => other,
        };
        Argument { name: None, span: 0..0, slot, node }
    };
    node(NodeKind::Measure(measure, nodes.into_iter().take(count).enumerate().map(argument).collect()))
}

/// Conditions in words that fit a monthly series in tonnes.
pub fn conditions() -> impl Strategy<Value = String> {
    let ratio = || {
        prop_oneof![
            prop::sample::select(vec![
                "change",
                "yoy",
                "change(3)",
                "change(1y)",
                "change_since(2025-03)",
                "drawdown(3)",
                "runup(2)",
                "percentile(3)",
                "slope(3)",
                "volatility(2)",
                "ytd_yoy",
                "revision",
                "25%",
                "-5%"
            ])
            .prop_map(str::to_owned),
            prop::sample::select(vec!["value / mean(3)", "lag(yoy, 2)", "change * 2", "diff / lag(1) + 3%", "50% / 2"])
                .prop_map(str::to_owned),
        ]
    };
    let figure = || {
        prop::sample::select(vec![
            "value",
            "lag(2)",
            "diff",
            "mean(3)",
            "sum(1y)",
            "median(3)",
            "stddev(2)",
            "ytd",
            "min(2) - max(2)",
            "400 t",
            "7 kg * 3",
        ])
        .prop_map(str::to_owned)
    };
    let count = || {
        prop::sample::select(vec!["declines", "rises(5%)", "streak(value > 100 kg)", "declines + rises", "2", "0"])
            .prop_map(str::to_owned)
    };
    let score = || {
        prop::sample::select(vec!["zscore(3)", "robust_zscore(3)", "seasonal_zscore(2)", "zscore(2) * 2", "-2.5"])
            .prop_map(str::to_owned)
    };
    let sign = || prop::sample::select(vec![">", ">=", "<", "<=", "==", "!="]);
    let comparison = prop_oneof![
        (ratio(), sign(), ratio()).prop_map(|(a, sign, b)| format!("{a} {sign} {b}")),
        (figure(), sign(), figure()).prop_map(|(a, sign, b)| format!("{a} {sign} {b}")),
        (count(), sign(), count()).prop_map(|(a, sign, b)| format!("{a} {sign} {b}")),
        (score(), sign(), score()).prop_map(|(a, sign, b)| format!("{a} {sign} {b}")),
    ];
    comparison.prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} or {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} and {b}")),
            inner.prop_map(|a| format!("not ({a})")),
        ]
    })
}

/// A series with gaps, zeros, negative and huge figures, single or combined periods.
pub fn histories() -> impl Strategy<Value = History> {
    let figure = prop_oneof![3 => numbers(), 1 => numbers().prop_map(|n| -n)];
    let entry = (0_i32..40, prop_oneof![6 => Just(0_i32), 1 => 1_i32..3], figure);
    let frequency = prop::sample::select(Frequency::ALL.to_vec());
    let unit_text = prop::sample::select(vec!["", "t", "kg", "USD", "percent"]);
    (frequency, unit_text, prop::collection::vec(entry, 0..30)).prop_map(|(frequency, unit_text, entries)| {
        let start = Period::containing(period("2024-06-03").first_day(), frequency);
        let spans = entries.into_iter().filter_map(|(offset, more, value)| {
            Some((Span::new(start.offset(offset), start.offset(offset + more))?, value))
        });
        filled(frequency, unit(unit_text), &spans.collect::<Vec<_>>())
    })
}

/// Whether a value says that units do not fit.
pub fn is_misfit(reading: &Reading) -> bool {
    let own = match &reading.value {
        Value::Unknown(reasons) => reasons.iter().any(|reason| matches!(reason, super::Reason::Unit(_))),
        _ => false,
    };
    own || reading.parts.iter().any(is_misfit)
}
