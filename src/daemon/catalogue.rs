//! The series that there are, stored and derived, which of them a rule judges together, and their histories.
//!
//! Whoever judges a rule (the evaluate loop, a dry run, `explain`, `backtest`) asks here what its subjects
//! are; what it says of them is decided elsewhere. Derived series are not stored: they are calculated
//! anew from the stored histories whenever one of these changed.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;

use crate::config::Setup;
use crate::feed::Feed;
use crate::period::Frequency;
use crate::rule::Rule;
use crate::rule::derived::Input;
use crate::series::derive::{Misfit, group, sum};
use crate::series::{History, Labels, PullId};
use crate::store::{SeriesRef, Store, StoreError};

/// The series of a setup.
pub struct Catalogue<'a> {
    setup: &'a Setup,
    /// Stored ones first; a derived one stands behind all that it derives from.
    series: Vec<Known>,
}

/// One series.
struct Known {
    labels: Labels,
    frequency: Frequency,
    source: Source,
}

/// Where a series' figures are from.
enum Source {
    /// The store.
    Stored(SeriesRef),
    /// A formula, by its position in the setup; for each input the series that are added up for it, by
    /// their positions here.
    Derived(usize, Vec<Vec<usize>>),
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

impl Subject {
    /// Whether any of its members is among some series of the catalogue.
    pub fn is_among(&self, series: &BTreeSet<usize>) -> bool {
        self.members.iter().any(|member| series.contains(member))
    }
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
        let stored = store.series().await?.into_iter().filter(|series| feed(setup, &series.feed).is_some());
        let known = |series: SeriesRef| Known {
            labels: series.labels.clone(),
            frequency: series.frequency,
            source: Source::Stored(series),
        };
        let mut catalogue = Self { setup, series: stored.map(known).collect() };
        for definition in 0..setup.derived.len() {
            let derived = catalogue.derive(definition);
            catalogue.series.extend(derived);
        }
        Ok(catalogue)
    }

    /// The series of a definition, from those that are known so far: one for each value of its `by` labels
    /// that every input has.
    fn derive(&self, definition: usize) -> Vec<Known> {
        let derived = &self.setup.derived[definition];
        let groups: Vec<BTreeMap<Labels, Vec<usize>>> = derived.inputs.iter().map(|input| self.input(input)).collect();
        let keys: BTreeSet<&Labels> = groups.iter().flat_map(BTreeMap::keys).collect();
        let known = |key: &&Labels| {
            let whole = derived.by.iter().all(|label| key.value(label).is_some());
            let of_input =
                |(input, groups): (&Input, &BTreeMap<Labels, Vec<usize>>)| groups.get(&key.only(&input.by)).cloned();
            let inputs = derived.inputs.iter().zip(&groups).map(of_input).collect::<Option<Vec<_>>>();
            let mut labels = derived.labels.clone();
            key.iter().for_each(|(name, value)| labels.set(name, value));
            let source = Source::Derived(definition, inputs.filter(|_| whole)?);
            Some(Known { labels, frequency: derived.frequency, source })
        };
        keys.iter().filter_map(known).collect()
    }

    /// The series that an input means, by the values of its labels.
    fn input(&self, input: &Input) -> BTreeMap<Labels, Vec<usize>> {
        let mut groups: BTreeMap<Labels, Vec<usize>> = BTreeMap::new();
        let meant = self.series.iter().enumerate().filter(|(_, known)| input.selector.matches(&known.labels));
        for (index, known) in meant {
            groups.entry(known.labels.only(&input.by)).or_default().push(index);
        }
        groups
    }

    /// What a rule judges.
    pub fn subjects(&self, rule: &Rule) -> Vec<Subject> {
        let grouped = !rule.selector.group_by().is_empty();
        let groups = rule.selector.groups(self.series.iter().map(|series| &series.labels));
        groups.into_iter().map(|(labels, members)| Subject { labels, members, grouped }).collect()
    }

    /// What a rule judges that is not simply a stored series.
    pub fn compound(&self, rule: &Rule) -> Vec<Subject> {
        if !rule.selector.group_by().is_empty() {
            return self.subjects(rule);
        }
        let stored = self.series.partition_point(|known| matches!(known.source, Source::Stored(_)));
        let derived = rule.selector.groups(self.series[stored..].iter().map(|known| &known.labels)).into_iter();
        let subject = |(labels, members): (Labels, Vec<usize>)| {
            let members = members.into_iter().map(|member| stored + member).collect();
            Subject { labels, members, grouped: false }
        };
        derived.map(subject).collect()
    }

