//! What stands in the config and has nothing to stand on in the store: rules that match no series, derived
//! series that are not there or have no figures, each with the reason.
//!
//! Feeds that were never pulled are no mistake: of what only they would bring, nothing is said.

use serde_json::{Value, json};

use super::Session;
use crate::base::limits::DERIVED_CHECKED_MAX;
use crate::base::text::{list, printable};
use crate::catalogue::Catalogue;
use crate::config::Setup;
use crate::rule::Rule;
use crate::rule::derived::{Derived, Input};
use crate::rule::roster::Subject;
use crate::series::{AsOf, History, Labels, Pattern};
use crate::store::{Store, StoreError};

/// Something that has no figures to work with.
#[derive(Debug)]
pub enum Idle {
    /// A rule that matches no series.
    Rule {
        /// Its name.
        name: String,
        /// How many series there are.
        among: usize,
    },
    /// A derived series without a figure.
    Series {
        /// The definition's name.
        name: String,
        /// The labels, where there is such a series but for its figures.
        labels: Option<Labels>,
        /// Why.
        reason: String,
    },
}

impl Idle {
    /// All of it, rules first.
    pub async fn find(setup: &Setup, store: &Store) -> Result<Vec<Self>, StoreError> {
        let catalogue = Catalogue::new(setup, store).await?;
        let finder = Finder { setup, store, catalogue, pulled: pulled(store).await? };
        let mut found: Vec<Self> = setup.rules.iter().filter_map(|rule| finder.rule(rule)).collect();
        for (position, derived) in setup.derived.iter().enumerate() {
            if derived.inputs.iter().all(|input| finder.could_be(input)) {
                found.extend(finder.derived(position, derived).await?);
            }
        }
        Ok(found)
    }

    /// The rule's name, where it is about one.
    pub fn rule(&self) -> Option<&str> {
        match self {
            Self::Rule { name, .. } => Some(name),
            Self::Series { .. } => None,
        }
    }

    /// In a sentence.
    pub fn told(&self) -> String {
        match self {
            Self::Rule { name, among } => {
                format!("rule {} matches none of the {among} series that there are so far", printable(name))
            }
            Self::Series { name, labels: None, reason } => {
                format!("derived series {} does not exist: {reason}", list([name]))
            }
            Self::Series { labels: Some(labels), reason, .. } => {
                format!("derived series {labels} has no figures: {reason}")
            }
        }
    }

    /// For a program.
    pub fn json(&self) -> Value {
        match self {
            Self::Rule { name, .. } => json!({"type": "idle", "rule": name, "reason": self.told()}),
            Self::Series { name, labels, reason } => {
                json!({"type": "idle", "series": name, "labels": labels, "reason": reason})
            }
        }
    }
}

/// The feeds that have series.
async fn pulled(store: &Store) -> Result<Vec<String>, StoreError> {
    let mut feeds: Vec<String> = store.series().await?.into_iter().map(|series| series.feed).collect();
    feeds.dedup();
    Ok(feeds)
}

struct Finder<'a> {
    setup: &'a Setup,
    store: &'a Store,
    catalogue: Catalogue<'a>,
    pulled: Vec<String>,
}

impl Finder<'_> {
    fn rule(&self, rule: &Rule) -> Option<Idle> {
        let idle = self.has_sources(rule.selector.pattern("feed")) && self.catalogue.subjects(rule).is_empty();
        idle.then(|| Idle::Rule { name: rule.name.clone(), among: self.catalogue.len() })
    }

    fn could_be(&self, input: &Input) -> bool {
        self.has_sources(input.selector.pattern("feed"))
    }

    /// Whether any of the feeds that a pattern means was pulled, or all that a derived series is made of.
    fn has_sources(&self, feed: Option<&Pattern>) -> bool {
        let meant = |name: &str| feed.is_none_or(|pattern| pattern.matches(name));
        let derived = || {
            let named = self.setup.derived.iter().filter(|derived| feed.is_some() && meant(&derived.name));
            // The definitions have an order: what one is made of stands before it.
            named.into_iter().any(|derived| derived.inputs.iter().all(|input| self.could_be(input)))
        };
        self.pulled.iter().any(|name| meant(name)) || derived()
    }

    async fn derived(&self, position: usize, derived: &Derived) -> Result<Vec<Idle>, StoreError> {
        let name = || derived.name.clone();
        let subjects = self.catalogue.derived(position);
        if subjects.is_empty() {
            return Ok(vec![Idle::Series { name: name(), labels: None, reason: self.absent(derived) }]);
        }
        let mut idle = Vec::new();
        for subject in subjects.iter().take(DERIVED_CHECKED_MAX) {
            let reason = match self.catalogue.past(self.store, subject, None).await?.history {
                Err(misfit) => misfit.to_string(),
                Ok(history) if extent(&history).is_none() => self.apart(derived, subject).await?,
                Ok(_) => continue,
            };
            idle.push(Idle::Series { name: name(), labels: Some(subject.labels.clone()), reason });
        }
        Ok(idle)
    }

    /// Why there is no series of a definition.
    fn absent(&self, derived: &Derived) -> String {
        let nothing = derived.inputs.iter().filter(|input| self.catalogue.count(&input.selector) == 0);
        let nothing: Vec<&str> = nothing.map(|input| input.name.as_str()).collect();
        if nothing.is_empty() {
            format!("no value of {} is in all of its inputs", list(&derived.by))
        } else {
            format!("no series matches {}", list(nothing))
        }
    }

    /// Why a series has no figure though its inputs go together.
    async fn apart(&self, derived: &Derived, subject: &Subject) -> Result<String, StoreError> {
        let mut told = Vec::new();
        for (input, parts) in derived.inputs.iter().zip(self.catalogue.inputs(subject)) {
            let history = self.catalogue.past(self.store, &parts, None).await?.history;
            let extent = history.ok().and_then(|history| extent(&history));
            let known = extent.unwrap_or_else(|| "has no figures".to_owned());
            told.push(format!("{} {known}", list([&input.name])));
        }
        Ok(format!("there is no period for which {} gives one: {}", list([derived.formula.text()]), told.join(", ")))
    }
}

/// From when to when a history has figures.
fn extent(history: &History) -> Option<String> {
    let view = history.view(AsOf::Latest);
    let (first, last) = view.earliest().zip(view.latest())?;
    Some(if first == last { format!("is known for {first}") } else { format!("is known from {first} to {last}") })
}

/// What was found, for the person at the terminal.
pub fn say_idle(idle: &[Idle]) {
    idle.iter().for_each(|idle| super::say(&format!("warning: {}", idle.told())));
}

/// The same, one JSON object a line.
pub fn idle_lines(session: &Session, idle: &[Idle]) -> anyhow::Result<()> {
    idle.iter().try_for_each(|idle| session.line(&idle.json()))
}
