//! Alerts that have nothing to stand on any more: their rule, feed or series is gone, or means something else.

use std::collections::BTreeMap;

use super::settle::is_about;
use super::{Evaluation, Outcome};
use crate::alert::{Alert, Cause};
use crate::catalogue::{Catalogue, feed};
use crate::period::Frequency;
use crate::series::Labels;
use crate::store::StoreError;

/// The series that there are, each with its frequency.
type Series = BTreeMap<Labels, Frequency>;

impl<'a> Evaluation<'a> {
    /// Ends the firing alerts whose rule or series is gone, or whose rule means something else now.
    pub(super) async fn lapse_gone(&self) -> Result<(), StoreError> {
        let mut firing = self.context.store.alerts().await?;
        firing.retain(Alert::is_firing);
        if firing.is_empty() {
            return Ok(());
        }
        let series = self.context.store.series().await?;
        let series: Series = series.into_iter().map(|series| (series.labels, series.frequency)).collect();
        let compound = self.standing().await?;
        let cause = |alert: &Alert| self.gone(alert, &series, &compound);
        let lapsed = firing.iter().filter_map(|alert| self.lapsed(alert, cause(alert)?));
        let mut outcome = Outcome { settled: lapsed.collect(), ..Outcome::default() };
        self.commit(&mut [], &mut outcome).await?;
        Ok(())
    }

    /// The groups and derived series that there are, by rule.
    async fn standing(&self) -> Result<BTreeMap<&'a str, Series>, StoreError> {
        let mut standing = BTreeMap::new();
        if Catalogue::is_needed(self.setup) {
            let catalogue = Catalogue::new(self.setup, &self.context.store).await?;
            for rule in &self.setup.rules {
                let subjects = catalogue.compound(rule).into_iter();
                let known = subjects.map(|subject| (subject.labels.clone(), catalogue.frequency(&subject))).collect();
                standing.insert(rule.name.as_str(), known);
            }
        }
        Ok(standing)
    }

    /// Why an alert has nothing to stand on any more.
    fn gone(&self, alert: &Alert, series: &Series, compound: &BTreeMap<&str, Series>) -> Option<Cause> {
        let of_feed = |name| feed(self.setup, name).is_some();
        if alert.is_data() {
            let of_receiver = |name: &str| self.setup.receivers.iter().any(|receiver| receiver.name == name);
            let stands = match alert.labels.value("receiver") {
                // A feed's figures may have any label, so one that is named as a receiver is not taken for one.
                Some(name) if alert.labels.value("feed").is_none() => of_receiver(name),
                _ => alert.labels.value("feed").is_some_and(of_feed),
            };
            return (!stands).then_some(Cause::SeriesGone);
        }
        let Some(rule) = self.setup.rules.iter().find(|rule| rule.name == alert.rule) else {
            return Some(Cause::RuleRemoved);
        };
        if rule.hash != alert.rule_hash {
            return Some(Cause::RuleEdited);
        }
        let one_by_one = rule.selector.group_by().is_empty() && rule.selector.matches(&alert.labels);
        let stored = (one_by_one && alert.labels.value("feed").is_some_and(of_feed)).then(|| series.get(&alert.labels));
        let compound = || compound.get(rule.name.as_str())?.get(&alert.labels);
        let stands = stored.flatten().or_else(compound).is_some_and(|frequency| is_about(alert, *frequency));
        (!stands).then_some(Cause::SeriesGone)
    }
}
