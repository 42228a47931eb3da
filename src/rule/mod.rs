//! Rules: what counts as alarming in one history, as an expression that explains itself.
//!
//! A rule judges; what follows from a verdict (firing, resolving, telling someone) is the alerts' business.

mod advice;
mod bound;
pub mod bulk;
mod check;
pub mod derived;
mod evaluate;
mod evidence;
mod expr;
mod headline;
mod judge;
mod measure;
mod operate;
mod parse;
mod rejudge;
pub mod roster;
mod search;
mod solve;
mod syntax;
#[cfg(test)]
mod testing;
mod threshold;
mod token;

use std::fmt;
use std::time::Duration;

pub use bound::bounds;
pub use check::Grouping;
#[cfg(test)]
pub use evidence::Reason;
pub use evidence::{Gate, Reading, Value, Verdict};
pub use expr::{Expr, ExprError, Subject};
pub use headline::headline;
pub use judge::{Judgement, judge};
pub use measure::MeasureWords;
pub use rejudge::{Rejudged, rejudged};
pub use solve::{Distance, Side, Threshold, distance, next_distance};

use crate::period::Length;
use crate::series::{PullId, Quantity, Selector, View};

/// How bad it is when a rule holds.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Look at it soon.
    Warning,
    /// Act.
    Critical,
}

impl Severity {
    /// Every severity, mildest first.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    /// The word: `info`, `warning`, `critical`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether an alert that goes on firing is told again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Renotify {
    /// At every newer period.
    #[default]
    EachPeriod,
    /// Never until it ends.
    Never,
    /// At a newer period, once so much time has passed since the last message.
    After(Length),
}

/// Which transitions are told in one message to a receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Together {
    /// Those of the rule that one pull of a feed brought about.
    #[default]
    Rule,
    /// Those that one pull brought about, of all rules that say so.
    Release,
    /// Each by itself.
    Apart,
}

impl Together {
    /// Every one, with its name.
    pub const ALL: [(&'static str, Self); 3] =
        [("rule", Self::Rule), ("release", Self::Release), ("none", Self::Apart)];

    /// What the transitions have in common that are told together; `None` where each is told by itself.
    pub fn bundle(self, rule: &str, pull: PullId) -> Option<String> {
        match self {
            Self::Rule => Some(format!("pull {} {rule}", pull.0)),
            Self::Release => Some(format!("pull {}", pull.0)),
            Self::Apart => None,
        }
    }
}

/// Which alerts say enough for others of the same labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inhibition {
    /// The rules whose firing alerts keep messages of this one's back.
    pub by: Vec<String>,
    /// The labels that both must have with the same values (or lack); `None` for all those that both have.
    pub equal: Option<Vec<String>>,
}

/// Who is told, too, when nobody acknowledges a beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escalation {
    /// How long it waits.
    pub after: Duration,
    /// Who is told then.
    pub notify: Vec<String>,
}

/// What a rule makes of a period that is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnGap {
    /// What needs it is unknown, and the alert is held as it was.
    #[default]
    Hold,
    /// A condition that needs it fails.
    Break,
    /// It is looked past: the period before is the one before with a figure.
    Bridge,
}

impl OnGap {
    /// Every choice.
    pub const ALL: [Self; 3] = [Self::Hold, Self::Break, Self::Bridge];

    /// The word: `hold`, `break`, `bridge`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Break => "break",
            Self::Bridge => "bridge",
        }
    }
}

/// The conditions of one severity.
#[derive(Clone, Debug)]
pub struct Level {
    /// How bad it is when they hold.
    pub severity: Severity,
    /// The gates: all must hold.
    pub when: Vec<Expr>,
    /// What ends it; without it, that the gates fail.
    pub clear: Option<Expr>,
}

/// A revision smaller than this, relative to the figure before, is recorded and wakes no rule that says
/// nothing else: a publisher's rounding is no news.
pub const REVISION_TOLERANCE: f64 = 1e-6;

