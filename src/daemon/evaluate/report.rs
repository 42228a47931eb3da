//! What an evaluation came to, for whoever asked for it: a log, a dry run, a summary.

use tracing::{info, warn};

use crate::alert::Alert;
use crate::assess::{Assessment, reasons};
use crate::daemon::notice::notices;
use crate::outbox::Message;
use crate::rule::{Gate, Judgement, Rejudged, Rule, Verdict};
use crate::series::Labels;

/// What an evaluation came to.
#[derive(Debug, Default)]
pub struct Evaluated {
    /// What was judged with its evidence, unless it was forgotten once it was in the log.
    pub assessed: Vec<Assessed>,
    /// How many of them are in the log.
    pub(super) logged: usize,
    /// How many were judged with their evidence and stored.
    pub judged: usize,
    /// How many alerts changed, and that is stored.
    pub(super) changed: usize,
    /// How many alerts were found quiet, and left so, without.
    pub quiet: usize,
    /// How many alerts were told without a change, as nothing keeps them back any more.
    pub told_late: usize,
    /// Whether someone else got ahead somewhere: not everything has been looked at.
    pub fenced: bool,
}

impl Evaluated {
    /// Both together.
    pub fn extend(&mut self, other: Self) {
        self.assessed.extend(other.assessed);
        self.logged = self.assessed.len();
        self.judged += other.judged;
        self.changed += other.changed;
        self.quiet += other.quiet;
        self.told_late += other.told_late;
        self.fenced |= other.fenced;
    }

    /// Whether there is anything to deliver.
    pub fn tells(&self) -> bool {
        self.told_late > 0 || self.changed > 0
    }

    /// The changes that there were.
    pub fn transitions(&self) -> impl Iterator<Item = &Message> {
        self.assessed.iter().filter_map(|assessed| assessed.transition.as_ref())
    }

    /// What was judged until now is stored: says in the log which alerts changed. Whoever `forgets` keeps only what
    /// the notices are made of.
    pub fn stored(&mut self, forgets: bool) {
        let new = &mut self.assessed[self.logged..];
        self.judged += new.len();
        for message in new.iter().filter_map(|assessed| assessed.transition.as_ref()) {
            self.changed += 1;
            info!(
                rule = message.alert.rule,
                alert = message.alert.id,
                transition = message.kind.name(),
                number = message.number,
                period = message.period,
                "alert changed"
            );
        }
        if forgets {
            new.iter_mut().for_each(Assessed::forget);
            self.assessed.retain(|assessed| assessed.rejudged.is_some());
        }
        self.logged = self.assessed.len();
    }

    /// Someone else got ahead: says so in the log.
    pub fn fenced(&mut self) {
        warn!("evaluation was fenced: the rules or another process got ahead; it is repeated");
        self.fenced = true;
    }

    /// Says in the log on how much of the past revisions changed a verdict.
    pub fn log_notices(&self) {
        for notice in notices(&self.assessed) {
            info!(
                rule = notice.rule,
                series = notice.series,
                periods = notice.rejudged.periods,
                first = %notice.rejudged.first,
                last = %notice.rejudged.last,
                at_least = notice.rejudged.at_least,
                "a revision changed the verdict on past periods"
            );
        }
    }
}

/// What one rule says of one series.
#[derive(Clone, Debug)]
pub struct Assessed {
    /// The rule.
    pub rule: String,
    /// The series.
    pub labels: Labels,
    /// The period judged; `None` while there is no figure.
    pub period: Option<String>,
    /// `holds`, `fails` or `unknown`.
    pub verdict: &'static str,
    /// Why it is unknown.
    pub reason: Option<String>,
    /// The net change with its message, if there is one.
    pub transition: Option<Message>,
    /// Who is told.
    pub receivers: Vec<String>,
    /// The gates.
    pub gates: Vec<Gate>,
    /// How many measures `min_base` kept quiet.
    pub kept_quiet: usize,
    /// The past periods on which revisions changed the verdict.
    pub rejudged: Option<Rejudged>,
}

impl Assessed {
    /// What an assessment says, and who is told of it.
    pub fn new(rule: &Rule, assessment: &Assessment<'_>, receivers: Vec<String>) -> Self {
        let Assessment { alert: Alert { labels, .. }, judgement, transition, rejudged, .. } = assessment;
        let verdict = judgement.as_ref().map(|judgement| &judgement.verdict);
        Self {
            rule: rule.name.clone(),
            labels: labels.clone(),
            period: judgement.as_ref().map(|judgement| judgement.period.to_string()),
            verdict: verdict.map_or("unknown", Verdict::name),
            reason: match (verdict, judgement) {
                (Some(Verdict::Unknown(_)), Some(judgement)) => Some(reasons(judgement)),
                (None, _) | (_, None) => Some("there is no figure yet".to_owned()),
                (Some(Verdict::Holds | Verdict::Fails), Some(_)) => None,
            },
            transition: transition.as_ref().map(|(_, message)| message.clone()),
            receivers,
            kept_quiet: judgement.as_ref().map_or(0, Judgement::kept_quiet),
            gates: judgement.as_ref().map(|judgement| judgement.gates.clone()).unwrap_or_default(),
            rejudged: *rejudged,
        }
    }

    /// Leaves the evidence out.
    fn forget(&mut self) {
        (self.transition, self.gates, self.receivers) = (None, Vec::new(), Vec::new());
    }

    /// What is said of a subject that no rule can judge.
    pub fn not_judged(rule: &Rule, labels: Labels, reason: String) -> Self {
        warn!(rule = rule.name, %labels, reason, "a group cannot be judged");
        Self {
            rule: rule.name.clone(),
            labels,
            period: None,
            verdict: "unknown",
            reason: Some(reason),
            kept_quiet: 0,
            transition: None,
            receivers: Vec::new(),
            gates: Vec::new(),
            rejudged: None,
        }
    }
}
