//! What probes take of publishers' quotas: they are asked on behalf of the store that the copy was made from.

use std::collections::BTreeMap;

use super::Session;
use crate::base::text::counted;
use crate::config::Setup;
use crate::feed::{Feed, Quota};
use crate::store::Store;

/// What was spent before some feeds are probed, by the accounts for which somebody counts.
pub struct Spent(BTreeMap<String, (Quota, u32)>);

impl Spent {
    /// As a copy of the store has it.
    pub async fn before(
        copy: &Store,
        feeds: impl IntoIterator<Item = &Feed>,
        session: &Session,
    ) -> anyhow::Result<Self> {
        let mut accounts = BTreeMap::new();
        for pace in feeds.into_iter().map(Feed::pace) {
            let Some(quota) = pace.quota else { continue };
            let before = copy.spent(&pace.account, quota.window.around(session.clock.now()).0).await?;
            accounts.insert(pace.account, (quota, before));
        }
        Ok(Self(accounts))
    }

    /// Counts the requests that were made in the store itself, where there is one.
    pub async fn pay(&self, copy: &Store, session: &Session, setup: &Setup) -> anyhow::Result<()> {
        let mut bill = Vec::new();
        for (account, (quota, before)) in &self.0 {
            let (since, _) = quota.window.around(session.clock.now());
            let made = copy.spent(account, since).await?.saturating_sub(*before);
            bill.extend((made > 0).then_some((account, since, made)));
        }
        if bill.is_empty() || !setup.state.is_there() {
            return Ok(());
        }
        let store = Store::open_beside(&setup.state, session.clock.now()).await?;
        for (account, since, made) in bill {
            for _ in 0..made {
                store.spend(account, since, u32::MAX).await?;
            }
            tracing::debug!(account, "{} counted", counted(made as usize, "request"));
        }
        store.close().await?;
        Ok(())
    }
}
