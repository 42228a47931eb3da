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
    let all = gates.iter().map(|gate| gate.reading.value.clone()).fold(Value::Truth(true), and);
    let clear = rule.clear.as_ref().map(|condition| gate(&scope, condition));
    Judgement { period, verdict: verdict(&all), gates, clear }
}

fn gate(scope: &Scope<'_>, condition: &Expr) -> Gate {
    let reading = scope.read(condition.root());
    Gate { text: condition.text().to_owned(), verdict: verdict(&reading.value), reading }
}

fn verdict(value: &Value) -> Verdict {
    match value {
        Value::Truth(true) => Verdict::Holds,
        Value::Truth(false) => Verdict::Fails,
        Value::Unknown(reasons) => Verdict::Unknown(reasons.clone()),
        // The check has refused it; whoever asks without one gets no verdict out of it.
        Value::Ratio(_) | Value::Quantity(..) | Value::Count(_) | Value::AtLeast(..) => {
            Verdict::Unknown(vec![Reason::Unit("the expression is no condition".to_owned())])
        }
    }
}
