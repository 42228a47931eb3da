//! The transition table: a state, what the rule says, and on what occasion, give what changes.
//!
//! It is total and pure. Which periods are judged, and what is told of a change, is decided elsewhere.

use super::Kind;
use crate::rule::{Severity, Verdict};

/// What a rule says of an alert: its `when` and `clear` together, given whether the alert fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The alert ought to fire.
    Holds(Severity),
    /// It ought not to.
    Fails,
    /// It cannot be said.
    Unknown,
}

/// What the judgement is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// A period newer than any judged before.
    NewPeriod,
    /// The period judged last, after an older one arrived late.
    LateArrival,
    /// The period judged last, after a known figure was revised.
    Revision,
    /// The period judged last, after time went by and nothing else.
    Tick,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The state stays, and nothing is held.
    Stay,
    /// The state stays as it was because the verdict is unknown.
    Hold,
    /// The alert begins to fire.
    Begin(Kind, Severity),
    /// It goes on firing.
    GoOn(Kind, Severity),
    /// It ends.
    End(Kind),
}

/// Joins `when` and `clear`: entering needs `when` to hold and `clear` not to; leaving needs `clear`
/// to hold, or `when` to fail where the rule has no `clear`.
pub fn condition(firing: bool, when: &Verdict, clear: Option<&Verdict>, severity: Severity) -> Condition {
    use Verdict::{Fails, Holds, Unknown};
    match (firing, when, clear) {
        (_, _, Some(Holds)) | (_, Fails, None) | (false, Fails, Some(Fails | Unknown(_))) => Condition::Fails,
        (_, Holds, None | Some(Fails | Unknown(_))) | (true, Fails | Unknown(_), Some(Fails)) => {
            Condition::Holds(severity)
        }
        (_, Unknown(_), None)
        | (false, Unknown(_), Some(Fails | Unknown(_)))
        | (true, Fails | Unknown(_), Some(Unknown(_))) => Condition::Unknown,
    }
}

/// Joins the severities of a rule, given worst first: the worst that holds counts. While an alert fires
/// at a severity of which nothing can be said, nothing can be said of the alert; a milder one that holds
/// makes it at least that.
pub fn worst(firing: Option<Severity>, levels: impl IntoIterator<Item = (Severity, Condition)>) -> Condition {
    let mut unknown = false;
    for (severity, condition) in levels {
        match condition {
            Condition::Holds(_) => return condition,
            Condition::Unknown if firing.is_some_and(|now| now >= severity) => return Condition::Unknown,
            Condition::Unknown => unknown = true,
            Condition::Fails => {}
        }
    }
    if unknown { Condition::Unknown } else { Condition::Fails }
}

