//! Which series there are, stored and derived, what a rule judges as one, and how its figures are put together
//! from the stored ones.
//!
//! Where stored figures are kept is not known here: whoever has them (the daemon's store, a scenario) names the
//! series, asks which of them a subject needs, and hands in their histories.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::Rule;
use super::derived::{Derived, Input};
use crate::period::Frequency;
use crate::series::derive::{Misfit, group, sum};
use crate::series::{History, Labels, Selector};

/// All series, each by its position: stored ones first, in the order in which they were named; a derived one
/// stands behind all that it derives from.
pub struct Roster<'a> {
    derived: &'a [Derived],
    stored: usize,
    series: Vec<Known>,
}

/// One series.
struct Known {
    labels: Labels,
    frequency: Frequency,
    made: Option<Made>,
}

/// How a derived series is made: by which definition, and for each input of which series.
struct Made {
    definition: usize,
    inputs: Vec<Vec<usize>>,
}

/// What a rule judges as one: a series, or a group of them.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The series' labels, or the group's.
    pub labels: Labels,
    members: Vec<usize>,
    grouped: bool,
}

impl Subject {
    /// Whether any of its members is among some series.
    pub fn is_among(&self, series: &BTreeSet<usize>) -> bool {
        self.members.iter().any(|member| series.contains(member))
    }
}

impl<'a> Roster<'a> {
    /// The stored series, and what derives from them by some definitions, each of which stands behind those that it
    /// derives from.
    pub fn new(derived: &'a [Derived], stored: impl IntoIterator<Item = (Labels, Frequency)>) -> Self {
        let known = |(labels, frequency)| Known { labels, frequency, made: None };
        let series: Vec<Known> = stored.into_iter().map(known).collect();
        let mut roster = Self { derived, stored: series.len(), series };
        for definition in 0..derived.len() {
            let made = roster.derive(definition);
            roster.series.extend(made);
        }
        roster
    }

