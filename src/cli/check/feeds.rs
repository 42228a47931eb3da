//! `check --feeds`: each feed pulled once, on a copy of the state.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::super::pulled::told;
use super::super::spent::Spent;
use super::super::{Format, Session, say};
use super::{is_meant, took};
use crate::base::text::printable;
use crate::catalogue::Catalogue;
use crate::config::Setup;
use crate::daemon::{Context, Pulled, pull_all};
use crate::feed::Feed;
use crate::store::{Appended, SeriesRef, Store};

/// Pulls the feeds that are meant, several at once; whether all are well.
pub async fn probe(session: &Session, setup: &Setup, named: &[String]) -> anyhow::Result<bool> {
    let wanted = |feed: &Feed| is_meant(named, &feed.name);
    let store = session.copy(&setup.state).await?;
    let spent = Spent::before(&store, setup.feeds.iter().filter(|feed| wanted(feed)), session).await?;
    let context = Context::new(store.clone(), session.clock.clone(), setup)?;
    let pulled = pull_all(&context, setup, wanted).await?;
    spent.pay(&store, session, setup).await?;
    let known = Known::new(setup, &store).await?;
    for pulled in &pulled {
        let probed = Probed { pulled, series: known.series(&pulled.feed), rules: known.rules(&pulled.feed) };
        match session.format {
            Format::Text => probed.show(session)?,
            Format::Json => session.line(&probed.json())?,
        }
    }
    Ok(pulled.iter().all(Pulled::is_ok))
}

/// What the copy has once all are pulled.
struct Known<'a> {
    /// By feed.
    series: BTreeMap<String, Vec<SeriesRef>>,
    /// The rules that judge figures of a feed.
    rules: BTreeMap<String, Vec<&'a str>>,
}

impl<'a> Known<'a> {
    async fn new(setup: &'a Setup, store: &Store) -> anyhow::Result<Self> {
        let mut series: BTreeMap<String, Vec<SeriesRef>> = BTreeMap::new();
        for one in store.series().await? {
            series.entry(one.feed.clone()).or_default().push(one);
        }
        let catalogue = Catalogue::new(setup, store).await?;
        let mut rules: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for rule in &setup.rules {
            let subjects = catalogue.subjects(rule);
            let feeds: BTreeSet<&str> = subjects.iter().flat_map(|subject| catalogue.feeds(subject)).collect();
            feeds.into_iter().for_each(|feed| rules.entry(feed.to_owned()).or_default().push(&rule.name));
        }
        Ok(Self { series, rules })
    }

    fn series(&self, feed: &str) -> &[SeriesRef] {
        self.series.get(feed).map(Vec::as_slice).unwrap_or_default()
    }

    fn rules(&self, feed: &str) -> &[&'a str] {
        self.rules.get(feed).map(Vec::as_slice).unwrap_or_default()
    }
}

/// A feed that was pulled, and what there is of it now.
struct Probed<'a> {
    pulled: &'a Pulled,
    series: &'a [SeriesRef],
    rules: &'a [&'a str],
}

impl Probed<'_> {
    fn show(&self, session: &Session) -> anyhow::Result<()> {
        let known = if self.pulled.is_ok() { format!("; {}", self.known()) } else { String::new() };
        session.print(&format!("{}{known}; {}", told(self.pulled), took(self.pulled.took)))?;
        self.pulled.note.iter().for_each(|note| say(&format!("  {}", printable(note))));
        self.pulled.refused.iter().for_each(|refusal| say(&format!("  refused {refusal}")));
        Ok(())
    }

    /// `2 series in t, by partner and reporter; judged by magnets-falling`.
    fn known(&self) -> String {
        let (units, labels) = (self.units(), self.labels());
        let units = if units.is_empty() { "without a unit".to_owned() } else { format!("in {}", units.join(", ")) };
        let labels = if labels.is_empty() { String::new() } else { format!(", by {}", labels.join(", ")) };
        let rules = if self.rules.is_empty() { "no rule".to_owned() } else { self.rules.join(", ") };
        match self.series.len() {
            0 => "no series".to_owned(),
            count => format!("{count} series {units}{labels}; judged by {rules}"),
        }
    }

    fn units(&self) -> Vec<String> {
        let units: BTreeSet<String> =
            self.series.iter().filter_map(|series| Some(series.unit.as_ref()?.to_string())).collect();
        units.into_iter().collect()
    }

    /// The labels by which its series differ from those of other feeds and from each other.
    fn labels(&self) -> Vec<&str> {
        let names = self.series.iter().flat_map(|series| series.labels.iter().map(|(name, _)| name));
        names.filter(|name| *name != "feed").collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn json(&self) -> Value {
        let Pulled { feed, how, note, refused, refused_count, took } = self.pulled;
        let Appended { new, revised, unchanged, items, .. } = how.appended();
        json!({
            "type": "feed", "feed": feed, "ok": self.pulled.is_ok(), "outcome": how.outcome(),
            "figures": new + revised + unchanged + items,
            "refused": refused_count, "refusals": refused, "reason": how.reason(), "note": note,
            "series": self.series.len(), "units": self.units(), "labels": self.labels(), "rules": self.rules,
            "duration_ms": took.as_millis(),
        })
    }
}
