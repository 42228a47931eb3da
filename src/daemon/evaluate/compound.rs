//! Groups and derived series, judged each by its own history.
//!
//! Their parts may come from several feeds, whose pulls are worked out in no common order: how far they were
//! looked at stands with each alert.

use super::report::Assessed;
use super::{Evaluation, Outcome};
use crate::assess::{Sight, assess};
use crate::catalogue::Catalogue;
use crate::rule::Rule;
use crate::rule::roster::Subject;
use crate::series::PullId;
use crate::store::{SeriesRef, StoreError};

impl Evaluation<'_> {
    /// Judges the groups and derived series of which a pull changed a part, each once; all of them where no
    /// pull is named.
    pub(super) async fn compound(
        &self,
        rules: &[&Rule],
        changed: Option<(PullId, &[SeriesRef])>,
        outcome: &mut Outcome,
    ) -> Result<(), StoreError> {
        if !Catalogue::is_needed(self.setup) {
            return Ok(());
        }
        let store = &self.context.store;
        let catalogue = Catalogue::new(self.setup, store).await?;
        let touched = changed.map(|(_, changed)| catalogue.touched(changed));
        for rule in rules {
            let is_touched = |subject: &Subject| touched.as_ref().is_none_or(|touched| subject.is_among(touched));
            for subject in catalogue.compound(rule).into_iter().filter(is_touched) {
                let past = catalogue.past(store, &subject, changed.map(|(until, _)| until)).await?;
                let sight = |history| {
                    let (now, zone) = (self.context.clock.now(), catalogue.zone(&subject));
                    Sight { rule, history, until: past.until, now, zone }
                };
                match &past.history {
                    Ok(history) => self.subject(sight(history), outcome).await?,
                    Err(misfit) => {
                        self.assessed(Assessed::not_judged(rule, subject.labels, misfit.to_string()), outcome);
                    }
                }
            }
        }
        Ok(())
    }

    /// Judges one group or derived series.
    async fn subject(&self, sight: Sight<'_>, outcome: &mut Outcome) -> Result<(), StoreError> {
        let Sight { rule, history, until, .. } = sight;
        let stored = self.context.store.alert(&rule.name, history.labels()).await?;
        let before = self.before((rule, None), history, until, stored);
        if before.alert.seen > until {
            // Looking at everything, or another feed's pull, got ahead of this pull's task.
            return Ok(());
        }
        let assessment = assess(sight, &before.alert);
        let changed = assessment.changed;
        self.settle(rule, before, assessment, changed, outcome);
        Ok(())
    }
}
