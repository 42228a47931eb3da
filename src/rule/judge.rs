//! A rule's verdict on one period: each gate with how it came to it, and all of them together.

use super::evaluate::Scope;
use super::evidence::{Gate, Reason, Value, Verdict};
use super::expr::Expr;
use super::operate::{and, or};
use super::{Level, OnGap, Rule, Severity};
use crate::period::Period;
use crate::series::{KnownItem, View};

/// What a rule says of one period.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The period.
    pub period: Period,
    /// Whether the rule holds: all gates, of one severity at least where it has two.
    pub verdict: Verdict,
    /// The gates, the milder severity's first.
    pub gates: Vec<Gate>,
    /// What `clear` says, one for each severity that has one.
    pub clear: Vec<Gate>,
    /// What each severity's conditions come to, the milder first: one at least, and two at most.
    pub levels: Vec<Judged>,
}

/// What the conditions of one severity come to.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The severity.
    pub severity: Severity,
    /// Whether all gates hold.
    pub when: Verdict,
    /// What `clear` says, where there is one.
    pub clear: Option<Verdict>,
}

impl Judgement {
    /// The items behind the gates that hold, each once.
    pub fn items(&self) -> Vec<&KnownItem> {
        let mut items: Vec<&KnownItem> = Vec::new();
        for known in
            self.gates.iter().filter(|gate| gate.verdict == Verdict::Holds).flat_map(|gate| gate.reading.all_items())
        {
            if !items.iter().any(|other| other.item.id == known.item.id) {
                items.push(known);
            }
        }
        items
    }

    /// How many measures are unknown because their base is below `min_base`.
    pub fn kept_quiet(&self) -> usize {
        self.gates.iter().map(|gate| gate.reading.kept_quiet()).sum()
    }
}

/// Judges one period of a history as a view shows it. It is a pure function of the three.
pub fn judge(rule: &Rule, view: &View<'_>, period: Period) -> Judgement {
    let scope = Scope::new(rule.seen(*view), period, rule.min_base.as_ref());
    let bench = Bench { scope, on_gap: rule.on_gap, told: rule.worse.is_some() };
    let mut judgement =
        Judgement { period, verdict: Verdict::Fails, gates: Vec::new(), clear: Vec::new(), levels: Vec::new() };
    let mut all = bench.level(rule.severity, &rule.when, rule.clear.as_ref(), &mut judgement);
    if let Some(Level { severity, when, clear }) = &rule.worse {
        all = or(all, bench.level(*severity, when, clear.as_ref(), &mut judgement));
    }
    judgement.verdict = verdict(all);
    judgement
}

/// Where a rule's conditions are judged.
struct Bench<'a> {
    scope: Scope<'a>,
    on_gap: OnGap,
    /// Whether gates say of which severity they are.
    told: bool,
}

impl Bench<'_> {
    /// Whether the gates of one severity hold; what they and `clear` said goes into the judgement.
    fn level(&self, severity: Severity, when: &[Expr], clear: Option<&Expr>, into: &mut Judgement) -> Value {
        let gates: Vec<(Gate, Value)> = when.iter().map(|condition| self.gate(severity, condition)).collect();
        let all = gates.iter().map(|(_, truth)| truth.clone()).fold(Value::Truth(true), and);
        let clear = clear.map(|condition| self.gate(severity, condition).0);
        let said = clear.as_ref().map(|gate| gate.verdict.clone());
        into.levels.push(Judged { severity, when: verdict(all.clone()), clear: said });
        into.gates.extend(gates.into_iter().map(|(gate, _)| gate));
        into.clear.extend(clear);
        all
    }

    fn gate(&self, severity: Severity, condition: &Expr) -> (Gate, Value) {
        let reading = self.scope.read(condition.root());
        let truth = self.settled(truth(&reading.value));
        let severity = self.told.then_some(severity);
        (Gate { severity, text: condition.text().to_owned(), verdict: verdict(truth.clone()), reading }, truth)
    }

    /// What is unknown for want of figures alone fails where the rule says so.
    fn settled(&self, truth: Value) -> Value {
        let for_gaps = |reasons: &[Reason]| {
            let of_gap = |reason: &Reason| matches!(reason, Reason::Gap(_) | Reason::Others(_));
            reasons.iter().any(|reason| matches!(reason, Reason::Gap(_))) && reasons.iter().all(of_gap)
        };
        match &truth {
            Value::Unknown(reasons) if self.on_gap == OnGap::Break && for_gaps(reasons) => Value::Truth(false),
            _ => truth,
        }
    }
}