    /// The series that a pull touched: those whose figures it changed, and those that derive from them.
    pub fn touched(&self, changed: &[SeriesRef]) -> BTreeSet<usize> {
        let changed: BTreeSet<i64> = changed.iter().map(|series| series.id).collect();
        let mut touched = BTreeSet::new();
        for (index, known) in self.series.iter().enumerate() {
            let is_touched = match &known.source {
                Source::Stored(series) => changed.contains(&series.id),
                Source::Derived(_, inputs) => inputs.iter().flatten().any(|input| touched.contains(input)),
            };
            if is_touched {
                touched.insert(index);
            }
        }
        touched
    }

    /// A subject's frequency: its first member's.
    pub fn frequency(&self, subject: &Subject) -> Frequency {
        subject.members.first().map_or(Frequency::Month, |member| self.series[*member].frequency)
    }

    /// A subject's history until a pull, or until its newest.
    pub async fn past(&self, store: &Store, subject: &Subject, until: Option<PullId>) -> Result<Past, StoreError> {
        let parts = self.parts(subject);
        let until = match until {
            Some(until) => until,
            None => self.newest(store, &parts).await?,
        };
        let stored: Vec<SeriesRef> = self.stored(&parts).cloned().collect();
        let mut read = histories(self.setup, store, &stored, until).await?.into_iter();
        let mut histories: BTreeMap<usize, Result<History, Misfit>> = BTreeMap::new();
        for part in parts {
            let made = match &self.series[part].source {
                Source::Stored(_) => read.next().ok_or(Misfit::Empty),
                Source::Derived(definition, inputs) => self.calculate(part, *definition, inputs, &histories),
            };
            histories.insert(part, made);
        }
        let members = subject.members.iter().filter_map(|member| histories.remove(member));
        let history = members.collect::<Result<Vec<History>, Misfit>>().and_then(|mut members| {
            if !subject.grouped {
                return members.pop().ok_or(Misfit::Empty);
            }
            let release = self.feed(subject).and_then(|feed| feed.release.clone());
            Ok(group(subject.labels.clone(), members)?.with_release(release))
        });
        Ok(Past { history, until })
    }

    /// A derived history from those of its inputs.
    fn calculate(
        &self,
        index: usize,
        definition: usize,
        inputs: &[Vec<usize>],
        histories: &BTreeMap<usize, Result<History, Misfit>>,
    ) -> Result<History, Misfit> {
        let mut summed = Vec::new();
        for input in inputs {
            let known = input.iter().filter_map(|index| histories.get(index));
            let members = known.map(|history| history.as_ref().map_err(Clone::clone));
            let members = members.collect::<Result<Vec<&History>, Misfit>>()?;
            summed.push(match members[..] {
                [only] => Cow::Borrowed(only),
                _ => Cow::Owned(sum(Labels::default(), &members)?),
            });
        }
        let inputs: Vec<&History> = summed.iter().map(AsRef::as_ref).collect();
        self.setup.derived[definition].history(self.series[index].labels.clone(), &inputs)
    }

    /// A subject's members and all that they derive from.
    fn parts(&self, subject: &Subject) -> BTreeSet<usize> {
        let mut parts = BTreeSet::new();
        let mut left = subject.members.clone();
        while let Some(part) = left.pop() {
            if parts.insert(part)
                && let Source::Derived(_, inputs) = &self.series[part].source
            {
                left.extend(inputs.iter().flatten());
            }
        }
        parts
    }

    fn stored<'s>(&'s self, parts: &'s BTreeSet<usize>) -> impl Iterator<Item = &'s SeriesRef> {
        parts.iter().filter_map(|part| match &self.series[*part].source {
            Source::Stored(series) => Some(series),
            Source::Derived(..) => None,
        })
    }

    /// The newest pull that changed anything of the feeds of some series.
    async fn newest(&self, store: &Store, parts: &BTreeSet<usize>) -> Result<PullId, StoreError> {
        let feeds: BTreeSet<&str> = self.stored(parts).map(|series| series.feed.as_str()).collect();
        let mut newest = PullId::default();
        for feed in feeds {
            newest = newest.max(store.newest_pull(feed).await?);
        }
        Ok(newest)
    }

    /// The zone that the feeds of a subject share; else the daemon's.
    pub fn zone(&self, subject: &Subject) -> Tz {
        let parts = self.parts(subject);
        let mut zones = self.stored(&parts).filter_map(|series| feed(self.setup, &series.feed)).map(|feed| feed.zone);
        let first = zones.next().unwrap_or(self.setup.zone);
        if zones.all(|zone| zone == first) { first } else { self.setup.zone }
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
