//! The series that there are, stored and derived, which of them a rule judges together, and their histories.
//!
//! Whoever judges a rule (the evaluate loop, a dry run, `explain`, `backtest`) asks here what its subjects
//! are; what it says of them is decided elsewhere. Derived series are not stored: they are calculated
//! anew from the stored histories whenever one of these changed.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;

use crate::config::Setup;
use crate::feed::Feed;
use crate::period::Frequency;
use crate::rule::Rule;
use crate::rule::derived::Derived;
use crate::rule::roster::{Roster, Subject};
use crate::series::derive::Misfit;
use crate::series::{History, PullId, Selector};
use crate::store::{SeriesRef, Store, StoreError};

/// The series of a setup.
pub struct Catalogue<'a> {
    setup: &'a Setup,
    stored: Vec<SeriesRef>,
    /// The stored series first, in the same order.
    roster: Roster<'a>,
}

/// A subject's history, and the newest pull that it may hold.
pub struct Past {
    /// The history; with its members, where it is a group's. Where the figures do not fit together, why.
    pub history: Result<History, Misfit>,
    /// The pull.
    pub until: PullId,
}

impl<'a> Catalogue<'a> {
    /// Whether a setup has anything but rules that judge stored series one by one.
    pub fn is_needed(setup: &Setup) -> bool {
        !setup.derived.is_empty() || setup.rules.iter().any(|rule| !rule.selector.group_by().is_empty())
    }

    /// Reads which series there are.
    pub async fn new(setup: &'a Setup, store: &Store) -> Result<Self, StoreError> {
        let mut stored = store.series().await?;
        stored.retain(|series| feed(setup, &series.feed).is_some());
        let roster = Roster::new(&setup.derived, stored.iter().map(|series| (series.labels.clone(), series.frequency)));
        Ok(Self { setup, stored, roster })
    }

    /// What a rule judges.
    pub fn subjects(&self, rule: &Rule) -> Vec<Subject> {
        self.roster.subjects(rule)
    }

    /// What a rule judges that is not simply a stored series.
    pub fn compound(&self, rule: &Rule) -> Vec<Subject> {
        self.roster.compound(rule)
    }

    /// The series of a definition, by its position in the setup.
    pub fn derived(&self, definition: usize) -> Vec<Subject> {
        self.roster.derived(definition)
    }

    /// Of a derived series: for each input of its definition the series that are added up for it.
    pub fn inputs(&self, derived: &Subject) -> Vec<Subject> {
        self.roster.inputs(derived)
    }

    /// How many series match a selector.
    pub fn count(&self, selector: &Selector) -> usize {
        self.roster.count(selector)
    }

    /// The series that a pull touched: those whose figures it changed, and those that derive from them.
    pub fn touched(&self, changed: &[SeriesRef]) -> BTreeSet<usize> {
        let changed: BTreeSet<i64> = changed.iter().map(|series| series.id).collect();
        let positions = (0..).zip(&self.stored).filter(|(_, series)| changed.contains(&series.id));
        self.roster.touched(positions.map(|(position, _)| position).collect())
    }

    /// A subject's frequency: its first member's.
    pub fn frequency(&self, subject: &Subject) -> Frequency {
        self.roster.frequency(subject)
    }

    /// A subject's history until a pull, or until its newest.
    pub async fn past(&self, store: &Store, subject: &Subject, until: Option<PullId>) -> Result<Past, StoreError> {
        let until = match until {
            Some(until) => until,
            None => self.newest(store, subject).await?,
        };
        let positions = self.roster.stored(subject);
        let stored: Vec<SeriesRef> = positions.iter().map(|position| self.stored[*position].clone()).collect();
        let read = histories(self.setup, store, &stored, until).await?;
        let histories: BTreeMap<_, _> = positions.into_iter().zip(read).collect();
        Ok(Past { history: self.roster.history(subject, histories), until })
    }

