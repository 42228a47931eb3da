//! What is asked of the store to be shown: in pages, and by readers that nobody waits for.

use std::fmt;
use std::sync::Arc;

use super::{DeliveryState, Store, StoreError};
use crate::alert::{Alert, Transition};
use crate::base::clock::Timestamp;
use crate::rule::Severity;
use crate::series::Selector;

/// A part of what there is, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T, N> {
    /// This part.
    pub items: Vec<T>,
    /// Where the next part begins; `None` after the last.
    pub next: Option<N>,
    /// How many there are in all parts together; `None` where nobody counted.
    pub total: Option<usize>,
}

/// Something that is asked of an alert.
pub type AlertTest = Arc<dyn Fn(&Alert) -> bool + Send + Sync>;

/// Which alerts are asked for: the gravest first, of equal ones the youngest.
#[derive(Clone, Default)]
pub struct AlertQuery {
    /// Only those that fire, or only those that do not.
    pub firing: Option<bool>,
    /// Only those that wait for a figure, or only those that do not.
    pub held: Option<bool>,
    /// Only data alerts, or only those of rules.
    pub data: Option<bool>,
    /// Only those of a rule.
    pub rule: Option<String>,
    /// Only those that fire with a severity.
    pub severity: Option<Severity>,
    /// Whatever else is asked of an alert; it is read to be asked, so that all of the others are read to count.
    pub only: Option<AlertTest>,
    /// Where the part begins, as the one before said.
    pub from: Option<AlertPlace>,
    /// How many at most.
    pub limit: usize,
}

/// A place in the list of alerts: after the one that stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertPlace {
    /// How grave that one is: 0 where it does not fire.
    pub gravity: i64,
    /// Since when, in milliseconds.
    pub since: i64,
    /// Its id.
    pub id: String,
}

impl AlertPlace {
    /// Reads what its `Display` wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let (gravity, since) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Self { gravity, since, id: parts.next()?.to_owned() })
    }
}

impl fmt::Display for AlertPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.gravity, self.since, self.id)
    }
}

/// How many alerts there are of one rule in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertCount {
    /// The rule's name; of a data alert the name in its place.
    pub rule: String,
    /// How bad they are; `None` where they do not fire.
    pub severity: Option<Severity>,
    /// Whether they wait for a figure.
    pub held: bool,
    /// How many.
    pub count: usize,
}

/// A transition as a line of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Recent {
    /// The transition.
    pub transition: Transition,
    /// The title of its message.
    pub title: String,
}

/// Which series are asked for: in the order of feeds and labels.
#[derive(Clone, Debug, Default)]
pub struct SeriesQuery {
    /// Only those of a feed.
    pub feed: Option<String>,
    /// Only those with such labels.
    pub selector: Selector,
    /// Only those with all of these words somewhere in names or values of labels, in whatever case.
    pub text: String,
    /// How many of them stand before the part.
    pub offset: usize,
    /// How many at most.
    pub limit: usize,
}

/// Which deliveries are asked for: the newest first.
#[derive(Clone, Debug, Default)]
pub struct DeliveryQuery {
    /// Only those in a state.
    pub state: Option<DeliveryState>,
    /// Only those of which an attempt failed, or that were given up.
    pub failed: bool,
    /// Only those to a receiver.
    pub receiver: Option<String>,
    /// Only those of a rule's alerts.
    pub rule: Option<String>,
    /// Only those of the alert with that id.
    pub alert: Option<String>,
    /// Where the part begins, as the one before said.
    pub from: Option<i64>,
    /// How many at most.
    pub limit: usize,
}

/// How many deliveries there are to one receiver in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryCount {
    /// The receiver.
    pub receiver: String,
    /// Their state.
    pub state: DeliveryState,
    /// How many.
    pub count: usize,
}

/// How large the store is.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StoreSize)]
pub struct Facts {
    /// The number of its schema.
    pub schema: i32,
    /// Bytes of the database.
    pub file_bytes: u64,
    /// Bytes of the write-ahead log: what is not in the database yet, and what is left to be written over.
    pub log_bytes: u64,
    /// When the log was last brought into the database; `None` of a copy in memory.
    pub checkpointed_at: Option<Timestamp>,
    /// Series, those included that their feeds no longer have in that unit or frequency.
    pub series: usize,
    /// Figures that are known now: what pulls said they added, summed up.
    pub observations: usize,
    /// Figures that were revised since: the same.
    pub revisions: usize,
    /// Alerts that were ever written.
    pub alerts: usize,
    /// Their transitions.
    pub transitions: usize,
    /// Deliveries that there ever were, also those that are sent or forgotten.
    pub deliveries: usize,
}

impl Store {
    /// The same store for reading alone: its calls run on connections and threads of their own, so that they wait for
    /// no change and delay none. Each sees one moment. A change is refused, and so is a read of many seconds. It ends
    /// with the store that it was asked of; of a copy in memory it is the copy itself.
    pub async fn reader(&self) -> Result<Self, StoreError> {
        match self {
            Self::Sqlite(store) => store.reader().await.map(Self::Sqlite),
            Self::Postgres(store) => store.reader().map(Self::Postgres),
        }
    }

    /// A number that is another once anything was committed, by whomever, and the same for all readers. It means
    /// nothing to another opening of the store. On a server what is done in other databases may change it, too.
    pub async fn version(&self) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(store) => store.version().await,
            Self::Postgres(store) => store.version().await,
        }
    }

    /// How large the store is.
    pub async fn facts(&self) -> Result<Facts, StoreError> {
        match self {
            Self::Sqlite(store) => store.facts().await,
            Self::Postgres(store) => store.facts().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back() {
        let place = AlertPlace { gravity: 3, since: 1_760_000_000_000, id: "01ab".to_owned() };
        assert_eq!(place.to_string(), "3.1760000000000.01ab");
        assert_eq!(AlertPlace::parse(&place.to_string()), Some(place));
        for text in ["", "3", "3.x.01ab", "3.1", "x.1.a", "99999999999999999999.1.a"] {
            assert_eq!(AlertPlace::parse(text), None, "{text}");
        }
    }
}