/// What a gate's value says. The check refuses whatever is no condition; without it, no verdict comes of one.
fn truth(value: &Value) -> Value {
    match value {
        Value::Truth(_) | Value::Unknown(_) => value.clone(),
        Value::Ratio(_) | Value::Quantity(..) | Value::Count(_) | Value::Time(_) | Value::AtLeast(..) => {
            Value::Unknown(vec![Reason::Unit("the expression is no condition".to_owned())])
        }
    }
}

fn verdict(truth: Value) -> Verdict {
    match truth {
        Value::Truth(true) => Verdict::Holds,
        Value::Unknown(reasons) => Verdict::Unknown(reasons),
        _ => Verdict::Fails,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{
        MAGNETS, conditions, histories, history, is_misfit, period, read_with, subject, trees, unit,
    };
    use super::super::{Rule, headline};
    use super::*;
    use crate::period::Frequency;
    use crate::series::{AsOf, History, Notation, Quantity};

    fn rule(when: &[&str], clear: Option<&str>) -> Rule {
        let read = |text: &&str| Expr::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        Rule { when: when.iter().map(read).collect(), clear: clear.map(|clear| read(&clear)), ..Rule::default() }
    }

    fn told(rule: &Rule, history: &History, at: &str) -> String {
        let judgement = judge(rule, &history.view(AsOf::Latest), period(at));
        let gates = judgement.gates.iter().chain(&judgement.clear).map(|gate| gate.verdict.name());
        let gates: Vec<&str> = gates.collect();
        match judgement.verdict {
            Verdict::Unknown(reasons) => format!("unknown {reasons:?} of {}", gates.join(" ")),
            verdict => format!("{} of {}", verdict.name(), gates.join(" ")),
        }
    }

    #[test]
    fn all_gates_must_hold_and_clear_is_told_apart() {
        let magnets = history("t", MAGNETS);
        let check = |when: &[&str], clear, at, expected: &str| {
            assert_eq!(told(&rule(when, clear), &magnets, at), expected, "{when:?}");
        };
        check(&["declines >= 2"], None, "2025-09", "holds of holds");
        check(&["declines >= 2", "yoy < -25%"], Some("change > 0%"), "2025-09", "holds of holds holds fails");
        check(&["declines >= 2", "yoy > 0%"], None, "2025-09", "fails of holds fails");
        check(&["yoy > 0%", "declines >= 2"], None, "2025-09", "fails of fails holds");
        check(&["declines >= 9", "yoy < 0%"], None, "2025-08", "fails of fails unknown");
        check(&["declines >= 2"], None, "2025-10", "fails of fails");
        check(&["yoy < 0%", "declines >= 9"], None, "2025-08", "fails of unknown fails");
        check(
            &["yoy < 0%", "declines >= 1", "yoy < 5%"],
            None,
            "2025-08",
            "unknown [Gap(Missing(Period { frequency: Month, ordinal: 24295 }))] of unknown holds unknown",
        );
        check(&["yoy"], None, "2025-09", "unknown [Unit(\"the expression is no condition\")] of unknown");
    }

    /// The figures skip August.
    const GAP: &str = "2025-05=900 2025-06=800 2025-07=700 2025-09=600";

    #[test]
    fn a_gap_is_held_broken_or_bridged() {
        let gap = history("t", GAP);
        let check = |when: &str, clear, at, expected: [&str; 3]| {
            let said = OnGap::ALL.map(|on_gap| {
                let rule = Rule { on_gap, ..rule(&[when], clear) };
                told(&rule, &gap, at).split(' ').next().unwrap().to_owned()
            });
            assert_eq!(said, expected, "{when} at {at}");
        };
        check("declines >= 2", None, "2025-09", ["unknown", "fails", "holds"]);
        check("declines >= 4", None, "2025-09", ["unknown", "fails", "unknown"]);
        check("change < 0%", None, "2025-09", ["unknown", "fails", "holds"]);
        check("change > 0%", None, "2025-09", ["unknown", "fails", "fails"]);
        check("not change > 0%", None, "2025-09", ["unknown", "fails", "holds"]);
        check("mean(3) > 600 t", None, "2025-09", ["unknown", "fails", "holds"]);
        check("sum(3mo) > 1200 t", None, "2025-09", ["unknown", "fails", "holds"]);
        check("lag(change, 1) < 0%", None, "2025-09", ["unknown", "fails", "holds"]);
        check("value > 0 t", None, "2025-08", ["unknown", "fails", "unknown"]);
        check("yoy > 0%", None, "2025-09", ["unknown", "fails", "unknown"]);
        check("declines >= 2", None, "2025-07", ["holds", "holds", "holds"]);
        let base = Rule { on_gap: OnGap::Break, min_base: Quantity::parse("650 t"), ..rule(&["change < 0%"], None) };
        let small = history("t", "2025-08=600 2025-09=500");
        assert_eq!(told(&base, &small, "2025-09").split(' ').next(), Some("unknown"));
        // A gap that is only one of the reasons is not what it fails for.
        let both = Rule { when: vec![Expr::parse("change < 0% and yoy < 0%").unwrap()], ..base };
        assert_eq!(told(&both, &small, "2025-09").split(' ').next(), Some("unknown"));
    }

    #[test]
    fn each_severity_has_its_gates_and_its_end() {
        let magnets = history("t", MAGNETS);
        let worse = |when: &str| Level {
            severity: Severity::Critical,
            when: vec![Expr::parse(when).unwrap()],
            clear: Some(Expr::parse("rises >= 1").unwrap()),
        };
        let judged = |when: &str, critical: &str| {
            let rule = Rule { worse: Some(worse(critical)), ..rule(&[when], None) };
            judge(&rule, &magnets.view(AsOf::Latest), period("2025-09"))
        };
        let judgement = judged("declines >= 2", "declines >= 3");
        let levels: Vec<String> = judgement
            .levels
            .iter()
            .map(|level| {
                format!("{} {} {:?}", level.severity, level.when.name(), level.clear.as_ref().map(Verdict::name))
            })
            .collect();
        assert_eq!(levels, ["warning holds None", "critical fails Some(\"fails\")"]);
        let gates: Vec<_> = judgement.gates.iter().map(|gate| (gate.severity, gate.text.as_str())).collect();
        assert_eq!(gates, [(Some(Severity::Warning), "declines >= 2"), (Some(Severity::Critical), "declines >= 3")]);
        assert_eq!(judgement.verdict, Verdict::Holds);
        assert_eq!(judged("declines >= 4", "declines >= 3").verdict, Verdict::Fails);
        assert_eq!(judged("declines >= 4", "declines >= 2").verdict, Verdict::Holds);
        assert_eq!(judged("declines >= 4", "yoy < 0% and sum(1y) > 0 t").verdict.name(), "unknown");
    }

    #[test]
    fn what_min_base_keeps_quiet_is_counted() {
        let magnets = history("t", MAGNETS);
        let quiet = |when: &[&str], least: &str| {
            let rule = Rule { min_base: Quantity::parse(least), ..rule(when, None) };
            judge(&rule, &magnets.view(AsOf::Latest), period("2025-09")).kept_quiet()
        };
        assert_eq!(quiet(&["change < 0%"], "600 t"), 1);
        assert_eq!(quiet(&["change < 0%", "declines >= 2 or yoy > 0%"], "600 t"), 3);
        assert_eq!(quiet(&["change < 0%", "value > 1 t"], "100 t"), 0);
    }

    #[test]
    fn a_reading_tells_every_part_and_its_figures_once() {
        let magnets = history("kg", "2025-07=619000 2025-08=590000 2025-09=420500");
        let reading = read_with(&magnets, "value  <400 t or (declines >= 2 and not change > 5%)", "2025-09", None);
        let mut lines = Vec::new();
        fn tree(reading: &super::super::Reading, depth: usize, lines: &mut Vec<String>) {
            let points: Vec<String> = reading.points.iter().map(|point| point.span.to_string()).collect();
            lines.push(format!("{}{} = {} {}", "  ".repeat(depth), reading.text, reading.value, points.join(" ")));
            reading.parts.iter().for_each(|part| tree(part, depth + 1, lines));
        }
        tree(&reading, 0, &mut lines);
        insta::assert_snapshot!(lines.join("\n"), @r#"
        value < 400 t or declines >= 2 and not change > 5% = holds 
          value < 400 t = fails 
            value = 420 500 kg 2025-09
            400 t = 400 000 kg 
          declines >= 2 and not change > 5% = holds 
            declines >= 2 = holds 
              declines = at least 2 2025-07 2025-08 2025-09
            not change > 5% = holds 
              change > 5% = fails 
                change = −28.7 % 2025-08 2025-09
        "#);
        let measures: Vec<&str> = reading.measures().iter().map(|measure| measure.text.as_str()).collect();
        assert_eq!(measures, ["value", "declines", "change"]);
        assert_eq!(reading.all_points().len(), 3);
    }

    #[test]
    fn a_unit_that_only_the_figures_show_is_unknown() {
        let check = |unit: &str, text: &str, expected: &str| {
            let reading = read_with(&history(unit, "2025-09=5"), text, "2025-09", None);
            assert_eq!(reading.value.to_string(), expected, "{text}");
        };
        check("kg", "value > 5", "unknown (the series is in kg: a bare number does not go with it)");
        check("kg", "value > 5 USD", "unknown (the rule compares with USD, but the series is in kg)");
        check("", "value > 5 USD", "unknown (the rule compares with USD, but the series has no unit)");
        check("kg", "value > 1e308 kt", "unknown (the figures are too large to calculate with)");
        check("kg", "value < 1 t", "holds");
        check("", "value < 6", "holds");
    }

    #[test]
    fn a_rule_at_the_limits_needs_little_stack() {
        let chain = |count| vec!["declines >= 2"; count].join(" or ");
        let deep = format!("{}yoy > 0%{}", "not (".repeat(32), ")".repeat(32));
        let nested = format!("{}value{} > 1 t", "lag(".repeat(60), ", 1)".repeat(60));
        let texts = [chain(62), deep, nested, format!("1 t < {}", vec!["value"; 120].join(" + "))];
        let thread = std::thread::Builder::new().stack_size(1 << 20);
        let run = thread.spawn(move || {
            let magnets = history("t", MAGNETS);
            for text in texts {
                let expr = Expr::parse(&text).unwrap();
                assert_eq!(expr.clone().check(&subject(Frequency::Month, "t")), []);
                let judged = judge(&rule(&[&text], None), &magnets.view(AsOf::Latest), period("2025-09"));
                assert!(
                    headline(&judged.gates[0], Frequency::Month, &Notation::default()).is_some()
                        || !text.starts_with("declines")
                );
                let points = judged.gates[0].reading.all_points();
                assert_eq!((expr.canonical().is_empty(), points.is_empty()), (false, text.starts_with("lag")));
            }
        });
        run.unwrap().join().unwrap();
    }

    proptest! {
        #[test]
        fn judging_never_panics(tree in trees(), history in histories(), offset in -3_i32..45, least in 0_u32..2000) {
            let mut rule = rule(&[], None);
            rule.when = vec![Expr::parse(&tree.to_string()).expect("its own text")];
            rule.min_base = Some(Quantity { value: least.into(), unit: unit("t") });
            let start = Period::containing(period("2024-06-03").first_day(), history.frequency());
            let judgement = judge(&rule, &history.view(AsOf::Latest), start.offset(offset));
            for gate in &judgement.gates {
                let _ = (headline(gate, history.frequency(), &Notation::default()), gate.reading.all_points(), gate.reading.value.to_string());
                if let Verdict::Unknown(reasons) = &gate.verdict {
                    prop_assert!(!reasons.is_empty());
                }
            }
        }

        /// What the check lets through is unknown only for want of figures, never for its types.
        #[test]
        fn what_fits_has_no_misfit(text in conditions(), figures in prop::collection::vec(-5_i32..2000, 1..30)) {
            let start = period("2024-01");
            let figures: Vec<String> =
                figures.iter().enumerate().map(|(n, value)| format!("{}={value}", start.offset(n as i32))).collect();
            let history = history("t", &figures.join(" "));
            let reading = read_with(&history, &text, "2025-03", None);
            prop_assert!(!is_misfit(&reading), "{reading:?}");
            prop_assert!(matches!(reading.value, Value::Truth(_) | Value::Unknown(_)));
        }
    }
}
