//! A small world to look at: a config, a store in memory, pulls a day apart, and alerts as a look at everything
//! leaves them.

use std::time::Duration;

use super::Inspection;
use crate::alert::Alert;
use crate::assess::{Sight, assess};
use crate::base::clock::Timestamp;
use crate::catalogue::Catalogue;
use crate::config::{Environment, Setup};
use crate::outbox::Manners;
use crate::period::Span;
use crate::series::{Finite, PullId, Row, Status, Unit};
use crate::store::contract::fixture::{append_as, pull};
use crate::store::{Claim, Committed, Location, NewPull, Settled, Store};

/// The world.
pub struct World {
    _directory: tempfile::TempDir,
    pub setup: Setup,
    pub store: Store,
    pub now: Timestamp,
}

/// A feed of a frequency, in tonnes.
pub fn feed_table(name: &str, frequency: &str) -> String {
    format!(
        "[feed.{name}]\nkind = \"csv\"\npath = \"{name}.csv\"\nfrequency = \"{frequency}\"\nunit = \"t\"\n\
         columns = {{ period = \"period\", value = \"tonnes\", labels = [\"partner\"] }}\n"
    )
}

/// A rule about a feed.
pub fn rule_table(name: &str, feed: &str, body: &str) -> String {
    format!("[rule.{name}]\nseries = {{ feed = \"{feed}\" }}\n{body}\nnotify = [\"desk\"]\n")
}

/// `US 2025-08=590 2025-09=420.5; DE 2025-09=x`; `x` withdraws, `p` is preliminary.
pub fn rows(feed: &str, figures: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for series in figures.split(';').map(str::trim).filter(|series| !series.is_empty()) {
        let (partner, figures) = series.split_once(' ').unwrap_or((series, ""));
        for figure in figures.split_whitespace() {
            let (span, value) = figure.split_once('=').unwrap();
            let status = if value.ends_with('p') { Status::Preliminary } else { Status::Final };
            let value = value.trim_end_matches('p');
            let value = (value != "x").then(|| Finite::new(value.parse().unwrap()).unwrap());
            let labels = [("feed", feed), ("partner", partner)].into_iter().collect();
            let (unit, span) = (Unit::parse("t").ok(), Span::parse(span).unwrap());
            rows.push(Row { labels, unit, span, value, status, published: None });
        }
    }
    rows
}

impl World {
    /// With a config, and a receiver `desk`.
    pub async fn new(config: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("supplywatch.toml");
        std::fs::write(&path, format!("{config}[receiver.desk]\nkind = \"console\"\n")).unwrap();
        let loaded = crate::config::load(&path, &Environment::of(&[]));
        let setup = loaded.map_err(|problems| problems.render(false)).unwrap().setup;
        let now = Timestamp::parse("2026-01-20T09:00:00Z").unwrap();
        let store = Store::open_copy(&Location::Sqlite(directory.path().join("none.db")), now).await.unwrap();
        Self { _directory: directory, setup, store, now }
    }

    pub fn inspection(&self) -> Inspection<'_> {
        Inspection { setup: &self.setup, store: &self.store, now: self.now }
    }

    /// A pull of a feed, a day after the one before: see [`rows`].
    pub async fn pull(&mut self, feed: &str, figures: &str) {
        self.now = self.now.plus(Duration::from_secs(86_400));
        let rows = rows(feed, figures);
        let frequency = rows[0].span.last().frequency();
        let pull = NewPull { frequency, ..pull(feed, self.now) };
        assert!(matches!(append_as(&self.store, pull, rows).await, Claim::Taken(_)));
        self.now = self.now.plus(Duration::from_secs(60));
    }

    /// Every alert as a first look at everything leaves it.
    pub async fn assess(&self) {
        let catalogue = Catalogue::new(&self.setup, &self.store).await.unwrap();
        let mut settled = Vec::new();
        for rule in &self.setup.rules {
            for subject in catalogue.subjects(rule) {
                let past = catalogue.past(&self.store, &subject, None).await.unwrap();
                let Ok(history) = &past.history else { continue };
                let (until, now, zone) = (past.until, self.now, catalogue.zone(&subject));
                let alert = Alert::new(&rule.name, subject.labels.clone(), &rule.hash, PullId(0));
                let assessment = assess(Sight { rule, history, until, now, zone }, &alert);
                let (alert, transition) = (assessment.alert, assessment.transition);
                settled.push(Settled { alert, transition, deliveries: Vec::new(), manners: Manners::default() });
            }
        }
        let committed = self.store.commit(None, Vec::new(), settled, self.now).await.unwrap();
        assert_eq!(committed, Committed::Stored);
    }
}
