//! What is kept: vintages, alerts with their transitions, and the outbox, behind one interface.
//!
//! The store keeps and fences; it neither judges figures nor sends messages. Times are arguments, so
//! that tests own the clock. Only the files in here know SQL.

#[cfg(test)]
pub mod contract;
mod delivery;
mod delta;
mod error;
mod pull;
mod reading;
mod sqlite;
mod upkeep;
mod work;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc::Receiver;

pub use delivery::{DeliveryRecord, DeliveryState, Ended, Gathers, Leased, Owed, Place, Room, Taking};
pub use error::StoreError;
pub use pull::{Appended, FailedPull, FeedState, Holding, NewPull, Piece, PullOutcome, PullRecord, SeriesRef, Summary};
pub use reading::{AlertCount, AlertPlace, AlertQuery, DeliveryCount, DeliveryQuery, Facts, Page, Recent, SeriesQuery};
pub use upkeep::{Backup, Carried, Checkup, Damage, Progress, Restored, Vacuumed};
pub use work::{Claim, Committed, Forgotten, Holder, Lease, Look, Settled, Task};

use crate::alert::{Acknowledgement, Alert, Hushed, Silence, Transition};
use crate::base::clock::Timestamp;
use crate::outbox::{Attempt, Message, Standing};
use crate::series::{History, Labels, PullId, Row, Unit};
use sqlite::Sqlite;

/// Where the store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// An SQLite file.
    Sqlite(PathBuf),
}

impl Location {
    /// Whether there is a store yet.
    pub fn is_there(&self) -> bool {
        match self {
            Self::Sqlite(path) => path.exists(),
        }
    }
}

/// The store. Cheap to clone; every clone is the same store.
#[derive(Clone)]
pub enum Store {
    /// Embedded.
    Sqlite(Sqlite),
}

impl Store {
    /// Opens (and creates or migrates) the store and takes it for this process. Refused with a clear
    /// error: a store that another process has, a newer schema, a damaged or foreign file.
    pub async fn open(location: &Location, now: Timestamp) -> Result<Self, StoreError> {
        match location {
            Location::Sqlite(path) => Sqlite::open(path, now).await.map(Self::Sqlite),
        }
    }

    /// Opens an existing store beside the daemon that may have it, for one short change by hand
    /// (`deliveries retry`): no ownership is taken, writers wait for each other.
    pub async fn open_beside(location: &Location, now: Timestamp) -> Result<Self, StoreError> {
        match location {
            Location::Sqlite(path) => Sqlite::open_beside(path, now).await.map(Self::Sqlite),
        }
    }

    /// Opens a copy in memory: what is written to it is gone with it, and the original is only read.
    /// A store that does not exist yet is an empty copy. Works while a daemon has the original.
    pub async fn open_copy(location: &Location, now: Timestamp) -> Result<Self, StoreError> {
        match location {
            Location::Sqlite(path) => Sqlite::open_copy(path, now).await.map(Self::Sqlite),
        }
    }

    /// The same of a store that is there: without one, an error says so.
    pub async fn open_live_copy(location: &Location, now: Timestamp) -> Result<Self, StoreError> {
        match location {
            Location::Sqlite(path) => Sqlite::open_live_copy(path, now).await.map(Self::Sqlite),
        }
    }

