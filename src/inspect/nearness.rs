//! How near a rule is to firing: how many of its gates hold, and the figure at which the rest would.

use crate::period::Period;
use crate::rule::{Distance, Expr, Gate, Judgement, Rule, Severity, Side, Threshold, Verdict, distance, next_distance};
use crate::series::{Quantity, Unit, View};

/// How near the conditions of one severity are.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Level {
    /// The severity, where the rule has a `warning` and a `critical`.
    pub severity: Option<Severity>,
    /// How many gates it has.
    pub gates: usize,
    /// How many of them hold.
    pub hold: usize,
    /// Where all of them together change; nothing where neither the judged period's figure nor the next alone
    /// changes them.
    pub nearness: Option<Nearness>,
    /// All of that in words: `2 of 3 gates hold; fires below 590 t, now 619 t`.
    pub in_words: String,
}

/// Where conditions change as one period's figure does, the others as they are.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Nearness {
    /// The period: the judged one, or the one after it, whose figure is not published yet.
    pub period: Period,
    /// Its figure, in the series' unit; nothing where it is not published yet.
    pub now: Option<f64>,
    /// The nearest change below the figure and the nearest above it.
    pub thresholds: Vec<Change>,
    /// In words: `fires below 590 t, now 619 t`.
    pub in_words: String,
}

/// Where a condition changes.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// On which side of the figure the condition holds.
    pub fires: Side,
    /// The figure, in the series' unit.
    pub value: f64,
}

impl Nearness {
    fn new(distance: Distance, verb: &str, unit: Option<&Unit>) -> Self {
        let in_words = told(&distance, verb, unit);
        let Distance { period, now, thresholds } = distance;
        let change = |threshold: Threshold| Change { fires: threshold.holds, value: threshold.value };
        Self { period, now, thresholds: thresholds.into_iter().map(change).collect(), in_words }
    }

    /// How much the figure would have to change, as a share of `figure`; the least of the changes.
    pub fn share(&self, figure: f64) -> Option<f64> {
        let now = self.now.unwrap_or(figure);
        let shares = self.thresholds.iter().map(|change| (change.value - now).abs() / now.abs());
        shares.filter(|share| share.is_finite()).min_by(f64::total_cmp)
    }
}

/// How near each severity of a rule is, the milder first. No figure moves what is said of items.
pub fn levels(rule: &Rule, view: &View<'_>, judgement: &Judgement) -> Vec<Level> {
    if rule.is_of_items() {
        return Vec::new();
    }
    let level = |(severity, gates): (Option<Severity>, &[Expr])| {
        let of_level = judgement.gates.iter().filter(|gate| gate.severity == severity);
        let hold = of_level.filter(|gate| gate.verdict == Verdict::Holds).count();
        let verb = severity.map_or_else(|| "fires".to_owned(), |severity| format!("is {severity}"));
        let nearness = nearness(rule, gates, view, judgement.period, &verb);
        let count = match gates.len() {
            1 => String::new(),
            all => format!("{hold} of {all} gates hold; "),
        };
        let told = nearness.as_ref().map_or_else(
            || format!("neither the figure of {} nor the next alone changes it", judgement.period),
            |nearness| nearness.in_words.clone(),
        );
        Level { severity, gates: gates.len(), hold, nearness, in_words: format!("{count}{told}") }
    };
    severities(rule).into_iter().map(level).collect()
}

/// How near one of several gates is.
pub fn of_gate(rule: &Rule, view: &View<'_>, period: Period, gate: &Gate) -> Option<Nearness> {
    let (_, gates) = severities(rule).into_iter().find(|(severity, _)| *severity == gate.severity)?;
    let same = gates.iter().filter(|_| gates.len() > 1).find(|expr| expr.text() == gate.text)?;
    nearness(rule, std::slice::from_ref(same), view, period, "holds")
}

/// The gates of each severity.
fn severities(rule: &Rule) -> Vec<(Option<Severity>, &[Expr])> {
    match &rule.worse {
        None => vec![(None, &rule.when)],
        Some(worse) => vec![(Some(rule.severity), &rule.when), (Some(worse.severity), &worse.when)],
    }
}

/// By the judged period's figure; where that changes nothing, by the next one's.
fn nearness(rule: &Rule, gates: &[Expr], view: &View<'_>, period: Period, verb: &str) -> Option<Nearness> {
    let found = distance(rule, gates, view, period).or_else(|| next_distance(rule, gates, view, period))?;
    Some(Nearness::new(found, verb, view.history().unit()))
}

/// `fires below 41 200 t, now 43 900 t`.
fn told(distance: &Distance, verb: &str, unit: Option<&Unit>) -> String {
    let quantity = |value: f64| Quantity { value, unit: unit.cloned() }.to_string();
    let side = |threshold: &Threshold| format!("{} {}", threshold.holds.name(), quantity(threshold.value));
    let sides: Vec<String> = distance.thresholds.iter().map(side).collect();
    let both = matches!(distance.thresholds[..], [a, b] if a.holds == Side::Above && b.holds == Side::Below);
    let sides = sides.join(if both { " and " } else { " or " });
    match distance.now {
        Some(now) => format!("{verb} {sides}, now {}", quantity(now)),
        None => format!("{verb} in {} {sides}", distance.period),
    }
}
