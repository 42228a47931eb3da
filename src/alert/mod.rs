//! Alerts: what follows from a rule's verdicts over time. One alert per rule and series, with a
//! state, episodes, and numbered transitions.
//!
//! Nothing here knows the syntax of rules, or whom to tell.

mod hush;
mod matcher;
mod step;

use std::fmt;

use sha2::{Digest, Sha256};

pub use hush::{Acknowledgement, Hush, Hushed, Hushes, Silence};
pub use matcher::{Matcher, Topic};
pub use step::{Change, Condition, Occasion, condition, step, worst};

use crate::base::clock::Timestamp;
use crate::base::text::hex;
use crate::period::Period;
use crate::rule::Severity;
use crate::series::{Labels, PullId};

/// One alert as the store keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// The rule's name.
    pub rule: String,
    /// The series' labels.
    pub labels: Labels,
    /// Whether it fires.
    pub state: State,
    /// Why its state is held as it was, while the rule's verdict is unknown.
    pub held: Option<String>,
    /// The number of its last transition; 0 before the first.
    pub number: u32,
    /// The number of its latest episode; 0 before the first.
    pub episode: u32,
    /// The latest period that was assessed.
    pub assessed: Option<Period>,
    /// The feed's last pull that was taken into account.
    pub seen: PullId,
    /// The hash of the rule that judged.
    pub rule_hash: String,
    /// How often the store has written it; a write names the version that it read.
    pub version: i64,
}

/// Whether an alert fires.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Nothing to tell.
    Ok,
    /// Supply is at risk.
    Firing(Firing),
}

/// What is remembered of an open episode.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Firing {
    /// How bad it is.
    pub severity: Severity,
    /// The period at which the episode began.
    pub since: Period,
    /// The title of the opening message: what was said.
    pub said: String,
    /// When it was said.
    pub said_at: Timestamp,
    /// When the last message of the episode was made.
    pub told_at: Timestamp,
    /// Who got the opening message, and so gets the closing one.
    pub receivers: Vec<String>,
    /// Who is still to be told of the beginning, or that it became worse: it was kept back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owed: Vec<String>,
}

impl Alert {
    /// An alert of which nothing is known: its history until pull `seen` has been there before the rule.
    pub fn new(rule: &str, labels: Labels, rule_hash: &str, seen: PullId) -> Self {
        Self {
            rule: rule.to_owned(),
            labels,
            state: State::Ok,
            held: None,
            number: 0,
            episode: 0,
            assessed: None,
            seen,
            rule_hash: rule_hash.to_owned(),
            version: 0,
        }
    }

    /// A stable short name: the first 16 hex digits of the SHA-256 of rule and labels.
    pub fn id(&self) -> String {
        alert_id(&self.rule, &self.labels)
    }

    /// The same after a look that changed nothing: it reached to pull `seen`, at which the history's latest
    /// period was `latest`.
    #[must_use]
    pub fn looked(self, seen: PullId, latest: Option<Period>) -> Self {
        Self { seen, assessed: self.assessed.max(latest), ..self }
    }

    /// Whether it neither fires nor waits for a figure.
    pub const fn is_quiet(&self) -> bool {
        matches!(self.state, State::Ok) && self.held.is_none()
    }

    /// Whether it is a data alert, of the program's own work, and no rule's: no name of the config has a colon.
    pub fn is_data(&self) -> bool {
        is_data(&self.rule)
    }

    /// Whether it fires.
    pub const fn is_firing(&self) -> bool {
        matches!(self.state, State::Firing(_))
    }
}

/// A feed's pulls fail, in the place of a rule's name.
pub const FEED_FAILING: &str = "feed:failing";
/// A feed's figure is overdue, in the place of a rule's name.
pub const FEED_OVERDUE: &str = "feed:overdue";
/// A receiver is disabled, or fails for too long, in the place of a rule's name.
pub const RECEIVER_FAILING: &str = "receiver:failing";
/// Messages to a receiver were given up, in the place of a rule's name.
pub const DELIVERY_DEAD: &str = "delivery:dead";
/// Every name that a data alert has in the place of a rule's.
pub const DATA_ALERTS: [&str; 4] = [FEED_FAILING, FEED_OVERDUE, RECEIVER_FAILING, DELIVERY_DEAD];

/// See [`Alert::is_data`].
fn is_data(rule: &str) -> bool {
    rule.contains(':')
}

/// Whether an alert is of a rule or of the program's own work, in a word: `market`, `data`.
pub fn kind(rule: &str) -> &'static str {
    matcher::KINDS[usize::from(is_data(rule))]
}

/// See [`Alert::id`].
pub fn alert_id(rule: &str, labels: &Labels) -> String {
    let digest = Sha256::digest(format!("{rule}\n{}", labels.key()).as_bytes());
    hex(&digest[..8])
}

/// What kind of change a transition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It began.
    Fired,
    /// It still fires at a newer period.
    Continued,
    /// It became worse.
    Escalated,
    /// It became milder.
    Eased,
    /// It ended, by a newer period.
    Resolved,
    /// It ended or began because a known figure was revised.
    Corrected,
    /// It ended because its rule or its series is gone, or the rule means something else now.
    Lapsed,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::Fired, Self::Continued, Self::Escalated, Self::Eased, Self::Resolved, Self::Corrected, Self::Lapsed];

    /// The word: `fired`, `continued`, …
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fired => "fired",
            Self::Continued => "continued",
            Self::Escalated => "escalated",
            Self::Eased => "eased",
            Self::Resolved => "resolved",
            Self::Corrected => "corrected",
            Self::Lapsed => "lapsed",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What brought a transition about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A newer period was published.
    Published,
    /// A known period was revised.
    Revised,
    /// The rule looked at a history for the first time.
    RuleAdded,
    /// The rule is no longer in the config.
    RuleRemoved,
    /// The rule means something else now.
    RuleEdited,
    /// The feed or the series that it was about is gone.
    SeriesGone,
    /// Nothing was published, and time went by.
    TimePassed,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 7] = [
        Self::Published,
        Self::Revised,
        Self::RuleAdded,
        Self::RuleRemoved,
        Self::RuleEdited,
        Self::SeriesGone,
        Self::TimePassed,
    ];

    /// The word: `published`, `revised`, …
    pub const fn name(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Revised => "revised",
            Self::RuleAdded => "rule_added",
            Self::RuleRemoved => "rule_removed",
            Self::RuleEdited => "rule_edited",
            Self::SeriesGone => "series_gone",
            Self::TimePassed => "time_passed",
        }
    }
}

/// One change of an alert, kept for ever.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    /// The rule's name.
    pub rule: String,
    /// The series' labels.
    pub labels: Labels,
    /// Counts an alert's transitions from 1.
    pub number: u32,
    /// The episode that it belongs to, counted from 1.
    pub episode: u32,
    /// What kind of change.
    pub kind: Kind,
    /// What brought it about.
    pub cause: Cause,
    /// How bad it is, or was.
    pub severity: Severity,
    /// The period that was judged; `None` when nothing was (the rule is gone).
    pub period: Option<Period>,
    /// The pull that brought it about, where one did.
    pub pull: Option<PullId>,
    /// When it was found.
    pub at: Timestamp,
}