/// One rule, ready to judge.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name in the config.
    pub name: String,
    /// The series that it is about.
    pub selector: Selector,
    /// The gates of `when`: all must hold.
    pub when: Vec<Expr>,
    /// What ends a firing alert; without it, an alert ends when `when` fails.
    pub clear: Option<Expr>,
    /// How bad it is.
    pub severity: Severity,
    /// The conditions of `critical`, where the rule has a `warning` as well: `when`, `clear` and `severity`
    /// are then those of the warning.
    pub worse: Option<Level>,
    /// Preliminary and estimated figures are not looked at.
    pub final_only: bool,
    /// What becomes of a missing period.
    pub on_gap: OnGap,
    /// A revision wakes the rule where it is larger than this, relative to the figure.
    pub revision_tolerance: f64,
    /// Below this base a ratio says nothing.
    pub min_base: Option<Quantity>,
    /// The receivers that are told; `None` where the routes say.
    pub notify: Option<Vec<String>>,
    /// Whether an alert that goes on is told again.
    pub renotify: Renotify,
    /// Which of its transitions are told together.
    pub together: Together,
    /// Which other alerts keep its messages back.
    pub inhibition: Inhibition,
    /// Who is told, too, when nobody acknowledges.
    pub escalation: Option<Escalation>,
    /// What the figures are, in words, where the rule or its feed says so: `rare-earth magnet exports`.
    pub title: Option<String>,
    /// SHA-256 over all that changes its meaning (series, when, clear, min_base), in hex.
    pub hash: String,
}

impl Rule {
    /// The rule as a reader should see it: `declines >= 2`, gates joined by `and`; with two severities,
    /// `warning: declines >= 2; critical: declines >= 3`.
    pub fn text(&self) -> String {
        match &self.worse {
            None => joined(&self.when),
            Some(worse) => {
                format!("{}: {}; {}: {}", self.severity, joined(&self.when), worse.severity, joined(&worse.when))
            }
        }
    }

    /// What ends its alerts, in words: "`declines >= 2` no longer holds".
    pub fn ends(&self) -> String {
        let own = ends(&self.when, self.clear.as_ref());
        match &self.worse {
            None => own,
            Some(worse) => format!("{own} and {}", ends(&worse.when, worse.clear.as_ref())),
        }
    }

    /// All of its expressions, gates before what ends them, the milder severity first.
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        let worse = self.worse.iter().flat_map(|worse| worse.when.iter().chain(&worse.clear));
        self.when.iter().chain(&self.clear).chain(worse)
    }

    /// The measures that it uses, in words, each once and in the order of its text.
    pub fn measures(&self) -> Vec<MeasureWords> {
        let mut names: Vec<&str> = Vec::new();
        for name in self.expressions().flat_map(Expr::measures) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.into_iter().flat_map(measure::words).collect()
    }

    /// Whether what it says changes with the clock alone.
    pub fn uses_time(&self) -> bool {
        self.expressions().any(Expr::uses_time)
    }

    /// Whether it is about items rather than figures.
    pub fn is_of_items(&self) -> bool {
        self.expressions().any(|expr| expr.asks_for_items().is_some())
    }

    /// Whether it is about items that come, one look at each, rather than about how things stand.
    pub fn awaits_items(&self) -> bool {
        self.expressions().any(Expr::asks_for_news)
    }

    /// A view as the rule looks at it: without the figures that it ignores, gaps bridged where it says so.
    pub const fn seen<'a>(&self, view: View<'a>) -> View<'a> {
        let view = if self.final_only { view.final_only() } else { view };
        match self.on_gap {
            OnGap::Bridge => view.bridged(),
            OnGap::Hold | OnGap::Break => view,
        }
    }
}

fn joined(gates: &[Expr]) -> String {
    match gates {
        [gate] => gate.text().to_owned(),
        gates => gates.iter().map(Expr::bracketed).collect::<Vec<_>>().join(" and "),
    }
}

fn ends(when: &[Expr], clear: Option<&Expr>) -> String {
    match clear {
        Some(clear) => format!("`{}` holds", clear.text()),
        None => format!("`{}` no longer holds", joined(when)),
    }
}