    /// Writes what is outstanding to the file itself and lets go of it.
    pub async fn close(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => store.close().await,
        }
    }

    /// Checkpoints the write-ahead log when it is long or old; its errors are final like any other.
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => store.checkpoint().await,
        }
    }

    /// Cuts every call off after so many, the first of them after it was done when `done`: for tests.
    #[cfg(test)]
    pub fn crash_after(&self, calls: u32, done: bool) {
        match self {
            Self::Sqlite(sqlite) => sqlite.crash_after(calls, done),
        }
    }

    /// Lets no time of a paused runtime go by while the store works, nor wait for the disk: for tests.
    #[cfg(test)]
    pub async fn stand_still(&self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.stand_still().await,
        }
    }

    /// A random name made with the store; ids of deliveries depend on it.
    pub fn id(&self) -> &str {
        match self {
            Self::Sqlite(store) => store.id(),
        }
    }

    /// Makes the rules known and says from which pull on each looks at what is new: 0 for a rule that is
    /// there before any data; the newest pull of all for one that comes (or changes its hash) later.
    /// Rules that are not named are forgotten, and how far any rule has looked at a feed that is not.
    pub async fn register_rules(
        &self,
        rules: Vec<(String, String)>,
        feeds: Vec<String>,
    ) -> Result<BTreeMap<String, PullId>, StoreError> {
        match self {
            Self::Sqlite(store) => store.register_rules(rules, feeds).await,
        }
    }

    /// How far each rule has looked at each feed, in their order.
    pub async fn looks(&self) -> Result<Vec<Look>, StoreError> {
        match self {
            Self::Sqlite(store) => store.looks().await,
        }
    }

    /// What is remembered of a feed.
    pub async fn feed(&self, feed: &str) -> Result<FeedState, StoreError> {
        match self {
            Self::Sqlite(store) => store.feed(feed).await,
        }
    }

    /// Every feed that the store knows, by name.
    pub async fn feeds(&self) -> Result<BTreeMap<String, FeedState>, StoreError> {
        match self {
            Self::Sqlite(store) => store.feeds().await,
        }
    }

    /// The pulls of a feed that answered or failed, newest first; one to which the publisher said that nothing
    /// is new is none of them.
    pub async fn pulls(&self, feed: &str, limit: usize) -> Result<Vec<PullRecord>, StoreError> {
        match self {
            Self::Sqlite(store) => store.pulls(feed, limit).await,
        }
    }

    /// What there is of a feed.
    pub async fn holding(&self, feed: &str) -> Result<Holding, StoreError> {
        match self {
            Self::Sqlite(store) => store.holding(feed).await,
        }
    }

    /// Claims a feed for a pull.
    pub async fn lease_feed(
        &self,
        feed: &str,
        holder: &Holder,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Claim<Lease>, StoreError> {
        match self {
            Self::Sqlite(store) => store.lease_feed(feed, holder, now, ttl).await,
        }
    }

    /// Lets go of a feed.
    pub async fn release_feed(&self, lease: &Lease) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => store.release_feed(lease).await,
        }
    }

    /// The units of a feed's series, by labels.
    pub async fn units(&self, feed: &str) -> Result<HashMap<Labels, Option<Unit>>, StoreError> {
        match self {
            Self::Sqlite(store) => store.units(feed).await,
        }
    }

    /// How many requests an account has made since a window began.
    pub async fn spent(&self, account: &str, since: Timestamp) -> Result<u32, StoreError> {
        match self {
            Self::Sqlite(store) => store.spent(account, since).await,
        }
    }

    /// Counts one request of an account within the window that began at `since`; `false`, and nothing is
    /// counted, where `calls` were made already.
    pub async fn spend(&self, account: &str, since: Timestamp, calls: u32) -> Result<bool, StoreError> {
        match self {
            Self::Sqlite(store) => store.spend(account, since, calls).await,
        }
    }

    /// Stores a pull whole, with its evaluation task, or not at all.
    ///
    /// A row that says what is known adds nothing. A row for a known period with another value or
    /// status adds a vintage. A vintage's time is the row's publication where it has one that is not
    /// in the future and is later than the vintage that it replaces, else `retrieved_at`. Rows of one
    /// pull for one span with different publications are successive vintages.
    pub async fn append(&self, lease: &Lease, pull: NewPull, rows: Vec<Row>) -> Result<Claim<Appended>, StoreError> {
        match self {
            Self::Sqlite(store) => store.append(lease, pull, rows).await,
        }
    }

    /// Stores a pull that comes in pieces, like [`Store::append`]: whole, once [`Piece::End`] has come, or not
    /// at all where the sender goes away before (`Claim::Finished`). It is history brought by hand: what is
    /// remembered of the feed for its next pull stays as it is, and `sha256`, `bytes` and the refusals are those
    /// of the summary. Among rows of one span without a publication the last one counts.
    pub async fn import(
        &self,
        lease: &Lease,
        pull: NewPull,
        pieces: Receiver<Piece>,
    ) -> Result<Claim<Appended>, StoreError> {
        match self {
            Self::Sqlite(store) => store.import(lease, pull, pieces).await,
        }
    }

    /// Records that the publisher has nothing new (304, or the same bytes): the feed is well.
    pub async fn unchanged(
        &self,
        lease: &Lease,
        now: Timestamp,
        next_due_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => store.unchanged(lease, now, next_due_at).await,
        }
    }

    /// Records that a pull failed or was set aside; the earlier data stand.
    pub async fn fail(&self, lease: &Lease, pull: FailedPull) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => store.fail(lease, pull).await,
        }
    }

    /// Claims the oldest evaluation task whose feed has none before it.
    pub async fn lease_task(&self, holder: &Holder, now: Timestamp, ttl: Duration) -> Result<Option<Task>, StoreError> {
        match self {
            Self::Sqlite(store) => store.lease_task(holder, now, ttl).await,
        }
    }

    /// Gives a task back that was not done, so that it need not run out; one that is no longer ours stays as it is.
    pub async fn release_task(&self, task: &Task) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => store.release_task(task).await,
        }
    }

    /// The series that a pull changed.
    pub async fn changed(&self, pull: PullId) -> Result<Vec<SeriesRef>, StoreError> {
        match self {
            Self::Sqlite(store) => store.changed(pull).await,
        }
    }

    /// Every series, in the order of feeds and labels.
    pub async fn series(&self) -> Result<Vec<SeriesRef>, StoreError> {
        match self {
            Self::Sqlite(store) => store.series().await,
        }
    }

    /// A feed's newest pull that changed anything; 0 when there is none.
    pub async fn newest_pull(&self, feed: &str) -> Result<PullId, StoreError> {
        match self {
            Self::Sqlite(store) => store.newest_pull(feed).await,
        }
    }

    /// Some series with every vintage up to a pull, and the provenance of each; one history for each
    /// series, in their order. It is one piece of work for the store: ask for some thousands at a time.
    pub async fn histories(&self, series: &[SeriesRef], until: PullId) -> Result<Vec<History>, StoreError> {
        match self {
            Self::Sqlite(store) => store.histories(series, until).await,
        }
    }

    /// One alert, if it was ever written.
    pub async fn alert(&self, rule: &str, labels: &Labels) -> Result<Option<Alert>, StoreError> {
        Ok(self.alerts_of(rule, [labels]).await?.pop().flatten())
    }

    /// A rule's alerts on some series, for each as far as it was ever written, in their order.
    pub async fn alerts_of(
        &self,
        rule: &str,
        series: impl IntoIterator<Item = &Labels>,
    ) -> Result<Vec<Option<Alert>>, StoreError> {
        let keys = series.into_iter().map(Labels::key).collect();
        match self {
            Self::Sqlite(store) => store.alerts_of(rule, keys).await,
        }
    }

    /// Every alert, in the order of rules and labels.
    pub async fn alerts(&self) -> Result<Vec<Alert>, StoreError> {
        match self {
            Self::Sqlite(store) => store.alerts().await,
        }
    }

    /// The transitions of an alert with their messages, oldest first.
    pub async fn transitions(&self, rule: &str, labels: &Labels) -> Result<Vec<(Transition, Message)>, StoreError> {
        match self {
            Self::Sqlite(store) => store.transitions(rule, labels).await,
        }
    }

    /// The alerts that fire, in the order of rules and labels.
    pub async fn firing(&self) -> Result<Vec<Alert>, StoreError> {
        match self {
            Self::Sqlite(store) => store.firing().await,
        }
    }

    /// How many alerts of each rule that has any wait for a figure and do not fire.
    pub async fn waiting(&self) -> Result<BTreeMap<String, usize>, StoreError> {
        match self {
            Self::Sqlite(store) => store.waiting().await,
        }
    }

    /// What kept messages of an alert's transitions back, by the transitions' numbers.
    pub async fn hushed(&self, rule: &str, labels: &Labels) -> Result<BTreeMap<u32, Hushed>, StoreError> {
        match self {
            Self::Sqlite(store) => store.hushed(rule, labels).await,
        }
    }

    /// Adds a silence; the same with its number.
    pub async fn add_silence(&self, silence: Silence) -> Result<Silence, StoreError> {
        match self {
            Self::Sqlite(store) => store.add_silence(silence).await,
        }
    }

    /// Every silence, also those that are over, oldest first.
    pub async fn silences(&self) -> Result<Vec<Silence>, StoreError> {
        match self {
            Self::Sqlite(store) => store.silences().await,
        }
    }

    /// Ends a silence now, if it is not over; `None` where none has the number.
    pub async fn expire_silence(&self, id: i64, now: Timestamp) -> Result<Option<Silence>, StoreError> {
        match self {
            Self::Sqlite(store) => store.expire_silence(id, now).await,
        }
    }

    /// Notes that somebody knows of an episode; `false` where the alert no longer fires in it.
    pub async fn acknowledge(&self, known: Acknowledgement) -> Result<bool, StoreError> {
        match self {
            Self::Sqlite(store) => store.acknowledge(known).await,
        }
    }

    /// The acknowledgements of episodes that go on.
    pub async fn acknowledgements(&self) -> Result<Vec<Acknowledgement>, StoreError> {
        match self {
            Self::Sqlite(store) => store.acknowledgements().await,
        }
    }

    /// Stores what a task came to, how far the rules have looked with it, and that the task is done, in
    /// one transaction, or nothing of it. Without a task (start, reload) it is fenced by the versions of
    /// looks and alerts alone.
    pub async fn commit(
        &self,
        task: Option<&Task>,
        looks: Vec<Look>,
        settled: Vec<Settled>,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        match self {
            Self::Sqlite(store) => store.commit(task, looks, settled, now).await,
        }
    }

    /// Stores what a part of a task came to while the rest is still worked out: who begins the task anew finds
    /// it done.
    pub async fn commit_part(
        &self,
        task: &Task,
        settled: Vec<Settled>,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        match self {
            Self::Sqlite(store) => store.commit_part(task, settled, now).await,
        }
    }

    /// Claims due deliveries of receivers that have places, the oldest of each (receiver, alert) first and only it,
    /// puts behind each what is to be told with it, and records the beginning of an attempt for each in the same
    /// transaction.
    pub async fn lease_due(&self, taking: &Taking, places: &[Place]) -> Result<Vec<Leased>, StoreError> {
        match self {
            Self::Sqlite(store) => store.lease_due(taking, places).await,
        }
    }

    /// Records how attempts ended, as [`Store::record`] does, and then claims what is due, as [`Store::lease_due`]
    /// does, in one transaction. A receiver that has no room of its own is sent one message at a time: nobody knows it
    /// any more.
    pub async fn turn(
        &self,
        ended: Vec<Ended>,
        taking: &Taking,
        rooms: BTreeMap<String, Room>,
    ) -> Result<(Vec<bool>, Vec<Leased>), StoreError> {
        match self {
            Self::Sqlite(store) => store.turn(ended, taking, rooms).await,
        }
    }

    /// What waits for the rest of its bundle waits no longer: all of it is stored.
    pub async fn complete_bundles(&self, now: Timestamp) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => store.complete_bundles(now).await,
        }
    }

    /// The receivers that have pending deliveries.
    pub async fn pending_receivers(&self) -> Result<Vec<String>, StoreError> {
        match self {
            Self::Sqlite(store) => store.pending_receivers().await,
        }
    }

    /// Records how attempts ended and what follows, and how their receivers stand then, in one transaction; for
    /// each, `false` when its lease was lost meanwhile.
    pub async fn record(&self, ended: Vec<Ended>) -> Result<Vec<bool>, StoreError> {
        match self {
            Self::Sqlite(store) => store.record(ended).await,
        }
    }

    /// How the receivers stand that were ever sent anything.
    pub async fn receivers(&self) -> Result<BTreeMap<String, Standing>, StoreError> {
        match self {
            Self::Sqlite(store) => store.receivers().await,
        }
    }

    /// What each receiver is owed that has not all of it.
    pub async fn owed(&self) -> Result<BTreeMap<String, Owed>, StoreError> {
        match self {
            Self::Sqlite(store) => store.owed().await,
        }
    }

    /// Enables disabled receivers, all of them or one; their names.
    pub async fn enable_receivers(&self, only: Option<&str>) -> Result<Vec<String>, StoreError> {
        match self {
            Self::Sqlite(store) => store.enable_receivers(only).await,
        }
    }

    /// Gives up what waits for a receiver since before then and is not under way; how many messages.
    pub async fn give_up(&self, receiver: &str, before: Timestamp) -> Result<usize, StoreError> {
        match self {
            Self::Sqlite(store) => store.give_up(receiver, before).await,
        }
    }

    /// Lets a whole receiver rest until then.
    #[cfg(test)]
    pub async fn pause_receiver(&self, receiver: &str, until: Timestamp) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => store.pause_receiver(receiver, until).await,
        }
    }

    /// When the next delivery is due, if any is pending, except for some receivers.
    pub async fn next_delivery_at(&self, except: Vec<String>) -> Result<Option<Timestamp>, StoreError> {
        match self {
            Self::Sqlite(store) => store.next_delivery_at(except).await,
        }
    }

    /// Deliveries, newest first; only dead ones and those with a failed attempt when `failed`.
    pub async fn deliveries(&self, failed: bool, limit: usize) -> Result<Vec<DeliveryRecord>, StoreError> {
        match self {
            Self::Sqlite(store) => store.deliveries(failed, limit).await,
        }
    }

    /// The attempts of a delivery, oldest first; one without an end began and was cut off.
    pub async fn attempts(&self, delivery: &str) -> Result<Vec<(u32, Timestamp, Option<Attempt>)>, StoreError> {
        match self {
            Self::Sqlite(store) => store.attempts(delivery).await,
        }
    }

    /// Takes a step in forgetting what was over before then: how deliveries were attempted, deliveries that are over, which
    /// series pulls changed, and pulls that changed nothing. Kept are what is pending, what belongs to an alert that fires
    /// or fired since, the beginning of each thread at its receiver, and the last pulls of each feed. Nothing is left to
    /// be done where nothing was forgotten.
    pub async fn forget(&self, before: Timestamp) -> Result<Forgotten, StoreError> {
        match self {
            Self::Sqlite(store) => store.forget(before).await,
        }
    }

    /// Makes a dead or pending delivery due now, with its patience renewed; `None` for an unknown id.
    pub async fn retry_delivery(&self, delivery: &str, now: Timestamp) -> Result<Option<DeliveryRecord>, StoreError> {
        match self {
            Self::Sqlite(store) => store.retry_delivery(delivery, now).await,
        }
    }
}