    /// The newest histories of some subjects, each as [`Catalogue::past`] gives it, read in one piece: ask for some
    /// hundreds at a time.
    pub async fn pasts(&self, store: &Store, subjects: &[Subject]) -> Result<Vec<Result<History, Misfit>>, StoreError> {
        let needed: Vec<Vec<usize>> = subjects.iter().map(|subject| self.roster.stored(subject)).collect();
        let positions: BTreeSet<usize> = needed.iter().flatten().copied().collect();
        let stored: Vec<SeriesRef> = positions.iter().map(|position| self.stored[*position].clone()).collect();
        let read = histories(self.setup, store, &stored, PullId(i64::MAX)).await?;
        let read: BTreeMap<usize, History> = positions.into_iter().zip(read).collect();
        let past = |(subject, needed): (&Subject, Vec<usize>)| {
            let own = needed.into_iter().filter_map(|position| Some((position, read.get(&position)?.clone())));
            self.roster.history(subject, own.collect())
        };
        Ok(subjects.iter().zip(needed).map(past).collect())
    }

    /// The stored series that a subject's figures come from, with what their feeds say of their calendars.
    pub async fn sources(&self, store: &Store, subject: &Subject) -> Result<Vec<History>, StoreError> {
        let mut read = Vec::new();
        for series in self.stored(subject) {
            let until = store.newest_pull(&series.feed).await?;
            read.extend(histories(self.setup, store, std::slice::from_ref(series), until).await?);
        }
        Ok(read)
    }

    fn stored(&self, subject: &Subject) -> impl Iterator<Item = &SeriesRef> {
        self.roster.stored(subject).into_iter().map(|position| &self.stored[position])
    }

    /// The feeds that a subject's figures come from.
    pub fn feeds(&self, subject: &Subject) -> BTreeSet<&str> {
        self.stored(subject).map(|series| series.feed.as_str()).collect()
    }

    /// The newest pull that changed anything of the feeds of some series.
    async fn newest(&self, store: &Store, subject: &Subject) -> Result<PullId, StoreError> {
        let mut newest = PullId::default();
        for feed in self.feeds(subject) {
            newest = newest.max(store.newest_pull(feed).await?);
        }
        Ok(newest)
    }

    /// The zone that the feeds of a subject share; else the daemon's.
    pub fn zone(&self, subject: &Subject) -> Tz {
        let zone = |series: &SeriesRef| feed(self.setup, &series.feed).map(|feed| feed.zone);
        let mut zones = self.stored(subject).filter_map(zone);
        let first = zones.next().unwrap_or(self.setup.zone);
        if zones.all(|zone| zone == first) { first } else { self.setup.zone }
    }

    /// The store's number of a stored series that is judged by itself.
    pub fn number(&self, subject: &Subject) -> Option<i64> {
        self.stored.get(self.roster.only(subject)?).map(|series| series.id)
    }

    /// The definition that a series is calculated by, where it is derived.
    pub fn definition(&self, subject: &Subject) -> Option<&'a Derived> {
        self.roster.definition(subject)
    }

    /// How many series there are.
    pub fn len(&self) -> usize {
        self.roster.len()
    }
}

/// The feed of a name.
pub fn feed<'a>(setup: &'a Setup, name: &str) -> Option<&'a Feed> {
    setup.feeds.iter().find(|feed| feed.name == name)
}

/// The histories of stored series, in their order, with what their feeds say of their calendars.
pub async fn histories(
    setup: &Setup,
    store: &Store,
    series: &[SeriesRef],
    until: PullId,
) -> Result<Vec<History>, StoreError> {
    let histories = store.histories(series, until).await?.into_iter().zip(series);
    let with_calendar = |(history, series): (History, &SeriesRef)| match feed(setup, &series.feed) {
        Some(feed) => history.with_max_gap(feed.max_gap_days).with_release(feed.release.clone()),
        None => history,
    };
    Ok(histories.map(with_calendar).collect())
}
