//! The series that there are, which of them a rule judges together, and their histories.
//!
//! Whoever judges a rule (the evaluate loop, a dry run, `explain`, `backtest`) asks here what its subjects
//! are; what it says of them is decided elsewhere.

use std::collections::BTreeSet;

use chrono_tz::Tz;

use crate::config::Setup;
use crate::feed::Feed;
use crate::rule::Rule;
use crate::series::derive::{Misfit, group};
use crate::series::{History, Labels, PullId};
use crate::store::{SeriesRef, Store, StoreError};

/// The series of a setup's feeds.
pub struct Catalogue<'a> {
    setup: &'a Setup,
    series: Vec<SeriesRef>,
}

/// What a rule judges as one: a series, or a group of them.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The series' labels, or the group's.
    pub labels: Labels,
    /// Where its members stand in the catalogue.
    members: Vec<usize>,
    grouped: bool,
}

/// A subject's history, and the newest pull that it may hold.
pub struct Past {
    /// The history; with its members, where it is a group's. Where their figures have no sum, why.
    pub history: Result<History, Misfit>,
    /// The pull.
    pub until: PullId,
}

impl<'a> Catalogue<'a> {
    /// Reads which series there are.
    pub async fn new(setup: &'a Setup, store: &Store) -> Result<Self, StoreError> {
        let mut series = store.series().await?;
        series.retain(|series| setup.feeds.iter().any(|feed| feed.name == series.feed));
        Ok(Self { setup, series })
    }

    /// What a rule judges.
    pub fn subjects(&self, rule: &Rule) -> Vec<Subject> {
        let grouped = !rule.selector.group_by().is_empty();
        let groups = rule.selector.groups(self.series.iter().map(|series| &series.labels));
        groups.into_iter().map(|(labels, members)| Subject { labels, members, grouped }).collect()
    }

    /// Whether any of a subject's members is among some series.
    pub fn touches(&self, subject: &Subject, changed: &BTreeSet<i64>) -> bool {
        subject.members.iter().any(|member| changed.contains(&self.series[*member].id))
    }

    /// A subject's history until a pull, or until its newest.
    pub async fn past(&self, store: &Store, subject: &Subject, until: Option<PullId>) -> Result<Past, StoreError> {
        let until = match until {
            Some(until) => until,
            None => self.newest(store, subject).await?,
        };
        let mut members = Vec::new();
        for member in &subject.members {
            members.push(history(self.setup, store, &self.series[*member], until).await?);
        }
        let history = match (members.pop(), subject.grouped) {
            (Some(only), false) => Ok(only),
            (last, _) => {
                members.extend(last);
                group(subject.labels.clone(), members)
            }
        };
        Ok(Past { history, until })
    }

    /// The newest pull that changed anything of the feeds of a subject.
    async fn newest(&self, store: &Store, subject: &Subject) -> Result<PullId, StoreError> {
        let feeds: BTreeSet<&str> = subject.members.iter().map(|member| self.series[*member].feed.as_str()).collect();
        let mut newest = PullId::default();
        for feed in feeds {
            newest = newest.max(store.newest_pull(feed).await?);
        }
        Ok(newest)
    }

    /// The zone of the feed that a subject's members share; else the daemon's.
    pub fn zone(&self, subject: &Subject) -> Tz {
        self.feed(subject).map_or(self.setup.zone, |feed| feed.zone)
    }

    /// The feed that a subject's members share.
    pub fn feed(&self, subject: &Subject) -> Option<&'a Feed> {
        feed(self.setup, subject.labels.value("feed")?)
    }

    /// How many series there are.
    pub fn len(&self) -> usize {
        self.series.len()
    }
}

/// The feed of a name.
pub fn feed<'a>(setup: &'a Setup, name: &str) -> Option<&'a Feed> {
    setup.feeds.iter().find(|feed| feed.name == name)
}

/// A stored series' history, with what its feed says of its calendar.
pub async fn history(setup: &Setup, store: &Store, series: &SeriesRef, until: PullId) -> Result<History, StoreError> {
    let history = store.history(series, until).await?;
    Ok(match feed(setup, &series.feed) {
        Some(feed) => history.with_max_gap(feed.max_gap_days).with_release(feed.release.clone()),
        None => history,
    })
}
