//! A rule's verdict on one period: each gate with how it came to it, and all of them together.

use super::Rule;
use super::evaluate::Scope;
use super::evidence::{Gate, Reason, Value, Verdict};
use super::expr::Expr;
use super::operate::and;
use crate::period::Period;
use crate::series::View;

/// What a rule says of one period.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The period.
    pub period: Period,
    /// Whether `when` holds: all gates.
    pub verdict: Verdict,
    /// The gates.
    pub gates: Vec<Gate>,
    /// What `clear` says, where the rule has one.
    pub clear: Option<Gate>,
}

/// Judges one period of a history as a view shows it. It is a pure function of the three.
pub fn judge(rule: &Rule, view: &View<'_>, period: Period) -> Judgement {
    let scope = Scope::new(*view, period, rule.min_base.as_ref());
    let gates: Vec<Gate> = rule.when.iter().map(|condition| gate(&scope, condition)).collect();
    let all = gates.iter().map(|gate| truth(&gate.reading.value)).fold(Value::Truth(true), and);
    let clear = rule.clear.as_ref().map(|condition| gate(&scope, condition));
    Judgement { period, verdict: verdict(all), gates, clear }
}

fn gate(scope: &Scope<'_>, condition: &Expr) -> Gate {
    let reading = scope.read(condition.root());
    Gate { text: condition.text().to_owned(), verdict: verdict(truth(&reading.value)), reading }
}

/// What a gate's value says. The check refuses whatever is no condition; without it, no verdict comes of one.
fn truth(value: &Value) -> Value {
    match value {
        Value::Truth(_) | Value::Unknown(_) => value.clone(),
        Value::Ratio(_) | Value::Quantity(..) | Value::Count(_) | Value::AtLeast(..) => {
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
    use super::super::{Renotify, Rule, Severity, headline};
    use super::*;
    use crate::period::Frequency;
    use crate::series::{AsOf, History, Quantity, Selector};

    fn rule(when: &[&str], clear: Option<&str>) -> Rule {
        let read = |text: &&str| Expr::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        Rule {
            name: "rule".into(),
            selector: Selector::default(),
            when: when.iter().map(read).collect(),
            clear: clear.map(|clear| read(&clear)),
            severity: Severity::Warning,
            min_base: None,
            notify: Vec::new(),
            renotify: Renotify::EachPeriod,
            title: None,
            hash: String::new(),
        }
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
                assert!(headline(&judged.gates[0], Frequency::Month).is_some() || !text.starts_with("declines"));
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
                let _ = (headline(gate, history.frequency()), gate.reading.all_points(), gate.reading.value.to_string());
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
