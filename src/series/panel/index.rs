//! The labels of a panel's series, as small numbers, and which series carry which.
//!
//! Each name and each value is kept once. Patterns are tried on the values that exist, never on every
//! series.

use std::collections::HashMap;
use std::sync::Arc;

use super::Row;
use crate::series::{Labels, Pattern, Selector};

/// The value of a series that lacks the label.
const ABSENT: u32 = 0;

/// Labels by row.
#[derive(Clone, Debug, Default)]
pub struct Index {
    names: Vec<Name>,
    /// Rows by the numbers of their values, in the order of `names`, without absent ones at the end: so a
    /// name that comes later changes no key.
    rows: HashMap<Box<[u32]>, Row>,
}

/// One label name.
#[derive(Clone, Debug)]
struct Name {
    text: String,
    /// The values by number; the first is the absent one, which patterns see as empty.
    values: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
    /// The value of each row.
    of_row: Vec<u32>,
    /// The rows of each value, in order.
    rows: Vec<Vec<Row>>,
}

impl Name {
    fn new(text: &str, rows: usize) -> Self {
        let before = (0..rows).filter_map(|row| Row::try_from(row).ok()).collect();
        Self {
            text: text.to_owned(),
            values: vec![Arc::from("")],
            numbers: HashMap::new(),
            of_row: vec![ABSENT; rows],
            rows: vec![before],
        }
    }

    /// The number of a value, which is new where it was not yet known.
    fn number(&mut self, value: &str) -> u32 {
        if let Some(number) = self.numbers.get(value) {
            return *number;
        }
        let number = u32::try_from(self.values.len()).expect("there are at most as many values as rows, which are u32");
        let value: Arc<str> = Arc::from(value);
        self.values.push(Arc::clone(&value));
        self.numbers.insert(value, number);
        self.rows.push(Vec::new());
        number
    }

    /// For each value, whether a pattern means it.
    fn meant(&self, pattern: &Pattern) -> Vec<bool> {
        if let Some(exact) = pattern.exact() {
            let number = self.numbers.get(exact).copied();
            return (0..self.values.len()).map(|value| number.is_some_and(|number| number as usize == value)).collect();
        }
        self.values.iter().map(|value| pattern.matches(value)).collect()
    }
}

/// A label that a selector names, with the values that it means.
struct Meant<'a> {
    name: &'a Name,
    values: Vec<bool>,
    /// How many rows these values have.
    count: usize,
}

impl Index {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The row of these labels and whether it is new.
    pub fn insert(&mut self, labels: &Labels) -> (Row, bool) {
        for (name, _) in labels.iter() {
            if self.names.iter().all(|known| known.text != name) {
                self.names.push(Name::new(name, self.rows.len()));
            }
        }
        let numbers: Vec<u32> = self
            .names
            .iter_mut()
            .map(|name| labels.value(&name.text).map_or(ABSENT, |value| name.number(value)))
            .collect();
        let key = trimmed(&numbers);
        if let Some(row) = self.rows.get(key) {
            return (*row, false);
        }
        let row = Row::try_from(self.rows.len()).expect("a panel of 2^32 series fits no machine");
        self.rows.insert(Box::from(key), row);
        for (name, number) in self.names.iter_mut().zip(numbers) {
            name.of_row.push(number);
            name.rows[number as usize].push(row);
        }
        (row, true)
    }

    /// The row of these labels.
    pub fn find(&self, labels: &Labels) -> Option<Row> {
        let mut found = 0;
        let mut numbers = Vec::with_capacity(self.names.len());
        for name in &self.names {
            numbers.push(match labels.value(&name.text) {
                Some(value) => *name.numbers.get(value)?,
                None => ABSENT,
            });
            found += usize::from(labels.value(&name.text).is_some());
        }
        let all_known = found == labels.iter().count();
        self.rows.get(trimmed(&numbers)).copied().filter(|_| all_known)
    }

    /// The labels of a row.
    pub fn labels(&self, row: Row) -> Labels {
        let carried = self.names.iter().filter_map(|name| {
            let number = *name.of_row.get(row as usize)?;
            (number != ABSENT).then(|| (name.text.as_str(), &*name.values[number as usize]))
        });
        carried.collect()
    }

