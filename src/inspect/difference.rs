//! What another config does to alerts: of each rule what it opens, closes, changes and leaves.
//!
//! Two states are held against each other: the alerts as they were before the rules of a setup were judged, and as the
//! store has them since. `check --against-live` says it beforehand, of a copy; the daemon afterwards, of what it did.

use std::collections::BTreeMap;

use crate::alert::{Alert, Firing, State};
use crate::config::Setup;
use crate::rule::Rule;
use crate::store::{Store, StoreError};

/// What becomes of one alert that fired before or fires after.
#[derive(Clone, Debug)]
pub struct Moved {
    /// As it is now.
    pub alert: Alert,
    /// How it fired before.
    pub before: Option<Firing>,
    /// How it fires now.
    pub after: Option<Firing>,
    /// Whether what fires is another episode than what fired: the rule was edited, or it ended in between.
    pub anew: bool,
    /// The last thing that is said of it; nothing where nothing is.
    pub title: Option<String>,
    /// The transition of that.
    pub transition: Option<&'static str>,
}

/// What a move comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Move {
    /// It fires, and did not.
    Opens,
    /// It fired, and does not any more.
    Closes,
    /// It fires as another episode, or with another severity.
    Changes,
    /// It fires as it did.
    Stays,
}

impl Move {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Opens, Self::Closes, Self::Changes, Self::Stays];

    /// The word: `opens`, `closes`, `changes`, `stays`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opens => "opens",
            Self::Closes => "closes",
            Self::Changes => "changes",
            Self::Stays => "stays",
        }
    }
}

impl Moved {
    /// What it comes to.
    pub fn is(&self) -> Move {
        match (&self.before, &self.after) {
            (None, _) => Move::Opens,
            (Some(_), None) => Move::Closes,
            (Some(before), Some(after)) if self.anew || before.severity != after.severity => Move::Changes,
            (Some(_), Some(_)) => Move::Stays,
        }
    }
}

/// What a rule does to its alerts.
#[derive(Clone, Debug)]
pub struct OfRule {
    /// Its name.
    pub rule: String,
    /// Those that fire or fired, in the order of what becomes of them.
    pub moved: Vec<Moved>,
    /// Whether it stands in the config.
    pub in_config: bool,
}

impl OfRule {
    /// How many alerts it opens, closes, changes and leaves.
    pub fn counts(&self) -> [usize; 4] {
        Move::ALL.map(|kind| self.moved.iter().filter(|moved| moved.is() == kind).count())
    }
}

/// The difference, rule by rule: those of the config in its order, then those that are gone.
#[derive(Clone, Debug)]
pub struct Difference {
    /// Each rule.
    pub rules: Vec<OfRule>,
}

impl Difference {
    /// Holds the alerts as they were before against those in the store, on which the rules of a setup were judged.
    pub async fn new(setup: &Setup, store: &Store, before: Vec<Alert>) -> Result<Self, StoreError> {
        let mut known: BTreeMap<String, Alert> = BTreeMap::new();
        known.extend(before.into_iter().map(|alert| (alert.id(), alert)));
        let mut changes: BTreeMap<String, Vec<Moved>> = BTreeMap::new();
        for alert in store.alerts().await?.into_iter().filter(|alert| !alert.is_data()) {
            let was = known.remove(&alert.id());
            if let Some(moved) = moved(store, was, alert).await? {
                changes.entry(moved.alert.rule.clone()).or_default().push(moved);
            }
        }
        // One after the other keeps its order.
        changes.values_mut().for_each(|moved| moved.sort_by_key(Moved::is));
        let of_config = |rule: &Rule| OfRule {
            rule: rule.name.clone(),
            moved: changes.remove(&rule.name).unwrap_or_default(),
            in_config: true,
        };
        let mut rules: Vec<OfRule> = setup.rules.iter().map(of_config).collect();
        rules.extend(changes.into_iter().map(|(rule, moved)| OfRule { rule, moved, in_config: false }));
        Ok(Self { rules })
    }

    /// The same of one rule alone.
    pub fn only(&mut self, rule: &str) {
        self.rules.retain(|of| of.rule == rule);
    }

    /// How many alerts are opened, closed, changed and left in all.
    pub fn counts(&self) -> [usize; 4] {
        let counts = self.rules.iter().map(OfRule::counts);
        counts.fold([0; 4], |sum, of| std::array::from_fn(|index| sum[index] + of[index]))
    }
}

/// Both sides of one alert; `None` where it fires on neither.
async fn moved(store: &Store, was: Option<Alert>, alert: Alert) -> Result<Option<Moved>, StoreError> {
    let (number, episode) = was.as_ref().map_or((0, 0), |was| (was.number, was.episode));
    let (before, after) = (was.as_ref().and_then(firing), firing(&alert));
    if before.is_none() && after.is_none() {
        return Ok(None);
    }
    let last = match alert.number > number {
        true => store.newest([(alert.rule.as_str(), &alert.labels)]).await?.pop().flatten(),
        false => None,
    };
    let (title, transition) = last.map(|(transition, message)| (message.title, transition.kind.name())).unzip();
    let anew = alert.episode != episode && before.is_some() && after.is_some();
    Ok(Some(Moved { anew, alert, before, after, title, transition }))
}

fn firing(alert: &Alert) -> Option<Firing> {
    match &alert.state {
        State::Ok => None,
        State::Firing(firing) => Some(firing.clone()),
    }
}
