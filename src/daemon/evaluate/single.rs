//! Stored series, judged one by one: read many at a time, sifted, and those that remain assessed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use super::settle::Before;
use super::sieve::Sieve;
use super::{CHUNK, Evaluation, Outcome};
use crate::assess::{Sight, assess};
use crate::catalogue::{feed, histories};
use crate::rule::{Rule, Verdict};
use crate::series::PullId;
use crate::store::{Look, SeriesRef, StoreError};

/// A rule, and how far it has looked at a feed.
pub type Looking<'a> = (&'a Rule, Look);

/// How far each rule has looked at each feed.
pub type Looks = BTreeMap<(String, String), Look>;

impl Evaluation<'_> {
    /// How far each rule has looked.
    pub(super) async fn looks(&self) -> Result<Looks, StoreError> {
        let looks = self.context.store.looks().await?;
        Ok(looks.into_iter().map(|look| ((look.rule.clone(), look.feed.clone()), look)).collect())
    }

    /// Those of some rules that judge series one by one, with how far each has looked at a feed.
    pub(super) fn looking<'r>(&self, rules: &[&'r Rule], name: &str, looks: &Looks) -> Vec<Looking<'r>> {
        let one_by_one = |rule: &&&Rule| rule.selector.group_by().is_empty();
        let look = |rule: &'r Rule| {
            let known = looks.get(&(rule.name.clone(), name.to_owned()));
            let (version, seen) = known.map_or((0, None), |look| (look.version, look.seen));
            // Another meaning has not looked.
            let seen = seen.filter(|_| known.is_some_and(|look| look.rule_hash == rule.hash));
            Look { rule: rule.name.clone(), feed: name.to_owned(), rule_hash: rule.hash.clone(), seen, version }
        };
        let rules = rules.iter().filter(|_| feed(self.setup, name).is_some()).filter(one_by_one);
        rules.map(|rule| (*rule, look(rule))).collect()
    }

    /// Judges series of one feed by every rule that means them, unless someone else gets ahead.
    pub(super) async fn single(
        &self,
        series: &[SeriesRef],
        until: PullId,
        looking: &[Looking<'_>],
        outcome: &mut Outcome,
    ) -> Result<(), StoreError> {
        let is_meant = |series: &&SeriesRef| looking.iter().any(|(rule, _)| rule.selector.matches(&series.labels));
        let meant: Vec<SeriesRef> = series.iter().filter(is_meant).cloned().collect();
        for series in meant.chunks(CHUNK) {
            if !outcome.evaluated.fenced {
                self.chunk(series, until, looking, outcome).await?;
            }
        }
        Ok(())
    }

    /// Judges a few thousand series.
    async fn chunk(
        &self,
        series: &[SeriesRef],
        until: PullId,
        looking: &[Looking<'_>],
        outcome: &mut Outcome,
    ) -> Result<(), StoreError> {
        let (store, now) = (&self.context.store, self.context.clock.now());
        let zone =
            series.first().and_then(|series| feed(self.setup, &series.feed)).map_or(self.setup.zone, |feed| feed.zone);
        let histories = histories(self.setup, store, series, until).await?;
        // One for rules that look at all figures, and one for those that look at final ones alone.
        let sieves = [OnceLock::new(), OnceLock::new()];
        for (rule, look) in looking {
            let meant: Vec<usize> = (0..series.len()).filter(|at| rule.selector.matches(&series[*at].labels)).collect();
            if meant.is_empty() {
                continue;
            }
            let stored = store.alerts_of(&rule.name, meant.iter().map(|at| &series[*at].labels)).await?;
            let before = |(at, stored)| (at, self.before((rule, look.seen), &histories[at], until, stored));
            let alerts: Vec<(usize, Before)> = meant.into_iter().zip(stored).map(before).collect();
            let plain = alerts.iter().filter(|(_, before)| before.is_plain()).map(|(at, before)| (*at, &before.alert));
            let sieve = &sieves[usize::from(rule.final_only)];
            let sieve = || sieve.get_or_init(|| Sieve::new(&histories, until, rule.final_only));
            let quiet = if self.sifts { sieve().quiet(rule, plain) } else { BTreeSet::new() };
            outcome.evaluated.quiet += quiet.len();
            // Their conditions fail, or they would not be left alone.
            self.context.metrics.judged(&rule.name, Verdict::Fails.name(), quiet.len());
            for (at, before) in alerts.into_iter().filter(|(at, _)| !quiet.contains(at)) {
                let sight = Sight { rule, history: &histories[at], until, now, zone };
                let assessment = assess(sight, &before.alert);
                let kept = !before.needs_no_row(&assessment, sight);
                self.settle(rule, before, assessment, kept, outcome);
                self.store_part(outcome).await?;
                if outcome.evaluated.fenced {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}
