//! Who works on the store: the replicas that share a database, and whether they mean the same.

use std::collections::BTreeMap;

use crate::base::clock::Timestamp;
use crate::store::{Colleague, Store, StoreError};

/// A process that works on a store which several share.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Replica)]
pub struct ReplicaShown {
    /// Its name in leases: its process and a random number.
    #[schema(example = "1234-9f86d081")]
    pub id: String,
    /// The machine on which it runs.
    pub host: String,
    /// The program's version.
    #[schema(example = "0.1.0")]
    pub version: String,
    /// Whether it has been heard of lately; else the others take over what it holds.
    pub alive: bool,
    /// When it came, by the database's clock.
    pub started_at: Timestamp,
    /// For how many seconds it has said nothing.
    pub silent_seconds: f64,
    /// Silent for so many seconds, it holds nothing any more.
    pub lease_seconds: f64,
    /// By how many seconds its clock is ahead of the database's; behind, where that is negative.
    pub clock_ahead_seconds: f64,
    /// What its configuration means, as a hash.
    #[schema(example = "9f86d081884c")]
    pub config: String,
    /// Whether that is another than most of those have that are alive. Where none is the most common, all differ.
    pub config_differs: bool,
    /// The feeds that it pulls at this moment.
    pub feeds: Vec<String>,
    /// How many pulls it evaluates at this moment.
    pub evaluating: usize,
    /// How many deliveries are under way with it.
    pub sending: usize,
}

impl ReplicaShown {
    /// How far its clock is ahead, to a tenth of a second and without a zero below zero.
    pub fn clock(&self) -> String {
        format!("{:+.1} s", (self.clock_ahead_seconds * 10.0).round() / 10.0 + 0.0)
    }
}

/// Those that work on the store, in the order in which they came; none of a file, which one process has.
pub async fn replicas(store: &Store) -> Result<Vec<ReplicaShown>, StoreError> {
    Ok(shown(store.replicas().await?))
}

fn shown(all: Vec<Colleague>) -> Vec<ReplicaShown> {
    let common = common(&all);
    let seconds = |milliseconds: i64| milliseconds as f64 / 1000.0;
    let shown = |replica: Colleague| ReplicaShown {
        alive: replica.is_alive(),
        config_differs: replica.is_alive() && common.as_ref() != Some(&replica.config),
        id: replica.id,
        host: replica.host,
        version: replica.version,
        started_at: replica.started_at,
        silent_seconds: seconds(replica.silent_ms),
        lease_seconds: seconds(replica.lease_ms),
        clock_ahead_seconds: seconds(replica.ahead_ms),
        config: replica.config,
        feeds: replica.feeds,
        evaluating: replica.tasks,
        sending: replica.deliveries,
    };
    all.into_iter().map(shown).collect()
}

/// The config that more of those that are alive have than any other.
fn common(all: &[Colleague]) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    all.iter()
        .filter(|replica| replica.is_alive())
        .for_each(|replica| *counts.entry(&replica.config).or_default() += 1);
    let most = counts.values().copied().max()?;
    let mut those = counts.iter().filter(|(_, count)| **count == most);
    match (those.next(), those.next()) {
        (Some((config, _)), None) => Some((*config).to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replica(id: &str, config: &str, silent_ms: i64) -> Colleague {
        Colleague {
            id: id.to_owned(),
            host: "watch-1".to_owned(),
            version: "1".to_owned(),
            config: config.to_owned(),
            started_at: Timestamp::from_millis(0),
            silent_ms,
            lease_ms: 15_000,
            ahead_ms: -1500,
            feeds: vec!["magnets".to_owned()],
            tasks: 2,
            deliveries: 3,
        }
    }

    /// The ids of those whose config is marked.
    fn differing(all: Vec<Colleague>) -> Vec<String> {
        shown(all).into_iter().filter(|replica| replica.config_differs).map(|replica| replica.id).collect()
    }

    #[test]
    fn the_config_that_few_have_is_marked_and_where_none_is_common_all_are() {
        let (a, b, c) = (replica("a", "x", 0), replica("b", "x", 0), replica("c", "y", 0));
        assert_eq!(differing(vec![a.clone(), b.clone()]), Vec::<String>::new());
        assert_eq!(differing(vec![a.clone(), b.clone(), c.clone()]), ["c"]);
        assert_eq!(differing(vec![a.clone(), c.clone()]), ["a", "c"]);
        // Who is silent neither counts nor is marked: it does nothing.
        assert_eq!(differing(vec![a, b, replica("d", "y", 15_001)]), Vec::<String>::new());
        assert_eq!(differing(vec![replica("d", "y", 15_001)]), Vec::<String>::new());
        assert_eq!(differing(Vec::new()), Vec::<String>::new());
    }

    #[test]
    fn times_are_in_seconds_and_silence_is_held_against_the_lease() {
        let all = shown(vec![replica("a", "x", 15_000), replica("b", "x", 15_001)]);
        assert_eq!((all[0].alive, all[1].alive), (true, false));
        assert_eq!((all[0].silent_seconds, all[0].lease_seconds, all[0].clock_ahead_seconds), (15.0, 15.0, -1.5));
        let clock = |ahead| ReplicaShown { clock_ahead_seconds: ahead, ..all[0].clone() }.clock();
        assert_eq!([-1.5, -0.04, 0.0, 90.06].map(clock), ["-1.5 s", "+0.0 s", "+0.0 s", "+90.1 s"]);
        assert_eq!((all[0].evaluating, all[0].sending), (2, 3));
    }
}