    /// The rows that a selector means, in order. The label with the fewest rows leads, and the others are
    /// looked up in these rows alone.
    pub fn select(&self, selector: &Selector) -> Vec<Row> {
        let Some(mut meant) = self.meant(selector) else { return Vec::new() };
        meant.sort_by_key(|meant| meant.count);
        let Some((leader, others)) = meant.split_first() else {
            return (0..self.rows.len()).filter_map(|row| Row::try_from(row).ok()).collect();
        };
        let lists = leader.name.rows.iter().zip(&leader.values).filter(|(_, meant)| **meant);
        let wanted = |row: &&Row| others.iter().all(|other| other.values[other.name.of_row[**row as usize] as usize]);
        let mut rows: Vec<Row> = lists.flat_map(|(rows, _)| rows.iter().filter(wanted)).copied().collect();
        rows.sort_unstable();
        rows
    }

    /// What each pattern means; `None` where one asks for a label that no series has.
    fn meant(&self, selector: &Selector) -> Option<Vec<Meant<'_>>> {
        let mut all = Vec::new();
        for (label, pattern) in selector.patterns() {
            let Some(name) = self.names.iter().find(|name| name.text == label) else {
                if pattern.matches("") {
                    continue;
                }
                return None;
            };
            let values = name.meant(pattern);
            let count = name.rows.iter().zip(&values).filter(|(_, meant)| **meant).map(|(rows, _)| rows.len()).sum();
            all.push(Meant { name, values, count });
        }
        Some(all)
    }

    /// The bytes, more or less, that all of this takes.
    pub fn bytes(&self) -> usize {
        let key = size_of::<(Box<[u32]>, Row)>() + self.names.len() * size_of::<u32>() + 16;
        let of_name = |name: &Name| {
            let values: usize = name.values.iter().map(|value| value.len() + 80).sum();
            let rows: usize = name.rows.iter().map(|rows| rows.capacity() * size_of::<Row>()).sum();
            values + rows + name.of_row.capacity() * size_of::<u32>()
        };
        self.rows.capacity() * key + self.names.iter().map(of_name).sum::<usize>()
    }
}

/// Without the absent values at the end.
fn trimmed(numbers: &[u32]) -> &[u32] {
    let carried = numbers.iter().rposition(|number| *number != ABSENT).map_or(0, |last| last + 1);
    &numbers[..carried]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn any_labels() -> impl Strategy<Value = Labels> {
        let pair = (select(vec!["feed", "hs", "partner"]), select(vec!["", "CN", "US", "8505", "850511", "2805"]));
        prop::collection::vec(pair, 0..4).prop_map(|pairs| pairs.into_iter().collect())
    }

    fn any_selector() -> impl Strategy<Value = Selector> {
        let text = select(vec!["CN", "US", "!CN", "8505*", "!8505*", "*", "XX", "2805"]);
        let pattern = prop::collection::vec(text, 1..3).prop_map(|texts| Pattern::parse(texts).unwrap());
        let label = select(vec!["feed".to_owned(), "hs".to_owned(), "partner".to_owned(), "nowhere".to_owned()]);
        prop::collection::vec((label, pattern), 0..4).prop_map(Selector::new)
    }

    proptest! {
        /// The index finds what trying the selector on every series finds; rows keep their labels.
        #[test]
        fn the_index_finds_what_a_search_finds(all in prop::collection::vec(any_labels(), 0..40), selector in any_selector()) {
            let mut index = Index::default();
            let mut rows: Vec<Labels> = Vec::new();
            for labels in all {
                let (row, new) = index.insert(&labels);
                prop_assert_eq!(new, !rows.contains(&labels));
                if new {
                    rows.push(labels.clone());
                }
                prop_assert_eq!(&rows[row as usize], &labels);
            }
            prop_assert_eq!(index.len(), rows.len());
            for (row, labels) in (0..).zip(&rows) {
                prop_assert_eq!(&index.labels(row), labels);
                prop_assert_eq!(index.find(labels), Some(row));
            }
            let meant: Vec<Row> = (0..).zip(&rows).filter(|(_, labels)| selector.matches(labels)).map(|(row, _)| row).collect();
            prop_assert_eq!(index.select(&selector), meant);
        }
    }

    #[test]
    fn labels_that_no_series_has_are_not_found() {
        let mut index = Index::default();
        index.insert(&[("feed", "a")].into_iter().collect());
        assert_eq!(index.find(&[("feed", "b")].into_iter().collect()), None);
        assert_eq!(index.find(&[("feed", "a"), ("hs", "1")].into_iter().collect()), None);
        assert_eq!(index.find(&Labels::default()), None);
    }
}