/// The transition table. `firing` is the severity of an alert that fires.
pub fn step(firing: Option<Severity>, condition: Condition, occasion: Occasion) -> Change {
    use Occasion::{LateArrival, NewPeriod, Revision, Tick};
    match (firing, condition, occasion) {
        (_, Condition::Unknown, NewPeriod | LateArrival | Revision | Tick) => Change::Hold,
        (None, Condition::Fails, NewPeriod | LateArrival | Revision | Tick) => Change::Stay,
        (None, Condition::Holds(now), NewPeriod | LateArrival | Tick) => Change::Begin(Kind::Fired, now),
        (None, Condition::Holds(now), Revision) => Change::Begin(Kind::Corrected, now),
        (Some(_), Condition::Fails, NewPeriod | LateArrival | Tick) => Change::End(Kind::Resolved),
        (Some(_), Condition::Fails, Revision) => Change::End(Kind::Corrected),
        (Some(was), Condition::Holds(now), NewPeriod | LateArrival | Revision | Tick) if now > was => {
            Change::GoOn(Kind::Escalated, now)
        }
        (Some(was), Condition::Holds(now), NewPeriod | LateArrival | Revision | Tick) if now < was => {
            Change::GoOn(Kind::Eased, now)
        }
        (Some(_), Condition::Holds(now), NewPeriod) => Change::GoOn(Kind::Continued, now),
        (Some(_), Condition::Holds(_), LateArrival | Revision | Tick) => Change::Stay,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Reason;

    fn verdict(word: &str) -> Verdict {
        match word {
            "holds" => Verdict::Holds,
            "fails" => Verdict::Fails,
            "unknown" => Verdict::Unknown(vec![Reason::LowerBound]),
            other => panic!("{other}"),
        }
    }

    fn read_condition(word: &str) -> Condition {
        match word {
            "fails" => Condition::Fails,
            "unknown" => Condition::Unknown,
            severity => Condition::Holds(read_severity(severity).expect("a severity")),
        }
    }

    fn read_severity(word: &str) -> Option<Severity> {
        Severity::ALL.into_iter().find(|severity| severity.name() == word)
    }

    /// Each line: state, condition, occasion, change.
    #[test]
    fn the_table() {
        let table = "
            ok        warning   new   fired warning
            ok        warning   late  fired warning
            ok        warning   rev   corrected warning
            ok        warning   tick  fired warning
            ok        fails     tick  stay
            ok        unknown   tick  hold
            warning   warning   tick  stay
            warning   critical  tick  escalated critical
            critical  warning   tick  eased warning
            warning   fails     tick  end resolved
            warning   unknown   tick  hold
            ok        fails     new   stay
            ok        fails     late  stay
            ok        fails     rev   stay
            ok        unknown   new   hold
            ok        unknown   late  hold
            ok        unknown   rev   hold
            warning   warning   new   continued warning
            warning   warning   late  stay
            warning   warning   rev   stay
            warning   critical  new   escalated critical
            warning   critical  late  escalated critical
            warning   critical  rev   escalated critical
            critical  warning   new   eased warning
            critical  warning   late  eased warning
            critical  warning   rev   eased warning
            warning   fails     new   end resolved
            warning   fails     late  end resolved
            warning   fails     rev   end corrected
            warning   unknown   new   hold
            warning   unknown   late  hold
            warning   unknown   rev   hold
        ";
        for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let occasion = match words[2] {
                "new" => Occasion::NewPeriod,
                "late" => Occasion::LateArrival,
                "tick" => Occasion::Tick,
                _ => Occasion::Revision,
            };
            let told = match step(read_severity(words[0]), read_condition(words[1]), occasion) {
                Change::Stay => "stay".to_owned(),
                Change::Hold => "hold".to_owned(),
                Change::Begin(kind, severity) | Change::GoOn(kind, severity) => format!("{kind} {severity}"),
                Change::End(kind) => format!("end {kind}"),
            };
            assert_eq!(told, words[3..].join(" "), "{line}");
        }
    }

    /// Each line: the state, what warning and critical come to, both together.
    #[test]
    fn the_worst_severity_counts() {
        let table = "
            ok        fails    fails    fails
            ok        holds    fails    warning
            ok        holds    holds    critical
            ok        fails    holds    critical
            ok        unknown  holds    critical
            ok        holds    unknown  warning
            ok        fails    unknown  unknown
            ok        unknown  fails    unknown
            warning   holds    unknown  warning
            warning   fails    unknown  unknown
            warning   unknown  fails    unknown
            critical  holds    unknown  unknown
            critical  fails    unknown  unknown
            critical  holds    fails    warning
            critical  fails    fails    fails
        ";
        for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let level = |word: &str, severity| match word {
                "holds" => (severity, Condition::Holds(severity)),
                word => (severity, read_condition(word)),
            };
            let levels = [level(words[2], Severity::Critical), level(words[1], Severity::Warning)];
            assert_eq!(worst(read_severity(words[0]), levels), read_condition(words[3]), "{line}");
        }
    }

    /// Each line: firing or ok, when, clear (- for none), condition.
    #[test]
    fn hysteresis() {
        let table = "
            ok      holds    -        warning
            ok      fails    -        fails
            ok      unknown  -        unknown
            ok      holds    holds    fails
            ok      holds    fails    warning
            ok      holds    unknown  warning
            ok      fails    holds    fails
            ok      fails    fails    fails
            ok      fails    unknown  fails
            ok      unknown  holds    fails
            ok      unknown  fails    unknown
            ok      unknown  unknown  unknown
            firing  holds    -        warning
            firing  fails    -        fails
            firing  unknown  -        unknown
            firing  holds    holds    fails
            firing  holds    fails    warning
            firing  holds    unknown  warning
            firing  fails    holds    fails
            firing  fails    fails    warning
            firing  fails    unknown  unknown
            firing  unknown  holds    fails
            firing  unknown  fails    warning
            firing  unknown  unknown  unknown
        ";
        for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let clear = (words[2] != "-").then(|| verdict(words[2]));
            let joined = condition(words[0] == "firing", &verdict(words[1]), clear.as_ref(), Severity::Warning);
            assert_eq!(joined, read_condition(words[3]), "{line}");
        }
    }
}
