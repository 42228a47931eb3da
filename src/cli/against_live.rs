//! What edited rules would do to the daemon's own alerts: of each rule what it opens, closes and leaves.
//!
//! Two states are held against each other, that of the store and that of a copy of it on which the rules of
//! the config were judged. The messages between the two are plain `dry-run`'s.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Format, Session};
use crate::alert::{Alert, Firing, State};
use crate::base::text::printable;
use crate::config::Setup;
use crate::daemon::Assessed;
use crate::store::{Store, StoreError};

/// What becomes of one alert that fired before or fires after.
struct Moved {
    alert: Alert,
    before: Option<Firing>,
    after: Option<Firing>,
    /// Whether what fires is another episode than what fired: the rule was edited, or it ended in between.
    anew: bool,
    /// The last thing that would be said of it; nothing where nothing would.
    title: Option<String>,
    /// The transition of that.
    transition: Option<&'static str>,
}

/// What a rule does to its alerts.
#[derive(Default)]
struct Change {
    opens: Vec<Moved>,
    closes: Vec<Moved>,
    stays: Vec<Moved>,
    /// How many series or groups it means.
    series: usize,
    in_config: bool,
}

/// The difference, rule by rule: those of the config in its order, then those that are gone.
pub struct Difference(Vec<(String, Change)>);

impl Difference {
    /// Holds the alerts as they were before against those in the store.
    pub async fn new(
        setup: &Setup,
        store: &Store,
        before: Vec<Alert>,
        looked: &[Assessed],
    ) -> Result<Self, StoreError> {
        let mut known: BTreeMap<String, Alert> = BTreeMap::new();
        known.extend(before.into_iter().map(|alert| (alert.id(), alert)));
        let mut changes: BTreeMap<String, Change> = BTreeMap::new();
        for alert in store.alerts().await? {
            if alert.is_data() {
                continue;
            }
            let was = known.remove(&alert.id());
            let Some(moved) = moved(store, was, alert).await? else { continue };
            let change = changes.entry(moved.alert.rule.clone()).or_default();
            match (&moved.before, &moved.after) {
                (None, _) => change.opens.push(moved),
                (Some(_), None) => change.closes.push(moved),
                (Some(_), Some(_)) => change.stays.push(moved),
            }
        }
        let mut all = Vec::new();
        for rule in &setup.rules {
            let change = changes.remove(&rule.name).unwrap_or_default();
            let subjects: BTreeSet<_> =
                looked.iter().filter(|seen| seen.rule == rule.name).map(|seen| &seen.labels).collect();
            all.push((rule.name.clone(), Change { series: subjects.len(), in_config: true, ..change }));
        }
        all.extend(changes);
        Ok(Self(all))
    }

    /// The same of one rule alone.
    pub fn only(&mut self, rule: &str) {
        self.0.retain(|(name, _)| name == rule);
    }

    /// Says it on standard output.
    pub fn show(&self, session: &Session) -> anyhow::Result<()> {
        match session.format {
            Format::Text => session.print(&self.text()),
            Format::Json => self.lines().iter().try_for_each(|line| session.line(line)),
        }
    }

    fn text(&self) -> String {
        let mut lines = Vec::new();
        for (rule, change) in &self.0 {
            lines.push(format!("{}: {}", printable(rule), change.sum()));
            for (verb, moved) in change.each() {
                lines.push(format!("  {verb:<7}{}: {}", moved.alert.labels, moved.what()));
            }
        }
        let [opens, closes, stays] = self.counts();
        let rules = crate::base::text::counted(self.0.len(), "rule");
        lines.push(format!("{rules} against the live state: opens {opens}, closes {closes}, stays {stays}"));
        lines.join("\n")
    }

    fn lines(&self) -> Vec<Value> {
        let rule = |(rule, change): &(String, Change)| {
            let of = |moved: &[Moved]| moved.iter().map(Moved::json).collect::<Vec<_>>();
            json!({
                "type": "rule", "rule": rule, "in_config": change.in_config, "series": change.series,
                "opens": of(&change.opens), "closes": of(&change.closes), "stays": of(&change.stays),
            })
        };
        let mut lines: Vec<Value> = self.0.iter().map(rule).collect();
        let [opens, closes, stays] = self.counts();
        lines.push(json!({"type": "summary", "opens": opens, "closes": closes, "stays": stays}));
        lines
    }

    fn counts(&self) -> [usize; 3] {
        let sum = |count: fn(&Change) -> usize| self.0.iter().map(|(_, change)| count(change)).sum();
        [sum(|change| change.opens.len()), sum(|change| change.closes.len()), sum(|change| change.stays.len())]
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
        true => store.transitions(&alert.rule, &alert.labels).await?.pop(),
        false => None,
    };
    let (title, transition) = last.map(|(transition, message)| (message.title, transition.kind.name())).unzip();
    Ok(Some(Moved { anew: alert.episode != episode, alert, before, after, title, transition }))
}

fn firing(alert: &Alert) -> Option<Firing> {
    match &alert.state {
        State::Ok => None,
        State::Firing(firing) => Some(firing.clone()),
    }
}

impl Change {
    fn sum(&self) -> String {
        let (opens, closes, stays) = (self.opens.len(), self.closes.len(), self.stays.len());
        let why = match (self.in_config, self.series) {
            (false, _) => " (not in the config any more)",
            (true, 0) => " (matches no series)",
            (true, _) => "",
        };
        format!("opens {opens}, closes {closes}, stays {stays}{why}")
    }

    fn each(&self) -> impl Iterator<Item = (&'static str, &Moved)> {
        let opens = self.opens.iter().map(|moved| ("opens", moved));
        let closes = self.closes.iter().map(|moved| ("closes", moved));
        opens.chain(closes).chain(self.stays.iter().map(|moved| ("stays", moved)))
    }
}

impl Moved {
    fn what(&self) -> String {
        let title = self.title.as_deref().unwrap_or_default();
        let (Some(before), Some(after)) = (&self.before, &self.after) else { return title.to_owned() };
        let mut told = if self.anew {
            format!("ends and begins anew, since {}", after.since)
        } else {
            format!("firing since {}", after.since)
        };
        if before.severity != after.severity {
            told.push_str(&format!(", {} → {}", before.severity, after.severity));
        }
        if let Some(reason) = &self.alert.held {
            told.push_str(&format!(", held: {reason}"));
        }
        match &self.title {
            Some(title) => format!("{told}: {title}"),
            None => told,
        }
    }

    fn json(&self) -> Value {
        let severity = |firing: &Option<Firing>| firing.as_ref().map(|firing| firing.severity);
        json!({
            "id": self.alert.id(), "labels": self.alert.labels, "before": severity(&self.before),
            "after": severity(&self.after), "since": self.after.as_ref().or(self.before.as_ref()).map(|f| f.since),
            "anew": self.anew && self.before.is_some() && self.after.is_some(), "held": self.alert.held,
            "transition": self.transition, "title": self.title,
        })
    }
}
