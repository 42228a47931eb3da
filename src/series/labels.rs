//! Labels: what a series is a series of.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::text::printable;

/// Sorted `key=value` pairs, the feed's name among them under `feed`.
///
/// By convention: `feed`, `reporter`, `partner`, `flow`, `hs`, `measure`, `grade`, `market`.
/// Printed as `{feed="china-magnets", partner="US"}`, with control characters escaped. Copies are shared: a pull
/// has many figures of each series.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, utoipa::ToSchema)]
#[schema(value_type = BTreeMap<String, String>)]
pub struct Labels(Arc<BTreeMap<String, String>>);

impl Labels {
    /// The value of a label.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Sets a label.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        Arc::make_mut(&mut self.0).insert(name.into(), value.into());
    }

    /// Only some of them.
    #[must_use]
    pub fn only(&self, names: &[String]) -> Self {
        self.iter().filter(|(name, _)| names.iter().any(|wanted| wanted == name)).collect()
    }

    /// Where the pairs lie: shared copies, and nothing else while any of them is there, have the same place.
    pub fn place(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }

    /// The pairs, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The canonical text that the store uses as a key: JSON with sorted names.
    pub fn key(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads what [`Labels::key`] wrote.
    pub fn from_key(key: &str) -> Option<Self> {
        serde_json::from_str(key).ok()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(Arc::new(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect()))
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_ref().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(deserializer).map(|pairs| Self(Arc::new(pairs)))
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs: Vec<String> =
            self.iter().map(|(name, value)| format!("{}=\"{}\"", printable(name), printable(value))).collect();
        write!(f, "{{{}}}", pairs.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sorted_and_printed_safely() {
        let labels: Labels = [("partner", "US"), ("feed", "a\nb")].into_iter().collect();
        assert_eq!(labels.to_string(), r#"{feed="a\u{a}b", partner="US"}"#);
        assert_eq!(Labels::from_key(&labels.key()), Some(labels));
    }

    #[test]
    fn a_copy_that_is_changed_leaves_the_others_alone() {
        let labels: Labels = [("partner", "US")].into_iter().collect();
        let mut other = labels.clone();
        other.set("partner", "DE");
        assert_eq!((labels.value("partner"), other.value("partner")), (Some("US"), Some("DE")));
    }
}
