//! The same rule with one threshold at several values.
//!
//! A threshold is a literal in the rule's `when` that something is compared with. It is named by what is
//! compared with it, as written (`change(3mo)`), by its measure alone where only one comparison has it
//! (`declines`), or by its number in the order of the text, from 1.

use super::knowledge::Knowledge;
use super::replay::{Range, Replay, replays};
use crate::base::text::{list, printable};
use crate::rule::{Rule, Subject};

/// One threshold and the values to try: `declines=1,2,3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// The threshold.
    pub name: String,
    /// The literals.
    pub values: Vec<String>,
}

/// A rule with one of the values in place.
#[derive(Clone, Debug)]
pub struct Swept {
    /// The literal.
    pub value: String,
    /// What became of the alert with it, series by series.
    pub replays: Vec<Replay>,
}

/// Why a sweep is not possible.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SweepError {
    /// It does not say what to try.
    #[error("expected NAME=a,b,c such as declines=1,2,3")]
    Form,
    /// No threshold has the name.
    #[error("{rule} has no threshold `{}`; it has {found}", printable(name))]
    Unknown {
        /// The rule.
        rule: String,
        /// The name.
        name: String,
        /// The thresholds that there are.
        found: String,
    },
    /// Several have it.
    #[error(
        "{rule} has several thresholds `{}`: {found}; name one as written, or by its number from 1",
        printable(name)
    )]
    Ambiguous {
        /// The rule.
        rule: String,
        /// The name.
        name: String,
        /// Those that have it.
        found: String,
    },
    /// A value does not fit.
    #[error("`{}` cannot stand there: {message}", printable(value))]
    Value {
        /// The value.
        value: String,
        /// Why.
        message: String,
    },
}

impl Sweep {
    /// Reads `NAME=a,b,c`. The last `=` divides, since a name may hold a comparison.
    pub fn parse(text: &str) -> Result<Self, SweepError> {
        let (name, values) = text.rsplit_once('=').ok_or(SweepError::Form)?;
        let values: Vec<String> = values.split(',').map(|value| value.trim().to_owned()).collect();
        if name.trim().is_empty() || values.iter().any(String::is_empty) {
            return Err(SweepError::Form);
        }
        Ok(Self { name: name.trim().to_owned(), values })
    }

    /// The rule with each of the values.
    pub fn rules(&self, rule: &Rule, subject: Option<&Subject>) -> Result<Vec<(String, Rule)>, SweepError> {
        let (gate, index) = self.find(rule)?;
        let with = |value: &String| {
            let refused = |message: String| SweepError::Value { value: value.clone(), message };
            let expr = rule.when[gate].with_threshold(index, value).map_err(|error| refused(error.message))?;
            let wrong = subject.and_then(|subject| expr.check(subject).into_iter().next());
            if let Some(error) = wrong {
                return Err(refused(error.message));
            }
            let mut swept = rule.clone();
            swept.when[gate] = expr;
            Ok((value.clone(), swept))
        };
        self.values.iter().map(with).collect()
    }

    /// The gate, and the place in it, of the threshold.
    fn find(&self, rule: &Rule) -> Result<(usize, usize), SweepError> {
        let gates = rule.when.iter().enumerate();
        let all: Vec<_> = gates
            .flat_map(|(gate, expr)| {
                let thresholds = expr.thresholds().into_iter().enumerate();
                thresholds.map(move |(index, threshold)| ((gate, index), threshold)).collect::<Vec<_>>()
            })
            .collect();
        if let Some(number) = self.name.parse::<usize>().ok().and_then(|number| number.checked_sub(1))
            && let Some((place, _)) = all.get(number)
        {
            return Ok(*place);
        }
        let as_written: String = self.name.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut named: Vec<_> = all.iter().filter(|(_, threshold)| threshold.subject == as_written).collect();
        if named.is_empty() {
            named = all.iter().filter(|(_, threshold)| threshold.measure == Some(&as_written)).collect();
        }
        let (rule, name) = (rule.name.clone(), self.name.clone());
        match named.as_slice() {
            [(place, _)] => Ok(*place),
            [] => {
                let found = list(all.iter().map(|(_, threshold)| &threshold.subject));
                Err(SweepError::Unknown { rule, name, found })
            }
            several => {
                let found = list(several.iter().map(|(_, threshold)| &threshold.subject));
                Err(SweepError::Ambiguous { rule, name, found })
            }
        }
    }
}

/// Replays each of the rules over each of the histories.
pub fn sweep(
    rules: &[(String, Rule)],
    histories: &[(Knowledge, chrono_tz::Tz)],
    range: Range,
    mut done: impl FnMut(),
) -> Vec<Swept> {
    let with = |(value, rule): &(String, Rule)| Swept {
        value: value.clone(),
        replays: replays(rule, histories, range, &mut done),
    };
    rules.iter().map(with).collect()
}