    /// The series of a definition, from those that are known so far: one for each value of its `by` labels
    /// that every input has.
    fn derive(&self, definition: usize) -> Vec<Known> {
        let derived = &self.derived[definition];
        let groups: Vec<BTreeMap<Labels, Vec<usize>>> = derived.inputs.iter().map(|input| self.input(input)).collect();
        let keys: BTreeSet<&Labels> = groups.iter().flat_map(BTreeMap::keys).collect();
        let known = |key: &&Labels| {
            let whole = derived.by.iter().all(|label| key.value(label).is_some());
            let of_input =
                |(input, groups): (&Input, &BTreeMap<Labels, Vec<usize>>)| groups.get(&key.only(&input.by)).cloned();
            let inputs = derived.inputs.iter().zip(&groups).map(of_input).collect::<Option<Vec<_>>>();
            let mut labels = derived.labels.clone();
            key.iter().for_each(|(name, value)| labels.set(name, value));
            let made = Made { definition, inputs: inputs.filter(|_| whole)? };
            Some(Known { labels, frequency: derived.frequency, made: Some(made) })
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
        self.among(rule, 0)
    }

    /// What a rule judges that is not simply a stored series.
    pub fn compound(&self, rule: &Rule) -> Vec<Subject> {
        self.among(rule, if rule.selector.group_by().is_empty() { self.stored } else { 0 })
    }

    /// What a rule judges among the series from a position on.
    fn among(&self, rule: &Rule, first: usize) -> Vec<Subject> {
        let grouped = !rule.selector.group_by().is_empty();
        let groups = rule.selector.groups(self.series[first..].iter().map(|known| &known.labels));
        let subject = |(labels, members): (Labels, Vec<usize>)| {
            let members = members.into_iter().map(|member| first + member).collect();
            Subject { labels, members, grouped }
        };
        groups.into_iter().map(subject).collect()
    }

    /// The series of a definition.
    pub fn derived(&self, definition: usize) -> Vec<Subject> {
        let is_of = |known: &Known| known.made.as_ref().is_some_and(|made| made.definition == definition);
        let of_definition = (0..).zip(&self.series).filter(|(_, known)| is_of(known));
        let subject =
            |(at, known): (usize, &Known)| Subject { labels: known.labels.clone(), members: vec![at], grouped: false };
        of_definition.map(subject).collect()
    }

    /// Of a derived series: for each input of its definition the series that are added up for it.
    pub fn inputs(&self, derived: &Subject) -> Vec<Subject> {
        let made = derived.members.first().and_then(|at| self.series[*at].made.as_ref());
        let inputs = made.into_iter().flat_map(|made| &made.inputs);
        inputs.map(|members| Subject { labels: Labels::default(), members: members.clone(), grouped: true }).collect()
    }

    /// How many series match a selector.
    pub fn count(&self, selector: &Selector) -> usize {
        self.series.iter().filter(|known| selector.matches(&known.labels)).count()
    }

    /// Some series with all that derive from them.
    pub fn touched(&self, mut changed: BTreeSet<usize>) -> BTreeSet<usize> {
        for (index, known) in self.series.iter().enumerate() {
            let inputs = known.made.iter().flat_map(|made| made.inputs.iter().flatten());
            if inputs.into_iter().any(|input| changed.contains(input)) {
                changed.insert(index);
            }
        }
        changed
    }

    /// A subject's frequency: its first member's.
    pub fn frequency(&self, subject: &Subject) -> Frequency {
        subject.members.first().map_or(Frequency::Month, |member| self.series[*member].frequency)
    }

    /// The stored series that a subject's figures come from.
    pub fn stored(&self, subject: &Subject) -> Vec<usize> {
        self.parts(subject).into_iter().filter(|part| *part < self.stored).collect()
    }

    /// A subject's members and all that they derive from.
    fn parts(&self, subject: &Subject) -> BTreeSet<usize> {
        let mut parts = BTreeSet::new();
        let mut left = subject.members.clone();
        while let Some(part) = left.pop() {
            if parts.insert(part) {
                left.extend(self.series[part].made.iter().flat_map(|made| made.inputs.iter().flatten()));
            }
        }
        parts
    }

    /// A subject's history, from those of the stored series that it comes from; with its members, where it is a
    /// group's. A group has the release calendar that its members share.
    pub fn history(&self, subject: &Subject, stored: BTreeMap<usize, History>) -> Result<History, Misfit> {
        let mut histories: BTreeMap<usize, Result<History, Misfit>> =
            stored.into_iter().map(|(index, history)| (index, Ok(history))).collect();
        for part in self.parts(subject) {
            if let Some(made) = &self.series[part].made {
                let calculated = self.calculate(part, made, &histories);
                histories.insert(part, calculated);
            }
        }
        let members = subject.members.iter().filter_map(|member| histories.remove(member));
        let mut members = members.collect::<Result<Vec<History>, Misfit>>()?;
        if !subject.grouped {
            return members.pop().ok_or(Misfit::Empty);
        }
        let shared = subject.labels.value("feed").and_then(|_| members.first()?.release().cloned());
        Ok(group(subject.labels.clone(), members)?.with_release(shared))
    }

    /// A derived history from those of its inputs.
    fn calculate(
        &self,
        index: usize,
        made: &Made,
        histories: &BTreeMap<usize, Result<History, Misfit>>,
    ) -> Result<History, Misfit> {
        let mut summed = Vec::new();
        for input in &made.inputs {
            let known = input.iter().filter_map(|index| histories.get(index));
            let members = known.map(|history| history.as_ref().map_err(Clone::clone));
            let members = members.collect::<Result<Vec<&History>, Misfit>>()?;
            summed.push(match members[..] {
                [only] => Cow::Borrowed(only),
                _ => Cow::Owned(sum(Labels::default(), &members)?),
            });
        }
        let inputs: Vec<&History> = summed.iter().map(AsRef::as_ref).collect();
        self.derived[made.definition].history(self.series[index].labels.clone(), &inputs)
    }

    /// The position of a series that is judged by itself.
    pub fn only(&self, subject: &Subject) -> Option<usize> {
        subject.members.first().copied().filter(|_| !subject.grouped)
    }

    /// The definition that a series is made by, where it is derived.
    pub fn definition(&self, subject: &Subject) -> Option<&'a Derived> {
        self.series[self.only(subject)?].made.as_ref().map(|made| &self.derived[made.definition])
    }

    /// How many series there are.
    pub fn len(&self) -> usize {
        self.series.len()
    }
}