/// A rule about every series that asks nothing, from which a trial or a test makes its own.
impl Default for Rule {
    fn default() -> Self {
        Self {
            name: "rule".into(),
            selector: Selector::default(),
            when: Vec::new(),
            clear: None,
            severity: Severity::Warning,
            worse: None,
            final_only: false,
            on_gap: OnGap::Hold,
            revision_tolerance: REVISION_TOLERANCE,
            min_base: None,
            notify: None,
            renotify: Renotify::EachPeriod,
            together: Together::default(),
            inhibition: Inhibition::default(),
            escalation: None,
            title: None,
            hash: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::period::Frequency;
    use crate::series::Unit;

    fn read(when: &[&str]) -> Vec<Expr> {
        when.iter().map(|gate| Expr::parse(gate).unwrap()).collect()
    }

    fn rule(when: &[&str]) -> Rule {
        Rule { when: read(when), ..Rule::default() }
    }

    #[test]
    fn a_rules_text_means_what_its_gates_mean() {
        let check = |when: &[&str], expected: &str| assert_eq!(rule(when).text(), expected);
        check(&["yoy < 0% or rises >= 2"], "yoy < 0% or rises >= 2");
        check(&["yoy < 0% or rises >= 2", "declines >= 2"], "(yoy < 0% or rises >= 2) and declines >= 2");
        check(
            &["(yoy < 0% or rises >= 2)", "value > 1 t and yoy > 0%"],
            "(yoy < 0% or rises >= 2) and value > 1 t and yoy > 0%",
        );
        check(&["declines\n   >= 2"], "declines >= 2");
    }

    #[test]
    fn two_severities_are_told_with_what_ends_them() {
        let worse = |clear: Option<&str>| Level {
            severity: Severity::Critical,
            when: read(&["declines >= 3", "yoy < 0%"]),
            clear: clear.map(|clear| Expr::parse(clear).unwrap()),
        };
        let two = Rule { worse: Some(worse(None)), ..rule(&["declines >= 2"]) };
        assert_eq!(two.text(), "warning: declines >= 2; critical: declines >= 3 and yoy < 0%");
        assert_eq!(two.ends(), "`declines >= 2` no longer holds and `declines >= 3 and yoy < 0%` no longer holds");
        let cleared = Rule { worse: Some(worse(Some("rises >= 1"))), ..rule(&["declines >= 2"]) };
        assert_eq!(cleared.ends(), "`declines >= 2` no longer holds and `rises >= 1` holds");
        assert_eq!(cleared.expressions().count(), 4);
        assert_eq!(rule(&["declines >= 2"]).ends(), "`declines >= 2` no longer holds");
    }

    /// The blocks of the language's page: each with what its fence says after the word.
    fn blocks(kind: &str) -> Vec<(String, String)> {
        let page = include_str!("../../docs/RULES.md");
        let mut found = Vec::new();
        let mut lines = page.lines();
        while let Some(line) = lines.next() {
            let Some(rest) = line.strip_prefix("```") else { continue };
            let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let (word, about) = rest.split_once(' ').unwrap_or((rest, ""));
            if word == kind {
                found.extend(body.into_iter().map(|line| (about.to_owned(), line.to_owned())));
            }
        }
        found
    }

    fn subject(about: &str) -> Subject {
        let mut words = about.split_whitespace();
        let frequency = words.next().and_then(Frequency::from_name).unwrap_or(Frequency::Month);
        let unit = words.next().map_or_else(|| Unit::parse("t").ok(), |word| Unit::parse(word).ok());
        Subject { frequency, unit: Some(unit) }
    }

    const BY: [&str; 1] = ["hs"];

    /// All that is wrong with a condition of a rule that groups by `hs` (or does not).
    fn wrong(text: &str, about: &str, by: &[&str]) -> Vec<ExprError> {
        let labels = ["feed", "hs", "partner", "reporter"].map(str::to_owned);
        let by: Vec<String> = by.iter().map(|label| (*label).to_owned()).collect();
        let grouping = Grouping { by: &by, labels: &labels };
        let check = |expr: Expr| {
            let types = expr.check(&subject(about));
            types.into_iter().chain(expr.check_group(grouping)).collect()
        };
        Expr::parse(text).map_or_else(|error| vec![error], check)
    }

    #[test]
    fn the_pages_rules_are_rules() {
        let rules = blocks("rule");
        assert!(rules.len() > 20, "the page has lost its examples");
        for (about, text) in rules {
            assert_eq!(wrong(&text, &about, &[]), [], "{text}");
        }
        let of_groups = blocks("group");
        assert!(of_groups.len() > 4, "the page has lost its groups");
        for (about, text) in of_groups {
            assert_eq!(wrong(&text, &about, &BY), [], "{text}");
        }
    }

    #[test]
    fn the_pages_mistakes_are_refused_as_it_says() {
        let (mistakes, of_groups) = (blocks("mistake"), blocks("group-mistake"));
        assert!(mistakes.len() > 10 && of_groups.len() > 3, "the page has lost its mistakes");
        let one_by_one = mistakes.into_iter().map(|mistake| (mistake, &[][..]));
        for ((about, line), by) in one_by_one.chain(of_groups.into_iter().map(|mistake| (mistake, &BY[..]))) {
            let (text, told) = line.split_once("→").unwrap_or_else(|| panic!("{line} has no arrow"));
            let errors = wrong(text.trim(), &about, by);
            let help = errors.first().and_then(|error| error.help.clone()).unwrap_or_default();
            assert_eq!(help, told.trim(), "{text}");
        }
    }
}
